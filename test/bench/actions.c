/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an apply and a revert cost, by number of functions: before the window, while all CPUs stand
 * still, and after it. The window's instructions are counted.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apply/upload.h"
#include "bench.h"

/*
 * Instructions that one more function may cost in the window: a jump of five bytes compared,
 * written and made visible. Measured (x86-64, gcc 12 -O2) are 79 to apply and 78 to revert where
 * the function is aligned to four bytes, as compilers do it, and 109 and 108 where it is not.
 */
#define LIMIT_ALIGNED   100.0
#define LIMIT_UNALIGNED 130.0

/* By how much that may differ between 10 to 100 and 100 to 500 functions. */
#define SLACK 1.0

static const uint32_t counts[] = {1, 10, 100, 500};

#define COUNTS (sizeof(counts) / sizeof(counts[0]))

/* The parts of an action, and the floor of its window. */
enum part { BEFORE, WINDOW, AFTER, FLOOR, PARTS };

enum direction { APPLY, REVERT, DIRECTIONS };

/* What was measured of one number of functions. */
struct measured {
    double ns[DIRECTIONS][PARTS]; /* lowest of all samples */
    uint64_t instructions[DIRECTIONS];
};

struct subject {
    struct hp_manager manager;
    const struct hp_payload *payload;
};

static void require(enum hp_status status)
{
    if (status) {
        fprintf(stderr, "an action of the benchmark failed: %s\n", hp_status_name(status));
        exit(1);
    }
}

static void schedule(struct subject *subject, enum direction direction)
{
    require(direction == APPLY ? hp_manager_apply(&subject->manager, "bench", NULL, NULL)
                               : hp_manager_revert(&subject->manager, "bench", NULL, NULL));
    if (!hp_manager_claim(&subject->manager)) {
        fprintf(stderr, "an action of the benchmark was not scheduled\n");
        exit(1);
    }
}

static void run_window(void *data)
{
    struct subject *subject = data;

    require(hp_manager_window(&subject->manager));
}

/* What no window can do without: the same bytes compared and copied through the same aliases. */
static void run_floor(const struct subject *subject, enum direction direction)
{
    const struct hp_payload *payload = subject->payload;
    uint32_t n;

    for (n = 0; n < payload->write_count; n++) {
        const struct hp_write *write = &payload->writes[n];

        if (memcmp(write->alias, write->now_bytes, write->size) != 0) {
            require(HP_MEMORY_CHANGED);
        }
    }
    for (n = 0; n < payload->write_count; n++) {
        const struct hp_write *write = &payload->writes[n];

        memcpy(write->alias, direction == APPLY ? write->new_bytes : write->old_bytes, write->size);
    }
}

static void undo_floor(const struct subject *subject)
{
    const struct hp_payload *payload = subject->payload;
    uint32_t n;

    for (n = 0; n < payload->write_count; n++) {
        memcpy(payload->writes[n].alias, payload->writes[n].now_bytes, payload->writes[n].size);
    }
}

static void keep_lowest(double *lowest, uint64_t ns)
{
    if (*lowest == 0 || (double)ns < *lowest) {
        *lowest = (double)ns;
    }
}

/* One action, timed. The floor comes first and is undone, so that the window finds what it must. */
static void sample(struct subject *subject, enum direction direction, double ns[PARTS])
{
    uint64_t times[4];

    times[0] = bench_now();
    schedule(subject, direction);
    times[1] = bench_now();
    keep_lowest(&ns[BEFORE], times[1] - times[0]);

    times[0] = bench_now();
    run_floor(subject, direction);
    times[1] = bench_now();
    keep_lowest(&ns[FLOOR], times[1] - times[0]);
    undo_floor(subject);

    times[0] = bench_now();
    run_window(subject);
    times[1] = bench_now();
    hp_manager_finish(&subject->manager, HP_OK);
    times[2] = bench_now();
    keep_lowest(&ns[WINDOW], times[1] - times[0]);
    keep_lowest(&ns[AFTER], times[2] - times[1]);
}

/* The instructions of a window that a child process goes through; here it is gone through as well.
 */
static uint64_t count(struct subject *subject, enum direction direction)
{
    uint64_t instructions;

    schedule(subject, direction);
    instructions = bench_count(run_window, subject);
    run_window(subject);
    hp_manager_finish(&subject->manager, HP_OK);
    return instructions;
}

static void measure(struct hp_port *port, uint32_t functions, uint32_t samples,
                    struct measured *out)
{
    const struct bench_spec spec = {.functions = functions,
                                    .relocations = 42 * functions,
                                    .undefined = functions,
                                    .function_bytes = 900};
    struct bench_payload file = bench_payload(&spec, port);
    struct subject subject = {.payload = NULL};
    struct hp_payload_info info;
    uint32_t n;

    memset(out, 0, sizeof(*out));
    bench_port_clear(port);
    require(hp_manager_init(&subject.manager, port, NULL));
    require(hp_manager_upload_private(&subject.manager, "bench", file.data, file.size, NULL));
    require(hp_manager_get(&subject.manager, "bench", &info));
    subject.payload = info.payload;
    for (n = 0; n < samples; n++) {
        sample(&subject, APPLY, out->ns[APPLY]);
        sample(&subject, REVERT, out->ns[REVERT]);
    }
    out->instructions[APPLY] = count(&subject, APPLY);
    out->instructions[REVERT] = count(&subject, REVERT);
    require(hp_manager_close(&subject.manager));
    free(file.data);
}

static double slope(const struct measured *results, enum direction direction, size_t from)
{
    return (double)(results[from + 1].instructions[direction] -
                    results[from].instructions[direction]) /
           (counts[from + 1] - counts[from]);
}

static const char *const names[DIRECTIONS] = {"apply", "revert"};

static void print_table(const struct measured *results, enum direction direction)
{
    size_t n;

    printf("\n%-14s %9s %9s %9s %9s %6s %12s\n", names[direction], "before us", "window us",
           "after us", "floor us", "ratio", "instructions");
    for (n = 0; n < COUNTS; n++) {
        const double *ns = results[n].ns[direction];

        printf("%3u function%s %11.2f %9.2f %9.2f %9.2f %6.2f %12llu\n", counts[n],
               counts[n] == 1 ? " " : "s", ns[BEFORE] / 1000, ns[WINDOW] / 1000, ns[AFTER] / 1000,
               ns[FLOOR] / 1000, ns[WINDOW] / ns[FLOOR],
               (unsigned long long)results[n].instructions[direction]);
    }
}

/* Whether one more function costs the same wherever the count is, and no more than the limit. */
static bool check(const struct measured *results, enum direction direction, const char *where,
                  double limit)
{
    double cost = slope(results, direction, COUNTS - 2);
    double difference = cost - slope(results, direction, COUNTS - 3);
    bool ok = cost <= limit && difference <= SLACK && difference >= -SLACK;

    printf("%s, window, one more function %s: %.2f instructions, %.2f before (limit %.0f)%s\n",
           names[direction], where, cost, cost - difference, limit, ok ? "" : ": FAILED");
    return ok;
}

bool bench_actions(struct hp_port *port, uint32_t samples)
{
    struct measured aligned[COUNTS];
    struct measured unaligned[COUNTS];
    bool ok;
    size_t n;

    port->acting = true;
    for (n = 0; n < COUNTS; n++) {
        measure(port, counts[n], samples, &aligned[n]);
        /* The target's memory, one byte off; what addresses the target has does not matter. */
        port->text++;
        measure(port, counts[n], 1, &unaligned[n]);
        port->text--;
    }
    port->acting = false;
    print_table(aligned, APPLY);
    print_table(aligned, REVERT);
    printf("\n");
    ok = check(aligned, APPLY, "aligned", LIMIT_ALIGNED);
    ok = check(aligned, REVERT, "aligned", LIMIT_ALIGNED) && ok;
    ok = check(unaligned, APPLY, "unaligned", LIMIT_UNALIGNED) && ok;
    return check(unaligned, REVERT, "unaligned", LIMIT_UNALIGNED) && ok;
}
