/* SPDX-License-Identifier: BSD-2-Clause */
/* Silences the heading that debug key 'h' prints: a call in a file-scoped function becomes NOPs. */
#include <hotpatch/payload.h>

#define STRING_(x) #x
#define STRING(x)  STRING_(x)

/* A near call with a 32-bit displacement. */
#define CALL_SIZE 5

HP_PATCH_NOP(heading,
             "common/keyhandler.c#show_handlers+" STRING(TARGET_CALL_show_handlers_TO_printk),
             CALL_SIZE, CALL_SIZE);
