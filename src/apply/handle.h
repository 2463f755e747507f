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
    enum hp_payload_state state;      /* atomic: set by the CPU that ends an action */
    enum hp_status status;            /* of the last action; atomic, like state */
    bool was_applied;                 /* its data may no longer be what was loaded */
    bool orphan;                      /* a payload that it refers to was unloaded */
    uint32_t other_count;             /* entries of the arrays: payloads loaded before this one */
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

/* True from the scheduling of an action until its end; what it changed is visible after false. */
static inline bool hp_manager_is_busy(const struct hp_manager *manager)
{
    return __atomic_load_n(&manager->action.busy, __ATOMIC_ACQUIRE) != 0;
}

/* The payload whose rc tells how the action ends: the one that it was asked for. */
static inline struct hp_payload_handle *hp_action_subject(const struct hp_action *action)
{
    return action->apply != NULL ? action->apply : action->revert;
}

static inline enum hp_payload_state hp_handle_state(const struct hp_payload_handle *handle)
{
    return __atomic_load_n(&handle->state, __ATOMIC_RELAXED);
}

static inline void hp_handle_set_state(struct hp_payload_handle *handle,
                                       enum hp_payload_state state)
{
    __atomic_store_n(&handle->state, state, __ATOMIC_RELAXED);
}

static inline void hp_handle_set_status(struct hp_payload_handle *handle, enum hp_status status)
{
    __atomic_store_n(&handle->status, status, __ATOMIC_RELAXED);
}

/* window.c: maps writable views of all that the scheduled action writes; none are left on error. */
HP_MUST_USE enum hp_status hp_window_map(struct hp_manager *manager, struct hp_diag *diag);

/* window.c: takes them away again. */
void hp_window_unmap(struct hp_manager *manager);

/* rendezvous.c: lets the CPUs see the scheduled action, and calls them. */
void hp_rendezvous_start(struct hp_manager *manager);

#endif
