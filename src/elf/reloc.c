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

/* Decodes the entry of `entsize` bytes at a file offset. */
static bool raw_reloc32(struct hp_span file, uint64_t at, uint32_t entsize, struct hp_reloc *reloc)
{
    const uint8_t *p = hp_elf_at(file, at, HP_REL32_SIZE);
    const uint8_t *addend = hp_elf_at(file, at + HP_REL32_SIZE, 4);
    uint32_t info;

    if (!p) {
        return false;
    }
    reloc->offset = hp_le32(p);
    info = hp_le32(p + 4);
    reloc->type = info & 0xff;
    reloc->symbol = info >> 8;
    if (entsize == HP_RELA32_SIZE) {
        if (!addend) {
            return false;
        }
        reloc->addend = (int32_t)hp_le32(addend);
    }
    return true;
}

static bool raw_reloc64(struct hp_span file, uint64_t at, uint32_t entsize, struct hp_reloc *reloc)
{
    const uint8_t *p = hp_elf_at(file, at, HP_REL64_SIZE);
    const uint8_t *addend = hp_elf_at(file, at + HP_REL64_SIZE, 8);

    if (!p) {
        return false;
    }
    reloc->offset = hp_le64(p);
    reloc->type = hp_le32(p + 8);
    reloc->symbol = hp_le32(p + 12);
    if (entsize == HP_RELA64_SIZE) {
        if (!addend) {
            return false;
        }
        reloc->addend = (int64_t)hp_le64(addend);
    }
    return true;
}

enum hp_status hp_elf_reloc(const struct hp_elf *elf, const struct hp_section *section,
                            uint32_t index, struct hp_reloc *reloc)
{
    const uint32_t entsize = hp_elf_reloc_size(elf->is64, section->type);
    const uint64_t offset = (uint64_t)index * entsize;
    const struct hp_reloc none = {0};
    bool found;

    *reloc = none;
    found = entsize != 0 && hp_range_fits(elf->file.size, section->offset, section->size) &&
            hp_range_fits(section->size, offset, entsize);
    if (found) {
        found = elf->is64 ? raw_reloc64(elf->file, section->offset + offset, entsize, reloc)
                          : raw_reloc32(elf->file, section->offset + offset, entsize, reloc);
    }
    return found ? HP_OK : HP_INVALID_ARGUMENT;
}
