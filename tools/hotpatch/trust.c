/* SPDX-License-Identifier: BSD-2-Clause */
/* Whom to trust: the key ring and policy of the command line, and the clock. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common.h"

#if HP_WITH_SIGNATURES

#include <hotpatch/host_sign.h>

static bool open_keyring(struct trust *trust, const char *path)
{
    struct hp_diag diag;
    char why[1024];

    hp_diag_init(&diag);
    if (hp_host_keyring_open(&trust->keyring, path, &trust->policy, &diag) == HP_OK) {
        return true;
    }
    (void)hp_diag_format(&diag, why, sizeof(why));
    complain(path, why);
    return false;
}

const struct hp_keyring *trust_ring(const struct trust *trust)
{
    return trust->keyring != NULL ? hp_host_keyring_ring(trust->keyring) : NULL;
}

enum hp_status trust_check_time(const struct trust *trust, struct hp_signature_result *result,
                                struct hp_diag *diag)
{
    struct hp_signature_result refused = {
        .format = result->format,
        .payload_len = result->payload_len,
        .offset = HP_NO_OFFSET,
    };

    if (trust->keyring == NULL || result->status != HP_OK) {
        return HP_OK;
    }
    refused.status =
        hp_host_keyring_check_time(trust->keyring, result->key, (int64_t)time(NULL), diag);
    if (refused.status) {
        *result = refused;
    }
    return refused.status;
}

int trust_open(struct trust *trust, const struct options *options)
{
    memset(trust, 0, sizeof(*trust));
    trust->policy.size = sizeof(trust->policy);
    if (options->policy != NULL && !policy_read(trust, options->policy)) {
        return TOOL_TROUBLE;
    }
    if (options->require_signature) {
        trust->policy.require_signature = true;
    }
    if (options->keyring != NULL && !open_keyring(trust, options->keyring)) {
        return TOOL_TROUBLE;
    }
    return TOOL_ACCEPTED;
}

void trust_close(struct trust *trust)
{
    hp_host_keyring_close(trust->keyring);
    policy_free(trust);
    memset(trust, 0, sizeof(*trust));
}

#else

int trust_open(struct trust *trust, const struct options *options)
{
    const char *path = options->keyring != NULL ? options->keyring : options->policy;

    memset(trust, 0, sizeof(*trust));
    trust->policy.size = sizeof(trust->policy);
    trust->policy.require_signature = options->require_signature;
    if (path != NULL) {
        complain(path, "this build checks no signatures");
    }
    return path != NULL ? TOOL_TROUBLE : TOOL_ACCEPTED;
}

const struct hp_keyring *trust_ring(const struct trust *trust)
{
    (void)trust;
    return NULL;
}

enum hp_status trust_check_time(const struct trust *trust, struct hp_signature_result *result,
                                struct hp_diag *diag)
{
    (void)trust;
    (void)result;
    (void)diag;
    return HP_OK;
}

void trust_close(struct trust *trust)
{
    memset(trust, 0, sizeof(*trust));
}

#endif
