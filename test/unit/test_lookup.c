/* SPDX-License-Identifier: BSD-2-Clause */
/* links: test_port */
/* Looking into loaded payloads: symbols of the text, metadata, and what handlers of faults ask. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "test_port.h"

#define R_64 1u

static const uint8_t target_id[20] = {0xe0, 0xe1, 0xe2, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9,
                                      0xea, 0xeb, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf2, 0xf3};

/* A payload for the target with this build-id; its text is one function of 16 bytes. */
static struct eb_payload new_payload(uint16_t machine, uint8_t id)
{
    uint8_t build_id[20] = {id};
    const struct eb_ids ids = {.build_id = build_id,
                               .build_id_size = sizeof(build_id),
                               .depends = target_id,
                               .depends_size = sizeof(target_id)};
    struct eb_payload p = eb_payload_new(true, machine, &ids);

    eb_payload_function(&p, "target_function", TP_FUNCTION_SIZE);
    return p;
}

static void load(struct hp_port *port, struct eb_payload *p, struct hp_payload *payload)
{
    struct hp_diag diag;

    assert_int_equal(tp_load(port, p, NULL, payload, &diag), HP_OK);
}

/* ---- symbols of the text --------------------------------------------------------------------- */

/* What the byte at an offset of the image belongs to. */
struct expected {
    uint32_t offset;
    const char *name; /* NULL: nothing */
    uint32_t start;
    uint32_t end;
};

static void assert_symbols(const struct hp_payload *payload, const struct expected *expected,
                           size_t count)
{
    size_t n;

    for (n = 0; n < count; n++) {
        struct hp_text_symbol symbol;
        bool found = hp_payload_symbol_at(payload, TP_IMAGE + expected[n].offset, &symbol);

        if (found != (expected[n].name != NULL)) {
            print_message("at %u\n", (unsigned)expected[n].offset);
        }
        assert_int_equal(found, expected[n].name != NULL);
        if (found) {
            assert_string_equal(payload->names + symbol.name, expected[n].name);
            assert_int_equal(symbol.start, expected[n].start);
            assert_int_equal(symbol.end, expected[n].end);
        }
    }
}

static void add(struct eb_payload *p, const char *name, uint8_t type, uint32_t section,
                uint64_t value, uint64_t size)
{
    eb_symbol(p->b, name, HP_STB_LOCAL, type, section, value, size);
}

static void test_symbols(void **state)
{
    static const struct expected expected[] = {
        {0, "new_target_function", 0, 16},
        {15, "new_target_function", 0, 16},
        {16, NULL, 0, 0}, /* a gap */
        {31, NULL, 0, 0},
        {32, "local", 32, 64},
        {39, "local", 32, 64},
        {40, "inner", 40, 48}, /* a function inside another */
        {42, "innermost", 42, 44},
        {44, "inner", 40, 48}, /* behind it, and still inside the other */
        {47, "inner", 40, 48},
        {48, "local", 32, 64},
        {63, "local", 32, 64},
        {64, "outside", 64, 80}, /* a label, up to the next symbol */
        {79, "outside", 64, 80},
        {80, "last_label", 80, 100}, /* and up to the section's end */
        {99, "last_label", 80, 100},
        {100, NULL, 0, 0},
        {111, NULL, 0, 0},
        {112, "more", 112, 128}, /* its size reached out of the section */
        {127, "more", 112, 128},
        {128, NULL, 0, 0},
        {4096, NULL, 0, 0}, /* read-only data has no functions */
    };
    struct hp_port *port = tp_new();
    struct eb_payload p = new_payload(HP_EM_X86_64, 1);
    struct hp_text_symbol symbol;
    struct hp_payload payload;
    uint32_t more;

    (void)state;
    eb_append(p.b, p.text, 1, NULL, 84);
    more = eb_section(p.b, ".text.more", HP_SHT_PROGBITS, HP_SHF_ALLOC | HP_SHF_EXECINSTR, 16, NULL,
                      16);
    add(&p, "last_label", HP_STT_NOTYPE, p.text, 80, 0);
    add(&p, "twin_label", HP_STT_NOTYPE, p.text, 80, 0);
    add(&p, "local", HP_STT_FUNC, p.text, 32, 32);
    add(&p, "shorter_alias", HP_STT_FUNC, p.text, 32, 8);
    add(&p, "same_place", HP_STT_NOTYPE, p.text, 32, 0);
    add(&p, "label_inside", HP_STT_NOTYPE, p.text, 36, 0);
    add(&p, "innermost", HP_STT_FUNC, p.text, 42, 2);
    add(&p, "inner", HP_STT_FUNC, p.text, 40, 8);
    add(&p, "outside", HP_STT_NOTYPE, p.text, 64, 0);
    add(&p, ".Lassembler", HP_STT_NOTYPE, p.text, 70, 0);
    add(&p, "", HP_STT_NOTYPE, p.text, 72, 0);
    add(&p, "object", HP_STT_OBJECT, p.text, 74, 4);
    add(&p, "the_end", HP_STT_NOTYPE, p.text, 100, 0);
    add(&p, "more", HP_STT_FUNC, more, 0, 1000);
    add(&p, "data", HP_STT_NOTYPE, p.strings, 0, 0);
    add(&p, "absolute", HP_STT_FUNC, EB_ABS, TP_IMAGE + 20, 4);
    load(port, &p, &payload);
    assert_symbols(&payload, expected, sizeof(expected) / sizeof(expected[0]));
    assert_false(hp_payload_symbol_at(&payload, TP_IMAGE - 1, &symbol));
    assert_false(hp_payload_symbol_at(&payload, 0, &symbol));
    assert_false(hp_payload_symbol_at(&payload, UINT64_MAX, &symbol));
    hp_payload_unload(&payload);
    tp_free(port);
}

/* Of names for one function the global one is told. */
static void test_aliases(void **state)
{
    static const struct expected expected[] = {{5, "new_target_function", 0, 16}};
    struct hp_port *port = tp_new();
    struct eb_payload p = new_payload(HP_EM_X86_64, 1);
    struct hp_payload payload;

    (void)state;
    add(&p, "a_local_alias", HP_STT_FUNC, p.text, 0, 16);
    load(port, &p, &payload);
    assert_symbols(&payload, expected, 1);
    hp_payload_unload(&payload);
    tp_free(port);
}

/* Marks of code and data, which an architecture with them has everywhere, name nothing. */
static void test_markers(void **state)
{
    static const struct expected expected[] = {
        {4, "new_target_function", 0, 16}, {17, "$", 16, 20}, {20, "$xy", 20, 32}};
    struct hp_port *port = tp_new();
    struct eb_payload p = new_payload(HP_EM_AARCH64, 1);
    struct hp_payload payload;

    (void)state;
    port->target.machine = HP_EM_AARCH64;
    eb_append(p.b, p.text, 1, NULL, 16);
    add(&p, "$x", HP_STT_NOTYPE, p.text, 0, 0);
    add(&p, "$", HP_STT_NOTYPE, p.text, 16, 0);
    add(&p, "$xy", HP_STT_NOTYPE, p.text, 20, 0);
    add(&p, "$d", HP_STT_NOTYPE, p.text, 24, 0);
    add(&p, "$x.17", HP_STT_NOTYPE, p.text, 28, 0);
    load(port, &p, &payload);
    assert_symbols(&payload, expected, sizeof(expected) / sizeof(expected[0]));
    hp_payload_unload(&payload);
    tp_free(port);
}

/* Also where nothing is exported, in a file with extended section indexes, and of 32 bits. */
static void test_forms(void **state)
{
    struct hp_port *port = tp_new();
    uint32_t pass;

    (void)state;
    for (pass = 0; pass < 3; pass++) {
        bool is64 = pass < 2;
        const struct eb_ids ids = {.depends = target_id, .depends_size = sizeof(target_id)};
        struct eb_payload p = eb_payload_new(is64, is64 ? HP_EM_X86_64 : HP_EM_ARM, &ids);
        const struct expected expected = {9, "only", 8, 16};
        const struct eb_record record = {
            .name = "target_function",
            .old_size = TP_FUNCTION_SIZE,
            .new_symbol = eb_symbol(p.b, "only", HP_STB_LOCAL, HP_STT_FUNC, p.text, 8, 8)};
        struct hp_payload payload;

        port->target.machine = is64 ? HP_EM_X86_64 : HP_EM_ARM;
        port->image_addr = is64 ? TP_IMAGE : 0x40000000;
        port->target.text_start = is64 ? TP_TEXT : 0x40100000;
        port->target.text_end = port->target.text_start + TP_TEXT_SIZE;
        eb_append(p.b, p.text, 1, NULL, 32);
        eb_payload_record(&p, &record);
        eb_option(p.b, pass == 1 ? EB_EXTENDED_SYMBOLS : 0);
        load(port, &p, &payload);
        assert_int_equal(payload.provided.count, 0);
        if (is64) {
            assert_symbols(&payload, &expected, 1);
        } else {
            struct hp_text_symbol symbol;

            assert_true(hp_payload_symbol_at(&payload, 0x40000009, &symbol));
            assert_string_equal(payload.names + symbol.name, "only");
        }
        hp_payload_unload(&payload);
    }
    tp_free(port);
}

/* Thousands in no order, each found from its first byte to its last. */
static void test_many_symbols(void **state)
{
    enum { COUNT = 5000 };
    struct hp_port *port = tp_new();
    struct eb_payload p = new_payload(HP_EM_X86_64, 1);
    struct hp_payload payload;
    char name[16];
    uint32_t n;

    (void)state;
    eb_append(p.b, p.text, 1, NULL, (size_t)COUNT * 8);
    for (n = 0; n < COUNT; n++) {
        uint32_t at = n * 1237 % COUNT;

        (void)snprintf(name, sizeof(name), "f%u", (unsigned)at);
        add(&p, name, HP_STT_FUNC, p.text, 16 + UINT64_C(8) * at, 8);
    }
    load(port, &p, &payload);
    assert_int_equal(payload.text_symbol_count, COUNT + 1);
    for (n = 0; n < COUNT * 8; n += n % 8 == 0 ? 7 : 1) {
        struct hp_text_symbol symbol;

        (void)snprintf(name, sizeof(name), "f%u", (unsigned)n / 8);
        assert_true(hp_payload_symbol_at(&payload, TP_IMAGE + 16 + n, &symbol));
        assert_string_equal(payload.names + symbol.name, name);
    }
    hp_payload_unload(&payload);
    tp_free(port);
}

/* ---- metadata -------------------------------------------------------------------------------- */

static void test_metadata(void **state)
{
    static const char info[] = "author=me\0\0version=1.2\0empty=\0no value\0key=a=b\0author=you";
    static const char *const entries[] = {
        "author=me", "version=1.2", "empty=", "no value", "key=a=b", "author=you"};
    struct hp_port *port = tp_new();
    struct eb_payload p = new_payload(HP_EM_X86_64, 1);
    struct hp_payload payload;
    size_t pos = 0;
    size_t n;

    (void)state;
    eb_section(p.b, ".modinfo", HP_SHT_PROGBITS, HP_SHF_ALLOC, 1, info, sizeof(info));
    load(port, &p, &payload);
    for (n = 0; n < sizeof(entries) / sizeof(entries[0]); n++) {
        assert_string_equal(hp_payload_metadata_next(&payload, &pos), entries[n]);
    }
    assert_null(hp_payload_metadata_next(&payload, &pos));
    assert_null(hp_payload_metadata_next(&payload, &pos));
    assert_string_equal(hp_payload_metadata(&payload, "author"), "me");
    assert_string_equal(hp_payload_metadata(&payload, "version"), "1.2");
    assert_string_equal(hp_payload_metadata(&payload, "empty"), "");
    assert_string_equal(hp_payload_metadata(&payload, "key"), "a=b");
    assert_string_equal(hp_payload_metadata(&payload, "key=a"), "b");
    assert_null(hp_payload_metadata(&payload, "no value"));
    assert_null(hp_payload_metadata(&payload, "vers"));
    assert_null(hp_payload_metadata(&payload, "versions"));
    assert_null(hp_payload_metadata(&payload, ""));
    assert_null(hp_payload_metadata(&payload, "a key that is longer than all of the metadata is, "
                                              "which must not make anybody read past it"));
    hp_payload_unload(&payload);

    p = new_payload(HP_EM_X86_64, 1);
    load(port, &p, &payload);
    pos = 0;
    assert_null(hp_payload_metadata_next(&payload, &pos));
    assert_null(hp_payload_metadata(&payload, "author"));
    hp_payload_unload(&payload);
    tp_free(port);
}

/* ---- through the manager --------------------------------------------------------------------- */

/* A manager with payloads "one" and "two", each with its tables about bytes 4 and 8 of its text. */
struct fixture {
    struct hp_port *port;
    struct hp_manager manager;
    struct hp_diag diag;
    uint64_t addr[2];
    uint32_t asked; /* from inside hooks */
};

static void upload(struct fixture *f, const char *name, uint8_t id, bool hooks)
{
    static const enum hp_special which[] = {
        HP_SPECIAL_HOOKS_PREAPPLY,  HP_SPECIAL_HOOKS_LOAD,   HP_SPECIAL_HOOKS_POSTAPPLY,
        HP_SPECIAL_HOOKS_PREREVERT, HP_SPECIAL_HOOKS_UNLOAD, HP_SPECIAL_HOOKS_POSTREVERT};
    struct eb_payload p = new_payload(HP_EM_X86_64, id);
    struct hp_payload_info info;
    uint8_t *file;
    size_t size;
    size_t n;

    eb_payload_self(&p, HP_SPECIAL_EX_TABLE, p.text, 4, 0);
    eb_payload_self(&p, HP_SPECIAL_EX_TABLE, p.text, 8, 0);
    eb_payload_self(&p, HP_SPECIAL_BUG_FRAMES_2, p.text, 8, 0);
    eb_payload_self(&p, HP_SPECIAL_BUG_FRAMES_2, p.text, 0, 0);
    eb_append(p.b, p.text, 1, NULL, 16);
    if (hooks) {
        uint32_t hook = eb_symbol(p.b, "hook", HP_STB_LOCAL, HP_STT_FUNC, p.text, 16, 8);

        for (n = 0; n < sizeof(which) / sizeof(which[0]); n++) {
            eb_payload_hook(&p, which[n], hook);
        }
    }
    file = eb_payload_finish(&p, &size);
    hp_diag_init(&f->diag);
    assert_int_equal(hp_manager_upload(&f->manager, name, file, size, &f->diag), HP_OK);
    free(file);
    assert_int_equal(hp_manager_get(&f->manager, name, &info), HP_OK);
    f->addr[id - 1] = info.addr;
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    f->port = tp_new();
    f->port->target.flags |= HP_TARGET_EX_TABLE | HP_TARGET_BUG_FRAMES;
    f->port->data = f;
    assert_int_equal(hp_manager_init(&f->manager, f->port, NULL), HP_OK);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(hp_manager_close(&f->manager), HP_OK);
    tp_free(f->port);
    free(f);
    return 0;
}

static void assert_found(struct fixture *f, uint32_t payload, const char *name)
{
    const uint64_t addr = f->addr[payload];
    struct hp_symbol_info info;
    struct hp_bug_frame frame;
    uint64_t fixup;

    assert_true(hp_manager_fixup(&f->manager, addr + 4, &fixup));
    assert_int_equal(fixup, addr + 8);
    assert_true(hp_manager_bug_frame(&f->manager, addr + 8, &frame));
    assert_int_equal(frame.kind, 2);
    assert_true(frame.addr > addr);
    assert_true(hp_manager_symbol_at(&f->manager, addr + 5, &info));
    assert_string_equal(info.payload, name);
    assert_string_equal(info.name, "new_target_function");
    assert_int_equal(info.offset, 5);
    assert_int_equal(info.size, 16);
}

static void assert_not_found(struct fixture *f, uint64_t addr)
{
    struct hp_symbol_info info;
    struct hp_bug_frame frame;
    uint64_t fixup;

    assert_false(hp_manager_fixup(&f->manager, addr, &fixup));
    assert_false(hp_manager_bug_frame(&f->manager, addr, &frame));
    memset(&info, 0xff, sizeof(info));
    assert_false(hp_manager_symbol_at(&f->manager, addr, &info));
    assert_int_equal(info.payload[0] | info.name[0], 0);
}

static void test_manager(void **state)
{
    struct fixture *f = *state;
    struct hp_symbol_info info;
    uint32_t allocs;

    assert_not_found(f, TP_IMAGE);
    upload(f, "one", 1, false);
    upload(f, "two", 2, false);
    allocs = f->port->allocs;
    f->port->calls = 0;
    assert_found(f, 0, "one");
    assert_found(f, 1, "two");
    assert_not_found(f, f->addr[0] + TP_PAGE); /* data */
    assert_not_found(f, TP_FUNCTION);
    assert_not_found(f, 0);
    assert_not_found(f, UINT64_MAX);
    /* text that no symbol names */
    assert_true(hp_manager_symbol_at(&f->manager, f->addr[1] + 20, &info));
    assert_string_equal(info.payload, "two");
    assert_string_equal(info.name, "");
    assert_int_equal(info.offset, 20);
    assert_int_equal(info.size, 3 * TP_PAGE);
    /* nothing of the port is asked, and nobody is left counted */
    assert_int_equal(f->port->calls, 0);
    assert_int_equal(f->port->allocs, allocs);
    assert_int_equal(f->manager.peekers, 0);
    assert_int_equal(hp_manager_unload(&f->manager, "one", &f->diag), HP_OK);
    assert_not_found(f, f->addr[0] + 4);
    assert_not_found(f, f->addr[0] + 8);
    assert_found(f, 1, "two");
}

/* A fault in a hook: the tables are found, whatever the state of the payload. */
static int in_hook(struct hp_port *port, uint64_t addr, struct hp_payload_handle *handle)
{
    struct fixture *f = port->data;
    struct hp_symbol_info info;

    (void)handle;
    assert_found(f, 0, "one");
    assert_found(f, 1, "two");
    assert_true(hp_manager_symbol_at(&f->manager, addr, &info));
    assert_string_equal(info.payload, "two");
    assert_string_equal(info.name, "hook");
    assert_int_equal(info.offset, 0);
    f->asked++;
    return 0;
}

static void test_in_hooks(void **state)
{
    struct fixture *f = *state;

    upload(f, "one", 1, false);
    upload(f, "two", 2, true);
    f->port->on_hook = in_hook;
    assert_int_equal(hp_manager_apply(&f->manager, "two", NULL, &f->diag), HP_OK);
    assert_int_equal(f->asked, 1);
    hp_safe_point(&f->manager.safepoint);
    assert_int_equal(f->asked, 3);
    assert_int_equal(hp_manager_revert(&f->manager, "two", NULL, &f->diag), HP_OK);
    assert_int_equal(f->asked, 4);
    hp_safe_point(&f->manager.safepoint);
    assert_int_equal(f->asked, 6);
}

/* Names longer than the answer has room for are cut. */
static void test_long_names(void **state)
{
    struct fixture *f = *state;
    struct eb_payload p = new_payload(HP_EM_X86_64, 1);
    struct hp_symbol_info info;
    char name[401];
    uint8_t *file;
    size_t size;

    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    eb_append(p.b, p.text, 1, NULL, 16);
    add(&p, name, HP_STT_FUNC, p.text, 16, 16);
    file = eb_payload_finish(&p, &size);
    name[HP_PAYLOAD_NAME_MAX - 1] = '\0';
    assert_int_equal(hp_manager_upload(&f->manager, name, file, size, &f->diag), HP_OK);
    free(file);
    assert_true(hp_manager_symbol_at(&f->manager, TP_IMAGE + 31, &info));
    assert_string_equal(info.payload, name);
    assert_string_equal(info.name, name);
    assert_int_equal(info.offset, 15);
    assert_int_equal(info.size, 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_symbols),
        cmocka_unit_test(test_aliases),
        cmocka_unit_test(test_markers),
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_many_symbols),
        cmocka_unit_test(test_metadata),
        cmocka_unit_test_setup_teardown(test_manager, setup, teardown),
        cmocka_unit_test_setup_teardown(test_in_hooks, setup, teardown),
        cmocka_unit_test_setup_teardown(test_long_names, setup, teardown),
    };

    return cmocka_run_group_tests_name("lookup", tests, NULL, NULL);
}
