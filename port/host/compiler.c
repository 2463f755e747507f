/* SPDX-License-Identifier: BSD-2-Clause */
/* Which compilers made a target, as they say in its .comment. */
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "internal.h"

enum hp_status hp_host_read_compiler(const struct hp_host_reader *reader, Elf_Scn *scn)
{
    const Elf_Data *data = elf_rawdata(scn, NULL);
    struct hp_port *port = reader->port;

    if (port->compiler != NULL || data == NULL || data->d_buf == NULL || data->d_size == 0) {
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
