/* SPDX-License-Identifier: BSD-2-Clause */
/* Where CPUs begin: in EL2, without page tables, interrupts masked. */

#define STACK_SIZE 0x4000       /* MV_STACK_SIZE */

        .text
        .globl arm64_start
        .type arm64_start, @function
arm64_start:
        adrp x9, mv_stacks
        add x9, x9, :lo12:mv_stacks
        add sp, x9, #STACK_SIZE
        bl arm64_boot
        .size arm64_start, . - arm64_start

        .globl arm64_start_secondary
        .type arm64_start_secondary, @function
arm64_start_secondary:          /* X0: the number of the CPU */
        adrp x9, mv_stacks
        add x9, x9, :lo12:mv_stacks
        add x10, x0, #1
        mov x11, #STACK_SIZE
        madd x9, x10, x11, x9
        mov sp, x9
        mov x19, x0
        bl arm64_mmu_enable
        mov x0, x19
        bl mv_secondary
        .size arm64_start_secondary, . - arm64_start_secondary

        .globl arm64_mmu_enable
        .type arm64_mmu_enable, @function
arm64_mmu_enable:
        adrp x9, arm64_mmu
        add x9, x9, :lo12:arm64_mmu
        ldp x10, x11, [x9]
        ldp x12, x13, [x9, #16]
        msr mair_el2, x10
        msr tcr_el2, x11
        msr ttbr0_el2, x12
        isb
        tlbi alle2
        tlbi alle1
        ic iallu
        dsb nsh
        isb
        msr sctlr_el2, x13
        isb
        ret
        .size arm64_mmu_enable, . - arm64_mmu_enable

        .section .note.GNU-stack, "", %progbits
