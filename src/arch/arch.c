/* SPDX-License-Identifier: BSD-2-Clause */
/* Look-ups among the architectures built in. */
#include "arch/arch.h"

#include <hotpatch/elf.h>

#define HP_ARCH(name) &hp_arch_##name,
static const struct hp_arch *const architectures[] = {
#include "arch/list.h"
};
#undef HP_ARCH

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

const char *hp_machine_name(uint16_t machine)
{
    const struct hp_arch *arch = hp_arch_find(machine);

    return arch != NULL ? arch->name : NULL;
}

const char *hp_reloc_type_name(uint16_t machine, uint32_t type)
{
    const struct hp_arch *arch = hp_arch_find(machine);
    uint32_t n;

    if (arch == NULL) {
        return NULL;
    }
    for (n = 0; n < arch->reloc_name_count; n++) {
        const struct hp_reloc_names *range = &arch->reloc_names[n];

        if (type >= range->first && type - range->first < range->count) {
            return range->names[type - range->first];
        }
    }
    return NULL;
}
