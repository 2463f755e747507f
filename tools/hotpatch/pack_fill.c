/* SPDX-License-Identifier: BSD-2-Clause */
/* Fills what function records leave open: sizes, versions, expectations. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <hotpatch/payload.h>

#include "pack.h"

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void put32(uint8_t *p, uint32_t value)
{
    p[0] = (uint8_t)value;
    p[1] = (uint8_t)(value >> 8);
    p[2] = (uint8_t)(value >> 16);
    p[3] = (uint8_t)(value >> 24);
}

/* The records, and what they are relocated by. */
struct records {
    struct file *file;
    const struct hp_elf *elf;
    const struct stack *stack;
    bool expect;
    uint32_t word;
    struct hp_section section;
    struct hp_section relocs; /* type HP_SHT_NULL: there are none */
};

/* A place of the linked file that a relocated field refers to. */
struct reference {
    struct hp_symbol symbol;
    uint64_t offset; /* in symbol.section, when that is a section */
};

static int fail(const struct records *records, uint32_t index, const char *name, const char *why)
{
    char *shown = text_escape(name, strlen(name), TEXT_NAME_MAX);

    (void)records;
    fprintf(stderr, "hotpatch: record %" PRIu32 "%s%s: %s\n", index, name[0] != '\0' ? ", " : "",
            shown, why);
    free(shown);
    return TOOL_REFUSED;
}

/* What the field at an offset of the section refers to; false when it is not relocated. */
static bool find_reference(const struct records *records, uint64_t offset, struct reference *to)
{
    const uint8_t *field = records->file->data + records->section.offset + offset;
    uint32_t count = hp_elf_reloc_count(records->elf, &records->relocs);
    uint32_t n;

    for (n = 0; n < count; n++) {
        struct hp_reloc reloc;

        if (hp_elf_reloc(records->elf, &records->relocs, n, &reloc) != HP_OK ||
            reloc.offset != offset) {
            continue;
        }
        if (hp_elf_symbol(records->elf, reloc.symbol, &to->symbol, NULL) != HP_OK) {
            return false;
        }
        to->offset = to->symbol.value + (uint64_t)reloc.addend;
        if (records->relocs.type == HP_SHT_REL) { /* of 32-bit Arm alone */
            to->offset += get32(field);
        }
        return true;
    }
    return false;
}

/* The string that a reference leads to; NULL when it is none. */
static const char *string_at(const struct records *records, const struct reference *to)
{
    struct hp_section section;
    struct hp_span contents;

    if (to->symbol.place != HP_PLACE_SECTION ||
        hp_elf_section(records->elf, to->symbol.section, &section) != HP_OK) {
        return NULL;
    }
    contents = hp_elf_contents(records->elf, &section);
    if (to->offset >= contents.size ||
        memchr(contents.data + to->offset, '\0', (size_t)(contents.size - to->offset)) == NULL) {
        return NULL;
    }
    return (const char *)contents.data + to->offset;
}

/* Bytes of the function that a reference leads to; 0 when the symbols do not tell. */
static uint64_t function_size(const struct records *records, const struct reference *to)
{
    uint32_t n;

    if (to->symbol.type == HP_STT_FUNC && to->offset == to->symbol.value) {
        return to->symbol.size;
    }
    for (n = 1; n < records->elf->symbol_count; n++) {
        struct hp_symbol symbol;

        if (hp_elf_symbol(records->elf, n, &symbol, NULL) == HP_OK && symbol.type == HP_STT_FUNC &&
            symbol.place == HP_PLACE_SECTION && symbol.section == to->symbol.section &&
            symbol.value == to->offset) {
            return symbol.size;
        }
    }
    return 0;
}

/* Splits "symbol+offset"; false when the offset is no number. */
static bool split(const char *name, size_t *length, uint64_t *offset)
{
    const char *plus = strrchr(name, '+');
    const char *hash = strrchr(name, '#');
    char *end;

    *length = strlen(name);
    *offset = 0;
    if (plus == NULL || (hash != NULL && plus < hash)) {
        return true;
    }
    *length = (size_t)(plus - name);
    *offset = strtoull(plus + 1, &end, 0);
    return plus[1] >= '0' && plus[1] <= '9' && *end == '\0';
}

/* Finds the place that a record names: its address, and the bytes of its function from there. */
static bool find_place(const struct records *records, const char *name, uint64_t *addr,
                       uint64_t *size)
{
    const struct stack *stack = records->stack;
    struct hp_target_symbol symbol;
    uint64_t offset;
    size_t length;

    if (!split(name, &length, &offset) ||
        hp_symbol_find(stack->port, stack->applied, stack->count, name, length, &symbol) != HP_OK) {
        return false;
    }
    *addr = symbol.addr + offset;
    *size = symbol.size > offset ? symbol.size - offset : 0;
    return true;
}

/* True when a payload below has changed some of the bytes. */
static bool is_patched(const struct stack *stack, uint64_t addr, size_t size)
{
    size_t n;
    uint32_t i;

    for (n = 0; n < stack->count; n++) {
        for (i = 0; i < stack->applied[n]->write_count; i++) {
            const struct hp_write *write = &stack->applied[n]->writes[i];

            if (write->addr < addr + size && addr < write->addr + write->size) {
                return true;
            }
        }
    }
    return false;
}

/* Puts the target's bytes into the record's expectation. */
static int fill_expect(const struct records *records, uint32_t index, const char *name,
                       uint8_t *expect, uint32_t old_size)
{
    size_t size = old_size < HP_PAYLOAD_EXPECT_MAX ? old_size : HP_PAYLOAD_EXPECT_MAX;
    uint8_t bytes[HP_PAYLOAD_EXPECT_MAX];
    uint64_t addr = 0;
    uint64_t left;

    if (name[0] == '\0' || !find_place(records, name, &addr, &left)) {
        return fail(records, index, name, "--expect needs a name that the target has");
    }
    if (is_patched(records->stack, addr, size)) {
        return fail(records, index, name,
                    "--expect: a payload below changes these bytes, and only when it is loaded");
    }
    switch (hp_port_target_read(records->stack->port, addr, bytes, size)) {
    case HP_OK:
        break;
    case HP_UNDECIDED:
        return fail(records, index, name, "--expect: the target rewrites these bytes at boot");
    default:
        return fail(records, index, name, "--expect: the target has no bytes there");
    }
    expect[0] = HP_PAYLOAD_EXPECT_CONTROL(size);
    memcpy(expect + 1, bytes, size);
    printf(", expects %zu bytes", size);
    return TOOL_ACCEPTED;
}

static int fill_sizes(const struct records *records, uint32_t index, const char *name,
                      uint8_t *record, const struct reference *replacement)
{
    uint8_t *new_size = record + (size_t)3 * records->word;
    uint8_t *old_size = new_size + 4;
    uint64_t addr;
    uint64_t size;

    if (get32(old_size) == 0) {
        if (name[0] == '\0' || !find_place(records, name, &addr, &size)) {
            return fail(records, index, name, "the target has no such function");
        }
        if (size == 0 || size > UINT32_MAX) {
            return fail(records, index, name, "the target does not tell its size");
        }
        put32(old_size, (uint32_t)size);
    }
    if (replacement != NULL && get32(new_size) == 0) {
        size = function_size(records, replacement);
        if (size == 0 || size > UINT32_MAX) {
            return fail(records, index, name, "the replacement is no function of known size");
        }
        put32(new_size, (uint32_t)size);
    }
    printf("  record %" PRIu32 ": ", index);
    print_name(stdout, name[0] != '\0' ? name : "by address", 0);
    printf(", old_size %" PRIu32 ", new_size %" PRIu32, get32(old_size), get32(new_size));
    return TOOL_ACCEPTED;
}

static int fill_one(const struct records *records, uint32_t index, uint32_t record_size)
{
    const uint32_t word = records->word;
    const uint64_t at = (uint64_t)index * record_size;
    uint8_t *record = records->file->data + records->section.offset + at;
    uint8_t *version = record + (size_t)3 * word + 8;
    uint8_t *expect = record + HP_PAYLOAD_FUNC_V2_SIZE(word) - sizeof(struct hp_payload_expect);
    struct reference name_to;
    struct reference new_to;
    bool replaces = find_reference(records, at + word, &new_to);
    const char *name = "";
    int rc;

    if (find_reference(records, at, &name_to)) {
        name = string_at(records, &name_to);
        if (name == NULL) {
            return fail(records, index, "", "its name is no string of the objects");
        }
    }
    rc = fill_sizes(records, index, name, record, replaces ? &new_to : NULL);
    if (rc == TOOL_ACCEPTED && records->expect && *version == HP_PAYLOAD_VERSION_2 &&
        expect[0] == 0) {
        rc = fill_expect(records, index, name, expect, get32(version - 4));
    }
    if (rc == TOOL_ACCEPTED) {
        putchar('\n');
    }
    return rc;
}

/* The section that relocates another; its type is HP_SHT_NULL when there is none. */
static struct hp_section relocs_of(const struct hp_elf *elf, uint32_t index)
{
    struct hp_section section = {0};
    uint32_t n;

    for (n = 1; n < elf->shnum; n++) {
        if (hp_elf_section(elf, n, &section) == HP_OK && section.info == index &&
            (section.type == HP_SHT_RELA || section.type == HP_SHT_REL)) {
            return section;
        }
    }
    memset(&section, 0, sizeof(section));
    return section;
}

int pack_fill(struct file *file, const struct hp_elf *elf, const struct stack *stack, bool expect)
{
    struct records records = {
        .file = file, .elf = elf, .stack = stack, .expect = expect, .word = elf->is64 ? 8 : 4};
    uint32_t index = elf->special[HP_SPECIAL_FUNCS];
    uint32_t size;
    uint32_t n;
    int rc = TOOL_ACCEPTED;

    if (index == 0) {
        return TOOL_ACCEPTED;
    }
    if (hp_elf_section(elf, index, &records.section) != HP_OK) {
        return TOOL_TROUBLE;
    }
    records.relocs = relocs_of(elf, index);
    size = HP_PAYLOAD_FUNC_V1_SIZE(records.word);
    if (records.section.size >= size &&
        file->data[records.section.offset + (size_t)3 * records.word + 8] == HP_PAYLOAD_VERSION_2) {
        size = HP_PAYLOAD_FUNC_V2_SIZE(records.word);
    }
    /* What is left over is for the loader's own check to refuse. */
    for (n = 0; rc == TOOL_ACCEPTED && n < records.section.size / size; n++) {
        rc = fill_one(&records, n, size);
    }
    return rc;
}
