/* SPDX-License-Identifier: BSD-2-Clause */
/* hotpatch validate: one verdict a line. */
#include <stdlib.h>
#include <string.h>

#include "common.h"

/* A section or symbol: its name, else its index, else null. */
static struct json_object *json_named(const char *name, uint32_t index)
{
    if (name[0] != '\0') {
        return json_name(name);
    }
    return index == HP_NO_INDEX ? NULL : json_number(index);
}

static struct json_object *json_index(uint32_t index)
{
    return index == HP_NO_INDEX ? NULL : json_number(index);
}

static void print_json(const char *path, enum hp_status status, const struct hp_diag *diag,
                       const char *undecided)
{
    struct json_object *object = json_new();
    bool refused = status != HP_OK;
    char why[1024];

    (void)hp_diag_format(diag, why, sizeof(why));
    json_put(object, "file", json_bytes_text(path, strlen(path)));
    json_put(object, "verdict", json_text(refused ? "refused" : "accepted"));
    json_put(object, "status", json_text(hp_status_name(status)));
    json_put(object, "errno", refused ? json_text(hp_errno_name(hp_status_errno(status))) : NULL);
    json_put(object, "stage", refused ? json_text(hp_stage_name(diag->stage)) : NULL);
    json_put(object, "section", json_named(diag->section_name, diag->section));
    json_put(object, "relocation", json_index(diag->relocation));
    json_put(object, "symbol", json_named(diag->name, diag->symbol));
    json_put(object, "record", json_index(diag->record));
    json_put(object, "offset", diag->offset == HP_NO_OFFSET ? NULL : json_number(diag->offset));
    if (refused) {
        json_put(object, "message", json_text(why));
    } else {
        json_put(object, "message", undecided != NULL ? json_text(undecided) : NULL);
    }
    json_emit(object);
}

static void print_accepted(const char *path, const char *undecided)
{
    bool colour = want_colour(stdout);
    char *shown = text_escape(path, strlen(path), TEXT_ALL);

    printf("%s: %saccepted%s", shown, colour ? "\033[32m" : "", colour ? "\033[0m" : "");
    if (undecided != NULL) {
        printf(" (%s)", undecided);
    }
    putchar('\n');
    free(shown);
}

static int validate_file(const struct stack *stack, const struct options *options, const char *path)
{
    const struct hp_validate_options how = {
        .size = sizeof(how),
        .profile = stack->profile,
        .applied = stack->applied,
        .applied_count = stack->count,
        .allow_undecided = true,
        .keyring = trust_ring(&stack->trust),
        .policy = &stack->trust.policy,
    };
    struct hp_verdict verdict;
    struct hp_diag diag;
    struct file file;
    enum hp_status status;
    char *undecided = NULL;
    int err = file_read(&file, path);

    if (err != 0) {
        complain(path, strerror(err));
        return TOOL_TROUBLE;
    }
    hp_diag_init(&diag);
    status = hp_validate(stack->port, file.data, file.size, &how, &verdict, &diag);
    free(file.data);
    if (status == HP_OK) {
        status = trust_check_time(&stack->trust, &verdict.signature, &diag);
    }
    if (status == HP_OK) {
        hp_diag_init(&diag);
        undecided = undecided_text(&verdict.undecided);
    }
    if (options->json) {
        print_json(path, status, &diag, undecided);
    } else if (status) {
        print_refusal(stdout, path, &diag, want_colour(stdout));
    } else {
        print_accepted(path, undecided);
    }
    free(undecided);
    return status ? TOOL_REFUSED : TOOL_ACCEPTED;
}

int validate_run(const struct options *options)
{
    struct stack stack;
    const int opened = stack_open(&stack, options);
    int worst = opened;
    size_t i;

    for (i = 0; opened == TOOL_ACCEPTED && i < options->file_count; i++) {
        int rc = validate_file(&stack, options, options->files[i]);

        worst = rc > worst ? rc : worst;
    }
    stack_close(&stack);
    return worst;
}
