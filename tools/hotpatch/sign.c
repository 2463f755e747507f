/* SPDX-License-Identifier: BSD-2-Clause */
/* hotpatch sign: signs a payload, or gives an off-line signer what it needs. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <hotpatch/host_sign.h>

#include "common.h"

#define TOKEN_PREFIX "pkcs11:"

/* "hotpatch: PATH: refused: STATUS: WHY" on stderr. Returns TOOL_REFUSED. */
static int refuse(const char *path, const struct hp_diag *diag)
{
    fputs("hotpatch: ", stderr);
    print_refusal(stderr, path, diag, false);
    return TOOL_REFUSED;
}

/* The same for what is no answer on the payload. */
static int trouble(const char *path, const struct hp_diag *diag)
{
    char why[1024];

    (void)hp_diag_format(diag, why, sizeof(why));
    complain(path, why);
    return TOOL_TROUBLE;
}

int sign_read(struct file *file, const char *path)
{
    int err = file_read(file, path);

    if (err != 0) {
        complain(path, strerror(err));
        return TOOL_TROUBLE;
    }
    if (file_is_cut(file)) {
        complain(path, "too large for a payload");
        free(file->data);
        return TOOL_TROUBLE;
    }
    return TOOL_ACCEPTED;
}

int sign_certificate(struct hp_certificate **certificate, const struct options *options)
{
    const char *path = options->certificate;
    struct file file;
    struct hp_diag diag;
    enum hp_status status;
    int err = file_read(&file, path);

    *certificate = NULL;
    if (err != 0) {
        complain(path, strerror(err));
        return TOOL_TROUBLE;
    }
    hp_diag_init(&diag);
    status = hp_certificate_read(certificate, file.data, file.size, &diag);
    free(file.data);
    if (status == HP_OK) {
        status = hp_certificate_check_time(*certificate, (int64_t)time(NULL), &diag);
    }
    if (status == HP_OK) {
        return TOOL_ACCEPTED;
    }
    hp_certificate_free(*certificate);
    *certificate = NULL;
    return status == HP_CERTIFICATE_USAGE || status == HP_CERTIFICATE_EXPIRED
               ? refuse(path, &diag)
               : trouble(path, &diag);
}

struct hp_sign_options sign_options(const struct options *options)
{
    const struct hp_sign_options how = {
        .size = sizeof(how),
        .format = options->format,
        .hash = options->hash,
        .resign = options->resign,
        .allow_weak_key = options->allow_weak_key,
    };

    return how;
}

int sign_finish(struct hp_signed *made, enum hp_status status, const struct hp_diag *diag,
                const struct options *options)
{
    bool ok;

    if (status == HP_NO_MEMORY || status == HP_SIGNING_FAILED || status == HP_KEY_MISMATCH) {
        return trouble(options->files[0], diag);
    }
    if (status) {
        return refuse(options->files[0], diag);
    }
    ok = output_bytes(options->output, made->data, made->size);
    hp_signed_free(made);
    return ok ? TOOL_ACCEPTED : TOOL_TROUBLE;
}

/* ---- private keys ---------------------------------------------------------------------------- */

static enum hp_status read_key(struct hp_private_key **key, const char *name,
                               const struct file *file, const char *secret, struct hp_diag *diag)
{
    hp_diag_init(diag);
    if (file == NULL) {
        return hp_private_key_open_token(key, name, secret, diag);
    }
    return hp_private_key_read(key, file->data, file->size, secret, diag);
}

/* A token's keys want a PIN; for a file a secret is asked for only when it needs one. */
static int open_key(struct hp_private_key **key, const struct options *options)
{
    const char *name = options->key;
    const bool is_token = strncmp(name, TOKEN_PREFIX, strlen(TOKEN_PREFIX)) == 0;
    char secret[SECRET_MAX];
    struct file file = {0};
    struct hp_diag diag;
    enum hp_status status = HP_KEY_LOCKED;
    int err = is_token ? 0 : file_read(&file, name);
    int rc = TOOL_ACCEPTED;

    if (err != 0) {
        complain(name, strerror(err));
        return TOOL_TROUBLE;
    }
    if (!is_token) {
        status = read_key(key, name, &file, NULL, &diag);
    }
    if (status == HP_KEY_LOCKED && !secret_get(options, name, secret)) {
        rc = TOOL_TROUBLE;
    } else if (status == HP_KEY_LOCKED) {
        status = read_key(key, name, is_token ? NULL : &file, secret, &diag);
        secret_wipe(secret, sizeof(secret));
    }
    if (rc == TOOL_ACCEPTED && status != HP_OK) {
        rc = trouble(name, &diag);
    }
    if (file.data != NULL) {
        secret_wipe(file.data, file.size);
        free(file.data);
    }
    return rc;
}

/* ---- the command ----------------------------------------------------------------------------- */

static int write_digest(const struct file *file, const struct options *options)
{
    const struct hp_sign_options how = sign_options(options);
    uint8_t digest[HP_DIGEST_MAX];
    size_t size;
    struct hp_diag diag;

    hp_diag_init(&diag);
    if (hp_sign_digest(digest, &size, file->data, file->size, &how, &diag) != HP_OK) {
        return refuse(options->files[0], &diag);
    }
    return output_bytes(options->output, digest, size) ? TOOL_ACCEPTED : TOOL_TROUBLE;
}

int sign_bytes(const struct file *file, const struct options *options)
{
    const struct hp_sign_options how = sign_options(options);
    struct hp_certificate *certificate;
    struct hp_private_key *key = NULL;
    struct hp_signed made = {0};
    struct hp_diag diag;
    enum hp_status status;
    int rc = sign_certificate(&certificate, options);

    if (rc == TOOL_ACCEPTED) {
        rc = open_key(&key, options);
    }
    if (rc == TOOL_ACCEPTED) {
        hp_diag_init(&diag);
        status = hp_sign(&made, file->data, file->size, key, certificate, &how, &diag);
        rc = sign_finish(&made, status, &diag, options);
    }
    hp_private_key_free(key);
    hp_certificate_free(certificate);
    return rc;
}

int sign_run(const struct options *options)
{
    struct file file;
    int rc = sign_read(&file, options->files[0]);

    if (rc == TOOL_ACCEPTED) {
        rc = options->digest_only ? write_digest(&file, options) : sign_bytes(&file, options);
        free(file.data);
    }
    return rc;
}
