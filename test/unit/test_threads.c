/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The process patches itself while its threads, which are the CPUs, execute what is patched.
 *
 * HOTPATCH_TEST_CYCLES sets how often the functions are patched and restored; without it a run
 * takes a second or so.
 */
#ifndef _GNU_SOURCE
/* For pthreads and usleep. NOLINTNEXTLINE(bugprone-reserved-identifier) */
#define _GNU_SOURCE
#endif
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include <hotpatch/host.h>
#include <hotpatch/hotpatch.h>

#include "self.h"

#define WORKERS 3u  /* CPUs that call the functions all the time */
#define CYCLES  400 /* by default */

#define TIMEOUT_NS UINT64_C(20000000)
#define SHORT_NS   UINT64_C(500000)

/* ---- the threads ----------------------------------------------------------------------------- */

struct worker {
    struct fixture *f;
    pthread_t thread;
    uint32_t cpu;
    _Atomic uint64_t rounds;
    _Atomic unsigned answer; /* of the last round */
    atomic_bool away;        /* asks it to stay away from its safe point */
    atomic_bool waits;       /* it does */
};

struct fixture {
    struct hp_port *port;
    struct hp_manager manager;
    struct worker workers[WORKERS];
    atomic_bool stop;
    _Atomic unsigned wrong;  /* answers that were neither old nor new, or of both kinds */
    _Atomic uint64_t visits; /* of the CPU that comes and goes */
    _Atomic uint64_t looks;  /* without the lock */
    uint64_t timeouts;
};

/* Between two safe points all functions are of one version. */
static unsigned call_all(struct fixture *f)
{
    unsigned first = stress_0();
    unsigned second = stress_1();
    unsigned third = stress_2();

    if (first != second || second != third || first < 1 || first > 3) {
        atomic_fetch_add(&f->wrong, 1);
    }
    return first;
}

static void *work(void *data)
{
    struct worker *worker = data;
    struct fixture *f = worker->f;

    worker->cpu = HP_HOST_ANY_CPU;
    if (hp_host_cpu_attach(f->port, &worker->cpu) != HP_OK) {
        abort();
    }
    while (!atomic_load(&f->stop)) {
        atomic_store(&worker->answer, call_all(f));
        if (atomic_fetch_add(&worker->rounds, 1) % 64 == 0) {
            (void)sched_yield(); /* there may be fewer processors than threads */
        }
        while (atomic_load(&worker->away)) {
            atomic_store(&worker->waits, true);
            (void)sched_yield();
        }
        atomic_store(&worker->waits, false);
        hp_safe_point(&f->manager.safepoint);
    }
    hp_host_cpu_detach(f->port);
    return NULL;
}

/* A CPU that is there for a while, goes, and comes again. */
static void *visit(void *data)
{
    struct fixture *f = data;

    while (!atomic_load(&f->stop)) {
        uint32_t cpu = HP_HOST_ANY_CPU;
        unsigned n;

        if (hp_host_cpu_attach(f->port, &cpu) != HP_OK) {
            abort();
        }
        for (n = 0; n < 500 && !atomic_load(&f->stop); n++) {
            (void)call_all(f);
            hp_safe_point(&f->manager.safepoint);
            if (n % 16 == 0) {
                (void)sched_yield();
            }
        }
        hp_host_cpu_detach(f->port);
        atomic_fetch_add(&f->visits, 1);
        (void)usleep(1000);
    }
    return NULL;
}

/* Looks at everything without the lock, like an NMI handler; what it sees must make sense. */
static void *look(void *data)
{
    struct fixture *f = data;

    while (!atomic_load(&f->stop)) {
        struct hp_action_report report;
        struct hp_function_info function;
        struct hp_payload_info info;
        uint32_t index;
        uint32_t record;

        for (index = 0; hp_manager_peek(&f->manager, index, &info) == HP_OK; index++) {
            if ((strcmp(info.name, "two") != 0 && strcmp(info.name, "three") != 0) ||
                (info.state != HP_STATE_CHECKED && info.state != HP_STATE_APPLIED)) {
                abort();
            }
            for (record = 0;
                 hp_manager_peek_function(&f->manager, index, record, &function) == HP_OK;
                 record++) {
                if (strncmp(function.name, "stress_", 7) != 0) {
                    abort();
                }
            }
        }
        if (hp_manager_peek_report(&f->manager, &report) && report.command != HP_ACTION_NONE &&
            (report.status == HP_ACTION_PENDING || report.arrived > report.cpus ||
             (report.status == HP_OK) != (report.phase == HP_PHASE_STOPPED))) {
            abort();
        }
        atomic_fetch_add(&f->looks, 1);
        (void)usleep(100);
    }
    return NULL;
}

/* ---- the driver ------------------------------------------------------------------------------ */

static void upload(struct fixture *f, const char *name, uint8_t answer, uint8_t below)
{
    struct hp_target target;
    struct hp_diag diag;
    size_t size;
    uint8_t *file;

    hp_port_target(f->port, &target);
    hp_diag_init(&diag);
    file = self_payload(&target, answer, below, &size);
    if (hp_manager_upload(&f->manager, name, file, size, &diag) != HP_OK) {
        char text[512];

        (void)hp_diag_format(&diag, text, sizeof(text));
        print_message("%s\n", text);
        fail();
    }
    free(file);
}

static enum hp_status wait_for(struct fixture *f, const char *name)
{
    struct hp_payload_info info;

    do {
        (void)sched_yield();
        assert_int_equal(hp_manager_get(&f->manager, name, &info), HP_OK);
    } while (info.status == HP_ACTION_PENDING);
    return info.status;
}

typedef enum hp_status action_call(struct hp_manager *manager, const char *name,
                                   const struct hp_action_options *options, struct hp_diag *diag);

/*
 * Carries an action out, again and again while CPUs that come or go, or that the machine has no
 * time for, keep it from happening.
 */
static void act(struct fixture *f, action_call *call, const char *name)
{
    const struct hp_action_options options = {.size = sizeof(options), .timeout_ns = TIMEOUT_NS};
    enum hp_status status;

    for (;;) {
        struct hp_diag diag;

        hp_diag_init(&diag);
        assert_int_equal(call(&f->manager, name, &options, &diag), HP_OK);
        status = wait_for(f, name);
        if (status == HP_OK) {
            return;
        }
        assert_true(status == HP_RENDEZVOUS_TIMEOUT || status == HP_CPUS_NOT_HELD);
        f->timeouts++;
    }
}

/* Waits until every worker has done a whole round from now on, and asserts what it answers. */
static void assert_answers(struct fixture *f, unsigned answer)
{
    uint32_t n;

    for (n = 0; n < WORKERS; n++) {
        uint64_t rounds = atomic_load(&f->workers[n].rounds);

        while (atomic_load(&f->workers[n].rounds) < rounds + 2) {
            (void)sched_yield();
        }
        assert_int_equal(atomic_load(&f->workers[n].answer), answer);
    }
}

/* One worker does not come: the action fails, names it, and changes nothing. */
static void time_out(struct fixture *f, action_call *call, const char *name, unsigned answer)
{
    const struct hp_action_options options = {.size = sizeof(options), .timeout_ns = SHORT_NS};
    struct worker *worker = &f->workers[f->timeouts % WORKERS];
    struct hp_action_report report;
    enum hp_status status;
    bool named = false;
    uint32_t n;

    atomic_store(&worker->away, true);
    while (!atomic_load(&worker->waits)) {
        (void)sched_yield();
    }
    do {
        assert_int_equal(call(&f->manager, name, &options, NULL), HP_OK);
        status = wait_for(f, name);
    } while (status == HP_CPUS_NOT_HELD);
    assert_int_equal(status, HP_RENDEZVOUS_TIMEOUT);
    hp_manager_report(&f->manager, &report);
    assert_int_equal(report.status, HP_RENDEZVOUS_TIMEOUT);
    assert_int_equal(report.phase, HP_PHASE_GATHER);
    assert_true(report.arrived < report.cpus);
    assert_true(report.wait_ns >= SHORT_NS);
    assert_int_equal(report.window_ns, 0);
    for (n = 0; n < report.missing_count; n++) {
        named = named || report.missing[n] == worker->cpu;
    }
    assert_true(named);
    atomic_store(&worker->away, false);
    assert_answers(f, answer);
    f->timeouts++;
}

static struct fixture *begin(void)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct hp_target target;
    struct hp_diag diag;
    uint32_t n;

    assert_non_null(f);
    hp_diag_init(&diag);
    if (hp_host_open_self(&f->port, NULL, &diag) != HP_OK) {
        print_message("%s\n", diag.name);
        fail();
    }
    hp_port_target(f->port, &target);
    assert_int_equal(target.flags,
                     HP_TARGET_LIVE | HP_TARGET_ISLANDS); /* a process acts on no tables */
    assert_int_equal(hp_manager_init(&f->manager, f->port, NULL), HP_OK);
    for (n = 0; n < WORKERS; n++) {
        f->workers[n].f = f;
        assert_int_equal(pthread_create(&f->workers[n].thread, NULL, work, &f->workers[n]), 0);
    }
    for (n = 0; n < WORKERS; n++) {
        while (atomic_load(&f->workers[n].rounds) == 0) {
            (void)sched_yield();
        }
    }
    return f;
}

/* Nothing is left behind, and the port has seen no breach of its contracts. */
static void end(struct fixture *f)
{
    struct hp_host_counters counters;
    uint32_t n;

    atomic_store(&f->stop, true);
    for (n = 0; n < WORKERS; n++) {
        assert_int_equal(pthread_join(f->workers[n].thread, NULL), 0);
    }
    assert_int_equal(atomic_load(&f->wrong), 0);
    assert_int_equal(hp_manager_attest(&f->manager, NULL), HP_OK);
    assert_int_equal(hp_manager_close(&f->manager), HP_OK);
    hp_host_counters(f->port, &counters);
    assert_int_equal(counters.live, 0);
    assert_int_equal(counters.live_aliases, 0);
    assert_int_equal(counters.live_mappings, 0);
    assert_int_equal(counters.interrupts_off, 0);
    assert_int_equal(counters.holds, 0);
    if (hp_host_violation(f->port) != NULL) {
        print_message("%s\n", hp_host_violation(f->port));
        fail();
    }
    hp_host_close(f->port);
    free(f);
}

static unsigned long cycles(void)
{
    const char *text = getenv("HOTPATCH_TEST_CYCLES");

    return text == NULL ? CYCLES : strtoul(text, NULL, 10);
}

/* ---- tests ----------------------------------------------------------------------------------- */

/* Old, new, newer, and back, over and over, while CPUs call the functions, come and go. */
static void no_answer_is_neither_old_nor_new(void **state)
{
    const unsigned long count = cycles();
    struct fixture *f = begin();
    pthread_t visitor;
    pthread_t looker;
    unsigned long n;

    (void)state;
    assert_int_equal(pthread_create(&visitor, NULL, visit, f), 0);
    assert_int_equal(pthread_create(&looker, NULL, look, f), 0);
    upload(f, "two", 2, 0);
    upload(f, "three", 3, 2);
    for (n = 0; n < count; n++) {
        bool closely = n % 16 == 0;

        act(f, hp_manager_apply, "two");
        if (closely) {
            assert_answers(f, 2);
            act(f, hp_manager_apply, "three");
            assert_answers(f, 3);
            assert_int_equal(hp_manager_attest(&f->manager, NULL), HP_OK);
            act(f, hp_manager_revert, "three");
            assert_answers(f, 2);
        }
        if (n % 64 == 1) {
            time_out(f, hp_manager_revert, "two", 2);
        }
        act(f, hp_manager_revert, "two");
        if (closely) {
            assert_answers(f, 1);
        }
        if (n % 64 == 2) {
            time_out(f, hp_manager_apply, "two", 1);
        }
        if (n % 32 == 0) { /* the list changes under who looks at it */
            assert_int_equal(hp_manager_unload(&f->manager, "three", NULL), HP_OK);
            upload(f, "three", 3, 2);
        }
    }
    while (atomic_load(&f->visits) == 0 || atomic_load(&f->looks) == 0) {
        (void)sched_yield();
    }
    atomic_store(&f->stop, true);
    assert_int_equal(pthread_join(visitor, NULL), 0);
    assert_int_equal(pthread_join(looker, NULL), 0);
    end(f);
}

/* REPLACE changes all functions of two payloads in one window. */
static void replacing(void **state)
{
    const unsigned long count = cycles() / 8 + 1;
    struct fixture *f = begin();
    unsigned long n;

    (void)state;
    upload(f, "two", 2, 0);
    upload(f, "three", 3, 0);
    act(f, hp_manager_apply, "two");
    for (n = 0; n < count; n++) {
        act(f, hp_manager_replace, "three");
        assert_answers(f, 3);
        act(f, hp_manager_replace, "two");
        assert_answers(f, 2);
    }
    act(f, hp_manager_revert, "two");
    assert_answers(f, 1);
    end(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_answer_is_neither_old_nor_new),
        cmocka_unit_test(replacing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
