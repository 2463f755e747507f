/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A checked, read-only view of a payload's ELF file.
 *
 * The view reads untrusted bytes in place: it allocates nothing, writes nothing but its own struct,
 * and holds pointers into the caller's bytes, which must stay as they are while the view is used.
 * hp_elf_open() checks every table once; the getters check their index again and never read outside
 * the file. Source of the formats: System V gABI, chapters "Object Files" and "Program Loading".
 */
#ifndef HOTPATCH_ELF_H
#define HOTPATCH_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hotpatch/profile.h>
#include <hotpatch/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Sections with a meaning of their own (SPEC section 2). Index into hp_elf.special. */
enum hp_special {
    HP_SPECIAL_FUNCS,            /* .livepatch.funcs */
    HP_SPECIAL_HOOKS_LOAD,       /* .livepatch.hooks.load */
    HP_SPECIAL_HOOKS_UNLOAD,     /* .livepatch.hooks.unload */
    HP_SPECIAL_HOOKS_PREAPPLY,   /* .livepatch.hooks.preapply */
    HP_SPECIAL_HOOKS_APPLY,      /* .livepatch.hooks.apply */
    HP_SPECIAL_HOOKS_POSTAPPLY,  /* .livepatch.hooks.postapply */
    HP_SPECIAL_HOOKS_PREREVERT,  /* .livepatch.hooks.prerevert */
    HP_SPECIAL_HOOKS_REVERT,     /* .livepatch.hooks.revert */
    HP_SPECIAL_HOOKS_POSTREVERT, /* .livepatch.hooks.postrevert */
    HP_SPECIAL_DEPENDS,          /* .livepatch.depends */
    HP_SPECIAL_XEN_DEPENDS,      /* .livepatch.xen_depends */
    HP_SPECIAL_BUILD_ID,         /* .note.gnu.build-id */
    HP_SPECIAL_ALTINSTRUCTIONS,  /* .altinstructions */
    HP_SPECIAL_ALTINSTR_REPLACEMENT,
    HP_SPECIAL_EX_TABLE,     /* .ex_table */
    HP_SPECIAL_BUG_FRAMES_0, /* .bug_frames.0 and on to .3 */
    HP_SPECIAL_BUG_FRAMES_1,
    HP_SPECIAL_BUG_FRAMES_2,
    HP_SPECIAL_BUG_FRAMES_3,
    HP_SPECIAL_ALT_CALL_SITES, /* .alt_call_sites */
    HP_SPECIAL_MODINFO,        /* .modinfo */
    HP_SPECIAL_SPLICES,        /* .hotpatch.splices */
    HP_SPECIAL_COUNT
};

#define HP_HOOK_FIRST HP_SPECIAL_HOOKS_LOAD
#define HP_HOOK_LAST  HP_SPECIAL_HOOKS_POSTREVERT

/* A piece of the payload: `size` readable bytes at `data`. */
struct hp_span {
    const uint8_t *data;
    size_t size;
};

/* The view. All fields are read-only for callers; valid after hp_elf_open() returned HP_OK. */
struct hp_elf {
    struct hp_span file;                /* the ELF file alone: the bytes up to its extent */
    bool is64;                          /* ELFCLASS64 */
    uint16_t machine;                   /* e_machine */
    uint32_t flags;                     /* e_flags */
    uint8_t osabi;                      /* EI_OSABI */
    uint64_t shoff;                     /* file offset of the section header table */
    uint32_t shnum;                     /* number of section headers, index 0 included */
    uint16_t shentsize;                 /* distance of two section headers in bytes */
    uint32_t shstrndx;                  /* section of the section names */
    struct hp_span shstr;               /* section names; begins and ends with NUL */
    uint32_t symtab;                    /* section index of the symbol table */
    struct hp_span symbols;             /* its contents */
    uint32_t symbol_count;              /* entries in it, the null symbol included */
    struct hp_span strings;             /* names of its symbols; begins and ends with NUL */
    struct hp_span shndx;               /* SHT_SYMTAB_SHNDX contents; size 0 when there is none */
    uint32_t special[HP_SPECIAL_COUNT]; /* section index, 0 where absent */
};

/* A section header, decoded. */
struct hp_section {
    uint32_t index;
    uint32_t type;
    uint64_t flags;
    uint64_t addr; /* sh_addr, which is 0 in files that compilers make; a multiple of `align` */
    uint64_t offset;
    uint64_t size;
    uint64_t align; /* a power of two; 0 in the file reads as 1 */
    uint64_t entsize;
    uint32_t link;
    uint32_t info;
    const char *name; /* NUL-terminated, inside the file */
};

/* How the section index of a symbol is to be taken. */
enum hp_symbol_place {
    HP_PLACE_UNDEFINED, /* SHN_UNDEF */
    HP_PLACE_ABSOLUTE,  /* SHN_ABS */
    HP_PLACE_COMMON,    /* SHN_COMMON */
    HP_PLACE_SECTION    /* defined in `section`, SHN_XINDEX resolved */
};

/* A symbol, decoded. */
struct hp_symbol {
    uint64_t value;
    uint64_t size;
    const char *name; /* NUL-terminated, inside the file; may be empty */
    enum hp_symbol_place place;
    uint32_t section; /* with HP_PLACE_SECTION: below hp_elf.shnum */
    uint8_t bind;     /* STB_* */
    uint8_t type;     /* STT_* */
    uint8_t visibility;
};

/* A relocation entry, decoded. */
struct hp_reloc {
    uint64_t offset; /* in the section to relocate */
    int64_t addend;  /* RELA only; 0 for REL, whose addend lies in the section */
    uint32_t type;
    uint32_t symbol;
};

/* ELF constants that the interface above needs; the names and values are the gABI's. */
enum {
    HP_SHT_NULL = 0,
    HP_SHT_PROGBITS = 1,
    HP_SHT_SYMTAB = 2,
    HP_SHT_STRTAB = 3,
    HP_SHT_RELA = 4,
    HP_SHT_NOTE = 7,
    HP_SHT_NOBITS = 8,
    HP_SHT_REL = 9,
    HP_SHT_SYMTAB_SHNDX = 18,
    HP_SHF_WRITE = 0x1,
    HP_SHF_ALLOC = 0x2,
    HP_SHF_EXECINSTR = 0x4,
    HP_SHF_TLS = 0x400,
    HP_SHF_COMPRESSED = 0x800,
    HP_STB_LOCAL = 0,
    HP_STB_GLOBAL = 1,
    HP_STB_WEAK = 2,
    HP_STT_NOTYPE = 0,
    HP_STT_OBJECT = 1,
    HP_STT_FUNC = 2,
    HP_STT_SECTION = 3,
    HP_STT_FILE = 4,
    HP_STT_COMMON = 5,
    HP_STT_TLS = 6,
    HP_STT_GNU_IFUNC = 10,
    HP_EM_ARM = 40,
    HP_EM_X86_64 = 62,
    HP_EM_AARCH64 = 183,
    HP_EM_RISCV = 243
};

/*
 * Finds where the ELF file ends: the largest end of the ELF header, the section header table and
 * every section that occupies the file. It is the one function that looks at a payload before its
 * signature is verified, and it looks at nothing but these headers (SIGNING, "Layouts").
 *
 *   data, size  the payload as uploaded, signature included; size in bytes
 *   extent      receives the end, at most size; 0 on error
 *   diag        may be NULL
 *
 * Returns HP_OK, HP_FILE_EMPTY, HP_ELF_TRUNCATED, HP_ELF_MAGIC, HP_ELF_CLASS, HP_ELF_BYTE_ORDER,
 * HP_ELF_SHENTSIZE, HP_ELF_NO_SECTIONS, HP_ELF_TOO_MANY_SECTIONS or HP_SECTION_BOUNDS.
 * Any context; pure; time linear in the number of sections.
 */
HP_MUST_USE enum hp_status hp_elf_extent(const void *data, size_t size, size_t *extent,
                                         struct hp_diag *diag);

/*
 * Opens a view and checks all that SPEC section 2 and the gABI demand of the file: header, every
 * section header, names, alignments, entry sizes, links, the one symbol table, the special
 * sections. Says nothing on symbols and relocations, which are checked as they are read.
 *
 *   elf      receives the view; zeroed on error
 *   data     the ELF file; must outlive the view
 *   size     bytes at data; exactly the extent: a signature is not part of the view
 *   profile  limits and rules; NULL means hp_profile_default
 *   diag     may be NULL
 *
 * Returns HP_OK or the status of the defect (any HP_FILE_*, HP_ELF_*, HP_SECTION_*, HP_STRTAB_*,
 * HP_SYMTAB_*, HP_RELOC_TABLES_SIZE, HP_RELOC_FORM for packed relocations, HP_SPECIAL_*,
 * HP_NOTHING_TO_DO, HP_MODINFO, HP_TRAILING_BYTES). Any context; allocates nothing; time linear in
 * the number of sections.
 */
HP_MUST_USE enum hp_status hp_elf_open(struct hp_elf *elf, const void *data, size_t size,
                                       const struct hp_profile *profile, struct hp_diag *diag);

/*
 * Decodes section header `index`. Returns HP_OK; HP_INVALID_ARGUMENT when index >= elf->shnum, and
 * then zeroes *section. Any context.
 */
HP_MUST_USE enum hp_status hp_elf_section(const struct hp_elf *elf, uint32_t index,
                                          struct hp_section *section);

/*
 * The bytes of a section in the file. Size 0 for SHT_NOBITS and SHT_NULL, and when the header does
 * not belong to this file. Any context.
 */
struct hp_span hp_elf_contents(const struct hp_elf *elf, const struct hp_section *section);

/*
 * Decodes symbol `index` and checks its name offset and section index.
 *
 * Returns HP_OK, HP_RELOC_SYMBOL_INDEX when index >= elf->symbol_count, HP_SYMBOL_NAME,
 * HP_SYMBOL_SECTION, or HP_SYMTAB_SHNDX when SHN_XINDEX is used without a table for it. Fills diag
 * (may be NULL) on failure and zeroes *symbol. Any context.
 */
HP_MUST_USE enum hp_status hp_elf_symbol(const struct hp_elf *elf, uint32_t index,
                                         struct hp_symbol *symbol, struct hp_diag *diag);

/* Number of entries of a SHT_REL or SHT_RELA section; 0 for any other section. Any context. */
uint32_t hp_elf_reloc_count(const struct hp_elf *elf, const struct hp_section *section);

/*
 * Decodes entry `index` of a relocation section. Returns HP_OK, or HP_INVALID_ARGUMENT when there
 * is no such entry. Any context.
 */
HP_MUST_USE enum hp_status hp_elf_reloc(const struct hp_elf *elf, const struct hp_section *section,
                                        uint32_t index, struct hp_reloc *reloc);

/*
 * Reads the one GNU build-id note of a special section (SPEC section 5).
 *
 *   which  HP_SPECIAL_BUILD_ID, HP_SPECIAL_DEPENDS or HP_SPECIAL_XEN_DEPENDS
 *   id     receives the descriptor inside the file; size 0 when the section is absent or on error
 *   diag   may be NULL
 *
 * Returns HP_OK (also when the section is absent), HP_NOTE, or HP_INVALID_ARGUMENT for another
 * section. Any context.
 */
HP_MUST_USE enum hp_status hp_elf_build_id(const struct hp_elf *elf, enum hp_special which,
                                           struct hp_span *id, struct hp_diag *diag);

/*
 * Walks .modinfo, "key=value" strings each with its NUL.
 *
 *   pos    0 to begin with; advanced by each call
 *   entry  receives the next non-empty string without its NUL
 *
 * Returns true while there is a next entry; false at the end or without .modinfo. Any context.
 */
bool hp_elf_modinfo_next(const struct hp_elf *elf, size_t *pos, struct hp_span *entry);

/*
 * Name of the architecture of an ELF machine: "RISC-V 64". NULL when it is not built in. Static
 * storage.
 */
const char *hp_machine_name(uint16_t machine);

/*
 * Name of a relocation type of an ELF machine: "R_X86_64_PC32". NULL when it is unknown, or the
 * architecture is not built in. Static storage.
 */
const char *hp_reloc_type_name(uint16_t machine, uint32_t type);

/* Section name that belongs to a special section: ".livepatch.funcs". Never NULL. */
const char *hp_special_name(enum hp_special which);

#ifdef __cplusplus
}
#endif

#endif
