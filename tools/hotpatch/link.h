/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts of `hotpatch link`. */
#ifndef HOTPATCH_TOOL_LINK_H
#define HOTPATCH_TOOL_LINK_H

#include <gelf.h>

#include "common.h"

/*
 * One output. Its sections: the null section, those of the payload that are loaded, in the order of
 * their addresses, .got where there is one, .symtab, .strtab, .shstrtab. Names of sections and
 * symbols come along as the payload's own string tables, whole: names may overlap there, so that
 * copying them one by one could take far more than the file.
 */
struct linker {
    const struct stack *stack;
    const struct loaded *loaded;
    Elf *out;
    uint64_t page;
    size_t word;                             /* bytes of an address */
    uint64_t region_at[HP_REGION_COUNT];     /* file offset of the region */
    uint64_t region_file[HP_REGION_COUNT];   /* bytes of it in the file */
    uint64_t end;                            /* of what is placed in the file so far */
    const struct hp_placed_section **places; /* by section of the payload */
    GElf_Section *out_index;                 /* section of the output by section of the payload */
    GElf_Sym *symbols;                       /* of .symtab; index 0 is the null symbol */
    size_t symbol_count;
    size_t local_count;     /* local ones among them, the null symbol included */
    GElf_Section got_index; /* section of the output; 0: no GOT */
    void *symtab;           /* memory of .symtab */
    uint8_t *shstr;         /* memory of .shstrtab */
};

/* Sections of the output besides those of the payload. */
#define LINK_EXTRA_SECTIONS 5

/* Converts the symbols of the payload to linker->symbols, once the output sections are known. */
void link_symbols(struct linker *linker);

/* Describes the whole output to libelf; on failure false, and elf_errmsg() says why. */
bool link_describe(struct linker *linker);

/* Frees what the two above obtained, but not linker->out. */
void link_free(struct linker *linker);

#endif
