/* SPDX-License-Identifier: BSD-2-Clause */
/* hotpatch inspect: shows what a payload holds. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "inspect.h"

/* ---- finding out ---------------------------------------------------------------------------- */

static int compare_types(const void *left, const void *right)
{
    const uint32_t *a = left;
    const uint32_t *b = right;

    return *a < *b ? -1 : *a > *b;
}

size_t inspect_tally(const struct hp_elf *elf, const struct hp_section *section,
                     struct tally **tallies)
{
    uint32_t count = hp_elf_reloc_count(elf, section);
    uint32_t *types = tool_alloc(count, sizeof(types[0]));
    struct tally *list = tool_alloc(count, sizeof(list[0]));
    size_t used = 0;
    uint32_t i;

    for (i = 0; i < count; i++) {
        struct hp_reloc reloc;

        if (hp_elf_reloc(elf, section, i, &reloc) == HP_OK) {
            types[i] = reloc.type;
        }
    }
    qsort(types, count, sizeof(types[0]), compare_types);
    for (i = 0; i < count; i++) {
        if (used == 0 || list[used - 1].type != types[i]) {
            list[used].type = types[i];
            used++;
        }
        list[used - 1].count++;
    }
    free(types);
    *tallies = list;
    return used;
}

enum signature inspect_signature(const struct inspection *in, size_t *trailing)
{
    *trailing = in->loaded.file.size - in->loaded.elf.file.size;
    if (*trailing == 0 || in->diag.status == HP_TRAILING_BYTES) {
        return SIGNATURE_NONE;
    }
    if (in->trailer.format != HP_SIGNATURE_NONE && in->trailer_status == HP_OK) {
        return SIGNATURE_PRESENT;
    }
    return SIGNATURE_UNKNOWN;
}

bool inspect_provides(const struct inspection *in, const struct hp_symbol *symbol)
{
    const struct hp_symtab *provided = &in->loaded.payload.provided;

    if (symbol->place == HP_PLACE_UNDEFINED || symbol->bind == HP_STB_LOCAL ||
        symbol->name[0] == '\0') {
        return false;
    }
    return !in->is_loaded ||
           hp_symtab_find(provided, symbol->name, strlen(symbol->name), NULL) != NULL;
}

bool inspect_needs(const struct inspection *in, const struct hp_symbol *symbol)
{
    return symbol->place == HP_PLACE_UNDEFINED && symbol->name[0] != '\0' &&
           (in->loaded.payload.image.got_count == 0 || strcmp(symbol->name, GOT_SYMBOL) != 0);
}

uint64_t inspect_hook(const struct inspection *in, unsigned kind, uint32_t index)
{
    const struct hp_payload *payload = &in->loaded.payload;
    size_t word = in->loaded.elf.is64 ? 8 : 4;
    const uint8_t *at = payload->image.memory.host + payload->hooks[kind].offset + index * word;
    uint64_t addr = 0;

    while (word > 0) {
        word--;
        addr = (addr << 8) | at[word];
    }
    return addr;
}

uint32_t inspect_table(const struct inspection *in, unsigned table, const char **name)
{
    const struct hp_payload *payload = &in->loaded.payload;
    enum hp_special which;
    uint32_t count;

    switch (table) {
    case 0:
        which = HP_SPECIAL_ALTINSTRUCTIONS;
        count = payload->alternatives.count;
        break;
    case 1:
        which = HP_SPECIAL_ALT_CALL_SITES;
        count = payload->alt_calls.count;
        break;
    case 2:
        which = HP_SPECIAL_EX_TABLE;
        count = payload->ex_table.count;
        break;
    default:
        which = (enum hp_special)(HP_SPECIAL_BUG_FRAMES_0 + (table - 3));
        count = payload->bug_frames[table - 3].count;
        break;
    }
    *name = hp_special_name(which);
    return count;
}

struct place inspect_place(const struct inspection *in, uint64_t addr)
{
    const struct stack alone = {.port = in->port};

    return place_find(&alone, &in->loaded, addr);
}

const char *inspect_region(const struct inspection *in, uint32_t section)
{
    static const char *const names[HP_REGION_COUNT] = {"text", "data", "rodata"};

    if (!in->is_loaded || in->places[section] == NULL) {
        return NULL;
    }
    return names[in->places[section]->region];
}

void inspect_split(struct hp_span entry, struct hp_span *key, struct hp_span *value)
{
    const uint8_t *equals = memchr(entry.data, '=', entry.size);

    *key = entry;
    value->data = NULL;
    value->size = 0;
    if (equals != NULL) {
        key->size = (size_t)(equals - entry.data);
        value->data = equals + 1;
        value->size = entry.size - key->size - 1;
    }
}

/* ---- showing -------------------------------------------------------------------------------- */

static void print_ids(const struct hp_elf *elf)
{
    static const struct {
        enum hp_special which;
        const char *name;
    } ids[] = {
        {HP_SPECIAL_BUILD_ID, "build-id"},
        {HP_SPECIAL_DEPENDS, "depends"},
        {HP_SPECIAL_XEN_DEPENDS, "xen_depends"},
    };
    size_t i;

    for (i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        struct hp_span id;
        enum hp_status status = hp_elf_build_id(elf, ids[i].which, &id, NULL);

        printf("%-12s ", ids[i].name);
        if (status) {
            printf("malformed");
        } else if (id.size == 0) {
            printf("none");
        }
        print_hex(stdout, id.data, id.size, "");
        putchar('\n');
    }
}

static void print_header(const struct inspection *in)
{
    static const char *const signatures[] = {
        [SIGNATURE_NONE] = "none",
        [SIGNATURE_PRESENT] = "present, not verified",
        [SIGNATURE_UNKNOWN] = "not known",
    };
    const struct hp_elf *elf = &in->loaded.elf;
    char machine[NUMBER_MAX];
    char osabi[NUMBER_MAX];
    size_t trailing;
    enum signature signature = inspect_signature(in, &trailing);

    printf("class        ELF%d\n", elf->is64 ? 64 : 32);
    printf("machine      %s\n", machine_name(elf->machine, machine));
    printf("OSABI        %s\n", osabi_name(elf->osabi, osabi));
    print_ids(elf);
    if (signature == SIGNATURE_PRESENT && trust_ring(&in->trust) != NULL) {
        printf("signature    present, %s", in->result.status ? "refused" : "verified");
    } else {
        printf("signature    %s", signatures[signature]);
    }
    if (trailing != 0) {
        printf(" (%zu bytes follow the ELF file)", trailing);
    }
    putchar('\n');
    inspect_print_signer(in);
    if (in->is_loaded) {
        const struct hp_payload *payload = &in->loaded.payload;

        printf("reapply      %s\n", payload->safe_to_reapply ? "yes" : "no");
        printf("image size   %zu\n", payload->image.memory.size);
    }
}

/* Prints the heading of a list before its first line only: empty lists are not shown. */
static void print_heading(bool *is_first, const char *heading)
{
    if (*is_first) {
        printf("\n%s\n", heading);
    }
    *is_first = false;
}

static void print_record(const struct inspection *in, uint32_t index)
{
    const struct hp_record *record = &in->loaded.payload.records[index];

    printf("  %-3" PRIu32 " ", index);
    if (record->name != NULL) {
        print_name(stdout, record->name, 0);
    }
    if (record->name == NULL || !record->undecided) {
        printf("%s0x%" PRIx64, record->name != NULL ? " at " : "", record->old_addr);
    }
    if (record->new_addr == 0) {
        printf(": nop");
    } else {
        struct place place = inspect_place(in, record->new_addr);

        printf(": replace by ");
        print_place(stdout, &place);
    }
    printf(", old_size %" PRIu32 ", new_size %" PRIu32 ", version %u", record->old_size,
           record->new_size, record->version);
    if (record->expect_len != 0) {
        printf(", expects ");
        print_hex(stdout, record->expect, record->expect_len, " ");
    }
    putchar('\n');
}

static void print_records_splices_and_hooks(const struct inspection *in)
{
    const struct hp_payload *payload = &in->loaded.payload;
    bool is_first = true;
    unsigned kind;
    uint32_t i;

    for (i = 0; i < payload->record_count; i++) {
        print_heading(&is_first, "records");
        print_record(in, i);
    }
    is_first = true;
    for (i = 0; i < payload->splice_count; i++) {
        print_heading(&is_first, "splices");
        inspect_print_splice(in, i);
    }
    is_first = true;
    for (kind = 0; kind <= HP_HOOK_LAST - HP_HOOK_FIRST; kind++) {
        for (i = 0; i < payload->hooks[kind].count; i++) {
            const char *name = hp_special_name((enum hp_special)(HP_HOOK_FIRST + kind));
            struct place place = inspect_place(in, inspect_hook(in, kind, i));

            print_heading(&is_first, "hooks");
            printf("  %-10s ", name + strlen(HOOK_PREFIX));
            print_place(stdout, &place);
            putchar('\n');
        }
    }
}

static void print_tables(const struct inspection *in)
{
    bool is_first = true;
    unsigned i;

    for (i = 0; i < INSPECT_TABLES; i++) {
        const char *name;
        uint32_t count = inspect_table(in, i, &name);

        if (count > 0) {
            print_heading(&is_first, "tables");
            printf("  %-24s %" PRIu32 "\n", name, count);
        }
    }
}

static void print_symbols(const struct inspection *in)
{
    const struct hp_elf *elf = &in->loaded.elf;
    struct hp_symbol symbol;
    bool is_first = true;
    uint32_t i;

    for (i = 1; i < elf->symbol_count; i++) {
        if (hp_elf_symbol(elf, i, &symbol, NULL) == HP_OK && inspect_provides(in, &symbol)) {
            print_heading(&is_first, in->is_loaded ? "provides" : "provides (every global symbol)");
            printf("  ");
            print_name(stdout, symbol.name, 0);
            putchar('\n');
        }
    }
    is_first = true;
    for (i = 1; i < elf->symbol_count; i++) {
        if (hp_elf_symbol(elf, i, &symbol, NULL) == HP_OK && inspect_needs(in, &symbol)) {
            print_heading(&is_first, "needs");
            printf("  ");
            print_name(stdout, symbol.name, 0);
            puts(symbol.bind == HP_STB_WEAK ? " (weak)" : "");
        }
    }
}

static void print_relocations(const struct hp_elf *elf)
{
    bool is_first = true;
    uint32_t i;

    for (i = 1; i < elf->shnum; i++) {
        struct hp_section section;
        struct hp_section target;
        struct tally *tallies;
        size_t count;
        size_t t;

        if (hp_elf_section(elf, i, &section) != HP_OK || hp_elf_reloc_count(elf, &section) == 0 ||
            hp_elf_section(elf, section.info, &target) != HP_OK) {
            continue;
        }
        count = inspect_tally(elf, &section, &tallies);
        for (t = 0; t < count; t++) {
            char buf[NUMBER_MAX];

            print_heading(&is_first, "relocations");
            printf("  ");
            print_name(stdout, target.name, 24);
            printf(" %-24s %" PRIu32 "\n", reloc_name(elf->machine, tallies[t].type, buf),
                   tallies[t].count);
        }
        free(tallies);
    }
}

static void print_sections(const struct inspection *in)
{
    const struct hp_elf *elf = &in->loaded.elf;
    bool is_first = true;
    uint32_t i;

    for (i = 1; i < elf->shnum; i++) {
        struct hp_section section;
        const char *region = inspect_region(in, i);

        if (hp_elf_section(elf, i, &section) == HP_OK) {
            char type[NUMBER_MAX];
            char flags[NUMBER_MAX];

            print_heading(&is_first, "sections");
            printf("  %-3" PRIu32 " ", i);
            print_name(stdout, section.name, 24);
            printf(" %-12s %-3s size %" PRIu64 " align %" PRIu64 "%s%s\n",
                   section_type_name(section.type, type), section_flags(section.flags, flags),
                   section.size, section.align, region != NULL ? " in " : "",
                   region != NULL ? region : "");
        }
    }
}

static void print_metadata(const struct hp_elf *elf)
{
    struct hp_span entry;
    bool is_first = true;
    size_t pos = 0;

    while (hp_elf_modinfo_next(elf, &pos, &entry)) {
        char *shown = text_escape(entry.data, entry.size, TEXT_ALL);

        print_heading(&is_first, "metadata");
        printf("  %s\n", shown);
        free(shown);
    }
}

static void print_text(const struct inspection *in)
{
    char *shown;

    if (!in->has_view) {
        return;
    }
    shown = text_escape(in->loaded.path, strlen(in->loaded.path), TEXT_ALL);
    printf("file         %s\n", shown);
    free(shown);
    print_header(in);
    if (in->is_loaded) {
        print_records_splices_and_hooks(in);
        print_tables(in);
    }
    print_symbols(in);
    print_relocations(&in->loaded.elf);
    print_sections(in);
    print_metadata(&in->loaded.elf);
}

/* ---- the command ---------------------------------------------------------------------------- */

/* Gets as far with the payload as it goes. */
static enum hp_status examine(struct inspection *in)
{
    const struct hp_load_options load = {.size = sizeof(load), .allow_undecided = true};
    struct loaded *loaded = &in->loaded;
    enum hp_status status;

    hp_diag_init(&in->diag);
    status = view_open(&loaded->elf, &loaded->file, NULL, &in->diag);
    if (status) {
        return status;
    }
    in->has_view = true;
    status = hp_payload_load(&loaded->payload, in->port, loaded->file.data, loaded->file.size,
                             &load, &in->diag);
    if (status) {
        return status;
    }
    in->is_loaded = true;
    in->places = places_of(&loaded->elf, &loaded->payload.image);
    names_build(&loaded->names, &loaded->elf, &loaded->payload.image);
    hp_diag_init(&in->diag);
    return HP_OK;
}

/* Shows it, and what is wrong with it or its signature. */
static int inspect_file(struct inspection *in, const struct options *options)
{
    struct hp_diag signature;
    enum hp_status signed_status;
    enum hp_status status;

    hp_diag_init(&signature);
    signed_status = inspect_verify(in, &signature);
    status = examine(in);
    if (options->json) {
        inspect_print_json(in);
    } else {
        print_text(in);
    }
    fflush(stdout);
    if (status) {
        print_refusal(stderr, in->loaded.path, &in->diag, want_colour(stderr));
    } else if (signed_status) {
        print_refusal(stderr, in->loaded.path, &signature, want_colour(stderr));
    }
    return status || signed_status ? TOOL_REFUSED : TOOL_ACCEPTED;
}

int inspect_run(const struct options *options)
{
    struct inspection in = {0};
    int rc = trust_open(&in.trust, options);
    int err;

    if (rc != TOOL_ACCEPTED) {
        trust_close(&in.trust);
        return rc;
    }
    in.loaded.path = options->files[0];
    err = file_read(&in.loaded.file, in.loaded.path);
    if (err == 0 && hp_host_open(&in.port, NULL, NULL, NULL) != HP_OK) {
        err = ENOMEM;
    }
    if (err == 0) {
        rc = inspect_file(&in, options);
    } else {
        complain(in.loaded.path, strerror(err));
        rc = TOOL_TROUBLE;
    }
    free(in.places);
    loaded_free(&in.loaded);
    hp_host_close(in.port);
    trust_close(&in.trust);
    return rc;
}
