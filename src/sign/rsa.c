/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * RSASSA-PKCS1-v1_5 verification (RFC 8017, section 8.2.2) for e = 65537.
 *
 * The signature is raised to the 65537th power modulo n, and the result compared byte by byte with
 * the only encoding that a digest has: nothing is parsed, so there is nothing to be lenient about.
 * Numbers are arrays of 32-bit words, the lowest first; products are of 64 bits, which needs no
 * help from a compiler's library on 32-bit targets. All inputs are public, so the time may tell
 * about them.
 */
#include "sign/rsa.h"

#include <string.h>

#include "sign/sha2.h"

#define WORDS_MAX ((size_t)HP_RSA_BITS_MAX / 32)

/* DER of DigestInfo in front of the digest (RFC 8017, section 9.2, note 1): SEQUENCE, SEQUENCE,
 * OBJECT IDENTIFIER, NULL, OCTET STRING. The bytes named here differ between the digests. */
enum { INFO_SIZE = 19, INFO_LENGTH_AT = 1, INFO_OID_AT = 14, INFO_DIGEST_LENGTH_AT = 18 };
static const uint8_t info[INFO_SIZE] = {0x30, 0,    0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                        0x65, 0x03, 0x04, 0x02, 0,    0x05, 0x00, 0x04, 0};

/* A modulus and what Montgomery's method needs of it; R is 2^(32 * count). */
struct modulus {
    const uint32_t *n;
    size_t count;    /* words */
    uint32_t negate; /* -1/n modulo 2^32 */
};

/* Makes words of a big-endian number; words that it does not reach are zero. */
static void load(uint32_t *words, size_t count, struct hp_span number)
{
    size_t i;

    memset(words, 0, count * sizeof(*words));
    for (i = 0; i < number.size && i / 4 < count; i++) {
        words[i / 4] |= (uint32_t)number.data[number.size - 1 - i] << (8 * (i % 4));
    }
}

/* Byte of a number, counted from its low end. */
static uint8_t byte_at(const uint32_t *words, size_t index)
{
    return (uint8_t)(words[index / 4] >> (8 * (index % 4)));
}

static bool is_below(const uint32_t *a, const uint32_t *b, size_t count)
{
    while (count > 0) {
        count--;
        if (a[count] != b[count]) {
            return a[count] < b[count];
        }
    }
    return false;
}

/* x, with `carry` as its next word, is below 2 * n: makes it less than n. */
static void reduce(const struct modulus *m, uint32_t *x, uint32_t carry)
{
    uint64_t borrow = 0;
    size_t i;

    if (carry == 0 && is_below(x, m->n, m->count)) {
        return;
    }
    for (i = 0; i < m->count; i++) {
        const uint64_t difference = (uint64_t)x[i] - m->n[i] - borrow;

        x[i] = (uint32_t)difference;
        borrow = (difference >> 32) & 1;
    }
}

/* x = 2 * x modulo n, for x < n. */
static void double_it(const struct modulus *m, uint32_t *x)
{
    uint32_t carry = 0;
    size_t i;

    for (i = 0; i < m->count; i++) {
        const uint32_t next = x[i] >> 31;

        x[i] = (x[i] << 1) | carry;
        carry = next;
    }
    reduce(m, x, carry);
}

/*
 * x = x * y / R modulo n, for x and y < n, by Montgomery's method: a multiple of n is added for
 * each word of y that makes the lowest word of the sum zero, and that word is dropped. The sum
 * stays below 2 * n. `sum` is count + 1 words of scratch; y may be x.
 */
static void multiply(const struct modulus *m, uint32_t *x, const uint32_t *y, uint32_t *sum)
{
    size_t i;
    size_t j;

    memset(sum, 0, (m->count + 1) * sizeof(*sum));
    for (i = 0; i < m->count; i++) {
        uint64_t carry = 0;
        uint64_t fold = 0;
        uint32_t factor = 0;

        for (j = 0; j < m->count; j++) {
            carry += sum[j] + (uint64_t)x[j] * y[i];
            if (j == 0) {
                factor = (uint32_t)carry * m->negate;
            }
            fold += (uint32_t)carry + (uint64_t)factor * m->n[j];
            if (j > 0) {
                sum[j - 1] = (uint32_t)fold;
            }
            carry >>= 32;
            fold >>= 32;
        }
        carry += fold + sum[j];
        sum[j - 1] = (uint32_t)carry;
        sum[j] = (uint32_t)(carry >> 32);
    }
    memcpy(x, sum, m->count * sizeof(*x));
    reduce(m, x, sum[m->count]);
}

/* -1/n modulo 2^32 for odd n, by Newton's iteration: each doubles the bits that are right, 3 at
 * first. */
static uint32_t negated_inverse(uint32_t n)
{
    uint32_t inverse = n;
    unsigned int bits;

    for (bits = 3; bits < 32; bits *= 2) {
        inverse *= 2 - n * inverse;
    }
    return 0 - inverse;
}

/* x = s^65537 modulo n, for s < n. */
static void power(const struct modulus *m, uint32_t *x, const uint32_t *s, uint32_t *sum)
{
    size_t i;

    memcpy(x, s, m->count * sizeof(*x));
    for (i = 0; i < 32 * m->count; i++) {
        double_it(m, x); /* s * R */
    }
    for (i = 0; i < 16; i++) {
        multiply(m, x, x, sum); /* s^(2^i) * R */
    }
    multiply(m, x, s, sum); /* takes R away */
}

/*
 * Byte `index`, counted from the end, of the encoding of a digest in `size` bytes:
 * 0, 1, 0xff..., 0, DigestInfo, digest.
 */
static uint8_t encoded_byte(enum hp_hash hash, const uint8_t *digest, size_t digest_size,
                            size_t size, size_t index)
{
    size_t at;

    if (index < digest_size) {
        return digest[digest_size - 1 - index];
    }
    if (index < digest_size + INFO_SIZE) {
        at = INFO_SIZE - 1 - (index - digest_size);
        switch (at) {
        case INFO_LENGTH_AT:
            return (uint8_t)(INFO_SIZE - 2 + digest_size);
        case INFO_OID_AT: /* the last arc: sha256(1), sha384(2), sha512(3) */
            return hash == HP_HASH_SHA256 ? 1 : hash == HP_HASH_SHA384 ? 2 : 3;
        case INFO_DIGEST_LENGTH_AT:
            return (uint8_t)digest_size;
        default:
            return info[at];
        }
    }
    if (index == digest_size + INFO_SIZE || index == size - 1) {
        return 0;
    }
    return index == size - 2 ? 1 : 0xff;
}

enum hp_status hp_rsa_verify(const struct hp_key *key, enum hp_hash hash, const uint8_t *digest,
                             struct hp_span signature, struct hp_verify_workspace *workspace)
{
    const size_t size = key->modulus.size;
    const size_t digest_size = hp_sha2_size(hash);
    struct modulus m = {.count = (size + 3) / 4};
    uint32_t *n;
    uint32_t *s;
    uint32_t *x;
    size_t i;

    if (workspace == NULL || size == 0 || m.count > WORDS_MAX) {
        return HP_INVALID_ARGUMENT;
    }
    if (digest_size == 0 || key->exponent != HP_RSA_EXPONENT) {
        return HP_SIGNATURE_UNSUPPORTED;
    }
    /* At least eight bytes of padding (RFC 8017, section 9.2). */
    if (signature.size != size || size < digest_size + INFO_SIZE + 11) {
        return HP_SIGNATURE_BAD;
    }
    n = workspace->words;
    s = n + m.count;
    x = s + m.count;
    load(n, m.count, key->modulus);
    load(s, m.count, signature);
    if (n[0] % 2 == 0 || !is_below(s, n, m.count)) {
        return HP_SIGNATURE_BAD;
    }
    m.n = n;
    m.negate = negated_inverse(n[0]);
    power(&m, x, s, x + m.count);
    for (i = 0; i < size; i++) {
        if (byte_at(x, i) != encoded_byte(hash, digest, digest_size, size, i)) {
            return HP_SIGNATURE_BAD;
        }
    }
    return HP_OK;
}
