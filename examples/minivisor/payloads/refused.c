/* SPDX-License-Identifier: BSD-2-Clause */
/* Payloads that are refused, each for a reason of its own. */
#include <hotpatch/payload.h>

#define HIDDEN __attribute__((__visibility__("hidden")))

#if defined(UNDEFINED)
extern HIDDEN uint32_t mv_nowhere(uint32_t value);
#define CALLEE(value) mv_nowhere(value)
#else
#define CALLEE(value) (value)
#endif

static uint32_t new_target(uint32_t value)
{
    return CALLEE(value);
}

#if defined(DENIED)
/* Of the library itself: what patches must not be patched. */
HP_PATCH_FUNCTION(target, "hp_safe_point_slow", new_target, 16);
#elif defined(UNKNOWN)
HP_PATCH_FUNCTION(target, "mv_no_such_function", new_target, 16);
#elif defined(SMALL)
HP_PATCH_FUNCTION(target, "mv_target_002", new_target, 1);
#elif defined(EXPECTATION)
HP_PATCH_FUNCTION_EXPECT(target, "mv_target_002", new_target, TARGET_SIZE_mv_target_002, 0x01, 0x02,
                         0x03, 0x04);
#else
HP_PATCH_FUNCTION(target, "mv_target_002", new_target, TARGET_SIZE_mv_target_002);
#endif
