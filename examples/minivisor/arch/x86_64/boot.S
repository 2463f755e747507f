/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entry of the boot CPU, by PVH: 32-bit protected mode, paging off, EBX = struct hvm_start_info;
 * and of all others, in real mode on a page below 1 MiB to which this is copied.
 */
#define CR0 0x80010033  /* PG, WP, NE, ET, MP, PE */
#define CR4 0x20        /* PAE */
#define EFER_MSR 0xc0000080
#define EFER 0x900      /* NXE, LME */
#define TRAMPOLINE 0x8000

        .section .note.Xen, "a", @note
        .balign 4
        .long 4, 4, 18          /* XEN_ELFNOTE_PHYS32_ENTRY */
        .asciz "Xen"
        .long x86_start

        .section .text.deny, "ax"
        .code32
        .globl x86_start
        .type x86_start, @function
x86_start:
        cld
        movl %ebx, %esi
        lgdt boot_gdt_pointer
        movl $CR4, %eax
        movl %eax, %cr4
        movl $boot_pml4, %eax
        movl %eax, %cr3
        movl $EFER_MSR, %ecx
        movl $EFER, %eax
        xorl %edx, %edx
        wrmsr
        movl $CR0, %eax
        movl %eax, %cr0
        ljmp $0x18, $x86_start64
        .code64
x86_start64:
        movl $0x10, %eax
        movl %eax, %ds
        movl %eax, %es
        movl %eax, %ss
        xorl %eax, %eax
        movl %eax, %fs
        movl %eax, %gs
        leaq mv_stacks + 16384(%rip), %rsp
        movl %esi, %edi
        call x86_boot
        ud2
        .size x86_start, . - x86_start

        .section .rodata
        .balign 8
        .globl x86_trampoline_size, x86_trampoline_data, x86_trampoline
x86_trampoline_size:
        .long trampoline_end - x86_trampoline
x86_trampoline_data:
        .long trampoline_data - x86_trampoline
        .balign 8
        .code16
x86_trampoline:
        cli
        cld
        movw %cs, %ax
        movw %ax, %ds
        lgdtl trampoline_gdt_pointer - x86_trampoline
        movl $1, %eax
        movl %eax, %cr0
        ljmpl $0x08, $(TRAMPOLINE + trampoline32 - x86_trampoline)
        .code32
trampoline32:
        movl $0x10, %eax
        movl %eax, %ds
        movl %eax, %es
        movl %eax, %ss
        movl $CR4, %eax
        movl %eax, %cr4
        movl TRAMPOLINE + trampoline_data - x86_trampoline, %eax
        movl %eax, %cr3
        movl $EFER_MSR, %ecx
        movl $EFER, %eax
        xorl %edx, %edx
        wrmsr
        movl $CR0, %eax
        movl %eax, %cr0
        ljmp $0x18, $(TRAMPOLINE + trampoline64 - x86_trampoline)
        .code64
trampoline64:
        xorl %eax, %eax
        movl %eax, %fs
        movl %eax, %gs
        movq TRAMPOLINE + trampoline_data - x86_trampoline + 8, %rsp
        movq TRAMPOLINE + trampoline_data - x86_trampoline + 16, %rdi
        movq TRAMPOLINE + trampoline_data - x86_trampoline + 24, %rax
        call *%rax
        ud2
        .balign 8
trampoline_gdt:
        .quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff, 0x00af9b000000ffff
trampoline_gdt_pointer:
        .word . - trampoline_gdt - 1
        .long TRAMPOLINE + trampoline_gdt - x86_trampoline
        .balign 8
trampoline_data:                /* CR3, stack, number of the CPU, where to go on */
        .quad 0, 0, 0, 0
trampoline_end:

        .section .data
        .balign 8
boot_gdt:                       /* nothing, 32-bit code, data, 64-bit code */
        .quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff, 0x00af9b000000ffff
boot_gdt_pointer:
        .word . - boot_gdt - 1
        .long boot_gdt
        /* The first 4 GiB in pages of 1 GiB, until the hypervisor has tables of its own. */
        .balign 4096
boot_pml4:
        .quad boot_pdpt + 3
        .fill 511, 8, 0
boot_pdpt:
        .quad 0x83, 0x40000083, 0x80000083, 0xc0000083
        .fill 508, 8, 0

        .section .note.GNU-stack, "", @progbits
