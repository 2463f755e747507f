/* SPDX-License-Identifier: BSD-2-Clause */
/* What the layout depends on: counts, and which symbols need a GOT slot or a veneer. */
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

/* Finds how many entries the largest relocation section has. */
static enum hp_status measure_relocs(struct hp_loading *loading)
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
        relocs = hp_elf_reloc_count(elf, &section);
        loading->relocs_max = relocs > loading->relocs_max ? relocs : loading->relocs_max;
    }
    return HP_OK;
}

enum hp_status hp_loading_measure(struct hp_loading *loading)
{
    enum hp_status status = HP_OK;

    if (loading->payload->arch->pairs_relocs) {
        status = measure_relocs(loading);
    }
    return status == HP_OK ? count_symbols(loading) : status;
}

enum hp_status hp_loading_decode_sections(struct hp_loading *loading)
{
    const uint32_t count = loading->elf->shnum;
    enum hp_status status = HP_OK;
    uint32_t n;

    for (n = 0; status == HP_OK && n < count; n++) {
        status = hp_elf_header(loading->elf, n, &loading->sections[n]);
    }
    return status;
}

bool hp_reloc_is_taken(const struct hp_profile *profile, uint32_t type)
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

enum hp_status hp_reloc_check_entry(const struct hp_reloc_job *job, const struct hp_reloc *reloc,
                                    struct hp_diag *diag)
{
    struct hp_howto howto = {0, 0};

    if (reloc->type < job->arch->howto_count) {
        howto = job->arch->howtos[reloc->type];
    }
    if ((howto.flags & HP_HOWTO_KNOWN) == 0) {
        return hp_fail(diag, HP_STAGE_RELOC,
                       (howto.flags & HP_HOWTO_THUMB) != 0 ? HP_THUMB_CODE : HP_RELOC_TYPE);
    }
    if (!hp_reloc_is_taken(job->profile, reloc->type)) {
        hp_note_profile(diag, job->profile->name);
        return hp_fail(diag, HP_STAGE_RELOC, HP_RELOC_TYPE);
    }
    if (reloc->symbol >= job->symbol_count) {
        return hp_fail_numbers(diag, HP_STAGE_RELOC, HP_RELOC_SYMBOL_INDEX, job->symbol_count - 1u,
                               reloc->symbol);
    }
    if (reloc->symbol == 0 &&
        ((howto.flags & HP_HOWTO_NO_SYMBOL) == 0 || job->profile->relocs_need_symbol)) {
        if ((howto.flags & HP_HOWTO_NO_SYMBOL) != 0) {
            hp_note_profile(diag, job->profile->name);
        }
        return hp_fail(diag, HP_STAGE_RELOC, HP_RELOC_SYMBOL_ZERO);
    }
    if (!hp_range_fits(job->size, reloc->offset, howto.width)) {
        return hp_fail_numbers(diag, HP_STAGE_RELOC, HP_RELOC_OFFSET, job->size, reloc->offset);
    }
    return HP_OK;
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

/* Gives a symbol a slot of the GOT. No slots are set before the first one is given: few payloads
 * have any. */
static void reserve_got(struct hp_loading *loading, uint32_t index)
{
    uint32_t *const gots = loading->symbols.gots;
    uint32_t *got_count = &loading->payload->image.got_count;

    if (*got_count == 0) {
        memset(gots, 0xff, loading->elf->symbol_count * sizeof(*gots)); /* HP_NO_INDEX */
    }
    if (gots[index] == HP_NO_INDEX) {
        gots[index] = *got_count;
        (*got_count)++;
    }
}

/* Reserves what an entry needs, which has to be sound for that. */
static enum hp_status reserve(struct hp_loading *loading, const struct hp_reloc_job *job,
                              const struct hp_reloc *reloc)
{
    enum hp_status status = hp_reloc_check_entry(job, reloc, loading->diag);
    uint8_t flags;

    if (status) {
        return status;
    }
    flags = job->arch->howtos[reloc->type].flags;
    if ((flags & HP_HOWTO_GOT) != 0) {
        reserve_got(loading, reloc->symbol);
    }
    if ((flags & HP_HOWTO_BRANCH) != 0 && loading->veneers != NULL) {
        status = reserve_veneer(loading, reloc->symbol);
    }
    return status;
}

/* Sections whose bytes were used before relocation, or are read as plain bytes for ever. */
static bool must_not_be_relocated(const struct hp_elf *elf, uint32_t section)
{
    return section == elf->special[HP_SPECIAL_BUILD_ID] ||
           section == elf->special[HP_SPECIAL_DEPENDS] ||
           section == elf->special[HP_SPECIAL_XEN_DEPENDS] ||
           section == elf->special[HP_SPECIAL_MODINFO];
}

/*
 * Index of the first entry from `n` on that may have something to reserve. Few have, and the loop
 * sees all of them, so it looks at the type alone, and at no more of that than a bit.
 */
HP_HOT static uint32_t next_early(const struct hp_reloc_job *job, uint32_t n)
{
    const uint64_t early = job->arch->early_relocs;
    const size_t stride = job->stride;
    const size_t group = 4 * stride;
    const uint8_t *const types = job->entries + (job->is64 ? 8 : 4);
    const uint8_t *const end = types + (size_t)job->count * stride;
    const uint8_t *type = types + (size_t)n * stride;

    /* Four at a time, which is what makes it cheap. */
    for (; (size_t)(end - type) >= group; type += group) {
        if (((early >> (type[0] & 63) | early >> (type[stride] & 63) |
              early >> (type[2 * stride] & 63) | early >> (type[3 * stride] & 63)) &
             1) != 0) {
            break;
        }
    }
    while (type < end && (early >> (*type & 63) & 1) == 0) {
        type += stride;
    }
    return (uint32_t)((size_t)(type - types) / stride);
}

static enum hp_status scan_section(struct hp_loading *loading, const struct hp_section *relocs,
                                   const struct hp_section *target)
{
    struct hp_reloc_job job;
    uint32_t n;

    hp_reloc_job_open(&job, loading, relocs, target);
    if (job.count == 0) {
        return HP_OK;
    }
    if (job.is_rela ? !job.arch->uses_rela : !job.arch->uses_rel) {
        return hp_fail(loading->diag, HP_STAGE_RELOC, HP_RELOC_FORM);
    }
    if (target->type == HP_SHT_NOBITS || must_not_be_relocated(loading->elf, target->index)) {
        return hp_fail(loading->diag, HP_STAGE_RELOC, HP_RELOC_TARGET);
    }
    for (n = next_early(&job, 0); n < job.count; n = next_early(&job, n + 1)) {
        const struct hp_reloc reloc =
            hp_reloc_decode(job.is64, job.is_rela, job.entries + (size_t)n * job.stride);
        enum hp_status status = reserve(loading, &job, &reloc);

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
    uint32_t n;

    if (loading->veneers != NULL) {
        memset(loading->veneers, 0xff, elf->symbol_count * sizeof(*loading->veneers));
    }
    for (n = 1; n < elf->shnum; n++) {
        const struct hp_section *relocs = &loading->sections[n];
        const struct hp_section *target = hp_loading_target(loading, relocs);
        enum hp_status status;

        if (target == NULL) {
            continue;
        }
        status = scan_section(loading, relocs, target);
        if (status) {
            hp_note_section(loading->diag, n, relocs->name);
            return status;
        }
    }
    return HP_OK;
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
