/* SPDX-License-Identifier: BSD-2-Clause */
/* Status codes, and the diagnostics record with its message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <hotpatch/elf.h>

#include "base/diag.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void test_status_table(void **state)
{
    int i;
    int k;

    (void)state;
    for (i = 0; i < HP_STATUS_COUNT; i++) {
        const char *name = hp_status_name((enum hp_status)i);
        const char *text = hp_status_text((enum hp_status)i);

        assert_true(name[0] != '\0' && text[0] != '\0');
        assert_null(strchr(name, ' '));
        assert_true(text[strlen(text) - 1] != '.');
        for (k = 0; k < i; k++) {
            assert_string_not_equal(name, hp_status_name((enum hp_status)k));
        }
        assert_int_equal(hp_status_errno((enum hp_status)i) == HP_ERRNO_OK, i == HP_OK);
        assert_string_not_equal(hp_errno_name(hp_status_errno((enum hp_status)i)), "E?");
    }
    assert_string_equal(hp_status_name(HP_OK), "ok");
    assert_string_equal(hp_status_name(HP_RELOC_OVERFLOW), "reloc-overflow");
    assert_int_equal(hp_status_errno(HP_RELOC_OVERFLOW), 75);
    assert_int_equal(hp_status_errno(HP_TRAILING_BYTES), 74);
    assert_int_equal(hp_status_errno(HP_ELF_OSABI), 95);
}

static void test_numbers_that_are_no_status(void **state)
{
    (void)state;
    assert_string_equal(hp_status_name(HP_STATUS_COUNT), "unknown-status");
    assert_string_equal(hp_status_text((enum hp_status) - 1), "unknown status");
    assert_int_equal(hp_status_errno((enum hp_status)4711), HP_ERRNO_EINVAL);
    assert_string_equal(hp_stage_name(HP_STAGE_COUNT), "unknown");
    assert_string_equal(hp_errno_name((enum hp_errno)3), "E?");
}

static void test_errno_names(void **state)
{
    static const struct {
        int value;
        const char *name;
    } rows[] = {{0, "OK"},          {1, "EPERM"},     {2, "ENOENT"},   {7, "E2BIG"},
                {11, "EAGAIN"},     {12, "ENOMEM"},   {13, "EACCES"},  {14, "EFAULT"},
                {16, "EBUSY"},      {17, "EEXIST"},   {22, "EINVAL"},  {34, "ERANGE"},
                {38, "ENOSYS"},     {61, "ENODATA"},  {74, "EBADMSG"}, {75, "EOVERFLOW"},
                {95, "EOPNOTSUPP"}, {105, "ENOBUFS"}, {-22, "E?"},     {106, "E?"}};
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(rows); i++) {
        assert_string_equal(hp_errno_name((enum hp_errno)rows[i].value), rows[i].name);
    }
}

static void test_stage_names(void **state)
{
    static const char *const names[] = {"none",     "call",   "signature", "elf",
                                        "identity", "layout", "symbols",   "reloc",
                                        "records",  "plan",   "action"};
    int i;

    (void)state;
    assert_int_equal(COUNT(names), HP_STAGE_COUNT);
    for (i = 0; i < HP_STAGE_COUNT; i++) {
        assert_string_equal(hp_stage_name((enum hp_stage)i), names[i]);
    }
}

static void test_init(void **state)
{
    struct hp_diag diag;

    (void)state;
    memset(&diag, 0xa5, sizeof(diag));
    hp_diag_init(&diag);
    assert_int_equal(diag.status, HP_OK);
    assert_int_equal(diag.stage, HP_STAGE_NONE);
    assert_true(diag.section == HP_NO_INDEX && diag.relocation == HP_NO_INDEX);
    assert_true(diag.symbol == HP_NO_INDEX && diag.record == HP_NO_INDEX);
    assert_true(diag.offset == HP_NO_OFFSET && diag.has_numbers == 0 && diag.profile == NULL);
    assert_true(diag.machine == 0 && diag.section_name[0] == '\0' && diag.name[0] == '\0');
    hp_diag_init(NULL);
}

static void test_first_failure_wins(void **state)
{
    struct hp_diag diag;

    (void)state;
    hp_diag_init(&diag);
    assert_int_equal(hp_fail_numbers(&diag, HP_STAGE_RELOC, HP_RELOC_OFFSET, 1, 2),
                     HP_RELOC_OFFSET);
    hp_note_section(&diag, 3, ".a");
    hp_note_symbol(&diag, 4, "b", 1);
    hp_note_record(&diag, 5);
    hp_note_relocation(&diag, HP_EM_X86_64, 6, 7);
    hp_note_offset(&diag, 8);
    hp_note_profile(&diag, "p");
    assert_int_equal(hp_fail_numbers(&diag, HP_STAGE_PLAN, HP_NOTE, 3, 4), HP_NOTE);
    assert_int_equal(hp_fail(&diag, HP_STAGE_PLAN, HP_NOTE), HP_NOTE);
    hp_note_section(&diag, 13, ".x");
    hp_note_symbol(&diag, 14, "y", 1);
    hp_note_record(&diag, 15);
    hp_note_relocation(&diag, HP_EM_ARM, 16, 17);
    hp_note_offset(&diag, 18);
    hp_note_profile(&diag, "q");
    assert_int_equal(diag.status, HP_RELOC_OFFSET);
    assert_int_equal(diag.stage, HP_STAGE_RELOC);
    assert_true(diag.expected == 1 && diag.actual == 2 && diag.has_numbers == 1);
    assert_true(diag.section == 3 && diag.symbol == 4 && diag.record == 5);
    assert_true(diag.machine == HP_EM_X86_64 && diag.relocation == 6 && diag.reloc_type == 7);
    assert_true(diag.offset == 8);
    assert_string_equal(diag.section_name, ".a");
    assert_string_equal(diag.name, "b");
    assert_string_equal(diag.profile, "p");
}

static void test_null_record(void **state)
{
    (void)state;
    assert_int_equal(hp_fail(NULL, HP_STAGE_ELF, HP_NOTE), HP_NOTE);
    assert_int_equal(hp_fail_numbers(NULL, HP_STAGE_ELF, HP_NOTE, 1, 2), HP_NOTE);
    hp_note_section(NULL, 1, "a");
    hp_note_symbol(NULL, 1, "a", 1);
    hp_note_record(NULL, 1);
    hp_note_relocation(NULL, 1, 1, 1);
    hp_note_offset(NULL, 1);
    hp_note_profile(NULL, "a");
}

static void test_names_are_cut(void **state)
{
    struct hp_diag diag;
    char exact[HP_DIAG_NAME_MAX];
    char *bare = malloc(200);

    (void)state;
    assert_non_null(bare);
    memset(exact, 'e', sizeof(exact));
    exact[sizeof(exact) - 1] = '\0';
    hp_diag_init(&diag);
    hp_note_symbol(&diag, 1, exact, sizeof(exact));
    assert_string_equal(diag.name, exact);

    /* No NUL within reach: only `length` bytes may be looked at. */
    memset(bare, 'x', 200);
    hp_diag_init(&diag);
    hp_note_symbol(&diag, 1, bare, 200);
    assert_int_equal(strlen(diag.name), HP_DIAG_NAME_MAX - 1);
    assert_string_equal(diag.name + HP_DIAG_NAME_MAX - 5, "x...");
    hp_diag_init(&diag);
    hp_note_symbol(&diag, 1, bare + 198, 2);
    assert_string_equal(diag.name, "xx");
    hp_diag_init(&diag);
    hp_note_symbol(&diag, 1, bare + 200 - (HP_DIAG_NAME_MAX - 1), HP_DIAG_NAME_MAX - 1);
    assert_int_equal(strlen(diag.name), HP_DIAG_NAME_MAX - 1);
    assert_string_equal(diag.name + HP_DIAG_NAME_MAX - 5, "xxxx");

    bare[47] = '\0';
    hp_note_section(&diag, 1, bare);
    assert_string_equal(diag.section_name, bare);
    hp_diag_init(&diag);
    bare[47] = 'x';
    bare[48] = '\0';
    hp_note_section(&diag, 1, bare);
    assert_int_equal(strlen(diag.section_name), HP_DIAG_SECTION_MAX - 1);
    assert_string_equal(diag.section_name + HP_DIAG_SECTION_MAX - 5, "x...");
    free(bare);
}

/* Formats into a buffer of 512 and checks that the returned length is the string's. */
static const char *line_of(const struct hp_diag *diag)
{
    static char buf[512];
    const size_t length = hp_diag_format(diag, buf, sizeof(buf));

    assert_true(length < sizeof(buf));
    assert_int_equal(length, strlen(buf));
    return buf;
}

static struct hp_diag failed(enum hp_stage stage, enum hp_status status)
{
    struct hp_diag diag;

    hp_diag_init(&diag);
    assert_int_equal(hp_fail(&diag, stage, status), status);
    return diag;
}

static void test_message_of_a_relocation(void **state)
{
    struct hp_diag diag = failed(HP_STAGE_RELOC, HP_RELOC_OVERFLOW);

    (void)state;
    hp_note_section(&diag, 7, ".rela.text");
    hp_note_relocation(&diag, HP_EM_X86_64, 12, 2);
    hp_note_offset(&diag, 0x44);
    hp_note_symbol(&diag, 3, "foo", 3);
    diag.expected = 0x7fffffff;
    diag.actual = UINT64_C(0x8000000000001234);
    diag.has_numbers = 1;
    assert_string_equal(line_of(&diag),
                        "the relocated value does not fit its field: R_X86_64_PC32 #12 at "
                        ".text+0x44 in .rela.text, symbol foo, limit 0x7fffffff, value "
                        "0x8000000000001234");

    diag = failed(HP_STAGE_RELOC, HP_RELOC_TYPE);
    hp_note_section(&diag, 7, ".relative");
    hp_note_relocation(&diag, HP_EM_X86_64, 0, 4000000000u);
    hp_note_offset(&diag, 0);
    assert_string_equal(line_of(&diag), "the relocation type is not supported: relocation type "
                                        "4000000000 #0 at offset 0x0 in .relative");

    diag = failed(HP_STAGE_RELOC, HP_RELOC_SYMBOL_INDEX);
    hp_note_section(&diag, 7, NULL);
    hp_note_relocation(&diag, 0, 1, 1);
    hp_note_symbol(&diag, 99, NULL, 0);
    assert_string_equal(line_of(&diag),
                        "the relocation's symbol index is past the symbol table: relocation type "
                        "1 #1 in section #7, symbol #99");

    diag = failed(HP_STAGE_RELOC, HP_RELOC_OFFSET);
    hp_note_section(&diag, 7, ".rel.data");
    hp_note_relocation(&diag, HP_EM_X86_64, 1, 1);
    hp_note_offset(&diag, UINT64_MAX - 1);
    assert_string_equal(line_of(&diag), "the relocated field lies outside its section: "
                                        "R_X86_64_64 #1 at .data+0xfffffffffffffffe in .rel.data");
}

static void test_message_of_sections_and_records(void **state)
{
    struct hp_diag diag = failed(HP_STAGE_ELF, HP_NOTHING_TO_DO);

    (void)state;
    assert_string_equal(line_of(&diag), "the payload has neither functions, hooks nor splices");

    diag = failed(HP_STAGE_ELF, HP_SPECIAL_MISSING);
    hp_note_section(&diag, HP_NO_INDEX, ".livepatch.depends");
    assert_string_equal(line_of(&diag),
                        "a required section is missing: section .livepatch.depends");

    diag = failed(HP_STAGE_ELF, HP_SECTION_ALIGN);
    hp_note_section(&diag, 3, ".text");
    assert_string_equal(line_of(&diag),
                        "the section's alignment is not a power of two: section .text (#3)");

    hp_diag_init(&diag);
    assert_int_equal(hp_fail_numbers(&diag, HP_STAGE_ELF, HP_SECTION_BOUNDS, 0x10, 0x20),
                     HP_SECTION_BOUNDS);
    hp_note_section(&diag, 3, NULL);
    hp_note_offset(&diag, 0x40);
    assert_string_equal(line_of(&diag), "the section lies outside the file: section #3, file "
                                        "offset 0x40, limit 0x10, value 0x20");

    hp_diag_init(&diag);
    assert_int_equal(
        hp_fail_numbers(&diag, HP_STAGE_ELF, HP_FILE_TOO_LARGE, 2097152, UINT64_C(0x100000000)),
        HP_FILE_TOO_LARGE);
    assert_string_equal(line_of(&diag), "the payload file is above the size limit: limit 2097152, "
                                        "found 0x100000000");

    diag = failed(HP_STAGE_RECORDS, HP_RECORD_TARGET);
    hp_note_section(&diag, 9, ".livepatch.funcs");
    hp_note_record(&diag, 3);
    hp_note_symbol(&diag, HP_NO_INDEX, "xen_extra_version", SIZE_MAX);
    assert_string_equal(line_of(&diag), "the function to patch is not found: record 3 of "
                                        ".livepatch.funcs, function xen_extra_version");

    diag = failed(HP_STAGE_SYMBOLS, HP_SYMBOL_UNDEFINED);
    hp_note_symbol(&diag, 5, "printk", 6);
    hp_note_profile(&diag, "xen-4.17");
    assert_string_equal(line_of(&diag), "profile xen-4.17: neither the target nor a loaded payload "
                                        "provides the symbol: symbol printk");

    diag = failed(HP_STAGE_CALL, HP_TARGET_FILE);
    hp_note_symbol(&diag, HP_NO_INDEX, "no symbol table", SIZE_MAX);
    assert_string_equal(line_of(&diag), "the target image cannot be read: no symbol table");
}

static void test_unprintable_bytes(void **state)
{
    struct hp_diag diag = failed(HP_STAGE_SYMBOLS, HP_SYMBOL_EXISTS);

    (void)state;
    hp_note_symbol(&diag, 5, "a\x1b[2J\n\\\x7f\xff~ b", SIZE_MAX);
    assert_string_equal(line_of(&diag),
                        "a new symbol already exists in the target or a loaded payload: symbol "
                        "a\\x1b[2J\\x0a\\x5c\\x7f\\xff~ b");
}

/* Everything set, every byte escaped, every number at its longest: 512 bytes hold it all the same.
 */
static void test_longest_message(void **state)
{
    static const char profile[] = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff";
    static const uint32_t types[] = {2, UINT32_MAX, 42};
    char name[400];
    size_t kind;
    int i;

    (void)state;
    for (kind = 0; kind < COUNT(types) * 2; kind++) {
        memset(name, kind & 1 ? '\xff' : 'n', sizeof(name));
        name[sizeof(name) - 1] = '\0';
        memcpy(name, ".rela.", 6);
        for (i = 0; i < HP_STATUS_COUNT; i++) {
            struct hp_diag diag;
            const char *line;

            hp_diag_init(&diag);
            hp_note_section(&diag, UINT32_MAX - 1, name);
            hp_note_symbol(&diag, UINT32_MAX - 1, name, sizeof(name));
            hp_note_record(&diag, UINT32_MAX - 1);
            hp_note_relocation(&diag, HP_EM_X86_64, UINT32_MAX - 1, types[kind / 2]);
            hp_note_offset(&diag, UINT64_MAX - 1);
            hp_note_profile(&diag, profile);
            diag.status = (enum hp_status)i;
            diag.expected = UINT64_MAX;
            diag.actual = UINT64_MAX;
            diag.has_numbers = 1;
            line = line_of(&diag);
            assert_non_null(strstr(line, "..."));
            assert_non_null(strstr(line, "0xffffffffffffffff"));
        }
    }
}

static void test_short_buffers(void **state)
{
    struct hp_diag diag = failed(HP_STAGE_SYMBOLS, HP_SYMBOL_TLS);
    char whole[512];
    size_t length;
    size_t size;

    (void)state;
    hp_note_symbol(&diag, 5,
                   "a\xff"
                   "b",
                   SIZE_MAX);
    length = hp_diag_format(&diag, whole, sizeof(whole));
    assert_int_equal(hp_diag_format(&diag, NULL, 0), length);
    for (size = 1; size <= length + 2; size++) {
        char *buf = malloc(size);
        const size_t kept = size - 1 < length ? size - 1 : length;

        assert_non_null(buf);
        assert_int_equal(hp_diag_format(&diag, buf, size), length);
        assert_int_equal(strlen(buf), kept);
        assert_memory_equal(buf, whole, kept);
        free(buf);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_status_table),
        cmocka_unit_test(test_numbers_that_are_no_status),
        cmocka_unit_test(test_errno_names),
        cmocka_unit_test(test_stage_names),
        cmocka_unit_test(test_init),
        cmocka_unit_test(test_first_failure_wins),
        cmocka_unit_test(test_null_record),
        cmocka_unit_test(test_names_are_cut),
        cmocka_unit_test(test_message_of_a_relocation),
        cmocka_unit_test(test_message_of_sections_and_records),
        cmocka_unit_test(test_unprintable_bytes),
        cmocka_unit_test(test_longest_message),
        cmocka_unit_test(test_short_buffers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
