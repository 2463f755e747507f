/* SPDX-License-Identifier: BSD-2-Clause */
/* One hook of each kind; each says that it runs, and asks whether it shall refuse. */
#include <hotpatch/payload.h>

#define HIDDEN __attribute__((__visibility__("hidden")))

extern HIDDEN int mv_hook(char letter);

static uint32_t new_target(uint32_t value)
{
    return value;
}

static void on_load(void)
{
    (void)mv_hook('l');
}

static void on_unload(void)
{
    (void)mv_hook('u');
}

static int before_apply(struct hp_payload_handle *payload)
{
    (void)payload;
    return mv_hook('p');
}

/* Patches first, so that there is something to put back when it refuses. */
static int on_apply(struct hp_payload_handle *payload)
{
    int rc = hp_handle_function_apply(payload, 0);

    return rc != 0 ? rc : mv_hook('a');
}

static void after_apply(struct hp_payload_handle *payload)
{
    (void)mv_hook(hp_handle_rc(payload) == 0 ? 'P' : 'F');
}

static int before_revert(struct hp_payload_handle *payload)
{
    (void)payload;
    return mv_hook('r');
}

static int on_revert(struct hp_payload_handle *payload)
{
    int rc = hp_handle_function_revert(payload, 0);

    return rc != 0 ? rc : mv_hook('v');
}

static void after_revert(struct hp_payload_handle *payload)
{
    (void)payload;
    (void)mv_hook('R');
}

HP_PATCH_FUNCTION(target, "mv_target_001", new_target, TARGET_SIZE_mv_target_001);
HP_HOOK_LOAD(on_load);
HP_HOOK_UNLOAD(on_unload);
HP_HOOK_PREAPPLY(before_apply);
HP_HOOK_APPLY(on_apply);
HP_HOOK_POSTAPPLY(after_apply);
HP_HOOK_PREREVERT(before_revert);
HP_HOOK_REVERT(on_revert);
HP_HOOK_POSTREVERT(after_revert);
