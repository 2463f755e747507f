/* SPDX-License-Identifier: BSD-2-Clause */
/* Second trampolines: code near a function through which its jump goes on to where it leads. */
#ifndef HP_APPLY_ISLAND_H
#define HP_APPLY_ISLAND_H

#include "reloc/loading.h"

/*
 * Gives each function whose replacement may be beyond the reach of a jump its second trampoline,
 * where the target has such. Returns HP_OK, HP_PATCH_RANGE, HP_PATCH_DENIED,
 * HP_LANDING_PAD_MISSING, HP_ISLAND_MEMORY or HP_PROTECT_FAILED.
 */
HP_MUST_USE enum hp_status hp_islands_build(struct hp_loading *loading);

/* The record whose second trampoline holds an address; NULL when none does. */
const struct hp_record *hp_island_at(const struct hp_payload *payload, uint64_t addr);

/* Compares them with what they should be. Returns HP_OK or HP_MEMORY_CHANGED, with the place. */
HP_MUST_USE enum hp_status hp_islands_attest(const struct hp_payload *payload,
                                             struct hp_diag *diag);

#endif
