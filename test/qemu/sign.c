/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A machine without an operating system checks signatures: the freestanding library accepts a
 * signed payload and refuses each change of one bit. Ends the machine with a number: PASSED, which
 * no emulator ends with by itself, or that of the check that failed. run.sh makes sign_fixture.h,
 * which holds key and payload.
 */
#include <stddef.h>
#include <stdint.h>

#include <hotpatch/port.h>
#include <hotpatch/sign.h>

#include "sign_fixture.h"

#define PASSED 33

/* start_ARCHITECTURE.S */
void machine_main(void);
_Noreturn void machine_exit(uint32_t code);

/* What the library asks of a C library. */
void *memcpy(void *to, const void *from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int value, size_t size);
int memcmp(const void *a, const void *b, size_t size);

void *memcpy(void *to, const void *from, size_t size)
{
    return memmove(to, from, size);
}

void *memmove(void *to, const void *from, size_t size)
{
    /* Volatile, or a compiler makes a call of memmove() of the loop. */
    volatile uint8_t *out = to;
    const volatile uint8_t *in = from;
    size_t n;

    if ((uintptr_t)to < (uintptr_t)from) {
        for (n = 0; n < size; n++) {
            out[n] = in[n];
        }
    } else {
        for (n = size; n > 0; n--) {
            out[n - 1] = in[n - 1];
        }
    }
    return to;
}

void *memset(void *to, int value, size_t size)
{
    volatile uint8_t *out = to;
    size_t n;

    for (n = 0; n < size; n++) {
        out[n] = (uint8_t)value;
    }
    return to;
}

int memcmp(const void *a, const void *b, size_t size)
{
    const uint8_t *one = a;
    const uint8_t *two = b;
    size_t n;

    for (n = 0; n < size; n++) {
        if (one[n] != two[n]) {
            return one[n] < two[n] ? -1 : 1;
        }
    }
    return 0;
}

static struct hp_verify_workspace workspace;
static uint8_t file[sizeof(fixture_file)];
static uint8_t modulus[sizeof(fixture_modulus)];

/* Ends the machine unless the status is the wanted one. */
static void expect(enum hp_status found, enum hp_status wanted, uint32_t check)
{
    if (found != wanted) {
        machine_exit(check);
    }
}

static enum hp_status verify(const struct hp_keyring *ring)
{
    struct hp_signature_result result;

    return hp_signature_verify(NULL, file, sizeof(file), ring, NULL, &workspace, &result, NULL);
}

static void flip(uint8_t *bytes, size_t bit)
{
    bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
}

/* Each bit of the signature, then of the digest, then every fifth of the key's number. */
static void check_bits(const struct hp_keyring *ring, const struct hp_key *key)
{
    const struct hp_span signature = {file + FIXTURE_SIGNATURE_AT, FIXTURE_SIGNATURE_SIZE};
    const struct hp_span signed_part = {file, FIXTURE_PAYLOAD_SIZE};
    uint8_t digest[HP_DIGEST_MAX];
    size_t bit;

    for (bit = 0; bit < 8 * (size_t)FIXTURE_SIGNATURE_SIZE; bit++) {
        flip(file + FIXTURE_SIGNATURE_AT, bit);
        expect(verify(ring), HP_SIGNATURE_BAD, 10);
        flip(file + FIXTURE_SIGNATURE_AT, bit);
    }
    expect(hp_port_digest(NULL, HP_HASH_SHA256, &signed_part, 1, digest), HP_OK, 11);
    for (bit = 0; bit < 256; bit++) {
        flip(digest, bit);
        expect(hp_port_public_verify(NULL, key, HP_HASH_SHA256, digest, signature, &workspace),
               HP_SIGNATURE_BAD, 12);
        flip(digest, bit);
    }
    for (bit = 0; bit < 8 * sizeof(modulus); bit += 5) {
        flip(modulus, bit);
        expect(hp_port_public_verify(NULL, key, HP_HASH_SHA256, digest, signature, &workspace),
               HP_SIGNATURE_BAD, 13);
        flip(modulus, bit);
    }
    expect(hp_port_public_verify(NULL, key, HP_HASH_SHA256, digest, signature, &workspace), HP_OK,
           14);
}

void machine_main(void)
{
    struct hp_key entry;
    struct hp_keyring ring;
    struct hp_key key = {
        .algorithm = HP_KEY_RSA_PKCS1,
        .subject_key_id = {fixture_key_id, sizeof(fixture_key_id)},
        .modulus = {modulus, sizeof(modulus)},
        .exponent = HP_RSA_EXPONENT,
    };

    (void)memcpy(file, fixture_file, sizeof(file));
    (void)memcpy(modulus, fixture_modulus, sizeof(modulus));
    hp_keyring_init(&ring, &entry, 1);
    expect(hp_keyring_add(&ring, NULL, &key, NULL, NULL), HP_OK, 1);
    if (memcmp(entry.spki_sha256, fixture_spki, sizeof(fixture_spki)) != 0) {
        machine_exit(2);
    }
    expect(verify(&ring), HP_OK, 3);
    expect(verify(NULL), HP_KEY_UNKNOWN, 4);
    check_bits(&ring, &entry);
    /* A bit of the payload that does not move its end, and the whole once more as it was. */
    file[FIXTURE_TEXT_AT] ^= 1;
    expect(verify(&ring), HP_SIGNATURE_BAD, 5);
    file[FIXTURE_TEXT_AT] ^= 1;
    expect(verify(&ring), HP_OK, 6);
    key.exponent = 3;
    ring.count = 0;
    expect(hp_keyring_add(&ring, NULL, &key, NULL, NULL), HP_KEY_WEAK, 7);
    machine_exit(PASSED);
}
