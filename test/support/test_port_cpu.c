/* SPDX-License-Identifier: BSD-2-Clause */
/* The unit tests' port, second half: aliases, CPUs, clock, window and lock, with their contracts.
 */
#define _DEFAULT_SOURCE /* mprotect */

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "test_port.h"

#define INTERRUPT_STATE 0x5a

void tp_assert_quiescent(const struct hp_port *port)
{
    uint32_t cpu;

    assert_int_equal(port->live_aliases, 0);
    assert_false(port->locked);
    assert_false(port->held);
    assert_false(port->in_window);
    for (cpu = 0; cpu < TP_CPUS_MAX; cpu++) {
        assert_false(port->interrupts_off[cpu]);
        assert_true(!port->stale[cpu] || !port->online[cpu]);
    }
}

/* Others may do something before this call has an effect. */
static void step(struct hp_port *port)
{
    if (port->on_step != NULL) {
        port->on_step(port, port->data);
    }
}

/* ---- aliases ------------------------------------------------------------------------------- */

/* The image that holds an address, which it does not write itself; NULL: it is the target's own
 * memory. */
static struct tp_image *image_at(struct hp_port *port, uint64_t addr)
{
    size_t n;

    for (n = 0; n < TP_IMAGES_MAX; n++) {
        struct tp_image *image = &port->images[n];

        if (image->memory.host != NULL && addr - image->memory.addr < image->memory.size) {
            return image;
        }
    }
    return NULL;
}

/* Opens or closes an image's text and constants for writing: the test has no second mapping of it.
 */
static void set_writable(struct tp_image *image, bool writable)
{
    size_t page;

    for (page = 0; page < image->memory.size / TP_PAGE && page < 64; page++) {
        if (image->protection[page] != HP_PROTECT_DATA) {
            assert_int_equal(mprotect(image->memory.host + page * TP_PAGE, TP_PAGE,
                                      writable ? PROT_READ | PROT_WRITE : PROT_READ),
                             0);
        }
    }
}

enum hp_status hp_port_alias_map(struct hp_port *port, uint64_t addr, size_t size,
                                 struct hp_alias *alias)
{
    struct tp_image *image = image_at(port, addr);

    assert_true(port->locked);
    assert_true(size > 0);
    assert_true(tp_patchable(port, addr, size) == HP_OK ||
                tp_spliceable(port, addr, size) == HP_OK);
    if (tp_fails(port, HP_ALIAS_MAP)) {
        memset(alias, 0xa5, sizeof(*alias));
        return HP_ALIAS_MAP;
    }
    if (image != NULL && image->aliases++ == 0) {
        set_writable(image, true);
    }
    alias->host = tp_byte(port, addr);
    alias->addr = addr;
    alias->size = size;
    alias->token = (uintptr_t)image;
    port->live_aliases++;
    return HP_OK;
}

void hp_port_alias_unmap(struct hp_port *port, const struct hp_alias *alias)
{
    struct tp_image *image = image_at(port, alias->addr);

    assert_false(port->in_window);
    assert_true(port->live_aliases > 0);
    assert_int_equal(alias->token, (uintptr_t)image);
    if (image != NULL && --image->aliases == 0) {
        set_writable(image, false);
    }
    port->live_aliases--;
}

void hp_port_text_sync(struct hp_port *port, uint64_t addr, size_t size)
{
    assert_true(port->in_window);
    assert_non_null(tp_byte(port, addr));
    assert_true(size > 0);
    port->syncs++;
    memset(port->stale, true, sizeof(port->stale));
}

/* ---- CPUs ---------------------------------------------------------------------------------- */

uint32_t hp_port_cpu_limit(struct hp_port *port)
{
    return port->cpu_limit;
}

uint32_t hp_port_cpu_self(struct hp_port *port)
{
    step(port);
    return port->self;
}

enum hp_status hp_port_cpus_hold(struct hp_port *port)
{
    step(port);
    assert_false(port->held);
    if (tp_fails(port, HP_CPUS_NOT_HELD)) {
        return HP_CPUS_NOT_HELD;
    }
    port->held = true;
    port->holds++;
    return HP_OK;
}

void hp_port_cpus_release(struct hp_port *port)
{
    step(port);
    assert_true(port->held);
    assert_false(port->interrupts_off[port->self]);
    port->held = false;
}

uint32_t hp_port_cpu_next(struct hp_port *port, uint32_t from)
{
    assert_true(port->held);
    while (from < port->cpu_limit && !port->online[from]) {
        from++;
    }
    return from;
}

void hp_port_cpus_kick(struct hp_port *port)
{
    port->kicks++;
}

uint64_t hp_port_now(struct hp_port *port)
{
    step(port);
    port->now += port->tick;
    return port->now;
}

void hp_port_relax(struct hp_port *port)
{
    assert_false(port->in_window);
    step(port);
    if (port->on_relax != NULL) {
        port->on_relax(port, port->data);
    }
}

uintptr_t hp_port_interrupts_off(struct hp_port *port)
{
    step(port);
    assert_false(port->interrupts_off[port->self]);
    port->interrupts_off[port->self] = true;
    return INTERRUPT_STATE;
}

void hp_port_interrupts_restore(struct hp_port *port, uintptr_t state)
{
    step(port);
    assert_true(port->interrupts_off[port->self]);
    assert_false(port->stale[port->self]);
    assert_int_equal(state, INTERRUPT_STATE);
    port->interrupts_off[port->self] = false;
}

void hp_port_window_enter(struct hp_port *port)
{
    uint32_t cpu;

    assert_true(port->held);
    assert_false(port->in_window);
    for (cpu = 0; cpu < port->cpu_limit; cpu++) { /* all stand still */
        assert_true(port->interrupts_off[cpu] || !port->online[cpu]);
    }
    port->in_window = true;
    if (port->on_window != NULL) {
        port->on_window(port, port->data);
    }
}

void hp_port_window_leave(struct hp_port *port)
{
    assert_true(port->in_window);
    port->in_window = false;
    port->windows++;
}

void hp_port_serialise(struct hp_port *port)
{
    step(port);
    assert_true(port->interrupts_off[port->self]);
    port->stale[port->self] = false;
    port->serialised++;
}

/* ---- hooks --------------------------------------------------------------------------------- */

int hp_port_call_hook(struct hp_port *port, enum hp_hook_form form, uint64_t addr,
                      struct hp_payload_handle *handle)
{
    assert_true((port->target.flags & HP_TARGET_LIVE) != 0);
    assert_non_null(tp_byte(port, addr));
    assert_true(form != HP_HOOK_POST || !port->in_window);
    assert_true(form != HP_HOOK_PLAIN || port->in_window);
    port->hooks++;
    return port->on_hook == NULL ? 0 : port->on_hook(port, addr, handle);
}

/* ---- the lock ------------------------------------------------------------------------------ */

void hp_port_lock(struct hp_port *port)
{
    assert_false(port->locked);
    port->locked = true;
}

void hp_port_unlock(struct hp_port *port)
{
    assert_true(port->locked);
    port->locked = false;
}

/* ---- stacks -------------------------------------------------------------------------------- */

bool hp_port_stack_next(struct hp_port *port, struct hp_stack_walk *walk)
{
    assert_true(port->in_window);
    assert_true((port->target.flags & HP_TARGET_STACKS) != 0);
    assert_true(walk->state[0] <= port->stack_count);
    if (walk->state[0] == port->stack_count) {
        return false;
    }
    walk->addr = port->stacks[walk->state[0]].addr;
    walk->cpu = port->stacks[walk->state[0]].cpu;
    walk->state[0]++;
    return true;
}
