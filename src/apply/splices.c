/* SPDX-License-Identifier: BSD-2-Clause */
/* Splice records: from the relocated section to checked struct hp_splice. Source: SPEC section 9.3.
 */
#include "apply/splices.h"

#include <string.h>

#include <hotpatch/payload.h>

#include "apply/records.h"

/* Field offsets, in words and in bytes behind the five words. */
#define NAME       0u
#define ADDR       1u
#define OLD_NAME   2u
#define OLD_TARGET 3u
#define NEW_TARGET 4u
#define WORDS      5u
#define VERSION    0u
#define KIND       1u
#define SIZE       2u
#define RESERVED   3u
#define OLD_BYTES  8u
#define NEW_BYTES  (OLD_BYTES + HP_PAYLOAD_SPLICE_MAX)

_Static_assert(HP_PAYLOAD_SPLICE_MAX == HP_WRITE_MAX, "a splice is one write");
_Static_assert(HP_SPLICE_KIND_BYTES == HP_SPLICE_OF_BYTES &&
                   HP_SPLICE_KIND_CALL == HP_SPLICE_OF_CALL &&
                   HP_SPLICE_KIND_JUMP == HP_SPLICE_OF_JUMP &&
                   HP_SPLICE_KIND_POINTER == HP_SPLICE_OF_POINTER,
               "the kinds are those of the format");

/* A record being decoded. */
struct decoding {
    struct hp_loading *loading;
    const uint8_t *words; /* the five words */
    const uint8_t *rest;  /* what follows them */
    struct hp_splice *splice;
};

static enum hp_status fail_splice(const struct decoding *decoding, enum hp_status status)
{
    return hp_fail(decoding->loading->diag, HP_STAGE_RECORDS, status);
}

static uint64_t word_of(const struct decoding *decoding, uint32_t field)
{
    const struct hp_arch *arch = decoding->loading->payload->arch;

    return hp_load_word(arch, decoding->words + (size_t)field * arch->word);
}

enum hp_status hp_splices_measure(struct hp_loading *loading)
{
    struct hp_payload *payload = loading->payload;
    uint32_t index = loading->elf->special[HP_SPECIAL_SPLICES];
    uint32_t size = HP_PAYLOAD_SPLICE_SIZE(payload->arch->word);
    struct hp_section section;
    size_t contents;
    enum hp_status status;

    if (index == 0) {
        return HP_OK;
    }
    status = hp_elf_section(loading->elf, index, &section);
    if (status) {
        return status;
    }
    contents = hp_elf_contents(loading->elf, &section).size;
    if (contents % size != 0) {
        status = hp_fail_numbers(loading->diag, HP_STAGE_RECORDS, HP_RECORD_SIZE, size, contents);
        hp_note_section(loading->diag, index, section.name);
        return status;
    }
    payload->splice_count = (uint32_t)(contents / size);
    return HP_OK;
}

static bool all_zero(const uint8_t *bytes, size_t size)
{
    uint8_t any = 0;
    size_t n;

    for (n = 0; n < size; n++) {
        any |= bytes[n];
    }
    return any == 0;
}

/* Version, kind and size; what the kind does not use must be zero. */
static enum hp_status check_form(const struct decoding *decoding)
{
    struct hp_diag *diag = decoding->loading->diag;
    const uint8_t *rest = decoding->rest;
    uint8_t size = rest[SIZE];
    bool is_bytes = rest[KIND] == HP_SPLICE_OF_BYTES;

    if (rest[VERSION] != HP_PAYLOAD_SPLICE_VERSION) {
        return hp_fail_numbers(diag, HP_STAGE_RECORDS, HP_RECORD_VERSION, HP_PAYLOAD_SPLICE_VERSION,
                               rest[VERSION]);
    }
    if (rest[KIND] < HP_SPLICE_OF_BYTES || rest[KIND] > HP_SPLICE_OF_POINTER) {
        return hp_fail_numbers(diag, HP_STAGE_RECORDS, HP_SPLICE_KIND, HP_SPLICE_OF_POINTER,
                               rest[KIND]);
    }
    if (is_bytes ? size == 0 || size > HP_PAYLOAD_SPLICE_MAX : size != 0) {
        return hp_fail_numbers(diag, HP_STAGE_RECORDS, HP_SPLICE_LENGTH,
                               is_bytes ? HP_PAYLOAD_SPLICE_MAX : 0, size);
    }
    if (!all_zero(rest + RESERVED, OLD_BYTES - RESERVED) ||
        !all_zero(rest + OLD_BYTES + size, HP_PAYLOAD_SPLICE_MAX - (size_t)size) ||
        !all_zero(rest + NEW_BYTES + size, HP_PAYLOAD_SPLICE_MAX - (size_t)size) ||
        (is_bytes && (word_of(decoding, OLD_NAME) != 0 || word_of(decoding, OLD_TARGET) != 0 ||
                      word_of(decoding, NEW_TARGET) != 0))) {
        return fail_splice(decoding, HP_RECORD_RESERVED);
    }
    return HP_OK;
}

/* An answer that only a target could give: the splice is left undecided where that is allowed. */
static enum hp_status leave_open(const struct decoding *decoding, enum hp_status status)
{
    if (status != HP_UNDECIDED || !decoding->loading->options->allow_undecided) {
        return status;
    }
    decoding->splice->undecided = true;
    return HP_OK;
}

/* Whether a word of the record comes from a symbol of a target that is not there. */
static bool is_open(const struct decoding *decoding, uint64_t word)
{
    const struct hp_loading *loading = decoding->loading;

    return loading->target.machine == 0 && word == hp_undecided_word(loading->payload->arch);
}

/* Looks up "symbol[+offset]". */
static enum hp_status look_up(const struct decoding *decoding, const char *name, size_t length,
                              struct hp_target_symbol *symbol, uint64_t *addr)
{
    uint64_t offset;
    enum hp_status status;

    *addr = 0;
    if (!hp_name_split(name, &length, true, &offset)) {
        return HP_RECORD_NAME_OFFSET;
    }
    status = hp_symbol_lookup(decoding->loading, name, length, symbol);
    if (status) {
        return status;
    }
    if ((symbol->size != 0 && offset >= symbol->size) || symbol->addr > UINT64_MAX - offset) {
        return hp_fail_numbers(decoding->loading->diag, HP_STAGE_RECORDS, HP_RECORD_NAME_OFFSET,
                               symbol->size, offset);
    }
    *addr = symbol->addr + offset;
    return HP_OK;
}

/* Finds where the splice goes, and the bounds of the function or object there. */
static enum hp_status find_place(const struct decoding *decoding)
{
    struct hp_target_symbol symbol = {NULL, 0, 0, HP_KIND_UNKNOWN};
    struct hp_splice *splice = decoding->splice;
    uint64_t name = word_of(decoding, NAME);
    enum hp_status status = HP_OK;
    size_t length = 0;

    splice->addr = word_of(decoding, ADDR);
    if (name != 0) {
        status = hp_name_decode(decoding->loading, name, &splice->name, &length);
    } else if (splice->addr == 0) {
        status = HP_RECORD_NAME_NULL;
    }
    if (status) {
        return fail_splice(decoding, status);
    }
    if (is_open(decoding, splice->addr)) {
        status = HP_UNDECIDED;
    } else if (splice->addr != 0) {
        status = hp_port_symbol_by_address(decoding->loading->payload->port, splice->addr, &symbol);
        status = status == HP_SYMBOL_UNDEFINED ? HP_OK : status;
    } else {
        status = look_up(decoding, splice->name, length, &symbol, &splice->addr);
        status = status == HP_SYMBOL_UNDEFINED ? HP_SPLICE_PLACE : status;
    }
    if (status == HP_OK) {
        splice->start = symbol.addr;
        if (symbol.size != 0 && symbol.size <= UINT64_MAX - symbol.addr) {
            splice->limit = symbol.addr + symbol.size;
        }
    }
    status = leave_open(decoding, status);
    return status == HP_OK ? HP_OK : fail_splice(decoding, status);
}

/* What the call, jump or pointer must lead to. */
static enum hp_status find_old_target(const struct decoding *decoding)
{
    struct hp_target_symbol symbol = {NULL, 0, 0, HP_KIND_UNKNOWN};
    struct hp_splice *splice = decoding->splice;
    uint64_t name = word_of(decoding, OLD_NAME);
    enum hp_status status = HP_OK;
    size_t length = 0;

    splice->old_target = word_of(decoding, OLD_TARGET);
    if (name != 0) {
        status = hp_name_decode(decoding->loading, name, &splice->old_name, &length);
    } else if (splice->old_target == 0) {
        status = HP_SPLICE_OLD_MISSING;
    }
    if (status) {
        return fail_splice(decoding, status);
    }
    if (is_open(decoding, splice->old_target)) {
        status = HP_UNDECIDED;
    } else if (splice->old_target == 0) {
        status = look_up(decoding, splice->old_name, length, &symbol, &splice->old_target);
        status = status == HP_SYMBOL_UNDEFINED ? HP_SPLICE_OLD_UNKNOWN : status;
    }
    status = leave_open(decoding, status);
    return status == HP_OK ? HP_OK : fail_splice(decoding, status);
}

/* True for memory of a payload that was loaded before: only what it provides can be relied on. */
static bool is_in_other(const struct hp_loading *loading, uint64_t addr)
{
    size_t n;

    for (n = 0; n < loading->options->loaded_count; n++) {
        const struct hp_image_memory *memory = &loading->options->loaded[n]->image.memory;

        if (addr - memory->addr < memory->size) {
            return true;
        }
    }
    return false;
}

/*
 * Where it is to lead: into this payload, whose data a pointer may point to as well, or to code of
 * the target.
 */
static enum hp_status check_new_target(const struct decoding *decoding)
{
    struct hp_loading *loading = decoding->loading;
    const struct hp_arch *arch = loading->payload->arch;
    uint64_t addr = decoding->splice->new_target;
    const struct hp_placed_section *place = hp_image_section_at(&loading->payload->image, addr);
    enum hp_status status = HP_PATCH_RANGE;

    if (place != NULL) {
        if (place->region != HP_REGION_TEXT && decoding->splice->kind == HP_SPLICE_OF_POINTER) {
            return HP_OK;
        }
        status = hp_payload_check_text(loading, addr, HP_SPLICE_NEW_TARGET);
        if (status == HP_OK && decoding->splice->kind == HP_SPLICE_OF_POINTER) {
            status = hp_payload_check_pad(loading, addr);
        }
        if (status == HP_OK) {
            loading->new_addrs[loading->new_addr_count] = addr;
            loading->new_addr_count++;
        }
        return status;
    }
    if (is_open(decoding, addr)) {
        status = HP_UNDECIDED;
    } else if (addr != 0 && (addr & (arch->insn_min - 1u)) == 0 && !is_in_other(loading, addr)) {
        status = hp_port_patchable(loading->payload->port, addr, arch->insn_min);
        status = status == HP_PATCH_DENIED ? HP_OK : status; /* it is code nevertheless */
    }
    status = leave_open(decoding, status);
    if (status == HP_PATCH_RANGE) {
        return hp_fail_numbers(loading->diag, HP_STAGE_RECORDS, HP_SPLICE_NEW_TARGET,
                               loading->payload->image.memory.addr, addr);
    }
    return status == HP_OK ? HP_OK : fail_splice(decoding, status);
}

static enum hp_status decode_one(const struct decoding *decoding)
{
    struct hp_splice *splice = decoding->splice;
    enum hp_status status = check_form(decoding);

    if (status) {
        return status;
    }
    splice->kind = decoding->rest[KIND];
    splice->size = decoding->rest[SIZE];
    memcpy(splice->old_bytes, decoding->rest + OLD_BYTES, HP_PAYLOAD_SPLICE_MAX);
    memcpy(splice->new_bytes, decoding->rest + NEW_BYTES, HP_PAYLOAD_SPLICE_MAX);
    status = find_place(decoding);
    if (status == HP_OK && splice->kind != HP_SPLICE_OF_BYTES) {
        splice->new_target = word_of(decoding, NEW_TARGET);
        status = find_old_target(decoding);
        if (status == HP_OK) {
            status = check_new_target(decoding);
        }
    }
    if (status == HP_OK && splice->undecided) {
        splice->addr = 0;
        decoding->loading->payload->undecided.records++;
    }
    return status;
}

enum hp_status hp_splices_decode(struct hp_loading *loading)
{
    struct hp_payload *payload = loading->payload;
    uint32_t index = loading->elf->special[HP_SPECIAL_SPLICES];
    uint32_t size = HP_PAYLOAD_SPLICE_SIZE(payload->arch->word);
    const struct hp_placed_section *place;
    uint32_t n;

    if (index == 0) {
        return HP_OK;
    }
    place = hp_loading_place(loading, index);
    if (place == NULL) {
        return hp_fail(loading->diag, HP_STAGE_RECORDS, HP_SPECIAL_NOT_LOADED);
    }
    for (n = 0; n < payload->splice_count; n++) {
        struct decoding decoding = {.loading = loading, .splice = &payload->splices[n]};
        enum hp_status status;

        memset(decoding.splice, 0, sizeof(*decoding.splice));
        decoding.words = payload->image.memory.host + place->offset + (size_t)n * size;
        decoding.rest = decoding.words + (size_t)WORDS * payload->arch->word;
        status = decode_one(&decoding);
        if (status) {
            hp_note_record(loading->diag, n);
            hp_note_section(loading->diag, index, hp_special_name(HP_SPECIAL_SPLICES));
            if (decoding.splice->name != NULL) {
                hp_note_symbol(loading->diag, HP_NO_INDEX, decoding.splice->name,
                               hp_string_length(decoding.splice->name, HP_DIAG_NAME_MAX));
            }
            return status;
        }
    }
    return HP_OK;
}
