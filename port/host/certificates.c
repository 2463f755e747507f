/* SPDX-License-Identifier: BSD-2-Clause */
/* Key rings from folders of certificates. */
#ifndef _POSIX_C_SOURCE
/* For open, scandir and fstat. NOLINTNEXTLINE(bugprone-reserved-identifier) */
#define _POSIX_C_SOURCE 200809L
#endif

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sign.h"

#define CERTIFICATE_FILE_MAX ((size_t)1 << 20) /* bytes of a file with a certificate */

struct hp_host_keyring {
    struct hp_keyring ring;
    struct hp_certificate **certificates; /* by place in the ring */
};

/* Explains a refusal with the file it is about. */
static enum hp_status refuse_file(struct hp_diag *diag, enum hp_status status, const char *path,
                                  const char *words)
{
    char text[HP_DIAG_NAME_MAX];
    const char *slash = strrchr(path, '/');

    (void)snprintf(text, sizeof(text), "%.64s: %s", slash != NULL && slash[1] ? slash + 1 : path,
                   words);
    return hp_crypto_refuse(diag, status, text);
}

/* Reads a file whole. Free *data with free(). */
static enum hp_status read_file(const char *path, uint8_t **data, size_t *size,
                                struct hp_diag *diag)
{
    FILE *file = fopen(path, "rbe");
    struct stat status;
    bool ok;

    *data = NULL;
    if (file == NULL || fstat(fileno(file), &status) != 0) {
        const char *words = strerror(errno);

        if (file != NULL) {
            (void)fclose(file);
        }
        return refuse_file(diag, HP_KEYRING_FILE, path, words);
    }
    if (!S_ISREG(status.st_mode) || (uint64_t)status.st_size > CERTIFICATE_FILE_MAX) {
        (void)fclose(file);
        return refuse_file(diag, HP_KEYRING_FILE, path, "not a regular file of at most 1 MiB");
    }
    *size = (size_t)status.st_size;
    *data = malloc(*size + 1);
    ok = *data != NULL && fread(*data, 1, *size, file) == *size;
    (void)fclose(file);
    if (!ok) {
        free(*data);
        *data = NULL;
        return refuse_file(diag, HP_KEYRING_FILE, path, "cannot be read");
    }
    return HP_OK;
}

/* Makes room for one more key. */
static bool grow(struct hp_host_keyring *keyring)
{
    const size_t count = (size_t)keyring->ring.count + 1;
    struct hp_key *keys = realloc(keyring->ring.keys, count * sizeof(keys[0]));
    struct hp_certificate **certificates;

    if (keys == NULL) {
        return false;
    }
    keyring->ring.keys = keys;
    certificates = realloc(keyring->certificates, count * sizeof(certificates[0]));
    if (certificates == NULL) {
        return false;
    }
    keyring->certificates = certificates;
    keyring->ring.capacity = (uint32_t)count;
    return true;
}

static enum hp_status add_file(struct hp_host_keyring *keyring, const char *path,
                               const struct hp_signature_policy *policy, struct hp_diag *diag)
{
    struct hp_certificate *certificate = NULL;
    struct hp_diag inner;
    uint8_t *data;
    size_t size = 0;
    uint32_t index;
    enum hp_status status = read_file(path, &data, &size, diag);

    if (status) {
        return status;
    }
    hp_diag_init(&inner);
    status = hp_certificate_read(&certificate, data, size, &inner);
    free(data);
    if (status == HP_OK && !grow(keyring)) {
        status = HP_NO_MEMORY;
    }
    if (status == HP_OK) {
        status =
            hp_keyring_add(&keyring->ring, NULL, hp_certificate_key(certificate), policy, &index);
    }
    if (status) {
        hp_certificate_free(certificate);
        return refuse_file(diag, status, path, inner.name);
    }
    keyring->certificates[index] = certificate;
    return HP_OK;
}

/* What a file's name must end in. scandir() gives no const entries, nor takes them. */
static int is_certificate(const struct dirent *entry)
{
    static const char *const endings[] = {".pem", ".crt", ".cer", ".der", ".x509"};
    const size_t length = strlen(entry->d_name);
    size_t i;

    for (i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        const size_t ending = strlen(endings[i]);

        if (entry->d_name[0] != '.' && length > ending &&
            strcmp(entry->d_name + length - ending, endings[i]) == 0) {
            return 1;
        }
    }
    return 0;
}

/* An order that is the same everywhere, unlike that of alphasort(). */
static int compare_names(const struct dirent **left, const struct dirent **right)
{
    return strcmp((*left)->d_name, (*right)->d_name);
}

static enum hp_status add_entry(struct hp_host_keyring *keyring, const char *folder,
                                const char *name, const struct hp_signature_policy *policy,
                                struct hp_diag *diag)
{
    const size_t size = strlen(folder) + strlen(name) + 2;
    char *path = malloc(size);
    enum hp_status status;

    if (path == NULL) {
        return hp_crypto_refuse(diag, HP_NO_MEMORY, "");
    }
    (void)snprintf(path, size, "%s/%s", folder, name);
    status = add_file(keyring, path, policy, diag);
    free(path);
    return status;
}

static enum hp_status add_folder(struct hp_host_keyring *keyring, const char *path,
                                 const struct hp_signature_policy *policy, struct hp_diag *diag)
{
    struct dirent **entries;
    const int count = scandir(path, &entries, is_certificate, compare_names);
    enum hp_status status = HP_OK;
    int i;

    if (count < 0) {
        return refuse_file(diag, HP_KEYRING_FILE, path, strerror(errno));
    }
    for (i = 0; i < count; i++) {
        if (status == HP_OK) {
            status = add_entry(keyring, path, entries[i]->d_name, policy, diag);
        }
        free(entries[i]);
    }
    free(entries);
    if (count == 0) {
        status = refuse_file(diag, HP_KEYRING_FILE, path, "no certificate in this folder");
    }
    return status;
}

enum hp_status hp_host_keyring_open(struct hp_host_keyring **keyring, const char *path,
                                    const struct hp_signature_policy *policy, struct hp_diag *diag)
{
    struct hp_host_keyring *made = calloc(1, sizeof(*made));
    struct stat status_of;
    enum hp_status status;

    *keyring = NULL;
    if (made == NULL) {
        return hp_crypto_refuse(diag, HP_NO_MEMORY, "");
    }
    hp_keyring_init(&made->ring, NULL, 0);
    if (stat(path, &status_of) == 0 && S_ISDIR(status_of.st_mode)) {
        status = add_folder(made, path, policy, diag);
    } else {
        status = add_file(made, path, policy, diag);
    }
    if (status) {
        hp_host_keyring_close(made);
        return status;
    }
    *keyring = made;
    return HP_OK;
}

const struct hp_keyring *hp_host_keyring_ring(const struct hp_host_keyring *keyring)
{
    return &keyring->ring;
}

enum hp_status hp_host_keyring_check_time(const struct hp_host_keyring *keyring, uint32_t key,
                                          int64_t now, struct hp_diag *diag)
{
    return hp_certificate_check_time(keyring->certificates[key], now, diag);
}

void hp_host_keyring_close(struct hp_host_keyring *keyring)
{
    uint32_t i;

    if (keyring == NULL) {
        return;
    }
    for (i = 0; i < keyring->ring.count; i++) {
        hp_certificate_free(keyring->certificates[i]);
    }
    free(keyring->certificates);
    free(keyring->ring.keys);
    free(keyring);
}
