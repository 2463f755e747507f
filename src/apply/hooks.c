/* SPDX-License-Identifier: BSD-2-Clause */
/* Hooks: arrays of pointers into the payload's text. Source: SPEC section 4. */
#include "apply/records.h"

static enum hp_status decode_hooks(struct hp_loading *loading, enum hp_special which,
                                   const struct hp_placed_section *place)
{
    struct hp_payload *payload = loading->payload;
    struct hp_hooks *hooks = &payload->hooks[which - HP_HOOK_FIRST];
    uint32_t word = payload->arch->word;
    bool is_list = which == HP_SPECIAL_HOOKS_LOAD || which == HP_SPECIAL_HOOKS_UNLOAD;
    uint32_t n;

    if (place->size % word != 0 || (!is_list && place->size != word)) {
        return hp_fail_numbers(loading->diag, HP_STAGE_RECORDS, HP_HOOK_SIZE, word, place->size);
    }
    hooks->offset = place->offset;
    hooks->count = place->size / word;
    for (n = 0; n < hooks->count; n++) {
        uint64_t addr = hp_load_word(payload->arch,
                                     payload->image.memory.host + place->offset + (size_t)n * word);

        enum hp_status status = hp_payload_check_text(loading, addr, HP_HOOK_POINTER);

        if (status == HP_OK) {
            status = hp_payload_check_pad(loading, addr);
        }
        if (status) {
            hp_note_record(loading->diag, n);
            return status;
        }
    }
    return HP_OK;
}

enum hp_status hp_hooks_decode(struct hp_loading *loading)
{
    uint32_t which;

    for (which = HP_HOOK_FIRST; which <= HP_HOOK_LAST; which++) {
        uint32_t index = loading->elf->special[which];
        const struct hp_placed_section *place;
        enum hp_status status;

        if (index == 0) {
            continue;
        }
        place = hp_loading_place(loading, index);
        if (place == NULL) {
            return hp_fail(loading->diag, HP_STAGE_RECORDS, HP_SPECIAL_NOT_LOADED);
        }
        status = decode_hooks(loading, (enum hp_special)which, place);
        if (status) {
            hp_note_section(loading->diag, index, hp_special_name((enum hp_special)which));
            return status;
        }
    }
    return HP_OK;
}
