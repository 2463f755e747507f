/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of ELF numbers, those included that no payload may use. */
#include <elf.h>
#include <inttypes.h>

#include "inspect.h"

struct number_name {
    uint32_t number;
    const char *name;
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *find_name(const struct number_name *list, size_t count, uint32_t number,
                             char buf[NUMBER_MAX])
{
    size_t i;

    for (i = 0; i < count; i++) {
        if (list[i].number == number) {
            return list[i].name;
        }
    }
    snprintf(buf, NUMBER_MAX, "0x%" PRIx32, number);
    return buf;
}

const char *machine_name(uint16_t machine, char buf[NUMBER_MAX])
{
    static const struct number_name list[] = {
        {EM_386, "i386"},        {EM_ARM, "arm"},     {EM_X86_64, "x86-64"},
        {EM_AARCH64, "aarch64"}, {EM_RISCV, "riscv"},
    };

    return find_name(list, COUNT(list), machine, buf);
}

const char *osabi_name(uint8_t osabi, char buf[NUMBER_MAX])
{
    static const struct number_name list[] = {
        {ELFOSABI_NONE, "NONE"},
        {ELFOSABI_GNU, "GNU"},
        {ELFOSABI_FREEBSD, "FREEBSD"},
    };

    return find_name(list, COUNT(list), osabi, buf);
}

const char *section_type_name(uint32_t type, char buf[NUMBER_MAX])
{
    static const struct number_name list[] = {
        {SHT_NULL, "NULL"},
        {SHT_PROGBITS, "PROGBITS"},
        {SHT_SYMTAB, "SYMTAB"},
        {SHT_STRTAB, "STRTAB"},
        {SHT_RELA, "RELA"},
        {SHT_NOTE, "NOTE"},
        {SHT_NOBITS, "NOBITS"},
        {SHT_REL, "REL"},
        {SHT_INIT_ARRAY, "INIT_ARRAY"},
        {SHT_FINI_ARRAY, "FINI_ARRAY"},
        {SHT_GROUP, "GROUP"},
        {SHT_SYMTAB_SHNDX, "SYMTAB_SHNDX"},
    };

    return find_name(list, COUNT(list), type, buf);
}

static const char *x86_64_reloc_name(uint32_t type, char buf[NUMBER_MAX])
{
#define TYPE(name)                                                                                 \
    {                                                                                              \
        name, #name                                                                                \
    }
    static const struct number_name list[] = {
        TYPE(R_X86_64_NONE),
        TYPE(R_X86_64_64),
        TYPE(R_X86_64_PC32),
        TYPE(R_X86_64_GOT32),
        TYPE(R_X86_64_PLT32),
        TYPE(R_X86_64_COPY),
        TYPE(R_X86_64_GLOB_DAT),
        TYPE(R_X86_64_JUMP_SLOT),
        TYPE(R_X86_64_RELATIVE),
        TYPE(R_X86_64_GOTPCREL),
        TYPE(R_X86_64_32),
        TYPE(R_X86_64_32S),
        TYPE(R_X86_64_16),
        TYPE(R_X86_64_PC16),
        TYPE(R_X86_64_8),
        TYPE(R_X86_64_PC8),
        TYPE(R_X86_64_DTPMOD64),
        TYPE(R_X86_64_DTPOFF64),
        TYPE(R_X86_64_TPOFF64),
        TYPE(R_X86_64_TLSGD),
        TYPE(R_X86_64_TLSLD),
        TYPE(R_X86_64_DTPOFF32),
        TYPE(R_X86_64_GOTTPOFF),
        TYPE(R_X86_64_TPOFF32),
        TYPE(R_X86_64_PC64),
        TYPE(R_X86_64_GOTOFF64),
        TYPE(R_X86_64_GOTPC32),
        TYPE(R_X86_64_GOT64),
        TYPE(R_X86_64_GOTPCREL64),
        TYPE(R_X86_64_GOTPC64),
        TYPE(R_X86_64_GOTPLT64),
        TYPE(R_X86_64_PLTOFF64),
        TYPE(R_X86_64_SIZE32),
        TYPE(R_X86_64_SIZE64),
        TYPE(R_X86_64_GOTPC32_TLSDESC),
        TYPE(R_X86_64_TLSDESC_CALL),
        TYPE(R_X86_64_TLSDESC),
        TYPE(R_X86_64_IRELATIVE),
        TYPE(R_X86_64_RELATIVE64),
        TYPE(R_X86_64_GOTPCRELX),
        TYPE(R_X86_64_REX_GOTPCRELX),
    };
#undef TYPE

    return find_name(list, COUNT(list), type, buf);
}

const char *reloc_name(uint16_t machine, uint32_t type, char buf[NUMBER_MAX])
{
    if (machine == EM_X86_64) {
        return x86_64_reloc_name(type, buf);
    }
    return find_name(NULL, 0, type, buf);
}

const char *section_flags(uint64_t flags, char buf[NUMBER_MAX])
{
    char *out = buf;

    if ((flags & SHF_WRITE) != 0) {
        *out++ = 'W';
    }
    if ((flags & SHF_ALLOC) != 0) {
        *out++ = 'A';
    }
    if ((flags & SHF_EXECINSTR) != 0) {
        *out++ = 'X';
    }
    *out = '\0';
    return buf;
}
