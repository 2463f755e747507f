/* SPDX-License-Identifier: BSD-2-Clause */
/* Replaces a function only when it begins with the bytes that the build found in the target. */
#include <hotpatch/payload.h>

static const char *expected_changeset(void)
{
    return "patched, after a look at what is there";
}

HP_PATCH_FUNCTION_EXPECT(expect, "xen_changeset", expected_changeset, TARGET_SIZE_xen_changeset,
                         TARGET_BYTES_xen_changeset);
