/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A process that patches itself: four threads call a function without pause while payloads change
 * it under them.
 *
 *     selfpatch DIRECTORY     with the payloads that were built for this very executable
 *
 * Each step prints one line and is checked: at the first surprise the program ends with status 1.
 * What an embedder does is at the top: open the target, prepare a manager, load, act, wait. The
 * steps below only do that in different ways.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <hotpatch/host.h>
#include <hotpatch/hotpatch.h>

#include "target.h"
#include "workers.h"

#define NS_PER_SECOND UINT64_C(1000000000)
#define FILE_MAX      (1u << 20)
#define CYCLES        50

/* Threads of a machine that is busy with other things may take a while to get a turn. */
#define TIMEOUT_NS (10 * NS_PER_SECOND)

/* For the step that is to time out. */
#define TIMEOUT_SHORT_NS (NS_PER_SECOND / 2)

struct demo {
    struct hp_port *port;
    struct hp_manager manager;
    struct hp_diag diag; /* of the last call */
    struct workers workers;
    struct answers seen; /* up to the last step */
    const char *directory;
    const uint8_t *code; /* of this process, as it is now ... */
    uint8_t *before;     /* ... and as it was before the first patch */
    size_t code_size;
    unsigned int step;
};

/* ---- saying what happens --------------------------------------------------------------------- */

/* One line for each step. */
static __attribute__((format(printf, 2, 3))) void say(struct demo *demo, const char *format, ...)
{
    va_list list;

    demo->step++;
    printf("%2u  ", demo->step);
    va_start(list, format);
    (void)vprintf(format, list);
    va_end(list);
    printf("\n");
    (void)fflush(stdout);
}

/* The end, unless a condition holds. Not exit(): the threads are still running. */
static void require(const struct demo *demo, bool condition, const char *what)
{
    char line[512];

    if (condition) {
        return;
    }
    (void)hp_diag_format(&demo->diag, line, sizeof(line));
    (void)fprintf(stderr, "selfpatch: after step %u: not so: %s (last diagnostics: %s)\n",
                  demo->step, what, line);
    _Exit(1);
}

/* ---- what an embedder does ------------------------------------------------------------------- */

static void open_process(struct demo *demo)
{
    struct hp_target target;

    require(demo, hp_host_open_self(&demo->port, NULL, &demo->diag) == HP_OK, "it can be opened");
    require(demo, hp_manager_init(&demo->manager, demo->port, NULL) == HP_OK, "manager");
    hp_port_target(demo->port, &target);
    demo->code = (const uint8_t *)(uintptr_t)target.text_start;
    demo->code_size = (size_t)(target.text_end - target.text_start);
    demo->before = malloc(demo->code_size);
    require(demo, demo->before != NULL, "memory");
    memcpy(demo->before, demo->code, demo->code_size);
    require(demo, workers_start(&demo->workers, demo->port, &demo->manager.safepoint), "threads");
}

/* Reads DIRECTORY/self_NAME.livepatch into memory of the caller's. */
static uint8_t *read_payload(struct demo *demo, const char *name, size_t *size)
{
    uint8_t *data = malloc(FILE_MAX);
    char path[4096];
    FILE *file;

    (void)snprintf(path, sizeof(path), "%s/self_%s.livepatch", demo->directory, name);
    file = fopen(path, "rb");
    if (file == NULL || data == NULL) {
        perror(path);
        _Exit(1);
    }
    *size = fread(data, 1, FILE_MAX, file);
    (void)fclose(file);
    return data;
}

/* The library makes a copy of its own before it looks at anything; the file is not needed then. */
static enum hp_status upload_bytes(struct demo *demo, const char *name, const void *data,
                                   size_t size)
{
    hp_diag_init(&demo->diag);
    return hp_manager_upload(&demo->manager, name, data, size, &demo->diag);
}

static void upload(struct demo *demo, const char *name)
{
    size_t size;
    uint8_t *data = read_payload(demo, name, &size);

    require(demo, upload_bytes(demo, name, data, size) == HP_OK, "the payload is accepted");
    free(data);
}

static void unload(struct demo *demo, const char *name)
{
    require(demo, hp_manager_unload(&demo->manager, name, &demo->diag) == HP_OK, "unloaded");
}

/* Asks for an action. A refusal is the answer; otherwise it is scheduled, and carried out later. */
static enum hp_status schedule(struct demo *demo, enum hp_action_command command, const char *name,
                               uint64_t timeout_ns)
{
    const struct hp_action_options options = {.size = sizeof(options), .timeout_ns = timeout_ns};

    hp_diag_init(&demo->diag);
    switch (command) {
    case HP_ACTION_APPLY:
        return hp_manager_apply(&demo->manager, name, &options, &demo->diag);
    case HP_ACTION_REPLACE:
        return hp_manager_replace(&demo->manager, name, &options, &demo->diag);
    default:
        return hp_manager_revert(&demo->manager, name, &options, &demo->diag);
    }
}

/* Waits for the end of the action that is scheduled: one of the threads carries it out. */
static struct hp_action_report wait_for_end(struct demo *demo)
{
    time_t end = time(NULL) + WAIT_SECONDS;
    struct hp_action_report report;

    hp_manager_report(&demo->manager, &report);
    while (report.status == HP_ACTION_PENDING) {
        require(demo, time(NULL) < end, "the action comes to an end");
        pause_a_little();
        hp_manager_report(&demo->manager, &report);
    }
    return report;
}

/* An action that is to succeed. Returns how long the threads stood still, in microseconds. */
static double act(struct demo *demo, enum hp_action_command command, const char *name)
{
    struct hp_action_report report;

    require(demo, schedule(demo, command, name, TIMEOUT_NS) == HP_OK, "the action is scheduled");
    report = wait_for_end(demo);
    require(demo, report.status == HP_OK, hp_status_name(report.status));
    require(demo, hp_manager_attest(&demo->manager, &demo->diag) == HP_OK,
            "memory is what the payloads make of it");
    return (double)report.window_ns / 1000;
}

/* ---- checking what the threads saw ----------------------------------------------------------- */

/*
 * To be called after an action, or a refusal: since the last time no call has returned anything but
 * the old and the new answer, and calls that begin now return the new one. Returns the calls since.
 */
static unsigned long check_answers(struct demo *demo, int old, int new)
{
    const struct answers start = demo->seen;
    unsigned long calls = 0;
    struct answers now;
    int n;

    workers_answers(&demo->workers, &now);
    require(demo, workers_go_round(&demo->workers), "all threads go on");
    workers_answers(&demo->workers, &demo->seen);
    for (n = 0; n < ANSWERS; n++) {
        const int value = ANSWER_FIRST + n;

        require(demo, value == old || value == new || demo->seen.given[n] == start.given[n],
                "every answer was the old or the new one");
        require(demo, value == new || demo->seen.given[n] == now.given[n],
                "the old answer is given no more");
        calls += demo->seen.given[n] - start.given[n];
    }
    require(demo, demo->seen.given[new - ANSWER_FIRST] > now.given[new - ANSWER_FIRST],
            "the new answer is given");
    require(demo, demo->seen.other == 0, "every answer was a known one");
    return calls;
}

static bool code_is_as_before(const struct demo *demo)
{
    return memcmp(demo->code, demo->before, demo->code_size) == 0;
}

/* ---- the steps ------------------------------------------------------------------------------- */

static void show_start(struct demo *demo)
{
    unsigned long calls = check_answers(demo, 41, 41);

    say(demo, "%d threads call answer() without pause: 41 (%lu calls so far)", WORKERS, calls);
}

static void show_apply_and_revert(struct demo *demo)
{
    unsigned long calls;
    double still;

    upload(demo, "fix");
    still = act(demo, HP_ACTION_APPLY, "fix");
    calls = check_answers(demo, 41, 42);
    say(demo, "fix applied, all threads still for %.1f us: 41 -> 42 (%lu calls, no other answer)",
        still, calls);

    still = act(demo, HP_ACTION_REVERT, "fix");
    calls = check_answers(demo, 42, 41);
    require(demo, code_is_as_before(demo), "code is as before");
    say(demo, "fix reverted, %.1f us: 42 -> 41 (%lu calls, no other answer); code as before", still,
        calls);
}

static void show_stack(struct demo *demo)
{
    double still;

    upload(demo, "stacked");
    require(demo, schedule(demo, HP_ACTION_APPLY, "stacked", TIMEOUT_NS) == HP_DEPENDS_BUILD_ID,
            "what stacks on fix is refused without it");
    (void)check_answers(demo, 41, 41);
    say(demo, "stacked refused: it was made to lie on fix, which is not applied; still 41");

    (void)act(demo, HP_ACTION_APPLY, "fix");
    (void)check_answers(demo, 41, 42);
    still = act(demo, HP_ACTION_APPLY, "stacked");
    (void)check_answers(demo, 42, 43);
    say(demo, "fix applied again, stacked on top of it, %.1f us: 42 -> 43", still);

    require(demo, schedule(demo, HP_ACTION_REVERT, "fix", TIMEOUT_NS) == HP_ACTION_NOT_TOP,
            "fix lies below and cannot be reverted");
    (void)check_answers(demo, 43, 43);
    say(demo, "revert of fix refused: stacked lies on it; still 43");
}

/* Begins with fix and stacked applied. */
static void show_replace(struct demo *demo)
{
    struct hp_payload_info fix;
    struct hp_payload_info stacked;
    unsigned long calls;
    double still;

    upload(demo, "cumulative");
    still = act(demo, HP_ACTION_REPLACE, "cumulative");
    /* Neither 42 nor 41 in between: there is no moment without a patch. */
    calls = check_answers(demo, 43, 44);
    require(demo,
            hp_manager_get(&demo->manager, "fix", &fix) == HP_OK && fix.state == HP_STATE_CHECKED,
            "fix is not applied any more");
    require(demo,
            hp_manager_get(&demo->manager, "stacked", &stacked) == HP_OK &&
                stacked.state == HP_STATE_CHECKED,
            "neither is stacked");
    say(demo, "both replaced by cumulative in one stop, %.1f us: 43 -> 44 (%lu calls, never 41)",
        still, calls);
}

/* Begins and ends with cumulative applied. */
static void show_refused_replace(struct demo *demo)
{
    upload(demo, "expect");
    require(demo, schedule(demo, HP_ACTION_REPLACE, "expect", TIMEOUT_NS) == HP_EXPECT_MISMATCH,
            "the expectation does not hold");
    (void)check_answers(demo, 44, 44);
    say(demo, "replace by expect refused, nothing was touched: cumulative still answers 44");

    (void)act(demo, HP_ACTION_REVERT, "cumulative");
    (void)check_answers(demo, 44, 41);
    require(demo, code_is_as_before(demo), "code is as before");
    unload(demo, "stacked");
    unload(demo, "fix");
    unload(demo, "cumulative");
    say(demo, "cumulative reverted: 44 -> 41; code as before; all three unloaded");
}

/* Begins with expect loaded. */
static void show_expectation(struct demo *demo)
{
    const uint8_t *code;
    struct hp_function_info function;

    require(demo, schedule(demo, HP_ACTION_APPLY, "expect", TIMEOUT_NS) == HP_EXPECT_MISMATCH,
            "the expectation does not hold");
    require(demo, hp_manager_peek_function(&demo->manager, 0, 0, &function) == HP_OK, "record");
    code = (const uint8_t *)(uintptr_t)function.old_addr;
    require(demo, demo->diag.record == 0 && demo->diag.has_numbers, "the place is named");
    require(demo, demo->diag.actual == code[demo->diag.offset], "the byte is what stands there");
    (void)check_answers(demo, 41, 41);
    say(demo, "expect refused: byte %u of answer() is 0x%02x instead of 0x%02x",
        (unsigned int)demo->diag.offset, (unsigned int)demo->diag.actual,
        (unsigned int)demo->diag.expected);
    unload(demo, "expect");
}

static void show_nop(struct demo *demo)
{
    unsigned long audits;
    unsigned long visits;

    upload(demo, "nop");
    (void)act(demo, HP_ACTION_APPLY, "nop");
    audits = workers_audits(&demo->workers);
    visits = workers_visits(&demo->workers);
    (void)check_answers(demo, 41, 41);
    require(demo, workers_audits(&demo->workers) == audits, "no visit is audited");
    require(demo, workers_visits(&demo->workers) > visits, "visits go on");
    say(demo, "nop applied: the call of audit() in visit() is NOPs; %lu visits since, 0 audits",
        workers_visits(&demo->workers) - visits);

    (void)act(demo, HP_ACTION_REVERT, "nop");
    (void)check_answers(demo, 41, 41);
    require(demo, workers_audits(&demo->workers) > audits, "visits are audited again");
    require(demo, code_is_as_before(demo), "code is as before");
    unload(demo, "nop");
    say(demo, "nop reverted: visits are audited again; code as before");
}

/* In the header of a 64-bit ELF file: which section holds the names of sections. */
#define ELF64_SHSTRNDX 62

static void show_corrupt(struct demo *demo)
{
    size_t size;
    uint8_t *data = read_payload(demo, "fix", &size);
    enum hp_status half = upload_bytes(demo, "half", data, size / 2);
    enum hp_status damaged;

    require(demo, half == HP_ELF_TRUNCATED, "half a payload is refused");
    data[ELF64_SHSTRNDX] ^= 0x80;
    damaged = upload_bytes(demo, "damaged", data, size);
    require(demo, damaged == HP_ELF_SHSTRNDX, "a damaged payload is refused");
    free(data);
    (void)check_answers(demo, 41, 41);
    require(demo, code_is_as_before(demo), "code is as before");
    say(demo, "corrupt payloads refused: half of fix (%s), one bit changed (%s)",
        hp_status_name(half), hp_status_name(damaged));
}

static bool is_missing(const struct hp_action_report *report, uint32_t cpu)
{
    uint32_t n;

    for (n = 0; n < report->missing_count; n++) {
        if (report->missing[n] == cpu) {
            return true;
        }
    }
    return false;
}

static void show_timeout(struct demo *demo)
{
    struct worker *stuck = &demo->workers.each[WORKERS - 1];
    struct hp_action_report report;
    unsigned long calls;

    upload(demo, "fix");
    atomic_store(&stuck->stuck, true);
    require(demo, workers_go_round(&demo->workers), "all threads have seen it");
    require(demo, schedule(demo, HP_ACTION_APPLY, "fix", TIMEOUT_SHORT_NS) == HP_OK, "scheduled");
    report = wait_for_end(demo);
    require(demo, report.status == HP_RENDEZVOUS_TIMEOUT, "it times out");
    require(demo, report.phase == HP_PHASE_GATHER && is_missing(&report, stuck->cpu),
            "the report names the thread");
    calls = check_answers(demo, 41, 41);
    require(demo, code_is_as_before(demo), "code is as before");
    say(demo,
        "thread %u passes no safe point: fix times out after %.0f ms, CPU %u named, still 41 "
        "(%lu calls)",
        stuck->cpu, (double)report.wait_ns / 1e6, stuck->cpu, calls);

    atomic_store(&stuck->stuck, false);
    (void)act(demo, HP_ACTION_APPLY, "fix");
    (void)check_answers(demo, 41, 42);
    say(demo, "thread %u passes safe points again, and the same action works: 41 -> 42",
        stuck->cpu);
}

/* Begins with fix applied. Many changes in a row, with the threads in the middle of it all. */
static void show_cycles(struct demo *demo)
{
    unsigned long calls;
    double worst = 0;
    int n;

    for (n = 0; n < CYCLES; n++) {
        double revert = act(demo, HP_ACTION_REVERT, "fix");
        double apply = act(demo, HP_ACTION_APPLY, "fix");

        worst = revert > worst ? revert : worst;
        worst = apply > worst ? apply : worst;
    }
    calls = check_answers(demo, 41, 42);
    (void)act(demo, HP_ACTION_REVERT, "fix");
    calls += check_answers(demo, 42, 41);
    require(demo, code_is_as_before(demo), "code is as before");
    unload(demo, "fix");
    say(demo, "%d more times reverted and applied, at most %.1f us: %lu calls, no other answer",
        CYCLES, worst, calls);
}

/* Hooks that ran, in their order. The manager runs one action at a time, so nothing is raced for.
 */
static enum hook_place hooks[HOOK_PLACES + 1];
static atomic_uint hook_count;

void hook_ran(enum hook_place place)
{
    unsigned int n = atomic_fetch_add(&hook_count, 1);

    if (n < sizeof(hooks) / sizeof(hooks[0])) {
        hooks[n] = place;
    }
}

static void show_hooks(struct demo *demo)
{
    static const enum hook_place wanted[HOOK_PLACES] = {
        HOOK_PREAPPLY, HOOK_LOAD, HOOK_POSTAPPLY, HOOK_PREREVERT, HOOK_UNLOAD, HOOK_POSTREVERT};

    upload(demo, "hooks");
    (void)act(demo, HP_ACTION_APPLY, "hooks");
    (void)check_answers(demo, 41, 45);
    (void)act(demo, HP_ACTION_REVERT, "hooks");
    (void)check_answers(demo, 45, 41);
    require(demo, atomic_load(&hook_count) == HOOK_PLACES, "every hook ran once");
    require(demo, memcmp(hooks, wanted, sizeof(wanted)) == 0, "in their order");
    require(demo, code_is_as_before(demo), "code is as before");
    unload(demo, "hooks");
    say(demo,
        "hooks ran: preapply, load, postapply; prerevert, unload, postrevert: 41 -> 45 -> 41");
}

/* A table that nobody can write to is changed in place; no byte of code is. */
static void show_splice(struct demo *demo)
{
    unsigned long calls;

    upload(demo, "splice");
    (void)act(demo, HP_ACTION_APPLY, "splice");
    calls = check_answers(demo, 41, 46);
    require(demo, code_is_as_before(demo), "no code has changed");
    (void)act(demo, HP_ACTION_REVERT, "splice");
    calls += check_answers(demo, 46, 41);
    unload(demo, "splice");
    say(demo, "splice: a pointer in a read-only table changed, no code: 41 -> 46 -> 41 (%lu calls)",
        calls);
}

static void close_process(struct demo *demo)
{
    struct hp_host_counters counters;

    workers_stop(&demo->workers);
    require(demo, hp_manager_close(&demo->manager) == HP_OK, "nothing is applied");
    hp_host_counters(demo->port, &counters);
    require(demo, counters.live == 0 && counters.live_aliases == 0 && counters.live_mappings == 0,
            "all memory is given back");
    require(demo, hp_host_violation(demo->port) == NULL, "the port was used as it asks for");
    require(demo, code_is_as_before(demo), "code is as before");
    hp_host_close(demo->port);
    say(demo, "closed: all memory given back, all %zu bytes of code as before", demo->code_size);
    free(demo->before);
}

int main(int argc, char **argv)
{
    static struct demo demo;

    if (argc != 2) {
        (void)fprintf(stderr, "usage: selfpatch DIRECTORY_OF_PAYLOADS\n");
        return 2;
    }
    demo.directory = argv[1];
    hp_diag_init(&demo.diag);
    open_process(&demo);
    show_start(&demo);
    show_apply_and_revert(&demo);
    show_stack(&demo);
    show_replace(&demo);
    show_refused_replace(&demo);
    show_expectation(&demo);
    show_nop(&demo);
    show_corrupt(&demo);
    show_timeout(&demo);
    show_cycles(&demo);
    show_hooks(&demo);
    show_splice(&demo);
    close_process(&demo);
    printf("selfpatch: all %u steps as expected\n", demo.step);
    return 0;
}
