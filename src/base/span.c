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
