/* SPDX-License-Identifier: BSD-2-Clause */
/* The ELF view: what it accepts, what it refuses and with which status, and its getters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <hotpatch/elf.h>

#include "support/elf_builder.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ALLOC        HP_SHF_ALLOC
#define ABSENT       HP_NO_INDEX

/* Opens a file and checks what holds of every result. */
static enum hp_status open_as(const uint8_t *file, size_t size, const struct hp_profile *profile,
                              struct hp_elf *elf, struct hp_diag *diag)
{
    static const struct hp_elf zero;
    struct hp_elf again;
    enum hp_status st;

    memset(elf, 0xa5, sizeof(*elf));
    hp_diag_init(diag);
    st = hp_elf_open(elf, file, size, profile, diag);
    assert_int_equal(diag->status, st);
    assert_int_equal(diag->stage, st ? HP_STAGE_ELF : HP_STAGE_NONE);
    if (st) {
        assert_memory_equal(elf, &zero, sizeof(zero));
    }
    assert_int_equal(hp_elf_open(&again, file, size, profile, NULL), st);
    return st;
}

static enum hp_status open_it(const uint8_t *file, size_t size, struct hp_elf *elf,
                              struct hp_diag *diag)
{
    return open_as(file, size, NULL, elf, diag);
}

/* Opens, frees the file, and compares status and named section (NULL: none named). */
static void expect_file(uint8_t *file, size_t size, enum hp_status status, const char *section)
{
    struct hp_elf elf;
    struct hp_diag diag;

    assert_int_equal(open_it(file, size, &elf, &diag), status);
    assert_string_equal(diag.section_name, section != NULL ? section : "");
    free(file);
}

static void expect_payload(struct eb_payload *p, enum hp_status status, const char *section)
{
    size_t size;
    uint8_t *file = eb_payload_finish(p, &size);

    expect_file(file, size, status, section);
}

static struct eb_payload minimal(bool is64)
{
    struct eb_payload p = eb_payload_new(is64, HP_EM_X86_64, NULL);

    eb_payload_function(&p, "target_function", 64);
    return p;
}

static void test_opens_a_payload(void **state)
{
    static const uint16_t machines[] = {HP_EM_X86_64, HP_EM_AARCH64, HP_EM_ARM, HP_EM_RISCV, 3};
    size_t i;
    int is64;

    (void)state;
    for (is64 = 0; is64 < 2; is64++) {
        for (i = 0; i < COUNT(machines); i++) {
            struct hp_elf elf;
            struct hp_diag diag;
            struct hp_section section;
            size_t size;
            uint8_t *file = eb_minimal(is64, machines[i], &size);

            eb_set_header(file, EB_EH_FLAGS, 0x5000400);
            assert_int_equal(open_it(file, size, &elf, &diag), HP_OK);
            assert_true(elf.file.data == file && elf.file.size == size);
            assert_int_equal(elf.is64, is64);
            assert_int_equal(elf.machine, machines[i]);
            assert_int_equal(elf.flags, 0x5000400);
            assert_int_equal(elf.shnum, eb_section_count(file));
            assert_int_equal(elf.shstrndx, eb_find(file, ".shstrtab"));
            assert_int_equal(elf.symtab, eb_find(file, ".symtab"));
            assert_int_equal(elf.symbol_count, 3);
            assert_int_equal(elf.special[HP_SPECIAL_FUNCS], eb_find(file, ".livepatch.funcs"));
            assert_int_equal(elf.special[HP_SPECIAL_BUILD_ID], eb_find(file, ".note.gnu.build-id"));
            assert_int_equal(elf.special[HP_SPECIAL_SPLICES], 0);
            assert_int_equal(hp_elf_section(&elf, eb_find(file, ".text"), &section), HP_OK);
            assert_string_equal(section.name, ".text");
            assert_int_equal(section.flags, HP_SHF_ALLOC | HP_SHF_EXECINSTR);
            assert_true(section.size == 16 && section.align == 16);
            assert_true(hp_elf_contents(&elf, &section).data == file + section.offset);
            assert_int_equal(hp_elf_contents(&elf, &section).size, 16);
            free(file);
        }
    }
}

static void test_header_fields(void **state)
{
    static const struct {
        enum eb_header_field field;
        uint64_t value;
        enum hp_status status;
        enum hp_errno err;
    } rows[] = {
        {EB_EH_DATA, 2, HP_ELF_BYTE_ORDER, HP_ERRNO_EOPNOTSUPP}, /* big-endian */
        {EB_EH_DATA, 0, HP_ELF_BYTE_ORDER, HP_ERRNO_EOPNOTSUPP},
        {EB_EH_CLASS, 0, HP_ELF_CLASS, HP_ERRNO_EOPNOTSUPP},
        {EB_EH_CLASS, 3, HP_ELF_CLASS, HP_ERRNO_EOPNOTSUPP},
        {EB_EH_IDENT_VERSION, 0, HP_ELF_VERSION, HP_ERRNO_EOPNOTSUPP},
        {EB_EH_IDENT_VERSION, 2, HP_ELF_VERSION, HP_ERRNO_EOPNOTSUPP},
        {EB_EH_VERSION, 0, HP_ELF_VERSION, HP_ERRNO_EOPNOTSUPP},
        {EB_EH_VERSION, 0x100, HP_ELF_VERSION, HP_ERRNO_EOPNOTSUPP},
        {EB_EH_OSABI, 0, HP_OK, HP_ERRNO_OK},
        {EB_EH_OSABI, 9, HP_OK, HP_ERRNO_OK},
        {EB_EH_OSABI, 3, HP_ELF_OSABI, HP_ERRNO_EOPNOTSUPP},
        {EB_EH_OSABI, 255, HP_ELF_OSABI, HP_ERRNO_EOPNOTSUPP},
        {EB_EH_ABIVERSION, 1, HP_ELF_ABI_VERSION, HP_ERRNO_EOPNOTSUPP},
        {EB_EH_TYPE, 0, HP_ELF_TYPE, HP_ERRNO_EOPNOTSUPP},
        {EB_EH_TYPE, 2, HP_ELF_TYPE, HP_ERRNO_EOPNOTSUPP},
        {EB_EH_TYPE, 3, HP_ELF_TYPE, HP_ERRNO_EOPNOTSUPP},
        {EB_EH_PHNUM, 1, HP_ELF_PHNUM, HP_ERRNO_EOPNOTSUPP},
        {EB_EH_PHNUM, 0xffff, HP_ELF_PHNUM, HP_ERRNO_EOPNOTSUPP},
        {EB_EH_SHENTSIZE, 0, HP_ELF_SHENTSIZE, HP_ERRNO_EINVAL},
        {EB_EH_SHENTSIZE, 39, HP_ELF_SHENTSIZE, HP_ERRNO_EINVAL},
        {EB_EH_SHNUM, 0, HP_ELF_NO_SECTIONS, HP_ERRNO_EINVAL},
        {EB_EH_SHOFF, 0, HP_ELF_NO_SECTIONS, HP_ERRNO_EINVAL},
        {EB_EH_SHSTRNDX, 0, HP_ELF_SHSTRNDX, HP_ERRNO_EINVAL},
        {EB_EH_SHSTRNDX, 1, HP_ELF_SHSTRNDX, HP_ERRNO_EINVAL}, /* .text: no string table */
        {EB_EH_SHSTRNDX, 0xff00, HP_ELF_SHSTRNDX, HP_ERRNO_EINVAL},
        {EB_EH_SHSTRNDX, 0xfffe, HP_ELF_SHSTRNDX, HP_ERRNO_EINVAL},
        {EB_EH_SHSTRNDX, 0xffff, HP_ELF_SHSTRNDX, HP_ERRNO_EINVAL}, /* section 0 has link 0 */
    };
    int is64;
    size_t i;

    (void)state;
    for (is64 = 0; is64 < 2; is64++) {
        for (i = 0; i < COUNT(rows); i++) {
            struct hp_elf elf;
            struct hp_diag diag;
            size_t size;
            uint8_t *file = eb_minimal(is64, HP_EM_X86_64, &size);

            eb_set_header(file, rows[i].field, rows[i].value);
            assert_int_equal(open_it(file, size, &elf, &diag), rows[i].status);
            assert_int_equal(hp_status_errno(rows[i].status), rows[i].err);
            free(file);
        }
    }
}

static void test_shstrndx_edges(void **state)
{
    size_t size;
    uint8_t *file = eb_minimal(true, HP_EM_X86_64, &size);
    const uint32_t count = eb_section_count(file);
    struct hp_elf elf;
    struct hp_diag diag;

    (void)state;
    eb_set_header(file, EB_EH_SHSTRNDX, count);
    assert_int_equal(open_it(file, size, &elf, &diag), HP_ELF_SHSTRNDX);
    assert_true(diag.has_numbers && diag.expected == count && diag.actual == count);
    eb_set_header(file, EB_EH_SHSTRNDX, 0xffff);
    eb_set_section(file, 0, EB_SH_LINK, count);
    assert_int_equal(open_it(file, size, &elf, &diag), HP_ELF_SHSTRNDX);
    eb_set_section(file, 0, EB_SH_LINK, UINT32_MAX);
    assert_int_equal(open_it(file, size, &elf, &diag), HP_ELF_SHSTRNDX);
    eb_set_section(file, 0, EB_SH_LINK, count - 1);
    assert_int_equal(open_it(file, size, &elf, &diag), HP_OK);
    assert_int_equal(elf.shstrndx, count - 1);
    free(file);
}

/* One field of one section wrong: status, and the section that is named (NULL: by index only). */
static const struct section_row {
    const char *section; /* "reloc": the relocation section */
    enum eb_section_field field;
    uint64_t value;
    enum hp_status status;
    const char *named;
} section_rows[] = {
    {".text", EB_SH_ALIGN, 0, HP_OK, NULL},
    {".text", EB_SH_ALIGN, 1, HP_OK, NULL},
    {".text", EB_SH_ALIGN, 0x80000000, HP_OK, NULL},
    {".text", EB_SH_ALIGN, 3, HP_SECTION_ALIGN, ".text"},
    {".text", EB_SH_ALIGN, 0xffffffff, HP_SECTION_ALIGN, ".text"},
    {".text", EB_SH_ALIGN, 0x80000001, HP_SECTION_ALIGN, ".text"},
    {".strtab", EB_SH_ALIGN, 12, HP_SECTION_ALIGN, ".strtab"},
    {".text", EB_SH_ADDR, 16, HP_OK, NULL},
    {".text", EB_SH_ADDR, 8, HP_SECTION_ADDRESS, ".text"},
    {".symtab", EB_SH_ADDR, 1, HP_SECTION_ADDRESS, ".symtab"},
    {"reloc", EB_SH_ADDR, 3, HP_SECTION_ADDRESS, "reloc"},
    {".strtab", EB_SH_ADDR, 3, HP_OK, NULL}, /* whose alignment is 1 */
    {".text", EB_SH_FLAGS, 7, HP_SECTION_WX, ".text"},
    {".text", EB_SH_FLAGS, 5, HP_OK, NULL}, /* not loaded */
    {".text", EB_SH_FLAGS, 0x802, HP_SECTION_COMPRESSED, ".text"},
    {".text", EB_SH_FLAGS, 0x800, HP_OK, NULL}, /* as debug sections may be */
    {".text", EB_SH_TYPE, 19, HP_RELOC_FORM, ".text"},
    {".text", EB_SH_TYPE, 0x40000014, HP_RELOC_FORM, ".text"},
    {".text", EB_SH_TYPE, HP_SHT_NOTE, HP_OK, NULL},
    {".text", EB_SH_NAME, 0, HP_OK, NULL},
    {".text", EB_SH_NAME, 0x10000, HP_SECTION_NAME, NULL},
    {".text", EB_SH_NAME, UINT32_MAX, HP_SECTION_NAME, NULL},
    {".text", EB_SH_OFFSET, UINT32_MAX, HP_SECTION_BOUNDS, NULL},
    {".text", EB_SH_SIZE, UINT32_MAX, HP_SECTION_BOUNDS, NULL},
    {".text", EB_SH_TYPE, HP_SHT_SYMTAB, HP_SYMTAB_DUPLICATE, ".symtab"},
    {".text", EB_SH_TYPE, HP_SHT_SYMTAB_SHNDX, HP_SECTION_ENTSIZE, ".text"},
    {".symtab", EB_SH_TYPE, HP_SHT_PROGBITS, HP_SYMTAB_MISSING, NULL},
    {".symtab", EB_SH_TYPE, HP_SHT_NULL, HP_SYMTAB_MISSING, NULL},
    {".symtab", EB_SH_SIZE, 0, HP_SYMTAB_MISSING, ".symtab"},
    {".symtab", EB_SH_SIZE, 47, HP_SECTION_ENTSIZE, ".symtab"},
    {".symtab", EB_SH_ENTSIZE, 0, HP_SECTION_ENTSIZE, ".symtab"},
    {".symtab", EB_SH_ENTSIZE, 8, HP_SECTION_ENTSIZE, ".symtab"},
    {".symtab", EB_SH_ENTSIZE, 48, HP_SECTION_ENTSIZE, ".symtab"},
    {".symtab", EB_SH_ENTSIZE, UINT32_MAX, HP_SECTION_ENTSIZE, ".symtab"},
    {".symtab", EB_SH_LINK, 0, HP_SECTION_LINK, ".symtab"},
    {".symtab", EB_SH_LINK, 1, HP_SECTION_LINK, ".symtab"}, /* .text */
    {".symtab", EB_SH_LINK, 0xffff, HP_SECTION_LINK, ".symtab"},
    {".symtab", EB_SH_LINK, UINT32_MAX, HP_SECTION_LINK, ".symtab"},
    {".strtab", EB_SH_TYPE, HP_SHT_PROGBITS, HP_SECTION_LINK, ".symtab"},
    {".strtab", EB_SH_TYPE, HP_SHT_NOBITS, HP_SECTION_LINK, ".symtab"},
    {".strtab", EB_SH_TYPE, HP_SHT_NULL, HP_SECTION_LINK, ".symtab"},
    {".strtab", EB_SH_SIZE, 0, HP_STRTAB_UNTERMINATED, ".strtab"},
    {".shstrtab", EB_SH_TYPE, HP_SHT_NULL, HP_ELF_SHSTRNDX, NULL},
    {".shstrtab", EB_SH_TYPE, HP_SHT_NOBITS, HP_ELF_SHSTRNDX, NULL},
    {".shstrtab", EB_SH_SIZE, 0, HP_STRTAB_UNTERMINATED, NULL},
    {"reloc", EB_SH_LINK, 0, HP_SECTION_LINK, "reloc"},
    {"reloc", EB_SH_LINK, 1, HP_SECTION_LINK, "reloc"},
    {"reloc", EB_SH_LINK, UINT32_MAX, HP_SECTION_LINK, "reloc"},
    {"reloc", EB_SH_INFO, 0, HP_SECTION_INFO, "reloc"},
    {"reloc", EB_SH_INFO, 0xffff, HP_SECTION_INFO, "reloc"},
    {"reloc", EB_SH_INFO, UINT32_MAX, HP_SECTION_INFO, "reloc"},
    {"reloc", EB_SH_ENTSIZE, 0, HP_SECTION_ENTSIZE, "reloc"},
    {"reloc", EB_SH_ENTSIZE, 4, HP_SECTION_ENTSIZE, "reloc"},
    {"reloc", EB_SH_ENTSIZE, 48, HP_SECTION_ENTSIZE, "reloc"},
    {"reloc", EB_SH_SIZE, 1, HP_SECTION_ENTSIZE, "reloc"},
    {"reloc", EB_SH_SIZE, 0, HP_OK, NULL},
    {".livepatch.funcs", EB_SH_TYPE, HP_SHT_NOBITS, HP_SPECIAL_NOT_LOADED, ".livepatch.funcs"},
    {".livepatch.funcs", EB_SH_FLAGS, 1, HP_SPECIAL_NOT_LOADED, ".livepatch.funcs"},
    {".livepatch.funcs", EB_SH_SIZE, 0, HP_SPECIAL_EMPTY, ".livepatch.funcs"},
    {".livepatch.depends", EB_SH_TYPE, HP_SHT_NULL, HP_SPECIAL_MISSING, ".livepatch.depends"},
    {".livepatch.depends", EB_SH_TYPE, HP_SHT_PROGBITS, HP_OK, NULL},
    {".note.gnu.build-id", EB_SH_TYPE, HP_SHT_NULL, HP_SPECIAL_MISSING, ".note.gnu.build-id"},
    {".note.gnu.build-id", EB_SH_FLAGS, 0, HP_SPECIAL_NOT_LOADED, ".note.gnu.build-id"},
    {".livepatch.xen_depends", EB_SH_TYPE, HP_SHT_NULL, HP_OK, NULL},
};

static void test_section_fields(void **state)
{
    int is64;
    size_t i;

    (void)state;
    for (is64 = 0; is64 < 2; is64++) {
        const char *reloc = is64 ? ".rela.livepatch.funcs" : ".rel.livepatch.funcs";

        for (i = 0; i < COUNT(section_rows); i++) {
            const struct section_row *row = &section_rows[i];
            const bool is_reloc = strcmp(row->section, "reloc") == 0;
            const char *named = is_reloc && row->named != NULL ? reloc : row->named;
            struct hp_elf elf;
            struct hp_diag diag;
            size_t size;
            uint8_t *file = eb_minimal(is64, HP_EM_X86_64, &size);
            const uint32_t index = eb_find(file, is_reloc ? reloc : row->section);

            assert_int_not_equal(index, 0);
            eb_set_section(file, index, row->field, row->value);
            if (open_it(file, size, &elf, &diag) != row->status) {
                print_error("row %zu, class %d\n", i, is64);
            }
            assert_int_equal(diag.status, row->status);
            assert_string_equal(diag.section_name, named != NULL ? named : "");
            if (named != NULL && row->status != HP_SPECIAL_MISSING) {
                assert_int_equal(diag.section, eb_find(file, named));
            }
            free(file);
        }
    }
}

/* Values that need 64 bits. */
static void test_section_fields_64(void **state)
{
    static const struct {
        enum eb_section_field field;
        uint64_t value;
        enum hp_status status;
    } rows[] = {
        {EB_SH_ALIGN, UINT64_C(1) << 63, HP_OK}, /* a power of two; the layout judges it */
        {EB_SH_ALIGN, (UINT64_C(1) << 63) + 1, HP_SECTION_ALIGN},
        {EB_SH_ADDR, UINT64_C(1) << 63, HP_OK},
        {EB_SH_ADDR, (UINT64_C(1) << 63) + 8, HP_SECTION_ADDRESS},
        {EB_SH_OFFSET, UINT64_MAX, HP_SECTION_BOUNDS},
        {EB_SH_OFFSET, UINT64_MAX - 15, HP_SECTION_BOUNDS}, /* ends at 0 when it wraps */
        {EB_SH_SIZE, UINT64_MAX, HP_SECTION_BOUNDS},
        {EB_SH_FLAGS, (UINT64_C(1) << 40) | 6, HP_OK},
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(rows); i++) {
        struct hp_elf elf;
        struct hp_diag diag;
        size_t size;
        uint8_t *file = eb_minimal(true, HP_EM_X86_64, &size);
        const uint32_t text = eb_find(file, ".text");

        eb_set_section(file, text, rows[i].field, rows[i].value);
        assert_int_equal(open_it(file, size, &elf, &diag), rows[i].status);
        if (rows[i].status) {
            assert_int_equal(diag.section, text);
        }
        free(file);
    }
}

/* Name offsets at and past the end of the name table; tables without their NULs. */
static void test_string_tables(void **state)
{
    static const char *const tables[] = {".shstrtab", ".strtab"};
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(tables); i++) {
        struct hp_elf elf;
        struct hp_diag diag;
        size_t size;
        uint8_t *file = eb_minimal(true, HP_EM_X86_64, &size);
        const uint32_t table = eb_find(file, tables[i]);
        const uint32_t text = eb_find(file, ".text");
        const uint64_t length = eb_get_section(file, table, EB_SH_SIZE);
        uint8_t *bytes = eb_contents(file, table);

        if (i == 0) {
            eb_set_section(file, text, EB_SH_NAME, length);
            assert_int_equal(open_it(file, size, &elf, &diag), HP_SECTION_NAME);
            assert_int_equal(diag.section, text);
            assert_true(diag.expected == length && diag.actual == length);
            eb_set_section(file, text, EB_SH_NAME, length - 1); /* the last NUL: the empty name */
            assert_int_equal(open_it(file, size, &elf, &diag), HP_OK);
        }
        bytes[0] = 'x';
        assert_int_equal(open_it(file, size, &elf, &diag), HP_STRTAB_UNTERMINATED);
        assert_int_equal(diag.section, table);
        bytes[0] = '\0';
        bytes[length - 1] = 'x';
        assert_int_equal(open_it(file, size, &elf, &diag), HP_STRTAB_UNTERMINATED);
        assert_int_equal(diag.section, table);
        bytes[length - 1] = '\0';
        assert_int_equal(open_it(file, size, &elf, &diag), HP_OK);
        free(file);
    }
}

/* Header distance above the class's header size: allowed by the gABI. */
static void test_larger_section_headers(void **state)
{
    int is64;

    (void)state;
    for (is64 = 0; is64 < 2; is64++) {
        struct hp_elf elf;
        struct hp_diag diag;
        struct hp_section section;
        size_t size;
        uint8_t *file = eb_minimal(is64, HP_EM_X86_64, &size);
        const size_t header = is64 ? 64 : 40;
        const size_t shoff = (size_t)eb_get_header(file, EB_EH_SHOFF);
        const uint32_t count = eb_section_count(file);
        const size_t wide_size = shoff + count * (header + 24);
        uint8_t *wide = malloc(wide_size);
        uint32_t i;

        assert_non_null(wide);
        memset(wide, 0xff, wide_size);
        memcpy(wide, file, shoff);
        for (i = 0; i < count; i++) {
            memcpy(wide + shoff + i * (header + 24), file + shoff + i * header, header);
        }
        eb_set_header(wide, EB_EH_SHENTSIZE, header + 24);
        assert_int_equal(open_it(wide, wide_size, &elf, &diag), HP_OK);
        assert_int_equal(elf.shentsize, header + 24);
        assert_int_equal(hp_elf_section(&elf, elf.symtab, &section), HP_OK);
        assert_string_equal(section.name, ".symtab");
        free(wide);
        free(file);
    }
}

static void test_size_limits(void **state)
{
    struct hp_profile profile = hp_profile_default;
    struct hp_elf elf;
    struct hp_diag diag;
    size_t size;
    uint8_t *file = eb_minimal(true, HP_EM_X86_64, &size);
    const uint32_t count = eb_section_count(file);

    (void)state;
    profile.file_max = (uint32_t)size;
    profile.sections_max = count;
    assert_int_equal(open_as(file, size, &profile, &elf, &diag), HP_OK);
    profile.file_max = (uint32_t)size - 1;
    assert_int_equal(open_as(file, size, &profile, &elf, &diag), HP_FILE_TOO_LARGE);
    assert_true(diag.expected == size - 1 && diag.actual == size);
    profile.file_max = (uint32_t)size;
    profile.sections_max = count - 1;
    assert_int_equal(open_as(file, size, &profile, &elf, &diag), HP_ELF_TOO_MANY_SECTIONS);
    assert_true(diag.expected == count - 1 && diag.actual == count);
    free(file);
}

static void test_trailing_bytes(void **state)
{
    struct hp_elf elf;
    struct hp_diag diag;
    size_t size;
    uint8_t *file = eb_minimal(true, HP_EM_X86_64, &size);
    uint8_t *longer = malloc(size + 1);

    (void)state;
    assert_non_null(longer);
    memcpy(longer, file, size);
    longer[size] = 0;
    assert_int_equal(open_it(longer, size + 1, &elf, &diag), HP_TRAILING_BYTES);
    assert_int_equal(diag.offset, size);
    free(longer);
    free(file);
}

static void test_truncated_at_every_length(void **state)
{
    int is64;

    (void)state;
    for (is64 = 0; is64 < 2; is64++) {
        size_t length;
        size_t size;
        uint8_t *file = eb_minimal(is64, HP_EM_X86_64, &size);

        for (length = 0; length < size; length++) {
            uint8_t *cut = malloc(length + (length == 0));
            struct hp_elf elf;
            struct hp_diag diag;

            assert_non_null(cut);
            memcpy(cut, file, length);
            assert_int_equal(open_it(cut, length, &elf, &diag),
                             length == 0 ? HP_FILE_EMPTY : HP_ELF_TRUNCATED);
            free(cut);
        }
        free(file);
    }
}

static void test_extended_numbering(void **state)
{
    static const unsigned options[] = {
        EB_EXTENDED_SHNUM, EB_EXTENDED_SHSTRNDX, EB_EXTENDED_SYMBOLS,
        EB_EXTENDED_SHNUM | EB_EXTENDED_SHSTRNDX | EB_EXTENDED_SYMBOLS, EB_SHARED_STRTAB};
    int is64;
    size_t i;

    (void)state;
    for (is64 = 0; is64 < 2; is64++) {
        for (i = 0; i < COUNT(options); i++) {
            struct eb_payload p = minimal(is64);
            struct hp_elf elf;
            struct hp_diag diag;
            struct hp_symbol symbol;
            size_t size;
            uint8_t *file;
            uint32_t index;

            eb_option(p.b, options[i]);
            file = eb_payload_finish(&p, &size);
            assert_int_equal(open_it(file, size, &elf, &diag), HP_OK);
            assert_int_equal(elf.shnum, eb_section_count(file));
            assert_int_equal(elf.shndx.size != 0, (options[i] & EB_EXTENDED_SYMBOLS) != 0);
            index = eb_find_symbol(file, "new_target_function");
            assert_int_equal(hp_elf_symbol(&elf, index, &symbol, &diag), HP_OK);
            assert_int_equal(symbol.place, HP_PLACE_SECTION);
            assert_int_equal(symbol.section, eb_find(file, ".text"));
            free(file);
        }
    }
}

/* More sections than 16 bits can name: all three forms of extended numbering in earnest. */
static void test_many_sections(void **state)
{
    struct hp_profile profile = hp_profile_default;
    struct eb_payload p = minimal(true);
    struct hp_elf elf;
    struct hp_diag diag;
    struct hp_symbol symbol;
    struct hp_section section;
    uint32_t last = 0;
    size_t size;
    uint8_t *file;
    int i;

    (void)state;
    for (i = 0; i < 66000; i++) {
        last = eb_section(p.b, ".many", HP_SHT_PROGBITS, ALLOC, 1, NULL, 0);
    }
    eb_symbol(p.b, "far", HP_STB_GLOBAL, HP_STT_OBJECT, last, 0, 0);
    file = eb_payload_finish(&p, &size);
    profile.file_max = UINT32_MAX;
    assert_int_equal(open_as(file, size, &profile, &elf, &diag), HP_ELF_TOO_MANY_SECTIONS);
    assert_true(diag.expected == 65535 && diag.actual == eb_section_count(file));
    profile.sections_max = UINT32_MAX;
    assert_int_equal(open_as(file, size, &profile, &elf, &diag), HP_OK);
    assert_int_equal(hp_elf_symbol(&elf, elf.symbol_count - 1, &symbol, &diag), HP_OK);
    assert_string_equal(symbol.name, "far");
    assert_int_equal(symbol.section, last);
    assert_int_equal(hp_elf_section(&elf, last, &section), HP_OK);
    assert_string_equal(section.name, ".many");
    free(file);
}

static void test_special_sections(void **state)
{
    unsigned i;

    (void)state;
    for (i = 0; i < HP_SPECIAL_COUNT; i++) {
        const char *name = hp_special_name((enum hp_special)i);
        const bool hook = i >= HP_HOOK_FIRST && i <= HP_HOOK_LAST;
        const bool may_be_empty = !hook && i != HP_SPECIAL_FUNCS && i != HP_SPECIAL_SPLICES;
        const bool present = i == HP_SPECIAL_FUNCS || i == HP_SPECIAL_BUILD_ID ||
                             i == HP_SPECIAL_DEPENDS || i == HP_SPECIAL_XEN_DEPENDS;
        struct eb_payload p;
        char longer[64];

        /* twice */
        p = minimal(true);
        eb_section(p.b, name, HP_SHT_PROGBITS, ALLOC, 1, "", 1);
        if (!present) {
            eb_section(p.b, name, HP_SHT_PROGBITS, ALLOC, 1, "", 1);
        }
        expect_payload(&p, HP_SPECIAL_DUPLICATE, name);
        if (present) {
            continue;
        }
        /* once; a second one that is no section does not count */
        p = minimal(true);
        eb_section(p.b, name, HP_SHT_PROGBITS, ALLOC, 1, "", 1);
        eb_section(p.b, name, HP_SHT_NULL, 0, 1, "", 1);
        expect_payload(&p, HP_OK, NULL);
        /* not loaded, in both ways */
        p = minimal(true);
        eb_section(p.b, name, HP_SHT_PROGBITS, 0, 1, "", 1);
        expect_payload(&p, HP_SPECIAL_NOT_LOADED, name);
        p = minimal(true);
        eb_section(p.b, name, HP_SHT_NOBITS, ALLOC, 1, NULL, 8);
        expect_payload(&p, HP_SPECIAL_NOT_LOADED, name);
        /* empty */
        p = minimal(true);
        eb_section(p.b, name, HP_SHT_PROGBITS, ALLOC, 1, NULL, 0);
        if (i == HP_SPECIAL_MODINFO) {
            expect_payload(&p, HP_MODINFO, name);
        } else if (may_be_empty) {
            expect_payload(&p, HP_OK, NULL);
        } else {
            expect_payload(&p, HP_SPECIAL_EMPTY, name);
        }
        /* a longer or shorter name is another one */
        snprintf(longer, sizeof(longer), "%sx", name);
        p = minimal(true);
        eb_section(p.b, longer, HP_SHT_PROGBITS, 0, 1, "", 1);
        longer[strlen(name) - 1] = '\0';
        eb_section(p.b, longer, HP_SHT_PROGBITS, 0, 1, "", 1);
        expect_payload(&p, HP_OK, NULL);
    }
    assert_string_equal(hp_special_name(HP_SPECIAL_COUNT), "");
    assert_string_equal(hp_special_name(HP_SPECIAL_BUG_FRAMES_3), ".bug_frames.3");
}

/* Each of the sections that make a payload do something is enough; the notes alone are not. */
static void test_something_to_do(void **state)
{
    unsigned i;

    (void)state;
    for (i = 0; i < HP_SPECIAL_COUNT; i++) {
        const bool does = i <= HP_HOOK_LAST || i == HP_SPECIAL_SPLICES;
        struct eb_payload p = eb_payload_new(true, HP_EM_X86_64, NULL);

        if (i < HP_SPECIAL_DEPENDS || i > HP_SPECIAL_BUILD_ID) {
            eb_section(p.b, hp_special_name((enum hp_special)i), HP_SHT_PROGBITS, ALLOC, 1, "", 1);
        }
        expect_payload(&p, does ? HP_OK : HP_NOTHING_TO_DO, NULL);
    }
}

static void test_modinfo(void **state)
{
    static const char text[] = "a=1\0\0\0license=BSD\0\0";
    struct eb_payload p = minimal(true);
    struct hp_elf elf;
    struct hp_diag diag;
    struct hp_span entry;
    size_t pos = 0;
    size_t size;
    uint8_t *file;

    (void)state;
    eb_section(p.b, ".modinfo", HP_SHT_PROGBITS, ALLOC, 1, "a=b", 3);
    expect_payload(&p, HP_MODINFO, ".modinfo");

    p = minimal(true);
    eb_section(p.b, ".modinfo", HP_SHT_PROGBITS, ALLOC, 1, text, sizeof(text));
    file = eb_payload_finish(&p, &size);
    assert_int_equal(open_it(file, size, &elf, &diag), HP_OK);
    assert_true(hp_elf_modinfo_next(&elf, &pos, &entry));
    assert_int_equal(entry.size, 3);
    assert_memory_equal(entry.data, "a=1", 4);
    assert_true(hp_elf_modinfo_next(&elf, &pos, &entry));
    assert_int_equal(entry.size, 11);
    assert_memory_equal(entry.data, "license=BSD", 12);
    assert_false(hp_elf_modinfo_next(&elf, &pos, &entry));
    assert_true(entry.data == NULL && entry.size == 0);
    assert_false(hp_elf_modinfo_next(&elf, &pos, &entry));
    pos = SIZE_MAX;
    assert_false(hp_elf_modinfo_next(&elf, &pos, &entry));
    free(file);

    file = eb_minimal(true, HP_EM_X86_64, &size);
    assert_int_equal(open_it(file, size, &elf, &diag), HP_OK);
    pos = 0;
    assert_false(hp_elf_modinfo_next(&elf, &pos, &entry));
    free(file);
}

static void test_sections_that_load(void **state)
{
    struct eb_payload p = minimal(true);
    const uint32_t empty =
        eb_section(p.b, ".altinstr_replacement", HP_SHT_PROGBITS, ALLOC, 1, NULL, 0);
    uint32_t symbol;

    (void)state;
    /* a section without bytes that a symbol and a relocation refer to; an odd size */
    symbol = eb_symbol(p.b, "none", HP_STB_LOCAL, HP_STT_NOTYPE, empty, 0, 0);
    eb_rela(p.b, p.text, 0, 2, symbol, 0);
    eb_rela_raw(p.b, empty, 0, 0, 0, 0);
    eb_section(p.b, ".odd", HP_SHT_PROGBITS, ALLOC, 1, "12345", 5);
    /* zero-filled memory of any size and offset */
    eb_section(p.b, ".bss", HP_SHT_NOBITS, ALLOC | HP_SHF_WRITE, 4096, NULL, SIZE_MAX);
    /* a relocation table of a debug section */
    eb_rela(p.b, eb_section(p.b, ".debug_info", HP_SHT_PROGBITS, 0, 1, NULL, 8), 0, 1, symbol, 0);
    expect_payload(&p, HP_OK, NULL);
}

static void test_nobits_offset_is_not_read(void **state)
{
    struct eb_payload p = minimal(true);
    struct hp_elf elf;
    struct hp_diag diag;
    struct hp_section section;
    size_t size;
    uint8_t *file;
    uint32_t bss;

    (void)state;
    bss = eb_section(p.b, ".bss", HP_SHT_NOBITS, ALLOC | HP_SHF_WRITE, 8, NULL, 8);
    file = eb_payload_finish(&p, &size);
    eb_set_section(file, bss, EB_SH_OFFSET, UINT64_MAX);
    eb_set_section(file, bss, EB_SH_SIZE, UINT64_MAX);
    assert_int_equal(open_it(file, size, &elf, &diag), HP_OK);
    assert_int_equal(hp_elf_section(&elf, bss, &section), HP_OK);
    assert_int_equal(section.size, UINT64_MAX);
    assert_int_equal(hp_elf_contents(&elf, &section).size, 0);
    free(file);
}

/* Every kind of section that must not be relocated, and one that may. */
static void test_relocation_targets(void **state)
{
    static const struct {
        const char *target;
        enum hp_status status;
    } rows[] = {
        {".symtab", HP_SECTION_INFO},
        {".strtab", HP_SECTION_INFO},
        {".rela.livepatch.funcs", HP_SECTION_INFO},
        {".none", HP_SECTION_INFO},
        {".text", HP_OK},
        {".bss", HP_OK}, /* the loader refuses it with a status of its own */
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(rows); i++) {
        struct eb_payload p = minimal(true);
        struct hp_elf elf;
        struct hp_diag diag;
        size_t size;
        uint8_t *file;
        uint32_t reloc;

        eb_section(p.b, ".none", HP_SHT_NULL, 0, 0, NULL, 0);
        eb_section(p.b, ".bss", HP_SHT_NOBITS, ALLOC | HP_SHF_WRITE, 8, NULL, 8);
        file = eb_payload_finish(&p, &size);
        reloc = eb_find(file, ".rela.livepatch.funcs");
        eb_set_section(file, reloc, EB_SH_INFO, eb_find(file, rows[i].target));
        assert_int_equal(open_it(file, size, &elf, &diag), rows[i].status);
        if (rows[i].status) {
            assert_int_equal(diag.section, reloc);
        }
        free(file);
    }
}

/* Tables that overlap buy no more work than the file has bytes; those of debug sections cost none.
 */
static void test_overlapping_relocation_tables(void **state)
{
    static const struct {
        uint64_t target_flags;
        size_t beyond; /* size of the second table; the first and the records' own fill the file */
        enum hp_status status;
    } rows[] = {{ALLOC, 0, HP_OK},
                {ALLOC, 24, HP_RELOC_TABLES_SIZE},
                {0, 0, HP_OK},
                {0, 24, HP_RELOC_TABLES_SIZE}};
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(rows); i++) {
        struct eb_payload p = minimal(true);
        struct hp_elf elf;
        struct hp_diag diag;
        uint32_t tables[2];
        uint32_t target;
        size_t size;
        uint8_t *file;
        int k;

        target = eb_section(p.b, ".target", HP_SHT_PROGBITS, rows[i].target_flags, 1, NULL, 8);
        for (k = 0; k < 2; k++) {
            tables[k] = eb_section(p.b, ".rela.target", HP_SHT_RELA, 0, 8, NULL, 0);
            eb_section_entsize(p.b, tables[k], 24);
        }
        file = eb_payload_finish(&p, &size);
        for (k = 0; k < 2; k++) {
            const uint64_t records = 2 * 24;

            eb_set_section(file, tables[k], EB_SH_LINK, eb_find(file, ".symtab"));
            eb_set_section(file, tables[k], EB_SH_INFO, target);
            eb_set_section(file, tables[k], EB_SH_OFFSET, 0);
            eb_set_section(file, tables[k], EB_SH_SIZE,
                           k == 0 ? (size - records) / 24 * 24 : rows[i].beyond);
        }
        assert_int_equal(open_it(file, size, &elf, &diag), rows[i].status);
        if (rows[i].status) {
            assert_int_equal(diag.section, tables[1]);
        }
        free(file);
    }
}

static void test_extended_index_table(void **state)
{
    static const struct {
        enum eb_section_field field;
        uint64_t value;
        enum hp_status status;
    } rows[] = {
        {EB_SH_SIZE, 8, HP_SYMTAB_SHNDX},       {EB_SH_SIZE, 16, HP_SYMTAB_SHNDX},
        {EB_SH_SIZE, 0, HP_SYMTAB_SHNDX},       {EB_SH_SIZE, 12, HP_OK},
        {EB_SH_LINK, 0, HP_SECTION_LINK},       {EB_SH_LINK, 1, HP_SECTION_LINK},
        {EB_SH_ENTSIZE, 0, HP_SECTION_ENTSIZE}, {EB_SH_ENTSIZE, 8, HP_SECTION_ENTSIZE},
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(rows) + 1; i++) {
        struct eb_payload p = minimal(true);
        struct hp_elf elf;
        struct hp_diag diag;
        size_t size;
        uint8_t *file;
        uint32_t second;
        uint32_t table;

        second = eb_section(p.b, ".second", HP_SHT_PROGBITS, 0, 4, NULL, 12);
        eb_section_entsize(p.b, second, 4);
        eb_option(p.b, EB_EXTENDED_SYMBOLS);
        file = eb_payload_finish(&p, &size);
        table = eb_find(file, ".symtab_shndx");
        if (i < COUNT(rows)) {
            eb_set_section(file, table, rows[i].field, rows[i].value);
            assert_int_equal(open_it(file, size, &elf, &diag), rows[i].status);
            assert_true(diag.section == (rows[i].status ? table : ABSENT));
        } else {
            eb_set_section(file, second, EB_SH_TYPE, HP_SHT_SYMTAB_SHNDX);
            eb_set_section(file, second, EB_SH_LINK, eb_find(file, ".symtab"));
            assert_int_equal(open_it(file, size, &elf, &diag), HP_SYMTAB_SHNDX);
            assert_int_equal(diag.section, table);
        }
        free(file);
    }
}

static void test_section_getter(void **state)
{
    struct eb_payload p = minimal(true);
    struct hp_section section;
    struct hp_section zero;
    struct hp_elf elf;
    struct hp_diag diag;
    uint32_t none;
    size_t size;
    uint8_t *file;

    (void)state;
    memset(&zero, 0, sizeof(zero));
    none = eb_section(p.b, ".none", HP_SHT_NULL, 7, 3, "abc", 3);
    file = eb_payload_finish(&p, &size);
    eb_set_section(file, none, EB_SH_NAME, UINT32_MAX);
    eb_set_section(file, none, EB_SH_OFFSET, UINT64_MAX);
    eb_set_section(file, 0, EB_SH_TYPE, HP_SHT_PROGBITS);
    eb_set_section(file, 0, EB_SH_FLAGS, ALLOC);
    eb_set_section(file, eb_find(file, ".text"), EB_SH_ALIGN, 0);
    assert_int_equal(open_it(file, size, &elf, &diag), HP_OK);
    /* neither the reserved header nor an unused one shows anything */
    assert_int_equal(hp_elf_section(&elf, 0, &section), HP_OK);
    assert_true(section.type == HP_SHT_NULL && section.flags == 0 && section.align == 1);
    assert_string_equal(section.name, "");
    assert_int_equal(hp_elf_section(&elf, none, &section), HP_OK);
    assert_true(section.index == none && section.type == HP_SHT_NULL && section.flags == 0);
    assert_true(section.offset == 0 && section.size == 0 && section.align == 1);
    assert_string_equal(section.name, "");
    assert_null(hp_elf_contents(&elf, &section).data);
    assert_int_equal(hp_elf_section(&elf, eb_find(file, ".text"), &section), HP_OK);
    assert_int_equal(section.align, 1);
    /* past the table */
    assert_int_equal(hp_elf_section(&elf, elf.shnum, &section), HP_INVALID_ARGUMENT);
    assert_memory_equal(&section, &zero, sizeof(zero));
    assert_int_equal(hp_elf_section(&elf, UINT32_MAX, &section), HP_INVALID_ARGUMENT);
    /* a header of another file */
    section.type = HP_SHT_PROGBITS;
    section.offset = size - 1;
    section.size = 2;
    assert_int_equal(hp_elf_contents(&elf, &section).size, 0);
    section.offset = UINT64_MAX;
    assert_int_equal(hp_elf_contents(&elf, &section).size, 0);
    free(file);
}

static void test_symbol_getter(void **state)
{
    int is64;

    (void)state;
    for (is64 = 0; is64 < 2; is64++) {
        const uint64_t value = is64 ? UINT64_C(0x8877665544332211) : 0x44332211;
        struct eb_payload p = minimal(is64);
        struct hp_symbol symbol;
        struct hp_elf elf;
        struct hp_diag diag;
        size_t size;
        uint8_t *file;

        eb_symbol(p.b, "abs", HP_STB_WEAK, HP_STT_OBJECT, EB_ABS, value, value - 1);
        eb_symbol(p.b, "common", HP_STB_GLOBAL, HP_STT_COMMON, EB_COMMON, 8, 4);
        eb_undefined(p.b, "wanted");
        file = eb_payload_finish(&p, &size);
        eb_set_symbol(file, eb_find_symbol(file, "abs"), EB_ST_OTHER, 0xfe);
        assert_int_equal(open_it(file, size, &elf, &diag), HP_OK);
        assert_int_equal(elf.symbol_count, 6);

        assert_int_equal(hp_elf_symbol(&elf, 0, &symbol, &diag), HP_OK);
        assert_true(symbol.place == HP_PLACE_UNDEFINED && symbol.name[0] == '\0');
        assert_int_equal(hp_elf_symbol(&elf, 1, &symbol, &diag), HP_OK);
        assert_true(symbol.place == HP_PLACE_SECTION && symbol.type == HP_STT_SECTION);
        assert_int_equal(symbol.section, eb_find(file, ".rodata.str"));
        assert_int_equal(hp_elf_symbol(&elf, 3, &symbol, &diag), HP_OK);
        assert_string_equal(symbol.name, "abs");
        assert_true(symbol.value == value && symbol.size == value - 1);
        assert_true(symbol.bind == HP_STB_WEAK && symbol.type == HP_STT_OBJECT);
        assert_true(symbol.place == HP_PLACE_ABSOLUTE && symbol.section == 0);
        assert_int_equal(symbol.visibility, 2);
        assert_int_equal(hp_elf_symbol(&elf, 4, &symbol, &diag), HP_OK);
        assert_int_equal(symbol.place, HP_PLACE_COMMON);
        assert_int_equal(hp_elf_symbol(&elf, 5, &symbol, &diag), HP_OK);
        assert_string_equal(symbol.name, "wanted");
        assert_int_equal(symbol.place, HP_PLACE_UNDEFINED);
        assert_int_equal(diag.status, HP_OK);
        free(file);
    }
}

/* One field of symbol 2 wrong. */
static void test_symbol_defects(void **state)
{
    int is64;

    (void)state;
    for (is64 = 0; is64 < 2; is64++) {
        struct hp_elf elf;
        struct hp_diag diag;
        struct hp_symbol symbol;
        size_t size;
        uint8_t *file = eb_minimal(is64, HP_EM_X86_64, &size);
        const uint32_t count = eb_section_count(file);
        const uint64_t names = eb_get_section(file, eb_find(file, ".strtab"), EB_SH_SIZE);
        const struct {
            enum eb_symbol_field field;
            uint64_t value;
            enum hp_status status;
        } rows[] = {
            {EB_ST_NAME, names - 1, HP_OK},           {EB_ST_NAME, names, HP_SYMBOL_NAME},
            {EB_ST_NAME, UINT32_MAX, HP_SYMBOL_NAME}, {EB_ST_SHNDX, count - 1, HP_OK},
            {EB_ST_SHNDX, count, HP_SYMBOL_SECTION},  {EB_ST_SHNDX, 0xfeff, HP_SYMBOL_SECTION},
            {EB_ST_SHNDX, 0xff00, HP_SYMBOL_SECTION}, {EB_ST_SHNDX, 0xfff0, HP_SYMBOL_SECTION},
            {EB_ST_SHNDX, 0xfff3, HP_SYMBOL_SECTION}, {EB_ST_SHNDX, 0xfffe, HP_SYMBOL_SECTION},
            {EB_ST_SHNDX, 0xffff, HP_SYMTAB_SHNDX},
        };
        size_t i;

        assert_int_equal(open_it(file, size, &elf, &diag), HP_OK);
        for (i = 0; i < COUNT(rows); i++) {
            const uint64_t good = eb_get_symbol(file, 2, rows[i].field);

            hp_diag_init(&diag);
            eb_set_symbol(file, 2, rows[i].field, rows[i].value);
            assert_int_equal(hp_elf_symbol(&elf, 2, &symbol, &diag), rows[i].status);
            assert_int_equal(hp_elf_symbol(&elf, 2, &symbol, NULL), rows[i].status);
            assert_int_equal(diag.status, rows[i].status);
            if (rows[i].status) {
                assert_true(diag.symbol == 2 && diag.stage == HP_STAGE_SYMBOLS);
                assert_true(symbol.name == NULL && symbol.section == 0);
            }
            eb_set_symbol(file, 2, rows[i].field, good);
        }
        hp_diag_init(&diag);
        assert_int_equal(hp_elf_symbol(&elf, 3, &symbol, &diag), HP_RELOC_SYMBOL_INDEX);
        assert_true(diag.symbol == 3 && diag.expected == 3 && diag.actual == 3);
        assert_int_equal(hp_elf_symbol(&elf, UINT32_MAX, &symbol, NULL), HP_RELOC_SYMBOL_INDEX);
        free(file);
    }
}

static void test_extended_index_values(void **state)
{
    static const uint32_t bad[] = {0, 0xffff, UINT32_MAX};
    struct eb_payload p = minimal(true);
    struct hp_elf elf;
    struct hp_diag diag;
    struct hp_symbol symbol;
    size_t size;
    uint8_t *file;
    uint8_t *entry;
    size_t i;

    (void)state;
    eb_option(p.b, EB_EXTENDED_SYMBOLS);
    file = eb_payload_finish(&p, &size);
    entry = eb_contents(file, eb_find(file, ".symtab_shndx")) + 2 * 4;
    assert_int_equal(open_it(file, size, &elf, &diag), HP_OK);
    for (i = 0; i < COUNT(bad); i++) {
        memcpy(entry, &bad[i], 4);
        hp_diag_init(&diag);
        assert_int_equal(hp_elf_symbol(&elf, 2, &symbol, &diag), HP_SYMBOL_SECTION);
        assert_true(diag.symbol == 2 && diag.actual == bad[i] && diag.expected == elf.shnum);
    }
    free(file);
}

static void test_relocation_getter(void **state)
{
    int form;

    (void)state;
    for (form = 0; form < 4; form++) {
        const bool is64 = (form & 1) != 0;
        const bool rela = (form & 2) != 0;
        const uint64_t offset = is64 ? UINT64_MAX : UINT32_MAX;
        const uint32_t index = is64 ? UINT32_MAX : 0xffffff;
        const uint32_t type = is64 ? UINT32_MAX - 1 : 0xfe;
        const int64_t addend = is64 ? INT64_MIN : INT32_MIN;
        struct eb_payload p = minimal(is64);
        struct hp_section section;
        struct hp_elf elf;
        struct hp_diag diag;
        struct hp_reloc reloc;
        uint32_t handle;
        uint32_t table;
        size_t size;
        uint8_t *file;

        handle = eb_undefined(p.b, "wanted");
        if (rela) {
            eb_rela(p.b, p.text, 4, 2, handle, -4);
            eb_rela_raw(p.b, p.text, offset, type, index, addend);
        } else {
            eb_rel(p.b, p.text, 4, 2, handle);
            eb_rel(p.b, p.text, offset, type, handle);
        }
        file = eb_payload_finish(&p, &size);
        table = eb_find(file, rela ? ".rela.text" : ".rel.text");
        assert_int_equal(open_it(file, size, &elf, &diag), HP_OK);
        assert_int_equal(hp_elf_section(&elf, table, &section), HP_OK);
        assert_int_equal(hp_elf_reloc_count(&elf, &section), 2);
        assert_int_equal(hp_elf_reloc(&elf, &section, 0, &reloc), HP_OK);
        assert_true(reloc.offset == 4 && reloc.type == 2 && reloc.addend == (rela ? -4 : 0));
        assert_int_equal(reloc.symbol, eb_find_symbol(file, "wanted"));
        assert_int_equal(hp_elf_reloc(&elf, &section, 1, &reloc), HP_OK);
        assert_true(reloc.offset == offset && reloc.type == type);
        assert_true(reloc.symbol == (rela ? index : eb_find_symbol(file, "wanted")));
        assert_true(reloc.addend == (rela ? addend : 0));
        assert_int_equal(hp_elf_reloc(&elf, &section, 2, &reloc), HP_INVALID_ARGUMENT);
        assert_int_equal(hp_elf_reloc(&elf, &section, UINT32_MAX, &reloc), HP_INVALID_ARGUMENT);
        assert_true(reloc.offset == 0 && reloc.type == 0 && reloc.symbol == 0);

        /* headers that are none of this file's relocation sections */
        section.size = UINT64_MAX;
        assert_int_equal(hp_elf_reloc_count(&elf, &section), 0);
        assert_int_equal(hp_elf_reloc(&elf, &section, 0, &reloc), HP_INVALID_ARGUMENT);
        assert_int_equal(hp_elf_section(&elf, eb_find(file, ".text"), &section), HP_OK);
        assert_int_equal(hp_elf_reloc_count(&elf, &section), 0);
        assert_int_equal(hp_elf_reloc(&elf, &section, 0, &reloc), HP_INVALID_ARGUMENT);
        free(file);
    }
}

static void test_build_ids(void **state)
{
    static const uint8_t id[5] = {1, 2, 3, 4, 5};
    const struct eb_ids ids = {.build_id = id, .build_id_size = sizeof(id), .no_xen_depends = true};
    struct eb_payload p = eb_payload_new(true, HP_EM_X86_64, &ids);
    struct hp_elf elf;
    struct hp_diag diag;
    struct hp_span span;
    size_t size;
    uint8_t *file;

    (void)state;
    eb_payload_function(&p, "f", 16);
    file = eb_payload_finish(&p, &size);
    assert_int_equal(open_it(file, size, &elf, &diag), HP_OK);
    assert_int_equal(hp_elf_build_id(&elf, HP_SPECIAL_BUILD_ID, &span, &diag), HP_OK);
    assert_int_equal(span.size, 5);
    assert_memory_equal(span.data, id, 5);
    assert_int_equal(hp_elf_build_id(&elf, HP_SPECIAL_DEPENDS, &span, &diag), HP_OK);
    assert_true(span.size == 20 && span.data[0] == 0xd0);
    assert_int_equal(hp_elf_build_id(&elf, HP_SPECIAL_XEN_DEPENDS, &span, &diag), HP_OK);
    assert_true(span.size == 0 && span.data == NULL);
    assert_int_equal(hp_elf_build_id(&elf, HP_SPECIAL_FUNCS, &span, &diag), HP_INVALID_ARGUMENT);
    assert_int_equal(hp_elf_build_id(&elf, HP_SPECIAL_COUNT, &span, &diag), HP_INVALID_ARGUMENT);
    free(file);
}

/* Notes of any contents: one GNU build-id note, and at most its padding behind it. */
static void test_note_defects(void **state)
{
    static const struct {
        const char *what;
        size_t size; /* of the section */
        uint32_t namesz;
        uint32_t descsz;
        uint32_t type;
        const char *name;
        size_t found; /* size of the id; 0: refused */
    } rows[] = {
        {"whole", 36, 4, 20, 3, "GNU", 20},
        {"one byte", 17, 4, 1, 3, "GNU", 1},
        {"padded", 20, 4, 1, 3, "GNU", 1},
        {"more than padding", 21, 4, 1, 3, "GNU", 0},
        {"second note", 40, 4, 20, 3, "GNU", 0},
        {"no id", 16, 4, 0, 3, "GNU", 0},
        {"no id, with bytes", 17, 4, 0, 3, "GNU", 0},
        {"id past the end", 35, 4, 20, 3, "GNU", 0},
        {"largest size", 36, 4, UINT32_MAX, 3, "GNU", 0},
        {"header cut", 15, 4, 20, 3, "GNU", 0},
        {"empty", 0, 4, 20, 3, "GNU", 0},
        {"other type", 36, 4, 20, 1, "GNU", 0},
        {"other owner", 36, 4, 20, 3, "Xen", 0},
        {"owner without NUL", 36, 4, 20, 3, "GNUx", 0},
        {"owner size 3", 36, 3, 20, 3, "GNU", 0},
        {"owner size 5", 36, 5, 20, 3, "GNU", 0},
        {"owner size wraps", 36, UINT32_MAX, 20, 3, "GNU", 0},
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(rows); i++) {
        const uint32_t words[3] = {rows[i].namesz, rows[i].descsz, rows[i].type};
        struct hp_elf elf;
        struct hp_diag diag;
        struct hp_span span;
        size_t size;
        uint8_t *file = eb_minimal(true, HP_EM_X86_64, &size);
        const uint32_t note = eb_find(file, ".livepatch.depends");

        memcpy(eb_contents(file, note), words, sizeof(words));
        memcpy(eb_contents(file, note) + 12, rows[i].name, 4);
        eb_set_section(file, note, EB_SH_SIZE, rows[i].size);
        print_message("  note: %s\n", rows[i].what);
        assert_int_equal(open_it(file, size, &elf, &diag), HP_OK);
        assert_int_equal(hp_elf_build_id(&elf, HP_SPECIAL_DEPENDS, &span, NULL),
                         rows[i].found ? HP_OK : HP_NOTE);
        assert_int_equal(hp_elf_build_id(&elf, HP_SPECIAL_DEPENDS, &span, &diag),
                         rows[i].found ? HP_OK : HP_NOTE);
        assert_int_equal(span.size, rows[i].found);
        if (rows[i].found == 0) {
            assert_null(span.data);
            assert_string_equal(diag.section_name, ".livepatch.depends");
            assert_int_equal(diag.section, note);
        }
        free(file);
    }
}

/* A note at the very end of the file is read to its end and no further. */
static void test_note_at_the_end(void **state)
{
    struct hp_elf elf;
    struct hp_diag diag;
    struct hp_span span;
    size_t size;
    uint8_t *file = eb_minimal(true, HP_EM_X86_64, &size);
    const uint32_t note = eb_find(file, ".livepatch.depends");
    uint8_t *longer = malloc(size + 20);
    size_t keep;

    (void)state;
    assert_non_null(longer);
    memcpy(longer, file, size);
    memcpy(longer + size, eb_contents(file, note), 20);
    for (keep = 0; keep <= 20; keep++) {
        uint8_t *cut = malloc(size + keep);

        assert_non_null(cut);
        memcpy(cut, longer, size + keep);
        eb_set_section(cut, note, EB_SH_OFFSET, size);
        eb_set_section(cut, note, EB_SH_SIZE, keep);
        assert_int_equal(open_it(cut, size + keep, &elf, &diag), HP_OK);
        assert_int_equal(hp_elf_build_id(&elf, HP_SPECIAL_DEPENDS, &span, NULL), HP_NOTE);
        free(cut);
    }
    free(longer);
    free(file);
}

/* Reads all that a view gives, as a loader does. Returns a sum, so that nothing is left out. */
static uint64_t walk(const uint8_t *file, size_t size)
{
    struct hp_elf elf;
    struct hp_section section;
    struct hp_symbol symbol;
    struct hp_reloc reloc;
    struct hp_span span;
    uint64_t sum = 0;
    size_t pos = 0;
    uint32_t i;
    uint32_t k;

    if (hp_elf_open(&elf, file, size, NULL, NULL)) {
        return 0;
    }
    for (i = 0; i < elf.shnum; i++) {
        assert_int_equal(hp_elf_section(&elf, i, &section), HP_OK);
        sum += strlen(section.name);
        span = hp_elf_contents(&elf, &section);
        assert_true(span.size == section.size || section.type == HP_SHT_NOBITS);
        if (span.size > 0) {
            sum += span.data[0] + span.data[span.size - 1];
        }
        for (k = 0; k < hp_elf_reloc_count(&elf, &section); k++) {
            assert_int_equal(hp_elf_reloc(&elf, &section, k, &reloc), HP_OK);
            sum += reloc.symbol;
        }
    }
    for (i = 0; i < elf.symbol_count; i++) {
        if (hp_elf_symbol(&elf, i, &symbol, NULL) == HP_OK) {
            assert_true(symbol.section < elf.shnum);
            sum += strlen(symbol.name);
        }
    }
    for (i = HP_SPECIAL_DEPENDS; i <= HP_SPECIAL_BUILD_ID; i++) {
        if (hp_elf_build_id(&elf, (enum hp_special)i, &span, NULL) == HP_OK && span.size > 0) {
            sum += span.data[span.size - 1];
        }
    }
    while (hp_elf_modinfo_next(&elf, &pos, &span)) {
        sum += span.data[span.size - 1];
    }
    return sum;
}

/* Every bit flipped and every byte at its extremes: any result, but no access outside the file. */
static void test_every_byte_corrupted(void **state)
{
    static const char info[] = "k=v\0l=w";
    int is64;

    (void)state;
    for (is64 = 0; is64 < 2; is64++) {
        struct eb_payload p = minimal(is64);
        size_t size;
        uint8_t *file;
        size_t at;

        eb_section(p.b, ".modinfo", HP_SHT_PROGBITS, ALLOC, 1, info, sizeof(info));
        eb_option(p.b, EB_EXTENDED_SHNUM | EB_EXTENDED_SHSTRNDX | EB_EXTENDED_SYMBOLS);
        file = eb_payload_finish(&p, &size);
        assert_true(walk(file, size) > 0);
        for (at = 0; at < size; at++) {
            const uint8_t good = file[at];
            unsigned bit;

            for (bit = 0; bit < 8; bit++) {
                file[at] = (uint8_t)(good ^ (1u << bit));
                (void)walk(file, size);
            }
            file[at] = 0xff;
            (void)walk(file, size);
            file[at] = 0;
            (void)walk(file, size);
            file[at] = good;
        }
        free(file);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_opens_a_payload),
        cmocka_unit_test(test_header_fields),
        cmocka_unit_test(test_shstrndx_edges),
        cmocka_unit_test(test_section_fields),
        cmocka_unit_test(test_section_fields_64),
        cmocka_unit_test(test_string_tables),
        cmocka_unit_test(test_larger_section_headers),
        cmocka_unit_test(test_size_limits),
        cmocka_unit_test(test_trailing_bytes),
        cmocka_unit_test(test_truncated_at_every_length),
        cmocka_unit_test(test_extended_numbering),
        cmocka_unit_test(test_many_sections),
        cmocka_unit_test(test_special_sections),
        cmocka_unit_test(test_something_to_do),
        cmocka_unit_test(test_modinfo),
        cmocka_unit_test(test_sections_that_load),
        cmocka_unit_test(test_nobits_offset_is_not_read),
        cmocka_unit_test(test_relocation_targets),
        cmocka_unit_test(test_overlapping_relocation_tables),
        cmocka_unit_test(test_extended_index_table),
        cmocka_unit_test(test_section_getter),
        cmocka_unit_test(test_symbol_getter),
        cmocka_unit_test(test_symbol_defects),
        cmocka_unit_test(test_extended_index_values),
        cmocka_unit_test(test_relocation_getter),
        cmocka_unit_test(test_build_ids),
        cmocka_unit_test(test_note_defects),
        cmocka_unit_test(test_note_at_the_end),
        cmocka_unit_test(test_every_byte_corrupted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
