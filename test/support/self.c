/* SPDX-License-Identifier: BSD-2-Clause */
/* Functions of a test program that patches itself, and payloads for them. */
#include "self.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <hotpatch/host.h>

#include "elf_builder.h"

/* Not looked into by the optimiser, which may otherwise know the answers. */
#ifdef __clang__
#define OPAQUE __attribute__((noinline, optnone))
#else
#define OPAQUE __attribute__((noipa))
#endif

/* Long enough for a jump. */
#define BODY __asm__ volatile("nop; nop; nop; nop; nop; nop; nop; nop; nop; nop; nop; nop")

OPAQUE unsigned stress_0(void)
{
    BODY;
    return 1;
}

OPAQUE unsigned stress_1(void)
{
    BODY;
    return 1;
}

OPAQUE unsigned stress_2(void)
{
    BODY;
    return 1;
}

uint8_t *self_payload(const struct hp_target *target, uint8_t answer, uint8_t below, size_t *size)
{
    uint8_t own[20];
    uint8_t on[20];
    struct eb_ids ids = {.build_id = own,
                         .build_id_size = sizeof(own),
                         .depends = target->build_id,
                         .depends_size = target->build_id_size,
                         .xen_depends = target->build_id,
                         .xen_depends_size = target->build_id_size};
#if defined(__x86_64__)
    const uint8_t code[16] = {0xb8, answer, 0, 0, 0, 0xc3}; /* mov eax, answer; ret */
#else
    const uint8_t code[16] = {(uint8_t)(answer << 5),
                              0,
                              0x80,
                              0x52, /* mov w0, answer */
                              0xc0,
                              0x03,
                              0x5f,
                              0xd6}; /* ret */
#endif
    struct eb_payload p;
    uint32_t n;

    memset(own, answer, sizeof(own));
    memset(on, below, sizeof(on));
    if (below != 0) {
        ids.depends = on;
        ids.depends_size = sizeof(on);
    }
    p = eb_payload_new(true, target->machine, &ids);
    for (n = 0; n < SELF_FUNCTIONS; n++) {
        char name[16];
        struct eb_record record = {.name = name, .new_size = sizeof(code), .old_size = 12};
        uint64_t at = eb_append(p.b, p.text, 16, code, sizeof(code));

        (void)snprintf(name, sizeof(name), "stress_%u", n);
        record.new_symbol =
            eb_symbol(p.b, "new", HP_STB_LOCAL, HP_STT_FUNC, p.text, at, sizeof(code));
        eb_payload_record(&p, &record);
    }
    return eb_payload_finish(&p, size);
}

uint64_t self_far_base(void)
{
    const uint64_t here = (uintptr_t)stress_0 & ~UINT64_C(0xffff);
    const uint64_t distance = UINT64_C(6) << 30; /* more than any jump's, and room in between */

    return here > 2 * distance ? here - distance : here + distance;
}

void self_permissions(const volatile void *place, char out[5])
{
    const uintptr_t addr = (uintptr_t)place;
    FILE *maps = fopen("/proc/self/maps", "re");
    char line[512];

    out[0] = '\0';
    assert_non_null(maps);
    while (fgets(line, sizeof(line), maps) != NULL) {
        char *rest;
        uintptr_t start = (uintptr_t)strtoull(line, &rest, 16);
        uintptr_t end = (uintptr_t)strtoull(rest + 1, &rest, 16);

        assert_false(rest[2] == 'w' && rest[3] == 'x');
        if (addr >= start && addr < end) {
            memcpy(out, rest + 1, 4);
            out[4] = '\0';
        }
    }
    (void)fclose(maps);
}

void self_assert_released(struct hp_port *port)
{
    struct hp_host_counters counters;

    hp_host_counters(port, &counters);
    assert_int_equal(counters.live, 0);
    assert_int_equal(counters.live_aliases, 0);
    assert_int_equal(counters.live_mappings, 0);
    assert_int_equal(counters.interrupts_off, 0);
    assert_int_equal(counters.holds, 0);
    assert_null(hp_host_violation(port));
}
