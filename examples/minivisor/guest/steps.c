/* SPDX-License-Identifier: BSD-2-Clause */
/* The transcript: numbered steps, what was found, and what did not hold. */
#include "guest.h"

#include <minivisor/format.h>

#define ANSWERS 500u

static uint32_t steps;
static uint32_t failed;

void step(const char *title)
{
    steps++;
    print("\n%2u  %s\n", steps, title);
}

static void line(const char *mark, const char *format, va_list args)
{
    char text[200];

    (void)mv_format(text, sizeof(text), format, args);
    print("    %s%s\n", mark, text);
}

void note(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    line("", format, args);
    va_end(args);
}

void check(bool holds, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    line(holds ? "ok    " : "FAIL  ", format, args);
    va_end(args);
    failed += !holds;
}

uint32_t failures(void)
{
    return failed;
}

void expect(int64_t actual, int64_t expected, const char *what)
{
    if (actual != expected) {
        const struct mv_report *why = report();

        check(false, "%s: %ld, expected %ld (%s: %s)", what, (long)actual, (long)expected,
              why->status, why->detail);
    } else if (expected < 0) {
        check(true, "%s: refused, %s (%ld)", what, report()->status, (long)actual);
    } else {
        check(true, "%s", what);
    }
}

/*
 * Answers other than one, of a guest. Its counters are read while it counts: each by itself only
 * grows, but they need not fit together.
 */
static uint64_t others(const struct mv_guest_page *page, uint64_t expected)
{
    uint64_t sum = page->wrong;
    uint32_t version;
    uint32_t tag;

    for (version = 0; version < MV_VERSIONS; version++) {
        for (tag = 0; tag < 2; tag++) {
            if (version != expected >> 32 || tag != (expected >> 16 & 1)) {
                sum += page->seen[version][tag];
            }
        }
    }
    return sum;
}

void expect_answers(uint64_t expected)
{
    uint32_t cpus = report()->cpus;
    uint64_t calls[MV_CPUS];
    uint64_t other[MV_CPUS];
    int64_t ahead;
    uint32_t guest;
    uint32_t n;

    /* What a guest was just told may not be counted yet; one more answer, and it is. */
    for (guest = 0; guest < cpus; guest++) {
        uint64_t start = guest_info(guest)->page.calls;

        while (guest_info(guest)->page.calls < start + 2) {
            (void)ask();
        }
        calls[guest] = guest_info(guest)->page.calls;
        other[guest] = others(&guest_info(guest)->page, expected);
    }
    for (guest = 0; guest < cpus; guest++) {
        const struct mv_guest_info *info = guest_info(guest);

        for (n = 0; info->page.calls < calls[guest] + ANSWERS; n++) {
            (void)ask();
            info = guest_info(guest);
        }
        /*
         * The hypervisor may be one answer ahead of what the guest has counted, no more. Its count
         * was read first, so that it may be behind by any number.
         */
        ahead = (int64_t)(info->calls - info->page.calls);
        check(others(&info->page, expected) == other[guest] && info->page.wrong == 0 && ahead <= 1,
              "guest %u: %lu answers in all, the last %lu are version %lu tag %lu; %lu others "
              "since, %lu wrong (%lx), %lu not counted yet",
              guest, (unsigned long)info->page.calls,
              (unsigned long)(info->page.calls - calls[guest]), (unsigned long)(expected >> 32),
              (unsigned long)(expected >> 16 & 1),
              (unsigned long)(others(&info->page, expected) - other[guest]),
              (unsigned long)info->page.wrong, (unsigned long)info->page.last_wrong,
              (unsigned long)(ahead > 0 ? ahead : 0));
    }
}
