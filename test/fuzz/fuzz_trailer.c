/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzzes trailer, DER and CMS behind a sound ELF file. The first byte of an input says how the rest
 * is used: as the trailer; as the CMS of the layout linux; or as changes to a CMS, sound or with
 * one of the known defects. What the library takes for a CMS libcrypto has to take for one, too,
 * with the same fields, and to write the very same bytes for it: nothing but DER gets through.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/cms.h>
#include <openssl/err.h>

#include "check.h"
#include "support/elf_builder.h"
#include "support/signer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sg_key key;
static uint8_t *elf;
static size_t elf_size;

static void begin(void)
{
    if (elf == NULL) {
        sg_rsa(&key, 2048, HP_RSA_EXPONENT, 3);
        elf = eb_minimal(true, HP_EM_X86_64, &elf_size);
    }
}

/* Empty, or inside the file behind the ELF file. */
static void check_span(struct hp_span span, const struct sg_bytes *file)
{
    CHECK(span.size == 0 ||
          (span.data >= file->data + elf_size && span.data + span.size <= file->data + file->size));
}

static void check_cms(const struct hp_trailer *trailer, const uint8_t *der, size_t size)
{
    const unsigned char *end = der;
    CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &end, (long)size);
    unsigned char *again = NULL;
    STACK_OF(CMS_SignerInfo) * signers;
    CMS_SignerInfo *signer;
    const ASN1_OCTET_STRING *signature;
    ASN1_OCTET_STRING *id = NULL;
    X509_NAME *issuer = NULL;
    ASN1_INTEGER *serial = NULL;

    /* Names are DER only as far as their outside: what is in them is compared as it stands. */
    if (cms == NULL) {
        ERR_clear_error();
        CHECK(trailer->issuer.size != 0);
        return;
    }
    CHECK(end == der + size);
    CHECK(OBJ_obj2nid(CMS_get0_type(cms)) == NID_pkcs7_signed && CMS_is_detached(cms) == 1);
    CHECK(CMS_get1_certs(cms) == NULL && CMS_get1_crls(cms) == NULL);
    signers = CMS_get0_SignerInfos(cms);
    CHECK(sk_CMS_SignerInfo_num(signers) == 1);
    signer = sk_CMS_SignerInfo_value(signers, 0);
    CHECK(CMS_signed_get_attr_count(signer) <= 0 && CMS_unsigned_get_attr_count(signer) <= 0);
    signature = CMS_SignerInfo_get0_signature(signer);
    CHECK((size_t)signature->length == trailer->signature.size &&
          memcmp(signature->data, trailer->signature.data, trailer->signature.size) == 0);
    CHECK(CMS_SignerInfo_get0_signer_id(signer, &id, &issuer, &serial) == 1);
    if (trailer->key_id.size != 0) {
        CHECK(id != NULL && (size_t)id->length == trailer->key_id.size &&
              memcmp(id->data, trailer->key_id.data, trailer->key_id.size) == 0);
        CHECK(i2d_CMS_ContentInfo(cms, &again) == (int)size && memcmp(again, der, size) == 0);
        OPENSSL_free(again);
    } else {
        CHECK(issuer != NULL && serial != NULL && id == NULL);
    }
    CMS_ContentInfo_free(cms);
    ERR_clear_error();
}

static void check_file(const struct sg_bytes *file)
{
    /* Exactly as large as it is. */
    uint8_t *copy = malloc(file->size);
    const struct sg_bytes whole = {copy, file->size};
    struct hp_verify_workspace workspace;
    struct hp_signature_result result;
    struct hp_trailer trailer;
    struct hp_diag diag;
    enum hp_status status;

    CHECK(copy != NULL);
    memcpy(copy, file->data, file->size);
    hp_diag_init(&diag);
    status = hp_trailer_parse(copy, file->size, &trailer, &diag);
    CHECK(diag.status == status && trailer.payload_len == elf_size);
    check_span(trailer.signature, &whole);
    check_span(trailer.key_id, &whole);
    check_span(trailer.issuer, &whole);
    check_span(trailer.serial, &whole);
    check_span(trailer.signer, &whole);
    CHECK(status == HP_OK || status == HP_UNSIGNED || diag.offset <= file->size);
    if (status == HP_OK) {
        CHECK(trailer.signature.size != 0 && trailer.scheme != HP_SCHEME_NONE &&
              trailer.hash != HP_HASH_NONE);
        if (trailer.format == HP_SIGNATURE_LINUX) {
            check_cms(&trailer, copy + elf_size, file->size - elf_size - 40);
        }
    }
    /* Without keys nothing verifies, and the two calls agree on the form. */
    result.status =
        hp_signature_verify(NULL, copy, file->size, NULL, NULL, &workspace, &result, NULL);
    CHECK(result.status != HP_OK && (status == HP_OK || result.status == status));
    CHECK(status != HP_OK || result.status == HP_KEY_UNKNOWN ||
          result.status == HP_SIGNATURE_POLICY);
    free(copy);
}

/* A CMS by the bits of the first two bytes, then changes of two bytes of place and one of value. */
static void add_changed_cms(struct sg_bytes *cms, const uint8_t *data, size_t size)
{
    static const char *const names[] = {"SHA256", "SHA384", "SHA512", "SHA1"};
    uint8_t signature[256] = {0x80, 1, 2, 3};
    struct sg_cms form = {.key = &key, .signature = signature, .signature_size = 256};
    size_t n;

    form.hash = names[data[0] & 3];
    form.by_key_id = (data[0] & 4) != 0;
    form.long_oid = (data[0] & 8) != 0;
    form.digest_null = (data[0] & 16) != 0;
    form.signed_attributes = data[1] == 1;
    form.certificates = data[1] == 2;
    form.content = data[1] == 3;
    form.two_signers = data[1] == 4;
    form.two_digests = data[1] == 5;
    form.pss = data[1] == 6;
    form.indefinite = data[1] == 7;
    sg_add_cms(cms, &form);
    for (n = 2; n + 3 <= size; n += 3) {
        cms->data[(((size_t)data[n] << 8) | data[n + 1]) % cms->size] ^= data[n + 2];
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sg_bytes file = {0};
    struct sg_bytes cms = {0};

    begin();
    if (size < 3) {
        return 0;
    }
    sg_add(&file, elf, elf_size);
    switch (data[0] % 4) {
    case 0:
        sg_add(&file, data + 1, size - 1);
        break;
    case 1:
        sg_add(&file, sg_marker, 28);
        sg_add(&file, data + 1, size - 1);
        break;
    case 2:
        sg_add_linux(&file, data + 1, size - 1, NULL);
        break;
    default:
        add_changed_cms(&cms, data + 1, size - 1);
        sg_add_linux(&file, cms.data, cms.size, NULL);
        break;
    }
    check_file(&file);
    sg_drop(&file);
    sg_drop(&cms);
    return 0;
}
