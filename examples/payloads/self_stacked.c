/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lies on top of self_fix, and replaces the same function again: build.sh --depends-on makes it
 * apply to a process that has self_fix applied last, and to no other.
 */
#include <hotpatch/payload.h>

static int stacked_answer(void)
{
    return 43;
}

HP_PATCH_FUNCTION(answer, "answer", stacked_answer, TARGET_SIZE_answer);
