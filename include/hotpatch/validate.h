/* SPDX-License-Identifier: BSD-2-Clause */
/* The verdict on a payload, in one call, without applying anything. */
#ifndef HOTPATCH_VALIDATE_H
#define HOTPATCH_VALIDATE_H

#include <stdbool.h>
#include <stddef.h>

#include <hotpatch/load.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Options of a validation. Zero everything, set `size`, then set what is wanted. */
struct hp_validate_options {
    size_t size;                             /* sizeof(struct hp_validate_options) */
    const struct hp_profile *profile;        /* NULL: hp_profile_default */
    const struct hp_payload *const *applied; /* loaded payloads, taken as applied in this order;
                                                each needs its plan captured */
    size_t applied_count;
    bool allow_undecided; /* offline: what only the running target can tell does not refuse */
    const struct hp_keyring *keyring;         /* as in struct hp_load_options */
    const struct hp_signature_policy *policy; /* likewise */
};

/* The answer. */
struct hp_verdict {
    enum hp_status status; /* HP_OK: accepted */
    struct hp_undecided undecided;
    struct hp_signature_result signature; /* also of a payload that was refused, as far as known */
    uint32_t records;                     /* of functions */
    uint32_t splices;
    uint32_t writes;
    size_t image_size; /* bytes of target memory that the payload would take */
};

/*
 * Says whether the target would load this payload and could apply it on top of `applied`: loads it,
 * checks its stacking, captures its plan, and unloads it again. It runs the loader's own code, so
 * the answer is the loader's.
 *
 *   port     the target; offline, one from hp_host_open() of the host port
 *   data     the payload file, with its signature if it has one; must not change during the call
 *   size     bytes at data
 *   options  NULL: all defaults
 *   verdict  receives the answer; may be NULL
 *   diag     says where and why it was refused; may be NULL
 *
 * Returns verdict->status: any of hp_payload_load(), hp_payload_stacks_on() and hp_plan_capture();
 * HP_UNDECIDED when the target cannot tell and that is not allowed. Context: load. May sleep.
 * Leaves nothing allocated.
 */
HP_MUST_USE enum hp_status hp_validate(struct hp_port *port, const void *data, size_t size,
                                       const struct hp_validate_options *options,
                                       struct hp_verdict *verdict, struct hp_diag *diag);

#ifdef __cplusplus
}
#endif

#endif
