/* SPDX-License-Identifier: BSD-2-Clause */
/* A guest's entry, and its hypercall. */
        .section .text.start, "ax"
        .globl guest_start
guest_start:
        movl $0x10000, %esp
        call guest_main
1:      pause
        jmp 1b

        .text
        .globl guest_call
        .type guest_call, @function
guest_call:                     /* (number, a, b, c) */
        movq %rdi, %rax
        movq %rsi, %rdi
        movq %rdx, %rsi
        movq %rcx, %rdx
        vmmcall
        ret

        .globl guest_relax
        .type guest_relax, @function
guest_relax:
        pause
        ret

        .data                   /* makes .data, with .bss in it, a part of the file */
        .quad 0

        .section .note.GNU-stack, "", @progbits
