/* SPDX-License-Identifier: BSD-2-Clause */
/* CPUs: what each sets up for itself, and how the others are started. */
#include "x86.h"

#include <string.h>

extern const uint8_t x86_trampoline[];
extern const uint32_t x86_trampoline_size;
extern const uint32_t x86_trampoline_data; /* where struct start is in it */

MV_DENY struct mv_cpu *mv_arch_self(void)
{
    struct mv_cpu *self;

    __asm__ volatile("movq %%gs:0, %0" : "=r"(self));
    return self;
}

void mv_arch_cpu_init(struct mv_cpu *cpu)
{
    cpu->self = cpu;
    x86_traps_load(cpu);
    x86_write_msr(MSR_GS_BASE, (uintptr_t)cpu);
    x86_svm_init(cpu);
    x86_apic_init();
    __asm__ volatile("sti" : : : "memory");
}

/* What a CPU finds on the trampoline's page. */
struct start {
    uint64_t tables;
    uint64_t stack;
    uint64_t cpu;
    uint64_t entry;
};

/* The page is first written, then executed; never both. */
bool mv_arch_cpu_start(struct mv_cpu *cpu)
{
    struct start start = {.tables = x86_tables(),
                          .stack = (uintptr_t)mv_stacks[cpu->id] + MV_STACK_SIZE,
                          .cpu = cpu->id,
                          .entry = (uintptr_t)mv_secondary};
    uint8_t *page = (uint8_t *)X86_TRAMPOLINE;

    mv_arch_map(X86_TRAMPOLINE, X86_TRAMPOLINE, MV_PAGE, MV_ACCESS_RW);
    mv_arch_flush_local();
    memcpy(page, x86_trampoline, x86_trampoline_size);
    memcpy(page + x86_trampoline_data, &start, sizeof(start));
    mv_arch_map(X86_TRAMPOLINE, X86_TRAMPOLINE, MV_PAGE, MV_ACCESS_RX);
    mv_arch_flush_local();
    x86_apic_start(cpu->id);
    return true;
}

void mv_arch_cpus_started(void)
{
    mv_arch_map(X86_TRAMPOLINE, X86_TRAMPOLINE, MV_PAGE, MV_ACCESS_NONE);
    mv_arch_flush_all();
}

MV_DENY uintptr_t mv_arch_interrupts_off(void)
{
    uintptr_t flags;

    __asm__ volatile("pushfq; popq %0; cli" : "=r"(flags) : : "memory");
    return flags;
}

#define FLAG_INTERRUPT 0x200u

MV_DENY void mv_arch_interrupts_restore(uintptr_t state)
{
    if ((state & FLAG_INTERRUPT) != 0) {
        __asm__ volatile("sti" : : : "memory");
    }
}

MV_DENY void mv_arch_relax(void)
{
    __asm__ volatile("pause" : : : "memory");
}
