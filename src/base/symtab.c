/* SPDX-License-Identifier: BSD-2-Clause */
/* The hash index over symbol names: bucket sort by hash, ordered buckets, binary search. */
#include <hotpatch/symtab.h>

#include <string.h>

#include "base/sort.h"
#include "base/span.h"

/* Odd constants with well-spread bits; any such would do. */
#define HASH_MULTIPLIER UINT64_C(0x9e3779b97f4a7c15)
#define HASH_SEED       UINT64_C(0x51ed270b9a3c4d67)

static uint64_t hash_step(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * HASH_MULTIPLIER;
    return hash ^ (hash >> 29);
}

/* Eight bytes a step: names are hashed once for each undefined symbol of a payload. */
static uint32_t hash_name(const char *name, size_t length)
{
    const uint8_t *p = (const uint8_t *)name;
    uint64_t hash = HASH_SEED ^ length;
    uint64_t tail = 0;
    size_t n;

    for (n = 0; length - n >= 8; n += 8) {
        hash = hash_step(hash, hp_le64(p + n));
    }
    if (length >= 8) {
        tail = hp_le64(p + length - 8);
    } else {
        for (; n < length; n++) {
            tail = (tail << 8) | p[n];
        }
    }
    hash = hash_step(hash, tail);
    return (uint32_t)(hash ^ (hash >> 32));
}

uint32_t hp_symtab_bucket_count(uint32_t count)
{
    uint32_t buckets = 1;

    while (buckets < count && buckets < UINT32_C(0x80000000)) {
        buckets *= 2;
    }
    return buckets;
}

static int compare_bytes(const char *a, uint32_t a_length, const char *b, size_t b_length)
{
    if (a_length != b_length) {
        return a_length < b_length ? -1 : 1;
    }
    return memcmp(a, b, a_length);
}

static int compare_entries(const struct hp_symtab *table, const struct hp_symtab_entry *a,
                           const struct hp_symtab_entry *b)
{
    if (a->hash != b->hash) {
        return a->hash < b->hash ? -1 : 1;
    }
    return compare_bytes(table->names + a->name, a->length, table->names + b->name, b->length);
}

static void swap_entries(struct hp_symtab_entry *a, struct hp_symtab_entry *b)
{
    struct hp_symtab_entry t = *a;

    *a = *b;
    *b = t;
}

/* One bucket, as hp_sort() sees it. */
struct bucket {
    const struct hp_symtab *table;
    struct hp_symtab_entry *entries;
};

static bool bucket_less(const void *data, uint32_t a, uint32_t b)
{
    const struct bucket *bucket = data;

    return compare_entries(bucket->table, &bucket->entries[a], &bucket->entries[b]) < 0;
}

static void bucket_swap(void *data, uint32_t a, uint32_t b)
{
    const struct bucket *bucket = data;

    swap_entries(&bucket->entries[a], &bucket->entries[b]);
}

/*
 * Moves every entry to its bucket, in place. On entry buckets[b] is the end of bucket b; each entry
 * placed lowers it by one, so that on return it is the bucket's start. An entry at slot n is in its
 * place exactly when n is not below what is left to fill of its own bucket.
 */
static void place_entries(struct hp_symtab *table)
{
    uint32_t mask = table->bucket_count - 1;
    uint32_t n;

    for (n = 0; n < table->count; n++) {
        uint32_t home = table->entries[n].hash & mask;

        while (n < table->buckets[home]) {
            table->buckets[home]--;
            swap_entries(&table->entries[n], &table->entries[table->buckets[home]]);
            home = table->entries[n].hash & mask;
        }
    }
}

void hp_symtab_build(struct hp_symtab *table)
{
    uint32_t mask = table->bucket_count - 1;
    uint32_t end = 0;
    uint32_t n;

    memset(table->buckets, 0, ((size_t)table->bucket_count + 1) * sizeof(table->buckets[0]));
    for (n = 0; n < table->count; n++) {
        struct hp_symtab_entry *entry = &table->entries[n];

        entry->hash = hash_name(table->names + entry->name, entry->length);
        table->buckets[entry->hash & mask]++;
    }
    for (n = 0; n < table->bucket_count; n++) {
        end += table->buckets[n];
        table->buckets[n] = end;
    }
    table->buckets[table->bucket_count] = end;
    place_entries(table);
    for (n = 0; n < table->bucket_count; n++) {
        uint32_t start = table->buckets[n];
        uint32_t size = table->buckets[n + 1] - start;
        struct bucket bucket = {table, &table->entries[start]};
        struct hp_sortable sortable = {&bucket, bucket_less, bucket_swap};

        if (size > 1) {
            hp_sort(&sortable, size);
        }
    }
}

const struct hp_symtab_entry *hp_symtab_find(const struct hp_symtab *table, const char *name,
                                             size_t length, bool *duplicate)
{
    uint32_t hash;
    uint32_t low;
    uint32_t high;
    uint32_t end;

    if (duplicate != NULL) {
        *duplicate = false;
    }
    if (table->count == 0) {
        return NULL;
    }
    hash = hash_name(name, length);
    low = table->buckets[hash & (table->bucket_count - 1)];
    end = table->buckets[(hash & (table->bucket_count - 1)) + 1];
    high = end;
    while (low < high) { /* finds the first entry that is not below (hash, name) */
        uint32_t middle = low + (high - low) / 2;
        const struct hp_symtab_entry *entry = &table->entries[middle];
        bool below = entry->hash < hash;

        if (entry->hash == hash) {
            below = compare_bytes(table->names + entry->name, entry->length, name, length) < 0;
        }
        if (below) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == end || table->entries[low].hash != hash ||
        compare_bytes(table->names + table->entries[low].name, table->entries[low].length, name,
                      length) != 0) {
        return NULL;
    }
    if (duplicate != NULL && low + 1 < end) {
        *duplicate = compare_entries(table, &table->entries[low], &table->entries[low + 1]) == 0;
    }
    return &table->entries[low];
}
