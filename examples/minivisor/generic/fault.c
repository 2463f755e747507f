/* SPDX-License-Identifier: BSD-2-Clause */
/* The exception tables, the hypervisor's and those of payloads: where the hypervisor may fault, and
 * where it goes on then. */
#include "layout.h"

#include <string.h>

#include <minivisor/arch.h>

struct entry {
    int32_t fault; /* relative to its own address */
    int32_t fixup;
};

static MV_DENY uint64_t target(const int32_t *field)
{
    return mv_address(field) + (uint64_t)(int64_t)*field;
}

MV_DENY bool mv_fault(struct mv_fault *fault)
{
    const struct entry *entry = (const struct entry *)(const void *)mv_ex_table_start;

    /* Of functions that cannot be fetched only the one that the probe calls is expected. */
    if (fault->fetch && fault->caller > mv_address((const void *)(uintptr_t)mv_arch_probe_call) &&
        fault->caller < mv_address(mv_arch_probe_call_end)) {
        fault->pc = fault->caller;
        fault->leave = true;
        return true;
    }
    for (; mv_address(entry) < mv_address(mv_ex_table_end); entry++) {
        if (target(&entry->fault) == fault->pc) {
            fault->pc = target(&entry->fixup);
            return true;
        }
    }
    return hp_manager_fixup(&mv_manager, fault->pc, &fault->pc);
}
