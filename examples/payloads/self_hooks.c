/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A function and hooks. Each tells the process that it ran, by a function of the process that the
 * payload is linked to when it is loaded.
 *
 * Load and unload hooks run while all CPUs stand still: they must not wait for anything, since who
 * could end the wait stands still as well. Therefore no printf() here, which takes a lock.
 */
#include <hotpatch/payload.h>

#include "../selfpatch/target.h"

static int hooked_answer(void)
{
    return 45;
}

static void on_load(void)
{
    hook_ran(HOOK_LOAD);
}

static void on_unload(void)
{
    hook_ran(HOOK_UNLOAD);
}

/* An error number instead of 0 would refuse the action. */
static int before_apply(struct hp_payload_handle *payload)
{
    (void)payload;
    hook_ran(HOOK_PREAPPLY);
    return 0;
}

static void after_apply(struct hp_payload_handle *payload)
{
    (void)payload;
    hook_ran(HOOK_POSTAPPLY);
}

static int before_revert(struct hp_payload_handle *payload)
{
    (void)payload;
    hook_ran(HOOK_PREREVERT);
    return 0;
}

static void after_revert(struct hp_payload_handle *payload)
{
    (void)payload;
    hook_ran(HOOK_POSTREVERT);
}

HP_PATCH_FUNCTION(answer, "answer", hooked_answer, TARGET_SIZE_answer);

HP_HOOK_LOAD(on_load);
HP_HOOK_UNLOAD(on_unload);
HP_HOOK_PREAPPLY(before_apply);
HP_HOOK_POSTAPPLY(after_apply);
HP_HOOK_PREREVERT(before_revert);
HP_HOOK_POSTREVERT(after_revert);
