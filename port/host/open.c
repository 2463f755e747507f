/* SPDX-License-Identifier: BSD-2-Clause */
/* Opens and closes a target: reads from its ELF image, by libelf, all that the port answers from.
 */
#ifndef _POSIX_C_SOURCE
/* For open, fstat and pthreads. NOLINTNEXTLINE(bugprone-reserved-identifier) */
#define _POSIX_C_SOURCE 200809L
#endif

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gelf.h>

#include <hotpatch/target.h>

#include "base/diag.h"
#include "base/span.h"
#include "internal.h"

#define PAGE_SIZE_MAX (UINT32_C(1) << 30)
#define CPU_LIMIT_MAX (UINT32_C(1) << 16)

void hp_host_explain(struct hp_diag *diag, const char *format, ...)
{
    char text[HP_DIAG_NAME_MAX];
    enum hp_status status = hp_fail(diag, HP_STAGE_CALL, HP_TARGET_FILE);
    va_list args;

    (void)status;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    hp_note_symbol(diag, HP_NO_INDEX, text, strlen(text));
}

enum hp_status hp_host_read_strings(const struct hp_host_reader *reader, size_t index,
                                    struct hp_host_strings *strings)
{
    Elf_Scn *scn = elf_getscn(reader->elf, index);
    Elf_Data *data;
    GElf_Shdr shdr;

    if (index == 0 || scn == NULL || gelf_getshdr(scn, &shdr) == NULL ||
        shdr.sh_type != SHT_STRTAB) {
        return hp_host_refuse(reader->diag, "section %zu is no string table", index);
    }
    data = elf_rawdata(scn, NULL);
    if (data == NULL || data->d_buf == NULL || data->d_size == 0) {
        return hp_host_refuse(reader->diag, "string table %zu: %s", index, elf_errmsg(-1));
    }
    strings->bytes = data->d_buf;
    strings->size = data->d_size;
    if (strings->bytes[strings->size - 1] != '\0') {
        return hp_host_refuse(reader->diag, "string table %zu is not terminated", index);
    }
    return HP_OK;
}

static enum hp_status read_header(const struct hp_host_reader *reader)
{
    struct hp_port *port = reader->port;
    GElf_Ehdr ehdr;

    if (elf_kind(reader->elf) != ELF_K_ELF || gelf_getehdr(reader->elf, &ehdr) == NULL) {
        return hp_host_refuse(reader->diag, "not an ELF file");
    }
    if (ehdr.e_type != ET_EXEC && ehdr.e_type != ET_DYN) {
        return hp_host_refuse(reader->diag, "ELF type %u: an image is ET_EXEC or ET_DYN",
                              (unsigned)ehdr.e_type);
    }
    if (ehdr.e_ident[EI_DATA] != ELFDATA2LSB) {
        return hp_host_refuse(reader->diag, "not little-endian");
    }
    if (ehdr.e_machine == EM_NONE) {
        return hp_host_refuse(reader->diag, "no machine");
    }
    port->target.machine = ehdr.e_machine;
    port->last_addr = ehdr.e_ident[EI_CLASS] == ELFCLASS64 ? UINT64_MAX : UINT32_MAX;
    return HP_OK;
}

/* Whether a section takes room in the target's memory. */
static bool has_address(const GElf_Shdr *shdr)
{
    if ((shdr->sh_flags & SHF_ALLOC) == 0 || shdr->sh_size == 0 || shdr->sh_type == SHT_NULL) {
        return false;
    }
    /* The addresses of .tbss are those of the template of a thread's memory, not of memory. */
    return (shdr->sh_flags & SHF_TLS) == 0 || shdr->sh_type != SHT_NOBITS;
}

static enum hp_status copy_contents(const struct hp_host_reader *reader, Elf_Scn *scn,
                                    struct hp_host_section *section)
{
    const Elf_Data *data = elf_rawdata(scn, NULL);

    if (data == NULL || data->d_buf == NULL || data->d_size != section->size) {
        return hp_host_refuse(reader->diag, "section %u: %s", section->index, elf_errmsg(-1));
    }
    section->bytes = malloc(data->d_size);
    if (section->bytes == NULL) {
        return hp_fail(reader->diag, HP_STAGE_CALL, HP_NO_MEMORY);
    }
    memcpy(section->bytes, data->d_buf, data->d_size);
    return HP_OK;
}

/*
 * Copies one section. `room` is what the contents of this and the following sections may take:
 * those of a sound image lie side by side in its file, so that a small file cannot claim much
 * memory.
 */
static enum hp_status read_section(struct hp_host_reader *reader, Elf_Scn *scn,
                                   const GElf_Shdr *shdr, const char *name, uint64_t *room)
{
    struct hp_port *port = reader->port;
    struct hp_host_section *section = &port->sections[port->section_count];
    enum hp_status status;

    section->index = (uint32_t)elf_ndxscn(scn);
    section->addr = shdr->sh_addr + port->bias;
    section->size = shdr->sh_size;
    section->writable = (shdr->sh_flags & SHF_WRITE) != 0;
    section->exec = (shdr->sh_flags & SHF_EXECINSTR) != 0 && shdr->sh_type != SHT_NOBITS;
    /* Xen and Linux free what they put there; the .init of ordinary programs stays. */
    section->discarded = !port->live && strncmp(name, ".init.", 6) == 0;
    if (section->addr > port->last_addr || section->size > port->last_addr - section->addr) {
        return hp_host_refuse(reader->diag, "section %u: addresses wrap around", section->index);
    }
    if ((shdr->sh_flags & SHF_COMPRESSED) != 0) {
        return hp_host_refuse(reader->diag, "section %u is compressed", section->index);
    }
    port->section_count++;
    if (strcmp(name, ".altinstructions") == 0) {
        reader->alternatives.start = section->addr;
        reader->alternatives.end = section->addr + section->size;
    }
    if (shdr->sh_type == SHT_NOBITS || port->live) { /* what is live is read where it is */
        return HP_OK;
    }
    if (section->size > *room) {
        return hp_host_refuse(reader->diag, "section %u: reaches outside the file, or overlaps",
                              section->index);
    }
    *room -= section->size;
    status = copy_contents(reader, scn, section);
    if (status == HP_OK && strcmp(name, HP_TARGET_SECTION) == 0) {
        status = hp_host_read_record(reader, section->bytes, (size_t)section->size);
    }
    return status;
}

static int compare_sections(const void *a, const void *b)
{
    const struct hp_host_section *x = a;
    const struct hp_host_section *y = b;

    return (x->addr > y->addr) - (x->addr < y->addr);
}

/* Sorts the sections; finds where the target's code begins and ends, and room for payloads. */
static enum hp_status index_sections(struct hp_host_reader *reader)
{
    struct hp_port *port = reader->port;
    const struct hp_host_section *section;
    struct hp_target *target = &port->target;
    uint64_t end = 0;
    size_t i;

    qsort(port->sections, port->section_count, sizeof(*port->sections), compare_sections);
    for (i = 0; i < port->section_count; i++) {
        section = &port->sections[i];
        if (i > 0 && section[-1].addr + section[-1].size > section->addr) {
            return hp_host_refuse(reader->diag, "sections %u and %u have common addresses",
                                  section[-1].index, section->index);
        }
        end = section->addr + section->size;
        reader->section_of[section->index] = (uint32_t)i;
        if (!section->exec || section->discarded) {
            continue;
        }
        if (target->text_end == 0) {
            target->text_start = section->addr;
        }
        target->text_end = end;
    }
    /* Payloads follow the whole image: .bss and what is freed after boot belong to it. */
    if (!port->has_base && !hp_align_u64(end, target->page_size, &port->base)) {
        return hp_host_refuse(reader->diag, "no addresses are left behind the image");
    }
    return HP_OK;
}

static enum hp_status read_sections(struct hp_host_reader *reader, uint64_t file_size)
{
    struct hp_port *port = reader->port;
    struct hp_host_strings names;
    Elf_Scn *scn = NULL;
    size_t shstrndx;
    GElf_Shdr shdr;
    enum hp_status status;
    size_t i;

    if (elf_getshdrnum(reader->elf, &reader->shnum) != 0 || reader->shnum == 0 ||
        elf_getshdrstrndx(reader->elf, &shstrndx) != 0) {
        return hp_host_refuse(reader->diag, "no section headers");
    }
    status = hp_host_read_strings(reader, shstrndx, &names);
    if (status) {
        return status;
    }
    port->sections = calloc(reader->shnum, sizeof(*port->sections));
    reader->section_of = malloc(reader->shnum * sizeof(*reader->section_of));
    if (port->sections == NULL || reader->section_of == NULL) {
        return hp_fail(reader->diag, HP_STAGE_CALL, HP_NO_MEMORY);
    }
    for (i = 0; i < reader->shnum; i++) {
        reader->section_of[i] = HP_HOST_NONE;
    }
    for (i = 1; i < reader->shnum; i++) {
        scn = elf_getscn(reader->elf, i);
        if (scn == NULL || gelf_getshdr(scn, &shdr) == NULL || shdr.sh_name >= names.size) {
            return hp_host_refuse(reader->diag, "section %zu: bad header", i);
        }
        if (has_address(&shdr)) {
            status = read_section(reader, scn, &shdr, names.bytes + shdr.sh_name, &file_size);
        } else if (strcmp(names.bytes + shdr.sh_name, ".comment") == 0) {
            status = hp_host_read_compiler(reader, scn);
        }
        if (status) {
            return status;
        }
    }
    if (port->section_count == 0) {
        return hp_host_refuse(reader->diag, "no section takes any memory");
    }
    return index_sections(reader);
}

/* Takes the build-id from a note section, if it is there. */
static enum hp_status read_notes(const struct hp_host_reader *reader, Elf_Data *data)
{
    struct hp_target *target = &reader->port->target;
    const uint8_t *bytes = data->d_buf;
    GElf_Nhdr note;
    size_t name = 0;
    size_t desc = 0;
    size_t pos;

    for (pos = 0; (pos = gelf_getnote(data, pos, &note, &name, &desc)) > 0;) {
        if (note.n_type != NT_GNU_BUILD_ID || note.n_namesz != 4 || note.n_descsz == 0 ||
            memcmp(bytes + name, "GNU", 4) != 0) {
            continue;
        }
        if (target->build_id_size != 0) {
            if (target->build_id_size != note.n_descsz ||
                memcmp(target->build_id, bytes + desc, note.n_descsz) != 0) {
                return hp_host_refuse(reader->diag, "several build-ids");
            }
            continue;
        }
        reader->port->build_id = malloc(note.n_descsz);
        if (reader->port->build_id == NULL) {
            return hp_fail(reader->diag, HP_STAGE_CALL, HP_NO_MEMORY);
        }
        memcpy(reader->port->build_id, bytes + desc, note.n_descsz);
        target->build_id = reader->port->build_id;
        target->build_id_size = note.n_descsz;
    }
    return HP_OK;
}

static enum hp_status read_build_id(const struct hp_host_reader *reader)
{
    Elf_Scn *scn = NULL;
    Elf_Data *data;
    GElf_Shdr shdr;
    enum hp_status status;

    while ((scn = elf_nextscn(reader->elf, scn)) != NULL) {
        if (gelf_getshdr(scn, &shdr) == NULL || shdr.sh_type != SHT_NOTE ||
            (shdr.sh_flags & SHF_ALLOC) == 0) {
            continue;
        }
        data = elf_getdata(scn, NULL);
        if (data == NULL) {
            return hp_host_refuse(reader->diag, "notes: %s", elf_errmsg(-1));
        }
        if (data->d_buf == NULL) {
            continue;
        }
        status = read_notes(reader, data);
        if (status) {
            return status;
        }
    }
    return HP_OK;
}

static enum hp_status read_image(struct hp_port *port, int fd, uint64_t file_size,
                                 struct hp_diag *diag)
{
    struct hp_host_reader reader = {.port = port, .diag = diag};
    enum hp_status status;

    if (elf_version(EV_CURRENT) == EV_NONE) {
        return hp_host_refuse(diag, "libelf: %s", elf_errmsg(-1));
    }
    /* Not by mapping the file: somebody who shortens it meanwhile would kill the process. */
    reader.elf = elf_begin(fd, ELF_C_READ, NULL);
    if (reader.elf == NULL) {
        return hp_host_refuse(diag, "%s", elf_errmsg(-1));
    }
    status = read_header(&reader);
    if (status == HP_OK) {
        status = read_sections(&reader, file_size);
    }
    if (status == HP_OK && port->live) {
        status = hp_host_check_process(&reader);
    }
    if (status == HP_OK) {
        status = hp_host_note_segments(&reader);
        status = status ? hp_fail(diag, HP_STAGE_CALL, status) : status;
    }
    if (status == HP_OK) {
        status = read_build_id(&reader);
    }
    if (status == HP_OK) {
        status = hp_host_read_symbols(&reader);
    }
    if (status == HP_OK && !port->live) {
        hp_host_note_tables(&reader);
        hp_host_note_constants(&reader);
        status = hp_host_read_rewritten(&reader);
    }
    free(reader.section_of);
    (void)elf_end(reader.elf);
    return status;
}

enum hp_status hp_host_read_file(struct hp_port *port, int fd, struct hp_diag *diag)
{
    struct stat stat;

    if (fstat(fd, &stat) != 0) {
        return hp_host_refuse(diag, "%s", strerror(errno));
    }
    if (!S_ISREG(stat.st_mode)) {
        return hp_host_refuse(diag, "not a regular file");
    }
    if (stat.st_size < 0 || (uint64_t)stat.st_size > UINT32_MAX) {
        return hp_host_refuse(diag, "above 4 GiB");
    }
    return read_image(port, fd, (uint64_t)stat.st_size, diag);
}

static enum hp_status open_image(struct hp_port *port, const char *path, struct hp_diag *diag)
{
    enum hp_status status;
    int fd;

    /* Non-blocking, so that a FIFO is refused instead of waited for. */
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return hp_host_refuse(diag, "%s", strerror(errno));
    }
    status = hp_host_read_file(port, fd, diag);
    (void)close(fd);
    return status;
}

enum hp_status hp_host_take_options(struct hp_host_options *own,
                                    const struct hp_host_options *options)
{
    memset(own, 0, sizeof(*own));
    if (options != NULL) {
        if (options->size < sizeof(options->size) || options->size > sizeof(*own)) {
            return HP_INVALID_ARGUMENT;
        }
        memcpy(own, options, options->size);
    }
    if (own->cpu_limit == 0) {
        own->cpu_limit = HP_HOST_CPUS;
    }
    return own->cpu_limit > CPU_LIMIT_MAX ? HP_INVALID_ARGUMENT : HP_OK;
}

/* The mutexes of a port; their initialisation cannot fail with the attributes used here. */
static void init_locks(struct hp_port *port)
{
    pthread_mutexattr_t checked;

    (void)pthread_mutexattr_init(&checked);
    (void)pthread_mutexattr_settype(&checked, PTHREAD_MUTEX_ERRORCHECK);
    (void)pthread_mutex_init(&port->lock, &checked);
    (void)pthread_mutexattr_destroy(&checked);
    (void)pthread_mutex_init(&port->mutex, NULL);
}

struct hp_port *hp_host_create(const struct hp_host_options *options)
{
    struct hp_port *created = calloc(1, sizeof(*created));

    if (created == NULL) {
        return NULL;
    }
    created->executable = -1;
    created->last_addr = UINT64_MAX;
    created->target.page_size = (uint32_t)options->page_size;
    created->has_base = options->has_base;
    created->base = options->base;
    created->cpus.limit = options->cpu_limit;
    if (hp_host_init_cpus(created)) {
        free(created);
        return NULL;
    }
    init_locks(created);
    return created;
}

enum hp_status hp_host_open(struct hp_port **port, const char *path,
                            const struct hp_host_options *options, struct hp_diag *diag)
{
    struct hp_host_options own;
    struct hp_port *created;
    enum hp_status status;

    if (port == NULL) {
        return hp_fail(diag, HP_STAGE_CALL, HP_INVALID_ARGUMENT);
    }
    *port = NULL;
    status = hp_host_take_options(&own, options);
    if (own.page_size == 0) {
        own.page_size = HP_HOST_PAGE_SIZE;
    }
    if (status || !hp_is_power_of_two(own.page_size) || own.page_size < HP_HOST_PAGE_SIZE ||
        own.page_size > PAGE_SIZE_MAX) {
        return hp_fail(diag, HP_STAGE_CALL, HP_INVALID_ARGUMENT);
    }
    created = hp_host_create(&own);
    if (created == NULL) {
        return hp_fail(diag, HP_STAGE_CALL, HP_NO_MEMORY);
    }
    if (path != NULL) {
        created->has_target = true;
        status = open_image(created, path, diag);
    } else if (!own.has_base) {
        created->base = HP_HOST_BASE;
    }
    if (status) {
        hp_host_close(created);
    } else {
        *port = created;
    }
    return status;
}

void hp_host_close(struct hp_port *port)
{
    size_t i;

    if (port == NULL) {
        return;
    }
    hp_host_free_aliases(port);
    hp_host_free_images(port);
    hp_host_restore_constants(port);
    hp_host_restore_code(port);
    hp_host_free_cpus(port);
    for (i = 0; i < port->section_count; i++) {
        free(port->sections[i].bytes);
    }
    free(port->sections);
    free(port->build_id);
    free(port->compiler);
    free(port->names);
    free(port->by_name.entries);
    free(port->by_name.slots);
    free(port->by_name.buckets);
    free(port->symbols);
    free(port->segments);
    free(port->rewritten);
    free(port->blocks);
    (void)pthread_mutex_destroy(&port->lock);
    (void)pthread_mutex_destroy(&port->mutex);
    free(port);
}
