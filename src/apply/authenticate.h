/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether a payload may be looked at: its signature before, its version after the ELF view opens.
 */
#ifndef HP_APPLY_AUTHENTICATE_H
#define HP_APPLY_AUTHENTICATE_H

#include "reloc/loading.h"

/*
 * Separates the ELF file from what follows it, and verifies that as a signature of the first. Of
 * the payload nothing but hp_elf_extent() has interpreted a byte before this returns HP_OK.
 *
 *   data, size  the payload as uploaded
 *   extent      receives the end of its ELF file
 *
 * Returns HP_OK, HP_TRAILING_BYTES, HP_NO_MEMORY or any refusal of hp_signature_verify();
 * HP_UNSIGNED only when the policy requires a signature.
 */
HP_MUST_USE enum hp_status hp_loading_authenticate(struct hp_loading *loading, const void *data,
                                                   size_t size, size_t *extent);

/*
 * Reads the payload's version from .modinfo and compares it with the policy's minimum. Returns
 * HP_OK, HP_VERSION or HP_ROLLBACK.
 */
HP_MUST_USE enum hp_status hp_loading_check_version(struct hp_loading *loading);

#endif
