/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Functions of the payload's text by address, for back-traces: local ones too, which nothing but a
 * back-trace asks for. A load therefore only notes them, and all that costs time is done by the
 * look-up.
 */
#include <string.h>

#include "reloc/loading.h"

void hp_loading_keep_names(struct hp_loading *loading)
{
    const struct hp_span *strings = &loading->elf->strings;

    if (loading->payload->names == NULL) {
        memcpy(loading->names, strings->data, strings->size);
        loading->payload->names = loading->names;
    }
}

/* What the name says: no assembler's own label, no mark of code and data. */
static bool names_function(const struct hp_payload *payload, const struct hp_text_symbol *symbol)
{
    const struct hp_arch *arch = payload->arch;
    const char *name = payload->names + symbol->name;

    if (name[0] == '\0' || (name[0] == '.' && name[1] == 'L')) {
        return false;
    }
    return name[0] != '$' || arch->is_marker == NULL ||
           !arch->is_marker(name, hp_string_length(name, HP_DIAG_NAME_MAX));
}

/* Whether a symbol tells more of an address behind its start than `other` does, NULL for none. */
static bool is_better(const struct hp_payload *payload, const struct hp_text_symbol *symbol,
                      const struct hp_text_symbol *other)
{
    bool better = true;

    if (other != NULL && symbol->start != other->start) {
        better = symbol->start > other->start;
    } else if (other != NULL && symbol->end != other->end) {
        better = symbol->end > other->end;
    } else if (other != NULL && (symbol->bind == HP_STB_LOCAL) != (other->bind == HP_STB_LOCAL)) {
        better = other->bind == HP_STB_LOCAL;
    } else if (other != NULL) {
        better = symbol->name < other->name;
    }
    return better && names_function(payload, symbol);
}

/*
 * Finds where a label stops to be the closest one below `addr`; false when it is none that counts
 * there: not a label, of another section, or inside a function, which ends before the address.
 */
static bool find_label_end(const struct hp_payload *payload, uint64_t addr,
                           struct hp_text_symbol *label)
{
    const struct hp_placed_section *place = hp_image_section_at(&payload->image, addr);
    uint32_t n;

    if (label->end != label->start || place == NULL || label->start < place->offset) {
        return false;
    }
    label->end = place->offset + place->size;
    for (n = 0; n < payload->text_symbol_count; n++) {
        const struct hp_text_symbol *entry = &payload->text_symbols[n];

        if (entry->start > label->start) {
            if (entry->start < label->end && names_function(payload, entry)) {
                label->end = entry->start;
            }
        } else if (entry->end > label->start && names_function(payload, entry)) {
            return false;
        }
    }
    return true;
}

bool hp_payload_symbol_at(const struct hp_payload *payload, uint64_t addr,
                          struct hp_text_symbol *symbol)
{
    const uint64_t offset = addr - payload->image.memory.addr;
    const struct hp_text_symbol *holder = NULL;
    const struct hp_text_symbol *closest = NULL;
    uint32_t n;

    for (n = 0; n < payload->text_symbol_count; n++) {
        const struct hp_text_symbol *entry = &payload->text_symbols[n];

        if (entry->start > offset) {
            continue;
        }
        if (offset < entry->end && is_better(payload, entry, holder)) {
            holder = entry;
        }
        if (is_better(payload, entry, closest)) {
            closest = entry;
        }
    }
    if (closest == NULL) {
        return false;
    }
    *symbol = holder != NULL ? *holder : *closest;
    return holder != NULL || find_label_end(payload, addr, symbol);
}
