/* SPDX-License-Identifier: BSD-2-Clause */
/* One relocation section to apply, as an architecture's relocation loop sees it. */
#ifndef HP_RELOC_JOB_H
#define HP_RELOC_JOB_H

#include "base/span.h"
#include "elf/view.h"
#include "reloc/loading.h"

struct hp_reloc_job {
    const uint8_t *entries; /* `count` entries of `stride` bytes, inside the payload file */
    uint32_t count;
    uint32_t stride;
    uint8_t *host; /* the section to relocate, where it can be written */
    uint64_t addr; /* and where the target sees it */
    uint64_t got;  /* address of the GOT */
    const struct hp_symbol_value *symbols;
    uint32_t undecided; /* counts relocations that were not computed */
    uint32_t current;   /* index of the entry being applied; names it when the loop fails */
};

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

#endif
