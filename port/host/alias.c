/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writable views of code and constants: a second mapping of the memory file that is executed or
 * read, or, for a target that is a file, the port's own copy of its section.
 */
#ifndef _DEFAULT_SOURCE
/* For sysconf and mmap. NOLINTNEXTLINE(bugprone-reserved-identifier) */
#define _DEFAULT_SOURCE
#endif

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/span.h"
#include "internal.h"

/* Maps [offset, offset + size) of a memory file, now: the window is to take no page fault. */
static bool map_file(struct hp_host_alias *alias, int fd, uint64_t offset, size_t size)
{
    size_t before = (size_t)(offset & ((uint64_t)sysconf(_SC_PAGESIZE) - 1));
    void *map = mmap(NULL, before + size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd,
                     (off_t)(offset - before));

    if (map == MAP_FAILED) {
        return false;
    }
    alias->map = map;
    alias->map_size = before + size;
    alias->alias.host = (uint8_t *)map + before;
    return true;
}

/* Finds what is to be written and sets alias->alias.host. */
static bool map_target(struct hp_port *port, struct hp_host_alias *alias, uint64_t addr,
                       size_t size)
{
    const struct hp_host_image *image = hp_host_image_at(port, addr);
    const struct hp_host_section *section;
    const struct hp_host_code *code;

    if (image != NULL) {
        return (hp_host_is_image(port, addr, size, HP_PROTECT_TEXT) ||
                hp_host_is_image(port, addr, size, HP_PROTECT_RODATA)) &&
               map_file(alias, image->fd, addr - image->addr, size);
    }
    if (port->live) {
        code = hp_host_code_at(port, addr, size);
        if (code == NULL && hp_host_is_constant(port, addr, size)) {
            code = hp_host_constants_at(port, addr, size);
        }
        return code != NULL && map_file(alias, code->fd, addr - code->addr, size);
    }
    section = hp_host_section_at(port, addr);
    if (section == NULL || section->bytes == NULL || section->discarded ||
        !hp_range_fits(section->size, addr - section->addr, size) ||
        (!section->exec && !hp_host_is_constant(port, addr, size))) {
        return false;
    }
    alias->alias.host = section->bytes + (addr - section->addr);
    return true;
}

enum hp_status hp_port_alias_map(struct hp_port *port, uint64_t addr, size_t size,
                                 struct hp_alias *alias)
{
    struct hp_host_alias *made;

    memset(alias, 0, sizeof(*alias));
    hp_host_check_context(port, __func__, HP_HOST_CALL);
    (void)atomic_fetch_add(&port->counts.aliases, 1);
    if (hp_host_must_fail(port) || size == 0) {
        return HP_ALIAS_MAP;
    }
    made = calloc(1, sizeof(*made));
    if (made == NULL) {
        return HP_ALIAS_MAP;
    }
    if (!map_target(port, made, addr, size)) {
        free(made);
        return HP_ALIAS_MAP;
    }
    made->alias.addr = addr;
    made->alias.size = size;
    made->alias.token = (uintptr_t)made;
    (void)pthread_mutex_lock(&port->mutex);
    made->next = port->aliases;
    port->aliases = made;
    (void)pthread_mutex_unlock(&port->mutex);
    (void)atomic_fetch_add(&port->counts.live_aliases, 1);
    (void)atomic_fetch_add(&port->counts.live_mappings, made->map != NULL);
    *alias = made->alias;
    return HP_OK;
}

/* Takes the view with that token out of the list; NULL when it is not there. */
static struct hp_host_alias *remove_alias(struct hp_port *port, uintptr_t token)
{
    struct hp_host_alias **link = &port->aliases;
    struct hp_host_alias *alias;

    while (*link != NULL && (uintptr_t)*link != token) {
        link = &(*link)->next;
    }
    alias = *link;
    if (alias != NULL) {
        *link = alias->next;
    }
    return alias;
}

static void free_alias(struct hp_host_alias *alias)
{
    if (alias->map != NULL) {
        (void)munmap(alias->map, alias->map_size);
    }
    free(alias);
}

void hp_port_alias_unmap(struct hp_port *port, const struct hp_alias *alias)
{
    struct hp_host_alias *found;

    hp_host_check_context(port, __func__, HP_HOST_CALL | HP_HOST_HOLDING);
    (void)pthread_mutex_lock(&port->mutex);
    found = remove_alias(port, alias->token);
    (void)pthread_mutex_unlock(&port->mutex);
    hp_host_check(port, __func__, found != NULL, "an alias that is not mapped");
    if (found == NULL) {
        return;
    }
    (void)atomic_fetch_sub(&port->counts.live_aliases, 1);
    (void)atomic_fetch_sub(&port->counts.live_mappings, found->map != NULL);
    free_alias(found);
}

void hp_host_free_aliases(struct hp_port *port)
{
    while (port->aliases != NULL) {
        free_alias(remove_alias(port, (uintptr_t)port->aliases));
    }
}

/* ---- the instruction side -------------------------------------------------------------------- */

/* True when some view holds all of the range. */
static bool is_mapped(struct hp_port *port, uint64_t addr, size_t size)
{
    const struct hp_host_alias *alias;
    bool found = false;

    (void)pthread_mutex_lock(&port->mutex);
    for (alias = port->aliases; alias != NULL && !found; alias = alias->next) {
        found = addr >= alias->alias.addr &&
                hp_range_fits(alias->alias.size, addr - alias->alias.addr, size);
    }
    (void)pthread_mutex_unlock(&port->mutex);
    return found;
}

void hp_port_text_sync(struct hp_port *port, uint64_t addr, size_t size)
{
    hp_host_check_context(port, __func__, HP_HOST_WINDOW);
    if (HP_HOST_CHECKS) {
        hp_host_check(port, __func__, is_mapped(port, addr, size), "no alias holds the range");
    }
    (void)atomic_fetch_add(&port->changes, 1);
    if (port->live) {
        char *start = (char *)(uintptr_t)addr;

        /* Nothing on x86; elsewhere a system call or instructions, as the machine demands. */
        __builtin___clear_cache(start, start + size);
    }
}
