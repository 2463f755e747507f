/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Code of two compilers may differ in what no symbol tells: how structures are packed, what a
 * register means across a call that both see into. A profile may therefore ask that a payload
 * names, as compilers do in .comment, the compiler that made the target. SPEC section 14.
 */
#include "apply/compiler.h"

#include <string.h>

#define KEY "compiler=" /* in the metadata, for payloads whose .comment was stripped */

/* A walk over strings that a NUL or the end of their section ends. */
struct strings {
    struct hp_span rest;
    struct hp_span text;
};

/* Moves to the next string that is not empty. */
static bool next_string(struct strings *strings)
{
    while (strings->rest.size > 0) {
        size_t length = hp_string_length((const char *)strings->rest.data, strings->rest.size);
        size_t taken = length < strings->rest.size ? length + 1 : length;

        strings->text.data = strings->rest.data;
        strings->text.size = length;
        strings->rest.data += taken;
        strings->rest.size -= taken;
        if (length > 0) {
            return true;
        }
    }
    return false;
}

/* A compiler that the payload names must be one of the target's. */
static enum hp_status check_name(struct hp_loading *loading, struct hp_span name)
{
    const struct hp_target *target = &loading->target;
    struct strings known = {{(const uint8_t *)target->compiler, target->compiler_size}, {NULL, 0}};
    enum hp_status status;

    while (name.data != NULL && next_string(&known)) {
        if (known.text.size == name.size && memcmp(known.text.data, name.data, name.size) == 0) {
            return HP_OK;
        }
    }
    status = hp_fail(loading->diag, HP_STAGE_IDENTITY, HP_COMPILER_DIFFERS);
    hp_note_symbol(loading->diag, HP_NO_INDEX, (const char *)name.data, name.size);
    return status;
}

/* The names in every section .comment; *count grows by how many there are. */
static enum hp_status check_comments(struct hp_loading *loading, uint32_t *count)
{
    enum hp_status status = HP_OK;
    uint32_t n;

    for (n = 1; status == HP_OK && n < loading->elf->shnum; n++) {
        struct strings strings = {{NULL, 0}, {NULL, 0}};
        struct hp_section section;

        status = hp_elf_section(loading->elf, n, &section);
        if (status || !hp_string_equal(section.name, sizeof(".comment"), ".comment")) {
            continue;
        }
        strings.rest = hp_elf_contents(loading->elf, &section);
        while (status == HP_OK && next_string(&strings)) {
            status = check_name(loading, strings.text);
            (*count)++;
        }
        if (status) {
            hp_note_section(loading->diag, n, section.name);
        }
    }
    return status;
}

/* The same in the metadata. */
static enum hp_status check_metadata(struct hp_loading *loading, uint32_t *count)
{
    const size_t length = sizeof(KEY) - 1;
    enum hp_status status = HP_OK;
    struct hp_span entry;
    size_t pos = 0;

    while (status == HP_OK && hp_elf_modinfo_next(loading->elf, &pos, &entry)) {
        if (entry.size > length && memcmp(entry.data, KEY, length) == 0) {
            status = check_name(loading, hp_span_slice(entry, length, entry.size - length));
            (*count)++;
        }
    }
    return status;
}

enum hp_status hp_compiler_check(struct hp_loading *loading)
{
    enum hp_status status;
    uint32_t count = 0;

    if (!loading->payload->profile->same_compiler) {
        return HP_OK;
    }
    if (loading->target.machine == 0 && loading->options->allow_undecided) {
        return HP_OK; /* payload->undecided.target says so */
    }
    if (loading->target.compiler == NULL || loading->target.compiler_size == 0) {
        hp_note_profile(loading->diag, loading->payload->profile->name);
        return hp_fail(loading->diag, HP_STAGE_IDENTITY, HP_COMPILER_UNKNOWN);
    }
    status = check_comments(loading, &count);
    if (status == HP_OK) {
        status = check_metadata(loading, &count);
    }
    if (status == HP_OK && count == 0) {
        status = hp_fail(loading->diag, HP_STAGE_IDENTITY, HP_COMPILER_MISSING);
    }
    if (status) {
        hp_note_profile(loading->diag, loading->payload->profile->name);
    }
    return status;
}
