/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The state of one load, passed along the stages, and the stages that make the relocated image.
 *
 * Each stage reads what the ones before it made and adds a value of its own. All tables lie in the
 * payload's one work area; those marked scratch are not used after the load.
 */
#ifndef HP_RELOC_LOADING_H
#define HP_RELOC_LOADING_H

#include <hotpatch/load.h>

#include "arch/arch.h"
#include "base/diag.h"
#include "base/span.h"
#include "elf/view.h"

enum {
    HP_VALUE_NONE, /* in a section that is not loaded: must not be referred to */
    HP_VALUE_KNOWN,
    HP_VALUE_UNDECIDED /* offline: no target to ask */
};

/* A symbol of the payload, resolved. */
struct hp_symbol_value {
    uint64_t value;
    uint32_t got; /* its GOT slot; HP_NO_INDEX when it has none */
    uint8_t state;
};

/*
 * All of them, by symbol index: each field by itself, since loops over relocations and symbols go
 * by the speed of memory. The slots are set only where there is a GOT.
 */
struct hp_symbol_values {
    uint64_t *values;
    uint8_t *states;
    uint32_t *gots;
};

/* Where the field of an undecided relocation would be, all bits are set: no address looks so. */
#define HP_UNDECIDED_BYTE 0xff

struct hp_loading {
    const struct hp_elf *elf;
    const struct hp_load_options *options;
    struct hp_payload *payload;
    struct hp_target target;
    struct hp_diag *diag;
    uint32_t relocs_max;   /* with hp_arch.pairs_relocs: entries of the largest section of them */
    uint32_t exports;      /* symbols that other payloads may be able to refer to */
    uint32_t first_export; /* index of the first of them */
    uint32_t last_export;  /* and of the last */
    uint32_t text_symbols; /* symbols that may be functions of the text, no fewer than are */
    struct hp_section *sections; /* scratch: every section header, decoded once */
    uint32_t *section_place;     /* scratch: section index -> index in image.sections */
    struct hp_placed_section *places;
    struct hp_symbol_values symbols; /* scratch */
    uint32_t *veneers;   /* scratch: by symbol index, its veneer or HP_NO_INDEX; NULL: no veneers */
    uint32_t *pairs;     /* scratch: hp_reloc_job.pairs; NULL when they are not needed */
    uint64_t *new_addrs; /* scratch: where new functions are, sorted */
    uint32_t new_addr_count;
    /* where hp_loading_section_at() was last, in text and elsewhere; NULL: nowhere yet */
    const struct hp_placed_section *recent[2];
    char *names; /* room for the string table; payload->names once it is copied there */
};

/* True for a section that becomes part of the image. */
static inline bool hp_section_is_loaded(const struct hp_section *section)
{
    return section->type != HP_SHT_NULL && (section->flags & HP_SHF_ALLOC) != 0;
}

/* The placed section of a section index; NULL when it is not loaded. */
static inline const struct hp_placed_section *hp_loading_place(const struct hp_loading *loading,
                                                               uint32_t section)
{
    uint32_t place = loading->section_place[section];

    return place == HP_NO_INDEX ? NULL : &loading->places[place];
}

/*
 * hp_image_section_at() for one address after another: most lie in the section of the one before.
 * `in_text` says where it is expected.
 */
static inline const struct hp_placed_section *hp_loading_section_at(struct hp_loading *loading,
                                                                    uint64_t addr, bool in_text)
{
    const struct hp_image *image = &loading->payload->image;
    const struct hp_placed_section **recent = &loading->recent[in_text ? 1 : 0];

    if (*recent == NULL || addr - image->memory.addr - (*recent)->offset >= (*recent)->size) {
        *recent = hp_image_section_at(image, addr);
    }
    return *recent;
}

/* Loads and stores a target word in the image. */
static inline uint64_t hp_load_word(const struct hp_arch *arch, const uint8_t *p)
{
    return arch->word == 8 ? hp_le64(p) : hp_le32(p);
}

static inline void hp_store_word(const struct hp_arch *arch, uint8_t *p, uint64_t value)
{
    if (arch->word == 8) {
        hp_put_le64(p, value);
    } else {
        hp_put_le32(p, (uint32_t)value);
    }
}

/* A target word with all bits set. */
static inline uint64_t hp_undecided_word(const struct hp_arch *arch)
{
    return arch->word == 8 ? UINT64_MAX : UINT32_MAX;
}

/* Length of a symbol's name, looking at no more than `max` bytes. */
static inline size_t hp_loading_name_length(const struct hp_loading *loading,
                                            const struct hp_symbol *symbol, size_t max)
{
    const struct hp_span *strings = &loading->elf->strings;
    size_t room = strings->size - (size_t)((const uint8_t *)symbol->name - strings->data);

    return hp_block_length(symbol->name, room < max ? room : max);
}

/*
 * True for a symbol that other payloads could refer to, or that the profile wants to be new
 * (`locals`: whether it minds local ones), as far as that can be told without a look at its name.
 */
static inline bool hp_symbol_may_be_export(const struct hp_symbol *symbol, bool locals)
{
    if (symbol->bind == HP_STB_LOCAL && !locals) {
        return false;
    }
    if (symbol->place != HP_PLACE_SECTION &&
        (symbol->place != HP_PLACE_ABSOLUTE || symbol->bind == HP_STB_LOCAL)) {
        return false;
    }
    return symbol->type != HP_STT_SECTION && symbol->type != HP_STT_FILE;
}

/* True for a symbol that may be a function, if it is one of the text. */
static inline bool hp_symbol_may_be_code(const struct hp_symbol *symbol)
{
    return symbol->type == HP_STT_FUNC || symbol->type == HP_STT_NOTYPE;
}

/* The section that a relocation section relocates, when it is loaded; NULL for anything else. */
static inline const struct hp_section *hp_loading_target(const struct hp_loading *loading,
                                                         const struct hp_section *relocs)
{
    const struct hp_section *target;

    if ((relocs->type != HP_SHT_REL && relocs->type != HP_SHT_RELA) ||
        relocs->info >= loading->elf->shnum) {
        return NULL;
    }
    target = &loading->sections[relocs->info];
    return hp_section_is_loaded(target) ? target : NULL;
}

/* Names a symbol of the payload in the diagnostics; a section symbol by its section. */
void hp_loading_note_symbol(const struct hp_loading *loading, uint32_t index);

/* Counts symbols and relocations, so that the work area's size is known. */
HP_MUST_USE enum hp_status hp_loading_measure(struct hp_loading *loading);

/* Decodes all section headers into loading->sections. */
HP_MUST_USE enum hp_status hp_loading_decode_sections(struct hp_loading *loading);

/*
 * Checks which sections are relocated and how, and gives a GOT slot or a veneer to each symbol that
 * a relocation needs one for. All other relocations are checked as they are applied.
 */
HP_MUST_USE enum hp_status hp_reloc_scan(struct hp_loading *loading);

/* Places the sections, obtains the image's memory and copies the contents. */
HP_MUST_USE enum hp_status hp_image_build(struct hp_loading *loading);

/* Resolves every symbol, notes those of the text, and fills the GOT. */
HP_MUST_USE enum hp_status hp_symbols_resolve(struct hp_loading *loading);

/* Applies the relocations. */
HP_MUST_USE enum hp_status hp_reloc_apply(struct hp_loading *loading);

/*
 * Checks that new symbols are new, and indexes them for later payloads. Needs the records: a symbol
 * whose value is a record's new_addr overrides an old one and is no new symbol.
 */
HP_MUST_USE enum hp_status hp_symbols_export(struct hp_loading *loading);

/* Copies the string table into the work area, once. */
void hp_loading_keep_names(struct hp_loading *loading);

/* Asks the payloads of this load for a name of which the port has said `status`, not HP_OK. */
HP_MUST_USE enum hp_status hp_symbol_lookup_loaded(const struct hp_loading *loading,
                                                   enum hp_status status, const char *name,
                                                   size_t length, struct hp_target_symbol *symbol);

/* hp_symbol_find() for the target, which nearly always has the name, and the payloads. */
HP_MUST_USE static inline enum hp_status hp_symbol_lookup(const struct hp_loading *loading,
                                                          const char *name, size_t length,
                                                          struct hp_target_symbol *symbol)
{
    enum hp_status status = hp_port_symbol_by_name(loading->payload->port, name, length, symbol);

    if (status == HP_OK || loading->options->loaded_count == 0) {
        return status;
    }
    return hp_symbol_lookup_loaded(loading, status, name, length, symbol);
}

/* Sets the final page permissions of all regions. */
HP_MUST_USE enum hp_status hp_image_seal(struct hp_loading *loading);

#endif
