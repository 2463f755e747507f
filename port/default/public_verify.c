/* SPDX-License-Identifier: BSD-2-Clause */
/* Default of hp_port_public_verify(): the library's own RSA PKCS#1 v1.5; no ECDSA. */
#include <hotpatch/port.h>

#include "sign/rsa.h"

enum hp_status hp_port_public_verify(struct hp_port *port, const struct hp_key *key,
                                     enum hp_hash hash, const uint8_t *digest,
                                     struct hp_span signature,
                                     struct hp_verify_workspace *workspace)
{
    (void)port;
    if (key->algorithm != HP_KEY_RSA_PKCS1) {
        return HP_SIGNATURE_UNSUPPORTED;
    }
    return hp_rsa_verify(key, hash, digest, signature, workspace);
}
