/* SPDX-License-Identifier: BSD-2-Clause */
/* links: test_port */
/* The heap sort against qsort(), and its bound on work. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/sort.h"

/* Values under sort, and the work done on them. */
struct values {
    uint32_t *at;
    uint32_t count;
    uint64_t compares;
    uint64_t swaps;
};

static bool value_less(const void *data, uint32_t a, uint32_t b)
{
    /* Work is counted through the const pointer that the interface gives. */
    struct values *values = (struct values *)(uintptr_t)data;

    assert_true(a < values->count && b < values->count);
    values->compares++;
    return values->at[a] < values->at[b];
}

static void value_swap(void *data, uint32_t a, uint32_t b)
{
    struct values *values = data;
    uint32_t t = values->at[a];

    assert_true(a < values->count && b < values->count);
    values->swaps++;
    values->at[a] = values->at[b];
    values->at[b] = t;
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

static uint32_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (uint32_t)(*state >> 33);
}

enum order { RANDOM, SORTED, REVERSED, EQUAL, FEW, SAWTOOTH, ORDER_COUNT };

static void fill(uint32_t *at, uint32_t count, enum order order, uint64_t *state)
{
    uint32_t n;

    for (n = 0; n < count; n++) {
        switch (order) {
        case RANDOM:
            at[n] = next_random(state);
            break;
        case SORTED:
            at[n] = n;
            break;
        case REVERSED:
            at[n] = count - n;
            break;
        case EQUAL:
            at[n] = 7;
            break;
        case FEW:
            at[n] = next_random(state) % 3;
            break;
        default:
            at[n] = n % 2 != 0 ? n : UINT32_MAX - n;
            break;
        }
    }
}

/* Sorts both ways, compares, and returns the library's number of comparisons. */
static uint64_t check(uint32_t count, enum order order, uint64_t *state)
{
    struct values values = {malloc((count + 1) * sizeof(uint32_t)), count, 0, 0};
    uint32_t *wanted = malloc((count + 1) * sizeof(uint32_t));
    const struct hp_sortable sortable = {&values, value_less, value_swap};

    assert_non_null(values.at);
    assert_non_null(wanted);
    fill(values.at, count, order, state);
    memcpy(wanted, values.at, count * sizeof(uint32_t));
    qsort(wanted, count, sizeof(uint32_t), compare);
    hp_sort(&sortable, count);
    assert_memory_equal(values.at, wanted, count * sizeof(uint32_t));
    free(wanted);
    free(values.at);
    return values.compares;
}

static void test_against_qsort(void **state)
{
    uint64_t random = 1;
    uint32_t count;
    unsigned order;

    (void)state;
    for (count = 0; count < 130; count++) {
        for (order = 0; order < ORDER_COUNT; order++) {
            check(count, (enum order)order, &random);
        }
    }
    for (order = 0; order < ORDER_COUNT; order++) {
        check(10007, (enum order)order, &random);
    }
}

/* Every arrangement of up to eight values: nothing depends on luck. */
static void test_permutations(void **state)
{
    uint32_t at[8];
    uint32_t wanted[8] = {0, 1, 2, 3, 4, 5, 6, 7};
    uint32_t code;

    (void)state;
    for (code = 0; code < 40320; code++) {
        struct values values = {at, 8, 0, 0};
        const struct hp_sortable sortable = {&values, value_less, value_swap};
        uint32_t rest = code;
        uint32_t n;

        memcpy(at, wanted, sizeof(at));
        for (n = 8; n > 1; n--) {
            value_swap(&values, n - 1, rest % n);
            rest /= n;
        }
        hp_sort(&sortable, 8);
        assert_memory_equal(at, wanted, sizeof(at));
    }
}

/* 2 n log2 n comparisons for the heap, n for the check of the order before it. */
static void test_bound(void **state)
{
    const uint32_t count = UINT32_C(1) << 15;
    uint64_t random = 2;
    unsigned order;

    (void)state;
    for (order = 0; order < ORDER_COUNT; order++) {
        uint64_t compares = check(count, (enum order)order, &random);

        if (order == SORTED || order == EQUAL) {
            assert_int_equal(compares, count - 1);
        }
        assert_true(compares <= UINT64_C(2) * count * 16 + count);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_qsort),
        cmocka_unit_test(test_permutations),
        cmocka_unit_test(test_bound),
    };

    return cmocka_run_group_tests_name("sort", tests, NULL, NULL);
}
