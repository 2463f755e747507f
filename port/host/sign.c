/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signing of payloads. A signature is made over the digest, put into its layout, and then has to
 * verify as any other does: nothing is handed out that the library would refuse.
 */
#include <stdlib.h>
#include <string.h>

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

#include <hotpatch/port.h>

#include "base/diag.h"
#include "sign.h"

static const uint8_t marker[] = "~Module signature appended~\n";

enum {
    MARKER_SIZE = sizeof(marker) - 1,
    HEADER_SIZE = 12,
    ALGORITHM_RSA = 1,
    ID_X509 = 1,
    ID_PKCS7 = 2,
    FIELD_MAX = 255,
    SIGNATURE_MAX = 16384 / 8 /* of the largest RSA key of libcrypto's */
};

/* One signing: the arguments, checked, and what follows from them. */
struct signing {
    struct hp_span payload; /* the ELF file alone */
    const struct hp_certificate *certificate;
    struct hp_sign_options options; /* defaults filled in */
    uint8_t digest[HP_DIGEST_MAX];
    struct hp_diag *diag;
};

/* ---- what is to be signed -------------------------------------------------------------------- */

/* The end of the ELF file; what follows it must be nothing, or a signature that is to go. */
static enum hp_status take_payload(struct signing *signing, const void *data, size_t size)
{
    struct hp_trailer trailer;
    struct hp_diag ignored;
    size_t extent;
    enum hp_status status = hp_elf_extent(data, size, &extent, signing->diag);

    if (status) {
        return status;
    }
    signing->payload.data = data;
    signing->payload.size = extent;
    if (size == extent) {
        return HP_OK;
    }
    hp_diag_init(&ignored);
    status = hp_trailer_parse(data, size, &trailer, &ignored);
    if (trailer.format != HP_SIGNATURE_NONE) {
        return signing->options.resign ? HP_OK
                                       : hp_crypto_refuse(signing->diag, HP_ALREADY_SIGNED,
                                                          hp_signature_format_name(trailer.format));
    }
    status = hp_fail_numbers(signing->diag, HP_STAGE_SIGNATURE, HP_TRAILING_BYTES, extent, size);
    hp_note_offset(signing->diag, extent);
    return status;
}

static enum hp_status take_options(struct signing *signing, const struct hp_sign_options *options)
{
    struct hp_sign_options *own = &signing->options;

    memset(own, 0, sizeof(*own));
    if (options != NULL) {
        if (options->size != sizeof(*options)) {
            return hp_crypto_refuse(signing->diag, HP_INVALID_ARGUMENT, "");
        }
        *own = *options;
    }
    if (own->format == HP_SIGNATURE_NONE) {
        own->format = HP_SIGNATURE_XENDOC;
    }
    if (own->hash == HP_HASH_NONE) {
        own->hash = HP_HASH_SHA256;
    }
    if (hp_crypto_digest(own->hash) == NULL) {
        return hp_crypto_refuse(signing->diag, HP_INVALID_ARGUMENT, "");
    }
    if (own->format == HP_SIGNATURE_LINUX37) {
        return hp_crypto_refuse(signing->diag, HP_SIGNATURE_UNSUPPORTED, "linux37 is not written");
    }
    return own->format == HP_SIGNATURE_XENDOC || own->format == HP_SIGNATURE_LINUX
               ? HP_OK
               : hp_crypto_refuse(signing->diag, HP_INVALID_ARGUMENT, "");
}

/* Whether the layout can hold what is known of the key. */
static enum hp_status check_layout(const struct signing *signing)
{
    const struct hp_key *key = &signing->certificate->key;

    if (signing->options.format != HP_SIGNATURE_XENDOC) {
        return HP_OK;
    }
    if (key->algorithm != HP_KEY_RSA_PKCS1) {
        return hp_crypto_refuse(signing->diag, HP_SIGNATURE_UNSUPPORTED,
                                "the layout xendoc knows RSA only");
    }
    if (key->subject_key_id.size == 0 || key->subject_key_id.size > FIELD_MAX) {
        return hp_crypto_refuse(signing->diag, HP_KEY_INVALID,
                                "the layout xendoc needs a subjectKeyIdentifier");
    }
    return HP_OK;
}

/* A ring of the one key, which must be good enough to sign with. */
static enum hp_status make_ring(const struct signing *signing, struct hp_keyring *ring,
                                struct hp_key *entry)
{
    const struct hp_signature_policy policy = {
        .size = sizeof(policy),
        .rsa_bits_min = signing->options.allow_weak_key ? HP_RSA_BITS_DEFAULT : HP_RSA_BITS_SIGN,
    };
    enum hp_status status;

    hp_keyring_init(ring, entry, 1);
    status = hp_keyring_add(ring, NULL, &signing->certificate->key, &policy, NULL);
    if (status == HP_KEY_WEAK) {
        return hp_crypto_refuse(signing->diag, status,
                                signing->options.allow_weak_key
                                    ? "RSA to sign with has 2048 to 4096 bits and e = 65537"
                                    : "RSA to sign with has 3072 to 4096 bits and e = 65537");
    }
    return status ? hp_crypto_refuse(signing->diag, status, "") : HP_OK;
}

/* What there is to sign, and its digest. */
static enum hp_status take_digest(struct signing *signing, const void *data, size_t size,
                                  const struct hp_sign_options *options)
{
    enum hp_status status = take_options(signing, options);

    if (status == HP_OK) {
        status = take_payload(signing, data, size);
    }
    if (status == HP_OK) {
        status = hp_port_digest(NULL, signing->options.hash, &signing->payload, 1, signing->digest);
        if (status) {
            status = hp_crypto_refuse(signing->diag, status, "");
        }
    }
    return status;
}

/* Everything that is checked before a key is used. */
static enum hp_status prepare(struct signing *signing, const void *data, size_t size,
                              const struct hp_sign_options *options)
{
    struct hp_keyring ring;
    struct hp_key entry;
    enum hp_status status = take_digest(signing, data, size, options);

    if (status == HP_OK) {
        status = check_layout(signing);
    }
    if (status == HP_OK) {
        status = make_ring(signing, &ring, &entry);
    }
    return status;
}

/* ---- layouts --------------------------------------------------------------------------------- */

static uint8_t *put(uint8_t *at, const void *bytes, size_t size)
{
    if (size != 0) {
        memcpy(at, bytes, size);
    }
    return at + size;
}

static uint8_t *put_header(uint8_t *at, uint8_t algorithm, uint8_t hash, uint8_t id_type,
                           size_t signer_size, size_t key_id_size, size_t signature_size)
{
    const uint8_t header[HEADER_SIZE] = {algorithm,
                                         hash,
                                         id_type,
                                         (uint8_t)signer_size,
                                         (uint8_t)key_id_size,
                                         0,
                                         0,
                                         0,
                                         (uint8_t)(signature_size >> 24),
                                         (uint8_t)(signature_size >> 16),
                                         (uint8_t)(signature_size >> 8),
                                         (uint8_t)signature_size};

    return put(at, header, sizeof(header));
}

/* ELF, marker, header, signature, key id, signer. */
static enum hp_status write_xendoc(const struct signing *signing, struct hp_span signature,
                                   struct hp_signed *out)
{
    const struct hp_key *key = &signing->certificate->key;
    const size_t signer_size = key->name.size < FIELD_MAX ? key->name.size : FIELD_MAX;
    /* Numbers of the design document. */
    const uint8_t hash = signing->options.hash == HP_HASH_SHA256   ? 4
                         : signing->options.hash == HP_HASH_SHA384 ? 5
                                                                   : 6;
    uint8_t *at;

    out->size = signing->payload.size + MARKER_SIZE + HEADER_SIZE + signature.size +
                key->subject_key_id.size + signer_size;
    out->data = malloc(out->size);
    if (out->data == NULL) {
        return hp_crypto_refuse(signing->diag, HP_NO_MEMORY, "");
    }
    at = put(out->data, signing->payload.data, signing->payload.size);
    at = put(at, marker, MARKER_SIZE);
    at = put_header(at, ALGORITHM_RSA, hash, ID_X509, signer_size, key->subject_key_id.size,
                    signature.size);
    at = put(at, signature.data, signature.size);
    at = put(at, key->subject_key_id.data, key->subject_key_id.size);
    (void)put(at, key->name.data, signer_size);
    return HP_OK;
}

/*
 * The DER that Linux's sign-file makes: detached, without attributes and certificates. libcrypto
 * puts it together and is not asked to sign: the signature, which without attributes is over the
 * payload's digest itself, is there already. So the key may be the public one.
 */
static int make_cms(const struct signing *signing, struct hp_span signature, unsigned char **der)
{
    const unsigned flags = CMS_NOCERTS | CMS_BINARY | CMS_DETACHED;
    CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, NULL, flags | CMS_PARTIAL | CMS_STREAM);
    CMS_SignerInfo *signer = NULL;
    int size = -1;

    *der = NULL;
    if (cms != NULL) {
        signer = CMS_add1_signer(cms, signing->certificate->x509, signing->certificate->public_key,
                                 hp_crypto_digest(signing->options.hash),
                                 flags | CMS_NOSMIMECAP | CMS_NOATTR);
    }
    if (signer != NULL && ASN1_STRING_set(CMS_SignerInfo_get0_signature(signer), signature.data,
                                          (int)signature.size) == 1) {
        size = i2d_CMS_ContentInfo(cms, der);
    }
    CMS_ContentInfo_free(cms);
    return size;
}

/* ELF, CMS, header, marker. */
static enum hp_status write_linux(const struct signing *signing, struct hp_span signature,
                                  struct hp_signed *out)
{
    unsigned char *der;
    const int der_size = make_cms(signing, signature, &der);
    uint8_t *at;

    if (der_size <= 0) {
        return hp_crypto_refuse(signing->diag, HP_SIGNING_FAILED, "no CMS can be made");
    }
    out->size = signing->payload.size + (size_t)der_size + HEADER_SIZE + MARKER_SIZE;
    out->data = malloc(out->size);
    if (out->data != NULL) {
        at = put(out->data, signing->payload.data, signing->payload.size);
        at = put(at, der, (size_t)der_size);
        at = put_header(at, 0, 0, ID_PKCS7, 0, 0, (size_t)der_size);
        (void)put(at, marker, MARKER_SIZE);
    }
    OPENSSL_free(der);
    return out->data != NULL ? HP_OK : hp_crypto_refuse(signing->diag, HP_NO_MEMORY, "");
}

/* What was made has to pass like any other. */
static enum hp_status check_result(const struct signing *signing, const struct hp_signed *out)
{
    const struct hp_signature_policy policy = {.size = sizeof(policy)};
    struct hp_verify_workspace *workspace = malloc(sizeof(*workspace));
    struct hp_signature_result result;
    struct hp_keyring ring;
    struct hp_key entry;
    enum hp_status status;

    if (workspace == NULL) {
        return hp_crypto_refuse(signing->diag, HP_NO_MEMORY, "");
    }
    status = make_ring(signing, &ring, &entry);
    if (status == HP_OK) {
        status = hp_signature_verify(NULL, out->data, out->size, &ring, &policy, workspace, &result,
                                     signing->diag);
    }
    free(workspace);
    return status;
}

static enum hp_status attach(const struct signing *signing, struct hp_span signature,
                             struct hp_signed *out)
{
    enum hp_status status;

    if (signature.size == 0 || signature.size > SIGNATURE_MAX) {
        return hp_crypto_refuse(signing->diag, HP_SIGNATURE_BAD, "not the length of a signature");
    }
    status = signing->options.format == HP_SIGNATURE_XENDOC ? write_xendoc(signing, signature, out)
                                                            : write_linux(signing, signature, out);
    if (status == HP_OK) {
        status = check_result(signing, out);
    }
    if (status) {
        hp_signed_free(out);
    }
    return status;
}

/* ---- the functions --------------------------------------------------------------------------- */

/* The private operation on the digest. */
static enum hp_status make_signature(const struct signing *signing,
                                     const struct hp_private_key *key, uint8_t *bytes, size_t *size)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key->pair, NULL);
    const EVP_MD *md = hp_crypto_digest(signing->options.hash);
    const bool is_rsa = signing->certificate->key.algorithm == HP_KEY_RSA_PKCS1;
    const bool ok =
        ctx != NULL && EVP_PKEY_sign_init(ctx) == 1 &&
        (!is_rsa || EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1) &&
        EVP_PKEY_CTX_set_signature_md(ctx, md) == 1 &&
        EVP_PKEY_sign(ctx, bytes, size, signing->digest, (size_t)EVP_MD_get_size(md)) == 1;

    EVP_PKEY_CTX_free(ctx);
    return ok ? HP_OK : hp_crypto_refuse(signing->diag, HP_SIGNING_FAILED, "");
}

enum hp_status hp_sign(struct hp_signed *signed_payload, const void *data, size_t size,
                       const struct hp_private_key *key, const struct hp_certificate *certificate,
                       const struct hp_sign_options *options, struct hp_diag *diag)
{
    struct signing signing = {.certificate = certificate, .diag = diag};
    uint8_t bytes[SIGNATURE_MAX];
    struct hp_span signature = {bytes, sizeof(bytes)};
    enum hp_status status;

    signed_payload->data = NULL;
    signed_payload->size = 0;
    (void)ERR_set_mark();
    status = prepare(&signing, data, size, options);
    if (status == HP_OK && EVP_PKEY_eq(certificate->public_key, key->pair) != 1) {
        status = hp_crypto_refuse(diag, HP_KEY_MISMATCH, "");
    }
    if (status == HP_OK) {
        status = make_signature(&signing, key, bytes, &signature.size);
    }
    if (status == HP_OK) {
        status = attach(&signing, signature, signed_payload);
    }
    (void)ERR_pop_to_mark();
    return status;
}

enum hp_status hp_sign_attach(struct hp_signed *signed_payload, const void *data, size_t size,
                              struct hp_span signature, const struct hp_certificate *certificate,
                              const struct hp_sign_options *options, struct hp_diag *diag)
{
    struct signing signing = {.certificate = certificate, .diag = diag};
    enum hp_status status;

    signed_payload->data = NULL;
    signed_payload->size = 0;
    (void)ERR_set_mark();
    status = prepare(&signing, data, size, options);
    if (status == HP_OK) {
        status = attach(&signing, signature, signed_payload);
    }
    (void)ERR_pop_to_mark();
    return status;
}

enum hp_status hp_sign_digest(uint8_t *digest, size_t *size_of, const void *data, size_t size,
                              const struct hp_sign_options *options, struct hp_diag *diag)
{
    struct signing signing = {.diag = diag};
    enum hp_status status;

    *size_of = 0;
    (void)ERR_set_mark();
    status = take_digest(&signing, data, size, options);
    if (status == HP_OK) {
        *size_of = hp_hash_size(signing.options.hash);
        memcpy(digest, signing.digest, *size_of);
    }
    (void)ERR_pop_to_mark();
    return status;
}

void hp_signed_free(struct hp_signed *signed_payload)
{
    free(signed_payload->data);
    signed_payload->data = NULL;
    signed_payload->size = 0;
}
