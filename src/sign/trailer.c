/* SPDX-License-Identifier: BSD-2-Clause */
/* Recognition of the signature trailer. */
#include "sign/trailer.h"

#include <string.h>

#include "base/config.h"
#include "base/diag.h"

/* The marker of all trailer layouts; its last byte is a line feed, and no NUL follows. */
static const uint8_t marker[28] = "~Module signature appended~\n";

enum hp_status hp_trailer_find(const uint8_t *data, size_t size, size_t extent, bool *has_signature,
                               struct hp_diag *diag)
{
    enum hp_status status;

    *has_signature = false;
    if (size == extent) {
        return HP_OK;
    }
    if (HP_WITH_SIGNATURES && size - extent >= sizeof(marker) &&
        (memcmp(data + extent, marker, sizeof(marker)) == 0 ||
         memcmp(data + size - sizeof(marker), marker, sizeof(marker)) == 0)) {
        *has_signature = true;
        return HP_OK;
    }
    status = hp_fail_numbers(diag, HP_STAGE_SIGNATURE, HP_TRAILING_BYTES, extent, size);
    hp_note_offset(diag, extent);
    return status;
}
