/* SPDX-License-Identifier: BSD-2-Clause */
/* Contract checks of the host port: the first breach is kept for hp_host_violation(). */
#include <stdio.h>

#include "internal.h"

static void record(struct hp_port *port, const char *function, const char *violation)
{
    if (atomic_exchange(&port->violated, true)) {
        return;
    }
    (void)snprintf(port->violation, sizeof(port->violation), "%s: %s", function, violation);
    atomic_store(&port->violation_ready, true);
}

void hp_host_check(struct hp_port *port, const char *function, bool holds, const char *violation)
{
    if (HP_HOST_CHECKS && !holds) {
        record(port, function, violation);
    }
}

static unsigned context_of(const struct hp_host_cpu *cpu)
{
    if (cpu == NULL) {
        return HP_HOST_OUTSIDE;
    }
    if (cpu->in_window) {
        return HP_HOST_WINDOW;
    }
    if (cpu->off > 0) {
        return HP_HOST_QUIET;
    }
    return cpu->holds ? HP_HOST_HOLDING : HP_HOST_RUNNING;
}

void hp_host_check_context(struct hp_port *port, const char *function, unsigned contexts)
{
    unsigned context;

    if (!HP_HOST_CHECKS) {
        return;
    }
    context = context_of(hp_host_cpu_self(port));
    if ((context & contexts) != 0) {
        return;
    }
    switch (context) {
    case HP_HOST_OUTSIDE:
        record(port, function, "called by a thread that is no CPU");
        break;
    case HP_HOST_RUNNING:
        record(port, function,
               (contexts & HP_HOST_HOLDING) != 0 ? "called while the CPUs are not held"
                                                 : "called with interrupts on");
        break;
    case HP_HOST_HOLDING:
        record(port, function, "called by the CPU that holds the CPUs");
        break;
    case HP_HOST_QUIET:
        record(port, function,
               contexts == HP_HOST_WINDOW ? "called outside the window"
                                          : "called with interrupts off");
        break;
    default:
        record(port, function, "called in the window");
        break;
    }
}

const char *hp_host_violation(const struct hp_port *port)
{
    return atomic_load(&port->violation_ready) ? port->violation : NULL;
}
