/* SPDX-License-Identifier: BSD-2-Clause */
/* The hash index over symbol names: slots sorted into buckets, binary search in a bucket. */
#include "base/symtab.h"

#include <string.h>

#include "base/sort.h"
#include "base/span.h"

#define INSERTION_MAX 8u /* slots of a bucket that are sorted by insertion */

uint32_t hp_symtab_bucket_count(uint32_t count)
{
    uint32_t buckets = 1;

    while (buckets < count && buckets < UINT32_C(0x80000000)) {
        buckets *= 2;
    }
    return buckets;
}

/* Compares an entry's name with another: the shorter first, then by bytes. */
static int compare_name(const struct hp_symtab *table, const struct hp_symtab_entry *entry,
                        const char *name, size_t length)
{
    if (entry->length != length) {
        return entry->length < length ? -1 : 1;
    }
    return memcmp(table->names + entry->name, name, length);
}

static int compare_slots(const struct hp_symtab *table, const struct hp_symtab_slot *a,
                         const struct hp_symtab_slot *b)
{
    const struct hp_symtab_entry *other = &table->entries[b->entry];
    int order;

    if (a->hash != b->hash) {
        return a->hash < b->hash ? -1 : 1;
    }
    order =
        compare_name(table, &table->entries[a->entry], table->names + other->name, other->length);
    return order != 0 ? order : table->entries[a->entry].order - other->order;
}

/* One bucket, as hp_sort() sees it. */
struct bucket {
    const struct hp_symtab *table;
    struct hp_symtab_slot *slots;
};

static bool bucket_less(const void *data, uint32_t a, uint32_t b)
{
    const struct bucket *bucket = data;

    return compare_slots(bucket->table, &bucket->slots[a], &bucket->slots[b]) < 0;
}

static void bucket_swap(void *data, uint32_t a, uint32_t b)
{
    const struct bucket *bucket = data;
    struct hp_symtab_slot t = bucket->slots[a];

    bucket->slots[a] = bucket->slots[b];
    bucket->slots[b] = t;
}

/* Sorts a bucket of many slots, which is somebody's choice. */
static void sort_large(const struct hp_symtab *table, struct hp_symtab_slot *slots, uint32_t size)
{
    struct bucket bucket = {table, slots};
    const struct hp_sortable sortable = {&bucket, bucket_less, bucket_swap};

    hp_sort(&sortable, size);
}

/* Sorts two slots of different hashes, which nearly all are: without a branch, since no branch
 * could be predicted. */
static void sort_two(struct hp_symtab_slot *slots)
{
    const struct hp_symtab_slot a = slots[0];
    const struct hp_symtab_slot b = slots[1];
    const uint64_t swap = 0 - (uint64_t)(a.hash > b.hash);
    const uint64_t first = (uint64_t)a.entry << 32 | a.hash;
    const uint64_t second = (uint64_t)b.entry << 32 | b.hash;
    const uint64_t low = first ^ ((first ^ second) & swap);
    const uint64_t high = second ^ ((first ^ second) & swap);

    slots[0].hash = (uint32_t)low;
    slots[0].entry = (uint32_t)(low >> 32);
    slots[1].hash = (uint32_t)high;
    slots[1].entry = (uint32_t)(high >> 32);
}

/* Sorts an ordinary one, of a few: insertion compares the least then. */
static void sort_small(const struct hp_symtab *table, struct hp_symtab_slot *slots, uint32_t size)
{
    uint32_t n;

    for (n = 1; n < size; n++) {
        const struct hp_symtab_slot slot = slots[n];
        uint32_t at = n;

        for (; at > 0 && compare_slots(table, &slot, &slots[at - 1]) < 0; at--) {
            slots[at] = slots[at - 1];
        }
        slots[at] = slot;
    }
}

/* Counts the entries of each bucket, then makes of each count the end of its bucket. */
static void measure_buckets(const struct hp_symtab *table)
{
    const uint32_t bucket_count = table->bucket_count;
    const uint32_t count = table->count;
    const struct hp_symtab_entry *const entries = table->entries;
    uint32_t *const buckets = table->buckets;
    uint32_t end = 0;
    uint32_t n;

    memset(buckets, 0, ((size_t)bucket_count + 1) * sizeof(buckets[0]));
    for (n = 0; n < count; n++) {
        buckets[entries[n].hash & (bucket_count - 1)]++;
    }
    for (n = 0; n < bucket_count; n++) {
        end += buckets[n];
        buckets[n] = end;
    }
    buckets[bucket_count] = end;
}

void hp_symtab_build(struct hp_symtab *table)
{
    uint32_t n;

    for (n = 0; n < table->count; n++) {
        struct hp_symtab_entry *entry = &table->entries[n];

        entry->hash = hp_symtab_hash(table->names + entry->name, entry->length);
    }
    hp_symtab_index(table);
}

void hp_symtab_index(struct hp_symtab *table)
{
    const uint32_t bucket_count = table->bucket_count;
    const struct hp_symtab_entry *const entries = table->entries;
    struct hp_symtab_slot *const slots = table->slots;
    uint32_t *const buckets = table->buckets;
    uint32_t n;

    measure_buckets(table);
    for (n = table->count; n > 0; n--) { /* fills each bucket from its end to its start */
        const uint32_t hash = entries[n - 1].hash;
        const struct hp_symtab_slot slot = {hash, n - 1};
        uint32_t *at = &buckets[hash & (bucket_count - 1)];

        --*at;
        slots[*at] = slot;
    }
    for (n = 0; n < bucket_count; n++) {
        const uint32_t start = buckets[n];
        const uint32_t size = buckets[n + 1] - start;

        if (size > INSERTION_MAX) {
            sort_large(table, &slots[start], size);
        } else if (size == 2 && slots[start].hash != slots[start + 1].hash) {
            sort_two(&slots[start]);
        } else if (size > 1) {
            sort_small(table, &slots[start], size);
        }
    }
}

const struct hp_symtab_entry *hp_symtab_find(const struct hp_symtab *table, const char *name,
                                             size_t length, bool *duplicate)
{
    bool found = false;
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
    hash = hp_symtab_hash(name, length);
    low = table->buckets[hash & (table->bucket_count - 1)];
    end = table->buckets[(hash & (table->bucket_count - 1)) + 1];
    high = end;
    while (low < high) { /* finds the first slot that is not below (hash, name) */
        uint32_t middle = low + (high - low) / 2;
        const struct hp_symtab_slot *slot = &table->slots[middle];
        int order = slot->hash < hash ? -1 : 1;

        if (slot->hash == hash) {
            order = compare_name(table, &table->entries[slot->entry], name, length);
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
            found = found || order == 0;
        }
    }
    if (!found) {
        return NULL;
    }
    if (duplicate != NULL && low + 1 < end) {
        *duplicate = compare_slots(table, &table->slots[low], &table->slots[low + 1]) == 0;
    }
    return &table->entries[table->slots[low].entry];
}

const struct hp_symtab_entry *hp_symtab_duplicate(const struct hp_symtab *table)
{
    uint32_t n;

    /* Equal names have equal hashes, so they are neighbours in one bucket. */
    for (n = 1; n < table->count; n++) {
        const struct hp_symtab_slot *slot = &table->slots[n];

        if (slot->hash == slot[-1].hash && table->entries[slot->entry].order == 0 &&
            compare_slots(table, slot - 1, slot) == 0) {
            return &table->entries[slot->entry];
        }
    }
    return NULL;
}
