/* SPDX-License-Identifier: BSD-2-Clause */
/* What Arm64 keeps for each CPU and guest. */
#ifndef MINIVISOR_ARCH_TYPES_H
#define MINIVISOR_ARCH_TYPES_H

#include <stdint.h>

#define MV_ARCH_MACHINE    183 /* EM_AARCH64 */
#define MV_ARCH_ALIAS_BASE UINT64_C(0x80000000)
#define MV_ARCH_CODE_BYTES 0xc0, 0x03, 0x5f, 0xd6 /* ret */

struct mv_arch_cpu {
    uint32_t unused; /* the processor keeps all of it */
};

/* The guest's registers, as vectors.S has them. Those of EL1 stay in the CPU, which is its own. */
struct mv_arm64_registers {
    uint64_t x[31];
    uint64_t pc;
    uint64_t state; /* SPSR_EL2 */
};

struct mv_arch_vcpu {
    struct mv_arm64_registers regs;
    uint64_t tables; /* VTTBR_EL2 */
};

#endif
