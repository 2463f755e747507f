/* SPDX-License-Identifier: BSD-2-Clause */
/* The guest's code, which the hypervisor copies into every guest. */
        .section .rodata, "a"
        .balign 16
        .globl mv_guest_code, mv_guest_code_size
mv_guest_code:
        .incbin "guest.bin"
end:
        .balign 4
mv_guest_code_size:
        .long end - mv_guest_code
        .section .note.GNU-stack, "", %progbits
