/* SPDX-License-Identifier: BSD-2-Clause */
/* X.509 certificates: the key in them, and what it may be used for. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "sign.h"

/* ---- reading --------------------------------------------------------------------------------- */

/* The certificates of a PEM text: how many, and the DER of the first. */
static unsigned count_pem(const void *data, int size, unsigned char **first, long *first_size)
{
    BIO *bio = BIO_new_mem_buf(data, size);
    unsigned count = 0;
    unsigned char *der;
    long der_size;

    *first = NULL;
    while (bio != NULL && count < 2 &&
           PEM_bytes_read_bio(&der, &der_size, NULL, PEM_STRING_X509, bio, NULL, NULL) == 1) {
        count++;
        if (count == 1) {
            *first = der;
            *first_size = der_size;
        } else {
            OPENSSL_free(der);
        }
    }
    BIO_free(bio);
    return count;
}

/* libcrypto ignores what follows in DER; here nothing may. */
static X509 *read_der(const unsigned char *der, long size)
{
    const unsigned char *at = der;
    X509 *x509 = d2i_X509(NULL, &at, size);

    if (x509 != NULL && at != der + size) {
        X509_free(x509);
        x509 = NULL;
    }
    return x509;
}

static X509 *read_x509(const void *data, size_t size)
{
    unsigned char *der;
    long der_size = 0;
    X509 *x509;

    if (size > INT32_MAX) {
        return NULL;
    }
    x509 = read_der(data, (long)size);
    if (x509 == NULL) {
        if (count_pem(data, (int)size, &der, &der_size) == 1) {
            x509 = read_der(der, der_size);
        }
        OPENSSL_free(der);
    }
    return x509;
}

/* ---- what the key may be used for ------------------------------------------------------------ */

static enum hp_status check_usage(X509 *x509, struct hp_diag *diag)
{
    const uint32_t flags = X509_get_extension_flags(x509);

    if ((flags & EXFLAG_INVALID) != 0) {
        return hp_crypto_refuse(diag, HP_CERTIFICATE_INVALID, "an extension is not well formed");
    }
    if ((flags & EXFLAG_CRITICAL) != 0) {
        return hp_crypto_refuse(diag, HP_CERTIFICATE_INVALID, "an unknown critical extension");
    }
    if ((flags & EXFLAG_XKUSAGE) != 0 && (X509_get_extended_key_usage(x509) & XKU_CODE_SIGN) == 0) {
        return hp_crypto_refuse(diag, HP_CERTIFICATE_USAGE,
                                "its extended key usage does not name codeSigning");
    }
    if ((flags & EXFLAG_KUSAGE) != 0 &&
        (X509_get_key_usage(x509) & X509v3_KU_DIGITAL_SIGNATURE) == 0) {
        return hp_crypto_refuse(diag, HP_CERTIFICATE_USAGE,
                                "its key usage does not name digitalSignature");
    }
    return HP_OK;
}

/* ---- the key --------------------------------------------------------------------------------- */

/* Stores a number, in `size` bytes; false without memory. */
static bool put_number(const BIGNUM *number, uint8_t *at, size_t size)
{
    return BN_bn2binpad(number, at, (int)size) == (int)size;
}

static enum hp_status take_rsa(struct hp_certificate *certificate)
{
    struct hp_key *key = &certificate->key;
    BIGNUM *n = NULL;
    BIGNUM *e = NULL;
    enum hp_status status = HP_NO_MEMORY;

    if (EVP_PKEY_get_bn_param(certificate->public_key, OSSL_PKEY_PARAM_RSA_N, &n) == 1 &&
        EVP_PKEY_get_bn_param(certificate->public_key, OSSL_PKEY_PARAM_RSA_E, &e) == 1) {
        const size_t size = (size_t)BN_num_bytes(n);

        certificate->numbers = malloc(size + 1);
        if (certificate->numbers != NULL && put_number(n, certificate->numbers, size)) {
            key->algorithm = HP_KEY_RSA_PKCS1;
            key->modulus.data = certificate->numbers;
            key->modulus.size = size;
            /* 0 stands for what does not fit: key rings want 65537. */
            key->exponent = BN_num_bits(e) <= 32 ? (uint32_t)BN_get_word(e) : 0;
            status = HP_OK;
        }
    }
    BN_free(n);
    BN_free(e);
    return status;
}

/* The point is put together here, since a certificate may have it compressed. */
static enum hp_status take_point(struct hp_certificate *certificate, size_t coordinate)
{
    struct hp_key *key = &certificate->key;
    BIGNUM *x = NULL;
    BIGNUM *y = NULL;
    enum hp_status status = HP_NO_MEMORY;

    certificate->numbers = malloc(1 + 2 * coordinate);
    if (certificate->numbers != NULL &&
        EVP_PKEY_get_bn_param(certificate->public_key, OSSL_PKEY_PARAM_EC_PUB_X, &x) == 1 &&
        EVP_PKEY_get_bn_param(certificate->public_key, OSSL_PKEY_PARAM_EC_PUB_Y, &y) == 1 &&
        put_number(x, certificate->numbers + 1, coordinate) &&
        put_number(y, certificate->numbers + 1 + coordinate, coordinate)) {
        certificate->numbers[0] = 4;
        key->algorithm = coordinate == 32 ? HP_KEY_ECDSA_P256 : HP_KEY_ECDSA_P384;
        key->point.data = certificate->numbers;
        key->point.size = 1 + 2 * coordinate;
        status = HP_OK;
    }
    BN_free(x);
    BN_free(y);
    return status;
}

static enum hp_status take_key(struct hp_certificate *certificate, struct hp_diag *diag)
{
    EVP_PKEY *key = X509_get_pubkey(certificate->x509);
    char group[32] = "";

    certificate->public_key = key;
    if (key != NULL && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA) {
        return take_rsa(certificate);
    }
    if (key != NULL && EVP_PKEY_get_base_id(key) == EVP_PKEY_EC &&
        EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) == 1) {
        if (strcmp(group, "prime256v1") == 0) {
            return take_point(certificate, 32);
        }
        if (strcmp(group, "secp384r1") == 0) {
            return take_point(certificate, 48);
        }
    }
    return hp_crypto_refuse(diag, HP_KEY_INVALID, "the key is neither RSA nor on P-256 or P-384");
}

/* ---- how it is found ------------------------------------------------------------------------- */

/* Issuer as it stands in the certificate, and the contents of the serial number's DER. */
static enum hp_status take_identity(struct hp_certificate *certificate, struct hp_diag *diag)
{
    const ASN1_OCTET_STRING *id = X509_get0_subject_key_id(certificate->x509);
    struct hp_key *key = &certificate->key;
    const int size = i2d_ASN1_INTEGER(X509_get0_serialNumber(certificate->x509), NULL);
    uint8_t *out;

    if (id != NULL) {
        key->subject_key_id.data = ASN1_STRING_get0_data(id);
        key->subject_key_id.size = (size_t)ASN1_STRING_length(id);
    }
    if (X509_NAME_get0_der(X509_get_issuer_name(certificate->x509), &key->issuer.data,
                           &key->issuer.size) != 1) {
        return HP_NO_MEMORY;
    }
    /* Tag and a length of one byte: RFC 5280 has at most 20 bytes in it. */
    if (size < 3 || size > 2 + 127) {
        return hp_crypto_refuse(diag, HP_CERTIFICATE_INVALID, "the serial number is too long");
    }
    certificate->serial = malloc((size_t)size);
    if (certificate->serial == NULL) {
        return HP_NO_MEMORY;
    }
    out = certificate->serial;
    (void)i2d_ASN1_INTEGER(X509_get0_serialNumber(certificate->x509), &out);
    key->serial.data = certificate->serial + 2;
    key->serial.size = (size_t)size - 2;
    return HP_OK;
}

/* The common name; one that cannot be had is none. */
static void take_name(struct hp_certificate *certificate)
{
    const X509_NAME *subject = X509_get_subject_name(certificate->x509);
    const int index = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    int size;

    if (index >= 0) {
        size = ASN1_STRING_to_UTF8(&certificate->name,
                                   X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, index)));
        if (size >= 0) {
            certificate->key.name.data = certificate->name;
            certificate->key.name.size = (size_t)size;
        }
    }
}

/* ---- the functions --------------------------------------------------------------------------- */

enum hp_status hp_certificate_read(struct hp_certificate **certificate, const void *data,
                                   size_t size, struct hp_diag *diag)
{
    struct hp_certificate *made = calloc(1, sizeof(*made));
    enum hp_status status;

    *certificate = NULL;
    if (made == NULL) {
        return hp_crypto_refuse(diag, HP_NO_MEMORY, "");
    }
    (void)ERR_set_mark();
    made->x509 = read_x509(data, size);
    if (made->x509 == NULL) {
        status = hp_crypto_refuse(diag, HP_CERTIFICATE_INVALID, "neither PEM nor DER of one");
    } else {
        status = check_usage(made->x509, diag);
    }
    if (status == HP_OK) {
        status = take_key(made, diag);
    }
    if (status == HP_OK) {
        status = take_identity(made, diag);
    }
    if (status == HP_NO_MEMORY) {
        status = hp_crypto_refuse(diag, HP_NO_MEMORY, "");
    }
    if (status == HP_OK) {
        take_name(made);
        *certificate = made;
    } else {
        hp_certificate_free(made);
    }
    (void)ERR_pop_to_mark();
    return status;
}

const struct hp_key *hp_certificate_key(const struct hp_certificate *certificate)
{
    return &certificate->key;
}

enum hp_status hp_certificate_check_time(const struct hp_certificate *certificate, int64_t now,
                                         struct hp_diag *diag)
{
    time_t when = (time_t)now;

    /* 0 says that a date is not well formed: not valid either. */
    if (X509_cmp_time(X509_get0_notBefore(certificate->x509), &when) >= 0) {
        return hp_crypto_refuse(diag, HP_CERTIFICATE_EXPIRED, "not valid yet");
    }
    if (X509_cmp_time(X509_get0_notAfter(certificate->x509), &when) <= 0) {
        return hp_crypto_refuse(diag, HP_CERTIFICATE_EXPIRED, "not valid any more");
    }
    return HP_OK;
}

void hp_issuer_text(struct hp_span der, char *buf, size_t size)
{
    const unsigned char *at = der.data;
    X509_NAME *name = NULL;
    BIO *bio = BIO_new(BIO_s_mem());
    char *text;
    long length;

    buf[0] = '\0';
    (void)ERR_set_mark();
    if (bio != NULL && der.size != 0 && der.size <= INT32_MAX) {
        name = d2i_X509_NAME(NULL, &at, (long)der.size);
    }
    if (name != NULL && at == der.data + der.size &&
        X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) > 0) {
        length = BIO_get_mem_data(bio, &text);
        length = length < (long)size - 1 ? length : (long)size - 1;
        memcpy(buf, text, (size_t)length);
        buf[length] = '\0';
    }
    X509_NAME_free(name);
    BIO_free(bio);
    (void)ERR_pop_to_mark();
}

void hp_certificate_free(struct hp_certificate *certificate)
{
    if (certificate == NULL) {
        return;
    }
    OPENSSL_free(certificate->name);
    free(certificate->serial);
    free(certificate->numbers);
    EVP_PKEY_free(certificate->public_key);
    X509_free(certificate->x509);
    free(certificate);
}
