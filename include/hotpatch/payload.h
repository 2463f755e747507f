/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * On-disk records of a payload, and macros for those who write payloads in C.
 *
 * This header stands alone: a payload needs nothing else of the library, and nothing of the target.
 * The layouts are those of the Xen live-patching format (SPEC sections 3 and 4); with pointers of
 * the target's word size the same C declarations give the 64-bit and the 32-bit form.
 *
 * A payload that replaces one function:
 *
 *     #include <hotpatch/payload.h>
 *
 *     static const char *new_version(void) { return "Hello World"; }
 *
 *     HP_PATCH_FUNCTION(hello, "xen_extra_version", new_version, 0);
 *
 * HP_SPLICE_BYTES, HP_SPLICE_CALL, HP_SPLICE_JUMP and HP_SPLICE_POINTER change something in place.
 *
 * "hotpatch pack" makes a payload of the compiled object: it links it, fills in the sizes that are
 * 0, and adds the notes .livepatch.depends and .livepatch.xen_depends and a build-id.
 */
#ifndef HOTPATCH_PAYLOAD_H
#define HOTPATCH_PAYLOAD_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HP_PAYLOAD_VERSION_1   1
#define HP_PAYLOAD_VERSION_2   2
#define HP_PAYLOAD_OPAQUE_SIZE 31 /* also the most bytes that a NOP record may cover */
#define HP_PAYLOAD_EXPECT_MAX  31 /* bytes of an expectation */

/* hp_payload_expect.control: bit 0 enabled, bits 1-5 number of bytes, bits 6-7 zero */
#define HP_PAYLOAD_EXPECT_ENABLED    0x01
#define HP_PAYLOAD_EXPECT_CONTROL(n) ((uint8_t)(HP_PAYLOAD_EXPECT_ENABLED | ((n) << 1)))

/* Function record of version 1: 64 bytes on 64-bit targets, 52 on 32-bit ones. */
struct hp_payload_func_v1 {
    const char *name;     /* symbol, symbol+offset or file.c#symbol; NULL only with old_addr */
    const void *new_addr; /* the replacement; NULL: NOP new_size bytes */
    const void *old_addr; /* the function to patch; NULL: look `name` up */
    uint32_t new_size;    /* bytes of the replacement, or bytes to NOP */
    uint32_t old_size;    /* bytes of the function to patch; not 0 */
    uint8_t version;      /* HP_PAYLOAD_VERSION_1 */
    uint8_t opaque[HP_PAYLOAD_OPAQUE_SIZE]; /* zero */
};

/* Bytes that must stand at old_addr when the payload is applied. */
struct hp_payload_expect {
    uint8_t control;
    uint8_t data[HP_PAYLOAD_EXPECT_MAX];
};

/* Function record of version 2: 104 bytes on 64-bit targets, 92 on 32-bit ones. */
struct hp_payload_func {
    const char *name;
    const void *new_addr;
    const void *old_addr;
    uint32_t new_size;
    uint32_t old_size;
    uint8_t version; /* HP_PAYLOAD_VERSION_2 */
    uint8_t opaque[HP_PAYLOAD_OPAQUE_SIZE];
    uint8_t applied; /* zero */
    uint8_t pad[7];  /* zero */
    struct hp_payload_expect expect;
};

#define HP_PAYLOAD_SPLICE_VERSION 1
#define HP_PAYLOAD_SPLICE_MAX     32 /* bytes that one splice may change */

/* What a splice changes. */
#define HP_SPLICE_KIND_BYTES   1 /* bytes of code, or of read-only data */
#define HP_SPLICE_KIND_CALL    2 /* where a call goes */
#define HP_SPLICE_KIND_JUMP    3 /* where a jump goes */
#define HP_SPLICE_KIND_POINTER 4 /* an address, as in a table of functions */

/*
 * Splice record, this library's own extension of the format (SPEC section 9.3): 112 bytes on 64-bit
 * targets, 92 on 32-bit ones. A field that its kind does not use is zero.
 */
struct hp_payload_splice {
    const char *name;       /* the place: symbol, symbol+offset or file.c#symbol+offset; NULL only
                               with addr. The offset is a number or a product: "table+8*17" */
    const void *addr;       /* the place; NULL: look `name` up */
    const char *old_name;   /* not of bytes: what stands there leads to; as `name` */
    const void *old_target; /* the same as an address; NULL: look old_name up */
    const void *new_target; /* not of bytes: where it is to lead */
    uint8_t version;        /* HP_PAYLOAD_SPLICE_VERSION */
    uint8_t kind;           /* HP_SPLICE_KIND_* */
    uint8_t size;           /* of bytes: how many, 1 to HP_PAYLOAD_SPLICE_MAX */
    uint8_t reserved[5];    /* zero */
    uint8_t old_bytes[HP_PAYLOAD_SPLICE_MAX]; /* of bytes: what must stand there */
    uint8_t new_bytes[HP_PAYLOAD_SPLICE_MAX]; /* of bytes: what is put there */
};

#define HP_PAYLOAD_SPLICE_SIZE(word)  ((word) == 8 ? 112u : 92u)
#define HP_PAYLOAD_FUNC_V1_SIZE(word) ((word) == 8 ? 64u : 52u)
#define HP_PAYLOAD_FUNC_V2_SIZE(word) ((word) == 8 ? 104u : 92u)

#ifdef __cplusplus
#define HP_PAYLOAD_ASSERT static_assert
#else
#define HP_PAYLOAD_ASSERT _Static_assert
#endif
HP_PAYLOAD_ASSERT(sizeof(struct hp_payload_func_v1) == HP_PAYLOAD_FUNC_V1_SIZE(sizeof(void *)),
                  "record of version 1 has the size of the format");
HP_PAYLOAD_ASSERT(sizeof(struct hp_payload_func) == HP_PAYLOAD_FUNC_V2_SIZE(sizeof(void *)),
                  "record of version 2 has the size of the format");
HP_PAYLOAD_ASSERT(sizeof(struct hp_payload_splice) == HP_PAYLOAD_SPLICE_SIZE(sizeof(void *)),
                  "splice record has the size of the format");

/* The payload handle that pre, apply, post and revert hooks get; opaque to them. */
struct hp_payload_handle;

typedef void hp_payload_load_hook(void);
typedef int hp_payload_action_hook(struct hp_payload_handle *);
typedef void hp_payload_post_hook(struct hp_payload_handle *);

/*
 * Places an object in a section of the payload and keeps it although nothing refers to it. The
 * alignment is stated because compilers otherwise raise that of large objects, which would leave
 * gaps between the records of an array.
 */
#define HP_PAYLOAD_SECTION(name)                                                                   \
    __attribute__((__section__(name), __used__, __aligned__(sizeof(void *))))
#define HP_PAYLOAD_CAT_(a, b) a##b
#define HP_PAYLOAD_CAT(a, b)  HP_PAYLOAD_CAT_(a, b)

/*
 * HP_PATCH_RECORD(id, field initializers...): a record of version 2 with any fields. `id` is any
 * identifier that is unique in the payload.
 */
#define HP_PATCH_RECORD(id, ...)                                                                   \
    static struct hp_payload_func HP_PAYLOAD_CAT(hp_patch_, id)                                    \
        HP_PAYLOAD_SECTION(".livepatch.funcs") = {.version = HP_PAYLOAD_VERSION_2, __VA_ARGS__}

/*
 * HP_PATCH_FUNCTION(id, old_name, new_function, old_bytes): replaces the function of that name,
 * which is old_bytes long (0: "hotpatch pack" fills it in), by new_function.
 */
#define HP_PATCH_FUNCTION(id, old_name, new_function, old_bytes)                                   \
    HP_PATCH_RECORD(id, .name = (old_name), .new_addr = (const void *)(new_function),              \
                    .old_size = (old_bytes))

/*
 * HP_PATCH_FUNCTION_EXPECT(id, old_name, new_function, old_bytes, byte, byte, ...): the same,
 * applied only when the function begins with these bytes (1 to 31).
 */
#define HP_PATCH_FUNCTION_EXPECT(id, old_name, new_function, old_bytes, ...)                       \
    HP_PATCH_RECORD(                                                                               \
        id, .name = (old_name), .new_addr = (const void *)(new_function), .old_size = (old_bytes), \
        .expect = {HP_PAYLOAD_EXPECT_CONTROL(sizeof((uint8_t[]){__VA_ARGS__})), {__VA_ARGS__}})

/*
 * HP_PATCH_NOP(id, old_name, bytes, old_bytes): turns the first `bytes` bytes (1 to 31) at
 * old_name, which may be "symbol+offset", into NOPs; old_bytes is what is there to be patched.
 */
#define HP_PATCH_NOP(id, old_name, bytes, old_bytes)                                               \
    HP_PATCH_RECORD(id, .name = (old_name), .new_size = (bytes), .old_size = (old_bytes))

/* HP_PATCH_FUNCTION_V1(id, old_name, new_function, old_bytes): a record of version 1. */
#define HP_PATCH_FUNCTION_V1(id, old_name, new_function, old_bytes)                                \
    static struct hp_payload_func_v1 HP_PAYLOAD_CAT(hp_patch_, id)                                 \
        HP_PAYLOAD_SECTION(".livepatch.funcs") = {.name = (old_name),                              \
                                                  .new_addr = (const void *)(new_function),        \
                                                  .old_size = (old_bytes),                         \
                                                  .version = HP_PAYLOAD_VERSION_1}

/*
 * HP_SPLICE_RECORD(id, field initializers...): a splice record with any fields. `id` is any
 * identifier that is unique in the payload. `place` below is a string: "symbol", "symbol+offset" or
 * "file.c#symbol+offset", where the offset may be a product ("table+8*17"); so is `old_name`, which
 * names what stands there leads to. Nothing is spliced unless what stands there is as expected.
 */
#define HP_SPLICE_RECORD(id, ...)                                                                  \
    static struct hp_payload_splice HP_PAYLOAD_CAT(hp_splice_, id) HP_PAYLOAD_SECTION(             \
        ".hotpatch.splices") = {.version = HP_PAYLOAD_SPLICE_VERSION, __VA_ARGS__}

/*
 * HP_SPLICE_BYTES(id, place, (old byte, ...), (new byte, ...)): changes bytes of code or of
 * read-only data, 1 to HP_PAYLOAD_SPLICE_MAX of them, as many new ones as old ones.
 *
 *     HP_SPLICE_BYTES(limit, "do_domctl+0x1b", (0x72, 0x10), (0x76, 0x10));
 */
#define HP_SPLICE_LIST_(...)                                                                       \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define HP_SPLICE_SIZE_(list) sizeof((uint8_t[])HP_SPLICE_LIST_ list)
#define HP_SPLICE_BYTES(id, place, old, new)                                                       \
    HP_PAYLOAD_ASSERT(HP_SPLICE_SIZE_(old) == HP_SPLICE_SIZE_(new),                                \
                      "a splice has as many new bytes as old ones");                               \
    HP_SPLICE_RECORD(id, .name = (place), .kind = HP_SPLICE_KIND_BYTES,                            \
                     .size = HP_SPLICE_SIZE_(old), .old_bytes = HP_SPLICE_LIST_ old,               \
                     .new_bytes = HP_SPLICE_LIST_ new)

#define HP_SPLICE_TARGET_(id, place, kind_, old, new)                                              \
    HP_SPLICE_RECORD(id, .name = (place), .kind = (kind_), .old_name = (old),                      \
                     .new_target = (const void *)(new))

/* HP_SPLICE_CALL(id, place, old_name, new_function): the call at `place` calls new_function. */
#define HP_SPLICE_CALL(id, place, old_name, new_function)                                          \
    HP_SPLICE_TARGET_(id, place, HP_SPLICE_KIND_CALL, old_name, new_function)

/* HP_SPLICE_JUMP(id, place, old_name, new_function): the jump at `place`, which may be a
 * conditional one, goes to new_function. */
#define HP_SPLICE_JUMP(id, place, old_name, new_function)                                          \
    HP_SPLICE_TARGET_(id, place, HP_SPLICE_KIND_JUMP, old_name, new_function)

/*
 * HP_SPLICE_POINTER(id, place, old_name, new_function): the pointer at `place`, which is that of
 * old_name, becomes that of new_function.
 *
 *     HP_SPLICE_POINTER(version, "hypercall_table+8*17", "do_xen_version", new_do_xen_version);
 */
#define HP_SPLICE_POINTER(id, place, old_name, new_function)                                       \
    HP_SPLICE_TARGET_(id, place, HP_SPLICE_KIND_POINTER, old_name, new_function)

#define HP_PAYLOAD_HOOK_(kind, type, function)                                                     \
    static type *const HP_PAYLOAD_CAT(hp_hook_##kind##_, function)                                 \
        HP_PAYLOAD_SECTION(".livepatch.hooks." #kind) = (function)

/* Hooks (SPEC section 4). load and unload may stand several times, the others once. */
#define HP_HOOK_LOAD(function)       HP_PAYLOAD_HOOK_(load, hp_payload_load_hook, function)
#define HP_HOOK_UNLOAD(function)     HP_PAYLOAD_HOOK_(unload, hp_payload_load_hook, function)
#define HP_HOOK_PREAPPLY(function)   HP_PAYLOAD_HOOK_(preapply, hp_payload_action_hook, function)
#define HP_HOOK_APPLY(function)      HP_PAYLOAD_HOOK_(apply, hp_payload_action_hook, function)
#define HP_HOOK_POSTAPPLY(function)  HP_PAYLOAD_HOOK_(postapply, hp_payload_post_hook, function)
#define HP_HOOK_PREREVERT(function)  HP_PAYLOAD_HOOK_(prerevert, hp_payload_action_hook, function)
#define HP_HOOK_REVERT(function)     HP_PAYLOAD_HOOK_(revert, hp_payload_action_hook, function)
#define HP_HOOK_POSTREVERT(function) HP_PAYLOAD_HOOK_(postrevert, hp_payload_post_hook, function)

/*
 * What a hook can ask of its handle. These are functions of the hypervisor: a payload links against
 * them by name. Return values are 0 or negative error numbers where nothing else is said.
 */

/* Name under which the payload was uploaded. */
const char *hp_handle_name(const struct hp_payload_handle *handle);

/* 1: checked, 2: applied. During an action the state before it; in a post hook that after it. */
int hp_handle_state(const struct hp_payload_handle *handle);

/* Result of the last action: in a post hook that of the one just ended. */
int hp_handle_rc(const struct hp_payload_handle *handle);

/*
 * Value of a key of .modinfo; NULL when there is none. It ends with NUL and stays valid while the
 * payload is loaded.
 */
const char *hp_handle_info(const struct hp_payload_handle *handle, const char *key);

/* Number of function records. */
uint32_t hp_handle_function_count(const struct hp_payload_handle *handle);

/* 1 when the function of a record is patched now, 0 when not, negative: no such record. */
int hp_handle_function_applied(const struct hp_payload_handle *handle, uint32_t record);

/*
 * Patches the function of one record: for an apply hook, which runs instead of patching them all.
 * -EPERM anywhere else, -EINVAL: no such record.
 */
int hp_handle_function_apply(struct hp_payload_handle *handle, uint32_t record);

/*
 * Restores the function of one record: for a revert hook. What it leaves patched when it returns 0
 * is restored after it. -EPERM anywhere else, -EINVAL: no such record.
 */
int hp_handle_function_revert(struct hp_payload_handle *handle, uint32_t record);

/*
 * The same four for splice records. Like functions, splices are applied all together unless there
 * is an apply hook.
 */
uint32_t hp_handle_splice_count(const struct hp_payload_handle *handle);
int hp_handle_splice_applied(const struct hp_payload_handle *handle, uint32_t splice);
int hp_handle_splice_apply(struct hp_payload_handle *handle, uint32_t splice);
int hp_handle_splice_revert(struct hp_payload_handle *handle, uint32_t splice);

/* HP_PAYLOAD_INFO(id, "key", "value"): one entry of .modinfo. */
#define HP_PAYLOAD_INFO(id, key, value)                                                            \
    static const char HP_PAYLOAD_CAT(hp_info_, id)[]                                               \
        __attribute__((__section__(".modinfo"), __used__, __aligned__(1))) = key "=" value

#ifdef __cplusplus
}
#endif

#endif
