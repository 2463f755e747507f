/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hotpatch pack: makes a payload of ordinary objects that use <hotpatch/payload.h>.
 *
 * The objects are linked together with a file of notes and metadata; then sizes and expectations
 * are filled in from the target, and the build-id, a digest of all the rest, is put in its place.
 * What comes out has passed the loader's own checks. The same input makes the same bytes.
 */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L /* mkdtemp */
#endif

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pack.h"

struct packing {
    const struct options *options;
    struct stack stack;
    struct hp_target target;
    char *folder; /* for what is made on the way */
    char *facts_path;
    char *linked_path;
    struct file depends; /* --depends */
    struct file linked;
};

static char *path_in(const char *folder, const char *name)
{
    size_t size = strlen(folder) + strlen(name) + 2;
    char *path = tool_alloc(size, 1);

    (void)snprintf(path, size, "%s/%s", folder, name);
    return path;
}

static bool make_folder(struct packing *packing)
{
    const char *base = getenv("TMPDIR");

    packing->folder = path_in(base != NULL && base[0] != '\0' ? base : "/tmp", "hotpatch.XXXXXX");
    if (mkdtemp(packing->folder) == NULL) {
        complain(packing->folder, strerror(errno));
        free(packing->folder);
        packing->folder = NULL;
        return false;
    }
    packing->facts_path = path_in(packing->folder, "facts.o");
    packing->linked_path = path_in(packing->folder, "payload.o");
    return true;
}

static void close_packing(struct packing *packing)
{
    if (packing->folder != NULL) {
        (void)unlink(packing->facts_path);
        (void)unlink(packing->linked_path);
        (void)rmdir(packing->folder);
    }
    free(packing->folder);
    free(packing->facts_path);
    free(packing->linked_path);
    free(packing->depends.data);
    free(packing->linked.data);
    stack_close(&packing->stack);
}

/* ---- what the payload stacks on -------------------------------------------------------------- */

/* The build-id in a payload or an image: of the note section that linkers make. */
static bool find_build_id(const struct file *file, struct hp_span *id)
{
    static const uint8_t note[] = {4, 0, 0, 0, 0xff, 0xff, 0, 0, 3, 0, 0, 0, 'G', 'N', 'U', 0};
    struct hp_elf elf;
    struct hp_diag diag;
    size_t n;

    hp_diag_init(&diag);
    if (view_open(&elf, file, NULL, &diag) == HP_OK) {
        return hp_elf_build_id(&elf, HP_SPECIAL_BUILD_ID, id, NULL) == HP_OK && id->size > 0;
    }
    /* An image is no payload, but its note looks the same, on a boundary of four bytes. */
    for (n = 0; file->size >= sizeof(note) && n <= file->size - sizeof(note); n += 4) {
        const uint8_t *p = file->data + n;
        size_t size = (size_t)p[4] | (size_t)p[5] << 8;

        if (memcmp(p, note, 4) == 0 && p[6] == 0 && p[7] == 0 && memcmp(p + 8, note + 8, 8) == 0 &&
            size > 0 && size <= file->size - n - sizeof(note)) {
            id->data = p + sizeof(note);
            id->size = size;
            return true;
        }
    }
    return false;
}

static int find_depends(struct packing *packing, struct hp_span *id)
{
    const char *path = packing->options->depends;
    const struct stack *stack = &packing->stack;
    int err;

    id->data = packing->target.build_id;
    id->size = packing->target.build_id_size;
    if (path == NULL) {
        if (stack->count > 0) {
            *id = stack->applied[stack->count - 1]->build_id;
        }
        return TOOL_ACCEPTED;
    }
    err = file_read(&packing->depends, path);
    if (err != 0) {
        complain(path, strerror(err));
        return TOOL_TROUBLE;
    }
    if (!find_build_id(&packing->depends, id)) {
        complain(path, "has no build-id");
        return TOOL_TROUBLE;
    }
    return TOOL_ACCEPTED;
}

/* ---- metadata -------------------------------------------------------------------------------- */

/* Appends "key=value" with its NUL. */
static void add_info(struct pack_facts *facts, const char *key, const char *value)
{
    size_t size;
    uint8_t *bigger;

    if (value == NULL) {
        return;
    }
    size = strlen(key) + strlen(value) + 2;
    bigger = realloc(facts->modinfo, facts->modinfo_size + size);
    if (bigger == NULL) {
        out_of_memory();
    }
    facts->modinfo = bigger;
    (void)snprintf((char *)bigger + facts->modinfo_size, size, "%s=%s", key, value);
    facts->modinfo_size += size;
}

/* ---- linking --------------------------------------------------------------------------------- */

/* Header of the first object: the notes are to go with it. */
static int read_like(const char *path, const struct hp_target *target, struct hp_elf *like)
{
    struct file file;
    int err = file_read(&file, path);
    bool fits;

    memset(like, 0, sizeof(*like));
    if (err != 0) {
        complain(path, strerror(err));
        return TOOL_TROUBLE;
    }
    fits = file.size >= 64 && memcmp(file.data, "\177ELF", 4) == 0 && file.data[5] == 1;
    if (fits) {
        like->is64 = file.data[4] == 2;
        like->machine = (uint16_t)(file.data[18] | file.data[19] << 8);
        memcpy(&like->flags, file.data + (like->is64 ? 48 : 36), sizeof(like->flags));
    }
    free(file.data);
    if (!fits || like->machine != target->machine) {
        complain(path, "not an object for the target's machine");
        return TOOL_TROUBLE;
    }
    return TOOL_ACCEPTED;
}

static int link_objects(struct packing *packing, const struct pack_facts *facts)
{
    const struct options *options = packing->options;
    const char **files = tool_alloc(options->file_count + 1, sizeof(files[0]));
    struct hp_elf like;
    int rc = read_like(options->files[0], &packing->target, &like);
    int fd = -1;
    int err;

    if (rc == TOOL_ACCEPTED) {
        fd = open(packing->facts_path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        rc = fd >= 0 && pack_write_facts(fd, packing->facts_path, &like, facts) ? TOOL_ACCEPTED
                                                                                : TOOL_TROUBLE;
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    memcpy(files, options->files, options->file_count * sizeof(files[0]));
    files[options->file_count] = packing->facts_path;
    if (rc == TOOL_ACCEPTED &&
        !pack_link(packing->target.machine, files, options->file_count + 1, packing->linked_path)) {
        rc = TOOL_TROUBLE;
    }
    free(files);
    if (rc != TOOL_ACCEPTED) {
        return rc;
    }
    err = file_read(&packing->linked, packing->linked_path);
    if (err != 0) {
        complain(packing->linked_path, strerror(err));
        return TOOL_TROUBLE;
    }
    return TOOL_ACCEPTED;
}

/* Puts a digest of the file into its build-id, which is zero so far. */
static int set_build_id(struct packing *packing, const struct hp_elf *elf)
{
    const struct hp_span whole = {packing->linked.data, packing->linked.size};
    uint8_t digest[HP_DIGEST_MAX];
    struct hp_span id;

    if (hp_elf_build_id(elf, HP_SPECIAL_BUILD_ID, &id, NULL) != HP_OK || id.size != PACK_ID_SIZE ||
        hp_port_digest(packing->stack.port, HP_HASH_SHA256, &whole, 1, digest) != HP_OK) {
        complain(packing->linked_path, "the linker made no build-id");
        return TOOL_TROUBLE;
    }
    memcpy(packing->linked.data + (id.data - packing->linked.data), digest, PACK_ID_SIZE);
    fputs("  build-id ", stdout);
    print_hex(stdout, digest, PACK_ID_SIZE, "");
    putchar('\n');
    return TOOL_ACCEPTED;
}

static int complete(struct packing *packing)
{
    const char *out = packing->options->output;
    struct hp_elf elf;
    struct hp_diag diag;
    int rc;

    hp_diag_init(&diag);
    if (view_open(&elf, &packing->linked, packing->stack.profile, &diag) != HP_OK) {
        print_refusal(stderr, out, &diag, want_colour(stderr));
        return TOOL_REFUSED;
    }
    rc = pack_fill(&packing->linked, &elf, &packing->stack, packing->options->expect);
    return rc == TOOL_ACCEPTED ? set_build_id(packing, &elf) : rc;
}

/* ---- the verdict, and the file --------------------------------------------------------------- */

static int judge(struct packing *packing)
{
    const char *out = packing->options->output;
    struct loaded loaded = {.path = out};
    struct hp_diag diag;
    enum hp_status status;

    loaded.file.data = tool_alloc(packing->linked.size, 1);
    loaded.file.size = packing->linked.size;
    memcpy(loaded.file.data, packing->linked.data, packing->linked.size);
    status = loaded_judge(&loaded, &packing->stack, &diag);
    if (status) {
        print_refusal(stderr, out, &diag, want_colour(stderr));
    }
    loaded_free(&loaded);
    return status ? TOOL_REFUSED : TOOL_ACCEPTED;
}

static int put_out(struct packing *packing)
{
    const struct options *options = packing->options;

#if HP_WITH_SIGNATURES
    if (options->key != NULL) {
        return sign_bytes(&packing->linked, options);
    }
#endif
    return output_bytes(options->output, packing->linked.data, packing->linked.size) ? TOOL_ACCEPTED
                                                                                     : TOOL_TROUBLE;
}

static int pack(struct packing *packing, struct pack_facts *facts)
{
    const struct options *options = packing->options;
    int rc = stack_open(&packing->stack, options);

    if (rc == TOOL_ACCEPTED) {
        hp_port_target(packing->stack.port, &packing->target);
        facts->target_id.data = packing->target.build_id;
        facts->target_id.size = packing->target.build_id_size;
        if (facts->target_id.size == 0) {
            complain(options->target, "has no build-id");
            return TOOL_TROUBLE;
        }
        rc = find_depends(packing, &facts->depends_id);
    }
    if (rc == TOOL_ACCEPTED && !make_folder(packing)) {
        rc = TOOL_TROUBLE;
    }
    if (rc == TOOL_ACCEPTED) {
        rc = link_objects(packing, facts);
    }
    if (rc == TOOL_ACCEPTED) {
        char *shown = text_escape(options->output, strlen(options->output), TEXT_ALL);

        printf("%s: %zu bytes\n", shown, packing->linked.size);
        free(shown);
        rc = complete(packing);
    }
    if (rc == TOOL_ACCEPTED) {
        rc = judge(packing);
    }
    return rc == TOOL_ACCEPTED ? put_out(packing) : rc;
}

/* True for a relocatable file, as payloads are; an image is none. */
static bool is_payload(const char *path)
{
    struct file file;
    bool is = false;

    if (file_read(&file, path) == 0) {
        is = file.size >= 18 && memcmp(file.data, "\177ELF", 4) == 0 && file.data[16] == ET_REL;
        free(file.data);
    }
    return is;
}

/* A payload that this one stacks on is applied before it, whether or not --after says so, too. */
static void take_depends(struct options *options)
{
    const char *path = options->depends;

    if (path != NULL && is_payload(path) &&
        (options->after_count == 0 ||
         strcmp(options->after[options->after_count - 1], path) != 0)) {
        options->after[options->after_count++] = path; /* there is room for every word */
    }
}

int pack_run(const struct options *options)
{
    struct options own = *options;
    struct packing packing = {.options = &own};
    struct pack_facts facts = {0};
    int rc;

    take_depends(&own);
    add_info(&facts, "name", options->info_name);
    add_info(&facts, "description", options->info_description);
    add_info(&facts, "cve", options->info_cve);
    add_info(&facts, "hotpatch_version", options->info_version);
    rc = pack(&packing, &facts);
    free(facts.modinfo);
    close_packing(&packing);
    return rc;
}
