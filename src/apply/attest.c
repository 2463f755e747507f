/* SPDX-License-Identifier: BSD-2-Clause */
/* Attestation: comparing memory with what it should be. SPEC section 10. */
#include <hotpatch/manager.h>

#include <string.h>

#include "apply/capture.h"
#include "apply/handle.h"
#include "apply/island.h"
#include "base/diag.h"
#include "base/span.h"

/* What can be laid over memory at a time. Regions are whole pages, so that it divides them. */
#define CHUNK HP_WRITE_MAX

/*
 * Each step is one-to-one in the sum and in the word, so that a change of one word changes the sum
 * whatever it is; changes of several do but for one chance in 2^64.
 */
static uint64_t add_word(uint64_t sum, uint64_t word)
{
    sum = (sum ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return sum ^ (sum >> 32);
}

/* Sum of a region; with `memory` as it is once the patches that `memory` tells of are undone. */
static uint64_t sum_region(const struct hp_payload *payload, enum hp_region_kind kind,
                           const struct hp_memory *memory)
{
    const struct hp_region *region = &payload->image.regions[kind];
    uint64_t sum = 0;
    uint32_t done;
    uint32_t n;

    for (done = 0; done < region->span; done += CHUNK) {
        uint32_t offset = region->offset + done;
        uint8_t bytes[CHUNK];

        memcpy(bytes, payload->image.memory.host + offset, CHUNK);
        if (memory != NULL) {
            hp_memory_overlay(memory, payload->image.memory.addr + offset, bytes, CHUNK);
        }
        for (n = 0; n < CHUNK; n += 8) {
            sum = add_word(sum, hp_le64(bytes + n));
        }
    }
    return sum;
}

void hp_handle_sum(struct hp_payload_handle *handle)
{
    handle->sums[HP_REGION_TEXT] = sum_region(&handle->payload, HP_REGION_TEXT, NULL);
    handle->sums[HP_REGION_RODATA] = sum_region(&handle->payload, HP_REGION_RODATA, NULL);
}

static void note_payload(struct hp_diag *diag, const struct hp_payload_handle *handle)
{
    hp_note_symbol(diag, HP_NO_INDEX, handle->name, sizeof(handle->name) - 1);
}

/* Looks at one write; `memory` undoes what was written on top of it. */
static enum hp_status attest_write(const struct hp_memory *memory, const struct hp_write *write,
                                   struct hp_diag *diag)
{
    uint8_t bytes[HP_WRITE_MAX];
    enum hp_status status = hp_port_target_read(memory->port, write->addr, bytes, write->size);
    uint32_t n;

    if (status) {
        return hp_fail(diag, HP_STAGE_ACTION, status);
    }
    hp_memory_overlay(memory, write->addr, bytes, write->size);
    for (n = 0; n < write->size; n++) {
        if (bytes[n] != write->new_bytes[n]) {
            status = hp_fail_numbers(diag, HP_STAGE_ACTION, HP_MEMORY_CHANGED, write->new_bytes[n],
                                     bytes[n]);
            hp_note_offset(diag, n);
            return status;
        }
    }
    return HP_OK;
}

/* Looks at the writes of all applied payloads, from the top, and undoes one after the other. */
static enum hp_status attest_writes(struct hp_memory *memory, struct hp_diag *diag)
{
    const struct hp_payload *payload = memory->undone;

    for (; payload != NULL; payload = payload->below) {
        uint32_t n;

        for (n = 0; n < payload->write_count; n++) {
            const struct hp_write *write = &payload->writes[n];
            enum hp_status status;

            if (write->applied == 0) {
                continue; /* an apply hook has left it out */
            }
            status = attest_write(memory, write, diag);
            if (status) {
                hp_note_write(diag, write);
                note_payload(diag, (const struct hp_payload_handle *)(const void *)payload);
                return status;
            }
        }
        memory->undone_count++;
    }
    return HP_OK;
}

static enum hp_status attest_regions(const struct hp_payload_handle *handle,
                                     const struct hp_memory *memory, struct hp_diag *diag)
{
    static const struct {
        enum hp_region_kind kind;
        const char *name;
    } regions[] = {{HP_REGION_TEXT, "text"}, {HP_REGION_RODATA, "read-only data"}};
    size_t n;

    for (n = 0; n < sizeof(regions) / sizeof(regions[0]); n++) {
        uint64_t sum = sum_region(&handle->payload, regions[n].kind, memory);

        if (sum != handle->sums[regions[n].kind]) {
            enum hp_status status = hp_fail_numbers(diag, HP_STAGE_ACTION, HP_MEMORY_CHANGED,
                                                    handle->sums[regions[n].kind], sum);

            hp_note_section(diag, HP_NO_INDEX, regions[n].name);
            note_payload(diag, handle);
            return status;
        }
    }
    return HP_OK;
}

static enum hp_status attest_payload(const struct hp_payload_handle *handle,
                                     const struct hp_memory *memory, struct hp_diag *diag)
{
    enum hp_status status = attest_regions(handle, memory, diag);

    if (status == HP_OK) {
        status = hp_islands_attest(&handle->payload, diag);
        if (status) {
            note_payload(diag, handle);
        }
    }
    return status;
}

enum hp_status hp_manager_attest(struct hp_manager *manager, struct hp_diag *diag)
{
    const struct hp_payload_handle *handle;
    struct hp_memory memory = {.port = manager->port};
    enum hp_status status;

    hp_port_lock(manager->port);
    if (hp_manager_is_busy(manager)) {
        status = hp_fail(diag, HP_STAGE_ACTION, HP_ACTION_BUSY);
    } else {
        memory.undone = manager->top != NULL ? &manager->top->payload : NULL;
        status = attest_writes(&memory, diag);
        for (handle = manager->first; status == HP_OK && handle != NULL; handle = handle->next) {
            status = attest_payload(handle, &memory, diag);
        }
    }
    hp_port_unlock(manager->port);
    return status;
}
