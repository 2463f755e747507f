/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared by the files of this folder. Addresses are those of the emulator's board "virt". */
#ifndef MINIVISOR_ARM64_H
#define MINIVISOR_ARM64_H

#include <minivisor/arch.h>

#define ARM64_UART         UINT64_C(0x09000000)
#define ARM64_GICD         UINT64_C(0x08000000)
#define ARM64_GICR         UINT64_C(0x080a0000)
#define ARM64_GICR_STRIDE  UINT64_C(0x20000)
#define ARM64_ARCHIVE      UINT64_C(0x48000000) /* see scripts/minivisor.sh */
#define ARM64_ARCHIVE_SIZE UINT64_C(0x400000)

#define ARM64_READ(name)                                                                           \
    ({                                                                                             \
        uint64_t value_;                                                                           \
        __asm__ volatile("mrs %0, " #name : "=r"(value_) : : "memory");                            \
        value_;                                                                                    \
    })

#define ARM64_WRITE(name, value)                                                                   \
    __asm__ volatile("msr " #name ", %0" : : "r"((uint64_t)(value)) : "memory")

/* gic.c: this CPU's interrupt controller; the interrupt that is pending, taken and ended. */
void arm64_gic_init(uint32_t cpu);
void arm64_gic_take(void);

/* mmu.c: what boot.S sets up a CPU with. */
struct arm64_mmu {
    uint64_t attributes; /* MAIR_EL2 */
    uint64_t control;    /* TCR_EL2 */
    uint64_t tables;     /* TTBR0_EL2 */
    uint64_t system;     /* SCTLR_EL2 */
};

extern struct arm64_mmu arm64_mmu;

/* boot.S: uses the tables; where a CPU starts that is given its struct mv_cpu's number in X0. */
void arm64_mmu_enable(void);
void arm64_start_secondary(void);

/* devices.c: a firmware call (SMC). */
int64_t arm64_psci(uint64_t function, uint64_t a, uint64_t b, uint64_t c);
#define ARM64_PSCI_CPU_ON   UINT64_C(0xc4000003)
#define ARM64_PSCI_AFFINITY UINT64_C(0xc4000004)

/* vcpu.c */
void arm64_virtualisation_init(void);

/* vectors.S: how a guest ended. */
enum arm64_exit { ARM64_EXIT_SYNC, ARM64_EXIT_INTERRUPT, ARM64_EXIT_OTHER };

enum arm64_exit arm64_run(struct mv_arm64_registers *regs);
extern const uint8_t arm64_vectors[];

#endif
