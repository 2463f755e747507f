/* SPDX-License-Identifier: BSD-2-Clause */
/* Drives the manager and the model through the same operations and compares them. */
#include "model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <hotpatch/payload.h>

#include "model_internal.h"

/* The caller's memory. */
#define CALLER_SIZE   0x10000u
#define OP_AT         TP_CALLER
#define NAME_AT       (TP_CALLER + 0x100)
#define FILE_AT       (TP_CALLER + 0x1000)
#define STATUS_AT     (TP_CALLER + 0x8000)
#define NAMES_AT      (TP_CALLER + 0x9000)
#define LENGTHS_AT    (TP_CALLER + 0xa000)
#define METADATA_AT   (TP_CALLER + 0xb000)
#define METALENGTH_AT (TP_CALLER + 0xc000)
#define NAMES_SIZE    0x1000u

#define TIMEOUT_NS    50u
#define ATTEST_PERIOD 64u /* steps; attestation looks at every byte of every image */
#define FAULT_MAX     48u

/* The bytes of a step, by what they decide. */
enum { STEP_OP, STEP_NAME, STEP_WHAT, STEP_FLAGS, STEP_FAULT, STEP_HOOKS, STEP_MASK, STEP_MORE };

/* ---- hooks ----------------------------------------------------------------------------------- */

static uint8_t name_of(const char *text)
{
    assert_int_equal(text[0], 'p');
    assert_in_range(text[1], '0', '0' + NAMES - 1);
    return (uint8_t)(text[1] - '0');
}

/* Whose hook is at an address, and which. */
static enum hp_special hook_at(const struct model *model, uint64_t addr, uint8_t *name)
{
    uint32_t n;

    for (*name = 0; *name < NAMES; (*name)++) {
        const struct entry *entry = &model->entries[*name];
        const struct kind *kind = model_kind(model, *name);

        for (n = 0; entry->loaded && n < HOOKS; n++) {
            if ((kind->hooks & (1u << n)) != 0 && addr == entry->addr + kind->hook_offset[n]) {
                return (enum hp_special)(HP_HOOK_FIRST + n);
            }
        }
    }
    fail_msg("no hook is at 0x%llx", (unsigned long long)addr);
    return HP_HOOK_FIRST;
}

/* An apply or revert hook changes the records of the mask by itself. */
static void change_functions(const struct model *model, struct hp_payload_handle *handle,
                             bool revert)
{
    uint32_t n;

    for (n = 0; n < hp_handle_function_count(handle); n++) {
        if ((model->hook_mask & (1u << n)) != 0) {
            assert_int_equal(revert ? hp_handle_function_revert(handle, n)
                                    : hp_handle_function_apply(handle, n),
                             0);
            assert_int_equal(hp_handle_function_applied(handle, n), revert ? 0 : 1);
        }
    }
}

static int on_hook(struct hp_port *port, uint64_t addr, struct hp_payload_handle *handle)
{
    struct model *model = port->data;
    struct hook_log *log = &model->called;
    uint8_t name;
    enum hp_special which = hook_at(model, addr, &name);

    assert_true(handle == NULL || name_of(hp_handle_name(handle)) == name);
    assert_true(log->count < sizeof(log->which));
    log->name[log->count] = name;
    log->which[log->count] = (uint8_t)which;
    log->count++;
    if (which == HP_SPECIAL_HOOKS_APPLY || which == HP_SPECIAL_HOOKS_REVERT) {
        change_functions(model, handle, which == HP_SPECIAL_HOOKS_REVERT);
    } else if (handle != NULL) {
        assert_int_equal(hp_handle_function_apply(handle, 0), -HP_ERRNO_EPERM);
    }
    return model->hook_rc[which - HP_HOOK_FIRST];
}

/* ---- comparison ------------------------------------------------------------------------------ */

static void compare_with(const struct model *model, const struct memory *memory)
{
    assert_memory_equal(tp_byte(model->port, TP_TEXT), memory->text, sizeof(memory->text));
    assert_memory_equal(tp_byte(model->port, TABLE), memory->table, sizeof(memory->table));
}

static void compare_memory(const struct model *model)
{
    struct memory memory;

    model_memory(model, &memory);
    compare_with(model, &memory);
}

static void compare_entry(struct model *model, uint8_t number)
{
    const char name[] = {'p', (char)('0' + number), '\0'};
    const struct entry *entry = &model->entries[number];
    bool pending = model->pending != HP_ACTION_NONE && model->subject == number;
    struct hp_payload_info info;
    enum hp_status status = hp_manager_get(&model->manager, name, &info);

    assert_int_equal(status, entry->loaded ? HP_OK : HP_PAYLOAD_UNKNOWN);
    if (!entry->loaded) {
        return;
    }
    assert_string_equal(info.name, name);
    assert_int_equal(info.state, entry->state);
    assert_int_equal(info.rc, pending ? -HP_ERRNO_EAGAIN : entry->rc);
    assert_int_equal(info.addr, entry->addr);
}

static void compare_list(struct model *model)
{
    struct hp_payload_info info;
    uint32_t version;
    uint32_t n;

    for (n = 0; n < model->list_count; n++) {
        assert_int_equal(hp_manager_list(&model->manager, n, &info, &version), HP_OK);
        assert_int_equal(name_of(info.name), model->list[n]);
        assert_int_equal(version, model->version);
        assert_int_equal(hp_manager_peek(&model->manager, n, &info), HP_OK);
        assert_int_equal(name_of(info.name), model->list[n]);
    }
    assert_int_equal(hp_manager_list(&model->manager, n, &info, NULL), HP_PAYLOAD_UNKNOWN);
}

static void compare(struct model *model)
{
    uint8_t n;

    compare_memory(model);
    for (n = 0; n < NAMES; n++) {
        compare_entry(model, n);
    }
    compare_list(model);
    assert_memory_equal(&model->called, &model->expected, sizeof(model->called));
    if (model->pending == HP_ACTION_NONE) {
        tp_assert_quiescent(model->port);
        if (model->steps % ATTEST_PERIOD == 0) {
            assert_int_equal(hp_manager_attest(&model->manager, NULL), HP_OK);
        }
    }
}

/* ---- calls ----------------------------------------------------------------------------------- */

static int32_t call(struct model *model, enum hp_control_generation generation,
                    const struct hp_control_op *op)
{
    memcpy(tp_caller_byte(model->port, OP_AT, sizeof(*op)), op, sizeof(*op));
    return hp_control(&model->manager, generation, OP_AT, NULL);
}

static const struct hp_control_op *op_back(const struct model *model)
{
    return (const void *)tp_caller_byte(model->port, OP_AT, sizeof(struct hp_control_op));
}

static struct hp_control_name put_name(struct model *model, uint8_t number)
{
    const struct hp_control_name name = {.name = NAME_AT, .size = 3};
    const char text[] = {'p', (char)('0' + number), '\0'};

    memcpy(tp_caller_byte(model->port, NAME_AT, sizeof(text)), text, sizeof(text));
    return name;
}

/* Lets a port call fail, now and then. */
static void arm(struct model *model, uint8_t fault)
{
    model->port->failed = HP_OK;
    model->port->fail_onwards = (fault & 1) != 0;
    model->port->fail_at = fault < FAULT_MAX ? model->port->calls + 1 + fault / 2 : 0;
}

/*
 * Whether a payload may do without an answer: how many bytes at a call are code is asked for with
 * less and less, since a call need not have as many as the longest.
 */
static bool can_do_without(const struct kind *kind, enum hp_status failed)
{
    uint32_t n;

    for (n = 0; failed == HP_PATCH_RANGE && n < kind->patch_count; n++) {
        if (kind->patches[n].kind == HP_WRITE_CALL_TO) {
            return true;
        }
    }
    return false;
}

/* True when a call was made to fail, and that ended the operation; `rc` must then tell of it. */
static bool disarm(struct model *model, const struct kind *kind, int32_t rc)
{
    enum hp_status failed = model->port->failed;
    bool onwards = model->port->fail_onwards;

    model->port->fail_at = 0;
    model->port->fail_onwards = false;
    model->port->failed = HP_OK;
    if (failed == HP_OK) {
        return false;
    }
    if (can_do_without(kind, failed) && !onwards && rc == 0) {
        return false;
    }
    if (!can_do_without(kind, failed) || !onwards || rc != -HP_ERRNO_EFAULT) {
        assert_int_equal(rc, -(int32_t)hp_status_errno(failed));
    }
    model->counts[MODEL_FAULTS]++;
    return true;
}

static void step_upload(struct model *model, const uint8_t *bytes)
{
    uint8_t name = bytes[STEP_NAME] % NAMES;
    uint8_t which = bytes[STEP_WHAT] % KINDS;
    const struct kind *kind = &model->kinds[which];
    int32_t expected = model_judge_upload(model, name, which);
    struct hp_control_op op = {.cmd = HP_CONTROL_UPLOAD};
    const char text[] = {'p', (char)('0' + name), '\0'};
    struct hp_payload_info info;
    int32_t rc;

    op.u.upload.name = put_name(model, name);
    op.u.upload.size = kind->size;
    op.u.upload.payload = FILE_AT;
    memcpy(tp_caller_byte(model->port, FILE_AT, kind->size), kind->file, kind->size);
    arm(model, bytes[STEP_FAULT]);
    rc = call(model, bytes[STEP_FLAGS] % 2 + HP_CONTROL_V1, &op);
    if (disarm(model, kind, rc)) {
        return;
    }
    assert_int_equal(rc, expected);
    model->counts[rc == 0 ? MODEL_UPLOADED : MODEL_UPLOAD_REFUSED]++;
    if (rc == 0) {
        assert_int_equal(hp_manager_get(&model->manager, text, &info), HP_OK);
        model_uploaded(model, name, which, info.addr);
    }
}

/* Decides what hooks of the next action return; the records that they change by themselves. */
static void set_hooks(struct model *model, uint8_t choice, uint8_t mask)
{
    static const uint8_t fallible[] = {HP_SPECIAL_HOOKS_PREAPPLY, HP_SPECIAL_HOOKS_APPLY,
                                       HP_SPECIAL_HOOKS_PREREVERT, HP_SPECIAL_HOOKS_REVERT};
    uint32_t n;

    memset(model->hook_rc, 0, sizeof(model->hook_rc));
    for (n = 0; n < sizeof(fallible); n++) {
        if (choice % 16 == n) {
            model->hook_rc[fallible[n] - HP_HOOK_FIRST] = -7 - (int32_t)n;
        }
    }
    model->hook_mask = mask % 4;
}

/* After the checks: the pre hook decides whether the action is scheduled. */
static int32_t expect_pre(struct model *model, uint8_t name, uint32_t command)
{
    enum hp_special pre =
        command == HP_ACTION_REVERT ? HP_SPECIAL_HOOKS_PREREVERT : HP_SPECIAL_HOOKS_PREAPPLY;

    model_expect_hook(model, name, pre);
    return (model_kind(model, name)->hooks & HOOK_BIT(pre)) != 0
               ? model->hook_rc[pre - HP_HOOK_FIRST]
               : 0;
}

/* What the model makes of the call's result. */
static void note_action(struct model *model, uint8_t name, uint32_t command, int32_t rc)
{
    struct entry *entry = &model->entries[name];

    if (rc != 0) {
        model->counts[rc == -HP_ERRNO_EBUSY ? MODEL_BUSY : MODEL_ACTION_REFUSED]++;
        /* That of the payload whose action is in progress tells of that. */
        if (entry->loaded && (model->pending == HP_ACTION_NONE || model->subject != name)) {
            entry->rc = rc;
        }
        return;
    }
    if (command == HP_ACTION_UNLOAD) {
        model_unloaded(model, name);
        model->counts[MODEL_UNLOADED]++;
        return;
    }
    model->pending = command;
    model->subject = name;
    model->counts[MODEL_SCHEDULED]++;
}

/* The first name from `name` on with which the action is possible; `name` when none is. */
static uint8_t choose(const struct model *model, uint8_t name, uint32_t command, uint32_t flags)
{
    uint8_t n;

    for (n = 0; n < NAMES; n++) {
        uint8_t other = (uint8_t)((name + n) % NAMES);

        if (model_judge_action(model, other, command, flags) == 0) {
            return other;
        }
    }
    return name;
}

static void step_action(struct model *model, const uint8_t *bytes)
{
    static const uint32_t commands[] = {HP_ACTION_APPLY,  HP_ACTION_APPLY,  HP_ACTION_APPLY,
                                        HP_ACTION_APPLY,  HP_ACTION_REVERT, HP_ACTION_REPLACE,
                                        HP_ACTION_UNLOAD, HP_ACTION_REVERT};
    enum hp_control_generation generation =
        bytes[STEP_FLAGS] % 4 == 0 ? HP_CONTROL_V1 : HP_CONTROL_V2;
    uint32_t command = commands[bytes[STEP_WHAT] % 8];
    uint8_t name = bytes[STEP_NAME] % NAMES;
    uint32_t flags =
        generation == HP_CONTROL_V2 && bytes[STEP_FLAGS] % 8 == 1 ? HP_ACTION_NODEPS : 0;
    int32_t expected;
    struct hp_control_op op = {.cmd = HP_CONTROL_ACTION};
    int32_t rc;

    if (bytes[STEP_MORE] % 4 != 0) {
        name = choose(model, name, command, flags);
    }
    expected = model_judge_action(model, name, command, flags);
    if (model->pending == HP_ACTION_NONE) {
        set_hooks(model, bytes[STEP_HOOKS], bytes[STEP_MASK]);
    }
    op.u.action_v2.name = put_name(model, name);
    op.u.action_v2.cmd = command;
    op.u.action_v2.time = TIMEOUT_NS;
    op.u.action_v2.flags = flags;
    arm(model, bytes[STEP_FAULT]);
    rc = call(model, generation, &op);
    if (disarm(model, model_kind(model, name), rc)) {
        if (model->entries[name].loaded && !model->port->caller.failed) {
            model->entries[name].rc = rc;
        }
        return;
    }
    if (expected == 0 && command != HP_ACTION_UNLOAD) {
        expected = expect_pre(model, name, command);
        model->counts[MODEL_PRE_FAILED] += expected != 0 ? 1 : 0;
    }
    assert_int_equal(rc, expected);
    note_action(model, name, command, rc);
}

static void step_get(struct model *model, const uint8_t *bytes)
{
    uint8_t name = bytes[STEP_NAME] % NAMES;
    const struct entry *entry = &model->entries[name];
    bool pending = model->pending != HP_ACTION_NONE && model->subject == name;
    struct hp_control_op op = {.cmd = HP_CONTROL_GET};
    int32_t rc;

    op.u.get.name = put_name(model, name);
    rc = call(model, bytes[STEP_FLAGS] % 2 + HP_CONTROL_V1, &op);
    assert_int_equal(rc, entry->loaded ? 0 : -HP_ERRNO_ENOENT);
    if (rc == 0) {
        assert_int_equal(op_back(model)->u.get.status.state, entry->state);
        assert_int_equal(op_back(model)->u.get.status.rc, pending ? -HP_ERRNO_EAGAIN : entry->rc);
    }
}

/* ---- the list -------------------------------------------------------------------------------- */

/* What was written, from the entry idx of the list on. */
static void compare_listing(const struct model *model, bool packed, uint32_t idx, uint32_t count)
{
    const struct hp_control_status *status =
        (const void *)tp_caller_byte(model->port, STATUS_AT, 1);
    const uint32_t *lengths = (const void *)tp_caller_byte(model->port, LENGTHS_AT, 1);
    const char *names = (const char *)tp_caller_byte(model->port, NAMES_AT, 1);
    uint32_t n;

    for (n = 0; n < count; n++) {
        uint8_t name = model->list[idx + n];
        bool pending = model->pending != HP_ACTION_NONE && model->subject == name;

        assert_int_equal(status[n].state, model->entries[name].state);
        assert_int_equal(status[n].rc, pending ? -HP_ERRNO_EAGAIN : model->entries[name].rc);
        assert_int_equal(lengths[n], 3);
        assert_int_equal(name_of(names), name);
        assert_int_equal(names[2], '\0');
        names += packed ? lengths[n] : HP_PAYLOAD_NAME_MAX;
    }
}

static void step_list(struct model *model, const uint8_t *bytes)
{
    bool packed = bytes[STEP_FLAGS] % 2 == 1;
    uint32_t idx = bytes[STEP_NAME] % (NAMES + 2);
    uint32_t nr = bytes[STEP_WHAT] % (NAMES + 2);
    uint32_t room = bytes[STEP_MORE] % 4 == 0 ? 4 : NAMES_SIZE;
    struct hp_control_op op = {.cmd = HP_CONTROL_LIST};
    uint32_t left = idx < model->list_count ? model->list_count - idx : 0;
    uint32_t count = nr < left ? nr : left;
    int32_t rc;

    op.u.list_v2.idx = idx;
    op.u.list_v2.nr = nr;
    if (packed) {
        op.u.list_v2.name_total_size = room;
        op.u.list_v2.status = STATUS_AT;
        op.u.list_v2.name = NAMES_AT;
        op.u.list_v2.len = LENGTHS_AT;
        op.u.list_v2.metadata = METADATA_AT;
        op.u.list_v2.metadata_len = METALENGTH_AT;
    } else {
        op.u.list_v1.status = STATUS_AT;
        op.u.list_v1.name = NAMES_AT;
        op.u.list_v1.len = LENGTHS_AT;
    }
    rc = call(model, packed ? HP_CONTROL_V2 : HP_CONTROL_V1, &op);
    if (idx > 0 && idx >= model->list_count) {
        assert_int_equal(rc, -HP_ERRNO_EINVAL);
        return;
    }
    if (packed && nr > 0 && count * 3 > room) {
        assert_int_equal(rc, -HP_ERRNO_ENOBUFS);
        return;
    }
    assert_int_equal(rc, count);
    assert_int_equal(op_back(model)->u.list_v2.version, model->version);
    assert_int_equal(op_back(model)->u.list_v2.nr, nr == 0 ? model->list_count : left - count);
    if (packed) {
        assert_int_equal(op_back(model)->u.list_v2.name_total_size,
                         3 * (nr == 0 ? model->list_count : count));
        assert_int_equal(op_back(model)->u.list_v2.metadata_total_size, 0);
    }
    compare_listing(model, packed, idx, count);
    model->counts[MODEL_LISTED]++;
}

/* ---- calls that are refused whatever the state is ----------------------------------------------
 */

/* A sound operation, of which one field will be spoilt. */
static struct hp_control_op sound(struct model *model, uint32_t cmd)
{
    struct hp_control_op op = {.cmd = cmd};

    op.u.get.name = put_name(model, 0); /* where upload and action have theirs, too */
    if (cmd == HP_CONTROL_UPLOAD) {
        op.u.upload.size = model->kinds[KIND_ONE].size;
        op.u.upload.payload = FILE_AT;
    } else if (cmd == HP_CONTROL_ACTION) {
        op.u.action_v2.cmd = HP_ACTION_APPLY;
    }
    return op;
}

/* Spoils the name; returns the error. */
static int32_t spoil_name(struct model *model, struct hp_control_op *op, uint8_t how)
{
    struct hp_control_name *name = &op->u.get.name;

    switch (how % 6) {
    case 0:
        name->size = 0;
        return -HP_ERRNO_EINVAL;
    case 1:
        name->size = HP_PAYLOAD_NAME_MAX + 1;
        return -HP_ERRNO_EINVAL;
    case 2:
        name->pad[how / 6 % 3] = 1;
        return -HP_ERRNO_EINVAL;
    case 3:
        name->size = 2; /* the NUL is not counted */
        return -HP_ERRNO_EINVAL;
    case 4:
        name->name = TP_CALLER + CALLER_SIZE - 1;
        return -HP_ERRNO_EFAULT;
    default:
        (void)model;
        name->name = UINT64_MAX - 1; /* wraps */
        return -HP_ERRNO_EFAULT;
    }
}

static int32_t spoil_rest(struct model *model, struct hp_control_op *op, uint8_t how)
{
    switch (how % 6) {
    case 0:
        op->cmd = HP_CONTROL_ACTION + 1 + how;
        return -HP_ERRNO_EOPNOTSUPP;
    case 1:
        op->flags = HP_CONTROL_FORCE << 1;
        return -HP_ERRNO_EINVAL;
    case 2:
        *op = sound(model, HP_CONTROL_UPLOAD);
        op->u.upload.size = how & 8 ? 0 : (uint64_t)model->manager.profile->file_max + 1;
        return -HP_ERRNO_EINVAL;
    case 3:
        *op = sound(model, HP_CONTROL_UPLOAD);
        op->u.upload.payload = TP_CALLER + CALLER_SIZE - 1;
        return -HP_ERRNO_EFAULT;
    case 4:
        *op = sound(model, HP_CONTROL_ACTION);
        op->u.action_v2.cmd = how & 8 ? 0 : HP_ACTION_REPLACE + 1;
        return -HP_ERRNO_EOPNOTSUPP;
    default:
        *op = sound(model, HP_CONTROL_ACTION);
        op->u.action_v2.pad = how & 8 ? 1 : 0;
        op->u.action_v2.flags = how & 8 ? 0 : HP_ACTION_NODEPS << 1;
        return -HP_ERRNO_EINVAL;
    }
}

static void step_bad(struct model *model, const uint8_t *bytes)
{
    static const uint32_t named[] = {HP_CONTROL_UPLOAD, HP_CONTROL_GET, HP_CONTROL_ACTION};
    struct hp_control_op op = sound(model, named[bytes[STEP_WHAT] % 3]);
    uint8_t how = bytes[STEP_NAME];
    int32_t expected;

    switch (bytes[STEP_FLAGS] % 4) {
    case 0:
        model->port->caller.denied = true;
        expected = -HP_ERRNO_EPERM;
        model->counts[MODEL_DENIED]++;
        break;
    case 1:
        expected = spoil_name(model, &op, how);
        break;
    case 2: {
        const uint64_t end = TP_CALLER + CALLER_SIZE;

        /* The structure itself is out of reach, as a whole or but for its head. */
        assert_int_equal(hp_control(&model->manager, HP_CONTROL_V2, end - how % 8, NULL),
                         -HP_ERRNO_EFAULT);
        memset(tp_caller_byte(model->port, end - 8, 8), 0, 8);
        assert_int_equal(hp_control(&model->manager, HP_CONTROL_V2, end - 8, NULL),
                         -HP_ERRNO_EFAULT);
        return;
    }
    default:
        expected = spoil_rest(model, &op, how);
        break;
    }
    assert_int_equal(call(model, HP_CONTROL_V2, &op), expected);
    model->port->caller.denied = false;
    model->counts[MODEL_BAD_CALLS]++;
}

/* ---- the safe point -------------------------------------------------------------------------- */

/* An address that the scheduled action is to change; 0 when it changes none. */
static uint64_t changing(const struct model *model)
{
    const struct entry *entry = &model->entries[model->subject];
    const struct kind *kind = model_kind(model, model->subject);
    uint32_t n;

    for (n = 0; n < kind->patch_count; n++) {
        if (model->pending != HP_ACTION_REVERT || entry->patched[n]) {
            return kind->patches[n].addr + 2;
        }
    }
    return 0;
}

static void check_report(struct model *model, enum hp_status status)
{
    struct hp_action_report report;

    hp_manager_report(&model->manager, &report);
    assert_int_equal(report.status, status);
    assert_int_equal(name_of(report.name), model->subject);
    if (status == HP_RENDEZVOUS_TIMEOUT) {
        assert_int_equal(report.phase, HP_PHASE_GATHER);
        assert_int_equal(report.missing_count, 1);
        assert_int_equal(report.missing[0], 1);
    }
}

/* The window finds memory that is not as it was when the action was scheduled. */
static void run_changed(struct model *model)
{
    uint8_t *byte = tp_byte(model->port, changing(model));

    assert_non_null(byte);
    *byte ^= 0xff;
    hp_safe_point(&model->manager.safepoint);
    *byte ^= 0xff;
    check_report(model, HP_MEMORY_CHANGED);
    model_abandoned(model, -HP_ERRNO_EINVAL);
    model->counts[MODEL_CHANGED]++;
}

static void step_run(struct model *model, const uint8_t *bytes)
{
    struct hp_port *port = model->port;

    if (model->pending == HP_ACTION_NONE) {
        hp_safe_point(&model->manager.safepoint); /* nothing happens */
        return;
    }
    switch (bytes[STEP_WHAT] % 16) {
    case 0: /* a CPU that does not come */
        port->online[1] = true;
        hp_safe_point(&model->manager.safepoint);
        port->online[1] = false;
        check_report(model, HP_RENDEZVOUS_TIMEOUT);
        model_abandoned(model, -HP_ERRNO_EBUSY);
        model->counts[MODEL_TIMED_OUT]++;
        break;
    case 1: /* CPUs are coming or going */
        port->fail_at = port->calls + 1;
        hp_safe_point(&model->manager.safepoint);
        port->fail_at = 0;
        port->failed = HP_OK;
        check_report(model, HP_CPUS_NOT_HELD);
        model_abandoned(model, -HP_ERRNO_EBUSY);
        model->counts[MODEL_NOT_HELD]++;
        break;
    case 2:
        if (changing(model) != 0) {
            run_changed(model);
            break;
        }
        /* fall through */
    default:
        hp_safe_point(&model->manager.safepoint);
        model_carried_out(model);
        break;
    }
}

/* ---- the driver ------------------------------------------------------------------------------ */

void model_step(struct model *model, const uint8_t bytes[MODEL_STEP_BYTES])
{
    uint8_t op = bytes[STEP_OP] % 32;

    model->steps++;
    model->port->caller.failed = false;
    memset(&model->called, 0, sizeof(model->called));
    memset(&model->expected, 0, sizeof(model->expected));
    if (op < 7) {
        step_upload(model, bytes);
    } else if (op < 19) {
        step_action(model, bytes);
    } else if (op < 28) {
        step_run(model, bytes);
    } else if (op == 28) {
        step_get(model, bytes);
    } else if (op < 31) {
        step_list(model, bytes);
    } else {
        step_bad(model, bytes);
    }
    compare(model);
}

struct model *model_new(void)
{
    struct model *model = calloc(1, sizeof(*model));

    assert_non_null(model);
    model->port = tp_new();
    model->port->cpu_limit = 2;
    model->port->on_hook = on_hook;
    model->port->data = model;
    model->port->caller.memory = calloc(1, CALLER_SIZE);
    model->port->caller.size = CALLER_SIZE;
    assert_non_null(model->port->caller.memory);
    model_make_kinds(model);
    memcpy(model->base.text, tp_byte(model->port, TP_TEXT), sizeof(model->base.text));
    memcpy(model->base.table, tp_byte(model->port, TABLE), sizeof(model->base.table));
    assert_int_equal(hp_manager_init(&model->manager, model->port, NULL), HP_OK);
    return model;
}

void model_free(struct model *model)
{
    uint8_t run[MODEL_STEP_BYTES] = {19, 0, 15};
    uint8_t revert[MODEL_STEP_BYTES] = {7, 0, 4, 0, 0xff, 15, 0, 1};

    model_step(model, run);
    while (model->depth > 0) {
        model_step(model, revert);
        model_step(model, run);
    }
    compare_memory(model);
    compare_with(model, &model->base);
    assert_int_equal(hp_manager_close(&model->manager), HP_OK);
    free(model->port->caller.memory);
    tp_free(model->port);
    model_free_kinds(model);
    free(model);
}

uint64_t model_count(const struct model *model, enum model_event event)
{
    return model->counts[event];
}
