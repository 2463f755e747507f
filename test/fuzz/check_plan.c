/* SPDX-License-Identifier: BSD-2-Clause */
/* A plan under fuzzing: every write against what target memory shows, computed by other means. */
#include <stdbool.h>
#include <string.h>

#include "check.h"
#include "fuzz_port.h"
#include "harness.h"

enum { PAD_SIZE = 4 };

/* Target memory as it is with the writes of some payloads done, in order, byte by byte. */
static bool read_through(struct hp_port *port, const struct hp_payload *const *applied,
                         size_t applied_count, uint64_t addr, uint8_t *buf, size_t size)
{
    size_t n;
    uint32_t i;
    uint32_t k;

    if (!fuzz_port_peek(port, addr, buf, size)) {
        return false;
    }
    for (n = 0; n < applied_count; n++) {
        for (i = 0; i < applied[n]->write_count; i++) {
            const struct hp_write *write = &applied[n]->writes[i];

            for (k = 0; k < write->size; k++) {
                if (write->addr + k >= addr && write->addr + k - addr < size) {
                    buf[write->addr + k - addr] = write->new_bytes[k];
                }
            }
        }
    }
    return true;
}

/* True when the port cannot vouch for some byte that no applied payload has written. */
static bool is_uncertain(struct hp_port *port, const struct hp_payload *const *applied,
                         size_t applied_count, uint64_t addr, size_t size)
{
    size_t k;
    size_t n;
    uint32_t i;

    for (k = 0; k < size; k++) {
        bool written = false;
        uint8_t byte;

        for (n = 0; n < applied_count; n++) {
            for (i = 0; i < applied[n]->write_count; i++) {
                written |= addr + k - applied[n]->writes[i].addr < applied[n]->writes[i].size;
            }
        }
        if (!written && hp_port_target_read(port, addr + k, &byte, 1) == HP_UNDECIDED) {
            return true;
        }
    }
    return false;
}

static bool is_landing_pad(const uint8_t *bytes)
{
    return memcmp(bytes, "\xf3\x0f\x1e\xfa", PAD_SIZE) == 0 ||
           memcmp(bytes, "\x66\x0f\x1f\x01", PAD_SIZE) == 0;
}

/* Nothing but the recommended NOPs (Intel SDM): 90, 66 90, [66] 0f 1f /0 with any addressing. */
static void check_nops(const uint8_t *bytes, size_t size)
{
    size_t n = 0;

    while (n < size) {
        n += bytes[n] == 0x66 ? 1 : 0;
        CHECK(n < size);
        if (bytes[n] == 0x90) {
            n++;
            continue;
        }
        CHECK(size - n >= 3 && bytes[n] == 0x0f && bytes[n + 1] == 0x1f);
        switch (bytes[n + 2]) {
        case 0x00:
            n += 3;
            break;
        case 0x40:
            n += 4;
            break;
        case 0x44:
            n += 5;
            break;
        case 0x80:
            n += 7;
            break;
        case 0x84:
            n += 8;
            break;
        default:
            CHECK(false);
        }
        CHECK(n <= size);
    }
}

/* A second trampoline: the payload's own, and one that leads to the new function. */
static void check_island(const struct hp_payload *payload, const struct hp_write *write,
                         uint64_t addr)
{
    static const uint8_t code[8] = {0xff, 0x25, 0x02, 0, 0, 0, 0xcc, 0xcc};
    const struct hp_image_memory *memory = &payload->islands;
    uint64_t dest;

    CHECK(addr == write->island && addr == payload->records[write->record].island);
    CHECK(addr >= memory->addr && addr - memory->addr <= memory->size - sizeof(code) - 8);
    CHECK((addr - memory->addr) % 16 == 0);
    CHECK(memcmp(memory->host + (addr - memory->addr), code, sizeof(code)) == 0);
    memcpy(&dest, memory->host + (addr - memory->addr) + sizeof(code), sizeof(dest));
    CHECK(dest == write->dest);
}

static void check_jump(const struct hp_payload *payload, const struct hp_write *write)
{
    uint32_t displacement = 0;
    uint64_t dest;

    CHECK(write->size == 5 && write->new_bytes[0] == 0xe9);
    memcpy(&displacement, write->new_bytes + 1, sizeof(displacement));
    dest = write->addr + 5 + (uint64_t)(int64_t)(int32_t)displacement;
    CHECK(write->dest == payload->records[write->record].new_addr);
    if (write->island == 0) {
        CHECK(dest == write->dest);
    } else {
        check_island(payload, write, dest);
    }
}

/* The place is not the payload's own, and not inside the landing pad of its function. */
static void check_place(const struct hp_payload *payload, const struct hp_payload *const *applied,
                        size_t applied_count, const struct hp_write *write)
{
    const struct hp_record *record = &payload->records[write->record];
    const struct hp_image_memory *own = &payload->image.memory;
    uint8_t bytes[PAD_SIZE];

    CHECK(write->addr + write->size <= own->addr || write->addr >= own->addr + own->size);
    CHECK(record->limit == 0 || write->addr + write->size <= record->limit);
    if (record->start != 0 && record->limit - record->start >= PAD_SIZE &&
        read_through(payload->port, applied, applied_count, record->start, bytes, PAD_SIZE) &&
        is_landing_pad(bytes)) {
        CHECK(write->addr - record->start >= PAD_SIZE);
    }
}

static void check_write(const struct hp_payload *payload, const struct hp_payload *const *applied,
                        size_t applied_count, const struct hp_write *write)
{
    const struct hp_record *record = &payload->records[write->record];
    uint8_t bytes[HP_WRITE_MAX];

    CHECK(!record->undecided && write->size > 0 && write->size <= HP_WRITE_MAX);
    CHECK(write->addr == record->old_addr + write->pad);
    CHECK((uint32_t)write->pad + write->size <= record->old_size);
    check_place(payload, applied, applied_count, write);
    CHECK(hp_port_patchable(payload->port, record->old_addr, (size_t)write->pad + write->size) ==
          HP_OK);
    CHECK(read_through(payload->port, applied, applied_count, write->addr, bytes, write->size));
    CHECK(memcmp(bytes, write->old_bytes, write->size) == 0);
    CHECK((write->uncertain != 0) ==
          is_uncertain(payload->port, applied, applied_count, write->addr, write->size));
    /* A landing pad stays whole, whatever is patched behind it. */
    CHECK(write->pad == 0 || write->pad == PAD_SIZE);
    if (read_through(payload->port, applied, applied_count, record->old_addr, bytes, PAD_SIZE)) {
        CHECK((write->pad == PAD_SIZE) == is_landing_pad(bytes));
    }
    if (!write->uncertain && record->expect_len > 0 && payload->undecided.expectations == 0) {
        CHECK(read_through(payload->port, applied, applied_count, record->old_addr, bytes,
                           record->expect_len));
        CHECK(memcmp(bytes, record->expect, record->expect_len) == 0);
    }
    if (write->kind == HP_WRITE_JUMP) {
        check_jump(payload, write);
    } else {
        CHECK(write->kind == HP_WRITE_NOP && write->dest == 0 && record->new_addr == 0);
        check_nops(write->new_bytes, write->size);
    }
}

/* Where a branch that a splice leads elsewhere goes, by the definition of the instruction. */
static uint64_t branch_dest(const uint8_t *bytes, const struct hp_write *write)
{
    const uint8_t head = bytes[0] == 0x0f ? 2 : 1;
    uint32_t displacement = 0;

    CHECK(write->size == head + 4);
    CHECK(bytes[0] == (write->kind == HP_WRITE_CALL_TO ? 0xe8 : bytes[0]));
    CHECK(bytes[0] == 0xe8 || bytes[0] == 0xe9 || (head == 2 && (bytes[1] & 0xf0) == 0x80));
    CHECK((bytes[0] == 0xe8) == (write->kind == HP_WRITE_CALL_TO));
    memcpy(&displacement, bytes + head, sizeof(displacement));
    return write->addr + write->size + (uint64_t)(int64_t)(int32_t)displacement;
}

/* What stood there is what the splice expects, where that is certain, and what comes is as it says.
 */
static void check_contents(const struct hp_splice *splice, const struct hp_write *write)
{
    const uint8_t *old = write->old_bytes;
    uint64_t word = 0;

    CHECK(write->dest == splice->new_target);
    switch (splice->kind) {
    case HP_SPLICE_OF_BYTES:
        CHECK(write->kind == HP_WRITE_BYTES && write->size == splice->size);
        CHECK(write->uncertain || memcmp(old, splice->old_bytes, write->size) == 0);
        CHECK(memcmp(write->new_bytes, splice->new_bytes, write->size) == 0);
        break;
    case HP_SPLICE_OF_POINTER:
        CHECK(write->kind == HP_WRITE_POINTER && write->size == sizeof(word));
        CHECK(write->addr % sizeof(word) == 0);
        memcpy(&word, old, sizeof(word));
        CHECK(write->uncertain || word == splice->old_target);
        memcpy(&word, write->new_bytes, sizeof(word));
        CHECK(word == splice->new_target);
        break;
    default:
        CHECK(write->kind ==
              (splice->kind == HP_SPLICE_OF_CALL ? HP_WRITE_CALL_TO : HP_WRITE_JUMP_TO));
        CHECK(!write->data);
        CHECK(write->uncertain || branch_dest(old, write) == splice->old_target);
        CHECK(branch_dest(write->new_bytes, write) == splice->new_target);
        CHECK(old[0] == write->new_bytes[0] && (old[0] != 0x0f || old[1] == write->new_bytes[1]));
        break;
    }
}

static void check_splice(const struct hp_payload *payload, const struct hp_payload *const *applied,
                         size_t applied_count, const struct hp_write *write)
{
    const struct hp_splice *splice = &payload->splices[write->record];
    const struct hp_image_memory *own = &payload->image.memory;
    uint8_t bytes[HP_WRITE_MAX];

    CHECK(!splice->undecided && write->size > 0 && write->size <= HP_WRITE_MAX);
    CHECK(write->addr == splice->addr && write->pad == 0 && write->splice == 1);
    CHECK(write->patched == &splice->patched && splice->patched == 0);
    CHECK(write->addr + write->size <= own->addr || write->addr >= own->addr + own->size);
    CHECK(splice->limit == 0 || write->addr + write->size <= splice->limit);
    CHECK((hp_port_patchable(payload->port, write->addr, write->size) == HP_OK) == !write->data);
    CHECK(!write->data || hp_port_spliceable(payload->port, write->addr, write->size) == HP_OK);
    CHECK(read_through(payload->port, applied, applied_count, write->addr, bytes, write->size));
    CHECK(memcmp(bytes, write->old_bytes, write->size) == 0);
    CHECK((write->uncertain != 0) ==
          is_uncertain(payload->port, applied, applied_count, write->addr, write->size));
    if (!write->data && splice->limit - splice->start >= PAD_SIZE && splice->limit != 0 &&
        read_through(payload->port, applied, applied_count, splice->start, bytes, PAD_SIZE) &&
        is_landing_pad(bytes)) {
        CHECK(write->addr - splice->start >= PAD_SIZE);
    }
    check_contents(splice, write);
}

/* The order is a permutation, ascending, and no two writes share a byte. */
static void check_order(const struct hp_payload *payload)
{
    uint8_t *seen = calloc(1, (size_t)payload->write_count + 1);
    uint64_t end = 0;
    uint32_t n;

    CHECK(seen != NULL);
    for (n = 0; n < payload->write_count; n++) {
        const struct hp_write *write;

        CHECK(payload->write_order[n] < payload->write_count);
        CHECK(seen[payload->write_order[n]] == 0);
        seen[payload->write_order[n]] = 1;
        write = &payload->writes[payload->write_order[n]];
        CHECK(write->addr - write->pad >= end);
        end = write->addr + write->size;
    }
    free(seen);
}

void fuzz_check_plan(const struct hp_payload *payload, const struct hp_payload *const *applied,
                     size_t applied_count)
{
    uint32_t n;

    CHECK(payload->write_count <= payload->record_count + payload->splice_count);
    for (n = 0; n < payload->write_count; n++) {
        const struct hp_write *write = &payload->writes[n];

        CHECK(write->record < (write->splice ? payload->splice_count : payload->record_count));
        CHECK(n == 0 || write[-1].splice < write->splice ||
              (write[-1].splice == write->splice && write[-1].record < write->record));
        if (write->splice) {
            check_splice(payload, applied, applied_count, write);
        } else {
            check_write(payload, applied, applied_count, write);
        }
    }
    check_order(payload);
}
