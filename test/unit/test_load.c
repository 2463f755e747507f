/* SPDX-License-Identifier: BSD-2-Clause */
/* links: test_port */
/* The load as a whole: arguments, identity, layout, memory, and what a loaded payload tells. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "test_port.h"

#define MIB ((size_t)1 << 20)

static const uint64_t flags_of_text = HP_SHF_ALLOC | HP_SHF_EXECINSTR;
static const uint64_t flags_of_data = HP_SHF_ALLOC | HP_SHF_WRITE;

static struct eb_payload sound(void)
{
    struct eb_payload p = eb_payload_new(true, HP_EM_X86_64, NULL);

    eb_payload_function(&p, "target_function", TP_FUNCTION_SIZE);
    return p;
}

/* Loads something that must be refused, and returns what was said about it. */
static struct hp_diag refuse(struct hp_port *port, struct eb_payload *p,
                             const struct hp_load_options *options, enum hp_status wanted)
{
    struct hp_payload payload;
    struct hp_diag diag;

    assert_int_equal(tp_load(port, p, options, &payload, &diag), wanted);
    return diag;
}

static void accept(struct hp_port *port, struct eb_payload *p,
                   const struct hp_load_options *options)
{
    struct hp_payload payload;
    struct hp_diag diag;

    assert_int_equal(tp_load(port, p, options, &payload, &diag), HP_OK);
    hp_payload_unload(&payload);
}

/* ---- the call ------------------------------------------------------------------------------ */

static void test_arguments(void **state)
{
    struct hp_load_options options = {.size = sizeof(options) - 1};
    struct hp_port *port = tp_new();
    struct hp_payload payload;
    struct hp_diag diag;
    uint8_t byte = 0;

    (void)state;
    hp_diag_init(&diag);
    assert_int_equal(hp_payload_load(&payload, port, NULL, 1, NULL, &diag), HP_INVALID_ARGUMENT);
    assert_int_equal(diag.stage, HP_STAGE_CALL);
    assert_int_equal(hp_payload_load(&payload, port, &byte, 1, &options, NULL),
                     HP_INVALID_ARGUMENT);
    options.size = 0;
    assert_int_equal(hp_payload_load(&payload, port, &byte, 1, &options, NULL),
                     HP_INVALID_ARGUMENT);
    assert_int_equal(hp_payload_load(&payload, port, NULL, 0, NULL, NULL), HP_FILE_EMPTY);
    assert_int_equal(hp_payload_load(&payload, port, &byte, 0, NULL, NULL), HP_FILE_EMPTY);
    assert_int_equal(hp_payload_load(&payload, port, &byte, 1, NULL, NULL), HP_ELF_TRUNCATED);
    hp_payload_unload(&payload); /* a failed one is allowed, once and again */
    hp_payload_unload(&payload);
    tp_free(port);
}

/* Without a diagnostics record everything works the same. */
static void test_no_diag(void **state)
{
    struct hp_port *port = tp_new();
    struct hp_payload payload;
    size_t size;
    uint8_t *file = eb_minimal(true, HP_EM_X86_64, &size);

    (void)state;
    assert_int_equal(hp_payload_load(&payload, port, file, size, NULL, NULL), HP_OK);
    assert_int_equal(hp_plan_capture(&payload, NULL, 0, NULL), HP_OK);
    hp_payload_unload(&payload);
    hp_payload_unload(&payload);
    assert_int_equal(port->live, 0);
    eb_set_section(file, eb_find(file, ".livepatch.xen_depends"), EB_SH_NAME, 0);
    assert_int_equal(hp_payload_load(&payload, port, file, size, NULL, NULL), HP_SPECIAL_MISSING);
    free(file);
    tp_free(port);
}

/* Cut at every length, and every single header byte inverted: a status, never a fault. */
static void test_damaged(void **state)
{
    struct hp_port *port = tp_new();
    struct hp_payload payload;
    struct hp_diag diag;
    size_t size;
    uint8_t *whole = eb_minimal(true, HP_EM_X86_64, &size);
    size_t n;

    (void)state;
    for (n = 0; n < 2 * size; n++) {
        size_t length = n < size ? n : size;
        uint8_t *file = malloc(length > 0 ? length : 1);

        assert_non_null(file);
        memcpy(file, whole, length);
        if (n >= size) {
            file[n - size] ^= 0xff;
        }
        if (tp_load_file(port, file, length, NULL, &payload, &diag) == HP_OK) {
            assert_true(n >= size);
            (void)!hp_plan_capture(&payload, NULL, 0, NULL);
            hp_payload_unload(&payload);
        }
    }
    free(whole);
    tp_free(port);
}

static void test_machine(void **state)
{
    struct hp_port *port = tp_new();
    struct eb_payload p = sound();
    struct hp_diag diag;

    (void)state;
    port->target.machine = HP_EM_AARCH64;
    diag = refuse(port, &p, NULL, HP_ELF_MACHINE);
    assert_int_equal(diag.stage, HP_STAGE_ELF);
    assert_int_equal(diag.expected, HP_EM_AARCH64);
    assert_int_equal(diag.actual, HP_EM_X86_64);
    port->target.machine = 3; /* EM_386: not built in, even where it is the target's */
    p = eb_payload_new(false, 3, NULL);
    eb_payload_function(&p, "target_function", TP_FUNCTION_SIZE);
    diag = refuse(port, &p, NULL, HP_ELF_MACHINE);
    assert_int_equal(diag.actual, 3);
    port->target.machine = HP_EM_X86_64;
    p = eb_payload_new(false, HP_EM_X86_64, NULL); /* x32 */
    eb_payload_function(&p, "target_function", TP_FUNCTION_SIZE);
    diag = refuse(port, &p, NULL, HP_ELF_CLASS);
    assert_int_equal(diag.stage, HP_STAGE_ELF);
    assert_int_equal(hp_status_errno(diag.status), HP_ERRNO_EOPNOTSUPP);
    tp_free(port);
}

/* ---- signature ----------------------------------------------------------------------------- */

static const char marker[] = "~Module signature appended~\n"; /* without its NUL: 28 bytes */

/* A sound payload with `tail` behind its ELF file. */
static uint8_t *with_tail(const void *tail, size_t tail_size, size_t *size)
{
    uint8_t *file = eb_minimal(true, HP_EM_X86_64, size);

    file = realloc(file, *size + tail_size);
    assert_non_null(file);
    memcpy(file + *size, tail, tail_size);
    *size += tail_size;
    return file;
}

/* A trailer of sound form, signed by nobody that is known. */
static void test_signature(void **state)
{
    const struct hp_load_options offline = {.size = sizeof(offline), .allow_undecided = true};
    struct hp_port *port = tp_new();
    uint8_t tail[28 + 12 + 256 + 4] = {0};
    struct hp_payload payload;
    struct hp_diag diag;
    size_t size;
    uint8_t *file;

    (void)state;
    memcpy(tail, marker, 28);
    memcpy(tail + 28, "\1\4\1\0\4\0\0\0\0\0\1", 12);
    file = with_tail(tail, sizeof(tail), &size);
    assert_int_equal(tp_load_file(port, file, size, NULL, &payload, &diag), HP_KEY_UNKNOWN);
    assert_int_equal(diag.stage, HP_STAGE_SIGNATURE);
    assert_int_equal(diag.offset, size - 4);
    assert_int_equal(hp_status_errno(diag.status), HP_ERRNO_EACCES);
    file = with_tail(tail, sizeof(tail), &size);
    assert_int_equal(tp_load_file(port, file, size, &offline, &payload, &diag), HP_OK);
    assert_true(payload.has_signature);
    assert_true(payload.undecided.signature);
    assert_int_equal(payload.signature.status, HP_KEY_UNKNOWN);
    hp_payload_unload(&payload);
    /* One whose form is not sound is refused without a key, too. */
    tail[28 + 5] = 1;
    file = with_tail(tail, sizeof(tail), &size);
    assert_int_equal(tp_load_file(port, file, size, &offline, &payload, &diag),
                     HP_SIGNATURE_MALFORMED);
    file = with_tail(tail, 28, &size);
    assert_int_equal(tp_load_file(port, file, size, &offline, &payload, &diag),
                     HP_SIGNATURE_TRUNCATED);
    tp_free(port);
}

static void test_trailing_bytes(void **state)
{
    const struct hp_load_options offline = {.size = sizeof(offline), .allow_undecided = true};
    struct hp_port *port = tp_new();
    unsigned kind;

    (void)state;
    for (kind = 0; kind < 6; kind++) {
        struct hp_payload payload;
        struct hp_diag diag;
        char tail[100] = {0};
        size_t tail_size = sizeof(tail);
        size_t size;
        uint8_t *file;

        switch (kind) {
        case 0: /* a single zero byte */
            tail_size = 1;
            break;
        case 1: /* the marker neither first nor last: it is not searched for */
            memcpy(tail + 1, marker, 28);
            break;
        case 2: /* a NUL behind it */
            memcpy(tail + sizeof(tail) - 29, marker, 29);
            break;
        case 3: /* cut short */
            tail_size = 27;
            memcpy(tail, marker, 27);
            break;
        case 4: /* its second half alone */
            tail_size = 27;
            memcpy(tail, marker + 1, 27);
            break;
        default: /* one byte of it changed */
            memcpy(tail, marker, 28);
            tail[13] ^= 0x20;
            break;
        }
        file = with_tail(tail, tail_size, &size);
        assert_int_equal(tp_load_file(port, file, size, &offline, &payload, &diag),
                         HP_TRAILING_BYTES);
        assert_int_equal(diag.stage, HP_STAGE_SIGNATURE);
        assert_int_equal(diag.offset, size - tail_size);
        assert_int_equal(diag.expected, size - tail_size);
        assert_int_equal(diag.actual, size);
        assert_int_equal(hp_status_errno(diag.status), HP_ERRNO_EBADMSG);
    }
    tp_free(port);
}

/* A section that covers the marker makes it contents, not a signature. */
static void test_marker_inside(void **state)
{
    struct hp_port *port = tp_new();
    struct eb_payload p = sound();
    struct hp_payload payload;
    struct hp_diag diag;

    (void)state;
    eb_section(p.b, ".rodata", HP_SHT_PROGBITS, HP_SHF_ALLOC, 1, marker, 28);
    assert_int_equal(tp_load(port, &p, NULL, &payload, &diag), HP_OK);
    assert_false(payload.has_signature);
    assert_false(payload.undecided.signature);
    hp_payload_unload(&payload);
    tp_free(port);
}

/* ---- identity ------------------------------------------------------------------------------ */

static void test_target_build_id(void **state)
{
    static const uint8_t good[20] = {0xe0, 0xe1, 0xe2, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9,
                                     0xea, 0xeb, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf2, 0xf3};
    static const size_t sizes[] = {1, 19, 21};
    struct eb_ids ids = {.xen_depends = good, .xen_depends_size = 20};
    struct hp_port *port = tp_new();
    uint8_t bad[32];
    struct hp_diag diag;
    struct eb_payload p;
    size_t n;

    (void)state;
    p = eb_payload_new(true, HP_EM_X86_64, &ids);
    eb_payload_function(&p, "target_function", TP_FUNCTION_SIZE);
    accept(port, &p, NULL);
    ids.xen_depends = bad;
    for (n = 0; n < 20 + 3; n++) { /* each byte changed; then each of the lengths */
        memset(bad, 0, sizeof(bad));
        memcpy(bad, good, 20);
        if (n < 20) {
            bad[n] ^= 1;
        } else {
            ids.xen_depends_size = sizes[n - 20];
        }
        p = eb_payload_new(true, HP_EM_X86_64, &ids);
        eb_payload_function(&p, "target_function", TP_FUNCTION_SIZE);
        diag = refuse(port, &p, NULL, HP_TARGET_BUILD_ID);
        assert_int_equal(diag.stage, HP_STAGE_IDENTITY);
        assert_string_equal(diag.section_name, ".livepatch.xen_depends");
        assert_int_not_equal(diag.section, HP_NO_INDEX);
    }
    port->target.build_id_size = 0; /* a target without one is not this one */
    p = sound();
    refuse(port, &p, NULL, HP_TARGET_BUILD_ID);
    tp_free(port);
}

/* Nothing of a payload for another target is interpreted: each of these is a defect of its own. */
static void test_target_comes_first(void **state)
{
    struct hp_port *port = tp_new();
    uint8_t record[104] = {0};
    unsigned defect;

    (void)state;
    for (defect = 0; defect < 8; defect++) {
        static const uint8_t other[20] = {1};
        const struct eb_ids ids = {.xen_depends = other, .xen_depends_size = sizeof(other)};
        struct eb_payload p = eb_payload_new(true, HP_EM_X86_64, &ids);

        eb_payload_hook(&p, HP_SPECIAL_HOOKS_LOAD, eb_payload_function(&p, "nowhere", 1));
        switch (defect) {
        case 0:
            eb_section(p.b, ".altinstructions", HP_SHT_PROGBITS, HP_SHF_ALLOC, 1, NULL, 13);
            break;
        case 1:
            eb_section(p.b, ".ex_table", HP_SHT_PROGBITS, HP_SHF_ALLOC, 1, NULL, 3);
            break;
        case 2:
            eb_rela_raw(p.b, p.text, UINT64_MAX, 77, UINT32_MAX, 0);
            break;
        case 3:
            eb_append(p.b, p.funcs, 1, record, 5);
            break;
        case 4:
            eb_bytes(p.b, p.funcs)[32] = 9;
            break;
        case 5:
            eb_symbol(p.b, "tls", HP_STB_GLOBAL, HP_STT_TLS, p.text, 0, 0);
            break;
        case 6:
            memset(eb_bytes(p.b, p.depends), 0xff, 16);
            break;
        default:
            eb_section(p.b, ".bss", HP_SHT_NOBITS, flags_of_data, UINT64_C(1) << 63, NULL, 9 * MIB);
            break;
        }
        refuse(port, &p, NULL, HP_TARGET_BUILD_ID);
        assert_int_equal(port->calls, 0);
    }
    tp_free(port);
}

/* SPEC section 5: required with version 2, which a payload without records is, too. */
static void test_xen_depends_required(void **state)
{
    const struct eb_ids ids = {.no_xen_depends = true};
    struct hp_port *port = tp_new();
    struct eb_payload p = eb_payload_new(true, HP_EM_X86_64, &ids);
    struct hp_payload payload;
    struct hp_diag diag;

    (void)state;
    eb_payload_function(&p, "target_function", TP_FUNCTION_SIZE);
    diag = refuse(port, &p, NULL, HP_SPECIAL_MISSING);
    assert_int_equal(diag.stage, HP_STAGE_IDENTITY);
    assert_string_equal(diag.section_name, ".livepatch.xen_depends");
    assert_int_equal(diag.section, HP_NO_INDEX);
    assert_null(diag.profile);
    p = eb_payload_new(true, HP_EM_X86_64, &ids);
    p.text_only = true;
    eb_payload_hook(&p, HP_SPECIAL_HOOKS_LOAD, eb_payload_function(&p, "hook", 1));
    refuse(port, &p, NULL, HP_SPECIAL_MISSING);
    p = eb_payload_new(true, HP_EM_X86_64, &ids);
    p.version = 1;
    eb_payload_function(&p, "target_function", TP_FUNCTION_SIZE);
    assert_int_equal(tp_load(port, &p, NULL, &payload, &diag), HP_OK);
    assert_int_equal(payload.xen_depends.size, 0);
    assert_int_equal(payload.record_version, 1);
    hp_payload_unload(&payload);
    p = eb_payload_new(true, HP_EM_X86_64, NULL); /* where it is present, it counts for version 1 */
    p.version = 1;
    eb_payload_function(&p, "target_function", TP_FUNCTION_SIZE);
    port->target.build_id = (const uint8_t *)marker;
    refuse(port, &p, NULL, HP_TARGET_BUILD_ID);
    tp_free(port);
}

static void test_notes(void **state)
{
    static const char *const names[] = {".livepatch.xen_depends", ".livepatch.depends",
                                        ".note.gnu.build-id"};
    struct hp_port *port = tp_new();
    size_t n;

    (void)state;
    for (n = 0; n < 3; n++) {
        size_t size;
        uint8_t *file = eb_minimal(true, HP_EM_X86_64, &size);
        struct hp_payload payload;
        struct hp_diag diag;

        eb_contents(file, eb_find(file, names[n]))[8] = 4; /* another type of note */
        assert_int_equal(tp_load_file(port, file, size, NULL, &payload, &diag), HP_NOTE);
        assert_string_equal(diag.section_name, names[n]);
    }
    tp_free(port);
}

/* Loads a payload with this build-id beside `other`. */
static enum hp_status load_beside(struct hp_port *port, const struct hp_payload *other,
                                  const uint8_t *id, size_t id_size, struct hp_diag *diag)
{
    const struct hp_payload *const loaded[] = {other};
    const struct hp_load_options options = {
        .size = sizeof(options), .loaded = loaded, .loaded_count = 1};
    const struct eb_ids ids = {.build_id = id, .build_id_size = id_size};
    struct eb_payload p = eb_payload_new(true, HP_EM_X86_64, &ids);
    struct hp_payload payload;
    enum hp_status status;

    eb_payload_function(&p, "target_function", TP_FUNCTION_SIZE);
    port->image_addr = TP_IMAGE + 0x100000;
    status = tp_load(port, &p, &options, &payload, diag);
    hp_payload_unload(&payload);
    return status;
}

static void test_same_build_id(void **state)
{
    static const uint8_t id[21] = {0xb1, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xbb,
                                   0xbc, 0xbd, 0xbe, 0xbf, 0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc5};
    struct hp_port *port = tp_new();
    struct eb_payload p = sound();
    struct hp_payload first;
    struct hp_diag diag;

    (void)state;
    assert_int_equal(tp_load(port, &p, NULL, &first, &diag), HP_OK);
    assert_int_equal(load_beside(port, &first, id, 20, &diag), HP_BUILD_ID_EXISTS);
    assert_int_equal(diag.stage, HP_STAGE_IDENTITY);
    assert_string_equal(diag.section_name, ".note.gnu.build-id");
    assert_int_equal(hp_status_errno(diag.status), HP_ERRNO_EEXIST);
    assert_int_equal(load_beside(port, &first, id, 19, &diag), HP_OK);
    assert_int_equal(load_beside(port, &first, id, 21, &diag), HP_OK);
    assert_int_equal(load_beside(port, &first, id + 1, 20, &diag), HP_OK);
    hp_payload_unload(&first);
    tp_free(port);
}

static void test_stacks_on(void **state)
{
    static const uint8_t first_id[20] = {7};
    static const uint8_t third_id[3] = {9, 9, 9};
    struct hp_port *port = tp_new();
    const struct eb_ids on_target = {.build_id = first_id,
                                     .build_id_size = 20,
                                     .depends = port->target.build_id,
                                     .depends_size = 20};
    const struct eb_ids on_first = {.build_id = third_id,
                                    .build_id_size = 3,
                                    .depends = first_id,
                                    .depends_size = 20,
                                    .xen_depends = port->target.build_id,
                                    .xen_depends_size = 20};
    struct eb_payload p = eb_payload_new(true, HP_EM_X86_64, &on_target);
    struct hp_payload first;
    struct hp_payload second;
    const struct hp_payload *const one[] = {&first};
    const struct hp_payload *const two[] = {&first, &second};
    struct hp_diag diag;

    (void)state;
    eb_payload_function(&p, "target_function", TP_FUNCTION_SIZE);
    assert_int_equal(tp_load(port, &p, NULL, &first, &diag), HP_OK);
    p = eb_payload_new(true, HP_EM_X86_64, &on_first);
    eb_payload_function(&p, "target_function", TP_FUNCTION_SIZE);
    port->image_addr = TP_IMAGE + 0x100000;
    assert_int_equal(tp_load(port, &p, NULL, &second, &diag), HP_OK);

    assert_int_equal(hp_payload_stacks_on(&first, NULL, 0, &diag), HP_OK);
    assert_int_equal(hp_payload_stacks_on(&second, one, 1, &diag), HP_OK);
    assert_int_equal(hp_payload_stacks_on(&second, NULL, 0, NULL), HP_DEPENDS_BUILD_ID);
    assert_int_equal(hp_payload_stacks_on(&first, two, 2, &diag), HP_DEPENDS_BUILD_ID);
    assert_int_equal(diag.status, HP_DEPENDS_BUILD_ID);
    assert_int_equal(diag.stage, HP_STAGE_PLAN);
    assert_string_equal(diag.section_name, ".livepatch.depends");
    assert_int_equal(hp_payload_stacks_on(&second, two, 2, NULL), HP_DEPENDS_BUILD_ID);
    port->no_target = true;
    assert_int_equal(hp_payload_stacks_on(&first, NULL, 0, NULL), HP_UNDECIDED);
    assert_int_equal(hp_payload_stacks_on(&second, one, 1, NULL), HP_OK);
    hp_payload_unload(&second);
    hp_payload_unload(&first);
    tp_free(port);
}

/* ---- sections of the target's tables ------------------------------------------------------- */

static void test_tables(void **state)
{
    static const char *const names[] = {".altinstructions", ".ex_table",     ".bug_frames.0",
                                        ".bug_frames.1",    ".bug_frames.2", ".bug_frames.3",
                                        ".alt_call_sites"};
    struct hp_port *port = tp_new();
    size_t n;

    (void)state;
    for (n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
        struct eb_payload p = sound();
        struct hp_diag diag;
        uint32_t section = eb_section(p.b, names[n], HP_SHT_PROGBITS, HP_SHF_ALLOC, 1, NULL, 1);

        diag = refuse(port, &p, NULL, HP_SPECIAL_UNSUPPORTED);
        assert_int_equal(diag.stage, HP_STAGE_RECORDS);
        assert_int_equal(diag.section, section);
        assert_string_equal(diag.section_name, names[n]);
        assert_int_equal(hp_status_errno(diag.status), HP_ERRNO_EOPNOTSUPP);
        assert_int_equal(port->image_allocs, n);
        p = sound();
        eb_section(p.b, names[n], HP_SHT_PROGBITS, HP_SHF_ALLOC, 1, NULL, 0);
        accept(port, &p, NULL);
    }
    tp_free(port);
}

/* Splices, where the build has none: refused as what the target cannot make use of. */
static void test_splices_left_out(void **state)
{
    const bool built_in = (hp_features() & HP_FEATURE_SPLICES) != 0;
    struct hp_port *port = tp_new();
    struct eb_payload p = sound();
    uint32_t section =
        eb_section(p.b, ".hotpatch.splices", HP_SHT_PROGBITS, HP_SHF_ALLOC, 1, NULL, 1);
    struct hp_diag diag =
        refuse(port, &p, NULL, built_in ? HP_RECORD_SIZE : HP_SPECIAL_UNSUPPORTED);

    (void)state;
    assert_int_equal(diag.stage, HP_STAGE_RECORDS);
    assert_int_equal(diag.section, section);
    assert_string_equal(diag.section_name, ".hotpatch.splices");
    assert_int_equal(port->image_allocs, 0);
    tp_free(port);
}

/* The replacement code alone asks for nothing; empty, it may be referred to. */
static void test_empty_replacement(void **state)
{
    struct hp_port *port = tp_new();
    struct eb_payload p = sound();
    uint32_t section =
        eb_section(p.b, ".altinstr_replacement", HP_SHT_PROGBITS, flags_of_text, 1, NULL, 0);

    (void)state;
    eb_rela(p.b, p.text, 0, 2, eb_section_symbol(p.b, section), 0);
    eb_rela(p.b, p.text, 4, 2, eb_symbol(p.b, "here", HP_STB_LOCAL, 0, section, 0, 0), 0);
    accept(port, &p, NULL);
    tp_free(port);
}

/* ---- layout -------------------------------------------------------------------------------- */

/* A section for a layout, of a fill byte of its own. */
struct piece {
    const char *name;
    uint64_t flags;
    uint64_t align;
    size_t size;
    bool nobits;
    enum hp_region_kind region;
};

static const struct piece pieces[] = {
    {".data.a", HP_SHF_ALLOC | HP_SHF_WRITE, 8, 13, false, HP_REGION_DATA},
    {".rodata.odd", HP_SHF_ALLOC, 1, 7, false, HP_REGION_RODATA},
    {".text.two", HP_SHF_ALLOC | HP_SHF_EXECINSTR, 64, 65, false, HP_REGION_TEXT},
    {".rodata.none", HP_SHF_ALLOC, 0, 3, false, HP_REGION_RODATA},
    {".bss", HP_SHF_ALLOC | HP_SHF_WRITE, 32, 5000, true, HP_REGION_DATA},
    {".rodata.empty", HP_SHF_ALLOC, 16, 0, false, HP_REGION_RODATA},
    {".rodata.zero", HP_SHF_ALLOC, 4, 9, true, HP_REGION_RODATA},
    {".text.empty", HP_SHF_ALLOC | HP_SHF_EXECINSTR, 1, 0, false, HP_REGION_TEXT},
    {".rodata.page", HP_SHF_ALLOC, 4096, 4097, false, HP_REGION_RODATA},
    {".data.last", HP_SHF_ALLOC | HP_SHF_WRITE, 1, 1, false, HP_REGION_DATA},
};

#define PIECES (sizeof(pieces) / sizeof(pieces[0]))

/* Asserts that a section lies where its flags and alignment want it, with its contents. */
static void check_piece(const struct hp_payload *payload, const struct piece *piece,
                        uint32_t section, uint8_t fill)
{
    const struct hp_placed_section *place = tp_place(payload, section);
    const struct hp_region *region = &payload->image.regions[piece->region];
    const uint8_t *host = tp_host(payload, section);
    size_t n;

    assert_int_equal(place->size, piece->size);
    assert_int_equal(place->region, piece->region);
    assert_int_equal(tp_addr(payload, section) % (piece->align > 1 ? piece->align : 1), 0);
    assert_true(place->offset >= region->offset);
    assert_true(place->offset + place->size <= region->offset + region->size);
    for (n = 0; n < piece->size; n++) {
        assert_int_equal(host[n], piece->nobits ? 0 : fill);
    }
}

/* Regions in their order on pages of their own; nothing overlaps. */
static void check_regions(const struct hp_payload *payload, uint32_t page)
{
    const struct hp_image *image = &payload->image;
    uint32_t end = 0;
    uint32_t n;

    for (n = 0; n < HP_REGION_COUNT; n++) {
        assert_int_equal(image->regions[n].offset, end);
        assert_int_equal(image->regions[n].span % page, 0);
        assert_true(image->regions[n].size <= image->regions[n].span);
        assert_true(image->regions[n].span - image->regions[n].size < page);
        end += image->regions[n].span;
    }
    assert_int_equal(image->memory.size, end);
    for (n = 1; n < image->section_count; n++) {
        const struct hp_placed_section *before = &image->sections[n - 1];

        assert_true(before->offset + before->size <= image->sections[n].offset);
    }
}

static void test_layout(void **state)
{
    static const uint32_t pages[] = {4096, 65536};
    size_t v;

    (void)state;
    for (v = 0; v < 2; v++) {
        struct hp_port *port = tp_new();
        struct eb_payload p = sound();
        uint32_t sections[PIECES];
        struct hp_payload payload;
        struct hp_diag diag;
        uint8_t bytes[8192];
        size_t n;

        port->target.page_size = pages[v];
        for (n = 0; n < PIECES; n++) {
            const struct piece *piece = &pieces[n];

            memset(bytes, (int)n + 1, sizeof(bytes));
            sections[n] =
                eb_section(p.b, piece->name, piece->nobits ? HP_SHT_NOBITS : HP_SHT_PROGBITS,
                           piece->flags, piece->align, bytes, piece->size);
        }
        assert_int_equal(tp_load(port, &p, NULL, &payload, &diag), HP_OK);
        check_regions(&payload, pages[v]);
        for (n = 0; n < PIECES; n++) {
            check_piece(&payload, &pieces[n], sections[n], (uint8_t)(n + 1));
        }
        assert_int_equal(port->request.align, pages[v]);
        assert_int_equal(port->request.size, payload.image.memory.size);
        hp_payload_unload(&payload);
        tp_free(port);
    }
}

/* Final permissions of every page, by region. */
static void test_protection(void **state)
{
    struct hp_port *port = tp_new();
    struct eb_payload p = sound();
    struct hp_payload payload;
    struct hp_diag diag;
    size_t page;

    (void)state;
    eb_append(p.b, p.text, 1, NULL, 2 * TP_PAGE);
    assert_int_equal(tp_load(port, &p, NULL, &payload, &diag), HP_OK);
    assert_int_equal(payload.image.memory.size, 5 * TP_PAGE);
    for (page = 0; page < 5; page++) {
        assert_true(port->images[0].sealed[page]);
        assert_int_equal(port->images[0].protection[page], page < 3    ? HP_PROTECT_TEXT
                                                           : page == 3 ? HP_PROTECT_DATA
                                                                       : HP_PROTECT_RODATA);
    }
    hp_payload_unload(&payload);
    tp_free(port);
}

static void test_large_alignment(void **state)
{
    struct hp_port *port = tp_new();
    uint64_t align;

    (void)state;
    for (align = 2 * TP_PAGE; align <= 2 * MIB; align *= 2) {
        struct eb_payload p = sound();
        struct hp_payload payload;
        struct hp_diag diag;
        uint32_t section =
            eb_section(p.b, ".rodata.a", HP_SHT_PROGBITS, HP_SHF_ALLOC, align, "x", 1);

        assert_int_equal(tp_load(port, &p, NULL, &payload, &diag), HP_OK);
        assert_int_equal(port->request.align, align);
        assert_int_equal(tp_addr(&payload, section) % align, 0);
        assert_string_equal((const char *)tp_host(&payload, section), "x");
        hp_payload_unload(&payload);
    }
    tp_free(port);
}

/* The largest alignment there is: that of a whole image, for the first section in it. */
static void test_largest_alignment(void **state)
{
    struct hp_port *port = tp_new();
    struct hp_payload payload;
    struct hp_diag diag;
    size_t size;
    uint8_t *file = eb_minimal(true, HP_EM_X86_64, &size);
    uint32_t text = eb_find(file, ".text");

    (void)state;
    eb_set_section(file, text, EB_SH_ALIGN, 8 * MIB);
    assert_int_equal(tp_load_file(port, file, size, NULL, &payload, &diag), HP_OK);
    assert_int_equal(port->request.align, 8 * MIB);
    assert_int_equal(tp_addr(&payload, text) % (8 * MIB), 0);
    hp_payload_unload(&payload);
    tp_free(port);
}

/* Alignments beyond the size of an image, up to the one at which a layout would wrap. */
static void test_alignment_limit(void **state)
{
    static const uint64_t aligns[] = {UINT64_C(1) << 24, UINT64_C(1) << 32, UINT64_C(1) << 62,
                                      UINT64_C(1) << 63};
    struct hp_port *port = tp_new();
    size_t n;

    (void)state;
    for (n = 0; n < 4; n++) {
        struct eb_payload p = sound();
        uint32_t section =
            eb_section(p.b, ".rodata.a", HP_SHT_PROGBITS, HP_SHF_ALLOC, aligns[n], "x", 1);
        struct hp_diag diag = refuse(port, &p, NULL, HP_IMAGE_TOO_LARGE);

        assert_int_equal(diag.stage, HP_STAGE_LAYOUT);
        assert_int_equal(diag.section, section);
        assert_string_equal(diag.section_name, ".rodata.a");
        assert_int_equal(diag.expected, 8 * MIB);
        assert_int_equal(diag.actual, aligns[n]);
        assert_int_equal(port->image_allocs, 0);
    }
    tp_free(port);
}

static void test_nobits_limit(void **state)
{
    struct hp_port *port = tp_new();
    struct eb_payload p = sound();
    struct hp_diag diag;
    uint32_t section;
    unsigned n;

    (void)state;
    eb_section(p.b, ".bss", HP_SHT_NOBITS, flags_of_data, 1, NULL, 2 * MIB);
    accept(port, &p, NULL);
    p = sound();
    section = eb_section(p.b, ".bss", HP_SHT_NOBITS, flags_of_data, 1, NULL, 2 * MIB + 1);
    diag = refuse(port, &p, NULL, HP_NOBITS_TOO_LARGE);
    assert_int_equal(diag.stage, HP_STAGE_LAYOUT);
    assert_int_equal(diag.section, section);
    assert_string_equal(diag.section_name, ".bss");
    assert_int_equal(diag.expected, 2 * MIB);
    assert_int_equal(diag.actual, 2 * MIB + 1);
    p = sound();
    eb_section(p.b, ".bss", HP_SHT_NOBITS, flags_of_data, 1, NULL, SIZE_MAX);
    refuse(port, &p, NULL, HP_NOBITS_TOO_LARGE);
    p = sound(); /* one that is not loaded may be of any size */
    eb_section(p.b, ".debug_zero", HP_SHT_NOBITS, 0, 1, NULL, SIZE_MAX);
    accept(port, &p, NULL);
    p = sound(); /* each is allowed; together they are too large */
    for (n = 0; n < 4; n++) {
        section = eb_section(p.b, ".bss", HP_SHT_NOBITS, flags_of_data, 1, NULL, 2 * MIB);
    }
    diag = refuse(port, &p, NULL, HP_IMAGE_TOO_LARGE);
    assert_int_equal(diag.stage, HP_STAGE_LAYOUT);
    assert_int_equal(diag.section, section);
    assert_int_equal(diag.expected, 8 * MIB);
    tp_free(port);
}

/* The limit on the image counts padding and the last page; the last byte that fits, fits. */
static void test_image_limit(void **state)
{
    struct hp_profile profile = hp_profile_default;
    const struct hp_load_options options = {.size = sizeof(options), .profile = &profile};
    struct hp_port *port = tp_new();
    struct eb_payload p = sound();
    struct hp_diag diag;

    (void)state;
    profile.image_max = 3 * TP_PAGE; /* text, data, read-only */
    accept(port, &p, &options);
    p = sound();
    eb_append(p.b, p.text, 1, NULL, TP_PAGE - 16);
    accept(port, &p, &options);
    p = sound();
    eb_append(p.b, p.text, 1, NULL, TP_PAGE - 15);
    diag = refuse(port, &p, &options, HP_IMAGE_TOO_LARGE);
    assert_int_equal(diag.expected, 3 * TP_PAGE);
    profile.image_max = 3 * TP_PAGE - 1;
    p = sound();
    refuse(port, &p, &options, HP_IMAGE_TOO_LARGE);
    tp_free(port);
}

static void test_request_range(void **state)
{
    static const struct {
        uint64_t start, end, low, high;
    } rows[] = {
        {TP_TEXT, TP_TEXT + 0x10000, TP_TEXT + 0x10000 - INT32_MAX, TP_TEXT + INT32_MAX},
        {0x1000, 0x2000, 0, 0x1000 + (uint64_t)INT32_MAX},
        {0, INT32_MAX, 0, INT32_MAX},
        {0, UINT64_C(0x80000000), 1, INT32_MAX},
        {UINT64_C(0xffffffff80000001), UINT64_C(0xffffffffff000000),
         UINT64_C(0xffffffffff000000) - INT32_MAX, UINT64_MAX},
        {0, 0, 0, UINT64_MAX}, /* nothing is known of the target's text */
        {5, 5, 0, UINT64_MAX},
    };
    size_t n;

    (void)state;
    for (n = 0; n < sizeof(rows) / sizeof(rows[0]); n++) {
        struct hp_port *port = tp_new();
        struct eb_payload p = sound();

        port->target.text_start = rows[n].start;
        port->target.text_end = rows[n].end;
        accept(port, &p, NULL);
        assert_int_equal(port->request.low, rows[n].low);
        assert_int_equal(port->request.high, rows[n].high);
        tp_free(port);
    }
}

/* The look-up by address agrees with a search through all sections, at every byte. */
static void test_section_at(void **state)
{
    struct hp_port *port = tp_new();
    struct eb_payload p = sound();
    struct hp_payload payload;
    struct hp_diag diag;
    uint64_t addr;
    size_t n;

    (void)state;
    for (n = 0; n < PIECES; n++) {
        eb_section(p.b, pieces[n].name, pieces[n].nobits ? HP_SHT_NOBITS : HP_SHT_PROGBITS,
                   pieces[n].flags, pieces[n].align, NULL, pieces[n].size);
    }
    assert_int_equal(tp_load(port, &p, NULL, &payload, &diag), HP_OK);
    for (addr = TP_IMAGE - 2; addr < TP_IMAGE + payload.image.memory.size + 2; addr++) {
        const struct hp_placed_section *wanted = NULL;

        for (n = 0; n < payload.image.section_count; n++) {
            const struct hp_placed_section *place = &payload.image.sections[n];

            if (addr - TP_IMAGE - place->offset < place->size) {
                wanted = place;
            }
        }
        assert_ptr_equal(hp_image_section_at(&payload.image, addr), wanted);
    }
    assert_null(hp_image_section_at(&payload.image, 0));
    assert_null(hp_image_section_at(&payload.image, UINT64_MAX));
    hp_payload_unload(&payload);
    assert_null(hp_image_section_at(&payload.image, 0));
    tp_free(port);
}

/* ---- what a payload tells ------------------------------------------------------------------ */

/* The file is gone by now (tp_load): everything is read from the payload's own memory. */
static void test_nothing_points_into_the_file(void **state)
{
    struct hp_port *port = tp_new();
    struct eb_payload p = sound();
    const struct hp_symtab_entry *entry;
    struct hp_payload payload;
    struct hp_diag diag;
    uint8_t n;

    (void)state;
    eb_append(p.b, p.text, 1, NULL, 16);
    eb_symbol(p.b, "brand_new", HP_STB_GLOBAL, HP_STT_FUNC, p.text, 20, 4);
    eb_section(p.b, ".modinfo", HP_SHT_PROGBITS, HP_SHF_ALLOC, 1, "author=me\0license=x", 20);
    eb_section(p.b, ".rodata.after", HP_SHT_PROGBITS, HP_SHF_ALLOC, 1, "other", 5);
    assert_int_equal(tp_load(port, &p, NULL, &payload, &diag), HP_OK);
    assert_int_equal(payload.build_id.size, 20);
    assert_int_equal(payload.depends.size, 20);
    assert_int_equal(payload.xen_depends.size, 20);
    for (n = 0; n < 20; n++) {
        assert_int_equal(payload.build_id.data[n], 0xb1 + n);
        assert_int_equal(payload.depends.data[n], 0xd0 + n);
        assert_int_equal(payload.xen_depends.data[n], 0xe0 + n);
    }
    assert_int_equal(payload.modinfo.size, 20);
    assert_memory_equal(payload.modinfo.data, "author=me\0license=x", 20);
    assert_int_equal(payload.record_count, 1);
    assert_string_equal(payload.records[0].name, "target_function");
    assert_int_equal(payload.provided.count, 1);
    entry = hp_symtab_find(&payload.provided, "brand_new", 9, NULL);
    assert_non_null(entry);
    assert_int_equal(entry->addr, TP_IMAGE + 20);
    assert_int_equal(entry->size, 4);
    assert_int_equal(entry->kind, HP_KIND_CODE);
    assert_ptr_equal(payload.port, port);
    assert_ptr_equal(payload.profile, &hp_profile_default);
    assert_int_equal(hp_plan_capture(&payload, NULL, 0, &diag), HP_OK);
    hp_payload_unload(&payload);
    tp_free(port);
}

static void test_no_modinfo(void **state)
{
    struct hp_port *port = tp_new();
    struct eb_payload p = sound();
    struct hp_payload payload;
    struct hp_diag diag;

    (void)state;
    assert_int_equal(tp_load(port, &p, NULL, &payload, &diag), HP_OK);
    assert_int_equal(payload.modinfo.size, 0);
    hp_payload_unload(&payload);
    tp_free(port);
}

/* SPEC section 7: state of its own is any non-empty writable section but .livepatch.funcs. */
static void test_safe_to_reapply(void **state)
{
    static const struct {
        const char *name;
        uint64_t flags;
        uint32_t type;
        size_t size;
        bool safe;
    } rows[] = {
        {".rodata", HP_SHF_ALLOC, HP_SHT_PROGBITS, 8, true},
        {".data", HP_SHF_ALLOC | HP_SHF_WRITE, HP_SHT_PROGBITS, 0, true},
        {".data", HP_SHF_ALLOC | HP_SHF_WRITE, HP_SHT_PROGBITS, 1, false},
        {".bss", HP_SHF_ALLOC | HP_SHF_WRITE, HP_SHT_NOBITS, 1, false},
        {".bss", HP_SHF_ALLOC | HP_SHF_WRITE, HP_SHT_NOBITS, 0, true},
        {".text.more", HP_SHF_ALLOC | HP_SHF_EXECINSTR, HP_SHT_PROGBITS, 8, true},
        {".comment", HP_SHF_WRITE, HP_SHT_PROGBITS, 8, true},
        {".livepatch.func", HP_SHF_ALLOC | HP_SHF_WRITE, HP_SHT_PROGBITS, 8, false},
    };
    struct hp_port *port = tp_new();
    size_t n;

    (void)state;
    for (n = 0; n < sizeof(rows) / sizeof(rows[0]); n++) {
        struct eb_payload p = sound();
        struct hp_payload payload;
        struct hp_diag diag;

        eb_section(p.b, rows[n].name, rows[n].type, rows[n].flags, 1, NULL, rows[n].size);
        assert_int_equal(tp_load(port, &p, NULL, &payload, &diag), HP_OK);
        assert_int_equal(payload.safe_to_reapply, rows[n].safe);
        hp_payload_unload(&payload);
    }
    tp_free(port);
}

/* Records may lie in a read-only section: the library writes to none of them. */
static void test_read_only_records(void **state)
{
    struct hp_port *port = tp_new();
    struct hp_payload payload;
    struct hp_diag diag;
    size_t size;
    uint8_t *file = eb_minimal(true, HP_EM_X86_64, &size);
    uint32_t funcs = eb_find(file, ".livepatch.funcs");

    (void)state;
    eb_set_section(file, funcs, EB_SH_FLAGS, HP_SHF_ALLOC);
    assert_int_equal(tp_load_file(port, file, size, NULL, &payload, &diag), HP_OK);
    assert_int_equal(tp_place(&payload, funcs)->region, HP_REGION_RODATA);
    assert_true(payload.safe_to_reapply);
    assert_int_equal(payload.image.regions[HP_REGION_DATA].span, 0);
    assert_int_equal(hp_plan_capture(&payload, NULL, 0, &diag), HP_OK);
    hp_payload_unload(&payload);
    tp_free(port);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arguments),
        cmocka_unit_test(test_no_diag),
        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_machine),
        cmocka_unit_test(test_signature),
        cmocka_unit_test(test_trailing_bytes),
        cmocka_unit_test(test_marker_inside),
        cmocka_unit_test(test_target_build_id),
        cmocka_unit_test(test_target_comes_first),
        cmocka_unit_test(test_xen_depends_required),
        cmocka_unit_test(test_notes),
        cmocka_unit_test(test_same_build_id),
        cmocka_unit_test(test_stacks_on),
        cmocka_unit_test(test_tables),
        cmocka_unit_test(test_splices_left_out),
        cmocka_unit_test(test_empty_replacement),
        cmocka_unit_test(test_layout),
        cmocka_unit_test(test_protection),
        cmocka_unit_test(test_large_alignment),
        cmocka_unit_test(test_largest_alignment),
        cmocka_unit_test(test_alignment_limit),
        cmocka_unit_test(test_nobits_limit),
        cmocka_unit_test(test_image_limit),
        cmocka_unit_test(test_request_range),
        cmocka_unit_test(test_section_at),
        cmocka_unit_test(test_nothing_points_into_the_file),
        cmocka_unit_test(test_no_modinfo),
        cmocka_unit_test(test_safe_to_reapply),
        cmocka_unit_test(test_read_only_records),
    };

    return cmocka_run_group_tests_name("load", tests, NULL, NULL);
}
