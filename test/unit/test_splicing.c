/* SPDX-License-Identifier: BSD-2-Clause */
/* links: test_port */
/* Splices through the manager: applied, reverted, replaced, stacked, and refused without a trace.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <hotpatch/payload.h>

#include "engine.h"

#define ENTRY(n) (EN_TABLE + UINT64_C(8) * (n))

/* The entry of do_xen_version in the design's example, and two more. */
static const struct eb_splice version = {
    .name = "hypercall_table+8*17", .old_name = "f17", .kind = HP_SPLICE_KIND_POINTER};
static const struct eb_splice other = {
    .name = "hypercall_table+8*18", .old_name = "f18", .kind = HP_SPLICE_KIND_POINTER};
static const struct eb_splice code = {.name = "f20+5",
                                      .kind = HP_SPLICE_KIND_BYTES,
                                      .size = 3,
                                      .old_bytes = {0xcc, 0xcc, 0xcc},
                                      .new_bytes = {0x0f, 0x1f, 0x00}};

static const struct en_payload pointer = {.id = 0x11, .splices = &version, .splice_count = 1};

static uint64_t entry(const struct en *en, uint32_t n)
{
    uint64_t value = 0;
    uint32_t i;

    for (i = 8; i > 0; i--) {
        value = value << 8 | *tp_byte(en->port, ENTRY(n) + i - 1);
    }
    return value;
}

/* Where a payload is. */
static const struct hp_payload *payload_of(struct en *en, const char *name)
{
    struct hp_payload_info info;

    assert_int_equal(hp_manager_get(&en->manager, name, &info), HP_OK);
    return info.payload;
}

/* The function of a payload that its splices lead to; it comes behind the first 32 bytes. */
static uint64_t spliced(struct en *en, const char *name)
{
    return payload_of(en, name)->splices[0].new_target;
}

static void assert_table_untouched(const struct en *en)
{
    uint32_t n;

    for (n = 0; n < EN_TABLE_ENTRIES; n++) {
        assert_int_equal(entry(en, n), EN_FUNCTION(n));
    }
    en_assert_untouched(en);
}

/*
 * The example of the design document: do_xen_version is called by guests alone, through the
 * hypercall table; its entry, which is in .rodata, gets the address of the new function.
 */
static void test_hypercall_table(void **state)
{
    struct en *en = *state;
    uint32_t n;

    assert_int_equal(en_upload(en, "p", &pointer), HP_OK);
    assert_table_untouched(en);
    en_do_apply(en, "p");
    en_assert_untouched(en); /* the code */
    for (n = 0; n < EN_TABLE_ENTRIES; n++) {
        assert_int_equal(entry(en, n), n == 17 ? spliced(en, "p") : EN_FUNCTION(n));
    }
    assert_int_equal(payload_of(en, "p")->splices[0].patched, 1);
    assert_int_equal(hp_manager_attest(&en->manager, &en->diag), HP_OK);
    en_do_revert(en, "p");
    assert_table_untouched(en);
    assert_int_equal(payload_of(en, "p")->splices[0].patched, 0);
    en_do_apply(en, "p"); /* and again: it has no data but its records */
    en_do_revert(en, "p");
}

/* Functions and splices of code and data in one payload. */
static void test_mixed(void **state)
{
    const struct eb_splice splices[] = {version, code, other};
    const struct en_payload mixed = {
        .id = 0x22, .functions = 3, .splices = splices, .splice_count = 3};
    struct en *en = *state;

    assert_int_equal(en_upload(en, "p", &mixed), HP_OK);
    en_do_apply(en, "p");
    assert_int_equal(en->port->syncs, 6);
    assert_int_equal(entry(en, 17), spliced(en, "p"));
    assert_int_equal(entry(en, 18), spliced(en, "p"));
    assert_int_equal(*tp_byte(en->port, EN_FUNCTION(20) + 4), 0xcc);
    assert_int_equal(*tp_byte(en->port, EN_FUNCTION(20) + 5), 0x0f);
    assert_int_equal(*tp_byte(en->port, EN_FUNCTION(20) + 8), 0xcc);
    en_assert_patched(en, 2, true);
    en_do_revert(en, "p");
    assert_table_untouched(en);
}

/*
 * A second payload for the same entry, on the first: it expects what the first has put there, and
 * reverting leads back step by step.
 */
static void test_stacked(void **state)
{
    struct en *en = *state;
    struct eb_splice again = version;
    struct en_payload second = {.id = 0x33, .on = 0x11, .splices = &again, .splice_count = 1};
    uint64_t first;

    assert_int_equal(en_upload(en, "p", &pointer), HP_OK);
    en_do_apply(en, "p");
    first = spliced(en, "p");
    assert_int_equal(en_upload(en, "late", &second), HP_OK);
    assert_int_equal(en_apply(en, "late"), HP_SPLICE_OLD_TARGET); /* f17 is there no more */
    assert_int_equal(en->diag.expected, EN_FUNCTION(17));
    assert_int_equal(en->diag.actual, first);
    assert_int_equal(en->diag.record, 0);
    assert_string_equal(en->diag.section_name, ".hotpatch.splices");
    assert_string_equal(en->diag.name, "hypercall_table+8*17");
    second.id = 0x44;
    again.old_name = NULL;
    again.old_target = first;
    assert_int_equal(en_upload(en, "second", &second), HP_OK);
    en_do_apply(en, "second");
    assert_int_equal(entry(en, 17), spliced(en, "second"));
    assert_int_equal(hp_manager_attest(&en->manager, &en->diag), HP_OK);
    en_do_revert(en, "second");
    assert_int_equal(entry(en, 17), first);
    en_do_revert(en, "p");
    assert_table_untouched(en);
}

/* REPLACE expects what stands there without the payloads that it replaces. */
static void test_replace(void **state)
{
    struct en *en = *state;
    const struct en_payload fresh = {.id = 0x55, .splices = &version, .splice_count = 1};
    struct eb_splice wrong = version;
    struct en_payload stale = {.id = 0x66, .splices = &wrong, .splice_count = 1};

    assert_int_equal(en_upload(en, "p", &pointer), HP_OK);
    en_do_apply(en, "p");
    wrong.old_name = NULL;
    wrong.old_target = spliced(en, "p");
    assert_int_equal(en_upload(en, "stale", &stale), HP_OK);
    assert_int_equal(en_replace(en, "stale"), HP_SPLICE_OLD_TARGET);
    assert_int_equal(entry(en, 17), spliced(en, "p"));
    assert_int_equal(en_upload(en, "fresh", &fresh), HP_OK);
    en_do_replace(en, "fresh");
    assert_int_equal(entry(en, 17), spliced(en, "fresh"));
    en_assert(en, "p", HP_STATE_CHECKED, HP_OK);
    en_do_revert(en, "fresh");
    assert_table_untouched(en);
}

/* With NODEPS a payload may not touch what one that it was not made for has changed. */
static void test_overlap_with_applied(void **state)
{
    const struct hp_action_options nodeps = {.size = sizeof(nodeps), .flags = HP_ACTION_NODEPS};
    struct en *en = *state;
    struct eb_splice again = version;
    const struct en_payload unrelated = {.id = 0x77, .splices = &again, .splice_count = 1};

    assert_int_equal(en_upload(en, "p", &pointer), HP_OK);
    en_do_apply(en, "p");
    again.old_name = NULL;
    again.old_target = spliced(en, "p");
    assert_int_equal(en_upload(en, "u", &unrelated), HP_OK);
    hp_diag_init(&en->diag);
    assert_int_equal(hp_manager_apply(&en->manager, "u", &nodeps, &en->diag), HP_PATCH_STACKING);
    assert_int_equal(en->diag.actual, ENTRY(17));
    assert_string_equal(en->diag.section_name, ".hotpatch.splices");
    assert_string_equal(en->diag.name, "p");
    en_do_revert(en, "p");
}

/* Read-only data of an applied payload may be spliced by one that stacks on it. */
static void test_data_of_payload(void **state)
{
    const struct en_payload below = {.id = 0x11, .functions = 1, .rodata = true};
    struct eb_splice splice = {
        .kind = HP_SPLICE_KIND_BYTES, .size = 4, .new_bytes = {0xde, 0xad, 0xbe, 0xef}};
    const struct en_payload above = {.id = 0x22, .on = 0x11, .splices = &splice, .splice_count = 1};
    struct en *en = *state;
    const struct hp_payload *payload;

    assert_int_equal(en_upload(en, "below", &below), HP_OK);
    payload = payload_of(en, "below");
    splice.addr = payload->image.memory.addr + payload->image.regions[HP_REGION_RODATA].offset;
    memcpy(splice.old_bytes, tp_byte(en->port, splice.addr), 4);
    assert_int_equal(en_upload(en, "above", &above), HP_OK);
    assert_int_equal(en_apply(en, "above"), HP_DEPENDS_BUILD_ID);
    en_do_apply(en, "below");
    en_do_apply(en, "above");
    assert_memory_equal(tp_byte(en->port, splice.addr), splice.new_bytes, 4);
    assert_int_equal(hp_manager_attest(&en->manager, &en->diag), HP_OK);
    *tp_byte(en->port, TP_TEXT) = 0xcc;
    en_do_revert(en, "above");
    assert_memory_equal(tp_byte(en->port, splice.addr), splice.old_bytes, 4);
    en_do_revert(en, "below");
}

/* ---- what goes wrong ------------------------------------------------------------------------- */

static void overwrite(struct hp_port *port, void *data)
{
    const uint8_t byte = 0x5a;

    (void)data;
    tp_poke(port, ENTRY(17) + 3, &byte, 1);
}

/* Somebody else writes to the table between scheduling and the window: nothing is written. */
static void test_changed_meanwhile(void **state)
{
    const struct eb_splice splices[] = {other, version};
    const struct en_payload two = {
        .id = 0x22, .functions = 1, .splices = splices, .splice_count = 2};
    struct en *en = *state;
    struct hp_action_report report;
    const uint8_t right = (uint8_t)(EN_FUNCTION(17) >> 24);

    assert_int_equal(en_upload(en, "p", &two), HP_OK);
    assert_int_equal(en_apply(en, "p"), HP_OK);
    overwrite(en->port, NULL);
    en_safe_point(en);
    en_assert(en, "p", HP_STATE_CHECKED, HP_MEMORY_CHANGED);
    hp_manager_report(&en->manager, &report);
    assert_int_equal(report.changed_addr, ENTRY(17) + 3);
    tp_poke(en->port, ENTRY(17) + 3, &right, 1);
    assert_table_untouched(en);
}

/* The same while it is applied: attestation finds it, and a revert is refused. */
static void test_attest(void **state)
{
    struct en *en = *state;
    uint8_t right;

    assert_int_equal(en_upload(en, "p", &pointer), HP_OK);
    en_do_apply(en, "p");
    right = *tp_byte(en->port, ENTRY(17) + 3);
    overwrite(en->port, NULL);
    hp_diag_init(&en->diag);
    assert_int_equal(hp_manager_attest(&en->manager, &en->diag), HP_MEMORY_CHANGED);
    assert_int_equal(en->diag.record, 0);
    assert_int_equal(en->diag.offset, 3);
    assert_string_equal(en->diag.section_name, ".hotpatch.splices");
    assert_int_equal(en_revert(en, "p"), HP_MEMORY_CHANGED);
    assert_string_equal(en->diag.section_name, ".hotpatch.splices");
    tp_poke(en->port, ENTRY(17) + 3, &right, 1);
    en_do_revert(en, "p");
}

/* Every fallible port call fails in turn: the target is as it was, nothing is left in use. */
static void test_faults(void **state)
{
    const struct eb_splice splices[] = {version, code, other};
    const struct en_payload mixed = {
        .id = 0x22, .functions = 1, .splices = splices, .splice_count = 3};
    struct en *en = *state;
    struct hp_port *port = en->port;
    uint32_t total;
    uint32_t n;

    assert_int_equal(en_upload(en, "p", &mixed), HP_OK);
    port->calls = 0;
    en_do_apply(en, "p");
    total = port->calls;
    assert_true(total > 12);
    en_do_revert(en, "p");
    for (n = 1; n <= total; n++) {
        enum hp_status status;

        port->calls = 0;
        port->fail_at = n;
        port->failed = HP_OK;
        status = en_apply(en, "p");
        if (status == HP_OK) { /* at the safe point then */
            en_safe_point(en);
            en_assert(en, "p", HP_STATE_CHECKED, HP_CPUS_NOT_HELD);
        } else {
            assert_int_equal(status, port->failed);
        }
        port->fail_at = 0;
        tp_assert_quiescent(port);
        assert_table_untouched(en);
    }
    en_do_apply(en, "p");
    en_do_revert(en, "p");
}

/* ---- hooks ----------------------------------------------------------------------------------- */

static void change_one(struct en *en, enum hp_special which, struct hp_payload_handle *handle)
{
    (void)en;
    assert_int_equal(hp_handle_function_count(handle), 1);
    assert_int_equal(hp_handle_splice_count(handle), 2);
    assert_int_equal(hp_handle_splice_applied(handle, 2), -HP_ERRNO_EINVAL);
    if (which == HP_SPECIAL_HOOKS_APPLY) {
        assert_int_equal(hp_handle_splice_applied(handle, 1), 0);
        assert_int_equal(hp_handle_splice_apply(handle, 2), -HP_ERRNO_EINVAL);
        assert_int_equal(hp_handle_splice_revert(handle, 1), -HP_ERRNO_EPERM);
        assert_int_equal(hp_handle_splice_apply(handle, 1), 0);
        assert_int_equal(hp_handle_splice_applied(handle, 1), 1);
        assert_int_equal(hp_handle_splice_applied(handle, 0), 0);
        assert_int_equal(hp_handle_function_applied(handle, 0), 0);
    }
    if (which == HP_SPECIAL_HOOKS_REVERT) {
        assert_int_equal(hp_handle_splice_revert(handle, 1), 0);
        assert_int_equal(hp_handle_splice_applied(handle, 1), 0);
    }
}

/* An apply hook chooses; what it leaves out stays as it was, through attestation and revert. */
static void test_apply_hook(void **state)
{
    const struct eb_splice splices[] = {version, other};
    const struct en_payload hooked = {.id = 0x22,
                                      .functions = 1,
                                      .splices = splices,
                                      .splice_count = 2,
                                      .hooks = EN_APPLY | EN_REVERT};
    struct en *en = *state;

    en->in_hook = change_one;
    assert_int_equal(en_upload(en, "p", &hooked), HP_OK);
    en_do_apply(en, "p");
    en_assert_log(en, "A");
    assert_int_equal(entry(en, 17), EN_FUNCTION(17));
    assert_int_equal(entry(en, 18), spliced(en, "p"));
    en_assert_patched(en, 0, false);
    assert_int_equal(hp_manager_attest(&en->manager, &en->diag), HP_OK);
    en_do_revert(en, "p");
    en_assert_log(en, "R");
    assert_table_untouched(en);
}

/* A hook that fails has changed nothing in the end. */
static void test_failing_hook(void **state)
{
    const struct eb_splice splices[] = {version, other};
    const struct en_payload hooked = {
        .id = 0x22, .functions = 1, .splices = splices, .splice_count = 2, .hooks = EN_APPLY};
    struct en *en = *state;

    en->in_hook = change_one;
    en->hook_rc[HP_SPECIAL_HOOKS_APPLY] = -5;
    assert_int_equal(en_upload(en, "p", &hooked), HP_OK);
    assert_int_equal(en_apply(en, "p"), HP_OK);
    en_safe_point(en);
    en_assert_rc(en, "p", HP_STATE_CHECKED, HP_HOOK_FAILED, -5);
    assert_table_untouched(en);
    en_assert_log(en, "A");
}

#define EN_TEST(f) cmocka_unit_test_setup_teardown(f, en_setup, en_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EN_TEST(test_hypercall_table),
        EN_TEST(test_mixed),
        EN_TEST(test_stacked),
        EN_TEST(test_replace),
        EN_TEST(test_overlap_with_applied),
        EN_TEST(test_data_of_payload),
        EN_TEST(test_changed_meanwhile),
        EN_TEST(test_attest),
        EN_TEST(test_faults),
        EN_TEST(test_apply_hook),
        EN_TEST(test_failing_hook),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
