/* SPDX-License-Identifier: BSD-2-Clause */
/* links: test_port */
/*
 * x86-64 relocations: every type at the edges of its range, and everything that a relocation may be
 * refused for. What a refused one leaves behind is looked at in the image that the port got back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arch/arch.h"
#include "test_port.h"

/* psABI names without their prefix. */
enum {
    NONE = 0,
    ABS64 = 1,
    PC32 = 2,
    PLT32 = 4,
    GOTPCREL = 9,
    ABS32 = 10,
    ABS32S = 11,
    ABS16 = 12,
    PC16 = 13,
    ABS8 = 14,
    PC8 = 15,
    PC64 = 24,
    GOTPCRELX = 41,
    REX_GOTPCRELX = 42
};

/*
 * The field under test: 8 bytes at FIELD of section ".text.field", which lies at FIELD_SECTION of
 * the image; all other bytes of the section are FILL.
 */
#define FILL          0x5a
#define SECTION_SIZE  48u
#define FIELD         16u
#define FIELD_SECTION 0x100u
#define PLACE         (TP_IMAGE + FIELD_SECTION + FIELD)

/* A payload with the section, in front of the GOT's page, and nothing in it relocated yet. */
static struct eb_payload with_field(uint32_t *section)
{
    struct eb_payload p = eb_payload_new(true, HP_EM_X86_64, NULL);
    uint8_t bytes[SECTION_SIZE];

    memset(bytes, FILL, sizeof(bytes));
    eb_payload_function(&p, "target_function", TP_FUNCTION_SIZE);
    *section = eb_section(p.b, ".text.field", HP_SHT_PROGBITS, HP_SHF_ALLOC | HP_SHF_EXECINSTR,
                          FIELD_SECTION, bytes, sizeof(bytes));
    return p;
}

/* Asserts the section's bytes: `width` bytes of `value` at the field, FILL around them. */
static void assert_field(const uint8_t *section, unsigned width, uint64_t value)
{
    uint8_t wanted[SECTION_SIZE];
    unsigned n;

    memset(wanted, FILL, sizeof(wanted));
    for (n = 0; n < width; n++) {
        wanted[FIELD + n] = (uint8_t)(value >> (8 * n));
    }
    assert_memory_equal(section, wanted, sizeof(wanted));
}

/* How a type computes and what it takes; the bounds are those of the psABI. */
struct rule {
    uint32_t type;
    unsigned width;
    bool relative; /* to the place */
    bool any;      /* no range */
    int64_t low;
    int64_t high;
};

static const struct rule rules[] = {
    {ABS64, 8, false, true, 0, 0},
    {PC64, 8, true, true, 0, 0},
    {ABS32, 4, false, false, 0, UINT32_MAX},
    {ABS32S, 4, false, false, INT32_MIN, INT32_MAX},
    {PC32, 4, true, false, INT32_MIN, INT32_MAX},
    {PLT32, 4, true, false, INT32_MIN, INT32_MAX},
    {ABS16, 2, false, false, INT16_MIN, UINT16_MAX},
    {PC16, 2, true, false, INT16_MIN, INT16_MAX},
    {ABS8, 1, false, false, INT8_MIN, UINT8_MAX},
    {PC8, 1, true, false, INT8_MIN, INT8_MAX},
};

/* Applies one relocation whose value is `value`, by a symbol that makes up for the addend. */
static void apply(const struct rule *rule, int64_t value, int64_t addend)
{
    const uint64_t base = (uint64_t)value - (uint64_t)addend + (rule->relative ? PLACE : 0);
    const bool good = rule->any || (value >= rule->low && value <= rule->high);
    struct hp_port *port = tp_new();
    struct hp_payload payload;
    struct hp_diag diag;
    uint32_t section;
    struct eb_payload p = with_field(&section);
    uint32_t symbol = eb_symbol(p.b, "sym", HP_STB_LOCAL, HP_STT_NOTYPE, EB_ABS, base, 0);

    eb_rela(p.b, section, SECTION_SIZE, NONE, symbol, 0); /* the failing entry is not the first */
    eb_rela(p.b, section, FIELD, rule->type, symbol, addend);
    if (good) {
        assert_int_equal(tp_load(port, &p, NULL, &payload, &diag), HP_OK);
        assert_int_equal(tp_addr(&payload, section), TP_IMAGE + FIELD_SECTION);
        assert_field(tp_host(&payload, section), rule->width, (uint64_t)value);
        hp_payload_unload(&payload);
    } else {
        uint64_t bound = (uint64_t)(value < rule->low ? rule->low : rule->high);

        if (rule->type == ABS32) { /* the value of a zero-extended field has no lower bound */
            bound = UINT32_MAX;
        }
        assert_int_equal(tp_load(port, &p, NULL, &payload, &diag), HP_RELOC_OVERFLOW);
        assert_field(port->last_image + FIELD_SECTION, 0, 0);
        assert_int_equal(diag.stage, HP_STAGE_RELOC);
        assert_string_equal(diag.section_name, ".rela.text.field");
        assert_int_equal(diag.relocation, 1);
        assert_int_equal(diag.reloc_type, rule->type);
        assert_int_equal(diag.machine, HP_EM_X86_64);
        assert_int_equal(diag.offset, FIELD);
        assert_string_equal(diag.name, "sym");
        assert_true(diag.has_numbers);
        assert_int_equal(diag.expected, bound);
        assert_int_equal(diag.actual, (uint64_t)value);
        assert_int_equal(hp_status_errno(diag.status), HP_ERRNO_EOVERFLOW);
    }
    tp_free(port);
}

static void test_edges(void **state)
{
    static const int64_t addends[] = {0, -4, INT64_C(0x7fffffff12345678), INT64_MIN};
    size_t r;
    size_t a;

    (void)state;
    for (r = 0; r < sizeof(rules) / sizeof(rules[0]); r++) {
        const struct rule *rule = &rules[r];

        for (a = 0; a < sizeof(addends) / sizeof(addends[0]); a++) {
            apply(rule, 0, addends[a]);
            apply(rule, -1, addends[a]);
            apply(rule, 1, addends[a]);
            apply(rule, INT64_MIN, addends[a]);
            apply(rule, INT64_MAX, addends[a]);
            if (!rule->any) {
                apply(rule, rule->low, addends[a]);
                apply(rule, rule->low - 1, addends[a]);
                apply(rule, rule->high, addends[a]);
                apply(rule, rule->high + 1, addends[a]);
                /* low bits that would fit if the high ones were dropped */
                apply(rule, INT64_C(0x0123456700000000) + 5, addends[a]);
            }
        }
    }
}

/* The field may touch the end of its section and no more. */
static void test_offsets(void **state)
{
    size_t r;

    (void)state;
    for (r = 0; r < sizeof(rules) / sizeof(rules[0]); r++) {
        const struct rule *rule = &rules[r];
        const uint64_t offsets[] = {
            SECTION_SIZE - rule->width, SECTION_SIZE - rule->width + 1, SECTION_SIZE,
            UINT64_C(1) << 32,          UINT64_MAX - rule->width + 1,   UINT64_MAX};
        size_t n;

        for (n = 0; n < sizeof(offsets) / sizeof(offsets[0]); n++) {
            struct hp_port *port = tp_new();
            struct hp_payload payload;
            struct hp_diag diag;
            uint32_t section;
            struct eb_payload p = with_field(&section);
            uint64_t base = rule->relative ? TP_IMAGE + FIELD_SECTION + offsets[n] : 7;
            uint32_t symbol = eb_symbol(p.b, "sym", HP_STB_LOCAL, HP_STT_NOTYPE, EB_ABS, base, 0);

            eb_rela(p.b, section, offsets[n], rule->type, symbol, 0);
            if (n == 0) {
                assert_int_equal(tp_load(port, &p, NULL, &payload, &diag), HP_OK);
                hp_payload_unload(&payload);
            } else {
                assert_int_equal(tp_load(port, &p, NULL, &payload, &diag), HP_RELOC_OFFSET);
                assert_int_equal(diag.stage, HP_STAGE_RELOC);
                assert_string_equal(diag.section_name, ".rela.text.field");
                assert_int_equal(diag.relocation, 0);
                assert_int_equal(diag.reloc_type, rule->type);
                assert_int_equal(diag.offset, offsets[n]);
                assert_int_equal(diag.expected, SECTION_SIZE);
                assert_int_equal(diag.actual, offsets[n]);
                assert_field(port->last_image + FIELD_SECTION, 0, 0);
            }
            tp_free(port);
        }
    }
}

/* NONE touches nothing, needs no symbol, and may stand at the very end. */
static void test_none(void **state)
{
    struct hp_port *port = tp_new();
    struct hp_payload payload;
    struct hp_diag diag;
    uint32_t section;
    struct eb_payload p = with_field(&section);

    (void)state;
    eb_rela_raw(p.b, section, SECTION_SIZE, NONE, 0, INT64_MAX);
    eb_rela_raw(p.b, section, FIELD, NONE, 0, 1);
    eb_rela_raw(p.b, section, FIELD, NONE, 1, 1);
    assert_int_equal(tp_load(port, &p, NULL, &payload, &diag), HP_OK);
    assert_field(tp_host(&payload, section), 0, 0);
    hp_payload_unload(&payload);
    p = with_field(&section);
    eb_rela_raw(p.b, section, SECTION_SIZE + 1, NONE, 0, 0);
    assert_int_equal(tp_load(port, &p, NULL, &payload, &diag), HP_RELOC_OFFSET);
    p = with_field(&section);
    eb_rela_raw(p.b, section, 0, NONE, 1000, 0);
    assert_int_equal(tp_load(port, &p, NULL, &payload, &diag), HP_RELOC_SYMBOL_INDEX);
    tp_free(port);
}

static void test_symbol_index(void **state)
{
    static const uint32_t past[] = {0, 1, 1000, UINT32_MAX}; /* added to the number of symbols */
    struct hp_port *port = tp_new();
    struct hp_payload payload;
    struct hp_diag diag;
    size_t r;
    size_t n;

    (void)state;
    for (r = 0; r < sizeof(rules) / sizeof(rules[0]); r++) {
        uint32_t section;
        struct eb_payload p = with_field(&section);

        eb_rela_raw(p.b, section, FIELD, rules[r].type, 0, 0);
        assert_int_equal(tp_load(port, &p, NULL, &payload, &diag), HP_RELOC_SYMBOL_ZERO);
        assert_int_equal(hp_status_errno(diag.status), HP_ERRNO_EOPNOTSUPP);
        assert_int_equal(diag.stage, HP_STAGE_RELOC);
        assert_int_equal(diag.relocation, 0);
        assert_int_equal(diag.reloc_type, rules[r].type);
        assert_string_equal(diag.section_name, ".rela.text.field");
        assert_field(port->last_image + FIELD_SECTION, 0, 0);
    }
    for (n = 0; n < sizeof(past) / sizeof(past[0]); n++) {
        uint32_t section;
        struct eb_payload p = with_field(&section);
        const uint32_t count = 3; /* null, section symbol of the names, the new function */
        const uint32_t index = past[n] == UINT32_MAX ? UINT32_MAX : count + past[n];

        eb_rela_raw(p.b, section, FIELD, PC32, index, 0);
        assert_int_equal(tp_load(port, &p, NULL, &payload, &diag), HP_RELOC_SYMBOL_INDEX);
        assert_int_equal(hp_status_errno(diag.status), HP_ERRNO_EINVAL);
        assert_int_equal(diag.stage, HP_STAGE_RELOC);
        assert_int_equal(diag.relocation, 0);
        assert_int_equal(diag.offset, FIELD);
        assert_true(diag.has_numbers);
        assert_int_equal(diag.expected, count - 1);
        assert_int_equal(diag.actual, index);
    }
    tp_free(port);
}

/* What has to be reserved, or found by other entries, is so for every type that asks for it. */
static void test_early_types(void **state)
{
    static const uint16_t machines[] = {HP_EM_X86_64, HP_EM_AARCH64, HP_EM_ARM, HP_EM_RISCV};
    size_t n;

    (void)state;
    for (n = 0; n < sizeof(machines) / sizeof(machines[0]); n++) {
        const struct hp_arch *arch = hp_arch_find(machines[n]);
        uint32_t wanted = 0;
        uint32_t type;

        assert_non_null(arch);
        for (type = 0; type < arch->howto_count; type++) {
            if ((arch->howtos[type].flags & (HP_HOWTO_GOT | HP_HOWTO_BRANCH | HP_HOWTO_PAIR)) !=
                0) {
                assert_true((arch->early_relocs & HP_EARLY_RELOC(type)) != 0);
                wanted++;
            }
        }
        assert_true(wanted > 0);
    }
}

/* Every number that is no type of the list, and some far above it. */
static void test_unknown_types(void **state)
{
    static const uint32_t far[] = {43, 100, 255, 256, 0x10001, UINT32_MAX};
    struct hp_port *port = tp_new();
    uint32_t type;

    (void)state;
    for (type = 0; type < 43 + sizeof(far) / sizeof(far[0]); type++) {
        const uint32_t tried = type < 43 ? type : far[type - 43];
        const bool got = tried == GOTPCREL || tried == GOTPCRELX || tried == REX_GOTPCRELX;
        struct hp_payload payload;
        struct hp_diag diag;
        uint32_t section;
        struct eb_payload p;
        uint32_t symbol;
        bool known = got || tried == NONE;
        size_t r;

        for (r = 0; r < sizeof(rules) / sizeof(rules[0]); r++) {
            known = known || rules[r].type == tried;
        }
        if (known) {
            continue;
        }
        p = with_field(&section);
        symbol = eb_symbol(p.b, "sym", HP_STB_LOCAL, HP_STT_NOTYPE, EB_ABS, 0, 0);
        eb_rela(p.b, section, FIELD, tried, symbol, 0);
        assert_int_equal(tp_load(port, &p, NULL, &payload, &diag), HP_RELOC_TYPE);
        assert_int_equal(hp_status_errno(diag.status), HP_ERRNO_EOPNOTSUPP);
        assert_int_equal(diag.stage, HP_STAGE_RELOC);
        assert_int_equal(diag.reloc_type, tried);
        assert_string_equal(diag.section_name, ".rela.text.field");
        assert_string_equal(diag.name, "sym");
        assert_null(diag.profile);
    }
    tp_free(port);
}

/* Every type that is supported has its name; what is past the table has none. */
static void test_names(void **state)
{
    size_t r;

    (void)state;
    for (r = 0; r < sizeof(rules) / sizeof(rules[0]); r++) {
        const char *name = hp_reloc_type_name(HP_EM_X86_64, rules[r].type);

        assert_non_null(name);
        assert_memory_equal(name, "R_X86_64_", 9);
    }
    assert_string_equal(hp_reloc_type_name(HP_EM_X86_64, PC32), "R_X86_64_PC32");
    assert_string_equal(hp_reloc_type_name(HP_EM_X86_64, REX_GOTPCRELX), "R_X86_64_REX_GOTPCRELX");
    assert_null(hp_reloc_type_name(HP_EM_X86_64, 43));
    assert_null(hp_reloc_type_name(HP_EM_X86_64, UINT32_MAX));
    assert_null(hp_reloc_type_name(0, 1));
}

/* ---- GOT ----------------------------------------------------------------------------------- */

static uint64_t slot(const struct hp_payload *payload, uint32_t index)
{
    const uint8_t *p = payload->image.memory.host + payload->image.got_offset + (size_t)index * 8;
    uint64_t value = 0;
    unsigned n;

    for (n = 0; n < 8; n++) {
        value |= (uint64_t)p[n] << (8 * n);
    }
    return value;
}

static uint64_t got_addr(const struct hp_payload *payload)
{
    return payload->image.memory.addr + payload->image.got_offset;
}

static int32_t field32(const struct hp_payload *payload, uint32_t section, uint32_t offset)
{
    const uint8_t *p = tp_host(payload, section) + offset;

    return (int32_t)((uint32_t)p[0] | ((uint32_t)p[1] << 8) | ((uint32_t)p[2] << 16) |
                     ((uint32_t)p[3] << 24));
}

/* One slot for each symbol however often and by whichever type it is named. */
static void test_got_slots(void **state)
{
    struct hp_port *port = tp_new();
    struct hp_payload payload;
    struct hp_diag diag;
    uint32_t section;
    struct eb_payload p = with_field(&section);
    uint32_t a =
        eb_symbol(p.b, "a", HP_STB_LOCAL, HP_STT_NOTYPE, EB_ABS, UINT64_C(0x1122334455667788), 0);
    uint32_t b = eb_undefined(p.b, "target_function");
    uint32_t c = eb_symbol(p.b, "c", HP_STB_LOCAL, HP_STT_NOTYPE, section, 3, 0);
    uint32_t weak = eb_symbol(p.b, "absent", HP_STB_WEAK, HP_STT_NOTYPE, EB_UNDEF, 0, 0);
    const struct hp_region *rodata;
    uint32_t n;

    (void)state;
    eb_rela(p.b, section, 0, GOTPCREL, b, -4);
    eb_rela(p.b, section, 4, GOTPCRELX, a, -4);
    eb_rela(p.b, section, 8, REX_GOTPCRELX, b, -4);
    eb_rela(p.b, section, 12, PC32, c, 0);
    eb_rela(p.b, section, 16, GOTPCREL, weak, -4);
    eb_rela(p.b, section, 20, GOTPCREL, a, 9);
    assert_int_equal(tp_load(port, &p, NULL, &payload, &diag), HP_OK);
    assert_int_equal(payload.image.got_count, 3);
    assert_int_equal(got_addr(&payload) % 8, 0);
    rodata = &payload.image.regions[HP_REGION_RODATA];
    assert_int_equal(payload.image.got_offset + 3 * 8, rodata->offset + rodata->size);
    assert_int_equal(payload.image.regions[HP_REGION_TEXT].size, FIELD_SECTION + SECTION_SIZE);
    for (n = 0; n < 6; n++) {
        static const uint8_t slots[] = {0, 1, 0, 0xff, 2, 1};
        static const int addends[] = {-4, -4, -4, 0, -4, 9};
        uint64_t place = tp_addr(&payload, section) + (uint64_t)4 * n;
        uint64_t at = place + (uint64_t)(int64_t)field32(&payload, section, 4 * n) -
                      (uint64_t)(int64_t)addends[n];

        if (slots[n] == 0xff) {
            assert_int_equal(at, tp_addr(&payload, section) + 3);
        } else {
            assert_int_equal(at, got_addr(&payload) + (uint64_t)8 * slots[n]);
        }
    }
    assert_int_equal(slot(&payload, 0), TP_FUNCTION);
    assert_int_equal(slot(&payload, 1), UINT64_C(0x1122334455667788));
    assert_int_equal(slot(&payload, 2), 0);
    hp_payload_unload(&payload);
    tp_free(port);
}

/* The slot's distance, not the symbol's, has to fit. */
static void test_got_edges(void **state)
{
    static const uint32_t types[] = {GOTPCREL, GOTPCRELX, REX_GOTPCRELX};
    static const int64_t values[] = {INT32_MIN, INT32_MAX, (int64_t)INT32_MIN - 1,
                                     (int64_t)INT32_MAX + 1};
    int64_t distance = 0;
    size_t t;
    size_t v;

    (void)state;
    for (t = 0; t < 3; t++) {
        for (v = 0; v < 4; v++) {
            struct hp_port *port = tp_new();
            struct hp_payload payload;
            struct hp_diag diag;
            uint32_t section;
            struct eb_payload p = with_field(&section);
            uint32_t symbol = eb_symbol(p.b, "sym", HP_STB_LOCAL, HP_STT_NOTYPE, EB_ABS,
                                        UINT64_C(0xfedcba9876543210), 0);

            if (distance == 0) { /* of the slot from the place; the layout is always the same */
                eb_rela(p.b, section, FIELD, types[t], symbol, 0);
                assert_int_equal(tp_load(port, &p, NULL, &payload, &diag), HP_OK);
                distance = (int64_t)(got_addr(&payload) - PLACE);
                assert_int_equal(field32(&payload, section, FIELD), distance);
                hp_payload_unload(&payload);
                p = with_field(&section);
                symbol = eb_symbol(p.b, "sym", HP_STB_LOCAL, HP_STT_NOTYPE, EB_ABS,
                                   UINT64_C(0xfedcba9876543210), 0);
            }
            eb_rela(p.b, section, FIELD, types[t], symbol, values[v] - distance);
            if (v < 2) {
                assert_int_equal(tp_load(port, &p, NULL, &payload, &diag), HP_OK);
                assert_field(tp_host(&payload, section), 4, (uint64_t)values[v]);
                assert_int_equal(slot(&payload, 0), UINT64_C(0xfedcba9876543210));
                hp_payload_unload(&payload);
            } else {
                assert_int_equal(tp_load(port, &p, NULL, &payload, &diag), HP_RELOC_OVERFLOW);
                assert_field(port->last_image + FIELD_SECTION, 0, 0);
                assert_int_equal(diag.expected, (uint64_t)values[v - 2]);
                assert_int_equal(diag.actual, (uint64_t)values[v]);
                assert_int_equal(diag.reloc_type, types[t]);
            }
            tp_free(port);
        }
    }
}

static void test_got_refusals(void **state)
{
    static const uint32_t types[] = {GOTPCREL, GOTPCRELX, REX_GOTPCRELX};
    struct hp_port *port = tp_new();
    struct hp_payload payload;
    struct hp_diag diag;
    size_t t;

    (void)state;
    for (t = 0; t < 3; t++) {
        uint32_t section;
        struct eb_payload p = with_field(&section);
        uint32_t debug;
        uint32_t symbol;

        eb_rela_raw(p.b, section, FIELD, types[t], 0, 0);
        assert_int_equal(tp_load(port, &p, NULL, &payload, &diag), HP_RELOC_SYMBOL_ZERO);
        p = with_field(&section);
        eb_rela(p.b, section, SECTION_SIZE - 3, types[t], p.strings_sym, 0);
        assert_int_equal(tp_load(port, &p, NULL, &payload, &diag), HP_RELOC_OFFSET);
        assert_int_equal(diag.offset, SECTION_SIZE - 3);
        p = with_field(&section);
        eb_rela(p.b, section, SECTION_SIZE - 4, types[t], p.strings_sym, 0);
        assert_int_equal(tp_load(port, &p, NULL, &payload, &diag), HP_OK);
        hp_payload_unload(&payload);
        p = with_field(&section);
        debug = eb_section(p.b, ".debug_info", HP_SHT_PROGBITS, 0, 1, NULL, 8);
        symbol = eb_symbol(p.b, "die", HP_STB_LOCAL, HP_STT_NOTYPE, debug, 0, 0);
        eb_rela(p.b, section, FIELD, types[t], symbol, 0);
        assert_int_equal(tp_load(port, &p, NULL, &payload, &diag), HP_SYMBOL_NOT_LOADED);
        assert_field(port->last_image + FIELD_SECTION, 0, 0);
    }
    tp_free(port);
}

/* ---- sections ------------------------------------------------------------------------------ */

/* What -g adds: debug sections that refer to everything, with relocations that nobody applies. */
static void test_debug_sections(void **state)
{
    struct hp_port *port = tp_new();
    struct hp_payload payload;
    struct hp_diag diag;
    uint32_t section;
    struct eb_payload p = with_field(&section);
    uint32_t info = eb_section(p.b, ".debug_info", HP_SHT_PROGBITS, 0, 1, NULL, 64);
    uint32_t str = eb_section(p.b, ".debug_str", HP_SHT_PROGBITS, 0x30, 1, "x", 2);
    uint32_t symbol = eb_section_symbol(p.b, str);

    (void)state;
    eb_rela(p.b, info, 0, ABS32, symbol, 0);
    eb_rela(p.b, info, 60, ABS64, symbol, 0);      /* past the end */
    eb_rela_raw(p.b, info, 0, 999, UINT32_MAX, 0); /* no type, no symbol */
    eb_rela_raw(p.b, info, UINT64_MAX, GOTPCREL, 0, 0);
    assert_int_equal(tp_load(port, &p, NULL, &payload, &diag), HP_OK);
    assert_int_equal(payload.image.got_count, 0);
    assert_null(hp_image_section_at(&payload.image, payload.image.memory.addr - 1));
    hp_payload_unload(&payload);
    tp_free(port);
}

static void test_symbol_not_loaded(void **state)
{
    struct hp_port *port = tp_new();
    size_t r;

    (void)state;
    for (r = 0; r < sizeof(rules) / sizeof(rules[0]); r++) {
        struct hp_payload payload;
        struct hp_diag diag;
        uint32_t section;
        struct eb_payload p = with_field(&section);
        uint32_t debug = eb_section(p.b, ".debug_info", HP_SHT_PROGBITS, 0, 1, NULL, 8);
        uint32_t symbol = eb_section_symbol(p.b, debug);

        eb_rela(p.b, section, FIELD, rules[r].type, symbol, 0);
        assert_int_equal(tp_load(port, &p, NULL, &payload, &diag), HP_SYMBOL_NOT_LOADED);
        assert_field(port->last_image + FIELD_SECTION, 0, 0);
        assert_int_equal(hp_status_errno(diag.status), HP_ERRNO_EINVAL);
        assert_int_equal(diag.stage, HP_STAGE_RELOC);
        assert_string_equal(diag.section_name, ".rela.text.field");
        assert_int_equal(diag.relocation, 0);
        assert_int_equal(diag.reloc_type, rules[r].type);
        assert_int_equal(diag.offset, FIELD);
        assert_string_equal(diag.name, ".debug_info");
    }
    tp_free(port);
}

static void test_rel_form(void **state)
{
    struct hp_port *port = tp_new();
    struct hp_payload payload;
    struct hp_diag diag;
    uint32_t section;
    struct eb_payload p = with_field(&section);

    (void)state;
    eb_rel(p.b, section, FIELD, PC32, p.strings_sym);
    assert_int_equal(tp_load(port, &p, NULL, &payload, &diag), HP_RELOC_FORM);
    assert_int_equal(diag.stage, HP_STAGE_RELOC);
    assert_string_equal(diag.section_name, ".rel.text.field");
    p = with_field(&section); /* not for debug sections */
    section = eb_section(p.b, ".debug_info", HP_SHT_PROGBITS, 0, 1, NULL, 64);
    eb_rel(p.b, section, FIELD, PC32, p.strings_sym);
    assert_int_equal(tp_load(port, &p, NULL, &payload, &diag), HP_OK);
    hp_payload_unload(&payload);
    tp_free(port);
}

static void refuse_target(const char *name, uint32_t (*add)(struct eb_payload *p))
{
    struct hp_port *port = tp_new();
    struct hp_payload payload;
    struct hp_diag diag;
    uint32_t section;
    struct eb_payload p = with_field(&section);

    section = add(&p);
    eb_rela_raw(p.b, section, 0, NONE, 0, 0);
    assert_int_equal(tp_load(port, &p, NULL, &payload, &diag), HP_RELOC_TARGET);
    assert_int_equal(diag.stage, HP_STAGE_RELOC);
    assert_string_equal(diag.section_name, name);
    assert_int_equal(port->image_allocs, 0);
    tp_free(port);
}

static uint32_t add_bss(struct eb_payload *p)
{
    return eb_section(p->b, ".bss", HP_SHT_NOBITS, HP_SHF_ALLOC | HP_SHF_WRITE, 8, NULL, 64);
}

static uint32_t get_build_id(struct eb_payload *p)
{
    return p->build_id;
}

static uint32_t get_depends(struct eb_payload *p)
{
    return p->depends;
}

static uint32_t get_xen_depends(struct eb_payload *p)
{
    return p->xen_depends;
}

static uint32_t add_modinfo(struct eb_payload *p)
{
    return eb_section(p->b, ".modinfo", HP_SHT_PROGBITS, HP_SHF_ALLOC, 1, "key=value", 10);
}

/* Contents that are not there, or that are read as they stand in the file. */
static void test_targets(void **state)
{
    (void)state;
    refuse_target(".rela.bss", add_bss);
    refuse_target(".rela.note.gnu.build-id", get_build_id);
    refuse_target(".rela.livepatch.depends", get_depends);
    refuse_target(".rela.livepatch.xen_depends", get_xen_depends);
    refuse_target(".rela.modinfo", add_modinfo);
}

/* Two relocation sections for one section are both applied, in the order of the file. */
static void test_two_tables(void **state)
{
    struct hp_port *port = tp_new();
    struct hp_payload payload;
    struct hp_diag diag;
    uint32_t section;
    struct eb_payload p = with_field(&section);
    uint32_t a = eb_symbol(p.b, "a", HP_STB_LOCAL, HP_STT_NOTYPE, EB_ABS, 0x11, 0);
    uint32_t b = eb_symbol(p.b, "b", HP_STB_LOCAL, HP_STT_NOTYPE, EB_ABS, 0x22, 0);
    uint32_t other = eb_section(p.b, ".other", HP_SHT_PROGBITS, HP_SHF_ALLOC, 1, NULL, 64);
    uint8_t *file;
    size_t size;

    (void)state;
    eb_rela(p.b, section, 0, ABS8, a, 0);
    eb_rela(p.b, section, FIELD, ABS8, a, 0);
    eb_rela(p.b, other, FIELD, ABS8, b, 0);
    file = eb_payload_finish(&p, &size);
    eb_set_section(file, eb_find(file, ".rela.other"), EB_SH_INFO, section);
    assert_int_equal(tp_load_file(port, file, size, NULL, &payload, &diag), HP_OK);
    assert_int_equal(tp_host(&payload, section)[0], 0x11);
    assert_int_equal(tp_host(&payload, section)[FIELD], 0x22);
    hp_payload_unload(&payload);
    tp_free(port);
}

/* Loaded, unloaded, loaded elsewhere: right both times, and what was before leaves no trace. */
static void test_loaded_twice(void **state)
{
    static const uint64_t addrs[] = {TP_IMAGE, UINT64_C(0xffff82d0405f7000), TP_TEXT + 0x10000};
    struct hp_port *port = tp_new();
    size_t n;

    (void)state;
    for (n = 0; n < 3; n++) {
        struct hp_payload payload;
        struct hp_diag diag;
        uint32_t section;
        struct eb_payload p = with_field(&section);
        uint32_t target = eb_undefined(p.b, "target_function");
        uint32_t own = eb_symbol(p.b, "own", HP_STB_LOCAL, HP_STT_NOTYPE, p.text, 3, 0);
        uint64_t base;

        eb_rela(p.b, section, 0, PC32, target, -4);
        eb_rela(p.b, section, 8, ABS64, own, 0);
        eb_rela(p.b, section, 16, GOTPCREL, own, -4);
        eb_rela(p.b, section, 20, PC32, own, -4);
        port->image_addr = addrs[n];
        assert_int_equal(tp_load(port, &p, NULL, &payload, &diag), HP_OK);
        base = tp_addr(&payload, section);
        assert_int_equal(base, addrs[n] + FIELD_SECTION);
        assert_int_equal(field32(&payload, section, 0), (int64_t)(TP_FUNCTION - base - 4));
        assert_int_equal((uint32_t)field32(&payload, section, 8), (uint32_t)(addrs[n] + 3));
        assert_int_equal((uint32_t)field32(&payload, section, 12), addrs[n] >> 32);
        assert_int_equal(field32(&payload, section, 16),
                         (int64_t)(got_addr(&payload) - (base + 16) - 4));
        assert_int_equal(slot(&payload, 0), addrs[n] + 3);
        assert_int_equal(field32(&payload, section, 20), (int64_t)(addrs[n] + 3 - (base + 20) - 4));
        assert_int_equal(payload.records[0].new_addr, addrs[n]);
        hp_payload_unload(&payload);
    }
    tp_free(port);
}

/* At low addresses a sum may fit where a difference would: no sign is taken for another. */
static void test_low_addresses(void **state)
{
    static const uint32_t types[] = {PC32, PLT32};
    size_t t;

    (void)state;
    for (t = 0; t < 2; t++) {
        struct hp_port *port = tp_new();
        struct hp_payload payload;
        struct hp_diag diag;
        uint32_t section;
        struct eb_payload p = with_field(&section);
        uint32_t symbol = eb_symbol(p.b, "sym", HP_STB_LOCAL, HP_STT_NOTYPE, EB_ABS, 0x123, 0);

        port->image_addr = 0x10000;
        eb_rela(p.b, section, FIELD, types[t], symbol, -4);
        assert_int_equal(tp_load(port, &p, NULL, &payload, &diag), HP_OK);
        assert_int_equal(field32(&payload, section, FIELD),
                         0x123 - 4 - (0x10000 + (int)(FIELD_SECTION + FIELD)));
        hp_payload_unload(&payload);
        tp_free(port);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_offsets),
        cmocka_unit_test(test_none),
        cmocka_unit_test(test_symbol_index),
        cmocka_unit_test(test_unknown_types),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_got_slots),
        cmocka_unit_test(test_got_edges),
        cmocka_unit_test(test_got_refusals),
        cmocka_unit_test(test_debug_sections),
        cmocka_unit_test(test_symbol_not_loaded),
        cmocka_unit_test(test_rel_form),
        cmocka_unit_test(test_targets),
        cmocka_unit_test(test_two_tables),
        cmocka_unit_test(test_loaded_twice),
        cmocka_unit_test(test_early_types),
        cmocka_unit_test(test_low_addresses),
    };

    return cmocka_run_group_tests_name("reloc", tests, NULL, NULL);
}
