/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The generic part of the hypervisor: its objects, and what its files offer to each other and to
 * the architecture.
 *
 * All memory is mapped where it lies: virtual and physical addresses of the hypervisor are equal,
 * except in the window of aliases. Everything is static; there is no allocation but for the library
 * and for page tables at boot.
 */
#ifndef MINIVISOR_MV_H
#define MINIVISOR_MV_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hotpatch/manager.h>

#include <minivisor/abi.h>
#include <mv_arch_types.h> /* of the architecture: arch/<name>/mv_arch_types.h */

#define MV_PAGE       UINT64_C(4096)
#define MV_STACK_SIZE (16 * 1024)

/*
 * Code that patching itself runs through: the port, the entry paths of interrupts and NMIs, what
 * calls the safe point. The link script puts it, the library and mem*() into one range, the deny
 * list. In assembly: .section .text.deny, "ax".
 */
#define MV_DENY __attribute__((__section__(".text.deny")))

/* ---- CPUs and guests ------------------------------------------------------------------------ */

enum mv_exit {
    MV_EXIT_CALL,      /* a hypercall: vcpu->call is set */
    MV_EXIT_INTERRUPT, /* the host was interrupted, or has work to do */
    MV_EXIT_FAULT      /* the guest did what it must not; vcpu->fault_info says what */
};

struct mv_guest_call {
    uint64_t number;
    uint64_t args[3];
    uint64_t result; /* given to the guest by the next mv_arch_vcpu_run() */
};

struct mv_vcpu {
    uint32_t id;
    uint8_t *ram; /* MV_GUEST_RAM bytes, guest-physical 0; page-aligned */
    struct mv_guest_call call;
    uint64_t fault_info[3]; /* the architecture's words */
    uint64_t calls;         /* MV_CALL_ANSWER */
    uint64_t exits;
    uint64_t interrupts;
    uint32_t tag;
    struct mv_arch_vcpu arch;
};

/* What NMIs of one CPU have to do with each other; see nmi.c. */
struct mv_nmi {
    uint32_t pending;  /* atomic: one came while they were held, and has to be sent again */
    uint32_t handling; /* atomic: the handler is running */
    uint64_t handled;
    uint64_t held;
    uint64_t version; /* of the code that handled the last one */
};

struct mv_cpu {
    struct mv_cpu *self; /* first: some architectures find the CPU by it */
    uint32_t id;
    uint32_t online;  /* atomic */
    uint32_t stalled; /* atomic: it shall pass no safe point */
    struct mv_nmi nmi;
    struct mv_vcpu vcpu;
    struct mv_arch_cpu arch;
};

extern struct mv_cpu mv_cpus[MV_CPUS];
extern uint8_t mv_stacks[MV_CPUS][MV_STACK_SIZE]; /* of CPU n: mv_stacks[n], growing down */
extern uint32_t mv_cpu_count;
extern struct hp_manager mv_manager;

/* What the architecture has found out before mv_main(). */
struct mv_boot {
    uint64_t archive;      /* the file handed in, a ustar archive: physical address */
    uint64_t archive_size; /* bytes, or an upper bound */
    uint32_t cpu_count;    /* CPUs that can be started, this one included */
};

/* main.c: entered by the architecture on CPU 0, with its first mapping and stack mv_stacks[0]. */
_Noreturn void mv_main(const struct mv_boot *boot);

/* main.c: entered by the architecture on every other CPU, with the tables that CPU 0 made. */
_Noreturn void mv_secondary(uint32_t cpu);

/*
 * main.c: whether this CPU has to pass its safe point before it may enter its guest. For
 * mv_arch_vcpu_run(), to be asked once interrupts stay pending.
 */
bool mv_must_stop(void);

/* ---- memory.c -------------------------------------------------------------------------------- */

/* Page permissions. Nothing is ever writable and executable. */
enum mv_access { MV_ACCESS_NONE, MV_ACCESS_R, MV_ACCESS_RW, MV_ACCESS_RX, MV_ACCESS_DEVICE };

/* A zeroed page, for page tables. Before the CPUs are started. Panics when there is none. */
void *mv_page_alloc(void);

void mv_memory_init(const struct mv_boot *boot);
uint8_t *mv_guest_ram(uint32_t guest);
uint64_t mv_memory_used(void);

/* Whether [addr, addr + size) is hypervisor text, or the text of a payload. */
bool mv_memory_is_text(uint64_t addr, uint64_t size);
bool mv_memory_is_readable(uint64_t addr, uint64_t size);

/* ---- console.c ------------------------------------------------------------------------------- */

/* %s %c %d %u %x %lu %lx %llu, with widths; a line at a time is not torn between CPUs. */
void mv_print(const char *format, ...) __attribute__((__format__(__printf__, 1, 2)));
void mv_write(const char *text, size_t size);
_Noreturn void mv_panic(const char *format, ...) __attribute__((__format__(__printf__, 1, 2)));

/* ---- fault.c --------------------------------------------------------------------------------- */

/* A synchronous fault of the hypervisor itself. */
struct mv_fault {
    uint64_t pc;
    uint64_t addr;   /* that was accessed */
    uint64_t caller; /* return address, if the function called at pc could not be fetched */
    bool fetch;      /* the instruction could not be fetched */
    bool leave;      /* OUT: go on at pc as if the function called there had returned */
};

/*
 * Looks the place up in the exception table (.ex_table: pairs of signed 32-bit self-relative
 * offsets, fault address and fix-up). Returns true when the CPU shall go on at fault->pc.
 */
bool mv_fault(struct mv_fault *fault);

/* ---- nmi.c ----------------------------------------------------------------------------------- */

/* To be called by the NMI entry path, on any CPU, at any time. */
void mv_nmi(struct mv_cpu *cpu);

/* Between these two, on any CPU, NMIs are noted and no more; those noted are raised again. */
void mv_nmi_hold(void);
void mv_nmi_release(void);

/* ---- the others ------------------------------------------------------------------------------ */

/* archive.c: finds a file. Returns its bytes, or NULL. */
const uint8_t *mv_archive_find(const char *name, uint64_t *size);

/* symbols.c: makes the index over the table that the link has left in the image. */
void mv_symbols_init(void);
bool mv_symbol_by_name(const char *name, size_t length, struct hp_target_symbol *symbol,
                       bool *ambiguous);
bool mv_symbol_by_address(uint64_t addr, struct hp_target_symbol *symbol);

/* guest.c: runs the guest of this CPU for ever. */
void mv_guest_load(struct mv_vcpu *vcpu, uint32_t id);
_Noreturn void mv_guest_loop(struct mv_cpu *cpu);

/* hypercall.c */
void mv_hypercall(struct mv_vcpu *vcpu);

/* Copies from and to a guest's memory; false when it is not all there. */
bool mv_guest_read(const struct mv_vcpu *vcpu, void *to, uint64_t from, uint64_t size);
bool mv_guest_write(struct mv_vcpu *vcpu, uint64_t to, const void *from, uint64_t size);

/* test.c: page permissions tried out. */
uint32_t mv_probe_count(void);
void mv_probe(uint32_t index, struct mv_probe *probe);

/* answers.c: what payloads patch. */
uint32_t mv_answer_high(void);
uint32_t mv_answer_low(void);
void mv_count(struct mv_vcpu *vcpu); /* counts an answer; also for payloads */
void mv_tag(struct mv_vcpu *vcpu);
uint32_t mv_nmi_version(void);

#endif
