/* SPDX-License-Identifier: BSD-2-Clause */
/* What `hotpatch inspect` found out about a payload, for its text and its JSON form. */
#ifndef HOTPATCH_TOOL_INSPECT_H
#define HOTPATCH_TOOL_INSPECT_H

#include "common.h"

/* The part of a hook section's name that all have. */
#define HOOK_PREFIX ".livepatch.hooks."

struct inspection {
    struct hp_port *port;                    /* without a target */
    struct loaded loaded;                    /* as much of it as could be had */
    bool has_view;                           /* loaded.elf is open */
    bool is_loaded;                          /* loaded.payload and loaded.names are there */
    const struct hp_placed_section **places; /* with is_loaded */
    struct hp_diag diag;                     /* why it does not load */
    struct trust trust;
    struct hp_trailer trailer;         /* what its signature says of itself ... */
    enum hp_status trailer_status;     /* ... if this is HP_OK */
    struct hp_signature_result result; /* with a key ring */
};

/* One type of relocation in one section. */
struct tally {
    uint32_t type;
    uint32_t count;
};

/* How a file's bytes after the ELF file are to be taken. */
enum signature {
    SIGNATURE_NONE,
    SIGNATURE_PRESENT,
    SIGNATURE_UNKNOWN /* refused before that was looked at */
};

/* Counts the types of a relocation section, by ascending type. Free *tallies with free(). */
size_t inspect_tally(const struct hp_elf *elf, const struct hp_section *section,
                     struct tally **tallies);

enum signature inspect_signature(const struct inspection *in, size_t *trailing);

/* Reads the signature and, with a key ring, verifies it; then a signature that is not good gives
 * its status. HP_OK otherwise. */
HP_MUST_USE enum hp_status inspect_verify(struct inspection *in, struct hp_diag *diag);

/* Who signed, as a line or as an object; nothing or NULL when there is no sound signature. */
void inspect_print_signer(const struct inspection *in);
struct json_object *inspect_signer_value(const struct inspection *in);

/* True for a symbol that later payloads could use; when the payload does not load, a guess. */
bool inspect_provides(const struct inspection *in, const struct hp_symbol *symbol);

/* True for a symbol that somebody else must provide. */
bool inspect_needs(const struct inspection *in, const struct hp_symbol *symbol);

/* Address in hook `index` of a kind (counted from HP_HOOK_FIRST). */
uint64_t inspect_hook(const struct inspection *in, unsigned kind, uint32_t index);

/* Tables of the target that a payload may have. */
#define INSPECT_TABLES (3 + HP_BUG_KINDS)

/* Entries of such a table, counted from 0; *name receives its section's name. */
uint32_t inspect_table(const struct inspection *in, unsigned table, const char **name);

/* Place of an address inside the payload. */
struct place inspect_place(const struct inspection *in, uint64_t addr);

/* Region in which a section is loaded: "text"; NULL when it is not, or not known. */
const char *inspect_region(const struct inspection *in, uint32_t section);

/* Splits "key=value" of .modinfo; without '=' all of it is the key. */
void inspect_split(struct hp_span entry, struct hp_span *key, struct hp_span *value);

/* Names of ELF numbers; `buf` takes the number where there is no name. */
#define NUMBER_MAX 16
const char *machine_name(uint16_t machine, char buf[NUMBER_MAX]);
const char *osabi_name(uint8_t osabi, char buf[NUMBER_MAX]);
const char *section_type_name(uint32_t type, char buf[NUMBER_MAX]);
const char *reloc_name(uint16_t machine, uint32_t type, char buf[NUMBER_MAX]);

/* "WAX", as far as the flags are set. */
const char *section_flags(uint64_t flags, char buf[NUMBER_MAX]);

/* inspect_splices.c: one line on a splice; all of them as a JSON list. */
void inspect_print_splice(const struct inspection *in, uint32_t index);
struct json_object *inspect_splices_value(const struct inspection *in);

void inspect_print_json(const struct inspection *in);

#endif
