/* SPDX-License-Identifier: BSD-2-Clause */
/* Guests: how they begin, and the loop that each CPU is in for good. */
#include "layout.h"

#include <string.h>

#include <minivisor/arch.h>

extern const uint8_t mv_guest_code[];
extern const uint32_t mv_guest_code_size;

void mv_guest_load(struct mv_vcpu *vcpu, uint32_t id)
{
    vcpu->id = id;
    vcpu->ram = mv_guest_ram(id);
    memcpy(vcpu->ram + MV_GUEST_IMAGE, mv_guest_code, mv_guest_code_size);
    mv_arch_sync_code(mv_address(vcpu->ram) + MV_GUEST_IMAGE, mv_guest_code_size);
    mv_arch_vcpu_init(vcpu);
}

MV_DENY bool mv_must_stop(void)
{
    return (__atomic_load_n(&mv_manager.safepoint.word, __ATOMIC_RELAXED) & HP_SAFEPOINT_PHASE) !=
           0;
}

/* A CPU that the script has told to stay away stays until it is told to come back. */
static MV_DENY void stay_away(struct mv_cpu *cpu)
{
    while (__atomic_load_n(&cpu->stalled, __ATOMIC_ACQUIRE) != 0) {
        mv_arch_relax();
    }
}

/*
 * The stack is as shallow here as it gets, no lock is held, and nothing above is ever patched: the
 * place of the safe point.
 */
_Noreturn MV_DENY void mv_guest_loop(struct mv_cpu *cpu)
{
    struct mv_vcpu *vcpu = &cpu->vcpu;

    for (;;) {
        /* An emulator that runs one CPU at a time gives others their turn. */
        mv_arch_relax();
        stay_away(cpu);
        hp_safe_point(&mv_manager.safepoint);
        mv_report_passed();
        switch (mv_arch_vcpu_run(vcpu)) {
        case MV_EXIT_CALL:
            vcpu->exits++;
            mv_hypercall(vcpu);
            break;
        case MV_EXIT_INTERRUPT:
            vcpu->exits++;
            vcpu->interrupts++;
            break;
        default:
            mv_panic("guest %u: exit %lx, %lx at %lx", vcpu->id, vcpu->fault_info[0],
                     vcpu->fault_info[1], vcpu->fault_info[2]);
        }
    }
}
