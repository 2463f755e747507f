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
    const char *own = hp_machine_name(machine);
    const char *name = find_name(list, COUNT(list), machine, buf);

    return name == buf && own != NULL ? own : name; /* the library may know a newer one */
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

const char *reloc_name(uint16_t machine, uint32_t type, char buf[NUMBER_MAX])
{
    const char *name = hp_reloc_type_name(machine, type);

    return name != NULL ? name : find_name(NULL, 0, type, buf);
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
