/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Profiles: the limits and rules of one hypervisor, so that one library answers "would that
 * hypervisor take this payload?" (SPEC section 15).
 */
#ifndef HOTPATCH_PROFILE_H
#define HOTPATCH_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A set of limits and rules. Constant data, owned by whoever defines it; a hypervisor may define
 * its own, best by copying hp_profile_default and changing fields.
 */
struct hp_profile {
    const char *name;
    /* limits */
    uint32_t file_max;        /* bytes of a payload file */
    uint32_t nobits_max;      /* bytes of one SHT_NOBITS section */
    uint32_t image_max;       /* bytes of a loaded payload, padding included */
    uint32_t sections_max;    /* section headers, index 0 included */
    uint32_t symbol_name_max; /* bytes of a symbol name that is looked up, without its NUL */
    /* rules; each is stricter when set, but for uses_filler */
    uint32_t record_versions;      /* bit n set: records of version n are accepted */
    const uint16_t *reloc_types;   /* relocation types accepted; NULL: all that the library knows */
    uint32_t reloc_type_count;     /* entries at reloc_types */
    uint32_t signature_algorithms; /* HP_ALLOW(HP_KEY_...): what it can verify; 0: all */
    bool weak_must_resolve;        /* an undefined weak symbol that nothing provides is refused */
    bool locals_must_be_new;       /* named local symbols, too, must not exist elsewhere */
    bool no_name_offsets;          /* "symbol+offset" in a record is the name of no symbol */
    bool no_splices;         /* .hotpatch.splices, which only this library knows, is refused */
    bool relocs_need_symbol; /* symbol 0 is refused with relocations that use no symbol, too */
    bool plain_sections; /* no SHT_NULL but the first, no loaded one with an alignment of 0, none
                            that begins inside the ELF header */
    bool no_extended_numbers; /* section numbers that stand in section 0 or SHT_SYMTAB_SHNDX */
    /*
     * Less strict when set, and off by default: what linkers put behind a function, up to the next
     * symbol, counts for its old_size when a jump needs it.
     */
    bool uses_filler;
    /*
     * Every compiler that the payload names, in .comment or as "compiler=" in its metadata, is one
     * that made the target, and it names one (SPEC section 14).
     */
    bool same_compiler;
    bool xen_depends_required; /* .livepatch.xen_depends is required with records of version 1, too
                                */
};

/* The default: everything that the specification allows. Name "hotpatch". */
extern const struct hp_profile hp_profile_default;

/* The real Xen 4.17 on x86-64. Name "xen-4.17". */
extern const struct hp_profile hp_profile_xen_4_17;

/* Finds a built-in profile by name; NULL when there is none of that name. Any context. */
const struct hp_profile *hp_profile_find(const char *name);

/* The built-in profiles by index, for listings; NULL past the last. Any context. */
const struct hp_profile *hp_profile_at(size_t index);

#ifdef __cplusplus
}
#endif

#endif
