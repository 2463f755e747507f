/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The relocated image under fuzzing, against a second relocator: plain, slow, and written from the
 * psABI for AMD64 (section 4.4) alone. Every byte of the image has to be the same.
 */
#include <stdbool.h>
#include <string.h>

#include <hotpatch/elf.h>

#include "check.h"
#include "fuzz_port.h"
#include "harness.h"

enum { WORD = 8 };

/* What the image should be, while it is made. */
struct redo {
    const struct hp_payload *payload;
    const struct hp_elf *elf;
    const struct hp_payload *const *applied;
    size_t applied_count;
    uint8_t *bytes;      /* as large as the image */
    uint32_t *slots;     /* GOT slot of each symbol, plus one */
    uint32_t slot_count; /* given so far, in the order of the relocations */
};

/* The placed section of a section index; NULL when it is not loaded. */
static const struct hp_placed_section *place_of(const struct redo *redo, uint32_t section)
{
    const struct hp_image *image = &redo->payload->image;
    uint32_t n;

    for (n = 0; n < image->section_count; n++) {
        if (image->sections[n].section == section) {
            return &image->sections[n];
        }
    }
    return NULL;
}

/* Value of an undefined symbol; false when there is no target to tell. */
static bool find_undefined(const struct redo *redo, const struct hp_symbol *symbol, uint64_t *value)
{
    const struct hp_image *image = &redo->payload->image;
    const size_t length = strlen(symbol->name);
    struct hp_target_symbol found;
    enum hp_status status;
    size_t n;

    *value = 0;
    if (image->got_count > 0 && strcmp(symbol->name, "_GLOBAL_OFFSET_TABLE_") == 0) {
        *value = image->memory.addr + image->got_offset;
        return true;
    }
    status = hp_port_symbol_by_name(redo->payload->port, symbol->name, length, &found);
    if (status == HP_OK) {
        *value = found.addr;
        return true;
    }
    CHECK(status == HP_SYMBOL_UNDEFINED || status == HP_UNDECIDED);
    for (n = 0; n < redo->applied_count; n++) {
        const struct hp_symtab *table = &redo->applied[n]->provided;
        uint32_t i;

        for (i = 0; i < table->count; i++) {
            const struct hp_symtab_entry *entry = &table->entries[i];

            /* A local one is kept only for the profile that minds it. */
            if (entry->order == HP_PROVIDED_GLOBAL && entry->length == length &&
                memcmp(table->names + entry->name, symbol->name, length) == 0) {
                *value = entry->addr;
                return true;
            }
        }
    }
    CHECK(status == HP_UNDECIDED || symbol->bind == HP_STB_WEAK);
    return status != HP_UNDECIDED;
}

/* Value of any symbol; false when there is no target to tell. */
static bool find_symbol(const struct redo *redo, uint32_t index, uint64_t *value)
{
    const struct hp_placed_section *place;
    struct hp_symbol symbol;

    CHECK(hp_elf_symbol(redo->elf, index, &symbol, NULL) == HP_OK);
    switch (symbol.place) {
    case HP_PLACE_UNDEFINED:
        return find_undefined(redo, &symbol, value);
    case HP_PLACE_ABSOLUTE:
        *value = symbol.value;
        return true;
    case HP_PLACE_SECTION:
        place = place_of(redo, symbol.section);
        CHECK(place != NULL && symbol.value <= place->size);
        *value = redo->payload->image.memory.addr + place->offset + symbol.value;
        return true;
    default:
        CHECK(false);
    }
    return false;
}

/* Address of a symbol's GOT slot, which the first relocation that needs it fills. */
static uint64_t slot_of(struct redo *redo, uint32_t symbol, bool known, uint64_t value)
{
    const struct hp_image *image = &redo->payload->image;
    uint64_t offset;

    if (redo->slots[symbol] == 0) {
        redo->slot_count++;
        redo->slots[symbol] = redo->slot_count;
        CHECK(redo->slot_count <= image->got_count);
    }
    offset = image->got_offset + (uint64_t)(redo->slots[symbol] - 1) * WORD;
    if (!known) {
        value = UINT64_MAX;
    }
    CHECK(offset + WORD <= image->memory.size);
    memcpy(redo->bytes + offset, &value, WORD);
    return image->memory.addr + offset;
}

/* Stores a value in a field of `size` bytes that takes values from `low` to `high`. */
static void store(uint8_t *field, size_t size, uint64_t value, int64_t low, int64_t high)
{
    CHECK((int64_t)value >= low && (int64_t)value <= high);
    memcpy(field, &value, size);
}

/* Bytes of the fields of all types that are known. */
static size_t width_of(uint32_t type)
{
    static const uint8_t widths[] = {0, 8, 4, 0, 4, 0, 0, 0, 0, 4, 4, 4, 2,
                                     2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 8};

    if (type < sizeof(widths)) {
        CHECK(type == 0 || widths[type] != 0);
        return widths[type];
    }
    CHECK(type == 41 || type == 42);
    return 4;
}

static void apply(struct redo *redo, const struct hp_placed_section *place,
                  const struct hp_reloc *reloc)
{
    const size_t width = width_of(reloc->type);
    uint8_t *field = redo->bytes + place->offset + reloc->offset;
    const uint64_t p = redo->payload->image.memory.addr + place->offset + reloc->offset;
    uint64_t value = 0;
    uint64_t s_a;
    bool known;

    CHECK(width <= place->size && reloc->offset <= place->size - width);
    if (reloc->type == 0) {
        return;
    }
    CHECK(reloc->symbol > 0);
    known = find_symbol(redo, reloc->symbol, &value);
    s_a = value + (uint64_t)reloc->addend;
    if (reloc->type == 9 || reloc->type == 41 || reloc->type == 42) {
        s_a = slot_of(redo, reloc->symbol, known, value) + (uint64_t)reloc->addend;
    }
    if (!known) {
        memset(field, 0xff, width);
        return;
    }
    switch (reloc->type) {
    case 1:
        memcpy(field, &s_a, width);
        break;
    case 24:
        s_a -= p;
        memcpy(field, &s_a, width);
        break;
    case 10:
        store(field, width, s_a, 0, UINT32_MAX);
        break;
    case 11:
        store(field, width, s_a, INT32_MIN, INT32_MAX);
        break;
    case 12:
        store(field, width, s_a, INT16_MIN, UINT16_MAX);
        break;
    case 13:
        store(field, width, s_a - p, INT16_MIN, INT16_MAX);
        break;
    case 14:
        store(field, width, s_a, INT8_MIN, UINT8_MAX);
        break;
    case 15:
        store(field, width, s_a - p, INT8_MIN, INT8_MAX);
        break;
    default: /* 2, 4, 9, 41, 42 */
        store(field, width, s_a - p, INT32_MIN, INT32_MAX);
        break;
    }
}

static void copy_sections(const struct redo *redo)
{
    const struct hp_image *image = &redo->payload->image;
    struct hp_section section;
    uint32_t n;

    for (n = 0; n < image->section_count; n++) {
        const struct hp_placed_section *place = &image->sections[n];
        struct hp_span contents;

        CHECK(hp_elf_section(redo->elf, place->section, &section) == HP_OK);
        contents = hp_elf_contents(redo->elf, &section);
        if (contents.size > 0) {
            memcpy(redo->bytes + place->offset, contents.data, contents.size);
        }
    }
}

static void apply_sections(struct redo *redo)
{
    struct hp_section section;
    struct hp_reloc reloc;
    uint32_t n;
    uint32_t i;

    for (n = 1; n < redo->elf->shnum; n++) {
        const struct hp_placed_section *place;

        CHECK(hp_elf_section(redo->elf, n, &section) == HP_OK);
        place = section.type == HP_SHT_RELA ? place_of(redo, section.info) : NULL;
        for (i = 0; place != NULL && i < hp_elf_reloc_count(redo->elf, &section); i++) {
            CHECK(hp_elf_reloc(redo->elf, &section, i, &reloc) == HP_OK);
            apply(redo, place, &reloc);
        }
    }
}

/* No symbol of a loaded section lies outside it, whether something refers to it or not. */
static void check_values(const struct redo *redo)
{
    struct hp_symbol symbol;
    uint32_t n;

    for (n = 1; n < redo->elf->symbol_count; n++) {
        const struct hp_placed_section *place = NULL;

        CHECK(hp_elf_symbol(redo->elf, n, &symbol, NULL) == HP_OK);
        if (symbol.place == HP_PLACE_SECTION) {
            place = place_of(redo, symbol.section);
        }
        CHECK(place == NULL || symbol.value <= place->size);
    }
}

void fuzz_check_contents(const struct hp_payload *payload, const struct hp_elf *elf,
                         const struct hp_payload *const *applied, size_t applied_count)
{
    const struct hp_image *image = &payload->image;
    const struct hp_region *rodata = &image->regions[HP_REGION_RODATA];
    struct redo redo = {.payload = payload,
                        .elf = elf,
                        .applied = applied,
                        .applied_count = applied_count,
                        .bytes = calloc(1, image->memory.size),
                        .slots = calloc(elf->symbol_count, sizeof(uint32_t))};

    CHECK(redo.bytes != NULL && redo.slots != NULL);
    if (image->got_count > 0) {
        CHECK(image->got_offset % WORD == 0 && image->got_offset >= rodata->offset);
        CHECK(image->got_offset + image->got_count * UINT64_C(8) ==
              (uint64_t)rodata->offset + rodata->size);
    }
    check_values(&redo);
    copy_sections(&redo);
    apply_sections(&redo);
    CHECK(redo.slot_count == image->got_count);
    fuzz_redo_tables(payload, elf, redo.bytes);
    CHECK(memcmp(redo.bytes, image->memory.host, image->memory.size) == 0);
    free(redo.bytes);
    free(redo.slots);
}
