/* SPDX-License-Identifier: BSD-2-Clause */
/* Where things are: symbols of the link script, and the pools of memory.c, arena.c and heap.c. */
#ifndef MINIVISOR_LAYOUT_H
#define MINIVISOR_LAYOUT_H

#include <minivisor/mv.h>

extern const uint8_t mv_image_start[];
extern const uint8_t mv_text_start[];
extern const uint8_t mv_text_end[];
extern const uint8_t mv_deny_start[];
extern const uint8_t mv_deny_end[];
extern const uint8_t mv_rodata_start[];
extern const uint8_t mv_rodata_end[];
extern const uint8_t mv_build_id[];
extern const uint8_t mv_ex_table_start[];
extern const uint8_t mv_ex_table_end[];
extern uint8_t mv_data_start[];
extern uint8_t mv_data_end[];
extern uint8_t mv_arena[];
extern uint8_t mv_arena_end[];
extern const uint8_t mv_symbols[];
extern const uint8_t mv_symbols_end[];

#define MV_ARENA_PAGES 1024u /* from mv_arena to mv_arena_end */
#define MV_ALIAS_PAGES 1024u /* window of aliases, at MV_ARCH_ALIAS_BASE */

static inline uint64_t mv_address(const void *pointer)
{
    return (uintptr_t)pointer;
}

/* Whether [addr, addr + size) lies in [start, end). */
static inline bool mv_within(uint64_t addr, uint64_t size, uint64_t start, uint64_t end)
{
    return addr >= start && addr <= end && size <= end - addr;
}

/* arena.c: pages for payloads, and the window in which pages are mapped a second time. */
void mv_arena_init(void);
uint64_t mv_arena_alloc(uint64_t size, uint64_t align); /* 0: none. Zeroed, RW. */
void mv_arena_free(uint64_t addr, uint64_t size);
void mv_arena_protect(uint64_t addr, uint64_t size, enum mv_access access);
bool mv_arena_has(uint64_t addr, uint64_t size, enum mv_access access);
uint64_t mv_arena_used(void);
uint64_t mv_alias_map(uint64_t addr, uint64_t size); /* of the whole pages; 0: none */
void mv_alias_unmap(uint64_t alias, uint64_t size);

/* heap.c: blocks for the library, whose sizes it knows. 16-byte aligned. */
void mv_heap_init(void);
void *mv_heap_alloc(size_t size);
void mv_heap_free(void *memory, size_t size);
uint64_t mv_heap_used(void);

/* report.c: what MV_CALL_REPORT tells, and what is measured for it. */
void mv_report_begin(void);
void mv_report_end(const struct hp_diag *diag);
void mv_report_acting(bool acting);
void mv_report_window(bool enter);
void mv_report_passed(void);
void mv_report_fill(struct mv_report *report);
void mv_hooks_reset(char refuse);

#endif
