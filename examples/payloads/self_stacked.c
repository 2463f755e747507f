/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lies on top of self_fix: build.sh --depends-on makes it apply to a process that has self_fix
 * applied last, and to no other. It replaces the same function again; the expectation says that a
 * jump stands there by then.
 */
#include <hotpatch/payload.h>

#define JMP_REL32 0xe9

static int stacked_answer(void)
{
    return 43;
}

HP_PATCH_FUNCTION_EXPECT(answer, "answer", stacked_answer, TARGET_SIZE_answer, JMP_REL32);
