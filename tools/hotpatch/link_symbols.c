/* SPDX-License-Identifier: BSD-2-Clause */
/* The symbol table of a linked payload, with absolute addresses. */
#include <string.h>

#include "link.h"

static unsigned char symbol_info(unsigned bind, unsigned type)
{
    return (unsigned char)(bind << 4 | (type & 0xf));
}

/*
 * Gives an undefined symbol the address where the loader finds it. One that nothing provides, which
 * must be weak, stays undefined.
 */
static void resolve(const struct linker *linker, const struct hp_symbol *symbol, GElf_Sym *out)
{
    const struct stack *stack = linker->stack;
    struct hp_target_symbol found;

    if (hp_symbol_find(stack->port, stack->applied, stack->count, symbol->name,
                       strlen(symbol->name), &found) != HP_OK) {
        return;
    }
    out->st_value = found.addr;
    out->st_size = found.size;
    out->st_shndx = SHN_ABS;
    if (found.kind != HP_KIND_UNKNOWN) {
        out->st_info =
            symbol_info(symbol->bind, found.kind == HP_KIND_CODE ? STT_FUNC : STT_OBJECT);
    }
}

/* Turns a symbol of the payload into one of the output; false when it is not to be there. */
static bool convert(const struct linker *linker, const struct hp_symbol *symbol, GElf_Sym *out)
{
    const struct hp_elf *elf = &linker->loaded->elf;
    const struct hp_image *image = &linker->loaded->payload.image;

    memset(out, 0, sizeof(*out));
    out->st_name = (GElf_Word)(symbol->name - (const char *)elf->strings.data);
    out->st_info = symbol_info(symbol->bind, symbol->type);
    out->st_other = symbol->visibility;
    out->st_size = symbol->size;
    switch (symbol->place) {
    case HP_PLACE_UNDEFINED:
        if (symbol->name[0] == '\0') {
            return false;
        }
        if (linker->got_index != 0 && strcmp(symbol->name, GOT_SYMBOL) == 0) {
            out->st_shndx = linker->got_index;
            out->st_value = image->memory.addr + image->got_offset;
            out->st_size = image->got_count * linker->word;
            return true;
        }
        resolve(linker, symbol, out);
        return true;
    case HP_PLACE_ABSOLUTE:
        out->st_shndx = SHN_ABS;
        out->st_value = symbol->value;
        return true;
    case HP_PLACE_SECTION:
        if (linker->places[symbol->section] == NULL) {
            return false;
        }
        out->st_shndx = linker->out_index[symbol->section];
        out->st_value =
            image->memory.addr + linker->places[symbol->section]->offset + symbol->value;
        return true;
    case HP_PLACE_COMMON:
    default:
        return false;
    }
}

/* Converts the symbols of one half, local or not. */
static void convert_half(struct linker *linker, bool local)
{
    const struct hp_elf *elf = &linker->loaded->elf;
    uint32_t i;

    for (i = 1; i < elf->symbol_count; i++) {
        struct hp_symbol symbol;

        if (hp_elf_symbol(elf, i, &symbol, NULL) == HP_OK &&
            (symbol.bind == HP_STB_LOCAL) == local &&
            convert(linker, &symbol, &linker->symbols[linker->symbol_count])) {
            linker->symbol_count++;
        }
    }
}

void link_symbols(struct linker *linker)
{
    linker->symbols = tool_alloc(linker->loaded->elf.symbol_count, sizeof(linker->symbols[0]));
    linker->symbol_count = 1;
    /* The format demands local symbols first, which the payload may not have honoured. */
    convert_half(linker, true);
    linker->local_count = linker->symbol_count;
    convert_half(linker, false);
}
