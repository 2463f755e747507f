/* SPDX-License-Identifier: BSD-2-Clause */
/* The sections with a meaning of their own: their names, and what holds of them (SPEC section 2).
 */
#include <string.h>

#include "base/diag.h"
#include "base/span.h"
#include "elf/view.h"

#define NAME_MAX_SIZE 30 /* bytes of the longest name below, with NUL */

struct special_name {
    uint8_t length; /* without NUL */
    bool not_empty; /* must have contents when present */
    char name[NAME_MAX_SIZE];
};

#define SPECIAL(text)                                                                              \
    {                                                                                              \
        sizeof(text) - 1, false, text                                                              \
    }
#define SPECIAL_NOT_EMPTY(text)                                                                    \
    {                                                                                              \
        sizeof(text) - 1, true, text                                                               \
    }

static const struct special_name special_names[HP_SPECIAL_COUNT] = {
    [HP_SPECIAL_FUNCS] = SPECIAL_NOT_EMPTY(".livepatch.funcs"),
    [HP_SPECIAL_HOOKS_LOAD] = SPECIAL_NOT_EMPTY(".livepatch.hooks.load"),
    [HP_SPECIAL_HOOKS_UNLOAD] = SPECIAL_NOT_EMPTY(".livepatch.hooks.unload"),
    [HP_SPECIAL_HOOKS_PREAPPLY] = SPECIAL_NOT_EMPTY(".livepatch.hooks.preapply"),
    [HP_SPECIAL_HOOKS_APPLY] = SPECIAL_NOT_EMPTY(".livepatch.hooks.apply"),
    [HP_SPECIAL_HOOKS_POSTAPPLY] = SPECIAL_NOT_EMPTY(".livepatch.hooks.postapply"),
    [HP_SPECIAL_HOOKS_PREREVERT] = SPECIAL_NOT_EMPTY(".livepatch.hooks.prerevert"),
    [HP_SPECIAL_HOOKS_REVERT] = SPECIAL_NOT_EMPTY(".livepatch.hooks.revert"),
    [HP_SPECIAL_HOOKS_POSTREVERT] = SPECIAL_NOT_EMPTY(".livepatch.hooks.postrevert"),
    [HP_SPECIAL_DEPENDS] = SPECIAL(".livepatch.depends"),
    [HP_SPECIAL_XEN_DEPENDS] = SPECIAL(".livepatch.xen_depends"),
    [HP_SPECIAL_BUILD_ID] = SPECIAL(".note.gnu.build-id"),
    [HP_SPECIAL_ALTINSTRUCTIONS] = SPECIAL(".altinstructions"),
    [HP_SPECIAL_ALTINSTR_REPLACEMENT] = SPECIAL(".altinstr_replacement"),
    [HP_SPECIAL_EX_TABLE] = SPECIAL(".ex_table"),
    [HP_SPECIAL_BUG_FRAMES_0] = SPECIAL(".bug_frames.0"),
    [HP_SPECIAL_BUG_FRAMES_1] = SPECIAL(".bug_frames.1"),
    [HP_SPECIAL_BUG_FRAMES_2] = SPECIAL(".bug_frames.2"),
    [HP_SPECIAL_BUG_FRAMES_3] = SPECIAL(".bug_frames.3"),
    [HP_SPECIAL_ALT_CALL_SITES] = SPECIAL(".alt_call_sites"),
    [HP_SPECIAL_MODINFO] = SPECIAL(".modinfo"),
    [HP_SPECIAL_SPLICES] = SPECIAL_NOT_EMPTY(".hotpatch.splices"),
};

const char *hp_special_name(enum hp_special which)
{
    const unsigned int index = (unsigned int)which;

    if (index >= HP_SPECIAL_COUNT) {
        return "";
    }
    return special_names[index].name;
}

#define LETTER(c) (UINT32_C(1) << ((c) - 'a'))

/*
 * Whether a special name may begin so; those of code and data, the most frequent ones, do not, and
 * a payload may have a thousand of them. test_elf.c opens a file with each special name.
 */
static bool may_be_special(const uint8_t *name)
{
    const uint32_t seconds = LETTER('a') | LETTER('b') | LETTER('e') | LETTER('h') | LETTER('l') |
                             LETTER('m') | LETTER('n');
    const unsigned int second = name[1] - (unsigned int)'a';

    return name[0] == '.' && second < 26 && (seconds >> second & 1) != 0;
}

/* Copies the name at a file offset, as much of it as a special one has; returns its bytes. */
static size_t copy_name(const struct hp_elf *elf, uint64_t start, char name[NAME_MAX_SIZE])
{
    const uint8_t *whole = hp_elf_at(elf->file, start, NAME_MAX_SIZE);
    size_t length;

    if (whole) {
        memcpy(name, whole, NAME_MAX_SIZE);
        return hp_string_length(name, NAME_MAX_SIZE);
    }
    for (length = 0; length < NAME_MAX_SIZE; length++) { /* at the end of the file */
        const uint8_t *p = hp_elf_at(elf->file, start + length, 1);

        if (!p || *p == '\0') {
            break;
        }
        name[length] = (char)*p;
    }
    return length;
}

/* The special section whose name stands at a file offset, HP_SPECIAL_COUNT for an ordinary name. */
HP_APART static unsigned int special_find(const struct hp_elf *elf, uint64_t start)
{
    char name[NAME_MAX_SIZE] = {0};
    const size_t length = copy_name(elf, start, name);
    unsigned int i;

    for (i = 0; i < HP_SPECIAL_COUNT; i++) {
        if (special_names[i].length == length && memcmp(name, special_names[i].name, length) == 0) {
            break;
        }
    }
    return i;
}

enum hp_status hp_elf_special_add(struct hp_elf *elf, const struct hp_section *section,
                                  uint32_t name, struct hp_diag *diag)
{
    const uint64_t start = hp_elf_name_at(elf, name);
    const uint8_t *first = hp_elf_at(elf->file, start, 2);
    unsigned int which = HP_SPECIAL_COUNT;
    const uint8_t *last;

    if (first && may_be_special(first)) {
        which = special_find(elf, start);
    }
    if (which >= HP_SPECIAL_COUNT) {
        return HP_OK;
    }
    if (elf->special[which] != 0) {
        return hp_elf_section_fail(elf, section, HP_SPECIAL_DUPLICATE, diag);
    }
    if (!(section->flags & HP_SHF_ALLOC) || section->type == HP_SHT_NOBITS) {
        return hp_elf_section_fail(elf, section, HP_SPECIAL_NOT_LOADED, diag);
    }
    if (special_names[which].not_empty && section->size == 0) {
        return hp_elf_section_fail(elf, section, HP_SPECIAL_EMPTY, diag);
    }
    if (which == HP_SPECIAL_MODINFO) {
        if (section->size == 0) {
            return hp_elf_section_fail(elf, section, HP_MODINFO, diag);
        }
        last = hp_elf_at(elf->file, section->offset + section->size - 1, 1);
        if (!last || *last != '\0') {
            return hp_elf_section_fail(elf, section, HP_MODINFO, diag);
        }
    }
    elf->special[which] = section->index;
    return HP_OK;
}

enum hp_status hp_elf_special_check(const struct hp_elf *elf, struct hp_diag *diag)
{
    bool does_something = false;
    unsigned int i;

    if (elf->special[HP_SPECIAL_BUILD_ID] == 0) {
        hp_note_section(diag, HP_NO_INDEX, special_names[HP_SPECIAL_BUILD_ID].name);
        return hp_fail(diag, HP_STAGE_ELF, HP_SPECIAL_MISSING);
    }
    if (elf->special[HP_SPECIAL_DEPENDS] == 0) {
        hp_note_section(diag, HP_NO_INDEX, special_names[HP_SPECIAL_DEPENDS].name);
        return hp_fail(diag, HP_STAGE_ELF, HP_SPECIAL_MISSING);
    }
    for (i = HP_SPECIAL_FUNCS; i <= HP_HOOK_LAST; i++) {
        if (elf->special[i] != 0) {
            does_something = true;
        }
    }
    if (!does_something && elf->special[HP_SPECIAL_SPLICES] == 0) {
        return hp_fail(diag, HP_STAGE_ELF, HP_NOTHING_TO_DO);
    }
    return HP_OK;
}
