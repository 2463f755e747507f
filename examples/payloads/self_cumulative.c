/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Does on its own what came in several payloads before, and is applied in their place. Its
 * expectation is met by the bytes of the process as it was built, which stand there once the others
 * are reverted.
 */
#include <hotpatch/payload.h>

static int cumulative_answer(void)
{
    return 44;
}

HP_PATCH_FUNCTION_EXPECT(answer, "answer", cumulative_answer, TARGET_SIZE_answer,
                         TARGET_BYTES_answer);
