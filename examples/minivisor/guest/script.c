/* SPDX-License-Identifier: BSD-2-Clause */
/* The script: what is patched, refused and checked, in the order of the transcript. */
#include "guest.h"

#include <string.h>

#define OLD     MV_ANSWER(MV_VERSION_OLD, 1)
#define FIRST   MV_ANSWER(MV_VERSION_FIRST, 1)
#define SECOND  MV_ANSWER(MV_VERSION_SECOND, 1)
#define SPLICED MV_ANSWER(MV_VERSION_SPLICED, 1)
#define NO_TAG  MV_ANSWER(MV_VERSION_OLD, 0)

#define CYCLES        1000u /* unless the file "cycles" has another number */
#define SHORT_MS      2000u
#define LONESOME      2u /* the guest whose CPU does not come */
#define SILENT_ROUNDS 1000u

/* The name of a payload and its verdict, for the script that compares it with the offline one. */
static void verdict(const char *name, const char *status)
{
    print("    verdict %s: %s\n", name, status);
}

static void accept(const char *name)
{
    note("payload %s", name);
    expect(upload(name), 0, "upload");
}

/* An action that must succeed, and how long it took. */
static void act(const char *name, enum hp_action_command command, const char *what)
{
    const struct mv_report *last;

    expect(action(name, command, 0), 0, what);
    last = report();
    if (command == HP_ACTION_APPLY || command == HP_ACTION_REPLACE) {
        verdict(name, last->status);
    }
    note("      by CPU %u; all CPUs stood still for %lu us, after %lu us of gathering", last->actor,
         (unsigned long)(last->window_ns / 1000), (unsigned long)(last->wait_ns / 1000));
}

static void expect_state(const char *name, int64_t state)
{
    check(state_of(name) == state, "%s is %s", name,
          state == HP_STATE_APPLIED   ? "applied"
          : state == HP_STATE_CHECKED ? "checked"
                                      : "gone");
}

static void drop(const char *name)
{
    expect(action(name, HP_ACTION_UNLOAD, 0), 0, "unload");
    expect_state(name, -HP_ERRNO_ENOENT);
}

/* ---- steps ----------------------------------------------------------------------------------- */

static void before_payloads(void)
{
    uint32_t guest;

    step("guests count the answers to their hypercalls; nothing is patched");
    expect_answers(OLD);
    for (guest = 1; guest < report()->cpus; guest++) {
        check(guest_info(guest)->page.control == -HP_ERRNO_EPERM,
              "guest %u may not use the control interface (%ld)", guest,
              (long)guest_info(guest)->page.control);
    }
    check(list_count() == 0, "no payload is loaded");
}

static void permissions(void)
{
    uint32_t count = (uint32_t)guest_call(MV_CALL_TEST, MV_TEST_PROBES, 0, 0);
    struct mv_probe probe;
    uint32_t n;

    step("page permissions, tried out with a payload applied that has pages of every kind");
    accept("data");
    act("data", HP_ACTION_APPLY, "apply");
    for (n = 0; n < count; n++) {
        (void)guest_call(MV_CALL_TEST, MV_TEST_PROBE, n, (uintptr_t)&probe);
        check(probe.happened == probe.expected, "%s: %s", probe.what,
              probe.happened != 0 ? "goes through" : "faults, and the CPU goes on");
    }
    act("data", HP_ACTION_REVERT, "revert");
    expect(action("data", HP_ACTION_APPLY, 0), -HP_ERRNO_EINVAL, "apply again, with old data");
    drop("data");
}

static void apply_and_replace(void)
{
    step("upload, apply under load");
    accept("first");
    check(list_count() == 1, "one payload is listed");
    expect_state("first", HP_STATE_CHECKED);
    act("first", HP_ACTION_APPLY, "apply");
    expect_state("first", HP_STATE_APPLIED);
    expect_answers(FIRST);

    step("replace it by another");
    accept("second");
    act("second", HP_ACTION_REPLACE, "replace");
    expect_state("first", HP_STATE_CHECKED);
    expect_state("second", HP_STATE_APPLIED);
    expect_answers(SECOND);

    step("revert");
    act("second", HP_ACTION_REVERT, "revert");
    expect_state("second", HP_STATE_CHECKED);
    expect_answers(OLD);
    drop("second");
}

static void stack(void)
{
    step("a payload on top of another");
    act("first", HP_ACTION_APPLY, "apply the first");
    accept("stacked");
    act("stacked", HP_ACTION_APPLY, "apply the second");
    expect_answers(SECOND);
    expect(action("first", HP_ACTION_REVERT, 0), -HP_ERRNO_EINVAL, "revert the one below");
    act("stacked", HP_ACTION_REVERT, "revert the upper");
    expect_answers(FIRST);
    act("first", HP_ACTION_REVERT, "revert the lower");
    expect_answers(OLD);
    drop("stacked");
}

static void nops(void)
{
    step("a call becomes NOPs: answers lose their tag");
    accept("nop");
    act("nop", HP_ACTION_APPLY, "apply");
    expect_answers(NO_TAG);
    act("nop", HP_ACTION_REVERT, "revert");
    expect_answers(OLD);
    drop("nop");
}

static void splices(void)
{
    step("an entry of the table of hypercalls, in read-only data, is changed in place");
    accept("splice");
    act("splice", HP_ACTION_APPLY, "apply");
    expect_answers(SPLICED);
    act("splice", HP_ACTION_REVERT, "revert");
    expect_answers(OLD);
    drop("splice");
}

static void expect_hooks(const char *letters)
{
    const char *ran = report()->hooks;
    size_t n = 0;

    while (letters[n] != '\0' && letters[n] == ran[n]) {
        n++;
    }
    check(letters[n] == ran[n], "hooks ran: %s", ran);
}

static void hooks(void)
{
    step("hooks (p apply: l load, a apply; P, F post-apply; r revert: v revert, u unload; R post)");
    accept("hooks");
    (void)guest_call(MV_CALL_TEST, MV_TEST_HOOKS, 'p', 0);
    expect(action("hooks", HP_ACTION_APPLY, 0), -HP_ERRNO_EPERM, "its pre-apply hook says no");
    expect_hooks("p");
    (void)guest_call(MV_CALL_TEST, MV_TEST_HOOKS, 'a', 0);
    expect(action("hooks", HP_ACTION_APPLY, 0), -HP_ERRNO_EPERM, "its apply hook says no");
    expect_hooks("plauF");
    expect_state("hooks", HP_STATE_CHECKED);
    (void)guest_call(MV_CALL_TEST, MV_TEST_HOOKS, 0, 0);
    act("hooks", HP_ACTION_APPLY, "apply");
    expect_hooks("plaP");
    (void)guest_call(MV_CALL_TEST, MV_TEST_HOOKS, 'r', 0);
    expect(action("hooks", HP_ACTION_REVERT, 0), -HP_ERRNO_EPERM, "its pre-revert hook says no");
    expect_state("hooks", HP_STATE_APPLIED);
    (void)guest_call(MV_CALL_TEST, MV_TEST_HOOKS, 0, 0);
    act("hooks", HP_ACTION_REVERT, "revert");
    expect_hooks("rvuR");
    drop("hooks");
}

static void nmis(void)
{
    uint64_t before[MV_CPUS];
    uint64_t held = 0;
    uint32_t cpus = report()->cpus;
    uint32_t guest;

    if (guest_call(MV_CALL_TEST, MV_TEST_NMI, 0, 0) == 0) {
        step("NMIs in the window: left out, this architecture has none");
        return;
    }
    step("NMIs to all CPUs from inside the window, while their handler's code is patched");
    for (guest = 0; guest < cpus; guest++) {
        before[guest] = guest_info(guest)->nmis;
        held += guest_info(guest)->nmis_held;
    }
    accept("nmi");
    act("nmi", HP_ACTION_APPLY, "apply");
    for (guest = 0; guest < cpus; guest++) {
        const struct mv_guest_info *info = guest_info(guest);

        while (info->nmis == before[guest]) {
            (void)ask();
            info = guest_info(guest);
        }
        held -= info->nmis_held;
        check(info->nmis == before[guest] + 1 && info->nmi_version == MV_VERSION_FIRST,
              "CPU %u: 1 NMI, %lu handled, by version %lu; %lu put off until after the window",
              guest, (unsigned long)(info->nmis - before[guest]), (unsigned long)info->nmi_version,
              (unsigned long)info->nmis_held);
    }
    check(held != 0, "at least one came inside the window");
    act("nmi", HP_ACTION_REVERT, "revert");
    drop("nmi");
}

/* ---- refusals -------------------------------------------------------------------------------- */

/* A payload that must be refused, by upload or by apply; nothing of it stays. */
static void refuse(const char *name, int64_t expected)
{
    char status[sizeof(((struct mv_report *)0)->status)];
    int64_t rc = upload(name);
    bool loaded = rc == 0;

    if (loaded) {
        rc = action(name, HP_ACTION_APPLY, 0);
    }
    expect(rc, expected, name);
    note("      %s", report()->detail);
    memcpy(status, report()->status, sizeof(status));
    if (loaded) {
        (void)action(name, HP_ACTION_UNLOAD, 0);
    }
    check(state_of(name) == -HP_ERRNO_ENOENT, "nothing of it is left");
    verdict(name, status);
}

static void refusals(void)
{
    int64_t used = guest_call(MV_CALL_TEST, MV_TEST_MEMORY, 0, 0);

    step("payloads that are refused, for the reason that the offline verdict gives");
    refuse("unsigned", -HP_ERRNO_EACCES);
    refuse("stranger", -HP_ERRNO_EACCES);
    refuse("tampered", -HP_ERRNO_EBADMSG);
    refuse("truncated", -HP_ERRNO_EINVAL);
    refuse("corrupt", -HP_ERRNO_EINVAL);
    refuse("foreign", -HP_ERRNO_EINVAL);
    refuse("undefined", -HP_ERRNO_ENOENT);
    refuse("unknown", -HP_ERRNO_ENOENT);
    refuse("small", -HP_ERRNO_EINVAL);
    refuse("expectation", -HP_ERRNO_EINVAL);
    refuse("denied", -HP_ERRNO_EPERM);
    expect(upload("first"), -HP_ERRNO_EEXIST, "a name that is taken");
    check(guest_call(MV_CALL_TEST, MV_TEST_MEMORY, 0, 0) == used,
          "all of their memory has been given back");
    expect_answers(OLD);
}

/* ---- CPUs that do not come ---------------------------------------------------------------------
 */

static void lonesome(void)
{
    const struct mv_report *last;
    uint64_t calls;

    if (report()->cpus <= LONESOME) {
        return;
    }
    step("a CPU that does not come");
    (void)guest_call(MV_CALL_TEST, MV_TEST_STALL, LONESOME, 0);
    expect(action("first", HP_ACTION_APPLY, SHORT_MS), -HP_ERRNO_EBUSY, "apply");
    last = report();
    check(last->missing_count == 1 && last->missing[0] == LONESOME,
          "the report names CPU %u (%u of %u missing)", last->missing[0], last->missing_count,
          last->cpus);
    expect_state("first", HP_STATE_CHECKED);
    (void)guest_call(MV_CALL_TEST, MV_TEST_RESUME, LONESOME, 0);
    calls = guest_info(LONESOME)->page.calls;
    while (guest_info(LONESOME)->page.calls < calls + SILENT_ROUNDS) {
        (void)ask();
    }
    check(true, "CPU %u is alive: its guest goes on", LONESOME);
    expect_answers(OLD);
    act("first", HP_ACTION_APPLY, "apply, now that all come");
    expect_answers(FIRST);
    act("first", HP_ACTION_REVERT, "revert");
    expect_answers(OLD);
}

static void silent(void)
{
    uint64_t alive;

    if (report()->cpus < 2) {
        return;
    }
    step("a guest that spins with interrupts masked and makes no hypercall: the kick fetches it");
    (void)guest_call(MV_CALL_TEST, MV_TEST_SILENT, 1, 0);
    alive = guest_info(1)->page.alive;
    while (guest_info(1)->page.alive < alive + SILENT_ROUNDS) {
        (void)ask();
    }
    act("first", HP_ACTION_APPLY, "apply");
    act("first", HP_ACTION_REVERT, "revert");
    (void)guest_call(MV_CALL_TEST, MV_TEST_TALK, 1, 0);
    expect_answers(OLD);
}

/* ---- cycles ------------------------------------------------------------------------------------
 */

static uint32_t cycle_count(void)
{
    const char *digits = (const char *)MV_GUEST_BUFFER;
    uint32_t count = 0;

    if (!file_exists("cycles")) {
        return CYCLES;
    }
    for (; *digits >= '0' && *digits <= '9'; digits++) {
        count = count * 10 + (uint32_t)(*digits - '0');
    }
    return count;
}

static void cycles(void)
{
    uint32_t count = cycle_count();
    uint64_t bad = 0;
    uint32_t n;

    step("many times apply and revert under load");
    for (n = 0; n < count; n++) {
        bad += action("first", HP_ACTION_APPLY, 0) != 0;
        bad += ask() != FIRST;
        bad += action("first", HP_ACTION_REVERT, 0) != 0;
        bad += ask() != OLD;
    }
    check(bad == 0, "%u cycles: after each action this guest got the right answer at once, %lu not",
          count, (unsigned long)bad);
    expect_answers(OLD);
    for (n = 0; n < report()->cpus; n++) {
        check(guest_info(n)->page.seen[MV_VERSION_FIRST][1] > 0, "guest %u got %lu new answers", n,
              (unsigned long)guest_info(n)->page.seen[MV_VERSION_FIRST][1]);
    }
}

void run_script(void)
{
    int64_t used = guest_call(MV_CALL_TEST, MV_TEST_MEMORY, 0, 0);

    print("minivisor: %u CPUs, a guest on each\n", report()->cpus);
    before_payloads();
    permissions();
    apply_and_replace();
    stack();
    nops();
    splices();
    hooks();
    nmis();
    refusals();
    lonesome();
    silent();
    cycles();

    step("the end");
    drop("first");
    check(guest_call(MV_CALL_TEST, MV_TEST_MEMORY, 0, 0) == used, "all memory has been given back");
    print("\n%s: %u failures\n", failures() == 0 ? "PASS" : "FAIL", failures());
    finish(failures() == 0);
}
