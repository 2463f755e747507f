/* SPDX-License-Identifier: BSD-2-Clause */
/* Default of hp_port_stack_next(): for ports that cannot walk stacks. */
#include <hotpatch/port.h>

bool hp_port_stack_next(struct hp_port *port, struct hp_stack_walk *walk)
{
    (void)port;
    (void)walk;
    return false;
}
