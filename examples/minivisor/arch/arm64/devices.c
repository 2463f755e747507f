/* SPDX-License-Identifier: BSD-2-Clause */
/* Serial console (PL011), clock, firmware, and the end of the machine. */
#include "arm64.h"

#define UART_DATA  0
#define UART_FLAGS (0x18 / 4)
#define UART_FULL  0x20u

#define SEMIHOSTING_EXIT   0x20u /* SYS_EXIT_EXTENDED: {reason, status} */
#define SEMIHOSTING_REASON UINT64_C(0x20026)

#define NS_PER_SECOND UINT64_C(1000000000)

MV_DENY void mv_arch_putc(char c)
{
    volatile uint32_t *uart = (volatile uint32_t *)ARM64_UART;

    while ((uart[UART_FLAGS] & UART_FULL) != 0) {
        mv_arch_relax();
    }
    uart[UART_DATA] = (uint8_t)c;
}

_Noreturn MV_DENY void mv_arch_exit(uint32_t code)
{
    const uint64_t block[2] = {SEMIHOSTING_REASON, code};
    register uint64_t operation __asm__("x0") = SEMIHOSTING_EXIT;
    register const uint64_t *argument __asm__("x1") = block;

    for (;;) {
        __asm__ volatile("hlt #0xf000" : "+r"(operation) : "r"(argument) : "memory");
    }
}

/* All CPUs read one counter. Whole seconds apart from the rest, so that no product overflows. */
MV_DENY uint64_t mv_arch_now_ns(void)
{
    uint64_t frequency = ARM64_READ(cntfrq_el0);
    uint64_t ticks;

    __asm__ volatile("isb; mrs %0, cntpct_el0" : "=r"(ticks) : : "memory");
    return ticks / frequency * NS_PER_SECOND + ticks % frequency * NS_PER_SECOND / frequency;
}

MV_DENY uint64_t mv_arch_counter(void)
{
    return ARM64_READ(pmccntr_el0);
}

/* SMC Calling Convention: X0 to X17 may change. */
int64_t arm64_psci(uint64_t function, uint64_t a, uint64_t b, uint64_t c)
{
    register uint64_t x0 __asm__("x0") = function;
    register uint64_t x1 __asm__("x1") = a;
    register uint64_t x2 __asm__("x2") = b;
    register uint64_t x3 __asm__("x3") = c;

    __asm__ volatile("smc #0"
                     : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)
                     :
                     : "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15",
                       "x16", "x17", "memory");
    return (int64_t)x0;
}

/* A CPU whose state the firmware can tell is there. */
static uint32_t cpu_count(void)
{
    uint32_t count = 1;

    while (count < MV_CPUS && arm64_psci(ARM64_PSCI_AFFINITY, count, 0, 0) >= 0) {
        count++;
    }
    return count;
}

_Noreturn void arm64_boot(void);

_Noreturn void arm64_boot(void)
{
    struct mv_boot boot = {.archive = ARM64_ARCHIVE, .archive_size = ARM64_ARCHIVE_SIZE};

    ARM64_WRITE(vbar_el2, (uintptr_t)arm64_vectors);
    boot.cpu_count = cpu_count();
    mv_main(&boot);
}
