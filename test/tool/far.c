/* SPDX-License-Identifier: BSD-2-Clause */
/* A payload that refers to nothing but itself, so that it can be loaded anywhere. */
#include <hotpatch/payload.h>

static int far_answer(void)
{
    return 2;
}

HP_PATCH_FUNCTION(guarded, "guarded", far_answer, TARGET_SIZE_guarded);
