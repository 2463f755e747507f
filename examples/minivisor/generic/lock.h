/* SPDX-License-Identifier: BSD-2-Clause */
/* A lock that spins, with interrupts as they are: no interrupt handler takes one. */
#ifndef MINIVISOR_LOCK_H
#define MINIVISOR_LOCK_H

#include <minivisor/arch.h>

struct mv_lock {
    uint32_t taken; /* atomic */
};

static inline void mv_lock(struct mv_lock *lock)
{
    while (__atomic_exchange_n(&lock->taken, 1, __ATOMIC_ACQUIRE) != 0) {
        mv_arch_relax();
    }
}

static inline void mv_unlock(struct mv_lock *lock)
{
    __atomic_store_n(&lock->taken, 0, __ATOMIC_RELEASE);
}

#endif
