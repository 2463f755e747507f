/* SPDX-License-Identifier: BSD-2-Clause */
/* The control interface: operations in the form of SPEC section 12, turned into the manager's
 * calls. */
#include <hotpatch/control.h>

#include <string.h>

#include "apply/handle.h"
#include "apply/upload.h"

#define MEMBER_SIZE(member) sizeof(((struct hp_control_op *)0)->u.member)
#define HEADER_SIZE         offsetof(struct hp_control_op, u)

/* The layouts are the ABI's; a compiler that pads otherwise must not build this. */
_Static_assert(HEADER_SIZE == 8, "the union stands at byte 8");
_Static_assert(sizeof(struct hp_control_name) == 16, "name");
_Static_assert(sizeof(struct hp_control_upload) == 32, "upload");
_Static_assert(sizeof(struct hp_control_get) == 24, "get");
_Static_assert(sizeof(struct hp_control_list_v1) == 40, "first list");
_Static_assert(sizeof(struct hp_control_list_v2) == 64, "second list");
_Static_assert(sizeof(struct hp_control_action_v1) == 24, "first action");
_Static_assert(sizeof(struct hp_control_action_v2) == 32, "second action");

/* One operation in progress. */
struct call {
    struct hp_manager *manager;
    enum hp_control_generation generation;
    uint64_t addr; /* of the caller's structure */
    struct hp_control_op op;
    char name[HP_PAYLOAD_NAME_MAX];
    struct hp_diag *diag;
};

static int32_t result(enum hp_status status)
{
    return -(int32_t)hp_status_errno(status);
}

static bool copy_in(const struct call *call, void *to, uint64_t from, size_t size)
{
    return from <= UINT64_MAX - size && hp_port_copy_in(call->manager->port, to, from, size);
}

/* An address with an offset may wrap; the caller then means no memory. */
static bool copy_out(const struct call *call, uint64_t to, uint64_t offset, const void *from,
                     size_t size)
{
    return size == 0 || (to <= UINT64_MAX - offset && to + offset <= UINT64_MAX - size &&
                         hp_port_copy_out(call->manager->port, to + offset, from, size));
}

static int32_t read_name(struct call *call, const struct hp_control_name *name)
{
    if (name->size == 0 || name->size > HP_PAYLOAD_NAME_MAX || name->pad[0] != 0 ||
        name->pad[1] != 0 || name->pad[2] != 0) {
        return -HP_ERRNO_EINVAL;
    }
    if (!copy_in(call, call->name, name->name, name->size)) {
        return -HP_ERRNO_EFAULT;
    }
    return call->name[name->size - 1] == '\0' ? 0 : -HP_ERRNO_EINVAL;
}

/* ---- upload, get, action --------------------------------------------------------------------- */

static int32_t do_upload(struct call *call)
{
    const struct hp_control_upload *upload = &call->op.u.upload;
    struct hp_port *port = call->manager->port;
    int32_t rc = read_name(call, &upload->name);
    void *copy;

    if (rc != 0) {
        return rc;
    }
    if (upload->size == 0 || upload->size > call->manager->profile->file_max) {
        return -HP_ERRNO_EINVAL;
    }
    copy = hp_port_alloc(port, (size_t)upload->size);
    if (copy == NULL) {
        return -HP_ERRNO_ENOMEM;
    }
    rc = -HP_ERRNO_EFAULT;
    if (copy_in(call, copy, upload->payload, (size_t)upload->size)) {
        rc = result(hp_manager_upload_private(call->manager, call->name, copy, (size_t)upload->size,
                                              call->diag));
    }
    hp_port_free(port, copy, (size_t)upload->size);
    return rc;
}

static int32_t do_get(struct call *call)
{
    int32_t rc = read_name(call, &call->op.u.get.name);
    struct hp_payload_info info;
    struct hp_control_status status;
    enum hp_status found;

    if (rc != 0) {
        return rc;
    }
    found = hp_manager_get(call->manager, call->name, &info);
    if (found) {
        return result(found);
    }
    status.state = (uint32_t)info.state;
    status.rc = info.rc;
    return copy_out(call, call->addr, offsetof(struct hp_control_op, u.get.status), &status,
                    sizeof(status))
               ? 0
               : -HP_ERRNO_EFAULT;
}

static int32_t do_action(struct call *call)
{
    const struct hp_control_action_v2 *action = &call->op.u.action_v2;
    bool v2 = call->generation == HP_CONTROL_V2;
    struct hp_action_options options = {.size = sizeof(options), .timeout_ns = action->time};
    enum hp_status status;
    int32_t rc;

    if (v2) {
        options.flags = action->flags;
        if (action->pad != 0 || (action->flags & ~HP_ACTION_NODEPS) != 0) {
            return -HP_ERRNO_EINVAL;
        }
    }
    rc = read_name(call, &action->name);
    if (rc != 0) {
        return rc;
    }
    switch (action->cmd) {
    case HP_ACTION_UNLOAD:
        status = hp_manager_unload(call->manager, call->name, call->diag);
        break;
    case HP_ACTION_REVERT:
        status = hp_manager_revert(call->manager, call->name, &options, call->diag);
        break;
    case HP_ACTION_APPLY:
        status = hp_manager_apply(call->manager, call->name, &options, call->diag);
        break;
    case HP_ACTION_REPLACE:
        status = hp_manager_replace(call->manager, call->name, &options, call->diag);
        break;
    default:
        return -HP_ERRNO_EOPNOTSUPP;
    }
    if (status == HP_HOOK_FAILED) {
        struct hp_payload_info info;

        /* What the hook returned is the action's result. */
        return hp_manager_get(call->manager, call->name, &info) == HP_OK ? info.rc : result(status);
    }
    return result(status);
}

/* ---- list ------------------------------------------------------------------------------------ */

/* Where a list is written to. Names and metadata are packed, or have a slot each. */
struct listing {
    const struct call *call;
    const struct hp_control_list_v2 *to; /* both generations have what is used in the same fields */
    bool packed;
    uint32_t written; /* entries */
    uint64_t name_size;
    uint64_t metadata_size;
};

static uint32_t name_length(const struct hp_payload_handle *handle)
{
    uint32_t n = 0;

    while (handle->name[n] != '\0') {
        n++;
    }
    return n + 1;
}

/* Writes one entry and advances; 0 or a negative error number. */
static int32_t list_entry(struct listing *listing, const struct hp_payload_handle *handle)
{
    const struct call *call = listing->call;
    const struct hp_control_list_v2 *to = listing->to;
    const struct hp_span *metadata = &handle->payload.modinfo;
    uint32_t length = name_length(handle);
    uint32_t metadata_length = (uint32_t)metadata->size;
    uint64_t n = listing->written;
    uint64_t name_offset = listing->packed ? listing->name_size : n * HP_PAYLOAD_NAME_MAX;
    struct hp_control_status status;
    struct hp_payload_info info;

    if (listing->packed && (listing->name_size + length > to->name_total_size ||
                            listing->metadata_size + metadata_length > to->metadata_total_size)) {
        return -HP_ERRNO_ENOBUFS;
    }
    hp_manager_describe(call->manager, handle, &info);
    status.state = (uint32_t)info.state;
    status.rc = info.rc;
    if (!copy_out(call, to->status, n * sizeof(status), &status, sizeof(status)) ||
        !copy_out(call, to->name, name_offset, handle->name, length) ||
        !copy_out(call, to->len, n * sizeof(length), &length, sizeof(length))) {
        return -HP_ERRNO_EFAULT;
    }
    if (listing->packed &&
        (!copy_out(call, to->metadata, listing->metadata_size, metadata->data, metadata->size) ||
         !copy_out(call, to->metadata_len, n * sizeof(metadata_length), &metadata_length,
                   sizeof(metadata_length)))) {
        return -HP_ERRNO_EFAULT;
    }
    listing->written++;
    listing->name_size += length;
    listing->metadata_size += metadata_length;
    return 0;
}

/* Sizes of what all payloads from `handle` on would take, for a caller that asks first. */
static void measure(struct listing *listing, const struct hp_payload_handle *handle)
{
    for (; handle != NULL; handle = handle->next) {
        listing->name_size += name_length(handle);
        listing->metadata_size += handle->payload.modinfo.size;
    }
}

/* The part under the lock: one list, of one version. */
static int32_t list_locked(struct listing *listing, uint32_t idx, uint32_t nr)
{
    const struct hp_manager *manager = listing->call->manager;
    const struct hp_payload_handle *handle = manager->first;
    int32_t rc = 0;
    uint32_t n;

    if (idx > 0 && idx >= manager->loaded_count) {
        return -HP_ERRNO_EINVAL;
    }
    if (nr == 0) {
        measure(listing, handle);
        return 0;
    }
    for (n = 0; n < idx; n++) {
        handle = handle->next;
    }
    for (; rc == 0 && handle != NULL && listing->written < nr; handle = handle->next) {
        rc = list_entry(listing, handle);
    }
    return rc != 0 ? rc : (int32_t)listing->written;
}

static int32_t do_list(struct call *call)
{
    struct hp_control_list_v2 *list = &call->op.u.list_v2;
    struct hp_control_list_v2 to = *list;
    struct listing listing = {.call = call, .to = &to, .packed = call->generation == HP_CONTROL_V2};
    uint32_t count;
    int32_t rc;

    if (!listing.packed) {
        to.status = call->op.u.list_v1.status;
        to.name = call->op.u.list_v1.name;
        to.len = call->op.u.list_v1.len;
    }
    if (list->nr > HP_CONTROL_LIST_MAX) {
        return -HP_ERRNO_E2BIG;
    }
    if (list->pad != 0) {
        return -HP_ERRNO_EINVAL;
    }
    hp_port_lock(call->manager->port);
    rc = list_locked(&listing, list->idx, list->nr);
    list->version = call->manager->list_version;
    count = call->manager->loaded_count;
    hp_port_unlock(call->manager->port);
    if (rc < 0) {
        return rc;
    }
    list->nr = list->nr == 0 ? count : count - list->idx - listing.written;
    if (listing.packed) {
        list->name_total_size = (uint32_t)listing.name_size;
        list->metadata_total_size = (uint32_t)listing.metadata_size;
    }
    return copy_out(call, call->addr, HEADER_SIZE, &call->op.u,
                    listing.packed ? MEMBER_SIZE(list_v2) : MEMBER_SIZE(list_v1))
               ? rc
               : -HP_ERRNO_EFAULT;
}

/* ---- entry ----------------------------------------------------------------------------------- */

/* Bytes of the union that a command uses; 0 for an unknown command. */
static size_t command_size(uint32_t cmd, enum hp_control_generation generation)
{
    bool v2 = generation == HP_CONTROL_V2;

    switch (cmd) {
    case HP_CONTROL_UPLOAD:
        return MEMBER_SIZE(upload);
    case HP_CONTROL_GET:
        return MEMBER_SIZE(get);
    case HP_CONTROL_LIST:
        return v2 ? MEMBER_SIZE(list_v2) : MEMBER_SIZE(list_v1);
    case HP_CONTROL_ACTION:
        return v2 ? MEMBER_SIZE(action_v2) : MEMBER_SIZE(action_v1);
    default:
        return 0;
    }
}

static int32_t dispatch(struct call *call)
{
    switch (call->op.cmd) {
    case HP_CONTROL_UPLOAD:
        return do_upload(call);
    case HP_CONTROL_GET:
        return do_get(call);
    case HP_CONTROL_LIST:
        return do_list(call);
    default:
        return do_action(call);
    }
}

int32_t hp_control(struct hp_manager *manager, enum hp_control_generation generation, uint64_t op,
                   struct hp_diag *diag)
{
    struct call call = {.manager = manager, .generation = generation, .addr = op, .diag = diag};
    uint32_t known = generation == HP_CONTROL_V2 ? HP_CONTROL_FORCE : 0;
    size_t size;

    if (!copy_in(&call, &call.op, op, HEADER_SIZE)) {
        return -HP_ERRNO_EFAULT;
    }
    if (!hp_port_control_permit(manager->port, call.op.cmd)) {
        return -HP_ERRNO_EPERM;
    }
    size = command_size(call.op.cmd, generation);
    if (size == 0) {
        return -HP_ERRNO_EOPNOTSUPP;
    }
    if ((call.op.flags & ~known) != 0) {
        return -HP_ERRNO_EINVAL;
    }
    if (op > UINT64_MAX - HEADER_SIZE || !copy_in(&call, &call.op.u, op + HEADER_SIZE, size)) {
        return -HP_ERRNO_EFAULT;
    }
    return dispatch(&call);
}
