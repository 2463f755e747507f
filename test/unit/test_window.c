/* SPDX-License-Identifier: BSD-2-Clause */
/* links: test_port */
/* The window's own loops: every byte is compared and written, and no other, however it is aligned.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "test_port.h"

#define ALIGNMENTS 8u  /* twice the size of a word */
#define LENGTHS    31u /* bytes that a record may turn into NOPs */

/* A manager with one payload, which turns `length` bytes at `addr` into NOPs. */
struct fixture {
    struct hp_port *port;
    struct hp_manager manager;
    uint64_t addr;
    uint32_t length;
    uint8_t before[TP_TEXT_SIZE];
};

static void set_up(struct fixture *f, uint32_t alignment, uint32_t length)
{
    const struct eb_record record = {
        .name = "there", .new_size = length, .old_size = TP_FUNCTION_SIZE};
    struct eb_payload p;
    struct eb_ids ids;
    uint8_t *file;
    size_t size;

    memset(f, 0, sizeof(*f));
    f->port = tp_new();
    f->addr = TP_FUNCTION + 0x100 + alignment;
    f->length = length;
    tp_add_function(f->port, "there", f->addr, TP_FUNCTION_SIZE);
    memset(&ids, 0, sizeof(ids));
    ids.depends = f->port->target.build_id;
    ids.depends_size = f->port->target.build_id_size;
    p = eb_payload_new(true, HP_EM_X86_64, &ids);
    eb_payload_record(&p, &record);
    file = eb_payload_finish(&p, &size);
    assert_int_equal(hp_manager_init(&f->manager, f->port, NULL), HP_OK);
    assert_int_equal(hp_manager_upload(&f->manager, "one", file, size, NULL), HP_OK);
    free(file);
    memcpy(f->before, tp_byte(f->port, TP_TEXT), TP_TEXT_SIZE);
}

static void tear_down(struct fixture *f)
{
    tp_assert_quiescent(f->port);
    assert_int_equal(hp_manager_close(&f->manager), HP_OK);
    tp_free(f->port);
}

/* Carries out what is scheduled, and returns how it ended. */
static struct hp_action_report carry_out(struct fixture *f)
{
    struct hp_action_report report;

    hp_safe_point(&f->manager.safepoint);
    hp_manager_report(&f->manager, &report);
    return report;
}

/* Text as before but for one byte. */
static void assert_all_but(const struct fixture *f, uint64_t addr)
{
    size_t n = (size_t)(addr - TP_TEXT);

    assert_memory_equal(tp_byte(f->port, TP_TEXT), f->before, n);
    assert_memory_equal(tp_byte(f->port, addr + 1), &f->before[n + 1], TP_TEXT_SIZE - n - 1);
}

static void writes_every_byte_and_no_other(void **state)
{
    struct fixture f;
    uint32_t alignment;
    uint32_t length;

    (void)state;
    for (alignment = 0; alignment < ALIGNMENTS; alignment++) {
        for (length = 1; length <= LENGTHS; length++) {
            const struct hp_payload *payload;
            struct hp_payload_info info;
            uint8_t wanted[TP_TEXT_SIZE];

            set_up(&f, alignment, length);
            assert_int_equal(hp_manager_apply(&f.manager, "one", NULL, NULL), HP_OK);
            assert_int_equal(hp_manager_get(&f.manager, "one", &info), HP_OK);
            payload = info.payload;
            assert_int_equal(payload->write_count, 1);
            assert_int_equal(payload->writes[0].size, length);
            assert_int_equal((uintptr_t)payload->writes[0].alias % ALIGNMENTS, alignment);
            memcpy(wanted, f.before, sizeof(wanted));
            memcpy(&wanted[f.addr - TP_TEXT], payload->writes[0].new_bytes, length);
            assert_int_not_equal(wanted[f.addr - TP_TEXT], f.before[f.addr - TP_TEXT]);
            assert_int_equal(carry_out(&f).status, HP_OK);
            assert_memory_equal(tp_byte(f.port, TP_TEXT), wanted, TP_TEXT_SIZE);
            assert_int_equal(hp_manager_revert(&f.manager, "one", NULL, NULL), HP_OK);
            assert_int_equal(carry_out(&f).status, HP_OK);
            assert_memory_equal(tp_byte(f.port, TP_TEXT), f.before, TP_TEXT_SIZE);
            tear_down(&f);
        }
    }
}

/* One byte changes after an apply was scheduled: the report names it, and nothing is written. */
static void finds_every_byte_that_changed(void **state)
{
    static const uint32_t lengths[] = {1, 3, 4, 5, 8, 31};
    struct fixture f;
    uint32_t alignment;
    uint32_t n;
    size_t i;

    (void)state;
    for (alignment = 0; alignment < ALIGNMENTS; alignment++) {
        for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
            set_up(&f, alignment, lengths[i]);
            for (n = 0; n < f.length; n++) {
                uint8_t *byte = tp_byte(f.port, f.addr + n);
                struct hp_action_report report;

                assert_int_equal(hp_manager_apply(&f.manager, "one", NULL, NULL), HP_OK);
                *byte ^= 0x10;
                report = carry_out(&f);
                assert_int_equal(report.status, HP_MEMORY_CHANGED);
                assert_int_equal(report.changed_addr, f.addr + n);
                assert_all_but(&f, f.addr + n);
                *byte ^= 0x10;
                assert_memory_equal(tp_byte(f.port, TP_TEXT), f.before, TP_TEXT_SIZE);
            }
            tear_down(&f);
        }
    }
}

/* Bytes next to the write are nobody's business. */
static void leaves_neighbours_out_of_the_comparison(void **state)
{
    struct fixture f;
    uint32_t alignment;
    uint32_t length;

    (void)state;
    for (alignment = 0; alignment < ALIGNMENTS; alignment++) {
        for (length = 1; length <= LENGTHS; length++) {
            uint8_t wanted[TP_TEXT_SIZE];

            set_up(&f, alignment, length);
            assert_int_equal(hp_manager_apply(&f.manager, "one", NULL, NULL), HP_OK);
            *tp_byte(f.port, f.addr - 1) ^= 0x10;
            *tp_byte(f.port, f.addr + length) ^= 0x10;
            memcpy(wanted, tp_byte(f.port, TP_TEXT), sizeof(wanted));
            assert_int_equal(carry_out(&f).status, HP_OK);
            assert_int_equal(hp_manager_revert(&f.manager, "one", NULL, NULL), HP_OK);
            assert_int_equal(carry_out(&f).status, HP_OK);
            assert_memory_equal(tp_byte(f.port, TP_TEXT), wanted, TP_TEXT_SIZE);
            tear_down(&f);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_every_byte_and_no_other),
        cmocka_unit_test(finds_every_byte_that_changed),
        cmocka_unit_test(leaves_neighbours_out_of_the_comparison),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
