/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The manager: payloads by name, their states, and the actions that change running code.
 *
 *     upload      bytes -> CHECKED
 *     apply       CHECKED -> APPLIED, on top of what is applied
 *     replace     CHECKED -> APPLIED, instead of all that is applied
 *     revert      APPLIED -> CHECKED, the top only
 *     unload      CHECKED -> gone
 *
 * upload and unload do their work in the call. apply, replace and revert check everything, capture
 * what is to be written, schedule the action and return; the first CPU that passes its safe point
 * (safepoint.h) performs it. Until then the payload's rc is -EAGAIN. What can be refused is refused
 * by the call, before any CPU is disturbed; an action that was scheduled can still fail for a CPU
 * that does not come, for CPUs that come or go, or for memory that somebody else has changed.
 * Whatever fails, target memory and states are as they were.
 *
 * Every call below is made in an ordinary context: it may sleep, and takes the port's lock unless
 * it says otherwise. None may be made from a hook, a safe point or an interrupt handler.
 */
#ifndef HOTPATCH_MANAGER_H
#define HOTPATCH_MANAGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hotpatch/elf.h>
#include <hotpatch/port.h>
#include <hotpatch/profile.h>
#include <hotpatch/safepoint.h>
#include <hotpatch/sign.h>
#include <hotpatch/status.h>

#ifdef __cplusplus
extern "C" {
#endif

struct hp_payload;
struct hp_payload_handle;

#define HP_PAYLOAD_NAME_MAX 128 /* bytes of a payload's name, with NUL */

/* How long an action that asks for 0 waits for the CPUs. */
#define HP_TIMEOUT_DEFAULT_NS UINT64_C(30000000)

/* States of a payload; the numbers are those of the control ABI (SPEC section 10). */
enum hp_payload_state { HP_STATE_CHECKED = 1, HP_STATE_APPLIED = 2 };

/* Actions; the numbers are those of the control ABI. */
enum hp_action_command {
    HP_ACTION_NONE = 0,
    HP_ACTION_UNLOAD = 1,
    HP_ACTION_REVERT = 2,
    HP_ACTION_APPLY = 3,
    HP_ACTION_REPLACE = 4
};

/* Flags of an action. */
#define HP_ACTION_NODEPS UINT32_C(1) /* skip the stacking check; the target check stays */

/* Where the CPUs were when a rendezvous ended. */
enum hp_rendezvous_phase {
    HP_PHASE_NONE,   /* it was not begun */
    HP_PHASE_GATHER, /* CPUs were coming to their safe points */
    HP_PHASE_QUIET,  /* all had come, and were disabling interrupts */
    HP_PHASE_STOPPED /* all stood still: the window was entered */
};

#define HP_REPORT_CPUS 16 /* CPUs that a report names */

/* How the last action ended. */
struct hp_action_report {
    enum hp_action_command command;   /* HP_ACTION_NONE: there was none yet */
    enum hp_status status;            /* HP_ACTION_PENDING while it runs */
    char name[HP_PAYLOAD_NAME_MAX];   /* of its payload */
    enum hp_rendezvous_phase phase;   /* how far the CPUs came */
    uint32_t cpus;                    /* that had to come, the acting one not counted */
    uint32_t arrived;                 /* of these, in that phase */
    uint32_t missing[HP_REPORT_CPUS]; /* numbers of the first that had not; one that came at the
                                         very moment of the time-out may be absent */
    uint32_t missing_count;           /* numbers in missing */
    uint32_t actor;                   /* number of the CPU that performed it */
    uint64_t wait_ns;      /* from the first kick until all stood still, or the time-out */
    uint64_t window_ns;    /* that all CPUs stood still */
    int32_t hook_rc;       /* HP_HOOK_FAILED: what the hook returned */
    uint64_t changed_addr; /* HP_MEMORY_CHANGED: the first byte that was not as expected */
    uint64_t busy_addr;    /* HP_STACK_BUSY: where somebody is inside of `function` */
    uint32_t busy_cpu;     /* who: a CPU's number or HP_STACK_SLEEPS */
    char function[HP_PAYLOAD_NAME_MAX]; /* as its record has it, or of the payload to be reverted;
                                           cut to fit; empty when it has no name */
};

/* The action in progress; the library's own. */
struct hp_action {
    struct hp_payload_handle *apply;  /* to be applied; NULL: none */
    struct hp_payload_handle *revert; /* top of the stack; the first to be reverted; NULL: none */
    uint32_t revert_count;            /* payloads to be reverted, from `revert` downwards */
    uint64_t timeout_ns;
    uint32_t sequence; /* atomic: odd from scheduling until the end */
};

/*
 * A manager. Caller-owned, one for each target; the fields are the library's. It must not be moved
 * while in use.
 */
struct hp_manager {
    struct hp_safepoint
        safepoint; /* first: the slow path of the safe point finds the manager by it */
    uint32_t list_version;
    struct hp_port *port;
    const struct hp_profile *profile;
    const struct hp_keyring *keyring;
    const struct hp_signature_policy *policy;
    struct hp_payload_handle *first; /* loaded payloads, in the order of their upload */
    struct hp_payload_handle *last;
    struct hp_payload_handle *top; /* the one applied last */
    uint32_t loaded_count;
    uint32_t cpu_limit;
    uint32_t peekers;  /* atomic: CPUs that walk the list without the lock */
    bool walks_stacks; /* the target has HP_TARGET_STACKS */
    bool needs_stacks;
    uint32_t *arrived; /* by CPU: generation and phase in which it arrived last */
    struct hp_action action;
    struct hp_action_report report; /* of the action in progress, or of the last one */
    uint32_t published[sizeof(struct hp_action_report) / sizeof(uint32_t)]; /* atomic: the last */
};

/* Options of a manager. Zero everything, set `size`, then set what is wanted. */
struct hp_manager_options {
    size_t size;                      /* sizeof(struct hp_manager_options) */
    const struct hp_profile *profile; /* limits and rules; NULL: hp_profile_default */
    /*
     * Whose payloads are accepted, and which. Both outlive the manager and change only while no
     * upload is in progress. Without a policy an unsigned payload loads; a signed one has to verify
     * in any case, so without a key ring none does.
     */
    const struct hp_keyring *keyring;         /* NULL: no keys */
    const struct hp_signature_policy *policy; /* NULL: all defaults */
    bool needs_stacks; /* refuse every action when the target cannot walk stacks */
};

/*
 * Prepares a manager. To be done before any CPU passes its safe point.
 *
 *   manager  receives it
 *   port     of the target; must outlive the manager
 *   options  NULL: all defaults
 *
 * Returns HP_OK, HP_INVALID_ARGUMENT or HP_NO_MEMORY (one hp_port_alloc() of four bytes for each
 * CPU number). Takes no lock.
 */
HP_MUST_USE enum hp_status hp_manager_init(struct hp_manager *manager, struct hp_port *port,
                                           const struct hp_manager_options *options);

/*
 * Unloads everything and gives all memory back. To be done when no CPU passes its safe point any
 * more.
 *
 * Returns HP_OK, HP_ACTION_BUSY, or HP_ACTION_STATE when a payload is applied; nothing has changed
 * then.
 */
HP_MUST_USE enum hp_status hp_manager_close(struct hp_manager *manager);

/*
 * Loads a payload from a private copy of its bytes and gives it a name.
 *
 *   name  1 to 127 bytes and NUL; copied
 *   data  the payload file; only read, once, into memory of hp_port_alloc() that only the library
 *         knows; may change meanwhile: what is verified is what is loaded
 *   size  bytes at data
 *   diag  says what was wrong; may be NULL
 *
 * Returns HP_OK, HP_PAYLOAD_NAME, HP_PAYLOAD_EXISTS, HP_FILE_EMPTY, HP_FILE_TOO_LARGE,
 * HP_NO_MEMORY, or any status of hp_payload_load(). Nothing has changed on error. Source: SPEC
 * section 7.
 */
HP_MUST_USE enum hp_status hp_manager_upload(struct hp_manager *manager, const char *name,
                                             const void *data, size_t size, struct hp_diag *diag);

/* Options of an action. Zero everything, set `size`, then set what is wanted. */
struct hp_action_options {
    size_t size;         /* sizeof(struct hp_action_options) */
    uint64_t timeout_ns; /* for each CPU to come and disable interrupts; 0: the default */
    uint32_t flags;      /* HP_ACTION_NODEPS */
};

/*
 * Schedules that a payload is applied: its writes are made on top of those of the payloads applied
 * before.
 *
 *   name     of a payload that is CHECKED
 *   options  NULL: all defaults
 *   diag     says what was wrong; may be NULL
 *
 * Returns HP_OK when it is scheduled: hp_manager_get() tells the end of it. Or HP_INVALID_ARGUMENT,
 * HP_PAYLOAD_UNKNOWN, HP_ACTION_BUSY, HP_ACTION_STATE (it is applied), HP_ACTION_FLAGS,
 * HP_SPECIAL_UNSUPPORTED (hooks, and the target is not live), HP_HOOK_FAILED (the pre hook refused:
 * diag->actual is what it returned), HP_REAPPLY, HP_DEPENDS_BUILD_ID, HP_PROVIDER_MISSING,
 * HP_STACK_UNKNOWN, HP_PATCH_STACKING, HP_ALIAS_MAP, HP_MEMORY_CHANGED (it changed while it was
 * looked at), or any status of hp_plan_capture(). The refusal of a known payload becomes its rc,
 * but for HP_INVALID_ARGUMENT, and for HP_ACTION_BUSY where the action in progress is its own.
 * Source: SPEC sections 5, 9, 10.
 */
HP_MUST_USE enum hp_status hp_manager_apply(struct hp_manager *manager, const char *name,
                                            const struct hp_action_options *options,
                                            struct hp_diag *diag);

/*
 * Schedules that all applied payloads are reverted and this one is applied, in one window.
 *
 * As hp_manager_apply(), but: the payload's depends note must name the target, whatever the flags
 * say; it must not use symbols of other payloads; expectations and old bytes are those that the
 * target has without any payload; and neither it nor any applied payload may have a hook other than
 * load and unload (HP_ACTION_HOOKS).
 */
HP_MUST_USE enum hp_status hp_manager_replace(struct hp_manager *manager, const char *name,
                                              const struct hp_action_options *options,
                                              struct hp_diag *diag);

/*
 * Schedules that a payload is reverted: the bytes that it replaced are put back.
 *
 * Returns as hp_manager_apply() does; HP_ACTION_STATE when the payload is not applied,
 * HP_ACTION_NOT_TOP when another was applied after it, HP_MEMORY_CHANGED when somebody else has
 * overwritten what it wrote.
 */
HP_MUST_USE enum hp_status hp_manager_revert(struct hp_manager *manager, const char *name,
                                             const struct hp_action_options *options,
                                             struct hp_diag *diag);

/*
 * Forgets a payload that is not applied and gives its memory back. Payloads that use its symbols
 * can not be applied any more.
 *
 * Returns HP_OK, HP_PAYLOAD_UNKNOWN, HP_ACTION_BUSY (an action is scheduled), HP_ACTION_STATE (it
 * is applied).
 */
HP_MUST_USE enum hp_status hp_manager_unload(struct hp_manager *manager, const char *name,
                                             struct hp_diag *diag);

/* What there is to know of a loaded payload. */
struct hp_payload_info {
    char name[HP_PAYLOAD_NAME_MAX];
    enum hp_payload_state state;
    enum hp_status status; /* of its last action; HP_ACTION_PENDING while that runs */
    int32_t rc;            /* the same for the control ABI: 0 or a negative error number */
    uint64_t addr;         /* where it is loaded */
    size_t size;           /* bytes there */
    const struct hp_payload *payload; /* as loaded; valid until it is unloaded */
};

/* Describes one payload. Returns HP_OK or HP_PAYLOAD_UNKNOWN. */
HP_MUST_USE enum hp_status hp_manager_get(struct hp_manager *manager, const char *name,
                                          struct hp_payload_info *info);

/*
 * Describes the payload at a place of the list, in the order of upload.
 *
 *   index    0 and up
 *   version  receives the version of the list, which changes with every upload and unload: entries
 *            read under one version are one list; may be NULL
 *
 * Returns HP_OK, or HP_PAYLOAD_UNKNOWN past the end.
 */
HP_MUST_USE enum hp_status hp_manager_list(struct hp_manager *manager, uint32_t index,
                                           struct hp_payload_info *info, uint32_t *version);

/*
 * Says how the last action ended, or that it has not: then only command, status and name are set.
 */
void hp_manager_report(struct hp_manager *manager, struct hp_action_report *report);

/*
 * Compares memory with what it should be: all writes of the applied payloads byte by byte, and the
 * text and read-only data of all loaded ones, patches on them undone, by a sum that was taken when
 * they were loaded; and the second trampolines. It finds what went wrong; the sum keeps no secret
 * from somebody who can write to this memory.
 *
 *   diag  names the first difference: the payload; and of a write or a "second trampoline" the
 *         record, the offset in it and the two bytes, of an image the region ("text" or "read-only
 *         data"). May be NULL
 *
 * Returns HP_OK, HP_ACTION_BUSY, HP_TARGET_READ or HP_MEMORY_CHANGED.
 */
HP_MUST_USE enum hp_status hp_manager_attest(struct hp_manager *manager, struct hp_diag *diag);

/* ---- for debuggers ------------------------------------------------------------------------- */

/*
 * These three take no lock and wait for nobody, so that they work from an NMI handler, a debug key
 * or a crash path, whatever the other CPUs are doing. What they tell is as of some moment during
 * the call; payloads that come and go between two calls shift the indexes.
 */

/* Describes the payload at a place of the list. Returns HP_OK, or HP_PAYLOAD_UNKNOWN past the end.
 */
HP_MUST_USE enum hp_status hp_manager_peek(struct hp_manager *manager, uint32_t index,
                                           struct hp_payload_info *info);

/* A function of a payload, as hp_manager_peek_function() tells it. */
struct hp_function_info {
    char name[HP_PAYLOAD_NAME_MAX]; /* as its record has it, cut to fit; empty when it has none */
    uint64_t old_addr;
    uint64_t new_addr; /* 0: NOPs */
    bool applied;
};

/*
 * Describes a function record of the payload at a place of the list.
 *
 * Returns HP_OK, or HP_PAYLOAD_UNKNOWN past the end of the list or of its records.
 */
HP_MUST_USE enum hp_status hp_manager_peek_function(struct hp_manager *manager, uint32_t index,
                                                    uint32_t record, struct hp_function_info *info);

/*
 * Says how the last action ended. Returns false, with report->status HP_ACTION_PENDING and nothing
 * else, while one is in progress.
 */
bool hp_manager_peek_report(struct hp_manager *manager, struct hp_action_report *report);

/* ---- for fault handlers and back-traces ----------------------------------------------------- */

/*
 * These look through all loaded payloads, applied or not, since hooks run before a payload is
 * applied and after it was. Like the three above they take no lock and wait for nobody: they can be
 * called from the handler of any exception, also of one in a hook, and from an NMI. A payload
 * whose code is executing is not unloaded meanwhile; the answer about another one may be out of
 * date when it is used.
 */

/*
 * Finds where to go on after an instruction has faulted: for the fault handler, when the target's
 * own exception table has no entry.
 *
 *   addr   of the instruction that faulted
 *   fixup  receives the address of its fix-up
 *
 * Returns false when no payload has an entry for it. Source: SPEC section 6.
 */
bool hp_manager_fixup(struct hp_manager *manager, uint64_t addr, uint64_t *fixup);

struct hp_bug_frame; /* load.h */

/*
 * Finds the bug frame of an instruction that trapped: for the trap handler, when the target has
 * none for it. Returns false when no payload has one, either. Source: SPEC section 6.
 */
bool hp_manager_bug_frame(struct hp_manager *manager, uint64_t addr, struct hp_bug_frame *frame);

/* A place in the text of a payload, as hp_manager_symbol_at() tells it. */
struct hp_symbol_info {
    char payload[HP_PAYLOAD_NAME_MAX]; /* name of the payload */
    char name[HP_PAYLOAD_NAME_MAX];    /* of the function, cut to fit; empty when it has none */
    uint64_t offset;                   /* bytes from its start; without a name, of the payload's */
    uint64_t size;                     /* its bytes; without a name, the payload's */
};

/*
 * Names a place in the text of a payload: for back-traces. Of a return address look up the byte
 * before it, which is in the function that called.
 *
 * Returns false when no payload has text there.
 */
bool hp_manager_symbol_at(struct hp_manager *manager, uint64_t addr, struct hp_symbol_info *info);

/* ---- for ports with a stop_machine of their own ---------------------------------------------- */

/*
 * A port that can stop all CPUs by itself uses these three in place of hp_safe_point(): its
 * hp_port_cpus_kick() makes some CPU call hp_manager_claim(); if that returns true, that CPU stops
 * the others with interrupts off everywhere, calls hp_manager_window(), lets all CPUs go on after
 * each has serialised, and calls hp_manager_finish(). When it cannot stop them it calls
 * hp_manager_finish() with HP_RENDEZVOUS_TIMEOUT or HP_CPUS_NOT_HELD alone.
 */

/* Takes the scheduled action. Returns false when there is none. Any context; takes no lock. */
bool hp_manager_claim(struct hp_manager *manager);

/*
 * Compares all that is to be written over with what was captured, looks through the stacks where
 * the port can walk them, writes it all and makes it visible to the instruction fetch. A
 * difference, or a function in use, writes nothing. Runs the load, unload, apply and revert hooks.
 *
 * Returns HP_OK, HP_MEMORY_CHANGED, HP_STACK_BUSY or HP_HOOK_FAILED: the caller passes it to
 * hp_manager_finish(). Context: window.
 */
HP_MUST_USE enum hp_status hp_manager_window(struct hp_manager *manager);

/* Ends the action with a status; runs its post hook. Context: safe point, CPUs running again. */
void hp_manager_finish(struct hp_manager *manager, enum hp_status status);

#ifdef __cplusplus
}
#endif

#endif
