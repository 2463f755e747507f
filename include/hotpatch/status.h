/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Status codes, stages and the diagnostics record that every fallible function fills.
 *
 * One enum hp_status value stands for one kind of defect. Each has a name for people and scripts,
 * an error number of the control ABI (SPEC section 16) and a sentence. Where the defect is stands
 * in struct hp_diag, so that nobody has to read a log to learn what was wrong.
 */
#ifndef HOTPATCH_STATUS_H
#define HOTPATCH_STATUS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Error numbers of the control ABI. They are the ABI's, not the host's; returned negative there. */
enum hp_errno {
    HP_ERRNO_OK = 0,
    HP_ERRNO_EPERM = 1,
    HP_ERRNO_ENOENT = 2,
    HP_ERRNO_E2BIG = 7,
    HP_ERRNO_EAGAIN = 11,
    HP_ERRNO_ENOMEM = 12,
    HP_ERRNO_EACCES = 13,
    HP_ERRNO_EFAULT = 14,
    HP_ERRNO_EBUSY = 16,
    HP_ERRNO_EEXIST = 17,
    HP_ERRNO_EINVAL = 22,
    HP_ERRNO_ERANGE = 34,
    HP_ERRNO_ENOSYS = 38,
    HP_ERRNO_ENODATA = 61,
    HP_ERRNO_EBADMSG = 74,
    HP_ERRNO_EOVERFLOW = 75,
    HP_ERRNO_EOPNOTSUPP = 95,
    HP_ERRNO_ENOBUFS = 105,
};

/*
 * HP_STATUS_LIST(X): X(identifier, "name", errno, "sentence").
 *
 * The sentence is completed by the diagnostics record's place and numbers.
 */
/* clang-format off */
#define HP_STATUS_LIST(X)                                                                                              \
    X(OK,                     "ok",                     OK,         "no error")                                        \
    /* calls and the port */                                                                                           \
    X(INVALID_ARGUMENT,       "invalid-argument",       EINVAL,     "an argument of the call is invalid")              \
    X(NO_MEMORY,              "no-memory",              ENOMEM,     "the port has no memory for the work area")        \
    X(IMAGE_MEMORY,           "image-memory",           ENOMEM,     "the port has no memory for the payload within reach of the target") \
    X(ISLAND_MEMORY,          "island-memory",          ENOMEM,     "the new function is out of the jump's reach, and the port has no memory for a second trampoline") \
    X(PROTECT_FAILED,         "protect-failed",         EFAULT,     "the port could not set the payload's page permissions") \
    X(TARGET_READ,            "target-read",            EFAULT,     "target memory is not readable here")              \
    X(TARGET_FILE,            "target-file",            EINVAL,     "the target image cannot be read")                 \
    X(UNDECIDED,              "undecided",              ENODATA,    "cannot be decided without the running target")    \
    /* the file as a whole */                                                                                          \
    X(FILE_EMPTY,             "file-empty",             EINVAL,     "the payload has no bytes")                        \
    X(FILE_TOO_LARGE,         "file-too-large",         EINVAL,     "the payload file is above the size limit")        \
    X(TRAILING_BYTES,         "trailing-bytes",         EBADMSG,    "bytes follow the end of the ELF file that are no signature") \
    /* signature */                                                                                                    \
    X(UNSIGNED,               "unsigned",               EACCES,     "the payload is not signed") \
    X(SIGNATURE_TRUNCATED,    "signature-truncated",    EBADMSG,    "the signature ends before its header or a length in it says") \
    X(SIGNATURE_MALFORMED,    "signature-malformed",    EBADMSG,    "what follows the ELF file is not exactly one signature") \
    X(SIGNATURE_UNSUPPORTED,  "signature-unsupported",  EOPNOTSUPP, "the signature is of a kind that this build cannot check") \
    X(SIGNATURE_POLICY,       "signature-policy",       EACCES,     "the policy does not allow this kind of signature") \
    X(SIGNATURE_BAD,          "signature-bad",          EBADMSG,    "the payload or its signature is not what the key signed") \
    X(SIGNATURE_REVOKED,      "signature-revoked",      EACCES,     "the key or the payload is revoked") \
    X(KEY_UNKNOWN,            "key-unknown",            EACCES,     "no trusted key has the signature's key identifier") \
    X(KEY_WEAK,               "key-weak",               EACCES,     "the key is too weak, or of an unsafe form") \
    X(KEY_INVALID,            "key-invalid",            EINVAL,     "the key is incomplete or not well formed") \
    X(KEY_CONFLICT,           "key-conflict",           EEXIST,     "another key of the ring has the same identifier") \
    X(KEYRING_FULL,           "keyring-full",           ENOBUFS,    "the key ring has no room for another key") \
    X(ROLLBACK,               "rollback",               EACCES,     "the payload's version is below the lowest that is accepted") \
    X(VERSION,                "version",                EINVAL,     "the payload's hotpatch_version is no number, or there are several") \
    /* certificates, private keys and signing: hosted only */                                                           \
    X(CERTIFICATE_INVALID,    "certificate-invalid",    EINVAL,     "not exactly one well-formed X.509 certificate")    \
    X(CERTIFICATE_USAGE,      "certificate-usage",      EACCES,     "the certificate does not let its key sign code")   \
    X(CERTIFICATE_EXPIRED,    "certificate-expired",    EACCES,     "the certificate is not valid at this time")        \
    X(KEYRING_FILE,           "keyring-file",           EINVAL,     "the certificates of the key ring cannot be read")  \
    X(KEY_LOCKED,             "key-locked",             EACCES,     "the private key needs a passphrase or PIN, or another one") \
    X(KEY_ENGINE,             "key-engine",             ENOSYS,     "keys in tokens need the OpenSSL engine pkcs11, which is not installed") \
    X(KEY_MISMATCH,           "key-mismatch",           EINVAL,     "the private key is not that of the certificate")   \
    X(ALREADY_SIGNED,         "already-signed",         EEXIST,     "the payload has a signature")                      \
    X(SIGNING_FAILED,         "signing-failed",         EINVAL,     "the private key could not make a signature")       \
    /* ELF header */                                                                                                   \
    X(ELF_TRUNCATED,          "elf-truncated",          EINVAL,     "the file ends inside the ELF header or the section header table") \
    X(ELF_MAGIC,              "elf-magic",              EINVAL,     "not an ELF file")                                 \
    X(ELF_CLASS,              "elf-class",              EOPNOTSUPP, "the ELF class is unknown or not the one of the target's architecture") \
    X(ELF_BYTE_ORDER,         "elf-byte-order",         EOPNOTSUPP, "the byte order is not one that a supported architecture uses") \
    X(ELF_VERSION,            "elf-version",            EOPNOTSUPP, "the ELF version is not EV_CURRENT")               \
    X(ELF_OSABI,              "elf-osabi",              EOPNOTSUPP, "the OS ABI is neither NONE nor FREEBSD")          \
    X(ELF_ABI_VERSION,        "elf-abi-version",        EOPNOTSUPP, "the ABI version is not 0")                        \
    X(ELF_TYPE,               "elf-type",               EOPNOTSUPP, "not a relocatable file (ET_REL)")                 \
    X(ELF_MACHINE,            "elf-machine",            EOPNOTSUPP, "the machine is not the target's, or not supported by this build") \
    X(ELF_PHNUM,              "elf-phnum",              EOPNOTSUPP, "a relocatable file has no program headers")       \
    X(ELF_SHENTSIZE,          "elf-shentsize",          EINVAL,     "the section header size is below that of the ELF class") \
    X(ELF_NO_SECTIONS,        "elf-no-sections",        EINVAL,     "the file has no sections")                        \
    X(ELF_TOO_MANY_SECTIONS,  "elf-too-many-sections",  EINVAL,     "the number of sections is above the limit")       \
    X(ELF_SHSTRNDX,           "elf-shstrndx",           EINVAL,     "the section name table is undefined or out of range") \
    /* sections */                                                                                                     \
    X(SECTION_BOUNDS,         "section-bounds",         EINVAL,     "the section lies outside the file")               \
    X(SECTION_NAME,           "section-name",           EINVAL,     "the section's name lies outside the name table")  \
    X(SECTION_ALIGN,          "section-align",          EINVAL,     "the section's alignment is not a power of two")   \
    X(SECTION_ADDRESS,        "section-address",        EINVAL,     "the section's address is not a multiple of its alignment") \
    X(SECTION_OFFSET,         "section-offset",         EINVAL,     "the section begins inside the ELF header") \
    X(SECTION_NULL,           "section-null",           EINVAL,     "the header of no section (SHT_NULL) is not the first one") \
    X(SECTION_ENTSIZE,        "section-entsize",        EINVAL,     "the section's entry size is wrong or does not divide its size") \
    X(SECTION_LINK,           "section-link",           EINVAL,     "the section's sh_link does not name a section of the right kind") \
    X(SECTION_INFO,           "section-info",           EINVAL,     "the relocation section's sh_info does not name a section to relocate") \
    X(SECTION_WX,             "section-wx",             EINVAL,     "the section is both writable and executable")     \
    X(SECTION_COMPRESSED,     "section-compressed",     EOPNOTSUPP, "a compressed section cannot be loaded")           \
    X(STRTAB_UNTERMINATED,    "strtab-unterminated",    EINVAL,     "the string table does not begin and end with a NUL byte") \
    X(SYMTAB_MISSING,         "symtab-missing",         EINVAL,     "the file has no symbol table")                    \
    X(SYMTAB_DUPLICATE,       "symtab-duplicate",       EINVAL,     "the file has more than one symbol table")         \
    X(SYMTAB_SHNDX,           "symtab-shndx",           EINVAL,     "the extended section index table is missing, doubled or too short") \
    X(RELOC_TABLES_SIZE,      "reloc-tables-size",      EINVAL,     "the relocation sections overlap: together they are larger than the file") \
    X(SPECIAL_DUPLICATE,      "special-duplicate",      EINVAL,     "a second section of this name")                   \
    X(SPECIAL_NOT_LOADED,     "special-not-loaded",     EINVAL,     "the section must be allocated and have contents") \
    X(SPECIAL_MISSING,        "special-missing",        EINVAL,     "a required section is missing")                   \
    X(SPECIAL_EMPTY,          "special-empty",          EINVAL,     "the section must not be empty")                   \
    X(SPECIAL_UNSUPPORTED,    "special-unsupported",    EOPNOTSUPP, "the target cannot make use of this section")      \
    X(NOTHING_TO_DO,          "nothing-to-do",          EINVAL,     "the payload has neither functions, hooks nor splices") \
    X(MODINFO,                "modinfo",                EINVAL,     "the metadata is empty or does not end with a NUL byte") \
    X(NOTE,                   "note",                   EINVAL,     "the section does not hold one GNU build-id note") \
    /* identity */                                                                                                     \
    X(TARGET_BUILD_ID,        "target-build-id",        EINVAL,     "the payload was made for another target build")   \
    X(DEPENDS_BUILD_ID,       "depends-build-id",       EINVAL,     "the payload does not stack on what is applied last") \
    X(BUILD_ID_EXISTS,        "build-id-exists",        EEXIST,     "a loaded payload, or the target, has the same build-id")          \
    X(COMPILER_UNKNOWN,       "compiler-unknown",       EOPNOTSUPP, "the target does not tell which compiler made it") \
    X(COMPILER_MISSING,       "compiler-missing",       EINVAL,     "the payload does not tell which compiler made it") \
    X(COMPILER_DIFFERS,       "compiler-differs",       EINVAL,     "another compiler made the payload than the target") \
    /* layout */                                                                                                       \
    X(NOBITS_TOO_LARGE,       "nobits-too-large",       EINVAL,     "the zero-filled section is above the size limit") \
    X(IMAGE_TOO_LARGE,        "image-too-large",        EINVAL,     "the loaded size is above the limit")              \
    /* symbols */                                                                                                      \
    X(SYMBOL_NAME,            "symbol-name",            EINVAL,     "the symbol's name lies outside the string table, or is empty") \
    X(SYMBOL_NAME_LENGTH,     "symbol-name-length",     EINVAL,     "the symbol's name is above the length limit")     \
    X(SYMBOL_SECTION,         "symbol-section",         EINVAL,     "the symbol's section index is out of range")      \
    X(SYMBOL_VALUE,           "symbol-value",           EINVAL,     "the symbol lies outside its section")             \
    X(SYMBOL_COMMON,          "symbol-common",          EINVAL,     "common symbols cannot be loaded (compile with -fno-common)") \
    X(SYMBOL_TLS,             "symbol-tls",             EOPNOTSUPP, "thread-local symbols are not supported")          \
    X(SYMBOL_IFUNC,           "symbol-ifunc",           EOPNOTSUPP, "indirect functions are not supported")            \
    X(SYMBOL_UNDEFINED,       "symbol-undefined",       ENOENT,     "neither the target nor a loaded payload provides the symbol") \
    X(SYMBOL_AMBIGUOUS,       "symbol-ambiguous",       EINVAL,     "the target has several symbols of this name")     \
    X(SYMBOL_EXISTS,          "symbol-exists",          EEXIST,     "a new symbol already exists in the target or a loaded payload") \
    X(SYMBOL_DUPLICATE,       "symbol-duplicate",       EINVAL,     "the payload defines two global symbols of this name") \
    X(SYMBOL_NOT_LOADED,      "symbol-not-loaded",      EINVAL,     "the relocation refers to a symbol in a section that is not loaded") \
    X(THUMB_CODE,             "thumb-code",             EOPNOTSUPP, "Thumb code is not supported (compile with -marm)") \
    /* relocations */                                                                                                  \
    X(RELOC_FORM,             "reloc-form",             EOPNOTSUPP, "the architecture does not use this form of relocation section") \
    X(RELOC_TARGET,           "reloc-target",           EINVAL,     "a section without file contents, or one that is read as it stands, cannot be relocated") \
    X(RELOC_TYPE,             "reloc-type",             EOPNOTSUPP, "the relocation type is not supported")            \
    X(RELOC_SYMBOL_ZERO,      "reloc-symbol-zero",      EOPNOTSUPP, "the relocation needs a symbol and has none")      \
    X(RELOC_SYMBOL_INDEX,     "reloc-symbol-index",     EINVAL,     "the relocation's symbol index is past the symbol table") \
    X(RELOC_OFFSET,           "reloc-offset",           EINVAL,     "the relocated field lies outside its section")    \
    X(RELOC_OVERFLOW,         "reloc-overflow",         EOVERFLOW,  "the relocated value does not fit its field")      \
    X(RELOC_ALIGN,            "reloc-align",            EINVAL,     "the relocated value is not as aligned as its field demands") \
    X(RELOC_ADDEND,           "reloc-addend",           EOPNOTSUPP, "a reference through the GOT takes no addend")     \
    X(RELOC_GOT_BASE,         "reloc-got-base",         EOPNOTSUPP, "the relocation means a GOT, and its symbol is not _GLOBAL_OFFSET_TABLE_")     \
    X(RELOC_PAIR,             "reloc-pair",             EINVAL,     "no %pcrel_hi of the same section is where this %pcrel_lo points") \
    X(RELOC_RELAX,            "reloc-relax",            EOPNOTSUPP, "padding waits for a linker to shorten it (assemble with -mno-relax)") \
    X(RELOC_ERRATUM,          "reloc-erratum",          EOPNOTSUPP, "an ADRP at a page's end meets erratum 843419 of the target's processor") \
    /* records and hooks */                                                                                            \
    X(RECORD_SIZE,            "record-size",            EINVAL,     "the section's size is not a multiple of the record size") \
    X(RECORD_VERSION,         "record-version",         EOPNOTSUPP, "the record's version is unknown or not accepted") \
    X(RECORD_VERSION_MIXED,   "record-version-mixed",   EOPNOTSUPP, "the records of one payload must have one version") \
    X(RECORD_RESERVED,        "record-reserved",        EINVAL,     "reserved bytes of the record are not zero")       \
    X(RECORD_NAME_NULL,       "record-name-null",       EINVAL,     "a record without old_addr needs a name")          \
    X(RECORD_NAME_OUTSIDE,    "record-name-outside",    EINVAL,     "the record's name lies outside the payload")      \
    X(RECORD_NAME_UNTERMINATED, "record-name-unterminated", EINVAL, "the record's name is empty, too long or not terminated") \
    X(RECORD_NAME_OFFSET,     "record-name-offset",     EINVAL,     "the offset in the record's name is no number or past the symbol") \
    X(RECORD_NEW_ADDR,        "record-new-addr",        EINVAL,     "new_addr lies outside the payload's text")        \
    X(RECORD_OLD_SIZE,        "record-old-size",        EINVAL,     "old_size is zero or too small for the jump")      \
    X(RECORD_TARGET,          "record-target",          ENOENT,     "the function to patch is not found")              \
    X(RECORD_OLD_ALIGN,       "record-old-align",       EINVAL,     "the location to patch is not aligned as instructions are") \
    X(RECORD_TARGET_KIND,     "record-target-kind",     EINVAL,     "the record names a symbol that is not code")      \
    X(NOP_TOO_LONG,           "nop-too-long",           EOPNOTSUPP, "more bytes to NOP than a record allows")          \
    X(NOP_SIZE,               "nop-size",               EINVAL,     "the bytes to NOP are above old_size, below the landing pad or no whole instructions") \
    X(NOP_WHOLE,              "nop-whole",              EINVAL,     "execution would run past the end of the NOPed function") \
    X(EXPECT_RESERVED,        "expect-reserved",        EINVAL,     "reserved bits of the expectation are set")        \
    X(EXPECT_LENGTH,          "expect-length",          ERANGE,     "the expectation is longer than the function")     \
    X(EXPECT_MISMATCH,        "expect-mismatch",        EINVAL,     "the target's bytes are not the expected ones")    \
    X(SPLICE_KIND,            "splice-kind",            EOPNOTSUPP, "the splice is of an unknown kind")                \
    X(SPLICE_LENGTH,          "splice-length",          EINVAL,     "the splice has no bytes, or more than its kind or its record can have") \
    X(SPLICE_PLACE,           "splice-place",           ENOENT,     "the place to splice is not found")                \
    X(SPLICE_OLD_MISSING,     "splice-old-missing",     EINVAL,     "the splice does not say what it replaces")        \
    X(SPLICE_OLD_UNKNOWN,     "splice-old-unknown",     ENOENT,     "what the splice replaces is not found")           \
    X(SPLICE_NEW_TARGET,      "splice-new-target",      EINVAL,     "the new target is neither in the payload nor code of the target") \
    X(LANDING_PAD_MISSING,    "landing-pad-missing",    EINVAL,     "a function that is called indirectly begins with no landing pad, and the target enforces that") \
    X(HOOK_SIZE,              "hook-size",              EINVAL,     "the hook section does not hold whole pointers, or not exactly one") \
    X(HOOK_POINTER,           "hook-pointer",           EINVAL,     "the hook lies outside the payload's text")        \
    /* tables */                                                                                                       \
    X(TABLE_SIZE,             "table-size",             EINVAL,     "the section does not hold whole entries")         \
    X(EX_FAULT,               "ex-fault",               EINVAL,     "the entry's fault address is no instruction of the payload") \
    X(EX_FIXUP,               "ex-fixup",               EINVAL,     "the entry's fix-up is no instruction of the payload") \
    X(BUG_ADDRESS,            "bug-address",            EINVAL,     "the bug frame is not about an instruction of the payload") \
    X(ALT_SITE,               "alt-site",               EINVAL,     "the bytes to replace are not in the payload's code") \
    X(ALT_REPLACEMENT,        "alt-replacement",        EINVAL,     "the replacement is not in .altinstr_replacement") \
    X(ALT_LENGTH,             "alt-length",             EINVAL,     "the replacement does not fit the bytes to replace") \
    X(ALT_CALLBACK,           "alt-callback",           EOPNOTSUPP, "alternatives that call a function are not supported") \
    X(ALT_FEATURE,            "alt-feature",            EINVAL,     "the target does not know the CPU feature")        \
    X(ALT_REACH,              "alt-reach",              EOVERFLOW,  "a branch does not reach its destination from where it is put") \
    X(ALT_CALL_SITE,          "alt-call-site",          EINVAL,     "no indirect call of the payload's code is where the table says") \
    X(ALT_CALL_POINTER,       "alt-call-pointer",       EINVAL,     "the pointer that is called through holds no address") \
    /* plan */                                                                                                         \
    X(PATCH_REACH,            "patch-reach",            EOVERFLOW,  "the new function is out of the jump's reach")     \
    X(PATCH_PAST_FUNCTION,    "patch-past-function",    EINVAL,     "the bytes to write reach past the end of the target's function") \
    X(PATCH_LANDING_PAD,      "patch-landing-pad",      EINVAL,     "the location is inside the landing pad of its function") \
    X(PATCH_SIGNING,          "patch-signing",          EINVAL,     "NOPs must not replace the instruction that signs the return address") \
    X(PATCH_FILLER,           "patch-filler",           EINVAL,     "the bytes behind the function that the jump needs are no filler") \
    X(PATCH_RANGE,            "patch-range",            EINVAL,     "the location is not patchable code of the target") \
    X(PATCH_DENIED,           "patch-denied",           EPERM,      "the location is on the target's deny list")       \
    X(PATCH_OVERLAP,          "patch-overlap",          EINVAL,     "two patches of the payload overlap")              \
    X(SPLICE_WRITABLE,        "splice-writable",        EINVAL,     "variables of the target are not spliced (a hook can set them)") \
    X(SPLICE_BOUNDS,          "splice-bounds",          EINVAL,     "the splice reaches past the end of the function or object") \
    X(SPLICE_ALIGN,           "splice-align",           EINVAL,     "the splice is not aligned as instructions or pointers are") \
    X(SPLICE_NOT_CODE,        "splice-not-code",        EINVAL,     "a call or jump can be spliced in code only")      \
    X(SPLICE_NOT_BRANCH,      "splice-not-branch",      EINVAL,     "no call or jump, whichever the splice says, is at the place") \
    X(SPLICE_OLD_TARGET,      "splice-old-target",      EINVAL,     "the call, jump or pointer does not lead where the splice says") \
    /* manager */                                                                                                      \
    X(PAYLOAD_NAME,           "payload-name",           EINVAL,     "the payload's name is empty or too long")         \
    X(PAYLOAD_EXISTS,         "payload-exists",         EEXIST,     "a payload of this name is loaded")                \
    X(PAYLOAD_UNKNOWN,        "payload-unknown",        ENOENT,     "no payload of this name is loaded")               \
    X(ACTION_BUSY,            "action-busy",            EBUSY,      "another action is scheduled")                     \
    X(ACTION_PENDING,         "action-pending",         EAGAIN,     "the action has not finished")                     \
    X(ACTION_STATE,           "action-state",           EINVAL,     "the payload's state does not allow the action")   \
    X(ACTION_NOT_TOP,         "action-not-top",         EINVAL,     "a payload was applied after this one")            \
    X(ACTION_FLAGS,           "action-flags",           EINVAL,     "the action has unknown flags, or they are not allowed here") \
    X(ACTION_HOOKS,           "action-hooks",           EOPNOTSUPP, "a payload that takes part has hooks with which it cannot be replaced") \
    X(HOOK_FAILED,            "hook-failed",            EINVAL,     "a hook of the payload refused the action")        \
    X(REAPPLY,                "reapply",                EINVAL,     "a payload with data of its own can be applied once; upload it again") \
    X(PROVIDER_MISSING,       "provider-missing",       ENOENT,     "a payload whose symbols this one uses is not applied") \
    X(PATCH_STACKING,         "patch-stacking",         EINVAL,     "the patch overlaps one of an applied payload that it does not stack on") \
    X(ALIAS_MAP,              "alias-map",              ENOMEM,     "the port could not map target memory for writing") \
    X(CPUS_NOT_HELD,          "cpus-not-held",          EBUSY,      "CPUs are coming or going")                        \
    X(RENDEZVOUS_TIMEOUT,     "rendezvous-timeout",     EBUSY,      "a CPU did not reach its safe point in time")      \
    X(STACK_BUSY,             "stack-busy",             EBUSY,      "a CPU or a sleeping context is inside a function to be patched") \
    X(STACK_UNKNOWN,          "stack-unknown",          EOPNOTSUPP, "the target cannot tell which functions are in use, and that is required") \
    X(MEMORY_CHANGED,         "memory-changed",         EINVAL,     "target memory is not what it was or should be")
/* clang-format on */

/* Result of every function that can fail. HP_OK is 0; all others are defects or refusals. */
enum hp_status {
#define HP_STATUS_ENUM(id, name, err, text) HP_##id,
    HP_STATUS_LIST(HP_STATUS_ENUM)
#undef HP_STATUS_ENUM
        HP_STATUS_COUNT
};

/* Where on the data path a defect was found, in the order of the path. */
enum hp_stage {
    HP_STAGE_NONE = 0,
    HP_STAGE_CALL,      /* arguments and the port's answers */
    HP_STAGE_SIGNATURE, /* extent and trailer */
    HP_STAGE_ELF,       /* header and section table */
    HP_STAGE_IDENTITY,  /* build-id notes */
    HP_STAGE_LAYOUT,    /* placing sections, obtaining memory */
    HP_STAGE_SYMBOLS,   /* resolving and exporting symbols */
    HP_STAGE_RELOC,     /* relocation */
    HP_STAGE_RECORDS,   /* function records, hooks, tables */
    HP_STAGE_PLAN,      /* writes against the target's memory */
    HP_STAGE_ACTION,    /* states, rendezvous and window */
    HP_STAGE_COUNT
};

#define HP_NO_INDEX  UINT32_MAX /* "absent" in the index fields of struct hp_diag */
#define HP_NO_OFFSET UINT64_MAX /* "absent" in hp_diag.offset */

#define HP_DIAG_SECTION_MAX 48  /* bytes kept of a section name, with NUL */
#define HP_DIAG_NAME_MAX    128 /* bytes kept of a symbol name, with NUL */

/* Makes the compiler warn where a status is dropped. */
#if defined(__GNUC__)
#define HP_MUST_USE __attribute__((warn_unused_result))
#else
#define HP_MUST_USE
#endif

/*
 * What was wrong and where. Owned by the caller; filled by the first failure and left alone by the
 * calls that succeed. Index fields are HP_NO_INDEX where they do not apply.
 */
struct hp_diag {
    enum hp_status status;
    enum hp_stage stage;
    uint32_t section;    /* section header index */
    uint32_t relocation; /* index within that relocation section */
    uint32_t symbol;     /* symbol table index */
    uint32_t record;     /* index within .livepatch.funcs or the section that is named */
    uint32_t reloc_type; /* of the machine below */
    uint32_t machine;    /* e_machine, for the name of reloc_type; 0 when not known */
    uint64_t offset;   /* in the file; with a relocation in the section it patches; at HP_STAGE_PLAN
                          in the function */
    uint64_t expected; /* limit or wanted value; meaning follows from the status */
    uint64_t actual;   /* value found */
    uint8_t has_numbers; /* 1 when expected and actual are set */
    const char *profile; /* name of the profile whose own rule this is; NULL: a general rule */
    char section_name[HP_DIAG_SECTION_MAX];
    char name[HP_DIAG_NAME_MAX]; /* symbol or record name as found in the payload; may be
                                    unprintable */
};

/*
 * Prepares a diagnostics record: HP_OK, nothing named. Any context; never fails.
 *
 *   diag  the record to reset; NULL is allowed and does nothing
 */
void hp_diag_init(struct hp_diag *diag);

/* Short name of a status, as used in tool output: "reloc-overflow". Never NULL; static storage. */
const char *hp_status_name(enum hp_status status);

/* One sentence on a status, lower case, no full stop. Never NULL; static storage. */
const char *hp_status_text(enum hp_status status);

/* Error number of the control ABI for a status: positive, 0 for HP_OK. */
enum hp_errno hp_status_errno(enum hp_status status);

/* Name of an error number: "EINVAL"; "OK" for 0; "E?" for one that the ABI does not use. */
const char *hp_errno_name(enum hp_errno err);

/* Short name of a stage: "reloc". Never NULL; static storage. */
const char *hp_stage_name(enum hp_stage stage);

/*
 * Writes one line on a failure: sentence, then section, relocation, symbol, record and numbers as
 * far as they are known. Bytes of names that are not printable ASCII are written as \xNN.
 *
 *   diag  a filled record
 *   buf   receives the line, always NUL-terminated when size > 0
 *   size  bytes at buf; 512 hold every message
 *
 * Returns the length of the line without its NUL; when that is >= size, the line was cut.
 * Any context; allocates nothing.
 */
size_t hp_diag_format(const struct hp_diag *diag, char *buf, size_t size);

#ifdef __cplusplus
}
#endif

#endif
