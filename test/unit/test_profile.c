/* SPDX-License-Identifier: BSD-2-Clause */
/* links: test_port */
/* Profiles: the built-in ones by name, and each rule that xen-4.17 adds, told as the profile's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "test_port.h"

/* Loads under a profile; asserts the status, and whether the refusal is told as the profile's. */
static void refused_by(const struct hp_profile *profile, struct eb_payload *p,
                       enum hp_status wanted, struct hp_diag *diag)
{
    const struct hp_load_options options = {.size = sizeof(options), .profile = profile};
    struct hp_port *port = tp_new();
    struct hp_payload payload;

    assert_int_equal(tp_load(port, p, &options, &payload, diag), wanted);
    if (wanted == HP_OK) {
        assert_ptr_equal(payload.profile, profile);
        hp_payload_unload(&payload);
    }
    tp_free(port);
}

static void refused_by_xen(struct eb_payload *p, enum hp_status wanted, struct hp_diag *diag)
{
    refused_by(&hp_profile_xen_4_17, p, wanted, diag);
    assert_non_null(diag->profile);
    assert_string_equal(diag->profile, "xen-4.17");
}

/* The payload that a refused one is one step away from. */
static struct eb_payload sound(void)
{
    struct eb_payload p = eb_payload_new(true, HP_EM_X86_64, NULL);

    eb_payload_function(&p, "target_function", TP_FUNCTION_SIZE);
    return p;
}

static void test_find(void **state)
{
    const struct hp_profile *profile;
    size_t n;

    (void)state;
    assert_ptr_equal(hp_profile_find("hotpatch"), &hp_profile_default);
    assert_ptr_equal(hp_profile_find("xen-4.17"), &hp_profile_xen_4_17);
    assert_null(hp_profile_find("xen-4.1"));
    assert_null(hp_profile_find("xen-4.177"));
    assert_null(hp_profile_find("Hotpatch"));
    assert_null(hp_profile_find(""));
    for (n = 0; (profile = hp_profile_at(n)) != NULL; n++) {
        assert_ptr_equal(hp_profile_find(profile->name), profile);
    }
    assert_int_equal(n, 2);
    assert_false(hp_profile_default.xen_depends_required);
    assert_true(hp_profile_xen_4_17.xen_depends_required); /* beside its refusal of version 1 */
    assert_null(hp_profile_at(n + 1));
    assert_null(hp_profile_at(SIZE_MAX));
}

static void test_sound_payload(void **state)
{
    struct eb_payload p = sound();
    struct hp_diag diag;

    (void)state;
    refused_by(&hp_profile_xen_4_17, &p, HP_OK, &diag);
    p = sound();
    refused_by(&hp_profile_default, &p, HP_OK, &diag);
}

static void test_record_version(void **state)
{
    struct eb_payload p = eb_payload_new(true, HP_EM_X86_64, NULL);
    struct hp_diag diag;

    (void)state;
    p.version = 1;
    eb_payload_function(&p, "target_function", TP_FUNCTION_SIZE);
    refused_by_xen(&p, HP_RECORD_VERSION, &diag);
    assert_int_equal(diag.stage, HP_STAGE_RECORDS);
    assert_int_equal(diag.record, 0);
    assert_string_equal(diag.section_name, ".livepatch.funcs");
}

static void test_relocation_types(void **state)
{
    static const uint32_t types[] = {0, 1, 2, 4, 9, 10, 11, 12, 13, 14, 15, 24, 41, 42};
    size_t n;

    (void)state;
    for (n = 0; n < sizeof(types) / sizeof(types[0]); n++) {
        struct eb_payload p = sound();
        uint32_t symbol = eb_symbol(p.b, "a", HP_STB_LOCAL, HP_STT_NOTYPE, p.text, 0, 0);
        struct hp_diag diag;

        eb_rela(p.b, p.text, 0, types[n], symbol, 0);
        if (types[n] <= 4) {
            refused_by(&hp_profile_xen_4_17, &p, HP_OK, &diag);
            continue;
        }
        refused_by_xen(&p, HP_RELOC_TYPE, &diag);
        assert_int_equal(diag.stage, HP_STAGE_RELOC);
        assert_int_equal(diag.reloc_type, types[n]);
        assert_int_equal(diag.relocation, 0);
        assert_int_equal(diag.offset, 0);
        assert_string_equal(diag.section_name, ".rela.text");
        assert_string_equal(diag.name, "a");
    }
}

/* A type that the library does not know either is no rule of the profile's. */
static void test_relocation_type_unknown(void **state)
{
    struct eb_payload p = sound();
    struct hp_diag diag;

    (void)state;
    eb_rela_raw(p.b, p.text, 0, 37, 1, 0);
    refused_by(&hp_profile_xen_4_17, &p, HP_RELOC_TYPE, &diag);
    assert_null(diag.profile);
}

static void test_weak(void **state)
{
    struct eb_payload p = sound();
    struct hp_diag diag;

    (void)state;
    eb_symbol(p.b, "absent", HP_STB_WEAK, HP_STT_NOTYPE, EB_UNDEF, 0, 0);
    refused_by_xen(&p, HP_SYMBOL_UNDEFINED, &diag);
    assert_int_equal(diag.stage, HP_STAGE_SYMBOLS);
    assert_string_equal(diag.name, "absent");
    p = sound();
    eb_symbol(p.b, "absent", HP_STB_WEAK, HP_STT_NOTYPE, EB_UNDEF, 0, 0);
    refused_by(&hp_profile_default, &p, HP_OK, &diag);
    p = sound(); /* one that is not weak is refused by everybody */
    eb_undefined(p.b, "absent");
    refused_by(&hp_profile_xen_4_17, &p, HP_SYMBOL_UNDEFINED, &diag);
    assert_null(diag.profile);
}

/* What is wrong with a weak symbol besides is no rule of the profile's. */
static void test_weak_ambiguous(void **state)
{
    const struct hp_load_options options = {.size = sizeof(options),
                                            .profile = &hp_profile_xen_4_17};
    struct hp_port *port = tp_new();
    struct eb_payload p = sound();
    struct hp_payload payload;
    struct hp_diag diag;

    (void)state;
    tp_add_local(port, "a.c", "twice", TP_TEXT, 8);
    tp_add_local(port, "a.c", "twice", TP_TEXT + 8, 8);
    eb_symbol(p.b, "a.c#twice", HP_STB_WEAK, HP_STT_NOTYPE, EB_UNDEF, 0, 0);
    assert_int_equal(tp_load(port, &p, &options, &payload, &diag), HP_SYMBOL_AMBIGUOUS);
    assert_null(diag.profile);
    tp_free(port);
}

static void test_new_locals(void **state)
{
    struct eb_payload p = sound();
    struct hp_diag diag;
    uint32_t data;

    (void)state;
    data = eb_section(p.b, ".rodata", HP_SHT_PROGBITS, HP_SHF_ALLOC, 1, NULL, 8);
    eb_symbol(p.b, "target_function", HP_STB_LOCAL, HP_STT_OBJECT, data, 0, 8);
    refused_by_xen(&p, HP_SYMBOL_EXISTS, &diag);
    assert_int_equal(diag.stage, HP_STAGE_SYMBOLS);
    assert_string_equal(diag.name, "target_function");
    p = sound();
    data = eb_section(p.b, ".rodata", HP_SHT_PROGBITS, HP_SHF_ALLOC, 1, NULL, 8);
    eb_symbol(p.b, "target_function", HP_STB_LOCAL, HP_STT_OBJECT, data, 0, 8);
    refused_by(&hp_profile_default, &p, HP_OK, &diag);
    p = sound(); /* a global one is refused by everybody */
    data = eb_section(p.b, ".rodata", HP_SHT_PROGBITS, HP_SHF_ALLOC, 1, NULL, 8);
    eb_symbol(p.b, "target_function", HP_STB_GLOBAL, HP_STT_OBJECT, data, 0, 8);
    refused_by(&hp_profile_xen_4_17, &p, HP_SYMBOL_EXISTS, &diag);
    assert_null(diag.profile);
}

/* An assembler's own label is no name that could exist already. */
static void test_assembler_labels(void **state)
{
    const struct hp_load_options options = {.size = sizeof(options),
                                            .profile = &hp_profile_xen_4_17};
    struct hp_port *port = tp_new();
    struct eb_payload p = sound();
    struct hp_payload payload;
    struct hp_diag diag;

    (void)state;
    tp_add_function(port, ".LC0", TP_TEXT, 8);
    eb_symbol(p.b, ".LC0", HP_STB_LOCAL, HP_STT_NOTYPE, p.strings, 0, 0);
    assert_int_equal(tp_load(port, &p, &options, &payload, &diag), HP_OK);
    assert_int_equal(payload.provided.count, 0);
    hp_payload_unload(&payload);
    p = sound();
    eb_symbol(p.b, ".LC0", HP_STB_GLOBAL, HP_STT_NOTYPE, p.strings, 0, 0);
    assert_int_equal(tp_load(port, &p, &options, &payload, &diag), HP_SYMBOL_EXISTS);
    tp_free(port);
}

/* xen-4.17 takes fewer than 1,024 section headers, the first one included. */
static void test_sections(void **state)
{
    uint32_t count;

    (void)state;
    for (count = 1023; count <= 1024; count++) {
        struct eb_payload p = sound();
        struct hp_diag diag;
        uint32_t last;

        do { /* .symtab, .strtab and .shstrtab follow */
            last = eb_section(p.b, ".rodata.more", HP_SHT_PROGBITS, HP_SHF_ALLOC, 1, NULL, 1);
        } while (last + 4 < count);
        if (count == 1023) {
            refused_by(&hp_profile_xen_4_17, &p, HP_OK, &diag);
        } else {
            refused_by_xen(&p, HP_ELF_TOO_MANY_SECTIONS, &diag);
            assert_int_equal(diag.stage, HP_STAGE_ELF);
            assert_true(diag.has_numbers);
            assert_int_equal(diag.expected, 1023);
            assert_int_equal(diag.actual, 1024);
        }
    }
}

/* More than the profile takes but not more than the default does: the profile's rule. */
static void test_symbol_name_length(void **state)
{
    char name[129];
    char longest[513];
    struct eb_record record = {.new_size = 5, .old_size = 9};
    struct eb_payload p = sound();
    struct hp_diag diag;

    (void)state;
    memset(name, 'n', sizeof(name));
    name[127] = '\0';
    eb_symbol(p.b, name, HP_STB_GLOBAL, HP_STT_FUNC, p.text, 0, 1);
    refused_by(&hp_profile_xen_4_17, &p, HP_OK, &diag);
    name[127] = 'n';
    name[128] = '\0';
    p = sound();
    eb_undefined(p.b, name);
    refused_by_xen(&p, HP_SYMBOL_NAME_LENGTH, &diag);
    assert_int_equal(diag.expected, 127);
    assert_int_equal(diag.actual, 128);
    p = sound();
    eb_append(p.b, p.text, 1, NULL, 8);
    eb_symbol(p.b, name, HP_STB_GLOBAL, HP_STT_FUNC, p.text, 20, 1);
    refused_by_xen(&p, HP_SYMBOL_NAME_LENGTH, &diag);
    p = eb_payload_new(true, HP_EM_X86_64, NULL); /* the same for the name in a record */
    record.name = name;
    eb_payload_record(&p, &record);
    refused_by_xen(&p, HP_RECORD_NAME_UNTERMINATED, &diag);
    p = eb_payload_new(true, HP_EM_X86_64, NULL);
    eb_payload_record(&p, &record);
    refused_by(&hp_profile_default, &p, HP_RECORD_TARGET, &diag);
    p = eb_payload_new(true, HP_EM_X86_64, NULL); /* nobody takes one that does not end */
    memset(longest, 'n', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    record.name = longest;
    eb_payload_record(&p, &record);
    refused_by(&hp_profile_xen_4_17, &p, HP_RECORD_NAME_UNTERMINATED, &diag);
    assert_null(diag.profile);
}

/* Xen 4.17 looks "symbol+offset" up as it stands, and finds nothing. */
static void test_name_offset(void **state)
{
    struct eb_payload p = eb_payload_new(true, HP_EM_X86_64, NULL);
    struct hp_diag diag;

    (void)state;
    eb_payload_function(&p, "target_function+0", TP_FUNCTION_SIZE);
    refused_by(&hp_profile_default, &p, HP_OK, &diag);
    p = eb_payload_new(true, HP_EM_X86_64, NULL);
    eb_payload_function(&p, "target_function+0", TP_FUNCTION_SIZE);
    refused_by(&hp_profile_xen_4_17, &p, HP_RECORD_TARGET, &diag);
    assert_int_equal(diag.record, 0);
    assert_string_equal(diag.name, "target_function+0");
    assert_non_null(diag.profile);
    assert_string_equal(diag.profile, "xen-4.17");
}

/* Xen would ignore splices, and the payload would do half of what it says. */
static void test_splices(void **state)
{
    const struct eb_splice splice = {.name = "target_function+8",
                                     .kind = HP_SPLICE_KIND_BYTES,
                                     .size = 1,
                                     .old_bytes = {0xcc},
                                     .new_bytes = {0x90}};
    struct eb_payload p = sound();
    struct hp_diag diag;

    (void)state;
    eb_payload_splice(&p, &splice);
    refused_by_xen(&p, HP_SPECIAL_UNSUPPORTED, &diag);
    assert_string_equal(diag.section_name, ".hotpatch.splices");
    p = sound();
    eb_payload_splice(&p, &splice);
    refused_by(&hp_profile_default, &p, HP_OK, &diag);
}

/* The forms for very many sections, which Xen 4.17 does not know. */
static void test_extended_numbers(void **state)
{
    static const struct {
        enum eb_option option;
        enum hp_status status;
    } forms[] = {{EB_EXTENDED_SHNUM, HP_ELF_NO_SECTIONS},
                 {EB_EXTENDED_SHSTRNDX, HP_ELF_SHSTRNDX},
                 {EB_EXTENDED_SYMBOLS, HP_SYMTAB_SHNDX}};
    struct eb_payload p;
    struct hp_diag diag;
    size_t n;

    (void)state;
    for (n = 0; n < sizeof(forms) / sizeof(forms[0]); n++) {
        p = sound();
        eb_option(p.b, forms[n].option);
        refused_by(&hp_profile_default, &p, HP_OK, &diag);
        p = sound();
        eb_option(p.b, forms[n].option);
        refused_by_xen(&p, forms[n].status, &diag);
        assert_int_equal(diag.stage, HP_STAGE_ELF);
    }
}

/* R_X86_64_NONE needs no symbol, but Xen 4.17 looks first. */
/* The gABI takes it for 1; Xen takes it in some sections only. */
static void test_zero_align(void **state)
{
    struct eb_payload p = sound();
    struct hp_diag diag;

    (void)state;
    eb_section(p.b, ".rodata.zero", HP_SHT_PROGBITS, HP_SHF_ALLOC, 0, "x", 1);
    eb_section(p.b, ".comment", HP_SHT_PROGBITS, 0, 0, "x", 1);
    refused_by_xen(&p, HP_SECTION_ALIGN, &diag);
    assert_string_equal(diag.section_name, ".rodata.zero");
    p = sound();
    eb_section(p.b, ".comment", HP_SHT_PROGBITS, 0, 0, "x", 1);
    refused_by(&hp_profile_xen_4_17, &p, HP_OK, &diag);
    p = sound();
    eb_section(p.b, ".rodata.zero", HP_SHT_PROGBITS, HP_SHF_ALLOC, 0, "x", 1);
    refused_by(&hp_profile_default, &p, HP_OK, &diag);
}

/* Not even of an empty one. */
static void test_section_offset(void **state)
{
    static const uint32_t offsets[] = {0, 63, 64};
    struct hp_diag diag;
    size_t n;

    (void)state;
    for (n = 0; n < sizeof(offsets) / sizeof(offsets[0]); n++) {
        const struct hp_load_options options = {.size = sizeof(options),
                                                .profile = &hp_profile_xen_4_17};
        const enum hp_status wanted = offsets[n] < 64 ? HP_SECTION_OFFSET : HP_OK;
        struct eb_payload p = sound();
        struct hp_port *port = tp_new();
        struct hp_payload payload;
        uint8_t *file;
        size_t size;

        eb_section(p.b, ".comment", HP_SHT_PROGBITS, 0, 1, NULL, 0);
        file = eb_payload_finish(&p, &size);
        eb_set_section(file, eb_find(file, ".comment"), EB_SH_OFFSET, offsets[n]);
        assert_int_equal(tp_load_file(port, file, size, &options, &payload, &diag), wanted);
        if (wanted == HP_OK) {
            hp_payload_unload(&payload);
        } else {
            assert_string_equal(diag.section_name, ".comment");
            assert_string_equal(diag.profile, "xen-4.17");
        }
        tp_free(port);
    }
}

/* What the gABI says to be no section Xen takes for one. */
static void test_null_section(void **state)
{
    struct eb_payload p = sound();
    struct hp_diag diag;

    (void)state;
    eb_section(p.b, ".none", HP_SHT_NULL, 0, 1, NULL, 0);
    refused_by_xen(&p, HP_SECTION_NULL, &diag);
    assert_string_equal(diag.section_name, ".none");
    p = sound();
    eb_section(p.b, ".none", HP_SHT_NULL, 0, 1, NULL, 0);
    refused_by(&hp_profile_default, &p, HP_OK, &diag);
}

static void test_reloc_without_symbol(void **state)
{
    struct eb_payload p;
    struct hp_diag diag;
    unsigned pass;

    (void)state;
    for (pass = 0; pass < 2; pass++) {
        p = sound();
        eb_rela_raw(p.b, p.text, 0, 0, 0, 0);
        if (pass == 0) {
            refused_by(&hp_profile_default, &p, HP_OK, &diag);
        } else {
            refused_by_xen(&p, HP_RELOC_SYMBOL_ZERO, &diag);
        }
    }
    assert_int_equal(diag.relocation, 0);
    p = sound(); /* with any other type that is no matter of the profile */
    eb_rela_raw(p.b, p.text, 0, 2, 0, 0);
    refused_by(&hp_profile_xen_4_17, &p, HP_RELOC_SYMBOL_ZERO, &diag);
    assert_null(diag.profile);
}

/* With records of version 1, only a profile demands the section. */
static void test_xen_depends(void **state)
{
    const struct eb_ids ids = {.no_xen_depends = true};
    struct hp_profile profile = hp_profile_default;
    struct eb_payload p = eb_payload_new(true, HP_EM_X86_64, &ids);
    struct hp_diag diag;

    (void)state;
    profile.name = "mine";
    p.version = 1;
    eb_payload_function(&p, "target_function", TP_FUNCTION_SIZE);
    refused_by(&profile, &p, HP_OK, &diag);
    profile.xen_depends_required = true;
    p = eb_payload_new(true, HP_EM_X86_64, &ids);
    p.version = 1;
    eb_payload_function(&p, "target_function", TP_FUNCTION_SIZE);
    refused_by(&profile, &p, HP_SPECIAL_MISSING, &diag);
    assert_int_equal(diag.stage, HP_STAGE_IDENTITY);
    assert_string_equal(diag.section_name, ".livepatch.xen_depends");
    assert_non_null(diag.profile);
    assert_string_equal(diag.profile, "mine");
    p = eb_payload_new(true, HP_EM_X86_64, &ids); /* with version 2 the format does */
    eb_payload_function(&p, "target_function", TP_FUNCTION_SIZE);
    refused_by(&profile, &p, HP_SPECIAL_MISSING, &diag);
    assert_null(diag.profile);
}

/* Limits of one's own, told as such: the last value that passes and the first that does not. */
static void test_own_limits(void **state)
{
    struct hp_profile profile = hp_profile_default;
    struct eb_payload p = sound();
    struct hp_diag diag;
    size_t size;

    (void)state;
    profile.name = "mine";
    free(eb_finish(p.b, &size));
    profile.file_max = (uint32_t)size;
    refused_by(&profile, &p, HP_OK, &diag);
    profile.file_max = (uint32_t)size - 1;
    p = sound();
    refused_by(&profile, &p, HP_FILE_TOO_LARGE, &diag);
    assert_int_equal(diag.stage, HP_STAGE_ELF);
    assert_int_equal(diag.expected, size - 1);
    assert_int_equal(diag.actual, size);
    assert_non_null(diag.profile);
    assert_string_equal(diag.profile, "mine");
}

static void test_own_image_limits(void **state)
{
    struct hp_profile profile = hp_profile_default;
    struct eb_payload p = sound();
    struct hp_diag diag;

    (void)state;
    profile.name = "mine";
    profile.nobits_max = 100;
    eb_section(p.b, ".bss", HP_SHT_NOBITS, HP_SHF_ALLOC | HP_SHF_WRITE, 1, NULL, 100);
    refused_by(&profile, &p, HP_OK, &diag);
    p = sound();
    eb_section(p.b, ".bss", HP_SHT_NOBITS, HP_SHF_ALLOC | HP_SHF_WRITE, 1, NULL, 101);
    refused_by(&profile, &p, HP_NOBITS_TOO_LARGE, &diag);
    assert_non_null(diag.profile);
    assert_string_equal(diag.profile, "mine");
    profile.image_max = 3 * TP_PAGE - 1;
    p = sound();
    refused_by(&profile, &p, HP_IMAGE_TOO_LARGE, &diag);
    assert_non_null(diag.profile);
    assert_string_equal(diag.profile, "mine");
    p = sound(); /* what the default refuses as well is nobody's own rule */
    eb_section(p.b, ".bss", HP_SHT_NOBITS, HP_SHF_ALLOC | HP_SHF_WRITE, 1, NULL, 3u << 20);
    refused_by(&profile, &p, HP_NOBITS_TOO_LARGE, &diag);
    assert_null(diag.profile);
}

/* A library that was built with everything says so. */
static void test_version(void **state)
{
    (void)state;
    assert_string_equal(hp_version(), HP_VERSION_STRING);
    assert_int_equal(hp_features(), HP_FEATURE_SIGNATURES | HP_FEATURE_SPLICES);
    assert_true(hp_has_machine(HP_EM_X86_64));
    assert_false(hp_has_machine(3)); /* EM_386 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_sound_payload),
        cmocka_unit_test(test_record_version),
        cmocka_unit_test(test_relocation_types),
        cmocka_unit_test(test_relocation_type_unknown),
        cmocka_unit_test(test_weak),
        cmocka_unit_test(test_weak_ambiguous),
        cmocka_unit_test(test_new_locals),
        cmocka_unit_test(test_assembler_labels),
        cmocka_unit_test(test_sections),
        cmocka_unit_test(test_symbol_name_length),
        cmocka_unit_test(test_zero_align),
        cmocka_unit_test(test_section_offset),
        cmocka_unit_test(test_null_section),
        cmocka_unit_test(test_reloc_without_symbol),
        cmocka_unit_test(test_name_offset),
        cmocka_unit_test(test_splices),
        cmocka_unit_test(test_extended_numbers),
        cmocka_unit_test(test_xen_depends),
        cmocka_unit_test(test_own_limits),
        cmocka_unit_test(test_version),
        cmocka_unit_test(test_own_image_limits),
    };

    return cmocka_run_group_tests_name("profile", tests, NULL, NULL);
}
