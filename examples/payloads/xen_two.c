/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two functions with data of every kind, and symbols of the target.
 *
 * The target's symbols are declared without hidden visibility: the compiler then takes their
 * addresses from a global offset table, which the library provides and Xen 4.17 itself does not.
 */
#include <hotpatch/payload.h>

extern int printk(const char *format, ...);
extern unsigned int nr_cpu_ids;

static const unsigned short turns_of_phrase[] = {3, 1, 2};
static const char *const phrases[] = {"Hello", "World", "Hello again", "Goodbye"};
static unsigned int reports_left = 16;
static unsigned int asked;
static char last[64];

static const char *next_phrase(void)
{
    unsigned int turn = turns_of_phrase[asked++ % 3];
    unsigned int i;

    for (i = 0; i + 1 < sizeof(last) && phrases[turn][i] != '\0'; i++) {
        last[i] = phrases[turn][i];
    }
    last[i] = '\0';
    return last;
}

static const char *two_version(void)
{
    if (reports_left > 0) {
        reports_left--;
        printk("asked %u times, on a host of %u CPUs\n", asked, nr_cpu_ids);
    }
    return next_phrase();
}

static const char *two_changeset(void)
{
    int (*report)(const char *, ...) = printk;

    report("last answer: %s\n", last);
    return phrases[0];
}

HP_PATCH_FUNCTION(version, "xen_extra_version", two_version, TARGET_SIZE_xen_extra_version);
HP_PATCH_FUNCTION(changeset, "xen_changeset", two_changeset, TARGET_SIZE_xen_changeset);
