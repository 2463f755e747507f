/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The freestanding library linked as a hypervisor links it: no C library, no start-up code, a port
 * made from the template. It runs as a Linux program whose exit status is the answer.
 */
#include <hotpatch/hotpatch.h>

/* What a hypervisor has anyway. */
void *memcpy(void *restrict dest, const void *restrict src, size_t size);
void *memmove(void *dest, const void *src, size_t size);
void *memset(void *dest, int value, size_t size);
int memcmp(const void *a, const void *b, size_t size);

void _start(void);

void *memmove(void *dest, const void *src, size_t size)
{
    unsigned char *to = dest;
    const unsigned char *from = src;

    if (to <= from) {
        for (size_t i = 0; i < size; i++) {
            to[i] = from[i];
        }
    } else {
        for (size_t i = size; i > 0; i--) {
            to[i - 1] = from[i - 1];
        }
    }
    return dest;
}

void *memcpy(void *restrict dest, const void *restrict src, size_t size)
{
    return memmove(dest, src, size);
}

void *memset(void *dest, int value, size_t size)
{
    unsigned char *to = dest;

    for (size_t i = 0; i < size; i++) {
        to[i] = (unsigned char)value;
    }
    return dest;
}

int memcmp(const void *a, const void *b, size_t size)
{
    const unsigned char *left = a;
    const unsigned char *right = b;

    for (size_t i = 0; i < size; i++) {
        if (left[i] != right[i]) {
            return left[i] < right[i] ? -1 : 1;
        }
    }
    return 0;
}

static _Noreturn void leave(int code)
{
    for (;;) {
        __asm__ volatile("syscall" : : "a"(60L), "D"((long)code) : "rcx", "r11", "memory");
    }
}

/* The template port has no target: the verdict on bytes that are no payload needs none. */
__attribute__((force_align_arg_pointer)) void _start(void)
{
    static const unsigned char bytes[128] = "not a payload";
    struct hp_diag diag;
    enum hp_status status;

    hp_diag_init(&diag);
    status = hp_validate(NULL, bytes, sizeof(bytes), NULL, NULL, &diag);
    leave(status == HP_ELF_MAGIC && diag.status == HP_ELF_MAGIC ? 0 : 1);
}
