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

/* Splices of every kind and into every kind of place. */
static void fill_splices(struct eb_payload *p)
{
    struct eb_splice splices[] = {
        {.name = "fn_002+16", .old_name = "fn_003", .kind = HP_SPLICE_KIND_CALL},
        {.name = "fn_002+24", .old_name = "one.c#fn_static", .kind = HP_SPLICE_KIND_JUMP},
        {.name = "fn_002+0x20", .old_name = "fn_003", .kind = HP_SPLICE_KIND_JUMP},
        {.name = "data_01", .old_name = "fn_001", .kind = HP_SPLICE_KIND_POINTER},
        {.addr = FUZZ_DATA_START + 16,
         .old_target = FUZZ_TEXT_START + 2 * FUZZ_FUNCTION_SIZE,
         .kind = HP_SPLICE_KIND_POINTER},
        {.name = "fn_018+4*8",
         .kind = HP_SPLICE_KIND_BYTES,
         .size = 2,
         .old_bytes = {0x0f, 0x84},
         .new_bytes = {0x0f, 0x85}},
        {.name = "data_00+3", .kind = HP_SPLICE_KIND_BYTES, .size = 1, .new_bytes = {7}},
    };
    uint32_t code = eb_symbol(p->b, "spliced", HP_STB_LOCAL, HP_STT_FUNC, p->text, 0, 16);
    size_t n;

    eb_append(p->b, p->text, 16, NULL, 64);
    for (n = 0; n < sizeof(splices) / sizeof(splices[0]); n++) {
        splices[n].new_symbol = splices[n].kind != HP_SPLICE_KIND_BYTES ? code : 0;
        eb_payload_splice(p, &splices[n]);
    }
}

static void fill_splices_and_functions(struct eb_payload *p)
{
    fill_many(p);
    fill_splices(p);
}

/* An indirect call at `site` of .text through an object of the target, named in a table. */
static void add_call(struct eb_payload *p, uint64_t site, const char *object)
{
    memcpy(eb_bytes(p->b, p->text) + site, "\xff\x15", 2);
    eb_rela(p->b, p->text, site + 2, R_PC32, eb_undefined(p->b, object), -4);
    eb_payload_self(p, HP_SPECIAL_ALT_CALL_SITES, p->text, (int64_t)site, 0);
}

/* Every table, with every kind of entry. */
static void fill_tables(struct eb_payload *p)
{
    static const uint8_t code[] = {0x31, 0xc0, 0xc3,                /*  0: plain */
                                   0xe8, 0,    0,    0,    0,       /*  3: a call */
                                   0x90, 0xe9, 0,    0,    0,    0, /*  8: returns by the thunk */
                                   0xe8, 0xfb, 0xff, 0xff, 0xff,    /* 14: a call of itself */
                                   0xe8, 1,    0,    0,    0,    0xc3, /* 19: a call inside */
                                   0x58};
    static const struct eb_alternative alts[] = {
        {.site = 32, .replacement = 0, .feature = 1, .site_size = 4, .size = 3, .pad = 2},
        {.site = 32, .replacement = 0, .feature = 0x8002, .site_size = 8, .size = 3},
        {.site = 48, .replacement = 3, .feature = 3, .site_size = 5, .size = 5},
        {.site = 64, .replacement = 8, .feature = 5, .site_size = 9, .size = 6, .pad = 6},
        {.site = 80, .replacement = 14, .feature = 7, .site_size = 6, .size = 5},
        {.site = 96, .replacement = 19, .feature = 9, .site_size = 12, .size = 7},
        {.site = 112, .replacement = sizeof(code), .feature = 11, .site_size = 7, .size = 0},
        {.site = 120, .replacement = 3, .feature = 2, .site_size = 5, .size = 5},
    };
    uint32_t section;
    uint32_t n;

    fill_plain(p);
    eb_append(p->b, p->text, 16, NULL, 240);
    section = eb_payload_table(p, HP_SPECIAL_ALTINSTR_REPLACEMENT);
    eb_append(p->b, section, 1, code, sizeof(code));
    eb_rela(p->b, section, 4, R_PLT32, eb_undefined(p->b, "fn_004"), -4);
    eb_rela(p->b, section, 10, R_PLT32, eb_undefined(p->b, "fn_200"), -4);
    for (n = 0; n < sizeof(alts) / sizeof(alts[0]); n++) {
        eb_payload_alternative(p, &alts[n]);
    }
    memcpy(eb_bytes(p->b, p->text) + 80, "\xff\x15", 2);
    eb_rela(p->b, p->text, 82, R_PC32, eb_undefined(p->b, "data_03"), -4);
    add_call(p, 128, "data_01");
    add_call(p, 136, "data_02");
    for (n = 0; n < 5; n++) {
        eb_payload_self(p, HP_SPECIAL_EX_TABLE, p->text, n * 7 % 5 * 16 + 1, 0);
        eb_payload_self(p, HP_SPECIAL_EX_TABLE, p->text, 200 + n, 0);
    }
    for (n = 0; n < HP_BUG_KINDS; n++) {
        const enum hp_special which = (enum hp_special)(HP_SPECIAL_BUG_FRAMES_0 + n);

        eb_payload_self(p, which, p->text, 160 + n, UINT32_C(0x12000000));
        eb_payload_self(p, which, p->strings, 0, UINT32_C(0x34000000));
        eb_append(p->b, p->tables[which], 1, NULL, n == 3 ? 8 : 0);
    }
}

/* One broken entry behind sound ones: every refusal has a seed. */
static void fill_broken(struct eb_payload *p, enum hp_special which, int64_t first, int64_t second)
{
    fill_tables(p);
    eb_payload_self(p, which, p->text, first, 0);
    if (which != HP_SPECIAL_ALT_CALL_SITES) {
        eb_payload_self(p, which, p->text, second, 0);
    }
}

static void fill_ex_fault(struct eb_payload *p)
{
    fill_broken(p, HP_SPECIAL_EX_TABLE, -1, 0);
}

static void fill_ex_fixup(struct eb_payload *p)
{
    fill_broken(p, HP_SPECIAL_EX_TABLE, 0, 300);
}

static void fill_bug_address(struct eb_payload *p)
{
    fill_broken(p, HP_SPECIAL_BUG_FRAMES_1, 300, 0);
}

static void fill_call_site(struct eb_payload *p)
{
    fill_broken(p, HP_SPECIAL_ALT_CALL_SITES, 144, 0);
}

static void fill_table_size(struct eb_payload *p)
{
    fill_tables(p);
    eb_append(p->b, p->tables[HP_SPECIAL_ALTINSTRUCTIONS], 1, NULL, 1);
}

static void fill_alt(struct eb_payload *p, const struct eb_alternative *alt)
{
    fill_tables(p);
    eb_payload_alternative(p, alt);
}

static void fill_alt_site(struct eb_payload *p)
{
    const struct eb_alternative alt = {.site = 250, .site_size = 7};

    fill_alt(p, &alt);
}

static void fill_alt_replacement(struct eb_payload *p)
{
    const struct eb_alternative alt = {.replacement = 25, .site_size = 7, .size = 2};

    fill_alt(p, &alt);
}

static void fill_alt_length(struct eb_payload *p)
{
    const struct eb_alternative alt = {.site_size = 7, .size = 9, .pad = 1};

    fill_alt(p, &alt);
}

/* Offline no number is refused; on the running target this one is. */
static void fill_alt_feature(struct eb_payload *p)
{
    const struct eb_alternative alt = {.feature = FUZZ_FEATURES, .site_size = 7, .size = 2};

    fill_alt(p, &alt);
}

/* A pointer of the running target that points nowhere. */
static void fill_null_call(struct eb_payload *p)
{
    fill_tables(p);
    add_call(p, 144, "data_04");
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
    {"tables", fill_tables, 0, false, false, HP_OK},
    {"tables_on_base", fill_tables, 0, false, true, HP_OK},
    {"ex_fault", fill_ex_fault, 0, false, false, HP_EX_FAULT},
    {"ex_fixup", fill_ex_fixup, 0, false, false, HP_EX_FIXUP},
    {"bug_address", fill_bug_address, 0, false, false, HP_BUG_ADDRESS},
    {"table_size", fill_table_size, 0, false, false, HP_TABLE_SIZE},
    {"call_site", fill_call_site, 0, false, false, HP_ALT_CALL_SITE},
    {"null_call", fill_null_call, 0, false, true, HP_ALT_CALL_POINTER},
    {"alt_site", fill_alt_site, 0, false, false, HP_ALT_SITE},
    {"alt_replacement", fill_alt_replacement, 0, false, false, HP_ALT_REPLACEMENT},
    {"alt_length", fill_alt_length, 0, false, false, HP_ALT_LENGTH},
    {"alt_feature", fill_alt_feature, 0, false, true, HP_ALT_FEATURE},
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
    {"splices", fill_splices, 0, false, false, HP_OK},
    {"splices_and_functions", fill_splices_and_functions, 0, false, false, HP_OK},
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

/* Payloads of one splice each; those that are not of bytes lead to a new function. */
static const struct {
    const char *name;
    struct eb_splice splice;
    enum hp_status status;
} splices[] = {
    {"splice_kind", {.name = "fn_002", .kind = 5}, HP_SPLICE_KIND},
    {"splice_length", {.name = "fn_002", .kind = 1, .size = 33}, HP_SPLICE_LENGTH},
    {"splice_reserved",
     {.name = "fn_002", .kind = 1, .size = 1, .old_bytes = {0, 1}},
     HP_RECORD_RESERVED},
    {"splice_no_name", {.kind = 1, .size = 1}, HP_RECORD_NAME_NULL},
    {"splice_no_old", {.name = "data_01", .kind = 4}, HP_SPLICE_OLD_MISSING},
    {"splice_place", {.name = "fn", .kind = 1, .size = 1}, HP_SPLICE_PLACE},
    {"splice_offset", {.name = "data_01+4*2", .kind = 1, .size = 1}, HP_RECORD_NAME_OFFSET},
    {"splice_old", {.name = "data_01", .old_name = "fn", .kind = 4}, HP_SPLICE_OLD_UNKNOWN},
    {"splice_target", {.name = "data_01", .old_name = "fn_002", .kind = 4}, HP_SPLICE_OLD_TARGET},
    {"splice_align", {.name = "data_01+4", .old_name = "fn_001", .kind = 4}, HP_SPLICE_ALIGN},
    {"splice_writable", {.name = "data_09", .old_name = "fn_009", .kind = 4}, HP_SPLICE_WRITABLE},
    {"splice_not_code", {.name = "data_01", .old_name = "fn_001", .kind = 2}, HP_SPLICE_NOT_CODE},
    {"splice_no_call",
     {.name = "fn_002+24", .old_name = "fn_003", .kind = 2},
     HP_SPLICE_NOT_BRANCH},
    {"splice_bounds", {.name = "fn_013", .kind = 1, .size = 4}, HP_SPLICE_BOUNDS},
    {"splice_bytes", {.name = "fn_003", .kind = 1, .size = 4}, HP_EXPECT_MISMATCH},
    {"splice_pad",
     {.name = "fn_008", .kind = 1, .size = 4, .old_bytes = {0xf3, 0x0f, 0x1e, 0xfa}},
     HP_PATCH_LANDING_PAD},
    {"splice_denied", {.name = "fn_241", .kind = 1, .size = 4}, HP_PATCH_DENIED},
    {"splice_new",
     {.name = "data_01", .old_name = "fn_001", .kind = 4, .new_target = 0x1000},
     HP_SPLICE_NEW_TARGET},
    {"splice_boot", {.name = "fn_233", .kind = 1, .size = 4}, HP_EXPECT_MISMATCH},
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

/* On the base payload, where the target runs: all that a splice replaces is certain there. */
static void write_splice(const struct fuzz_harness *harness, const char *folder, size_t n)
{
    uint8_t base_id[FUZZ_ID_SIZE];
    const struct eb_ids ids = {.depends = base_id,
                               .depends_size = FUZZ_ID_SIZE,
                               .xen_depends = fuzz_target_id(),
                               .xen_depends_size = FUZZ_ID_SIZE};
    struct eb_splice splice = splices[n].splice;
    struct eb_payload p;
    uint8_t *file;
    size_t size;

    memset(base_id, FUZZ_BASE_ID_BYTE, sizeof(base_id));
    p = eb_payload_new(true, HP_EM_X86_64, &ids);
    if (splice.kind != HP_SPLICE_KIND_BYTES && splice.new_target == 0) {
        p.text_only = true;
        splice.new_symbol = eb_payload_function(&p, "function", FUZZ_FUNCTION_SIZE);
    }
    eb_payload_splice(&p, &splice);
    file = eb_payload_finish(&p, &size);
    check_status(splices[n].name, fuzz_harness_verdict(harness, true, file, size),
                 splices[n].status);
    write_file(folder, splices[n].name, file, size);
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
    for (n = 0; n < sizeof(splices) / sizeof(splices[0]); n++) {
        write_splice(harness, argv[1], n);
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
