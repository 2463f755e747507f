/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs the tests of a program one after the other and reports them as cmocka does. */
#include <cmocka.h>

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static jmp_buf after_failure;
static int in_test;

_Noreturn void cross_fail(const char *file, int line, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vprintf(format, arguments);
    va_end(arguments);
    printf("\n%s:%d: error: Failure!\n", file, line);
    if (!in_test) {
        exit(1);
    }
    longjmp(after_failure, 1);
}

void cross_check(int holds, const char *what, const char *file, int line)
{
    if (!holds) {
        cross_fail(file, line, "%s", what);
    }
}

void cross_integers(uintmax_t a, uintmax_t b, int equal, const char *what, const char *file,
                    int line)
{
    if ((a == b) != equal) {
        cross_fail(file, line, "%s: 0x%" PRIxMAX ", 0x%" PRIxMAX, what, a, b);
    }
}

void cross_strings(const char *a, const char *b, int equal, const char *file, int line)
{
    if (a == NULL || b == NULL || (strcmp(a, b) == 0) != equal) {
        cross_fail(file, line, "\"%s\", \"%s\"", a != NULL ? a : "(null)",
                   b != NULL ? b : "(null)");
    }
}

void cross_memory(const void *a, const void *b, size_t size, int equal, const char *file, int line)
{
    const unsigned char *x = a;
    const unsigned char *y = b;
    size_t n;

    for (n = 0; n < size && x[n] == y[n]; n++) {
    }
    if ((n == size) != equal) {
        cross_fail(file, line, "memory %s from offset %zu of %zu on",
                   equal ? "differs" : "is the same", n, size);
    }
}

void cross_range(uintmax_t value, uintmax_t low, uintmax_t high, const char *file, int line)
{
    if (value < low || value > high) {
        cross_fail(file, line, "0x%" PRIxMAX " is not in 0x%" PRIxMAX "..0x%" PRIxMAX, value, low,
                   high);
    }
}

/* Runs one test; true when it passed. */
static int run_one(const struct CMUnitTest *test, void *state)
{
    int passed = 0;

    in_test = 1;
    if (setjmp(after_failure) == 0) {
        cross_check(test->setup == NULL || test->setup(&state) == 0, "setup", __FILE__, __LINE__);
        test->test(&state);
        cross_check(test->teardown == NULL || test->teardown(&state) == 0, "teardown", __FILE__,
                    __LINE__);
        passed = 1;
    }
    in_test = 0;
    return passed;
}

int cross_run(const struct CMUnitTest *tests, size_t count, int (*setup)(void **),
              int (*teardown)(void **))
{
    void *state = NULL;
    size_t passed = 0;
    size_t n;

    (void)setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    cross_check(setup == NULL || setup(&state) == 0, "setup of the group", __FILE__, __LINE__);
    for (n = 0; n < count; n++) {
        int ok;

        printf("[ RUN      ] %s\n", tests[n].name);
        ok = run_one(&tests[n], state);
        printf("%s %s\n", ok ? "[       OK ]" : "[  FAILED  ]", tests[n].name);
        passed += ok ? 1 : 0;
    }
    cross_check(teardown == NULL || teardown(&state) == 0, "teardown of the group", __FILE__,
                __LINE__);
    printf("[  PASSED  ] %zu test(s).\n", passed);
    if (passed != count) {
        printf("[  FAILED  ] %zu test(s).\n", count - passed);
    }
    return passed == count ? 0 : 1;
}
