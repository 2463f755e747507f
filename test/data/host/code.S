/* SPDX-License-Identifier: BSD-2-Clause */
/* Code and labels of a small target for test_host.c, at addresses relative to `code_start`. */

    .text
    .balign 64
    .globl code_start
    .type code_start, @function
code_start:                 /* +0, 32 bytes: a function with others inside */
    .fill 4, 1, 0x90
    .globl label_inside
label_inside:               /* +4: not named, a sized symbol holds it */
    .fill 4, 1, 0x90
    .type nested, @function
nested:                     /* +8, 8 bytes */
    .fill 8, 1, 0x90
    .size nested, 8
    .fill 16, 1, 0x90       /* +16: code_start again */
    .size code_start, 32

    .fill 16, 1, 0xcc       /* +32: nobody's */
    .globl label_between
label_between:              /* +48: a label, up to the next symbol */
    .fill 16, 1, 0x90

    /* +64, 16 bytes: many names; a global function is preferred to all */
    .type alias_local, @function
alias_local:
    .weak alias_weak
    .type alias_weak, @function
alias_weak:
    .globl alias_object
    .type alias_object, @object
alias_object:
    .globl alias_label
alias_label:
    .globl alias_function
    .type alias_function, @function
alias_function:
    .fill 16, 1, 0x90
    .size alias_local, 16
    .size alias_weak, 16
    .size alias_object, 16
    .size alias_function, 16

    .globl overlap_first
    .type overlap_first, @function
overlap_first:              /* +80, 16 bytes, 8 of them shared with the next */
    .fill 8, 1, 0x90
    .globl overlap_second
    .type overlap_second, @function
overlap_second:             /* +88, 24 bytes, the last 8 shared with the next */
    .fill 16, 1, 0x90
    .globl sized_label
sized_label:                /* +104, 16 bytes, no type */
    .fill 16, 1, 0x90
    .size overlap_first, 16
    .size overlap_second, 24
    .size sized_label, 16

    .fill 8, 1, 0xcc        /* +120: nobody's */

    .globl "names_3.c#work" /* looks like a file-scoped one */
"names_3.c#work":           /* +128 */
    .globl "$d.1"
"$d.1":                     /* a marker on Arm, a name elsewhere */
    .fill 8, 1, 0x90

    .section .init.text, "ax", @progbits
    .globl boot_only
    .type boot_only, @function
boot_only:
    .fill 16, 1, 0x90
    .size boot_only, 16

    /* Not part of .text, so that the label before the end of .text must not reach into it. */
    .section .text_after, "ax", @progbits
    .balign 64
    .fill 16, 1, 0x90
    .globl after_label
after_label:
    .fill 16, 1, 0x90

    /* Where compilers put start-up code of programs, which stays. */
    .section .init, "ax", @progbits
    .globl start_up
    .type start_up, @function
start_up:
    .fill 8, 1, 0x90
    .size start_up, 8

    /* Behind all code that stays. */
    .section .init.late, "ax", @progbits
    .fill 8, 1, 0x90

    /* Build-ids of somebody else's, and another kind of note: not for us. */
    .section .note.first, "a", @note
    .long 4, 4, 3
    .asciz "GNX"
    .long 0x01020304
    .long 4, 4, 1
    .asciz "GNU"
    .long 0x01020304

    .section .note.GNU-stack, "", @progbits
