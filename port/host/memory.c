/* SPDX-License-Identifier: BSD-2-Clause */
/* Work memory of the host port. Blocks in use are listed, so that one freed twice is noticed. */
#include <stdlib.h>

#include "internal.h"

/* False when the list cannot grow. */
static bool add_block(struct hp_port *port, void *memory, size_t size)
{
    if (port->block_count == port->block_capacity) {
        size_t capacity = port->block_capacity == 0 ? 16 : port->block_capacity * 2;
        struct hp_host_block *grown = realloc(port->blocks, capacity * sizeof(*grown));

        if (grown == NULL) {
            return false;
        }
        port->blocks = grown;
        port->block_capacity = capacity;
    }
    port->blocks[port->block_count].memory = memory;
    port->blocks[port->block_count].size = size;
    port->block_count++;
    return true;
}

void *hp_port_alloc(struct hp_port *port, size_t size)
{
    void *memory;
    bool added;

    hp_host_check_context(port, __func__, HP_HOST_CALL);
    (void)atomic_fetch_add(&port->counts.allocs, 1);
    if (hp_host_must_fail(port)) {
        return NULL;
    }
    memory = malloc(size == 0 ? 1 : size);
    if (memory == NULL) {
        return NULL;
    }
    (void)pthread_mutex_lock(&port->mutex);
    added = add_block(port, memory, size);
    (void)pthread_mutex_unlock(&port->mutex);
    if (!added) {
        free(memory);
        return NULL;
    }
    (void)atomic_fetch_add(&port->counts.live, 1);
    return memory;
}

/* Takes a block out of the list; false when it is not there. */
static bool remove_block(struct hp_port *port, const void *memory, size_t *size)
{
    size_t i;

    for (i = port->block_count; i > 0; i--) {
        if (port->blocks[i - 1].memory == memory) {
            *size = port->blocks[i - 1].size;
            port->block_count--;
            port->blocks[i - 1] = port->blocks[port->block_count];
            return true;
        }
    }
    return false;
}

void hp_port_free(struct hp_port *port, void *memory, size_t size)
{
    size_t allocated = 0;
    bool found;

    hp_host_check_context(port, __func__, HP_HOST_CALL);
    if (memory == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&port->mutex);
    found = remove_block(port, memory, &allocated);
    (void)pthread_mutex_unlock(&port->mutex);
    hp_host_check(port, __func__, found, "memory that is not allocated");
    if (!found) {
        return;
    }
    hp_host_check(port, __func__, size == allocated, "not the size that was allocated");
    (void)atomic_fetch_sub(&port->counts.live, 1);
    free(memory);
}
