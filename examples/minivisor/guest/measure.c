/* SPDX-License-Identifier: BSD-2-Clause */
/* What actions cost by number of functions: lines for scripts/minivisor.sh --measure. */
#include "guest.h"

static const char *const payloads[] = {"bench1", "bench10", "bench100", "bench500"};

/* One action, and what the counter says of it. False when it failed. */
static bool measure(const char *name, enum hp_action_command command, const char *what)
{
    int64_t rc = action(name, command, 0);
    const struct mv_report *last = report();

    if (rc != 0) {
        print("%s of %s: %ld, %s %s\n", what, name, (long)rc, last->status, last->detail);
        return false;
    }
    print("measured %s %s %u %lu %lu\n", name, what, last->cpus, (unsigned long)last->window_count,
          (unsigned long)last->action_count);
    return true;
}

void run_measure(void)
{
    bool good = true;
    uint32_t n;

    for (n = 0; n < sizeof(payloads) / sizeof(payloads[0]); n++) {
        good = good && upload(payloads[n]) == 0 && measure(payloads[n], HP_ACTION_APPLY, "apply") &&
               measure(payloads[n], HP_ACTION_REVERT, "revert") &&
               action(payloads[n], HP_ACTION_UNLOAD, 0) == 0;
    }
    finish(good);
}
