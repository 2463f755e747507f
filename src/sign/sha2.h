/* SPDX-License-Identifier: BSD-2-Clause */
/* The library's own SHA-256, SHA-384 and SHA-512 (FIPS 180-4). */
#ifndef HP_SIGN_SHA2_H
#define HP_SIGN_SHA2_H

#include <hotpatch/key.h>
#include <hotpatch/status.h>

/* hp_hash_size() as the archive of defaults can have it, which the linker sees after the library.
 */
static inline size_t hp_sha2_size(enum hp_hash hash)
{
    switch (hash) {
    case HP_HASH_SHA256:
        return 32;
    case HP_HASH_SHA384:
        return 48;
    case HP_HASH_SHA512:
        return 64;
    default:
        return 0;
    }
}

/* As hp_port_digest(). Pure; about 400 bytes of stack. */
HP_MUST_USE enum hp_status hp_sha2_digest(enum hp_hash hash, const struct hp_span *parts,
                                          size_t count, uint8_t *digest);

#endif
