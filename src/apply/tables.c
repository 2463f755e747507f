/* SPDX-License-Identifier: BSD-2-Clause */
/* Exception table and bug frames, and which tables there are. Source: SPEC section 6. */
#include "apply/tables.h"

#include <string.h>

#include "apply/records.h"
#include "base/sort.h"

#define EX_SIZE         8u /* two self-relative words: fault address, fix-up */
#define CALL_ENTRY_SIZE 4u /* a self-relative word */

/* A kind of table: the section, what the target must be able to do, where it is noted. */
struct kind {
    enum hp_special section;
    uint32_t flag; /* HP_TARGET_* */
    struct hp_table *table;
    uint32_t entry_size; /* bytes; 0: the architecture has no such table */
};

enum { KINDS = 3 + HP_BUG_KINDS };

/* Bytes of a bug frame of a kind. */
static uint32_t frame_size(const struct hp_payload *payload, uint32_t kind)
{
    const struct hp_bug_form *form = &payload->arch->bug_frames;

    return kind < HP_BUG_KINDS - 1 ? form->size : form->message_size;
}

/* Kind number `n`, below KINDS. */
static struct kind kind_at(struct hp_payload *payload, uint32_t n)
{
    const struct hp_arch *arch = payload->arch;
    const struct hp_alt_form *form = arch->alternatives;
    struct kind kind;
    uint32_t bug = n - (KINDS - HP_BUG_KINDS);

    switch (n) {
    case 0:
        kind.section = HP_SPECIAL_ALTINSTRUCTIONS;
        kind.flag = HP_TARGET_ALTERNATIVES;
        kind.table = &payload->alternatives;
        kind.entry_size = form != NULL ? form->entry_size : 0;
        break;
    case 1:
        kind.section = HP_SPECIAL_ALT_CALL_SITES;
        kind.flag = HP_TARGET_ALT_CALLS;
        kind.table = &payload->alt_calls;
        kind.entry_size = form != NULL && form->call_size != 0 ? CALL_ENTRY_SIZE : 0;
        break;
    case 2:
        kind.section = HP_SPECIAL_EX_TABLE;
        kind.flag = HP_TARGET_EX_TABLE;
        kind.table = &payload->ex_table;
        kind.entry_size = EX_SIZE;
        break;
    default:
        kind.section = (enum hp_special)(HP_SPECIAL_BUG_FRAMES_0 + bug);
        kind.flag = HP_TARGET_BUG_FRAMES;
        kind.table = &payload->bug_frames[bug];
        kind.entry_size = frame_size(payload, bug);
        break;
    }
    return kind;
}

static enum hp_status fail_kind(struct hp_loading *loading, enum hp_special which,
                                enum hp_status status)
{
    status = hp_fail(loading->diag, HP_STAGE_RECORDS, status);
    hp_note_section(loading->diag, loading->elf->special[which], hp_special_name(which));
    return status;
}

enum hp_status hp_tables_fail(struct hp_loading *loading, enum hp_special which, uint32_t n,
                              enum hp_status status)
{
    status = fail_kind(loading, which, status);
    hp_note_record(loading->diag, n);
    return status;
}

static enum hp_status measure_kind(struct hp_loading *loading, const struct kind *kind)
{
    uint32_t index = loading->elf->special[kind->section];
    struct hp_section section;
    enum hp_status status;

    if (index == 0) {
        return HP_OK;
    }
    status = hp_elf_section(loading->elf, index, &section);
    if (status || section.size == 0) {
        return status;
    }
    if (loading->target.machine == 0 && loading->options->allow_undecided) {
        loading->payload->undecided.tables++;
    } else if ((loading->target.flags & kind->flag) == 0) {
        return fail_kind(loading, kind->section, HP_SPECIAL_UNSUPPORTED);
    }
    if (kind->entry_size == 0) {
        return fail_kind(loading, kind->section, HP_SPECIAL_UNSUPPORTED);
    }
    /* No section of a payload is larger than 32 bits tell: its file is not. */
    if ((uint32_t)section.size % kind->entry_size != 0) {
        status = hp_fail_numbers(loading->diag, HP_STAGE_RECORDS, HP_TABLE_SIZE, kind->entry_size,
                                 section.size);
        hp_note_section(loading->diag, index, section.name);
        return status;
    }
    kind->table->count = (uint32_t)section.size / kind->entry_size;
    return HP_OK;
}

enum hp_status hp_tables_measure(struct hp_loading *loading)
{
    enum hp_status status = HP_OK;
    uint32_t n;

    for (n = 0; status == HP_OK && n < KINDS; n++) {
        const struct kind kind = kind_at(loading->payload, n);

        status = measure_kind(loading, &kind);
    }
    return status;
}

uint8_t *hp_tables_entry(const struct hp_payload *payload, const struct hp_table *table,
                         uint32_t entry_size, uint32_t n, uint64_t *addr)
{
    uint32_t offset = table->offset + n * entry_size;

    *addr = payload->image.memory.addr + offset;
    return payload->image.memory.host + offset;
}

/* Notes where in the image the tables are. */
static enum hp_status place_tables(struct hp_loading *loading)
{
    uint32_t n;

    for (n = 0; n < KINDS; n++) {
        const struct kind kind = kind_at(loading->payload, n);
        const struct hp_placed_section *place;

        if (kind.table->count == 0) {
            continue;
        }
        place = hp_loading_place(loading, loading->elf->special[kind.section]);
        if (place == NULL) {
            return fail_kind(loading, kind.section, HP_SPECIAL_NOT_LOADED);
        }
        kind.table->offset = place->offset;
    }
    return HP_OK;
}

/* ---- exception table ------------------------------------------------------------------------- */

/* What a self-relative word at `addr` refers to. */
static uint64_t self_relative(uint64_t addr, const uint8_t *field)
{
    return addr + (uint64_t)(int64_t)(int32_t)hp_le32(field);
}

static void ex_decode(const struct hp_payload *payload, uint32_t n, uint64_t *fault,
                      uint64_t *fixup)
{
    uint64_t addr;
    const uint8_t *entry = hp_tables_entry(payload, &payload->ex_table, EX_SIZE, n, &addr);

    *fault = self_relative(addr, entry);
    *fixup = self_relative(addr + 4, entry + 4);
}

/* Both lie in the image, so that every distance fits. */
static void ex_encode(const struct hp_payload *payload, uint32_t n, uint64_t fault, uint64_t fixup)
{
    uint64_t addr;
    uint8_t *entry = hp_tables_entry(payload, &payload->ex_table, EX_SIZE, n, &addr);

    hp_put_le32(entry, (uint32_t)(fault - addr));
    hp_put_le32(entry + 4, (uint32_t)(fixup - (addr + 4)));
}

/* Two entries for one instruction are ordered, too, so that the outcome is always the same. */
static bool ex_less(const void *data, uint32_t a, uint32_t b)
{
    uint64_t fault[2];
    uint64_t fixup[2];

    ex_decode(data, a, &fault[0], &fixup[0]);
    ex_decode(data, b, &fault[1], &fixup[1]);
    return fault[0] < fault[1] || (fault[0] == fault[1] && fixup[0] < fixup[1]);
}

static void ex_swap(void *data, uint32_t a, uint32_t b)
{
    uint64_t fault[2];
    uint64_t fixup[2];

    ex_decode(data, a, &fault[0], &fixup[0]);
    ex_decode(data, b, &fault[1], &fixup[1]);
    ex_encode(data, a, fault[1], fixup[1]);
    ex_encode(data, b, fault[0], fixup[0]);
}

static enum hp_status decode_ex_table(struct hp_loading *loading)
{
    struct hp_payload *payload = loading->payload;
    const struct hp_sortable sortable = {payload, ex_less, ex_swap};
    uint32_t n;

    for (n = 0; n < payload->ex_table.count; n++) {
        enum hp_status status;
        uint64_t fault;
        uint64_t fixup;

        ex_decode(payload, n, &fault, &fixup);
        status = hp_payload_check_text(loading, fault, HP_EX_FAULT);
        if (status == HP_OK) {
            status = hp_payload_check_text(loading, fixup, HP_EX_FIXUP);
        }
        if (status) {
            return hp_tables_fail(loading, HP_SPECIAL_EX_TABLE, n, status);
        }
    }
    hp_sort(&sortable, payload->ex_table.count);
    return HP_OK;
}

bool hp_payload_fixup(const struct hp_payload *payload, uint64_t addr, uint64_t *fixup)
{
    uint32_t low = 0;
    uint32_t high = payload->ex_table.count;
    uint64_t fault;
    uint64_t found;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        ex_decode(payload, middle, &fault, &found);
        if (fault < addr) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == payload->ex_table.count) {
        return false;
    }
    ex_decode(payload, low, &fault, &found);
    if (fault != addr) {
        return false;
    }
    *fixup = found;
    return true;
}

/* ---- bug frames ------------------------------------------------------------------------------ */

/* The instruction that a frame at `addr` is about; bits above the displacement are a line's. */
static uint64_t frame_location(const struct hp_payload *payload, const uint8_t *frame,
                               uint64_t addr)
{
    uint32_t sign = UINT32_C(1) << (payload->arch->bug_frames.location_bits - 1);
    uint32_t word = hp_le32(frame) & (sign | (sign - 1));

    return addr + (uint64_t)word - ((word & sign) != 0 ? (uint64_t)sign << 1 : 0);
}

static enum hp_status check_bug_frames(struct hp_loading *loading, uint32_t kind)
{
    struct hp_payload *payload = loading->payload;
    const struct hp_table *table = &payload->bug_frames[kind];
    uint32_t n;

    for (n = 0; n < table->count; n++) {
        uint64_t addr;
        const uint8_t *frame = hp_tables_entry(payload, table, frame_size(payload, kind), n, &addr);
        enum hp_status status =
            hp_payload_check_text(loading, frame_location(payload, frame, addr), HP_BUG_ADDRESS);

        if (status) {
            return hp_tables_fail(loading, (enum hp_special)(HP_SPECIAL_BUG_FRAMES_0 + kind), n,
                                  status);
        }
    }
    return HP_OK;
}

bool hp_payload_bug_frame(const struct hp_payload *payload, uint64_t addr,
                          struct hp_bug_frame *frame)
{
    uint32_t kind;
    uint32_t n;

    for (kind = 0; kind < HP_BUG_KINDS; kind++) {
        const struct hp_table *table = &payload->bug_frames[kind];
        uint32_t size = frame_size(payload, kind);

        for (n = 0; n < table->count; n++) {
            uint64_t at;
            const uint8_t *bytes = hp_tables_entry(payload, table, size, n, &at);

            if (frame_location(payload, bytes, at) == addr) {
                memset(frame, 0, sizeof(*frame));
                frame->kind = kind;
                frame->addr = at;
                frame->size = size;
                memcpy(frame->bytes, bytes, size);
                return true;
            }
        }
    }
    return false;
}

enum hp_status hp_tables_carry_out(struct hp_loading *loading)
{
    enum hp_status status = place_tables(loading);
    uint32_t kind;

    if (status == HP_OK) {
        status = hp_alternatives_carry_out(loading);
    }
    if (status == HP_OK) {
        status = decode_ex_table(loading);
    }
    for (kind = 0; status == HP_OK && kind < HP_BUG_KINDS; kind++) {
        status = check_bug_frames(loading, kind);
    }
    return status;
}
