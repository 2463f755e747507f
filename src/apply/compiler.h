/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether a payload was made by the target's compiler. Source: SPEC section 14. */
#ifndef HP_APPLY_COMPILER_H
#define HP_APPLY_COMPILER_H

#include "reloc/loading.h"

/*
 * Compares what the payload says of its compilers with the target's, where the profile asks for
 * that. Returns HP_OK, HP_COMPILER_UNKNOWN, HP_COMPILER_MISSING or HP_COMPILER_DIFFERS, which
 * names the payload's compiler as symbol.
 */
HP_MUST_USE enum hp_status hp_compiler_check(struct hp_loading *loading);

#endif
