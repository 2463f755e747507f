/* SPDX-License-Identifier: BSD-2-Clause */
/* The design document's example: Xen reports "Hello World" as its extra version. */
#include <hotpatch/payload.h>

static const char *hello_version(void)
{
    return "Hello World";
}

HP_PATCH_FUNCTION(hello, "xen_extra_version", hello_version, TARGET_SIZE_xen_extra_version);
