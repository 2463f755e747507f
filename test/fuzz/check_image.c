/* SPDX-License-Identifier: BSD-2-Clause */
/* A loaded payload under fuzzing: layout, contents, records and exports. */
#include <stdbool.h>
#include <string.h>

#include <hotpatch/elf.h>

#include "check.h"
#include "fuzz_port.h"
#include "harness.h"

static uint64_t align_of(const struct hp_elf *elf, uint32_t index)
{
    struct hp_section section;

    CHECK(hp_elf_section(elf, index, &section) == HP_OK);
    return section.align;
}

static enum hp_region_kind region_of(uint64_t flags)
{
    if ((flags & HP_SHF_EXECINSTR) != 0) {
        return HP_REGION_TEXT;
    }
    return (flags & HP_SHF_WRITE) != 0 ? HP_REGION_DATA : HP_REGION_RODATA;
}

/* Regions are whole pages, in order, inside the image. */
static void check_regions(const struct hp_image *image)
{
    uint64_t end = 0;
    uint32_t n;

    for (n = 0; n < HP_REGION_COUNT; n++) {
        const struct hp_region *region = &image->regions[n];

        CHECK(region->offset % FUZZ_PAGE == 0 && region->span % FUZZ_PAGE == 0);
        CHECK(region->size <= region->span && region->span - region->size < FUZZ_PAGE);
        CHECK(region->offset >= end);
        end = (uint64_t)region->offset + region->span;
    }
    CHECK(end <= image->memory.size);
}

/* Every loaded section lies in its region, aligned, behind the one before, and can be found. */
static void check_places(const struct hp_elf *elf, const struct hp_image *image)
{
    uint64_t end = 0;
    uint32_t loaded = 0;
    uint32_t n;

    for (n = 0; n < image->section_count; n++) {
        const struct hp_placed_section *place = &image->sections[n];
        const struct hp_region *region;
        const uint64_t addr = image->memory.addr + place->offset;
        struct hp_section section;

        CHECK(hp_elf_section(elf, place->section, &section) == HP_OK);
        CHECK(place->region == region_of(section.flags) && place->size == section.size);
        CHECK(addr % align_of(elf, place->section) == 0);
        CHECK(place->offset >= end);
        end = (uint64_t)place->offset + place->size;
        region = &image->regions[place->region];
        CHECK(place->offset >= region->offset && end <= (uint64_t)region->offset + region->size);
        if (place->size > 0) {
            CHECK(hp_image_section_at(image, addr) == place);
            CHECK(hp_image_section_at(image, addr + place->size - 1) == place);
        }
        CHECK(hp_image_section_at(image, addr + place->size) != place);
    }
    for (n = 1; n < elf->shnum; n++) {
        struct hp_section section;

        CHECK(hp_elf_section(elf, n, &section) == HP_OK);
        loaded += (section.flags & HP_SHF_ALLOC) != 0 ? 1 : 0;
    }
    CHECK(loaded == image->section_count);
    CHECK(hp_image_section_at(image, image->memory.addr - 1) == NULL);
    CHECK(hp_image_section_at(image, image->memory.addr + image->memory.size) == NULL);
}

/* Bytes that a relocation type of x86-64 may change (psABI, table 4.9). */
static uint32_t width_of(uint32_t type)
{
    switch (type) {
    case 0:
        return 0;
    case 1:
    case 24:
        return 8;
    case 12:
    case 13:
        return 2;
    case 14:
    case 15:
        return 1;
    default:
        return 4;
    }
}

/* Copies into `expected`, the image as the file has it, the fields that relocations may change. */
static void allow_relocated(const struct hp_elf *elf, const struct hp_image *image,
                            const struct hp_section *relocs, uint8_t *expected)
{
    const uint32_t count = hp_elf_reloc_count(elf, relocs);
    const struct hp_placed_section *place = NULL;
    struct hp_reloc reloc;
    uint32_t n;

    for (n = 0; n < image->section_count; n++) {
        if (image->sections[n].section == relocs->info) {
            place = &image->sections[n];
        }
    }
    for (n = 0; place != NULL && n < count; n++) {
        uint32_t width;

        CHECK(hp_elf_reloc(elf, relocs, n, &reloc) == HP_OK);
        width = width_of(reloc.type);
        CHECK(width <= place->size && reloc.offset <= place->size - width);
        memcpy(expected + place->offset + reloc.offset,
               image->memory.host + place->offset + reloc.offset, width);
    }
}

/* Nothing in the image differs from the file but relocated fields and the GOT; the rest is zero. */
static void check_contents(const struct hp_elf *elf, const struct hp_image *image, uint32_t word)
{
    uint8_t *expected = calloc(1, image->memory.size);
    const uint64_t got_size = (uint64_t)image->got_count * word;
    struct hp_section section;
    uint32_t n;

    CHECK(expected != NULL);
    for (n = 0; n < image->section_count; n++) {
        const struct hp_placed_section *place = &image->sections[n];
        struct hp_span contents;

        CHECK(hp_elf_section(elf, place->section, &section) == HP_OK);
        contents = hp_elf_contents(elf, &section);
        if (contents.size > 0) {
            memcpy(expected + place->offset, contents.data, contents.size);
        }
    }
    for (n = 1; n < elf->shnum; n++) {
        CHECK(hp_elf_section(elf, n, &section) == HP_OK);
        if (section.type == HP_SHT_RELA) {
            allow_relocated(elf, image, &section, expected);
        }
    }
    if (got_size > 0) {
        const struct hp_region *rodata = &image->regions[HP_REGION_RODATA];

        CHECK(image->got_offset % word == 0 && image->got_offset >= rodata->offset &&
              image->got_offset + got_size == (uint64_t)rodata->offset + rodata->size);
        memcpy(expected + image->got_offset, image->memory.host + image->got_offset, got_size);
    }
    CHECK(memcmp(expected, image->memory.host, image->memory.size) == 0);
    free(expected);
}

static bool in_text(const struct hp_image *image, uint64_t addr)
{
    const struct hp_placed_section *place = hp_image_section_at(image, addr);

    return place != NULL && place->region == HP_REGION_TEXT;
}

/* A pointer of the payload into its image, with a NUL behind it in the image. */
static void check_image_name(const struct hp_image *image, const char *name)
{
    const uint8_t *at = (const uint8_t *)name;

    CHECK(at >= image->memory.host && at < image->memory.host + image->memory.size);
    CHECK(memchr(at, '\0', image->memory.size - (size_t)(at - image->memory.host)) != NULL);
}

static void check_records(const struct hp_payload *payload)
{
    const struct hp_image *image = &payload->image;
    uint32_t undecided = 0;
    uint32_t n;

    CHECK(payload->record_version == 1 || payload->record_version == 2);
    for (n = 0; n < payload->record_count; n++) {
        const struct hp_record *record = &payload->records[n];

        CHECK(record->version == payload->record_version);
        CHECK(record->old_size > 0 && record->expect_len < HP_WRITE_MAX);
        CHECK(record->expect_len <= record->old_size);
        CHECK(record->new_addr == 0 || in_text(image, record->new_addr));
        CHECK(record->undecided == (record->old_addr == 0));
        CHECK(record->undecided || record->limit == 0 || record->limit > record->old_addr);
        undecided += record->undecided ? 1 : 0;
        if (record->name != NULL) {
            check_image_name(image, record->name);
        }
    }
    CHECK(undecided == payload->undecided.records);
}

static void check_hooks(const struct hp_payload *payload)
{
    const struct hp_image *image = &payload->image;
    uint32_t kind;
    uint32_t n;

    for (kind = 0; kind <= HP_HOOK_LAST - HP_HOOK_FIRST; kind++) {
        const struct hp_hooks *hooks = &payload->hooks[kind];

        for (n = 0; n < hooks->count; n++) {
            uint64_t addr = 0;

            CHECK(hooks->offset + (uint64_t)(n + 1) * 8 <= image->memory.size);
            memcpy(&addr, image->memory.host + hooks->offset + (size_t)n * 8, sizeof(addr));
            CHECK(in_text(image, addr));
        }
    }
}

static void check_exports(const struct hp_payload *payload)
{
    const struct hp_symtab *table = &payload->provided;
    uint32_t n;

    for (n = 0; n < table->count; n++) {
        const struct hp_symtab_entry *entry = &table->entries[n];
        const struct hp_symtab_entry *found =
            hp_symtab_find(table, table->names + entry->name, entry->length, NULL);

        CHECK(found != NULL && found->length == entry->length && entry->length > 0);
        CHECK(memcmp(table->names + found->name, table->names + entry->name, entry->length) == 0);
    }
}

static void check_span(struct hp_span span, bool wanted)
{
    volatile uint8_t sink = 0;
    size_t n;

    CHECK(!wanted || span.size > 0);
    for (n = 0; n < span.size; n++) {
        sink ^= span.data[n];
    }
}

void fuzz_check_image(const struct hp_payload *payload, const uint8_t *data, size_t size)
{
    struct hp_elf elf;
    size_t extent;

    CHECK(hp_elf_extent(data, size, &extent, NULL) == HP_OK);
    CHECK(payload->has_signature == (extent < size));
    CHECK(hp_elf_open(&elf, data, extent, payload->profile, NULL) == HP_OK);
    check_regions(&payload->image);
    check_places(&elf, &payload->image);
    check_contents(&elf, &payload->image, 8);
    check_records(payload);
    check_hooks(payload);
    check_exports(payload);
    check_span(payload->build_id, true);
    check_span(payload->depends, true);
    check_span(payload->xen_depends, payload->record_version == 2);
    check_span(payload->modinfo, elf.special[HP_SPECIAL_MODINFO] != 0);
}
