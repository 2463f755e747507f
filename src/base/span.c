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

bool hp_block_has(const char *block, size_t size, char byte)
{
    const uint8_t *p = (const uint8_t *)block;
    const uint64_t pattern = HP_EVERY_BYTE((uint8_t)byte);
    uint64_t found = 0;
    size_t n;

    if (size < 8) {
        for (n = 0; n < size; n++) {
            found |= block[n] == byte ? 1 : 0;
        }
        return found != 0;
    }
    for (n = 0; size - n > 8; n += 8) {
        found |= hp_zero_bytes(hp_le64(p + n) ^ pattern);
    }
    found |= hp_zero_bytes(hp_le64(p + size - 8) ^ pattern); /* some of it a second time */
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
