/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads that ask for the answer without pause, and count what they are told. */
#ifndef SELFPATCH_WORKERS_H
#define SELFPATCH_WORKERS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <hotpatch/host.h>
#include <hotpatch/hotpatch.h>

#include "target.h"

#define WORKERS       4
#define ANSWER_FIRST  41 /* what the process itself answers */
#define ANSWERS       6  /* 41 to 46: what some payload makes of it */
#define ANSWER_PAST   (ANSWER_FIRST + ANSWERS)
#define ROUND_CALLS   100     /* calls of answer() between two safe points */
#define WAIT_SECONDS  20      /* how long anything may take before it counts as broken */
#define POLL_INTERVAL 1000000 /* ns between two looks at what is waited for */

/* Calls of answer(), by what it returned. */
struct answers {
    unsigned long given[ANSWERS];
    unsigned long other; /* neither of the above */
};

struct worker {
    pthread_t thread;
    struct hp_port *port;
    struct hp_safepoint *safepoint;
    uint32_t cpu;      /* its number, as reports have it */
    atomic_bool ready; /* it is a CPU of the target */
    atomic_bool stuck; /* it is to pass no safe point */
    atomic_bool stop;
    atomic_ulong given[ANSWERS];
    atomic_ulong other;
    struct tally tally;
};

struct workers {
    struct worker each[WORKERS];
};

/* Starts the threads; returns when all are CPUs of the target, false when that fails. */
bool workers_start(struct workers *workers, struct hp_port *port, struct hp_safepoint *safepoint);

/* Ends the threads and waits until they are gone. */
void workers_stop(struct workers *workers);

/* Waits until each has passed the end of its loop twice; false when one does not. */
bool workers_go_round(struct workers *workers);

/* The counts of all threads, added up. */
void workers_answers(const struct workers *workers, struct answers *answers);
unsigned long workers_visits(const struct workers *workers);
unsigned long workers_audits(const struct workers *workers);

/* Waits a little, for the loops that wait for something. */
void pause_a_little(void);

#endif
