/* SPDX-License-Identifier: BSD-2-Clause */
/* The library's own verification of RSASSA-PKCS1-v1_5 signatures (RFC 8017, section 8.2.2). */
#ifndef HP_SIGN_RSA_H
#define HP_SIGN_RSA_H

#include <hotpatch/sign.h>

/* As hp_port_public_verify(), for HP_KEY_RSA_PKCS1. Pure but for the workspace. */
HP_MUST_USE enum hp_status hp_rsa_verify(const struct hp_key *key, enum hp_hash hash,
                                         const uint8_t *digest, struct hp_span signature,
                                         struct hp_verify_workspace *workspace);

#endif
