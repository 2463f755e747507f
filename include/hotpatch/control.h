/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control interface: the manager's calls as a hypercall of fixed binary form (SPEC section 12).
 *
 * It is an archive of its own (hotpatch-control) over the manager. The structures are those of the
 * Xen live-patching system call, in both of its generations; which one a hypervisor speaks is its
 * own choice. Little-endian, natural alignment, pointers of the caller are 64 bits wide.
 */
#ifndef HOTPATCH_CONTROL_H
#define HOTPATCH_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

#include <hotpatch/manager.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Generations of the structures. */
enum hp_control_generation {
    HP_CONTROL_V1 = 1, /* of the design document */
    HP_CONTROL_V2 = 2  /* with action flags, packed names and metadata */
};

/* hp_control_op.cmd */
enum hp_control_command {
    HP_CONTROL_UPLOAD = 0,
    HP_CONTROL_GET = 1,
    HP_CONTROL_LIST = 2,
    HP_CONTROL_ACTION = 3
};

/*
 * hp_control_op.flags of the second generation. Accepted and without effect: the check that it
 * would skip, that of the target's build-id, is never skipped.
 */
#define HP_CONTROL_FORCE UINT32_C(1)

#define HP_CONTROL_LIST_MAX UINT32_C(1024) /* entries of one LIST */

/* A payload's name in the caller's memory. */
struct hp_control_name {
    uint64_t name;   /* address */
    uint16_t size;   /* bytes, 1 to HP_PAYLOAD_NAME_MAX, with NUL */
    uint16_t pad[3]; /* 0 */
};

struct hp_control_upload {
    struct hp_control_name name;
    uint64_t size;    /* bytes of the payload file */
    uint64_t payload; /* address */
};

struct hp_control_status {
    uint32_t state; /* OUT: enum hp_payload_state */
    int32_t rc;     /* OUT: 0 or a negative error number; -EAGAIN while an action runs */
};

struct hp_control_get {
    struct hp_control_name name;
    struct hp_control_status status; /* OUT */
};

/*
 * nr 0 asks for the number of payloads (and in the second generation for the sizes that the buffers
 * need); otherwise nr is what the arrays hold. OUT: nr is how many entries follow those written.
 */
struct hp_control_list_v1 {
    uint32_t version; /* OUT */
    uint32_t idx;     /* first entry wanted */
    uint32_t nr;      /* IN and OUT */
    uint32_t pad;     /* 0 */
    uint64_t status;  /* address of nr struct hp_control_status */
    uint64_t name;    /* address of nr times HP_PAYLOAD_NAME_MAX bytes */
    uint64_t len;     /* address of nr u32: bytes of each name, with NUL */
};

struct hp_control_list_v2 {
    uint32_t version; /* OUT */
    uint32_t idx;
    uint32_t nr;                  /* IN and OUT */
    uint32_t pad;                 /* 0 */
    uint32_t name_total_size;     /* IN: bytes at name; OUT: bytes written, or needed by all */
    uint32_t metadata_total_size; /* the same of metadata */
    uint64_t status;
    uint64_t name;         /* names with their NULs, one after the other */
    uint64_t len;          /* address of nr u32: bytes of each name, with NUL */
    uint64_t metadata;     /* contents of .modinfo, one after the other */
    uint64_t metadata_len; /* address of nr u32: bytes of each */
};

struct hp_control_action_v1 {
    struct hp_control_name name;
    uint32_t cmd;  /* enum hp_action_command */
    uint32_t time; /* time-out in nanoseconds; 0: the default */
};

struct hp_control_action_v2 {
    struct hp_control_name name;
    uint32_t cmd;
    uint32_t time;
    uint32_t flags; /* HP_ACTION_NODEPS */
    uint32_t pad;   /* 0 */
};

struct hp_control_op {
    uint32_t cmd;   /* enum hp_control_command */
    uint32_t flags; /* second generation; first: 0 */
    union {
        struct hp_control_upload upload;
        struct hp_control_get get;
        struct hp_control_list_v1 list_v1;
        struct hp_control_list_v2 list_v2;
        struct hp_control_action_v1 action_v1;
        struct hp_control_action_v2 action_v2;
    } u;
};

/*
 * Carries out one operation for a caller.
 *
 *   manager     of the target
 *   generation  of the structures
 *   op          address of a struct hp_control_op in the caller's memory, of which only the part
 *               that the command uses is read and, when there is something OUT, written
 *   diag        says what was wrong with a payload, for the hypervisor's log; may be NULL
 *
 * Returns 0 or more (LIST: entries written) or a negative error number: -EPERM refused by
 * hp_port_control_permit(), -EFAULT memory of the caller not accessible, -EOPNOTSUPP unknown
 * command, -EINVAL reserved fields, names, sizes, -ENOENT, -EEXIST, -E2BIG, -ENOBUFS, -ENOMEM, and
 * whatever hp_status_errno() makes of the manager's refusals; a hook's own number. Context: call.
 * May sleep.
 */
int32_t hp_control(struct hp_manager *manager, enum hp_control_generation generation, uint64_t op,
                   struct hp_diag *diag);

/* ---- what the port adds ---------------------------------------------------------------------- */

/*
 * Says whether the caller may do this. Asked first, with nothing but the command read.
 *
 *   command  enum hp_control_command, or any other number
 *
 * Context: call. Since: 0.2.
 */
bool hp_port_control_permit(struct hp_port *port, uint32_t command);

/*
 * Copies from and to the caller's memory. The addresses are the caller's claims: check them against
 * its address space; none of yours may be reachable. size is not 0.
 *
 * Returns false when any of the bytes is not accessible; what was copied until then does not
 * matter. Context: call. May sleep: yes. Locks held: the manager's, or none. Since: 0.2.
 */
bool hp_port_copy_in(struct hp_port *port, void *to, uint64_t from, size_t size);
bool hp_port_copy_out(struct hp_port *port, uint64_t to, const void *from, size_t size);

#ifdef __cplusplus
}
#endif

#endif
