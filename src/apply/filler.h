/* SPDX-License-Identifier: BSD-2-Clause */
/* Verified filler behind functions (SPEC section 9.1). */
#ifndef HP_APPLY_FILLER_H
#define HP_APPLY_FILLER_H

#include "apply/capture.h"

/*
 * Checks that the bytes behind the function of a record, up to `needed` from old_addr, which is
 * more than its old_size, are filler that belongs to no symbol. Returns HP_OK, HP_RECORD_OLD_SIZE
 * (they are still in the function as the target's symbol table has it), HP_PATCH_FILLER, or the
 * port's error.
 */
HP_MUST_USE enum hp_status hp_filler_check(const struct hp_capture *capture,
                                           const struct hp_record *record, uint64_t needed);

#endif
