/* SPDX-License-Identifier: BSD-2-Clause */
/* An entry of the table of hypercalls, which is read-only, becomes that of a new function. */
#include <hotpatch/payload.h>

#define VERSION UINT64_C(4) /* MV_VERSION_SPLICED */
#define TAG     UINT64_C(1)

struct mv_vcpu;

extern __attribute__((__visibility__("hidden"))) void mv_count(struct mv_vcpu *vcpu);

static uint64_t new_answer(struct mv_vcpu *vcpu, const uint64_t *args)
{
    (void)args;
    mv_count(vcpu);
    return VERSION << 32 | TAG << 16 | VERSION;
}

HP_SPLICE_POINTER(answer, "mv_hypercalls+0", "hypercall.c#call_answer", new_answer);
