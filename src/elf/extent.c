/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The end of the ELF file inside a payload: the only code that reads unauthenticated content.
 *
 * It stands alone and is kept small on purpose: it looks at the identification bytes, at the place
 * of the section header table, and at offset, size and type of each section, and at nothing else.
 */
#include "base/diag.h"
#include "base/span.h"
#include "elf/view.h"

/* Identification bytes (gABI): where they lie and what they may be. */
enum { EI_CLASS = 4, EI_DATA = 5, ELFCLASS32 = 1, ELFCLASS64 = 2, ELFDATA2LSB = 1 };

static enum hp_status fail(struct hp_diag *diag, enum hp_status status)
{
    return hp_fail(diag, HP_STAGE_ELF, status);
}

bool hp_elf_raw_section(struct hp_span file, const struct hp_elf_table *table, uint32_t index,
                        struct hp_section *section, uint32_t *name)
{
    return hp_elf_raw_header(file, table, index, section, name);
}

/* Checks the identification bytes; *is64 receives the class. */
static enum hp_status check_ident(struct hp_span file, bool *is64, struct hp_diag *diag)
{
    const uint8_t *magic = hp_elf_at(file, 0, 4);
    const uint8_t *ident = hp_elf_at(file, 0, HP_EI_NIDENT);

    *is64 = false;
    if (file.size == 0) {
        return fail(diag, HP_FILE_EMPTY);
    }
    if (!magic) {
        return fail(diag, HP_ELF_TRUNCATED);
    }
    if (magic[0] != 0x7f || magic[1] != 'E' || magic[2] != 'L' || magic[3] != 'F') {
        return fail(diag, HP_ELF_MAGIC);
    }
    if (!ident) {
        return fail(diag, HP_ELF_TRUNCATED);
    }
    if (ident[EI_CLASS] != ELFCLASS32 && ident[EI_CLASS] != ELFCLASS64) {
        return fail(diag, HP_ELF_CLASS);
    }
    if (ident[EI_DATA] != ELFDATA2LSB) {
        return fail(diag, HP_ELF_BYTE_ORDER);
    }
    *is64 = ident[EI_CLASS] == ELFCLASS64;
    return HP_OK;
}

/* Reads the place of the section header table; *count is e_shnum. */
static enum hp_status read_table(struct hp_span file, struct hp_elf_table *table, uint16_t *count,
                                 struct hp_diag *diag)
{
    const uint64_t shentsize_at = table->is64 ? 58 : 46;
    uint32_t shoff32 = 0;
    bool fits;

    if (table->is64) {
        fits = hp_span_le64(file, 40, &table->shoff);
    } else {
        fits = hp_span_le32(file, 32, &shoff32);
        table->shoff = shoff32;
    }
    fits = hp_span_le16(file, shentsize_at, &table->shentsize) && fits;
    fits = hp_span_le16(file, shentsize_at + 2, count) && fits;
    if (!fits || file.size < (table->is64 ? HP_EHDR64_SIZE : HP_EHDR32_SIZE)) {
        return fail(diag, HP_ELF_TRUNCATED);
    }
    if (table->shoff == 0) {
        return fail(diag, HP_ELF_NO_SECTIONS);
    }
    if (table->shentsize < (table->is64 ? HP_SHDR64_SIZE : HP_SHDR32_SIZE)) {
        return fail(diag, HP_ELF_SHENTSIZE);
    }
    return HP_OK;
}

enum hp_status hp_elf_table_find(struct hp_span file, struct hp_elf_table *table,
                                 struct hp_diag *diag)
{
    const struct hp_elf_table none = {0};
    struct hp_section first;
    uint16_t shnum = 0;
    uint64_t count;
    uint32_t name;
    enum hp_status status;

    *table = none;
    status = check_ident(file, &table->is64, diag);
    if (status) {
        return status;
    }
    status = read_table(file, table, &shnum, diag);
    if (status) {
        return status;
    }
    if (!hp_elf_raw_section(file, table, 0, &first, &name)) {
        hp_note_offset(diag, table->shoff);
        return fail(diag, HP_ELF_TRUNCATED);
    }
    /* gABI: from SHN_LORESERVE sections on, the count stands in the first header. */
    count = shnum != 0 ? shnum : first.size;
    if (count == 0) {
        return fail(diag, HP_ELF_NO_SECTIONS);
    }
    if (count >= UINT32_MAX) {
        return fail(diag, HP_ELF_TOO_MANY_SECTIONS);
    }
    if (!hp_range_fits(file.size, table->shoff, count * table->shentsize)) {
        hp_note_offset(diag, table->shoff);
        return fail(diag, HP_ELF_TRUNCATED);
    }
    table->shnum = (uint32_t)count;
    return HP_OK;
}

/* Reports a section that is not inside the file: its offset, the bytes there are, its size. */
static enum hp_status bounds_fail(struct hp_span file, const struct hp_section *section,
                                  struct hp_diag *diag)
{
    const uint64_t available = section->offset < file.size ? file.size - section->offset : 0;

    hp_note_section(diag, section->index, NULL);
    hp_note_offset(diag, section->offset);
    return hp_fail_numbers(diag, HP_STAGE_ELF, HP_SECTION_BOUNDS, available, section->size);
}

enum hp_status hp_elf_extent(const void *data, size_t size, size_t *extent, struct hp_diag *diag)
{
    const struct hp_span file = {data, data ? size : 0};
    struct hp_elf_table table;
    struct hp_section section;
    uint64_t end;
    uint32_t name;
    uint32_t i;
    enum hp_status status;

    *extent = 0;
    status = hp_elf_table_find(file, &table, diag);
    if (status) {
        return status;
    }
    end = table.is64 ? HP_EHDR64_SIZE : HP_EHDR32_SIZE;
    if (end < table.shoff + (uint64_t)table.shnum * table.shentsize) {
        end = table.shoff + (uint64_t)table.shnum * table.shentsize;
    }
    /* The first header is reserved: it describes no section. */
    for (i = 1; i < table.shnum; i++) {
        if (!hp_elf_raw_header(file, &table, i, &section, &name)) {
            return fail(diag, HP_ELF_TRUNCATED);
        }
        if (section.type == HP_SHT_NULL || section.type == HP_SHT_NOBITS) {
            continue;
        }
        if (!hp_range_fits(file.size, section.offset, section.size)) {
            return bounds_fail(file, &section, diag);
        }
        if (end < section.offset + section.size) {
            end = section.offset + section.size;
        }
    }
    *extent = (size_t)end;
    return HP_OK;
}
