/* SPDX-License-Identifier: BSD-2-Clause */
/* links: test_port */
/*
 * Arm64: every relocation type at the edges of its range, veneers, jumps, landing pads, NOPs and
 * mapping symbols. Numbers are those of aaelf64 and of the instruction descriptions.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arch_rules.h"

/* aaelf64 names without their prefix. */
enum {
    ABS64 = 257,
    ABS32,
    ABS16,
    PREL64,
    PREL32,
    PREL16,
    MOVW_UABS_G0,
    MOVW_UABS_G0_NC,
    MOVW_UABS_G1,
    MOVW_UABS_G1_NC,
    MOVW_UABS_G2,
    MOVW_UABS_G2_NC,
    MOVW_UABS_G3,
    MOVW_SABS_G0,
    MOVW_SABS_G1,
    MOVW_SABS_G2,
    LD_PREL_LO19,
    ADR_PREL_LO21,
    ADR_PREL_PG_HI21,
    ADR_PREL_PG_HI21_NC,
    ADD_ABS_LO12_NC,
    LDST8_ABS_LO12_NC,
    TSTBR14,
    CONDBR19,
    JUMP26 = 282,
    CALL26,
    LDST16_ABS_LO12_NC,
    LDST32_ABS_LO12_NC,
    LDST64_ABS_LO12_NC,
    MOVW_PREL_G0,
    MOVW_PREL_G0_NC,
    MOVW_PREL_G1,
    MOVW_PREL_G1_NC,
    MOVW_PREL_G2,
    MOVW_PREL_G2_NC,
    MOVW_PREL_G3,
    LDST128_ABS_LO12_NC = 299,
    ADR_GOT_PAGE = 311,
    LD64_GOT_LO12_NC,
    PLT32 = 314
};

#define NOP     0xd503201fu
#define BTI     0xd503241fu
#define BTI_C   0xd503245fu
#define BTI_J   0xd503249fu
#define BTI_JC  0xd50324dfu
#define PACIASP 0xd503233fu
#define PACIBSP 0xd503237fu

#define P2(n) (INT64_C(1) << (n))

/* In the middle of the address space, so that both ends of every range exist. */
static const struct arch_rig rig = {.is64 = true,
                                    .machine = HP_EM_AARCH64,
                                    .text = UINT64_C(0x0000a00000000000),
                                    .image = UINT64_C(0x0000a00000200000)};

#define FUNCTION (rig.text + 0x1000)

/* A number, and a field of an instruction. Bits that the value goes to are set before, so that one
 * left as it was shows. */
#define DATA(type_, width_, kind_, low_, high_)                                                    \
    {                                                                                              \
        .type = (type_), .width = (width_), .kind = (kind_), .low = (low_), .high = (high_),       \
        .step = 1, .bits = {                                                                       \
            {0, 8 * (width_), 0}                                                                   \
        }                                                                                          \
    }
#define FIELD(type_, kind_, low_, high_, step_, before_, ...)                                      \
    {                                                                                              \
        .type = (type_), .width = 4, .kind = (kind_), .low = (low_), .high = (high_),              \
        .step = (step_), .before = (before_), .bits = {                                            \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
/* MOVZ or MOVK of 16 bits from `shift` on, and the form that turns into a MOVN. */
#define MOVZ 0xd29fffe5u
#define MOVK 0xf29fffe5u
#define WIDE(type, kind, low, high, shift, before)                                                 \
    FIELD(type, kind, low, high, 1, before, {(shift), 16, 5})
#define SIGNED_WIDE(type_, kind_, low_, high_, shift_)                                             \
    {                                                                                              \
        .type = (type_), .width = 4, .kind = (kind_), .low = (low_), .high = (high_), .step = 1,   \
        .before = MOVZ, .negative = 0x40000000u, .invert = true, .bits = {                         \
            {(shift_), 16, 5}                                                                      \
        }                                                                                          \
    }

static const struct arch_rule rules[] = {
    DATA(ABS64, 8, ARCH_ABS, 0, 0),
    DATA(PREL64, 8, ARCH_PREL, 0, 0),
    DATA(ABS32, 4, ARCH_ABS, INT32_MIN, UINT32_MAX),
    DATA(PREL32, 4, ARCH_PREL, INT32_MIN, INT32_MAX),
    DATA(ABS16, 2, ARCH_ABS, INT16_MIN, UINT16_MAX),
    DATA(PREL16, 2, ARCH_PREL, INT16_MIN, INT16_MAX),
    WIDE(MOVW_UABS_G0, ARCH_ABS, 0, P2(16) - 1, 0, MOVZ),
    WIDE(MOVW_UABS_G1, ARCH_ABS, 0, P2(32) - 1, 16, MOVZ),
    WIDE(MOVW_UABS_G2, ARCH_ABS, 0, P2(48) - 1, 32, MOVZ),
    WIDE(MOVW_UABS_G0_NC, ARCH_ABS, 0, 0, 0, MOVK),
    WIDE(MOVW_UABS_G1_NC, ARCH_ABS, 0, 0, 16, MOVK),
    WIDE(MOVW_UABS_G2_NC, ARCH_ABS, 0, 0, 32, MOVK),
    WIDE(MOVW_UABS_G3, ARCH_ABS, 0, 0, 48, MOVK),
    SIGNED_WIDE(MOVW_SABS_G0, ARCH_ABS, -P2(16), P2(16) - 1, 0),
    SIGNED_WIDE(MOVW_SABS_G1, ARCH_ABS, -P2(32), P2(32) - 1, 16),
    SIGNED_WIDE(MOVW_SABS_G2, ARCH_ABS, -P2(48), P2(48) - 1, 32),
    SIGNED_WIDE(MOVW_PREL_G0, ARCH_PREL, -P2(16), P2(16) - 1, 0),
    SIGNED_WIDE(MOVW_PREL_G1, ARCH_PREL, -P2(32), P2(32) - 1, 16),
    SIGNED_WIDE(MOVW_PREL_G2, ARCH_PREL, -P2(48), P2(48) - 1, 32),
    WIDE(MOVW_PREL_G0_NC, ARCH_PREL, 0, 0, 0, MOVK),
    WIDE(MOVW_PREL_G1_NC, ARCH_PREL, 0, 0, 16, MOVK),
    WIDE(MOVW_PREL_G2_NC, ARCH_PREL, 0, 0, 32, MOVK),
    SIGNED_WIDE(MOVW_PREL_G3, ARCH_PREL, 0, 0, 48),
    FIELD(LD_PREL_LO19, ARCH_PREL, -P2(20), P2(20) - 4, 4, 0x58ffffe3, {2, 19, 5}),
    FIELD(ADR_PREL_LO21, ARCH_PREL, -P2(20), P2(20) - 1, 1, 0x70ffffe3, {0, 2, 29}, {2, 19, 5}),
    FIELD(ADR_PREL_PG_HI21, ARCH_PAGE, -P2(32), P2(32) - 4096, 4096, 0xf0ffffe3, {12, 2, 29},
          {14, 19, 5}),
    FIELD(ADR_PREL_PG_HI21_NC, ARCH_PAGE, 0, 0, 4096, 0xf0ffffe3, {12, 2, 29}, {14, 19, 5}),
    FIELD(ADD_ABS_LO12_NC, ARCH_ABS, 0, 0, 1, 0x913ffc85, {0, 12, 10}),
    FIELD(LDST8_ABS_LO12_NC, ARCH_ABS, 0, 0, 1, 0x397ffc85, {0, 12, 10}),
    /* The bits of the field above the value are 0. */
    FIELD(LDST16_ABS_LO12_NC, ARCH_ABS, 0, 0, 2, 0x795ffc85, {1, 11, 10}),
    FIELD(LDST32_ABS_LO12_NC, ARCH_ABS, 0, 0, 4, 0xb94ffc85, {2, 10, 10}),
    FIELD(LDST64_ABS_LO12_NC, ARCH_ABS, 0, 0, 8, 0xf947fc85, {3, 9, 10}),
    FIELD(LDST128_ABS_LO12_NC, ARCH_ABS, 0, 0, 16, 0x3dc3fc85, {4, 8, 10}),
    FIELD(TSTBR14, ARCH_PREL, -P2(15), P2(15) - 4, 4, 0x3707ffe3, {2, 14, 5}),
    FIELD(CONDBR19, ARCH_PREL, -P2(20), P2(20) - 4, 4, 0x54ffffe1, {2, 19, 5}),
};

static void test_edges(void **state)
{
    (void)state;
    arch_check_rules(&rig, rules, sizeof(rules) / sizeof(rules[0]));
}

/* The bits of a scaled load's field that its value does not reach are cleared, too. */
static void test_scaled_field(void **state)
{
    struct arch_case c = {LDST128_ABS_LO12_NC, 8, 4, 0x3dfffc85, 0xff0, 0};
    struct hp_port *port = arch_port(&rig);
    struct arch_result result;

    (void)state;
    arch_apply(port, &rig, &c, &result);
    assert_int_equal(result.status, HP_OK);
    assert_int_equal(result.field, 0x3dc3fc85);
    hp_payload_unload(&result.payload);
    tp_free(port);
}

/* An ADRP counts pages from its own page, wherever it stands in that. */
static void test_page_of_place(void **state)
{
    static const uint32_t places[] = {0, 0xff8, 0xffc};
    size_t n;

    (void)state;
    for (n = 0; n < 3; n++) {
        struct arch_case c = {ADR_PREL_PG_HI21,         places[n], 4, 0x90000000,
                              arch_place(&rig, 0x1fff), 0};
        struct hp_port *port = arch_port(&rig);
        struct arch_result result;

        arch_apply(port, &rig, &c, &result);
        assert_int_equal(result.status, HP_OK);
        assert_int_equal(result.field, 0xb0000000); /* one page on */
        hp_payload_unload(&result.payload);
        tp_free(port);
    }
}

static void test_erratum_843419(void **state)
{
    static const struct {
        uint32_t place;
        uint32_t flags;
        enum hp_status status;
    } cases[] = {
        {0xff4, HP_TARGET_ERRATUM_843419, HP_OK},
        {0xff8, HP_TARGET_ERRATUM_843419, HP_RELOC_ERRATUM},
        {0xffc, HP_TARGET_ERRATUM_843419, HP_RELOC_ERRATUM},
        {0x1000, HP_TARGET_ERRATUM_843419, HP_OK},
        {0xffc, HP_TARGET_BTI, HP_OK},
    };
    static const uint32_t types[] = {ADR_PREL_PG_HI21, ADR_PREL_PG_HI21_NC, ADR_GOT_PAGE};
    size_t n;
    size_t t;

    (void)state;
    for (n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
        for (t = 0; t < 3; t++) {
            struct arch_case c = {types[t], cases[n].place, 4, 0x90000000, rig.image, 0};
            struct hp_port *port = arch_port(&rig);
            struct arch_result result;

            port->target.flags = cases[n].flags;
            arch_apply(port, &rig, &c, &result);
            assert_int_equal(result.status, cases[n].status);
            if (result.status == HP_OK) {
                hp_payload_unload(&result.payload);
            }
            tp_free(port);
        }
    }
}

/* ---- branches and veneers ----------------------------------------------------------------------
 */

#define BRANCH_PLACE 0x10u

/* A branch that is in reach goes there, and no veneer is made. */
static void test_branch_edges(void **state)
{
    static const struct {
        uint32_t type;
        int64_t distance;
        uint32_t before;
        uint32_t after;
    } cases[] = {
        {CALL26, P2(27) - 4, 0x97ffffff, 0x95ffffff}, {CALL26, -P2(27), 0x94000000, 0x96000000},
        {CALL26, 4, 0x97ffffff, 0x94000001},          {JUMP26, P2(27) - 4, 0x17ffffff, 0x15ffffff},
        {JUMP26, -P2(27), 0x14000000, 0x16000000},    {JUMP26, -4, 0x14000000, 0x17ffffff},
        {PLT32, P2(31) - 1, 0, 0x7fffffff},           {PLT32, -P2(31), 0, 0x80000000},
    };
    size_t n;

    (void)state;
    for (n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
        struct arch_case c = {.type = cases[n].type,
                              .place = BRANCH_PLACE,
                              .width = 4,
                              .before = cases[n].before,
                              .addend = 0x30};
        struct hp_port *port = arch_port(&rig);
        struct arch_result result;

        c.symbol = arch_place(&rig, BRANCH_PLACE) + (uint64_t)cases[n].distance - 0x30;
        arch_apply(port, &rig, &c, &result);
        assert_int_equal(result.status, HP_OK);
        assert_int_equal(result.field, cases[n].after);
        assert_int_equal(result.payload.image.veneer_count, 1);
        assert_int_equal(result.payload.image.memory.host[result.payload.image.veneer_offset], 0);
        hp_payload_unload(&result.payload);
        tp_free(port);
    }
}

/* One that is not goes to a veneer behind the text, which goes there: ldr x16, . + 8; br x16. */
static void test_veneer_edges(void **state)
{
    static const struct {
        uint32_t type;
        int64_t distance;
        uint32_t fixed; /* bits of the instruction */
    } cases[] = {
        {CALL26, P2(27), 0x94000000},
        {CALL26, -P2(27) - 4, 0x94000000},
        {JUMP26, P2(27), 0x14000000},
        {JUMP26, -P2(27) - 4, 0x14000000},
        {CALL26, INT64_C(1) << 46, 0x94000000},
        {PLT32, P2(31), 0},
        {PLT32, -P2(31) - 4, 0},
    };
    static const uint8_t code[8] = {0x50, 0, 0, 0x58, 0, 0x02, 0x1f, 0xd6};
    size_t n;

    (void)state;
    for (n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
        struct arch_case c = {
            .type = cases[n].type, .place = BRANCH_PLACE, .width = 4, .before = cases[n].fixed};
        uint64_t place = arch_place(&rig, BRANCH_PLACE);
        struct hp_port *port = arch_port(&rig);
        struct arch_result result;
        const struct hp_image *image = &result.payload.image;
        uint64_t distance;

        c.symbol = place + (uint64_t)cases[n].distance;
        arch_apply(port, &rig, &c, &result);
        assert_int_equal(result.status, HP_OK);
        assert_int_equal(image->veneer_count, 1);
        assert_int_equal(image->veneer_size, 16);
        assert_int_equal(image->veneer_offset % 16, 0);
        assert_true(image->veneer_offset >= ARCH_SECTION + ARCH_SECTION_SIZE);
        assert_int_equal(image->regions[HP_REGION_TEXT].size, image->veneer_offset + 16);
        assert_memory_equal(image->memory.host + image->veneer_offset, code, sizeof(code));
        assert_memory_equal(image->memory.host + image->veneer_offset + 8, &c.symbol, 8);
        distance = rig.image + image->veneer_offset - place;
        assert_int_equal(result.field,
                         cases[n].fixed | (cases[n].type == PLT32 ? distance : distance >> 2));
        hp_payload_unload(&result.payload);
        tp_free(port);
    }
}

/* A branch to where no instruction can be is refused, near and far. */
static void test_misaligned_branch(void **state)
{
    static const int64_t distances[] = {2, -P2(27) + 1, P2(27) - 2};
    size_t n;

    (void)state;
    for (n = 0; n < 3; n++) {
        struct arch_case c = {
            .type = CALL26, .place = BRANCH_PLACE, .width = 4, .before = 0x94000000};
        struct hp_port *port = arch_port(&rig);
        struct arch_result result;

        c.symbol = arch_place(&rig, BRANCH_PLACE) + (uint64_t)distances[n];
        arch_apply(port, &rig, &c, &result);
        assert_int_equal(result.status, HP_RELOC_ALIGN);
        c.symbol = arch_place(&rig, BRANCH_PLACE) + (uint64_t)P2(27) + 2;
        arch_apply(port, &rig, &c, &result);
        assert_int_equal(result.status, HP_RELOC_OVERFLOW);
        tp_free(port);
    }
}

/* Several branches to several symbols: one veneer for each symbol, none for those of the payload.
 */
static void test_veneers_are_shared(void **state)
{
    static const uint64_t far[2] = {UINT64_C(0xffff000012345678), 0x1000};
    struct hp_port *port = arch_port(&rig);
    struct hp_payload payload;
    struct hp_diag diag;
    uint32_t section;
    uint32_t symbols[3];
    struct eb_payload p = arch_payload(&rig, &section);
    const uint8_t *veneers;
    uint32_t n;

    (void)state;
    tp_add_function(port, "far0", far[0], 64);
    tp_add_function(port, "far1", far[1], 64);
    symbols[0] = eb_undefined(p.b, "far0");
    symbols[1] = eb_undefined(p.b, "far1");
    symbols[2] = eb_symbol(p.b, "near", HP_STB_LOCAL, HP_STT_FUNC, section, 0x100, 4);
    for (n = 0; n < 12; n++) {
        memcpy(eb_bytes(p.b, section) + 4 * n, "\0\0\0\x94", 4);
        eb_rela(p.b, section, 4 * n, CALL26, symbols[n % 3], 0);
    }
    assert_int_equal(tp_load(port, &p, NULL, &payload, &diag), HP_OK);
    assert_int_equal(payload.image.veneer_count, 2);
    veneers = payload.image.memory.host + payload.image.veneer_offset;
    for (n = 0; n < 12; n++) {
        uint32_t insn;
        uint64_t dest = rig.image + payload.image.veneer_offset + 16 * (n % 3);

        if (n % 3 == 2) {
            dest = arch_place(&rig, 0x100);
        } else {
            assert_memory_equal(veneers + 16 * (n % 3) + 8, &far[n % 3], 8);
        }
        memcpy(&insn, tp_host(&payload, section) + 4 * n, 4);
        assert_int_equal(insn, 0x94000000 | (dest - arch_place(&rig, 4 * n)) >> 2);
    }
    hp_payload_unload(&payload);
    tp_free(port);
}

/* A veneer leads to one place: a second addend is out of reach. */
static void test_veneer_with_two_addends(void **state)
{
    struct hp_port *port = arch_port(&rig);
    struct hp_payload payload;
    struct hp_diag diag;
    uint32_t section;
    struct eb_payload p = arch_payload(&rig, &section);
    uint32_t symbol = eb_undefined(p.b, "far");

    (void)state;
    tp_add_function(port, "far", 0x1000, 64);
    eb_rela(p.b, section, 0, CALL26, symbol, 0);
    eb_rela(p.b, section, 4, CALL26, symbol, 8);
    assert_int_equal(tp_load(port, &p, NULL, &payload, &diag), HP_RELOC_OVERFLOW);
    assert_int_equal(diag.relocation, 1);
    tp_free(port);
}

/* ---- the GOT ------------------------------------------------------------------------------------
 */

static void test_got(void **state)
{
    struct hp_port *port = arch_port(&rig);
    struct hp_payload payload;
    struct hp_diag diag;
    uint32_t section;
    struct eb_payload p = arch_payload(&rig, &section);
    uint32_t symbol = eb_undefined(p.b, "target_function");
    uint32_t other = eb_symbol(p.b, "other", HP_STB_LOCAL, HP_STT_NOTYPE, EB_ABS, 0x1234, 0);
    uint64_t slot;
    uint64_t pages;
    uint32_t insn;
    uint64_t word;

    (void)state;
    memcpy(eb_bytes(p.b, section), "\0\0\0\x90\0\0\x40\xf9", 8); /* adrp x0; ldr x0, [x0] */
    eb_rela(p.b, section, 8, ADR_GOT_PAGE, other, 0);            /* takes the first slot */
    eb_rela(p.b, section, 0, ADR_GOT_PAGE, symbol, 0);
    eb_rela(p.b, section, 4, LD64_GOT_LO12_NC, symbol, 0);
    assert_int_equal(tp_load(port, &p, NULL, &payload, &diag), HP_OK);
    assert_int_equal(payload.image.got_count, 2);
    slot = rig.image + payload.image.got_offset + 8;
    memcpy(&word, payload.image.memory.host + payload.image.got_offset, 8);
    assert_int_equal(word, 0x1234);
    memcpy(&word, payload.image.memory.host + payload.image.got_offset + 8, 8);
    assert_int_equal(word, FUNCTION);
    pages = (slot >> 12) - (arch_place(&rig, 0) >> 12);
    memcpy(&insn, tp_host(&payload, section), 4);
    assert_int_equal(insn, 0x90000000 | (pages & 3) << 29 | pages >> 2 << 5);
    memcpy(&insn, tp_host(&payload, section) + 4, 4);
    assert_int_equal(insn, 0xf9400000 | (slot & 0xfff) >> 3 << 10);
    hp_payload_unload(&payload);
    tp_free(port);
}

static void test_got_addend(void **state)
{
    static const uint32_t types[] = {ADR_GOT_PAGE, LD64_GOT_LO12_NC};
    size_t n;

    (void)state;
    for (n = 0; n < 2; n++) {
        struct arch_case c = {types[n], 0, 4, 0x90000000, 0x1000, 8};
        struct hp_port *port = arch_port(&rig);
        struct arch_result result;

        arch_apply(port, &rig, &c, &result);
        assert_int_equal(result.status, HP_RELOC_ADDEND);
        tp_free(port);
    }
}

/* Types that are not for relocatable files, for TLS, or unknown. */
static void test_refused_types(void **state)
{
    static const struct {
        uint32_t type;
        const char *name;
    } cases[] = {
        {256, NULL},
        {281, NULL},
        {294, NULL},
        {300, "R_AARCH64_MOVW_GOTOFF_G0"},
        {309, "R_AARCH64_GOT_LD_PREL19"},
        {313, "R_AARCH64_LD64_GOTPAGE_LO15"},
        {315, "R_AARCH64_GOTPCREL32"},
        {512, "R_AARCH64_TLSGD_ADR_PREL21"},
        {551, "R_AARCH64_TLSLE_ADD_TPREL_LO12_NC"},
        {1024, NULL},
        {UINT32_MAX, NULL},
    };
    size_t n;

    (void)state;
    for (n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
        struct arch_case c = {cases[n].type, 0, 4, 0x90000000, 0x1000, 0};
        const char *name = hp_reloc_type_name(HP_EM_AARCH64, cases[n].type);
        struct hp_port *port = arch_port(&rig);
        struct arch_result result;

        arch_apply(port, &rig, &c, &result);
        assert_int_equal(result.status, HP_RELOC_TYPE);
        if (cases[n].name == NULL) {
            assert_null(name);
        } else {
            assert_string_equal(name, cases[n].name);
        }
        tp_free(port);
    }
    assert_string_equal(hp_reloc_type_name(HP_EM_AARCH64, 0), "R_AARCH64_NONE");
    assert_string_equal(hp_reloc_type_name(HP_EM_AARCH64, CALL26), "R_AARCH64_CALL26");
    assert_string_equal(hp_reloc_type_name(HP_EM_AARCH64, LDST128_ABS_LO12_NC),
                        "R_AARCH64_LDST128_ABS_LO12_NC");
    assert_string_equal(hp_reloc_type_name(HP_EM_AARCH64, PLT32), "R_AARCH64_PLT32");
}

/* ---- patching -----------------------------------------------------------------------------------
 */

/* The encoded displacement at its limits, with and without a landing pad in front. */
static void test_jump_edges(void **state)
{
    static const struct {
        uint32_t first;
        int64_t distance; /* from old_addr */
        uint32_t insn;    /* 0: out of reach */
    } cases[] = {
        {0, P2(27) - 4, 0x15ffffff},      {0, P2(27), 0},
        {0, -P2(27), 0x16000000},         {0, -P2(27) - 4, 0},
        {BTI_C, P2(27), 0x15ffffff},      {BTI_C, P2(27) + 4, 0},
        {BTI_C, -P2(27) + 4, 0x16000000}, {BTI_C, -P2(27), 0},
    };
    size_t n;

    (void)state;
    for (n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
        struct arch_patch patch = {
            .code = {cases[n].first}, .old_size = 64, .distance = cases[n].distance};
        struct hp_write write;
        enum hp_status status = arch_capture(&rig, &patch, &write);

        assert_int_equal(status, cases[n].insn != 0 ? HP_OK : HP_PATCH_REACH);
        if (status == HP_OK) {
            assert_int_equal(write.size, 4);
            assert_int_equal(write.pad, cases[n].first == 0 ? 0 : 4);
            assert_int_equal(arch_word(&write, 0), cases[n].insn);
        }
    }
}

/* Landing pads stay; instructions that sign the return address do not. */
static void test_landing_pads(void **state)
{
    static const struct {
        uint32_t code[2];
        uint32_t flags;
        uint32_t pad;
        uint32_t needed; /* of old_size */
        bool brings_pad;
    } cases[] = {
        {{NOP}, HP_TARGET_BTI, 0, 4, false},
        {{BTI}, 0, 4, 8, false},
        {{BTI_C}, 0, 4, 8, false},
        {{BTI_J}, 0, 4, 8, false},
        {{BTI_JC}, HP_TARGET_BTI, 4, 8, false},
        {{PACIASP}, 0, 0, 4, false},
        {{PACIBSP}, 0, 0, 4, false},
        {{PACIASP}, HP_TARGET_BTI, 0, 8, true},
        {{PACIBSP}, HP_TARGET_BTI, 0, 8, true},
        {{BTI_C, PACIASP}, HP_TARGET_BTI, 4, 8, false},
        {{NOP, BTI_C}, HP_TARGET_BTI, 0, 4, false},
        {{0xd503245e}, 0, 0, 4, false}, /* another hint */
        {{0xd503211f}, 0, 0, 4, false}, /* pacia1716 */
    };
    size_t n;

    (void)state;
    for (n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
        struct arch_patch patch = {.code = {cases[n].code[0], cases[n].code[1]},
                                   .old_size = cases[n].needed,
                                   .flags = cases[n].flags};
        struct hp_write write;
        uint64_t from;

        assert_int_equal(arch_capture(&rig, &patch, &write), HP_OK);
        assert_int_equal(write.pad, cases[n].pad);
        assert_int_equal(write.addr, FUNCTION + cases[n].pad);
        assert_int_equal(write.size, cases[n].needed - cases[n].pad);
        from = write.addr;
        if (cases[n].brings_pad) {
            assert_int_equal(arch_word(&write, 0), BTI_C);
            from += 4;
        }
        assert_int_equal(arch_word(&write, cases[n].brings_pad ? 1 : 0),
                         0x14000000 | (rig.image - from) >> 2);
        patch.old_size--;
        assert_int_equal(arch_capture(&rig, &patch, &write), HP_RECORD_OLD_SIZE);
    }
}

static void test_nops(void **state)
{
    static const struct {
        uint32_t code[2];
        uint32_t nops;
        enum hp_status status;
    } cases[] = {
        {{NOP}, 4, HP_OK},
        {{NOP}, 28, HP_OK},
        {{BTI_C}, 28, HP_OK},
        {{NOP}, 2, HP_NOP_SIZE},
        {{NOP}, 30, HP_NOP_SIZE},
        {{NOP}, 32, HP_NOP_TOO_LONG},
        {{PACIASP}, 8, HP_PATCH_SIGNING},
        {{BTI_C, PACIASP}, 8, HP_PATCH_SIGNING},
    };
    size_t n;
    size_t i;

    (void)state;
    for (n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
        struct arch_patch patch = {
            .code = {cases[n].code[0], cases[n].code[1]}, .nops = cases[n].nops, .old_size = 64};
        struct hp_write write;

        assert_int_equal(arch_capture(&rig, &patch, &write), cases[n].status);
        if (cases[n].status == HP_OK) {
            assert_int_equal(write.pad + write.size, cases[n].nops);
            for (i = 0; i < write.size / 4u; i++) {
                assert_int_equal(arch_word(&write, i), NOP);
            }
        }
    }
}

static void test_misaligned_place(void **state)
{
    struct arch_patch patch = {.old_size = 32, .offset = 2};
    struct hp_write write;

    (void)state;
    assert_int_equal(arch_capture(&rig, &patch, &write), HP_RECORD_OLD_ALIGN);
    patch.offset = 4;
    assert_int_equal(arch_capture(&rig, &patch, &write), HP_OK);
}

/* ---- symbols ------------------------------------------------------------------------------------
 */

/* Mapping symbols need not be new, even where local symbols must be, and are not exported. */
static void test_markers(void **state)
{
    static const char *const names[] = {"$x", "$d", "$x.1", "$d.foo"};
    struct hp_profile profile = hp_profile_default;
    struct hp_load_options options = {.size = sizeof(options), .profile = &profile};
    struct hp_port *port = arch_port(&rig);
    struct hp_payload payload;
    struct hp_diag diag;
    uint32_t section;
    struct eb_payload p = arch_payload(&rig, &section);
    size_t n;

    (void)state;
    profile.locals_must_be_new = true;
    for (n = 0; n < 4; n++) {
        tp_add_function(port, names[n], FUNCTION, 0);
        eb_symbol(p.b, names[n], HP_STB_LOCAL, HP_STT_NOTYPE, section, 0, 0);
        eb_symbol(p.b, names[n], HP_STB_GLOBAL, HP_STT_NOTYPE, section, 4, 0);
    }
    assert_int_equal(tp_load(port, &p, &options, &payload, &diag), HP_OK);
    assert_int_equal(payload.provided.count, 0);
    hp_payload_unload(&payload);
    p = arch_payload(&rig, &section);
    tp_add_function(port, "$xyz", FUNCTION, 0); /* a name that only looks like one */
    eb_symbol(p.b, "$xyz", HP_STB_LOCAL, HP_STT_NOTYPE, section, 0, 0);
    assert_int_equal(tp_load(port, &p, &options, &payload, &diag), HP_SYMBOL_EXISTS);
    tp_free(port);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_scaled_field),
        cmocka_unit_test(test_page_of_place),
        cmocka_unit_test(test_erratum_843419),
        cmocka_unit_test(test_branch_edges),
        cmocka_unit_test(test_veneer_edges),
        cmocka_unit_test(test_misaligned_branch),
        cmocka_unit_test(test_veneers_are_shared),
        cmocka_unit_test(test_veneer_with_two_addends),
        cmocka_unit_test(test_got),
        cmocka_unit_test(test_got_addend),
        cmocka_unit_test(test_refused_types),
        cmocka_unit_test(test_jump_edges),
        cmocka_unit_test(test_landing_pads),
        cmocka_unit_test(test_nops),
        cmocka_unit_test(test_misaligned_place),
        cmocka_unit_test(test_markers),
    };

    return cmocka_run_group_tests_name("arch_arm64", tests, NULL, NULL);
}
