/* SPDX-License-Identifier: BSD-2-Clause */
/* Default of hp_port_spliceable(): the port does not know which data of the target are read-only.
 */
#include <hotpatch/port.h>

enum hp_status hp_port_spliceable(struct hp_port *port, uint64_t addr, size_t size)
{
    (void)port;
    (void)addr;
    (void)size;
    return HP_PATCH_RANGE;
}
