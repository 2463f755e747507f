/* SPDX-License-Identifier: BSD-2-Clause */
/* Target memory as it will be when a plan is carried out. */
#ifndef HP_APPLY_MEMORY_H
#define HP_APPLY_MEMORY_H

#include <stdbool.h>

#include <hotpatch/load.h>

/*
 * The port's memory with the writes of some payloads taken as undone, or of others as done. One of
 * the two is enough for every use: a running target has payloads to undo, an offline one has none.
 */
struct hp_memory {
    struct hp_port *port;
    const struct hp_payload *const *applied; /* taken as done, in this order */
    size_t applied_count;
    const struct hp_payload *undone; /* the top of those taken as undone; by ->below from there */
    size_t undone_count;
};

/*
 * Reads up to HP_WRITE_MAX bytes. Bit n of *uncertain tells that the port could not vouch for byte
 * n (offline, rewritten at boot). Returns HP_OK or the port's error.
 */
HP_MUST_USE enum hp_status hp_memory_read(const struct hp_memory *memory, uint64_t addr, void *buf,
                                          size_t size, uint32_t *uncertain);

/* Turns up to HP_WRITE_MAX bytes of the port's memory at addr into what memory has there. */
void hp_memory_overlay(const struct hp_memory *memory, uint64_t addr, void *buf, size_t size);

/* hp_plan_capture() against memory as described. */
HP_MUST_USE enum hp_status hp_plan_capture_from(struct hp_payload *payload,
                                                const struct hp_memory *memory,
                                                struct hp_diag *diag);

/* Index into write_order of the first write that ends above addr; write_count when none does. */
uint32_t hp_memory_first_write(const struct hp_payload *payload, uint64_t addr);

/* The first of a payload's writes, by address, into [addr, end); NULL when it makes none. */
const struct hp_write *hp_memory_write_into(const struct hp_payload *payload, uint64_t addr,
                                            uint64_t end);

#endif
