/* SPDX-License-Identifier: BSD-2-Clause */
/* What x86-64 keeps for each CPU and guest. */
#ifndef MINIVISOR_ARCH_TYPES_H
#define MINIVISOR_ARCH_TYPES_H

#include <stdint.h>

#define MV_ARCH_MACHINE    62 /* EM_X86_64 */
#define MV_ARCH_ALIAS_BASE UINT64_C(0x40000000)
#define MV_ARCH_CODE_BYTES 0xc3 /* ret */

/* Intel SDM volume 3, "64-Bit Task-State Segment". */
struct mv_x86_tss {
    uint32_t reserved0;
    uint32_t rsp[6];
    uint32_t reserved1[2];
    uint32_t ist[14]; /* seven addresses, each low word first */
    uint32_t reserved2[2];
    uint16_t reserved3;
    uint16_t io_map;
};

struct mv_arch_cpu {
    uint8_t host_save[4096] __attribute__((__aligned__(4096))); /* the processor's, for VMRUN */
    uint8_t host_vmcb[4096]; /* for VMSAVE and VMLOAD of what VMRUN leaves alone */
    uint8_t nmi_stack[4096];
    uint8_t fault_stack[4096];
    uint64_t gdt[6];
    struct mv_x86_tss tss;
    uint32_t flushed; /* atomic: the last request to flush that this CPU has served */
};

/* Guest registers that VMRUN leaves to software, as run.S has them. */
struct mv_x86_registers {
    uint64_t rbx, rcx, rdx, rsi, rdi, rbp;
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
};

struct mv_arch_vcpu {
    uint8_t vmcb[4096] __attribute__((__aligned__(4096)));
    struct mv_x86_registers regs;
};

#endif
