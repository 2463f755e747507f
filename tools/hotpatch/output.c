/* SPDX-License-Identifier: BSD-2-Clause */
/* Output files: never half-written. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L /* fchmod, fsync, mkstemp */
#endif

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common.h"

/* The permissions of a new file, which mkstemp() does not give. */
static mode_t default_mode(void)
{
    mode_t mask = umask(0);

    (void)umask(mask);
    return 0666 & ~mask;
}

/*
 * Writes beside the output and renames, so that the output is never half-written. Replacing is
 * only for regular files: renaming over a device such as /dev/null would remove it.
 */
bool output_write(const char *path, bool (*fill)(void *context, int fd, const char *path),
                  void *context)
{
    static const char suffix[] = ".XXXXXX";
    size_t length = strlen(path);
    char *temporary;
    struct stat status;
    bool ok;
    int fd;

    if (stat(path, &status) == 0 && !S_ISREG(status.st_mode)) {
        complain(path, "not a regular file");
        return false;
    }
    temporary = tool_alloc(length + sizeof(suffix), 1);
    memcpy(temporary, path, length);
    memcpy(temporary + length, suffix, sizeof(suffix));
    fd = mkstemp(temporary);
    if (fd < 0) {
        complain(path, strerror(errno));
        free(temporary);
        return false;
    }
    ok = fill(context, fd, path);
    if (ok && (fchmod(fd, default_mode()) != 0 || fsync(fd) != 0)) {
        complain(path, strerror(errno));
        ok = false;
    }
    if (close(fd) != 0 && ok) {
        complain(path, strerror(errno));
        ok = false;
    }
    if (ok && rename(temporary, path) != 0) {
        complain(path, strerror(errno));
        ok = false;
    }
    if (!ok) {
        (void)unlink(temporary);
    }
    free(temporary);
    return ok;
}

/* Writes all bytes. Returns 0 or an errno. */
static int write_all(int fd, const uint8_t *data, size_t size)
{
    size_t done = 0;

    while (done < size) {
        ssize_t put = write(fd, data + done, size - done);

        if (put >= 0) {
            done += (size_t)put;
        } else if (errno != EINTR) {
            return errno;
        }
    }
    return 0;
}

/* Reads the file back and compares. Returns 0 or an errno. */
static int compare_all(int fd, const uint8_t *data, size_t size)
{
    uint8_t block[4096];
    size_t done = 0;

    while (done < size) {
        ssize_t got = pread(fd, block, sizeof(block), (off_t)done);

        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return errno;
        }
        if (got == 0 || (size_t)got > size - done || memcmp(block, data + done, (size_t)got) != 0) {
            return EIO;
        }
        done += (size_t)got;
    }
    return 0;
}

/* What output_bytes() hands on. */
struct output_bytes {
    const uint8_t *data;
    size_t size;
};

static bool fill_bytes(void *context, int fd, const char *path)
{
    const struct output_bytes *bytes = context;
    int err = write_all(fd, bytes->data, bytes->size);

    if (err == 0) {
        err = compare_all(fd, bytes->data, bytes->size);
    }
    if (err != 0) {
        complain(path, strerror(err));
    }
    return err == 0;
}

bool output_bytes(const char *path, const uint8_t *data, size_t size)
{
    struct output_bytes bytes = {data, size};

    return output_write(path, fill_bytes, &bytes);
}
