/* SPDX-License-Identifier: BSD-2-Clause */
/* links: test_port */
/* The stack check: somebody inside a function to be patched keeps the action from happening. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <hotpatch/payload.h>

#include "engine.h"

static const struct eb_splice splices[] = {
    {.name = "f10+32",
     .kind = HP_SPLICE_KIND_BYTES,
     .size = 1,
     .old_bytes = {0xcc},
     .new_bytes = {0x90}},
    {.name = "hypercall_table+8*17", .old_name = "f17", .kind = HP_SPLICE_KIND_POINTER},
};

/* f2 to f4, f10 by a splice in its middle, and an entry of the table. */
static const struct en_payload mixed = {
    .id = 0x11, .first = 2, .functions = 3, .splices = splices, .splice_count = 2};
static const struct en_payload second = {.id = 0x22, .first = 4, .functions = 2};

static struct hp_action_report report_of(struct en *en)
{
    struct hp_action_report report;

    hp_manager_report(&en->manager, &report);
    return report;
}

/* Sets what is on the stacks: two harmless entries, and one at `addr`. */
static void put_on_stack(struct en *en, uint64_t addr, uint32_t cpu)
{
    static struct tp_stack stacks[3] = {{TP_TEXT + 8, 0}, {EN_FUNCTION(150), 1}};

    stacks[2].addr = addr;
    stacks[2].cpu = cpu;
    en->port->stacks = stacks;
    en->port->stack_count = 3;
}

/* Schedules, passes the safe point, and asserts how it ends. */
static void try_action(struct en *en, enum hp_status (*call)(struct en *en, const char *name),
                       const char *name, enum hp_payload_state before, const char *function)
{
    bool apply = before == HP_STATE_CHECKED;

    assert_int_equal(call(en, name), HP_OK);
    en_safe_point(en);
    if (function == NULL) {
        en_assert(en, name, apply ? HP_STATE_APPLIED : HP_STATE_CHECKED, HP_OK);
        return;
    }
    en_assert_rc(en, name, before, HP_STACK_BUSY, -HP_ERRNO_EBUSY);
    assert_int_equal(report_of(en).phase, HP_PHASE_STOPPED);
    assert_int_equal(report_of(en).busy_addr, en->port->stacks[2].addr);
    assert_int_equal(report_of(en).busy_cpu, en->port->stacks[2].cpu);
    assert_string_equal(report_of(en).function, function);
}

static void test_apply(void **state)
{
    static const struct {
        uint64_t addr;
        const char *function; /* NULL: harmless */
    } cases[] = {
        {EN_FUNCTION(2) - 1, NULL},
        {EN_FUNCTION(2), "f2"},
        {EN_FUNCTION(2) + 5, "f2"}, /* behind the jump */
        {EN_FUNCTION(3) - 1, "f2"},
        {EN_FUNCTION(3), "f3"},
        {EN_FUNCTION(5) - 1, "f4"},
        {EN_FUNCTION(5), NULL},
        {EN_FUNCTION(10) - 1, NULL},
        {EN_FUNCTION(10), "f10+32"}, /* before the bytes of the splice, and behind them */
        {EN_FUNCTION(11) - 1, "f10+32"},
        {EN_FUNCTION(11), NULL},
        {EN_FUNCTION(17), NULL}, /* its pointer alone changes */
        {EN_TABLE + 8 * 17, NULL},
        {0, NULL},
        {UINT64_MAX, NULL},
    };
    struct en *en = *state;
    size_t n;

    assert_int_equal(en_upload(en, "p", &mixed), HP_OK);
    for (n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
        put_on_stack(en, cases[n].addr, n % 2 == 0 ? 3 : HP_STACK_SLEEPS);
        try_action(en, en_apply, "p", HP_STATE_CHECKED, cases[n].function);
        if (cases[n].function == NULL) {
            en->port->stack_count = 0;
            en_do_revert(en, "p");
        }
        en_assert_untouched(en);
    }
}

/* Nobody may be in what a revert takes away: the payload's code. */
static void test_revert(void **state)
{
    struct en *en = *state;
    struct hp_payload_info info;
    const struct hp_payload *payload;
    uint64_t text;

    assert_int_equal(en_upload(en, "p", &mixed), HP_OK);
    en_do_apply(en, "p");
    assert_int_equal(hp_manager_get(&en->manager, "p", &info), HP_OK);
    payload = info.payload;
    text = payload->image.memory.addr + payload->image.regions[HP_REGION_TEXT].offset;
    put_on_stack(en, payload->records[1].new_addr + 1, 2);
    try_action(en, en_revert, "p", HP_STATE_APPLIED, "new_f3");
    put_on_stack(en, EN_FUNCTION(4) + 9, 2);
    try_action(en, en_revert, "p", HP_STATE_APPLIED, "f4");
    en_assert_patched(en, 3, true);
    put_on_stack(en, text + payload->image.regions[HP_REGION_TEXT].size, 2); /* behind it */
    try_action(en, en_revert, "p", HP_STATE_APPLIED, NULL);
    en_assert_untouched(en);
    put_on_stack(en, payload->records[1].new_addr, 2); /* applying does no harm there */
    try_action(en, en_apply, "p", HP_STATE_CHECKED, NULL);
    en->port->stack_count = 0;
    en_do_revert(en, "p");
}

/* REPLACE takes the old payloads away and patches functions of its own. */
static void test_replace(void **state)
{
    struct en *en = *state;
    struct hp_payload_info info;
    uint64_t code;

    assert_int_equal(en_upload(en, "p", &mixed), HP_OK);
    assert_int_equal(en_upload(en, "r", &second), HP_OK);
    en_do_apply(en, "p");
    assert_int_equal(hp_manager_get(&en->manager, "p", &info), HP_OK);
    code = info.payload->records[0].new_addr;
    put_on_stack(en, code, HP_STACK_SLEEPS);
    try_action(en, en_replace, "r", HP_STATE_CHECKED, "new_f2");
    put_on_stack(en, EN_FUNCTION(5), 1);
    try_action(en, en_replace, "r", HP_STATE_CHECKED, "f5");
    en_assert(en, "p", HP_STATE_APPLIED, HP_OK);
    en_assert_patched(en, 2, true);
    put_on_stack(en, EN_FUNCTION(6), 1);
    try_action(en, en_replace, "r", HP_STATE_CHECKED, NULL);
    en->port->stack_count = 0;
    en_do_revert(en, "r");
}

/* Somebody else's change is reported first: it is what must not be written over. */
static void test_changed_first(void **state)
{
    static const uint8_t byte = 0x5a;
    struct en *en = *state;

    assert_int_equal(en_upload(en, "p", &mixed), HP_OK);
    put_on_stack(en, EN_FUNCTION(2), 1);
    assert_int_equal(en_apply(en, "p"), HP_OK);
    tp_poke(en->port, EN_FUNCTION(2), &byte, 1);
    en_safe_point(en);
    en_assert(en, "p", HP_STATE_CHECKED, HP_MEMORY_CHANGED);
    assert_int_equal(report_of(en).busy_addr, 0);
}

static int setup_walking(void **state)
{
    struct en *en;
    int rc = en_setup(state);

    en = *state;
    assert_int_equal(hp_manager_close(&en->manager), HP_OK);
    en->port->target.flags |= HP_TARGET_STACKS;
    assert_int_equal(hp_manager_init(&en->manager, en->port, NULL), HP_OK);
    return rc;
}

/* A port that does not say that it walks stacks is not asked; or refused, where that is wanted. */
static void test_without_walker(void **state)
{
    const struct hp_manager_options options = {.size = sizeof(options), .needs_stacks = true};
    struct en *en = *state;

    assert_int_equal(en_upload(en, "p", &mixed), HP_OK);
    put_on_stack(en, EN_FUNCTION(2), 1);
    en_do_apply(en, "p"); /* the port fails the test when it is asked */
    en_do_revert(en, "p");
    assert_int_equal(hp_manager_close(&en->manager), HP_OK);
    assert_int_equal(hp_manager_init(&en->manager, en->port, &options), HP_OK);
    assert_int_equal(en_upload(en, "p", &mixed), HP_OK);
    assert_int_equal(en_apply(en, "p"), HP_STACK_UNKNOWN);
    en_assert_rc(en, "p", HP_STATE_CHECKED, HP_STACK_UNKNOWN, -HP_ERRNO_EOPNOTSUPP);
    assert_int_equal(en_replace(en, "p"), HP_STACK_UNKNOWN);
    en_assert_untouched(en);
    assert_int_equal(hp_manager_close(&en->manager), HP_OK);
    en->port->target.flags |= HP_TARGET_STACKS; /* and with one it is content */
    assert_int_equal(hp_manager_init(&en->manager, en->port, &options), HP_OK);
    assert_int_equal(en_upload(en, "p", &mixed), HP_OK);
    try_action(en, en_apply, "p", HP_STATE_CHECKED, "f2");
}

#define EN_TEST(f) cmocka_unit_test_setup_teardown(f, setup_walking, en_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EN_TEST(test_apply),
        EN_TEST(test_revert),
        EN_TEST(test_replace),
        EN_TEST(test_changed_first),
        cmocka_unit_test_setup_teardown(test_without_walker, en_setup, en_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
