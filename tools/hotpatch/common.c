/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory, input files and messages of the hotpatch tool. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L /* O_CLOEXEC */
#endif

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common.h"

#define FILE_CAP   ((size_t)64 << 20)
#define FILE_FIRST ((size_t)64 << 10)

_Noreturn void out_of_memory(void)
{
    fputs("hotpatch: out of memory\n", stderr);
    exit(TOOL_TROUBLE);
}

void *tool_alloc(size_t count, size_t size)
{
    /* calloc() may return NULL for nothing, which callers need not tell from failure. */
    void *memory = calloc(count == 0 ? 1 : count, size == 0 ? 1 : size);

    if (memory == NULL) {
        out_of_memory();
    }
    return memory;
}

/* Reads until the end of the file or the cap. Returns 0 or an errno. */
static int read_all(int fd, struct file *file)
{
    size_t room = FILE_FIRST;

    file->data = tool_alloc(room, 1);
    for (;;) {
        ssize_t got;

        if (file->size == room) {
            uint8_t *bigger;

            if (room == FILE_CAP) {
                return 0;
            }
            room *= 2;
            bigger = realloc(file->data, room);
            if (bigger == NULL) {
                return ENOMEM;
            }
            file->data = bigger;
        }
        got = read(fd, file->data + file->size, room - file->size);
        if (got == 0) {
            return 0;
        }
        if (got > 0) {
            file->size += (size_t)got;
        } else if (errno != EINTR) {
            return errno;
        }
    }
}

int file_read(struct file *file, const char *path)
{
    bool is_stdin = strcmp(path, "-") == 0;
    int fd = STDIN_FILENO;
    int err;

    memset(file, 0, sizeof(*file));
    if (!is_stdin) {
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        if (fd < 0) {
            return errno;
        }
    }
    err = read_all(fd, file);
    if (!is_stdin) {
        close(fd);
    }
    if (err != 0) {
        free(file->data);
        memset(file, 0, sizeof(*file));
    }
    return err;
}

bool file_is_cut(const struct file *file)
{
    return file->size >= FILE_CAP;
}

void complain(const char *path, const char *message)
{
    char *shown = text_escape(path, strlen(path), TEXT_ALL);

    fprintf(stderr, "hotpatch: %s: %s\n", shown, message);
    free(shown);
}
