/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * NMIs and the window. All of this is on the deny list; what the handler calls besides,
 * mv_nmi_version(), can be patched and must not run while it is half written.
 *
 * The handler announces itself (handling), then looks whether NMIs are held; who holds them says
 * so, then waits for the handlers that did not see it. An NMI is first noted, then either handled
 * or left; who releases them looks for notes after that. Whatever comes in between, one of the two
 * takes the note: none is lost, none is handled twice.
 */
#include <minivisor/arch.h>

static uint32_t held; /* atomic */

MV_DENY void mv_nmi(struct mv_cpu *cpu)
{
    struct mv_nmi *nmi = &cpu->nmi;

    __atomic_store_n(&nmi->pending, 1, __ATOMIC_SEQ_CST);
    __atomic_store_n(&nmi->handling, 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&held, __ATOMIC_SEQ_CST) != 0) {
        nmi->held++;
    } else if (__atomic_exchange_n(&nmi->pending, 0, __ATOMIC_SEQ_CST) != 0) {
        nmi->version = mv_nmi_version();
        nmi->handled++;
    }
    __atomic_store_n(&nmi->handling, 0, __ATOMIC_SEQ_CST);
}

MV_DENY void mv_nmi_hold(void)
{
    uint32_t cpu;

    __atomic_store_n(&held, 1, __ATOMIC_SEQ_CST);
    for (cpu = 0; cpu < mv_cpu_count; cpu++) {
        while (__atomic_load_n(&mv_cpus[cpu].nmi.handling, __ATOMIC_SEQ_CST) != 0) {
            mv_arch_relax();
        }
    }
}

MV_DENY void mv_nmi_release(void)
{
    uint32_t cpu;

    __atomic_store_n(&held, 0, __ATOMIC_SEQ_CST);
    for (cpu = 0; cpu < mv_cpu_count; cpu++) {
        if (__atomic_load_n(&mv_cpus[cpu].nmi.pending, __ATOMIC_SEQ_CST) != 0) {
            mv_arch_send_nmi(cpu);
        }
    }
}
