/* SPDX-License-Identifier: BSD-2-Clause */
/* Resolution of the payload's symbols, and the index of those that it provides. */
#include <string.h>

#include "reloc/loading.h"

enum hp_status hp_symbol_find(struct hp_port *port, const struct hp_payload *const *loaded,
                              size_t loaded_count, const char *name, size_t length,
                              struct hp_target_symbol *symbol)
{
    enum hp_status status = hp_port_symbol_by_name(port, name, length, symbol);
    size_t n;

    if (status != HP_SYMBOL_UNDEFINED && status != HP_UNDECIDED) {
        return status;
    }
    for (n = 0; n < loaded_count; n++) {
        const struct hp_symtab *provided = &loaded[n]->provided;
        const struct hp_symtab_entry *entry = hp_symtab_find(provided, name, length, NULL);

        if (entry != NULL) {
            symbol->name = provided->names + entry->name;
            symbol->addr = entry->addr;
            symbol->size = entry->size;
            symbol->kind = (enum hp_symbol_kind)entry->kind;
            return HP_OK;
        }
    }
    return status;
}

enum hp_status hp_symbol_lookup(const struct hp_loading *loading, const char *name, size_t length,
                                struct hp_target_symbol *symbol)
{
    return hp_symbol_find(loading->payload->port, loading->options->loaded,
                          loading->options->loaded_count, name, length, symbol);
}

/* Assemblers refer to it wherever code uses the GOT; a payload that does has one of its own. */
static const char got_name[] = "_GLOBAL_OFFSET_TABLE_";

static bool is_own_got(const struct hp_loading *loading, const char *name, size_t length)
{
    return loading->payload->image.got_count > 0 && length == sizeof(got_name) - 1 &&
           memcmp(name, got_name, length) == 0;
}

/* A name above the profile's limit, measured as far as the default would go. */
static enum hp_status fail_length(const struct hp_loading *loading, const char *name)
{
    const struct hp_profile *profile = loading->payload->profile;
    uint32_t general = hp_profile_default.symbol_name_max;
    uint32_t max = profile->symbol_name_max;
    size_t length = hp_string_length(name, (size_t)(max > general ? max : general) + 1);

    hp_note_limit(loading->diag, profile, general, length);
    return hp_fail_numbers(loading->diag, HP_STAGE_SYMBOLS, HP_SYMBOL_NAME_LENGTH, max, length);
}

static enum hp_status resolve_undefined(struct hp_loading *loading, const struct hp_symbol *symbol,
                                        struct hp_symbol_value *value)
{
    const struct hp_profile *profile = loading->payload->profile;
    size_t length = hp_string_length(symbol->name, (size_t)profile->symbol_name_max + 1);
    struct hp_target_symbol found = {NULL, 0, 0, HP_KIND_UNKNOWN};
    enum hp_status status;

    if (length == 0) {
        return hp_fail(loading->diag, HP_STAGE_SYMBOLS, HP_SYMBOL_NAME);
    }
    if (length > profile->symbol_name_max) {
        return fail_length(loading, symbol->name);
    }
    if (is_own_got(loading, symbol->name, length)) {
        value->value = loading->payload->image.memory.addr + loading->payload->image.got_offset;
        value->state = HP_VALUE_KNOWN;
        return HP_OK;
    }
    status = hp_symbol_lookup(loading, symbol->name, length, &found);
    if (status == HP_SYMBOL_UNDEFINED && symbol->bind == HP_STB_WEAK &&
        !profile->weak_must_resolve) {
        status = HP_OK;
    }
    if (status == HP_UNDECIDED && loading->options->allow_undecided) {
        value->state = HP_VALUE_UNDECIDED;
        loading->payload->undecided.symbols++;
        return HP_OK;
    }
    if (status) {
        if (status == HP_SYMBOL_UNDEFINED && symbol->bind == HP_STB_WEAK) {
            hp_note_profile(loading->diag, profile->name);
        }
        return hp_fail(loading->diag, HP_STAGE_SYMBOLS, status);
    }
    value->value = found.addr;
    value->state = HP_VALUE_KNOWN;
    return HP_OK;
}

static enum hp_status resolve_defined(struct hp_loading *loading, const struct hp_symbol *symbol,
                                      struct hp_symbol_value *value)
{
    const struct hp_placed_section *place = hp_loading_place(loading, symbol->section);

    if (place == NULL) {
        return HP_OK; /* debug information and the like; only a reference to it is an error */
    }
    if (symbol->value > place->size) {
        return hp_fail_numbers(loading->diag, HP_STAGE_SYMBOLS, HP_SYMBOL_VALUE, place->size,
                               symbol->value);
    }
    value->value = loading->payload->image.memory.addr + place->offset + symbol->value;
    value->state = HP_VALUE_KNOWN;
    return HP_OK;
}

static enum hp_status resolve_one(struct hp_loading *loading, const struct hp_symbol *symbol,
                                  struct hp_symbol_value *value)
{
    if (symbol->type == HP_STT_TLS) {
        return hp_fail(loading->diag, HP_STAGE_SYMBOLS, HP_SYMBOL_TLS);
    }
    if (symbol->type == HP_STT_GNU_IFUNC) {
        return hp_fail(loading->diag, HP_STAGE_SYMBOLS, HP_SYMBOL_IFUNC);
    }
    switch (symbol->place) {
    case HP_PLACE_UNDEFINED:
        return resolve_undefined(loading, symbol, value);
    case HP_PLACE_COMMON:
        return hp_fail(loading->diag, HP_STAGE_SYMBOLS, HP_SYMBOL_COMMON);
    case HP_PLACE_ABSOLUTE:
        value->value = symbol->value;
        value->state = HP_VALUE_KNOWN;
        return HP_OK;
    default:
        return resolve_defined(loading, symbol, value);
    }
}

static uint32_t kind_of(const struct hp_symbol *symbol)
{
    if (symbol->type == HP_STT_FUNC) {
        return HP_KIND_CODE;
    }
    return symbol->type == HP_STT_OBJECT ? HP_KIND_DATA : HP_KIND_UNKNOWN;
}

/* Notes a symbol that may turn out to be provided to later payloads. */
static enum hp_status add_candidate(struct hp_loading *loading, uint32_t index,
                                    const struct hp_symbol *symbol,
                                    const struct hp_symbol_value *value)
{
    struct hp_symtab *provided = &loading->payload->provided;
    uint32_t max = loading->payload->profile->symbol_name_max;
    struct hp_symtab_entry *entry;

    if (value->state != HP_VALUE_KNOWN || !hp_symbol_is_export(loading, symbol)) {
        return HP_OK;
    }
    entry = &provided->entries[provided->count];
    entry->addr = value->value;
    entry->size = symbol->size;
    entry->name = (uint32_t)(symbol->name - (const char *)loading->elf->strings.data);
    entry->length = (uint32_t)hp_string_length(symbol->name, (size_t)max + 1);
    entry->hash = index; /* until the index is built: who it is, for diagnostics */
    entry->kind = kind_of(symbol);
    provided->count++;
    return entry->length > max ? fail_length(loading, symbol->name) : HP_OK;
}

/* Writes the slot of a symbol that GOT relocations refer to. */
static void fill_got(const struct hp_loading *loading, const struct hp_symbol_value *value)
{
    const struct hp_image *image = &loading->payload->image;
    const struct hp_arch *arch = loading->payload->arch;
    uint8_t *slot;

    if (value->got == HP_NO_INDEX || value->state == HP_VALUE_NONE) {
        return;
    }
    slot = image->memory.host + image->got_offset + (size_t)value->got * arch->word;
    hp_store_word(arch, slot, value->state == HP_VALUE_KNOWN ? value->value : UINT64_MAX);
}

enum hp_status hp_symbols_resolve(struct hp_loading *loading)
{
    const struct hp_elf *elf = loading->elf;
    uint32_t n;

    for (n = 1; n < elf->symbol_count; n++) {
        struct hp_symbol_value *value = &loading->symbols[n];
        struct hp_symbol symbol;
        enum hp_status status = hp_elf_symbol(elf, n, &symbol, loading->diag);

        if (status) {
            return status;
        }
        status = resolve_one(loading, &symbol, value);
        if (status == HP_OK) {
            status = add_candidate(loading, n, &symbol, value);
        }
        if (status) {
            hp_loading_note_symbol(loading, n);
            return status;
        }
        fill_got(loading, value);
    }
    return HP_OK;
}

/* True when some record's new function is at this address. */
static bool overrides(const struct hp_loading *loading, uint64_t addr)
{
    uint32_t low = 0;
    uint32_t high = loading->new_addr_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (loading->new_addrs[middle] == addr) {
            return true;
        }
        if (loading->new_addrs[middle] < addr) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return false;
}

/* A new symbol that exists already; that local ones matter is a rule of the profile's. */
static enum hp_status fail_exists(const struct hp_loading *loading, uint32_t index)
{
    struct hp_symbol symbol;

    if (hp_elf_symbol(loading->elf, index, &symbol, NULL) == HP_OK && symbol.bind == HP_STB_LOCAL) {
        hp_note_profile(loading->diag, loading->payload->profile->name);
    }
    return hp_fail(loading->diag, HP_STAGE_SYMBOLS, HP_SYMBOL_EXISTS);
}

enum hp_status hp_symbols_export(struct hp_loading *loading)
{
    struct hp_symtab *provided = &loading->payload->provided;
    uint32_t count = provided->count;
    uint32_t n;

    provided->count = 0;
    provided->names = loading->names;
    for (n = 0; n < count; n++) {
        struct hp_symtab_entry *entry = &provided->entries[n];
        struct hp_target_symbol found;
        const char *name = (const char *)loading->elf->strings.data + entry->name;
        enum hp_status status;

        if (overrides(loading, entry->addr)) {
            continue;
        }
        status = hp_symbol_lookup(loading, name, entry->length, &found);
        if (status == HP_OK || status == HP_SYMBOL_AMBIGUOUS) {
            status = fail_exists(loading, entry->hash);
        } else if (status == HP_SYMBOL_UNDEFINED || status == HP_UNDECIDED) {
            status = HP_OK;
        }
        if (status) {
            status = hp_fail(loading->diag, HP_STAGE_SYMBOLS, status);
            hp_loading_note_symbol(loading, entry->hash);
            return status;
        }
        provided->entries[provided->count] = *entry;
        provided->count++;
    }
    if (provided->count > 0) {
        memcpy(loading->names, loading->elf->strings.data, loading->elf->strings.size);
        provided->bucket_count = hp_symtab_bucket_count(provided->count);
        hp_symtab_build(provided);
    }
    return HP_OK;
}
