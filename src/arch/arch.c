/* SPDX-License-Identifier: BSD-2-Clause */
/* The list of architectures built in. */
#include "arch/arch.h"

#include <hotpatch/elf.h>

#include "base/config.h"

static const struct hp_arch *const architectures[] = {
#if HP_WITH_X86_64
    &hp_arch_x86_64,
#endif
};

const struct hp_arch *hp_arch_find(uint16_t machine)
{
    size_t n;

    for (n = 0; n < sizeof(architectures) / sizeof(architectures[0]); n++) {
        if (architectures[n]->machine == machine) {
            return architectures[n];
        }
    }
    return NULL;
}

const char *hp_reloc_type_name(uint16_t machine, uint32_t type)
{
    const struct hp_arch *arch = hp_arch_find(machine);

    if (arch == NULL || type >= arch->howto_count) {
        return NULL;
    }
    return arch->reloc_names[type];
}
