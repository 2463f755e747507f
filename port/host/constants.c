/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Read-only data of the target, which splices may change: what of it there is, and, for the process
 * itself, memory files in its place, as for code. A segment gets one when something in it is to be
 * changed for the first time; so it is never writable where the process sees it.
 */
#ifndef _GNU_SOURCE
/* For dl_iterate_phdr and mremap. NOLINTNEXTLINE(bugprone-reserved-identifier) */
#define _GNU_SOURCE
#endif

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <gelf.h>

#include "base/span.h"
#include "internal.h"
#include "maps.h"

/* ---- which data are read-only ---------------------------------------------------------------- */

/*
 * The build renames the constants of this library and port as it does their code: tables that
 * patching itself goes by. Absent where a compiler has put them elsewhere.
 */
/* NOLINTBEGIN(bugprone-reserved-identifier) */
extern const char __start_hotpatch_rodata[] __attribute__((weak));
extern const char __stop_hotpatch_rodata[] __attribute__((weak));
/* NOLINTEND(bugprone-reserved-identifier) */

static bool is_denied(uint64_t addr, size_t size)
{
    return addr < (uintptr_t)__stop_hotpatch_rodata &&
           addr + size > (uintptr_t)__start_hotpatch_rodata;
}

static bool lies_in(const struct hp_host_range *range, uint64_t addr, size_t size)
{
    return addr >= range->start && addr < range->end && range->end - addr >= size;
}

bool hp_host_is_constant(const struct hp_port *port, uint64_t addr, size_t size)
{
    const struct hp_host_section *section = hp_host_section_at(port, addr);

    if (section == NULL || section->exec || section->discarded ||
        !hp_range_fits(section->size, addr - section->addr, size)) {
        return false;
    }
    return !section->writable || lies_in(&port->relro, addr, size) ||
           (!port->live && lies_in(&port->constants, addr, size));
}

/* Why data are none that may be spliced. */
static enum hp_status refuse(const struct hp_port *port, uint64_t addr, size_t size)
{
    const struct hp_host_section *section = hp_host_section_at(port, addr);

    if (section == NULL || section->exec || section->discarded ||
        !hp_range_fits(section->size, addr - section->addr, size)) {
        return HP_PATCH_RANGE;
    }
    return HP_SPLICE_WRITABLE;
}

enum hp_status hp_port_spliceable(struct hp_port *port, uint64_t addr, size_t size)
{
    hp_host_check_context(port, __func__, HP_HOST_CALL);
    if (hp_host_must_fail(port) || size == 0) {
        return HP_PATCH_RANGE;
    }
    if (hp_host_image_at(port, addr) != NULL) {
        return hp_host_is_image(port, addr, size, HP_PROTECT_RODATA) ? HP_OK : HP_PATCH_RANGE;
    }
    if (!port->has_target) {
        return HP_UNDECIDED;
    }
    if (!hp_host_is_constant(port, addr, size)) {
        return refuse(port, addr, size);
    }
    return port->live && is_denied(addr, size) ? HP_PATCH_DENIED : HP_OK;
}

/* ---- the process ----------------------------------------------------------------------------- */

/* True when all of a range is mapped in one piece, to be read only. */
static bool is_read_only(uint64_t addr, uint64_t size)
{
    struct hp_host_mapping mapping;

    return hp_host_mapping_at(addr, &mapping) && !mapping.ours &&
           strcmp(mapping.permissions, "r--p") == 0 && mapping.end - addr >= size;
}

/* Adds whole pages of a segment. What the dynamic linker protected late is not as in the file. */
static void add_segment(struct hp_port *port, const GElf_Phdr *segment)
{
    const uint64_t mask = port->target.page_size - 1;
    const uint64_t round = segment->p_type == PT_GNU_RELRO ? 0 : mask;
    struct hp_host_code *data = &port->data[port->data_count];
    uint64_t start = port->bias + segment->p_vaddr;

    data->addr = start & ~mask;
    data->size = ((start + segment->p_memsz + round) & ~mask) - data->addr;
    data->offset = segment->p_offset & ~mask;
    data->relocated = segment->p_type == PT_GNU_RELRO;
    data->fd = -1;
    if (data->size == 0 || (data->relocated && !is_read_only(data->addr, data->size))) {
        return;
    }
    if (data->relocated) {
        port->relro.start = data->addr;
        port->relro.end = data->addr + data->size;
    }
    port->data_count++;
}

enum hp_status hp_host_note_segments(const struct hp_host_reader *reader)
{
    struct hp_port *port = reader->port;
    GElf_Phdr segment;
    size_t count = 0;
    size_t i;

    if (elf_getphdrnum(reader->elf, &count) != 0 || count == 0) {
        return HP_OK;
    }
    if (port->live) {
        port->data = calloc(count, sizeof(*port->data));
        if (port->data == NULL) {
            return HP_NO_MEMORY;
        }
    }
    for (i = 0; i < count; i++) {
        if (gelf_getphdr(reader->elf, (int)i, &segment) == NULL) {
            continue;
        }
        if (!port->live && segment.p_type == PT_GNU_RELRO) {
            port->relro.start = segment.p_vaddr;
            port->relro.end = segment.p_vaddr + segment.p_memsz;
        }
        if (port->live &&
            (segment.p_type == PT_GNU_RELRO ||
             (segment.p_type == PT_LOAD && (segment.p_flags & (PF_R | PF_W | PF_X)) == PF_R))) {
            add_segment(port, &segment);
        }
    }
    return HP_OK;
}

/* Puts a memory file of the same contents in the place of read-only data. */
static bool exchange(struct hp_host_code *data)
{
    int fd = hp_host_memory_file("hotpatch-rodata", (size_t)data->size);

    if (fd < 0) {
        return false;
    }
    if (!is_read_only(data->addr, data->size) || !hp_host_fill_file(fd, data->addr, data->size) ||
        !hp_host_map_over(data, PROT_READ, MAP_SHARED, fd, 0)) {
        (void)close(fd);
        return false;
    }
    data->fd = fd;
    return true;
}

const struct hp_host_code *hp_host_constants_at(struct hp_port *port, uint64_t addr, size_t size)
{
    struct hp_host_code *found = NULL;
    size_t i;

    (void)pthread_mutex_lock(&port->mutex);
    for (i = 0; i < port->data_count && found == NULL; i++) {
        struct hp_host_code *data = &port->data[i];

        if (addr >= data->addr && hp_range_fits(data->size, addr - data->addr, size) &&
            (data->fd >= 0 || exchange(data))) {
            found = data;
        }
    }
    (void)pthread_mutex_unlock(&port->mutex);
    return found;
}

/* Puts private memory of the same contents in the place of a memory file. */
static void give_back(const struct hp_host_code *data)
{
    void *copy =
        mmap(NULL, (size_t)data->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (copy == MAP_FAILED) {
        return; /* the memory file stays, which does as well */
    }
    hp_host_copy_live(copy, data->addr, (size_t)data->size);
    if (mprotect(copy, (size_t)data->size, PROT_READ) != 0 ||
        mremap(copy, (size_t)data->size, (size_t)data->size, MREMAP_MAYMOVE | MREMAP_FIXED,
               (void *)(uintptr_t)data->addr) == MAP_FAILED) {
        (void)munmap(copy, (size_t)data->size);
    }
}

void hp_host_restore_constants(struct hp_port *port)
{
    size_t i;

    for (i = 0; i < port->data_count; i++) {
        const struct hp_host_code *data = &port->data[i];

        if (data->fd < 0) {
            continue;
        }
        if (data->relocated || !hp_host_map_again(port, data, PROT_READ)) {
            give_back(data);
        }
        (void)close(data->fd);
    }
    free(port->data);
}
