/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads the capability record of a target that is a file (hotpatch/target.h). */
#include <stddef.h>
#include <string.h>

#include <hotpatch/target.h>

#include "base/span.h"
#include "internal.h"

#define FIELD(name) (bytes + offsetof(struct hp_target_record, name))

_Static_assert(sizeof(struct hp_target_record) == 88, "the layout is that of the images");

/* A range of addresses of the target. */
static bool is_range(const struct hp_port *port, uint64_t start, uint64_t end)
{
    return start <= end && end <= port->last_addr;
}

static enum hp_status take_profile(const struct hp_host_reader *reader, const uint8_t *bytes)
{
    const char *name = (const char *)FIELD(profile);

    if (hp_string_length(name, HP_TARGET_PROFILE_MAX) < HP_TARGET_PROFILE_MAX) {
        reader->port->profile = hp_profile_find(name);
    }
    if (reader->port->profile == NULL) {
        return hp_host_refuse(reader->diag, "capability record: unknown profile");
    }
    return HP_OK;
}

enum hp_status hp_host_read_record(const struct hp_host_reader *reader, const uint8_t *bytes,
                                   size_t size)
{
    struct hp_port *port = reader->port;
    uint64_t start;
    uint64_t end;

    if (size < sizeof(struct hp_target_record) ||
        memcmp(bytes, HP_TARGET_MAGIC, sizeof(HP_TARGET_MAGIC) - 1) != 0 ||
        hp_le32(FIELD(size)) < sizeof(struct hp_target_record) || hp_le32(FIELD(size)) > size) {
        return hp_host_refuse(reader->diag, "capability record: damaged");
    }
    start = hp_le64(FIELD(deny_start));
    end = hp_le64(FIELD(deny_end));
    if (!is_range(port, start, end)) {
        return hp_host_refuse(reader->diag, "capability record: bad deny list");
    }
    port->denied.start = start;
    port->denied.end = end;
    start = hp_le64(FIELD(window_start));
    end = hp_le64(FIELD(window_end));
    if (!is_range(port, start, end) || start % port->target.page_size != 0) {
        return hp_host_refuse(reader->diag, "capability record: bad load window");
    }
    if (!port->live && !port->has_base && start != end) {
        port->has_base = true;
        port->base = start;
    }
    port->target.flags |= hp_le32(FIELD(flags)) & ~(uint32_t)HP_TARGET_LIVE;
    return take_profile(reader, bytes);
}

bool hp_host_is_on_deny_list(const struct hp_port *port, uint64_t addr, size_t size)
{
    return addr < port->denied.end && port->denied.start < addr + size;
}

const struct hp_profile *hp_host_profile(const struct hp_port *port)
{
    return port->profile;
}
