/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tables of boot-time changes of a small target for test_host.c. Defects are chosen with
 *   ARM         entries of 12 bytes
 *   NO_SYMBOLS  the table is a section .altinstructions instead
 *   NO_END      the end of the table has no name
 *   ODD_TABLE, ODD_POINTERS            a size that is no multiple of the entry's
 *   SITE_IN_DATA, SITE_TOO_LONG        a site that is no code, or reaches out of it
 *   REPLACEMENT_NOWHERE                a replacement outside the image
 *   TABLE_IN_BSS                       a table without contents
 *   SECOND_ID                          a second build-id
 *   CONSTANTS          a writable section with 8 bytes set at boot, 8 never changed, 8 variables;
 *                      NONE_SET_AT_BOOT leaves the first out
 *   EX_TABLE, BUG_FRAMES, ALT_CALLS, RETURN_THUNK   names by which a target shows what it has
 */

#ifdef ARM
#define TAIL(pad)
#else
#define TAIL(pad) .byte pad, 0
#endif

    .macro entry site, replacement, site_size, replacement_size
    .long \site - .
    .long \replacement - .
    .word 0x8003
    .byte \site_size, \replacement_size
    .endm

    .section .text, "ax", @progbits
    .balign 64
    .globl table_code
    .type table_code, @function
table_code:                 /* 64 bytes */
    .byte 0xf3, 0x0f, 0x1e, 0xfa /* +0: a landing pad, sealed */
    .fill 4, 1, 0x90
site_a:                     /* +8: 5 bytes and 3 of padding */
    .fill 8, 1, 0x90
site_b:                     /* +16: touches the former */
    .fill 2, 1, 0x90
    .fill 6, 1, 0x90
site_c:                     /* +24: 6 bytes, then 4, then 1 in their midst */
    .fill 8, 1, 0x90
pad_open:                   /* +32: a landing pad that no table names */
    .byte 0xf3, 0x0f, 0x1e, 0xfa
pad_less:                   /* +36: named, but no landing pad */
    .fill 28, 1, 0x90
    .size table_code, 64

    .section .init.text, "ax", @progbits
site_init:
    .byte 0xf3, 0x0f, 0x1e, 0xfa
replacement:
    .fill 16, 1, 0x90

    .data
in_data:
    .fill 16, 1, 0xf3

#if defined(NO_SYMBOLS)
    .section .altinstructions, "a", @progbits
#elif defined(TABLE_IN_BSS)
    .section .init.data, "aw", @progbits
#else
    .section .init.data, "aw", @progbits
    .globl __alt_instructions
__alt_instructions:
#endif
    entry site_c, replacement, 6, 4
    TAIL(0)
    entry site_a, replacement, 5, 7
    TAIL(3)
    entry site_b, replacement, 2, 0
    TAIL(0)
    entry site_c, replacement, 4, 2
    TAIL(0)
    entry site_c + 2, replacement, 1, 1
    TAIL(0)
    entry site_init, replacement, 4, 4
    TAIL(0)
    entry pad_less, replacement, 0, 0 /* nothing to overwrite */
    TAIL(0)
#ifdef SITE_IN_DATA
    entry in_data, replacement, 4, 4
    TAIL(0)
#endif
#ifdef SITE_TOO_LONG
    entry site_too_long, replacement, 200, 4
    TAIL(255)
#endif
#ifdef REPLACEMENT_NOWHERE
    entry site_a, in_data + 0x10000000, 4, 4
    TAIL(0)
#endif
#ifdef ODD_TABLE
    .byte 0
#endif
#if !defined(NO_SYMBOLS) && !defined(NO_END) && !defined(TABLE_IN_BSS)
    .globl __alt_instructions_end
__alt_instructions_end:
#endif

    .section .init.rodata, "a", @progbits
    .balign 8
    .globl __initdata_cf_clobber_start
__initdata_cf_clobber_start:
    .quad pad_less, 0, table_code, in_data, site_init, 0x123456789abcdef, table_code, -1
#ifdef ODD_POINTERS
    .byte 0
#endif
    .globl __initdata_cf_clobber_end
__initdata_cf_clobber_end:

#ifdef SITE_TOO_LONG
    .section .text_last, "ax", @progbits
site_too_long:
    .fill 16, 1, 0x90
#endif

#ifdef SECOND_ID
    .section .note.second, "a", @note
    .long 4, 4, 3
    .asciz "GNU"
    .long 0x01020304
#endif

#ifdef TABLE_IN_BSS
    .bss
    .globl __alt_instructions, __alt_instructions_end
__alt_instructions:
    .fill 28
__alt_instructions_end:
#endif

#ifdef CONSTANTS
    .section constants, "aw", @progbits
    .globl _srodata, __ro_after_init_end, _erodata
_srodata:
    .quad 1
#ifndef NONE_SET_AT_BOOT
__ro_after_init_end:
#endif
    .quad 2
_erodata:
    .quad 3
#endif

    .section .text, "ax", @progbits
#ifdef EX_TABLE
    .globl __start___ex_table
__start___ex_table:
#endif
#ifdef BUG_FRAMES
    .globl __start_bug_frames
__start_bug_frames:
#endif
#ifdef ALT_CALLS
    .globl __alt_call_sites_start
__alt_call_sites_start:
#endif
#ifdef RETURN_THUNK
    .globl __x86_return_thunk
__x86_return_thunk:
#endif

    .section .note.GNU-stack, "", @progbits
