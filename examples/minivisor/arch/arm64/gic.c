/* SPDX-License-Identifier: BSD-2-Clause */
/* GICv3: one software-generated interrupt, which says nothing but that there is something. */
#include "arm64.h"

#define GICD_CTLR    0
#define GICD_ENABLE  0x12u /* affinity routing, group 1 */
#define GICD_PENDING 0x80000000u

/* Of the redistributor, as indices of 32-bit words: control frame, then that of the SGIs. */
#define GICR_WAKER      (0x14 / 4)
#define GICR_IGROUPR0   (0x10080 / 4)
#define GICR_ISENABLER0 (0x10100 / 4)
#define WAKER_SLEEP     2u
#define WAKER_ASLEEP    4u

#define KICK            0u
#define SGI_ALL_OTHERS  (UINT64_C(1) << 40)
#define SPECIAL         1020u /* from here on: nothing was pending */
#define SRE_ALL         0xfu
#define PRIORITY_LOWEST 0xffu

void arm64_gic_init(uint32_t cpu)
{
    volatile uint32_t *distributor = (volatile uint32_t *)ARM64_GICD;
    volatile uint32_t *own = (volatile uint32_t *)(ARM64_GICR + cpu * ARM64_GICR_STRIDE);

    if (cpu == 0) {
        distributor[GICD_CTLR] = GICD_ENABLE;
        while ((distributor[GICD_CTLR] & GICD_PENDING) != 0) {
            mv_arch_relax();
        }
    }
    own[GICR_WAKER] &= ~WAKER_SLEEP;
    while ((own[GICR_WAKER] & WAKER_ASLEEP) != 0) {
        mv_arch_relax();
    }
    own[GICR_IGROUPR0] = UINT32_MAX;
    own[GICR_ISENABLER0] = 1u << KICK;
    ARM64_WRITE(S3_4_C12_C9_5, SRE_ALL); /* ICC_SRE_EL2 */
    __asm__ volatile("isb" : : : "memory");
    ARM64_WRITE(S3_0_C4_C6_0, PRIORITY_LOWEST); /* ICC_PMR_EL1 */
    ARM64_WRITE(S3_0_C12_C12_7, 1);             /* ICC_IGRPEN1_EL1 */
    __asm__ volatile("isb" : : : "memory");
}

/* The whole handler: a kick has done its work when it has taken the CPU out of its guest. */
MV_DENY void arm64_gic_take(void)
{
    uint64_t id = ARM64_READ(S3_0_C12_C12_0); /* ICC_IAR1_EL1 */

    if (id < SPECIAL) {
        ARM64_WRITE(S3_0_C12_C12_1, id); /* ICC_EOIR1_EL1 */
        __asm__ volatile("isb" : : : "memory");
    }
}

/* ICC_SGI1R_EL1; what was written before must be seen by whom it interrupts. */
MV_DENY void mv_arch_kick_others(void)
{
    __asm__ volatile("dsb ishst" : : : "memory");
    ARM64_WRITE(S3_0_C12_C11_5, SGI_ALL_OTHERS | (uint64_t)KICK << 24);
    __asm__ volatile("isb" : : : "memory");
}

/* Arm64 has no NMI that this machine could have; pseudo-NMIs are interrupts by priority. */
bool mv_arch_has_nmi(void)
{
    return false;
}

MV_DENY void mv_arch_send_nmi(uint32_t cpu)
{
    mv_panic("an NMI for CPU %u, where there are none", cpu);
}
