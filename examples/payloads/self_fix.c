/* SPDX-License-Identifier: BSD-2-Clause */
/* The usual payload: a function is replaced by one that does better. */
#include <hotpatch/payload.h>

static int fixed_answer(void)
{
    return 42;
}

HP_PATCH_FUNCTION(answer, "answer", fixed_answer, TARGET_SIZE_answer);
