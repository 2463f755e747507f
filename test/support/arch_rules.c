/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of an architecture's relocations from a table. */
#include "arch_rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PLACE 0x10u /* of the field that the rules are applied to */

uint64_t arch_function(const struct arch_rig *rig)
{
    return rig->text + 0x1000;
}

struct hp_port *arch_port(const struct arch_rig *rig)
{
    struct hp_port *port = tp_new();
    uint8_t *code = calloc(1, TP_TEXT_SIZE);

    assert_non_null(code);
    port->target.machine = rig->machine;
    port->target.text_start = rig->text;
    port->target.text_end = rig->text + TP_TEXT_SIZE;
    port->image_addr = rig->image;
    port->symbol_count = 0;
    tp_add_range(port, rig->text, code, TP_TEXT_SIZE, TP_PATCHABLE);
    free(code);
    tp_add_function(port, "target_function", arch_function(rig), TP_FUNCTION_SIZE);
    return port;
}

struct eb_payload arch_payload(const struct arch_rig *rig, uint32_t *section)
{
    struct eb_payload p = eb_payload_new(rig->is64, rig->machine, NULL);
    uint8_t bytes[ARCH_SECTION_SIZE];

    memset(bytes, ARCH_FILL, sizeof(bytes));
    eb_payload_function(&p, "target_function", TP_FUNCTION_SIZE);
    *section = eb_section(p.b, ".text.field", HP_SHT_PROGBITS, HP_SHF_ALLOC | HP_SHF_EXECINSTR,
                          ARCH_SECTION, bytes, sizeof(bytes));
    return p;
}

uint64_t arch_place(const struct arch_rig *rig, uint32_t offset)
{
    return rig->image + ARCH_SECTION + offset;
}

static void put(uint8_t *bytes, unsigned width, uint64_t value)
{
    unsigned n;

    for (n = 0; n < width; n++) {
        bytes[n] = (uint8_t)(value >> (8 * n));
    }
}

static uint64_t get(const uint8_t *bytes, unsigned width)
{
    uint64_t value = 0;
    unsigned n;

    for (n = 0; n < width; n++) {
        value |= (uint64_t)bytes[n] << (8 * n);
    }
    return value;
}

/* Asserts that all bytes of the section but the field are as they were. */
static void assert_surroundings(const uint8_t *section, const struct arch_case *c)
{
    uint32_t n;

    for (n = 0; n < ARCH_SECTION_SIZE; n++) {
        if (n < c->place || n >= c->place + c->width) {
            assert_int_equal(section[n], ARCH_FILL);
        }
    }
}

void arch_apply(struct hp_port *port, const struct arch_rig *rig, const struct arch_case *c,
                struct arch_result *result)
{
    const uint32_t allocs = port->image_allocs;
    const uint8_t *bytes;
    uint32_t section;
    struct eb_payload p = arch_payload(rig, &section);
    uint32_t symbol = eb_symbol(p.b, "sym", HP_STB_LOCAL, HP_STT_NOTYPE, EB_ABS, c->symbol, 0);

    put(eb_bytes(p.b, section) + c->place, c->width, c->before);
    if (rig->is_rel) { /* in front of it another one: the failing entry is not the first */
        eb_rel(p.b, section, 0, 0, symbol);
        eb_rel(p.b, section, c->place, c->type, symbol);
    } else {
        eb_rela(p.b, section, 0, 0, symbol, 0);
        eb_rela(p.b, section, c->place, c->type, symbol, c->addend);
    }
    result->status = tp_load(port, &p, NULL, &result->payload, &result->diag);
    if (port->image_allocs == allocs) {
        return; /* refused before there was an image */
    }
    if (result->status == HP_OK) {
        assert_int_equal(tp_addr(&result->payload, section), rig->image + ARCH_SECTION);
        bytes = tp_host(&result->payload, section);
    } else {
        bytes = port->last_image + ARCH_SECTION;
        assert_int_equal(result->diag.relocation, 1);
        assert_int_equal(result->diag.reloc_type, c->type);
        assert_int_equal(result->diag.machine, rig->machine);
        assert_int_equal(result->diag.offset, c->place);
        assert_string_equal(result->diag.name, "sym");
        assert_string_equal(result->diag.section_name,
                            rig->is_rel ? ".rel.text.field" : ".rela.text.field");
    }
    assert_surroundings(bytes, c);
    result->field = get(bytes + c->place, c->width);
    if (result->status != HP_OK) {
        assert_int_equal(result->field, c->before);
    }
}

/* The field as the ABI describes it. */
static uint64_t encode(const struct arch_rule *rule, uint64_t value)
{
    uint64_t field = rule->before;
    size_t n;

    if ((int64_t)value < 0) {
        field ^= rule->negative;
        value = rule->invert ? ~value : value;
    }
    value += rule->round;
    for (n = 0; n < sizeof(rule->bits) / sizeof(rule->bits[0]); n++) {
        const struct arch_bits *bits = &rule->bits[n];
        uint64_t mask = bits->count == 64 ? UINT64_MAX : (UINT64_C(1) << bits->count) - 1;

        field &= ~(mask << bits->to);
        field |= (value >> bits->from & mask) << bits->to;
    }
    return field;
}

/* Applies a rule to a value, by a symbol that makes up for the addend. */
static void check_value(const struct arch_rig *rig, const struct arch_rule *rule, int64_t value,
                        int64_t addend, enum hp_status wanted)
{
    uint64_t place = arch_place(rig, PLACE);
    struct arch_case c = {rule->type, PLACE, rule->width, rule->before, 0, addend};
    struct hp_port *port = arch_port(rig);
    struct arch_result result;

    c.symbol = (uint64_t)value - (uint64_t)addend;
    if (rule->kind == ARCH_PREL) {
        c.symbol += place;
    } else if (rule->kind == ARCH_PAGE) {
        c.symbol += place & ~UINT64_C(0xfff);
    }
    if (!rig->is64) {
        c.symbol &= UINT32_MAX;
    }
    arch_apply(port, rig, &c, &result);
    if (result.status != wanted) {
        fail_msg("type %u, value 0x%llx: %s instead of %s", (unsigned)rule->type,
                 (unsigned long long)value, hp_status_name(result.status), hp_status_name(wanted));
    }
    if (wanted == HP_OK) {
        if (result.field != encode(rule, (uint64_t)value)) {
            fail_msg("type %u, value 0x%llx: field 0x%llx instead of 0x%llx", (unsigned)rule->type,
                     (unsigned long long)value, (unsigned long long)result.field,
                     (unsigned long long)encode(rule, (uint64_t)value));
        }
        hp_payload_unload(&result.payload);
    } else {
        assert_int_equal(result.diag.actual, (uint64_t)value);
        assert_int_equal(result.diag.stage, HP_STAGE_RELOC);
    }
    tp_free(port);
}

static void check_rule(const struct arch_rig *rig, const struct arch_rule *rule)
{
    static const int64_t addends[] = {0, -4, INT64_C(0x123456789ab0)};
    const bool any = rule->low == rule->high;
    const int64_t step = rule->step;
    const int64_t low = any ? INT64_C(-0x123456789abcdef0) & -step : rule->low;
    const int64_t high = any ? INT64_C(0x123456789abcdef0) & -step : rule->high;
    size_t a;

    for (a = 0; a < (rig->is_rel ? 1 : sizeof(addends) / sizeof(addends[0])); a++) {
        check_value(rig, rule, low, addends[a], HP_OK);
        check_value(rig, rule, high, addends[a], HP_OK);
        check_value(rig, rule, low + step, addends[a], HP_OK);
        check_value(rig, rule, 0, addends[a], HP_OK);
        if (!any) {
            check_value(rig, rule, low - step, addends[a], HP_RELOC_OVERFLOW);
            check_value(rig, rule, high + step, addends[a], HP_RELOC_OVERFLOW);
            check_value(rig, rule, low - 1 - (rule->kind == ARCH_PAGE ? step - 1 : 0), addends[a],
                        HP_RELOC_OVERFLOW);
        }
        if (step > 1 && rule->kind != ARCH_PAGE) {
            check_value(rig, rule, step + 1, addends[a], HP_RELOC_ALIGN);
            check_value(rig, rule, step + step / 2, addends[a], HP_RELOC_ALIGN);
        }
    }
}

void arch_check_rules(const struct arch_rig *rig, const struct arch_rule *rules, size_t count)
{
    size_t n;

    for (n = 0; n < count; n++) {
        check_rule(rig, &rules[n]);
    }
}

/* The record of a patch, and its new function; everything that `distance` asks for is in place. */
static struct eb_payload patch_payload(const struct arch_rig *rig, const struct arch_patch *patch,
                                       uint64_t new_offset)
{
    struct eb_payload p = eb_payload_new(rig->is64, rig->machine, NULL);
    struct eb_record record = {.old_addr = arch_function(rig) + patch->offset,
                               .new_size = patch->nops,
                               .old_size = patch->old_size};

    eb_append(p.b, p.text, 16, NULL, TP_PAGE);
    if (patch->nops == 0) {
        if (patch->begin != 0) {
            put(eb_bytes(p.b, p.text) + new_offset, 4, patch->begin);
        }
        record.new_symbol = eb_symbol(p.b, "new", HP_STB_LOCAL, HP_STT_FUNC, p.text, new_offset, 4);
    }
    eb_payload_record(&p, &record);
    return p;
}

enum hp_status arch_capture(const struct arch_rig *rig, const struct arch_patch *patch,
                            struct hp_write *write)
{
    struct arch_rig moved = *rig;
    struct hp_port *port;
    struct hp_payload payload;
    struct hp_diag diag;
    struct eb_payload p;
    uint64_t new_offset = 0;
    enum hp_status status;

    if (patch->distance != 0) {
        moved.image = arch_function(rig) + patch->offset + (uint64_t)patch->distance;
        new_offset = moved.image % TP_PAGE;
        moved.image -= new_offset;
    }
    port = arch_port(&moved);
    port->target.flags = patch->flags | (patch->island != 0 ? HP_TARGET_ISLANDS : 0);
    port->island_addr = patch->island;
    tp_poke(port, arch_function(rig), patch->code, sizeof(patch->code));
    p = patch_payload(rig, patch, new_offset);
    status = tp_load(port, &p, NULL, &payload, &diag);
    if (status == HP_OK) {
        hp_diag_init(&diag);
        status = hp_plan_capture(&payload, NULL, 0, &diag);
        if (status == HP_OK) {
            assert_int_equal(payload.write_count, 1);
            *write = payload.writes[0];
            if (patch->island_code != NULL) {
                memcpy(patch->island_code, payload.islands.host, 16);
            }
        } else if (status == HP_PATCH_REACH) {
            assert_true(diag.has_numbers && diag.actual > diag.expected);
        }
        hp_payload_unload(&payload);
    }
    tp_free(port);
    return status;
}

uint32_t arch_word(const struct hp_write *write, size_t index)
{
    return (uint32_t)get(write->new_bytes + 4 * index, 4);
}
