/* SPDX-License-Identifier: BSD-2-Clause */
/* Version and features of the library as built. */
#include <hotpatch/version.h>

#include <stddef.h>

#include "arch/arch.h"
#include "base/config.h"

const char *hp_version(void)
{
    return HP_VERSION_STRING;
}

uint32_t hp_features(void)
{
    return (HP_WITH_SIGNATURES ? HP_FEATURE_SIGNATURES : 0) |
           (HP_WITH_SPLICES ? HP_FEATURE_SPLICES : 0);
}

bool hp_has_machine(uint16_t machine)
{
    return hp_arch_find(machine) != NULL;
}
