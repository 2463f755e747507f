/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the pack command share. */
#ifndef HOTPATCH_TOOL_PACK_H
#define HOTPATCH_TOOL_PACK_H

#include "common.h"

#define PACK_ID_SIZE 20 /* bytes of a payload's build-id, as linkers make them */

/* What the payload says of itself besides code: notes and metadata. */
struct pack_facts {
    struct hp_span target_id;  /* build-id of the target */
    struct hp_span depends_id; /* of what it stacks on */
    uint8_t *modinfo;          /* "key=value" strings with their NULs; NULL: none */
    size_t modinfo_size;
};

/*
 * Writes a relocatable file of the class, machine and flags of `like` with the notes and the
 * metadata. Returns false after saying why.
 */
bool pack_write_facts(int fd, const char *path, const struct hp_elf *like,
                      const struct pack_facts *facts);

/*
 * Links relocatable files into one with the linker for a machine, which gives it an empty build-id.
 * Returns false after saying why.
 *
 *   files, count  paths
 *   out           path
 */
bool pack_link(uint16_t machine, const char *const *files, size_t count, const char *out);

/*
 * Fills what records leave open, in the bytes of the linked file, and says what it did on stdout.
 * Returns TOOL_ACCEPTED, TOOL_REFUSED or TOOL_TROUBLE after saying why.
 */
int pack_fill(struct file *file, const struct hp_elf *elf, const struct stack *stack, bool expect);

#endif
