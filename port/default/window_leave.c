/* SPDX-License-Identifier: BSD-2-Clause */
/* Default of hp_port_window_leave(): for ports without NMIs and machine checks. */
#include <hotpatch/port.h>

void hp_port_window_leave(struct hp_port *port)
{
    (void)port;
}
