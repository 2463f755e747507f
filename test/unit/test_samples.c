/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signed files that others made, in the folder that HOTPATCH_TEST_SIGNATURES names
 * (test/sign/samples.sh makes one with openssl and Linux's sign-file): NAME.cert.pem are the keys,
 * and what a file's name begins with says what is wanted. Without the folder there is nothing to
 * test.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <hotpatch/sign.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { KEYS_MAX = 8, FILE_MAX_SIZE = 1 << 20 };

/* What a file's name begins with, and the verdict with the library's own backend. */
static const struct {
    const char *prefix;
    enum hp_status status;
} verdicts[] = {
    {"signed-p256", HP_SIGNATURE_UNSUPPORTED}, /* no ECDSA there */
    {"signed-p384", HP_SIGNATURE_UNSUPPORTED},
    {"signed-rsa2048-sha1", HP_SIGNATURE_POLICY},
    {"signed-rsa2048-sha224", HP_SIGNATURE_POLICY},
    {"signed-", HP_OK},
    {"xendoc-", HP_OK},
    {"linux37-", HP_SIGNATURE_UNSUPPORTED},
    {"rawsig-", HP_SIGNATURE_MALFORMED},
    {"double-", HP_SIGNATURE_MALFORMED},
    {"payload.o", HP_UNSIGNED},
    {"unknown-", HP_KEY_UNKNOWN},
    {"altered-", HP_SIGNATURE_BAD},
};

static struct hp_key entries[KEYS_MAX];
static struct hp_keyring ring;

static struct hp_span keep(const void *data, size_t size)
{
    struct hp_span span = {NULL, size};
    uint8_t *copy = malloc(size);

    assert_non_null(copy);
    memcpy(copy, data, size);
    span.data = copy;
    return span;
}

/* Adds a certificate's key under both of its identifiers. */
static void add_certificate(const char *path)
{
    FILE *file = fopen(path, "r");
    struct hp_key key = {0};
    X509 *certificate;
    EVP_PKEY *pair;
    const ASN1_OCTET_STRING *id;
    unsigned char *issuer = NULL;
    unsigned char *serial = NULL;
    BIGNUM *modulus = NULL;
    uint8_t number[1024];
    size_t size = 0;
    int length;

    assert_non_null(file);
    certificate = PEM_read_X509(file, NULL, NULL, NULL);
    assert_non_null(certificate);
    assert_int_equal(fclose(file), 0);
    id = X509_get0_subject_key_id(certificate);
    assert_non_null(id);
    key.subject_key_id = keep(id->data, (size_t)id->length);
    length = i2d_X509_NAME(X509_get_issuer_name(certificate), &issuer);
    assert_true(length > 0);
    key.issuer = keep(issuer, (size_t)length);
    length = i2d_ASN1_INTEGER(X509_get_serialNumber(certificate), &serial);
    assert_true(length > 2 && length < 128);
    key.serial = keep(serial + 2, (size_t)length - 2);
    pair = X509_get0_pubkey(certificate);
    if (EVP_PKEY_get_base_id(pair) == EVP_PKEY_RSA) {
        key.algorithm = HP_KEY_RSA_PKCS1;
        key.exponent = HP_RSA_EXPONENT;
        assert_int_equal(EVP_PKEY_get_bn_param(pair, OSSL_PKEY_PARAM_RSA_N, &modulus), 1);
        key.modulus = keep(number, (size_t)BN_bn2bin(modulus, number));
        BN_free(modulus);
    } else {
        assert_int_equal(EVP_PKEY_get_octet_string_param(pair, OSSL_PKEY_PARAM_PUB_KEY, number,
                                                         sizeof(number), &size),
                         1);
        key.algorithm = size == 65 ? HP_KEY_ECDSA_P256 : HP_KEY_ECDSA_P384;
        key.point = keep(number, size);
    }
    assert_int_equal(hp_keyring_add(&ring, NULL, &key, NULL, NULL), HP_OK);
    OPENSSL_free(issuer);
    OPENSSL_free(serial);
    X509_free(certificate);
}

/* The verdict on a file; false for a name that says nothing. */
static bool check_file(const char *path, const char *name)
{
    static uint8_t bytes[FILE_MAX_SIZE];
    struct hp_verify_workspace workspace;
    struct hp_signature_result result;
    enum hp_status status;
    FILE *file;
    size_t size;
    size_t n;

    for (n = 0; n < COUNT(verdicts); n++) {
        if (strncmp(name, verdicts[n].prefix, strlen(verdicts[n].prefix)) == 0) {
            break;
        }
    }
    if (n == COUNT(verdicts)) {
        return false;
    }
    file = fopen(path, "rb");
    assert_non_null(file);
    size = fread(bytes, 1, sizeof(bytes), file);
    assert_int_equal(fclose(file), 0);
    status = hp_signature_verify(NULL, bytes, size, &ring, NULL, &workspace, &result, NULL);
    if (status != verdicts[n].status) {
        fail_msg("%s: %s, wanted %s", name, hp_status_name(status),
                 hp_status_name(verdicts[n].status));
    }
    return true;
}

/* Calls for each file of the folder, certificates or others; returns how many counted. */
static unsigned int walk(const char *folder, bool certificates)
{
    static const char suffix[] = ".cert.pem";
    unsigned int count = 0;
    DIR *directory = opendir(folder);
    const struct dirent *entry;

    assert_non_null(directory);
    while ((entry = readdir(directory)) != NULL) {
        const size_t length = strlen(entry->d_name);
        const bool is_certificate =
            length > sizeof(suffix) &&
            strcmp(entry->d_name + length + 1 - sizeof(suffix), suffix) == 0;
        char path[4096];

        assert_in_range(snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name), 1,
                        sizeof(path) - 1);
        if (is_certificate && certificates) {
            add_certificate(path);
            count++;
        } else if (!is_certificate && !certificates && check_file(path, entry->d_name)) {
            count++;
        }
    }
    assert_int_equal(closedir(directory), 0);
    return count;
}

static void test_samples(void **state)
{
    const char *folder = getenv("HOTPATCH_TEST_SIGNATURES");
    uint32_t n;

    (void)state;
    if (folder == NULL) {
        skip();
    }
    hp_keyring_init(&ring, entries, COUNT(entries));
    assert_int_not_equal(walk(folder, true), 0);
    assert_int_not_equal(walk(folder, false), 0);
    for (n = 0; n < ring.count; n++) {
        free((void *)(uintptr_t)entries[n].subject_key_id.data);
        free((void *)(uintptr_t)entries[n].issuer.data);
        free((void *)(uintptr_t)entries[n].serial.data);
        free((void *)(uintptr_t)entries[n].modulus.data);
        free((void *)(uintptr_t)entries[n].point.data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_samples)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
