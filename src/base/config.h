/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Build-time feature switches, set by the build system; everything is on for those who compile the
 * sources without it. Those of the architectures are in arch/list.h.
 */
#ifndef HP_BASE_CONFIG_H
#define HP_BASE_CONFIG_H

#ifndef HP_WITH_SIGNATURES
#define HP_WITH_SIGNATURES 1
#endif

#ifndef HP_WITH_SPLICES
#define HP_WITH_SPLICES 1
#endif

#endif
