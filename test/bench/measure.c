/* SPDX-License-Identifier: BSD-2-Clause */
/* Measuring one payload: load, phases, plan and floor by turns, so that all see the same machine.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

/* Samples of one quantity. */
struct samples {
    double values[BENCH_SAMPLES_MAX];
    uint32_t count;
};

static void add(struct samples *samples, double value)
{
    samples->values[samples->count] = value;
    samples->count++;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

static struct bench_figure figure(struct samples *samples)
{
    struct bench_figure out;

    qsort(samples->values, samples->count, sizeof(samples->values[0]), compare);
    out.lowest = samples->values[0];
    out.median = samples->values[samples->count / 2];
    return out;
}

void bench_load(struct hp_payload *payload, struct hp_port *port, const struct bench_payload *file,
                const struct hp_payload *before)
{
    const struct hp_load_options options = {.size = sizeof(options),
                                            .profile = file->profile,
                                            .loaded = &before,
                                            .loaded_count = before != NULL ? 1 : 0};
    struct hp_diag diag;

    hp_diag_init(&diag);
    if (hp_payload_load(payload, port, file->data, file->size, &options, &diag) != HP_OK) {
        char line[512];

        hp_diag_format(&diag, line, sizeof(line));
        fprintf(stderr, "a payload of %zu bytes was refused: %s\n", file->size, line);
        exit(1);
    }
}

/* ns of one load, from `times` of them in a row. */
static double time_load(struct hp_port *port, const struct bench_payload *file,
                        const struct hp_payload *before, uint32_t times)
{
    uint64_t start = bench_cpu_now();
    uint32_t n;

    for (n = 0; n < times; n++) {
        struct hp_payload payload;

        bench_load(&payload, port, file, before);
        hp_payload_unload(&payload);
    }
    return (double)(bench_cpu_now() - start) / times;
}

static double time_floor(const struct bench_floor *floor, enum bench_floor_part part,
                         uint32_t times)
{
    uint64_t start = bench_cpu_now();
    uint64_t sum = 0;
    uint32_t n;

    for (n = 0; n < times; n++) {
        sum += bench_floor_run(floor, part);
    }
    __asm__ volatile("" : : "r"(sum)); /* the sum is used, so the work has to be done */
    return (double)(bench_cpu_now() - start) / times;
}

static double time_plan(struct hp_port *port, const struct bench_payload *file, uint32_t times)
{
    struct hp_payload payload;
    uint64_t start;
    double spent;
    uint32_t n;

    bench_load(&payload, port, file, NULL);
    start = bench_cpu_now();
    for (n = 0; n < times; n++) {
        if (hp_plan_capture(&payload, NULL, 0, NULL) != HP_OK) {
            fprintf(stderr, "a plan was refused\n");
            exit(1);
        }
    }
    spent = (double)(bench_cpu_now() - start) / times;
    hp_payload_unload(&payload);
    return spent;
}

static void time_phases(struct hp_port *port, const struct bench_payload *file, uint32_t times,
                        struct samples *phases)
{
    struct bench_clock clock = {.overhead = bench_overhead()};
    uint32_t n;

    port->clock = &clock;
    for (n = 0; n < times; n++) {
        struct hp_payload payload;

        bench_clock_start(&clock);
        bench_load(&payload, port, file, NULL);
        bench_clock_charge(&clock, BENCH_OTHER);
        hp_payload_unload(&payload);
    }
    port->clock = NULL;
    for (n = 0; n < BENCH_PHASES; n++) {
        add(&phases[n], (double)clock.spent[n] / times);
    }
}

/* Loads in a sample; the first load of all is not timed: it warms the caches. */
static uint32_t repeats(struct hp_port *port, const struct bench_payload *file,
                        const struct hp_payload *before, const struct bench_effort *effort)
{
    double once = time_load(port, file, before, 1);

    return (uint32_t)(effort->sample / once) + 1;
}

double bench_load_time(struct hp_port *port, const struct bench_payload *file,
                       const struct hp_payload *before, const struct bench_effort *effort)
{
    struct samples samples = {.count = 0};
    uint32_t times = repeats(port, file, before, effort);
    uint32_t n;

    for (n = 0; n < effort->samples; n++) {
        add(&samples, time_load(port, file, before, times));
    }
    return figure(&samples).lowest;
}

/* Everything that there is to sample of a payload. */
struct all_samples {
    struct samples load;
    struct samples plan;
    struct samples phases[BENCH_PHASES];
    struct samples parts[BENCH_FLOOR_PARTS];
};

static void summarise(struct all_samples *samples, struct bench_result *result)
{
    const struct bench_figure *port = &result->parts[BENCH_FLOOR_ALL_PORT];
    const struct bench_figure *plain = &result->parts[BENCH_FLOOR_ALL_PLAIN];
    uint32_t n;

    result->load = figure(&samples->load);
    result->plan = figure(&samples->plan);
    for (n = 0; n < BENCH_PHASES; n++) {
        result->phases[n] = figure(&samples->phases[n]);
    }
    for (n = 0; n < BENCH_FLOOR_PARTS; n++) {
        result->parts[n] = figure(&samples->parts[n]);
    }
    result->floor = port->lowest < plain->lowest ? *port : *plain;
}

/* Counts that do not change, and the floor, which is made from a load. */
static struct bench_floor *prepare(struct hp_port *port, const struct bench_payload *file,
                                   struct bench_result *result)
{
    uint64_t calls = port->calls;
    struct hp_payload payload;
    struct bench_floor *floor;
    struct hp_elf elf;

    bench_port_clear(port);
    bench_load(&payload, port, file, NULL);
    result->allocs = port->calls - calls;
    result->image = payload.image.memory.size;
    floor = bench_floor_new(file, &payload);
    hp_payload_unload(&payload);
    if (floor == NULL || hp_elf_open(&elf, file->data, file->size, NULL, NULL) != HP_OK) {
        exit(1);
    }
    result->symbols = elf.symbol_count;
    result->look_ups = bench_floor_look_ups(floor);
    return floor;
}

void bench_measure(struct hp_port *port, const struct bench_payload *file,
                   const struct bench_effort *effort, struct bench_result *result)
{
    struct all_samples *samples = calloc(1, sizeof(*samples));
    struct bench_floor *floor = prepare(port, file, result);
    uint32_t times = repeats(port, file, NULL, effort);
    uint32_t n;
    uint32_t part;

    if (samples == NULL) {
        abort();
    }
    for (n = 0; n < effort->samples; n++) {
        add(&samples->load, time_load(port, file, NULL, times));
        for (part = 0; part < BENCH_FLOOR_PARTS; part++) {
            add(&samples->parts[part], time_floor(floor, (enum bench_floor_part)part, times));
        }
        add(&samples->plan, time_plan(port, file, times));
        time_phases(port, file, times, samples->phases);
    }
    summarise(samples, result);
    bench_floor_free(floor);
    free(samples);
}
