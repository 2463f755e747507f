/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The process itself as a target: its executable where it was loaded, and memory files in place of
 * its code, so that the same pages can be mapped a second time to be written.
 */
#ifndef _GNU_SOURCE
/* For dl_iterate_phdr. NOLINTNEXTLINE(bugprone-reserved-identifier) */
#define _GNU_SOURCE
#endif

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <gelf.h>

#include "base/diag.h"
#include "base/span.h"
#include "internal.h"
#include "maps.h"

/* The executable as the dynamic linker, or the kernel, has loaded it. */
struct process {
    uint64_t bias;
    const ElfW(Phdr) * segments;
    size_t count;
};

/* Takes the first object: that is the executable. */
static int take_first(struct dl_phdr_info *info, size_t size, void *data)
{
    struct process *process = data;

    (void)size;
    process->bias = info->dlpi_addr;
    process->segments = info->dlpi_phdr;
    process->count = info->dlpi_phnum;
    return 1;
}

static struct process find_process(void)
{
    struct process process = {0, NULL, 0};

    (void)dl_iterate_phdr(take_first, &process);
    return process;
}

/* ---- what must not be patched ---------------------------------------------------------------- */

/*
 * The build puts the code of this library and port into a section of this name, whose bounds the
 * linker then provides: everything that runs while code changes.
 */
/* NOLINTBEGIN(bugprone-reserved-identifier) */
extern const char __start_hotpatch_text[];
extern const char __stop_hotpatch_text[];
/* NOLINTEND(bugprone-reserved-identifier) */

bool hp_host_is_denied(uint64_t addr, size_t size)
{
    return addr < (uintptr_t)__stop_hotpatch_text && addr + size > (uintptr_t)__start_hotpatch_text;
}

/* ---- is it this process? --------------------------------------------------------------------- */

static bool same_segment(const ElfW(Phdr) * mine, const GElf_Phdr *file)
{
    return mine->p_type == file->p_type && mine->p_flags == file->p_flags &&
           mine->p_offset == file->p_offset && mine->p_vaddr == file->p_vaddr &&
           mine->p_filesz == file->p_filesz && mine->p_memsz == file->p_memsz;
}

static bool is_loaded(const struct process *process, const struct hp_host_section *section)
{
    size_t i;

    for (i = 0; i < process->count; i++) {
        const ElfW(Phdr) *segment = &process->segments[i];
        uint64_t start = process->bias + segment->p_vaddr;

        if (segment->p_type == PT_LOAD && (segment->p_flags & PF_R) != 0 &&
            section->addr >= start &&
            hp_range_fits(segment->p_memsz, section->addr - start, section->size)) {
            return true;
        }
    }
    return false;
}

enum hp_status hp_host_check_process(const struct hp_host_reader *reader)
{
    const struct hp_port *port = reader->port;
    const struct process process = find_process();
    size_t count = 0;
    GElf_Phdr file;
    size_t i;

    if (elf_getphdrnum(reader->elf, &count) != 0 || count != process.count) {
        return hp_host_refuse(reader->diag, "/proc/self/exe is not what runs");
    }
    for (i = 0; i < count; i++) {
        if (gelf_getphdr(reader->elf, (int)i, &file) == NULL ||
            !same_segment(&process.segments[i], &file)) {
            return hp_host_refuse(reader->diag, "/proc/self/exe is not what runs");
        }
    }
    for (i = 0; i < port->section_count; i++) {
        if (!is_loaded(&process, &port->sections[i])) {
            return hp_host_refuse(reader->diag, "section %u is not loaded",
                                  port->sections[i].index);
        }
    }
    return HP_OK;
}

/* ---- memory files in place of code ----------------------------------------------------------- */

const struct hp_host_code *hp_host_code_at(const struct hp_port *port, uint64_t addr, size_t size)
{
    size_t i;

    for (i = 0; i < port->code_count; i++) {
        const struct hp_host_code *code = &port->code[i];

        if (addr >= code->addr && hp_range_fits(code->size, addr - code->addr, size)) {
            return code;
        }
    }
    return NULL;
}

/* Checks that a segment is mapped as a program's code is. */
static enum hp_status check_mapping(const struct hp_host_code *code, struct hp_diag *diag)
{
    struct hp_host_mapping mapping;

    if (!hp_host_mapping_at(code->addr, &mapping)) {
        return hp_host_refuse(diag, "/proc/self/maps does not tell where the code is");
    }
    if (mapping.ours) {
        return hp_host_refuse(diag, "the process is open already, or was closed while patched");
    }
    if (strcmp(mapping.permissions, "r-xp") != 0 || mapping.end - code->addr < code->size) {
        return hp_host_refuse(diag, "the code is mapped as %s, not r-xp throughout",
                              mapping.permissions);
    }
    return HP_OK;
}

bool hp_host_fill_file(int fd, uint64_t addr, uint64_t size)
{
    uint8_t chunk[4096];
    uint64_t done = 0;

    while (done < size) {
        size_t part = size - done < sizeof(chunk) ? (size_t)(size - done) : sizeof(chunk);
        ssize_t n;

        hp_host_copy_live(chunk, addr + done, part);
        n = pwrite(fd, chunk, part, (off_t)done);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return false;
        }
        done += (uint64_t)n;
    }
    return true;
}

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define HP_HOST_TSAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__) && !defined(HP_HOST_TSAN)
#define HP_HOST_TSAN 1
#endif

/*
 * Maps code in the place of code, or constants in that of constants. ThreadSanitizer's mmap() would
 * note that the memory was written to, but of both it keeps notes that cannot be changed; it need
 * not know, as nobody writes there.
 */
bool hp_host_map_over(const struct hp_host_code *segment, int permissions, int flags, int fd,
                      uint64_t offset)
{
    void *start = (void *)(uintptr_t)segment->addr;

#ifdef HP_HOST_TSAN
    return syscall(SYS_mmap, start, (size_t)segment->size, permissions, flags | MAP_FIXED, fd,
                   (off_t)offset) == (long)segment->addr;
#else
    return mmap(start, (size_t)segment->size, permissions, flags | MAP_FIXED, fd, (off_t)offset) ==
           start;
#endif
}

/* Puts a memory file of the same contents in the place of the code. */
static enum hp_status exchange_code(struct hp_host_code *code, struct hp_diag *diag)
{
    int fd = hp_host_memory_file("hotpatch-text", (size_t)code->size);

    if (fd < 0) {
        return hp_host_refuse(diag, "a memory file for the code: %s", strerror(errno));
    }
    if (!hp_host_fill_file(fd, code->addr, code->size) ||
        !hp_host_map_over(code, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0)) {
        enum hp_status status =
            hp_host_refuse(diag, "the code as shared memory: %s", strerror(errno));
        (void)close(fd);
        return status;
    }
    code->fd = fd;
    return HP_OK;
}

static enum hp_status exchange_all(struct hp_port *port, struct hp_diag *diag)
{
    const struct process process = find_process();
    const uint64_t mask = port->target.page_size - 1;
    size_t i;

    port->code = calloc(process.count, sizeof(*port->code));
    if (port->code == NULL) {
        return hp_fail(diag, HP_STAGE_CALL, HP_NO_MEMORY);
    }
    for (i = 0; i < process.count; i++) {
        const ElfW(Phdr) *segment = &process.segments[i];
        struct hp_host_code *code = &port->code[port->code_count];
        uint64_t start = process.bias + segment->p_vaddr;
        enum hp_status status;

        if (segment->p_type != PT_LOAD || (segment->p_flags & PF_X) == 0) {
            continue;
        }
        code->addr = start & ~mask;
        code->size = ((start + segment->p_memsz + mask) & ~mask) - code->addr;
        code->offset = segment->p_offset & ~mask;
        status = check_mapping(code, diag);
        if (status == HP_OK) {
            status = exchange_code(code, diag);
        }
        if (status) {
            return status;
        }
        port->code_count++;
    }
    return HP_OK;
}

/* True when a segment is what the executable holds, so that it can be mapped from there again. */
static bool is_as_in_file(const struct hp_port *port, const struct hp_host_code *code)
{
    uint8_t memory[4096];
    uint8_t chunk[4096];
    uint64_t done = 0;

    while (done < code->size) {
        uint64_t left = code->size - done;
        size_t size = left < sizeof(chunk) ? (size_t)left : sizeof(chunk);
        ssize_t n = pread(port->executable, chunk, size, (off_t)(code->offset + done));

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return false;
        }
        if (n == 0) { /* behind its end a page that is mapped is zeros */
            memset(chunk, 0, size);
            n = (ssize_t)size;
        }
        hp_host_copy_live(memory, code->addr + done, (size_t)n);
        if (memcmp(memory, chunk, (size_t)n) != 0) {
            return false;
        }
        done += (uint64_t)n;
    }
    return true;
}

bool hp_host_map_again(const struct hp_port *port, const struct hp_host_code *segment,
                       int permissions)
{
    return is_as_in_file(port, segment) &&
           hp_host_map_over(segment, permissions, MAP_PRIVATE, port->executable, segment->offset);
}

void hp_host_restore_code(struct hp_port *port)
{
    size_t i;

    for (i = 0; i < port->code_count; i++) {
        const struct hp_host_code *code = &port->code[i];

        /* Should it fail, the memory file stays, which does as well. */
        (void)hp_host_map_again(port, code, PROT_READ | PROT_EXEC);
        (void)close(code->fd);
    }
    free(port->code);
    if (port->executable >= 0) {
        (void)close(port->executable);
    }
}

/* ---- hooks ----------------------------------------------------------------------------------- */

int hp_port_call_hook(struct hp_port *port, enum hp_hook_form form, uint64_t addr,
                      struct hp_payload_handle *handle)
{
    const uintptr_t function = (uintptr_t)addr;

    hp_host_check_context(port, __func__, HP_HOST_CALL | HP_HOST_HOLDING | HP_HOST_WINDOW);
    hp_host_check(port, __func__, port->live, "called for a target that is a file");
    if (!port->live) {
        return 0;
    }
    switch (form) {
    case HP_HOOK_ACTION:
        return ((int (*)(struct hp_payload_handle *))function)(handle);
    case HP_HOOK_POST:
        ((void (*)(struct hp_payload_handle *))function)(handle);
        return 0;
    default:
        ((void (*)(void))function)();
        return 0;
    }
}

/* ---- opening --------------------------------------------------------------------------------- */

static enum hp_status open_process(struct hp_port *port, struct hp_diag *diag)
{
    enum hp_status status;

    port->has_target = true;
    port->live = true;
    port->target.flags = HP_TARGET_LIVE | HP_TARGET_ISLANDS;
    port->bias = find_process().bias;
    port->executable = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (port->executable < 0) {
        return hp_host_refuse(diag, "/proc/self/exe: %s", strerror(errno));
    }
    status = hp_host_read_file(port, port->executable, diag);
    return status ? status : exchange_all(port, diag);
}

enum hp_status hp_host_open_self(struct hp_port **port, const struct hp_host_options *options,
                                 struct hp_diag *diag)
{
    struct hp_host_options own = {.size = sizeof(own)};
    size_t page_size = (size_t)sysconf(_SC_PAGESIZE);
    struct hp_port *created;
    enum hp_status status;

    if (port == NULL) {
        return hp_fail(diag, HP_STAGE_CALL, HP_INVALID_ARGUMENT);
    }
    *port = NULL;
    status = hp_host_take_options(&own, options);
    if (status == HP_OK && own.page_size != 0 && own.page_size != page_size) {
        status = HP_INVALID_ARGUMENT;
    }
    if (status) {
        return hp_fail(diag, HP_STAGE_CALL, status);
    }
    own.page_size = page_size;
    created = hp_host_create(&own);
    if (created == NULL) {
        return hp_fail(diag, HP_STAGE_CALL, HP_NO_MEMORY);
    }
    status = open_process(created, diag);
    if (status) {
        hp_host_close(created);
    } else {
        *port = created;
    }
    return status;
}
