/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tests of the host port, against small targets that are compiled here with the system's compiler
 * and linker (x86-64), against damaged copies of them, and, where HOTPATCH_TEST_XEN_SYMS names one,
 * against the symbol file of a real Xen.
 */
#define _XOPEN_SOURCE 700 /* NOLINT(bugprone-reserved-identifier): nftw, mkdtemp */

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <elf.h>

#include <cmocka.h>

#include <hotpatch/host.h>
#include <hotpatch/port.h>

#include "base/span.h"

#define PAGE      ((size_t)4096)
#define ARGS_MAX  48
#define PATH_SIZE 256
#define NAMES     10

#define TARGET_BASE "-Ttext=0xffff82d040200000"

/* What the tests share: a folder with the targets, and a copy of the small one to be damaged. */
struct fixture {
    char folder[PATH_SIZE];
    char data[PATH_SIZE]; /* the folder of the sources */
    uint8_t *small;
    size_t small_size;
};

/* ---- building targets ------------------------------------------------------------------------ */

static void path_in(const struct fixture *f, const char *name, char out[2 * PATH_SIZE])
{
    (void)snprintf(out, (size_t)2 * PATH_SIZE, "%s/%s", f->folder, name);
}

extern char **environ;

/* Runs a command given as one line, words separated by blanks; @ stands for the folder, % for data.
 */
static void run(const struct fixture *f, const char *line)
{
    char text[8192];
    char *argv[ARGS_MAX];
    size_t n = 0;
    size_t argc = 0;
    pid_t pid;
    int status = -1;
    char *save = NULL;
    char *word;

    for (; *line != '\0'; line++) {
        if (*line == '@' || *line == '%') {
            n += (size_t)snprintf(text + n, sizeof(text) - n, "%s",
                                  *line == '@' ? f->folder : f->data);
        } else {
            text[n++] = *line;
        }
        assert_true(n < sizeof(text) - 1);
    }
    text[n] = '\0';
    for (word = strtok_r(text, " ", &save); word != NULL; word = strtok_r(NULL, " ", &save)) {
        assert_true(argc < ARGS_MAX - 1);
        argv[argc++] = word;
    }
    argv[argc] = NULL;
    assert_int_equal(posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (status != 0) {
        print_error("%s failed with status %d\n", argv[0], status);
    }
    assert_int_equal(status, 0);
}

static void write_file(const char *path, const void *bytes, size_t size)
{
    FILE *file;

    /* Some file systems write a file that is truncated and filled again to disk at once. */
    (void)unlink(path);
    file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static uint8_t *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    struct stat stat;
    uint8_t *bytes;

    assert_non_null(file);
    assert_int_equal(fstat(fileno(file), &stat), 0);
    *size = (size_t)stat.st_size;
    bytes = malloc(*size);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    assert_int_equal(fclose(file), 0);
    return bytes;
}

/* A file of one #define and an #include, so that it gets a file symbol of its own. */
static void write_wrapper(const struct fixture *f, const char *name, const char *define,
                          const char *source)
{
    char path[2 * PATH_SIZE];
    char text[2 * PATH_SIZE];

    path_in(f, name, path);
    (void)snprintf(text, sizeof(text), "#define %s\n#include \"%s/%s\"\n", define, f->data, source);
    write_file(path, text, strlen(text));
}

#define CC "cc -O1 -ffreestanding -fno-stack-protector -fcf-protection=none -fno-pie "

static void build_names(const struct fixture *f)
{
    /* The order in which they are linked, and so that of their symbols. */
    static const int order[NAMES] = {7, 2, 9, 0, 5, 3, 8, 1, 6, 4};
    char line[1024] = "ld -no-pie -z noexecstack --build-id=sha1 " TARGET_BASE
                      " --section-start=.init.text=0xffff82d0401fe000"
                      " --section-start=.init=0xffff82d0401ff000"
                      " --defsym=absolute=0x1234 -o @/target";
    char text[128];
    int i;

    for (i = 0; i < NAMES; i++) {
        char name[32];

        (void)snprintf(name, sizeof(name), "names_%d.c", order[i]);
        (void)snprintf(text, sizeof(text), "NUMBER %d", order[i]);
        write_wrapper(f, name, text, "names.c");
        (void)snprintf(text, sizeof(text), CC "-c -o @/names_%d.o @/%s", order[i], name);
        run(f, text);
        (void)snprintf(text, sizeof(text), " @/names_%d.o", order[i]);
        (void)strncat(line, text, sizeof(line) - strlen(line) - 1);
    }
    run(f, "mkdir @/a @/b");
    write_wrapper(f, "a/twice.c", "NAME twice_in_a", "twice.c");
    write_wrapper(f, "b/twice.c", "NAME twice_in_b", "twice.c");
    run(f, CC "-c -o @/a.o @/a/twice.c");
    run(f, CC "-c -o @/b.o @/b/twice.c");
    run(f, CC "-c -o @/globals.o %/globals.c");
    run(f, CC "-c -o @/code.o %/code.S");
    (void)strncat(line, " @/code.o @/globals.o @/a.o @/b.o", sizeof(line) - strlen(line) - 1);
    run(f, line);
}

static int remove_entry(const char *path, const struct stat *stat, int type, struct FTW *ftw)
{
    (void)stat;
    (void)type;
    (void)ftw;
    return remove(path);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    const char *tmp = getenv("TMPDIR");
    char path[2 * PATH_SIZE];
    const char *slash;

    if (f == NULL) {
        return -1;
    }
    *state = f;
    (void)snprintf(f->folder, sizeof(f->folder), "%s/hotpatch-host-XXXXXX",
                   tmp != NULL ? tmp : "/tmp");
    if (mkdtemp(f->folder) == NULL) {
        return -1;
    }
    slash = strrchr(__FILE__, '/');
    (void)snprintf(f->data, sizeof(f->data), "%.*s/../data/host",
                   slash == NULL ? 1 : (int)(slash - __FILE__), slash == NULL ? "." : __FILE__);
    if (f->data[0] != '/') {
        char relative[PATH_SIZE / 2];

        (void)snprintf(relative, sizeof(relative), "%.127s", f->data);
        if (getcwd(path, sizeof(path)) == NULL) {
            return -1;
        }
        (void)snprintf(f->data, sizeof(f->data), "%.127s/%s", path, relative);
    }
    build_names(f);
    run(f, "cc -c -o @/tables.o %/tables.S");
    run(f, CC "-c -o @/globals2.o %/globals.c");
    run(f, "ld -no-pie -z noexecstack --build-id=sha1 " TARGET_BASE
           " -o @/small @/tables.o @/globals2.o");
    path_in(f, "small", path);
    f->small = read_file(path, &f->small_size);
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    int failed = nftw(f->folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);

    free(f->small);
    free(f);
    return failed;
}

/* ---- opening --------------------------------------------------------------------------------- */

static struct hp_port *open_target(const struct fixture *f, const char *name)
{
    char path[2 * PATH_SIZE];
    struct hp_port *port = NULL;
    struct hp_diag diag;
    enum hp_status st;

    path_in(f, name, path);
    hp_diag_init(&diag);
    st = hp_host_open(&port, path, NULL, &diag);
    if (st != HP_OK) {
        print_error("%s: %s\n", path, diag.name);
    }
    assert_int_equal(st, HP_OK);
    assert_int_equal(diag.status, HP_OK);
    assert_non_null(port);
    return port;
}

/* The image must be refused, for a reason that contains `reason`. */
static void assert_refused(const struct fixture *f, const char *name, const char *reason)
{
    char path[2 * PATH_SIZE];
    struct hp_port *port = (struct hp_port *)&path;
    struct hp_diag diag;

    path_in(f, name, path);
    hp_diag_init(&diag);
    assert_int_equal(hp_host_open(&port, path, NULL, &diag), HP_TARGET_FILE);
    assert_null(port);
    assert_int_equal(diag.status, HP_TARGET_FILE);
    assert_int_equal(diag.stage, HP_STAGE_CALL);
    if (strstr(diag.name, reason) == NULL) {
        print_error("refused for \"%s\", not \"%s\"\n", diag.name, reason);
    }
    assert_non_null(strstr(diag.name, reason));
    /* Without a record the answer is the same. */
    assert_int_equal(hp_host_open(&port, path, NULL, NULL), HP_TARGET_FILE);
}

static enum hp_status find(struct hp_port *port, const char *name, struct hp_target_symbol *symbol)
{
    return hp_port_symbol_by_name(port, name, strlen(name), symbol);
}

static uint64_t address_of(struct hp_port *port, const char *name)
{
    struct hp_target_symbol symbol;

    if (find(port, name, &symbol) != HP_OK) {
        print_error("no symbol %s\n", name);
    }
    assert_int_equal(find(port, name, &symbol), HP_OK);
    return symbol.addr;
}

/* ---- the target as a whole ---------------------------------------------------------------------
 */

static void test_target(void **state)
{
    const struct fixture *f = *state;
    struct hp_port *port = open_target(f, "target");
    struct hp_target target;
    char path[2 * PATH_SIZE];
    uint8_t *note;
    size_t size;

    hp_port_target(port, &target);
    assert_int_equal(target.machine, EM_X86_64);
    assert_int_equal(target.page_size, PAGE);
    assert_int_equal(target.text_start, 0xffff82d0401ff000);
    /* The section with after_label comes last; what is discarded surrounds it and does not count.
     */
    assert_int_equal(target.text_end, address_of(port, "after_label") + 16);

    run(f, "objcopy -O binary --only-section=.note.gnu.build-id @/target @/id");
    path_in(f, "id", path);
    note = read_file(path, &size);
    assert_int_equal(size, 36);
    assert_int_equal(target.build_id_size, 20);
    assert_memory_equal(target.build_id, note + 16, 20);
    free(note);
    hp_host_close(port);
    hp_host_close(NULL);
}

static void test_no_target(void **state)
{
    struct hp_target_symbol symbol;
    struct hp_target target;
    struct hp_port *port = NULL;
    uint8_t byte = 1;

    (void)state;
    assert_int_equal(hp_host_open(&port, NULL, NULL, NULL), HP_OK);
    hp_port_target(port, &target);
    assert_int_equal(target.machine, 0);
    assert_int_equal(target.page_size, PAGE);
    assert_int_equal(target.build_id_size, 0);
    assert_int_equal(find(port, "_start", &symbol), HP_UNDECIDED);
    assert_int_equal(hp_port_symbol_by_address(port, 0x1000, &symbol), HP_UNDECIDED);
    assert_int_equal(hp_port_patchable(port, 0x1000, 5), HP_UNDECIDED);
    assert_int_equal(hp_port_target_read(port, 0x1000, &byte, 1), HP_UNDECIDED);
    assert_int_equal(byte, 0);
    hp_host_close(port);
}

static void test_options(void **state)
{
    struct hp_host_options options = {.size = sizeof(options)};
    struct hp_port *port = NULL;
    struct hp_target target;
    struct hp_diag diag;
    static const size_t bad_pages[] = {1, 2048, 4097, 12288, (size_t)1 << 31};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(bad_pages) / sizeof(bad_pages[0]); i++) {
        options.page_size = bad_pages[i];
        hp_diag_init(&diag);
        assert_int_equal(hp_host_open(&port, NULL, &options, &diag), HP_INVALID_ARGUMENT);
        assert_int_equal(diag.status, HP_INVALID_ARGUMENT);
        assert_null(port);
    }
    options.page_size = 65536;
    assert_int_equal(hp_host_open(&port, NULL, &options, NULL), HP_OK);
    hp_port_target(port, &target);
    assert_int_equal(target.page_size, 65536);
    hp_host_close(port);

    /* An older caller, whose struct ended earlier; one whose struct we do not know. */
    options.size = offsetof(struct hp_host_options, page_size);
    assert_int_equal(hp_host_open(&port, NULL, &options, NULL), HP_OK);
    hp_port_target(port, &target);
    assert_int_equal(target.page_size, PAGE);
    hp_host_close(port);
    options.size = sizeof(options) + 1;
    assert_int_equal(hp_host_open(&port, NULL, &options, NULL), HP_INVALID_ARGUMENT);
    options.size = 0;
    assert_int_equal(hp_host_open(&port, NULL, &options, NULL), HP_INVALID_ARGUMENT);
    assert_int_equal(hp_host_open(NULL, NULL, NULL, NULL), HP_INVALID_ARGUMENT);
}

/* ---- symbols by name ---------------------------------------------------------------------------
 */

static void test_globals(void **state)
{
    struct hp_port *port = open_target(*state, "target");
    struct hp_target_symbol symbol;

    assert_int_equal(find(port, "_start", &symbol), HP_OK);
    assert_string_equal(symbol.name, "_start");
    assert_int_equal(symbol.kind, HP_KIND_CODE);
    assert_true(symbol.size > 0);
    assert_int_equal(find(port, "weak_function", &symbol), HP_OK);
    assert_int_equal(symbol.kind, HP_KIND_CODE);
    assert_int_equal(find(port, "global_data", &symbol), HP_OK);
    assert_int_equal(symbol.kind, HP_KIND_DATA);
    assert_int_equal(symbol.size, 16);
    assert_int_equal(find(port, "label_between", &symbol), HP_OK);
    assert_int_equal(symbol.kind, HP_KIND_UNKNOWN);
    assert_int_equal(symbol.size, 0);
    assert_int_equal(find(port, "start_up", &symbol), HP_OK);
    assert_int_equal(hp_port_patchable(port, symbol.addr, symbol.size), HP_OK);
    assert_int_equal(find(port, "absolute", &symbol), HP_OK);
    assert_int_equal(symbol.addr, 0x1234);

    /* Look-ups go by length, and exactly. */
    assert_int_equal(hp_port_symbol_by_name(port, "_start_of", 6, &symbol), HP_OK);
    assert_int_equal(find(port, "_star", &symbol), HP_SYMBOL_UNDEFINED);
    assert_int_equal(find(port, "", &symbol), HP_SYMBOL_UNDEFINED);
    assert_int_equal(find(port, "#_start", &symbol), HP_SYMBOL_UNDEFINED);
    assert_int_equal(find(port, "globals.c#_start", &symbol), HP_SYMBOL_UNDEFINED);
    /* Freed after boot, thread-local, a section, a file. */
    assert_int_equal(find(port, "boot_only", &symbol), HP_SYMBOL_UNDEFINED);
    assert_int_equal(find(port, "thread_data", &symbol), HP_SYMBOL_UNDEFINED);
    assert_int_equal(find(port, ".text", &symbol), HP_SYMBOL_UNDEFINED);
    assert_int_equal(find(port, "globals.c", &symbol), HP_SYMBOL_UNDEFINED);
    assert_null(symbol.name);
    /* On Arm this is a marker, here a name. */
    assert_int_equal(find(port, "$d.1", &symbol), HP_OK);
    hp_host_close(port);
}

/* Ten file-scoped symbols of one name, linked in shuffled order: the one that file.c#name names. */
static void test_file_scoped(void **state)
{
    struct hp_port *port = open_target(*state, "target");
    static const char *const what[] = {"work", "state"};
    struct hp_target_symbol symbol;
    char name[64];
    int i;
    int k;

    for (i = 0; i < NAMES; i++) {
        for (k = 0; k < 2; k++) {
            uint8_t pointer[8];

            /* The compiler itself says where they are. */
            (void)snprintf(name, sizeof(name), "%s_of_%d", what[k], i);
            assert_int_equal(hp_port_target_read(port, address_of(port, name), pointer, 8), HP_OK);
            (void)snprintf(name, sizeof(name), "names_%d.c#%s", i, what[k]);
            assert_int_equal(find(port, name, &symbol), HP_OK);
            assert_int_equal(symbol.addr, hp_le64(pointer));
            assert_string_equal(symbol.name, what[k]);
            assert_int_equal(symbol.kind, k == 0 ? HP_KIND_CODE : HP_KIND_DATA);
        }
    }
    assert_int_equal(find(port, "work", &symbol), HP_SYMBOL_UNDEFINED);
    assert_int_equal(find(port, "names_10.c#work", &symbol), HP_SYMBOL_UNDEFINED);
    assert_int_equal(find(port, "names_1.c#wor", &symbol), HP_SYMBOL_UNDEFINED);
    assert_int_equal(find(port, "ames_1.c#work", &symbol), HP_SYMBOL_UNDEFINED);
    assert_int_equal(find(port, "/names_1.c#work", &symbol), HP_SYMBOL_UNDEFINED);

    assert_int_equal(find(port, "twice.c#twice", &symbol), HP_SYMBOL_AMBIGUOUS);
    assert_null(symbol.name);
    hp_host_close(port);
}

/* The linker makes hidden symbols of a shared image local. */
static void test_hidden(void **state)
{
    const struct fixture *f = *state;
    struct hp_target_symbol symbol;
    struct hp_port *port;

    run(f, "cc -O1 -ffreestanding -fno-stack-protector -fPIC -c -o @/shared.o %/globals.c");
    run(f, "ld -shared -z noexecstack -o @/shared @/shared.o");
    port = open_target(f, "shared");
    assert_int_equal(find(port, "hidden_function", &symbol), HP_OK);
    assert_int_equal(symbol.kind, HP_KIND_CODE);
    assert_string_equal(symbol.name, "hidden_function");
    assert_int_equal(find(port, "globals.c#hidden_function", &symbol), HP_SYMBOL_UNDEFINED);
    hp_host_close(port);
}

/* ---- symbols by address ------------------------------------------------------------------------
 */

static void test_by_address(void **state)
{
    struct hp_port *port = open_target(*state, "target");
    static const struct {
        unsigned offset;
        const char *name; /* NULL: none */
        unsigned start;
        unsigned size;
    } cases[] = {
        {0, "code_start", 0, 32},
        {4, "code_start", 0, 32},
        {7, "code_start", 0, 32},
        {8, "nested", 8, 8},
        {15, "nested", 8, 8},
        {16, "code_start", 0, 32},
        {31, "code_start", 0, 32},
        {32, NULL, 0, 0},
        {47, NULL, 0, 0},
        {48, "label_between", 48, 0},
        {63, "label_between", 48, 0},
        {64, "alias_function", 64, 16},
        {79, "alias_function", 64, 16},
        {80, "overlap_first", 80, 16},
        {87, "overlap_first", 80, 16},
        {88, "overlap_second", 88, 24},
        {103, "overlap_second", 88, 24},
        {104, "sized_label", 104, 16},
        {119, "sized_label", 104, 16},
        {120, NULL, 0, 0},
        {127, NULL, 0, 0},
    };
    uint64_t start = address_of(port, "code_start");
    struct hp_target_symbol symbol;
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        enum hp_status st = hp_port_symbol_by_address(port, start + cases[i].offset, &symbol);

        assert_int_equal(st, cases[i].name == NULL ? HP_SYMBOL_UNDEFINED : HP_OK);
        if (cases[i].name == NULL) {
            assert_null(symbol.name);
            continue;
        }
        assert_string_equal(symbol.name, cases[i].name);
        assert_int_equal(symbol.addr, start + cases[i].start);
        assert_int_equal(symbol.size, cases[i].size);
        assert_int_equal(symbol.kind, symbol.size == 0 || cases[i].start == 104 ? HP_KIND_UNKNOWN
                                                                                : HP_KIND_CODE);
    }
    hp_host_close(port);
}

static void test_by_address_edges(void **state)
{
    struct hp_port *port = open_target(*state, "target");
    struct hp_target_symbol symbol;
    uint64_t label = address_of(port, "after_label");
    uint64_t data = address_of(port, "global_data");

    /* A label reaches to the end of its section, not before it and not beyond. */
    assert_int_equal(hp_port_symbol_by_address(port, label - 1, &symbol), HP_SYMBOL_UNDEFINED);
    assert_int_equal(hp_port_symbol_by_address(port, label + 15, &symbol), HP_OK);
    assert_string_equal(symbol.name, "after_label");
    assert_int_equal(hp_port_symbol_by_address(port, label + 16, &symbol), HP_SYMBOL_UNDEFINED);
    assert_int_equal(hp_port_symbol_by_address(port, data + 15, &symbol), HP_OK);
    assert_string_equal(symbol.name, "global_data");
    assert_int_equal(symbol.kind, HP_KIND_DATA);
    /* An absolute symbol is a number, not a place. */
    assert_int_equal(hp_port_symbol_by_address(port, 0x1234, &symbol), HP_SYMBOL_UNDEFINED);
    assert_int_equal(hp_port_symbol_by_address(port, 0, &symbol), HP_SYMBOL_UNDEFINED);
    assert_int_equal(hp_port_symbol_by_address(port, UINT64_MAX, &symbol), HP_SYMBOL_UNDEFINED);
    hp_host_close(port);
}

/* ---- reading and patching ----------------------------------------------------------------------
 */

static void test_read(void **state)
{
    const struct fixture *f = *state;
    struct hp_port *port = open_target(f, "target");
    uint64_t data = address_of(port, "global_data");
    uint64_t zero = address_of(port, "global_zero");
    uint64_t label = address_of(port, "after_label");
    static const uint8_t nops[16] = {0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90,
                                     0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90};
    uint8_t buf[8192];

    /* Variables are not what they were in the file. */
    assert_int_equal(hp_port_target_read(port, data, buf, 16), HP_UNDECIDED);
    assert_int_equal(hp_le32(buf), 0x11111111);
    assert_int_equal(hp_le32(buf + 12), 0x44444444);
    assert_int_equal(hp_port_target_read(port, address_of(port, "global_text"), buf, 8), HP_OK);
    assert_memory_equal(buf, "read me", 8);
    assert_int_equal(hp_port_target_read(port, label, buf, 16), HP_OK);
    assert_memory_equal(buf, nops, 16);

    /* .bss has no bytes in the file. */
    memset(buf, 0xff, sizeof(buf));
    assert_int_equal(hp_port_target_read(port, zero, buf, 4096), HP_UNDECIDED);
    assert_int_equal(buf[0] | buf[4095], 0);
    assert_int_equal(buf[4096], 0xff);

    /* Nothing of what is not wholly there. */
    memset(buf, 0xff, sizeof(buf));
    assert_int_equal(hp_port_target_read(port, label, buf, 17), HP_TARGET_READ);
    assert_int_equal(buf[0], 0);
    assert_int_equal(hp_port_target_read(port, 0, buf, 1), HP_TARGET_READ);
    assert_int_equal(hp_port_target_read(port, UINT64_MAX, buf, 2), HP_TARGET_READ);
    assert_int_equal(hp_port_target_read(port, UINT64_MAX - 7, buf, 16), HP_TARGET_READ);
    assert_int_equal(hp_port_target_read(port, 0, buf, 0), HP_OK);
    hp_host_close(port);
}

static void test_discarded(void **state)
{
    const struct fixture *f = *state;
    struct hp_port *port = open_target(f, "target");
    struct hp_target_symbol symbol;
    char path[2 * PATH_SIZE];
    uint8_t *file;
    uint8_t byte;
    uint64_t addr;
    size_t size;
    size_t i;

    path_in(f, "target", path);
    file = read_file(path, &size);
    addr = 0;
    for (i = 0; i < hp_le16(file + offsetof(Elf64_Ehdr, e_shnum)); i++) {
        const uint8_t *header = file + hp_le64(file + offsetof(Elf64_Ehdr, e_shoff)) + i * 64;

        if (hp_le64(header + offsetof(Elf64_Shdr, sh_size)) == 16 &&
            hp_le64(header + offsetof(Elf64_Shdr, sh_flags)) == (SHF_ALLOC | SHF_EXECINSTR)) {
            addr = hp_le64(header + offsetof(Elf64_Shdr, sh_addr));
        }
    }
    free(file);
    assert_int_not_equal(addr, 0);
    assert_int_equal(hp_port_target_read(port, addr, &byte, 1), HP_TARGET_READ);
    assert_int_equal(hp_port_patchable(port, addr, 1), HP_PATCH_RANGE);
    assert_int_equal(hp_port_symbol_by_address(port, addr, &symbol), HP_SYMBOL_UNDEFINED);
    hp_host_close(port);
}

static void test_patchable(void **state)
{
    struct hp_port *port = open_target(*state, "target");
    uint64_t start = address_of(port, "code_start");
    uint64_t label = address_of(port, "after_label");

    assert_int_equal(hp_port_patchable(port, start, 5), HP_OK);
    assert_int_equal(hp_port_patchable(port, label, 16), HP_OK);
    assert_int_equal(hp_port_patchable(port, label, 17), HP_PATCH_RANGE);
    assert_int_equal(hp_port_patchable(port, label + 16, 1), HP_PATCH_RANGE);
    assert_int_equal(hp_port_patchable(port, start, 0), HP_PATCH_RANGE);
    assert_int_equal(hp_port_patchable(port, start, SIZE_MAX), HP_PATCH_RANGE);
    assert_int_equal(hp_port_patchable(port, 0xffff82d040200000 - 1, 5), HP_PATCH_RANGE);
    assert_int_equal(hp_port_patchable(port, address_of(port, "global_data"), 4), HP_PATCH_RANGE);
    assert_int_equal(hp_port_patchable(port, address_of(port, "global_text"), 4), HP_PATCH_RANGE);
    assert_int_equal(hp_port_patchable(port, UINT64_MAX, 2), HP_PATCH_RANGE);
    hp_host_close(port);
}

/* ---- the capability record --------------------------------------------------------------------
 */

/* Links a target with a capability record as @/record; `options` choose its defects. */
static void build_record(const struct fixture *f, const char *options)
{
    char line[1024];

    (void)snprintf(line, sizeof(line), "cc %s -c -o @/record.o %%/record.S", options);
    run(f, line);
    run(f, "ld -no-pie -z noexecstack --build-id=sha1 " TARGET_BASE " -e record_code -o @/record "
           "@/record.o");
}

static void test_record(void **state)
{
    const struct fixture *f = *state;
    const struct hp_image_request request = {
        .size = PAGE, .align = PAGE, .low = 0, .high = UINT64_MAX};
    struct hp_image_memory memory;
    struct hp_target target;
    struct hp_port *port;
    uint64_t denied;

    build_record(f, "-DFLAGS=0x301");
    port = open_target(f, "record");
    assert_ptr_equal(hp_host_profile(port), &hp_profile_xen_4_17);
    denied = address_of(port, "record_denied");
    assert_int_equal(hp_port_patchable(port, denied - 5, 5), HP_OK);
    assert_int_equal(hp_port_patchable(port, denied - 5, 6), HP_PATCH_DENIED);
    assert_int_equal(hp_port_patchable(port, denied + 15, 1), HP_PATCH_DENIED);
    assert_int_equal(hp_port_patchable(port, denied + 16, 5), HP_OK);
    /* What says that a target is live is not for its file to say. */
    hp_port_target(port, &target);
    assert_int_equal(target.flags, HP_TARGET_BTI | HP_TARGET_ISLANDS);
    assert_int_equal(hp_port_image_alloc(port, &request, &memory), HP_OK);
    assert_int_equal(memory.addr, address_of(port, "record_code") + 0x100000);
    hp_port_image_free(port, &memory);
    hp_host_close(port);

    port = open_target(f, "target");
    assert_null(hp_host_profile(port));
    hp_host_close(port);
}

/* Each record with one defect, and the word that tells it. */
static void test_record_damaged(void **state)
{
    static const char *const cases[][2] = {
        {"-DMAGIC=\"HOTPATCX\"", "damaged"},
        {"-DSIZE=87", "damaged"},
        {"-DSIZE=89", "damaged"},
        {"-DSHORT", "damaged"},
        {"-DDENY_END=record_denied-1", "deny list"},
        {"-DWINDOW_END=record_code", "load window"},
        {"-DWINDOW=record_code+1", "load window"},
        {"-DPROFILE=\"nobody\"", "profile"},
        {"-DENDLESS", "profile"},
    };
    const struct fixture *f = *state;
    char path[2 * PATH_SIZE];
    struct hp_port *port;
    struct hp_diag diag;
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        build_record(f, cases[i][0]);
        path_in(f, "record", path);
        hp_diag_init(&diag);
        assert_int_equal(hp_host_open(&port, path, NULL, &diag), HP_TARGET_FILE);
        assert_null(port);
        assert_non_null(strstr(diag.name, "capability record"));
        assert_non_null(strstr(diag.name, cases[i][1]));
    }
}

/* ---- ranges rewritten at boot ------------------------------------------------------------------
 */

/* Assembles tables.S with options and links it as @/tables. */
static void build_tables(const struct fixture *f, const char *options)
{
    char line[1024];

    (void)snprintf(line, sizeof(line), "cc %s -c -o @/variant.o %%/tables.S", options);
    run(f, line);
    run(f, "ld -no-pie -z noexecstack --build-id=sha1 " TARGET_BASE
           " -o @/tables @/variant.o @/globals2.o");
}

/* Changes e_machine of @/tables. */
static void set_machine(const struct fixture *f, uint16_t machine)
{
    char path[2 * PATH_SIZE];
    uint8_t *file;
    size_t size;

    path_in(f, "tables", path);
    file = read_file(path, &size);
    hp_put_le16(file + offsetof(Elf64_Ehdr, e_machine), machine);
    write_file(path, file, size);
    free(file);
}

/* The ranges must be these {offset from table_code, size}, up to a size of 0. */
static void assert_ranges(const struct fixture *f, const unsigned ranges[][2])
{
    struct hp_port *port = open_target(f, "tables");
    uint64_t code = address_of(port, "table_code");
    uint64_t addr;
    uint64_t size;
    size_t i;

    for (i = 0; ranges[i][1] != 0; i++) {
        assert_true(hp_host_rewritten(port, i, &addr, &size));
        assert_int_equal(addr - code, ranges[i][0]);
        assert_int_equal(size, ranges[i][1]);
    }
    assert_false(hp_host_rewritten(port, i, &addr, &size));
    assert_false(hp_host_rewritten(port, SIZE_MAX, &addr, &size));
    hp_host_close(port);
}

static void test_rewritten(void **state)
{
    static const unsigned x86[][2] = {{0, 4}, {8, 10}, {24, 6}, {0, 0}};
    static const unsigned arm[][2] = {{8, 5}, {16, 2}, {24, 6}, {0, 0}};
    static const unsigned none[][2] = {{0, 0}};
    const struct fixture *f = *state;

    build_tables(f, "");
    assert_ranges(f, x86);
    build_tables(f, "-DNO_SYMBOLS");
    assert_ranges(f, x86);
    /* Arm: no padding after the site, and no table of sealed pads. */
    build_tables(f, "-DARM");
    set_machine(f, EM_AARCH64);
    assert_ranges(f, arm);
    run(f, "objcopy -N __alt_instructions -N __alt_instructions_end "
           "-N __initdata_cf_clobber_start -N __initdata_cf_clobber_end @/small @/tables");
    assert_ranges(f, none);
}

static void test_rewritten_read(void **state)
{
    static const struct {
        unsigned offset;
        unsigned size;
        enum hp_status status;
    } cases[] = {
        {0, 4, HP_UNDECIDED},  {0, 1, HP_UNDECIDED},  {3, 1, HP_UNDECIDED}, {4, 4, HP_OK},
        {4, 5, HP_UNDECIDED},  {17, 1, HP_UNDECIDED}, {18, 6, HP_OK},       {18, 7, HP_UNDECIDED},
        {0, 64, HP_UNDECIDED}, {29, 1, HP_UNDECIDED}, {30, 34, HP_OK},
    };
    const struct fixture *f = *state;
    struct hp_port *port = open_target(f, "small");
    uint64_t code = address_of(port, "table_code");
    static const uint8_t endbr64[4] = {0xf3, 0x0f, 0x1e, 0xfa};
    uint8_t expected[64];
    size_t i;

    memset(expected, 0x90, sizeof(expected));
    memcpy(expected, endbr64, sizeof(endbr64));
    memcpy(expected + 32, endbr64, sizeof(endbr64));
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t buf[64] = {0};

        assert_int_equal(hp_port_target_read(port, code + cases[i].offset, buf, cases[i].size),
                         cases[i].status);
        assert_memory_equal(buf, expected + cases[i].offset, cases[i].size);
    }
    assert_int_equal(hp_port_patchable(port, code, 64), HP_OK);
    hp_host_close(port);
}

/* An image supports the tables that it has itself. */
static void test_supported(void **state)
{
    static const struct {
        const char *options;
        uint32_t flags;
    } cases[] = {
        {"", HP_TARGET_ALTERNATIVES},
        {"-DNO_SYMBOLS", HP_TARGET_ALTERNATIVES},
        {"-DEX_TABLE", HP_TARGET_ALTERNATIVES | HP_TARGET_EX_TABLE},
        {"-DBUG_FRAMES", HP_TARGET_ALTERNATIVES | HP_TARGET_BUG_FRAMES},
        {"-DALT_CALLS", HP_TARGET_ALTERNATIVES | HP_TARGET_ALT_CALLS},
        {"-DRETURN_THUNK", HP_TARGET_ALTERNATIVES},
    };
    const struct fixture *f = *state;
    struct hp_target target;
    struct hp_port *port;
    bool has = true;
    size_t n;

    for (n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
        bool thunk = strcmp(cases[n].options, "-DRETURN_THUNK") == 0;

        build_tables(f, cases[n].options);
        port = open_target(f, "tables");
        hp_port_target(port, &target);
        assert_int_equal(target.flags, cases[n].flags);
        assert_int_equal(target.return_thunk, thunk ? address_of(port, "__x86_return_thunk") : 0);
        assert_int_equal(hp_port_cpu_feature(port, 0, &has), HP_UNDECIDED);
        assert_false(has);
        hp_host_fail(port, 1, false);
        assert_int_equal(hp_port_cpu_feature(port, 0, &has), HP_ALT_FEATURE);
        hp_host_close(port);
    }
    port = open_target(f, "target");
    hp_port_target(port, &target);
    assert_int_equal(target.flags, 0);
    hp_host_close(port);
}

/* Of what is writable only what the image delimits is vouched for. */
static void test_constants(void **state)
{
    static const struct {
        unsigned offset;
        unsigned size;
        enum hp_status fixed; /* with bytes that are set at boot, and without */
        enum hp_status plain;
    } cases[] = {
        {0, 8, HP_UNDECIDED, HP_OK},
        {7, 1, HP_UNDECIDED, HP_OK},
        {8, 8, HP_OK, HP_OK},
        {7, 2, HP_UNDECIDED, HP_OK},
        {15, 1, HP_OK, HP_OK},
        {15, 2, HP_UNDECIDED, HP_UNDECIDED},
        {16, 8, HP_UNDECIDED, HP_UNDECIDED},
    };
    const struct fixture *f = *state;
    unsigned pass;
    size_t n;

    for (pass = 0; pass < 2; pass++) {
        struct hp_port *port;
        uint64_t addr;
        uint8_t buf[8];

        build_tables(f, pass == 0 ? "-DCONSTANTS" : "-DCONSTANTS -DNONE_SET_AT_BOOT");
        port = open_target(f, "tables");
        addr = address_of(port, "_srodata");
        for (n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
            assert_int_equal(hp_port_target_read(port, addr + cases[n].offset, buf, cases[n].size),
                             pass == 0 ? cases[n].fixed : cases[n].plain);
        }
        assert_int_equal(hp_port_target_read(port, addr + 8, buf, 8), HP_OK);
        assert_int_equal(buf[0], 2);
        hp_host_close(port);
    }
}

static void test_rewritten_broken(void **state)
{
    static const struct {
        const char *options;
        const char *reason;
    } cases[] = {
        {"-DODD_TABLE", "no whole number of 14-byte entries"},
        {"-DODD_POINTERS", "no whole number of 8-byte entries"},
        {"-DNO_END", "only one end"},
        {"-DSITE_IN_DATA", "is no code"},
        {"-DSITE_TOO_LONG", "is no code"},
        {"-DREPLACEMENT_NOWHERE", "is nowhere"},
        {"-DTABLE_IN_BSS", "the table is in no section"},
        {"-DSECOND_ID", "several build-ids"},
        /* Entries of another form, 84 bytes: as many fit, but what they say is nonsense. */
        {"-DARM", "is no code"},
    };
    const struct fixture *f = *state;
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        build_tables(f, cases[i].options);
        assert_refused(f, "tables", cases[i].reason);
    }
    build_tables(f, "");
    set_machine(f, EM_RISCV);
    assert_refused(f, "tables", "alternatives of machine 243 are not known");
    run(f, "objcopy -N __initdata_cf_clobber_end @/small @/tables");
    assert_refused(f, "tables", "only one end");
}

/* Arm's markers name nothing there. */
static void test_markers(void **state)
{
    static const uint16_t machines[] = {EM_AARCH64, EM_ARM, EM_RISCV};
    const struct fixture *f = *state;
    struct hp_target_symbol symbol;
    size_t i;

    run(f, "cp @/target @/tables");
    for (i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
        struct hp_port *port;

        set_machine(f, machines[i]);
        port = open_target(f, "tables");
        assert_int_equal(find(port, "$d.1", &symbol), HP_SYMBOL_UNDEFINED);
        assert_int_equal(
            hp_port_symbol_by_address(port, address_of(port, "code_start") + 130, &symbol), HP_OK);
        assert_string_equal(symbol.name, "names_3.c#work");
        hp_host_close(port);
    }
}

/* ---- memory for payloads -----------------------------------------------------------------------
 */

static struct hp_image_request anywhere(size_t size, uint64_t align)
{
    struct hp_image_request request = {.size = size, .align = align, .low = 0, .high = UINT64_MAX};

    return request;
}

static void test_image_place(void **state)
{
    struct hp_port *port = open_target(*state, "target");
    struct hp_image_request request = anywhere(2 * PAGE, PAGE);
    struct hp_image_memory first;
    struct hp_image_memory second;
    struct hp_image_memory third;
    uint64_t zero = address_of(port, "global_zero");
    size_t i;

    assert_int_equal(hp_port_image_alloc(port, &request, &first), HP_OK);
    assert_int_equal(first.addr % PAGE, 0);
    assert_int_equal(first.size, 2 * PAGE);
    assert_true(first.addr >= zero + 4096);
    assert_true(first.addr - zero < 3 * PAGE);
    for (i = 0; i < first.size; i++) {
        assert_int_equal(first.host[i], 0);
    }
    request.align = 0x10000;
    assert_int_equal(hp_port_image_alloc(port, &request, &second), HP_OK);
    assert_int_equal(second.addr % 0x10000, 0);
    assert_true(second.addr >= first.addr + first.size);
    /* Last in, first out: the same address again; below one that is still there, none. */
    hp_port_image_free(port, &second);
    assert_int_equal(hp_port_image_alloc(port, &request, &third), HP_OK);
    assert_int_equal(third.addr, second.addr);
    hp_port_image_free(port, &first);
    request.align = PAGE;
    assert_int_equal(hp_port_image_alloc(port, &request, &second), HP_OK);
    assert_int_equal(second.addr, third.addr + third.size);
    hp_port_image_free(port, &second);
    hp_port_image_free(port, &third);
    assert_int_equal(hp_port_image_alloc(port, &request, &second), HP_OK);
    assert_int_equal(second.addr, first.addr);
    hp_port_image_free(port, &second);
    hp_host_close(port);
}

static void test_image_limits(void **state)
{
    struct hp_port *port = open_target(*state, "target");
    struct hp_image_request request = anywhere(PAGE, PAGE);
    struct hp_image_memory memory;
    uint64_t addr;

    assert_int_equal(hp_port_image_alloc(port, &request, &memory), HP_OK);
    addr = memory.addr;
    hp_port_image_free(port, &memory);
    request.low = addr;
    request.high = addr + PAGE;
    assert_int_equal(hp_port_image_alloc(port, &request, &memory), HP_OK);
    hp_port_image_free(port, &memory);
    request.high = addr + PAGE - 1;
    assert_int_equal(hp_port_image_alloc(port, &request, &memory), HP_IMAGE_MEMORY);
    assert_null(memory.host);
    request.high = UINT64_MAX;
    request.low = addr + 1;
    assert_int_equal(hp_port_image_alloc(port, &request, &memory), HP_IMAGE_MEMORY);

    /* More than there is, in the host and in the target; a request that breaks the contract. */
    request = anywhere((size_t)1 << 62, PAGE);
    assert_int_equal(hp_port_image_alloc(port, &request, &memory), HP_IMAGE_MEMORY);
    request = anywhere(SIZE_MAX - PAGE + 1, PAGE);
    assert_int_equal(hp_port_image_alloc(port, &request, &memory), HP_IMAGE_MEMORY);
    request = anywhere(PAGE, UINT64_C(1) << 63);
    assert_int_equal(hp_port_image_alloc(port, &request, &memory), HP_IMAGE_MEMORY);
    request = anywhere(0, PAGE);
    assert_int_equal(hp_port_image_alloc(port, &request, &memory), HP_INVALID_ARGUMENT);
    request = anywhere(PAGE + 1, PAGE);
    assert_int_equal(hp_port_image_alloc(port, &request, &memory), HP_INVALID_ARGUMENT);
    request = anywhere(PAGE, 16);
    assert_int_equal(hp_port_image_alloc(port, &request, &memory), HP_INVALID_ARGUMENT);
    request = anywhere(PAGE, 3 * PAGE);
    assert_int_equal(hp_port_image_alloc(port, &request, &memory), HP_INVALID_ARGUMENT);
    hp_host_close(port);
}

static void test_image_base(void **state)
{
    const struct fixture *f = *state;
    struct hp_host_options options = {.size = sizeof(options), .has_base = true};
    struct hp_image_request request = anywhere(PAGE, PAGE);
    struct hp_image_memory memory;
    char path[2 * PATH_SIZE];
    struct hp_port *port;
    static const struct {
        uint64_t base;
        uint64_t addr; /* 0: none */
    } cases[] = {
        {0x7000, 0x7000},
        {0x7001, 0x8000},
        {0xffff82d040200000, 0},                  /* the target's code */
        {0xffff82d040200000 - 1, 0},              /* rounded up to it */
        {0xffff82d0401fe000, 0xffff82d0401fe000}, /* code that is freed after boot */
        {0xffff82d0401fd000, 0xffff82d0401fd000},
        {UINT64_MAX, 0},
        {UINT64_MAX - 4095, 0},
        {UINT64_MAX - 8191, UINT64_MAX - 8191},
    };
    size_t i;

    path_in(f, "target", path);
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        options.base = cases[i].base;
        /* What the library would like does not count against what the user said. */
        request.low = 0x1000;
        request.high = 0x2000;
        assert_int_equal(hp_host_open(&port, path, &options, NULL), HP_OK);
        assert_int_equal(hp_port_image_alloc(port, &request, &memory),
                         cases[i].addr == 0 ? HP_IMAGE_MEMORY : HP_OK);
        assert_int_equal(memory.addr, cases[i].addr);
        hp_host_close(port);
    }
}

/* Memory for second trampolines: where it was asked for, and nobody's to patch. */
static void test_islands(void **state)
{
    struct hp_port *port = open_target(*state, "target");
    struct hp_image_request request = anywhere(PAGE, PAGE);
    const uint64_t text = 0xffff82d040200000;
    struct hp_image_memory image;
    struct hp_image_memory first;
    struct hp_image_memory second;
    struct hp_target target;

    hp_port_target(port, &target);
    assert_int_equal(target.flags & HP_TARGET_ISLANDS, 0); /* no record says that it has any */
    assert_int_equal(hp_port_island_alloc(port, &request, &first), HP_OK);
    assert_int_equal(first.addr, PAGE); /* 0 is no address */
    hp_port_image_free(port, &first);
    request.low = text; /* behind the code there, not in it */
    request.high = text + 0x10000000;
    assert_int_equal(hp_port_island_alloc(port, &request, &first), HP_OK);
    assert_true(first.addr >= target.text_end && first.addr < request.high);
    assert_int_equal(hp_port_patchable(port, first.addr, 4), HP_PATCH_DENIED);
    assert_int_equal(hp_port_image_protect(port, &first, 0, PAGE, HP_PROTECT_TEXT), HP_OK);
    assert_int_equal(hp_port_patchable(port, first.addr, 4), HP_PATCH_DENIED);
    request.low = first.addr;
    assert_int_equal(hp_port_island_alloc(port, &request, &second), HP_OK);
    assert_int_equal(second.addr, first.addr + PAGE);
    hp_port_image_free(port, &second);
    request.high = first.addr + PAGE; /* there the first is */
    assert_int_equal(hp_port_island_alloc(port, &request, &second), HP_ISLAND_MEMORY);
    assert_null(second.host);
    request.low = UINT64_MAX - PAGE;
    request.high = UINT64_MAX;
    assert_int_equal(hp_port_island_alloc(port, &request, &second), HP_ISLAND_MEMORY);
    hp_port_image_free(port, &first);

    /* A payload lies where it would without, unless they are there. */
    request = anywhere(PAGE, PAGE);
    assert_int_equal(hp_port_image_alloc(port, &request, &image), HP_OK);
    hp_port_image_free(port, &image);
    request.low = image.addr + 0x100000;
    assert_int_equal(hp_port_island_alloc(port, &request, &first), HP_OK);
    request.low = 0;
    assert_int_equal(hp_port_image_alloc(port, &request, &second), HP_OK);
    assert_int_equal(second.addr, image.addr);
    hp_port_image_free(port, &second);
    hp_port_image_free(port, &first);
    request.low = image.addr;
    assert_int_equal(hp_port_island_alloc(port, &request, &first), HP_OK);
    request.low = 0;
    assert_int_equal(hp_port_image_alloc(port, &request, &second), HP_IMAGE_MEMORY);
    request.size = 0;
    assert_int_equal(hp_port_island_alloc(port, &request, &second), HP_INVALID_ARGUMENT);
    hp_port_image_free(port, &first);
    hp_host_fail(port, 1, false);
    request.size = PAGE;
    assert_int_equal(hp_port_island_alloc(port, &request, &second), HP_ISLAND_MEMORY);
    assert_null(hp_host_violation(port));
    hp_host_close(port);
}

static void test_image_no_target(void **state)
{
    struct hp_image_request request = anywhere(2 * PAGE, PAGE);
    struct hp_image_memory memory;
    struct hp_port *port = NULL;
    uint8_t buf[4];

    (void)state;
    assert_int_equal(hp_host_open(&port, NULL, NULL, NULL), HP_OK);
    assert_int_equal(hp_port_image_alloc(port, &request, &memory), HP_OK);
    assert_int_equal(memory.addr, 0x100000000);
    memcpy(memory.host + PAGE - 2, "abcd", 4);
    assert_int_equal(hp_port_target_read(port, memory.addr + PAGE - 2, buf, 4), HP_OK);
    assert_memory_equal(buf, "abcd", 4);
    assert_int_equal(hp_port_target_read(port, memory.addr + 2 * PAGE - 2, buf, 4), HP_UNDECIDED);
    assert_memory_equal(buf, "\0\0\0\0", 4);

    /* Patchable is what was protected as code, and only that. */
    assert_int_equal(hp_port_patchable(port, memory.addr, 4), HP_PATCH_RANGE);
    assert_int_equal(hp_port_image_protect(port, &memory, 0, PAGE, HP_PROTECT_TEXT), HP_OK);
    assert_int_equal(hp_port_image_protect(port, &memory, PAGE, PAGE, HP_PROTECT_DATA), HP_OK);
    assert_int_equal(hp_port_patchable(port, memory.addr, PAGE), HP_OK);
    assert_int_equal(hp_port_patchable(port, memory.addr + PAGE - 1, 2), HP_PATCH_RANGE);
    assert_int_equal(hp_port_patchable(port, memory.addr + PAGE, 1), HP_PATCH_RANGE);
    assert_int_equal(hp_port_patchable(port, memory.addr + 2 * PAGE, 1), HP_UNDECIDED);
    hp_port_image_free(port, &memory);

    /* A payload for a 32-bit target gets an address that such a target has. */
    request.high = UINT32_MAX;
    assert_int_equal(hp_port_image_alloc(port, &request, &memory), HP_OK);
    assert_int_equal(memory.addr, 0x40000000);
    hp_port_image_free(port, &memory);
    assert_int_equal(hp_port_target_read(port, memory.addr + PAGE - 2, buf, 4), HP_UNDECIDED);
    hp_host_close(port);
}

/* The signal that ends a process which writes one byte there; 0 when it may. */
static int signal_of_write(volatile uint8_t *byte)
{
    int status = -1;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        /* A sanitizer's handler would turn the signal into a report. */
        (void)signal(SIGSEGV, SIG_DFL);
        *byte = 1;
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void test_protect(void **state)
{
    struct hp_port *port = open_target(*state, "target");
    struct hp_image_request request = anywhere(3 * PAGE, PAGE);
    struct hp_image_memory memory;
    struct hp_image_memory stale;

    assert_int_equal(hp_port_image_alloc(port, &request, &memory), HP_OK);
    assert_int_equal(hp_port_image_protect(port, &memory, 0, PAGE, HP_PROTECT_TEXT), HP_OK);
    assert_int_equal(hp_port_image_protect(port, &memory, PAGE, PAGE, HP_PROTECT_DATA), HP_OK);
    assert_int_equal(hp_port_image_protect(port, &memory, 2 * PAGE, PAGE, HP_PROTECT_RODATA),
                     HP_OK);
    assert_int_equal(hp_port_image_protect(port, &memory, 3 * PAGE, 0, HP_PROTECT_DATA), HP_OK);
    if (sysconf(_SC_PAGESIZE) == (long)PAGE) {
        assert_int_equal(signal_of_write(memory.host + PAGE - 1), SIGSEGV);
        assert_int_equal(signal_of_write(memory.host + 2 * PAGE), SIGSEGV);
    }
    assert_int_equal(signal_of_write(memory.host + PAGE), 0);
    assert_int_equal(signal_of_write(memory.host + 2 * PAGE - 1), 0);

    assert_int_equal(hp_port_image_protect(port, &memory, 1, PAGE, HP_PROTECT_DATA),
                     HP_INVALID_ARGUMENT);
    assert_int_equal(hp_port_image_protect(port, &memory, 0, 100, HP_PROTECT_DATA),
                     HP_INVALID_ARGUMENT);
    assert_int_equal(hp_port_image_protect(port, &memory, PAGE, 3 * PAGE, HP_PROTECT_DATA),
                     HP_INVALID_ARGUMENT);
    stale = memory;
    hp_port_image_free(port, &memory);
    assert_int_equal(hp_port_image_protect(port, &stale, 0, PAGE, HP_PROTECT_DATA),
                     HP_INVALID_ARGUMENT);
    hp_port_image_free(port, &stale);
    hp_host_close(port);
}

/* ---- counters and faults -----------------------------------------------------------------------
 */

static void test_counters(void **state)
{
    struct hp_image_request request = anywhere(PAGE, PAGE);
    struct hp_host_counters counters;
    struct hp_image_memory memory;
    struct hp_port *port = NULL;
    void *first;
    void *second;

    (void)state;
    assert_int_equal(hp_host_open(&port, NULL, NULL, NULL), HP_OK);
    first = hp_port_alloc(port, 100);
    second = hp_port_alloc(port, 0);
    assert_non_null(first);
    assert_non_null(second);
    assert_int_equal((uintptr_t)first % 16, 0);
    assert_int_equal(hp_port_image_alloc(port, &request, &memory), HP_OK);
    hp_host_counters(port, &counters);
    assert_int_equal(counters.allocs, 2);
    assert_int_equal(counters.image_allocs, 1);
    assert_int_equal(counters.live, 3);
    hp_port_free(port, first, 100);
    hp_port_free(port, second, 0);
    hp_port_free(port, NULL, 0);
    hp_port_image_free(port, &memory);
    hp_port_image_free(port, &memory);
    hp_host_counters(port, &counters);
    assert_int_equal(counters.allocs, 2);
    assert_int_equal(counters.live, 0);
    hp_host_close(port);
}

/* Makes each fallible call once; bit n of the result is set when call n failed as its contract
 * says. */
static unsigned make_calls(struct hp_port *port, struct hp_image_memory *memory, uint64_t start)
{
    struct hp_image_request request = anywhere(PAGE, PAGE);
    struct hp_target_symbol symbol;
    struct hp_image_memory other;
    unsigned failed = 0;
    enum hp_status st;
    uint8_t byte;
    void *block;

    block = hp_port_alloc(port, 16);
    failed |= block == NULL ? 1u << 0 : 0;
    hp_port_free(port, block, 16);
    st = hp_port_image_alloc(port, &request, &other);
    assert_true(st == HP_OK || st == HP_IMAGE_MEMORY);
    failed |= st != HP_OK ? 1u << 1 : 0;
    if (st == HP_OK) {
        hp_port_image_free(port, &other);
    }
    st = hp_port_image_protect(port, memory, 0, PAGE, HP_PROTECT_DATA);
    assert_true(st == HP_OK || st == HP_PROTECT_FAILED);
    failed |= st != HP_OK ? 1u << 2 : 0;
    st = hp_port_target_read(port, start, &byte, 1);
    assert_true(st == HP_OK || st == HP_TARGET_READ);
    failed |= st != HP_OK ? 1u << 3 : 0;
    st = find(port, "code_start", &symbol);
    assert_true(st == HP_OK || st == HP_SYMBOL_UNDEFINED);
    failed |= st != HP_OK ? 1u << 4 : 0;
    st = hp_port_symbol_by_address(port, start, &symbol);
    assert_true(st == HP_OK || st == HP_SYMBOL_UNDEFINED);
    failed |= st != HP_OK ? 1u << 5 : 0;
    st = hp_port_patchable(port, start, 1);
    assert_true(st == HP_OK || st == HP_PATCH_RANGE);
    failed |= st != HP_OK ? 1u << 6 : 0;
    return failed;
}

static void test_faults(void **state)
{
    struct hp_port *port = open_target(*state, "target");
    struct hp_image_request request = anywhere(PAGE, PAGE);
    uint64_t start = address_of(port, "code_start");
    struct hp_host_counters counters;
    struct hp_image_memory memory;
    unsigned n;

    assert_int_equal(hp_port_image_alloc(port, &request, &memory), HP_OK);
    assert_int_equal(make_calls(port, &memory, start), 0);
    for (n = 1; n <= 7; n++) {
        hp_host_fail(port, n, false);
        assert_int_equal(make_calls(port, &memory, start), 1u << (n - 1));
        assert_int_equal(make_calls(port, &memory, start), 0);
        hp_host_fail(port, n, true);
        assert_int_equal(make_calls(port, &memory, start), 0x7fu << (n - 1) & 0x7fu);
        assert_int_equal(make_calls(port, &memory, start), 0x7f);
    }
    hp_host_fail(port, 0, false);
    assert_int_equal(make_calls(port, &memory, start), 0);
    hp_port_image_free(port, &memory);
    hp_host_counters(port, &counters);
    assert_int_equal(counters.live, 0);
    hp_host_close(port);
}

/* ---- images that are no images -----------------------------------------------------------------
 */

static void test_not_an_image(void **state)
{
    const struct fixture *f = *state;
    char path[2 * PATH_SIZE];

    assert_refused(f, "missing", "No such file");
    assert_refused(f, ".", "not a regular file");
    path_in(f, "fifo", path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_refused(f, "fifo", "not a regular file");
    path_in(f, "text", path);
    write_file(path, "", 0);
    assert_refused(f, "text", "not an ELF file");
    write_file(path, "no ELF\n", 7);
    assert_refused(f, "text", "not an ELF file");
    assert_refused(f, "code.o", "ELF type 1");
    run(f, "strip -o @/stripped @/target");
    assert_refused(f, "stripped", "no symbol table");
    run(f, "cc -nostdlib -shared -fPIC -s -o @/shared.so %/twice.c");
    assert_refused(f, "shared.so", "stripped (only dynamic symbols");
}

/* A damaged copy of the small target, which changes one field. */
struct damage {
    uint8_t *file;
    size_t size;
};

static struct damage damage_begin(const struct fixture *f)
{
    struct damage d = {malloc(f->small_size), f->small_size};

    assert_non_null(d.file);
    memcpy(d.file, f->small, f->small_size);
    return d;
}

/* The first section header of a type (and, when not NULL, of a name). */
static uint8_t *header_of(const struct damage *d, uint32_t type, const char *name)
{
    uint8_t *table = d->file + hp_le64(d->file + offsetof(Elf64_Ehdr, e_shoff));
    size_t count = hp_le16(d->file + offsetof(Elf64_Ehdr, e_shnum));
    size_t names = hp_le16(d->file + offsetof(Elf64_Ehdr, e_shstrndx));
    const uint8_t *strings =
        d->file + hp_le64(table + names * 64 + offsetof(Elf64_Shdr, sh_offset));
    size_t i;

    for (i = 0; i < count; i++) {
        uint8_t *header = table + i * 64;

        if (hp_le32(header + offsetof(Elf64_Shdr, sh_type)) == type &&
            (name == NULL || strcmp((const char *)strings + hp_le32(header), name) == 0)) {
            return header;
        }
    }
    fail();
    return NULL;
}

static void damage_end(const struct fixture *f, struct damage *d, const char *reason)
{
    char path[2 * PATH_SIZE];

    path_in(f, "damaged", path);
    write_file(path, d->file, d->size);
    if (reason != NULL) {
        assert_refused(f, "damaged", reason);
    }
    free(d->file);
}

static void test_damaged_header(void **state)
{
    const struct fixture *f = *state;
    struct damage d = damage_begin(f);

    d.file[EI_DATA] = ELFDATA2MSB;
    damage_end(f, &d, "");
    d = damage_begin(f);
    hp_put_le16(d.file + offsetof(Elf64_Ehdr, e_machine), EM_NONE);
    damage_end(f, &d, "no machine");
    d = damage_begin(f);
    hp_put_le16(d.file + offsetof(Elf64_Ehdr, e_shnum), 0);
    hp_put_le64(d.file + offsetof(Elf64_Ehdr, e_shoff), 0);
    damage_end(f, &d, "no section headers");
    d = damage_begin(f);
    hp_put_le16(d.file + offsetof(Elf64_Ehdr, e_shstrndx), 1);
    damage_end(f, &d, "section 1 is no string table");
    d = damage_begin(f);
    hp_put_le16(d.file + offsetof(Elf64_Ehdr, e_shstrndx), 0xfff0);
    damage_end(f, &d, "");
}

static void test_damaged_sections(void **state)
{
    const struct fixture *f = *state;
    struct damage d = damage_begin(f);
    uint8_t *other;

    hp_put_le64(header_of(&d, SHT_PROGBITS, ".text") + offsetof(Elf64_Shdr, sh_addr),
                UINT64_MAX - 15);
    damage_end(f, &d, "addresses wrap around");
    d = damage_begin(f);
    hp_put_le64(header_of(&d, SHT_PROGBITS, ".text") + offsetof(Elf64_Shdr, sh_size), UINT64_C(1)
                                                                                          << 40);
    damage_end(f, &d, "reaches outside the file");
    d = damage_begin(f);
    hp_put_le64(header_of(&d, SHT_PROGBITS, ".text") + offsetof(Elf64_Shdr, sh_offset),
                f->small_size - 8);
    damage_end(f, &d, "section");
    d = damage_begin(f);
    hp_put_le64(header_of(&d, SHT_PROGBITS, ".text") + offsetof(Elf64_Shdr, sh_offset),
                UINT64_MAX - 8);
    damage_end(f, &d, "section");
    d = damage_begin(f);
    hp_put_le32(header_of(&d, SHT_PROGBITS, ".text"), UINT32_MAX);
    damage_end(f, &d, "bad header");
    d = damage_begin(f);
    other = header_of(&d, SHT_PROGBITS, ".text");
    hp_put_le64(header_of(&d, SHT_PROGBITS, ".data") + offsetof(Elf64_Shdr, sh_addr),
                hp_le64(other + offsetof(Elf64_Shdr, sh_addr)) + 8);
    damage_end(f, &d, "have common addresses");
    d = damage_begin(f);
    other = header_of(&d, SHT_PROGBITS, ".data");
    hp_put_le64(other + offsetof(Elf64_Shdr, sh_flags), SHF_ALLOC | SHF_WRITE | SHF_COMPRESSED);
    damage_end(f, &d, "is compressed");
    /* Many sections that claim the whole file must not cost that much memory each. */
    d = damage_begin(f);
    other = header_of(&d, SHT_PROGBITS, ".text");
    hp_put_le64(other + offsetof(Elf64_Shdr, sh_offset), 0);
    hp_put_le64(other + offsetof(Elf64_Shdr, sh_size), d.size);
    damage_end(f, &d, "overlaps");
}

static void test_damaged_symbols(void **state)
{
    const struct fixture *f = *state;
    struct damage d = damage_begin(f);
    uint8_t *header;
    uint8_t *symbols;

    hp_put_le64(header_of(&d, SHT_SYMTAB, NULL) + offsetof(Elf64_Shdr, sh_entsize), 16);
    damage_end(f, &d, "wrong size of an entry");
    d = damage_begin(f);
    header = header_of(&d, SHT_SYMTAB, NULL);
    hp_put_le64(header + offsetof(Elf64_Shdr, sh_size),
                hp_le64(header + offsetof(Elf64_Shdr, sh_size)) - 1);
    damage_end(f, &d, "wrong size of an entry");
    d = damage_begin(f);
    hp_put_le32(header_of(&d, SHT_SYMTAB, NULL) + offsetof(Elf64_Shdr, sh_link), 0);
    damage_end(f, &d, "section 0 is no string table");
    d = damage_begin(f);
    hp_put_le32(header_of(&d, SHT_PROGBITS, ".comment") + offsetof(Elf64_Shdr, sh_type),
                SHT_SYMTAB);
    damage_end(f, &d, "several symbol tables");
    d = damage_begin(f);
    header = header_of(&d, SHT_STRTAB, ".strtab");
    d.file[hp_le64(header + offsetof(Elf64_Shdr, sh_offset)) +
           hp_le64(header + offsetof(Elf64_Shdr, sh_size)) - 1] = 'x';
    damage_end(f, &d, "is not terminated");

    d = damage_begin(f);
    header = header_of(&d, SHT_SYMTAB, NULL);
    symbols = d.file + hp_le64(header + offsetof(Elf64_Shdr, sh_offset));
    hp_put_le32(symbols + 24, UINT32_MAX);
    damage_end(f, &d, "symbol 1: name outside its table");
    d = damage_begin(f);
    symbols = d.file + hp_le64(header_of(&d, SHT_SYMTAB, NULL) + offsetof(Elf64_Shdr, sh_offset));
    hp_put_le16(symbols + 24 + offsetof(Elf64_Sym, st_shndx), SHN_XINDEX);
    damage_end(f, &d, "symbol 1: no section index table");
}

static void test_damaged_symbol_size(void **state)
{
    const struct fixture *f = *state;
    struct damage d = damage_begin(f);
    const uint8_t *header = header_of(&d, SHT_SYMTAB, NULL);
    uint8_t *symbol = d.file + hp_le64(header + offsetof(Elf64_Shdr, sh_offset));
    size_t count = hp_le64(header + offsetof(Elf64_Shdr, sh_size)) / 24;

    /* The function _start claims all addresses that follow it, and one more. */
    for (; count > 0; count--, symbol += 24) {
        if (symbol[offsetof(Elf64_Sym, st_info)] == ELF64_ST_INFO(STB_GLOBAL, STT_FUNC)) {
            hp_put_le64(symbol + offsetof(Elf64_Sym, st_size),
                        UINT64_MAX - hp_le64(symbol + offsetof(Elf64_Sym, st_value)) + 1);
        }
    }
    damage_end(f, &d, "addresses wrap around");
}

/*
 * A name of a megabyte that counts for each of 300 symbols: refused, be it the name of their file
 * or that of each, before it costs so much time and memory.
 */
static void test_endless_names(void **state)
{
    const struct fixture *f = *state;
    const size_t length = (size_t)1 << 20;
    char path[2 * PATH_SIZE];
    struct damage d;
    uint8_t *symbols;
    FILE *file;
    size_t count;
    size_t i;

    path_in(f, "long.S", path);
    file = fopen(path, "w");
    assert_non_null(file);
    (void)fputs(".file \"", file);
    for (i = 0; i < length; i++) {
        (void)fputc('a', file);
    }
    (void)fputs("\"\n.text\n", file);
    for (i = 0; i < 300; i++) {
        (void)fprintf(file, "symbol_%zu: .byte 0x90\n", i);
    }
    assert_int_equal(fclose(file), 0);
    run(f, "as -o @/long.o @/long.S");
    run(f, "ld -no-pie -e 0 -o @/damaged @/long.o");
    assert_refused(f, "damaged", "the names of symbols and files are too long");

    path_in(f, "damaged", path);
    d.file = read_file(path, &d.size);
    symbols = header_of(&d, SHT_SYMTAB, NULL);
    count = hp_le64(symbols + offsetof(Elf64_Shdr, sh_size)) / 24;
    symbols = d.file + hp_le64(symbols + offsetof(Elf64_Shdr, sh_offset));
    assert_int_equal(symbols[24 + offsetof(Elf64_Sym, st_info)], STT_FILE);
    for (i = 2; i < count; i++) {
        memcpy(symbols + i * 24, symbols + 24, 24);
    }
    damage_end(f, &d, "the names of symbols and files are too long");
}

/* A .bss of a terabyte is no reason to allocate one. */
static void test_huge_nobits(void **state)
{
    const struct fixture *f = *state;
    struct damage d = damage_begin(f);
    uint8_t *header = header_of(&d, SHT_NOBITS, ".bss");
    uint64_t addr = hp_le64(header + offsetof(Elf64_Shdr, sh_addr));
    uint8_t buf[16];
    struct hp_port *port;

    hp_put_le64(header + offsetof(Elf64_Shdr, sh_size), UINT64_C(1) << 40);
    damage_end(f, &d, NULL);
    port = open_target(f, "damaged");
    memset(buf, 0xff, sizeof(buf));
    assert_int_equal(
        hp_port_target_read(port, addr + (UINT64_C(1) << 40) - sizeof(buf), buf, sizeof(buf)),
        HP_UNDECIDED);
    assert_int_equal(buf[0] | buf[15], 0);
    hp_host_close(port);
}

static void test_truncated(void **state)
{
    const struct fixture *f = *state;
    char path[2 * PATH_SIZE];
    struct hp_port *port = NULL;
    size_t size;

    path_in(f, "damaged", path);
    write_file(path, f->small, f->small_size);
    /* The section headers are at the end of the file: each byte less is a loss. */
    for (size = f->small_size; size > 0; size--) {
        assert_int_equal(truncate(path, (off_t)(size - 1)), 0);
        assert_int_equal(hp_host_open(&port, path, NULL, NULL), HP_TARGET_FILE);
    }
}

static uint32_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return (uint32_t)(*seed >> 16);
}

/* Asks an opened port everything, at random places. */
static void ask(struct hp_port *port, uint64_t *seed)
{
    static const char *const names[] = {"_start", "table_code", "globals.c#x", "", "#"};
    struct hp_image_request request = anywhere(PAGE, PAGE);
    struct hp_image_memory memory;
    struct hp_target_symbol symbol;
    struct hp_target target;
    uint8_t buf[64];
    uint64_t addr;
    uint64_t size;
    uint64_t last = 0;
    size_t i;

    hp_port_target(port, &target);
    for (i = 0; hp_host_rewritten(port, i, &addr, &size); i++) {
        assert_true(size > 0 && addr >= last);
        last = addr + size;
    }
    for (i = 0; i < 64; i++) {
        addr = target.text_start + next_random(seed) % 0x4000;
        if (hp_port_symbol_by_address(port, addr, &symbol) == HP_OK) {
            assert_true(symbol.addr <= addr && symbol.name[0] != '\0');
            assert_true(symbol.size == 0 || addr - symbol.addr < symbol.size);
        }
        (void)!hp_port_target_read(port, addr, buf, next_random(seed) % sizeof(buf));
        (void)!hp_port_patchable(port, addr, next_random(seed) % sizeof(buf));
        (void)!find(port, names[i % (sizeof(names) / sizeof(names[0]))], &symbol);
    }
    if (hp_port_image_alloc(port, &request, &memory) == HP_OK) {
        hp_port_image_free(port, &memory);
    }
}

/* Garbage in the places where it matters: each image is refused with a reason, or can be used. */
static void test_garbage(void **state)
{
    static const uint64_t values[] = {0,          1,          0x7fffffff,          0x80000000,
                                      0xffffffff, UINT64_MAX, UINT64_C(1) << 63,   0xfff1,
                                      0xffff,     8,          0xffff82d040200000u, 64};
    const struct fixture *f = *state;
    uint64_t seed = 0x9e3779b97f4a7c15u;
    char path[2 * PATH_SIZE];
    unsigned opened = 0;
    unsigned round;

    path_in(f, "damaged", path);
    for (round = 0; round < 4000; round++) {
        struct damage d = damage_begin(f);
        const uint8_t *symtab = header_of(&d, SHT_SYMTAB, NULL);
        size_t tables[3][2] = {
            {0, 64},
            {hp_le64(d.file + offsetof(Elf64_Ehdr, e_shoff)), 0},
            {hp_le64(symtab + offsetof(Elf64_Shdr, sh_offset)),
             hp_le64(symtab + offsetof(Elf64_Shdr, sh_size))},
        };
        unsigned changes = 1 + next_random(&seed) % 3;
        struct hp_port *port = NULL;
        struct hp_diag diag;
        enum hp_status st;

        tables[1][1] = d.size - tables[1][0];
        while (changes-- > 0) {
            unsigned which = next_random(&seed) % 4;
            size_t start = which < 3 ? tables[which][0] : 0;
            size_t size = which < 3 ? tables[which][1] : d.size;
            size_t width = (size_t)1 << next_random(&seed) % 4;
            size_t at = start + next_random(&seed) % (size / width) * width;
            uint64_t value = values[next_random(&seed) % 12] + next_random(&seed) % 3 - 1;
            size_t i;

            for (i = 0; i < width; i++) {
                d.file[at + i] = (uint8_t)(value >> 8 * i);
            }
        }
        write_file(path, d.file, d.size);
        free(d.file);
        hp_diag_init(&diag);
        st = hp_host_open(&port, path, NULL, &diag);
        assert_true(st == HP_OK || st == HP_TARGET_FILE);
        if (st == HP_OK) {
            opened++;
            ask(port, &seed);
        } else {
            assert_int_equal(diag.status, HP_TARGET_FILE);
            assert_int_not_equal(diag.name[0], '\0');
        }
        hp_host_close(port);
    }
    /* Both must occur, or the test has lost its point. */
    assert_in_range(opened, 400, 3600);
}

/* ---- the real Xen ------------------------------------------------------------------------------
 */

static void test_xen(void **state)
{
    const char *path = getenv("HOTPATCH_TEST_XEN_SYMS");
    struct hp_port *port = NULL;
    struct hp_target_symbol symbol;
    struct hp_target target;
    uint64_t last = 0;
    uint64_t total = 0;
    uint64_t addr;
    uint64_t size;
    uint8_t buf[256];
    size_t i;

    (void)state;
    if (path == NULL) {
        skip();
    }
    assert_int_equal(hp_host_open(&port, path, NULL, NULL), HP_OK);
    hp_port_target(port, &target);
    assert_int_equal(target.machine, EM_X86_64);
    assert_int_equal(target.build_id_size, 20);
    assert_int_equal(target.flags,
                     HP_TARGET_EX_TABLE | HP_TARGET_BUG_FRAMES | HP_TARGET_ALTERNATIVES);
    assert_int_equal(find(port, "__x86_return_thunk", &symbol), HP_OK);
    assert_int_equal(target.return_thunk, symbol.addr);
    assert_int_equal(find(port, "xen_extra_version", &symbol), HP_OK);
    assert_int_equal(symbol.kind, HP_KIND_CODE);
    assert_int_equal(hp_port_target_read(port, symbol.addr, buf, symbol.size), HP_OK);
    assert_int_equal(hp_port_patchable(port, symbol.addr, symbol.size), HP_OK);
    assert_int_equal(hp_port_symbol_by_address(port, symbol.addr + symbol.size - 1, &symbol),
                     HP_OK);
    assert_string_equal(symbol.name, "xen_extra_version");
    assert_int_equal(find(port, "__alt_instructions", &symbol), HP_SYMBOL_UNDEFINED);
    for (i = 0; hp_host_rewritten(port, i, &addr, &size); i++) {
        assert_true(addr > last && size <= sizeof(buf));
        assert_int_equal(hp_port_patchable(port, addr, (size_t)size), HP_OK);
        assert_int_equal(hp_port_target_read(port, addr, buf, (size_t)size), HP_UNDECIDED);
        last = addr + size;
        total += size;
    }
    print_message("%zu ranges with %llu bytes are rewritten at boot\n", i,
                  (unsigned long long)total);
    assert_true(i > 1000);
    hp_host_close(port);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_target),
        cmocka_unit_test(test_no_target),
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_globals),
        cmocka_unit_test(test_file_scoped),
        cmocka_unit_test(test_hidden),
        cmocka_unit_test(test_by_address),
        cmocka_unit_test(test_by_address_edges),
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_discarded),
        cmocka_unit_test(test_patchable),
        cmocka_unit_test(test_record),
        cmocka_unit_test(test_record_damaged),
        cmocka_unit_test(test_rewritten),
        cmocka_unit_test(test_rewritten_read),
        cmocka_unit_test(test_supported),
        cmocka_unit_test(test_constants),
        cmocka_unit_test(test_rewritten_broken),
        cmocka_unit_test(test_markers),
        cmocka_unit_test(test_image_place),
        cmocka_unit_test(test_image_limits),
        cmocka_unit_test(test_image_base),
        cmocka_unit_test(test_islands),
        cmocka_unit_test(test_image_no_target),
        cmocka_unit_test(test_protect),
        cmocka_unit_test(test_counters),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_not_an_image),
        cmocka_unit_test(test_damaged_header),
        cmocka_unit_test(test_damaged_sections),
        cmocka_unit_test(test_damaged_symbols),
        cmocka_unit_test(test_damaged_symbol_size),
        cmocka_unit_test(test_endless_names),
        cmocka_unit_test(test_huge_nobits),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_garbage),
        cmocka_unit_test(test_xen),
    };

    return cmocka_run_group_tests_name("host", tests, set_up, tear_down);
}
