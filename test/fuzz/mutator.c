/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mutations that keep an ELF file recognisable: single fields, whole tables, notes, records, names.
 *
 * Blind changes of bytes rarely pass the checks of the section table. This reads just enough of the
 * file, leniently, to find its fields, and changes few at a time.
 */
#include <stdbool.h>
#include <string.h>

#include <hotpatch/elf.h>

#include "fuzz_port.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *data1, size_t size1, const uint8_t *data2,
                                 size_t size2, uint8_t *out, size_t max_size, unsigned seed);

enum { SECTIONS_MAX = 4096, STACKED_MAX = 4 };

/* The file while it is changed. */
struct work {
    uint8_t *data;
    size_t size;
    size_t max_size;
    uint64_t random;
    bool is64;
    uint64_t shoff;
    uint32_t shentsize;
    uint32_t shnum; /* headers that are inside the file */
};

/* A field: where it is and how wide. */
struct field {
    uint16_t offset;
    uint16_t width;
};

/* splitmix64 */
static uint64_t next(struct work *w)
{
    uint64_t z = w->random += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* A number below `bound`; 0 for 0. */
static uint64_t below(struct work *w, uint64_t bound)
{
    return bound == 0 ? 0 : next(w) % bound;
}

static uint64_t get(const struct work *w, uint64_t offset, uint32_t width)
{
    uint64_t value = 0;
    uint32_t n;

    if (w->size < width || offset > w->size - width) {
        return 0;
    }
    for (n = width; n > 0; n--) {
        value = (value << 8) | w->data[offset + n - 1];
    }
    return value;
}

static void put(struct work *w, uint64_t offset, uint32_t width, uint64_t value)
{
    uint32_t n;

    if (w->size < width || offset > w->size - width) {
        return;
    }
    for (n = 0; n < width; n++) {
        w->data[offset + n] = (uint8_t)(value >> (8 * n));
    }
}

/* ---- the lenient view ----------------------------------------------------------------------- */

static const struct field header64[] = {{4, 1},  {5, 1},  {6, 1},  {7, 1},  {8, 1},
                                        {16, 2}, {18, 2}, {20, 4}, {40, 8}, {48, 4},
                                        {56, 2}, {58, 2}, {60, 2}, {62, 2}};
static const struct field header32[] = {{4, 1},  {5, 1},  {6, 1},  {7, 1},  {8, 1},
                                        {16, 2}, {18, 2}, {20, 4}, {32, 4}, {36, 4},
                                        {44, 2}, {46, 2}, {48, 2}, {50, 2}};
/* name type flags addr offset size link info align entsize */
static const struct field section64[] = {{0, 4},  {4, 4},  {8, 8},  {16, 8}, {24, 8},
                                         {32, 8}, {40, 4}, {44, 4}, {48, 8}, {56, 8}};
static const struct field section32[] = {{0, 4},  {4, 4},  {8, 4},  {12, 4}, {16, 4},
                                         {20, 4}, {24, 4}, {28, 4}, {32, 4}, {36, 4}};
/* name info other shndx value size */
static const struct field symbol64[] = {{0, 4}, {4, 1}, {5, 1}, {6, 2}, {8, 8}, {16, 8}};
static const struct field symbol32[] = {{0, 4}, {12, 1}, {13, 1}, {14, 2}, {4, 4}, {8, 4}};
/* offset type symbol addend */
static const struct field reloc64[] = {{0, 8}, {8, 4}, {12, 4}, {16, 8}};
static const struct field reloc32[] = {{0, 4}, {4, 1}, {5, 3}, {8, 4}};
/* name new_addr old_addr new_size old_size version opaque applied expect */
static const struct field record64[] = {{0, 8},  {8, 8},  {16, 8}, {24, 4}, {28, 4},
                                        {32, 1}, {33, 8}, {64, 8}, {72, 1}, {73, 8}};
/* name addr old_name old_target new_target version kind size reserved old_bytes new_bytes */
static const struct field splice64[] = {{0, 8},  {8, 8},  {16, 8}, {24, 8}, {32, 8}, {40, 1},
                                        {41, 1}, {42, 1}, {43, 1}, {48, 8}, {80, 8}};
/* namesz descsz type name */
static const struct field note_fields[] = {{0, 4}, {4, 4}, {8, 4}, {12, 4}};

enum { SH_NAME, SH_TYPE, SH_FLAGS, SH_ADDR, SH_OFFSET, SH_SIZE, SH_LINK, SH_INFO, SH_ALIGN };
enum {
    SECTION_FIELDS = 10,
    SYMBOL_FIELDS = 6,
    RELOC_FIELDS = 4,
    RECORD_FIELDS = 10,
    SPLICE_FIELDS = 11
};

static void look(struct work *w)
{
    w->is64 = get(w, 4, 1) != 1;
    w->shoff = w->is64 ? get(w, 40, 8) : get(w, 32, 4);
    w->shentsize = (uint32_t)get(w, w->is64 ? 58 : 46, 2);
    w->shnum = (uint32_t)get(w, w->is64 ? 60 : 48, 2);
    if (w->shentsize < 40 || w->shoff >= w->size) {
        w->shnum = 0;
        return;
    }
    if (w->shnum == 0) {
        w->shnum = (uint32_t)get(w, w->shoff + (w->is64 ? 32 : 20), 4);
    }
    if (w->shnum > SECTIONS_MAX || w->shnum > (w->size - w->shoff) / w->shentsize) {
        w->shnum = (uint32_t)((w->size - w->shoff) / w->shentsize);
    }
}

static uint64_t section_at(const struct work *w, uint32_t index)
{
    return w->shoff + (uint64_t)index * w->shentsize;
}

static uint64_t get_section(const struct work *w, uint32_t index, uint32_t which)
{
    const struct field *field = w->is64 ? &section64[which] : &section32[which];

    return get(w, section_at(w, index) + field->offset, field->width);
}

static void put_section(struct work *w, uint32_t index, uint32_t which, uint64_t value)
{
    const struct field *field = w->is64 ? &section64[which] : &section32[which];

    put(w, section_at(w, index) + field->offset, field->width, value);
}

/* Contents of a section as far as they are inside the file; *size 0 when there are none. */
static uint64_t contents(const struct work *w, uint32_t index, uint64_t *size)
{
    const uint64_t offset = get_section(w, index, SH_OFFSET);

    *size = 0;
    if (get_section(w, index, SH_TYPE) == HP_SHT_NOBITS || offset >= w->size) {
        return 0;
    }
    *size = get_section(w, index, SH_SIZE);
    if (*size > w->size - offset) {
        *size = w->size - offset;
    }
    return offset;
}

/* The name of a section, cut and padded with zeroes. */
static void name_of(const struct work *w, uint32_t index, char name[32])
{
    const uint32_t shstrndx = (uint32_t)get(w, w->is64 ? 62 : 50, 2);
    uint64_t size = 0;
    uint64_t offset = 0;
    uint64_t at = get_section(w, index, SH_NAME);
    size_t n;

    memset(name, 0, 32);
    if (shstrndx < w->shnum) {
        offset = contents(w, shstrndx, &size);
    }
    for (n = 0; n < 31 && at + n < size; n++) {
        name[n] = (char)w->data[offset + at + n];
        if (name[n] == '\0') {
            break;
        }
    }
}

/* A random section of this type (0: any); 0 when there is none. */
static uint32_t pick(struct work *w, uint32_t type)
{
    const uint32_t start = (uint32_t)below(w, w->shnum);
    uint32_t n;

    for (n = 0; n < w->shnum; n++) {
        const uint32_t index = (start + n) % w->shnum;

        if (index != 0 && (type == 0 || get_section(w, index, SH_TYPE) == type)) {
            return index;
        }
    }
    return 0;
}

/* A random section whose name begins so; 0 when there is none. */
static uint32_t pick_named(struct work *w, const char *prefix)
{
    const uint32_t start = (uint32_t)below(w, w->shnum);
    char name[32];
    uint32_t n;

    for (n = 0; n < w->shnum; n++) {
        const uint32_t index = (start + n) % w->shnum;

        name_of(w, index, name);
        if (index != 0 && strncmp(name, prefix, strlen(prefix)) == 0) {
            return index;
        }
    }
    return 0;
}

/* ---- values --------------------------------------------------------------------------------- */

/* Something that a field may hold: near its old value, a limit, a size, an address. */
static uint64_t value_for(struct work *w, uint64_t old)
{
    static const uint64_t limits[] = {0,
                                      1,
                                      2,
                                      3,
                                      4,
                                      5,
                                      8,
                                      9,
                                      16,
                                      31,
                                      32,
                                      64,
                                      104,
                                      0xff,
                                      0x100,
                                      0x1000,
                                      0xff00,
                                      0xfff1,
                                      0xfff2,
                                      0xffff,
                                      0x200000,
                                      0x200001,
                                      0x800000,
                                      0x7fffffff,
                                      0x80000000,
                                      0xffffffff,
                                      UINT64_C(0x100000000),
                                      UINT64_C(0x7fffffffffffffff),
                                      UINT64_C(0x8000000000000000),
                                      UINT64_MAX - 1,
                                      UINT64_MAX,
                                      FUZZ_TEXT_START,
                                      FUZZ_TEXT_START + FUZZ_TEXT_SIZE};

    switch (below(w, 8)) {
    case 0:
        return old + 1;
    case 1:
        return old - 1;
    case 2:
        return old ^ (UINT64_C(1) << below(w, 64));
    case 3:
        return below(w, w->shnum + 1u);
    case 4:
        return w->size - below(w, 9);
    case 5:
        return FUZZ_TEXT_START + below(w, FUZZ_TEXT_SIZE);
    case 6:
        return below(w, 64);
    default:
        return limits[below(w, sizeof(limits) / sizeof(limits[0]))];
    }
}

static void change(struct work *w, uint64_t base, const struct field *fields, size_t count)
{
    const struct field *field = &fields[below(w, count)];

    put(w, base + field->offset, field->width,
        value_for(w, get(w, base + field->offset, field->width)));
}

/* Changes one field of one entry of a table. */
static void change_entry(struct work *w, uint32_t section, uint32_t stride,
                         const struct field *fields, size_t count)
{
    uint64_t size;
    const uint64_t offset = contents(w, section, &size);

    if (section != 0 && size >= stride) {
        change(w, offset + below(w, size / stride) * stride, fields, count);
    }
}

/* ---- mutations ------------------------------------------------------------------------------ */

typedef void mutation(struct work *w);

static void change_header(struct work *w)
{
    const size_t count = sizeof(header64) / sizeof(header64[0]);

    change(w, 0, w->is64 ? header64 : header32, count);
}

static void change_section(struct work *w)
{
    change(w, section_at(w, (uint32_t)below(w, w->shnum)), w->is64 ? section64 : section32,
           SECTION_FIELDS);
}

/* Flags and types have few values that mean something. */
static void change_section_kind(struct work *w)
{
    static const uint32_t types[] = {0, 1, 2, 3, 4, 7, 8, 9, 18, 19};
    static const uint32_t flags[] = {0, 2, 3, 6, 7, 0x12, 0x32, 0x402, 0x802};
    const uint32_t section = pick(w, 0);

    if (section == 0) {
        return;
    }
    if (below(w, 2) == 0) {
        put_section(w, section, SH_TYPE, types[below(w, sizeof(types) / sizeof(types[0]))]);
    } else {
        put_section(w, section, SH_FLAGS, flags[below(w, sizeof(flags) / sizeof(flags[0]))]);
    }
}

static void change_align(struct work *w)
{
    put_section(w, pick(w, 0), SH_ALIGN, UINT64_C(1) << below(w, 26));
}

static void change_symbol(struct work *w)
{
    change_entry(w, pick(w, HP_SHT_SYMTAB), w->is64 ? 24 : 16, w->is64 ? symbol64 : symbol32,
                 SYMBOL_FIELDS);
}

/* Binding, type and section of a symbol, by meaning. */
static void change_symbol_kind(struct work *w)
{
    static const uint16_t places[] = {0, 1, 0xfff1, 0xfff2, 0xffff};
    const uint32_t table = pick(w, HP_SHT_SYMTAB);
    const uint32_t stride = w->is64 ? 24 : 16;
    uint64_t size;
    const uint64_t offset = contents(w, table, &size);
    uint64_t at;

    if (table == 0 || size < stride) {
        return;
    }
    at = offset + below(w, size / stride) * stride;
    if (below(w, 2) == 0) {
        put(w, at + (w->is64 ? 4 : 12), 1, (below(w, 3) << 4) | below(w, 11));
    } else if (below(w, 2) == 0) {
        put(w, at + (w->is64 ? 6 : 14), 2, places[below(w, sizeof(places) / sizeof(places[0]))]);
    } else {
        put(w, at + (w->is64 ? 6 : 14), 2, below(w, w->shnum));
    }
}

static void change_reloc(struct work *w)
{
    const uint32_t section = pick(w, HP_SHT_RELA);

    change_entry(w, section, w->is64 ? 24 : 12, w->is64 ? reloc64 : reloc32, RELOC_FIELDS);
}

/* A relocation of another type, symbol or offset that stands a chance. */
static void change_reloc_kind(struct work *w)
{
    static const uint8_t types[] = {0, 1, 2, 4, 9, 10, 11, 12, 13, 14, 15, 24, 41, 42, 43};
    const uint32_t section = pick(w, HP_SHT_RELA);
    uint64_t symbols = 0;
    uint64_t target;
    uint64_t size;
    const uint64_t offset = contents(w, section, &size);
    uint64_t at;

    if (section == 0 || size < 24 || !w->is64) {
        return;
    }
    contents(w, pick(w, HP_SHT_SYMTAB), &symbols);
    target = get_section(w, (uint32_t)get_section(w, section, SH_INFO), SH_SIZE);
    at = offset + below(w, size / 24) * 24;
    switch (below(w, 5)) {
    case 0:
        put(w, at + 8, 4, types[below(w, sizeof(types))]);
        break;
    case 1:
        put(w, at + 12, 4, below(w, symbols / 24));
        break;
    case 2:
        put(w, at, 8, below(w, target));
        break;
    case 3: /* about the last place where a field fits */
        put(w, at, 8, target - below(w, 10));
        break;
    default:
        put(w, at + 16, 8, below(w, 64) - 8);
        break;
    }
}

static void change_record(struct work *w)
{
    change_entry(w, pick_named(w, ".livepatch.funcs"), below(w, 4) == 0 ? 64 : 104, record64,
                 RECORD_FIELDS);
}

static void change_splice(struct work *w)
{
    change_entry(w, pick_named(w, ".hotpatch.splices"), 112, splice64, SPLICE_FIELDS);
}

/* A table of the target: a field of an entry, or to where an entry refers. */
static void change_table(struct work *w)
{
    static const char *const names[] = {".altinstructions", ".bug_frames.", ".ex_table",
                                        ".alt_call_sites"};
    const char *name = names[below(w, sizeof(names) / sizeof(names[0]))];
    char rela[32] = ".rela";
    uint64_t size;
    uint64_t offset;
    uint32_t section;

    if (below(w, 2) == 0) {
        /* feature, lengths and padding of an alternative */
        section = pick_named(w, names[0]);
        offset = contents(w, section, &size);
        if (section != 0 && size >= 14) {
            offset += below(w, size / 14) * 14 + 8 + below(w, 5);
            put(w, offset, 1, below(w, 3) == 0 ? next(w) : below(w, 16));
        }
        return;
    }
    memcpy(rela + 5, name, strlen(name) + 1);
    section = pick_named(w, rela);
    offset = contents(w, section, &size);
    if (section != 0 && size >= 24 && w->is64) {
        offset += below(w, size / 24) * 24 + 16;
        put(w, offset, 8, get(w, offset, 8) + below(w, 64) - 32);
    }
}

/* The target's own bytes as an expectation. */
static void fix_expect(struct work *w)
{
    const uint32_t section = pick_named(w, ".livepatch.funcs");
    const uint32_t function = (uint32_t)below(w, FUZZ_FUNCTIONS);
    uint64_t size;
    const uint64_t offset = contents(w, section, &size);
    const uint64_t at = offset + below(w, size / 104) * 104;
    uint32_t n;

    if (section == 0 || size < 104) {
        return;
    }
    put(w, at + 72, 1, 1 | (below(w, 32) << 1));
    for (n = 0; n < 31; n++) {
        put(w, at + 73 + n, 1, fuzz_target_byte(function * FUZZ_FUNCTION_SIZE + n));
    }
}

static void change_note(struct work *w)
{
    uint32_t section = pick(w, HP_SHT_NOTE);

    if (section == 0) {
        section = pick_named(w, ".livepatch.depends");
    }
    change_entry(w, section, 16, note_fields, sizeof(note_fields) / sizeof(note_fields[0]));
}

/* Makes notes name the target or the base payload again. */
static void fix_notes(struct work *w)
{
    static const char *const names[] = {".livepatch.depends", ".livepatch.xen_depends"};
    const uint32_t section = pick_named(w, names[below(w, 2)]);
    uint64_t size;
    const uint64_t offset = contents(w, section, &size);
    uint32_t n;

    if (section == 0 || size < 16 + FUZZ_ID_SIZE) {
        return;
    }
    for (n = 0; n < FUZZ_ID_SIZE; n++) {
        w->data[offset + 16 + n] = below(w, 4) == 0 ? 0xba : fuzz_target_id()[n];
    }
}

/* Overwrites some name with one that the target knows. */
static void change_name(struct work *w)
{
    static const char *const names[] = {
        "fn_002",          "fn_000",         "fn_001+4",  "fn_003+0x10", "fn_241",    "fn_233",
        "one.c#fn_static", "same.c#fn_twin", "base_func", "base_func+8", "base_data", "data_03",
        "fn_004+64",       "fn_013",         "fn_012+4",  "fn_015+100",  "+",         "fn_002+",
        "fn_002+0x",       "fn_000+1",       "fn_008+2",  "fn_016+9",    "#"};
    const char *name = names[below(w, sizeof(names) / sizeof(names[0]))];
    uint32_t section = pick(w, HP_SHT_STRTAB);
    uint64_t size;
    uint64_t offset;
    uint64_t at;

    if (below(w, 2) == 0) {
        section = pick_named(w, ".rodata");
    }
    offset = contents(w, section, &size);
    if (section == 0 || size < strlen(name) + 2) {
        return;
    }
    at = below(w, size - strlen(name) - 1);
    while (at > 0 && w->data[offset + at - 1] != '\0') { /* to where some name begins */
        at--;
    }
    memcpy(w->data + offset + at, name, strlen(name) + (below(w, 4) == 0 ? 0 : 1));
}

/* Takes away the NUL at the end of strings. */
static void unterminate(struct work *w)
{
    const uint32_t section = below(w, 2) == 0 ? pick_named(w, ".rodata") : pick(w, HP_SHT_STRTAB);
    uint64_t size;
    const uint64_t offset = contents(w, section, &size);

    if (section != 0 && size > 0) {
        put(w, offset + size - 1, 1, 'n');
    }
}

static void swap_sections(struct work *w)
{
    const uint32_t a = pick(w, 0);
    const uint32_t b = pick(w, 0);
    uint32_t n;

    for (n = 0; a != 0 && b != 0 && n < SECTION_FIELDS; n++) {
        const uint64_t value = get_section(w, a, n);

        if (n < SH_OFFSET && below(w, 3) == 0) {
            continue; /* names, types and flags sometimes stay */
        }
        put_section(w, a, n, get_section(w, b, n));
        put_section(w, b, n, value);
    }
}

/* One field, or all, of one header into another. */
static void copy_section(struct work *w)
{
    const uint32_t from = pick(w, 0);
    const uint32_t to = pick(w, 0);
    const uint32_t only = (uint32_t)below(w, SECTION_FIELDS * 2);
    uint32_t n;

    for (n = 0; to != 0 && n < SECTION_FIELDS; n++) {
        if (only >= SECTION_FIELDS || only == n) {
            put_section(w, to, n, get_section(w, from, n));
        }
    }
}

static void drop_section(struct work *w)
{
    put_section(w, pick(w, 0), SH_TYPE, HP_SHT_NULL);
}

/* Moves the header table to the end of the file and adds a copy of one header, or takes one away.
 */
static void add_section(struct work *w)
{
    const uint64_t table = (uint64_t)w->shnum * w->shentsize;
    const uint64_t start = (w->size + 7) & ~UINT64_C(7);
    const uint32_t from = pick(w, 0);

    if (w->shnum == 0 || start + table + w->shentsize > w->max_size) {
        return;
    }
    memset(w->data + w->size, 0, (size_t)(start - w->size));
    memcpy(w->data + start, w->data + w->shoff, (size_t)table);
    memcpy(w->data + start + table, w->data + section_at(w, from), w->shentsize);
    w->size = (size_t)(start + table + w->shentsize);
    put(w, w->is64 ? 40 : 32, w->is64 ? 8 : 4, start);
    if (get(w, w->is64 ? 60 : 48, 2) == 0) {
        put(w, start + (w->is64 ? 32 : 20), 4, w->shnum + 1u);
    } else {
        put(w, w->is64 ? 60 : 48, 2, w->shnum + 1u);
    }
}

/* Gives a section a longer copy of its contents at the end of the file; the end repeats itself. */
static void grow_section(struct work *w)
{
    static const uint8_t units[] = {1, 4, 8, 16, 24, 64, 104};
    const uint32_t section = pick(w, below(w, 2) == 0 ? (uint32_t)HP_SHT_RELA : 0);
    uint64_t unit = units[below(w, sizeof(units))];
    uint64_t size;
    const uint64_t offset = contents(w, section, &size);
    const uint64_t start = (w->size + 7) & ~UINT64_C(7);
    uint64_t extra;

    if (section != 0 && (get_section(w, section, SH_TYPE) == HP_SHT_RELA ||
                         get_section(w, section, SH_TYPE) == HP_SHT_SYMTAB)) {
        unit = w->is64 ? 24 : 12;
    }
    extra = unit * (1 + below(w, 4));
    if (section == 0 || size < extra || start + size + extra > w->max_size) {
        return;
    }
    memset(w->data + w->size, 0, (size_t)(start - w->size));
    memcpy(w->data + start, w->data + offset, (size_t)size);
    memcpy(w->data + start + size, w->data + offset + size - extra, (size_t)extra);
    w->size = (size_t)(start + size + extra);
    put_section(w, section, SH_OFFSET, start);
    put_section(w, section, SH_SIZE, size + extra);
}

static void shrink_section(struct work *w)
{
    const uint32_t section = pick(w, 0);
    const uint64_t size = get_section(w, section, SH_SIZE);
    const uint64_t less = UINT64_C(1) << below(w, 6);

    if (section != 0 && size >= less) {
        put_section(w, section, SH_SIZE, size - less);
    }
}

/* libFuzzer's own mutations, inside one section. */
static void change_contents(struct work *w)
{
    uint64_t size;
    const uint64_t offset = contents(w, pick(w, 0), &size);

    if (size > 0) {
        LLVMFuzzerMutate(w->data + offset, (size_t)size, (size_t)size);
    }
}

static void add_trailer(struct work *w)
{
    static const char marker[] = "~Module signature appended~\n";

    if (w->max_size - w->size >= sizeof(marker)) {
        memcpy(w->data + w->size, marker, sizeof(marker) - 1);
        w->size += sizeof(marker) - 1 + below(w, 2);
    }
}

static void truncate_file(struct work *w)
{
    w->size -= below(w, w->size < 80 ? w->size : 80);
}

static void change_blindly(struct work *w)
{
    w->size = LLVMFuzzerMutate(w->data, w->size, w->max_size);
}

static void mutate_once(struct work *w)
{
    /* What stands here several times is where the interesting code is. */
    static mutation *const mutations[] = {
        unterminate,     change_header, change_section,    change_section,     change_section_kind,
        change_align,    change_symbol, change_symbol,     change_symbol_kind, change_symbol_kind,
        change_reloc,    change_reloc,  change_reloc_kind, change_reloc_kind,  change_record,
        change_record,   change_record, change_splice,     change_splice,      change_table,
        change_table,    change_table,  fix_expect,        change_note,        fix_notes,
        change_name,     change_name,   swap_sections,     copy_section,       drop_section,
        add_section,     grow_section,  grow_section,      shrink_section,     change_contents,
        change_contents, add_trailer,   truncate_file,     change_blindly};

    look(w);
    if (w->size < 64 || w->shnum == 0) {
        change_blindly(w);
        return;
    }
    mutations[below(w, sizeof(mutations) / sizeof(mutations[0]))](w);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    struct work w = {.size = size, .max_size = max_size, .random = seed};
    uint64_t count = 1 + below(&w, STACKED_MAX);

    w.data = data;
    if (size > max_size) { /* libFuzzer is looking for a smaller one */
        w.size = max_size;
    }
    for (; count > 0; count--) {
        mutate_once(&w);
    }
    return w.size;
}

/* Puts the contents of one section of the second file in place of one of the same name, or any. */
size_t LLVMFuzzerCustomCrossOver(const uint8_t *data1, size_t size1, const uint8_t *data2,
                                 size_t size2, uint8_t *out, size_t max_size, unsigned seed)
{
    struct work w = {.data = out, .max_size = max_size, .random = seed};
    /* Only read from; the view is one type for both. */
    struct work from = {.data = (uint8_t *)(uintptr_t)data2, .size = size2, .random = seed};
    uint64_t size;
    uint64_t offset;
    uint64_t start;
    uint32_t source;
    uint32_t target;
    char name[32];

    w.size = size1 < max_size ? size1 : max_size;
    memcpy(out, data1, w.size);
    look(&w);
    look(&from);
    if (w.size < 64 || w.shnum == 0 || from.size < 64 || from.shnum == 0) {
        return w.size;
    }
    source = pick(&from, 0);
    name_of(&from, source, name);
    target = below(&w, 4) == 0 ? pick(&w, 0) : pick_named(&w, name);
    offset = contents(&from, source, &size);
    start = (w.size + 7) & ~UINT64_C(7);
    if (target == 0 || size == 0 || start + size > max_size) {
        return w.size;
    }
    memset(out + w.size, 0, (size_t)(start - w.size));
    memcpy(out + start, data2 + offset, (size_t)size);
    w.size = (size_t)(start + size);
    put_section(&w, target, SH_OFFSET, start);
    put_section(&w, target, SH_SIZE, size);
    return w.size;
}
