/* SPDX-License-Identifier: BSD-2-Clause */
/* Fault injection and counters of the host port. */
#include "internal.h"

bool hp_host_must_fail(struct hp_port *port)
{
    uint64_t left = atomic_load(&port->fail_in);
    uint64_t next;

    do {
        if (left == 0) {
            return false;
        }
        next = left > 1 ? left - 1 : atomic_load(&port->fail_onwards) ? 1 : 0;
    } while (!atomic_compare_exchange_weak(&port->fail_in, &left, next));
    return left == 1;
}

void hp_host_fail(struct hp_port *port, uint64_t nth, bool onwards)
{
    atomic_store(&port->fail_onwards, onwards);
    atomic_store(&port->fail_in, nth);
}

uint64_t hp_host_fail_left(const struct hp_port *port)
{
    return atomic_load(&port->fail_in);
}

void hp_host_counters(const struct hp_port *port, struct hp_host_counters *counters)
{
    const struct hp_host_counts *counts = &port->counts;

    counters->allocs = atomic_load(&counts->allocs);
    counters->image_allocs = atomic_load(&counts->image_allocs);
    counters->live = atomic_load(&counts->live);
    counters->aliases = atomic_load(&counts->aliases);
    counters->live_aliases = atomic_load(&counts->live_aliases);
    counters->live_mappings = atomic_load(&counts->live_mappings);
    counters->kicks = atomic_load(&counts->kicks);
    counters->interrupts_off = atomic_load(&counts->interrupts_off);
    counters->holds = atomic_load(&counts->holds);
}
