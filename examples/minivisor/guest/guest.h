/* SPDX-License-Identifier: BSD-2-Clause */
/* What the guest's files offer each other. */
#ifndef MINIVISOR_GUEST_H
#define MINIVISOR_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hotpatch/control.h>

#include <minivisor/abi.h>

/* guest.S of the architecture: entry, hypercall, hint of a waiting loop. */
void guest_main(uint64_t id);
int64_t guest_call(uint64_t number, uint64_t a, uint64_t b, uint64_t c);
void guest_relax(void);

/* ---- library.c: the console, files, and the control interface ------------------------------- */

void print(const char *format, ...) __attribute__((__format__(__printf__, 1, 2)));
_Noreturn void finish(bool good);

/* Asks for an answer, counts and returns it. */
uint64_t ask(void);

/* Uploads a file of the archive under its own name. Returns what the hypercall returned. */
int64_t upload(const char *name);

/* Schedules an action and waits for its end, asking for answers meanwhile. timeout_ms 0: a long
 * one, since the emulator's CPUs may have to wait for those of its host. */
int64_t action(const char *name, enum hp_action_command command, uint32_t timeout_ms);

/* State of a payload: enum hp_payload_state, or a negative error number. */
int64_t state_of(const char *name);

/* Payloads that are loaded. */
int64_t list_count(void);

struct mv_report *report(void);
struct mv_guest_info *guest_info(uint32_t guest);
bool file_exists(const char *name);

/* ---- steps.c: the script's way of checking ----------------------------------------------------
 */

/* Begins a step of the transcript. */
void step(const char *title);

/* Checks one thing, and prints it when it does not hold, or always when `loud`. */
void check(bool holds, const char *format, ...) __attribute__((__format__(__printf__, 2, 3)));
void note(const char *format, ...) __attribute__((__format__(__printf__, 1, 2)));
uint32_t failures(void);

/* Checks a return value: 0 or a negative error number. */
void expect(int64_t actual, int64_t expected, const char *what);

/*
 * Waits until every guest has got 500 more answers; checks that all of them were `expected`, that
 * none was wrong or lost. From the first of these on no other answer may come.
 */
void expect_answers(uint64_t expected);

/* ---- script.c, measure.c ------------------------------------------------------------------------
 */

void run_script(void);
void run_measure(void);

#endif
