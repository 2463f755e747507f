/* SPDX-License-Identifier: BSD-2-Clause */
/* The plan: every record lowered to one write {address, old bytes, new bytes}. SPEC section 9. */
#include <hotpatch/plan.h>

#include <string.h>

#include "apply/capture.h"
#include "apply/filler.h"
#include "apply/splices.h"
#include "arch/arch.h"
#include "base/sort.h"
#include "base/span.h"

/* How the code to patch begins. */
struct entry {
    uint8_t pad; /* bytes of a landing pad, which stays */
    bool signs;  /* the instruction behind it signs the return address */
};

/* Names the record that a write comes from, and what the record names. */
static void note_write(const struct hp_capture *capture, const struct hp_write *write)
{
    const struct hp_payload *payload = capture->payload;
    const char *name =
        write->splice ? payload->splices[write->record].name : payload->records[write->record].name;

    hp_note_write(capture->diag, write);
    if (name != NULL) {
        hp_note_symbol(capture->diag, HP_NO_INDEX, name, hp_string_length(name, HP_DIAG_NAME_MAX));
    }
}

/*
 * The landing pad, looked for whatever old_size claims: less than a whole pad must not be
 * overwritten. What is known to lie behind the function, or behind all code, is no part of one.
 */
static enum hp_status read_entry(const struct hp_capture *capture, const struct hp_record *record,
                                 struct entry *entry)
{
    const struct hp_arch *arch = capture->payload->arch;
    uint8_t bytes[HP_PAD_MAX + HP_SIGN_MAX];
    uint64_t end = capture->target.text_end;
    uint32_t size = arch->signs_return != NULL ? HP_PAD_MAX + HP_SIGN_MAX : HP_PAD_MAX;
    uint32_t uncertain;
    enum hp_status status;

    entry->pad = 0;
    entry->signs = false;
    if (record->limit > record->old_addr) {
        end = record->limit;
    }
    if (end > record->old_addr && end - record->old_addr < size) {
        size = (uint32_t)(end - record->old_addr);
    }
    status = hp_memory_read(&capture->memory, record->old_addr, bytes, size, &uncertain);
    if (status) {
        return hp_capture_fail(capture, status);
    }
    entry->pad = (uint8_t)arch->landing_pad(bytes, size);
    entry->signs =
        arch->signs_return != NULL && arch->signs_return(bytes + entry->pad, size - entry->pad);
    return HP_OK;
}

/* Refuses a place that is inside the landing pad of its function: "symbol+1" and the like. */
static enum hp_status check_inside_pad(const struct hp_capture *capture,
                                       const struct hp_record *record)
{
    uint64_t inside = record->old_addr - record->start;
    uint8_t bytes[HP_PAD_MAX];
    uint32_t uncertain;
    enum hp_status status;

    if (record->start == 0 || inside == 0 || inside >= HP_PAD_MAX ||
        record->limit - record->start < HP_PAD_MAX) {
        return HP_OK;
    }
    status = hp_memory_read(&capture->memory, record->start, bytes, HP_PAD_MAX, &uncertain);
    if (status == HP_OK && capture->payload->arch->landing_pad(bytes, HP_PAD_MAX) > inside) {
        status = HP_PATCH_LANDING_PAD;
    }
    return status == HP_OK ? HP_OK : hp_capture_fail(capture, status);
}

/*
 * The uncertain bytes about which a record's expectation can be wrong whatever the target made of
 * them: those of a landing pad alone, since that stays one or becomes the NOP of a sealed one.
 */
static uint32_t uncertain_pad(const struct hp_capture *capture, const struct hp_record *record,
                              const uint8_t *bytes, uint32_t uncertain)
{
    const struct hp_arch *arch = capture->payload->arch;
    const size_t pad = arch->landing_pad(bytes, record->expect_len);

    if (pad == 0 || uncertain >> pad != 0 ||
        arch->landing_pad(record->expect, record->expect_len) == pad) {
        return 0;
    }
    return uncertain;
}

static enum hp_status check_expect(const struct hp_capture *capture, const struct hp_record *record)
{
    uint8_t bytes[HP_WRITE_MAX];
    uint32_t uncertain;
    enum hp_status status;
    uint32_t n;

    if (record->expect_len == 0) {
        return HP_OK;
    }
    status =
        hp_memory_read(&capture->memory, record->old_addr, bytes, record->expect_len, &uncertain);
    if (status) {
        return hp_capture_fail(capture, status);
    }
    if (uncertain != 0) {
        uncertain &= ~uncertain_pad(capture, record, bytes, uncertain);
        capture->payload->undecided.expectations += uncertain != 0 ? 1 : 0;
    }
    for (n = 0; n < record->expect_len; n++) {
        if ((uncertain >> n & 1) == 0 && bytes[n] != record->expect[n]) {
            status = hp_fail_numbers(capture->diag, HP_STAGE_PLAN, HP_EXPECT_MISMATCH,
                                     record->expect[n], bytes[n]);
            hp_note_offset(capture->diag, n);
            return status;
        }
    }
    return HP_OK;
}

static enum hp_status encode_nops(const struct hp_capture *capture, const struct hp_record *record,
                                  const struct entry *entry, struct hp_write *write)
{
    uint32_t nops = record->new_size != 0 ? record->new_size : record->old_size;

    write->kind = HP_WRITE_NOP;
    if (nops < entry->pad) {
        return hp_fail_numbers(capture->diag, HP_STAGE_PLAN, HP_NOP_SIZE, entry->pad, nops);
    }
    if (nops > entry->pad && entry->signs) {
        return hp_capture_fail(capture,
                               HP_PATCH_SIGNING); /* the function's end would not accept it */
    }
    write->size = (uint8_t)(nops - entry->pad);
    capture->payload->arch->fill_nops(write->new_bytes, write->size);
    return HP_OK;
}

/*
 * A signing instruction is overwritten: the new function signs the return address for itself. Where
 * it was the landing pad, the jump brings one along if the target insists on it.
 */
static enum hp_status encode_jump(const struct hp_capture *capture, const struct hp_record *record,
                                  const struct entry *entry, struct hp_write *write)
{
    const struct hp_arch *arch = capture->payload->arch;
    bool pad = entry->pad == 0 && entry->signs && (capture->target.flags & HP_TARGET_BTI) != 0;
    uint64_t distance;
    size_t size;
    uint64_t needed;

    write->kind = HP_WRITE_JUMP;
    write->dest = record->new_addr;
    size = arch->encode_jump(write->new_bytes, write->addr, write->dest, pad, &distance);
    if (size == 0 && record->island != 0) {
        write->island = record->island;
        size = arch->encode_jump(write->new_bytes, write->addr, write->island, pad, &distance);
    }
    needed = (uint64_t)entry->pad + (size != 0 ? size : arch->jump_size);
    if (record->old_size < needed && capture->payload->profile->uses_filler) {
        enum hp_status status = hp_filler_check(capture, record, needed);

        if (status) {
            return status;
        }
    } else if (record->old_size < needed) {
        return hp_fail_numbers(capture->diag, HP_STAGE_PLAN, HP_RECORD_OLD_SIZE, needed,
                               record->old_size);
    }
    if (size == 0) {
        return hp_fail_numbers(capture->diag, HP_STAGE_PLAN, HP_PATCH_REACH, arch->reach, distance);
    }
    write->size = (uint8_t)size;
    return HP_OK;
}

/* Makes the new bytes; sizes are checked against old_size, which the record vouches for. */
static enum hp_status encode(const struct hp_capture *capture, const struct hp_record *record,
                             struct hp_write *write)
{
    struct entry entry;
    enum hp_status status = read_entry(capture, record, &entry);

    if (status) {
        return status;
    }
    write->pad = entry.pad;
    write->addr = record->old_addr + entry.pad;
    return record->new_addr == 0 ? encode_nops(capture, record, &entry, write)
                                 : encode_jump(capture, record, &entry, write);
}

static enum hp_status check_patchable(const struct hp_capture *capture,
                                      const struct hp_record *record, uint64_t size)
{
    enum hp_status status = HP_PATCH_RANGE;

    /* A payload has no business in its own text: what it means to run there it brings along. */
    if (!hp_capture_is_own(capture, record->old_addr, size)) {
        status = hp_port_patchable(capture->payload->port, record->old_addr, (size_t)size);
    }
    if (status) {
        return hp_fail_numbers(capture->diag, HP_STAGE_PLAN, status, size, record->old_addr);
    }
    return HP_OK;
}

/* The bytes from the function's start to the end of the write: in it, and in patchable code. */
static enum hp_status check_place(const struct hp_capture *capture, const struct hp_record *record,
                                  const struct hp_write *write)
{
    uint64_t size = (uint64_t)write->pad + write->size;
    enum hp_status status = check_patchable(capture, record, size);

    /* What is larger than old_size ends in filler, which was looked at. */
    if (status == HP_OK && record->limit != 0 && size <= record->old_size &&
        record->old_addr + size > record->limit) {
        status = hp_fail_numbers(capture->diag, HP_STAGE_PLAN, HP_PATCH_PAST_FUNCTION,
                                 record->limit, record->old_addr + size);
    }
    return status;
}

static enum hp_status lower(const struct hp_capture *capture, uint32_t index,
                            struct hp_write *write)
{
    struct hp_record *record = &capture->payload->records[index];
    uint32_t uncertain = 0;
    enum hp_status status;

    memset(write, 0, sizeof(*write));
    write->record = index;
    write->patched = &record->patched;
    status = check_patchable(capture, record, capture->payload->arch->insn_min);
    if (status == HP_OK) {
        status = check_inside_pad(capture, record);
    }
    if (status == HP_OK) {
        status = encode(capture, record, write);
    }
    if (status == HP_OK) {
        status = check_place(capture, record, write);
    }
    if (status == HP_OK) {
        status = check_expect(capture, record);
    }
    if (status == HP_OK && write->size > 0) {
        status = hp_memory_read(&capture->memory, write->addr, write->old_bytes, write->size,
                                &uncertain);
        if (status) {
            return hp_capture_fail(capture, status);
        }
        write->uncertain = uncertain != 0 ? 1 : 0;
        capture->payload->undecided.writes += write->uncertain;
    }
    return status;
}

static bool write_less(const void *data, uint32_t a, uint32_t b)
{
    const struct hp_payload *payload = data;

    return payload->writes[payload->write_order[a]].addr <
           payload->writes[payload->write_order[b]].addr;
}

static void write_swap(void *data, uint32_t a, uint32_t b)
{
    const struct hp_payload *payload = data;
    uint32_t t = payload->write_order[a];

    payload->write_order[a] = payload->write_order[b];
    payload->write_order[b] = t;
}

/* Sorts the writes by address and refuses two that share a byte, landing pads included. */
static enum hp_status order_writes(const struct hp_capture *capture)
{
    struct hp_payload *payload = capture->payload;
    struct hp_sortable sortable = {payload, write_less, write_swap};
    uint32_t n;

    for (n = 0; n < payload->write_count; n++) {
        payload->write_order[n] = n;
    }
    hp_sort(&sortable, payload->write_count);
    for (n = 1; n < payload->write_count; n++) {
        const uint32_t *order = &payload->write_order[n];
        const struct hp_write *before = &payload->writes[order[-1]];
        const struct hp_write *write = &payload->writes[order[0]];

        if (write->addr - write->pad < before->addr + before->size) {
            enum hp_status status = hp_fail_numbers(capture->diag, HP_STAGE_PLAN, HP_PATCH_OVERLAP,
                                                    before->addr + before->size, write->addr);

            note_write(capture, order[0] > order[-1] ? write : before);
            return status;
        }
    }
    return HP_OK;
}

/* Lowers all splices, behind the functions. */
static enum hp_status lower_splices(const struct hp_capture *capture)
{
    struct hp_payload *payload = capture->payload;
    uint32_t n;

    for (n = 0; n < payload->splice_count; n++) {
        struct hp_write *write = &payload->writes[payload->write_count];
        enum hp_status status;

        if (payload->splices[n].undecided) {
            continue;
        }
        status = hp_splice_lower(capture, n, write);
        if (status) {
            note_write(capture, write);
            return status;
        }
        if (write->size > 0) {
            payload->write_count++;
        }
    }
    return HP_OK;
}

/* Lowers all records; a NOP that a landing pad leaves nothing of needs no write. */
static enum hp_status lower_functions(const struct hp_capture *capture)
{
    struct hp_payload *payload = capture->payload;
    uint32_t n;

    for (n = 0; n < payload->record_count; n++) {
        const struct hp_record *record = &payload->records[n];
        struct hp_write *write = &payload->writes[payload->write_count];
        enum hp_status status;

        if (record->undecided) {
            continue;
        }
        status = lower(capture, n, write);
        if (status) {
            note_write(capture, write);
            return status;
        }
        if (write->size > 0) {
            payload->write_count++;
        }
    }
    return HP_OK;
}

enum hp_status hp_plan_capture_from(struct hp_payload *payload, const struct hp_memory *memory,
                                    struct hp_diag *diag)
{
    struct hp_capture capture = {.payload = payload, .memory = *memory, .diag = diag};
    enum hp_status status;

    hp_port_target(payload->port, &capture.target);
    payload->write_count = 0;
    payload->undecided.expectations = 0;
    payload->undecided.writes = 0;
    status = lower_functions(&capture);
    if (status == HP_OK) {
        status = lower_splices(&capture);
    }
    if (status == HP_OK) {
        status = order_writes(&capture);
    }
    if (status) {
        payload->write_count = 0;
    }
    return status;
}

enum hp_status hp_plan_capture(struct hp_payload *payload, const struct hp_payload *const *applied,
                               size_t applied_count, struct hp_diag *diag)
{
    const struct hp_memory memory = {
        .port = payload->port, .applied = applied, .applied_count = applied_count};

    return hp_plan_capture_from(payload, &memory, diag);
}
