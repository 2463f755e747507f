/* SPDX-License-Identifier: BSD-2-Clause */
/* links: test_port */
/* Second trampolines: who gets one, where it lies, what is in it, and who may not touch it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arch_rules.h"
#include "engine.h"

#define ISLANDS HP_TARGET_ISLANDS
#define GIB     (UINT64_C(1) << 30)
#define CODE    64u /* bytes at the start of each new function that a test may choose */

/* An architecture, and a payload that is too far away for its jump. */
struct far_arch {
    struct arch_rig rig;
    uint64_t reach;    /* as the refusal tells it */
    uint64_t distance; /* the displacement that the direct jump would need */
    uint32_t size;     /* of a second trampoline */
    uint32_t words[6]; /* of one that leads to the image's start */
};

static const struct far_arch arches[] = {
    {{.is64 = true, .machine = HP_EM_X86_64, .text = TP_TEXT, .image = TP_TEXT + 4 * GIB},
     INT32_MAX,
     4 * GIB - 0x1005,
     16,
     {0x000225ff, 0xcccc0000, 0x40200000, 0xffff82d1}},
    {{.is64 = true, .machine = HP_EM_AARCH64, .text = 0x40000000, .image = 0x50000000},
     (UINT64_C(1) << 27) - 8,
     0x10000000 - 0x1000,
     16,
     {0x58000050, 0xd61f0200, 0x50000000, 0}},
    {{.is64 = false, .machine = HP_EM_ARM, .text = 0x40000000, .image = 0x44000000},
     (UINT64_C(1) << 25) - 8,
     0x4000000 - 0x1008,
     8,
     {0xe51ff004, 0x44000000}},
    {{.is64 = true, .machine = HP_EM_RISCV, .text = 8 * GIB, .image = 4 * GIB},
     (UINT64_C(1) << 31) - 0x800 - 2,
     4 * GIB + 0x1000,
     24,
     {0x00000317, 0x01033303, 0x00030067, 0x00100073, 0, 1}},
};

#define ARCHES (sizeof(arches) / sizeof(arches[0]))

struct fixture {
    const struct far_arch *arch;
    struct hp_port *port;
    struct hp_payload payload;
    struct hp_diag diag;
};

static void begin(struct fixture *f, const struct far_arch *arch, uint32_t flags)
{
    memset(f, 0, sizeof(*f));
    f->arch = arch;
    f->port = arch_port(&arch->rig);
    f->port->target.flags = flags;
}

static void end(struct fixture *f)
{
    hp_payload_unload(&f->payload);
    assert_int_equal(f->port->live, 0);
    tp_free(f->port);
}

static uint64_t function(const struct fixture *f)
{
    return arch_function(&f->arch->rig);
}

/* A payload of new functions, CODE bytes apart, for as many places, CODE bytes apart from `old`. */
static struct eb_payload make(const struct fixture *f, uint64_t old, uint32_t count,
                              const uint8_t *code, size_t size)
{
    struct eb_payload p = eb_payload_new(f->arch->rig.is64, f->arch->rig.machine, NULL);
    uint32_t n;

    for (n = 0; n < count; n++) {
        struct eb_record record = {.old_addr = old + CODE * n, .old_size = CODE};
        uint64_t at = eb_append(p.b, p.text, 16, NULL, CODE);

        if (size > 0) {
            memcpy(eb_bytes(p.b, p.text) + at, code, size);
        }
        record.new_symbol = eb_symbol(p.b, "new", HP_STB_LOCAL, HP_STT_FUNC, p.text, at, CODE);
        eb_payload_record(&p, &record);
    }
    return p;
}

static enum hp_status load(struct fixture *f, struct eb_payload p)
{
    return tp_load(f->port, &p, NULL, &f->payload, &f->diag);
}

static enum hp_status load_one(struct fixture *f)
{
    return load(f, make(f, function(f), 1, NULL, 0));
}

static enum hp_status capture(struct fixture *f)
{
    enum hp_status status;

    hp_diag_init(&f->diag);
    status = hp_plan_capture(&f->payload, NULL, 0, &f->diag);
    assert_int_equal(f->diag.status, status);
    return status;
}

/* Where the jump of a write leads, by the definition of the instructions. */
static uint64_t destination(const struct fixture *f, const struct hp_write *write)
{
    uint32_t first = arch_word(write, 0);
    uint64_t at = write->addr;

    switch (f->arch->rig.machine) {
    case HP_EM_X86_64:
        assert_int_equal(write->size, 5);
        assert_int_equal(write->new_bytes[0], 0xe9);
        return at + 5 + (uint64_t)(int64_t)(int32_t)(first >> 8 | arch_word(write, 1) << 24);
    case HP_EM_AARCH64:
        if (first == 0xd503245f) { /* bti c */
            assert_int_equal(write->size, 8);
            first = arch_word(write, 1);
            at += 4;
        } else {
            assert_int_equal(write->size, 4);
        }
        assert_int_equal(first >> 26, 0x05);
        return at + (uint64_t)((int64_t)(int32_t)(first << 6) >> 4);
    case HP_EM_ARM:
        assert_int_equal(write->size, 4);
        assert_int_equal(first >> 24, 0xea);
        return at + 8 + (uint64_t)((int64_t)(int32_t)(first << 8) >> 6);
    default: /* auipc t1; jr t1 */
        assert_int_equal(write->size, 8);
        assert_int_equal(first & 0xfff, 0x317);
        assert_int_equal(arch_word(write, 1) & 0xfffff, 0x30067);
        return at + (uint64_t)(int64_t)(int32_t)(first & 0xfffff000) +
               (uint64_t)((int64_t)(int32_t)arch_word(write, 1) >> 20);
    }
}

/* Asserts that a write goes through the second trampoline number `index`, and on to `to`. */
static void assert_through(const struct fixture *f, const struct hp_write *write, uint32_t index,
                           uint64_t to)
{
    const struct hp_image_memory *islands = &f->payload.islands;
    const uint8_t *bytes = islands->host + (size_t)index * f->arch->size;
    const size_t address = f->arch->rig.machine == HP_EM_RISCV ? 16 : f->arch->size / 2;
    uint32_t wanted[6];

    memcpy(wanted, f->arch->words, sizeof(wanted));
    wanted[address / 4] = (uint32_t)to;
    if (f->arch->rig.is64) {
        wanted[address / 4 + 1] = (uint32_t)(to >> 32);
    }
    assert_int_equal(write->kind, HP_WRITE_JUMP);
    assert_int_equal(write->dest, to);
    assert_int_equal(write->island, islands->addr + (uint64_t)index * f->arch->size);
    assert_int_equal(destination(f, write), write->island);
    assert_memory_equal(bytes, wanted, f->arch->size); /* little-endian hosts */
}

/* ---- who gets one ---------------------------------------------------------------------------- */

/* Without the ability all is as before: the plan tells by how much the jump is too long. */
static void test_no_ability(void **state)
{
    size_t n;

    (void)state;
    for (n = 0; n < ARCHES; n++) {
        struct fixture f;

        begin(&f, &arches[n], 0);
        assert_int_equal(load_one(&f), HP_OK);
        assert_int_equal(f.payload.islands.size, 0);
        assert_int_equal(capture(&f), HP_PATCH_REACH);
        assert_int_equal(f.diag.expected, arches[n].reach);
        assert_int_equal(f.diag.actual, arches[n].distance);
        assert_int_equal(f.port->island_allocs, 0);
        end(&f);
    }
}

/* The jump leads there, and the code there on; it is sealed by then. */
static void test_bytes(void **state)
{
    size_t n;

    (void)state;
    for (n = 0; n < ARCHES; n++) {
        const struct hp_image_request *request;
        const struct tp_image *image;
        struct fixture f;

        begin(&f, &arches[n], ISLANDS);
        request = &f.port->island_request;
        assert_int_equal(load_one(&f), HP_OK);
        assert_int_equal(f.port->island_allocs, 1);
        assert_int_equal(request->size, TP_PAGE);
        assert_int_equal(request->align, TP_PAGE);
        /* from any place of the jump, behind a landing pad or not */
        assert_int_equal(request->low,
                         function(&f) > arches[n].reach ? function(&f) + 12 - arches[n].reach : 0);
        assert_int_equal(request->high, function(&f) + arches[n].reach);
        assert_int_equal(f.payload.islands.size, TP_PAGE);
        image = &f.port->images[f.payload.islands.token - 1];
        assert_true(image->island && image->sealed[0]);
        assert_int_equal(image->protection[0], HP_PROTECT_TEXT);
        assert_memory_equal(f.payload.islands.host, arches[n].words, arches[n].size);
        assert_int_equal(capture(&f), HP_OK);
        assert_int_equal(f.payload.write_count, 1);
        assert_through(&f, &f.payload.writes[0], 0, arches[n].rig.image);
        assert_int_equal(capture(&f), HP_OK); /* again, with what was made at load */
        assert_through(&f, &f.payload.writes[0], 0, arches[n].rig.image);
        assert_int_equal(f.port->island_allocs, 1);
        end(&f);
    }
}

/* From both ends of the range the jump reaches, wherever in the function it is. */
static void test_ends(void **state)
{
    static const struct {
        size_t arch;
        uint32_t code[2]; /* what the target's function begins with */
        uint32_t flags;
        uint64_t at; /* of the jump instruction */
    } cases[] = {
        {0, {0}, 0, 0},
        {0, {0xfa1e0ff3}, 0, 4}, /* endbr64 */
        {1, {0}, 0, 0},
        {1, {0xd503245f}, 0, 4},             /* bti c */
        {1, {0xd503233f}, HP_TARGET_BTI, 0}, /* paciasp: the jump brings a bti along */
        {1, {0xd503245f, 0xd503233f}, HP_TARGET_BTI, 4},
        {2, {0}, 0, 0},
        {3, {0}, 0, 0},
    };
    static const uint8_t pads[2][4] = {{0xf3, 0x0f, 0x1e, 0xfa}, {0x5f, 0x24, 0x03, 0xd5}};
    uint32_t high;
    size_t n;

    (void)state;
    for (n = 0; n < 2 * sizeof(cases) / sizeof(cases[0]); n++) {
        const struct far_arch *arch = &arches[cases[n / 2].arch];
        uint64_t limit = arch_function(&arch->rig) + arch->reach;
        struct fixture f;

        high = n % 2;
        begin(&f, arch, ISLANDS | cases[n / 2].flags);
        tp_poke(f.port, function(&f), cases[n / 2].code, sizeof(cases[n / 2].code));
        if (high != 0) {
            f.port->island_addr = (limit & ~(uint64_t)(TP_PAGE - 1)) - TP_PAGE;
        } else if (function(&f) > arch->reach) {
            f.port->island_addr =
                (function(&f) + 12 - arch->reach + TP_PAGE - 1) & ~(uint64_t)(TP_PAGE - 1);
        }
        assert_int_equal(load(&f, make(&f, function(&f), 1, pads[cases[n / 2].arch % 2], 4)),
                         HP_OK);
        assert_int_equal(capture(&f), HP_OK);
        assert_int_equal(f.payload.writes[0].addr, function(&f) + cases[n / 2].at);
        assert_through(&f, &f.payload.writes[0], 0, arch->rig.image);
        end(&f);
    }
}

/* Loads a payload at that distance from the function; tells whether it got one. */
static bool gets_one(const struct far_arch *arch, int64_t distance)
{
    struct far_arch moved = *arch;
    uint64_t to = arch_function(&arch->rig) + (uint64_t)distance;
    uint8_t page[TP_PAGE] = {0};
    struct eb_record record = {.old_addr = arch_function(&arch->rig), .old_size = CODE};
    struct eb_payload p;
    struct fixture f;
    bool got;

    moved.rig.image = to & ~(uint64_t)(TP_PAGE - 1);
    begin(&f, &moved, ISLANDS);
    p = eb_payload_new(arch->rig.is64, arch->rig.machine, NULL);
    eb_append(p.b, p.text, 16, page, sizeof(page));
    record.new_symbol =
        eb_symbol(p.b, "new", HP_STB_LOCAL, HP_STT_FUNC, p.text, to & (TP_PAGE - 1), 1);
    eb_payload_record(&p, &record);
    assert_int_equal(load(&f, p), HP_OK);
    assert_int_equal(capture(&f), HP_OK);
    got = f.port->island_allocs != 0;
    assert_int_equal(f.payload.islands.size != 0, got);
    assert_true(got || f.payload.writes[0].island == 0);
    end(&f);
    return got;
}

/* Where the direct jump reaches there is none, up to what a landing pad may shift it by. */
static void test_edges(void **state)
{
    static const struct {
        size_t arch;
        int64_t low; /* the last distances that are always within reach */
        int64_t high;
    } cases[] = {
        {0, INT64_C(-0x80000000) + 9, INT64_C(0x7fffffff) + 5},
        {1, -(1 << 27) + 4, (1 << 27) - 4},
        {2, -(1 << 25) + 12, (1 << 25) + 4},
        {3, INT64_C(-0x80000800) + 4, INT64_C(0x7ffff7fe)},
    };
    size_t n;

    (void)state;
    for (n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
        const int64_t step = n == 0 ? 1 : n == 3 ? 2 : 4;

        assert_false(gets_one(&arches[n], cases[n].low));
        assert_true(gets_one(&arches[n], cases[n].low - step));
        assert_false(gets_one(&arches[n], cases[n].high));
        assert_true(gets_one(&arches[n], cases[n].high + step));
    }
}

/* One for each function that needs it, in as many pages as that takes. */
static void test_many(void **state)
{
    size_t n;

    (void)state;
    for (n = 0; n < ARCHES; n++) {
        const uint32_t count = TP_PAGE / arches[n].size + 1;
        struct fixture f;
        uint32_t i;

        begin(&f, &arches[n], ISLANDS);
        assert_int_equal(load(&f, make(&f, arches[n].rig.text, count, NULL, 0)), HP_OK);
        assert_int_equal(f.port->island_allocs, 1);
        assert_int_equal(f.payload.islands.size, 2 * TP_PAGE);
        assert_int_equal(capture(&f), HP_OK);
        assert_int_equal(f.payload.write_count, count);
        for (i = 0; i < count; i++) {
            assert_through(&f, &f.payload.writes[i], i, arches[n].rig.image + (uint64_t)CODE * i);
        }
        end(&f);
    }
}

/* Adds code of the target somewhere else. */
static void add_code(const struct fixture *f, uint64_t addr)
{
    uint8_t *code = calloc(1, TP_PAGE);

    assert_non_null(code);
    tp_add_range(f->port, addr, code, TP_PAGE, TP_PATCHABLE);
    free(code);
}

/* A payload for two places. */
static struct eb_payload make_two(const struct fixture *f, uint64_t first, uint64_t second)
{
    struct eb_payload p = make(f, first, 1, NULL, 0);
    const struct eb_record nop = {
        .old_addr = arch_function(&f->arch->rig) + 0x100, .new_size = 4, .old_size = 8};
    struct eb_record record = {.old_addr = second, .old_size = CODE};
    uint64_t at = eb_append(p.b, p.text, 16, NULL, CODE);

    eb_payload_record(&p, &nop);
    record.new_symbol = eb_symbol(p.b, "second", HP_STB_LOCAL, HP_STT_FUNC, p.text, at, CODE);
    eb_payload_record(&p, &record);
    return p;
}

/* Functions that are near go without, and so do NOPs. */
static void test_some(void **state)
{
    struct fixture f;
    uint64_t near;

    (void)state;
    begin(&f, &arches[0], ISLANDS);
    near = f.arch->rig.image - GIB;
    add_code(&f, near);
    assert_int_equal(load(&f, make_two(&f, near, function(&f))), HP_OK);
    assert_int_equal(f.payload.islands.size, TP_PAGE);
    assert_int_equal(capture(&f), HP_OK);
    assert_int_equal(f.payload.write_count, 3);
    assert_int_equal(f.payload.writes[0].island, 0);
    assert_int_equal(destination(&f, &f.payload.writes[0]), f.arch->rig.image);
    assert_int_equal(f.payload.writes[1].kind, HP_WRITE_NOP);
    assert_int_equal(f.payload.writes[1].island, 0);
    assert_through(&f, &f.payload.writes[2], 0, f.arch->rig.image + CODE);
    end(&f);
}

/* The range is what is near all of them; where that is nothing the port is not asked. */
static void test_apart(void **state)
{
    const uint64_t reach = INT32_MAX;
    uint64_t second;
    struct fixture f;

    (void)state;
    begin(&f, &arches[0], ISLANDS);
    second = function(&f) - 2 * GIB;
    add_code(&f, second);
    assert_int_equal(load(&f, make_two(&f, function(&f), second)), HP_OK);
    assert_int_equal(f.port->island_request.low, function(&f) + 12 - reach);
    assert_int_equal(f.port->island_request.high, second + reach);
    assert_int_equal(capture(&f), HP_OK);
    assert_through(&f, &f.payload.writes[0], 0, f.arch->rig.image);
    assert_through(&f, &f.payload.writes[2], 1, f.arch->rig.image + CODE);
    end(&f);

    begin(&f, &arches[0], ISLANDS);
    second = function(&f) + 8 * GIB;
    add_code(&f, second);
    assert_int_equal(load(&f, make_two(&f, function(&f), second)), HP_ISLAND_MEMORY);
    assert_int_equal(f.port->island_allocs, 0);
    assert_int_equal(f.diag.record, 0);
    end(&f);
}

/* ---- refusals -------------------------------------------------------------------------------- */

static void assert_refused(const struct fixture *f)
{
    assert_int_equal(f->diag.stage, HP_STAGE_LAYOUT);
    assert_int_equal(f->diag.record, 0);
    assert_string_equal(f->diag.section_name, ".livepatch.funcs");
    assert_int_equal(f->diag.expected, f->arch->reach);
    assert_int_equal(f->diag.actual, f->arch->distance);
    assert_int_equal(f->port->island_allocs, 1);
    assert_int_equal(f->port->live, 0);
}

static void test_no_memory(void **state)
{
    size_t n;

    (void)state;
    for (n = 0; n < ARCHES; n++) {
        struct fixture f;
        uint32_t calls;

        begin(&f, &arches[n], ISLANDS);
        assert_int_equal(load_one(&f), HP_OK);
        calls = f.port->calls; /* the last one protects what the one before has obtained */
        hp_payload_unload(&f.payload);
        f.port->calls = 0;
        f.port->island_allocs = 0;
        f.port->fail_at = calls - 1;
        assert_int_equal(load_one(&f), HP_ISLAND_MEMORY);
        assert_int_equal(hp_status_errno(f.diag.status), HP_ERRNO_ENOMEM);
        assert_refused(&f);
        f.port->calls = 0;
        f.port->fail_at = calls;
        assert_int_equal(load_one(&f), HP_PROTECT_FAILED);
        assert_int_equal(f.port->live, 0);
        f.port->fail_at = 0;
        assert_int_equal(load_one(&f), HP_OK);
        end(&f);
    }
}

/* A port that gives what was not asked for: nothing is jumped to that is out of reach. */
static void test_breach(void **state)
{
    size_t n;
    size_t i;

    (void)state;
    for (n = 0; n < ARCHES; n++) {
        const uint64_t function = arch_function(&arches[n].rig);
        const uint64_t high = (function + arches[n].reach) & ~(uint64_t)(TP_PAGE - 1);
        const struct {
            uint64_t addr;
            size_t less;
        } cases[] = {
            {high, 0}, /* its end is above */
            {high + TP_PAGE, 0},
            {UINT64_MAX - TP_PAGE + 1, 0},       /* it wraps */
            {function - 2 * arches[n].reach, 0}, /* below */
            {TP_PAGE, 0},
            {arches[n].rig.text - TP_PAGE + 8, 0}, /* not aligned */
            {0, 8},                                /* too short */
        };

        for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
            struct fixture f;

            if (cases[i].addr == TP_PAGE && function <= arches[n].reach) {
                continue; /* within reach */
            }
            begin(&f, &arches[n], ISLANDS);
            f.port->island_addr = cases[i].addr;
            f.port->island_less = cases[i].less;
            assert_int_equal(load_one(&f), HP_ISLAND_MEMORY);
            assert_refused(&f);
            end(&f);
        }
    }
}

/* Address 0 stands for none, wherever the target's code is. */
static void test_address_zero(void **state)
{
    struct far_arch low = arches[0];
    struct fixture f;

    (void)state;
    low.rig.text = 0x100000;
    low.rig.image = 4 * GIB;
    low.distance = 4 * GIB - 0x101005;
    begin(&f, &low, ISLANDS);
    assert_int_equal(load_one(&f), HP_ISLAND_MEMORY); /* the lowest address of the range */
    assert_int_equal(f.port->island_request.low, 0);
    assert_refused(&f);
    f.port->island_addr = TP_PAGE;
    assert_int_equal(load_one(&f), HP_OK);
    end(&f);
}

/* A place that may not be patched gets none, and says so. */
static void test_not_patchable(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f, &arches[0], ISLANDS);
    assert_int_equal(load(&f, make(&f, TP_TEXT - 64, 1, NULL, 0)), HP_PATCH_RANGE);
    assert_int_equal(f.diag.actual, TP_TEXT - 64);
    assert_int_equal(f.diag.stage, HP_STAGE_PLAN);
    assert_int_equal(f.diag.record, 0);
    assert_int_equal(load(&f, make(&f, UINT64_MAX - 1, 1, NULL, 0)), HP_PATCH_RANGE);
    tp_add_range(f.port, function(&f), NULL, 64, TP_DENIED);
    assert_int_equal(load_one(&f), HP_PATCH_DENIED);
    assert_int_equal(f.port->island_allocs, 0);
    end(&f);
}

/* The second jump is indirect: where landing pads are enforced it needs one to land on. */
static void test_landing_pads(void **state)
{
    static const struct {
        size_t arch;
        uint32_t flags;
        uint32_t code; /* of the new function */
        enum hp_status status;
    } cases[] = {
        {0, HP_TARGET_IBT, 0, HP_LANDING_PAD_MISSING},
        {0, HP_TARGET_IBT, 0x011f0f66, HP_LANDING_PAD_MISSING}, /* a sealed one */
        {0, HP_TARGET_IBT, 0xfa1e0ff3, HP_OK},                  /* endbr64 */
        {0, 0, 0, HP_OK},
        {1, HP_TARGET_BTI, 0, HP_LANDING_PAD_MISSING},
        {1, HP_TARGET_BTI, 0xd503241f, HP_LANDING_PAD_MISSING}, /* bti */
        {1, HP_TARGET_BTI, 0xd503249f, HP_LANDING_PAD_MISSING}, /* bti j */
        {1, HP_TARGET_BTI, 0xd503245f, HP_OK},                  /* bti c */
        {1, HP_TARGET_BTI, 0xd50324df, HP_OK},                  /* bti jc */
        {1, HP_TARGET_BTI, 0xd503233f, HP_OK},                  /* paciasp */
        {1, 0, 0, HP_OK},
        {2, HP_TARGET_BTI, 0, HP_OK}, /* there is no such thing in A32 code */
        {3, HP_TARGET_IBT, 0, HP_OK},
    };
    size_t n;

    (void)state;
    for (n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
        const uint8_t *code = (const uint8_t *)&cases[n].code;
        struct far_arch near = arches[cases[n].arch];
        struct fixture f;

        begin(&f, &arches[cases[n].arch], ISLANDS | cases[n].flags);
        assert_int_equal(load(&f, make(&f, function(&f), 1, code, 4)), cases[n].status);
        if (cases[n].status != HP_OK) {
            assert_int_equal(f.diag.record, 0);
            assert_int_equal(f.diag.actual, near.rig.image);
            assert_int_equal(f.port->island_allocs, 0);
        }
        end(&f);
        near.rig.image = near.rig.text + 0x100000; /* where the jump is direct, none is needed */
        begin(&f, &near, ISLANDS | cases[n].flags);
        assert_int_equal(load(&f, make(&f, function(&f), 1, code, 4)), HP_OK);
        assert_int_equal(f.port->island_allocs, 0);
        end(&f);
    }
}

/* Every call of the port fails once: what it answered comes out, and nothing is left. */
static void test_faults(void **state)
{
    size_t n;

    (void)state;
    for (n = 0; n < ARCHES; n++) {
        uint8_t *before = malloc(TP_TEXT_SIZE);
        struct fixture f;
        uint32_t total;
        uint32_t i;

        begin(&f, &arches[n], ISLANDS);
        assert_non_null(before);
        memcpy(before, tp_byte(f.port, arches[n].rig.text), TP_TEXT_SIZE);
        assert_int_equal(load_one(&f), HP_OK);
        assert_int_equal(capture(&f), HP_OK);
        total = f.port->calls;
        for (i = 1; i <= total; i++) {
            enum hp_status status;

            hp_payload_unload(&f.payload);
            f.port->calls = 0;
            f.port->fail_at = i;
            f.port->failed = HP_OK;
            status = load_one(&f);
            if (status == HP_OK) {
                status = capture(&f);
            }
            assert_int_not_equal(f.port->failed, HP_OK);
            assert_int_equal(status, f.port->failed);
            assert_int_equal(f.port->calls, i);
            assert_memory_equal(tp_byte(f.port, arches[n].rig.text), before, TP_TEXT_SIZE);
        }
        free(before);
        end(&f);
    }
}

/* ---- the engine ------------------------------------------------------------------------------ */

static const struct en_payload base = {.id = 0x11, .functions = 2};
static const struct en_payload other = {.id = 0x31, .first = 1, .functions = 3};

/* Payloads are out of reach of the target. */
static int setup(void **state)
{
    struct en *en;

    (void)en_setup(state);
    en = *state;
    en->port->image_addr = TP_TEXT + 4 * GIB;
    en->port->target.flags |= ISLANDS;
    return 0;
}

static const struct hp_payload *loaded(struct en *en, const char *name)
{
    struct hp_payload_info info;

    assert_int_equal(hp_manager_get(&en->manager, name, &info), HP_OK);
    return info.payload;
}

/* Follows jumps as the processor would, from a function of the target to where they end. */
static uint64_t follow(const struct en *en, uint64_t addr)
{
    const uint8_t *code = tp_byte(en->port, addr);
    uint64_t to;
    int32_t displacement;

    assert_int_equal(code[0], 0xe9);
    memcpy(&displacement, code + 1, sizeof(displacement));
    code = tp_byte(en->port, addr + 5 + (uint64_t)(int64_t)displacement);
    assert_non_null(code);
    assert_memory_equal(code, "\xff\x25\x02\0\0\0", 6);
    memcpy(&to, code + 8, sizeof(to));
    return to;
}

static void apply_and_revert(void **state)
{
    struct en *en = *state;
    const struct hp_payload *payload;
    const uint32_t none = en->port->live;
    uint32_t live;
    uint32_t round;

    en->port->image_addr = TP_IMAGE; /* within reach, for a comparison */
    assert_int_equal(en_upload(en, "base", &base), HP_OK);
    live = en->port->live;
    assert_int_equal(hp_manager_unload(&en->manager, "base", NULL), HP_OK);
    assert_int_equal(en->port->live, none);
    en->port->image_addr = TP_TEXT + 4 * GIB;
    assert_int_equal(en_upload(en, "base", &base), HP_OK);
    payload = loaded(en, "base");
    assert_int_equal(en->port->live, live + 1);
    for (round = 0; round < 2; round++) {
        en_do_apply(en, "base");
        assert_int_equal(follow(en, EN_FUNCTION(0)), payload->records[0].new_addr);
        assert_int_equal(follow(en, EN_FUNCTION(1)), payload->records[1].new_addr);
        assert_int_equal(hp_manager_attest(&en->manager, NULL), HP_OK);
        en_do_revert(en, "base");
        en_assert_untouched(en);
        assert_int_equal(en->port->live, live + 1);
        assert_int_equal(hp_manager_attest(&en->manager, NULL), HP_OK);
    }
    assert_int_equal(en->port->island_allocs, 1);
    assert_int_equal(hp_manager_unload(&en->manager, "base", NULL), HP_OK);
    assert_int_equal(en->port->live, none);
}

static void replace(void **state)
{
    struct en *en = *state;

    assert_int_equal(en_upload(en, "base", &base), HP_OK);
    assert_int_equal(en_upload(en, "other", &other), HP_OK);
    en_do_apply(en, "base");
    en_do_replace(en, "other");
    en_assert_patched(en, 0, false);
    assert_int_equal(follow(en, EN_FUNCTION(1)), loaded(en, "other")->records[0].new_addr);
    assert_int_equal(follow(en, EN_FUNCTION(3)), loaded(en, "other")->records[2].new_addr);
    assert_int_equal(hp_manager_unload(&en->manager, "base", NULL), HP_OK);
    assert_int_equal(hp_manager_attest(&en->manager, NULL), HP_OK);
    en_do_revert(en, "other");
    en_assert_untouched(en);
}

/* Every byte of them, whether the payload is applied or not. */
static void attest(void **state)
{
    struct en *en = *state;
    const struct hp_payload *payload;
    uint32_t n;

    assert_int_equal(en_upload(en, "base", &base), HP_OK);
    payload = loaded(en, "base");
    tp_unseal(en->port, &payload->islands, true);
    for (n = 0; n < 64; n++) {
        if (n == 32) {
            en_do_apply(en, "base");
        }
        payload->islands.host[n % 32] ^= 0x10;
        hp_diag_init(&en->diag);
        assert_int_equal(hp_manager_attest(&en->manager, &en->diag), HP_MEMORY_CHANGED);
        assert_int_equal(en->diag.stage, HP_STAGE_ACTION);
        assert_string_equal(en->diag.name, "base");
        assert_string_equal(en->diag.section_name, "second trampoline");
        assert_int_equal(en->diag.record, n % 32 / 16);
        assert_int_equal(en->diag.offset, n % 16);
        assert_int_equal(en->diag.actual, payload->islands.host[n % 32]);
        assert_int_equal(en->diag.expected, payload->islands.host[n % 32] ^ 0x10);
        payload->islands.host[n % 32] ^= 0x10;
    }
    tp_unseal(en->port, &payload->islands, false);
    assert_int_equal(hp_manager_attest(&en->manager, NULL), HP_OK);
    en_do_revert(en, "base");
}

/* Whoever was interrupted in one of them keeps it from being taken away. */
static void stacks(void **state)
{
    static struct tp_stack stack = {0, 2};
    struct en *en = *state;
    struct hp_action_report report;
    uint64_t addr;

    en->port->target.flags |= HP_TARGET_STACKS;
    assert_int_equal(hp_manager_close(&en->manager), HP_OK);
    assert_int_equal(hp_manager_init(&en->manager, en->port, NULL), HP_OK);
    assert_int_equal(en_upload(en, "base", &base), HP_OK);
    addr = loaded(en, "base")->islands.addr;
    en->port->stacks = &stack;
    en->port->stack_count = 1;
    stack.addr = addr + 16;
    en_do_apply(en, "base"); /* before it is applied nobody is there */
    for (stack.addr = addr; stack.addr <= addr + 31; stack.addr += 31) {
        assert_int_equal(en_revert(en, "base"), HP_OK);
        en_safe_point(en);
        en_assert_rc(en, "base", HP_STATE_APPLIED, HP_STACK_BUSY, -HP_ERRNO_EBUSY);
        hp_manager_report(&en->manager, &report);
        assert_string_equal(report.function, stack.addr == addr ? "f0" : "f1");
        assert_int_equal(report.busy_addr, stack.addr);
    }
    stack.addr = addr - 1;
    en_do_revert(en, "base");
    en_do_apply(en, "base");
    stack.addr = addr + 32; /* behind the last */
    en_do_revert(en, "base");
}

/* Nobody patches them: the port says no, and if it forgets to, the manager does. */
static void denied(void **state)
{
    struct eb_splice splice = {
        .kind = HP_SPLICE_KIND_BYTES, .size = 1, .old_bytes = {0xff}, .new_bytes = {0x90}};
    struct en_payload jump = {.id = 0x51, .on = 0x11, .functions = 1};
    struct en_payload bytes = {.id = 0x71, .on = 0x11, .splices = &splice, .splice_count = 1};
    struct en *en = *state;

    assert_int_equal(en_upload(en, "base", &base), HP_OK);
    en_do_apply(en, "base");
    jump.old_addr = loaded(en, "base")->islands.addr + 16;
    splice.addr = jump.old_addr;
    assert_int_equal(en_upload(en, "jump", &jump), HP_PATCH_DENIED);
    assert_int_equal(en_upload(en, "bytes", &bytes), HP_OK);
    assert_int_equal(en_apply(en, "bytes"), HP_PATCH_DENIED);
    assert_int_equal(en->diag.stage, HP_STAGE_PLAN);
    en->port->islands_patchable = true;
    assert_int_equal(en_apply(en, "bytes"), HP_PATCH_DENIED);
    assert_int_equal(en->diag.stage, HP_STAGE_ACTION);
    assert_string_equal(en->diag.name, "base");
    assert_int_equal(en->diag.record, 0);
    assert_int_equal(en->diag.actual, splice.addr);
    assert_int_equal(en_upload(en, "jump", &jump), HP_OK);
    assert_int_equal(en_apply(en, "jump"), HP_PATCH_DENIED);
    assert_string_equal(en->diag.name, "base");
    assert_int_equal(en->diag.actual, jump.old_addr);
    en_do_revert(en, "base");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_ability),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_some),
        cmocka_unit_test(test_apart),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_breach),
        cmocka_unit_test(test_address_zero),
        cmocka_unit_test(test_not_patchable),
        cmocka_unit_test(test_landing_pads),
        cmocka_unit_test(test_faults),
        cmocka_unit_test_setup_teardown(apply_and_revert, setup, en_teardown),
        cmocka_unit_test_setup_teardown(replace, setup, en_teardown),
        cmocka_unit_test_setup_teardown(attest, setup, en_teardown),
        cmocka_unit_test_setup_teardown(stacks, setup, en_teardown),
        cmocka_unit_test_setup_teardown(denied, setup, en_teardown),
    };

    return cmocka_run_group_tests_name("island", tests, NULL, NULL);
}
