/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Vectors of EL2, the way into a guest and out of it, and the probes, which are made to fault.
 * Arm ARM, "Exception vectors".
 */
        .section .text.deny, "ax"
        .globl arm64_vectors
        .balign 2048

/* An exception of the hypervisor itself: a frame of registers, and C. */
        .macro own handler
        .balign 128
        sub sp, sp, #272
        stp x0, x1, [sp]
        adr x0, \handler
        b own_common
        .endm

/* An exit of the guest; below the stack of arm64_run() its registers' address is kept. */
        .macro exit how
        .balign 128
        stp x0, x1, [sp, #-16]!
        mov x0, #\how
        b exit_common
        .endm

/* Of the stack pointer that is not in use: unexpected. */
        .macro never
        .balign 128
        b never_common
        .endm

arm64_vectors:
        never
        never
        never
        never
        own arm64_exception
        own arm64_gic_take
        own arm64_unexpected
        own arm64_unexpected
        exit 0
        exit 1
        exit 2
        exit 2
        exit 2
        exit 2
        exit 2
        exit 2
        .balign 128

        .type own_common, @function
own_common:
        stp x2, x3, [sp, #16]
        stp x4, x5, [sp, #32]
        stp x6, x7, [sp, #48]
        stp x8, x9, [sp, #64]
        stp x10, x11, [sp, #80]
        stp x12, x13, [sp, #96]
        stp x14, x15, [sp, #112]
        stp x16, x17, [sp, #128]
        stp x18, x19, [sp, #144]
        stp x20, x21, [sp, #160]
        stp x22, x23, [sp, #176]
        stp x24, x25, [sp, #192]
        stp x26, x27, [sp, #208]
        stp x28, x29, [sp, #224]
        mrs x1, elr_el2
        stp x30, x1, [sp, #240]
        mrs x1, spsr_el2
        str x1, [sp, #256]
        mov x9, x0
        mov x0, sp
        blr x9
        ldr x1, [sp, #256]
        msr spsr_el2, x1
        ldp x30, x1, [sp, #240]
        msr elr_el2, x1
        ldp x28, x29, [sp, #224]
        ldp x26, x27, [sp, #208]
        ldp x24, x25, [sp, #192]
        ldp x22, x23, [sp, #176]
        ldp x20, x21, [sp, #160]
        ldp x18, x19, [sp, #144]
        ldp x16, x17, [sp, #128]
        ldp x14, x15, [sp, #112]
        ldp x12, x13, [sp, #96]
        ldp x10, x11, [sp, #80]
        ldp x8, x9, [sp, #64]
        ldp x6, x7, [sp, #48]
        ldp x4, x5, [sp, #32]
        ldp x2, x3, [sp, #16]
        ldp x0, x1, [sp]
        add sp, sp, #272
        eret
        .size own_common, . - own_common

        .type never_common, @function
never_common:
        msr spsel, #1
        mov x0, sp
        bl arm64_unexpected
        .size never_common, . - never_common

/* arm64_run(registers): interrupts are masked when it is called, and when it returns. */
        .globl arm64_run
        .type arm64_run, @function
arm64_run:
        stp x29, x30, [sp, #-112]!
        stp x19, x20, [sp, #16]
        stp x21, x22, [sp, #32]
        stp x23, x24, [sp, #48]
        stp x25, x26, [sp, #64]
        stp x27, x28, [sp, #80]
        str x0, [sp, #96]
        ldr x1, [x0, #248]
        msr elr_el2, x1
        ldr x1, [x0, #256]
        msr spsr_el2, x1
        ldp x2, x3, [x0, #16]
        ldp x4, x5, [x0, #32]
        ldp x6, x7, [x0, #48]
        ldp x8, x9, [x0, #64]
        ldp x10, x11, [x0, #80]
        ldp x12, x13, [x0, #96]
        ldp x14, x15, [x0, #112]
        ldp x16, x17, [x0, #128]
        ldp x18, x19, [x0, #144]
        ldp x20, x21, [x0, #160]
        ldp x22, x23, [x0, #176]
        ldp x24, x25, [x0, #192]
        ldp x26, x27, [x0, #208]
        ldp x28, x29, [x0, #224]
        ldr x30, [x0, #240]
        ldp x0, x1, [x0]
        eret
        .size arm64_run, . - arm64_run

/* The guest's X0 and X1 lie on the stack, what arm64_run() kept above them. */
        .type exit_common, @function
exit_common:
        ldr x1, [sp, #112]
        stp x2, x3, [x1, #16]
        stp x4, x5, [x1, #32]
        stp x6, x7, [x1, #48]
        stp x8, x9, [x1, #64]
        stp x10, x11, [x1, #80]
        stp x12, x13, [x1, #96]
        stp x14, x15, [x1, #112]
        stp x16, x17, [x1, #128]
        stp x18, x19, [x1, #144]
        stp x20, x21, [x1, #160]
        stp x22, x23, [x1, #176]
        stp x24, x25, [x1, #192]
        stp x26, x27, [x1, #208]
        stp x28, x29, [x1, #224]
        str x30, [x1, #240]
        ldp x2, x3, [sp], #16
        stp x2, x3, [x1]
        mrs x2, elr_el2
        str x2, [x1, #248]
        mrs x2, spsr_el2
        str x2, [x1, #256]
        ldp x19, x20, [sp, #16]
        ldp x21, x22, [sp, #32]
        ldp x23, x24, [sp, #48]
        ldp x25, x26, [sp, #64]
        ldp x27, x28, [sp, #80]
        ldp x29, x30, [sp], #112
        ret
        .size exit_common, . - exit_common

        .globl mv_arch_probe_write
        .type mv_arch_probe_write, @function
mv_arch_probe_write:
        mov x1, x0
        mov w0, #0
3:      ldrb w2, [x1]
1:      strb w2, [x1]
        mov w0, #1
2:      ret
        .size mv_arch_probe_write, . - mv_arch_probe_write

        .section .ex_table, "a"
        .long 1b - ., 2b - .
        .long 3b - ., 2b - .

/* The handler leaves the function that could not be fetched, and clears X0. */
        .section .text.deny, "ax"
        .globl mv_arch_probe_call
        .type mv_arch_probe_call, @function
mv_arch_probe_call:
        stp x29, x30, [sp, #-16]!
        mov x1, x0
        mov w0, #1
        blr x1
        ldp x29, x30, [sp], #16
        ret
        .globl mv_arch_probe_call_end
mv_arch_probe_call_end:
        .size mv_arch_probe_call, . - mv_arch_probe_call

        .section .note.GNU-stack, "", %progbits
