/* SPDX-License-Identifier: BSD-2-Clause */
/* The metadata of a loaded payload. */
#include <hotpatch/load.h>

#include <string.h>

#include "base/span.h"

const char *hp_payload_metadata_next(const struct hp_payload *payload, size_t *pos)
{
    const struct hp_span *modinfo = &payload->modinfo;

    /* The section ends with NUL, so that every string in it does. */
    while (*pos < modinfo->size) {
        const char *entry = (const char *)modinfo->data + *pos;
        size_t length = hp_string_length(entry, modinfo->size - *pos);

        *pos += length + 1;
        if (length > 0) {
            return entry;
        }
    }
    return NULL;
}

const char *hp_payload_metadata(const struct hp_payload *payload, const char *key)
{
    size_t length = hp_string_length(key, payload->modinfo.size);
    const char *entry;
    size_t pos = 0;

    while ((entry = hp_payload_metadata_next(payload, &pos)) != NULL) {
        size_t left = payload->modinfo.size - (size_t)(entry - (const char *)payload->modinfo.data);

        if (length < left && entry[length] == '=' && memcmp(entry, key, length) == 0) {
            return entry + length + 1;
        }
    }
    return NULL;
}
