/* SPDX-License-Identifier: BSD-2-Clause */
/* libFuzzer's entry to the harness. */
#include <stddef.h>
#include <stdint.h>

#include "harness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* libFuzzer has no argument through which something could be kept between two inputs. */
    static struct fuzz_harness *harness;

    if (harness == NULL) {
        harness = fuzz_harness_new();
    }
    fuzz_harness_run(harness, data, size);
    return 0;
}
