/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A hash index over symbol names, for ports (the target's symbols) and for the library itself (the
 * symbols that a payload provides).
 *
 * Slots {hash, entry} are sorted into buckets by a hash of the name and, inside a bucket, by hash,
 * length and bytes. A look-up is one bucket and a binary search in it: constant time for ordinary
 * names, never worse than logarithmic, whatever names somebody chooses. Building takes linear time
 * for ordinary names and n log n at worst. The entries keep their order, which may serve the caller
 * for something else, such as look-up by address. All memory is the caller's.
 */
#ifndef HOTPATCH_SYMTAB_H
#define HOTPATCH_SYMTAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hotpatch/port.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One named address. */
struct hp_symtab_entry {
    uint64_t addr;
    uint64_t size;   /* bytes; 0 when not known */
    uint32_t name;   /* offset of the name in hp_symtab.names */
    uint32_t length; /* bytes of the name, without a NUL */
    uint32_t hash;   /* set by hp_symtab_build() */
    uint16_t kind;   /* enum hp_symbol_kind */
    uint16_t order;  /* of several entries of one name, the one of the lowest order is found */
};

/* For the index alone. A name that is not there is told by these alone, without its entry. */
struct hp_symtab_slot {
    uint32_t hash;
    uint32_t entry;
};

/* The index. The caller sets all fields, then calls hp_symtab_build() once; read-only after that.
 */
struct hp_symtab {
    const char *names;               /* the names, anywhere in one block below 4 GiB */
    struct hp_symtab_entry *entries; /* `count` entries */
    uint32_t count;
    struct hp_symtab_slot *slots; /* `count` slots, filled by the build */
    uint32_t *buckets;            /* bucket_count + 1 words, filled by the build */
    uint32_t bucket_count;        /* hp_symtab_bucket_count(count) */
};

/* Number of buckets for `count` entries: a power of two, at least 1. Any context. */
uint32_t hp_symtab_bucket_count(uint32_t count);

/* Builds the index over caller-owned memory. Any context; allocates nothing. */
void hp_symtab_build(struct hp_symtab *table);

/*
 * Looks a name up.
 *
 *   name, length  the bytes to find, not NUL-terminated
 *   duplicate     set to true when another entry has the same name and order; may be NULL
 *
 * Returns an entry or NULL. Any context.
 */
const struct hp_symtab_entry *hp_symtab_find(const struct hp_symtab *table, const char *name,
                                             size_t length, bool *duplicate);

/*
 * Finds an entry of order 0 that another entry of order 0 has the name of. NULL when there is none.
 * Any context; linear.
 */
const struct hp_symtab_entry *hp_symtab_duplicate(const struct hp_symtab *table);

#ifdef __cplusplus
}
#endif

#endif
