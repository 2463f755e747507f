/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The stack check: while all CPUs stand still and before anything is written, the port tells where
 * each of them, and each context that sleeps, will go on. None of these places may be inside a
 * function that is about to change. SPEC section 14.
 */
#include <string.h>

#include "apply/handle.h"
#include "apply/island.h"
#include "apply/memory.h"
#include "base/span.h"

/* Addresses [start, end). */
struct range {
    uint64_t start;
    uint64_t end;
};

/* The function that a write changes; where its bounds are not known, the bytes written. */
static struct range function_of(const struct hp_payload *payload, const struct hp_write *write)
{
    struct range range;

    if (write->splice) {
        range.start = payload->splices[write->record].start;
        range.end = payload->splices[write->record].limit;
    } else {
        range.start = payload->records[write->record].start;
        range.end = payload->records[write->record].limit;
    }
    if (range.end == 0) {
        range.start = write->addr - write->pad;
        range.end = write->addr + write->size;
    }
    return range;
}

static const char *name_of(const struct hp_payload *payload, const struct hp_write *write)
{
    return write->splice ? payload->splices[write->record].name
                         : payload->records[write->record].name;
}

/*
 * The write that changes the function at addr; NULL when none does. Functions do not overlap, so it
 * is one of the two writes next to the address. One that an apply hook has left out counts as well.
 */
static const struct hp_write *write_at(const struct hp_payload *payload, uint64_t addr)
{
    uint32_t above = hp_memory_first_write(payload, addr);
    uint32_t n = above > 0 ? above - 1 : 0;

    for (; n <= above && n < payload->write_count; n++) {
        const struct hp_write *write = &payload->writes[payload->write_order[n]];
        struct range range = function_of(payload, write);

        if (!write->data && addr >= range.start && addr < range.end) {
            return write;
        }
    }
    return NULL;
}

static void set_function(struct hp_action_report *report, const char *name)
{
    if (name != NULL) {
        memcpy(report->function, name, hp_string_length(name, sizeof(report->function) - 1));
    }
}

/* Whether an action on one payload changes the function at addr, or takes it away. */
static bool is_changing(const struct hp_payload *payload, uint64_t addr, bool revert,
                        struct hp_action_report *report)
{
    const struct hp_region *text = &payload->image.regions[HP_REGION_TEXT];
    const struct hp_write *write = write_at(payload, addr);
    const struct hp_record *record;
    struct hp_text_symbol symbol;

    if (write != NULL) {
        set_function(report, name_of(payload, write));
        return true;
    }
    record = revert ? hp_island_at(payload, addr) : NULL;
    if (record != NULL) {
        set_function(report, record->name);
        return true;
    }
    if (!revert || addr - (payload->image.memory.addr + text->offset) >= text->size) {
        return false;
    }
    if (hp_payload_symbol_at(payload, addr, &symbol)) {
        set_function(report, payload->names + symbol.name);
    }
    return true;
}

static bool is_busy_at(struct hp_manager *manager, uint64_t addr)
{
    const struct hp_action *action = &manager->action;
    const struct hp_payload *payload = action->revert != NULL ? &action->revert->payload : NULL;
    uint32_t n;

    for (n = 0; n < action->revert_count && payload != NULL; n++, payload = payload->below) {
        if (is_changing(payload, addr, true, &manager->report)) {
            return true;
        }
    }
    return action->apply != NULL &&
           is_changing(&action->apply->payload, addr, false, &manager->report);
}

bool hp_stacks_are_busy(struct hp_manager *manager)
{
    struct hp_stack_walk walk;

    if (!manager->walks_stacks) {
        return false;
    }
    memset(&walk, 0, sizeof(walk));
    while (hp_port_stack_next(manager->port, &walk)) {
        if (is_busy_at(manager, walk.addr)) {
            manager->report.busy_addr = walk.addr;
            manager->report.busy_cpu = walk.cpu;
            return true;
        }
    }
    return false;
}
