/* SPDX-License-Identifier: BSD-2-Clause */
/* The hotpatch tool: reads the command line and runs one command. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"

/* Which options a command takes. */
enum {
    TAKES_TARGET = 1 << 0, /* --target and --base, --after, --profile */
    TAKES_JSON = 1 << 1,
    TAKES_OUTPUT = 1 << 2,
    NEEDS_TARGET = 1 << 3,
    MANY_FILES = 1 << 4,
    TAKES_KEYRING = 1 << 5, /* --keyring, --policy */
    NEEDS_KEYRING = 1 << 6,
    TAKES_REQUIRE = 1 << 7,    /* --require-signature */
    TAKES_SIGNING = 1 << 8,    /* --cert, --format, --hash, --resign, --allow-weak-key */
    TAKES_KEY = 1 << 9,        /* --key, --digest-only, --passphrase-env, --passphrase-file */
    TAKES_SIGNATURE = 1 << 10, /* --signature */
    TAKES_PACKING = 1 << 11    /* --depends, --expect, metadata */
};

struct command {
    const char *name;
    int (*run)(const struct options *options);
    unsigned flags;
    const char *synopsis;
    const char *what;
};

static const struct command commands[] = {
    {"inspect", inspect_run, TAKES_JSON | TAKES_KEYRING,
     "[--keyring DIR] [--policy FILE] [--json] FILE", "Shows what a payload holds."},
    {"validate", validate_run,
     TAKES_TARGET | TAKES_JSON | MANY_FILES | TAKES_KEYRING | TAKES_REQUIRE,
     "[--target IMAGE] [--base ADDR] [--after FILE]... [--profile P] [--filler]\n"
     "           [--same-compiler] [--keyring DIR] [--policy FILE] [--require-signature] [--json]\n"
     "           FILE...",
     "Says for each payload whether the target would take it, and why not."},
    {"plan", plan_run, TAKES_TARGET | NEEDS_TARGET | TAKES_JSON,
     "--target IMAGE [--base ADDR] [--after FILE]... [--profile P] [--filler]\n"
     "           [--same-compiler] [--json] FILE",
     "Shows every write that applying a payload makes."},
    {"link", link_run, TAKES_TARGET | NEEDS_TARGET | TAKES_OUTPUT,
     "--target IMAGE [--base ADDR] [--after FILE]... [--profile P] [--filler]\n"
     "           [--same-compiler] -o OUT FILE",
     "Writes a payload as it would lie in memory, as an ELF image for objdump and gdb."},
    {"pack", pack_run,
     TAKES_TARGET | NEEDS_TARGET | TAKES_OUTPUT | MANY_FILES | TAKES_PACKING |
         (HP_WITH_SIGNATURES ? TAKES_SIGNING | TAKES_KEY : 0),
     "--target IMAGE [--depends PAYLOAD|IMAGE] [--after FILE]... [--profile P] [--filler]\n"
     "           [--same-compiler] [--expect] [--name TEXT] [--description TEXT] [--cve LIST]\n"
     "           [--payload-version N] [--key FILE --cert FILE ...] -o OUT OBJECT...",
     "Makes a payload of compiled objects, complete and checked; with --key signs it."},
#if HP_WITH_SIGNATURES
    {"sign", sign_run, TAKES_SIGNING | TAKES_KEY | TAKES_OUTPUT,
     "--key FILE|pkcs11:URI --cert FILE [--format xendoc|linux] [--hash HASH] [--resign]\n"
     "           [--allow-weak-key] [--passphrase-env NAME | --passphrase-file FILE] -o OUT FILE\n"
     "       hotpatch sign --digest-only [--hash HASH] [--resign] -o OUT FILE",
     "Signs a payload, or writes the digest that is to be signed elsewhere."},
    {"verify", verify_run, TAKES_KEYRING | NEEDS_KEYRING | TAKES_JSON | MANY_FILES,
     "--keyring DIR [--policy FILE] [--json] FILE...",
     "Says for each payload whether a trusted key signed it. Exits with 3: unsigned."},
    {"sig show", sig_show_run, TAKES_JSON, "[--json] FILE",
     "Shows what a signature says of itself, without verifying it. Exits with 3: unsigned."},
    {"sig strip", sig_strip_run, TAKES_OUTPUT, "-o OUT FILE",
     "Writes a payload without its signature. Exits with 3: unsigned."},
    {"sig attach", sig_attach_run, TAKES_SIGNING | TAKES_SIGNATURE | TAKES_OUTPUT,
     "--signature FILE --cert FILE [--format xendoc|linux] [--hash HASH] [--resign]\n"
     "           [--allow-weak-key] -o OUT FILE",
     "Adds a signature that was made elsewhere, if it is one of this payload."},
#endif
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

enum {
    OPT_OPERAND = 1, /* what getopt_long() returns for operands when told to keep the order */
    OPT_TARGET = 0x100,
    OPT_BASE,
    OPT_AFTER,
    OPT_PROFILE,
    OPT_FILLER,
    OPT_SAME_COMPILER,
    OPT_JSON,
    OPT_KEYRING,
    OPT_POLICY,
    OPT_REQUIRE,
    OPT_KEY,
    OPT_CERT,
    OPT_FORMAT,
    OPT_HASH,
    OPT_RESIGN,
    OPT_WEAK,
    OPT_DIGEST_ONLY,
    OPT_SIGNATURE,
    OPT_PASSPHRASE_ENV,
    OPT_PASSPHRASE_FILE,
    OPT_DEPENDS,
    OPT_EXPECT,
    OPT_NAME,
    OPT_DESCRIPTION,
    OPT_CVE,
    OPT_PAYLOAD_VERSION,
    OPT_HELP,
    OPT_VERSION
};

static const struct option long_options[] = {
    {"target", required_argument, NULL, OPT_TARGET},
    {"base", required_argument, NULL, OPT_BASE},
    {"after", required_argument, NULL, OPT_AFTER},
    {"profile", required_argument, NULL, OPT_PROFILE},
    {"filler", no_argument, NULL, OPT_FILLER},
    {"same-compiler", no_argument, NULL, OPT_SAME_COMPILER},
    {"json", no_argument, NULL, OPT_JSON},
    {"output", required_argument, NULL, 'o'},
    {"keyring", required_argument, NULL, OPT_KEYRING},
    {"policy", required_argument, NULL, OPT_POLICY},
    {"require-signature", no_argument, NULL, OPT_REQUIRE},
    {"key", required_argument, NULL, OPT_KEY},
    {"cert", required_argument, NULL, OPT_CERT},
    {"format", required_argument, NULL, OPT_FORMAT},
    {"hash", required_argument, NULL, OPT_HASH},
    {"resign", no_argument, NULL, OPT_RESIGN},
    {"allow-weak-key", no_argument, NULL, OPT_WEAK},
    {"digest-only", no_argument, NULL, OPT_DIGEST_ONLY},
    {"signature", required_argument, NULL, OPT_SIGNATURE},
    {"passphrase-env", required_argument, NULL, OPT_PASSPHRASE_ENV},
    {"passphrase-file", required_argument, NULL, OPT_PASSPHRASE_FILE},
    {"depends", required_argument, NULL, OPT_DEPENDS},
    {"expect", no_argument, NULL, OPT_EXPECT},
    {"name", required_argument, NULL, OPT_NAME},
    {"description", required_argument, NULL, OPT_DESCRIPTION},
    {"cve", required_argument, NULL, OPT_CVE},
    {"payload-version", required_argument, NULL, OPT_PAYLOAD_VERSION},
    {"help", no_argument, NULL, OPT_HELP},
    {"version", no_argument, NULL, OPT_VERSION},
    {NULL, 0, NULL, 0},
};

/* What was on the command line, before it is checked against the command. */
struct arguments {
    const struct command *command; /* NULL: none given */
    const char *family;            /* first word of a command that has two; NULL: not given */
    struct options options;
    unsigned seen; /* TAKES_* of the options given */
    bool help;
    bool version;
};

static void print_help(const struct command *command)
{
    size_t i;

    if (command != NULL) {
        printf("Usage: hotpatch %s %s\n\n%s\n", command->name, command->synopsis, command->what);
    } else {
        for (i = 0; i < COMMAND_COUNT; i++) {
            printf("%s hotpatch %s %s\n", i == 0 ? "Usage:" : "      ", commands[i].name,
                   commands[i].synopsis);
        }
        printf("       hotpatch [COMMAND] --help\n       hotpatch --version\n");
    }
    if (command == NULL || (command->flags & TAKES_TARGET) != 0) {
        const struct hp_profile *profile;

        puts("\n"
             "  --target IMAGE  unstripped ELF image of what is to be patched, such as xen-syms\n"
             "  --base ADDR     address of the first payload in the target's memory\n"
             "  --after FILE    a payload that is applied before; may be given several times");
        printf("  --profile P     whose limits and rules:");
        for (i = 0; (profile = hp_profile_at(i)) != NULL; i++) {
            printf("%s %s%s", i == 0 ? "" : ",", profile->name, i == 0 ? " (default)" : "");
        }
        puts("\n  --filler        padding behind a function counts where a jump needs it\n"
             "  --same-compiler payloads are made by the target's compiler, as .comment tells");
    }
    if (command == NULL || (command->flags & TAKES_JSON) != 0) {
        puts("  --json          one JSON object for each file");
    }
    if (command == NULL || (command->flags & TAKES_OUTPUT) != 0) {
        puts("  -o, --output F  the file to write");
    }
    if (command == NULL || (command->flags & TAKES_KEYRING) != 0) {
        puts("  --keyring DIR   certificates (.pem, .crt, .cer, .der, .x509) of the trusted keys\n"
             "  --policy FILE   which signatures are accepted");
    }
    puts("\nFILE may be - for standard input. Exits with 0: accepted, 1: refused, 2: trouble.\n"
         "See hotpatch(1).");
}

static int point_to_help(const struct command *command)
{
    fprintf(stderr, "Try 'hotpatch %s%s--help'.\n", command != NULL ? command->name : "",
            command != NULL ? " " : "");
    return TOOL_TROUBLE;
}

static int usage_error(const struct command *command, const char *what, const char *word)
{
    char *shown = text_escape(word, strlen(word), TEXT_ALL);

    fprintf(stderr, "hotpatch: %s%s%s\n", what, word[0] != '\0' ? ": " : "", shown);
    free(shown);
    return point_to_help(command);
}

static bool parse_number(const char *text, uint64_t *value)
{
    bool is_hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    const char *digits = is_hex ? text + 2 : text;
    size_t length = strspn(digits, is_hex ? "0123456789abcdefABCDEF" : "0123456789");
    unsigned long long parsed;

    if (length == 0 || digits[length] != '\0') {
        return false;
    }
    errno = 0;
    parsed = strtoull(digits, NULL, is_hex ? 16 : 10);
    *value = parsed;
    return errno == 0 && parsed <= UINT64_MAX;
}

/* True when `name` is `word`, or `family`, a blank and `word`. */
static bool is_command(const char *name, const char *family, const char *word)
{
    const size_t length = family != NULL ? strlen(family) : 0;

    if (family == NULL) {
        return strcmp(name, word) == 0;
    }
    return strncmp(name, family, length) == 0 && name[length] == ' ' &&
           strcmp(name + length + 1, word) == 0;
}

/* The first operand is the command, or the first two are; the others are files. */
static int take_operand(struct arguments *args, const char *word)
{
    const size_t length = strlen(word);
    size_t i;

    if (args->command != NULL) {
        args->options.files[args->options.file_count++] = word;
        return TOOL_ACCEPTED;
    }
    for (i = 0; i < COMMAND_COUNT; i++) {
        const char *name = commands[i].name;

        if (is_command(name, args->family, word)) {
            args->command = &commands[i];
            return TOOL_ACCEPTED;
        }
        if (args->family == NULL && strncmp(name, word, length) == 0 && name[length] == ' ') {
            args->family = word;
            return TOOL_ACCEPTED;
        }
    }
    return usage_error(NULL, "no such command", word);
}

static int take_format(struct arguments *args, const char *value)
{
    enum hp_signature_format *format = &args->options.format;

    if (strcmp(value, "xendoc") == 0) {
        *format = HP_SIGNATURE_XENDOC;
    } else if (strcmp(value, "linux") == 0) {
        *format = HP_SIGNATURE_LINUX;
    } else {
        return usage_error(args->command, "--format takes xendoc or linux", value);
    }
    return TOOL_ACCEPTED;
}

static int take_hash(struct arguments *args, const char *value)
{
    enum hp_hash *hash = &args->options.hash;

    if (strcmp(value, "sha256") == 0) {
        *hash = HP_HASH_SHA256;
    } else if (strcmp(value, "sha384") == 0) {
        *hash = HP_HASH_SHA384;
    } else if (strcmp(value, "sha512") == 0) {
        *hash = HP_HASH_SHA512;
    } else {
        return usage_error(args->command, "--hash takes sha256, sha384 or sha512", value);
    }
    return TOOL_ACCEPTED;
}

/* A URI may have the PIN in it, which has no place on a command line. */
static int take_key(struct arguments *args, const char *value)
{
    if (strncmp(value, "pkcs11:", strlen("pkcs11:")) == 0 && strstr(value, "pin-value") != NULL) {
        return usage_error(args->command,
                           "no PIN in the URI: others can read it; see --passphrase-env", "");
    }
    args->options.key = value;
    return TOOL_ACCEPTED;
}

/* Options of signatures. */
static int take_signature_option(struct arguments *args, int option, const char *value)
{
    static const struct {
        int option;
        unsigned bit;
    } bits[] = {
        {OPT_KEYRING, TAKES_KEYRING},     {OPT_POLICY, TAKES_KEYRING},
        {OPT_REQUIRE, TAKES_REQUIRE},     {OPT_KEY, TAKES_KEY},
        {OPT_CERT, TAKES_SIGNING},        {OPT_FORMAT, TAKES_SIGNING},
        {OPT_HASH, TAKES_SIGNING},        {OPT_RESIGN, TAKES_SIGNING},
        {OPT_WEAK, TAKES_SIGNING},        {OPT_DIGEST_ONLY, TAKES_KEY},
        {OPT_SIGNATURE, TAKES_SIGNATURE}, {OPT_PASSPHRASE_ENV, TAKES_KEY},
        {OPT_PASSPHRASE_FILE, TAKES_KEY},
    };
    struct options *options = &args->options;
    size_t i;

    for (i = 0; i < sizeof(bits) / sizeof(bits[0]); i++) {
        args->seen |= bits[i].option == option ? bits[i].bit : 0;
    }
    switch (option) {
    case OPT_KEYRING:
        options->keyring = value;
        return TOOL_ACCEPTED;
    case OPT_POLICY:
        options->policy = value;
        return TOOL_ACCEPTED;
    case OPT_REQUIRE:
        options->require_signature = true;
        return TOOL_ACCEPTED;
    case OPT_KEY:
        return take_key(args, value);
    case OPT_CERT:
        options->certificate = value;
        return TOOL_ACCEPTED;
    case OPT_FORMAT:
        return take_format(args, value);
    case OPT_HASH:
        return take_hash(args, value);
    case OPT_RESIGN:
        options->resign = true;
        return TOOL_ACCEPTED;
    case OPT_WEAK:
        options->allow_weak_key = true;
        return TOOL_ACCEPTED;
    case OPT_DIGEST_ONLY:
        options->digest_only = true;
        return TOOL_ACCEPTED;
    case OPT_SIGNATURE:
        options->signature = value;
        return TOOL_ACCEPTED;
    case OPT_PASSPHRASE_ENV:
        options->passphrase_env = value;
        return TOOL_ACCEPTED;
    case OPT_PASSPHRASE_FILE:
        options->passphrase_file = value;
        return TOOL_ACCEPTED;
    default: /* getopt_long() has said what is wrong */
        return point_to_help(args->command);
    }
}

/* Options of pack. */
static int take_packing_option(struct arguments *args, int option, const char *value)
{
    struct options *options = &args->options;
    uint64_t number;

    args->seen |= TAKES_PACKING;
    switch (option) {
    case OPT_DEPENDS:
        options->depends = value;
        return TOOL_ACCEPTED;
    case OPT_EXPECT:
        options->expect = true;
        return TOOL_ACCEPTED;
    case OPT_NAME:
        options->info_name = value;
        return TOOL_ACCEPTED;
    case OPT_DESCRIPTION:
        options->info_description = value;
        return TOOL_ACCEPTED;
    case OPT_CVE:
        options->info_cve = value;
        return TOOL_ACCEPTED;
    default:
        options->info_version = value;
        if (!parse_number(value, &number) || value[1] == 'x') {
            return usage_error(args->command, "--payload-version takes a decimal number", value);
        }
        return TOOL_ACCEPTED;
    }
}

static int take_option(struct arguments *args, int option, const char *value)
{
    struct options *options = &args->options;

    switch (option) {
    case OPT_OPERAND:
        return take_operand(args, value);
    case OPT_TARGET:
        options->target = value;
        args->seen |= TAKES_TARGET;
        return TOOL_ACCEPTED;
    case OPT_BASE:
        options->has_base = true;
        args->seen |= TAKES_TARGET;
        if (!parse_number(value, &options->base)) {
            return usage_error(args->command, "--base takes a number", value);
        }
        return TOOL_ACCEPTED;
    case OPT_AFTER:
        options->after[options->after_count++] = value;
        args->seen |= TAKES_TARGET;
        return TOOL_ACCEPTED;
    case OPT_PROFILE:
        options->profile = hp_profile_find(value);
        args->seen |= TAKES_TARGET;
        if (options->profile == NULL) {
            return usage_error(args->command, "no such profile", value);
        }
        return TOOL_ACCEPTED;
    case OPT_FILLER:
        options->filler = true;
        args->seen |= TAKES_TARGET;
        return TOOL_ACCEPTED;
    case OPT_SAME_COMPILER:
        options->same_compiler = true;
        args->seen |= TAKES_TARGET;
        return TOOL_ACCEPTED;
    case OPT_JSON:
        options->json = true;
        args->seen |= TAKES_JSON;
        return TOOL_ACCEPTED;
    case 'o':
        options->output = value;
        args->seen |= TAKES_OUTPUT;
        return TOOL_ACCEPTED;
    case OPT_HELP:
        args->help = true;
        return TOOL_ACCEPTED;
    case OPT_VERSION:
        args->version = true;
        return TOOL_ACCEPTED;
    case OPT_DEPENDS:
    case OPT_EXPECT:
    case OPT_NAME:
    case OPT_DESCRIPTION:
    case OPT_CVE:
    case OPT_PAYLOAD_VERSION:
        return take_packing_option(args, option, value);
    default:
        return take_signature_option(args, option, value);
    }
}

static int parse(struct arguments *args, int argc, char **argv)
{
    int option;

    /* "-": operands come in order, so that options may stand before and after any of them. */
    while ((option = getopt_long(argc, argv, "-o:", long_options, NULL)) != -1) {
        int rc = take_option(args, option, optarg);

        if (rc != TOOL_ACCEPTED) {
            return rc;
        }
    }
    while (optind < argc) {
        int rc = take_operand(args, argv[optind++]);

        if (rc != TOOL_ACCEPTED) {
            return rc;
        }
    }
    return TOOL_ACCEPTED;
}

/* What signing and verifying cannot do without, or not do with; NULL when all is there. */
static const char *check_signature_options(const struct command *command,
                                           const struct options *options)
{
    const bool packs = (command->flags & TAKES_PACKING) != 0;
    const bool is_digest = options->digest_only;

    if (packs && is_digest) {
        return "--digest-only is for sign";
    }
    if (packs && options->key == NULL && options->certificate == NULL) {
        return NULL; /* a payload without a signature */
    }
    if ((command->flags & NEEDS_KEYRING) != 0 && options->keyring == NULL) {
        return "--keyring is required";
    }
    if ((command->flags & TAKES_SIGNATURE) != 0 && options->signature == NULL) {
        return "--signature is required";
    }
    if ((command->flags & TAKES_KEY) != 0 && !is_digest && options->key == NULL) {
        return "--key is required";
    }
    if ((command->flags & TAKES_SIGNING) != 0 && !is_digest && options->certificate == NULL) {
        return "--cert is required";
    }
    if (is_digest && (options->key != NULL || options->certificate != NULL)) {
        return "--digest-only needs neither --key nor --cert";
    }
    if (options->passphrase_env != NULL && options->passphrase_file != NULL) {
        return "--passphrase-env and --passphrase-file exclude each other";
    }
    return NULL;
}

/* Checks the command line against its command and runs that. */
static int run(const struct arguments *args)
{
    const struct command *command = args->command;
    const struct options *options = &args->options;
    const char *missing;

    if (command == NULL) {
        return usage_error(NULL, "no command given", "");
    }
    if ((args->seen & ~command->flags) != 0) {
        return usage_error(command, "an option that this command does not take", "");
    }
    if ((command->flags & NEEDS_TARGET) != 0 && options->target == NULL) {
        return usage_error(command, "--target is required", "");
    }
    if ((command->flags & TAKES_OUTPUT) != 0 && options->output == NULL) {
        return usage_error(command, "-o is required", "");
    }
    missing = check_signature_options(command, options);
    if (missing != NULL) {
        return usage_error(command, missing, "");
    }
    if (options->file_count == 0) {
        return usage_error(command, "no FILE given", "");
    }
    if (options->file_count > 1 && (command->flags & MANY_FILES) == 0) {
        return usage_error(command, "one FILE only", options->files[1]);
    }
    return command->run(options);
}

/* A verdict that nobody can read is no verdict: a full disk or closed pipe counts as trouble. */
static int finish(int rc)
{
    if (fflush(stdout) != 0 || ferror(stdout)) {
        complain("standard output", strerror(errno));
        return TOOL_TROUBLE;
    }
    return rc;
}

int main(int argc, char **argv)
{
    struct arguments args = {0};
    int rc;

    args.options.files = tool_alloc((size_t)argc, sizeof(args.options.files[0]));
    args.options.after = tool_alloc((size_t)argc, sizeof(args.options.after[0]));
    rc = parse(&args, argc, argv);
    if (rc == TOOL_ACCEPTED && args.version) {
        printf("hotpatch %s\n", hp_version());
    } else if (rc == TOOL_ACCEPTED && args.help) {
        print_help(args.command);
    } else if (rc == TOOL_ACCEPTED) {
        rc = run(&args);
    }
    free(args.options.files);
    free(args.options.after);
    return finish(rc);
}
