/* SPDX-License-Identifier: BSD-2-Clause */
/* From the boot to the guests. */
#include <string.h>

#include <minivisor/arch.h>

#include "archive.h"
#include "keyring.h"
#include "layout.h"
#include "port.h"

struct mv_cpu mv_cpus[MV_CPUS];
uint8_t mv_stacks[MV_CPUS][MV_STACK_SIZE] __attribute__((__aligned__(4096)));
uint32_t mv_cpu_count;
struct hp_manager mv_manager;

/* This CPU takes part from now on: it passes safe points. */
_Noreturn static void run(struct mv_cpu *cpu)
{
    __atomic_store_n(&cpu->online, 1, __ATOMIC_RELEASE);
    mv_guest_loop(cpu);
}

_Noreturn void mv_secondary(uint32_t cpu)
{
    mv_arch_cpu_init(&mv_cpus[cpu]);
    run(&mv_cpus[cpu]);
}

static void start_others(void)
{
    uint32_t cpu;

    for (cpu = 1; cpu < mv_cpu_count; cpu++) {
        if (!mv_arch_cpu_start(&mv_cpus[cpu])) {
            mv_panic("CPU %u cannot be started", cpu);
        }
        while (__atomic_load_n(&mv_cpus[cpu].online, __ATOMIC_ACQUIRE) == 0) {
            mv_arch_relax();
        }
    }
    mv_arch_cpus_started();
}

_Noreturn void mv_main(const struct mv_boot *boot)
{
    struct hp_manager_options options = {.size = sizeof(options)};
    uint32_t cpu;

    mv_cpu_count = boot->cpu_count < MV_CPUS ? boot->cpu_count : MV_CPUS;
    for (cpu = 0; cpu < MV_CPUS; cpu++) {
        mv_cpus[cpu].id = cpu;
    }
    mv_memory_init(boot);
    mv_arch_cpu_init(&mv_cpus[0]);
    mv_archive_init(boot);
    mv_symbols_init();
    mv_port_init();
    if (mv_keyring_init(&options) || hp_manager_init(&mv_manager, &mv_port, &options)) {
        mv_panic("the manager cannot be initialised");
    }
    for (cpu = 0; cpu < mv_cpu_count; cpu++) {
        mv_guest_load(&mv_cpus[cpu].vcpu, cpu);
    }
    start_others();
    run(&mv_cpus[0]);
}
