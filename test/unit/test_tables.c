/* SPDX-License-Identifier: BSD-2-Clause */
/* links: test_port */
/* Tables that the target acts on: what becomes of the image, and each entry that is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/span.h"
#include "test_port.h"

#define R_PC32    2u
#define TEXT_SIZE 256u
#define ALL_TABLES                                                                                 \
    (HP_TARGET_EX_TABLE | HP_TARGET_BUG_FRAMES | HP_TARGET_ALTERNATIVES | HP_TARGET_ALT_CALLS)

#define INVERT 0x8000u

static const uint8_t target_id[20] = {0xe0, 0xe1, 0xe2, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9,
                                      0xea, 0xeb, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf2, 0xf3};

/* A port that supports every table; its CPUs have the features with even numbers. */
static struct hp_port *new_port(void)
{
    struct hp_port *port = tp_new();

    port->target.flags |= ALL_TABLES;
    port->features = UINT64_C(0x5555555555555555);
    return port;
}

/* A payload with one function and .text of TEXT_SIZE bytes, INT3 after the function. */
static struct eb_payload new_payload(void)
{
    const struct eb_ids ids = {.depends = target_id, .depends_size = sizeof(target_id)};
    struct eb_payload p = eb_payload_new(true, HP_EM_X86_64, &ids);
    uint8_t code[TEXT_SIZE];

    eb_payload_function(&p, "target_function", TP_FUNCTION_SIZE);
    memset(code, 0xcc, sizeof(code));
    eb_append(p.b, p.text, 1, code, TEXT_SIZE - eb_size(p.b, p.text));
    return p;
}

/* Adds 32 bytes to .altinstr_replacement: 0xa0, 0xa1 and on, which are no branches. */
static void add_replacement(struct eb_payload *p)
{
    uint8_t code[32];
    size_t n;

    for (n = 0; n < sizeof(code); n++) {
        code[n] = (uint8_t)(0xa0 + n);
    }
    eb_append(p->b, eb_payload_table(p, HP_SPECIAL_ALTINSTR_REPLACEMENT), 4, code, sizeof(code));
}

static void accept(struct hp_port *port, struct eb_payload *p, struct hp_payload *payload)
{
    struct hp_diag diag;
    enum hp_status status = tp_load(port, p, NULL, payload, &diag);

    if (status) {
        char line[512];

        (void)hp_diag_format(&diag, line, sizeof(line));
        print_message("%s\n", line);
    }
    assert_int_equal(status, HP_OK);
}

/* Asserts a refusal for an entry of a table; returns what was said. */
static struct hp_diag refuse(struct hp_port *port, struct eb_payload *p, enum hp_special which,
                             uint32_t record, enum hp_status wanted)
{
    const uint32_t section = p->tables[which];
    struct hp_payload payload;
    struct hp_diag diag;

    assert_int_equal(tp_load(port, p, NULL, &payload, &diag), wanted);
    assert_int_equal(diag.stage, HP_STAGE_RECORDS);
    assert_int_equal(diag.section, section);
    assert_string_equal(diag.section_name, hp_special_name(which));
    assert_int_equal(diag.record, record);
    return diag;
}

/* The text of the image that was freed last must be as in the file: nothing was written. */
static void assert_text_unwritten(const struct hp_port *port)
{
    size_t n;

    assert_non_null(port->last_image);
    for (n = 16; n < TEXT_SIZE; n++) {
        assert_int_equal(port->last_image[n], 0xcc);
    }
}

/* ---- support --------------------------------------------------------------------------------- */

static const struct {
    enum hp_special which;
    uint32_t flag;
    uint32_t entry;
} kinds[] = {
    {HP_SPECIAL_ALTINSTRUCTIONS, HP_TARGET_ALTERNATIVES, 14},
    {HP_SPECIAL_ALT_CALL_SITES, HP_TARGET_ALT_CALLS, 4},
    {HP_SPECIAL_EX_TABLE, HP_TARGET_EX_TABLE, 8},
    {HP_SPECIAL_BUG_FRAMES_0, HP_TARGET_BUG_FRAMES, 8},
    {HP_SPECIAL_BUG_FRAMES_1, HP_TARGET_BUG_FRAMES, 8},
    {HP_SPECIAL_BUG_FRAMES_2, HP_TARGET_BUG_FRAMES, 8},
    {HP_SPECIAL_BUG_FRAMES_3, HP_TARGET_BUG_FRAMES, 16},
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* Each flag opens its own tables and no other. */
static void test_support(void **state)
{
    struct hp_port *port = new_port();
    size_t n;
    size_t flag;

    (void)state;
    for (n = 0; n < KINDS; n++) {
        for (flag = 0; flag < KINDS; flag++) {
            bool supported = kinds[n].flag == kinds[flag].flag;
            struct eb_payload p = new_payload();
            struct hp_diag diag;

            port->target.flags = kinds[flag].flag;
            eb_append(p.b, eb_payload_table(&p, kinds[n].which), 1, NULL, 3);
            diag = refuse(port, &p, kinds[n].which, HP_NO_INDEX,
                          supported ? HP_TABLE_SIZE : HP_SPECIAL_UNSUPPORTED);
            assert_int_equal(hp_status_errno(diag.status),
                             supported ? HP_ERRNO_EINVAL : HP_ERRNO_EOPNOTSUPP);
            if (supported) {
                assert_int_equal(diag.expected, kinds[n].entry);
                assert_int_equal(diag.actual, 3);
            }
            assert_int_equal(port->image_allocs, 0);
        }
    }
    tp_free(port);
}

/* One entry, and one byte less and more. */
static void test_sizes(void **state)
{
    struct hp_port *port = new_port();
    size_t n;

    (void)state;
    for (n = 0; n < KINDS; n++) {
        uint32_t size;

        for (size = kinds[n].entry - 1; size <= kinds[n].entry + 1; size += 2) {
            struct eb_payload p = new_payload();

            eb_append(p.b, eb_payload_table(&p, kinds[n].which), 1, NULL, size);
            (void)refuse(port, &p, kinds[n].which, HP_NO_INDEX, HP_TABLE_SIZE);
        }
    }
    tp_free(port);
}

/* Architectures without a table refuse it whatever the target says. */
static void test_no_such_table(void **state)
{
    static const struct {
        uint16_t machine;
        bool is64;
        enum hp_special which;
    } cases[] = {
        {HP_EM_AARCH64, true, HP_SPECIAL_ALT_CALL_SITES},
        {HP_EM_RISCV, true, HP_SPECIAL_ALTINSTRUCTIONS},
        {HP_EM_RISCV, true, HP_SPECIAL_ALT_CALL_SITES},
        {HP_EM_ARM, false, HP_SPECIAL_ALTINSTRUCTIONS},
        {HP_EM_ARM, false, HP_SPECIAL_ALT_CALL_SITES},
    };
    size_t n;

    (void)state;
    for (n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
        struct hp_port *port = new_port();
        struct eb_payload p = eb_payload_new(cases[n].is64, cases[n].machine, NULL);

        port->target.machine = cases[n].machine;
        eb_payload_function(&p, "target_function", TP_FUNCTION_SIZE);
        eb_append(p.b, eb_payload_table(&p, cases[n].which), 1, NULL, 84);
        (void)refuse(port, &p, cases[n].which, HP_NO_INDEX, HP_SPECIAL_UNSUPPORTED);
        tp_free(port);
    }
}

/* A payload for another build is refused for that; its tables may mean something else. */
static void test_order(void **state)
{
    struct hp_port *port = new_port();
    struct eb_payload p = new_payload();
    struct eb_payload other = eb_payload_new(true, HP_EM_X86_64, NULL);
    const struct eb_alternative broken = {.site = -1, .feature = 2, .site_size = 4, .size = 9};
    uint8_t id[20] = {0};
    const struct eb_ids ids = {.depends = id, .depends_size = sizeof(id)};
    struct hp_payload payload;
    struct hp_diag diag;

    (void)state;
    eb_free(other.b);
    other = eb_payload_new(true, HP_EM_X86_64, &ids);
    eb_payload_function(&other, "target_function", TP_FUNCTION_SIZE);
    eb_payload_alternative(&other, &broken);
    assert_int_equal(tp_load(port, &other, NULL, &payload, &diag), HP_TARGET_BUILD_ID);
    assert_int_equal(port->calls, 0);
    eb_payload_alternative(&p, &broken);
    (void)refuse(port, &p, HP_SPECIAL_ALTINSTRUCTIONS, 0, HP_ALT_LENGTH);
    tp_free(port);
}

/* ---- alternatives, x86 ----------------------------------------------------------------------- */

/* Loads one alternative and returns a copy of the text. */
static void load_alternative(struct hp_port *port, const struct eb_alternative *alt,
                             uint8_t text[TEXT_SIZE])
{
    struct eb_payload p = new_payload();
    struct hp_payload payload;

    add_replacement(&p);
    eb_payload_alternative(&p, alt);
    accept(port, &p, &payload);
    assert_int_equal(payload.alternatives.count, 1);
    assert_int_equal(payload.undecided.alternatives, 0);
    memcpy(text, payload.image.memory.host, TEXT_SIZE);
    hp_payload_unload(&payload);
}

/* Asserts that all of the text but [start, end) is as in the file. */
static void assert_only(const uint8_t text[TEXT_SIZE], size_t start, size_t end)
{
    size_t n;

    for (n = 16; n < TEXT_SIZE; n++) {
        if (n < start || n >= end) {
            assert_int_equal(text[n], 0xcc);
        }
    }
}

static void test_feature(void **state)
{
    static const uint8_t nop7[] = {0x0f, 0x1f, 0x80, 0, 0, 0, 0};
    static const struct {
        uint16_t feature;
        bool taken;
    } cases[] = {
        {2, true}, {3, false}, {62, true}, {63, false}, {2 | INVERT, false}, {3 | INVERT, true},
    };
    struct hp_port *port = new_port();
    size_t n;

    (void)state;
    for (n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
        const struct eb_alternative alt = {.site = 32,
                                           .replacement = 8,
                                           .feature = cases[n].feature,
                                           .site_size = 10,
                                           .size = 6,
                                           .pad = 3};
        uint8_t text[TEXT_SIZE];

        load_alternative(port, &alt, text);
        if (!cases[n].taken) {
            assert_only(text, 0, 0);
            continue;
        }
        assert_only(text, 32, 45);
        assert_int_equal(text[32], 0xa8);
        assert_int_equal(text[37], 0xad);
        assert_memory_equal(text + 38, nop7, sizeof(nop7));
    }
    tp_free(port);
}

/* Sites and replacements at the very edges of their sections. */
static void test_edges(void **state)
{
    static const struct eb_alternative cases[] = {
        {.site = 0, .replacement = 0, .site_size = 16, .size = 16},
        {.site = TEXT_SIZE - 8, .replacement = 0, .site_size = 8, .size = 8},
        {.site = TEXT_SIZE - 8, .replacement = 0, .site_size = 5, .size = 8, .pad = 3},
        {.site = TEXT_SIZE - 8, .replacement = 0, .site_size = 0, .size = 8, .pad = 8},
        {.site = 32, .replacement = 31, .site_size = 8, .size = 1},
        {.site = 32, .replacement = 32, .site_size = 8, .size = 0},
        {.site = 32, .replacement = 0, .site_size = 8, .size = 0},
        {.site = 0, .replacement = 0, .site_size = 255, .size = 32, .pad = 1},
    };
    struct hp_port *port = new_port();
    size_t n;

    (void)state;
    for (n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
        size_t end = (size_t)cases[n].site + cases[n].site_size + cases[n].pad;
        uint8_t text[TEXT_SIZE];
        size_t i;

        load_alternative(port, &cases[n], text);
        assert_only(text, (size_t)cases[n].site, end);
        for (i = 0; i < cases[n].size; i++) {
            assert_int_equal(text[cases[n].site + (int64_t)i],
                             0xa0 + (int)cases[n].replacement + (int)i);
        }
    }
    tp_free(port);
}

/* A zero-length replacement leaves NOPs: the longest ones. */
static void test_zero_length(void **state)
{
    static const uint8_t nops[] = {0x66, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0, 0x0f, 0x1f, 0x00, 0xcc};
    const struct eb_alternative alt = {.site = 40, .replacement = 32, .site_size = 12};
    struct hp_port *port = new_port();
    uint8_t text[TEXT_SIZE];

    (void)state;
    load_alternative(port, &alt, text);
    assert_memory_equal(text + 40, nops, sizeof(nops));
    tp_free(port);
}

static void test_bounds(void **state)
{
    static const struct {
        struct eb_alternative alt;
        enum hp_status status;
    } cases[] = {
        /* the site: before, straddling, after, behind the end, far away */
        {{.site = -8, .site_size = 8, .size = 8}, HP_ALT_SITE},
        {{.site = -1, .site_size = 8, .size = 8}, HP_ALT_SITE},
        {{.site = TEXT_SIZE - 7, .site_size = 8, .size = 8}, HP_ALT_SITE},
        {{.site = TEXT_SIZE - 8, .site_size = 8, .size = 8, .pad = 1}, HP_ALT_SITE},
        {{.site = TEXT_SIZE, .site_size = 8, .size = 8}, HP_ALT_SITE},
        {{.site = TEXT_SIZE + 100000, .site_size = 8, .size = 8}, HP_ALT_SITE},
        {{.site = INT32_MAX / 2, .site_size = 8, .size = 8}, HP_ALT_SITE},
        {{.site = INT32_MIN / 2, .site_size = 8, .size = 8}, HP_ALT_SITE},
        /* even for a feature that the CPU has not */
        {{.site = -8, .site_size = 8, .size = 8, .feature = 3}, HP_ALT_SITE},
        /* the replacement likewise; .text lies before it, and the padding behind it is nobody's */
        {{.site = 32, .replacement = -8, .site_size = 8, .size = 8}, HP_ALT_REPLACEMENT},
        {{.site = 32, .replacement = -1, .site_size = 8, .size = 8}, HP_ALT_REPLACEMENT},
        {{.site = 32, .replacement = -1, .site_size = 8, .size = 0}, HP_ALT_REPLACEMENT},
        {{.site = 32, .replacement = 25, .site_size = 8, .size = 8}, HP_ALT_REPLACEMENT},
        {{.site = 32, .replacement = 32, .site_size = 8, .size = 1}, HP_ALT_REPLACEMENT},
        {{.site = 32, .replacement = 33, .site_size = 8, .size = 0}, HP_ALT_REPLACEMENT},
        {{.site = 32, .replacement = INT32_MAX / 2, .site_size = 8, .size = 8}, HP_ALT_REPLACEMENT},
        {{.site = 32, .replacement = 25, .site_size = 8, .size = 8, .feature = 3},
         HP_ALT_REPLACEMENT},
        /* lengths */
        {{.site = 32, .site_size = 8, .size = 9}, HP_ALT_LENGTH},
        {{.site = 32, .site_size = 8, .size = 12, .pad = 3}, HP_ALT_LENGTH},
        {{.site = 32, .site_size = 0, .size = 1}, HP_ALT_LENGTH},
        {{.site = 32, .site_size = 8, .size = 9, .feature = 3}, HP_ALT_LENGTH},
        /* features */
        {{.site = 32, .site_size = 8, .size = 8, .feature = 64}, HP_ALT_FEATURE},
        {{.site = 32, .site_size = 8, .size = 8, .feature = 64 | INVERT}, HP_ALT_FEATURE},
        {{.site = 32, .site_size = 8, .size = 8, .feature = 0xffff}, HP_ALT_FEATURE},
    };
    const struct eb_alternative sound = {.site = 64, .site_size = 8, .size = 8};
    struct hp_port *port = new_port();
    size_t n;

    (void)state;
    for (n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
        struct eb_payload p = new_payload();
        struct hp_diag diag;

        add_replacement(&p);
        eb_payload_alternative(&p, &sound);
        eb_payload_alternative(&p, &cases[n].alt);
        diag = refuse(port, &p, HP_SPECIAL_ALTINSTRUCTIONS, 1, cases[n].status);
        assert_int_equal(hp_status_errno(diag.status), HP_ERRNO_EINVAL);
        if (diag.status == HP_ALT_LENGTH) {
            assert_int_equal(diag.expected, cases[n].alt.site_size + cases[n].alt.pad);
            assert_int_equal(diag.actual, cases[n].alt.size);
        }
        if (diag.status == HP_ALT_FEATURE) {
            assert_int_equal(diag.actual, cases[n].alt.feature & 0x7fff);
        }
        assert_text_unwritten(port); /* although the first entry is sound */
    }
    tp_free(port);
}

/* Sections that are no code of the payload, whatever flags they have. */
static void test_no_code(void **state)
{
    static const struct {
        const char *name;
        uint64_t flags;
        bool ok;
    } cases[] = {
        {".text.more", HP_SHF_ALLOC | HP_SHF_EXECINSTR, true},
        {".rodata.more", HP_SHF_ALLOC, false},
        {".data.more", HP_SHF_ALLOC | HP_SHF_WRITE, false},
        {".ex_table", HP_SHF_ALLOC | HP_SHF_EXECINSTR, false},
        {".modinfo", HP_SHF_ALLOC | HP_SHF_EXECINSTR, false},
        {".altinstr_replacement", HP_SHF_ALLOC | HP_SHF_EXECINSTR, false},
        {".altinstr_replacement", HP_SHF_ALLOC, false},
    };
    struct hp_port *port = new_port();
    size_t n;

    (void)state;
    for (n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
        struct eb_payload p = new_payload();
        const uint8_t tail[6] = {0, 0, 8, 8, 0, 0};
        uint32_t section =
            eb_section(p.b, cases[n].name, HP_SHT_PROGBITS, cases[n].flags, 8, NULL, 64);
        struct hp_payload payload;

        if (strcmp(cases[n].name, ".altinstr_replacement") == 0) {
            p.tables[HP_SPECIAL_ALTINSTR_REPLACEMENT] = section;
        } else {
            add_replacement(&p);
        }
        eb_payload_self(&p, HP_SPECIAL_ALTINSTRUCTIONS, section, 0, 0);
        eb_payload_self(&p, HP_SPECIAL_ALTINSTRUCTIONS, p.tables[HP_SPECIAL_ALTINSTR_REPLACEMENT],
                        8, 0);
        eb_append(p.b, p.tables[HP_SPECIAL_ALTINSTRUCTIONS], 1, tail, sizeof(tail));
        if (cases[n].ok) {
            accept(port, &p, &payload);
            assert_int_equal(tp_host(&payload, section)[0], 0xa8);
            hp_payload_unload(&payload);
        } else {
            (void)refuse(port, &p, HP_SPECIAL_ALTINSTRUCTIONS, 0, HP_ALT_SITE);
        }
    }
    tp_free(port);
}

static void test_no_replacement_section(void **state)
{
    static const uint8_t tail[6] = {2, 0, 8, 0, 0, 0};
    struct hp_port *port = new_port();
    struct eb_payload p = new_payload();

    (void)state;
    eb_payload_self(&p, HP_SPECIAL_ALTINSTRUCTIONS, p.text, 32, 0);
    eb_payload_self(&p, HP_SPECIAL_ALTINSTRUCTIONS, p.text, 64, 0);
    eb_append(p.b, p.tables[HP_SPECIAL_ALTINSTRUCTIONS], 1, tail, sizeof(tail));
    (void)refuse(port, &p, HP_SPECIAL_ALTINSTRUCTIONS, 0, HP_ALT_REPLACEMENT);
    tp_free(port);
}

/* Of several entries for one site the last that applies counts. */
static void test_several(void **state)
{
    const struct eb_alternative first = {.site = 32, .replacement = 0, .site_size = 8, .size = 8};
    const struct eb_alternative second = {
        .site = 32, .replacement = 8, .site_size = 8, .size = 4, .feature = 2};
    const struct eb_alternative third = {
        .site = 32, .replacement = 16, .site_size = 8, .size = 8, .feature = 3};
    static const uint8_t wanted[8] = {0xa8, 0xa9, 0xaa, 0xab, 0x0f, 0x1f, 0x40, 0};
    struct hp_port *port = new_port();
    struct eb_payload p = new_payload();
    struct hp_payload payload;

    (void)state;
    add_replacement(&p);
    eb_payload_alternative(&p, &first);
    eb_payload_alternative(&p, &second);
    eb_payload_alternative(&p, &third);
    accept(port, &p, &payload);
    assert_memory_equal(payload.image.memory.host + 32, wanted, sizeof(wanted));
    hp_payload_unload(&payload);
    tp_free(port);
}

/* ---- branches in replacements, x86 ----------------------------------------------------------- */

/*
 * Loads an alternative for 32 bytes of text whose replacement is `code`, with a PC-relative
 * relocation against the absolute address `to` at `field` (none when that is 0), and returns what
 * the site became.
 */
static enum hp_status load_branch(struct hp_port *port, const uint8_t *code, uint8_t size,
                                  uint32_t field, uint64_t to, uint8_t site[32])
{
    const struct eb_alternative alt = {.site = 32, .site_size = 32, .size = size, .feature = 2};
    struct eb_payload p = new_payload();
    uint32_t section = eb_payload_table(&p, HP_SPECIAL_ALTINSTR_REPLACEMENT);
    struct hp_payload payload;
    struct hp_diag diag;
    enum hp_status status;

    eb_append(p.b, section, 1, code, size);
    if (field != 0) {
        eb_rela(p.b, section, field, R_PC32,
                eb_symbol(p.b, "somewhere", HP_STB_LOCAL, HP_STT_NOTYPE, EB_ABS, to, 0), -4);
    }
    eb_payload_alternative(&p, &alt);
    status = tp_load(port, &p, NULL, &payload, &diag);
    if (status == HP_OK) {
        memcpy(site, payload.image.memory.host + 32, 32);
    } else {
        assert_int_equal(diag.stage, HP_STAGE_RECORDS);
        assert_int_equal(diag.record, 0);
    }
    hp_payload_unload(&payload);
    return status;
}

/* Where the branch whose displacement ends at `end` of the site leads. */
static uint64_t leads_to(const uint8_t *site, uint32_t end)
{
    return TP_IMAGE + 32 + end + (uint64_t)(int64_t)(int32_t)hp_le32(site + end - 4);
}

static void test_leading_branch(void **state)
{
    static const uint8_t opcodes[] = {0xe8, 0xe9};
    struct hp_port *port = new_port();
    size_t n;

    (void)state;
    for (n = 0; n < sizeof(opcodes); n++) {
        const uint8_t code[8] = {opcodes[n], 0, 0, 0, 0, 0x31, 0xc0, 0xc3};
        const uint8_t shorter[5] = {opcodes[n]};
        uint8_t site[32];

        assert_int_equal(load_branch(port, code, 8, 1, TP_FUNCTION, site), HP_OK);
        assert_int_equal(site[0], opcodes[n]);
        assert_int_equal(leads_to(site, 5), TP_FUNCTION);
        assert_memory_equal(site + 5, code + 5, 3);
        assert_int_equal(load_branch(port, shorter, 5, 1, TP_FUNCTION, site), HP_OK);
        assert_int_equal(leads_to(site, 5), TP_FUNCTION);
        assert_int_equal(site[5], 0x66); /* NOPs */
    }
    tp_free(port);
}

/* A branch to a place of the replacement, or to its end, moves along with it. */
static void test_inner_branch(void **state)
{
    struct hp_port *port = new_port();
    uint8_t displacement;

    (void)state;
    for (displacement = 0; displacement <= 4; displacement++) {
        const uint8_t code[8] = {0xe8, displacement, 0, 0, 0, 0x31, 0xc0, 0xc3};
        uint8_t site[32];

        assert_int_equal(load_branch(port, code, 8, 0, 0, site), HP_OK);
        if (displacement <= 3) {
            assert_memory_equal(site, code, sizeof(code));
        } else {
            /* one byte past the end is outside */
            assert_int_not_equal(site[1], displacement);
        }
    }
    tp_free(port);
}

/* The replacement reaches farther than the site: what counts is the site's displacement. */
static void test_branch_reach(void **state)
{
    const uint64_t last_up = TP_IMAGE + 32 + 5 + INT32_MAX;
    const uint8_t code[5] = {0xe8};
    struct hp_port *port = new_port();
    uint8_t site[32];

    (void)state;
    assert_int_equal(load_branch(port, code, 5, 1, last_up, site), HP_OK);
    assert_int_equal(leads_to(site, 5), last_up);
    assert_int_equal(load_branch(port, code, 5, 1, last_up + 1, site), HP_ALT_REACH);
    assert_int_equal(hp_status_errno(HP_ALT_REACH), HP_ERRNO_EOVERFLOW);
    assert_text_unwritten(port);
    /* where the feature decides against it nothing is asked */
    port->features = 0;
    assert_int_equal(load_branch(port, code, 5, 1, last_up + 1, site), HP_OK);
    tp_free(port);
}

static void test_return_thunk(void **state)
{
    static const uint8_t code[9] = {0x31, 0xc0, 0x31, 0xdb, 0xe9};
    static const uint8_t both[10] = {0xe8, 0, 0, 0, 0, 0xe9};
    struct hp_port *port = new_port();
    uint8_t plain[32];
    uint8_t site[32];

    (void)state;
    /* no thunk is known: the bytes are what they may be, an immediate */
    assert_int_equal(load_branch(port, code, 9, 5, TP_FUNCTION, plain), HP_OK);
    assert_int_not_equal(leads_to(plain, 9), TP_FUNCTION);
    /* it leads elsewhere */
    port->target.return_thunk = TP_FUNCTION + 1;
    assert_int_equal(load_branch(port, code, 9, 5, TP_FUNCTION, site), HP_OK);
    assert_memory_equal(site, plain, sizeof(site));
    /* it leads to the thunk */
    port->target.return_thunk = TP_FUNCTION;
    assert_int_equal(load_branch(port, code, 9, 5, TP_FUNCTION, site), HP_OK);
    assert_memory_equal(site, code, 5);
    assert_int_equal(leads_to(site, 9), TP_FUNCTION);
    /* behind a call that stays inside; then to the end of the replacement, which moves along */
    assert_int_equal(load_branch(port, both, 10, 6, TP_FUNCTION, site), HP_OK);
    assert_int_equal(leads_to(site, 10), TP_FUNCTION);
    assert_memory_equal(site, both, 6);
    assert_int_equal(load_branch(port, both + 1, 9, 0, 0, plain), HP_OK);
    port->target.return_thunk = TP_IMAGE + TEXT_SIZE + 9;
    assert_int_equal(load_branch(port, both + 1, 9, 0, 0, site), HP_OK);
    assert_memory_equal(site, plain, sizeof(site));
    tp_free(port);
}

/* An immediate that happens to begin with e9 and is none of a jump's displacement. */
static void test_immediate(void **state)
{
    static const uint8_t code[10] = {0x48, 0xb8, 1, 2, 3, 0xe9, 0x11, 0x22, 0x33, 0x44};
    struct hp_port *port = new_port();
    uint8_t site[32];

    (void)state;
    port->target.return_thunk = TP_FUNCTION;
    assert_int_equal(load_branch(port, code, sizeof(code), 0, 0, site), HP_OK);
    assert_memory_equal(site, code, sizeof(code));
    tp_free(port);
}

/* ---- alternative calls ----------------------------------------------------------------------- */

#define POINTERS (TP_TEXT + TP_TEXT_SIZE) /* two pointers of the target */

/* Adds the target's pointers: to target_function, and none. */
static void add_pointers(struct hp_port *port, uint64_t first)
{
    uint8_t bytes[16] = {0};

    hp_put_le64(bytes, first);
    tp_add_range(port, POINTERS, bytes, sizeof(bytes), 0);
}

/* An indirect call at `site` of the text through a pointer at an absolute address. */
static void add_call(struct eb_payload *p, uint64_t site, uint64_t pointer)
{
    static const uint8_t code[6] = {0xff, 0x15};

    memcpy(eb_bytes(p->b, p->text) + site, code, sizeof(code));
    eb_rela(p->b, p->text, site + 2, R_PC32,
            eb_symbol(p->b, "pointer", HP_STB_LOCAL, HP_STT_NOTYPE, EB_ABS, pointer, 0), -4);
    eb_payload_self(p, HP_SPECIAL_ALT_CALL_SITES, p->text, (int64_t)site, 0);
}

static void assert_call(const uint8_t *text, uint32_t site, uint64_t to)
{
    assert_int_equal(text[site], 0x2e);
    assert_int_equal(text[site + 1], 0xe8);
    assert_int_equal(TP_IMAGE + site + 6 + (uint64_t)(int64_t)(int32_t)hp_le32(text + site + 2),
                     to);
    assert_only(text, site, site + 6);
}

static void test_alt_call(void **state)
{
    static const uint64_t sites[] = {16, 100, TEXT_SIZE - 6};
    struct hp_port *port = new_port();
    size_t n;

    (void)state;
    add_pointers(port, TP_FUNCTION);
    for (n = 0; n < sizeof(sites) / sizeof(sites[0]); n++) {
        struct eb_payload p = new_payload();
        struct hp_payload payload;

        add_call(&p, sites[n], POINTERS);
        accept(port, &p, &payload);
        assert_int_equal(payload.alt_calls.count, 1);
        assert_call(payload.image.memory.host, (uint32_t)sites[n], TP_FUNCTION);
        hp_payload_unload(&payload);
    }
    tp_free(port);
}

/* A pointer of the payload's own is read after relocation. */
static void test_alt_call_own_pointer(void **state)
{
    struct hp_port *port = new_port();
    struct eb_payload p = new_payload();
    uint32_t section = eb_section(p.b, ".rodata.p", HP_SHT_PROGBITS, HP_SHF_ALLOC, 8, NULL, 16);
    struct hp_payload payload;

    (void)state;
    eb_rela(p.b, section, 8, 1, eb_undefined(p.b, "target_function"), 0);
    memcpy(eb_bytes(p.b, p.text) + 32, "\xff\x15", 2);
    eb_payload_self(&p, HP_SPECIAL_ALT_CALL_SITES, p.text, 32, 0);
    eb_rela(p.b, p.text, 34, R_PC32, eb_section_symbol(p.b, section), 8 - 4);
    accept(port, &p, &payload);
    assert_call(payload.image.memory.host, 32, TP_FUNCTION);
    hp_payload_unload(&payload);
    tp_free(port);
}

static void test_alt_call_reach(void **state)
{
    const uint64_t up = TP_IMAGE + 16 + 6 + INT32_MAX;
    const uint64_t down = TP_IMAGE + 16 + 6 - (UINT64_C(1) << 31);
    const struct {
        uint64_t to;
        bool ok;
    } cases[] = {{up, true}, {up + 1, false}, {down, true}, {down - 1, false}};
    size_t n;

    (void)state;
    for (n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
        struct hp_port *port = new_port();
        struct eb_payload p = new_payload();
        struct hp_payload payload;

        add_pointers(port, cases[n].to);
        add_call(&p, 16, POINTERS);
        if (cases[n].ok) {
            accept(port, &p, &payload);
            assert_call(payload.image.memory.host, 16, cases[n].to);
            hp_payload_unload(&payload);
        } else {
            struct hp_diag diag = refuse(port, &p, HP_SPECIAL_ALT_CALL_SITES, 0, HP_ALT_REACH);

            assert_int_equal(diag.expected, TP_IMAGE + 16);
            assert_int_equal(diag.actual, cases[n].to);
        }
        tp_free(port);
    }
}

static void test_alt_call_refused(void **state)
{
    static const struct {
        int64_t site;
        uint8_t opcode[2];
        uint64_t pointer;
        enum hp_status status;
    } cases[] = {
        {-6, {0xff, 0x15}, POINTERS, HP_ALT_CALL_SITE},
        {-1, {0xff, 0x15}, POINTERS, HP_ALT_CALL_SITE},
        {TEXT_SIZE - 5, {0xff, 0x15}, POINTERS, HP_ALT_CALL_SITE},
        {TEXT_SIZE, {0xff, 0x15}, POINTERS, HP_ALT_CALL_SITE},
        {64, {0xff, 0x25}, POINTERS, HP_ALT_CALL_SITE}, /* a jump */
        {64, {0xff, 0x14}, POINTERS, HP_ALT_CALL_SITE},
        {64, {0xfe, 0x15}, POINTERS, HP_ALT_CALL_SITE},
        {64, {0xcc, 0xcc}, POINTERS, HP_ALT_CALL_SITE},
        {16, {0xff, 0x15}, POINTERS, HP_ALT_CALL_SITE}, /* the first entry's */
        {64, {0xff, 0x15}, POINTERS + 8, HP_ALT_CALL_POINTER},
        {64, {0xff, 0x15}, POINTERS + 9, HP_TARGET_READ},
        {64, {0xff, 0x15}, TP_IMAGE + 0x100000, HP_TARGET_READ},
    };
    struct hp_port *port = new_port();
    size_t n;

    (void)state;
    add_pointers(port, TP_FUNCTION);
    for (n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
        struct eb_payload p = new_payload();
        bool inside = cases[n].site > 16 && cases[n].site <= (int64_t)TEXT_SIZE - 6;

        add_call(&p, 16, POINTERS);
        if (inside) {
            uint64_t site = (uint64_t)cases[n].site;

            memcpy(eb_bytes(p.b, p.text) + site, cases[n].opcode, 2);
            eb_rela(
                p.b, p.text, site + 2, R_PC32,
                eb_symbol(p.b, "other", HP_STB_LOCAL, HP_STT_NOTYPE, EB_ABS, cases[n].pointer, 0),
                -4);
        }
        eb_payload_self(&p, HP_SPECIAL_ALT_CALL_SITES, p.text, cases[n].site, 0);
        (void)refuse(port, &p, HP_SPECIAL_ALT_CALL_SITES, 1, cases[n].status);
    }
    tp_free(port);
}

/* A call into another payload binds this one to it, as a symbol of it would. */
static void test_alt_call_import(void **state)
{
    static const uint8_t id[20] = {1};
    const struct eb_ids ids = {
        .build_id = id, .build_id_size = sizeof(id), .depends = target_id, .depends_size = 20};
    struct hp_port *port = new_port();
    struct eb_payload p = eb_payload_new(true, HP_EM_X86_64, &ids);
    struct hp_payload first;
    struct hp_payload second;
    struct hp_payload third;
    struct hp_diag diag;
    const struct hp_payload *loaded[2] = {&second, &first};
    bool imported[2] = {false, false};
    const struct hp_load_options options = {
        .size = sizeof(options), .loaded = loaded, .loaded_count = 2, .imported = imported};
    uint8_t other[20] = {2};
    const struct eb_ids other_ids = {.build_id = other,
                                     .build_id_size = sizeof(other),
                                     .depends = target_id,
                                     .depends_size = 20};

    (void)state;
    eb_payload_function(&p, "target_function", TP_FUNCTION_SIZE);
    accept(port, &p, &first);
    p = eb_payload_new(true, HP_EM_X86_64, &other_ids);
    eb_payload_function(&p, "target_function", TP_FUNCTION_SIZE);
    accept(port, &p, &second);
    add_pointers(port, first.image.memory.addr);
    p = new_payload();
    add_call(&p, 16, POINTERS);
    assert_int_equal(tp_load(port, &p, &options, &third, &diag), HP_OK);
    assert_false(imported[0]);
    assert_true(imported[1]);
    hp_payload_unload(&third);
    hp_payload_unload(&second);
    hp_payload_unload(&first);
    tp_free(port);
}

/* The older form: an alternative "call ." at the site of an indirect call. */
static void test_call_to_itself(void **state)
{
    static const uint8_t self[5] = {0xe8, 0xfb, 0xff, 0xff, 0xff};
    static const uint8_t site[6] = {0xff, 0x15};
    struct hp_port *port = new_port();
    uint32_t pass;

    (void)state;
    add_pointers(port, TP_FUNCTION);
    for (pass = 0; pass < 4; pass++) {
        const struct eb_alternative alt = {
            .site = 32, .site_size = pass == 2 ? 5 : 6, .size = 5, .feature = pass == 1 ? 3 : 2};
        struct eb_payload p = new_payload();
        struct hp_payload payload;

        if (pass < 3) {
            memcpy(eb_bytes(p.b, p.text) + 32, site, sizeof(site));
            eb_rela(p.b, p.text, 34, R_PC32,
                    eb_symbol(p.b, "pointer", HP_STB_LOCAL, HP_STT_NOTYPE, EB_ABS, POINTERS, 0),
                    -4);
        }
        eb_append(p.b, eb_payload_table(&p, HP_SPECIAL_ALTINSTR_REPLACEMENT), 1, self,
                  sizeof(self));
        eb_payload_alternative(&p, &alt);
        if (pass >= 2) {
            (void)refuse(port, &p, HP_SPECIAL_ALTINSTRUCTIONS, 0, HP_ALT_CALL_SITE);
            continue;
        }
        accept(port, &p, &payload);
        if (pass == 0) {
            assert_call(payload.image.memory.host, 32, TP_FUNCTION);
        } else {
            assert_memory_equal(payload.image.memory.host + 32, site, 2);
        }
        hp_payload_unload(&payload);
    }
    tp_free(port);
}

/* ---- what cannot be decided ------------------------------------------------------------------ */

/* Offline the sites stay as they are, and everything about them is checked nevertheless. */
static void test_undecided(void **state)
{
    const struct hp_load_options allow = {.size = sizeof(allow), .allow_undecided = true};
    const struct eb_alternative sound = {.site = 64, .site_size = 8, .size = 8, .feature = 3};
    const struct eb_alternative broken = {.site = 64, .replacement = 30, .site_size = 8, .size = 8};
    struct hp_port *port = new_port();
    struct eb_payload p = new_payload();
    struct hp_payload payload;
    struct hp_diag diag;

    (void)state;
    add_pointers(port, TP_FUNCTION);
    tp_add_range(port, POINTERS, NULL, 8, TP_UNCERTAIN);
    port->no_features = true;
    add_replacement(&p);
    eb_payload_alternative(&p, &sound);
    eb_payload_alternative(&p, &sound);
    add_call(&p, 16, POINTERS);
    assert_int_equal(tp_load(port, &p, &allow, &payload, &diag), HP_OK);
    assert_int_equal(payload.undecided.alternatives, 3);
    assert_int_equal(payload.undecided.tables, 0);
    assert_int_equal(payload.image.memory.host[16], 0xff);
    assert_only(payload.image.memory.host, 16, 22);
    hp_payload_unload(&payload);

    p = new_payload();
    add_replacement(&p);
    eb_payload_alternative(&p, &sound);
    (void)refuse(port, &p, HP_SPECIAL_ALTINSTRUCTIONS, 0, HP_UNDECIDED);
    p = new_payload();
    add_call(&p, 16, POINTERS);
    (void)refuse(port, &p, HP_SPECIAL_ALT_CALL_SITES, 0, HP_UNDECIDED);
    p = new_payload();
    add_replacement(&p);
    eb_payload_alternative(&p, &broken);
    assert_int_equal(tp_load(port, &p, &allow, &payload, &diag), HP_ALT_REPLACEMENT);
    tp_free(port);
}

/* Undecided, a branch is encoded as if it were taken: it must reach. */
static void test_undecided_reach(void **state)
{
    const struct hp_load_options allow = {.size = sizeof(allow), .allow_undecided = true};
    const struct eb_alternative alt = {.site = 32, .site_size = 8, .size = 5, .feature = 3};
    const uint8_t code[5] = {0xe8};
    struct hp_port *port = new_port();
    uint32_t pass;

    (void)state;
    port->no_features = true;
    for (pass = 0; pass < 2; pass++) {
        struct eb_payload p = new_payload();
        uint32_t section = eb_payload_table(&p, HP_SPECIAL_ALTINSTR_REPLACEMENT);
        struct hp_payload payload;
        struct hp_diag diag;

        eb_append(p.b, section, 1, code, sizeof(code));
        eb_rela(p.b, section, 1, R_PC32,
                eb_symbol(p.b, "somewhere", HP_STB_LOCAL, HP_STT_NOTYPE, EB_ABS,
                          TP_IMAGE + 32 + 5 + INT32_MAX + pass, 0),
                -4);
        eb_payload_alternative(&p, &alt);
        assert_int_equal(tp_load(port, &p, &allow, &payload, &diag),
                         pass == 0 ? HP_OK : HP_ALT_REACH);
        if (pass == 0) {
            assert_only(payload.image.memory.host, 0, 0);
        }
        hp_payload_unload(&payload);
    }
    tp_free(port);
}

/* Without a target nobody knows whether it supports a table; its contents are checked. */
static void test_no_target(void **state)
{
    const struct hp_load_options allow = {.size = sizeof(allow), .allow_undecided = true};
    const struct eb_alternative alt = {.site = 64, .site_size = 8, .size = 8, .feature = 300};
    struct hp_port *port = new_port();
    uint32_t pass;

    (void)state;
    port->no_target = true;
    for (pass = 0; pass < 3; pass++) {
        struct eb_payload p = new_payload();
        struct hp_payload payload;
        struct hp_diag diag;

        add_replacement(&p);
        eb_payload_alternative(&p, &alt);
        eb_payload_self(&p, HP_SPECIAL_EX_TABLE, p.text, pass == 1 ? -1 : 16, 0);
        eb_payload_self(&p, HP_SPECIAL_EX_TABLE, p.text, 32, 0);
        eb_payload_self(&p, HP_SPECIAL_BUG_FRAMES_2, p.text, 16, 0);
        eb_payload_self(&p, HP_SPECIAL_BUG_FRAMES_2, p.text, 0, 0);
        /* a call through a pointer of the target that is not there */
        memcpy(eb_bytes(p.b, p.text) + 100, "\xff\x15", 2);
        eb_rela(p.b, p.text, 102, R_PC32, eb_undefined(p.b, "pointer"), -4);
        eb_payload_self(&p, HP_SPECIAL_ALT_CALL_SITES, p.text, 100, 0);
        if (pass == 2) {
            (void)refuse(port, &p, HP_SPECIAL_ALTINSTRUCTIONS, HP_NO_INDEX, HP_SPECIAL_UNSUPPORTED);
            continue;
        }
        assert_int_equal(tp_load(port, &p, &allow, &payload, &diag),
                         pass == 1 ? HP_EX_FAULT : HP_OK);
        if (pass == 0) {
            assert_int_equal(payload.undecided.tables, 4);
            assert_int_equal(payload.undecided.alternatives, 2);
        }
        hp_payload_unload(&payload);
    }
    tp_free(port);
}

/* ---- exception table ------------------------------------------------------------------------- */

static void add_exception(struct eb_payload *p, int64_t fault, int64_t fixup)
{
    eb_payload_self(p, HP_SPECIAL_EX_TABLE, p->text, fault, 0);
    eb_payload_self(p, HP_SPECIAL_EX_TABLE, p->text, fixup, 0);
}

/* What the self-relative word at `offset` of a table refers to, from the image's start. */
static uint32_t refers_to(const struct hp_payload *payload, const struct hp_table *table,
                          uint32_t offset)
{
    const uint32_t at = table->offset + offset;

    return at + hp_le32(payload->image.memory.host + at);
}

static void test_ex_table(void **state)
{
    /* shuffled; two for one address; the first and last byte of the text */
    static const int64_t entries[][2] = {{90, 10}, {16, 200}, {255, 0}, {90, 8},
                                         {0, 255}, {17, 17},  {60, 61}, {128, 2}};
    static const uint32_t sorted[][2] = {{0, 255}, {16, 200}, {17, 17}, {60, 61},
                                         {90, 8},  {90, 10},  {128, 2}, {255, 0}};
    struct hp_port *port = new_port();
    struct eb_payload p = new_payload();
    struct hp_payload payload;
    uint64_t fixup;
    uint32_t n;

    (void)state;
    for (n = 0; n < 8; n++) {
        add_exception(&p, entries[n][0], entries[n][1]);
    }
    accept(port, &p, &payload);
    assert_int_equal(payload.ex_table.count, 8);
    for (n = 0; n < 8; n++) {
        assert_int_equal(refers_to(&payload, &payload.ex_table, 8 * n), sorted[n][0]);
        assert_int_equal(refers_to(&payload, &payload.ex_table, 8 * n + 4), sorted[n][1]);
        assert_true(hp_payload_fixup(&payload, TP_IMAGE + sorted[n][0], &fixup));
        assert_int_equal(fixup, TP_IMAGE + (n == 5 ? 8 : sorted[n][1]));
    }
    fixup = 1;
    assert_false(hp_payload_fixup(&payload, TP_IMAGE + 1, &fixup));
    assert_false(hp_payload_fixup(&payload, TP_IMAGE + 254, &fixup));
    assert_false(hp_payload_fixup(&payload, TP_IMAGE + 256, &fixup));
    assert_false(hp_payload_fixup(&payload, 0, &fixup));
    assert_false(hp_payload_fixup(&payload, UINT64_MAX, &fixup));
    assert_int_equal(fixup, 1);
    hp_payload_unload(&payload);
    tp_free(port);
}

/* Many, in an order that is neither. */
static void test_ex_table_large(void **state)
{
    enum { COUNT = 4000 };
    struct hp_port *port = new_port();
    struct eb_payload p = new_payload();
    struct hp_payload payload;
    uint64_t fixup;
    uint32_t n;

    (void)state;
    eb_append(p.b, p.text, 1, NULL, COUNT);
    for (n = 0; n < COUNT; n++) {
        uint32_t at = n * 1237 % COUNT;

        add_exception(&p, TEXT_SIZE + at, COUNT - at);
    }
    accept(port, &p, &payload);
    for (n = 0; n < COUNT; n++) {
        assert_int_equal(refers_to(&payload, &payload.ex_table, 8 * n), TEXT_SIZE + n);
        assert_true(hp_payload_fixup(&payload, TP_IMAGE + TEXT_SIZE + n, &fixup));
        assert_int_equal(fixup, TP_IMAGE + COUNT - n);
    }
    hp_payload_unload(&payload);
    tp_free(port);
}

static void test_ex_table_refused(void **state)
{
    static const struct {
        int64_t fault;
        int64_t fixup;
        enum hp_status status;
    } cases[] = {
        {-1, 16, HP_EX_FAULT},
        {TEXT_SIZE, 16, HP_EX_FAULT},
        {INT32_MAX / 2, 16, HP_EX_FAULT},
        {INT32_MIN / 2, 16, HP_EX_FAULT},
        {16, -1, HP_EX_FIXUP},
        {16, TEXT_SIZE, HP_EX_FIXUP},
        {4096, 16, HP_EX_FAULT}, /* in the read-only region */
        {16, 4096, HP_EX_FIXUP},
    };
    struct hp_port *port = new_port();
    size_t n;

    (void)state;
    for (n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
        struct eb_payload p = new_payload();
        struct hp_diag diag;

        add_exception(&p, 20, 16);
        add_exception(&p, cases[n].fault, cases[n].fixup);
        diag = refuse(port, &p, HP_SPECIAL_EX_TABLE, 1, cases[n].status);
        assert_int_equal(hp_status_errno(diag.status), HP_ERRNO_EINVAL);
    }
    tp_free(port);
}

/* ---- bug frames ------------------------------------------------------------------------------ */

/* Adds a frame of x86: both displacements with a part of the line in their highest byte. */
static void add_bug(struct eb_payload *p, uint32_t kind, int64_t location, uint32_t line)
{
    const enum hp_special which = (enum hp_special)(HP_SPECIAL_BUG_FRAMES_0 + kind);

    eb_payload_self(p, which, p->text, location, line >> 8 << 24);
    eb_payload_self(p, which, p->strings, 4, line << 24);
    if (kind == 3) {
        eb_append(p->b, eb_payload_table(p, which), 1, NULL, 8);
    }
}

static void test_bug_frames(void **state)
{
    struct hp_port *port = new_port();
    struct eb_payload p = new_payload();
    struct hp_payload payload;
    struct hp_bug_frame frame;
    uint32_t kind;
    uint32_t n;

    (void)state;
    for (kind = 0; kind < HP_BUG_KINDS; kind++) {
        for (n = 0; n <= kind; n++) {
            add_bug(&p, kind, 16 + 16 * kind + n, 0x1234 + n);
        }
    }
    accept(port, &p, &payload);
    for (kind = 0; kind < HP_BUG_KINDS; kind++) {
        const uint32_t size = kind == 3 ? 16 : 8;

        assert_int_equal(payload.bug_frames[kind].count, kind + 1);
        for (n = 0; n <= kind; n++) {
            uint32_t at = payload.bug_frames[kind].offset + n * size;

            memset(&frame, 0xff, sizeof(frame));
            assert_true(hp_payload_bug_frame(&payload, TP_IMAGE + 16 + 16 * kind + n, &frame));
            assert_int_equal(frame.kind, kind);
            assert_int_equal(frame.addr, TP_IMAGE + at);
            assert_int_equal(frame.size, size);
            assert_memory_equal(frame.bytes, payload.image.memory.host + at, size);
            /* the location lies below the frame, which takes one from the line's part */
            assert_int_equal(frame.bytes[3], 0x11);
        }
        assert_false(hp_payload_bug_frame(&payload, TP_IMAGE + 16 + 16 * kind + n, &frame));
    }
    assert_false(hp_payload_bug_frame(&payload, 0, &frame));
    hp_payload_unload(&payload);
    tp_free(port);
}

static void test_bug_frames_refused(void **state)
{
    static const int64_t locations[] = {-1, TEXT_SIZE, 4096, 0x7fffff, -0x400000};
    struct hp_port *port = new_port();
    uint32_t kind;
    size_t n;

    (void)state;
    for (kind = 0; kind < HP_BUG_KINDS; kind++) {
        for (n = 0; n < sizeof(locations) / sizeof(locations[0]); n++) {
            struct eb_payload p = new_payload();

            add_bug(&p, kind, 16, 1);
            add_bug(&p, kind, locations[n], 1);
            (void)refuse(port, &p, (enum hp_special)(HP_SPECIAL_BUG_FRAMES_0 + kind), 1,
                         HP_BUG_ADDRESS);
        }
    }
    tp_free(port);
}

/* ---- Arm64 ----------------------------------------------------------------------------------- */

/* A port and a payload for it: .text of 256 bytes of NOPs at the image's start. */
static struct hp_port *new_arm64(struct eb_payload *p)
{
    const struct eb_ids ids = {.depends = target_id, .depends_size = sizeof(target_id)};
    static const uint8_t nop[4] = {0x1f, 0x20, 0x03, 0xd5};
    struct hp_port *port = new_port();

    port->target.machine = HP_EM_AARCH64;
    *p = eb_payload_new(true, HP_EM_AARCH64, &ids);
    eb_payload_function(p, "target_function", TP_FUNCTION_SIZE);
    while (eb_size(p->b, p->text) < TEXT_SIZE) {
        eb_append(p->b, p->text, 1, nop, sizeof(nop));
    }
    return port;
}

static enum hp_status load_arm64(const struct eb_alternative *alt, const uint32_t *insns,
                                 uint32_t count, uint32_t *site, struct hp_diag *diag)
{
    struct eb_payload p;
    struct hp_port *port = new_arm64(&p);
    struct hp_payload payload;
    enum hp_status status;
    uint32_t n;

    for (n = 0; n < count; n++) {
        uint8_t bytes[4];

        hp_put_le32(bytes, insns[n]);
        eb_append(p.b, eb_payload_table(&p, HP_SPECIAL_ALTINSTR_REPLACEMENT), 1, bytes, 4);
    }
    eb_payload_alternative(&p, alt);
    status = tp_load(port, &p, NULL, &payload, diag);
    for (n = 0; status == HP_OK && n < count; n++) {
        site[n] = hp_le32(payload.image.memory.host + alt->site + (size_t)4 * n);
    }
    hp_payload_unload(&payload);
    tp_free(port);
    return status;
}

/*
 * Each kind of branch in a replacement of three instructions at offset 256, moved to offset 128:
 * what leads out of it gains 128 bytes, what stays inside or leads to its end is not changed.
 */
static void test_arm64_branches(void **state)
{
    static const struct {
        uint32_t insn;
        uint32_t moved;
    } cases[] = {
        {0x14000003, 0x14000003 + 32}, /* b .+12: past the end */
        {0x14000002, 0x14000002},      /* b .+8: the end */
        {0x17ffffff, 0x17ffffff},      /* b .-4: the start */
        {0x17fffffe, 0x1400001e},      /* b .-8: before it */
        {0x94000100, 0x94000100 + 32}, /* bl .+1024 */
        {0x97ffff00, 0x97ffff20},      /* bl .-1024 */
        {0x54000801, 0x54000c01},      /* b.ne .+256 */
        {0x54000021, 0x54000021},      /* b.ne .+4 */
        {0x34000803, 0x34000c03},      /* cbz w3, .+256 */
        {0xb5000803, 0xb5000c03},      /* cbnz x3, .+256 */
        {0x36180805, 0x36180c05},      /* tbz w5, 3, .+256 */
        {0xb7180805, 0xb7180c05},      /* tbnz x5, 35, .+256 */
        {0x10000807, 0x10000c07},      /* adr x7, .+256 */
        {0x30000007, 0x30000007},      /* adr x7, .+1: inside */
        {0x90000007, 0x90000007},      /* adrp x7, .: the same page */
        {0xb0000007, 0xb0000007},      /* adrp x7, .+4096 */
        {0x58000809, 0x58000c09},      /* ldr x9, .+256 */
        {0x1c000809, 0x1c000c09},      /* ldr s9, .+256 */
        {0xd8000800, 0xd8000c00},      /* prfm pldl1keep, .+256 */
        {0xd503201f, 0xd503201f},      /* nop */
        {0xd65f03c0, 0xd65f03c0},      /* ret */
        {0xd61f0200, 0xd61f0200},      /* br x16 */
        {0xf9400289, 0xf9400289},      /* ldr x9, [x20] */
        {0xffffffff, 0xffffffff},
    };
    size_t n;

    (void)state;
    for (n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
        const struct eb_alternative alt = {.site = 128, .site_size = 12, .size = 12, .feature = 2};
        const uint32_t insns[3] = {0xaa0103e0, cases[n].insn, 0xaa0203e1};
        struct hp_diag diag;
        uint32_t site[3];

        assert_int_equal(load_arm64(&alt, insns, 3, site, &diag), HP_OK);
        assert_int_equal(site[0], insns[0]);
        assert_int_equal(site[1], cases[n].moved);
        assert_int_equal(site[2], insns[2]);
    }
}

/* ADRP counts pages: from another page it needs another number. */
static void test_arm64_adrp(void **state)
{
    static const uint8_t nop[4] = {0x1f, 0x20, 0x03, 0xd5};
    static const uint8_t adrp[4] = {0x07, 0x00, 0x00, 0xb0}; /* adrp x7, .+4096 */
    const struct eb_alternative alt = {.site = 128, .site_size = 4, .size = 4, .feature = 2};
    struct eb_payload p;
    struct hp_port *port = new_arm64(&p);
    struct hp_payload payload;

    (void)state;
    while (eb_size(p.b, p.text) < 4096) {
        eb_append(p.b, p.text, 1, nop, sizeof(nop));
    }
    eb_append(p.b, eb_payload_table(&p, HP_SPECIAL_ALTINSTR_REPLACEMENT), 1, adrp, 4);
    eb_payload_alternative(&p, &alt);
    accept(port, &p, &payload);
    assert_int_equal(hp_le32(payload.image.memory.host + 128), 0xd0000007); /* .+8192 */
    hp_payload_unload(&payload);
    tp_free(port);
}

/* The last displacement that still fits after the move, and the first that does not. */
static void test_arm64_reach(void **state)
{
    static const struct {
        uint32_t last;
        uint32_t step;
    } cases[] = {
        {0x15ffffff - 32, 1},             /* b */
        {0x95ffffff - 32, 1},             /* bl */
        {0x547fffe0 - (32 << 5), 1 << 5}, /* b.eq */
        {0x347fffe0 - (32 << 5), 1 << 5}, /* cbz */
        {0x3603ffe0 - (32 << 5), 1 << 5}, /* tbz */
        {0x707fffe0 - (32 << 5), 1 << 5}, /* adr: 128 bytes are 32 of its higher part */
        {0x587fffe0 - (32 << 5), 1 << 5}, /* ldr */
    };
    size_t n;

    (void)state;
    for (n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
        const struct eb_alternative alt = {.site = 128, .site_size = 4, .size = 4, .feature = 2};
        uint32_t insn = cases[n].last;
        struct hp_diag diag;
        uint32_t site;

        assert_int_equal(load_arm64(&alt, &insn, 1, &site, &diag), HP_OK);
        assert_int_equal(site, insn + 32 * cases[n].step);
        insn += cases[n].step;
        assert_int_equal(load_arm64(&alt, &insn, 1, &site, &diag), HP_ALT_REACH);
        assert_int_equal(diag.record, 0);
        assert_string_equal(diag.section_name, ".altinstructions");
    }
}

static void test_arm64_refused(void **state)
{
    static const struct {
        struct eb_alternative alt;
        enum hp_status status;
        enum hp_errno err;
    } cases[] = {
        {{.site = 128, .site_size = 8, .size = 0}, HP_ALT_CALLBACK, HP_ERRNO_EOPNOTSUPP},
        {{.site = 128, .site_size = 0, .size = 0}, HP_ALT_CALLBACK, HP_ERRNO_EOPNOTSUPP},
        {{.site = 128, .site_size = 8, .size = 4}, HP_ALT_LENGTH, HP_ERRNO_EINVAL},
        {{.site = 128, .site_size = 4, .size = 8}, HP_ALT_LENGTH, HP_ERRNO_EINVAL},
        {{.site = 128, .site_size = 6, .size = 6}, HP_ALT_LENGTH, HP_ERRNO_EINVAL},
        {{.site = 126, .site_size = 8, .size = 8}, HP_ALT_SITE, HP_ERRNO_EINVAL},
        {{.site = -4, .site_size = 8, .size = 8}, HP_ALT_SITE, HP_ERRNO_EINVAL},
        {{.site = TEXT_SIZE - 4, .site_size = 8, .size = 8}, HP_ALT_SITE, HP_ERRNO_EINVAL},
        {{.site = 128, .replacement = 2, .site_size = 8, .size = 8},
         HP_ALT_REPLACEMENT,
         HP_ERRNO_EINVAL},
        {{.site = 128, .replacement = 8, .site_size = 8, .size = 8},
         HP_ALT_REPLACEMENT,
         HP_ERRNO_EINVAL},
        /* no bit inverts */
        {{.site = 128, .site_size = 8, .size = 8, .feature = INVERT},
         HP_ALT_FEATURE,
         HP_ERRNO_EINVAL},
    };
    static const uint32_t insns[3] = {0xaa0103e0, 0xaa0103e0, 0xaa0203e1};
    size_t n;

    (void)state;
    for (n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
        struct hp_diag diag;
        uint32_t site[3];

        assert_int_equal(load_arm64(&cases[n].alt, insns, 3, site, &diag), cases[n].status);
        assert_int_equal(hp_status_errno(diag.status), cases[n].err);
        assert_int_equal(diag.record, 0);
        assert_string_equal(diag.section_name, ".altinstructions");
    }
}

/* Frames of 16 bytes, whose first word is a displacement alone; and the exception table. */
static void test_arm64_tables(void **state)
{
    struct eb_payload p;
    struct hp_port *port = new_arm64(&p);
    struct hp_payload payload;
    struct hp_bug_frame frame;
    uint64_t fixup;

    (void)state;
    eb_payload_self(&p, HP_SPECIAL_BUG_FRAMES_1, p.text, 64, 0);
    eb_append(p.b, p.tables[HP_SPECIAL_BUG_FRAMES_1], 1, "twelve bytes", 12);
    add_exception(&p, 32, 36);
    accept(port, &p, &payload);
    assert_true(hp_payload_bug_frame(&payload, TP_IMAGE + 64, &frame));
    assert_int_equal(frame.kind, 1);
    assert_int_equal(frame.size, 16);
    assert_memory_equal(frame.bytes + 4, "twelve bytes", 12);
    assert_true(hp_payload_fixup(&payload, TP_IMAGE + 32, &fixup));
    assert_int_equal(fixup, TP_IMAGE + 36);
    hp_payload_unload(&payload);
    tp_free(port);

    port = new_arm64(&p);
    add_exception(&p, 34, 36);
    (void)refuse(port, &p, HP_SPECIAL_EX_TABLE, 0, HP_EX_FAULT);
    tp_free(port);
    port = new_arm64(&p);
    eb_payload_self(&p, HP_SPECIAL_BUG_FRAMES_1, p.text, 66, 0);
    eb_append(p.b, p.tables[HP_SPECIAL_BUG_FRAMES_1], 1, NULL, 12);
    (void)refuse(port, &p, HP_SPECIAL_BUG_FRAMES_1, 0, HP_BUG_ADDRESS);
    tp_free(port);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_support),         cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_no_such_table),   cmocka_unit_test(test_order),
        cmocka_unit_test(test_feature),         cmocka_unit_test(test_edges),
        cmocka_unit_test(test_zero_length),     cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_no_code),         cmocka_unit_test(test_no_replacement_section),
        cmocka_unit_test(test_several),         cmocka_unit_test(test_leading_branch),
        cmocka_unit_test(test_inner_branch),    cmocka_unit_test(test_branch_reach),
        cmocka_unit_test(test_return_thunk),    cmocka_unit_test(test_immediate),
        cmocka_unit_test(test_alt_call),        cmocka_unit_test(test_alt_call_own_pointer),
        cmocka_unit_test(test_alt_call_reach),  cmocka_unit_test(test_alt_call_refused),
        cmocka_unit_test(test_alt_call_import), cmocka_unit_test(test_call_to_itself),
        cmocka_unit_test(test_undecided),       cmocka_unit_test(test_undecided_reach),
        cmocka_unit_test(test_no_target),       cmocka_unit_test(test_ex_table),
        cmocka_unit_test(test_ex_table_large),  cmocka_unit_test(test_ex_table_refused),
        cmocka_unit_test(test_bug_frames),      cmocka_unit_test(test_bug_frames_refused),
        cmocka_unit_test(test_arm64_branches),  cmocka_unit_test(test_arm64_adrp),
        cmocka_unit_test(test_arm64_reach),     cmocka_unit_test(test_arm64_refused),
        cmocka_unit_test(test_arm64_tables),
    };

    return cmocka_run_group_tests_name("tables", tests, NULL, NULL);
}
