/* SPDX-License-Identifier: BSD-2-Clause */
/* The four functions that compilers and the library expect of everybody. On the deny list. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Keeps a loop from being made a call of the very function that it is in. */
#define KEEP_LOOP __asm__ volatile("")

#define MEM_DENY __attribute__((__section__(".text.deny")))

MEM_DENY void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
    uint8_t *out = to;
    const uint8_t *in = from;
    size_t n;

    for (n = 0; n < size; n++) {
        out[n] = in[n];
        KEEP_LOOP;
    }
    return to;
}

MEM_DENY void *memmove(void *to, const void *from, size_t size)
{
    uint8_t *out = to;
    const uint8_t *in = from;
    size_t n;

    if ((uintptr_t)to <= (uintptr_t)from) {
        return memcpy(to, from, size);
    }
    for (n = size; n > 0; n--) {
        out[n - 1] = in[n - 1];
        KEEP_LOOP;
    }
    return to;
}

MEM_DENY void *memset(void *to, int byte, size_t size)
{
    uint8_t *out = to;
    size_t n;

    for (n = 0; n < size; n++) {
        out[n] = (uint8_t)byte;
        KEEP_LOOP;
    }
    return to;
}

MEM_DENY int memcmp(const void *a, const void *b, size_t size)
{
    const uint8_t *x = a;
    const uint8_t *y = b;
    size_t n;

    for (n = 0; n < size; n++) {
        if (x[n] != y[n]) {
            return x[n] < y[n] ? -1 : 1;
        }
    }
    return 0;
}
