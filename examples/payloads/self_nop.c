/* SPDX-License-Identifier: BSD-2-Clause */
/* Brings no code: the call of audit() in visit() becomes NOPs, so that no visit is audited. */
#include <hotpatch/payload.h>

#define STRING_(x) #x
#define STRING(x)  STRING_(x)

/* A near call with a 32-bit displacement. */
#define CALL_SIZE 5

HP_PATCH_NOP(audit, "visit+" STRING(TARGET_CALL_visit_TO_audit), CALL_SIZE, CALL_SIZE);
