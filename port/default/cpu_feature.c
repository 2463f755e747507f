/* SPDX-License-Identifier: BSD-2-Clause */
/* Default of hp_port_cpu_feature(): for ports without alternatives. */
#include <hotpatch/port.h>

enum hp_status hp_port_cpu_feature(struct hp_port *port, uint16_t feature, bool *has)
{
    (void)port;
    (void)feature;
    *has = false;
    return HP_ALT_FEATURE;
}
