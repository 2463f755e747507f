/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Times the loading of payloads against a floor measured in the same run, counts the port's
 * allocations, and shows how the cost grows; then the same of actions. Fails on what does not
 * depend on the machine: a number of allocations that varies, a cost that grows much faster than
 * the payload, and instructions in the window.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

/* Port allocations that a load may make, whatever the payload. */
#define ALLOCS_MAX 3u

/* Actions of each kind and size that are timed. */
#define ACTIONS       2000u
#define SMOKE_ACTIONS 10u

static const struct bench_spec specs[] = {
    {"typical", .functions = 10, .relocations = 420, .undefined = 60, .locals = 30,
     .function_bytes = 900},
    {"large", .functions = 500, .relocations = 21000, .undefined = 2000, .locals = 1000,
     .function_bytes = 900},
    {"2 MiB", .functions = 900, .relocations = 41400, .undefined = 4000, .locals = 900,
     .function_bytes = 630},
    {"30,500 local", .functions = 500, .relocations = 15000, .undefined = 2000, .locals = 30000,
     .function_bytes = 260},
    {"30,500 global", .functions = 500, .relocations = 15000, .undefined = 2000, .globals = 30000,
     .function_bytes = 260},
    {"30,500 as Xen", .functions = 500, .relocations = 15000, .undefined = 2000, .locals = 30000,
     .function_bytes = 260, .profile = &hp_profile_xen_4_17},
    {"own sections", .functions = 500, .relocations = 21000, .undefined = 2000, .locals = 1000,
     .function_bytes = 900, .own_sections = true},
};

#define SPECS (sizeof(specs) / sizeof(specs[0]))

static const char *const phase_names[BENCH_PHASES] = {
    [BENCH_OPEN] = "open",       [BENCH_MEASURE] = "measure", [BENCH_SCAN] = "scan",
    [BENCH_IMAGE] = "image",     [BENCH_SYMBOLS] = "symbols", [BENCH_RELOCATE] = "relocate",
    [BENCH_RECORDS] = "records", [BENCH_EXPORT] = "export",   [BENCH_SEAL] = "seal",
    [BENCH_OTHER] = "other",
};

/* Stays on the processor it is on; without that right the times are only less steady. */
static void pin(void)
{
    cpu_set_t set;
    int cpu = sched_getcpu();

    if (cpu >= 0) {
        CPU_ZERO(&set);
        CPU_SET((size_t)cpu, &set);
        if (sched_setaffinity(0, sizeof(set), &set) != 0) {
            fprintf(stderr, "not pinned to a processor\n");
        }
    }
}

static double us(double ns)
{
    return ns / 1000;
}

static void print_totals(const struct bench_result *results, const struct bench_payload *files)
{
    size_t n;

    printf("%-14s %5s %6s %6s %7s %8s %8s %6s %6s %8s %6s\n", "payload", "KiB", "relocs", "symbols",
           "look-ups", "load us", "floor us", "ratio", "median", "plan us", "allocs");
    for (n = 0; n < SPECS; n++) {
        const struct bench_result *r = &results[n];

        printf("%-14s %5zu %6u %7u %8u %8.1f %8.1f %6.2f %6.2f %8.1f %6llu\n", specs[n].title,
               files[n].size >> 10, specs[n].relocations, r->symbols, r->look_ups,
               us(r->load.lowest), us(r->floor.lowest), r->load.lowest / r->floor.lowest,
               r->load.median / r->floor.median, us(r->plan.lowest), (unsigned long long)r->allocs);
    }
}

static void print_phases(const struct bench_result *results)
{
    size_t n;
    uint32_t phase;

    printf("\n%-14s", "phases, us");
    for (phase = 0; phase < BENCH_PHASES; phase++) {
        printf(" %8s", phase_names[phase]);
    }
    printf("\n");
    for (n = 0; n < SPECS; n++) {
        printf("%-14s", specs[n].title);
        for (phase = 0; phase < BENCH_PHASES; phase++) {
            printf(" %8.2f", us(results[n].phases[phase].lowest));
        }
        printf("\n");
    }
}

static void print_floor(const struct bench_result *results)
{
    static const char *const names[BENCH_FLOOR_PARTS] = {
        [BENCH_FLOOR_COPY] = "copy",    [BENCH_FLOOR_RELOCATE] = "relocate",
        [BENCH_FLOOR_PORT] = "port",    [BENCH_FLOOR_PLAIN] = "plain",
        [BENCH_FLOOR_ALL_PORT] = "all", [BENCH_FLOOR_ALL_PLAIN] = "all, plain",
    };
    size_t n;
    uint32_t part;

    printf("\n%-14s", "floor, us");
    for (part = 0; part < BENCH_FLOOR_PARTS; part++) {
        printf(" %10s", names[part]);
    }
    printf("\n");
    for (n = 0; n < SPECS; n++) {
        printf("%-14s", specs[n].title);
        for (part = 0; part < BENCH_FLOOR_PARTS; part++) {
            printf(" %10.2f", us(results[n].parts[part].lowest));
        }
        printf("\n");
    }
    printf("\n");
}

static bool check_allocs(const struct bench_result *results)
{
    size_t n;

    for (n = 0; n < SPECS; n++) {
        if (results[n].allocs != results[0].allocs || results[n].allocs > ALLOCS_MAX) {
            printf("%s: %llu allocations, %s: %llu\n", specs[0].title,
                   (unsigned long long)results[0].allocs, specs[n].title,
                   (unsigned long long)results[n].allocs);
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    static const struct bench_effort full = {60, 2e6};
    static const struct bench_effort full_growth = {12, 2e6};
    static const struct bench_effort smoke = {5, 2e5};
    bool is_smoke = argc == 2 && strcmp(argv[1], "--smoke") == 0;
    struct bench_payload files[SPECS];
    struct bench_result results[SPECS];
    struct hp_port *port;
    bool ok;
    size_t n;

    if (argc > 1 && !is_smoke) {
        fprintf(stderr, "usage: hotpatch_bench [--smoke]\n");
        return 2;
    }
    pin();
    port = bench_port_new();
    for (n = 0; n < SPECS; n++) {
        files[n] = bench_payload(&specs[n], port);
        bench_measure(port, &files[n], is_smoke ? &smoke : &full, &results[n]);
    }
    print_totals(results, files);
    print_phases(results);
    print_floor(results);
    ok = check_allocs(results);
    ok = bench_growth(port, is_smoke ? &smoke : &full_growth) && ok;
    ok = bench_actions(port, is_smoke ? SMOKE_ACTIONS : ACTIONS) && ok;
    for (n = 0; n < SPECS; n++) {
        free(files[n].data);
    }
    bench_port_free(port);
    return ok ? 0 : 1;
}
