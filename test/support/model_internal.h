/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the model share: its payloads and its state. */
#ifndef TEST_MODEL_INTERNAL_H
#define TEST_MODEL_INTERNAL_H

#include <hotpatch/control.h>

#include "model.h"
#include "test_port.h"

#define FUNCTIONS   6u /* of the target: "f0" to "f5" */
#define NAMES       6u /* under which payloads are uploaded */
#define PATCHES_MAX 3u
#define TABLE       (TP_TEXT + TP_TEXT_SIZE + 0x1000) /* of pointers to functions, read-only */
#define TABLE_SIZE  (FUNCTIONS * 8u)
#define HOOKS       (HP_HOOK_LAST - HP_HOOK_FIRST + 1)
#define HOOK_BIT(w) (1u << ((w)-HP_HOOK_FIRST))
#define NONE        0xffu

/* Hooks other than load and unload. */
#define ACTION_HOOKS                                                                               \
    (((1u << HOOKS) - 1) & ~(HOOK_BIT(HP_SPECIAL_HOOKS_LOAD) | HOOK_BIT(HP_SPECIAL_HOOKS_UNLOAD)))

/* The payloads; each stands on the target unless its comment says otherwise. */
enum model_kind {
    KIND_ONE,       /* replaces f0 */
    KIND_ON_ONE,    /* on KIND_ONE: replaces f1 */
    KIND_AGAIN,     /* on KIND_ON_ONE: replaces f0 once more */
    KIND_BOTH,      /* replaces f0 and f1 */
    KIND_DATA,      /* replaces f2 and has data, so that it can be applied only once */
    KIND_NOP,       /* NOPs in f2 */
    KIND_VETO,      /* replaces f3, which has a landing pad; pre and post hooks */
    KIND_INSTEAD,   /* replaces f4 and f5; hooks of all kinds */
    KIND_LOADER,    /* replaces f4; load and unload hooks */
    KIND_PROVIDER,  /* replaces f5 and provides a symbol */
    KIND_IMPORTER,  /* on KIND_PROVIDER: uses the symbol, replaces f4 */
    KIND_EXPECT,    /* replaces f0 where it is as it was */
    KIND_SPLICE,    /* splices bytes of f0, a call in f4 and a pointer to f1 */
    KIND_ON_SPLICE, /* on KIND_SPLICE: replaces f1; splices the bytes of f0 and another pointer */
    KIND_OTHER,     /* made for another target */
    KIND_BROKEN,    /* no payload */
    KINDS
};

/* What the target's memory holds. */
struct memory {
    uint8_t text[TP_TEXT_SIZE];
    uint8_t table[TABLE_SIZE];
};

struct patch {
    uint64_t addr;       /* of the first byte that changes */
    uint8_t size;        /* bytes that change */
    uint8_t kind;        /* enum hp_write_kind */
    uint8_t bytes[3];    /* HP_WRITE_BYTES: the new ones */
    uint8_t expect[8];   /* what has to be at addr */
    uint8_t expect_size; /* 0: anything */
    uint64_t new_offset; /* of the new function in the image */
};

struct kind {
    uint8_t *file;
    size_t size;
    uint8_t depends; /* kind, or NONE: the target */
    uint8_t imports; /* kind, or NONE */
    uint32_t hooks;  /* HOOK_BIT() of each */
    bool once;       /* has data */
    int32_t refused; /* what an upload always returns; 0: it may be accepted */
    struct patch patches[PATCHES_MAX];
    uint32_t patch_count;
    uint64_t hook_offset[HOOKS]; /* in the image */
};

/* A loaded payload, by the number of its name. */
struct entry {
    bool loaded;
    uint8_t kind;
    uint8_t provider; /* name that it imports from, or NONE */
    bool orphan;
    bool was_applied;
    bool patched[PATCHES_MAX];
    uint32_t state;
    int32_t rc;
    uint64_t addr; /* of its image, as the manager tells it */
};

/* What hooks were called, in order. */
struct hook_log {
    uint8_t name[32];
    uint8_t which[32];
    uint32_t count;
};

struct model {
    struct hp_port *port;
    struct hp_manager manager;
    struct kind kinds[KINDS];
    struct entry entries[NAMES];
    uint8_t list[NAMES]; /* in the order of upload */
    uint32_t list_count;
    uint8_t stack[NAMES]; /* applied, from the bottom */
    uint32_t depth;
    uint32_t version;
    /* the action in progress */
    uint32_t pending; /* enum hp_action_command; HP_ACTION_NONE: there is none */
    uint8_t subject;
    /* what hooks of it do */
    int32_t hook_rc[HOOKS];
    uint32_t hook_mask; /* records that an apply or revert hook changes by itself */
    struct hook_log called;
    struct hook_log expected;
    uint64_t counts[MODEL_EVENTS];
    uint64_t steps;
    struct memory base; /* the target's without any payload */
};

/* model_kinds.c */
void model_make_kinds(struct model *model);
void model_free_kinds(struct model *model);
uint64_t model_function(uint32_t function);

/* Bytes in front of a patch of a function that stay. */
uint32_t model_pad(uint32_t function);

/* model_rules.c: what the rules say. */

/* Composes the target's memory as it has to be. */
void model_memory(const struct model *model, struct memory *memory);

/* A jump (0xe9) or call (0xe8), and an address, as they lie in memory. */
void model_put_branch(uint8_t out[5], uint8_t opcode, uint64_t addr, uint64_t dest);
void model_put_pointer(uint8_t out[8], uint64_t dest);

/* A byte of it by its address. */
uint8_t *model_byte(struct memory *memory, uint64_t addr);

/* Result of an upload or of the scheduling of an action, without its pre hook; nothing changes. */
int32_t model_judge_upload(const struct model *model, uint8_t name, uint8_t kind);
int32_t model_judge_action(const struct model *model, uint8_t name, uint32_t command,
                           uint32_t flags);

/* The model's part of what is done. */
void model_uploaded(struct model *model, uint8_t name, uint8_t kind, uint64_t addr);
void model_unloaded(struct model *model, uint8_t name);

/* The scheduled action ends in the window, or before it with that result. */
void model_carried_out(struct model *model);
void model_abandoned(struct model *model, int32_t rc);

void model_expect_hook(struct model *model, uint8_t name, enum hp_special which);

static inline const struct kind *model_kind(const struct model *model, uint8_t name)
{
    return &model->kinds[model->entries[name].kind];
}

#endif
