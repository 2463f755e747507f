/* SPDX-License-Identifier: BSD-2-Clause */
/* links: test_port */
/* Payloads that are well formed and would do harm: each has to be refused for what it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "test_port.h"

static const uint8_t endbr64[4] = {0xf3, 0x0f, 0x1e, 0xfa};

static struct eb_payload with_id(uint8_t id)
{
    const struct eb_ids ids = {.build_id = &id, .build_id_size = 1};

    return eb_payload_new(true, HP_EM_X86_64, &ids);
}

/* Loads one record and captures its plan. */
static enum hp_status plan_of(struct hp_port *port, const struct eb_record *record,
                              struct hp_diag *diag)
{
    struct eb_payload p = eb_payload_new(true, HP_EM_X86_64, NULL);
    struct hp_payload payload;
    enum hp_status status;

    eb_payload_record(&p, record);
    status = tp_load(port, &p, NULL, &payload, diag);
    if (status == HP_OK) {
        status = hp_plan_capture(&payload, NULL, 0, diag);
        hp_payload_unload(&payload);
    }
    return status;
}

/* A place one to three bytes into a function with a landing pad is in the pad, not behind it. */
static void test_inside_a_landing_pad(void **state)
{
    static const struct {
        const char *name;
        uint64_t addr;
        enum hp_status status;
    } rows[] = {
        {"target_function+1", 0, HP_PATCH_LANDING_PAD},
        {"target_function+0x3", 0, HP_PATCH_LANDING_PAD},
        {NULL, TP_FUNCTION + 2, HP_PATCH_LANDING_PAD},
        {"target_function+4", 0, HP_OK},
        {NULL, TP_FUNCTION + 4, HP_OK},
        {NULL, TP_FUNCTION - 2, HP_OK}, /* in front of the function, and in none */
    };
    struct hp_port *port = tp_new();
    size_t n;

    (void)state;
    tp_poke(port, TP_FUNCTION, endbr64, sizeof(endbr64));
    for (n = 0; n < sizeof(rows) / sizeof(rows[0]); n++) {
        const struct eb_record record = {
            .name = rows[n].name, .old_addr = rows[n].addr, .new_size = 2, .old_size = 5};
        struct hp_diag diag;

        assert_int_equal(plan_of(port, &record, &diag), rows[n].status);
        if (rows[n].status != HP_OK) {
            assert_int_equal(diag.stage, HP_STAGE_PLAN);
            assert_int_equal(diag.record, 0);
        }
    }
    tp_poke(port, TP_FUNCTION, "\x90\x90\x90\x90", 4);
    for (n = 0; n < 3; n++) { /* without a pad, the same places are as good as any */
        const struct eb_record record = {
            .name = rows[n].name, .old_addr = rows[n].addr, .new_size = 2, .old_size = 5};
        struct hp_diag diag;

        assert_int_equal(plan_of(port, &record, &diag), HP_OK);
    }
    tp_free(port);
}

/* The image lies at TP_IMAGE, its text first. */
static void test_own_text(void **state)
{
    static const uint64_t addrs[] = {TP_IMAGE, TP_IMAGE + 2, TP_IMAGE - 1};
    struct hp_port *port = tp_new();
    size_t n;

    (void)state;
    tp_add_range(port, TP_IMAGE - 16, "0123456789abcdef", 16, TP_PATCHABLE);
    for (n = 0; n < sizeof(addrs) / sizeof(addrs[0]); n++) {
        const struct eb_record record = {.old_addr = addrs[n], .new_size = 2, .old_size = 5};
        struct eb_payload p = eb_payload_new(true, HP_EM_X86_64, NULL);
        struct hp_payload payload;
        struct hp_diag diag;

        port->image_addr = TP_IMAGE;
        eb_append(p.b, p.text, 1, NULL, 64);
        eb_payload_record(&p, &record);
        assert_int_equal(tp_load(port, &p, NULL, &payload, &diag), HP_OK);
        assert_int_equal(payload.image.memory.addr, TP_IMAGE);
        hp_diag_init(&diag);
        assert_int_equal(hp_plan_capture(&payload, NULL, 0, &diag), HP_PATCH_RANGE);
        assert_int_equal(diag.actual, addrs[n]);
        hp_payload_unload(&payload);
    }
    tp_free(port);
}

/* A new function at address 0 would read as "no new function": as a NOP. */
static void test_image_at_zero(void **state)
{
    struct hp_port *port = tp_new();
    struct eb_payload p = eb_payload_new(true, HP_EM_X86_64, NULL);
    struct hp_payload payload;
    struct hp_diag diag;

    (void)state;
    port->image_addr = 0;
    eb_payload_function(&p, "target_function", TP_FUNCTION_SIZE);
    assert_int_equal(tp_load(port, &p, NULL, &payload, &diag), HP_IMAGE_MEMORY);
    assert_int_equal(diag.stage, HP_STAGE_LAYOUT);
    tp_free(port);
}

static void test_defined_twice(void **state)
{
    static const uint8_t binds[][2] = {{HP_STB_GLOBAL, HP_STB_GLOBAL},
                                       {HP_STB_GLOBAL, HP_STB_WEAK},
                                       {HP_STB_LOCAL, HP_STB_GLOBAL},
                                       {HP_STB_LOCAL, HP_STB_LOCAL}};
    struct hp_port *port = tp_new();
    size_t n;

    (void)state;
    for (n = 0; n < sizeof(binds) / sizeof(binds[0]); n++) {
        struct eb_payload p = eb_payload_new(true, HP_EM_X86_64, NULL);
        struct hp_payload payload;
        struct hp_diag diag;
        unsigned k;

        eb_payload_function(&p, "target_function", TP_FUNCTION_SIZE);
        eb_append(p.b, p.text, 1, NULL, 64);
        for (k = 0; k < 2; k++) {
            eb_symbol(p.b, "twice", binds[n][k], HP_STT_FUNC, p.text, 16 + k, 1);
        }
        if (binds[n][0] == HP_STB_LOCAL) {
            assert_int_equal(tp_load(port, &p, NULL, &payload, &diag), HP_OK);
            hp_payload_unload(&payload);
        } else {
            assert_int_equal(tp_load(port, &p, NULL, &payload, &diag), HP_SYMBOL_DUPLICATE);
            assert_string_equal(diag.name, "twice");
            assert_int_equal(diag.stage, HP_STAGE_SYMBOLS);
        }
    }
    tp_free(port);
}

/* What stacks on the target could not be told from what stacks on the payload. */
static void test_build_id_of_the_target(void **state)
{
    struct hp_port *port = tp_new();
    struct eb_ids ids = {.build_id = port->target.build_id,
                         .build_id_size = port->target.build_id_size};
    struct eb_payload p = eb_payload_new(true, HP_EM_X86_64, &ids);
    struct hp_payload payload;
    struct hp_diag diag;

    (void)state;
    eb_payload_function(&p, "target_function", TP_FUNCTION_SIZE);
    assert_int_equal(tp_load(port, &p, NULL, &payload, &diag), HP_BUILD_ID_EXISTS);
    assert_string_equal(diag.section_name, ".note.gnu.build-id");
    tp_free(port);
}

/* A profile that minds local symbols does not thereby offer them to others. */
static void test_locals_are_not_provided(void **state)
{
    struct hp_port *port = tp_new();
    struct eb_payload p = with_id(1);
    struct hp_payload first;
    struct hp_payload second;
    const struct hp_payload *const loaded[] = {&first};
    struct hp_load_options options = {.size = sizeof(options), .profile = &hp_profile_xen_4_17};
    struct hp_diag diag;

    (void)state;
    eb_append(p.b, p.text, 1, NULL, 64);
    eb_symbol(p.b, "hidden", HP_STB_LOCAL, HP_STT_FUNC, p.text, 32, 1);
    eb_symbol(p.b, "offered", HP_STB_GLOBAL, HP_STT_FUNC, p.text, 33, 1);
    eb_payload_function(&p, "target_function", TP_FUNCTION_SIZE);
    assert_int_equal(tp_load(port, &p, &options, &first, &diag), HP_OK);
    port->image_addr += 0x10000;
    options.loaded = loaded;
    options.loaded_count = 1;

    p = with_id(2);
    eb_payload_function(&p, "target_function", TP_FUNCTION_SIZE);
    eb_undefined(p.b, "hidden");
    assert_int_equal(tp_load(port, &p, &options, &second, &diag), HP_SYMBOL_UNDEFINED);
    assert_string_equal(diag.name, "hidden");

    p = with_id(3);
    eb_payload_function(&p, "target_function", TP_FUNCTION_SIZE);
    eb_undefined(p.b, "offered");
    assert_int_equal(tp_load(port, &p, &options, &second, &diag), HP_OK);
    hp_payload_unload(&second);

    p = with_id(4);
    eb_payload_function(&p, "target_function", TP_FUNCTION_SIZE);
    eb_symbol(p.b, "hidden", HP_STB_LOCAL, HP_STT_FUNC, p.text, 0, 1);
    eb_append(p.b, p.text, 1, NULL, 64);
    eb_symbol(p.b, "hidden", HP_STB_LOCAL, HP_STT_FUNC, p.text, 40, 1);
    assert_int_equal(tp_load(port, &p, &options, &second, &diag), HP_SYMBOL_EXISTS);
    assert_string_equal(diag.name, "hidden");
    assert_ptr_equal(diag.profile, hp_profile_xen_4_17.name);
    hp_payload_unload(&first);
    tp_free(port);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_inside_a_landing_pad),
        cmocka_unit_test(test_own_text),
        cmocka_unit_test(test_image_at_zero),
        cmocka_unit_test(test_defined_twice),
        cmocka_unit_test(test_build_id_of_the_target),
        cmocka_unit_test(test_locals_are_not_provided),
    };

    return cmocka_run_group_tests_name("harm", tests, NULL, NULL);
}
