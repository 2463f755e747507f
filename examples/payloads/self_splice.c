/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changes no code: a pointer in a read-only table of functions becomes that of a new one. What the
 * table leads to now is part of the record, and is checked.
 */
#include <hotpatch/payload.h>

#include "../selfpatch/target.h"

#define STRING_(x) #x
#define STRING(x)  STRING_(x)

/* Place of OPERATION_ANSWER in the table: an enumerator is no text that can be pasted. */
#define ANSWER_INDEX 1
HP_PAYLOAD_ASSERT(ANSWER_INDEX == OPERATION_ANSWER, "the number of the operation");

static int spliced_answer(void)
{
    return 46;
}

HP_SPLICE_POINTER(answer, "target.c#operations+8*" STRING(ANSWER_INDEX), "answer", spliced_answer);
