/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How the cost of a load grows: payloads at 1, 2, 4 and 8 times a size, one count growing at a
 * time, then all of them, then names chosen to be slow. A product of counts would show as eight
 * times the cost per unit.
 */
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"

#define STEPS 4u

/*
 * Cost per unit at eight times the size over that at the single size. Sorting and the caches
 * account for about two, a product of two counts for eight.
 */
#define GROWTH_MAX 4.0

/* A series of ordinary payloads: `base` plus 1, 2, 4, 8 times `step`. */
struct series {
    const char *what;
    struct bench_spec base;
    struct bench_spec step;
    uint32_t units; /* that a step adds */
};

static const struct series ordinary[] = {
    {"relocations",
     {.functions = 8, .relocations = 116, .function_bytes = 8000},
     {.relocations = 8000},
     8000},
    {"undefined symbols",
     {.functions = 8, .relocations = 9000, .function_bytes = 12000},
     {.undefined = 1000},
     1000},
    {"new global symbols",
     {.functions = 1, .relocations = 42, .function_bytes = 400},
     {.globals = 3500},
     3500},
    {"local symbols",
     {.functions = 1, .relocations = 42, .function_bytes = 400},
     {.locals = 3500},
     3500},
    {"KiB of code",
     {.functions = 1, .relocations = 42, .function_bytes = 400},
     {.function_bytes = 100 << 10},
     100},
    {"functions",
     {.functions = 0, .function_bytes = 400},
     {.functions = 250, .relocations = 1000},
     250},
    {"functions, shuffled",
     {.functions = 0, .function_bytes = 400, .shuffled = true},
     {.functions = 250, .relocations = 1000},
     250},
    {"functions with sections",
     {.functions = 0, .function_bytes = 200, .own_sections = true},
     {.functions = 250, .relocations = 1000},
     250},
    {"all of it",
     {.function_bytes = 400},
     {.functions = 100, .relocations = 4200, .undefined = 400, .globals = 1200, .locals = 300},
     100},
};

struct attack_series {
    const char *what;
    enum bench_attack attack;
    uint32_t units;
};

static const struct attack_series attacks[] = {
    {"colliding new symbols", BENCH_COLLIDE, 3500},
    {"colliding, 200 bytes in common", BENCH_COLLIDE_LONG, 900},
    {"colliding imports", BENCH_IMPORT, 3500},
    {"one name of the longest size", BENCH_LONGEST, 9000},
};

static void add(struct bench_spec *spec, const struct bench_spec *step, uint32_t times)
{
    spec->functions += times * step->functions;
    spec->relocations += times * step->relocations;
    spec->undefined += times * step->undefined;
    spec->globals += times * step->globals;
    spec->locals += times * step->locals;
    spec->function_bytes += times * step->function_bytes;
}

static bool report(const char *what, uint32_t units, const double *times)
{
    double first = times[0] / units;
    double last = times[STEPS - 1] / (8.0 * units);
    uint32_t n;

    printf("%-32s %6u", what, units);
    for (n = 0; n < STEPS; n++) {
        printf(" %8.1f", times[n] / ((double)units * (1u << n)));
    }
    printf(" %6.2f%s\n", last / first, last / first > GROWTH_MAX ? "  TOO MUCH" : "");
    return last / first <= GROWTH_MAX;
}

static bool ordinary_growth(struct hp_port *port, const struct bench_effort *effort,
                            const struct series *series)
{
    double times[STEPS];
    uint32_t n;

    for (n = 0; n < STEPS; n++) {
        struct bench_spec spec = series->base;
        struct bench_payload file;

        add(&spec, &series->step, 1u << n);
        file = bench_payload(&spec, port);
        bench_port_clear(port);
        times[n] = bench_load_time(port, &file, NULL, effort);
        free(file.data);
    }
    return report(series->what, series->units, times);
}

/* All new symbols of the attack must have the same hash, or the series shows nothing. */
static bool collides(const struct hp_payload *payload)
{
    const struct hp_symtab *provided = &payload->provided;
    uint32_t n;

    for (n = 1; n < provided->count; n++) {
        if (provided->entries[n].hash != provided->entries[0].hash) {
            return false;
        }
    }
    return provided->count > 1;
}

static bool attack_growth(struct hp_port *port, const struct bench_effort *effort,
                          const struct attack_series *series)
{
    bool is_import = series->attack == BENCH_IMPORT;
    bool ok = true;
    double times[STEPS];
    uint32_t n;

    for (n = 0; n < STEPS; n++) {
        uint32_t count = series->units << n;
        enum bench_attack kind = is_import ? BENCH_COLLIDE : series->attack;
        struct bench_payload file = bench_attack(kind, count, port);
        struct bench_payload import = bench_attack(BENCH_IMPORT, count, port);
        struct hp_payload payload;

        bench_port_clear(port);
        bench_load(&payload, port, &file, NULL);
        ok = ok && (series->attack == BENCH_LONGEST || collides(&payload));
        if (is_import) {
            times[n] = bench_load_time(port, &import, &payload, effort);
            hp_payload_unload(&payload);
        } else {
            hp_payload_unload(&payload);
            times[n] = bench_load_time(port, &file, NULL, effort);
        }
        free(file.data);
        free(import.data);
    }
    if (!ok) {
        printf("%s: the names do not collide; has the hash changed?\n", series->what);
    }
    return report(series->what, series->units, times) && ok;
}

bool bench_growth(struct hp_port *port, const struct bench_effort *effort)
{
    bool ok = true;
    size_t n;

    printf("%-32s %6s %8s %8s %8s %8s %6s\n", "ns per unit of what grows", "units", "x1", "x2",
           "x4", "x8", "growth");
    for (n = 0; n < sizeof(ordinary) / sizeof(ordinary[0]); n++) {
        ok = ordinary_growth(port, effort, &ordinary[n]) && ok;
    }
    for (n = 0; n < sizeof(attacks) / sizeof(attacks[0]); n++) {
        ok = attack_growth(port, effort, &attacks[n]) && ok;
    }
    return ok;
}
