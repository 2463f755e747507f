/* SPDX-License-Identifier: BSD-2-Clause */
/* The two halves of hp_symtab_build(), for those who have every name in hand once already. */
#ifndef HP_BASE_SYMTAB_H
#define HP_BASE_SYMTAB_H

#include <hotpatch/symtab.h>

/* What an entry of this name has in its field `hash`. */
uint32_t hp_symtab_hash(const char *name, size_t length);

/* Builds the index of entries whose hashes are set. */
void hp_symtab_index(struct hp_symtab *table);

#endif
