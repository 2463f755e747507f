/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The library's own SHA-2 and RSA against libcrypto's: all message lengths around the blocks, keys
 * of all kinds of sizes, thousands of signatures sound and changed, and every classic forgery.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/pem.h>

#include "sign/rsa.h"
#include "sign/sha2.h"
#include "signer.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
    enum hp_hash hash;
    const char *name;
    size_t size;
} hashes[] = {
    {HP_HASH_SHA256, "SHA256", 32},
    {HP_HASH_SHA384, "SHA384", 48},
    {HP_HASH_SHA512, "SHA512", 64},
};

/* A generator of its own: a failure repeats. */
static uint32_t next_random(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

static void fill(uint8_t *out, size_t size, uint32_t *seed)
{
    size_t n;

    for (n = 0; n < size; n++) {
        out[n] = (uint8_t)(next_random(seed) >> 11);
    }
}

/* ---- SHA-2 --------------------------------------------------------------------------------- */

static void test_sha2_lengths(void **state)
{
    static uint8_t message[1200];
    uint32_t seed = 1;
    size_t size;
    size_t h;

    (void)state;
    fill(message, sizeof(message), &seed);
    for (h = 0; h < COUNT(hashes); h++) {
        for (size = 0; size <= sizeof(message); size++) {
            /* In up to four parts, some of them empty. */
            const size_t a = size == 0 ? 0 : next_random(&seed) % (size + 1);
            const size_t b = a + next_random(&seed) % (size - a + 1);
            const struct hp_span parts[4] = {
                {message, a}, {message + a, 0}, {message + a, b - a}, {message + b, size - b}};
            uint8_t wanted[64];
            uint8_t found[65];

            assert_int_equal(sg_digest(hashes[h].name, message, size, wanted), hashes[h].size);
            memset(found, 0xa5, sizeof(found));
            assert_int_equal(hp_sha2_digest(hashes[h].hash, parts, 4, found), HP_OK);
            assert_memory_equal(found, wanted, hashes[h].size);
            assert_int_equal(found[hashes[h].size], 0xa5);
        }
    }
}

static void test_sha2_others(void **state)
{
    uint8_t digest[64] = {0xa5};

    (void)state;
    assert_int_equal(hp_sha2_digest(HP_HASH_NONE, NULL, 0, digest), HP_SIGNATURE_UNSUPPORTED);
    assert_int_equal(hp_sha2_digest(HP_HASH_WEAK, NULL, 0, digest), HP_SIGNATURE_UNSUPPORTED);
    assert_int_equal(hp_sha2_digest((enum hp_hash)99, NULL, 0, digest), HP_SIGNATURE_UNSUPPORTED);
    assert_int_equal(digest[0], 0xa5);
}

/* ---- RSA ----------------------------------------------------------------------------------- */

/* Sizes that fill their words and bytes and sizes that do not, to the largest. */
static const unsigned int key_bits[] = {2048, 2048, 2048, 2049, 2050, 2055, 2056, 2057, 2064,
                                        2079, 2080, 2081, 2304, 2560, 3000, 3071, 3072, 3072,
                                        3073, 3500, 4000, 4064, 4095, 4096, 4096};
static struct sg_key keys[COUNT(key_bits)];

static int make_keys(void **state)
{
    size_t n;

    (void)state;
    for (n = 0; n < COUNT(keys); n++) {
        sg_rsa(&keys[n], key_bits[n], HP_RSA_EXPONENT, n % 3 == 0 ? 2 : 3);
    }
    return 0;
}

static int free_keys(void **state)
{
    size_t n;

    (void)state;
    for (n = 0; n < COUNT(keys); n++) {
        sg_free(&keys[n]);
    }
    return 0;
}

static enum hp_status own_verify(const struct sg_key *key, size_t h, const uint8_t *digest,
                                 const uint8_t *signature, size_t size)
{
    struct hp_verify_workspace *workspace = malloc(sizeof(*workspace));
    /* Exactly as large as it is, so that a byte too far is found. */
    uint8_t *copy = malloc(size != 0 ? size : 1);
    struct hp_span span = {copy, size};
    enum hp_status status;

    assert_non_null(workspace);
    assert_non_null(copy);
    memset(workspace, 0xa5, sizeof(*workspace));
    if (size != 0) {
        memcpy(copy, signature, size);
    }
    status = hp_rsa_verify(&key->key, hashes[h].hash, digest, span, workspace);
    free(workspace);
    free(copy);
    return status;
}

/* Both must say the same; a difference is shown with all that is needed to repeat it. */
static void compare(const struct sg_key *key, size_t h, const uint8_t *digest,
                    const uint8_t *signature, size_t size, bool wanted)
{
    const enum hp_status own = own_verify(key, h, digest, signature, size);
    const bool other = sg_verify(key, hashes[h].name, digest, hashes[h].size, signature, size);

    if ((own == HP_OK) != other || other != wanted || (own != HP_OK && own != HP_SIGNATURE_BAD)) {
        PEM_write_PrivateKey(stderr, key->pair, NULL, NULL, 0, NULL, NULL);
        BIO_dump_fp(stderr, digest, (int)hashes[h].size);
        BIO_dump_fp(stderr, signature, (int)size);
        fail_msg("%s, own %s, libcrypto %d, wanted %d", hashes[h].name, hp_status_name(own), other,
                 wanted);
    }
}

static void test_rsa_agrees(void **state)
{
    uint32_t seed = 20;
    unsigned int good = 0;
    unsigned int bad = 0;
    size_t n;
    size_t round;

    (void)state;
    for (n = 0; n < COUNT(keys); n++) {
        const size_t size = keys[n].key.modulus.size;

        for (round = 0; round < 48; round++) {
            const size_t h = round % COUNT(hashes);
            uint8_t message[96];
            uint8_t digest[64];
            uint8_t signature[514] = {0};
            uint32_t at;

            fill(message, sizeof(message), &seed);
            (void)sg_digest(hashes[h].name, message, sizeof(message), digest);
            assert_int_equal(sg_sign(&keys[n], hashes[h].name, message, sizeof(message), signature),
                             size);
            compare(&keys[n], h, digest, signature, size, true);
            good++;
            at = next_random(&seed) % (8 * (uint32_t)size);
            signature[at / 8] ^= (uint8_t)(1u << (at % 8));
            compare(&keys[n], h, digest, signature, size, false);
            signature[at / 8] ^= (uint8_t)(1u << (at % 8));
            at = next_random(&seed) % (8 * (uint32_t)hashes[h].size);
            digest[at / 8] ^= (uint8_t)(1u << (at % 8));
            compare(&keys[n], h, digest, signature, size, false);
            digest[at / 8] ^= (uint8_t)(1u << (at % 8));
            compare(&keys[n], (h + 1) % COUNT(hashes), digest, signature, size, false);
            compare(&keys[(n + 1) % COUNT(keys)], h, digest, signature, size, false);
            fill(signature, size, &seed);
            compare(&keys[n], h, digest, signature, size, false);
            bad += 5;
        }
    }
    assert_true(good == 1200 && bad == 6000);
}

/* Every number of bytes but the right one, and the numbers at both ends of the range. */
static void test_rsa_range(void **state)
{
    size_t n;

    (void)state;
    for (n = 0; n < COUNT(keys); n++) {
        const size_t size = keys[n].key.modulus.size;
        uint8_t digest[64] = {1};
        uint8_t signature[516] = {0};
        uint8_t number[516] = {0};
        int carry;
        size_t at;

        /* 0, 1, n - 1, n, n + 1, and all ones. */
        compare(&keys[n], 0, digest, number, size, false);
        number[size - 1] = 1;
        compare(&keys[n], 0, digest, number, size, false);
        memcpy(number, keys[n].modulus, size);
        number[size - 1] ^= 1;
        compare(&keys[n], 0, digest, number, size, false);
        number[size - 1] ^= 1;
        compare(&keys[n], 0, digest, number, size, false);
        memset(number, 0xff, size);
        compare(&keys[n], 0, digest, number, size, false);

        assert_int_equal(sg_sign(&keys[n], "SHA256", "message", 7, signature), size);
        (void)sg_digest("SHA256", "message", 7, digest);
        compare(&keys[n], 0, digest, signature, size, true);
        assert_int_equal(own_verify(&keys[n], 0, digest, signature, 0), HP_SIGNATURE_BAD);
        assert_int_equal(own_verify(&keys[n], 0, digest, signature, size - 1), HP_SIGNATURE_BAD);
        assert_int_equal(own_verify(&keys[n], 0, digest, signature + 1, size - 1),
                         HP_SIGNATURE_BAD);
        assert_int_equal(own_verify(&keys[n], 0, digest, signature, size + 1), HP_SIGNATURE_BAD);
        /* A zero byte in front. */
        memcpy(number + 1, signature, size);
        number[0] = 0;
        assert_int_equal(own_verify(&keys[n], 0, digest, number, size + 1), HP_SIGNATURE_BAD);
        /* The same residue, not below n: signature + n, where that fits the bytes. */
        carry = 0;
        for (at = size; at > 0; at--) {
            carry += signature[at - 1] + keys[n].modulus[at - 1];
            number[at - 1] = (uint8_t)carry;
            carry >>= 8;
        }
        if (carry == 0) {
            compare(&keys[n], 0, digest, number, size, false);
        }
    }
}

/* ---- forgeries ----------------------------------------------------------------------------- */

/* An encoding by its parts; `put` returns where the next begins. */
static size_t put(uint8_t *em, size_t at, const void *data, size_t size)
{
    memcpy(em + at, data, size);
    return at + size;
}

static void signs(const struct sg_key *key, const uint8_t *em, const uint8_t *digest, bool wanted)
{
    uint8_t signature[512];

    sg_raw(key, em, signature);
    assert_int_equal(own_verify(key, 0, digest, signature, key->key.modulus.size),
                     wanted ? HP_OK : HP_SIGNATURE_BAD);
}

static const uint8_t sound_info[] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                     0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};

/* The sound encoding of a digest, `padding` bytes of 0xff, `info` of any form, and what follows. */
static void encode(uint8_t *em, size_t size, size_t padding, const uint8_t *info, size_t info_size,
                   const uint8_t *digest)
{
    size_t at = 3 + padding;

    memset(em, 0, size);
    em[1] = 1;
    memset(em + 2, 0xff, padding);
    at = put(em, at, info, info_size);
    (void)put(em, at, digest, 32);
}

/* Encodings that somebody has accepted somewhere, made with the private key. */
static void test_forged_info(void **state)
{
    static const struct {
        uint8_t bytes[24];
        size_t size;
    } infos[] = {
        /* without the NULL; lengths adjusted */
        {{0x30, 0x2f, 0x30, 0x0b, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 4, 0x20}, 17},
        /* NULL of length 1; and in long form */
        {{0x30, 0x32, 0x30, 0x0e, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 1, 0, 4, 0x20},
         20},
        {{0x30, 0x32, 0x30, 0x0e, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0x81, 0, 4, 0x20},
         20},
        /* BER: outer, inner and digest lengths in long form */
        {{0x30, 0x81, 0x31, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0, 4, 0x20},
         20},
        {{0x30, 0x32, 0x30, 0x81, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0, 4, 0x20},
         20},
        {{0x30, 0x32, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0, 4, 0x81, 0x20},
         20},
        /* the OID of another digest; of SHA-1 */
        {{0x30, 0x31, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 2, 5, 0, 4, 0x20}, 19},
        {{0x30, 0x2d, 0x30, 9, 6, 5, 0x2b, 0x0e, 3, 2, 0x1a, 5, 0, 4, 0x20}, 15},
        /* parameters that are not NULL; an indefinite length; no DigestInfo at all */
        {{0x30, 0x31, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 4, 0, 4, 0x20}, 19},
        {{0x30, 0x80, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0, 4, 0x20}, 19},
        {{0}, 0},
    };
    uint8_t digest[64];
    uint8_t em[512];
    size_t n;
    size_t k;

    (void)state;
    (void)sg_digest("SHA256", "message", 7, digest);
    for (k = 0; k < COUNT(keys); k += 3) {
        const size_t size = keys[k].key.modulus.size;

        encode(em, size, size - 3 - sizeof(sound_info) - 32, sound_info, sizeof(sound_info),
               digest);
        signs(&keys[k], em, digest, true);
        for (n = 0; n < COUNT(infos); n++) {
            encode(em, size, size - 3 - infos[n].size - 32, infos[n].bytes, infos[n].size, digest);
            signs(&keys[k], em, digest, false);
        }
    }
}

static void test_forged_padding(void **state)
{
    uint8_t digest[64];
    uint8_t sound[512];
    uint8_t em[512];
    size_t padding;
    size_t k;
    size_t n;

    (void)state;
    (void)sg_digest("SHA256", "message", 7, digest);
    for (k = 0; k < COUNT(keys); k += 12) {
        const size_t size = keys[k].key.modulus.size;
        const size_t whole = size - 3 - sizeof(sound_info) - 32;

        /* Short padding with garbage behind the digest, from none to one byte less than all: what
         * Bleichenbacher's forgery of 2006 relies on. */
        for (padding = 0; padding < whole; padding += 1 + padding / 8) {
            encode(em, size, padding, sound_info, sizeof(sound_info), digest);
            memset(em + 3 + padding + sizeof(sound_info) + 32, 0x5a, whole - padding);
            signs(&keys[k], em, digest, false);
        }
        /* Garbage inside, where a lenient reader skips; block types 0 and 2; no separator. */
        encode(sound, size, whole, sound_info, sizeof(sound_info), digest);
        for (n = 1; n < 3 + whole; n += k == 0 || n == 1 ? 1 : 7) {
            memcpy(em, sound, size);
            em[n] ^= n == 1 ? 3 : 0x80;
            signs(&keys[k], em, digest, false);
        }
        memcpy(em, sound, size);
        em[1] = 0;
        signs(&keys[k], em, digest, false);
        /* The digest alone at the end, and a message one byte to the left or right. */
        memset(em, 0, size);
        memcpy(em + size - 32, digest, 32);
        signs(&keys[k], em, digest, false);
        memmove(em + 1, sound, size - 1);
        em[0] = 0;
        signs(&keys[k], em, digest, false);
        memmove(em, sound + 1, size - 1);
        em[0] = 0;
        em[size - 1] = 0;
        signs(&keys[k], em, digest, false);
    }
}

static void test_forged_pss(void **state)
{
    uint8_t digest[64];
    uint8_t signature[512];
    size_t size;

    (void)state;
    size = sg_sign_pss(&keys[0], "SHA256", "message", 7, signature);
    (void)sg_digest("SHA256", "message", 7, digest);
    assert_int_equal(own_verify(&keys[0], 0, digest, signature, size), HP_SIGNATURE_BAD);
}

/*
 * A number whose cube begins with the encoding, padding shortened: the signature that anybody can
 * make for e = 3. Such a key never gets into a ring, and is not computed with either.
 */
static void test_small_exponents(void **state)
{
    static const unsigned int exponents[] = {3, 5, 17, 257};
    uint8_t digest[64];
    uint8_t em[512];
    uint8_t signature[512];
    size_t n;

    (void)state;
    (void)sg_digest("SHA256", "message", 7, digest);
    for (n = 0; n < COUNT(exponents); n++) {
        struct sg_key key;

        sg_rsa(&key, 2048, exponents[n], 3);
        (void)sg_sign(&key, "SHA256", "message", 7, signature);
        assert_int_equal(own_verify(&key, 0, digest, signature, 256), HP_SIGNATURE_UNSUPPORTED);
        sg_free(&key);
    }
    /* e = 1: the encoding is its own signature. */
    encode(em, 256, 256 - 3 - sizeof(sound_info) - 32, sound_info, sizeof(sound_info), digest);
    keys[0].key.exponent = 1;
    assert_int_equal(own_verify(&keys[0], 0, digest, em, 256), HP_SIGNATURE_UNSUPPORTED);
    keys[0].key.exponent = HP_RSA_EXPONENT;
}

/* What no key ring lets through: each is refused without a computation that could go wrong. */
static void test_odd_keys(void **state)
{
    struct hp_verify_workspace workspace;
    static uint8_t large[513];
    uint8_t signature[513] = {0};
    uint8_t digest[64] = {0};
    struct hp_span span = {signature, 256};
    struct hp_key key = keys[0].key;
    uint8_t even[256];

    (void)state;
    assert_int_equal(hp_rsa_verify(&key, HP_HASH_SHA256, digest, span, NULL), HP_INVALID_ARGUMENT);
    assert_int_equal(hp_rsa_verify(&key, HP_HASH_WEAK, digest, span, &workspace),
                     HP_SIGNATURE_UNSUPPORTED);
    memcpy(even, keys[0].modulus, sizeof(even));
    even[255] &= 0xfe;
    key.modulus.data = even;
    assert_int_equal(hp_rsa_verify(&key, HP_HASH_SHA256, digest, span, &workspace),
                     HP_SIGNATURE_BAD);
    memset(large, 0xff, sizeof(large));
    key.modulus.data = large;
    key.modulus.size = 513;
    span.size = 513;
    assert_int_equal(hp_rsa_verify(&key, HP_HASH_SHA256, digest, span, &workspace),
                     HP_INVALID_ARGUMENT);
    key.modulus.size = 0;
    assert_int_equal(hp_rsa_verify(&key, HP_HASH_SHA256, digest, span, &workspace),
                     HP_INVALID_ARGUMENT);
    key.modulus.size = 61; /* one byte too short for the encoding of a SHA-256 */
    span.size = 61;
    assert_int_equal(hp_rsa_verify(&key, HP_HASH_SHA256, digest, span, &workspace),
                     HP_SIGNATURE_BAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sha2_lengths), cmocka_unit_test(test_sha2_others),
        cmocka_unit_test(test_rsa_agrees),   cmocka_unit_test(test_rsa_range),
        cmocka_unit_test(test_forged_info),  cmocka_unit_test(test_forged_padding),
        cmocka_unit_test(test_forged_pss),   cmocka_unit_test(test_small_exponents),
        cmocka_unit_test(test_odd_keys),
    };

    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
