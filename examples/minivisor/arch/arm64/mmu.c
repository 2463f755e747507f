/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hypervisor's page tables: stage 1 of EL2, 39 bits of address, three levels, pages of 4 KiB.
 * Arm ARM, "The AArch64 Virtual Memory System Architecture".
 */
#include "arm64.h"

#include <hotpatch/port.h>

#define ENTRY_VALID   UINT64_C(1)
#define ENTRY_TABLE   UINT64_C(3)
#define ENTRY_PAGE    UINT64_C(0x743) /* valid, AP[1] as EL2 wants it, inner shareable, accessed */
#define ENTRY_DEVICE  (UINT64_C(1) << 2) /* index 1 of the attributes */
#define ENTRY_RO      (UINT64_C(1) << 7)
#define ENTRY_XN      (UINT64_C(1) << 54)
#define ENTRY_ADDRESS UINT64_C(0x0000fffffffff000)

#define ATTRIBUTES UINT64_C(0x04ff) /* 0: write-back memory, 1: device, nGnRE */
/* T0SZ 25, write-back and inner shareable walks, 4 KiB, 40 bits of physical address; ones. */
#define CONTROL UINT64_C(0x80823519)
/* Ones; MMU, caches, stack alignment, and WXN: what is writable is never executable. */
#define SYSTEM UINT64_C(0x30cd183d)

/* In one cache line, which mv_arch_mmu_enable() writes back. */
struct arm64_mmu arm64_mmu __attribute__((__aligned__(64)));

static uint64_t *root;

static uint64_t entry_of(uint64_t pa, enum mv_access access)
{
    switch (access) {
    case MV_ACCESS_R:
        return pa | ENTRY_PAGE | ENTRY_RO | ENTRY_XN;
    case MV_ACCESS_RW:
        return pa | ENTRY_PAGE | ENTRY_XN;
    case MV_ACCESS_RX:
        return pa | ENTRY_PAGE | ENTRY_RO;
    case MV_ACCESS_DEVICE:
        return pa | ENTRY_PAGE | ENTRY_DEVICE | ENTRY_XN;
    default:
        return 0;
    }
}

/* The table below an entry, made if it is not there. */
static uint64_t *next_table(uint64_t *entry)
{
    if ((*entry & ENTRY_VALID) == 0) {
        *entry = (uintptr_t)mv_page_alloc() | ENTRY_TABLE;
    }
    return (uint64_t *)(uintptr_t)(*entry & ENTRY_ADDRESS);
}

/* Walks by other CPUs see the entries after the barrier; where one was invalid, no flush is due. */
void mv_arch_map(uint64_t va, uint64_t pa, uint64_t size, enum mv_access access)
{
    uint64_t offset;

    if (root == NULL) {
        root = mv_page_alloc();
    }
    for (offset = 0; offset < size; offset += MV_PAGE) {
        uint64_t page = va + offset;
        uint64_t *table = next_table(&root[page >> 30 & 511]);

        table = next_table(&table[page >> 21 & 511]);
        __atomic_store_n(&table[page >> 12 & 511], entry_of(pa + offset, access), __ATOMIC_RELEASE);
    }
    __asm__ volatile("dsb ishst; isb" : : : "memory");
}

void mv_arch_map_devices(void)
{
    mv_arch_map(ARM64_UART, ARM64_UART, MV_PAGE, MV_ACCESS_DEVICE);
    mv_arch_map(ARM64_GICD, ARM64_GICD, MV_PAGE, MV_ACCESS_DEVICE);
    mv_arch_map(ARM64_GICR, ARM64_GICR, MV_CPUS * ARM64_GICR_STRIDE, MV_ACCESS_DEVICE);
}

/* CPUs that are started read this without caches: it is written back to memory. */
void mv_arch_mmu_enable(void)
{
    arm64_mmu = (struct arm64_mmu){
        .attributes = ATTRIBUTES, .control = CONTROL, .tables = (uintptr_t)root, .system = SYSTEM};
    arm64_mmu_enable();
    __asm__ volatile("dc civac, %0; dsb sy" : : "r"(&arm64_mmu) : "memory");
}

MV_DENY void mv_arch_flush_local(void)
{
    __asm__ volatile("dsb ishst; tlbi alle2; dsb nsh; isb" : : : "memory");
}

/* The hardware tells the other CPUs, and waits for them. */
void mv_arch_flush_all(void)
{
    __asm__ volatile("dsb ishst; tlbi alle2is; dsb ish; isb" : : : "memory");
}

/* The library's own way: where the hypervisor's memory is mapped is where it is executed. */
void mv_arch_sync_code(uint64_t addr, uint64_t size)
{
    hp_port_text_sync(NULL, addr, size);
}
