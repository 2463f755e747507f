/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Opening a view: all checks that SPEC section 2 and the gABI demand of the file itself.
 *
 * In order: the ELF header, the table of section names, each section by itself, the symbol table,
 * then the sections that refer to the symbol table, which may lie before it.
 */
#include <string.h>

#include "base/diag.h"
#include "base/span.h"
#include "elf/view.h"

/* Values of ELF header fields (gABI). */
enum {
    EI_VERSION = 6,
    EI_OSABI = 7,
    EI_ABIVERSION = 8,
    EV_CURRENT = 1,
    ELFOSABI_NONE = 0,
    ELFOSABI_FREEBSD = 9,
    ET_REL = 1
};

/* Packed forms of relocation sections, which a loader that does not know them must not skip. */
#define SHT_RELR 19u
#define SHT_CREL 0x40000014u

static enum hp_status fail(struct hp_diag *diag, enum hp_status status)
{
    return hp_fail(diag, HP_STAGE_ELF, status);
}

/* Fields of the ELF header; what hp_elf_extent() has seen already is not looked at again. */
static enum hp_status open_header(struct hp_elf *elf, struct hp_diag *diag)
{
    /* Up to e_version the header is the same in both classes; so it is again from e_flags on. */
    const uint8_t *p = hp_elf_at(elf->file, 0, 24);
    const uint8_t *tail = hp_elf_at(elf->file, elf->is64 ? 48 : 36, 16);

    if (!p || !tail) {
        return fail(diag, HP_ELF_TRUNCATED);
    }
    if (p[EI_VERSION] != EV_CURRENT || hp_le32(p + 20) != EV_CURRENT) {
        return fail(diag, HP_ELF_VERSION);
    }
    elf->osabi = p[EI_OSABI];
    if (elf->osabi != ELFOSABI_NONE && elf->osabi != ELFOSABI_FREEBSD) {
        return hp_fail_numbers(diag, HP_STAGE_ELF, HP_ELF_OSABI, ELFOSABI_NONE, elf->osabi);
    }
    if (p[EI_ABIVERSION] != 0) {
        return hp_fail_numbers(diag, HP_STAGE_ELF, HP_ELF_ABI_VERSION, 0, p[EI_ABIVERSION]);
    }
    if (hp_le16(p + 16) != ET_REL) {
        return hp_fail_numbers(diag, HP_STAGE_ELF, HP_ELF_TYPE, ET_REL, hp_le16(p + 16));
    }
    if (hp_le16(tail + 8) != 0) {
        return fail(diag, HP_ELF_PHNUM);
    }
    elf->machine = hp_le16(p + 18);
    elf->flags = hp_le32(tail);
    elf->shstrndx = hp_le16(tail + 14);
    return HP_OK;
}

/* Takes the contents of a string table, which must begin and end with NUL. */
static enum hp_status open_strings(const struct hp_elf *elf, const struct hp_section *section,
                                   struct hp_span *strings, struct hp_diag *diag)
{
    const uint8_t *first = NULL;
    const uint8_t *last = NULL;

    if (section->size > 0 && hp_range_fits(elf->file.size, section->offset, section->size)) {
        first = hp_elf_at(elf->file, section->offset, 1);
        last = hp_elf_at(elf->file, section->offset + section->size - 1, 1);
    }
    if (!first || !last || *first != '\0' || *last != '\0') {
        return hp_elf_section_fail(elf, section, HP_STRTAB_UNTERMINATED, diag);
    }
    strings->data = first;
    strings->size = (size_t)section->size;
    return HP_OK;
}

/* Finds the table of section names. */
static enum hp_status open_section_names(struct hp_elf *elf, struct hp_diag *diag)
{
    const struct hp_elf_table table = hp_elf_table_of(elf);
    struct hp_section section;
    uint32_t name;
    uint32_t index = elf->shstrndx;

    if (index == HP_SHN_XINDEX) {
        /* gABI: then the index stands in the first section header. */
        if (!hp_elf_raw_section(elf->file, &table, 0, &section, &name)) {
            return fail(diag, HP_ELF_TRUNCATED);
        }
        index = section.link;
    } else if (index >= HP_SHN_LORESERVE) {
        return hp_fail_numbers(diag, HP_STAGE_ELF, HP_ELF_SHSTRNDX, elf->shnum, index);
    }
    elf->shstrndx = index;
    if (index == HP_SHN_UNDEF || index >= elf->shnum) {
        return hp_fail_numbers(diag, HP_STAGE_ELF, HP_ELF_SHSTRNDX, elf->shnum, index);
    }
    if (!hp_elf_raw_section(elf->file, &table, index, &section, &name)) {
        return fail(diag, HP_ELF_TRUNCATED);
    }
    if (section.type != HP_SHT_STRTAB) {
        hp_note_section(diag, index, NULL);
        return fail(diag, HP_ELF_SHSTRNDX);
    }
    return open_strings(elf, &section, &elf->shstr, diag);
}

/* What holds of every section, whatever its type; hp_elf_extent() has seen its bounds. */
static enum hp_status check_section(struct hp_elf *elf, const struct hp_section *section,
                                    uint32_t name, struct hp_diag *diag)
{
    const uint64_t wx = HP_SHF_ALLOC | HP_SHF_WRITE | HP_SHF_EXECINSTR;
    const uint64_t compressed = HP_SHF_ALLOC | HP_SHF_COMPRESSED;

    if (name >= elf->shstr.size) {
        return hp_elf_section_fail_numbers(elf, section, HP_SECTION_NAME, elf->shstr.size, name,
                                           diag);
    }
    if (section->align != 0 && !hp_is_power_of_two(section->align)) {
        return hp_elf_section_fail_numbers(elf, section, HP_SECTION_ALIGN, 1, section->align, diag);
    }
    if (section->align != 0 && (section->addr & (section->align - 1)) != 0) {
        return hp_elf_section_fail_numbers(elf, section, HP_SECTION_ADDRESS, section->align,
                                           section->addr, diag);
    }
    if ((section->flags & wx) == wx) {
        return hp_elf_section_fail(elf, section, HP_SECTION_WX, diag);
    }
    if ((section->flags & compressed) == compressed) {
        return hp_elf_section_fail(elf, section, HP_SECTION_COMPRESSED, diag);
    }
    if (section->type == SHT_RELR || section->type == SHT_CREL) {
        return hp_elf_section_fail_numbers(elf, section, HP_RELOC_FORM, HP_SHT_RELA, section->type,
                                           diag);
    }
    return hp_elf_special_add(elf, section, name, diag);
}

/* What is sound by the gABI, and not for loaders that want plain sections. */
static enum hp_status check_plain_section(const struct hp_elf *elf,
                                          const struct hp_section *section, struct hp_diag *diag)
{
    const uint32_t header = elf->is64 ? HP_EHDR64_SIZE : HP_EHDR32_SIZE;

    if (section->type == HP_SHT_NULL) {
        return hp_elf_section_fail(elf, section, HP_SECTION_NULL, diag);
    }
    if (section->align == 0 && (section->flags & HP_SHF_ALLOC) != 0) {
        return hp_elf_section_fail_numbers(elf, section, HP_SECTION_ALIGN, 1, 0, diag);
    }
    if (section->offset < header) {
        return hp_elf_section_fail_numbers(elf, section, HP_SECTION_OFFSET, header, section->offset,
                                           diag);
    }
    return HP_OK;
}

/* Checks each section by itself; finds the symbol table and the special sections. */
static enum hp_status open_sections(struct hp_elf *elf, const struct hp_profile *profile,
                                    struct hp_diag *diag)
{
    const struct hp_elf_table table = hp_elf_table_of(elf);
    struct hp_section section;
    uint32_t name;
    uint32_t i;
    enum hp_status status;

    for (i = 1; i < elf->shnum; i++) {
        if (!hp_elf_raw_header(elf->file, &table, i, &section, &name)) {
            return fail(diag, HP_ELF_TRUNCATED);
        }
        status = profile->plain_sections ? check_plain_section(elf, &section, diag) : HP_OK;
        if (status) {
            hp_note_profile(diag, profile->name);
            return status;
        }
        if (section.type == HP_SHT_NULL) {
            continue;
        }
        status = check_section(elf, &section, name, diag);
        if (status) {
            return status;
        }
        if (section.type == HP_SHT_SYMTAB) {
            if (elf->symtab != 0) {
                return hp_elf_section_fail(elf, &section, HP_SYMTAB_DUPLICATE, diag);
            }
            elf->symtab = i;
        }
    }
    return HP_OK;
}

/* Checks the symbol table and takes its contents and names. */
static enum hp_status open_symbols(struct hp_elf *elf, struct hp_diag *diag)
{
    const uint32_t entsize = elf->is64 ? HP_SYM64_SIZE : HP_SYM32_SIZE;
    struct hp_section section;
    struct hp_section strings;
    enum hp_status status;

    if (elf->symtab == 0) {
        return fail(diag, HP_SYMTAB_MISSING);
    }
    status = hp_elf_section(elf, elf->symtab, &section);
    if (status) {
        return status;
    }
    if (section.entsize != entsize || (size_t)section.size % entsize != 0) {
        return hp_elf_section_fail_numbers(elf, &section, HP_SECTION_ENTSIZE, entsize,
                                           section.entsize, diag);
    }
    if (section.size == 0) {
        return hp_elf_section_fail(elf, &section, HP_SYMTAB_MISSING, diag);
    }
    if (section.link == 0 || section.link >= elf->shnum) {
        return hp_elf_section_fail_numbers(elf, &section, HP_SECTION_LINK, elf->shnum, section.link,
                                           diag);
    }
    status = hp_elf_section(elf, section.link, &strings);
    if (status) {
        return status;
    }
    if (strings.type != HP_SHT_STRTAB) {
        return hp_elf_section_fail(elf, &section, HP_SECTION_LINK, diag);
    }
    elf->symbols = hp_elf_contents(elf, &section);
    elf->symbol_count = (uint32_t)((size_t)section.size / entsize);
    return open_strings(elf, &strings, &elf->strings, diag);
}

/* Takes the table of extended section indexes: one, and one entry for each symbol. */
static enum hp_status open_shndx(struct hp_elf *elf, const struct hp_section *section,
                                 struct hp_diag *diag)
{
    const uint64_t wanted = (uint64_t)elf->symbol_count * HP_SHNDX_SIZE;

    if (section->entsize != HP_SHNDX_SIZE) {
        return hp_elf_section_fail_numbers(elf, section, HP_SECTION_ENTSIZE, HP_SHNDX_SIZE,
                                           section->entsize, diag);
    }
    if (section->link != elf->symtab) {
        return hp_elf_section_fail_numbers(elf, section, HP_SECTION_LINK, elf->symtab,
                                           section->link, diag);
    }
    if (elf->shndx.size != 0) {
        return hp_elf_section_fail(elf, section, HP_SYMTAB_SHNDX, diag);
    }
    if (section->size != wanted) {
        return hp_elf_section_fail_numbers(elf, section, HP_SYMTAB_SHNDX, wanted, section->size,
                                           diag);
    }
    elf->shndx = hp_elf_contents(elf, section);
    return HP_OK;
}

/*
 * Checks a relocation section. `total` sums up their sizes: more bytes than the file has are only
 * possible when tables overlap, which would buy quadratic work with a small file.
 */
static enum hp_status check_reloc_section(const struct hp_elf *elf,
                                          const struct hp_section *section, uint64_t *total,
                                          struct hp_diag *diag)
{
    const uint32_t entsize = hp_elf_reloc_size(elf->is64, section->type);
    struct hp_section target;
    enum hp_status status;

    if (section->entsize != entsize || (size_t)section->size % entsize != 0) {
        return hp_elf_section_fail_numbers(elf, section, HP_SECTION_ENTSIZE, entsize,
                                           section->entsize, diag);
    }
    if (section->link != elf->symtab) {
        return hp_elf_section_fail_numbers(elf, section, HP_SECTION_LINK, elf->symtab,
                                           section->link, diag);
    }
    if (section->info == 0 || section->info >= elf->shnum) {
        return hp_elf_section_fail_numbers(elf, section, HP_SECTION_INFO, elf->shnum, section->info,
                                           diag);
    }
    status = hp_elf_header(elf, section->info, &target);
    if (status) {
        return status;
    }
    if (target.type == HP_SHT_NULL || target.type == HP_SHT_SYMTAB ||
        target.type == HP_SHT_STRTAB || target.type == HP_SHT_REL || target.type == HP_SHT_RELA) {
        return hp_elf_section_fail(elf, section, HP_SECTION_INFO, diag);
    }
    if (section->size > elf->file.size - *total) {
        return hp_elf_section_fail(elf, section, HP_RELOC_TABLES_SIZE, diag);
    }
    *total += section->size;
    return HP_OK;
}

/* Checks the sections that refer to the symbol table. */
static enum hp_status open_links(struct hp_elf *elf, struct hp_diag *diag)
{
    const struct hp_elf_table table = hp_elf_table_of(elf);
    struct hp_section section;
    uint64_t total = 0;
    uint32_t name;
    uint32_t i;
    enum hp_status status = HP_OK;

    for (i = 1; i < elf->shnum; i++) {
        const uint32_t type = hp_elf_raw_type(elf->file, &table, i);

        if (type != HP_SHT_SYMTAB_SHNDX && type != HP_SHT_REL && type != HP_SHT_RELA) {
            continue; /* nearly all sections; the rest need not be decoded for that */
        }
        if (!hp_elf_raw_header(elf->file, &table, i, &section, &name)) {
            return fail(diag, HP_ELF_TRUNCATED);
        }
        if (section.type == HP_SHT_SYMTAB_SHNDX) {
            status = open_shndx(elf, &section, diag);
        } else if (section.type == HP_SHT_REL || section.type == HP_SHT_RELA) {
            status = check_reloc_section(elf, &section, &total, diag);
        }
        if (status) {
            return status;
        }
    }
    return HP_OK;
}

/* All of the view but the limits of the profile. */
static enum hp_status open_view(struct hp_elf *elf, const struct hp_profile *profile,
                                struct hp_diag *diag)
{
    enum hp_status status;

    status = open_header(elf, diag);
    if (status) {
        return status;
    }
    status = open_section_names(elf, diag);
    if (status) {
        return status;
    }
    status = open_sections(elf, profile, diag);
    if (status) {
        return status;
    }
    status = open_symbols(elf, diag);
    if (status) {
        return status;
    }
    status = open_links(elf, diag);
    if (status) {
        return status;
    }
    return hp_elf_special_check(elf, diag);
}

/* Refuses the forms that the gABI has for files of very many sections. */
static enum hp_status check_plain_numbers(const struct hp_elf *elf, struct hp_diag *diag)
{
    const uint8_t *count = hp_elf_at(elf->file, elf->is64 ? 60 : 48, 4); /* e_shnum, e_shstrndx */

    if (!count || hp_le16(count) == 0) {
        return fail(diag, HP_ELF_NO_SECTIONS);
    }
    if (hp_le16(count + 2) == HP_SHN_XINDEX) {
        return fail(diag, HP_ELF_SHSTRNDX);
    }
    return elf->shndx.size != 0 ? fail(diag, HP_SYMTAB_SHNDX) : HP_OK;
}

enum hp_status hp_elf_open_whole(struct hp_elf *elf, struct hp_span file,
                                 const struct hp_profile *profile, struct hp_diag *diag)
{
    struct hp_elf_table table;
    enum hp_status status;

    memset(elf, 0, sizeof(*elf));
    status = hp_elf_table_find(file, &table, diag);
    if (status) {
        return status;
    }
    if (table.shnum > profile->sections_max) {
        hp_note_limit(diag, profile, hp_profile_default.sections_max, table.shnum);
        return hp_fail_numbers(diag, HP_STAGE_ELF, HP_ELF_TOO_MANY_SECTIONS, profile->sections_max,
                               table.shnum);
    }
    elf->file = file;
    elf->shstr.data = file.data + file.size; /* no names as yet */
    elf->is64 = table.is64;
    elf->shoff = table.shoff;
    elf->shnum = table.shnum;
    elf->shentsize = table.shentsize;
    status = open_view(elf, profile, diag);
    if (status == HP_OK && profile->no_extended_numbers) {
        status = check_plain_numbers(elf, diag);
        if (status) {
            hp_note_profile(diag, profile->name);
        }
    }
    if (status) {
        memset(elf, 0, sizeof(*elf));
    }
    return status;
}

enum hp_status hp_elf_open(struct hp_elf *elf, const void *data, size_t size,
                           const struct hp_profile *profile, struct hp_diag *diag)
{
    const struct hp_profile *limits = profile ? profile : &hp_profile_default;
    const struct hp_span file = {data, data ? size : 0};
    size_t extent;
    enum hp_status status;

    memset(elf, 0, sizeof(*elf));
    if (file.size > limits->file_max) {
        hp_note_limit(diag, limits, hp_profile_default.file_max, file.size);
        return hp_fail_numbers(diag, HP_STAGE_ELF, HP_FILE_TOO_LARGE, limits->file_max, file.size);
    }
    status = hp_elf_extent(data, size, &extent, diag);
    if (status) {
        return status;
    }
    if (extent < size) {
        hp_note_offset(diag, extent);
        return fail(diag, HP_TRAILING_BYTES);
    }
    return hp_elf_open_whole(elf, file, limits, diag);
}
