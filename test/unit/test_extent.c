/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the ELF file inside a payload ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <hotpatch/elf.h>

#include "support/elf_builder.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The extent of a file; every failure must leave 0 and fill the record. */
static enum hp_status extent_of(const uint8_t *data, size_t size, size_t *extent,
                                struct hp_diag *diag)
{
    enum hp_status st;

    *extent = 4711;
    hp_diag_init(diag);
    st = hp_elf_extent(data, size, extent, diag);
    assert_int_equal(diag->status, st);
    if (st) {
        assert_int_equal(*extent, 0);
        assert_int_equal(diag->stage, HP_STAGE_ELF);
    }
    assert_int_equal(hp_elf_extent(data, size, extent, NULL), st);
    return st;
}

static void test_whole_file(void **state)
{
    int is64;

    (void)state;
    for (is64 = 0; is64 < 2; is64++) {
        struct hp_diag diag;
        size_t extent;
        size_t size;
        uint8_t *file = eb_minimal(is64, HP_EM_X86_64, &size);

        assert_int_equal(extent_of(file, size, &extent, &diag), HP_OK);
        assert_int_equal(extent, size);
        free(file);
    }
}

static void test_bytes_behind_the_file(void **state)
{
    struct hp_diag diag;
    size_t extent;
    size_t size;
    uint8_t *file = eb_minimal(true, HP_EM_X86_64, &size);
    uint8_t *longer = malloc(size + 100);

    (void)state;
    assert_non_null(longer);
    memcpy(longer, file, size);
    memset(longer + size, '~', 100);
    assert_int_equal(extent_of(longer, size + 100, &extent, &diag), HP_OK);
    assert_int_equal(extent, size);

    /* A section that takes in some of them moves the end. */
    eb_set_section(longer, eb_find(longer, ".strtab"), EB_SH_OFFSET, size + 10);
    eb_set_section(longer, eb_find(longer, ".strtab"), EB_SH_SIZE, 7);
    assert_int_equal(extent_of(longer, size + 100, &extent, &diag), HP_OK);
    assert_int_equal(extent, size + 17);
    /* One without file contents does not, nor one that is none, nor the reserved first header. */
    eb_set_section(longer, eb_find(longer, ".strtab"), EB_SH_TYPE, HP_SHT_NOBITS);
    assert_int_equal(extent_of(longer, size + 100, &extent, &diag), HP_OK);
    assert_int_equal(extent, size);
    eb_set_section(longer, eb_find(longer, ".strtab"), EB_SH_TYPE, HP_SHT_NULL);
    eb_set_section(longer, 0, EB_SH_TYPE, HP_SHT_PROGBITS);
    eb_set_section(longer, 0, EB_SH_OFFSET, UINT64_MAX);
    eb_set_section(longer, 0, EB_SH_SIZE, UINT64_MAX);
    assert_int_equal(extent_of(longer, size + 100, &extent, &diag), HP_OK);
    assert_int_equal(extent, size);
    free(longer);
    free(file);
}

/* Puts the section headers right behind the ELF header, so that contents end the file. */
static uint8_t *headers_first(const uint8_t *file, size_t size)
{
    const size_t start = file[4] == 2 ? 64 : 52;
    const size_t shoff = (size_t)eb_get_header(file, EB_EH_SHOFF);
    uint8_t *out = malloc(size);
    uint32_t i;

    assert_non_null(out);
    memcpy(out, file, start);
    memcpy(out + start, file + shoff, size - shoff);
    memcpy(out + start + (size - shoff), file + start, shoff - start);
    eb_set_header(out, EB_EH_SHOFF, start);
    for (i = 1; i < eb_section_count(out); i++) {
        eb_set_section(out, i, EB_SH_OFFSET, eb_get_section(out, i, EB_SH_OFFSET) + (size - shoff));
    }
    return out;
}

/* Every shorter file, in memory of exactly that size, is refused with the status of its cause. */
static void truncate_everywhere(const uint8_t *file, size_t size, bool contents_last)
{
    const size_t headers_end =
        contents_last ? (size_t)(eb_get_header(file, EB_EH_SHOFF) +
                                 eb_section_count(file) * eb_get_header(file, EB_EH_SHENTSIZE))
                      : size;
    size_t length;

    for (length = 0; length < size; length++) {
        enum hp_status wanted = length < headers_end ? HP_ELF_TRUNCATED : HP_SECTION_BOUNDS;
        uint8_t *cut = malloc(length + (length == 0));
        struct hp_diag diag;
        size_t extent;

        assert_non_null(cut);
        memcpy(cut, file, length);
        assert_int_equal(extent_of(cut, length, &extent, &diag),
                         length == 0 ? HP_FILE_EMPTY : wanted);
        if (diag.status == HP_SECTION_BOUNDS) {
            assert_true(diag.section != HP_NO_INDEX && diag.offset != HP_NO_OFFSET);
            assert_true(diag.has_numbers == 1 && diag.expected < diag.actual);
        }
        free(cut);
    }
}

static void test_truncated_at_every_length(void **state)
{
    int is64;

    (void)state;
    for (is64 = 0; is64 < 2; is64++) {
        struct hp_diag diag;
        size_t extent;
        size_t size;
        uint8_t *file = eb_minimal(is64, HP_EM_X86_64, &size);
        uint8_t *other = headers_first(file, size);
        /* The headers were laid out on an 8-byte boundary; what stood before it is padding now. */
        size_t end = (size_t)(eb_get_section(other, eb_find(other, ".shstrtab"), EB_SH_OFFSET) +
                              eb_get_section(other, eb_find(other, ".shstrtab"), EB_SH_SIZE));

        truncate_everywhere(file, size, false);
        assert_int_equal(extent_of(other, size, &extent, &diag), HP_OK);
        assert_int_equal(extent, end);
        truncate_everywhere(other, end, true);
        free(other);
        free(file);
    }
}

static void test_no_bytes(void **state)
{
    struct hp_diag diag;
    size_t extent;

    (void)state;
    assert_int_equal(extent_of(NULL, 0, &extent, &diag), HP_FILE_EMPTY);
    assert_int_equal(extent_of(NULL, 100, &extent, &diag), HP_FILE_EMPTY);
}

/* One field of the ELF header wrong. */
static void test_header_fields(void **state)
{
    static const struct {
        enum eb_header_field field;
        uint64_t value;
        enum hp_status status;
    } rows[] = {
        {EB_EH_CLASS, 0, HP_ELF_CLASS},
        {EB_EH_CLASS, 3, HP_ELF_CLASS},
        {EB_EH_DATA, 0, HP_ELF_BYTE_ORDER},
        {EB_EH_DATA, 2, HP_ELF_BYTE_ORDER},
        {EB_EH_DATA, 3, HP_ELF_BYTE_ORDER},
        {EB_EH_SHOFF, 0, HP_ELF_NO_SECTIONS},
        {EB_EH_SHOFF, UINT64_MAX, HP_ELF_TRUNCATED},
        {EB_EH_SHOFF, UINT64_MAX - 63, HP_ELF_TRUNCATED},
        {EB_EH_SHENTSIZE, 0, HP_ELF_SHENTSIZE},
        {EB_EH_SHENTSIZE, 39, HP_ELF_SHENTSIZE},
        {EB_EH_SHENTSIZE, 65535, HP_ELF_TRUNCATED},
        {EB_EH_SHNUM, 65535, HP_ELF_TRUNCATED},
        {EB_EH_SHNUM, 0, HP_ELF_NO_SECTIONS}, /* section 0 has size 0 */
        /* not looked at here */
        {EB_EH_TYPE, 2, HP_OK},
        {EB_EH_OSABI, 77, HP_OK},
        {EB_EH_SHSTRNDX, 0, HP_OK},
    };
    int is64;
    size_t i;

    (void)state;
    for (is64 = 0; is64 < 2; is64++) {
        for (i = 0; i < COUNT(rows); i++) {
            struct hp_diag diag;
            size_t extent;
            size_t size;
            uint8_t *file = eb_minimal(is64, HP_EM_X86_64, &size);

            eb_set_header(file, rows[i].field, rows[i].value);
            assert_int_equal(extent_of(file, size, &extent, &diag), rows[i].status);
            free(file);
        }
    }
}

static void test_header_sizes(void **state)
{
    struct hp_diag diag;
    size_t extent;
    size_t size;
    uint8_t *file = eb_minimal(true, HP_EM_X86_64, &size);

    (void)state;
    eb_set_header(file, EB_EH_SHENTSIZE, 63);
    assert_int_equal(extent_of(file, size, &extent, &diag), HP_ELF_SHENTSIZE);
    file[1] = 'e';
    assert_int_equal(extent_of(file, size, &extent, &diag), HP_ELF_MAGIC);
    file[0] = 0;
    assert_int_equal(extent_of(file, 4, &extent, &diag), HP_ELF_MAGIC);
    assert_int_equal(extent_of(file, 3, &extent, &diag), HP_ELF_TRUNCATED);
    free(file);
}

static void test_count_in_section_0(void **state)
{
    static const struct {
        uint64_t count;
        enum hp_status status;
    } rows[] = {
        {0, HP_ELF_NO_SECTIONS},
        {1000000, HP_ELF_TRUNCATED},
        {UINT32_MAX - 1, HP_ELF_TRUNCATED},
        {UINT32_MAX, HP_ELF_TOO_MANY_SECTIONS},
        {UINT64_C(1) << 58, HP_ELF_TOO_MANY_SECTIONS}, /* times 64 wraps to 0 */
        {UINT64_MAX, HP_ELF_TOO_MANY_SECTIONS},
    };
    struct eb *b = eb_new(true, HP_EM_X86_64);
    struct hp_diag diag;
    size_t extent;
    size_t size;
    uint8_t *file;
    size_t i;

    (void)state;
    eb_option(b, EB_EXTENDED_SHNUM);
    file = eb_finish(b, &size);
    eb_free(b);
    assert_int_equal(eb_get_header(file, EB_EH_SHNUM), 0);
    assert_int_equal(extent_of(file, size, &extent, &diag), HP_OK);
    assert_int_equal(extent, size);
    for (i = 0; i < COUNT(rows); i++) {
        eb_set_section(file, 0, EB_SH_SIZE, rows[i].count);
        assert_int_equal(extent_of(file, size, &extent, &diag), rows[i].status);
    }
    free(file);
}

/* Offset and size of a section at and past the end of the file, and where their sum wraps. */
static void test_section_bounds(void **state)
{
    int is64;

    (void)state;
    for (is64 = 0; is64 < 2; is64++) {
        const uint64_t top = is64 ? UINT64_MAX : UINT32_MAX;
        size_t size;
        uint8_t *file = eb_minimal(is64, HP_EM_X86_64, &size);
        const uint32_t text = eb_find(file, ".text");
        const struct {
            uint64_t offset;
            uint64_t size;
            enum hp_status status;
        } rows[] = {
            {0, size, HP_OK},
            {size - 5, 5, HP_OK},
            {size, 0, HP_OK},
            {0, size + 1, HP_SECTION_BOUNDS},
            {size - 5, 6, HP_SECTION_BOUNDS},
            {size, 1, HP_SECTION_BOUNDS},
            {size + 1, 0, HP_SECTION_BOUNDS},
            {top, 0, HP_SECTION_BOUNDS},
            {top, 1, HP_SECTION_BOUNDS},
            {top, 2, HP_SECTION_BOUNDS},
            {1, top, HP_SECTION_BOUNDS},
            {top - 15, 32, HP_SECTION_BOUNDS}, /* ends at 16 when it wraps */
            {top, top, HP_SECTION_BOUNDS},
        };
        size_t i;

        for (i = 0; i < COUNT(rows); i++) {
            struct hp_diag diag;
            size_t extent;

            eb_set_section(file, text, EB_SH_OFFSET, rows[i].offset);
            eb_set_section(file, text, EB_SH_SIZE, rows[i].size);
            assert_int_equal(extent_of(file, size, &extent, &diag), rows[i].status);
            if (rows[i].status == HP_OK) {
                assert_int_equal(extent, size);
            } else {
                assert_int_equal(diag.section, text);
                assert_true(diag.offset == rows[i].offset && diag.actual == rows[i].size);
            }
        }
        free(file);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_file),
        cmocka_unit_test(test_bytes_behind_the_file),
        cmocka_unit_test(test_truncated_at_every_length),
        cmocka_unit_test(test_no_bytes),
        cmocka_unit_test(test_header_fields),
        cmocka_unit_test(test_header_sizes),
        cmocka_unit_test(test_count_in_section_0),
        cmocka_unit_test(test_section_bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
