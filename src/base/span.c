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

size_t hp_block_length(const char *block, size_t size)
{
    const uint8_t *p = (const uint8_t *)block;
    size_t n;

    for (n = 0; size - n >= 8; n += 8) {
        uint64_t word = hp_le64(p + n);
        /* The lowest bit set is the highest bit of the first byte that is zero. */
        uint64_t zeros = (word - EVERY_BYTE(1)) & ~word & EVERY_BYTE(0x80);

        if (zeros != 0) {
            uint64_t up_to = (zeros - 1) & ~zeros; /* all bits below that one */

            /* The highest byte of the product counts the bytes that have bit 0 set. */
            return n + (size_t)(((up_to & EVERY_BYTE(1)) * EVERY_BYTE(1)) >> 56) - 1;
        }
    }
    for (; n < size; n++) {
        if (p[n] == '\0') {
            break;
        }
    }
    return n;
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
