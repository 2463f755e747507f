/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Replaces a function that is reached through pointers: it begins with ENDBR64, which stays in
 * place, and is just long enough for that and the jump.
 */
#include <hotpatch/payload.h>

static unsigned long spurious_interrupts;

static void count_spurious(int irq, void *device, void *registers)
{
    (void)irq;
    (void)device;
    (void)registers;
    spurious_interrupts++;
}

HP_PATCH_FUNCTION(endbr, "no_action", count_spurious, TARGET_SIZE_no_action);
