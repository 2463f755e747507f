/* SPDX-License-Identifier: BSD-2-Clause */
/* Guests in EL1 with stage 2 tables. Arm ARM, "HCR_EL2", "VTCR_EL2", "Stage 2 descriptors". */
#include "arm64.h"

/*
 * Stage 2 on; virtual interrupts and all physical ones to EL2; memory is cacheable while the guest
 * has no tables; WFI, SMC, and implementation-defined registers trap; AArch64.
 */
#define HCR                                                                                        \
    (UINT64_C(1) << 0 | UINT64_C(1) << 3 | UINT64_C(1) << 4 | UINT64_C(1) << 5 |                   \
     UINT64_C(1) << 12 | UINT64_C(1) << 13 | UINT64_C(1) << 19 | UINT64_C(1) << 20 |               \
     UINT64_C(1) << 31)
#define CPTR        UINT64_C(0x37ff)     /* floating point and vectors trap */
#define MDCR_TRAPS  UINT64_C(0xe60)      /* counters and debug registers trap */
#define ICH_TRAPS   UINT64_C(0x1c00)     /* so does the interrupt controller */
#define SCTLR_GUEST UINT64_C(0x30d00800) /* nothing but the ones */
/* T0SZ 32, start at level 1, write-back and inner shareable walks, 4 KiB, 40 bits; a one. */
#define VTCR UINT64_C(0x80023560)

#define STATE_EL1 UINT64_C(0x3c5) /* EL1h, all masked */

#define TABLE_ENTRY UINT64_C(3)
#define PAGE_ENTRY  UINT64_C(0x7ff) /* page, write-back, read and write, shareable, accessed */

#define SYNDROME_CLASS(syndrome) ((syndrome) >> 26 & 0x3f)
#define CLASS_HVC                0x16u

/* A CPU runs one guest for good: all that is its own stays in the CPU's registers of EL1. */
void arm64_virtualisation_init(void)
{
    ARM64_WRITE(hcr_el2, HCR);
    ARM64_WRITE(cptr_el2, CPTR);
    ARM64_WRITE(mdcr_el2, ARM64_READ(mdcr_el2) | MDCR_TRAPS);
    ARM64_WRITE(S3_4_C12_C11_0, ICH_TRAPS); /* ICH_HCR_EL2 */
    ARM64_WRITE(cnthctl_el2, 0);
    ARM64_WRITE(cntvoff_el2, 0);
    ARM64_WRITE(hstr_el2, 0);
    ARM64_WRITE(vtcr_el2, VTCR);
    ARM64_WRITE(vpidr_el2, ARM64_READ(midr_el1));
    ARM64_WRITE(vmpidr_el2, ARM64_READ(mpidr_el1));
    ARM64_WRITE(sctlr_el1, SCTLR_GUEST);
    ARM64_WRITE(cpacr_el1, 0);
    __asm__ volatile("isb" : : : "memory");
}

/* Guest-physical memory: levels 1 to 3, 4 KiB pages. */
static uint64_t stage2_tables(const uint8_t *ram)
{
    uint64_t *root = mv_page_alloc();
    uint64_t *middle = mv_page_alloc();
    uint64_t *low = NULL;
    uint64_t page;

    root[0] = (uintptr_t)middle | TABLE_ENTRY;
    for (page = 0; page < MV_GUEST_RAM / MV_PAGE; page++) {
        if (page % 512 == 0) {
            low = mv_page_alloc();
            middle[page / 512] = (uintptr_t)low | TABLE_ENTRY;
        }
        low[page % 512] = ((uintptr_t)ram + page * MV_PAGE) | PAGE_ENTRY;
    }
    return (uintptr_t)root;
}

void mv_arch_vcpu_init(struct mv_vcpu *vcpu)
{
    struct mv_arch_vcpu *arch = &vcpu->arch;

    arch->tables = stage2_tables(vcpu->ram) | (uint64_t)(vcpu->id + 1) << 48;
    arch->regs.pc = MV_GUEST_IMAGE;
    arch->regs.state = STATE_EL1;
    vcpu->call.result = vcpu->id;
    __asm__ volatile("dsb ishst; isb" : : : "memory");
}

/*
 * Interrupts are masked when mv_must_stop() is asked. One that comes after that stays pending until
 * ERET, and ends the guest before its first instruction; it is taken here, by unmasking.
 */
MV_DENY enum mv_exit mv_arch_vcpu_run(struct mv_vcpu *vcpu)
{
    struct mv_arm64_registers *regs = &vcpu->arch.regs;
    struct mv_guest_call *call = &vcpu->call;
    enum arm64_exit how;
    uint64_t syndrome;

    __asm__ volatile("msr daifset, #2" : : : "memory");
    if (mv_must_stop()) {
        __asm__ volatile("msr daifclr, #2; isb" : : : "memory");
        return MV_EXIT_INTERRUPT;
    }
    ARM64_WRITE(vttbr_el2, vcpu->arch.tables);
    regs->x[0] = call->result;
    how = arm64_run(regs);
    syndrome = ARM64_READ(esr_el2);
    vcpu->fault_info[1] = ARM64_READ(far_el2);
    __asm__ volatile("msr daifclr, #2; isb" : : : "memory");
    call->result = regs->x[0];
    if (how == ARM64_EXIT_INTERRUPT) {
        return MV_EXIT_INTERRUPT;
    }
    if (how != ARM64_EXIT_SYNC || SYNDROME_CLASS(syndrome) != CLASS_HVC) {
        vcpu->fault_info[0] = syndrome;
        vcpu->fault_info[2] = regs->pc;
        return MV_EXIT_FAULT;
    }
    call->number = regs->x[8];
    call->args[0] = regs->x[0];
    call->args[1] = regs->x[1];
    call->args[2] = regs->x[2];
    return MV_EXIT_CALL;
}
