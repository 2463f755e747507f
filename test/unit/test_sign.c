/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Trailer, key ring, policy and verdict: every refusal that is to be told apart (SPEC section 13),
 * each with its status and its place.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/x509.h>

#include "elf_builder.h"
#include "signer.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Keys, a ring with all but the stranger, and a payload to sign. */
static struct {
    struct sg_key rsa;   /* 2048 bits */
    struct sg_key large; /* 3071 bits */
    struct sg_key p256;
    struct sg_key stranger;
    struct hp_key entries[8];
    struct hp_keyring ring;
    uint8_t *elf;
    size_t size;
} f;

static int setup(void **state)
{
    (void)state;
    sg_rsa(&f.rsa, 2048, HP_RSA_EXPONENT, 3);
    sg_rsa(&f.large, 3071, HP_RSA_EXPONENT, 3);
    sg_curve(&f.p256, "P-256");
    sg_rsa(&f.stranger, 2048, HP_RSA_EXPONENT, 3);
    hp_keyring_init(&f.ring, f.entries, COUNT(f.entries));
    assert_int_equal(hp_keyring_add(&f.ring, NULL, &f.large.key, NULL, NULL), HP_OK);
    assert_int_equal(hp_keyring_add(&f.ring, NULL, &f.rsa.key, NULL, NULL), HP_OK);
    assert_int_equal(hp_keyring_add(&f.ring, NULL, &f.p256.key, NULL, NULL), HP_OK);
    f.elf = eb_minimal(true, HP_EM_X86_64, &f.size);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sg_free(&f.rsa);
    sg_free(&f.large);
    sg_free(&f.p256);
    sg_free(&f.stranger);
    free(f.elf);
    return 0;
}

/* Verifies a copy that is exactly as large as it is. */
static enum hp_status judge(const struct sg_bytes *file, const struct hp_signature_policy *policy,
                            struct hp_signature_result *result)
{
    struct hp_verify_workspace *workspace = malloc(sizeof(*workspace));
    uint8_t *copy = malloc(file->size != 0 ? file->size : 1);
    struct hp_trailer trailer;
    struct hp_diag diag;
    enum hp_status parsed;
    enum hp_status status;

    assert_non_null(workspace);
    assert_non_null(copy);
    if (file->size != 0) {
        memcpy(copy, file->data, file->size);
    }
    hp_diag_init(&diag);
    memset(result, 0xa5, sizeof(*result));
    status = hp_signature_verify(NULL, copy, file->size, &f.ring, policy, workspace, result, &diag);
    assert_int_equal(result->status, status);
    assert_int_equal(diag.status, status);
    if (status) {
        /* Nothing on who signed unless it verified. */
        assert_true(result->algorithm == HP_KEY_NONE && result->hash == HP_HASH_NONE);
        assert_true(result->key == 0 && result->signer[0] == '\0');
        assert_int_equal(diag.stage, result->payload_len != 0 ? HP_STAGE_SIGNATURE : HP_STAGE_ELF);
        assert_true(result->payload_len == 0 || diag.offset == result->offset);
    } else {
        assert_true(result->offset == HP_NO_OFFSET && diag.offset == HP_NO_OFFSET);
    }
    /* Parsing alone finds the same defects of form. */
    parsed = hp_trailer_parse(copy, file->size, &trailer, NULL);
    if (parsed) {
        assert_int_equal(parsed, status);
    } else {
        assert_true(status != HP_UNSIGNED && status != HP_SIGNATURE_TRUNCATED);
    }
    free(copy);
    free(workspace);
    return status;
}

static struct sg_bytes payload(void)
{
    struct sg_bytes bytes = {0};

    sg_add(&bytes, f.elf, f.size);
    return bytes;
}

/* Expects a status, and the file offset that is at fault; frees the file. */
static void expect(struct sg_bytes *file, enum hp_status status, uint64_t offset)
{
    struct hp_signature_result result;
    const enum hp_status found = judge(file, NULL, &result);

    if (found != status || result.offset != offset) {
        fail_msg("%s at 0x%llx, wanted %s at 0x%llx", hp_status_name(found),
                 (unsigned long long)result.offset, hp_status_name(status),
                 (unsigned long long)offset);
    }
    sg_drop(file);
}

static void expect_policy(struct sg_bytes *file, const struct hp_signature_policy *policy,
                          enum hp_status status)
{
    struct hp_signature_result result;

    assert_int_equal(judge(file, policy, &result), status);
}

/* Signs with `key`; the sound xendoc form of it. */
static struct sg_xendoc sign_xendoc(const struct sg_key *key, const char *hash, uint8_t *signature)
{
    struct sg_xendoc form = {.signature = signature,
                             .signature_size = sg_sign(key, hash, f.elf, f.size, signature),
                             .key_id = key->id,
                             .key_id_size = sizeof(key->id),
                             .signer = "somebody",
                             .signer_size = 8};

    return form;
}

static struct sg_bytes xendoc(const struct sg_xendoc *form)
{
    struct sg_bytes file = payload();

    sg_add_xendoc(&file, form);
    return file;
}

static struct sg_bytes linux_file(const struct sg_cms *cms, const struct sg_linux *form)
{
    struct sg_bytes file = payload();
    struct sg_bytes der = {0};

    sg_add_cms(&der, cms);
    sg_add_linux(&file, der.data, der.size, form);
    sg_drop(&der);
    return file;
}

/* Where the fields of the layouts lie. */
#define XENDOC_HEADER    (f.size + 28)
#define XENDOC_SIGNATURE (f.size + 40)

/* ---- accepted ------------------------------------------------------------------------------ */

static void test_xendoc_accepted(void **state)
{
    static const char *const names[] = {"SHA256", "SHA384", "SHA512"};
    uint8_t signature[512];
    struct hp_signature_result result;
    unsigned int h;
    unsigned int with_length;

    (void)state;
    for (h = 0; h < 3; h++) {
        for (with_length = 0; with_length < 2; with_length++) {
            struct sg_xendoc form = sign_xendoc(&f.large, names[h], signature + 2);
            struct sg_bytes file;

            assert_int_equal(form.signature_size, 384);
            form.hash = (uint8_t)(5 + h);
            if (with_length) {
                signature[0] = 1;
                signature[1] = 0x80;
                form.signature = signature;
                form.signature_size += 2;
            }
            file = xendoc(&form);
            assert_int_equal(judge(&file, NULL, &result), HP_OK);
            assert_int_equal(result.format, HP_SIGNATURE_XENDOC);
            assert_int_equal(result.payload_len, f.size);
            assert_int_equal(result.algorithm, HP_KEY_RSA_PKCS1);
            assert_int_equal(result.hash, HP_HASH_SHA256 + h);
            assert_int_equal(result.key, 0);
            assert_string_equal(result.signer, "somebody");
            sg_drop(&file);
        }
    }
}

static void test_linux_accepted(void **state)
{
    static const char *const names[] = {"SHA256", "SHA384", "SHA512"};
    uint8_t signature[512];
    struct hp_signature_result result;
    unsigned int h;
    unsigned int form;

    (void)state;
    for (h = 0; h < 3; h++) {
        for (form = 0; form < 8; form++) {
            struct sg_cms cms = {.key = &f.rsa, .hash = names[h], .signature = signature};
            struct sg_bytes file;

            cms.signature_size = sg_sign(&f.rsa, names[h], f.elf, f.size, signature);
            cms.by_key_id = (form & 1) != 0;
            cms.long_oid = (form & 2) != 0;
            cms.digest_null = (form & 4) != 0;
            file = linux_file(&cms, NULL);
            assert_int_equal(judge(&file, NULL, &result), HP_OK);
            assert_int_equal(result.format, HP_SIGNATURE_LINUX);
            assert_int_equal(result.payload_len, f.size);
            assert_int_equal(result.hash, HP_HASH_SHA256 + h);
            assert_int_equal(result.key, 1);
            assert_string_equal(result.signer, "");
            sg_drop(&file);
        }
    }
}

/* Both a marker inside the ELF file, and one at the end of the signer's text, are contents. */
static void test_marker_elsewhere(void **state)
{
    struct eb_payload p = eb_payload_new(true, HP_EM_X86_64, NULL);
    uint8_t signature[512];
    struct sg_xendoc form;
    struct sg_bytes file = {0};
    struct hp_signature_result result;
    size_t size;
    uint8_t *elf;

    (void)state;
    eb_payload_function(&p, "target_function", 64);
    eb_section(p.b, ".rodata", HP_SHT_PROGBITS, HP_SHF_ALLOC, 1, sg_marker, 28);
    elf = eb_payload_finish(&p, &size);
    sg_add(&file, elf, size);
    assert_int_equal(judge(&file, NULL, &result), HP_UNSIGNED);
    assert_int_equal(result.offset, HP_NO_OFFSET);
    form = sign_xendoc(&f.rsa, "SHA256", signature);
    form.signature_size = sg_sign(&f.rsa, "SHA256", elf, size, signature);
    form.signer = sg_marker;
    form.signer_size = 28;
    sg_add_xendoc(&file, &form);
    assert_int_equal(judge(&file, NULL, &result), HP_OK);
    assert_string_equal(result.signer, "~Module signature appended~\\x0a");
    sg_drop(&file);
    free(elf);
}

static void test_signer_is_escaped(void **state)
{
    static const uint8_t name[] = {'A', 0, 0x1b, '[', '3', '1', 'm', '\\', 0xff, '\n'};
    uint8_t signature[512];
    struct sg_xendoc form = sign_xendoc(&f.rsa, "SHA256", signature);
    struct hp_signature_result result;
    struct sg_bytes file;
    uint8_t longest[255];
    char small[8];
    struct hp_span text = {(const uint8_t *)"abcdefghij", 7};

    (void)state;
    form.signer = name;
    form.signer_size = sizeof(name);
    file = xendoc(&form);
    assert_int_equal(judge(&file, NULL, &result), HP_OK);
    assert_string_equal(result.signer, "A\\x00\\x1b[31m\\x5c\\xff\\x0a");
    sg_drop(&file);

    memset(longest, 7, sizeof(longest));
    form.signer = longest;
    form.signer_size = sizeof(longest);
    file = xendoc(&form);
    assert_int_equal(judge(&file, NULL, &result), HP_OK);
    assert_int_equal(strlen(result.signer), 255);
    assert_string_equal(result.signer + 248, "\\x07...");
    sg_drop(&file);

    form.signer_size = 0;
    file = xendoc(&form);
    assert_int_equal(judge(&file, NULL, &result), HP_OK);
    assert_string_equal(result.signer, "");
    sg_drop(&file);

    hp_signer_escape(text, small, sizeof(small));
    assert_string_equal(small, "abcdefg");
    text.size = 8;
    hp_signer_escape(text, small, sizeof(small));
    assert_string_equal(small, "abcd...");
    hp_signer_escape(text, small, 3);
    assert_string_equal(small, "..");
    hp_signer_escape(text, small, 1);
    assert_string_equal(small, "");
    small[0] = 'x';
    hp_signer_escape(text, small, 0);
    assert_int_equal(small[0], 'x');
}

/* ---- unsigned, truncated ------------------------------------------------------------------- */

static void test_unsigned(void **state)
{
    struct sg_bytes file = payload();

    (void)state;
    expect(&file, HP_UNSIGNED, HP_NO_OFFSET);
    file = payload();
    sg_add(&file, sg_marker, 27);
    expect(&file, HP_UNSIGNED, f.size);
    file = payload();
    sg_add(&file, "other bytes", 11);
    sg_add(&file, sg_marker, 27);
    expect(&file, HP_UNSIGNED, f.size);
    /* One byte less, or one changed, and it is nothing that is known. */
    file = payload();
    sg_add(&file, sg_marker, 26);
    expect(&file, HP_SIGNATURE_MALFORMED, f.size);
    file = payload();
    sg_add(&file, sg_marker, 27);
    file.data[f.size + 3] ^= 1;
    expect(&file, HP_SIGNATURE_MALFORMED, f.size);
}

static void test_truncated(void **state)
{
    uint8_t signature[512];
    struct sg_xendoc form = sign_xendoc(&f.rsa, "SHA256", signature);
    struct sg_cms cms = {
        .key = &f.rsa, .hash = "SHA256", .signature = signature, .signature_size = 256};
    struct sg_linux header = {.length_error = 1 << 20};
    struct sg_bytes file;
    size_t n;

    (void)state;
    /* Every length of a xendoc trailer but the whole, from the marker on. */
    for (n = 28; n < 40 + 256 + 20 + 8; n++) {
        file = xendoc(&form);
        file.size = f.size + n;
        expect(&file, HP_SIGNATURE_TRUNCATED, XENDOC_HEADER);
    }
    /* The header of linux, cut. */
    for (n = 1; n < 12; n++) {
        file = payload();
        sg_add(&file, "\0\0\0\0\0\0\0\0\0\0\0", n);
        sg_add(&file, sg_marker, 28);
        expect(&file, HP_SIGNATURE_TRUNCATED, f.size);
    }
    /* Length fields past the end, or the beginning, of the file. */
    form.length_error = 1;
    file = xendoc(&form);
    expect(&file, HP_SIGNATURE_TRUNCATED, XENDOC_HEADER);
    form.length_error = INT32_MAX;
    file = xendoc(&form);
    expect(&file, HP_SIGNATURE_TRUNCATED, XENDOC_HEADER);
    file = linux_file(&cms, &header);
    n = file.size - 40;
    expect(&file, HP_SIGNATURE_TRUNCATED, n);
    /* A key id or signer longer than what there is. */
    form.length_error = 0;
    for (n = 3; n <= 4; n++) {
        file = xendoc(&form);
        file.data[XENDOC_HEADER + n] = 255;
        expect(&file, HP_SIGNATURE_TRUNCATED, XENDOC_HEADER);
    }
}

/* Shorter than an ELF file's own headers: not a payload at all, whatever it ends with. */
static void test_no_elf(void **state)
{
    struct sg_bytes file = {0};

    (void)state;
    expect(&file, HP_FILE_EMPTY, HP_NO_OFFSET);
    sg_add(&file, sg_marker, 28);
    expect(&file, HP_ELF_MAGIC, HP_NO_OFFSET);
}

/* ---- malformed, xendoc --------------------------------------------------------------------- */

static void test_xendoc_malformed(void **state)
{
    uint8_t signature[512];
    struct sg_xendoc sound = sign_xendoc(&f.rsa, "SHA256", signature);
    struct sg_xendoc form;
    struct sg_bytes file;
    unsigned int n;

    (void)state;
    /* No signature, with and without bytes in its place. */
    form = sound;
    form.length_error = -256;
    file = xendoc(&form);
    expect(&file, HP_SIGNATURE_MALFORMED, XENDOC_HEADER);
    form.signature_size = 0;
    form.length_error = 0;
    file = xendoc(&form);
    expect(&file, HP_SIGNATURE_MALFORMED, XENDOC_HEADER);
    /* Bytes after the last field. */
    file = xendoc(&sound);
    sg_add_byte(&file, 0);
    expect(&file, HP_SIGNATURE_MALFORMED, XENDOC_HEADER);
    form = sound;
    form.length_error = -1;
    file = xendoc(&form);
    expect(&file, HP_SIGNATURE_MALFORMED, XENDOC_HEADER);
    /* Bytes between the ELF file and the marker. */
    file = payload();
    sg_add_byte(&file, 0);
    sg_add_xendoc(&file, &sound);
    expect(&file, HP_SIGNATURE_MALFORMED, f.size);
    /* Reserved bytes. */
    for (n = 0; n < 3; n++) {
        form = sound;
        form.pad[n] = 1;
        file = xendoc(&form);
        expect(&file, HP_SIGNATURE_MALFORMED, XENDOC_HEADER);
    }
    /* Two trailers. */
    file = xendoc(&sound);
    sg_add_xendoc(&file, &sound);
    expect(&file, HP_SIGNATURE_MALFORMED, XENDOC_HEADER);
    /* id_type 2 belongs to linux. */
    form = sound;
    form.id_type = 3;
    file = xendoc(&form);
    expect(&file, HP_SIGNATURE_MALFORMED, XENDOC_HEADER);
}

/* The length that may stand in front, and a zero byte that may not. */
static void test_xendoc_length_in_front(void **state)
{
    static const uint16_t lengths[] = {0, 255, 257, 258, 0x0001, 0xffff, 2048};
    uint8_t signature[514];
    uint8_t *const one_more = signature + 1;
    struct sg_xendoc sound = sign_xendoc(&f.rsa, "SHA256", signature + 2);
    struct sg_xendoc form = sound;
    struct sg_bytes file;
    unsigned int n;

    (void)state;
    form.signature = signature;
    form.signature_size = 258;
    for (n = 0; n < COUNT(lengths); n++) {
        signature[0] = (uint8_t)(lengths[n] >> 8);
        signature[1] = (uint8_t)lengths[n];
        file = xendoc(&form);
        expect(&file, HP_SIGNATURE_MALFORMED, XENDOC_SIGNATURE);
    }
    one_more[0] = 0;
    form.signature = one_more;
    form.signature_size = 257;
    file = xendoc(&form);
    expect(&file, HP_SIGNATURE_MALFORMED, XENDOC_SIGNATURE);
    /* Any other length is just not a signature of this key. */
    one_more[0] = 1;
    file = xendoc(&form);
    expect(&file, HP_SIGNATURE_BAD, XENDOC_SIGNATURE);
    form = sound;
    form.signature_size = 255;
    file = xendoc(&form);
    expect(&file, HP_SIGNATURE_BAD, XENDOC_SIGNATURE);
}

/* ---- malformed, linux ---------------------------------------------------------------------- */

static void test_linux_header(void **state)
{
    uint8_t signature[512];
    struct sg_cms cms = {.key = &f.rsa, .hash = "SHA256", .signature = signature};
    struct sg_bytes file;
    struct sg_bytes der = {0};
    struct sg_linux header;
    size_t at;
    unsigned int n;

    (void)state;
    cms.signature_size = sg_sign(&f.rsa, "SHA256", f.elf, f.size, signature);
    file = linux_file(&cms, NULL);
    at = file.size - 40;
    sg_drop(&file);
    /* Any other field set. */
    for (n = 0; n < 7; n++) {
        memset(&header, 0, sizeof(header));
        header.algorithm = n == 0;
        header.hash = n == 1 ? 4 : 0;
        header.signer_size = n == 2;
        header.key_id_size = n == 3;
        header.pad[0] = n == 4;
        header.pad[1] = n == 5;
        header.pad[2] = n == 6;
        file = linux_file(&cms, &header);
        expect(&file, HP_SIGNATURE_MALFORMED, at);
    }
    /* Lengths that leave no payload, that reach into it, that leave bytes between, and 0. */
    memset(&header, 0, sizeof(header));
    for (n = 0; n < 4; n++) {
        header.length_error = n == 0   ? (int64_t)f.size
                              : n == 1 ? 1
                              : n == 2 ? -1
                                       : (int64_t)f.size - (int64_t)at;
        file = linux_file(&cms, &header);
        expect(&file, HP_SIGNATURE_MALFORMED, at);
    }
    /* Bytes between the ELF file and the CMS, and two trailers. */
    sg_add_cms(&der, &cms);
    file = payload();
    sg_add_byte(&file, 0x30);
    sg_add_linux(&file, der.data, der.size, NULL);
    expect(&file, HP_SIGNATURE_MALFORMED, at + 1);
    file = payload();
    sg_add_linux(&file, der.data, der.size, NULL);
    sg_add_linux(&file, der.data, der.size, NULL);
    expect(&file, HP_SIGNATURE_MALFORMED, at + der.size + 40);
    /* Bytes behind: the marker is not searched for. */
    file = payload();
    sg_add_linux(&file, der.data, der.size, NULL);
    sg_add_byte(&file, 0);
    expect(&file, HP_SIGNATURE_MALFORMED, f.size);
    sg_drop(&der);
    /* A raw signature under id_type 2. */
    file = payload();
    signature[0] = 0x51;
    sg_add_linux(&file, signature, 256, NULL);
    expect(&file, HP_SIGNATURE_MALFORMED, f.size);
}

/* What a row of the table below changes. */
struct cms_row {
    const char *what;
    enum hp_status status;
    struct sg_cms form;
};

static void test_linux_cms(void **state)
{
    static const struct cms_row rows[] = {
        {"sound", HP_OK, {0}},
        {"zero signers", HP_SIGNATURE_MALFORMED, {.no_signer = true}},
        {"no digest", HP_SIGNATURE_MALFORMED, {.no_digest = true}},
        {"outer digest differs", HP_SIGNATURE_MALFORMED, {.outer_hash = "SHA512"}},
        {"signature's digest differs",
         HP_SIGNATURE_MALFORMED,
         {.long_oid = true, .oid_hash = "SHA512"}},
        {"no NULL", HP_SIGNATURE_MALFORMED, {.no_null = true}},
        {"indefinite length", HP_SIGNATURE_MALFORMED, {.indefinite = true}},
        {"long length", HP_SIGNATURE_MALFORMED, {.long_length = true}},
        {"version 3 with issuer", HP_SIGNATURE_MALFORMED, {.wrong_version = true}},
        {"version 1 with key id",
         HP_SIGNATURE_MALFORMED,
         {.wrong_version = true, .by_key_id = true}},
        {"padded serial number", HP_SIGNATURE_MALFORMED, {.padded_serial = true}},
        {"signed attributes", HP_SIGNATURE_POLICY, {.signed_attributes = true}},
        {"unsigned attributes", HP_SIGNATURE_POLICY, {.unsigned_attributes = true}},
        {"certificates", HP_SIGNATURE_POLICY, {.certificates = true}},
        {"revocation lists", HP_SIGNATURE_POLICY, {.revocation_lists = true}},
        {"content", HP_SIGNATURE_POLICY, {.content = true}},
        {"two signers", HP_SIGNATURE_POLICY, {.two_signers = true}},
        {"two digests", HP_SIGNATURE_POLICY, {.two_digests = true}},
        {"PSS", HP_SIGNATURE_POLICY, {.pss = true}},
        {"SHA-1", HP_SIGNATURE_POLICY, {.hash = "SHA1"}},
        {"SHA-1, long", HP_SIGNATURE_POLICY, {.hash = "SHA1", .long_oid = true}},
        {"MD5", HP_SIGNATURE_POLICY, {.hash = "MD5"}},
        {"SHA-224", HP_SIGNATURE_POLICY, {.hash = "SHA224"}},
        {"RIPEMD-160", HP_SIGNATURE_POLICY, {.hash = "RIPEMD160"}},
        {"SHA3-256", HP_SIGNATURE_UNSUPPORTED, {.hash = "SHA3-256"}},
        {"SHA-512/256", HP_SIGNATURE_UNSUPPORTED, {.hash = "SHA512-256"}},
        {"unknown signer", HP_KEY_UNKNOWN, {.key = &f.stranger}},
        {"unknown signer by key id", HP_KEY_UNKNOWN, {.key = &f.stranger, .by_key_id = true}},
        {"A's name on B's signature", HP_SIGNATURE_BAD, {.key = &f.large}},
    };
    uint8_t signature[512];
    size_t n;

    (void)state;
    for (n = 0; n < COUNT(rows); n++) {
        struct sg_cms form = rows[n].form;
        struct hp_signature_result result;
        struct sg_bytes file;
        enum hp_status status;

        form.hash = form.hash != NULL ? form.hash : "SHA256";
        form.key = form.key != NULL ? form.key : &f.rsa;
        form.signature = signature;
        form.signature_size = sg_sign(&f.rsa, "SHA256", f.elf, f.size, signature);
        file = linux_file(&form, NULL);
        status = judge(&file, NULL, &result);
        if (status != rows[n].status) {
            fail_msg("%s: %s, wanted %s", rows[n].what, hp_status_name(status),
                     hp_status_name(rows[n].status));
        }
        sg_drop(&file);
    }
}

/*
 * Each byte of a sound CMS, changed in some ways: but for the identity of the signer, none of them
 * is accepted, and what was no DER any more is no bad signature either.
 */
static void test_linux_cms_changed(void **state)
{
    static const uint8_t changes[] = {0x01, 0x02, 0x20, 0x80, 0xff};
    uint8_t signature[512];
    struct sg_cms cms = {.key = &f.rsa, .hash = "SHA256", .signature = signature};
    struct hp_signature_result result;
    struct sg_bytes file;
    size_t at;
    size_t n;

    (void)state;
    cms.signature_size = sg_sign(&f.rsa, "SHA256", f.elf, f.size, signature);
    file = linux_file(&cms, NULL);
    for (at = f.size; at < file.size - 40; at++) {
        for (n = 0; n < COUNT(changes); n++) {
            enum hp_status status;

            file.data[at] ^= changes[n];
            status = judge(&file, NULL, &result);
            file.data[at] ^= changes[n];
            assert_int_not_equal(status, HP_OK);
            assert_int_not_equal(status, HP_UNSIGNED);
            if (at >= file.size - 40 - 256) {
                assert_int_equal(status, HP_SIGNATURE_BAD);
            }
        }
    }
    assert_int_equal(judge(&file, NULL, &result), HP_OK);
    /* Cut and lengthened inside the header's own length. */
    sg_drop(&file);
    {
        struct sg_bytes der = {0};

        sg_add_cms(&der, &cms);
        sg_add_byte(&der, 0);
        for (n = 1; n <= der.size; n++) {
            if (n == der.size - 1) {
                continue;
            }
            file = payload();
            sg_add_linux(&file, der.data, n, NULL);
            assert_int_equal(judge(&file, NULL, &result), HP_SIGNATURE_MALFORMED);
            sg_drop(&file);
        }
        sg_drop(&der);
    }
}

/* ---- unsupported --------------------------------------------------------------------------- */

static void test_unsupported(void **state)
{
    uint8_t signature[512];
    struct sg_xendoc sound = sign_xendoc(&f.rsa, "SHA256", signature);
    struct sg_xendoc form;
    struct sg_bytes file;
    struct sg_linux header = {0};
    struct sg_cms cms = {
        .key = &f.rsa, .hash = "SHA256", .signature = signature, .signature_size = 256};
    size_t at;
    unsigned int n;

    (void)state;
    for (n = 0; n < 256; n++) {
        if (n == 1 || n == 2) {
            continue;
        }
        file = xendoc(&sound);
        file.data[XENDOC_HEADER + 2] = (uint8_t)n;
        expect(&file, HP_SIGNATURE_UNSUPPORTED, XENDOC_HEADER);
        file = linux_file(&cms, &header);
        at = file.size - 40;
        file.data[at + 2] = (uint8_t)n;
        expect(&file, HP_SIGNATURE_UNSUPPORTED, at);
    }
    for (n = 17; n < 255; n++) {
        form = sound;
        form.hash = (uint8_t)(n + 1);
        file = xendoc(&form);
        expect(&file, HP_SIGNATURE_UNSUPPORTED, XENDOC_HEADER);
    }
    form = sound;
    form.algorithm = 3;
    file = xendoc(&form);
    expect(&file, HP_SIGNATURE_UNSUPPORTED, XENDOC_HEADER);
    /* ECDSA, without a backend for it. */
    cms.key = &f.p256;
    cms.signature_size = sg_sign(&f.p256, "SHA256", f.elf, f.size, signature);
    file = linux_file(&cms, NULL);
    at = file.size - 40 - cms.signature_size;
    expect(&file, HP_SIGNATURE_UNSUPPORTED, at);
}

/* The layout of Linux 3.7: recognised when it is one, malformed when it is none. */
static void test_linux37(void **state)
{
    static const enum hp_status wanted[] = {HP_SIGNATURE_MALFORMED, HP_SIGNATURE_UNSUPPORTED,
                                            HP_SIGNATURE_TRUNCATED};
    uint8_t header[12] = {1, 4, 1, 8, 20, 0, 0, 0, 0, 0, 1};
    uint8_t signature[512];
    const size_t size = sg_sign(&f.rsa, "SHA256", f.elf, f.size, signature);
    const size_t at = f.size + 28 + size + 2;
    unsigned int n;

    (void)state;
    for (n = 0; n < 5; n++) {
        struct sg_bytes file = payload();
        struct hp_trailer trailer;
        enum hp_status status = n < 3 ? wanted[n] : HP_SIGNATURE_MALFORMED;

        sg_add(&file, "somebody", 8);
        sg_add(&file, f.rsa.id, 20);
        sg_add(&file, "\x01\x00", 2);
        sg_add(&file, signature, size);
        header[11] = (uint8_t)(n < 3 ? n + 1 : 2);
        header[6] = n == 3;
        header[10] = n != 4;
        sg_add(&file, header, sizeof(header));
        sg_add(&file, sg_marker, 28);
        assert_int_equal(hp_trailer_parse(file.data, file.size, &trailer, NULL), status);
        assert_int_equal(trailer.format, HP_SIGNATURE_LINUX37);
        assert_int_equal(trailer.payload_len, f.size);
        expect(&file, status, at);
    }
}

/* ---- policy -------------------------------------------------------------------------------- */

static void test_xendoc_policy(void **state)
{
    uint8_t signature[512];
    struct sg_xendoc sound = sign_xendoc(&f.rsa, "SHA256", signature);
    struct sg_xendoc form = sound;
    struct sg_bytes file;
    unsigned int n;

    (void)state;
    /* DSA. */
    form.algorithm = 1;
    file = xendoc(&form);
    expect(&file, HP_SIGNATURE_POLICY, XENDOC_SIGNATURE);
    /* Every digest of the header's list but the three. */
    for (n = 0; n <= 16; n++) {
        form = sound;
        form.hash = (uint8_t)(n + 1);
        file = xendoc(&form);
        expect(&file,
               n == 4             ? HP_OK
               : n == 5 || n == 6 ? HP_SIGNATURE_BAD
                                  : HP_SIGNATURE_POLICY,
               n == 4 ? HP_NO_OFFSET : XENDOC_SIGNATURE);
    }
    /* PSS in place of the key's padding: the header cannot say so. */
    form = sound;
    form.signature_size = sg_sign_pss(&f.rsa, "SHA256", f.elf, f.size, signature);
    file = xendoc(&form);
    expect(&file, HP_SIGNATURE_BAD, XENDOC_SIGNATURE);
}

static void test_policy(void **state)
{
    static const struct hp_signature_policy defaults = {.size = sizeof(defaults)};
    struct hp_signature_policy policy = defaults;
    uint8_t signature[512];
    struct sg_xendoc form = sign_xendoc(&f.rsa, "SHA384", signature);
    struct sg_bytes file;
    struct hp_signature_result result;

    (void)state;
    form.hash = 6;
    file = xendoc(&form);
    expect_policy(&file, &policy, HP_OK);
    policy.formats = HP_ALLOW(HP_SIGNATURE_LINUX);
    expect_policy(&file, &policy, HP_SIGNATURE_POLICY);
    policy.formats = HP_ALLOW(HP_SIGNATURE_XENDOC);
    expect_policy(&file, &policy, HP_OK);
    policy.algorithms = HP_ALLOW(HP_KEY_ECDSA_P256) | HP_ALLOW(HP_KEY_ECDSA_P384);
    expect_policy(&file, &policy, HP_SIGNATURE_POLICY);
    policy.algorithms |= HP_ALLOW(HP_KEY_RSA_PKCS1);
    policy.hashes = HP_ALLOW(HP_HASH_SHA256) | HP_ALLOW(HP_HASH_SHA512) | HP_ALLOW(HP_HASH_WEAK);
    expect_policy(&file, &policy, HP_SIGNATURE_POLICY);
    policy.hashes = HP_ALLOW(HP_HASH_SHA384);
    expect_policy(&file, &policy, HP_OK);
    /* A policy that asks for more than when the key was added; less than the least counts not. */
    policy.rsa_bits_min = 3072;
    expect_policy(&file, &policy, HP_KEY_WEAK);
    policy.rsa_bits_min = 2048;
    expect_policy(&file, &policy, HP_OK);
    policy.rsa_bits_min = 1;
    expect_policy(&file, &policy, HP_OK);
    /* The key's own digest. */
    f.ring.keys[1].hash = HP_HASH_SHA256;
    expect_policy(&file, &policy, HP_SIGNATURE_POLICY);
    f.ring.keys[1].hash = HP_HASH_SHA384;
    expect_policy(&file, &policy, HP_OK);
    f.ring.keys[1].hash = HP_HASH_NONE;
    /* These two say nothing here. */
    policy.require_signature = true;
    policy.version_min = UINT64_MAX;
    expect_policy(&file, &policy, HP_OK);
    policy.size--;
    assert_int_equal(
        hp_signature_verify(NULL, file.data, file.size, &f.ring, &policy, NULL, &result, NULL),
        HP_INVALID_ARGUMENT);
    assert_int_equal(result.status, HP_INVALID_ARGUMENT);
    sg_drop(&file);
}

/* A digest that is weak stays so, whatever a policy says. */
static void test_weak_is_never_allowed(void **state)
{
    struct hp_signature_policy policy = {.size = sizeof(policy), .hashes = UINT32_MAX};
    uint8_t signature[512];
    struct sg_xendoc form = sign_xendoc(&f.rsa, "SHA1", signature);
    struct sg_bytes file;

    (void)state;
    form.hash = 3;
    file = xendoc(&form);
    expect_policy(&file, &policy, HP_SIGNATURE_POLICY);
    sg_drop(&file);
}

static void test_revoked(void **state)
{
    static uint8_t revoked[3][HP_SPKI_HASH_SIZE];
    static struct hp_revoked_payload payloads[3];
    struct hp_signature_policy policy = {.size = sizeof(policy)};
    struct hp_signature_result result;
    uint8_t signature[512];
    struct sg_xendoc form = sign_xendoc(&f.rsa, "SHA512", signature);
    struct sg_bytes file;

    (void)state;
    form.hash = 7;
    file = xendoc(&form);
    policy.revoked_keys = (const uint8_t(*)[HP_SPKI_HASH_SIZE])revoked;
    policy.revoked_key_count = 3;
    memcpy(revoked[1], f.ring.keys[0].spki_sha256, HP_SPKI_HASH_SIZE);
    expect_policy(&file, &policy, HP_OK);
    memcpy(revoked[2], f.ring.keys[1].spki_sha256, HP_SPKI_HASH_SIZE);
    assert_int_equal(judge(&file, &policy, &result), HP_SIGNATURE_REVOKED);
    assert_int_equal(result.offset, XENDOC_SIGNATURE + 256);
    policy.revoked_key_count = 2;
    expect_policy(&file, &policy, HP_OK);

    policy.revoked_payloads = payloads;
    policy.revoked_payload_count = 3;
    payloads[1].hash = HP_HASH_SHA256;
    (void)sg_digest("SHA256", f.elf, f.size, payloads[1].digest);
    payloads[2].hash = HP_HASH_SHA512;
    (void)sg_digest("SHA512", f.elf, f.size, payloads[2].digest);
    payloads[2].digest[63] ^= 1;
    expect_policy(&file, &policy, HP_OK);
    payloads[2].digest[63] ^= 1;
    assert_int_equal(judge(&file, &policy, &result), HP_SIGNATURE_REVOKED);
    assert_int_equal(result.offset, 0);
    /* A bad signature of a revoked payload is a bad signature. */
    file.data[XENDOC_SIGNATURE + 9] ^= 1;
    expect_policy(&file, &policy, HP_SIGNATURE_BAD);
    sg_drop(&file);
    form.signature_size = sg_sign(&f.rsa, "SHA256", f.elf, f.size, signature);
    form.hash = 5;
    file = xendoc(&form);
    expect_policy(&file, &policy, HP_SIGNATURE_REVOKED);
    policy.revoked_payload_count = 1;
    expect_policy(&file, &policy, HP_OK);
    sg_drop(&file);
}

/* ---- bad, unknown -------------------------------------------------------------------------- */

/* No single bit of what is signed, or of the signature, may change. */
static void test_every_bit(void **state)
{
    uint8_t signature[512];
    struct sg_xendoc form = sign_xendoc(&f.rsa, "SHA256", signature);
    struct sg_bytes file = xendoc(&form);
    struct hp_signature_result result;
    size_t bit;

    (void)state;
    for (bit = 0; bit < 8 * f.size; bit += 1 + bit % 3) {
        enum hp_status status;

        file.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        status = judge(&file, NULL, &result);
        file.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        /* Where the ELF file ends may depend on the bit. */
        assert_true(status == HP_SIGNATURE_BAD || result.payload_len != f.size);
        assert_int_not_equal(status, HP_OK);
        assert_int_not_equal(status, HP_UNSIGNED);
    }
    for (bit = 0; bit < 8 * 256; bit++) {
        file.data[XENDOC_SIGNATURE + bit / 8] ^= (uint8_t)(1u << (bit % 8));
        assert_int_equal(judge(&file, NULL, &result), HP_SIGNATURE_BAD);
        file.data[XENDOC_SIGNATURE + bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    for (bit = 0; bit < 8 * 20; bit++) {
        file.data[XENDOC_SIGNATURE + 256 + bit / 8] ^= (uint8_t)(1u << (bit % 8));
        assert_int_equal(judge(&file, NULL, &result), HP_KEY_UNKNOWN);
        assert_int_equal(result.offset, XENDOC_SIGNATURE + 256);
        file.data[XENDOC_SIGNATURE + 256 + bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    assert_int_equal(judge(&file, NULL, &result), HP_OK);
    sg_drop(&file);
}

static void test_bad(void **state)
{
    uint8_t signature[512];
    struct sg_xendoc form = sign_xendoc(&f.stranger, "SHA256", signature);
    struct sg_bytes file = xendoc(&form);
    unsigned int n;

    (void)state;
    expect(&file, HP_KEY_UNKNOWN, XENDOC_SIGNATURE + 256);
    /* No key id finds nothing, also not a key that has none. */
    form.key_id_size = 0;
    f.ring.keys[1].subject_key_id.size = 0;
    file = xendoc(&form);
    expect(&file, HP_KEY_UNKNOWN, f.size);
    f.ring.keys[1].subject_key_id.size = 20;
    /* Key id of A with B's signature; a part of A's key id. */
    form.key_id = f.rsa.id;
    form.key_id_size = 20;
    file = xendoc(&form);
    expect(&file, HP_SIGNATURE_BAD, XENDOC_SIGNATURE);
    form.key_id_size = 19;
    file = xendoc(&form);
    expect(&file, HP_KEY_UNKNOWN, XENDOC_SIGNATURE + 256);
    /* A key of another kind: a curve has no place in this layout. */
    form.key_id = f.p256.id;
    form.key_id_size = 20;
    file = xendoc(&form);
    expect(&file, HP_SIGNATURE_POLICY, XENDOC_SIGNATURE);
    /* Not below n. */
    form = sign_xendoc(&f.rsa, "SHA256", signature);
    for (n = 0; n < 2; n++) {
        if (n == 0) {
            memcpy(signature, f.rsa.modulus, 256);
        } else {
            memset(signature, 0xff, 256);
        }
        file = xendoc(&form);
        expect(&file, HP_SIGNATURE_BAD, XENDOC_SIGNATURE);
    }
    /* An empty ring, and none. */
    for (n = 0; n < 2; n++) {
        struct hp_keyring none = {0};
        struct hp_signature_result result;

        form = sign_xendoc(&f.rsa, "SHA256", signature);
        file = xendoc(&form);
        assert_int_equal(hp_signature_verify(NULL, file.data, file.size, n == 0 ? &none : NULL,
                                             NULL, NULL, &result, NULL),
                         HP_KEY_UNKNOWN);
        sg_drop(&file);
    }
}

/* ---- key ring ------------------------------------------------------------------------------ */

/* Tries to add a key to a ring of its own. */
static enum hp_status add(const struct hp_key *key, uint32_t bits)
{
    const struct hp_signature_policy policy = {.size = sizeof(policy), .rsa_bits_min = bits};
    struct hp_key entry;
    struct hp_keyring ring;
    uint32_t index = 77;
    enum hp_status status;

    hp_keyring_init(&ring, &entry, 1);
    status = hp_keyring_add(&ring, NULL, key, &policy, &index);
    assert_int_equal(ring.count, status ? 0 : 1);
    assert_int_equal(index, status ? 77 : 0);
    return status;
}

static void test_weak_keys(void **state)
{
    static const unsigned int exponents[] = {0,   1,     2,     3,     5,          17,
                                             257, 65535, 65536, 65539, 0x80000001, UINT32_MAX};
    static uint8_t number[513];
    struct hp_key key = f.rsa.key;
    struct sg_key small;
    size_t n;

    (void)state;
    for (n = 0; n < COUNT(exponents); n++) {
        key.exponent = exponents[n];
        assert_int_equal(add(&key, 0), HP_KEY_WEAK);
    }
    sg_rsa(&small, 2047, HP_RSA_EXPONENT, 2);
    assert_int_equal(add(&small.key, 0), HP_KEY_WEAK);
    assert_int_equal(add(&small.key, 1024), HP_KEY_WEAK);
    sg_free(&small);
    assert_int_equal(add(&f.large.key, 3071), HP_OK);
    assert_int_equal(add(&f.large.key, 3072), HP_KEY_WEAK);
    assert_int_equal(add(&f.rsa.key, 2049), HP_KEY_WEAK);
    /* Even, at any size; and more bits than there is room for. */
    key = f.rsa.key;
    memset(number, 0xff, sizeof(number));
    key.modulus.data = number;
    for (n = 256; n <= 512; n++) {
        key.modulus.size = n;
        number[n - 1] = 0xff;
        assert_int_equal(add(&key, 0), HP_OK);
        number[n - 1] = 0xfe;
        assert_int_equal(add(&key, 0), HP_KEY_WEAK);
        number[n - 1] = 0xff;
    }
    key.modulus.size = 513;
    assert_int_equal(add(&key, 0), HP_KEY_WEAK);
}

static void test_invalid_keys(void **state)
{
    static uint8_t number[257] = {0, 0x80};
    struct hp_key key = f.rsa.key;
    struct hp_signature_policy policy = {.size = 1};
    struct hp_keyring ring;

    (void)state;
    assert_int_equal(add(&key, 0), HP_OK);
    key.subject_key_id.size = 0;
    assert_int_equal(add(&key, 0), HP_OK);
    key.serial.size = 0;
    assert_int_equal(add(&key, 0), HP_KEY_INVALID);
    key.issuer.size = 0;
    assert_int_equal(add(&key, 0), HP_KEY_INVALID);
    key.subject_key_id.size = 1;
    assert_int_equal(add(&key, 0), HP_OK);
    key = f.rsa.key;
    key.issuer.size = 0;
    assert_int_equal(add(&key, 0), HP_KEY_INVALID);
    key = f.rsa.key;
    key.hash = HP_HASH_SHA512;
    assert_int_equal(add(&key, 0), HP_OK);
    key.hash = HP_HASH_WEAK;
    assert_int_equal(add(&key, 0), HP_KEY_INVALID);
    key.hash = (enum hp_hash)77;
    assert_int_equal(add(&key, 0), HP_KEY_INVALID);
    key = f.rsa.key;
    key.algorithm = HP_KEY_NONE;
    assert_int_equal(add(&key, 0), HP_KEY_INVALID);
    key.algorithm = (enum hp_key_algorithm)9;
    assert_int_equal(add(&key, 0), HP_KEY_INVALID);
    key = f.rsa.key;
    key.modulus.data = number;
    key.modulus.size = 257;
    assert_int_equal(add(&key, 0), HP_KEY_INVALID);
    key.modulus.size = 0;
    assert_int_equal(add(&key, 0), HP_KEY_INVALID);
    key = f.p256.key;
    assert_int_equal(add(&key, 0), HP_OK);
    key.algorithm = HP_KEY_ECDSA_P384;
    assert_int_equal(add(&key, 0), HP_KEY_INVALID);
    key.algorithm = HP_KEY_ECDSA_P256;
    key.point.size--;
    assert_int_equal(add(&key, 0), HP_KEY_INVALID);
    memcpy(number, f.p256.point, 65);
    number[0] = 3;
    key.point.data = number;
    key.point.size = 65;
    assert_int_equal(add(&key, 0), HP_KEY_INVALID);
    hp_keyring_init(&ring, NULL, 0);
    assert_int_equal(hp_keyring_add(&ring, NULL, &f.rsa.key, &policy, NULL), HP_INVALID_ARGUMENT);
    assert_int_equal(hp_keyring_add(&ring, NULL, &f.rsa.key, NULL, NULL), HP_KEYRING_FULL);
}

static void test_conflicts(void **state)
{
    struct hp_key entries[4];
    struct hp_key key = f.rsa.key;
    struct hp_keyring ring;
    uint32_t index = 0;

    (void)state;
    hp_keyring_init(&ring, entries, COUNT(entries));
    assert_int_equal(hp_keyring_add(&ring, NULL, &key, NULL, NULL), HP_OK);
    /* The same once more, as after a renewal of its certificate. */
    key.serial.size--;
    assert_int_equal(hp_keyring_add(&ring, NULL, &key, NULL, &index), HP_OK);
    assert_int_equal(index, 1);
    key.hash = HP_HASH_SHA256;
    assert_int_equal(hp_keyring_add(&ring, NULL, &key, NULL, NULL), HP_KEY_CONFLICT);
    key = f.stranger.key;
    key.subject_key_id = f.rsa.key.subject_key_id;
    assert_int_equal(hp_keyring_add(&ring, NULL, &key, NULL, NULL), HP_KEY_CONFLICT);
    key = f.stranger.key;
    key.issuer = f.rsa.key.issuer;
    assert_int_equal(hp_keyring_add(&ring, NULL, &key, NULL, NULL), HP_OK);
    key = f.stranger.key;
    key.issuer = f.rsa.key.issuer;
    key.serial = f.rsa.key.serial;
    key.subject_key_id.size = 0;
    assert_int_equal(hp_keyring_add(&ring, NULL, &key, NULL, NULL), HP_KEY_CONFLICT);
    assert_int_equal(ring.count, 3);
    /* Two keys without an identifier of a kind do not have the same. */
    key = f.large.key;
    key.issuer.size = 0;
    key.serial.size = 0;
    assert_int_equal(hp_keyring_add(&ring, NULL, &key, NULL, NULL), HP_OK);
    assert_int_equal(hp_keyring_add(&ring, NULL, &key, NULL, NULL), HP_KEYRING_FULL);
}

/* The digest by which keys are revoked is that of libcrypto's encoding. */
static void test_spki(void **state)
{
    struct sg_key made[5];
    size_t n;

    (void)state;
    sg_rsa(&made[0], 2048, HP_RSA_EXPONENT, 2);
    sg_rsa(&made[1], 2049, HP_RSA_EXPONENT, 2);
    sg_rsa(&made[2], 2055, HP_RSA_EXPONENT, 3);
    sg_curve(&made[3], "P-256");
    sg_curve(&made[4], "P-384");
    for (n = 0; n < COUNT(made); n++) {
        unsigned char *der = NULL;
        const int size = i2d_PUBKEY(made[n].pair, &der);
        struct hp_key entry;
        struct hp_keyring ring;
        uint8_t wanted[64];

        assert_true(size > 0);
        (void)sg_digest("SHA256", der, (size_t)size, wanted);
        hp_keyring_init(&ring, &entry, 1);
        assert_int_equal(hp_keyring_add(&ring, NULL, &made[n].key, NULL, NULL), HP_OK);
        assert_memory_equal(entry.spki_sha256, wanted, HP_SPKI_HASH_SIZE);
        OPENSSL_free(der);
        sg_free(&made[n]);
    }
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(hp_hash_name(HP_HASH_SHA256), "sha256");
    assert_string_equal(hp_hash_name(HP_HASH_SHA384), "sha384");
    assert_string_equal(hp_hash_name(HP_HASH_SHA512), "sha512");
    assert_string_equal(hp_hash_name(HP_HASH_WEAK), "weak");
    assert_string_equal(hp_hash_name((enum hp_hash)99), "none");
    assert_int_equal(hp_hash_size(HP_HASH_SHA256), 32);
    assert_int_equal(hp_hash_size(HP_HASH_SHA384), 48);
    assert_int_equal(hp_hash_size(HP_HASH_SHA512), 64);
    assert_int_equal(hp_hash_size(HP_HASH_WEAK), 0);
    assert_string_equal(hp_key_algorithm_name(HP_KEY_RSA_PKCS1), "rsa");
    assert_string_equal(hp_key_algorithm_name(HP_KEY_ECDSA_P256), "ecdsa-p256");
    assert_string_equal(hp_key_algorithm_name(HP_KEY_ECDSA_P384), "ecdsa-p384");
    assert_string_equal(hp_key_algorithm_name(HP_KEY_NONE), "none");
    assert_string_equal(hp_signature_format_name(HP_SIGNATURE_XENDOC), "xendoc");
    assert_string_equal(hp_signature_format_name(HP_SIGNATURE_LINUX), "linux");
    assert_string_equal(hp_signature_format_name(HP_SIGNATURE_LINUX37), "linux37");
    assert_string_equal(hp_signature_format_name(HP_SIGNATURE_NONE), "none");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_xendoc_accepted),
        cmocka_unit_test(test_linux_accepted),
        cmocka_unit_test(test_marker_elsewhere),
        cmocka_unit_test(test_signer_is_escaped),
        cmocka_unit_test(test_unsigned),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_no_elf),
        cmocka_unit_test(test_xendoc_malformed),
        cmocka_unit_test(test_xendoc_length_in_front),
        cmocka_unit_test(test_linux_header),
        cmocka_unit_test(test_linux_cms),
        cmocka_unit_test(test_linux_cms_changed),
        cmocka_unit_test(test_unsupported),
        cmocka_unit_test(test_linux37),
        cmocka_unit_test(test_xendoc_policy),
        cmocka_unit_test(test_policy),
        cmocka_unit_test(test_weak_is_never_allowed),
        cmocka_unit_test(test_revoked),
        cmocka_unit_test(test_every_bit),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_weak_keys),
        cmocka_unit_test(test_invalid_keys),
        cmocka_unit_test(test_conflicts),
        cmocka_unit_test(test_spki),
        cmocka_unit_test(test_names),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
