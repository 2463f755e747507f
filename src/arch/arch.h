/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an architecture is to the library: one constant table.
 *
 * An architecture lives in one file of this folder and one line of arch.c. Built hosted, the table
 * is chosen at run time by the payload's e_machine; built freestanding, one is compiled in.
 */
#ifndef HP_ARCH_ARCH_H
#define HP_ARCH_ARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hotpatch/status.h>

struct hp_reloc_job;

/* Properties of a relocation type, for the checks that come before any arithmetic. */
enum {
    HP_HOWTO_KNOWN = 1 << 0,     /* the type is supported */
    HP_HOWTO_NO_SYMBOL = 1 << 1, /* symbol index 0 is allowed */
    HP_HOWTO_GOT = 1 << 2        /* needs a GOT slot for its symbol */
};

struct hp_howto {
    uint8_t width; /* bytes of the field that is read and written */
    uint8_t flags; /* HP_HOWTO_* */
};

struct hp_arch {
    const char *name;
    uint16_t machine;  /* e_machine */
    uint8_t word;      /* bytes of an address: 8 or 4 */
    uint8_t insn_min;  /* bytes of the smallest instruction, a power of two: granularity of NOPs */
    uint8_t jump_size; /* bytes of the jump that encode_jump() makes */
    bool uses_rel;     /* SHT_REL sections are known */
    bool uses_rela;    /* SHT_RELA sections are known */
    uint64_t reach;    /* every place within this distance of another can jump to it */

    const struct hp_howto *howtos; /* by relocation type */
    uint32_t howto_count;
    const char *const *reloc_names; /* by relocation type; entries may be NULL */

    /*
     * Applies all entries of one relocation section to the image. The entries have passed the
     * checks of the scan (known type, symbol index, offset). Runs its own loop, so that the
     * architecture's arithmetic is inlined in it and no call is made for an entry.
     */
    enum hp_status (*relocate)(struct hp_reloc_job *job, struct hp_diag *diag);

    /* Bytes of the landing pad that `code` begins with; 0 when there is none. */
    size_t (*landing_pad)(const uint8_t *code, size_t size);

    /*
     * Encodes a jump from `from` to `to` into jump_size bytes; false when it does not reach.
     * *distance receives the magnitude of the displacement that is to be encoded.
     */
    bool (*encode_jump)(uint8_t *out, uint64_t from, uint64_t to, uint64_t *distance);

    /* Fills `size` bytes with NOPs, the longest that fit. */
    void (*fill_nops)(uint8_t *out, size_t size);

    /* Names that mark code and data (as Arm's $a) and are no symbols; NULL: the architecture has
     * none. */
    bool (*is_marker)(const char *name, size_t length);
};

extern const struct hp_arch hp_arch_x86_64;

/* Finds the table of an ELF machine; NULL when it is not built in. */
const struct hp_arch *hp_arch_find(uint16_t machine);

#endif
