/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sends an NMI to every CPU from inside the window, before the code that NMIs run is patched: what
 * handles them must be the new code, after the window.
 */
#include <hotpatch/payload.h>

#define HIDDEN __attribute__((__visibility__("hidden")))

extern HIDDEN void mv_arch_send_nmi(uint32_t cpu);
extern HIDDEN uint32_t mv_cpu_count;

static uint32_t new_version(void)
{
    return 2; /* MV_VERSION_FIRST */
}

static void on_load(void)
{
    uint32_t cpu;

    for (cpu = 0; cpu < mv_cpu_count; cpu++) {
        mv_arch_send_nmi(cpu);
    }
}

HP_PATCH_FUNCTION(version, "mv_nmi_version", new_version, TARGET_SIZE_mv_nmi_version);
HP_HOOK_LOAD(on_load);
