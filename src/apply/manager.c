/* SPDX-License-Identifier: BSD-2-Clause */
/* The manager's list: upload, unload, look-up and reports. SPEC section 10. */
#include <hotpatch/manager.h>

#include <string.h>

#include "apply/handle.h"
#include "apply/upload.h"
#include "base/diag.h"
#include "base/span.h"

enum hp_status hp_manager_init(struct hp_manager *manager, struct hp_port *port,
                               const struct hp_manager_options *options)
{
    struct hp_target target;
    size_t size;

    memset(manager, 0, sizeof(*manager));
    if (options != NULL &&
        (options->size != sizeof(*options) ||
         (options->policy != NULL && options->policy->size != sizeof(*options->policy)))) {
        return HP_INVALID_ARGUMENT;
    }
    if (options != NULL) {
        manager->keyring = options->keyring;
        manager->policy = options->policy;
    }
    manager->port = port;
    manager->profile =
        options != NULL && options->profile != NULL ? options->profile : &hp_profile_default;
    hp_port_target(port, &target);
    manager->walks_stacks = (target.flags & HP_TARGET_STACKS) != 0;
    manager->needs_stacks = options != NULL && options->needs_stacks;
    manager->cpu_limit = hp_port_cpu_limit(port);
    if (manager->cpu_limit == 0 || manager->cpu_limit > HP_SAFEPOINT_CPUS_MAX) {
        return HP_INVALID_ARGUMENT;
    }
    size = manager->cpu_limit * sizeof(*manager->arrived);
    manager->arrived = hp_port_alloc(port, size);
    if (manager->arrived == NULL) {
        return HP_NO_MEMORY;
    }
    memset(manager->arrived, 0, size);
    return HP_OK;
}

static void free_handle(struct hp_manager *manager, struct hp_payload_handle *handle)
{
    hp_payload_unload(&handle->payload);
    hp_port_free(manager->port, handle, handle->alloc_size);
}

enum hp_status hp_manager_close(struct hp_manager *manager)
{
    struct hp_payload_handle *handle;
    enum hp_status status = HP_OK;

    hp_port_lock(manager->port);
    if (hp_manager_is_busy(manager)) {
        status = HP_ACTION_BUSY;
    } else if (manager->top != NULL) {
        status = HP_ACTION_STATE;
    }
    if (status == HP_OK) {
        while (manager->first != NULL) {
            handle = manager->first;
            manager->first = handle->next;
            free_handle(manager, handle);
        }
        hp_port_free(manager->port, manager->arrived,
                     manager->cpu_limit * sizeof(*manager->arrived));
    }
    hp_port_unlock(manager->port);
    if (status == HP_OK) {
        memset(manager, 0, sizeof(*manager));
    }
    return status;
}

struct hp_payload_handle *hp_manager_find(struct hp_manager *manager, const char *name)
{
    size_t length = name == NULL ? 0 : hp_string_length(name, HP_PAYLOAD_NAME_MAX);
    struct hp_payload_handle *handle = manager->first;

    if (length == 0 || length == HP_PAYLOAD_NAME_MAX) {
        return NULL;
    }
    while (handle != NULL && memcmp(handle->name, name, length + 1) != 0) {
        handle = handle->next;
    }
    return handle;
}

/* Allocates a handle with room for one entry for each payload that is loaded already. */
static struct hp_payload_handle *make_handle(struct hp_manager *manager)
{
    struct hp_payload_handle *handle;
    struct hp_payload_handle *other;
    uint32_t count = manager->loaded_count;
    size_t size = sizeof(*handle) + (size_t)count * (sizeof(*handle->others) + sizeof(bool));
    uint32_t n = 0;

    handle = hp_port_alloc(manager->port, size);
    if (handle == NULL) {
        return NULL;
    }
    memset(handle, 0, size);
    handle->alloc_size = size;
    handle->state = HP_STATE_CHECKED;
    handle->other_count = count;
    handle->others = (const struct hp_payload **)(void *)(handle + 1);
    handle->imported = (bool *)(handle->others + count);
    for (other = manager->first; other != NULL; other = other->next) {
        handle->others[n++] = &other->payload;
    }
    return handle;
}

static enum hp_status check_upload(struct hp_manager *manager, const char *name, const void *data,
                                   size_t size, struct hp_diag *diag)
{
    uint32_t max = manager->profile->file_max;

    if (name == NULL || name[0] == '\0' ||
        hp_string_length(name, HP_PAYLOAD_NAME_MAX) == HP_PAYLOAD_NAME_MAX) {
        return hp_fail(diag, HP_STAGE_CALL, HP_PAYLOAD_NAME);
    }
    if (size == 0) {
        return hp_fail(diag, HP_STAGE_ELF, HP_FILE_EMPTY);
    }
    if (size > max) {
        hp_note_limit(diag, manager->profile, hp_profile_default.file_max, size);
        return hp_fail_numbers(diag, HP_STAGE_ELF, HP_FILE_TOO_LARGE, max, size);
    }
    if (data == NULL) {
        return hp_fail(diag, HP_STAGE_CALL, HP_INVALID_ARGUMENT);
    }
    return HP_OK;
}

/* The part of an upload that needs the lock. */
static enum hp_status upload(struct hp_manager *manager, const char *name, const void *data,
                             size_t size, struct hp_diag *diag)
{
    struct hp_load_options options = {.size = sizeof(options),
                                      .profile = manager->profile,
                                      .keyring = manager->keyring,
                                      .policy = manager->policy};
    struct hp_payload_handle *handle;
    enum hp_status status;

    if (hp_manager_find(manager, name) != NULL) {
        return hp_fail(diag, HP_STAGE_CALL, HP_PAYLOAD_EXISTS);
    }
    handle = make_handle(manager);
    if (handle == NULL) {
        return hp_fail(diag, HP_STAGE_CALL, HP_NO_MEMORY);
    }
    options.loaded = handle->others;
    options.loaded_count = handle->other_count;
    options.imported = handle->imported;
    status = hp_payload_load(&handle->payload, manager->port, data, size, &options, diag);
    if (status) {
        hp_port_free(manager->port, handle, handle->alloc_size);
        return status;
    }
    memcpy(handle->name, name, hp_string_length(name, HP_PAYLOAD_NAME_MAX));
    hp_handle_sum(handle);
    hp_handle_link(manager->last != NULL ? &manager->last->next : &manager->first, handle);
    manager->last = handle;
    manager->loaded_count++;
    manager->list_version++;
    return HP_OK;
}

enum hp_status hp_manager_upload_private(struct hp_manager *manager, const char *name,
                                         const void *data, size_t size, struct hp_diag *diag)
{
    enum hp_status status = check_upload(manager, name, data, size, diag);

    if (status) {
        return status;
    }
    hp_port_lock(manager->port);
    status = upload(manager, name, data, size, diag);
    hp_port_unlock(manager->port);
    return status;
}

enum hp_status hp_manager_upload(struct hp_manager *manager, const char *name, const void *data,
                                 size_t size, struct hp_diag *diag)
{
    enum hp_status status = check_upload(manager, name, data, size, diag);
    void *copy;

    if (status) {
        return status;
    }
    copy = hp_port_alloc(manager->port, size);
    if (copy == NULL) {
        return hp_fail_numbers(diag, HP_STAGE_CALL, HP_NO_MEMORY, 0, size);
    }
    memcpy(copy, data, size);
    status = hp_manager_upload_private(manager, name, copy, size, diag);
    hp_port_free(manager->port, copy, size);
    return status;
}

/*
 * Takes a payload out of the list, and out of what the others know of it. Who looks at the list
 * without the lock and has found it there is waited for: that takes no longer than the look.
 */
static void forget(struct hp_manager *manager, struct hp_payload_handle *gone)
{
    struct hp_payload_handle **link = &manager->first;
    struct hp_payload_handle *before = NULL;
    struct hp_payload_handle *handle;
    uint32_t n;

    while (*link != gone) {
        before = *link;
        link = &before->next;
    }
    hp_handle_link(link, gone->next);
    if (manager->last == gone) {
        manager->last = before;
    }
    manager->loaded_count--;
    manager->list_version++;
    for (handle = gone->next; handle != NULL; handle = handle->next) {
        for (n = 0; n < handle->other_count; n++) {
            if (handle->others[n] == &gone->payload) {
                handle->others[n] = NULL;
                handle->orphan = handle->orphan || handle->imported[n];
            }
        }
    }
    while (__atomic_load_n(&manager->peekers, __ATOMIC_SEQ_CST) != 0) {
        hp_port_relax(manager->port);
    }
}

enum hp_status hp_manager_unload(struct hp_manager *manager, const char *name, struct hp_diag *diag)
{
    struct hp_payload_handle *handle;
    enum hp_status status = HP_OK;

    hp_port_lock(manager->port);
    handle = hp_manager_find(manager, name);
    if (handle == NULL) {
        status = hp_fail(diag, HP_STAGE_ACTION, HP_PAYLOAD_UNKNOWN);
    } else if (hp_manager_is_busy(manager)) {
        status = hp_fail(diag, HP_STAGE_ACTION, HP_ACTION_BUSY);
        hp_handle_set_busy(manager, handle);
    } else if (hp_handle_get_state(handle) != HP_STATE_CHECKED) {
        status = hp_fail(diag, HP_STAGE_ACTION, HP_ACTION_STATE);
        hp_handle_set_status(handle, status);
    } else {
        forget(manager, handle);
        free_handle(manager, handle);
    }
    hp_port_unlock(manager->port);
    return status;
}

/*
 * Who reads that an action has ended reads its new state, too, and may schedule the next one: the
 * end is the one store that also says so to the other calls.
 */
void hp_manager_describe(const struct hp_manager *manager, const struct hp_payload_handle *handle,
                         struct hp_payload_info *info)
{
    const struct hp_action *action = &manager->action;

    memset(info, 0, sizeof(*info));
    memcpy(info->name, handle->name, sizeof(info->name));
    if (hp_manager_is_busy(manager) && handle == hp_action_subject(action)) {
        info->state = __atomic_load_n(&action->apply, __ATOMIC_RELAXED) != NULL ? HP_STATE_CHECKED
                                                                                : HP_STATE_APPLIED;
        info->status = HP_ACTION_PENDING;
        info->rc = -HP_ERRNO_EAGAIN;
    } else {
        info->state = hp_handle_get_state(handle);
        info->status = __atomic_load_n(&handle->status, __ATOMIC_RELAXED);
        info->rc = __atomic_load_n(&handle->rc, __ATOMIC_RELAXED);
    }
    info->addr = handle->payload.image.memory.addr;
    info->size = handle->payload.image.memory.size;
    info->payload = &handle->payload;
}

enum hp_status hp_manager_get(struct hp_manager *manager, const char *name,
                              struct hp_payload_info *info)
{
    const struct hp_payload_handle *handle;

    hp_port_lock(manager->port);
    handle = hp_manager_find(manager, name);
    if (handle != NULL) {
        hp_manager_describe(manager, handle, info);
    }
    hp_port_unlock(manager->port);
    return handle != NULL ? HP_OK : HP_PAYLOAD_UNKNOWN;
}

enum hp_status hp_manager_list(struct hp_manager *manager, uint32_t index,
                               struct hp_payload_info *info, uint32_t *version)
{
    const struct hp_payload_handle *handle;
    uint32_t n;

    hp_port_lock(manager->port);
    handle = manager->first;
    for (n = 0; handle != NULL && n < index; n++) {
        handle = handle->next;
    }
    if (handle != NULL) {
        hp_manager_describe(manager, handle, info);
    }
    if (version != NULL) {
        *version = manager->list_version;
    }
    hp_port_unlock(manager->port);
    return handle != NULL ? HP_OK : HP_PAYLOAD_UNKNOWN;
}

void hp_manager_report(struct hp_manager *manager, struct hp_action_report *report)
{
    memset(report, 0, sizeof(*report));
    hp_port_lock(manager->port);
    if (hp_manager_is_busy(manager)) {
        /* The rest belongs to the CPU that performs the action. */
        report->command = manager->report.command;
        memcpy(report->name, manager->report.name, sizeof(report->name));
        report->status = HP_ACTION_PENDING;
    } else {
        *report = manager->report;
    }
    hp_port_unlock(manager->port);
}
