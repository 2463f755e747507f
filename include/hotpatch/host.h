/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host port: targets that are ELF image files, for tools and tests.
 *
 * One process may have any number of such targets. The functions of port.h are defined by the host
 * library and serve whichever struct hp_port they are given.
 */
#ifndef HOTPATCH_HOST_H
#define HOTPATCH_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hotpatch/port.h>
#include <hotpatch/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Options of hp_host_open(). Zero everything, set `size`, then set what is wanted. */
struct hp_host_options {
    size_t size;      /* sizeof(struct hp_host_options) */
    bool has_base;    /* use `base` */
    uint64_t base;    /* address of the first payload loaded; without it, the first page after the
                         image; later payloads follow. Rounded up as a payload's alignment demands */
    size_t page_size; /* bytes; 0: 4096 */
};

/*
 * Opens a target.
 *
 *   port     receives the target; give it back with hp_host_close()
 *   path     an unstripped ELF image (ET_EXEC or ET_DYN) such as xen-syms, read with libelf and
 * closed again: code and read-only bytes, symbols with file scopes, build-id, and the ranges that
 *            the image's own tables (alternatives, sealed landing pads) say it rewrites at boot.
 *            NULL: no target; every question on it is then answered HP_UNDECIDED
 *   options  NULL: all defaults
 *   diag     diag->name tells what is wrong with the image; may be NULL
 *
 * Returns HP_OK, HP_INVALID_ARGUMENT, HP_NO_MEMORY or HP_TARGET_FILE.
 */
HP_MUST_USE enum hp_status hp_host_open(struct hp_port **port, const char *path,
                                        const struct hp_host_options *options,
                                        struct hp_diag *diag);

/* Closes a target. Every payload loaded for it must be unloaded before. NULL is allowed. */
void hp_host_close(struct hp_port *port);

/*
 * Walks the address ranges that the target rewrites at boot, in ascending order and merged.
 *
 *   index  0 and up
 *
 * Returns false past the last.
 */
bool hp_host_rewritten(const struct hp_port *port, size_t index, uint64_t *addr, uint64_t *size);

/* Counters of a port, for tests and benchmarks. */
struct hp_host_counters {
    uint64_t allocs;       /* hp_port_alloc() calls */
    uint64_t image_allocs; /* hp_port_image_alloc() calls */
    uint64_t live;         /* allocations of both kinds not yet freed */
};

/* Reads the counters. */
void hp_host_counters(const struct hp_port *port, struct hp_host_counters *counters);

/*
 * Makes fallible port calls fail, for fault injection: the call number `nth` from now (1: the next
 * one) fails with the error its contract names, and when `onwards` is set every later one too.
 * 0 switches it off.
 */
void hp_host_fail(struct hp_port *port, uint64_t nth, bool onwards);

#ifdef __cplusplus
}
#endif

#endif
