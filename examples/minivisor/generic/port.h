/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MINIVISOR_PORT_H
#define MINIVISOR_PORT_H

#include <hotpatch/port.h>

#include <minivisor/mv.h>

/* The one target there is. What it needs to know is static; this is what belongs to one request. */
struct hp_port {
    struct mv_vcpu *caller; /* of the hypercall in progress, for hp_port_copy_in() and its kin */
};

extern struct hp_port mv_port;

#endif
