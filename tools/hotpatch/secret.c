/* SPDX-License-Identifier: BSD-2-Clause */
/* Passphrases and PINs: from the environment, a file or the terminal; never from the command line,
 * which every user of the machine can read. */
#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE /* explicit_bzero; O_CLOEXEC */
#endif

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "common.h"

void secret_wipe(void *secret, size_t size)
{
    explicit_bzero(secret, size);
}

static bool from_environment(const char *name, char secret[SECRET_MAX])
{
    const char *value = getenv(name);

    if (value == NULL || strlen(value) >= SECRET_MAX) {
        complain(name, "no such environment variable, or too long");
        return false;
    }
    memcpy(secret, value, strlen(value) + 1);
    return true;
}

/* The first line counts. */
static bool from_file(const char *path, char secret[SECRET_MAX])
{
    struct file file;
    const uint8_t *end;
    size_t length;
    int err = file_read(&file, path);
    bool ok;

    if (err != 0) {
        complain(path, strerror(err));
        return false;
    }
    end = memchr(file.data, '\n', file.size);
    length = end != NULL ? (size_t)(end - file.data) : file.size;
    ok = length < SECRET_MAX && memchr(file.data, '\0', length) == NULL;
    if (ok) {
        memcpy(secret, file.data, length);
        secret[length] = '\0';
    } else {
        complain(path, "the first line is too long for a passphrase, or no text");
    }
    secret_wipe(file.data, file.size);
    free(file.data);
    return ok;
}

/* Reads a line from a terminal whose echo is off. */
static bool read_line(int fd, char secret[SECRET_MAX])
{
    size_t used = 0;

    while (used < SECRET_MAX - 1) {
        ssize_t got = read(fd, secret + used, 1);

        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return false;
        }
        if (secret[used] == '\n') {
            secret[used] = '\0';
            return true;
        }
        used++;
    }
    return false;
}

static void say(int fd, const char *text)
{
    if (write(fd, text, strlen(text)) < 0) {
        /* Whoever cannot see the prompt can still answer it. */
        errno = 0;
    }
}

static bool from_terminal(const char *what, char secret[SECRET_MAX])
{
    const int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    struct termios before;
    struct termios silent;
    char *shown;
    bool ok;

    if (fd < 0 || tcgetattr(fd, &before) != 0) {
        if (fd >= 0) {
            (void)close(fd);
        }
        complain(what, "needs a passphrase or PIN: --passphrase-env, --passphrase-file or a "
                       "terminal");
        return false;
    }
    shown = text_escape(what, strlen(what), TEXT_ALL);
    silent = before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    (void)tcsetattr(fd, TCSAFLUSH, &silent);
    say(fd, "Passphrase or PIN for ");
    say(fd, shown);
    say(fd, ": ");
    ok = read_line(fd, secret);
    (void)tcsetattr(fd, TCSAFLUSH, &before);
    say(fd, "\n");
    (void)close(fd);
    free(shown);
    if (!ok) {
        complain(what, "no passphrase was entered");
    }
    return ok;
}

bool secret_get(const struct options *options, const char *what, char secret[SECRET_MAX])
{
    bool ok;

    memset(secret, 0, SECRET_MAX);
    if (options->passphrase_env != NULL) {
        ok = from_environment(options->passphrase_env, secret);
    } else if (options->passphrase_file != NULL) {
        ok = from_file(options->passphrase_file, secret);
    } else {
        ok = from_terminal(what, secret);
    }
    if (!ok) {
        secret_wipe(secret, SECRET_MAX);
    }
    return ok;
}
