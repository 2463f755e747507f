/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Build-time feature switches, set by the build system; everything is on for those who compile the
 * sources without it. Those of the architectures are in arch/list.h. Behind them, attributes.
 */
#ifndef HP_BASE_CONFIG_H
#define HP_BASE_CONFIG_H

#ifndef HP_WITH_SIGNATURES
#define HP_WITH_SIGNATURES 1
#endif

#ifndef HP_WITH_SPLICES
#define HP_WITH_SPLICES 1
#endif

/*
 * A function whose loop runs for every relocation or symbol. It has the registers for itself, and
 * begins on a cache line, so that its speed does not depend on what the linker puts in front of it.
 */
#define HP_HOT __attribute__((aligned(64), noinline))

/* A function whose variables are not to lie on the stack of its caller while that calls others. */
#define HP_APART __attribute__((noinline))

/* Decoders of structures, which are inlined so that fields that the caller does not use cost
 * nothing. */
#define HP_INLINE static inline __attribute__((always_inline))

#endif
