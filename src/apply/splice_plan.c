/* SPDX-License-Identifier: BSD-2-Clause */
/* The plan of splices: where they may lie, what must stand there, and what is put there instead. */
#include <string.h>

#include "apply/splices.h"
#include "arch/arch.h"
#include "base/span.h"

/* One splice being lowered. */
struct lowering {
    const struct hp_capture *capture;
    const struct hp_splice *splice;
    struct hp_write *write;
};

static enum hp_status fail_numbers(const struct lowering *lowering, enum hp_status status,
                                   uint64_t expected, uint64_t actual)
{
    return hp_fail_numbers(lowering->capture->diag, HP_STAGE_PLAN, status, expected, actual);
}

/* Says whether bytes at the place may be spliced, and whether they are code or read-only data. */
static enum hp_status ask_place(const struct lowering *lowering, size_t size)
{
    struct hp_port *port = lowering->capture->payload->port;
    uint64_t addr = lowering->splice->addr;
    enum hp_status status = HP_PATCH_RANGE;

    if (!hp_capture_is_own(lowering->capture, addr, size)) {
        status = hp_port_patchable(port, addr, size);
        lowering->write->data = status == HP_PATCH_RANGE ? 1 : 0;
        if (status == HP_PATCH_RANGE) {
            status = hp_port_spliceable(port, addr, size);
        }
    }
    return status;
}

/* The place: allowed, aligned, inside the function or object. */
static enum hp_status check_place(const struct lowering *lowering, size_t size)
{
    const struct hp_splice *splice = lowering->splice;
    const struct hp_arch *arch = lowering->capture->payload->arch;
    bool is_pointer = splice->kind == HP_SPLICE_OF_POINTER;
    bool is_bytes = splice->kind == HP_SPLICE_OF_BYTES;
    uint64_t align = is_pointer ? arch->word : arch->insn_min;
    enum hp_status status = ask_place(lowering, size);

    if (status) {
        return fail_numbers(lowering, status, size, splice->addr);
    }
    if (lowering->write->data && !is_bytes && !is_pointer) {
        return hp_capture_fail(lowering->capture, HP_SPLICE_NOT_CODE);
    }
    if (lowering->write->data && is_bytes) {
        align = 1;
    }
    if (((splice->addr | size) & (align - 1)) != 0) {
        return fail_numbers(lowering, HP_SPLICE_ALIGN, align, splice->addr);
    }
    if (splice->limit != 0 && splice->addr + size > splice->limit) {
        return fail_numbers(lowering, HP_SPLICE_BOUNDS, splice->limit, splice->addr + size);
    }
    return HP_OK;
}

/* True when the splice has a byte in [start, start + size). */
static bool touches(const struct lowering *lowering, uint64_t start, uint64_t size)
{
    uint64_t addr = lowering->splice->addr;

    return addr < start + size && addr + lowering->write->size > start;
}

/* A landing pad of the function stays as it is, and so does what signs the return address there. */
static enum hp_status check_entry(const struct lowering *lowering)
{
    const struct hp_splice *splice = lowering->splice;
    const struct hp_arch *arch = lowering->capture->payload->arch;
    uint8_t bytes[HP_PAD_MAX + HP_SIGN_MAX];
    size_t size = sizeof(bytes);
    enum hp_status status;
    uint32_t uncertain;
    size_t pad;

    if (lowering->write->data || splice->start == 0 || splice->addr - splice->start >= size) {
        return HP_OK;
    }
    if (splice->limit - splice->start < size && splice->limit != 0) {
        size = (size_t)(splice->limit - splice->start);
    }
    status = hp_memory_read(&lowering->capture->memory, splice->start, bytes, size, &uncertain);
    if (status) {
        return hp_capture_fail(lowering->capture, status);
    }
    pad = arch->landing_pad(bytes, size);
    if (touches(lowering, splice->start, pad)) {
        return hp_capture_fail(lowering->capture, HP_PATCH_LANDING_PAD);
    }
    if (arch->signs_return != NULL && arch->signs_return(bytes + pad, size - pad) &&
        touches(lowering, splice->start + pad, HP_SIGN_MAX)) {
        return hp_capture_fail(lowering->capture, HP_PATCH_SIGNING);
    }
    return HP_OK;
}

/* Landing pads inside of functions, as behind calls that return twice: they stay as well. */
static enum hp_status check_pads(const struct lowering *lowering)
{
    const struct hp_write *write = lowering->write;
    const struct hp_arch *arch = lowering->capture->payload->arch;
    uint32_t n;

    for (n = 0; n < write->size && !write->data; n += arch->insn_min) {
        size_t pad = arch->landing_pad(write->old_bytes + n, write->size - (size_t)n);

        if (pad != 0 && memcmp(write->old_bytes + n, write->new_bytes + n, pad) != 0) {
            return hp_capture_fail(lowering->capture, HP_PATCH_LANDING_PAD);
        }
    }
    return HP_OK;
}

/* Reads what stands at the place; bit n of *uncertain: byte n is not known. */
static enum hp_status read_old(const struct lowering *lowering, size_t size, uint32_t *uncertain)
{
    struct hp_write *write = lowering->write;
    enum hp_status status = hp_memory_read(&lowering->capture->memory, lowering->splice->addr,
                                           write->old_bytes, size, uncertain);

    write->addr = lowering->splice->addr;
    write->size = (uint8_t)size;
    write->uncertain = *uncertain != 0 ? 1 : 0;
    return status == HP_OK ? HP_OK : hp_capture_fail(lowering->capture, status);
}

/* What stands there is no address that was expected; that counts only where it is known. */
static enum hp_status differs(const struct lowering *lowering, enum hp_status status,
                              uint64_t expected, uint64_t actual)
{
    if (lowering->write->uncertain) {
        lowering->capture->payload->undecided.expectations++;
        return HP_OK;
    }
    return fail_numbers(lowering, status, expected, actual);
}

static enum hp_status lower_bytes(const struct lowering *lowering)
{
    const struct hp_splice *splice = lowering->splice;
    struct hp_write *write = lowering->write;
    enum hp_status status = check_place(lowering, splice->size);
    uint32_t uncertain = 0;
    bool is_decided = true;
    uint32_t n;

    if (status == HP_OK) {
        status = read_old(lowering, splice->size, &uncertain);
    }
    if (status) {
        return status;
    }
    write->kind = HP_WRITE_BYTES;
    memcpy(write->new_bytes, splice->new_bytes, splice->size);
    for (n = 0; n < splice->size; n++) {
        if (write->old_bytes[n] == splice->old_bytes[n]) {
            continue;
        }
        if ((uncertain >> n & 1) == 0) {
            status = fail_numbers(lowering, HP_EXPECT_MISMATCH, splice->old_bytes[n],
                                  write->old_bytes[n]);
            hp_note_offset(lowering->capture->diag, n);
            return status;
        }
        is_decided = false;
    }
    lowering->capture->payload->undecided.expectations += is_decided ? 0 : 1;
    return HP_OK;
}

static enum hp_status lower_pointer(const struct lowering *lowering)
{
    const struct hp_splice *splice = lowering->splice;
    const struct hp_arch *arch = lowering->capture->payload->arch;
    struct hp_write *write = lowering->write;
    enum hp_status status = check_place(lowering, arch->word);
    uint32_t uncertain;
    uint64_t old;

    if (status == HP_OK) {
        status = read_old(lowering, arch->word, &uncertain);
    }
    if (status) {
        return status;
    }
    write->kind = HP_WRITE_POINTER;
    write->dest = splice->new_target;
    hp_store_word(arch, write->new_bytes, splice->new_target);
    old = hp_load_word(arch, write->old_bytes);
    if (old != splice->old_target) {
        status = differs(lowering, HP_SPLICE_OLD_TARGET, splice->old_target, old);
    }
    return status;
}

/* Reads as much of the code at the place as a branch can have. */
static enum hp_status read_branch(const struct lowering *lowering)
{
    const size_t least = lowering->capture->payload->arch->insn_min;
    size_t size = HP_BRANCH_MAX;
    uint32_t uncertain;
    enum hp_status status = check_place(lowering, least);

    if (status) {
        return status;
    }
    while (size > least && ask_place(lowering, size) != HP_OK) {
        size -= least;
    }
    return read_old(lowering, size, &uncertain);
}

/* Leads a call or jump elsewhere; nothing else of the instruction changes. */
static enum hp_status lower_branch(const struct lowering *lowering)
{
    const struct hp_splice *splice = lowering->splice;
    const struct hp_branch_form *form = lowering->capture->payload->arch->branches;
    const bool is_call = splice->kind == HP_SPLICE_OF_CALL;
    struct hp_write *write = lowering->write;
    enum hp_status status = read_branch(lowering);
    struct hp_branch branch;
    uint64_t distance;

    if (status) {
        return status;
    }
    write->kind = is_call ? HP_WRITE_CALL_TO : HP_WRITE_JUMP_TO;
    write->dest = splice->new_target;
    if (!form->decode(write->old_bytes, write->size, splice->addr, &branch) ||
        branch.is_call != is_call) {
        status = differs(lowering, HP_SPLICE_NOT_BRANCH, 0, hp_le32(write->old_bytes));
        write->size = 0; /* if it is one in the end, which one is not known */
        return status;
    }
    write->size = branch.size;
    memset(write->old_bytes + branch.size, 0, HP_BRANCH_MAX - (size_t)branch.size);
    memcpy(write->new_bytes, write->old_bytes, branch.size);
    if (!form->encode(&branch, write->new_bytes, splice->addr, splice->new_target, &distance)) {
        return fail_numbers(lowering, HP_PATCH_REACH, branch.reach, distance);
    }
    status = check_place(lowering, branch.size);
    if (status == HP_OK && branch.to != splice->old_target) {
        status = differs(lowering, HP_SPLICE_OLD_TARGET, splice->old_target, branch.to);
    }
    return status;
}

enum hp_status hp_splice_lower(const struct hp_capture *capture, uint32_t index,
                               struct hp_write *write)
{
    struct hp_splice *splice = &capture->payload->splices[index];
    struct lowering lowering = {.capture = capture, .splice = splice, .write = write};
    enum hp_status status;

    memset(write, 0, sizeof(*write));
    write->record = index;
    write->splice = 1;
    write->patched = &splice->patched;
    if (splice->kind == HP_SPLICE_OF_BYTES) {
        status = lower_bytes(&lowering);
    } else if (splice->kind == HP_SPLICE_OF_POINTER) {
        status = lower_pointer(&lowering);
    } else {
        status = lower_branch(&lowering);
    }
    if (status == HP_OK && write->size != 0) {
        status = check_entry(&lowering);
        if (status == HP_OK) {
            status = check_pads(&lowering);
        }
        capture->payload->undecided.writes += write->uncertain;
    }
    return status;
}
