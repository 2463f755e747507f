/* SPDX-License-Identifier: BSD-2-Clause */
/* links: test_port */
/* Function records and hooks: what is decoded, and each thing that a record is refused for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "test_port.h"

#define R_64 1u
#define R_8  14u

/* Field offsets of a record on 64-bit targets (SPEC section 3). */
enum { NEW_ADDR = 8, OLD_ADDR = 16, VERSION = 32, OPAQUE = 33, APPLIED = 64, EXPECT = 72 };

/* A payload whose .text is 64 bytes with the local symbol *code at 16, and no record yet. */
static struct eb_payload empty(uint8_t version, uint32_t *code)
{
    struct eb_payload p = eb_payload_new(true, HP_EM_X86_64, NULL);

    p.version = version;
    eb_append(p.b, p.text, 1, NULL, 64);
    *code = eb_symbol(p.b, "code", HP_STB_LOCAL, HP_STT_FUNC, p.text, 16, 16);
    return p;
}

/* Two records: a sound one and the one under test, so that a place is told from the first one. */
static struct eb_payload two(const struct eb_record *record, bool replace)
{
    uint32_t code;
    struct eb_payload p = empty(2, &code);
    const struct eb_record first = {.old_addr = TP_TEXT, .old_size = 5, .new_symbol = code};
    struct eb_record second = *record;

    if (replace) {
        second.new_symbol = code;
    }
    eb_payload_record(&p, &first);
    eb_payload_record(&p, &second);
    return p;
}

/* Asserts a refusal for record 1 and returns what was said about it. */
static struct hp_diag refuse(struct hp_port *port, struct eb_payload *p, enum hp_status wanted)
{
    struct hp_payload payload;
    struct hp_diag diag;

    assert_int_equal(tp_load(port, p, NULL, &payload, &diag), wanted);
    assert_int_equal(diag.stage, HP_STAGE_RECORDS);
    assert_string_equal(diag.section_name, ".livepatch.funcs");
    assert_int_not_equal(diag.section, HP_NO_INDEX);
    assert_int_equal(diag.record, 1);
    return diag;
}

static struct hp_diag refuse_record(struct hp_port *port, const struct eb_record *record,
                                    bool replace, enum hp_status wanted)
{
    struct eb_payload p = two(record, replace);

    return refuse(port, &p, wanted);
}

/* Loads two records of which the second is good, and returns it as decoded. */
static struct hp_record decode_record(struct hp_port *port, const struct eb_record *record,
                                      bool replace)
{
    struct eb_payload p = two(record, replace);
    struct hp_payload payload;
    struct hp_record out;
    struct hp_diag diag;

    assert_int_equal(tp_load(port, &p, NULL, &payload, &diag), HP_OK);
    assert_int_equal(payload.record_count, 2);
    out = payload.records[1];
    out.name = NULL; /* it goes with the payload */
    hp_payload_unload(&payload);
    return out;
}

/* ---- decoding ------------------------------------------------------------------------------ */

static void test_fields(void **state)
{
    uint8_t version;

    (void)state;
    for (version = 1; version <= 2; version++) {
        struct hp_port *port = tp_new();
        uint32_t code;
        struct eb_payload p = empty(version, &code);
        const struct eb_record replace = {.name = "target_function",
                                          .new_symbol = code,
                                          .new_addend = 2,
                                          .new_size = 14,
                                          .old_size = 64,
                                          .expect_control = 1 | 3 << 1,
                                          .expect = {1, 2, 3, 4}};
        const struct eb_record nop = {.old_addr = TP_FUNCTION + 8, .new_size = 5, .old_size = 20};
        struct hp_payload payload;
        struct hp_diag diag;

        eb_payload_record(&p, &replace);
        eb_payload_record(&p, &nop);
        assert_int_equal(tp_load(port, &p, NULL, &payload, &diag), HP_OK);
        assert_int_equal(payload.record_version, version);
        assert_int_equal(payload.record_count, 2);
        assert_string_equal(payload.records[0].name, "target_function");
        assert_int_equal(payload.records[0].new_addr, TP_IMAGE + 18);
        assert_int_equal(payload.records[0].old_addr, TP_FUNCTION);
        assert_int_equal(payload.records[0].limit, TP_FUNCTION + TP_FUNCTION_SIZE);
        assert_int_equal(payload.records[0].new_size, 14);
        assert_int_equal(payload.records[0].old_size, 64);
        assert_int_equal(payload.records[0].version, version);
        assert_false(payload.records[0].undecided);
        assert_int_equal(payload.records[0].expect_len, version == 2 ? 3 : 0);
        if (version == 2) {
            assert_memory_equal(payload.records[0].expect, "\1\2\3", 3);
        }
        assert_null(payload.records[1].name);
        assert_int_equal(payload.records[1].new_addr, 0);
        assert_int_equal(payload.records[1].old_addr, TP_FUNCTION + 8);
        assert_int_equal(payload.records[1].limit, TP_FUNCTION + TP_FUNCTION_SIZE);
        assert_int_equal(payload.records[1].new_size, 5);
        assert_int_equal(payload.records[1].old_size, 20);
        assert_int_equal(payload.records[1].expect_len, 0);
        hp_payload_unload(&payload);
        tp_free(port);
    }
}

/* Without records a payload is of version 2. */
static void test_no_records(void **state)
{
    struct hp_port *port = tp_new();
    uint32_t code;
    struct eb_payload p = empty(2, &code);
    struct hp_payload payload;
    struct hp_diag diag;

    (void)state;
    eb_payload_hook(&p, HP_SPECIAL_HOOKS_LOAD, code);
    assert_int_equal(tp_load(port, &p, NULL, &payload, &diag), HP_OK);
    assert_int_equal(payload.record_version, 2);
    assert_int_equal(payload.record_count, 0);
    assert_int_equal(hp_plan_capture(&payload, NULL, 0, &diag), HP_OK);
    assert_int_equal(payload.write_count, 0);
    hp_payload_unload(&payload);
    tp_free(port);
}

/* An old_addr that is given: the limit is that of the function that holds it, if one does. */
static void test_old_addr(void **state)
{
    struct hp_port *port = tp_new();
    struct eb_record record = {.old_addr = TP_FUNCTION + 63, .old_size = 5};
    struct hp_record out;

    (void)state;
    out = decode_record(port, &record, true);
    assert_int_equal(out.limit, TP_FUNCTION + 64);
    record.old_addr = TP_FUNCTION + 64;
    out = decode_record(port, &record, true);
    assert_int_equal(out.old_addr, TP_FUNCTION + 64);
    assert_int_equal(out.limit, 0);
    record.old_addr = TP_FUNCTION - 1;
    out = decode_record(port, &record, true);
    assert_int_equal(out.limit, 0);
    record.name = "no such function"; /* the address counts; the name is for people */
    record.old_addr = TP_FUNCTION;
    out = decode_record(port, &record, true);
    assert_int_equal(out.old_addr, TP_FUNCTION);
    tp_add_function(port, "sizeless", TP_TEXT + 0x3000, 0);
    record.old_addr = TP_TEXT + 0x3100;
    out = decode_record(port, &record, true);
    assert_int_equal(out.limit, 0);
    tp_free(port);
}

/* old_addr as a relocation against a symbol of the target. */
static void test_old_addr_relocated(void **state)
{
    struct hp_port *port = tp_new();
    const struct eb_record record = {.old_size = 5};
    struct eb_payload p = two(&record, true);
    struct hp_payload payload;
    struct hp_diag diag;

    (void)state;
    eb_rela(p.b, p.funcs, eb_record_offset(&p, 1) + OLD_ADDR, R_64,
            eb_undefined(p.b, "target_function"), 3);
    assert_int_equal(tp_load(port, &p, NULL, &payload, &diag), HP_OK);
    assert_int_equal(payload.records[1].old_addr, TP_FUNCTION + 3);
    hp_payload_unload(&payload);
    tp_free(port);
}

/* ---- form ---------------------------------------------------------------------------------- */

static void test_versions(void **state)
{
    static const uint8_t versions[] = {0, 3, 4, 0x12, 255};
    struct hp_port *port = tp_new();
    const struct eb_record record = {.name = "target_function", .old_size = 64};
    size_t n;

    (void)state;
    for (n = 0; n < sizeof(versions); n++) {
        struct eb_payload p = two(&record, true);
        struct hp_payload payload;
        struct hp_diag diag;

        eb_bytes(p.b, p.funcs)[VERSION] = versions[n];
        assert_int_equal(tp_load(port, &p, NULL, &payload, &diag), HP_RECORD_VERSION);
        assert_int_equal(hp_status_errno(diag.status), HP_ERRNO_EOPNOTSUPP);
        assert_int_equal(diag.stage, HP_STAGE_RECORDS);
        assert_int_equal(diag.record, 0);
        assert_string_equal(diag.section_name, ".livepatch.funcs");
        assert_int_equal(diag.actual, versions[n]);
        p = two(&record, true);
        eb_bytes(p.b, p.funcs)[104 + VERSION] = versions[n];
        diag = refuse(port, &p, HP_RECORD_VERSION_MIXED);
        assert_int_equal(diag.expected, 2);
        assert_int_equal(diag.actual, versions[n]);
    }
    tp_free(port);
}

/* A relocation that makes the version another one than that by which the size was reckoned. */
static void test_version_relocated(void **state)
{
    struct hp_port *port = tp_new();
    const struct eb_record record = {.name = "target_function", .old_size = 64};
    struct eb_payload p = two(&record, true);
    struct hp_diag diag;

    (void)state;
    eb_rela(p.b, p.funcs, 104 + VERSION, R_8,
            eb_symbol(p.b, "one", HP_STB_LOCAL, HP_STT_NOTYPE, EB_ABS, 1, 0), 0);
    diag = refuse(port, &p, HP_RECORD_VERSION_MIXED);
    assert_int_equal(diag.expected, 2);
    assert_int_equal(diag.actual, 1);
    tp_free(port);
}

static void test_sizes_of_the_section(void **state)
{
    static const struct {
        uint8_t version;
        size_t size;
        bool good;
    } rows[] = {
        {2, 104, true}, {2, 103, false}, {2, 105, false}, {2, 64, false},
        {2, 63, false}, {2, 1, false},   {2, 128, false}, {1, 64, true},
        {1, 63, false}, {1, 65, false},  {1, 104, false},
    };
    struct hp_port *port = tp_new();
    size_t n;

    (void)state;
    for (n = 0; n < sizeof(rows) / sizeof(rows[0]); n++) {
        uint8_t bytes[128] = {0};
        uint32_t code;
        struct eb_payload p = empty(2, &code);
        struct hp_payload payload;
        struct hp_diag diag;
        uint32_t funcs;

        bytes[OLD_ADDR + 1] = 0x10; /* 0x1000 */
        bytes[24] = 1;              /* new_size, old_size */
        bytes[28] = 1;
        bytes[VERSION] = rows[n].version;
        funcs = eb_section(p.b, ".livepatch.funcs", HP_SHT_PROGBITS, HP_SHF_ALLOC, 8, bytes,
                           rows[n].size);
        if (rows[n].good) {
            assert_int_equal(tp_load(port, &p, NULL, &payload, &diag), HP_OK);
            assert_int_equal(payload.record_count, 1);
            hp_payload_unload(&payload);
            continue;
        }
        assert_int_equal(tp_load(port, &p, NULL, &payload, &diag), HP_RECORD_SIZE);
        assert_int_equal(diag.stage, HP_STAGE_RECORDS);
        assert_int_equal(diag.section, funcs);
        assert_string_equal(diag.section_name, ".livepatch.funcs");
        assert_int_equal(diag.record, HP_NO_INDEX);
        assert_true(diag.has_numbers);
        assert_int_equal(diag.actual, rows[n].size);
    }
    tp_free(port);
}

/* Every byte that has to be zero, in both versions. */
static void test_reserved(void **state)
{
    struct hp_port *port = tp_new();
    const struct eb_record record = {.name = "target_function", .old_size = 64};
    uint32_t offset;

    (void)state;
    for (offset = OPAQUE; offset < EXPECT; offset++) {
        struct eb_payload p = two(&record, true);

        eb_bytes(p.b, p.funcs)[104 + offset] = 0x80;
        refuse(port, &p, HP_RECORD_RESERVED);
    }
    for (offset = OPAQUE; offset < APPLIED; offset++) {
        uint32_t code;
        struct eb_payload p = empty(1, &code);
        struct eb_record both = record;

        both.new_symbol = code;
        eb_payload_record(&p, &both);
        eb_payload_record(&p, &both);
        eb_bytes(p.b, p.funcs)[64 + offset] = 1;
        refuse(port, &p, HP_RECORD_RESERVED);
    }
    tp_free(port);
}

/* ---- names --------------------------------------------------------------------------------- */

static void test_name_null(void **state)
{
    struct hp_port *port = tp_new();
    const struct eb_record record = {.old_size = 64};

    (void)state;
    refuse_record(port, &record, true, HP_RECORD_NAME_NULL);
    tp_free(port);
}

/* Makes the name of record 1 a pointer to `addr` and expects a status. */
static void name_at(struct hp_port *port, uint64_t addr, enum hp_status wanted)
{
    const struct eb_record record = {.old_size = 64};
    struct eb_payload p = two(&record, true);
    struct hp_diag diag;

    eb_rela(p.b, p.funcs, eb_record_offset(&p, 1), R_64,
            eb_symbol(p.b, "name", HP_STB_LOCAL, HP_STT_NOTYPE, EB_ABS, addr, 0), 0);
    diag = refuse(port, &p, wanted);
    if (wanted == HP_RECORD_NAME_OUTSIDE) {
        assert_int_equal(diag.actual, addr);
    }
}

static void test_name_outside(void **state)
{
    struct hp_port *port = tp_new();

    (void)state;
    name_at(port, 1, HP_RECORD_NAME_OUTSIDE);
    name_at(port, TP_IMAGE - 1, HP_RECORD_NAME_OUTSIDE);
    name_at(port, TP_IMAGE + 64, HP_RECORD_NAME_OUTSIDE); /* behind .text, before the next page */
    name_at(port, TP_IMAGE + 3 * TP_PAGE, HP_RECORD_NAME_OUTSIDE); /* the image's end */
    name_at(port, UINT64_MAX, HP_RECORD_NAME_OUTSIDE);
    name_at(port, TP_FUNCTION, HP_RECORD_NAME_OUTSIDE);   /* the target's memory */
    name_at(port, TP_IMAGE, HP_RECORD_NAME_UNTERMINATED); /* an empty name: the text is zeroes */
    tp_free(port);
}

static void test_name_termination(void **state)
{
    struct hp_port *port = tp_new();
    const struct eb_record record = {.old_size = 64};
    char name[513];
    size_t length;

    (void)state;
    memset(name, 'n', sizeof(name));
    for (length = 1; length <= 513; length++) { /* no NUL up to the section's end */
        struct eb_payload p;
        uint32_t section;

        if (length > 3 && length < 509) {
            continue;
        }
        p = two(&record, true);
        section = eb_section(p.b, ".rodata.n", HP_SHT_PROGBITS, HP_SHF_ALLOC, 1, name, length);
        eb_section(p.b, ".rodata.z", HP_SHT_PROGBITS, HP_SHF_ALLOC, 1, NULL, 8); /* a NUL behind */
        eb_rela(p.b, p.funcs, eb_record_offset(&p, 1), R_64, eb_section_symbol(p.b, section),
                (int64_t)length / 2);
        refuse(port, &p, HP_RECORD_NAME_UNTERMINATED);
    }
    for (length = 510; length <= 512; length++) { /* terminated; 511 is the longest */
        struct eb_record named = record;
        char text[513] = {0};

        memset(text, 'n', length);
        named.name = text;
        refuse_record(port, &named, true,
                      length <= 511 ? HP_RECORD_TARGET : HP_RECORD_NAME_UNTERMINATED);
    }
    name[511] = '\0';
    tp_add_function(port, name, TP_FUNCTION, 64);
    {
        struct eb_record named = record;

        named.name = name;
        assert_int_equal(decode_record(port, &named, true).old_addr, TP_FUNCTION);
        named.name = "";
        refuse_record(port, &named, true, HP_RECORD_NAME_UNTERMINATED);
    }
    tp_free(port);
}

static const struct {
    const char *name;
    uint64_t offset;
} good_offsets[] = {
    {"f+0", 0},
    {"f+1", 1},
    {"f+10", 10},
    {"f+0x10", 16},
    {"f+0X1f", 31},
    {"f+0x1F", 31},
    {"f+0xA", 10},
    {"f+0xa", 10},
    {"f+0x9", 9},
    {"u+0xFfFfFfFf", UINT32_MAX},
    {"f+007", 7},
    {"f+0x0000000000000001", 1},
    {"f+31", 31},
    {"u+4294967295", UINT32_MAX},
    {"u+0xffffffff", UINT32_MAX},
};
/* Of "u" no offset is too large, so only what is no number is refused. */
static const char *const bad_offsets[] = {
    "u+",
    "u+x",
    "u+0x",
    "u+-1",
    "u+ 1",
    "u+1 ",
    "u+1f",
    "u+1A",
    "u+A",
    "u+0x1g",
    "u+0x1G",
    "u+0x/",
    "u+0x:",
    "u+0x@",
    "u+0x`",
    "u+/",
    "u+:",
    "u+1.0",
    "u+0b1",
    "u+1\x80",
    "u+1+x",
    "u+0x+1 ",
    "u+4294967296",
    "u+0x100000000",
    "u+99999999999999999999",
    "u+18446744073709551616",
    "u+18446744073709551617",
    "u+0x10000000000000000",
    "f+32",
    "f+0x20",
    "f+4294967295",
};

static void test_name_offsets(void **state)
{
    struct hp_port *port = tp_new();
    struct eb_record record = {.old_size = 5};
    struct hp_diag diag;
    size_t n;

    (void)state;
    tp_add_function(port, "f", TP_TEXT + 0x2000, 32);
    tp_add_function(port, "u", TP_TEXT, 0);
    for (n = 0; n < sizeof(good_offsets) / sizeof(good_offsets[0]); n++) {
        record.name = good_offsets[n].name;
        assert_int_equal(decode_record(port, &record, true).old_addr,
                         (good_offsets[n].name[0] == 'f' ? TP_TEXT + 0x2000 : TP_TEXT) +
                             good_offsets[n].offset);
    }
    for (n = 0; n < sizeof(bad_offsets) / sizeof(bad_offsets[0]); n++) {
        record.name = bad_offsets[n];
        diag = refuse_record(port, &record, true, HP_RECORD_NAME_OFFSET);
        assert_string_equal(diag.name, bad_offsets[n]);
    }
    record.name = "f++1"; /* the last plus counts, so these are offsets from other names */
    refuse_record(port, &record, true, HP_RECORD_TARGET);
    record.name = "f+1+1";
    refuse_record(port, &record, true, HP_RECORD_TARGET);
    record.name = "+1";
    refuse_record(port, &record, true, HP_RECORD_TARGET);
    record.name = "f+32";
    diag = refuse_record(port, &record, true, HP_RECORD_NAME_OFFSET);
    assert_int_equal(diag.expected, 32);
    assert_int_equal(diag.actual, 32);
    tp_free(port);
}

/* An offset that leads past the end of the address space. */
static void test_name_offset_wraps(void **state)
{
    struct hp_port *port = tp_new();
    const struct eb_record record = {.name = "high+0x10", .old_size = 5};

    (void)state;
    tp_add_function(port, "high", UINT64_MAX - 8, 0);
    refuse_record(port, &record, true, HP_RECORD_NAME_OFFSET);
    tp_free(port);
}

static void test_name_of_a_file(void **state)
{
    struct hp_port *port = tp_new();
    struct eb_record record = {.name = "b.c#helper", .old_size = 5};

    (void)state;
    tp_add_local(port, "a.c", "helper", TP_TEXT + 0x100, 32);
    tp_add_local(port, "b.c", "helper", TP_TEXT + 0x200, 32);
    tp_add_local(port, "arch/c++.c", "helper", TP_TEXT + 0x300, 32);
    tp_add_local(port, "twice.c", "helper", TP_TEXT + 0x400, 32);
    tp_add_local(port, "twice.c", "helper", TP_TEXT + 0x500, 32);
    assert_int_equal(decode_record(port, &record, true).old_addr, TP_TEXT + 0x200);
    record.name = "a.c#helper+0x10";
    assert_int_equal(decode_record(port, &record, true).old_addr, TP_TEXT + 0x110);
    assert_int_equal(decode_record(port, &record, true).limit, TP_TEXT + 0x120);
    record.name = "arch/c++.c#helper+1"; /* the plus of an offset stands behind the symbol */
    assert_int_equal(decode_record(port, &record, true).old_addr, TP_TEXT + 0x301);
    record.name = "arch/c++.c#helper";
    assert_int_equal(decode_record(port, &record, true).old_addr, TP_TEXT + 0x300);
    record.name = "twice.c#helper";
    refuse_record(port, &record, true, HP_SYMBOL_AMBIGUOUS);
    record.name = "helper";
    refuse_record(port, &record, true, HP_RECORD_TARGET);
    record.name = "c.c#helper";
    refuse_record(port, &record, true, HP_RECORD_TARGET);
    tp_free(port);
}

static void test_target(void **state)
{
    struct hp_port *port = tp_new();
    struct eb_record record = {.name = "nowhere+1", .old_size = 5};
    struct hp_diag diag;

    (void)state;
    diag = refuse_record(port, &record, true, HP_RECORD_TARGET);
    assert_int_equal(hp_status_errno(diag.status), HP_ERRNO_ENOENT);
    assert_string_equal(diag.name, "nowhere+1");
    tp_add_symbol(port, (struct tp_symbol){"a_variable", NULL, TP_TEXT, 64, HP_KIND_DATA});
    tp_add_symbol(port, (struct tp_symbol){"a_label", NULL, TP_TEXT, 64, HP_KIND_UNKNOWN});
    record.name = "a_variable";
    diag = refuse_record(port, &record, true, HP_RECORD_TARGET_KIND);
    assert_string_equal(diag.name, "a_variable");
    record.name = "a_label";
    assert_int_equal(decode_record(port, &record, true).old_addr, TP_TEXT);
    tp_free(port);
}

static void test_port_failure(void **state)
{
    struct hp_port *port = tp_new();
    struct eb_record record = {.name = "target_function", .old_size = 5};

    (void)state;
    port->symbol_failure = HP_TARGET_READ;
    port->fail_at = 4; /* two allocations, the first record's address, this name */
    refuse_record(port, &record, true, HP_TARGET_READ);
    record.name = NULL;
    record.old_addr = TP_FUNCTION;
    port->calls = 0;
    refuse_record(port, &record, true, HP_TARGET_READ);
    tp_free(port);
}

/* ---- addresses and sizes ------------------------------------------------------------------- */

static void test_new_addr(void **state)
{
    static const struct {
        uint64_t addr;
        bool good;
    } rows[] = {
        {TP_IMAGE, true},
        {TP_IMAGE + 63, true},
        {TP_IMAGE + 64, false}, /* the end of .text */
        {TP_IMAGE - 1, false},
        {TP_IMAGE + TP_PAGE - 1, false},
        {TP_IMAGE + TP_PAGE, false},     /* .livepatch.funcs */
        {TP_IMAGE + 2 * TP_PAGE, false}, /* read-only */
        {TP_FUNCTION, false},
        {1, false},
        {UINT64_MAX, false},
    };
    struct hp_port *port = tp_new();
    size_t n;

    (void)state;
    for (n = 0; n < sizeof(rows) / sizeof(rows[0]); n++) {
        const struct eb_record record = {
            .name = "target_function", .old_size = 5, .new_addr = rows[n].addr};

        if (rows[n].good) {
            assert_int_equal(decode_record(port, &record, false).new_addr, rows[n].addr);
        } else {
            struct hp_diag diag = refuse_record(port, &record, false, HP_RECORD_NEW_ADDR);

            assert_int_equal(diag.actual, rows[n].addr);
            assert_string_equal(diag.name, "target_function");
        }
    }
    tp_free(port);
}

static void test_old_size(void **state)
{
    struct hp_port *port = tp_new();
    uint32_t size;

    (void)state;
    for (size = 0; size <= 5; size++) {
        const struct eb_record record = {.name = "target_function", .old_size = size};

        if (size == 5) {
            assert_int_equal(decode_record(port, &record, true).old_size, 5);
        } else {
            struct hp_diag diag = refuse_record(port, &record, true, HP_RECORD_OLD_SIZE);

            assert_int_equal(diag.expected, 5);
            assert_int_equal(diag.actual, size);
        }
    }
    {
        const struct eb_record record = {.name = "target_function", .new_size = 3};
        struct hp_diag diag = refuse_record(port, &record, false, HP_RECORD_OLD_SIZE);

        assert_int_equal(diag.actual, 0);
    }
    tp_free(port);
}

static void test_nop_sizes(void **state)
{
    static const struct {
        uint32_t new_size;
        uint32_t old_size;
        enum hp_status status;
        uint64_t expected;
        uint64_t actual;
    } rows[] = {
        {1, 1, HP_OK, 0, 0},
        {31, 31, HP_OK, 0, 0},
        {31, 64, HP_OK, 0, 0},
        {32, 64, HP_NOP_TOO_LONG, 31, 32},
        {32, 32, HP_NOP_TOO_LONG, 31, 32},
        {UINT32_MAX, UINT32_MAX, HP_NOP_TOO_LONG, 31, UINT32_MAX},
        {0, 32, HP_NOP_TOO_LONG, 31, 32},
        {0, 31, HP_OK, 0, 0},
        {6, 5, HP_NOP_SIZE, 5, 6},
        {31, 30, HP_NOP_SIZE, 30, 31},
        {2, 1, HP_NOP_SIZE, 1, 2},
    };
    struct hp_port *port = tp_new();
    size_t n;

    (void)state;
    for (n = 0; n < sizeof(rows) / sizeof(rows[0]); n++) {
        const struct eb_record record = {
            .name = "target_function", .new_size = rows[n].new_size, .old_size = rows[n].old_size};

        if (rows[n].status == HP_OK) {
            assert_int_equal(decode_record(port, &record, false).new_size, rows[n].new_size);
        } else {
            struct hp_diag diag = refuse_record(port, &record, false, rows[n].status);

            assert_int_equal(diag.expected, rows[n].expected);
            assert_int_equal(diag.actual, rows[n].actual);
        }
    }
    tp_free(port);
}

/* new_size 0: only where something of the function is left behind the NOPs. */
static void test_nop_whole(void **state)
{
    struct hp_port *port = tp_new();
    struct eb_record record = {.name = "target_function+34", .old_size = 29};
    struct hp_diag diag;

    (void)state;
    assert_int_equal(decode_record(port, &record, false).old_addr, TP_FUNCTION + 34);
    record.old_size = 30;
    diag = refuse_record(port, &record, false, HP_NOP_WHOLE);
    assert_int_equal(diag.expected, TP_FUNCTION + 64);
    assert_int_equal(diag.actual, TP_FUNCTION + 64);
    record.old_size = 31;
    refuse_record(port, &record, false, HP_NOP_WHOLE);
    record.name = NULL; /* the same by address */
    record.old_addr = TP_FUNCTION + 34;
    refuse_record(port, &record, false, HP_NOP_WHOLE);
    record.old_size = 29;
    decode_record(port, &record, false);
    record.old_addr = TP_TEXT + 0x5000; /* an end that is not known may be reached */
    refuse_record(port, &record, false, HP_NOP_WHOLE);
    tp_add_function(port, "sizeless", TP_TEXT + 0x6000, 0);
    record.old_addr = 0;
    record.name = "sizeless";
    refuse_record(port, &record, false, HP_NOP_WHOLE);
    record.new_size = 5; /* so many bytes were asked for */
    decode_record(port, &record, false);
    tp_free(port);
}

/* ---- expectations -------------------------------------------------------------------------- */

static void test_expectations(void **state)
{
    static const struct {
        uint8_t control;
        uint32_t old_size;
        enum hp_status status;
        uint8_t length;
    } rows[] = {
        {0x00, 5, HP_OK, 0},
        {0x01, 5, HP_OK, 0},          /* enabled, of no bytes */
        {0x3e, 5, HP_OK, 0},          /* not enabled: the length does not count */
        {0x01 | 5 << 1, 5, HP_OK, 5}, /* as long as the function */
        {0x01 | 6 << 1, 5, HP_EXPECT_LENGTH, 0},
        {0x01 | 31 << 1, 30, HP_EXPECT_LENGTH, 0},
        {0x01 | 31 << 1, 31, HP_OK, 31},
        {0x41 | 5 << 1, 5, HP_EXPECT_RESERVED, 0},
        {0x81 | 5 << 1, 5, HP_EXPECT_RESERVED, 0},
        {0x40, 5, HP_EXPECT_RESERVED, 0},
        {0x80, 5, HP_EXPECT_RESERVED, 0},
        {0xff, 31, HP_EXPECT_RESERVED, 0},
    };
    struct hp_port *port = tp_new();
    size_t n;

    (void)state;
    for (n = 0; n < sizeof(rows) / sizeof(rows[0]); n++) {
        struct eb_record record = {.name = "target_function",
                                   .old_size = rows[n].old_size,
                                   .expect_control = rows[n].control};

        memset(record.expect, 0x77, sizeof(record.expect));
        if (rows[n].status == HP_OK) {
            struct hp_record out = decode_record(port, &record, true);

            assert_int_equal(out.expect_len, rows[n].length);
            assert_memory_equal(out.expect, record.expect, rows[n].length);
        } else {
            struct hp_diag diag = refuse_record(port, &record, true, rows[n].status);

            if (rows[n].status == HP_EXPECT_LENGTH) {
                assert_int_equal(hp_status_errno(diag.status), HP_ERRNO_ERANGE);
                assert_int_equal(diag.expected, rows[n].old_size);
                assert_int_equal(diag.actual, (rows[n].control >> 1) & 31);
            }
        }
    }
    tp_free(port);
}

/* ---- hooks --------------------------------------------------------------------------------- */

static bool is_list(uint32_t which)
{
    return which == HP_SPECIAL_HOOKS_LOAD || which == HP_SPECIAL_HOOKS_UNLOAD;
}

/* All eight kinds at once, the two lists with three pointers. */
static void test_hooks(void **state)
{
    struct hp_port *port = tp_new();
    uint32_t sections[HP_HOOK_LAST + 1];
    uint32_t code;
    struct eb_payload p = empty(2, &code);
    struct hp_payload payload;
    struct hp_diag diag;
    uint32_t which;

    (void)state;
    for (which = HP_HOOK_FIRST; which <= HP_HOOK_LAST; which++) {
        sections[which] = eb_payload_hook(&p, (enum hp_special)which, code);
        if (is_list(which)) {
            eb_append(p.b, sections[which], 1, NULL, 16);
            eb_rela(p.b, sections[which], 8, R_64, code, -16);
            eb_rela(p.b, sections[which], 16, R_64, code, 47);
        }
    }
    assert_int_equal(tp_load(port, &p, NULL, &payload, &diag), HP_OK);
    for (which = HP_HOOK_FIRST; which <= HP_HOOK_LAST; which++) {
        const struct hp_hooks *hooks = &payload.hooks[which - HP_HOOK_FIRST];

        assert_int_equal(hooks->count, is_list(which) ? 3 : 1);
        assert_int_equal(hooks->offset, tp_place(&payload, sections[which])->offset);
    }
    hp_payload_unload(&payload);
    tp_free(port);
}

static void test_no_hooks(void **state)
{
    struct hp_port *port = tp_new();
    const struct eb_record record = {.name = "target_function", .old_size = 5};
    struct eb_payload p = two(&record, true);
    struct hp_payload payload;
    struct hp_diag diag;
    uint32_t which;

    (void)state;
    assert_int_equal(tp_load(port, &p, NULL, &payload, &diag), HP_OK);
    for (which = HP_HOOK_FIRST; which <= HP_HOOK_LAST; which++) {
        assert_int_equal(payload.hooks[which - HP_HOOK_FIRST].count, 0);
    }
    hp_payload_unload(&payload);
    tp_free(port);
}

static void test_hook_sizes(void **state)
{
    static const size_t sizes[] = {1, 7, 9, 12, 15, 16, 17, 24};
    struct hp_port *port = tp_new();
    uint32_t which;
    size_t n;

    (void)state;
    for (which = HP_HOOK_FIRST; which <= HP_HOOK_LAST; which++) {
        for (n = 0; n < sizeof(sizes) / sizeof(sizes[0]); n++) {
            const char *name = hp_special_name((enum hp_special)which);
            uint32_t code;
            struct eb_payload p = empty(2, &code);
            struct hp_payload payload;
            struct hp_diag diag;
            uint32_t section =
                eb_section(p.b, name, HP_SHT_PROGBITS, HP_SHF_ALLOC, 8, NULL, sizes[n]);

            if (is_list(which) && sizes[n] % 8 == 0) {
                eb_free(p.b);
                continue;
            }
            assert_int_equal(tp_load(port, &p, NULL, &payload, &diag), HP_HOOK_SIZE);
            assert_int_equal(diag.stage, HP_STAGE_RECORDS);
            assert_int_equal(diag.section, section);
            assert_string_equal(diag.section_name, name);
            assert_int_equal(diag.expected, 8);
            assert_int_equal(diag.actual, sizes[n]);
        }
    }
    tp_free(port);
}

static void test_hook_pointers(void **state)
{
    static const uint64_t bad[] = {
        0, 1, TP_IMAGE - 1, TP_IMAGE + 64, TP_IMAGE + TP_PAGE, TP_FUNCTION, UINT64_MAX};
    struct hp_port *port = tp_new();
    uint32_t which;
    size_t n;

    (void)state;
    for (which = HP_HOOK_FIRST; which <= HP_HOOK_LAST; which++) {
        for (n = 0; n < sizeof(bad) / sizeof(bad[0]); n++) {
            const uint32_t place = is_list(which) ? 2 : 0;
            uint32_t code;
            struct eb_payload p = empty(2, &code);
            uint32_t section = eb_payload_hook(&p, (enum hp_special)which, code);
            struct hp_payload payload;
            struct hp_diag diag;
            uint32_t symbol = eb_symbol(p.b, "bad", HP_STB_LOCAL, HP_STT_NOTYPE, EB_ABS, bad[n], 0);

            if (is_list(which)) {
                eb_append(p.b, section, 1, NULL, 16);
                eb_rela(p.b, section, 8, R_64, code, 0);
            }
            eb_rela(p.b, section, (uint64_t)8 * place, R_64, symbol, 0);
            assert_int_equal(tp_load(port, &p, NULL, &payload, &diag), HP_HOOK_POINTER);
            assert_int_equal(diag.stage, HP_STAGE_RECORDS);
            assert_int_equal(diag.section, section);
            assert_string_equal(diag.section_name, hp_special_name((enum hp_special)which));
            assert_int_equal(diag.record, place);
            assert_int_equal(diag.actual, bad[n]);
        }
    }
    tp_free(port);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_no_records),
        cmocka_unit_test(test_old_addr),
        cmocka_unit_test(test_old_addr_relocated),
        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_version_relocated),
        cmocka_unit_test(test_sizes_of_the_section),
        cmocka_unit_test(test_reserved),
        cmocka_unit_test(test_name_null),
        cmocka_unit_test(test_name_outside),
        cmocka_unit_test(test_name_termination),
        cmocka_unit_test(test_name_offsets),
        cmocka_unit_test(test_name_offset_wraps),
        cmocka_unit_test(test_name_of_a_file),
        cmocka_unit_test(test_target),
        cmocka_unit_test(test_port_failure),
        cmocka_unit_test(test_new_addr),
        cmocka_unit_test(test_old_size),
        cmocka_unit_test(test_nop_sizes),
        cmocka_unit_test(test_nop_whole),
        cmocka_unit_test(test_expectations),
        cmocka_unit_test(test_hooks),
        cmocka_unit_test(test_no_hooks),
        cmocka_unit_test(test_hook_sizes),
        cmocka_unit_test(test_hook_pointers),
    };

    return cmocka_run_group_tests_name("records", tests, NULL, NULL);
}
