/* SPDX-License-Identifier: BSD-2-Clause */
/* The two halves of hp_symtab_build(), for whoever has read every name already. */
#ifndef HP_BASE_SYMTAB_H
#define HP_BASE_SYMTAB_H

#include <hotpatch/symtab.h>

#include "base/config.h"
#include "base/span.h"

/* Odd constants with well-spread bits; any such would do. */
#define HP_HASH_MULTIPLIER UINT64_C(0x9e3779b97f4a7c15)
#define HP_HASH_SEED       UINT64_C(0x51ed270b9a3c4d67)

static inline uint64_t hp_hash_step(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * HP_HASH_MULTIPLIER;
    return hash ^ (hash >> 29);
}

/* What an entry of this name has in its field `hash`. Eight bytes a step: every look-up hashes. */
HP_INLINE uint32_t hp_symtab_hash(const char *name, size_t length)
{
    const uint8_t *p = (const uint8_t *)name;
    uint64_t hash = HP_HASH_SEED ^ length;
    uint64_t tail = 0;
    size_t n;

    for (n = 0; length - n >= 8; n += 8) {
        hash = hp_hash_step(hash, hp_le64(p + n));
    }
    if (length >= 8) {
        tail = hp_le64(p + length - 8);
    } else {
        for (; n < length; n++) {
            tail = (tail << 8) | p[n];
        }
    }
    hash = hp_hash_step(hash, tail);
    return (uint32_t)(hash ^ (hash >> 32));
}

/* hp_symtab_build() of entries whose hashes are set. */
void hp_symtab_index(struct hp_symtab *table);

#endif
