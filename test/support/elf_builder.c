/* SPDX-License-Identifier: BSD-2-Clause */
/* Composes relocatable ELF files and payloads in memory, for tests, and corrupts them afterwards.
 */
#include "elf_builder.h"

#include <stdlib.h>
#include <string.h>

#include <hotpatch/payload.h>

enum { SHN_XINDEX = 0xffff, SHN_LORESERVE = 0xff00, SHN_ABS = 0xfff1, SHN_COMMON = 0xfff2 };

/* A growing run of bytes. */
struct bytes {
    uint8_t *data;
    size_t size;
    size_t room;
};

struct section {
    struct bytes name;
    struct bytes contents;
    uint32_t type;
    uint32_t link;
    uint32_t info;
    uint64_t flags;
    uint64_t align;
    uint64_t entsize;
    uint64_t size;        /* of HP_SHT_NOBITS */
    uint32_t reloc;       /* index of the relocation section that targets this one */
    struct bytes entries; /* struct entry, of a relocation section */
};

struct symbol {
    size_t name; /* offset in the builder's names */
    uint8_t bind;
    uint8_t type;
    uint32_t section;
    uint64_t value;
    uint64_t size;
    uint32_t index; /* final */
};

struct entry {
    uint64_t offset;
    uint32_t type;
    uint32_t symbol; /* handle, or final index when raw */
    bool raw;
    int64_t addend;
};

struct eb {
    bool is64;
    uint16_t machine;
    unsigned options;
    struct bytes sections; /* struct section, index 0 unused */
    struct bytes symbols;  /* struct symbol, handle 0 the null symbol */
    struct bytes names;    /* of the symbols: a string table */
};

static void check(bool condition)
{
    if (!condition) {
        abort();
    }
}

/* Appends to a run; data NULL: zeroes. Returns where they begin. */
static void *grow(struct bytes *run, const void *data, size_t size)
{
    uint8_t *at;

    if (run->data == NULL || run->room - run->size < size) {
        run->room = (run->size + size) * 2 + 64;
        run->data = realloc(run->data, run->room);
        check(run->data != NULL);
    }
    at = run->data + run->size;
    if (data != NULL) {
        memcpy(at, data, size);
    } else {
        memset(at, 0, size);
    }
    run->size += size;
    return at;
}

static void drop(struct bytes *run)
{
    free(run->data);
    memset(run, 0, sizeof(*run));
}

static void grow_to(struct bytes *run, uint64_t align)
{
    while (align > 1 && run->size % align != 0) {
        grow(run, NULL, 1);
    }
}

static uint64_t load(const uint8_t *p, unsigned width)
{
    uint64_t value = 0;

    while (width > 0) {
        width--;
        value = (value << 8) | p[width];
    }
    return value;
}

static void store(uint8_t *p, unsigned width, uint64_t value)
{
    unsigned n;

    for (n = 0; n < width; n++) {
        p[n] = (uint8_t)(value >> (8 * n));
    }
}

static void put(struct bytes *run, unsigned width, uint64_t value)
{
    store(grow(run, NULL, width), width, value);
}

static struct section *section_at(const struct eb *b, uint32_t index)
{
    check(index > 0 && index < b->sections.size / sizeof(struct section));
    return (struct section *)(void *)b->sections.data + index;
}

static uint32_t section_total(const struct eb *b)
{
    return (uint32_t)(b->sections.size / sizeof(struct section));
}

static struct symbol *symbol_at(const struct eb *b, uint32_t handle)
{
    check(handle < b->symbols.size / sizeof(struct symbol));
    return (struct symbol *)(void *)b->symbols.data + handle;
}

static uint32_t symbol_total(const struct eb *b)
{
    return (uint32_t)(b->symbols.size / sizeof(struct symbol));
}

struct eb *eb_new(bool is64, uint16_t machine)
{
    struct eb *b = calloc(1, sizeof(*b));

    check(b != NULL);
    b->is64 = is64;
    b->machine = machine;
    grow(&b->sections, NULL, sizeof(struct section));
    grow(&b->symbols, NULL, sizeof(struct symbol));
    grow(&b->names, "", 1);
    return b;
}

void eb_free(struct eb *b)
{
    uint32_t i;

    if (b == NULL) {
        return;
    }
    for (i = 1; i < section_total(b); i++) {
        struct section *s = section_at(b, i);

        drop(&s->name);
        drop(&s->contents);
        drop(&s->entries);
    }
    drop(&b->sections);
    drop(&b->symbols);
    drop(&b->names);
    free(b);
}

void eb_option(struct eb *b, unsigned options)
{
    b->options |= options;
}

uint32_t eb_section(struct eb *b, const char *name, uint32_t type, uint64_t flags, uint64_t align,
                    const void *data, size_t size)
{
    struct section *s = grow(&b->sections, NULL, sizeof(*s));

    grow(&s->name, name, strlen(name) + 1);
    s->type = type;
    s->flags = flags;
    s->align = align;
    if (type == HP_SHT_NOBITS) {
        s->size = size;
    } else {
        grow(&s->contents, data, size);
    }
    return section_total(b) - 1;
}

void eb_section_entsize(struct eb *b, uint32_t section, uint64_t entsize)
{
    section_at(b, section)->entsize = entsize;
}

void eb_section_link(struct eb *b, uint32_t section, uint32_t link, uint32_t info)
{
    section_at(b, section)->link = link;
    section_at(b, section)->info = info;
}

uint64_t eb_append(struct eb *b, uint32_t section, uint64_t align, const void *data, size_t size)
{
    struct section *s = section_at(b, section);
    uint64_t offset;

    grow_to(&s->contents, align);
    offset = s->contents.size;
    grow(&s->contents, data, size);
    return offset;
}

uint8_t *eb_bytes(struct eb *b, uint32_t section)
{
    return section_at(b, section)->contents.data;
}

size_t eb_size(const struct eb *b, uint32_t section)
{
    return section_at(b, section)->contents.size;
}

uint32_t eb_symbol(struct eb *b, const char *name, uint8_t bind, uint8_t type, uint32_t section,
                   uint64_t value, uint64_t size)
{
    struct symbol *s = grow(&b->symbols, NULL, sizeof(*s));

    if (name[0] != '\0') {
        s->name = b->names.size;
        grow(&b->names, name, strlen(name) + 1);
    }
    s->bind = bind;
    s->type = type;
    s->section = section;
    s->value = value;
    s->size = size;
    return symbol_total(b) - 1;
}

uint32_t eb_undefined(struct eb *b, const char *name)
{
    return eb_symbol(b, name, HP_STB_GLOBAL, HP_STT_NOTYPE, EB_UNDEF, 0, 0);
}

uint32_t eb_section_symbol(struct eb *b, uint32_t section)
{
    return eb_symbol(b, "", HP_STB_LOCAL, HP_STT_SECTION, section, 0, 0);
}

uint32_t eb_symbol_index(const struct eb *b, uint32_t handle)
{
    return symbol_at(b, handle)->index;
}

static uint32_t reloc_entsize(bool is64, uint32_t type)
{
    if (type == HP_SHT_RELA) {
        return is64 ? 24 : 12;
    }
    return is64 ? 16 : 8;
}

static void add_reloc(struct eb *b, uint32_t section, uint32_t type, struct entry entry)
{
    struct section *s = section_at(b, section);
    uint32_t index = s->reloc;

    if (index == 0) {
        struct bytes name = {0};
        const char *prefix = type == HP_SHT_RELA ? ".rela" : ".rel";

        grow(&name, prefix, strlen(prefix));
        grow(&name, s->name.data, s->name.size);
        index = eb_section(b, (const char *)name.data, type, 0x40, b->is64 ? 8 : 4, NULL, 0);
        section_at(b, section)->reloc = index;
        section_at(b, index)->info = section;
        eb_section_entsize(b, index, reloc_entsize(b->is64, type));
        drop(&name);
    }
    check(section_at(b, index)->type == type);
    grow(&section_at(b, index)->entries, &entry, sizeof(entry));
}

void eb_rela(struct eb *b, uint32_t section, uint64_t offset, uint32_t type, uint32_t symbol,
             int64_t addend)
{
    const struct entry entry = {offset, type, symbol, false, addend};

    add_reloc(b, section, HP_SHT_RELA, entry);
}

void eb_rela_raw(struct eb *b, uint32_t section, uint64_t offset, uint32_t type, uint32_t index,
                 int64_t addend)
{
    const struct entry entry = {offset, type, index, true, addend};

    add_reloc(b, section, HP_SHT_RELA, entry);
}

void eb_rel(struct eb *b, uint32_t section, uint64_t offset, uint32_t type, uint32_t symbol)
{
    const struct entry entry = {offset, type, symbol, false, 0};

    add_reloc(b, section, HP_SHT_REL, entry);
}

uint32_t eb_note(struct eb *b, const char *name, const void *id, size_t id_size)
{
    uint8_t head[16] = {4, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 'G', 'N', 'U', 0};
    uint32_t index;

    store(head + 4, 4, id_size);
    index = eb_section(b, name, HP_SHT_NOTE, HP_SHF_ALLOC, 4, head, sizeof(head));
    eb_append(b, index, 1, id, id_size);
    return index;
}

/* Gives every symbol its final index, locals first, and returns the number of locals. */
static uint32_t order_symbols(const struct eb *b)
{
    const uint32_t total = symbol_total(b);
    uint32_t next = 1;
    uint32_t locals;
    uint32_t i;

    for (i = 1; i < total; i++) {
        if (symbol_at(b, i)->bind == HP_STB_LOCAL || (b->options & EB_KEEP_ORDER)) {
            symbol_at(b, i)->index = next++;
        }
    }
    locals = next;
    for (i = 1; i < total; i++) {
        if (symbol_at(b, i)->bind != HP_STB_LOCAL && !(b->options & EB_KEEP_ORDER)) {
            symbol_at(b, i)->index = next++;
        }
    }
    return locals;
}

/* Encodes the symbol table, and the table of extended indexes beside it. */
static void encode_symbols(const struct eb *b, struct bytes *symtab, struct bytes *shndx)
{
    const uint32_t total = symbol_total(b);
    const uint32_t entsize = b->is64 ? 24 : 16;
    uint32_t i;

    grow(symtab, NULL, (size_t)total * entsize);
    grow(shndx, NULL, (size_t)total * 4);
    for (i = 1; i < total; i++) {
        const struct symbol *s = symbol_at(b, i);
        uint8_t *p = symtab->data + (size_t)s->index * entsize;
        const uint8_t info = (uint8_t)((s->bind << 4) | s->type);
        uint32_t section = s->section;

        if (section == EB_ABS) {
            section = SHN_ABS;
        } else if (section == EB_COMMON) {
            section = SHN_COMMON;
        } else if (section != EB_UNDEF &&
                   (section >= SHN_LORESERVE || (b->options & EB_EXTENDED_SYMBOLS))) {
            store(shndx->data + (size_t)s->index * 4, 4, section);
            section = SHN_XINDEX;
        }
        store(p, 4, s->name);
        if (b->is64) {
            p[4] = info;
            store(p + 6, 2, section);
            store(p + 8, 8, s->value);
            store(p + 16, 8, s->size);
        } else {
            store(p + 4, 4, s->value);
            store(p + 8, 4, s->size);
            p[12] = info;
            store(p + 14, 2, section);
        }
    }
}

static void encode_relocs(const struct eb *b, const struct section *s, struct bytes *out)
{
    const struct entry *entries = (const struct entry *)(const void *)s->entries.data;
    const size_t count = s->entries.size / sizeof(struct entry);
    const unsigned word = b->is64 ? 8 : 4;
    size_t i;

    for (i = 0; i < count; i++) {
        const struct entry *e = &entries[i];
        const uint64_t symbol = e->raw ? e->symbol : symbol_at(b, e->symbol)->index;

        put(out, word, e->offset);
        put(out, word, b->is64 ? (symbol << 32) | e->type : (symbol << 8) | (e->type & 0xff));
        if (s->type == HP_SHT_RELA) {
            put(out, word, (uint64_t)e->addend);
        }
    }
}

/* A section header as it will be written. */
struct header {
    uint64_t name, type, flags, offset, size, link, info, align, entsize;
};

static void put_header(struct bytes *out, bool is64, const struct header *h)
{
    const unsigned word = is64 ? 8 : 4;

    put(out, 4, h->name);
    put(out, 4, h->type);
    put(out, word, h->flags);
    put(out, word, 0);
    put(out, word, h->offset);
    put(out, word, h->size);
    put(out, 4, h->link);
    put(out, 4, h->info);
    put(out, word, h->align);
    put(out, word, h->entsize);
}

/* The file while it is laid out. */
struct layout {
    struct bytes file;
    struct bytes headers;
    struct bytes names; /* section names; after the symbol names when shared */
};

/* Adds contents to the file, at their alignment as far as that is sane, and the header. */
static void lay_out(struct layout *l, bool is64, const char *name, struct header h,
                    const struct bytes *contents)
{
    const uint64_t align = h.align > 4096 ? 1 : h.align;

    h.name = l->names.size;
    grow(&l->names, name, strlen(name) + 1);
    grow_to(&l->file, align);
    h.offset = l->file.size;
    if (contents != NULL) {
        h.size = contents->size;
        grow(&l->file, contents->data, contents->size);
    }
    put_header(&l->headers, is64, &h);
}

static void put_file_header(struct eb *b, struct layout *l, uint64_t shoff, uint64_t shnum,
                            uint64_t shstrndx)
{
    const unsigned word = b->is64 ? 8 : 4;
    const uint8_t ident[16] = {0x7f, 'E', 'L', 'F', b->is64 ? 2 : 1, 1, 1};
    struct bytes header = {0};

    grow(&header, ident, sizeof(ident));
    put(&header, 2, 1);
    put(&header, 2, b->machine);
    put(&header, 4, 1);
    put(&header, word, 0);
    put(&header, word, 0);
    put(&header, word, shoff);
    put(&header, 4, 0);
    put(&header, 2, b->is64 ? 64 : 52);
    put(&header, 2, 0);
    put(&header, 2, 0);
    put(&header, 2, b->is64 ? 64 : 40);
    put(&header, 2, shnum);
    put(&header, 2, shstrndx);
    memcpy(l->file.data, header.data, header.size);
    drop(&header);
}

/* Lays out the sections that were added. */
static void lay_out_sections(const struct eb *b, struct layout *l, uint32_t symtab)
{
    uint32_t i;

    for (i = 1; i < section_total(b); i++) {
        const struct section *s = section_at(b, i);
        struct header h = {.type = s->type,
                           .flags = s->flags,
                           .size = s->size,
                           .link = s->link,
                           .info = s->info,
                           .align = s->align,
                           .entsize = s->entsize};
        struct bytes relocs = {0};

        if (s->entries.size > 0) {
            encode_relocs(b, s, &relocs);
            h.link = symtab;
            lay_out(l, b->is64, (const char *)s->name.data, h, &relocs);
            drop(&relocs);
        } else {
            lay_out(l, b->is64, (const char *)s->name.data, h,
                    s->type == HP_SHT_NOBITS ? NULL : &s->contents);
        }
    }
}

static bool needs_shndx(const struct eb *b)
{
    return (b->options & EB_EXTENDED_SYMBOLS) || section_total(b) >= SHN_LORESERVE;
}

uint8_t *eb_finish(struct eb *b, size_t *size)
{
    const bool shared = (b->options & EB_SHARED_STRTAB) != 0;
    const uint32_t symtab = section_total(b);
    const uint32_t strtab = symtab + (needs_shndx(b) ? 2 : 1);
    const uint32_t shstrtab = shared ? strtab : strtab + 1;
    const uint32_t shnum = shstrtab + 1;
    const uint32_t locals = order_symbols(b);
    const bool ext_num = shnum >= SHN_LORESERVE || (b->options & EB_EXTENDED_SHNUM);
    const bool ext_str = shstrtab >= SHN_LORESERVE || (b->options & EB_EXTENDED_SHSTRNDX);
    const struct header first = {.size = ext_num ? shnum : 0, .link = ext_str ? shstrtab : 0};
    const struct header sym = {.type = HP_SHT_SYMTAB,
                               .link = strtab,
                               .info = locals,
                               .align = 8,
                               .entsize = b->is64 ? 24 : 16};
    const struct header ext = {
        .type = HP_SHT_SYMTAB_SHNDX, .link = symtab, .align = 4, .entsize = 4};
    const struct header str = {.type = HP_SHT_STRTAB, .align = 1};
    struct layout l = {0};
    struct bytes symbols = {0};
    struct bytes shndx = {0};
    struct bytes strings = {0};
    uint64_t shoff;
    uint8_t *out;

    grow(&l.names, shared ? b->names.data : NULL, shared ? b->names.size : 1);
    grow(&l.file, NULL, b->is64 ? 64 : 52);
    put_header(&l.headers, b->is64, &first);
    lay_out_sections(b, &l, symtab);
    encode_symbols(b, &symbols, &shndx);
    lay_out(&l, b->is64, ".symtab", sym, &symbols);
    if (needs_shndx(b)) {
        lay_out(&l, b->is64, ".symtab_shndx", ext, &shndx);
    }
    if (!shared) {
        lay_out(&l, b->is64, ".strtab", str, &b->names);
    }
    /* The last table holds its own name, which lay_out() adds after the contents are copied. */
    grow(&strings, l.names.data, l.names.size);
    grow(&strings, shared ? ".strtab" : ".shstrtab", shared ? 8 : 10);
    lay_out(&l, b->is64, shared ? ".strtab" : ".shstrtab", str, &strings);
    grow_to(&l.file, 8);
    shoff = l.file.size;
    grow(&l.file, l.headers.data, l.headers.size);
    put_file_header(b, &l, shoff, ext_num ? 0 : shnum, ext_str ? SHN_XINDEX : shstrtab);
    out = malloc(l.file.size);
    check(out != NULL);
    memcpy(out, l.file.data, l.file.size);
    *size = l.file.size;
    drop(&l.file);
    drop(&l.headers);
    drop(&l.names);
    drop(&symbols);
    drop(&shndx);
    drop(&strings);
    return out;
}

/* Relocation type that stores an address, by machine. */
static uint32_t abs_type(uint16_t machine)
{
    switch (machine) {
    case HP_EM_AARCH64:
        return 257; /* R_AARCH64_ABS64 */
    case HP_EM_ARM:
    case HP_EM_RISCV:
        return 2; /* R_ARM_ABS32, R_RISCV_64 */
    default:
        return 1; /* R_X86_64_64 */
    }
}

/* The one of the distance from a 32-bit field to a symbol; 0: the builder knows none. */
static uint32_t self_type(uint16_t machine)
{
    switch (machine) {
    case HP_EM_AARCH64:
        return 261; /* R_AARCH64_PREL32 */
    case HP_EM_X86_64:
        return 2; /* R_X86_64_PC32 */
    default:
        return 0;
    }
}

/* A build-id of 20 bytes that differ from each other. */
static void default_id(uint8_t id[20], uint8_t first)
{
    uint8_t n;

    for (n = 0; n < 20; n++) {
        id[n] = (uint8_t)(first + n);
    }
}

struct eb_payload eb_payload_new(bool is64, uint16_t machine, const struct eb_ids *ids)
{
    static const struct eb_ids none = {0};
    const uint64_t str_flags = HP_SHF_ALLOC;
    struct eb_payload p = {.b = eb_new(is64, machine),
                           .version = HP_PAYLOAD_VERSION_2,
                           .word = is64 ? 8 : 4,
                           .abs_type = abs_type(machine),
                           .self_type = self_type(machine)};
    struct eb_ids id = ids != NULL ? *ids : none;
    uint8_t build_id[20];
    uint8_t depends[20];
    uint8_t xen_depends[20];

    default_id(build_id, 0xb1);
    default_id(depends, 0xd0);
    default_id(xen_depends, 0xe0);
    if (id.xen_depends == NULL) {
        id.xen_depends = id.depends != NULL ? id.depends : xen_depends;
        id.xen_depends_size = id.depends != NULL ? id.depends_size : sizeof(xen_depends);
    }
    if (id.depends == NULL) {
        id.depends = depends;
        id.depends_size = sizeof(depends);
    }
    if (id.build_id == NULL) {
        id.build_id = build_id;
        id.build_id_size = sizeof(build_id);
    }
    p.text =
        eb_section(p.b, ".text", HP_SHT_PROGBITS, HP_SHF_ALLOC | HP_SHF_EXECINSTR, 16, NULL, 0);
    p.strings = eb_section(p.b, ".rodata.str", HP_SHT_PROGBITS, str_flags, 1, NULL, 0);
    p.build_id = eb_note(p.b, ".note.gnu.build-id", id.build_id, id.build_id_size);
    p.depends = eb_note(p.b, ".livepatch.depends", id.depends, id.depends_size);
    if (!id.no_xen_depends) {
        p.xen_depends = eb_note(p.b, ".livepatch.xen_depends", id.xen_depends, id.xen_depends_size);
    }
    p.strings_sym = eb_section_symbol(p.b, p.strings);
    return p;
}

static uint32_t record_size(const struct eb_payload *p)
{
    return p->version == HP_PAYLOAD_VERSION_1 ? HP_PAYLOAD_FUNC_V1_SIZE(p->word)
                                              : HP_PAYLOAD_FUNC_V2_SIZE(p->word);
}

uint64_t eb_record_offset(const struct eb_payload *p, uint32_t record)
{
    return (uint64_t)record * record_size(p);
}

/* Stores an address in a section: a relocation against a symbol, RELA or REL as the class has it.
 */
static void put_address(struct eb_payload *p, uint32_t section, uint64_t offset, uint32_t symbol,
                        int64_t addend)
{
    if (p->word == 8) {
        eb_rela(p->b, section, offset, p->abs_type, symbol, addend);
    } else {
        store(eb_bytes(p->b, section) + offset, 4, (uint64_t)addend);
        eb_rel(p->b, section, offset, p->abs_type, symbol);
    }
}

/* Stores the address of a string, which is added, at an offset of a section; NULL: nothing. */
static void put_string(struct eb_payload *p, uint32_t section, uint64_t offset, const char *string)
{
    if (string != NULL) {
        const uint64_t at = eb_append(p->b, p->strings, 1, string, strlen(string) + 1);

        put_address(p, section, offset, p->strings_sym, (int64_t)at);
    }
}

uint32_t eb_payload_record(struct eb_payload *p, const struct eb_record *record)
{
    const uint32_t word = p->word;
    uint64_t offset;
    uint8_t *r;

    if (p->funcs == 0) {
        p->funcs = eb_section(p->b, ".livepatch.funcs", HP_SHT_PROGBITS,
                              HP_SHF_ALLOC | HP_SHF_WRITE, 8, NULL, 0);
    }
    offset = eb_append(p->b, p->funcs, 1, NULL, record_size(p));
    r = eb_bytes(p->b, p->funcs) + offset;
    store(r + word, word, record->new_addr);
    store(r + (size_t)2 * word, word, record->old_addr);
    store(r + (size_t)3 * word, 4, record->new_size);
    store(r + (size_t)3 * word + 4, 4, record->old_size);
    r[3 * word + 8] = p->version;
    if (p->version != HP_PAYLOAD_VERSION_1) {
        r[3 * word + 48] = record->expect_control;
        memcpy(r + (size_t)3 * word + 49, record->expect, sizeof(record->expect));
    }
    put_string(p, p->funcs, offset, record->name);
    if (record->new_symbol != 0) {
        put_address(p, p->funcs, offset + word, record->new_symbol, record->new_addend);
    }
    return p->records++;
}

uint64_t eb_splice_offset(const struct eb_payload *p, uint32_t splice)
{
    return (uint64_t)splice * HP_PAYLOAD_SPLICE_SIZE(p->word);
}

uint32_t eb_payload_splice(struct eb_payload *p, const struct eb_splice *splice)
{
    const uint32_t word = p->word;
    uint64_t offset;
    uint8_t *r;

    if (p->splices == 0) {
        p->splices = eb_section(p->b, ".hotpatch.splices", HP_SHT_PROGBITS,
                                HP_SHF_ALLOC | HP_SHF_WRITE, word, NULL, 0);
    }
    offset = eb_append(p->b, p->splices, 1, NULL, HP_PAYLOAD_SPLICE_SIZE(word));
    r = eb_bytes(p->b, p->splices) + offset;
    store(r + word, word, splice->addr);
    store(r + (size_t)3 * word, word, splice->old_target);
    store(r + (size_t)4 * word, word, splice->new_target);
    r += (size_t)5 * word;
    r[0] = HP_PAYLOAD_SPLICE_VERSION;
    r[1] = splice->kind;
    r[2] = splice->size;
    memcpy(r + 8, splice->old_bytes, sizeof(splice->old_bytes));
    memcpy(r + 8 + HP_PAYLOAD_SPLICE_MAX, splice->new_bytes, sizeof(splice->new_bytes));
    put_string(p, p->splices, offset, splice->name);
    put_string(p, p->splices, offset + (uint64_t)2 * word, splice->old_name);
    if (splice->new_symbol != 0) {
        put_address(p, p->splices, offset + (uint64_t)4 * word, splice->new_symbol,
                    splice->new_addend);
    }
    return p->splice_count++;
}

uint32_t eb_payload_function(struct eb_payload *p, const char *old_name, uint32_t old_size)
{
    /* mov eax, 42; ret; traps up to 16 bytes */
    static const uint8_t code[16] = {0xb8, 0x2a, 0,    0,    0,    0xc3, 0xcc, 0xcc,
                                     0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc};
    struct eb_record record = {.name = old_name, .new_size = sizeof(code), .old_size = old_size};
    struct bytes name = {0};
    uint64_t at;

    grow(&name, "new_", 4);
    grow(&name, old_name, strlen(old_name) + 1);
    at = eb_append(p->b, p->text, 16, code, sizeof(code));
    record.new_symbol = eb_symbol(p->b, (const char *)name.data, HP_STB_GLOBAL, HP_STT_FUNC,
                                  p->text, at, sizeof(code));
    drop(&name);
    if (!p->text_only) {
        eb_payload_record(p, &record);
    }
    return record.new_symbol;
}

uint32_t eb_payload_hook(struct eb_payload *p, enum hp_special which, uint32_t symbol)
{
    const uint32_t section = eb_section(p->b, hp_special_name(which), HP_SHT_PROGBITS, HP_SHF_ALLOC,
                                        p->word, NULL, p->word);

    put_address(p, section, 0, symbol, 0);
    return section;
}

uint32_t eb_payload_table(struct eb_payload *p, enum hp_special which)
{
    const bool is_code = which == HP_SPECIAL_ALTINSTR_REPLACEMENT;

    if (p->tables[which] == 0) {
        p->tables[which] =
            eb_section(p->b, hp_special_name(which), HP_SHT_PROGBITS,
                       HP_SHF_ALLOC | (is_code ? (uint64_t)HP_SHF_EXECINSTR : 0), 4, NULL, 0);
    }
    return p->tables[which];
}

void eb_payload_self(struct eb_payload *p, enum hp_special which, uint32_t section, int64_t offset,
                     uint32_t extra)
{
    const uint32_t table = eb_payload_table(p, which);
    const uint64_t at = eb_append(p->b, table, 1, NULL, 4);

    check(p->self_type != 0);
    eb_rela(p->b, table, at, p->self_type, eb_section_symbol(p->b, section),
            offset + (int32_t)extra);
}

void eb_payload_alternative(struct eb_payload *p, const struct eb_alternative *alt)
{
    const uint32_t replacement = eb_payload_table(p, HP_SPECIAL_ALTINSTR_REPLACEMENT);
    const uint32_t table = eb_payload_table(p, HP_SPECIAL_ALTINSTRUCTIONS);
    uint8_t tail[6] = {(uint8_t)alt->feature,
                       (uint8_t)(alt->feature >> 8),
                       alt->site_size,
                       alt->size,
                       alt->pad,
                       0};

    eb_payload_self(p, HP_SPECIAL_ALTINSTRUCTIONS, p->text, alt->site, 0);
    eb_payload_self(p, HP_SPECIAL_ALTINSTRUCTIONS, replacement, alt->replacement, 0);
    (void)eb_append(p->b, table, 1, tail, p->self_type == 2 ? 6 : 4);
}

uint8_t *eb_payload_finish(struct eb_payload *p, size_t *size)
{
    uint8_t *file = eb_finish(p->b, size);

    eb_free(p->b);
    memset(p, 0, sizeof(*p));
    return file;
}

uint8_t *eb_minimal(bool is64, uint16_t machine, size_t *size)
{
    struct eb_payload p = eb_payload_new(is64, machine, NULL);

    eb_payload_function(&p, "target_function", 64);
    return eb_payload_finish(&p, size);
}

/* Where a field lies in its structure, by class. */
struct field {
    uint8_t offset32, width32, offset64, width64;
};

static const struct field header_fields[] = {
    [EB_EH_CLASS] = {4, 1, 4, 1},         [EB_EH_DATA] = {5, 1, 5, 1},
    [EB_EH_IDENT_VERSION] = {6, 1, 6, 1}, [EB_EH_OSABI] = {7, 1, 7, 1},
    [EB_EH_ABIVERSION] = {8, 1, 8, 1},    [EB_EH_TYPE] = {16, 2, 16, 2},
    [EB_EH_MACHINE] = {18, 2, 18, 2},     [EB_EH_VERSION] = {20, 4, 20, 4},
    [EB_EH_SHOFF] = {32, 4, 40, 8},       [EB_EH_FLAGS] = {36, 4, 48, 4},
    [EB_EH_PHNUM] = {44, 2, 56, 2},       [EB_EH_SHENTSIZE] = {46, 2, 58, 2},
    [EB_EH_SHNUM] = {48, 2, 60, 2},       [EB_EH_SHSTRNDX] = {50, 2, 62, 2},
};

static const struct field section_fields[] = {
    [EB_SH_NAME] = {0, 4, 0, 4},     [EB_SH_TYPE] = {4, 4, 4, 4},
    [EB_SH_FLAGS] = {8, 4, 8, 8},    [EB_SH_ADDR] = {12, 4, 16, 8},
    [EB_SH_OFFSET] = {16, 4, 24, 8}, [EB_SH_SIZE] = {20, 4, 32, 8},
    [EB_SH_LINK] = {24, 4, 40, 4},   [EB_SH_INFO] = {28, 4, 44, 4},
    [EB_SH_ALIGN] = {32, 4, 48, 8},  [EB_SH_ENTSIZE] = {36, 4, 56, 8},
};

static const struct field symbol_fields[] = {
    [EB_ST_NAME] = {0, 4, 0, 4},   [EB_ST_INFO] = {12, 1, 4, 1}, [EB_ST_OTHER] = {13, 1, 5, 1},
    [EB_ST_SHNDX] = {14, 2, 6, 2}, [EB_ST_VALUE] = {4, 4, 8, 8}, [EB_ST_SIZE] = {8, 4, 16, 8},
};

static const struct field reloc_fields[] = {
    [EB_R_OFFSET] = {0, 4, 0, 8},
    [EB_R_INFO] = {4, 4, 8, 8},
    [EB_R_ADDEND] = {8, 4, 16, 8},
};

static bool file_is64(const uint8_t *file)
{
    return file[4] == 2;
}

static void set_field(uint8_t *file, uint64_t at, struct field f, uint64_t value)
{
    const bool is64 = file_is64(file);

    store(file + at + (is64 ? f.offset64 : f.offset32), is64 ? f.width64 : f.width32, value);
}

static uint64_t get_field(const uint8_t *file, uint64_t at, struct field f)
{
    const bool is64 = file_is64(file);

    return load(file + at + (is64 ? f.offset64 : f.offset32), is64 ? f.width64 : f.width32);
}

void eb_set_header(uint8_t *file, enum eb_header_field field, uint64_t value)
{
    set_field(file, 0, header_fields[field], value);
}

uint64_t eb_get_header(const uint8_t *file, enum eb_header_field field)
{
    return get_field(file, 0, header_fields[field]);
}

static uint64_t section_header(const uint8_t *file, uint32_t section)
{
    return eb_get_header(file, EB_EH_SHOFF) +
           (uint64_t)section * eb_get_header(file, EB_EH_SHENTSIZE);
}

void eb_set_section(uint8_t *file, uint32_t section, enum eb_section_field field, uint64_t value)
{
    set_field(file, section_header(file, section), section_fields[field], value);
}

uint64_t eb_get_section(const uint8_t *file, uint32_t section, enum eb_section_field field)
{
    return get_field(file, section_header(file, section), section_fields[field]);
}

uint32_t eb_section_count(const uint8_t *file)
{
    const uint64_t count = eb_get_header(file, EB_EH_SHNUM);

    return (uint32_t)(count != 0 ? count : eb_get_section(file, 0, EB_SH_SIZE));
}

/* The first section of a type; the program ends when there is none. */
static uint32_t find_type(const uint8_t *file, uint32_t type)
{
    const uint32_t count = eb_section_count(file);
    uint32_t i;

    for (i = 1; i < count; i++) {
        if (eb_get_section(file, i, EB_SH_TYPE) == type) {
            break;
        }
    }
    check(i < count);
    return i;
}

static uint64_t symbol_entry(const uint8_t *file, uint32_t symbol)
{
    return eb_get_section(file, find_type(file, HP_SHT_SYMTAB), EB_SH_OFFSET) +
           (uint64_t)symbol * (file_is64(file) ? 24 : 16);
}

void eb_set_symbol(uint8_t *file, uint32_t symbol, enum eb_symbol_field field, uint64_t value)
{
    set_field(file, symbol_entry(file, symbol), symbol_fields[field], value);
}

uint64_t eb_get_symbol(const uint8_t *file, uint32_t symbol, enum eb_symbol_field field)
{
    return get_field(file, symbol_entry(file, symbol), symbol_fields[field]);
}

static uint64_t reloc_entry(const uint8_t *file, uint32_t section, uint32_t index)
{
    const uint32_t type = (uint32_t)eb_get_section(file, section, EB_SH_TYPE);

    return eb_get_section(file, section, EB_SH_OFFSET) +
           (uint64_t)index * reloc_entsize(file_is64(file), type);
}

void eb_set_reloc(uint8_t *file, uint32_t section, uint32_t index, enum eb_reloc_field field,
                  uint64_t value)
{
    set_field(file, reloc_entry(file, section, index), reloc_fields[field], value);
}

uint64_t eb_get_reloc(const uint8_t *file, uint32_t section, uint32_t index,
                      enum eb_reloc_field field)
{
    return get_field(file, reloc_entry(file, section, index), reloc_fields[field]);
}

uint8_t *eb_contents(uint8_t *file, uint32_t section)
{
    return file + eb_get_section(file, section, EB_SH_OFFSET);
}

uint32_t eb_find(const uint8_t *file, const char *name)
{
    const uint64_t direct = eb_get_header(file, EB_EH_SHSTRNDX);
    const uint32_t shstr =
        (uint32_t)(direct != SHN_XINDEX ? direct : eb_get_section(file, 0, EB_SH_LINK));
    const char *names = (const char *)file + eb_get_section(file, shstr, EB_SH_OFFSET);
    const uint32_t count = eb_section_count(file);
    uint32_t i;

    for (i = 1; i < count; i++) {
        if (strcmp(names + eb_get_section(file, i, EB_SH_NAME), name) == 0) {
            return i;
        }
    }
    return 0;
}

uint32_t eb_find_symbol(const uint8_t *file, const char *name)
{
    const uint32_t symtab = find_type(file, HP_SHT_SYMTAB);
    const uint32_t strtab = (uint32_t)eb_get_section(file, symtab, EB_SH_LINK);
    const char *names = (const char *)file + eb_get_section(file, strtab, EB_SH_OFFSET);
    const uint64_t count = eb_get_section(file, symtab, EB_SH_SIZE) / (file_is64(file) ? 24 : 16);
    uint32_t i;

    for (i = 1; i < count; i++) {
        if (strcmp(names + eb_get_symbol(file, i, EB_ST_NAME), name) == 0) {
            return i;
        }
    }
    return 0;
}
