/* SPDX-License-Identifier: BSD-2-Clause */
/* A target of a few functions whose every byte is known to check.py. */

.macro function name
        .globl  \name
        .type   \name, @function
        .balign 16, 0xcc
\name:
.endm
.macro end name
        .size   \name, . - \name
.endm

        .text
        function greeting /* 16 bytes */
        lea     message(%rip), %rax
        nopl    0x11223344(%rax,%rax,1)
        ret
        end     greeting

        function guarded /* a landing pad, then 8 bytes */
        endbr64
        mov     $7, %eax
        nop
        nop
        ret
        end     guarded

        function boot_patched /* the target's table says that its first 6 bytes are rewritten */
alternative_site:
        mov     $1, %eax
        nop
        nop
        nop
        ret
        end     boot_patched

        function too_small /* no room for a jump */
        xor     %eax, %eax
        ret
        end     too_small

        function print
        ret
        end     print

        function replacement_code
        mov     $2, %eax
        end     replacement_code

        function dispatcher /* a call, a conditional jump and a jump, all to print */
        .byte   0xe8
        .long   print - . - 4
        .byte   0x0f, 0x84
        .long   print - . - 4
        .byte   0xe9
        .long   print - . - 4
        end     dispatcher

        .section .rodata, "a"
        .globl  message
        .type   message, @object
message:
        .asciz  "old"
        .size   message, . - message

        .globl  __alt_instructions, __alt_instructions_end
        .balign 4
__alt_instructions:
        .long   alternative_site - .
        .long   replacement_code - .
        .word   1
        .byte   5, 5, 1, 0
__alt_instructions_end:

        .globl  hypercall_table
        .type   hypercall_table, @object
        .balign 8
hypercall_table:
        .quad   greeting, print, guarded
        .size   hypercall_table, . - hypercall_table

        .section .note.GNU-stack, "", @progbits

#ifdef ISLANDS /* payloads are loaded out of reach of its jumps, which second trampolines lengthen */
        .section .hotpatch.target, "a"
        .ascii  "HOTPATCH"
        .long   88, 0x200 /* HP_TARGET_ISLANDS */
        .quad   0, greeting + 0x100000000, greeting + 0x100100000, 0, 0
profile:
        .asciz  "hotpatch"
        .fill   32 - (. - profile)
#endif
