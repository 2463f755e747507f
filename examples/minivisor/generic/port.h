/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MINIVISOR_PORT_H
#define MINIVISOR_PORT_H

#include <hotpatch/port.h>

#include <minivisor/mv.h>

/* The one target there is: what it says of itself. */
struct hp_port {
    struct hp_target target;
};

extern struct hp_port mv_port;

void mv_port_init(void);

#endif
