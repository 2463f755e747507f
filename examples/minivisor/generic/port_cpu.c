/* SPDX-License-Identifier: BSD-2-Clause */
/* The port, second half: CPUs, the window, and the control interface. */
#include "port.h"

#include <hotpatch/control.h>

#include <minivisor/arch.h>

#include "layout.h"

/* ---- CPUs ---------------------------------------------------------------------------------- */

MV_DENY uint32_t hp_port_cpu_limit(struct hp_port *port)
{
    (void)port;
    return mv_cpu_count;
}

MV_DENY uint32_t hp_port_cpu_self(struct hp_port *port)
{
    (void)port;
    return mv_arch_self()->id;
}

/* CPUs come at boot only, before the manager is used. */
MV_DENY enum hp_status hp_port_cpus_hold(struct hp_port *port)
{
    (void)port;
    mv_report_acting(true);
    return HP_OK;
}

MV_DENY void hp_port_cpus_release(struct hp_port *port)
{
    (void)port;
}

MV_DENY uint32_t hp_port_cpu_next(struct hp_port *port, uint32_t from)
{
    (void)port;
    while (from < mv_cpu_count && __atomic_load_n(&mv_cpus[from].online, __ATOMIC_ACQUIRE) == 0) {
        from++;
    }
    return from;
}

MV_DENY void hp_port_cpus_kick(struct hp_port *port)
{
    (void)port;
    mv_arch_kick_others();
}

MV_DENY uint64_t hp_port_now(struct hp_port *port)
{
    (void)port;
    return mv_arch_now_ns();
}

MV_DENY uintptr_t hp_port_interrupts_off(struct hp_port *port)
{
    (void)port;
    return mv_arch_interrupts_off();
}

MV_DENY void hp_port_interrupts_restore(struct hp_port *port, uintptr_t state)
{
    (void)port;
    mv_arch_interrupts_restore(state);
}

/* The aliases were mapped by another CPU, perhaps; translations of earlier ones are forgotten. */
MV_DENY void hp_port_window_enter(struct hp_port *port)
{
    (void)port;
    mv_report_window(true);
    mv_nmi_hold();
    mv_arch_flush_local();
}

MV_DENY void hp_port_window_leave(struct hp_port *port)
{
    (void)port;
    mv_nmi_release();
    mv_report_window(false);
}

/* ---- the control interface ------------------------------------------------------------------- */

/* A hypercall is served by the CPU of its guest. */
static MV_DENY struct mv_vcpu *caller(void)
{
    return &mv_arch_self()->vcpu;
}

MV_DENY bool hp_port_control_permit(struct hp_port *port, uint32_t command)
{
    (void)port;
    (void)command;
    return caller()->id == 0;
}

MV_DENY bool hp_port_copy_in(struct hp_port *port, void *to, uint64_t from, size_t size)
{
    (void)port;
    return mv_guest_read(caller(), to, from, size);
}

MV_DENY bool hp_port_copy_out(struct hp_port *port, uint64_t to, const void *from, size_t size)
{
    (void)port;
    return mv_guest_write(caller(), to, from, size);
}
