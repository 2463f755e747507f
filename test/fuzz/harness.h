/* SPDX-License-Identifier: BSD-2-Clause */
/* What is done with one input, and what has to hold whatever the input is. */
#ifndef TEST_FUZZ_HARNESS_H
#define TEST_FUZZ_HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hotpatch/load.h>

struct fuzz_harness;

/* Makes the targets and loads the payload that inputs can stack on. */
struct fuzz_harness *fuzz_harness_new(void);
void fuzz_harness_free(struct fuzz_harness *harness);

/*
 * Takes one input through the whole load path: extent, view and getters; load, plan and verdict on
 * a running target with each profile, offline, without a target, on top of another payload, on top
 * of itself, and with a port call that fails. Ends the program when something does not hold.
 */
void fuzz_harness_run(struct fuzz_harness *harness, const uint8_t *data, size_t size);

/* The verdict on an input: offline, or on top of the base payload of the running target. */
enum hp_status fuzz_harness_verdict(const struct fuzz_harness *harness, bool on_base,
                                    const uint8_t *data, size_t size);

/*
 * The payload that inputs can stack on, malloc'ed. Build-id FUZZ_BASE_ID_BYTE times 20; it replaces
 * fn_002 and provides the function "base_func" and the object "base_data".
 */
uint8_t *fuzz_base_payload(size_t *size);

#define FUZZ_BASE_ID_BYTE 0xba

/* True when all bytes of an object are zero, its padding included. */
bool fuzz_is_zero(const void *object, size_t size);

/* The checks of one stage each (check_view.c, check_image.c, check_reloc.c, check_tables.c,
 * check_plan.c). */

/* Opens the file and calls every getter with every index and one past. */
void fuzz_check_view(const uint8_t *data, size_t size);

/* Checks a failure's record; diag belongs to a call that returned `status`. */
void fuzz_check_diag(const struct hp_diag *diag, enum hp_status status);

/* Checks a loaded payload against the file that it was loaded from. */
void fuzz_check_image(const struct hp_payload *payload, const struct hp_payload *const *applied,
                      size_t applied_count, const uint8_t *data, size_t size);

/* Checks every byte of the image, by relocating the file's sections again. */
void fuzz_check_contents(const struct hp_payload *payload, const struct hp_elf *elf,
                         const struct hp_payload *const *applied, size_t applied_count);

/*
 * Carries the tables out on `bytes`, the relocated image as the file gives it, and checks that
 * every entry keeps to the rules.
 */
void fuzz_redo_tables(const struct hp_payload *payload, const struct hp_elf *elf, uint8_t *bytes);

/* Checks that what the tables, the metadata and the symbols of the text say is found. */
void fuzz_check_lookups(const struct hp_payload *payload);

/* Checks a captured plan against the target's memory and the payloads applied before. */
void fuzz_check_plan(const struct hp_payload *payload, const struct hp_payload *const *applied,
                     size_t applied_count);

#endif
