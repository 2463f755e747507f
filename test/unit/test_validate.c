/* SPDX-License-Identifier: BSD-2-Clause */
/* links: test_port */
/* The verdict, and judging without a target or with one that is only partly known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "test_port.h"

#define R_64       1u
#define R_PC32     2u
#define R_GOTPCREL 9u

static const uint8_t target_id[20] = {0xe0, 0xe1, 0xe2, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9,
                                      0xea, 0xeb, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf2, 0xf3};

/* A payload that stacks on what is named; it has nothing in it yet. */
static struct eb_payload stacked(uint8_t id, const uint8_t *depends, size_t depends_size)
{
    const struct eb_ids ids = {.build_id = &id,
                               .build_id_size = 1,
                               .depends = depends,
                               .depends_size = depends_size,
                               .xen_depends = target_id,
                               .xen_depends_size = sizeof(target_id)};

    return eb_payload_new(true, HP_EM_X86_64, &ids);
}

/* Judges a payload, frees its file, and checks what holds of every verdict. */
static enum hp_status judge(struct hp_port *port, struct eb_payload *p,
                            const struct hp_validate_options *options, struct hp_verdict *verdict,
                            struct hp_diag *diag)
{
    const uint32_t live = port->live;
    size_t size;
    uint8_t *file = eb_payload_finish(p, &size);
    enum hp_status status;

    memset(verdict, 0xa5, sizeof(*verdict));
    hp_diag_init(diag);
    status = hp_validate(port, file, size, options, verdict, diag);
    assert_int_equal(verdict->status, status);
    assert_int_equal(diag->status, status);
    assert_int_equal(port->live, live);
    assert_int_equal(hp_validate(port, file, size, options, NULL, NULL), status);
    free(file);
    return status;
}

static void assert_decided(const struct hp_undecided *undecided)
{
    assert_false(undecided->signature);
    assert_false(undecided->target);
    assert_int_equal(undecided->symbols, 0);
    assert_int_equal(undecided->relocations, 0);
    assert_int_equal(undecided->records, 0);
    assert_int_equal(undecided->expectations, 0);
    assert_int_equal(undecided->writes, 0);
}

/* ---- with a target ------------------------------------------------------------------------- */

static void test_accepted(void **state)
{
    const struct hp_validate_options options = {.size = sizeof(options)};
    struct hp_port *port = tp_new();
    struct hp_verdict verdict;
    struct hp_diag diag;
    unsigned n;

    (void)state;
    for (n = 0; n < 2; n++) {
        struct eb_payload p = stacked(1, target_id, sizeof(target_id));
        struct eb_record nop = {.old_addr = TP_TEXT, .new_size = 5, .old_size = 9};

        eb_payload_function(&p, "target_function", TP_FUNCTION_SIZE);
        eb_payload_record(&p, &nop);
        assert_int_equal(judge(port, &p, n == 0 ? NULL : &options, &verdict, &diag), HP_OK);
        assert_int_equal(verdict.records, 2);
        assert_int_equal(verdict.writes, 2);
        assert_int_equal(verdict.image_size, 3 * TP_PAGE);
        assert_decided(&verdict.undecided);
    }
    tp_free(port);
}

static void test_arguments(void **state)
{
    const struct hp_validate_options options = {.size = sizeof(options) + 1};
    struct hp_port *port = tp_new();
    struct hp_verdict verdict;
    struct hp_diag diag;

    (void)state;
    hp_diag_init(&diag);
    memset(&verdict, 0xa5, sizeof(verdict));
    assert_int_equal(hp_validate(port, "", 0, &options, &verdict, &diag), HP_INVALID_ARGUMENT);
    assert_int_equal(verdict.status, HP_INVALID_ARGUMENT);
    assert_int_equal(verdict.image_size, 0);
    assert_int_equal(diag.stage, HP_STAGE_CALL);
    assert_int_equal(hp_validate(port, NULL, 1, NULL, &verdict, NULL), HP_INVALID_ARGUMENT);
    assert_int_equal(verdict.status, HP_INVALID_ARGUMENT);
    assert_int_equal(hp_validate(port, NULL, 0, NULL, &verdict, NULL), HP_FILE_EMPTY);
    assert_int_equal(verdict.status, HP_FILE_EMPTY);
    tp_free(port);
}

/* Refused by the load, by the stacking, by the plan: each is told with its place. */
static void test_refused(void **state)
{
    struct hp_port *port = tp_new();
    struct eb_payload p = stacked(1, target_id, sizeof(target_id));
    struct hp_verdict verdict;
    struct hp_diag diag;

    (void)state;
    eb_payload_function(&p, "nowhere", 64);
    assert_int_equal(judge(port, &p, NULL, &verdict, &diag), HP_RECORD_TARGET);
    assert_int_equal(diag.stage, HP_STAGE_RECORDS);
    assert_string_equal(diag.name, "nowhere");
    assert_int_equal(verdict.records, 0);
    assert_int_equal(verdict.image_size, 0);

    p = stacked(1, (const uint8_t *)"below", 5);
    eb_payload_function(&p, "target_function", 64);
    assert_int_equal(judge(port, &p, NULL, &verdict, &diag), HP_DEPENDS_BUILD_ID);
    assert_int_equal(diag.stage, HP_STAGE_PLAN);
    assert_string_equal(diag.section_name, ".livepatch.depends");
    assert_int_equal(verdict.records, 1);
    assert_int_equal(verdict.writes, 0);

    p = stacked(1, target_id, sizeof(target_id));
    eb_payload_function(&p, "target_function+60", 5);
    assert_int_equal(judge(port, &p, NULL, &verdict, &diag), HP_PATCH_PAST_FUNCTION);
    assert_int_equal(diag.stage, HP_STAGE_PLAN);
    assert_int_equal(diag.record, 0);
    assert_string_equal(diag.name, "target_function+60");
    assert_int_equal(verdict.writes, 0);
    tp_free(port);
}

/* On top of a payload: its build-id, its symbols and its writes all count. */
static void test_applied(void **state)
{
    static const uint8_t one = 1;
    struct hp_port *port = tp_new();
    struct hp_payload first;
    const struct hp_payload *const applied[] = {&first};
    const struct hp_validate_options options = {
        .size = sizeof(options), .applied = applied, .applied_count = 1};
    struct eb_record record = {
        .name = "target_function", .old_size = 64, .expect_control = 3, .expect = {0xcc}};
    struct eb_payload p = stacked(1, target_id, sizeof(target_id));
    struct hp_verdict verdict;
    struct hp_diag diag;

    (void)state;
    eb_payload_function(&p, "target_function", 64);
    eb_append(p.b, p.text, 1, NULL, 16);
    eb_symbol(p.b, "service", HP_STB_GLOBAL, HP_STT_FUNC, p.text, 16, 16);
    assert_int_equal(tp_load(port, &p, NULL, &first, &diag), HP_OK);
    assert_int_equal(hp_plan_capture(&first, NULL, 0, &diag), HP_OK);
    port->image_addr += 0x10000;

    p = stacked(2, &one, 1);
    eb_payload_function(&p, "service", 16);
    assert_int_equal(judge(port, &p, &options, &verdict, &diag), HP_OK);
    p = stacked(2, target_id, sizeof(target_id));
    eb_payload_function(&p, "service", 16);
    assert_int_equal(judge(port, &p, &options, &verdict, &diag), HP_DEPENDS_BUILD_ID);
    p = stacked(1, &one, 1);
    eb_payload_function(&p, "target_function", 16);
    assert_int_equal(judge(port, &p, &options, &verdict, &diag), HP_BUILD_ID_EXISTS);
    p = stacked(2, &one, 1);
    record.new_symbol = eb_payload_function(&p, "target_function+16", 16);
    eb_payload_record(&p, &record);
    assert_int_equal(judge(port, &p, &options, &verdict, &diag), HP_EXPECT_MISMATCH);
    assert_int_equal(diag.record, 1);
    assert_int_equal(diag.actual, 0xe9);
    p = stacked(2, &one, 1);
    record.expect[0] = 0xe9;
    record.new_symbol = eb_payload_function(&p, "target_function+16", 16);
    eb_payload_record(&p, &record);
    assert_int_equal(judge(port, &p, &options, &verdict, &diag), HP_OK);
    assert_int_equal(verdict.writes, 2);
    hp_payload_unload(&first);
    tp_free(port);
}

static void test_profile(void **state)
{
    const struct hp_validate_options options = {.size = sizeof(options),
                                                .profile = &hp_profile_xen_4_17};
    struct hp_port *port = tp_new();
    struct eb_payload p = stacked(1, target_id, sizeof(target_id));
    struct hp_verdict verdict;
    struct hp_diag diag;

    (void)state;
    p.version = 1;
    eb_payload_function(&p, "target_function", 64);
    assert_int_equal(judge(port, &p, &options, &verdict, &diag), HP_RECORD_VERSION);
    assert_string_equal(diag.profile, "xen-4.17");
    tp_free(port);
}

/* Bytes that are rewritten at boot: refused as undecided, or accepted and counted. */
static void test_uncertain_bytes(void **state)
{
    const struct hp_validate_options allow = {.size = sizeof(allow), .allow_undecided = true};
    struct hp_port *port = tp_new();
    const struct eb_record records[] = {
        {.name = "target_function", .old_size = 64},
        {.name = "target_function+32", .old_size = 9, .expect_control = 3, .expect = {1}},
    };
    struct hp_verdict verdict;
    struct hp_diag diag;
    unsigned n;

    (void)state;
    tp_add_range(port, TP_FUNCTION, NULL, 64, TP_UNCERTAIN);
    for (n = 0; n < 2; n++) {
        struct eb_payload p = stacked(1, target_id, sizeof(target_id));
        struct eb_record record = records[n];

        p.text_only = true;
        record.new_symbol = eb_payload_function(&p, "f", 1);
        eb_payload_record(&p, &record);
        assert_int_equal(judge(port, &p, NULL, &verdict, &diag), HP_UNDECIDED);
        assert_int_equal(diag.stage, HP_STAGE_PLAN);
        p = stacked(1, target_id, sizeof(target_id));
        p.text_only = true;
        record.new_symbol = eb_payload_function(&p, "f", 1);
        eb_payload_record(&p, &record);
        assert_int_equal(judge(port, &p, &allow, &verdict, &diag), HP_OK);
        assert_int_equal(verdict.undecided.writes, 1);
        assert_int_equal(verdict.undecided.expectations, n);
        assert_false(verdict.undecided.target);
    }
    tp_free(port);
}

static void test_signed(void **state)
{
    static const uint8_t tail[28 + 12 + 256 + 4] =
        "~Module signature appended~\n\1\4\1\0\4\0\0\0\0\0\1";
    const struct hp_validate_options allow = {.size = sizeof(allow), .allow_undecided = true};
    struct hp_port *port = tp_new();
    struct hp_verdict verdict;
    struct hp_diag diag;
    size_t size;
    struct eb_payload p = stacked(1, target_id, sizeof(target_id));
    uint8_t *file;

    (void)state;
    eb_payload_function(&p, "target_function", 64);
    file = eb_payload_finish(&p, &size);
    file = realloc(file, size + sizeof(tail));
    assert_non_null(file);
    memcpy(file + size, tail, sizeof(tail));
    size += sizeof(tail);
    hp_diag_init(&diag);
    assert_int_equal(hp_validate(port, file, size, NULL, &verdict, &diag), HP_KEY_UNKNOWN);
    assert_int_equal(verdict.signature.status, HP_KEY_UNKNOWN);
    assert_int_equal(verdict.signature.format, HP_SIGNATURE_XENDOC);
    assert_int_equal(hp_validate(port, file, size, &allow, &verdict, NULL), HP_OK);
    assert_int_equal(verdict.signature.status, HP_KEY_UNKNOWN);
    assert_true(verdict.undecided.signature);
    free(file);
    tp_free(port);
}

/* ---- without a target ---------------------------------------------------------------------- */

static struct hp_port *no_target(void)
{
    struct hp_port *port = tp_new();

    port->no_target = true;
    return port;
}

/* Everything that a payload may ask of a target, once. */
static struct eb_payload asking(uint32_t *section, uint32_t *own)
{
    static const uint8_t other[3] = {9, 9, 9};
    struct eb_payload p = stacked(1, other, sizeof(other));
    struct eb_record by_addr = {.old_addr = TP_TEXT, .old_size = 9};
    struct eb_record relocated = {.old_size = 9, .expect_control = 3};
    uint32_t strong = eb_undefined(p.b, "strong");
    uint32_t weak = eb_symbol(p.b, "weak", HP_STB_WEAK, HP_STT_NOTYPE, EB_UNDEF, 0, 0);
    uint32_t code;

    eb_undefined(p.b, "not_referred_to");
    code = eb_payload_function(&p, "by_name", 64);
    by_addr.new_symbol = code;
    relocated.new_symbol = code;
    eb_payload_record(&p, &by_addr);
    eb_rela(p.b, p.funcs, eb_record_offset(&p, eb_payload_record(&p, &relocated)) + 16, R_64,
            strong, 0);
    *section = eb_section(p.b, ".rodata.v", HP_SHT_PROGBITS, HP_SHF_ALLOC, 8, NULL, 64);
    *own = eb_symbol(p.b, "own", HP_STB_GLOBAL, HP_STT_OBJECT, *section, 8, 8);
    eb_rela(p.b, *section, 0, R_64, strong, 0);
    eb_rela(p.b, *section, 8, R_PC32, weak, 0);
    eb_rela(p.b, *section, 12, R_GOTPCREL, strong, 0);
    eb_rela(p.b, *section, 16, R_64, *own, 0);
    eb_rela(p.b, *section, 24, R_GOTPCREL, *own, 0);
    return p;
}

static void test_no_target_refused(void **state)
{
    struct hp_port *port = no_target();
    struct hp_verdict verdict;
    struct hp_diag diag;
    uint32_t section;
    uint32_t own;
    struct eb_payload p = asking(&section, &own);

    (void)state;
    assert_int_equal(judge(port, &p, NULL, &verdict, &diag), HP_UNDECIDED);
    assert_int_equal(diag.stage, HP_STAGE_SYMBOLS);
    assert_string_equal(diag.name, "strong");
    p = stacked(1, target_id, sizeof(target_id));
    eb_payload_function(&p, "target_function", 64); /* nothing but a name is asked */
    assert_int_equal(judge(port, &p, NULL, &verdict, &diag), HP_UNDECIDED);
    assert_int_equal(diag.stage, HP_STAGE_RECORDS);
    assert_string_equal(diag.name, "target_function");
    p = stacked(1, target_id, sizeof(target_id));
    p.text_only = true; /* nothing but what it stacks on */
    eb_payload_hook(&p, HP_SPECIAL_HOOKS_LOAD, eb_payload_function(&p, "hook", 1));
    assert_int_equal(judge(port, &p, NULL, &verdict, &diag), HP_UNDECIDED);
    assert_int_equal(diag.stage, HP_STAGE_PLAN);
    tp_free(port);
}

/* A record may give any number as old_addr, also the one that marks undecided ones. */
static void test_no_target_address(void **state)
{
    static const uint64_t addrs[] = {TP_FUNCTION, UINT64_MAX, UINT64_MAX - 1};
    struct hp_port *port = no_target();
    size_t n;

    (void)state;
    for (n = 0; n < sizeof(addrs) / sizeof(addrs[0]); n++) {
        struct eb_payload p = stacked(1, target_id, sizeof(target_id));
        struct eb_record record = {.old_addr = addrs[n], .old_size = 9};
        struct hp_payload payload;
        struct hp_diag diag;

        p.text_only = true;
        record.new_symbol = eb_payload_function(&p, "f", 1);
        eb_payload_record(&p, &record);
        assert_int_equal(tp_load(port, &p, NULL, &payload, &diag), HP_UNDECIDED);
        assert_int_equal(diag.stage, HP_STAGE_RECORDS);
        assert_int_equal(diag.record, 0);
    }
    tp_free(port);
}

static void test_no_target_counts(void **state)
{
    const struct hp_validate_options allow = {.size = sizeof(allow), .allow_undecided = true};
    const struct hp_load_options options = {.size = sizeof(options), .allow_undecided = true};
    struct hp_port *port = no_target();
    static const uint8_t ones[8] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    struct hp_verdict verdict;
    struct hp_payload payload;
    struct hp_diag diag;
    const uint8_t *bytes;
    uint32_t section;
    uint32_t own;
    uint64_t word = 0;
    uint32_t n;
    struct eb_payload p = asking(&section, &own);

    (void)state;
    assert_int_equal(judge(port, &p, &allow, &verdict, &diag), HP_OK);
    assert_true(verdict.undecided.target);
    assert_false(verdict.undecided.signature);
    assert_int_equal(verdict.undecided.symbols, 3);
    assert_int_equal(verdict.undecided.relocations, 4);
    assert_int_equal(verdict.undecided.records, 3);
    assert_int_equal(verdict.undecided.expectations, 0);
    assert_int_equal(verdict.undecided.writes, 0);
    assert_int_equal(verdict.records, 3);
    assert_int_equal(verdict.writes, 0);

    p = asking(&section, &own); /* what could not be computed looks like no address */
    assert_int_equal(tp_load(port, &p, &options, &payload, &diag), HP_OK);
    bytes = tp_host(&payload, section);
    assert_memory_equal(bytes, ones, 8);
    assert_memory_equal(bytes + 8, ones, 4);
    assert_memory_equal(bytes + 12, ones, 4);
    for (n = 0; n < 8; n++) {
        word |= (uint64_t)bytes[16 + n] << (8 * n);
    }
    assert_int_equal(word, tp_addr(&payload, section) + 8);
    for (n = 0; n < 3; n++) {
        assert_true(payload.records[n].undecided);
        assert_int_equal(payload.records[n].old_addr, 0);
    }
    assert_int_equal(payload.provided.count, 1); /* nobody can say that it exists already */
    assert_int_equal(hp_plan_capture(&payload, NULL, 0, &diag), HP_OK);
    assert_int_equal(payload.write_count, 0);
    hp_payload_unload(&payload);
    tp_free(port);
}

/* What needs no target is checked as ever. */
static void test_no_target_defects(void **state)
{
    const struct hp_validate_options allow = {.size = sizeof(allow), .allow_undecided = true};
    struct hp_port *port = no_target();
    struct hp_verdict verdict;
    struct hp_diag diag;
    struct eb_payload p = stacked(1, target_id, sizeof(target_id));
    struct eb_record record = {.name = "f", .old_size = 9};

    (void)state;
    eb_payload_function(&p, "f", 4);
    assert_int_equal(judge(port, &p, &allow, &verdict, &diag), HP_RECORD_OLD_SIZE);
    p = stacked(1, target_id, sizeof(target_id));
    record.new_symbol = eb_undefined(p.b, "elsewhere"); /* not in the payload, wherever it is */
    eb_payload_record(&p, &record);
    assert_int_equal(judge(port, &p, &allow, &verdict, &diag), HP_RECORD_NEW_ADDR);
    p = stacked(1, target_id, sizeof(target_id));
    eb_payload_function(&p, "f+x", 9);
    assert_int_equal(judge(port, &p, &allow, &verdict, &diag), HP_RECORD_NAME_OFFSET);
    p = stacked(1, target_id, sizeof(target_id));
    eb_payload_function(&p, "f", 9);
    eb_rela(p.b, p.text, 0, R_PC32,
            eb_symbol(p.b, "far", HP_STB_LOCAL, HP_STT_NOTYPE, EB_ABS, 1, 0), 0);
    assert_int_equal(judge(port, &p, &allow, &verdict, &diag), HP_RELOC_OVERFLOW);
    p = stacked(1, target_id, sizeof(target_id));
    eb_payload_hook(&p, HP_SPECIAL_HOOKS_APPLY, eb_undefined(p.b, "elsewhere"));
    assert_int_equal(judge(port, &p, &allow, &verdict, &diag), HP_HOOK_POINTER);
    tp_free(port);
}

/* What a loaded payload provides is decided without a target, too. */
static void test_no_target_but_a_payload(void **state)
{
    static const uint8_t one = 1;
    const struct hp_load_options options = {.size = sizeof(options), .allow_undecided = true};
    struct hp_port *port = no_target();
    struct hp_payload first;
    const struct hp_payload *const applied[] = {&first};
    const struct hp_validate_options allow = {
        .size = sizeof(allow), .applied = applied, .applied_count = 1, .allow_undecided = true};
    struct eb_payload p = stacked(1, target_id, sizeof(target_id));
    struct hp_verdict verdict;
    struct hp_diag diag;
    uint32_t section;

    (void)state;
    p.text_only = true;
    eb_payload_hook(&p, HP_SPECIAL_HOOKS_LOAD, eb_payload_function(&p, "service", 16));
    assert_int_equal(tp_load(port, &p, &options, &first, &diag), HP_OK);
    assert_int_equal(hp_plan_capture(&first, NULL, 0, &diag), HP_OK);
    port->image_addr += 0x10000;
    p = stacked(2, &one, 1);
    p.text_only = true;
    eb_payload_hook(&p, HP_SPECIAL_HOOKS_LOAD, eb_payload_function(&p, "f", 1));
    section = eb_section(p.b, ".rodata.v", HP_SHT_PROGBITS, HP_SHF_ALLOC, 8, NULL, 8);
    eb_rela(p.b, section, 0, R_64, eb_undefined(p.b, "new_service"), 0);
    assert_int_equal(judge(port, &p, &allow, &verdict, &diag), HP_OK);
    assert_int_equal(verdict.undecided.symbols, 0);
    assert_int_equal(verdict.undecided.relocations, 0);
    p = stacked(2, target_id, sizeof(target_id));
    p.text_only = true;
    eb_payload_hook(&p, HP_SPECIAL_HOOKS_LOAD, eb_payload_function(&p, "f", 1));
    assert_int_equal(judge(port, &p, &allow, &verdict, &diag), HP_DEPENDS_BUILD_ID);
    p = stacked(2, &one, 1);
    p.text_only = true;
    eb_payload_hook(&p, HP_SPECIAL_HOOKS_LOAD, eb_payload_function(&p, "service", 1));
    assert_int_equal(judge(port, &p, &allow, &verdict, &diag), HP_SYMBOL_EXISTS);
    hp_payload_unload(&first);
    tp_free(port);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepted),
        cmocka_unit_test(test_arguments),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_applied),
        cmocka_unit_test(test_profile),
        cmocka_unit_test(test_uncertain_bytes),
        cmocka_unit_test(test_signed),
        cmocka_unit_test(test_no_target_refused),
        cmocka_unit_test(test_no_target_address),
        cmocka_unit_test(test_no_target_counts),
        cmocka_unit_test(test_no_target_defects),
        cmocka_unit_test(test_no_target_but_a_payload),
    };

    return cmocka_run_group_tests_name("validate", tests, NULL, NULL);
}
