/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A reader of DER (X.690), as far as the CMS of a signature goes.
 *
 * It knows definite lengths in their shortest form and tags of one byte, and nothing else, so BER
 * never gets through. Like the ELF view it checks every byte against the whole file where it reads
 * it, so that value analysis can prove it.
 */
#ifndef HP_SIGN_DER_H
#define HP_SIGN_DER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hotpatch/elf.h>

/* Tags: class, primitive or constructed, and number in one byte. */
enum {
    HP_DER_INTEGER = 0x02,
    HP_DER_OCTETS = 0x04,
    HP_DER_NULL = 0x05,
    HP_DER_OID = 0x06,
    HP_DER_SEQUENCE = 0x30,
    HP_DER_SET = 0x31,
    HP_DER_CONTEXT_0 = 0x80,      /* [0] IMPLICIT of a primitive type */
    HP_DER_CONTEXT_0_HOLD = 0xa0, /* [0] of a constructed type, or EXPLICIT */
    HP_DER_CONTEXT_1_HOLD = 0xa1
};

/* What is still to be read: bytes [at, end) of the file. */
struct hp_der {
    struct hp_span file;
    uint64_t at;
    uint64_t end;
};

/* True when nothing is left. */
static inline bool hp_der_is_done(const struct hp_der *der)
{
    return der->at >= der->end;
}

/* True when the next byte is that tag. */
bool hp_der_is_next(const struct hp_der *der, uint8_t tag);

/*
 * Takes the next element, which must have that tag, and its contents; false when it is not there or
 * is not DER, and then the contents are empty.
 */
bool hp_der_take(struct hp_der *der, uint8_t tag, struct hp_der *contents);

/* Takes an INTEGER and gives its contents octets, the shortest form of its value. */
bool hp_der_take_integer(struct hp_der *der, struct hp_span *octets);

/* Takes an INTEGER from 0 to 127. */
bool hp_der_take_number(struct hp_der *der, uint8_t *value);

/* True when the contents are exactly those `size` bytes. */
bool hp_der_equals(const struct hp_der *contents, const uint8_t *bytes, size_t size);

/* The bytes still to be read, as a part of the file. */
struct hp_span hp_der_span(const struct hp_der *der);

#endif
