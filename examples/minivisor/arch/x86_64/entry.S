/* SPDX-License-Identifier: BSD-2-Clause */
/* Entries of exceptions and interrupts, and the probes, which are made to fault. */

        .section .text.deny, "ax"
        .globl x86_entries
        .balign 16

/* Entry of one vector, 16 bytes: exceptions that have no error code get 0. */
        .macro entry vector
        .balign 16
        .ifeq (\vector - 8) * (\vector - 10) * (\vector - 11) * (\vector - 12) * \
              (\vector - 13) * (\vector - 14) * (\vector - 17) * (\vector - 21)
        .else
        pushq $0
        .endif
        pushq $\vector
        jmp entry_common
        .endm

x86_entries:
        .set n, 0
        .rept 256
        entry n
        .set n, n + 1
        .endr

        .type entry_common, @function
entry_common:
        pushq %rax
        pushq %rbx
        pushq %rcx
        pushq %rdx
        pushq %rsi
        pushq %rdi
        pushq %rbp
        pushq %r8
        pushq %r9
        pushq %r10
        pushq %r11
        pushq %r12
        pushq %r13
        pushq %r14
        pushq %r15
        cld
        movq %rsp, %rdi
        movq %rsp, %rbp
        andq $-16, %rsp
        call x86_trap
        movq %rbp, %rsp
        popq %r15
        popq %r14
        popq %r13
        popq %r12
        popq %r11
        popq %r10
        popq %r9
        popq %r8
        popq %rbp
        popq %rdi
        popq %rsi
        popq %rdx
        popq %rcx
        popq %rbx
        popq %rax
        addq $16, %rsp
        iretq
        .size entry_common, . - entry_common

        .globl mv_arch_probe_write
        .type mv_arch_probe_write, @function
mv_arch_probe_write:
        xorl %eax, %eax
3:      movb (%rdi), %dl
1:      movb %dl, (%rdi)
        movb $1, %al
2:      ret
        .size mv_arch_probe_write, . - mv_arch_probe_write

        .section .ex_table, "a"
        .long 1b - ., 2b - .
        .long 3b - ., 2b - .

/* The trap handler leaves the function that could not be fetched, and clears RAX. */
        .section .text.deny, "ax"
        .globl mv_arch_probe_call
        .type mv_arch_probe_call, @function
mv_arch_probe_call:
        subq $8, %rsp
        movl $1, %eax
        call *%rdi
        addq $8, %rsp
        ret
        .globl mv_arch_probe_call_end
mv_arch_probe_call_end:
        .size mv_arch_probe_call, . - mv_arch_probe_call

        .section .note.GNU-stack, "", @progbits
