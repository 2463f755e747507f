/* SPDX-License-Identifier: BSD-2-Clause */
/* links: test_port */
/* The header for payload authors: layouts of SPEC section 3, and what each macro places where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <hotpatch/payload.h>

/*
 * This program is its own payload. The sections of records and hooks, whose names no linker gives
 * bounds for, are read through the objects that the macros define.
 */
static int replacement(void)
{
    return 42;
}

static void on_load(void)
{
}

static void on_unload(void)
{
}

static void after(struct hp_payload_handle *handle)
{
    (void)handle;
}

static int before(struct hp_payload_handle *handle)
{
    return handle != NULL;
}

HP_PATCH_FUNCTION(plain, "old_function", replacement, 64);
HP_PATCH_FUNCTION_EXPECT(expecting, "file.c#old_function", replacement, 32, 0x55, 0x48, 0x89);
HP_PATCH_FUNCTION_EXPECT(longest, "old_function", replacement, 31, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
                         11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29,
                         30, 31);
HP_PATCH_NOP(nop, "old_function+0x10", 5, 16);
HP_PATCH_RECORD(raw, .old_addr = (const void *)(uintptr_t)0x1234, .new_size = 3, .old_size = 9);
HP_PATCH_FUNCTION_V1(old_form, "old_function", replacement, 64);
HP_SPLICE_BYTES(bytes, "old_function+0x10", (0x72, 0x10, 0xff), (0x76, 0x10, 0xfe));
HP_SPLICE_BYTES(most, "table",
                (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23,
                 24, 25, 26, 27, 28, 29, 30, 31, 32),
                (32, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13, 12,
                 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1));
HP_SPLICE_CALL(call, "old_function+4", "callee", replacement);
HP_SPLICE_JUMP(jump, "old_function+9", "file.c#callee", replacement);
HP_SPLICE_POINTER(pointer, "hypercall_table+8*17", "do_xen_version", replacement);
HP_SPLICE_RECORD(raw, .addr = (const void *)(uintptr_t)0x1234, .kind = HP_SPLICE_KIND_POINTER,
                 .old_target = (const void *)(uintptr_t)0x5678, .new_target = &hp_patch_plain);
HP_HOOK_LOAD(on_load);
HP_HOOK_LOAD(on_unload);
HP_HOOK_UNLOAD(on_unload);
HP_HOOK_PREAPPLY(before);
HP_HOOK_APPLY(before);
HP_HOOK_POSTAPPLY(after);
HP_HOOK_PREREVERT(before);
HP_HOOK_REVERT(before);
HP_HOOK_POSTREVERT(after);
HP_PAYLOAD_INFO(license, "license", "none");

#if UINTPTR_MAX > UINT32_MAX
#define WIDE(on64, on32) (on64)
#else
#define WIDE(on64, on32) (on32)
#endif

static void test_layout_v1(void **state)
{
    (void)state;
    assert_int_equal(sizeof(struct hp_payload_func_v1), WIDE(64, 52));
    assert_int_equal(offsetof(struct hp_payload_func_v1, name), 0);
    assert_int_equal(offsetof(struct hp_payload_func_v1, new_addr), WIDE(8, 4));
    assert_int_equal(offsetof(struct hp_payload_func_v1, old_addr), WIDE(16, 8));
    assert_int_equal(offsetof(struct hp_payload_func_v1, new_size), WIDE(24, 12));
    assert_int_equal(offsetof(struct hp_payload_func_v1, old_size), WIDE(28, 16));
    assert_int_equal(offsetof(struct hp_payload_func_v1, version), WIDE(32, 20));
    assert_int_equal(offsetof(struct hp_payload_func_v1, opaque), WIDE(33, 21));
    assert_int_equal(sizeof(((struct hp_payload_func_v1 *)NULL)->opaque), 31);
}

static void test_layout_v2(void **state)
{
    (void)state;
    assert_int_equal(sizeof(struct hp_payload_func), WIDE(104, 92));
    assert_int_equal(offsetof(struct hp_payload_func, name), 0);
    assert_int_equal(offsetof(struct hp_payload_func, new_addr), WIDE(8, 4));
    assert_int_equal(offsetof(struct hp_payload_func, old_addr), WIDE(16, 8));
    assert_int_equal(offsetof(struct hp_payload_func, new_size), WIDE(24, 12));
    assert_int_equal(offsetof(struct hp_payload_func, old_size), WIDE(28, 16));
    assert_int_equal(offsetof(struct hp_payload_func, version), WIDE(32, 20));
    assert_int_equal(offsetof(struct hp_payload_func, opaque), WIDE(33, 21));
    assert_int_equal(offsetof(struct hp_payload_func, applied), WIDE(64, 52));
    assert_int_equal(offsetof(struct hp_payload_func, pad), WIDE(65, 53));
    assert_int_equal(sizeof(((struct hp_payload_func *)NULL)->pad), 7);
    assert_int_equal(offsetof(struct hp_payload_func, expect), WIDE(72, 60));
    assert_int_equal(sizeof(struct hp_payload_expect), 32);
    assert_int_equal(offsetof(struct hp_payload_expect, data), 1);
}

static void test_layout_of_splices(void **state)
{
    (void)state;
    assert_int_equal(sizeof(struct hp_payload_splice), WIDE(112, 92));
    assert_int_equal(offsetof(struct hp_payload_splice, name), 0);
    assert_int_equal(offsetof(struct hp_payload_splice, addr), WIDE(8, 4));
    assert_int_equal(offsetof(struct hp_payload_splice, old_name), WIDE(16, 8));
    assert_int_equal(offsetof(struct hp_payload_splice, old_target), WIDE(24, 12));
    assert_int_equal(offsetof(struct hp_payload_splice, new_target), WIDE(32, 16));
    assert_int_equal(offsetof(struct hp_payload_splice, version), WIDE(40, 20));
    assert_int_equal(offsetof(struct hp_payload_splice, kind), WIDE(41, 21));
    assert_int_equal(offsetof(struct hp_payload_splice, size), WIDE(42, 22));
    assert_int_equal(offsetof(struct hp_payload_splice, reserved), WIDE(43, 23));
    assert_int_equal(offsetof(struct hp_payload_splice, old_bytes), WIDE(48, 28));
    assert_int_equal(offsetof(struct hp_payload_splice, new_bytes), WIDE(80, 60));
}

/* Bytes that a splice does not use are zero. */
static void assert_splice(const struct hp_payload_splice *splice, uint8_t kind, uint8_t size)
{
    static const uint8_t zero[HP_PAYLOAD_SPLICE_MAX];

    assert_int_equal(splice->version, 1);
    assert_int_equal(splice->kind, kind);
    assert_int_equal(splice->size, size);
    assert_memory_equal(splice->reserved, zero, sizeof(splice->reserved));
    assert_memory_equal(splice->old_bytes + size, zero, HP_PAYLOAD_SPLICE_MAX - (size_t)size);
    assert_memory_equal(splice->new_bytes + size, zero, HP_PAYLOAD_SPLICE_MAX - (size_t)size);
    if (kind == HP_SPLICE_KIND_BYTES) {
        assert_null(splice->old_name);
        assert_null(splice->new_target);
    } else if (splice != &hp_splice_raw) {
        assert_ptr_equal(splice->new_target, (const void *)replacement);
    }
}

static void test_splices(void **state)
{
    uint8_t n;

    (void)state;
    assert_splice(&hp_splice_bytes, HP_SPLICE_KIND_BYTES, 3);
    assert_string_equal(hp_splice_bytes.name, "old_function+0x10");
    assert_memory_equal(hp_splice_bytes.old_bytes, "\x72\x10\xff", 3);
    assert_memory_equal(hp_splice_bytes.new_bytes, "\x76\x10\xfe", 3);
    assert_splice(&hp_splice_most, HP_SPLICE_KIND_BYTES, 32);
    for (n = 0; n < 32; n++) {
        assert_int_equal(hp_splice_most.old_bytes[n], n + 1);
        assert_int_equal(hp_splice_most.new_bytes[n], 32 - n);
    }
    assert_splice(&hp_splice_call, HP_SPLICE_KIND_CALL, 0);
    assert_string_equal(hp_splice_call.old_name, "callee");
    assert_splice(&hp_splice_jump, HP_SPLICE_KIND_JUMP, 0);
    assert_string_equal(hp_splice_jump.old_name, "file.c#callee");
    assert_splice(&hp_splice_pointer, HP_SPLICE_KIND_POINTER, 0);
    assert_string_equal(hp_splice_pointer.name, "hypercall_table+8*17");
    assert_string_equal(hp_splice_pointer.old_name, "do_xen_version");
    assert_null(hp_splice_pointer.addr);
    assert_null(hp_splice_pointer.old_target);
    assert_splice(&hp_splice_raw, HP_SPLICE_KIND_POINTER, 0);
    assert_null(hp_splice_raw.name);
    assert_int_equal((uintptr_t)hp_splice_raw.addr, 0x1234);
    assert_int_equal((uintptr_t)hp_splice_raw.old_target, 0x5678);
    assert_ptr_equal(hp_splice_raw.new_target, &hp_patch_plain);
}

static void test_constants(void **state)
{
    (void)state;
    assert_int_equal(HP_PAYLOAD_SPLICE_SIZE(8), 112);
    assert_int_equal(HP_PAYLOAD_SPLICE_SIZE(4), 92);
    assert_int_equal(HP_PAYLOAD_SPLICE_MAX, 32);
    assert_int_equal(HP_PAYLOAD_SPLICE_VERSION, 1);
    assert_int_equal(HP_PAYLOAD_FUNC_V1_SIZE(8), 64);
    assert_int_equal(HP_PAYLOAD_FUNC_V1_SIZE(4), 52);
    assert_int_equal(HP_PAYLOAD_FUNC_V2_SIZE(8), 104);
    assert_int_equal(HP_PAYLOAD_FUNC_V2_SIZE(4), 92);
    assert_int_equal(HP_PAYLOAD_OPAQUE_SIZE, 31);
    assert_int_equal(HP_PAYLOAD_EXPECT_MAX, 31);
    assert_int_equal(HP_PAYLOAD_VERSION_1, 1);
    assert_int_equal(HP_PAYLOAD_VERSION_2, 2);
}

static void test_expect_control(void **state)
{
    unsigned n;

    (void)state;
    assert_int_equal(HP_PAYLOAD_EXPECT_CONTROL(0), 0x01);
    assert_int_equal(HP_PAYLOAD_EXPECT_CONTROL(1), 0x03);
    assert_int_equal(HP_PAYLOAD_EXPECT_CONTROL(5), 0x0b);
    assert_int_equal(HP_PAYLOAD_EXPECT_CONTROL(31), 0x3f);
    for (n = 0; n <= HP_PAYLOAD_EXPECT_MAX; n++) {
        uint8_t control = HP_PAYLOAD_EXPECT_CONTROL(n);

        assert_int_equal(control & 1, 1);
        assert_int_equal((control >> 1) & 0x1f, n);
        assert_int_equal(control & 0xc0, 0);
    }
}

/* What every record of the macros has in common: version 2, and zero where the format wants it. */
static void assert_reserved(const struct hp_payload_func *record)
{
    static const uint8_t zero[31];

    assert_int_equal(record->version, 2);
    assert_memory_equal(record->opaque, zero, sizeof(record->opaque));
    assert_int_equal(record->applied, 0);
    assert_memory_equal(record->pad, zero, sizeof(record->pad));
}

static void test_function_records(void **state)
{
    static const uint8_t zero[31];
    uint8_t n;

    (void)state;
    assert_reserved(&hp_patch_plain);
    assert_string_equal(hp_patch_plain.name, "old_function");
    assert_ptr_equal(hp_patch_plain.new_addr, (const void *)replacement);
    assert_null(hp_patch_plain.old_addr);
    assert_int_equal(hp_patch_plain.new_size, 0);
    assert_int_equal(hp_patch_plain.old_size, 64);
    assert_int_equal(hp_patch_plain.expect.control, 0);
    assert_memory_equal(hp_patch_plain.expect.data, zero, sizeof(zero));

    assert_reserved(&hp_patch_expecting);
    assert_string_equal(hp_patch_expecting.name, "file.c#old_function");
    assert_int_equal(hp_patch_expecting.old_size, 32);
    assert_int_equal(hp_patch_expecting.expect.control, HP_PAYLOAD_EXPECT_CONTROL(3));
    assert_memory_equal(hp_patch_expecting.expect.data, "\x55\x48\x89\0\0", 5);

    assert_int_equal(hp_patch_longest.expect.control, HP_PAYLOAD_EXPECT_CONTROL(31));
    for (n = 0; n < 31; n++) {
        assert_int_equal(hp_patch_longest.expect.data[n], n + 1);
    }
}

static void test_other_records(void **state)
{
    (void)state;
    assert_reserved(&hp_patch_nop);
    assert_string_equal(hp_patch_nop.name, "old_function+0x10");
    assert_null(hp_patch_nop.new_addr);
    assert_int_equal(hp_patch_nop.new_size, 5);
    assert_int_equal(hp_patch_nop.old_size, 16);

    assert_reserved(&hp_patch_raw);
    assert_null(hp_patch_raw.name);
    assert_int_equal((uintptr_t)hp_patch_raw.old_addr, 0x1234);
    assert_int_equal(hp_patch_raw.new_size, 3);
    assert_int_equal(hp_patch_raw.old_size, 9);

    assert_int_equal(hp_patch_old_form.version, 1);
    assert_string_equal(hp_patch_old_form.name, "old_function");
    assert_ptr_equal(hp_patch_old_form.new_addr, (const void *)replacement);
    assert_int_equal(hp_patch_old_form.old_size, 64);
}

static void test_hooks_and_metadata(void **state)
{
    (void)state;
    assert_ptr_equal((const void *)hp_hook_load_on_load, (const void *)on_load);
    assert_ptr_equal((const void *)hp_hook_load_on_unload, (const void *)on_unload);
    assert_ptr_equal((const void *)hp_hook_unload_on_unload, (const void *)on_unload);
    assert_ptr_equal((const void *)hp_hook_preapply_before, (const void *)before);
    assert_ptr_equal((const void *)hp_hook_apply_before, (const void *)before);
    assert_ptr_equal((const void *)hp_hook_postapply_after, (const void *)after);
    assert_ptr_equal((const void *)hp_hook_prerevert_before, (const void *)before);
    assert_ptr_equal((const void *)hp_hook_revert_before, (const void *)before);
    assert_ptr_equal((const void *)hp_hook_postrevert_after, (const void *)after);
    assert_int_equal(sizeof(hp_info_license), sizeof("license=none"));
    assert_memory_equal(hp_info_license, "license=none", sizeof("license=none"));
    on_load();
    on_unload();
    after(NULL);
    assert_int_equal(before(NULL), 0);
    assert_int_equal(replacement(), 42);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layout_v1),          cmocka_unit_test(test_layout_v2),
        cmocka_unit_test(test_layout_of_splices),  cmocka_unit_test(test_splices),
        cmocka_unit_test(test_constants),          cmocka_unit_test(test_expect_control),
        cmocka_unit_test(test_function_records),   cmocka_unit_test(test_other_records),
        cmocka_unit_test(test_hooks_and_metadata),
    };

    return cmocka_run_group_tests_name("payload_header", tests, NULL, NULL);
}
