/* SPDX-License-Identifier: BSD-2-Clause */
/* hotpatch verify: who signed, one verdict a line. */
#include <stdlib.h>
#include <string.h>

#include "common.h"

/* One file and what was found out about it. */
struct verification {
    const char *path;
    const struct trust *trust;
    struct hp_trailer trailer; /* as far as it could be read */
    struct hp_signature_result result;
    struct hp_diag diag;
};

static const char *verdict_name(enum hp_status status)
{
    if (status == HP_UNSIGNED) {
        return "unsigned";
    }
    return status ? "refused" : "verified";
}

/* The key that verified. */
static const struct hp_key *key_of(const struct verification *v)
{
    return &trust_ring(v->trust)->keys[v->result.key];
}

static void print_json(const struct verification *v)
{
    const struct hp_signature_result *result = &v->result;
    const bool is_verified = result->status == HP_OK;
    struct json_object *object = json_new();
    char why[1024];

    (void)hp_diag_format(&v->diag, why, sizeof(why));
    json_put(object, "file", json_bytes_text(v->path, strlen(v->path)));
    json_put(object, "verdict", json_text(verdict_name(result->status)));
    json_put(object, "status", json_text(hp_status_name(result->status)));
    json_put(object, "errno",
             is_verified ? NULL : json_text(hp_errno_name(hp_status_errno(result->status))));
    json_put(object, "key",
             is_verified ? json_bytes_text(key_of(v)->name.data, key_of(v)->name.size) : NULL);
    json_put(object, "key_sha256",
             is_verified ? json_hex(key_of(v)->spki_sha256, HP_SPKI_HASH_SIZE) : NULL);
    json_put(object, "algorithm",
             is_verified ? json_text(hp_key_algorithm_name(result->algorithm)) : NULL);
    claim_put(object, &v->trailer);
    json_put(object, "offset", result->offset == HP_NO_OFFSET ? NULL : json_number(result->offset));
    json_put(object, "message", is_verified ? NULL : json_text(why));
    json_emit(object);
}

static void print_text(const struct verification *v)
{
    const bool colour = want_colour(stdout);
    char *shown = text_escape(v->path, strlen(v->path), TEXT_ALL);
    char *name;

    if (v->result.status == HP_UNSIGNED) {
        printf("%s: %sunsigned%s\n", shown, colour ? "\033[31m" : "", colour ? "\033[0m" : "");
    } else if (v->result.status) {
        print_refusal(stdout, v->path, &v->diag, colour);
    } else {
        name = text_escape(key_of(v)->name.data, key_of(v)->name.size, TEXT_NAME_MAX);
        printf("%s: %sverified%s: by \"%s\", %s, %s, %s, key ", shown, colour ? "\033[32m" : "",
               colour ? "\033[0m" : "", name, hp_signature_format_name(v->result.format),
               hp_key_algorithm_name(v->result.algorithm), hp_hash_name(v->result.hash));
        print_hex(stdout, key_of(v)->spki_sha256, HP_SPKI_HASH_SIZE, "");
        putchar('\n');
        free(name);
    }
    free(shown);
}

static int verify_file(const struct trust *trust, const struct options *options, const char *path,
                       struct hp_verify_workspace *workspace)
{
    struct verification v = {.path = path, .trust = trust};
    struct hp_diag ignored;
    struct file file;
    enum hp_status status;
    int err = file_read(&file, path);

    if (err != 0) {
        complain(path, strerror(err));
        return TOOL_TROUBLE;
    }
    hp_diag_init(&v.diag);
    hp_diag_init(&ignored);
    status = hp_signature_verify(NULL, file.data, file.size, trust_ring(trust), &trust->policy,
                                 workspace, &v.result, &v.diag);
    if (status == HP_OK) {
        status = trust_check_time(trust, &v.result, &v.diag);
    }
    if (options->json) {
        /* What a refused one says of itself helps to find its key; v.diag has the refusal. */
        const enum hp_status claimed = hp_trailer_parse(file.data, file.size, &v.trailer, &ignored);

        (void)claimed;
        print_json(&v);
    } else {
        print_text(&v);
    }
    free(file.data);
    if (status == HP_UNSIGNED) {
        return TOOL_UNSIGNED;
    }
    return status ? TOOL_REFUSED : TOOL_ACCEPTED;
}

/* Of several files the worst counts: trouble, then refused, then unsigned. */
static int worse_of(int a, int b)
{
    static const int severity[] = {
        [TOOL_ACCEPTED] = 0, [TOOL_UNSIGNED] = 1, [TOOL_REFUSED] = 2, [TOOL_TROUBLE] = 3};

    return severity[a] >= severity[b] ? a : b;
}

int verify_run(const struct options *options)
{
    struct hp_verify_workspace *workspace = tool_alloc(1, sizeof(*workspace));
    struct trust trust;
    const int opened = trust_open(&trust, options);
    int worst = opened;
    size_t i;

    for (i = 0; opened == TOOL_ACCEPTED && i < options->file_count; i++) {
        worst = worse_of(worst, verify_file(&trust, options, options->files[i], workspace));
    }
    trust_close(&trust);
    free(workspace);
    return worst;
}
