/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of this folder share: file access, the header table, raw section headers.
 *
 * Every byte is read at an absolute offset of the file, checked against the file's size at the
 * place of the access. That holds however a view was come by, and value analysis can prove it.
 */
#ifndef HP_ELF_VIEW_H
#define HP_ELF_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hotpatch/elf.h>
#include <hotpatch/status.h>

/* Sizes of the structures of the two ELF classes in bytes (gABI). */
enum {
    HP_EI_NIDENT = 16,
    HP_EHDR32_SIZE = 52,
    HP_EHDR64_SIZE = 64,
    HP_SHDR32_SIZE = 40,
    HP_SHDR64_SIZE = 64,
    HP_SYM32_SIZE = 16,
    HP_SYM64_SIZE = 24,
    HP_REL32_SIZE = 8,
    HP_REL64_SIZE = 16,
    HP_RELA32_SIZE = 12,
    HP_RELA64_SIZE = 24,
    HP_SHNDX_SIZE = 4
};

/* Reserved section indexes (gABI). */
enum {
    HP_SHN_UNDEF = 0,
    HP_SHN_LORESERVE = 0xff00,
    HP_SHN_ABS = 0xfff1,
    HP_SHN_COMMON = 0xfff2,
    HP_SHN_XINDEX = 0xffff
};

/* Where the section headers lie: `shnum` of them inside the file, the first one included. */
struct hp_elf_table {
    bool is64;
    uint64_t shoff;
    uint32_t shnum;
    uint16_t shentsize;
};

/* `size` bytes of the file at `offset`; NULL when they are not inside it. */
static inline const uint8_t *hp_elf_at(struct hp_span file, uint64_t offset, uint64_t size)
{
    if (file.size < size || offset > file.size - size) {
        return NULL;
    }
    return file.data + offset;
}

/*
 * File offset of entry `offset` of a table that is a part of the file, as the view's spans are.
 * False when `size` bytes there are not inside the table.
 */
static inline bool hp_elf_table_offset(struct hp_span file, struct hp_span table, uint64_t offset,
                                       uint64_t size, uint64_t *at)
{
    *at = 0;
    if (table.size < size || offset > table.size - size) {
        return false;
    }
    *at = (uint64_t)(table.data - file.data) + offset;
    return true;
}

/* Bytes of an entry of a SHT_REL or SHT_RELA section; 0 for other types. */
static inline uint32_t hp_elf_reloc_size(bool is64, uint32_t type)
{
    if (type == HP_SHT_RELA) {
        return is64 ? HP_RELA64_SIZE : HP_RELA32_SIZE;
    }
    if (type == HP_SHT_REL) {
        return is64 ? HP_REL64_SIZE : HP_REL32_SIZE;
    }
    return 0;
}

/* The place of the section headers of an open view. */
static inline struct hp_elf_table hp_elf_table_of(const struct hp_elf *elf)
{
    const struct hp_elf_table table = {elf->is64, elf->shoff, elf->shnum, elf->shentsize};

    return table;
}

/*
 * File offset of a section's name by its sh_name; the file's size, where nothing can be read, when
 * that is past the table of names.
 */
static inline uint64_t hp_elf_name_at(const struct hp_elf *elf, uint32_t name)
{
    if (name >= elf->shstr.size) {
        return elf->file.size;
    }
    return (uint64_t)(elf->shstr.data - elf->file.data) + name;
}

/*
 * Checks the identification bytes and finds the section header table (extent.c). Returns HP_OK or
 * one of the statuses of hp_elf_extent().
 */
HP_MUST_USE enum hp_status hp_elf_table_find(struct hp_span file, struct hp_elf_table *table,
                                             struct hp_diag *diag);

/*
 * Decodes a section header as it stands, the name as offset (extent.c). False, and all zero, when
 * it is not inside the file.
 */
bool hp_elf_raw_section(struct hp_span file, const struct hp_elf_table *table, uint32_t index,
                        struct hp_section *section, uint32_t *name);

/* Reports a defect of a section and names it (section.c). */
HP_MUST_USE enum hp_status hp_elf_section_fail(const struct hp_elf *elf,
                                               const struct hp_section *section,
                                               enum hp_status status, struct hp_diag *diag);

/* The same with limit or wanted value and value found (section.c). */
HP_MUST_USE enum hp_status hp_elf_section_fail_numbers(const struct hp_elf *elf,
                                                       const struct hp_section *section,
                                                       enum hp_status status, uint64_t expected,
                                                       uint64_t actual, struct hp_diag *diag);

/*
 * Enters a section in elf->special when its name (sh_name) is one of those, and checks what holds
 * of any such section (special.c). Returns HP_OK, HP_SPECIAL_DUPLICATE, HP_SPECIAL_NOT_LOADED,
 * HP_SPECIAL_EMPTY or HP_MODINFO.
 */
HP_MUST_USE enum hp_status hp_elf_special_add(struct hp_elf *elf, const struct hp_section *section,
                                              uint32_t name, struct hp_diag *diag);

/* Checks that the required ones are there (special.c): HP_SPECIAL_MISSING, HP_NOTHING_TO_DO. */
HP_MUST_USE enum hp_status hp_elf_special_check(const struct hp_elf *elf, struct hp_diag *diag);

#endif
