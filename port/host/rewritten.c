/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finds the code that a target rewrites while it boots, from the target's own tables: alternatives
 * and sealed landing pads. The bytes of that code in the image file need not be those in memory.
 */
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/span.h"
#include "internal.h"

/*
 * An entry of the alternatives table. On x86-64 (SPEC section 6): s32 site, s32 replacement, both
 * relative to themselves; u16 feature; u8 site length, replacement length, pad length, private. The
 * padding follows the site and is overwritten with it. On Arm: s32, s32, u16, u8, u8.
 */
#define ALT_SIZE_X86 14
#define ALT_SIZE_ARM 12

#define POINTER_SIZE 8

/* ENDBR64, the landing pad that a target may turn into a NOP. */
static const uint8_t endbr64[] = {0xf3, 0x0f, 0x1e, 0xfa};

/* Collects ranges; grows as needed. */
struct collector {
    const struct hp_host_reader *reader;
    struct hp_host_range *ranges;
    size_t count;
    size_t capacity;
};

static enum hp_status add_range(struct collector *collector, uint64_t start, uint64_t size)
{
    if (collector->count == collector->capacity) {
        size_t capacity = collector->capacity == 0 ? 256 : collector->capacity * 2;
        struct hp_host_range *grown = realloc(collector->ranges, capacity * sizeof(*grown));

        if (grown == NULL) {
            return hp_fail(collector->reader->diag, HP_STAGE_CALL, HP_NO_MEMORY);
        }
        collector->ranges = grown;
        collector->capacity = capacity;
    }
    collector->ranges[collector->count].start = start;
    collector->ranges[collector->count].end = start + size;
    collector->count++;
    return HP_OK;
}

/*
 * The bytes of a table that is not empty; NULL, with the reason in the diagnostics record, when it
 * does not lie in one section that has contents.
 */
static const uint8_t *find_table(const struct hp_host_reader *reader, struct hp_host_range at,
                                 size_t entry, const char *what)
{
    const struct hp_host_section *section = hp_host_section_at(reader->port, at.start);

    if (at.end < at.start || (at.end - at.start) % entry != 0) {
        hp_host_explain(reader->diag, "%s: no whole number of %zu-byte entries", what, entry);
        return NULL;
    }
    if (section == NULL || section->bytes == NULL || at.end - section->addr > section->size) {
        hp_host_explain(reader->diag, "%s: the table is in no section", what);
        return NULL;
    }
    return section->bytes + (at.start - section->addr);
}

/* True when `size` bytes at addr lie in one section. */
static bool in_one_section(const struct hp_host_section *section, uint64_t addr, uint64_t size)
{
    return section != NULL && hp_range_fits(section->size, addr - section->addr, size);
}

/* The address that a self-relative 32-bit field at `field`, with bytes p, refers to. */
static uint64_t self_relative(const struct hp_port *port, uint64_t field, const uint8_t *p)
{
    return (field + (uint64_t)(int64_t)(int32_t)hp_le32(p)) & port->last_addr;
}

/*
 * Takes one entry. That its site is code and its replacement in the image is checked although a
 * site elsewhere could just be left out: it means that the entries have another form than assumed,
 * and then nothing that the table says about the code can be believed.
 */
static enum hp_status add_alternative(struct collector *collector, uint64_t addr, const uint8_t *p,
                                      bool x86)
{
    const struct hp_port *port = collector->reader->port;
    uint64_t site = self_relative(port, addr, p);
    uint64_t replacement = self_relative(port, addr + 4, p + 4);
    uint8_t replacement_size = p[11];
    uint32_t size = (uint32_t)p[10] + (x86 ? p[12] : 0);
    const struct hp_host_section *section = hp_host_section_at(port, site);

    if (section == NULL || !section->exec || !in_one_section(section, site, size)) {
        return hp_host_refuse(collector->reader->diag,
                              "alternatives: the site of the entry at 0x%llx is no code",
                              (unsigned long long)addr);
    }
    if (replacement_size > 0 &&
        !in_one_section(hp_host_section_at(port, replacement), replacement, replacement_size)) {
        return hp_host_refuse(collector->reader->diag,
                              "alternatives: the replacement of the entry at 0x%llx is nowhere",
                              (unsigned long long)addr);
    }
    if (section->discarded || size == 0) {
        return HP_OK;
    }
    return add_range(collector, site, size);
}

static enum hp_status add_alternatives(struct collector *collector)
{
    const struct hp_host_reader *reader = collector->reader;
    uint16_t machine = reader->port->target.machine;
    bool x86 = machine == EM_X86_64;
    size_t entry = x86 ? ALT_SIZE_X86 : ALT_SIZE_ARM;
    struct hp_host_range at = reader->alternatives;
    const uint8_t *bytes;
    uint64_t addr;

    if (reader->has_mark[HP_HOST_ALT_START] != reader->has_mark[HP_HOST_ALT_END]) {
        return hp_host_refuse(reader->diag, "alternatives: only one end of the table is named");
    }
    if (reader->has_mark[HP_HOST_ALT_START]) {
        at.start = reader->mark[HP_HOST_ALT_START];
        at.end = reader->mark[HP_HOST_ALT_END];
    }
    if (at.start == at.end) {
        return HP_OK;
    }
    if (!x86 && machine != EM_AARCH64 && machine != EM_ARM) {
        return hp_host_refuse(reader->diag, "alternatives of machine %u are not known",
                              (unsigned)machine);
    }
    bytes = find_table(reader, at, entry, "alternatives");
    if (bytes == NULL) {
        return HP_TARGET_FILE;
    }
    for (addr = at.start; addr < at.end; addr += entry) {
        enum hp_status status = add_alternative(collector, addr, bytes + (addr - at.start), x86);

        if (status) {
            return status;
        }
    }
    return HP_OK;
}

/*
 * Xen, where indirect branch tracking is in use, seals the functions that are only called
 * indirectly through pointers it then replaces by direct calls. It looks at each word of the
 * objects in question and takes those that happen to point at a landing pad in its text; so does
 * this.
 */
static enum hp_status add_sealed(struct collector *collector)
{
    const struct hp_host_reader *reader = collector->reader;
    struct hp_host_range at;
    const uint8_t *bytes;
    uint64_t pos;

    if (reader->has_mark[HP_HOST_SEAL_START] != reader->has_mark[HP_HOST_SEAL_END]) {
        return hp_host_refuse(reader->diag,
                              "sealed landing pads: only one end of the table is named");
    }
    if (reader->port->target.machine != EM_X86_64 || !reader->has_mark[HP_HOST_SEAL_START]) {
        return HP_OK;
    }
    at.start = reader->mark[HP_HOST_SEAL_START];
    at.end = reader->mark[HP_HOST_SEAL_END];
    if (at.start == at.end) {
        return HP_OK;
    }
    bytes = find_table(reader, at, POINTER_SIZE, "sealed landing pads");
    if (bytes == NULL) {
        return HP_TARGET_FILE;
    }
    for (pos = 0; pos < at.end - at.start; pos += POINTER_SIZE) {
        uint64_t pointer = hp_le64(bytes + pos);
        const struct hp_host_section *section = hp_host_section_at(reader->port, pointer);
        enum hp_status status;

        if (!in_one_section(section, pointer, sizeof(endbr64)) || !section->exec ||
            section->discarded ||
            memcmp(section->bytes + (pointer - section->addr), endbr64, sizeof(endbr64)) != 0) {
            continue;
        }
        status = add_range(collector, pointer, sizeof(endbr64));
        if (status) {
            return status;
        }
    }
    return HP_OK;
}

static int compare_ranges(const void *a, const void *b)
{
    const struct hp_host_range *x = a;
    const struct hp_host_range *y = b;

    return (x->start > y->start) - (x->start < y->start);
}

static size_t merge_ranges(struct hp_host_range *ranges, size_t count)
{
    size_t merged = 0;
    size_t i;

    if (count == 0) {
        return 0;
    }
    qsort(ranges, count, sizeof(*ranges), compare_ranges);
    for (i = 1; i < count; i++) {
        if (ranges[i].start > ranges[merged].end) {
            ranges[++merged] = ranges[i];
        } else if (ranges[i].end > ranges[merged].end) {
            ranges[merged].end = ranges[i].end;
        }
    }
    return merged + 1;
}

enum hp_status hp_host_read_rewritten(const struct hp_host_reader *reader)
{
    struct collector collector = {.reader = reader};
    enum hp_status status;

    status = add_alternatives(&collector);
    if (status == HP_OK) {
        status = add_sealed(&collector);
    }
    reader->port->rewritten = collector.ranges;
    reader->port->rewritten_count = merge_ranges(collector.ranges, collector.count);
    return status;
}

bool hp_host_is_rewritten(const struct hp_port *port, uint64_t addr, uint64_t size)
{
    size_t low = 0;
    size_t high = port->rewritten_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (port->rewritten[middle].end <= addr) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == port->rewritten_count) {
        return false;
    }
    return port->rewritten[low].start <= addr || port->rewritten[low].start - addr < size;
}

bool hp_host_rewritten(const struct hp_port *port, size_t index, uint64_t *addr, uint64_t *size)
{
    if (index >= port->rewritten_count) {
        return false;
    }
    *addr = port->rewritten[index].start;
    *size = port->rewritten[index].end - port->rewritten[index].start;
    return true;
}
