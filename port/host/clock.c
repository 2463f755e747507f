/* SPDX-License-Identifier: BSD-2-Clause */
/* The clock of the host port: the system's, or one that a test drives. */
#ifndef _POSIX_C_SOURCE
/* For clock_gettime. NOLINTNEXTLINE(bugprone-reserved-identifier) */
#define _POSIX_C_SOURCE 200809L
#endif

#include <time.h>

#include "internal.h"

#define NS_PER_SECOND UINT64_C(1000000000)

void hp_host_clock_manual(struct hp_port *port, uint64_t now, uint64_t step)
{
    atomic_store(&port->clock.now, now);
    atomic_store(&port->clock.step, step);
    atomic_store(&port->clock.manual, true);
}

void hp_host_clock_advance(struct hp_port *port, uint64_t ns)
{
    (void)atomic_fetch_add(&port->clock.now, ns);
}

uint64_t hp_port_now(struct hp_port *port)
{
    struct timespec now = {0, 0};

    hp_host_check_context(port, __func__, HP_HOST_RUNNING | HP_HOST_HOLDING | HP_HOST_QUIET);
    if (atomic_load(&port->clock.manual)) {
        return atomic_fetch_add(&port->clock.now, atomic_load(&port->clock.step));
    }
    /* It cannot fail: the clock exists and the place to write to is ours. */
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
}
