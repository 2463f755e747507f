/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads that are CPUs of the host port: coming and going, and being held. */
#ifndef _POSIX_C_SOURCE
/* For pthreads. NOLINTNEXTLINE(bugprone-reserved-identifier) */
#define _POSIX_C_SOURCE 200809L
#endif

#include <sched.h>
#include <stdlib.h>

#include "internal.h"

struct hp_host_cpu *hp_host_cpu_self(const struct hp_port *port)
{
    return pthread_getspecific(port->cpus.key);
}

/* ---- coming and going ------------------------------------------------------------------------ */

/* Chooses a number for *cpu; false when there is none. */
static bool choose_id(const struct hp_host_cpus *cpus, uint32_t *cpu)
{
    if (*cpu != HP_HOST_ANY_CPU) {
        return *cpu < cpus->limit && cpus->by_id[*cpu] == NULL;
    }
    for (*cpu = 0; *cpu < cpus->limit; (*cpu)++) {
        if (cpus->by_id[*cpu] == NULL) {
            return true;
        }
    }
    return false;
}

static void wait_until_released(struct hp_host_cpus *cpus)
{
    while (cpus->held) {
        (void)pthread_cond_wait(&cpus->released, &cpus->mutex);
    }
}

enum hp_status hp_host_cpu_attach(struct hp_port *port, uint32_t *cpu)
{
    struct hp_host_cpus *cpus = &port->cpus;
    struct hp_host_cpu *self;
    uint32_t id = *cpu;
    enum hp_status status = HP_OK;

    if (hp_host_cpu_self(port) != NULL) {
        return HP_INVALID_ARGUMENT;
    }
    self = calloc(1, sizeof(*self));
    if (self == NULL) {
        return HP_NO_MEMORY;
    }
    (void)pthread_mutex_lock(&cpus->mutex);
    wait_until_released(cpus);
    if (!choose_id(cpus, &id)) {
        status = HP_INVALID_ARGUMENT;
    } else if (pthread_setspecific(cpus->key, self) != 0) {
        status = HP_NO_MEMORY;
    } else {
        self->port = port;
        self->id = id;
        self->serialised = atomic_load(&port->changes);
        cpus->by_id[id] = self;
        *cpu = id;
    }
    (void)pthread_mutex_unlock(&cpus->mutex);
    if (status) {
        free(self);
    }
    return status;
}

/* Takes a CPU out of the list, by its own thread; also called when that thread ends. */
static void detach(void *value)
{
    struct hp_host_cpu *self = value;
    struct hp_host_cpus *cpus = &self->port->cpus;

    (void)pthread_mutex_lock(&cpus->mutex);
    wait_until_released(cpus);
    cpus->by_id[self->id] = NULL;
    (void)pthread_mutex_unlock(&cpus->mutex);
    free(self);
}

void hp_host_cpu_detach(struct hp_port *port)
{
    struct hp_host_cpu *self = hp_host_cpu_self(port);

    hp_host_check_context(port, __func__, HP_HOST_RUNNING);
    if (self == NULL) {
        return;
    }
    if (self->off > 0) {
        hp_port_interrupts_restore(port, 0);
    }
    if (self->holds) {
        hp_port_cpus_release(port);
    }
    (void)pthread_setspecific(port->cpus.key, NULL);
    detach(self);
}

enum hp_status hp_host_init_cpus(struct hp_port *port)
{
    struct hp_host_cpus *cpus = &port->cpus;

    cpus->by_id = calloc(cpus->limit, sizeof(struct hp_host_cpu *));
    if (cpus->by_id == NULL || pthread_key_create(&cpus->key, detach) != 0) {
        free(cpus->by_id);
        return HP_NO_MEMORY;
    }
    (void)pthread_mutex_init(&cpus->mutex, NULL);
    (void)pthread_cond_init(&cpus->released, NULL);
    return HP_OK;
}

void hp_host_free_cpus(struct hp_port *port)
{
    struct hp_host_cpus *cpus = &port->cpus;
    uint32_t id;

    (void)pthread_setspecific(cpus->key, NULL);
    (void)pthread_key_delete(cpus->key);
    for (id = 0; id < cpus->limit; id++) {
        free(cpus->by_id[id]);
    }
    free(cpus->by_id);
    (void)pthread_cond_destroy(&cpus->released);
    (void)pthread_mutex_destroy(&cpus->mutex);
}

/* ---- the port's functions -------------------------------------------------------------------- */

uint32_t hp_port_cpu_limit(struct hp_port *port)
{
    return port->cpus.limit;
}

uint32_t hp_port_cpu_self(struct hp_port *port)
{
    const struct hp_host_cpu *self = hp_host_cpu_self(port);

    hp_host_check_context(port, __func__, HP_HOST_RUNNING | HP_HOST_HOLDING | HP_HOST_QUIET);
    return self == NULL ? 0 : self->id;
}

enum hp_status hp_port_cpus_hold(struct hp_port *port)
{
    struct hp_host_cpus *cpus = &port->cpus;
    struct hp_host_cpu *self = hp_host_cpu_self(port);
    enum hp_status status = HP_CPUS_NOT_HELD;

    hp_host_check_context(port, __func__, HP_HOST_RUNNING);
    hp_host_check(port, __func__, atomic_load(&port->lock_owner) != (uintptr_t)pthread_self(),
                  "called with the lock held");
    /* Somebody comes or goes who has the mutex. */
    if (hp_host_must_fail(port) || self == NULL || pthread_mutex_trylock(&cpus->mutex) != 0) {
        return HP_CPUS_NOT_HELD;
    }
    if (!cpus->held) {
        cpus->held = true;
        self->holds = true;
        (void)atomic_fetch_add(&port->counts.holds, 1);
        status = HP_OK;
    }
    (void)pthread_mutex_unlock(&cpus->mutex);
    return status;
}

void hp_port_cpus_release(struct hp_port *port)
{
    struct hp_host_cpus *cpus = &port->cpus;
    struct hp_host_cpu *self = hp_host_cpu_self(port);

    hp_host_check_context(port, __func__, HP_HOST_HOLDING);
    if (self == NULL || !self->holds) {
        return;
    }
    /* Held for a few instructions only by those who come and go: that is no sleep. */
    (void)pthread_mutex_lock(&cpus->mutex);
    cpus->held = false;
    self->holds = false;
    (void)atomic_fetch_sub(&port->counts.holds, 1);
    (void)pthread_cond_broadcast(&cpus->released);
    (void)pthread_mutex_unlock(&cpus->mutex);
}

uint32_t hp_port_cpu_next(struct hp_port *port, uint32_t from)
{
    const struct hp_host_cpu *self = hp_host_cpu_self(port);

    hp_host_check_context(port, __func__, HP_HOST_HOLDING | HP_HOST_QUIET);
    hp_host_check(port, __func__, self != NULL && self->holds,
                  "called while the CPUs are not held");
    while (from < port->cpus.limit && port->cpus.by_id[from] == NULL) {
        from++;
    }
    return from;
}

/* Threads come to their safe points by themselves, so there is nothing to do but to count. */
void hp_port_cpus_kick(struct hp_port *port)
{
    hp_host_check_context(port, __func__, HP_HOST_CALL | HP_HOST_HOLDING);
    (void)atomic_fetch_add(&port->counts.kicks, 1);
}

void hp_port_relax(struct hp_port *port)
{
    hp_host_check_context(port, __func__, HP_HOST_CALL | HP_HOST_HOLDING | HP_HOST_QUIET);
    /* There may be more CPUs than the machine has: the one waited for needs a turn. */
    (void)sched_yield();
}

/* ---- stacks ---------------------------------------------------------------------------------- */

/* Threads have no way to look at each other's stacks: the targets have no HP_TARGET_STACKS. */
bool hp_port_stack_next(struct hp_port *port, struct hp_stack_walk *walk)
{
    (void)walk;
    hp_host_check_context(port, __func__, HP_HOST_WINDOW);
    return false;
}
