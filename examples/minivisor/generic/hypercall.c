/* SPDX-License-Identifier: BSD-2-Clause */
/* Hypercalls: a table of handlers, which payloads change, too. */
#include <string.h>

#include <hotpatch/control.h>

#include <minivisor/arch.h>

#include "layout.h"

typedef uint64_t mv_handler(struct mv_vcpu *vcpu, const uint64_t *args);

static uint64_t error(int32_t number)
{
    return (uint64_t)(int64_t)-number;
}

/* ---- guest memory -------------------------------------------------------------------------- */

bool mv_guest_read(const struct mv_vcpu *vcpu, void *to, uint64_t from, uint64_t size)
{
    if (!mv_within(from, size, 0, MV_GUEST_RAM)) {
        return false;
    }
    memcpy(to, vcpu->ram + from, size);
    return true;
}

bool mv_guest_write(struct mv_vcpu *vcpu, uint64_t to, const void *from, uint64_t size)
{
    if (!mv_within(to, size, 0, MV_GUEST_RAM)) {
        return false;
    }
    memcpy(vcpu->ram + to, from, size);
    return true;
}

/* ---- for every guest ----------------------------------------------------------------------- */

static uint64_t call_answer(struct mv_vcpu *vcpu, const uint64_t *args)
{
    uint32_t high = mv_answer_high();

    (void)args;
    mv_count(vcpu);
    vcpu->tag = 0;
    mv_tag(vcpu);
    return (uint64_t)high << 32 | (uint64_t)vcpu->tag << 16 | mv_answer_low();
}

static uint64_t call_spare(struct mv_vcpu *vcpu, const uint64_t *args)
{
    (void)vcpu;
    (void)args;
    return MV_SPARE;
}

/* ---- for guest 0 --------------------------------------------------------------------------- */

/* Whether a request is one that a report is about: not a question, and guest 0's. */
static bool is_reported(const struct mv_vcpu *vcpu, uint64_t op)
{
    uint32_t cmd;

    return vcpu->id == 0 && mv_guest_read(vcpu, &cmd, op, sizeof(cmd)) &&
           (cmd == HP_CONTROL_UPLOAD || cmd == HP_CONTROL_ACTION);
}

/* Who may use it is asked by the library (hp_port_control_permit()). */
static uint64_t call_hotpatch(struct mv_vcpu *vcpu, const uint64_t *args)
{
    bool reported = is_reported(vcpu, args[0]);
    struct hp_diag diag;
    int32_t rc;

    hp_diag_init(&diag);
    if (reported) {
        mv_report_begin();
    }
    rc = hp_control(&mv_manager, HP_CONTROL_V2, args[0], &diag);
    if (reported) {
        mv_report_end(&diag);
    }
    return (uint64_t)(int64_t)rc;
}

static uint64_t call_print(struct mv_vcpu *vcpu, const uint64_t *args)
{
    if (!mv_within(args[0], args[1], 0, MV_GUEST_RAM)) {
        return error(HP_ERRNO_EFAULT);
    }
    mv_write((const char *)vcpu->ram + args[0], args[1]);
    return 0;
}

static uint64_t call_file(struct mv_vcpu *vcpu, const uint64_t *args)
{
    struct mv_file file;
    const uint8_t *bytes;

    if (!mv_guest_read(vcpu, &file, args[0], sizeof(file))) {
        return error(HP_ERRNO_EFAULT);
    }
    file.name[sizeof(file.name) - 1] = '\0';
    bytes = mv_archive_find(file.name, &file.size);
    if (bytes == NULL) {
        return error(HP_ERRNO_ENOENT);
    }
    if (file.size > file.room) {
        return error(HP_ERRNO_ENOBUFS);
    }
    return mv_guest_write(vcpu, file.buffer, bytes, file.size) &&
                   mv_guest_write(vcpu, args[0], &file, sizeof(file))
               ? 0
               : error(HP_ERRNO_EFAULT);
}

/*
 * Counters of one guest, while it goes on counting: each is true at some moment of the call. That
 * of the hypervisor is read before the guest's own, so that it is at most one ahead of it, however
 * long the rest takes.
 */
static uint64_t call_guest(struct mv_vcpu *vcpu, const uint64_t *args)
{
    struct mv_guest_info info;
    const struct mv_cpu *cpu;

    if (args[0] >= mv_cpu_count) {
        return error(HP_ERRNO_EINVAL);
    }
    cpu = &mv_cpus[args[0]];
    memset(&info, 0, sizeof(info));
    info.calls = __atomic_load_n(&cpu->vcpu.calls, __ATOMIC_ACQUIRE);
    memcpy(&info.page, cpu->vcpu.ram + MV_GUEST_PAGE, sizeof(info.page));
    info.exits = cpu->vcpu.exits;
    info.kicks = cpu->vcpu.interrupts;
    info.nmis = cpu->nmi.handled;
    info.nmis_held = cpu->nmi.held;
    info.nmi_version = cpu->nmi.version;
    return mv_guest_write(vcpu, args[1], &info, sizeof(info)) ? 0 : error(HP_ERRNO_EFAULT);
}

static uint64_t call_report(struct mv_vcpu *vcpu, const uint64_t *args)
{
    struct mv_report report;

    mv_report_fill(&report);
    return mv_guest_write(vcpu, args[0], &report, sizeof(report)) ? 0 : error(HP_ERRNO_EFAULT);
}

static uint64_t test_probe(struct mv_vcpu *vcpu, uint64_t index, uint64_t to)
{
    struct mv_probe probe;

    if (index >= mv_probe_count()) {
        return error(HP_ERRNO_EINVAL);
    }
    mv_probe((uint32_t)index, &probe);
    return mv_guest_write(vcpu, to, &probe, sizeof(probe)) ? 0 : error(HP_ERRNO_EFAULT);
}

static uint64_t test_guest(uint64_t what, uint64_t guest)
{
    struct mv_guest_page *page;

    if (guest == 0 || guest >= mv_cpu_count) {
        return error(HP_ERRNO_EINVAL);
    }
    page = (struct mv_guest_page *)(void *)(mv_cpus[guest].vcpu.ram + MV_GUEST_PAGE);
    if (what == MV_TEST_STALL || what == MV_TEST_RESUME) {
        __atomic_store_n(&mv_cpus[guest].stalled, what == MV_TEST_STALL, __ATOMIC_RELEASE);
    } else {
        __atomic_store_n(&page->silent, what == MV_TEST_SILENT, __ATOMIC_RELEASE);
    }
    return 0;
}

static uint64_t call_test(struct mv_vcpu *vcpu, const uint64_t *args)
{
    switch (args[0]) {
    case MV_TEST_HOOKS:
        mv_hooks_reset((char)args[1]);
        return 0;
    case MV_TEST_PROBES:
        return mv_probe_count();
    case MV_TEST_PROBE:
        return test_probe(vcpu, args[1], args[2]);
    case MV_TEST_NMI:
        return mv_arch_has_nmi();
    case MV_TEST_MEMORY:
        return mv_memory_used();
    case MV_TEST_STALL:
    case MV_TEST_RESUME:
    case MV_TEST_SILENT:
    case MV_TEST_TALK:
        return test_guest(args[0], args[1]);
    default:
        return error(HP_ERRNO_EOPNOTSUPP);
    }
}

static uint64_t call_exit(struct mv_vcpu *vcpu, const uint64_t *args)
{
    (void)vcpu;
    mv_arch_exit((uint32_t)args[0]);
}

/* ---- the table ------------------------------------------------------------------------------- */

/* Read-only, and changed all the same: by a payload that splices an entry. */
mv_handler *const mv_hypercalls[MV_CALLS] __attribute__((__used__)) = {
    [MV_CALL_ANSWER] = call_answer,     [MV_CALL_SPARE] = call_spare,
    [MV_CALL_HOTPATCH] = call_hotpatch, [MV_CALL_PRINT] = call_print,
    [MV_CALL_FILE] = call_file,         [MV_CALL_GUEST] = call_guest,
    [MV_CALL_REPORT] = call_report,     [MV_CALL_TEST] = call_test,
    [MV_CALL_EXIT] = call_exit,
};

void mv_hypercall(struct mv_vcpu *vcpu)
{
    struct mv_guest_call *call = &vcpu->call;
    mv_handler *const volatile *table = mv_hypercalls; /* entries change behind our back */

    if (call->number >= MV_CALLS) {
        call->result = error(HP_ERRNO_ENOSYS);
    } else if (call->number > MV_CALL_HOTPATCH && vcpu->id != 0) {
        call->result = error(HP_ERRNO_EPERM);
    } else {
        call->result = table[call->number](vcpu, call->args);
    }
}
