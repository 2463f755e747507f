/* SPDX-License-Identifier: BSD-2-Clause */
/* The unit tests' port, third part: a caller of the control interface and its memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <hotpatch/control.h>

#include "test_port.h"

uint8_t *tp_caller_byte(const struct hp_port *port, uint64_t addr, size_t size)
{
    const struct tp_caller *caller = &port->caller;

    if (addr < TP_CALLER || size > caller->size || addr - TP_CALLER > caller->size - size) {
        return NULL;
    }
    return caller->memory + (addr - TP_CALLER);
}

bool hp_port_control_permit(struct hp_port *port, uint32_t command)
{
    assert_false(port->locked);
    port->caller.asked++;
    port->caller.command = command;
    return !port->caller.denied;
}

/* Like other fallible calls, a copy can be made to fail. */
static bool fails(struct hp_port *port)
{
    bool failed = tp_fails(port, HP_TARGET_READ); /* the status of that error number */

    port->caller.failed = port->caller.failed || failed;
    return failed;
}

bool hp_port_copy_in(struct hp_port *port, void *to, uint64_t from, size_t size)
{
    const uint8_t *memory = tp_caller_byte(port, from, size);

    assert_false(port->in_window);
    assert_true(size > 0);
    if (memory == NULL || fails(port)) {
        return false;
    }
    memcpy(to, memory, size);
    return true;
}

bool hp_port_copy_out(struct hp_port *port, uint64_t to, const void *from, size_t size)
{
    uint8_t *memory = tp_caller_byte(port, to, size);

    assert_false(port->in_window);
    assert_true(size > 0);
    if (memory == NULL || fails(port)) {
        return false;
    }
    memcpy(memory, from, size);
    return true;
}
