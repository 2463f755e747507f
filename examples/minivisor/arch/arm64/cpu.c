/* SPDX-License-Identifier: BSD-2-Clause */
/* CPUs: what each sets up for itself, and how the others are started. */
#include "arm64.h"

#define MASK_INTERRUPT UINT64_C(0x80) /* DAIF.I */

/* Cycle counter: on, of 64 bits, in EL2 too. */
#define PMCR_ENABLE    UINT64_C(0x41)
#define PMCCFILTR_EL2  (UINT64_C(1) << 27)
#define PMCNTENSET_ALL (UINT64_C(1) << 31)

MV_DENY struct mv_cpu *mv_arch_self(void)
{
    return (struct mv_cpu *)(uintptr_t)ARM64_READ(tpidr_el2);
}

/* Each CPU has a cycle counter of its own: they start from the clock, which is one for all. */
static void counter_init(void)
{
    ARM64_WRITE(pmccfiltr_el0, PMCCFILTR_EL2);
    ARM64_WRITE(pmcntenset_el0, PMCNTENSET_ALL);
    ARM64_WRITE(pmcr_el0, ARM64_READ(pmcr_el0) | PMCR_ENABLE);
    ARM64_WRITE(pmccntr_el0, mv_arch_now_ns());
}

void mv_arch_cpu_init(struct mv_cpu *cpu)
{
    cpu->self = cpu;
    ARM64_WRITE(vbar_el2, (uintptr_t)arm64_vectors);
    ARM64_WRITE(tpidr_el2, (uintptr_t)cpu);
    counter_init();
    arm64_virtualisation_init();
    arm64_gic_init(cpu->id);
    __asm__ volatile("isb; msr daifclr, #2" : : : "memory");
}

/* It starts in EL2 without tables; boot.S gives it those of CPU 0, and its stack. */
bool mv_arch_cpu_start(struct mv_cpu *cpu)
{
    __asm__ volatile("dsb sy" : : : "memory");
    return arm64_psci(ARM64_PSCI_CPU_ON, cpu->id, (uintptr_t)arm64_start_secondary, cpu->id) == 0;
}

void mv_arch_cpus_started(void)
{
    /* Nothing was mapped for them: they start where the image lies. */
}

MV_DENY uintptr_t mv_arch_interrupts_off(void)
{
    uintptr_t state = ARM64_READ(daif);

    __asm__ volatile("msr daifset, #2" : : : "memory");
    return state;
}

MV_DENY void mv_arch_interrupts_restore(uintptr_t state)
{
    if ((state & MASK_INTERRUPT) == 0) {
        __asm__ volatile("msr daifclr, #2" : : : "memory");
    }
}

MV_DENY void mv_arch_relax(void)
{
    __asm__ volatile("yield" : : : "memory");
}
