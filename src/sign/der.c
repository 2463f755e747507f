/* SPDX-License-Identifier: BSD-2-Clause */
/* A reader of DER. */
#include "sign/der.h"

#include "base/span.h"
#include "elf/view.h"

/* The byte at an offset below `end`; false when there is none. */
static bool read_byte(const struct hp_der *der, uint64_t offset, uint8_t *byte)
{
    const uint8_t *p = hp_elf_at(der->file, offset, 1);

    *byte = 0;
    if (!p || offset >= der->end) {
        return false;
    }
    *byte = *p;
    return true;
}

bool hp_der_is_next(const struct hp_der *der, uint8_t tag)
{
    uint8_t byte;

    return read_byte(der, der->at, &byte) && byte == tag;
}

/*
 * Reads a length at *offset and moves that behind it (X.690, 8.1.3 and 10.1). Two bytes are enough
 * for a length: header and signature of a payload take a few hundred bytes, names included.
 */
static bool read_length(const struct hp_der *der, uint64_t *offset, uint32_t *length)
{
    uint8_t first;
    uint8_t high;
    uint8_t low;

    *length = 0;
    if (!read_byte(der, *offset, &first)) {
        return false;
    }
    if (first < 0x80) {
        *length = first;
        *offset += 1;
        return true;
    }
    if (!read_byte(der, *offset + 1, &high)) {
        return false;
    }
    if (first == 0x81) {
        *length = high;
        *offset += 2;
        return high >= 0x80;
    }
    if (first != 0x82 || !read_byte(der, *offset + 2, &low)) {
        return false;
    }
    *length = ((uint32_t)high << 8) | low;
    *offset += 3;
    return high != 0;
}

bool hp_der_take(struct hp_der *der, uint8_t tag, struct hp_der *contents)
{
    uint64_t offset = der->at;
    uint32_t length;

    contents->file = der->file;
    contents->at = der->at;
    contents->end = der->at;
    if (!hp_der_is_next(der, tag)) {
        return false;
    }
    offset += 1;
    if (!read_length(der, &offset, &length) || offset > der->end || length > der->end - offset) {
        return false;
    }
    contents->at = offset;
    contents->end = offset + length;
    der->at = offset + length;
    return true;
}

bool hp_der_take_integer(struct hp_der *der, struct hp_span *octets)
{
    const struct hp_span none = {NULL, 0};
    struct hp_der contents;
    uint8_t first;
    uint8_t second;

    *octets = none;
    if (!hp_der_take(der, HP_DER_INTEGER, &contents) ||
        !read_byte(&contents, contents.at, &first)) {
        return false;
    }
    /* The first nine bits must not be all equal (X.690, 8.3.2). */
    if (read_byte(&contents, contents.at + 1, &second) &&
        ((first == 0 && second < 0x80) || (first == 0xff && second >= 0x80))) {
        return false;
    }
    *octets = hp_der_span(&contents);
    return true;
}

bool hp_der_take_number(struct hp_der *der, uint8_t *value)
{
    struct hp_der contents;

    *value = 0;
    return hp_der_take(der, HP_DER_INTEGER, &contents) && contents.end - contents.at == 1 &&
           read_byte(&contents, contents.at, value) && *value < 0x80;
}

bool hp_der_equals(const struct hp_der *contents, const uint8_t *bytes, size_t size)
{
    uint8_t byte;
    size_t i;

    if (contents->end < contents->at || contents->end - contents->at != size) {
        return false;
    }
    for (i = 0; i < size; i++) {
        if (!read_byte(contents, contents->at + i, &byte) || byte != bytes[i]) {
            return false;
        }
    }
    return true;
}

struct hp_span hp_der_span(const struct hp_der *der)
{
    const struct hp_span none = {NULL, 0};

    if (der->end < der->at) {
        return none;
    }
    return hp_span_slice(der->file, der->at, der->end - der->at);
}
