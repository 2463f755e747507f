/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The loaded image of a payload: its sections at their addresses, and a look-up by address.
 *
 * An image is filled by hp_payload_load() (load.h) and owned by the payload it belongs to.
 */
#ifndef HOTPATCH_IMAGE_H
#define HOTPATCH_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include <hotpatch/port.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The three regions of an image, in the order in which they lie in memory (SPEC section 7). */
enum hp_region_kind {
    HP_REGION_TEXT,   /* read and execute; holds the veneers as well */
    HP_REGION_DATA,   /* read and write */
    HP_REGION_RODATA, /* read only; holds the GOT as well */
    HP_REGION_COUNT
};

/* A page-aligned part of the image. */
struct hp_region {
    uint32_t offset; /* bytes from the image's start */
    uint32_t size;   /* bytes used; 0 when the region is empty */
    uint32_t span;   /* bytes reserved: size rounded up to pages */
};

/* A section as it lies in the image. */
struct hp_placed_section {
    uint32_t section; /* index in the payload file */
    uint32_t offset;  /* bytes from the image's start */
    uint32_t size;    /* bytes */
    uint32_t region;  /* enum hp_region_kind */
};

/* The image. Read-only for callers. */
struct hp_image {
    struct hp_image_memory memory;
    struct hp_region regions[HP_REGION_COUNT];
    const struct hp_placed_section *sections; /* by ascending offset */
    uint32_t section_count;
    uint32_t got_offset;    /* of the global offset table, from the image's start */
    uint32_t got_count;     /* slots, each one target word */
    uint32_t veneer_offset; /* of the veneers, which close the text region */
    uint32_t veneer_count;  /* room for as many; those that no branch needed are zero */
    uint32_t veneer_size;   /* bytes of each */
};

/*
 * Finds the loaded section that holds an address; of an empty section none. NULL when the address
 * is in no section. Any context; logarithmic in the number of sections.
 */
const struct hp_placed_section *hp_image_section_at(const struct hp_image *image, uint64_t addr);

#ifdef __cplusplus
}
#endif

#endif
