/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The floor that the loader is measured against: copy of the loaded sections, bare relocation
 * arithmetic with all symbols known, and the look-ups of names in an index built before. No checks.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

/* Relocation types (x86-64 psABI, table 4.9); the payloads use these and PLT32 alone. */
enum { R_X86_64_64 = 1, R_X86_64_PC32 = 2, R_X86_64_PLT32 = 4 };

/* Elf64_Rela; the floor reads entries in place, which the alignment of its tables allows. */
struct rela {
    uint64_t offset;
    uint32_t type;
    uint32_t symbol;
    uint64_t addend;
};

struct copy {
    const uint8_t *from;
    uint8_t *to;
    size_t size;
};

struct relocation {
    const struct rela *entries;
    uint32_t count;
    uint8_t *to;
    uint64_t addr;
};

/* A slot of the plain index: open addressing, linear probing. */
struct slot {
    uint32_t hash;
    uint32_t length; /* 0: free */
    const char *name;
    uint64_t addr;
};

#define SLOTS 16384u /* above BENCH_TARGET_SYMBOLS / 0.75 */

struct bench_floor {
    struct hp_port *port;
    uint8_t *image;
    struct copy *copies;
    uint32_t copy_count;
    struct relocation *relocations;
    uint32_t relocation_count;
    uint64_t *values; /* by symbol index */
    const char **names;
    uint32_t name_count;
    struct slot *slots;
};

static void *obtain(size_t count, size_t size)
{
    void *memory = calloc(count + 1, size);

    if (memory == NULL) {
        abort();
    }
    return memory;
}

static uint32_t hash_of(const char *name, size_t length)
{
    uint64_t hash = length;
    uint64_t word = 0;

    for (; length >= sizeof(word); length -= sizeof(word), name += sizeof(word)) {
        memcpy(&word, name, sizeof(word));
        hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 32;
    }
    word = 0;
    memcpy(&word, name, length);
    hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)(hash >> 32);
}

static const struct slot *find_plain(const struct bench_floor *floor, const char *name)
{
    size_t length = strlen(name);
    uint32_t hash = hash_of(name, length);
    uint32_t n;

    for (n = hash % SLOTS; floor->slots[n].length != 0; n = (n + 1) % SLOTS) {
        const struct slot *slot = &floor->slots[n];

        if (slot->hash == hash && slot->length == length && memcmp(slot->name, name, length) == 0) {
            break;
        }
    }
    return &floor->slots[n];
}

static void index_target(struct bench_floor *floor)
{
    const struct hp_symtab *symbols = &floor->port->symbols;
    uint32_t n;

    for (n = 0; n < symbols->count; n++) {
        const struct hp_symtab_entry *entry = &symbols->entries[n];
        const char *name = symbols->names + entry->name;
        struct slot *slot = &floor->slots[find_plain(floor, name) - floor->slots];

        slot->hash = hash_of(name, entry->length);
        slot->length = entry->length;
        slot->name = name;
        slot->addr = entry->addr;
    }
}

static const struct hp_placed_section *place_of(const struct hp_payload *payload, uint32_t section)
{
    uint32_t n;

    for (n = 0; n < payload->image.section_count; n++) {
        if (payload->image.sections[n].section == section) {
            return &payload->image.sections[n];
        }
    }
    return NULL;
}

static bool is_new_addr(const struct hp_payload *payload, uint64_t addr)
{
    uint32_t n;

    for (n = 0; n < payload->record_count; n++) {
        if (payload->records[n].new_addr == addr) {
            return true;
        }
    }
    return false;
}

/*
 * Values of all symbols, and the names that no loader can help looking up: of undefined symbols, of
 * those that must be new, and of the functions to patch.
 */
static void take_symbols(struct bench_floor *floor, const struct hp_elf *elf,
                         const struct hp_payload *payload)
{
    uint32_t n;

    floor->values = obtain(elf->symbol_count, sizeof(*floor->values));
    floor->names = obtain((size_t)elf->symbol_count + payload->record_count, sizeof(*floor->names));
    for (n = 1; n < elf->symbol_count; n++) {
        const struct hp_placed_section *place;
        struct hp_symbol symbol;

        if (hp_elf_symbol(elf, n, &symbol, NULL) != HP_OK) {
            abort();
        }
        if (symbol.place == HP_PLACE_UNDEFINED) {
            floor->values[n] = find_plain(floor, symbol.name)->addr;
            floor->names[floor->name_count++] = symbol.name;
            continue;
        }
        place = place_of(payload, symbol.section);
        if (symbol.place != HP_PLACE_SECTION || place == NULL) {
            continue;
        }
        floor->values[n] = payload->image.memory.addr + place->offset + symbol.value;
        if ((symbol.bind != HP_STB_LOCAL || payload->profile->locals_must_be_new) &&
            symbol.name[0] != '\0' && !is_new_addr(payload, floor->values[n])) {
            floor->names[floor->name_count++] = symbol.name;
        }
    }
    for (n = 0; n < payload->record_count; n++) {
        floor->names[floor->name_count++] = payload->records[n].name;
    }
}

static void take_relocations(struct bench_floor *floor, const struct hp_elf *elf,
                             const struct hp_section *section,
                             const struct hp_placed_section *place, uint64_t image_addr)
{
    struct relocation *out = &floor->relocations[floor->relocation_count++];
    uint32_t n;

    out->entries = (const void *)hp_elf_contents(elf, section).data;
    out->count = hp_elf_reloc_count(elf, section);
    out->to = floor->image + place->offset;
    out->addr = image_addr + place->offset;
    for (n = 0; n < out->count; n++) {
        uint32_t type = out->entries[n].type;

        if (type != R_X86_64_64 && type != R_X86_64_PC32 && type != R_X86_64_PLT32) {
            abort();
        }
    }
}

static void take_sections(struct bench_floor *floor, const struct hp_elf *elf,
                          const struct hp_payload *payload)
{
    uint32_t n;

    floor->copies = obtain(elf->shnum, sizeof(*floor->copies));
    floor->relocations = obtain(elf->shnum, sizeof(*floor->relocations));
    for (n = 1; n < elf->shnum; n++) {
        const struct hp_placed_section *place;
        struct hp_section section;

        if (hp_elf_section(elf, n, &section) != HP_OK) {
            abort();
        }
        place = place_of(payload, n);
        if (place != NULL && section.type != HP_SHT_NOBITS) {
            struct copy *copy = &floor->copies[floor->copy_count++];

            copy->from = hp_elf_contents(elf, &section).data;
            copy->to = floor->image + place->offset;
            copy->size = place->size;
        }
        if (section.type == HP_SHT_RELA && place_of(payload, section.info) != NULL) {
            take_relocations(floor, elf, &section, place_of(payload, section.info),
                             payload->image.memory.addr);
        }
    }
}

/* The floor must do the loader's work, or comparing their times would say nothing. */
static bool same_result(const struct bench_floor *floor, const struct hp_payload *payload)
{
    const struct hp_image_memory *memory = &payload->image.memory;

    bench_floor_run(floor, BENCH_FLOOR_COPY);
    bench_floor_run(floor, BENCH_FLOOR_RELOCATE);
    return memcmp(floor->image, memory->host, memory->size) == 0;
}

struct bench_floor *bench_floor_new(const struct bench_payload *file,
                                    const struct hp_payload *payload)
{
    struct bench_floor *floor = obtain(1, sizeof(*floor));
    struct hp_elf elf;

    if (hp_elf_open(&elf, file->data, file->size, NULL, NULL) != HP_OK) {
        abort();
    }
    floor->port = payload->port;
    floor->image = obtain(payload->image.memory.size, 1);
    floor->slots = obtain(SLOTS, sizeof(*floor->slots));
    index_target(floor);
    take_symbols(floor, &elf, payload);
    take_sections(floor, &elf, payload);
    if (!same_result(floor, payload)) {
        fprintf(stderr, "the floor's image is not the loader's\n");
        bench_floor_free(floor);
        return NULL;
    }
    return floor;
}

void bench_floor_free(struct bench_floor *floor)
{
    if (floor == NULL) {
        return;
    }
    free(floor->slots);
    free(floor->names);
    free(floor->values);
    free(floor->relocations);
    free(floor->copies);
    free(floor->image);
    free(floor);
}

uint32_t bench_floor_look_ups(const struct bench_floor *floor)
{
    return floor->name_count;
}

static void relocate(const struct relocation *relocation, const uint64_t *values)
{
    const struct rela *entry = relocation->entries;
    const struct rela *end = entry + relocation->count;

    for (; entry < end; entry++) {
        uint8_t *place = relocation->to + entry->offset;
        uint64_t value = values[entry->symbol] + entry->addend;

        if (entry->type == R_X86_64_64) {
            memcpy(place, &value, sizeof(value));
        } else {
            uint32_t distance = (uint32_t)(value - (relocation->addr + entry->offset));

            memcpy(place, &distance, sizeof(distance));
        }
    }
}

/* The target's own look-up, which is the port's, as the loader asks it. */
static uint64_t look_up_port(const struct bench_floor *floor)
{
    struct hp_target_symbol symbol;
    uint64_t sum = 0;
    uint32_t n;

    for (n = 0; n < floor->name_count; n++) {
        const char *name = floor->names[n];
        enum hp_status status = hp_port_symbol_by_name(floor->port, name, strlen(name), &symbol);

        sum += status == HP_OK ? symbol.addr : 1;
    }
    return sum;
}

static uint64_t look_up_plain(const struct bench_floor *floor)
{
    uint64_t sum = 0;
    uint32_t n;

    for (n = 0; n < floor->name_count; n++) {
        sum += find_plain(floor, floor->names[n])->addr;
    }
    return sum;
}

static uint64_t copy_all(const struct bench_floor *floor)
{
    uint32_t n;

    for (n = 0; n < floor->copy_count; n++) {
        memcpy(floor->copies[n].to, floor->copies[n].from, floor->copies[n].size);
    }
    return floor->copy_count;
}

static uint64_t relocate_all(const struct bench_floor *floor)
{
    uint32_t n;

    for (n = 0; n < floor->relocation_count; n++) {
        relocate(&floor->relocations[n], floor->values);
    }
    return floor->relocation_count;
}

uint64_t bench_floor_run(const struct bench_floor *floor, enum bench_floor_part part)
{
    switch (part) {
    case BENCH_FLOOR_COPY:
        return copy_all(floor);
    case BENCH_FLOOR_RELOCATE:
        return relocate_all(floor);
    case BENCH_FLOOR_PORT:
        return look_up_port(floor);
    case BENCH_FLOOR_PLAIN:
        return look_up_plain(floor);
    case BENCH_FLOOR_ALL_PORT:
        return copy_all(floor) + look_up_port(floor) + relocate_all(floor);
    default:
        return copy_all(floor) + look_up_plain(floor) + relocate_all(floor);
    }
}
