/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host port: targets that are ELF image files, for tools and tests, and the process itself.
 *
 * One process may have any number of targets that are files, and one that is itself. The functions
 * of port.h are defined by the host library and serve whichever struct hp_port they are given.
 * Threads take the part of CPUs; those of a target that is a file execute nothing of it, yet
 * actions can be driven against the port's copy of its code.
 *
 * Unless a function says otherwise it may be called by any thread, and calls on one port need not
 * be serialised but for those that the contracts of port.h leave to the manager's lock.
 */
#ifndef HOTPATCH_HOST_H
#define HOTPATCH_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hotpatch/port.h>
#include <hotpatch/profile.h>
#include <hotpatch/status.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HP_HOST_CPUS 64 /* bound on CPU numbers of a port whose user did not name one */

/*
 * Options of hp_host_open() and hp_host_open_self(). Zero everything, set `size`, then set what is
 * wanted.
 */
struct hp_host_options {
    size_t size;        /* sizeof(struct hp_host_options) */
    bool has_base;      /* use `base` */
    uint64_t base;      /* address of the first payload loaded; without it, the first page after
                           the image; later payloads follow. Rounded up as a payload's alignment
                           demands. For the process itself: payloads are placed in the GiB from here
                           on, instead of near the executable */
    size_t page_size;   /* bytes; 0: 4096 for a file, that of the machine for the process itself,
                           which takes no other */
    uint32_t cpu_limit; /* bound on CPU numbers; 0: HP_HOST_CPUS */
};

/*
 * Opens a target.
 *
 *   port     receives the target; give it back with hp_host_close()
 *   path     an unstripped ELF image (ET_EXEC or ET_DYN) such as xen-syms, read with libelf and
 *            closed again: code and read-only bytes, symbols with file scopes, build-id, and the
 * ranges that the image's own tables (alternatives, sealed landing pads) say it rewrites at boot.
 *            NULL: no target; every question on it is then answered HP_UNDECIDED
 *   options  NULL: all defaults
 *   diag     diag->name tells what is wrong with the image; may be NULL
 *
 * Returns HP_OK, HP_INVALID_ARGUMENT, HP_NO_MEMORY or HP_TARGET_FILE.
 */
HP_MUST_USE enum hp_status hp_host_open(struct hp_port **port, const char *path,
                                        const struct hp_host_options *options,
                                        struct hp_diag *diag);

/*
 * Opens the calling process as a target: the executable that /proc/self/exe names, at the addresses
 * where it was loaded. Its symbols must not be stripped. Shared libraries are not part of the
 * target: neither are their symbols found nor can they be patched. This library's own code is on
 * the deny list.
 *
 * W^X holds throughout: the executable's code is copied into memory files once, in this call, and
 * these are mapped in its place, readable and executable, so that a writable view of the same pages
 * (hp_port_alias_map()) can be had without ever making code writable where it is executed. Threads
 * may execute that code meanwhile: the kernel exchanges the mapping in one step, and its bytes are
 * the same. Memory of payloads is made likewise. What follows from it, until the port is closed:
 *
 *   fork    The child shares the code, and what is applied or reverted later changes it under the
 *           child, which takes part in no rendezvous. Let a child of fork() call exec or _exit
 *           before the next action; posix_spawn() does.
 *   gdb     The kernel lets no debugger write to a shared mapping without write permission:
 *           software breakpoints cannot be set in the executable, hardware ones (hbreak) can. One
 *           that is set when this is called becomes part of the code.
 *   perf    names the mapping "memfd:hotpatch-text" and finds no symbols by itself.
 *   cores   leave the code out, unless coredump_filter asks for shared memory.
 *   limits  a file descriptor for each segment of code and each payload.
 *
 *   port     receives the target; give it back with hp_host_close()
 *   options  NULL: all defaults
 *   diag     diag->name tells what is wrong; may be NULL
 *
 * Returns HP_OK, HP_INVALID_ARGUMENT, HP_NO_MEMORY, or HP_TARGET_FILE: no or no unstripped
 * executable, one that is not what runs (started by a loader that was named on the command line),
 * code that is writable, a system that refuses executable memory files, or a port for this process
 * that is open already.
 */
HP_MUST_USE enum hp_status hp_host_open_self(struct hp_port **port,
                                             const struct hp_host_options *options,
                                             struct hp_diag *diag);

/*
 * Closes a target. Every payload loaded for it must be unloaded before, and every thread but the
 * caller detached. The code of the process itself is mapped from its executable again; where it
 * differs from that, because something is still applied, it stays as it is, and the process cannot
 * be opened again. NULL is allowed.
 */
void hp_host_close(struct hp_port *port);

/*
 * The profile that the target's capability record (target.h) names; NULL when it has no record.
 * With a record, payloads are placed in its load window unless a base was given, and code on its
 * deny list is not patchable.
 */
const struct hp_profile *hp_host_profile(const struct hp_port *port);

/* ---- CPUs ------------------------------------------------------------------------------------ */

#define HP_HOST_ANY_CPU UINT32_MAX

/*
 * Makes the calling thread a CPU of the target, online from now on: from here to
 * hp_host_cpu_detach() it must pass its safe points. Waits while an action holds the CPUs. A thread
 * may be a CPU of several targets. One that is none must not call hp_safe_point().
 *
 *   cpu  the number wanted, or HP_HOST_ANY_CPU for the lowest that is free; receives the number
 *
 * Returns HP_OK, HP_INVALID_ARGUMENT (the number is taken or not below the limit, none is free, the
 * thread is a CPU already) or HP_NO_MEMORY.
 */
HP_MUST_USE enum hp_status hp_host_cpu_attach(struct hp_port *port, uint32_t *cpu);

/*
 * Takes the calling thread offline; a thread that ends does so by itself. Waits while an action
 * holds the CPUs; one that is still gathering them then runs into its time-out, as it does not see
 * this CPU come.
 */
void hp_host_cpu_detach(struct hp_port *port);

/* ---- for tests ------------------------------------------------------------------------------- */

/*
 * Replaces the clock, which is CLOCK_MONOTONIC, by one that stands at `now` and that each reading
 * moves on by `step` nanoseconds, after it was read.
 */
void hp_host_clock_manual(struct hp_port *port, uint64_t now, uint64_t step);

/* Moves a manual clock on by `ns` nanoseconds. */
void hp_host_clock_advance(struct hp_port *port, uint64_t ns);

/*
 * The first breach of port.h's contracts, as "function: what was wrong", or NULL: calls from the
 * wrong context, in the wrong order or not in pairs, memory freed twice. Only builds with the CMake
 * option HP_HOST_CHECKS look; it is on by default where tests are built, sanitizers are used, or
 * the build type is Debug. Valid until the port is closed.
 */
const char *hp_host_violation(const struct hp_port *port);

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
    uint64_t allocs;         /* hp_port_alloc() calls */
    uint64_t image_allocs;   /* hp_port_image_alloc() and hp_port_island_alloc() calls */
    uint64_t live;           /* allocations of all kinds not yet freed */
    uint64_t aliases;        /* hp_port_alias_map() calls */
    uint64_t live_aliases;   /* aliases not yet unmapped */
    uint64_t live_mappings;  /* mappings made for payloads and aliases that are still there */
    uint64_t kicks;          /* hp_port_cpus_kick() calls */
    uint64_t interrupts_off; /* CPUs that have their interrupts off */
    uint64_t holds;          /* 1 while the CPUs are held, else 0 */
};

/* Reads the counters. */
void hp_host_counters(const struct hp_port *port, struct hp_host_counters *counters);

/*
 * Makes fallible port calls fail, for fault injection: the call number `nth` from now (1: the next
 * one), whichever thread makes it, fails with the error its contract names, and when `onwards` is
 * set every later one too. 0 switches it off. Fallible are the calls of port.h that return a status
 * or a pointer.
 */
void hp_host_fail(struct hp_port *port, uint64_t nth, bool onwards);

/* How many fallible calls there are until the one that fails; 0: none will. */
uint64_t hp_host_fail_left(const struct hp_port *port);

#ifdef __cplusplus
}
#endif

#endif
