/* SPDX-License-Identifier: BSD-2-Clause */
/* The synthetic target of the fuzz programs, and the bookkeeping of the memory it hands out. */
#include "fuzz_port.h"

#include <string.h>

#include <hotpatch/elf.h>
#include <hotpatch/symtab.h>

#include "check.h"

enum { IMAGES_MAX = 4, SEALS_MAX = 3, NAME_SIZE = 24, READ_MAX = 64 };

/* A range of an image that must not change any more. */
struct seal {
    size_t offset;
    size_t size;
    uint64_t sum;
    enum hp_protection protection;
};

struct image {
    struct hp_image_memory memory;
    struct seal seals[SEALS_MAX];
    uint32_t seal_count;
    bool used;
    bool island; /* it is for second trampolines */
};

/* The header in front of work memory that remembers its size, for the comparison at its end. */
struct block {
    size_t size;
    size_t magic;
};

#define FAR         (UINT64_C(3) << 30) /* below the target: a displacement of 32 bits unsigned */
#define BLOCK_MAGIC ((size_t)0x6b636f6c62)

struct hp_port {
    enum fuzz_target kind;
    uint8_t *text; /* FUZZ_TEXT_SIZE bytes */
    uint64_t text_sum;
    char *names;
    size_t names_size;
    struct hp_symtab symbols;
    struct image images[IMAGES_MAX];
    size_t blocks; /* work memory not given back */
    uint32_t fail_in;
};

/* FNV-1a over 64-bit words: fast, and any single change shows. */
static uint64_t sum_of(const uint8_t *p, size_t size)
{
    uint64_t sum = UINT64_C(0xcbf29ce484222325);
    uint64_t word = 0;
    size_t n;

    for (n = 0; size - n >= sizeof(word); n += sizeof(word)) {
        memcpy(&word, p + n, sizeof(word));
        sum = (sum ^ word) * UINT64_C(0x100000001b3);
    }
    for (; n < size; n++) {
        sum = (sum ^ p[n]) * UINT64_C(0x100000001b3);
    }
    return sum;
}

const uint8_t *fuzz_target_id(void)
{
    static const uint8_t id[FUZZ_ID_SIZE] = {0xe0, 0xe1, 0xe2, 0xe3, 0xe4, 0xe5, 0xe6,
                                             0xe7, 0xe8, 0xe9, 0xea, 0xeb, 0xec, 0xed,
                                             0xee, 0xef, 0xf0, 0xf1, 0xf2, 0xf3};

    return id;
}

uint8_t fuzz_target_byte(uint32_t offset)
{
    static const uint8_t endbr64[4] = {0xf3, 0x0f, 0x1e, 0xfa};
    static const uint8_t sealed[4] = {0x66, 0x0f, 0x1f, 0x01};
    static const uint8_t branches[] = {0xe8, 43,   0,  0, 0, 0x90, 0x90, 0x90, /* call */
                                       0xe9, 35,   0,  0, 0, 0x90, 0x90, 0x90, /* jmp */
                                       0x0f, 0x84, 26, 0, 0, 0};               /* je */
    uint32_t function = offset / FUZZ_FUNCTION_SIZE;
    uint32_t at = offset % FUZZ_FUNCTION_SIZE;

    if (at < 4 && function % 8 == 0) {
        return endbr64[at];
    }
    if (at < 4 && function % 8 == 1) {
        return sealed[at];
    }
    if (function % 16 == 2 && at >= 16 && at < 16 + sizeof(branches)) {
        return branches[at - 16];
    }
    return (uint8_t)(0x40 + (offset * 7 + function) % 0x30);
}

/* Adds a symbol to the table, which has room. */
static void add_symbol(struct hp_port *port, const char *name, uint64_t addr, uint64_t size,
                       enum hp_symbol_kind kind)
{
    struct hp_symtab_entry *entry = &port->symbols.entries[port->symbols.count];

    entry->addr = addr;
    entry->size = size;
    entry->name = (uint32_t)port->names_size;
    entry->length = (uint32_t)strlen(name);
    entry->kind = (uint16_t)kind;
    memcpy(port->names + port->names_size, name, entry->length);
    port->names_size += entry->length;
    port->symbols.count++;
}

static uint64_t function_size(uint32_t function)
{
    if (function % 32 == 24) {
        return 0;
    }
    switch (function % 16) {
    case 12:
        return 8;
    case 13:
        return 3;
    case 15:
        return 0;
    default:
        return FUZZ_FUNCTION_SIZE;
    }
}

static void add_symbols(struct hp_port *port)
{
    char name[NAME_SIZE];
    uint32_t n;

    for (n = 0; n < FUZZ_FUNCTIONS; n++) {
        snprintf(name, sizeof(name), "fn_%03u", n);
        add_symbol(port, name, FUZZ_TEXT_START + (uint64_t)n * FUZZ_FUNCTION_SIZE, function_size(n),
                   function_size(n) == 0 ? HP_KIND_UNKNOWN : HP_KIND_CODE);
    }
    for (n = 0; n < FUZZ_DATA; n++) {
        snprintf(name, sizeof(name), "data_%02u", n);
        add_symbol(port, name, FUZZ_DATA_START + (uint64_t)n * 8, 8, HP_KIND_DATA);
    }
    add_symbol(port, "one.c#fn_static", FUZZ_TEXT_START + UINT64_C(3) * FUZZ_FUNCTION_SIZE,
               FUZZ_FUNCTION_SIZE, HP_KIND_CODE);
    add_symbol(port, "two.c#fn_static", FUZZ_TEXT_START + UINT64_C(4) * FUZZ_FUNCTION_SIZE,
               FUZZ_FUNCTION_SIZE, HP_KIND_CODE);
    for (n = 5; n < 7; n++) {
        add_symbol(port, "same.c#fn_twin", FUZZ_TEXT_START + (uint64_t)n * FUZZ_FUNCTION_SIZE,
                   FUZZ_FUNCTION_SIZE, HP_KIND_CODE);
    }
}

/* Makes the symbol table with room for `extra` more than the ordinary ones. */
static void make_symbols(struct hp_port *port, uint32_t extra)
{
    const size_t count = FUZZ_FUNCTIONS + FUZZ_DATA + 4 + (size_t)extra;
    char name[NAME_SIZE];
    uint32_t n;

    memset(&port->symbols, 0, sizeof(port->symbols));
    port->names_size = 0;
    port->names = malloc(count * NAME_SIZE);
    port->symbols.entries = calloc(count, sizeof(*port->symbols.entries));
    CHECK(port->names != NULL && port->symbols.entries != NULL);
    add_symbols(port);
    for (n = 0; n < extra; n++) {
        snprintf(name, sizeof(name), "name_%u", n);
        add_symbol(port, name, FUZZ_DATA_START + UINT64_C(0x10000) + (uint64_t)n * 64, 64,
                   HP_KIND_CODE);
    }
    port->symbols.names = port->names;
    port->symbols.bucket_count = hp_symtab_bucket_count(port->symbols.count);
    port->symbols.buckets =
        calloc((size_t)port->symbols.bucket_count + 1, sizeof(*port->symbols.buckets));
    CHECK(port->symbols.buckets != NULL);
    port->symbols.slots = calloc((size_t)port->symbols.count + 1, sizeof(*port->symbols.slots));
    CHECK(port->symbols.slots != NULL);
    hp_symtab_build(&port->symbols);
}

static void free_symbols(struct hp_port *port)
{
    free(port->names);
    free(port->symbols.entries);
    free(port->symbols.buckets);
    free(port->symbols.slots);
}

struct hp_port *fuzz_port_new(enum fuzz_target kind)
{
    struct hp_port *port = calloc(1, sizeof(*port));
    uint32_t n;

    CHECK(port != NULL);
    port->kind = kind;
    port->text = malloc(FUZZ_TEXT_SIZE);
    CHECK(port->text != NULL);
    for (n = 0; n < FUZZ_TEXT_SIZE; n++) {
        port->text[n] = fuzz_target_byte(n);
    }
    port->text_sum = sum_of(port->text, FUZZ_TEXT_SIZE);
    make_symbols(port, 0);
    return port;
}

void fuzz_port_free(struct hp_port *port)
{
    CHECK(fuzz_port_live(port) == 0);
    free_symbols(port);
    free(port->text);
    free(port);
}

void fuzz_port_enlarge(struct hp_port *port, uint32_t count)
{
    free_symbols(port);
    make_symbols(port, count);
}

size_t fuzz_port_live(const struct hp_port *port)
{
    size_t live = port->blocks;
    uint32_t n;

    for (n = 0; n < IMAGES_MAX; n++) {
        live += port->images[n].used ? 1 : 0;
    }
    return live;
}

void fuzz_port_fail(struct hp_port *port, uint32_t nth)
{
    port->fail_in = nth;
}

/* True when this call is the one that is to fail. */
static bool fails_now(struct hp_port *port)
{
    if (port->fail_in == 0) {
        return false;
    }
    port->fail_in--;
    return port->fail_in == 0;
}

static void check_seals(const struct image *image)
{
    uint32_t n;

    for (n = 0; n < image->seal_count; n++) {
        const struct seal *seal = &image->seals[n];

        if (seal->protection != HP_PROTECT_DATA) {
            CHECK(sum_of(image->memory.host + seal->offset, seal->size) == seal->sum);
        }
    }
}

void fuzz_port_check(const struct hp_port *port)
{
    uint32_t n;

    CHECK(sum_of(port->text, FUZZ_TEXT_SIZE) == port->text_sum);
    for (n = 0; n < IMAGES_MAX; n++) {
        if (port->images[n].used) {
            check_seals(&port->images[n]);
        }
    }
}

/* The image that holds a range; NULL when none holds all of it. */
static const struct image *image_at(const struct hp_port *port, uint64_t addr, size_t size)
{
    uint32_t n;

    for (n = 0; n < IMAGES_MAX; n++) {
        const struct image *image = &port->images[n];

        if (image->used && addr >= image->memory.addr &&
            addr - image->memory.addr <= image->memory.size &&
            size <= image->memory.size - (size_t)(addr - image->memory.addr)) {
            return image;
        }
    }
    return NULL;
}

static bool in_target_text(uint64_t addr, size_t size)
{
    return size <= FUZZ_TEXT_SIZE && addr >= FUZZ_TEXT_START &&
           addr - FUZZ_TEXT_START <= FUZZ_TEXT_SIZE - size;
}

/* True when a range shares a byte with functions `first` to `end` - 1. */
static bool touches(uint64_t addr, size_t size, uint32_t first, uint32_t end)
{
    return addr < FUZZ_TEXT_START + (uint64_t)end * FUZZ_FUNCTION_SIZE &&
           addr + size > FUZZ_TEXT_START + (uint64_t)first * FUZZ_FUNCTION_SIZE;
}

static bool in_target_data(uint64_t addr, size_t size)
{
    return size <= sizeof(uint64_t) * FUZZ_DATA && addr >= FUZZ_DATA_START &&
           addr - FUZZ_DATA_START <= sizeof(uint64_t) * FUZZ_DATA - size;
}

/* A byte of the objects. */
static uint8_t data_byte(uint64_t offset)
{
    const uint64_t n = offset / sizeof(uint64_t);
    const uint64_t value = n % 4 == 0 ? 0 : FUZZ_TEXT_START + n * FUZZ_FUNCTION_SIZE;

    return (uint8_t)(value >> (8 * (offset % sizeof(uint64_t))));
}

/* Whether payloads lie out of a jump's reach. */
static bool is_far(const struct hp_port *port)
{
    return port->kind == FUZZ_TARGET_FAR || port->kind == FUZZ_TARGET_ISLANDS;
}

enum fuzz_target fuzz_port_kind(const struct hp_port *port)
{
    return port->kind;
}

bool fuzz_port_peek(const struct hp_port *port, uint64_t addr, void *buf, size_t size)
{
    const struct image *image;
    uint8_t *out = buf;
    size_t n;

    for (n = 0; in_target_data(addr, size) && n < size; n++) {
        out[n] = data_byte(addr - FUZZ_DATA_START + n);
    }
    if (n > 0) {
        return true;
    }

    if (in_target_text(addr, size)) {
        memcpy(buf, port->text + (addr - FUZZ_TEXT_START), size);
        return true;
    }
    image = image_at(port, addr, size);
    if (image != NULL) {
        memcpy(buf, image->memory.host + (addr - image->memory.addr), size);
        return true;
    }
    return false;
}

/* ---- the functions of <hotpatch/port.h> ----------------------------------------------------- */

void hp_port_target(struct hp_port *port, struct hp_target *target)
{
    memset(target, 0, sizeof(*target));
    target->page_size = FUZZ_PAGE;
    if (port->kind != FUZZ_TARGET_ABSENT) {
        target->machine = HP_EM_X86_64;
        target->text_start = FUZZ_TEXT_START;
        target->text_end = FUZZ_TEXT_START + FUZZ_TEXT_SIZE;
        target->build_id = fuzz_target_id();
        target->build_id_size = FUZZ_ID_SIZE;
    }
    if (port->kind == FUZZ_TARGET_RUNNING || port->kind == FUZZ_TARGET_OFFLINE) {
        target->flags = HP_TARGET_EX_TABLE | HP_TARGET_BUG_FRAMES | HP_TARGET_ALTERNATIVES |
                        HP_TARGET_ALT_CALLS;
        target->return_thunk = FUZZ_RETURN_THUNK;
    }
    if (port->kind == FUZZ_TARGET_ISLANDS) {
        target->flags = HP_TARGET_ISLANDS;
    }
}

void *hp_port_alloc(struct hp_port *port, size_t size)
{
    struct block *block;

    CHECK(size > 0);
    if (fails_now(port)) {
        return NULL;
    }
    block = malloc(sizeof(*block) + size);
    CHECK(block != NULL);
    block->size = size;
    block->magic = BLOCK_MAGIC;
    /* A loader that relies on zeroes is wrong: the contract does not promise them. */
    memset(block + 1, 0xd5, size);
    port->blocks++;
    return block + 1;
}

void hp_port_free(struct hp_port *port, void *memory, size_t size)
{
    struct block *block = (struct block *)memory - 1;

    CHECK(block->magic == BLOCK_MAGIC && block->size == size && port->blocks > 0);
    port->blocks--;
    free(block);
}

/* The lowest address above all images, aligned, as a real port would choose it. */
static uint64_t next_address(const struct hp_port *port, uint64_t align)
{
    uint64_t addr = FUZZ_IMAGE_START - (is_far(port) ? FAR : 0);
    uint32_t n;

    for (n = 0; n < IMAGES_MAX; n++) {
        const struct hp_image_memory *memory = &port->images[n].memory;

        if (port->images[n].used && !port->images[n].island && addr < memory->addr + memory->size) {
            addr = memory->addr + memory->size;
        }
    }
    return (addr + align - 1) & ~(align - 1);
}

/* Takes memory of exactly the size asked for at an address. */
static void take_image(struct hp_port *port, const struct hp_image_request *request, uint64_t addr,
                       struct hp_image_memory *memory)
{
    uint32_t n;

    for (n = 0; n < IMAGES_MAX; n++) {
        if (!port->images[n].used) {
            break;
        }
    }
    CHECK(n < IMAGES_MAX);
    memset(&port->images[n], 0, sizeof(port->images[n]));
    memory->host = calloc(1, request->size);
    CHECK(memory->host != NULL);
    memory->addr = addr;
    memory->size = request->size;
    memory->token = n;
    port->images[n].memory = *memory;
    port->images[n].used = true;
}

static void check_request(const struct hp_image_request *request)
{
    CHECK(request->size > 0 && request->size % FUZZ_PAGE == 0);
    CHECK(request->align >= FUZZ_PAGE && (request->align & (request->align - 1)) == 0);
    CHECK(request->low <= request->high);
}

enum hp_status hp_port_image_alloc(struct hp_port *port, const struct hp_image_request *request,
                                   struct hp_image_memory *memory)
{
    const uint64_t addr = next_address(port, request->align);

    check_request(request);
    if (fails_now(port) || (request->high <= UINT32_MAX && port->kind == FUZZ_TARGET_ABSENT)) {
        return HP_IMAGE_MEMORY; /* also for a payload of 32 bits: there is no memory down there */
    }
    CHECK(is_far(port) || (addr >= request->low && addr + request->size <= request->high));
    take_image(port, request, addr, memory);
    return HP_OK;
}

/* At the lowest address that is near the functions. */
enum hp_status hp_port_island_alloc(struct hp_port *port, const struct hp_image_request *request,
                                    struct hp_image_memory *memory)
{
    const uint64_t addr = (request->low + request->align - 1) & ~(request->align - 1);

    check_request(request);
    CHECK(port->kind == FUZZ_TARGET_ISLANDS && request->size <= request->high - request->low);
    if (fails_now(port)) {
        return HP_ISLAND_MEMORY;
    }
    take_image(port, request, addr, memory);
    port->images[memory->token].island = true;
    return HP_OK;
}

void hp_port_image_free(struct hp_port *port, const struct hp_image_memory *memory)
{
    struct image *image;

    CHECK(memory->token < IMAGES_MAX);
    image = &port->images[memory->token];
    CHECK(image->used && image->memory.host == memory->host && image->memory.addr == memory->addr &&
          image->memory.size == memory->size);
    check_seals(image);
    free(memory->host);
    image->used = false;
}

enum hp_status hp_port_image_protect(struct hp_port *port, const struct hp_image_memory *memory,
                                     size_t offset, size_t size, enum hp_protection protection)
{
    struct image *image;
    struct seal *seal;
    uint32_t n;

    CHECK(memory->token < IMAGES_MAX);
    image = &port->images[memory->token];
    CHECK(image->used && image->memory.host == memory->host);
    CHECK(offset % FUZZ_PAGE == 0 && size % FUZZ_PAGE == 0 && size > 0);
    CHECK(offset <= memory->size && size <= memory->size - offset);
    CHECK(image->seal_count < SEALS_MAX);
    if (fails_now(port)) {
        return HP_PROTECT_FAILED;
    }
    for (n = 0; n < image->seal_count; n++) {
        seal = &image->seals[n];
        CHECK(offset >= seal->offset + seal->size || offset + size <= seal->offset);
    }
    seal = &image->seals[image->seal_count];
    seal->offset = offset;
    seal->size = size;
    seal->protection = protection;
    seal->sum = sum_of(memory->host + offset, size);
    image->seal_count++;
    return HP_OK;
}

enum hp_status hp_port_target_read(struct hp_port *port, uint64_t addr, void *buf, size_t size)
{
    CHECK(size > 0 && size <= READ_MAX);
    if (port->kind == FUZZ_TARGET_ABSENT) {
        memset(buf, 0, size);
        return HP_UNDECIDED;
    }
    if (fails_now(port) || !fuzz_port_peek(port, addr, buf, size)) {
        return HP_TARGET_READ;
    }
    if (port->kind != FUZZ_TARGET_RUNNING && in_target_data(addr, size)) {
        return HP_UNDECIDED;
    }
    if (port->kind != FUZZ_TARGET_RUNNING &&
        touches(addr, size, FUZZ_REWRITTEN_FIRST, FUZZ_DENIED_FIRST)) {
        return HP_UNDECIDED;
    }
    return HP_OK;
}

enum hp_status hp_port_cpu_feature(struct hp_port *port, uint16_t feature, bool *has)
{
    *has = feature % 2 != 0;
    if (port->kind != FUZZ_TARGET_RUNNING) {
        return HP_UNDECIDED;
    }
    return fails_now(port) || feature >= FUZZ_FEATURES ? HP_ALT_FEATURE : HP_OK;
}

/* Copies an entry to the port's answer. */
static void answer(const struct hp_port *port, const struct hp_symtab_entry *entry,
                   struct hp_target_symbol *symbol)
{
    symbol->name = port->names + entry->name;
    symbol->addr = entry->addr;
    symbol->size = entry->size;
    symbol->kind = (enum hp_symbol_kind)entry->kind;
}

enum hp_status hp_port_symbol_by_name(struct hp_port *port, const char *name, size_t length,
                                      struct hp_target_symbol *symbol)
{
    const struct hp_symtab_entry *entry;
    bool duplicate = false;

    if (port->kind == FUZZ_TARGET_ABSENT) {
        return HP_UNDECIDED;
    }
    if (fails_now(port)) {
        return HP_NO_MEMORY; /* "any other makes the load fail with that status" */
    }
    entry = hp_symtab_find(&port->symbols, name, length, &duplicate);
    if (entry == NULL) {
        return HP_SYMBOL_UNDEFINED;
    }
    CHECK(entry->length == length && memcmp(port->names + entry->name, name, length) == 0);
    if (duplicate) {
        return HP_SYMBOL_AMBIGUOUS;
    }
    answer(port, entry, symbol);
    return HP_OK;
}

enum hp_status hp_port_symbol_by_address(struct hp_port *port, uint64_t addr,
                                         struct hp_target_symbol *symbol)
{
    uint64_t function;
    uint64_t size;

    if (port->kind == FUZZ_TARGET_ABSENT) {
        return HP_UNDECIDED;
    }
    if (fails_now(port)) {
        return HP_NO_MEMORY;
    }
    if (!in_target_text(addr, 1)) {
        return HP_SYMBOL_UNDEFINED;
    }
    function = (addr - FUZZ_TEXT_START) / FUZZ_FUNCTION_SIZE;
    size = function_size((uint32_t)function);
    if (size != 0 && (addr - FUZZ_TEXT_START) % FUZZ_FUNCTION_SIZE >= size) {
        return HP_SYMBOL_UNDEFINED;
    }
    symbol->name = NULL;
    symbol->addr = FUZZ_TEXT_START + function * FUZZ_FUNCTION_SIZE;
    symbol->size = size;
    symbol->kind = HP_KIND_CODE;
    return HP_OK;
}

/* True when all of the range is memory of a payload with that protection. */
static bool is_sealed(const struct hp_port *port, uint64_t addr, size_t size,
                      enum hp_protection protection)
{
    const struct image *image = image_at(port, addr, size);
    uint32_t n;

    for (n = 0; image != NULL && n < image->seal_count; n++) {
        const struct seal *seal = &image->seals[n];
        const size_t offset = (size_t)(addr - image->memory.addr);

        if (seal->protection == protection && offset >= seal->offset &&
            offset - seal->offset <= seal->size && size <= seal->size - (offset - seal->offset)) {
            return true;
        }
    }
    return false;
}

enum hp_status hp_port_patchable(struct hp_port *port, uint64_t addr, size_t size)
{
    const struct image *image;

    CHECK(size > 0 && size <= READ_MAX);
    if (port->kind == FUZZ_TARGET_ABSENT) {
        return HP_UNDECIDED;
    }
    if (in_target_text(addr, size)) {
        return touches(addr, size, FUZZ_DENIED_FIRST, FUZZ_DENIED_END) ? HP_PATCH_DENIED : HP_OK;
    }
    image = image_at(port, addr, size);
    if (image != NULL && image->island) {
        return HP_PATCH_DENIED;
    }
    return is_sealed(port, addr, size, HP_PROTECT_TEXT) ? HP_OK : HP_PATCH_RANGE;
}

enum hp_status hp_port_spliceable(struct hp_port *port, uint64_t addr, size_t size)
{
    const uint64_t constants = UINT64_C(8) * FUZZ_CONSTANTS;

    CHECK(size > 0 && size <= READ_MAX);
    if (port->kind == FUZZ_TARGET_ABSENT) {
        return HP_UNDECIDED;
    }
    if (in_target_data(addr, size)) {
        return addr - FUZZ_DATA_START < constants && addr - FUZZ_DATA_START + size <= constants
                   ? HP_OK
                   : HP_SPLICE_WRITABLE;
    }
    return is_sealed(port, addr, size, HP_PROTECT_RODATA) ? HP_OK : HP_PATCH_RANGE;
}
