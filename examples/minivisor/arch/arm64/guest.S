/* SPDX-License-Identifier: BSD-2-Clause */
/* A guest's entry, and its hypercall. */
        .section .text.start, "ax"
        .globl guest_start
guest_start:
        mov x1, #0x10000        /* MV_GUEST_STACK */
        mov sp, x1
        bl guest_main
1:      yield
        b 1b

        .text
        .globl guest_call
        .type guest_call, @function
guest_call:                     /* (number, a, b, c) */
        mov x8, x0
        mov x0, x1
        mov x1, x2
        mov x2, x3
        hvc #0
        ret

        .globl guest_relax
        .type guest_relax, @function
guest_relax:
        yield
        ret

        .data                   /* makes .data, with .bss in it, a part of the file */
        .quad 0

        .section .note.GNU-stack, "", %progbits
