/* SPDX-License-Identifier: BSD-2-Clause */
/* The call that tags the answer becomes NOPs. */
#include <hotpatch/payload.h>

#define STRING_(x) #x
#define STRING(x)  STRING_(x)

#if defined(__x86_64__)
#define CALL_SIZE 5
#else
#define CALL_SIZE 4
#endif

HP_PATCH_NOP(tag, "hypercall.c#call_answer+" STRING(TARGET_CALL_call_answer_TO_mv_tag), CALL_SIZE,
             CALL_SIZE);
