/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzzes the library's own RSA against libcrypto's: both have to give the same answer. An input is
 * key, digest's name, how the rest is used, digest, and then either the signature itself, or
 * changes to the sound encoding, which is signed with the private key: so encodings that are nearly
 * right get through the arithmetic.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "check.h"
#include "sign/rsa.h"
#include "sign/sha2.h"
#include "support/signer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { KEYS = 5, HEAD_SIZE = 3 };
static struct sg_key keys[KEYS];

static const struct {
    enum hp_hash hash;
    const char *name;
    uint8_t oid;
} hashes[] = {
    {HP_HASH_SHA256, "SHA256", 1}, {HP_HASH_SHA384, "SHA384", 2}, {HP_HASH_SHA512, "SHA512", 3}};

static void begin(void)
{
    static const unsigned int bits[KEYS] = {2048, 2049, 2055, 2080, 2560};
    size_t n;

    for (n = 0; n < KEYS && keys[n].pair == NULL; n++) {
        sg_rsa(&keys[n], bits[n], HP_RSA_EXPONENT, 3);
    }
}

/* The sound encoding (RFC 8017, section 9.2), made without the library's help. */
static void encode(uint8_t *em, size_t size, size_t h, const uint8_t *digest, size_t digest_size)
{
    const uint8_t info[] = {0x30,
                            (uint8_t)(17 + digest_size),
                            0x30,
                            0x0d,
                            0x06,
                            0x09,
                            0x60,
                            0x86,
                            0x48,
                            0x01,
                            0x65,
                            0x03,
                            0x04,
                            0x02,
                            hashes[h].oid,
                            0x05,
                            0x00,
                            0x04,
                            (uint8_t)digest_size};

    memset(em, 0xff, size);
    em[0] = 0;
    em[1] = 1;
    em[size - digest_size - sizeof(info) - 1] = 0;
    memcpy(em + size - digest_size - sizeof(info), info, sizeof(info));
    memcpy(em + size - digest_size, digest, digest_size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t signature[4096];
    struct hp_verify_workspace workspace;
    struct hp_span span = {signature, 0};
    uint8_t digest[64] = {0};
    uint8_t em[512];
    const struct sg_key *key;
    size_t digest_size;
    size_t modulus_size;
    size_t h;
    size_t n;
    enum hp_status own;
    bool other;

    begin();
    if (size < HEAD_SIZE + 64 || size > HEAD_SIZE + 64 + sizeof(signature)) {
        return 0;
    }
    key = &keys[data[0] % KEYS];
    h = data[1] % 3;
    modulus_size = key->key.modulus.size;
    digest_size = hp_sha2_size(hashes[h].hash);
    memcpy(digest, data + HEAD_SIZE, digest_size);
    if (data[2] % 4 == 0) {
        span.size = size - HEAD_SIZE - 64;
        memcpy(signature, data + HEAD_SIZE + 64, span.size);
    } else {
        encode(em, modulus_size, h, digest, digest_size);
        for (n = HEAD_SIZE + 64; n + 3 <= size; n += 3) {
            const size_t at = (((size_t)data[n] << 8) | data[n + 1]) % modulus_size;

            /* Counted from the end, where the interesting part is; the first byte stays zero, so
             * that the number is below the modulus. */
            if (at != modulus_size - 1) {
                em[modulus_size - 1 - at] ^= data[n + 2];
            }
        }
        /* Of a modulus that does not fill its first byte the second may be too much already. */
        if (memcmp(em, key->modulus, modulus_size) >= 0) {
            return 0;
        }
        sg_raw(key, em, signature);
        span.size = modulus_size;
    }
    own = hp_rsa_verify(&key->key, hashes[h].hash, digest, span, &workspace);
    other = sg_verify(key, hashes[h].name, digest, digest_size, signature, span.size);
    CHECK(own == HP_OK || own == HP_SIGNATURE_BAD);
    CHECK((own == HP_OK) == other);
    return 0;
}
