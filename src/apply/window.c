/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The window: what is done while every CPU stands still, and the mapping before and after it.
 *
 * Nothing in the window can fail but the comparison and the look through the stacks, and these come
 * before the first write. Copies
 * and comparisons are loops of this file: memcpy() may be among what is patched. SPEC section 9.
 */
#include <stddef.h>

#include "apply/capture.h"
#include "apply/handle.h"
#include "base/diag.h"

/* ---- writable views ------------------------------------------------------------------------ */

static void unmap(struct hp_payload *payload)
{
    while (payload->alias_count > 0) {
        payload->alias_count--;
        hp_port_alias_unmap(payload->port, &payload->aliases[payload->alias_count]);
    }
}

/*
 * Index into write_order after the last write of those that share pages: one view serves them all,
 * unless one is of code and the other of data, which ports map in different ways.
 */
static uint32_t run_end(const struct hp_payload *payload, uint32_t start, uint64_t page_size)
{
    uint32_t n;

    for (n = start + 1; n < payload->write_count; n++) {
        const struct hp_write *before = &payload->writes[payload->write_order[n - 1]];
        const struct hp_write *write = &payload->writes[payload->write_order[n]];
        uint64_t last_page = (before->addr + before->size - 1) & ~(page_size - 1);

        if (write->addr - last_page >= page_size || write->data != before->data) {
            break;
        }
    }
    return n;
}

static enum hp_status map(struct hp_payload *payload, uint64_t page_size, struct hp_diag *diag)
{
    uint32_t start = 0;

    payload->alias_count = 0;
    while (start < payload->write_count) {
        uint32_t end = run_end(payload, start, page_size);
        const struct hp_write *first = &payload->writes[payload->write_order[start]];
        const struct hp_write *last = &payload->writes[payload->write_order[end - 1]];
        struct hp_alias *alias = &payload->aliases[payload->alias_count];
        enum hp_status status = hp_port_alias_map(
            payload->port, first->addr, (size_t)(last->addr + last->size - first->addr), alias);

        if (status) {
            unmap(payload);
            status = hp_fail(diag, HP_STAGE_ACTION, status);
            hp_note_write(diag, first);
            return status;
        }
        payload->alias_count++;
        for (; start < end; start++) {
            struct hp_write *write = &payload->writes[payload->write_order[start]];

            write->alias = alias->host + (write->addr - alias->addr);
        }
    }
    return HP_OK;
}

void hp_window_unmap(struct hp_manager *manager)
{
    const struct hp_action *action = &manager->action;
    struct hp_payload_handle *handle = action->revert;
    uint32_t n;

    if (action->apply != NULL) {
        unmap(&action->apply->payload);
    }
    for (n = 0; n < action->revert_count; n++) {
        unmap(&handle->payload);
        handle = hp_handle_of(handle->payload.below);
    }
}

enum hp_status hp_window_map(struct hp_manager *manager, struct hp_diag *diag)
{
    const struct hp_action *action = &manager->action;
    struct hp_payload_handle *handle = action->revert;
    enum hp_status status = HP_OK;
    struct hp_target target;
    uint32_t n;

    hp_port_target(manager->port, &target);
    if (action->apply != NULL) {
        status = map(&action->apply->payload, target.page_size, diag);
    }
    for (n = 0; status == HP_OK && n < action->revert_count; n++) {
        status = map(&handle->payload, target.page_size, diag);
        handle = hp_handle_of(handle->payload.below);
    }
    if (status) {
        hp_window_unmap(manager);
    }
    return status;
}

/* ---- the window ---------------------------------------------------------------------------- */

/*
 * Code is compared and written by aligned words as far as there are any: that takes a third of the
 * instructions, and no word of code is ever half new. Volatile keeps the compiler from making calls
 * of these loops, and from leaving them out.
 */
typedef uint32_t __attribute__((__may_alias__)) word;

_Static_assert(offsetof(struct hp_write, old_bytes) % sizeof(word) == 0 &&
                   offsetof(struct hp_write, new_bytes) % sizeof(word) == 0 &&
                   offsetof(struct hp_write, now_bytes) % sizeof(word) == 0,
               "the bytes of a write can be read by words");

static word word_at(const volatile uint8_t *bytes)
{
    return *(const volatile word *)(const volatile void *)bytes;
}

/* How many of `size` bytes can be handled by words. */
static size_t whole_words(const volatile uint8_t *memory, size_t size)
{
    const size_t mask = sizeof(word) - 1;

    return ((uintptr_t)memory & mask) == 0 ? size & ~mask : 0;
}

static bool differs(const struct hp_write *write, uint64_t *addr)
{
    const volatile uint8_t *memory = write->alias;
    const size_t size = write->size;
    const size_t words = whole_words(memory, size);
    size_t n = 0;

    while (n < words && word_at(memory + n) == word_at(write->now_bytes + n)) {
        n += sizeof(word);
    }
    for (; n < size; n++) {
        if (memory[n] != write->now_bytes[n]) {
            *addr = write->addr + n;
            return true;
        }
    }
    return false;
}

/* Looks at what a payload is to write, or has written. */
static bool any_differs(const struct hp_payload *payload, bool revert, uint64_t *addr)
{
    const struct hp_write *write = payload->writes;
    const struct hp_write *const end = write + payload->write_count;

    for (; write != end; write++) {
        if ((write->was_applied != 0) == revert && differs(write, addr)) {
            return true;
        }
    }
    return false;
}

static bool is_changed(struct hp_manager *manager)
{
    const struct hp_action *action = &manager->action;
    uint64_t *addr = &manager->report.changed_addr;
    const struct hp_payload *payload = action->revert != NULL ? &action->revert->payload : NULL;
    uint32_t n;

    for (n = 0; n < action->revert_count && payload != NULL; n++) {
        if (any_differs(payload, true, addr)) {
            return true;
        }
        payload = payload->below;
    }
    return action->apply != NULL && any_differs(&action->apply->payload, false, addr);
}

/* Inline, so that nothing is saved and loaded again for each write. */
static inline void write_one(const struct hp_payload *payload, struct hp_write *write, bool revert)
{
    const uint8_t *bytes = revert ? write->old_bytes : write->new_bytes;
    volatile uint8_t *memory = write->alias;
    const size_t size = write->size;
    const size_t words = whole_words(memory, size);
    size_t n;

    for (n = 0; n < words; n += sizeof(word)) {
        *(volatile word *)(volatile void *)(memory + n) = word_at(bytes + n);
    }
    for (; n < size; n++) {
        memory[n] = bytes[n];
    }
    write->applied = !revert;
    __atomic_store_n(write->patched, write->applied, __ATOMIC_RELAXED);
    hp_port_text_sync(payload->port, write->addr, size);
}

void hp_window_write(const struct hp_payload *payload, struct hp_write *write, bool revert)
{
    write_one(payload, write, revert);
}

/* Makes all writes that are not made yet, or takes back all that are. */
static void write_all(struct hp_payload *payload, bool revert)
{
    struct hp_write *write = payload->writes;
    const struct hp_write *const end = write + payload->write_count;

    for (; write != end; write++) {
        if ((write->applied != 0) == revert) {
            write_one(payload, write, revert);
        }
    }
}

/* Calls hooks while the CPUs stand still; this one must not run on instructions fetched before. */
static int32_t call(struct hp_payload_handle *handle, enum hp_special which)
{
    if (!hp_hook_exists(handle, which)) {
        return 0;
    }
    hp_port_serialise(handle->payload.port);
    return hp_hook_call(handle, which);
}

/* Calls an apply or revert hook, which may change functions one by one meanwhile. */
static int32_t call_instead(struct hp_payload_handle *handle, enum hp_special which,
                            enum hp_action_command hook)
{
    int32_t rc;

    handle->hook = hook;
    rc = call(handle, which);
    handle->hook = HP_ACTION_NONE;
    return rc;
}

/* Puts back what a hook that failed has changed. */
static void restore(struct hp_payload *payload)
{
    uint32_t n;

    for (n = 0; n < payload->write_count; n++) {
        struct hp_write *write = &payload->writes[n];

        if (write->applied != write->was_applied) {
            hp_window_write(payload, write, write->applied != 0);
        }
    }
}

/* Reverts one payload; what its revert hook leaves is reverted after it. */
static int32_t revert_one(struct hp_payload_handle *handle)
{
    int32_t rc = call_instead(handle, HP_SPECIAL_HOOKS_REVERT, HP_ACTION_REVERT);

    if (rc != 0) {
        restore(&handle->payload);
        return rc;
    }
    write_all(&handle->payload, true);
    (void)call(handle, HP_SPECIAL_HOOKS_UNLOAD);
    return 0;
}

/* Applies one payload; its apply hook, where it has one, decides which functions. */
static int32_t apply_one(struct hp_payload_handle *handle)
{
    int32_t rc;

    (void)call(handle, HP_SPECIAL_HOOKS_LOAD);
    if (!hp_hook_exists(handle, HP_SPECIAL_HOOKS_APPLY)) {
        write_all(&handle->payload, false);
        return 0;
    }
    rc = call_instead(handle, HP_SPECIAL_HOOKS_APPLY, HP_ACTION_APPLY);
    if (rc != 0) {
        restore(&handle->payload);
        (void)call(handle, HP_SPECIAL_HOOKS_UNLOAD);
    }
    return rc;
}

enum hp_status hp_manager_window(struct hp_manager *manager)
{
    const struct hp_action *action = &manager->action;
    struct hp_payload_handle *handle = action->revert;
    int32_t rc = 0;
    uint32_t n;

    if (is_changed(manager)) {
        return HP_MEMORY_CHANGED;
    }
    if (hp_stacks_are_busy(manager)) {
        return HP_STACK_BUSY;
    }
    /* A hook can fail only where there is one payload: REPLACE is refused with such hooks. */
    for (n = 0; rc == 0 && n < action->revert_count; n++) {
        rc = revert_one(handle);
        handle = hp_handle_of(handle->payload.below);
    }
    if (rc == 0 && action->apply != NULL) {
        rc = apply_one(action->apply);
    }
    manager->report.hook_rc = rc;
    return rc == 0 ? HP_OK : HP_HOOK_FAILED;
}

/* ---- the end of an action ------------------------------------------------------------------ */

/* Moves the payloads of an action that was carried out to their new states. */
static void settle(struct hp_manager *manager)
{
    const struct hp_action *action = &manager->action;
    struct hp_payload_handle *handle;
    uint32_t n;

    for (n = 0; n < action->revert_count; n++) {
        handle = manager->top;
        manager->top = hp_handle_of(handle->payload.below);
        handle->payload.below = NULL;
        hp_handle_set_state(handle, HP_STATE_CHECKED);
    }
    if (action->apply != NULL) {
        handle = action->apply;
        handle->payload.below = manager->top != NULL ? &manager->top->payload : NULL;
        handle->was_applied = true;
        manager->top = handle;
        hp_handle_set_state(handle, HP_STATE_APPLIED);
    }
}

void hp_manager_finish(struct hp_manager *manager, enum hp_status status)
{
    struct hp_action *action = &manager->action;
    struct hp_payload_handle *handle = hp_action_subject(action);

    hp_window_unmap(manager);
    if (status == HP_OK) {
        settle(manager);
    }
    manager->report.status = status;
    hp_handle_set_status(handle, status);
    if (status == HP_HOOK_FAILED) {
        hp_handle_set_rc(handle, manager->report.hook_rc);
    }
    (void)hp_hook_call(handle, action->apply != NULL ? HP_SPECIAL_HOOKS_POSTAPPLY
                                                     : HP_SPECIAL_HOOKS_POSTREVERT);
    hp_report_publish(manager);
    hp_action_end(action);
}
