/* SPDX-License-Identifier: BSD-2-Clause */
/* Target memory as it will be when a plan is carried out. */
#ifndef HP_APPLY_MEMORY_H
#define HP_APPLY_MEMORY_H

#include <stdbool.h>

#include <hotpatch/load.h>

/* The port's memory with the writes of some payloads taken as done, in order. */
struct hp_memory {
    struct hp_port *port;
    const struct hp_payload *const *applied;
    size_t applied_count;
};

/*
 * Reads up to HP_WRITE_MAX bytes. *uncertain tells that the port could not vouch for them (offline,
 * rewritten at boot). Returns HP_OK or the port's error.
 */
HP_MUST_USE enum hp_status hp_memory_read(const struct hp_memory *memory, uint64_t addr, void *buf,
                                          size_t size, bool *uncertain);

#endif
