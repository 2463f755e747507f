/* SPDX-License-Identifier: BSD-2-Clause */
/* The console: whole texts, one CPU at a time. */
#include <minivisor/arch.h>
#include <minivisor/format.h>

#include "lock.h"

#define LINE 512

static struct mv_lock console_lock;

void mv_write(const char *text, size_t size)
{
    size_t n;

    mv_lock(&console_lock);
    for (n = 0; n < size; n++) {
        mv_arch_putc(text[n]);
    }
    mv_unlock(&console_lock);
}

void mv_print(const char *format, ...)
{
    char line[LINE];
    va_list args;
    size_t size;

    va_start(args, format);
    size = mv_format(line, sizeof(line), format, args);
    va_end(args);
    mv_write(line, size);
}

/* Takes no lock: whoever has it may never give it back. */
_Noreturn void mv_panic(const char *format, ...)
{
    char line[LINE];
    va_list args;
    size_t size;
    size_t n;

    va_start(args, format);
    size = mv_format(line, sizeof(line), format, args);
    va_end(args);
    for (n = 0; n < 7; n++) {
        mv_arch_putc("\npanic "[n]);
    }
    for (n = 0; n < size; n++) {
        mv_arch_putc(line[n]);
    }
    mv_arch_putc('\n');
    mv_arch_exit(1);
}
