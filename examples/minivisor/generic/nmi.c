/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * NMIs and the window. All of this is on the deny list; what the handler calls besides,
 * mv_nmi_version(), can be patched and must not run while it is half written.
 *
 * The handler announces itself (handling), then looks whether NMIs are held, and leaves a note when
 * they are (pending). Who holds them says so, then waits for the handlers that did not see it. Who
 * releases them says so, waits for the handlers that may have seen them held, and sends an NMI for
 * each note that he finds and takes away. So none is lost; and none is handled twice, since an NMI
 * that is handled at once leaves no note.
 */
#include <minivisor/arch.h>

static uint32_t held; /* atomic */

MV_DENY void mv_nmi(struct mv_cpu *cpu)
{
    struct mv_nmi *nmi = &cpu->nmi;

    __atomic_store_n(&nmi->handling, 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&held, __ATOMIC_SEQ_CST) != 0) {
        nmi->held++;
        __atomic_store_n(&nmi->pending, 1, __ATOMIC_SEQ_CST);
    } else {
        nmi->version = mv_nmi_version();
        nmi->handled++;
    }
    __atomic_store_n(&nmi->handling, 0, __ATOMIC_SEQ_CST);
}

static MV_DENY void wait_for_handler(uint32_t cpu)
{
    while (__atomic_load_n(&mv_cpus[cpu].nmi.handling, __ATOMIC_SEQ_CST) != 0) {
        mv_arch_relax();
    }
}

MV_DENY void mv_nmi_hold(void)
{
    uint32_t cpu;

    __atomic_store_n(&held, 1, __ATOMIC_SEQ_CST);
    for (cpu = 0; cpu < mv_cpu_count; cpu++) {
        wait_for_handler(cpu);
    }
}

MV_DENY void mv_nmi_release(void)
{
    uint32_t cpu;

    __atomic_store_n(&held, 0, __ATOMIC_SEQ_CST);
    for (cpu = 0; cpu < mv_cpu_count; cpu++) {
        wait_for_handler(cpu);
        if (__atomic_exchange_n(&mv_cpus[cpu].nmi.pending, 0, __ATOMIC_SEQ_CST) != 0) {
            mv_arch_send_nmi(cpu);
        }
    }
}
