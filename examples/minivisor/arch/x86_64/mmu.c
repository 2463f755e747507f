/* SPDX-License-Identifier: BSD-2-Clause */
/* The hypervisor's page tables: four levels, pages of 4 KiB. */
#include "x86.h"

#define ENTRY_PRESENT  UINT64_C(1)
#define ENTRY_WRITE    UINT64_C(2)
#define ENTRY_UNCACHED UINT64_C(0x18)
#define ENTRY_NX       (UINT64_C(1) << 63)
#define ENTRY_ADDRESS  UINT64_C(0x000ffffffffff000)

static uint64_t *root;
static uint32_t flush_requests; /* atomic */

static uint64_t entry_of(uint64_t pa, enum mv_access access)
{
    switch (access) {
    case MV_ACCESS_R:
        return pa | ENTRY_PRESENT | ENTRY_NX;
    case MV_ACCESS_RW:
        return pa | ENTRY_PRESENT | ENTRY_WRITE | ENTRY_NX;
    case MV_ACCESS_RX:
        return pa | ENTRY_PRESENT;
    case MV_ACCESS_DEVICE:
        return pa | ENTRY_PRESENT | ENTRY_WRITE | ENTRY_UNCACHED | ENTRY_NX;
    default:
        return 0;
    }
}

/* The table below an entry, made if it is not there. */
static uint64_t *next_table(uint64_t *entry)
{
    if ((*entry & ENTRY_PRESENT) == 0) {
        *entry = (uintptr_t)mv_page_alloc() | ENTRY_PRESENT | ENTRY_WRITE;
    }
    return (uint64_t *)(uintptr_t)(*entry & ENTRY_ADDRESS);
}

void mv_arch_map(uint64_t va, uint64_t pa, uint64_t size, enum mv_access access)
{
    uint64_t offset;

    if (root == NULL) {
        root = mv_page_alloc();
    }
    for (offset = 0; offset < size; offset += MV_PAGE) {
        uint64_t page = va + offset;
        uint64_t *table = root;
        unsigned shift;

        for (shift = 39; shift > 12; shift -= 9) {
            table = next_table(&table[page >> shift & 511]);
        }
        __atomic_store_n(&table[page >> 12 & 511], entry_of(pa + offset, access), __ATOMIC_RELEASE);
    }
}

void mv_arch_map_devices(void)
{
    mv_arch_map(X86_APIC, X86_APIC, MV_PAGE, MV_ACCESS_DEVICE);
    mv_arch_map(X86_TRAMPOLINE, X86_TRAMPOLINE, MV_PAGE, MV_ACCESS_NONE);
}

uint64_t x86_tables(void)
{
    return (uintptr_t)root;
}

void mv_arch_mmu_enable(void)
{
    __asm__ volatile("movq %0, %%cr3" : : "r"(x86_tables()) : "memory");
}

MV_DENY void mv_arch_flush_local(void)
{
    uint64_t tables;

    __asm__ volatile("movq %%cr3, %0; movq %0, %%cr3" : "=r"(tables) : : "memory");
}

/* On a CPU that was asked to flush: the interrupt handler. */
MV_DENY void x86_flush_served(void)
{
    uint32_t request = __atomic_load_n(&flush_requests, __ATOMIC_ACQUIRE);

    mv_arch_flush_local();
    __atomic_store_n(&mv_arch_self()->arch.flushed, request, __ATOMIC_RELEASE);
}

void mv_arch_flush_all(void)
{
    uint32_t request = __atomic_add_fetch(&flush_requests, 1, __ATOMIC_ACQ_REL);
    uint32_t cpu;

    x86_flush_served();
    x86_apic_others(X86_VECTOR_FLUSH);
    for (cpu = 0; cpu < mv_cpu_count; cpu++) {
        const struct mv_cpu *other = &mv_cpus[cpu];

        while (__atomic_load_n(&other->online, __ATOMIC_ACQUIRE) != 0 &&
               (int32_t)(__atomic_load_n(&other->arch.flushed, __ATOMIC_ACQUIRE) - request) < 0) {
            mv_arch_relax();
        }
    }
}

/* The instruction side sees what is written; a CPU that has not run it yet fetches it anew. */
void mv_arch_sync_code(uint64_t addr, uint64_t size)
{
    (void)addr;
    (void)size;
    __asm__ volatile("" : : : "memory");
}
