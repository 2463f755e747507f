/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory of the host port: work memory, memory for payloads, reading the target, fault injection.
 */
#ifndef _DEFAULT_SOURCE
/* For MAP_ANONYMOUS. NOLINTNEXTLINE(bugprone-reserved-identifier) */
#define _DEFAULT_SOURCE
#endif

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/span.h"
#include "internal.h"

/* ---- faults and counters --------------------------------------------------------------------- */

bool hp_host_must_fail(struct hp_port *port)
{
    if (port->fail_in == 0) {
        return false;
    }
    if (port->fail_in > 1) {
        port->fail_in--;
        return false;
    }
    if (!port->fail_onwards) {
        port->fail_in = 0;
    }
    return true;
}

void hp_host_fail(struct hp_port *port, uint64_t nth, bool onwards)
{
    port->fail_in = nth;
    port->fail_onwards = onwards;
}

void hp_host_counters(const struct hp_port *port, struct hp_host_counters *counters)
{
    *counters = port->counters;
}

/* ---- work memory -------------------------------------------------------------------------------
 */

void *hp_port_alloc(struct hp_port *port, size_t size)
{
    void *memory;

    port->counters.allocs++;
    if (hp_host_must_fail(port)) {
        return NULL;
    }
    memory = malloc(size == 0 ? 1 : size);
    if (memory != NULL) {
        port->counters.live++;
    }
    return memory;
}

void hp_port_free(struct hp_port *port, void *memory, size_t size)
{
    (void)size;
    if (memory != NULL) {
        port->counters.live--;
        free(memory);
    }
}

/* ---- memory for payloads -----------------------------------------------------------------------
 */

/* Number of the first image or section that ends above addr, by binary search. */
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

static size_t first_section_above(const struct hp_port *port, uint64_t addr)
{
    size_t low = 0;
    size_t high = port->section_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (port->sections[middle].addr + port->sections[middle].size <= addr) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static struct hp_host_image *image_at(const struct hp_port *port, uint64_t addr)
{
    size_t i = first_image_above(port, addr);

    return i < port->image_count && port->images[i]->addr <= addr ? port->images[i] : NULL;
}

const struct hp_host_section *hp_host_section_at(const struct hp_port *port, uint64_t addr)
{
    size_t i = first_section_above(port, addr);

    return i < port->section_count && port->sections[i].addr <= addr ? &port->sections[i] : NULL;
}

/*
 * Chooses the address behind the payload that was loaded last, so that one loaded, unloaded and
 * loaded again keeps its address. False when that range is not to be had.
 */
static bool place_image(const struct hp_port *port, const struct hp_image_request *request,
                        uint64_t *addr)
{
    const struct hp_host_image *last;
    uint64_t start = port->base;
    size_t i;

    if (port->image_count > 0) {
        last = port->images[port->image_count - 1];
        start = last->addr + last->size;
    }
    if (!hp_align_u64(start, request->align, addr) || *addr > port->last_addr ||
        request->size > port->last_addr - *addr) {
        return false;
    }
    if (!port->has_base && (*addr < request->low || *addr + request->size > request->high)) {
        return false;
    }
    /* A base that the user chose may lie in what is free once the target has booted. */
    for (i = first_section_above(port, *addr);
         i < port->section_count && port->sections[i].addr < *addr + request->size; i++) {
        if (!port->sections[i].discarded) {
            return false;
        }
    }
    return true;
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

/* MAP_FAILED when there is none. */
static void *map_memory(size_t size)
{
    /* cppcheck-suppress invalidFunctionArg */
    return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static bool add_image(struct hp_port *port, struct hp_host_image *image)
{
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
    port->images[port->image_count++] = image;
    return true;
}

enum hp_status hp_port_image_alloc(struct hp_port *port, const struct hp_image_request *request,
                                   struct hp_image_memory *memory)
{
    size_t page = port->target.page_size;
    struct hp_host_image *image = NULL;
    void *host = MAP_FAILED;
    uint64_t addr;

    memset(memory, 0, sizeof(*memory));
    port->counters.image_allocs++;
    if (request->size == 0 || request->size % page != 0 || !hp_is_power_of_two(request->align) ||
        request->align < page) {
        return HP_INVALID_ARGUMENT;
    }
    if (hp_host_must_fail(port) || !place_image(port, request, &addr) ||
        map_size(request->size) == 0) {
        return HP_IMAGE_MEMORY;
    }
    image = calloc(1, sizeof(*image) + request->size / page);
    host = map_memory(map_size(request->size));
    if (image == NULL || host == MAP_FAILED || !add_image(port, image)) {
        goto fail;
    }
    image->host = host;
    image->addr = addr;
    image->size = request->size;
    memory->host = host;
    memory->addr = addr;
    memory->size = request->size;
    memory->token = (uintptr_t)image;
    port->counters.live++;
    return HP_OK;
fail:
    if (host != MAP_FAILED) {
        (void)munmap(host, map_size(request->size));
    }
    free(image);
    return HP_IMAGE_MEMORY;
}

static void free_image(struct hp_host_image *image)
{
    (void)munmap(image->host, map_size(image->size));
    free(image);
}

void hp_port_image_free(struct hp_port *port, const struct hp_image_memory *memory)
{
    size_t i = first_image_above(port, memory->addr);

    if (i == port->image_count || (uintptr_t)port->images[i] != memory->token) {
        return;
    }
    free_image(port->images[i]);
    port->image_count--;
    memmove(&port->images[i], &port->images[i + 1],
            (port->image_count - i) * sizeof(struct hp_host_image *));
    port->counters.live--;
}

void hp_host_free_images(struct hp_port *port)
{
    size_t i;

    for (i = 0; i < port->image_count; i++) {
        free_image(port->images[i]);
    }
    free(port->images);
}

enum hp_status hp_port_image_protect(struct hp_port *port, const struct hp_image_memory *memory,
                                     size_t offset, size_t size, enum hp_protection protection)
{
    struct hp_host_image *image = image_at(port, memory->addr);
    size_t page = port->target.page_size;
    size_t host_page = (size_t)sysconf(_SC_PAGESIZE);
    size_t start;
    size_t end;

    if (image == NULL || (uintptr_t)image != memory->token ||
        !hp_range_fits(image->size, offset, size) || offset % page != 0 || size % page != 0) {
        return HP_INVALID_ARGUMENT;
    }
    if (hp_host_must_fail(port)) {
        return HP_PROTECT_FAILED;
    }
    /* Where pages of the host are larger, those that the range shares with others stay writable. */
    start = map_size(offset);
    end = (offset + size) / host_page * host_page;
    /* Code is readable only: it is the target's and never runs here. */
    if (start < end &&
        mprotect(image->host + start, end - start,
                 protection == HP_PROTECT_DATA ? PROT_READ | PROT_WRITE : PROT_READ) != 0) {
        return HP_PROTECT_FAILED;
    }
    memset(image->text + offset / page, protection == HP_PROTECT_TEXT, size / page);
    return HP_OK;
}

/* ---- the target --------------------------------------------------------------------------------
 */

/*
 * Copies what one section or one payload holds of [addr, addr + size). Returns the number of bytes
 * copied, 0 when nothing is mapped at addr.
 */
static size_t copy_piece(const struct hp_port *port, uint64_t addr, uint8_t *out, size_t size,
                         bool *rewritten)
{
    const struct hp_host_image *image = image_at(port, addr);
    const struct hp_host_section *section;
    uint64_t left;

    if (image != NULL) {
        left = image->addr + image->size - addr;
        size = left < size ? (size_t)left : size;
        memcpy(out, image->host + (addr - image->addr), size);
        return size;
    }
    section = hp_host_section_at(port, addr);
    if (section == NULL || section->discarded) {
        return 0;
    }
    left = section->addr + section->size - addr;
    size = left < size ? (size_t)left : size;
    if (section->bytes == NULL) {
        memset(out, 0, size);
    } else {
        memcpy(out, section->bytes + (addr - section->addr), size);
    }
    *rewritten = *rewritten || hp_host_is_rewritten(port, addr, size);
    return size;
}

enum hp_status hp_port_target_read(struct hp_port *port, uint64_t addr, void *buf, size_t size)
{
    bool rewritten = false;
    uint8_t *out = buf;
    size_t done = 0;

    if (hp_host_must_fail(port)) {
        return HP_TARGET_READ;
    }
    while (done < size) {
        /* The sum does not come round to 0: nothing is ever mapped at the last address. */
        size_t n = copy_piece(port, addr + done, out + done, size - done, &rewritten);
        if (n == 0) {
            memset(out, 0, size);
            return port->has_target ? HP_TARGET_READ : HP_UNDECIDED;
        }
        done += n;
    }
    return rewritten ? HP_UNDECIDED : HP_OK;
}

/* True when [addr, addr + size) is code of a loaded payload. */
static bool is_image_text(const struct hp_port *port, uint64_t addr, size_t size)
{
    const struct hp_host_image *image = image_at(port, addr);
    size_t page = port->target.page_size;
    size_t i;

    if (image == NULL || !hp_range_fits(image->size, addr - image->addr, size)) {
        return false;
    }
    for (i = (size_t)(addr - image->addr) / page;
         i <= (size_t)(addr - image->addr + size - 1) / page; i++) {
        if (image->text[i] == 0) {
            return false;
        }
    }
    return true;
}

enum hp_status hp_port_patchable(struct hp_port *port, uint64_t addr, size_t size)
{
    const struct hp_host_section *section;

    if (hp_host_must_fail(port) || size == 0) {
        return HP_PATCH_RANGE;
    }
    if (image_at(port, addr) != NULL) {
        return is_image_text(port, addr, size) ? HP_OK : HP_PATCH_RANGE;
    }
    if (!port->has_target) {
        return HP_UNDECIDED;
    }
    section = hp_host_section_at(port, addr);
    if (section == NULL || !section->exec || section->discarded ||
        !hp_range_fits(section->size, addr - section->addr, size)) {
        return HP_PATCH_RANGE;
    }
    return HP_OK;
}
