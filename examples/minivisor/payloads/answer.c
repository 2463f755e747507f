/* SPDX-License-Identifier: BSD-2-Clause */
/* Both halves of the answer, of version VERSION. */
#include <hotpatch/payload.h>

static uint32_t new_high(void)
{
    return VERSION;
}

static uint32_t new_low(void)
{
    return VERSION;
}

HP_PATCH_FUNCTION(high, "mv_answer_high", new_high, TARGET_SIZE_mv_answer_high);
HP_PATCH_FUNCTION(low, "mv_answer_low", new_low, TARGET_SIZE_mv_answer_low);
