/* SPDX-License-Identifier: BSD-2-Clause */
/* The benchmark's port: a made-up target in memory, and payload memory obtained beforehand. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

#define TEXT_START UINT64_C(0xffff82d040200000)
#define TEXT_SIZE  ((uint64_t)BENCH_TARGET_SYMBOLS * BENCH_SYMBOL_SIZE)
#define PAGE_SIZE  4096u
#define WORK_SIZE  (8u << 20)
#define IMAGE_SIZE (8u << 20) /* image_max of the default profile */
#define IMAGE_GAP  (16u << 20)
#define NAMES_SIZE ((size_t)BENCH_TARGET_SYMBOLS * BENCH_NAME_MAX)

const uint8_t bench_build_id[20] = {0xbe, 0x9c, 0x11, 0x1d, 1,  2,  3,  4,  5,  6,
                                    7,    8,    9,    10,   11, 12, 13, 14, 15, 16};

/* Memory that is there: written to, so that no page is obtained while time is taken. */
static void *obtain(size_t size)
{
    void *memory = aligned_alloc(PAGE_SIZE, (size + PAGE_SIZE - 1) & ~(size_t)(PAGE_SIZE - 1));

    if (memory == NULL) {
        abort();
    }
    memset(memory, 0, size);
    return memory;
}

static uint64_t address_of(uint32_t index)
{
    return TEXT_START + (uint64_t)index * BENCH_SYMBOL_SIZE;
}

static void add_symbols(struct hp_port *port)
{
    struct bench_random random = {1};
    size_t used = 0;
    uint32_t n;

    for (n = 0; n < BENCH_TARGET_SYMBOLS; n++) {
        struct hp_symtab_entry *entry = &port->symbols.entries[n];

        bench_name(port->names + used, &random, "", n);
        port->name_of[n] = (uint32_t)used;
        entry->addr = address_of(n);
        entry->size = BENCH_SYMBOL_SIZE;
        entry->name = (uint32_t)used;
        entry->length = (uint32_t)strlen(port->names + used);
        entry->kind = n < BENCH_TARGET_SYMBOLS / 2 ? HP_KIND_CODE : HP_KIND_DATA;
        used += entry->length + 1;
    }
    hp_symtab_build(&port->symbols);
}

struct hp_port *bench_port_new(void)
{
    struct hp_port *port = obtain(sizeof(*port));
    struct hp_symtab *symbols = &port->symbols;
    struct bench_random random = {2};
    uint64_t n;

    port->names = obtain(NAMES_SIZE);
    port->name_of = obtain(BENCH_TARGET_SYMBOLS * sizeof(*port->name_of));
    symbols->names = port->names;
    symbols->count = BENCH_TARGET_SYMBOLS;
    symbols->entries = obtain(BENCH_TARGET_SYMBOLS * sizeof(*symbols->entries));
    symbols->slots = obtain(BENCH_TARGET_SYMBOLS * sizeof(*symbols->slots));
    symbols->bucket_count = hp_symtab_bucket_count(symbols->count);
    symbols->buckets = obtain(((size_t)symbols->bucket_count + 1) * sizeof(*symbols->buckets));
    add_symbols(port);
    port->text = obtain(TEXT_SIZE + 1); /* one more for bench_actions(), which moves it */
    for (n = 0; n < TEXT_SIZE; n++) {
        port->text[n] = (uint8_t)bench_random(&random);
    }
    for (n = 0; n < 2; n++) {
        port->work[n] = obtain(WORK_SIZE);
        port->image[n] = obtain(IMAGE_SIZE);
    }
    return port;
}

void bench_port_free(struct hp_port *port)
{
    uint32_t n;

    for (n = 0; n < 2; n++) {
        free(port->work[n]);
        free(port->image[n]);
    }
    free(port->text);
    free(port->symbols.buckets);
    free(port->symbols.slots);
    free(port->symbols.entries);
    free(port->name_of);
    free(port->names);
    free(port);
}

void bench_port_clear(struct hp_port *port)
{
    uint32_t n;

    for (n = port->live; n < 2; n++) {
        memset(port->image[n], 0, IMAGE_SIZE);
    }
}

const char *bench_port_name(const struct hp_port *port, uint32_t index)
{
    return port->names + port->name_of[index];
}

/* ---- the porting layer --------------------------------------------------------------------- */

void hp_port_target(struct hp_port *port, struct hp_target *target)
{
    target->machine = HP_EM_X86_64;
    target->page_size = PAGE_SIZE;
    target->text_start = TEXT_START;
    target->text_end = TEXT_START + TEXT_SIZE;
    target->build_id = bench_build_id;
    target->build_id_size = sizeof(bench_build_id);
    /* The first call of a load comes when its file is open. */
    bench_clock_charge(port->clock, BENCH_OPEN);
}

/* The work area of a load, which comes before its image. */
void *hp_port_alloc(struct hp_port *port, size_t size)
{
    port->calls++;
    if (port->acting) {
        return malloc(size);
    }
    return size <= WORK_SIZE && port->live < 2 ? port->work[port->live] : NULL;
}

void hp_port_free(struct hp_port *port, void *memory, size_t size)
{
    (void)size;
    if (port->acting) {
        free(memory);
    }
}

enum hp_status hp_port_image_alloc(struct hp_port *port, const struct hp_image_request *request,
                                   struct hp_image_memory *memory)
{
    uint64_t addr = TEXT_START + TEXT_SIZE + (uint64_t)port->live * IMAGE_GAP;

    port->calls++;
    if (request->size > IMAGE_SIZE || port->live >= 2) {
        return HP_IMAGE_MEMORY;
    }
    memory->host = port->image[port->live];
    memory->addr = (addr + request->align - 1) & ~(request->align - 1);
    memory->size = request->size;
    memory->token = 0;
    port->live++;
    return HP_OK;
}

void hp_port_image_free(struct hp_port *port, const struct hp_image_memory *memory)
{
    (void)memory;
    port->live--;
}

enum hp_status hp_port_image_protect(struct hp_port *port, const struct hp_image_memory *memory,
                                     size_t offset, size_t size, enum hp_protection protection)
{
    (void)port;
    (void)memory;
    (void)offset;
    (void)size;
    (void)protection;
    return HP_OK;
}

enum hp_status hp_port_target_read(struct hp_port *port, uint64_t addr, void *buf, size_t size)
{
    if (addr < TEXT_START || size > TEXT_SIZE || addr - TEXT_START > TEXT_SIZE - size) {
        return HP_TARGET_READ;
    }
    memcpy(buf, port->text + (addr - TEXT_START), size);
    return HP_OK;
}

enum hp_status hp_port_symbol_by_name(struct hp_port *port, const char *name, size_t length,
                                      struct hp_target_symbol *symbol)
{
    const struct hp_symtab_entry *entry = hp_symtab_find(&port->symbols, name, length, NULL);

    if (entry == NULL) {
        return HP_SYMBOL_UNDEFINED;
    }
    symbol->name = port->names + entry->name;
    symbol->addr = entry->addr;
    symbol->size = entry->size;
    symbol->kind = (enum hp_symbol_kind)entry->kind;
    return HP_OK;
}

enum hp_status hp_port_symbol_by_address(struct hp_port *port, uint64_t addr,
                                         struct hp_target_symbol *symbol)
{
    uint32_t index;

    if (addr < TEXT_START || addr - TEXT_START >= TEXT_SIZE) {
        return HP_SYMBOL_UNDEFINED;
    }
    index = (uint32_t)((addr - TEXT_START) / BENCH_SYMBOL_SIZE);
    symbol->name = bench_port_name(port, index);
    symbol->addr = address_of(index);
    symbol->size = BENCH_SYMBOL_SIZE;
    symbol->kind = index < BENCH_TARGET_SYMBOLS / 2 ? HP_KIND_CODE : HP_KIND_DATA;
    return HP_OK;
}

enum hp_status hp_port_patchable(struct hp_port *port, uint64_t addr, size_t size)
{
    (void)port;
    if (addr < TEXT_START || size > TEXT_SIZE || addr - TEXT_START > TEXT_SIZE - size) {
        return HP_PATCH_RANGE;
    }
    return HP_OK;
}

/* ---- of actions; one CPU, which the benchmark itself takes through the window ---------------- */

enum hp_status hp_port_alias_map(struct hp_port *port, uint64_t addr, size_t size,
                                 struct hp_alias *alias)
{
    alias->host = port->text + (addr - TEXT_START);
    alias->addr = addr;
    alias->size = size;
    alias->token = 0;
    return HP_OK;
}

void hp_port_alias_unmap(struct hp_port *port, const struct hp_alias *alias)
{
    (void)port;
    (void)alias;
}

uint32_t hp_port_cpu_limit(struct hp_port *port)
{
    (void)port;
    return 1;
}

void hp_port_cpus_kick(struct hp_port *port)
{
    (void)port;
}

void hp_port_lock(struct hp_port *port)
{
    (void)port;
}

void hp_port_unlock(struct hp_port *port)
{
    (void)port;
}
