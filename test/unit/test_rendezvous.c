/* SPDX-License-Identifier: BSD-2-Clause */
/* links: test_port */
/*
 * The rendezvous of several CPUs, each a coroutine that gives way before every call of the port:
 * so a test chooses who goes on, and with it the moment at which anything happens.
 */
#ifndef _XOPEN_SOURCE
/* For ucontext. NOLINTNEXTLINE(bugprone-reserved-identifier) */
#define _XOPEN_SOURCE 700
#endif

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include <cmocka.h>

#include "engine.h"

#define CPUS       4u
#define STACK_SIZE (128u << 10)
#define LIMIT      20000u /* steps after which something hangs */

#define MS UINT64_C(1000000)

/* Numbers of CPUs need not be dense. */
static const uint32_t ids[CPUS] = {1, 2, 7, 30};

static const struct en_payload payload = {
    .id = 0x11, .functions = 2, .hooks = EN_PREAPPLY | EN_POSTAPPLY | EN_PREREVERT | EN_POSTREVERT};

struct cpu {
    ucontext_t context;
    void *stack;
    bool inside; /* in its safe point */
};

struct machine {
    struct en *en;
    ucontext_t scheduler;
    struct cpu cpus[CPUS];
    uint32_t running; /* index; CPUS: none */
    uint64_t seed;
};

/* A test is one thread, and makecontext() takes no pointers. */
static struct machine *booting;

/* ---- the machine ----------------------------------------------------------------------------- */

/* Gives way to the scheduler; in the window, which is one step for all others, nobody does. */
static void give_way(struct hp_port *port, void *data)
{
    struct machine *m = data;
    uint32_t self = m->running;

    if (self == CPUS || port->in_window) {
        return;
    }
    assert_int_equal(swapcontext(&m->cpus[self].context, &m->scheduler), 0);
    assert_int_equal(m->running, self);
}

/* A CPU executes code and passes its safe point, for ever. */
static void run_cpu(void)
{
    struct machine *m = booting;
    struct cpu *cpu = &m->cpus[m->running];
    struct hp_port *port = m->en->port;

    for (;;) {
        assert_false(port->in_window);
        assert_false(port->stale[port->self]);
        assert_false(port->interrupts_off[port->self]);
        cpu->inside = true;
        hp_safe_point(&m->en->manager.safepoint);
        cpu->inside = false;
        give_way(port, m);
    }
}

/* Lets one CPU do its next step. */
static void step(struct machine *m, uint32_t index)
{
    m->running = index;
    m->en->port->self = ids[index];
    assert_int_equal(swapcontext(&m->scheduler, &m->cpus[index].context), 0);
    m->running = CPUS;
}

static int on_hook(struct hp_port *port, uint64_t addr, struct hp_payload_handle *handle)
{
    struct machine *m = port->data;
    int rc;

    port->data = m->en;
    rc = en_on_hook(port, addr, handle);
    port->data = m;
    return rc;
}

static int setup(void **state)
{
    struct machine *m = calloc(1, sizeof(*m));
    void *en = NULL;
    uint32_t n;

    assert_non_null(m);
    (void)en_setup(&en);
    m->en = en;
    m->running = CPUS;
    m->seed = 88172645463325252u;
    assert_int_equal(hp_manager_close(&m->en->manager), HP_OK);
    m->en->port->cpu_limit = TP_CPUS_MAX;
    m->en->port->online[0] = false;
    m->en->port->data = m;
    m->en->port->on_step = give_way;
    m->en->port->on_hook = on_hook;
    m->en->port->tick = 0; /* the clock stands still unless a test moves it */
    assert_int_equal(hp_manager_init(&m->en->manager, m->en->port, NULL), HP_OK);
    booting = m;
    for (n = 0; n < CPUS; n++) {
        struct cpu *cpu = &m->cpus[n];

        m->en->port->online[ids[n]] = true;
        cpu->stack = malloc(STACK_SIZE);
        assert_non_null(cpu->stack);
        assert_int_equal(getcontext(&cpu->context), 0);
        cpu->context.uc_stack.ss_sp = cpu->stack;
        cpu->context.uc_stack.ss_size = STACK_SIZE;
        makecontext(&cpu->context, run_cpu, 0);
        step(m, n);
    }
    assert_int_equal(en_upload(m->en, "p", &payload), HP_OK);
    *state = m;
    return 0;
}

static int teardown(void **state)
{
    struct machine *m = *state;
    void *en = m->en;
    uint32_t n;

    for (n = 0; n < CPUS; n++) {
        assert_false(m->cpus[n].inside);
        free(m->cpus[n].stack);
    }
    free(m);
    return en_teardown(&en);
}

static bool busy(const struct machine *m)
{
    return m->en->manager.action.sequence % 2 != 0;
}

/* Lets the CPUs of a mask take turns until `done`. */
static void run(struct machine *m, unsigned mask, bool (*done)(const struct machine *m))
{
    uint32_t steps;

    for (steps = 0; !done(m); steps++) {
        assert_true(steps < LIMIT);
        if ((mask & (1u << steps % CPUS)) != 0) {
            step(m, steps % CPUS);
        }
    }
}

static bool idle(const struct machine *m)
{
    uint32_t n;

    for (n = 0; n < CPUS; n++) {
        if (m->cpus[n].inside) {
            return false;
        }
    }
    return !busy(m);
}

static bool ended(const struct machine *m)
{
    return !busy(m);
}

#define EVERYBODY 0xfu

/* Lets all go on until the action is over and nobody is in a safe point. */
static void settle(struct machine *m)
{
    run(m, EVERYBODY, idle);
    tp_assert_quiescent(m->en->port);
}

/* Lets one CPU go on until what it is in satisfies a condition. */
static void run_until(struct machine *m, uint32_t index, bool (*reached)(const struct machine *m))
{
    uint32_t steps;

    for (steps = 0; !reached(m); steps++) {
        assert_true(steps < LIMIT);
        step(m, index);
    }
}

static uint32_t phase(const struct machine *m)
{
    return m->en->manager.safepoint.word & HP_SAFEPOINT_PHASE;
}

static uint32_t count(const struct machine *m)
{
    return m->en->manager.safepoint.word / 4 % HP_SAFEPOINT_CPUS_MAX;
}

static bool gathering(const struct machine *m)
{
    return phase(m) == 2;
}

static bool one_came(const struct machine *m)
{
    return count(m) == 1;
}

static bool two_came(const struct machine *m)
{
    return count(m) == 2;
}

static bool three_came(const struct machine *m)
{
    return count(m) == 3;
}

static bool quieting(const struct machine *m)
{
    return phase(m) == 3;
}

static void schedule(struct machine *m, uint64_t timeout_ns)
{
    const struct hp_action_options options = {.size = sizeof(options), .timeout_ns = timeout_ns};

    hp_diag_init(&m->en->diag);
    assert_int_equal(hp_manager_apply(&m->en->manager, "p", &options, &m->en->diag), HP_OK);
}

static void assert_applied(struct machine *m)
{
    settle(m);
    en_assert(m->en, "p", HP_STATE_APPLIED, HP_OK);
    en_assert_report(m->en, HP_ACTION_APPLY, HP_OK, HP_PHASE_STOPPED);
    en_assert_log(m->en, "ap");
    assert_int_equal(m->en->manager.report.cpus, CPUS - 1);
    assert_int_equal(m->en->manager.report.arrived, CPUS - 1);
    assert_int_equal(m->en->manager.report.missing_count, 0);
    m->en->port->tick = 0;
    m->en->port->windows = 0;
    assert_int_equal(en_revert(m->en, "p"), HP_OK);
    settle(m);
    en_assert(m->en, "p", HP_STATE_CHECKED, HP_OK);
    en_assert_log(m->en, "rv");
    assert_int_equal(m->en->port->windows, 1);
    en_assert_untouched(m->en);
}

static void assert_timed_out(struct machine *m, enum hp_rendezvous_phase where)
{
    en_assert(m->en, "p", HP_STATE_CHECKED, HP_RENDEZVOUS_TIMEOUT);
    en_assert_report(m->en, HP_ACTION_APPLY, HP_RENDEZVOUS_TIMEOUT, where);
    en_assert_log(m->en, "ap"); /* the post hook runs since the pre hook did, */
    assert_int_equal(m->en->hook_seen_rc[HP_SPECIAL_HOOKS_POSTAPPLY], -HP_ERRNO_EBUSY);
    assert_int_equal(m->en->port->windows, 0); /* no NMI was masked */
    assert_int_equal(m->en->port->syncs, 0);
    assert_int_equal(m->en->manager.report.window_ns, 0);
    assert_false(m->en->port->held);
    en_assert_untouched(m->en);
}

static void assert_missing(const struct machine *m, uint32_t arrived, uint32_t first)
{
    const struct hp_action_report *report = &m->en->manager.report;

    assert_int_equal(report->cpus, CPUS - 1);
    assert_int_equal(report->arrived, arrived);
    assert_int_equal(report->missing_count, CPUS - 1 - arrived);
    assert_int_equal(report->missing[0], ids[first]);
}

/* ---- chosen moments -------------------------------------------------------------------------- */

static void everybody_comes(void **state)
{
    struct machine *m = *state;

    schedule(m, 0);
    settle(m);
    assert_int_equal(m->en->port->holds, 1);
    assert_int_equal(m->en->port->windows, 1);
    assert_true(m->en->port->serialised >= CPUS);
    assert_true(m->en->port->kicks >= 2); /* for an acting CPU, and for the others */
    assert_applied(m);
}

static void time_out_in_the_first_phase(void **state)
{
    struct machine *m = *state;

    schedule(m, 5 * MS);
    m->en->port->tick = MS;
    run(m, EVERYBODY & ~4u, ended);
    assert_timed_out(m, HP_PHASE_GATHER);
    assert_missing(m, 2, 2);
    assert_true(m->en->manager.report.wait_ns >= 5 * MS);
    assert_true(m->en->manager.report.wait_ns < 7 * MS);
    m->en->port->tick = 0;
    settle(m); /* the one that had not come comes: harmless */
    en_assert_untouched(m->en);
    schedule(m, 5 * MS);
    assert_applied(m);
}

static void time_out_in_the_second_phase(void **state)
{
    struct machine *m = *state;

    schedule(m, 5 * MS);
    run_until(m, 0, gathering);
    run_until(m, 1, one_came);
    run_until(m, 2, two_came);
    run_until(m, 3, three_came);
    run_until(m, 0, quieting);
    m->en->port->tick = MS;
    run(m, EVERYBODY & ~8u, ended); /* the last does not get to disabling its interrupts */
    assert_timed_out(m, HP_PHASE_QUIET);
    assert_missing(m, 2, 3);
    assert_int_equal(m->en->manager.report.actor, ids[0]);
    m->en->port->tick = 0;
    settle(m);
    schedule(m, 5 * MS);
    assert_applied(m);
}

/* A time-out of nobody but the acting CPU. */
static void nobody_comes(void **state)
{
    struct machine *m = *state;

    m->en->port->tick = MS;
    schedule(m, 0);
    run(m, 2, ended);
    assert_timed_out(m, HP_PHASE_GATHER);
    assert_missing(m, 0, 0);
    assert_int_equal(m->en->manager.report.missing[1], ids[2]);
    assert_int_equal(m->en->manager.report.missing[2], ids[3]);
    assert_int_equal(m->en->manager.report.actor, ids[1]);
    assert_true(m->en->manager.report.wait_ns >= HP_TIMEOUT_DEFAULT_NS);
    assert_true(m->en->manager.report.wait_ns < HP_TIMEOUT_DEFAULT_NS + 2 * MS);
    m->en->port->tick = 0;
    settle(m);
    schedule(m, 0);
    assert_applied(m);
}

static bool in_safe_point(const struct machine *m)
{
    return m->cpus[3].inside;
}

/*
 * A CPU that has seen the first phase is delayed before it counts itself in, past the time-out and
 * into the same phase of the next action: it must not count in that one for what it saw in another.
 */
static void an_arrival_delayed_into_the_next_action(void **state)
{
    struct machine *m = *state;
    uint32_t n;

    schedule(m, 5 * MS);
    run_until(m, 0, gathering);
    run_until(m, 3, in_safe_point); /* it stands before the port's call that precedes its arrival */
    m->en->port->tick = MS;
    run(m, 7, ended);
    assert_timed_out(m, HP_PHASE_GATHER);
    m->en->port->tick = 0;
    schedule(m, 5 * MS);
    run_until(m, 0, gathering);
    assert_int_equal(count(m), 0);
    for (n = 0; m->cpus[3].inside; n++) {
        assert_true(n < LIMIT);
        step(m, 3);
        assert_int_equal(count(m), 0);
    }
    run_until(m, 3, one_came); /* now it does */
    run_until(m, 1, two_came);
    for (n = 0; n < 50; n++) { /* and the window does not open for two of three */
        step(m, 0);
        step(m, 1);
        step(m, 3);
        assert_int_equal(m->en->port->windows, 0);
        assert_int_equal(phase(m), 2);
    }
    settle(m);
    assert_applied(m);
}

/* A CPU that waits in the first phase wakes only in that of the next action: it must notice. */
static void a_wait_that_lasts_into_the_next_action(void **state)
{
    struct machine *m = *state;

    schedule(m, 5 * MS);
    run_until(m, 0, gathering);
    run_until(m, 3, one_came);
    m->en->port->tick = MS;
    run(m, 1, ended);
    assert_timed_out(m, HP_PHASE_GATHER);
    assert_missing(m, 1, 1);
    m->en->port->tick = 0;
    schedule(m, 5 * MS);
    run_until(m, 0, gathering);
    assert_true(m->cpus[3].inside);
    settle(m); /* the clock stands still: it hangs if the CPU does not come */
    assert_applied(m);
}

/* The last CPU comes after the acting one has found it missing, before it gives up for that. */
static void arriving_at_the_moment_of_the_time_out(void **state)
{
    struct machine *m = *state;
    uint32_t n;

    schedule(m, 5 * MS);
    run_until(m, 0, gathering);
    run_until(m, 1, one_came);
    run_until(m, 2, two_came);
    m->en->port->now += 100 * MS;
    for (n = 0; n < 1000 && !three_came(m); n++) {
        /* The acting CPU stands before it reads the clock, the word with two in its hands. */
        step(m, n == 0 ? 0 : 3);
    }
    assert_true(three_came(m));
    run(m, EVERYBODY, idle);
    /* Nobody is missing any more, so that the exchange fails; the next phase then is too late. */
    assert_timed_out(m, HP_PHASE_QUIET);
    schedule(m, 5 * MS);
    assert_applied(m);
}

static void cpus_are_not_held(void **state)
{
    struct machine *m = *state;

    schedule(m, 0);
    m->en->port->fail_at = m->en->port->calls + 1;
    settle(m);
    en_assert(m->en, "p", HP_STATE_CHECKED, HP_CPUS_NOT_HELD);
    en_assert_report(m->en, HP_ACTION_APPLY, HP_CPUS_NOT_HELD, HP_PHASE_NONE);
    en_assert_log(m->en, "ap");
    assert_int_equal(m->en->port->holds, 0);
    m->en->port->fail_at = 0;
    schedule(m, 0);
    assert_applied(m);
}

/* A CPU that is not online is not waited for; it comes back for the next action. */
static void cpus_that_are_offline(void **state)
{
    struct machine *m = *state;

    m->en->port->online[ids[3]] = false;
    schedule(m, 0);
    run(m, 7, idle);
    en_assert(m->en, "p", HP_STATE_APPLIED, HP_OK);
    assert_int_equal(m->en->manager.report.cpus, CPUS - 2);
    m->en->port->stale[ids[3]] = false; /* it starts without old instructions */
    m->en->port->online[ids[3]] = true;
    assert_int_equal(en_revert(m->en, "p"), HP_OK);
    settle(m);
    assert_int_equal(m->en->manager.report.cpus, CPUS - 1);
    en_assert_untouched(m->en);
}

/* More CPUs are missing than a report names. */
static void many_are_missing(void **state)
{
    struct machine *m = *state;
    uint32_t cpu;

    for (cpu = 0; cpu < TP_CPUS_MAX; cpu++) {
        m->en->port->online[cpu] = true;
    }
    m->en->port->tick = MS;
    schedule(m, 0);
    run(m, EVERYBODY, ended);
    en_assert(m->en, "p", HP_STATE_CHECKED, HP_RENDEZVOUS_TIMEOUT);
    assert_int_equal(m->en->manager.report.cpus, TP_CPUS_MAX - 1);
    assert_int_equal(m->en->manager.report.arrived, CPUS - 1);
    assert_int_equal(m->en->manager.report.missing_count, HP_REPORT_CPUS);
    assert_int_equal(m->en->manager.report.missing[0], 0);
    assert_int_equal(m->en->manager.report.missing[1], 3); /* 1 and 2 have come */
    assert_int_equal(m->en->manager.report.missing[HP_REPORT_CPUS - 1], 18);
    for (cpu = 0; cpu < TP_CPUS_MAX; cpu++) {
        m->en->port->online[cpu] = false;
    }
    m->en->port->tick = 0;
    settle(m);
}

/* ---- chance ---------------------------------------------------------------------------------- */

static uint32_t chance(struct machine *m, uint32_t bound)
{
    m->seed ^= m->seed << 13;
    m->seed ^= m->seed >> 7;
    m->seed ^= m->seed << 17;
    return (uint32_t)(m->seed >> 20) % bound;
}

/*
 * Actions one after the other under schedules of chance: CPUs that run for a while or stand still
 * for long, clocks that jump. Every outcome must be one that the report explains.
 */
static void schedules_of_chance(void **state)
{
    struct machine *m = *state;
    uint32_t outcomes[3] = {0};
    bool applied = false;
    uint32_t round;

    for (round = 0; round < 6000; round++) {
        const struct hp_action_options options = {.size = sizeof(options), .timeout_ns = 5 * MS};
        const struct hp_action_report *report = &m->en->manager.report;
        bool patient = chance(m, 3) == 0;
        uint32_t favourite = chance(m, CPUS);
        uint32_t windows = m->en->port->windows;
        uint32_t steps;
        enum hp_status status;

        m->en->port->tick = patient ? 0 : MS / (1 + chance(m, 8));
        status = applied ? hp_manager_revert(&m->en->manager, "p", &options, NULL)
                         : hp_manager_apply(&m->en->manager, "p", &options, NULL);
        assert_int_equal(status, HP_OK);
        for (steps = 0; busy(m); steps++) {
            assert_true(steps < LIMIT);
            step(m, chance(m, 3) == 0 ? favourite : chance(m, CPUS));
            if (chance(m, 16) == 0) {
                favourite = chance(m, CPUS);
            }
        }
        assert_int_equal(report->missing_count <= CPUS - 1, 1);
        if (report->status == HP_OK) {
            applied = !applied;
            assert_int_equal(m->en->port->windows, windows + 1);
            assert_int_equal(report->arrived, CPUS - 1);
            assert_int_equal(report->missing_count, 0);
            outcomes[0]++;
        } else {
            assert_int_equal(report->status, HP_RENDEZVOUS_TIMEOUT);
            assert_false(patient);
            assert_int_equal(m->en->port->windows, windows);
            assert_true(report->arrived < CPUS - 1);
            assert_true(report->missing_count <= CPUS - 1 - report->arrived);
            outcomes[report->phase == HP_PHASE_GATHER ? 1 : 2]++;
        }
        en_assert_patched(m->en, 0, applied);
        en_assert_patched(m->en, 1, applied);
        memset(m->en->log, 0, sizeof(m->en->log));
        /* The next action comes while some are still on their way out of this one. */
    }
    m->en->port->tick = 0;
    settle(m);
    assert_true(outcomes[0] > 1000 && outcomes[1] > 100 && outcomes[2] > 100);
    if (applied) {
        assert_int_equal(en_revert(m->en, "p"), HP_OK);
        settle(m);
    }
    en_assert_untouched(m->en);
}

/* ---- the word -------------------------------------------------------------------------------- */

#define GENERATION(n)     ((uint32_t)(n) << 15)
#define COUNT(n)          ((uint32_t)(n) << 2)
#define LAST_GENERATION   0x1ffffu
#define PHASE_GATHER_BITS 2u

/* The generation comes round, for an action that is carried out and for one that times out. */
static void the_generation_comes_round(void **state)
{
    struct machine *m = *state;

    m->en->manager.safepoint.word = GENERATION(LAST_GENERATION);
    schedule(m, 0);
    settle(m);
    assert_int_equal(m->en->manager.safepoint.word, 0);
    en_assert_log(m->en, "ap");
    m->en->manager.safepoint.word = GENERATION(LAST_GENERATION);
    m->en->port->tick = MS;
    assert_int_equal(en_revert(m->en, "p"), HP_OK);
    run(m, 1, ended);
    assert_int_equal(m->en->manager.report.status, HP_RENDEZVOUS_TIMEOUT);
    assert_int_equal(m->en->manager.safepoint.word, 0);
    m->en->port->tick = 0;
    settle(m);
    assert_int_equal(en_revert(m->en, "p"), HP_OK);
    settle(m);
    en_assert_untouched(m->en);
}

/* Ends the phase in which a CPU waits, and keeps what the word was. */
static void end_phase(struct hp_port *port, void *data)
{
    struct en *en = data;

    en->hook_rc[0] = (int)en->manager.safepoint.word;
    en->manager.safepoint.word = 0;
    port->on_relax = NULL;
}

/* With as many CPUs as the word can count, the last one fills the count and nothing else. */
static void the_count_does_not_reach_the_generation(void **state)
{
    struct en *en = *state;
    const uint32_t last = HP_SAFEPOINT_CPUS_MAX - 1;

    en->port->on_relax = end_phase;
    en->manager.safepoint.word = GENERATION(5) | COUNT(last - 1) | PHASE_GATHER_BITS;
    hp_safe_point(&en->manager.safepoint);
    assert_int_equal((uint32_t)en->hook_rc[0], GENERATION(5) | COUNT(last) | PHASE_GATHER_BITS);
    /* One more than there can be, which a port has let come that does not keep its contract. */
    en->port->on_relax = end_phase;
    en->manager.safepoint.word = GENERATION(5) | COUNT(last) | PHASE_GATHER_BITS;
    hp_safe_point(&en->manager.safepoint);
    assert_int_equal(en->manager.safepoint.word, GENERATION(5) | COUNT(last) | PHASE_GATHER_BITS);
    assert_non_null(en->port->on_relax);
    en->manager.safepoint.word = 0;
}

/* ---- ports with a stop_machine of their own -------------------------------------------------- */

static void a_port_that_stops_the_machine_itself(void **state)
{
    struct en *en = *state;
    static const struct en_payload plain = {.id = 0x31, .functions = 1};
    enum hp_status status;
    uintptr_t interrupts;

    assert_int_equal(en_upload(en, "plain", &plain), HP_OK);
    assert_false(hp_manager_claim(&en->manager));
    assert_int_equal(en_apply(en, "plain"), HP_OK);
    assert_true(hp_manager_claim(&en->manager));
    assert_false(hp_manager_claim(&en->manager)); /* once */
    en_assert_report(en, HP_ACTION_APPLY, HP_ACTION_PENDING, HP_PHASE_NONE);
    hp_manager_finish(&en->manager, HP_RENDEZVOUS_TIMEOUT);
    en_assert(en, "plain", HP_STATE_CHECKED, HP_RENDEZVOUS_TIMEOUT);
    en_assert_untouched(en);
    tp_assert_quiescent(en->port);

    assert_int_equal(en_apply(en, "plain"), HP_OK);
    assert_true(hp_manager_claim(&en->manager));
    hp_safe_point(&en->manager.safepoint); /* nothing is left to do there */
    assert_int_equal(hp_port_cpus_hold(en->port), HP_OK);
    interrupts = hp_port_interrupts_off(en->port);
    hp_port_window_enter(en->port);
    status = hp_manager_window(&en->manager);
    hp_port_window_leave(en->port);
    hp_port_serialise(en->port);
    hp_port_interrupts_restore(en->port, interrupts);
    hp_port_cpus_release(en->port);
    assert_int_equal(status, HP_OK);
    hp_manager_finish(&en->manager, status);
    en_assert(en, "plain", HP_STATE_APPLIED, HP_OK);
    en_do_revert(en, "plain");
    en_assert_untouched(en);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(everybody_comes, setup, teardown),
        cmocka_unit_test_setup_teardown(time_out_in_the_first_phase, setup, teardown),
        cmocka_unit_test_setup_teardown(time_out_in_the_second_phase, setup, teardown),
        cmocka_unit_test_setup_teardown(nobody_comes, setup, teardown),
        cmocka_unit_test_setup_teardown(an_arrival_delayed_into_the_next_action, setup, teardown),
        cmocka_unit_test_setup_teardown(a_wait_that_lasts_into_the_next_action, setup, teardown),
        cmocka_unit_test_setup_teardown(arriving_at_the_moment_of_the_time_out, setup, teardown),
        cmocka_unit_test_setup_teardown(cpus_are_not_held, setup, teardown),
        cmocka_unit_test_setup_teardown(cpus_that_are_offline, setup, teardown),
        cmocka_unit_test_setup_teardown(many_are_missing, setup, teardown),
        cmocka_unit_test_setup_teardown(schedules_of_chance, setup, teardown),
        cmocka_unit_test_setup_teardown(the_generation_comes_round, setup, teardown),
        cmocka_unit_test_setup_teardown(the_count_does_not_reach_the_generation, en_setup,
                                        en_teardown),
        cmocka_unit_test_setup_teardown(a_port_that_stops_the_machine_itself, en_setup,
                                        en_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
