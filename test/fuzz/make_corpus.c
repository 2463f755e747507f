/* SPDX-License-Identifier: BSD-2-Clause */
/* Writes the seed corpus: small payloads for the synthetic target that use every feature. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <hotpatch/payload.h>

#include "check.h"
#include "fuzz_port.h"
#include "harness.h"
#include "support/elf_builder.h"

/* Relocation types of x86-64 (psABI, table 4.9). */
enum {
    R_64 = 1,
    R_PC32 = 2,
    R_PLT32 = 4,
    R_GOTPCREL = 9,
    R_32 = 10,
    R_32S = 11,
    R_16 = 12,
    R_PC16 = 13,
    R_8 = 14,
    R_PC8 = 15,
    R_PC64 = 24,
    R_GOTPCRELX = 41,
    R_REX_GOTPCRELX = 42
};

/* A seed: fills a payload whose sections are in place. */
typedef void fill(struct eb_payload *p);

struct seed {
    const char *name;
    fill *fill;
    unsigned options;      /* enum eb_option */
    bool v1;               /* records of version 1 and no .livepatch.xen_depends */
    bool on_base;          /* stacks on the base payload of the harness */
    enum hp_status status; /* what the library says to it; offline, or on the base payload */
};

static void fill_plain(struct eb_payload *p)
{
    eb_payload_function(p, "fn_002", FUZZ_FUNCTION_SIZE);
}

static void fill_many(struct eb_payload *p)
{
    eb_payload_function(p, "fn_000", FUZZ_FUNCTION_SIZE); /* ENDBR64 */
    eb_payload_function(p, "fn_001", FUZZ_FUNCTION_SIZE); /* sealed */
    eb_payload_function(p, "fn_015", FUZZ_FUNCTION_SIZE); /* of unknown size */
    eb_payload_function(p, "fn_012", 8);
    eb_payload_function(p, "fn_233", FUZZ_FUNCTION_SIZE); /* rewritten at boot */
    eb_payload_function(p, "one.c#fn_static", FUZZ_FUNCTION_SIZE);
}

static void fill_nop(struct eb_payload *p)
{
    static const struct eb_record nops[] = {
        {.name = "fn_002", .new_size = 5, .old_size = FUZZ_FUNCTION_SIZE},
        {.name = "fn_003+8", .old_size = 31},
        {.name = "fn_004+0x10", .new_size = 31, .old_size = 40},
        {.name = "fn_008", .new_size = 9, .old_size = FUZZ_FUNCTION_SIZE},
        {.name = "fn_016", .new_size = 4, .old_size = FUZZ_FUNCTION_SIZE},
        {.name = "fn_235", .new_size = 2, .old_size = FUZZ_FUNCTION_SIZE},
        {.name = "fn_005+0x20", .new_size = 1, .old_size = 1},
    };
    size_t n;

    for (n = 0; n < sizeof(nops) / sizeof(nops[0]); n++) {
        eb_payload_record(p, &nops[n]);
    }
}

static void fill_expect(struct eb_payload *p)
{
    struct eb_record record = {.name = "fn_010", .old_size = FUZZ_FUNCTION_SIZE};
    uint32_t n;

    p->text_only = true;
    record.new_symbol = eb_payload_function(p, "fn_010", FUZZ_FUNCTION_SIZE);
    record.expect_control = HP_PAYLOAD_EXPECT_CONTROL(31);
    for (n = 0; n < 31; n++) {
        record.expect[n] = fuzz_target_byte(10 * FUZZ_FUNCTION_SIZE + n);
    }
    eb_payload_record(p, &record);
    record.name = "fn_236"; /* rewritten at boot */
    record.new_symbol = eb_payload_function(p, "fn_236", FUZZ_FUNCTION_SIZE);
    record.expect_control = HP_PAYLOAD_EXPECT_CONTROL(4);
    for (n = 0; n < 4; n++) {
        record.expect[n] = fuzz_target_byte(236 * FUZZ_FUNCTION_SIZE + n);
    }
    eb_payload_record(p, &record);
}

/*
 * An expectation beyond the landing pad, where a jump stands once the payload is applied: on top of
 * itself it has to be refused.
 */
static void fill_expect_pad(struct eb_payload *p)
{
    struct eb_record record = {.name = "fn_000",
                               .old_size = FUZZ_FUNCTION_SIZE,
                               .expect_control = HP_PAYLOAD_EXPECT_CONTROL(9)};
    uint32_t n;

    p->text_only = true;
    record.new_symbol = eb_payload_function(p, "fn_000", FUZZ_FUNCTION_SIZE);
    for (n = 0; n < 9; n++) {
        record.expect[n] = fuzz_target_byte(n);
    }
    eb_payload_record(p, &record);
}

/* A NOP of bytes that the jump of another record takes. */
static void fill_overlap(struct eb_payload *p)
{
    const struct eb_record record = {.name = "fn_002+1", .new_size = 2, .old_size = 2};

    eb_payload_record(p, &record);
    eb_payload_function(p, "fn_002", FUZZ_FUNCTION_SIZE);
}

/* The same inside a landing pad, at a label whose function is not known. */
static void fill_overlap_pad(struct eb_payload *p)
{
    const struct eb_record record = {.name = "fn_024+1", .new_size = 2, .old_size = 2};

    eb_payload_record(p, &record);
    eb_payload_function(p, "fn_024", FUZZ_FUNCTION_SIZE);
}

/* The last record's name runs to the end of its section. */
static void fill_unterminated(struct eb_payload *p)
{
    fill_plain(p);
    eb_bytes(p->b, p->strings)[eb_size(p->b, p->strings) - 1] = 'n';
}

/* A field that reaches one byte past its section. */
static void fill_past_section(struct eb_payload *p)
{
    fill_plain(p);
    eb_rela(p->b, p->text, eb_size(p->b, p->text) - 7, R_64, eb_section_symbol(p->b, p->text), 0);
}

static void fill_duplicate(struct eb_payload *p)
{
    fill_plain(p);
    eb_symbol(p->b, "twice", HP_STB_GLOBAL, HP_STT_FUNC, p->text, 1, 0);
    eb_symbol(p->b, "twice", HP_STB_GLOBAL, HP_STT_FUNC, p->text, 2, 0);
}

/* A symbol one byte past its section's end. */
static void fill_past_symbol(struct eb_payload *p)
{
    fill_plain(p);
    eb_symbol(p->b, "past", HP_STB_LOCAL, HP_STT_NOTYPE, p->text, eb_size(p->b, p->text) + 1, 0);
}

static void fill_hooks(struct eb_payload *p)
{
    uint32_t function;
    uint32_t which;

    p->text_only = true;
    function = eb_payload_function(p, "hook", FUZZ_FUNCTION_SIZE);
    for (which = HP_HOOK_FIRST; which <= HP_HOOK_LAST; which++) {
        eb_payload_hook(p, (enum hp_special)which, function);
    }
}

/* One relocation of every type, each against a symbol whose value fits it. */
static void fill_relocs(struct eb_payload *p)
{
    static const uint32_t types[] = {R_PC32,          R_PLT32, R_GOTPCREL, R_GOTPCRELX,
                                     R_REX_GOTPCRELX, R_64,    R_PC64};
    static const uint32_t small[] = {R_32, R_32S, R_16, R_8};
    const uint32_t undefined = eb_undefined(p->b, "data_01");
    const uint32_t absolute =
        eb_symbol(p->b, "small", HP_STB_LOCAL, HP_STT_NOTYPE, EB_ABS, 0x7f, 0);
    const uint32_t local = eb_section_symbol(p->b, p->text);
    size_t n;

    fill_plain(p);
    for (n = 0; n < sizeof(types) / sizeof(types[0]); n++) {
        eb_rela(p->b, p->text, eb_append(p->b, p->text, 8, NULL, 8), types[n], undefined, -4);
    }
    for (n = 0; n < sizeof(small) / sizeof(small[0]); n++) {
        eb_rela(p->b, p->text, eb_append(p->b, p->text, 4, NULL, 4), small[n], absolute, 0);
    }
    eb_rela(p->b, p->text, eb_append(p->b, p->text, 2, NULL, 2), R_PC16, local, 0);
    eb_rela(p->b, p->text, eb_append(p->b, p->text, 1, NULL, 1), R_PC8, local, 64);
    eb_rela(p->b, p->text, eb_append(p->b, p->text, 4, NULL, 4), R_GOTPCREL, local, 0);
    eb_rela(p->b, p->text, eb_append(p->b, p->text, 4, NULL, 4), R_GOTPCREL, absolute, 0);
    eb_rela_raw(p->b, p->text, 0, 0, 0, 0);
}

static void fill_symbols(struct eb_payload *p)
{
    const uint32_t weak = eb_symbol(p->b, "base_func", HP_STB_WEAK, HP_STT_NOTYPE, EB_UNDEF, 0, 0);
    uint32_t n;
    char name[16];

    fill_plain(p);
    eb_rela(p->b, p->text, eb_append(p->b, p->text, 8, NULL, 8), R_64, weak, 0);
    for (n = 0; n < 12; n++) {
        snprintf(name, sizeof(name), "new_symbol_%u", n);
        eb_symbol(p->b, name, HP_STB_GLOBAL, n % 2 == 0 ? HP_STT_FUNC : HP_STT_OBJECT, p->text, n,
                  1);
    }
    eb_symbol(p->b, "absolute", HP_STB_GLOBAL, HP_STT_NOTYPE, EB_ABS, 0x1234, 0);
    eb_symbol(p->b, "local", HP_STB_LOCAL, HP_STT_FUNC, p->text, 0, 4);
    eb_symbol(p->b, "file.c", HP_STB_LOCAL, HP_STT_FILE, EB_ABS, 0, 0);
}

static void fill_sections(struct eb_payload *p)
{
    static const uint8_t data[40] = {1, 2, 3};
    uint32_t section;

    fill_plain(p);
    section = eb_section(p->b, ".data", HP_SHT_PROGBITS, HP_SHF_ALLOC | HP_SHF_WRITE, 32, data,
                         sizeof(data));
    eb_rela(p->b, section, 8, R_64, eb_section_symbol(p->b, section), 16);
    eb_section(p->b, ".bss", HP_SHT_NOBITS, HP_SHF_ALLOC | HP_SHF_WRITE, 64, NULL, 5000);
    eb_section(p->b, ".rodata", HP_SHT_PROGBITS, HP_SHF_ALLOC, 1, data, 3);
    eb_section(p->b, ".text.more", HP_SHT_PROGBITS, HP_SHF_ALLOC | HP_SHF_EXECINSTR, 4096, data,
               sizeof(data));
    eb_section(p->b, ".ex_table", HP_SHT_PROGBITS, HP_SHF_ALLOC, 4, NULL, 0);
    eb_section(p->b, ".altinstructions", HP_SHT_PROGBITS, HP_SHF_ALLOC, 1, NULL, 0);
    eb_section(p->b, ".altinstr_replacement", HP_SHT_PROGBITS, HP_SHF_ALLOC | HP_SHF_EXECINSTR, 1,
               data, 8);
    section = eb_section(p->b, ".debug_info", HP_SHT_PROGBITS, 0, 1, data, sizeof(data));
    eb_rela(p->b, section, 4, R_32, eb_section_symbol(p->b, p->text), 0);
    eb_section(p->b, ".modinfo", HP_SHT_PROGBITS, HP_SHF_ALLOC, 1, "author=me\0\0version=1\0", 22);
}

static void fill_addresses(struct eb_payload *p)
{
    struct eb_record record = {.old_addr = FUZZ_TEXT_START + 20 * FUZZ_FUNCTION_SIZE,
                               .old_size = FUZZ_FUNCTION_SIZE};

    p->text_only = true;
    record.new_symbol = eb_payload_function(p, "fn_020", FUZZ_FUNCTION_SIZE);
    eb_payload_record(p, &record);
    record.old_addr += FUZZ_FUNCTION_SIZE + 16;
    record.old_size = 9;
    record.name = "fn_021";
    eb_payload_record(p, &record);
    record.old_addr = FUZZ_TEXT_START + FUZZ_TEXT_SIZE - 16;
    record.name = NULL;
    eb_payload_record(p, &record);
}

static void fill_on_base(struct eb_payload *p)
{
    const uint32_t data = eb_undefined(p->b, "base_data");

    eb_payload_function(p, "base_func", FUZZ_FUNCTION_SIZE);
    eb_payload_function(p, "fn_002", FUZZ_FUNCTION_SIZE);
    eb_rela(p->b, p->text, eb_append(p->b, p->text, 8, NULL, 8), R_PC32, data, 0);
}

/* A section of every name that has a meaning and cannot be used, for the mutator to rename. */
static void fill_unsupported(struct eb_payload *p)
{
    static const enum hp_special tables[] = {HP_SPECIAL_BUG_FRAMES_0,   HP_SPECIAL_BUG_FRAMES_1,
                                             HP_SPECIAL_BUG_FRAMES_2,   HP_SPECIAL_BUG_FRAMES_3,
                                             HP_SPECIAL_ALT_CALL_SITES, HP_SPECIAL_SPLICES};
    size_t n;

    fill_plain(p);
    for (n = 0; n < sizeof(tables) / sizeof(tables[0]); n++) {
        eb_section(p->b, hp_special_name(tables[n]), HP_SHT_PROGBITS, HP_SHF_ALLOC, 4, NULL, 8);
    }
}

static void fill_bss(struct eb_payload *p)
{
    fill_plain(p);
    eb_section(p->b, ".bss", HP_SHT_NOBITS, HP_SHF_ALLOC | HP_SHF_WRITE, 1, NULL, (2 << 20) + 1);
}

static void fill_large(struct eb_payload *p)
{
    uint32_t n;

    fill_plain(p);
    for (n = 0; n < 4; n++) {
        eb_section(p->b, ".bss", HP_SHT_NOBITS, HP_SHF_ALLOC | HP_SHF_WRITE, 1, NULL, 2 << 20);
    }
}

/* A name above the limit of one profile, and one above the limit of all. */
static void fill_long_names(struct eb_payload *p)
{
    char name[601];

    fill_plain(p);
    memset(name, 'n', sizeof(name));
    name[200] = '\0';
    eb_symbol(p->b, name, HP_STB_WEAK, HP_STT_NOTYPE, EB_UNDEF, 0, 0);
    name[200] = 'n';
    name[600] = '\0';
    eb_symbol(p->b, name, HP_STB_GLOBAL, HP_STT_FUNC, p->text, 0, 0);
}

static void fill_got_symbol(struct eb_payload *p)
{
    const uint32_t got = eb_undefined(p->b, "_GLOBAL_OFFSET_TABLE_");
    const uint32_t data = eb_undefined(p->b, "data_02");

    fill_plain(p);
    eb_rela(p->b, p->text, eb_append(p->b, p->text, 4, NULL, 4), R_PC32, got, -4);
    eb_rela(p->b, p->text, eb_append(p->b, p->text, 4, NULL, 4), R_GOTPCREL, data, -4);
    eb_symbol(p->b, ".Lstring", HP_STB_LOCAL, HP_STT_NOTYPE, p->strings, 0, 0);
}

static const struct seed seeds[] = {
    {"plain", fill_plain, 0, false, false, HP_OK},
    {"plain_v1", fill_plain, 0, true, false, HP_OK},
    {"shared_strtab", fill_plain, EB_SHARED_STRTAB, false, false, HP_OK},
    {"extended", fill_relocs, EB_EXTENDED_SHNUM | EB_EXTENDED_SHSTRNDX | EB_EXTENDED_SYMBOLS, false,
     false, HP_OK},
    {"keep_order", fill_symbols, EB_KEEP_ORDER, false, false, HP_OK},
    {"many", fill_many, 0, false, false, HP_OK},
    {"many_v1", fill_many, 0, true, false, HP_OK},
    {"nop", fill_nop, 0, false, false, HP_OK},
    {"nop_v1", fill_nop, 0, true, false, HP_OK},
    {"expect", fill_expect, 0, false, false, HP_OK},
    {"expect_pad", fill_expect_pad, 0, false, false, HP_OK},
    {"hooks", fill_hooks, 0, false, false, HP_OK},
    {"relocs", fill_relocs, 0, false, false, HP_OK},
    {"symbols", fill_symbols, 0, false, false, HP_OK},
    {"sections", fill_sections, 0, false, false, HP_OK},
    {"addresses", fill_addresses, 0, false, false, HP_OK},
    {"on_base", fill_on_base, 0, false, true, HP_OK},
    {"bss", fill_bss, 0, false, false, HP_NOBITS_TOO_LARGE},
    {"large", fill_large, 0, false, false, HP_IMAGE_TOO_LARGE},
    {"long_names", fill_long_names, 0, false, false, HP_SYMBOL_NAME_LENGTH},
    {"got_symbol", fill_got_symbol, 0, false, false, HP_OK},
    {"overlap", fill_overlap, 0, false, false, HP_PATCH_OVERLAP},
    {"overlap_pad", fill_overlap_pad, 0, false, false, HP_PATCH_OVERLAP},
    {"unterminated", fill_unterminated, 0, false, false, HP_RECORD_NAME_UNTERMINATED},
    {"past_section", fill_past_section, 0, false, false, HP_RELOC_OFFSET},
    {"duplicate", fill_duplicate, 0, false, false, HP_SYMBOL_DUPLICATE},
    {"past_symbol", fill_past_symbol, 0, false, false, HP_SYMBOL_VALUE},
    {"unsupported", fill_unsupported, 0, false, false, HP_SPECIAL_UNSUPPORTED},
};

/* Payloads of one record each. */
static const struct {
    const char *name;
    struct eb_record record;
    bool jump; /* to a new function; else the record is as it stands */
    enum hp_status status;
} records[] = {
    {"past_function", {.name = "fn_013", .old_size = 64}, true, HP_PATCH_PAST_FUNCTION},
    {"behind_pad", {.name = "fn_000", .old_size = 8}, true, HP_RECORD_OLD_SIZE},
    {"denied", {.name = "fn_241", .old_size = 64}, true, HP_PATCH_DENIED},
    {"data", {.name = "data_01", .old_size = 8}, true, HP_RECORD_TARGET_KIND},
    {"ambiguous", {.name = "same.c#fn_twin", .old_size = 64}, true, HP_SYMBOL_AMBIGUOUS},
    {"past_name", {.name = "fn_004+64", .old_size = 64}, true, HP_RECORD_NAME_OFFSET},
    {"wide_offset", {.name = "fn_004+0XFfFfFfFfF", .old_size = 64}, true, HP_RECORD_NAME_OFFSET},
    {"nop_above", {.name = "fn_002", .new_size = 9, .old_size = 8}, false, HP_NOP_SIZE},
    /* less than the landing pad: half an ENDBR64 would be left */
    {"half_pad", {.name = "fn_016", .new_size = 2, .old_size = 2}, false, HP_NOP_SIZE},
    {"in_pad", {.name = "fn_016+1", .new_size = 2, .old_size = 2}, false, HP_PATCH_LANDING_PAD},
    {"short", {.name = "fn_013", .new_size = 1, .old_size = 3}, false, HP_OK},
    {"last_byte",
     {.old_addr = FUZZ_TEXT_START + FUZZ_TEXT_SIZE - 1, .new_size = 1, .old_size = 1},
     false,
     HP_OK},
    {"unreadable",
     {.old_addr = FUZZ_TEXT_START + FUZZ_TEXT_SIZE - 16,
      .new_size = 4,
      .old_size = 64,
      .expect_control = HP_PAYLOAD_EXPECT_CONTROL(31)},
     false,
     HP_TARGET_READ},
    {"whole", {.name = "fn_002", .old_size = 31}, false, HP_OK},
    {"whole_end", {.name = "fn_012", .old_size = 8}, false, HP_NOP_WHOLE},
};

static void write_file(const char *folder, const char *name, const uint8_t *data, size_t size)
{
    char path[1024];
    FILE *file;

    CHECK((size_t)snprintf(path, sizeof(path), "%s/%s", folder, name) < sizeof(path));
    file = fopen(path, "wb");
    CHECK(file != NULL);
    CHECK(fwrite(data, 1, size, file) == size);
    CHECK(fclose(file) == 0);
}

/* A seed that is refused by mistake would leave the code behind the refusal untouched. */
static void check_status(const char *name, enum hp_status found, enum hp_status wanted)
{
    if (found != wanted) {
        fprintf(stderr, "seed %s: %s, not %s\n", name, hp_status_name(found),
                hp_status_name(wanted));
        abort();
    }
}

static void write_seed(const struct fuzz_harness *harness, const char *folder,
                       const struct seed *seed)
{
    uint8_t base_id[FUZZ_ID_SIZE];
    struct eb_ids ids = {.depends = fuzz_target_id(),
                         .depends_size = FUZZ_ID_SIZE,
                         .xen_depends = fuzz_target_id(),
                         .xen_depends_size = FUZZ_ID_SIZE,
                         .no_xen_depends = seed->v1};
    struct eb_payload p;
    uint8_t *file;
    size_t size;

    memset(base_id, FUZZ_BASE_ID_BYTE, sizeof(base_id));
    if (seed->on_base) {
        ids.depends = base_id;
    }
    p = eb_payload_new(true, HP_EM_X86_64, &ids);
    p.version = seed->v1 ? 1 : 2;
    eb_option(p.b, seed->options);
    seed->fill(&p);
    file = eb_payload_finish(&p, &size);
    check_status(seed->name, fuzz_harness_verdict(harness, seed->on_base, file, size),
                 seed->status);
    write_file(folder, seed->name, file, size);
    free(file);
}

static void write_record(const struct fuzz_harness *harness, const char *folder, size_t n)
{
    const struct eb_ids ids = {.depends = fuzz_target_id(), .depends_size = FUZZ_ID_SIZE};
    struct eb_payload p = eb_payload_new(true, HP_EM_X86_64, &ids);
    struct eb_record record = records[n].record;
    uint8_t *file;
    size_t size;

    if (records[n].jump) {
        p.text_only = true;
        record.new_symbol = eb_payload_function(&p, "function", FUZZ_FUNCTION_SIZE);
    }
    eb_payload_record(&p, &record);
    file = eb_payload_finish(&p, &size);
    check_status(records[n].name, fuzz_harness_verdict(harness, false, file, size),
                 records[n].status);
    write_file(folder, records[n].name, file, size);
    free(file);
}

/* The same file with a signature trailer behind it. */
static void write_signed(const char *folder)
{
    static const char marker[] = "~Module signature appended~\n";
    size_t size;
    uint8_t *file = eb_minimal(true, HP_EM_X86_64, &size);
    uint8_t *both = malloc(size + 12 + sizeof(marker) - 1);

    CHECK(both != NULL);
    memcpy(both, file, size);
    memset(both + size, 0, 12);
    memcpy(both + size + 12, marker, sizeof(marker) - 1);
    write_file(folder, "signed", both, size + 12 + sizeof(marker) - 1);
    free(both);
    free(file);
}

int main(int argc, char **argv)
{
    struct fuzz_harness *harness;
    size_t size;
    uint8_t *file;
    size_t n;

    if (argc != 2) {
        fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return EXIT_FAILURE;
    }
    harness = fuzz_harness_new();
    for (n = 0; n < sizeof(seeds) / sizeof(seeds[0]); n++) {
        write_seed(harness, argv[1], &seeds[n]);
    }
    for (n = 0; n < sizeof(records) / sizeof(records[0]); n++) {
        write_record(harness, argv[1], n);
    }
    fuzz_harness_free(harness);
    write_signed(argv[1]);
    file = eb_minimal(false, HP_EM_ARM, &size);
    write_file(argv[1], "class32", file, size);
    free(file);
    file = fuzz_base_payload(&size);
    write_file(argv[1], "base", file, size);
    free(file);
    return EXIT_SUCCESS;
}
