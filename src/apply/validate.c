/* SPDX-License-Identifier: BSD-2-Clause */
/* The verdict: load, check the stacking, capture the plan, unload. */
#include <hotpatch/validate.h>

#include <string.h>

#include "base/diag.h"

static enum hp_status judge(struct hp_payload *payload, const struct hp_validate_options *options,
                            struct hp_diag *diag)
{
    enum hp_status status =
        hp_payload_stacks_on(payload, options->applied, options->applied_count, diag);

    if (status == HP_UNDECIDED && options->allow_undecided) {
        status = HP_OK;
    }
    if (status == HP_OK) {
        status = hp_plan_capture(payload, options->applied, options->applied_count, diag);
    }
    if (status == HP_OK && !options->allow_undecided &&
        (payload->undecided.expectations > 0 || payload->undecided.writes > 0)) {
        status = HP_UNDECIDED;
    }
    return status == HP_OK ? HP_OK : hp_fail(diag, HP_STAGE_PLAN, status);
}

enum hp_status hp_validate(struct hp_port *port, const void *data, size_t size,
                           const struct hp_validate_options *options, struct hp_verdict *verdict,
                           struct hp_diag *diag)
{
    static const struct hp_validate_options defaults = {.size = sizeof(defaults)};
    struct hp_load_options load = {.size = sizeof(load)};
    struct hp_payload payload;
    enum hp_status status;

    if (verdict != NULL) {
        memset(verdict, 0, sizeof(*verdict));
        verdict->status = HP_INVALID_ARGUMENT;
    }
    if (options == NULL) {
        options = &defaults;
    }
    if (options->size != sizeof(*options)) {
        return hp_fail(diag, HP_STAGE_CALL, HP_INVALID_ARGUMENT);
    }
    load.profile = options->profile;
    load.loaded = options->applied;
    load.loaded_count = options->applied_count;
    load.allow_undecided = options->allow_undecided;
    load.keyring = options->keyring;
    load.policy = options->policy;
    load.signature = verdict != NULL ? &verdict->signature : NULL;
    status = hp_payload_load(&payload, port, data, size, &load, diag);
    if (status == HP_OK) {
        status = judge(&payload, options, diag);
    }
    if (verdict != NULL) {
        verdict->status = status;
        verdict->undecided = payload.undecided;
        verdict->records = payload.record_count;
        verdict->splices = payload.splice_count;
        verdict->writes = payload.write_count;
        verdict->image_size = payload.image.memory.size;
    }
    hp_payload_unload(&payload);
    return status;
}
