/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Alternatives and alternative calls: carried out on the image while it is still private, before
 * anything in it is looked at. Source: SPEC section 6.
 *
 * Each table is walked twice: every entry is checked, then every entry is checked again and
 * written, since an entry may change what a later one finds.
 */
#include "apply/tables.h"

#include <string.h>

/* The table that is being walked. */
struct walk {
    struct hp_loading *loading;
    const struct hp_alt_form *form;
    bool writes; /* the second time */
};

/* True when [addr, addr + size) is inside a section that is at `place`. */
static bool lies_in(const struct hp_image *image, const struct hp_placed_section *place,
                    uint64_t addr, uint32_t size)
{
    return hp_range_fits(place->size, addr - (image->memory.addr + place->offset), size);
}

/*
 * The bytes at [addr, addr + size) when all of them are code of the payload. Sections with a
 * meaning of their own are none, whatever their flags say: NULL.
 */
static uint8_t *find_code(const struct hp_loading *loading, uint64_t addr, uint32_t size)
{
    const struct hp_image *image = &loading->payload->image;
    const struct hp_placed_section *place = hp_image_section_at(image, addr);
    uint32_t n;

    if (place == NULL || place->region != HP_REGION_TEXT || !lies_in(image, place, addr, size) ||
        (addr & (loading->payload->arch->insn_min - 1u)) != 0) {
        return NULL;
    }
    for (n = 0; n < HP_SPECIAL_COUNT; n++) {
        if (loading->elf->special[n] == place->section) {
            return NULL;
        }
    }
    return image->memory.host + (addr - image->memory.addr);
}

/* The bytes of a replacement, which may be none at its section's end; NULL: they are not there. */
static const uint8_t *find_replacement(const struct hp_loading *loading,
                                       const struct hp_alternative *alt)
{
    const struct hp_image *image = &loading->payload->image;
    uint32_t index = loading->elf->special[HP_SPECIAL_ALTINSTR_REPLACEMENT];
    const struct hp_placed_section *place = index != 0 ? hp_loading_place(loading, index) : NULL;

    if (place == NULL || !lies_in(image, place, alt->replacement, alt->size) ||
        (alt->replacement & (loading->payload->arch->insn_min - 1u)) != 0) {
        return NULL;
    }
    return image->memory.host + (alt->replacement - image->memory.addr);
}

/* ---- alternative calls ----------------------------------------------------------------------- */

/* A payload that calls into another must not outlive it. */
static void note_import(const struct hp_loading *loading, uint64_t addr)
{
    const struct hp_load_options *options = loading->options;
    size_t n;

    for (n = 0; options->imported != NULL && n < options->loaded_count; n++) {
        const struct hp_image_memory *memory = &options->loaded[n]->image.memory;

        if (addr - memory->addr < memory->size) {
            options->imported[n] = true;
        }
    }
}

/* Reads the pointer at `addr`: one of the payload's own, or the target's as it is now. */
static enum hp_status read_pointer(const struct hp_loading *loading, uint64_t addr, uint64_t *value)
{
    const struct hp_payload *payload = loading->payload;
    const struct hp_image *image = &payload->image;
    const struct hp_placed_section *place = hp_image_section_at(image, addr);
    uint8_t bytes[sizeof(uint64_t)] = {0};
    enum hp_status status;

    if (place != NULL && lies_in(image, place, addr, payload->arch->word)) {
        *value = hp_load_word(payload->arch, image->memory.host + (addr - image->memory.addr));
        return *value == hp_undecided_word(payload->arch) ? HP_UNDECIDED : HP_OK;
    }
    status = hp_port_target_read(payload->port, addr, bytes, payload->arch->word);
    *value = hp_load_word(payload->arch, bytes);
    return status;
}

/*
 * Makes the indirect call at `addr` a direct one. `code` are the bytes there. When the pointer is
 * not known the call stays: it does the same, slower.
 */
static enum hp_status resolve_call(const struct walk *walk, uint64_t addr, uint8_t *code)
{
    struct hp_loading *loading = walk->loading;
    uint8_t call[HP_ALT_CALL_MAX];
    enum hp_status status;
    uint64_t pointer;
    uint64_t value;

    if (!walk->form->decode_call(code, addr, &pointer)) {
        return HP_ALT_CALL_SITE;
    }
    status = read_pointer(loading, pointer, &value);
    if (loading->target.machine == 0 && pointer == addr + walk->form->call_size - 1) {
        status = HP_UNDECIDED; /* a displacement with all bits set: it was not relocated */
    }
    if (status == HP_UNDECIDED && loading->options->allow_undecided) {
        loading->payload->undecided.alternatives += walk->writes ? 1 : 0;
        return HP_OK;
    }
    if (status) {
        return status;
    }
    if (value == 0) {
        return HP_ALT_CALL_POINTER;
    }
    if (!walk->form->encode_call(call, addr, value)) {
        return hp_fail_numbers(loading->diag, HP_STAGE_RECORDS, HP_ALT_REACH, addr, value);
    }
    note_import(loading, value);
    if (walk->writes) {
        memcpy(code, call, walk->form->call_size);
    }
    return HP_OK;
}

static enum hp_status walk_calls(const struct walk *walk)
{
    struct hp_loading *loading = walk->loading;
    const struct hp_payload *payload = loading->payload;
    uint32_t n;

    for (n = 0; n < payload->alt_calls.count; n++) {
        enum hp_status status = HP_ALT_CALL_SITE;
        uint64_t addr;
        const uint8_t *entry = hp_tables_entry(payload, &payload->alt_calls, 4, n, &addr);
        uint64_t site = addr + (uint64_t)(int64_t)(int32_t)hp_le32(entry);
        uint8_t *code = find_code(loading, site, walk->form->call_size);

        if (code != NULL) {
            status = resolve_call(walk, site, code);
        }
        if (status) {
            return hp_tables_fail(loading, HP_SPECIAL_ALT_CALL_SITES, n, status);
        }
    }
    return HP_OK;
}

/* ---- alternatives ---------------------------------------------------------------------------- */

/* The new bytes of a site: the replacement, moved there, and NOPs. */
static enum hp_status replace(const struct walk *walk, const struct hp_alternative *alt,
                              const uint8_t *replacement, uint8_t *code)
{
    const struct hp_alt_form *form = walk->form;
    struct hp_loading *loading = walk->loading;
    uint32_t used = alt->size;
    enum hp_status status;

    if (form->stands_for_call != NULL && form->stands_for_call(alt, replacement)) {
        if (alt->site_size < form->call_size) {
            return HP_ALT_CALL_SITE;
        }
        status = resolve_call(walk, alt->site, code);
        used = form->call_size;
    } else {
        if (walk->writes) {
            memcpy(code, replacement, used);
        }
        status =
            form->move(alt, loading->target.return_thunk, replacement, walk->writes ? code : NULL);
        if (status) {
            return hp_fail_numbers(loading->diag, HP_STAGE_RECORDS, status, alt->replacement,
                                   alt->site);
        }
    }
    if (status == HP_OK && walk->writes) {
        loading->payload->arch->fill_nops(code + used, alt->site_size - used);
    }
    return status;
}

/*
 * Carries one entry out. Where the CPU is not known the site stays as it is, and the replacement is
 * checked as if it were taken.
 */
static enum hp_status decide(const struct walk *walk, const struct hp_alternative *alt,
                             const uint8_t *replacement, uint8_t *code)
{
    struct hp_loading *loading = walk->loading;
    struct walk look = {loading, walk->form, false};
    bool has = false;
    enum hp_status status = hp_port_cpu_feature(loading->payload->port, alt->feature, &has);

    if (status == HP_UNDECIDED && loading->options->allow_undecided) {
        loading->payload->undecided.alternatives += walk->writes ? 1 : 0;
        return replace(&look, alt, replacement, code);
    }
    if (status) {
        return hp_fail_numbers(loading->diag, HP_STAGE_RECORDS, status, 0, alt->feature);
    }
    return has != alt->inverts ? replace(walk, alt, replacement, code) : HP_OK;
}

static enum hp_status walk_alternatives(const struct walk *walk)
{
    struct hp_loading *loading = walk->loading;
    const struct hp_payload *payload = loading->payload;
    uint32_t n;

    for (n = 0; n < payload->alternatives.count; n++) {
        struct hp_alternative alt;
        uint64_t addr;
        const uint8_t *entry =
            hp_tables_entry(payload, &payload->alternatives, walk->form->entry_size, n, &addr);
        enum hp_status status = walk->form->decode(entry, addr, &alt);
        const uint8_t *replacement = find_replacement(loading, &alt);
        uint8_t *code = find_code(loading, alt.site, alt.site_size);

        if (status) {
            status =
                hp_fail_numbers(loading->diag, HP_STAGE_RECORDS, status, alt.site_size, alt.size);
        } else if (code == NULL) {
            status = HP_ALT_SITE;
        } else if (replacement == NULL) {
            status = HP_ALT_REPLACEMENT;
        } else {
            status = decide(walk, &alt, replacement, code);
        }
        if (status) {
            return hp_tables_fail(loading, HP_SPECIAL_ALTINSTRUCTIONS, n, status);
        }
    }
    return HP_OK;
}

enum hp_status hp_alternatives_carry_out(struct hp_loading *loading)
{
    struct walk walk = {loading, loading->payload->arch->alternatives, false};
    enum hp_status status = walk_alternatives(&walk);

    if (status == HP_OK) {
        status = walk_calls(&walk);
    }
    walk.writes = true;
    if (status == HP_OK) {
        status = walk_alternatives(&walk);
    }
    if (status == HP_OK) {
        status = walk_calls(&walk);
    }
    return status;
}
