/* SPDX-License-Identifier: BSD-2-Clause */
/* Ordinary payloads: functions with relocated code and read-only data, symbols, records. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "support/elf_builder.h"

/* Relocation types (x86-64 psABI, table 4.9). */
enum { R_X86_64_64 = 1, R_X86_64_PC32 = 2, R_X86_64_PLT32 = 4 };

uint64_t bench_random(struct bench_random *random)
{
    uint64_t z;

    random->state += UINT64_C(0x9e3779b97f4a7c15);
    z = random->state;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* A number below `bound`; the bias of the remainder does not matter here. */
static uint32_t below(struct bench_random *random, uint32_t bound)
{
    return (uint32_t)(bench_random(random) % bound);
}

void bench_name(char name[BENCH_NAME_MAX], struct bench_random *random, const char *prefix,
                uint32_t number)
{
    static const char *const subjects[] = {"p2m",   "vmx",   "svm", "hvm",   "irq",  "vcpu",
                                           "sched", "iommu", "msi", "apic",  "page", "evtchn",
                                           "grant", "dom",   "pv",  "shadow"};
    static const char *const verbs[] = {"get",   "set",    "alloc",   "free",  "init",   "find",
                                        "check", "update", "destroy", "flush", "handle", "enable"};
    static const char *const objects[] = {"entry",   "table", "info",      "state",
                                          "context", "range", "mapping",   "bit",
                                          "vector",  "lock",  "intercept", "fault"};

    const char *subject = subjects[below(random, sizeof(subjects) / sizeof(subjects[0]))];
    const char *verb = verbs[below(random, sizeof(verbs) / sizeof(verbs[0]))];
    const char *object = objects[below(random, sizeof(objects) / sizeof(objects[0]))];

    if (number % 2 == 0) {
        snprintf(name, BENCH_NAME_MAX, "%s%s_%s_%s_%x", prefix, subject, verb, object, number);
    } else {
        snprintf(name, BENCH_NAME_MAX, "%s%s_%s_%x", prefix, subject, verb, number);
    }
}

/* A payload while it is put together. Symbols are the builder's handles. */
struct making {
    const struct bench_spec *spec;
    const struct hp_port *port;
    struct bench_random random;
    struct eb_payload p;
    uint32_t rodata;
    uint32_t rodata_symbol;
    uint32_t *functions; /* symbol of each function */
    uint32_t *sizes;     /* and its bytes */
    uint32_t *undefined; /* symbols of the target referred to */
    uint32_t next;       /* of those, to be referred to next: each at least once */
};

static void *obtain(size_t count, size_t size)
{
    void *memory = calloc(count + 1, size);

    if (memory == NULL) {
        abort();
    }
    return memory;
}

static void append_code(struct making *m, uint32_t section, uint32_t size)
{
    uint64_t at = eb_append(m->p.b, section, 16, NULL, size);
    uint8_t *code = eb_bytes(m->p.b, section) + at;
    uint32_t n;

    for (n = 0; n < size; n++) {
        code[n] = (uint8_t)bench_random(&m->random);
    }
}

/* Something of the target: every symbol in turn first, then any. */
static uint32_t pick_undefined(struct making *m)
{
    if (m->next < m->spec->undefined) {
        m->next++;
        return m->undefined[m->next - 1];
    }
    return m->undefined[below(&m->random, m->spec->undefined)];
}

/*
 * Relocations of code: half of them calls, to the target and to each other; the rest addresses of
 * data, of the target and of their own.
 */
static void relocate_code(struct making *m, uint32_t section, uint64_t start, uint32_t size,
                          uint32_t count)
{
    uint32_t pitch = count > 0 ? size / count : 0;
    uint32_t n;

    for (n = 0; n < count; n++) {
        uint64_t offset = start + (uint64_t)n * pitch + below(&m->random, pitch - 4);
        bool known = m->spec->undefined == 0 || (n % 4 == 3 && m->next == m->spec->undefined);
        uint32_t symbol;

        if (n % 2 == 0) {
            symbol = known || n % 16 == 0 ? m->functions[below(&m->random, m->spec->functions)]
                                          : pick_undefined(m);
            eb_rela(m->p.b, section, offset, R_X86_64_PLT32, symbol, -4);
        } else {
            symbol = known ? m->rodata_symbol : pick_undefined(m);
            eb_rela(m->p.b, section, offset, R_X86_64_PC32, symbol,
                    known ? (int64_t)below(&m->random, 512) - 4 : -4);
        }
    }
}

/* Tables of addresses in read-only data. */
static void add_tables(struct making *m, uint32_t count)
{
    uint32_t n;

    for (n = 0; n < count; n++) {
        uint64_t at = eb_append(m->p.b, m->rodata, 8, NULL, 8);
        bool own = m->spec->undefined == 0 || n % 2 == 0;

        eb_rela(m->p.b, m->rodata, at, R_X86_64_64,
                own ? m->functions[below(&m->random, m->spec->functions)] : pick_undefined(m), 0);
    }
}

static uint32_t function_size(struct making *m, uint32_t relocations)
{
    uint32_t average = m->spec->function_bytes;
    uint32_t size = average / 4 + below(&m->random, average + average / 2);

    return size < relocations * 8 + 16 ? relocations * 8 + 16 : size;
}

/* All functions: first their symbols, so that code can refer to any of them, then relocations. */
static void add_functions(struct making *m, uint32_t relocations)
{
    const struct bench_spec *spec = m->spec;
    uint32_t *sections = obtain(spec->functions, sizeof(*sections));
    uint64_t *starts = obtain(spec->functions, sizeof(*starts));
    uint32_t n;

    for (n = 0; n < spec->functions; n++) {
        uint32_t count = relocations / spec->functions + (n < relocations % spec->functions);
        char name[BENCH_NAME_MAX + 8];

        snprintf(name, sizeof(name), ".text.%s", bench_port_name(m->port, n));
        sections[n] = spec->own_sections ? eb_section(m->p.b, name, HP_SHT_PROGBITS,
                                                      HP_SHF_ALLOC | HP_SHF_EXECINSTR, 16, NULL, 0)
                                         : m->p.text;
        m->sizes[n] = function_size(m, count);
        starts[n] = (eb_size(m->p.b, sections[n]) + 15) & ~(size_t)15;
        append_code(m, sections[n], m->sizes[n]);
        m->functions[n] = eb_symbol(m->p.b, bench_port_name(m->port, n), HP_STB_GLOBAL, HP_STT_FUNC,
                                    sections[n], starts[n], m->sizes[n]);
    }
    for (n = 0; n < spec->functions; n++) {
        uint32_t count = relocations / spec->functions + (n < relocations % spec->functions);

        relocate_code(m, sections[n], starts[n], m->sizes[n], count);
    }
    free(sections);
    free(starts);
}

/* Symbols of its own: by turns in read-only data and, where all code is in one section, in code. */
static void add_symbols(struct making *m)
{
    uint32_t data_size = (uint32_t)eb_size(m->p.b, m->rodata);
    uint32_t code_size = (uint32_t)eb_size(m->p.b, m->p.text);
    char name[BENCH_NAME_MAX];
    uint32_t n;

    for (n = 0; n < m->spec->globals + m->spec->locals; n++) {
        uint8_t bind = n < m->spec->globals ? HP_STB_GLOBAL : HP_STB_LOCAL;

        bench_name(name, &m->random, "n_", n);
        if (n % 2 == 0 || code_size == 0) {
            eb_symbol(m->p.b, name, bind, HP_STT_OBJECT, m->rodata, (uint64_t)n * 8 % data_size, 8);
        } else {
            /* At odd addresses, where no function begins that would make it an override. */
            eb_symbol(m->p.b, name, bind, HP_STT_FUNC, m->p.text,
                      ((uint64_t)n * 16 + 1) % (code_size & ~1u), 8);
        }
    }
}

/* A number that is prime to every count of functions used here, so that it visits all of them. */
#define SHUFFLE 7919u

static void add_records(struct making *m)
{
    uint32_t n;

    for (n = 0; n < m->spec->functions; n++) {
        uint32_t which =
            m->spec->shuffled ? (uint32_t)((uint64_t)n * SHUFFLE % m->spec->functions) : n;
        struct eb_record record = {.name = bench_port_name(m->port, which),
                                   .new_symbol = m->functions[which],
                                   .new_size = m->sizes[which],
                                   .old_size = BENCH_SYMBOL_SIZE};

        eb_payload_record(&m->p, &record);
    }
}

struct bench_payload bench_payload(const struct bench_spec *spec, const struct hp_port *port)
{
    const struct eb_ids ids = {.depends = bench_build_id, .depends_size = sizeof(bench_build_id)};
    struct making m = {.spec = spec, .port = port, .random = {spec->functions}};
    uint32_t body = spec->relocations - 2 * spec->functions;
    uint32_t tables = body * 15 / 100;
    struct bench_payload file = {.profile = spec->profile};
    uint32_t n;

    m.p = eb_payload_new(true, HP_EM_X86_64, &ids);
    m.functions = obtain(spec->functions, sizeof(*m.functions));
    m.sizes = obtain(spec->functions, sizeof(*m.sizes));
    m.undefined = obtain(spec->undefined, sizeof(*m.undefined));
    m.rodata = eb_section(m.p.b, ".rodata", HP_SHT_PROGBITS, HP_SHF_ALLOC, 16, NULL, 1024);
    m.rodata_symbol = eb_section_symbol(m.p.b, m.rodata);
    for (n = 0; n < spec->undefined; n++) {
        /* From the end, where they are not those that the records patch. */
        m.undefined[n] = eb_undefined(m.p.b, bench_port_name(port, BENCH_TARGET_SYMBOLS - 1 - n));
    }
    add_functions(&m, body - tables);
    add_tables(&m, tables);
    add_symbols(&m);
    add_records(&m);
    file.data = eb_payload_finish(&m.p, &file.size);
    free(m.functions);
    free(m.sizes);
    free(m.undefined);
    return file;
}
