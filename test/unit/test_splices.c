/* SPDX-License-Identifier: BSD-2-Clause */
/* links: test_port */
/* Splices (SPEC section 9.3): their records, and the writes that become of them, byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arch_rules.h"

/* The target, in offsets from its text. */
#define PLACE_OFFSET    0x1008u  /* in "target_function" */
#define OLD_OFFSET      0x3000u  /* "old_fn" */
#define TABLE_OFFSET    0x10000u /* "table", read-only */
#define TABLE_SIZE      0x100u
#define VARIABLE_OFFSET 0x12000u /* "variable", and 64 bytes of it */
#define NEW_OFFSET      0x10u    /* "new_fn" in the payload's text */
#define TEXT_SIZE       0x40u    /* of the payload */

static const struct arch_rig x86_64 = {true, false, HP_EM_X86_64, TP_TEXT, TP_IMAGE};
static const struct arch_rig arm64 = {true, false, HP_EM_AARCH64, UINT64_C(0xffff800040200000),
                                      UINT64_C(0xffff800040600000)};
static const struct arch_rig arm = {false, true, HP_EM_ARM, 0x40200000, 0x40600000};
static const struct arch_rig riscv64 = {true, false, HP_EM_RISCV, UINT64_C(0xffffffc040200000),
                                        UINT64_C(0xffffffc040280000)};

static const struct arch_rig *const rigs[] = {&x86_64, &arm64, &arm, &riscv64};

#define RIGS (sizeof(rigs) / sizeof(rigs[0]))

static uint32_t word_of(const struct arch_rig *rig)
{
    return rig->is64 ? 8 : 4;
}

static void put_word(const struct arch_rig *rig, uint8_t *bytes, uint64_t value)
{
    uint32_t n;

    for (n = 0; n < word_of(rig); n++) {
        bytes[n] = (uint8_t)(value >> (8 * n));
    }
}

/* The target of a rig; the second word of its table is the address of "old_fn". */
static struct hp_port *target_of(const struct arch_rig *rig)
{
    const struct tp_symbol table = {"table", NULL, rig->text + TABLE_OFFSET, TABLE_SIZE,
                                    HP_KIND_DATA};
    const struct tp_symbol variable = {"variable", NULL, rig->text + VARIABLE_OFFSET, 64,
                                       HP_KIND_DATA};
    struct hp_port *port = arch_port(rig);
    uint8_t bytes[TABLE_SIZE];
    size_t n;

    for (n = 0; n < sizeof(bytes); n++) {
        bytes[n] = (uint8_t)(3 + 5 * n);
    }
    put_word(rig, bytes + word_of(rig), rig->text + OLD_OFFSET);
    tp_add_range(port, table.addr, bytes, sizeof(bytes), TP_CONSTANT);
    tp_add_range(port, variable.addr, bytes, 64, TP_VARIABLE);
    tp_add_symbol(port, table);
    tp_add_symbol(port, variable);
    tp_add_function(port, "old_fn", rig->text + OLD_OFFSET, 32);
    tp_add_local(port, "file.c", "local_fn", rig->text + OLD_OFFSET + 64, 32);
    return port;
}

struct fixture {
    const struct arch_rig *rig;
    struct hp_port *port;
    struct eb_payload p;
    uint32_t new_fn;
    struct hp_payload payload;
    struct hp_diag diag;
};

/* Starts a payload with "new_fn" at an offset of its text. */
static struct fixture begin(const struct arch_rig *rig, uint64_t new_offset)
{
    struct fixture f = {.rig = rig};

    f.port = target_of(rig);
    f.p = eb_payload_new(rig->is64, rig->machine, NULL);
    eb_append(f.p.b, f.p.text, 16, NULL, new_offset + TEXT_SIZE);
    f.new_fn =
        eb_symbol(f.p.b, "new_fn", HP_STB_LOCAL, HP_STT_FUNC, f.p.text, new_offset, TEXT_SIZE);
    return f;
}

/* Loads and captures; a failure must name the splice and leave no plan. */
static enum hp_status finish(struct fixture *f, const struct hp_load_options *options)
{
    enum hp_status status = tp_load(f->port, &f->p, options, &f->payload, &f->diag);

    if (status == HP_OK) {
        status = hp_plan_capture(&f->payload, NULL, 0, &f->diag);
        assert_int_equal(f->diag.status, status);
        assert_true(status == HP_OK || f->payload.write_count == 0);
        assert_true(status == HP_OK || f->diag.stage == HP_STAGE_PLAN);
    } else {
        assert_int_equal(f->diag.stage, HP_STAGE_RECORDS);
    }
    if (status) {
        assert_int_equal(f->diag.record, 0);
        assert_string_equal(f->diag.section_name, ".hotpatch.splices");
    }
    return status;
}

static void end(struct fixture *f)
{
    hp_payload_unload(&f->payload);
    tp_free(f->port);
}

/* One splice against the target; *write receives what it becomes. */
static enum hp_status try_one(struct fixture *f, struct eb_splice splice, struct hp_write *write)
{
    enum hp_status status;

    if (splice.kind != HP_SPLICE_KIND_BYTES && splice.new_target == 0) {
        splice.new_symbol = f->new_fn;
    }
    eb_payload_splice(&f->p, &splice);
    status = finish(f, NULL);
    if (status == HP_OK) {
        assert_int_equal(f->payload.splice_count, 1);
        assert_int_equal(f->payload.write_count, 1);
        *write = f->payload.writes[0];
        assert_int_equal(write->splice, 1);
        assert_int_equal(write->record, 0);
        assert_int_equal(write->pad, 0);
        assert_int_equal(write->applied, 0);
        assert_ptr_equal(write->patched, &f->payload.splices[0].patched);
    }
    return status;
}

/* ---- calls and jumps ----------------------------------------------------------------------- */

/* An instruction at the place that goes to "old_fn", and the same one that goes to "new_fn". */
struct branch {
    const struct arch_rig *rig;
    uint8_t kind;
    uint8_t size;
    uint8_t old_bytes[8];
    uint8_t new_bytes[8];
};

/* clang-format off */
static const struct branch branches[] = {
    /* call, jmp, je, jg */
    {&x86_64, HP_SPLICE_KIND_CALL, 5, {0xe8, 0xf3, 0x1f, 0, 0}, {0xe8, 0x03, 0xf0, 0x3f, 0}},
    {&x86_64, HP_SPLICE_KIND_JUMP, 5, {0xe9, 0xf3, 0x1f, 0, 0}, {0xe9, 0x03, 0xf0, 0x3f, 0}},
    {&x86_64, HP_SPLICE_KIND_JUMP, 6, {0x0f, 0x84, 0xf2, 0x1f, 0, 0}, {0x0f, 0x84, 0x02, 0xf0, 0x3f, 0}},
    {&x86_64, HP_SPLICE_KIND_JUMP, 6, {0x0f, 0x8f, 0xf2, 0x1f, 0, 0}, {0x0f, 0x8f, 0x02, 0xf0, 0x3f, 0}},
    /* bl, b */
    {&arm64, HP_SPLICE_KIND_CALL, 4, {0xfe, 0x07, 0x00, 0x94}, {0x02, 0xfc, 0x0f, 0x94}},
    {&arm64, HP_SPLICE_KIND_JUMP, 4, {0xfe, 0x07, 0x00, 0x14}, {0x02, 0xfc, 0x0f, 0x14}},
    /* bl, blne, b, beq */
    {&arm, HP_SPLICE_KIND_CALL, 4, {0xfc, 0x07, 0x00, 0xeb}, {0x00, 0xfc, 0x0f, 0xeb}},
    {&arm, HP_SPLICE_KIND_CALL, 4, {0xfc, 0x07, 0x00, 0x1b}, {0x00, 0xfc, 0x0f, 0x1b}},
    {&arm, HP_SPLICE_KIND_JUMP, 4, {0xfc, 0x07, 0x00, 0xea}, {0x00, 0xfc, 0x0f, 0xea}},
    {&arm, HP_SPLICE_KIND_JUMP, 4, {0xfc, 0x07, 0x00, 0x0a}, {0x00, 0xfc, 0x0f, 0x0a}},
    /* jal ra; jal t0; jal x0; auipc ra + jalr ra; auipc t1 + jr t1; auipc t0 + jalr t0 */
    {&riscv64, HP_SPLICE_KIND_CALL, 4, {0xef, 0x10, 0x90, 0x7f}, {0xef, 0xf0, 0x87, 0x00}},
    {&riscv64, HP_SPLICE_KIND_CALL, 4, {0xef, 0x12, 0x90, 0x7f}, {0xef, 0xf2, 0x87, 0x00}},
    {&riscv64, HP_SPLICE_KIND_JUMP, 4, {0x6f, 0x10, 0x90, 0x7f}, {0x6f, 0xf0, 0x87, 0x00}},
    {&riscv64, HP_SPLICE_KIND_CALL, 8, {0x97, 0x20, 0, 0, 0xe7, 0x80, 0x80, 0xff},
     {0x97, 0xf0, 0x07, 0x00, 0xe7, 0x80, 0x80, 0x00}},
    {&riscv64, HP_SPLICE_KIND_JUMP, 8, {0x17, 0x23, 0, 0, 0x67, 0x00, 0x83, 0xff},
     {0x17, 0xf3, 0x07, 0x00, 0x67, 0x00, 0x83, 0x00}},
    {&riscv64, HP_SPLICE_KIND_CALL, 8, {0x97, 0x22, 0, 0, 0xe7, 0x82, 0x82, 0xff},
     {0x97, 0xf2, 0x07, 0x00, 0xe7, 0x82, 0x82, 0x00}},
};
/* clang-format on */

#define BRANCHES (sizeof(branches) / sizeof(branches[0]))

static struct eb_splice branch_splice(uint8_t kind)
{
    const struct eb_splice splice = {
        .name = "target_function+8", .old_name = "old_fn", .kind = kind};

    return splice;
}

static void test_branches(void **state)
{
    size_t n;

    (void)state;
    for (n = 0; n < BRANCHES; n++) {
        const struct branch *branch = &branches[n];
        const struct arch_rig *rig = branch->rig;
        struct fixture f = begin(rig, NEW_OFFSET);
        struct hp_write write;

        tp_poke(f.port, rig->text + PLACE_OFFSET, branch->old_bytes, branch->size);
        assert_int_equal(try_one(&f, branch_splice(branch->kind), &write), HP_OK);
        assert_int_equal(write.addr, rig->text + PLACE_OFFSET);
        assert_int_equal(write.size, branch->size);
        assert_int_equal(write.data, 0);
        assert_int_equal(write.kind,
                         branch->kind == HP_SPLICE_KIND_CALL ? HP_WRITE_CALL_TO : HP_WRITE_JUMP_TO);
        assert_int_equal(write.dest, rig->image + NEW_OFFSET);
        assert_memory_equal(write.old_bytes, branch->old_bytes, branch->size);
        assert_memory_equal(write.new_bytes, branch->new_bytes, branch->size);
        end(&f);
    }
}

/* What is there is another instruction, or the other of call and jump, or goes elsewhere. */
static void test_branch_defects(void **state)
{
    size_t n;

    (void)state;
    for (n = 0; n < BRANCHES; n++) {
        const struct branch *branch = &branches[n];
        const uint64_t place = branch->rig->text + PLACE_OFFSET;
        const uint8_t other =
            branch->kind == HP_SPLICE_KIND_CALL ? HP_SPLICE_KIND_JUMP : HP_SPLICE_KIND_CALL;
        struct eb_splice splice = branch_splice(branch->kind);
        struct fixture f = begin(branch->rig, NEW_OFFSET);
        struct hp_write write;

        assert_int_equal(try_one(&f, splice, &write), HP_SPLICE_NOT_BRANCH); /* zeros */
        end(&f);

        f = begin(branch->rig, NEW_OFFSET);
        tp_poke(f.port, place, branch->old_bytes, branch->size);
        assert_int_equal(try_one(&f, branch_splice(other), &write), HP_SPLICE_NOT_BRANCH);
        end(&f);

        f = begin(branch->rig, NEW_OFFSET);
        tp_poke(f.port, place, branch->old_bytes, branch->size);
        splice.old_name = "file.c#local_fn";
        assert_int_equal(try_one(&f, splice, &write), HP_SPLICE_OLD_TARGET);
        assert_int_equal(f.diag.expected, branch->rig->text + OLD_OFFSET + 64);
        assert_int_equal(f.diag.actual, branch->rig->text + OLD_OFFSET);
        end(&f);
    }
}

/* Instructions that look alike and are no calls or jumps that could be led elsewhere. */
static void test_not_branches(void **state)
{
    static const struct branch others[] = {
        {&x86_64, HP_SPLICE_KIND_JUMP, 2, {0xeb, 0x10}, {0}},             /* jmp rel8 */
        {&x86_64, HP_SPLICE_KIND_CALL, 6, {0xff, 0x15, 1, 2, 3, 4}, {0}}, /* call *mem */
        {&x86_64, HP_SPLICE_KIND_JUMP, 6, {0x0f, 0x94, 1, 2, 3, 4}, {0}}, /* setcc */
        {&arm64, HP_SPLICE_KIND_JUMP, 4, {0xc0, 0xff, 0x00, 0x54}, {0}},  /* b.eq */
        {&arm64, HP_SPLICE_KIND_CALL, 4, {0x00, 0x00, 0x3f, 0xd6}, {0}},  /* blr */
        {&arm, HP_SPLICE_KIND_CALL, 4, {0xfc, 0x07, 0x00, 0xfb}, {0}},    /* blx, to Thumb */
        {&arm, HP_SPLICE_KIND_JUMP, 4, {0xfc, 0x07, 0x00, 0xfa}, {0}},
        {&riscv64, HP_SPLICE_KIND_CALL, 4, {0xef, 0x13, 0x90, 0x7f}, {0}}, /* jal links to t2 */
        {&riscv64, HP_SPLICE_KIND_JUMP, 4, {0x6f, 0x13, 0x90, 0x7f}, {0}},
        /* auipc ra, jalr through t1; jalr with another function code; auipc x0 */
        {&riscv64, HP_SPLICE_KIND_CALL, 8, {0x97, 0x20, 0, 0, 0xe7, 0x00, 0x83, 0xff}, {0}},
        {&riscv64, HP_SPLICE_KIND_CALL, 8, {0x97, 0x20, 0, 0, 0xe7, 0x90, 0x80, 0xff}, {0}},
        {&riscv64, HP_SPLICE_KIND_JUMP, 8, {0x17, 0x20, 0, 0, 0x67, 0x00, 0x00, 0xff}, {0}},
    };
    size_t n;

    (void)state;
    for (n = 0; n < sizeof(others) / sizeof(others[0]); n++) {
        struct fixture f = begin(others[n].rig, NEW_OFFSET);
        struct hp_write write;

        tp_poke(f.port, others[n].rig->text + PLACE_OFFSET, others[n].old_bytes, others[n].size);
        assert_int_equal(try_one(&f, branch_splice(others[n].kind), &write), HP_SPLICE_NOT_BRANCH);
        end(&f);
    }
}

/* The farthest that each instruction goes, from its own address, and the first out of reach. */
static void test_reach(void **state)
{
    static const struct {
        size_t branch;
        int64_t low;
        int64_t high;
        int64_t step;
    } edges[] = {
        {0, INT32_MIN + INT64_C(5), INT32_MAX + INT64_C(5), 1},
        {2, INT32_MIN + INT64_C(6), INT32_MAX + INT64_C(6), 1},
        {4, -(INT64_C(1) << 27), (INT64_C(1) << 27) - 4, 4},
        {6, -(INT64_C(1) << 25) + 8, (INT64_C(1) << 25) + 4, 4},
        {10, -(INT64_C(1) << 20), (INT64_C(1) << 20) - 2, 2},
        {13, -(INT64_C(1) << 31) - 0x800, (INT64_C(1) << 31) - 0x802, 2},
    };
    size_t n;
    int side;

    (void)state;
    for (n = 0; n < sizeof(edges) / sizeof(edges[0]); n++) {
        for (side = 0; side < 4; side++) {
            const struct branch *branch = &branches[edges[n].branch];
            const int64_t beyond = side % 2 != 0 ? edges[n].step : 0;
            const int64_t distance = side < 2 ? edges[n].high + beyond : edges[n].low - beyond;
            const uint64_t place = branch->rig->text + PLACE_OFFSET;
            const uint64_t to = place + (uint64_t)distance;
            struct arch_rig moved = *branch->rig;
            struct hp_write write;
            struct fixture f;

            moved.image = to & ~UINT64_C(0xfff);
            f = begin(&moved, to & 0xfff);
            tp_poke(f.port, place, branch->old_bytes, branch->size);
            assert_int_equal(try_one(&f, branch_splice(branch->kind), &write),
                             beyond != 0 ? HP_PATCH_REACH : HP_OK);
            if (beyond != 0) {
                assert_true(f.diag.has_numbers);
            } else {
                assert_int_equal(write.dest, to);
            }
            end(&f);
        }
    }
}

/* A call that ends where its function does, and one that does not; the end of all code. */
static void test_branch_bounds(void **state)
{
    static const struct eb_splice splice = {
        .name = "short_fn", .old_name = "old_fn", .kind = HP_SPLICE_KIND_CALL};
    static const uint8_t call[5] = {0xe8, 0xf8, 0x2f, 0xff, 0xff};
    uint64_t size;

    (void)state;
    for (size = 4; size <= 6; size++) {
        struct fixture f = begin(&x86_64, NEW_OFFSET);
        struct hp_write write;

        /* the last five bytes of the text: there are no eight to be read */
        tp_add_function(f.port, "short_fn", TP_TEXT + TP_TEXT_SIZE - 5, size);
        tp_poke(f.port, TP_TEXT + TP_TEXT_SIZE - 5, call, 5);
        f.port->ranges[f.port->range_count - 2].flags = 0; /* what is behind it is no code */
        assert_int_equal(try_one(&f, splice, &write),
                         size < 5 ? HP_SPLICE_BOUNDS : HP_SPLICE_OLD_TARGET);
        assert_int_equal(f.diag.actual,
                         size < 5 ? TP_TEXT + TP_TEXT_SIZE : TP_TEXT + TP_TEXT_SIZE - 0xd008);
        end(&f);
    }
}

/* ---- pointers ------------------------------------------------------------------------------ */

/* The hypercall table: its second entry leads to the new function. */
static void test_pointers(void **state)
{
    static const char *const names[][2] = {{"table+8", "table+4"},
                                           {"table+0x8", "table+0x4"},
                                           {"table+8*1", "table+4*1"},
                                           {"table+1*0x8", "table+1*4"},
                                           {NULL, NULL}};
    size_t n;
    size_t i;

    (void)state;
    for (n = 0; n < RIGS; n++) {
        const struct arch_rig *rig = rigs[n];
        const uint64_t place = rig->text + TABLE_OFFSET + word_of(rig);

        for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
            struct eb_splice splice = {.name = names[i][rig->is64 ? 0 : 1],
                                       .old_name = "old_fn",
                                       .kind = HP_SPLICE_KIND_POINTER};
            struct fixture f = begin(rig, NEW_OFFSET);
            uint8_t bytes[8];
            struct hp_write write;

            if (splice.name == NULL) { /* by numbers */
                splice.addr = place;
                splice.old_name = NULL;
                splice.old_target = rig->text + OLD_OFFSET;
            }
            assert_int_equal(try_one(&f, splice, &write), HP_OK);
            assert_int_equal(write.kind, HP_WRITE_POINTER);
            assert_int_equal(write.data, 1);
            assert_int_equal(write.addr, place);
            assert_int_equal(write.size, word_of(rig));
            assert_int_equal(write.dest, rig->image + NEW_OFFSET);
            put_word(rig, bytes, rig->text + OLD_OFFSET);
            assert_memory_equal(write.old_bytes, bytes, word_of(rig));
            put_word(rig, bytes, rig->image + NEW_OFFSET);
            assert_memory_equal(write.new_bytes, bytes, word_of(rig));
            end(&f);
        }
    }
}

static void test_pointer_defects(void **state)
{
    static const struct {
        const char *name; /* with %u, the word size */
        const char *old_name;
        enum hp_status status;
    } cases[] = {
        {"table+%u*2", "old_fn", HP_SPLICE_OLD_TARGET},
        {"table+%u", "file.c#local_fn", HP_SPLICE_OLD_TARGET},
        {"table+%u", "old_fn+1", HP_SPLICE_OLD_TARGET},
        {"table+2", "old_fn", HP_SPLICE_ALIGN},
        {"variable+%u", "old_fn", HP_SPLICE_WRITABLE},
        {"table+256", "old_fn", HP_RECORD_NAME_OFFSET},
        {"table+%u*", "old_fn", HP_RECORD_NAME_OFFSET},
        {"table+%u*2*3", "old_fn", HP_RECORD_NAME_OFFSET},
        {"table+*%u", "old_fn", HP_RECORD_NAME_OFFSET},
        {"table+0x", "old_fn", HP_RECORD_NAME_OFFSET},
        {"table+%u*4294967296", "old_fn", HP_RECORD_NAME_OFFSET},
        {"table+4294967295*4294967295", "old_fn", HP_RECORD_NAME_OFFSET},
        {"tables", "old_fn", HP_SPLICE_PLACE},
        {"local_fn", "old_fn", HP_SPLICE_PLACE},
        {"table+%u", "old_fns", HP_SPLICE_OLD_UNKNOWN},
        {"table+%u", "old_fn+32", HP_RECORD_NAME_OFFSET},
        {"table+%u", "old_fn+x", HP_RECORD_NAME_OFFSET},
        {"table+%u", NULL, HP_SPLICE_OLD_MISSING},
        {NULL, "old_fn", HP_RECORD_NAME_NULL},
        {"", "old_fn", HP_RECORD_NAME_UNTERMINATED},
    };
    size_t n;
    size_t i;

    (void)state;
    for (n = 0; n < RIGS * sizeof(cases) / sizeof(cases[0]); n++) {
        const struct arch_rig *rig = rigs[n % RIGS];
        struct fixture f = begin(rig, NEW_OFFSET);
        struct eb_splice splice = {.kind = HP_SPLICE_KIND_POINTER};
        struct hp_write write;
        char name[64];

        i = n / RIGS;
        if (cases[i].name != NULL) {
            const char *mark = strstr(cases[i].name, "%u");
            size_t head = mark != NULL ? (size_t)(mark - cases[i].name) : strlen(cases[i].name);

            (void)snprintf(name, sizeof(name), "%.*s%s%s", (int)head, cases[i].name,
                           mark == NULL ? "" : (rig->is64 ? "8" : "4"),
                           mark == NULL ? "" : mark + 2);
            splice.name = name;
        }
        splice.old_name = cases[i].old_name;
        assert_int_equal(try_one(&f, splice, &write), cases[i].status);
        end(&f);
    }
}

/* A pointer in code, as in a pool of constants: it is code then, and must be aligned. */
static void test_pointer_in_code(void **state)
{
    static const struct eb_splice splice = {
        .name = "target_function+8", .old_name = "old_fn", .kind = HP_SPLICE_KIND_POINTER};
    size_t n;

    (void)state;
    for (n = 0; n < RIGS; n++) {
        struct fixture f = begin(rigs[n], NEW_OFFSET);
        struct hp_write write;
        uint8_t bytes[8];

        put_word(rigs[n], bytes, rigs[n]->text + OLD_OFFSET);
        tp_poke(f.port, rigs[n]->text + PLACE_OFFSET, bytes, word_of(rigs[n]));
        assert_int_equal(try_one(&f, splice, &write), HP_OK);
        assert_int_equal(write.data, 0);
        end(&f);
    }
}

/* Where a new target may lie. */
static void test_new_targets(void **state)
{
    size_t n;

    (void)state;
    for (n = 0; n < RIGS; n++) {
        const struct arch_rig *rig = rigs[n];
        const struct {
            uint8_t kind;
            uint64_t target;
            enum hp_status status;
        } cases[] = {
            {HP_SPLICE_KIND_POINTER, rig->text + OLD_OFFSET + 64, HP_OK}, /* the target's code */
            {HP_SPLICE_KIND_CALL, rig->text + OLD_OFFSET + 64, HP_OK},
            {HP_SPLICE_KIND_POINTER, rig->text + VARIABLE_OFFSET, HP_SPLICE_NEW_TARGET},
            {HP_SPLICE_KIND_POINTER, rig->text + TABLE_OFFSET, HP_SPLICE_NEW_TARGET},
            {HP_SPLICE_KIND_POINTER, 0x1000, HP_SPLICE_NEW_TARGET},
            {HP_SPLICE_KIND_POINTER, rig->image + TEXT_SIZE + NEW_OFFSET, HP_SPLICE_NEW_TARGET},
            {HP_SPLICE_KIND_CALL, rig->image + 0x1000, HP_SPLICE_NEW_TARGET}, /* its data */
            {HP_SPLICE_KIND_POINTER, rig->image + 0x1000, HP_OK},
        };
        size_t i;

        for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
            const bool is_call = cases[i].kind == HP_SPLICE_KIND_CALL;
            struct eb_splice splice = {.name = is_call     ? "target_function+8"
                                               : rig->is64 ? "table+8"
                                                           : "table+4",
                                       .old_name = "old_fn",
                                       .kind = cases[i].kind,
                                       .new_target = cases[i].target};
            struct fixture f = begin(rig, NEW_OFFSET);
            struct hp_write write;
            size_t b;

            for (b = 0; branches[b].rig != rig; b++) {
            }
            tp_poke(f.port, rig->text + PLACE_OFFSET, branches[b].old_bytes, branches[b].size);
            assert_int_equal(try_one(&f, splice, &write), cases[i].status);
            if (cases[i].status == HP_OK) {
                assert_int_equal(write.dest, cases[i].target);
            } else {
                assert_int_equal(f.diag.actual, cases[i].target);
            }
            end(&f);
        }
    }
}

/* ---- bytes --------------------------------------------------------------------------------- */

static void test_bytes(void **state)
{
    size_t n;
    uint8_t size;

    (void)state;
    for (n = 0; n < RIGS; n++) {
        for (size = 4; size <= HP_PAYLOAD_SPLICE_MAX; size = (uint8_t)(size * 2)) {
            const struct arch_rig *rig = rigs[n];
            struct eb_splice splice = {
                .name = "target_function+32", .kind = HP_SPLICE_KIND_BYTES, .size = size};
            struct fixture f = begin(rig, NEW_OFFSET);
            struct hp_write write;

            memset(splice.old_bytes, 0x40 + size, size);
            memset(splice.new_bytes, 0x80 + size, size);
            tp_poke(f.port, arch_function(rig) + 32, splice.old_bytes, size);
            assert_int_equal(try_one(&f, splice, &write), HP_OK);
            assert_int_equal(write.kind, HP_WRITE_BYTES);
            assert_int_equal(write.dest, 0);
            assert_int_equal(write.data, 0);
            assert_int_equal(write.size, size);
            assert_memory_equal(write.old_bytes, splice.old_bytes, size);
            assert_memory_equal(write.new_bytes, splice.new_bytes, size);
            end(&f);
        }
    }
}

/* Constants have no alignment: one byte of them, anywhere. */
static void test_bytes_of_data(void **state)
{
    size_t n;

    (void)state;
    for (n = 0; n < RIGS; n++) {
        struct eb_splice splice = {.name = "table+255",
                                   .kind = HP_SPLICE_KIND_BYTES,
                                   .size = 1,
                                   .old_bytes = {(uint8_t)(3 + 5 * 255)},
                                   .new_bytes = {0x99}};
        struct fixture f = begin(rigs[n], NEW_OFFSET);
        struct hp_write write;

        assert_int_equal(try_one(&f, splice, &write), HP_OK);
        assert_int_equal(write.data, 1);
        assert_int_equal(write.size, 1);
        assert_int_equal(write.new_bytes[0], 0x99);
        end(&f);
    }
}

static void test_bytes_defects(void **state)
{
    static const struct {
        const char *name;
        uint8_t size;
        uint8_t old_byte;
        enum hp_status status;
    } cases[] = {
        {"target_function+8", 8, 1, HP_EXPECT_MISMATCH},
        {"target_function+60", 8, 0, HP_SPLICE_BOUNDS},
        {"target_function+60", 4, 0, HP_OK},
        {"table+252", 8, 0, HP_PATCH_RANGE}, /* part of it is nothing at all */
        {"variable", 8, 3, HP_SPLICE_WRITABLE},
        {"denied_fn", 8, 0, HP_PATCH_DENIED},
        {"denied_table", 8, 0, HP_PATCH_DENIED},
        {"label", 32, 0, HP_OK}, /* whose end is not known */
        {"straddling", 8, 0, HP_PATCH_RANGE},
    };
    size_t n;

    (void)state;
    for (n = 0; n < RIGS * sizeof(cases) / sizeof(cases[0]); n++) {
        const struct arch_rig *rig = rigs[n % RIGS];
        const size_t i = n / RIGS;
        struct eb_splice splice = {
            .name = cases[i].name, .kind = HP_SPLICE_KIND_BYTES, .size = cases[i].size};
        struct fixture f = begin(rig, NEW_OFFSET);
        struct hp_write write;

        memset(splice.old_bytes, cases[i].old_byte, splice.size);
        tp_add_function(f.port, "denied_fn", rig->text + 0x5000, 64);
        tp_add_range(f.port, rig->text + 0x5000, NULL, 64, TP_DENIED);
        tp_add_function(f.port, "denied_table", rig->text + 0x14000, 64);
        tp_add_range(f.port, rig->text + 0x14000, splice.old_bytes, 32, TP_CONSTANT | TP_DENIED);
        tp_add_function(f.port, "label", rig->text + 0x6000, 0);
        tp_add_function(f.port, "straddling", rig->text + TABLE_OFFSET - 4, 0);
        assert_int_equal(try_one(&f, splice, &write), cases[i].status);
        if (cases[i].status == HP_EXPECT_MISMATCH) {
            assert_int_equal(f.diag.expected, 1);
            assert_int_equal(f.diag.actual, 0);
            assert_int_equal(f.diag.offset, 0);
        }
        end(&f);
    }
}

static void test_alignment_of_code(void **state)
{
    static const struct {
        const struct arch_rig *rig;
        const char *name;
        uint8_t size;
        enum hp_status status;
    } cases[] = {
        {&x86_64, "target_function+3", 3, HP_OK},
        {&arm64, "target_function+2", 4, HP_SPLICE_ALIGN},
        {&arm64, "target_function+4", 6, HP_SPLICE_ALIGN},
        {&arm, "target_function+2", 4, HP_SPLICE_ALIGN},
        {&arm, "target_function+4", 2, HP_SPLICE_ALIGN},
        {&riscv64, "target_function+2", 2, HP_OK},
        {&riscv64, "target_function+3", 2, HP_SPLICE_ALIGN},
        {&riscv64, "target_function+2", 3, HP_SPLICE_ALIGN},
    };
    size_t n;

    (void)state;
    for (n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
        const struct eb_splice splice = {
            .name = cases[n].name, .kind = HP_SPLICE_KIND_BYTES, .size = cases[n].size};
        struct fixture f = begin(cases[n].rig, NEW_OFFSET);
        struct hp_write write;

        assert_int_equal(try_one(&f, splice, &write), cases[n].status);
        end(&f);
    }
}

/* ---- landing pads -------------------------------------------------------------------------- */

static void test_landing_pads(void **state)
{
    static const uint8_t endbr64[4] = {0xf3, 0x0f, 0x1e, 0xfa};
    static const uint8_t sealed[4] = {0x66, 0x0f, 0x1f, 0x01};
    static const uint8_t bti_c[4] = {0x5f, 0x24, 0x03, 0xd5};
    static const uint8_t paciasp[4] = {0x3f, 0x23, 0x03, 0xd5};
    static const struct {
        const struct arch_rig *rig;
        const uint8_t *code;
        uint64_t at; /* of it in the function */
        const char *name;
        uint8_t size;
        uint8_t keep; /* bytes of the splice that it leaves as they are */
        enum hp_status status;
    } cases[] = {
        {&x86_64, endbr64, 0, "target_function", 4, 0, HP_PATCH_LANDING_PAD},
        {&x86_64, endbr64, 0, "target_function+3", 1, 0, HP_PATCH_LANDING_PAD},
        {&x86_64, endbr64, 0, "target_function", 8, 4, HP_PATCH_LANDING_PAD},
        {&x86_64, endbr64, 0, "target_function+4", 4, 0, HP_OK},
        {&x86_64, sealed, 0, "target_function+1", 8, 0, HP_PATCH_LANDING_PAD},
        {&x86_64, endbr64, 16, "target_function+14", 16, 0, HP_PATCH_LANDING_PAD},
        {&x86_64, endbr64, 16, "target_function+16", 16, 4, HP_OK},
        {&arm64, bti_c, 0, "target_function", 4, 0, HP_PATCH_LANDING_PAD},
        {&arm64, bti_c, 0, "target_function+4", 4, 0, HP_OK},
        {&arm64, bti_c, 16, "target_function+12", 8, 0, HP_PATCH_LANDING_PAD},
        {&arm64, paciasp, 0, "target_function", 4, 0, HP_PATCH_SIGNING},
        {&arm64, paciasp, 0, "target_function+4", 4, 0, HP_OK},
    };
    size_t n;

    (void)state;
    for (n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
        const struct arch_rig *rig = cases[n].rig;
        struct eb_splice splice = {
            .name = cases[n].name, .kind = HP_SPLICE_KIND_BYTES, .size = cases[n].size};
        const char *plus = strchr(cases[n].name, '+');
        const uint64_t offset = plus != NULL ? strtoul(plus + 1, NULL, 10) : 0;
        struct fixture f = begin(rig, NEW_OFFSET);
        struct hp_write write;
        uint8_t i;

        tp_poke(f.port, arch_function(rig) + cases[n].at, cases[n].code, 4);
        for (i = 0; i < splice.size; i++) {
            splice.old_bytes[i] = *tp_byte(f.port, arch_function(rig) + offset + i);
            splice.new_bytes[i] = i < cases[n].keep ? splice.old_bytes[i] : 0x90;
        }
        assert_int_equal(try_one(&f, splice, &write), cases[n].status);
        end(&f);
    }
}

/* What a pointer is spliced to is called indirectly, so it needs a landing pad where that counts.
 */
static void test_new_landing_pads(void **state)
{
    static const struct {
        const struct arch_rig *rig;
        uint8_t kind;
        uint32_t flags;
        uint32_t code; /* what the new function begins with */
        enum hp_status status;
    } cases[] = {
        {&x86_64, HP_SPLICE_KIND_POINTER, 0, 0, HP_OK},
        {&x86_64, HP_SPLICE_KIND_POINTER, HP_TARGET_IBT, 0, HP_LANDING_PAD_MISSING},
        {&x86_64, HP_SPLICE_KIND_POINTER, HP_TARGET_IBT, 0xfa1e0ff3, HP_OK},
        {&x86_64, HP_SPLICE_KIND_POINTER, HP_TARGET_IBT, 0x011f0f66, HP_LANDING_PAD_MISSING},
        {&x86_64, HP_SPLICE_KIND_CALL, HP_TARGET_IBT, 0, HP_OK},
        {&arm64, HP_SPLICE_KIND_POINTER, HP_TARGET_BTI, 0, HP_LANDING_PAD_MISSING},
        {&arm64, HP_SPLICE_KIND_POINTER, HP_TARGET_BTI, 0xd503245f, HP_OK}, /* bti c */
        {&arm64, HP_SPLICE_KIND_POINTER, HP_TARGET_BTI, 0xd50324df, HP_OK}, /* bti jc */
        {&arm64, HP_SPLICE_KIND_POINTER, HP_TARGET_BTI, 0xd503249f, HP_LANDING_PAD_MISSING},
        {&arm64, HP_SPLICE_KIND_POINTER, HP_TARGET_BTI, 0xd503241f, HP_LANDING_PAD_MISSING},
        {&arm64, HP_SPLICE_KIND_POINTER, HP_TARGET_BTI, 0xd503233f, HP_OK}, /* paciasp */
        {&arm64, HP_SPLICE_KIND_POINTER, HP_TARGET_BTI, 0xd503237f, HP_OK},
        {&arm, HP_SPLICE_KIND_POINTER, HP_TARGET_BTI, 0, HP_OK},
        {&riscv64, HP_SPLICE_KIND_POINTER, HP_TARGET_IBT, 0, HP_OK},
    };
    size_t n;

    (void)state;
    for (n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
        const struct arch_rig *rig = cases[n].rig;
        const bool is_call = cases[n].kind == HP_SPLICE_KIND_CALL;
        struct eb_splice splice = {.name = is_call     ? "target_function+8"
                                           : rig->is64 ? "table+8"
                                                       : "table+4",
                                   .old_name = "old_fn",
                                   .kind = cases[n].kind};
        struct fixture f = begin(rig, NEW_OFFSET);
        struct hp_write write;
        uint32_t i;

        tp_poke(f.port, rig->text + PLACE_OFFSET, branches[0].old_bytes, branches[0].size);
        f.port->target.flags |= cases[n].flags;
        for (i = 0; i < 4; i++) {
            eb_bytes(f.p.b, f.p.text)[NEW_OFFSET + i] = (uint8_t)(cases[n].code >> (8 * i));
        }
        assert_int_equal(try_one(&f, splice, &write), cases[n].status);
        if (cases[n].status != HP_OK) {
            assert_int_equal(f.diag.actual, rig->image + NEW_OFFSET);
        }
        end(&f);
    }
}

/* Hooks, too, are called through pointers. */
static void test_landing_pads_of_hooks(void **state)
{
    enum { KINDS = HP_HOOK_LAST - HP_HOOK_FIRST + 1 };
    static const uint8_t endbr64[4] = {0xf3, 0x0f, 0x1e, 0xfa};
    unsigned n;

    (void)state;
    for (n = 0; n < 2 * KINDS; n++) {
        const enum hp_special which = (enum hp_special)(HP_HOOK_FIRST + n / 2);
        struct fixture f = begin(&x86_64, NEW_OFFSET);

        f.port->target.flags |= HP_TARGET_IBT;
        eb_payload_hook(&f.p, which, f.new_fn);
        if (n % 2 != 0) {
            memcpy(eb_bytes(f.p.b, f.p.text) + NEW_OFFSET, endbr64, 4);
        }
        assert_int_equal(tp_load(f.port, &f.p, NULL, &f.payload, &f.diag),
                         n % 2 != 0 ? HP_OK : HP_LANDING_PAD_MISSING);
        if (n % 2 == 0) {
            assert_int_equal(f.diag.record, 0);
            assert_int_equal(f.diag.actual, TP_IMAGE + NEW_OFFSET);
            assert_string_equal(f.diag.section_name, hp_special_name(which));
        }
        end(&f);
    }
}

/* A jump that a function begins with: it has no landing pad, so it can be led elsewhere. */
static void test_branch_at_entry(void **state)
{
    static const struct eb_splice splice = {
        .name = "target_function", .old_name = "old_fn", .kind = HP_SPLICE_KIND_JUMP};
    static const uint8_t jump[5] = {0xe9, 0xfb, 0x1f, 0, 0};
    struct fixture f = begin(&x86_64, NEW_OFFSET);
    struct hp_write write;

    (void)state;
    tp_poke(f.port, TP_FUNCTION, jump, 5);
    assert_int_equal(try_one(&f, splice, &write), HP_OK);
    end(&f);
}

/* ---- the records --------------------------------------------------------------------------- */

/* Changes one byte behind the five words of a sound record. */
static void test_form(void **state)
{
    static const struct {
        uint8_t kind;
        uint8_t offset;
        uint8_t value;
        enum hp_status status;
    } cases[] = {
        {HP_SPLICE_KIND_BYTES, 0, 0, HP_RECORD_VERSION},
        {HP_SPLICE_KIND_BYTES, 0, 2, HP_RECORD_VERSION},
        {HP_SPLICE_KIND_BYTES, 1, 0, HP_SPLICE_KIND},
        {HP_SPLICE_KIND_BYTES, 1, 5, HP_SPLICE_KIND},
        {HP_SPLICE_KIND_BYTES, 1, 255, HP_SPLICE_KIND},
        {HP_SPLICE_KIND_BYTES, 2, 0, HP_SPLICE_LENGTH},
        {HP_SPLICE_KIND_BYTES, 2, 33, HP_SPLICE_LENGTH},
        {HP_SPLICE_KIND_BYTES, 2, 255, HP_SPLICE_LENGTH},
        {HP_SPLICE_KIND_BYTES, 3, 1, HP_RECORD_RESERVED},
        {HP_SPLICE_KIND_BYTES, 7, 1, HP_RECORD_RESERVED},
        {HP_SPLICE_KIND_BYTES, 8 + 4, 1, HP_RECORD_RESERVED}, /* behind its four bytes */
        {HP_SPLICE_KIND_BYTES, 8 + 31, 1, HP_RECORD_RESERVED},
        {HP_SPLICE_KIND_BYTES, 40 + 4, 1, HP_RECORD_RESERVED},
        {HP_SPLICE_KIND_BYTES, 40 + 31, 1, HP_RECORD_RESERVED},
        {HP_SPLICE_KIND_POINTER, 2, 4, HP_SPLICE_LENGTH},
        {HP_SPLICE_KIND_POINTER, 3, 1, HP_RECORD_RESERVED},
        {HP_SPLICE_KIND_POINTER, 8, 1, HP_RECORD_RESERVED},
        {HP_SPLICE_KIND_POINTER, 40 + 31, 1, HP_RECORD_RESERVED},
        {HP_SPLICE_KIND_CALL, 2, 5, HP_SPLICE_LENGTH},
        {HP_SPLICE_KIND_JUMP, 40, 0x80, HP_RECORD_RESERVED},
    };
    size_t n;

    (void)state;
    for (n = 0; n < RIGS * sizeof(cases) / sizeof(cases[0]); n++) {
        const struct arch_rig *rig = rigs[n % RIGS];
        const size_t i = n / RIGS;
        const bool is_bytes = cases[i].kind == HP_SPLICE_KIND_BYTES;
        struct eb_splice splice = {.name = "target_function+8", .kind = cases[i].kind};
        struct fixture f = begin(rig, NEW_OFFSET);

        splice.size = is_bytes ? 4 : 0;
        splice.old_name = is_bytes ? NULL : "old_fn";
        splice.new_symbol = is_bytes ? 0 : f.new_fn;
        eb_payload_splice(&f.p, &splice);
        eb_bytes(f.p.b, f.p.splices)[5 * word_of(rig) + cases[i].offset] = cases[i].value;
        assert_int_equal(finish(&f, NULL), cases[i].status);
        end(&f);
    }
}

/* A splice of bytes has no targets. */
static void test_unused_words(void **state)
{
    uint32_t field;
    size_t n;

    (void)state;
    for (n = 0; n < RIGS; n++) {
        for (field = 2; field < 5; field++) {
            const struct eb_splice splice = {
                .name = "target_function+8", .kind = HP_SPLICE_KIND_BYTES, .size = 4};
            struct fixture f = begin(rigs[n], NEW_OFFSET);

            eb_payload_splice(&f.p, &splice);
            eb_bytes(f.p.b, f.p.splices)[field * word_of(rigs[n]) + 1] = 1;
            assert_int_equal(finish(&f, NULL), HP_RECORD_RESERVED);
            end(&f);
        }
    }
}

static void test_section_size(void **state)
{
    size_t n;
    int delta;

    (void)state;
    for (n = 0; n < RIGS; n++) {
        for (delta = 1; delta < 3; delta++) {
            const struct eb_splice splice = {
                .name = "target_function+8", .kind = HP_SPLICE_KIND_BYTES, .size = 4};
            struct fixture f = begin(rigs[n], NEW_OFFSET);

            eb_payload_splice(&f.p, &splice);
            eb_append(f.p.b, f.p.splices, 1, NULL, delta == 1 ? 1 : word_of(rigs[n]) * 9);
            assert_int_equal(tp_load(f.port, &f.p, NULL, &f.payload, &f.diag), HP_RECORD_SIZE);
            assert_int_equal(f.diag.expected, HP_PAYLOAD_SPLICE_SIZE(word_of(rigs[n])));
            assert_string_equal(f.diag.section_name, ".hotpatch.splices");
            end(&f);
        }
    }
}

/* Names that lie nowhere, or do not end. */
static void test_names(void **state)
{
    size_t n;

    (void)state;
    for (n = 0; n < RIGS; n++) {
        struct eb_splice splice = {.old_name = "old_fn", .kind = HP_SPLICE_KIND_POINTER};
        struct fixture f = begin(rigs[n], NEW_OFFSET);

        eb_payload_splice(&f.p, &splice);
        put_word(rigs[n], eb_bytes(f.p.b, f.p.splices), 0x1234);
        assert_int_equal(finish(&f, NULL), HP_RECORD_NAME_OUTSIDE);
        assert_int_equal(f.diag.actual, 0x1234);
        end(&f);

        f = begin(rigs[n], NEW_OFFSET);
        splice.addr = rigs[n]->text + PLACE_OFFSET;
        splice.old_name = NULL;
        eb_payload_splice(&f.p, &splice);
        put_word(rigs[n], eb_bytes(f.p.b, f.p.splices) + (size_t)2 * word_of(rigs[n]), 0x1234);
        assert_int_equal(finish(&f, NULL), HP_RECORD_NAME_OUTSIDE);
        assert_int_equal(f.diag.actual, 0x1234);
        end(&f);
    }
}

/* The version of the record, when there are no functions, and what else holds of the payload. */
static void test_splices_alone(void **state)
{
    const struct eb_splice splice = {
        .name = "table+8", .old_name = "old_fn", .kind = HP_SPLICE_KIND_POINTER};
    struct fixture f = begin(&x86_64, NEW_OFFSET);
    struct hp_write write;

    (void)state;
    assert_int_equal(try_one(&f, splice, &write), HP_OK);
    assert_int_equal(f.payload.record_count, 0);
    assert_int_equal(f.payload.record_version, 2);
    assert_true(f.payload.safe_to_reapply); /* although its records are writable */
    assert_int_equal(f.payload.splices[0].start, TP_TEXT + TABLE_OFFSET);
    assert_int_equal(f.payload.splices[0].limit, TP_TEXT + TABLE_OFFSET + TABLE_SIZE);
    assert_string_equal(f.payload.splices[0].name, "table+8");
    assert_string_equal(f.payload.splices[0].old_name, "old_fn");
    end(&f);
}

/* Functions come first in the plan, whatever the order of the sections. */
static void test_with_functions(void **state)
{
    struct eb_splice splice = {.name = "table+8", .old_name = "old_fn"};
    const struct eb_record record = {.name = "old_fn+8", .new_size = 8, .old_size = 8};
    struct fixture f = begin(&x86_64, NEW_OFFSET);

    (void)state;
    splice.kind = HP_SPLICE_KIND_POINTER;
    splice.new_symbol = f.new_fn;
    eb_payload_splice(&f.p, &splice);
    eb_payload_record(&f.p, &record);
    splice.name = "target_function+1";
    splice.kind = HP_SPLICE_KIND_BYTES;
    splice.old_name = NULL;
    splice.new_symbol = 0;
    splice.size = 1;
    eb_payload_splice(&f.p, &splice);
    assert_int_equal(finish(&f, NULL), HP_OK);
    assert_int_equal(f.payload.write_count, 3);
    assert_int_equal(f.payload.writes[0].splice, 0);
    assert_int_equal(f.payload.writes[0].kind, HP_WRITE_NOP);
    assert_ptr_equal(f.payload.writes[0].patched, &f.payload.records[0].patched);
    assert_int_equal(f.payload.writes[1].splice, 1);
    assert_int_equal(f.payload.writes[1].record, 0);
    assert_int_equal(f.payload.writes[2].record, 1);
    assert_int_equal(f.payload.write_order[0], 2);
    assert_int_equal(f.payload.write_order[1], 0);
    assert_int_equal(f.payload.write_order[2], 1);
    end(&f);
}

/* Two splices, or a splice and a function, that share a byte. */
static void test_overlap(void **state)
{
    static const uint8_t code[4] = {0x11, 0x22, 0x33, 0x44};
    struct eb_splice splice = {
        .name = "target_function+4", .kind = HP_SPLICE_KIND_BYTES, .size = 4};
    const struct eb_record record = {.name = "target_function", .new_size = 5, .old_size = 8};
    struct fixture f = begin(&x86_64, NEW_OFFSET);

    (void)state;
    eb_payload_record(&f.p, &record);
    eb_payload_splice(&f.p, &splice);
    assert_int_equal(finish(&f, NULL), HP_PATCH_OVERLAP); /* finish() says that it names a splice */
    end(&f);

    f = begin(&x86_64, NEW_OFFSET);
    tp_poke(f.port, TP_FUNCTION + 4, code, 4);
    memcpy(splice.old_bytes, code, 4);
    eb_payload_splice(&f.p, &splice);
    splice.name = "target_function+7";
    memset(splice.old_bytes, 0, 4);
    splice.old_bytes[0] = 0x44;
    eb_payload_splice(&f.p, &splice);
    assert_int_equal(tp_load(f.port, &f.p, NULL, &f.payload, &f.diag), HP_OK);
    assert_int_equal(hp_plan_capture(&f.payload, NULL, 0, &f.diag), HP_PATCH_OVERLAP);
    assert_int_equal(f.diag.record, 1);
    assert_string_equal(f.diag.section_name, ".hotpatch.splices");
    assert_string_equal(f.diag.name, "target_function+7");
    end(&f);
}

/* A payload's own text and data are no place for its splices. */
static void test_own_image(void **state)
{
    size_t n;

    (void)state;
    for (n = 0; n < RIGS; n++) {
        const struct eb_splice splice = {
            .addr = rigs[n]->image + 16, .kind = HP_SPLICE_KIND_BYTES, .size = 4};
        struct fixture f = begin(rigs[n], NEW_OFFSET);
        struct hp_write write;

        assert_int_equal(try_one(&f, splice, &write), HP_PATCH_RANGE);
        assert_int_equal(f.diag.actual, rigs[n]->image + 16);
        end(&f);
    }
}

/* ---- offline ------------------------------------------------------------------------------- */

/* Bytes beside those that the target rewrites at boot are compared. */
static void test_partly_uncertain(void **state)
{
    static const struct {
        uint8_t code[4]; /* the third byte is uncertain; 0 is expected of all */
        enum hp_status status;
        uint32_t undecided;
    } cases[] = {
        {{0, 0, 0, 0}, HP_OK, 0},
        {{0, 0, 1, 0}, HP_OK, 1},
        {{0, 0, 1, 1}, HP_EXPECT_MISMATCH, 0},
        {{0, 1, 0, 0}, HP_EXPECT_MISMATCH, 0},
    };
    const struct hp_load_options options = {.size = sizeof(options), .allow_undecided = true};
    size_t n;

    (void)state;
    for (n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
        const struct eb_splice splice = {
            .name = "target_function+8", .kind = HP_SPLICE_KIND_BYTES, .size = 4};
        struct fixture f = begin(&x86_64, NEW_OFFSET);

        tp_add_range(f.port, TP_FUNCTION + 10, NULL, 1, TP_UNCERTAIN);
        tp_poke(f.port, TP_FUNCTION + 8, cases[n].code, 4);
        eb_payload_splice(&f.p, &splice);
        assert_int_equal(finish(&f, &options), cases[n].status);
        assert_int_equal(f.payload.undecided.expectations, cases[n].undecided);
        end(&f);
    }
}

/* Bytes that the target rewrites at boot: they are not compared, and counted. */
static void test_uncertain(void **state)
{
    static const struct {
        uint8_t kind;
        uint8_t size;
        uint8_t code[5];
        uint32_t expectations;
        uint32_t writes; /* a branch that cannot be read becomes none */
    } cases[] = {
        {HP_SPLICE_KIND_BYTES, 4, {0, 0, 0, 0}, 0, 1},
        {HP_SPLICE_KIND_BYTES, 4, {1, 0, 0, 0}, 1, 1},
        {HP_SPLICE_KIND_CALL, 0, {0xe8, 0xf3, 0x1f, 0, 0}, 0, 1},
        {HP_SPLICE_KIND_CALL, 0, {0xe8, 0xf4, 0x1f, 0, 0}, 1, 1},
        {HP_SPLICE_KIND_CALL, 0, {0x0f, 0x1f, 0x44, 0, 0}, 1, 0},
        {HP_SPLICE_KIND_POINTER, 0, {0}, 1, 1},
    };
    const struct hp_load_options options = {.size = sizeof(options), .allow_undecided = true};
    size_t n;

    (void)state;
    for (n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
        struct eb_splice splice = {
            .name = "target_function+8", .kind = cases[n].kind, .size = cases[n].size};
        struct fixture f = begin(&x86_64, NEW_OFFSET);

        tp_add_range(f.port, TP_FUNCTION, NULL, 64, TP_UNCERTAIN);
        tp_poke(f.port, TP_FUNCTION + 8, cases[n].code, 5);
        if (cases[n].kind != HP_SPLICE_KIND_BYTES) {
            splice.old_name = "old_fn";
            splice.new_symbol = f.new_fn;
        }
        eb_payload_splice(&f.p, &splice);
        assert_int_equal(finish(&f, &options), HP_OK);
        assert_int_equal(f.payload.undecided.expectations, cases[n].expectations);
        assert_int_equal(f.payload.undecided.writes, cases[n].writes);
        assert_int_equal(f.payload.write_count, cases[n].writes);
        end(&f);
    }
}

/* Without a target nothing of a splice can be looked up. */
static void test_no_target(void **state)
{
    const struct hp_load_options options = {.size = sizeof(options), .allow_undecided = true};
    size_t n;
    int open;

    (void)state;
    for (n = 0; n < RIGS; n++) {
        for (open = 0; open < 2; open++) {
            struct eb_splice splice = {
                .name = "table+8", .old_name = "old_fn", .kind = HP_SPLICE_KIND_POINTER};
            struct fixture f = begin(rigs[n], NEW_OFFSET);

            f.port->no_target = true;
            splice.new_symbol = f.new_fn;
            eb_payload_splice(&f.p, &splice);
            if (!open) {
                assert_int_equal(finish(&f, NULL), HP_UNDECIDED);
                end(&f);
                continue;
            }
            splice.name = NULL;
            splice.addr = rigs[n]->text + PLACE_OFFSET;
            splice.kind = HP_SPLICE_KIND_CALL;
            splice.new_symbol = eb_undefined(f.p.b, "somewhere");
            eb_payload_splice(&f.p, &splice);
            assert_int_equal(finish(&f, &options), HP_OK);
            assert_int_equal(f.payload.undecided.records, 2);
            assert_int_equal(f.payload.write_count, 0);
            assert_true(f.payload.splices[0].undecided);
            assert_string_equal(f.payload.splices[0].name, "table+8");
            assert_true(f.payload.splices[1].undecided);
            assert_int_equal(f.payload.splices[1].addr, 0);
            end(&f);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_branches),
        cmocka_unit_test(test_branch_defects),
        cmocka_unit_test(test_not_branches),
        cmocka_unit_test(test_reach),
        cmocka_unit_test(test_branch_bounds),
        cmocka_unit_test(test_pointers),
        cmocka_unit_test(test_pointer_defects),
        cmocka_unit_test(test_pointer_in_code),
        cmocka_unit_test(test_new_targets),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_bytes_of_data),
        cmocka_unit_test(test_bytes_defects),
        cmocka_unit_test(test_alignment_of_code),
        cmocka_unit_test(test_landing_pads),
        cmocka_unit_test(test_new_landing_pads),
        cmocka_unit_test(test_landing_pads_of_hooks),
        cmocka_unit_test(test_branch_at_entry),
        cmocka_unit_test(test_form),
        cmocka_unit_test(test_unused_words),
        cmocka_unit_test(test_section_size),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_splices_alone),
        cmocka_unit_test(test_with_functions),
        cmocka_unit_test(test_overlap),
        cmocka_unit_test(test_own_image),
        cmocka_unit_test(test_partly_uncertain),
        cmocka_unit_test(test_uncertain),
        cmocka_unit_test(test_no_target),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
