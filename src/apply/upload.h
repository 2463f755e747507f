/* SPDX-License-Identifier: BSD-2-Clause */
/* Upload for those parts of the library that have made the private copy themselves. */
#ifndef HP_APPLY_UPLOAD_H
#define HP_APPLY_UPLOAD_H

#include <hotpatch/manager.h>

/*
 * hp_manager_upload() of bytes that the library has copied already. Not for embedders: a signature
 * that is verified over memory which somebody else can still change is none.
 */
HP_MUST_USE enum hp_status hp_manager_upload_private(struct hp_manager *manager, const char *name,
                                                     const void *data, size_t size,
                                                     struct hp_diag *diag);

#endif
