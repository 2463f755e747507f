/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The capability record: what a hypervisor says in its own image file about how it loads payloads,
 * so that an offline verdict needs nothing but that file.
 *
 * It is the contents of the section HP_TARGET_SECTION, which is loaded and read-only. Build-id,
 * symbols and code are where every image has them; the record adds what no other table tells.
 */
#ifndef HOTPATCH_TARGET_H
#define HOTPATCH_TARGET_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HP_TARGET_SECTION ".hotpatch.target"
#define HP_TARGET_MAGIC   "HOTPATCH" /* eight bytes, no NUL */

#define HP_TARGET_PROFILE_MAX 32 /* bytes of a profile's name, with NUL */

/* Little-endian; the addresses are those of the image. Later versions append fields. */
struct hp_target_record {
    char magic[8];
    uint32_t size;         /* bytes of the record, at least those of this struct */
    uint32_t flags;        /* HP_TARGET_* of port.h, without HP_TARGET_LIVE */
    uint64_t build_id;     /* address of the build-id note */
    uint64_t window_start; /* payloads are loaded in [window_start, window_end) */
    uint64_t window_end;
    uint64_t deny_start; /* code in [deny_start, deny_end) is on the deny list */
    uint64_t deny_end;
    char profile[HP_TARGET_PROFILE_MAX]; /* name of the profile by which payloads are judged */
};

#ifdef __cplusplus
}
#endif

#endif
