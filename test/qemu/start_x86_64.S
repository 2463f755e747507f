/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the PVH entry (32 bits, flat, paging off: Xen's "x86/HVM direct boot ABI") to 64-bit C.
 * machine_exit(n) ends QEMU by its isa-debug-exit device at port 0xf4 with status 2n + 1.
 */
    .section .note.pvh, "a", @note
    .align 4
    .long 4, 4, 18
    .asciz "Xen"
    .long start

    .section .text.start, "ax", @progbits
    .code32
    .globl start
start:
    cli
    mov $stack_top, %esp
    /* One page directory of 2 MiB pages maps the first GiB to itself. */
    mov $directory, %edi
    mov $0x83, %eax
    mov $512, %ecx
1:  mov %eax, (%edi)
    movl $0, 4(%edi)
    add $0x200000, %eax
    add $8, %edi
    loop 1b
    mov $directory, %eax
    or $3, %eax
    mov %eax, pointers
    mov $pointers, %eax
    or $3, %eax
    mov %eax, level4
    mov $level4, %eax
    mov %eax, %cr3
    mov %cr4, %eax
    or $0x20, %eax              /* CR4.PAE */
    mov %eax, %cr4
    mov $0xc0000080, %ecx       /* EFER */
    rdmsr
    or $0x100, %eax             /* LME */
    wrmsr
    mov %cr0, %eax
    or $0x80000001, %eax        /* PG, PE */
    mov %eax, %cr0
    lgdt descriptor
    ljmp $8, $long_mode

    .code64
long_mode:
    xor %eax, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    mov $stack_top, %rsp
    call machine_main
    ud2

    .globl machine_exit
machine_exit:
    mov %edi, %eax
    mov $0xf4, %dx
    out %eax, %dx
2:  hlt
    jmp 2b

    .section .rodata, "a", @progbits
    .align 8
table:
    .quad 0
    .quad 0x00af9a000000ffff    /* 64-bit code */
descriptor:
    .word 15
    .long table

    .section .bss, "aw", @nobits
    .align 4096
level4:    .skip 4096
pointers:  .skip 4096
directory: .skip 4096
    .skip 16384
stack_top:
    .section .note.GNU-stack, "", @progbits
