/* SPDX-License-Identifier: BSD-2-Clause */
/* The part of `hotpatch inspect` on who signed a payload. */
#include <stdlib.h>

#include "inspect.h"

#if HP_WITH_SIGNATURES

enum hp_status inspect_verify(struct inspection *in, struct hp_diag *diag)
{
    const struct file *file = &in->loaded.file;
    struct hp_verify_workspace *workspace;
    enum hp_status status;

    in->trailer_status = hp_trailer_parse(file->data, file->size, &in->trailer, NULL);
    if (trust_ring(&in->trust) == NULL || in->trailer_status == HP_UNSIGNED) {
        return HP_OK;
    }
    workspace = tool_alloc(1, sizeof(*workspace));
    status = hp_signature_verify(in->port, file->data, file->size, trust_ring(&in->trust),
                                 &in->trust.policy, workspace, &in->result, diag);
    free(workspace);
    if (status == HP_OK) {
        status = trust_check_time(&in->trust, &in->result, diag);
    }
    return status;
}

/* The key that verified the signature; NULL when none did. */
static const struct hp_key *key_of(const struct inspection *in)
{
    const struct hp_keyring *ring = trust_ring(&in->trust);

    return ring != NULL && in->trailer_status == HP_OK && in->result.status == HP_OK
               ? &ring->keys[in->result.key]
               : NULL;
}

void inspect_print_signer(const struct inspection *in)
{
    const struct hp_key *key = key_of(in);
    char *name;

    if (in->trailer_status != HP_OK) {
        return;
    }
    printf("claims       ");
    claim_print(stdout, &in->trailer);
    putchar('\n');
    if (key != NULL) {
        name = text_escape(key->name.data, key->name.size, TEXT_NAME_MAX);
        printf("signed by    \"%s\"\n", name);
        free(name);
    }
}

struct json_object *inspect_signer_value(const struct inspection *in)
{
    const bool is_judged = trust_ring(&in->trust) != NULL;
    const struct hp_key *key = key_of(in);
    struct json_object *object;

    if (in->trailer_status != HP_OK) {
        return NULL;
    }
    object = json_new();
    claim_put(object, &in->trailer);
    json_put(object, "verified", is_judged ? json_flag(key != NULL) : NULL);
    json_put(object, "status", is_judged ? json_text(hp_status_name(in->result.status)) : NULL);
    json_put(object, "key", key != NULL ? json_bytes_text(key->name.data, key->name.size) : NULL);
    return object;
}

#else

enum hp_status inspect_verify(struct inspection *in, struct hp_diag *diag)
{
    (void)in;
    (void)diag;
    return HP_OK;
}

void inspect_print_signer(const struct inspection *in)
{
    (void)in;
}

struct json_object *inspect_signer_value(const struct inspection *in)
{
    (void)in;
    return NULL;
}

#endif
