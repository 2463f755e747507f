/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A port for unit tests: every answer is set by the test, every call is counted, any may fail.
 *
 * It defines all hp_port_*() functions, so a test program links either this or the host port. Image
 * memory has the page permissions that the library asked for: a write after that faults.
 */
#ifndef TEST_TEST_PORT_H
#define TEST_TEST_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hotpatch/hotpatch.h>

#include "elf_builder.h"

/* What tp_new() begins with: a target of 64 KiB of INT3 with "target_function" in it. */
#define TP_TEXT          UINT64_C(0xffff82d040200000)
#define TP_TEXT_SIZE     UINT64_C(0x10000)
#define TP_FUNCTION      (TP_TEXT + 0x1000) /* "target_function" */
#define TP_FUNCTION_SIZE 64u
#define TP_IMAGE         UINT64_C(0xffff82d040600000) /* where images are placed */
#define TP_PAGE          4096u

/* A symbol of the target. */
struct tp_symbol {
    const char *name;
    const char *file; /* source file of a file-scoped symbol; NULL: global */
    uint64_t addr;
    uint64_t size;
    enum hp_symbol_kind kind;
};

enum tp_flags {
    TP_PATCHABLE = 1 << 0, /* code that may be patched */
    TP_DENIED = 1 << 1,    /* on the deny list */
    TP_UNCERTAIN = 1 << 2, /* rewritten at boot */
    TP_CONSTANT = 1 << 3,  /* read-only data, which may be spliced */
    TP_VARIABLE = 1 << 4   /* the target's variables */
};

/* A range of target memory; of ranges that overlap, the bytes of the last count and all flags. */
struct tp_range {
    uint64_t addr;
    size_t size;
    uint8_t *bytes; /* NULL: flags alone */
    unsigned flags;
};

/* An entry on somebody's stack. */
struct tp_stack {
    uint64_t addr;
    uint32_t cpu;
};

/* Image memory that is in use. */
struct tp_image {
    struct hp_image_memory memory;
    size_t mapped;                     /* bytes of the host mapping */
    enum hp_protection protection[64]; /* of each page, once set */
    bool sealed[64];
    uint32_t aliases; /* of its pages */
    bool island;      /* it is for second trampolines */
};

/* Who calls the control interface, for tests that link it: its memory lies at TP_CALLER. */
struct tp_caller {
    uint8_t *memory; /* set by the test, as the two below; NULL: there is none */
    size_t size;
    bool denied;      /* hp_port_control_permit() says no */
    uint32_t asked;   /* hp_port_control_permit() calls */
    uint32_t command; /* of the last one */
    bool failed;      /* a copy was made to fail */
};

#define TP_CALLER UINT64_C(0x7fff10000)

#define TP_IMAGES_MAX 16
#define TP_CPUS_MAX   32

struct hp_port {
    /* set by the test */
    struct hp_target target;
    bool no_target;                /* everything about the target is HP_UNDECIDED */
    uint64_t image_addr;           /* address of the next image, rounded up to its alignment */
    uint64_t island_addr;          /* of the next second trampolines; 0: where they are asked for */
    size_t island_less;            /* bytes that they are too short */
    bool islands_patchable;        /* hp_port_patchable() forgets to deny them */
    uint32_t fail_at;              /* number of the fallible call that fails; 0: none does */
    uint32_t fail_also;            /* and the one of this number; 0: none */
    bool fail_onwards;             /* and every one after fail_at, too */
    enum hp_status symbol_failure; /* what a failing symbol call answers */
    uint32_t cpu_limit;            /* bound of CPU numbers, up to TP_CPUS_MAX */
    uint32_t self;                 /* the CPU that runs now */
    uint64_t features;             /* bit n: the CPUs have feature n */
    uint16_t feature_limit;        /* there are as many; 64 to begin with, the most */
    bool no_features;              /* what the CPUs have is HP_UNDECIDED */
    bool online[TP_CPUS_MAX];
    const struct tp_stack *stacks; /* what hp_port_stack_next() tells; with HP_TARGET_STACKS */
    uint32_t stack_count;
    uint64_t tick; /* nanoseconds by which each reading advances the clock */

    /*
     * Called by hp_port_relax(), in the window, and before every call that a CPU makes at its safe
     * point, to play what others do; may be NULL.
     */
    void (*on_relax)(struct hp_port *port, void *data);
    void (*on_window)(struct hp_port *port, void *data);
    void (*on_step)(struct hp_port *port, void *data);
    int (*on_hook)(struct hp_port *port, uint64_t addr, struct hp_payload_handle *handle);
    void *data;
    struct tp_caller caller;

    /* set by the port, for the test to look at */
    uint32_t calls;                         /* fallible calls so far */
    enum hp_status failed;                  /* answer of the first call that was made to fail */
    uint32_t allocs;                        /* hp_port_alloc() calls */
    uint32_t image_allocs;                  /* hp_port_image_alloc() calls */
    uint32_t island_allocs;                 /* hp_port_island_alloc() calls */
    uint32_t live;                          /* blocks and images not given back */
    uint32_t lookups;                       /* hp_port_symbol_by_name() calls */
    struct hp_image_request request;        /* the last one of an image ... */
    struct hp_image_request island_request; /* ... and of second trampolines */
    uint32_t live_aliases;
    uint32_t kicks;
    uint32_t windows;    /* entered and left */
    uint32_t syncs;      /* hp_port_text_sync() calls */
    uint32_t hooks;      /* hp_port_call_hook() calls */
    uint32_t serialised; /* hp_port_serialise() calls */
    bool locked;
    bool held;
    bool in_window;
    bool interrupts_off[TP_CPUS_MAX];
    bool stale[TP_CPUS_MAX]; /* text was synchronised after its last hp_port_serialise() */
    uint32_t holds;          /* successful hp_port_cpus_hold() calls */
    uint64_t now;
    uint8_t *last_image; /* contents of the image freed last */
    size_t last_image_size;

    /* internal */
    struct tp_symbol *symbols;
    size_t symbol_count;
    struct tp_range *ranges;
    size_t range_count;
    struct tp_image images[TP_IMAGES_MAX];
};

/* A port with the target described above; its build-id is the default xen_depends of a payload. */
struct hp_port *tp_new(void);

/* Fails the test unless everything that is acquired and released around an action is released. */
void tp_assert_quiescent(const struct hp_port *port);

/* Frees a port; fails the test when something of it is still in use. */
void tp_free(struct hp_port *port);

void tp_add_symbol(struct hp_port *port, struct tp_symbol symbol);

/* A global function, and a file-scoped one. */
void tp_add_function(struct hp_port *port, const char *name, uint64_t addr, uint64_t size);
void tp_add_local(struct hp_port *port, const char *file, const char *name, uint64_t addr,
                  uint64_t size);

/* Adds memory; bytes NULL: only flags. */
void tp_add_range(struct hp_port *port, uint64_t addr, const void *bytes, size_t size,
                  unsigned flags);

/* The byte at an address, to look at; NULL where there is no memory. */
uint8_t *tp_byte(const struct hp_port *port, uint64_t addr);

/* Counts a fallible call; true when it is to fail with `status`. For the files of the port. */
bool tp_fails(struct hp_port *port, enum hp_status status);

/* The answer of hp_port_patchable(), which neither counts nor fails. */
enum hp_status tp_patchable(const struct hp_port *port, uint64_t addr, size_t size);

/* The answer of hp_port_spliceable(), likewise. */
enum hp_status tp_spliceable(const struct hp_port *port, uint64_t addr, size_t size);

/* The caller's memory at an address, to be filled and looked at; NULL when it has none there. */
uint8_t *tp_caller_byte(const struct hp_port *port, uint64_t addr, size_t size);

/* Lets a test write to an image that is sealed, or restores its permissions. */
void tp_unseal(struct hp_port *port, const struct hp_image_memory *memory, bool writable);

/* Overwrites bytes of memory that exists. */
void tp_poke(struct hp_port *port, uint64_t addr, const void *bytes, size_t size);

/*
 * Loads a payload file that was malloc'ed, then overwrites and frees it, so that a pointer into it
 * that stayed behind is found. Checks what holds of every load: diagnostics and result agree; two
 * allocations on success, and one for a while where a signature was verified; on failure nothing
 * left in use and the struct zeroed.
 */
enum hp_status tp_load_file(struct hp_port *port, uint8_t *file, size_t size,
                            const struct hp_load_options *options, struct hp_payload *payload,
                            struct hp_diag *diag);

/* The same with a payload under construction, which it finishes. */
enum hp_status tp_load(struct hp_port *port, struct eb_payload *p,
                       const struct hp_load_options *options, struct hp_payload *payload,
                       struct hp_diag *diag);

/* The placed section of a section index; the test fails when it is not loaded. */
const struct hp_placed_section *tp_place(const struct hp_payload *payload, uint32_t section);

/* Where a loaded section lies, for the host and for the target. */
const uint8_t *tp_host(const struct hp_payload *payload, uint32_t section);
uint64_t tp_addr(const struct hp_payload *payload, uint32_t section);

/*
 * Makes names that all have the same 64-bit hash in hp_symtab: TP_COLLIDING bytes without NUL each,
 * and none is made twice. *next is 0 to begin with. A test that uses them checks the entries'
 * hashes, so that it notices when the hash changes.
 */
#define TP_COLLIDING 16u
void tp_colliding_name(char *name, uint64_t *next);

#endif
