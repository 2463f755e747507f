/* SPDX-License-Identifier: BSD-2-Clause */
/* A manager over the unit tests' port, and payloads for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <hotpatch/payload.h>

#include "engine.h"

#define ID_SIZE 20

static const char letters[] = {
    [HP_SPECIAL_HOOKS_LOAD] = 'L',      [HP_SPECIAL_HOOKS_UNLOAD] = 'U',
    [HP_SPECIAL_HOOKS_PREAPPLY] = 'a',  [HP_SPECIAL_HOOKS_APPLY] = 'A',
    [HP_SPECIAL_HOOKS_POSTAPPLY] = 'p', [HP_SPECIAL_HOOKS_PREREVERT] = 'r',
    [HP_SPECIAL_HOOKS_REVERT] = 'R',    [HP_SPECIAL_HOOKS_POSTREVERT] = 'v',
};

/* A hook's first byte is its number. */
int en_on_hook(struct hp_port *port, uint64_t addr, struct hp_payload_handle *handle)
{
    struct en *en = port->data;
    enum hp_special which = (enum hp_special) * tp_byte(port, addr);
    size_t length = strlen(en->log);

    assert_in_range(which, HP_HOOK_FIRST, HP_HOOK_LAST);
    assert_true(length + 1 < sizeof(en->log));
    en->log[length] = letters[which];
    if (which == HP_SPECIAL_HOOKS_LOAD || which == HP_SPECIAL_HOOKS_UNLOAD) {
        return 0;
    }
    en->hook_seen_state[which] = hp_handle_state(handle);
    en->hook_seen_rc[which] = hp_handle_rc(handle);
    if (en->in_hook != NULL) {
        en->in_hook(en, which, handle);
    }
    return en->hook_rc[which];
}

static void add_table(struct hp_port *port)
{
    const struct tp_symbol symbol = {"hypercall_table", NULL, EN_TABLE, 8 * EN_TABLE_ENTRIES,
                                     HP_KIND_DATA};
    uint8_t bytes[TP_PAGE] = {0};
    uint32_t n;
    uint32_t i;

    for (n = 0; n < EN_TABLE_ENTRIES; n++) {
        for (i = 0; i < 8; i++) {
            bytes[8 * n + i] = (uint8_t)(EN_FUNCTION(n) >> (8 * i));
        }
    }
    tp_add_range(port, EN_TABLE, bytes, sizeof(bytes), TP_CONSTANT);
    tp_add_symbol(port, symbol);
}

int en_setup(void **state)
{
    struct en *en = calloc(1, sizeof(*en));
    uint32_t n;

    assert_non_null(en);
    en->port = tp_new();
    en->port->data = en;
    en->port->on_hook = en_on_hook;
    for (n = 0; n < EN_FUNCTION_MAX; n++) {
        char *name = malloc(8);

        assert_non_null(name);
        (void)snprintf(name, 8, "f%u", n);
        tp_add_function(en->port, name, EN_FUNCTION(n), EN_STEP);
    }
    add_table(en->port);
    assert_int_equal(hp_manager_init(&en->manager, en->port, NULL), HP_OK);
    memcpy(en->before, tp_byte(en->port, TP_TEXT), TP_TEXT_SIZE);
    *state = en;
    return 0;
}

int en_teardown(void **state)
{
    struct en *en = *state;
    size_t n;

    if (en->manager.port != NULL) {
        assert_int_equal(hp_manager_close(&en->manager), HP_OK);
    }
    for (n = 0; n < en->port->symbol_count; n++) {
        if (en->port->symbols[n].name[0] == 'f') {
            free((void *)(uintptr_t)en->port->symbols[n].name);
        }
    }
    tp_free(en->port);
    free(en);
    return 0;
}

/* ---- payloads ----------------------------------------------------------------------------------
 */

static void make_id(uint8_t *out, uint8_t first)
{
    uint8_t n;

    for (n = 0; n < ID_SIZE; n++) {
        out[n] = (uint8_t)(first + n);
    }
}

static void add_records(struct eb_payload *p, const struct en_payload *payload)
{
    uint32_t n;

    for (n = 0; n < payload->functions; n++) {
        char name[16];
        char new_name[24];
        struct eb_record record = {.name = payload->old_addr != 0 ? NULL : name,
                                   .old_addr = payload->old_addr,
                                   .new_size = 16,
                                   .old_size = EN_STEP};
        uint8_t code[16] = {0xb8, 0x2a, 0, 0, 0, 0xc3};
        uint64_t at;

        (void)snprintf(name, sizeof(name), "f%u", payload->first + n);
        (void)snprintf(new_name, sizeof(new_name), "new_%s", name);
        if (payload->nop) {
            record.new_size = 4;
        } else {
            at = eb_append(p->b, p->text, 16, code, sizeof(code));
            record.new_symbol =
                eb_symbol(p->b, new_name, HP_STB_LOCAL, HP_STT_FUNC, p->text, at, sizeof(code));
        }
        if (n == 0 && payload->expect != 0) {
            record.expect_control = 3;
            record.expect[0] = payload->expect;
        }
        eb_payload_record(p, &record);
    }
}

static void add_splices(struct eb_payload *p, const struct en_payload *payload)
{
    static const uint8_t code[16] = {0xb8, 0x2b, 0, 0, 0, 0xc3};
    uint32_t symbol = 0;
    uint32_t n;

    for (n = 0; n < payload->splice_count; n++) {
        struct eb_splice splice = payload->splices[n];

        if (splice.kind != HP_SPLICE_KIND_BYTES && splice.new_target == 0) {
            if (symbol == 0) {
                uint64_t at = eb_append(p->b, p->text, 16, code, sizeof(code));

                symbol = eb_symbol(p->b, "spliced", HP_STB_LOCAL, HP_STT_FUNC, p->text, at, 16);
            }
            splice.new_symbol = symbol;
        }
        eb_payload_splice(p, &splice);
    }
}

static void add_hooks(struct eb_payload *p, unsigned hooks)
{
    uint32_t which;

    for (which = HP_HOOK_FIRST; which <= HP_HOOK_LAST; which++) {
        if ((hooks & (1u << which)) != 0) {
            const uint8_t mark = (uint8_t)which;
            uint64_t at = eb_append(p->b, p->text, 16, &mark, 1);

            eb_payload_hook(p, (enum hp_special)which,
                            eb_symbol(p->b, "hook", HP_STB_LOCAL, HP_STT_FUNC, p->text, at, 1));
        }
    }
}

uint8_t *en_file(const struct en_payload *payload, size_t *size)
{
    static const char modinfo[] = "key=value";
    uint8_t own[ID_SIZE];
    uint8_t on[ID_SIZE];
    uint8_t target[ID_SIZE];
    const struct eb_ids ids = {.build_id = own,
                               .build_id_size = ID_SIZE,
                               .depends = on,
                               .depends_size = ID_SIZE,
                               .xen_depends = target,
                               .xen_depends_size = ID_SIZE,
                               .no_xen_depends = payload->no_target_id};
    struct eb_payload p;
    uint32_t section;

    make_id(own, payload->id);
    make_id(target, 0xe0);
    make_id(on, payload->on == 0 ? 0xe0 : payload->on);
    p = eb_payload_new(true, HP_EM_X86_64, &ids);
    p.version = payload->no_target_id ? 1 : 2;
    eb_append(p.b, p.text, 16, own, ID_SIZE);
    add_records(&p, payload);
    add_splices(&p, payload);
    add_hooks(&p, payload->hooks);
    eb_section(p.b, ".modinfo", HP_SHT_PROGBITS, HP_SHF_ALLOC, 1, modinfo, sizeof(modinfo));
    if (payload->data) {
        eb_section(p.b, ".data", HP_SHT_PROGBITS, HP_SHF_ALLOC | HP_SHF_WRITE, 8, own, 16);
    }
    if (payload->rodata || payload->imports != NULL) {
        section = eb_section(p.b, ".rodata", HP_SHT_PROGBITS, HP_SHF_ALLOC, 8, NULL, 16);
        if (payload->imports != NULL) {
            eb_rela(p.b, section, 0, p.abs_type, eb_undefined(p.b, payload->imports), 0);
        }
    }
    if (payload->exports != NULL) {
        eb_symbol(p.b, payload->exports, HP_STB_GLOBAL, HP_STT_FUNC, p.text, 0, 16);
    }
    return eb_payload_finish(&p, size);
}

enum hp_status en_upload(struct en *en, const char *name, const struct en_payload *payload)
{
    size_t size;
    uint8_t *file = en_file(payload, &size);
    enum hp_status status;

    hp_diag_init(&en->diag);
    status = hp_manager_upload(&en->manager, name, file, size, &en->diag);
    assert_int_equal(en->diag.status, status);
    memset(file, 0xdd, size);
    free(file);
    return status;
}

/* ---- actions -----------------------------------------------------------------------------------
 */

static enum hp_status action(struct en *en, const char *name,
                             enum hp_status (*call)(struct hp_manager *manager, const char *name,
                                                    const struct hp_action_options *options,
                                                    struct hp_diag *diag))
{
    enum hp_status status;

    hp_diag_init(&en->diag);
    status = call(&en->manager, name, NULL, &en->diag);
    assert_int_equal(en->diag.status, status);
    assert_false(en->port->locked);
    return status;
}

enum hp_status en_apply(struct en *en, const char *name)
{
    return action(en, name, hp_manager_apply);
}

enum hp_status en_replace(struct en *en, const char *name)
{
    return action(en, name, hp_manager_replace);
}

enum hp_status en_revert(struct en *en, const char *name)
{
    return action(en, name, hp_manager_revert);
}

void en_safe_point(struct en *en)
{
    hp_safe_point(&en->manager.safepoint);
    tp_assert_quiescent(en->port);
}

static void finish(struct en *en, const char *name, enum hp_payload_state state)
{
    en_safe_point(en);
    en_assert(en, name, state, HP_OK);
}

void en_do_apply(struct en *en, const char *name)
{
    assert_int_equal(en_apply(en, name), HP_OK);
    finish(en, name, HP_STATE_APPLIED);
}

void en_do_replace(struct en *en, const char *name)
{
    assert_int_equal(en_replace(en, name), HP_OK);
    finish(en, name, HP_STATE_APPLIED);
}

void en_do_revert(struct en *en, const char *name)
{
    assert_int_equal(en_revert(en, name), HP_OK);
    finish(en, name, HP_STATE_CHECKED);
}

/* ---- assertions --------------------------------------------------------------------------------
 */

void en_assert_rc(struct en *en, const char *name, enum hp_payload_state state,
                  enum hp_status status, int32_t rc)
{
    struct hp_payload_info info;

    assert_int_equal(hp_manager_get(&en->manager, name, &info), HP_OK);
    assert_string_equal(info.name, name);
    assert_int_equal(info.state, state);
    assert_int_equal(info.status, status);
    assert_int_equal(info.rc, rc);
}

void en_assert(struct en *en, const char *name, enum hp_payload_state state, enum hp_status status)
{
    en_assert_rc(en, name, state, status, -(int32_t)hp_status_errno(status));
}

void en_assert_report(struct en *en, enum hp_action_command command, enum hp_status status,
                      enum hp_rendezvous_phase phase)
{
    struct hp_action_report report;
    struct hp_action_report peeked;

    hp_manager_report(&en->manager, &report);
    assert_int_equal(report.command, command);
    assert_int_equal(report.status, status);
    assert_int_equal(report.phase, phase);
    assert_int_equal(hp_manager_peek_report(&en->manager, &peeked), status != HP_ACTION_PENDING);
    if (status != HP_ACTION_PENDING) {
        assert_memory_equal(&peeked, &report, sizeof(report));
    } else {
        assert_int_equal(peeked.status, HP_ACTION_PENDING);
        assert_int_equal(peeked.command, HP_ACTION_NONE);
    }
}

void en_assert_patched(const struct en *en, uint32_t function, bool patched)
{
    assert_int_equal(*tp_byte(en->port, EN_FUNCTION(function)), patched ? 0xe9 : 0xcc);
}

void en_assert_untouched(const struct en *en)
{
    assert_memory_equal(tp_byte(en->port, TP_TEXT), en->before, TP_TEXT_SIZE);
}

void en_assert_log(struct en *en, const char *in_order)
{
    assert_string_equal(en->log, in_order);
    memset(en->log, 0, sizeof(en->log));
}
