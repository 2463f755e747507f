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

static bool in_text(const struct hp_image *image, uint64_t addr)
{
    const struct hp_placed_section *place = hp_image_section_at(image, addr);

    return place != NULL && place->region == HP_REGION_TEXT;
}

/* A name lies in one section of the image, with its NUL. */
static void check_image_name(const struct hp_image *image, const char *name)
{
    const uint8_t *at = (const uint8_t *)name;
    const struct hp_placed_section *place;
    size_t offset;

    CHECK(at >= image->memory.host && at < image->memory.host + image->memory.size);
    offset = (size_t)(at - image->memory.host);
    place = hp_image_section_at(image, image->memory.addr + offset);
    CHECK(place != NULL);
    CHECK(memchr(at, '\0', place->size - (offset - place->offset)) != NULL);
}

/* Returns the number of those that are undecided. */
static uint32_t check_splices(const struct hp_payload *payload)
{
    const struct hp_image *image = &payload->image;
    uint32_t undecided = 0;
    uint32_t n;

    for (n = 0; n < payload->splice_count; n++) {
        const struct hp_splice *splice = &payload->splices[n];
        const bool is_bytes = splice->kind == HP_SPLICE_OF_BYTES;

        CHECK(splice->kind >= HP_SPLICE_OF_BYTES && splice->kind <= HP_SPLICE_OF_POINTER);
        CHECK(is_bytes ? splice->size > 0 && splice->size <= HP_WRITE_MAX : splice->size == 0);
        CHECK(splice->undecided == (splice->addr == 0) && splice->patched == 0);
        CHECK(splice->undecided || splice->limit == 0 || splice->limit > splice->addr);
        CHECK(splice->undecided || splice->start <= splice->addr);
        CHECK(!is_bytes || (splice->old_name == NULL && splice->old_target == 0));
        CHECK((splice->new_target == 0) == is_bytes || splice->undecided);
        CHECK(splice->kind == HP_SPLICE_OF_POINTER || in_text(image, splice->new_target) ||
              hp_image_section_at(image, splice->new_target) == NULL);
        if (splice->name != NULL) {
            check_image_name(image, splice->name);
        }
        if (splice->old_name != NULL) {
            check_image_name(image, splice->old_name);
        }
        undecided += splice->undecided ? 1 : 0;
    }
    return undecided;
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
    undecided += check_splices(payload);
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

void fuzz_check_image(const struct hp_payload *payload, const struct hp_payload *const *applied,
                      size_t applied_count, const uint8_t *data, size_t size)
{
    struct hp_elf elf;
    size_t extent;

    CHECK(hp_elf_extent(data, size, &extent, NULL) == HP_OK);
    CHECK(payload->has_signature == (extent < size));
    CHECK(hp_elf_open(&elf, data, extent, payload->profile, NULL) == HP_OK);
    check_regions(&payload->image);
    check_places(&elf, &payload->image);
    fuzz_check_contents(payload, &elf, applied, applied_count);
    check_records(payload);
    check_hooks(payload);
    check_exports(payload);
    fuzz_check_lookups(payload);
    check_span(payload->build_id, true);
    check_span(payload->depends, true);
    check_span(payload->xen_depends, payload->record_version == 2);
    check_span(payload->modinfo, elf.special[HP_SPECIAL_MODINFO] != 0);
}
