/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * VMRUN: x86_run(vmcb, registers, host vmcb). Called with GIF clear, and returns so: between the
 * exit and the VMLOAD of the host's own state, FS, GS and TR are the guest's.
 */
        .section .text.deny, "ax"
        .globl x86_run
        .type x86_run, @function
x86_run:
        pushq %rbx
        pushq %rbp
        pushq %r12
        pushq %r13
        pushq %r14
        pushq %r15
        pushq %rsi
        pushq %rdx
        movq %rdi, %rax
        movq 0(%rsi), %rbx
        movq 8(%rsi), %rcx
        movq 16(%rsi), %rdx
        movq 32(%rsi), %rdi
        movq 40(%rsi), %rbp
        movq 48(%rsi), %r8
        movq 56(%rsi), %r9
        movq 64(%rsi), %r10
        movq 72(%rsi), %r11
        movq 80(%rsi), %r12
        movq 88(%rsi), %r13
        movq 96(%rsi), %r14
        movq 104(%rsi), %r15
        movq 24(%rsi), %rsi
        vmload %rax
        vmrun %rax
        vmsave %rax
        popq %rax
        vmload %rax
        popq %rax
        movq %rbx, 0(%rax)
        movq %rcx, 8(%rax)
        movq %rdx, 16(%rax)
        movq %rsi, 24(%rax)
        movq %rdi, 32(%rax)
        movq %rbp, 40(%rax)
        movq %r8, 48(%rax)
        movq %r9, 56(%rax)
        movq %r10, 64(%rax)
        movq %r11, 72(%rax)
        movq %r12, 80(%rax)
        movq %r13, 88(%rax)
        movq %r14, 96(%rax)
        movq %r15, 104(%rax)
        popq %r15
        popq %r14
        popq %r13
        popq %r12
        popq %rbp
        popq %rbx
        ret
        .size x86_run, . - x86_run

        .section .note.GNU-stack, "", @progbits
