/* SPDX-License-Identifier: BSD-2-Clause */
/* Stacks on xen_hello: replaces the same function again, and only where a jump stands already. */
#include <hotpatch/payload.h>

#define JMP_REL32 0xe9

static const char *stacked_version(void)
{
    return "Hello again";
}

HP_PATCH_FUNCTION_EXPECT(stacked, "xen_extra_version", stacked_version,
                         TARGET_SIZE_xen_extra_version, JMP_REL32);
