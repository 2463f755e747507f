/* SPDX-License-Identifier: BSD-2-Clause */
/* Text from numbers, for hypervisor and guests. */
#ifndef MINIVISOR_FORMAT_H
#define MINIVISOR_FORMAT_H

#include <stdarg.h>
#include <stddef.h>

/*
 * Writes text, always terminated when size > 0, and returns its length, cut to fit. Knows %s %c %d
 * %u %x and %lu %lx (64 bits), a width, a minus and a leading 0.
 */
size_t mv_format(char *buf, size_t size, const char *format, va_list args);

#endif
