/* SPDX-License-Identifier: BSD-2-Clause */
/* Function records: from the relocated section to checked struct hp_record. Source: SPEC section 3.
 */
#include "apply/records.h"

#include <string.h>

#include "base/sort.h"

/* Field offsets that do not follow from the word size alone. */
struct form {
    uint32_t size; /* of the record */
    uint32_t new_size;
    uint32_t old_size;
    uint32_t version;
    uint32_t opaque;
    uint32_t applied; /* v2: first of the bytes up to expect, all of them zero */
    uint32_t expect;  /* v2 */
};

#define OPAQUE_SIZE      31u
#define APPLIED_PAD_SIZE 8u /* the applied byte and the pad behind it */
#define EXPECT_SIZE      32u
#define EXPECT_ENABLED   0x01u
#define EXPECT_RESERVED  0xc0u
#define EXPECT_LEN(b)    (((b) >> 1) & 0x1fu)
#define NOP_MAX          OPAQUE_SIZE

static struct form form_of(const struct hp_arch *arch, uint8_t version)
{
    struct form form;

    form.new_size = 3u * arch->word;
    form.old_size = form.new_size + 4u;
    form.version = form.new_size + 8u;
    form.opaque = form.version + 1u;
    form.applied = form.opaque + OPAQUE_SIZE;
    form.expect = form.applied + APPLIED_PAD_SIZE;
    form.size = version == 1 ? form.applied : form.expect + EXPECT_SIZE;
    return form;
}

static enum hp_status fail_record(struct hp_loading *loading, enum hp_status status)
{
    return hp_fail(loading->diag, HP_STAGE_RECORDS, status);
}

enum hp_status hp_records_measure(struct hp_loading *loading)
{
    struct hp_payload *payload = loading->payload;
    uint32_t index = loading->elf->special[HP_SPECIAL_FUNCS];
    struct hp_section section;
    struct hp_span contents;
    struct form form;
    enum hp_status status;

    payload->record_version = 2;
    if (index == 0) {
        return HP_OK;
    }
    status = hp_elf_section(loading->elf, index, &section);
    if (status) {
        return status;
    }
    contents = hp_elf_contents(loading->elf, &section);
    form = form_of(payload->arch, 1); /* the version byte is where both forms have it */
    if (contents.size < form.size) {
        status = hp_fail_numbers(loading->diag, HP_STAGE_RECORDS, HP_RECORD_SIZE, form.size,
                                 contents.size);
    } else {
        payload->record_version = contents.data[form.version];
        if (payload->record_version != 1 && payload->record_version != 2) {
            status = hp_fail_numbers(loading->diag, HP_STAGE_RECORDS, HP_RECORD_VERSION, 2,
                                     payload->record_version);
            hp_note_record(loading->diag, 0);
        } else if ((payload->profile->record_versions & (1u << payload->record_version)) == 0) {
            status = fail_record(loading, HP_RECORD_VERSION);
            hp_note_record(loading->diag, 0);
            hp_note_profile(loading->diag, payload->profile->name);
        }
    }
    if (status == HP_OK) {
        form = form_of(payload->arch, payload->record_version);
        if (contents.size % form.size != 0) {
            status = hp_fail_numbers(loading->diag, HP_STAGE_RECORDS, HP_RECORD_SIZE, form.size,
                                     contents.size);
        }
        payload->record_count = (uint32_t)(contents.size / form.size);
    }
    if (status) {
        hp_note_section(loading->diag, index, section.name);
    }
    return status;
}

/* Fields that must be zero, and the version. */
static enum hp_status check_reserved(struct hp_loading *loading, const struct form *form,
                                     const uint8_t *bytes)
{
    static const uint8_t zeros[OPAQUE_SIZE + APPLIED_PAD_SIZE]; /* adjacent in version 2 */
    size_t size = loading->payload->record_version == 1 ? OPAQUE_SIZE : sizeof(zeros);

    if (bytes[form->version] != loading->payload->record_version) {
        return hp_fail_numbers(loading->diag, HP_STAGE_RECORDS, HP_RECORD_VERSION_MIXED,
                               loading->payload->record_version, bytes[form->version]);
    }
    if (memcmp(bytes + form->opaque, zeros, size) != 0) {
        return fail_record(loading, HP_RECORD_RESERVED);
    }
    return HP_OK;
}

static enum hp_status decode_expect(struct hp_loading *loading, const uint8_t *bytes,
                                    struct hp_record *record)
{
    uint8_t control = bytes[0];
    uint32_t length = EXPECT_LEN(control);

    record->expect_len = 0;
    if ((control & EXPECT_RESERVED) != 0) {
        return fail_record(loading, HP_EXPECT_RESERVED);
    }
    if ((control & EXPECT_ENABLED) == 0) {
        return HP_OK;
    }
    if (length > record->old_size) {
        return hp_fail_numbers(loading->diag, HP_STAGE_RECORDS, HP_EXPECT_LENGTH, record->old_size,
                               length);
    }
    record->expect_len = (uint8_t)length;
    memcpy(record->expect, bytes + 1, EXPECT_SIZE - 1);
    return HP_OK;
}

enum hp_status hp_name_decode(struct hp_loading *loading, uint64_t addr, const char **name,
                              size_t *length)
{
    const struct hp_image *image = &loading->payload->image;
    uint32_t general = hp_profile_default.symbol_name_max;
    uint32_t max = loading->payload->profile->symbol_name_max;
    const struct hp_placed_section *place = hp_loading_section_at(loading, addr, false);
    const char *found;
    size_t room;
    size_t bound;

    *length = 0;
    if (place == NULL) {
        return hp_fail_numbers(loading->diag, HP_STAGE_RECORDS, HP_RECORD_NAME_OUTSIDE,
                               image->memory.addr, addr);
    }
    found = (const char *)image->memory.host + (addr - image->memory.addr);
    room = place->size - (size_t)(addr - image->memory.addr - place->offset);
    bound = (size_t)(max > general ? max : general) + 1;
    *length = hp_block_length(found, room < bound ? room : bound);
    if (*length == 0 || *length == room || *length > max) {
        if (*length > max && *length < room) {
            hp_note_limit(loading->diag, loading->payload->profile, general, *length);
        }
        return fail_record(loading, HP_RECORD_NAME_UNTERMINATED);
    }
    *name = found;
    return HP_OK;
}

/* The record's name; without one, old_addr says what is to be patched. */
static enum hp_status decode_name(struct hp_loading *loading, uint64_t addr,
                                  struct hp_record *record, size_t *length)
{
    record->name = NULL;
    *length = 0;
    if (addr == 0) {
        return record->old_addr != 0 ? HP_OK : fail_record(loading, HP_RECORD_NAME_NULL);
    }
    return hp_name_decode(loading, addr, &record->name, length);
}

/*
 * Parses a number, decimal, or hexadecimal after 0x; returns what follows it, NULL when there is no
 * number.
 */
static const char *parse_number(const char *text, uint32_t *number)
{
    const char *start;
    uint32_t base = 10;

    *number = 0;
    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
        base = 16;
        text += 2;
    }
    for (start = text;; text++) {
        uint32_t digit;

        if (*text >= '0' && *text <= '9') {
            digit = (uint32_t)(*text - '0');
        } else if (base == 16 && *text >= 'a' && *text <= 'f') {
            digit = (uint32_t)(*text - 'a') + 10;
        } else if (base == 16 && *text >= 'A' && *text <= 'F') {
            digit = (uint32_t)(*text - 'A') + 10;
        } else {
            return text != start ? text : NULL;
        }
        if (*number > (UINT32_MAX - digit) / base) {
            return NULL; /* no function is that large */
        }
        *number = *number * base + digit;
    }
}

/* Parses what follows the '+' of "symbol+offset". */
static bool parse_offset(const char *text, bool products, uint64_t *offset)
{
    uint32_t number;
    uint32_t factor = 1;

    text = parse_number(text, &number);
    if (text != NULL && products && *text == '*') {
        text = parse_number(text + 1, &factor);
    }
    *offset = (uint64_t)number * factor;
    return text != NULL && *text == '\0';
}

bool hp_name_split(const char *name, size_t *length, bool products, uint64_t *offset)
{
    size_t n;

    *offset = 0;
    for (n = *length; n > 0 && name[n - 1] != '#'; n--) {
        if (name[n - 1] == '+') {
            *length = n - 1;
            return parse_offset(name + n, products, offset);
        }
    }
    return true;
}

/* Notes the bounds of the function to patch, where the symbol table knows them. */
static void set_function(struct hp_record *record, const struct hp_target_symbol *symbol)
{
    if (symbol->size != 0 && symbol->size <= UINT64_MAX - symbol->addr) {
        record->start = symbol->addr;
        record->limit = symbol->addr + symbol->size;
    }
}

/* Looks up "symbol[+offset]" and sets old_addr and the function's end. */
static enum hp_status look_up(struct hp_loading *loading, struct hp_record *record, size_t length)
{
    struct hp_target_symbol symbol = {NULL, 0, 0, HP_KIND_UNKNOWN};
    const size_t whole = length;
    uint64_t offset = 0;
    enum hp_status status;
    /* Nearly no name has one, which is found out faster than where it is. */
    const bool sound = !hp_block_has(record->name, length, '+') ||
                       hp_name_split(record->name, &length, false, &offset);

    if (length != whole && loading->payload->profile->no_name_offsets) {
        status = fail_record(loading, HP_RECORD_TARGET);
        hp_note_profile(loading->diag, loading->payload->profile->name);
        return status;
    }
    if (!sound) {
        return fail_record(loading, HP_RECORD_NAME_OFFSET);
    }
    status = hp_symbol_lookup(loading, record->name, length, &symbol);
    if (status == HP_UNDECIDED && loading->options->allow_undecided) {
        record->undecided = true;
        return HP_OK;
    }
    if (status == HP_SYMBOL_UNDEFINED) {
        status = HP_RECORD_TARGET;
    }
    if (status) {
        return fail_record(loading, status);
    }
    if (symbol.kind == HP_KIND_DATA) {
        return fail_record(loading, HP_RECORD_TARGET_KIND);
    }
    if ((symbol.size != 0 && offset >= symbol.size) || symbol.addr > UINT64_MAX - offset) {
        return hp_fail_numbers(loading->diag, HP_STAGE_RECORDS, HP_RECORD_NAME_OFFSET, symbol.size,
                               offset);
    }
    record->old_addr = symbol.addr + offset;
    set_function(record, &symbol);
    return HP_OK;
}

/* For an address given as a number: the end of the function it lies in, where that is known. */
static enum hp_status find_limit(struct hp_loading *loading, struct hp_record *record)
{
    struct hp_target_symbol symbol = {NULL, 0, 0, HP_KIND_UNKNOWN};
    enum hp_status status =
        hp_port_symbol_by_address(loading->payload->port, record->old_addr, &symbol);

    if (status == HP_UNDECIDED && loading->options->allow_undecided) {
        record->undecided = true;
        return HP_OK;
    }
    if (status == HP_OK) {
        set_function(record, &symbol);
    }
    return status == HP_SYMBOL_UNDEFINED ? HP_OK : status;
}

/* The address to patch: of a whole instruction, of the instruction set that is supported. */
static enum hp_status check_old_addr(struct hp_loading *loading, const struct hp_record *record)
{
    const struct hp_arch *arch = loading->payload->arch;
    enum hp_status status = HP_RECORD_OLD_ALIGN;

    if ((record->old_addr & (arch->insn_min - 1u)) == 0) {
        return HP_OK;
    }
    if (arch->is_thumb != NULL && (record->old_addr & 1) != 0) {
        status = HP_THUMB_CODE;
    }
    return hp_fail_numbers(loading->diag, HP_STAGE_RECORDS, status, arch->insn_min,
                           record->old_addr);
}

static enum hp_status resolve_target(struct hp_loading *loading, struct hp_record *record,
                                     size_t name_length)
{
    enum hp_status status;

    record->start = 0;
    record->limit = 0;
    record->undecided = false;
    if (loading->target.machine == 0 &&
        record->old_addr == hp_undecided_word(loading->payload->arch)) {
        /* a relocation against a symbol of the absent target, or as good as that */
        record->undecided = true;
        status = loading->options->allow_undecided ? HP_OK : HP_UNDECIDED;
    } else if (record->old_addr == 0) {
        status = look_up(loading, record, name_length);
    } else {
        status = find_limit(loading, record);
    }
    if (record->undecided) {
        record->old_addr = 0;
        loading->payload->undecided.records++;
    }
    return status == HP_OK ? check_old_addr(loading, record) : status;
}

/* Sizes that need no look at the target's code. */
static enum hp_status check_sizes(struct hp_loading *loading, const struct hp_record *record)
{
    const struct hp_arch *arch = loading->payload->arch;
    uint32_t nops = record->new_size != 0 ? record->new_size : record->old_size;

    if (record->new_addr != 0) {
        uint32_t least = loading->payload->profile->uses_filler ? 1 : arch->jump_size;

        if (record->old_size < least) {
            return hp_fail_numbers(loading->diag, HP_STAGE_RECORDS, HP_RECORD_OLD_SIZE, least,
                                   record->old_size);
        }
        return HP_OK;
    }
    if (record->old_size == 0) {
        return hp_fail_numbers(loading->diag, HP_STAGE_RECORDS, HP_RECORD_OLD_SIZE, 1, 0);
    }
    if (nops > NOP_MAX) {
        return hp_fail_numbers(loading->diag, HP_STAGE_RECORDS, HP_NOP_TOO_LONG, NOP_MAX, nops);
    }
    if (nops > record->old_size || nops % arch->insn_min != 0) {
        return hp_fail_numbers(loading->diag, HP_STAGE_RECORDS, HP_NOP_SIZE, record->old_size,
                               nops);
    }
    return HP_OK;
}

/* A whole range is NOPed only where something of the function is left behind it. */
static enum hp_status check_whole_nop(struct hp_loading *loading, const struct hp_record *record)
{
    if (record->new_addr != 0 || record->new_size != 0 || record->undecided) {
        return HP_OK;
    }
    if (record->limit <= record->old_addr || record->limit - record->old_addr <= record->old_size) {
        return hp_fail_numbers(loading->diag, HP_STAGE_RECORDS, HP_NOP_WHOLE, record->limit,
                               record->old_addr + record->old_size);
    }
    return HP_OK;
}

enum hp_status hp_payload_check_text(struct hp_loading *loading, uint64_t addr,
                                     enum hp_status outside)
{
    const struct hp_payload *payload = loading->payload;
    const struct hp_placed_section *place = hp_loading_section_at(loading, addr, true);

    if (place == NULL || place->region != HP_REGION_TEXT) {
        return hp_fail_numbers(loading->diag, HP_STAGE_RECORDS, outside, payload->image.memory.addr,
                               addr);
    }
    if (payload->arch->is_thumb != NULL && (addr & 1) != 0) {
        return hp_fail(loading->diag, HP_STAGE_RECORDS, HP_THUMB_CODE);
    }
    if ((addr & (payload->arch->insn_min - 1u)) != 0) {
        return hp_fail_numbers(loading->diag, HP_STAGE_RECORDS, outside, payload->image.memory.addr,
                               addr);
    }
    return HP_OK;
}

enum hp_status hp_payload_check_pad(struct hp_loading *loading, uint64_t addr)
{
    const struct hp_payload *payload = loading->payload;
    const struct hp_image_memory *memory = &payload->image.memory;
    const struct hp_placed_section *place = hp_loading_section_at(loading, addr, true);
    size_t offset = (size_t)(addr - memory->addr);

    if ((loading->target.flags & (HP_TARGET_BTI | HP_TARGET_IBT)) == 0 || place == NULL ||
        payload->arch->takes_calls == NULL ||
        payload->arch->takes_calls(memory->host + offset, place->offset + place->size - offset)) {
        return HP_OK;
    }
    return hp_fail_numbers(loading->diag, HP_STAGE_RECORDS, HP_LANDING_PAD_MISSING, memory->addr,
                           addr);
}

static enum hp_status decode_one(struct hp_loading *loading, const struct form *form,
                                 const uint8_t *bytes, struct hp_record *record)
{
    const struct hp_arch *arch = loading->payload->arch;
    enum hp_status status = check_reserved(loading, form, bytes);
    size_t name_length;

    if (status) {
        return status;
    }
    record->version = loading->payload->record_version;
    record->new_addr = hp_load_word(arch, bytes + arch->word);
    record->old_addr = hp_load_word(arch, bytes + (size_t)2 * arch->word);
    record->new_size = hp_le32(bytes + form->new_size);
    record->old_size = hp_le32(bytes + form->old_size);
    status = decode_name(loading, hp_load_word(arch, bytes), record, &name_length);
    if (status) {
        return status;
    }
    if (record->new_addr != 0) {
        status = hp_payload_check_text(loading, record->new_addr, HP_RECORD_NEW_ADDR);
        if (status) {
            return status;
        }
    }
    status = check_sizes(loading, record);
    if (status) {
        return status;
    }
    record->expect_len = 0;
    if (record->version == 2) {
        status = decode_expect(loading, bytes + form->expect, record);
        if (status) {
            return status;
        }
    }
    status = resolve_target(loading, record, name_length);
    if (status) {
        return fail_record(loading, status);
    }
    return check_whole_nop(loading, record);
}

enum hp_status hp_records_decode(struct hp_loading *loading)
{
    struct hp_payload *payload = loading->payload;
    uint32_t index = loading->elf->special[HP_SPECIAL_FUNCS];
    struct form form = form_of(payload->arch, payload->record_version);
    const struct hp_placed_section *place;
    uint32_t n;

    if (index == 0) {
        return HP_OK;
    }
    place = hp_loading_place(loading, index);
    if (place == NULL) {
        return fail_record(loading, HP_SPECIAL_NOT_LOADED);
    }
    for (n = 0; n < payload->record_count; n++) {
        struct hp_record *record = &payload->records[n];
        const uint8_t *bytes = payload->image.memory.host + place->offset + (size_t)n * form.size;
        enum hp_status status;

        record->name = NULL;
        record->patched = 0;
        status = decode_one(loading, &form, bytes, record);
        if (status) {
            hp_note_record(loading->diag, n);
            hp_note_section(loading->diag, index, hp_special_name(HP_SPECIAL_FUNCS));
            if (record->name != NULL) {
                hp_note_symbol(loading->diag, HP_NO_INDEX, record->name,
                               hp_string_length(record->name, HP_DIAG_NAME_MAX));
            }
            return status;
        }
        if (record->new_addr != 0) {
            loading->new_addrs[loading->new_addr_count] = record->new_addr;
            loading->new_addr_count++;
        }
    }
    return HP_OK;
}

static bool addr_less(const void *data, uint32_t a, uint32_t b)
{
    const uint64_t *addrs = data;

    return addrs[a] < addrs[b];
}

static void addr_swap(void *data, uint32_t a, uint32_t b)
{
    uint64_t *addrs = data;
    uint64_t t = addrs[a];

    addrs[a] = addrs[b];
    addrs[b] = t;
}

void hp_records_sort_new(struct hp_loading *loading)
{
    struct hp_sortable sortable = {loading->new_addrs, addr_less, addr_swap};

    hp_sort(&sortable, loading->new_addr_count);
}
