/* SPDX-License-Identifier: BSD-2-Clause */
/* The local APIC, by memory. CPU numbers are APIC identifiers. Intel SDM volume 3, "APIC". */
#include "x86.h"

#define REG_EOI      (0xb0 / 4)
#define REG_SPURIOUS (0xf0 / 4)
#define REG_ICR_LOW  (0x300 / 4)
#define REG_ICR_HIGH (0x310 / 4)

#define SPURIOUS_ENABLE 0x100u
#define ICR_PENDING     0x1000u
#define ICR_OTHERS      0xc4000u
#define ICR_NMI         0x4400u
#define ICR_INIT        0xc500u
#define ICR_DEASSERT    0x8500u
#define ICR_STARTUP     0x4600u

#define PIC1_MASK 0x21
#define PIC2_MASK 0xa1

static MV_DENY volatile uint32_t *registers(void)
{
    return (volatile uint32_t *)X86_APIC;
}

void x86_apic_init(void)
{
    x86_out8(PIC1_MASK, 0xff);
    x86_out8(PIC2_MASK, 0xff);
    registers()[REG_SPURIOUS] = SPURIOUS_ENABLE | X86_VECTOR_SPURIOUS;
}

MV_DENY void x86_apic_end(void)
{
    registers()[REG_EOI] = 0;
}

/* The two words of a command must not be torn by an interrupt that sends one, too. */
static MV_DENY void send(uint32_t high, uint32_t low)
{
    uintptr_t state = mv_arch_interrupts_off();

    while ((registers()[REG_ICR_LOW] & ICR_PENDING) != 0) {
        mv_arch_relax();
    }
    registers()[REG_ICR_HIGH] = high;
    registers()[REG_ICR_LOW] = low;
    mv_arch_interrupts_restore(state);
}

MV_DENY void x86_apic_others(uint32_t vector)
{
    send(0, ICR_OTHERS | vector);
}

MV_DENY void mv_arch_kick_others(void)
{
    x86_apic_others(X86_VECTOR_KICK);
}

bool mv_arch_has_nmi(void)
{
    return true;
}

MV_DENY void mv_arch_send_nmi(uint32_t cpu)
{
    send(cpu << 24, ICR_NMI);
}

static void wait_ns(uint64_t ns)
{
    uint64_t start = mv_arch_now_ns();

    while (mv_arch_now_ns() - start < ns) {
        mv_arch_relax();
    }
}

/* INIT, then the start-up interrupt with the page number of the trampoline. */
void x86_apic_start(uint32_t cpu)
{
    send(cpu << 24, ICR_INIT);
    send(cpu << 24, ICR_DEASSERT);
    wait_ns(100000);
    send(cpu << 24, ICR_STARTUP | (uint32_t)(X86_TRAMPOLINE >> 12));
}
