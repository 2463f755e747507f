/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Default of hp_port_serialise(). On an architecture that is not listed there is none, and the
 * linker asks for the embedder's.
 */
#include <hotpatch/port.h>

#if defined(__x86_64__) || defined(__i386__)

/*
 * CPUID serialises on every processor (Intel SDM volume 3, "Serializing Instructions"; AMD APM
 * volume 2, the same). Under a hypervisor it is intercepted, which serialises as well but takes a
 * microsecond: a nested hypervisor may prefer IRET or, where there is one, SERIALIZE.
 */
void hp_port_serialise(struct hp_port *port)
{
    unsigned a = 0;
    unsigned b;
    unsigned c = 0;
    unsigned d;

    (void)port;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d) : : "memory");
}

#elif defined(__aarch64__) || (defined(__arm__) && __ARM_ARCH >= 7)

/* Arm ARM, "Concurrent modification and execution of instructions". */
void hp_port_serialise(struct hp_port *port)
{
    (void)port;
    __asm__ volatile("isb" : : : "memory");
}

#elif defined(__riscv)

/* The unprivileged specification, "Zifencei"; by its encoding, since -march may leave it out. */
void hp_port_serialise(struct hp_port *port)
{
    (void)port;
    __asm__ volatile(".4byte 0x0000100f" : : : "memory");
}

#endif
