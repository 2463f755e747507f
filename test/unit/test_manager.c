/* SPDX-License-Identifier: BSD-2-Clause */
/* links: test_port */
/* The manager's list: names, duplicates, look-ups, versions, and looks without the lock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine.h"

static const struct en_payload one = {.id = 0x11, .functions = 1};

/* ---- init and close -------------------------------------------------------------------------- */

static void init_checks_its_arguments(void **state)
{
    struct hp_manager_options options = {.size = sizeof(options) + 1};
    struct hp_port *port = tp_new();
    struct hp_manager manager;

    (void)state;
    assert_int_equal(hp_manager_init(&manager, port, &options), HP_INVALID_ARGUMENT);
    options.size = sizeof(options);
    port->cpu_limit = 0;
    assert_int_equal(hp_manager_init(&manager, port, &options), HP_INVALID_ARGUMENT);
    port->cpu_limit = HP_SAFEPOINT_CPUS_MAX + 1;
    assert_int_equal(hp_manager_init(&manager, port, &options), HP_INVALID_ARGUMENT);
    port->cpu_limit = UINT32_MAX;
    assert_int_equal(hp_manager_init(&manager, port, &options), HP_INVALID_ARGUMENT);
    assert_int_equal(port->allocs, 0);
    port->cpu_limit = HP_SAFEPOINT_CPUS_MAX;
    assert_int_equal(hp_manager_init(&manager, port, &options), HP_OK);
    assert_int_equal(port->allocs, 1);
    assert_int_equal(hp_manager_close(&manager), HP_OK);
    port->fail_at = port->calls + 1;
    assert_int_equal(hp_manager_init(&manager, port, &options), HP_NO_MEMORY);
    tp_free(port);
}

static void close_unloads(void **state)
{
    struct en *en = *state;
    static const struct en_payload two = {.id = 0x33, .functions = 1};

    assert_int_equal(en_upload(en, "one", &one), HP_OK);
    assert_int_equal(en_upload(en, "two", &two), HP_OK);
    assert_int_equal(hp_manager_close(&en->manager), HP_OK);
    assert_int_equal(en->port->live, 0);
    assert_null(en->manager.port); /* nothing points anywhere any more */
}

/* ---- uploads --------------------------------------------------------------------------------- */

static void names(void **state)
{
    struct en *en = *state;
    char name[HP_PAYLOAD_NAME_MAX + 1];
    struct hp_payload_info info;

    memset(name, 'x', sizeof(name));
    name[HP_PAYLOAD_NAME_MAX] = '\0';
    assert_int_equal(en_upload(en, name, &one), HP_PAYLOAD_NAME);
    assert_int_equal(en->diag.stage, HP_STAGE_CALL);
    assert_int_equal(en_upload(en, "", &one), HP_PAYLOAD_NAME);
    assert_int_equal(en_upload(en, NULL, &one), HP_PAYLOAD_NAME);
    assert_int_equal(en->manager.list_version, 0);
    name[HP_PAYLOAD_NAME_MAX - 1] = '\0';
    assert_int_equal(en_upload(en, name, &one), HP_OK);
    assert_int_equal(hp_manager_get(&en->manager, name, &info), HP_OK);
    assert_string_equal(info.name, name);
    name[HP_PAYLOAD_NAME_MAX - 2] = '\0'; /* a beginning of a name is another name */
    assert_int_equal(hp_manager_get(&en->manager, name, &info), HP_PAYLOAD_UNKNOWN);
}

static void upload_checks_its_arguments(void **state)
{
    struct en *en = *state;
    uint8_t byte = 0;

    hp_diag_init(&en->diag);
    assert_int_equal(hp_manager_upload(&en->manager, "p", &byte, 0, &en->diag), HP_FILE_EMPTY);
    assert_int_equal(en->diag.stage, HP_STAGE_ELF);
    hp_diag_init(&en->diag);
    assert_int_equal(
        hp_manager_upload(&en->manager, "p", &byte, hp_profile_default.file_max + 1, &en->diag),
        HP_FILE_TOO_LARGE);
    assert_int_equal(en->diag.expected, hp_profile_default.file_max);
    assert_int_equal(hp_manager_upload(&en->manager, "p", NULL, 1, NULL), HP_INVALID_ARGUMENT);
    assert_int_equal(hp_manager_upload(&en->manager, "p", &byte, 1, NULL), HP_ELF_TRUNCATED);
    assert_int_equal(en->port->live, 1); /* the manager's own */
    en->port->fail_at = en->port->calls + 1;
    assert_int_equal(en_upload(en, "p", &one), HP_NO_MEMORY); /* for the private copy */
    assert_int_equal(en->diag.stage, HP_STAGE_CALL);
    assert_int_equal(en->port->live, 1);
    assert_int_equal(en->manager.list_version, 0);
}

/* The same name again; the same build-id under another; the target's build-id. */
static void duplicates(void **state)
{
    static const struct en_payload other = {.id = 0x33, .functions = 1};
    static const struct en_payload target = {.id = 0xe0, .functions = 1};
    struct en *en = *state;

    assert_int_equal(en_upload(en, "one", &one), HP_OK);
    assert_int_equal(en_upload(en, "one", &other), HP_PAYLOAD_EXISTS);
    assert_int_equal(hp_status_errno(HP_PAYLOAD_EXISTS), HP_ERRNO_EEXIST);
    assert_int_equal(en_upload(en, "two", &one), HP_BUILD_ID_EXISTS);
    assert_int_equal(en->diag.stage, HP_STAGE_IDENTITY);
    assert_int_equal(hp_status_errno(HP_BUILD_ID_EXISTS), HP_ERRNO_EEXIST);
    assert_int_equal(en_upload(en, "two", &target), HP_BUILD_ID_EXISTS);
    en_assert(en, "one", HP_STATE_CHECKED, HP_OK);
    assert_int_equal(en->manager.list_version, 1);
    assert_int_equal(hp_manager_unload(&en->manager, "one", NULL), HP_OK);
    assert_int_equal(en_upload(en, "one", &other), HP_OK); /* the name is free again */
    assert_int_equal(en_upload(en, "two", &one), HP_OK);   /* and so is the build-id */
}

/* An upload is possible while an action waits for the CPUs. */
static void upload_during_an_action(void **state)
{
    static const struct en_payload other = {.id = 0x33, .first = 1, .functions = 1};
    struct en *en = *state;

    assert_int_equal(en_upload(en, "one", &one), HP_OK);
    assert_int_equal(en_apply(en, "one"), HP_OK);
    assert_int_equal(en_upload(en, "other", &other), HP_OK);
    assert_int_equal(en_apply(en, "other"), HP_ACTION_BUSY);
    en_assert(en, "other", HP_STATE_CHECKED, HP_ACTION_BUSY);
    en_safe_point(en);
    en_assert(en, "one", HP_STATE_APPLIED, HP_OK);
    en_do_revert(en, "one");
    en_do_apply(en, "other");
    en_do_revert(en, "other");
}

/* ---- the list -------------------------------------------------------------------------------- */

static void assert_list(struct en *en, const char *const *expected, uint32_t count,
                        uint32_t expected_version)
{
    struct hp_payload_info listed;
    struct hp_payload_info peeked;
    uint32_t version = 0;
    uint32_t n;

    for (n = 0; n < count; n++) {
        assert_int_equal(hp_manager_list(&en->manager, n, &listed, &version), HP_OK);
        assert_int_equal(version, expected_version);
        assert_string_equal(listed.name, expected[n]);
        assert_int_equal(hp_manager_peek(&en->manager, n, &peeked), HP_OK);
        assert_string_equal(peeked.name, expected[n]);
        assert_null(peeked.payload);
        assert_non_null(listed.payload);
        assert_int_equal(peeked.addr, listed.addr);
        assert_int_equal(peeked.size, listed.size);
        assert_int_equal(peeked.state, listed.state);
        assert_int_equal(peeked.rc, listed.rc);
    }
    assert_int_equal(hp_manager_list(&en->manager, count, &listed, &version), HP_PAYLOAD_UNKNOWN);
    assert_int_equal(version, expected_version);
    assert_int_equal(hp_manager_list(&en->manager, UINT32_MAX, &listed, NULL), HP_PAYLOAD_UNKNOWN);
    assert_int_equal(hp_manager_peek(&en->manager, count, &peeked), HP_PAYLOAD_UNKNOWN);
}

static void list_in_the_order_of_upload(void **state)
{
    static const char *const abc[] = {"a", "b", "c"};
    static const char *const ac[] = {"a", "c"};
    static const char *const acd[] = {"a", "c", "d"};
    static const char *const cd[] = {"c", "d"};
    static const char *const c[] = {"c"};
    struct en *en = *state;
    uint8_t n;

    assert_list(en, NULL, 0, 0);
    for (n = 0; n < 3; n++) {
        const struct en_payload payload = {.id = (uint8_t)(0x11 + 0x20 * n), .functions = 1};

        assert_int_equal(en_upload(en, abc[n], &payload), HP_OK);
    }
    assert_list(en, abc, 3, 3);
    assert_int_equal(hp_manager_unload(&en->manager, "b", NULL), HP_OK); /* from the middle */
    assert_list(en, ac, 2, 4);
    assert_int_equal(en_upload(en, "d", &(struct en_payload){.id = 0x71, .functions = 1}), HP_OK);
    assert_list(en, acd, 3, 5);
    assert_int_equal(hp_manager_unload(&en->manager, "a", NULL), HP_OK); /* the first */
    assert_list(en, cd, 2, 6);
    assert_int_equal(hp_manager_unload(&en->manager, "d", NULL), HP_OK); /* the last */
    assert_list(en, c, 1, 7);
    assert_int_equal(hp_manager_unload(&en->manager, "c", NULL), HP_OK);
    assert_list(en, NULL, 0, 8);
    assert_int_equal(en_upload(en, "c", &one), HP_OK);
    assert_list(en, c, 1, 9);
}

/* A dump of more functions than any lock should be held for, from any moment of an action. */
static void peeking_at_many_functions(void **state)
{
    static const struct en_payload many = {.id = 0x11, .functions = 130};
    struct en *en = *state;
    struct hp_function_info info;
    uint32_t n;

    assert_int_equal(en_upload(en, "many", &many), HP_OK);
    en_do_apply(en, "many");
    assert_int_equal(en_revert(en, "many"), HP_OK);
    hp_port_lock(en->port); /* whoever has the lock is not waited for */
    for (n = 0; n < many.functions; n++) {
        char name[16];

        (void)snprintf(name, sizeof(name), "f%u", n);
        assert_int_equal(hp_manager_peek_function(&en->manager, 0, n, &info), HP_OK);
        assert_string_equal(info.name, name);
        assert_int_equal(info.old_addr, EN_FUNCTION(n));
        assert_true(info.new_addr >= TP_IMAGE);
        assert_true(info.applied);
    }
    assert_int_equal(hp_manager_peek_function(&en->manager, 0, n, &info), HP_PAYLOAD_UNKNOWN);
    assert_int_equal(hp_manager_peek_function(&en->manager, 1, 0, &info), HP_PAYLOAD_UNKNOWN);
    assert_int_equal(info.name[0], '\0');
    hp_port_unlock(en->port);
    en_safe_point(en);
    for (n = 0; n < many.functions; n++) {
        assert_int_equal(hp_manager_peek_function(&en->manager, 0, n, &info), HP_OK);
        assert_false(info.applied);
    }
    assert_int_equal(en->manager.peekers, 0);
    en_assert_untouched(en);
}

/* Records without a name, and NOPs. */
static void peeking_at_records(void **state)
{
    static const struct en_payload nameless = {
        .id = 0x11, .functions = 1, .old_addr = EN_FUNCTION(3), .nop = true};
    struct en *en = *state;
    struct hp_function_info info;

    assert_int_equal(en_upload(en, "p", &nameless), HP_OK);
    assert_int_equal(hp_manager_peek_function(&en->manager, 0, 0, &info), HP_OK);
    assert_string_equal(info.name, "");
    assert_int_equal(info.old_addr, EN_FUNCTION(3));
    assert_int_equal(info.new_addr, 0);
    assert_false(info.applied);
    en_do_apply(en, "p");
    assert_int_equal(hp_manager_peek_function(&en->manager, 0, 0, &info), HP_OK);
    assert_true(info.applied);
    en_do_revert(en, "p");
}

/* An unload waits for who has found the payload; this one leaves when it is waited for. */
static void leave_when_waited_for(struct hp_port *port, void *data)
{
    struct en *en = data;

    (void)port;
    assert_int_equal(en->manager.peekers, 1);
    assert_int_equal(en->port->live,
                     4); /* not freed yet: the manager's, and three of the payload */
    en->manager.peekers = 0;
}

static void unload_waits_for_looks(void **state)
{
    struct en *en = *state;

    assert_int_equal(en_upload(en, "one", &one), HP_OK);
    en->manager.peekers = 1;
    en->port->on_relax = leave_when_waited_for;
    assert_int_equal(hp_manager_unload(&en->manager, "one", NULL), HP_OK);
    assert_int_equal(en->manager.peekers, 0);
    assert_int_equal(en->port->live, 1);
}

/* A report that is being changed is told as pending, never half. */
static void a_report_is_whole(void **state)
{
    struct en *en = *state;
    struct hp_action_report report;

    assert_true(hp_manager_peek_report(&en->manager, &report));
    assert_int_equal(report.command, HP_ACTION_NONE);
    assert_int_equal(en_upload(en, "one", &one), HP_OK);
    assert_int_equal(en_apply(en, "one"), HP_OK);
    assert_false(hp_manager_peek_report(&en->manager, &report));
    assert_int_equal(report.status, HP_ACTION_PENDING);
    assert_int_equal(report.name[0], '\0');
    hp_manager_report(&en->manager, &report);
    assert_int_equal(report.status, HP_ACTION_PENDING);
    assert_int_equal(report.command, HP_ACTION_APPLY);
    assert_string_equal(report.name, "one");
    en_safe_point(en);
    en_assert_report(en, HP_ACTION_APPLY, HP_OK, HP_PHASE_STOPPED);
    hp_manager_report(&en->manager, &report);
    assert_string_equal(report.name, "one");
    assert_int_equal(report.cpus, 0);
    assert_int_equal(report.actor, 0);
    assert_int_equal(report.missing_count, 0);
    assert_true(report.wait_ns > 0 && report.window_ns > 0);
    en_do_revert(en, "one");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(init_checks_its_arguments),
        cmocka_unit_test_setup_teardown(close_unloads, en_setup, en_teardown),
        cmocka_unit_test_setup_teardown(names, en_setup, en_teardown),
        cmocka_unit_test_setup_teardown(upload_checks_its_arguments, en_setup, en_teardown),
        cmocka_unit_test_setup_teardown(duplicates, en_setup, en_teardown),
        cmocka_unit_test_setup_teardown(upload_during_an_action, en_setup, en_teardown),
        cmocka_unit_test_setup_teardown(list_in_the_order_of_upload, en_setup, en_teardown),
        cmocka_unit_test_setup_teardown(peeking_at_many_functions, en_setup, en_teardown),
        cmocka_unit_test_setup_teardown(peeking_at_records, en_setup, en_teardown),
        cmocka_unit_test_setup_teardown(unload_waits_for_looks, en_setup, en_teardown),
        cmocka_unit_test_setup_teardown(a_report_is_whole, en_setup, en_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
