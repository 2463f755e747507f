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
    const uint64_t offset = table->shoff + (uint64_t)index * table->shentsize;
    const uint8_t *p = hp_elf_at(file, offset, table->is64 ? HP_SHDR64_SIZE : HP_SHDR32_SIZE);
    struct hp_section out = {0};

    *name = 0;
    *section = out;
    if (!p) {
        return false;
    }
    *name = hp_le32(p);
    out.index = index;
    out.type = hp_le32(p + 4);
    if (table->is64) {
        out.flags = hp_le64(p + 8);
        out.offset = hp_le64(p + 24);
        out.size = hp_le64(p + 32);
        out.link = hp_le32(p + 40);
        out.info = hp_le32(p + 44);
        out.align = hp_le64(p + 48);
        out.entsize = hp_le64(p + 56);
    } else {
        out.flags = hp_le32(p + 8);
        out.offset = hp_le32(p + 16);
        out.size = hp_le32(p + 20);
        out.link = hp_le32(p + 24);
        out.info = hp_le32(p + 28);
        out.align = hp_le32(p + 32);
        out.entsize = hp_le32(p + 36);
    }
    *section = out;
    return true;
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

enum hp_status hp_elf_table_find(struct hp_span file, struct hp_elf_table *table,
                                 struct hp_diag *diag)
{
    struct hp_elf_table out = {0};
    struct hp_section first;
    const uint8_t *header;
    uint64_t count;
    uint32_t name;
    enum hp_status st;

    *table = out;
    st = check_ident(file, &out.is64, diag);
    if (st) {
        return st;
    }
    header = hp_elf_at(file, 0, out.is64 ? HP_EHDR64_SIZE : HP_EHDR32_SIZE);
    if (!header) {
        return fail(diag, HP_ELF_TRUNCATED);
    }
    out.shoff = out.is64 ? hp_le64(header + 40) : hp_le32(header + 32);
    out.shentsize = hp_le16(header + (out.is64 ? 58 : 46));
    count = hp_le16(header + (out.is64 ? 60 : 48));
    if (out.shoff == 0) {
        return fail(diag, HP_ELF_NO_SECTIONS);
    }
    if (out.shentsize < (out.is64 ? HP_SHDR64_SIZE : HP_SHDR32_SIZE)) {
        return fail(diag, HP_ELF_SHENTSIZE);
    }
    if (!hp_elf_raw_section(file, &out, 0, &first, &name)) {
        hp_note_offset(diag, out.shoff);
        return fail(diag, HP_ELF_TRUNCATED);
    }
    if (count == 0) {
        /* gABI: from SHN_LORESERVE sections on, the count stands in the first header. */
        count = first.size;
    }
    if (count == 0) {
        return fail(diag, HP_ELF_NO_SECTIONS);
    }
    if (count >= UINT32_MAX) {
        return fail(diag, HP_ELF_TOO_MANY_SECTIONS);
    }
    if (!hp_range_fits(file.size, out.shoff, count * out.shentsize)) {
        hp_note_offset(diag, out.shoff);
        return fail(diag, HP_ELF_TRUNCATED);
    }
    out.shnum = (uint32_t)count;
    *table = out;
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
    enum hp_status st;

    *extent = 0;
    st = hp_elf_table_find(file, &table, diag);
    if (st) {
        return st;
    }
    end = table.is64 ? HP_EHDR64_SIZE : HP_EHDR32_SIZE;
    if (end < table.shoff + (uint64_t)table.shnum * table.shentsize) {
        end = table.shoff + (uint64_t)table.shnum * table.shentsize;
    }
    /* The first header is reserved: it describes no section. */
    for (i = 1; i < table.shnum; i++) {
        if (!hp_elf_raw_section(file, &table, i, &section, &name)) {
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
