/* SPDX-License-Identifier: BSD-2-Clause */
/* Which compilers made a target, as they say in its .comment. */
#include <gelf.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "internal.h"

/* The contents of .comment; NULL when the image has none. */
static const Elf_Data *find_comment(const struct hp_host_reader *reader)
{
    Elf_Scn *scn = NULL;
    GElf_Shdr shdr;
    size_t names;

    if (elf_getshdrstrndx(reader->elf, &names) != 0) {
        return NULL;
    }
    while ((scn = elf_nextscn(reader->elf, scn)) != NULL) {
        const char *name;

        if (gelf_getshdr(scn, &shdr) == NULL || shdr.sh_type != SHT_PROGBITS) {
            continue;
        }
        name = elf_strptr(reader->elf, names, shdr.sh_name);
        if (name != NULL && strcmp(name, ".comment") == 0) {
            return elf_rawdata(scn, NULL);
        }
    }
    return NULL;
}

enum hp_status hp_host_read_compiler(const struct hp_host_reader *reader)
{
    const Elf_Data *data = find_comment(reader);
    struct hp_port *port = reader->port;

    if (data == NULL || data->d_buf == NULL || data->d_size == 0) {
        return HP_OK;
    }
    port->compiler = malloc(data->d_size);
    if (port->compiler == NULL) {
        return hp_fail(reader->diag, HP_STAGE_CALL, HP_NO_MEMORY);
    }
    memcpy(port->compiler, data->d_buf, data->d_size);
    port->target.compiler = port->compiler;
    port->target.compiler_size = data->d_size;
    return HP_OK;
}
