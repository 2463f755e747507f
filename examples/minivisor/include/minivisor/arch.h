/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an architecture supplies to the generic part, in arch/<name>/.
 *
 * Files expected there:
 *
 *   mv_arch_types.h  struct mv_arch_cpu, struct mv_arch_vcpu, and the constants listed below
 *   link.ld          the link script of the hypervisor; the symbols it has to define are below
 *   guest.S          entry of a guest: stack, then main(guest number); and
 *                    uint64_t guest_call(number, a, b, c), the hypercall of abi.h; and
 *                    guest_relax(), the hint of a waiting loop
 *   guest.ld         link script of the guest: flat, at MV_GUEST_IMAGE, .bss included in the file
 *   build.cmake      MV_ARCH_SOURCES, MV_ARCH_FLAGS, MV_GUEST_FLAGS, MV_TARGET_FLAGS, the
 *                    options of the library
 *   *.c, *.S         the functions below
 *
 * mv_arch_types.h:
 *
 *   MV_ARCH_MACHINE     e_machine
 *   MV_ARCH_ALIAS_BASE  virtual address, page-aligned, of MV_ALIAS_PAGES pages (memory.c) where
 *                       nothing else ever is
 *   MV_ARCH_CODE_BYTES  initialiser of a byte array: a function that does nothing but return
 *
 * link.ld; all page-aligned, in this order, nothing else between:
 *
 *   mv_image_start
 *   mv_text_start    .text that may be patched
 *   mv_deny_start    .text.deny, all of libhotpatch*.a
 *   mv_deny_end      = mv_text_end
 *   mv_rodata_start  .rodata, notes (.note.gnu.build-id, whose note lies at mv_build_id),
 *                    .hotpatch.target, .ex_table (mv_ex_table_start, mv_ex_table_end)
 *   mv_rodata_end
 *   mv_data_start    .data, .bss
 *   mv_data_end      = mv_image_end
 *   mv_arena         4 MiB of memory for payloads, in no section: what is in one is the image's own
 *   mv_arena_end
 *   mv_symbols       .symbols, read-only (tools/symbols.py): behind everything else, so that the
 *                    table, which the second pass of the link puts there, moves nothing
 *   mv_symbols_end
 *
 * Boot code that is needed before the hypervisor's own tables may lie in .text as well. Sections of
 * the boot that are executed at other addresses are copied there.
 *
 * Contexts: "boot": CPU 0 alone. "any". "exception": also from fault and NMI handlers.
 * Interrupts are on while the generic code runs, but where stated.
 */
#ifndef MINIVISOR_ARCH_H
#define MINIVISOR_ARCH_H

#include <minivisor/mv.h>

/* ---- console, end, time ---------------------------------------------------------------------- */

/* One byte to the serial console. Exception. */
void mv_arch_putc(char c);

/* Ends the machine; 0 becomes the emulator's exit status of success (see scripts/minivisor.sh). */
_Noreturn void mv_arch_exit(uint32_t code);

/* A clock in ns that all CPUs agree on, which runs on with interrupts off. Any. */
uint64_t mv_arch_now_ns(void);

/*
 * What costs are measured by: with the emulator's -icount shift=0,sleep=off it advances by one for
 * each instruction that any CPU executes. Any.
 */
uint64_t mv_arch_counter(void);

/* ---- CPUs ------------------------------------------------------------------------------------ */

/* This CPU: exception vectors, interrupt controller, mv_arch_self(), virtualisation switched on.
 * Boot (before the tables) and on each CPU that is started; interrupts are off, and on after it. */
void mv_arch_cpu_init(struct mv_cpu *cpu);

/* The CPU that calls. Exception. */
struct mv_cpu *mv_arch_self(void);

/* Starts a CPU, which comes to mv_secondary(cpu->id) on its stack. False: there is none. Boot. */
bool mv_arch_cpu_start(struct mv_cpu *cpu);

/* Called once all CPUs are online: what was mapped for starting them goes away. Boot. */
void mv_arch_cpus_started(void);

/* An interrupt to all other CPUs whose handler does nothing: they leave their guests. Any. */
void mv_arch_kick_others(void);

/* Interrupts of this CPU off, returning what puts them back. Any. */
uintptr_t mv_arch_interrupts_off(void);
void mv_arch_interrupts_restore(uintptr_t state);

/* The hint of a waiting loop; the emulator then runs other CPUs. Exception. */
void mv_arch_relax(void);

/* Whether there are NMIs; sends one, to a CPU that may be the caller's own. Exception. */
bool mv_arch_has_nmi(void);
void mv_arch_send_nmi(uint32_t cpu);

/* ---- the hypervisor's own mapping --------------------------------------------------------------
 */

/*
 * Changes the entries of [va, va + size), multiples of MV_PAGE, in the tables that all CPUs share:
 * 4 KiB pages, read/write/execute as `access` says, enforced for the hypervisor itself (on x86:
 * CR0.WP and NX). Tables come from mv_page_alloc(); once the CPUs are started no new table is
 * needed, since mv_memory_init() has mapped and unmapped each range that is used later. Flushes no
 * translations. The caller keeps others out. Any, but exception.
 */
void mv_arch_map(uint64_t va, uint64_t pa, uint64_t size, enum mv_access access);

/* Maps the devices that the architecture's own code needs. Boot, from mv_memory_init(). */
void mv_arch_map_devices(void);

/* This CPU uses these tables from now on. Boot; other CPUs are started with them. */
void mv_arch_mmu_enable(void);

/* This CPU, or all CPUs (it waits for them), forget their translations. Local: any, also with
 * interrupts off. All: interrupts on, not at a safe point. */
void mv_arch_flush_local(void);
void mv_arch_flush_all(void);

/* Makes instructions that were written at [addr, addr + size) fetchable by all CPUs. Any. */
void mv_arch_sync_code(uint64_t addr, uint64_t size);

/* ---- guests ------------------------------------------------------------------------------------
 */

/*
 * Prepares a guest: second-stage tables that map guest-physical [0, MV_GUEST_RAM) to vcpu->ram and
 * nothing else; entry at MV_GUEST_IMAGE with the number vcpu->id as its first argument, interrupts
 * masked. Boot.
 */
void mv_arch_vcpu_init(struct mv_vcpu *vcpu);

/*
 * Runs the guest of this CPU until it exits. Gives it vcpu->call.result first if its last exit was
 * MV_EXIT_CALL. With interrupts pending but not taken it asks mv_must_stop() and returns
 * MV_EXIT_INTERRUPT instead of entering when that says so: no kick is lost in between. Interrupts
 * are on when it returns, and those that ended it have been taken.
 */
enum mv_exit mv_arch_vcpu_run(struct mv_vcpu *vcpu);

/* ---- probes ------------------------------------------------------------------------------------
 */

/* Reads the byte at addr and writes it back, by instructions that have entries in the exception
 * table. False: one of them faulted. Any. */
bool mv_arch_probe_write(uint64_t addr);

/*
 * Calls the function at addr, MV_ARCH_CODE_BYTES. False: it could not be fetched; mv_fault() tells
 * by the return address, between these two. Any.
 */
bool mv_arch_probe_call(uint64_t addr);
extern const uint8_t mv_arch_probe_call_end[];

#endif
