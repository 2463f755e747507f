/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An empty port to begin from: every function of <hotpatch/port.h>, each with what it has to do in
 * a hypervisor. As it stands it compiles, links and refuses: no payload loads with it, and no
 * action finds CPUs that it may stop.
 *
 * Copy this file into your project, define struct hp_port, and fill the functions in from top to
 * bottom; the header holds the exact contracts, docs/PORTING.md the reasons. Those of the first
 * part are called while a payload is loaded, in an ordinary context where you may sleep; those of
 * the second are needed to apply it, and the comment on each says where it is called.
 */
#include <hotpatch/port.h>

#include <string.h>

/* Your own data: the library only hands the pointer back. One static object will often do. */
struct hp_port {
    uint32_t page_size;
};

/*
 * Describe the running hypervisor: its ELF machine, page size, where its code begins and ends (up
 * to _etext, not the code that was freed after boot), and the descriptor of its build-id note,
 * which the linker can delimit with symbols. Machine 0, as here, says that there is no target.
 */
void hp_port_target(struct hp_port *port, struct hp_target *target)
{
    memset(target, 0, sizeof(*target));
    target->page_size = port->page_size;
}

/*
 * Return work memory of `size` bytes aligned to 16, or NULL. There is one call for each payload, of
 * some tens of kilobytes: an allocator of whole pages is good enough. It need not be zeroed.
 */
void *hp_port_alloc(struct hp_port *port, size_t size)
{
    (void)port;
    (void)size;
    return NULL;
}

/* Give it back. `size` is what was asked for, for allocators that do not keep it. */
void hp_port_free(struct hp_port *port, void *memory, size_t size)
{
    (void)port;
    (void)memory;
    (void)size;
}

/*
 * Obtain zeroed, page-aligned memory for a payload's sections, mapped writable and not executable,
 * at an address in [request->low, request->high): the range from which branches reach your code.
 * Keep a part of the address space next to it free for this; payloads cannot be loaded without.
 * Fill memory->host (here the same as the address, unless you map a separate alias), addr, size and
 * token.
 */
enum hp_status hp_port_image_alloc(struct hp_port *port, const struct hp_image_request *request,
                                   struct hp_image_memory *memory)
{
    (void)port;
    (void)request;
    memset(memory, 0, sizeof(*memory));
    return HP_IMAGE_MEMORY;
}

/*
 * Give it back, whatever its permissions are by now: make it writable and not executable first, and
 * flush the TLBs of all CPUs before the pages are used for anything else.
 */
void hp_port_image_free(struct hp_port *port, const struct hp_image_memory *memory)
{
    (void)port;
    (void)memory;
}

/*
 * Set the final permissions of whole pages: TEXT read and execute, DATA read and write, RODATA
 * read. Never map them writable and executable, not even in between. Flush the TLBs. For TEXT also
 * clean the data cache and invalidate the instruction cache where your architecture has to.
 */
enum hp_status hp_port_image_protect(struct hp_port *port, const struct hp_image_memory *memory,
                                     size_t offset, size_t size, enum hp_protection protection)
{
    (void)port;
    (void)memory;
    (void)offset;
    (void)size;
    (void)protection;
    return HP_PROTECT_FAILED;
}

/*
 * Copy `size` bytes of your memory at addr into buf. The address comes from a payload: check that
 * all of the range is mapped, in your image or in that of a loaded payload, before you touch it.
 */
enum hp_status hp_port_target_read(struct hp_port *port, uint64_t addr, void *buf, size_t size)
{
    (void)port;
    (void)addr;
    memset(buf, 0, size);
    return HP_TARGET_READ;
}

/*
 * Look a name up in your symbol table: "name" among the global symbols, "file.c#name" among the
 * local ones of that file. The name is not terminated and its bytes are anybody's. Leave out what
 * is freed after boot. Return HP_SYMBOL_AMBIGUOUS rather than the first of several.
 * <hotpatch/symtab.h> has an index that makes this fast.
 */
enum hp_status hp_port_symbol_by_name(struct hp_port *port, const char *name, size_t length,
                                      struct hp_target_symbol *symbol)
{
    (void)port;
    (void)name;
    (void)length;
    memset(symbol, 0, sizeof(*symbol));
    return HP_SYMBOL_UNDEFINED;
}

/*
 * Find the symbol that holds an address. Report its size if you know it: with it the library
 * refuses patches that would run over the end of a function.
 */
enum hp_status hp_port_symbol_by_address(struct hp_port *port, uint64_t addr,
                                         struct hp_target_symbol *symbol)
{
    (void)port;
    (void)addr;
    memset(symbol, 0, sizeof(*symbol));
    return HP_SYMBOL_UNDEFINED;
}

/*
 * Return HP_OK when all of the range is code that may be patched: your text, without what was freed
 * after boot, or the text of a loaded payload. Return HP_PATCH_DENIED for what patching itself
 * depends on: this library, the rendezvous, the NMI and machine-check paths.
 */
enum hp_status hp_port_patchable(struct hp_port *port, uint64_t addr, size_t size)
{
    (void)port;
    (void)addr;
    (void)size;
    return HP_PATCH_RANGE;
}

/* ---- what applying and reverting need ------------------------------------------------------- */

/* Return one more than the highest number that a CPU can have. */
uint32_t hp_port_cpu_limit(struct hp_port *port)
{
    (void)port;
    return 1;
}

/* Return the number of the CPU that calls. Safe point. */
uint32_t hp_port_cpu_self(struct hp_port *port)
{
    (void)port;
    return 0;
}

/*
 * Keep CPUs from coming and going: try the lock of CPU hotplug, without waiting for it. Safe point.
 */
enum hp_status hp_port_cpus_hold(struct hp_port *port)
{
    (void)port;
    return HP_CPUS_NOT_HELD;
}

/* Give that lock back. Safe point. */
void hp_port_cpus_release(struct hp_port *port)
{
    (void)port;
}

/*
 * Return the lowest number, from `from` upwards, of a CPU that executes your code; the limit when
 * there is none. Leave out no CPU that does, and count none that will not come to its safe point.
 */
uint32_t hp_port_cpu_next(struct hp_port *port, uint32_t from)
{
    (void)port;
    return from;
}

/* Send an interrupt to all other CPUs, so that they leave their guests. Its handler does nothing.
 */
void hp_port_cpus_kick(struct hp_port *port)
{
    (void)port;
}

/* Return nanoseconds of a clock that goes on while interrupts are off. Safe point. */
uint64_t hp_port_now(struct hp_port *port)
{
    (void)port;
    return 0;
}

/* Disable interrupts on this CPU; return what restores their state. Safe point. */
uintptr_t hp_port_interrupts_off(struct hp_port *port)
{
    (void)port;
    return 0;
}

/* Put that state back. */
void hp_port_interrupts_restore(struct hp_port *port, uintptr_t state)
{
    (void)port;
    (void)state;
}

/*
 * Map the pages of [addr, addr + size) of your code, or of a loaded payload's text, once more:
 * writable, not executable, and in one piece when they are several. Called before the CPUs are
 * stopped, where you may sleep and fail.
 */
enum hp_status hp_port_alias_map(struct hp_port *port, uint64_t addr, size_t size,
                                 struct hp_alias *alias)
{
    (void)port;
    (void)addr;
    (void)size;
    memset(alias, 0, sizeof(*alias));
    return HP_ALIAS_MAP;
}

/* Take it away. Called at a safe point too, where you must not sleep; it cannot fail. */
void hp_port_alias_unmap(struct hp_port *port, const struct hp_alias *alias)
{
    (void)port;
    (void)alias;
}

/* Take a lock that keeps calls of the manager apart; it may sleep. Never called at a safe point. */
void hp_port_lock(struct hp_port *port)
{
    (void)port;
}

/* Give it back. */
void hp_port_unlock(struct hp_port *port)
{
    (void)port;
}

/*
 * Not here, since there are defaults which the linker takes where you define none
 * (hotpatch-defaults):
 *
 *   hp_port_text_sync()     caches, after a write to code
 *   hp_port_serialise()     pipeline, on each CPU
 *   hp_port_relax()         a pause in a loop
 *   hp_port_window_enter()  does nothing: define it, and hp_port_window_leave(), when NMIs or
 *   hp_port_window_leave()  machine checks can run code that may be patched
 *   hp_port_island_alloc()  has no memory: define it, and set HP_TARGET_ISLANDS, when payloads lie
 *                           out of reach of your code and a few pages near it are free
 *   hp_port_cpu_feature()   knows none: define it when you set HP_TARGET_ALTERNATIVES
 *   hp_port_digest(), hp_port_public_verify()
 *                           the library's own SHA-2 and RSA
 *   hp_port_spliceable()    no data may be spliced: define it when payloads may change entries of
 *                           your read-only tables
 *   hp_port_stack_next()    tells no stacks: define it, and set HP_TARGET_STACKS, when contexts may
 *                           sleep in functions that are patched
 *   hp_port_call_hook()     calls a function pointer: define it when that takes more in your
 *                           project, as with control-flow integrity
 */
