/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entry points for Frama-C's value analysis (run.sh): the extent function and the whole ELF view on
 * a file of any bytes. SIZE is the number of bytes; with EXACT undefined the analysis covers every
 * length up to SIZE at once. Zero alarms prove the absence of run-time errors for all these inputs.
 */
#include <__fc_builtin.h>
#include <stdint.h>

#include <hotpatch/elf.h>

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

/* Entry point: hp_elf_open(). */
void eva_open(void)
{
    struct hp_elf elf;
    struct hp_diag diag;
    enum hp_status st;

    any_bytes();
    hp_diag_init(&diag);
    st = hp_elf_open(&elf, file, any_length(), NULL, &diag);
    Frama_C_show_each_open(st, elf.shnum);
}

/* A part of the file, anywhere. */
static struct hp_span any_part(size_t size)
{
    struct hp_span span = {file, 0};
    const uint32_t start = any_u32();
    const uint32_t length = any_u32();

    if (start <= size && length <= size) {
        span.data = file + start;
        span.size = length;
    }
    return span;
}

/* A view with any fields at all, as long as its spans begin in the file. */
static struct hp_elf any_view(void)
{
    struct hp_elf elf = {0};
    unsigned i;

    elf.file.data = file;
    elf.file.size = any_length();
    elf.is64 = Frama_C_interval(0, 1) == 1;
    elf.machine = (uint16_t)any_u32();
    elf.flags = any_u32();
    elf.osabi = (uint8_t)any_u32();
    elf.shoff = Frama_C_unsigned_long_long_interval(0, UINT64_MAX);
    elf.shnum = any_u32();
    elf.shentsize = (uint16_t)any_u32();
    elf.shstrndx = any_u32();
    elf.shstr = any_part(elf.file.size);
    elf.symtab = any_u32();
    elf.symbols = any_part(elf.file.size);
    elf.symbol_count = any_u32();
    elf.strings = any_part(elf.file.size);
    elf.shndx = any_part(elf.file.size);
    for (i = 0; i < HP_SPECIAL_COUNT; i++) {
        elf.special[i] = any_u32();
    }
    return elf;
}

/* Entry point: every getter on any view, with any index, and with section headers of any contents.
 */
void eva_getters(void)
{
    struct hp_elf elf;
    struct hp_diag diag;
    struct hp_section section;
    struct hp_symbol symbol;
    struct hp_reloc reloc;
    struct hp_span span;
    size_t pos = any_u32();
    enum hp_status st;
    bool more;

    any_bytes();
    hp_diag_init(&diag);
    elf = any_view();
    st = hp_elf_section(&elf, any_u32(), &section);
    Frama_C_show_each_section(st, section.size);
    span = hp_elf_contents(&elf, &section);
    Frama_C_show_each_contents(span.size, hp_elf_reloc_count(&elf, &section));
    st = hp_elf_reloc(&elf, &section, any_u32(), &reloc);
    Frama_C_show_each_reloc(st, reloc.type);
    st = hp_elf_symbol(&elf, any_u32(), &symbol, &diag);
    Frama_C_show_each_symbol(st, symbol.section);
    st = hp_elf_build_id(&elf, (enum hp_special)any_u32(), &span, &diag);
    Frama_C_show_each_id(st, span.size);
    more = hp_elf_modinfo_next(&elf, &pos, &span);
    Frama_C_show_each_modinfo(more, pos, span.size);
}
