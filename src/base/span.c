/* SPDX-License-Identifier: BSD-2-Clause */
/* Bounded string scans. */
#include "base/span.h"

size_t hp_string_length(const char *text, size_t max)
{
    size_t n;

    for (n = 0; n < max; n++) {
        if (text[n] == '\0') {
            break;
        }
    }
    return n;
}

#define EVERY_BYTE(b) (UINT64_C(0x0101010101010101) * (b))

/* Highest bit of each zero byte, of the first one at least; 0 when there is none. */
static inline uint64_t zero_bytes(uint64_t word)
{
    return (word - EVERY_BYTE(1)) & ~word & EVERY_BYTE(0x80);
}

/* Bytes in front of the first one that zero_bytes() found. */
static inline size_t bytes_before(uint64_t zeros)
{
    uint64_t up_to = (zeros - 1) & ~zeros; /* all bits below the lowest */

    /* The highest byte of the product counts the bytes that have bit 0 set. */
    return (size_t)(((up_to & EVERY_BYTE(1)) * EVERY_BYTE(1)) >> 56) - 1;
}

size_t hp_block_length(const char *block, size_t size)
{
    const uint8_t *p = (const uint8_t *)block;
    size_t n;

    for (n = 0; size - n >= 8; n += 8) {
        uint64_t zeros = zero_bytes(hp_le64(p + n));

        if (zeros != 0) {
            return n + bytes_before(zeros);
        }
    }
    for (; n < size; n++) {
        if (p[n] == '\0') {
            break;
        }
    }
    return n;
}

bool hp_block_has(const char *block, size_t size, char byte)
{
    const uint8_t *p = (const uint8_t *)block;
    const uint64_t pattern = EVERY_BYTE((uint8_t)byte);
    uint64_t found = 0;
    size_t n;

    if (size < 8) {
        for (n = 0; n < size; n++) {
            found |= block[n] == byte ? 1 : 0;
        }
        return found != 0;
    }
    for (n = 0; size - n > 8; n += 8) {
        found |= zero_bytes(hp_le64(p + n) ^ pattern);
    }
    found |= zero_bytes(hp_le64(p + size - 8) ^ pattern); /* some of it a second time */
    return found != 0;
}

bool hp_string_equal(const char *text, size_t max, const char *other)
{
    size_t n;

    for (n = 0; n < max; n++) {
        if (text[n] != other[n]) {
            return false;
        }
        if (text[n] == '\0') {
            return true;
        }
    }
    return false;
}
