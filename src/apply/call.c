/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls of a payload's hooks, and what hooks can ask of their handle. SPEC section 4. */
#include <hotpatch/payload.h>

#include <string.h>

#include "apply/handle.h"
#include "base/span.h"
#include "reloc/loading.h"

/* ---- calls ----------------------------------------------------------------------------------- */

static enum hp_hook_form form_of(enum hp_special which)
{
    switch (which) {
    case HP_SPECIAL_HOOKS_LOAD:
    case HP_SPECIAL_HOOKS_UNLOAD:
        return HP_HOOK_PLAIN;
    case HP_SPECIAL_HOOKS_POSTAPPLY:
    case HP_SPECIAL_HOOKS_POSTREVERT:
        return HP_HOOK_POST;
    default:
        return HP_HOOK_ACTION;
    }
}

bool hp_hook_exists(const struct hp_payload_handle *handle, enum hp_special which)
{
    return handle->payload.hooks[which - HP_HOOK_FIRST].count > 0;
}

int32_t hp_hook_call(struct hp_payload_handle *handle, enum hp_special which)
{
    const struct hp_payload *payload = &handle->payload;
    const struct hp_hooks *hooks = &payload->hooks[which - HP_HOOK_FIRST];
    const uint8_t *pointers = payload->image.memory.host + hooks->offset;
    int32_t rc = 0;
    uint32_t n;

    for (n = 0; n < hooks->count; n++) {
        uint64_t addr = hp_load_word(payload->arch, pointers + (size_t)n * payload->arch->word);

        rc = hp_port_call_hook(payload->port, form_of(which), addr, handle);
    }
    return rc;
}

/* ---- accessors ------------------------------------------------------------------------------- */

const char *hp_handle_name(const struct hp_payload_handle *handle)
{
    return handle->name;
}

int hp_handle_state(const struct hp_payload_handle *handle)
{
    return (int)hp_handle_get_state(handle);
}

int hp_handle_rc(const struct hp_payload_handle *handle)
{
    return handle->rc;
}

const char *hp_handle_info(const struct hp_payload_handle *handle, const char *key)
{
    return hp_payload_metadata(&handle->payload, key);
}

uint32_t hp_handle_function_count(const struct hp_payload_handle *handle)
{
    return handle->payload.record_count;
}

uint32_t hp_handle_splice_count(const struct hp_payload_handle *handle)
{
    return handle->payload.splice_count;
}

/* A record of either array. */
struct numbered {
    bool splice;
    uint32_t record;
};

/*
 * Index of the first write of a record or of a later one: writes are in the order of records, those
 * of functions before those of splices.
 */
static uint32_t first_write(const struct hp_payload *payload, struct numbered which)
{
    uint32_t low = 0;
    uint32_t high = payload->write_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct hp_write *write = &payload->writes[middle];

        if ((write->splice != 0) == which.splice ? write->record < which.record : which.splice) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

int hp_handle_function_applied(const struct hp_payload_handle *handle, uint32_t record)
{
    if (record >= handle->payload.record_count) {
        return -HP_ERRNO_EINVAL;
    }
    return hp_is_patched(&handle->payload.records[record].patched) ? 1 : 0;
}

int hp_handle_splice_applied(const struct hp_payload_handle *handle, uint32_t splice)
{
    if (splice >= handle->payload.splice_count) {
        return -HP_ERRNO_EINVAL;
    }
    return hp_is_patched(&handle->payload.splices[splice].patched) ? 1 : 0;
}

/* Changes what one record is about, when the hook for that is running. */
static int change(struct hp_payload_handle *handle, struct numbered which,
                  enum hp_action_command hook)
{
    struct hp_payload *payload = &handle->payload;
    bool revert = hook == HP_ACTION_REVERT;
    uint32_t n;

    if (handle->hook != hook) {
        return -HP_ERRNO_EPERM;
    }
    if (which.record >= (which.splice ? payload->splice_count : payload->record_count)) {
        return -HP_ERRNO_EINVAL;
    }
    for (n = first_write(payload, which); n < payload->write_count; n++) {
        struct hp_write *write = &payload->writes[n];

        if (write->record != which.record || (write->splice != 0) != which.splice) {
            break;
        }
        if ((write->applied != 0) == revert) {
            hp_window_write(payload, write, revert);
        }
    }
    return 0;
}

int hp_handle_function_apply(struct hp_payload_handle *handle, uint32_t record)
{
    const struct numbered which = {false, record};

    return change(handle, which, HP_ACTION_APPLY);
}

int hp_handle_function_revert(struct hp_payload_handle *handle, uint32_t record)
{
    const struct numbered which = {false, record};

    return change(handle, which, HP_ACTION_REVERT);
}

int hp_handle_splice_apply(struct hp_payload_handle *handle, uint32_t splice)
{
    const struct numbered which = {true, splice};

    return change(handle, which, HP_ACTION_APPLY);
}

int hp_handle_splice_revert(struct hp_payload_handle *handle, uint32_t splice)
{
    const struct numbered which = {true, splice};

    return change(handle, which, HP_ACTION_REVERT);
}
