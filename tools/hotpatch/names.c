/* SPDX-License-Identifier: BSD-2-Clause */
/* Names the addresses of a loaded payload by the symbols of its file. */
#include <stdlib.h>
#include <string.h>

#include "common.h"

const struct hp_placed_section **places_of(const struct hp_elf *elf, const struct hp_image *image)
{
    const struct hp_placed_section **places = tool_alloc(elf->shnum, sizeof(places[0]));
    uint32_t i;

    for (i = 0; i < image->section_count; i++) {
        const struct hp_placed_section *placed = &image->sections[i];

        if (placed->section < elf->shnum) {
            places[placed->section] = placed;
        }
    }
    return places;
}

/* Functions before other symbols, global ones before local ones. */
static unsigned rank_of(const struct hp_symbol *symbol)
{
    unsigned rank = symbol->bind == HP_STB_LOCAL ? 1 : 0;

    return symbol->type == HP_STT_FUNC ? rank : rank + 2;
}

static int compare(const void *left, const void *right)
{
    const struct name *a = left;
    const struct name *b = right;

    if (a->addr != b->addr) {
        return a->addr < b->addr ? -1 : 1;
    }
    if (a->rank != b->rank) {
        return a->rank < b->rank ? -1 : 1;
    }
    /* Order in the string table, so that the result does not depend on qsort(). */
    return a->text < b->text ? -1 : a->text > b->text;
}

/* Drops all but the first of the entries of one address. */
static void keep_best(struct names *names)
{
    size_t kept = 0;
    size_t i;

    for (i = 0; i < names->count; i++) {
        if (kept == 0 || names->entries[i].addr != names->entries[kept - 1].addr) {
            names->entries[kept++] = names->entries[i];
        }
    }
    names->count = kept;
}

void names_build(struct names *names, const struct hp_elf *elf, const struct hp_image *image)
{
    const struct hp_placed_section **places = places_of(elf, image);
    uint32_t i;

    names->entries = tool_alloc(elf->symbol_count, sizeof(names->entries[0]));
    names->count = 0;
    for (i = 1; i < elf->symbol_count; i++) {
        struct name *entry = &names->entries[names->count];
        struct hp_symbol symbol;

        if (hp_elf_symbol(elf, i, &symbol, NULL) != HP_OK || symbol.name[0] == '\0' ||
            symbol.place != HP_PLACE_SECTION || symbol.type == HP_STT_SECTION ||
            symbol.type == HP_STT_FILE || places[symbol.section] == NULL) {
            continue;
        }
        entry->addr = image->memory.addr + places[symbol.section]->offset + symbol.value;
        entry->size = symbol.size;
        entry->text = symbol.name;
        entry->rank = rank_of(&symbol);
        names->count++;
    }
    free(places);
    qsort(names->entries, names->count, sizeof(names->entries[0]), compare);
    keep_best(names);
}

const struct name *names_find(const struct names *names, uint64_t addr)
{
    const struct name *best;
    size_t low = 0;
    size_t high = names->count;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (names->entries[mid].addr <= addr) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    if (low == 0) {
        return NULL;
    }
    best = &names->entries[low - 1];
    if (best->addr != addr && best->size != 0 && addr - best->addr >= best->size) {
        return NULL;
    }
    return best;
}

void names_free(struct names *names)
{
    free(names->entries);
    memset(names, 0, sizeof(*names));
}
