/* SPDX-License-Identifier: BSD-2-Clause */
/* links: test_port */
/* Symbols of a payload: how each kind is resolved, which are refused, which become new ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "test_port.h"

#define R_64 1u

/* A payload with `size` more bytes in .text behind its one function, free of symbols. */
static struct eb_payload sound(size_t size)
{
    struct eb_payload p = eb_payload_new(true, HP_EM_X86_64, NULL);

    eb_payload_function(&p, "target_function", TP_FUNCTION_SIZE);
    eb_append(p.b, p.text, 1, NULL, size);
    return p;
}

static uint64_t load_word(const uint8_t *p)
{
    uint64_t value = 0;
    unsigned n;

    for (n = 0; n < 8; n++) {
        value |= (uint64_t)p[n] << (8 * n);
    }
    return value;
}

/* Loads a payload that must be refused at a symbol of this name. */
static struct hp_diag refuse(struct hp_port *port, struct eb_payload *p,
                             const struct hp_load_options *options, enum hp_status wanted,
                             const char *name)
{
    struct hp_payload payload;
    struct hp_diag diag;

    assert_int_equal(tp_load(port, p, options, &payload, &diag), wanted);
    assert_int_equal(diag.stage, HP_STAGE_SYMBOLS);
    assert_string_equal(diag.name, name);
    assert_int_not_equal(diag.symbol, HP_NO_INDEX);
    return diag;
}

/* ---- values -------------------------------------------------------------------------------- */

/* Stores the value of a symbol in a section of its own and returns what was stored. */
static uint64_t value_of(struct hp_port *port, struct eb_payload *p, uint32_t symbol)
{
    uint32_t section = eb_section(p->b, ".rodata.value", HP_SHT_PROGBITS, HP_SHF_ALLOC, 8,
                                  "\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa", 8);
    struct hp_payload payload;
    struct hp_diag diag;
    uint64_t value;

    eb_rela(p->b, section, 0, R_64, symbol, 0);
    assert_int_equal(tp_load(port, p, NULL, &payload, &diag), HP_OK);
    value = load_word(tp_host(&payload, section));
    hp_payload_unload(&payload);
    return value;
}

static void test_values(void **state)
{
    static const uint64_t absolutes[] = {0, 1, UINT64_C(0x8000000000000000), UINT64_MAX};
    struct hp_port *port = tp_new();
    struct eb_payload p;
    size_t n;

    (void)state;
    p = sound(0);
    assert_int_equal(value_of(port, &p, eb_undefined(p.b, "target_function")), TP_FUNCTION);
    p = sound(0);
    assert_int_equal(value_of(port, &p, eb_section_symbol(p.b, p.text)), TP_IMAGE);
    p = sound(0);
    assert_int_equal(
        value_of(port, &p, eb_symbol(p.b, "l", HP_STB_LOCAL, HP_STT_FUNC, p.text, 5, 1)),
        TP_IMAGE + 5);
    for (n = 0; n < sizeof(absolutes) / sizeof(absolutes[0]); n++) {
        p = sound(0);
        assert_int_equal(
            value_of(port, &p,
                     eb_symbol(p.b, "abs", HP_STB_GLOBAL, HP_STT_NOTYPE, EB_ABS, absolutes[n], 0)),
            absolutes[n]);
    }
    tp_free(port);
}

static void test_weak_undefined(void **state)
{
    struct hp_port *port = tp_new();
    struct eb_payload p = sound(0);

    (void)state;
    assert_int_equal(
        value_of(port, &p, eb_symbol(p.b, "absent", HP_STB_WEAK, HP_STT_FUNC, EB_UNDEF, 0, 0)), 0);
    p = sound(0); /* one that somebody provides is taken */
    assert_int_equal(
        value_of(port, &p,
                 eb_symbol(p.b, "target_function", HP_STB_WEAK, HP_STT_FUNC, EB_UNDEF, 0, 0)),
        TP_FUNCTION);
    tp_free(port);
}

static void test_file_scoped(void **state)
{
    static const int order[10] = {7, 2, 9, 0, 4, 1, 8, 3, 6, 5};
    struct hp_port *port = tp_new();
    char files[10][16];
    int n;

    (void)state;
    for (n = 0; n < 10; n++) { /* ten of one name, shuffled */
        (void)snprintf(files[order[n]], sizeof(files[0]), "file%d.c", order[n]);
        tp_add_local(port, files[order[n]], "helper", TP_TEXT + 0x100 * (uint64_t)order[n], 64);
    }
    for (n = 0; n < 10; n++) {
        struct eb_payload p = sound(0);
        char name[32];

        (void)snprintf(name, sizeof(name), "file%d.c#helper", n);
        assert_int_equal(value_of(port, &p, eb_undefined(p.b, name)),
                         TP_TEXT + 0x100 * (uint64_t)n);
    }
    {
        struct eb_payload p = sound(0);

        eb_undefined(p.b, "helper"); /* a plain name means a global one */
        refuse(port, &p, NULL, HP_SYMBOL_UNDEFINED, "helper");
        tp_add_local(port, files[3], "helper", TP_TEXT, 64);
        p = sound(0);
        eb_undefined(p.b, "file3.c#helper");
        refuse(port, &p, NULL, HP_SYMBOL_AMBIGUOUS, "file3.c#helper");
    }
    tp_free(port);
}

/* Assemblers refer to the GOT by name; a payload that has one of its own means that one. */
static void test_own_got(void **state)
{
    struct hp_port *port = tp_new();
    struct eb_payload p = sound(0);
    uint32_t got = eb_undefined(p.b, "_GLOBAL_OFFSET_TABLE_");
    struct hp_payload payload;
    struct hp_diag diag;
    uint32_t section;

    (void)state;
    section = eb_section(p.b, ".rodata.value", HP_SHT_PROGBITS, HP_SHF_ALLOC, 8, NULL, 16);
    eb_rela(p.b, section, 0, R_64, got, 0);
    eb_rela(p.b, section, 8, 9, eb_undefined(p.b, "target_function"), 0); /* GOTPCREL */
    assert_int_equal(tp_load(port, &p, NULL, &payload, &diag), HP_OK);
    assert_int_equal(payload.image.got_count, 1);
    assert_int_equal(load_word(tp_host(&payload, section)),
                     payload.image.memory.addr + payload.image.got_offset);
    hp_payload_unload(&payload);
    p = sound(0); /* one without asks the target */
    eb_undefined(p.b, "_GLOBAL_OFFSET_TABLE_");
    refuse(port, &p, NULL, HP_SYMBOL_UNDEFINED, "_GLOBAL_OFFSET_TABLE_");
    tp_free(port);
}

/* ---- refusals ------------------------------------------------------------------------------ */

static void test_undefined(void **state)
{
    struct hp_port *port = tp_new();
    struct eb_payload p = sound(0);
    struct hp_diag diag;

    (void)state;
    eb_undefined(p.b, "nobody_has_this");
    diag = refuse(port, &p, NULL, HP_SYMBOL_UNDEFINED, "nobody_has_this");
    assert_int_equal(hp_status_errno(diag.status), HP_ERRNO_ENOENT);
    p = sound(0); /* a prefix and an extension of a name are other names */
    eb_undefined(p.b, "target_functio");
    refuse(port, &p, NULL, HP_SYMBOL_UNDEFINED, "target_functio");
    p = sound(0);
    eb_undefined(p.b, "target_function_");
    refuse(port, &p, NULL, HP_SYMBOL_UNDEFINED, "target_function_");
    p = sound(0);
    eb_undefined(p.b, "");
    refuse(port, &p, NULL, HP_SYMBOL_NAME, "");
    tp_free(port);
}

static void test_kinds(void **state)
{
    struct hp_port *port = tp_new();
    struct eb_payload p = sound(0);
    struct hp_diag diag;

    (void)state;
    eb_symbol(p.b, "tls", HP_STB_GLOBAL, HP_STT_TLS, p.text, 0, 0);
    diag = refuse(port, &p, NULL, HP_SYMBOL_TLS, "tls");
    assert_int_equal(hp_status_errno(diag.status), HP_ERRNO_EOPNOTSUPP);
    p = sound(0);
    eb_symbol(p.b, "tls_undefined", HP_STB_GLOBAL, HP_STT_TLS, EB_UNDEF, 0, 0);
    refuse(port, &p, NULL, HP_SYMBOL_TLS, "tls_undefined");
    p = sound(0);
    eb_symbol(p.b, "ifunc", HP_STB_GLOBAL, HP_STT_GNU_IFUNC, p.text, 0, 0);
    diag = refuse(port, &p, NULL, HP_SYMBOL_IFUNC, "ifunc");
    assert_int_equal(hp_status_errno(diag.status), HP_ERRNO_EOPNOTSUPP);
    p = sound(0);
    eb_symbol(p.b, "common", HP_STB_GLOBAL, HP_STT_OBJECT, EB_COMMON, 8, 8);
    diag = refuse(port, &p, NULL, HP_SYMBOL_COMMON, "common");
    assert_int_equal(hp_status_errno(diag.status), HP_ERRNO_EINVAL);
    tp_free(port);
}

static void test_value_range(void **state)
{
    static const uint64_t past[] = {17, UINT64_C(1) << 32, UINT64_MAX};
    struct hp_port *port = tp_new();
    struct eb_payload p = sound(0);
    struct hp_diag diag;
    size_t n;

    (void)state;
    assert_int_equal(
        value_of(port, &p, eb_symbol(p.b, "end", HP_STB_LOCAL, HP_STT_NOTYPE, p.text, 16, 0)),
        TP_IMAGE + 16);
    p = sound(0); /* the same for one with a GOT slot */
    n = eb_symbol(p.b, "end", HP_STB_LOCAL, HP_STT_NOTYPE, p.text, 16, 0);
    eb_rela(p.b, p.text, 0, 9, (uint32_t)n, 0);
    assert_int_equal(value_of(port, &p, (uint32_t)n), TP_IMAGE + 16);
    for (n = 0; n < sizeof(past) / sizeof(past[0]); n++) {
        p = sound(0);
        eb_symbol(p.b, "past", HP_STB_LOCAL, HP_STT_NOTYPE, p.text, past[n], 0);
        diag = refuse(port, &p, NULL, HP_SYMBOL_VALUE, "past");
        assert_int_equal(diag.expected, 16);
        assert_int_equal(diag.actual, past[n]);
    }
    p = sound(0); /* where nothing is loaded, nothing is checked */
    eb_symbol(p.b, "past", HP_STB_LOCAL, HP_STT_NOTYPE,
              eb_section(p.b, ".debug_x", HP_SHT_PROGBITS, 0, 1, NULL, 4), 5, 0);
    assert_int_equal(value_of(port, &p, p.strings_sym), TP_IMAGE + 2 * TP_PAGE);
    tp_free(port);
}

static void test_section_index(void **state)
{
    static const uint16_t indexes[] = {0xfeff, 0xff00, 0xfff0, 0xfff3, 0xfffe, 0xffff};
    struct hp_port *port = tp_new();
    size_t n;

    (void)state;
    for (n = 0; n < sizeof(indexes) / sizeof(indexes[0]); n++) {
        struct hp_payload payload;
        struct hp_diag diag;
        size_t size;
        uint8_t *file = eb_minimal(true, HP_EM_X86_64, &size);
        uint32_t symbol = eb_find_symbol(file, "new_target_function");

        eb_set_symbol(file, symbol, EB_ST_SHNDX, indexes[n]);
        assert_int_equal(tp_load_file(port, file, size, NULL, &payload, &diag),
                         indexes[n] == 0xffff ? HP_SYMTAB_SHNDX : HP_SYMBOL_SECTION);
        assert_int_equal(diag.stage, HP_STAGE_SYMBOLS);
        assert_int_equal(diag.symbol, symbol);
        assert_int_equal(port->calls, 0);
    }
    tp_free(port);
}

static void test_name_offset(void **state)
{
    struct hp_port *port = tp_new();
    struct hp_payload payload;
    struct hp_diag diag;
    size_t size;
    uint8_t *file = eb_minimal(true, HP_EM_X86_64, &size);
    uint64_t strings = eb_get_section(file, eb_find(file, ".strtab"), EB_SH_SIZE);

    (void)state;
    eb_set_symbol(file, 1, EB_ST_NAME, strings);
    assert_int_equal(tp_load_file(port, file, size, NULL, &payload, &diag), HP_SYMBOL_NAME);
    assert_int_equal(diag.stage, HP_STAGE_SYMBOLS);
    assert_int_equal(diag.symbol, 1);
    assert_int_equal(diag.expected, strings);
    assert_int_equal(diag.actual, strings);
    tp_free(port);
}

static void test_name_length(void **state)
{
    struct hp_port *port = tp_new();
    char name[520];
    char shown[HP_DIAG_NAME_MAX];
    struct eb_payload p;
    struct hp_diag diag;

    (void)state;
    memset(name, 'x', sizeof(name));
    name[511] = '\0';
    tp_add_function(port, name, TP_TEXT, 8);
    p = sound(0);
    assert_int_equal(value_of(port, &p, eb_undefined(p.b, name)), TP_TEXT);
    name[511] = 'x';
    name[512] = '\0';
    p = sound(0);
    eb_undefined(p.b, name);
    memset(shown, 'x', 124); /* what is kept of a name has a mark where it was cut */
    memcpy(shown + 124, "...", 4);
    diag = refuse(port, &p, NULL, HP_SYMBOL_NAME_LENGTH, shown);
    assert_int_equal(diag.expected, 511);
    assert_int_equal(diag.actual, 512);
    tp_free(port);
}

/* Every symbol through SHN_XINDEX gives the same image as without. */
static void test_extended_indexes(void **state)
{
    struct hp_port *port = tp_new();
    struct eb_payload p = sound(0);

    (void)state;
    eb_option(p.b, EB_EXTENDED_SYMBOLS | EB_EXTENDED_SHNUM | EB_EXTENDED_SHSTRNDX);
    assert_int_equal(
        value_of(port, &p, eb_symbol(p.b, "l", HP_STB_LOCAL, HP_STT_FUNC, p.text, 5, 1)),
        TP_IMAGE + 5);
    tp_free(port);
}

/* ---- new symbols --------------------------------------------------------------------------- */

/* Options with one payload loaded before. */
struct beside {
    const struct hp_payload *loaded[2];
    struct hp_load_options options;
};

static void beside(struct beside *b, const struct hp_payload *first,
                   const struct hp_payload *second)
{
    memset(b, 0, sizeof(*b));
    b->loaded[0] = first;
    b->loaded[1] = second;
    b->options.size = sizeof(b->options);
    b->options.loaded = b->loaded;
    b->options.loaded_count = second != NULL ? 2 : 1;
}

/* A payload that is not one of the others, for it has its own build-id. */
static struct eb_payload another(uint8_t id, size_t size)
{
    const struct eb_ids ids = {.build_id = &id, .build_id_size = 1};
    struct eb_payload p = eb_payload_new(true, HP_EM_X86_64, &ids);

    eb_payload_function(&p, "target_function", TP_FUNCTION_SIZE);
    eb_append(p.b, p.text, 1, NULL, size);
    return p;
}

/* Which symbols become new ones. */
static void test_exports(void **state)
{
    struct hp_port *port = tp_new();
    struct eb_payload p = sound(16);
    uint32_t debug = eb_section(p.b, ".debug_x", HP_SHT_PROGBITS, 0, 1, NULL, 4);
    const struct hp_symtab_entry *entry;
    struct hp_payload payload;
    struct hp_diag diag;

    (void)state;
    eb_symbol(p.b, "global_function", HP_STB_GLOBAL, HP_STT_FUNC, p.text, 17, 3);
    eb_symbol(p.b, "global_object", HP_STB_GLOBAL, HP_STT_OBJECT, p.strings, 1, 2);
    eb_symbol(p.b, "weak_label", HP_STB_WEAK, HP_STT_NOTYPE, p.text, 18, 0);
    eb_symbol(p.b, "absolute", HP_STB_GLOBAL, HP_STT_NOTYPE, EB_ABS, 0x1234, 0);
    eb_symbol(p.b, "local", HP_STB_LOCAL, HP_STT_FUNC, p.text, 19, 1);
    eb_symbol(p.b, "also_new_function", HP_STB_GLOBAL, HP_STT_FUNC, p.text, 0, 16);
    eb_symbol(p.b, "die", HP_STB_GLOBAL, HP_STT_NOTYPE, debug, 0, 0);
    eb_symbol(p.b, "source.c", HP_STB_LOCAL, HP_STT_FILE, EB_ABS, 0, 0);
    eb_symbol(p.b, "", HP_STB_GLOBAL, HP_STT_NOTYPE, p.text, 20, 0);
    assert_int_equal(tp_load(port, &p, NULL, &payload, &diag), HP_OK);
    assert_int_equal(payload.provided.count, 4);
    entry = hp_symtab_find(&payload.provided, "global_function", 15, NULL);
    assert_non_null(entry);
    assert_int_equal(entry->addr, TP_IMAGE + 17);
    assert_int_equal(entry->size, 3);
    assert_int_equal(entry->kind, HP_KIND_CODE);
    entry = hp_symtab_find(&payload.provided, "global_object", 13, NULL);
    assert_non_null(entry);
    assert_int_equal(entry->kind, HP_KIND_DATA);
    entry = hp_symtab_find(&payload.provided, "weak_label", 10, NULL);
    assert_non_null(entry);
    assert_int_equal(entry->kind, HP_KIND_UNKNOWN);
    entry = hp_symtab_find(&payload.provided, "absolute", 8, NULL);
    assert_non_null(entry);
    assert_int_equal(entry->addr, 0x1234);
    hp_payload_unload(&payload);
    tp_free(port);
}

/* A symbol that only overrides may have the old function's name; beside a NOP it is no such. */
static void test_override_keeps_its_name(void **state)
{
    struct hp_port *port = tp_new();
    struct eb_payload p = eb_payload_new(true, HP_EM_X86_64, NULL);
    struct eb_record record = {.name = "target_function", .old_size = 64};
    struct hp_payload payload;
    struct hp_diag diag;

    (void)state;
    eb_append(p.b, p.text, 1, NULL, 64);
    record.new_symbol =
        eb_symbol(p.b, "target_function", HP_STB_GLOBAL, HP_STT_FUNC, p.text, 16, 16);
    eb_payload_record(&p, &record);
    assert_int_equal(tp_load(port, &p, NULL, &payload, &diag), HP_OK);
    assert_int_equal(payload.provided.count, 0);
    hp_payload_unload(&payload);
    p = eb_payload_new(true, HP_EM_X86_64, NULL);
    record.new_symbol = 0;
    record.new_size = 5;
    eb_payload_record(&p, &record);
    eb_symbol(p.b, "target_function", HP_STB_GLOBAL, HP_STT_NOTYPE, EB_ABS, 0, 0);
    refuse(port, &p, NULL, HP_SYMBOL_EXISTS, "target_function");
    tp_free(port);
}

/* Many records and many new symbols, in an order that is none: only the right ones override. */
static void check_overrides(uint32_t count)
{
    struct hp_port *port = tp_new();
    struct eb_payload p = eb_payload_new(true, HP_EM_X86_64, NULL);
    struct hp_payload payload;
    struct hp_diag diag;
    uint32_t n;

    eb_append(p.b, p.text, 1, NULL, (size_t)count * 16);
    for (n = 0; n < count; n++) {
        struct eb_record record = {.old_size = 64};
        uint32_t place = n * 37 % count; /* 37 is prime, and no divisor of a count tried */
        char name[32];

        (void)snprintf(name, sizeof(name), "symbol_%u", place);
        record.old_addr = TP_TEXT + 0x2000 + (uint64_t)64 * n;
        record.new_symbol =
            eb_symbol(p.b, name, HP_STB_GLOBAL, HP_STT_FUNC, p.text, (uint64_t)16 * place, 16);
        if (place % 2 == 0) {
            eb_payload_record(&p, &record);
        }
    }
    assert_int_equal(tp_load(port, &p, NULL, &payload, &diag), HP_OK);
    assert_int_equal(payload.record_count, (count + 1) / 2);
    assert_int_equal(payload.provided.count, count / 2);
    for (n = 0; n < count; n++) {
        char name[32];
        int length = snprintf(name, sizeof(name), "symbol_%u", n);
        const struct hp_symtab_entry *entry =
            hp_symtab_find(&payload.provided, name, (size_t)length, NULL);

        assert_int_equal(entry != NULL, n % 2);
        assert_true(entry == NULL || entry->addr == TP_IMAGE + (uint64_t)16 * n);
    }
    hp_payload_unload(&payload);
    tp_free(port);
}

static void test_many_overrides(void **state)
{
    uint32_t count;

    (void)state;
    for (count = 1; count < 34; count++) {
        check_overrides(count);
    }
    check_overrides(200);
}

static void test_exists(void **state)
{
    struct hp_port *port = tp_new();
    struct eb_payload p = sound(16);
    struct hp_payload first;
    struct hp_diag diag;
    struct beside b;

    (void)state;
    eb_symbol(p.b, "target_function", HP_STB_GLOBAL, HP_STT_FUNC, p.text, 16, 4);
    diag = refuse(port, &p, NULL, HP_SYMBOL_EXISTS, "target_function");
    assert_int_equal(hp_status_errno(diag.status), HP_ERRNO_EEXIST);
    p = sound(16);
    eb_symbol(p.b, "fresh", HP_STB_WEAK, HP_STT_FUNC, p.text, 16, 4);
    assert_int_equal(tp_load(port, &p, NULL, &first, &diag), HP_OK);
    beside(&b, &first, NULL);
    port->image_addr = TP_IMAGE + 0x10000;
    p = another(2, 16);
    eb_symbol(p.b, "fresh", HP_STB_GLOBAL, HP_STT_OBJECT, p.strings, 0, 4);
    refuse(port, &p, &b.options, HP_SYMBOL_EXISTS, "fresh");
    p = another(2, 16); /* a local one is no new symbol */
    eb_symbol(p.b, "fresh", HP_STB_LOCAL, HP_STT_OBJECT, p.strings, 0, 4);
    assert_int_equal(value_of(port, &p, p.strings_sym), TP_IMAGE + 0x12000);
    hp_payload_unload(&first);
    p = another(2, 16); /* and what was unloaded is free again */
    eb_symbol(p.b, "fresh", HP_STB_GLOBAL, HP_STT_OBJECT, p.strings, 0, 4);
    assert_int_equal(value_of(port, &p, p.strings_sym), TP_IMAGE + 0x12000);
    tp_add_local(port, "a.c", "twice", TP_TEXT, 4);
    tp_add_local(port, "a.c", "twice", TP_TEXT + 8, 4);
    p = sound(16);
    eb_symbol(p.b, "a.c#twice", HP_STB_GLOBAL, HP_STT_FUNC, p.text, 16, 4);
    refuse(port, &p, NULL, HP_SYMBOL_EXISTS, "a.c#twice");
    tp_free(port);
}

/* Undefined symbols and record names find what loaded payloads provide; the target comes first. */
static void test_provided_by_payload(void **state)
{
    struct hp_port *port = tp_new();
    struct eb_payload p = sound(64);
    struct hp_payload first;
    struct hp_payload second;
    struct hp_payload third;
    struct hp_diag diag;
    struct beside b;
    uint32_t section;

    (void)state;
    eb_symbol(p.b, "service", HP_STB_GLOBAL, HP_STT_FUNC, p.text, 32, 32);
    assert_int_equal(tp_load(port, &p, NULL, &first, &diag), HP_OK);
    beside(&b, &first, NULL);
    port->image_addr = TP_IMAGE + 0x10000;
    p = another(2, 64);
    eb_symbol(p.b, "other_service", HP_STB_GLOBAL, HP_STT_FUNC, p.text, 48, 16);
    assert_int_equal(tp_load(port, &p, &b.options, &second, &diag), HP_OK);

    beside(&b, &first, &second);
    port->image_addr = TP_IMAGE + 0x20000;
    p = another(3, 0);
    section = eb_section(p.b, ".rodata.v", HP_SHT_PROGBITS, HP_SHF_ALLOC, 8, NULL, 24);
    eb_rela(p.b, section, 0, R_64, eb_undefined(p.b, "service"), 0);
    eb_rela(p.b, section, 8, R_64, eb_undefined(p.b, "other_service"), 0);
    eb_rela(p.b, section, 16, R_64,
            eb_symbol(p.b, "service", HP_STB_WEAK, HP_STT_NOTYPE, EB_UNDEF, 0, 0), 0);
    eb_payload_function(&p, "service", 32);
    assert_int_equal(tp_load(port, &p, &b.options, &third, &diag), HP_OK);
    assert_int_equal(load_word(tp_host(&third, section)), TP_IMAGE + 32);
    assert_int_equal(load_word(tp_host(&third, section) + 8), TP_IMAGE + 0x10000 + 48);
    assert_int_equal(load_word(tp_host(&third, section) + 16), TP_IMAGE + 32);
    assert_int_equal(third.records[1].old_addr, TP_IMAGE + 32);
    assert_int_equal(third.records[1].limit, TP_IMAGE + 64);
    hp_payload_unload(&third);

    tp_add_function(port, "service", TP_TEXT + 0x500, 32);
    p = another(3, 0);
    section = eb_section(p.b, ".rodata.v", HP_SHT_PROGBITS, HP_SHF_ALLOC, 8, NULL, 8);
    eb_rela(p.b, section, 0, R_64, eb_undefined(p.b, "service"), 0);
    assert_int_equal(tp_load(port, &p, &b.options, &third, &diag), HP_OK);
    assert_int_equal(load_word(tp_host(&third, section)), TP_TEXT + 0x500);
    hp_payload_unload(&third);
    hp_payload_unload(&second);
    beside(&b, &first, NULL); /* with its provider unloaded, the importer finds nothing */
    p = another(3, 0);
    eb_undefined(p.b, "other_service");
    refuse(port, &p, &b.options, HP_SYMBOL_UNDEFINED, "other_service");
    hp_payload_unload(&first);
    tp_free(port);
}

/* An answer of the port that is no answer to the question is not taken for one. */
static void test_port_failure(void **state)
{
    static const enum hp_status failures[] = {HP_TARGET_FILE, HP_TARGET_READ, HP_NO_MEMORY};
    struct hp_port *port = tp_new();
    size_t n;
    unsigned kind;

    (void)state;
    for (n = 0; n < sizeof(failures) / sizeof(failures[0]); n++) {
        for (kind = 0; kind < 3; kind++) { /* undefined, weak, new */
            struct eb_payload p = sound(16);

            port->symbol_failure = failures[n];
            port->calls = 0;
            port->fail_onwards = false;
            if (kind == 2) {
                eb_symbol(p.b, "asked_for", HP_STB_GLOBAL, HP_STT_FUNC, p.text, 16, 4);
                port->fail_at = 4; /* after two allocations and the record's look-up */
            } else {
                eb_symbol(p.b, "asked_for", kind == 0 ? HP_STB_GLOBAL : HP_STB_WEAK, HP_STT_FUNC,
                          EB_UNDEF, 0, 0);
                port->fail_at = 3;
            }
            refuse(port, &p, NULL, failures[n], "asked_for");
        }
    }
    tp_free(port);
}

/* ---- hostile names ------------------------------------------------------------------------- */

/* CPU time to load a payload with `count` new symbols. */
static double load_time(uint32_t count, bool colliding)
{
    struct hp_port *port = tp_new();
    struct eb_payload p = sound(16);
    struct hp_payload payload;
    struct hp_diag diag;
    uint64_t seed = 0;
    clock_t start;
    double used;
    size_t size;
    uint8_t *file;
    uint32_t n;

    for (n = 0; n < count; n++) {
        char name[TP_COLLIDING + 1] = {0};

        if (colliding) {
            tp_colliding_name(name, &seed);
        } else {
            (void)snprintf(name, sizeof(name), "plain%011u", n);
        }
        eb_symbol(p.b, name, HP_STB_GLOBAL, HP_STT_FUNC, p.text, 16, 4);
    }
    file = eb_payload_finish(&p, &size);
    hp_diag_init(&diag);
    start = clock();
    assert_int_equal(hp_payload_load(&payload, port, file, size, NULL, &diag), HP_OK);
    used = (double)(clock() - start) / CLOCKS_PER_SEC;
    assert_int_equal(payload.provided.count, count);
    for (n = 1; n < count; n++) {
        assert_true(!colliding ||
                    payload.provided.entries[n].hash == payload.provided.entries[0].hash);
    }
    hp_payload_unload(&payload);
    free(file);
    tp_free(port);
    return used;
}

static void test_colliding_names(void **state)
{
    double plain = load_time(40000, false);
    double colliding = load_time(40000, true);

    (void)state;
    print_message("plain %.4f s, colliding %.4f s\n", plain, colliding);
    assert_true(colliding < 50 * plain + 0.01);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_weak_undefined),
        cmocka_unit_test(test_file_scoped),
        cmocka_unit_test(test_own_got),
        cmocka_unit_test(test_undefined),
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_value_range),
        cmocka_unit_test(test_section_index),
        cmocka_unit_test(test_name_offset),
        cmocka_unit_test(test_name_length),
        cmocka_unit_test(test_extended_indexes),
        cmocka_unit_test(test_exports),
        cmocka_unit_test(test_override_keeps_its_name),
        cmocka_unit_test(test_many_overrides),
        cmocka_unit_test(test_exists),
        cmocka_unit_test(test_provided_by_payload),
        cmocka_unit_test(test_port_failure),
        cmocka_unit_test(test_colliding_names),
    };

    return cmocka_run_group_tests_name("symbols", tests, NULL, NULL);
}
