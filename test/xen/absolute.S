/* SPDX-License-Identifier: BSD-2-Clause */
/* Absolute symbols for relocs.S, in a file of their own: so references to them stay relocations. */
    .macro absolute name, value
    .globl \name
    .hidden \name
    .set \name, \value
    .endm

    absolute relocs_abs8, 0x7f
    absolute relocs_abs16, 0x7fff
    absolute relocs_abs32, 0xfffffff0
    absolute relocs_abs32s, -0x80000000
    absolute relocs_abs64, 0x123456789abcdef0

    .section .note.GNU-stack, "", @progbits
