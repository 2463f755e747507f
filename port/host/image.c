/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory of the host port for payloads: near a live target, or at an address that only counts. */
#ifndef _GNU_SOURCE
/* For memfd_create and MAP_FIXED_NOREPLACE. NOLINTNEXTLINE(bugprone-reserved-identifier) */
#define _GNU_SOURCE
#endif

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/span.h"
#include "internal.h"
#include "maps.h"

/* Far more than the loader ever asks for: its offsets have 32 bits, in three regions. */
#define SIZE_LIMIT (UINT64_C(1) << 34)

/* Bytes from a base that the user chose in which a live target's payloads are placed. */
#define BASE_ROOM (UINT64_C(1) << 30)

/* Times that another thread may take the range that was just found to be free. */
#define PLACE_TRIES 8

/* ---- which payload --------------------------------------------------------------------------- */

/* Number of the first image that ends above addr, by binary search. */
static size_t first_image_above(const struct hp_port *port, uint64_t addr)
{
    size_t low = 0;
    size_t high = port->image_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (port->images[middle]->addr + port->images[middle]->size <= addr) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct hp_host_image *hp_host_image_at(const struct hp_port *port, uint64_t addr)
{
    size_t i = first_image_above(port, addr);

    return i < port->image_count && port->images[i]->addr <= addr ? port->images[i] : NULL;
}

bool hp_host_is_image(const struct hp_port *port, uint64_t addr, size_t size,
                      enum hp_protection protection)
{
    const struct hp_host_image *image = hp_host_image_at(port, addr);
    size_t page = port->target.page_size;
    size_t i;

    if (image == NULL || !hp_range_fits(image->size, addr - image->addr, size)) {
        return false;
    }
    for (i = (size_t)(addr - image->addr) / page;
         i <= (size_t)(addr - image->addr + size - 1) / page; i++) {
        if (image->pages[i] != 1 + protection) {
            return false;
        }
    }
    return true;
}

/* ---- obtaining it ---------------------------------------------------------------------------- */

int hp_host_memory_file(const char *name, size_t size)
{
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

    if (fd < 0) {
        return -1;
    }
    /* Whoever shortened it would take code away that is executed. */
    if (ftruncate(fd, (off_t)size) != 0 ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

/* Whole pages of the host that hold `size` bytes; 0 when there is no such number. */
static size_t map_size(size_t size)
{
    uint64_t rounded;

    if (!hp_align_u64(size, (uint64_t)sysconf(_SC_PAGESIZE), &rounded) || rounded > SIZE_MAX) {
        return 0;
    }
    return (size_t)rounded;
}

/* True when neither a payload nor what the target keeps after booting lies in [addr, end). */
static bool is_free(const struct hp_port *port, uint64_t addr, uint64_t end)
{
    size_t i = first_image_above(port, addr);

    if (i < port->image_count && port->images[i]->addr < end) {
        return false;
    }
    /* A base that the user chose may lie in what is free once the target has booted. */
    for (i = hp_host_section_above(port, addr);
         i < port->section_count && port->sections[i].addr < end; i++) {
        if (!port->sections[i].discarded) {
            return false;
        }
    }
    return true;
}

/*
 * Chooses the address behind the payload that was loaded last, so that one loaded, unloaded and
 * loaded again keeps its address. False when that range is not to be had.
 */
static bool place_image(const struct hp_port *port, const struct hp_image_request *request,
                        uint64_t *addr)
{
    uint64_t start = port->base;
    size_t i;

    if (start == HP_HOST_BASE && !port->has_base && request->high < start) {
        start = HP_HOST_BASE_32;
    }
    for (i = 0; i < port->image_count; i++) {
        if (!port->images[i]->island) {
            start = port->images[i]->addr + port->images[i]->size;
        }
    }
    if (!hp_align_u64(start, request->align, addr) || *addr > port->last_addr ||
        request->size > port->last_addr - *addr) {
        return false;
    }
    if (!port->has_base && (*addr < request->low || *addr + request->size > request->high)) {
        return false;
    }
    return is_free(port, *addr, *addr + request->size);
}

/* Chooses the lowest free address, but not 0, in the range of the request. */
static bool place_island(const struct hp_port *port, const struct hp_image_request *request,
                         uint64_t *addr)
{
    uint64_t start = request->low != 0 ? request->low : 1;

    while (hp_align_u64(start, request->align, addr) && *addr < request->high &&
           request->size <= request->high - *addr) {
        if (is_free(port, *addr, *addr + request->size)) {
            return true;
        }
        start = *addr + request->align;
    }
    return false;
}

/* Maps the memory file where the target sees it, read-only as yet; false when there is no room. */
static bool map_near(const struct hp_port *port, const struct hp_image_request *request, int fd,
                     uint64_t *addr)
{
    unsigned tries;

    for (tries = 0; tries < PLACE_TRIES; tries++) {
        void *map;

        if (!hp_host_find_room(request, port->sections[0].addr, addr)) {
            return false;
        }
        map = mmap((void *)(uintptr_t)*addr, request->size, PROT_READ,
                   MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0);
        if (map == (void *)(uintptr_t)*addr) {
            return true;
        }
        if (map != MAP_FAILED) { /* a kernel that does not know the flag yet */
            (void)munmap(map, request->size);
        }
    }
    return false;
}

/* Obtains memory and an address for it; false when either is not to be had. */
static bool map_image(const struct hp_port *port, const struct hp_image_request *request,
                      struct hp_host_image *image)
{
    size_t size = map_size(request->size);
    bool placed;
    void *host;

    image->size = request->size;
    image->fd = -1;
    placed = port->live || (image->island ? place_island(port, request, &image->addr)
                                          : place_image(port, request, &image->addr));
    if (size == 0 || !placed) {
        return false;
    }
    image->fd = hp_host_memory_file("hotpatch-payload", size);
    if (image->fd < 0) {
        return false;
    }
    /* cppcheck-suppress invalidFunctionArg */
    host = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, image->fd, 0);
    if (host != MAP_FAILED) {
        image->host = host;
        if (!port->live || map_near(port, request, image->fd, &image->addr)) {
            return true;
        }
        (void)munmap(host, size);
    }
    (void)close(image->fd);
    return false;
}

static void unmap_image(const struct hp_port *port, const struct hp_host_image *image)
{
    (void)munmap(image->host, map_size(image->size));
    if (port->live) {
        (void)munmap((void *)(uintptr_t)image->addr, image->size);
    }
    (void)close(image->fd);
}

static uint64_t mappings_of_image(const struct hp_port *port)
{
    return port->live ? 2 : 1;
}

/* Keeps the images in the order of their addresses. */
static bool add_image(struct hp_port *port, struct hp_host_image *image)
{
    size_t i = first_image_above(port, image->addr);

    if (port->image_count == port->image_capacity) {
        size_t capacity = port->image_capacity == 0 ? 8 : port->image_capacity * 2;
        struct hp_host_image **grown =
            realloc(port->images, capacity * sizeof(struct hp_host_image *));

        if (grown == NULL) {
            return false;
        }
        port->images = grown;
        port->image_capacity = capacity;
    }
    memmove(&port->images[i + 1], &port->images[i],
            (port->image_count - i) * sizeof(struct hp_host_image *));
    port->images[i] = image;
    port->image_count++;
    return true;
}

/* Obtains memory of either kind; `none` is the status when there is none. */
static enum hp_status obtain(struct hp_port *port, const struct hp_image_request *request,
                             bool island, enum hp_status none, struct hp_image_memory *memory)
{
    size_t page = port->target.page_size;
    struct hp_host_image *image;

    memset(memory, 0, sizeof(*memory));
    if (request->size == 0 || request->size % page != 0 || !hp_is_power_of_two(request->align) ||
        request->align < page) {
        return HP_INVALID_ARGUMENT;
    }
    if (hp_host_must_fail(port) || request->size > SIZE_LIMIT) {
        return none;
    }
    image = calloc(1, sizeof(*image) + request->size / page);
    if (image == NULL) {
        return none;
    }
    image->island = island;
    if (!map_image(port, request, image)) {
        free(image);
        return none;
    }
    if (!add_image(port, image)) {
        unmap_image(port, image);
        free(image);
        return none;
    }
    memory->host = image->host;
    memory->addr = image->addr;
    memory->size = request->size;
    memory->token = (uintptr_t)image;
    (void)atomic_fetch_add(&port->counts.live, 1);
    (void)atomic_fetch_add(&port->counts.live_mappings, mappings_of_image(port));
    return HP_OK;
}

enum hp_status hp_port_image_alloc(struct hp_port *port, const struct hp_image_request *request,
                                   struct hp_image_memory *memory)
{
    struct hp_image_request own = *request;

    hp_host_check_context(port, __func__, HP_HOST_CALL);
    (void)atomic_fetch_add(&port->counts.image_allocs, 1);
    if (port->live && port->has_base) {
        own.low = port->base;
        own.high = port->base + BASE_ROOM;
    }
    return obtain(port, &own, false, HP_IMAGE_MEMORY, memory);
}

enum hp_status hp_port_island_alloc(struct hp_port *port, const struct hp_image_request *request,
                                    struct hp_image_memory *memory)
{
    hp_host_check_context(port, __func__, HP_HOST_CALL);
    (void)atomic_fetch_add(&port->counts.image_allocs, 1);
    return obtain(port, request, true, HP_ISLAND_MEMORY, memory);
}

/* ---- giving it back -------------------------------------------------------------------------- */

void hp_port_image_free(struct hp_port *port, const struct hp_image_memory *memory)
{
    size_t i = first_image_above(port, memory->addr);
    bool found = i < port->image_count && (uintptr_t)port->images[i] == memory->token;

    hp_host_check_context(port, __func__, HP_HOST_CALL);
    hp_host_check(port, __func__, found, "memory that is not allocated");
    if (!found) {
        return;
    }
    unmap_image(port, port->images[i]);
    free(port->images[i]);
    port->image_count--;
    memmove(&port->images[i], &port->images[i + 1],
            (port->image_count - i) * sizeof(struct hp_host_image *));
    (void)atomic_fetch_sub(&port->counts.live, 1);
    (void)atomic_fetch_sub(&port->counts.live_mappings, mappings_of_image(port));
}

void hp_host_free_images(struct hp_port *port)
{
    size_t i;

    for (i = 0; i < port->image_count; i++) {
        unmap_image(port, port->images[i]);
        free(port->images[i]);
    }
    free(port->images);
}

/* ---- protecting it --------------------------------------------------------------------------- */

/*
 * Sets the permissions of the library's view: what is final can only be read. Where pages of the
 * machine are larger than the target's, those that the range shares with others stay writable.
 */
static bool protect_host(const struct hp_host_image *image, size_t offset, size_t size,
                         enum hp_protection protection)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t start = map_size(offset);
    size_t end = (offset + size) / page * page;

    return start >= end ||
           mprotect(image->host + start, end - start,
                    protection == HP_PROTECT_DATA ? PROT_READ | PROT_WRITE : PROT_READ) == 0;
}

/* Sets the permissions with which a live target sees the memory. */
static bool protect_live(const struct hp_host_image *image, size_t offset, size_t size,
                         enum hp_protection protection)
{
    static const int permissions[] = {
        [HP_PROTECT_TEXT] = PROT_READ | PROT_EXEC,
        [HP_PROTECT_DATA] = PROT_READ | PROT_WRITE,
        [HP_PROTECT_RODATA] = PROT_READ,
    };
    char *start = (char *)(uintptr_t)(image->addr + offset);

    if (size > 0 && mprotect(start, size, permissions[protection]) != 0) {
        return false;
    }
    if (protection == HP_PROTECT_TEXT) {
        __builtin___clear_cache(start, start + size);
    }
    return true;
}

enum hp_status hp_port_image_protect(struct hp_port *port, const struct hp_image_memory *memory,
                                     size_t offset, size_t size, enum hp_protection protection)
{
    struct hp_host_image *image = hp_host_image_at(port, memory->addr);
    size_t page = port->target.page_size;

    hp_host_check_context(port, __func__, HP_HOST_CALL);
    if (image == NULL || (uintptr_t)image != memory->token ||
        !hp_range_fits(image->size, offset, size) || offset % page != 0 || size % page != 0) {
        return HP_INVALID_ARGUMENT;
    }
    /* First the view, so that nothing is writable once it can be executed. */
    if (hp_host_must_fail(port) || !protect_host(image, offset, size, protection) ||
        (port->live && !protect_live(image, offset, size, protection))) {
        return HP_PROTECT_FAILED;
    }
    memset(image->pages + offset / page, 1 + (int)protection, size / page);
    return HP_OK;
}
