/* SPDX-License-Identifier: BSD-2-Clause */
/* First pass over the payload: counts, checks of every relocation, GOT slots, veneers. */
#include <string.h>

#include "base/config.h"
#include "reloc/job.h"
#include "reloc/loading.h"

/* Counts the symbols that will be indexed, at most, and checks all of them on the way. */
HP_HOT static enum hp_status count_symbols(struct hp_loading *loading)
{
    const struct hp_plain_symbols plain_symbols = hp_elf_plain_symbols(loading->elf);
    const bool locals = loading->payload->profile->locals_must_be_new;
    const uint32_t count = loading->elf->symbol_count;
    uint32_t first_export = 0;
    uint32_t last_export = 0;
    uint32_t exports = 0;
    uint32_t text = 0;
    uint32_t n;

    for (n = 1; n < count; n++) {
        struct hp_symbol plain; /* of its own: its address goes nowhere, so it takes no memory */
        struct hp_symbol symbol;
        bool may_be_export;

        if (hp_elf_plain_symbol(&plain_symbols, n, &plain)) {
            may_be_export = hp_symbol_may_be_export(&plain, locals);
            text += plain.place == HP_PLACE_SECTION && hp_symbol_may_be_code(&plain) ? 1 : 0;
        } else {
            enum hp_status status = hp_elf_symbol(loading->elf, n, &symbol, loading->diag);

            if (status) {
                return status;
            }
            may_be_export = hp_symbol_may_be_export(&symbol, locals);
            text += symbol.place == HP_PLACE_SECTION && hp_symbol_may_be_code(&symbol) ? 1 : 0;
        }
        if (may_be_export) {
            first_export = exports == 0 ? n : first_export;
            last_export = n;
            exports++;
        }
    }
    loading->first_export = first_export;
    loading->last_export = last_export;
    loading->exports = exports;
    loading->text_symbols = text;
    return HP_OK;
}

enum hp_status hp_loading_measure(struct hp_loading *loading)
{
    const struct hp_elf *elf = loading->elf;
    uint32_t n;

    for (n = 1; n < elf->shnum; n++) {
        struct hp_section section;
        enum hp_status status = hp_elf_header(elf, n, &section);
        uint32_t relocs;

        if (status) {
            return status;
        }
        loading->loaded_sections += hp_section_is_loaded(&section) ? 1 : 0;
        relocs = hp_elf_reloc_count(elf, &section);
        loading->relocs_max = relocs > loading->relocs_max ? relocs : loading->relocs_max;
    }
    return count_symbols(loading);
}

static bool profile_takes_reloc(const struct hp_profile *profile, uint32_t type)
{
    uint32_t n;

    if (profile->reloc_types == NULL) {
        return true;
    }
    for (n = 0; n < profile->reloc_type_count; n++) {
        if (profile->reloc_types[n] == type) {
            return true;
        }
    }
    return false;
}

/*
 * Reserves a veneer for a branch. One for each symbol is enough: compilers branch to a symbol
 * itself. Those of the payload are not out of reach: images are smaller than any branch's range.
 */
static enum hp_status reserve_veneer(struct hp_loading *loading, uint32_t index)
{
    uint32_t *veneer = &loading->veneers[index];
    struct hp_symbol symbol;
    enum hp_status status;

    if (*veneer != HP_NO_INDEX) {
        return HP_OK;
    }
    status = hp_elf_symbol(loading->elf, index, &symbol, loading->diag);
    if (status == HP_OK && symbol.place != HP_PLACE_SECTION) {
        *veneer = loading->payload->image.veneer_count;
        loading->payload->image.veneer_count++;
    }
    return status;
}

/*
 * Gives a symbol a slot of the GOT. The symbols' slots are not set before the first one is given:
 * few payloads have any.
 */
static void reserve_got(struct hp_loading *loading, uint32_t index, uint32_t *got_count)
{
    struct hp_symbol_value *symbols = loading->symbols;
    uint32_t n;

    for (n = 0; *got_count == 0 && n < loading->elf->symbol_count; n++) {
        symbols[n].got = HP_NO_INDEX;
    }
    if (symbols[index].got == HP_NO_INDEX) {
        symbols[index].got = *got_count;
        (*got_count)++;
    }
}

/* Checks one entry as far as it can be done before any address is known. */
static enum hp_status scan_entry(struct hp_loading *loading, const struct hp_reloc *reloc,
                                 uint64_t size, uint32_t *got_count)
{
    const struct hp_arch *arch = loading->payload->arch;
    struct hp_diag *diag = loading->diag;
    struct hp_howto howto = {0, 0};

    if (reloc->type < arch->howto_count) {
        howto = arch->howtos[reloc->type];
    }
    if ((howto.flags & HP_HOWTO_KNOWN) == 0) {
        return hp_fail(diag, HP_STAGE_RELOC,
                       (howto.flags & HP_HOWTO_THUMB) != 0 ? HP_THUMB_CODE : HP_RELOC_TYPE);
    }
    if (!profile_takes_reloc(loading->payload->profile, reloc->type)) {
        enum hp_status status = hp_fail(diag, HP_STAGE_RELOC, HP_RELOC_TYPE);

        hp_note_profile(diag, loading->payload->profile->name);
        return status;
    }
    if (reloc->symbol >= loading->elf->symbol_count) {
        return hp_fail_numbers(diag, HP_STAGE_RELOC, HP_RELOC_SYMBOL_INDEX,
                               loading->elf->symbol_count - 1u, reloc->symbol);
    }
    if (reloc->symbol == 0 && ((howto.flags & HP_HOWTO_NO_SYMBOL) == 0 ||
                               loading->payload->profile->relocs_need_symbol)) {
        if ((howto.flags & HP_HOWTO_NO_SYMBOL) != 0) {
            hp_note_profile(diag, loading->payload->profile->name);
        }
        return hp_fail(diag, HP_STAGE_RELOC, HP_RELOC_SYMBOL_ZERO);
    }
    if (!hp_range_fits(size, reloc->offset, howto.width)) {
        return hp_fail_numbers(diag, HP_STAGE_RELOC, HP_RELOC_OFFSET, size, reloc->offset);
    }
    if ((howto.flags & HP_HOWTO_GOT) != 0) {
        reserve_got(loading, reloc->symbol, got_count);
    }
    return (howto.flags & HP_HOWTO_BRANCH) != 0 ? reserve_veneer(loading, reloc->symbol) : HP_OK;
}

/* Sections whose bytes were used before relocation, or are read as plain bytes for ever. */
static bool must_not_be_relocated(const struct hp_elf *elf, uint32_t section)
{
    return section == elf->special[HP_SPECIAL_BUILD_ID] ||
           section == elf->special[HP_SPECIAL_DEPENDS] ||
           section == elf->special[HP_SPECIAL_XEN_DEPENDS] ||
           section == elf->special[HP_SPECIAL_MODINFO];
}

/* The scan of all relocation sections, and the one under scrutiny. */
struct scan {
    uint32_t got_count; /* slots so far */
    uint32_t first;     /* the plain types: those that need nothing but the checks, by bits, */
    uint64_t is_plain;  /* the lowest is that of `first` */
    const uint8_t *entries;
    uint32_t count;
    uint32_t stride;
    bool is_rela;
    uint32_t symbol_count;
    uint64_t size; /* of the section to relocate */
};

#define PLAIN_MAX                                                                                  \
    64u /* types that `is_plain` has room for; no ABI's useful ones are farther apart */

static void find_plain_types(const struct hp_loading *loading, struct scan *scan)
{
    const struct hp_arch *arch = loading->payload->arch;
    uint32_t n;

    for (n = 0; n < arch->howto_count; n++) {
        if (arch->howtos[n].flags != HP_HOWTO_KNOWN ||
            !profile_takes_reloc(loading->payload->profile, n)) {
            continue;
        }
        if (scan->is_plain == 0) {
            scan->first = n;
        }
        if (n - scan->first < PLAIN_MAX) {
            scan->is_plain |= UINT64_C(1) << (n - scan->first);
        }
    }
}

/*
 * Index of the first entry from `n` on that scan_entry() has to look at; all before it would pass,
 * with nothing to do for them. Such are nearly all entries of a payload, so the loop is kept to
 * what can stay in registers: places are checked for the widest field, so that entries at a
 * section's end are left to scan_entry().
 */
HP_HOT static uint32_t next_entry(const struct hp_loading *loading, const struct scan *scan,
                                  uint32_t n)
{
    const uint32_t first = scan->first;
    const uint64_t is_plain = scan->is_plain;
    const uint32_t symbol_max = scan->symbol_count - 1;
    const uint64_t offset_max = scan->size - HP_HOWTO_WIDTH_MAX;
    const uint8_t *const end = scan->entries + (size_t)scan->count * HP_RELA64_SIZE;
    const uint8_t *entry = scan->entries + (size_t)n * HP_RELA64_SIZE;

    if (!loading->elf->is64 || !scan->is_rela || scan->size < HP_HOWTO_WIDTH_MAX) {
        return n;
    }
    for (; entry < end; entry += HP_RELA64_SIZE) {
        const struct hp_reloc reloc = hp_rela64(entry);
        const uint32_t type = reloc.type - first;

        /* Symbol 0 becomes the largest number of all. */
        if (type >= PLAIN_MAX || (is_plain >> type & 1) == 0 || reloc.symbol - 1 >= symbol_max ||
            reloc.offset > offset_max) {
            break;
        }
    }
    return (uint32_t)((size_t)(entry - scan->entries) / HP_RELA64_SIZE);
}

static enum hp_status scan_section(struct hp_loading *loading, struct scan *scan,
                                   const struct hp_section *relocs, const struct hp_section *target)
{
    const struct hp_arch *arch = loading->payload->arch;
    const bool is64 = loading->elf->is64;
    uint32_t n;

    scan->entries = hp_elf_contents(loading->elf, relocs).data;
    scan->count = hp_elf_reloc_count(loading->elf, relocs);
    scan->stride = hp_elf_reloc_size(is64, relocs->type);
    scan->is_rela = relocs->type == HP_SHT_RELA;
    scan->size = target->size;
    if (scan->count == 0) {
        return HP_OK;
    }
    if (scan->is_rela ? !arch->uses_rela : !arch->uses_rel) {
        return hp_fail(loading->diag, HP_STAGE_RELOC, HP_RELOC_FORM);
    }
    if (target->type == HP_SHT_NOBITS || must_not_be_relocated(loading->elf, target->index)) {
        return hp_fail(loading->diag, HP_STAGE_RELOC, HP_RELOC_TARGET);
    }
    for (n = next_entry(loading, scan, 0); n < scan->count; n = next_entry(loading, scan, n + 1)) {
        struct hp_reloc reloc =
            hp_reloc_decode(is64, scan->is_rela, scan->entries + (size_t)n * scan->stride);
        enum hp_status status = scan_entry(loading, &reloc, target->size, &scan->got_count);

        if (status) {
            hp_note_relocation(loading->diag, loading->elf->machine, n, reloc.type);
            hp_note_offset(loading->diag, reloc.offset);
            hp_loading_note_symbol(loading, reloc.symbol);
            return status;
        }
    }
    return HP_OK;
}

enum hp_status hp_reloc_scan(struct hp_loading *loading)
{
    const struct hp_elf *elf = loading->elf;
    struct scan scan = {.symbol_count = elf->symbol_count};
    uint32_t n;

    if (loading->veneers != NULL) {
        memset(loading->veneers, 0xff, elf->symbol_count * sizeof(*loading->veneers));
    }
    find_plain_types(loading, &scan);
    for (n = 1; n < elf->shnum; n++) {
        struct hp_section relocs;
        struct hp_section target;
        enum hp_status status;

        if (!hp_loading_is_relocs(loading, n)) {
            continue;
        }
        status = hp_loading_relocs_at(loading, n, &relocs, &target);
        if (status == HP_OK && relocs.type != HP_SHT_NULL) {
            status = scan_section(loading, &scan, &relocs, &target);
        }
        if (status) {
            hp_note_section(loading->diag, n, relocs.name);
            return status;
        }
    }
    loading->payload->image.got_count = scan.got_count;
    return HP_OK;
}

enum hp_status hp_loading_relocs_at(const struct hp_loading *loading, uint32_t index,
                                    struct hp_section *relocs, struct hp_section *target)
{
    struct hp_section section;
    enum hp_status status = hp_elf_header(loading->elf, index, &section);

    relocs->name = NULL;
    relocs->type = HP_SHT_NULL;
    if (status || (section.type != HP_SHT_REL && section.type != HP_SHT_RELA)) {
        return status;
    }
    status = hp_elf_header(loading->elf, section.info, target);
    if (status == HP_OK && hp_section_is_loaded(target)) {
        *relocs = section;
    }
    return status;
}

void hp_loading_note_symbol(const struct hp_loading *loading, uint32_t index)
{
    struct hp_symbol symbol;
    struct hp_section section;

    if (index == 0 || hp_elf_symbol(loading->elf, index, &symbol, NULL) != HP_OK) {
        return;
    }
    if (symbol.type == HP_STT_SECTION && symbol.place == HP_PLACE_SECTION &&
        hp_elf_section(loading->elf, symbol.section, &section) == HP_OK) {
        symbol.name = section.name; /* a section symbol goes by its section's name */
    }
    hp_note_symbol(loading->diag, index, symbol.name,
                   hp_string_length(symbol.name, HP_DIAG_NAME_MAX));
}
