/* SPDX-License-Identifier: BSD-2-Clause */
/* Default of hp_port_digest(): the library's own SHA-2. */
#include <hotpatch/port.h>

#include "sign/sha2.h"

enum hp_status hp_port_digest(struct hp_port *port, enum hp_hash hash, const struct hp_span *parts,
                              size_t count, uint8_t *digest)
{
    (void)port;
    return hp_sha2_digest(hash, parts, count, digest);
}
