/* SPDX-License-Identifier: BSD-2-Clause */
/* links: test_port */
/*
 * 32-bit Arm: every relocation type at the edges of its range in both forms, addends that lie in
 * the field, veneers, jumps, NOPs, the refusal of Thumb code, records and addresses of 32 bits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <hotpatch/payload.h>

#include "arch_rules.h"

/* aaelf32 names without their prefix. */
enum {
    NONE = 0,
    PC24 = 1,
    ABS32 = 2,
    REL32 = 3,
    THM_CALL = 10,
    BASE_PREL = 25,
    GOT_BREL = 26,
    CALL = 28,
    JUMP24 = 29,
    V4BX = 40,
    PREL31 = 42,
    MOVW_ABS_NC = 43,
    MOVT_ABS = 44,
    MOVW_PREL_NC = 45,
    MOVT_PREL = 46,
    GOT_PREL = 96
};

#define NOP   0xe320f000u
#define P2(n) (INT64_C(1) << (n))

static const struct arch_rig rel = {
    .is_rel = true, .machine = HP_EM_ARM, .text = 0x60000000, .image = 0x60200000};
static const struct arch_rig rela = {
    .is_rel = false, .machine = HP_EM_ARM, .text = 0x60000000, .image = 0x60200000};

#define RULE(type_, kind_, low_, high_, before_, ...)                                              \
    {                                                                                              \
        .type = (type_), .width = 4, .kind = (kind_), .low = (low_), .high = (high_), .step = 1,   \
        .before = (before_), .bits = {                                                             \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }

/* The fields hold an addend of 0. */
static const struct arch_rule rel_rules[] = {
    RULE(ABS32, ARCH_ABS, 0, 0, 0, {0, 32, 0}),
    RULE(REL32, ARCH_PREL, 0, 0, 0, {0, 32, 0}),
    RULE(PREL31, ARCH_PREL, -P2(30), P2(30) - 1, 0x80000000, {0, 31, 0}),
    RULE(PREL31, ARCH_PREL, -P2(30), P2(30) - 1, 0, {0, 31, 0}),
    RULE(MOVW_ABS_NC, ARCH_ABS, 0, 0, 0xe3005000, {0, 12, 0}, {12, 4, 16}),
    RULE(MOVT_ABS, ARCH_ABS, 0, 0, 0xe3405000, {16, 12, 0}, {28, 4, 16}),
    RULE(MOVW_PREL_NC, ARCH_PREL, 0, 0, 0xe3005000, {0, 12, 0}, {12, 4, 16}),
    RULE(MOVT_PREL, ARCH_PREL, 0, 0, 0xe3405000, {16, 12, 0}, {28, 4, 16}),
};

/* Bits that the value goes to are set before, so that one left as it was shows. */
static const struct arch_rule rela_rules[] = {
    RULE(ABS32, ARCH_ABS, 0, 0, UINT32_MAX, {0, 32, 0}),
    RULE(REL32, ARCH_PREL, 0, 0, UINT32_MAX, {0, 32, 0}),
    RULE(PREL31, ARCH_PREL, -P2(30), P2(30) - 1, UINT32_MAX, {0, 31, 0}),
    RULE(MOVW_ABS_NC, ARCH_ABS, 0, 0, 0xe30f5fff, {0, 12, 0}, {12, 4, 16}),
    RULE(MOVT_ABS, ARCH_ABS, 0, 0, 0xe34f5fff, {16, 12, 0}, {28, 4, 16}),
    RULE(MOVW_PREL_NC, ARCH_PREL, 0, 0, 0xe30f5fff, {0, 12, 0}, {12, 4, 16}),
    RULE(MOVT_PREL, ARCH_PREL, 0, 0, 0xe34f5fff, {16, 12, 0}, {28, 4, 16}),
};

static void test_edges(void **state)
{
    (void)state;
    arch_check_rules(&rel, rel_rules, sizeof(rel_rules) / sizeof(rel_rules[0]));
    arch_check_rules(&rela, rela_rules, sizeof(rela_rules) / sizeof(rela_rules[0]));
}

/* One relocation whose result is known; the place is 16 bytes into the section. */
struct known {
    uint32_t type;
    uint32_t before;
    uint32_t symbol;
    uint32_t after;
};

static void check_known(const struct arch_rig *rig, const struct known *known, int64_t addend)
{
    struct arch_case c = {known->type, 0x10, 4, known->before, known->symbol, addend};
    struct hp_port *port = arch_port(rig);
    struct arch_result result;

    arch_apply(port, rig, &c, &result);
    assert_int_equal(result.status, HP_OK);
    assert_int_equal(result.field, known->after);
    hp_payload_unload(&result.payload);
    tp_free(port);
}

#define PLACE 0x60201010u /* rel.image + ARCH_SECTION + 0x10 */

/* The addend is what the field holds, as a signed number of the field's size. */
static void test_implicit_addends(void **state)
{
    static const struct known cases[] = {
        {ABS32, 0xfffffffc, 0x1000, 0xffc},
        {ABS32, 0x80000000, 0x80000010, 0x10},
        {REL32, 0x12345678, PLACE, 0x12345678},
        {PREL31, 0xfffffff8, PLACE + 4, 0xfffffffc}, /* -8, and bit 31 stays */
        {PREL31, 0x3fffffff, PLACE, 0x3fffffff},
        {MOVW_ABS_NC, 0xe30f5ffc, 0x12348000, 0xe3075ffc}, /* -4 */
        {MOVT_ABS, 0xe34f5ffc, 0x12340000, 0xe3415233},    /* borrows from the upper half */
        {MOVT_ABS, 0xe3475fff, 0x12348001, 0xe3415235},    /* 0x7fff carries into it */
        {MOVW_PREL_NC, 0xe30f5ff8, PLACE + 0x1234, 0xe301522c},
        {MOVT_PREL, 0xe34f5ff8, PLACE + 4, 0xe34f5fff},
        {CALL, 0xebfffffe, PLACE + 0x1000, 0xeb0003fe},    /* A = -8 */
        {CALL, 0xeb000000, PLACE + 0x1000, 0xeb000400},    /* A = 0 */
        {CALL, 0xeb7fffff, PLACE - 0x1fffffc, 0xeb000000}, /* A = 2^25 - 4 */
        {CALL, 0xeb800000, PLACE + 0x2000000, 0xeb000000}, /* A = -2^25 */
        {JUMP24, 0x1afffffe, PLACE + 8, 0x1a000000},
        {PC24, 0xbbfffffe, PLACE + 4, 0xbbffffff},
        {CALL, 0xfafffffe, PLACE + 8, 0xeb000000}, /* BLX to A32 code is BL */
        {NONE, 0x12345678, PLACE, 0x12345678},
        {V4BX, 0xe12fff1e, PLACE, 0xe12fff1e},
    };
    size_t n;

    (void)state;
    for (n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
        check_known(&rel, &cases[n], 0);
    }
}

/* With RELA the field is not looked at. */
static void test_explicit_addends(void **state)
{
    static const struct known cases[] = {
        {ABS32, 0xaaaaaaaa, 0x1000, 0xff8},
        {MOVW_ABS_NC, 0xe30f5fff, 0x12348000, 0xe3075ff8},
        {MOVT_ABS, 0xe34f5fff, 0x12340000, 0xe3415233},
        {CALL, 0xebaaaaaa, PLACE + 0x1000, 0xeb0003fe},
        {PREL31, 0xaaaaaaaa, PLACE, 0xfffffff8},
    };
    size_t n;

    (void)state;
    for (n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
        check_known(&rela, &cases[n], -8);
    }
}

/* ---- branches and veneers ----------------------------------------------------------------------
 */

/* The encoded displacement, place + 8 to destination, at its limits; beyond them through a veneer.
 */
static void test_branch_edges(void **state)
{
    static const struct {
        int64_t displacement;
        bool direct;
    } cases[] = {
        {P2(25) - 4, true}, {-P2(25), true},      {0, true},
        {P2(25), false},    {-P2(25) - 4, false}, {P2(31) - 0x10000, false},
    };
    static const uint32_t types[] = {PC24, CALL, JUMP24};
    size_t n;
    size_t t;

    (void)state;
    for (n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
        for (t = 0; t < 3; t++) {
            const struct arch_rig *rig = t == 0 ? &rela : &rel;
            struct arch_case c = {types[t], 0x10, 4, 0xebfffffe, 0, -8};
            struct hp_port *port = arch_port(rig);
            struct arch_result result;
            const struct hp_image *image = &result.payload.image;
            const uint8_t *veneer;
            uint32_t dest = PLACE + 8 + (uint32_t)cases[n].displacement;
            uint32_t displacement = (uint32_t)cases[n].displacement;
            uint32_t words[2];

            c.symbol = dest;
            arch_apply(port, rig, &c, &result);
            assert_int_equal(result.status, HP_OK);
            assert_int_equal(image->veneer_count, 1);
            assert_int_equal(image->veneer_size, 8);
            veneer = image->memory.host + image->veneer_offset;
            memcpy(words, veneer, 8);
            if (cases[n].direct) {
                assert_int_equal(words[0], 0);
            } else {
                assert_int_equal(words[0], 0xe51ff004); /* ldr pc, [pc, #-4] */
                assert_int_equal(words[1], dest);
                displacement = (uint32_t)(rig->image + image->veneer_offset) - (PLACE + 8);
            }
            assert_int_equal(result.field, 0xeb000000 | (displacement >> 2 & 0xffffff));
            hp_payload_unload(&result.payload);
            tp_free(port);
        }
    }
}

/* A destination that A32 code cannot be at. */
static void test_branch_destinations(void **state)
{
    static const struct {
        uint32_t symbol;
        enum hp_status status;
    } cases[] = {
        {PLACE + 0x1002, HP_RELOC_ALIGN},
        {PLACE + 0x1001, HP_THUMB_CODE},
        {PLACE + 0x8000002, HP_RELOC_OVERFLOW},
        {PLACE + 0x8000001, HP_THUMB_CODE},
    };
    static const uint32_t types[] = {PC24, CALL, JUMP24};
    size_t n;
    size_t t;

    (void)state;
    for (n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
        for (t = 0; t < 3; t++) {
            struct arch_case c = {types[t], 0x10, 4, 0xeafffffe, cases[n].symbol, 0};
            struct hp_port *port = arch_port(&rel);
            struct arch_result result;

            arch_apply(port, &rel, &c, &result);
            assert_int_equal(result.status, cases[n].status);
            tp_free(port);
        }
    }
}

/* ---- the GOT ------------------------------------------------------------------------------------
 */

static void test_got(void **state)
{
    struct hp_port *port = arch_port(&rel);
    struct hp_payload payload;
    struct hp_diag diag;
    uint32_t section;
    struct eb_payload p = arch_payload(&rel, &section);
    uint32_t symbol = eb_undefined(p.b, "target_function");
    uint32_t other = eb_symbol(p.b, "other", HP_STB_LOCAL, HP_STT_NOTYPE, EB_ABS, 0x1234, 0);
    uint32_t got_symbol = eb_undefined(p.b, "_GLOBAL_OFFSET_TABLE_");
    static const uint32_t addends[4] = {4, 0x10, (uint32_t)-8, 0};
    uint32_t words[4];
    uint32_t slots[2];
    uint32_t got;

    (void)state;
    memcpy(eb_bytes(p.b, section) + 0x10, addends, sizeof(addends));
    eb_rel(p.b, section, 0x1c, GOT_BREL, other); /* takes the first slot */
    eb_rel(p.b, section, 0x10, GOT_BREL, symbol);
    eb_rel(p.b, section, 0x14, GOT_PREL, symbol);
    eb_rel(p.b, section, 0x18, BASE_PREL, got_symbol);
    assert_int_equal(tp_load(port, &p, NULL, &payload, &diag), HP_OK);
    assert_int_equal(payload.image.got_count, 2);
    memcpy(slots, payload.image.memory.host + payload.image.got_offset, 8);
    assert_int_equal(slots[0], 0x1234);
    assert_int_equal(slots[1], arch_function(&rel));
    got = (uint32_t)rel.image + payload.image.got_offset;
    memcpy(words, tp_host(&payload, section) + 0x10, sizeof(words));
    assert_int_equal(words[0], 4 + 4);
    assert_int_equal(words[1], got + 4 + 0x10 - (PLACE + 4));
    assert_int_equal(words[2], got - 8 - (PLACE + 8));
    assert_int_equal(words[3], 0);
    hp_payload_unload(&payload);
    tp_free(port);
}

/* BASE_PREL means the GOT: of another symbol, linkers would take the GOT all the same. */
static void test_got_base(void **state)
{
    struct arch_case c = {BASE_PREL, 0, 4, 0xfffffff8, 0x1000, 0};
    struct hp_port *port = arch_port(&rel);
    struct arch_result result;
    struct hp_payload payload;
    struct hp_diag diag;
    uint32_t section;
    struct eb_payload p;

    (void)state;
    arch_apply(port, &rel, &c, &result);
    assert_int_equal(result.status, HP_RELOC_GOT_BASE);
    c.symbol = 0; /* nor is "no GOT" a GOT at address 0 */
    arch_apply(port, &rel, &c, &result);
    assert_int_equal(result.status, HP_RELOC_GOT_BASE);
    p = arch_payload(&rel, &section);
    eb_rel(p.b, section, 0, GOT_BREL, eb_undefined(p.b, "target_function"));
    eb_rel(p.b, section, 4, BASE_PREL, eb_section_symbol(p.b, section));
    assert_int_equal(tp_load(port, &p, NULL, &payload, &diag), HP_RELOC_GOT_BASE);
    assert_int_equal(diag.relocation, 1);
    assert_int_equal(hp_status_errno(HP_RELOC_GOT_BASE), 95);
    tp_free(port);
}

static void test_refused_types(void **state)
{
    static const struct {
        uint32_t type;
        const char *name;
    } cases[] = {
        {4, "R_ARM_LDR_PC_G0"},
        {THM_CALL, "R_ARM_THM_CALL"},
        {24, "R_ARM_GOTOFF32"},
        {30, "R_ARM_THM_JUMP24"},
        {38, "R_ARM_TARGET1"},
        {47, "R_ARM_THM_MOVW_ABS_NC"},
        {97, "R_ARM_GOT_BREL12"},
        {111, "R_ARM_TLS_IE12GP"},
        {112, NULL},
        {128, NULL},
        {129, "R_ARM_THM_TLS_DESCSEQ16"},
        {135, "R_ARM_THM_ALU_ABS_G3"},
        {136, NULL},
        {255, NULL},
    };
    size_t n;

    (void)state;
    for (n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
        struct arch_case c = {cases[n].type, 0, 4, 0xe0000000, 0x1000, 0};
        const char *name = hp_reloc_type_name(HP_EM_ARM, cases[n].type);
        struct hp_port *port = arch_port(&rel);
        const bool thumb = name != NULL && strncmp(name, "R_ARM_THM_", 10) == 0 && c.type < 97;
        struct arch_result result;

        arch_apply(port, &rel, &c, &result);
        assert_int_equal(result.status, thumb ? HP_THUMB_CODE : HP_RELOC_TYPE);
        if (cases[n].name == NULL) {
            assert_null(name);
        } else {
            assert_string_equal(name, cases[n].name);
        }
        tp_free(port);
    }
    assert_string_equal(hp_reloc_type_name(HP_EM_ARM, GOT_PREL), "R_ARM_GOT_PREL");
    assert_string_equal(hp_reloc_type_name(HP_EM_ARM, MOVT_PREL), "R_ARM_MOVT_PREL");
}

/* ---- patching -----------------------------------------------------------------------------------
 */

static void test_jump_edges(void **state)
{
    static const struct {
        int64_t distance; /* from old_addr: the displacement is counted from 8 bytes on */
        uint32_t insn;    /* 0: out of reach */
    } cases[] = {
        {P2(25) + 4, 0xea7fffff},
        {P2(25) + 8, 0},
        {-P2(25) + 8, 0xea800000},
        {-P2(25) + 4, 0},
    };
    size_t n;

    (void)state;
    for (n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
        struct arch_patch patch = {.old_size = 4, .distance = cases[n].distance};
        struct hp_write write;
        enum hp_status status = arch_capture(&rel, &patch, &write);

        assert_int_equal(status, cases[n].insn != 0 ? HP_OK : HP_PATCH_REACH);
        if (status == HP_OK) {
            assert_int_equal(write.size, 4);
            assert_int_equal(write.pad, 0);
            assert_int_equal(arch_word(&write, 0), cases[n].insn);
            patch.old_size = 3;
            assert_int_equal(arch_capture(&rel, &patch, &write), HP_RECORD_OLD_SIZE);
        }
    }
}

/* A branch may go over the end of the address space: its numbers wrap. */
static void test_jump_wraps(void **state)
{
    static const struct arch_rig top = {
        .is_rel = true, .machine = HP_EM_ARM, .text = 0xfffe0000, .image = 0x1000};
    struct arch_patch patch = {.old_size = 64};
    struct hp_write write;

    (void)state;
    assert_int_equal(arch_capture(&top, &patch, &write), HP_OK);
    assert_int_equal(write.addr, 0xfffe1000);
    assert_int_equal(arch_word(&write, 0), 0xea007ffe); /* 0x20000 - 8 */
}

static void test_nops(void **state)
{
    static const struct {
        uint32_t nops;
        enum hp_status status;
    } cases[] = {
        {4, HP_OK}, {28, HP_OK}, {2, HP_NOP_SIZE}, {30, HP_NOP_SIZE}, {32, HP_NOP_TOO_LONG},
    };
    size_t n;
    size_t i;

    (void)state;
    for (n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
        struct arch_patch patch = {.nops = cases[n].nops, .old_size = 64};
        struct hp_write write;

        assert_int_equal(arch_capture(&rel, &patch, &write), cases[n].status);
        if (cases[n].status == HP_OK) {
            assert_int_equal(write.size, cases[n].nops);
            for (i = 0; i < write.size / 4u; i++) {
                assert_int_equal(arch_word(&write, i), NOP);
            }
        }
    }
}

/* ---- Thumb --------------------------------------------------------------------------------------
 */

/* A place to patch that is Thumb code, or no instruction. */
static void test_place(void **state)
{
    struct arch_patch patch = {.old_size = 32, .offset = 1};
    struct hp_write write;

    (void)state;
    assert_int_equal(arch_capture(&rel, &patch, &write), HP_THUMB_CODE);
    patch.nops = 8;
    assert_int_equal(arch_capture(&rel, &patch, &write), HP_THUMB_CODE);
    patch.offset = 2;
    assert_int_equal(arch_capture(&rel, &patch, &write), HP_RECORD_OLD_ALIGN);
    patch.offset = 4;
    assert_int_equal(arch_capture(&rel, &patch, &write), HP_OK);
}

/* A Thumb function of the target, found by its name. */
static void test_thumb_target(void **state)
{
    struct hp_port *port = arch_port(&rel);
    struct eb_payload p = eb_payload_new(false, HP_EM_ARM, NULL);
    struct hp_payload payload;
    struct hp_diag diag;

    (void)state;
    tp_add_function(port, "thumb", rel.text + 0x2001, 64);
    eb_payload_function(&p, "thumb", 64);
    assert_int_equal(tp_load(port, &p, NULL, &payload, &diag), HP_THUMB_CODE);
    assert_int_equal(diag.stage, HP_STAGE_RECORDS);
    assert_string_equal(diag.name, "thumb");
    tp_free(port);
}

/* A symbol of the payload that says so. */
static void test_thumb_symbols(void **state)
{
    static const struct {
        const char *name;
        uint8_t type;
        uint64_t value;
        bool in_data;
        enum hp_status status;
    } cases[] = {
        {"f", HP_STT_FUNC, 0x11, false, HP_THUMB_CODE},
        {"f", HP_STT_FUNC, 0x10, false, HP_OK},
        {"f", HP_STT_NOTYPE, 0x11, false, HP_OK},
        {"$t", HP_STT_NOTYPE, 0x10, false, HP_THUMB_CODE},
        {"$t.1", HP_STT_NOTYPE, 0x10, false, HP_THUMB_CODE},
        {"$t", HP_STT_NOTYPE, 0, true, HP_OK}, /* in data it says nothing */
        {"$table", HP_STT_NOTYPE, 0x10, false, HP_OK},
        {"$a", HP_STT_NOTYPE, 0x10, false, HP_OK},
        {"$d.x", HP_STT_NOTYPE, 0x10, false, HP_OK},
    };
    size_t n;

    (void)state;
    for (n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
        struct hp_port *port = arch_port(&rel);
        struct hp_payload payload;
        struct hp_diag diag;
        uint32_t section;
        struct eb_payload p = arch_payload(&rel, &section);
        enum hp_status status;

        eb_symbol(p.b, cases[n].name, HP_STB_LOCAL, cases[n].type,
                  cases[n].in_data ? p.strings : section, cases[n].value, 0);
        status = tp_load(port, &p, NULL, &payload, &diag);
        assert_int_equal(status, cases[n].status);
        if (status == HP_OK) {
            hp_payload_unload(&payload);
        } else {
            assert_int_equal(diag.stage, HP_STAGE_SYMBOLS);
            assert_string_equal(diag.name, cases[n].name);
            assert_int_equal(hp_status_errno(status), HP_ERRNO_EOPNOTSUPP);
        }
        tp_free(port);
    }
}

/* Pointers with bit 0 set, of a record and of a hook. */
static void test_thumb_pointers(void **state)
{
    int is_hook;
    uint32_t bit;

    (void)state;
    for (is_hook = 0; is_hook < 2; is_hook++) {
        for (bit = 0; bit < 3; bit++) {
            enum hp_status wanted = is_hook ? HP_HOOK_POINTER : HP_RECORD_NEW_ADDR;
            struct hp_port *port = arch_port(&rel);
            struct hp_payload payload;
            struct hp_diag diag;
            uint32_t section;
            struct eb_payload p = arch_payload(&rel, &section);
            uint32_t symbol =
                eb_symbol(p.b, "x", HP_STB_LOCAL, HP_STT_NOTYPE, section, 0x20 + bit, 0);
            struct eb_record record = {.old_addr = rel.text, .old_size = 64, .new_symbol = symbol};
            enum hp_status status;

            if (is_hook) {
                eb_payload_hook(&p, HP_SPECIAL_HOOKS_LOAD, symbol);
            } else {
                eb_payload_record(&p, &record);
            }
            status = tp_load(port, &p, NULL, &payload, &diag);
            assert_int_equal(status, bit == 0 ? HP_OK : bit == 1 ? HP_THUMB_CODE : wanted);
            if (status == HP_OK) {
                hp_payload_unload(&payload);
            } else {
                assert_int_equal(diag.record, is_hook ? 0 : 1);
            }
            tp_free(port);
        }
    }
}

/* ---- 32 bits ------------------------------------------------------------------------------------
 */

/* Records of 52 and of 92 bytes; an expectation lies at the end of the longer one. */
static void test_records(void **state)
{
    static const uint8_t versions[] = {1, 2};
    static const uint32_t code[3] = {0x11111111, 0x22222222, 0};
    size_t n;

    (void)state;
    for (n = 0; n < 2; n++) {
        struct eb_payload p = eb_payload_new(false, HP_EM_ARM, NULL);
        struct hp_port *port = arch_port(&rel);
        struct eb_record nop = {.name = "target_function+0x20", .new_size = 8, .old_size = 16};
        struct hp_payload payload;
        struct hp_diag diag;

        p.version = versions[n];
        tp_poke(port, arch_function(&rel) + 0x20, code, sizeof(code));
        eb_payload_function(&p, "target_function", 24);
        nop.expect_control = versions[n] == 2 ? HP_PAYLOAD_EXPECT_CONTROL(5) : 0;
        memcpy(nop.expect, code, 5);
        eb_payload_record(&p, &nop);
        assert_int_equal(eb_size(p.b, p.funcs), versions[n] == 1 ? 2 * 52 : 2 * 92);
        assert_int_equal(tp_load(port, &p, NULL, &payload, &diag), HP_OK);
        assert_int_equal(payload.record_count, 2);
        assert_int_equal(payload.record_version, versions[n]);
        assert_int_equal(payload.records[0].old_addr, arch_function(&rel));
        assert_int_equal(payload.records[0].new_addr, rel.image);
        assert_int_equal(payload.records[0].old_size, 24);
        assert_int_equal(payload.records[1].old_addr, arch_function(&rel) + 0x20);
        assert_int_equal(payload.records[1].new_addr, 0);
        assert_int_equal(payload.records[1].expect_len, versions[n] == 2 ? 5 : 0);
        assert_int_equal(hp_plan_capture(&payload, NULL, 0, &diag), HP_OK);
        assert_int_equal(payload.write_count, 2);
        assert_memory_equal(payload.writes[1].old_bytes, code, 8);
        hp_payload_unload(&payload);
        tp_free(port);
    }
}

/* An expectation that does not hold, and reserved bytes at both ends of their field. */
static void test_record_defects(void **state)
{
    static const struct {
        uint32_t offset; /* in the record */
        uint8_t value;
        enum hp_status status;
    } cases[] = {
        {21, 1, HP_RECORD_RESERVED},
        {51, 1, HP_RECORD_RESERVED},
        {52, 1, HP_RECORD_RESERVED},
        {59, 1, HP_RECORD_RESERVED},
        {60, 0x40, HP_EXPECT_RESERVED},
        {20, 3, HP_RECORD_VERSION},
        {60, 0x03, HP_EXPECT_MISMATCH}, /* one byte, which is 0x55 there */
        {91, 1, HP_OK},
    };
    size_t n;

    (void)state;
    for (n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
        struct eb_payload p = eb_payload_new(false, HP_EM_ARM, NULL);
        struct hp_port *port = arch_port(&rel);
        struct hp_payload payload;
        struct hp_diag diag;
        enum hp_status status;

        tp_poke(port, arch_function(&rel), "\x55", 1);
        eb_payload_function(&p, "target_function", 24);
        eb_bytes(p.b, p.funcs)[cases[n].offset] = cases[n].value;
        status = tp_load(port, &p, NULL, &payload, &diag);
        if (status == HP_OK) {
            status = hp_plan_capture(&payload, NULL, 0, NULL);
            hp_payload_unload(&payload);
        }
        assert_int_equal(status, cases[n].status);
        tp_free(port);
    }
}

/* An image belongs below 4 GiB, wherever the target's text is. */
static void test_image_addresses(void **state)
{
    static const struct {
        uint64_t text;
        uint64_t image;
        uint64_t low; /* of the request */
        uint64_t high;
        enum hp_status status;
    } cases[] = {
        {0x60000000, 0x60100000, 0x5e010008, 0x61fffff8, HP_OK},
        {0x1000, 0x100000, 0, 0x2000ff8, HP_OK},
        {0xfff00000, 0xff000000, 0xfdf10008, 0xffffffff, HP_OK},
        {0x60000000, UINT64_C(0x100000000), 0x5e010008, 0x61fffff8, HP_IMAGE_MEMORY},
        {0x60000000, UINT64_C(0xfffff000), 0x5e010008, 0x61fffff8, HP_IMAGE_MEMORY},
    };
    size_t n;

    (void)state;
    for (n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
        struct arch_rig rig = {
            .is_rel = true, .machine = HP_EM_ARM, .text = cases[n].text, .image = cases[n].image};
        struct eb_payload p = eb_payload_new(false, HP_EM_ARM, NULL);
        struct hp_port *port = arch_port(&rig);
        struct hp_payload payload;
        struct hp_diag diag;
        enum hp_status status;

        eb_payload_function(&p, "target_function", 24);
        status = tp_load(port, &p, NULL, &payload, &diag);
        assert_int_equal(status, cases[n].status);
        assert_int_equal(port->request.low, cases[n].low);
        assert_int_equal(port->request.high, cases[n].high);
        if (status == HP_OK) {
            hp_payload_unload(&payload);
        }
        tp_free(port);
    }
}

/* Without a target: the field of a relocation and the record stay undecided, in 32 bits. */
static void test_undecided(void **state)
{
    struct hp_load_options options = {.size = sizeof(options), .allow_undecided = true};
    struct hp_port *port = arch_port(&rel);
    struct hp_payload payload;
    struct hp_diag diag;
    uint32_t section;
    struct eb_payload p = arch_payload(&rel, &section);
    uint32_t symbol = eb_undefined(p.b, "something");
    struct eb_record record = {.name = "a", .new_size = 4, .old_size = 8};
    uint32_t word;

    (void)state;
    port->no_target = true;
    eb_rel(p.b, section, 0x10, CALL, symbol);
    eb_payload_record(&p, &record);
    eb_rel(p.b, p.funcs, eb_record_offset(&p, 1) + 8, ABS32, symbol);
    assert_int_equal(tp_load(port, &p, &options, &payload, &diag), HP_OK);
    assert_int_equal(port->request.high, UINT32_MAX);
    assert_int_equal(payload.undecided.relocations, 2);
    assert_int_equal(payload.undecided.records, 2);
    memcpy(&word, tp_host(&payload, section) + 0x10, 4);
    assert_int_equal(word, UINT32_MAX);
    hp_payload_unload(&payload);
    tp_free(port);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_implicit_addends),
        cmocka_unit_test(test_explicit_addends),
        cmocka_unit_test(test_branch_edges),
        cmocka_unit_test(test_branch_destinations),
        cmocka_unit_test(test_got),
        cmocka_unit_test(test_got_base),
        cmocka_unit_test(test_refused_types),
        cmocka_unit_test(test_jump_edges),
        cmocka_unit_test(test_jump_wraps),
        cmocka_unit_test(test_nops),
        cmocka_unit_test(test_place),
        cmocka_unit_test(test_thumb_target),
        cmocka_unit_test(test_thumb_symbols),
        cmocka_unit_test(test_thumb_pointers),
        cmocka_unit_test(test_records),
        cmocka_unit_test(test_record_defects),
        cmocka_unit_test(test_image_addresses),
        cmocka_unit_test(test_undecided),
    };

    return cmocka_run_group_tests_name("arch_arm", tests, NULL, NULL);
}
