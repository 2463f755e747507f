/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Looking at the manager without its lock, from an NMI, a debug key or a fault handler.
 *
 * A look counts itself in `peekers` before it walks the list; an unload takes the payload out of
 * the list, then waits until it has seen no look in progress, then frees. So what a look has found
 * stays for as long as the look takes, and no look waits for anybody.
 */
#include <string.h>

#include "apply/handle.h"
#include "base/span.h"

static struct hp_payload_handle *enter(struct hp_manager *manager, uint32_t index)
{
    struct hp_payload_handle *handle;

    /* Sequentially consistent: either the unload sees the count, or the walk sees its unlinking. */
    (void)__atomic_add_fetch(&manager->peekers, 1, __ATOMIC_SEQ_CST);
    handle = __atomic_load_n(&manager->first, __ATOMIC_SEQ_CST);
    while (handle != NULL && index > 0) {
        handle = __atomic_load_n(&handle->next, __ATOMIC_SEQ_CST);
        index--;
    }
    return handle;
}

static void leave(struct hp_manager *manager)
{
    (void)__atomic_sub_fetch(&manager->peekers, 1, __ATOMIC_RELEASE);
}

enum hp_status hp_manager_peek(struct hp_manager *manager, uint32_t index,
                               struct hp_payload_info *info)
{
    const struct hp_payload_handle *handle = enter(manager, index);

    if (handle != NULL) {
        hp_manager_describe(manager, handle, info);
        info->payload = NULL; /* it may be unloaded at any moment */
    }
    leave(manager);
    return handle != NULL ? HP_OK : HP_PAYLOAD_UNKNOWN;
}

enum hp_status hp_manager_peek_function(struct hp_manager *manager, uint32_t index, uint32_t record,
                                        struct hp_function_info *info)
{
    const struct hp_payload_handle *handle = enter(manager, index);
    enum hp_status status = HP_PAYLOAD_UNKNOWN;

    memset(info, 0, sizeof(*info));
    if (handle != NULL && record < handle->payload.record_count) {
        const struct hp_record *from = &handle->payload.records[record];

        if (from->name != NULL) {
            memcpy(info->name, from->name, hp_string_length(from->name, sizeof(info->name) - 1));
        }
        info->old_addr = from->old_addr;
        info->new_addr = from->new_addr;
        info->applied = hp_is_patched(&from->patched);
        status = HP_OK;
    }
    leave(manager);
    return status;
}

/*
 * The report is copied word by word, and the sequence looked at before and after. Each word is
 * released and acquired: who reads one of a later action reads its sequence, too.
 */
#define REPORT_WORDS (sizeof(struct hp_action_report) / sizeof(uint32_t))

_Static_assert(sizeof(((struct hp_manager *)0)->published) == sizeof(struct hp_action_report),
               "the published report has room for one");

void hp_report_publish(struct hp_manager *manager)
{
    uint32_t words[REPORT_WORDS];
    size_t n;

    memcpy(words, &manager->report, sizeof(words));
    for (n = 0; n < REPORT_WORDS; n++) {
        __atomic_store_n(&manager->published[n], words[n], __ATOMIC_RELEASE);
    }
}

/* The payload behind one that a look has found. */
static struct hp_payload_handle *next(const struct hp_payload_handle *handle)
{
    return __atomic_load_n(&handle->next, __ATOMIC_SEQ_CST);
}

bool hp_manager_fixup(struct hp_manager *manager, uint64_t addr, uint64_t *fixup)
{
    const struct hp_payload_handle *handle = enter(manager, 0);
    bool found = false;

    for (; handle != NULL && !found; handle = next(handle)) {
        found = hp_payload_fixup(&handle->payload, addr, fixup);
    }
    leave(manager);
    return found;
}

bool hp_manager_bug_frame(struct hp_manager *manager, uint64_t addr, struct hp_bug_frame *frame)
{
    const struct hp_payload_handle *handle = enter(manager, 0);
    bool found = false;

    for (; handle != NULL && !found; handle = next(handle)) {
        found = hp_payload_bug_frame(&handle->payload, addr, frame);
    }
    leave(manager);
    return found;
}

bool hp_manager_symbol_at(struct hp_manager *manager, uint64_t addr, struct hp_symbol_info *info)
{
    const struct hp_payload_handle *handle = enter(manager, 0);
    bool found = false;

    memset(info, 0, sizeof(*info));
    for (; handle != NULL && !found; handle = next(handle)) {
        const struct hp_payload *payload = &handle->payload;
        const struct hp_image *image = &payload->image;
        const struct hp_region *text = &image->regions[HP_REGION_TEXT];
        struct hp_text_symbol symbol;

        found = addr - (image->memory.addr + text->offset) < text->size;
        if (found) {
            memcpy(info->payload, handle->name, sizeof(info->payload));
            info->offset = addr - image->memory.addr;
            info->size = image->memory.size;
        }
        if (found && hp_payload_symbol_at(payload, addr, &symbol)) {
            const char *name = payload->names + symbol.name;

            memcpy(info->name, name, hp_string_length(name, sizeof(info->name) - 1));
            info->offset -= symbol.start;
            info->size = symbol.end - symbol.start;
        }
    }
    leave(manager);
    return found;
}

bool hp_manager_peek_report(struct hp_manager *manager, struct hp_action_report *report)
{
    const uint32_t *sequence = &manager->action.sequence;
    uint32_t before = __atomic_load_n(sequence, __ATOMIC_ACQUIRE);
    uint32_t words[REPORT_WORDS];
    size_t n;

    for (n = 0; n < REPORT_WORDS; n++) {
        words[n] = __atomic_load_n(&manager->published[n], __ATOMIC_ACQUIRE);
    }
    if (before % 2 == 0 && __atomic_load_n(sequence, __ATOMIC_RELAXED) == before) {
        memcpy(report, words, sizeof(words));
        return true;
    }
    memset(report, 0, sizeof(*report));
    report->status = HP_ACTION_PENDING;
    return false;
}
