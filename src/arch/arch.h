/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an architecture is to the library: one constant table.
 *
 * An architecture lives in one file of this folder and one entry of list.h. The table is chosen at
 * run time by the payload's e_machine; a hypervisor compiles in the one that it runs on.
 */
#ifndef HP_ARCH_ARCH_H
#define HP_ARCH_ARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hotpatch/elf.h>
#include <hotpatch/status.h>

#include "base/config.h"

struct hp_reloc_job;

/* Properties of a relocation type, for the checks that come before any arithmetic. */
enum {
    HP_HOWTO_KNOWN = 1 << 0,     /* the type is supported */
    HP_HOWTO_NO_SYMBOL = 1 << 1, /* symbol index 0 is allowed */
    HP_HOWTO_GOT = 1 << 2,       /* needs a GOT slot for its symbol */
    HP_HOWTO_BRANCH = 1 << 3,    /* may go through a veneer when its symbol is out of reach */
    HP_HOWTO_THUMB = 1 << 4,     /* not supported, because it belongs to Thumb code */
    HP_HOWTO_PAIR = 1 << 5       /* other entries refer to it, which may be applied before it */
};

/* A bit of hp_arch.early_relocs. */
#define HP_EARLY_RELOC(type) (UINT64_C(1) << ((type) % 64))

#define HP_HOWTO_WIDTH_MAX 8u /* bytes of the widest field of any architecture */

struct hp_howto {
    uint8_t width; /* bytes of the field that is read and written */
    uint8_t flags; /* HP_HOWTO_* */
};

/* Names of the relocation types from `first` on; entries may be NULL. */
struct hp_reloc_names {
    uint32_t first;
    uint32_t count;
    const char *const *names;
};

#define HP_RELOC_NAMES(first, array)                                                               \
    {                                                                                              \
        (first), sizeof(array) / sizeof((array)[0]), (array)                                       \
    }

/* An entry of .altinstructions, decoded. */
struct hp_alternative {
    uint64_t site;        /* address of the bytes that may be replaced */
    uint64_t replacement; /* address of what replaces them */
    uint32_t site_size;   /* bytes, the padding included */
    uint32_t size;        /* bytes of the replacement */
    uint16_t feature;
    bool inverts; /* it replaces when the CPU does not have the feature */
};

#define HP_ALT_CALL_MAX 8 /* bytes of an alternative call */

/* Alternatives of an architecture. */
struct hp_alt_form {
    uint32_t entry_size; /* bytes */

    /* Decodes the entry at address `addr` and checks its lengths: HP_OK, HP_ALT_LENGTH or
     * HP_ALT_CALLBACK. */
    enum hp_status (*decode)(const uint8_t *entry, uint64_t addr, struct hp_alternative *alt);

    /*
     * Makes `copy`, a copy of the replacement `code`, do at the site what that does at its own
     * place: branches out of it are encoded anew. NULL: only says whether that can be done. Returns
     * HP_OK or HP_ALT_REACH.
     */
    enum hp_status (*move)(const struct hp_alternative *alt, uint64_t return_thunk,
                           const uint8_t *code, uint8_t *copy);

    /* ---- alternative calls; call_size 0: the architecture has none */

    uint32_t call_size; /* bytes of an indirect call through a pointer at a fixed address */

    /* True when that is what stands at `addr`; *pointer receives the pointer's address. */
    bool (*decode_call)(const uint8_t *code, uint64_t addr, uint64_t *pointer);

    /* True when a replacement stands for a direct call to what the site calls indirectly. */
    bool (*stands_for_call)(const struct hp_alternative *alt, const uint8_t *code);

    /* Turns it into a direct call of the same size; false when `to` is out of reach. */
    bool (*encode_call)(uint8_t *code, uint64_t addr, uint64_t to);
};

/* A call or jump with a displacement in it, as decoded. */
struct hp_branch {
    uint64_t to;    /* where it goes */
    uint64_t reach; /* the farthest that it can go forwards, in bytes */
    uint8_t size;   /* bytes of the instruction, or of the two that make it */
    bool is_call;
};

#define HP_BRANCH_MAX 8 /* bytes of the longest */

/* Calls and jumps of an architecture that splices can lead elsewhere (SPEC section 9.3). */
struct hp_branch_form {
    /* Decodes what stands in `code`, of which `size` bytes are there; false when it is none. */
    bool (*decode)(const uint8_t *code, size_t size, uint64_t addr, struct hp_branch *branch);

    /*
     * Makes the branch that was decoded go to `to`, which is aligned as code is. False when that is
     * out of its reach. *distance receives the magnitude of the displacement to be encoded.
     */
    bool (*encode)(const struct hp_branch *branch, uint8_t *code, uint64_t addr, uint64_t to,
                   uint64_t *distance);
};

/* Layout of bug frames (SPEC section 6). */
struct hp_bug_form {
    uint8_t size;          /* bytes of a frame of kind 0, 1 or 2 */
    uint8_t message_size;  /* bytes of one of kind 3, which has a message */
    uint8_t location_bits; /* of the first word: the displacement from the frame to the trap */
};

struct hp_arch {
    const char *name;
    uint16_t machine;    /* e_machine */
    uint8_t word;        /* bytes of an address: 8 or 4 */
    uint8_t insn_min;    /* bytes of the smallest instruction, a power of two: granularity of NOPs,
                            alignment of code */
    uint8_t jump_size;   /* bytes of the shortest jump that encode_jump() makes */
    uint8_t veneer_size; /* bytes of a veneer, a power of two; 0: branches need none */
    uint8_t island_size; /* bytes of a second trampoline, a multiple of `word` */
    bool uses_rel;       /* SHT_REL sections are known */
    bool uses_rela;      /* SHT_RELA sections are known */
    bool pairs_relocs;   /* relocate() needs hp_reloc_job.pairs */
    /*
     * Relocation types that have to be checked before the layout or before other entries are
     * applied: those with HP_HOWTO_GOT, HP_HOWTO_BRANCH or HP_HOWTO_PAIR. By bits, type modulo 64;
     * types that share a bit with one only cost time.
     */
    uint64_t early_relocs;
    uint64_t reach; /* every place within this distance of another can jump to it */
    struct hp_bug_form bug_frames;
    const struct hp_alt_form *alternatives; /* NULL: the architecture has none */
    const struct hp_branch_form *branches;  /* NULL: splices are left out of the build */

    const struct hp_howto *howtos; /* by relocation type */
    uint32_t howto_count;
    const struct hp_reloc_names *reloc_names; /* of all types of the ABI: a refused one is named */
    uint32_t reloc_name_count;

    /*
     * Checks and applies all entries of one relocation section. Runs its own loop, by
     * hp_reloc_each(), so that the architecture's arithmetic is inlined in it and no call is made
     * for an entry.
     */
    enum hp_status (*relocate)(struct hp_reloc_job *job, struct hp_diag *diag);

    /* Bytes of the landing pad that `code` begins with and that stays; 0 when there is none. */
    size_t (*landing_pad)(const uint8_t *code, size_t size);

    /*
     * True when `code` begins with an instruction that signs the return address. It is a landing
     * pad as well, but a jump has to overwrite it: the new function signs for itself. NULL: the
     * architecture has none.
     */
    bool (*signs_return)(const uint8_t *code, size_t size);

    /*
     * True when an indirect call may land on what `code` begins with, where the target enforces
     * landing pads: a sealed one does not count. NULL: there is no such thing.
     */
    bool (*takes_calls)(const uint8_t *code, size_t size);

    /*
     * Encodes the shortest jump from `from` to `to` into at most HP_JUMP_MAX bytes and returns its
     * size; 0 when none reaches. With `pad` it begins with a landing pad of its own. *distance
     * receives the magnitude of the displacement that is to be encoded.
     */
    size_t (*encode_jump)(uint8_t *out, uint64_t from, uint64_t to, bool pad, uint64_t *distance);

    /*
     * Encodes a second trampoline, which jumps to `to` wherever that is: island_size bytes, placed
     * at a multiple of `word`. It jumps indirectly, and changes no register that a function is
     * entered with.
     */
    void (*encode_island)(uint8_t *out, uint64_t to);

    /* Fills `size` bytes, a multiple of insn_min, with NOPs, the longest that fit. */
    void (*fill_nops)(uint8_t *out, size_t size);

    /*
     * Bytes of the instruction that `code` begins with when it is one that linkers and assemblers
     * put between functions: a NOP, a trap, zeros. 0 when it is not, or not all of it is there.
     */
    size_t (*filler)(const uint8_t *code, size_t size);

    /* Names that mark code and data (as Arm's $a) and are no symbols; NULL: the architecture has
     * none. */
    bool (*is_marker)(const char *name, size_t length);

    /*
     * 32-bit Arm alone: true when a symbol of the payload's text says that Thumb code is there,
     * which is not supported. NULL: there is no such thing.
     */
    bool (*is_thumb)(const struct hp_symbol *symbol);
};

/* Bytes of the longest jump. */
#define HP_JUMP_MAX 8

/* Bytes of the longest second trampoline. */
#define HP_ISLAND_MAX 24

/* Initializer of hp_arch.branches. */
#define HP_BRANCHES(name) (HP_WITH_SPLICES ? &hp_branches_##name : NULL)

/* The table of each architecture, and its alternatives and branches, which not every one defines.
 */
#define HP_ARCH(name)                                                                              \
    extern const struct hp_arch hp_arch_##name;                                                    \
    extern const struct hp_alt_form hp_alternatives_##name;                                        \
    extern const struct hp_branch_form hp_branches_##name;
#include "arch/list.h"
#undef HP_ARCH

/* Finds the table of an ELF machine; NULL when it is not built in. */
const struct hp_arch *hp_arch_find(uint16_t machine);

#endif
