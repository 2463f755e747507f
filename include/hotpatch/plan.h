/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Function and splice records as decoded, and the plan: the list of writes that applying a payload
 * makes.
 *
 * Every patch, of whatever kind, is lowered to writes {address, old bytes, new bytes} before any
 * CPU is stopped (SPEC section 9). The arrays belong to a struct hp_payload (load.h).
 */
#ifndef HOTPATCH_PLAN_H
#define HOTPATCH_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hotpatch/status.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HP_WRITE_MAX 32 /* bytes of the longest single write */

/* A function record of either version and word size, decoded and resolved. */
struct hp_record {
    const char *name;   /* NUL-terminated, in the payload's image; NULL when the record has none */
    uint64_t old_addr;  /* address to patch; 0 when undecided (no target) */
    uint64_t new_addr;  /* replacement; 0: NOP */
    uint64_t start;     /* of the function that holds old_addr; 0 when its size is not known */
    uint64_t limit;     /* first address after that function; 0 when not known */
    uint64_t island;    /* its second trampoline; 0: the replacement is within reach */
    uint32_t new_size;  /* as in the record */
    uint32_t old_size;  /* as in the record */
    uint8_t version;    /* 1 or 2 */
    bool undecided;     /* old_addr depends on a target that is not there */
    uint8_t patched;    /* atomic: 1 while target memory holds the new bytes */
    uint8_t expect_len; /* bytes at expect; 0: no expectation */
    uint8_t expect[HP_WRITE_MAX];
};

/* Kinds of splices; the numbers are those of the format. */
enum hp_splice_kind {
    HP_SPLICE_OF_BYTES = 1,
    HP_SPLICE_OF_CALL = 2,
    HP_SPLICE_OF_JUMP = 3,
    HP_SPLICE_OF_POINTER = 4
};

/* A splice record of either word size, decoded and resolved (SPEC section 9.3). */
struct hp_splice {
    const char *name;     /* NUL-terminated, in the payload's image; NULL when it has none */
    const char *old_name; /* the same */
    uint64_t addr;        /* of what is changed; 0 when undecided (no target) */
    uint64_t start;       /* of the function or object that holds addr; 0 when not known */
    uint64_t limit;       /* first address after it; 0 when its size is not known */
    uint64_t old_target;  /* not of bytes: where it must lead */
    uint64_t new_target;  /* not of bytes: where it is to lead */
    uint8_t kind;         /* enum hp_splice_kind */
    uint8_t size;         /* bytes at old_bytes and new_bytes; 0: not of bytes */
    bool undecided;       /* a place or target of it depends on a target that is not there */
    uint8_t patched;      /* atomic: 1 while target memory holds the new bytes */
    uint8_t old_bytes[HP_WRITE_MAX];
    uint8_t new_bytes[HP_WRITE_MAX];
};

enum hp_write_kind {
    HP_WRITE_JUMP,    /* a jump to the new function */
    HP_WRITE_NOP,     /* NOPs */
    HP_WRITE_BYTES,   /* splices: bytes */
    HP_WRITE_CALL_TO, /* a call that goes elsewhere */
    HP_WRITE_JUMP_TO, /* a jump that goes elsewhere */
    HP_WRITE_POINTER  /* an address */
};

/* One write into target memory. */
struct hp_write {
    uint64_t addr;       /* first byte written */
    uint64_t dest;       /* where the jump, call or pointer leads; HP_WRITE_NOP and _BYTES: 0 */
    uint64_t island;     /* second trampoline by which a jump gets there; 0: it does so directly */
    uint32_t record;     /* index of the record it comes from: see `splice` */
    uint8_t kind;        /* enum hp_write_kind */
    uint8_t pad;         /* bytes of a landing pad kept in front of addr */
    uint8_t size;        /* bytes at old_bytes and new_bytes */
    uint8_t uncertain;   /* 1: offline, and the target rewrites some of these bytes at boot */
    uint8_t applied;     /* 1: target memory holds new_bytes */
    uint8_t was_applied; /* the same when an action was scheduled */
    uint8_t splice;      /* 1: `record` counts in hp_payload.splices; 0: in hp_payload.records */
    uint8_t data;        /* 1: it is read-only data that is written, not code */
                         /* the arrays are aligned to 4, and their sizes multiples of it */
    uint8_t old_bytes[HP_WRITE_MAX]; /* put back by a revert */
    uint8_t new_bytes[HP_WRITE_MAX];
    uint8_t now_bytes[HP_WRITE_MAX]; /* what an action must find, once it is scheduled */
    uint8_t *alias;                  /* where an action writes, once it is scheduled */
    uint8_t *patched;                /* the record's own */
};

struct hp_payload;

/*
 * Captures the plan: reads the target's bytes as they are now (with the payloads in `applied` on
 * top), finds landing pads, checks expectations, encodes jumps, NOPs and splices, stores old and
 * new bytes, and checks that no two writes overlap and all lie where patching is allowed. The
 * writes are in the order of the records, those of functions before those of splices. Nothing is
 * written to the target. May be called again, for instance after another payload was applied.
 *
 *   payload  a loaded payload; its plan is replaced
 *   applied  payloads whose writes are to be taken as done although the port's memory does not show
 *            them, in order of application (offline); NULL and 0 when memory shows all there is
 *   diag     may be NULL
 *
 * Returns HP_OK or HP_RECORD_OLD_SIZE, HP_NOP_SIZE, HP_EXPECT_MISMATCH, HP_TARGET_READ,
 * HP_PATCH_REACH, HP_PATCH_FILLER, HP_PATCH_PAST_FUNCTION, HP_PATCH_LANDING_PAD, HP_PATCH_RANGE,
 * HP_PATCH_DENIED, HP_PATCH_OVERLAP, or for a splice HP_SPLICE_WRITABLE, HP_SPLICE_BOUNDS,
 * HP_SPLICE_ALIGN, HP_SPLICE_NOT_CODE, HP_SPLICE_NOT_BRANCH, HP_SPLICE_OLD_TARGET; the plan is
 * empty then. Context: load. May sleep. Time n log n in the number of records. Source: SPEC
 * sections 3 and 9.
 */
HP_MUST_USE enum hp_status hp_plan_capture(struct hp_payload *payload,
                                           const struct hp_payload *const *applied,
                                           size_t applied_count, struct hp_diag *diag);

#ifdef __cplusplus
}
#endif

#endif
