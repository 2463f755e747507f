/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads /proc/self/maps. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "maps.h"

/* Addresses below stay free, so that null pointers with an offset keep faulting. */
#define LOWEST UINT64_C(0x100000)

/* Takes "start-end perm", with which a line begins; false when it does not. */
static bool parse(const char *line, struct hp_host_mapping *mapping)
{
    char *end;

    mapping->start = strtoull(line, &end, 16);
    if (end == line || *end != '-') {
        return false;
    }
    line = end + 1;
    mapping->end = strtoull(line, &end, 16);
    if (end == line || *end != ' ' || strlen(end + 1) < sizeof(mapping->permissions) - 1) {
        return false;
    }
    memcpy(mapping->permissions, end + 1, sizeof(mapping->permissions) - 1);
    mapping->permissions[sizeof(mapping->permissions) - 1] = '\0';
    return true;
}

/* Goes on to the next mapping, by ascending address; false at the end. */
static bool next_mapping(FILE *maps, struct hp_host_mapping *mapping)
{
    char line[512];

    if (fgets(line, sizeof(line), maps) == NULL || !parse(line, mapping)) {
        return false;
    }
    mapping->ours = strstr(line, " /memfd:hotpatch-") != NULL;
    while (strchr(line, '\n') == NULL && fgets(line, sizeof(line), maps) != NULL) {
        /* the rest of a long path */
    }
    return true;
}

bool hp_host_mapping_at(uint64_t addr, struct hp_host_mapping *mapping)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    bool found = false;

    if (maps == NULL) {
        return false;
    }
    while (!found && next_mapping(maps, mapping)) {
        found = mapping->start <= addr && addr < mapping->end;
    }
    (void)fclose(maps);
    return found;
}

/* The highest address for a payload in the part of [start, end) that suits it. */
static bool fit(const struct hp_image_request *request, uint64_t start, uint64_t end,
                uint64_t *addr)
{
    start = start > request->low ? start : request->low;
    start = start > LOWEST ? start : LOWEST;
    end = end < request->high ? end : request->high;
    if (start >= end || request->size > end - start) {
        return false;
    }
    *addr = (end - request->size) & ~(request->align - 1);
    return *addr >= start;
}

bool hp_host_find_room(const struct hp_image_request *request, uint64_t image, uint64_t *addr)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    struct hp_host_mapping mapping;
    uint64_t end = 0; /* of the mapping before */
    uint64_t found = 0;

    if (maps == NULL) {
        return false;
    }
    while (next_mapping(maps, &mapping)) {
        if (mapping.start > image && found != 0 && found < image) {
            break;
        }
        if (fit(request, end, mapping.start, addr)) {
            found = *addr;
        }
        end = mapping.end;
    }
    (void)fclose(maps);
    *addr = found;
    return found != 0;
}
