/* SPDX-License-Identifier: BSD-2-Clause */
/* links: test_port */
/*
 * RISC-V 64: every relocation type at the edges of its range, the pairing of %pcrel_lo,
 * differences, jumps of both sizes, NOPs and mapping symbols. Bits are those of the ISA's
 * instruction formats.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arch_rules.h"

/* psABI names without their prefix. */
enum {
    NONE = 0,
    ABS32 = 1,
    ABS64 = 2,
    BRANCH = 16,
    JAL = 17,
    CALL = 18,
    CALL_PLT = 19,
    GOT_HI20 = 20,
    PCREL_HI20 = 23,
    PCREL_LO12_I = 24,
    PCREL_LO12_S = 25,
    HI20 = 26,
    LO12_I = 27,
    LO12_S = 28,
    ADD8 = 33,
    ADD16 = 34,
    ADD32 = 35,
    ADD64 = 36,
    SUB8 = 37,
    SUB16 = 38,
    SUB32 = 39,
    SUB64 = 40,
    ALIGN = 43,
    RVC_BRANCH = 44,
    RVC_JUMP = 45,
    RELAX = 51,
    SUB6 = 52,
    SET6 = 53,
    SET8 = 54,
    SET16 = 55,
    SET32 = 56,
    PCREL32 = 57
};

#define P2(n) (INT64_C(1) << (n))

/* In the middle of the address space, so that both ends of every range exist. */
static const struct arch_rig rig = {.is64 = true,
                                    .machine = HP_EM_RISCV,
                                    .text = UINT64_C(0x0000a00000000000),
                                    .image = UINT64_C(0x0000a00000200000)};

/* Range of AUIPC or LUI with an instruction that adds 12 signed bits. */
#define PAIR_LOW  (-P2(31) - 0x800)
#define PAIR_HIGH (P2(31) - 0x801)

#define RULE(type_, width_, kind_, low_, high_, step_, before_, round_, ...)                       \
    {                                                                                              \
        .type = (type_), .width = (width_), .kind = (kind_), .low = (low_), .high = (high_),       \
        .step = (step_), .before = (before_), .round = (round_), .bits = {                         \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }

/* Bits that the value goes to are set before, so that one left as it was shows. */
static const struct arch_rule rules[] = {
    RULE(ABS64, 8, ARCH_ABS, 0, 0, 1, 0, 0, {0, 64, 0}),
    RULE(ABS32, 4, ARCH_ABS, INT32_MIN, UINT32_MAX, 1, 0, 0, {0, 32, 0}),
    RULE(PCREL32, 4, ARCH_PREL, INT32_MIN, INT32_MAX, 1, 0, 0, {0, 32, 0}),
    RULE(BRANCH, 4, ARCH_PREL, -P2(12), P2(12) - 2, 2, 0xfeb51fe3, 0, {12, 1, 31}, {5, 6, 25},
         {1, 4, 8}, {11, 1, 7}),
    RULE(JAL, 4, ARCH_PREL, -P2(20), P2(20) - 2, 2, 0xfffff0ef, 0, {20, 1, 31}, {1, 10, 21},
         {11, 1, 20}, {12, 8, 12}),
    RULE(PCREL_HI20, 4, ARCH_PREL, PAIR_LOW, PAIR_HIGH, 1, 0xfffff517, 0x800, {12, 20, 12}),
    RULE(HI20, 4, ARCH_ABS, PAIR_LOW, PAIR_HIGH, 1, 0xfffff537, 0x800, {12, 20, 12}),
    RULE(LO12_I, 4, ARCH_ABS, 0, 0, 1, 0xfff50513, 0, {0, 12, 20}),
    RULE(LO12_S, 4, ARCH_ABS, 0, 0, 1, 0xfea53fa3, 0, {5, 7, 25}, {0, 5, 7}),
    RULE(RVC_BRANCH, 2, ARCH_PREL, -P2(8), P2(8) - 2, 2, 0xdd7d, 0, {8, 1, 12}, {3, 2, 10},
         {6, 2, 5}, {1, 2, 3}, {5, 1, 2}),
    RULE(RVC_JUMP, 2, ARCH_PREL, -P2(11), P2(11) - 2, 2, 0xbffd, 0, {11, 1, 12}, {4, 1, 11},
         {8, 2, 9}, {10, 1, 8}, {6, 1, 7}, {7, 1, 6}, {1, 3, 3}, {5, 1, 2}),
    RULE(SET8, 1, ARCH_ABS, 0, 0, 1, 0xff, 0, {0, 8, 0}),
    RULE(SET16, 2, ARCH_ABS, 0, 0, 1, 0xffff, 0, {0, 16, 0}),
    RULE(SET32, 4, ARCH_ABS, 0, 0, 1, 0xffffffff, 0, {0, 32, 0}),
    RULE(SET6, 1, ARCH_ABS, 0, 0, 1, 0xff, 0, {0, 6, 0}),
};

static void test_edges(void **state)
{
    (void)state;
    arch_check_rules(&rig, rules, sizeof(rules) / sizeof(rules[0]));
}

/* AUIPC and JALR, of which the second adds a signed number: the first is rounded. */
static void test_calls(void **state)
{
    static const struct {
        int64_t value;
        enum hp_status status;
        uint32_t auipc;
        uint32_t jalr;
    } cases[] = {
        {0x7fe, HP_OK, 0x00000097, 0x7fe080e7},
        {0x800, HP_OK, 0x00001097, 0x800080e7},
        {-0x800, HP_OK, 0x00000097, 0x800080e7},
        {-0x802, HP_OK, 0xfffff097, 0x7fe080e7},
        {PAIR_HIGH - 1, HP_OK, 0x7ffff097, 0x7fe080e7},
        {PAIR_LOW, HP_OK, 0x80000097, 0x800080e7},
        {PAIR_HIGH + 1, HP_RELOC_OVERFLOW, 0, 0},
        {PAIR_LOW - 2, HP_RELOC_OVERFLOW, 0, 0},
        {P2(40), HP_RELOC_OVERFLOW, 0, 0},
        {1, HP_RELOC_ALIGN, 0, 0},
    };
    static const uint32_t types[] = {CALL, CALL_PLT};
    size_t n;
    size_t t;

    (void)state;
    for (n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
        for (t = 0; t < 2; t++) {
            struct arch_case c = {.type = types[t],
                                  .place = 0x12,
                                  .width = 8,
                                  .before = UINT64_C(0xfff080e7fffff097),
                                  .addend = -8};
            struct hp_port *port = arch_port(&rig);
            struct arch_result result;

            c.symbol = arch_place(&rig, 0x12) + (uint64_t)cases[n].value + 8;
            arch_apply(port, &rig, &c, &result);
            assert_int_equal(result.status, cases[n].status);
            if (result.status == HP_OK) {
                assert_int_equal(result.field, (uint64_t)cases[n].jalr << 32 | cases[n].auipc);
                hp_payload_unload(&result.payload);
            }
            tp_free(port);
        }
    }
}

/* ---- %pcrel_lo ----------------------------------------------------------------------------------
 */

static uint32_t insn_at(const struct hp_payload *payload, uint32_t section, uint32_t offset)
{
    uint32_t insn;

    memcpy(&insn, tp_host(payload, section) + offset, 4);
    return insn;
}

static void put_insn(struct eb_payload *p, uint32_t section, uint32_t offset, uint32_t insn)
{
    memcpy(eb_bytes(p->b, section) + offset, &insn, 4);
}

/* auipc a0 at 0x20; addi at 0x10, in front of it, and sd behind it, take the low part. */
static void test_pairs(void **state)
{
    static const struct {
        int64_t value; /* symbol - place of the AUIPC */
        int64_t addend;
        uint32_t auipc;
        uint32_t addi;
        uint32_t sd;
    } cases[] = {
        {0x12345678, 0, 0x12345517, 0x67850513, 0x66a53c23},
        {0x12345878, 0, 0x12346517, 0x87850513, 0x86a53c23},
        {-4, 0, 0x00000517, 0xffc50513, 0xfea53e23},
        {0x12345670, 8, 0x12345517, 0x67850513, 0x66a53c23},
        {PAIR_HIGH, 0, 0x7ffff517, 0x7ff50513, 0x7ea53fa3},
        {PAIR_LOW, 0, 0x80000517, 0x80050513, 0x80a53023},
    };
    size_t n;

    (void)state;
    for (n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
        struct hp_port *port = arch_port(&rig);
        struct hp_payload payload;
        struct hp_diag diag;
        uint32_t section;
        struct eb_payload p = arch_payload(&rig, &section);
        uint32_t label = eb_symbol(p.b, ".Lhi", HP_STB_LOCAL, HP_STT_NOTYPE, section, 0x20, 0);
        uint32_t symbol = eb_symbol(p.b, "sym", HP_STB_LOCAL, HP_STT_NOTYPE, EB_ABS,
                                    arch_place(&rig, 0x20) + (uint64_t)cases[n].value, 0);

        put_insn(&p, section, 0x10, 0xfff50513);
        put_insn(&p, section, 0x20, 0xfffff517);
        put_insn(&p, section, 0x24, 0xfea53fa3);
        eb_rela(p.b, section, 0x10, PCREL_LO12_I, label, cases[n].addend);
        eb_rela(p.b, section, 0x20, PCREL_HI20, symbol, 0);
        eb_rela(p.b, section, 0x20, RELAX, 0, 0);
        eb_rela(p.b, section, 0x24, PCREL_LO12_S, label, cases[n].addend);
        assert_int_equal(tp_load(port, &p, NULL, &payload, &diag), HP_OK);
        assert_int_equal(insn_at(&payload, section, 0x10), cases[n].addi);
        assert_int_equal(insn_at(&payload, section, 0x20), cases[n].auipc);
        assert_int_equal(insn_at(&payload, section, 0x24), cases[n].sd);
        hp_payload_unload(&payload);
        tp_free(port);
    }
}

/* An addend that would need another AUIPC. */
static void test_pair_addend(void **state)
{
    struct hp_port *port = arch_port(&rig);
    struct hp_payload payload;
    struct hp_diag diag;
    uint32_t section;
    struct eb_payload p = arch_payload(&rig, &section);
    uint32_t label = eb_symbol(p.b, ".Lhi", HP_STB_LOCAL, HP_STT_NOTYPE, section, 0x20, 0);
    uint32_t symbol = eb_symbol(p.b, "sym", HP_STB_LOCAL, HP_STT_NOTYPE, EB_ABS,
                                arch_place(&rig, 0x20) + 0x7fc, 0);

    (void)state;
    eb_rela(p.b, section, 0x20, PCREL_HI20, symbol, 0);
    eb_rela(p.b, section, 0x24, PCREL_LO12_I, label, 3);
    eb_rela(p.b, section, 0x28, PCREL_LO12_I, label, 4);
    assert_int_equal(tp_load(port, &p, NULL, &payload, &diag), HP_RELOC_OVERFLOW);
    assert_int_equal(diag.relocation, 2);
    assert_int_equal(diag.expected, 0x7ff);
    assert_int_equal(diag.actual, 0x800);
    tp_free(port);
}

/* An entry that another refers to is checked before that other one looks at it. */
static void test_unsound_pair(void **state)
{
    static const struct {
        uint32_t symbol;
        uint64_t offset;
        enum hp_status status;
    } cases[] = {{UINT32_C(0x00ffffff), 0x20, HP_RELOC_SYMBOL_INDEX},
                 {0, 0x20, HP_RELOC_SYMBOL_ZERO},
                 {1, UINT64_C(1) << 40, HP_RELOC_OFFSET}};
    size_t n;

    (void)state;
    for (n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
        struct hp_port *port = arch_port(&rig);
        struct hp_payload payload;
        struct hp_diag diag;
        uint32_t section;
        struct eb_payload p = arch_payload(&rig, &section);
        uint32_t label = eb_symbol(p.b, ".Lhi", HP_STB_LOCAL, HP_STT_NOTYPE, section, 0x20, 0);

        eb_rela(p.b, section, 0x10, PCREL_LO12_I, label, 0);
        eb_rela_raw(p.b, section, cases[n].offset, PCREL_HI20, cases[n].symbol, 0);
        assert_int_equal(tp_load(port, &p, NULL, &payload, &diag), cases[n].status);
        assert_int_equal(diag.relocation, 1);
        tp_free(port);
    }
}

/* What a %pcrel_lo may not refer to. */
static void test_missing_pairs(void **state)
{
    enum { NOTHING, BESIDE, ELSEWHERE, OTHER_TYPE, KINDS };
    int kind;

    (void)state;
    for (kind = 0; kind < KINDS; kind++) {
        struct hp_port *port = arch_port(&rig);
        struct hp_payload payload;
        struct hp_diag diag;
        uint32_t section;
        struct eb_payload p = arch_payload(&rig, &section);
        uint32_t other = eb_section(p.b, ".text.other", HP_SHT_PROGBITS,
                                    HP_SHF_ALLOC | HP_SHF_EXECINSTR, 16, NULL, 0x40);
        uint32_t in = kind == ELSEWHERE ? other : section;
        uint32_t label = eb_symbol(p.b, ".Lhi", HP_STB_LOCAL, HP_STT_NOTYPE, in, 0x20, 0);
        uint32_t symbol = eb_symbol(p.b, "sym", HP_STB_LOCAL, HP_STT_NOTYPE, EB_ABS, rig.image, 0);

        if (kind == BESIDE || kind == ELSEWHERE) {
            eb_rela(p.b, other, 0x20, PCREL_HI20, symbol, 0);
        }
        eb_rela(p.b, section, 0x1c, PCREL_HI20, symbol, 0);
        eb_rela(p.b, section, 0x30, kind == OTHER_TYPE ? PCREL32 : PCREL_HI20, symbol, 0);
        if (kind == OTHER_TYPE) {
            eb_rela(p.b, section, 0x20, PCREL32, symbol, 0);
        }
        eb_rela(p.b, section, 0x34, PCREL_LO12_I, label, 0);
        assert_int_equal(tp_load(port, &p, NULL, &payload, &diag), HP_RELOC_PAIR);
        assert_int_equal(diag.reloc_type, PCREL_LO12_I);
        assert_string_equal(diag.name, ".Lhi");
        tp_free(port);
    }
}

/* Thousands of pairs whose entries stand in descending order find each other all the same. */
static void test_shuffled_pairs(void **state)
{
    enum { PAIRS = 4000 };
    struct hp_port *port = arch_port(&rig);
    struct hp_payload payload;
    struct hp_diag diag;
    struct eb_payload p = eb_payload_new(true, HP_EM_RISCV, NULL);
    uint32_t section = eb_section(p.b, ".text.field", HP_SHT_PROGBITS,
                                  HP_SHF_ALLOC | HP_SHF_EXECINSTR, TP_PAGE, NULL, PAIRS * 8);
    uint32_t symbol = eb_symbol(p.b, "sym", HP_STB_LOCAL, HP_STT_NOTYPE, EB_ABS, rig.image, 0);
    uint64_t base;
    uint32_t n;

    (void)state;
    eb_payload_function(&p, "target_function", TP_FUNCTION_SIZE);
    for (n = PAIRS; n-- > 0;) {
        uint32_t label = eb_symbol(p.b, ".Lhi", HP_STB_LOCAL, HP_STT_NOTYPE, section, 8 * n, 0);

        put_insn(&p, section, 8 * n, 0x00000517);
        put_insn(&p, section, 8 * n + 4, 0x00050513);
        eb_rela(p.b, section, 8 * n + 4, PCREL_LO12_I, label, 0);
        eb_rela(p.b, section, 8 * n, PCREL_HI20, symbol, n);
    }
    assert_int_equal(tp_load(port, &p, NULL, &payload, &diag), HP_OK);
    base = tp_addr(&payload, section);
    for (n = 0; n < PAIRS; n++) {
        uint32_t value = (uint32_t)(rig.image + n - (base + 8 * n));

        assert_int_equal(insn_at(&payload, section, 8 * n), ((value + 0x800) & ~0xfffu) | 0x517);
        assert_int_equal(insn_at(&payload, section, 8 * n + 4), value << 20 | 0x50513);
    }
    hp_payload_unload(&payload);
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
    uint32_t label = eb_symbol(p.b, ".Lhi", HP_STB_LOCAL, HP_STT_NOTYPE, section, 8, 0);
    uint64_t word;
    uint32_t value;

    (void)state;
    put_insn(&p, section, 8, 0x00000517);
    put_insn(&p, section, 12, 0x00053503); /* ld a0, 0(a0) */
    eb_rela(p.b, section, 8, GOT_HI20, symbol, 0);
    eb_rela(p.b, section, 12, PCREL_LO12_I, label, 0);
    assert_int_equal(tp_load(port, &p, NULL, &payload, &diag), HP_OK);
    assert_int_equal(payload.image.got_count, 1);
    memcpy(&word, payload.image.memory.host + payload.image.got_offset, 8);
    assert_int_equal(word, arch_function(&rig));
    value = (uint32_t)(rig.image + payload.image.got_offset - arch_place(&rig, 8));
    assert_int_equal(insn_at(&payload, section, 8), ((value + 0x800) & ~0xfffu) | 0x517);
    assert_int_equal(insn_at(&payload, section, 12), value << 20 | 0x53503);
    hp_payload_unload(&payload);
    tp_free(port);
}

static void test_got_addend(void **state)
{
    struct arch_case c = {GOT_HI20, 0, 4, 0x517, 0x1000, 8};
    struct hp_port *port = arch_port(&rig);
    struct arch_result result;

    (void)state;
    arch_apply(port, &rig, &c, &result);
    assert_int_equal(result.status, HP_RELOC_ADDEND);
    tp_free(port);
}

/* ---- differences and relaxation
 * ------------------------------------------------------------------ */

static void test_differences(void **state)
{
    static const struct {
        uint32_t add;
        uint32_t sub;
        unsigned width;
        uint64_t before;
        uint64_t after; /* before + 0x1234567887654321 - 0x1111 in that width */
    } cases[] = {
        {ADD8, SUB8, 1, 0xfe, 0x0e},
        {ADD16, SUB16, 2, 0xfffe, 0x320e},
        {ADD32, SUB32, 4, 0xfffffffe, 0x8765320e},
        {ADD64, SUB64, 8, UINT64_MAX - 1, UINT64_C(0x123456788765320e)},
        {SET6, SUB6, 1, 0xff, 0xd0},
        {SET8, SUB8, 1, 0xff, 0x10},
        {SET16, SUB16, 2, 0xffff, 0x3210},
        {SET32, SUB32, 4, 0xffffffff, 0x87653210},
    };
    size_t n;

    (void)state;
    for (n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
        struct hp_port *port = arch_port(&rig);
        struct hp_payload payload;
        struct hp_diag diag;
        uint32_t section;
        struct eb_payload p = arch_payload(&rig, &section);
        uint32_t a = eb_symbol(p.b, "a", HP_STB_LOCAL, HP_STT_NOTYPE, EB_ABS,
                               UINT64_C(0x1234567887654320), 0);
        uint32_t b = eb_symbol(p.b, "b", HP_STB_LOCAL, HP_STT_NOTYPE, EB_ABS, 0x1110, 0);
        uint8_t wanted[10];

        memcpy(eb_bytes(p.b, section) + 0x11, &cases[n].before, cases[n].width);
        eb_rela(p.b, section, 0x11, cases[n].add, a, 1);
        eb_rela(p.b, section, 0x11, cases[n].sub, b, 1);
        assert_int_equal(tp_load(port, &p, NULL, &payload, &diag), HP_OK);
        memset(wanted, ARCH_FILL, sizeof(wanted));
        memcpy(wanted + 1, &cases[n].after, cases[n].width);
        assert_memory_equal(tp_host(&payload, section) + 0x10, wanted, sizeof(wanted));
        hp_payload_unload(&payload);
        tp_free(port);
    }
}

/* NOPs for a linker to remove: right when what follows them is aligned as it is. */
static void test_align(void **state)
{
    static const struct {
        uint32_t place;
        int64_t nops;
        enum hp_status status;
    } cases[] = {
        {0x10, 0, HP_OK},           {0x12, 2, HP_OK},           {0x10, 2, HP_RELOC_RELAX},
        {0x1a, 6, HP_OK},           {0x18, 6, HP_RELOC_RELAX},  {0x1c, 4, HP_OK},
        {0x18, 4, HP_RELOC_RELAX},  {0x22, 14, HP_OK},          {0x26, 10, HP_OK},
        {0x24, 14, HP_RELOC_RELAX}, {0x10, -2, HP_RELOC_RELAX}, {0x10, INT64_MAX, HP_RELOC_RELAX},
    };
    size_t n;

    (void)state;
    for (n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
        struct hp_port *port = arch_port(&rig);
        struct hp_payload payload;
        struct hp_diag diag;
        uint32_t section;
        struct eb_payload p = arch_payload(&rig, &section);
        enum hp_status status;

        eb_rela(p.b, section, cases[n].place, ALIGN, 0, cases[n].nops);
        status = tp_load(port, &p, NULL, &payload, &diag);
        assert_int_equal(status, cases[n].status);
        if (status == HP_OK) {
            hp_payload_unload(&payload);
        }
        tp_free(port);
    }
}

static void test_refused_types(void **state)
{
    static const struct {
        uint32_t type;
        const char *name;
    } cases[] = {
        {3, "R_RISCV_RELATIVE"},
        {13, NULL},
        {29, "R_RISCV_TPREL_HI20"},
        {32, "R_RISCV_TPREL_ADD"},
        {42, NULL},
        {46, "R_RISCV_RVC_LUI"},
        {60, "R_RISCV_SET_ULEB128"},
        {61, "R_RISCV_SUB_ULEB128"},
        {65, "R_RISCV_TLSDESC_CALL"},
        {66, NULL},
        {UINT32_MAX, NULL},
    };
    size_t n;

    (void)state;
    for (n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
        struct arch_case c = {cases[n].type, 0, 4, 0x517, 0x1000, 0};
        const char *name = hp_reloc_type_name(HP_EM_RISCV, cases[n].type);
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
    assert_string_equal(hp_reloc_type_name(HP_EM_RISCV, NONE), "R_RISCV_NONE");
    assert_string_equal(hp_reloc_type_name(HP_EM_RISCV, PCREL_LO12_S), "R_RISCV_PCREL_LO12_S");
    assert_string_equal(hp_reloc_type_name(HP_EM_RISCV, PCREL32), "R_RISCV_32_PCREL");
}

/* ---- patching -----------------------------------------------------------------------------------
 */

/* JAL as far as that reaches, then AUIPC and JR; functions and patches at even addresses. */
static void test_jump_edges(void **state)
{
    static const struct {
        int64_t distance;
        uint32_t words[2]; /* the second 0: a JAL; both 0: out of reach */
    } cases[] = {
        {P2(20) - 2, {0x7ffff06f, 0}},
        {-P2(20), {0x8000006f, 0}},
        {0x1002, {0x0020106f, 0}},
        {P2(20), {0x00100317, 0x00030067}},
        {-P2(20) - 2, {0xfff00317, 0xffe30067}},
        {P2(30) + 0x800, {0x40001317, 0x80030067}},
        {PAIR_HIGH - 1, {0x7ffff317, 0x7fe30067}},
        {PAIR_HIGH + 1, {0, 0}},
        {PAIR_LOW, {0x80000317, 0x80030067}},
        {PAIR_LOW - 2, {0, 0}},
    };
    size_t n;
    uint64_t offset;

    (void)state;
    for (n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
        for (offset = 0; offset < 4; offset += 2) {
            struct arch_patch patch = {
                .old_size = 8, .offset = offset, .distance = cases[n].distance};
            struct hp_write write;
            enum hp_status status = arch_capture(&rig, &patch, &write);

            assert_int_equal(status, cases[n].words[0] != 0 ? HP_OK : HP_PATCH_REACH);
            if (status == HP_OK) {
                assert_int_equal(write.addr, arch_function(&rig) + offset);
                assert_int_equal(write.size, cases[n].words[1] != 0 ? 8 : 4);
                assert_int_equal(arch_word(&write, 0), cases[n].words[0]);
                assert_int_equal(arch_word(&write, 1), cases[n].words[1]);
                patch.old_size = write.size - 1;
                assert_int_equal(arch_capture(&rig, &patch, &write), HP_RECORD_OLD_SIZE);
            }
        }
    }
}

static void test_nops(void **state)
{
    static const struct {
        uint32_t nops;
        enum hp_status status;
    } cases[] = {
        {2, HP_OK},  {4, HP_OK},       {6, HP_OK},        {28, HP_OK},
        {30, HP_OK}, {3, HP_NOP_SIZE}, {31, HP_NOP_SIZE}, {32, HP_NOP_TOO_LONG},
    };
    static const uint8_t nop[4] = {0x13, 0, 0, 0};
    static const uint8_t c_nop[2] = {0x01, 0};
    size_t n;
    size_t i;

    (void)state;
    for (n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
        struct arch_patch patch = {.nops = cases[n].nops, .old_size = 64};
        struct hp_write write;

        assert_int_equal(arch_capture(&rig, &patch, &write), cases[n].status);
        if (cases[n].status != HP_OK) {
            continue;
        }
        assert_int_equal(write.size, cases[n].nops);
        for (i = 0; i + 4 <= write.size; i += 4) {
            assert_memory_equal(write.new_bytes + i, nop, 4);
        }
        if (i < write.size) {
            assert_memory_equal(write.new_bytes + i, c_nop, 2);
        }
    }
}

static void test_misaligned_place(void **state)
{
    struct arch_patch patch = {.old_size = 32, .offset = 1};
    struct hp_write write;

    (void)state;
    assert_int_equal(arch_capture(&rig, &patch, &write), HP_RECORD_OLD_ALIGN);
    patch.offset = 2;
    assert_int_equal(arch_capture(&rig, &patch, &write), HP_OK);
}

/* ---- symbols ------------------------------------------------------------------------------------
 */

/* Mapping symbols need not be new, even where local symbols must be, and are not exported. */
static void test_markers(void **state)
{
    static const char *const names[] = {"$x", "$d", "$x.1", "$d.foo", "$xrv64i2p1_c2p0"};
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
    for (n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
        tp_add_function(port, names[n], arch_function(&rig), 0);
        eb_symbol(p.b, names[n], HP_STB_LOCAL, HP_STT_NOTYPE, section, 0, 0);
        eb_symbol(p.b, names[n], HP_STB_GLOBAL, HP_STT_NOTYPE, section, 4, 0);
    }
    assert_int_equal(tp_load(port, &p, &options, &payload, &diag), HP_OK);
    assert_int_equal(payload.provided.count, 0);
    hp_payload_unload(&payload);
    p = arch_payload(&rig, &section);
    tp_add_function(port, "$xyz", arch_function(&rig), 0); /* only looks like one */
    eb_symbol(p.b, "$xyz", HP_STB_LOCAL, HP_STT_NOTYPE, section, 0, 0);
    assert_int_equal(tp_load(port, &p, &options, &payload, &diag), HP_SYMBOL_EXISTS);
    tp_free(port);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unsound_pair),
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_calls),
        cmocka_unit_test(test_pairs),
        cmocka_unit_test(test_pair_addend),
        cmocka_unit_test(test_missing_pairs),
        cmocka_unit_test(test_shuffled_pairs),
        cmocka_unit_test(test_got),
        cmocka_unit_test(test_got_addend),
        cmocka_unit_test(test_differences),
        cmocka_unit_test(test_align),
        cmocka_unit_test(test_refused_types),
        cmocka_unit_test(test_jump_edges),
        cmocka_unit_test(test_nops),
        cmocka_unit_test(test_misaligned_place),
        cmocka_unit_test(test_markers),
    };

    return cmocka_run_group_tests_name("arch_riscv64", tests, NULL, NULL);
}
