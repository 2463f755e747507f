/* SPDX-License-Identifier: BSD-2-Clause */
/* What may follow the ELF file in a payload. */
#ifndef HP_SIGN_TRAILER_H
#define HP_SIGN_TRAILER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hotpatch/status.h>

/*
 * Tells a signed payload from an unsigned one. The extent anchors the answer: the signature marker
 * counts only right after the ELF file or at the very end of the payload, and is never searched
 * for.
 *
 *   data, size  the payload as uploaded
 *   extent      end of its ELF file, from hp_elf_extent()
 *   has_signature  receives the answer
 *
 * Returns HP_OK, or HP_TRAILING_BYTES when something else follows the ELF file, or a signature in a
 * build without support for them.
 */
HP_MUST_USE enum hp_status hp_trailer_find(const uint8_t *data, size_t size, size_t extent,
                                           bool *has_signature, struct hp_diag *diag);

#endif
