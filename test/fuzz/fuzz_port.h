/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A port for fuzzing: a small synthetic target, and a watch over what the library does to it.
 *
 * It defines the functions of <hotpatch/port.h>. Image memory and work memory have exactly the size
 * asked for, so that AddressSanitizer sees every overrun. A breach of the port's contract (memory
 * given back twice, a write after hp_port_image_protect(), a range asked for that makes no sense)
 * ends the program.
 *
 * The target is FUZZ_FUNCTIONS functions "fn_000" and on, 64 bytes apart:
 *
 *   n % 8 == 0    begins with ENDBR64
 *   n % 8 == 1    begins with the sealed form of it
 *   n % 16 == 12  is 8 bytes long
 *   n % 16 == 13  is 3 bytes long
 *   n % 16 == 15  is a label without size and type, and so is n % 32 == 24
 *   232 to 239    are rewritten at boot: an offline target cannot vouch for them
 *   240 to 247    are on the deny list
 *   n % 16 == 2   has a call (at 16), a jump (at 24) and a conditional jump (at 32) to the next one
 *
 * and FUZZ_DATA objects "data_00" and on in the pages behind them, of 8 bytes each: object n points
 * to function n, and to nothing when n % 4 == 0; the first FUZZ_CONSTANTS of
 * them are read-only. "one.c#fn_static" and
 * "two.c#fn_static" are file-scoped, "same.c#fn_twin" is ambiguous.
 */
#ifndef TEST_FUZZ_PORT_H
#define TEST_FUZZ_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hotpatch/port.h>

enum {
    FUZZ_FUNCTIONS = 256,
    FUZZ_FUNCTION_SIZE = 64,
    FUZZ_DATA = 16,
    FUZZ_CONSTANTS = 8,
    FUZZ_PAGE = 4096,
    FUZZ_TEXT_SIZE = FUZZ_FUNCTIONS * FUZZ_FUNCTION_SIZE,
    FUZZ_REWRITTEN_FIRST = 232,
    FUZZ_DENIED_FIRST = 240,
    FUZZ_DENIED_END = 248,
    FUZZ_ID_SIZE = 20,
    FUZZ_FEATURES = 64 /* of CPUs; those with odd numbers are there */
};

/* To where functions return, with a jump at their end. */
#define FUZZ_RETURN_THUNK (FUZZ_TEXT_START + 200 * FUZZ_FUNCTION_SIZE)

/* Where the target's code begins; its data follows it. */
#define FUZZ_TEXT_START UINT64_C(0xffff82d040200000)
#define FUZZ_DATA_START (FUZZ_TEXT_START + FUZZ_TEXT_SIZE)

/* From where on payloads lie, but for FUZZ_TARGET_FAR and FUZZ_TARGET_ISLANDS. */
#define FUZZ_IMAGE_START (FUZZ_DATA_START + FUZZ_PAGE)

enum fuzz_target {
    FUZZ_TARGET_RUNNING, /* all questions have an answer */
    FUZZ_TARGET_OFFLINE, /* an image file: some bytes are rewritten at boot, CPUs are unknown */
    FUZZ_TARGET_FAR,     /* the same without tables, and payloads lie out of a jump's reach */
    FUZZ_TARGET_ISLANDS, /* the same with second trampolines, which make up for that */
    FUZZ_TARGET_ABSENT   /* no target at all */
};

/* A target of its own, to be freed; stops the program when memory runs out. */
struct hp_port *fuzz_port_new(enum fuzz_target kind);
void fuzz_port_free(struct hp_port *port);

enum fuzz_target fuzz_port_kind(const struct hp_port *port);

/* The target's build-id, FUZZ_ID_SIZE bytes. */
const uint8_t *fuzz_target_id(void);

/* The byte of the target's code at `offset` from FUZZ_TEXT_START. */
uint8_t fuzz_target_byte(uint32_t offset);

/* Allocations of both kinds that were not given back yet. */
size_t fuzz_port_live(const struct hp_port *port);

/* Ends the program unless target memory and all sealed image memory are as they were. */
void fuzz_port_check(const struct hp_port *port);

/*
 * Reads code as the library does, but never fails on purpose and knows no uncertainty. False when
 * it is not mapped.
 */
bool fuzz_port_peek(const struct hp_port *port, uint64_t addr, void *buf, size_t size);

/* Makes the nth fallible call from now fail, once; 0: none. */
void fuzz_port_fail(struct hp_port *port, uint32_t nth);

/* Adds `count` functions "name_<number>" of 64 bytes behind the data; for the slow inputs. */
void fuzz_port_enlarge(struct hp_port *port, uint32_t count);

#endif
