/* SPDX-License-Identifier: BSD-2-Clause */
/* links: test_port */
/* The hash index over names: every name is found, no other is, whatever names somebody chooses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include <hotpatch/symtab.h>

#include "base/span.h"
#include "test_port.h"

/* An index under test; names and entries are of their exact sizes, for AddressSanitizer. */
struct fixture {
    struct hp_symtab table;
    char *names;
    size_t names_size;
    size_t names_room;
    size_t entries_room;
};

/* Makes both arrays this large. */
static void resize(struct fixture *f, size_t names_room, size_t entries_room)
{
    const size_t entry = sizeof(f->table.entries[0]);

    f->names = realloc(f->names, names_room > 0 ? names_room : 1);
    f->table.entries = realloc(f->table.entries, entries_room > 0 ? entries_room * entry : 1);
    assert_non_null(f->names);
    assert_non_null(f->table.entries);
    f->names_room = names_room;
    f->entries_room = entries_room;
}

static void add(struct fixture *f, const void *name, size_t length, uint64_t addr)
{
    struct hp_symtab_entry *entry;

    if (f->names_room - f->names_size < length || f->entries_room == f->table.count) {
        resize(f, 2 * (f->names_size + length), 2 * ((size_t)f->table.count + 1));
    }
    memcpy(f->names + f->names_size, name, length);
    entry = &f->table.entries[f->table.count];
    memset(entry, 0xa5, sizeof(*entry));
    entry->addr = addr;
    entry->size = addr + 1;
    entry->name = (uint32_t)f->names_size;
    entry->length = (uint32_t)length;
    entry->kind = HP_KIND_CODE;
    f->names_size += length;
    f->table.count++;
}

static void build(struct fixture *f)
{
    resize(f, f->names_size, f->table.count);
    f->table.names = f->names;
    f->table.bucket_count = hp_symtab_bucket_count(f->table.count);
    f->table.slots = malloc(f->table.count * sizeof(*f->table.slots) + 1);
    assert_non_null(f->table.slots);
    memset(f->table.slots, 0xa5, f->table.count * sizeof(*f->table.slots));
    f->table.buckets = malloc(((size_t)f->table.bucket_count + 1) * sizeof(uint32_t));
    assert_non_null(f->table.buckets);
    memset(f->table.buckets, 0xa5, ((size_t)f->table.bucket_count + 1) * sizeof(uint32_t));
    hp_symtab_build(&f->table);
}

static void release(struct fixture *f)
{
    free(f->table.entries);
    free(f->table.slots);
    free(f->table.buckets);
    free(f->names);
    memset(f, 0, sizeof(*f));
}

/* Looks up a name in a buffer of exactly its length: nothing past it may be read. */
static const struct hp_symtab_entry *find(const struct fixture *f, const void *name, size_t length,
                                          bool *duplicate)
{
    char *exact = malloc(length);
    const struct hp_symtab_entry *entry;

    if (length > 0) {
        memcpy(exact, name, length);
    }
    entry = hp_symtab_find(&f->table, exact, length, duplicate);
    free(exact);
    return entry;
}

static void assert_finds(const struct fixture *f, const void *name, size_t length, uint64_t addr)
{
    bool duplicate = true;
    const struct hp_symtab_entry *entry = find(f, name, length, &duplicate);

    assert_non_null(entry);
    assert_int_equal(entry->addr, addr);
    assert_int_equal(entry->size, addr + 1);
    assert_int_equal(entry->kind, HP_KIND_CODE);
    assert_int_equal(entry->length, length);
    assert_memory_equal(f->names + entry->name, name, length);
    assert_false(duplicate);
    assert_ptr_equal(find(f, name, length, NULL), entry);
}

/* The length of a name, eight bytes a step, against one byte a step; nothing past the block is
 * read. */
static void test_name_length(void **state)
{
    static const uint8_t fills[] = {0x01, 0x7f, 0x80, 0x81, 0xff};
    size_t size;
    size_t first;
    size_t fill;
    size_t second;

    (void)state;
    for (size = 0; size <= 33; size++) {
        for (first = 0; first <= size; first++) { /* of the zero bytes; size: there is none */
            for (fill = 0; fill < sizeof(fills); fill++) {
                for (second = first; second <= size; second += 3) {
                    char *block = malloc(size > 0 ? size : 1);

                    assert_non_null(block);
                    memset(block, fills[fill], size);
                    if (first < size) {
                        block[first] = '\0';
                    }
                    if (second < size) {
                        block[second] = '\0';
                    }
                    assert_int_equal(hp_block_length(block, size), first);
                    assert_int_equal(hp_string_length(block, size), first);
                    free(block);
                }
            }
        }
    }
}

/* Whether a block has a byte: at each place, beside bytes that differ by a bit or a borrow. */
static void test_block_has(void **state)
{
    static const uint8_t others[] = {'*', ',', 0xab, '\0', '/'};
    size_t size;
    size_t at;
    size_t other;

    (void)state;
    for (size = 0; size <= 33; size++) {
        for (at = 0; at <= size; at++) { /* of the byte; size: it is not there */
            for (other = 0; other < sizeof(others); other++) {
                char *block = malloc(size > 0 ? size : 1);

                assert_non_null(block);
                memset(block, others[other], size);
                if (at < size) {
                    block[at] = '+';
                }
                assert_int_equal(hp_block_has(block, size, '+'), at < size);
                free(block);
            }
        }
    }
}

static void test_bucket_count(void **state)
{
    static const uint32_t pairs[][2] = {
        {0, 1},
        {1, 1},
        {2, 2},
        {3, 4},
        {4, 4},
        {5, 8},
        {1023, 1024},
        {1025, 2048},
        {UINT32_C(0x80000000), UINT32_C(0x80000000)},
        {UINT32_MAX, UINT32_C(0x80000000)},
    };
    size_t n;

    (void)state;
    for (n = 0; n < sizeof(pairs) / sizeof(pairs[0]); n++) {
        assert_int_equal(hp_symtab_bucket_count(pairs[n][0]), pairs[n][1]);
    }
}

static void test_empty(void **state)
{
    struct fixture f = {0};
    bool duplicate = true;

    (void)state;
    assert_null(hp_symtab_find(&f.table, "x", 1, &duplicate)); /* no memory at all */
    assert_false(duplicate);
    build(&f);
    assert_null(find(&f, "x", 1, NULL));
    assert_null(find(&f, "", 0, NULL));
    release(&f);
}

/* Names of each length from 0 to 40 and their neighbours; the hash takes eight bytes a step. */
static void test_lengths(void **state)
{
    static const char text[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEF";
    struct fixture f = {0};
    char other[48];
    size_t length;
    size_t n;

    (void)state;
    for (length = 0; length <= 40; length++) {
        add(&f, text, length, length);
    }
    build(&f);
    for (length = 0; length <= 40; length++) {
        assert_finds(&f, text, length, length);
        for (n = 0; n < length; n++) { /* one byte changed, at every place */
            memcpy(other, text, sizeof(text));
            other[n] = (char)(other[n] ^ 0x80);
            assert_null(find(&f, other, length, NULL));
        }
    }
    assert_null(find(&f, text, 41, NULL));
    release(&f);
}

/* A name is its bytes: NUL and the high half are bytes like others. */
static void test_any_bytes(void **state)
{
    struct fixture f = {0};

    (void)state;
    add(&f, "a\0b", 3, 1);
    add(&f, "a\0c", 3, 2);
    add(&f, "a", 1, 3);
    add(&f, "a\0", 2, 4);
    add(&f, "\0\0\0\0\0\0\0\0", 8, 5);
    add(&f, "\0\0\0\0\0\0\0", 7, 6);
    add(&f, "\xff\xff\xff\xff\xff\xff\xff\xff\xff", 9, 7);
    build(&f);
    assert_finds(&f, "a\0b", 3, 1);
    assert_finds(&f, "a\0c", 3, 2);
    assert_finds(&f, "a", 1, 3);
    assert_finds(&f, "a\0", 2, 4);
    assert_finds(&f, "\0\0\0\0\0\0\0\0", 8, 5);
    assert_finds(&f, "\0\0\0\0\0\0\0", 7, 6);
    assert_finds(&f, "\xff\xff\xff\xff\xff\xff\xff\xff\xff", 9, 7);
    assert_null(find(&f, "\0\0\0\0\0\0", 6, NULL));
    release(&f);
}

static void test_duplicates(void **state)
{
    struct fixture f = {0};
    const struct hp_symtab_entry *entry;
    bool duplicate = false;
    unsigned n;

    (void)state;
    for (n = 0; n < 10; n++) {
        add(&f, "shared_name", 11, 100 + n);
    }
    add(&f, "twice", 5, 1);
    add(&f, "single", 6, 2);
    add(&f, "twice", 5, 3);
    build(&f);
    entry = find(&f, "shared_name", 11, &duplicate);
    assert_non_null(entry);
    assert_in_range(entry->addr, 100, 109);
    assert_true(duplicate);
    duplicate = false;
    entry = find(&f, "twice", 5, &duplicate);
    assert_non_null(entry);
    assert_true(entry->addr == 1 || entry->addr == 3);
    assert_true(duplicate);
    assert_finds(&f, "single", 6, 2);
    release(&f);
}

/* Sizes around powers of two, where the number of buckets changes. */
static void test_many(void **state)
{
    static const uint32_t counts[] = {1, 2, 3, 7, 8, 9, 1023, 1024, 1025, 20000};
    size_t c;

    (void)state;
    for (c = 0; c < sizeof(counts) / sizeof(counts[0]); c++) {
        struct fixture f = {0};
        char name[32];
        uint32_t n;

        for (n = 0; n < counts[c]; n++) {
            int length = snprintf(name, sizeof(name), "function_%u_part.%u", n * 7919u, n % 5);

            add(&f, name, (size_t)length, n);
        }
        build(&f);
        for (n = 0; n < counts[c]; n++) { /* the entries keep their order */
            assert_int_equal(f.table.entries[n].addr, n);
        }
        assert_int_equal(f.table.buckets[0], 0);
        assert_int_equal(f.table.buckets[f.table.bucket_count], counts[c]);
        for (n = 0; n < counts[c]; n++) {
            int length = snprintf(name, sizeof(name), "function_%u_part.%u", n * 7919u, n % 5);

            assert_finds(&f, name, (size_t)length, n);
            name[0] = 'F';
            assert_null(find(&f, name, (size_t)length, NULL));
        }
        release(&f);
    }
}

static double seconds(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

/* CPU time to build an index over `count` names and look all of them up. */
static double work(uint32_t count, bool colliding)
{
    struct fixture f = {0};
    uint64_t seed = 0;
    double start;
    double used;
    uint32_t n;

    resize(&f, (size_t)count * TP_COLLIDING, count);
    f.names_size = f.names_room;
    memset(f.table.entries, 0, count * sizeof(f.table.entries[0]));
    for (n = 0; n < count; n++) {
        char *name = f.names + (size_t)n * TP_COLLIDING;

        if (colliding) {
            tp_colliding_name(name, &seed);
        } else {
            char text[TP_COLLIDING + 1];

            (void)snprintf(text, sizeof(text), "plain%011u", n);
            memcpy(name, text, TP_COLLIDING);
        }
        f.table.entries[n].name = n * TP_COLLIDING;
        f.table.entries[n].length = TP_COLLIDING;
        f.table.entries[n].addr = n;
    }
    f.table.count = count;
    start = seconds();
    build(&f);
    for (n = 0; n < count; n++) {
        const struct hp_symtab_entry *entry =
            hp_symtab_find(&f.table, f.names + (size_t)n * TP_COLLIDING, TP_COLLIDING, NULL);

        assert_non_null(entry);
        assert_int_equal(entry->addr, n);
    }
    used = seconds() - start;
    for (n = 1; n < count; n++) { /* the attack is real: all hashes are equal */
        assert_true(!colliding || f.table.entries[n].hash == f.table.entries[0].hash);
    }
    release(&f);
    return used;
}

/*
 * 50,000 names with one hash. Comparing each with each would take 25,000 times the work of looking
 * at each once; sorted, it is some 2 log2 n = 32 comparisons a name.
 */
static void test_collisions(void **state)
{
    const uint32_t count = 50000;
    double plain = work(count, false);
    double colliding = work(count, true);

    (void)state;
    print_message("plain %.4f s, colliding %.4f s\n", plain, colliding);
    assert_true(colliding < 100 * plain + 0.01);
    assert_true(work(2 * count, true) < 4 * colliding + 0.05);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_name_length), cmocka_unit_test(test_bucket_count),
        cmocka_unit_test(test_block_has),   cmocka_unit_test(test_empty),
        cmocka_unit_test(test_lengths),     cmocka_unit_test(test_any_bytes),
        cmocka_unit_test(test_duplicates),  cmocka_unit_test(test_many),
        cmocka_unit_test(test_collisions),
    };

    return cmocka_run_group_tests_name("symtab", tests, NULL, NULL);
}
