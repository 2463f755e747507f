/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The clock, and the phases of a load: the linker's --wrap option puts the functions below between
 * hp_payload_load() and its stages, so that what is timed is the loader itself.
 */
#include <time.h>

#include "bench.h"
#include "reloc/loading.h"

static uint64_t read_clock(clockid_t id)
{
    struct timespec now;

    clock_gettime(id, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t bench_now(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

uint64_t bench_cpu_now(void)
{
    return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

uint64_t bench_overhead(void)
{
    uint64_t best = UINT64_MAX;
    uint32_t n;

    for (n = 0; n < 1000; n++) {
        uint64_t before = bench_now();
        uint64_t spent = bench_now() - before;

        if (spent < best) {
            best = spent;
        }
    }
    return best;
}

void bench_clock_start(struct bench_clock *clock)
{
    clock->last = bench_now();
}

void bench_clock_charge(struct bench_clock *clock, enum bench_phase phase)
{
    uint64_t now;
    uint64_t spent;

    if (clock == NULL) {
        return;
    }
    now = bench_now();
    spent = now - clock->last;
    clock->spent[phase] += spent > clock->overhead ? spent - clock->overhead : 0;
    clock->last = now;
}

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c): the names are the linker's. */
#define STAGE(stage, phase)                                                                        \
    enum hp_status __real_##stage(struct hp_loading *loading);                                     \
    enum hp_status __wrap_##stage(struct hp_loading *loading);                                     \
                                                                                                   \
    enum hp_status __wrap_##stage(struct hp_loading *loading)                                      \
    {                                                                                              \
        enum hp_status status;                                                                     \
                                                                                                   \
        bench_clock_charge(loading->payload->port->clock, BENCH_OTHER);                            \
        status = __real_##stage(loading);                                                          \
        bench_clock_charge(loading->payload->port->clock, phase);                                  \
        return status;                                                                             \
    }

STAGE(hp_records_measure, BENCH_MEASURE)
STAGE(hp_loading_measure, BENCH_MEASURE)
STAGE(hp_reloc_scan, BENCH_SCAN)
STAGE(hp_image_build, BENCH_IMAGE)
STAGE(hp_symbols_resolve, BENCH_SYMBOLS)
STAGE(hp_reloc_apply, BENCH_RELOCATE)
STAGE(hp_records_decode, BENCH_RECORDS)
STAGE(hp_hooks_decode, BENCH_RECORDS)
STAGE(hp_symbols_export, BENCH_EXPORT)
STAGE(hp_image_seal, BENCH_SEAL)
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c) */
