/* SPDX-License-Identifier: BSD-2-Clause */
/* Symbols of an open view. */
#include <string.h>

#include "base/diag.h"
#include "base/span.h"
#include "elf/view.h"

static enum hp_status symbol_fail(uint32_t index, enum hp_status status, uint64_t expected,
                                  uint64_t actual, struct hp_diag *diag)
{
    hp_note_symbol(diag, index, NULL, 0);
    return hp_fail_numbers(diag, HP_STAGE_SYMBOLS, status, expected, actual);
}

/* Resolves SHN_XINDEX by the extended section index table. */
static enum hp_status extended_section(const struct hp_elf *elf, uint32_t index, uint32_t *section,
                                       struct hp_diag *diag)
{
    const uint8_t *p = NULL;
    uint64_t at;

    *section = 0;
    if (hp_elf_table_offset(elf->file, elf->shndx, (uint64_t)index * HP_SHNDX_SIZE, HP_SHNDX_SIZE,
                            &at)) {
        p = hp_elf_at(elf->file, at, HP_SHNDX_SIZE);
    }
    if (!p) {
        hp_note_symbol(diag, index, NULL, 0);
        return hp_fail(diag, HP_STAGE_SYMBOLS, HP_SYMTAB_SHNDX);
    }
    *section = hp_le32(p);
    return HP_OK;
}

/* Sorts out st_shndx. */
static enum hp_status symbol_place(const struct hp_elf *elf, uint32_t index, uint16_t shndx,
                                   struct hp_symbol *symbol, struct hp_diag *diag)
{
    uint32_t section = shndx;
    enum hp_status status;

    switch (shndx) {
    case HP_SHN_UNDEF:
        symbol->place = HP_PLACE_UNDEFINED;
        return HP_OK;
    case HP_SHN_ABS:
        symbol->place = HP_PLACE_ABSOLUTE;
        return HP_OK;
    case HP_SHN_COMMON:
        symbol->place = HP_PLACE_COMMON;
        return HP_OK;
    case HP_SHN_XINDEX:
        status = extended_section(elf, index, &section, diag);
        if (status) {
            return status;
        }
        break;
    default:
        if (shndx >= HP_SHN_LORESERVE) {
            return symbol_fail(index, HP_SYMBOL_SECTION, elf->shnum, shndx, diag);
        }
        break;
    }
    if (section == 0 || section >= elf->shnum) {
        return symbol_fail(index, HP_SYMBOL_SECTION, elf->shnum, section, diag);
    }
    symbol->place = HP_PLACE_SECTION;
    symbol->section = section;
    return HP_OK;
}

/* The fields of an entry that need more than a look. */
struct raw_symbol {
    uint32_t name;
    uint16_t shndx;
    uint8_t info;
    uint8_t other;
};

static bool raw_symbol32(struct hp_span file, uint64_t at, struct raw_symbol *raw,
                         struct hp_symbol *symbol)
{
    const uint8_t *p = hp_elf_at(file, at, HP_SYM32_SIZE);

    if (!p) {
        return false;
    }
    raw->name = hp_le32(p);
    symbol->value = hp_le32(p + 4);
    symbol->size = hp_le32(p + 8);
    raw->info = p[12];
    raw->other = p[13];
    raw->shndx = hp_le16(p + 14);
    return true;
}

static bool raw_symbol64(struct hp_span file, uint64_t at, struct raw_symbol *raw,
                         struct hp_symbol *symbol)
{
    const uint8_t *p = hp_elf_at(file, at, HP_SYM64_SIZE);

    if (!p) {
        return false;
    }
    raw->name = hp_le32(p);
    raw->info = p[4];
    raw->other = p[5];
    raw->shndx = hp_le16(p + 6);
    symbol->value = hp_le64(p + 8);
    symbol->size = hp_le64(p + 16);
    return true;
}

/* Decodes an entry into a zeroed symbol, which is left half-done when the entry is bad. */
static enum hp_status decode_symbol(const struct hp_elf *elf, uint32_t index,
                                    struct hp_symbol *symbol, struct hp_diag *diag)
{
    const uint32_t entsize = elf->is64 ? HP_SYM64_SIZE : HP_SYM32_SIZE;
    struct raw_symbol raw = {0};
    uint64_t at;
    bool found;

    found = hp_elf_table_offset(elf->file, elf->symbols, (uint64_t)index * entsize, entsize, &at);
    if (found) {
        found = elf->is64 ? raw_symbol64(elf->file, at, &raw, symbol)
                          : raw_symbol32(elf->file, at, &raw, symbol);
    }
    if (!found) {
        return symbol_fail(index, HP_RELOC_SYMBOL_INDEX, elf->symbol_count, index, diag);
    }
    if (raw.name >= elf->strings.size) {
        return symbol_fail(index, HP_SYMBOL_NAME, elf->strings.size, raw.name, diag);
    }
    symbol->name = (const char *)elf->strings.data + raw.name;
    symbol->bind = raw.info >> 4;
    symbol->type = raw.info & 0xf;
    symbol->visibility = raw.other & 0x3;
    return symbol_place(elf, index, raw.shndx, symbol, diag);
}

enum hp_status hp_elf_symbol(const struct hp_elf *elf, uint32_t index, struct hp_symbol *symbol,
                             struct hp_diag *diag)
{
    const struct hp_symbol none = {0};
    enum hp_status status;

    *symbol = none;
    status = decode_symbol(elf, index, symbol, diag);
    if (status) {
        *symbol = none;
    }
    return status;
}
