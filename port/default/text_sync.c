/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Default of hp_port_text_sync(), for targets whose addresses are those of the code that calls it.
 * On an architecture that is not listed there is none, and the linker asks for the embedder's.
 */
#include <hotpatch/port.h>

#if defined(__x86_64__) || defined(__i386__)

/* The instruction side sees what is written; what it has fetched is hp_port_serialise()'s matter.
 */
void hp_port_text_sync(struct hp_port *port, uint64_t addr, size_t size)
{
    (void)port;
    (void)addr;
    (void)size;
    __asm__ volatile("" : : : "memory");
}

#elif defined(__aarch64__)

/*
 * Arm ARM, "Concurrent modification and execution of instructions": clean the data cache to the
 * point of unification, then invalidate the instruction cache, each complete before what follows.
 * The maintenance reaches all CPUs of the inner shareable domain. CTR_EL0 holds the logarithms of
 * the smallest lines, in words: DminLine in bits 16 to 19, IminLine in bits 0 to 3.
 */
void hp_port_text_sync(struct hp_port *port, uint64_t addr, size_t size)
{
    const uint64_t end = addr + size;
    uint64_t type;
    uint64_t line;
    uint64_t p;

    (void)port;
    __asm__ volatile("mrs %0, ctr_el0" : "=r"(type));
    line = UINT64_C(4) << ((type >> 16) & 15);
    for (p = addr & ~(line - 1); p < end; p += line) {
        __asm__ volatile("dc cvau, %0" : : "r"(p) : "memory");
    }
    __asm__ volatile("dsb ish" : : : "memory");
    line = UINT64_C(4) << (type & 15);
    for (p = addr & ~(line - 1); p < end; p += line) {
        __asm__ volatile("ic ivau, %0" : : "r"(p) : "memory");
    }
    __asm__ volatile("dsb ish" : : : "memory");
}

#elif defined(__arm__) && __ARM_ARCH >= 7

/*
 * The same on ARMv7-A (Arm ARM, "Cache and branch predictor maintenance operations"): CTR, DCCMVAU,
 * ICIMVAU, and BPIALLIS, since the branch predictor may know branches that are no more.
 */
void hp_port_text_sync(struct hp_port *port, uint64_t addr, size_t size)
{
    const uint32_t start = (uint32_t)addr;
    const uint32_t end = start + (uint32_t)size;
    uint32_t type;
    uint32_t line;
    uint32_t p;

    (void)port;
    __asm__ volatile("mrc p15, 0, %0, c0, c0, 1" : "=r"(type));
    line = UINT32_C(4) << ((type >> 16) & 15);
    for (p = start & ~(line - 1); p < end; p += line) {
        __asm__ volatile("mcr p15, 0, %0, c7, c11, 1" : : "r"(p) : "memory");
    }
    __asm__ volatile("dsb ish" : : : "memory");
    line = UINT32_C(4) << (type & 15);
    for (p = start & ~(line - 1); p < end; p += line) {
        __asm__ volatile("mcr p15, 0, %0, c7, c5, 1" : : "r"(p) : "memory");
    }
    __asm__ volatile("mcr p15, 0, %0, c7, c1, 6" : : "r"(0) : "memory");
    __asm__ volatile("dsb ish" : : : "memory");
}

#elif defined(__riscv)

/* What was written is visible to all harts before any is told to go on; each then fetches anew. */
void hp_port_text_sync(struct hp_port *port, uint64_t addr, size_t size)
{
    (void)port;
    (void)addr;
    (void)size;
    __asm__ volatile("fence rw, rw" : : : "memory");
}

#endif
