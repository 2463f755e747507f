/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Is refused: it was made for an answer() that begins with an UD2, which this process does not
 * have. An expectation protects what the build-id cannot, such as code that something else has
 * patched.
 */
#include <hotpatch/payload.h>

#define UD2 0x0f, 0x0b

static int unexpected_answer(void)
{
    return 0;
}

HP_PATCH_FUNCTION_EXPECT(answer, "answer", unexpected_answer, TARGET_SIZE_answer, UD2);
