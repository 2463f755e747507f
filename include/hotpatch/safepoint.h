/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The safe point: what every CPU passes where its stack is shallow.
 *
 * A CPU calls hp_safe_point() where it is in no code that could be patched and holds no lock: right
 * before it enters a guest, in its idle loop, on its way back to user space. While nothing is to be
 * done that costs one load and one branch.
 */
#ifndef HOTPATCH_SAFEPOINT_H
#define HOTPATCH_SAFEPOINT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The one word on which the CPUs meet: generation (17 bits), number of CPUs that have arrived
 * (13 bits) and phase (2 bits, the lowest), which is 0 while there is nothing to do. Only the
 * library writes it.
 */
struct hp_safepoint {
    uint32_t word;
};

#define HP_SAFEPOINT_PHASE    UINT32_C(3)    /* phase bits of the word */
#define HP_SAFEPOINT_CPUS_MAX UINT32_C(8192) /* CPUs that one word can count */

/* In line whatever the compiler is told to optimise for: a call would cost more than the look. */
#if defined(__GNUC__)
#define HP_SAFEPOINT_INLINE static inline __attribute__((__always_inline__))
#else
#define HP_SAFEPOINT_INLINE static inline
#endif

/* The rare part of hp_safe_point(); never call it directly. */
void hp_safe_point_slow(struct hp_safepoint *safepoint);

/*
 * Takes part in the action that is scheduled, if there is one: returns once it is over. The first
 * CPU that comes here performs it.
 *
 *   safepoint  &manager->safepoint of an initialised manager
 *
 * Context: on an online CPU, interrupts on or off, no lock held, not in an interrupt handler, no
 * frame of patchable code on the stack that matters. Source: SPEC section 11.
 */
HP_SAFEPOINT_INLINE void hp_safe_point(struct hp_safepoint *safepoint)
{
    if ((__atomic_load_n(&safepoint->word, __ATOMIC_RELAXED) & HP_SAFEPOINT_PHASE) != 0) {
        hp_safe_point_slow(safepoint);
    }
}

#ifdef __cplusplus
}
#endif

#endif
