/* SPDX-License-Identifier: BSD-2-Clause */
/* A target, and the payloads that are taken as loaded and applied on it. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"

enum hp_status view_open(struct hp_elf *elf, const struct file *file,
                         const struct hp_profile *profile, struct hp_diag *diag)
{
    size_t extent;
    enum hp_status status;

    memset(elf, 0, sizeof(*elf));
    status = hp_elf_extent(file->data, file->size, &extent, diag);
    if (status) {
        return status;
    }
    return hp_elf_open(elf, file->data, extent, profile, diag);
}

enum hp_status loaded_judge(struct loaded *loaded, const struct stack *stack, struct hp_diag *diag)
{
    const struct hp_load_options load = {
        .size = sizeof(load),
        .profile = stack->profile,
        .loaded = stack->applied,
        .loaded_count = stack->count,
        .allow_undecided = true,
        .keyring = trust_ring(&stack->trust),
        .policy = &stack->trust.policy,
    };
    struct hp_payload *payload = &loaded->payload;
    enum hp_status status;

    hp_diag_init(diag);
    status =
        hp_payload_load(payload, stack->port, loaded->file.data, loaded->file.size, &load, diag);
    if (status == HP_OK) {
        status = trust_check_time(&stack->trust, &payload->signature, diag);
    }
    if (status) {
        return status;
    }
    status = hp_payload_stacks_on(payload, stack->applied, stack->count, diag);
    if (status && status != HP_UNDECIDED) {
        return status;
    }
    hp_diag_init(diag);
    status = hp_plan_capture(payload, stack->applied, stack->count, diag);
    if (status) {
        return status;
    }
    status = view_open(&loaded->elf, &loaded->file, stack->profile, diag);
    if (status) {
        return status;
    }
    names_build(&loaded->names, &loaded->elf, &payload->image);
    return HP_OK;
}

void loaded_free(struct loaded *loaded)
{
    names_free(&loaded->names);
    hp_payload_unload(&loaded->payload);
    free(loaded->file.data);
    memset(loaded, 0, sizeof(*loaded));
}

static int read_payload(struct loaded *loaded, const char *path)
{
    int err = file_read(&loaded->file, path);

    loaded->path = path;
    if (err != 0) {
        complain(path, strerror(err));
        return TOOL_TROUBLE;
    }
    return TOOL_ACCEPTED;
}

int loaded_open(struct loaded *loaded, const char *path, const struct stack *stack)
{
    struct hp_diag diag;
    int rc = read_payload(loaded, path);

    if (rc == TOOL_ACCEPTED && loaded_judge(loaded, stack, &diag) != HP_OK) {
        print_refusal(stderr, path, &diag, want_colour(stderr));
        rc = TOOL_REFUSED;
    }
    return rc;
}

static int open_target(struct stack *stack, const struct options *options)
{
    const struct hp_host_options host = {
        .size = sizeof(host),
        .has_base = options->has_base,
        .base = options->base,
    };
    struct hp_diag diag;
    char why[1024];

    hp_diag_init(&diag);
    if (hp_host_open(&stack->port, options->target, &host, &diag) == HP_OK) {
        stack->profile = options->profile != NULL ? options->profile : hp_host_profile(stack->port);
        if (options->filler || options->same_compiler) {
            stack->adjusted = stack->profile != NULL ? *stack->profile : hp_profile_default;
            stack->adjusted.uses_filler |= options->filler;
            stack->adjusted.same_compiler |= options->same_compiler;
            stack->profile = &stack->adjusted;
        }
        return TOOL_ACCEPTED;
    }
    stack->port = NULL;
    (void)hp_diag_format(&diag, why, sizeof(why));
    complain(options->target != NULL ? options->target : "target", why);
    return TOOL_TROUBLE;
}

int stack_open(struct stack *stack, const struct options *options)
{
    size_t i;
    int rc;

    memset(stack, 0, sizeof(*stack));
    stack->after = tool_alloc(options->after_count, sizeof(stack->after[0]));
    stack->applied = tool_alloc(options->after_count, sizeof(stack->applied[0]));
    rc = trust_open(&stack->trust, options);
    if (rc == TOOL_ACCEPTED) {
        rc = open_target(stack, options);
    }
    for (i = 0; rc == TOOL_ACCEPTED && i < options->after_count; i++) {
        struct loaded *loaded = &stack->after[i];
        struct hp_diag diag;

        rc = read_payload(loaded, options->after[i]);
        if (rc == TOOL_ACCEPTED && loaded_judge(loaded, stack, &diag) != HP_OK) {
            fputs("hotpatch: --after ", stderr);
            print_refusal(stderr, loaded->path, &diag, false);
            rc = TOOL_REFUSED;
        }
        if (rc != TOOL_ACCEPTED) {
            loaded_free(loaded);
            break;
        }
        stack->applied[stack->count++] = &loaded->payload;
    }
    return rc;
}

void stack_close(struct stack *stack)
{
    while (stack->count > 0) {
        loaded_free(&stack->after[--stack->count]);
    }
    free(stack->after);
    free(stack->applied);
    trust_close(&stack->trust);
    if (stack->port != NULL) {
        hp_host_close(stack->port);
    }
    memset(stack, 0, sizeof(*stack));
}

static bool image_holds(const struct hp_image *image, uint64_t addr)
{
    return addr >= image->memory.addr && addr - image->memory.addr < image->memory.size;
}

/* True when the payload holds the address; *place then names it as well as possible. */
static bool place_in(const struct loaded *loaded, uint64_t addr, struct place *place)
{
    const struct hp_placed_section *placed;
    struct hp_section section;
    const struct name *name;

    if (!image_holds(&loaded->payload.image, addr)) {
        return false;
    }
    name = names_find(&loaded->names, addr);
    placed = hp_image_section_at(&loaded->payload.image, addr);
    if (name != NULL) {
        place->name = name->text;
        place->offset = addr - name->addr;
    } else if (placed != NULL && hp_elf_section(&loaded->elf, placed->section, &section) == HP_OK) {
        place->name = section.name;
        place->offset = addr - loaded->payload.image.memory.addr - placed->offset;
    }
    return true;
}

struct place place_find(const struct stack *stack, const struct loaded *own, uint64_t addr)
{
    struct place place = {NULL, 0};
    struct hp_target_symbol symbol;
    size_t i;

    if (own != NULL && place_in(own, addr, &place)) {
        return place;
    }
    for (i = 0; i < stack->count; i++) {
        if (place_in(&stack->after[i], addr, &place)) {
            return place;
        }
    }
    if (hp_port_symbol_by_address(stack->port, addr, &symbol) == HP_OK && symbol.name != NULL) {
        place.name = symbol.name;
        place.offset = addr - symbol.addr;
    }
    return place;
}

void print_place(FILE *out, const struct place *place)
{
    if (place->name == NULL) {
        return;
    }
    print_name(out, place->name, 0);
    if (place->offset != 0) {
        fprintf(out, "+0x%" PRIx64, place->offset);
    }
}
