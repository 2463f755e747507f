/* SPDX-License-Identifier: BSD-2-Clause */
/* What a CPU of the host port does around the window: interrupts, serialising; and the lock. */
#ifndef _POSIX_C_SOURCE
/* For signal masks. NOLINTNEXTLINE(bugprone-reserved-identifier) */
#define _POSIX_C_SOURCE 200809L
#endif

#include <errno.h>

#include "internal.h"

static bool has_lock(struct hp_port *port)
{
    return atomic_load(&port->lock_owner) == (uintptr_t)pthread_self();
}

/* ---- interrupts ------------------------------------------------------------------------------ */

/* A thread's interrupts are its signals: with these blocked nothing runs on it but its own code. */
uintptr_t hp_port_interrupts_off(struct hp_port *port)
{
    struct hp_host_cpu *self = hp_host_cpu_self(port);
    sigset_t all;

    hp_host_check_context(port, __func__, HP_HOST_RUNNING | HP_HOST_HOLDING);
    hp_host_check(port, __func__, !has_lock(port), "called with the lock held");
    if (self == NULL) {
        return 0;
    }
    if (self->off == 0) {
        (void)sigfillset(&all);
        (void)pthread_sigmask(SIG_SETMASK, &all, &self->signals);
        (void)atomic_fetch_add(&port->counts.interrupts_off, 1);
    }
    return self->off++;
}

void hp_port_interrupts_restore(struct hp_port *port, uintptr_t state)
{
    struct hp_host_cpu *self = hp_host_cpu_self(port);

    hp_host_check_context(port, __func__, HP_HOST_QUIET);
    if (self == NULL || self->off == 0) {
        return;
    }
    hp_host_check(port, __func__, state == self->off - 1, "state of another call");
    hp_host_check(port, __func__, self->serialised == atomic_load(&port->changes),
                  "the CPU has not serialised after the changes");
    self->off = state < self->off ? state : self->off - 1;
    if (self->off == 0) {
        (void)atomic_fetch_sub(&port->counts.interrupts_off, 1);
        (void)pthread_sigmask(SIG_SETMASK, &self->signals, NULL);
    }
}

/* ---- the window ------------------------------------------------------------------------------ */

/* Nothing comes between a thread and its code that must be kept away. */
void hp_port_window_enter(struct hp_port *port)
{
    struct hp_host_cpu *self = hp_host_cpu_self(port);

    hp_host_check_context(port, __func__, HP_HOST_QUIET);
    hp_host_check(port, __func__, self != NULL && self->holds,
                  "called while the CPUs are not held");
    hp_host_check(port, __func__, !has_lock(port), "called with the lock held");
    if (self != NULL) {
        self->in_window = true;
    }
}

void hp_port_window_leave(struct hp_port *port)
{
    struct hp_host_cpu *self = hp_host_cpu_self(port);

    hp_host_check_context(port, __func__, HP_HOST_WINDOW);
    if (self != NULL && self->in_window) {
        self->in_window = false;
    }
}

/*
 * A program may not execute every instruction that a hypervisor may, so this is not the default of
 * port/default on every architecture.
 */
static void serialise(void)
{
#if defined(__x86_64__) || defined(__i386__)
    unsigned a = 0;
    unsigned b = 0;
    unsigned c = 0;
    unsigned d = 0;

    /* Volatile, so that it is executed although nobody uses the answer. */
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d) : : "memory");
#elif defined(__aarch64__) || defined(__arm__)
    __asm__ volatile("isb" : : : "memory");
#elif defined(__riscv)
    __asm__ volatile("fence.i" : : : "memory");
#else
#error "no instruction is known that makes this machine forget instructions it has fetched"
#endif
}

void hp_port_serialise(struct hp_port *port)
{
    struct hp_host_cpu *self = hp_host_cpu_self(port);

    hp_host_check_context(port, __func__, HP_HOST_QUIET | HP_HOST_WINDOW);
    serialise();
    if (self != NULL) {
        self->serialised = atomic_load(&port->changes);
    }
}

/* ---- the lock -------------------------------------------------------------------------------- */

void hp_port_lock(struct hp_port *port)
{
    int error;

    hp_host_check_context(port, __func__, HP_HOST_CALL);
    error = pthread_mutex_lock(&port->lock);
    hp_host_check(port, __func__, error != EDEADLK, "the thread has the lock already");
    atomic_store(&port->lock_owner, (uintptr_t)pthread_self());
}

void hp_port_unlock(struct hp_port *port)
{
    hp_host_check_context(port, __func__, HP_HOST_CALL);
    hp_host_check(port, __func__, has_lock(port), "the thread does not have the lock");
    if (has_lock(port)) {
        atomic_store(&port->lock_owner, 0);
        (void)pthread_mutex_unlock(&port->lock);
    }
}
