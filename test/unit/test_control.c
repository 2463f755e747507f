/* SPDX-License-Identifier: BSD-2-Clause */
/* links: test_port */
/* The control interface: every field, every error number, both generations. SPEC section 12. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <hotpatch/control.h>

#include "test_port.h"

#define CALLER_SIZE   0x8000u
#define CALLER_END    (TP_CALLER + CALLER_SIZE)
#define OP_AT         TP_CALLER
#define NAME_AT       (TP_CALLER + 0x100)
#define FILE_AT       (TP_CALLER + 0x1000)
#define STATUS_AT     (TP_CALLER + 0x4000)
#define NAMES_AT      (TP_CALLER + 0x5000)
#define LENGTHS_AT    (TP_CALLER + 0x6000)
#define METADATA_AT   (TP_CALLER + 0x6800)
#define METALENGTH_AT (TP_CALLER + 0x7000)

struct fixture {
    struct hp_port *port;
    struct hp_manager manager;
    size_t file_size; /* of the payload at FILE_AT */
};

static void *at(const struct fixture *f, uint64_t addr)
{
    return tp_caller_byte(f->port, addr, 1);
}

/* Puts a payload that replaces "target_function" into the caller's memory. */
static void put_payload(struct fixture *f, uint8_t id, const char *info)
{
    uint8_t build_id[20];
    const struct eb_ids ids = {.build_id = build_id,
                               .build_id_size = sizeof(build_id),
                               .depends = f->port->target.build_id,
                               .depends_size = f->port->target.build_id_size};
    struct eb_payload p;
    uint8_t *file;

    memset(build_id, id, sizeof(build_id));
    p = eb_payload_new(true, HP_EM_X86_64, &ids);
    eb_payload_function(&p, "target_function", TP_FUNCTION_SIZE);
    if (info != NULL) {
        eb_section(p.b, ".modinfo", HP_SHT_PROGBITS, HP_SHF_ALLOC, 1, info, strlen(info) + 1);
    }
    file = eb_payload_finish(&p, &f->file_size);
    assert_true(f->file_size <= STATUS_AT - FILE_AT);
    memcpy(at(f, FILE_AT), file, f->file_size);
    free(file);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    f->port = tp_new();
    f->port->caller.memory = calloc(1, CALLER_SIZE);
    f->port->caller.size = CALLER_SIZE;
    assert_non_null(f->port->caller.memory);
    assert_int_equal(hp_manager_init(&f->manager, f->port, NULL), HP_OK);
    put_payload(f, 0x11, NULL);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(hp_manager_close(&f->manager), HP_OK);
    free(f->port->caller.memory);
    tp_free(f->port);
    free(f);
    return 0;
}

static struct hp_control_name name_of(const struct fixture *f, const char *text)
{
    const struct hp_control_name name = {.name = NAME_AT, .size = (uint16_t)(strlen(text) + 1)};

    memcpy(at(f, NAME_AT), text, name.size);
    return name;
}

static int32_t call(struct fixture *f, enum hp_control_generation generation,
                    const struct hp_control_op *op)
{
    memcpy(at(f, OP_AT), op, sizeof(*op));
    return hp_control(&f->manager, generation, OP_AT, NULL);
}

static struct hp_control_op upload_op(const struct fixture *f, const char *name)
{
    struct hp_control_op op = {.cmd = HP_CONTROL_UPLOAD};

    op.u.upload.name = name_of(f, name);
    op.u.upload.size = f->file_size;
    op.u.upload.payload = FILE_AT;
    return op;
}

static int32_t upload(struct fixture *f, const char *name)
{
    const struct hp_control_op op = upload_op(f, name);

    return call(f, HP_CONTROL_V2, &op);
}

static int32_t action(struct fixture *f, const char *name, uint32_t cmd)
{
    struct hp_control_op op = {.cmd = HP_CONTROL_ACTION};

    op.u.action_v2.name = name_of(f, name);
    op.u.action_v2.cmd = cmd;
    return call(f, HP_CONTROL_V2, &op);
}

/* State and rc as GET tells them. */
static void assert_status(struct fixture *f, const char *name, uint32_t state, int32_t rc)
{
    enum hp_control_generation generation;

    for (generation = HP_CONTROL_V1; generation <= HP_CONTROL_V2; generation++) {
        struct hp_control_op op = {.cmd = HP_CONTROL_GET};

        op.u.get.name = name_of(f, name);
        assert_int_equal(call(f, generation, &op), 0);
        memcpy(&op, at(f, OP_AT), sizeof(op));
        assert_int_equal(op.u.get.status.state, state);
        assert_int_equal(op.u.get.status.rc, rc);
    }
}

static void a_life(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(upload(f, "one"), 0);
    assert_status(f, "one", 1, 0);
    assert_int_equal(action(f, "one", HP_ACTION_APPLY), 0);
    assert_status(f, "one", 1, -11);
    assert_int_equal(action(f, "one", HP_ACTION_UNLOAD), -16);
    hp_safe_point(&f->manager.safepoint);
    assert_status(f, "one", 2, 0);
    assert_int_equal(action(f, "one", HP_ACTION_UNLOAD), -22);
    assert_status(f, "one", 2, -22);
    assert_int_equal(action(f, "one", HP_ACTION_REVERT), 0);
    hp_safe_point(&f->manager.safepoint);
    assert_status(f, "one", 1, 0);
    assert_int_equal(action(f, "one", HP_ACTION_REVERT), -22);
    assert_status(f, "one", 1, -22);
    assert_int_equal(action(f, "one", HP_ACTION_REPLACE), 0);
    hp_safe_point(&f->manager.safepoint);
    assert_status(f, "one", 2, 0);
    assert_int_equal(action(f, "one", HP_ACTION_REVERT), 0);
    hp_safe_point(&f->manager.safepoint);
    assert_int_equal(action(f, "one", HP_ACTION_UNLOAD), 0);
    assert_int_equal(action(f, "one", HP_ACTION_UNLOAD), -2);
}

static void refused_uploads(void **state)
{
    struct fixture *f = *state;
    struct hp_control_op op;

    assert_int_equal(upload(f, "one"), 0);
    assert_int_equal(upload(f, "one"), -17);   /* the name */
    assert_int_equal(upload(f, "other"), -17); /* the build-id */
    op = upload_op(f, "two");
    op.u.upload.size = 0;
    assert_int_equal(call(f, HP_CONTROL_V1, &op), -22);
    op.u.upload.size = (uint64_t)hp_profile_default.file_max + 1;
    assert_int_equal(call(f, HP_CONTROL_V1, &op), -22);
    op.u.upload.size = UINT64_MAX;
    assert_int_equal(call(f, HP_CONTROL_V1, &op), -22);
    op = upload_op(f, "two");
    op.u.upload.payload = CALLER_END - f->file_size + 1;
    assert_int_equal(call(f, HP_CONTROL_V1, &op), -14);
    op.u.upload.payload = UINT64_MAX - 8;
    assert_int_equal(call(f, HP_CONTROL_V1, &op), -14);
    op.u.upload.payload = 0;
    assert_int_equal(call(f, HP_CONTROL_V1, &op), -14);
    memset(at(f, FILE_AT), 0, 16); /* no ELF file any more */
    op = upload_op(f, "two");
    assert_int_equal(call(f, HP_CONTROL_V1, &op), -22);
    f->port->fail_at = f->port->calls + 4; /* the copy of the payload */
    assert_int_equal(call(f, HP_CONTROL_V1, &op), -12);
    f->port->fail_at = 0;
    f->port->failed = HP_OK;
}

static void names(void **state)
{
    static const uint32_t commands[] = {HP_CONTROL_UPLOAD, HP_CONTROL_GET, HP_CONTROL_ACTION};
    struct fixture *f = *state;
    size_t n;

    memset(at(f, NAME_AT), 'x', HP_PAYLOAD_NAME_MAX + 1);
    for (n = 0; n < sizeof(commands) / sizeof(commands[0]); n++) {
        struct hp_control_op op = upload_op(f, "x");

        op.cmd = commands[n];
        if (commands[n] == HP_CONTROL_ACTION) {
            op.u.action_v2.cmd = HP_ACTION_APPLY;
            op.u.action_v2.time = 0;
            op.u.action_v2.flags = 0;
            op.u.action_v2.pad = 0;
        }
        op.u.get.name.size = 0;
        assert_int_equal(call(f, HP_CONTROL_V2, &op), -22);
        op.u.get.name.size = HP_PAYLOAD_NAME_MAX + 1;
        assert_int_equal(call(f, HP_CONTROL_V2, &op), -22);
        op.u.get.name.size = 1; /* no NUL there */
        assert_int_equal(call(f, HP_CONTROL_V2, &op), -22);
        op.u.get.name.size = 2;
        op.u.get.name.pad[1] = 1;
        assert_int_equal(call(f, HP_CONTROL_V2, &op), -22);
        op.u.get.name.pad[1] = 0;
        op.u.get.name.name = CALLER_END - 1;
        assert_int_equal(call(f, HP_CONTROL_V2, &op), -14);
        op.u.get.name.name = UINT64_MAX;
        assert_int_equal(call(f, HP_CONTROL_V2, &op), -14);
    }
}

/* 127 characters and NUL are a name; none and NUL are not. */
static void shortest_and_longest_name(void **state)
{
    struct fixture *f = *state;
    char longest[HP_PAYLOAD_NAME_MAX];

    memset(longest, 'n', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    assert_int_equal(upload(f, ""), -22);
    assert_int_equal(upload(f, longest), 0);
    assert_status(f, longest, 1, 0);
    assert_int_equal(action(f, longest, HP_ACTION_UNLOAD), 0);
}

static void commands_and_flags(void **state)
{
    struct fixture *f = *state;
    struct hp_control_op op = upload_op(f, "one");

    op.cmd = 4;
    assert_int_equal(call(f, HP_CONTROL_V1, &op), -95);
    assert_int_equal(call(f, HP_CONTROL_V2, &op), -95);
    op.cmd = HP_CONTROL_UPLOAD;
    op.flags = HP_CONTROL_FORCE;
    assert_int_equal(call(f, HP_CONTROL_V1, &op), -22); /* a pad in the first generation */
    op.flags = 2;
    assert_int_equal(call(f, HP_CONTROL_V2, &op), -22);
    op.flags = HP_CONTROL_FORCE;
    assert_int_equal(call(f, HP_CONTROL_V2, &op), 0);
    assert_int_equal(action(f, "one", 0), -95);
    assert_int_equal(action(f, "one", 5), -95);
    memset(&op, 0, sizeof(op));
    op.cmd = HP_CONTROL_ACTION;
    op.u.action_v2.name = name_of(f, "one");
    op.u.action_v2.cmd = HP_ACTION_APPLY;
    op.u.action_v2.flags = 2;
    assert_int_equal(call(f, HP_CONTROL_V2, &op), -22);
    op.u.action_v2.flags = HP_ACTION_NODEPS;
    op.u.action_v2.pad = 1;
    assert_int_equal(call(f, HP_CONTROL_V2, &op), -22);
    assert_status(f, "one", 1, 0); /* none of that was an action */
}

/* FORCE does not get a payload past the check of the target's build-id. */
static void force_skips_nothing(void **state)
{
    struct fixture *f = *state;
    struct hp_control_op op;
    uint8_t *file = at(f, FILE_AT);
    uint32_t section = eb_find(file, ".livepatch.xen_depends");

    eb_contents(file, section)[16] ^= 1;
    op = upload_op(f, "one");
    op.flags = HP_CONTROL_FORCE;
    assert_int_equal(call(f, HP_CONTROL_V2, &op), -22);
}

/* Access is asked for with the command, before anything but that is read. */
static void access_control(void **state)
{
    struct fixture *f = *state;
    uint32_t cmd;

    f->port->caller.denied = true;
    for (cmd = 0; cmd < 6; cmd++) {
        const uint32_t head[2] = {cmd, 0xffffffff};

        memcpy(at(f, CALLER_END - sizeof(head)), head, sizeof(head));
        assert_int_equal(hp_control(&f->manager, HP_CONTROL_V2, CALLER_END - sizeof(head), NULL),
                         -1);
        assert_int_equal(f->port->caller.command, cmd);
        assert_int_equal(f->port->caller.asked, cmd + 1);
    }
    f->port->caller.denied = false;
    for (cmd = 0; cmd < 4; cmd++) {
        const uint32_t head[2] = {cmd, 0};

        memcpy(at(f, CALLER_END - sizeof(head)), head, sizeof(head));
        assert_int_equal(hp_control(&f->manager, HP_CONTROL_V2, CALLER_END - sizeof(head), NULL),
                         -14);
    }
    assert_int_equal(hp_control(&f->manager, HP_CONTROL_V2, CALLER_END - 7, NULL), -14);
    assert_int_equal(hp_control(&f->manager, HP_CONTROL_V2, UINT64_MAX, NULL), -14);
}

/* ---- LIST ------------------------------------------------------------------------------------ */

static struct hp_control_op list_op(enum hp_control_generation generation, uint32_t idx,
                                    uint32_t nr)
{
    struct hp_control_op op = {.cmd = HP_CONTROL_LIST};

    op.u.list_v2.idx = idx;
    op.u.list_v2.nr = nr;
    if (generation == HP_CONTROL_V1) {
        op.u.list_v1.status = STATUS_AT;
        op.u.list_v1.name = NAMES_AT;
        op.u.list_v1.len = LENGTHS_AT;
    } else {
        op.u.list_v2.name_total_size = 0x1000;
        op.u.list_v2.metadata_total_size = 0x800;
        op.u.list_v2.status = STATUS_AT;
        op.u.list_v2.name = NAMES_AT;
        op.u.list_v2.len = LENGTHS_AT;
        op.u.list_v2.metadata = METADATA_AT;
        op.u.list_v2.metadata_len = METALENGTH_AT;
    }
    return op;
}

/* Three payloads: "a", "second" with metadata, "third". */
static void upload_three(struct fixture *f)
{
    assert_int_equal(upload(f, "a"), 0);
    put_payload(f, 0x22, "key=value");
    assert_int_equal(upload(f, "second"), 0);
    put_payload(f, 0x33, NULL);
    assert_int_equal(upload(f, "third"), 0);
}

static struct hp_control_list_v2 listed(const struct fixture *f)
{
    struct hp_control_op op;

    memcpy(&op, at(f, OP_AT), sizeof(op));
    return op.u.list_v2;
}

static void list_of_nothing(void **state)
{
    struct fixture *f = *state;
    struct hp_control_op op = list_op(HP_CONTROL_V1, 0, 0);

    assert_int_equal(call(f, HP_CONTROL_V1, &op), 0);
    assert_int_equal(listed(f).nr, 0);
    assert_int_equal(listed(f).version, 0);
    op = list_op(HP_CONTROL_V2, 0, 5);
    assert_int_equal(call(f, HP_CONTROL_V2, &op), 0);
    assert_int_equal(listed(f).nr, 0);
    assert_int_equal(listed(f).name_total_size, 0);
    op = list_op(HP_CONTROL_V2, 1, 5);
    assert_int_equal(call(f, HP_CONTROL_V2, &op), -22);
}

static void list_first_generation(void **state)
{
    struct fixture *f = *state;
    struct hp_control_op op = list_op(HP_CONTROL_V1, 0, 0);
    const struct hp_control_status *status = at(f, STATUS_AT);
    const uint32_t *lengths = at(f, LENGTHS_AT);
    const char *text = at(f, NAMES_AT);

    upload_three(f);
    assert_int_equal(call(f, HP_CONTROL_V1, &op), 0);
    assert_int_equal(listed(f).nr, 3);
    assert_int_equal(listed(f).version, 3);
    op = list_op(HP_CONTROL_V1, 1, 1); /* written from slot 0 on */
    assert_int_equal(call(f, HP_CONTROL_V1, &op), 1);
    assert_int_equal(listed(f).nr, 1);
    assert_string_equal(text, "second");
    assert_int_equal(lengths[0], sizeof("second"));
    assert_int_equal(status[0].state, 1);
    op = list_op(HP_CONTROL_V1, 0, 9);
    assert_int_equal(call(f, HP_CONTROL_V1, &op), 3);
    assert_int_equal(listed(f).nr, 0);
    assert_string_equal(text, "a");
    assert_string_equal(text + HP_PAYLOAD_NAME_MAX, "second");
    assert_string_equal(text + 2 * (size_t)HP_PAYLOAD_NAME_MAX, "third");
    assert_int_equal(action(f, "a", HP_ACTION_UNLOAD), 0);
    op = list_op(HP_CONTROL_V1, 0, 0);
    assert_int_equal(call(f, HP_CONTROL_V1, &op), 0);
    assert_int_equal(listed(f).version, 4);
    assert_int_equal(listed(f).nr, 2);
}

static void list_second_generation(void **state)
{
    struct fixture *f = *state;
    struct hp_control_op op = list_op(HP_CONTROL_V2, 0, 0);
    const uint32_t *lengths = at(f, LENGTHS_AT);
    const uint32_t *metadata_lengths = at(f, METALENGTH_AT);
    const uint32_t all_names = sizeof("a") + sizeof("second") + sizeof("third");

    upload_three(f);
    assert_int_equal(call(f, HP_CONTROL_V2, &op), 0);
    assert_int_equal(listed(f).nr, 3);
    assert_int_equal(listed(f).name_total_size, all_names);
    assert_int_equal(listed(f).metadata_total_size, sizeof("key=value"));
    op = list_op(HP_CONTROL_V2, 0, 3);
    assert_int_equal(call(f, HP_CONTROL_V2, &op), 3);
    assert_int_equal(listed(f).nr, 0);
    assert_int_equal(listed(f).name_total_size, all_names);
    assert_memory_equal(at(f, NAMES_AT), "a\0second\0third", all_names);
    assert_string_equal(at(f, METADATA_AT), "key=value");
    assert_int_equal(lengths[2], sizeof("third"));
    assert_int_equal(metadata_lengths[0], 0);
    assert_int_equal(metadata_lengths[1], sizeof("key=value"));
    op.u.list_v2.name_total_size = all_names; /* just enough, and one byte less */
    op.u.list_v2.metadata_total_size = sizeof("key=value");
    assert_int_equal(call(f, HP_CONTROL_V2, &op), 3);
    op.u.list_v2.name_total_size = all_names - 1;
    assert_int_equal(call(f, HP_CONTROL_V2, &op), -105);
    op.u.list_v2.name_total_size = all_names;
    op.u.list_v2.metadata_total_size = sizeof("key=value") - 1;
    assert_int_equal(call(f, HP_CONTROL_V2, &op), -105);
}

static void list_errors(void **state)
{
    struct fixture *f = *state;
    enum hp_control_generation generation;

    upload_three(f);
    for (generation = HP_CONTROL_V1; generation <= HP_CONTROL_V2; generation++) {
        struct hp_control_op op = list_op(generation, 0, HP_CONTROL_LIST_MAX + 1);

        assert_int_equal(call(f, generation, &op), -7);
        op = list_op(generation, 3, 1);
        assert_int_equal(call(f, generation, &op), -22);
        op = list_op(generation, 0, 1);
        op.u.list_v2.pad = 1;
        assert_int_equal(call(f, generation, &op), -22);
        op = list_op(generation, 0, HP_CONTROL_LIST_MAX);
        assert_int_equal(call(f, generation, &op), 3);
    }
}

/* Each array out of reach, at its first or its last entry, or wrapping. */
static void list_arrays_out_of_reach(void **state)
{
    static const uint64_t bad[] = {0, CALLER_END - 1, UINT64_MAX - 4};
    struct fixture *f = *state;
    size_t n;

    upload_three(f);
    for (n = 0; n < sizeof(bad) / sizeof(bad[0]); n++) {
        struct hp_control_op op = list_op(HP_CONTROL_V1, 0, 3);

        op.u.list_v1.status = bad[n];
        assert_int_equal(call(f, HP_CONTROL_V1, &op), -14);
        op = list_op(HP_CONTROL_V1, 0, 3);
        op.u.list_v1.name = bad[n];
        assert_int_equal(call(f, HP_CONTROL_V1, &op), -14);
        op = list_op(HP_CONTROL_V1, 0, 3);
        op.u.list_v1.len = bad[n];
        assert_int_equal(call(f, HP_CONTROL_V1, &op), -14);
        op = list_op(HP_CONTROL_V2, 0, 3);
        op.u.list_v2.metadata = bad[n];
        assert_int_equal(call(f, HP_CONTROL_V2, &op), -14);
        op = list_op(HP_CONTROL_V2, 0, 3);
        op.u.list_v2.metadata_len = bad[n];
        assert_int_equal(call(f, HP_CONTROL_V2, &op), -14);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_life),
        TEST(refused_uploads),
        TEST(names),
        TEST(shortest_and_longest_name),
        TEST(commands_and_flags),
        TEST(force_skips_nothing),
        TEST(access_control),
        TEST(list_of_nothing),
        TEST(list_first_generation),
        TEST(list_second_generation),
        TEST(list_errors),
        TEST(list_arrays_out_of_reach),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
