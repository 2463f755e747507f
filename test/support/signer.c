/* SPDX-License-Identifier: BSD-2-Clause */
/* Keys and signed payloads by libcrypto. */
#include "signer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fail(#condition, __LINE__);                                                            \
        }                                                                                          \
    } while (0)

const char sg_marker[] = "~Module signature appended~\n";

static void fail(const char *what, int line)
{
    fprintf(stderr, "signer.c:%d: %s\n", line, what);
    ERR_print_errors_fp(stderr);
    abort();
}

/* ---- keys ---------------------------------------------------------------------------------- */

/* An identity of its own for each key: 20 random bytes, and a name and number with them. */
static void identify(struct sg_key *key)
{
    static const uint8_t name[] = {0x30, 0x1b, 0x31, 0x19, 0x30, 0x17, 0x06,
                                   0x03, 0x55, 0x04, 0x03, 0x0c, 0x10};
    const size_t text = 16;
    size_t n;

    MUST(RAND_bytes(key->id, sizeof(key->id)) == 1);
    memcpy(key->issuer, name, sizeof(name));
    for (n = 0; n < text; n++) {
        key->issuer[sizeof(name) + n] = (uint8_t)('a' + key->id[n] % 26);
    }
    memcpy(key->serial, key->id, sizeof(key->serial));
    key->serial[0] = (uint8_t)((key->serial[0] & 0x7f) | 0x40);
    key->key.subject_key_id.data = key->id;
    key->key.subject_key_id.size = sizeof(key->id);
    key->key.issuer.data = key->issuer;
    key->key.issuer.size = sizeof(name) + text;
    key->key.serial.data = key->serial;
    key->key.serial.size = sizeof(key->serial);
}

void sg_rsa(struct sg_key *key, unsigned int bits, unsigned int exponent, unsigned int primes)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_id(EVP_PKEY_RSA, NULL);
    BIGNUM *e = BN_new();
    BIGNUM *n = NULL;

    memset(key, 0, sizeof(*key));
    MUST(ctx != NULL && e != NULL && BN_set_word(e, exponent) == 1);
    MUST(EVP_PKEY_keygen_init(ctx) == 1);
    MUST(EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, (int)bits) == 1);
    MUST(EVP_PKEY_CTX_set1_rsa_keygen_pubexp(ctx, e) == 1);
    MUST(EVP_PKEY_CTX_set_rsa_keygen_primes(ctx, (int)primes) == 1);
    MUST(EVP_PKEY_keygen(ctx, &key->pair) == 1);
    MUST(EVP_PKEY_get_bn_param(key->pair, OSSL_PKEY_PARAM_RSA_N, &n) == 1);
    key->key.algorithm = HP_KEY_RSA_PKCS1;
    key->key.exponent = exponent;
    key->key.modulus.data = key->modulus;
    key->key.modulus.size = (size_t)BN_bn2bin(n, key->modulus);
    identify(key);
    BN_free(e);
    BN_free(n);
    EVP_PKEY_CTX_free(ctx);
}

void sg_curve(struct sg_key *key, const char *curve)
{
    size_t size = 0;

    memset(key, 0, sizeof(*key));
    key->pair = EVP_EC_gen(curve);
    MUST(key->pair != NULL);
    MUST(EVP_PKEY_get_octet_string_param(key->pair, OSSL_PKEY_PARAM_PUB_KEY, key->point,
                                         sizeof(key->point), &size) == 1);
    key->key.algorithm = strcmp(curve, "P-256") == 0 ? HP_KEY_ECDSA_P256 : HP_KEY_ECDSA_P384;
    key->key.point.data = key->point;
    key->key.point.size = size;
    identify(key);
}

void sg_free(struct sg_key *key)
{
    EVP_PKEY_free(key->pair);
    memset(key, 0, sizeof(*key));
}

/* ---- signatures ---------------------------------------------------------------------------- */

size_t sg_digest(const char *name, const void *data, size_t size, uint8_t *digest)
{
    unsigned int length = 0;

    MUST(EVP_Digest(data, size, digest, &length, EVP_get_digestbyname(name), NULL) == 1);
    return length;
}

static size_t sign(const struct sg_key *key, const char *hash, int padding, const void *data,
                   size_t size, uint8_t *out)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pkey_ctx = NULL;
    size_t length = 512;

    MUST(ctx != NULL);
    MUST(EVP_DigestSignInit(ctx, &pkey_ctx, EVP_get_digestbyname(hash), NULL, key->pair) == 1);
    MUST(padding == 0 || EVP_PKEY_CTX_set_rsa_padding(pkey_ctx, padding) == 1);
    MUST(EVP_DigestSign(ctx, out, &length, data, size) == 1);
    EVP_MD_CTX_free(ctx);
    return length;
}

size_t sg_sign(const struct sg_key *key, const char *hash, const void *data, size_t size,
               uint8_t *out)
{
    return sign(key, hash, 0, data, size, out);
}

size_t sg_sign_pss(const struct sg_key *key, const char *hash, const void *data, size_t size,
                   uint8_t *out)
{
    return sign(key, hash, RSA_PKCS1_PSS_PADDING, data, size, out);
}

bool sg_verify(const struct sg_key *key, const char *hash, const uint8_t *digest,
               size_t digest_size, const uint8_t *signature, size_t signature_size)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key->pair, NULL);
    int answer;

    MUST(ctx != NULL && EVP_PKEY_verify_init(ctx) == 1);
    MUST(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1);
    MUST(EVP_PKEY_CTX_set_signature_md(ctx, EVP_get_digestbyname(hash)) == 1);
    answer = EVP_PKEY_verify(ctx, signature, signature_size, digest, digest_size);
    ERR_clear_error();
    EVP_PKEY_CTX_free(ctx);
    return answer == 1;
}

void sg_raw(const struct sg_key *key, const uint8_t *number, uint8_t *out)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key->pair, NULL);
    size_t length = key->key.modulus.size;

    MUST(ctx != NULL && EVP_PKEY_sign_init(ctx) == 1);
    MUST(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING) == 1);
    MUST(EVP_PKEY_sign(ctx, out, &length, number, key->key.modulus.size) == 1);
    MUST(length == key->key.modulus.size);
    EVP_PKEY_CTX_free(ctx);
}

/* ---- bytes --------------------------------------------------------------------------------- */

void sg_drop(struct sg_bytes *bytes)
{
    free(bytes->data);
    bytes->data = NULL;
    bytes->size = 0;
}

void sg_add(struct sg_bytes *bytes, const void *data, size_t size)
{
    uint8_t *grown;

    if (size == 0) {
        return;
    }
    grown = realloc(bytes->data, bytes->size + size);
    MUST(grown != NULL);
    memcpy(grown + bytes->size, data, size);
    bytes->data = grown;
    bytes->size += size;
}

void sg_add_byte(struct sg_bytes *bytes, unsigned int byte)
{
    const uint8_t value = (uint8_t)byte;

    sg_add(bytes, &value, 1);
}

void sg_wrap(struct sg_bytes *bytes, size_t start, unsigned int tag)
{
    const size_t length = bytes->size - start;
    uint8_t head[4] = {(uint8_t)tag};
    size_t head_size = 2;

    if (length < 0x80) {
        head[1] = (uint8_t)length;
    } else if (length < 0x100) {
        head[1] = 0x81;
        head[2] = (uint8_t)length;
        head_size = 3;
    } else {
        head[1] = 0x82;
        head[2] = (uint8_t)(length >> 8);
        head[3] = (uint8_t)length;
        head_size = 4;
    }
    sg_add(bytes, head, head_size);
    memmove(bytes->data + start + head_size, bytes->data + start, length);
    memcpy(bytes->data + start, head, head_size);
}

static void add_be32(struct sg_bytes *bytes, uint32_t value)
{
    const uint8_t octets[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16),
                               (uint8_t)(value >> 8), (uint8_t)value};

    sg_add(bytes, octets, 4);
}

/* ---- layouts ------------------------------------------------------------------------------- */

void sg_add_xendoc(struct sg_bytes *bytes, const struct sg_xendoc *form)
{
    sg_add(bytes, sg_marker, 28);
    sg_add_byte(bytes, form->algorithm != 0 ? form->algorithm - 1u : 1);
    sg_add_byte(bytes, form->hash != 0 ? form->hash - 1u : 4);
    sg_add_byte(bytes, form->id_type != 0 ? form->id_type - 1u : 1);
    sg_add_byte(bytes, (unsigned int)form->signer_size);
    sg_add_byte(bytes, (unsigned int)form->key_id_size);
    sg_add(bytes, form->pad, 3);
    add_be32(bytes, (uint32_t)form->signature_size + (uint32_t)form->length_error);
    sg_add(bytes, form->signature, form->signature_size);
    sg_add(bytes, form->key_id, form->key_id_size);
    sg_add(bytes, form->signer, form->signer_size);
}

void sg_add_linux(struct sg_bytes *bytes, const void *cms, size_t cms_size,
                  const struct sg_linux *form)
{
    static const struct sg_linux sound = {0};

    if (form == NULL) {
        form = &sound;
    }
    sg_add(bytes, cms, cms_size);
    sg_add_byte(bytes, form->algorithm);
    sg_add_byte(bytes, form->hash);
    sg_add_byte(bytes, form->id_type != 0 ? form->id_type - 1u : 2);
    sg_add_byte(bytes, form->signer_size);
    sg_add_byte(bytes, form->key_id_size);
    sg_add(bytes, form->pad, 3);
    add_be32(bytes, (uint32_t)((int64_t)cms_size + form->length_error));
    sg_add(bytes, sg_marker, 28);
}

/* ---- CMS ----------------------------------------------------------------------------------- */

static void add_oid(struct sg_bytes *bytes, const char *name)
{
    const ASN1_OBJECT *object = OBJ_txt2obj(name, 0);

    MUST(object != NULL);
    sg_add_byte(bytes, 6);
    sg_add_byte(bytes, (unsigned int)OBJ_length(object));
    sg_add(bytes, OBJ_get0_data(object), OBJ_length(object));
}

static void add_algorithm(struct sg_bytes *bytes, const char *name, bool null)
{
    const size_t start = bytes->size;

    add_oid(bytes, name);
    if (null) {
        sg_add(bytes, "\x05", 2);
    }
    sg_wrap(bytes, start, 0x30);
}

static void add_number(struct sg_bytes *bytes, unsigned int value)
{
    sg_add(bytes, "\x02\x01", 2);
    sg_add_byte(bytes, value);
}

/* A SEQUENCE with a small number in it, in place of what is refused unread. */
static void add_anything(struct sg_bytes *bytes, unsigned int tag)
{
    const size_t start = bytes->size;

    add_number(bytes, 5);
    sg_wrap(bytes, start, 0x30);
    sg_wrap(bytes, start, tag);
}

static void add_signature_algorithm(struct sg_bytes *bytes, const struct sg_cms *form)
{
    const char *hash = form->oid_hash != NULL ? form->oid_hash : form->hash;
    char name[64];

    if (form->key->key.algorithm != HP_KEY_RSA_PKCS1) {
        (void)snprintf(name, sizeof(name), "ecdsa-with-%s", hash);
        add_algorithm(bytes, name, form->no_null);
    } else if (form->pss) {
        add_algorithm(bytes, "rsassaPss", false);
    } else if (form->long_oid) {
        (void)snprintf(name, sizeof(name), "RSA-%s", hash);
        add_algorithm(bytes, name, !form->no_null);
    } else {
        add_algorithm(bytes, "rsaEncryption", !form->no_null);
    }
}

static void add_signer(struct sg_bytes *bytes, const struct sg_cms *form)
{
    const size_t start = bytes->size;
    size_t part;

    add_number(bytes, form->by_key_id != form->wrong_version ? 3 : 1);
    part = bytes->size;
    if (form->by_key_id) {
        sg_add(bytes, form->key->id, sizeof(form->key->id));
        sg_wrap(bytes, part, 0x80);
    } else {
        size_t serial;

        sg_add(bytes, form->key->key.issuer.data, form->key->key.issuer.size);
        serial = bytes->size;
        if (form->padded_serial) {
            sg_add_byte(bytes, 0);
        }
        sg_add(bytes, form->key->key.serial.data, form->key->key.serial.size);
        sg_wrap(bytes, serial, 2);
        sg_wrap(bytes, part, 0x30);
    }
    add_algorithm(bytes, form->hash, form->digest_null);
    if (form->signed_attributes) {
        add_anything(bytes, 0xa0);
    }
    add_signature_algorithm(bytes, form);
    if (form->long_length) {
        sg_add(bytes, "\x04\x83\x00", 3);
        sg_add_byte(bytes, (unsigned int)(form->signature_size >> 8));
        sg_add_byte(bytes, (unsigned int)form->signature_size);
        sg_add(bytes, form->signature, form->signature_size);
    } else {
        part = bytes->size;
        sg_add(bytes, form->signature, form->signature_size);
        sg_wrap(bytes, part, 4);
    }
    if (form->unsigned_attributes) {
        add_anything(bytes, 0xa1);
    }
    sg_wrap(bytes, start, 0x30);
}

static void add_digests(struct sg_bytes *bytes, const struct sg_cms *form)
{
    const size_t start = bytes->size;

    if (!form->no_digest) {
        add_algorithm(bytes, form->outer_hash != NULL ? form->outer_hash : form->hash,
                      form->digest_null);
    }
    if (form->two_digests) {
        add_algorithm(bytes, "SHA512", false);
    }
    sg_wrap(bytes, start, 0x31);
}

void sg_add_cms(struct sg_bytes *bytes, const struct sg_cms *form)
{
    const size_t start = bytes->size;
    size_t data;
    size_t part;

    add_oid(bytes, "pkcs7-signedData");
    data = bytes->size;
    add_number(bytes, form->by_key_id != form->wrong_version ? 3 : 1);
    add_digests(bytes, form);
    part = bytes->size;
    add_oid(bytes, "pkcs7-data");
    if (form->content) {
        sg_add(bytes, "\xa0\x03\x04\x01x", 5);
    }
    sg_wrap(bytes, part, 0x30);
    if (form->certificates) {
        add_anything(bytes, 0xa0);
    }
    if (form->revocation_lists) {
        add_anything(bytes, 0xa1);
    }
    part = bytes->size;
    if (!form->no_signer) {
        add_signer(bytes, form);
    }
    if (form->two_signers) {
        add_signer(bytes, form);
    }
    sg_wrap(bytes, part, 0x31);
    sg_wrap(bytes, data, 0x30);
    sg_wrap(bytes, data, 0xa0);
    if (form->indefinite) {
        sg_add(bytes, "\0\0", 2);
        sg_wrap(bytes, start, 0x30);
        /* Tag, 0x82, two bytes of length become tag and 0x80. */
        bytes->data[start + 1] = 0x80;
        memmove(bytes->data + start + 2, bytes->data + start + 4, bytes->size - start - 4);
        bytes->size -= 2;
    } else {
        sg_wrap(bytes, start, 0x30);
    }
}
