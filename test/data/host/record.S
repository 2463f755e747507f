/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A target with a capability record (hotpatch/target.h) for test_host.c. Its fields are chosen with
 * macros of their names; SHORT cuts the section, ENDLESS leaves the profile's name without an end.
 */
#ifndef MAGIC
#define MAGIC "HOTPATCH"
#endif
#ifndef SIZE
#define SIZE 88
#endif
#ifndef FLAGS
#define FLAGS 0
#endif
#ifndef WINDOW
#define WINDOW record_code + 0x100000
#endif
#ifndef WINDOW_END
#define WINDOW_END record_code + 0x200000
#endif
#ifndef DENY_END
#define DENY_END record_denied + 16
#endif
#ifndef PROFILE
#define PROFILE "xen-4.17"
#endif

    .text
    .balign 4096
    .globl record_code, record_denied
record_code:
    .fill 16, 1, 0x90
record_denied:
    .fill 16, 1, 0x90
    .fill 16, 1, 0x90

    .section .hotpatch.target, "a"
    .ascii MAGIC
    .long SIZE, FLAGS
    .quad 0, WINDOW, WINDOW_END, record_denied, DENY_END
#ifndef SHORT
#ifdef ENDLESS
    .fill 32, 1, 'x'
#else
profile:
    .asciz PROFILE
    .fill 32 - (. - profile)
#endif
#endif

    .section .note.GNU-stack, "", @progbits
