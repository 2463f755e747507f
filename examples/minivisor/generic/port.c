/* SPDX-License-Identifier: BSD-2-Clause */
/* The port, first half: what the library asks while a payload is loaded, and its memory. */
#include "port.h"

#include <string.h>

#include <minivisor/arch.h>

#include "layout.h"
#include "lock.h"

struct hp_port mv_port;

/* An ELF note: two lengths, a type, the name, the descriptor. */
#define NOTE_NAME_SIZE   4u
#define NOTE_HEADER_SIZE 12u

void mv_port_init(void)
{
    struct hp_target *target = &mv_port.target;
    uint32_t size;

    memcpy(&size, mv_build_id + sizeof(size), sizeof(size));
    target->machine = MV_ARCH_MACHINE;
    target->flags = HP_TARGET_LIVE | MV_TARGET_FLAGS;
    target->page_size = (uint32_t)MV_PAGE;
    target->text_start = mv_address(mv_text_start);
    target->text_end = mv_address(mv_text_end);
    target->build_id = mv_build_id + NOTE_HEADER_SIZE + NOTE_NAME_SIZE;
    target->build_id_size = size;
}

MV_DENY void hp_port_target(struct hp_port *port, struct hp_target *target)
{
    *target = port->target;
}

/* ---- memory -------------------------------------------------------------------------------- */

MV_DENY void *hp_port_alloc(struct hp_port *port, size_t size)
{
    (void)port;
    return mv_heap_alloc(size);
}

MV_DENY void hp_port_free(struct hp_port *port, void *memory, size_t size)
{
    (void)port;
    mv_heap_free(memory, size);
}

/* Until it is protected the memory is written where it will be executed, and is not executable. */
MV_DENY enum hp_status hp_port_image_alloc(struct hp_port *port,
                                           const struct hp_image_request *request,
                                           struct hp_image_memory *memory)
{
    uint64_t addr = mv_arena_alloc(request->size, request->align);

    (void)port;
    memset(memory, 0, sizeof(*memory));
    if (addr == 0) {
        return HP_IMAGE_MEMORY;
    }
    if (!mv_within(addr, request->size, request->low, request->high)) {
        mv_arena_free(addr, request->size);
        return HP_IMAGE_MEMORY;
    }
    memory->host = (uint8_t *)(uintptr_t)addr;
    memory->addr = addr;
    memory->size = request->size;
    return HP_OK;
}

MV_DENY void hp_port_image_free(struct hp_port *port, const struct hp_image_memory *memory)
{
    (void)port;
    mv_arena_free(memory->addr, memory->size);
}

MV_DENY enum hp_status hp_port_image_protect(struct hp_port *port,
                                             const struct hp_image_memory *memory, size_t offset,
                                             size_t size, enum hp_protection protection)
{
    static const uint8_t access[] = {[HP_PROTECT_TEXT] = MV_ACCESS_RX,
                                     [HP_PROTECT_DATA] = MV_ACCESS_RW,
                                     [HP_PROTECT_RODATA] = MV_ACCESS_R};

    (void)port;
    mv_arena_protect(memory->addr + offset, size, (enum mv_access)access[protection]);
    return HP_OK;
}

MV_DENY enum hp_status hp_port_target_read(struct hp_port *port, uint64_t addr, void *buf,
                                           size_t size)
{
    (void)port;
    if (!mv_memory_is_readable(addr, size)) {
        memset(buf, 0, size);
        return HP_TARGET_READ;
    }
    memcpy(buf, (const void *)(uintptr_t)addr, size);
    return HP_OK;
}

/* ---- symbols ------------------------------------------------------------------------------- */

MV_DENY enum hp_status hp_port_symbol_by_name(struct hp_port *port, const char *name, size_t length,
                                              struct hp_target_symbol *symbol)
{
    bool ambiguous;

    (void)port;
    memset(symbol, 0, sizeof(*symbol));
    if (!mv_symbol_by_name(name, length, symbol, &ambiguous)) {
        return HP_SYMBOL_UNDEFINED;
    }
    return ambiguous ? HP_SYMBOL_AMBIGUOUS : HP_OK;
}

MV_DENY enum hp_status hp_port_symbol_by_address(struct hp_port *port, uint64_t addr,
                                                 struct hp_target_symbol *symbol)
{
    (void)port;
    memset(symbol, 0, sizeof(*symbol));
    return mv_symbol_by_address(addr, symbol) ? HP_OK : HP_SYMBOL_UNDEFINED;
}

MV_DENY enum hp_status hp_port_patchable(struct hp_port *port, uint64_t addr, size_t size)
{
    uint64_t deny = mv_address(mv_deny_start);

    (void)port;
    if (!mv_memory_is_text(addr, size)) {
        return HP_PATCH_RANGE;
    }
    return addr + size > deny && addr < mv_address(mv_deny_end) ? HP_PATCH_DENIED : HP_OK;
}

/* The read-only data in front of the notes and tables that the boot has read. */
MV_DENY enum hp_status hp_port_spliceable(struct hp_port *port, uint64_t addr, size_t size)
{
    (void)port;
    if (mv_within(addr, size, mv_address(mv_rodata_start), mv_address(mv_rodata_end)) ||
        mv_arena_has(addr, size, MV_ACCESS_R)) {
        return HP_OK;
    }
    return mv_within(addr, size, mv_address(mv_data_start), mv_address(mv_data_end)) &&
                   !mv_arena_has(addr, size, MV_ACCESS_NONE)
               ? HP_SPLICE_WRITABLE
               : HP_PATCH_RANGE;
}

/* ---- aliases ------------------------------------------------------------------------------- */

MV_DENY enum hp_status hp_port_alias_map(struct hp_port *port, uint64_t addr, size_t size,
                                         struct hp_alias *alias)
{
    uint64_t mapped = mv_alias_map(addr, size);

    (void)port;
    if (mapped == 0) {
        return HP_ALIAS_MAP;
    }
    alias->host = (uint8_t *)(uintptr_t)mapped;
    alias->addr = addr;
    alias->size = size;
    alias->token = 0;
    return HP_OK;
}

MV_DENY void hp_port_alias_unmap(struct hp_port *port, const struct hp_alias *alias)
{
    (void)port;
    mv_alias_unmap((uintptr_t)alias->host, alias->size);
}

/* ---- the manager's lock ---------------------------------------------------------------------- */

static struct mv_lock manager_lock;

MV_DENY void hp_port_lock(struct hp_port *port)
{
    (void)port;
    mv_lock(&manager_lock);
}

MV_DENY void hp_port_unlock(struct hp_port *port)
{
    (void)port;
    mv_unlock(&manager_lock);
}
