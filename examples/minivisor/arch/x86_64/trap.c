/* SPDX-License-Identifier: BSD-2-Clause */
/* Exceptions and interrupts: descriptor tables, and what is done about each vector. */
#include "x86.h"

#include <string.h>

#define IST_NMI   1
#define IST_FAULT 2

/* Registers as entry.S and the processor push them. */
struct frame {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8;
    uint64_t rbp, rdi, rsi, rdx, rcx, rbx, rax;
    uint64_t vector;
    uint64_t error;
    uint64_t rip, cs, rflags, rsp, ss;
};

#define ERROR_FETCH 0x10u

struct gate {
    uint16_t low;
    uint16_t selector;
    uint8_t ist;
    uint8_t type;
    uint16_t middle;
    uint32_t high;
    uint32_t reserved;
};

#define GATE_INTERRUPT 0x8e

struct __attribute__((__packed__)) table_pointer {
    uint16_t limit;
    uint64_t base;
};

extern const uint8_t x86_entries[];
void x86_trap(struct frame *frame);

static struct gate gates[256];

void x86_traps_init(void)
{
    uint32_t vector;

    for (vector = 0; vector < 256; vector++) {
        uint64_t entry = (uintptr_t)x86_entries + vector * UINT64_C(16);
        struct gate *gate = &gates[vector];

        gate->low = (uint16_t)entry;
        gate->middle = (uint16_t)(entry >> 16);
        gate->high = (uint32_t)(entry >> 32);
        gate->selector = X86_SELECTOR_CODE;
        gate->type = GATE_INTERRUPT;
    }
    gates[X86_VECTOR_NMI].ist = IST_NMI;
    gates[X86_VECTOR_FAULT].ist = IST_FAULT;
}

static void set_ist(struct mv_x86_tss *tss, uint32_t n, const uint8_t *top)
{
    uint32_t *entry = tss->ist + (size_t)2 * (n - 1);

    entry[0] = (uint32_t)(uintptr_t)top;
    entry[1] = (uint32_t)((uintptr_t)top >> 32);
}

/* This CPU's own segments and stacks, and the common interrupt table. */
void x86_traps_load(struct mv_cpu *cpu)
{
    struct mv_arch_cpu *arch = &cpu->arch;
    uint64_t tss = (uintptr_t)&arch->tss;
    struct table_pointer gdt = {sizeof(arch->gdt) - 1, (uintptr_t)arch->gdt};
    struct table_pointer idt = {sizeof(gates) - 1, (uintptr_t)gates};

    set_ist(&arch->tss, IST_NMI, arch->nmi_stack + sizeof(arch->nmi_stack));
    set_ist(&arch->tss, IST_FAULT, arch->fault_stack + sizeof(arch->fault_stack));
    arch->tss.io_map = sizeof(arch->tss);
    arch->gdt[1] = UINT64_C(0x00af9b000000ffff);
    arch->gdt[2] = UINT64_C(0x00cf93000000ffff);
    arch->gdt[3] = (sizeof(arch->tss) - 1) | (tss & 0xffffff) << 16 | UINT64_C(0x89) << 40 |
                   (tss >> 24 & 0xff) << 56;
    arch->gdt[4] = tss >> 32;
    __asm__ volatile("lgdt %0\n\t"
                     "pushq %2\n\t"
                     "leaq 1f(%%rip), %%rax\n\t"
                     "pushq %%rax\n\t"
                     "lretq\n"
                     "1:\n\t"
                     "movl $0x10, %%eax\n\t"
                     "movl %%eax, %%ds\n\t"
                     "movl %%eax, %%es\n\t"
                     "movl %%eax, %%ss\n\t"
                     "lidt %1\n\t"
                     "ltr %3"
                     :
                     : "m"(gdt), "m"(idt), "i"(X86_SELECTOR_CODE), "r"((uint16_t)X86_SELECTOR_TSS)
                     : "rax", "memory");
}

static MV_DENY uint64_t fault_address(const struct frame *frame)
{
    uint64_t addr = 0;

    if (frame->vector == X86_VECTOR_PAGE) {
        __asm__ volatile("movq %%cr2, %0" : "=r"(addr));
    }
    return addr;
}

static MV_DENY void exception(struct frame *frame)
{
    struct mv_fault fault = {.pc = frame->rip, .addr = fault_address(frame)};

    fault.fetch = frame->vector == X86_VECTOR_PAGE && (frame->error & ERROR_FETCH) != 0;
    if (fault.fetch) {
        /* Only its caller's call instruction can have pushed there: nothing of it has run. */
        memcpy(&fault.caller, (const void *)(uintptr_t)frame->rsp, sizeof(fault.caller));
    }
    if (frame->vector == X86_VECTOR_FAULT || !mv_fault(&fault)) {
        mv_panic("exception %u error %lx at %lx, address %lx, stack %lx", (uint32_t)frame->vector,
                 frame->error, frame->rip, fault.addr, frame->rsp);
    }
    frame->rip = fault.pc;
    if (fault.leave) {
        frame->rsp += sizeof(uint64_t);
        frame->rax = 0;
    }
}

MV_DENY void x86_trap(struct frame *frame)
{
    switch (frame->vector) {
    case X86_VECTOR_NMI:
        mv_nmi(mv_arch_self());
        break;
    case X86_VECTOR_KICK:
        x86_apic_end();
        break;
    case X86_VECTOR_FLUSH:
        x86_flush_served();
        x86_apic_end();
        break;
    case X86_VECTOR_SPURIOUS:
        break;
    default:
        exception(frame);
        break;
    }
}
