/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MINIVISOR_ARCHIVE_H
#define MINIVISOR_ARCHIVE_H

#include <minivisor/mv.h>

/* Remembers where the archive is; after mv_memory_init(). */
void mv_archive_init(const struct mv_boot *boot);

#endif
