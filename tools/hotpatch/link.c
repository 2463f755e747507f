/* SPDX-License-Identifier: BSD-2-Clause */
/* hotpatch link: writes a relocated payload as an ELF image at its addresses. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L /* fchmod, fsync, mkstemp */
#endif

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "link.h"

/* Writes the image to an open file; on failure false with a message. */
static bool write_image(struct linker *linker, int fd, const char *path)
{
    bool ok = false;

    linker->out = elf_begin(fd, ELF_C_WRITE, NULL);
    if (linker->out != NULL) {
        /* The addresses decide on the layout, not libelf. */
        (void)elf_flagelf(linker->out, ELF_C_SET, ELF_F_LAYOUT);
        ok = link_describe(linker) && elf_update(linker->out, ELF_C_WRITE) >= 0;
    }
    if (!ok) {
        complain(path, elf_errmsg(-1));
    }
    if (linker->out != NULL) {
        (void)elf_end(linker->out);
    }
    link_free(linker);
    return ok;
}

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
static bool write_output(struct linker *linker, const char *path)
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
    ok = write_image(linker, fd, path);
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

static int link_payload(const struct stack *stack, const struct loaded *loaded, const char *path)
{
    struct hp_target target;
    struct linker linker = {
        .stack = stack,
        .loaded = loaded,
        .word = loaded->elf.is64 ? 8 : 4,
    };

    if (loaded->payload.image.section_count >= SHN_LORESERVE - LINK_EXTRA_SECTIONS) {
        complain(path, "more sections than an image can have");
        return TOOL_TROUBLE;
    }
    hp_port_target(stack->port, &target);
    linker.page = target.page_size;
    (void)elf_version(EV_CURRENT);
    return write_output(&linker, path) ? TOOL_ACCEPTED : TOOL_TROUBLE;
}

int link_run(const struct options *options)
{
    struct stack stack;
    struct loaded loaded = {0};
    int rc = stack_open(&stack, options);

    if (rc == TOOL_ACCEPTED) {
        rc = loaded_open(&loaded, options->files[0], &stack);
    }
    if (rc == TOOL_ACCEPTED) {
        rc = link_payload(&stack, &loaded, options->output);
    }
    loaded_free(&loaded);
    stack_close(&stack);
    return rc;
}
