/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The CMS SignedData (RFC 5652) that Linux's sign-file writes: detached, one signer, no attributes,
 * no certificates. What else CMS allows is not here, and is refused. Written for value analysis.
 */
#include "sign/trailer.h"

enum { OID_MAX = 9 };

/* An object identifier by its contents octets, and what it stands for. */
struct algorithm {
    uint8_t size;
    uint8_t oid[OID_MAX];
    enum hp_signature_scheme scheme; /* HP_SCHEME_NONE: a digest alone */
    enum hp_hash hash;               /* HP_HASH_NONE: whatever the digest is */
};

#define NIST(...)   0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, __VA_ARGS__ /* 2.16.840.1.101.3.4 */
#define RSADSI(...) 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, __VA_ARGS__       /* 1.2.840.113549 */
#define X9_62(...)  0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, __VA_ARGS__       /* 1.2.840.10045.4 */

/* RFC 3279, 4055, 5754, 5758; those that are only refused included, so that it can be said why. */
static const struct algorithm algorithms[] = {
    /* digests */
    {9, {NIST(2, 1)}, HP_SCHEME_NONE, HP_HASH_SHA256},
    {9, {NIST(2, 2)}, HP_SCHEME_NONE, HP_HASH_SHA384},
    {9, {NIST(2, 3)}, HP_SCHEME_NONE, HP_HASH_SHA512},
    {9, {NIST(2, 4)}, HP_SCHEME_NONE, HP_HASH_WEAK},                   /* SHA-224 */
    {5, {0x2b, 0x0e, 0x03, 0x02, 0x1a}, HP_SCHEME_NONE, HP_HASH_WEAK}, /* SHA-1 */
    {5, {0x2b, 0x24, 0x03, 0x02, 0x01}, HP_SCHEME_NONE, HP_HASH_WEAK}, /* RIPEMD-160 */
    {8, {RSADSI(2, 5)}, HP_SCHEME_NONE, HP_HASH_WEAK},                 /* MD5 */
    {8, {RSADSI(2, 4)}, HP_SCHEME_NONE, HP_HASH_WEAK},                 /* MD4 */
    /* signatures */
    {9, {RSADSI(1, 1, 1)}, HP_SCHEME_RSA_PKCS1, HP_HASH_NONE},
    {9, {RSADSI(1, 1, 11)}, HP_SCHEME_RSA_PKCS1, HP_HASH_SHA256},
    {9, {RSADSI(1, 1, 12)}, HP_SCHEME_RSA_PKCS1, HP_HASH_SHA384},
    {9, {RSADSI(1, 1, 13)}, HP_SCHEME_RSA_PKCS1, HP_HASH_SHA512},
    {9, {RSADSI(1, 1, 14)}, HP_SCHEME_RSA_PKCS1, HP_HASH_WEAK}, /* SHA-224 */
    {9, {RSADSI(1, 1, 5)}, HP_SCHEME_RSA_PKCS1, HP_HASH_WEAK},  /* SHA-1 */
    {9, {RSADSI(1, 1, 4)}, HP_SCHEME_RSA_PKCS1, HP_HASH_WEAK},  /* MD5 */
    {9, {RSADSI(1, 1, 10)}, HP_SCHEME_RSA_PSS, HP_HASH_NONE},
    {8, {X9_62(3, 2)}, HP_SCHEME_ECDSA, HP_HASH_SHA256},
    {8, {X9_62(3, 3)}, HP_SCHEME_ECDSA, HP_HASH_SHA384},
    {8, {X9_62(3, 4)}, HP_SCHEME_ECDSA, HP_HASH_SHA512},
    {8, {X9_62(3, 1)}, HP_SCHEME_ECDSA, HP_HASH_WEAK}, /* SHA-224 */
    {7, {X9_62(1)}, HP_SCHEME_ECDSA, HP_HASH_WEAK},    /* SHA-1 */
    {7, {0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x01}, HP_SCHEME_DSA, HP_HASH_NONE},
    {7, {0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x03}, HP_SCHEME_DSA, HP_HASH_WEAK},
    {9, {NIST(3, 1)}, HP_SCHEME_DSA, HP_HASH_WEAK}, /* SHA-224 */
    {9, {NIST(3, 2)}, HP_SCHEME_DSA, HP_HASH_SHA256},
};

static const uint8_t signed_data[] = {RSADSI(1, 7, 2)};
static const uint8_t plain_data[] = {RSADSI(1, 7, 1)};

/*
 * Reads an AlgorithmIdentifier. Parameters: of a digest NULL or absent (RFC 5754, section 2), of
 * RSA NULL, of ECDSA and DSA absent; those of PSS, which is refused later, are not looked at.
 */
static enum hp_status read_algorithm(struct hp_der *der, enum hp_signature_scheme *scheme,
                                     enum hp_hash *hash)
{
    struct hp_der identifier;
    struct hp_der oid;
    struct hp_der null;
    bool has_null;
    size_t i;

    *scheme = HP_SCHEME_NONE;
    *hash = HP_HASH_NONE;
    if (!hp_der_take(der, HP_DER_SEQUENCE, &identifier) ||
        !hp_der_take(&identifier, HP_DER_OID, &oid)) {
        return HP_SIGNATURE_MALFORMED;
    }
    for (i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
        if (hp_der_equals(&oid, algorithms[i].oid, algorithms[i].size)) {
            break;
        }
    }
    if (i == sizeof(algorithms) / sizeof(algorithms[0])) {
        return HP_SIGNATURE_UNSUPPORTED;
    }
    *scheme = algorithms[i].scheme;
    *hash = algorithms[i].hash;
    if (*scheme == HP_SCHEME_RSA_PSS) {
        return HP_OK;
    }
    has_null = hp_der_take(&identifier, HP_DER_NULL, &null);
    if (!hp_der_is_done(&identifier) || !hp_der_is_done(&null) ||
        (*scheme == HP_SCHEME_RSA_PKCS1 && !has_null) ||
        ((*scheme == HP_SCHEME_ECDSA || *scheme == HP_SCHEME_DSA) && has_null)) {
        return HP_SIGNATURE_MALFORMED;
    }
    return HP_OK;
}

/* Reads the AlgorithmIdentifier of a digest. */
static enum hp_status read_digest(struct hp_der *der, enum hp_hash *hash)
{
    enum hp_signature_scheme scheme;
    enum hp_status status = read_algorithm(der, &scheme, hash);

    if (status == HP_OK && scheme != HP_SCHEME_NONE) {
        status = HP_SIGNATURE_MALFORMED;
    }
    return status;
}

/* SignerIdentifier: issuer and serial number, or [0] the subject key identifier. */
static bool read_signer_id(struct hp_der *der, struct hp_trailer *trailer)
{
    struct hp_der both;
    struct hp_der name;
    struct hp_der issuer;

    if (hp_der_is_next(der, HP_DER_CONTEXT_0)) {
        if (!hp_der_take(der, HP_DER_CONTEXT_0, &name)) {
            return false;
        }
        trailer->key_id = hp_der_span(&name);
        return trailer->key_id.size != 0;
    }
    if (!hp_der_take(der, HP_DER_SEQUENCE, &both)) {
        return false;
    }
    issuer = both;
    if (!hp_der_take(&both, HP_DER_SEQUENCE, &name)) {
        return false;
    }
    issuer.end = both.at;
    trailer->issuer = hp_der_span(&issuer);
    return hp_der_take_integer(&both, &trailer->serial) && hp_der_is_done(&both);
}

/* SignerInfo, behind its version: the rest of it. */
static enum hp_status read_signer(struct hp_der *der, struct hp_trailer *trailer)
{
    struct hp_der signature;
    enum hp_hash outer = trailer->hash;
    enum hp_hash inner;
    enum hp_status status = read_digest(der, &inner);

    if (status) {
        return status;
    }
    if (hp_der_is_next(der, HP_DER_CONTEXT_0_HOLD)) {
        return HP_SIGNATURE_POLICY; /* signedAttrs */
    }
    status = read_algorithm(der, &trailer->scheme, &trailer->hash);
    if (status) {
        return status;
    }
    if (!hp_der_take(der, HP_DER_OCTETS, &signature) || hp_der_is_done(&signature)) {
        return HP_SIGNATURE_MALFORMED;
    }
    trailer->signature = hp_der_span(&signature);
    if (hp_der_is_next(der, HP_DER_CONTEXT_1_HOLD)) {
        return HP_SIGNATURE_POLICY; /* unsignedAttrs */
    }
    if (!hp_der_is_done(der) || trailer->scheme == HP_SCHEME_NONE || inner != outer ||
        (trailer->hash != HP_HASH_NONE && trailer->hash != inner)) {
        return HP_SIGNATURE_MALFORMED;
    }
    trailer->hash = inner;
    return HP_OK;
}

/* SignerInfos: a SET of one. */
static enum hp_status read_signers(struct hp_der *der, uint8_t version, struct hp_trailer *trailer)
{
    struct hp_der signers;
    struct hp_der signer;
    uint8_t own_version;
    enum hp_status status;

    if (!hp_der_take(der, HP_DER_SET, &signers) || !hp_der_is_done(der) ||
        !hp_der_take(&signers, HP_DER_SEQUENCE, &signer)) {
        return HP_SIGNATURE_MALFORMED;
    }
    if (!hp_der_is_done(&signers)) {
        return HP_SIGNATURE_POLICY;
    }
    /* The two versions go with the form of the identifier, and with each other (sections 5.1, 5.3).
     */
    if (!hp_der_take_number(&signer, &own_version) || own_version != version ||
        !read_signer_id(&signer, trailer) || version != (trailer->key_id.size != 0 ? 3 : 1)) {
        return HP_SIGNATURE_MALFORMED;
    }
    status = read_signer(&signer, trailer);
    der->at = signer.at;
    return status;
}

/* SignedData up to its signers. */
static enum hp_status read_signed_data(struct hp_der *der, uint8_t *version,
                                       struct hp_trailer *trailer)
{
    struct hp_der digests;
    struct hp_der content;
    struct hp_der oid;
    enum hp_status status;

    if (!hp_der_take_number(der, version) || !hp_der_take(der, HP_DER_SET, &digests)) {
        return HP_SIGNATURE_MALFORMED;
    }
    status = read_digest(&digests, &trailer->hash);
    if (status) {
        return status;
    }
    if (!hp_der_is_done(&digests)) {
        return HP_SIGNATURE_POLICY;
    }
    if (!hp_der_take(der, HP_DER_SEQUENCE, &content) || !hp_der_take(&content, HP_DER_OID, &oid) ||
        !hp_der_equals(&oid, plain_data, sizeof(plain_data))) {
        return HP_SIGNATURE_MALFORMED;
    }
    if (hp_der_is_next(&content, HP_DER_CONTEXT_0_HOLD) ||
        hp_der_is_next(der, HP_DER_CONTEXT_0_HOLD) || hp_der_is_next(der, HP_DER_CONTEXT_1_HOLD)) {
        return HP_SIGNATURE_POLICY; /* content, certificates, revocation lists */
    }
    return hp_der_is_done(&content) ? HP_OK : HP_SIGNATURE_MALFORMED;
}

enum hp_status hp_cms_read(struct hp_der *der, struct hp_trailer *trailer)
{
    struct hp_der info;
    struct hp_der oid;
    struct hp_der wrapped;
    struct hp_der data;
    uint8_t version;
    enum hp_status status;

    if (!hp_der_take(der, HP_DER_SEQUENCE, &info) || !hp_der_is_done(der)) {
        return HP_SIGNATURE_MALFORMED;
    }
    der->at = info.at;
    if (!hp_der_take(&info, HP_DER_OID, &oid) ||
        !hp_der_equals(&oid, signed_data, sizeof(signed_data)) ||
        !hp_der_take(&info, HP_DER_CONTEXT_0_HOLD, &wrapped) || !hp_der_is_done(&info) ||
        !hp_der_take(&wrapped, HP_DER_SEQUENCE, &data) || !hp_der_is_done(&wrapped)) {
        return HP_SIGNATURE_MALFORMED;
    }
    status = read_signed_data(&data, &version, trailer);
    if (status == HP_OK) {
        status = read_signers(&data, version, trailer);
    }
    der->at = data.at;
    return status;
}
