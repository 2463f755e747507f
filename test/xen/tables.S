/* SPDX-License-Identifier: BSD-2-Clause */
/* Tables as the macros of Xen 4.17 make them: bugs, exceptions, alternatives, alternative calls. */

/* A bug frame: line 0x1234 of this file, in the highest bytes of the two displacements. */
    .macro frame kind, trap
    .section .bug_frames.\kind, "a", @progbits
    .balign 4
.Lframe\@:
    .long \trap - .Lframe\@ + (0x12 << 24)
    .long .Lfile - .Lframe\@ + (0x34 << 24)
    .ifc \kind, 3
    .long 0, .Lmessage - .Lframe\@
    .endif
    .previous
    .endm

    .macro exception fault, fixup
    .section .ex_table, "a", @progbits
    .balign 4
    .long \fault - ., \fixup - .
    .previous
    .endm

/* The bytes of the site, then up to where the replacement is as long. */
    .macro alternative feature, site, site_end, replacement, replacement_end
    .section .altinstructions, "a", @progbits
    .long \site - ., \replacement - .
    .word \feature
    .byte \site_end - \site, \replacement_end - \replacement, .Lpad_end - .Lpad, 0
    .previous
    .endm

    .section .altinstr_replacement, "ax", @progbits
.Lstac:
    stac
.Lstac_end:
.Lthunk:
    call __x86_indirect_thunk_rax
.Lthunk_end:
.Lself: /* "call .", for the assembler to keep it short of a relocation */
    .byte 0xe8
    .long -5
.Lself_end:
.Lreturn:
    xor %eax, %eax
    jmp __x86_return_thunk
.Lreturn_end:

    .text
    .balign 16
.Ltables_code:
    ud2
.Lwarn:
    ud2
.Lassert:
    ud2
.Lrun:
    ud2
.Lload:
    mov (%rdi), %rax
.Lstore:
    mov %rax, (%rsi)
    ret
.Lfixup:
    mov $-14, %eax
    ret
.Lsite:
    .byte 0x0f, 0x1f, 0x00
.Lsite_end:
.Lpad:
.Lpad_end:
.Lcall:
    call *%rax
    .byte 0x0f, 0x1f, 0x00
.Lcall_end:
.Laltcall:
    call *hvm_funcs+24(%rip)
.Laltcall_end:
.Lleave:
    ret
    .fill 6, 1, 0xcc
.Lleave_end:

    frame 0, .Lrun
    frame 1, .Lwarn
    frame 2, .Ltables_code
    frame 3, .Lassert
    exception .Lload, .Lfixup
    exception .Lstore, .Lfixup
    alternative 0x8123, .Lsite, .Lsite_end, .Lstac, .Lstac_end
    alternative 0x0080, .Lcall, .Lcall_end, .Lthunk, .Lthunk_end
    alternative 0x0060, .Laltcall, .Laltcall_end, .Lself, .Lself_end
    alternative 0x0061, .Lleave, .Lleave_end, .Lreturn, .Lreturn_end

    .section .rodata.str, "a", @progbits
.Lfile:
    .asciz "tables.S"
.Lmessage:
    .asciz "1 == 2"

    .section .note.GNU-stack, "", @progbits
