/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Second trampolines. All of a payload lie in one block, near all functions concerned, and are made
 * when it is loaded: where the new functions are is known then, and failing is harmless. They stay
 * until it is unloaded, for a CPU may be in one until the revert has ended. SPEC section 9.1.
 */
#include "apply/island.h"

#include <string.h>

#include "apply/capture.h"
#include "apply/records.h"

/* What a payload needs. */
struct need {
    uint32_t count;    /* second trampolines */
    uint32_t first;    /* record that needs one, for the diagnostics */
    uint64_t distance; /* of its replacement */
    uint64_t low;      /* where they all are within reach: from here ... */
    uint64_t high;     /* ... to here */
};

/*
 * Whether the jump reaches wherever it will be: at the function's start, or behind a landing pad,
 * which is looked for later, in memory as it will be then.
 */
static bool reaches(const struct hp_arch *arch, const struct hp_record *record, uint64_t *distance)
{
    uint8_t jump[HP_JUMP_MAX];
    uint64_t behind;

    return arch->encode_jump(jump, record->old_addr, record->new_addr, false, distance) != 0 &&
           arch->encode_jump(jump, record->old_addr + HP_PAD_MAX, record->new_addr, false,
                             &behind) != 0;
}

/* Narrows the range down to what the jump of one more record reaches from wherever it will be. */
static void add(struct need *need, const struct hp_record *record, uint64_t reach)
{
    const uint64_t end = record->old_addr + HP_PAD_MAX + HP_JUMP_MAX; /* of the jump, at most */

    if (end > reach && end - reach > need->low) {
        need->low = end - reach;
    }
    if (record->old_addr < need->high && need->high - record->old_addr > reach) {
        need->high = record->old_addr + reach;
    }
}

/* Names a record in the diagnostics. */
static void note_place(const struct hp_loading *loading, uint32_t index)
{
    const char *name = loading->payload->records[index].name;

    hp_note_record(loading->diag, index);
    hp_note_section(loading->diag, loading->elf->special[HP_SPECIAL_FUNCS],
                    hp_special_name(HP_SPECIAL_FUNCS));
    if (name != NULL) {
        hp_note_symbol(loading->diag, HP_NO_INDEX, name, hp_string_length(name, HP_DIAG_NAME_MAX));
    }
}

/*
 * What can be told now of a record that needs one: nothing is made for a place that will not be
 * patched, and where landing pads are enforced the indirect jump must find one.
 */
static enum hp_status check(struct hp_loading *loading, const struct hp_record *record)
{
    const uint64_t size = loading->payload->arch->insn_min;
    enum hp_status status =
        hp_port_patchable(loading->payload->port, record->old_addr, (size_t)size);

    if (status) {
        return hp_fail_numbers(loading->diag, HP_STAGE_PLAN, status, size, record->old_addr);
    }
    return hp_payload_check_pad(loading, record->new_addr);
}

/* Finds the records that need one; numbers them in `island`, from 1. */
static enum hp_status measure(struct hp_loading *loading, struct need *need)
{
    struct hp_payload *payload = loading->payload;
    uint32_t n;

    for (n = 0; n < payload->record_count; n++) {
        struct hp_record *record = &payload->records[n];
        uint64_t distance;
        enum hp_status status;

        record->island = 0;
        if ((loading->target.flags & HP_TARGET_ISLANDS) == 0 || record->undecided ||
            record->new_addr == 0 || reaches(payload->arch, record, &distance)) {
            continue;
        }
        status = check(loading, record);
        if (status) {
            note_place(loading, n);
            return status;
        }
        if (need->count == 0) {
            need->first = n;
            need->distance = distance;
        }
        need->count++;
        record->island = need->count;
        add(need, record, payload->arch->reach);
    }
    return HP_OK;
}

static enum hp_status refuse(const struct hp_loading *loading, const struct need *need,
                             enum hp_status status)
{
    status = hp_fail_numbers(loading->diag, HP_STAGE_LAYOUT, status, loading->payload->arch->reach,
                             need->distance);
    note_place(loading, need->first);
    return status;
}

/* Obtains the block. That it lies where it should is checked: a jump depends on it. */
static enum hp_status obtain(const struct hp_loading *loading, const struct need *need)
{
    struct hp_payload *payload = loading->payload;
    const uint64_t page = loading->target.page_size;
    struct hp_image_memory *memory = &payload->islands;
    struct hp_image_request request = {.align = page, .low = need->low, .high = need->high};
    enum hp_status status;

    request.size =
        (size_t)(((uint64_t)need->count * payload->arch->island_size + page - 1) & ~(page - 1));
    if (need->low >= need->high || request.size > need->high - need->low) {
        return HP_ISLAND_MEMORY; /* no place is near all of the functions */
    }
    status = hp_port_island_alloc(payload->port, &request, memory);
    if (status) {
        memset(memory, 0, sizeof(*memory));
    } else if (memory->addr == 0 || memory->addr < need->low ||
               memory->addr > need->high - request.size || (memory->addr & (page - 1)) != 0 ||
               memory->size != request.size) {
        status = HP_ISLAND_MEMORY;
    }
    return status;
}

enum hp_status hp_islands_build(struct hp_loading *loading)
{
    struct hp_payload *payload = loading->payload;
    struct need need = {.high = hp_undecided_word(payload->arch)};
    enum hp_status status = measure(loading, &need);
    uint32_t n;

    if (status || need.count == 0) {
        return status;
    }
    status = obtain(loading, &need);
    if (status) {
        return refuse(loading, &need, status);
    }
    for (n = need.first; n < payload->record_count; n++) {
        struct hp_record *record = &payload->records[n];

        if (record->island != 0) {
            const size_t offset = (size_t)(record->island - 1) * payload->arch->island_size;

            payload->arch->encode_island(payload->islands.host + offset, record->new_addr);
            record->island = payload->islands.addr + offset;
        }
    }
    status = hp_port_image_protect(payload->port, &payload->islands, 0, payload->islands.size,
                                   HP_PROTECT_TEXT);
    return status ? hp_fail(loading->diag, HP_STAGE_LAYOUT, status) : HP_OK;
}

const struct hp_record *hp_island_at(const struct hp_payload *payload, uint64_t addr)
{
    const struct hp_record *record = payload->records;
    uint32_t n;

    if (addr - payload->islands.addr >= payload->islands.size) {
        return NULL;
    }
    for (n = 0; n < payload->record_count; n++, record++) {
        if (record->island != 0 && addr - record->island < payload->arch->island_size) {
            return record;
        }
    }
    return NULL;
}

static enum hp_status attest_one(const struct hp_payload *payload, const struct hp_record *record,
                                 struct hp_diag *diag)
{
    const uint8_t *bytes = payload->islands.host + (record->island - payload->islands.addr);
    uint8_t wanted[HP_ISLAND_MAX];
    uint32_t n;

    payload->arch->encode_island(wanted, record->new_addr);
    for (n = 0; n < payload->arch->island_size; n++) {
        if (bytes[n] != wanted[n]) {
            enum hp_status status =
                hp_fail_numbers(diag, HP_STAGE_ACTION, HP_MEMORY_CHANGED, wanted[n], bytes[n]);

            hp_note_offset(diag, n);
            return status;
        }
    }
    return HP_OK;
}

enum hp_status hp_islands_attest(const struct hp_payload *payload, struct hp_diag *diag)
{
    uint32_t n;

    for (n = 0; n < payload->record_count; n++) {
        const struct hp_record *record = &payload->records[n];
        enum hp_status status = record->island != 0 ? attest_one(payload, record, diag) : HP_OK;

        if (status) {
            hp_note_record(diag, n);
            hp_note_section(diag, HP_NO_INDEX, "second trampoline");
            return status;
        }
    }
    return HP_OK;
}
