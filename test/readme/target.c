/* SPDX-License-Identifier: BSD-2-Clause */
/* A small image to patch, for the example of README.md. */

const char *xen_extra_version(void);
void _start(void);

__attribute__((noinline)) const char *xen_extra_version(void)
{
    return "1.0";
}

void _start(void)
{
    for (;;) {
        (void)xen_extra_version();
    }
}
