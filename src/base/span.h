/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bounds-checked reading of untrusted bytes and checked arithmetic.
 *
 * The checks are written as "size < n || offset > size - n", a form without wrap-around that value
 * analysis can follow as well as a reader can. The loops over symbols and relocations, which run
 * after the view has checked the extent of those tables, index them directly.
 */
#ifndef HP_BASE_SPAN_H
#define HP_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hotpatch/elf.h>

#include "base/config.h"

/* True when [offset, offset + size) lies inside `total` bytes. */
static inline bool hp_range_fits(uint64_t total, uint64_t offset, uint64_t size)
{
    if (total < size || offset > total - size) {
        return false;
    }
    return true;
}

/* *sum = a + b; false when it wraps, and then *sum is 0. */
static inline bool hp_add_u64(uint64_t a, uint64_t b, uint64_t *sum)
{
    *sum = 0;
    if (a > UINT64_MAX - b) {
        return false;
    }
    *sum = a + b;
    return true;
}

/* value rounded up to a multiple of align, a power of two; false when it wraps. */
static inline bool hp_align_u64(uint64_t value, uint64_t align, uint64_t *out)
{
    uint64_t mask = align - 1;

    *out = 0;
    if (value > UINT64_MAX - mask) {
        return false;
    }
    *out = (value + mask) & ~mask;
    return true;
}

static inline bool hp_is_power_of_two(uint64_t value)
{
    return value != 0 && (value & (value - 1)) == 0;
}

/* Little-endian loads and stores at a pointer that the caller has checked for the width. */
static inline uint16_t hp_le16(const uint8_t *p)
{
    return (uint16_t)(p[0] | ((unsigned)p[1] << 8));
}

static inline uint32_t hp_le32(const uint8_t *p)
{
    return (uint32_t)p[0] | ((uint32_t)p[1] << 8) | ((uint32_t)p[2] << 16) | ((uint32_t)p[3] << 24);
}

static inline uint64_t hp_le64(const uint8_t *p)
{
    return (uint64_t)hp_le32(p) | ((uint64_t)hp_le32(p + 4) << 32);
}

static inline void hp_put_le16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}

static inline void hp_put_le32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
    p[2] = (uint8_t)(v >> 16);
    p[3] = (uint8_t)(v >> 24);
}

static inline void hp_put_le64(uint8_t *p, uint64_t v)
{
    hp_put_le32(p, (uint32_t)v);
    hp_put_le32(p + 4, (uint32_t)(v >> 32));
}

/* Loads from a span; *out is 0 and the result false when the field does not fit. */
static inline bool hp_span_le16(struct hp_span span, uint64_t offset, uint16_t *out)
{
    *out = 0;
    if (span.size < 2 || offset > span.size - 2) {
        return false;
    }
    *out = hp_le16(span.data + offset);
    return true;
}

static inline bool hp_span_le32(struct hp_span span, uint64_t offset, uint32_t *out)
{
    *out = 0;
    if (span.size < 4 || offset > span.size - 4) {
        return false;
    }
    *out = hp_le32(span.data + offset);
    return true;
}

static inline bool hp_span_le64(struct hp_span span, uint64_t offset, uint64_t *out)
{
    *out = 0;
    if (span.size < 8 || offset > span.size - 8) {
        return false;
    }
    *out = hp_le64(span.data + offset);
    return true;
}

/* [offset, offset + size) of a span; an empty span when that does not fit. */
static inline struct hp_span hp_span_slice(struct hp_span span, uint64_t offset, uint64_t size)
{
    struct hp_span out = {NULL, 0};

    if (span.size < size || offset > span.size - size) {
        return out;
    }
    out.data = span.data + offset;
    out.size = (size_t)size;
    return out;
}

/*
 * Length of the NUL-terminated string at text, looking at no more than max bytes; max when there is
 * no NUL among them.
 */
size_t hp_string_length(const char *text, size_t max);

#define HP_EVERY_BYTE(b) (UINT64_C(0x0101010101010101) * (b))

/* Highest bit of each zero byte, of the first one at least; 0 when there is none. */
static inline uint64_t hp_zero_bytes(uint64_t word)
{
    return (word - HP_EVERY_BYTE(1)) & ~word & HP_EVERY_BYTE(0x80);
}

/* Bytes in front of the first one that hp_zero_bytes() found. */
static inline size_t hp_bytes_before(uint64_t zeros)
{
    uint64_t up_to = (zeros - 1) & ~zeros; /* all bits below the lowest */

    /* The highest byte of the product counts the bytes that have bit 0 set. */
    return (size_t)(((up_to & HP_EVERY_BYTE(1)) * HP_EVERY_BYTE(1)) >> 56) - 1;
}

/*
 * Number of bytes in front of the first NUL of a block; `size` when there is none. Looks at eight
 * bytes at a time, so all `size` bytes of the block have to be there.
 */
HP_INLINE size_t hp_block_length(const char *block, size_t size)
{
    const uint8_t *p = (const uint8_t *)block;
    size_t n;

    for (n = 0; size - n >= 8; n += 8) {
        uint64_t zeros = hp_zero_bytes(hp_le64(p + n));

        if (zeros != 0) {
            return n + hp_bytes_before(zeros);
        }
    }
    for (; n < size; n++) {
        if (p[n] == '\0') {
            break;
        }
    }
    return n;
}

/* True when one of the `size` bytes of a block is this one. */
bool hp_block_has(const char *block, size_t size, char byte);

/* True when the NUL-terminated string `text` of at most `max` bytes equals the literal `other`. */
bool hp_string_equal(const char *text, size_t max, const char *other);

#endif
