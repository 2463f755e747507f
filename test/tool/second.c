/* SPDX-License-Identifier: BSD-2-Clause */
/* Stacks on first.c: uses a function of it, patches that and patches the target's once more. */
#include <hotpatch/payload.h>

#define HIDDEN __attribute__((__visibility__("hidden")))

extern int shared_answer(int a) HIDDEN;

HIDDEN int newer_greeting(void)
{
    return shared_answer(1) + 1;
}

HIDDEN int new_answer(int a)
{
    return a;
}

HP_PATCH_FUNCTION(greeting, "greeting", newer_greeting, TARGET_SIZE_greeting);
HP_PATCH_FUNCTION(answer, "shared_answer", new_answer, 12);
