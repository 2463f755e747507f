/* SPDX-License-Identifier: BSD-2-Clause */
/* The built-in profiles. */
#include <hotpatch/profile.h>

#include "base/span.h"

#define MIB (UINT32_C(1) << 20)

/* Relocation types that Xen 4.17 applies on x86-64: NONE, 64, PC32, PLT32 (x86-64 psABI,
 * table 4.9). */
static const uint16_t xen_4_17_relocs[] = {0, 1, 2, 4};

const struct hp_profile hp_profile_default = {
    .name = "hotpatch",
    .file_max = 2 * MIB,
    .nobits_max = 2 * MIB,
    .image_max = 8 * MIB,
    .sections_max = 65535,
    .symbol_name_max = 511,
    .record_versions = (1u << 1) | (1u << 2),
};

const struct hp_profile hp_profile_xen_4_17 = {
    .name = "xen-4.17",
    .file_max = 2 * MIB,
    .nobits_max = 2 * MIB,
    .image_max = 8 * MIB,
    .sections_max = 1023,
    .symbol_name_max = 127,
    .record_versions = 1u << 2,
    .reloc_types = xen_4_17_relocs,
    .reloc_type_count = sizeof(xen_4_17_relocs) / sizeof(xen_4_17_relocs[0]),
    .weak_must_resolve = true,
    .locals_must_be_new = true,
    .relocs_need_symbol = true,
    .plain_sections = true,
    .no_extended_numbers = true,
    .no_name_offsets = true,
    .no_splices = true,
    .xen_depends_required = true,
};

static const struct hp_profile *const profiles[] = {&hp_profile_default, &hp_profile_xen_4_17};

const struct hp_profile *hp_profile_at(size_t index)
{
    if (index >= sizeof(profiles) / sizeof(profiles[0])) {
        return NULL;
    }
    return profiles[index];
}

const struct hp_profile *hp_profile_find(const char *name)
{
    size_t n;

    for (n = 0; n < sizeof(profiles) / sizeof(profiles[0]); n++) {
        if (hp_string_equal(name, SIZE_MAX, profiles[n]->name)) {
            return profiles[n];
        }
    }
    return NULL;
}
