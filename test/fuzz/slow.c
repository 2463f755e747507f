/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files of the largest size made to be slow, each in another way, and how long the verdict takes.
 *
 *     fuzz_slow [LIMIT]      milliseconds of processor time that no file may exceed
 *
 * What is quadratic takes seconds here. Each is made at a quarter of the size, too, to show the
 * slope: about 4 is linear, 16 quadratic; small sizes gain from the caches.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <hotpatch/payload.h>
#include <hotpatch/validate.h>

#include "check.h"
#include "fuzz_port.h"
#include "support/elf_builder.h"

enum {
    FILE_MAX = 2 << 20,
    FIXED = 4096,    /* bytes left for what is not repeated */
    HEADER = 66,     /* bytes of a section with an empty name, but its contents */
    LONG_NAME = 511, /* longest symbol name that is looked up */
    SHORT_NAME = 15, /* as short as colliding_name() can make them */
    SHARED = 64,     /* long names that new symbols share */
    R_64 = 1,
    R_PC32 = 2,
    R_GOTPCREL = 9,
    ROUNDS = 5
};

/* Makes a file of at most `budget` bytes. */
typedef uint8_t *make(size_t budget, size_t *size);

struct slow {
    const char *name;
    make *make;
    enum hp_status status; /* shows that the file gets as far as it is meant to */
};

static struct eb_payload start(void)
{
    const struct eb_ids ids = {.depends = fuzz_target_id(),
                               .depends_size = FUZZ_ID_SIZE,
                               .xen_depends = fuzz_target_id(),
                               .xen_depends_size = FUZZ_ID_SIZE};

    return eb_payload_new(true, HP_EM_X86_64, &ids);
}

/* As many headers as fit, of empty sections whose shared name is nearly a special one. */
static uint8_t *many_sections(size_t budget, size_t *size)
{
    struct eb_payload p = start();
    const uint32_t count = (uint32_t)((budget - FIXED) / HEADER);
    uint32_t first;
    uint32_t n;
    uint8_t *file;

    eb_payload_function(&p, "fn_002", FUZZ_FUNCTION_SIZE);
    first =
        eb_section(p.b, ".livepatch.hooks.postapplX", HP_SHT_PROGBITS, HP_SHF_ALLOC, 1, NULL, 0);
    for (n = 1; n < count; n++) {
        eb_section(p.b, "", HP_SHT_PROGBITS, HP_SHF_ALLOC, 1, NULL, 0);
    }
    eb_option(p.b, EB_EXTENDED_SHNUM | EB_EXTENDED_SHSTRNDX);
    file = eb_payload_finish(&p, size);
    for (n = 1; n < count; n++) {
        eb_set_section(file, first + n, EB_SH_NAME, eb_get_section(file, first, EB_SH_NAME));
    }
    return file;
}

/* Relocation sections of one entry each, all for .text. */
static uint8_t *many_tables(size_t budget, size_t *size)
{
    static const uint8_t none[24] = {0};
    struct eb_payload p = start();
    const uint32_t count = (uint32_t)((budget - FIXED) / (HEADER + sizeof(none)));
    uint32_t section;
    uint32_t symtab;
    uint32_t first = 0;
    uint32_t n;
    uint8_t *file;

    eb_payload_function(&p, "fn_002", FUZZ_FUNCTION_SIZE);
    for (n = 0; n < count; n++) {
        section = eb_section(p.b, "", HP_SHT_RELA, 0, 8, none, sizeof(none));
        eb_section_entsize(p.b, section, sizeof(none));
        eb_section_link(p.b, section, 0, p.text);
        first = n == 0 ? section : first;
    }
    eb_option(p.b, EB_EXTENDED_SHNUM | EB_EXTENDED_SHSTRNDX);
    file = eb_payload_finish(&p, size);
    symtab = eb_find(file, ".symtab");
    for (n = 0; n < count; n++) {
        eb_set_section(file, first + n, EB_SH_LINK, symtab);
    }
    return file;
}

/* Relocation sections that share one table, so that the work is a multiple of the file. */
static uint8_t *overlapping_tables(size_t budget, size_t *size)
{
    struct eb_payload p = start();
    const size_t table = budget / 2 / 24 * 24;
    const uint32_t count = (uint32_t)((budget / 2 - FIXED) / HEADER);
    const uint32_t text = p.text;
    uint32_t symtab;
    uint32_t first;
    uint32_t n;
    uint8_t *file;

    eb_payload_function(&p, "fn_002", FUZZ_FUNCTION_SIZE);
    first = eb_section(p.b, "", HP_SHT_RELA, 0, 8, NULL, table);
    for (n = 1; n < count; n++) {
        eb_section(p.b, "", HP_SHT_RELA, 0, 8, NULL, 0);
    }
    eb_option(p.b, EB_EXTENDED_SHNUM | EB_EXTENDED_SHSTRNDX);
    file = eb_payload_finish(&p, size);
    symtab = eb_find(file, ".symtab");
    for (n = 0; n < count; n++) {
        eb_set_section(file, first + n, EB_SH_LINK, symtab);
        eb_set_section(file, first + n, EB_SH_INFO, text);
        eb_set_section(file, first + n, EB_SH_ENTSIZE, 24);
        eb_set_section(file, first + n, EB_SH_OFFSET, eb_get_section(file, first, EB_SH_OFFSET));
        eb_set_section(file, first + n, EB_SH_SIZE, table);
    }
    return file;
}

/* Weak undefined symbols that share the longest name. */
static uint8_t *shared_undefined(size_t budget, size_t *size)
{
    struct eb_payload p = start();
    const uint32_t count = (uint32_t)((budget - FIXED) / 24);
    char name[LONG_NAME + 1];
    uint32_t first;
    uint32_t n;
    uint8_t *file;

    eb_option(p.b, EB_KEEP_ORDER);
    eb_payload_function(&p, "fn_002", FUZZ_FUNCTION_SIZE);
    memset(name, 'n', LONG_NAME);
    name[LONG_NAME] = '\0';
    first = eb_symbol(p.b, name, HP_STB_WEAK, HP_STT_NOTYPE, EB_UNDEF, 0, 0);
    for (n = 1; n < count; n++) {
        eb_symbol(p.b, "", HP_STB_WEAK, HP_STT_NOTYPE, EB_UNDEF, 0, 0);
    }
    file = eb_payload_finish(&p, size);
    for (n = 1; n < count; n++) {
        eb_set_symbol(file, first + n, EB_ST_NAME, eb_get_symbol(file, first, EB_ST_NAME));
    }
    return file;
}

/*
 * The nth of many names of `length` bytes, 15 or more, with one hash; false when there is no nth.
 *
 * The hash function of symtab.c runs backwards: whatever stands in front, some last eight bytes
 * lead from there to the wanted state. Its constants stand here again; check_collision() notices
 * when they are no longer those.
 */
enum { COLLIDING_HASH = 0x12345678, COUNTER = 8, TAIL = 8 };

static bool colliding_name(uint32_t n, char *name, size_t length)
{
    const uint64_t multiplier = UINT64_C(0x9e3779b97f4a7c15);
    uint64_t inverse = multiplier;
    uint64_t state = UINT64_C(0x51ed270b9a3c4d67) ^ length;
    uint64_t word;
    uint64_t high;
    size_t at;
    int i;

    memset(name, 'n', length);
    snprintf(name + length - TAIL + 1 - COUNTER, COUNTER + 1, "%08x", n);
    for (at = 0; length - at >= sizeof(word); at += sizeof(word)) {
        memcpy(&word, name + at, sizeof(word));
        state = (state ^ word) * multiplier;
        state ^= state >> 29;
    }
    for (i = 0; i < 6; i++) { /* Newton: the inverse modulo 2^64 */
        inverse *= 2 - multiplier * inverse;
    }
    for (high = 0; high < 1 << 14; high++) {
        word = (high << 32) | (COLLIDING_HASH ^ high);
        word ^= (word >> 29) ^ (word >> 58);
        word = (word * inverse) ^ state;
        /* The last eight bytes overlap the counter by one. */
        if ((char)(word & 0xff) == name[length - TAIL]) {
            memcpy(name + length - TAIL, &word, sizeof(word));
            name[length] = '\0';
            if (strlen(name) == length) {
                return true;
            }
        }
    }
    return false;
}

/* Ends the program unless the name's hash is the wanted one. */
static void check_collision(const char *name)
{
    struct hp_symtab_entry entry = {.length = (uint32_t)strlen(name)};
    struct hp_symtab_slot slot;
    uint32_t buckets[2];
    struct hp_symtab table = {.names = name,
                              .entries = &entry,
                              .count = 1,
                              .slots = &slot,
                              .buckets = buckets,
                              .bucket_count = 1};

    hp_symtab_build(&table);
    CHECK(entry.hash == COLLIDING_HASH);
}

/* New symbols that share some long names of one hash, which differ only near their end. */
static uint8_t *shared_exports(size_t budget, size_t *size)
{
    struct eb_payload p = start();
    const uint32_t count = (uint32_t)((budget - 2 * FIXED - SHARED * LONG_NAME) / 24);
    char name[LONG_NAME + 1];
    uint32_t found = 0;
    uint32_t first = 0;
    uint32_t n;
    uint8_t *file;

    eb_option(p.b, EB_KEEP_ORDER);
    eb_payload_function(&p, "fn_002", FUZZ_FUNCTION_SIZE);
    for (n = 0; found < SHARED; n++) {
        if (colliding_name(n, name, LONG_NAME)) {
            const uint32_t symbol = eb_symbol(p.b, name, HP_STB_GLOBAL, HP_STT_FUNC, p.text, 1, 0);

            check_collision(name);
            first = found == 0 ? symbol : first;
            found++;
        }
    }
    for (n = SHARED; n < count; n++) {
        eb_symbol(p.b, "", HP_STB_GLOBAL, HP_STT_FUNC, p.text, 1, 0);
    }
    file = eb_payload_finish(&p, size);
    for (n = SHARED; n < count; n++) {
        eb_set_symbol(file, first + n, EB_ST_NAME,
                      eb_get_symbol(file, first + n * UINT32_C(7919) % SHARED, EB_ST_NAME));
    }
    return file;
}

/* New symbols with different names of one hash. */
static uint8_t *colliding_exports(size_t budget, size_t *size)
{
    struct eb_payload p = start();
    const uint32_t count = (uint32_t)((budget - FIXED) / (24 + SHORT_NAME + 1));
    char name[SHORT_NAME + 1];
    uint32_t found = 0;
    uint32_t n;

    eb_payload_function(&p, "fn_002", FUZZ_FUNCTION_SIZE);
    for (n = 0; found < count; n++) {
        /* in no order: what is sorted already costs nothing */
        if (colliding_name(n * UINT32_C(2654435761), name, SHORT_NAME)) {
            check_collision(name);
            eb_symbol(p.b, name, HP_STB_GLOBAL, HP_STT_FUNC, p.text, 1, 0);
            found++;
        }
    }
    return eb_payload_finish(&p, size);
}

/* Adds .livepatch.funcs with NOPs of one byte, scattered over the target's text. */
static uint32_t scattered_records(struct eb_payload *p, uint32_t count, bool by_address)
{
    const uint32_t funcs = eb_section(p->b, ".livepatch.funcs", HP_SHT_PROGBITS,
                                      HP_SHF_ALLOC | HP_SHF_WRITE, 8, NULL, 0);
    uint32_t n;

    for (n = 0; n < count; n++) {
        struct hp_payload_func record = {.new_size = 1, .old_size = 1, .version = 2};

        /* Past landing pads; some meet, which shows only when all are sorted. */
        if (by_address) {
            const uint32_t k = n * UINT32_C(7919) % 4096;

            record.old_addr = (const void *)(uintptr_t)(FUZZ_TEXT_START +
                                                        k / 48 * FUZZ_FUNCTION_SIZE + 8 + k % 48);
        }
        eb_append(p->b, funcs, 1, &record, sizeof(record));
    }
    return funcs;
}

static uint8_t *many_records(size_t budget, size_t *size)
{
    struct eb_payload p = start();

    scattered_records(&p, (uint32_t)((budget - FIXED) / sizeof(struct hp_payload_func)), true);
    return eb_payload_finish(&p, size);
}

/* Records that share the longest name, whose offset has hundreds of digits. */
static uint8_t *named_records(size_t budget, size_t *size)
{
    struct eb_payload p = start();
    const uint32_t count = (uint32_t)((budget - FIXED) / (sizeof(struct hp_payload_func) + 24));
    const uint32_t funcs = scattered_records(&p, count, false);
    char name[LONG_NAME + 1];
    uint32_t n;
    uint64_t at;

    memset(name, '0', LONG_NAME);
    memcpy(name, "fn_002+", 7);
    name[LONG_NAME] = '\0';
    at = eb_append(p.b, p.strings, 1, name, sizeof(name));
    for (n = 0; n < count; n++) {
        eb_rela(p.b, funcs, n * sizeof(struct hp_payload_func), R_64, p.strings_sym, (int64_t)at);
    }
    return eb_payload_finish(&p, size);
}

/* Load hooks all over many small text sections, their addresses known beforehand. */
static uint8_t *many_hooks(size_t budget, size_t *size)
{
    struct eb_payload p = start();
    const uint32_t sections = (uint32_t)(budget / 8 / (HEADER + 16));
    const uint32_t count = (uint32_t)((budget - FIXED - sections * (HEADER + 16)) / 8);
    uint32_t hooks;
    uint32_t n;

    p.text_only = true;
    eb_payload_function(&p, "hook", FUZZ_FUNCTION_SIZE);
    for (n = 0; n < sections; n++) {
        eb_section(p.b, "", HP_SHT_PROGBITS, HP_SHF_ALLOC | HP_SHF_EXECINSTR, 1, NULL, 16);
    }
    hooks = eb_section(p.b, ".livepatch.hooks.load", HP_SHT_PROGBITS, HP_SHF_ALLOC, 8, NULL, 0);
    for (n = 0; n < count; n++) {
        const uint64_t hook = FUZZ_IMAGE_START + n * UINT64_C(7919) % (sections * 16);

        eb_append(p.b, hooks, 1, &hook, sizeof(hook));
    }
    return eb_payload_finish(&p, size);
}

static uint8_t *many_relocs(size_t budget, size_t *size)
{
    struct eb_payload p = start();
    const uint32_t count = (uint32_t)((budget - FIXED) / 24);
    uint32_t symbol;
    uint32_t n;

    symbol = eb_payload_function(&p, "fn_002", FUZZ_FUNCTION_SIZE);
    for (n = 0; n < count; n++) {
        eb_rela(p.b, p.text, n % 8, R_PC32, symbol, 0);
    }
    return eb_payload_finish(&p, size);
}

/* A GOT slot for each of many symbols. */
static uint8_t *many_slots(size_t budget, size_t *size)
{
    struct eb_payload p = start();
    const uint32_t count = (uint32_t)((budget - FIXED) / (24 + 24 + 8));
    char name[16];
    uint32_t n;

    eb_payload_function(&p, "fn_002", FUZZ_FUNCTION_SIZE);
    for (n = 0; n < count; n++) {
        snprintf(name, sizeof(name), "%x", n);
        eb_rela(p.b, p.text, n % 8, R_GOTPCREL,
                eb_symbol(p.b, name, HP_STB_WEAK, HP_STT_NOTYPE, EB_UNDEF, 0, 0), -4);
    }
    return eb_payload_finish(&p, size);
}

/* Sections that share one range of the file, together as large as an image may be. */
static uint8_t *overlapping_sections(size_t budget, size_t *size)
{
    struct eb_payload p = start();
    const size_t bytes = budget - 2 * (size_t)FIXED;
    const uint32_t count = (uint32_t)(((8u << 20) - 5u * FUZZ_PAGE) / bytes);
    uint32_t first;
    uint32_t n;
    uint8_t *file;

    eb_payload_function(&p, "fn_002", FUZZ_FUNCTION_SIZE);
    first = eb_section(p.b, ".rodata", HP_SHT_PROGBITS, HP_SHF_ALLOC, 1, NULL, bytes);
    for (n = 1; n < count; n++) {
        eb_section(p.b, ".rodata", HP_SHT_PROGBITS, HP_SHF_ALLOC, 1, NULL, 0);
    }
    file = eb_payload_finish(&p, size);
    for (n = 1; n < count; n++) {
        eb_set_section(file, first + n, EB_SH_OFFSET, eb_get_section(file, first, EB_SH_OFFSET));
        eb_set_section(file, first + n, EB_SH_SIZE, bytes);
    }
    return file;
}

/* A small file whose image is of the largest size, by alignment alone. */
static uint8_t *huge_alignment(size_t budget, size_t *size)
{
    struct eb_payload p = start();

    eb_payload_function(&p, "fn_002", FUZZ_FUNCTION_SIZE);
    eb_section(p.b, ".data", HP_SHT_PROGBITS, HP_SHF_ALLOC | HP_SHF_WRITE, budget * 2, NULL, 8);
    return eb_payload_finish(&p, size);
}

static uint8_t *large_modinfo(size_t budget, size_t *size)
{
    struct eb_payload p = start();

    eb_payload_function(&p, "fn_002", FUZZ_FUNCTION_SIZE);
    eb_section(p.b, ".modinfo", HP_SHT_PROGBITS, HP_SHF_ALLOC, 1, NULL, budget - FIXED);
    return eb_payload_finish(&p, size);
}

static const struct slow cases[] = {
    {"sections with nearly a special name", many_sections, HP_OK},
    {"relocation sections of one entry", many_tables, HP_OK},
    {"relocation sections that share a table", overlapping_tables, HP_RELOC_TABLES_SIZE},
    {"undefined symbols that share a long name", shared_undefined, HP_OK},
    {"new symbols that share long names", shared_exports, HP_SYMBOL_DUPLICATE},
    {"new symbols whose names have one hash", colliding_exports, HP_OK},
    {"records in no order", many_records, HP_PATCH_OVERLAP},
    {"records that share a long name", named_records, HP_PATCH_OVERLAP},
    {"hooks over many text sections", many_hooks, HP_OK},
    {"relocations", many_relocs, HP_OK},
    {"GOT slots", many_slots, HP_OK},
    {"sections that overlap in the file", overlapping_sections, HP_OK},
    {"alignment as large as the image may be", huge_alignment, HP_OK},
    {"metadata of empty strings", large_modinfo, HP_OK},
};

/* Processor time: other programs of the computer do not count. */
static double now_ms(void)
{
    return (double)clock() * 1e3 / CLOCKS_PER_SEC;
}

/* The shortest of some rounds; all must end as they should. */
static double time_case(struct hp_port *port, const struct slow *slow, size_t budget, size_t *size)
{
    uint8_t *file = slow->make(budget, size);
    double best = 0;
    int n;

    CHECK(*size <= FILE_MAX);
    for (n = 0; n < ROUNDS; n++) {
        const double begin = now_ms();
        struct hp_diag diag;
        enum hp_status status;
        double took;

        hp_diag_init(&diag);
        status = hp_validate(port, file, *size, NULL, NULL, &diag);
        took = now_ms() - begin;
        if (status != slow->status) {
            char line[512];

            hp_diag_format(&diag, line, sizeof(line));
            fprintf(stderr, "%s: %s\n", slow->name, line);
            exit(EXIT_FAILURE);
        }
        if (n == 0 || took < best) {
            best = took;
        }
    }
    free(file);
    return best;
}

int main(int argc, char **argv)
{
    const double limit = argc > 1 ? strtod(argv[1], NULL) : 200;
    struct hp_port *port = fuzz_port_new(FUZZ_TARGET_RUNNING);
    int failed = 0;
    size_t n;

    fuzz_port_enlarge(port, 10000);
    printf("%-42s %9s %9s %7s\n", "file", "bytes", "ms", "slope");
    for (n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
        size_t size;
        const double quarter = time_case(port, &cases[n], FILE_MAX / 4, &size);
        const double full = time_case(port, &cases[n], FILE_MAX, &size);
        const double slope = quarter > 0 ? full / quarter : 0;
        const bool slow = full > limit;

        printf("%-42s %9zu %9.2f %7.2f%s\n", cases[n].name, size, full, slope,
               slow ? "  TOO SLOW" : "");
        failed += slow ? 1 : 0;
    }
    fuzz_port_free(port);
    printf("%d passed, %d failed\n", (int)n - failed, failed);
    return failed > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
