/* SPDX-License-Identifier: BSD-2-Clause */
/* Serial console, clock, CPUs that there are, and the end of the machine. */
#include "x86.h"

#define COM1        0x3f8
#define COM1_STATUS (COM1 + 5)
#define COM1_EMPTY  0x20
#define EXIT_PORT   0xf4 /* isa-debug-exit: the exit status is value * 2 + 1 */
#define FW_SELECT   0x510
#define FW_DATA     0x511
#define FW_CPUS     5

#define HPET_PERIOD    1 /* index of 32-bit word: femtoseconds of one tick */
#define HPET_CONFIG    4
#define HPET_COUNTER   60
#define CALIBRATION_NS 2000000u

static uint64_t ns_per_tick; /* of the time stamp counter, in 2^-24 ns */

MV_DENY void mv_arch_putc(char c)
{
    while ((x86_in8(COM1_STATUS) & COM1_EMPTY) == 0) {
        mv_arch_relax();
    }
    x86_out8(COM1, (uint8_t)c);
}

_Noreturn MV_DENY void mv_arch_exit(uint32_t code)
{
    x86_out32(EXIT_PORT, code);
    for (;;) {
        __asm__ volatile("cli; hlt");
    }
}

/* Measures the time stamp counter against the HPET, whose rate is known. */
void x86_devices_init(void)
{
    volatile uint32_t *hpet = (volatile uint32_t *)X86_HPET;
    uint32_t period_fs = hpet[HPET_PERIOD];
    uint32_t ticks = (uint32_t)(UINT64_C(1000000) * CALIBRATION_NS / period_fs);
    uint64_t start;
    uint32_t from;

    hpet[HPET_CONFIG] |= 1;
    from = hpet[HPET_COUNTER];
    start = x86_tsc();
    while (hpet[HPET_COUNTER] - from < ticks) {
        mv_arch_relax();
    }
    ns_per_tick = ((uint64_t)CALIBRATION_NS << 24) / (x86_tsc() - start);
}

MV_DENY uint64_t mv_arch_now_ns(void)
{
    unsigned __int128 ns = (unsigned __int128)x86_tsc() * ns_per_tick;

    return (uint64_t)(ns >> 24);
}

MV_DENY uint64_t mv_arch_counter(void)
{
    return x86_tsc();
}

/* The emulator's configuration device; a real machine has tables of the firmware for this. */
static uint32_t cpu_count(void)
{
    uint32_t low;

    x86_out16(FW_SELECT, FW_CPUS);
    low = x86_in8(FW_DATA);
    return low | (uint32_t)x86_in8(FW_DATA) << 8;
}

/* struct hvm_start_info and its list of modules, as Xen's PVH boot protocol has them. */
struct start_info {
    uint32_t magic;
    uint32_t version;
    uint32_t flags;
    uint32_t module_count;
    uint64_t modules;
};

struct module {
    uint64_t address;
    uint64_t size;
    uint64_t command_line;
    uint64_t reserved;
};

#define START_MAGIC 0x336ec578u

_Noreturn void x86_boot(uint32_t start_info);

_Noreturn void x86_boot(uint32_t start_info)
{
    const struct start_info *info = (const struct start_info *)(uintptr_t)start_info;
    struct mv_boot boot = {.cpu_count = cpu_count()};

    if (info->magic == START_MAGIC && info->module_count > 0) {
        const struct module *module = (const struct module *)(uintptr_t)info->modules;

        boot.archive = module->address;
        boot.archive_size = module->size;
    }
    x86_traps_init();
    x86_devices_init();
    mv_main(&boot);
}
