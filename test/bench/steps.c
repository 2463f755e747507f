/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counts instructions, one by one: a child process executes the work, stepped by its parent. That
 * repeats exactly, whatever else the machine does.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

/* Waits until the child stops, and says by which signal. */
static int wait_for_stop(pid_t child)
{
    int status;

    if (waitpid(child, &status, 0) != child) {
        fail("waitpid");
    }
    if (!WIFSTOPPED(status)) {
        fprintf(stderr, "the stepped process ended with status 0x%x\n", (unsigned int)status);
        exit(1);
    }
    return WSTOPSIG(status);
}

/* Steps the child from the stop it is at to its next SIGSTOP. */
static uint64_t step_to_stop(pid_t child)
{
    uint64_t count = 0;

    do {
        if (ptrace(PTRACE_SINGLESTEP, child, NULL, NULL) != 0) {
            fail("ptrace");
        }
        count++;
    } while (wait_for_stop(child) == SIGTRAP);
    return count;
}

static void nothing(void *data)
{
    (void)data;
}

/* Twice between stops: nothing, and the work; the call and the stop are the same in both. */
static _Noreturn void run_child(void (*work)(void *), void *data)
{
    void (*volatile calls[2])(void *) = {nothing, work};
    int n;

    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) {
        _exit(1);
    }
    (void)kill(getpid(), SIGSTOP);
    for (n = 0; n < 2; n++) {
        calls[n](data);
        (void)kill(getpid(), SIGSTOP);
    }
    _exit(0);
}

uint64_t bench_count(void (*work)(void *), void *data)
{
    pid_t child = fork();
    uint64_t empty;
    uint64_t full;

    if (child < 0) {
        fail("fork");
    }
    if (child == 0) {
        run_child(work, data);
    }
    (void)wait_for_stop(child);
    empty = step_to_stop(child);
    full = step_to_stop(child);
    (void)kill(child, SIGKILL);
    (void)waitpid(child, NULL, 0);
    return full - empty;
}
