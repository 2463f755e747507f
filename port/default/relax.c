/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Default of hp_port_relax(): the architecture's hint that this CPU is only waiting. On an
 * architecture that is not listed there is no default, and the linker asks for the embedder's.
 */
#include <hotpatch/port.h>

#if defined(__x86_64__) || defined(__i386__)
#define RELAX "pause" /* Intel SDM volume 2, PAUSE */
#elif defined(__aarch64__) || (defined(__arm__) && __ARM_ARCH >= 7)
#define RELAX "yield" /* Arm ARM, YIELD */
#elif defined(__riscv)
/* PAUSE of Zihintpause, which is a FENCE without effect where it is not known; by its encoding,
 * since the assembler may not know it. */
#define RELAX ".4byte 0x0100000f"
#endif

#ifdef RELAX
void hp_port_relax(struct hp_port *port)
{
    (void)port;
    __asm__ volatile(RELAX : : : "memory");
}
#endif
