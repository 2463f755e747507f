/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The process patches itself while calls of its port fail: each once, each and all after it, and
 * pairs. What fails leaves code, mappings, memory and signals as they were.
 *
 * With HOTPATCH_TEST_CYCLES of 10000 and more all pairs are tried, else every seventh first one.
 */
#ifndef _GNU_SOURCE
/* For pthread_sigmask. NOLINTNEXTLINE(bugprone-reserved-identifier) */
#define _GNU_SOURCE
#endif
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <stdio.h>

#include <hotpatch/host.h>
#include <hotpatch/hotpatch.h>

#include "self.h"

struct step {
    const char *name;
    enum hp_action_command command; /* HP_ACTION_NONE: upload */
    uint8_t answer;                 /* of the payload uploaded; which is its build-id */
    uint8_t below;
    unsigned then; /* what the functions answer after it */
};

static const struct step script[] = {
    {"two", HP_ACTION_NONE, 2, 0, 1},     {"two", HP_ACTION_APPLY, 0, 0, 2},
    {"three", HP_ACTION_NONE, 3, 2, 2},   {"three", HP_ACTION_APPLY, 0, 0, 3},
    {"four", HP_ACTION_NONE, 4, 0, 3},    {"four", HP_ACTION_REPLACE, 0, 0, 4},
    {"three", HP_ACTION_UNLOAD, 0, 0, 4}, {"four", HP_ACTION_REVERT, 0, 0, 1},
    {"four", HP_ACTION_UNLOAD, 0, 0, 1},  {"two", HP_ACTION_UNLOAD, 0, 0, 1},
};

#define STEPS (sizeof(script) / sizeof(script[0]))

struct fixture {
    struct hp_port *port;
    struct hp_manager manager;
};

/* What an action that fails must leave as it was. */
struct snapshot {
    uint8_t code[SELF_FUNCTIONS][16];
    sigset_t signals;
    struct hp_host_counters counters;
    enum hp_payload_state states[3];
    uint32_t version;
    char maps[8192]; /* lines of /proc/self/maps of code and payloads */
};

static unsigned (*const functions[SELF_FUNCTIONS])(void) = {stress_0, stress_1, stress_2};

static void read_maps(char *out, size_t size)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    size_t used = 0;
    char line[512];

    assert_non_null(maps);
    while (fgets(line, sizeof(line), maps) != NULL) {
        size_t length = strlen(line);

        if (strstr(line, "memfd:hotpatch") != NULL) {
            assert_true(used + length < size);
            memcpy(out + used, line, length);
            used += length;
        }
    }
    (void)fclose(maps);
}

static void take(struct fixture *f, struct snapshot *snapshot)
{
    struct hp_payload_info info;
    uint32_t n;

    memset(snapshot, 0, sizeof(*snapshot));
    for (n = 0; n < SELF_FUNCTIONS; n++) {
        const uintptr_t addr = (uintptr_t)functions[n];

        assert_int_equal(hp_port_target_read(f->port, addr, snapshot->code[n], 16), HP_OK);
    }
    assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &snapshot->signals), 0);
    hp_host_counters(f->port, &snapshot->counters);
    snapshot->counters.allocs = 0; /* what was ever asked for is another matter */
    snapshot->counters.image_allocs = 0;
    snapshot->counters.aliases = 0;
    snapshot->counters.kicks = 0;
    for (n = 0; hp_manager_list(&f->manager, n, &info, NULL) == HP_OK; n++) {
        snapshot->states[n] = info.state;
    }
    snapshot->version = f->manager.list_version;
    read_maps(snapshot->maps, sizeof(snapshot->maps));
}

static void assert_same(struct fixture *f, const struct snapshot *before)
{
    static struct snapshot after;

    take(f, &after);
    assert_memory_equal(after.code, before->code, sizeof(after.code));
    assert_memory_equal(&after.signals, &before->signals, sizeof(after.signals));
    assert_memory_equal(&after.counters, &before->counters, sizeof(after.counters));
    assert_memory_equal(after.states, before->states, sizeof(after.states));
    assert_int_equal(after.version, before->version);
    assert_string_equal(after.maps, before->maps);
}

static enum hp_status upload(struct fixture *f, const struct step *step)
{
    struct hp_target target;
    enum hp_status status;
    size_t size;
    uint8_t *file;

    hp_port_target(f->port, &target);
    file = self_payload(&target, step->answer, step->below, &size);
    status = hp_manager_upload(&f->manager, step->name, file, size, NULL);
    free(file);
    return status;
}

static enum hp_status take_step(struct fixture *f, const struct step *step)
{
    struct hp_payload_info info;
    enum hp_status status;

    switch (step->command) {
    case HP_ACTION_NONE:
        return upload(f, step);
    case HP_ACTION_APPLY:
        status = hp_manager_apply(&f->manager, step->name, NULL, NULL);
        break;
    case HP_ACTION_REPLACE:
        status = hp_manager_replace(&f->manager, step->name, NULL, NULL);
        break;
    case HP_ACTION_REVERT:
        status = hp_manager_revert(&f->manager, step->name, NULL, NULL);
        break;
    default:
        return hp_manager_unload(&f->manager, step->name, NULL);
    }
    if (status == HP_OK) {
        hp_safe_point(&f->manager.safepoint);
    }
    assert_int_equal(hp_manager_get(&f->manager, step->name, &info), HP_OK);
    return info.status;
}

/*
 * Goes through the script while call number `first` fails, and after that the call number `second`
 * counted from there; 0: none. Returns how many steps failed.
 */
static unsigned run(struct fixture *f, uint64_t first, uint64_t second, bool onwards)
{
    static struct snapshot before;
    unsigned failures = 0;
    uint64_t left = first;
    size_t n;

    for (n = 0; n < STEPS; n++) {
        const struct step *step = &script[n];
        uint32_t i;

        take(f, &before);
        for (;;) {
            enum hp_status status;

            hp_host_fail(f->port, left, onwards);
            status = take_step(f, step);
            if (status == HP_OK) {
                left = hp_host_fail_left(f->port);
                break;
            }
            assert_true(left != 0);
            failures++;
            left = failures == 1 ? second : 0;
            onwards = false;
            hp_host_fail(f->port, 0, false);
            assert_same(f, &before);
        }
        hp_host_fail(f->port, 0, false);
        for (i = 0; i < SELF_FUNCTIONS; i++) {
            assert_int_equal(functions[i](), step->then);
        }
    }
    return failures;
}

static int open_process(void **state, const struct hp_host_options *options)
{
    struct fixture *f = calloc(1, sizeof(*f));
    uint32_t cpu = HP_HOST_ANY_CPU;

    assert_non_null(f);
    assert_int_equal(hp_host_open_self(&f->port, options, NULL), HP_OK);
    assert_int_equal(hp_manager_init(&f->manager, f->port, NULL), HP_OK);
    assert_int_equal(hp_host_cpu_attach(f->port, &cpu), HP_OK);
    *state = f;
    return 0;
}

static int setup(void **state)
{
    return open_process(state, NULL);
}

/* The same with payloads out of reach, to which functions jump by second trampolines. */
static int setup_far(void **state)
{
    const struct hp_host_options options = {
        .size = sizeof(options), .has_base = true, .base = self_far_base()};

    return open_process(state, &options);
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(hp_manager_close(&f->manager), HP_OK);
    self_assert_released(f->port);
    hp_host_cpu_detach(f->port);
    hp_host_close(f->port);
    free(f);
    return 0;
}

static void each_once(void **state)
{
    struct fixture *f = *state;
    uint64_t n;

    assert_int_equal(run(f, 0, 0, false), 0);
    for (n = 1; run(f, n, 0, false) == 1; n++) {
    }
    assert_true(n > 50);
}

static void each_and_all_after(void **state)
{
    struct fixture *f = *state;
    uint64_t n;

    for (n = 1; run(f, n, 0, true) == 1; n++) {
    }
    assert_true(n > 50);
}

static void each_pair(void **state)
{
    const char *cycles = getenv("HOTPATCH_TEST_CYCLES");
    uint64_t stride = cycles != NULL && strtoul(cycles, NULL, 10) >= 10000 ? 1 : 7;
    struct fixture *f = *state;
    uint64_t first;
    uint64_t second;

    for (first = 1; run(f, first, 0, false) == 1; first += stride) {
        for (second = 1; run(f, first, second, false) == 2; second++) {
        }
    }
    assert_true(first > 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_once, setup, teardown),
        cmocka_unit_test_setup_teardown(each_and_all_after, setup, teardown),
        cmocka_unit_test_setup_teardown(each_pair, setup, teardown),
        cmocka_unit_test_setup_teardown(each_once, setup_far, teardown),
        cmocka_unit_test_setup_teardown(each_and_all_after, setup_far, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
