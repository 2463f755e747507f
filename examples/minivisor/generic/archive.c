/* SPDX-License-Identifier: BSD-2-Clause */
/* The files handed in at boot: a ustar archive (POSIX.1, "pax", ustar Interchange Format). */
#include "archive.h"

#include <string.h>

#define BLOCK       512u
#define NAME_SIZE   100u
#define SIZE_OFFSET 124u
#define SIZE_DIGITS 11u

static const uint8_t *archive;
static uint64_t archive_size;

void mv_archive_init(const struct mv_boot *boot)
{
    archive = (const uint8_t *)(uintptr_t)boot->archive;
    archive_size = boot->archive_size;
}

static uint64_t octal(const uint8_t *digits)
{
    uint64_t value = 0;
    uint32_t n;

    for (n = 0; n < SIZE_DIGITS && digits[n] >= '0' && digits[n] <= '7'; n++) {
        value = value * 8 + (uint64_t)(digits[n] - '0');
    }
    return value;
}

static bool is_named(const uint8_t *header, const char *name)
{
    uint32_t n = 0;

    while (n < NAME_SIZE && name[n] != '\0' && header[n] == (uint8_t)name[n]) {
        n++;
    }
    return n < NAME_SIZE && name[n] == '\0' && header[n] == '\0';
}

const uint8_t *mv_archive_find(const char *name, uint64_t *size)
{
    uint64_t offset = 0;

    while (archive_size - offset >= BLOCK && archive[offset] != '\0') {
        const uint8_t *header = archive + offset;
        uint64_t length = octal(header + SIZE_OFFSET);
        uint64_t blocks = (length + BLOCK - 1) / BLOCK;

        offset += BLOCK;
        if (blocks > (archive_size - offset) / BLOCK) {
            break;
        }
        if (is_named(header, name)) {
            *size = length;
            return archive + offset;
        }
        offset += blocks * BLOCK;
    }
    return NULL;
}
