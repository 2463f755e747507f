/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tables under fuzzing, against a second way to carry them out: entry by entry, in the order of the
 * table, on a copy of the relocated image (x86-64, SPEC section 6).
 */
#include <stdbool.h>
#include <string.h>

#include "check.h"
#include "fuzz_port.h"
#include "harness.h"

enum { ALT_SIZE = 14, EX_SIZE = 8, CALL_SIZE = 6, BRANCH_SIZE = 5 };

struct redo {
    const struct hp_payload *payload;
    const struct hp_elf *elf;
    uint8_t *bytes;
    uint64_t base; /* address of the image */
};

static int64_t signed32(const uint8_t *p)
{
    int32_t value;

    memcpy(&value, p, sizeof(value));
    return value;
}

static void put32(uint8_t *p, int64_t value)
{
    const int32_t narrow = (int32_t)value;

    CHECK(narrow == value);
    memcpy(p, &narrow, sizeof(narrow));
}

/* The place of a special section; NULL when it is not there. */
static const struct hp_placed_section *place_of(const struct redo *redo, enum hp_special which)
{
    const struct hp_image *image = &redo->payload->image;
    uint32_t n;

    for (n = 0; redo->elf->special[which] != 0 && n < image->section_count; n++) {
        if (image->sections[n].section == redo->elf->special[which]) {
            return &image->sections[n];
        }
    }
    return NULL;
}

/* Offset in the image of [addr, addr + size), all of it in one section of the image. */
static bool find(const struct redo *redo, uint64_t addr, uint64_t size, uint64_t *offset,
                 const struct hp_placed_section **place)
{
    *offset = addr - redo->base;
    *place = hp_image_section_at(&redo->payload->image, addr);
    return *place != NULL && *offset + size <= (uint64_t)(*place)->offset + (*place)->size;
}

/* The bytes of a site, which must be ordinary code. */
static uint8_t *site_at(const struct redo *redo, uint64_t addr, uint64_t size)
{
    const struct hp_placed_section *place;
    struct hp_section section;
    uint64_t offset;
    unsigned n;

    CHECK(find(redo, addr, size, &offset, &place));
    CHECK(hp_elf_section(redo->elf, place->section, &section) == HP_OK);
    CHECK((section.flags & HP_SHF_EXECINSTR) != 0);
    for (n = 0; n < HP_SPECIAL_COUNT; n++) {
        CHECK(redo->elf->special[n] != place->section);
    }
    return redo->bytes + offset;
}

/* ---- alternative calls ----------------------------------------------------------------------- */

/* What the pointer holds that a call goes through; false when nobody can tell. */
static bool pointed_to(const struct redo *redo, uint64_t site, const uint8_t *code, uint64_t *value)
{
    const uint64_t pointer = site + CALL_SIZE + (uint64_t)signed32(code + 2);
    const enum fuzz_target kind = fuzz_port_kind(redo->payload->port);
    const struct hp_placed_section *place;
    uint64_t offset;

    CHECK(code[0] == 0xff && code[1] == 0x15);
    if (kind == FUZZ_TARGET_ABSENT && signed32(code + 2) == -1) {
        return false;
    }
    if (find(redo, pointer, sizeof(*value), &offset, &place)) {
        memcpy(value, redo->bytes + offset, sizeof(*value));
        return *value != UINT64_MAX;
    }
    if (kind == FUZZ_TARGET_RUNNING) {
        CHECK(fuzz_port_peek(redo->payload->port, pointer, value, sizeof(*value)));
        return true;
    }
    /* Code of the image file is as good as that of the target, where it is not rewritten. */
    return hp_port_target_read(redo->payload->port, pointer, value, sizeof(*value)) == HP_OK;
}

static void call_directly(const struct redo *redo, uint64_t site, uint8_t *code)
{
    uint64_t value;

    if (pointed_to(redo, site, code, &value)) {
        CHECK(value != 0);
        code[0] = 0x2e;
        code[1] = 0xe8;
        put32(code + 2, (int64_t)(value - site - CALL_SIZE));
    }
}

static void redo_calls(const struct redo *redo)
{
    const struct hp_placed_section *place = place_of(redo, HP_SPECIAL_ALT_CALL_SITES);
    uint32_t n;

    CHECK(redo->payload->alt_calls.count == (place != NULL ? place->size / 4 : 0));
    for (n = 0; n < redo->payload->alt_calls.count; n++) {
        const uint64_t at = place->offset + UINT64_C(4) * n;
        const uint64_t site = redo->base + at + (uint64_t)signed32(redo->bytes + at);

        call_directly(redo, site, site_at(redo, site, CALL_SIZE));
    }
}

/* ---- alternatives ---------------------------------------------------------------------------- */

static void put_nops(uint8_t *out, size_t size)
{
    /* by length, one after the other; the two longest differ in their prefix */
    static const char nops[] = "\x90"
                               "\x66\x90"
                               "\x0f\x1f\x00"
                               "\x0f\x1f\x40\x00"
                               "\x0f\x1f\x44\x00\x00"
                               "\x66\x0f\x1f\x44\x00\x00"
                               "\x0f\x1f\x80\x00\x00\x00\x00"
                               "\x0f\x1f\x84\x00\x00\x00\x00\x00"
                               "\x66\x0f\x1f\x84\x00\x00\x00\x00\x00";

    while (size > 0) {
        const size_t n = size > 9 ? 9 : size;

        memcpy(out, nops + n * (n - 1) / 2, n);
        out += n;
        size -= n;
    }
}

/* A branch whose displacement ends at `end` of a replacement that moves by `delta` bytes down. */
static void move_branch(uint8_t *code, int64_t end, int64_t size, int64_t delta)
{
    const int64_t to = end + signed32(code + end - 4);

    if (to < 0 || to > size) {
        put32(code + end - 4, signed32(code + end - 4) + delta);
    }
}

static void move(const struct redo *redo, uint64_t from, uint64_t to, uint8_t *code, int64_t size)
{
    const int64_t delta = (int64_t)(from - to);
    const bool leads = size >= BRANCH_SIZE && (code[0] == 0xe8 || code[0] == 0xe9);

    if (leads) {
        move_branch(code, BRANCH_SIZE, size, delta);
    }
    if (fuzz_port_kind(redo->payload->port) == FUZZ_TARGET_RUNNING &&
        size >= (leads ? 2 : 1) * BRANCH_SIZE && code[size - BRANCH_SIZE] == 0xe9 &&
        from + (uint64_t)size + (uint64_t)signed32(code + size - 4) == FUZZ_RETURN_THUNK) {
        move_branch(code, size, size, delta);
    }
}

static void redo_alternative(const struct redo *redo, uint64_t at)
{
    const uint8_t *entry = redo->bytes + at;
    const struct hp_placed_section *within = place_of(redo, HP_SPECIAL_ALTINSTR_REPLACEMENT);
    const uint64_t site = redo->base + at + (uint64_t)signed32(entry);
    const uint64_t from = redo->base + at + 4 + (uint64_t)signed32(entry + 4);
    const uint16_t feature = (uint16_t)(entry[8] | (entry[9] & 0x7f) << 8);
    const bool inverts = (entry[9] & 0x80) != 0;
    const size_t room = (size_t)entry[10] + entry[12];
    const size_t size = entry[11];
    uint8_t code[255];
    uint8_t *out = site_at(redo, site, room);

    CHECK(size <= room && within != NULL && from >= redo->base + within->offset &&
          from + size <= redo->base + within->offset + within->size);
    if (fuzz_port_kind(redo->payload->port) != FUZZ_TARGET_RUNNING) {
        return;
    }
    CHECK(feature < FUZZ_FEATURES);
    if ((feature % 2 != 0) == inverts) {
        return;
    }
    memcpy(code, redo->bytes + (from - redo->base), size);
    if (size == BRANCH_SIZE && memcmp(code, "\xe8\xfb\xff\xff\xff", BRANCH_SIZE) == 0) {
        CHECK(room >= CALL_SIZE);
        call_directly(redo, site, out);
        put_nops(out + CALL_SIZE, room - CALL_SIZE);
        return;
    }
    move(redo, from, site, code, (int64_t)size);
    memcpy(out, code, size);
    put_nops(out + size, room - size);
}

static void redo_alternatives(const struct redo *redo)
{
    const struct hp_placed_section *place = place_of(redo, HP_SPECIAL_ALTINSTRUCTIONS);
    uint32_t n;

    CHECK(redo->payload->alternatives.count == (place != NULL ? place->size / ALT_SIZE : 0));
    for (n = 0; n < redo->payload->alternatives.count; n++) {
        redo_alternative(redo, place->offset + (uint64_t)n * ALT_SIZE);
    }
}

/* ---- exception table and bug frames ---------------------------------------------------------- */

struct exception {
    uint64_t fault;
    uint64_t fixup;
};

static int compare(const void *a, const void *b)
{
    const struct exception *x = a;
    const struct exception *y = b;

    if (x->fault != y->fault) {
        return x->fault < y->fault ? -1 : 1;
    }
    return (x->fixup > y->fixup) - (x->fixup < y->fixup);
}

static bool in_text(const struct redo *redo, uint64_t addr)
{
    const struct hp_placed_section *place;
    uint64_t offset;

    return find(redo, addr, 1, &offset, &place) && place->region == HP_REGION_TEXT;
}

static void redo_exceptions(const struct redo *redo)
{
    const struct hp_placed_section *place = place_of(redo, HP_SPECIAL_EX_TABLE);
    const uint32_t count = place != NULL ? place->size / EX_SIZE : 0;
    struct exception *sorted = calloc((size_t)count + 1, sizeof(*sorted));
    uint32_t n;

    CHECK(sorted != NULL && redo->payload->ex_table.count == count);
    for (n = 0; n < count; n++) {
        const uint64_t at = place->offset + (uint64_t)n * EX_SIZE;

        sorted[n].fault = at + (uint64_t)signed32(redo->bytes + at);
        sorted[n].fixup = at + 4 + (uint64_t)signed32(redo->bytes + at + 4);
        CHECK(in_text(redo, redo->base + sorted[n].fault));
        CHECK(in_text(redo, redo->base + sorted[n].fixup));
    }
    qsort(sorted, count, sizeof(*sorted), compare);
    for (n = 0; n < count; n++) {
        const uint64_t at = place->offset + (uint64_t)n * EX_SIZE;

        put32(redo->bytes + at, (int64_t)(sorted[n].fault - at));
        put32(redo->bytes + at + 4, (int64_t)(sorted[n].fixup - at - 4));
    }
    free(sorted);
}

/* The trap of a frame: 24 bits of displacement, the others are a line's. */
static uint64_t trap_of(const uint8_t *image, uint64_t base, uint64_t at)
{
    const int64_t displacement = (int64_t)(image[at] | image[at + 1] << 8 | image[at + 2] << 16);

    return base + at + (uint64_t)(displacement - (image[at + 2] & 0x80 ? 1 << 24 : 0));
}

static void check_frames(const struct redo *redo)
{
    uint32_t kind;
    uint32_t n;

    for (kind = 0; kind < HP_BUG_KINDS; kind++) {
        const struct hp_placed_section *place =
            place_of(redo, (enum hp_special)(HP_SPECIAL_BUG_FRAMES_0 + kind));
        const uint32_t size = kind == 3 ? 16 : 8;
        const struct hp_table *table = &redo->payload->bug_frames[kind];

        CHECK(table->count == (place != NULL ? place->size / size : 0));
        for (n = 0; n < table->count; n++) {
            CHECK(in_text(redo, trap_of(redo->bytes, redo->base, place->offset + n * size)));
        }
    }
}

void fuzz_redo_tables(const struct hp_payload *payload, const struct hp_elf *elf, uint8_t *bytes)
{
    const struct redo redo = {payload, elf, bytes, payload->image.memory.addr};

    redo_alternatives(&redo);
    redo_calls(&redo);
    redo_exceptions(&redo);
    check_frames(&redo);
}

/* ---- look-ups -------------------------------------------------------------------------------- */

static void look_up_faults(const struct hp_payload *payload)
{
    const uint8_t *image = payload->image.memory.host;
    uint64_t fixup;
    uint32_t n;

    for (n = 0; n < payload->ex_table.count; n++) {
        const uint64_t at = payload->ex_table.offset + (uint64_t)n * EX_SIZE;
        const uint64_t fault = payload->image.memory.addr + at + (uint64_t)signed32(image + at);

        CHECK(hp_payload_fixup(payload, fault, &fixup));
    }
    CHECK(!hp_payload_fixup(payload, payload->image.memory.addr - 1, &fixup));
}

static void look_up_bugs(const struct hp_payload *payload)
{
    const uint8_t *image = payload->image.memory.host;
    struct hp_bug_frame frame;
    uint32_t kind;
    uint32_t n;

    for (kind = 0; kind < HP_BUG_KINDS; kind++) {
        const struct hp_table *table = &payload->bug_frames[kind];
        const uint32_t size = kind == 3 ? 16 : 8;

        /* The first ones are enough: the search is linear, and this would be quadratic. */
        for (n = 0; n < table->count && n < 16; n++) {
            const uint64_t trap =
                trap_of(image, payload->image.memory.addr, table->offset + (uint64_t)n * size);

            CHECK(hp_payload_bug_frame(payload, trap, &frame) && frame.kind <= kind);
            CHECK(memcmp(frame.bytes, image + (frame.addr - payload->image.memory.addr),
                         frame.size) == 0);
        }
    }
}

static void look_up_symbols(const struct hp_payload *payload)
{
    const struct hp_region *text = &payload->image.regions[HP_REGION_TEXT];
    const uint64_t base = payload->image.memory.addr;
    struct hp_text_symbol found;
    uint32_t n;

    /* The first ones are enough: the search is linear, and this would be quadratic. */
    for (n = 0; n < payload->text_symbol_count && n < 64; n++) {
        const struct hp_text_symbol *symbol = &payload->text_symbols[n];

        CHECK(symbol->start >= text->offset && symbol->start <= symbol->end);
        CHECK(symbol->end <= text->offset + text->size);
        if (hp_payload_symbol_at(payload, base + symbol->start, &found)) {
            CHECK(payload->names[found.name] != '\0');
            CHECK(found.start <= symbol->start && symbol->start < found.end);
            CHECK(found.end <= text->offset + text->size);
        }
    }
    CHECK(!hp_payload_symbol_at(payload, base + text->offset + text->size, &found));
}

void fuzz_check_lookups(const struct hp_payload *payload)
{
    const char *entry;
    size_t pos = 0;
    size_t total = 0;

    look_up_faults(payload);
    look_up_bugs(payload);
    look_up_symbols(payload);
    while ((entry = hp_payload_metadata_next(payload, &pos)) != NULL) {
        total += strlen(entry) + 1;
    }
    CHECK(total <= payload->modinfo.size && pos == payload->modinfo.size);
    CHECK(hp_payload_metadata(payload, "") == NULL || payload->modinfo.size > 1);
}
