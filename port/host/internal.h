/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the host port share: the target as it was read from its ELF image, the memory
 * of payloads, the threads that are CPUs, and what tests want to know.
 */
#ifndef HP_HOST_INTERNAL_H
#define HP_HOST_INTERNAL_H

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
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
/* And those for a 32-bit target. */
#define HP_HOST_BASE_32 UINT64_C(0x40000000)

/* An SHF_ALLOC section. Those of one port are sorted by address and do not overlap. */
struct hp_host_section {
    uint64_t addr;
    uint64_t size;
    uint8_t *bytes; /* NULL: it reads as zeros (SHT_NOBITS) */
    uint32_t index; /* section header index */
    bool exec;
    bool writable;
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

/* A block of work memory. */
struct hp_host_block {
    void *memory;
    size_t size;
};

/* Memory of one loaded payload: a memory file that is mapped twice when the target is live. */
struct hp_host_image {
    uint8_t *host;
    uint64_t addr;
    size_t size;
    int fd;
    bool island;     /* it is for second trampolines */
    uint8_t pages[]; /* of each page: 1 + its enum hp_protection once that is set, else 0 */
};

/* A segment of the process's own code or read-only data, for which a memory file is mapped. */
struct hp_host_code {
    uint64_t addr;
    uint64_t size;
    uint64_t offset; /* in the executable */
    int fd;          /* -1: not mapped, or not any more */
    bool relocated;  /* data that are not as in the executable */
};

/* A writable view of code that is in use. */
struct hp_host_alias {
    struct hp_host_alias *next;
    struct hp_alias alias;
    void *map; /* NULL: the view is the port's own copy of a section */
    size_t map_size;
};

/* A thread that is a CPU. Its own but for the first two fields. */
struct hp_host_cpu {
    struct hp_port *port;
    uint32_t id;
    bool holds;          /* it has called hp_port_cpus_hold() */
    bool in_window;      /* between hp_port_window_enter() and hp_port_window_leave() */
    uintptr_t off;       /* hp_port_interrupts_off() calls not yet undone */
    sigset_t signals;    /* that were blocked before the first of these */
    uint64_t serialised; /* changes that were made when it serialised last */
};

/* The threads that are CPUs. */
struct hp_host_cpus {
    pthread_mutex_t mutex; /* of what follows */
    pthread_cond_t released;
    pthread_key_t key; /* a CPU's own struct hp_host_cpu */
    uint32_t limit;
    bool held;
    struct hp_host_cpu **by_id; /* NULL: no such CPU is online */
};

struct hp_host_clock {
    atomic_bool manual;
    _Atomic uint64_t now;
    _Atomic uint64_t step;
};

/* Counterparts of struct hp_host_counters. */
struct hp_host_counts {
    _Atomic uint64_t allocs;
    _Atomic uint64_t image_allocs;
    _Atomic uint64_t live;
    _Atomic uint64_t aliases;
    _Atomic uint64_t live_aliases;
    _Atomic uint64_t live_mappings;
    _Atomic uint64_t kicks;
    _Atomic uint64_t interrupts_off;
    _Atomic uint64_t holds;
};

struct hp_port {
    bool has_target;
    bool live; /* the target is this process */
    struct hp_target target;
    uint64_t last_addr; /* of the target's address space */
    uint64_t bias;      /* from addresses of the image to those of the target; modulo 2^64 */
    uint8_t *build_id;
    char *compiler;

    struct hp_host_section *sections;
    size_t section_count;

    char *names; /* "name" or "file#name", each with its NUL */
    struct hp_symtab by_name;
    struct hp_host_symbol *symbols;
    uint32_t symbol_count;
    struct hp_host_segment *segments; /* by ascending address */
    size_t segment_count;

    struct hp_host_range denied;      /* files: what the capability record says; may be empty */
    const struct hp_profile *profile; /* the same; NULL: it has none */
    struct hp_host_range *rewritten;  /* by ascending address, neither touching nor overlapping */
    size_t rewritten_count;

    struct hp_host_range constants; /* never changed, although their section is writable */

    struct hp_host_range relro; /* written by the dynamic linker alone, then read-only */

    int executable; /* live: file descriptor of it; else -1 */
    struct hp_host_code *code;
    size_t code_count;
    struct hp_host_code *data;
    size_t data_count;

    bool has_base;
    uint64_t base;
    struct hp_host_image **images; /* by ascending address */
    size_t image_count;
    size_t image_capacity;

    pthread_mutex_t mutex; /* of blocks and aliases, which CPUs and callers use at one time */
    struct hp_host_block *blocks;
    size_t block_count;
    size_t block_capacity;
    struct hp_host_alias *aliases;

    pthread_mutex_t lock;         /* hp_port_lock() */
    _Atomic uintptr_t lock_owner; /* the thread that has it, as a number; 0: none */
    struct hp_host_cpus cpus;
    _Atomic uint64_t changes; /* of code, so far */
    struct hp_host_clock clock;

    struct hp_host_counts counts;
    _Atomic uint64_t fail_in; /* fallible calls until the one that fails; 0: none will */
    atomic_bool fail_onwards;
    atomic_bool violated; /* `violation` is taken */
    atomic_bool violation_ready;
    char violation[128];
};

/* Symbols by which a target delimits its tables of boot-time changes, or shows what it has. */
enum hp_host_mark {
    HP_HOST_ALT_START,
    HP_HOST_ALT_END,
    HP_HOST_SEAL_START,
    HP_HOST_SEAL_END,
    HP_HOST_CONST_START,
    HP_HOST_CONST_FIXED, /* up to here the constants are set at boot */
    HP_HOST_CONST_END,
    HP_HOST_EX_TABLE,
    HP_HOST_BUG_FRAMES,
    HP_HOST_ALT_CALLS,
    HP_HOST_RETURN_THUNK,
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

/* open.c: copies options into *own, with defaults for all but the page size. */
HP_MUST_USE enum hp_status hp_host_take_options(struct hp_host_options *own,
                                                const struct hp_host_options *options);

/* open.c: makes a port without a target; NULL without memory. hp_host_close() gives it back. */
struct hp_port *hp_host_create(const struct hp_host_options *options);

/* open.c: reads the image that the open file holds. */
HP_MUST_USE enum hp_status hp_host_read_file(struct hp_port *port, int fd, struct hp_diag *diag);

/* open.c: finds the strings of section `index`. */
HP_MUST_USE enum hp_status hp_host_read_strings(const struct hp_host_reader *reader, size_t index,
                                                struct hp_host_strings *strings);

/* symbols.c: fills names, by_name, symbols and segments of the port, and the reader's marks. */
HP_MUST_USE enum hp_status hp_host_read_symbols(struct hp_host_reader *reader);

/* lookup.c: sorts the symbols and fills segments of the port. */
HP_MUST_USE enum hp_status hp_host_build_segments(const struct hp_host_reader *reader);

/* rewritten.c: fills rewritten of the port. */
HP_MUST_USE enum hp_status hp_host_read_rewritten(const struct hp_host_reader *reader);

/* tables.c: says in the target which tables of a payload (SPEC section 6) the image acts on. */
void hp_host_note_tables(const struct hp_host_reader *reader);

/* tables.c: fills constants of the port. */
void hp_host_note_constants(const struct hp_host_reader *reader);

/* True when any of the `size` bytes at addr, which does not wrap, is rewritten at boot. */
bool hp_host_is_rewritten(const struct hp_port *port, uint64_t addr, uint64_t size);

/* target.c: the section that holds an address, discarded or not; NULL when there is none. */
const struct hp_host_section *hp_host_section_at(const struct hp_port *port, uint64_t addr);

/* The same of those that end above addr: its number, or the number of sections. */
size_t hp_host_section_above(const struct hp_port *port, uint64_t addr);

/* image.c: the loaded payload that holds an address; NULL when there is none. */
struct hp_host_image *hp_host_image_at(const struct hp_port *port, uint64_t addr);

/* True when [addr, addr + size) is memory of a loaded payload with that protection. */
bool hp_host_is_image(const struct hp_port *port, uint64_t addr, size_t size,
                      enum hp_protection protection);

/* Unmaps and frees the memory of payloads that were not unloaded. */
void hp_host_free_images(struct hp_port *port);

/* A memory file of that size, which cannot change any more; -1 when there is none. */
int hp_host_memory_file(const char *name, size_t size);

/* self.c: the segment of the process's own code that holds all of the range, else NULL. */
const struct hp_host_code *hp_host_code_at(const struct hp_port *port, uint64_t addr, size_t size);

/* self.c: checks that the image is the one that runs. */
HP_MUST_USE enum hp_status hp_host_check_process(const struct hp_host_reader *reader);

/* self.c: true when any of the range is code of this library. */
bool hp_host_is_denied(uint64_t addr, size_t size);

/* compiler.c: takes what .comment tells, the first of several. */
HP_MUST_USE enum hp_status hp_host_read_compiler(const struct hp_host_reader *reader, Elf_Scn *scn);

/* record.c: takes the capability record of a file, which is the contents of its section. */
HP_MUST_USE enum hp_status hp_host_read_record(const struct hp_host_reader *reader,
                                               const uint8_t *bytes, size_t size);

/* record.c: whether any of [addr, addr + size), which is in the target, is denied by it. */
bool hp_host_is_on_deny_list(const struct hp_port *port, uint64_t addr, size_t size);

/* self.c: maps the executable again. */
void hp_host_restore_code(struct hp_port *port);

/* The same for one segment; false when it is not as in the file, or cannot be mapped. */
bool hp_host_map_again(const struct hp_port *port, const struct hp_host_code *segment,
                       int permissions);

/* Maps a file over a segment. */
bool hp_host_map_over(const struct hp_host_code *segment, int permissions, int flags, int fd,
                      uint64_t offset);

/* self.c: copies memory of the process to the begin of a file. */
bool hp_host_fill_file(int fd, uint64_t addr, uint64_t size);

/* target.c: copies memory of this process that sanitizers would not let anybody read. */
void hp_host_copy_live(uint8_t *out, uint64_t addr, size_t size);

/* constants.c: finds the segments of read-only data. Returns HP_OK or HP_NO_MEMORY. */
HP_MUST_USE enum hp_status hp_host_note_segments(const struct hp_host_reader *reader);

/* True when all of the range is data of the target that nobody writes once it runs. */
bool hp_host_is_constant(const struct hp_port *port, uint64_t addr, size_t size);

/*
 * Of the process: the segment of read-only data that holds all of the range, with its memory file
 * in place; NULL when there is none.
 */
const struct hp_host_code *hp_host_constants_at(struct hp_port *port, uint64_t addr, size_t size);

/* Takes the memory files of read-only data away again. */
void hp_host_restore_constants(struct hp_port *port);

/* alias.c: takes views away that were forgotten. */
void hp_host_free_aliases(struct hp_port *port);

/* cpus.c */
HP_MUST_USE enum hp_status hp_host_init_cpus(struct hp_port *port);
void hp_host_free_cpus(struct hp_port *port);

/* The calling thread's own; NULL when it is no CPU. */
struct hp_host_cpu *hp_host_cpu_self(const struct hp_port *port);

/* ---- faults.c and check.c -------------------------------------------------------------------- */

/* Counts a fallible call; true when fault injection wants it to fail. */
bool hp_host_must_fail(struct hp_port *port);

/* Where a thread may be when it calls the port. */
#define HP_HOST_OUTSIDE 1u  /* it is no CPU */
#define HP_HOST_RUNNING 2u  /* a CPU */
#define HP_HOST_HOLDING 4u  /* a CPU that holds the CPUs */
#define HP_HOST_QUIET   8u  /* a CPU with interrupts off */
#define HP_HOST_WINDOW  16u /* the CPU that makes the changes */

/* "Context: load" and "call": an ordinary context. */
#define HP_HOST_CALL (HP_HOST_OUTSIDE | HP_HOST_RUNNING)

/*
 * Records that the call of `function` is a violation unless it comes from one of the contexts, or
 * unless `holds`. No more than a look at a constant in builds that do not check.
 */
void hp_host_check_context(struct hp_port *port, const char *function, unsigned contexts);
void hp_host_check(struct hp_port *port, const char *function, bool holds, const char *violation);

#endif
