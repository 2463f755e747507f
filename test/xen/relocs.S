/* SPDX-License-Identifier: BSD-2-Clause */
/* Every x86-64 relocation type that the library supports, for comparison with GNU ld. */
    .text
    .type relocs_code, @function
relocs_code:
    call printk@PLT
    call *printk@GOTPCREL(%rip)
    movq nr_cpu_ids@GOTPCREL(%rip), %rax
    addq saved_cmdline@GOTPCREL(%rip), %rax
    movq $relocs_abs32s, %rax
    movl $relocs_abs32, %eax
    leaq relocs_data(%rip), %rax
    leaq relocs_zeroed+8(%rip), %rax
    jmp relocs_far
    .size relocs_code, . - relocs_code

    .section .text.relocs_far, "ax", @progbits
relocs_far:
    jmp relocs_code
    ret

    .section .rodata.relocs, "a", @progbits
    .balign 8
    .quad printk
    .quad printk + 0x123456789abcdef
    .quad relocs_data - 0x7fffffffffffffff
    .quad printk - .
    .quad relocs_code - . + 0x123456789a
    .quad relocs_abs64
    .quad relocs_provided_by_nobody
    .long relocs_abs32 + 15
    .long relocs_abs32 - 0xfffffff0
    .long printk - .
    .long printk@GOTPCREL
    .long nr_cpu_ids@GOTPCREL + 4
    .short relocs_abs16
    .short relocs_abs16 + 0x8000
    .short relocs_far - .
    .byte relocs_abs8
    .byte relocs_abs8 + 0x80
    /* Asked for by hand: the assembler would settle a distance inside one section itself. */
    .reloc ., R_X86_64_PC8, relocs_near - 1
    .byte 0
relocs_near:
    .balign 8
    .reloc ., R_X86_64_NONE, printk
    .quad 0x1122334455667788
    .weak relocs_provided_by_nobody

    .data
    .balign 8
relocs_data:
    .quad relocs_data
    .quad relocs_zeroed
    .quad relocs_far

    .bss
    .balign 64
relocs_zeroed:
    .skip 100

    .section .note.GNU-stack, "", @progbits
