/* SPDX-License-Identifier: BSD-2-Clause */
/* Notes and metadata as a relocatable file, and the linker that puts all together. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif

#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gelf.h>

#include "pack.h"

extern char **environ;

/* ---- notes and metadata ---------------------------------------------------------------------- */

/* Names of the sections, and where each begins among them. */
static const char section_names[] =
    "\0.shstrtab\0.livepatch.depends\0.livepatch.xen_depends\0.modinfo\0.note.GNU-stack";

static size_t name_at(const char *name)
{
    size_t n = 1;

    while (strcmp(section_names + n, name) != 0) {
        n += strlen(section_names + n) + 1;
    }
    return n;
}

static bool add_section(Elf *elf, const char *name, uint32_t type, uint64_t flags, uint64_t align,
                        void *data, size_t size)
{
    Elf_Scn *scn = elf_newscn(elf);
    Elf_Data *contents = scn != NULL ? elf_newdata(scn) : NULL;
    GElf_Shdr header;

    if (contents == NULL || gelf_getshdr(scn, &header) == NULL) {
        return false;
    }
    contents->d_buf = data;
    contents->d_size = size;
    contents->d_align = align;
    contents->d_type = ELF_T_BYTE;
    header.sh_name = (GElf_Word)name_at(name);
    header.sh_type = type;
    header.sh_flags = flags;
    header.sh_addralign = align;
    return gelf_update_shdr(scn, &header) != 0;
}

/* A note that holds a build-id; its bytes live as long as `out`. */
static struct hp_span make_note(uint8_t *out, struct hp_span id)
{
    static const uint8_t head[16] = {4, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 'G', 'N', 'U', 0};
    const struct hp_span note = {out, sizeof(head) + ((id.size + 3) & ~(size_t)3)};

    memset(out, 0, note.size);
    memcpy(out, head, sizeof(head));
    out[4] = (uint8_t)id.size;
    out[5] = (uint8_t)(id.size >> 8);
    memcpy(out + sizeof(head), id.data, id.size);
    return note;
}

static bool add_header(Elf *elf, const struct hp_elf *like)
{
    GElf_Ehdr header;

    if (gelf_newehdr(elf, like->is64 ? ELFCLASS64 : ELFCLASS32) == NULL ||
        gelf_getehdr(elf, &header) == NULL) {
        return false;
    }
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_type = ET_REL;
    header.e_machine = like->machine;
    header.e_version = EV_CURRENT;
    header.e_flags = like->flags;
    header.e_shstrndx = 1;
    return gelf_update_ehdr(elf, &header) != 0;
}

static bool write_facts(Elf *elf, const struct hp_elf *like, const struct pack_facts *facts,
                        uint8_t *notes[2])
{
    struct hp_span depends = make_note(notes[0], facts->depends_id);
    struct hp_span target = make_note(notes[1], facts->target_id);

    return add_header(elf, like) &&
           add_section(elf, ".shstrtab", SHT_STRTAB, 0, 1, (void *)(uintptr_t)section_names,
                       sizeof(section_names)) &&
           add_section(elf, ".livepatch.depends", SHT_NOTE, SHF_ALLOC, 4, notes[0], depends.size) &&
           add_section(elf, ".livepatch.xen_depends", SHT_NOTE, SHF_ALLOC, 4, notes[1],
                       target.size) &&
           (facts->modinfo_size == 0 || add_section(elf, ".modinfo", SHT_PROGBITS, SHF_ALLOC, 1,
                                                    facts->modinfo, facts->modinfo_size)) &&
           add_section(elf, ".note.GNU-stack", SHT_PROGBITS, 0, 1, NULL, 0) &&
           elf_update(elf, ELF_C_WRITE) >= 0;
}

bool pack_write_facts(int fd, const char *path, const struct hp_elf *like,
                      const struct pack_facts *facts)
{
    uint8_t *notes[2] = {tool_alloc(facts->depends_id.size + 20, 1),
                         tool_alloc(facts->target_id.size + 20, 1)};
    Elf *elf;
    bool ok;

    (void)elf_version(EV_CURRENT);
    elf = elf_begin(fd, ELF_C_WRITE, NULL);
    ok = elf != NULL && write_facts(elf, like, facts, notes);
    if (!ok) {
        complain(path, elf_errmsg(-1));
    }
    (void)elf_end(elf);
    free(notes[0]);
    free(notes[1]);
    return ok;
}

/* ---- the linker ------------------------------------------------------------------------------ */

/* Linkers by machine: that of this machine goes by its short name, the others by their targets'. */
static const struct {
    uint16_t machine;
    const char *linker;
} linkers[] = {
    {HP_EM_X86_64, "x86_64-linux-gnu-ld"},
    {HP_EM_AARCH64, "aarch64-linux-gnu-ld"},
    {HP_EM_ARM, "arm-linux-gnueabihf-ld"},
    {HP_EM_RISCV, "riscv64-linux-gnu-ld"},
};

static const char *linker_for(uint16_t machine)
{
    const char *chosen = getenv("LD");
    size_t i;

    if (chosen != NULL && chosen[0] != '\0') {
        return chosen;
    }
    for (i = 0; i < sizeof(linkers) / sizeof(linkers[0]); i++) {
        if (linkers[i].machine == machine) {
            return linkers[i].linker;
        }
    }
    return "ld";
}

static bool wait_for(pid_t child, const char *linker)
{
    int status;

    while (waitpid(child, &status, 0) < 0) {
        if (errno != EINTR) {
            complain(linker, strerror(errno));
            return false;
        }
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        return true;
    }
    complain(linker, "the link failed");
    return false;
}

bool pack_link(uint16_t machine, const char *const *files, size_t count, const char *out)
{
    static const char id[] = "--build-id=0x0000000000000000000000000000000000000000";
    const char *linker = linker_for(machine);
    const char **words = tool_alloc(count + 6, sizeof(words[0]));
    pid_t child;
    int err;

    words[0] = linker;
    words[1] = "-r";
    words[2] = id;
    words[3] = "-o";
    words[4] = out;
    memcpy(words + 5, files, count * sizeof(words[0]));
    err = posix_spawnp(&child, linker, NULL, NULL, (char *const *)(uintptr_t)words, environ);
    free(words);
    if (err != 0) {
        complain(linker, strerror(err));
        return false;
    }
    return wait_for(child, linker);
}
