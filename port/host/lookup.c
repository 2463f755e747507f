/* SPDX-License-Identifier: BSD-2-Clause */
/* Finds symbols of the target by name and by address. */
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "internal.h"

/*
 * Ascending by address. Of the symbols at one address, those that are to be preferred come later:
 * by rank, then the shorter, then (for a definite order) the one whose name came first.
 */
static int compare_symbols(const void *a, const void *b)
{
    const struct hp_host_symbol *x = a;
    const struct hp_host_symbol *y = b;

    if (x->addr != y->addr) {
        return x->addr < y->addr ? -1 : 1;
    }
    if (x->rank != y->rank) {
        return x->rank < y->rank ? -1 : 1;
    }
    if (x->size != y->size) {
        return x->size > y->size ? -1 : 1;
    }
    return (x->name < y->name) - (x->name > y->name);
}

/* A sweep over the addresses, which turns symbols that nest and overlap into segments. */
struct sweep {
    struct hp_port *port;
    uint32_t *stack; /* sized symbols begun so far; those below the top may have ended */
    size_t depth;
    size_t section; /* the next whose end is to be passed */
};

/* From addr on, up to the next call, addresses belong to `symbol`. */
static void begin_segment(struct sweep *sweep, uint64_t addr, uint32_t symbol)
{
    struct hp_port *port = sweep->port;
    struct hp_host_segment *last = &port->segments[port->segment_count];

    if (port->segment_count > 0 && last[-1].addr == addr) {
        last[-1].symbol = symbol;
        return;
    }
    last->addr = addr;
    last->symbol = symbol;
    port->segment_count++;
}

static uint64_t top_end(const struct sweep *sweep)
{
    const struct hp_host_symbol *symbol = &sweep->port->symbols[sweep->stack[sweep->depth - 1]];

    return symbol->addr + symbol->size;
}

/* Ends the sized symbols that end at or before addr; what they covered goes to those around them.
 */
static void end_symbols(struct sweep *sweep, uint64_t addr)
{
    while (sweep->depth > 0 && top_end(sweep) <= addr) {
        uint64_t end = top_end(sweep);

        while (sweep->depth > 0 && top_end(sweep) <= end) {
            sweep->depth--;
        }
        begin_segment(sweep, end, sweep->depth > 0 ? sweep->stack[sweep->depth - 1] : HP_HOST_NONE);
    }
}

/* Passes the ends of sections up to addr: a label reaches no farther than its section. */
static void end_sections(struct sweep *sweep, uint64_t addr)
{
    const struct hp_port *port = sweep->port;

    for (; sweep->section < port->section_count; sweep->section++) {
        const struct hp_host_section *section = &port->sections[sweep->section];
        uint64_t end = section->addr + section->size;

        if (end > addr) {
            return;
        }
        end_symbols(sweep, end);
        if (sweep->depth == 0) {
            begin_segment(sweep, end, HP_HOST_NONE);
        }
    }
}

enum hp_status hp_host_build_segments(const struct hp_host_reader *reader)
{
    struct hp_port *port = reader->port;
    struct sweep sweep = {.port = port};
    uint32_t i;

    sweep.stack = malloc(((size_t)port->symbol_count + 1) * sizeof(*sweep.stack));
    if (sweep.stack == NULL) {
        return hp_fail(reader->diag, HP_STAGE_CALL, HP_NO_MEMORY);
    }
    qsort(port->symbols, port->symbol_count, sizeof(*port->symbols), compare_symbols);
    for (i = 0; i < port->symbol_count; i++) {
        const struct hp_host_symbol *symbol = &port->symbols[i];

        end_sections(&sweep, symbol->addr);
        end_symbols(&sweep, symbol->addr);
        if (symbol->size > 0) {
            sweep.stack[sweep.depth++] = i;
            begin_segment(&sweep, symbol->addr, i);
        } else if (sweep.depth == 0) {
            begin_segment(&sweep, symbol->addr, i);
        }
    }
    end_sections(&sweep, UINT64_MAX);
    end_symbols(&sweep, UINT64_MAX);
    free(sweep.stack);
    return HP_OK;
}

enum hp_status hp_port_symbol_by_name(struct hp_port *port, const char *name, size_t length,
                                      struct hp_target_symbol *symbol)
{
    const struct hp_symtab_entry *entry;
    const char *plain;
    bool duplicate;
    uint32_t i;

    memset(symbol, 0, sizeof(*symbol));
    hp_host_check_context(port, __func__, HP_HOST_CALL);
    if (hp_host_must_fail(port)) {
        return HP_SYMBOL_UNDEFINED;
    }
    if (!port->has_target) {
        return HP_UNDECIDED;
    }
    entry = hp_symtab_find(&port->by_name, name, length, &duplicate);
    if (entry == NULL) {
        return HP_SYMBOL_UNDEFINED;
    }
    if (duplicate) {
        return HP_SYMBOL_AMBIGUOUS;
    }
    plain = port->names + entry->name;
    for (i = entry->length; i > 0; i--) {
        if (port->names[entry->name + i - 1] == '#') {
            plain = port->names + entry->name + i;
            break;
        }
    }
    symbol->name = plain;
    symbol->addr = entry->addr;
    symbol->size = entry->size;
    symbol->kind = (enum hp_symbol_kind)entry->kind;
    return HP_OK;
}

enum hp_status hp_port_symbol_by_address(struct hp_port *port, uint64_t addr,
                                         struct hp_target_symbol *symbol)
{
    const struct hp_host_symbol *found;
    size_t low = 0;
    size_t high = port->segment_count;

    memset(symbol, 0, sizeof(*symbol));
    hp_host_check_context(port, __func__, HP_HOST_CALL);
    if (hp_host_must_fail(port)) {
        return HP_SYMBOL_UNDEFINED;
    }
    if (!port->has_target) {
        return HP_UNDECIDED;
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (port->segments[middle].addr <= addr) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == 0 || port->segments[low - 1].symbol == HP_HOST_NONE) {
        return HP_SYMBOL_UNDEFINED;
    }
    found = &port->symbols[port->segments[low - 1].symbol];
    symbol->name = port->names + found->name;
    symbol->addr = found->addr;
    symbol->size = found->size;
    symbol->kind = found->kind;
    return HP_OK;
}
