/* SPDX-License-Identifier: BSD-2-Clause */
/* Headers, segments and sections of a linked payload. */
#include <stdlib.h>
#include <string.h>

#include "link.h"

/* Appended to the payload's section names. */
static const char extra_names[] = ".got\0.symtab\0.strtab\0.shstrtab";
enum { NAME_GOT = 0, NAME_SYMTAB = 5, NAME_STRTAB = 13, NAME_SHSTRTAB = 21 };

static uint64_t align_up(uint64_t value, uint64_t align)
{
    return (value + align - 1) & ~(align - 1);
}

/* Adds a section with its bytes, which must live until the file is written. NULL on failure. */
static Elf_Scn *add_section(const struct linker *linker, const GElf_Shdr *header, void *bytes)
{
    Elf_Scn *scn = elf_newscn(linker->out);
    GElf_Shdr copy = *header;
    Elf_Data *data;

    if (scn == NULL || gelf_update_shdr(scn, &copy) == 0) {
        return NULL;
    }
    data = elf_newdata(scn);
    if (data == NULL) {
        return NULL;
    }
    data->d_buf = bytes;
    data->d_size = (size_t)header->sh_size;
    data->d_align = header->sh_addralign;
    data->d_type = header->sh_type == SHT_SYMTAB ? ELF_T_SYM : ELF_T_BYTE;
    return scn;
}

/* Makes a region reach in the file up to `end` bytes of the image at least. */
static void cover(struct linker *linker, unsigned region, uint64_t end)
{
    uint64_t size = end - linker->loaded->payload.image.regions[region].offset;

    if (size > linker->region_file[region]) {
        linker->region_file[region] = size;
    }
}

static uint64_t got_size(const struct linker *linker)
{
    return (uint64_t)linker->loaded->payload.image.got_count * linker->word;
}

/* Decides where the regions go in the file: each at its address modulo the page size. */
static void place_regions(struct linker *linker)
{
    const struct hp_image *image = &linker->loaded->payload.image;
    unsigned region;
    uint32_t i;

    for (i = 0; i < image->section_count; i++) {
        const struct hp_placed_section *placed = &image->sections[i];
        struct hp_section section;

        if (hp_elf_section(&linker->loaded->elf, placed->section, &section) == HP_OK &&
            section.type != HP_SHT_NOBITS) {
            cover(linker, placed->region, (uint64_t)placed->offset + placed->size);
        }
    }
    if (image->got_count != 0) {
        cover(linker, HP_REGION_RODATA, image->got_offset + got_size(linker));
    }
    for (region = 0; region < HP_REGION_COUNT; region++) {
        linker->end = align_up(linker->end, linker->page);
        linker->region_at[region] = linker->end;
        linker->end += linker->region_file[region];
    }
}

static bool add_segments(struct linker *linker)
{
    static const GElf_Word flags[HP_REGION_COUNT] = {PF_R | PF_X, PF_R | PF_W, PF_R};
    const struct hp_image *image = &linker->loaded->payload.image;
    unsigned region;
    int index = 0;

    for (region = 0; region < HP_REGION_COUNT; region++) {
        GElf_Phdr phdr = {
            .p_type = PT_LOAD,
            .p_flags = flags[region],
            .p_offset = linker->region_at[region],
            .p_vaddr = image->memory.addr + image->regions[region].offset,
            .p_paddr = image->memory.addr + image->regions[region].offset,
            .p_filesz = linker->region_file[region],
            .p_memsz = image->regions[region].size,
            .p_align = linker->page,
        };

        if (phdr.p_memsz != 0 && gelf_update_phdr(linker->out, index++, &phdr) == 0) {
            return false;
        }
    }
    return true;
}

static bool add_headers(struct linker *linker)
{
    const struct hp_elf *elf = &linker->loaded->elf;
    size_t segments = 0;
    unsigned region;
    GElf_Ehdr ehdr;

    for (region = 0; region < HP_REGION_COUNT; region++) {
        segments += linker->loaded->payload.image.regions[region].size != 0;
    }
    if (gelf_newehdr(linker->out, elf->is64 ? ELFCLASS64 : ELFCLASS32) == NULL ||
        gelf_newphdr(linker->out, segments) == NULL || gelf_getehdr(linker->out, &ehdr) == NULL) {
        return false;
    }
    ehdr.e_ident[EI_DATA] = ELFDATA2LSB;
    ehdr.e_ident[EI_OSABI] = elf->osabi;
    ehdr.e_type = ET_EXEC;
    ehdr.e_machine = elf->machine;
    ehdr.e_version = EV_CURRENT;
    ehdr.e_flags = elf->flags;
    ehdr.e_phoff = gelf_fsize(linker->out, ELF_T_EHDR, 1, EV_CURRENT);
    linker->end = ehdr.e_phoff + gelf_fsize(linker->out, ELF_T_PHDR, segments, EV_CURRENT);
    place_regions(linker);
    return gelf_update_ehdr(linker->out, &ehdr) != 0 && add_segments(linker);
}

/* File offset of a place in the image. */
static uint64_t file_offset(const struct linker *linker, unsigned region, uint32_t offset)
{
    return linker->region_at[region] + offset -
           linker->loaded->payload.image.regions[region].offset;
}

static bool add_loaded_section(struct linker *linker, const struct hp_placed_section *placed)
{
    const struct hp_elf *elf = &linker->loaded->elf;
    const struct hp_image_memory *memory = &linker->loaded->payload.image.memory;
    struct hp_section section;
    GElf_Shdr shdr = {0};
    Elf_Scn *scn;

    if (hp_elf_section(elf, placed->section, &section) != HP_OK) {
        return false;
    }
    shdr.sh_name = (GElf_Word)(section.name - (const char *)elf->shstr.data);
    shdr.sh_type = SHT_PROGBITS;
    if (section.type == HP_SHT_NOBITS || section.type == HP_SHT_NOTE) {
        shdr.sh_type = section.type;
    }
    shdr.sh_flags = section.flags & (SHF_WRITE | SHF_ALLOC | SHF_EXECINSTR);
    shdr.sh_addr = memory->addr + placed->offset;
    shdr.sh_offset = file_offset(linker, placed->region, placed->offset);
    shdr.sh_size = placed->size;
    shdr.sh_addralign = section.align;
    scn = add_section(linker, &shdr, memory->host + placed->offset);
    if (scn == NULL) {
        return false;
    }
    linker->out_index[placed->section] = (GElf_Section)elf_ndxscn(scn);
    return true;
}

static bool add_loaded_sections(struct linker *linker)
{
    const struct hp_image *image = &linker->loaded->payload.image;
    GElf_Shdr got = {0};
    Elf_Scn *scn;
    uint32_t i;

    for (i = 0; i < image->section_count; i++) {
        if (!add_loaded_section(linker, &image->sections[i])) {
            return false;
        }
    }
    if (image->got_count == 0) {
        return true;
    }
    got.sh_name = (GElf_Word)(linker->loaded->elf.shstr.size + NAME_GOT);
    got.sh_type = SHT_PROGBITS;
    got.sh_flags = SHF_ALLOC;
    got.sh_addr = image->memory.addr + image->got_offset;
    got.sh_offset = file_offset(linker, HP_REGION_RODATA, image->got_offset);
    got.sh_size = got_size(linker);
    got.sh_addralign = linker->word;
    got.sh_entsize = linker->word;
    scn = add_section(linker, &got, image->memory.host + image->got_offset);
    if (scn == NULL) {
        return false;
    }
    linker->got_index = (GElf_Section)elf_ndxscn(scn);
    return true;
}

/* Puts a table after all that is placed so far. NULL on failure. */
static Elf_Scn *append_table(struct linker *linker, GElf_Shdr *header, void *bytes)
{
    header->sh_offset = align_up(linker->end, header->sh_addralign);
    linker->end = header->sh_offset + header->sh_size;
    return add_section(linker, header, bytes);
}

static bool add_symbols(struct linker *linker)
{
    const struct hp_elf *elf = &linker->loaded->elf;
    size_t entry = gelf_fsize(linker->out, ELF_T_SYM, 1, EV_CURRENT);
    GElf_Shdr symtab = {
        .sh_name = (GElf_Word)(elf->shstr.size + NAME_SYMTAB),
        .sh_type = SHT_SYMTAB,
        .sh_size = linker->symbol_count * entry,
        .sh_info = (GElf_Word)linker->local_count,
        .sh_addralign = linker->word,
        .sh_entsize = entry,
    };
    GElf_Shdr strtab = {
        .sh_name = (GElf_Word)(elf->shstr.size + NAME_STRTAB),
        .sh_type = SHT_STRTAB,
        .sh_size = elf->strings.size,
        .sh_addralign = 1,
    };
    Elf_Scn *scn;
    Elf_Data *data;
    size_t i;

    linker->symtab = tool_alloc(linker->symbol_count, entry);
    scn = append_table(linker, &symtab, linker->symtab);
    if (scn == NULL) {
        return false;
    }
    data = elf_getdata(scn, NULL);
    for (i = 0; i < linker->symbol_count; i++) {
        if (gelf_update_sym(data, (int)i, &linker->symbols[i]) == 0) {
            return false;
        }
    }
    symtab.sh_link = (GElf_Word)elf_ndxscn(scn) + 1;
    /* libelf takes buffers it only reads as not const. */
    return gelf_update_shdr(scn, &symtab) != 0 &&
           append_table(linker, &strtab, (void *)(uintptr_t)elf->strings.data) != NULL;
}

static bool add_section_names(struct linker *linker)
{
    const struct hp_span names = linker->loaded->elf.shstr;
    GElf_Shdr shstrtab = {
        .sh_name = (GElf_Word)(names.size + NAME_SHSTRTAB),
        .sh_type = SHT_STRTAB,
        .sh_size = names.size + sizeof(extra_names),
        .sh_addralign = 1,
    };
    GElf_Ehdr ehdr;
    Elf_Scn *scn;

    linker->shstr = tool_alloc(names.size + sizeof(extra_names), 1);
    memcpy(linker->shstr, names.data, names.size);
    memcpy(linker->shstr + names.size, extra_names, sizeof(extra_names));
    scn = append_table(linker, &shstrtab, linker->shstr);
    if (scn == NULL || gelf_getehdr(linker->out, &ehdr) == NULL) {
        return false;
    }
    ehdr.e_shstrndx = (GElf_Half)elf_ndxscn(scn);
    ehdr.e_shoff = align_up(linker->end, linker->word);
    return gelf_update_ehdr(linker->out, &ehdr) != 0;
}

bool link_describe(struct linker *linker)
{
    const struct loaded *loaded = linker->loaded;

    linker->places = places_of(&loaded->elf, &loaded->payload.image);
    linker->out_index = tool_alloc(loaded->elf.shnum, sizeof(linker->out_index[0]));
    if (!add_headers(linker) || !add_loaded_sections(linker)) {
        return false;
    }
    link_symbols(linker);
    return add_symbols(linker) && add_section_names(linker);
}

void link_free(struct linker *linker)
{
    free(linker->places);
    free(linker->out_index);
    free(linker->symbols);
    free(linker->symtab);
    free(linker->shstr);
}
