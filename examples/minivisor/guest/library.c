/* SPDX-License-Identifier: BSD-2-Clause */
/* Hypercalls in the form in which the script wants them. */
#include "guest.h"

#include <string.h>

#include <minivisor/format.h>

#define LONG_TIMEOUT_NS 4000000000u
#define MS              1000000u

static struct mv_guest_page *own_page(void)
{
    return (struct mv_guest_page *)MV_GUEST_PAGE;
}

static uint64_t address(const void *pointer)
{
    return (uintptr_t)pointer;
}

void print(const char *format, ...)
{
    char line[256];
    va_list args;
    size_t size;

    va_start(args, format);
    size = mv_format(line, sizeof(line), format, args);
    va_end(args);
    (void)guest_call(MV_CALL_PRINT, address(line), size, 0);
}

_Noreturn void finish(bool good)
{
    for (;;) {
        (void)guest_call(MV_CALL_EXIT, good ? 0 : 1, 0, 0);
    }
}

uint64_t ask(void)
{
    struct mv_guest_page *page = own_page();
    uint64_t answer = (uint64_t)guest_call(MV_CALL_ANSWER, 0, 0, 0);
    uint64_t version = answer >> 32;
    uint64_t tag = answer >> 16 & 0xffff;

    if (version != (answer & 0xffff) || version == 0 || version >= MV_VERSIONS || tag > 1) {
        page->last_wrong = answer;
        page->wrong++;
    } else {
        page->seen[version][tag]++;
    }
    page->calls++;
    return answer;
}

static int64_t fetch(const char *name, struct mv_file *file)
{
    size_t n;

    memset(file, 0, sizeof(*file));
    for (n = 0; n + 1 < sizeof(file->name) && name[n] != '\0'; n++) {
        file->name[n] = name[n];
    }
    file->buffer = MV_GUEST_BUFFER;
    file->room = MV_GUEST_RAM - MV_GUEST_BUFFER;
    return guest_call(MV_CALL_FILE, address(file), 0, 0);
}

bool file_exists(const char *name)
{
    struct mv_file file;

    return fetch(name, &file) == 0;
}

static struct hp_control_name control_name(const char *name)
{
    struct hp_control_name named = {.name = address(name)};

    while (name[named.size] != '\0') {
        named.size++;
    }
    named.size++;
    return named;
}

static int64_t control(struct hp_control_op *op)
{
    return guest_call(MV_CALL_HOTPATCH, address(op), 0, 0);
}

int64_t upload(const char *name)
{
    struct hp_control_op op;
    struct mv_file file;
    int64_t rc = fetch(name, &file);

    if (rc != 0) {
        return rc;
    }
    memset(&op, 0, sizeof(op));
    op.cmd = HP_CONTROL_UPLOAD;
    op.u.upload.name = control_name(name);
    op.u.upload.size = file.size;
    op.u.upload.payload = file.buffer;
    return control(&op);
}

static int64_t get(const char *name, struct hp_control_status *status)
{
    struct hp_control_op op;
    int64_t rc;

    memset(&op, 0, sizeof(op));
    op.cmd = HP_CONTROL_GET;
    op.u.get.name = control_name(name);
    rc = control(&op);
    *status = op.u.get.status;
    return rc;
}

int64_t state_of(const char *name)
{
    struct hp_control_status status;
    int64_t rc = get(name, &status);

    return rc != 0 ? rc : (int64_t)status.state;
}

int64_t action(const char *name, enum hp_action_command command, uint32_t timeout_ms)
{
    struct hp_control_status status;
    struct hp_control_op op;
    int64_t rc;

    memset(&op, 0, sizeof(op));
    op.cmd = HP_CONTROL_ACTION;
    op.u.action_v2.name = control_name(name);
    op.u.action_v2.cmd = command;
    op.u.action_v2.time = timeout_ms == 0 ? LONG_TIMEOUT_NS : timeout_ms * MS;
    rc = control(&op);
    if (rc != 0 || command == HP_ACTION_UNLOAD) {
        return rc;
    }
    do {
        (void)ask();
        rc = get(name, &status);
    } while (rc == 0 && status.rc == -HP_ERRNO_EAGAIN);
    return rc != 0 ? rc : status.rc;
}

int64_t list_count(void)
{
    struct hp_control_op op;
    int64_t rc;

    memset(&op, 0, sizeof(op));
    op.cmd = HP_CONTROL_LIST;
    rc = control(&op);
    return rc != 0 ? rc : (int64_t)op.u.list_v2.nr;
}

struct mv_report *report(void)
{
    static struct mv_report answer;

    (void)guest_call(MV_CALL_REPORT, address(&answer), 0, 0);
    return &answer;
}

struct mv_guest_info *guest_info(uint32_t guest)
{
    static struct mv_guest_info answer;

    (void)guest_call(MV_CALL_GUEST, guest, address(&answer), 0);
    return &answer;
}
