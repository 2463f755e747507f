/* SPDX-License-Identifier: BSD-2-Clause */
/* links: test_port */
/* The manager: states, refusals, what the window writes, and what stays when something fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "test_port.h"

/* A manager over a port of its own, and the target's text as it was to begin with. */
struct fixture {
    struct hp_port *port;
    struct hp_manager manager;
    struct hp_diag diag;
    uint8_t before[TP_TEXT_SIZE];
};

static void read_text(const struct fixture *f, uint8_t *out)
{
    memcpy(out, tp_byte(f->port, TP_TEXT), TP_TEXT_SIZE);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    f->port = tp_new();
    assert_int_equal(hp_manager_init(&f->manager, f->port, NULL), HP_OK);
    read_text(f, f->before);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(hp_manager_close(&f->manager), HP_OK);
    tp_free(f->port);
    free(f);
    return 0;
}

static enum hp_status upload(struct fixture *f, const char *name, struct eb_payload *p)
{
    size_t size;
    uint8_t *file = eb_payload_finish(p, &size);
    enum hp_status status;

    hp_diag_init(&f->diag);
    status = hp_manager_upload(&f->manager, name, file, size, &f->diag);
    free(file);
    return status;
}

static enum hp_status upload_function(struct fixture *f, const char *name)
{
    struct eb_payload p = eb_payload_new(true, HP_EM_X86_64, NULL);
    static const uint8_t depends[20] = {0xe0, 0xe1, 0xe2, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9,
                                        0xea, 0xeb, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf2, 0xf3};
    const struct eb_ids ids = {.depends = depends, .depends_size = sizeof(depends)};

    eb_free(p.b);
    p = eb_payload_new(true, HP_EM_X86_64, &ids);
    eb_payload_function(&p, "target_function", TP_FUNCTION_SIZE);
    return upload(f, name, &p);
}

static void apply_and_revert_restore_every_byte(void **state)
{
    struct fixture *f = *state;
    struct hp_payload_info info;
    uint8_t after[TP_TEXT_SIZE];

    assert_int_equal(upload_function(f, "one"), HP_OK);
    assert_int_equal(hp_manager_apply(&f->manager, "one", NULL, &f->diag), HP_OK);
    assert_int_equal(hp_manager_get(&f->manager, "one", &info), HP_OK);
    assert_int_equal(info.state, HP_STATE_CHECKED);
    assert_int_equal(info.rc, -HP_ERRNO_EAGAIN);
    hp_safe_point(&f->manager.safepoint);
    assert_int_equal(hp_manager_get(&f->manager, "one", &info), HP_OK);
    assert_int_equal(info.state, HP_STATE_APPLIED);
    assert_int_equal(info.rc, 0);
    assert_int_equal(*tp_byte(f->port, TP_FUNCTION), 0xe9);
    assert_int_equal(hp_manager_close(&f->manager), HP_ACTION_STATE);
    assert_int_equal(hp_manager_revert(&f->manager, "one", NULL, &f->diag), HP_OK);
    hp_safe_point(&f->manager.safepoint);
    assert_int_equal(hp_manager_get(&f->manager, "one", &info), HP_OK);
    assert_int_equal(info.state, HP_STATE_CHECKED);
    read_text(f, after);
    assert_memory_equal(after, f->before, sizeof(after));
    tp_assert_quiescent(f->port);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(apply_and_revert_restore_every_byte, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
