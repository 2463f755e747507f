/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scheduling of actions: everything that can be refused is refused here, everything that the window
 * needs is captured here. SPEC sections 5, 9 and 10.
 */
#include <string.h>

#include "apply/capture.h"
#include "apply/handle.h"
#include "base/diag.h"
#include "base/span.h"

/* One request, as its checks see it. */
struct request {
    struct hp_manager *manager;
    struct hp_payload_handle *handle;
    enum hp_action_command command;
    const struct hp_action_options *options;
    struct hp_diag *diag;
};

static enum hp_status refuse(const struct request *request, enum hp_status status)
{
    return hp_fail(request->diag, HP_STAGE_ACTION, status);
}

static void note_payload(const struct request *request, const struct hp_payload_handle *handle)
{
    hp_note_symbol(request->diag, HP_NO_INDEX, handle->name, sizeof(handle->name) - 1);
}

/* Hooks that REPLACE cannot honour: it has no place for their refusal, or for their counterpart. */
static enum hp_status check_replace_hooks(const struct request *request)
{
    struct hp_payload_handle *handle = request->handle;
    uint32_t n = 0;

    for (;;) {
        uint32_t which;

        for (which = HP_SPECIAL_HOOKS_PREAPPLY; which <= HP_HOOK_LAST; which++) {
            if (hp_hook_exists(handle, (enum hp_special)which)) {
                enum hp_status status = refuse(request, HP_ACTION_HOOKS);

                hp_note_section(request->diag, HP_NO_INDEX,
                                hp_special_name((enum hp_special)which));
                note_payload(request, handle);
                return status;
            }
        }
        if (n == request->manager->action.revert_count) {
            return HP_OK;
        }
        handle = n == 0 ? request->manager->top : hp_handle_of(handle->payload.below);
        n++;
    }
}

static enum hp_status check_hooks(const struct request *request)
{
    struct hp_target target;
    uint32_t which;

    hp_port_target(request->manager->port, &target);
    for (which = HP_HOOK_FIRST; which <= HP_HOOK_LAST && (target.flags & HP_TARGET_LIVE) == 0;
         which++) {
        if (hp_hook_exists(request->handle, (enum hp_special)which)) {
            enum hp_status status = refuse(request, HP_SPECIAL_UNSUPPORTED);

            hp_note_section(request->diag, HP_NO_INDEX, hp_special_name((enum hp_special)which));
            return status;
        }
    }
    return request->command == HP_ACTION_REPLACE ? check_replace_hooks(request) : HP_OK;
}

/* Whether depends names what the payload will lie on. */
static enum hp_status check_stacking(const struct request *request)
{
    const struct hp_payload *payload = &request->handle->payload;
    const struct hp_payload *top = NULL;

    if (request->command == HP_ACTION_APPLY) {
        bool nodeps = (request->options->flags & HP_ACTION_NODEPS) != 0;

        if (nodeps && payload->xen_depends.size > 0) {
            return HP_OK;
        }
        /* Without xen_depends it is the stacking that ties the payload to the target. */
        if (!nodeps && request->manager->top != NULL) {
            top = &request->manager->top->payload;
        }
    }
    return hp_payload_stacks_on(payload, &top, top != NULL ? 1 : 0, request->diag);
}

/* What the payload refers to must stay: it lies below, or must not be needed at all. */
static enum hp_status check_providers(const struct request *request)
{
    const struct hp_payload_handle *handle = request->handle;
    uint32_t n;

    if (handle->orphan) {
        return refuse(request, HP_PROVIDER_MISSING);
    }
    for (n = 0; n < handle->other_count; n++) {
        const struct hp_payload_handle *other = (const void *)handle->others[n];

        if (handle->imported[n] && (request->command == HP_ACTION_REPLACE ||
                                    hp_handle_get_state(other) != HP_STATE_APPLIED)) {
            enum hp_status status = refuse(request, HP_PROVIDER_MISSING);

            note_payload(request, other);
            return status;
        }
    }
    return HP_OK;
}

/* The applied payload of that build-id, from `from` downwards. */
static const struct hp_payload *find_below(const struct hp_payload *from, struct hp_span build_id)
{
    while (from != NULL && (from->build_id.size != build_id.size ||
                            memcmp(from->build_id.data, build_id.data, build_id.size) != 0)) {
        from = from->below;
    }
    return from;
}

/* Whether a write falls on what an applied payload has written, or on what it consists of. */
static bool touches(const struct hp_write *write, const struct hp_payload *below)
{
    const struct hp_image_memory *image = &below->image.memory;

    return hp_memory_write_into(below, write->addr, write->addr + write->size) != NULL ||
           (write->addr < image->addr + image->size && write->addr + write->size > image->addr);
}

/*
 * With NODEPS a payload may lie on others than those that it was made for: it must touch neither
 * them nor what they have changed. `chain` is what it was made for, directly or through others.
 */
static enum hp_status check_overlap(const struct request *request)
{
    const struct hp_payload *payload = &request->handle->payload;
    struct hp_payload *below = &request->manager->top->payload;
    const struct hp_payload *chain = find_below(below, payload->depends);

    for (; below != NULL; below = below->below) {
        uint32_t n;

        if (below == chain) {
            chain = find_below(below->below, below->depends);
            continue;
        }
        for (n = 0; n < payload->write_count; n++) {
            const struct hp_write *write = &payload->writes[n];

            if (touches(write, below)) {
                enum hp_status status = hp_fail_numbers(request->diag, HP_STAGE_ACTION,
                                                        HP_PATCH_STACKING, 0, write->addr);

                hp_note_write(request->diag, write);
                note_payload(request, hp_handle_of(below));
                return status;
            }
        }
    }
    return HP_OK;
}

/* Second trampolines are nobody's to patch, whatever the port says. */
static enum hp_status check_islands(const struct request *request)
{
    const struct hp_payload_handle *other;

    for (other = request->manager->first; other != NULL; other = other->next) {
        const struct hp_image_memory *memory = &other->payload.islands;
        const struct hp_write *write = hp_memory_write_into(&request->handle->payload, memory->addr,
                                                            memory->addr + memory->size);

        if (write != NULL) {
            enum hp_status status = hp_fail_numbers(request->diag, HP_STAGE_ACTION, HP_PATCH_DENIED,
                                                    write->size, write->addr);

            hp_note_write(request->diag, write);
            note_payload(request, other);
            return status;
        }
    }
    return HP_OK;
}

/* No write may lie in a payload that could be unloaded while this one is applied. */
static enum hp_status check_hosts(const struct request *request)
{
    const struct hp_payload_handle *other;

    for (other = request->manager->first; other != NULL; other = other->next) {
        const struct hp_image_memory *memory = &other->payload.image.memory;
        const struct hp_write *write;

        if (request->command == HP_ACTION_APPLY && hp_handle_get_state(other) == HP_STATE_APPLIED) {
            continue;
        }
        write = hp_memory_write_into(&request->handle->payload, memory->addr,
                                     memory->addr + memory->size);
        if (write != NULL) {
            enum hp_status status = refuse(request, HP_PROVIDER_MISSING);

            hp_note_write(request->diag, write);
            note_payload(request, other);
            return status;
        }
    }
    return HP_OK;
}

static enum hp_status fail_changed(const struct request *request, const struct hp_write *write,
                                   uint32_t n, uint8_t expected, uint8_t actual)
{
    enum hp_status status =
        hp_fail_numbers(request->diag, HP_STAGE_ACTION, HP_MEMORY_CHANGED, expected, actual);

    hp_note_write(request->diag, write);
    hp_note_offset(request->diag, n);
    return status;
}

/*
 * Reads what stands where the payload writes now, for the comparison in the window. What stands
 * there in `memory` must be what the payload wrote, or, before it is applied, what its plan found:
 * the plan was read at another moment.
 */
static enum hp_status read_now(const struct request *request, struct hp_payload *payload,
                               const struct hp_memory *memory, bool is_applied)
{
    uint32_t n;

    for (n = 0; n < payload->write_count; n++) {
        struct hp_write *write = &payload->writes[n];
        const uint8_t *expected = is_applied ? write->new_bytes : write->old_bytes;
        uint8_t bytes[HP_WRITE_MAX];
        enum hp_status status;
        uint32_t i;

        write->was_applied = write->applied;
        if ((write->applied != 0) != is_applied) {
            continue; /* an apply hook has left it out */
        }
        status = hp_port_target_read(payload->port, write->addr, write->now_bytes, write->size);
        if (status) {
            status = refuse(request, status);
            hp_note_write(request->diag, write);
            return status;
        }
        memcpy(bytes, write->now_bytes, write->size);
        hp_memory_overlay(memory, write->addr, bytes, write->size);
        for (i = 0; i < write->size; i++) {
            if (bytes[i] != expected[i]) {
                return fail_changed(request, write, i, expected[i], bytes[i]);
            }
        }
    }
    return HP_OK;
}

/* Captures what is reverted, top first. */
static enum hp_status capture_reverts(const struct request *request)
{
    const struct hp_action *action = &request->manager->action;
    struct hp_payload_handle *handle = action->revert;
    uint32_t n;

    for (n = 0; n < action->revert_count; n++) {
        const struct hp_memory memory = {
            .port = request->manager->port, .undone = &action->revert->payload, .undone_count = n};
        enum hp_status status = read_now(request, &handle->payload, &memory, true);

        if (status) {
            note_payload(request, handle);
            return status;
        }
        handle = hp_handle_of(handle->payload.below);
    }
    return HP_OK;
}

static enum hp_status check_apply(const struct request *request)
{
    const struct hp_payload_handle *handle = request->handle;
    enum hp_status status;

    if (handle->was_applied && !handle->payload.safe_to_reapply) {
        return refuse(request, HP_REAPPLY);
    }
    status = check_stacking(request);
    if (status == HP_OK) {
        status = check_providers(request);
    }
    if (status == HP_OK) {
        status = check_hooks(request);
    }
    return status;
}

static enum hp_status capture_apply(const struct request *request)
{
    struct hp_payload *payload = &request->handle->payload;
    const struct hp_action *action = &request->manager->action;
    const struct hp_memory memory = {.port = payload->port,
                                     .undone =
                                         action->revert != NULL ? &action->revert->payload : NULL,
                                     .undone_count = action->revert_count};
    enum hp_status status = hp_plan_capture_from(payload, &memory, request->diag);

    if (status == HP_OK) {
        status = check_islands(request);
    }
    if (status == HP_OK) {
        status = check_hosts(request);
    }
    if (status == HP_OK && request->command == HP_ACTION_APPLY && request->manager->top != NULL) {
        status = check_overlap(request);
    }
    if (status == HP_OK) {
        status = read_now(request, payload, &memory, false);
    }
    return status;
}

/* Fills manager->action with what is to be done. */
static enum hp_status choose(const struct request *request)
{
    struct hp_action *action = &request->manager->action;
    struct hp_payload_handle *handle;
    bool apply = request->command != HP_ACTION_REVERT;

    if (hp_handle_get_state(request->handle) != (apply ? HP_STATE_CHECKED : HP_STATE_APPLIED)) {
        return refuse(request, HP_ACTION_STATE);
    }
    if (!apply && request->handle != request->manager->top) {
        enum hp_status status = refuse(request, HP_ACTION_NOT_TOP);

        note_payload(request, request->manager->top);
        return status;
    }
    if ((request->options->flags & ~HP_ACTION_NODEPS) != 0) {
        return refuse(request, HP_ACTION_FLAGS);
    }
    hp_action_choose(action, apply ? request->handle : NULL,
                     request->command == HP_ACTION_APPLY ? NULL : request->manager->top);
    action->revert_count = 0;
    action->timeout_ns =
        request->options->timeout_ns != 0 ? request->options->timeout_ns : HP_TIMEOUT_DEFAULT_NS;
    for (handle = action->revert; handle != NULL; handle = hp_handle_of(handle->payload.below)) {
        action->revert_count++;
        if (!apply) {
            break;
        }
    }
    return HP_OK;
}

/* Everything up to the point from which the CPUs know. */
static enum hp_status prepare(const struct request *request)
{
    enum hp_status status = choose(request);

    if (status == HP_OK && request->manager->needs_stacks && !request->manager->walks_stacks) {
        status = refuse(request, HP_STACK_UNKNOWN);
    }
    if (status == HP_OK && request->manager->action.apply != NULL) {
        status = check_apply(request);
    }
    if (status == HP_OK) {
        status = capture_reverts(request);
    }
    if (status == HP_OK && request->manager->action.apply != NULL) {
        status = capture_apply(request);
    }
    if (status == HP_OK) {
        status = hp_window_map(request->manager, request->diag);
    }
    return status;
}

/*
 * Takes the slot, asks the pre hook, lets the CPUs know. From here on whatever happens is followed
 * by the post hook, unless the pre hook refuses.
 */
static enum hp_status start(const struct request *request)
{
    struct hp_manager *manager = request->manager;
    enum hp_special pre = request->command == HP_ACTION_REVERT ? HP_SPECIAL_HOOKS_PREREVERT
                                                               : HP_SPECIAL_HOOKS_PREAPPLY;
    int32_t rc;

    hp_action_begin(&manager->action);
    memset(&manager->report, 0, sizeof(manager->report));
    manager->report.command = request->command;
    manager->report.status = HP_ACTION_PENDING;
    memcpy(manager->report.name, request->handle->name, sizeof(manager->report.name));
    rc = hp_hook_call(request->handle, pre);
    if (rc == 0) {
        hp_rendezvous_start(manager);
        return HP_OK;
    }
    hp_window_unmap(manager);
    manager->report.status = HP_HOOK_FAILED;
    manager->report.hook_rc = rc;
    hp_handle_set_status(request->handle, HP_HOOK_FAILED);
    hp_handle_set_rc(request->handle, rc);
    hp_report_publish(manager);
    hp_action_end(&manager->action);
    hp_note_section(request->diag, HP_NO_INDEX, hp_special_name(pre));
    return hp_fail_numbers(request->diag, HP_STAGE_ACTION, HP_HOOK_FAILED, 0,
                           (uint64_t)(int64_t)rc);
}

static enum hp_status schedule(struct hp_manager *manager, const char *name,
                               enum hp_action_command command,
                               const struct hp_action_options *options, struct hp_diag *diag)
{
    static const struct hp_action_options defaults = {.size = sizeof(defaults)};
    struct request request = {.manager = manager, .command = command, .diag = diag};
    enum hp_status status;

    request.options = options != NULL ? options : &defaults;
    if (request.options->size != sizeof(*options)) {
        return hp_fail(diag, HP_STAGE_CALL, HP_INVALID_ARGUMENT);
    }
    hp_port_lock(manager->port);
    request.handle = hp_manager_find(manager, name);
    if (request.handle == NULL) {
        status = refuse(&request, HP_PAYLOAD_UNKNOWN);
    } else if (hp_manager_is_busy(manager)) {
        status = refuse(&request, HP_ACTION_BUSY);
        hp_handle_set_busy(manager, request.handle);
    } else {
        status = prepare(&request);
        if (status == HP_OK) {
            status = start(&request);
        } else {
            hp_handle_set_status(request.handle, status);
        }
    }
    hp_port_unlock(manager->port);
    return status;
}

enum hp_status hp_manager_apply(struct hp_manager *manager, const char *name,
                                const struct hp_action_options *options, struct hp_diag *diag)
{
    return schedule(manager, name, HP_ACTION_APPLY, options, diag);
}

enum hp_status hp_manager_replace(struct hp_manager *manager, const char *name,
                                  const struct hp_action_options *options, struct hp_diag *diag)
{
    return schedule(manager, name, HP_ACTION_REPLACE, options, diag);
}

enum hp_status hp_manager_revert(struct hp_manager *manager, const char *name,
                                 const struct hp_action_options *options, struct hp_diag *diag)
{
    return schedule(manager, name, HP_ACTION_REVERT, options, diag);
}
