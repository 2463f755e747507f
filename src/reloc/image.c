/* SPDX-License-Identifier: BSD-2-Clause */
/* Layout of the three regions, the image's memory, and the copy of the sections into it. */
#include <hotpatch/image.h>

#include <string.h>

#include "reloc/loading.h"

/* A layout while it grows; all sizes in bytes from the image's start. */
struct layout {
    uint64_t end;    /* end of what is placed so far */
    uint64_t align;  /* largest alignment so far */
    uint32_t placed; /* sections */
};

static enum hp_region_kind region_of(const struct hp_section *section)
{
    if ((section->flags & HP_SHF_EXECINSTR) != 0) {
        return HP_REGION_TEXT;
    }
    if ((section->flags & HP_SHF_WRITE) != 0) {
        return HP_REGION_DATA;
    }
    return HP_REGION_RODATA;
}

/* Reserves `size` bytes at the next multiple of `align`. */
static enum hp_status reserve(struct hp_loading *loading, struct layout *layout, uint64_t size,
                              uint64_t align, uint64_t *offset)
{
    uint64_t max = loading->payload->profile->image_max;
    uint64_t end = 0;

    if (align > max) {
        *offset = 0;
        hp_note_limit(loading->diag, loading->payload->profile, hp_profile_default.image_max,
                      align);
        return hp_fail_numbers(loading->diag, HP_STAGE_LAYOUT, HP_IMAGE_TOO_LARGE, max, align);
    }
    if (!hp_align_u64(layout->end, align, offset) || !hp_add_u64(*offset, size, &end) ||
        end > max) {
        hp_note_limit(loading->diag, loading->payload->profile, hp_profile_default.image_max, end);
        return hp_fail_numbers(loading->diag, HP_STAGE_LAYOUT, HP_IMAGE_TOO_LARGE, max, size);
    }
    layout->end = end;
    if (align > layout->align) {
        layout->align = align;
    }
    return HP_OK;
}

static enum hp_status place_section(struct hp_loading *loading, struct layout *layout,
                                    const struct hp_section *section, enum hp_region_kind region)
{
    struct hp_placed_section *place = &loading->places[layout->placed];
    uint64_t offset;
    enum hp_status status;

    if (section->type == HP_SHT_NOBITS && section->size > loading->payload->profile->nobits_max) {
        hp_note_limit(loading->diag, loading->payload->profile, hp_profile_default.nobits_max,
                      section->size);
        return hp_fail_numbers(loading->diag, HP_STAGE_LAYOUT, HP_NOBITS_TOO_LARGE,
                               loading->payload->profile->nobits_max, section->size);
    }
    status = reserve(loading, layout, section->size, section->align, &offset);
    if (status) {
        return status;
    }
    loading->section_place[section->index] = layout->placed;
    place->section = section->index;
    place->offset = (uint32_t)offset;
    place->size = (uint32_t)section->size;
    place->region = region;
    layout->placed++;
    return HP_OK;
}

/* In section_place: the section is to be placed in this region. No index is that large. */
#define PENDING(kind) (HP_NO_INDEX - 1 - (uint32_t)(kind))

/* Notes the region of every section. */
static void sort_sections(struct hp_loading *loading)
{
    uint32_t n;

    for (n = 0; n < loading->elf->shnum; n++) {
        const struct hp_section *section = &loading->sections[n];

        loading->section_place[n] =
            hp_section_is_loaded(section) ? PENDING(region_of(section)) : HP_NO_INDEX;
    }
}

/* Places what the library itself adds to a region, behind its sections: veneers and the GOT. */
static enum hp_status place_tables(struct hp_loading *loading, struct layout *layout,
                                   enum hp_region_kind kind)
{
    const struct hp_arch *arch = loading->payload->arch;
    struct hp_image *image = &loading->payload->image;
    enum hp_status status = HP_OK;
    uint64_t offset;

    if (kind == HP_REGION_TEXT && image->veneer_count > 0) {
        image->veneer_size = arch->veneer_size;
        status = reserve(loading, layout, (uint64_t)image->veneer_count * arch->veneer_size,
                         arch->veneer_size, &offset);
        image->veneer_offset = (uint32_t)offset;
    }
    if (kind == HP_REGION_RODATA && image->got_count > 0) {
        status =
            reserve(loading, layout, (uint64_t)image->got_count * arch->word, arch->word, &offset);
        image->got_offset = (uint32_t)offset;
    }
    return status;
}

/* Places all sections of one region, page aligned, in the order of the file. */
static enum hp_status place_region(struct hp_loading *loading, struct layout *layout,
                                   enum hp_region_kind kind)
{
    const uint32_t count = loading->elf->shnum;
    struct hp_image *image = &loading->payload->image;
    struct hp_region *region = &image->regions[kind];
    enum hp_status status;
    uint64_t start;
    uint32_t n;

    status = reserve(loading, layout, 0, loading->target.page_size, &start);
    for (n = 1; status == HP_OK && n < count; n++) {
        if (loading->section_place[n] != PENDING(kind)) {
            continue;
        }
        status = place_section(loading, layout, &loading->sections[n], kind);
        if (status) {
            hp_note_section(loading->diag, n, loading->sections[n].name);
        }
    }
    if (status == HP_OK) {
        status = place_tables(loading, layout, kind);
    }
    if (status) {
        return status;
    }
    region->offset = (uint32_t)start;
    region->size = (uint32_t)(layout->end - start);
    status = reserve(loading, layout, 0, loading->target.page_size, &start);
    region->span = (uint32_t)(layout->end - region->offset);
    return status;
}

/* Asks for memory from which every place in the target's text can be reached, and reversely. */
static enum hp_status obtain_memory(struct hp_loading *loading, const struct layout *layout)
{
    uint64_t reach = loading->payload->arch->reach;
    uint64_t text_start = loading->target.text_start;
    uint64_t text_end = loading->target.text_end;
    uint64_t last = hp_undecided_word(loading->payload->arch); /* of the address space */
    struct hp_image_request request = {(size_t)layout->end, layout->align, 0, last};
    const struct hp_image_memory *memory = &loading->payload->image.memory;
    enum hp_status status;

    if (request.size == 0) { /* nothing but empty sections: they still need an address */
        request.size = loading->target.page_size;
    }
    if (text_start < text_end) {
        request.low = text_end > reach ? text_end - reach : 0;
        request.high = text_start < last - reach ? text_start + reach : last;
    }
    status = hp_port_image_alloc(loading->payload->port, &request, &loading->payload->image.memory);
    if (status) {
        memset(&loading->payload->image.memory, 0, sizeof(loading->payload->image.memory));
    } else if (memory->addr == 0 || memory->addr > last || request.size > last - memory->addr) {
        /* Address 0 means "none" in the records; and a base may be none that the target has. */
        status = HP_IMAGE_MEMORY;
    }
    if (status) {
        return hp_fail_numbers(loading->diag, HP_STAGE_LAYOUT, status, 0, request.size);
    }
    return HP_OK;
}

enum hp_status hp_image_build(struct hp_loading *loading)
{
    struct hp_image *image = &loading->payload->image;
    struct layout layout = {0, loading->target.page_size, 0};
    enum hp_status status;
    uint32_t n;

    sort_sections(loading);
    for (n = 0; n < HP_REGION_COUNT; n++) {
        status = place_region(loading, &layout, (enum hp_region_kind)n);
        if (status) {
            return status;
        }
    }
    image->sections = loading->places;
    image->section_count = layout.placed;
    status = obtain_memory(loading, &layout);
    if (status) {
        return status;
    }
    for (n = 0; n < layout.placed; n++) {
        const struct hp_placed_section *place = &loading->places[n];
        const struct hp_span contents =
            hp_elf_bytes(loading->elf, &loading->sections[place->section]);

        if (contents.size > 0) {
            memcpy(image->memory.host + place->offset, contents.data, contents.size);
        }
    }
    return HP_OK;
}

enum hp_status hp_image_seal(struct hp_loading *loading)
{
    static const enum hp_protection protections[HP_REGION_COUNT] = {
        [HP_REGION_TEXT] = HP_PROTECT_TEXT,
        [HP_REGION_DATA] = HP_PROTECT_DATA,
        [HP_REGION_RODATA] = HP_PROTECT_RODATA,
    };
    const struct hp_image *image = &loading->payload->image;
    uint32_t n;

    for (n = 0; n < HP_REGION_COUNT; n++) {
        const struct hp_region *region = &image->regions[n];
        enum hp_status status;

        if (region->span == 0) {
            continue;
        }
        status = hp_port_image_protect(loading->payload->port, &image->memory, region->offset,
                                       region->span, protections[n]);
        if (status) {
            return hp_fail(loading->diag, HP_STAGE_LAYOUT, status);
        }
    }
    return HP_OK;
}

const struct hp_placed_section *hp_image_section_at(const struct hp_image *image, uint64_t addr)
{
    uint64_t offset = addr - image->memory.addr;
    uint32_t low = 0;
    uint32_t high = image->section_count;

    if (addr < image->memory.addr || offset >= image->memory.size) {
        return NULL;
    }
    while (low < high) { /* finds the first section that ends above the offset */
        uint32_t middle = low + (high - low) / 2;

        if ((uint64_t)image->sections[middle].offset + image->sections[middle].size <= offset) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == image->section_count || offset < image->sections[low].offset) {
        return NULL;
    }
    return &image->sections[low];
}
