/* SPDX-License-Identifier: BSD-2-Clause */
/* links: test_port */
/* The plan: every byte that would be written, and everything that forbids a write. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "test_port.h"

static const uint8_t endbr64[4] = {0xf3, 0x0f, 0x1e, 0xfa};
static const uint8_t sealed[4] = {0x66, 0x0f, 0x1f, 0x01};

/* What the fixture's payloads have: 64 bytes of text, and a new function at its start. */
struct fixture {
    struct hp_port *port;
    struct hp_payload payload;
    struct hp_diag diag;
};

/* Recognisable code: no two neighbours alike, no landing pad. */
static void fill_code(struct hp_port *port, uint64_t addr, size_t size)
{
    size_t n;

    for (n = 0; n < size; n++) {
        uint8_t byte = (uint8_t)(0x11 + 7 * n);

        tp_poke(port, addr + n, &byte, 1);
    }
}

/* Loads a payload with these records; those with new_size 0 get the new function. */
static void load(struct fixture *f, struct hp_port *port, const struct eb_record *records,
                 size_t count)
{
    struct eb_payload p = eb_payload_new(true, HP_EM_X86_64, NULL);
    uint32_t code;
    size_t n;

    f->port = port;
    eb_append(p.b, p.text, 1, NULL, 64);
    code = eb_symbol(p.b, "code", HP_STB_LOCAL, HP_STT_FUNC, p.text, 0, 16);
    for (n = 0; n < count; n++) {
        struct eb_record record = records[n];

        record.new_symbol = record.new_size == 0 ? code : 0;
        eb_payload_record(&p, &record);
    }
    assert_int_equal(tp_load(port, &p, NULL, &f->payload, &f->diag), HP_OK);
}

/* Captures; a failure must have emptied the plan and named the record. */
static enum hp_status capture(struct fixture *f, uint32_t record)
{
    enum hp_status status;

    hp_diag_init(&f->diag);
    status = hp_plan_capture(&f->payload, NULL, 0, &f->diag);
    assert_int_equal(f->diag.status, status);
    if (status != HP_OK) {
        assert_int_equal(f->payload.write_count, 0);
        assert_int_equal(f->diag.stage, HP_STAGE_PLAN);
        assert_int_equal(f->diag.record, record);
    }
    return status;
}

static void done(struct fixture *f)
{
    hp_payload_unload(&f->payload);
}

/* One record against the port: loads, captures, unloads, returns the status. */
static enum hp_status try_one(struct hp_port *port, const struct eb_record *record,
                              struct hp_diag *diag, struct hp_write *write)
{
    struct fixture f;
    enum hp_status status;

    load(&f, port, record, 1);
    status = capture(&f, 0);
    if (status == HP_OK && write != NULL) {
        assert_int_equal(f.payload.write_count, 1);
        *write = f.payload.writes[0];
    }
    *diag = f.diag;
    done(&f);
    return status;
}

/* The five bytes of a jump, by the definition of the instruction. */
static void assert_jump(const uint8_t *bytes, uint64_t from, uint64_t to)
{
    uint32_t displacement = (uint32_t)bytes[1] | ((uint32_t)bytes[2] << 8) |
                            ((uint32_t)bytes[3] << 16) | ((uint32_t)bytes[4] << 24);

    assert_int_equal(bytes[0], 0xe9);
    assert_int_equal(from + 5 + (uint64_t)(int64_t)(int32_t)displacement, to);
}

/* ---- jumps --------------------------------------------------------------------------------- */

static void test_trampoline(void **state)
{
    const struct eb_record record = {.name = "target_function", .old_size = 64};
    static const uint8_t wanted[5] = {0xe9, 0xfb, 0xef, 0x3f, 0x00};
    struct hp_port *port = tp_new();
    struct fixture f;
    const struct hp_write *write;

    (void)state;
    fill_code(port, TP_FUNCTION, 64);
    load(&f, port, &record, 1);
    assert_int_equal(f.payload.write_count, 0); /* before the first capture */
    assert_int_equal(capture(&f, 0), HP_OK);
    assert_int_equal(f.payload.write_count, 1);
    assert_int_equal(f.payload.write_order[0], 0);
    write = &f.payload.writes[0];
    assert_int_equal(write->addr, TP_FUNCTION);
    assert_int_equal(write->dest, TP_IMAGE);
    assert_int_equal(write->record, 0);
    assert_int_equal(write->kind, HP_WRITE_JUMP);
    assert_int_equal(write->pad, 0);
    assert_int_equal(write->size, 5);
    assert_int_equal(write->uncertain, 0);
    assert_memory_equal(write->new_bytes, wanted, 5); /* 0x600000 - 0x201005 */
    assert_memory_equal(write->old_bytes, "\x11\x18\x1f\x26\x2d\0\0\0", 8); /* and no more */
    done(&f);
    tp_free(port);
}

static void test_landing_pads(void **state)
{
    static const uint8_t *const pads[] = {endbr64, sealed};
    struct hp_port *port = tp_new();
    size_t n;
    uint32_t size;

    (void)state;
    for (n = 0; n < 2; n++) {
        fill_code(port, TP_FUNCTION, 64);
        tp_poke(port, TP_FUNCTION, pads[n], 4);
        for (size = 5; size <= 10; size++) {
            const struct eb_record record = {.name = "target_function", .old_size = size};
            struct hp_write write;
            struct hp_diag diag;

            if (size < 9) {
                assert_int_equal(try_one(port, &record, &diag, NULL), HP_RECORD_OLD_SIZE);
                assert_int_equal(diag.expected, 9);
                assert_int_equal(diag.actual, size);
                assert_string_equal(diag.name, "target_function");
                continue;
            }
            assert_int_equal(try_one(port, &record, &diag, &write), HP_OK);
            assert_int_equal(write.addr, TP_FUNCTION + 4);
            assert_int_equal(write.pad, 4);
            assert_int_equal(write.size, 5);
            assert_jump(write.new_bytes, TP_FUNCTION + 4, TP_IMAGE);
            assert_memory_equal(write.old_bytes, "\x2d\x34\x3b\x42\x49", 5);
        }
    }
    tp_free(port);
}

/* Nearly a landing pad: each byte of both forms changed, and ENDBR32. */
static void test_no_landing_pads(void **state)
{
    const struct eb_record record = {.name = "target_function", .old_size = 5};
    struct hp_port *port = tp_new();
    unsigned n;

    (void)state;
    for (n = 0; n < 9; n++) {
        uint8_t bytes[4];
        struct hp_write write;
        struct hp_diag diag;

        memcpy(bytes, n < 4 || n == 8 ? endbr64 : sealed, 4);
        if (n < 8) {
            bytes[n % 4] ^= 0x10;
        } else {
            bytes[3] = 0xfb;
        }
        tp_poke(port, TP_FUNCTION, bytes, 4);
        assert_int_equal(try_one(port, &record, &diag, &write), HP_OK);
        assert_int_equal(write.addr, TP_FUNCTION);
        assert_int_equal(write.pad, 0);
    }
    tp_free(port);
}

/* Exactly the reach of the displacement that is encoded, with and without a landing pad. */
static void test_reach(void **state)
{
    static const struct {
        uint64_t from; /* address of the jump itself */
        bool good;
    } rows[] = {
        {TP_IMAGE - 5 - UINT64_C(0x7fffffff), true},
        {TP_IMAGE - 5 - UINT64_C(0x80000000), false},
        {TP_IMAGE - 5 + UINT64_C(0x80000000), true},
        {TP_IMAGE - 5 + UINT64_C(0x80000001), false},
        {0x1000, false},
        {UINT64_C(0x7fffffffffffff00), false},
    };
    size_t n;
    unsigned pad;

    (void)state;
    for (n = 0; n < sizeof(rows) / sizeof(rows[0]); n++) {
        for (pad = 0; pad <= 4; pad += 4) {
            const uint64_t addr = rows[n].from - pad;
            const struct eb_record record = {.old_addr = addr, .old_size = 16};
            struct hp_port *port = tp_new();
            uint8_t code[16];
            struct hp_write write;
            struct hp_diag diag;

            memset(code, 0x90, sizeof(code));
            memcpy(code, endbr64, pad);
            tp_add_range(port, addr, code, sizeof(code), TP_PATCHABLE);
            if (rows[n].good) {
                assert_int_equal(try_one(port, &record, &diag, &write), HP_OK);
                assert_int_equal(write.addr, rows[n].from);
                assert_jump(write.new_bytes, rows[n].from, TP_IMAGE);
            } else {
                const uint64_t displacement = TP_IMAGE - (rows[n].from + 5);

                assert_int_equal(try_one(port, &record, &diag, NULL), HP_PATCH_REACH);
                assert_int_equal(hp_status_errno(diag.status), HP_ERRNO_EOVERFLOW);
                assert_int_equal(diag.actual,
                                 (int64_t)displacement < 0 ? 0 - displacement : displacement);
            }
            tp_free(port);
        }
    }
}

/* A jump may lie across two pages. */
static void test_page_crossing(void **state)
{
    const struct eb_record record = {.old_addr = TP_TEXT + 0x1ffd, .old_size = 5};
    struct hp_port *port = tp_new();
    struct hp_write write;
    struct hp_diag diag;

    (void)state;
    fill_code(port, TP_TEXT + 0x1ffd, 5);
    assert_int_equal(try_one(port, &record, &diag, &write), HP_OK);
    assert_int_equal(write.addr, TP_TEXT + 0x1ffd);
    assert_memory_equal(write.old_bytes, "\x11\x18\x1f\x26\x2d", 5);
    assert_jump(write.new_bytes, TP_TEXT + 0x1ffd, TP_IMAGE);
    tp_free(port);
}

/* ---- NOPs ---------------------------------------------------------------------------------- */

/* Length of the NOP at `p` by the table of the Intel manual; 0 when it is none. */
static size_t nop_length(const uint8_t *p, size_t size)
{
    static const struct {
        size_t length;
        const char *bytes;
    } nops[] = {
        {9, "\x66\x0f\x1f\x84\0\0\0\0\0"},
        {8, "\x0f\x1f\x84\0\0\0\0\0"},
        {7, "\x0f\x1f\x80\0\0\0\0"},
        {6, "\x66\x0f\x1f\x44\0\0"},
        {5, "\x0f\x1f\x44\0\0"},
        {4, "\x0f\x1f\x40\0"},
        {3, "\x0f\x1f\0"},
        {2, "\x66\x90"},
        {1, "\x90"},
    };
    size_t n;

    for (n = 0; n < sizeof(nops) / sizeof(nops[0]); n++) {
        if (nops[n].length <= size && memcmp(p, nops[n].bytes, nops[n].length) == 0) {
            return nops[n].length;
        }
    }
    return 0;
}

static void assert_nops(const uint8_t *bytes, size_t size)
{
    size_t count = 0;
    size_t n;

    for (n = 0; n < size; count++) {
        size_t length = nop_length(bytes + n, size - n);

        assert_true(length > 0);
        n += length;
    }
    assert_int_equal(count, (size + 8) / 9); /* as few as possible */
}

static void test_nops(void **state)
{
    struct hp_port *port = tp_new();
    uint32_t size;

    (void)state;
    fill_code(port, TP_FUNCTION, 64);
    for (size = 1; size <= 31; size++) {
        const struct eb_record record = {
            .name = "target_function", .new_size = size, .old_size = 40};
        uint8_t zero[HP_WRITE_MAX] = {0};
        struct hp_write write;
        struct hp_diag diag;
        uint32_t n;

        assert_int_equal(try_one(port, &record, &diag, &write), HP_OK);
        assert_int_equal(write.addr, TP_FUNCTION);
        assert_int_equal(write.dest, 0);
        assert_int_equal(write.kind, HP_WRITE_NOP);
        assert_int_equal(write.size, size);
        assert_nops(write.new_bytes, size);
        assert_memory_equal(write.new_bytes + size, zero, HP_WRITE_MAX - size);
        for (n = 0; n < size; n++) {
            assert_int_equal(write.old_bytes[n], (uint8_t)(0x11 + 7 * n));
        }
        assert_memory_equal(write.old_bytes + size, zero, HP_WRITE_MAX - size);
    }
    tp_free(port);
}

/* A landing pad stays, and what is NOPed is the rest; none of it may be cut. */
static void test_nops_and_landing_pads(void **state)
{
    static const uint8_t *const pads[] = {endbr64, sealed};
    struct hp_port *port = tp_new();
    uint32_t old_size;
    uint32_t size;
    size_t n;

    (void)state;
    for (n = 0; n < 2; n++) {
        fill_code(port, TP_FUNCTION, 64);
        tp_poke(port, TP_FUNCTION, pads[n], 4);
        for (old_size = 1; old_size <= 31; old_size += old_size < 5 ? 1 : 26) {
            for (size = 1; size <= old_size; size++) {
                const struct eb_record record = {
                    .name = "target_function", .new_size = size, .old_size = old_size};
                struct fixture f;

                load(&f, port, &record, 1);
                if (size < 4) {
                    assert_int_equal(capture(&f, 0), HP_NOP_SIZE);
                    assert_int_equal(f.diag.expected, 4);
                    assert_int_equal(f.diag.actual, size);
                } else if (size == 4) {
                    assert_int_equal(capture(&f, 0), HP_OK);
                    assert_int_equal(f.payload.write_count, 0); /* nothing is left of it */
                } else {
                    assert_int_equal(capture(&f, 0), HP_OK);
                    assert_int_equal(f.payload.write_count, 1);
                    assert_int_equal(f.payload.writes[0].addr, TP_FUNCTION + 4);
                    assert_int_equal(f.payload.writes[0].pad, 4);
                    assert_int_equal(f.payload.writes[0].size, size - 4);
                    assert_nops(f.payload.writes[0].new_bytes, size - 4);
                }
                done(&f);
            }
        }
    }
    tp_free(port);
}

/* A range too short for a landing pad is judged by the code that is there, which may end there. */
static void test_nop_at_the_end_of_memory(void **state)
{
    const uint64_t end = TP_TEXT + TP_TEXT_SIZE;
    uint32_t size;

    (void)state;
    for (size = 1; size <= 5; size++) {
        const struct eb_record record = {
            .old_addr = end - size, .new_size = size, .old_size = size};
        struct hp_port *port = tp_new();
        struct hp_write write;
        struct hp_diag diag;

        assert_int_equal(try_one(port, &record, &diag, &write), HP_OK);
        assert_int_equal(write.size, size);
        assert_nops(write.new_bytes, size);
        tp_free(port);
    }
}

/* ---- place --------------------------------------------------------------------------------- */

static void test_past_the_function(void **state)
{
    static const struct {
        uint32_t offset; /* in target_function, of 64 bytes */
        uint32_t new_size;
        bool pad;
        bool good;
    } rows[] = {
        {59, 0, false, true}, {60, 0, false, false}, {55, 0, true, true},   {56, 0, true, false},
        {60, 4, false, true}, {60, 5, false, false}, {33, 31, false, true}, {34, 31, false, false},
        {55, 9, true, true},  {55, 10, true, false},
    };
    size_t n;

    (void)state;
    for (n = 0; n < sizeof(rows) / sizeof(rows[0]); n++) {
        const uint64_t addr = TP_FUNCTION + rows[n].offset;
        char name[32];
        const struct eb_record record = {
            .name = name, .new_size = rows[n].new_size, .old_size = 40};
        struct hp_port *port = tp_new();
        struct hp_diag diag;

        (void)snprintf(name, sizeof(name), "target_function+%u", rows[n].offset);
        if (rows[n].pad) {
            tp_poke(port, addr, endbr64, 4);
        }
        if (rows[n].good) {
            assert_int_equal(try_one(port, &record, &diag, NULL), HP_OK);
        } else {
            uint64_t size = rows[n].new_size != 0 ? rows[n].new_size : rows[n].pad ? 9 : 5;

            assert_int_equal(try_one(port, &record, &diag, NULL), HP_PATCH_PAST_FUNCTION);
            assert_int_equal(diag.expected, TP_FUNCTION + 64);
            assert_int_equal(diag.actual, addr + size);
            assert_string_equal(diag.name, name);
        }
        tp_free(port);
    }
}

static void test_range(void **state)
{
    static const struct {
        uint64_t addr;
        enum hp_status status;
    } rows[] = {
        {TP_TEXT, HP_OK},
        {TP_TEXT - 1, HP_PATCH_RANGE},
        {TP_TEXT + TP_TEXT_SIZE - 5, HP_OK},
        {TP_TEXT + TP_TEXT_SIZE - 4, HP_PATCH_RANGE},
        {TP_TEXT + TP_TEXT_SIZE, HP_PATCH_RANGE},
        {0x10, HP_PATCH_RANGE},
        {UINT64_MAX - 1, HP_PATCH_RANGE},
        {UINT64_MAX, HP_PATCH_RANGE},
        {TP_TEXT + 0x800 - 5, HP_OK}, /* the deny list: two bytes at 0x800 */
        {TP_TEXT + 0x800 - 4, HP_PATCH_DENIED},
        {TP_TEXT + 0x801, HP_PATCH_DENIED},
        {TP_TEXT + 0x802, HP_OK},
    };
    struct hp_port *port = tp_new();
    size_t n;

    (void)state;
    tp_add_range(port, TP_TEXT + 0x800, NULL, 2, TP_DENIED);
    tp_add_range(port, 0x10, "0123456789abcdef", 16, 0); /* readable, no code */
    for (n = 0; n < sizeof(rows) / sizeof(rows[0]); n++) {
        const struct eb_record record = {.old_addr = rows[n].addr, .old_size = 16};
        struct hp_diag diag;

        assert_int_equal(try_one(port, &record, &diag, NULL), rows[n].status);
        if (rows[n].status != HP_OK) {
            assert_int_equal(diag.actual, rows[n].addr);
        }
        if (rows[n].status == HP_PATCH_DENIED) {
            assert_int_equal(hp_status_errno(diag.status), HP_ERRNO_EPERM);
        }
    }
    tp_free(port);
}

/* A landing pad that is on the deny list forbids the jump behind it, too. */
static void test_denied_landing_pad(void **state)
{
    const struct eb_record record = {.name = "target_function", .old_size = 64};
    struct hp_port *port = tp_new();
    struct hp_diag diag;

    (void)state;
    tp_poke(port, TP_FUNCTION, endbr64, 4);
    tp_add_range(port, TP_FUNCTION + 2, NULL, 1, TP_DENIED);
    assert_int_equal(try_one(port, &record, &diag, NULL), HP_PATCH_DENIED);
    tp_free(port);
}

static void test_unreadable(void **state)
{
    const uint64_t hole = UINT64_C(0xffff82d040300000);
    struct eb_record record = {.old_addr = hole, .old_size = 64};
    struct hp_port *port = tp_new();
    struct hp_diag diag;

    (void)state;
    tp_add_range(port, hole, NULL, 64, TP_PATCHABLE); /* said to be code; nothing is there */
    assert_int_equal(try_one(port, &record, &diag, NULL), HP_TARGET_READ);
    tp_add_range(port, hole, "\x90\x90\x90\x90", 4, 0); /* readable as far as a landing pad */
    assert_int_equal(try_one(port, &record, &diag, NULL), HP_TARGET_READ);
    tp_add_range(port, hole, "\x90\x90\x90\x90\x90", 5, 0);
    assert_int_equal(try_one(port, &record, &diag, NULL), HP_OK);
    record.expect_control = 1 | 6 << 1; /* the expectation reaches into the hole */
    memset(record.expect, 0x90, 6);
    assert_int_equal(try_one(port, &record, &diag, NULL), HP_TARGET_READ);
    tp_free(port);
}

/* ---- expectations -------------------------------------------------------------------------- */

static void test_expectation(void **state)
{
    struct eb_record record = {.name = "target_function", .old_size = 64};
    struct hp_port *port = tp_new();
    struct hp_diag diag;
    uint8_t length;
    uint8_t n;

    (void)state;
    fill_code(port, TP_FUNCTION, 64);
    for (length = 0; length <= 31; length++) {
        record.expect_control = (uint8_t)(1 | length << 1);
        for (n = 0; n < 31; n++) { /* what is behind `length` does not count */
            record.expect[n] = n < length ? (uint8_t)(0x11 + 7 * n) : 0xee;
        }
        assert_int_equal(try_one(port, &record, &diag, NULL), HP_OK);
        if (length > 0) {
            record.expect[length - 1] ^= 1;
            assert_int_equal(try_one(port, &record, &diag, NULL), HP_EXPECT_MISMATCH);
            assert_int_equal(diag.offset, length - 1);
            assert_int_equal(diag.expected, record.expect[length - 1]);
            assert_int_equal(diag.actual, record.expect[length - 1] ^ 1);
            assert_string_equal(diag.name, "target_function");
        }
    }
    tp_free(port);
}

/* The expectation begins at old_addr, with the landing pad. */
static void test_expectation_of_landing_pad(void **state)
{
    struct eb_record record = {.name = "target_function",
                               .old_size = 64,
                               .expect_control = 1 | 5 << 1,
                               .expect = {0xf3, 0x0f, 0x1e, 0xfa, 0xcc}};
    struct hp_port *port = tp_new();
    struct hp_diag diag;

    (void)state;
    tp_poke(port, TP_FUNCTION, endbr64, 4);
    assert_int_equal(try_one(port, &record, &diag, NULL), HP_OK);
    tp_poke(port, TP_FUNCTION, sealed, 4);
    assert_int_equal(try_one(port, &record, &diag, NULL), HP_EXPECT_MISMATCH);
    assert_int_equal(diag.offset, 0);
    tp_free(port);
}

/* ---- overlaps ------------------------------------------------------------------------------ */

static void test_overlaps(void **state)
{
    static const struct {
        uint64_t first, second; /* offsets in the function; jumps of 5 bytes each */
        bool good;
    } rows[] = {
        {0, 0, false}, {0, 1, false}, {0, 4, false},  {0, 5, true},
        {5, 0, true},  {4, 0, false}, {20, 10, true}, {10, 10, false},
    };
    struct hp_port *port = tp_new();
    size_t n;

    (void)state;
    for (n = 0; n < sizeof(rows) / sizeof(rows[0]); n++) {
        const struct eb_record records[] = {
            {.old_addr = TP_TEXT + 0x4000, .old_size = 5}, /* one that is in nobody's way */
            {.old_addr = TP_FUNCTION + rows[n].first, .old_size = 5},
            {.old_addr = TP_FUNCTION + rows[n].second, .old_size = 5},
        };
        struct fixture f;

        load(&f, port, records, 3);
        if (rows[n].good) {
            assert_int_equal(capture(&f, 0), HP_OK);
            assert_int_equal(f.payload.write_count, 3);
        } else {
            uint64_t low = rows[n].first < rows[n].second ? rows[n].first : rows[n].second;
            uint64_t high = rows[n].first + rows[n].second - low;

            assert_int_equal(capture(&f, 2), HP_PATCH_OVERLAP);
            assert_int_equal(f.diag.expected, TP_FUNCTION + low + 5);
            assert_int_equal(f.diag.actual, TP_FUNCTION + high);
        }
        done(&f);
    }
    tp_free(port);
}

/* Nobody writes into the landing pad that another's jump stands behind. */
static void test_overlap_with_landing_pad(void **state)
{
    static const uint64_t others[] = {TP_FUNCTION - 4, TP_FUNCTION - 1, TP_FUNCTION + 1,
                                      TP_FUNCTION + 3, TP_FUNCTION + 4, TP_FUNCTION + 8};
    struct hp_port *port = tp_new();
    size_t n;
    unsigned swap;

    (void)state;
    tp_poke(port, TP_FUNCTION, endbr64, 4);
    for (n = 0; n < sizeof(others) / sizeof(others[0]); n++) {
        for (swap = 0; swap < 2; swap++) {
            struct eb_record records[2] = {{.old_addr = TP_FUNCTION, .old_size = 9},
                                           {.old_addr = others[n], .old_size = 5}};
            struct fixture f;

            if (swap != 0) {
                records[0].old_addr = others[n];
                records[1].old_addr = TP_FUNCTION;
                records[0].old_size = 5;
                records[1].old_size = 9;
            }
            load(&f, port, records, 2);
            if (others[n] > TP_FUNCTION && others[n] < TP_FUNCTION + 4) {
                assert_int_equal(capture(&f, swap != 0 ? 0 : 1), HP_PATCH_LANDING_PAD);
            } else {
                assert_int_equal(capture(&f, 1), HP_PATCH_OVERLAP);
            }
            done(&f);
        }
    }
    tp_free(port);
}

/* Records in any order: writes in theirs, the order by address beside it. */
static void test_order(void **state)
{
    enum { COUNT = 600 };
    struct eb_record *records = calloc(COUNT, sizeof(*records));
    struct hp_port *port = tp_new();
    struct fixture f;
    uint32_t n;

    (void)state;
    assert_non_null(records);
    for (n = 0; n < COUNT; n++) {
        records[n].old_addr = TP_TEXT + 5 * ((uint64_t)n * 371 % COUNT);
        records[n].old_size = 5;
    }
    load(&f, port, records, COUNT);
    assert_int_equal(capture(&f, 0), HP_OK);
    assert_int_equal(f.payload.write_count, COUNT);
    for (n = 0; n < COUNT; n++) {
        assert_int_equal(f.payload.writes[n].record, n);
        assert_int_equal(f.payload.writes[n].addr, records[n].old_addr);
        assert_int_equal(f.payload.writes[f.payload.write_order[n]].addr,
                         TP_TEXT + (uint64_t)5 * n);
    }
    done(&f);
    free(records);
    tp_free(port);
}

/* ---- captures ------------------------------------------------------------------------------ */

/* Captured again, the plan is of what memory holds then; a failure in between leaves it empty. */
static void test_repeated(void **state)
{
    const struct eb_record records[] = {
        {.name = "target_function", .old_size = 64, .expect_control = 3, .expect = {0x11}},
        {.old_addr = TP_TEXT + 0x10, .new_size = 3, .old_size = 8},
    };
    struct hp_port *port = tp_new();
    struct hp_write writes[2];
    struct fixture f;

    (void)state;
    fill_code(port, TP_FUNCTION, 64);
    load(&f, port, records, 2);
    assert_int_equal(capture(&f, 0), HP_OK);
    memcpy(writes, f.payload.writes, sizeof(writes));
    assert_int_equal(capture(&f, 0), HP_OK);
    assert_int_equal(f.payload.write_count, 2);
    assert_memory_equal(f.payload.writes, writes, sizeof(writes));
    tp_poke(port, TP_FUNCTION, "\x10", 1);
    assert_int_equal(capture(&f, 0), HP_EXPECT_MISMATCH);
    tp_poke(port, TP_FUNCTION, "\x11\x99", 2);
    assert_int_equal(capture(&f, 0), HP_OK);
    assert_int_equal(f.payload.write_count, 2);
    assert_int_equal(f.payload.writes[0].old_bytes[1], 0x99);
    assert_memory_equal(f.payload.writes[0].new_bytes, writes[0].new_bytes, HP_WRITE_MAX);
    tp_poke(port, TP_FUNCTION, "\x11\x18", 2);
    assert_int_equal(capture(&f, 0), HP_OK);
    assert_memory_equal(f.payload.writes, writes, sizeof(writes));
    done(&f);
    tp_free(port);
}

/* Bytes that the target rewrites at boot: reported, not compared; those beside them are. */
static void test_uncertain(void **state)
{
    struct eb_record records[] = {
        {.name = "target_function",
         .old_size = 64,
         .expect_control = 1 | 5 << 1,
         .expect = {0xcc, 0xcc, 0xcc, 0xcc, 0}},
        {.old_addr = TP_TEXT + 0x10, .old_size = 8, .expect_control = 1 | 1 << 1, .expect = {0xcc}},
    };
    struct hp_port *port = tp_new();
    struct fixture f;

    (void)state;
    tp_add_range(port, TP_FUNCTION + 4, NULL, 1, TP_UNCERTAIN);
    load(&f, port, records, 2);
    assert_int_equal(f.payload.undecided.writes, 0);
    assert_int_equal(capture(&f, 0), HP_OK);
    assert_int_equal(f.payload.undecided.expectations, 1);
    assert_int_equal(f.payload.undecided.writes, 1);
    assert_int_equal(f.payload.writes[0].uncertain, 1);
    assert_int_equal(f.payload.writes[1].uncertain, 0);
    assert_int_equal(f.payload.writes[0].old_bytes[0], 0xcc); /* as in the image file */
    assert_int_equal(capture(&f, 0), HP_OK);                  /* counted once for each capture */
    assert_int_equal(f.payload.undecided.expectations, 1);
    assert_int_equal(f.payload.undecided.writes, 1);
    done(&f);
    records[0].expect[3] = 0; /* the bytes in front of it are certain */
    load(&f, port, records, 2);
    assert_int_equal(capture(&f, 0), HP_EXPECT_MISMATCH);
    assert_int_equal(f.diag.offset, 3);
    done(&f);
    records[0].expect[3] = 0xcc;
    records[0].expect_control = 1 | 4 << 1;
    load(&f, port, records, 2);
    assert_int_equal(capture(&f, 0), HP_OK);
    assert_int_equal(f.payload.undecided.expectations, 0);
    assert_int_equal(f.payload.undecided.writes, 1);
    done(&f);
    tp_free(port);
}

/* A landing pad that may be sealed at boot is still one of two things. */
static void test_uncertain_pad(void **state)
{
    static const struct {
        uint64_t size; /* of what is uncertain */
        uint8_t length;
        uint8_t expect[6];
        enum hp_status status;
        uint32_t undecided;
    } cases[] = {
        {4, 5, {0xf3, 0x0f, 0x1e, 0xfa, 0xcc}, HP_OK, 1},
        {4, 5, {0x66, 0x0f, 0x1f, 0x01, 0xcc}, HP_OK, 1},
        {4, 5, {0xf5, 0x0f, 0x1e, 0xfa, 0xcc}, HP_EXPECT_MISMATCH, 0},
        {4, 5, {0xf3, 0x0f, 0x1e, 0xfa, 0xcd}, HP_EXPECT_MISMATCH, 1},
        {4, 3, {0xf3, 0x0f, 0x1f}, HP_OK, 1},       /* not the whole of it */
        {5, 6, {0xf5, 0x0f, 0x1e, 0xfa}, HP_OK, 1}, /* not it alone is uncertain */
        {5, 4, {0xf5, 0x0f, 0x1e, 0xfa}, HP_EXPECT_MISMATCH, 0},
    };
    size_t n;

    (void)state;
    for (n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
        struct eb_record record = {.name = "target_function",
                                   .old_size = 64,
                                   .expect_control = (uint8_t)(1 | cases[n].length << 1)};
        struct hp_port *port = tp_new();
        struct fixture f;

        tp_poke(port, TP_FUNCTION, endbr64, sizeof(endbr64));
        tp_add_range(port, TP_FUNCTION, NULL, cases[n].size, TP_UNCERTAIN);
        memcpy(record.expect, cases[n].expect, sizeof(cases[n].expect));
        record.expect[5] = 0xcc;
        load(&f, port, &record, 1);
        assert_int_equal(capture(&f, 0), cases[n].status);
        assert_int_equal(f.payload.undecided.expectations, cases[n].undecided);
        done(&f);
        tp_free(port);
    }
}

/* ---- on top of others ---------------------------------------------------------------------- */

/* Loads and captures a payload with one record on top of others. */
static void stack(struct fixture *f, struct hp_port *port, const struct eb_record *record,
                  const struct hp_payload *const *applied, size_t count, enum hp_status wanted)
{
    load(f, port, record, 1);
    port->image_addr += 0x10000;
    hp_diag_init(&f->diag);
    assert_int_equal(hp_plan_capture(&f->payload, applied, count, &f->diag), wanted);
}

static void test_on_top(void **state)
{
    struct eb_record record = {.name = "target_function", .old_size = 64};
    struct hp_port *port = tp_new();
    struct fixture first;
    struct fixture second;
    struct fixture third;
    const struct hp_payload *const applied[] = {&first.payload, &second.payload};

    (void)state;
    fill_code(port, TP_FUNCTION, 64);
    stack(&first, port, &record, NULL, 0, HP_OK);
    stack(&second, port, &record, applied, 1, HP_OK);
    assert_memory_equal(second.payload.writes[0].old_bytes, first.payload.writes[0].new_bytes, 5);
    stack(&third, port, &record, applied, 2, HP_OK); /* the last one applied counts */
    assert_memory_equal(third.payload.writes[0].old_bytes, second.payload.writes[0].new_bytes, 5);
    done(&third);

    record.expect_control = 1 | 6 << 1; /* what was there before is expected in vain */
    memcpy(record.expect, "\x11\x18\x1f\x26\x2d\x34", 6);
    stack(&third, port, &record, applied, 1, HP_EXPECT_MISMATCH);
    assert_int_equal(third.diag.actual, 0xe9);
    done(&third);
    memcpy(record.expect, first.payload.writes[0].new_bytes, 5); /* what is there now is not */
    stack(&third, port, &record, applied, 1, HP_OK);
    done(&third);
    stack(&third, port, &record, NULL, 0, HP_EXPECT_MISMATCH);
    done(&third);

    record.name = NULL; /* partly below, partly inside, partly above the write */
    record.old_addr = TP_FUNCTION - 2;
    memcpy(record.expect, "\xcc\xcc\xe9", 3);
    record.expect_control = 1 | 3 << 1;
    stack(&third, port, &record, applied, 1, HP_OK);
    assert_memory_equal(third.payload.writes[0].old_bytes + 2, first.payload.writes[0].new_bytes,
                        3);
    done(&third);
    record.old_addr = TP_FUNCTION + 4;
    memcpy(record.expect, first.payload.writes[0].new_bytes + 4, 1);
    memcpy(record.expect + 1, "\x34\x3b", 2);
    stack(&third, port, &record, applied, 1, HP_OK);
    assert_memory_equal(third.payload.writes[0].old_bytes, record.expect, 3);
    done(&third);
    record.old_addr = TP_FUNCTION + 5; /* right behind it: as in memory */
    memcpy(record.expect, "\x34\x3b\x42", 3);
    stack(&third, port, &record, applied, 1, HP_OK);
    done(&third);
    done(&second);
    done(&first);
    tp_free(port);
}

/* Many writes below: each byte is that of the write that covers it. */
static void test_on_top_of_many(void **state)
{
    enum { COUNT = 100 };
    struct eb_record records[COUNT] = {{0}};
    struct hp_port *port = tp_new();
    struct fixture first;
    const struct hp_payload *const applied[] = {&first.payload};
    uint32_t n;

    (void)state;
    for (n = 0; n < COUNT; n++) { /* 5 bytes of 7, shuffled */
        records[n].old_addr = TP_TEXT + 7 * ((uint64_t)n * 37 % COUNT);
        records[n].old_size = 5;
    }
    load(&first, port, records, COUNT);
    assert_int_equal(capture(&first, 0), HP_OK);
    port->image_addr += 0x10000;
    for (n = 0; n < 7 * COUNT - 31; n++) {
        struct eb_record record = {.old_addr = TP_TEXT + n, .new_size = 31, .old_size = 31};
        uint8_t wanted[31];
        struct fixture second;
        uint32_t w;

        memset(wanted, 0xcc, sizeof(wanted));
        for (w = 0; w < COUNT; w++) {
            const struct hp_write *write = &first.payload.writes[w];
            uint32_t b;

            for (b = 0; b < 5; b++) {
                if (write->addr + b - (TP_TEXT + n) < 31) {
                    wanted[write->addr + b - (TP_TEXT + n)] = write->new_bytes[b];
                }
            }
        }
        load(&second, port, &record, 1);
        assert_int_equal(hp_plan_capture(&second.payload, applied, 1, &second.diag), HP_OK);
        assert_memory_equal(second.payload.writes[0].old_bytes, wanted, 31);
        done(&second);
    }
    done(&first);
    tp_free(port);
}

/* Bytes that an applied payload writes are known, whatever the file says of them. */
static void test_on_top_of_uncertain(void **state)
{
    struct eb_record record = {.name = "target_function", .old_size = 64};
    struct hp_port *port = tp_new();
    struct fixture first;
    struct fixture second;
    const struct hp_payload *const applied[] = {&first.payload};

    (void)state;
    tp_add_range(port, TP_FUNCTION + 1, NULL, 3, TP_UNCERTAIN);
    stack(&first, port, &record, NULL, 0, HP_OK);
    assert_int_equal(first.payload.undecided.writes, 1);
    record.expect_control = 1 | 5 << 1;
    memcpy(record.expect, "\xcc\xcc\xcc\xcc\xcc", 5);
    stack(&second, port, &record, applied, 1, HP_EXPECT_MISMATCH);
    done(&second);
    memcpy(record.expect, first.payload.writes[0].new_bytes, 5);
    stack(&second, port, &record, applied, 1, HP_OK);
    assert_int_equal(second.payload.undecided.expectations, 0);
    assert_int_equal(second.payload.undecided.writes, 0);
    assert_int_equal(second.payload.writes[0].uncertain, 0);
    done(&second);
    done(&first);
    tp_free(port);
}

/* A function of a loaded payload is patched like one of the target. */
static void test_function_of_a_payload(void **state)
{
    static const uint8_t id = 9;
    const struct eb_ids ids = {.build_id = &id, .build_id_size = 1};
    struct eb_payload p = eb_payload_new(true, HP_EM_X86_64, &ids);
    struct hp_port *port = tp_new();
    struct hp_payload first;
    const struct hp_payload *const loaded[] = {&first};
    const struct hp_load_options options = {
        .size = sizeof(options), .loaded = loaded, .loaded_count = 1};
    struct hp_payload second;
    struct hp_diag diag;

    (void)state;
    eb_payload_function(&p, "target_function", 64);
    eb_append(p.b, p.text, 1, "ABCDEFGHIJKLMNOP", 16);
    eb_symbol(p.b, "service", HP_STB_GLOBAL, HP_STT_FUNC, p.text, 16, 16);
    assert_int_equal(tp_load(port, &p, NULL, &first, &diag), HP_OK);
    port->image_addr += 0x10000;
    p = eb_payload_new(true, HP_EM_X86_64, NULL);
    eb_payload_function(&p, "service", 16);
    assert_int_equal(tp_load(port, &p, &options, &second, &diag), HP_OK);
    assert_int_equal(hp_plan_capture(&second, loaded, 1, &diag), HP_OK);
    assert_int_equal(second.writes[0].addr, TP_IMAGE + 16);
    assert_memory_equal(second.writes[0].old_bytes, "ABCDE", 5);
    assert_jump(second.writes[0].new_bytes, TP_IMAGE + 16, TP_IMAGE + 0x10000);
    hp_payload_unload(&second);
    hp_payload_unload(&first);
    tp_free(port);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trampoline),
        cmocka_unit_test(test_landing_pads),
        cmocka_unit_test(test_no_landing_pads),
        cmocka_unit_test(test_reach),
        cmocka_unit_test(test_page_crossing),
        cmocka_unit_test(test_nops),
        cmocka_unit_test(test_nops_and_landing_pads),
        cmocka_unit_test(test_nop_at_the_end_of_memory),
        cmocka_unit_test(test_past_the_function),
        cmocka_unit_test(test_range),
        cmocka_unit_test(test_denied_landing_pad),
        cmocka_unit_test(test_unreadable),
        cmocka_unit_test(test_expectation),
        cmocka_unit_test(test_expectation_of_landing_pad),
        cmocka_unit_test(test_overlaps),
        cmocka_unit_test(test_overlap_with_landing_pad),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_repeated),
        cmocka_unit_test(test_uncertain),
        cmocka_unit_test(test_uncertain_pad),
        cmocka_unit_test(test_on_top),
        cmocka_unit_test(test_on_top_of_many),
        cmocka_unit_test(test_on_top_of_uncertain),
        cmocka_unit_test(test_function_of_a_payload),
    };

    return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
