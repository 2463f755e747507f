/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An empty port to begin from: every function of <hotpatch/port.h>, each with what it has to do in
 * a hypervisor. As it stands it compiles, links and refuses: no payload loads with it.
 *
 * Copy this file into your project, define struct hp_port, and fill the functions in from top to
 * bottom; the header holds the exact contracts. All are called while a payload is loaded, in an
 * ordinary context where you may sleep, and never while CPUs are stopped.
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
