/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pages for payloads, right behind the image, and the window of aliases.
 *
 * Both are arrays of page states; a range is found by the first fit. Pages that are not in use are
 * not mapped.
 */
#include "layout.h"
#include "lock.h"

#include <string.h>

#define ARENA_SIZE (MV_ARENA_PAGES * MV_PAGE)

static uint8_t arena_access[MV_ARENA_PAGES]; /* enum mv_access; MV_ACCESS_NONE: free */
static uint8_t alias_taken[MV_ALIAS_PAGES];
static struct mv_lock arena_lock;

void mv_arena_init(void)
{
    if (mv_address(mv_arena_end) - mv_address(mv_arena) != ARENA_SIZE) {
        mv_panic("the link script gives payloads another room");
    }
    mv_arch_map(mv_address(mv_arena), mv_address(mv_arena), ARENA_SIZE, MV_ACCESS_NONE);
    mv_arch_map(MV_ARCH_ALIAS_BASE, 0, MV_ALIAS_PAGES * MV_PAGE, MV_ACCESS_NONE);
}

/* Finds `count` zero bytes in a row and sets them; `limit` when there are none. */
static uint32_t take(uint8_t *states, uint32_t limit, uint32_t count, uint32_t align, uint8_t state)
{
    uint32_t start;
    uint32_t n;

    for (start = 0; start <= limit - count; start += align) {
        n = 0;
        while (n < count && states[start + n] == 0) {
            n++;
        }
        if (n == count) {
            memset(states + start, state, count);
            return start;
        }
    }
    return limit;
}

static uint32_t pages_of(uint64_t size)
{
    return (uint32_t)((size + MV_PAGE - 1) / MV_PAGE);
}

uint64_t mv_arena_alloc(uint64_t size, uint64_t align)
{
    /* The arena is aligned to a page; more is found by trying. */
    uint32_t step = 1;
    uint32_t start = MV_ARENA_PAGES;
    uint64_t addr;

    if (size == 0 || size > ARENA_SIZE || mv_address(mv_arena) % align != 0) {
        return 0;
    }
    step = pages_of(align);
    mv_lock(&arena_lock);
    start = take(arena_access, MV_ARENA_PAGES, pages_of(size), step, MV_ACCESS_RW);
    mv_unlock(&arena_lock);
    if (start == MV_ARENA_PAGES) {
        return 0;
    }
    addr = mv_address(mv_arena) + start * MV_PAGE;
    mv_arch_map(addr, addr, size, MV_ACCESS_RW);
    memset((void *)(uintptr_t)addr, 0, size);
    return addr;
}

static uint8_t *states_at(uint64_t addr)
{
    return &arena_access[(addr - mv_address(mv_arena)) / MV_PAGE];
}

void mv_arena_protect(uint64_t addr, uint64_t size, enum mv_access access)
{
    mv_arch_map(addr, addr, size, access);
    mv_arch_flush_all();
    if (access == MV_ACCESS_RX) {
        mv_arch_sync_code(addr, size);
    }
    memset(states_at(addr), access, pages_of(size));
}

/* No CPU has a translation left when the pages are used for something else. */
void mv_arena_free(uint64_t addr, uint64_t size)
{
    mv_arch_map(addr, addr, size, MV_ACCESS_NONE);
    mv_arch_flush_all();
    mv_lock(&arena_lock);
    memset(states_at(addr), MV_ACCESS_NONE, pages_of(size));
    mv_unlock(&arena_lock);
}

bool mv_arena_has(uint64_t addr, uint64_t size, enum mv_access access)
{
    uint64_t page;

    if (size == 0 ||
        !mv_within(addr, size, mv_address(mv_arena), mv_address(mv_arena) + ARENA_SIZE)) {
        return false;
    }
    for (page = addr & ~(MV_PAGE - 1); page < addr + size; page += MV_PAGE) {
        uint8_t state = *states_at(page);

        if (state == MV_ACCESS_NONE || (access != MV_ACCESS_NONE && state != access)) {
            return false;
        }
    }
    return true;
}

uint64_t mv_arena_used(void)
{
    uint64_t used = 0;
    uint32_t n;

    for (n = 0; n < MV_ARENA_PAGES; n++) {
        used += arena_access[n] != MV_ACCESS_NONE ? MV_PAGE : 0;
    }
    return used;
}

/* ---- aliases ------------------------------------------------------------------------------- */

static uint32_t alias_pages(uint64_t addr, uint64_t size)
{
    return pages_of((addr & (MV_PAGE - 1)) + size);
}

uint64_t mv_alias_map(uint64_t addr, uint64_t size)
{
    uint32_t count = alias_pages(addr, size);
    uint32_t start;
    uint64_t alias;

    if (count > MV_ALIAS_PAGES) {
        return 0;
    }
    mv_lock(&arena_lock);
    start = take(alias_taken, MV_ALIAS_PAGES, count, 1, 1);
    mv_unlock(&arena_lock);
    if (start == MV_ALIAS_PAGES) {
        return 0;
    }
    alias = MV_ARCH_ALIAS_BASE + start * MV_PAGE;
    mv_arch_map(alias, addr & ~(MV_PAGE - 1), count * MV_PAGE, MV_ACCESS_RW);
    return alias + (addr & (MV_PAGE - 1));
}

/*
 * Only the CPU that unmaps has used the alias. Others may keep a translation that they made on
 * their own account: hp_port_window_enter() forgets those of the CPU that will write.
 */
void mv_alias_unmap(uint64_t alias, uint64_t size)
{
    uint32_t count = alias_pages(alias, size);
    uint64_t start = alias & ~(MV_PAGE - 1);

    mv_arch_map(start, 0, count * MV_PAGE, MV_ACCESS_NONE);
    mv_arch_flush_local();
    mv_lock(&arena_lock);
    memset(&alias_taken[(start - MV_ARCH_ALIAS_BASE) / MV_PAGE], 0, count);
    mv_unlock(&arena_lock);
}
