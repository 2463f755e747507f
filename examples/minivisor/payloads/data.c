/* SPDX-License-Identifier: BSD-2-Clause */
/* Has data of its own, and constants: pages of every kind, for the probes. Applied once only. */
#include <hotpatch/payload.h>

static volatile uint32_t calls = 1;
static const volatile uint32_t factors[4] = {3, 5, 7, 11};

static uint32_t new_target(uint32_t value)
{
    return value * factors[calls++ & 3];
}

HP_PATCH_FUNCTION(target, "mv_target_000", new_target, TARGET_SIZE_mv_target_000);
