/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The process patches itself with payloads that lie out of reach of its code: what is called runs
 * through second trampolines near the executable.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>

#include <hotpatch/host.h>
#include <hotpatch/hotpatch.h>

#include "self.h"

#define GIB (UINT64_C(1) << 30)

/* Farther than any jump of the machine's leads. */
#if defined(__x86_64__)
#define REACH (2 * GIB)
#else
#define REACH (GIB / 8)
#endif

struct fixture {
    struct hp_port *port;
    struct hp_manager manager;
    struct hp_target target;
};

static unsigned (*const volatile functions[SELF_FUNCTIONS])(void) = {stress_0, stress_1, stress_2};

static void assert_answers(unsigned answer)
{
    uint32_t n;

    for (n = 0; n < SELF_FUNCTIONS; n++) {
        assert_int_equal(functions[n](), answer);
    }
}

static int setup(void **state)
{
    const struct hp_host_options options = {
        .size = sizeof(options), .has_base = true, .base = self_far_base()};
    struct fixture *f = calloc(1, sizeof(*f));
    uint32_t cpu = HP_HOST_ANY_CPU;

    assert_non_null(f);
    assert_int_equal(hp_host_open_self(&f->port, &options, NULL), HP_OK);
    hp_port_target(f->port, &f->target);
    assert_int_equal(hp_manager_init(&f->manager, f->port, NULL), HP_OK);
    assert_int_equal(hp_host_cpu_attach(f->port, &cpu), HP_OK);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(hp_manager_close(&f->manager), HP_OK);
    self_assert_released(f->port);
    hp_host_cpu_detach(f->port);
    hp_host_close(f->port);
    free(f);
    return 0;
}

static const struct hp_payload *upload(struct fixture *f, const char *name, uint8_t answer,
                                       uint8_t below)
{
    struct hp_payload_info info;
    size_t size;
    uint8_t *file = self_payload(&f->target, answer, below, &size);

    assert_int_equal(hp_manager_upload(&f->manager, name, file, size, NULL), HP_OK);
    free(file);
    assert_int_equal(hp_manager_get(&f->manager, name, &info), HP_OK);
    return info.payload;
}

typedef enum hp_status action_call(struct hp_manager *manager, const char *name,
                                   const struct hp_action_options *options, struct hp_diag *diag);

static void act(struct fixture *f, action_call *call, const char *name, unsigned answer)
{
    struct hp_payload_info info;

    assert_int_equal(call(&f->manager, name, NULL, NULL), HP_OK);
    hp_safe_point(&f->manager.safepoint);
    assert_int_equal(hp_manager_get(&f->manager, name, &info), HP_OK);
    assert_int_equal(info.status, HP_OK);
    assert_answers(answer);
    assert_int_equal(hp_manager_attest(&f->manager, NULL), HP_OK);
}

static uint64_t distance(uint64_t a, uint64_t b)
{
    return a > b ? a - b : b - a;
}

/* The payload is far, its second trampolines are near, and nothing of it can be written. */
static void check_places(const struct fixture *f, const struct hp_payload *payload)
{
    const struct hp_image_memory *islands = &payload->islands;
    char permissions[5];
    uint32_t n;

    assert_int_equal(islands->size, f->target.page_size);
    for (n = 0; n < SELF_FUNCTIONS; n++) {
        const struct hp_record *record = &payload->records[n];

        assert_true(distance(record->new_addr, record->old_addr) > REACH);
        assert_true(distance(record->island, record->old_addr) < REACH);
    }
    self_permissions((const void *)(uintptr_t)islands->addr, permissions);
    assert_string_equal(permissions, "r-xs");
    self_permissions(islands->host, permissions);
    assert_string_equal(permissions, "r--s");
    assert_int_equal(hp_port_patchable(f->port, islands->addr, 4), HP_PATCH_DENIED);
    assert_int_equal(hp_port_patchable(f->port, payload->records[0].new_addr, 4), HP_OK);
}

static void called_through_them(void **state)
{
    struct fixture *f = *state;
    const struct hp_payload *two = upload(f, "two", 2, 0);
    const struct hp_payload *three = upload(f, "three", 3, 2);
    char permissions[5];
    uint64_t place;
    uint32_t n;

    check_places(f, two);
    check_places(f, three);
    for (n = 0; n < 50; n++) {
        act(f, hp_manager_apply, "two", 2);
        assert_int_equal(two->writes[0].island, two->records[0].island);
        act(f, hp_manager_apply, "three", 3);
        act(f, hp_manager_revert, "three", 2);
        act(f, hp_manager_revert, "two", 1);
    }
    upload(f, "four", 4, 0);
    act(f, hp_manager_apply, "two", 2);
    act(f, hp_manager_replace, "four", 4);
    act(f, hp_manager_revert, "four", 1);
    place = two->islands.addr;
    assert_int_equal(hp_manager_unload(&f->manager, "two", NULL), HP_OK);
    self_permissions((const void *)(uintptr_t)place, permissions);
    assert_string_equal(permissions, ""); /* given back */
}

/* Without a base payloads are near, and none are made. */
static void near(void **state)
{
    struct fixture f;
    uint32_t cpu = HP_HOST_ANY_CPU;

    (void)state;
    assert_int_equal(hp_host_open_self(&f.port, NULL, NULL), HP_OK);
    hp_port_target(f.port, &f.target);
    assert_int_equal(hp_manager_init(&f.manager, f.port, NULL), HP_OK);
    assert_int_equal(hp_host_cpu_attach(f.port, &cpu), HP_OK);
    assert_int_equal(upload(&f, "two", 2, 0)->islands.size, 0);
    act(&f, hp_manager_apply, "two", 2);
    act(&f, hp_manager_revert, "two", 1);
    assert_int_equal(hp_manager_close(&f.manager), HP_OK);
    hp_host_cpu_detach(f.port);
    hp_host_close(f.port);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(called_through_them, setup, teardown),
        cmocka_unit_test(near),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
