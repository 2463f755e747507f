/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libFuzzer's entry to the model of the manager: an input is a sequence of operations, eight bytes
 * each, through the control interface. A difference from the model fails an assertion, which ends
 * the program.
 *
 * What is left of an input behind a byte 0xff at its beginning is not a sequence but the caller's
 * memory itself, with the structure of an operation at its start: any bytes at all.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <hotpatch/control.h>

#include "model.h"
#include "test_port.h"

#define CALLER_SIZE 0x4000u
#define STEPS_MAX   200u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The largest result is a number of entries, the smallest the error of the largest number. */
static void check_result(int32_t rc)
{
    assert_in_range(rc + HP_ERRNO_ENOBUFS, 0, HP_ERRNO_ENOBUFS + HP_CONTROL_LIST_MAX);
}

/* An operation of any bytes, on a manager with one payload, in both generations. */
static void run_memory(const uint8_t *data, size_t size)
{
    struct hp_port *port = tp_new();
    struct hp_manager manager;
    struct hp_payload_info info;
    uint8_t *file;
    size_t file_size;

    port->caller.memory = calloc(1, CALLER_SIZE);
    port->caller.size = CALLER_SIZE;
    assert_non_null(port->caller.memory);
    assert_int_equal(hp_manager_init(&manager, port, NULL), HP_OK);
    file = eb_minimal(true, HP_EM_X86_64, &file_size);
    (void)hp_manager_upload(&manager, "one", file, file_size, NULL);
    free(file);
    memcpy(port->caller.memory, data, size < CALLER_SIZE ? size : CALLER_SIZE);
    check_result(hp_control(&manager, HP_CONTROL_V1, TP_CALLER, NULL));
    hp_safe_point(&manager.safepoint);
    check_result(hp_control(&manager, HP_CONTROL_V2, TP_CALLER, NULL));
    hp_safe_point(&manager.safepoint);
    while (hp_manager_list(&manager, 0, &info, NULL) == HP_OK) {
        if (info.state == HP_STATE_APPLIED) {
            assert_int_equal(hp_manager_revert(&manager, info.name, NULL, NULL), HP_OK);
            hp_safe_point(&manager.safepoint);
        }
        assert_int_equal(hp_manager_unload(&manager, info.name, NULL), HP_OK);
    }
    assert_int_equal(hp_manager_close(&manager), HP_OK);
    free(port->caller.memory);
    tp_free(port);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct model *model;
    size_t n;

    if (size > 0 && data[0] == 0xff) {
        run_memory(data + 1, size - 1);
        return 0;
    }
    model = model_new();
    for (n = 0; n < STEPS_MAX && size - n * MODEL_STEP_BYTES >= MODEL_STEP_BYTES; n++) {
        model_step(model, data + n * MODEL_STEP_BYTES);
    }
    model_free(model);
    return 0;
}
