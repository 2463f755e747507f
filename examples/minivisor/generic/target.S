/* SPDX-License-Identifier: BSD-2-Clause */
/* The capability record (hotpatch/target.h), from which the hotpatch command judges as we do. */
        .section .hotpatch.target, "a"
        .balign 8
        .ascii "HOTPATCH"
        .long 88                /* bytes of the record */
        .long MV_TARGET_FLAGS
        .quad mv_build_id
        .quad mv_arena, mv_arena_end
        .quad mv_deny_start, mv_deny_end
name:   .asciz "hotpatch"
        .zero 32 - (. - name)

        .section .note.GNU-stack, "", %progbits
