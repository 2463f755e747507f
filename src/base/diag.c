/* SPDX-License-Identifier: BSD-2-Clause */
/* Filling of diagnostics records, and the one-line message made of a record. */
#include "base/diag.h"

#include <string.h>

#include "arch/arch.h"
#include "base/span.h"

/*
 * Bytes of a message that a name may take once escaped, so that 512 bytes hold every message
 * (status.h) whatever bytes somebody chooses.
 */
#define SECTION_SHOWN 48
#define NAME_SHOWN    127
#define PROFILE_SHOWN 32

#define CUT_MARK      "..."
#define CUT_MARK_SIZE 3u

void hp_diag_init(struct hp_diag *diag)
{
    if (!diag) {
        return;
    }
    memset(diag, 0, sizeof(*diag));
    diag->status = HP_OK;
    diag->stage = HP_STAGE_NONE;
    diag->section = HP_NO_INDEX;
    diag->relocation = HP_NO_INDEX;
    diag->symbol = HP_NO_INDEX;
    diag->record = HP_NO_INDEX;
    diag->offset = HP_NO_OFFSET;
    diag->profile = NULL;
}

enum hp_status hp_fail(struct hp_diag *diag, enum hp_stage stage, enum hp_status status)
{
    if (diag && diag->status == HP_OK) {
        diag->status = status;
        diag->stage = stage;
    }
    return status;
}

enum hp_status hp_fail_numbers(struct hp_diag *diag, enum hp_stage stage, enum hp_status status,
                               uint64_t expected, uint64_t actual)
{
    if (diag && diag->status == HP_OK) {
        diag->status = status;
        diag->stage = stage;
        diag->expected = expected;
        diag->actual = actual;
        diag->has_numbers = 1;
    }
    return status;
}

/* Copies a name of at most `length` bytes into a field of `size`; what does not fit ends in "...".
 */
static void copy_name(char *field, size_t size, const char *name, size_t length)
{
    size_t n;

    memset(field, 0, size);
    for (n = 0; n < size - 1 && n < length; n++) {
        if (name[n] == '\0') {
            break;
        }
        field[n] = name[n];
    }
    if (n == size - 1 && n < length && name[n] != '\0') {
        for (n = size - 1 - CUT_MARK_SIZE; n < size - 1; n++) {
            field[n] = '.';
        }
    }
}

void hp_note_section(struct hp_diag *diag, uint32_t section, const char *name)
{
    if (!diag) {
        return;
    }
    if (diag->section == HP_NO_INDEX && diag->section_name[0] == '\0') {
        diag->section = section;
        if (name) {
            copy_name(diag->section_name, sizeof(diag->section_name), name, SIZE_MAX);
        }
    }
}

void hp_note_symbol(struct hp_diag *diag, uint32_t symbol, const char *name, size_t length)
{
    if (!diag) {
        return;
    }
    if (diag->symbol == HP_NO_INDEX) {
        diag->symbol = symbol;
    }
    if (name && diag->name[0] == '\0') {
        copy_name(diag->name, sizeof(diag->name), name, length);
    }
}

void hp_note_record(struct hp_diag *diag, uint32_t record)
{
    if (diag && diag->record == HP_NO_INDEX) {
        diag->record = record;
    }
}

void hp_note_relocation(struct hp_diag *diag, uint16_t machine, uint32_t relocation, uint32_t type)
{
    if (diag && diag->relocation == HP_NO_INDEX) {
        diag->relocation = relocation;
        diag->reloc_type = type;
        diag->machine = machine;
    }
}

void hp_note_offset(struct hp_diag *diag, uint64_t offset)
{
    if (diag && diag->offset == HP_NO_OFFSET) {
        diag->offset = offset;
    }
}

void hp_note_profile(struct hp_diag *diag, const char *profile)
{
    if (diag && !diag->profile) {
        diag->profile = profile;
    }
}

void hp_note_limit(struct hp_diag *diag, const struct hp_profile *profile, uint64_t general,
                   uint64_t actual)
{
    if (actual <= general) {
        hp_note_profile(diag, profile->name);
    }
}

/* A bounded line under construction: `length` counts what would have been written, too. */
struct line {
    char *buf;
    size_t size;
    size_t length;
    bool has_detail; /* the sentence's colon is written */
};

static void put_char(struct line *line, char c)
{
    const size_t at = line->length;

    if (line->size > 0 && at < line->size - 1) {
        line->buf[at] = c;
    }
    line->length = at + 1;
}

static void put_text(struct line *line, const char *text)
{
    size_t n;

    for (n = 0; text[n] != '\0'; n++) {
        put_char(line, text[n]);
    }
}

static void put_hex(struct line *line, uint64_t value)
{
    static const char digits[] = "0123456789abcdef";
    unsigned int shift = 60;

    while (shift > 0 && (value >> shift) == 0) {
        shift -= 4;
    }
    put_text(line, "0x");
    for (;;) {
        put_char(line, digits[(value >> shift) & 0xf]);
        if (shift == 0) {
            return;
        }
        shift -= 4;
    }
}

static void put_decimal(struct line *line, uint32_t value)
{
    char digits[10];
    unsigned int count = 0;

    do {
        digits[count] = (char)('0' + value % 10);
        value /= 10;
        count++;
    } while (value != 0 && count < sizeof(digits));
    while (count > 0) {
        count--;
        put_char(line, digits[count]);
    }
}

/* Decimal as far as 32 bits go: dividing 64 bits would need a library call on 32-bit targets. */
static void put_size(struct line *line, uint64_t value)
{
    if (value <= UINT32_MAX) {
        put_decimal(line, (uint32_t)value);
    } else {
        put_hex(line, value);
    }
}

/* A backslash is escaped as well, so that what is shown reads back unambiguously. */
static bool is_plain(char c)
{
    return c >= ' ' && c <= '~' && c != '\\';
}

static void put_escaped(struct line *line, char c)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned int byte = (unsigned char)c;

    if (is_plain(c)) {
        put_char(line, c);
        return;
    }
    put_text(line, "\\x");
    put_char(line, digits[byte >> 4]);
    put_char(line, digits[byte & 0xf]);
}

/* Writes a name of at most `max` bytes as at most `shown` characters. */
static void put_name(struct line *line, const char *name, size_t max, size_t shown)
{
    size_t whole = 0;
    size_t used = 0;
    size_t room;
    size_t n;

    for (n = 0; n < max && name[n] != '\0' && whole <= shown; n++) {
        whole += is_plain(name[n]) ? 1 : 4;
    }
    room = whole > shown ? shown - CUT_MARK_SIZE : shown;
    for (n = 0; n < max && name[n] != '\0'; n++) {
        used += is_plain(name[n]) ? 1 : 4;
        if (used > room) {
            put_text(line, CUT_MARK);
            return;
        }
        put_escaped(line, name[n]);
    }
}

/* Begins the next detail after the sentence. */
static void put_separator(struct line *line)
{
    put_text(line, line->has_detail ? ", " : ": ");
    line->has_detail = true;
}

static void put_section_name(struct line *line, const struct hp_diag *diag, size_t skip)
{
    put_name(line, diag->section_name + skip, sizeof(diag->section_name) - skip, SECTION_SHOWN);
}

static void put_section_ref(struct line *line, const struct hp_diag *diag)
{
    if (diag->section_name[0] != '\0') {
        put_section_name(line, diag, 0);
    } else {
        put_text(line, "section #");
        put_decimal(line, diag->section);
    }
}

static bool has_section(const struct hp_diag *diag)
{
    return diag->section != HP_NO_INDEX || diag->section_name[0] != '\0';
}

/* Bytes of the ".rela" or ".rel" that the name of a relocation section begins with; 0: neither. */
static size_t reloc_prefix(const struct hp_diag *diag)
{
    if (memcmp(diag->section_name, ".rela.", 6) == 0) {
        return 5;
    }
    if (memcmp(diag->section_name, ".rel.", 5) == 0) {
        return 4;
    }
    return 0;
}

/* "R_X86_64_PC32 #12 at .text+0x44 in .rela.text" */
static void put_relocation(struct line *line, const struct hp_diag *diag)
{
    const char *type = hp_reloc_type_name((uint16_t)diag->machine, diag->reloc_type);
    const size_t prefix = reloc_prefix(diag);

    put_separator(line);
    if (type) {
        put_text(line, type);
    } else {
        put_text(line, "relocation type ");
        put_decimal(line, diag->reloc_type);
    }
    put_text(line, " #");
    put_decimal(line, diag->relocation);
    if (diag->offset != HP_NO_OFFSET) {
        put_text(line, " at ");
        if (prefix > 0) {
            put_section_name(line, diag, prefix);
            put_char(line, '+');
        } else {
            put_text(line, "offset ");
        }
        put_hex(line, diag->offset);
    }
    if (has_section(diag)) {
        put_text(line, " in ");
        put_section_ref(line, diag);
    }
}

/* "record 3 of .livepatch.funcs" */
static void put_record(struct line *line, const struct hp_diag *diag)
{
    put_separator(line);
    put_text(line, "record ");
    put_decimal(line, diag->record);
    if (has_section(diag)) {
        put_text(line, " of ");
        put_section_ref(line, diag);
    }
}

/* "section .text (#3)" */
static void put_section(struct line *line, const struct hp_diag *diag)
{
    put_separator(line);
    if (diag->section_name[0] == '\0') {
        put_section_ref(line, diag);
        return;
    }
    put_text(line, "section ");
    put_section_name(line, diag, 0);
    if (diag->section != HP_NO_INDEX) {
        put_text(line, " (#");
        put_decimal(line, diag->section);
        put_char(line, ')');
    }
}

/* True for what is wrong with a splice record. */
static bool is_splice(const struct hp_diag *diag)
{
    return diag->record != HP_NO_INDEX && hp_string_equal(diag->section_name, HP_DIAG_SECTION_MAX,
                                                          hp_special_name(HP_SPECIAL_SPLICES));
}

static void put_place(struct line *line, const struct hp_diag *diag)
{
    if (diag->relocation != HP_NO_INDEX) {
        put_relocation(line, diag);
        return;
    }
    if (diag->record != HP_NO_INDEX) {
        put_record(line, diag);
    } else if (has_section(diag)) {
        put_section(line, diag);
    }
    if (diag->offset != HP_NO_OFFSET) {
        put_separator(line);
        if (diag->stage == HP_STAGE_PLAN) {
            put_text(line, is_splice(diag) ? "offset in the splice " : "offset in the function ");
        } else {
            put_text(line, "file offset ");
        }
        put_hex(line, diag->offset);
    }
}

/* A name stands for a symbol, for the function that a record names, or for a port's own words. */
static void put_symbol(struct line *line, const struct hp_diag *diag)
{
    const bool has_name = diag->name[0] != '\0';

    if (!has_name && diag->symbol == HP_NO_INDEX) {
        return;
    }
    put_separator(line);
    if (diag->symbol == HP_NO_INDEX && diag->stage == HP_STAGE_CALL) {
        put_name(line, diag->name, sizeof(diag->name), NAME_SHOWN);
        return;
    }
    if (diag->status == HP_COMPILER_DIFFERS) {
        put_text(line, "compiler ");
    } else if (diag->symbol != HP_NO_INDEX || diag->record == HP_NO_INDEX) {
        put_text(line, "symbol ");
    } else {
        put_text(line, is_splice(diag) ? "place " : "function ");
    }
    if (has_name) {
        put_name(line, diag->name, sizeof(diag->name), NAME_SHOWN);
    } else {
        put_char(line, '#');
        put_decimal(line, diag->symbol);
    }
}

/* How the two numbers of a status read. */
enum number_kind {
    NUMBERS_WANTED,  /* wanted and found value, hexadecimal */
    NUMBERS_RANGE,   /* limit and value, hexadecimal */
    NUMBERS_PLACE,   /* size and address of a place */
    NUMBERS_PAYLOAD, /* the payload's address and another, hexadecimal */
    NUMBERS_MEMORY,  /* nothing and a size */
    NUMBERS_SIZE     /* limit and size or count, decimal */
};

static enum number_kind number_kind(enum hp_status status)
{
    switch (status) {
    case HP_SECTION_BOUNDS:
    case HP_SECTION_NAME:
    case HP_SYMBOL_NAME:
    case HP_SYMBOL_VALUE:
    case HP_RELOC_OFFSET:
    case HP_RELOC_OVERFLOW:
    case HP_PATCH_REACH:
    case HP_ISLAND_MEMORY:
    case HP_PATCH_PAST_FUNCTION:
    case HP_PATCH_OVERLAP:
    case HP_SPLICE_BOUNDS:
    case HP_RECORD_NAME_OFFSET:
    case HP_NOP_WHOLE:
        return NUMBERS_RANGE;
    case HP_PATCH_RANGE:
    case HP_PATCH_DENIED:
    case HP_SPLICE_WRITABLE:
    case HP_PATCH_FILLER:
        return NUMBERS_PLACE;
    case HP_NO_MEMORY:
    case HP_IMAGE_MEMORY:
        return NUMBERS_MEMORY;
    case HP_RECORD_NEW_ADDR:
    case HP_RECORD_NAME_OUTSIDE:
    case HP_HOOK_POINTER:
    case HP_SPLICE_NEW_TARGET:
    case HP_LANDING_PAD_MISSING:
        return NUMBERS_PAYLOAD;
    case HP_FILE_TOO_LARGE:
    case HP_ELF_SHENTSIZE:
    case HP_ELF_TOO_MANY_SECTIONS:
    case HP_ELF_SHSTRNDX:
    case HP_SECTION_LINK:
    case HP_SECTION_INFO:
    case HP_SYMTAB_SHNDX:
    case HP_RELOC_TABLES_SIZE:
    case HP_NOBITS_TOO_LARGE:
    case HP_IMAGE_TOO_LARGE:
    case HP_SYMBOL_NAME_LENGTH:
    case HP_SYMBOL_SECTION:
    case HP_RELOC_SYMBOL_INDEX:
    case HP_RECORD_SIZE:
    case HP_RECORD_OLD_SIZE:
    case HP_NOP_TOO_LONG:
    case HP_NOP_SIZE:
    case HP_EXPECT_LENGTH:
    case HP_ROLLBACK:
    case HP_SPLICE_KIND:
    case HP_SPLICE_LENGTH:
        return NUMBERS_SIZE;
    default:
        return NUMBERS_WANTED;
    }
}

static void put_numbers(struct line *line, const struct hp_diag *diag)
{
    const enum number_kind kind = number_kind(diag->status);

    put_separator(line);
    if (kind == NUMBERS_PLACE || kind == NUMBERS_PAYLOAD) {
        put_text(line, "address ");
        put_hex(line, diag->actual);
        put_text(line, kind == NUMBERS_PLACE ? ", bytes " : ", payload at ");
        put_hex(line, diag->expected);
        return;
    }
    if (kind == NUMBERS_MEMORY) {
        put_text(line, "asked for bytes ");
        put_size(line, diag->actual);
        return;
    }
    put_text(line, kind == NUMBERS_WANTED ? "wanted " : "limit ");
    if (kind == NUMBERS_SIZE) {
        put_size(line, diag->expected);
        put_text(line, ", found ");
        put_size(line, diag->actual);
        return;
    }
    put_hex(line, diag->expected);
    put_text(line, kind == NUMBERS_RANGE ? ", value " : ", found ");
    put_hex(line, diag->actual);
}

size_t hp_diag_format(const struct hp_diag *diag, char *buf, size_t size)
{
    struct line line = {buf, size, 0, false};

    if (diag->profile) {
        put_text(&line, "profile ");
        put_name(&line, diag->profile, SIZE_MAX, PROFILE_SHOWN);
        put_text(&line, ": ");
    }
    put_text(&line, hp_status_text(diag->status));
    put_place(&line, diag);
    put_symbol(&line, diag);
    if (diag->has_numbers) {
        put_numbers(&line, diag);
    }
    if (size > 0) {
        buf[line.length < size ? line.length : size - 1] = '\0';
    }
    return line.length;
}
