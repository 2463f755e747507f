/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The functions that payloads replace.
 *
 * They stand in a file of their own because a function can be patched only where it is called: a
 * copy that the compiler has put into a caller keeps its old code. Across files that happens with
 * link-time optimisation alone. A project whose patchable functions are called within their own
 * file compiles these with -flive-patching=inline-clone, or looks at what was inlined and patches
 * the callers as well.
 */
#include "target.h"

int answer(void)
{
    return 41;
}

static int question(void)
{
    return 0;
}

/*
 * Looked at anew for each number. Where a compiler knows the number it may keep what it has read
 * once from an object that is const: no payload can change that.
 */
static int (*const operations[OPERATIONS])(void) = {
    [OPERATION_QUESTION] = question,
    [OPERATION_ANSWER] = answer,
};

int ask(enum operation operation)
{
    return operations[operation]();
}

void visit(struct tally *tally)
{
    audit(tally);
    atomic_fetch_add_explicit(&tally->visits, 1, memory_order_relaxed);
}
