/* SPDX-License-Identifier: BSD-2-Clause */
/* links: test_port */
/* The port failing: every fallible call of a load and a capture, once and from then on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "test_port.h"

/* A pointer of the target, behind its text. */
#define POINTER (TP_TEXT + TP_TEXT_SIZE)

/* Adds tables: two alternatives, an alternative call through the target's pointer, and others. */
static void add_tables(struct eb_payload *p)
{
    static const uint8_t call[6] = {0xff, 0x15};
    const struct eb_alternative alts[] = {
        {.site = 8, .site_size = 8, .size = 8, .feature = 1},
        {.site = 16, .site_size = 4, .size = 6, .pad = 2, .feature = 0x8002}};
    size_t n;

    eb_append(p->b, eb_payload_table(p, HP_SPECIAL_ALTINSTR_REPLACEMENT), 1, NULL, 8);
    for (n = 0; n < sizeof(alts) / sizeof(alts[0]); n++) {
        eb_payload_alternative(p, &alts[n]);
    }
    memcpy(eb_bytes(p->b, p->text) + 32, call, sizeof(call));
    eb_rela(p->b, p->text, 34, 2,
            eb_symbol(p->b, "pointer", HP_STB_LOCAL, HP_STT_NOTYPE, EB_ABS, POINTER, 0), -4);
    eb_payload_self(p, HP_SPECIAL_ALT_CALL_SITES, p->text, 32, 0);
    for (n = 16; n > 0; n -= 8) {
        eb_payload_self(p, HP_SPECIAL_EX_TABLE, p->text, (int64_t)n, 0);
        eb_payload_self(p, HP_SPECIAL_EX_TABLE, p->text, 0, 0);
    }
    eb_payload_self(p, HP_SPECIAL_BUG_FRAMES_0, p->text, 48, 0);
    eb_payload_self(p, HP_SPECIAL_BUG_FRAMES_0, p->text, 0, 0);
}

/* A payload that makes the library ask every question it has. */
static uint8_t *curious(const uint8_t *target_id, size_t *size)
{
    const struct eb_ids ids = {.depends = target_id, .depends_size = 20};
    struct eb_payload p = eb_payload_new(true, HP_EM_X86_64, &ids);
    const struct eb_record records[] = {
        {.name = "target_function+32", .new_size = 7, .old_size = 16},
        {.old_addr = TP_TEXT + 0x20,
         .new_size = 5,
         .old_size = 9,
         .expect_control = 3,
         .expect = {0xcc}},
        {.name = "file.c#helper", .new_size = 9, .old_size = 12},
    };
    uint32_t section;
    size_t n;

    eb_append(p.b, p.text, 1, NULL, 64);
    add_tables(&p);
    eb_payload_function(&p, "target_function", 32);
    for (n = 0; n < sizeof(records) / sizeof(records[0]); n++) {
        eb_payload_record(&p, &records[n]);
    }
    eb_symbol(p.b, "first_new", HP_STB_GLOBAL, HP_STT_FUNC, p.text, 0, 8);
    eb_symbol(p.b, "second_new", HP_STB_WEAK, HP_STT_FUNC, p.text, 8, 8);
    eb_symbol(p.b, "absent", HP_STB_WEAK, HP_STT_FUNC, EB_UNDEF, 0, 0);
    eb_section(p.b, ".bss", HP_SHT_NOBITS, HP_SHF_ALLOC | HP_SHF_WRITE, 8, NULL, 100);
    section = eb_section(p.b, ".rodata.v", HP_SHT_PROGBITS, HP_SHF_ALLOC, 8, NULL, 64);
    eb_rela(p.b, section, 0, 1, eb_undefined(p.b, "target_function"), 0);
    eb_rela(p.b, section, 8, 9, eb_undefined(p.b, "file.c#helper"), 0);
    return eb_payload_finish(&p, size);
}

/* A port for it. */
static struct hp_port *new_port(void)
{
    static const uint8_t pointer[8] = {0, 0x10, 0x20, 0x40, 0xd0, 0x82, 0xff, 0xff};
    struct hp_port *port = tp_new();

    port->target.flags |=
        HP_TARGET_EX_TABLE | HP_TARGET_BUG_FRAMES | HP_TARGET_ALTERNATIVES | HP_TARGET_ALT_CALLS;
    tp_add_range(port, POINTER, pointer, sizeof(pointer), 0);
    tp_add_local(port, "file.c", "helper", TP_TEXT + 0x300, 64);
    tp_add_range(port, TP_TEXT + 0x302, NULL, 2, TP_UNCERTAIN);
    return port;
}

/* Asserts that the target is as it was. */
static void assert_untouched(const struct hp_port *port, const uint8_t *before)
{
    assert_int_equal(port->ranges[0].addr, TP_TEXT);
    assert_memory_equal(port->ranges[0].bytes, before, TP_TEXT_SIZE);
}

/* Loads and captures; returns the first status that is not HP_OK. */
static enum hp_status load_and_capture(struct hp_port *port)
{
    struct hp_payload payload;
    struct hp_diag diag;
    enum hp_status status;
    size_t size;
    uint8_t *file = curious(port->target.build_id, &size);

    status = tp_load_file(port, file, size, NULL, &payload, &diag);
    if (status == HP_OK) {
        status = hp_plan_capture(&payload, NULL, 0, &diag);
        assert_int_equal(diag.status, status);
        assert_int_equal(payload.write_count, status == HP_OK ? 4 : 0);
        assert_int_equal(diag.stage, status == HP_OK ? HP_STAGE_NONE : HP_STAGE_PLAN);
    }
    hp_payload_unload(&payload);
    return status;
}

static enum hp_status validate(struct hp_port *port)
{
    const struct hp_validate_options options = {.size = sizeof(options), .allow_undecided = true};
    struct hp_verdict verdict;
    struct hp_diag diag;
    enum hp_status status;
    size_t size;
    uint8_t *file = curious(port->target.build_id, &size);

    hp_diag_init(&diag);
    status = hp_validate(port, file, size, &options, &verdict, &diag);
    assert_int_equal(verdict.status, status);
    assert_int_equal(diag.status, status);
    free(file);
    return status;
}

/* Fails every call of `action` in turn, and asserts that the port's answer is what comes out. */
static void fail_each(enum hp_status (*action)(struct hp_port *port), bool onwards,
                      enum hp_status symbol_failure)
{
    struct hp_port *port = new_port();
    uint8_t *before = malloc(TP_TEXT_SIZE);
    uint32_t total;
    uint32_t n;

    assert_non_null(before);
    memcpy(before, port->ranges[0].bytes, TP_TEXT_SIZE);
    assert_int_equal(action(port), HP_OK);
    total = port->calls;
    assert_true(total > 20);
    for (n = 1; n <= total; n++) {
        port->calls = 0;
        port->fail_at = n;
        port->fail_onwards = onwards;
        port->failed = HP_OK;
        port->symbol_failure = symbol_failure;
        if (action(port) != port->failed || port->failed == HP_OK) {
            print_message("call %u of %u\n", n, total);
            fail();
        }
        assert_int_equal(port->calls, n); /* nothing more was asked */
        assert_int_equal(port->live, 0);
        assert_untouched(port, before);
    }
    port->calls = 0; /* and the port serves again as if nothing had been */
    port->fail_at = 0;
    assert_int_equal(action(port), HP_OK);
    assert_int_equal(port->calls, total);
    free(before);
    tp_free(port);
}

static void test_once(void **state)
{
    (void)state;
    fail_each(load_and_capture, false, HP_TARGET_FILE);
    fail_each(load_and_capture, false, HP_NO_MEMORY);
}

static void test_onwards(void **state)
{
    (void)state;
    fail_each(load_and_capture, true, HP_TARGET_FILE);
}

static void test_validate(void **state)
{
    (void)state;
    fail_each(validate, false, HP_TARGET_FILE);
    fail_each(validate, true, HP_TARGET_READ);
}

/* The statuses that stand for an answer, given where they are none: never a way past a check. */
static void test_wrong_answers(void **state)
{
    static const enum hp_status answers[] = {HP_PATCH_DENIED, HP_SYMBOL_EXISTS,
                                             HP_INVALID_ARGUMENT};
    size_t n;

    (void)state;
    for (n = 0; n < sizeof(answers) / sizeof(answers[0]); n++) {
        fail_each(load_and_capture, false, answers[n]);
    }
}

/* Memory that fails names how much was asked for. */
static void test_memory(void **state)
{
    struct hp_port *port = new_port();
    struct hp_payload payload;
    struct hp_diag diag;
    size_t size;
    uint8_t *file = curious(port->target.build_id, &size);

    (void)state;
    port->fail_at = 1;
    assert_int_equal(tp_load_file(port, file, size, NULL, &payload, &diag), HP_NO_MEMORY);
    assert_int_equal(diag.stage, HP_STAGE_LAYOUT);
    assert_int_equal(hp_status_errno(diag.status), HP_ERRNO_ENOMEM);
    file = curious(port->target.build_id, &size);
    port->calls = 0;
    port->fail_at = 2;
    assert_int_equal(tp_load_file(port, file, size, NULL, &payload, &diag), HP_IMAGE_MEMORY);
    assert_int_equal(diag.stage, HP_STAGE_LAYOUT);
    assert_int_equal(diag.actual, 3 * TP_PAGE);
    assert_int_equal(hp_status_errno(diag.status), HP_ERRNO_ENOMEM);
    tp_free(port);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_once),     cmocka_unit_test(test_onwards),
        cmocka_unit_test(test_validate), cmocka_unit_test(test_wrong_answers),
        cmocka_unit_test(test_memory),
    };

    return cmocka_run_group_tests_name("fault", tests, NULL, NULL);
}
