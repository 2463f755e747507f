/* SPDX-License-Identifier: BSD-2-Clause */
/* What the commands of the hotpatch tool share: options, files, text, targets and names. */
#ifndef HOTPATCH_TOOL_COMMON_H
#define HOTPATCH_TOOL_COMMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <json-c/json.h>

#include <hotpatch/host.h>
#include <hotpatch/hotpatch.h>

/* Exit statuses; documented in hotpatch(1). */
enum {
    TOOL_ACCEPTED = 0,
    TOOL_REFUSED = 1, /* a payload was refused */
    TOOL_TROUBLE = 2, /* usage, unreadable input, unwritable output */
    TOOL_UNSIGNED = 3 /* verify and sig: there is no signature */
};

/* The command line. Strings belong to argv; NULL: not given. */
struct options {
    const char *target;
    uint64_t base;
    const struct hp_profile *profile; /* NULL: the default */
    const char *output;
    const char **after; /* files given with --after, in order */
    size_t after_count;
    const char **files;
    size_t file_count;
    bool has_base;
    bool json;
    bool filler;        /* padding behind functions counts */
    bool same_compiler; /* payloads must be made by the target's compiler */
    /* signatures */
    bool require_signature;
    bool digest_only;
    bool resign;
    bool allow_weak_key;
    bool expect;                     /* of pack */
    enum hp_signature_format format; /* HP_SIGNATURE_NONE: the default */
    enum hp_hash hash;               /* HP_HASH_NONE: the default */
    const char *keyring;
    const char *policy;
    const char *key; /* file or URI */
    const char *certificate;
    const char *signature;
    const char *passphrase_env;
    const char *passphrase_file;
    /* pack */
    const char *depends;   /* payload or image */
    const char *info_name; /* metadata */
    const char *info_description;
    const char *info_cve;
    const char *info_version;
};

int inspect_run(const struct options *options);
int validate_run(const struct options *options);
int plan_run(const struct options *options);
int link_run(const struct options *options);
int pack_run(const struct options *options);
int sign_run(const struct options *options);
int verify_run(const struct options *options);
int sig_show_run(const struct options *options);
int sig_strip_run(const struct options *options);
int sig_attach_run(const struct options *options);

/* ---- common.c: memory, files, messages ------------------------------------------------------ */

/* Ends the program: there is no memory left. */
_Noreturn void out_of_memory(void);

/* Zeroed memory for `count` objects; ends the program when there is none. Free with free(). */
void *tool_alloc(size_t count, size_t size);

/* A whole file in memory. */
struct file {
    uint8_t *data;
    size_t size;
};

/*
 * Reads a file, "-" being standard input. Of a file above 64 MiB only that much is read: more than
 * any profile takes, so that the library refuses it for its size.
 *
 * Returns 0 or an errno. Free file->data with free().
 */
int file_read(struct file *file, const char *path);

/* True when file_read() has left some of the file out: nothing may be written from it. */
bool file_is_cut(const struct file *file);

/* "hotpatch: PATH: MESSAGE" on stderr, with the path escaped. */
void complain(const char *path, const char *message);

/* ---- output.c: files that are never half-written ----------------------------------------------
 */

/*
 * Replaces a file in one step by what `fill` writes to a descriptor; an existing one stays as it is
 * until then, and when anything fails. `fill` says itself what is wrong. Returns false on failure.
 */
bool output_write(const char *path, bool (*fill)(void *context, int fd, const char *path),
                  void *context);

/* The same for bytes, which are read back and compared before the file is replaced. */
bool output_bytes(const char *path, const uint8_t *data, size_t size);

/* ---- text.c: untrusted text, JSON and verdicts ----------------------------------------------- */

/*
 * A copy of `size` bytes for people's eyes: valid, printable UTF-8 stays; every other byte, and the
 * backslash, becomes \xNN. Of more than `max` bytes the rest becomes "...". Free with free().
 */
char *text_escape(const void *bytes, size_t size, size_t max);

#define TEXT_ALL      SIZE_MAX
#define TEXT_NAME_MAX 1024 /* names may overlap in a file; without a limit output could explode */

/* Writes a NUL-terminated untrusted name, escaped, `width` columns wide at least. */
void print_name(FILE *out, const char *name, int width);

/* Writes bytes in hex, with `separator` between them. */
void print_hex(FILE *out, const uint8_t *bytes, size_t size, const char *separator);

/* New JSON values. All end the program when there is no memory, so that none is NULL by accident.
 */
struct json_object *json_new(void);
struct json_object *json_list(void);
struct json_object *json_text(const char *trusted);
struct json_object *json_name(const char *untrusted);
struct json_object *json_bytes_text(const void *untrusted, size_t size);
struct json_object *json_number(uint64_t value);
struct json_object *json_flag(bool value);
struct json_object *json_hex(const uint8_t *bytes, size_t size);
struct json_object *json_address(uint64_t addr);

/* Adds to an object, which then owns the value; NULL is null. */
void json_put(struct json_object *object, const char *key, struct json_object *value);

/* Appends to a list, which then owns the value. */
void json_append(struct json_object *list, struct json_object *value);

/* Prints a value on one line of stdout and frees it. */
void json_emit(struct json_object *value);

/* Writes "PATH: refused: STATUS: WHERE AND WHY". */
void print_refusal(FILE *out, const char *path, const struct hp_diag *diag, bool colour);

/* True when `out` is a terminal that is to show colours. */
bool want_colour(FILE *out);

/* Says in parentheses what an offline load left open; NULL when nothing. Free with free(). */
char *undecided_text(const struct hp_undecided *undecided);

/* Assemblers refer to it wherever code uses the GOT, which a payload that does has of its own. */
#define GOT_SYMBOL "_GLOBAL_OFFSET_TABLE_"

/* ---- names.c: symbols and sections of a payload by address ----------------------------------- */

struct name {
    uint64_t addr;
    uint64_t size;
    const char *text; /* in the payload file */
    unsigned rank;    /* among symbols of one address the lowest is the best name */
};

struct names {
    struct name *entries; /* by address, then rank */
    size_t count;
};

/* Section index to its place in the image; NULL for sections not loaded. Free with free(). */
const struct hp_placed_section **places_of(const struct hp_elf *elf, const struct hp_image *image);

/* Collects the named symbols of a loaded payload. The names point into the file behind `elf`. */
void names_build(struct names *names, const struct hp_elf *elf, const struct hp_image *image);

/* Best symbol at or below an address whose range holds it; NULL when there is none. */
const struct name *names_find(const struct names *names, uint64_t addr);

void names_free(struct names *names);

/* ---- trust.c: --keyring and --policy ----------------------------------------------------------
 */

struct hp_host_keyring;
struct policy_lists;

struct trust {
    struct hp_host_keyring *keyring;   /* NULL: none */
    struct hp_signature_policy policy; /* defaults where there is no file */
    struct policy_lists *lists;        /* what the policy points to */
};

/* Reads key ring and policy, as far as given. Says on stderr what is wrong; then TOOL_TROUBLE. Call
 * trust_close() in any case. */
int trust_open(struct trust *trust, const struct options *options);

/* The ring; NULL when there is none. */
const struct hp_keyring *trust_ring(const struct trust *trust);

/*
 * What a verified signature still lacks: the certificate of its key must be valid now. Returns
 * HP_OK or HP_CERTIFICATE_EXPIRED, which the result then has as well, and nothing of who signed.
 */
HP_MUST_USE enum hp_status trust_check_time(const struct trust *trust,
                                            struct hp_signature_result *result,
                                            struct hp_diag *diag);

void trust_close(struct trust *trust);

/* policy.c: fills the policy from a file; on failure false with a message. */
bool policy_read(struct trust *trust, const char *path);

void policy_free(struct trust *trust);

/* ---- signatures: builds with them only --------------------------------------------------------
 */

/*
 * claim.c: prints what a signature says of itself: layout, algorithm, digest, who. All of it is
 * untrusted, and escaped. One line for the eye, without a line feed; keys for JSON, which are null
 * where they are not known.
 */
void claim_print(FILE *out, const struct hp_trailer *trailer);
void claim_put(struct json_object *object, const struct hp_trailer *trailer);

#define SECRET_MAX 1024 /* bytes of a passphrase or PIN, with NUL */

/*
 * secret.c: gets the passphrase or PIN from the environment, a file or the terminal.
 *
 *   what    the file or token that it is for
 *   secret  receives it; overwrite it with secret_wipe()
 *
 * Returns false with a message when there is none.
 */
bool secret_get(const struct options *options, const char *what, char secret[SECRET_MAX]);
void secret_wipe(void *secret, size_t size);

/* sign.c: the parts that signing and attaching share. */
struct hp_certificate;
struct hp_signed;
struct hp_sign_options;

/* Reads a file that is to be signed, whole. Returns TOOL_ACCEPTED or TOOL_TROUBLE with a message.
 */
int sign_read(struct file *file, const char *path);

/* Reads the certificate of --cert; it must be valid now. On failure an exit status and a message.
 */
int sign_certificate(struct hp_certificate **certificate, const struct options *options);

struct hp_sign_options sign_options(const struct options *options);

/* Signs a payload and writes it to options->output. Returns an exit status. */
int sign_bytes(const struct file *file, const struct options *options);

/* Writes what hp_sign() or hp_sign_attach() made, or says why it did not. Returns an exit status.
 */
int sign_finish(struct hp_signed *made, enum hp_status status, const struct hp_diag *diag,
                const struct options *options);

/* ---- stack.c: a target and the payloads taken as applied on it --------------------------------
 */

/* A payload in memory, with what is needed to name its addresses. */
struct loaded {
    const char *path;
    struct file file;
    struct hp_elf elf;
    struct hp_payload payload;
    struct names names;
};

struct stack {
    struct hp_port *port;
    struct trust trust;                /* --keyring and --policy */
    struct loaded *after;              /* --after, in order */
    const struct hp_payload **applied; /* the same, as the library wants them */
    size_t count;
    const struct hp_profile *profile; /* as asked for, else the target's own; NULL: the default */
    struct hp_profile adjusted;       /* the same for --filler and --same-compiler */
};

/*
 * Opens the target and loads the payloads of --after on it, in order. Says on stderr what is wrong.
 *
 * Returns TOOL_ACCEPTED, TOOL_REFUSED or TOOL_TROUBLE. Call stack_close() in any case.
 */
int stack_open(struct stack *stack, const struct options *options);

void stack_close(struct stack *stack);

/*
 * Loads a payload whose bytes are in loaded->file, judges it as hp_validate() does, on top of the
 * stack, and keeps it with its plan. Call loaded_free() in any case.
 */
HP_MUST_USE enum hp_status loaded_judge(struct loaded *loaded, const struct stack *stack,
                                        struct hp_diag *diag);

/*
 * Reads and judges the one payload of `plan` and `link`; a refusal goes to stderr. Returns like
 * stack_open(). Call loaded_free() in any case.
 */
int loaded_open(struct loaded *loaded, const char *path, const struct stack *stack);

void loaded_free(struct loaded *loaded);

/* Opens the ELF view of a file without its signature. */
HP_MUST_USE enum hp_status view_open(struct hp_elf *elf, const struct file *file,
                                     const struct hp_profile *profile, struct hp_diag *diag);

/* Where an address is. */
struct place {
    const char *name; /* NULL: not known */
    uint64_t offset;  /* from the symbol */
};

/* Names an address of the payload `own` (may be NULL), of the stack below it or of the target. */
struct place place_find(const struct stack *stack, const struct loaded *own, uint64_t addr);

/* Writes "name", "name+0x10" or nothing. */
void print_place(FILE *out, const struct place *place);

#endif
