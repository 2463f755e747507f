/* SPDX-License-Identifier: BSD-2-Clause */
/* One relocation section to apply, as an architecture's relocation loop sees it, and what the loops
 * have in common. */
#ifndef HP_RELOC_JOB_H
#define HP_RELOC_JOB_H

#include <string.h>

#include "base/diag.h"
#include "base/span.h"
#include "elf/view.h"
#include "reloc/loading.h"

struct hp_reloc_job {
    const struct hp_arch *arch;
    const struct hp_profile *profile;
    const uint8_t *entries; /* `count` entries of `stride` bytes, inside the payload file */
    uint32_t count;
    uint32_t stride;
    bool is64; /* form of the entries */
    bool is_rela;
    uint32_t symbol_count; /* of the payload, the null symbol included */
    uint64_t size;         /* bytes of the section to relocate */

    /* ---- what the relocation loop needs in addition */

    uint32_t flags;   /* HP_TARGET_* */
    uint8_t *host;    /* the section, where it can be written */
    uint64_t addr;    /* and where the target sees it */
    uint64_t got;     /* address of the GOT; 0: there is none */
    uint8_t *veneers; /* the image's veneers, zero where not used yet, and where they are seen */
    uint64_t veneers_at;
    const uint32_t *veneer_of; /* by symbol: number of its veneer, or HP_NO_INDEX */
    uint32_t pair_count;       /* of them, in use */
    uint32_t *pairs;           /* with hp_arch.pairs_relocs: room for `count` numbers */
    struct hp_symbol_values symbols;
    uint32_t undecided; /* counts relocations that were not computed */
    uint32_t current;   /* index of the entry being applied; names it when the loop fails */
};

/*
 * Describes a relocation section to the checks. What the loop needs in addition stays as it is: to
 * clear it all would cost more than a small section's entries do.
 */
static inline void hp_reloc_job_open(struct hp_reloc_job *job, const struct hp_loading *loading,
                                     const struct hp_section *relocs,
                                     const struct hp_section *target)
{
    const struct hp_span entries = hp_elf_bytes(loading->elf, relocs);

    job->arch = loading->payload->arch;
    job->profile = loading->payload->profile;
    job->entries = entries.data;
    job->is64 = loading->elf->is64;
    job->is_rela = relocs->type == HP_SHT_RELA;
    job->stride = hp_elf_reloc_size(job->is64, relocs->type);
    job->count = (uint32_t)(entries.size / job->stride); /* 32 bits are a file's limit */
    job->symbol_count = loading->elf->symbol_count;
    job->size = target->size;
}

/* Decodes an Elf64_Rela. */
static inline struct hp_reloc hp_rela64(const uint8_t *p)
{
    struct hp_reloc reloc;

    reloc.offset = hp_le64(p);
    reloc.type = hp_le32(p + 8);
    reloc.symbol = hp_le32(p + 12);
    reloc.addend = (int64_t)hp_le64(p + 16);
    return reloc;
}

/* Decodes an entry of any form; the loops that matter for speed know theirs. */
static inline struct hp_reloc hp_reloc_decode(bool is64, bool is_rela, const uint8_t *p)
{
    struct hp_reloc reloc;
    uint32_t info;

    if (is64 && is_rela) {
        return hp_rela64(p);
    }
    reloc.addend = 0;
    if (is64) {
        reloc.offset = hp_le64(p);
        reloc.type = hp_le32(p + 8);
        reloc.symbol = hp_le32(p + 12);
        return reloc;
    }
    reloc.offset = hp_le32(p);
    info = hp_le32(p + 4);
    reloc.type = info & 0xff;
    reloc.symbol = info >> 8;
    if (is_rela) {
        reloc.addend = (int32_t)hp_le32(p + 8);
    }
    return reloc;
}

/*
 * Checks one entry as far as it can be done before any address is known: type, symbol index, place
 * (scan.c). Returns HP_OK, HP_RELOC_TYPE, HP_THUMB_CODE, HP_RELOC_SYMBOL_INDEX,
 * HP_RELOC_SYMBOL_ZERO or HP_RELOC_OFFSET.
 */
HP_MUST_USE enum hp_status hp_reloc_check_entry(const struct hp_reloc_job *job,
                                                const struct hp_reloc *reloc, struct hp_diag *diag);

/* Whether the profile takes a relocation type (scan.c). */
bool hp_reloc_is_taken(const struct hp_profile *profile, uint32_t type);

/* True for an entry that hp_reloc_check_entry() would pass, though not for every such. */
static inline bool hp_reloc_is_plain(const struct hp_reloc_job *job, const struct hp_reloc *reloc)
{
    return reloc->type < job->arch->howto_count &&
           (job->arch->howtos[reloc->type].flags & HP_HOWTO_KNOWN) != 0 &&
           job->profile->reloc_types == NULL && reloc->symbol != 0 &&
           reloc->symbol < job->symbol_count && job->size >= HP_HOWTO_WIDTH_MAX &&
           reloc->offset <= job->size - HP_HOWTO_WIDTH_MAX;
}

/* Inclusive bounds of a field's value; values are compared as signed 64-bit numbers. */
static inline bool hp_reloc_fits(uint64_t value, int64_t low, int64_t high)
{
    return (int64_t)value >= low && (int64_t)value <= high;
}

/* A value that leaves its field: names the bound that it passed. */
static inline enum hp_status hp_reloc_overflow(struct hp_diag *diag, uint64_t value, int64_t low,
                                               int64_t high)
{
    uint64_t bound = (uint64_t)((int64_t)value < low ? low : high);

    return hp_fail_numbers(diag, HP_STAGE_RELOC, HP_RELOC_OVERFLOW, bound, value);
}

/* A value that must be a signed number of `bits` bits and a multiple of `align`. */
static inline enum hp_status hp_reloc_check(struct hp_diag *diag, uint64_t value, unsigned bits,
                                            uint32_t align)
{
    int64_t limit = (int64_t)(UINT64_C(1) << (bits - 1));

    if (!hp_reloc_fits(value, -limit, limit - 1)) {
        return hp_reloc_overflow(diag, value, -limit, limit - (int64_t)align);
    }
    if ((value & (align - 1)) != 0) {
        return hp_fail_numbers(diag, HP_STAGE_RELOC, HP_RELOC_ALIGN, align, value);
    }
    return HP_OK;
}

/* A symbol, whose index has been checked. */
static inline struct hp_symbol_value hp_reloc_symbol(const struct hp_reloc_job *job, uint32_t index)
{
    const struct hp_symbol_value symbol = {job->symbols.values[index],
                                           job->got != 0 ? job->symbols.gots[index] : HP_NO_INDEX,
                                           job->symbols.states[index]};

    return symbol;
}

/* Applies one entry to its place; the symbol's value is known, where the type looks at it. */
typedef enum hp_status hp_reloc_apply_one(struct hp_reloc_job *job, const struct hp_reloc *reloc,
                                          const struct hp_symbol_value *symbol,
                                          struct hp_diag *diag);

/* Checks entry `n` and applies it by `apply`, which the compiler inlines where that pays. */
static inline enum hp_status hp_reloc_entry(struct hp_reloc_job *job, uint32_t n,
                                            const struct hp_howto *howtos,
                                            hp_reloc_apply_one *apply, struct hp_diag *diag)
{
    const struct hp_reloc reloc =
        hp_reloc_decode(job->is64, job->is_rela, job->entries + (size_t)n * job->stride);
    struct hp_symbol_value symbol;
    struct hp_howto howto;

    job->current = n;
    if (!hp_reloc_is_plain(job, &reloc)) {
        enum hp_status status = hp_reloc_check_entry(job, &reloc, diag);

        if (status) {
            return status;
        }
    }
    symbol = hp_reloc_symbol(job, reloc.symbol);
    howto = howtos[reloc.type];
    if (symbol.state == HP_VALUE_KNOWN || (howto.flags & HP_HOWTO_NO_SYMBOL) != 0) {
        return apply(job, &reloc, &symbol, diag);
    }
    if (symbol.state == HP_VALUE_NONE) {
        return hp_fail(diag, HP_STAGE_RELOC, HP_SYMBOL_NOT_LOADED);
    }
    memset(job->host + reloc.offset, HP_UNDECIDED_BYTE, howto.width);
    job->undecided++;
    return HP_OK;
}

/* The loop of an architecture: all entries. */
static inline enum hp_status hp_reloc_each(struct hp_reloc_job *job, const struct hp_howto *howtos,
                                           hp_reloc_apply_one *apply, struct hp_diag *diag)
{
    enum hp_status status = HP_OK;
    uint32_t n;

    for (n = 0; status == HP_OK && n < job->count; n++) {
        status = hp_reloc_entry(job, n, howtos, apply, diag);
    }
    return status;
}

#endif
