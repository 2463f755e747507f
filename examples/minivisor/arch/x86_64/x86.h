/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared by the files of this folder: instructions, registers, vectors. */
#ifndef MINIVISOR_X86_H
#define MINIVISOR_X86_H

#include <minivisor/arch.h>

#define MSR_EFER     UINT32_C(0xc0000080)
#define MSR_GS_BASE  UINT32_C(0xc0000101)
#define MSR_VM_HSAVE UINT32_C(0xc0010117)
#define EFER_SVME    (UINT64_C(1) << 12)
#define EFER_NXE     (UINT64_C(1) << 11)

#define X86_VECTOR_NMI      2
#define X86_VECTOR_FAULT    8
#define X86_VECTOR_PAGE     14
#define X86_VECTOR_KICK     0xf0
#define X86_VECTOR_FLUSH    0xf1
#define X86_VECTOR_SPURIOUS 0xff

#define X86_SELECTOR_CODE 0x08
#define X86_SELECTOR_TSS  0x18

#define X86_TRAMPOLINE UINT64_C(0x8000) /* where CPUs start, in real mode */

static inline void x86_out8(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline void x86_out16(uint16_t port, uint16_t value)
{
    __asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port));
}

static inline void x86_out32(uint16_t port, uint32_t value)
{
    __asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint8_t x86_in8(uint16_t port)
{
    uint8_t value;

    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline void x86_write_msr(uint32_t msr, uint64_t value)
{
    __asm__ volatile("wrmsr"
                     :
                     : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))
                     : "memory");
}

static inline uint64_t x86_read_msr(uint32_t msr)
{
    uint32_t low;
    uint32_t high;

    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return (uint64_t)high << 32 | low;
}

static inline uint64_t x86_tsc(void)
{
    uint32_t low;
    uint32_t high;

    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return (uint64_t)high << 32 | low;
}

/* devices.c: the clock's rate is measured; before mv_arch_now_ns(). */
void x86_devices_init(void);
#define X86_HPET UINT64_C(0xfed00000)

/* apic.c */
#define X86_APIC UINT64_C(0xfee00000)
void x86_apic_init(void);
void x86_apic_end(void);
void x86_apic_others(uint32_t vector);
void x86_apic_start(uint32_t cpu);

/* mmu.c */
uint64_t x86_tables(void);
void x86_flush_served(void);

/* trap.c: the interrupt table, made once, used by each CPU. */
void x86_traps_init(void);
void x86_traps_load(struct mv_cpu *cpu);

/* svm.c */
void x86_svm_init(struct mv_cpu *cpu);

/* run.S: enters the guest. The arguments are physical addresses but for the registers. */
void x86_run(uint64_t vmcb, struct mv_x86_registers *regs, uint64_t host_vmcb);

#endif
