/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the host port share: the target as it was copied out of its ELF image. */
#ifndef HP_HOST_INTERNAL_H
#define HP_HOST_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libelf.h>

#include <hotpatch/host.h>
#include <hotpatch/port.h>
#include <hotpatch/symtab.h>

#define HP_HOST_NONE UINT32_MAX

/* Page size of a target whose user did not name one. */
#define HP_HOST_PAGE_SIZE 4096

/*
 * Where payloads go when there is no target: above what 32 bits hold, as in every 64-bit
 * hypervisor, so that absolute 32-bit relocations are not accepted by luck.
 */
#define HP_HOST_BASE UINT64_C(0x100000000)

/* An SHF_ALLOC section. Those of one port are sorted by address and do not overlap. */
struct hp_host_section {
    uint64_t addr;
    uint64_t size;
    uint8_t *bytes; /* NULL: it reads as zeros (SHT_NOBITS) */
    uint32_t index; /* section header index */
    bool exec;
    bool discarded; /* the target frees it once it has booted */
};

/* A symbol, for look-up by address. */
struct hp_host_symbol {
    uint64_t addr;
    uint64_t size;
    uint32_t name; /* offset in hp_port.names */
    uint32_t rank; /* which of several at one address is named; the highest */
    enum hp_symbol_kind kind;
};

/* The addresses from `addr` to the next segment's belong to one symbol, or to none. */
struct hp_host_segment {
    uint64_t addr;
    uint32_t symbol; /* index in hp_port.symbols or HP_HOST_NONE */
};

/* Addresses [start, end). */
struct hp_host_range {
    uint64_t start;
    uint64_t end;
};

/* Memory of one loaded payload. */
struct hp_host_image {
    uint8_t *host;
    uint64_t addr;
    size_t size;
    uint8_t text[]; /* for each page: 1 when it is protected as HP_PROTECT_TEXT */
};

struct hp_port {
    bool has_target;
    struct hp_target target;
    uint64_t last_addr; /* of the target's address space */
    uint8_t *build_id;

    struct hp_host_section *sections;
    size_t section_count;

    char *names; /* "name" or "file#name", each with its NUL */
    struct hp_symtab by_name;
    struct hp_host_symbol *symbols;
    uint32_t symbol_count;
    struct hp_host_segment *segments; /* by ascending address */
    size_t segment_count;

    struct hp_host_range *rewritten; /* by ascending address, neither touching nor overlapping */
    size_t rewritten_count;

    bool has_base;
    uint64_t base;
    struct hp_host_image **images; /* by ascending address */
    size_t image_count;
    size_t image_capacity;

    struct hp_host_counters counters;
    uint64_t fail_in; /* fallible calls until the one that fails; 0: none will */
    bool fail_onwards;
};

/* Symbols by which a target delimits its tables of boot-time changes. */
enum hp_host_mark {
    HP_HOST_ALT_START,
    HP_HOST_ALT_END,
    HP_HOST_SEAL_START,
    HP_HOST_SEAL_END,
    HP_HOST_MARK_COUNT
};

/* Bytes of a string table. The last one is NUL, so every offset below `size` starts a string. */
struct hp_host_strings {
    const char *bytes;
    size_t size;
};

/* What is needed only while an image is read. */
struct hp_host_reader {
    struct hp_port *port;
    struct hp_diag *diag;
    Elf *elf;
    size_t shnum;
    uint32_t *section_of; /* by section header index: index in port->sections or HP_HOST_NONE */
    bool has_mark[HP_HOST_MARK_COUNT];
    uint64_t mark[HP_HOST_MARK_COUNT];
    struct hp_host_range alternatives; /* section .altinstructions; empty when there is none */
};

/* Makes the diagnostics record say what is wrong with the image. */
void hp_host_explain(struct hp_diag *diag, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The same as an expression for "return"; a macro, so that its value is known to who reads it. */
#define hp_host_refuse(...) (hp_host_explain(__VA_ARGS__), HP_TARGET_FILE)

/* open.c: finds the strings of section `index`. */
HP_MUST_USE enum hp_status hp_host_read_strings(const struct hp_host_reader *reader, size_t index,
                                                struct hp_host_strings *strings);

/* symbols.c: fills names, by_name, symbols and segments of the port, and the reader's marks. */
HP_MUST_USE enum hp_status hp_host_read_symbols(struct hp_host_reader *reader);

/* lookup.c: sorts the symbols and fills segments of the port. */
HP_MUST_USE enum hp_status hp_host_build_segments(const struct hp_host_reader *reader);

/* rewritten.c: fills rewritten of the port. */
HP_MUST_USE enum hp_status hp_host_read_rewritten(const struct hp_host_reader *reader);

/* True when any of the `size` bytes at addr, which does not wrap, is rewritten at boot. */
bool hp_host_is_rewritten(const struct hp_port *port, uint64_t addr, uint64_t size);

/* The section that holds an address, discarded or not; NULL when there is none. */
const struct hp_host_section *hp_host_section_at(const struct hp_port *port, uint64_t addr);

/* Unmaps and frees the memory of payloads that were not unloaded. */
void hp_host_free_images(struct hp_port *port);

/* Counts a fallible call; true when fault injection wants it to fail. */
bool hp_host_must_fail(struct hp_port *port);

#endif
