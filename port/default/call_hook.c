/* SPDX-License-Identifier: BSD-2-Clause */
/* Default of hp_port_call_hook(): for targets that are the code which calls it. */
#include <hotpatch/port.h>

int hp_port_call_hook(struct hp_port *port, enum hp_hook_form form, uint64_t addr,
                      struct hp_payload_handle *handle)
{
    const uintptr_t function = (uintptr_t)addr;

    (void)port;
    switch (form) {
    case HP_HOOK_ACTION:
        return ((int (*)(struct hp_payload_handle *))function)(handle);
    case HP_HOOK_POST:
        ((void (*)(struct hp_payload_handle *))function)(handle);
        return 0;
    default:
        ((void (*)(void))function)();
        return 0;
    }
}
