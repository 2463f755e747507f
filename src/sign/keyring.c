/* SPDX-License-Identifier: BSD-2-Clause */
/* The key ring: what a key must be to be trusted. */
#include <hotpatch/port.h>
#include <hotpatch/sign.h>

#include <string.h>

#include "sign/trailer.h"

void hp_keyring_init(struct hp_keyring *ring, struct hp_key *keys, uint32_t capacity)
{
    ring->keys = keys;
    ring->count = 0;
    ring->capacity = capacity;
}

bool hp_identifier_equal(struct hp_span a, struct hp_span b)
{
    return a.size != 0 && a.size == b.size && memcmp(a.data, b.data, a.size) == 0;
}

uint32_t hp_policy_rsa_bits(const struct hp_signature_policy *policy)
{
    if (policy == NULL || policy->rsa_bits_min < HP_RSA_BITS_DEFAULT) {
        return HP_RSA_BITS_DEFAULT;
    }
    return policy->rsa_bits_min;
}

size_t hp_modulus_bits(struct hp_span modulus)
{
    size_t bits = modulus.size * 8;
    uint8_t first = modulus.data[0];

    while (first < 0x80) {
        first = (uint8_t)(first << 1);
        bits--;
    }
    return bits;
}

/* Bytes of a coordinate of a point; 0 for what has none. */
static size_t coordinate_size(enum hp_key_algorithm algorithm)
{
    switch (algorithm) {
    case HP_KEY_ECDSA_P256:
        return 32;
    case HP_KEY_ECDSA_P384:
        return 48;
    default:
        return 0;
    }
}

static enum hp_status check_number(const struct hp_key *key,
                                   const struct hp_signature_policy *policy)
{
    const size_t coordinate = coordinate_size(key->algorithm);
    const struct hp_span n = key->modulus;

    if (coordinate != 0) {
        return key->point.size == 1 + 2 * coordinate && key->point.data[0] == 4 ? HP_OK
                                                                                : HP_KEY_INVALID;
    }
    if (key->algorithm != HP_KEY_RSA_PKCS1 || n.size == 0 || n.data[0] == 0) {
        return HP_KEY_INVALID;
    }
    /* Bits are counted only of what is not longer than any that is accepted. */
    if (n.size > HP_RSA_BITS_MAX / 8 || hp_modulus_bits(n) < hp_policy_rsa_bits(policy) ||
        n.data[n.size - 1] % 2 == 0 || key->exponent != HP_RSA_EXPONENT) {
        return HP_KEY_WEAK;
    }
    return HP_OK;
}

static enum hp_status check_identity(const struct hp_key *key)
{
    if ((key->issuer.size == 0) != (key->serial.size == 0) ||
        (key->issuer.size == 0 && key->subject_key_id.size == 0) || key->hash < HP_HASH_NONE ||
        key->hash >= HP_HASH_WEAK) {
        return HP_KEY_INVALID;
    }
    return HP_OK;
}

/* ---- SubjectPublicKeyInfo (RFC 5280, 3279, 5480) ------------------------------------------- */

#define OID_RSA  0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01
#define OID_EC   0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01
#define OID_P256 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07
#define OID_P384 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22
/* Tag, 0x82 and two bytes of length: every number here has 256 bytes. */
#define LONG_FORM_SIZE ((size_t)4)

/* Writes a tag and a length in long form; returns what follows. */
static uint8_t *put_head(uint8_t *out, uint8_t tag, size_t length)
{
    out[0] = tag;
    out[1] = 0x82;
    out[2] = (uint8_t)(length >> 8);
    out[3] = (uint8_t)length;
    return out + LONG_FORM_SIZE;
}

/* The digest of an RSA key: algorithm, and a BIT STRING with a SEQUENCE of n and e in it. */
static enum hp_status hash_rsa(struct hp_port *port, struct hp_key *key)
{
    static const uint8_t algorithm[] = {0x30, 0x0d, OID_RSA, 0x05, 0x00};
    static const uint8_t exponent[] = {0x02, 0x03, 0x01, 0x00, 0x01};
    /* An INTEGER whose first bit is set gets a zero byte in front. */
    const size_t zero = key->modulus.data[0] >= 0x80 ? 1 : 0;
    const size_t integer = key->modulus.size + zero;
    const size_t pair = LONG_FORM_SIZE + integer + sizeof(exponent);
    const size_t bits = 1 + LONG_FORM_SIZE + pair;
    uint8_t head[4 * LONG_FORM_SIZE + sizeof(algorithm) + 2];
    uint8_t *out = put_head(head, 0x30, sizeof(algorithm) + LONG_FORM_SIZE + bits);
    struct hp_span parts[3];

    memcpy(out, algorithm, sizeof(algorithm));
    out = put_head(out + sizeof(algorithm), 0x03, bits);
    *out++ = 0; /* unused bits */
    out = put_head(out, 0x30, pair);
    out = put_head(out, 0x02, integer);
    *out = 0;
    parts[0].data = head;
    parts[0].size = (size_t)(out - head) + zero;
    parts[1] = key->modulus;
    parts[2].data = exponent;
    parts[2].size = sizeof(exponent);
    return hp_port_digest(port, HP_HASH_SHA256, parts, 3, key->spki_sha256);
}

/* The digest of a key on a curve: algorithm with the curve, and a BIT STRING with the point. */
static enum hp_status hash_ec(struct hp_port *port, struct hp_key *key)
{
    static const uint8_t p256[] = {0x30, 0x59, 0x30, 0x13, OID_EC, OID_P256, 0x03, 0x42, 0x00};
    static const uint8_t p384[] = {0x30, 0x76, 0x30, 0x10, OID_EC, OID_P384, 0x03, 0x62, 0x00};
    const bool is_p256 = key->algorithm == HP_KEY_ECDSA_P256;
    const struct hp_span parts[2] = {{is_p256 ? p256 : p384, is_p256 ? sizeof(p256) : sizeof(p384)},
                                     key->point};

    return hp_port_digest(port, HP_HASH_SHA256, parts, 2, key->spki_sha256);
}

/* A key that is found by the same identifier must be the same, and be used in the same way. */
static bool is_conflict(const struct hp_key *a, const struct hp_key *b)
{
    const bool is_same = memcmp(a->spki_sha256, b->spki_sha256, sizeof(a->spki_sha256)) == 0 &&
                         a->algorithm == b->algorithm && a->hash == b->hash;

    return !is_same && (hp_identifier_equal(a->subject_key_id, b->subject_key_id) ||
                        (hp_identifier_equal(a->issuer, b->issuer) &&
                         hp_identifier_equal(a->serial, b->serial)));
}

enum hp_status hp_keyring_add(struct hp_keyring *ring, struct hp_port *port,
                              const struct hp_key *key, const struct hp_signature_policy *policy,
                              uint32_t *index)
{
    struct hp_key copy = *key;
    enum hp_status status;
    uint32_t n;

    if (policy != NULL && policy->size != sizeof(*policy)) {
        return HP_INVALID_ARGUMENT;
    }
    status = check_identity(key);
    if (status == HP_OK) {
        status = check_number(key, policy);
    }
    if (status == HP_OK) {
        status = key->algorithm == HP_KEY_RSA_PKCS1 ? hash_rsa(port, &copy) : hash_ec(port, &copy);
    }
    if (status) {
        return status;
    }
    for (n = 0; n < ring->count; n++) {
        if (is_conflict(&ring->keys[n], &copy)) {
            return HP_KEY_CONFLICT;
        }
    }
    if (ring->count >= ring->capacity) {
        return HP_KEYRING_FULL;
    }
    ring->keys[ring->count] = copy;
    if (index != NULL) {
        *index = ring->count;
    }
    ring->count++;
    return HP_OK;
}
