/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Arm64: functions with each kind of entry are patched with the library's jumps and called, in
 * guarded and in plain pages, on a processor that has branch targets and pointer authentication;
 * those out of reach through second trampolines.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "arch_rules.h"

#ifndef PROT_BTI
#define PROT_BTI 0x10
#endif

#define BTI_C     0xd503245fu
#define PACIASP   0xd503233fu
#define PACIBSP   0xd503237fu
#define AUTIASP   0xd50323bfu
#define AUTIBSP   0xd50323ffu
#define PUSH      0xa9bf7bfdu /* stp x29, x30, [sp, #-16]! */
#define POP       0xa8c17bfdu /* ldp x29, x30, [sp], #16 */
#define RET       0xd65f03c0u
#define NOP       0xd503201fu
#define MOV_W0(n) (0x52800000u | (uint32_t)(n) << 5)

#define WORDS   8u
#define SIZE    0x20000u /* of the code: the target's, then that of the new functions */
#define NEW_AT  0x10000u
#define OLD_AT  0x1000u /* where arch_rules.c has the function */
#define ISLE_AT 0x1f000u
#define FAR_AT  0x10000000u /* of new functions that no jump reaches */
#define PAGE    0x1000u
#define OLD     1
#define NEW     42
#define CRASHED (-1)

static uint8_t *code;

/* How a function begins and ends. */
static const uint32_t plain[WORDS] = {MOV_W0(OLD), NOP, RET};
static const uint32_t guarded[WORDS] = {BTI_C, MOV_W0(OLD), RET};
static const uint32_t signing[WORDS] = {PACIASP, PUSH, MOV_W0(OLD), POP, AUTIASP, RET};
static const uint32_t signing_b[WORDS] = {PACIBSP, PUSH, MOV_W0(OLD), POP, AUTIBSP, RET};
static const uint32_t both[WORDS] = {BTI_C, PACIASP, PUSH, MOV_W0(OLD), POP, AUTIASP, RET};
static const uint32_t new_plain[WORDS] = {MOV_W0(NEW), RET};
static const uint32_t new_guarded[WORDS] = {BTI_C, MOV_W0(NEW), RET};
static const uint32_t new_signing[WORDS] = {PACIASP, PUSH, MOV_W0(NEW), POP, AUTIASP, RET};

static const struct arch_rig *rig(void)
{
    static struct arch_rig here = {.is64 = true, .machine = HP_EM_AARCH64};

    here.text = (uintptr_t)code;
    here.image = here.text + NEW_AT;
    return &here;
}

/* ---- calls ------------------------------------------------------------------------------------
 */

static sigjmp_buf after_crash;

static void on_crash(int signal)
{
    (void)signal;
    siglongjmp(after_crash, 1);
}

/* Calls as compilers do: the landing pad must accept calls. */
static int call(const void *function)
{
    register int result __asm__("w0");

    __asm__ volatile("mov x9, %1\n\tblr x9"
                     : "=r"(result)
                     : "r"(function)
                     : "x1", "x2", "x9", "x10", "x16", "x17", "x30", "memory", "cc");
    return result;
}

/* Calls as a linker's stub does. */
static int call_by_stub(const void *function)
{
    register int result __asm__("w0");

    __asm__ volatile("mov x16, %1\n\tbl 1f\n\tb 2f\n1:\tbr x16\n2:"
                     : "=r"(result)
                     : "r"(function)
                     : "x1", "x2", "x9", "x10", "x16", "x17", "x30", "memory", "cc");
    return result;
}

/* What a call returns; CRASHED when the processor refused. */
static int try_call(int (*how)(const void *), uint32_t offset)
{
    const struct sigaction handler = {.sa_handler = on_crash};
    struct sigaction old[2];
    volatile int result = CRASHED;

    assert_int_equal(sigaction(SIGILL, &handler, &old[0]), 0);
    assert_int_equal(sigaction(SIGSEGV, &handler, &old[1]), 0);
    if (sigsetjmp(after_crash, 1) == 0) {
        result = how(code + offset);
    }
    assert_int_equal(sigaction(SIGILL, &old[0], NULL), 0);
    assert_int_equal(sigaction(SIGSEGV, &old[1], NULL), 0);
    return result;
}

/* ---- code -------------------------------------------------------------------------------------
 */

static void make_writable(void)
{
    assert_int_equal(mprotect(code, SIZE, PROT_READ | PROT_WRITE), 0);
    assert_int_equal(mprotect(code + FAR_AT, PAGE, PROT_READ | PROT_WRITE), 0);
}

static void make_executable(bool guard)
{
    const int permissions = PROT_READ | PROT_EXEC | (guard ? PROT_BTI : 0);

    __builtin___clear_cache((char *)code, (char *)code + SIZE);
    __builtin___clear_cache((char *)code + FAR_AT, (char *)code + FAR_AT + PAGE);
    assert_int_equal(mprotect(code, SIZE, permissions), 0);
    assert_int_equal(mprotect(code + FAR_AT, PAGE, permissions), 0);
}

/* Puts both functions into place, and the patch over the old one that the library plans. */
static void patch(const uint32_t *old, const uint32_t *new, uint32_t flags, bool guard)
{
    struct arch_patch patch = {
        .old_size = 4 * WORDS, .flags = flags, .distance = (int64_t)NEW_AT - OLD_AT};
    struct hp_write write;

    memcpy(patch.code, old, sizeof(patch.code));
    assert_int_equal(arch_capture(rig(), &patch, &write), HP_OK);
    make_writable();
    memcpy(code + OLD_AT, old, 4 * WORDS);
    memcpy(code + NEW_AT, new, 4 * WORDS);
    make_executable(guard);
    if (!guard || old[0] != plain[0]) { /* what a guard lets in works before it is patched */
        assert_int_equal(try_call(call, OLD_AT), OLD);
    }
    make_writable();
    memcpy((void *)(uintptr_t)write.addr, write.new_bytes, write.size);
    make_executable(guard);
}

/* The same with a new function that is out of reach, and the second trampoline that leads to it. */
static struct arch_patch far_patch(const uint32_t *new, uint32_t flags)
{
    const struct arch_patch patch = {.old_size = 4 * WORDS,
                                     .flags = flags,
                                     .distance = (int64_t)FAR_AT - OLD_AT,
                                     .island = (uintptr_t)code + ISLE_AT,
                                     .begin = new[0]};

    return patch;
}

static void patch_far(const uint32_t *old, const uint32_t *new, uint32_t flags, bool guard)
{
    struct arch_patch patch = far_patch(new, flags);
    struct hp_write write;
    uint8_t island[16];

    memcpy(patch.code, old, sizeof(patch.code));
    patch.island_code = island;
    assert_int_equal(arch_capture(rig(), &patch, &write), HP_OK);
    assert_int_equal(write.island, patch.island);
    make_writable();
    memcpy(code + OLD_AT, old, 4 * WORDS);
    memcpy(code + FAR_AT, new, 4 * WORDS);
    memcpy(code + ISLE_AT, island, sizeof(island));
    memcpy((void *)(uintptr_t)write.addr, write.new_bytes, write.size);
    make_executable(guard);
}

static int map_code(void **state)
{
    (void)state;
    code = mmap(NULL, FAR_AT + PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return code != MAP_FAILED ? 0 : -1;
}

static int unmap_code(void **state)
{
    (void)state;
    return munmap(code, FAR_AT + PAGE);
}

/* ---- tests ------------------------------------------------------------------------------------
 */

static const uint32_t *const olds[] = {plain, guarded, signing, signing_b, both};
static const uint32_t *const news[] = {new_plain, new_signing};

/* The new function runs and comes back, whichever way it was called. */
static void test_plain_pages(void **state)
{
    size_t o;
    size_t n;

    (void)state;
    for (o = 0; o < sizeof(olds) / sizeof(olds[0]); o++) {
        for (n = 0; n < sizeof(news) / sizeof(news[0]); n++) {
            patch(olds[o], news[n], 0, false);
            assert_int_equal(try_call(call, OLD_AT), NEW);
            assert_int_equal(try_call(call_by_stub, OLD_AT), NEW);
            patch(olds[o], news[n], HP_TARGET_BTI, false);
            assert_int_equal(try_call(call, OLD_AT), NEW);
        }
    }
}

/* The same where indirect calls must land on a pad: every entry that was one still is. */
static void test_guarded_pages(void **state)
{
    size_t o;
    size_t n;

    (void)state;
    for (o = 1; o < sizeof(olds) / sizeof(olds[0]); o++) {
        for (n = 0; n < sizeof(news) / sizeof(news[0]); n++) {
            patch(olds[o], news[n], HP_TARGET_BTI, true);
            assert_int_equal(try_call(call, OLD_AT), NEW);
            assert_int_equal(try_call(call_by_stub, OLD_AT), NEW);
        }
    }
}

/* The guard is real: without a pad the processor refuses, and patching does not make it one. */
static void test_guard_refuses(void **state)
{
    (void)state;
    patch(plain, new_plain, HP_TARGET_BTI, true);
    assert_int_equal(try_call(call, OLD_AT), CRASHED);
    patch(signing, new_plain, 0, true); /* a port that does not say that its pages are guarded */
    assert_int_equal(try_call(call, OLD_AT), CRASHED);
}

/* So is the signature: a jump behind the signing instruction would have it sign twice. */
static void test_signing_twice(void **state)
{
    uint32_t wrong[WORDS] = {PACIASP, 0};

    (void)state;
    wrong[1] = 0x14000000u | (NEW_AT - OLD_AT - 4) / 4; /* b */
    make_writable();
    memcpy(code + OLD_AT, wrong, sizeof(wrong));
    memcpy(code + NEW_AT, new_signing, sizeof(new_signing));
    make_executable(false);
    assert_int_equal(try_call(call, OLD_AT), CRASHED);
    make_writable();
    memcpy(code + NEW_AT, new_plain, sizeof(new_plain));
    make_executable(false);
    assert_int_equal(try_call(call, OLD_AT), CRASHED); /* nobody takes the signature off */
}

/* Through a second trampoline: in guarded pages the new function begins with a pad, or is refused.
 */
static void test_far(void **state)
{
    static const uint32_t *const padded[] = {new_guarded, new_signing};
    struct arch_patch bare = far_patch(new_plain, HP_TARGET_BTI);
    struct hp_write write;
    size_t o;
    size_t n;

    (void)state;
    for (o = 0; o < sizeof(olds) / sizeof(olds[0]); o++) {
        patch_far(olds[o], new_plain, 0, false);
        assert_int_equal(try_call(call, OLD_AT), NEW);
        for (n = 0; n < sizeof(padded) / sizeof(padded[0]); n++) {
            patch_far(olds[o], padded[n], HP_TARGET_BTI, false);
            assert_int_equal(try_call(call, OLD_AT), NEW);
            patch_far(olds[o], padded[n], HP_TARGET_BTI, true);
            assert_int_equal(try_call(call, OLD_AT), o == 0 ? CRASHED : NEW);
            assert_int_equal(try_call(call_by_stub, OLD_AT), o == 0 ? CRASHED : NEW);
        }
    }
    assert_int_equal(arch_capture(rig(), &bare, &write), HP_LANDING_PAD_MISSING);
    patch_far(guarded, new_plain, 0, true); /* rightly: the processor would refuse as well */
    assert_int_equal(try_call(call, OLD_AT), CRASHED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_pages),   cmocka_unit_test(test_guarded_pages),
        cmocka_unit_test(test_guard_refuses), cmocka_unit_test(test_signing_twice),
        cmocka_unit_test(test_far),
    };

    return cmocka_run_group_tests_name("entries", tests, map_code, unmap_code);
}
