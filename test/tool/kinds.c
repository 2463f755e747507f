/* SPDX-License-Identifier: BSD-2-Clause */
/* A NOP, a function behind a landing pad and one that the target rewrites when it boots. */
#include <hotpatch/payload.h>

#define HIDDEN __attribute__((__visibility__("hidden")))

HIDDEN int new_guarded(void)
{
    return 8;
}

HIDDEN int new_boot_patched(void)
{
    return 3;
}

HP_PATCH_NOP(nop, "greeting+7", 8, TARGET_SIZE_greeting - 7);
HP_PATCH_FUNCTION(guarded, "guarded", new_guarded, TARGET_SIZE_guarded);
HP_PATCH_FUNCTION_EXPECT(boot, "boot_patched", new_boot_patched, TARGET_SIZE_boot_patched, 0xb8);
