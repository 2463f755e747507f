/* SPDX-License-Identifier: BSD-2-Clause */
/* Decoding of what the payload asks for: function records, hooks, tables. */
#ifndef HP_APPLY_RECORDS_H
#define HP_APPLY_RECORDS_H

#include "reloc/loading.h"

/*
 * Finds the version and number of the records in the file, before anything is loaded: sizes follow
 * from them. Version 2 and no records without the section. Returns HP_OK, HP_RECORD_VERSION or
 * HP_RECORD_SIZE.
 */
HP_MUST_USE enum hp_status hp_records_measure(struct hp_loading *loading);

/*
 * Checks that an address is an instruction's in the payload's own text. Returns HP_OK, `outside`
 * when it is not, or HP_THUMB_CODE.
 */
HP_MUST_USE enum hp_status hp_payload_check_text(struct hp_loading *loading, uint64_t addr,
                                                 enum hp_status outside);

/*
 * Checks that a function of the payload's own text, which will be called indirectly, begins with a
 * landing pad if the target enforces them. Returns HP_OK or HP_LANDING_PAD_MISSING.
 */
HP_MUST_USE enum hp_status hp_payload_check_pad(struct hp_loading *loading, uint64_t addr);

/*
 * Finds the name at an address of the relocated image: inside one loaded section, terminated there,
 * of bounded length, not empty. Returns HP_OK, HP_RECORD_NAME_OUTSIDE or
 * HP_RECORD_NAME_UNTERMINATED; *name is set with HP_OK alone.
 */
HP_MUST_USE enum hp_status hp_name_decode(struct hp_loading *loading, uint64_t addr,
                                          const char **name, size_t *length);

/*
 * Splits "symbol+offset": *length becomes that of the symbol, *offset is 0 without one. With
 * `products` the offset may be a product of two numbers. False when what follows the '+' is
 * neither.
 */
bool hp_name_split(const char *name, size_t *length, bool products, uint64_t *offset);

/* Sorts the addresses of new functions, once the records of all kinds are decoded. */
void hp_records_sort_new(struct hp_loading *loading);

/* Decodes the records of the relocated image, checks them, and looks up what they patch. */
HP_MUST_USE enum hp_status hp_records_decode(struct hp_loading *loading);

/* Finds the hooks in the relocated image and checks that they point into the payload's text. */
HP_MUST_USE enum hp_status hp_hooks_decode(struct hp_loading *loading);

#endif
