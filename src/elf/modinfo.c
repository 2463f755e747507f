/* SPDX-License-Identifier: BSD-2-Clause */
/* The metadata strings of .modinfo. */
#include "base/span.h"
#include "elf/view.h"

bool hp_elf_modinfo_next(const struct hp_elf *elf, size_t *pos, struct hp_span *entry)
{
    const struct hp_span none = {NULL, 0};
    struct hp_section section;
    struct hp_span contents;
    uint64_t base;
    size_t start;
    size_t end;

    *entry = none;
    if (elf->special[HP_SPECIAL_MODINFO] == 0 ||
        hp_elf_section(elf, elf->special[HP_SPECIAL_MODINFO], &section)) {
        return false;
    }
    contents = hp_elf_contents(elf, &section);
    base = section.offset;
    start = *pos;
    for (end = start; end < contents.size; end++) {
        const uint8_t *p = hp_elf_at(elf->file, base + end, 1);

        if (p && *p != '\0') {
            continue;
        }
        if (end > start) {
            *entry = hp_span_slice(elf->file, base + start, end - start);
            *pos = end + 1;
            return true;
        }
        start = end + 1;
    }
    *pos = end;
    return false;
}
