/* SPDX-License-Identifier: BSD-2-Clause */
/* hotpatch plan: every write that applying a payload makes. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"

/* What the write does, by its enum hp_write_kind, in JSON. */
static const char *const kinds[] = {
    [HP_WRITE_JUMP] = "jmp",     [HP_WRITE_NOP] = "nop",      [HP_WRITE_BYTES] = "bytes",
    [HP_WRITE_CALL_TO] = "call", [HP_WRITE_JUMP_TO] = "jump", [HP_WRITE_POINTER] = "pointer",
};

/* The same in front of the place that it leads to, in text. */
static const char *const verbs[] = {
    [HP_WRITE_JUMP] = "jmp",
    [HP_WRITE_CALL_TO] = "call",
    [HP_WRITE_JUMP_TO] = "jump",
    [HP_WRITE_POINTER] = "pointer ->",
};

static bool leads_elsewhere(const struct hp_write *write)
{
    return write->kind != HP_WRITE_NOP && write->kind != HP_WRITE_BYTES;
}

/* Writes "call new_fn (0x10)", and for a splice where it led before. */
static void print_dest(const struct stack *stack, const struct loaded *loaded,
                       const struct hp_write *write)
{
    struct place dest = place_find(stack, loaded, write->dest);
    struct place was;
    uint64_t old;

    printf("\n    %s ", verbs[write->kind]);
    if (write->island != 0) {
        printf("second trampoline (0x%" PRIx64 ") -> ", write->island);
    }
    print_place(stdout, &dest);
    printf("%s(0x%" PRIx64 ")", dest.name != NULL ? " " : "", write->dest);
    if (write->splice) {
        old = loaded->payload.splices[write->record].old_target;
        was = place_find(stack, loaded, old);
        printf(", was ");
        print_place(stdout, &was);
        printf("%s(0x%" PRIx64 ")", was.name != NULL ? " " : "", old);
    }
}

static void print_write(const struct stack *stack, const struct loaded *loaded,
                        const struct hp_write *write)
{
    struct place at = place_find(stack, loaded, write->addr);

    printf("  0x%016" PRIx64 " ", write->addr);
    print_place(stdout, &at);
    printf("\n    old  ");
    print_hex(stdout, write->old_bytes, write->size, " ");
    printf("\n    new  ");
    print_hex(stdout, write->new_bytes, write->size, " ");
    if (leads_elsewhere(write)) {
        print_dest(stack, loaded, write);
    } else {
        printf("\n    %s (%u bytes)", kinds[write->kind], write->size);
    }
    if (write->pad != 0) {
        printf("\n    landing pad of %u bytes in front kept", write->pad);
    }
    if (write->uncertain) {
        printf("\n    uncertain: the target rewrites some of these bytes at boot");
    }
    putchar('\n');
}

static void print_plan(const struct stack *stack, const struct loaded *loaded,
                       const char *undecided)
{
    const struct hp_payload *payload = &loaded->payload;
    char *shown = text_escape(loaded->path, strlen(loaded->path), TEXT_ALL);
    uint32_t i;

    printf("%s: %" PRIu32 " %s", shown, payload->write_count,
           payload->write_count == 1 ? "write" : "writes");
    if (undecided != NULL) {
        printf(" (%s)", undecided);
    }
    putchar('\n');
    free(shown);
    for (i = 0; i < payload->write_count; i++) {
        print_write(stack, loaded, &payload->writes[i]);
    }
}

static void json_put_place(struct json_object *object, const char *name_key, const char *offset_key,
                           const struct place *place)
{
    json_put(object, name_key, place->name != NULL ? json_name(place->name) : NULL);
    json_put(object, offset_key, place->name != NULL ? json_number(place->offset) : NULL);
}

static struct json_object *json_write(const struct stack *stack, const struct loaded *loaded,
                                      const struct hp_write *write)
{
    struct json_object *object = json_new();
    struct place at = place_find(stack, loaded, write->addr);
    struct place dest = {NULL, 0};

    if (leads_elsewhere(write)) {
        dest = place_find(stack, loaded, write->dest);
    }
    json_put(object, "section",
             json_text(hp_special_name(write->splice ? HP_SPECIAL_SPLICES : HP_SPECIAL_FUNCS)));
    json_put(object, "record", json_number(write->record));
    json_put(object, "address", json_address(write->addr));
    json_put_place(object, "symbol", "offset", &at);
    json_put(object, "size", json_number(write->size));
    json_put(object, "old", json_hex(write->old_bytes, write->size));
    json_put(object, "new", json_hex(write->new_bytes, write->size));
    json_put(object, "kind", json_text(kinds[write->kind]));
    json_put(object, "destination", leads_elsewhere(write) ? json_address(write->dest) : NULL);
    json_put_place(object, "destination_symbol", "destination_offset", &dest);
    json_put(object, "second_trampoline", write->island != 0 ? json_address(write->island) : NULL);
    json_put(object, "landing_pad", json_number(write->pad));
    json_put(object, "uncertain", json_flag(write->uncertain != 0));
    return object;
}

static void print_json(const struct stack *stack, const struct loaded *loaded,
                       const char *undecided)
{
    struct json_object *object = json_new();
    struct json_object *writes = json_list();
    uint32_t i;

    for (i = 0; i < loaded->payload.write_count; i++) {
        json_append(writes, json_write(stack, loaded, &loaded->payload.writes[i]));
    }
    json_put(object, "file", json_bytes_text(loaded->path, strlen(loaded->path)));
    json_put(object, "writes", writes);
    json_put(object, "undecided", undecided != NULL ? json_text(undecided) : NULL);
    json_emit(object);
}

int plan_run(const struct options *options)
{
    struct stack stack;
    struct loaded loaded = {0};
    int rc = stack_open(&stack, options);

    if (rc == TOOL_ACCEPTED) {
        rc = loaded_open(&loaded, options->files[0], &stack);
    }
    if (rc == TOOL_ACCEPTED) {
        char *undecided = undecided_text(&loaded.payload.undecided);

        if (options->json) {
            print_json(&stack, &loaded, undecided);
        } else {
            print_plan(&stack, &loaded, undecided);
        }
        free(undecided);
    }
    loaded_free(&loaded);
    stack_close(&stack);
    return rc;
}
