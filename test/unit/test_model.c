/* SPDX-License-Identifier: BSD-2-Clause */
/* links: test_port */
/* Random sequences of operations on several payloads, against the model, with faults. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "model.h"

#define SEEDS          2000u
#define STEPS_PER_SEED 75u

/* splitmix64, by its published constants. */
static uint64_t next(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* Every outcome must have occurred this often in all, or the test would not test it. */
static const uint32_t wanted[MODEL_EVENTS] = {
    [MODEL_UPLOADED] = 5000,       [MODEL_UPLOAD_REFUSED] = 5000, [MODEL_SCHEDULED] = 5000,
    [MODEL_ACTION_REFUSED] = 5000, [MODEL_APPLIED] = 2000,        [MODEL_APPLIED_IN_PART] = 20,
    [MODEL_REVERTED] = 1000,       [MODEL_REPLACED] = 200,        [MODEL_REPLACED_SEVERAL] = 20,
    [MODEL_UNLOADED] = 500,        [MODEL_TIMED_OUT] = 200,       [MODEL_NOT_HELD] = 200,
    [MODEL_CHANGED] = 200,         [MODEL_PRE_FAILED] = 50,       [MODEL_HOOK_FAILED] = 20,
    [MODEL_FAULTS] = 1000,         [MODEL_BUSY] = 1000,           [MODEL_BAD_CALLS] = 1000,
    [MODEL_LISTED] = 1000,         [MODEL_DENIED] = 200,          [MODEL_SPLICED] = 100,
    [MODEL_RESPLICED] = 20,
};

static void random_sequences(void **state)
{
    uint64_t counts[MODEL_EVENTS] = {0};
    uint32_t seed;
    uint32_t n;

    (void)state;
    for (seed = 0; seed < SEEDS; seed++) {
        struct model *model = model_new();
        uint64_t random = seed;

        for (n = 0; n < STEPS_PER_SEED; n++) {
            uint64_t value = next(&random);
            uint8_t bytes[MODEL_STEP_BYTES];
            uint32_t i;

            for (i = 0; i < MODEL_STEP_BYTES; i++) {
                bytes[i] = (uint8_t)(value >> (8 * i));
            }
            model_step(model, bytes);
        }
        for (n = 0; n < MODEL_EVENTS; n++) {
            counts[n] += model_count(model, (enum model_event)n);
        }
        model_free(model);
    }
    for (n = 0; n < MODEL_EVENTS; n++) {
        if (counts[n] < wanted[n]) {
            fail_msg("event %u occurred %llu times only", n, (unsigned long long)counts[n]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_sequences)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
