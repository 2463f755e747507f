/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The porting layer: what the embedding project supplies.
 *
 * These are link-time functions: the library declares and calls them, the embedder defines them.
 * There are no function pointers to register. Each takes the opaque struct hp_port that the
 * embedder passed to the library, so one program may serve several targets (as the host port does).
 *
 * Addresses are numbers of the target; host pointers are never target addresses. All sizes are in
 * bytes. Tags used below:
 *
 *   Context     when the library calls it. "load": from hp_payload_load() and hp_validate(), never
 *               while CPUs are stopped.
 *   May sleep   whether the implementation may block or take sleeping locks.
 *   Errors      statuses it may return; any other makes the load fail with that status.
 *   Since       library version that introduced it.
 */
#ifndef HOTPATCH_PORT_H
#define HOTPATCH_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hotpatch/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Defined by the embedder; the library only passes it back. */
struct hp_port;

/* What is being patched. Constant for the lifetime of the port. */
struct hp_target {
    uint16_t machine;        /* e_machine of its ELF image; 0 when there is no target (offline) */
    uint32_t page_size;      /* bytes; a power of two: granularity of page permissions */
    uint64_t text_start;     /* lowest address of patchable code */
    uint64_t text_end;       /* first address after the highest */
    const uint8_t *build_id; /* descriptor of its GNU build-id note */
    size_t build_id_size;    /* bytes; 0 when it has none */
};

/*
 * Describes the target. The build-id bytes stay valid while the port exists.
 *
 * Context: load. May sleep: yes. Errors: none. Since: 0.1.
 */
void hp_port_target(struct hp_port *port, struct hp_target *target);

/* ---- memory -------------------------------------------------------------------------------- */

/*
 * Work memory for the library's own tables, aligned for any type (16 bytes). One call for each
 * payload loaded.
 *
 * Returns NULL when there is none. Context: load. May sleep: yes. Since: 0.1.
 */
void *hp_port_alloc(struct hp_port *port, size_t size);

/* Gives back what hp_port_alloc() returned; `size` is the size asked for. Context: load, unload. */
void hp_port_free(struct hp_port *port, void *memory, size_t size);

/* Memory for a payload's sections, as the library asks for it. */
struct hp_image_request {
    size_t size;    /* bytes; a multiple of the page size */
    uint64_t align; /* alignment of the address; a power of two, at least the page size */
    uint64_t low;   /* the whole range must lie at or above this address ... */
    uint64_t high;  /* ... and end at or below this one; low 0 and high UINT64_MAX: anywhere */
};

/* Memory for a payload's sections, as the port gave it. */
struct hp_image_memory {
    uint8_t *host;   /* where the library may write it now; aligned to 16 bytes */
    uint64_t addr;   /* where the target sees it; never 0 */
    size_t size;     /* bytes, as asked for */
    uintptr_t token; /* the port's own; the library only keeps it */
};

/*
 * Obtains zeroed memory for a payload, writable through memory->host. It lies within branch reach
 * of the target's code when it lies in [low, high). A port that cannot honour the range (because
 * the user of an offline tool chose a base address) may give other addresses: the library then
 * refuses every jump and relocation that does not reach.
 *
 * Context: load. May sleep: yes. Errors: HP_IMAGE_MEMORY. Since: 0.1.
 */
HP_MUST_USE enum hp_status hp_port_image_alloc(struct hp_port *port,
                                               const struct hp_image_request *request,
                                               struct hp_image_memory *memory);

/* Gives image memory back, whatever its permissions are by then. Context: load, unload. */
void hp_port_image_free(struct hp_port *port, const struct hp_image_memory *memory);

/* Page permissions of a region of a payload. */
enum hp_protection {
    HP_PROTECT_TEXT,  /* read and execute */
    HP_PROTECT_DATA,  /* read and write */
    HP_PROTECT_RODATA /* read */
};

/*
 * Sets the final permissions of the pages [offset, offset + size) of image memory; both are
 * multiples of the page size. For HP_PROTECT_TEXT it also makes the instruction side see what was
 * written (cache clean and invalidate where the architecture needs it). After the call the library
 * reads that range through memory->host and does not write it any more, HP_PROTECT_DATA excepted.
 *
 * Context: load. May sleep: yes. Errors: HP_PROTECT_FAILED. Since: 0.1.
 */
HP_MUST_USE enum hp_status hp_port_image_protect(struct hp_port *port,
                                                 const struct hp_image_memory *memory,
                                                 size_t offset, size_t size,
                                                 enum hp_protection protection);

/*
 * Reads target memory: its code as it is now, or the text of a loaded payload.
 *
 * Context: load. May sleep: yes. Errors: HP_TARGET_READ when any of the bytes is not mapped.
 * HP_UNDECIDED, offline only: the bytes were read from the image file and are stored in buf, but
 * the target rewrites some of them at boot; or there is no target at all, and then buf is zeroed.
 * Since: 0.1.
 */
HP_MUST_USE enum hp_status hp_port_target_read(struct hp_port *port, uint64_t addr, void *buf,
                                               size_t size);

/* ---- symbols ------------------------------------------------------------------------------- */

enum hp_symbol_kind {
    HP_KIND_UNKNOWN, /* a label without a type */
    HP_KIND_CODE,
    HP_KIND_DATA
};

/* A symbol of the target. */
struct hp_target_symbol {
    const char *name; /* without file prefix; valid while the port exists; may be NULL */
    uint64_t addr;
    uint64_t size; /* bytes; 0 when not known */
    enum hp_symbol_kind kind;
};

/*
 * Finds a symbol of the target by name. "file.c#name" names a file-scoped symbol, a plain name one
 * with global or weak binding (a hidden one that the linker made local included).
 *
 *   name, length  not NUL-terminated; untrusted bytes
 *
 * Context: load. May sleep: yes. Errors: HP_SYMBOL_UNDEFINED, HP_SYMBOL_AMBIGUOUS (several file-
 * scoped symbols of that name in files of that name), HP_UNDECIDED (there is no target). Since:
 * 0.1.
 */
HP_MUST_USE enum hp_status hp_port_symbol_by_name(struct hp_port *port, const char *name,
                                                  size_t length, struct hp_target_symbol *symbol);

/*
 * Finds the symbol whose range holds an address: of those whose size is known the innermost, else
 * the label closest below it.
 *
 * Context: load. May sleep: yes. Errors: HP_SYMBOL_UNDEFINED, HP_UNDECIDED. Since: 0.1.
 */
HP_MUST_USE enum hp_status hp_port_symbol_by_address(struct hp_port *port, uint64_t addr,
                                                     struct hp_target_symbol *symbol);

/*
 * Says whether [addr, addr + size) may be patched: whether all of it is code that stays in place
 * (the target's text, the text of a loaded payload), and none of it is on the deny list (the
 * library's own code, the rendezvous, NMI and machine-check paths).
 *
 * Context: load. May sleep: yes. Errors: HP_PATCH_RANGE, HP_PATCH_DENIED, HP_UNDECIDED (there is no
 * target). Since: 0.1.
 */
HP_MUST_USE enum hp_status hp_port_patchable(struct hp_port *port, uint64_t addr, size_t size);

#ifdef __cplusplus
}
#endif

#endif
