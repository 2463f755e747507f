/* SPDX-License-Identifier: BSD-2-Clause */
/* Resolution of the payload's symbols, and the index of those that it provides. */
#include <string.h>

#include "base/config.h"
#include "base/symtab.h"
#include "reloc/loading.h"

/*
 * Finds a name among what the payloads provide, up to HP_PROVIDED_* `last`. *provider receives the
 * payload's index. NULL: none does.
 */
static const struct hp_symtab_entry *find_provided(const struct hp_payload *const *loaded,
                                                   size_t loaded_count, const char *name,
                                                   size_t length, uint16_t last, size_t *provider)
{
    size_t n;

    for (n = 0; n < loaded_count; n++) {
        const struct hp_symtab_entry *entry =
            hp_symtab_find(&loaded[n]->provided, name, length, NULL);

        if (entry != NULL && entry->order <= last) {
            *provider = n;
            return entry;
        }
    }
    return NULL;
}

/*
 * Asks the payloads for a name of which the port said `status`. *provider receives the index of the
 * one that has it, and stays when none has.
 */
static enum hp_status find_in_payloads(enum hp_status status,
                                       const struct hp_payload *const *loaded, size_t loaded_count,
                                       const char *name, size_t length,
                                       struct hp_target_symbol *symbol, size_t *provider)
{
    const struct hp_symtab_entry *entry;

    if (status != HP_SYMBOL_UNDEFINED && status != HP_UNDECIDED) {
        return status;
    }
    entry = find_provided(loaded, loaded_count, name, length, HP_PROVIDED_GLOBAL, provider);
    if (entry == NULL) {
        return status;
    }
    symbol->name = loaded[*provider]->provided.names + entry->name;
    symbol->addr = entry->addr;
    symbol->size = entry->size;
    symbol->kind = (enum hp_symbol_kind)entry->kind;
    return HP_OK;
}

enum hp_status hp_symbol_find(struct hp_port *port, const struct hp_payload *const *loaded,
                              size_t loaded_count, const char *name, size_t length,
                              struct hp_target_symbol *symbol)
{
    enum hp_status status = hp_port_symbol_by_name(port, name, length, symbol);
    size_t provider;

    return find_in_payloads(status, loaded, loaded_count, name, length, symbol, &provider);
}

enum hp_status hp_symbol_lookup_loaded(const struct hp_loading *loading, enum hp_status status,
                                       const char *name, size_t length,
                                       struct hp_target_symbol *symbol)
{
    const struct hp_load_options *options = loading->options;
    size_t provider = options->loaded_count;

    status = find_in_payloads(status, options->loaded, options->loaded_count, name, length, symbol,
                              &provider);
    if (options->imported != NULL && provider < options->loaded_count) {
        options->imported[provider] = true;
    }
    return status;
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

/* What becomes of an undefined symbol by the status of its look-up. */
static enum hp_status settle_undefined(struct hp_loading *loading, uint8_t bind,
                                       enum hp_status status, const struct hp_target_symbol *found,
                                       struct hp_symbol_value *value)
{
    const struct hp_profile *profile = loading->payload->profile;
    const bool is_absent_weak = status == HP_SYMBOL_UNDEFINED && bind == HP_STB_WEAK;

    if (status == HP_UNDECIDED && loading->options->allow_undecided) {
        value->state = HP_VALUE_UNDECIDED;
        loading->payload->undecided.symbols++;
        return HP_OK;
    }
    if (is_absent_weak && profile->weak_must_resolve) {
        hp_note_profile(loading->diag, profile->name);
    }
    if (status && (!is_absent_weak || profile->weak_must_resolve)) {
        return hp_fail(loading->diag, HP_STAGE_SYMBOLS, status);
    }
    value->value = status ? 0 : found->addr;
    value->state = HP_VALUE_KNOWN;
    return HP_OK;
}

static enum hp_status resolve_undefined(struct hp_loading *loading, const struct hp_symbol *symbol,
                                        struct hp_symbol_value *value)
{
    const struct hp_profile *profile = loading->payload->profile;
    size_t length = hp_loading_name_length(loading, symbol, (size_t)profile->symbol_name_max + 1);
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
    return settle_undefined(loading, symbol->bind, status, &found, value);
}

static enum hp_status resolve_defined(struct hp_loading *loading, const struct hp_symbol *symbol,
                                      struct hp_symbol_value *value)
{
    const struct hp_arch *arch = loading->payload->arch;
    const struct hp_placed_section *place = hp_loading_place(loading, symbol->section);

    if (place == NULL) {
        return HP_OK; /* debug information and the like; only a reference to it is an error */
    }
    if (symbol->value > place->size) {
        return hp_fail_numbers(loading->diag, HP_STAGE_SYMBOLS, HP_SYMBOL_VALUE, place->size,
                               symbol->value);
    }
    if (arch->is_thumb != NULL && place->region == HP_REGION_TEXT && arch->is_thumb(symbol)) {
        return hp_fail(loading->diag, HP_STAGE_SYMBOLS, HP_THUMB_CODE);
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

static uint16_t kind_of(const struct hp_symbol *symbol)
{
    if (symbol->type == HP_STT_FUNC) {
        return HP_KIND_CODE;
    }
    return symbol->type == HP_STT_OBJECT ? HP_KIND_DATA : HP_KIND_UNKNOWN;
}

/*
 * Fills an entry for back-traces when a symbol may be a function of the text; that of a section's
 * end is none. What its name says is looked at by hp_payload_symbol_at(). Returns the entries
 * filled.
 */
static inline uint32_t take_text(const struct hp_symbol *symbol, const char *names,
                                 const struct hp_placed_section *place,
                                 struct hp_text_symbol *entry)
{
    uint64_t room;

    if (place->region != HP_REGION_TEXT || !hp_symbol_may_be_code(symbol) ||
        symbol->value >= place->size) {
        return 0;
    }
    room = place->size - symbol->value;
    entry->start = place->offset + (uint32_t)symbol->value;
    entry->end = entry->start + (uint32_t)(symbol->size < room ? symbol->size : room);
    entry->name = (uint32_t)(symbol->name - names);
    entry->bind = symbol->bind;
    return 1;
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
    hp_store_word(arch, slot,
                  value->state == HP_VALUE_KNOWN ? value->value : hp_undecided_word(arch));
}

/* Resolves any symbol, and notes it when it may be a function of the text. */
static enum hp_status resolve(struct hp_loading *loading, const struct hp_plain_symbols *table,
                              uint32_t index)
{
    struct hp_payload *payload = loading->payload;
    struct hp_symbol_value value = {0, HP_NO_INDEX, HP_VALUE_NONE};
    struct hp_symbol symbol;
    enum hp_status status = HP_OK;

    if (!hp_elf_plain_symbol(table, index, &symbol)) {
        status = hp_elf_symbol(loading->elf, index, &symbol, loading->diag);
        if (status) {
            return status;
        }
    }
    if (payload->image.got_count > 0) {
        value.got = loading->symbols.gots[index];
    }
    status = resolve_one(loading, &symbol, &value);
    if (status) {
        hp_loading_note_symbol(loading, index);
        return status;
    }
    loading->symbols.values[index] = value.value;
    loading->symbols.states[index] = value.state;
    fill_got(loading, &value);
    if (symbol.place == HP_PLACE_SECTION && value.state == HP_VALUE_KNOWN) {
        payload->text_symbol_count +=
            take_text(&symbol, table->names, hp_loading_place(loading, symbol.section),
                      &payload->text_symbols[payload->text_symbol_count]);
    }
    return HP_OK;
}

/*
 * Resolves symbols of loaded sections with nothing wrong, of which a payload may have tens of
 * thousands, and notes those of the text. Returns the index of the first one from `n` on that is
 * another, and of any where there is a GOT to fill. The loop is kept to what can stay in registers.
 */
HP_HOT static uint32_t resolve_plain(struct hp_loading *loading,
                                     const struct hp_plain_symbols *symbols, uint32_t n)
{
    const struct hp_plain_symbols table = *symbols;
    const uint64_t base = loading->payload->image.memory.addr;
    const uint32_t *const section_place = loading->section_place;
    const struct hp_placed_section *const places = loading->places;
    uint64_t *const values = loading->symbols.values;
    struct hp_text_symbol *const texts = loading->payload->text_symbols;
    uint32_t text_count = loading->payload->text_symbol_count;

    if (loading->payload->image.got_count > 0) {
        return n;
    }
    for (;; n++) {
        const struct hp_placed_section *place;
        struct hp_symbol symbol;

        if (!hp_elf_plain_symbol(&table, n, &symbol) ||
            section_place[symbol.section] == HP_NO_INDEX || /* as of the undefined ones */
            symbol.type == HP_STT_TLS || symbol.type == HP_STT_GNU_IFUNC) {
            break;
        }
        place = &places[section_place[symbol.section]];
        if (symbol.value > place->size) {
            break;
        }
        values[n] = base + place->offset + symbol.value;
        text_count += take_text(&symbol, table.names, place, &texts[text_count]);
    }
    loading->payload->text_symbol_count = text_count;
    return n;
}

/*
 * Resolves undefined symbols in a row. *index is advanced to the first one that is another, or of
 * no proper name, and to any where there is a GOT to fill.
 */
HP_HOT static enum hp_status
resolve_imports(struct hp_loading *loading, const struct hp_plain_symbols *symbols, uint32_t *index)
{
    const struct hp_plain_symbols table = *symbols;
    const size_t max = loading->payload->profile->symbol_name_max;
    uint64_t *const values = loading->symbols.values;
    struct hp_target_symbol found = {NULL, 0, 0, HP_KIND_UNKNOWN};
    enum hp_status status = HP_OK;
    uint32_t n;

    if (loading->payload->image.got_count > 0) {
        return HP_OK;
    }
    for (n = *index; status == HP_OK; n++) {
        struct hp_symbol symbol;
        size_t room;
        size_t length;

        if (!hp_elf_plain_symbol(&table, n, &symbol) || symbol.place != HP_PLACE_UNDEFINED ||
            symbol.type == HP_STT_TLS || symbol.type == HP_STT_GNU_IFUNC) {
            break;
        }
        room = table.names_size - (size_t)(symbol.name - table.names);
        length = hp_block_length(symbol.name, room <= max ? room : max + 1);
        if (length == 0 || length > max) {
            break;
        }
        status = hp_symbol_lookup(loading, symbol.name, length, &found);
        if (status == HP_OK) {
            values[n] = found.addr;
        } else {
            struct hp_symbol_value value = {0, HP_NO_INDEX, HP_VALUE_NONE};

            status = settle_undefined(loading, symbol.bind, status, &found, &value);
            values[n] = value.value;
            loading->symbols.states[n] = value.state;
        }
        if (status) {
            hp_loading_note_symbol(loading, n);
        }
    }
    *index = n;
    return status;
}

enum hp_status hp_symbols_resolve(struct hp_loading *loading)
{
    const struct hp_plain_symbols table = hp_elf_plain_symbols(loading->elf);
    const uint32_t count = loading->elf->symbol_count;
    enum hp_status status = HP_OK;
    uint32_t n = 1;

    /* Nearly all of them, which the loops below need not say of each one then. */
    memset(loading->symbols.states, HP_VALUE_KNOWN, count);
    loading->symbols.values[0] = 0;
    loading->symbols.states[0] = HP_VALUE_NONE;
    while (status == HP_OK && n < count) {
        const uint32_t start = n;

        n = resolve_plain(loading, &table, n);
        status = resolve_imports(loading, &table, &n);
        if (status == HP_OK && n == start) { /* neither knows it */
            status = resolve(loading, &table, n);
            n++;
        }
    }
    return status;
}

/* How many of the new functions are at this address or below it. The search has no branch that
 * depends on the address, which could not be predicted. */
static uint32_t count_up_to(const struct hp_loading *loading, uint64_t addr)
{
    const uint64_t *first = loading->new_addrs;
    uint32_t count = loading->new_addr_count;

    while (count > 1) {
        uint32_t half = count / 2;

        first += first[half] <= addr ? half : 0;
        count -= half;
    }
    return (uint32_t)(first - loading->new_addrs) + (*first <= addr ? 1 : 0);
}

/*
 * True when some record's new function is at this address. *below counts those up to the address of
 * the symbol before this one: tools write symbols in the order of their functions, so that the same
 * or the next number is nearly always right.
 */
static bool overrides(const struct hp_loading *loading, uint64_t addr, uint32_t *below)
{
    const uint64_t *addrs = loading->new_addrs;
    const uint32_t count = loading->new_addr_count;

    if (count == 0 || addr < addrs[0] || addr > addrs[count - 1]) {
        return false; /* as data, which lies above all text */
    }
    if (*below < count && addrs[*below] <= addr) {
        ++*below;
    }
    if (*below == 0 || addrs[*below - 1] > addr || (*below < count && addrs[*below] <= addr)) {
        *below = count_up_to(loading, addr);
    }
    return addrs[*below - 1] == addr;
}

/* The part of hp_symbol_may_be_export() that looks at the name. */
static bool has_export_name(const struct hp_loading *loading, const struct hp_symbol *symbol,
                            size_t length)
{
    const struct hp_arch *arch = loading->payload->arch;

    if (length == 0) {
        return false;
    }
    if (symbol->bind == HP_STB_LOCAL && symbol->name[0] == '.' && symbol->name[1] == 'L') {
        return false; /* an assembler's own label, as for string literals */
    }
    return arch->is_marker == NULL || !arch->is_marker(symbol->name, length);
}

/* Checks that a name is new; that local ones matter is a rule of the profile's. */
static enum hp_status check_new(const struct hp_loading *loading, const struct hp_symbol *symbol,
                                size_t length)
{
    const struct hp_load_options *options = loading->options;
    struct hp_target_symbol found;
    size_t provider;
    enum hp_status status = hp_symbol_lookup(loading, symbol->name, length, &found);

    if (status == HP_SYMBOL_UNDEFINED || status == HP_UNDECIDED) {
        if (find_provided(options->loaded, options->loaded_count, symbol->name, length,
                          HP_PROVIDED_LOCAL, &provider) == NULL) {
            return HP_OK;
        }
        status = HP_OK; /* a local symbol of a payload, kept because the profile minds it */
    }
    if (status == HP_OK || status == HP_SYMBOL_AMBIGUOUS) {
        status = HP_SYMBOL_EXISTS;
        if (symbol->bind == HP_STB_LOCAL) {
            hp_note_profile(loading->diag, loading->payload->profile->name);
        }
    }
    return hp_fail(loading->diag, HP_STAGE_SYMBOLS, status);
}

/* Adds a symbol to those that the payload provides, unless it overrides an old one. */
static enum hp_status export_one(struct hp_loading *loading, uint32_t index,
                                 const struct hp_symbol *symbol, uint32_t *below)
{
    struct hp_symtab *provided = &loading->payload->provided;
    uint32_t max = loading->payload->profile->symbol_name_max;
    const uint64_t value = loading->symbols.values[index];
    struct hp_symtab_entry *entry;
    enum hp_status status;
    size_t length;

    if (loading->symbols.states[index] != HP_VALUE_KNOWN) {
        return HP_OK;
    }
    length = hp_loading_name_length(loading, symbol, (size_t)max + 1);
    if (!has_export_name(loading, symbol, length)) {
        return HP_OK;
    }
    if (length > max) {
        return fail_length(loading, symbol->name);
    }
    if (overrides(loading, value, below)) {
        return HP_OK;
    }
    status = check_new(loading, symbol, length);
    if (status) {
        return status;
    }
    entry = &provided->entries[provided->count];
    entry->addr = value;
    entry->size = symbol->size;
    entry->name = (uint32_t)(symbol->name - (const char *)loading->elf->strings.data);
    entry->length = (uint32_t)length;
    entry->hash = hp_symtab_hash(symbol->name, length);
    entry->kind = kind_of(symbol);
    entry->order = symbol->bind == HP_STB_LOCAL ? HP_PROVIDED_LOCAL : HP_PROVIDED_GLOBAL;
    provided->count++;
    return HP_OK;
}

/* Two new global symbols of one name: an importer would get either. */
static enum hp_status check_duplicates(const struct hp_loading *loading)
{
    const struct hp_symtab *provided = &loading->payload->provided;
    const struct hp_symtab_entry *entry = hp_symtab_duplicate(provided);
    enum hp_status status;

    if (entry == NULL) {
        return HP_OK;
    }
    status = hp_fail(loading->diag, HP_STAGE_SYMBOLS, HP_SYMBOL_DUPLICATE);
    hp_note_symbol(loading->diag, HP_NO_INDEX, provided->names + entry->name, entry->length);
    return status;
}

enum hp_status hp_symbols_export(struct hp_loading *loading)
{
    const struct hp_plain_symbols plain_symbols = hp_elf_plain_symbols(loading->elf);
    const bool locals = loading->payload->profile->locals_must_be_new;
    struct hp_symtab *provided = &loading->payload->provided;
    uint32_t below = 0;
    uint32_t n;

    if (loading->exports == 0) {
        return HP_OK;
    }
    for (n = loading->first_export; n <= loading->last_export; n++) {
        struct hp_symbol symbol;
        enum hp_status status = HP_OK;

        if (!hp_elf_plain_symbol(&plain_symbols, n, &symbol)) {
            status = hp_elf_symbol(loading->elf, n, &symbol, loading->diag);
        }
        if (status == HP_OK && hp_symbol_may_be_export(&symbol, locals)) {
            status = export_one(loading, n, &symbol, &below);
        }
        if (status) {
            hp_loading_note_symbol(loading, n);
            return status;
        }
    }
    if (provided->count > 0) {
        hp_loading_keep_names(loading);
        provided->names = loading->payload->names;
        provided->bucket_count = hp_symtab_bucket_count(provided->count);
        hp_symtab_index(provided);
    }
    return check_duplicates(loading);
}
