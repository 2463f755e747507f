/* SPDX-License-Identifier: BSD-2-Clause */
/* links: test_port */
/*
 * Every call of the port that can fail does, in every action: each once, each and all after it, and
 * each pair. What an action that fails leaves behind is what was there before it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <hotpatch/payload.h>

#include "engine.h"

static const struct en_payload base = {
    .id = 0x11, .functions = 2, .hooks = EN_LOAD | EN_UNLOAD, .rodata = true, .exports = "helper"};
static const struct en_payload upper = {
    .id = 0x31, .on = 0x11, .functions = 3, .imports = "helper"};
static const struct en_payload other = {
    .id = 0x51, .functions = 4, .expect = 0xcc, .hooks = EN_LOAD, .data = true};
static const struct en_payload hooked = {.id = 0x71, .functions = 3, .hooks = EN_ALL_HOOKS};

/* ---- what must not change -------------------------------------------------------------------- */

#define PATCHED_SIZE (8 * EN_STEP) /* of text that is patched; the rest is compared at the end */

/* All that can be seen of port and manager, but for the result of the action that failed. */
struct snapshot {
    uint8_t text[PATCHED_SIZE];
    struct tp_image images[TP_IMAGES_MAX];
    uint64_t contents[TP_IMAGES_MAX]; /* sums */
    uint32_t live;
    uint32_t version;
    uint32_t loaded;
    enum hp_payload_state states[4];
    const void *top;
};

static uint64_t sum(const struct hp_image_memory *memory)
{
    uint64_t result = 0;
    size_t n;

    for (n = 0; n < memory->size; n += 8) {
        uint64_t word;

        memcpy(&word, memory->host + n, sizeof(word));
        result = (result ^ word) * UINT64_C(1099511628211);
    }
    return result;
}

static void take(struct en *en, struct snapshot *snapshot)
{
    struct hp_payload_info info;
    uint32_t n;

    memset(snapshot, 0, sizeof(*snapshot));
    memcpy(snapshot->text, tp_byte(en->port, EN_FUNCTION(0)), PATCHED_SIZE);
    for (n = 0; n < TP_IMAGES_MAX; n++) {
        memcpy(&snapshot->images[n], &en->port->images[n], sizeof(snapshot->images[n]));
        if (snapshot->images[n].memory.host != NULL) {
            snapshot->contents[n] = sum(&snapshot->images[n].memory);
        }
    }
    snapshot->live = en->port->live;
    snapshot->version = en->manager.list_version;
    snapshot->loaded = en->manager.loaded_count;
    snapshot->top = en->manager.top;
    for (n = 0; hp_manager_list(&en->manager, n, &info, NULL) == HP_OK; n++) {
        snapshot->states[n] = info.state;
    }
}

/* ---- the actions ----------------------------------------------------------------------------- */

struct step {
    const char *name;
    enum hp_action_command command; /* HP_ACTION_NONE: upload */
    const struct en_payload *payload;
};

/* Stories that together take all actions from all states; each ends where it began. */
static const struct step stacked[] = {
    {"base", HP_ACTION_NONE, &base},   {"base", HP_ACTION_APPLY, NULL},
    {"upper", HP_ACTION_NONE, &upper}, {"upper", HP_ACTION_APPLY, NULL},
    {"upper", HP_ACTION_REVERT, NULL}, {"upper", HP_ACTION_APPLY, NULL}, /* again */
    {"upper", HP_ACTION_REVERT, NULL}, {"base", HP_ACTION_REVERT, NULL},
    {"upper", HP_ACTION_UNLOAD, NULL}, {"base", HP_ACTION_UNLOAD, NULL},
    {NULL, HP_ACTION_NONE, NULL},
};

static const struct step replaced[] = {
    {"base", HP_ACTION_NONE, &base},   {"base", HP_ACTION_REPLACE, NULL}, /* of none */
    {"upper", HP_ACTION_NONE, &upper}, {"upper", HP_ACTION_APPLY, NULL},
    {"other", HP_ACTION_NONE, &other}, {"other", HP_ACTION_REPLACE, NULL}, /* of two */
    {"other", HP_ACTION_REVERT, NULL}, {"other", HP_ACTION_UNLOAD, NULL},
    {"upper", HP_ACTION_UNLOAD, NULL}, {"base", HP_ACTION_UNLOAD, NULL},
    {NULL, HP_ACTION_NONE, NULL},
};

static const struct step with_hooks[] = {
    {"hooked", HP_ACTION_NONE, &hooked}, {"hooked", HP_ACTION_APPLY, NULL},
    {"hooked", HP_ACTION_REVERT, NULL},  {"hooked", HP_ACTION_UNLOAD, NULL},
    {NULL, HP_ACTION_NONE, NULL},
};

static const struct step *const stories[] = {stacked, replaced, with_hooks};

#define STORIES (sizeof(stories) / sizeof(stories[0]))

/* The apply and revert hooks do what would be done without them. */
static void in_hook(struct en *en, enum hp_special which, struct hp_payload_handle *handle)
{
    uint32_t n;

    (void)en;
    for (n = 0; n < hp_handle_function_count(handle); n++) {
        if (which == HP_SPECIAL_HOOKS_APPLY) {
            assert_int_equal(hp_handle_function_apply(handle, n), 0);
        } else if (which == HP_SPECIAL_HOOKS_REVERT) {
            assert_int_equal(hp_handle_function_revert(handle, n), 0);
        }
    }
}

/* Takes one step to its end; returns how it ended. */
static enum hp_status take_step(struct en *en, const struct step *step)
{
    struct hp_payload_info info;
    enum hp_status status;

    memset(en->log, 0, sizeof(en->log));
    switch (step->command) {
    case HP_ACTION_NONE:
        return en_upload(en, step->name, step->payload);
    case HP_ACTION_APPLY:
        status = en_apply(en, step->name);
        break;
    case HP_ACTION_REPLACE:
        status = en_replace(en, step->name);
        break;
    case HP_ACTION_REVERT:
        status = en_revert(en, step->name);
        break;
    default:
        return hp_manager_unload(&en->manager, step->name, NULL);
    }
    if (status == HP_OK) {
        en_safe_point(en);
    }
    assert_int_equal(hp_manager_get(&en->manager, step->name, &info), HP_OK);
    if (status != HP_OK) {
        assert_int_equal(info.status, status);
        assert_int_equal(info.rc, -(int32_t)hp_status_errno(status));
    }
    return info.status;
}

static void assert_same(struct en *en, const struct snapshot *before)
{
    static struct snapshot after;

    tp_assert_quiescent(en->port);
    take(en, &after);
    assert_memory_equal(&after, before, sizeof(after));
}

/* Goes through a story; a step that fails has changed nothing, and is taken again. */
static uint32_t run(struct en *en, const struct step *step)
{
    static struct snapshot before;
    uint32_t failures = 0;

    for (; step->name != NULL; step++) {
        enum hp_status status;

        take(en, &before);
        for (;;) {
            en->port->failed = HP_OK;
            status = take_step(en, step);
            assert_int_equal(status, en->port->failed);
            if (status == HP_OK) {
                break;
            }
            assert_same(en, &before);
            failures++;
            if (en->port->fail_onwards) { /* nothing works any more, until it all does */
                assert_int_not_equal(take_step(en, step), HP_OK);
                assert_same(en, &before);
                en->port->fail_at = 0;
                en->port->fail_onwards = false;
            }
        }
    }
    en_assert_untouched(en);
    tp_assert_quiescent(en->port);
    assert_int_equal(en->port->live, 1); /* the manager's own */
    assert_int_equal(en->manager.loaded_count, 0);
    return failures;
}

/* Runs a story with calls that fail, counted from 1; returns how many calls there were. */
static uint32_t run_with(struct en *en, const struct step *story, uint32_t first, uint32_t second,
                         bool onwards)
{
    en->port->calls = 0;
    en->port->fail_at = first;
    en->port->fail_also = second;
    en->port->fail_onwards = onwards;
    assert_int_equal(run(en, story), (first != 0) + (second != 0));
    return en->port->calls;
}

static int setup(void **state)
{
    struct en *en;

    (void)en_setup(state);
    en = *state;
    en->in_hook = in_hook;
    return 0;
}

/* The same with payloads out of reach, whose functions need second trampolines. */
static int setup_far(void **state)
{
    struct en *en;

    (void)setup(state);
    en = *state;
    en->port->image_addr = TP_TEXT + (UINT64_C(1) << 32);
    en->port->target.flags |= HP_TARGET_ISLANDS;
    return 0;
}

static void each_once(void **state)
{
    struct en *en = *state;
    size_t story;

    for (story = 0; story < STORIES; story++) {
        uint32_t total = run_with(en, stories[story], 0, 0, false);
        uint32_t n;

        assert_true(total > 30);
        for (n = 1; n <= total; n++) {
            assert_true(run_with(en, stories[story], n, 0, false) > total);
        }
        assert_int_equal(run_with(en, stories[story], 0, 0, false), total);
    }
}

static void each_and_all_after(void **state)
{
    struct en *en = *state;
    size_t story;

    for (story = 0; story < STORIES; story++) {
        uint32_t total = run_with(en, stories[story], 0, 0, false);
        uint32_t n;

        for (n = 1; n <= total; n++) {
            (void)run_with(en, stories[story], n, 0, true);
        }
        assert_int_equal(run_with(en, stories[story], 0, 0, false), total);
    }
}

/* The second may hit the step that is taken again, or any later one. */
static void each_pair(void **state)
{
    struct en *en = *state;
    size_t story;

    for (story = 0; story < STORIES; story++) {
        uint32_t total = run_with(en, stories[story], 0, 0, false);
        uint32_t first;

        for (first = 1; first <= total; first++) {
            uint32_t calls = run_with(en, stories[story], first, 0, false);
            uint32_t second;

            for (second = first + 1; second <= calls; second++) {
                (void)run_with(en, stories[story], first, second, false);
            }
        }
        assert_int_equal(run_with(en, stories[story], 0, 0, false), total);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_once, setup, en_teardown),
        cmocka_unit_test_setup_teardown(each_and_all_after, setup, en_teardown),
        cmocka_unit_test_setup_teardown(each_once, setup_far, en_teardown),
        cmocka_unit_test_setup_teardown(each_and_all_after, setup_far, en_teardown),
        cmocka_unit_test_setup_teardown(each_pair, setup, en_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
