/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the host port that use libcrypto share. */
#ifndef HP_HOST_SIGN_INTERNAL_H
#define HP_HOST_SIGN_INTERNAL_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <hotpatch/host_sign.h>

struct hp_certificate {
    X509 *x509;
    EVP_PKEY *public_key;
    struct hp_key key; /* its spans point to what follows */
    uint8_t *numbers;  /* modulus or point */
    uint8_t *serial;
    uint8_t *name;
};

struct hp_private_key {
    EVP_PKEY *pair;
    void *engine; /* of a key in a token */
};

/* Fails with a status and says in words what is wrong, which is the `diag` of a caller. */
HP_MUST_USE enum hp_status hp_crypto_refuse(struct hp_diag *diag, enum hp_status status,
                                            const char *words);

/* libcrypto's name of a digest; NULL for one that is not accepted. */
const EVP_MD *hp_crypto_digest(enum hp_hash hash);

#endif
