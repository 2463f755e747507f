/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the unit tests use of cmocka, for processors that Debian has a compiler for but, without a
 * change to the machine's package sources, no cmocka. The reports have cmocka's form.
 */
#ifndef TEST_CROSS_CMOCKA_H
#define TEST_CROSS_CMOCKA_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct CMUnitTest {
    const char *name;
    void (*test)(void **state);
    int (*setup)(void **state);
    int (*teardown)(void **state);
};

#define cmocka_unit_test(f)                                                                        \
    {                                                                                              \
#f, f, NULL, NULL                                                                          \
    }
#define cmocka_unit_test_setup_teardown(f, setup, teardown)                                        \
    {                                                                                              \
#f, f, setup, teardown                                                                     \
    }
#define cmocka_run_group_tests_name(name, tests, setup, teardown)                                  \
    cross_run(tests, sizeof(tests) / sizeof((tests)[0]), setup, teardown)
#define cmocka_run_group_tests(tests, setup, teardown)                                             \
    cmocka_run_group_tests_name(NULL, tests, setup, teardown)

int cross_run(const struct CMUnitTest *tests, size_t count, int (*setup)(void **),
              int (*teardown)(void **));

/* Ends the test that runs. */
_Noreturn void cross_fail(const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

void cross_check(int holds, const char *what, const char *file, int line);
void cross_integers(uintmax_t a, uintmax_t b, int equal, const char *what, const char *file,
                    int line);
void cross_strings(const char *a, const char *b, int equal, const char *file, int line);
void cross_memory(const void *a, const void *b, size_t size, int equal, const char *file, int line);
void cross_range(uintmax_t value, uintmax_t low, uintmax_t high, const char *file, int line);

#define CROSS_POINTER(p) ((uintmax_t)(uintptr_t)(p))

#define assert_true(c)     cross_check(!!(c), #c, __FILE__, __LINE__)
#define assert_false(c)    cross_check(!(c), "!(" #c ")", __FILE__, __LINE__)
#define assert_non_null(p) cross_check((p) != NULL, #p " != NULL", __FILE__, __LINE__)
#define assert_null(p)     cross_check((p) == NULL, #p " == NULL", __FILE__, __LINE__)
#define assert_int_equal(a, b)                                                                     \
    cross_integers((uintmax_t)(a), (uintmax_t)(b), 1, #a " == " #b, __FILE__, __LINE__)
#define assert_int_not_equal(a, b)                                                                 \
    cross_integers((uintmax_t)(a), (uintmax_t)(b), 0, #a " != " #b, __FILE__, __LINE__)
#define assert_ptr_equal(a, b)                                                                     \
    cross_integers(CROSS_POINTER(a), CROSS_POINTER(b), 1, #a " == " #b, __FILE__, __LINE__)
#define assert_ptr_not_equal(a, b)                                                                 \
    cross_integers(CROSS_POINTER(a), CROSS_POINTER(b), 0, #a " != " #b, __FILE__, __LINE__)
#define assert_string_equal(a, b)        cross_strings(a, b, 1, __FILE__, __LINE__)
#define assert_string_not_equal(a, b)    cross_strings(a, b, 0, __FILE__, __LINE__)
#define assert_memory_equal(a, b, n)     cross_memory(a, b, n, 1, __FILE__, __LINE__)
#define assert_memory_not_equal(a, b, n) cross_memory(a, b, n, 0, __FILE__, __LINE__)
#define assert_in_range(value, low, high)                                                          \
    cross_range((uintmax_t)(value), (uintmax_t)(low), (uintmax_t)(high), __FILE__, __LINE__)
#define fail_msg(...)      cross_fail(__FILE__, __LINE__, __VA_ARGS__)
#define fail()             cross_fail(__FILE__, __LINE__, "failed")
#define print_message(...) ((void)printf(__VA_ARGS__))
#define print_error(...)   ((void)printf(__VA_ARGS__))

#endif
