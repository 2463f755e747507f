/* SPDX-License-Identifier: BSD-2-Clause */
/* What is mapped how. After mv_memory_init() nothing is writable and executable. */
#include "layout.h"

#include <minivisor/arch.h>

#define TABLE_PAGES 96u

static uint8_t tables[TABLE_PAGES * MV_PAGE] __attribute__((__aligned__(4096)));
static uint32_t tables_used;
static uint8_t guest_ram[MV_CPUS][MV_GUEST_RAM] __attribute__((__aligned__(4096)));

void *mv_page_alloc(void)
{
    if (tables_used == TABLE_PAGES) {
        mv_panic("no page is left for page tables");
    }
    return tables + MV_PAGE * tables_used++;
}

uint8_t *mv_guest_ram(uint32_t guest)
{
    return guest_ram[guest];
}

static void map_range(const void *start, const void *end, enum mv_access access)
{
    mv_arch_map(mv_address(start), mv_address(start), mv_address(end) - mv_address(start), access);
}

void mv_memory_init(const struct mv_boot *boot)
{
    uint64_t archive = boot->archive & ~(MV_PAGE - 1);
    uint64_t archive_end = (boot->archive + boot->archive_size + MV_PAGE - 1) & ~(MV_PAGE - 1);

    map_range(mv_text_start, mv_text_end, MV_ACCESS_RX);
    map_range(mv_rodata_start, mv_rodata_end, MV_ACCESS_R);
    map_range(mv_data_start, mv_data_end, MV_ACCESS_RW);
    map_range(mv_symbols, mv_symbols_end, MV_ACCESS_R);
    mv_arch_map(archive, archive, archive_end - archive, MV_ACCESS_R);
    mv_arena_init();
    mv_arch_map_devices();
    mv_arch_mmu_enable();
    mv_heap_init();
}

uint64_t mv_memory_used(void)
{
    return mv_heap_used() + mv_arena_used();
}

bool mv_memory_is_text(uint64_t addr, uint64_t size)
{
    return (size > 0 &&
            mv_within(addr, size, mv_address(mv_text_start), mv_address(mv_text_end))) ||
           mv_arena_has(addr, size, MV_ACCESS_RX);
}

/* What a payload may name: the image without its pools, and payloads. */
bool mv_memory_is_readable(uint64_t addr, uint64_t size)
{
    return mv_within(addr, size, mv_address(mv_text_start), mv_address(mv_rodata_end)) ||
           mv_arena_has(addr, size, MV_ACCESS_NONE);
}
