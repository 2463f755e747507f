/* SPDX-License-Identifier: BSD-2-Clause */
/* links: test_port */
/* Actions: stacking, providers, replacing, memory that somebody else changes, attestation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine.h"

static const struct en_payload base = {.id = 0x11, .functions = 2};
static const struct en_payload upper = {.id = 0x31, .on = 0x11, .functions = 2};
static const struct en_payload other = {.id = 0x51, .first = 8, .functions = 2};

static enum hp_status apply_nodeps(struct en *en, const char *name)
{
    const struct hp_action_options options = {.size = sizeof(options), .flags = HP_ACTION_NODEPS};

    hp_diag_init(&en->diag);
    return hp_manager_apply(&en->manager, name, &options, &en->diag);
}

/* ---- stacking -------------------------------------------------------------------------------- */

static void stacking(void **state)
{
    struct en *en = *state;

    assert_int_equal(en_upload(en, "base", &base), HP_OK);
    assert_int_equal(en_upload(en, "upper", &upper), HP_OK);
    assert_int_equal(en_upload(en, "other", &other), HP_OK);
    assert_int_equal(en_apply(en, "upper"), HP_DEPENDS_BUILD_ID); /* what it lies on is missing */
    assert_string_equal(en->diag.section_name, ".livepatch.depends");
    en_assert(en, "upper", HP_STATE_CHECKED, HP_DEPENDS_BUILD_ID);
    en_do_apply(en, "base");
    assert_int_equal(en_apply(en, "other"), HP_DEPENDS_BUILD_ID); /* it lies on the target alone */
    en_assert(en, "other", HP_STATE_CHECKED, HP_DEPENDS_BUILD_ID);
    en_do_apply(en, "upper");
    assert_int_equal(en_apply(en, "other"), HP_DEPENDS_BUILD_ID);
    assert_int_equal(en_revert(en, "base"), HP_ACTION_NOT_TOP);
    assert_string_equal(en->diag.name, "upper");
    en_do_revert(en, "upper");
    en_do_revert(en, "base");
    en_do_apply(en, "other");
    en_do_revert(en, "other");
    en_assert_untouched(en);
}

/* NODEPS skips the stacking check; never that of the target, nor that of what is written. */
static void nodeps(void **state)
{
    static const struct en_payload old = {
        .id = 0x71, .first = 10, .functions = 1, .no_target_id = true};
    static const struct en_payload old_upper = {
        .id = 0x91, .on = 0x11, .first = 12, .functions = 1, .no_target_id = true};
    static const struct en_payload same = {.id = 0xb1, .functions = 1};
    struct en *en = *state;

    assert_int_equal(en_upload(en, "base", &base), HP_OK);
    assert_int_equal(en_upload(en, "other", &other), HP_OK);
    assert_int_equal(en_upload(en, "old", &old), HP_OK);
    assert_int_equal(en_upload(en, "old upper", &old_upper), HP_OK);
    assert_int_equal(en_upload(en, "same", &same), HP_OK);
    /* Without .livepatch.xen_depends only depends ties it to this target. */
    assert_int_equal(apply_nodeps(en, "old upper"), HP_DEPENDS_BUILD_ID);
    en_do_apply(en, "base");
    assert_int_equal(apply_nodeps(en, "old upper"), HP_DEPENDS_BUILD_ID);
    assert_int_equal(apply_nodeps(en, "old"), HP_OK);
    en_safe_point(en);
    en_assert(en, "old", HP_STATE_APPLIED, HP_OK);
    assert_int_equal(apply_nodeps(en, "other"), HP_OK);
    en_safe_point(en);
    en_assert(en, "other", HP_STATE_APPLIED, HP_OK);
    /* "same" would write over what "base" has written, on which it does not stack. */
    assert_int_equal(apply_nodeps(en, "same"), HP_PATCH_STACKING);
    assert_int_equal(en->diag.stage, HP_STAGE_ACTION);
    assert_int_equal(en->diag.record, 0);
    assert_int_equal(en->diag.actual, EN_FUNCTION(0));
    assert_string_equal(en->diag.name, "base");
    en_assert(en, "same", HP_STATE_CHECKED, HP_PATCH_STACKING);
    en_do_revert(en, "other");
    en_do_revert(en, "old");
    en_do_revert(en, "base");
    en_assert_untouched(en);
}

/* With NODEPS in between: what a payload stacks on, directly or through others, it may patch. */
static void nodeps_in_between(void **state)
{
    static const struct en_payload top = {.id = 0x71, .on = 0x31, .functions = 2};
    static const struct en_payload aside = {.id = 0x91, .on = 0x31, .first = 8, .functions = 2};
    struct en *en = *state;

    assert_int_equal(en_upload(en, "base", &base), HP_OK);
    assert_int_equal(en_upload(en, "upper", &upper), HP_OK);
    assert_int_equal(en_upload(en, "other", &other), HP_OK);
    assert_int_equal(en_upload(en, "top", &top), HP_OK);
    assert_int_equal(en_upload(en, "aside", &aside), HP_OK);
    en_do_apply(en, "base");
    en_do_apply(en, "upper");
    assert_int_equal(apply_nodeps(en, "other"), HP_OK);
    en_safe_point(en);
    assert_int_equal(apply_nodeps(en, "aside"), HP_PATCH_STACKING); /* over "other" */
    assert_string_equal(en->diag.name, "other");
    assert_int_equal(apply_nodeps(en, "top"), HP_OK); /* over "upper", and "base" through it */
    en_safe_point(en);
    en_assert(en, "top", HP_STATE_APPLIED, HP_OK);
    assert_int_equal(hp_manager_attest(&en->manager, NULL), HP_OK);
    en_do_revert(en, "top");
    en_do_revert(en, "other");
    en_do_revert(en, "upper");
    en_do_revert(en, "base");
    en_assert_untouched(en);
}

/* A payload for another target is refused before anything of it means anything. */
static void another_target(void **state)
{
    struct en *en = *state;
    static const uint8_t id[20] = {1};

    en->port->target.build_id = id;
    assert_int_equal(en_upload(en, "p", &base), HP_TARGET_BUILD_ID);
    assert_int_equal(en->diag.stage, HP_STAGE_IDENTITY);
}

/* ---- symbols of other payloads --------------------------------------------------------------- */

static void providers(void **state)
{
    static const struct en_payload provider = {.id = 0x11, .functions = 1, .exports = "helper"};
    static const struct en_payload importer = {
        .id = 0x31, .on = 0x11, .first = 1, .functions = 1, .imports = "helper"};
    static const struct en_payload alone = {
        .id = 0x51, .first = 2, .functions = 1, .imports = "helper"};
    static const struct en_payload again = {.id = 0x71, .functions = 1, .exports = "helper"};
    struct en *en = *state;

    assert_int_equal(en_upload(en, "importer", &importer), HP_SYMBOL_UNDEFINED);
    assert_int_equal(en_upload(en, "provider", &provider), HP_OK);
    assert_int_equal(en_upload(en, "again", &again), HP_SYMBOL_EXISTS);
    assert_int_equal(en_upload(en, "importer", &importer), HP_OK);
    assert_int_equal(en_upload(en, "alone", &alone), HP_OK);
    assert_int_equal(apply_nodeps(en, "importer"), HP_PROVIDER_MISSING);
    assert_string_equal(en->diag.name, "provider");
    en_assert(en, "importer", HP_STATE_CHECKED, HP_PROVIDER_MISSING);
    assert_int_equal(hp_status_errno(HP_PROVIDER_MISSING), HP_ERRNO_ENOENT);
    en_do_apply(en, "provider");
    en_do_apply(en, "importer");
    assert_int_equal(en_revert(en, "provider"), HP_ACTION_NOT_TOP);
    assert_int_equal(en_replace(en, "alone"), HP_PROVIDER_MISSING); /* it would go with the rest */
    en_do_revert(en, "importer");
    en_do_revert(en, "provider");
    assert_int_equal(en_replace(en, "alone"), HP_PROVIDER_MISSING);

    /* Once the provider is unloaded, the importer is of no use any more, whatever comes. */
    assert_int_equal(hp_manager_unload(&en->manager, "provider", NULL), HP_OK);
    assert_int_equal(apply_nodeps(en, "importer"), HP_PROVIDER_MISSING);
    assert_int_equal(en_upload(en, "provider", &provider), HP_OK);
    en_do_apply(en, "provider");
    assert_int_equal(en_apply(en, "importer"), HP_PROVIDER_MISSING);
    assert_int_equal(hp_manager_unload(&en->manager, "importer", NULL), HP_OK);
    assert_int_equal(en_upload(en, "importer", &importer), HP_OK);
    en_do_apply(en, "importer");
    en_do_revert(en, "importer");
    en_do_revert(en, "provider");
    en_assert_untouched(en);
}

/* A payload that patches another's text by its address needs it applied below, too. */
static void patching_a_payload(void **state)
{
    struct en *en = *state;
    struct hp_payload_info info;
    struct en_payload on_it = {.id = 0x31, .functions = 1, .on = 0x11};

    assert_int_equal(en_upload(en, "base", &base), HP_OK);
    assert_int_equal(hp_manager_get(&en->manager, "base", &info), HP_OK);
    on_it.old_addr = info.payload->records[0].new_addr;
    assert_int_equal(en_upload(en, "on it", &on_it), HP_OK);
    assert_int_equal(apply_nodeps(en, "on it"), HP_PROVIDER_MISSING);
    assert_string_equal(en->diag.name, "base");
    en_do_apply(en, "base");
    en_do_apply(en, "on it");
    assert_int_equal(*tp_byte(en->port, on_it.old_addr), 0xe9);
    assert_int_equal(hp_manager_attest(&en->manager, &en->diag), HP_OK);
    en_do_revert(en, "on it");
    assert_int_equal(*tp_byte(en->port, on_it.old_addr), 0xb8);
    en_do_revert(en, "base");
    en_assert_untouched(en);
}

/* ---- replacing ------------------------------------------------------------------------------- */

static void replace_reverts_all(void **state)
{
    static const struct en_payload wide = {.id = 0x51, .first = 1, .functions = 3};
    struct en *en = *state;

    assert_int_equal(en_upload(en, "base", &base), HP_OK);
    assert_int_equal(en_upload(en, "upper", &upper), HP_OK);
    assert_int_equal(en_upload(en, "wide", &wide), HP_OK);
    en_do_apply(en, "base");
    en_do_apply(en, "upper");
    en_do_replace(en, "wide");
    assert_int_equal(en->port->windows, 3);
    en_assert(en, "base", HP_STATE_CHECKED, HP_OK);
    en_assert(en, "upper", HP_STATE_CHECKED, HP_OK);
    en_assert_patched(en, 0, false);
    en_assert_patched(en, 1, true);
    en_assert_patched(en, 3, true);
    assert_int_equal(hp_manager_attest(&en->manager, NULL), HP_OK);
    en_do_replace(en, "base"); /* and the other way round */
    en_assert_patched(en, 0, true);
    en_assert_patched(en, 3, false);
    en_do_revert(en, "base");
    en_assert_untouched(en);
}

/* What REPLACE refuses it refuses before any CPU stops; the stack stays as it was. */
static void replace_refusals(void **state)
{
    static const struct en_payload expects_target = {.id = 0x51, .functions = 1, .expect = 0xcc};
    static const struct en_payload expects_patch = {.id = 0x71, .functions = 1, .expect = 0xe9};
    struct en *en = *state;
    uint8_t applied[TP_TEXT_SIZE];
    uint32_t kicks;

    assert_int_equal(en_upload(en, "base", &base), HP_OK);
    assert_int_equal(en_upload(en, "upper", &upper), HP_OK);
    assert_int_equal(en_upload(en, "expects target", &expects_target), HP_OK);
    assert_int_equal(en_upload(en, "expects patch", &expects_patch), HP_OK);
    en_do_apply(en, "base");
    memcpy(applied, tp_byte(en->port, TP_TEXT), sizeof(applied));
    kicks = en->port->kicks;
    assert_int_equal(en_replace(en, "expects patch"), HP_EXPECT_MISMATCH);
    assert_int_equal(en->diag.stage, HP_STAGE_PLAN);
    assert_int_equal(en->diag.record, 0);
    assert_int_equal(en->diag.expected, 0xe9);
    assert_int_equal(en->diag.actual, 0xcc);
    assert_int_equal(en_replace(en, "upper"), HP_DEPENDS_BUILD_ID);
    en_safe_point(en);
    assert_int_equal(en->port->kicks, kicks);
    assert_memory_equal(tp_byte(en->port, TP_TEXT), applied, sizeof(applied));
    en_assert(en, "base", HP_STATE_APPLIED, HP_OK);
    en_assert(en, "expects patch", HP_STATE_CHECKED, HP_EXPECT_MISMATCH);
    en_do_replace(en, "expects target"); /* what is expected is what the target has by itself */
    en_do_revert(en, "expects target");
    en_assert_untouched(en);
}

/* ---- expectations and memory that changes ------------------------------------------------------
 */

static void expectations_are_of_the_moment(void **state)
{
    static const struct en_payload strict = {
        .id = 0x31, .on = 0x11, .functions = 1, .expect = 0xe9};
    static const struct en_payload naive = {.id = 0x51, .on = 0x11, .functions = 1, .expect = 0xcc};
    struct en *en = *state;

    assert_int_equal(en_upload(en, "base", &base), HP_OK);
    assert_int_equal(en_upload(en, "strict", &strict), HP_OK);
    assert_int_equal(en_upload(en, "naive", &naive), HP_OK);
    en_do_apply(en, "base");
    assert_int_equal(en_apply(en, "naive"), HP_EXPECT_MISMATCH);
    en_do_apply(en, "strict");
    en_do_revert(en, "strict");
    en_do_revert(en, "base");
    en_assert_untouched(en);
}

/* Each byte that is compared in the window, changed by somebody else before it. */
static void changed_before_the_window(void **state)
{
    struct en *en = *state;
    uint32_t n;

    assert_int_equal(en_upload(en, "base", &base), HP_OK);
    for (n = 0; n < 10; n++) {
        uint64_t addr = EN_FUNCTION(n / 5) + n % 5;

        assert_int_equal(en_apply(en, "base"), HP_OK);
        tp_poke(en->port, addr, "\x90", 1);
        en_safe_point(en);
        en_assert(en, "base", HP_STATE_CHECKED, HP_MEMORY_CHANGED);
        en_assert_report(en, HP_ACTION_APPLY, HP_MEMORY_CHANGED, HP_PHASE_STOPPED);
        assert_int_equal(en->manager.report.changed_addr, addr);
        assert_int_equal(*tp_byte(en->port, addr), 0x90);
        tp_poke(en->port, addr, "\xcc", 1);
        en_assert_untouched(en);
    }
    /* The byte behind a jump is not written, and not looked at. */
    assert_int_equal(en_apply(en, "base"), HP_OK);
    tp_poke(en->port, EN_FUNCTION(0) + 5, "\x90", 1);
    en_safe_point(en);
    en_assert(en, "base", HP_STATE_APPLIED, HP_OK);
    for (n = 0; n < 10; n++) {
        uint64_t addr = EN_FUNCTION(n / 5) + n % 5;
        uint8_t patched = *tp_byte(en->port, addr);
        uint8_t wrong = patched ^ 0x10;

        assert_int_equal(en_revert(en, "base"), HP_OK);
        tp_poke(en->port, addr, &wrong, 1);
        en_safe_point(en);
        en_assert(en, "base", HP_STATE_APPLIED, HP_MEMORY_CHANGED);
        assert_int_equal(en->manager.report.changed_addr, addr);
        /* And when it is to be scheduled again, it is refused, with the place. */
        assert_int_equal(en_revert(en, "base"), HP_MEMORY_CHANGED);
        assert_int_equal(en->diag.record, n / 5);
        assert_int_equal(en->diag.offset, n % 5);
        assert_int_equal(en->diag.expected, patched);
        assert_int_equal(en->diag.actual, wrong);
        tp_poke(en->port, addr, &patched, 1);
    }
    en_do_revert(en, "base");
    assert_int_equal(*tp_byte(en->port, EN_FUNCTION(0) + 5), 0x90);
    tp_poke(en->port, EN_FUNCTION(0) + 5, "\xcc", 1);
    en_assert_untouched(en);
}

/* The same for REPLACE: what is reverted and what is written anew are compared before anything. */
static void changed_before_a_replace(void **state)
{
    static const uint64_t places[] = {EN_FUNCTION(1), EN_FUNCTION(9) + 4};
    struct en *en = *state;
    uint8_t applied[TP_TEXT_SIZE];
    size_t n;

    assert_int_equal(en_upload(en, "base", &base), HP_OK);
    assert_int_equal(en_upload(en, "upper", &upper), HP_OK);
    assert_int_equal(en_upload(en, "other", &other), HP_OK);
    en_do_apply(en, "base");
    en_do_apply(en, "upper");
    memcpy(applied, tp_byte(en->port, TP_TEXT), sizeof(applied));
    for (n = 0; n < 2; n++) {
        uint8_t right = *tp_byte(en->port, places[n]);

        assert_int_equal(en_replace(en, "other"), HP_OK);
        tp_poke(en->port, places[n], "\x90", 1);
        en_safe_point(en);
        en_assert(en, "other", HP_STATE_CHECKED, HP_MEMORY_CHANGED);
        en_assert(en, "base", HP_STATE_APPLIED, HP_OK);
        en_assert(en, "upper", HP_STATE_APPLIED, HP_OK);
        assert_int_equal(en->manager.report.changed_addr, places[n]);
        tp_poke(en->port, places[n], &right, 1);
        assert_memory_equal(tp_byte(en->port, TP_TEXT), applied, sizeof(applied));
    }
    en_do_replace(en, "other");
    en_do_revert(en, "other");
    en_assert_untouched(en);
}

/* A jump that crosses a page, several in one page, and several pages: all written and restored. */
static void pages(void **state)
{
    static const uint64_t places[] = {TP_TEXT + 0x4ffe, TP_TEXT + 0x4000, TP_TEXT + 0x7ffb,
                                      TP_TEXT + 0x6010, TP_TEXT + 0x6020};
    struct en *en = *state;
    struct hp_payload_info info;
    uint8_t n;

    for (n = 0; n < 5; n++) {
        const struct en_payload payload = {.id = (uint8_t)(0x20 + 0x18 * n),
                                           .on = (uint8_t)(n == 0 ? 0 : 0x20 + 0x18 * (n - 1)),
                                           .functions = 1,
                                           .old_addr = places[n]};
        char name[2] = {(char)('a' + n), '\0'};

        tp_add_symbol(en->port, (struct tp_symbol){"page", NULL, places[n], 16, HP_KIND_CODE});
        assert_int_equal(en_upload(en, name, &payload), HP_OK);
        en_do_apply(en, name);
        assert_int_equal(hp_manager_get(&en->manager, name, &info), HP_OK);
        assert_int_equal(*tp_byte(en->port, places[n]), 0xe9);
    }
    for (n = 5; n > 0; n--) {
        char name[2] = {(char)('a' + n - 1), '\0'};

        en_do_revert(en, name);
    }
    en_assert_untouched(en);
}

/* Views are mapped for pages, not for writes. */
static void views(void **state)
{
    static const struct en_payload many = {.id = 0x11, .functions = 150};
    struct en *en = *state;

    assert_int_equal(en_upload(en, "many", &many), HP_OK);
    assert_int_equal(en_apply(en, "many"), HP_OK);
    assert_int_equal(en->port->live_aliases, 3); /* 150 functions in three pages */
    en_safe_point(en);
    assert_int_equal(en->port->syncs, 150);
    en_do_revert(en, "many");
    assert_int_equal(en->port->syncs, 300);
    en_assert_untouched(en);
}

/* ---- attestation ----------------------------------------------------------------------------- */

static enum hp_status attest(struct en *en)
{
    enum hp_status status;

    hp_diag_init(&en->diag);
    status = hp_manager_attest(&en->manager, &en->diag);
    assert_int_equal(en->diag.status, status);
    assert_false(en->port->locked);
    return status;
}

/* Every byte that was written, in a stack where one payload has written over another. */
static void attest_writes(void **state)
{
    struct en *en = *state;
    uint32_t n;

    assert_int_equal(attest(en), HP_OK);
    assert_int_equal(en_upload(en, "base", &base), HP_OK);
    assert_int_equal(en_upload(en, "upper", &upper), HP_OK);
    en_do_apply(en, "base");
    en_do_apply(en, "upper");
    assert_int_equal(attest(en), HP_OK);
    for (n = 0; n < 10; n++) {
        uint64_t addr = EN_FUNCTION(n / 5) + n % 5;
        uint8_t right = *tp_byte(en->port, addr);
        uint8_t wrong = right ^ 1;

        tp_poke(en->port, addr, &wrong, 1);
        assert_int_equal(attest(en), HP_MEMORY_CHANGED);
        assert_int_equal(en->diag.stage, HP_STAGE_ACTION);
        assert_string_equal(en->diag.name, "upper");
        assert_int_equal(en->diag.record, n / 5);
        assert_int_equal(en->diag.offset, n % 5);
        assert_int_equal(en->diag.expected, right);
        assert_int_equal(en->diag.actual, wrong);
        tp_poke(en->port, addr, &right, 1);
    }
    assert_int_equal(attest(en), HP_OK);
    assert_int_equal(en_revert(en, "upper"), HP_OK);
    assert_int_equal(attest(en), HP_ACTION_BUSY);
    en_safe_point(en);
    en->port->fail_at = en->port->calls + 1;
    assert_int_equal(attest(en), HP_TARGET_READ);
    assert_string_equal(en->diag.name, "base");
    en->port->fail_at = 0;
    en_do_revert(en, "base");
    assert_int_equal(attest(en), HP_OK);
}

/* Every byte of text and read-only data of a payload, applied or not; not its data. */
static void attest_images(void **state)
{
    static const struct en_payload full = {
        .id = 0x11, .functions = 2, .rodata = true, .data = true};
    struct en *en = *state;
    struct hp_payload_info info;
    uint32_t kind;

    assert_int_equal(en_upload(en, "other", &other), HP_OK);
    assert_int_equal(en_upload(en, "full", &full), HP_OK);
    en_do_apply(en, "other");
    assert_int_equal(hp_manager_get(&en->manager, "full", &info), HP_OK);
    for (kind = 0; kind < HP_REGION_COUNT; kind++) {
        const struct hp_region *region = &info.payload->image.regions[kind];
        uint8_t *host = info.payload->image.memory.host + region->offset;
        uint32_t n;

        assert_true(region->size > 0);
        tp_unseal(en->port, &info.payload->image.memory, true);
        for (n = 0; n < region->size; n++) {
            host[n] ^= 0x40;
            if (kind == HP_REGION_DATA) {
                assert_int_equal(attest(en), HP_OK);
            } else {
                assert_int_equal(attest(en), HP_MEMORY_CHANGED);
                assert_string_equal(en->diag.name, "full");
                assert_string_equal(en->diag.section_name,
                                    kind == HP_REGION_TEXT ? "text" : "read-only data");
            }
            host[n] ^= 0x40;
        }
        tp_unseal(en->port, &info.payload->image.memory, false);
    }
    assert_int_equal(attest(en), HP_OK);
    en_do_revert(en, "other");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(stacking, en_setup, en_teardown),
        cmocka_unit_test_setup_teardown(nodeps, en_setup, en_teardown),
        cmocka_unit_test_setup_teardown(nodeps_in_between, en_setup, en_teardown),
        cmocka_unit_test_setup_teardown(another_target, en_setup, en_teardown),
        cmocka_unit_test_setup_teardown(providers, en_setup, en_teardown),
        cmocka_unit_test_setup_teardown(patching_a_payload, en_setup, en_teardown),
        cmocka_unit_test_setup_teardown(replace_reverts_all, en_setup, en_teardown),
        cmocka_unit_test_setup_teardown(replace_refusals, en_setup, en_teardown),
        cmocka_unit_test_setup_teardown(expectations_are_of_the_moment, en_setup, en_teardown),
        cmocka_unit_test_setup_teardown(changed_before_the_window, en_setup, en_teardown),
        cmocka_unit_test_setup_teardown(changed_before_a_replace, en_setup, en_teardown),
        cmocka_unit_test_setup_teardown(pages, en_setup, en_teardown),
        cmocka_unit_test_setup_teardown(views, en_setup, en_teardown),
        cmocka_unit_test_setup_teardown(attest_writes, en_setup, en_teardown),
        cmocka_unit_test_setup_teardown(attest_images, en_setup, en_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
