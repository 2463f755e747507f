/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads the target's symbols from its image. */
#include <stdlib.h>
#include <string.h>

#include <gelf.h>

#include "arch/arch.h"
#include "base/diag.h"
#include "base/span.h"
#include "internal.h"

/*
 * Bytes that all names together may take, here and in the image when each is counted as often as it
 * is used. Names can be shared and a file's is repeated for each of its symbols, so a small image
 * could otherwise cost any amount of memory and time; those of Xen take a fifth of a megabyte.
 */
#define NAMES_MAX (UINT32_C(256) << 20)

/* By this rank: a function before an object before a label, then global before weak before local.
 */
#define RANK_KIND 3

static const char *const mark_names[HP_HOST_MARK_COUNT] = {
    [HP_HOST_ALT_START] = "__alt_instructions",
    [HP_HOST_ALT_END] = "__alt_instructions_end",
    [HP_HOST_SEAL_START] = "__initdata_cf_clobber_start",
    [HP_HOST_SEAL_END] = "__initdata_cf_clobber_end",
    [HP_HOST_CONST_START] = "_srodata",
    [HP_HOST_CONST_FIXED] = "__ro_after_init_end",
    [HP_HOST_CONST_END] = "_erodata",
    [HP_HOST_EX_TABLE] = "__start___ex_table",
    [HP_HOST_BUG_FRAMES] = "__start_bug_frames",
    [HP_HOST_ALT_CALLS] = "__alt_call_sites_start",
    [HP_HOST_RETURN_THUNK] = "__x86_return_thunk",
};

/* A walk over the symbol table. */
struct scan {
    struct hp_host_reader *reader;
    Elf_Data *symbols;
    Elf_Data *xindex; /* SHT_SYMTAB_SHNDX; NULL when there is none */
    struct hp_host_strings strings;
    size_t count;     /* entries */
    size_t next;      /* of them, the one to look at next */
    const char *file; /* the STT_FILE symbol passed last; NULL before the first */
    size_t file_length;
    uint64_t names; /* bytes of names measured, against NAMES_MAX */
};

/* A symbol that is of use to us. */
struct found {
    uint64_t addr;
    uint64_t size;
    const char *name;
    const char *file; /* file-scoped: of this file; NULL: found by its plain name */
    size_t name_length;
    size_t file_length;
    uint32_t section; /* index in hp_port.sections; HP_HOST_NONE for an absolute symbol */
    uint32_t rank;
    enum hp_symbol_kind kind;
    bool by_name;    /* can be looked up by its name */
    bool by_address; /* has a place in memory */
};

/* Finds the symbol table and what belongs to it. */
static enum hp_status find_tables(struct scan *scan)
{
    const struct hp_host_reader *reader = scan->reader;
    Elf_Scn *scn = NULL;
    Elf_Scn *symtab = NULL;
    Elf_Scn *xindex = NULL;
    bool has_dynsym = false;
    GElf_Shdr shdr;
    GElf_Shdr table = {0};

    while ((scn = elf_nextscn(reader->elf, scn)) != NULL) {
        if (gelf_getshdr(scn, &shdr) == NULL) {
            return hp_host_refuse(reader->diag, "section header: %s", elf_errmsg(-1));
        }
        has_dynsym = has_dynsym || shdr.sh_type == SHT_DYNSYM;
        if (shdr.sh_type != SHT_SYMTAB) {
            continue;
        }
        if (symtab != NULL) {
            return hp_host_refuse(reader->diag, "several symbol tables");
        }
        symtab = scn;
        table = shdr;
    }
    if (symtab == NULL) {
        return hp_host_refuse(reader->diag, has_dynsym
                                                ? "stripped (only dynamic symbols are left): give "
                                                  "the unstripped image"
                                                : "no symbol table");
    }
    if (table.sh_entsize != gelf_fsize(reader->elf, ELF_T_SYM, 1, EV_CURRENT) ||
        table.sh_size % table.sh_entsize != 0) {
        return hp_host_refuse(reader->diag, "symbol table: wrong size of an entry");
    }
    scan->symbols = elf_getdata(symtab, NULL);
    if (scan->symbols == NULL || scan->symbols->d_size != table.sh_size) {
        return hp_host_refuse(reader->diag, "symbol table: %s", elf_errmsg(-1));
    }
    scan->count = (size_t)(table.sh_size / table.sh_entsize);
    while ((xindex = elf_nextscn(reader->elf, xindex)) != NULL) {
        if (gelf_getshdr(xindex, &shdr) != NULL && shdr.sh_type == SHT_SYMTAB_SHNDX &&
            shdr.sh_link == elf_ndxscn(symtab)) {
            scan->xindex = elf_getdata(xindex, NULL);
        }
    }
    return hp_host_read_strings(reader, table.sh_link, &scan->strings);
}

/* Names that mark code and data inside sections, and name nothing. */
static bool is_marker(uint16_t machine, const char *name)
{
    const struct hp_arch *arch = hp_arch_find(machine);

    return arch != NULL && arch->is_marker != NULL && arch->is_marker(name, strlen(name));
}

static enum hp_symbol_kind kind_of(unsigned type)
{
    switch (type) {
    case STT_FUNC:
    case STT_GNU_IFUNC:
        return HP_KIND_CODE;
    case STT_OBJECT:
    case STT_COMMON:
        return HP_KIND_DATA;
    default:
        return HP_KIND_UNKNOWN;
    }
}

/* Sets *section for a section index; false when symbols there are not for us. */
static bool find_section(const struct scan *scan, const GElf_Sym *sym, uint32_t xindex,
                         uint32_t *section)
{
    const struct hp_host_reader *reader = scan->reader;
    uint32_t index = sym->st_shndx == SHN_XINDEX ? xindex : sym->st_shndx;

    *section = HP_HOST_NONE;
    if (sym->st_shndx == SHN_ABS) {
        return true;
    }
    if (sym->st_shndx == SHN_UNDEF || index >= reader->shnum ||
        (sym->st_shndx >= SHN_LORESERVE && sym->st_shndx != SHN_XINDEX)) {
        return false;
    }
    *section = reader->section_of[index];
    return *section != HP_HOST_NONE;
}

/*
 * Decides by which name the symbol is found. A local symbol belongs to the file named before it.
 * The linker itself, however, puts an unnamed file symbol in front of the global symbols that it
 * made local because they are hidden; their names are unique in the image, as those of global ones.
 */
static void set_scope(const struct scan *scan, unsigned bind, unsigned type, struct found *found)
{
    found->file = NULL;
    found->file_length = 0;
    found->by_name = true;
    if (bind == STB_LOCAL) {
        if (scan->file == NULL) {
            found->by_name = false;
        } else if (scan->file[0] != '\0') {
            found->file = scan->file;
            found->file_length = scan->file_length;
        }
    }
    /* With a '#' it could pass for a file-scoped one; an indirect function is not at its address.
     */
    if (memchr(found->name, '#', found->name_length) != NULL || type == STT_GNU_IFUNC) {
        found->by_name = false;
    }
}

/* Fills *found and returns true, or returns false for a symbol that is of no use. */
static bool take_symbol(struct scan *scan, const GElf_Sym *sym, uint32_t xindex,
                        struct found *found)
{
    const struct hp_port *port = scan->reader->port;
    const char *name = scan->strings.bytes + sym->st_name;
    unsigned type = GELF_ST_TYPE(sym->st_info);
    unsigned bind = GELF_ST_BIND(sym->st_info);

    if (type == STT_FILE) {
        scan->file = name;
        scan->file_length = strlen(name);
        scan->names += scan->file_length;
        return false;
    }
    if (type == STT_SECTION || type == STT_TLS || name[0] == '\0' ||
        is_marker(port->target.machine, name) ||
        !find_section(scan, sym, xindex, &found->section)) {
        return false;
    }
    found->addr = sym->st_value + (found->section == HP_HOST_NONE ? 0 : port->bias);
    found->size = sym->st_size;
    found->name = name;
    found->name_length = strlen(name);
    scan->names += found->name_length;
    found->kind = kind_of(type);
    found->rank = found->kind == HP_KIND_CODE   ? 2 * RANK_KIND
                  : found->kind == HP_KIND_DATA ? RANK_KIND
                                                : 0;
    found->rank += bind == STB_LOCAL ? 0 : bind == STB_WEAK ? 1 : 2;
    set_scope(scan, bind, type, found);
    found->by_address = false;
    if (found->section != HP_HOST_NONE) {
        const struct hp_host_section *section = &port->sections[found->section];

        found->by_address =
            found->addr >= section->addr && found->addr - section->addr < section->size;
    }
    return true;
}

/* Goes on to the next symbol of use; *more is false at the end. */
static enum hp_status next_symbol(struct scan *scan, struct found *found, bool *more)
{
    struct hp_diag *diag = scan->reader->diag;
    GElf_Sym sym;

    *more = false;
    while (scan->next < scan->count) {
        size_t i = scan->next++;
        Elf32_Word xindex = 0;

        if (gelf_getsymshndx(scan->symbols, scan->xindex, (int)i, &sym, &xindex) == NULL) {
            return hp_host_refuse(diag, "symbol %zu: %s", i, elf_errmsg(-1));
        }
        if (sym.st_name >= scan->strings.size) {
            return hp_host_refuse(diag, "symbol %zu: name outside its table", i);
        }
        if (sym.st_shndx == SHN_XINDEX && scan->xindex == NULL) {
            return hp_host_refuse(diag, "symbol %zu: no section index table", i);
        }
        if (scan->names > NAMES_MAX) {
            return hp_host_refuse(diag, "the names of symbols and files are too long");
        }
        if (take_symbol(scan, &sym, xindex, found)) {
            if (found->by_address && found->size > scan->reader->port->last_addr - found->addr) {
                return hp_host_refuse(diag, "symbol %zu: addresses wrap around", i);
            }
            *more = true;
            return HP_OK;
        }
    }
    return HP_OK;
}

/* True for a symbol that a running target still has. */
static bool stays(const struct scan *scan, const struct found *found)
{
    return found->section == HP_HOST_NONE ||
           !scan->reader->port->sections[found->section].discarded;
}

static uint32_t blob_size(const struct found *found)
{
    size_t size = found->name_length + 1;

    if (found->file != NULL) {
        size += found->file_length + 1;
    }
    return size > NAMES_MAX ? NAMES_MAX + 1 : (uint32_t)size;
}

/* First pass: counts, and remembers the symbols that delimit tables. */
static enum hp_status count_symbols(struct scan *scan, uint32_t *names_size)
{
    struct hp_host_reader *reader = scan->reader;
    struct hp_port *port = reader->port;
    struct found found;
    bool more;

    *names_size = 0;
    for (;;) {
        enum hp_status status = next_symbol(scan, &found, &more);
        uint32_t size;
        int mark;

        if (status || !more) {
            return status;
        }
        for (mark = 0; mark < HP_HOST_MARK_COUNT; mark++) {
            if (found.by_name && found.file == NULL && strcmp(found.name, mark_names[mark]) == 0) {
                reader->has_mark[mark] = true;
                reader->mark[mark] = found.addr;
            }
        }
        if (!stays(scan, &found)) {
            continue;
        }
        size = blob_size(&found);
        if (size > NAMES_MAX - *names_size) {
            return hp_host_refuse(reader->diag, "the names of symbols and files are too long");
        }
        *names_size += size;
        port->by_name.count += found.by_name ? 1 : 0;
        port->symbol_count += found.by_address ? 1 : 0;
    }
}

static enum hp_status allocate(const struct scan *scan, uint32_t names_size)
{
    struct hp_port *port = scan->reader->port;
    uint32_t symbols = port->symbol_count;

    port->by_name.bucket_count = hp_symtab_bucket_count(port->by_name.count);
    port->names = malloc((size_t)names_size + 1);
    port->by_name.entries = calloc((size_t)port->by_name.count + 1, sizeof(*port->by_name.entries));
    port->by_name.slots = calloc((size_t)port->by_name.count + 1, sizeof(*port->by_name.slots));
    port->by_name.buckets =
        calloc((size_t)port->by_name.bucket_count + 1, sizeof(*port->by_name.buckets));
    port->symbols = calloc((size_t)symbols + 1, sizeof(*port->symbols));
    /* A symbol begins and ends at most one segment each, a section ends at most one. */
    port->segments = calloc(2 * (size_t)symbols + port->section_count + 1, sizeof(*port->segments));
    if (port->names == NULL || port->by_name.entries == NULL || port->by_name.slots == NULL ||
        port->by_name.buckets == NULL || port->symbols == NULL || port->segments == NULL) {
        return hp_fail(scan->reader->diag, HP_STAGE_CALL, HP_NO_MEMORY);
    }
    port->by_name.names = port->names;
    return HP_OK;
}

/* Second pass: the same symbols again, this time to be kept. */
static enum hp_status copy_symbols(struct scan *scan)
{
    struct hp_port *port = scan->reader->port;
    struct hp_symtab_entry *entry = port->by_name.entries;
    struct hp_host_symbol *symbol = port->symbols;
    struct found found;
    uint32_t pos = 0;
    bool more;

    for (;;) {
        enum hp_status status = next_symbol(scan, &found, &more);
        uint32_t start = pos;

        if (status || !more) {
            return status;
        }
        if (!stays(scan, &found)) {
            continue;
        }
        if (found.file != NULL) {
            memcpy(port->names + pos, found.file, found.file_length);
            pos += (uint32_t)found.file_length;
            port->names[pos++] = '#';
        }
        memcpy(port->names + pos, found.name, found.name_length + 1);
        if (found.by_address) {
            symbol->addr = found.addr;
            symbol->size = found.size;
            symbol->name = pos;
            symbol->kind = found.kind;
            symbol->rank = found.rank;
            symbol++;
        }
        pos += (uint32_t)found.name_length;
        if (found.by_name) {
            entry->addr = found.addr;
            entry->size = found.size;
            entry->name = start;
            entry->length = pos - start;
            entry->kind = (uint16_t)found.kind;
            entry++;
        }
        pos++;
    }
}

enum hp_status hp_host_read_symbols(struct hp_host_reader *reader)
{
    struct scan scan = {.reader = reader};
    uint32_t names_size;
    enum hp_status status;

    status = find_tables(&scan);
    if (status) {
        return status;
    }
    status = count_symbols(&scan, &names_size);
    if (status) {
        return status;
    }
    status = allocate(&scan, names_size);
    if (status) {
        return status;
    }
    scan.next = 0;
    scan.file = NULL;
    scan.names = 0;
    status = copy_symbols(&scan);
    if (status) {
        return status;
    }
    hp_symtab_build(&reader->port->by_name);
    return hp_host_build_segments(reader);
}
