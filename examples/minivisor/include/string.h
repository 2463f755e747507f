/* SPDX-License-Identifier: BSD-2-Clause */
/* All that the library and the minivisor know of a C library; mem.c has it. */
#ifndef MINIVISOR_STRING_H
#define MINIVISOR_STRING_H

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *a, const void *b, size_t size);

#endif
