/* SPDX-License-Identifier: BSD-2-Clause */
/* What the script is told about the last request, and the counters taken on the way. */
#include "layout.h"

#include <string.h>

#include <minivisor/arch.h>

#define NOBODY UINT32_MAX

static struct {
    uint64_t begin; /* mv_arch_counter() when the request came in */
    uint64_t end;   /* when its action had ended */
    uint64_t enter; /* of the window */
    uint64_t leave;
    uint32_t actor; /* atomic: CPU that performs an action; NOBODY */
    char hooks[sizeof(((struct mv_report *)0)->hooks)];
    uint32_t hook_count;
    char refuse; /* the hook that shall refuse */
    enum hp_status refused;
    char detail[sizeof(((struct mv_report *)0)->detail)];
} last = {.actor = NOBODY};

void mv_report_begin(void)
{
    last.enter = 0;
    last.leave = 0;
    last.begin = mv_arch_counter();
}

/* The request has been answered; an action it has scheduled may still be running, or be over. */
void mv_report_end(const struct hp_diag *diag)
{
    last.refused = diag->status;
    last.detail[0] = '\0';
    if (diag->status) {
        (void)hp_diag_format(diag, last.detail, sizeof(last.detail));
    }
}

MV_DENY void mv_report_acting(bool acting)
{
    if (acting) {
        __atomic_store_n(&last.actor, mv_arch_self()->id, __ATOMIC_RELEASE);
    } else if (__atomic_load_n(&last.actor, __ATOMIC_ACQUIRE) == mv_arch_self()->id) {
        last.end = mv_arch_counter();
        __atomic_store_n(&last.actor, NOBODY, __ATOMIC_RELEASE);
    }
}

MV_DENY void mv_report_window(bool enter)
{
    if (enter) {
        last.enter = mv_arch_counter();
    } else {
        last.leave = mv_arch_counter();
    }
}

/* This CPU has passed its safe point: if it was the acting one, the action is over. */
MV_DENY void mv_report_passed(void)
{
    mv_report_acting(false);
}

static void copy_text(char *to, size_t size, const char *from)
{
    size_t n;

    for (n = 0; n + 1 < size && from[n] != '\0'; n++) {
        to[n] = from[n];
    }
    to[n] = '\0';
}

void mv_report_fill(struct mv_report *report)
{
    struct hp_action_report action;
    uint32_t n;

    while (__atomic_load_n(&last.actor, __ATOMIC_ACQUIRE) != NOBODY) {
        mv_arch_relax();
    }
    hp_manager_report(&mv_manager, &action);
    memset(report, 0, sizeof(*report));
    copy_text(report->status, sizeof(report->status),
              hp_status_name(last.refused != HP_OK ? last.refused : action.status));
    memcpy(report->detail, last.detail, sizeof(report->detail));
    report->cpus = mv_cpu_count;
    report->actor = action.actor;
    report->arrived = action.arrived;
    report->missing_count = action.missing_count;
    for (n = 0; n < MV_CPUS && n < action.missing_count; n++) {
        report->missing[n] = action.missing[n];
    }
    report->window_ns = action.window_ns;
    report->wait_ns = action.wait_ns;
    report->window_count = last.leave - last.enter;
    report->action_count = last.end - last.begin;
    memcpy(report->hooks, last.hooks, sizeof(report->hooks));
}

void mv_hooks_reset(char refuse)
{
    memset(last.hooks, 0, sizeof(last.hooks));
    last.hook_count = 0;
    last.refuse = refuse;
}

/*
 * Called by the hooks of payloads, by this name: notes that a hook runs, and tells what it shall
 * return.
 */
int mv_hook(char letter);

__attribute__((__used__)) int mv_hook(char letter)
{
    if (last.hook_count + 1 < sizeof(last.hooks)) {
        last.hooks[last.hook_count++] = letter;
    }
    return letter == last.refuse ? -HP_ERRNO_EPERM : 0;
}
