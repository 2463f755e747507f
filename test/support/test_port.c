/* SPDX-License-Identifier: BSD-2-Clause */
/* A port for unit tests: every answer is set by the test, every call is counted, any may fail. */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */

#include "test_port.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

/* Work memory is not zeroed by a hypervisor's allocator, so it is not here. */
#define GARBAGE 0xa5

static void *grown(void *array, size_t count, size_t size)
{
    void *bigger = realloc(array, (count + 1) * size);

    assert_non_null(bigger);
    return bigger;
}

struct hp_port *tp_new(void)
{
    static const uint8_t build_id[20] = {0xe0, 0xe1, 0xe2, 0xe3, 0xe4, 0xe5, 0xe6,
                                         0xe7, 0xe8, 0xe9, 0xea, 0xeb, 0xec, 0xed,
                                         0xee, 0xef, 0xf0, 0xf1, 0xf2, 0xf3};
    struct hp_port *port = calloc(1, sizeof(*port));
    uint8_t *code = malloc(TP_TEXT_SIZE);

    assert_non_null(port);
    assert_non_null(code);
    memset(code, 0xcc, TP_TEXT_SIZE);
    port->target.machine = HP_EM_X86_64;
    port->target.flags = HP_TARGET_LIVE;
    port->target.page_size = TP_PAGE;
    port->target.text_start = TP_TEXT;
    port->target.text_end = TP_TEXT + TP_TEXT_SIZE;
    port->target.build_id = build_id;
    port->target.build_id_size = sizeof(build_id);
    port->image_addr = TP_IMAGE;
    port->cpu_limit = 1;
    port->feature_limit = 64;
    port->online[0] = true;
    port->tick = 1;
    port->symbol_failure = HP_TARGET_FILE;
    tp_add_range(port, TP_TEXT, code, TP_TEXT_SIZE, TP_PATCHABLE);
    free(code);
    tp_add_function(port, "target_function", TP_FUNCTION, TP_FUNCTION_SIZE);
    return port;
}

void tp_free(struct hp_port *port)
{
    size_t n;

    assert_int_equal(port->live, 0);
    tp_assert_quiescent(port);
    for (n = 0; n < port->range_count; n++) {
        free(port->ranges[n].bytes);
    }
    free(port->ranges);
    free(port->symbols);
    free(port->last_image);
    free(port);
}

void tp_add_symbol(struct hp_port *port, struct tp_symbol symbol)
{
    port->symbols = grown(port->symbols, port->symbol_count, sizeof(symbol));
    port->symbols[port->symbol_count] = symbol;
    port->symbol_count++;
}

void tp_add_function(struct hp_port *port, const char *name, uint64_t addr, uint64_t size)
{
    tp_add_local(port, NULL, name, addr, size);
}

void tp_add_local(struct hp_port *port, const char *file, const char *name, uint64_t addr,
                  uint64_t size)
{
    const struct tp_symbol symbol = {name, file, addr, size, HP_KIND_CODE};

    tp_add_symbol(port, symbol);
}

void tp_add_range(struct hp_port *port, uint64_t addr, const void *bytes, size_t size,
                  unsigned flags)
{
    struct tp_range range = {addr, size, NULL, flags};

    if (bytes != NULL) {
        range.bytes = malloc(size);
        assert_non_null(range.bytes);
        memcpy(range.bytes, bytes, size);
    }
    port->ranges = grown(port->ranges, port->range_count, sizeof(range));
    port->ranges[port->range_count] = range;
    port->range_count++;
}

uint8_t *tp_byte(const struct hp_port *port, uint64_t addr)
{
    size_t n;

    for (n = port->range_count; n > 0; n--) {
        const struct tp_range *range = &port->ranges[n - 1];

        if (range->bytes != NULL && addr - range->addr < range->size) {
            return range->bytes + (addr - range->addr);
        }
    }
    for (n = 0; n < TP_IMAGES_MAX; n++) {
        const struct hp_image_memory *memory = &port->images[n].memory;

        if (memory->host != NULL && addr - memory->addr < memory->size) {
            return memory->host + (addr - memory->addr);
        }
    }
    return NULL;
}

static unsigned flags_at(const struct hp_port *port, uint64_t addr)
{
    unsigned flags = 0;
    size_t n;

    for (n = 0; n < port->range_count; n++) {
        if (addr - port->ranges[n].addr < port->ranges[n].size) {
            flags |= port->ranges[n].flags;
        }
    }
    for (n = 0; n < TP_IMAGES_MAX; n++) {
        const struct tp_image *image = &port->images[n];
        uint64_t offset = addr - image->memory.addr;
        uint64_t page = offset / port->target.page_size;

        if (image->memory.host != NULL && offset < image->memory.size && page < 64 &&
            image->sealed[page] && image->protection[page] != HP_PROTECT_DATA) {
            flags |= image->protection[page] == HP_PROTECT_TEXT ? TP_PATCHABLE : TP_CONSTANT;
            flags |= image->island && !port->islands_patchable ? TP_DENIED : 0;
        }
    }
    return flags;
}

void tp_poke(struct hp_port *port, uint64_t addr, const void *bytes, size_t size)
{
    const uint8_t *p = bytes;
    size_t n;

    for (n = 0; n < size; n++) {
        uint8_t *at = tp_byte(port, addr + n);

        assert_non_null(at);
        *at = p[n];
    }
}

bool tp_fails(struct hp_port *port, enum hp_status status)
{
    port->calls++;
    if (port->fail_at == 0 || (port->calls != port->fail_at && port->calls != port->fail_also &&
                               (port->calls < port->fail_at || !port->fail_onwards))) {
        return false;
    }
    if (port->failed == HP_OK) {
        port->failed = status;
    }
    return true;
}

void hp_port_target(struct hp_port *port, struct hp_target *target)
{
    *target = port->target;
    if (port->no_target) {
        memset(target, 0, sizeof(*target));
        target->page_size = port->target.page_size;
    }
}

void *hp_port_alloc(struct hp_port *port, size_t size)
{
    void *memory;

    port->allocs++;
    assert_false(port->in_window);
    if (tp_fails(port, HP_NO_MEMORY)) {
        return NULL;
    }
    assert_true(size > 0);
    memory = malloc(size);
    assert_non_null(memory);
    memset(memory, GARBAGE, size);
    port->live++;
    return memory;
}

void hp_port_free(struct hp_port *port, void *memory, size_t size)
{
    assert_non_null(memory);
    memset(memory, GARBAGE, size); /* the size is the one asked for, or this is out of bounds */
    free(memory);
    port->live--;
}

/* The first address from `addr` on at which no other image lies. */
static uint64_t place_image(const struct hp_port *port, const struct hp_image_request *request,
                            uint64_t addr)
{
    size_t n;

    addr = (addr + request->align - 1) & ~(request->align - 1);
    for (n = 0; n < TP_IMAGES_MAX; n++) {
        const struct hp_image_memory *other = &port->images[n].memory;

        if (other->host != NULL && addr < other->addr + other->size &&
            other->addr < addr + request->size) {
            addr = (other->addr + other->size + request->align - 1) & ~(request->align - 1);
            n = (size_t)-1; /* again with all of them */
        }
    }
    return addr;
}

/* Obtains memory that is called `size` bytes at that address. */
static struct tp_image *obtain(struct hp_port *port, const struct hp_image_request *request,
                               uint64_t addr, size_t size)
{
    struct tp_image *image = NULL;
    size_t n;
    void *host;

    assert_true(request->size > 0);
    assert_int_equal(request->size % port->target.page_size, 0);
    assert_true(request->align >= port->target.page_size);
    assert_int_equal(request->align & (request->align - 1), 0);
    for (n = 0; n < TP_IMAGES_MAX && image == NULL; n++) {
        image = port->images[n].memory.host == NULL ? &port->images[n] : NULL;
    }
    assert_non_null(image);
    host = mmap(NULL, request->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(host != MAP_FAILED);
    memset(image, 0, sizeof(*image));
    image->mapped = request->size;
    image->memory.host = host;
    image->memory.addr = addr;
    image->memory.size = size;
    image->memory.token = (uintptr_t)(image - port->images) + 1;
    port->live++;
    return image;
}

enum hp_status hp_port_image_alloc(struct hp_port *port, const struct hp_image_request *request,
                                   struct hp_image_memory *memory)
{
    port->image_allocs++;
    port->request = *request;
    if (tp_fails(port, HP_IMAGE_MEMORY)) {
        memset(memory, GARBAGE, sizeof(*memory));
        return HP_IMAGE_MEMORY;
    }
    *memory =
        obtain(port, request, place_image(port, request, port->image_addr), request->size)->memory;
    return HP_OK;
}

enum hp_status hp_port_island_alloc(struct hp_port *port, const struct hp_image_request *request,
                                    struct hp_image_memory *memory)
{
    uint64_t addr = port->island_addr;
    struct tp_image *image;

    port->island_allocs++;
    port->island_request = *request;
    assert_true((port->target.flags & HP_TARGET_ISLANDS) != 0);
    assert_true(request->low < request->high && request->size <= request->high - request->low);
    if (tp_fails(port, HP_ISLAND_MEMORY)) {
        memset(memory, GARBAGE, sizeof(*memory));
        return HP_ISLAND_MEMORY;
    }
    if (addr == 0) {
        addr = place_image(port, request, request->low);
    }
    image = obtain(port, request, addr, request->size - port->island_less);
    image->island = true;
    *memory = image->memory;
    return HP_OK;
}

static struct tp_image *image_of(struct hp_port *port, const struct hp_image_memory *memory)
{
    struct tp_image *image;

    assert_in_range(memory->token, 1, TP_IMAGES_MAX);
    image = &port->images[memory->token - 1];
    assert_memory_equal(memory, &image->memory, sizeof(*memory));
    return image;
}

void hp_port_image_free(struct hp_port *port, const struct hp_image_memory *memory)
{
    struct tp_image *image = image_of(port, memory);

    free(port->last_image);
    port->last_image = malloc(image->memory.size);
    assert_non_null(port->last_image);
    memcpy(port->last_image, image->memory.host, image->memory.size);
    port->last_image_size = image->memory.size;
    assert_int_equal(image->aliases, 0);
    assert_int_equal(munmap(image->memory.host, image->mapped), 0);
    memset(image, 0, sizeof(*image));
    port->live--;
}

enum hp_status hp_port_image_protect(struct hp_port *port, const struct hp_image_memory *memory,
                                     size_t offset, size_t size, enum hp_protection protection)
{
    const uint32_t page_size = port->target.page_size;
    struct tp_image *image = image_of(port, memory);
    size_t page;

    if (tp_fails(port, HP_PROTECT_FAILED)) {
        return HP_PROTECT_FAILED;
    }
    assert_true(size > 0);
    assert_int_equal(offset % page_size, 0);
    assert_int_equal(size % page_size, 0);
    assert_true(offset <= memory->size && size <= memory->size - offset);
    for (page = offset / page_size; page < (offset + size) / page_size && page < 64; page++) {
        assert_false(image->sealed[page]);
        image->sealed[page] = true;
        image->protection[page] = protection;
    }
    assert_int_equal(mprotect(memory->host + offset, size,
                              protection == HP_PROTECT_DATA ? PROT_READ | PROT_WRITE : PROT_READ),
                     0);
    return HP_OK;
}

void tp_unseal(struct hp_port *port, const struct hp_image_memory *memory, bool writable)
{
    const struct tp_image *image = image_of(port, memory);
    size_t page;

    for (page = 0; page < memory->size / TP_PAGE && page < 64; page++) {
        bool data = image->protection[page] == HP_PROTECT_DATA;

        assert_int_equal(mprotect(memory->host + page * TP_PAGE, TP_PAGE,
                                  writable || data ? PROT_READ | PROT_WRITE : PROT_READ),
                         0);
    }
}

enum hp_status hp_port_target_read(struct hp_port *port, uint64_t addr, void *buf, size_t size)
{
    enum hp_status status = HP_OK;
    uint8_t *out = buf;
    size_t n;

    if (tp_fails(port, HP_TARGET_READ)) {
        return HP_TARGET_READ;
    }
    if (port->no_target) {
        memset(buf, 0, size);
        return HP_UNDECIDED;
    }
    for (n = 0; n < size; n++) {
        const uint8_t *byte = tp_byte(port, addr + n);

        if (byte == NULL) {
            return HP_TARGET_READ;
        }
        out[n] = *byte;
        if ((flags_at(port, addr + n) & TP_UNCERTAIN) != 0) {
            status = HP_UNDECIDED;
        }
    }
    return status;
}

static bool names_match(const struct tp_symbol *symbol, const char *name, size_t length)
{
    size_t file = symbol->file == NULL ? 0 : strlen(symbol->file);

    if (symbol->file != NULL) {
        if (length <= file || memcmp(name, symbol->file, file) != 0 || name[file] != '#') {
            return false;
        }
        name += file + 1;
        length -= file + 1;
    }
    return strlen(symbol->name) == length && memcmp(name, symbol->name, length) == 0;
}

static void answer(const struct tp_symbol *found, struct hp_target_symbol *symbol)
{
    symbol->name = found->name;
    symbol->addr = found->addr;
    symbol->size = found->size;
    symbol->kind = found->kind;
}

enum hp_status hp_port_symbol_by_name(struct hp_port *port, const char *name, size_t length,
                                      struct hp_target_symbol *symbol)
{
    const struct tp_symbol *found = NULL;
    size_t n;

    port->lookups++;
    if (tp_fails(port, port->symbol_failure)) {
        return port->symbol_failure;
    }
    if (port->no_target) {
        return HP_UNDECIDED;
    }
    for (n = 0; n < port->symbol_count; n++) {
        if (names_match(&port->symbols[n], name, length)) {
            if (found != NULL) {
                return HP_SYMBOL_AMBIGUOUS;
            }
            found = &port->symbols[n];
        }
    }
    if (found == NULL) {
        return HP_SYMBOL_UNDEFINED;
    }
    answer(found, symbol);
    return HP_OK;
}

enum hp_status hp_port_symbol_by_address(struct hp_port *port, uint64_t addr,
                                         struct hp_target_symbol *symbol)
{
    const struct tp_symbol *found = NULL;
    size_t n;

    if (tp_fails(port, port->symbol_failure)) {
        return port->symbol_failure;
    }
    if (port->no_target) {
        return HP_UNDECIDED;
    }
    for (n = 0; n < port->symbol_count; n++) {
        const struct tp_symbol *s = &port->symbols[n];

        if (s->addr <= addr && (found == NULL || s->addr > found->addr)) {
            found = s;
        }
    }
    if (found == NULL || (found->size != 0 && addr - found->addr >= found->size)) {
        return HP_SYMBOL_UNDEFINED;
    }
    answer(found, symbol);
    return HP_OK;
}

/* A place that is refused anyway is no call that could be made to fail: nobody could tell. */
enum hp_status hp_port_patchable(struct hp_port *port, uint64_t addr, size_t size)
{
    enum hp_status status = tp_patchable(port, addr, size);

    return status == HP_OK && tp_fails(port, HP_PATCH_RANGE) ? HP_PATCH_RANGE : status;
}

/* Whether all of a range has the flag `wanted`, and none is denied. */
static enum hp_status all_are(const struct hp_port *port, uint64_t addr, size_t size,
                              unsigned wanted)
{
    size_t n;

    if (port->no_target) {
        return HP_UNDECIDED;
    }
    for (n = 0; n < size; n++) {
        unsigned flags = flags_at(port, addr + n);

        if ((flags & wanted) == 0) {
            return wanted == TP_CONSTANT && (flags & TP_VARIABLE) != 0 ? HP_SPLICE_WRITABLE
                                                                       : HP_PATCH_RANGE;
        }
        if ((flags & TP_DENIED) != 0) {
            return HP_PATCH_DENIED;
        }
    }
    return HP_OK;
}

enum hp_status tp_patchable(const struct hp_port *port, uint64_t addr, size_t size)
{
    return all_are(port, addr, size, TP_PATCHABLE);
}

enum hp_status hp_port_spliceable(struct hp_port *port, uint64_t addr, size_t size)
{
    enum hp_status status = tp_spliceable(port, addr, size);

    return status == HP_OK && tp_fails(port, HP_PATCH_RANGE) ? HP_PATCH_RANGE : status;
}

enum hp_status tp_spliceable(const struct hp_port *port, uint64_t addr, size_t size)
{
    return all_are(port, addr, size, TP_CONSTANT);
}

enum hp_status hp_port_cpu_feature(struct hp_port *port, uint16_t feature, bool *has)
{
    *has = false;
    if (tp_fails(port, HP_ALT_FEATURE)) {
        return HP_ALT_FEATURE;
    }
    assert_true(port->no_target || (port->target.flags & HP_TARGET_ALTERNATIVES) != 0);
    if (port->no_target || port->no_features) {
        return HP_UNDECIDED;
    }
    if (feature >= port->feature_limit) {
        return HP_ALT_FEATURE;
    }
    *has = (port->features >> feature & 1) != 0;
    return HP_OK;
}

enum hp_status tp_load_file(struct hp_port *port, uint8_t *file, size_t size,
                            const struct hp_load_options *options, struct hp_payload *payload,
                            struct hp_diag *diag)
{
    static const struct hp_payload zero;
    const uint32_t live = port->live;
    const uint32_t allocs = port->allocs;
    const uint32_t image_allocs = port->image_allocs;
    uint8_t *before = malloc(size + 1);
    uint32_t wanted = 1;
    enum hp_status status;

    assert_non_null(before);
    memcpy(before, file, size);
    memset(payload, GARBAGE, sizeof(*payload));
    hp_diag_init(diag);
    status = hp_payload_load(payload, port, file, size, options, diag);
    assert_memory_equal(before, file, size);
    assert_int_equal(diag->status, status);
    wanted += options != NULL && options->keyring != NULL && payload->has_signature ? 1 : 0;
    assert_true(status != HP_OK || port->allocs - allocs == wanted);
    assert_true(port->allocs - allocs <= 2);
    assert_true(port->image_allocs - image_allocs <= 1);
    if (status == HP_OK) {
        assert_int_equal(diag->stage, HP_STAGE_NONE);
        assert_int_equal(port->image_allocs - image_allocs, 1);
        assert_int_equal(port->live, live + 2 + (payload->islands.size > 0 ? 1 : 0));
    } else {
        assert_true(diag->stage > HP_STAGE_NONE && diag->stage < HP_STAGE_COUNT);
        assert_int_equal(port->live, live);
        assert_memory_equal(payload, &zero, sizeof(zero));
    }
    memset(file, 0xdd, size);
    free(file);
    free(before);
    return status;
}

enum hp_status tp_load(struct hp_port *port, struct eb_payload *p,
                       const struct hp_load_options *options, struct hp_payload *payload,
                       struct hp_diag *diag)
{
    size_t size;
    uint8_t *file = eb_payload_finish(p, &size);

    return tp_load_file(port, file, size, options, payload, diag);
}

const struct hp_placed_section *tp_place(const struct hp_payload *payload, uint32_t section)
{
    const struct hp_placed_section *place = NULL;
    uint32_t n;

    for (n = 0; n < payload->image.section_count; n++) {
        if (payload->image.sections[n].section == section) {
            place = &payload->image.sections[n];
        }
    }
    assert_non_null(place);
    return place;
}

const uint8_t *tp_host(const struct hp_payload *payload, uint32_t section)
{
    return payload->image.memory.host + tp_place(payload, section)->offset;
}

uint64_t tp_addr(const struct hp_payload *payload, uint32_t section)
{
    return payload->image.memory.addr + tp_place(payload, section)->offset;
}

/* The constants of the hash in src/base/symtab.c, and the inverse of its step. */
#define HASH_MULTIPLIER UINT64_C(0x9e3779b97f4a7c15)
#define HASH_SEED       UINT64_C(0x51ed270b9a3c4d67)

/* The value that one step turned into `hash`, before the word was mixed in. */
static uint64_t hash_undo(uint64_t hash)
{
    uint64_t inverse = 1;
    unsigned n;

    for (n = 0; n < 6; n++) { /* Newton: each round doubles the number of correct low bits */
        inverse *= 2 - HASH_MULTIPLIER * inverse;
    }
    return (hash ^ (hash >> 29) ^ (hash >> 58)) * inverse;
}

static bool has_nul(uint64_t word)
{
    unsigned n;

    for (n = 0; n < 64; n += 8) {
        if (((word >> n) & 0xff) == 0) {
            return true;
        }
    }
    return false;
}

void tp_colliding_name(char *name, uint64_t *next)
{
    uint64_t first;
    uint64_t second;
    unsigned n;

    /* The first word is chosen so that whatever the second is leads to the same hash. */
    do {
        second = (*next + 1) * UINT64_C(0x0101010101010101);
        (*next)++;
        first = hash_undo(UINT64_C(0x123456789abcdef) ^ second) ^ second;
        first = hash_undo(first) ^ HASH_SEED ^ TP_COLLIDING;
    } while (has_nul(first) || has_nul(second));
    for (n = 0; n < 8; n++) {
        name[n] = (char)(uint8_t)(first >> (8 * n));
        name[8 + n] = (char)(uint8_t)(second >> (8 * n));
    }
}
