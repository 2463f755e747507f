/* SPDX-License-Identifier: BSD-2-Clause */
/* Takes an input through the load path in every way that there is, and compares the outcomes. */
#include "harness.h"

#include <string.h>

#include <hotpatch/validate.h>

#include "check.h"
#include "fuzz_port.h"
#include "support/elf_builder.h"

enum { TARGETS = FUZZ_TARGET_ABSENT + 1, FAULTS = 24 };

struct fuzz_harness {
    struct hp_port *ports[TARGETS];
    struct hp_payload base; /* loaded for FUZZ_TARGET_RUNNING, its plan captured */
    const struct hp_payload *on_base[1];
};

/* One way to judge an input. */
struct way {
    struct hp_port *port;
    const struct hp_profile *profile;
    const struct hp_payload *const *applied;
    size_t applied_count;
    bool allow_undecided;
};

/* How it ended. */
struct outcome {
    enum hp_status load;    /* of hp_payload_load() */
    enum hp_status verdict; /* of all steps */
    struct hp_diag diag;
};

uint8_t *fuzz_base_payload(size_t *size)
{
    uint8_t id[FUZZ_ID_SIZE];
    struct eb_ids ids = {.build_id = id,
                         .build_id_size = sizeof(id),
                         .depends = fuzz_target_id(),
                         .depends_size = FUZZ_ID_SIZE,
                         .xen_depends = fuzz_target_id(),
                         .xen_depends_size = FUZZ_ID_SIZE};
    struct eb_payload p;
    uint32_t data;

    memset(id, FUZZ_BASE_ID_BYTE, sizeof(id));
    p = eb_payload_new(true, HP_EM_X86_64, &ids);
    eb_payload_function(&p, "fn_002", FUZZ_FUNCTION_SIZE);
    eb_symbol(p.b, "base_func", HP_STB_GLOBAL, HP_STT_FUNC, p.text,
              eb_append(p.b, p.text, 16, NULL, FUZZ_FUNCTION_SIZE), FUZZ_FUNCTION_SIZE);
    data = eb_section(p.b, ".data", HP_SHT_PROGBITS, HP_SHF_ALLOC | HP_SHF_WRITE, 8, NULL, 16);
    eb_symbol(p.b, "base_data", HP_STB_GLOBAL, HP_STT_OBJECT, data, 8, 8);
    return eb_payload_finish(&p, size);
}

struct fuzz_harness *fuzz_harness_new(void)
{
    struct fuzz_harness *harness = calloc(1, sizeof(*harness));
    struct hp_diag diag;
    uint8_t *file;
    size_t size;
    uint32_t n;

    CHECK(harness != NULL);
    for (n = 0; n < TARGETS; n++) {
        harness->ports[n] = fuzz_port_new((enum fuzz_target)n);
    }
    file = fuzz_base_payload(&size);
    hp_diag_init(&diag);
    CHECK(hp_payload_load(&harness->base, harness->ports[FUZZ_TARGET_RUNNING], file, size, NULL,
                          &diag) == HP_OK);
    CHECK(hp_plan_capture(&harness->base, NULL, 0, &diag) == HP_OK);
    free(file);
    harness->on_base[0] = &harness->base;
    return harness;
}

void fuzz_harness_free(struct fuzz_harness *harness)
{
    uint32_t n;

    hp_payload_unload(&harness->base);
    for (n = 0; n < TARGETS; n++) {
        fuzz_port_free(harness->ports[n]);
    }
    free(harness);
}

enum hp_status fuzz_harness_verdict(const struct fuzz_harness *harness, bool on_base,
                                    const uint8_t *data, size_t size)
{
    const struct hp_validate_options options = {.size = sizeof(options),
                                                .applied = harness->on_base,
                                                .applied_count = on_base ? 1 : 0,
                                                .allow_undecided = true};

    return hp_validate(harness->ports[on_base ? FUZZ_TARGET_RUNNING : FUZZ_TARGET_OFFLINE], data,
                       size, &options, NULL, NULL);
}

/* A copy of exactly the input's size, so that one byte too far is noticed. */
static uint8_t *copy_of(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);

    CHECK(copy != NULL);
    if (size > 0) {
        memcpy(copy, data, size);
    }
    return copy;
}

/* How many allocations a payload holds: work area, image, and second trampolines if it has any. */
static size_t blocks_of(const struct hp_payload *payload)
{
    return payload->islands.size > 0 ? 3 : 2;
}

static void unload(struct hp_payload *payload)
{
    struct hp_port *port = payload->port;
    const size_t live = fuzz_port_live(port);
    const size_t blocks = blocks_of(payload);

    hp_payload_unload(payload);
    CHECK(fuzz_is_zero(payload, sizeof(*payload)) && fuzz_port_live(port) == live - blocks);
    hp_payload_unload(payload);
}

static enum hp_status load(const struct way *way, const uint8_t *data, size_t size,
                           struct hp_payload *payload, struct hp_diag *diag)
{
    const struct hp_load_options options = {.size = sizeof(options),
                                            .profile = way->profile,
                                            .loaded = way->applied,
                                            .loaded_count = way->applied_count,
                                            .allow_undecided = way->allow_undecided};
    const size_t live = fuzz_port_live(way->port);
    uint8_t *copy = copy_of(data, size);
    enum hp_status status;

    memset(payload, 0xa5, sizeof(*payload));
    status = hp_payload_load(payload, way->port, copy, size, &options, diag);
    CHECK(size == 0 || memcmp(copy, data, size) == 0);
    free(copy);
    fuzz_check_diag(diag, status);
    if (status) {
        CHECK(fuzz_is_zero(payload, sizeof(*payload)) && fuzz_port_live(way->port) == live);
    } else {
        CHECK(fuzz_port_live(way->port) == live + blocks_of(payload));
        fuzz_check_image(payload, way->applied, way->applied_count, data, size);
    }
    return status;
}

/* The statuses that hp_plan_capture() promises. */
static bool is_plan_status(enum hp_status status)
{
    switch (status) {
    case HP_OK:
    case HP_RECORD_OLD_SIZE:
    case HP_NOP_SIZE:
    case HP_EXPECT_MISMATCH:
    case HP_TARGET_READ:
    case HP_PATCH_REACH:
    case HP_PATCH_PAST_FUNCTION:
    case HP_PATCH_LANDING_PAD:
    case HP_PATCH_RANGE:
    case HP_PATCH_DENIED:
    case HP_PATCH_OVERLAP:
    case HP_SPLICE_WRITABLE:
    case HP_SPLICE_BOUNDS:
    case HP_SPLICE_ALIGN:
    case HP_SPLICE_NOT_CODE:
    case HP_SPLICE_NOT_BRANCH:
    case HP_SPLICE_OLD_TARGET:
        return true;
    default:
        return false;
    }
}

/* Stacking and plan of a loaded payload, in the steps that hp_validate() takes. */
static enum hp_status judge(const struct way *way, struct hp_payload *payload, struct hp_diag *diag)
{
    enum hp_status status = hp_payload_stacks_on(payload, way->applied, way->applied_count, diag);

    CHECK(status == HP_OK || status == HP_UNDECIDED || status == HP_DEPENDS_BUILD_ID);
    if (status == HP_DEPENDS_BUILD_ID || (status == HP_UNDECIDED && !way->allow_undecided)) {
        return status;
    }
    status = hp_plan_capture(payload, way->applied, way->applied_count, diag);
    CHECK(is_plan_status(status));
    if (status) {
        CHECK(payload->write_count == 0);
        return status;
    }
    fuzz_check_plan(payload, way->applied, way->applied_count);
    CHECK(way->allow_undecided || payload->undecided.symbols + payload->undecided.relocations +
                                          payload->undecided.records + payload->undecided.tables +
                                          payload->undecided.alternatives ==
                                      0);
    if (!way->allow_undecided &&
        (payload->undecided.expectations > 0 || payload->undecided.writes > 0)) {
        return HP_UNDECIDED;
    }
    return HP_OK;
}

/* Loads and judges, and leaves the payload loaded when it loads. */
static void judge_kept(const struct way *way, const uint8_t *data, size_t size,
                       struct hp_payload *payload, struct outcome *outcome)
{
    hp_diag_init(&outcome->diag);
    outcome->load = load(way, data, size, payload, &outcome->diag);
    outcome->verdict = outcome->load;
    if (outcome->load == HP_OK) {
        outcome->verdict = judge(way, payload, &outcome->diag);
        /* HP_UNDECIDED becomes a failure only in the verdict. */
        CHECK(outcome->diag.status ==
              (outcome->verdict == HP_UNDECIDED ? HP_OK : outcome->verdict));
    }
    fuzz_port_check(way->port);
}

static bool same_diag(const struct hp_diag *a, const struct hp_diag *b)
{
    return a->status == b->status && a->stage == b->stage && a->section == b->section &&
           a->relocation == b->relocation && a->symbol == b->symbol && a->record == b->record &&
           a->reloc_type == b->reloc_type && a->machine == b->machine && a->offset == b->offset &&
           a->expected == b->expected && a->actual == b->actual &&
           a->has_numbers == b->has_numbers && a->profile == b->profile &&
           strcmp(a->section_name, b->section_name) == 0 && strcmp(a->name, b->name) == 0;
}

/* hp_validate() says the same as the steps by themselves, in the same words. */
static void compare_verdict(const struct way *way, const uint8_t *data, size_t size,
                            const struct outcome *outcome)
{
    const struct hp_validate_options options = {.size = sizeof(options),
                                                .profile = way->profile,
                                                .applied = way->applied,
                                                .applied_count = way->applied_count,
                                                .allow_undecided = way->allow_undecided};
    const size_t live = fuzz_port_live(way->port);
    struct hp_verdict verdict;
    struct hp_diag diag;

    hp_diag_init(&diag);
    CHECK(hp_validate(way->port, data, size, &options, &verdict, &diag) == outcome->verdict);
    CHECK(verdict.status == outcome->verdict && fuzz_port_live(way->port) == live);
    fuzz_check_diag(&diag, outcome->verdict);
    if (outcome->diag.status != HP_OK) {
        CHECK(same_diag(&diag, &outcome->diag));
    }
    fuzz_port_check(way->port);
}

static void judge_and_compare(const struct way *way, const uint8_t *data, size_t size)
{
    struct hp_payload payload;
    struct outcome outcome;

    judge_kept(way, data, size, &payload, &outcome);
    if (outcome.load == HP_OK) {
        unload(&payload);
    }
    compare_verdict(way, data, size, &outcome);
}

/* A copy of a payload that could stack on it: another build-id, and depends its own. */
static uint8_t *successor(const struct hp_payload *payload, const uint8_t *data, size_t size)
{
    uint8_t *copy = copy_of(data, size);
    struct hp_elf elf;
    struct hp_span id;
    size_t extent;

    CHECK(hp_elf_extent(copy, size, &extent, NULL) == HP_OK);
    CHECK(hp_elf_open(&elf, copy, extent, payload->profile, NULL) == HP_OK);
    CHECK(hp_elf_build_id(&elf, HP_SPECIAL_DEPENDS, &id, NULL) == HP_OK);
    if (id.size == payload->build_id.size) {
        memcpy(copy + (id.data - copy), payload->build_id.data, id.size);
    }
    CHECK(hp_elf_build_id(&elf, HP_SPECIAL_BUILD_ID, &id, NULL) == HP_OK);
    copy[id.data - copy] ^= 0xff;
    return copy;
}

/* The input on top of itself, and then its successor on top of it. */
static void stack(const struct way *below, const struct hp_payload *payload, const uint8_t *data,
                  size_t size)
{
    const struct hp_payload *applied[1] = {payload};
    const struct way way = {below->port, below->profile, applied, 1, true};
    uint8_t *next = successor(payload, data, size);
    struct hp_payload second;
    struct hp_diag diag;

    hp_diag_init(&diag);
    CHECK(load(&way, data, size, &second, &diag) == HP_BUILD_ID_EXISTS);
    judge_and_compare(&way, next, size);
    free(next);
}

static void judge_stacked(const struct way *way, const uint8_t *data, size_t size)
{
    struct hp_payload payload;
    struct outcome outcome;

    judge_kept(way, data, size, &payload, &outcome);
    if (outcome.load) {
        return;
    }
    if (outcome.verdict == HP_OK) {
        stack(way, &payload, data, size);
    }
    unload(&payload);
}

/* With the nth port call failing, a load gives everything back and says so. */
static void judge_with_fault(const struct way *way, const uint8_t *data, size_t size, uint32_t nth)
{
    const size_t live = fuzz_port_live(way->port);
    enum hp_status status;
    struct hp_diag diag;

    hp_diag_init(&diag);
    fuzz_port_fail(way->port, nth);
    status = hp_validate(way->port, data, size, NULL, NULL, &diag);
    fuzz_port_fail(way->port, 0);
    fuzz_check_diag(&diag, status);
    CHECK(fuzz_port_live(way->port) == live);
}

void fuzz_harness_run(struct fuzz_harness *harness, const uint8_t *data, size_t size)
{
    struct hp_port *running = harness->ports[FUZZ_TARGET_RUNNING];
    struct hp_port *offline = harness->ports[FUZZ_TARGET_OFFLINE];
    struct hp_port *far = harness->ports[FUZZ_TARGET_FAR];
    struct hp_port *islands = harness->ports[FUZZ_TARGET_ISLANDS];
    struct hp_port *absent = harness->ports[FUZZ_TARGET_ABSENT];
    const struct hp_profile *any = &hp_profile_default;
    const struct hp_profile *xen = &hp_profile_xen_4_17;
    const struct way ways[] = {{running, any, NULL, 0, false},
                               {running, xen, harness->on_base, 1, false},
                               {running, any, harness->on_base, 1, true},
                               {offline, any, NULL, 0, false},
                               {offline, xen, NULL, 0, true},
                               {far, any, NULL, 0, true},
                               {islands, any, NULL, 0, true},
                               {absent, any, NULL, 0, true},
                               {absent, NULL, NULL, 0, false}};
    size_t extent;
    size_t n;

    fuzz_check_view(data, size);
    for (n = 0; n < sizeof(ways) / sizeof(ways[0]); n++) {
        judge_and_compare(&ways[n], data, size);
    }
    /* What hp_elf_extent() refuses never gets as far as a port call. */
    if (hp_elf_extent(data, size, &extent, NULL) == HP_OK) {
        judge_stacked(&ways[4], data, size);
        judge_stacked(&ways[2], data, size);
        judge_with_fault(&ways[0], data, size, 1 + data[size - 1] % FAULTS);
    }
}
