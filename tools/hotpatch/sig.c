/* SPDX-License-Identifier: BSD-2-Clause */
/* hotpatch sig: shows, removes and attaches signatures; none of that verifies them but the last. */
#include <stdlib.h>
#include <string.h>

#include <hotpatch/host_sign.h>

#include "common.h"

/* What is to be said of a file; its exit status. */
static int exit_status(enum hp_status status)
{
    if (status == HP_UNSIGNED) {
        return TOOL_UNSIGNED;
    }
    return status ? TOOL_REFUSED : TOOL_ACCEPTED;
}

static void show_json(const char *path, const struct hp_trailer *trailer, enum hp_status status,
                      const struct hp_diag *diag)
{
    struct json_object *object = json_new();
    char why[1024];

    (void)hp_diag_format(diag, why, sizeof(why));
    json_put(object, "file", json_bytes_text(path, strlen(path)));
    json_put(object, "status", json_text(hp_status_name(status)));
    claim_put(object, trailer);
    json_put(object, "offset", diag->offset == HP_NO_OFFSET ? NULL : json_number(diag->offset));
    json_put(object, "message", status ? json_text(why) : NULL);
    json_emit(object);
}

static void show_text(const char *path, const struct hp_trailer *trailer, enum hp_status status,
                      const struct hp_diag *diag)
{
    char *shown = text_escape(path, strlen(path), TEXT_ALL);

    if (status == HP_UNSIGNED) {
        printf("%s: unsigned\n", shown);
    } else if (status) {
        print_refusal(stdout, path, diag, want_colour(stdout));
    } else {
        printf("%s: ", shown);
        claim_print(stdout, trailer);
        puts(" (not verified)");
    }
    free(shown);
}

int sig_show_run(const struct options *options)
{
    const char *path = options->files[0];
    struct hp_trailer trailer;
    struct hp_diag diag;
    struct file file;
    enum hp_status status;
    int err = file_read(&file, path);

    if (err != 0) {
        complain(path, strerror(err));
        return TOOL_TROUBLE;
    }
    hp_diag_init(&diag);
    status = hp_trailer_parse(file.data, file.size, &trailer, &diag);
    if (options->json) {
        show_json(path, &trailer, status, &diag);
    } else {
        show_text(path, &trailer, status, &diag);
    }
    free(file.data);
    return exit_status(status);
}

/*
 * A signature that is recognised goes, even one that is broken: it stands behind the ELF file,
 * whose end is known. Bytes that are none are not thrown away.
 */
int sig_strip_run(const struct options *options)
{
    const char *path = options->files[0];
    struct hp_trailer trailer;
    struct hp_diag diag;
    struct file file;
    enum hp_status status;
    int rc = sign_read(&file, path);

    if (rc != TOOL_ACCEPTED) {
        return rc;
    }
    hp_diag_init(&diag);
    status = hp_trailer_parse(file.data, file.size, &trailer, &diag);
    if (trailer.format != HP_SIGNATURE_NONE) {
        rc = output_bytes(options->output, file.data, trailer.payload_len) ? TOOL_ACCEPTED
                                                                           : TOOL_TROUBLE;
    } else {
        fputs("hotpatch: ", stderr);
        print_refusal(stderr, path, &diag, false);
        rc = exit_status(status);
    }
    free(file.data);
    return rc;
}

static int attach_file(const struct file *file, const struct file *signature,
                       const struct options *options)
{
    const struct hp_span bytes = {signature->data, signature->size};
    const struct hp_sign_options how = sign_options(options);
    struct hp_certificate *certificate;
    struct hp_signed made = {0};
    struct hp_diag diag;
    enum hp_status status;
    int rc = sign_certificate(&certificate, options);

    if (rc == TOOL_ACCEPTED) {
        hp_diag_init(&diag);
        status = hp_sign_attach(&made, file->data, file->size, bytes, certificate, &how, &diag);
        rc = sign_finish(&made, status, &diag, options);
    }
    hp_certificate_free(certificate);
    return rc;
}

int sig_attach_run(const struct options *options)
{
    struct file signature;
    struct file file;
    int rc = sign_read(&file, options->files[0]);

    if (rc != TOOL_ACCEPTED) {
        return rc;
    }
    rc = sign_read(&signature, options->signature);
    if (rc == TOOL_ACCEPTED) {
        rc = attach_file(&file, &signature, options);
        free(signature.data);
    }
    free(file.data);
    return rc;
}
