/* SPDX-License-Identifier: BSD-2-Clause */
/* Payloads with one thing wrong, chosen by a macro. */
#include <hotpatch/payload.h>

#define HIDDEN __attribute__((__visibility__("hidden")))

#if defined(UNDEFINED)
extern int nobody_has_this(void) HIDDEN;
#endif

HIDDEN int new_function(void)
{
#if defined(UNDEFINED)
    return nobody_has_this();
#else
    return 1;
#endif
}

#if defined(EXPECTATION)
HP_PATCH_FUNCTION_EXPECT(one, "greeting", new_function, TARGET_SIZE_greeting, 0x48, 0x8e);
#elif defined(SMALL)
HP_PATCH_FUNCTION(one, "print", new_function, 16);
HP_PATCH_FUNCTION(two, "too_small", new_function, TARGET_SIZE_too_small);
#elif defined(MISSING)
HP_PATCH_FUNCTION(one, "no_such\nfunction", new_function, 16);
#elif defined(FILLER)
HP_PATCH_FUNCTION(one, "too_small", new_function, TARGET_SIZE_too_small);
#elif defined(SPLICE)
HP_SPLICE_POINTER(one, "hypercall_table+8*2", "print", new_function);
#else
HP_PATCH_FUNCTION(one, "greeting", new_function, TARGET_SIZE_greeting);
#endif
