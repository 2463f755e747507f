/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which tables of a payload the target acts on: those that it has for its own code. An image that
 * has an exception table has a fault handler that looks one up, and so on. The process itself has
 * none of this. And which of its data never change.
 */
#include "internal.h"

void hp_host_note_tables(const struct hp_host_reader *reader)
{
    struct hp_target *target = &reader->port->target;

    if (reader->has_mark[HP_HOST_EX_TABLE]) {
        target->flags |= HP_TARGET_EX_TABLE;
    }
    if (reader->has_mark[HP_HOST_BUG_FRAMES]) {
        target->flags |= HP_TARGET_BUG_FRAMES;
    }
    if (reader->has_mark[HP_HOST_ALT_START] ||
        reader->alternatives.start != reader->alternatives.end) {
        target->flags |= HP_TARGET_ALTERNATIVES;
    }
    if (reader->has_mark[HP_HOST_ALT_CALLS]) {
        target->flags |= HP_TARGET_ALT_CALLS;
    }
    if (reader->has_mark[HP_HOST_RETURN_THUNK]) {
        target->return_thunk = reader->mark[HP_HOST_RETURN_THUNK];
    }
}

void hp_host_note_constants(const struct hp_host_reader *reader)
{
    struct hp_host_range *constants = &reader->port->constants;

    if (!reader->has_mark[HP_HOST_CONST_START] || !reader->has_mark[HP_HOST_CONST_END]) {
        return;
    }
    constants->start = reader->mark[HP_HOST_CONST_START];
    constants->end = reader->mark[HP_HOST_CONST_END];
    if (reader->has_mark[HP_HOST_CONST_FIXED] &&
        reader->mark[HP_HOST_CONST_FIXED] > constants->start) {
        constants->start = reader->mark[HP_HOST_CONST_FIXED];
    }
}

/* An image says nothing about the CPUs that it will run on. */
enum hp_status hp_port_cpu_feature(struct hp_port *port, uint16_t feature, bool *has)
{
    (void)feature;
    *has = false;
    hp_host_check_context(port, __func__, HP_HOST_CALL);
    if (hp_host_must_fail(port)) {
        return HP_ALT_FEATURE;
    }
    return HP_UNDECIDED;
}
