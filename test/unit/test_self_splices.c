/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The process splices itself while its threads go through what is spliced: a table of functions,
 * which the linker has put into .rodata or, in a position-independent executable, into what is made
 * read-only after relocation; a constant; and a call.
 */
#ifndef _GNU_SOURCE
/* For pthreads. NOLINTNEXTLINE(bugprone-reserved-identifier) */
#define _GNU_SOURCE
#endif
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>

#include <hotpatch/host.h>
#include <hotpatch/hotpatch.h>

#include "elf_builder.h"
#include "self.h"

#define WORKERS 3u
#define CYCLES  200 /* by default; HOTPATCH_TEST_CYCLES / 2 otherwise */

/* What is spliced. */
extern unsigned (*const spliced_table[4])(void);
extern const unsigned char spliced_bytes[64];
extern unsigned spliced_variable;
unsigned spliced_call(void);

unsigned (*const spliced_table[4])(void) = {stress_0, stress_1, stress_2, NULL};
const unsigned char spliced_bytes[64] = {1, 1, 1, 1, 7, 7};
unsigned spliced_variable = 1;

/* The compiler knows what constants hold; it does not know where these point. */
static unsigned (*const *volatile table)(void) = spliced_table;
static const unsigned char *volatile bytes = spliced_bytes;

/* A call at a known place: behind its landing pad, and what aligns the stack. */
#if defined(__x86_64__)
#define CALL_PLACE "spliced_call+8"
__asm__(".pushsection .text\n"
        ".globl spliced_call\n"
        ".type spliced_call, @function\n"
        "spliced_call:\n"
        "    endbr64\n"
        "    sub $8, %rsp\n"
        "    call spliced_direct\n"
        "    add $8, %rsp\n"
        "    ret\n"
        ".size spliced_call, . - spliced_call\n"
        ".type spliced_direct, @function\n"
        "spliced_direct:\n"
        "    mov $1, %eax\n"
        "    ret\n"
        ".size spliced_direct, . - spliced_direct\n"
        ".globl spliced_direct\n"
        ".popsection\n");
#else
#define CALL_PLACE "spliced_call+8"
__asm__(".pushsection .text\n"
        ".globl spliced_call\n"
        ".type spliced_call, @function\n"
        "spliced_call:\n"
        "    bti c\n"
        "    stp x29, x30, [sp, -16]!\n"
        "    bl spliced_direct\n"
        "    ldp x29, x30, [sp], 16\n"
        "    ret\n"
        ".size spliced_call, . - spliced_call\n"
        ".type spliced_direct, @function\n"
        "spliced_direct:\n"
        "    mov w0, 1\n"
        "    ret\n"
        ".size spliced_direct, . - spliced_direct\n"
        ".globl spliced_direct\n"
        ".popsection\n");
#endif

struct fixture {
    struct hp_port *port;
    struct hp_manager manager;
    pthread_t threads[WORKERS];
    _Atomic uint64_t rounds[WORKERS];
    _Atomic unsigned answer; /* of the last round of any */
    _Atomic unsigned wrong;  /* rounds that were neither old nor new, or of both kinds */
    _Atomic uint32_t next;
    atomic_bool stop;
};

/* Between two safe points everything is of one version. */
static unsigned look(struct fixture *f)
{
    unsigned first = table[0]();
    unsigned second = table[2]();
    unsigned byte = bytes[1];
    unsigned call = spliced_call();

    if (first != second || second != byte || byte != call || first < 1 || first > 2 ||
        table[1]() != 1 || bytes[0] != 1) {
        atomic_fetch_add(&f->wrong, 1);
    }
    return first;
}

static void *work(void *data)
{
    struct fixture *f = data;
    uint32_t number = atomic_fetch_add(&f->next, 1);
    uint32_t cpu = HP_HOST_ANY_CPU;

    if (hp_host_cpu_attach(f->port, &cpu) != HP_OK) {
        abort();
    }
    while (!atomic_load(&f->stop)) {
        atomic_store(&f->answer, look(f));
        if (atomic_fetch_add(&f->rounds[number], 1) % 64 == 0) {
            (void)sched_yield();
        }
        hp_safe_point(&f->manager.safepoint);
    }
    hp_host_cpu_detach(f->port);
    return NULL;
}

/* Waits until every worker has begun and ended a round from now on. */
static void wait_rounds(struct fixture *f)
{
    uint32_t n;

    for (n = 0; n < WORKERS; n++) {
        uint64_t rounds = atomic_load(&f->rounds[n]);

        while (atomic_load(&f->rounds[n]) < rounds + 2) {
            (void)sched_yield();
        }
    }
}

/* A payload: two pointers of the table, a byte, and the call, all to a function that returns 2. */
static uint8_t *make(const struct hp_target *target, size_t *size)
{
    static const uint8_t own[20] = {2};
    const struct eb_ids ids = {.build_id = own,
                               .build_id_size = sizeof(own),
                               .depends = target->build_id,
                               .depends_size = target->build_id_size,
                               .xen_depends = target->build_id,
                               .xen_depends_size = target->build_id_size};
#if defined(__x86_64__)
    static const uint8_t code[16] = {0xb8, 2, 0, 0, 0, 0xc3}; /* mov eax, 2; ret */
#else
    static const uint8_t code[16] = {0x40, 0, 0x80, 0x52, 0xc0, 0x03, 0x5f, 0xd6};
#endif
    struct eb_splice splice = {.kind = HP_SPLICE_KIND_POINTER};
    struct eb_payload p = eb_payload_new(true, target->machine, &ids);
    const struct eb_splice byte = {.name = "spliced_bytes+1",
                                   .kind = HP_SPLICE_KIND_BYTES,
                                   .size = 2,
                                   .old_bytes = {1, 1},
                                   .new_bytes = {2, 3}};

    eb_append(p.b, p.text, 16, code, sizeof(code));
    splice.new_symbol = eb_symbol(p.b, "new", HP_STB_LOCAL, HP_STT_FUNC, p.text, 0, sizeof(code));
    splice.name = "spliced_table";
    splice.old_name = "stress_0";
    eb_payload_splice(&p, &splice);
    splice.name = "spliced_table+8*2";
    splice.old_name = "stress_2";
    eb_payload_splice(&p, &splice);
    eb_payload_splice(&p, &byte);
    splice.kind = HP_SPLICE_KIND_CALL;
    splice.name = CALL_PLACE;
    splice.old_name = "spliced_direct";
    eb_payload_splice(&p, &splice);
    return eb_payload_finish(&p, size);
}

static void complain(const struct hp_diag *diag)
{
    char text[512];

    (void)hp_diag_format(diag, text, sizeof(text));
    print_message("%s\n", text);
    fail();
}

static void upload(struct fixture *f)
{
    struct hp_target target;
    struct hp_diag diag;
    size_t size;
    uint8_t *file;

    hp_port_target(f->port, &target);
    hp_diag_init(&diag);
    file = make(&target, &size);
    if (hp_manager_upload(&f->manager, "p", file, size, &diag) != HP_OK) {
        complain(&diag);
    }
    free(file);
}

typedef enum hp_status action_call(struct hp_manager *manager, const char *name,
                                   const struct hp_action_options *options, struct hp_diag *diag);

/* Carries an action out; a loaded machine may take several attempts. */
static void act(struct fixture *f, action_call *call, unsigned answer)
{
    const struct hp_action_options options = {.size = sizeof(options), .timeout_ns = 100000000};
    struct hp_payload_info info;

    do {
        struct hp_diag diag;

        hp_diag_init(&diag);
        if (call(&f->manager, "p", &options, &diag) != HP_OK) {
            complain(&diag);
        }
        do {
            (void)sched_yield();
            assert_int_equal(hp_manager_get(&f->manager, "p", &info), HP_OK);
        } while (info.status == HP_ACTION_PENDING);
    } while (info.status == HP_RENDEZVOUS_TIMEOUT);
    assert_int_equal(info.status, HP_OK);
    wait_rounds(f);
    assert_int_equal(atomic_load(&f->answer), answer);
}

static struct fixture *begin(void)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct hp_diag diag;
    uint32_t n;

    assert_non_null(f);
    hp_diag_init(&diag);
    if (hp_host_open_self(&f->port, NULL, &diag) != HP_OK) {
        complain(&diag);
    }
    assert_int_equal(hp_manager_init(&f->manager, f->port, NULL), HP_OK);
    for (n = 0; n < WORKERS; n++) {
        assert_int_equal(pthread_create(&f->threads[n], NULL, work, f), 0);
    }
    wait_rounds(f);
    return f;
}

static void end(struct fixture *f)
{
    struct hp_host_counters counters;
    uint32_t n;

    atomic_store(&f->stop, true);
    for (n = 0; n < WORKERS; n++) {
        assert_int_equal(pthread_join(f->threads[n], NULL), 0);
    }
    assert_int_equal(atomic_load(&f->wrong), 0);
    assert_int_equal(hp_manager_close(&f->manager), HP_OK);
    hp_host_counters(f->port, &counters);
    assert_int_equal(counters.live, 0);
    assert_int_equal(counters.live_aliases, 0);
    assert_int_equal(counters.live_mappings, 0);
    if (hp_host_violation(f->port) != NULL) {
        print_message("%s\n", hp_host_violation(f->port));
        fail();
    }
    hp_host_close(f->port);
    free(f);
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void spliced_while_threads_run(void **state)
{
    const char *text = getenv("HOTPATCH_TEST_CYCLES");
    unsigned long count = text == NULL ? CYCLES : strtoul(text, NULL, 10) / 2;
    struct fixture *f = begin();
    char permissions[5];

    (void)state;
    self_permissions(spliced_table, permissions);
    assert_string_equal(permissions, "r--p");
    upload(f);
    for (; count > 0; count--) {
        act(f, hp_manager_apply, 2);
        assert_int_equal(bytes[2], 3);
        if (count % 16 == 0) {
            assert_int_equal(hp_manager_attest(&f->manager, NULL), HP_OK);
            self_permissions(spliced_table, permissions);
            assert_string_equal(permissions, "r--s"); /* the memory file, to be read only */
            self_permissions(spliced_bytes, permissions);
            assert_string_equal(permissions, "r--s");
        }
        act(f, hp_manager_revert, 1);
        assert_int_equal(bytes[2], 1);
    }
    end(f);
    self_permissions(spliced_table, permissions);
    assert_string_equal(permissions, "r--p"); /* private again */
    self_permissions(spliced_bytes, permissions);
    assert_string_equal(permissions, "r--p");
    assert_int_equal(table[0](), 1);
    assert_int_equal(bytes[1], 1);
}

/* The process is opened again after it was closed, with its own constants back in their place. */
static void spliced_again(void **state)
{
    struct fixture *f = begin();

    (void)state;
    upload(f);
    act(f, hp_manager_apply, 2);
    act(f, hp_manager_revert, 1);
    end(f);
    f = begin();
    upload(f);
    act(f, hp_manager_apply, 2);
    act(f, hp_manager_revert, 1);
    end(f);
}

/* What may be spliced of a process, and what not. */
static void places(void **state)
{
    struct hp_port *port;
    struct hp_target_symbol symbol;
    struct hp_diag diag;

    (void)state;
    hp_diag_init(&diag);
    assert_int_equal(hp_host_open_self(&port, NULL, &diag), HP_OK);
    assert_int_equal(hp_port_spliceable(port, (uintptr_t)spliced_table, 32), HP_OK);
    assert_int_equal(hp_port_spliceable(port, (uintptr_t)spliced_bytes, 64), HP_OK);
    assert_int_equal(hp_port_spliceable(port, (uintptr_t)&spliced_variable, 4), HP_SPLICE_WRITABLE);
    assert_int_equal(hp_port_spliceable(port, (uintptr_t)spliced_call, 4), HP_PATCH_RANGE);
    assert_int_equal(hp_port_spliceable(port, (uintptr_t)&port, 4), HP_PATCH_RANGE);
    assert_int_equal(hp_port_spliceable(port, (uintptr_t)spliced_table, 0), HP_PATCH_RANGE);
    assert_int_equal(hp_port_spliceable(port, UINT64_MAX, 8), HP_PATCH_RANGE);
    /* constants of the library: the deny list */
    assert_int_equal(hp_port_symbol_by_name(port, "special.c#special_names", 23, &symbol), HP_OK);
    assert_int_equal(symbol.kind, HP_KIND_DATA);
    assert_int_equal(hp_port_spliceable(port, symbol.addr, (size_t)symbol.size), HP_PATCH_DENIED);
    assert_int_equal(hp_port_spliceable(port, symbol.addr + symbol.size - 1, 1), HP_PATCH_DENIED);
    hp_host_close(port);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places),
        cmocka_unit_test(spliced_while_threads_run),
        cmocka_unit_test(spliced_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
