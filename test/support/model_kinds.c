/* SPDX-License-Identifier: BSD-2-Clause */
/* The payloads of the model, and the target that they are made for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model_internal.h"

#define FUNCTION_SIZE 64u
#define CODE_SIZE     16u /* of what eb_payload_function() makes */
#define ID_SIZE       20u
#define PADDED        3u  /* the function with a landing pad */
#define CALL_OFFSET   32u /* in f4 */
#define CALL_SIZE     5u

static const char *const function_names[FUNCTIONS] = {"f0", "f1", "f2", "f3", "f4", "f5"};

uint64_t model_function(uint32_t function)
{
    return TP_TEXT + 0x2000 + (uint64_t)function * 0x100;
}

uint32_t model_pad(uint32_t function)
{
    return function == PADDED ? 4 : 0;
}

/* Build-id of a kind; of the target for NONE. */
static void fill_id(uint8_t id[ID_SIZE], uint8_t kind)
{
    size_t n;

    for (n = 0; n < ID_SIZE; n++) {
        id[n] = kind == NONE ? (uint8_t)(0xe0 + n) : (uint8_t)(0x10 + kind);
    }
}

static struct eb_payload start(struct kind *kind, uint8_t index, uint8_t depends)
{
    uint8_t own[ID_SIZE];
    uint8_t below[ID_SIZE];
    uint8_t target[ID_SIZE];
    const struct eb_ids ids = {own, ID_SIZE, below, ID_SIZE, target, ID_SIZE, false};

    memset(kind, 0, sizeof(*kind));
    kind->depends = depends;
    kind->imports = NONE;
    fill_id(own, index);
    fill_id(below, depends);
    fill_id(target, NONE);
    if (index == KIND_OTHER) {
        target[0] ^= 1;
        kind->refused = -HP_ERRNO_EINVAL;
    }
    return eb_payload_new(true, HP_EM_X86_64, &ids);
}

static void replace(struct kind *kind, struct eb_payload *p, uint8_t function)
{
    struct patch *patch = &kind->patches[kind->patch_count++];

    patch->addr = model_function(function) + model_pad(function);
    patch->size = 5;
    patch->kind = HP_WRITE_JUMP;
    patch->new_offset = (eb_size(p->b, p->text) + CODE_SIZE - 1) & ~(uint64_t)(CODE_SIZE - 1);
    eb_payload_function(p, function_names[function], FUNCTION_SIZE);
}

/* A splice, and what the model has to know of it. */
static void splice(struct kind *kind, struct eb_payload *p, const struct patch *patch,
                   struct eb_splice *record)
{
    kind->patches[kind->patch_count++] = *patch;
    if (patch->kind == HP_WRITE_BYTES) {
        record->kind = HP_SPLICE_KIND_BYTES;
        record->size = patch->size;
        memcpy(record->old_bytes, patch->expect, patch->size);
        memcpy(record->new_bytes, patch->bytes, patch->size);
    } else {
        record->kind =
            patch->kind == HP_WRITE_POINTER ? HP_SPLICE_KIND_POINTER : HP_SPLICE_KIND_CALL;
        record->new_symbol = eb_symbol(p->b, "fresh", HP_STB_LOCAL, HP_STT_FUNC, p->text,
                                       patch->new_offset, CODE_SIZE);
    }
    eb_payload_splice(p, record);
}

static void add_hook(struct kind *kind, struct eb_payload *p, enum hp_special which)
{
    static const uint8_t code[CODE_SIZE] = {0xc3};
    uint64_t at = eb_append(p->b, p->text, CODE_SIZE, code, sizeof(code));

    kind->hook_offset[which - HP_HOOK_FIRST] = at;
    kind->hooks |= HOOK_BIT(which);
    eb_payload_hook(p, which,
                    eb_symbol(p->b, "hook", HP_STB_LOCAL, HP_STT_FUNC, p->text, at, CODE_SIZE));
}

static void finish(struct kind *kind, struct eb_payload *p)
{
    kind->file = eb_payload_finish(p, &kind->size);
}

static void make_simple(struct model *model, enum model_kind which, uint8_t depends, uint8_t first,
                        uint8_t second)
{
    struct kind *kind = &model->kinds[which];
    struct eb_payload p = start(kind, (uint8_t)which, depends);

    replace(kind, &p, first);
    if (second != NONE) {
        replace(kind, &p, second);
    }
    if (which == KIND_DATA) {
        kind->once = true;
        eb_section(p.b, ".data.own", HP_SHT_PROGBITS, HP_SHF_ALLOC | HP_SHF_WRITE, 8, NULL, 8);
    }
    if (which == KIND_PROVIDER) {
        eb_symbol(p.b, "provided", HP_STB_GLOBAL, HP_STT_FUNC, p.text,
                  eb_append(p.b, p.text, CODE_SIZE, NULL, CODE_SIZE), CODE_SIZE);
    }
    if (which == KIND_IMPORTER) {
        uint32_t table = eb_section(p.b, ".rodata.own", HP_SHT_PROGBITS, HP_SHF_ALLOC, 8, NULL, 8);

        kind->imports = KIND_PROVIDER;
        eb_rela(p.b, table, 0, 1, eb_undefined(p.b, "provided"), 0);
    }
    finish(kind, &p);
}

static void make_nop(struct model *model)
{
    struct kind *kind = &model->kinds[KIND_NOP];
    struct eb_payload p = start(kind, KIND_NOP, NONE);
    const struct eb_record record = {.name = "f2", .new_size = 5, .old_size = FUNCTION_SIZE};

    kind->patches[0] = (struct patch){.addr = model_function(2), .size = 5, .kind = HP_WRITE_NOP};
    kind->patch_count = 1;
    eb_payload_record(&p, &record);
    finish(kind, &p);
}

static void make_expect(struct model *model)
{
    struct kind *kind = &model->kinds[KIND_EXPECT];
    struct eb_payload p = start(kind, KIND_EXPECT, NONE);
    struct eb_record record = {
        .name = "f0", .old_size = FUNCTION_SIZE, .expect_control = 1 | 3 << 1, .expect = {0xcc}};

    p.text_only = true; /* the record comes from here */
    replace(kind, &p, 0);
    memset(record.expect, 0xcc, 3);
    memset(kind->patches[0].expect, 0xcc, 3);
    kind->patches[0].expect_size = 3;
    record.new_symbol = eb_symbol(p.b, "fresh", HP_STB_LOCAL, HP_STT_FUNC, p.text,
                                  kind->patches[0].new_offset, CODE_SIZE);
    eb_payload_record(&p, &record);
    finish(kind, &p);
}

/* The call in f4, which leads to f0. */
static void put_call(uint8_t out[CALL_SIZE])
{
    model_put_branch(out, 0xe8, model_function(4) + CALL_OFFSET, model_function(0));
}

static void make_splice(struct model *model)
{
    struct kind *kind = &model->kinds[KIND_SPLICE];
    struct eb_payload p = start(kind, KIND_SPLICE, NONE);
    struct patch bytes = {.addr = model_function(0) + 2,
                          .size = 3,
                          .kind = HP_WRITE_BYTES,
                          .bytes = {0x90, 0x90, 0x90},
                          .expect = {0xcc, 0xcc, 0xcc},
                          .expect_size = 3};
    struct patch call = {.addr = model_function(4) + CALL_OFFSET,
                         .size = CALL_SIZE,
                         .kind = HP_WRITE_CALL_TO,
                         .expect_size = CALL_SIZE};
    struct patch pointer = {
        .addr = TABLE + 8, .size = 8, .kind = HP_WRITE_POINTER, .expect_size = 8};
    struct eb_splice of_bytes = {.name = "f0+2"};
    struct eb_splice of_call = {.name = "f4+32", .old_name = "f0"};
    struct eb_splice of_pointer = {.name = "table+8", .old_name = "f1"};

    put_call(call.expect);
    model_put_pointer(pointer.expect, model_function(1));
    call.new_offset = eb_append(p.b, p.text, CODE_SIZE, NULL, CODE_SIZE);
    pointer.new_offset = eb_append(p.b, p.text, CODE_SIZE, NULL, CODE_SIZE);
    splice(kind, &p, &bytes, &of_bytes);
    splice(kind, &p, &call, &of_call);
    splice(kind, &p, &pointer, &of_pointer);
    finish(kind, &p);
}

static void make_on_splice(struct model *model)
{
    struct kind *kind = &model->kinds[KIND_ON_SPLICE];
    struct eb_payload p = start(kind, KIND_ON_SPLICE, KIND_SPLICE);
    struct patch bytes = {.addr = model_function(0) + 2,
                          .size = 3,
                          .kind = HP_WRITE_BYTES,
                          .bytes = {0x0f, 0x1f, 0x00},
                          .expect = {0x90, 0x90, 0x90},
                          .expect_size = 3};
    struct patch pointer = {
        .addr = TABLE + 16, .size = 8, .kind = HP_WRITE_POINTER, .expect_size = 8};
    struct eb_splice of_bytes = {.name = "f0+2"};
    struct eb_splice of_pointer = {.name = "table+8*2", .old_name = "f2"};

    model_put_pointer(pointer.expect, model_function(2));
    replace(kind, &p, 1);
    pointer.new_offset = eb_append(p.b, p.text, CODE_SIZE, NULL, CODE_SIZE);
    splice(kind, &p, &bytes, &of_bytes);
    splice(kind, &p, &pointer, &of_pointer);
    finish(kind, &p);
}

static void make_hooked(struct model *model, enum model_kind which)
{
    struct kind *kind = &model->kinds[which];
    struct eb_payload p = start(kind, (uint8_t)which, NONE);

    switch (which) {
    case KIND_VETO:
        replace(kind, &p, PADDED);
        add_hook(kind, &p, HP_SPECIAL_HOOKS_PREAPPLY);
        add_hook(kind, &p, HP_SPECIAL_HOOKS_POSTAPPLY);
        add_hook(kind, &p, HP_SPECIAL_HOOKS_PREREVERT);
        add_hook(kind, &p, HP_SPECIAL_HOOKS_POSTREVERT);
        break;
    case KIND_LOADER:
        replace(kind, &p, 4);
        add_hook(kind, &p, HP_SPECIAL_HOOKS_LOAD);
        add_hook(kind, &p, HP_SPECIAL_HOOKS_UNLOAD);
        break;
    default: {
        uint32_t hook;

        replace(kind, &p, 4);
        replace(kind, &p, 5);
        for (hook = HP_HOOK_FIRST; hook <= HP_HOOK_LAST; hook++) {
            add_hook(kind, &p, (enum hp_special)hook);
        }
        break;
    }
    }
    finish(kind, &p);
}

static void make_broken(struct model *model)
{
    struct kind *kind = &model->kinds[KIND_BROKEN];

    make_simple(model, KIND_BROKEN, NONE, 0, NONE);
    kind->size -= 64; /* the last section header is not there */
    kind->refused = -HP_ERRNO_EINVAL;
}

/* The target: functions, one with a landing pad and one with a call, and a table of pointers. */
static void make_target(struct hp_port *port)
{
    static const uint8_t endbr64[4] = {0xf3, 0x0f, 0x1e, 0xfa};
    uint8_t table[TABLE_SIZE];
    uint8_t call[CALL_SIZE];
    uint32_t n;

    for (n = 0; n < FUNCTIONS; n++) {
        tp_add_function(port, function_names[n], model_function(n), FUNCTION_SIZE);
        model_put_pointer(table + (size_t)8 * n, model_function(n));
    }
    put_call(call);
    tp_poke(port, model_function(PADDED), endbr64, sizeof(endbr64));
    tp_poke(port, model_function(4) + CALL_OFFSET, call, sizeof(call));
    tp_add_range(port, TABLE, table, sizeof(table), TP_CONSTANT);
    tp_add_symbol(port, (struct tp_symbol){"table", NULL, TABLE, TABLE_SIZE, HP_KIND_DATA});
}

void model_make_kinds(struct model *model)
{
    uint32_t n;

    make_target(model->port);
    make_simple(model, KIND_ONE, NONE, 0, NONE);
    make_simple(model, KIND_ON_ONE, KIND_ONE, 1, NONE);
    make_simple(model, KIND_AGAIN, KIND_ON_ONE, 0, NONE);
    make_simple(model, KIND_BOTH, NONE, 0, 1);
    make_simple(model, KIND_DATA, NONE, 2, NONE);
    make_nop(model);
    make_hooked(model, KIND_VETO);
    make_hooked(model, KIND_INSTEAD);
    make_hooked(model, KIND_LOADER);
    make_simple(model, KIND_PROVIDER, NONE, 5, NONE);
    make_simple(model, KIND_IMPORTER, KIND_PROVIDER, 4, NONE);
    make_expect(model);
    make_splice(model);
    make_on_splice(model);
    make_simple(model, KIND_OTHER, NONE, 0, NONE);
    make_broken(model);
    for (n = 0; n < KINDS; n++) {
        assert_non_null(model->kinds[n].file);
    }
}

void model_free_kinds(struct model *model)
{
    uint32_t n;

    for (n = 0; n < KINDS; n++) {
        free(model->kinds[n].file);
    }
}
