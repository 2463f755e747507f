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

#include "base/config.h"
#include "base/span.h"

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

/* A header that is not inside the file: all zero. */
static inline bool hp_elf_no_header(struct hp_section *section, uint32_t *name)
{
    const struct hp_section none = {0};

    *section = none;
    *name = 0;
    return false;
}

/* The fields of a section header of each class; false when it is not inside the file. */
HP_INLINE bool hp_elf_header32(struct hp_span file, uint64_t offset, struct hp_section *section,
                               uint32_t *name)
{
    const uint8_t *p = hp_elf_at(file, offset, HP_SHDR32_SIZE);

    if (!p) {
        return hp_elf_no_header(section, name);
    }
    section->name = NULL;
    *name = hp_le32(p);
    section->type = hp_le32(p + 4);
    section->flags = hp_le32(p + 8);
    section->addr = hp_le32(p + 12);
    section->offset = hp_le32(p + 16);
    section->size = hp_le32(p + 20);
    section->link = hp_le32(p + 24);
    section->info = hp_le32(p + 28);
    section->align = hp_le32(p + 32);
    section->entsize = hp_le32(p + 36);
    return true;
}

HP_INLINE bool hp_elf_header64(struct hp_span file, uint64_t offset, struct hp_section *section,
                               uint32_t *name)
{
    const uint8_t *p = hp_elf_at(file, offset, HP_SHDR64_SIZE);

    if (!p) {
        return hp_elf_no_header(section, name);
    }
    section->name = NULL;
    *name = hp_le32(p);
    section->type = hp_le32(p + 4);
    section->flags = hp_le64(p + 8);
    section->addr = hp_le64(p + 16);
    section->offset = hp_le64(p + 24);
    section->size = hp_le64(p + 32);
    section->link = hp_le32(p + 40);
    section->info = hp_le32(p + 44);
    section->align = hp_le64(p + 48);
    section->entsize = hp_le64(p + 56);
    return true;
}

/* hp_elf_raw_section() for loops over all sections. */
HP_INLINE bool hp_elf_raw_header(struct hp_span file, const struct hp_elf_table *table,
                                 uint32_t index, struct hp_section *section, uint32_t *name)
{
    const uint64_t offset = table->shoff + (uint64_t)index * table->shentsize;
    const bool found = table->is64 ? hp_elf_header64(file, offset, section, name)
                                   : hp_elf_header32(file, offset, section, name);

    section->index = index;
    return found;
}

/* The type of a section as it stands; HP_SHT_NULL when its header is not inside the file. */
HP_INLINE uint32_t hp_elf_raw_type(struct hp_span file, const struct hp_elf_table *table,
                                   uint32_t index)
{
    const uint64_t offset = table->shoff + (uint64_t)index * table->shentsize;
    const uint8_t *p = hp_elf_at(file, offset, HP_SHDR32_SIZE); /* the same place in both classes */

    return p ? hp_le32(p + 4) : HP_SHT_NULL;
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

/*
 * The symbol table as loops over all symbols see it: what they look at for each one, in one place,
 * so that it stays in registers.
 */
struct hp_plain_symbols {
    const uint8_t *entries;
    uint32_t count;    /* 0 in a 32-bit file, of which no symbol is plain */
    uint32_t sections; /* indexes from here on are none of an ordinary section */
    const char *names;
    size_t names_size;
};

static inline struct hp_plain_symbols hp_elf_plain_symbols(const struct hp_elf *elf)
{
    const struct hp_plain_symbols table = {elf->symbols.data, elf->is64 ? elf->symbol_count : 0,
                                           elf->shnum < HP_SHN_LORESERVE ? elf->shnum
                                                                         : HP_SHN_LORESERVE,
                                           (const char *)elf->strings.data, elf->strings.size};

    return table;
}

/*
 * Decodes a symbol that needs no second look: of a 64-bit file, its name inside the table, its
 * section index an ordinary one. False for any other: hp_elf_symbol() decodes or refuses it. Loops
 * over all symbols inline this, so that the fields they do not use cost nothing.
 */
static inline bool hp_elf_plain_symbol(const struct hp_plain_symbols *table, uint32_t index,
                                       struct hp_symbol *symbol)
{
    const uint8_t *p;
    uint32_t name;
    uint32_t section;

    if (index >= table->count) {
        return false;
    }
    p = table->entries + (size_t)index * HP_SYM64_SIZE;
    name = hp_le32(p);
    section = hp_le16(p + 6);
    if (name >= table->names_size || section >= table->sections) {
        return false;
    }
    symbol->value = hp_le64(p + 8);
    symbol->size = hp_le64(p + 16);
    symbol->name = table->names + name;
    symbol->place = section == HP_SHN_UNDEF ? HP_PLACE_UNDEFINED : HP_PLACE_SECTION;
    symbol->section = section;
    symbol->bind = p[4] >> 4;
    symbol->type = p[4] & 0xf;
    symbol->visibility = p[5] & 0x3;
    return true;
}

/* The place of the section headers of an open view. */
static inline struct hp_elf_table hp_elf_table_of(const struct hp_elf *elf)
{
    const struct hp_elf_table table = {elf->is64, elf->shoff, elf->shnum, elf->shentsize};

    return table;
}

/* hp_elf_section() for loops over all sections. */
HP_INLINE enum hp_status hp_elf_header(const struct hp_elf *elf, uint32_t index,
                                       struct hp_section *section)
{
    const struct hp_elf_table table = hp_elf_table_of(elf);
    const struct hp_section none = {0};
    uint32_t name = 0;

    if (index >= elf->shnum || !hp_elf_raw_header(elf->file, &table, index, section, &name)) {
        *section = none;
        return HP_INVALID_ARGUMENT;
    }
    if (index == 0 || section->type == HP_SHT_NULL) {
        /* No section: nothing of the header counts, so nothing of it is shown. */
        *section = none;
        section->index = index;
        name = 0;
    }
    if (section->align == 0) {
        section->align = 1;
    }
    /* A name that hp_elf_open() refuses reads as the empty one that every name table begins with.
     */
    section->name = (const char *)elf->shstr.data;
    if (name < elf->shstr.size) {
        section->name += name;
    }
    return HP_OK;
}

/* hp_elf_contents() for loops over all sections. */
HP_INLINE struct hp_span hp_elf_bytes(const struct hp_elf *elf, const struct hp_section *section)
{
    const struct hp_span none = {NULL, 0};

    if (section->type == HP_SHT_NULL || section->type == HP_SHT_NOBITS) {
        return none;
    }
    return hp_span_slice(elf->file, section->offset, section->size);
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

/*
 * hp_elf_open() of a file that hp_elf_extent() has found to end where its sections do (open.c).
 */
HP_MUST_USE enum hp_status hp_elf_open_whole(struct hp_elf *elf, struct hp_span file,
                                             const struct hp_profile *profile,
                                             struct hp_diag *diag);

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
 * Enters a section in elf->special when its name (sh_name, inside the table of names) is one of
 * those, and checks what holds of any such section (special.c). Returns HP_OK,
 * HP_SPECIAL_DUPLICATE, HP_SPECIAL_NOT_LOADED, HP_SPECIAL_EMPTY or HP_MODINFO.
 */
HP_MUST_USE enum hp_status hp_elf_special_add(struct hp_elf *elf, const struct hp_section *section,
                                              uint32_t name, struct hp_diag *diag);

/* Checks that the required ones are there (special.c): HP_SPECIAL_MISSING, HP_NOTHING_TO_DO. */
HP_MUST_USE enum hp_status hp_elf_special_check(const struct hp_elf *elf, struct hp_diag *diag);

#endif
