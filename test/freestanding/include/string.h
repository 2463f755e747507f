/* SPDX-License-Identifier: BSD-2-Clause */
/* All of a C library that the freestanding library may use; its test sees no other <string.h>. */
#ifndef HP_TEST_FREESTANDING_STRING_H
#define HP_TEST_FREESTANDING_STRING_H

#include <stddef.h>

void *memcpy(void *restrict dest, const void *restrict src, size_t size);
void *memmove(void *dest, const void *src, size_t size);
void *memset(void *dest, int value, size_t size);
int memcmp(const void *a, const void *b, size_t size);

#endif
