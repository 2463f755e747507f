/* SPDX-License-Identifier: BSD-2-Clause */
/* Digests and public-key operations of the host port, on libcrypto. */
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include "base/diag.h"
#include "internal.h"
#include "sign.h"

enum hp_status hp_crypto_refuse(struct hp_diag *diag, enum hp_status status, const char *words)
{
    status = hp_fail(diag, HP_STAGE_CALL, status);
    hp_note_symbol(diag, HP_NO_INDEX, words, strlen(words));
    return status;
}

const EVP_MD *hp_crypto_digest(enum hp_hash hash)
{
    switch (hash) {
    case HP_HASH_SHA256:
        return EVP_sha256();
    case HP_HASH_SHA384:
        return EVP_sha384();
    case HP_HASH_SHA512:
        return EVP_sha512();
    default:
        return NULL;
    }
}

enum hp_status hp_port_digest(struct hp_port *port, enum hp_hash hash, const struct hp_span *parts,
                              size_t count, uint8_t *digest)
{
    const EVP_MD *md = hp_crypto_digest(hash);
    EVP_MD_CTX *ctx;
    bool ok;
    size_t i;

    if (md == NULL) {
        return HP_SIGNATURE_UNSUPPORTED;
    }
    if (port != NULL && hp_host_must_fail(port)) {
        return HP_NO_MEMORY;
    }
    /* The caller's queue of errors stays as it was. */
    (void)ERR_set_mark();
    ctx = EVP_MD_CTX_new();
    ok = ctx != NULL && EVP_DigestInit_ex(ctx, md, NULL) == 1;
    for (i = 0; ok && i < count; i++) {
        ok = parts[i].size == 0 || EVP_DigestUpdate(ctx, parts[i].data, parts[i].size) == 1;
    }
    ok = ok && EVP_DigestFinal_ex(ctx, digest, NULL) == 1;
    EVP_MD_CTX_free(ctx);
    (void)ERR_pop_to_mark();
    return ok ? HP_OK : HP_NO_MEMORY;
}

/* What libcrypto is told of a key. */
struct numbers {
    BIGNUM *n;
    BIGNUM *e;
    OSSL_PARAM_BLD *build;
    OSSL_PARAM *params;
};

static void free_numbers(struct numbers *numbers)
{
    OSSL_PARAM_free(numbers->params);
    OSSL_PARAM_BLD_free(numbers->build);
    BN_free(numbers->n);
    BN_free(numbers->e);
}

static bool describe_rsa(const struct hp_key *key, struct numbers *numbers)
{
    numbers->n = BN_bin2bn(key->modulus.data, (int)key->modulus.size, NULL);
    numbers->e = BN_new();
    return numbers->n != NULL && numbers->e != NULL &&
           BN_set_word(numbers->e, key->exponent) == 1 &&
           OSSL_PARAM_BLD_push_BN(numbers->build, OSSL_PKEY_PARAM_RSA_N, numbers->n) == 1 &&
           OSSL_PARAM_BLD_push_BN(numbers->build, OSSL_PKEY_PARAM_RSA_E, numbers->e) == 1;
}

static bool describe_point(const struct hp_key *key, struct numbers *numbers)
{
    const char *group = key->algorithm == HP_KEY_ECDSA_P256 ? "P-256" : "P-384";

    return OSSL_PARAM_BLD_push_utf8_string(numbers->build, OSSL_PKEY_PARAM_GROUP_NAME, group, 0) ==
               1 &&
           OSSL_PARAM_BLD_push_octet_string(numbers->build, OSSL_PKEY_PARAM_PUB_KEY,
                                            key->point.data, key->point.size) == 1;
}

/*
 * A key as libcrypto has it, or HP_NO_MEMORY, or HP_SIGNATURE_BAD for what is no key, such as a
 * point that is not on its curve: nothing verifies with that.
 */
static enum hp_status make_key(const struct hp_key *key, EVP_PKEY **made)
{
    const bool is_rsa = key->algorithm == HP_KEY_RSA_PKCS1;
    struct numbers numbers = {.build = OSSL_PARAM_BLD_new()};
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, is_rsa ? "RSA" : "EC", NULL);
    enum hp_status status = HP_NO_MEMORY;

    *made = NULL;
    if (numbers.build != NULL && ctx != NULL &&
        (is_rsa ? describe_rsa(key, &numbers) : describe_point(key, &numbers))) {
        numbers.params = OSSL_PARAM_BLD_to_param(numbers.build);
    }
    if (numbers.params != NULL && EVP_PKEY_fromdata_init(ctx) == 1) {
        status = EVP_PKEY_fromdata(ctx, made, EVP_PKEY_PUBLIC_KEY, numbers.params) == 1
                     ? HP_OK
                     : HP_SIGNATURE_BAD;
    }
    EVP_PKEY_CTX_free(ctx);
    free_numbers(&numbers);
    return status;
}

static enum hp_status check_signature(EVP_PKEY *key, const EVP_MD *md, bool is_rsa,
                                      const uint8_t *digest, struct hp_span signature)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    enum hp_status status = HP_NO_MEMORY;

    if (ctx != NULL && EVP_PKEY_verify_init(ctx) == 1 &&
        (!is_rsa || EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1) &&
        EVP_PKEY_CTX_set_signature_md(ctx, md) == 1) {
        status = EVP_PKEY_verify(ctx, signature.data, signature.size, digest,
                                 (size_t)EVP_MD_get_size(md)) == 1
                     ? HP_OK
                     : HP_SIGNATURE_BAD;
    }
    EVP_PKEY_CTX_free(ctx);
    return status;
}

enum hp_status hp_port_public_verify(struct hp_port *port, const struct hp_key *key,
                                     enum hp_hash hash, const uint8_t *digest,
                                     struct hp_span signature,
                                     struct hp_verify_workspace *workspace)
{
    const bool is_rsa = key->algorithm == HP_KEY_RSA_PKCS1;
    const EVP_MD *md = hp_crypto_digest(hash);
    EVP_PKEY *made;
    enum hp_status status;

    (void)workspace;
    if (md == NULL ||
        (!is_rsa && key->algorithm != HP_KEY_ECDSA_P256 && key->algorithm != HP_KEY_ECDSA_P384)) {
        return HP_SIGNATURE_UNSUPPORTED;
    }
    if (port != NULL && hp_host_must_fail(port)) {
        return HP_NO_MEMORY;
    }
    /* libcrypto takes shorter and longer ones where the number is the same. */
    if (is_rsa && signature.size != key->modulus.size) {
        return HP_SIGNATURE_BAD;
    }
    (void)ERR_set_mark();
    status = make_key(key, &made);
    if (status == HP_OK) {
        status = check_signature(made, md, is_rsa, digest, signature);
    }
    EVP_PKEY_free(made);
    (void)ERR_pop_to_mark();
    return status;
}
