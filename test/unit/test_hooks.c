/* SPDX-License-Identifier: BSD-2-Clause */
/* links: test_port */
/* Hooks: in which order and context they run, what they can refuse, and what they can ask. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <hotpatch/payload.h>

#include "engine.h"

static const struct en_payload all = {
    .id = 0x11, .functions = 3, .hooks = EN_ALL_HOOKS & ~(EN_APPLY | EN_REVERT)};
static const struct en_payload instead = {.id = 0x11, .functions = 3, .hooks = EN_ALL_HOOKS};

static void order(void **state)
{
    struct en *en = *state;

    assert_int_equal(en_upload(en, "p", &all), HP_OK);
    en_assert_log(en, "");
    assert_int_equal(en_apply(en, "p"), HP_OK);
    en_assert_log(en, "a");
    en_safe_point(en);
    en_assert_log(en, "Lp");
    en_assert(en, "p", HP_STATE_APPLIED, HP_OK);
    assert_int_equal(en->hook_seen_state[HP_SPECIAL_HOOKS_PREAPPLY], HP_STATE_CHECKED);
    assert_int_equal(en->hook_seen_state[HP_SPECIAL_HOOKS_POSTAPPLY], HP_STATE_APPLIED);
    assert_int_equal(en->hook_seen_rc[HP_SPECIAL_HOOKS_POSTAPPLY], 0);
    assert_int_equal(en_revert(en, "p"), HP_OK);
    en_assert_log(en, "r");
    en_safe_point(en);
    en_assert_log(en, "Uv");
    assert_int_equal(en->hook_seen_state[HP_SPECIAL_HOOKS_PREREVERT], HP_STATE_APPLIED);
    assert_int_equal(en->hook_seen_state[HP_SPECIAL_HOOKS_POSTREVERT], HP_STATE_CHECKED);
    en_assert_untouched(en);
}

/*
 * Load hooks run before the first function is patched, unload hooks after the last is restored. The
 * fixture's callback is not told of them, so that this one takes its place.
 */
static int see_untouched(struct hp_port *port, uint64_t addr, struct hp_payload_handle *handle)
{
    struct en *en = port->data;
    enum hp_special which = (enum hp_special) * tp_byte(port, addr);

    (void)handle;
    if (which == HP_SPECIAL_HOOKS_LOAD || which == HP_SPECIAL_HOOKS_UNLOAD) {
        assert_true(port->in_window);
        assert_false(port->stale[port->self]);
        en_assert_untouched(en);
    } else {
        assert_false(port->in_window);
        assert_false(port->interrupts_off[port->self]);
        assert_false(port->held);
    }
    return 0;
}

static void load_before_unload_after(void **state)
{
    struct en *en = *state;

    en->port->on_hook = see_untouched;
    assert_int_equal(en_upload(en, "p", &all), HP_OK);
    en_do_apply(en, "p");
    assert_int_equal(en->port->hooks, 3);
    en_do_revert(en, "p");
    assert_int_equal(en->port->hooks, 6);
}

/* A pre hook that refuses: its number is the action's rc, nothing else is called. */
static void pre_hooks_refuse(void **state)
{
    struct en *en = *state;

    assert_int_equal(en_upload(en, "p", &all), HP_OK);
    en->hook_rc[HP_SPECIAL_HOOKS_PREAPPLY] = -77;
    assert_int_equal(en_apply(en, "p"), HP_HOOK_FAILED);
    assert_int_equal(en->diag.stage, HP_STAGE_ACTION);
    assert_int_equal((int64_t)en->diag.actual, -77);
    assert_string_equal(en->diag.section_name, ".livepatch.hooks.preapply");
    en_assert_rc(en, "p", HP_STATE_CHECKED, HP_HOOK_FAILED, -77);
    en_assert_report(en, HP_ACTION_APPLY, HP_HOOK_FAILED, HP_PHASE_NONE);
    assert_int_equal(en->manager.report.hook_rc, -77);
    tp_assert_quiescent(en->port);
    en_safe_point(en);
    en_assert_log(en, "a");
    assert_int_equal(en->port->windows, 0);
    en->hook_rc[HP_SPECIAL_HOOKS_PREAPPLY] = 0;
    en_do_apply(en, "p");
    en_assert_log(en, "aLp");

    en->hook_rc[HP_SPECIAL_HOOKS_PREREVERT] = 5; /* any number but 0 refuses */
    assert_int_equal(en_revert(en, "p"), HP_HOOK_FAILED);
    assert_string_equal(en->diag.section_name, ".livepatch.hooks.prerevert");
    en_assert_rc(en, "p", HP_STATE_APPLIED, HP_HOOK_FAILED, 5);
    en_assert_report(en, HP_ACTION_REVERT, HP_HOOK_FAILED, HP_PHASE_NONE);
    en_safe_point(en);
    en_assert_log(en, "r");
    en->hook_rc[HP_SPECIAL_HOOKS_PREREVERT] = 0;
    en_do_revert(en, "p");
    en_assert_untouched(en);
}

/* What is refused before the pre hook calls no hook at all. */
static void refusals_call_no_hook(void **state)
{
    static const struct en_payload wrong = {
        .id = 0x22, .functions = 1, .expect = 0x90, .hooks = EN_PREAPPLY | EN_POSTAPPLY};
    struct en *en = *state;

    assert_int_equal(en_upload(en, "p", &wrong), HP_OK);
    assert_int_equal(en_apply(en, "p"), HP_EXPECT_MISMATCH);
    assert_int_equal(en_revert(en, "p"), HP_ACTION_STATE);
    en_safe_point(en);
    en_assert_log(en, "");
}

/* An action that fails after the pre hook calls the post hook all the same, with the rc. */
static void post_hooks_after_failures(void **state)
{
    struct en *en = *state;

    assert_int_equal(en_upload(en, "p", &all), HP_OK);
    assert_int_equal(en_apply(en, "p"), HP_OK);
    en->port->fail_at = en->port->calls + 1;
    en_safe_point(en);
    en_assert_log(en, "ap");
    en_assert(en, "p", HP_STATE_CHECKED, HP_CPUS_NOT_HELD);
    en_assert_report(en, HP_ACTION_APPLY, HP_CPUS_NOT_HELD, HP_PHASE_NONE);
    assert_int_equal(en->hook_seen_rc[HP_SPECIAL_HOOKS_POSTAPPLY], -HP_ERRNO_EBUSY);
    assert_int_equal(en->hook_seen_state[HP_SPECIAL_HOOKS_POSTAPPLY], HP_STATE_CHECKED);
    assert_int_equal(en->port->windows, 0);
    en_do_apply(en, "p");
    en_assert_log(en, "aLp");
    assert_int_equal(en_revert(en, "p"), HP_OK);
    en->port->fail_at = en->port->calls + 1;
    en_safe_point(en);
    en_assert_log(en, "rv");
    en_assert(en, "p", HP_STATE_APPLIED, HP_CPUS_NOT_HELD);
    assert_int_equal(en->hook_seen_state[HP_SPECIAL_HOOKS_POSTREVERT], HP_STATE_APPLIED);
    en_do_revert(en, "p");
    en_assert_untouched(en);
}

/* ---- apply and revert hooks ------------------------------------------------------------------ */

/* Applies or reverts functions 0 and 2 of three. */
static void first_and_last(struct en *en, enum hp_special which, struct hp_payload_handle *handle)
{
    (void)en;
    if (which == HP_SPECIAL_HOOKS_APPLY) {
        assert_int_equal(hp_handle_function_apply(handle, 0), 0);
        assert_int_equal(hp_handle_function_apply(handle, 2), 0);
        assert_int_equal(hp_handle_function_apply(handle, 2), 0); /* once is enough */
        assert_int_equal(hp_handle_function_apply(handle, 3), -HP_ERRNO_EINVAL);
        assert_int_equal(hp_handle_function_revert(handle, 0), -HP_ERRNO_EPERM);
        assert_int_equal(hp_handle_function_applied(handle, 0), 1);
        assert_int_equal(hp_handle_function_applied(handle, 1), 0);
    } else if (which == HP_SPECIAL_HOOKS_REVERT) {
        assert_int_equal(hp_handle_function_revert(handle, 0), 0);
        assert_int_equal(hp_handle_function_apply(handle, 1), -HP_ERRNO_EPERM);
        assert_int_equal(hp_handle_function_revert(handle, 3), -HP_ERRNO_EINVAL);
    } else {
        assert_int_equal(hp_handle_function_apply(handle, 0), -HP_ERRNO_EPERM);
        assert_int_equal(hp_handle_function_revert(handle, 0), -HP_ERRNO_EPERM);
    }
    assert_int_equal(hp_handle_function_count(handle), 3);
    assert_int_equal(hp_handle_function_applied(handle, 3), -HP_ERRNO_EINVAL);
    assert_string_equal(hp_handle_name(handle), "p");
    assert_string_equal(hp_handle_info(handle, "key"), "value");
    assert_null(hp_handle_info(handle, "ke"));
    assert_null(hp_handle_info(handle, "key=value"));
    assert_null(hp_handle_info(handle, ""));
}

static void an_apply_hook_decides(void **state)
{
    struct en *en = *state;
    struct hp_function_info info;

    en->in_hook = first_and_last;
    assert_int_equal(en_upload(en, "p", &instead), HP_OK);
    en_do_apply(en, "p");
    en_assert_log(en, "aLAp");
    en_assert_patched(en, 0, true);
    en_assert_patched(en, 1, false);
    en_assert_patched(en, 2, true);
    assert_int_equal(hp_manager_peek_function(&en->manager, 0, 1, &info), HP_OK);
    assert_false(info.applied);
    assert_int_equal(hp_manager_peek_function(&en->manager, 0, 2, &info), HP_OK);
    assert_true(info.applied);
    assert_int_equal(hp_manager_attest(&en->manager, NULL), HP_OK);
    /* What the revert hook leaves is reverted after it; what was not applied is left alone. */
    tp_poke(en->port, EN_FUNCTION(1), "\x90", 1);
    en_do_revert(en, "p");
    en_assert_log(en, "rRUv");
    assert_int_equal(*tp_byte(en->port, EN_FUNCTION(1)), 0x90);
    tp_poke(en->port, EN_FUNCTION(1), "\xcc", 1);
    en_assert_untouched(en);
}

/* An apply hook that fails: its writes are taken back, its rc is the action's. */
static void an_apply_hook_fails(void **state)
{
    struct en *en = *state;
    struct hp_function_info info;

    en->in_hook = first_and_last;
    en->hook_rc[HP_SPECIAL_HOOKS_APPLY] = -5;
    assert_int_equal(en_upload(en, "p", &instead), HP_OK);
    assert_int_equal(en_apply(en, "p"), HP_OK);
    en_safe_point(en);
    en_assert_log(en, "aLAUp");
    en_assert_rc(en, "p", HP_STATE_CHECKED, HP_HOOK_FAILED, -5);
    en_assert_report(en, HP_ACTION_APPLY, HP_HOOK_FAILED, HP_PHASE_STOPPED);
    assert_int_equal(en->manager.report.hook_rc, -5);
    assert_int_equal(en->hook_seen_rc[HP_SPECIAL_HOOKS_POSTAPPLY], -5);
    assert_int_equal(hp_manager_peek_function(&en->manager, 0, 0, &info), HP_OK);
    assert_false(info.applied);
    en_assert_untouched(en);
    en->hook_rc[HP_SPECIAL_HOOKS_APPLY] = 0;
    en_do_apply(en, "p");
    en_do_revert(en, "p");
    en_assert_untouched(en);
}

static void a_revert_hook_fails(void **state)
{
    struct en *en = *state;

    en->in_hook = first_and_last;
    assert_int_equal(en_upload(en, "p", &instead), HP_OK);
    en_do_apply(en, "p");
    en_assert_log(en, "aLAp");
    en->hook_rc[HP_SPECIAL_HOOKS_REVERT] = 1;
    assert_int_equal(en_revert(en, "p"), HP_OK);
    en_safe_point(en);
    en_assert_log(en, "rRv");
    en_assert_rc(en, "p", HP_STATE_APPLIED, HP_HOOK_FAILED, 1);
    en_assert_patched(en, 0, true);
    en_assert_patched(en, 1, false);
    en_assert_patched(en, 2, true);
    assert_int_equal(hp_manager_attest(&en->manager, NULL), HP_OK);
    en->hook_rc[HP_SPECIAL_HOOKS_REVERT] = 0;
    en_do_revert(en, "p");
    en_assert_untouched(en);
}

/* A hook that changes nothing leaves all functions as they are, and that is what a revert undoes.
 */
static void an_apply_hook_that_does_nothing(void **state)
{
    struct en *en = *state;

    assert_int_equal(en_upload(en, "p", &instead), HP_OK);
    en_do_apply(en, "p");
    en_assert_untouched(en);
    en_do_revert(en, "p");
    en_assert_untouched(en);
}

/* ---- where hooks are refused ----------------------------------------------------------------- */

static void a_target_that_is_not_live(void **state)
{
    struct en *en = *state;
    unsigned which;

    en->port->target.flags = 0;
    for (which = HP_HOOK_FIRST; which <= HP_HOOK_LAST; which++) {
        const struct en_payload payload = {.id = 0x11, .functions = 1, .hooks = 1u << which};

        assert_int_equal(en_upload(en, "p", &payload), HP_OK);
        assert_int_equal(en_apply(en, "p"), HP_SPECIAL_UNSUPPORTED);
        assert_string_equal(en->diag.section_name, hp_special_name((enum hp_special)which));
        en_assert(en, "p", HP_STATE_CHECKED, HP_SPECIAL_UNSUPPORTED);
        assert_int_equal(hp_manager_unload(&en->manager, "p", NULL), HP_OK);
    }
    en_assert_log(en, "");
}

/* REPLACE takes load and unload hooks alone, of the new payload and of all that are applied. */
static void replace_refuses_hooks(void **state)
{
    static const struct en_payload plain = {.id = 0x33, .first = 4, .functions = 1};
    static const struct en_payload upper = {
        .id = 0x55, .on = 0x11, .first = 8, .functions = 1, .hooks = EN_LOAD | EN_UNLOAD};
    struct en *en = *state;
    unsigned which;

    assert_int_equal(en_upload(en, "plain", &plain), HP_OK);
    assert_int_equal(en_upload(en, "upper", &upper), HP_OK);
    for (which = HP_SPECIAL_HOOKS_PREAPPLY; which <= HP_HOOK_LAST; which++) {
        const struct en_payload payload = {.id = 0x11, .functions = 1, .hooks = 1u << which};

        assert_int_equal(en_upload(en, "p", &payload), HP_OK);
        assert_int_equal(en_replace(en, "p"), HP_ACTION_HOOKS);
        assert_string_equal(en->diag.section_name, hp_special_name((enum hp_special)which));
        assert_string_equal(en->diag.name, "p");
        en_assert(en, "p", HP_STATE_CHECKED, HP_ACTION_HOOKS);
        en_do_apply(en, "p");
        en_do_apply(en, "upper");
        en->log[0] = '\0';
        assert_int_equal(en_replace(en, "plain"), HP_ACTION_HOOKS); /* for the lower one's hook */
        assert_string_equal(en->diag.name, "p");
        en_assert(en, "plain", HP_STATE_CHECKED, HP_ACTION_HOOKS);
        en_assert(en, "upper", HP_STATE_APPLIED, HP_OK);
        en_assert(en, "p", HP_STATE_APPLIED, HP_OK);
        en_assert_log(en, "");
        en_do_revert(en, "upper");
        en_do_revert(en, "p");
        assert_int_equal(hp_manager_unload(&en->manager, "p", NULL), HP_OK);
    }
    en_assert_untouched(en);
}

static void replace_calls_load_and_unload(void **state)
{
    static const struct en_payload lower = {
        .id = 0x11, .functions = 1, .hooks = EN_LOAD | EN_UNLOAD};
    static const struct en_payload upper = {
        .id = 0x33, .on = 0x11, .first = 1, .functions = 1, .hooks = EN_UNLOAD};
    static const struct en_payload other = {
        .id = 0x55, .first = 2, .functions = 1, .hooks = EN_LOAD};
    struct en *en = *state;

    assert_int_equal(en_upload(en, "lower", &lower), HP_OK);
    assert_int_equal(en_upload(en, "upper", &upper), HP_OK);
    assert_int_equal(en_upload(en, "other", &other), HP_OK);
    en_do_apply(en, "lower");
    en_do_apply(en, "upper");
    en_assert_log(en, "L");
    en_do_replace(en, "other");
    en_assert_log(en, "UUL");
    assert_int_equal(en->port->windows, 3);
    en_do_revert(en, "other");
    en_assert_log(en, "");
    en_assert_untouched(en);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(order, en_setup, en_teardown),
        cmocka_unit_test_setup_teardown(load_before_unload_after, en_setup, en_teardown),
        cmocka_unit_test_setup_teardown(pre_hooks_refuse, en_setup, en_teardown),
        cmocka_unit_test_setup_teardown(refusals_call_no_hook, en_setup, en_teardown),
        cmocka_unit_test_setup_teardown(post_hooks_after_failures, en_setup, en_teardown),
        cmocka_unit_test_setup_teardown(an_apply_hook_decides, en_setup, en_teardown),
        cmocka_unit_test_setup_teardown(an_apply_hook_fails, en_setup, en_teardown),
        cmocka_unit_test_setup_teardown(a_revert_hook_fails, en_setup, en_teardown),
        cmocka_unit_test_setup_teardown(an_apply_hook_that_does_nothing, en_setup, en_teardown),
        cmocka_unit_test_setup_teardown(a_target_that_is_not_live, en_setup, en_teardown),
        cmocka_unit_test_setup_teardown(replace_refuses_hooks, en_setup, en_teardown),
        cmocka_unit_test_setup_teardown(replace_calls_load_and_unload, en_setup, en_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
