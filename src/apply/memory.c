/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading through simulated writes. */
#include "apply/memory.h"

/* Bytes that are read, and which of them came from writes. */
struct window {
    uint64_t addr;
    uint8_t *buf;
    size_t size;
    uint32_t covered; /* bit n: byte n */
};

/* Copies the part of a write that falls into the window. */
static void overlay(const struct hp_write *write, const uint8_t *bytes, struct window *window)
{
    size_t n;

    for (n = 0; n < write->size; n++) {
        uint64_t offset = write->addr + n - window->addr; /* wraps above size when below addr */

        if (offset < window->size) {
            window->buf[offset] = bytes[n];
            window->covered |= UINT32_C(1) << offset;
        }
    }
}

uint32_t hp_memory_first_write(const struct hp_payload *payload, uint64_t addr)
{
    uint32_t low = 0;
    uint32_t high = payload->write_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct hp_write *write = &payload->writes[payload->write_order[middle]];

        if (write->addr + write->size <= addr) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

const struct hp_write *hp_memory_write_into(const struct hp_payload *payload, uint64_t addr,
                                            uint64_t end)
{
    uint32_t first = hp_memory_first_write(payload, addr);
    const struct hp_write *write;

    if (first == payload->write_count) {
        return NULL;
    }
    write = &payload->writes[payload->write_order[first]];
    return write->addr < end ? write : NULL;
}

/* Lays the writes of a payload over the window: what they put there, or what they replaced. */
static void overlay_payload(const struct hp_payload *payload, bool undo, struct window *window)
{
    uint32_t i;

    for (i = hp_memory_first_write(payload, window->addr); i < payload->write_count; i++) {
        const struct hp_write *write = &payload->writes[payload->write_order[i]];

        if (write->addr > window->addr && write->addr - window->addr >= window->size) {
            break;
        }
        if (!undo || write->applied) {
            overlay(write, undo ? write->old_bytes : write->new_bytes, window);
        }
    }
}

static void overlay_window(const struct hp_memory *memory, struct window *window)
{
    const struct hp_payload *payload = memory->undone;
    size_t n;

    for (n = 0; n < memory->undone_count; n++, payload = payload->below) {
        overlay_payload(payload, true, window);
    }
    for (n = 0; n < memory->applied_count; n++) {
        overlay_payload(memory->applied[n], false, window);
    }
}

void hp_memory_overlay(const struct hp_memory *memory, uint64_t addr, void *buf, size_t size)
{
    struct window window = {addr, buf, size, 0};

    overlay_window(memory, &window);
}

/* Looks for bytes that no applied payload wrote and that the port cannot vouch for. */
static enum hp_status find_uncertain(const struct hp_memory *memory, uint64_t addr, size_t size,
                                     uint32_t covered, uint32_t *uncertain)
{
    size_t n;

    for (n = 0; n < size; n++) {
        const uint32_t bit = UINT32_C(1) << n;
        enum hp_status status;
        uint8_t byte;

        if ((covered & bit) != 0) {
            continue;
        }
        status = hp_port_target_read(memory->port, addr + n, &byte, 1);
        if (status != HP_OK && status != HP_UNDECIDED) {
            return status;
        }
        *uncertain |= status == HP_UNDECIDED ? bit : 0;
    }
    return HP_OK;
}

enum hp_status hp_memory_read(const struct hp_memory *memory, uint64_t addr, void *buf, size_t size,
                              uint32_t *uncertain)
{
    enum hp_status status = hp_port_target_read(memory->port, addr, buf, size);
    struct window window = {addr, buf, size, 0};

    *uncertain = 0;
    if (status != HP_OK && status != HP_UNDECIDED) {
        return status;
    }
    overlay_window(memory, &window);
    if (status == HP_OK) {
        return HP_OK;
    }
    return find_uncertain(memory, addr, size, window.covered, uncertain);
}
