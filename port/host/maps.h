/* SPDX-License-Identifier: BSD-2-Clause */
/* The address space of this process, as the kernel describes it. */
#ifndef HP_HOST_MAPS_H
#define HP_HOST_MAPS_H

#include <stdbool.h>
#include <stdint.h>

#include <hotpatch/port.h>

/* What is mapped at an address. */
struct hp_host_mapping {
    uint64_t start;
    uint64_t end;
    char permissions[5]; /* "r-xp"; the last is 's' where it is shared */
    bool ours;           /* it is one of hotpatch's memory files */
};

/* Describes what is mapped at addr; false when nothing is, or the kernel does not tell. */
bool hp_host_mapping_at(uint64_t addr, struct hp_host_mapping *mapping);

/*
 * Looks for free addresses for a payload, which may be gone when the caller comes to use them.
 *
 *   image  lowest address of the executable: the range next below it is taken, or, where there is
 *          none, the highest above. The heap grows from the image upwards and keeps its room
 *
 * Returns false when there are none.
 */
bool hp_host_find_room(const struct hp_image_request *request, uint64_t image, uint64_t *addr);

#endif
