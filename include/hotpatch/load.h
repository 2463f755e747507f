/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loading: from the bytes of a payload to a relocated image with decoded records, one call.
 */
#ifndef HOTPATCH_LOAD_H
#define HOTPATCH_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hotpatch/elf.h>
#include <hotpatch/image.h>
#include <hotpatch/plan.h>
#include <hotpatch/port.h>
#include <hotpatch/profile.h>
#include <hotpatch/sign.h>
#include <hotpatch/status.h>
#include <hotpatch/symtab.h>

#ifdef __cplusplus
extern "C" {
#endif

struct hp_arch;

/* hp_symtab_entry.order of what a payload provides. */
enum {
    HP_PROVIDED_GLOBAL, /* later payloads can refer to it */
    HP_PROVIDED_LOCAL   /* kept only because the profile wants local symbols to be new, too */
};

/* Hook pointers of one kind: `count` target words at `offset` of the image. */
struct hp_hooks {
    uint32_t offset;
    uint32_t count;
};

/* A table of the payload: `count` entries at `offset` of the image. */
struct hp_table {
    uint32_t offset;
    uint32_t count;
};

#define HP_BUG_KINDS 4 /* .bug_frames.0 to .3 */

/* A function of the payload's text, or a label outside of any; offsets are those of the image. */
struct hp_text_symbol {
    uint32_t start;
    uint32_t end;  /* first byte behind it; of a label, where the next symbol or section begins */
    uint32_t name; /* offset in hp_payload.names */
    uint32_t bind; /* HP_STB_* */
};

/* What an offline load could not decide. All zero on a running target. */
struct hp_undecided {
    bool signature;        /* it is signed and there is no key ring to verify that with */
    bool target;           /* there is no target: identity, symbols and bytes are unchecked */
    uint32_t symbols;      /* undefined symbols that were taken as provided */
    uint32_t relocations;  /* relocations against them, not computed */
    uint32_t records;      /* records whose function, place or target could not be looked up */
    uint32_t expectations; /* those that bytes which the target rewrites at boot would decide */
    uint32_t writes;       /* writes whose old bytes the target rewrites at boot */
    uint32_t tables;       /* tables of which nobody can say whether the target supports them */
    uint32_t alternatives; /* alternatives and alternative calls, left as they are in the file */
};

/*
 * A loaded payload. Caller-owned, filled by hp_payload_load(); read-only for callers. It must not
 * be moved or copied while loaded: its parts point into its own memory.
 */
struct hp_payload {
    struct hp_port *port;
    const struct hp_profile *profile;
    const struct hp_arch *arch;
    struct hp_image image;
    struct hp_image_memory islands; /* the second trampolines; size 0: none is needed */

    struct hp_span build_id;    /* descriptor of .note.gnu.build-id, in the work area */
    struct hp_span depends;     /* of .livepatch.depends */
    struct hp_span xen_depends; /* of .livepatch.xen_depends; size 0 when absent */
    struct hp_span modinfo;     /* .modinfo in the image; size 0 when absent */
    struct hp_hooks hooks[HP_HOOK_LAST - HP_HOOK_FIRST + 1]; /* index: HP_SPECIAL_HOOKS_* - FIRST */
    struct hp_table ex_table; /* sorted by fault address; entries of two self-relative words */
    struct hp_table bug_frames[HP_BUG_KINDS];
    struct hp_table alternatives;
    struct hp_table alt_calls;
    struct hp_text_symbol *text_symbols; /* unsorted; for hp_payload_symbol_at() */
    uint32_t text_symbol_count;
    const char *names; /* the file's symbol names, as far as text_symbols and provided need them */
    struct hp_record *records;
    uint32_t record_count;
    struct hp_splice *splices;
    uint32_t splice_count;
    uint8_t record_version;               /* 1 or 2; 2 without records */
    bool safe_to_reapply;                 /* may be applied again after a revert (SPEC section 7) */
    bool has_signature;                   /* a signature trailer follows the ELF file */
    uint64_t version;                     /* hotpatch_version of .modinfo; 0 without it */
    struct hp_signature_result signature; /* who signed it; status HP_UNSIGNED: nobody */
    struct hp_write *writes;              /* the plan, after hp_plan_capture() */
    uint32_t write_count;
    uint32_t *write_order;    /* indexes into writes, by ascending address */
    struct hp_alias *aliases; /* through which an action writes; the manager's */
    uint32_t alias_count;
    struct hp_payload *below;  /* the payload that was applied before this one; the manager's */
    struct hp_symtab provided; /* new symbols, by HP_PROVIDED_* as their order */
    struct hp_undecided undecided;
    void *block; /* the one work area */
    size_t block_size;
};

/* Options of a load. Zero everything, set `size`, then set what is wanted. */
struct hp_load_options {
    size_t size;                            /* sizeof(struct hp_load_options) */
    const struct hp_profile *profile;       /* NULL: hp_profile_default */
    const struct hp_payload *const *loaded; /* payloads loaded before; may be NULL */
    size_t loaded_count;
    bool *imported;       /* receives, for each of `loaded`, whether the payload refers to what it
                             provides; loaded_count entries; may be NULL */
    bool allow_undecided; /* offline: an answer HP_UNDECIDED of the port is counted, not refused */
    const struct hp_keyring *keyring;         /* trusted keys; NULL: none */
    const struct hp_signature_policy *policy; /* NULL: all defaults; an unsigned payload loads */
    struct hp_signature_result *signature;    /* receives what is known of the signature, also when
                                                 the load fails; zeroed when it fails earlier; may
                                                 be NULL */
};

/*
 * Loads a payload: finds the file's extent, verifies the signature, opens the ELF view, checks the
 * target's identity and the payload's version, lays out and fills the image, resolves symbols,
 * relocates, decodes records and hooks, sets the final page permissions. Makes one hp_port_alloc()
 * and one hp_port_image_alloc(), whatever the payload, and one more hp_port_alloc() before, which
 * it gives back, to verify a signature. Where functions are beyond the reach of their jumps, and
 * the target has HP_TARGET_ISLANDS, one hp_port_island_alloc() follows.
 *
 * A signed payload has to verify, whatever the policy: without keys it is refused, or, where
 * allow_undecided says so, counted as undecided. The policy may require a signature of every
 * payload. Nothing of the payload but what hp_elf_extent() looks at is interpreted before.
 *
 *   payload  receives the result; zeroed on error
 *   port     the target
 *   data     the payload file; not referred to afterwards. Nobody may change it during the call: a
 *            signature would say nothing then. hp_manager_upload() makes a copy for that reason.
 *   size     bytes at data
 *   options  NULL: all defaults
 *   diag     says where it failed; may be NULL
 *
 * Returns HP_OK, or the status of the first defect: any that is not only of hp_plan_capture(), or
 * for a function that needs a second trampoline HP_PATCH_RANGE or HP_PATCH_DENIED.
 * Nothing is left allocated on error, and target memory is never written. Context: load. May sleep.
 * Source: SPEC section 7.
 */
HP_MUST_USE enum hp_status hp_payload_load(struct hp_payload *payload, struct hp_port *port,
                                           const void *data, size_t size,
                                           const struct hp_load_options *options,
                                           struct hp_diag *diag);

/*
 * Finds a symbol as the loader does: in the target, then in the payloads loaded before, in order.
 *
 *   loaded        the payloads loaded before; may be NULL when loaded_count is 0
 *   name, length  not NUL-terminated
 *   symbol        receives the answer; its name stays valid while target and payloads do
 *
 * Returns HP_OK, HP_SYMBOL_UNDEFINED, HP_SYMBOL_AMBIGUOUS or HP_UNDECIDED (there is no target).
 * Context: load. May sleep.
 */
HP_MUST_USE enum hp_status hp_symbol_find(struct hp_port *port,
                                          const struct hp_payload *const *loaded,
                                          size_t loaded_count, const char *name, size_t length,
                                          struct hp_target_symbol *symbol);

/*
 * Checks that a payload may be applied next: its depends note names what was applied last, or the
 * target when nothing is (SPEC section 5).
 *
 *   applied  the applied payloads, in order; may be NULL when applied_count is 0
 *
 * Returns HP_OK, HP_DEPENDS_BUILD_ID, or HP_UNDECIDED when there is no target to compare with.
 * Any context.
 */
HP_MUST_USE enum hp_status hp_payload_stacks_on(const struct hp_payload *payload,
                                                const struct hp_payload *const *applied,
                                                size_t applied_count, struct hp_diag *diag);

/*
 * Finds the fix-up of an instruction of the payload that faulted.
 *
 *   addr   of the instruction
 *   fixup  receives where to go on
 *
 * Returns false when the exception table has no entry for it. Any context; logarithmic.
 */
bool hp_payload_fixup(const struct hp_payload *payload, uint64_t addr, uint64_t *fixup);

#define HP_BUG_FRAME_MAX 16 /* bytes of the longest bug frame */

/* A bug frame, as found. */
struct hp_bug_frame {
    uint32_t kind; /* 0 to 3: the N of .bug_frames.N */
    uint64_t addr; /* of the frame; displacements in it count from here */
    uint32_t size; /* bytes */
    uint8_t bytes[HP_BUG_FRAME_MAX];
};

/*
 * Finds the bug frame of a trapping instruction of the payload.
 *
 * Returns false when there is none. Any context; linear in the number of bug frames.
 */
bool hp_payload_bug_frame(const struct hp_payload *payload, uint64_t addr,
                          struct hp_bug_frame *frame);

/*
 * Finds the function of the payload's text that holds an address, the innermost of several; outside
 * of any, the label closest below it in its section. Of aliases it finds the longest, then a global
 * one.
 *
 *   symbol  receives it; its name begins at payload->names + symbol->name
 *
 * Returns false when there is none. Any context; linear in the number of the text's symbols, since
 * a back-trace can wait and a load should not.
 */
bool hp_payload_symbol_at(const struct hp_payload *payload, uint64_t addr,
                          struct hp_text_symbol *symbol);

/*
 * Finds a key of the payload's metadata (.modinfo).
 *
 *   key  NUL-terminated
 *
 * Returns the value, which ends with NUL and stays valid while the payload is loaded; NULL when
 * there is no such key. Any context; linear in the size of the metadata.
 */
const char *hp_payload_metadata(const struct hp_payload *payload, const char *key);

/*
 * Walks the metadata, "key=value" strings each with its NUL.
 *
 *   pos  0 to begin with; advanced by each call
 *
 * Returns the next non-empty string, NULL at the end. It stays valid while the payload is loaded.
 * Any context.
 */
const char *hp_payload_metadata_next(const struct hp_payload *payload, size_t *pos);

/* Frees all that a load obtained and zeroes the struct. A zeroed or failed one is allowed. */
void hp_payload_unload(struct hp_payload *payload);

#ifdef __cplusplus
}
#endif

#endif
