/* SPDX-License-Identifier: BSD-2-Clause */
/* The rule that a payload is made by the target's compiler (SPEC section 14). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <hotpatch/load.h>

#include "support/elf_builder.h"
#include "support/test_port.h"

#define GCC   "GCC: (Debian 12.2.0-14) 12.2.0"
#define CLANG "clang version 19.1.7"

/* Contents with the NUL that ends them, and how many bytes that is. */
#define BYTES(text) text, sizeof(text)

struct named {
    const char *target; /* .comment of the target */
    size_t target_size;
    const char *comments[2]; /* sections .comment of the payload; NULL: none */
    size_t comment_sizes[2];
    const char *modinfo;
    size_t modinfo_size;
    enum hp_status status;
    const char *culprit; /* named in the diagnostics; NULL: nobody */
};

/* clang-format off */
static const struct named cases[] = {
    {BYTES(GCC), {GCC}, {sizeof(GCC)}, NULL, 0, HP_OK, NULL},
    /* as linkers merge it: with an empty string in front; without the last NUL */
    {BYTES(GCC), {"\0" GCC}, {sizeof(GCC) + 1}, NULL, 0, HP_OK, NULL},
    {BYTES(GCC), {GCC}, {sizeof(GCC) - 1}, NULL, 0, HP_OK, NULL},
    {GCC, sizeof(GCC) - 1, {GCC}, {sizeof(GCC)}, NULL, 0, HP_OK, NULL},
    /* a target of two compilers takes either, and both */
    {BYTES("\0" CLANG "\0" GCC), {GCC}, {sizeof(GCC)}, NULL, 0, HP_OK, NULL},
    {BYTES(CLANG "\0" GCC), {GCC "\0" CLANG}, {sizeof(GCC "\0" CLANG)}, NULL, 0, HP_OK, NULL},
    {BYTES(CLANG "\0" GCC), {GCC, CLANG}, {sizeof(GCC), sizeof(CLANG)}, NULL, 0, HP_OK, NULL},
    /* but none that it does not have: alone, as the second, in a second section */
    {BYTES(GCC), {CLANG}, {sizeof(CLANG)}, NULL, 0, HP_COMPILER_DIFFERS, CLANG},
    {BYTES(GCC), {GCC "\0" CLANG}, {sizeof(GCC "\0" CLANG)}, NULL, 0, HP_COMPILER_DIFFERS, CLANG},
    {BYTES(GCC), {GCC, CLANG}, {sizeof(GCC), sizeof(CLANG)}, NULL, 0, HP_COMPILER_DIFFERS, CLANG},
    /* a name is the same or is not: shorter, longer */
    {BYTES(GCC), {"GCC"}, {sizeof("GCC")}, NULL, 0, HP_COMPILER_DIFFERS, "GCC"},
    {BYTES(GCC), {GCC "1"}, {sizeof(GCC "1")}, NULL, 0, HP_COMPILER_DIFFERS, GCC "1"},
    /* metadata instead, or as well */
    {BYTES(GCC), {NULL}, {0}, BYTES("name=x\0compiler=" GCC), HP_OK, NULL},
    {BYTES(GCC), {GCC}, {sizeof(GCC)}, BYTES("compiler=" CLANG), HP_COMPILER_DIFFERS, CLANG},
    {BYTES(GCC), {NULL}, {0}, BYTES("compiler=" CLANG), HP_COMPILER_DIFFERS, CLANG},
    {BYTES(GCC), {NULL}, {0}, BYTES("xcompiler=" GCC), HP_COMPILER_MISSING, NULL},
    {BYTES(GCC), {NULL}, {0}, BYTES("compiler="), HP_COMPILER_MISSING, NULL},
    /* nothing said */
    {BYTES(GCC), {NULL}, {0}, NULL, 0, HP_COMPILER_MISSING, NULL},
    {BYTES(GCC), {""}, {1}, NULL, 0, HP_COMPILER_MISSING, NULL},
    {NULL, 0, {GCC}, {sizeof(GCC)}, NULL, 0, HP_COMPILER_UNKNOWN, NULL},
    /* a target that names nobody */
    {BYTES("\0"), {GCC}, {sizeof(GCC)}, NULL, 0, HP_COMPILER_DIFFERS, GCC},
};
/* clang-format on */

static void add_names(struct eb_payload *p, const struct named *named)
{
    size_t n;

    for (n = 0; n < sizeof(named->comments) / sizeof(named->comments[0]); n++) {
        if (named->comments[n] != NULL) {
            (void)eb_section(p->b, ".comment", HP_SHT_PROGBITS, 0, 1, named->comments[n],
                             named->comment_sizes[n]);
        }
    }
    if (named->modinfo != NULL) {
        (void)eb_section(p->b, ".modinfo", HP_SHT_PROGBITS, HP_SHF_ALLOC, 1, named->modinfo,
                         named->modinfo_size);
    }
}

/* Loads a payload with these names on a target with its; `offline`: without the target. */
static enum hp_status load(const struct named *named, bool asked, bool offline,
                           struct hp_undecided *undecided, struct hp_diag *diag)
{
    struct hp_profile profile = hp_profile_default;
    struct hp_load_options options = {
        .size = sizeof(options), .profile = &profile, .allow_undecided = offline};
    struct hp_port *port = tp_new();
    struct eb_payload p = eb_payload_new(true, HP_EM_X86_64, NULL);
    struct hp_payload payload;
    enum hp_status status;

    profile.same_compiler = asked;
    port->no_target = offline;
    port->target.compiler = named->target;
    port->target.compiler_size = named->target_size;
    eb_payload_function(&p, "target_function", TP_FUNCTION_SIZE);
    add_names(&p, named);
    status = tp_load(port, &p, &options, &payload, diag);
    if (status == HP_OK) {
        *undecided = payload.undecided;
        hp_payload_unload(&payload);
    }
    tp_free(port);
    return status;
}

static void test_names(void **state)
{
    struct hp_undecided undecided;
    struct hp_diag diag;
    size_t n;

    (void)state;
    for (n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
        const struct named *named = &cases[n];
        enum hp_status status = load(named, true, false, &undecided, &diag);

        if (status != named->status) {
            print_message("case %zu\n", n);
        }
        assert_int_equal(status, named->status);
        assert_string_equal(diag.name, named->culprit != NULL ? named->culprit : "");
        if (status) {
            assert_int_equal(diag.stage, HP_STAGE_IDENTITY);
            assert_string_equal(diag.profile, hp_profile_default.name);
        }
        assert_int_equal(load(named, false, false, &undecided, &diag), HP_OK);
    }
}

/* Nobody can say without a target, and that is what is told. */
static void test_offline(void **state)
{
    struct hp_undecided undecided;
    struct hp_diag diag;

    (void)state;
    assert_int_equal(load(&cases[7], true, true, &undecided, &diag), HP_OK);
    assert_true(undecided.target);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_offline),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
