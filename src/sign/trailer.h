/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of this folder share. */
#ifndef HP_SIGN_TRAILER_H
#define HP_SIGN_TRAILER_H

#include <hotpatch/sign.h>

#include "sign/der.h"

/*
 * hp_trailer_parse() for a file whose extent is known.
 *
 *   offset  receives the place that was refused; HP_NO_OFFSET when none was
 */
HP_MUST_USE enum hp_status hp_trailer_read(struct hp_span file, size_t extent,
                                           struct hp_trailer *trailer, uint64_t *offset);

/*
 * cms.c: reads a CMS SignedData (RFC 5652) into the trailer: detached, one signer, no attributes,
 * no certificates.
 *
 *   der  the SignedData and nothing else; on error its `at` is about where it stopped
 *
 * Returns HP_OK, HP_SIGNATURE_MALFORMED, HP_SIGNATURE_UNSUPPORTED or HP_SIGNATURE_POLICY.
 */
HP_MUST_USE enum hp_status hp_cms_read(struct hp_der *der, struct hp_trailer *trailer);

/*
 * hp_signature_verify() for a trailer that was read.
 *
 *   result  format and payload_len are set; receives the rest
 */
HP_MUST_USE enum hp_status
hp_signature_check(struct hp_port *port, struct hp_span file, const struct hp_trailer *trailer,
                   const struct hp_keyring *keyring, const struct hp_signature_policy *policy,
                   struct hp_verify_workspace *workspace, struct hp_signature_result *result);

/* The smallest RSA modulus that a policy accepts, in bits. */
uint32_t hp_policy_rsa_bits(const struct hp_signature_policy *policy);

/* Bits of a modulus without zero bytes in front. */
size_t hp_modulus_bits(struct hp_span modulus);

/* keyring.c: whether both hold the same bytes; two empty ones do not. */
bool hp_identifier_equal(struct hp_span a, struct hp_span b);

#endif
