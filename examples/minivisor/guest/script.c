/* SPDX-License-Identifier: BSD-2-Clause */
/* The script: what is patched, refused and checked, in the order of the transcript. */
#include "guest.h"

void run_script(void)
{
    print("hello %u cpus\n", report()->cpus);
    step("before any payload");
    expect_answers(MV_ANSWER(MV_VERSION_OLD, 1));
    finish(failures() == 0);
}
