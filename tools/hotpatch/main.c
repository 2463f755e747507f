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
    MANY_FILES = 1 << 4
};

struct command {
    const char *name;
    int (*run)(const struct options *options);
    unsigned flags;
    const char *synopsis;
    const char *what;
};

static const struct command commands[] = {
    {"inspect", inspect_run, TAKES_JSON, "[--json] FILE", "Shows what a payload holds."},
    {"validate", validate_run, TAKES_TARGET | TAKES_JSON | MANY_FILES,
     "[--target IMAGE] [--base ADDR] [--after FILE]... [--profile P] [--json] FILE...",
     "Says for each payload whether the target would take it, and why not."},
    {"plan", plan_run, TAKES_TARGET | NEEDS_TARGET | TAKES_JSON,
     "--target IMAGE [--base ADDR] [--after FILE]... [--profile P] [--json] FILE",
     "Shows every write that applying a payload makes."},
    {"link", link_run, TAKES_TARGET | NEEDS_TARGET | TAKES_OUTPUT,
     "--target IMAGE [--base ADDR] [--after FILE]... [--profile P] -o OUT FILE",
     "Writes a payload as it would lie in memory, as an ELF image for objdump and gdb."},
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

enum {
    OPT_OPERAND = 1, /* what getopt_long() returns for operands when told to keep the order */
    OPT_TARGET = 0x100,
    OPT_BASE,
    OPT_AFTER,
    OPT_PROFILE,
    OPT_JSON,
    OPT_HELP,
    OPT_VERSION
};

static const struct option long_options[] = {
    {"target", required_argument, NULL, OPT_TARGET},
    {"base", required_argument, NULL, OPT_BASE},
    {"after", required_argument, NULL, OPT_AFTER},
    {"profile", required_argument, NULL, OPT_PROFILE},
    {"json", no_argument, NULL, OPT_JSON},
    {"output", required_argument, NULL, 'o'},
    {"help", no_argument, NULL, OPT_HELP},
    {"version", no_argument, NULL, OPT_VERSION},
    {NULL, 0, NULL, 0},
};

/* What was on the command line, before it is checked against the command. */
struct arguments {
    const struct command *command; /* NULL: none given */
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
        putchar('\n');
    }
    if (command == NULL || (command->flags & TAKES_JSON) != 0) {
        puts("  --json          one JSON object for each file");
    }
    if (command == NULL || (command->flags & TAKES_OUTPUT) != 0) {
        puts("  -o, --output F  the file to write");
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

/* The first operand is the command, the others are files. */
static int take_operand(struct arguments *args, const char *word)
{
    size_t i;

    if (args->command != NULL) {
        args->options.files[args->options.file_count++] = word;
        return TOOL_ACCEPTED;
    }
    for (i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(word, commands[i].name) == 0) {
            args->command = &commands[i];
            return TOOL_ACCEPTED;
        }
    }
    return usage_error(NULL, "no such command", word);
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
    default: /* getopt_long() has said what is wrong */
        return point_to_help(args->command);
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

/* Checks the command line against its command and runs that. */
static int run(const struct arguments *args)
{
    const struct command *command = args->command;
    const struct options *options = &args->options;

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
