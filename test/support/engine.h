/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A manager over the unit tests' port, and payloads for it: what tests of the engine have in
 * common. Everything is checked with cmocka's assertions.
 */
#ifndef TEST_ENGINE_H
#define TEST_ENGINE_H

#include <hotpatch/hotpatch.h>

#include "test_port.h"

/* Functions of the target, "f0" and on; EN_STEP bytes apart from EN_FUNCTIONS on, as long each. */
#define EN_FUNCTIONS    (TP_TEXT + 0x2000)
#define EN_STEP         64u
#define EN_FUNCTION_MAX 200u
#define EN_FUNCTION(n)  (EN_FUNCTIONS + (uint64_t)(n)*EN_STEP)

/*
 * The target's hypercall table: read-only pointers, the nth to the function f<n>. It is in a page
 * of its own behind the text.
 */
#define EN_TABLE         (TP_TEXT + TP_TEXT_SIZE)
#define EN_TABLE_ENTRIES 64u

/* Hooks by the letter that a call of theirs leaves in the log. */
#define EN_LOAD       (1u << HP_SPECIAL_HOOKS_LOAD)       /* L */
#define EN_UNLOAD     (1u << HP_SPECIAL_HOOKS_UNLOAD)     /* U */
#define EN_PREAPPLY   (1u << HP_SPECIAL_HOOKS_PREAPPLY)   /* a */
#define EN_APPLY      (1u << HP_SPECIAL_HOOKS_APPLY)      /* A */
#define EN_POSTAPPLY  (1u << HP_SPECIAL_HOOKS_POSTAPPLY)  /* p */
#define EN_PREREVERT  (1u << HP_SPECIAL_HOOKS_PREREVERT)  /* r */
#define EN_REVERT     (1u << HP_SPECIAL_HOOKS_REVERT)     /* R */
#define EN_POSTREVERT (1u << HP_SPECIAL_HOOKS_POSTREVERT) /* v */
#define EN_ALL_HOOKS                                                                               \
    (EN_LOAD | EN_UNLOAD | EN_PREAPPLY | EN_APPLY | EN_POSTAPPLY | EN_PREREVERT | EN_REVERT |      \
     EN_POSTREVERT)

/* A payload to be made. Zero is the default of every field. */
struct en_payload {
    uint8_t id;                      /* first byte of its build-id, 20 bytes that count up */
    uint8_t on;                      /* id of the payload that it stacks on; 0: the target */
    bool no_target_id;               /* version 1, without .livepatch.xen_depends */
    uint32_t first;                  /* function that its first record patches */
    uint32_t functions;              /* number of records, for as many functions in a row */
    uint64_t old_addr;               /* patch this address instead; with functions 1 */
    bool nop;                        /* NOP out four bytes instead of jumping */
    uint8_t expect;                  /* expect this byte at the first function's start; 0: none */
    const struct eb_splice *splices; /* those that are not of bytes lead to "spliced", a function
                                        of the payload */
    uint32_t splice_count;
    unsigned hooks;      /* EN_* */
    bool data;           /* has .data */
    bool rodata;         /* has .rodata */
    const char *imports; /* refer to this symbol */
    const char *exports; /* define this symbol, a function */
};

struct en {
    struct hp_port *port;
    struct hp_manager manager;
    struct hp_diag diag;
    uint8_t before[TP_TEXT_SIZE]; /* the target's text to begin with */
    char log[64];                 /* letters of hooks */
    int hook_rc[HP_SPECIAL_COUNT];
    int hook_seen_state[HP_SPECIAL_COUNT]; /* what the hook's handle told */
    int hook_seen_rc[HP_SPECIAL_COUNT];
    void (*in_hook)(struct en *en, enum hp_special which, struct hp_payload_handle *handle);
};

/* The port's on_hook, for a struct en in port->data: keeps the log. */
int en_on_hook(struct hp_port *port, uint64_t addr, struct hp_payload_handle *handle);

/* As cmocka wants them: one struct en. Teardown asserts that nothing of it is left in use. */
int en_setup(void **state);
int en_teardown(void **state);

/* The payload's file, malloc'ed. */
uint8_t *en_file(const struct en_payload *payload, size_t *size);

/* Uploads; what it was made of is overwritten and freed. */
enum hp_status en_upload(struct en *en, const char *name, const struct en_payload *payload);

/* Schedule with default options; the diagnostics are in en->diag. */
enum hp_status en_apply(struct en *en, const char *name);
enum hp_status en_replace(struct en *en, const char *name);
enum hp_status en_revert(struct en *en, const char *name);

/* Lets this CPU pass its safe point. */
void en_safe_point(struct en *en);

/* Schedule, pass the safe point, and assert that all went well. */
void en_do_apply(struct en *en, const char *name);
void en_do_replace(struct en *en, const char *name);
void en_do_revert(struct en *en, const char *name);

/* Asserts state, status and (by the status' own number) rc of a payload. */
void en_assert(struct en *en, const char *name, enum hp_payload_state state, enum hp_status status);
void en_assert_rc(struct en *en, const char *name, enum hp_payload_state state,
                  enum hp_status status, int32_t rc);

/* Asserts how the last action ended. */
void en_assert_report(struct en *en, enum hp_action_command command, enum hp_status status,
                      enum hp_rendezvous_phase phase);

/* Asserts whether a function of the target is patched, by a look at its first byte. */
void en_assert_patched(const struct en *en, uint32_t function, bool patched);

/* Asserts that the target's text is what it was to begin with. */
void en_assert_untouched(const struct en *en);

/* Asserts that hooks were called in this order since the last time, and forgets it. */
void en_assert_log(struct en *en, const char *in_order);

#endif
