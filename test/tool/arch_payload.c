/* SPDX-License-Identifier: BSD-2-Clause */
/* A payload that refers to its target and to itself in the ways that compilers have. */
#include <hotpatch/payload.h>

/* Of the target, and so not to be looked for in a GOT. */
#pragma GCC visibility push(hidden)
extern const char message[];
extern int counter;
int helper(int n);
int new_greeting(int n);
#pragma GCC visibility pop

static int calls;
static int (*const table[])(int) = {helper, new_greeting};

__attribute__((noinline)) static int inner(int n)
{
    switch (n) {
    case 0:
        return 11;
    case 1:
        return counter;
    case 2:
        return calls;
    case 3:
        return helper(n);
    case 4:
        return message[calls & 7];
    case 5:
        return 7;
    default:
        return table[n & 1](n - 6);
    }
}

int new_greeting(int n)
{
    calls++;
    if (n > counter) {
        return inner(n) + helper(counter);
    }
    return inner(n & 7) + message[n & 7];
}

static void on_load(void)
{
    calls = 100;
}

HP_PATCH_FUNCTION(greeting, "greeting", new_greeting, 16);
HP_PATCH_NOP(padded, "padded+8", 4, 8);
HP_HOOK_LOAD(on_load);
