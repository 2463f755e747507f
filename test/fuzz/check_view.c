/* SPDX-License-Identifier: BSD-2-Clause */
/* The ELF view under fuzzing: every getter with every index, and the diagnostics record. */
#include <stdbool.h>
#include <string.h>

#include <hotpatch/elf.h>

#include "check.h"
#include "harness.h"

enum {
    LINE_SIZE = 512,     /* what hp_diag_format() promises to be enough */
    RELOCS_MAX = 1 << 15 /* overlapping tables of unloaded sections have no other bound */
};

/* Reads every byte of a span, so that a wild one is noticed. */
static void touch(struct hp_span span)
{
    volatile uint8_t sink = 0;
    size_t n;

    for (n = 0; n < span.size; n++) {
        sink ^= span.data[n];
    }
}

static void check_inside(struct hp_span file, struct hp_span part)
{
    if (part.size > 0) {
        CHECK(part.data >= file.data && part.size <= file.size &&
              (size_t)(part.data - file.data) <= file.size - part.size);
    }
}

/* A name is terminated inside the file. */
static void check_name(struct hp_span file, const char *name)
{
    const struct hp_span from = {(const uint8_t *)name, 1};

    check_inside(file, from);
    CHECK(memchr(name, '\0', file.size - (size_t)((const uint8_t *)name - file.data)) != NULL);
}

static void check_relocs(const struct hp_elf *elf, const struct hp_section *section,
                         uint32_t *budget)
{
    const uint32_t count = hp_elf_reloc_count(elf, section);
    struct hp_reloc reloc;
    uint32_t n;

    CHECK(hp_elf_reloc(elf, section, count, &reloc) == HP_INVALID_ARGUMENT);
    for (n = 0; n<count && * budget> 0; n++) {
        CHECK(hp_elf_reloc(elf, section, n, &reloc) == HP_OK);
        (*budget)--;
    }
}

static void check_sections(const struct hp_elf *elf)
{
    uint32_t budget = RELOCS_MAX;
    struct hp_section section;
    struct hp_span contents;
    uint32_t n;

    for (n = 0; n < elf->shnum; n++) {
        CHECK(hp_elf_section(elf, n, &section) == HP_OK);
        CHECK(section.index == n);
        CHECK(section.align != 0 && (section.align & (section.align - 1)) == 0);
        check_name(elf->file, section.name);
        contents = hp_elf_contents(elf, &section);
        check_inside(elf->file, contents);
        CHECK(contents.size == (section.type == HP_SHT_NOBITS ? 0 : section.size));
        check_relocs(elf, &section, &budget);
    }
    CHECK(hp_elf_section(elf, elf->shnum, &section) == HP_INVALID_ARGUMENT);
    CHECK(hp_elf_section(elf, UINT32_MAX, &section) == HP_INVALID_ARGUMENT);
}

static void check_symbols(const struct hp_elf *elf)
{
    struct hp_symbol symbol;
    struct hp_diag diag;
    enum hp_status status;
    uint32_t n;

    for (n = 0; n < elf->symbol_count; n++) {
        hp_diag_init(&diag);
        status = hp_elf_symbol(elf, n, &symbol, &diag);
        CHECK(hp_elf_symbol(elf, n, &symbol, NULL) == status);
        if (status) {
            CHECK(status == HP_SYMBOL_NAME || status == HP_SYMBOL_SECTION ||
                  status == HP_SYMTAB_SHNDX);
            CHECK(symbol.name == NULL && symbol.value == 0);
            fuzz_check_diag(&diag, status);
            continue;
        }
        check_name(elf->file, symbol.name);
        CHECK(symbol.place != HP_PLACE_SECTION ||
              (symbol.section > 0 && symbol.section < elf->shnum));
    }
    CHECK(hp_elf_symbol(elf, elf->symbol_count, &symbol, NULL) == HP_RELOC_SYMBOL_INDEX);
    CHECK(hp_elf_symbol(elf, UINT32_MAX, &symbol, NULL) == HP_RELOC_SYMBOL_INDEX);
}

static void check_notes(const struct hp_elf *elf)
{
    static const enum hp_special notes[] = {HP_SPECIAL_BUILD_ID, HP_SPECIAL_DEPENDS,
                                            HP_SPECIAL_XEN_DEPENDS};
    struct hp_diag diag;
    struct hp_span id;
    size_t n;

    for (n = 0; n < sizeof(notes) / sizeof(notes[0]); n++) {
        enum hp_status status;

        hp_diag_init(&diag);
        status = hp_elf_build_id(elf, notes[n], &id, &diag);
        CHECK(status == HP_OK || status == HP_NOTE);
        CHECK((id.size > 0) == (status == HP_OK && elf->special[notes[n]] != 0));
        check_inside(elf->file, id);
        if (status) {
            fuzz_check_diag(&diag, status);
        }
    }
    CHECK(hp_elf_build_id(elf, HP_SPECIAL_FUNCS, &id, NULL) == HP_INVALID_ARGUMENT);
}

static void check_modinfo(const struct hp_elf *elf)
{
    struct hp_span entry;
    size_t pos = 0;
    size_t total = 0;

    while (hp_elf_modinfo_next(elf, &pos, &entry)) {
        CHECK(entry.size > 0 && memchr(entry.data, '\0', entry.size) == NULL);
        check_inside(elf->file, entry);
        total += entry.size + 1;
        CHECK(total <= elf->file.size);
    }
    CHECK(entry.size == 0);
}

/* The statuses that hp_elf_extent() promises. */
static bool is_extent_status(enum hp_status status)
{
    switch (status) {
    case HP_OK:
    case HP_FILE_EMPTY:
    case HP_ELF_TRUNCATED:
    case HP_ELF_MAGIC:
    case HP_ELF_CLASS:
    case HP_ELF_BYTE_ORDER:
    case HP_ELF_SHENTSIZE:
    case HP_ELF_NO_SECTIONS:
    case HP_ELF_TOO_MANY_SECTIONS:
    case HP_SECTION_BOUNDS:
        return true;
    default:
        return false;
    }
}

bool fuzz_is_zero(const void *object, size_t size)
{
    const uint8_t *bytes = object;
    size_t n;

    for (n = 0; n < size; n++) {
        if (bytes[n] != 0) {
            return false;
        }
    }
    return true;
}

void fuzz_check_view(const uint8_t *data, size_t size)
{
    struct hp_diag diag;
    struct hp_elf elf;
    enum hp_status status;
    size_t extent = SIZE_MAX;

    hp_diag_init(&diag);
    status = hp_elf_extent(data, size, &extent, &diag);
    CHECK(is_extent_status(status));
    fuzz_check_diag(&diag, status);
    if (status) {
        CHECK(extent == 0);
        return;
    }
    CHECK(extent > 0 && extent <= size);
    if (extent < size) {
        CHECK(hp_elf_open(&elf, data, size, NULL, NULL) != HP_OK);
    }
    hp_diag_init(&diag);
    memset(&elf, 0xa5, sizeof(elf));
    status = hp_elf_open(&elf, data, extent, NULL, &diag);
    fuzz_check_diag(&diag, status);
    if (status) {
        CHECK(fuzz_is_zero(&elf, sizeof(elf)));
        return;
    }
    CHECK(elf.file.data == data && elf.file.size == extent && elf.shnum > 0);
    CHECK(hp_elf_open(&elf, data, extent - 1, NULL, NULL) != HP_OK);
    CHECK(hp_elf_open(&elf, data, extent, &hp_profile_default, NULL) == HP_OK);
    touch(elf.shstr);
    touch(elf.strings);
    touch(elf.symbols);
    touch(elf.shndx);
    check_sections(&elf);
    check_symbols(&elf);
    check_notes(&elf);
    check_modinfo(&elf);
}

/* One line of printable characters, the same for every size of buffer. */
static void check_format(const struct hp_diag *diag)
{
    char line[LINE_SIZE];
    char cut[16];
    const size_t length = hp_diag_format(diag, line, sizeof(line));
    size_t n;

    CHECK(length > 0 && length < sizeof(line) && strlen(line) == length);
    for (n = 0; n < length; n++) {
        CHECK(line[n] >= ' ' && line[n] <= '~');
    }
    CHECK(hp_diag_format(diag, cut, sizeof(cut)) == length);
    CHECK(strlen(cut) == (length < sizeof(cut) ? length : sizeof(cut) - 1));
    CHECK(memcmp(cut, line, strlen(cut)) == 0);
    CHECK(hp_diag_format(diag, NULL, 0) == length);
}

void fuzz_check_diag(const struct hp_diag *diag, enum hp_status status)
{
    CHECK(diag->status == status);
    /* Bad input is never reported as the caller's mistake. */
    CHECK(status != HP_INVALID_ARGUMENT && status < HP_STATUS_COUNT);
    if (status == HP_OK) {
        CHECK(diag->stage == HP_STAGE_NONE && diag->section == HP_NO_INDEX &&
              diag->symbol == HP_NO_INDEX && diag->record == HP_NO_INDEX &&
              diag->relocation == HP_NO_INDEX && diag->offset == HP_NO_OFFSET &&
              diag->name[0] == '\0' && diag->section_name[0] == '\0' && diag->profile == NULL);
        return;
    }
    CHECK(diag->stage > HP_STAGE_NONE && diag->stage < HP_STAGE_COUNT);
    CHECK(memchr(diag->name, '\0', sizeof(diag->name)) != NULL);
    CHECK(memchr(diag->section_name, '\0', sizeof(diag->section_name)) != NULL);
    CHECK(hp_status_errno(status) != HP_ERRNO_OK);
    CHECK(strcmp(hp_errno_name(hp_status_errno(status)), "E?") != 0);
    check_format(diag);
}
