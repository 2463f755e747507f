/* SPDX-License-Identifier: BSD-2-Clause */
/* The manager's object for one payload, and what the files of the engine share. */
#ifndef HP_APPLY_HANDLE_H
#define HP_APPLY_HANDLE_H

#include <hotpatch/load.h>
#include <hotpatch/manager.h>

/*
 * A payload with its name and state, in one allocation with the arrays at its end. Linked by
 * `next` in the order of upload; the applied ones by payload.below, from the top down.
 */
struct hp_payload_handle {
    struct hp_payload payload; /* first: a pointer to it is one to its handle */
    struct hp_payload_handle *next;
    size_t alloc_size;
    enum hp_payload_state state; /* atomic: set by the CPU that ends an action */
    enum hp_status status;       /* atomic: of the last action; not to be told during one */
    int32_t rc;                  /* the same as a negative error number, or what a hook returned */
    uint64_t sums[HP_REGION_COUNT]; /* of the text and read-only data as loaded */
    enum hp_action_command hook;    /* which hook is running in the window: APPLY, REVERT or NONE */
    bool was_applied;               /* its data may no longer be what was loaded */
    bool orphan;                    /* a payload that it refers to was unloaded */
    uint32_t other_count;           /* entries of the arrays: payloads loaded before this one */
    const struct hp_payload **others; /* NULL once unloaded */
    bool *imported;                   /* this payload refers to what that one provides */
    char name[HP_PAYLOAD_NAME_MAX];
};

/* The handle that a payload of the manager lies in. */
static inline struct hp_payload_handle *hp_handle_of(struct hp_payload *payload)
{
    return (struct hp_payload_handle *)(void *)payload;
}

/* manager.c: the payload of that name; NULL when there is none. The lock is held. */
struct hp_payload_handle *hp_manager_find(struct hp_manager *manager, const char *name);

/* Changes a link of the list of payloads, which may be walked without the lock. */
static inline void hp_handle_link(struct hp_payload_handle **link, struct hp_payload_handle *handle)
{
    __atomic_store_n(link, handle, __ATOMIC_SEQ_CST);
}

/* manager.c: what there is to know of a payload. The lock is held, or the handle kept otherwise. */
void hp_manager_describe(const struct hp_manager *manager, const struct hp_payload_handle *handle,
                         struct hp_payload_info *info);

/* True from the scheduling of an action until its end; what it changed is visible after false. */
static inline bool hp_manager_is_busy(const struct hp_manager *manager)
{
    return __atomic_load_n(&manager->action.sequence, __ATOMIC_ACQUIRE) % 2 != 0;
}

/* Takes the one slot for an action, before the published report changes. The lock is held. */
static inline void hp_action_begin(struct hp_action *action)
{
    __atomic_store_n(&action->sequence, action->sequence + 1, __ATOMIC_RELAXED);
}

/* Gives the slot back; everything that the action did is visible to whoever finds it free. */
static inline void hp_action_end(struct hp_action *action)
{
    __atomic_store_n(&action->sequence, action->sequence + 1, __ATOMIC_RELEASE);
}

static inline enum hp_payload_state hp_handle_get_state(const struct hp_payload_handle *handle)
{
    return __atomic_load_n(&handle->state, __ATOMIC_RELAXED);
}

static inline void hp_handle_set_state(struct hp_payload_handle *handle,
                                       enum hp_payload_state state)
{
    __atomic_store_n(&handle->state, state, __ATOMIC_RELAXED);
}

static inline void hp_handle_set_rc(struct hp_payload_handle *handle, int32_t rc)
{
    __atomic_store_n(&handle->rc, rc, __ATOMIC_RELAXED);
}

/* The result of an action or of its refusal. */
static inline void hp_handle_set_status(struct hp_payload_handle *handle, enum hp_status status)
{
    __atomic_store_n(&handle->status, status, __ATOMIC_RELAXED);
    hp_handle_set_rc(handle, -(int32_t)hp_status_errno(status));
}

/* What the action is about; read without the lock, too. */
static inline void hp_action_choose(struct hp_action *action, struct hp_payload_handle *apply,
                                    struct hp_payload_handle *revert)
{
    __atomic_store_n(&action->apply, apply, __ATOMIC_RELAXED);
    __atomic_store_n(&action->revert, revert, __ATOMIC_RELAXED);
}

/* The payload that the scheduled action is about. */
static inline struct hp_payload_handle *hp_action_subject(const struct hp_action *action)
{
    struct hp_payload_handle *apply = __atomic_load_n(&action->apply, __ATOMIC_RELAXED);

    return apply != NULL ? apply : __atomic_load_n(&action->revert, __ATOMIC_RELAXED);
}

/* The refusal of a payload while an action is in progress, whose own rc stays -EAGAIN. */
static inline void hp_handle_set_busy(const struct hp_manager *manager,
                                      struct hp_payload_handle *handle)
{
    if (handle != hp_action_subject(&manager->action)) {
        hp_handle_set_status(handle, HP_ACTION_BUSY);
    }
}

/* peek.c: lets the report be seen without the lock; between hp_action_begin() and its end. */
void hp_report_publish(struct hp_manager *manager);

/* attest.c: takes the sums of a payload that was just loaded. */
void hp_handle_sum(struct hp_payload_handle *handle);

/* window.c: maps writable views of all that the scheduled action writes; none are left on error. */
HP_MUST_USE enum hp_status hp_window_map(struct hp_manager *manager, struct hp_diag *diag);

/* window.c: takes them away again. */
void hp_window_unmap(struct hp_manager *manager);

/* window.c: makes or takes back one write of a payload whose writes are mapped. */
void hp_window_write(const struct hp_payload *payload, struct hp_write *write, bool revert);

/*
 * stacks.c: looks, in the window, for somebody inside a function that the action changes, and says
 * in the report where and who.
 */
bool hp_stacks_are_busy(struct hp_manager *manager);

/* rendezvous.c: lets the CPUs see the scheduled action, and calls them. */
void hp_rendezvous_start(struct hp_manager *manager);

/* Whether what a record names is patched now, from its `patched`; asked without the lock, too. */
static inline bool hp_is_patched(const uint8_t *patched)
{
    return __atomic_load_n(patched, __ATOMIC_RELAXED) != 0;
}

/* call.c: whether the payload has a hook of that kind (HP_SPECIAL_HOOKS_*). */
bool hp_hook_exists(const struct hp_payload_handle *handle, enum hp_special which);

/* call.c: calls all hooks of a kind, in order; returns what the only one of an int kind returned.
 */
int32_t hp_hook_call(struct hp_payload_handle *handle, enum hp_special which);

#endif
