/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading through simulated writes. */
#include "apply/memory.h"

/* Copies the part of a write that falls into [addr, addr + size); bit n of *covered: byte n did. */
static void overlay(const struct hp_write *write, uint64_t addr, uint8_t *buf, size_t size,
                    uint32_t *covered)
{
    size_t n;

    for (n = 0; n < write->size; n++) {
        uint64_t offset = write->addr + n - addr; /* wraps above size when below addr */

        if (offset < size) {
            buf[offset] = write->new_bytes[n];
            *covered |= UINT32_C(1) << offset;
        }
    }
}

/* Index into write_order of the first write that ends above addr. */
static uint32_t first_write(const struct hp_payload *payload, uint64_t addr)
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

/* Lays the writes of all applied payloads over the bytes; returns which bytes they gave. */
static uint32_t overlay_all(const struct hp_memory *memory, uint64_t addr, uint8_t *buf,
                            size_t size)
{
    uint32_t covered = 0;
    size_t n;

    for (n = 0; n < memory->applied_count; n++) {
        const struct hp_payload *payload = memory->applied[n];
        uint32_t i;

        for (i = first_write(payload, addr); i < payload->write_count; i++) {
            const struct hp_write *write = &payload->writes[payload->write_order[i]];

            if (write->addr > addr && write->addr - addr >= size) {
                break;
            }
            overlay(write, addr, buf, size, &covered);
        }
    }
    return covered;
}

/* Looks for a byte that no applied payload wrote and that the port cannot vouch for. */
static enum hp_status find_uncertain(const struct hp_memory *memory, uint64_t addr, size_t size,
                                     uint32_t covered, bool *uncertain)
{
    size_t n;

    for (n = 0; n < size && !*uncertain; n++) {
        enum hp_status status;
        uint8_t byte;

        if ((covered & (UINT32_C(1) << n)) != 0) {
            continue;
        }
        status = hp_port_target_read(memory->port, addr + n, &byte, 1);
        if (status != HP_OK && status != HP_UNDECIDED) {
            return status;
        }
        *uncertain = status == HP_UNDECIDED;
    }
    return HP_OK;
}

enum hp_status hp_memory_read(const struct hp_memory *memory, uint64_t addr, void *buf, size_t size,
                              bool *uncertain)
{
    enum hp_status status = hp_port_target_read(memory->port, addr, buf, size);
    uint32_t covered;

    *uncertain = false;
    if (status != HP_OK && status != HP_UNDECIDED) {
        return status;
    }
    covered = overlay_all(memory, addr, buf, size);
    if (status == HP_OK) {
        return HP_OK;
    }
    return find_uncertain(memory, addr, size, covered, uncertain);
}
