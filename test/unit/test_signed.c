/* SPDX-License-Identifier: BSD-2-Clause */
/* links: test_port */
/*
 * Signed payloads on their way into a target: what a policy lets through, what is looked at before,
 * and that nothing which others change meanwhile counts.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "apply/upload.h"
#include "sign/rsa.h"
#include "sign/sha2.h"
#include "signer.h"
#include "test_port.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const uint8_t target_id[20] = {0xe0, 0xe1, 0xe2, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9,
                                      0xea, 0xeb, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf2, 0xf3};

static struct sg_key signer;
static struct sg_key stranger;
static struct hp_key entries[2];
static struct hp_keyring ring;

/* What others do while the library is in one of its two crypto calls; NULL: nothing. */
static void (*during_digest)(void);
static void (*during_verify)(void);
static enum hp_status digest_answer;
static unsigned int digest_calls;

/* In place of the defaults: the same, and what a test wants to happen meanwhile. */
enum hp_status hp_port_digest(struct hp_port *port, enum hp_hash hash, const struct hp_span *parts,
                              size_t count, uint8_t *digest)
{
    (void)port;
    digest_calls++;
    if (during_digest != NULL) {
        during_digest();
    }
    return digest_answer != HP_OK ? digest_answer : hp_sha2_digest(hash, parts, count, digest);
}

enum hp_status hp_port_public_verify(struct hp_port *port, const struct hp_key *key,
                                     enum hp_hash hash, const uint8_t *digest,
                                     struct hp_span signature,
                                     struct hp_verify_workspace *workspace)
{
    (void)port;
    if (during_verify != NULL) {
        during_verify();
    }
    return hp_rsa_verify(key, hash, digest, signature, workspace);
}

static int setup(void **state)
{
    (void)state;
    sg_rsa(&signer, 2048, HP_RSA_EXPONENT, 3);
    sg_rsa(&stranger, 2048, HP_RSA_EXPONENT, 3);
    hp_keyring_init(&ring, entries, COUNT(entries));
    return hp_keyring_add(&ring, NULL, &signer.key, NULL, NULL) == HP_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    sg_free(&signer);
    sg_free(&stranger);
    return 0;
}

/* ---- files --------------------------------------------------------------------------------- */

/* A payload; modinfo NULL: none. */
static struct sg_bytes build(const char *modinfo, size_t modinfo_size, const uint8_t *xen_depends)
{
    const struct eb_ids ids = {.depends = target_id,
                               .depends_size = sizeof(target_id),
                               .xen_depends = xen_depends,
                               .xen_depends_size = xen_depends != NULL ? 20 : 0};
    struct eb_payload p = eb_payload_new(true, HP_EM_X86_64, &ids);
    struct sg_bytes bytes = {0};

    eb_payload_function(&p, "target_function", TP_FUNCTION_SIZE);
    if (modinfo != NULL) {
        eb_section(p.b, ".modinfo", HP_SHT_PROGBITS, HP_SHF_ALLOC, 1, modinfo, modinfo_size);
    }
    bytes.data = eb_payload_finish(&p, &bytes.size);
    return bytes;
}

static void sign_with(struct sg_bytes *file, const struct sg_key *key)
{
    uint8_t signature[512];
    const struct sg_xendoc form = {.signature = signature,
                                   .signature_size =
                                       sg_sign(key, "SHA256", file->data, file->size, signature),
                                   .key_id = key->id,
                                   .key_id_size = sizeof(key->id),
                                   .signer = "who\x1b",
                                   .signer_size = 4};

    sg_add_xendoc(file, &form);
}

enum kind { UNSIGNED, GOOD, GOOD_CMS, BAD, UNKNOWN, JUNK, ALMOST, MALFORMED, TRUNCATED, KINDS };

static struct sg_bytes make(enum kind kind)
{
    struct sg_bytes file = build(NULL, 0, NULL);

    switch (kind) {
    case GOOD:
    case BAD:
    case MALFORMED:
    case TRUNCATED:
        sign_with(&file, &signer);
        break;
    case GOOD_CMS: {
        uint8_t signature[512];
        struct sg_cms cms = {.key = &signer, .hash = "SHA384", .signature = signature};
        struct sg_bytes der = {0};

        cms.signature_size = sg_sign(&signer, "SHA384", file.data, file.size, signature);
        sg_add_cms(&der, &cms);
        sg_add_linux(&file, der.data, der.size, NULL);
        sg_drop(&der);
        break;
    }
    case UNKNOWN:
        sign_with(&file, &stranger);
        break;
    case JUNK:
        sg_add(&file, "junk", 4);
        break;
    case ALMOST:
        sg_add(&file, sg_marker, 27);
        break;
    default:
        break;
    }
    if (kind == BAD) {
        file.data[file.size - 100] ^= 4;
    } else if (kind == MALFORMED) {
        sg_add_byte(&file, 0);
    } else if (kind == TRUNCATED) {
        file.size--;
    }
    return file;
}

/* ---- what a policy lets through ------------------------------------------------------------ */

/* The verdict on a file by all three ways in, which must agree. */
static enum hp_status try_all(const struct sg_bytes *file, const struct hp_keyring *keys,
                              const struct hp_signature_policy *policy,
                              const struct hp_profile *profile, struct hp_signature_result *who)
{
    const struct hp_manager_options options = {
        .size = sizeof(options), .profile = profile, .keyring = keys, .policy = policy};
    const struct hp_load_options load = {
        .size = sizeof(load), .profile = profile, .keyring = keys, .policy = policy};
    const struct hp_validate_options validate = {
        .size = sizeof(validate), .profile = profile, .keyring = keys, .policy = policy};
    struct hp_port *port = tp_new();
    struct hp_manager manager;
    struct hp_payload payload;
    struct hp_payload_info info;
    struct hp_verdict verdict;
    struct hp_diag diag;
    struct hp_diag other;
    uint8_t *copy = malloc(file->size);
    enum hp_status status;

    assert_non_null(copy);
    memcpy(copy, file->data, file->size);
    assert_int_equal(hp_manager_init(&manager, port, &options), HP_OK);
    hp_diag_init(&diag);
    status = hp_manager_upload(&manager, "name", file->data, file->size, &diag);
    assert_int_equal(diag.status, status);
    assert_int_equal(hp_manager_get(&manager, "name", &info),
                     status == HP_OK ? HP_OK : HP_PAYLOAD_UNKNOWN);
    assert_int_equal(manager.loaded_count, status == HP_OK ? 1 : 0);
    if (status == HP_OK) {
        *who = info.payload->signature;
        assert_true(info.payload->has_signature == (who->status == HP_OK));
    }
    assert_int_equal(hp_manager_close(&manager), HP_OK);

    assert_int_equal(tp_load_file(port, copy, file->size, &load, &payload, &other), status);
    hp_payload_unload(&payload);
    assert_true(other.offset == diag.offset && other.stage == diag.stage);
    hp_diag_init(&other);
    assert_int_equal(hp_validate(port, file->data, file->size, &validate, &verdict, &other),
                     status);
    if (status == HP_OK) {
        assert_memory_equal(&verdict.signature, who, sizeof(*who));
    }
    *who = verdict.signature;
    tp_free(port);
    return status;
}

static void test_policy_of_a_load(void **state)
{
    static const struct hp_signature_policy required = {.size = sizeof(required),
                                                        .require_signature = true};
    static const struct hp_signature_policy lax = {.size = sizeof(lax)};
    static const struct {
        enum kind kind;
        enum hp_status without; /* not required, with a key ring */
        enum hp_status with;    /* required, with a key ring */
        enum hp_status keyless; /* not required, no key ring */
        enum hp_status both;    /* required, no key ring */
    } rows[] = {
        {UNSIGNED, HP_OK, HP_UNSIGNED, HP_OK, HP_UNSIGNED},
        {GOOD, HP_OK, HP_OK, HP_KEY_UNKNOWN, HP_KEY_UNKNOWN},
        {GOOD_CMS, HP_OK, HP_OK, HP_KEY_UNKNOWN, HP_KEY_UNKNOWN},
        {BAD, HP_SIGNATURE_BAD, HP_SIGNATURE_BAD, HP_KEY_UNKNOWN, HP_KEY_UNKNOWN},
        {UNKNOWN, HP_KEY_UNKNOWN, HP_KEY_UNKNOWN, HP_KEY_UNKNOWN, HP_KEY_UNKNOWN},
        {JUNK, HP_TRAILING_BYTES, HP_SIGNATURE_MALFORMED, HP_TRAILING_BYTES,
         HP_SIGNATURE_MALFORMED},
        {ALMOST, HP_TRAILING_BYTES, HP_UNSIGNED, HP_TRAILING_BYTES, HP_UNSIGNED},
        {MALFORMED, HP_SIGNATURE_MALFORMED, HP_SIGNATURE_MALFORMED, HP_SIGNATURE_MALFORMED,
         HP_SIGNATURE_MALFORMED},
        {TRUNCATED, HP_SIGNATURE_TRUNCATED, HP_SIGNATURE_TRUNCATED, HP_SIGNATURE_TRUNCATED,
         HP_SIGNATURE_TRUNCATED},
    };
    size_t n;

    (void)state;
    assert_int_equal(COUNT(rows), KINDS);
    for (n = 0; n < COUNT(rows); n++) {
        struct sg_bytes file = make(rows[n].kind);
        struct hp_signature_result who;

        assert_int_equal(try_all(&file, &ring, NULL, NULL, &who), rows[n].without);
        assert_int_equal(try_all(&file, &ring, &lax, NULL, &who), rows[n].without);
        assert_int_equal(try_all(&file, NULL, NULL, NULL, &who), rows[n].keyless);
        assert_int_equal(try_all(&file, NULL, &required, NULL, &who), rows[n].both);
        assert_int_equal(try_all(&file, &ring, &required, NULL, &who), rows[n].with);
        assert_int_equal(hp_status_errno(rows[n].with),
                         rows[n].with == HP_OK ? 0
                         : rows[n].with == HP_UNSIGNED || rows[n].with == HP_KEY_UNKNOWN
                             ? HP_ERRNO_EACCES
                             : HP_ERRNO_EBADMSG);
        if (rows[n].with == HP_OK) {
            assert_int_equal(who.status, HP_OK);
            assert_int_equal(who.hash, rows[n].kind == GOOD ? HP_HASH_SHA256 : HP_HASH_SHA384);
            assert_string_equal(who.signer, rows[n].kind == GOOD ? "who\\x1b" : "");
        } else {
            assert_int_not_equal(who.status, HP_OK);
            assert_true(who.hash == HP_HASH_NONE && who.signer[0] == '\0');
        }
        sg_drop(&file);
    }
}

/* A verdict without keys leaves the key open, and nothing else; not where one is required. */
static void test_undecided(void **state)
{
    static const struct hp_signature_policy required = {.size = sizeof(required),
                                                        .require_signature = true};
    struct hp_validate_options options = {.size = sizeof(options), .allow_undecided = true};
    struct hp_port *port = tp_new();
    struct hp_verdict verdict;
    unsigned int kind;

    (void)state;
    for (kind = GOOD; kind <= UNKNOWN; kind++) {
        struct sg_bytes file = make((enum kind)kind);

        options.policy = NULL;
        options.keyring = NULL;
        assert_int_equal(hp_validate(port, file.data, file.size, &options, &verdict, NULL), HP_OK);
        assert_true(verdict.undecided.signature);
        assert_int_equal(verdict.signature.status, HP_KEY_UNKNOWN);
        options.policy = &required;
        assert_int_equal(hp_validate(port, file.data, file.size, &options, &verdict, NULL),
                         HP_KEY_UNKNOWN);
        /* With keys it is decided. */
        options.keyring = &ring;
        options.policy = NULL;
        assert_int_equal(hp_validate(port, file.data, file.size, &options, &verdict, NULL),
                         kind == BAD       ? HP_SIGNATURE_BAD
                         : kind == UNKNOWN ? HP_KEY_UNKNOWN
                                           : HP_OK);
        assert_false(verdict.undecided.signature);
        sg_drop(&file);
    }
    tp_free(port);
}

/* A profile names the algorithms that its hypervisor has. */
static void test_profile(void **state)
{
    struct hp_profile profile = hp_profile_default;
    struct hp_load_options options = {
        .size = sizeof(options), .profile = &profile, .keyring = &ring};
    struct sg_bytes file = make(GOOD);
    struct hp_port *port = tp_new();
    struct hp_signature_result who;
    struct hp_payload payload;
    struct hp_diag diag;

    (void)state;
    profile.name = "curves";
    profile.signature_algorithms = HP_ALLOW(HP_KEY_RSA_PKCS1);
    assert_int_equal(try_all(&file, &ring, NULL, &profile, &who), HP_OK);
    profile.signature_algorithms = HP_ALLOW(HP_KEY_ECDSA_P256) | HP_ALLOW(HP_KEY_ECDSA_P384);
    assert_int_equal(try_all(&file, &ring, NULL, &profile, &who), HP_SIGNATURE_POLICY);
    assert_true(who.status == HP_SIGNATURE_POLICY && who.hash == HP_HASH_NONE);
    assert_int_equal(tp_load_file(port, file.data, file.size, &options, &payload, &diag),
                     HP_SIGNATURE_POLICY);
    assert_string_equal(diag.profile, "curves");
    tp_free(port);
}

/* Of a payload that is not verified nothing is interpreted but where its ELF file ends. */
static void test_nothing_before(void **state)
{
    unsigned int field;

    (void)state;
    for (field = 0; field < 4; field++) {
        static const enum eb_header_field fields[] = {EB_EH_TYPE, EB_EH_MACHINE, EB_EH_PHNUM,
                                                      EB_EH_SHSTRNDX};
        static const enum hp_status wanted[] = {HP_ELF_TYPE, HP_ELF_MACHINE, HP_ELF_PHNUM,
                                                HP_ELF_SHSTRNDX};
        struct sg_bytes file = build(NULL, 0, NULL);
        struct hp_signature_result who;

        eb_set_header(file.data, fields[field], 9999);
        sign_with(&file, &signer);
        assert_int_equal(try_all(&file, &ring, NULL, NULL, &who), wanted[field]);
        assert_int_equal(who.status, HP_OK);
        file.data[file.size - 200] ^= 1;
        assert_int_equal(try_all(&file, &ring, NULL, NULL, &who), HP_SIGNATURE_BAD);
        sg_drop(&file);
    }
}

static void test_options(void **state)
{
    const struct hp_signature_policy wrong = {.size = sizeof(wrong) - 1};
    const struct hp_manager_options options = {.size = sizeof(options), .policy = &wrong};
    const struct hp_load_options load = {.size = sizeof(load), .policy = &wrong};
    struct sg_bytes file = make(UNSIGNED);
    struct hp_port *port = tp_new();
    struct hp_manager manager;
    struct hp_payload payload;
    struct hp_diag diag;

    (void)state;
    assert_int_equal(hp_manager_init(&manager, port, &options), HP_INVALID_ARGUMENT);
    assert_int_equal(tp_load_file(port, file.data, file.size, &load, &payload, &diag),
                     HP_INVALID_ARGUMENT);
    tp_free(port);
}

/* ---- version and target -------------------------------------------------------------------- */

#define INFO(text) text, sizeof(text)

static void test_rollback(void **state)
{
    static const struct {
        const char *modinfo; /* its terminating NUL included */
        size_t size;
        uint64_t min;
        enum hp_status status;
    } rows[] = {
        {NULL, 0, 0, HP_OK},
        {NULL, 0, 1, HP_ROLLBACK},
        {INFO("hotpatch_version=7"), 0, HP_OK},
        {INFO("hotpatch_version=7"), 7, HP_OK},
        {INFO("hotpatch_version=7"), 8, HP_ROLLBACK},
        {INFO("author=me\0hotpatch_version=0012\0license=none"), 12, HP_OK},
        {INFO("author=me\0hotpatch_version=0012\0license=none"), 13, HP_ROLLBACK},
        {INFO("hotpatch_version=18446744073709551615"), UINT64_MAX, HP_OK},
        {INFO("hotpatch_version=18446744073709551614"), UINT64_MAX, HP_ROLLBACK},
        {INFO("hotpatch_version=18446744073709551616"), 0, HP_VERSION},
        {INFO("hotpatch_version=18446744073709551620"), 0, HP_VERSION},
        {INFO("hotpatch_version=99999999999999999999999"), 0, HP_VERSION},
        {INFO("hotpatch_version="), 0, HP_VERSION},
        {INFO("hotpatch_version=-1"), 0, HP_VERSION},
        {INFO("hotpatch_version= 1"), 0, HP_VERSION},
        {INFO("hotpatch_version=0x9"), 0, HP_VERSION},
        {INFO("hotpatch_version=9 "), 0, HP_VERSION},
        {INFO("hotpatch_version=9\0hotpatch_version=9"), 9, HP_VERSION},
        {INFO("hotpatch_version=9\0hotpatch_version=1"), 9, HP_VERSION},
        {INFO("hotpatch_versions=9"), 9, HP_ROLLBACK},
        {INFO("xhotpatch_version=9"), 9, HP_ROLLBACK},
        {INFO("hotpatch_version"), 9, HP_ROLLBACK},
    };
    size_t n;
    unsigned int is_signed;

    (void)state;
    for (n = 0; n < COUNT(rows); n++) {
        for (is_signed = 0; is_signed < 2; is_signed++) {
            const struct hp_signature_policy policy = {.size = sizeof(policy),
                                                       .version_min = rows[n].min,
                                                       .require_signature = is_signed != 0};
            struct sg_bytes file = build(rows[n].modinfo, rows[n].size, NULL);
            struct hp_signature_result who;

            if (is_signed) {
                sign_with(&file, &signer);
            }
            assert_int_equal(try_all(&file, &ring, &policy, NULL, &who), rows[n].status);
            sg_drop(&file);
        }
    }
}

static void test_rollback_is_explained(void **state)
{
    const struct hp_signature_policy policy = {.size = sizeof(policy), .version_min = 20};
    const struct hp_load_options options = {
        .size = sizeof(options), .keyring = &ring, .policy = &policy};
    struct sg_bytes file = build(INFO("hotpatch_version=12"), NULL);
    struct hp_port *port = tp_new();
    struct hp_payload payload;
    struct hp_diag diag;
    char line[512];

    (void)state;
    assert_int_equal(tp_load_file(port, file.data, file.size, &options, &payload, &diag),
                     HP_ROLLBACK);
    assert_int_equal(diag.stage, HP_STAGE_IDENTITY);
    assert_true(diag.expected == 20 && diag.actual == 12);
    assert_string_equal(diag.section_name, ".modinfo");
    (void)hp_diag_format(&diag, line, sizeof(line));
    assert_non_null(strstr(line, "limit 20, found 12"));
    assert_int_equal(hp_status_errno(HP_ROLLBACK), HP_ERRNO_EACCES);
    tp_free(port);
}

/* A good signature on a payload for another build does not make it one for this. */
static void test_target_binding(void **state)
{
    static const uint8_t other[20] = {1};
    struct sg_bytes file = build(NULL, 0, other);
    struct hp_signature_result who;

    (void)state;
    sign_with(&file, &signer);
    assert_int_equal(try_all(&file, &ring, NULL, NULL, &who), HP_TARGET_BUILD_ID);
    sg_drop(&file);
}

/* ---- what others change meanwhile ---------------------------------------------------------- */

static struct sg_bytes shared;  /* the caller's buffer */
static struct sg_bytes instead; /* what is put in its place */
static unsigned int changes;

static void replace(void)
{
    memcpy(shared.data, instead.data, shared.size);
    changes++;
}

static const struct hp_manager_options strict = {
    .size = sizeof(strict),
    .keyring = &ring,
    .policy = &(const struct hp_signature_policy){.size = sizeof(struct hp_signature_policy),
                                                  .require_signature = true}};

/* The value that the payload's new function returns, in the loaded image. */
static uint8_t loaded_value(struct hp_manager *manager, const char *name, size_t at)
{
    struct hp_payload_info info;

    assert_int_equal(hp_manager_get(manager, name, &info), HP_OK);
    return info.payload->image.memory.host[at];
}

/* Where in a file, and in its image, a byte lies that only the text section holds. */
static void find_text(const uint8_t *file, size_t *in_file, size_t *in_image)
{
    const uint32_t text = eb_find(file, ".text");
    struct hp_port *port = tp_new();
    struct hp_payload payload;
    struct hp_diag diag;
    size_t size = 0;
    uint8_t *copy;

    assert_int_equal(hp_elf_extent(file, shared.size, &size, NULL), HP_OK);
    copy = malloc(size);
    assert_non_null(copy);
    memcpy(copy, file, size);
    *in_file = (size_t)eb_get_section(file, text, EB_SH_OFFSET) + 1;
    assert_int_equal(tp_load_file(port, copy, size, NULL, &payload, &diag), HP_OK);
    *in_image = tp_place(&payload, text)->offset + 1;
    hp_payload_unload(&payload);
    tp_free(port);
}

static void test_change_meanwhile(void **state)
{
    unsigned int when;

    (void)state;
    for (when = 0; when < 4; when++) {
        struct hp_port *port = tp_new();
        struct hp_manager manager;
        size_t in_file;
        size_t in_image;
        uint8_t good;

        shared = make(GOOD);
        instead = make(GOOD);
        find_text(shared.data, &in_file, &in_image);
        good = shared.data[in_file];
        /* Good bytes that become evil, and evil ones that become good. */
        (when < 2 ? instead : shared).data[in_file] ^= 0x55;
        assert_int_equal(hp_manager_init(&manager, port, &strict), HP_OK);
        during_digest = when % 2 == 0 ? replace : NULL;
        during_verify = when % 2 != 0 ? replace : NULL;
        changes = 0;
        assert_int_equal(hp_manager_upload(&manager, "name", shared.data, shared.size, NULL),
                         when < 2 ? HP_OK : HP_SIGNATURE_BAD);
        assert_int_equal(changes, 1);
        during_digest = NULL;
        during_verify = NULL;
        if (when < 2) {
            assert_int_equal(loaded_value(&manager, "name", in_image), good);
            memset(shared.data, 0, shared.size);
            assert_int_equal(loaded_value(&manager, "name", in_image), good);
        }
        assert_int_equal(hp_manager_close(&manager), HP_OK);
        tp_free(port);
        sg_drop(&shared);
        sg_drop(&instead);
    }
}

#if !defined(__SANITIZE_THREAD__)

static size_t race_at;
static uint8_t race_mask;
static bool race_end;

/* Changes one byte of the caller's buffer there and back for as long as the test runs. */
static void *race(void *unused)
{
    volatile uint8_t *byte = shared.data + race_at;

    while (!__atomic_load_n(&race_end, __ATOMIC_RELAXED)) {
        *byte = (uint8_t)(*byte ^ race_mask);
    }
    return unused;
}

/* Whatever the moment, what is loaded is what was signed. */
static void test_race(void **state)
{
    enum { ROUNDS = 400 };
    struct hp_port *port = tp_new();
    struct hp_manager manager;
    pthread_t thread;
    unsigned int accepted = 0;
    unsigned int refused = 0;
    unsigned int round;
    size_t in_image;
    uint8_t good;

    (void)state;
    shared = make(GOOD);
    find_text(shared.data, &race_at, &in_image);
    good = shared.data[race_at];
    race_mask = 0x55;
    race_end = false;
    assert_int_equal(hp_manager_init(&manager, port, &strict), HP_OK);
    assert_int_equal(pthread_create(&thread, NULL, race, NULL), 0);
    /* Until both have been seen: on one CPU the thread does not run in every round. */
    for (round = 0; round < ROUNDS || accepted == 0 || refused == 0; round++) {
        const enum hp_status status =
            hp_manager_upload(&manager, "name", shared.data, shared.size, NULL);

        if (status == HP_OK) {
            assert_int_equal(loaded_value(&manager, "name", in_image), good);
            assert_int_equal(hp_manager_unload(&manager, "name", NULL), HP_OK);
            accepted++;
        } else {
            assert_int_equal(status, HP_SIGNATURE_BAD);
            refused++;
        }
    }
    __atomic_store_n(&race_end, true, __ATOMIC_RELAXED);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(hp_manager_close(&manager), HP_OK);
    tp_free(port);
    sg_drop(&shared);
}

#endif

/* No order of calls gets an unsigned payload past a manager that requires a signature. */
static void test_no_way_around(void **state)
{
    struct sg_bytes good = make(GOOD);
    struct sg_bytes none = make(UNSIGNED);
    struct sg_bytes bad = make(BAD);
    struct hp_port *port = tp_new();
    struct hp_manager manager;
    struct hp_payload_info info;

    (void)state;
    assert_int_equal(hp_manager_init(&manager, port, &strict), HP_OK);
    assert_int_equal(hp_manager_upload(&manager, "a", none.data, none.size, NULL), HP_UNSIGNED);
    assert_int_equal(hp_manager_upload_private(&manager, "a", none.data, none.size, NULL),
                     HP_UNSIGNED);
    assert_int_equal(hp_manager_upload_private(&manager, "a", bad.data, bad.size, NULL),
                     HP_SIGNATURE_BAD);
    assert_int_equal(hp_manager_apply(&manager, "a", NULL, NULL), HP_PAYLOAD_UNKNOWN);
    assert_int_equal(hp_manager_upload(&manager, "a", good.data, good.size, NULL), HP_OK);
    /* A name that is taken, and one that is free again, do not stand for another payload. */
    assert_int_equal(hp_manager_upload(&manager, "a", none.data, none.size, NULL),
                     HP_PAYLOAD_EXISTS);
    assert_int_equal(hp_manager_unload(&manager, "a", NULL), HP_OK);
    assert_int_equal(hp_manager_upload(&manager, "a", none.data, none.size, NULL), HP_UNSIGNED);
    assert_int_equal(hp_manager_replace(&manager, "a", NULL, NULL), HP_PAYLOAD_UNKNOWN);
    assert_int_equal(hp_manager_upload(&manager, "a", good.data, good.size, NULL), HP_OK);
    assert_int_equal(hp_manager_apply(&manager, "a", NULL, NULL), HP_OK);
    hp_safe_point(&manager.safepoint);
    assert_int_equal(hp_manager_get(&manager, "a", &info), HP_OK);
    assert_int_equal(info.state, HP_STATE_APPLIED);
    /* Nor does one that is applied already vouch for those that stack on it. */
    assert_int_equal(hp_manager_upload(&manager, "b", none.data, none.size, NULL), HP_UNSIGNED);
    assert_int_equal(hp_manager_revert(&manager, "a", NULL, NULL), HP_OK);
    hp_safe_point(&manager.safepoint);
    assert_int_equal(hp_manager_close(&manager), HP_OK);
    tp_free(port);
    sg_drop(&good);
    sg_drop(&none);
    sg_drop(&bad);
}

/* ---- the port ------------------------------------------------------------------------------ */

/* Every fallible call of the load of a signed payload fails once; what fails is what is told. */
static void test_faults(void **state)
{
    const struct hp_load_options options = {.size = sizeof(options), .keyring = &ring};
    struct hp_port *port = tp_new();
    enum hp_status status = HP_NO_MEMORY;
    uint32_t at;

    (void)state;
    for (at = 1; status != HP_OK; at++) {
        struct sg_bytes file = make(GOOD);
        struct hp_payload payload;
        struct hp_diag diag;

        port->calls = 0;
        port->fail_at = at;
        port->failed = HP_OK;
        status = tp_load_file(port, file.data, file.size, &options, &payload, &diag);
        assert_int_equal(status, port->failed);
        assert_true(at != 1 || diag.stage == HP_STAGE_SIGNATURE);
        hp_payload_unload(&payload);
    }
    assert_true(at > 4);
    tp_free(port);
}

/* What a backend cannot do is the load's answer; and the payload is read for one digest alone. */
static void test_backend_refuses(void **state)
{
    struct sg_bytes file = make(GOOD);
    struct hp_signature_result who;

    (void)state;
    digest_answer = HP_SIGNATURE_UNSUPPORTED;
    assert_int_equal(try_all(&file, &ring, NULL, NULL, &who), HP_SIGNATURE_UNSUPPORTED);
    digest_answer = HP_OK;
    digest_calls = 0;
    assert_int_equal(try_all(&file, &ring, NULL, NULL, &who), HP_OK);
    assert_int_equal(digest_calls, 3); /* once each way */
    sg_drop(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_policy_of_a_load),
        cmocka_unit_test(test_undecided),
        cmocka_unit_test(test_profile),
        cmocka_unit_test(test_nothing_before),
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_rollback),
        cmocka_unit_test(test_rollback_is_explained),
        cmocka_unit_test(test_target_binding),
        cmocka_unit_test(test_change_meanwhile),
#if !defined(__SANITIZE_THREAD__)
        cmocka_unit_test(test_race),
#endif
        cmocka_unit_test(test_no_way_around),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_backend_refuses),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
