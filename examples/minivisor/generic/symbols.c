/* SPDX-License-Identifier: BSD-2-Clause */
/* The symbols that the link has left in the image (tools/symbols.py), and an index over them. */
#include "layout.h"

#include <hotpatch/symtab.h>

/* An entry as symbols.py writes it, in the order of addresses. */
struct symbol {
    uint64_t addr;
    uint32_t size;
    uint32_t name;   /* offset behind the entries */
    uint16_t length; /* of "file.c#name" or "name" */
    uint16_t prefix; /* of it, "file.c#" */
    uint32_t kind;   /* enum hp_symbol_kind */
};

struct table {
    uint64_t count;
    uint64_t reserved;
    struct symbol symbols[];
};

static struct hp_symtab symtab;

static const struct table *table(void)
{
    return (const struct table *)(const void *)mv_symbols;
}

static void *memory(size_t size)
{
    void *block = mv_heap_alloc(size);

    if (block == NULL) {
        mv_panic("no memory for the index of symbols");
    }
    return block;
}

void mv_symbols_init(void)
{
    uint32_t count = (uint32_t)table()->count;
    uint32_t n;

    symtab.count = count;
    symtab.names = (const char *)&table()->symbols[count];
    symtab.bucket_count = hp_symtab_bucket_count(count);
    symtab.entries = memory(count * sizeof(*symtab.entries));
    symtab.slots = memory(count * sizeof(*symtab.slots));
    symtab.buckets = memory((symtab.bucket_count + 1) * sizeof(*symtab.buckets));
    for (n = 0; n < count; n++) {
        const struct symbol *symbol = &table()->symbols[n];

        symtab.entries[n] = (struct hp_symtab_entry){.addr = symbol->addr,
                                                     .size = symbol->size,
                                                     .name = symbol->name,
                                                     .length = symbol->length,
                                                     .kind = (uint16_t)symbol->kind};
    }
    hp_symtab_build(&symtab);
}

static void describe(uint32_t n, struct hp_target_symbol *symbol)
{
    const struct symbol *found = &table()->symbols[n];

    symbol->name = symtab.names + found->name + found->prefix;
    symbol->addr = found->addr;
    symbol->size = found->size;
    symbol->kind = (enum hp_symbol_kind)found->kind;
}

bool mv_symbol_by_name(const char *name, size_t length, struct hp_target_symbol *symbol,
                       bool *ambiguous)
{
    const struct hp_symtab_entry *entry;

    *ambiguous = false;
    entry = hp_symtab_find(&symtab, name, length, ambiguous);
    if (entry == NULL) {
        return false;
    }
    describe((uint32_t)(entry - symtab.entries), symbol);
    return true;
}

/* Number of symbols at or below an address. */
static uint32_t count_up_to(uint64_t addr)
{
    uint32_t low = 0;
    uint32_t high = symtab.count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (table()->symbols[middle].addr <= addr) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Functions do not nest: the last one at or below the address that has a size is the one. */
bool mv_symbol_by_address(uint64_t addr, struct hp_target_symbol *symbol)
{
    uint32_t last = count_up_to(addr);
    uint32_t n;

    for (n = last; n > 0; n--) {
        const struct symbol *found = &table()->symbols[n - 1];

        if (found->size > 0) {
            if (addr - found->addr >= found->size) {
                break;
            }
            describe(n - 1, symbol);
            return true;
        }
    }
    if (last == 0) {
        return false;
    }
    describe(last - 1, symbol);
    return true;
}
