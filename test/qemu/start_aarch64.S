/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entry of the virt machine, MMU off, to C. machine_exit(n) ends QEMU by semihosting: operation
 * SYS_EXIT (0x18's extended form, 0x20) with ADP_Stopped_ApplicationExit and n as the status.
 */
    .section .text.start, "ax", @progbits
    .globl start
start:
    ldr x1, =stack_top
    mov sp, x1
    bl machine_main
    brk #0

    .globl machine_exit
machine_exit:
    sub sp, sp, #16
    ldr x1, =0x20026
    and x2, x0, #0xff
    stp x1, x2, [sp]
    mov x1, sp
    mov w0, #0x20
    hlt #0xf000
1:  b 1b

    .section .bss, "aw", @nobits
    .align 4
    .skip 16384
stack_top:
    .section .note.GNU-stack, "", @progbits
