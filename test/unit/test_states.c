/* SPDX-License-Identifier: BSD-2-Clause */
/* links: test_port */
/* The manager's states: every pair of state and action of SPEC section 10, and what it refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine.h"

static const struct en_payload one = {.id = 0x11, .functions = 1};
static const struct en_payload two = {.id = 0x22, .on = 0x11, .first = 1, .functions = 1};
static const struct en_payload three = {.id = 0x33, .first = 2, .functions = 1};

/* ---- the table ------------------------------------------------------------------------------- */

/* Where "one" is when the action is asked for. "two" lies on it, "three" could replace both. */
enum place {
    NOT_LOADED,
    CHECKED,  /* never applied */
    REVERTED, /* applied once */
    TOP,      /* applied last */
    BELOW,    /* applied, another on it */
    SCHEDULED_APPLY,
    SCHEDULED_REVERT,
    OTHER_SCHEDULED, /* checked, while another is applied */
    UNDER_SCHEDULED, /* applied, while another is applied on it */
    PLACE_COUNT
};

static enum hp_status unload(struct en *en, const char *name)
{
    hp_diag_init(&en->diag);
    return hp_manager_unload(&en->manager, name, &en->diag);
}

static enum hp_status (*const calls[])(struct en *en, const char *name) = {
    [HP_ACTION_UNLOAD] = unload,
    [HP_ACTION_REVERT] = en_revert,
    [HP_ACTION_APPLY] = en_apply,
    [HP_ACTION_REPLACE] = en_replace,
};

/* One pair: what the call answers, and what state and status the payload then has. */
struct row {
    enum place place;
    enum hp_action_command action;
    enum hp_status status;      /* of the call */
    enum hp_payload_state then; /* state right after the call */
    enum hp_status rc;          /* status right after the call */
    enum hp_payload_state end;  /* state once the action in progress is over */
    enum hp_status end_rc;
};

#define C HP_STATE_CHECKED
#define A HP_STATE_APPLIED

static const struct row rows[] = {
    {NOT_LOADED, HP_ACTION_UNLOAD, HP_PAYLOAD_UNKNOWN, 0, 0, 0, 0},
    {NOT_LOADED, HP_ACTION_REVERT, HP_PAYLOAD_UNKNOWN, 0, 0, 0, 0},
    {NOT_LOADED, HP_ACTION_APPLY, HP_PAYLOAD_UNKNOWN, 0, 0, 0, 0},
    {NOT_LOADED, HP_ACTION_REPLACE, HP_PAYLOAD_UNKNOWN, 0, 0, 0, 0},

    {CHECKED, HP_ACTION_UNLOAD, HP_OK, 0, 0, 0, 0},
    {CHECKED, HP_ACTION_REVERT, HP_ACTION_STATE, C, HP_ACTION_STATE, C, HP_ACTION_STATE},
    {CHECKED, HP_ACTION_APPLY, HP_OK, C, HP_ACTION_PENDING, A, HP_OK},
    {CHECKED, HP_ACTION_REPLACE, HP_OK, C, HP_ACTION_PENDING, A, HP_OK},

    {REVERTED, HP_ACTION_UNLOAD, HP_OK, 0, 0, 0, 0},
    {REVERTED, HP_ACTION_REVERT, HP_ACTION_STATE, C, HP_ACTION_STATE, C, HP_ACTION_STATE},
    {REVERTED, HP_ACTION_APPLY, HP_OK, C, HP_ACTION_PENDING, A, HP_OK},
    {REVERTED, HP_ACTION_REPLACE, HP_OK, C, HP_ACTION_PENDING, A, HP_OK},

    {TOP, HP_ACTION_UNLOAD, HP_ACTION_STATE, A, HP_ACTION_STATE, A, HP_ACTION_STATE},
    {TOP, HP_ACTION_REVERT, HP_OK, A, HP_ACTION_PENDING, C, HP_OK},
    {TOP, HP_ACTION_APPLY, HP_ACTION_STATE, A, HP_ACTION_STATE, A, HP_ACTION_STATE},
    {TOP, HP_ACTION_REPLACE, HP_ACTION_STATE, A, HP_ACTION_STATE, A, HP_ACTION_STATE},

    {BELOW, HP_ACTION_UNLOAD, HP_ACTION_STATE, A, HP_ACTION_STATE, A, HP_ACTION_STATE},
    {BELOW, HP_ACTION_REVERT, HP_ACTION_NOT_TOP, A, HP_ACTION_NOT_TOP, A, HP_ACTION_NOT_TOP},
    {BELOW, HP_ACTION_APPLY, HP_ACTION_STATE, A, HP_ACTION_STATE, A, HP_ACTION_STATE},
    {BELOW, HP_ACTION_REPLACE, HP_ACTION_STATE, A, HP_ACTION_STATE, A, HP_ACTION_STATE},

    {SCHEDULED_APPLY, HP_ACTION_UNLOAD, HP_ACTION_BUSY, C, HP_ACTION_PENDING, A, HP_OK},
    {SCHEDULED_APPLY, HP_ACTION_REVERT, HP_ACTION_BUSY, C, HP_ACTION_PENDING, A, HP_OK},
    {SCHEDULED_APPLY, HP_ACTION_APPLY, HP_ACTION_BUSY, C, HP_ACTION_PENDING, A, HP_OK},
    {SCHEDULED_APPLY, HP_ACTION_REPLACE, HP_ACTION_BUSY, C, HP_ACTION_PENDING, A, HP_OK},

    {SCHEDULED_REVERT, HP_ACTION_UNLOAD, HP_ACTION_BUSY, A, HP_ACTION_PENDING, C, HP_OK},
    {SCHEDULED_REVERT, HP_ACTION_REVERT, HP_ACTION_BUSY, A, HP_ACTION_PENDING, C, HP_OK},
    {SCHEDULED_REVERT, HP_ACTION_APPLY, HP_ACTION_BUSY, A, HP_ACTION_PENDING, C, HP_OK},
    {SCHEDULED_REVERT, HP_ACTION_REPLACE, HP_ACTION_BUSY, A, HP_ACTION_PENDING, C, HP_OK},

    {OTHER_SCHEDULED, HP_ACTION_UNLOAD, HP_ACTION_BUSY, C, HP_ACTION_BUSY, C, HP_ACTION_BUSY},
    {OTHER_SCHEDULED, HP_ACTION_REVERT, HP_ACTION_BUSY, C, HP_ACTION_BUSY, C, HP_ACTION_BUSY},
    {OTHER_SCHEDULED, HP_ACTION_APPLY, HP_ACTION_BUSY, C, HP_ACTION_BUSY, C, HP_ACTION_BUSY},
    {OTHER_SCHEDULED, HP_ACTION_REPLACE, HP_ACTION_BUSY, C, HP_ACTION_BUSY, C, HP_ACTION_BUSY},

    {UNDER_SCHEDULED, HP_ACTION_UNLOAD, HP_ACTION_BUSY, A, HP_ACTION_BUSY, A, HP_ACTION_BUSY},
    {UNDER_SCHEDULED, HP_ACTION_REVERT, HP_ACTION_BUSY, A, HP_ACTION_BUSY, A, HP_ACTION_BUSY},
    {UNDER_SCHEDULED, HP_ACTION_APPLY, HP_ACTION_BUSY, A, HP_ACTION_BUSY, A, HP_ACTION_BUSY},
    {UNDER_SCHEDULED, HP_ACTION_REPLACE, HP_ACTION_BUSY, A, HP_ACTION_BUSY, A, HP_ACTION_BUSY},
};

#undef C
#undef A

static void bring_to(struct en *en, enum place place)
{
    if (place == NOT_LOADED) {
        return;
    }
    assert_int_equal(en_upload(en, "one", &one), HP_OK);
    assert_int_equal(en_upload(en, "two", &two), HP_OK);
    assert_int_equal(en_upload(en, "three", &three), HP_OK);
    switch (place) {
    case REVERTED:
        en_do_apply(en, "one");
        en_do_revert(en, "one");
        break;
    case TOP:
        en_do_apply(en, "one");
        break;
    case BELOW:
        en_do_apply(en, "one");
        en_do_apply(en, "two");
        break;
    case SCHEDULED_APPLY:
        assert_int_equal(en_apply(en, "one"), HP_OK);
        break;
    case SCHEDULED_REVERT:
        en_do_apply(en, "one");
        assert_int_equal(en_revert(en, "one"), HP_OK);
        break;
    case OTHER_SCHEDULED:
        assert_int_equal(en_apply(en, "three"), HP_OK);
        break;
    case UNDER_SCHEDULED:
        en_do_apply(en, "one");
        assert_int_equal(en_apply(en, "two"), HP_OK);
        break;
    default:
        break;
    }
}

/* Reverts whatever is applied, so that the manager can be closed. */
static void revert_all(struct en *en)
{
    static const char *const names[] = {"three", "two", "one"};
    struct hp_payload_info info;
    size_t n;

    for (n = 0; n < 3; n++) {
        if (hp_manager_get(&en->manager, names[n], &info) == HP_OK &&
            info.state == HP_STATE_APPLIED) {
            en_do_revert(en, names[n]);
        }
    }
    en_assert_untouched(en);
}

static void each_state_and_action(void **state)
{
    size_t n;

    (void)state;
    for (n = 0; n < sizeof(rows) / sizeof(rows[0]); n++) {
        const struct row *row = &rows[n];
        uint32_t version;
        void *own = NULL;
        struct en *en;

        (void)en_setup(&own);
        en = own;
        bring_to(en, row->place);
        version = en->manager.list_version;
        if (calls[row->action](en, "one") != row->status) {
            print_message("row %zu\n", n);
            fail();
        }
        assert_int_equal(en->diag.status, row->status);
        if (row->status != HP_OK) {
            assert_int_equal(en->diag.stage, HP_STAGE_ACTION);
        }
        if (row->then == 0) {
            struct hp_payload_info info;

            assert_int_equal(hp_manager_get(&en->manager, "one", &info), HP_PAYLOAD_UNKNOWN);
            assert_int_equal(en->manager.list_version, version + (row->status == HP_OK));
        } else {
            en_assert(en, "one", row->then, row->rc);
            assert_int_equal(en->manager.list_version, version);
            en_safe_point(en);
            en_assert(en, "one", row->end, row->end_rc);
        }
        revert_all(en);
        (void)en_teardown(&own);
    }
}

/* The rows are the whole product, each pair once. */
static void table_is_complete(void **state)
{
    bool seen[PLACE_COUNT][HP_ACTION_REPLACE + 1] = {{false}};
    size_t n;

    (void)state;
    for (n = 0; n < sizeof(rows) / sizeof(rows[0]); n++) {
        assert_false(seen[rows[n].place][rows[n].action]);
        seen[rows[n].place][rows[n].action] = true;
    }
    assert_int_equal(n, PLACE_COUNT * HP_ACTION_REPLACE);
}

/* ---- what an action answers besides ---------------------------------------------------------- */

static void arguments(void **state)
{
    struct en *en = *state;
    struct hp_action_options options = {.size = sizeof(options) - 1};

    assert_int_equal(en_upload(en, "one", &one), HP_OK);
    hp_diag_init(&en->diag);
    assert_int_equal(hp_manager_apply(&en->manager, "one", &options, &en->diag),
                     HP_INVALID_ARGUMENT);
    assert_int_equal(en->diag.stage, HP_STAGE_CALL);
    en_assert(en, "one", HP_STATE_CHECKED, HP_OK);
    options.size = sizeof(options);
    options.flags = 2;
    assert_int_equal(hp_manager_apply(&en->manager, "one", &options, NULL), HP_ACTION_FLAGS);
    en_assert(en, "one", HP_STATE_CHECKED, HP_ACTION_FLAGS);
    assert_int_equal(hp_manager_replace(&en->manager, "one", &options, NULL), HP_ACTION_FLAGS);
    options.flags = UINT32_C(1) << 31 | HP_ACTION_NODEPS;
    assert_int_equal(hp_manager_replace(&en->manager, "one", &options, NULL), HP_ACTION_FLAGS);
    en_do_apply(en, "one");
    assert_int_equal(hp_manager_revert(&en->manager, "one", &options, NULL), HP_ACTION_FLAGS);
    en_assert(en, "one", HP_STATE_APPLIED, HP_ACTION_FLAGS);
    assert_int_equal(hp_manager_apply(&en->manager, NULL, NULL, NULL), HP_PAYLOAD_UNKNOWN);
    assert_int_equal(hp_manager_apply(&en->manager, "", NULL, NULL), HP_PAYLOAD_UNKNOWN);
    assert_int_equal(hp_manager_unload(&en->manager, NULL, NULL), HP_PAYLOAD_UNKNOWN);
    en_do_revert(en, "one");
    en_assert_untouched(en);
}

/* An action ends once: the safe point does nothing before and after. */
static void one_action_one_window(void **state)
{
    struct en *en = *state;
    struct hp_payload_info info;
    unsigned n;

    assert_int_equal(en_upload(en, "one", &one), HP_OK);
    en_safe_point(en);
    assert_int_equal(en->port->windows, 0);
    en_assert_report(en, HP_ACTION_NONE, HP_OK, HP_PHASE_NONE);
    assert_int_equal(en_apply(en, "one"), HP_OK);
    en_assert_patched(en, 0, false);
    en_assert_report(en, HP_ACTION_APPLY, HP_ACTION_PENDING, HP_PHASE_NONE);
    assert_int_equal(hp_manager_get(&en->manager, "one", &info), HP_OK);
    assert_int_equal(info.rc, -HP_ERRNO_EAGAIN);
    assert_int_equal(hp_manager_close(&en->manager), HP_ACTION_BUSY);
    for (n = 0; n < 3; n++) {
        en_safe_point(en);
        assert_int_equal(en->port->windows, 1);
        assert_int_equal(en->port->syncs, 1);
        en_assert_patched(en, 0, true);
        en_assert_report(en, HP_ACTION_APPLY, HP_OK, HP_PHASE_STOPPED);
    }
    assert_int_equal(hp_manager_close(&en->manager), HP_ACTION_STATE);
    en_do_revert(en, "one");
    assert_int_equal(en->port->windows, 2);
    en_assert_untouched(en);
}

/* More payloads than the stack of a test has names, applied and taken back in order. */
static void a_tall_stack(void **state)
{
    struct en *en = *state;
    char name[2] = "a";
    uint8_t n;

    for (n = 0; n < 6; n++) {
        struct en_payload payload = {.id = (uint8_t)(0x20 + n * 0x10),
                                     .on = (uint8_t)(n == 0 ? 0 : 0x10 + n * 0x10),
                                     .functions = 3u}; /* all patch the same three functions */
        name[0] = (char)('a' + n);
        assert_int_equal(en_upload(en, name, &payload), HP_OK);
        en_do_apply(en, name);
        assert_int_equal(hp_manager_attest(&en->manager, NULL), HP_OK);
    }
    for (n = 6; n > 0; n--) {
        uint8_t lower;

        for (lower = 1; lower < n; lower++) {
            name[0] = (char)('a' + lower - 1);
            assert_int_equal(en_revert(en, name), HP_ACTION_NOT_TOP);
        }
        name[0] = (char)('a' + n - 1);
        en_do_revert(en, name);
        assert_int_equal(hp_manager_attest(&en->manager, NULL), HP_OK);
    }
    en_assert_untouched(en);
}

/* A payload with no data of its own can be applied again, others cannot until they are new. */
static void reapplying(void **state)
{
    static const struct en_payload with_data = {.id = 0x11, .functions = 1, .data = true};
    static const struct en_payload with_rodata = {
        .id = 0x33, .first = 1, .functions = 1, .rodata = true};
    struct en *en = *state;

    assert_int_equal(en_upload(en, "data", &with_data), HP_OK);
    assert_int_equal(en_upload(en, "rodata", &with_rodata), HP_OK);
    en_do_apply(en, "rodata");
    en_do_revert(en, "rodata");
    en_do_apply(en, "rodata");
    en_do_revert(en, "rodata");
    en_do_apply(en, "data");
    en_do_revert(en, "data");
    assert_int_equal(en_apply(en, "data"), HP_REAPPLY);
    en_assert(en, "data", HP_STATE_CHECKED, HP_REAPPLY);
    assert_int_equal(en_replace(en, "data"), HP_REAPPLY);
    assert_int_equal(hp_manager_unload(&en->manager, "data", NULL), HP_OK);
    assert_int_equal(en_upload(en, "data", &with_data), HP_OK);
    en_do_replace(en, "data");
    en_do_replace(en, "rodata"); /* which reverts it */
    en_assert(en, "data", HP_STATE_CHECKED, HP_OK);
    assert_int_equal(en_replace(en, "data"), HP_REAPPLY);
    assert_int_equal(en_apply(en, "data"), HP_REAPPLY);
    en_do_revert(en, "rodata");
    en_assert_untouched(en);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_state_and_action),
        cmocka_unit_test(table_is_complete),
        cmocka_unit_test_setup_teardown(arguments, en_setup, en_teardown),
        cmocka_unit_test_setup_teardown(one_action_one_window, en_setup, en_teardown),
        cmocka_unit_test_setup_teardown(a_tall_stack, en_setup, en_teardown),
        cmocka_unit_test_setup_teardown(reapplying, en_setup, en_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
