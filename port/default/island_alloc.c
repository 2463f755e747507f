/* SPDX-License-Identifier: BSD-2-Clause */
/* Default of hp_port_island_alloc(): the port has no memory for second trampolines. */
#include <hotpatch/port.h>

enum hp_status hp_port_island_alloc(struct hp_port *port, const struct hp_image_request *request,
                                    struct hp_image_memory *memory)
{
    (void)port;
    (void)request;
    (void)memory;
    return HP_ISLAND_MEMORY;
}
