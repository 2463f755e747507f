/* SPDX-License-Identifier: BSD-2-Clause */
/* Entries of the relocation sections of an open view. */
#include <string.h>

#include "base/diag.h"
#include "base/span.h"
#include "elf/view.h"

uint32_t hp_elf_reloc_count(const struct hp_elf *elf, const struct hp_section *section)
{
    const uint32_t entsize = hp_elf_reloc_size(elf->is64, section->type);
    const size_t size = hp_elf_contents(elf, section).size;

    /* The file's limit is 32 bits wide (profile.h), so the count fits. */
    return entsize == 0 ? 0 : (uint32_t)(size / entsize);
}

enum hp_status hp_elf_reloc(const struct hp_elf *elf, const struct hp_section *section,
                            uint32_t index, struct hp_reloc *reloc)
{
    const uint32_t entsize = hp_elf_reloc_size(elf->is64, section->type);
    const uint64_t offset = (uint64_t)index * entsize;
    struct hp_reloc out = {0};
    const uint8_t *p = NULL;
    uint64_t info;

    *reloc = out;
    if (entsize != 0 && hp_range_fits(elf->file.size, section->offset, section->size) &&
        hp_range_fits(section->size, offset, entsize)) {
        p = hp_elf_at(elf->file, section->offset + offset, entsize);
    }
    if (!p) {
        return HP_INVALID_ARGUMENT;
    }
    if (elf->is64) {
        out.offset = hp_le64(p);
        info = hp_le64(p + 8);
        out.type = (uint32_t)info;
        out.symbol = (uint32_t)(info >> 32);
    } else {
        out.offset = hp_le32(p);
        info = hp_le32(p + 4);
        out.type = (uint32_t)(info & 0xff);
        out.symbol = (uint32_t)(info >> 8);
    }
    if (entsize == HP_RELA64_SIZE) {
        out.addend = (int64_t)hp_le64(p + 16);
    } else if (entsize == HP_RELA32_SIZE) {
        out.addend = (int32_t)hp_le32(p + 8);
    }
    *reloc = out;
    return HP_OK;
}
