/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the control interface (<hotpatch/control.h>, archive hotpatch-control) asks of a port. Only
 * for hypervisors that offer live patching as a hypercall; as it stands it refuses every caller.
 */
#include <hotpatch/control.h>

/* Return true when the caller may do that: your privileged domain, or what your policy says. */
bool hp_port_control_permit(struct hp_port *port, uint32_t command)
{
    (void)port;
    (void)command;
    return false;
}

/*
 * Copy from the caller's memory. The address is the caller's word: check that all of the range is
 * its own before you touch it, and return false when it is not.
 */
bool hp_port_copy_in(struct hp_port *port, void *to, uint64_t from, size_t size)
{
    (void)port;
    (void)to;
    (void)from;
    (void)size;
    return false;
}

/* Copy to the caller's memory, under the same rules. */
bool hp_port_copy_out(struct hp_port *port, uint64_t to, const void *from, size_t size)
{
    (void)port;
    (void)to;
    (void)from;
    (void)size;
    return false;
}
