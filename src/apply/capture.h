/* SPDX-License-Identifier: BSD-2-Clause */
/* The capture of a plan in progress, as the lowering of each kind of record sees it. */
#ifndef HP_APPLY_CAPTURE_H
#define HP_APPLY_CAPTURE_H

#include <hotpatch/load.h>

#include "apply/memory.h"
#include "base/diag.h"

/* Bytes of the longest landing pad, and of an instruction behind it that signs. */
#define HP_PAD_MAX  4u
#define HP_SIGN_MAX 4u

struct hp_capture {
    struct hp_payload *payload;
    struct hp_memory memory;
    struct hp_target target;
    struct hp_diag *diag;
};

static inline enum hp_status hp_capture_fail(const struct hp_capture *capture,
                                             enum hp_status status)
{
    return hp_fail(capture->diag, HP_STAGE_PLAN, status);
}

/* True when [addr, addr + size) wraps, or touches the payload itself. */
static inline bool hp_capture_is_own(const struct hp_capture *capture, uint64_t addr, uint64_t size)
{
    const struct hp_image_memory *own = &capture->payload->image.memory;

    return addr > UINT64_MAX - size || (addr + size > own->addr && addr < own->addr + own->size);
}

/* Names the record that a write comes from. */
static inline void hp_note_write(struct hp_diag *diag, const struct hp_write *write)
{
    hp_note_record(diag, write->record);
    if (write->splice) {
        hp_note_section(diag, HP_NO_INDEX, hp_special_name(HP_SPECIAL_SPLICES));
    }
}

#endif
