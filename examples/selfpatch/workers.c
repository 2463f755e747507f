/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The threads. To the library they are CPUs: each is attached to the port, and passes its safe
 * point once a round, where it is inside no function that a payload changes and holds no lock.
 */
#include "workers.h"

#include <string.h>
#include <time.h>

void audit(struct tally *tally)
{
    atomic_fetch_add_explicit(&tally->audits, 1, memory_order_relaxed);
}

static void count(struct worker *worker, int value)
{
    bool known = value >= ANSWER_FIRST && value < ANSWER_PAST;
    atomic_ulong *counter = known ? &worker->given[value - ANSWER_FIRST] : &worker->other;

    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

static void *work(void *data)
{
    struct worker *worker = data;
    int n;

    worker->cpu = HP_HOST_ANY_CPU;
    if (hp_host_cpu_attach(worker->port, &worker->cpu) != HP_OK) {
        return NULL; /* workers_start() notices that it does not become ready */
    }
    atomic_store(&worker->ready, true);
    while (!atomic_load(&worker->stop)) {
        for (n = 0; n < ROUND_CALLS; n++) {
            count(worker, ask(OPERATION_ANSWER));
        }
        visit(&worker->tally);
        if (!atomic_load(&worker->stuck)) {
            hp_safe_point(worker->safepoint);
        }
    }
    /* From here on it executes nothing that a payload may change, so that nobody need wait for it.
     */
    hp_host_cpu_detach(worker->port);
    return NULL;
}

void pause_a_little(void)
{
    const struct timespec interval = {0, POLL_INTERVAL};

    (void)nanosleep(&interval, NULL);
}

static bool wait_ready(const struct worker *worker)
{
    time_t end = time(NULL) + WAIT_SECONDS;

    while (!atomic_load(&worker->ready) && time(NULL) < end) {
        pause_a_little();
    }
    return atomic_load(&worker->ready);
}

bool workers_start(struct workers *workers, struct hp_port *port, struct hp_safepoint *safepoint)
{
    int n;

    memset(workers, 0, sizeof(*workers));
    for (n = 0; n < WORKERS; n++) {
        struct worker *worker = &workers->each[n];

        worker->port = port;
        worker->safepoint = safepoint;
        if (pthread_create(&worker->thread, NULL, work, worker) != 0 || !wait_ready(worker)) {
            return false;
        }
    }
    return true;
}

void workers_stop(struct workers *workers)
{
    int n;

    for (n = 0; n < WORKERS; n++) {
        atomic_store(&workers->each[n].stop, true);
    }
    for (n = 0; n < WORKERS; n++) {
        (void)pthread_join(workers->each[n].thread, NULL);
    }
}

/* Twice, since the first time may be the end of a round that began before. */
bool workers_go_round(struct workers *workers)
{
    time_t end = time(NULL) + WAIT_SECONDS;
    unsigned long seen[WORKERS];
    int n;

    for (n = 0; n < WORKERS; n++) {
        seen[n] = atomic_load(&workers->each[n].tally.visits);
    }
    for (n = 0; n < WORKERS; n++) {
        while (atomic_load(&workers->each[n].tally.visits) - seen[n] < 2) {
            if (time(NULL) >= end) {
                return false;
            }
            pause_a_little();
        }
    }
    return true;
}

void workers_answers(const struct workers *workers, struct answers *answers)
{
    int value;
    int n;

    memset(answers, 0, sizeof(*answers));
    for (n = 0; n < WORKERS; n++) {
        for (value = 0; value < ANSWERS; value++) {
            answers->given[value] += atomic_load(&workers->each[n].given[value]);
        }
        answers->other += atomic_load(&workers->each[n].other);
    }
}

unsigned long workers_visits(const struct workers *workers)
{
    unsigned long sum = 0;
    int n;

    for (n = 0; n < WORKERS; n++) {
        sum += atomic_load(&workers->each[n].tally.visits);
    }
    return sum;
}

unsigned long workers_audits(const struct workers *workers)
{
    unsigned long sum = 0;
    int n;

    for (n = 0; n < WORKERS; n++) {
        sum += atomic_load(&workers->each[n].tally.audits);
    }
    return sum;
}
