/* SPDX-License-Identifier: BSD-2-Clause */
/* Version and built-in features of the library. */
#ifndef HOTPATCH_VERSION_H
#define HOTPATCH_VERSION_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HP_VERSION_MAJOR  0
#define HP_VERSION_MINOR  1
#define HP_VERSION_PATCH  0
#define HP_VERSION_STRING "0.1.0"

/* Features that a build may leave out; see the CMake options HP_WITH_*. */
#define HP_FEATURE_SIGNATURES (1u << 0)
#define HP_FEATURE_CONTROL    (1u << 1)
#define HP_FEATURE_SPLICES    (1u << 2)

/* Version of the library linked, as opposed to that of the headers: HP_VERSION_STRING then. */
const char *hp_version(void);

/* HP_FEATURE_* bits of the library linked. */
uint32_t hp_features(void);

/* Whether the architecture of an ELF machine (HP_EM_* of elf.h) is built in. */
bool hp_has_machine(uint16_t machine);

#ifdef __cplusplus
}
#endif

#endif
