/* SPDX-License-Identifier: BSD-2-Clause */
/* The verdict on a signature: key, policy, digest, public-key operation. */
#include <hotpatch/port.h>
#include <hotpatch/sign.h>

#include <string.h>

#include "base/diag.h"
#include "sign/trailer.h"

static const struct hp_signature_policy default_policy = {.size = sizeof(default_policy)};

static bool is_allowed(uint32_t mask, uint32_t defaults, unsigned int value)
{
    return (((mask != 0 ? mask : defaults) >> value) & 1) != 0;
}

/* What can be refused without a key. */
static enum hp_status check_trailer(const struct hp_trailer *trailer,
                                    const struct hp_signature_policy *policy)
{
    if (!is_allowed(policy->formats, HP_ALLOW(HP_SIGNATURE_XENDOC) | HP_ALLOW(HP_SIGNATURE_LINUX),
                    trailer->format) ||
        (trailer->scheme != HP_SCHEME_RSA_PKCS1 && trailer->scheme != HP_SCHEME_ECDSA) ||
        trailer->hash == HP_HASH_WEAK) {
        return HP_SIGNATURE_POLICY;
    }
    return HP_OK;
}

static const struct hp_key *find_key(const struct hp_keyring *ring,
                                     const struct hp_trailer *trailer, uint32_t *index)
{
    uint32_t n;

    *index = 0;
    for (n = 0; ring != NULL && n < ring->count; n++) {
        const struct hp_key *key = &ring->keys[n];

        if (hp_identifier_equal(key->subject_key_id, trailer->key_id) ||
            (hp_identifier_equal(key->issuer, trailer->issuer) &&
             hp_identifier_equal(key->serial, trailer->serial))) {
            *index = n;
            return key;
        }
    }
    return NULL;
}

static bool is_key_revoked(const struct hp_key *key, const struct hp_signature_policy *policy)
{
    size_t n;

    for (n = 0; n < policy->revoked_key_count; n++) {
        if (memcmp(policy->revoked_keys[n], key->spki_sha256, HP_SPKI_HASH_SIZE) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_payload_revoked(enum hp_hash hash, const uint8_t *digest,
                               const struct hp_signature_policy *policy)
{
    size_t n;

    for (n = 0; n < policy->revoked_payload_count; n++) {
        const struct hp_revoked_payload *revoked = &policy->revoked_payloads[n];

        if (revoked->hash == hash && memcmp(revoked->digest, digest, hp_hash_size(hash)) == 0) {
            return true;
        }
    }
    return false;
}

/* Whether key and policy allow what the signature says that it is. */
static enum hp_status check_key(const struct hp_key *key, const struct hp_trailer *trailer,
                                const struct hp_signature_policy *policy)
{
    const bool is_rsa = key->algorithm == HP_KEY_RSA_PKCS1;
    const uint32_t all_keys =
        HP_ALLOW(HP_KEY_RSA_PKCS1) | HP_ALLOW(HP_KEY_ECDSA_P256) | HP_ALLOW(HP_KEY_ECDSA_P384);
    const uint32_t all_hashes =
        HP_ALLOW(HP_HASH_SHA256) | HP_ALLOW(HP_HASH_SHA384) | HP_ALLOW(HP_HASH_SHA512);

    if (trailer->scheme != (is_rsa ? HP_SCHEME_RSA_PKCS1 : HP_SCHEME_ECDSA) ||
        !is_allowed(policy->algorithms, all_keys, key->algorithm) ||
        !is_allowed(policy->hashes, all_hashes, trailer->hash) ||
        (key->hash != HP_HASH_NONE && key->hash != trailer->hash)) {
        return HP_SIGNATURE_POLICY;
    }
    if (is_rsa && hp_modulus_bits(key->modulus) < hp_policy_rsa_bits(policy)) {
        return HP_KEY_WEAK;
    }
    return HP_OK;
}

/*
 * The bare signature. Only here, where the key is known, can it be told whether two bytes in front
 * are a length: what Linux 3.7 wrote, which is accepted in the layout that is of its time.
 */
static enum hp_status bare_signature(const struct hp_key *key, const struct hp_trailer *trailer,
                                     struct hp_span *signature)
{
    const size_t size = key->modulus.size;

    *signature = trailer->signature;
    if (key->algorithm != HP_KEY_RSA_PKCS1) {
        return HP_OK;
    }
    if (signature->size == size + 1 && signature->data[0] == 0) {
        return HP_SIGNATURE_MALFORMED;
    }
    if (trailer->format == HP_SIGNATURE_XENDOC && signature->size == size + 2) {
        if ((((size_t)signature->data[0] << 8) | signature->data[1]) != size) {
            return HP_SIGNATURE_MALFORMED;
        }
        signature->data += 2;
        signature->size = size;
    }
    return HP_OK;
}

/* A refusal, with the part of the file that it is about. */
static enum hp_status refuse(struct hp_signature_result *result, struct hp_span file,
                             struct hp_span part, enum hp_status status)
{
    result->status = status;
    result->offset = part.size != 0 ? (uint64_t)(part.data - file.data) : result->payload_len;
    return status;
}

enum hp_status
hp_signature_check(struct hp_port *port, struct hp_span file, const struct hp_trailer *trailer,
                   const struct hp_keyring *keyring, const struct hp_signature_policy *policy,
                   struct hp_verify_workspace *workspace, struct hp_signature_result *result)
{
    const struct hp_span payload = {file.data, trailer->payload_len};
    const struct hp_span id = trailer->key_id.size != 0 ? trailer->key_id : trailer->issuer;
    uint8_t digest[HP_DIGEST_MAX];
    struct hp_span signature;
    const struct hp_key *key;
    uint32_t index;
    enum hp_status status;

    if (policy == NULL) {
        policy = &default_policy;
    }
    status = check_trailer(trailer, policy);
    if (status) {
        return refuse(result, file, trailer->signature, status);
    }
    key = find_key(keyring, trailer, &index);
    if (key == NULL) {
        return refuse(result, file, id, HP_KEY_UNKNOWN);
    }
    if (is_key_revoked(key, policy)) {
        return refuse(result, file, id, HP_SIGNATURE_REVOKED);
    }
    status = check_key(key, trailer, policy);
    if (status == HP_OK) {
        status = bare_signature(key, trailer, &signature);
    }
    if (status == HP_OK) {
        status = hp_port_digest(port, trailer->hash, &payload, 1, digest);
    }
    if (status == HP_OK) {
        status = hp_port_public_verify(port, key, trailer->hash, digest, signature, workspace);
    }
    if (status) {
        return refuse(result, file, trailer->signature, status);
    }
    if (is_payload_revoked(trailer->hash, digest, policy)) {
        return refuse(result, file, payload, HP_SIGNATURE_REVOKED);
    }
    result->status = HP_OK;
    result->offset = HP_NO_OFFSET;
    result->algorithm = key->algorithm;
    result->hash = trailer->hash;
    result->key = index;
    hp_signer_escape(trailer->signer, result->signer, sizeof(result->signer));
    return HP_OK;
}

enum hp_status hp_signature_verify(struct hp_port *port, const void *data, size_t size,
                                   const struct hp_keyring *keyring,
                                   const struct hp_signature_policy *policy,
                                   struct hp_verify_workspace *workspace,
                                   struct hp_signature_result *result, struct hp_diag *diag)
{
    const struct hp_span file = {data, data ? size : 0};
    struct hp_trailer trailer;
    size_t extent;
    enum hp_status status;

    memset(result, 0, sizeof(*result));
    result->offset = HP_NO_OFFSET;
    if (policy != NULL && policy->size != sizeof(*policy)) {
        result->status = HP_INVALID_ARGUMENT;
        return hp_fail(diag, HP_STAGE_CALL, HP_INVALID_ARGUMENT);
    }
    status = hp_elf_extent(data, size, &extent, diag);
    if (status) {
        result->status = status;
        return status;
    }
    status = hp_trailer_read(file, extent, &trailer, &result->offset);
    result->format = trailer.format;
    result->payload_len = trailer.payload_len;
    result->status = status;
    if (status == HP_OK) {
        status = hp_signature_check(port, file, &trailer, keyring, policy, workspace, result);
    }
    if (status) {
        hp_note_offset(diag, result->offset);
        status = hp_fail(diag, HP_STAGE_SIGNATURE, status);
    }
    return status;
}
