/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Composes relocatable ELF files and payloads in memory, for tests, and corrupts them afterwards.
 *
 * Hosted, allocates with malloc, and stops the program (abort) when memory runs out or a call makes
 * no sense. Little-endian, both classes, any machine. Typical use:
 *
 *     struct eb_payload p = eb_payload_new(true, HP_EM_X86_64, NULL);
 *     eb_payload_function(&p, "old_function", 64);
 *     size_t size;
 *     uint8_t *file = eb_payload_finish(&p, &size);    (malloc'ed to exactly `size` bytes)
 *     eb_set_section(file, eb_find(file, ".text"), EB_SH_FLAGS, 7);
 *     ...
 *     free(file);
 */
#ifndef TEST_ELF_BUILDER_H
#define TEST_ELF_BUILDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hotpatch/elf.h>
#include <hotpatch/payload.h>

/* Section "numbers" of symbols that are in no section. */
#define EB_UNDEF  0u
#define EB_ABS    0xfffffff1u
#define EB_COMMON 0xfffffff2u

/* Options of a builder, combined with eb_option(). */
enum eb_option {
    EB_EXTENDED_SHNUM = 1 << 0,    /* e_shnum 0, the count in section 0 */
    EB_EXTENDED_SHSTRNDX = 1 << 1, /* e_shstrndx 0xffff, the index in section 0 */
    EB_EXTENDED_SYMBOLS = 1 << 2,  /* every defined symbol by SHN_XINDEX and a SHT_SYMTAB_SHNDX */
    EB_KEEP_ORDER = 1 << 3,        /* symbols stay in the order they were added in */
    EB_SHARED_STRTAB = 1 << 4      /* section names and symbol names in one table, .strtab */
};

/* A file under construction. */
struct eb;

struct eb *eb_new(bool is64, uint16_t machine);
void eb_free(struct eb *b);
void eb_option(struct eb *b, unsigned options);

/*
 * Adds a section and returns its final index (1 and up, in order of addition). data NULL: `size`
 * zero bytes, or with HP_SHT_NOBITS none in the file.
 */
uint32_t eb_section(struct eb *b, const char *name, uint32_t type, uint64_t flags, uint64_t align,
                    const void *data, size_t size);

/* Sets fields that eb_section() leaves 0. */
void eb_section_entsize(struct eb *b, uint32_t section, uint64_t entsize);
void eb_section_link(struct eb *b, uint32_t section, uint32_t link, uint32_t info);

/* Appends to a section, at the next multiple of align; returns the offset. data NULL: zero bytes.
 */
uint64_t eb_append(struct eb *b, uint32_t section, uint64_t align, const void *data, size_t size);

/* Contents of a section so far, to be written to; valid until the next call on the builder. */
uint8_t *eb_bytes(struct eb *b, uint32_t section);
size_t eb_size(const struct eb *b, uint32_t section);

/*
 * Adds a symbol and returns its handle; 0 is the null symbol. Locals are sorted to the front by
 * eb_finish() unless EB_KEEP_ORDER; eb_symbol_index() tells the final index after eb_finish().
 * `section` is an index or EB_UNDEF, EB_ABS, EB_COMMON.
 */
uint32_t eb_symbol(struct eb *b, const char *name, uint8_t bind, uint8_t type, uint32_t section,
                   uint64_t value, uint64_t size);
uint32_t eb_undefined(struct eb *b, const char *name); /* global NOTYPE */
uint32_t eb_section_symbol(struct eb *b, uint32_t section);
uint32_t eb_symbol_index(const struct eb *b, uint32_t handle);

/*
 * Adds a relocation to the section .rela<name> (or .rel<name>) of `section`, which is made on first
 * use. For REL the caller stores the addend in the section. eb_rela_raw() takes a final symbol
 * index, which may be wrong on purpose, instead of a handle.
 */
void eb_rela(struct eb *b, uint32_t section, uint64_t offset, uint32_t type, uint32_t symbol,
             int64_t addend);
void eb_rela_raw(struct eb *b, uint32_t section, uint64_t offset, uint32_t type, uint32_t index,
                 int64_t addend);
void eb_rel(struct eb *b, uint32_t section, uint64_t offset, uint32_t type, uint32_t symbol);

/* Adds a section with one GNU build-id note. */
uint32_t eb_note(struct eb *b, const char *name, const void *id, size_t id_size);

/*
 * Lays the file out: header, contents, .symtab, .strtab, .shstrtab (the last indexes, in this
 * order; .symtab_shndx between .symtab and .strtab when asked for), section headers at the end.
 * Returns malloc'ed memory of exactly *size bytes. The builder stays usable and may be finished
 * again.
 */
uint8_t *eb_finish(struct eb *b, size_t *size);

/* Build-ids of a payload; NULL or a zeroed field takes 20 bytes 0xb1.., 0xd0.., 0xe0... */
struct eb_ids {
    const void *build_id;
    size_t build_id_size;
    const void *depends; /* also the default of xen_depends, when that is not given */
    size_t depends_size;
    const void *xen_depends;
    size_t xen_depends_size;
    bool no_xen_depends; /* leave .livepatch.xen_depends out */
};

/* A payload under construction: a builder with the usual sections in place. */
struct eb_payload {
    struct eb *b;
    uint8_t version;      /* of the records; 2 to begin with, set to 1 before the first function */
    bool text_only;       /* set: functions get no record */
    uint32_t word;        /* bytes of an address */
    uint32_t abs_type;    /* relocation type that stores an address */
    uint32_t text;        /* .text, AX, align 16 */
    uint32_t strings;     /* .rodata.str, A, align 1 */
    uint32_t strings_sym; /* its section symbol */
    uint32_t funcs;       /* .livepatch.funcs, WA, align 8; 0 before the first record */
    uint32_t build_id;    /* .note.gnu.build-id */
    uint32_t depends;     /* .livepatch.depends */
    uint32_t xen_depends; /* .livepatch.xen_depends; 0 when left out */
    uint32_t splices;     /* .hotpatch.splices, WA; 0 before the first splice */
    uint32_t records;     /* number of records */
    uint32_t splice_count;
    uint32_t self_type;                /* relocation type of a self-relative 32-bit word */
    uint32_t tables[HP_SPECIAL_COUNT]; /* sections that eb_payload_table() made; 0: none yet */
};

/* Starts a payload: the sections above without .livepatch.funcs. ids NULL: defaults. */
struct eb_payload eb_payload_new(bool is64, uint16_t machine, const struct eb_ids *ids);

/* A function record to be added. Zero is the default of every field. */
struct eb_record {
    const char *name;    /* NULL: no name and no relocation for it */
    uint32_t new_symbol; /* symbol handle of new_addr; 0: no relocation */
    int64_t new_addend;  /* added to it */
    uint64_t new_addr;   /* stored as it is when new_symbol is 0 */
    uint64_t old_addr;
    uint32_t new_size;
    uint32_t old_size;
    uint8_t expect_control; /* version 2 only */
    uint8_t expect[31];
};

/* Adds a record and returns its index; eb_record_offset() is its offset in .livepatch.funcs. */
uint32_t eb_payload_record(struct eb_payload *p, const struct eb_record *record);
uint64_t eb_record_offset(const struct eb_payload *p, uint32_t record);

/* A splice record to be added. Zero is the default of every field but the version's, 1. */
struct eb_splice {
    const char *name;     /* NULL: none, and no relocation for it */
    const char *old_name; /* the same */
    uint64_t addr;
    uint64_t old_target;
    uint32_t new_symbol; /* symbol handle of new_target; 0: no relocation */
    int64_t new_addend;
    uint64_t new_target; /* stored as it is when new_symbol is 0 */
    uint8_t kind;
    uint8_t size;
    uint8_t old_bytes[HP_PAYLOAD_SPLICE_MAX];
    uint8_t new_bytes[HP_PAYLOAD_SPLICE_MAX];
};

/* Adds a splice and returns its index; eb_splice_offset() is its offset in .hotpatch.splices. */
uint32_t eb_payload_splice(struct eb_payload *p, const struct eb_splice *splice);
uint64_t eb_splice_offset(const struct eb_payload *p, uint32_t splice);

/*
 * Adds a function of 16 bytes ("return 42" on x86-64) with the global symbol "new_<old_name>" to
 * .text, and, unless text_only, its record. Returns the symbol handle.
 */
uint32_t eb_payload_function(struct eb_payload *p, const char *old_name, uint32_t old_size);

/* Adds a hook section (HP_SPECIAL_HOOKS_*) with one pointer to a symbol. */
uint32_t eb_payload_hook(struct eb_payload *p, enum hp_special which, uint32_t symbol);

/*
 * The section of a table of the target (HP_SPECIAL_ALTINSTRUCTIONS to HP_SPECIAL_ALT_CALL_SITES):
 * A (.altinstr_replacement AX), align 4, empty, made on first use.
 */
uint32_t eb_payload_table(struct eb_payload *p, enum hp_special which);

/*
 * Appends a self-relative 32-bit word to a table: the distance to `offset` in `section`, to which
 * `extra` is added.
 */
void eb_payload_self(struct eb_payload *p, enum hp_special which, uint32_t section, int64_t offset,
                     uint32_t extra);

/* An alternative to be added; offsets may be outside of their sections. */
struct eb_alternative {
    int64_t site;        /* in .text */
    int64_t replacement; /* in .altinstr_replacement */
    uint16_t feature;
    uint8_t site_size;
    uint8_t size; /* of the replacement */
    uint8_t pad;  /* x86 only */
};

/* Adds an entry to .altinstructions. */
void eb_payload_alternative(struct eb_payload *p, const struct eb_alternative *alt);

/* Finishes and frees the builder; p is not usable after that. */
uint8_t *eb_payload_finish(struct eb_payload *p, size_t *size);

/* The smallest useful payload: one function "new_target_function" for "target_function", 64 bytes.
 */
uint8_t *eb_minimal(bool is64, uint16_t machine, size_t *size);

/* Fields of a finished file. The class is read from the file itself. */
enum eb_header_field {
    EB_EH_CLASS,
    EB_EH_DATA,
    EB_EH_IDENT_VERSION,
    EB_EH_OSABI,
    EB_EH_ABIVERSION,
    EB_EH_TYPE,
    EB_EH_MACHINE,
    EB_EH_VERSION,
    EB_EH_SHOFF,
    EB_EH_FLAGS,
    EB_EH_PHNUM,
    EB_EH_SHENTSIZE,
    EB_EH_SHNUM,
    EB_EH_SHSTRNDX
};

enum eb_section_field {
    EB_SH_NAME,
    EB_SH_TYPE,
    EB_SH_FLAGS,
    EB_SH_ADDR,
    EB_SH_OFFSET,
    EB_SH_SIZE,
    EB_SH_LINK,
    EB_SH_INFO,
    EB_SH_ALIGN,
    EB_SH_ENTSIZE
};

enum eb_symbol_field { EB_ST_NAME, EB_ST_INFO, EB_ST_OTHER, EB_ST_SHNDX, EB_ST_VALUE, EB_ST_SIZE };

enum eb_reloc_field {
    EB_R_OFFSET,
    EB_R_INFO,
    EB_R_ADDEND /* RELA only */
};

void eb_set_header(uint8_t *file, enum eb_header_field field, uint64_t value);
uint64_t eb_get_header(const uint8_t *file, enum eb_header_field field);

void eb_set_section(uint8_t *file, uint32_t section, enum eb_section_field field, uint64_t value);
uint64_t eb_get_section(const uint8_t *file, uint32_t section, enum eb_section_field field);

/* Symbols by index in .symtab, relocations by relocation section and index. */
void eb_set_symbol(uint8_t *file, uint32_t symbol, enum eb_symbol_field field, uint64_t value);
uint64_t eb_get_symbol(const uint8_t *file, uint32_t symbol, enum eb_symbol_field field);
void eb_set_reloc(uint8_t *file, uint32_t section, uint32_t index, enum eb_reloc_field field,
                  uint64_t value);
uint64_t eb_get_reloc(const uint8_t *file, uint32_t section, uint32_t index,
                      enum eb_reloc_field field);

/* First section of this name, symbol of this name; 0 when there is none. The file must be sound. */
uint32_t eb_find(const uint8_t *file, const char *name);
uint32_t eb_find_symbol(const uint8_t *file, const char *name);

/* Contents of a section in the finished file, and number of sections. */
uint8_t *eb_contents(uint8_t *file, uint32_t section);
uint32_t eb_section_count(const uint8_t *file);

#endif
