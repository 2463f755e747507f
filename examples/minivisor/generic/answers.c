/* SPDX-License-Identifier: BSD-2-Clause */
/* What payloads patch. Kept apart, and from being inlined, so that there is something to patch. */
#include <minivisor/mv.h>

#define PATCHABLE __attribute__((__noinline__, __noclone__, __noipa__))

PATCHABLE uint32_t mv_answer_high(void)
{
    return MV_VERSION_OLD;
}

PATCHABLE uint32_t mv_answer_low(void)
{
    return MV_VERSION_OLD;
}

PATCHABLE void mv_count(struct mv_vcpu *vcpu)
{
    /* What the guest counted of the last answer is seen by whoever sees this. */
    __atomic_store_n(&vcpu->calls, vcpu->calls + 1, __ATOMIC_RELEASE);
}

PATCHABLE void mv_tag(struct mv_vcpu *vcpu)
{
    vcpu->tag = 1;
}

PATCHABLE uint32_t mv_nmi_version(void)
{
    return MV_VERSION_OLD;
}
