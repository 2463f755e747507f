/* SPDX-License-Identifier: BSD-2-Clause */
/* Section headers and contents of an open view. */
#include <string.h>

#include "base/diag.h"
#include "base/span.h"
#include "elf/view.h"

enum hp_status hp_elf_section(const struct hp_elf *elf, uint32_t index, struct hp_section *section)
{
    return hp_elf_header(elf, index, section);
}

struct hp_span hp_elf_contents(const struct hp_elf *elf, const struct hp_section *section)
{
    return hp_elf_bytes(elf, section);
}

/*
 * Reads the name anew, at its offset in the file: a failure is rare, and section->name is a pointer
 * that cannot be checked.
 */
static void note_section(const struct hp_elf *elf, const struct hp_section *section,
                         struct hp_diag *diag)
{
    /* One byte more than a record keeps, so that hp_note_section() sees that a name is too long. */
    char name[HP_DIAG_SECTION_MAX + 1] = {0};
    const struct hp_elf_table table = hp_elf_table_of(elf);
    struct hp_section raw;
    uint32_t name_offset;
    uint64_t start = elf->file.size;
    size_t n;

    if (hp_elf_raw_section(elf->file, &table, section->index, &raw, &name_offset)) {
        start = hp_elf_name_at(elf, name_offset);
    }
    for (n = 0; n < HP_DIAG_SECTION_MAX; n++) {
        const uint8_t *p = hp_elf_at(elf->file, start + n, 1);

        if (!p || *p == '\0') {
            break;
        }
        name[n] = (char)*p;
    }
    hp_note_section(diag, section->index, name);
}

enum hp_status hp_elf_section_fail(const struct hp_elf *elf, const struct hp_section *section,
                                   enum hp_status status, struct hp_diag *diag)
{
    note_section(elf, section, diag);
    return hp_fail(diag, HP_STAGE_ELF, status);
}

enum hp_status hp_elf_section_fail_numbers(const struct hp_elf *elf,
                                           const struct hp_section *section, enum hp_status status,
                                           uint64_t expected, uint64_t actual, struct hp_diag *diag)
{
    note_section(elf, section, diag);
    return hp_fail_numbers(diag, HP_STAGE_ELF, status, expected, actual);
}
