/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The porting layer: what the embedding project supplies.
 *
 * These are link-time functions: the library declares and calls them, the embedder defines them.
 * There are no function pointers to register. Each takes the opaque struct hp_port that the
 * embedder passed to the library, so one program may serve several targets (as the host port does).
 *
 * Addresses are numbers of the target; host pointers are never target addresses. All sizes are in
 * bytes. Tags used below:
 *
 *   Context     when the library calls it:
 *               "load": from hp_payload_load() and hp_validate(), never while CPUs are stopped.
 *               "call": from a function of manager.h, in its caller's context, CPUs running.
 *               "safe point": on a CPU inside hp_safe_point(), no work of its own in progress.
 *               "quiet": the same with interrupts off; other CPUs are waiting.
 *               "window": all CPUs stand still, interrupts off. As short as can be: no allocation,
 *               no lock, no log.
 *   May sleep   whether the implementation may block or take sleeping locks.
 *   Locks held  that of hp_port_lock(), or none.
 *   Errors      statuses it may return; any other makes the load fail with that status.
 *   Since       library version that introduced it.
 */
#ifndef HOTPATCH_PORT_H
#define HOTPATCH_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hotpatch/key.h>
#include <hotpatch/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Defined by the embedder; the library only passes it back. */
struct hp_port;
struct hp_payload_handle;
struct hp_verify_workspace;

/* Properties of a target. */
enum {
    /*
     * Arm64: its pages are guarded, so that an indirect branch must land on a BTI. A function that
     * begins with PACIASP, which is a landing pad too, then gets one when it is patched, and needs
     * eight bytes instead of four. Source: Arm ARM, "Branch Target Identification".
     */
    HP_TARGET_BTI = 1 << 0,
    /* Arm64: it runs on Cortex-A53 cores with erratum 843419; see HP_RELOC_ERRATUM. */
    HP_TARGET_ERRATUM_843419 = 1 << 1,
    /*
     * What it does with the tables of a payload (SPEC section 6). A payload that carries one of a
     * kind that is not supported is refused.
     */
    HP_TARGET_EX_TABLE = 1 << 2,     /* its fault handler asks hp_manager_fixup() */
    HP_TARGET_BUG_FRAMES = 1 << 3,   /* its trap handler asks hp_manager_bug_frame() */
    HP_TARGET_ALTERNATIVES = 1 << 4, /* it answers hp_port_cpu_feature() */
    HP_TARGET_ALT_CALLS = 1 << 5,    /* hp_port_target_read() reads its function pointers as well */
    /*
     * x86: indirect branch tracking is in force for its code, so that an indirect call must land on
     * an ENDBR64. Where this or HP_TARGET_BTI is set, functions of a payload that are sure to be
     * called indirectly (hooks, and what a pointer is spliced to) must begin so.
     */
    HP_TARGET_IBT = 1 << 6,
    HP_TARGET_STACKS = 1 << 7, /* it answers hp_port_stack_next() */
    /* It is the running system itself, so that the functions of a payload can be called. */
    HP_TARGET_LIVE = 1 << 8,
    HP_TARGET_ISLANDS = 1 << 9 /* it answers hp_port_island_alloc() */
};

/* What is being patched. Constant for the lifetime of the port. */
struct hp_target {
    uint16_t machine;        /* e_machine of its ELF image; 0 when there is no target (offline) */
    uint32_t flags;          /* HP_TARGET_* */
    uint32_t page_size;      /* bytes; a power of two: granularity of page permissions */
    uint64_t text_start;     /* lowest address of patchable code */
    uint64_t text_end;       /* first address after the highest */
    const uint8_t *build_id; /* descriptor of its GNU build-id note */
    size_t build_id_size;    /* bytes; 0 when it has none */
    const char *compiler;    /* what made it, as its .comment tells: strings, each with its NUL */
    size_t compiler_size;    /* bytes of all of them; 0: not known */
    uint64_t return_thunk;   /* x86: where compilers make functions jump instead of returning
                                (-mfunction-return); 0: nowhere */
};

/*
 * Describes the target. The build-id and the names of compilers stay valid while the port exists.
 *
 * Context: load. May sleep: yes. Errors: none. Since: 0.1.
 */
void hp_port_target(struct hp_port *port, struct hp_target *target);

/* ---- memory -------------------------------------------------------------------------------- */

/*
 * Work memory for the library's own tables, aligned for any type (16 bytes). One call for each
 * payload loaded.
 *
 * Returns NULL when there is none. Context: load. May sleep: yes. Since: 0.1.
 */
void *hp_port_alloc(struct hp_port *port, size_t size);

/* Gives back what hp_port_alloc() returned; `size` is the size asked for. Context: load, unload. */
void hp_port_free(struct hp_port *port, void *memory, size_t size);

/* Memory for a payload's sections, as the library asks for it. */
struct hp_image_request {
    size_t size;    /* bytes; a multiple of the page size */
    uint64_t align; /* alignment of the address; a power of two, at least the page size */
    uint64_t low;   /* the whole range must lie at or above this address ... */
    uint64_t high;  /* ... and end at or below this one; low 0 and high UINT64_MAX: anywhere */
};

/* Memory for a payload's sections, as the port gave it. */
struct hp_image_memory {
    uint8_t *host;   /* where the library may write it now; aligned to 16 bytes */
    uint64_t addr;   /* where the target sees it; never 0 */
    size_t size;     /* bytes, as asked for */
    uintptr_t token; /* the port's own; the library only keeps it */
};

/*
 * Obtains zeroed memory for a payload, writable through memory->host. It lies within branch reach
 * of the target's code when it lies in [low, high). A port that cannot honour the range (because
 * the user of an offline tool chose a base address, or because there is room for no more than
 * second trampolines) may give other addresses: the library then refuses every jump and relocation
 * that does not reach, but for jumps that a second trampoline lengthens.
 *
 * Context: load. May sleep: yes. Errors: HP_IMAGE_MEMORY. Since: 0.1.
 */
HP_MUST_USE enum hp_status hp_port_image_alloc(struct hp_port *port,
                                               const struct hp_image_request *request,
                                               struct hp_image_memory *memory);

/*
 * Obtains zeroed memory for the second trampolines of a payload: code of some bytes each, near the
 * functions to patch, that jumps on to new functions which are out of their jumps' reach. Asked for
 * once at most for a payload, of one page or a few, and only when the target has HP_TARGET_ISLANDS.
 * The range of the request must be honoured. What hp_port_image_alloc() says of memory holds for
 * this one as well: hp_port_image_protect() makes text of it and hp_port_image_free() gives it
 * back. It is the library's own: hp_port_patchable() denies it. There is a default, which has none.
 *
 * Context: load. May sleep: yes. Errors: HP_ISLAND_MEMORY. Since: 0.2.
 */
HP_MUST_USE enum hp_status hp_port_island_alloc(struct hp_port *port,
                                                const struct hp_image_request *request,
                                                struct hp_image_memory *memory);

/* Gives image memory back, whatever its permissions are by then. Context: load, unload. */
void hp_port_image_free(struct hp_port *port, const struct hp_image_memory *memory);

/* Page permissions of a region of a payload. */
enum hp_protection {
    HP_PROTECT_TEXT,  /* read and execute */
    HP_PROTECT_DATA,  /* read and write */
    HP_PROTECT_RODATA /* read */
};

/*
 * Sets the final permissions of the pages [offset, offset + size) of image memory; both are
 * multiples of the page size. For HP_PROTECT_TEXT it also makes the instruction side see what was
 * written (cache clean and invalidate where the architecture needs it). After the call the library
 * reads that range through memory->host and does not write it any more, HP_PROTECT_DATA excepted.
 *
 * Context: load. May sleep: yes. Errors: HP_PROTECT_FAILED. Since: 0.1.
 */
HP_MUST_USE enum hp_status hp_port_image_protect(struct hp_port *port,
                                                 const struct hp_image_memory *memory,
                                                 size_t offset, size_t size,
                                                 enum hp_protection protection);

/*
 * Reads target memory: its code as it is now, or the text of a loaded payload. With
 * HP_TARGET_ALT_CALLS also the target's data, for the function pointers of alternative calls, and
 * in any case what hp_port_spliceable() allows.
 *
 * Context: load. May sleep: yes. Errors: HP_TARGET_READ when any of the bytes is not mapped.
 * HP_UNDECIDED, offline only: the bytes were read from the image file and are stored in buf, but
 * the target changes some of them (code that it rewrites at boot, variables); or there is no target
 * at all, and then buf is zeroed.
 * Since: 0.1.
 */
HP_MUST_USE enum hp_status hp_port_target_read(struct hp_port *port, uint64_t addr, void *buf,
                                               size_t size);

/* ---- symbols ------------------------------------------------------------------------------- */

enum hp_symbol_kind {
    HP_KIND_UNKNOWN, /* a label without a type */
    HP_KIND_CODE,
    HP_KIND_DATA
};

/* A symbol of the target. */
struct hp_target_symbol {
    const char *name; /* without file prefix; valid while the port exists; may be NULL */
    uint64_t addr;
    uint64_t size; /* bytes; 0 when not known */
    enum hp_symbol_kind kind;
};

/*
 * Finds a symbol of the target by name. "file.c#name" names a file-scoped symbol, a plain name one
 * with global or weak binding (a hidden one that the linker made local included).
 *
 *   name, length  not NUL-terminated; untrusted bytes
 *
 * Context: load. May sleep: yes. Errors: HP_SYMBOL_UNDEFINED, HP_SYMBOL_AMBIGUOUS (several file-
 * scoped symbols of that name in files of that name), HP_UNDECIDED (there is no target). Since:
 * 0.1.
 */
HP_MUST_USE enum hp_status hp_port_symbol_by_name(struct hp_port *port, const char *name,
                                                  size_t length, struct hp_target_symbol *symbol);

/*
 * Finds the symbol whose range holds an address: of those whose size is known the innermost, else
 * the label closest below it.
 *
 * Context: load. May sleep: yes. Errors: HP_SYMBOL_UNDEFINED, HP_UNDECIDED. Since: 0.1.
 */
HP_MUST_USE enum hp_status hp_port_symbol_by_address(struct hp_port *port, uint64_t addr,
                                                     struct hp_target_symbol *symbol);

/*
 * Says whether [addr, addr + size) may be patched: whether all of it is code that stays in place
 * (the target's text, the text of a loaded payload), and none of it is on the deny list (the
 * library's own code, the rendezvous, NMI and machine-check paths, second trampolines).
 *
 * Context: load. May sleep: yes. Errors: HP_PATCH_RANGE, HP_PATCH_DENIED, HP_UNDECIDED (there is no
 * target). Since: 0.1.
 */
HP_MUST_USE enum hp_status hp_port_patchable(struct hp_port *port, uint64_t addr, size_t size);

/*
 * Says whether [addr, addr + size) may be spliced: whether all of it is data that nobody writes
 * once the target has booted (its .rodata, what it makes read-only at the end of booting, the
 * read-only data of a loaded payload), that stays in place, and of which none is on the deny list:
 * tables that patching itself depends on. Asked for only when hp_port_patchable() said
 * HP_PATCH_RANGE. There is a default, which knows of no such data: HP_PATCH_RANGE.
 *
 * Context: load. May sleep: yes. Errors: HP_PATCH_RANGE (there is nothing, or not all of it),
 * HP_SPLICE_WRITABLE (some of it is the target's variables, .data or .bss), HP_PATCH_DENIED,
 * HP_UNDECIDED (there is no target). Since: 0.2.
 */
HP_MUST_USE enum hp_status hp_port_spliceable(struct hp_port *port, uint64_t addr, size_t size);

/* ---- changing target memory ---------------------------------------------------------------- */

/* A writable view of target memory. */
struct hp_alias {
    uint8_t *host;   /* the byte at addr, where the library may write it */
    uint64_t addr;   /* as asked for */
    size_t size;     /* bytes, as asked for */
    uintptr_t token; /* the port's own; the library only keeps it */
};

/*
 * Maps [addr, addr + size) of the target's code, or of the text of a loaded payload, a second time,
 * writable and not executable. The first mapping keeps its permissions. What is written through
 * alias->host is what the target executes once hp_port_text_sync() was called. The range
 * lies in the target's code or in the text of one payload, and need not be aligned. Where
 * hp_port_spliceable() allows something, also of read-only data: then all of the range is such
 * data, and what is written is what the target reads; it never becomes writable where the target
 * sees it.
 *
 * Context: call. May sleep: yes. Locks held: the manager's. Errors: HP_ALIAS_MAP. Since: 0.2.
 */
HP_MUST_USE enum hp_status hp_port_alias_map(struct hp_port *port, uint64_t addr, size_t size,
                                             struct hp_alias *alias);

/*
 * Takes the view away. Cannot fail.
 *
 * Context: call (after a failure) or safe point. May sleep: no. Locks held: any. Since: 0.2.
 */
void hp_port_alias_unmap(struct hp_port *port, const struct hp_alias *alias);

/*
 * Makes what was written at [addr, addr + size) visible to the instruction fetch of every CPU, as
 * far as one CPU can do that for all: nothing on x86; on Arm and Arm64 clean the data cache to the
 * point of unification, invalidate the instruction cache (inner shareable), then DSB; on RISC-V
 * FENCE RW,RW. hp_port_serialise() then does each CPU's own part. There is a default.
 *
 *   addr  where the target executes the bytes, not the alias. Of read-only data that was spliced
 *         where it reads them: something is to be done there only where the data cache can hold two
 *         views of one byte
 *
 * Context: window. May sleep: no. Since: 0.2.
 */
void hp_port_text_sync(struct hp_port *port, uint64_t addr, size_t size);

/* ---- CPUs ---------------------------------------------------------------------------------- */

/*
 * A bound on CPU numbers: every number is below it. They need not be dense. Constant for the
 * lifetime of the port, at least 1.
 *
 * Context: call. Since: 0.2.
 */
uint32_t hp_port_cpu_limit(struct hp_port *port);

/* Number of the CPU that calls. Context: safe point. May sleep: no. Since: 0.2. */
uint32_t hp_port_cpu_self(struct hp_port *port);

/*
 * Keeps the set of online CPUs as it is, until hp_port_cpus_release(). A CPU that passes safe
 * points is online; one that is not must not execute the target's code.
 *
 * Context: safe point. May sleep: no: when CPUs are just coming or going it fails. Errors:
 * HP_CPUS_NOT_HELD. Since: 0.2.
 */
HP_MUST_USE enum hp_status hp_port_cpus_hold(struct hp_port *port);

/* Lets CPUs come and go again. Context: safe point. May sleep: no. Since: 0.2. */
void hp_port_cpus_release(struct hp_port *port);

/*
 * The lowest number of an online CPU that is not below `from`; the limit or above when there is
 * none. Called only while the CPUs are held. Context: safe point, quiet. Since: 0.2.
 */
uint32_t hp_port_cpu_next(struct hp_port *port, uint32_t from);

/*
 * Makes every online CPU other than the caller's reach its safe point soon: an inter-processor
 * interrupt that makes it leave its guest or its idle loop. A hint that may be repeated; the CPUs
 * may not be held.
 *
 * Context: call, safe point. May sleep: no. Locks held: any. Since: 0.2.
 */
void hp_port_cpus_kick(struct hp_port *port);

/*
 * A clock in nanoseconds that never goes backwards and runs on while interrupts are off. Only
 * differences count. Context: safe point, quiet. Since: 0.2.
 */
uint64_t hp_port_now(struct hp_port *port);

/*
 * Called between two looks at a word that another CPU will change: PAUSE, YIELD, WFE with a
 * time-out. There is a default. Context: call, safe point, quiet. May sleep: no. Since: 0.2.
 */
void hp_port_relax(struct hp_port *port);

/*
 * Disables interrupts on this CPU and returns what hp_port_interrupts_restore() needs to put the
 * state back. Context: safe point. May sleep: no. Since: 0.2.
 */
uintptr_t hp_port_interrupts_off(struct hp_port *port);

/* Puts this CPU's interrupt state back. Context: quiet. May sleep: no. Since: 0.2. */
void hp_port_interrupts_restore(struct hp_port *port, uintptr_t state);

/*
 * Around the window, on the CPU that makes the changes: NMIs and machine checks must not execute
 * code that is half written. Their paths are on the deny list (hp_port_patchable()); what they call
 * besides is kept away here: an NMI that comes in between is noted and raised again by
 * hp_port_window_leave(), not lost. There is a default, which does nothing: for ports without such
 * interrupts. Context: window. May sleep: no. Since: 0.2.
 */
void hp_port_window_enter(struct hp_port *port);
void hp_port_window_leave(struct hp_port *port);

/*
 * Makes this CPU forget instructions that it fetched before: a serialising instruction on x86
 * (CPUID, IRET, SERIALIZE), ISB on Arm and Arm64, FENCE.I on RISC-V. Called by every CPU before it
 * goes on; by the one that makes the changes right after them, before hp_port_window_leave() and
 * before hooks of a payload run. There is a default. Context: quiet, window. May sleep: no. Since:
 * 0.2.
 */
void hp_port_serialise(struct hp_port *port);

/* ---- stacks --------------------------------------------------------------------------------- */

#define HP_STACK_SLEEPS UINT32_MAX /* in place of a CPU number: a context that no CPU executes */

/* A walk through all stacks. */
struct hp_stack_walk {
    uint64_t addr;      /* receives an address of the target's code, or of a payload's text */
    uint32_t cpu;       /* receives whose it is: a CPU's number or HP_STACK_SLEEPS */
    uintptr_t state[6]; /* the port's own; zero to begin with */
};

/*
 * Tells the next place where a CPU, or a context that sleeps, will go on: each return address on
 * each stack, those of the acting CPU included, and where contexts were interrupted. An action
 * during which one of them is inside a function to be patched ends with HP_STACK_BUSY and changes
 * nothing. It may tell too much (every word of a stack that looks like an address of code), but
 * nothing may be left out. Asked for only when the target has HP_TARGET_STACKS; all calls of one
 * window are one walk. There is a default, which tells nothing.
 *
 * Returns false when there is no more. Context: window, before anything is written. May sleep: no.
 * Since: 0.2.
 */
bool hp_port_stack_next(struct hp_port *port, struct hp_stack_walk *walk);

/* ---- CPU features --------------------------------------------------------------------------- */

/*
 * Says whether the CPUs have a feature: decides about an alternative of a payload. Asked for only
 * when the target has HP_TARGET_ALTERNATIVES, in no particular order and more than once for a
 * feature; the answer never changes. There is a default, which knows none.
 *
 *   feature  number of the target's own, as its alternatives have it; any number may come
 *   has      receives the answer
 *
 * Context: load. May sleep: yes. Errors: HP_ALT_FEATURE (there is no such number), HP_UNDECIDED
 * (offline: the CPUs are not known). Since: 0.2.
 */
HP_MUST_USE enum hp_status hp_port_cpu_feature(struct hp_port *port, uint16_t feature, bool *has);

/* ---- hooks --------------------------------------------------------------------------------- */

/* Hooks of a payload, by signature (SPEC section 4). */
enum hp_hook_form {
    HP_HOOK_PLAIN,  /* void (*)(void): load, unload */
    HP_HOOK_ACTION, /* int (*)(struct hp_payload_handle *): preapply, apply, prerevert, revert */
    HP_HOOK_POST    /* void (*)(struct hp_payload_handle *): postapply, postrevert */
};

/*
 * Calls a function of a loaded payload. Asked for only when the target is HP_TARGET_LIVE. There is
 * a default, which casts the address to a function pointer; a port with control-flow integrity may
 * have to do more.
 *
 *   addr    where the target sees the function
 *   handle  its argument; not for HP_HOOK_PLAIN
 *
 * Returns what a HP_HOOK_ACTION returned, else 0. Context: call (pre hooks; locks held: the
 * manager's), window (load, unload, apply, revert), safe point (post hooks). Since: 0.2.
 */
int hp_port_call_hook(struct hp_port *port, enum hp_hook_form form, uint64_t addr,
                      struct hp_payload_handle *handle);

/* ---- the manager's lock --------------------------------------------------------------------- */

/*
 * Mutual exclusion of the calls of one manager. Never taken at a safe point or in the window, so it
 * may be a lock that sleeps; it is held for as long as a payload takes to load.
 *
 * Context: call. May sleep: yes. Locks held: none. Since: 0.2.
 */
void hp_port_lock(struct hp_port *port);
void hp_port_unlock(struct hp_port *port);

/* ---- signatures ---------------------------------------------------------------------------- */

/*
 * Computes the digest of the bytes of several parts, one after the other. There is a default, the
 * library's own SHA-2, which does not look at port.
 *
 *   hash          HP_HASH_SHA256, HP_HASH_SHA384 or HP_HASH_SHA512
 *   parts, count  what to read; an empty part is allowed
 *   digest        receives hp_hash_size(hash) bytes
 *
 * Context: load, or the caller's of sign.h. May sleep: yes. Errors: HP_SIGNATURE_UNSUPPORTED (not
 * this digest), HP_NO_MEMORY. Since: 0.3.
 */
HP_MUST_USE enum hp_status hp_port_digest(struct hp_port *port, enum hp_hash hash,
                                          const struct hp_span *parts, size_t count,
                                          uint8_t *digest);

/*
 * Checks a signature over a digest. There is a default, the library's own: RSA PKCS#1 v1.5 up to
 * HP_RSA_BITS_MAX, no ECDSA; it does not look at port. All arguments are public data, so the time
 * it takes may depend on them.
 *
 * RSA: the signature has as many bytes as the modulus; what it decrypts to must be exactly the
 * encoding of RFC 8017, section 9.2, with the NULL of the digest's parameters. ECDSA: the signature
 * is the strict DER of {r, s}; a digest longer than the curve's order counts by its leading bits
 * (FIPS 186-4, section 6.4).
 *
 *   key        of a key ring: hp_keyring_add() has accepted it
 *   hash       of the digest; HP_HASH_SHA256, HP_HASH_SHA384 or HP_HASH_SHA512
 *   digest     hp_hash_size(hash) bytes
 *   signature  any bytes of any length
 *   workspace  of the caller of sign.h; memory to compute in
 *
 * Context: as hp_port_digest(). May sleep: yes. Errors: HP_SIGNATURE_BAD (it is not a signature of
 * the digest by that key, for whatever reason), HP_SIGNATURE_UNSUPPORTED (not this algorithm or
 * digest), HP_INVALID_ARGUMENT (no workspace, where one is needed), HP_NO_MEMORY. Since: 0.3.
 */
HP_MUST_USE enum hp_status hp_port_public_verify(struct hp_port *port, const struct hp_key *key,
                                                 enum hp_hash hash, const uint8_t *digest,
                                                 struct hp_span signature,
                                                 struct hp_verify_workspace *workspace);

#ifdef __cplusplus
}
#endif

#endif
