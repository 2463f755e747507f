/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the library makes of relocations, jumps, second trampolines and NOPs, one case a line, for
 * compare.py, which compares it with what GNU ld makes and objdump reads.
 *
 *     relocate MACHINE types                prints "NUMBER NAME WIDTH" for each supported type
 *     relocate MACHINE rel|rela <cases      PLACE BYTES GOT COUNT {OFFSET TYPE SYMBOL ADDEND}...
 *     relocate MACHINE jumps <cases         FROM TO PAD
 *     relocate MACHINE islands <cases       TO
 *     relocate MACHINE nops                 all sizes up to the longest record
 *
 * MACHINE is an ELF machine number. Of a relocation case, PLACE is the address of BYTES, SYMBOL is
 * "aVALUE", absolute, "lOFFSET", a label in BYTES, or "n0", none. With GOT "-" the case is a
 * payload that is loaded; with "ADDRESS:SLOT" it is the relocation loop alone that runs, with the
 * GOT at that address and all symbols in that slot of it, which a payload cannot choose freely.
 * Answers: STATUS BYTES, then address and bytes of the veneer where one was made. All numbers but
 * counts and types are hexadecimal.
 */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L /* strtok_r */
#endif

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arch/arch.h"
#include "reloc/job.h"
#include "test_port.h"

#define BYTES_MAX   80u
#define ENTRIES_MAX 4u
#define SECTION     TP_PAGE /* offset in the image of the section with the case */

struct entry {
    uint32_t offset;
    uint32_t type;
    char kind; /* of the symbol: 'a', 'l' or 'n' */
    uint64_t symbol;
    int64_t addend;
};

struct reloc_case {
    uint64_t place;
    uint8_t bytes[BYTES_MAX];
    uint32_t size;
    bool has_got;
    uint64_t got;
    uint32_t slot;
    uint32_t count;
    struct entry entries[ENTRIES_MAX];
};

static void print_bytes(const uint8_t *bytes, size_t size)
{
    size_t n;

    for (n = 0; n < size; n++) {
        printf("%02x", bytes[n]);
    }
}

static void die(const char *why)
{
    fprintf(stderr, "relocate: %s\n", why);
    exit(2);
}

/* ---- input ------------------------------------------------------------------------------------
 */

static bool next_word(char **rest, char **word)
{
    *word = strtok_r(NULL, " \n", rest);
    return *word != NULL;
}

static uint64_t next_number(char **rest, int base)
{
    char *word;
    char *end;
    uint64_t value;

    if (!next_word(rest, &word)) {
        die("a number is missing");
    }
    value = strtoull(word, &end, base);
    if (*end != '\0') {
        die("not a number");
    }
    return value;
}

static void parse_bytes(struct reloc_case *c, const char *text)
{
    size_t length = strlen(text);

    if (length % 2 != 0 || length / 2 > BYTES_MAX) {
        die("bad bytes");
    }
    for (c->size = 0; c->size < length / 2; c->size++) {
        const char digits[3] = {text[2 * (size_t)c->size], text[2 * (size_t)c->size + 1], '\0'};

        c->bytes[c->size] = (uint8_t)strtoul(digits, NULL, 16);
    }
}

static void parse_case(struct reloc_case *c, char *line)
{
    char *rest = NULL;
    char *word = strtok_r(line, " \n", &rest);
    uint32_t n;

    c->place = word != NULL ? strtoull(word, NULL, 16) : 0;
    if (!next_word(&rest, &word)) {
        die("bytes are missing");
    }
    parse_bytes(c, word);
    if (!next_word(&rest, &word)) {
        die("the GOT is missing");
    }
    c->has_got = strcmp(word, "-") != 0;
    c->got = 0;
    c->slot = 0;
    if (c->has_got) {
        char *end;

        c->got = strtoull(word, &end, 16);
        c->slot = *end == ':' ? (uint32_t)strtoul(end + 1, NULL, 16) : 0;
    }
    c->count = (uint32_t)next_number(&rest, 10);
    if (c->count > ENTRIES_MAX) {
        die("too many entries");
    }
    for (n = 0; n < c->count; n++) {
        struct entry *entry = &c->entries[n];

        entry->offset = (uint32_t)next_number(&rest, 16);
        entry->type = (uint32_t)next_number(&rest, 10);
        if (!next_word(&rest, &word) || strchr("aln", *word) == NULL) {
            die("a symbol is missing");
        }
        entry->kind = *word;
        entry->symbol = strtoull(word + 1, NULL, 16);
        entry->addend = (int64_t)next_number(&rest, 16);
    }
}

/* ---- the whole loader -------------------------------------------------------------------------
 */

/* A target far from everything, so that nothing keeps the payload from its place. */
static struct hp_port *make_port(const struct hp_arch *arch)
{
    struct hp_port *port = tp_new();

    port->target.machine = arch->machine;
    port->target.text_start = TP_PAGE;
    port->target.text_end = TP_PAGE;
    return port;
}

static struct eb_payload make_payload(const struct hp_arch *arch, const struct reloc_case *c,
                                      bool is_rela)
{
    struct eb_payload p = eb_payload_new(arch->word == 8, arch->machine, NULL);
    uint32_t at = (uint32_t)(c->place % TP_PAGE);
    uint32_t section;
    uint32_t symbol;
    uint32_t n;

    /* Something that makes it a payload, without a relocation of its own. */
    symbol = eb_symbol(p.b, "hook", HP_STB_LOCAL, HP_STT_FUNC, p.text,
                       eb_append(p.b, p.text, 4, NULL, 4), 4);
    eb_payload_hook(&p, HP_SPECIAL_HOOKS_LOAD, symbol);
    section = eb_section(p.b, ".text.case", HP_SHT_PROGBITS, HP_SHF_ALLOC | HP_SHF_EXECINSTR,
                         SECTION, NULL, at + (size_t)c->size);
    memcpy(eb_bytes(p.b, section) + at, c->bytes, c->size);
    for (n = 0; n < c->count; n++) {
        const struct entry *entry = &c->entries[n];

        if (entry->kind == 'n') {
            symbol = 0;
        } else {
            symbol = eb_symbol(p.b, "sym", HP_STB_LOCAL, HP_STT_NOTYPE,
                               entry->kind == 'a' ? EB_ABS : section,
                               entry->kind == 'a' ? entry->symbol : at + entry->symbol, 0);
        }
        if (is_rela) {
            eb_rela(p.b, section, at + entry->offset, entry->type, symbol, entry->addend);
        } else {
            eb_rel(p.b, section, at + entry->offset, entry->type, symbol);
        }
    }
    return p;
}

static void print_veneers(const struct hp_payload *payload)
{
    const struct hp_image *image = &payload->image;

    if (image->veneer_count > 0) {
        printf(" %" PRIx64 " ", image->memory.addr + image->veneer_offset);
        print_bytes(image->memory.host + image->veneer_offset, image->veneer_size);
    }
}

static void run_load(struct hp_port *port, const struct hp_arch *arch, const struct reloc_case *c,
                     bool is_rela)
{
    uint32_t at = (uint32_t)(c->place % TP_PAGE);
    struct eb_payload p = make_payload(arch, c, is_rela);
    struct hp_payload payload;
    struct hp_diag diag;
    enum hp_status status;

    port->image_addr = c->place - at - SECTION;
    status = tp_load(port, &p, NULL, &payload, &diag);
    printf("%s ", hp_status_name(status));
    if (status) {
        print_bytes(c->bytes, c->size);
    } else {
        const uint8_t *bytes = payload.image.memory.host + SECTION + at;

        if (payload.image.memory.addr + SECTION + at != c->place) {
            die("the payload is not where it should be");
        }
        print_bytes(bytes, c->size);
        print_veneers(&payload);
        hp_payload_unload(&payload);
    }
    putchar('\n');
}

/* ---- the relocation loop alone ----------------------------------------------------------------
 */

static void run_loop(const struct hp_arch *arch, const struct reloc_case *c, bool is_rela)
{
    uint64_t values[ENTRIES_MAX + 1] = {0};
    uint8_t states[ENTRIES_MAX + 1] = {HP_VALUE_NONE};
    uint32_t gots[ENTRIES_MAX + 1] = {HP_NO_INDEX};
    uint32_t pairs[ENTRIES_MAX];
    uint8_t entries[ENTRIES_MAX * HP_RELA64_SIZE];
    uint8_t bytes[BYTES_MAX];
    struct hp_reloc_job job = {.arch = arch,
                               .profile = &hp_profile_default,
                               .symbol_count = ENTRIES_MAX + 1,
                               .entries = entries,
                               .count = c->count,
                               .is64 = arch->word == 8,
                               .is_rela = is_rela,
                               .host = bytes,
                               .addr = c->place,
                               .size = c->size,
                               .got = c->got,
                               .pairs = pairs,
                               .symbols = {values, states, gots}};
    struct hp_diag diag;
    enum hp_status status;
    uint32_t n;

    job.stride = arch->word * (is_rela ? 3u : 2u);
    memcpy(bytes, c->bytes, c->size);
    for (n = 0; n < c->count; n++) {
        const struct entry *entry = &c->entries[n];
        uint8_t *p = entries + (size_t)n * job.stride;

        values[n + 1] = entry->kind == 'l' ? c->place + entry->symbol : entry->symbol;
        gots[n + 1] = entry->kind == 'l' ? HP_NO_INDEX : c->slot;
        states[n + 1] = HP_VALUE_KNOWN;
        if (arch->word == 8) {
            hp_put_le64(p, entry->offset);
            hp_put_le64(p + 8, (uint64_t)(n + 1) << 32 | entry->type);
            hp_put_le64(p + 16, (uint64_t)entry->addend);
        } else {
            hp_put_le32(p, entry->offset);
            hp_put_le32(p + 4, (n + 1) << 8 | entry->type);
            if (is_rela) {
                hp_put_le32(p + 8, (uint32_t)entry->addend);
            }
        }
    }
    hp_diag_init(&diag);
    status = arch->relocate(&job, &diag);
    printf("%s ", hp_status_name(status));
    print_bytes(status ? c->bytes : bytes, c->size);
    putchar('\n');
}

static void run_relocations(const struct hp_arch *arch, bool is_rela)
{
    struct hp_port *port = make_port(arch);
    char line[512];

    while (fgets(line, sizeof(line), stdin) != NULL) {
        struct reloc_case c;

        parse_case(&c, line);
        if (c.has_got) {
            run_loop(arch, &c, is_rela);
        } else {
            run_load(port, arch, &c, is_rela);
        }
    }
    tp_free(port);
}

/* ---- types, jumps, second trampolines, NOPs
 * -----------------------------------------------------------------------
 */

static void print_types(const struct hp_arch *arch)
{
    uint32_t type;

    for (type = 0; type < arch->howto_count; type++) {
        if ((arch->howtos[type].flags & HP_HOWTO_KNOWN) != 0) {
            printf("%u %s %u\n", (unsigned)type, hp_reloc_type_name(arch->machine, type),
                   (unsigned)arch->howtos[type].width);
        }
    }
}

static void run_jumps(const struct hp_arch *arch)
{
    char line[512];

    while (fgets(line, sizeof(line), stdin) != NULL) {
        char *rest = NULL;
        const char *word = strtok_r(line, " \n", &rest);
        uint64_t from = word != NULL ? strtoull(word, NULL, 16) : 0;
        uint64_t to = next_number(&rest, 16);
        bool pad = next_number(&rest, 10) != 0;
        uint8_t out[HP_JUMP_MAX];
        uint64_t distance;
        size_t size = arch->encode_jump(out, from, to, pad, &distance);

        printf("%" PRIx64 " ", distance);
        print_bytes(out, size);
        putchar('\n');
    }
}

static void run_islands(const struct hp_arch *arch)
{
    char line[512];

    while (fgets(line, sizeof(line), stdin) != NULL) {
        uint8_t out[HP_ISLAND_MAX];

        arch->encode_island(out, strtoull(line, NULL, 16));
        print_bytes(out, arch->island_size);
        putchar('\n');
    }
}

static void print_nops(const struct hp_arch *arch)
{
    uint8_t out[HP_WRITE_MAX];
    size_t size;

    for (size = arch->insn_min; size <= HP_WRITE_MAX; size += arch->insn_min) {
        arch->fill_nops(out, size);
        print_bytes(out, size);
        putchar('\n');
    }
}

int main(int argc, char **argv)
{
    const struct hp_arch *arch;

    if (argc != 3) {
        die("usage: relocate MACHINE types|rel|rela|jumps|islands|nops");
    }
    arch = hp_arch_find((uint16_t)strtoul(argv[1], NULL, 10));
    if (arch == NULL) {
        die("no such machine");
    }
    if (strcmp(argv[2], "types") == 0) {
        print_types(arch);
    } else if (strcmp(argv[2], "jumps") == 0) {
        run_jumps(arch);
    } else if (strcmp(argv[2], "islands") == 0) {
        run_islands(arch);
    } else if (strcmp(argv[2], "nops") == 0) {
        print_nops(arch);
    } else {
        run_relocations(arch, strcmp(argv[2], "rela") == 0);
    }
    return 0;
}
