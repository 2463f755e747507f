/* SPDX-License-Identifier: BSD-2-Clause */
/* links: test_port */
/* Verified filler: what may be behind a function that is too small for a jump (SPEC section 9.1).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arch_rules.h"

static const struct arch_rig x86_64 = {true, false, HP_EM_X86_64, TP_TEXT, TP_IMAGE};
static const struct arch_rig arm64 = {true, false, HP_EM_AARCH64, UINT64_C(0xffff800040200000),
                                      UINT64_C(0xffff800040600000)};
static const struct arch_rig riscv64 = {true, false, HP_EM_RISCV, UINT64_C(0xffffffc040200000),
                                        UINT64_C(0xffffffc040600000)};

/* A function at the rig's usual place, what stands there, and the size that its record claims. */
struct small {
    const struct arch_rig *rig;
    uint8_t code[24];
    uint8_t symbol_size; /* as the symbol table has it; 0: not known */
    uint8_t old_size;
    uint8_t next; /* offset of the next symbol; 0: there is none near */
    bool bti;
    enum hp_status status; /* with the option; without it old_size is too small */
    uint8_t size;          /* of the write; HP_OK */
};

static enum hp_status try_small(const struct small *small, bool option, struct hp_write *write,
                                struct hp_diag *diag)
{
    struct hp_profile profile = hp_profile_default;
    const struct hp_load_options options = {.size = sizeof(options), .profile = &profile};
    struct hp_port *port = arch_port(small->rig);
    struct eb_payload p = eb_payload_new(small->rig->is64, small->rig->machine, NULL);
    struct eb_record record = {.name = "small", .old_size = small->old_size};
    struct hp_payload payload;
    enum hp_status status;

    profile.uses_filler = option;
    port->target.flags |= small->bti ? (uint32_t)HP_TARGET_BTI : 0;
    port->symbol_count = 0;
    tp_add_function(port, "small", arch_function(small->rig), small->symbol_size);
    if (small->next != 0) {
        tp_add_function(port, "next", arch_function(small->rig) + small->next, 0);
    }
    tp_poke(port, arch_function(small->rig), small->code, sizeof(small->code));
    eb_append(p.b, p.text, 16, NULL, 64);
    record.new_symbol = eb_symbol(p.b, "new", HP_STB_LOCAL, HP_STT_FUNC, p.text, 0, 16);
    eb_payload_record(&p, &record);
    status = tp_load(port, &p, &options, &payload, diag);
    if (status == HP_OK) {
        status = hp_plan_capture(&payload, NULL, 0, diag);
        if (status == HP_OK) {
            *write = payload.writes[0];
        }
        hp_payload_unload(&payload);
    }
    tp_free(port);
    return status;
}

/* clang-format off */
static const struct small cases[] = {
    /* xor eax, eax; ret; INT3, or NOPs of every length, or zeros */
    {&x86_64, {0x31, 0xc0, 0xc3, 0xcc, 0xcc, 0x55}, 3, 3, 0, false, HP_OK, 5},
    {&x86_64, {0x31, 0xc0, 0xc3, 0xcc, 0xcc, 0x55}, 0, 3, 0, false, HP_OK, 5},
    {&x86_64, {0x31, 0xc0, 0xc3, 0x90, 0x00, 0x55}, 3, 3, 5, false, HP_OK, 5},
    {&x86_64, {0x31, 0xc0, 0xc3, 0x66, 0x90}, 3, 3, 0, false, HP_OK, 5},
    {&x86_64, {0x31, 0xc0, 0xc3, 0x0f, 0x1f, 0x00}, 3, 3, 0, false, HP_OK, 5},
    {&x86_64, {0x31, 0xc0, 0xc3, 0x0f, 0x1f, 0x44, 0x00, 0x00}, 3, 3, 8, false, HP_OK, 5},
    {&x86_64, {0x31, 0xc0, 0xc3, 0x66, 0x2e, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0}, 3, 3, 0, false, HP_OK, 5},
    {&x86_64, {0x31, 0xc0, 0xc3, 0x66, 0x66, 0x2e, 0x0f, 0x1f, 0x80, 0, 0, 0, 0}, 3, 3, 0, false, HP_OK, 5},
    /* ENDBR64; ret; filler */
    {&x86_64, {0xf3, 0x0f, 0x1e, 0xfa, 0xc3, 0xcc, 0xcc, 0xcc, 0xcc}, 5, 5, 0, false, HP_OK, 5},
    /* code; the first byte of code; a prefix of some other instruction; a register operand */
    {&x86_64, {0x31, 0xc0, 0xc3, 0x55, 0xcc}, 3, 3, 0, false, HP_PATCH_FILLER, 0},
    {&x86_64, {0x31, 0xc0, 0xc3, 0xcc, 0x55}, 3, 3, 0, false, HP_PATCH_FILLER, 0},
    {&x86_64, {0x31, 0xc0, 0xc3, 0x66, 0x89, 0xc0}, 3, 3, 0, false, HP_PATCH_FILLER, 0},
    {&x86_64, {0x31, 0xc0, 0xc3, 0x0f, 0x1f, 0xc0}, 3, 3, 0, false, HP_PATCH_FILLER, 0},
    {&x86_64, {0x31, 0xc0, 0xc3, 0x0f, 0x1f, 0x48}, 3, 3, 0, false, HP_PATCH_FILLER, 0},
    {&x86_64, {0x31, 0xc0, 0xc3, 0x0f, 0x0b}, 3, 3, 0, false, HP_PATCH_FILLER, 0},
    /* filler, but another symbol begins in it, at its start or at its end */
    {&x86_64, {0x31, 0xc0, 0xc3, 0xcc, 0xcc}, 3, 3, 3, false, HP_PATCH_FILLER, 0},
    {&x86_64, {0x31, 0xc0, 0xc3, 0xcc, 0xcc}, 3, 3, 4, false, HP_PATCH_FILLER, 0},
    {&x86_64, {0x31, 0xc0, 0xc3, 0xcc, 0xcc}, 3, 3, 5, false, HP_OK, 5},
    /* filler inside the function: it may be executed */
    {&x86_64, {0x31, 0xc0, 0xc3, 0x90, 0x90}, 8, 3, 0, false, HP_RECORD_OLD_SIZE, 0},
    /* nothing at all is claimed */
    {&x86_64, {0x31, 0xc0, 0xc3, 0x90, 0x90}, 3, 0, 0, false, HP_RECORD_OLD_SIZE, 0},
    /* paciasp alone, where BTI is in force and the jump brings a pad: NOP, UDF, BRK, code */
    {&arm64, {0x3f, 0x23, 0x03, 0xd5, 0x1f, 0x20, 0x03, 0xd5}, 4, 4, 0, true, HP_OK, 8},
    {&arm64, {0x3f, 0x23, 0x03, 0xd5, 0, 0, 0, 0}, 4, 4, 8, true, HP_OK, 8},
    {&arm64, {0x3f, 0x23, 0x03, 0xd5, 0x20, 0, 0x20, 0xd4}, 4, 4, 0, true, HP_OK, 8},
    {&arm64, {0x3f, 0x23, 0x03, 0xd5, 0xc0, 0x03, 0x5f, 0xd6}, 4, 4, 0, true, HP_PATCH_FILLER, 0},
    {&arm64, {0x3f, 0x23, 0x03, 0xd5, 0x1f, 0x20, 0x03, 0xd5}, 4, 4, 4, true, HP_PATCH_FILLER, 0},
    /* bti c; ret has room for a jump */
    {&arm64, {0x5f, 0x24, 0x03, 0xd5, 0x1f, 0x20, 0x03, 0xd5}, 4, 4, 0, true, HP_OK, 4},
    /* c.li; c.ret, and a jump of eight bytes: nop, c.nop, zeros, code */
    {&riscv64, {0x01, 0x45, 0x82, 0x80, 0x13, 0, 0, 0}, 4, 4, 0, false, HP_OK, 8},
    {&riscv64, {0x01, 0x45, 0x82, 0x80, 0x01, 0, 0x01, 0}, 4, 4, 0, false, HP_OK, 8},
    {&riscv64, {0x01, 0x45, 0x82, 0x80, 0x01, 0, 0, 0}, 4, 4, 8, false, HP_OK, 8},
    {&riscv64, {0x01, 0x45, 0x82, 0x80, 0x01, 0, 0x82, 0x80}, 4, 4, 0, false, HP_PATCH_FILLER, 0},
    {&riscv64, {0x01, 0x45, 0x82, 0x80, 0x93, 0, 0, 0}, 4, 4, 0, false, HP_PATCH_FILLER, 0},
};
/* clang-format on */

static void test_filler(void **state)
{
    size_t n;

    (void)state;
    for (n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
        const struct small *small = &cases[n];
        struct hp_write write;
        struct hp_diag diag;
        enum hp_status status = try_small(small, true, &write, &diag);

        if (status != small->status) {
            print_message("case %zu\n", n);
        }
        assert_int_equal(status, small->status);
        assert_int_equal(diag.status, small->status);
        if (status == HP_OK) {
            assert_int_equal(write.size, small->size);
            assert_true(write.pad + write.size > small->old_size);
            assert_memory_equal(write.old_bytes, small->code + write.pad, write.size);
        } else {
            assert_int_equal(diag.record, 0);
        }
        if (status == HP_PATCH_FILLER) {
            assert_int_equal(diag.actual, arch_function(small->rig) + small->old_size);
        }
        assert_int_equal(try_small(small, false, &write, &diag), HP_RECORD_OLD_SIZE);
    }
}

/* The option gives nothing away where the function is large enough. */
static void test_large(void **state)
{
    static const struct small large = {
        &x86_64, {0x31, 0xc0, 0x31, 0xd2, 0xc3, 0x55}, 5, 5, 5, false, HP_OK, 5};
    static const struct small beyond = {&x86_64, {0x31, 0xc0, 0xc3, 0xcc, 0xcc}, 3, 16, 0,
                                        false,   HP_PATCH_PAST_FUNCTION,         0};
    struct hp_write write;
    struct hp_diag diag;
    int option;

    (void)state;
    for (option = 0; option < 2; option++) {
        assert_int_equal(try_small(&large, option != 0, &write, &diag), HP_OK);
        /* a size that is claimed and not there is no claim to filler */
        assert_int_equal(try_small(&beyond, option != 0, &write, &diag), HP_PATCH_PAST_FUNCTION);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_filler),
        cmocka_unit_test(test_large),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
