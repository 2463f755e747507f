/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entry points for Frama-C's value analysis (run.sh): the extent function and the whole ELF view on a
 * file of any bytes. SIZE is the number of bytes; with EXACT undefined the analysis covers every
 * length up to SIZE at once. Zero alarms prove the absence of run-time errors for all these inputs.
 */
#include <stdint.h>

#include <hotpatch/elf.h>

#include "__fc_builtin.h"

#ifndef SIZE
#define SIZE 4096
#endif

static uint8_t file[SIZE];

/* A length, an index, a flag: any value of its type, or in a range. */
static size_t any_length(void)
{
#ifdef EXACT
    return SIZE;
#else
    return (size_t)Frama_C_unsigned_int_interval(0, SIZE);
#endif
}

static uint32_t any_u32(void)
{
    return Frama_C_unsigned_int_interval(0, UINT32_MAX);
}

static void any_bytes(void)
{
    Frama_C_make_unknown((char *)file, SIZE);
}

/* Entry point: hp_elf_extent() alone. */
void eva_extent(void)
{
    struct hp_diag diag;
    size_t extent;
    enum hp_status st;

    any_bytes();
    hp_diag_init(&diag);
    st = hp_elf_extent(file, any_length(), &extent, &diag);
    Frama_C_show_each_extent(st, extent);
}

static void read_section(const struct hp_elf *elf)
{
    struct hp_section section;
    struct hp_reloc reloc;
    struct hp_span contents;
    enum hp_status st = hp_elf_section(elf, any_u32(), &section);

    if (st) {
        return;
    }
    contents = hp_elf_contents(elf, &section);
    st = hp_elf_reloc(elf, &section, any_u32(), &reloc);
    Frama_C_show_each_section(st, contents.size, hp_elf_reloc_count(elf, &section));
}

/* Entry point: all of the view, with indexes of any value. */
void eva_view(void)
{
    struct hp_elf elf;
    struct hp_diag diag;
    struct hp_symbol symbol;
    struct hp_span span;
    size_t pos = any_length();
    enum hp_status st;
    bool more;

    any_bytes();
    hp_diag_init(&diag);
    st = hp_elf_open(&elf, file, any_length(), NULL, &diag);
    if (st) {
        return;
    }
    read_section(&elf);
    st = hp_elf_symbol(&elf, any_u32(), &symbol, &diag);
    Frama_C_show_each_symbol(st, symbol.section);
    st = hp_elf_build_id(&elf, (enum hp_special)any_u32(), &span, &diag);
    Frama_C_show_each_id(st, span.size);
    more = hp_elf_modinfo_next(&elf, &pos, &span);
    Frama_C_show_each_modinfo(more, pos, span.size);
}
