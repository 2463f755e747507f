/* SPDX-License-Identifier: BSD-2-Clause */
/* What SPEC sections 4, 5, 9 and 10 say of the model's payloads. */
#include <string.h>

#include "model_internal.h"

void model_put_branch(uint8_t out[5], uint8_t opcode, uint64_t addr, uint64_t dest)
{
    uint32_t distance = (uint32_t)(dest - (addr + 5));
    uint32_t n;

    out[0] = opcode;
    for (n = 0; n < 4; n++) {
        out[1 + n] = (uint8_t)(distance >> (8 * n));
    }
}

void model_put_pointer(uint8_t out[8], uint64_t dest)
{
    uint32_t n;

    for (n = 0; n < 8; n++) {
        out[n] = (uint8_t)(dest >> (8 * n));
    }
}

static void put_patch(const struct patch *patch, uint64_t image, struct memory *memory)
{
    static const uint8_t nop5[] = {0x0f, 0x1f, 0x44, 0x00, 0x00}; /* the only length in use */
    uint64_t dest = image + patch->new_offset;
    uint8_t *out = model_byte(memory, patch->addr);

    switch (patch->kind) {
    case HP_WRITE_NOP:
        memcpy(out, nop5, sizeof(nop5));
        break;
    case HP_WRITE_BYTES:
        memcpy(out, patch->bytes, patch->size);
        break;
    case HP_WRITE_POINTER:
        model_put_pointer(out, dest);
        break;
    default:
        model_put_branch(out, patch->kind == HP_WRITE_CALL_TO ? 0xe8 : 0xe9, patch->addr, dest);
        break;
    }
}

uint8_t *model_byte(struct memory *memory, uint64_t addr)
{
    return addr >= TABLE ? &memory->table[addr - TABLE] : &memory->text[addr - TP_TEXT];
}

void model_memory(const struct model *model, struct memory *memory)
{
    uint32_t n;
    uint32_t i;

    memcpy(memory, &model->base, sizeof(*memory));
    for (n = 0; n < model->depth; n++) {
        const struct entry *entry = &model->entries[model->stack[n]];
        const struct kind *kind = model_kind(model, model->stack[n]);

        for (i = 0; i < kind->patch_count; i++) {
            if (entry->patched[i]) {
                put_patch(&kind->patches[i], entry->addr, memory);
            }
        }
    }
}

static uint8_t find_kind(const struct model *model, uint8_t kind)
{
    uint32_t n;

    for (n = 0; n < model->list_count; n++) {
        if (model->entries[model->list[n]].kind == kind) {
            return model->list[n];
        }
    }
    return NONE;
}

int32_t model_judge_upload(const struct model *model, uint8_t name, uint8_t kind)
{
    const struct kind *what = &model->kinds[kind];

    if (model->entries[name].loaded) {
        return -HP_ERRNO_EEXIST;
    }
    if (what->refused != 0) {
        return what->refused;
    }
    if (find_kind(model, kind) != NONE) {
        return -HP_ERRNO_EEXIST; /* its build-id */
    }
    if (what->imports != NONE && find_kind(model, what->imports) == NONE) {
        return -HP_ERRNO_ENOENT;
    }
    return 0;
}

/* Whether two payloads change a byte in common. */
static bool meet(const struct kind *a, const struct kind *b)
{
    uint32_t i;
    uint32_t j;

    for (i = 0; i < a->patch_count; i++) {
        for (j = 0; j < b->patch_count; j++) {
            if (a->patches[i].addr < b->patches[j].addr + b->patches[j].size &&
                b->patches[j].addr < a->patches[i].addr + a->patches[i].size) {
                return true;
            }
        }
    }
    return false;
}

/* Only what the payload stacks on, directly or through others, may have been patched before it. */
static bool overlaps(const struct model *model, uint8_t name)
{
    const struct kind *kind = model_kind(model, name);
    uint8_t wanted = kind->depends;
    uint32_t n;

    for (n = model->depth; n > 0; n--) {
        uint8_t below = model->stack[n - 1];

        if (model->entries[below].kind == wanted) {
            wanted = model_kind(model, below)->depends;
        } else if (meet(kind, model_kind(model, below))) {
            return true;
        }
    }
    return false;
}

/* Whether memory, of which nothing is patched when it is a REPLACE, is as the payload expects it.
 */
static bool is_as_expected(const struct model *model, uint8_t name, bool replace)
{
    const struct kind *kind = model_kind(model, name);
    struct memory memory;
    uint32_t i;

    memcpy(&memory, &model->base, sizeof(memory));
    if (!replace) {
        model_memory(model, &memory);
    }
    for (i = 0; i < kind->patch_count; i++) {
        const struct patch *patch = &kind->patches[i];

        if (memcmp(model_byte(&memory, patch->addr), patch->expect, patch->expect_size) != 0) {
            return false;
        }
    }
    return true;
}

static bool has_action_hooks(const struct model *model, uint8_t name)
{
    uint32_t n;

    for (n = 0; n < model->depth; n++) {
        if ((model_kind(model, model->stack[n])->hooks & ACTION_HOOKS) != 0) {
            return true;
        }
    }
    return (model_kind(model, name)->hooks & ACTION_HOOKS) != 0;
}

static int32_t judge_apply(const struct model *model, uint8_t name, bool replace, bool nodeps)
{
    const struct entry *entry = &model->entries[name];
    const struct kind *kind = model_kind(model, name);
    uint8_t top = model->depth > 0 ? model->entries[model->stack[model->depth - 1]].kind : NONE;

    if (entry->was_applied && kind->once) {
        return -HP_ERRNO_EINVAL;
    }
    if (replace ? kind->depends != NONE : !nodeps && kind->depends != top) {
        return -HP_ERRNO_EINVAL;
    }
    if (entry->orphan || (entry->provider != NONE &&
                          (replace || model->entries[entry->provider].state != HP_STATE_APPLIED))) {
        return -HP_ERRNO_ENOENT;
    }
    if (replace && has_action_hooks(model, name)) {
        return -HP_ERRNO_EOPNOTSUPP;
    }
    if (!is_as_expected(model, name, replace) || (!replace && overlaps(model, name))) {
        return -HP_ERRNO_EINVAL;
    }
    return 0;
}

int32_t model_judge_action(const struct model *model, uint8_t name, uint32_t command,
                           uint32_t flags)
{
    const struct entry *entry = &model->entries[name];
    bool of_applied = command == HP_ACTION_REVERT;

    if (!entry->loaded) {
        return -HP_ERRNO_ENOENT;
    }
    if (model->pending != HP_ACTION_NONE) {
        return -HP_ERRNO_EBUSY;
    }
    if (entry->state != (of_applied ? HP_STATE_APPLIED : HP_STATE_CHECKED)) {
        return -HP_ERRNO_EINVAL;
    }
    switch (command) {
    case HP_ACTION_UNLOAD:
        return 0;
    case HP_ACTION_REVERT:
        return model->stack[model->depth - 1] == name ? 0 : -HP_ERRNO_EINVAL;
    default:
        return judge_apply(model, name, command == HP_ACTION_REPLACE,
                           (flags & HP_ACTION_NODEPS) != 0);
    }
}

void model_uploaded(struct model *model, uint8_t name, uint8_t kind, uint64_t addr)
{
    struct entry *entry = &model->entries[name];

    memset(entry, 0, sizeof(*entry));
    entry->loaded = true;
    entry->kind = kind;
    entry->state = HP_STATE_CHECKED;
    entry->addr = addr;
    entry->provider =
        model->kinds[kind].imports != NONE ? find_kind(model, model->kinds[kind].imports) : NONE;
    model->list[model->list_count] = name;
    model->list_count++;
    model->version++;
}

void model_unloaded(struct model *model, uint8_t name)
{
    uint32_t n = 0;

    while (model->list[n] != name) {
        n++;
    }
    model->list_count--;
    memmove(&model->list[n], &model->list[n + 1], model->list_count - n);
    model->entries[name].loaded = false;
    model->version++;
    for (n = 0; n < NAMES; n++) {
        if (model->entries[n].loaded && model->entries[n].provider == name) {
            model->entries[n].provider = NONE;
            model->entries[n].orphan = true;
        }
    }
}

void model_expect_hook(struct model *model, uint8_t name, enum hp_special which)
{
    struct hook_log *log = &model->expected;

    if ((model_kind(model, name)->hooks & HOOK_BIT(which)) != 0) {
        log->name[log->count] = name;
        log->which[log->count] = (uint8_t)which;
        log->count++;
    }
}

/* What the hook of the action returns; 0 when the payload has none. */
static int32_t hook_result(const struct model *model, uint8_t name, enum hp_special which)
{
    return (model_kind(model, name)->hooks & HOOK_BIT(which)) != 0
               ? model->hook_rc[which - HP_HOOK_FIRST]
               : 0;
}

static void end(struct model *model, int32_t rc)
{
    bool revert = model->pending == HP_ACTION_REVERT;

    model->entries[model->subject].rc = rc;
    model_expect_hook(model, model->subject,
                      revert ? HP_SPECIAL_HOOKS_POSTREVERT : HP_SPECIAL_HOOKS_POSTAPPLY);
    model->pending = HP_ACTION_NONE;
}

void model_abandoned(struct model *model, int32_t rc)
{
    end(model, rc);
}

static void revert_top(struct model *model)
{
    uint8_t name = model->stack[model->depth - 1];

    model->entries[name].state = HP_STATE_CHECKED;
    memset(model->entries[name].patched, 0, sizeof(model->entries[name].patched));
    model->depth--;
    model_expect_hook(model, name, HP_SPECIAL_HOOKS_UNLOAD);
}

static void carry_out_revert(struct model *model)
{
    int32_t rc = hook_result(model, model->subject, HP_SPECIAL_HOOKS_REVERT);

    model_expect_hook(model, model->subject, HP_SPECIAL_HOOKS_REVERT);
    if (rc == 0) {
        revert_top(model);
        model->counts[MODEL_REVERTED]++;
    } else {
        model->counts[MODEL_HOOK_FAILED]++;
    }
    end(model, rc);
}

void model_carried_out(struct model *model)
{
    struct entry *entry = &model->entries[model->subject];
    const struct kind *kind = model_kind(model, model->subject);
    bool instead = (kind->hooks & HOOK_BIT(HP_SPECIAL_HOOKS_APPLY)) != 0;
    int32_t rc = hook_result(model, model->subject, HP_SPECIAL_HOOKS_APPLY);
    uint32_t n;

    if (model->pending == HP_ACTION_REVERT) {
        carry_out_revert(model);
        return;
    }
    if (model->pending == HP_ACTION_REPLACE) {
        model->counts[MODEL_REPLACED]++;
        model->counts[MODEL_REPLACED_SEVERAL] += model->depth > 1 ? 1 : 0;
        while (model->depth > 0) {
            revert_top(model);
        }
    }
    model_expect_hook(model, model->subject, HP_SPECIAL_HOOKS_LOAD);
    model_expect_hook(model, model->subject, HP_SPECIAL_HOOKS_APPLY);
    if (rc != 0) {
        model_expect_hook(model, model->subject, HP_SPECIAL_HOOKS_UNLOAD);
        model->counts[MODEL_HOOK_FAILED]++;
        end(model, rc);
        return;
    }
    for (n = 0; n < kind->patch_count; n++) {
        entry->patched[n] = !instead || (model->hook_mask & (1u << n)) != 0;
        model->counts[MODEL_APPLIED_IN_PART] += !entry->patched[n];
    }
    entry->state = HP_STATE_APPLIED;
    entry->was_applied = true;
    model->stack[model->depth] = model->subject;
    model->depth++;
    model->counts[MODEL_APPLIED]++;
    model->counts[MODEL_SPLICED] += entry->kind == KIND_SPLICE;
    model->counts[MODEL_RESPLICED] += entry->kind == KIND_ON_SPLICE;
    end(model, 0);
}
