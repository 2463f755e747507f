/* SPDX-License-Identifier: BSD-2-Clause */
/* Splices (SPEC section 9.3): from their section to struct hp_splice, and from there to writes. */
#ifndef HP_APPLY_SPLICES_H
#define HP_APPLY_SPLICES_H

#include "apply/capture.h"
#include "base/config.h"
#include "reloc/loading.h"

#if HP_WITH_SPLICES

/* Finds the number of splices in the file. Returns HP_OK or HP_RECORD_SIZE. */
HP_MUST_USE enum hp_status hp_splices_measure(struct hp_loading *loading);

/* Decodes the splices of the relocated image, checks them, and looks up what they name. */
HP_MUST_USE enum hp_status hp_splices_decode(struct hp_loading *loading);

/*
 * Lowers one splice to a write. Its size stays 0 when the target's bytes are not known and no write
 * can be made without them.
 */
HP_MUST_USE enum hp_status hp_splice_lower(const struct hp_capture *capture, uint32_t index,
                                           struct hp_write *write);

#else

/* Left out of the build: a payload that has splices does not come this far. */
static inline enum hp_status hp_splices_measure(struct hp_loading *loading)
{
    (void)loading;
    return HP_OK;
}

static inline enum hp_status hp_splices_decode(struct hp_loading *loading)
{
    (void)loading;
    return HP_OK;
}

static inline enum hp_status hp_splice_lower(const struct hp_capture *capture, uint32_t index,
                                             struct hp_write *write)
{
    (void)capture;
    (void)index;
    (void)write;
    return HP_SPECIAL_UNSUPPORTED;
}

#endif

#endif
