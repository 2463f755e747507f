/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Functions of the payload's text by address, for back-traces: local ones too, which nothing but a
 * back-trace asks for.
 */
#include <string.h>

#include "base/sort.h"
#include "reloc/loading.h"

/* While they are sorted, a label ends where it starts and `outer` is its rank. */
enum { RANK_GLOBAL, RANK_LOCAL };

void hp_loading_keep_names(struct hp_loading *loading)
{
    const struct hp_span *strings = &loading->elf->strings;

    if (loading->payload->names == NULL) {
        memcpy(loading->names, strings->data, strings->size);
        loading->payload->names = loading->names;
    }
}

/* What the name says: no assembler's own label, no mark of code and data. */
static bool names_function(const struct hp_loading *loading, const struct hp_symbol *symbol)
{
    const struct hp_arch *arch = loading->payload->arch;
    const char *name = symbol->name;

    if (name[0] == '\0' || (name[0] == '.' && name[1] == 'L')) {
        return false;
    }
    return name[0] != '$' || arch->is_marker == NULL ||
           !arch->is_marker(name, hp_loading_name_length(loading, symbol, HP_DIAG_NAME_MAX));
}

/* Fills *entry when a symbol is one of the text; that of a section's end is none. */
static inline bool take_symbol(const struct hp_loading *loading, const struct hp_symbol *symbol,
                               struct hp_text_symbol *entry)
{
    const struct hp_placed_section *place;
    uint64_t room;

    if (!hp_symbol_may_be_text(symbol)) {
        return false;
    }
    place = hp_loading_place(loading, symbol->section);
    if (place == NULL || place->region != HP_REGION_TEXT || symbol->value >= place->size ||
        !names_function(loading, symbol)) {
        return false;
    }
    room = place->size - symbol->value;
    entry->start = place->offset + (uint32_t)symbol->value;
    entry->end = entry->start + (uint32_t)(symbol->size < room ? symbol->size : room);
    entry->name = (uint32_t)(symbol->name - (const char *)loading->elf->strings.data);
    entry->outer = symbol->bind == HP_STB_LOCAL ? RANK_LOCAL : RANK_GLOBAL;
    return true;
}

/* By start; of several at one address the largest first, then a global one. */
static bool less(const void *data, uint32_t a, uint32_t b)
{
    const struct hp_text_symbol *symbols = data;
    const struct hp_text_symbol *x = &symbols[a];
    const struct hp_text_symbol *y = &symbols[b];

    if (x->start != y->start) {
        return x->start < y->start;
    }
    if (x->end != y->end) {
        return x->end > y->end;
    }
    if (x->outer != y->outer) {
        return x->outer < y->outer;
    }
    return x->name < y->name;
}

static void swap(void *data, uint32_t a, uint32_t b)
{
    struct hp_text_symbol *symbols = data;
    struct hp_text_symbol t = symbols[a];

    symbols[a] = symbols[b];
    symbols[b] = t;
}

/*
 * Sorts into payload->text_symbols: first into buckets by address, of which there are as many as
 * symbols, then each bucket. Linear for functions that lie as functions do, n log n for any.
 */
static void sort_symbols(struct hp_loading *loading, const struct hp_text_symbol *unsorted)
{
    struct hp_payload *payload = loading->payload;
    const struct hp_region *text = &payload->image.regions[HP_REGION_TEXT];
    uint32_t count = payload->text_symbol_count;
    uint32_t bucket_count = hp_symtab_bucket_count(loading->text_symbols);
    uint32_t *buckets = loading->text_buckets;
    uint32_t first = 0;
    unsigned shift = 0;
    uint32_t n;

    while (text->size >> shift >= bucket_count) {
        shift++;
    }
    memset(buckets, 0, ((size_t)bucket_count + 1) * sizeof(*buckets));
    for (n = 0; n < count; n++) {
        buckets[((unsorted[n].start - text->offset) >> shift) + 1]++;
    }
    for (n = 0; n < bucket_count; n++) {
        buckets[n + 1] += buckets[n];
    }
    for (n = 0; n < count; n++) {
        uint32_t *next = &buckets[(unsorted[n].start - text->offset) >> shift];

        payload->text_symbols[*next] = unsorted[n];
        (*next)++;
    }
    for (n = 0; n < bucket_count; n++) { /* each holds its own end by now */
        if (buckets[n] - first > 1) {
            const struct hp_sortable sortable = {&payload->text_symbols[first], less, swap};

            hp_sort(&sortable, buckets[n] - first);
        }
        first = buckets[n];
    }
}

/* Where a label, the first of the symbols at its address, stops to be the closest one. */
static uint32_t label_end(const struct hp_payload *payload, uint32_t n)
{
    const struct hp_text_symbol *symbols = payload->text_symbols;
    uint32_t start = symbols[n].start;
    const struct hp_placed_section *place =
        hp_image_section_at(&payload->image, payload->image.memory.addr + start);
    uint32_t end = place != NULL ? place->offset + place->size : start;

    while (n < payload->text_symbol_count && symbols[n].start == start) {
        n++;
    }
    if (n < payload->text_symbol_count && symbols[n].start < end) {
        end = symbols[n].start;
    }
    return end;
}

/*
 * Keeps one symbol for each address, and of labels those outside of all functions, which reach to
 * the next symbol or to the end of their section.
 */
static void thin_out(struct hp_payload *payload)
{
    struct hp_text_symbol *symbols = payload->text_symbols;
    uint32_t outer = HP_NO_INDEX; /* of those kept, the one that ends last */
    uint32_t kept = 0;
    uint32_t n;

    for (n = 0; n < payload->text_symbol_count; n++) {
        struct hp_text_symbol entry = symbols[n];
        bool is_label = entry.end == entry.start;

        if ((kept > 0 && symbols[kept - 1].start == entry.start) ||
            (is_label && outer != HP_NO_INDEX && entry.start < symbols[outer].end)) {
            continue;
        }
        if (is_label) {
            entry.end = label_end(payload, n);
        }
        entry.outer = outer;
        symbols[kept] = entry;
        if (outer == HP_NO_INDEX || entry.end > symbols[outer].end) {
            outer = kept;
        }
        kept++;
    }
    payload->text_symbol_count = kept;
}

_Static_assert(sizeof(struct hp_text_symbol) <= sizeof(struct hp_symbol_value),
               "the table of values has room for an entry of each symbol");

/* Called last: the table of the symbols' values becomes the place where they are collected. */
enum hp_status hp_symbols_index_text(struct hp_loading *loading)
{
    struct hp_payload *payload = loading->payload;
    struct hp_text_symbol *unsorted = (struct hp_text_symbol *)(void *)loading->symbols;
    uint32_t n;

    if (loading->text_symbols == 0) {
        return HP_OK;
    }
    for (n = 1; n < loading->elf->symbol_count; n++) {
        struct hp_text_symbol *entry = &unsorted[payload->text_symbol_count];
        struct hp_symbol plain; /* of its own: its address goes nowhere, so it takes no memory */
        struct hp_symbol symbol;
        bool taken;

        if (hp_elf_plain_symbol(loading->elf, n, &plain)) {
            taken = take_symbol(loading, &plain, entry);
        } else {
            enum hp_status status = hp_elf_symbol(loading->elf, n, &symbol, loading->diag);

            if (status) {
                return status;
            }
            taken = take_symbol(loading, &symbol, entry);
        }
        payload->text_symbol_count += taken ? 1 : 0;
    }
    sort_symbols(loading, unsorted);
    thin_out(payload);
    if (payload->text_symbol_count > 0) {
        hp_loading_keep_names(loading);
    }
    return HP_OK;
}

/*
 * Of the symbols that begin at or below the address the last one is the innermost, if it holds it.
 * Otherwise its `outer`, which ends after all others before it, is the only one to look at.
 */
const struct hp_text_symbol *hp_payload_symbol_at(const struct hp_payload *payload, uint64_t addr)
{
    const struct hp_text_symbol *symbols = payload->text_symbols;
    uint64_t offset = addr - payload->image.memory.addr;
    uint32_t low = 0;
    uint32_t high = payload->text_symbol_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (symbols[middle].start <= offset) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == 0) {
        return NULL;
    }
    low--;
    if (offset >= symbols[low].end) {
        low = symbols[low].outer;
    }
    return low != HP_NO_INDEX && offset < symbols[low].end ? &symbols[low] : NULL;
}
