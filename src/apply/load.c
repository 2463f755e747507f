/* SPDX-License-Identifier: BSD-2-Clause */
/* The way of a payload from bytes to a sealed image: every stage in its order. SPEC section 7. */
#include <hotpatch/load.h>

#include <string.h>

#include "apply/authenticate.h"
#include "apply/compiler.h"
#include "apply/island.h"
#include "apply/records.h"
#include "apply/splices.h"
#include "apply/tables.h"
#include "reloc/loading.h"

#define BLOCK_ALIGN 16u

static bool spans_equal(struct hp_span a, const uint8_t *b, size_t b_size)
{
    return a.size == b_size && (a.size == 0 || memcmp(a.data, b, b_size) == 0);
}

/* The build's architecture for the payload, which must be the target's. */
static enum hp_status choose_arch(struct hp_loading *loading)
{
    const struct hp_elf *elf = loading->elf;
    const struct hp_arch *arch = hp_arch_find(elf->machine);
    uint16_t machine = loading->target.machine;

    if (arch == NULL || (machine != 0 && machine != elf->machine)) {
        return hp_fail_numbers(loading->diag, HP_STAGE_ELF, HP_ELF_MACHINE, machine, elf->machine);
    }
    if (elf->is64 != (arch->word == 8)) {
        return hp_fail(loading->diag, HP_STAGE_ELF, HP_ELF_CLASS);
    }
    loading->payload->arch = arch;
    return HP_OK;
}

static enum hp_status fail_special(struct hp_loading *loading, enum hp_stage stage,
                                   enum hp_status status, enum hp_special which)
{
    uint32_t index = loading->elf->special[which];

    status = hp_fail(loading->diag, stage, status);
    hp_note_section(loading->diag, index != 0 ? index : HP_NO_INDEX, hp_special_name(which));
    return status;
}

/*
 * The target's build-id, before anything else of the payload is interpreted: a payload for another
 * build may mean something else by everything that follows.
 */
static enum hp_status check_target(struct hp_loading *loading)
{
    struct hp_payload *payload = loading->payload;
    const struct hp_target *target = &loading->target;
    enum hp_status status =
        hp_elf_build_id(loading->elf, HP_SPECIAL_XEN_DEPENDS, &payload->xen_depends, loading->diag);

    if (status == HP_OK && payload->xen_depends.size > 0 && target->machine != 0 &&
        !spans_equal(payload->xen_depends, target->build_id, target->build_id_size)) {
        status =
            fail_special(loading, HP_STAGE_IDENTITY, HP_TARGET_BUILD_ID, HP_SPECIAL_XEN_DEPENDS);
    }
    return status;
}

/* The payload's own identity, and what it says that it stacks on. */
static enum hp_status identify(struct hp_loading *loading)
{
    struct hp_payload *payload = loading->payload;
    const struct hp_load_options *options = loading->options;
    enum hp_status status;
    size_t n;

    if (payload->xen_depends.size == 0 &&
        (payload->record_version != 1 || payload->profile->xen_depends_required)) {
        if (payload->record_version == 1) {
            hp_note_profile(loading->diag, payload->profile->name);
        }
        return fail_special(loading, HP_STAGE_IDENTITY, HP_SPECIAL_MISSING, HP_SPECIAL_XEN_DEPENDS);
    }
    status = hp_elf_build_id(loading->elf, HP_SPECIAL_DEPENDS, &payload->depends, loading->diag);
    if (status) {
        return status;
    }
    status = hp_elf_build_id(loading->elf, HP_SPECIAL_BUILD_ID, &payload->build_id, loading->diag);
    if (status) {
        return status;
    }
    if (loading->target.machine != 0 &&
        spans_equal(payload->build_id, loading->target.build_id, loading->target.build_id_size)) {
        return fail_special(loading, HP_STAGE_IDENTITY, HP_BUILD_ID_EXISTS, HP_SPECIAL_BUILD_ID);
    }
    for (n = 0; n < options->loaded_count; n++) {
        const struct hp_span *other = &options->loaded[n]->build_id;

        if (spans_equal(payload->build_id, other->data, other->size)) {
            return fail_special(loading, HP_STAGE_IDENTITY, HP_BUILD_ID_EXISTS,
                                HP_SPECIAL_BUILD_ID);
        }
    }
    return HP_OK;
}

/* Splices, where the build or the profile has none: refused, never ignored. */
static enum hp_status refuse_unsupported(struct hp_loading *loading)
{
    const struct hp_profile *profile = loading->payload->profile;

    if (loading->elf->special[HP_SPECIAL_SPLICES] == 0 ||
        (HP_WITH_SPLICES && !profile->no_splices)) {
        return HP_OK;
    }
    if (profile->no_splices) {
        hp_note_profile(loading->diag, profile->name);
    }
    return fail_special(loading, HP_STAGE_RECORDS, HP_SPECIAL_UNSUPPORTED, HP_SPECIAL_SPLICES);
}

/*
 * A bump allocator over the work area; with base NULL it only adds sizes up. 64 bits hold any sum:
 * a file has less than 2^32 bytes (profile.h), and there is less of everything in it.
 */
struct arena {
    uint8_t *base;
    uint64_t used;
};

static void *take(struct arena *arena, uint64_t count, uint32_t size)
{
    const uint64_t start = arena->used;

    arena->used += (count * size + BLOCK_ALIGN - 1) & ~(uint64_t)(BLOCK_ALIGN - 1);
    return arena->base == NULL ? NULL : arena->base + start;
}

static void take_span(struct arena *arena, struct hp_span *span)
{
    uint8_t *copy = take(arena, span->size, 1);

    if (copy != NULL && span->size != 0) {
        memcpy(copy, span->data, span->size);
        span->data = copy;
    }
}

/* Lays the work area out; called once for the size and once for the pointers. */
static void carve(struct hp_loading *loading, struct arena *arena)
{
    struct hp_payload *payload = loading->payload;
    size_t records = payload->record_count;
    size_t splices = payload->splice_count;
    size_t patches = records + splices;
    size_t exports = loading->exports;

    take_span(arena, &payload->build_id);
    take_span(arena, &payload->depends);
    take_span(arena, &payload->xen_depends);
    loading->places = take(arena, loading->elf->shnum, sizeof(*loading->places));
    payload->records = take(arena, records, sizeof(*payload->records));
    payload->splices = take(arena, splices, sizeof(*payload->splices));
    payload->writes = take(arena, patches, sizeof(*payload->writes));
    payload->write_order = take(arena, patches, sizeof(*payload->write_order));
    payload->aliases = take(arena, patches, sizeof(*payload->aliases));
    if (exports > 0) {
        payload->provided.entries = take(arena, exports, sizeof(*payload->provided.entries));
        payload->provided.slots = take(arena, exports, sizeof(*payload->provided.slots));
        payload->provided.buckets =
            take(arena, (size_t)hp_symtab_bucket_count((uint32_t)exports) + 1,
                 sizeof(*payload->provided.buckets));
    }
    payload->text_symbols = take(arena, loading->text_symbols, sizeof(*payload->text_symbols));
    if (exports > 0 || loading->text_symbols > 0) {
        loading->names = take(arena, loading->elf->strings.size, 1);
    }
    loading->sections = take(arena, loading->elf->shnum, sizeof(*loading->sections));
    loading->section_place = take(arena, loading->elf->shnum, sizeof(*loading->section_place));
    loading->symbols.values =
        take(arena, loading->elf->symbol_count, sizeof(*loading->symbols.values));
    loading->symbols.states =
        take(arena, loading->elf->symbol_count, sizeof(*loading->symbols.states));
    loading->symbols.gots = take(arena, loading->elf->symbol_count, sizeof(*loading->symbols.gots));
    if (payload->arch->veneer_size != 0) {
        loading->veneers = take(arena, loading->elf->symbol_count, sizeof(*loading->veneers));
    }
    if (payload->arch->pairs_relocs) {
        loading->pairs = take(arena, loading->relocs_max, sizeof(*loading->pairs));
    }
    loading->new_addrs = take(arena, patches, sizeof(*loading->new_addrs));
}

static enum hp_status obtain_block(struct hp_loading *loading)
{
    struct hp_payload *payload = loading->payload;
    struct arena arena = {NULL, 0};

    carve(loading, &arena);
    if (arena.used <= SIZE_MAX) {
        payload->block_size = (size_t)arena.used;
        payload->block = hp_port_alloc(payload->port, payload->block_size);
    }
    if (payload->block == NULL) {
        return hp_fail_numbers(loading->diag, HP_STAGE_LAYOUT, HP_NO_MEMORY, 0, arena.used);
    }
    arena.base = payload->block;
    arena.used = 0;
    carve(loading, &arena);
    return HP_OK;
}

/* Says whether the payload may be applied again after a revert, and where its metadata lies. */
static void note_properties(struct hp_loading *loading)
{
    struct hp_payload *payload = loading->payload;
    uint32_t modinfo = loading->elf->special[HP_SPECIAL_MODINFO];
    uint32_t n;

    payload->safe_to_reapply = true;
    for (n = 0; n < payload->image.section_count; n++) {
        const struct hp_placed_section *place = &payload->image.sections[n];

        if (place->region == HP_REGION_DATA && place->size > 0 &&
            place->section != loading->elf->special[HP_SPECIAL_FUNCS] &&
            place->section != loading->elf->special[HP_SPECIAL_SPLICES]) {
            payload->safe_to_reapply = false;
        }
        if (modinfo != 0 && place->section == modinfo) {
            payload->modinfo.data = payload->image.memory.host + place->offset;
            payload->modinfo.size = place->size;
        }
    }
}

/* What can be told from the file and the target alone. */
static enum hp_status prepare(struct hp_loading *loading)
{
    enum hp_status status = choose_arch(loading);

    if (status == HP_OK) {
        status = check_target(loading);
    }
    if (status == HP_OK) {
        status = hp_loading_check_version(loading);
    }
    if (status == HP_OK) {
        status = hp_records_measure(loading);
    }
    if (status == HP_OK) {
        status = identify(loading);
    }
    if (status == HP_OK) {
        status = hp_compiler_check(loading);
    }
    if (status == HP_OK) {
        status = hp_tables_measure(loading);
    }
    if (status == HP_OK) {
        status = refuse_unsupported(loading);
    }
    if (status == HP_OK) {
        status = hp_splices_measure(loading);
    }
    if (status == HP_OK) {
        status = hp_loading_measure(loading);
    }
    return status;
}

/* The image, from its memory to its final permissions. */
static enum hp_status build(struct hp_loading *loading)
{
    enum hp_status status = obtain_block(loading);

    if (status == HP_OK) {
        status = hp_loading_decode_sections(loading);
    }
    if (status == HP_OK) {
        status = hp_reloc_scan(loading);
    }
    if (status == HP_OK) {
        status = hp_image_build(loading);
    }
    if (status == HP_OK) {
        status = hp_symbols_resolve(loading);
    }
    if (status == HP_OK) {
        status = hp_reloc_apply(loading);
    }
    if (status == HP_OK) {
        status = hp_tables_carry_out(loading);
    }
    if (status == HP_OK) {
        status = hp_records_decode(loading);
    }
    if (status == HP_OK) {
        status = hp_splices_decode(loading);
    }
    if (status == HP_OK) {
        hp_records_sort_new(loading);
        status = hp_hooks_decode(loading);
    }
    if (status == HP_OK) {
        status = hp_symbols_export(loading);
    }
    if (status == HP_OK) {
        if (loading->payload->text_symbol_count > 0) {
            hp_loading_keep_names(loading);
        }
        note_properties(loading);
        status = hp_image_seal(loading);
    }
    if (status == HP_OK) {
        status = hp_islands_build(loading);
    }
    return status;
}

/* Verifies the signature; *extent receives the size of the ELF file in front of it. */
static enum hp_status authenticate(struct hp_loading *loading, const void *data, size_t size,
                                   size_t *extent)
{
    struct hp_payload *payload = loading->payload;
    enum hp_status status;

    if (size > payload->profile->file_max) {
        hp_note_limit(loading->diag, payload->profile, hp_profile_default.file_max, size);
        return hp_fail_numbers(loading->diag, HP_STAGE_ELF, HP_FILE_TOO_LARGE,
                               payload->profile->file_max, size);
    }
    status = hp_loading_authenticate(loading, data, size, extent);
    if (loading->options->signature != NULL) {
        *loading->options->signature = payload->signature;
    }
    return status;
}

/* All that comes behind the signature, whose verification is what needs the most stack. */
HP_APART static enum hp_status load_file(struct hp_loading *loading, struct hp_span file)
{
    struct hp_payload *payload = loading->payload;
    struct hp_elf elf;
    enum hp_status status = hp_elf_open_whole(&elf, file, payload->profile, loading->diag);

    loading->elf = &elf;
    if (status == HP_OK) {
        hp_port_target(payload->port, &loading->target);
        payload->undecided.target = loading->target.machine == 0;
        status = prepare(loading);
    }
    if (status == HP_OK) {
        status = build(loading);
    }
    loading->elf = NULL;
    return status;
}

static bool are_options_valid(const struct hp_load_options *options)
{
    if (options == NULL) {
        return true;
    }
    return options->size == sizeof(*options) &&
           (options->loaded != NULL || options->loaded_count == 0) &&
           (options->policy == NULL || options->policy->size == sizeof(*options->policy));
}

enum hp_status hp_payload_load(struct hp_payload *payload, struct hp_port *port, const void *data,
                               size_t size, const struct hp_load_options *options,
                               struct hp_diag *diag)
{
    static const struct hp_load_options defaults = {.size = sizeof(defaults)};
    struct hp_loading loading;
    size_t extent = 0;
    enum hp_status status;

    memset(payload, 0, sizeof(*payload));
    memset(&loading, 0, sizeof(loading)); /* compilers clear that much by slower means */
    loading.options = &defaults;
    loading.payload = payload;
    loading.diag = diag;
    if ((data == NULL && size > 0) || !are_options_valid(options)) {
        return hp_fail(diag, HP_STAGE_CALL, HP_INVALID_ARGUMENT);
    }
    if (options != NULL) {
        loading.options = options;
    }
    payload->port = port;
    payload->profile =
        loading.options->profile != NULL ? loading.options->profile : &hp_profile_default;
    status = authenticate(&loading, data, size, &extent);
    if (status == HP_OK) {
        status = load_file(&loading, (struct hp_span){data, extent});
    }
    if (status) {
        hp_payload_unload(payload);
    }
    return status;
}

enum hp_status hp_payload_stacks_on(const struct hp_payload *payload,
                                    const struct hp_payload *const *applied, size_t applied_count,
                                    struct hp_diag *diag)
{
    struct hp_span below;
    enum hp_status status;

    if (applied_count > 0) {
        below = applied[applied_count - 1]->build_id;
    } else {
        struct hp_target target;

        hp_port_target(payload->port, &target);
        if (target.machine == 0) {
            return HP_UNDECIDED;
        }
        below.data = target.build_id;
        below.size = target.build_id_size;
    }
    if (!spans_equal(payload->depends, below.data, below.size)) {
        status = hp_fail(diag, HP_STAGE_PLAN, HP_DEPENDS_BUILD_ID);
        hp_note_section(diag, HP_NO_INDEX, hp_special_name(HP_SPECIAL_DEPENDS));
        return status;
    }
    return HP_OK;
}

void hp_payload_unload(struct hp_payload *payload)
{
    if (payload->islands.size > 0) {
        hp_port_image_free(payload->port, &payload->islands);
    }
    if (payload->image.memory.size > 0) {
        hp_port_image_free(payload->port, &payload->image.memory);
    }
    if (payload->block != NULL) {
        hp_port_free(payload->port, payload->block, payload->block_size);
    }
    memset(payload, 0, sizeof(*payload));
}
