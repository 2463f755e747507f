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
HP_MUST_USE enum hp_status hp_payload_check_text(const struct hp_loading *loading, uint64_t addr,
                                                 enum hp_status outside);

/* Decodes the records of the relocated image, checks them, and looks up what they patch. */
HP_MUST_USE enum hp_status hp_records_decode(struct hp_loading *loading);

/* Finds the hooks in the relocated image and checks that they point into the payload's text. */
HP_MUST_USE enum hp_status hp_hooks_decode(struct hp_loading *loading);

#endif
