/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the process does that payloads change. Payloads include this header too: they are compiled
 * against the declarations that their target was compiled with.
 */
#ifndef SELFPATCH_TARGET_H
#define SELFPATCH_TARGET_H

#include <stdatomic.h>

/* What one thread has counted: only that thread writes it, others look. */
struct tally {
    atomic_ulong visits;
    atomic_ulong audits;
};

/* The answer, which is wrong: it should be one more. Patched by most of the payloads. */
int answer(void);

/* What threads ask for, by number, as guests make hypercalls: by a read-only table of functions. */
enum operation { OPERATION_QUESTION, OPERATION_ANSWER, OPERATIONS };
int ask(enum operation operation);

/* Counts a visit, and has it audited, which costs time and is not needed. */
void visit(struct tally *tally);

/* In another file than visit(), so that there is a call to be turned into NOPs. */
void audit(struct tally *tally);

/* Where hooks of a payload ran. */
enum hook_place {
    HOOK_PREAPPLY,
    HOOK_LOAD,
    HOOK_POSTAPPLY,
    HOOK_PREREVERT,
    HOOK_UNLOAD,
    HOOK_POSTREVERT,
    HOOK_PLACES
};

/* Called by hooks of a payload. */
void hook_ran(enum hook_place place);

#endif
