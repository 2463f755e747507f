/* SPDX-License-Identifier: BSD-2-Clause */
/* The splices of a payload, for both forms of `hotpatch inspect`. */
#include <inttypes.h>

#include "inspect.h"

static const char *const kinds[] = {
    [HP_SPLICE_OF_BYTES] = "bytes",
    [HP_SPLICE_OF_CALL] = "call",
    [HP_SPLICE_OF_JUMP] = "jump",
    [HP_SPLICE_OF_POINTER] = "pointer",
};

/* Writes "old_fn to new_fn"; an address stands in for a name that there is not. */
static void print_targets(const struct inspection *in, const struct hp_splice *splice)
{
    struct place place = inspect_place(in, splice->new_target);

    if (splice->old_name != NULL) {
        print_name(stdout, splice->old_name, 0);
    } else {
        printf("0x%" PRIx64, splice->old_target);
    }
    printf(" to ");
    print_place(stdout, &place);
    if (place.name == NULL) {
        printf("0x%" PRIx64, splice->new_target);
    }
}

void inspect_print_splice(const struct inspection *in, uint32_t index)
{
    const struct hp_splice *splice = &in->loaded.payload.splices[index];

    printf("  %-3" PRIu32 " ", index);
    if (splice->name != NULL) {
        print_name(stdout, splice->name, 0);
    }
    if (splice->name == NULL || !splice->undecided) {
        printf("%s0x%" PRIx64, splice->name != NULL ? " at " : "", splice->addr);
    }
    printf(": %s, ", kinds[splice->kind]);
    if (splice->kind == HP_SPLICE_OF_BYTES) {
        print_hex(stdout, splice->old_bytes, splice->size, " ");
        printf(" to ");
        print_hex(stdout, splice->new_bytes, splice->size, " ");
    } else {
        print_targets(in, splice);
    }
    putchar('\n');
}

static struct json_object *splice_value(const struct inspection *in, const struct hp_splice *splice)
{
    struct json_object *object = json_new();
    bool is_bytes = splice->kind == HP_SPLICE_OF_BYTES;
    struct place place = {NULL, 0};

    if (!is_bytes) {
        place = inspect_place(in, splice->new_target);
    }
    json_put(object, "place", splice->name != NULL ? json_name(splice->name) : NULL);
    json_put(object, "address", splice->undecided ? NULL : json_address(splice->addr));
    json_put(object, "kind", json_text(kinds[splice->kind]));
    json_put(object, "old_target", splice->old_name != NULL ? json_name(splice->old_name) : NULL);
    json_put(object, "new_target", place.name != NULL ? json_name(place.name) : NULL);
    json_put(object, "new_target_offset", place.name != NULL ? json_number(place.offset) : NULL);
    json_put(object, "old", is_bytes ? json_hex(splice->old_bytes, splice->size) : NULL);
    json_put(object, "new", is_bytes ? json_hex(splice->new_bytes, splice->size) : NULL);
    return object;
}

struct json_object *inspect_splices_value(const struct inspection *in)
{
    const struct hp_payload *payload = &in->loaded.payload;
    struct json_object *list = json_list();
    uint32_t n;

    for (n = 0; n < payload->splice_count; n++) {
        json_append(list, splice_value(in, &payload->splices[n]));
    }
    return list;
}
