/* SPDX-License-Identifier: BSD-2-Clause */
/* The JSON form of `hotpatch inspect`: one object, documented in hotpatch(1). */
#include <stdlib.h>
#include <string.h>

#include "inspect.h"

static struct json_object *id_value(const struct hp_elf *elf, enum hp_special which)
{
    struct hp_span id;

    if (hp_elf_build_id(elf, which, &id, NULL) != HP_OK || id.size == 0) {
        return NULL;
    }
    return json_hex(id.data, id.size);
}

static void put_header(struct json_object *object, const struct inspection *in)
{
    const struct hp_elf *elf = &in->loaded.elf;
    char buf[NUMBER_MAX];
    size_t trailing;
    enum signature signature = inspect_signature(in, &trailing);

    json_put(object, "class", json_number(elf->is64 ? 64 : 32));
    json_put(object, "machine", json_text(machine_name(elf->machine, buf)));
    json_put(object, "osabi", json_text(osabi_name(elf->osabi, buf)));
    json_put(object, "build_id", id_value(elf, HP_SPECIAL_BUILD_ID));
    json_put(object, "depends", id_value(elf, HP_SPECIAL_DEPENDS));
    json_put(object, "xen_depends", id_value(elf, HP_SPECIAL_XEN_DEPENDS));
    json_put(object, "signature",
             signature == SIGNATURE_UNKNOWN ? NULL : json_flag(signature == SIGNATURE_PRESENT));
    json_put(object, "signed", inspect_signer_value(in));
    json_put(object, "trailing_bytes", json_number(trailing));
}

static struct json_object *place_value(const struct inspection *in, uint64_t addr)
{
    struct place place = inspect_place(in, addr);

    return place.name != NULL ? json_name(place.name) : NULL;
}

static struct json_object *record_value(const struct inspection *in, const struct hp_record *record)
{
    struct json_object *object = json_new();
    bool is_nop = record->new_addr == 0;

    json_put(object, "target", record->name != NULL ? json_name(record->name) : NULL);
    json_put(object, "old_addr", record->undecided ? NULL : json_address(record->old_addr));
    json_put(object, "kind", json_text(is_nop ? "nop" : "replace"));
    json_put(object, "new_function", is_nop ? NULL : place_value(in, record->new_addr));
    json_put(object, "old_size", json_number(record->old_size));
    json_put(object, "new_size", json_number(record->new_size));
    json_put(object, "version", json_number(record->version));
    json_put(object, "expect",
             record->expect_len != 0 ? json_hex(record->expect, record->expect_len) : NULL);
    return object;
}

static struct json_object *tables_value(const struct inspection *in)
{
    struct json_object *list = json_list();
    unsigned i;

    for (i = 0; i < INSPECT_TABLES; i++) {
        const char *name;
        uint32_t count = inspect_table(in, i, &name);

        if (count > 0) {
            struct json_object *table = json_new();

            json_put(table, "section", json_text(name));
            json_put(table, "entries", json_number(count));
            json_append(list, table);
        }
    }
    return list;
}

static void put_loaded(struct json_object *object, const struct inspection *in)
{
    const struct hp_payload *payload = &in->loaded.payload;
    struct json_object *records = json_list();
    struct json_object *hooks = json_list();
    unsigned kind;
    uint32_t i;

    for (i = 0; i < payload->record_count; i++) {
        json_append(records, record_value(in, &payload->records[i]));
    }
    for (kind = 0; kind <= HP_HOOK_LAST - HP_HOOK_FIRST; kind++) {
        const char *name = hp_special_name((enum hp_special)(HP_HOOK_FIRST + kind));

        for (i = 0; i < payload->hooks[kind].count; i++) {
            struct json_object *hook = json_new();

            json_put(hook, "kind", json_text(name + strlen(HOOK_PREFIX)));
            json_put(hook, "function", place_value(in, inspect_hook(in, kind, i)));
            json_append(hooks, hook);
        }
    }
    json_put(object, "safe_to_reapply", json_flag(payload->safe_to_reapply));
    json_put(object, "image_size", json_number(payload->image.memory.size));
    json_put(object, "records", records);
    json_put(object, "splices", inspect_splices_value(in));
    json_put(object, "hooks", hooks);
    json_put(object, "tables", tables_value(in));
}

static void put_symbols(struct json_object *object, const struct inspection *in)
{
    const struct hp_elf *elf = &in->loaded.elf;
    struct json_object *provides = json_list();
    struct json_object *needs = json_list();
    uint32_t i;

    for (i = 1; i < elf->symbol_count; i++) {
        struct hp_symbol symbol;

        if (hp_elf_symbol(elf, i, &symbol, NULL) != HP_OK) {
            continue;
        }
        if (inspect_provides(in, &symbol)) {
            json_append(provides, json_name(symbol.name));
        }
        if (inspect_needs(in, &symbol)) {
            struct json_object *need = json_new();

            json_put(need, "name", json_name(symbol.name));
            json_put(need, "weak", json_flag(symbol.bind == HP_STB_WEAK));
            json_append(needs, need);
        }
    }
    json_put(object, "provides", provides);
    json_put(object, "needs", needs);
}

static struct json_object *relocations_value(const struct hp_elf *elf)
{
    struct json_object *list = json_list();
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
            struct json_object *entry = json_new();
            char buf[NUMBER_MAX];

            json_put(entry, "section", json_name(target.name));
            json_put(entry, "type", json_text(reloc_name(elf->machine, tallies[t].type, buf)));
            json_put(entry, "count", json_number(tallies[t].count));
            json_append(list, entry);
        }
        free(tallies);
    }
    return list;
}

static struct json_object *sections_value(const struct inspection *in)
{
    const struct hp_elf *elf = &in->loaded.elf;
    struct json_object *list = json_list();
    uint32_t i;

    for (i = 1; i < elf->shnum; i++) {
        struct json_object *entry;
        struct hp_section section;
        const char *region = inspect_region(in, i);
        char buf[NUMBER_MAX];

        if (hp_elf_section(elf, i, &section) != HP_OK) {
            continue;
        }
        entry = json_new();
        json_put(entry, "index", json_number(i));
        json_put(entry, "name", json_name(section.name));
        json_put(entry, "type", json_text(section_type_name(section.type, buf)));
        json_put(entry, "flags", json_text(section_flags(section.flags, buf)));
        json_put(entry, "size", json_number(section.size));
        json_put(entry, "align", json_number(section.align));
        json_put(entry, "region", region != NULL ? json_text(region) : NULL);
        json_append(list, entry);
    }
    return list;
}

/* A list of pairs, not an object: a key may stand twice. */
static struct json_object *metadata_value(const struct hp_elf *elf)
{
    struct json_object *list = json_list();
    struct hp_span entry;
    size_t pos = 0;

    while (hp_elf_modinfo_next(elf, &pos, &entry)) {
        struct json_object *pair = json_new();
        struct hp_span key;
        struct hp_span value;

        inspect_split(entry, &key, &value);
        json_put(pair, "key", json_bytes_text(key.data, key.size));
        json_put(pair, "value",
                 value.data != NULL ? json_bytes_text(value.data, value.size) : NULL);
        json_append(list, pair);
    }
    return list;
}

void inspect_print_json(const struct inspection *in)
{
    struct json_object *object = json_new();
    char why[1024];

    (void)hp_diag_format(&in->diag, why, sizeof(why));
    json_put(object, "file", json_bytes_text(in->loaded.path, strlen(in->loaded.path)));
    json_put(object, "status", json_text(hp_status_name(in->diag.status)));
    json_put(object, "message", in->is_loaded ? NULL : json_text(why));
    if (in->has_view) {
        put_header(object, in);
        if (in->is_loaded) {
            put_loaded(object, in);
        }
        put_symbols(object, in);
        json_put(object, "relocations", relocations_value(&in->loaded.elf));
        json_put(object, "sections", sections_value(in));
        json_put(object, "metadata", metadata_value(&in->loaded.elf));
    }
    json_emit(object);
}
