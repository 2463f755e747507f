/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The only program of the control domain: puts payloads through a real Xen and reports every step.
 *
 * Reads /plan, a case on each line: its name, then the files of its payloads from the bottom of the
 * stack up. For each case the payloads are uploaded and applied in that order, then reverted and
 * unloaded from the top down, as far as Xen lets them. One line for each step goes to the second
 * serial port, and one before each, so that a crash shows where it happened.
 *
 * The hypercalls are made by hand, with the structures of docs/SPEC.md section 12: nothing of Xen's
 * headers or libraries is needed.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define HYPERCALL_XEN_VERSION 17
#define HYPERCALL_SYSCTL      35
#define SYSCTL_LIVEPATCH      27

#define VERSION_EXTRA     1 /* char[16] */
#define VERSION_COMPILE   2 /* compiler[64], by[16], domain[32], date[32] */
#define VERSION_CHANGESET 4 /* char[64] */

enum { OP_UPLOAD, OP_GET, OP_LIST, OP_ACTION };
enum { ACTION_UNLOAD = 1, ACTION_REVERT, ACTION_APPLY, ACTION_REPLACE };
enum { STATE_CHECKED = 1, STATE_APPLIED = 2 };

#define ACTION_TIME_NS 2000000000u /* emulated CPUs are slow to meet */
#define WAIT_SECONDS   20
#define BUSY_RETRIES   5
#define STACK_MAX      4
#define LINE_SIZE      4096
#define FILE_SIZE_MAX  (4u << 20)

struct name {
    uint64_t text;
    uint16_t size;
    uint16_t pad[3];
};

struct op {
    uint32_t cmd;
    uint32_t flags;
    union {
        struct {
            struct name name;
            uint64_t size;
            uint64_t data;
        } upload;
        struct {
            struct name name;
            uint32_t state;
            int32_t rc;
        } get;
        struct {
            struct name name;
            uint32_t cmd;
            uint32_t time;
            uint32_t flags;
            uint32_t pad;
        } action;
    };
};

struct sysctl {
    uint32_t cmd;
    uint32_t version;
    union {
        struct op op;
        uint8_t room[128];
    };
};

struct hypercall {
    uint64_t number;
    uint64_t argument[5];
};

#define IOCTL_HYPERCALL _IOC(_IOC_NONE, 'P', 0, sizeof(struct hypercall))

/* What the program has open. */
struct dom0 {
    int results;
    int privcmd;
    uint32_t version; /* of the sysctl interface, found by trying */
    void *payload;    /* FILE_SIZE_MAX bytes that stay in memory, as Xen demands of arguments */
};

/* A payload of a case. */
struct step {
    char name[32];
    const char *file;
    bool loaded;
    bool applied;
};

/* Ends a word of a line: what is not plain text becomes \xNN. */
static size_t escape(char *out, size_t size, const char *text, size_t max)
{
    size_t used = 0;
    size_t n;

    for (n = 0; n < max && text[n] != '\0' && used + 5 < size; n++) {
        if (isgraph((unsigned char)text[n]) && text[n] != '\\') {
            out[used++] = text[n];
        } else {
            used += (size_t)snprintf(out + used, size - used, "\\x%02x", (unsigned char)text[n]);
        }
    }
    out[used] = '\0';
    return used;
}

/* Writes a line and waits until it is out, as the next hypercall may be the last one. */
__attribute__((format(printf, 2, 3))) static void report(const struct dom0 *dom0,
                                                         const char *format, ...)
{
    char line[LINE_SIZE];
    va_list list;
    size_t done = 0;
    size_t size;
    ssize_t put;
    int made;

    va_start(list, format);
    made = vsnprintf(line, sizeof(line) - 1, format, list);
    va_end(list);
    size = made < (int)sizeof(line) - 1 ? (size_t)made : sizeof(line) - 2;
    line[size++] = '\n';
    while (done < size) {
        put = write(dom0->results, line + done, size - done);
        if (put > 0) {
            done += (size_t)put;
        } else if (errno != EINTR && errno != EAGAIN) {
            break;
        }
    }
    tcdrain(dom0->results);
}

/* Nothing more can be done: says why and stops the machine. */
_Noreturn static void stop(const struct dom0 *dom0, const char *why)
{
    report(dom0, "end why=%s errno=%d", why, errno);
    sync();
    reboot(RB_POWER_OFF);
    for (;;) {
        pause();
    }
}

/* A hypercall; 0 or more, or a negative error number. */
static long call(const struct dom0 *dom0, uint64_t number, uint64_t first, void *second)
{
    struct hypercall request = {.number = number, .argument = {first, (uintptr_t)second}};
    long answer = ioctl(dom0->privcmd, IOCTL_HYPERCALL, &request);

    return answer < 0 ? -errno : answer;
}

/* A live-patch operation: 0 or a negative error number. */
static int livepatch(const struct dom0 *dom0, struct op *op)
{
    struct sysctl request = {.cmd = SYSCTL_LIVEPATCH, .version = dom0->version};
    long answer;

    request.op = *op;
    answer = call(dom0, HYPERCALL_SYSCTL, (uintptr_t)&request, NULL);
    *op = request.op;
    return (int)answer;
}

static struct name name_of(const char *text)
{
    struct name name;

    name.text = (uintptr_t)text;
    name.size = (uint16_t)(strlen(text) + 1);
    memset(name.pad, 0, sizeof(name.pad));
    return name;
}

/* Tries interface versions until one is not refused: an unknown name then is what is wrong. */
static void find_version(struct dom0 *dom0)
{
    struct op op;

    for (dom0->version = 1; dom0->version < 256; dom0->version++) {
        memset(&op, 0, sizeof(op));
        op.cmd = OP_GET;
        op.get.name = name_of("none");
        if (livepatch(dom0, &op) == -ENOENT) {
            return;
        }
    }
    stop(dom0, "no-interface");
}

/* What the functions say that payloads of the tests replace. */
static void read_back(const struct dom0 *dom0, const char *id, const char *when)
{
    static const struct {
        const char *key;
        uint64_t command;
        size_t offset;
        size_t size;
    } answers[] = {
        {"extra", VERSION_EXTRA, 0, 16},    {"compiler", VERSION_COMPILE, 0, 64},
        {"by", VERSION_COMPILE, 64, 16},    {"domain", VERSION_COMPILE, 80, 32},
        {"date", VERSION_COMPILE, 112, 32}, {"changeset", VERSION_CHANGESET, 0, 64},
    };
    char buffer[256];
    char line[LINE_SIZE];
    size_t used = 0;
    size_t n;
    long answer;

    report(dom0, "begin %s read %s", id, when);
    for (n = 0; n < sizeof(answers) / sizeof(answers[0]); n++) {
        memset(buffer, 0, sizeof(buffer));
        answer = call(dom0, HYPERCALL_XEN_VERSION, answers[n].command, buffer);
        used += (size_t)snprintf(line + used, sizeof(line) - used, " %s=", answers[n].key);
        if (answer < 0) {
            used += (size_t)snprintf(line + used, sizeof(line) - used, "!%ld", -answer);
        } else {
            used += escape(line + used, sizeof(line) - used, buffer + answers[n].offset,
                           answers[n].size);
        }
    }
    report(dom0, "read %s %s%s", id, when, line);
}

/* Reads a payload file; returns its size. */
static size_t load(const struct dom0 *dom0, const char *path)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    size_t size = 0;
    ssize_t got = 1;

    if (file < 0) {
        stop(dom0, "payload-unreadable");
    }
    while (got > 0 && size < FILE_SIZE_MAX) {
        got = read(file, (char *)dom0->payload + size, FILE_SIZE_MAX - size);
        size += got > 0 ? (size_t)got : 0;
    }
    close(file);
    return size;
}

static int upload(const struct dom0 *dom0, const char *id, const struct step *step)
{
    struct op op = {.cmd = OP_UPLOAD};
    int answer;

    op.upload.name = name_of(step->name);
    op.upload.size = load(dom0, step->file);
    op.upload.data = (uintptr_t)dom0->payload;
    report(dom0, "begin %s upload %s", id, step->name);
    answer = livepatch(dom0, &op);
    report(dom0, "step %s upload %s errno=%d", id, step->name, -answer);
    return answer;
}

/* State and result of a payload once nothing is in progress any more; false: it never ends. */
static bool settle(const struct dom0 *dom0, const char *name, struct op *op)
{
    const struct timespec pause_time = {.tv_nsec = 1000000};
    time_t end = time(NULL) + WAIT_SECONDS;

    do {
        memset(op, 0, sizeof(*op));
        op->cmd = OP_GET;
        op->get.name = name_of(name);
        if (livepatch(dom0, op) != 0) {
            return false;
        }
        if (op->get.rc != -EAGAIN) {
            return true;
        }
        nanosleep(&pause_time, NULL);
    } while (time(NULL) < end);
    return false;
}

/* Starts an action and waits for its end; true when the payload is in the wanted state then. */
static bool act(const struct dom0 *dom0, const char *id, const struct step *step, const char *verb,
                uint32_t cmd, uint32_t wanted)
{
    struct op op;
    int tries = 0;
    int answer;

    report(dom0, "begin %s %s %s", id, verb, step->name);
    do {
        memset(&op, 0, sizeof(op));
        op.cmd = OP_ACTION;
        op.action.name = name_of(step->name);
        op.action.cmd = cmd;
        op.action.time = ACTION_TIME_NS;
        op.action.flags = 0;
        op.action.pad = 0;
        answer = livepatch(dom0, &op);
        if (!settle(dom0, step->name, &op)) {
            report(dom0, "step %s %s %s errno=%d hangs=1", id, verb, step->name, -answer);
            return false;
        }
    } while ((answer == -EBUSY || op.get.rc == -EBUSY) && ++tries < BUSY_RETRIES);
    report(dom0, "step %s %s %s errno=%d state=%u rc=%d", id, verb, step->name, -answer,
           op.get.state, -op.get.rc);
    return op.get.state == wanted && op.get.rc == 0 && answer == 0;
}

/* Takes a payload off again; false when it stays, which spoils the rest of this boot. */
static bool leave(const struct dom0 *dom0, const char *id, struct step *step)
{
    struct op op = {.cmd = OP_ACTION};
    int answer;

    if (step->applied) {
        if (!act(dom0, id, step, "revert", ACTION_REVERT, STATE_CHECKED)) {
            return false;
        }
        read_back(dom0, id, "reverted");
    }
    op.action.name = name_of(step->name);
    op.action.cmd = ACTION_UNLOAD;
    op.action.time = ACTION_TIME_NS;
    report(dom0, "begin %s unload %s", id, step->name);
    answer = livepatch(dom0, &op);
    report(dom0, "step %s unload %s errno=%d", id, step->name, -answer);
    return answer == 0;
}

/* One line of the plan; false when Xen is not again as it was before. */
static bool run_case(const struct dom0 *dom0, char *line)
{
    struct step steps[STACK_MAX];
    char *state = NULL;
    const char *id = strtok_r(line, " \n", &state);
    const char *file;
    size_t count = 0;
    bool good = true;

    if (id == NULL) {
        return true;
    }
    memset(steps, 0, sizeof(steps));
    while (good && count < STACK_MAX && (file = strtok_r(NULL, " \n", &state)) != NULL) {
        struct step *step = &steps[count++];

        snprintf(step->name, sizeof(step->name), "payload%zu", count);
        step->file = file;
        step->loaded = upload(dom0, id, step) == 0;
        step->applied = step->loaded && act(dom0, id, step, "apply", ACTION_APPLY, STATE_APPLIED);
        good = step->applied;
        if (step->applied) {
            read_back(dom0, id, "applied");
        }
    }
    while (count-- > 0) {
        if (steps[count].loaded && !leave(dom0, id, &steps[count])) {
            report(dom0, "stuck %s", id);
            return false;
        }
    }
    report(dom0, "done %s", id);
    return true;
}

/* The serial port as it takes bytes unchanged. */
static int open_results(void)
{
    struct termios mode;
    int port = open("/dev/ttyS1", O_RDWR | O_NOCTTY | O_CLOEXEC);

    if (port >= 0 && tcgetattr(port, &mode) == 0) {
        cfmakeraw(&mode);
        cfsetspeed(&mode, B115200);
        mode.c_cflag |= CLOCAL;
        tcsetattr(port, TCSANOW, &mode);
    }
    return port;
}

static void open_all(struct dom0 *dom0)
{
    int module;

    mkdir("/dev", 0755);
    mount("devtmpfs", "/dev", "devtmpfs", 0, "");
    dom0->results = open_results();
    module = open("/xen-privcmd.ko", O_RDONLY | O_CLOEXEC);
    if (syscall(SYS_finit_module, module, "", 0) != 0) {
        stop(dom0, "no-module");
    }
    close(module);
    dom0->privcmd = open("/dev/xen/privcmd", O_RDWR | O_CLOEXEC);
    if (dom0->privcmd < 0) {
        stop(dom0, "no-privcmd");
    }
    dom0->payload = mmap(NULL, FILE_SIZE_MAX, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (dom0->payload == MAP_FAILED || mlockall(MCL_CURRENT | MCL_FUTURE) != 0) {
        stop(dom0, "no-memory");
    }
}

int main(void)
{
    struct dom0 dom0 = {.results = -1, .privcmd = -1};
    char line[LINE_SIZE];
    FILE *plan;

    open_all(&dom0);
    find_version(&dom0);
    report(&dom0, "boot interface=%u", dom0.version);
    read_back(&dom0, "-", "boot");
    plan = fopen("/plan", "re");
    while (plan != NULL && fgets(line, sizeof(line), plan) != NULL) {
        if (!run_case(&dom0, line)) {
            stop(&dom0, "stuck");
        }
    }
    stop(&dom0, plan != NULL ? "finished" : "no-plan");
}
