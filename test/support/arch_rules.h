/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tests of an architecture's relocations from a table: what each type computes, which values it
 * takes, and which bits of the instruction they go to, written down bit by bit as the ABI does.
 */
#ifndef TEST_ARCH_RULES_H
#define TEST_ARCH_RULES_H

#include "test_port.h"

/* Where the payloads of these tests are placed, and the section with the field under test. */
struct arch_rig {
    bool is64;
    bool is_rel; /* the entries are SHT_REL */
    uint16_t machine;
    uint64_t text;  /* of the target */
    uint64_t image; /* of the payload */
};

/* The section lies a page into the image; all bytes of it but the field are ARCH_FILL. */
#define ARCH_FILL         0x5a
#define ARCH_SECTION      0x1000u
#define ARCH_SECTION_SIZE 0x1010u

/* `count` bits of the value from bit `from` on go to bit `to` of the field. */
struct arch_bits {
    uint8_t from;
    uint8_t count;
    uint8_t to;
};

enum arch_kind {
    ARCH_ABS,  /* S + A */
    ARCH_PREL, /* S + A - P */
    ARCH_PAGE  /* Page(S + A) - Page(P), pages of 4 KiB */
};

/* A relocation type. */
struct arch_rule {
    uint32_t type;
    uint8_t width; /* bytes of the field */
    enum arch_kind kind;
    int64_t low;       /* smallest value taken; low == high: any is */
    int64_t high;      /* largest one */
    uint32_t step;     /* values are multiples of it; pages are cut to them */
    uint64_t before;   /* the field in the file; its addend, where it holds one, is 0 */
    uint64_t negative; /* exclusive-or of the field's fixed bits where the value is negative */
    bool invert;       /* and the value is inverted then */
    uint64_t round;    /* added to the value before its bits are taken */
    struct arch_bits bits[10];
};

/* A port with a target of that machine, 64 KiB of zeros as code, "target_function" in it. */
struct hp_port *arch_port(const struct arch_rig *rig);

/* What one relocation of a payload did. */
struct arch_result {
    enum hp_status status;
    struct hp_diag diag;
    uint64_t field;            /* the bytes of the field, little-endian */
    struct hp_payload payload; /* when the status is HP_OK; the caller unloads it */
};

/* One relocation to apply. */
struct arch_case {
    uint32_t type;
    uint32_t place; /* offset in the section */
    uint8_t width;
    uint64_t before;
    uint64_t symbol; /* value of the absolute symbol that it refers to */
    int64_t addend;  /* RELA */
};

/*
 * Loads a payload with that relocation. Checks that nothing but the field changed, and with a
 * failure not that either, and that the diagnostics name the relocation.
 */
void arch_apply(struct hp_port *port, const struct arch_rig *rig, const struct arch_case *c,
                struct arch_result *result);

/* Applies each type at both edges of its range, beyond them, and off its alignment. */
void arch_check_rules(const struct arch_rig *rig, const struct arch_rule *rules, size_t count);

/* A payload with ".text.field" of ARCH_SECTION_SIZE bytes, and nothing relocated in it yet. */
struct eb_payload arch_payload(const struct arch_rig *rig, uint32_t *section);

/* A record for the function of the target, which begins with these instructions. */
struct arch_patch {
    uint32_t code[3];
    uint32_t old_size;
    uint32_t nops;    /* bytes to NOP; 0: a jump */
    uint64_t offset;  /* of old_addr in the function */
    uint32_t flags;   /* HP_TARGET_* */
    int64_t distance; /* of the new function from old_addr; 0: it is where the image begins */
    uint64_t island;  /* where second trampolines lie; 0: the target has none */
    uint32_t begin;   /* what the new function begins with */
    uint8_t
        *island_code; /* receives 16 bytes of the second trampoline; NULL: they are not wanted */
};

/*
 * Loads a payload with that record and captures its plan, which is one write when the result is
 * HP_OK. A jump out of reach must tell distance and limit.
 */
enum hp_status arch_capture(const struct arch_rig *rig, const struct arch_patch *patch,
                            struct hp_write *write);

/* Number `index` of the 32-bit words that a write makes. */
uint32_t arch_word(const struct hp_write *write, size_t index);

/* Address of the function. */
uint64_t arch_function(const struct arch_rig *rig);

/* Where a place of that section is seen by the target. */
uint64_t arch_place(const struct arch_rig *rig, uint32_t offset);

#endif
