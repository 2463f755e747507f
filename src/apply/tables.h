/* SPDX-License-Identifier: BSD-2-Clause */
/* Tables of a payload that its target acts on. Source: SPEC section 6. */
#ifndef HP_APPLY_TABLES_H
#define HP_APPLY_TABLES_H

#include "reloc/loading.h"

/*
 * Finds the tables in the file: whether the target supports them, and how many entries they have.
 * Returns HP_OK, HP_SPECIAL_UNSUPPORTED or HP_TABLE_SIZE. Needs no address: it comes before the
 * image is made.
 */
HP_MUST_USE enum hp_status hp_tables_measure(struct hp_loading *loading);

/*
 * Carries alternatives and alternative calls out on the relocated image, which nobody has looked
 * into yet; then checks the exception table and the bug frames, and sorts the former.
 */
HP_MUST_USE enum hp_status hp_tables_carry_out(struct hp_loading *loading);

/* alternatives.c: the first half of that. All entries are checked before the first is written. */
HP_MUST_USE enum hp_status hp_alternatives_carry_out(struct hp_loading *loading);

/* Fails for entry `n` of a table, with its place. */
HP_MUST_USE enum hp_status hp_tables_fail(struct hp_loading *loading, enum hp_special which,
                                          uint32_t n, enum hp_status status);

/* The bytes of entry `n` of a table in the image; *addr receives where the target sees them. */
uint8_t *hp_tables_entry(const struct hp_payload *payload, const struct hp_table *table,
                         uint32_t entry_size, uint32_t n, uint64_t *addr);

#endif
