/* SPDX-License-Identifier: BSD-2-Clause */
/* Exceptions of the hypervisor itself. Arm ARM, "ESR_ELx, Exception Syndrome Register". */
#include "arm64.h"

#define CLASS(syndrome)         ((uint32_t)((syndrome) >> 26 & 0x3f))
#define CLASS_INSTRUCTION_ABORT 0x21u
#define CLASS_DATA_ABORT        0x25u

/* As vectors.S pushes it. */
struct frame {
    uint64_t x[31];
    uint64_t pc;
    uint64_t state;
};

void arm64_exception(struct frame *frame);
_Noreturn void arm64_unexpected(const struct frame *frame);

MV_DENY void arm64_exception(struct frame *frame)
{
    uint64_t syndrome = ARM64_READ(esr_el2);
    uint32_t class = CLASS(syndrome);
    struct mv_fault fault = {.pc = frame->pc, .caller = frame->x[30]};

    if (class == CLASS_INSTRUCTION_ABORT || class == CLASS_DATA_ABORT) {
        fault.addr = ARM64_READ(far_el2);
    }
    /* Nothing of the function has run: the link register is what the call has left there. */
    fault.fetch = class == CLASS_INSTRUCTION_ABORT;
    if ((class != CLASS_INSTRUCTION_ABORT && class != CLASS_DATA_ABORT) || !mv_fault(&fault)) {
        mv_panic("exception %lx at %lx, address %lx, state %lx, stack %lx", syndrome, frame->pc,
                 fault.addr, frame->state, (uint64_t)(uintptr_t)(frame + 1));
    }
    frame->pc = fault.pc;
    if (fault.leave) {
        frame->x[0] = 0;
    }
}

_Noreturn MV_DENY void arm64_unexpected(const struct frame *frame)
{
    (void)frame;
    mv_panic("unexpected exception, ESR %lx ELR %lx", ARM64_READ(esr_el2), ARM64_READ(elr_el2));
}
