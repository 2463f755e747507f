/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of the hosted side of signatures: certificates, private keys, key rings, signing, and the
 * port functions on libcrypto. The keys are made here. */
#define _XOPEN_SOURCE 700 /* NOLINT(bugprone-reserved-identifier): mkdtemp */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cmocka.h>

#include <hotpatch/host.h>
#include <hotpatch/host_sign.h>
#include <hotpatch/port.h>

#include "elf_builder.h"
#include "signer.h"

#include "../../port/host/sign.h"

enum { DAY = 24 * 60 * 60, PATH_SIZE = 256 };

/* What the tests share: keys, their certificates, and a payload. */
struct fixture {
    struct sg_key weak;  /* RSA of 2048 bits */
    struct sg_key large; /* RSA of 3072 bits */
    struct sg_key three; /* the same with e = 3 */
    struct sg_key p256;
    struct sg_key p384;
    uint8_t *payload;
    size_t size;
    time_t now;
};

static struct fixture f;

/* ---- making certificates ----------------------------------------------------------------------
 */

/* How a certificate is to be; zero fields take the sound value. */
struct form {
    const char *usage;          /* keyUsage */
    const char *extended_usage; /* extendedKeyUsage */
    const char *name;           /* common name; NULL: "signer" */
    long serial;                /* 0: 77 */
    long from;                  /* seconds from now; 0: a day ago */
    long to;                    /* seconds from now; 0: tomorrow */
    bool no_id;
    bool unknown; /* a critical extension that nobody knows */
};

static void add_extension(X509 *x509, int nid, const char *text)
{
    X509_EXTENSION *extension;
    X509V3_CTX ctx;

    X509V3_set_ctx(&ctx, x509, x509, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, text);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(x509, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static void add_unknown(X509 *x509)
{
    ASN1_OBJECT *oid = OBJ_txt2obj("1.2.3.4.5", 1);
    ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
    X509_EXTENSION *extension;

    assert_int_equal(ASN1_OCTET_STRING_set(octets, (const unsigned char *)"\5", 1), 1);
    extension = X509_EXTENSION_create_by_OBJ(NULL, oid, 1, octets);
    assert_int_equal(X509_add_ext(x509, extension, -1), 1);
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(octets);
    ASN1_OBJECT_free(oid);
}

/* The DER of a self-signed certificate; free it with OPENSSL_free(). */
static int make_der(EVP_PKEY *pair, const struct form *form, unsigned char **der)
{
    const char *name = form->name != NULL ? form->name : "signer";
    const bool has_hash = EVP_PKEY_get_base_id(pair) != EVP_PKEY_ED25519;
    X509 *x509 = X509_new();
    int size;

    assert_int_equal(X509_set_version(x509, X509_VERSION_3), 1);
    ASN1_INTEGER_set(X509_get_serialNumber(x509), form->serial != 0 ? form->serial : 77);
    X509_gmtime_adj(X509_getm_notBefore(x509), form->from != 0 ? form->from : -DAY);
    X509_gmtime_adj(X509_getm_notAfter(x509), form->to != 0 ? form->to : DAY);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_UTF8,
                               (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(x509, X509_get_subject_name(x509));
    assert_int_equal(X509_set_pubkey(x509, pair), 1);
    if (!form->no_id) {
        add_extension(x509, NID_subject_key_identifier, "hash");
    }
    if (form->usage != NULL) {
        add_extension(x509, NID_key_usage, form->usage);
    }
    if (form->extended_usage != NULL) {
        add_extension(x509, NID_ext_key_usage, form->extended_usage);
    }
    if (form->unknown) {
        add_unknown(x509);
    }
    assert_true(X509_sign(x509, pair, has_hash ? EVP_sha256() : NULL) > 0);
    *der = NULL;
    size = i2d_X509(x509, der);
    assert_true(size > 0);
    X509_free(x509);
    return size;
}

static enum hp_status read_form(EVP_PKEY *pair, const struct form *form,
                                struct hp_certificate **certificate, struct hp_diag *diag)
{
    unsigned char *der;
    const int size = make_der(pair, form, &der);
    enum hp_status status;

    hp_diag_init(diag);
    status = hp_certificate_read(certificate, der, (size_t)size, diag);
    OPENSSL_free(der);
    return status;
}

static struct hp_certificate *certificate_of(const struct sg_key *key)
{
    const struct form sound = {0};
    struct hp_certificate *certificate;
    struct hp_diag diag;

    assert_int_equal(read_form(key->pair, &sound, &certificate, &diag), HP_OK);
    return certificate;
}

/* PEM of a certificate or key, in memory that lasts as long as the BIO. */
static size_t pem_of(BIO *bio, char **text)
{
    return (size_t)BIO_get_mem_data(bio, text);
}

static struct hp_private_key *private_of(const struct sg_key *key)
{
    BIO *bio = BIO_new(BIO_s_mem());
    struct hp_private_key *made;
    char *text;
    size_t size;

    assert_int_equal(PEM_write_bio_PrivateKey(bio, key->pair, NULL, NULL, 0, NULL, NULL), 1);
    size = pem_of(bio, &text);
    assert_int_equal(hp_private_key_read(&made, text, size, NULL, NULL), HP_OK);
    BIO_free(bio);
    return made;
}

/* ---- certificates -----------------------------------------------------------------------------
 */

static void refuse_form(EVP_PKEY *pair, const struct form *form, enum hp_status status)
{
    struct hp_certificate *certificate;
    struct hp_diag diag;

    assert_int_equal(read_form(pair, form, &certificate, &diag), status);
    assert_null(certificate);
    assert_int_equal(diag.status, status);
    assert_int_equal(diag.stage, HP_STAGE_CALL);
    assert_true(diag.name[0] != '\0');
}

static void accept_form(EVP_PKEY *pair, const struct form *form)
{
    struct hp_certificate *certificate;
    struct hp_diag diag;

    assert_int_equal(read_form(pair, form, &certificate, &diag), HP_OK);
    assert_int_equal(diag.status, HP_OK);
    hp_certificate_free(certificate);
}

static void test_certificate_usage(void **state)
{
    EVP_PKEY *pair = f.p256.pair;

    (void)state;
    accept_form(pair, &(struct form){.extended_usage = "codeSigning"});
    accept_form(pair, &(struct form){.extended_usage = "serverAuth,codeSigning"});
    accept_form(pair, &(struct form){.extended_usage = "critical,codeSigning"});
    accept_form(pair, &(struct form){.usage = "digitalSignature"});
    accept_form(pair, &(struct form){.usage = "critical,digitalSignature,keyCertSign"});
    refuse_form(pair, &(struct form){.extended_usage = "serverAuth"}, HP_CERTIFICATE_USAGE);
    refuse_form(pair, &(struct form){.extended_usage = "anyExtendedKeyUsage"},
                HP_CERTIFICATE_USAGE);
    refuse_form(pair, &(struct form){.usage = "keyCertSign,cRLSign"}, HP_CERTIFICATE_USAGE);
    refuse_form(pair, &(struct form){.usage = "keyCertSign", .extended_usage = "codeSigning"},
                HP_CERTIFICATE_USAGE);
    refuse_form(pair, &(struct form){.unknown = true}, HP_CERTIFICATE_INVALID);
}

static void test_certificate_keys(void **state)
{
    const struct form sound = {0};
    EVP_PKEY *p521 = EVP_EC_gen("P-521");
    EVP_PKEY *edwards = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    const struct sg_key *keys[] = {&f.weak, &f.large, &f.three, &f.p256, &f.p384};
    size_t n;

    (void)state;
    refuse_form(p521, &sound, HP_KEY_INVALID);
    refuse_form(edwards, &sound, HP_KEY_INVALID);
    EVP_PKEY_free(p521);
    EVP_PKEY_free(edwards);
    for (n = 0; n < sizeof(keys) / sizeof(keys[0]); n++) {
        struct hp_certificate *certificate = certificate_of(keys[n]);
        const struct hp_key *key = hp_certificate_key(certificate);
        const struct hp_key *want = &keys[n]->key;

        assert_int_equal(key->algorithm, want->algorithm);
        assert_int_equal(key->hash, HP_HASH_NONE);
        assert_int_equal(key->exponent, want->exponent);
        assert_int_equal(key->modulus.size, want->modulus.size);
        assert_int_equal(key->point.size, want->point.size);
        if (want->modulus.size != 0) {
            assert_memory_equal(key->modulus.data, want->modulus.data, want->modulus.size);
        } else {
            assert_memory_equal(key->point.data, want->point.data, want->point.size);
        }
        assert_int_equal(key->name.size, 6);
        assert_memory_equal(key->name.data, "signer", 6);
        assert_int_equal(key->subject_key_id.size, 20);
        assert_int_equal(key->serial.size, 1);
        assert_int_equal(key->serial.data[0], 77);
        hp_certificate_free(certificate);
    }
}

/* A number in a certificate is read as it is written there: with the zero that keeps it positive.
 */
static void test_certificate_serial(void **state)
{
    struct hp_certificate *certificate;
    struct hp_diag diag;
    char issuer[32];

    (void)state;
    assert_int_equal(read_form(f.p256.pair, &(struct form){.serial = 0x80, .name = "a\x1b\"b"},
                               &certificate, &diag),
                     HP_OK);
    assert_int_equal(hp_certificate_key(certificate)->serial.size, 2);
    assert_memory_equal(hp_certificate_key(certificate)->serial.data, "\0\x80", 2);
    hp_issuer_text(hp_certificate_key(certificate)->issuer, issuer, sizeof(issuer));
    assert_string_equal(issuer, "CN=a\\1B\\\"b");
    hp_issuer_text(hp_certificate_key(certificate)->issuer, issuer, 5);
    assert_string_equal(issuer, "CN=a");
    hp_issuer_text(hp_certificate_key(certificate)->serial, issuer, sizeof(issuer));
    assert_string_equal(issuer, "");
    hp_certificate_free(certificate);
}

/* Writes a certificate as PEM. */
static void put_pem(BIO *bio, const unsigned char *der, size_t size)
{
    assert_true(PEM_write_bio(bio, PEM_STRING_X509, "", der, (long)size) > 0);
}

static void expect_pem(BIO *bio, enum hp_status status)
{
    struct hp_certificate *certificate;
    char *text;
    const size_t size = pem_of(bio, &text);

    assert_int_equal(hp_certificate_read(&certificate, text, size, NULL), status);
    hp_certificate_free(certificate);
}

static void test_certificate_forms(void **state)
{
    const struct form sound = {0};
    BIO *bio = BIO_new(BIO_s_mem());
    BIO *trailing = BIO_new(BIO_s_mem());
    struct hp_certificate *certificate;
    unsigned char *der;
    unsigned char *longer;
    const size_t size = (size_t)make_der(f.p256.pair, &sound, &der);
    size_t n;

    (void)state;
    for (n = 0; n < size; n++) {
        assert_int_equal(hp_certificate_read(&certificate, der, n, NULL), HP_CERTIFICATE_INVALID);
        assert_null(certificate);
    }
    longer = calloc(1, size + 1);
    assert_non_null(longer);
    memcpy(longer, der, size);
    assert_int_equal(hp_certificate_read(&certificate, longer, size + 1, NULL),
                     HP_CERTIFICATE_INVALID);
    put_pem(trailing, longer, size + 1);
    expect_pem(trailing, HP_CERTIFICATE_INVALID);
    expect_pem(bio, HP_CERTIFICATE_INVALID); /* empty */
    assert_true(BIO_puts(bio, "some text\n") > 0);
    expect_pem(bio, HP_CERTIFICATE_INVALID);
    assert_int_equal(PEM_write_bio_PrivateKey(bio, f.p256.pair, NULL, NULL, 0, NULL, NULL), 1);
    expect_pem(bio, HP_CERTIFICATE_INVALID);
    put_pem(bio, der, size);
    expect_pem(bio, HP_OK);
    put_pem(bio, der, size);
    expect_pem(bio, HP_CERTIFICATE_INVALID);
    free(longer);
    OPENSSL_free(der);
    BIO_free(trailing);
    BIO_free(bio);
}

static void expect_time(const struct form *form, int64_t now, enum hp_status status)
{
    struct hp_certificate *certificate;
    struct hp_diag diag;

    assert_int_equal(read_form(f.p256.pair, form, &certificate, &diag), HP_OK);
    assert_int_equal(hp_certificate_check_time(certificate, now, &diag), status);
    assert_int_equal(diag.status, status);
    hp_certificate_free(certificate);
}

static void test_certificate_time(void **state)
{
    const int64_t now = (int64_t)f.now;

    (void)state;
    expect_time(&(struct form){0}, now, HP_OK);
    expect_time(&(struct form){0}, now - 2 * DAY, HP_CERTIFICATE_EXPIRED);
    expect_time(&(struct form){0}, now + 2 * DAY, HP_CERTIFICATE_EXPIRED);
    expect_time(&(struct form){.to = -DAY / 2}, now, HP_CERTIFICATE_EXPIRED);
    expect_time(&(struct form){.from = DAY / 2}, now, HP_CERTIFICATE_EXPIRED);
}

/* ---- private keys -----------------------------------------------------------------------------
 */

static void expect_private(BIO *bio, const char *passphrase, enum hp_status status)
{
    struct hp_private_key *key;
    struct hp_diag diag;
    char *text;
    const size_t size = pem_of(bio, &text);

    hp_diag_init(&diag);
    assert_int_equal(hp_private_key_read(&key, text, size, passphrase, &diag), status);
    assert_int_equal(diag.status, status);
    assert_int_equal(key == NULL, status != HP_OK);
    hp_private_key_free(key);
}

static void test_private_keys(void **state)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char secret[] = "correct horse";
    char long_secret[4096];

    (void)state;
    memset(long_secret, 'x', sizeof(long_secret) - 1);
    long_secret[sizeof(long_secret) - 1] = '\0';
    expect_private(bio, NULL, HP_KEY_INVALID);
    assert_true(BIO_puts(bio, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n") >
                0);
    expect_private(bio, NULL, HP_KEY_INVALID);
    assert_int_equal(BIO_reset(bio), 1);
    assert_int_equal(i2d_PrivateKey_bio(bio, f.p384.pair), 1);
    expect_private(bio, NULL, HP_OK);
    expect_private(bio, secret, HP_OK);
    assert_int_equal(BIO_reset(bio), 1);
    assert_int_equal(i2d_PUBKEY_bio(bio, f.p384.pair), 1);
    expect_private(bio, NULL, HP_KEY_INVALID);
    assert_int_equal(BIO_reset(bio), 1);
    assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, f.p384.pair, EVP_aes_256_cbc(), secret,
                                                   (int)strlen(secret), NULL, NULL),
                     1);
    expect_private(bio, NULL, HP_KEY_LOCKED);
    expect_private(bio, "battery", HP_KEY_LOCKED);
    expect_private(bio, "", HP_KEY_LOCKED);
    expect_private(bio, long_secret, HP_KEY_LOCKED);
    expect_private(bio, secret, HP_OK);
    assert_int_equal(BIO_reset(bio), 1);
    assert_int_equal(i2d_PKCS8PrivateKey_bio(bio, f.p384.pair, EVP_aes_256_cbc(), secret,
                                             (int)strlen(secret), NULL, NULL),
                     1);
    expect_private(bio, NULL, HP_KEY_LOCKED);
    expect_private(bio, secret, HP_OK);
    BIO_free(bio);
}

/* ---- signing ----------------------------------------------------------------------------------
 */

/* One call of hp_sign(): what goes in, and what has to come out. */
struct attempt {
    const struct sg_key *key;  /* of the certificate */
    const struct sg_key *with; /* that signs; NULL: the same */
    struct hp_sign_options options;
    struct form form;
    const void *data; /* NULL: the payload */
    size_t size;
};

static struct hp_signed sign_attempt(const struct attempt *attempt, enum hp_status status,
                                     enum hp_stage stage)
{
    struct hp_sign_options options = attempt->options;
    struct hp_private_key *key = private_of(attempt->with ? attempt->with : attempt->key);
    struct hp_signed made = {(uint8_t *)1, 1};
    struct hp_certificate *certificate;
    struct hp_diag diag;

    options.size = options.size != 0 ? options.size : sizeof(options);
    assert_int_equal(read_form(attempt->key->pair, &attempt->form, &certificate, &diag), HP_OK);
    assert_int_equal(hp_sign(&made, attempt->data ? attempt->data : f.payload,
                             attempt->data ? attempt->size : f.size, key, certificate, &options,
                             &diag),
                     status);
    assert_int_equal(diag.status, status);
    assert_int_equal(diag.stage, stage);
    assert_int_equal(made.data == NULL, status != HP_OK);
    assert_int_equal(made.size == 0, status != HP_OK);
    assert_int_equal(ERR_peek_error(), 0);
    hp_certificate_free(certificate);
    hp_private_key_free(key);
    return made;
}

static void refuse(const struct attempt *attempt, enum hp_status status)
{
    const struct hp_signed none = sign_attempt(attempt, status, HP_STAGE_CALL);

    assert_null(none.data);
}

/* Verifies what was signed by the key alone, and that the payload in it is untouched. */
static void expect_verified(const struct hp_signed *made, const struct attempt *attempt)
{
    const struct hp_sign_options *options = &attempt->options;
    struct hp_certificate *certificate = certificate_of(attempt->key);
    struct hp_verify_workspace workspace;
    struct hp_signature_result result;
    struct hp_keyring ring;
    struct hp_key entry;

    hp_keyring_init(&ring, &entry, 1);
    assert_int_equal(hp_keyring_add(&ring, NULL, hp_certificate_key(certificate), NULL, NULL),
                     HP_OK);
    assert_int_equal(
        hp_signature_verify(NULL, made->data, made->size, &ring, NULL, &workspace, &result, NULL),
        HP_OK);
    assert_int_equal(result.format, options->format ? options->format : HP_SIGNATURE_XENDOC);
    assert_int_equal(result.hash, options->hash ? options->hash : HP_HASH_SHA256);
    assert_int_equal(result.algorithm, attempt->key->key.algorithm);
    assert_int_equal(result.payload_len, f.size);
    assert_memory_equal(made->data, f.payload, f.size);
    hp_certificate_free(certificate);
}

static void test_sign(void **state)
{
    const struct sg_key *keys[] = {&f.weak, &f.large, &f.p256, &f.p384};
    size_t n;
    unsigned hash;

    (void)state;
    for (n = 0; n < sizeof(keys) / sizeof(keys[0]); n++) {
        for (hash = HP_HASH_NONE; hash < HP_HASH_WEAK; hash++) {
            const bool is_rsa = keys[n]->key.algorithm == HP_KEY_RSA_PKCS1;
            struct attempt attempt = {
                .key = keys[n],
                .options = {.hash = (enum hp_hash)hash,
                            .format = HP_SIGNATURE_LINUX,
                            .allow_weak_key = true},
            };
            struct hp_signed made = sign_attempt(&attempt, HP_OK, HP_STAGE_NONE);

            expect_verified(&made, &attempt);
            hp_signed_free(&made);
            assert_null(made.data);
            attempt.options.format = HP_SIGNATURE_NONE;
            if (!is_rsa) {
                refuse(&attempt, HP_SIGNATURE_UNSUPPORTED);
                continue;
            }
            made = sign_attempt(&attempt, HP_OK, HP_STAGE_NONE);
            expect_verified(&made, &attempt);
            hp_signed_free(&made);
        }
    }
}

static void test_sign_refusals(void **state)
{
    struct hp_sign_options linux_layout = {.format = HP_SIGNATURE_LINUX};

    (void)state;
    refuse(&(struct attempt){.key = &f.weak}, HP_KEY_WEAK);
    refuse(&(struct attempt){.key = &f.three}, HP_KEY_WEAK);
    refuse(&(struct attempt){.key = &f.three, .options = {.allow_weak_key = true}}, HP_KEY_WEAK);
    refuse(&(struct attempt){.key = &f.large, .with = &f.weak}, HP_KEY_MISMATCH);
    refuse(&(struct attempt){.key = &f.large, .with = &f.p256}, HP_KEY_MISMATCH);
    refuse(&(struct attempt){.key = &f.large, .form = {.no_id = true}}, HP_KEY_INVALID);
    refuse(&(struct attempt){.key = &f.large, .options = {.format = HP_SIGNATURE_LINUX37}},
           HP_SIGNATURE_UNSUPPORTED);
    refuse(&(struct attempt){.key = &f.large, .options = {.format = (enum hp_signature_format)9}},
           HP_INVALID_ARGUMENT);
    refuse(&(struct attempt){.key = &f.large, .options = {.hash = HP_HASH_WEAK}},
           HP_INVALID_ARGUMENT);
    refuse(&(struct attempt){.key = &f.large, .options = {.size = 1}}, HP_INVALID_ARGUMENT);
    assert_null(sign_attempt(&(struct attempt){.key = &f.large, .data = "", .size = 0},
                             HP_FILE_EMPTY, HP_STAGE_ELF)
                    .data);
    assert_null(sign_attempt(&(struct attempt){.key = &f.large, .data = "#!/bin/sh", .size = 9},
                             HP_ELF_MAGIC, HP_STAGE_ELF)
                    .data);
    assert_null(
        sign_attempt(&(struct attempt){.key = &f.large, .data = f.payload, .size = f.size - 1},
                     HP_ELF_TRUNCATED, HP_STAGE_ELF)
            .data);
    /* Without a key identifier the layout linux still has issuer and serial number. */
    {
        struct attempt attempt = {
            .key = &f.large, .form = {.no_id = true}, .options = linux_layout};
        struct hp_signed made = sign_attempt(&attempt, HP_OK, HP_STAGE_NONE);

        expect_verified(&made, &attempt);
        hp_signed_free(&made);
    }
}

/* A key whose private half is missing stands for a token that fails. */
static void test_signing_fails(void **state)
{
    struct hp_certificate *certificate = certificate_of(&f.large);
    struct hp_private_key half = {.pair = certificate->public_key};
    struct hp_signed made;
    struct hp_diag diag;

    (void)state;
    hp_diag_init(&diag);
    assert_int_equal(hp_sign(&made, f.payload, f.size, &half, certificate, NULL, &diag),
                     HP_SIGNING_FAILED);
    assert_int_equal(diag.status, HP_SIGNING_FAILED);
    assert_null(made.data);
    hp_certificate_free(certificate);
}

static void test_resign(void **state)
{
    const enum hp_signature_format formats[] = {HP_SIGNATURE_XENDOC, HP_SIGNATURE_LINUX};
    size_t n;

    (void)state;
    for (n = 0; n < 2; n++) {
        struct attempt attempt = {.key = &f.large, .options = {.format = formats[n]}};
        struct hp_signed once = sign_attempt(&attempt, HP_OK, HP_STAGE_NONE);
        struct hp_signed again;

        attempt.data = once.data;
        attempt.size = once.size;
        refuse(&attempt, HP_ALREADY_SIGNED);
        attempt.options.resign = true;
        again = sign_attempt(&attempt, HP_OK, HP_STAGE_NONE);
        assert_int_equal(again.size, once.size);
        assert_memory_equal(again.data, once.data, once.size);
        hp_signed_free(&again);
        /* A broken signature is one, too; what has no marker in its place is none. */
        once.data[f.size + 30] ^= 1;
        attempt.options.resign = false;
        refuse(&attempt, HP_ALREADY_SIGNED);
        attempt.options.resign = true;
        once.data[f.size] ^= 1;
        once.data[once.size - 1] ^= 1;
        again = sign_attempt(&attempt, HP_TRAILING_BYTES, HP_STAGE_SIGNATURE);
        assert_null(again.data);
        hp_signed_free(&once);
    }
}

/* The signature of an off-line signer: it must be of this payload, by this key, with this digest.
 */
static void test_attach(void **state)
{
    const struct sg_key *keys[] = {&f.large, &f.p256, &f.p384};
    size_t n;

    (void)state;
    for (n = 0; n < sizeof(keys) / sizeof(keys[0]); n++) {
        const struct hp_sign_options options = {
            .size = sizeof(options), .format = HP_SIGNATURE_LINUX, .hash = HP_HASH_SHA384};
        struct hp_certificate *certificate = certificate_of(keys[n]);
        struct hp_signed made;
        struct hp_diag diag;
        uint8_t bytes[512];
        struct hp_span signature = {bytes, 0};

        hp_diag_init(&diag);
        signature.size = sg_sign(keys[n], "SHA384", f.payload, f.size, bytes);
        assert_int_equal(
            hp_sign_attach(&made, f.payload, f.size, signature, certificate, &options, &diag),
            HP_OK);
        hp_signed_free(&made);
        signature.size = sg_sign(keys[n], "SHA256", f.payload, f.size, bytes);
        assert_int_equal(
            hp_sign_attach(&made, f.payload, f.size, signature, certificate, &options, &diag),
            HP_SIGNATURE_BAD);
        assert_null(made.data);
        assert_int_equal(diag.status, HP_SIGNATURE_BAD);
        signature.size = sg_sign(keys[n], "SHA384", f.payload, f.size - 1, bytes);
        assert_int_equal(
            hp_sign_attach(&made, f.payload, f.size, signature, certificate, &options, NULL),
            HP_SIGNATURE_BAD);
        signature.size = 0;
        assert_int_equal(
            hp_sign_attach(&made, f.payload, f.size, signature, certificate, &options, NULL),
            HP_SIGNATURE_BAD);
        hp_certificate_free(certificate);
    }
}

/* ---- key rings --------------------------------------------------------------------------------
 */

static void write_certificate(const char *folder, const char *name, const struct sg_key *key,
                              const struct form *form)
{
    char path[2 * PATH_SIZE];
    unsigned char *der;
    const size_t size = (size_t)make_der(key->pair, form, &der);
    FILE *file;

    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    file = fopen(path, "wbe");
    assert_non_null(file);
    assert_int_equal(fwrite(der, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    OPENSSL_free(der);
}

static void remove_file(const char *folder, const char *name)
{
    char path[2 * PATH_SIZE];

    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    assert_int_equal(remove(path), 0);
}

static void refuse_ring(const char *folder, enum hp_status status, const char *words)
{
    struct hp_host_keyring *keyring;
    struct hp_diag diag;

    hp_diag_init(&diag);
    assert_int_equal(hp_host_keyring_open(&keyring, folder, NULL, &diag), status);
    assert_null(keyring);
    assert_int_equal(diag.status, status);
    assert_non_null(strstr(diag.name, words));
}

static void test_keyring(void **state)
{
    char folder[PATH_SIZE] = "/tmp/hotpatch-ring-XXXXXX";
    struct hp_host_keyring *keyring;
    const struct hp_keyring *ring;

    (void)state;
    assert_non_null(mkdtemp(folder));
    refuse_ring(folder, HP_KEYRING_FILE, "no certificate");
    write_certificate(folder, "b.der", &f.p256, &(struct form){.name = "second", .serial = 2});
    write_certificate(folder, "a.cer", &f.weak, &(struct form){.name = "first", .to = -60});
    write_certificate(folder, "c.txt", &f.three, &(struct form){0});
    write_certificate(folder, ".d.pem", &f.three, &(struct form){0});
    assert_int_equal(hp_host_keyring_open(&keyring, folder, NULL, NULL), HP_OK);
    ring = hp_host_keyring_ring(keyring);
    assert_int_equal(ring->count, 2);
    assert_memory_equal(ring->keys[0].name.data, "first", 5);
    assert_memory_equal(ring->keys[1].name.data, "second", 6);
    assert_int_equal(hp_host_keyring_check_time(keyring, 0, (int64_t)f.now, NULL),
                     HP_CERTIFICATE_EXPIRED);
    assert_int_equal(hp_host_keyring_check_time(keyring, 1, (int64_t)f.now, NULL), HP_OK);
    hp_host_keyring_close(keyring);
    write_certificate(folder, "weak.der", &f.three, &(struct form){.serial = 3});
    refuse_ring(folder, HP_KEY_WEAK, "weak.der");
    remove_file(folder, "weak.der");
    write_certificate(folder, "usage.der", &f.p384, &(struct form){.usage = "keyCertSign"});
    refuse_ring(folder, HP_CERTIFICATE_USAGE, "usage.der: ");
    remove_file(folder, "usage.der");
    write_certificate(folder, "same.der", &f.p384, &(struct form){.name = "second", .serial = 2});
    refuse_ring(folder, HP_KEY_CONFLICT, "same.der");
    remove_file(folder, "same.der");
    {
        char path[2 * PATH_SIZE];

        (void)snprintf(path, sizeof(path), "%s/folder.pem", folder);
        assert_int_equal(mkdir(path, 0700), 0);
        refuse_ring(folder, HP_KEYRING_FILE, "folder.pem: ");
        (void)snprintf(path, sizeof(path), "%s/missing.pem", folder);
        refuse_ring(path, HP_KEYRING_FILE, "missing.pem: ");
    }
    remove_file(folder, "folder.pem");
    remove_file(folder, "a.cer");
    remove_file(folder, "b.der");
    remove_file(folder, "c.txt");
    remove_file(folder, ".d.pem");
    assert_int_equal(rmdir(folder), 0);
    hp_host_keyring_close(NULL);
}

/* ---- the port functions -----------------------------------------------------------------------
 */

static const char *const digest_names[] = {NULL, "SHA256", "SHA384", "SHA512"};

static void test_digest(void **state)
{
    const struct hp_span parts[] = {{f.payload, 100}, {NULL, 0}, {f.payload + 100, f.size - 100}};
    uint8_t digest[HP_DIGEST_MAX];
    uint8_t want[HP_DIGEST_MAX];
    unsigned hash;

    (void)state;
    for (hash = HP_HASH_SHA256; hash < HP_HASH_WEAK; hash++) {
        const size_t size = sg_digest(digest_names[hash], f.payload, f.size, want);

        assert_int_equal(hp_port_digest(NULL, (enum hp_hash)hash, parts, 3, digest), HP_OK);
        assert_memory_equal(digest, want, size);
    }
    assert_int_equal(hp_port_digest(NULL, HP_HASH_WEAK, parts, 3, digest),
                     HP_SIGNATURE_UNSUPPORTED);
    assert_int_equal(hp_port_digest(NULL, HP_HASH_NONE, parts, 3, digest),
                     HP_SIGNATURE_UNSUPPORTED);
}

static void test_public_verify(void **state)
{
    const struct sg_key *keys[] = {&f.weak, &f.large, &f.p256, &f.p384};
    uint8_t digest[HP_DIGEST_MAX];
    uint8_t bytes[512 + 1];
    unsigned hash;
    size_t n;
    size_t bit;

    (void)state;
    for (n = 0; n < sizeof(keys) / sizeof(keys[0]); n++) {
        const struct hp_key *key = &keys[n]->key;

        for (hash = HP_HASH_SHA256; hash < HP_HASH_WEAK; hash++) {
            const enum hp_hash kind = (enum hp_hash)hash;
            struct hp_span signature = {bytes, 0};

            (void)sg_digest(digest_names[hash], f.payload, f.size, digest);
            memset(bytes, 0, sizeof(bytes));
            signature.size = sg_sign(keys[n], digest_names[hash], f.payload, f.size, bytes);
            assert_int_equal(hp_port_public_verify(NULL, key, kind, digest, signature, NULL),
                             HP_OK);
            for (bit = 0; bit < signature.size * 8; bit += hash == HP_HASH_SHA256 ? 1 : 37) {
                bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
                assert_int_equal(hp_port_public_verify(NULL, key, kind, digest, signature, NULL),
                                 HP_SIGNATURE_BAD);
                bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
            }
            signature.size++;
            assert_int_equal(hp_port_public_verify(NULL, key, kind, digest, signature, NULL),
                             HP_SIGNATURE_BAD);
            signature.size -= 2;
            assert_int_equal(hp_port_public_verify(NULL, key, kind, digest, signature, NULL),
                             HP_SIGNATURE_BAD);
            signature.size = 0;
            assert_int_equal(hp_port_public_verify(NULL, key, kind, digest, signature, NULL),
                             HP_SIGNATURE_BAD);
            assert_int_equal(ERR_peek_error(), 0);
        }
    }
}

/* Hostile keys and numbers, of which some pass in a naive check. */
static void test_hostile(void **state)
{
    /* DER of {0, 0}, {1, 1} and {r, s} with a negative r. */
    static const uint8_t zeroes[] = {0x30, 6, 2, 1, 0, 2, 1, 0};
    static const uint8_t ones[] = {0x30, 6, 2, 1, 1, 2, 1, 1};
    static const uint8_t negative[] = {0x30, 6, 2, 1, 0xff, 2, 1, 1};
    const struct hp_span forgeries[] = {{zeroes, 8}, {ones, 8}, {negative, 8}};
    uint8_t digest[HP_DIGEST_MAX];
    uint8_t point[65];
    uint8_t bytes[512];
    struct hp_span signature = {bytes, 0};
    struct hp_key key = f.p256.key;
    size_t n;

    (void)state;
    (void)sg_digest("SHA256", f.payload, f.size, digest);
    for (n = 0; n < 3; n++) {
        assert_int_equal(
            hp_port_public_verify(NULL, &key, HP_HASH_SHA256, digest, forgeries[n], NULL),
            HP_SIGNATURE_BAD);
    }
    signature.size = sg_sign(&f.p256, "SHA256", f.payload, f.size, bytes);
    memcpy(point, f.p256.point, sizeof(point));
    point[64] ^= 1; /* not on the curve any more */
    key.point.data = point;
    assert_int_equal(hp_port_public_verify(NULL, &key, HP_HASH_SHA256, digest, signature, NULL),
                     HP_SIGNATURE_BAD);
    key.algorithm = HP_KEY_NONE;
    assert_int_equal(hp_port_public_verify(NULL, &key, HP_HASH_SHA256, digest, signature, NULL),
                     HP_SIGNATURE_UNSUPPORTED);
    assert_int_equal(
        hp_port_public_verify(NULL, &f.p256.key, HP_HASH_WEAK, digest, signature, NULL),
        HP_SIGNATURE_UNSUPPORTED);
}

/* With e = 1 everybody can sign: libcrypto would let it pass, the key ring does not. */
static void test_exponent_one(void **state)
{
    struct hp_key key = f.large.key;
    struct hp_key entry;
    struct hp_keyring ring;
    unsigned n;

    (void)state;
    for (n = 0; n < 5; n++) {
        hp_keyring_init(&ring, &entry, 1);
        key.exponent = n;
        assert_int_equal(hp_keyring_add(&ring, NULL, &key, NULL, NULL), HP_KEY_WEAK);
        assert_int_equal(ring.count, 0);
    }
}

static void test_faults(void **state)
{
    const struct hp_span part = {f.payload, f.size};
    uint8_t digest[HP_DIGEST_MAX];
    uint8_t bytes[512];
    struct hp_span signature = {bytes, 0};
    struct hp_port *port;

    (void)state;
    assert_int_equal(hp_host_open(&port, NULL, NULL, NULL), HP_OK);
    signature.size = sg_sign(&f.p256, "SHA256", f.payload, f.size, bytes);
    hp_host_fail(port, 1, false);
    assert_int_equal(hp_port_digest(port, HP_HASH_SHA256, &part, 1, digest), HP_NO_MEMORY);
    assert_int_equal(hp_port_digest(port, HP_HASH_SHA256, &part, 1, digest), HP_OK);
    hp_host_fail(port, 1, false);
    assert_int_equal(
        hp_port_public_verify(port, &f.p256.key, HP_HASH_SHA256, digest, signature, NULL),
        HP_NO_MEMORY);
    assert_int_equal(
        hp_port_public_verify(port, &f.p256.key, HP_HASH_SHA256, digest, signature, NULL), HP_OK);
    hp_host_close(port);
}

/* ---- main -------------------------------------------------------------------------------------
 */

static int set_up(void **state)
{
    struct eb_payload payload = eb_payload_new(true, HP_EM_X86_64, NULL);

    (void)state;
    eb_payload_function(&payload, "function", 64);
    f.payload = eb_payload_finish(&payload, &f.size);
    sg_rsa(&f.weak, 2048, 65537, 2);
    sg_rsa(&f.large, 3072, 65537, 2);
    sg_rsa(&f.three, 3072, 3, 2);
    sg_curve(&f.p256, "P-256");
    sg_curve(&f.p384, "P-384");
    f.now = time(NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    sg_free(&f.weak);
    sg_free(&f.large);
    sg_free(&f.three);
    sg_free(&f.p256);
    sg_free(&f.p384);
    free(f.payload);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_certificate_usage),
        cmocka_unit_test(test_certificate_keys),
        cmocka_unit_test(test_certificate_serial),
        cmocka_unit_test(test_certificate_forms),
        cmocka_unit_test(test_certificate_time),
        cmocka_unit_test(test_private_keys),
        cmocka_unit_test(test_sign),
        cmocka_unit_test(test_sign_refusals),
        cmocka_unit_test(test_signing_fails),
        cmocka_unit_test(test_resign),
        cmocka_unit_test(test_attach),
        cmocka_unit_test(test_keyring),
        cmocka_unit_test(test_digest),
        cmocka_unit_test(test_public_verify),
        cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_exponent_one),
        cmocka_unit_test(test_faults),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
