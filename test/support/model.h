/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A reference model of the manager: what payloads, states, results, hooks and target memory have to
 * be after any sequence of operations, and a driver that carries out such sequences on both,
 * through the control interface, and compares them after every step.
 *
 * The model knows what SPEC sections 4, 5, 9, 10 and 12 say and nothing of how the library does it:
 * target memory, for instance, is composed anew from the list of applied payloads each time.
 * Differences end the test (or the fuzzer) by a failed assertion.
 */
#ifndef TEST_MODEL_H
#define TEST_MODEL_H

#include <stdint.h>

#define MODEL_STEP_BYTES 8

/* How often something happened, so that a test can tell that it was tested at all. */
enum model_event {
    MODEL_UPLOADED,
    MODEL_UPLOAD_REFUSED,
    MODEL_SCHEDULED,
    MODEL_ACTION_REFUSED,
    MODEL_APPLIED,
    MODEL_APPLIED_IN_PART, /* by an apply hook */
    MODEL_SPLICED,         /* applied: a payload with splices */
    MODEL_RESPLICED,       /* on another with splices at the same place */
    MODEL_REVERTED,
    MODEL_REPLACED,
    MODEL_REPLACED_SEVERAL,
    MODEL_UNLOADED,
    MODEL_TIMED_OUT,
    MODEL_NOT_HELD,
    MODEL_CHANGED,    /* memory changed between scheduling and window */
    MODEL_PRE_FAILED, /* a pre hook refused */
    MODEL_HOOK_FAILED,
    MODEL_FAULTS, /* a port call that was made to fail */
    MODEL_BUSY,
    MODEL_BAD_CALLS,
    MODEL_LISTED,
    MODEL_DENIED,
    MODEL_EVENTS
};

struct model;

/* A manager over a port of its own, and the model of it. */
struct model *model_new(void);

/* Ends what is scheduled, reverts and unloads everything, and checks that nothing is left. */
void model_free(struct model *model);

/* Carries out the operation that these bytes stand for, any bytes, and compares. */
void model_step(struct model *model, const uint8_t bytes[MODEL_STEP_BYTES]);

/* How often an event happened. */
uint64_t model_count(const struct model *model, enum model_event event);

#endif
