/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Filling of diagnostics records. Every helper accepts a NULL record and keeps the first failure.
 *
 * A function that detects a defect calls hp_fail() and returns its result; a caller that knows more
 * of the place adds it with the hp_note_*() helpers, which fill only what is still absent.
 */
#ifndef HP_BASE_DIAG_H
#define HP_BASE_DIAG_H

#include <hotpatch/elf.h>
#include <hotpatch/status.h>

/* Sets status and stage when the record holds no failure yet. Returns `status`. */
HP_MUST_USE enum hp_status hp_fail(struct hp_diag *diag, enum hp_stage stage,
                                   enum hp_status status);

/* Like hp_fail(), with the limit or wanted value and the value found. */
HP_MUST_USE enum hp_status hp_fail_numbers(struct hp_diag *diag, enum hp_stage stage,
                                           enum hp_status status, uint64_t expected,
                                           uint64_t actual);

/* Names a section; NULL or empty name: the index alone. */
void hp_note_section(struct hp_diag *diag, uint32_t section, const char *name);

/* Names a symbol by its index (HP_NO_INDEX: unknown) and name, of which at most `length` bytes
 * count. */
void hp_note_symbol(struct hp_diag *diag, uint32_t symbol, const char *name, size_t length);

void hp_note_record(struct hp_diag *diag, uint32_t record);

void hp_note_relocation(struct hp_diag *diag, uint16_t machine, uint32_t relocation, uint32_t type);

/* File offset, or for relocations the offset in the section. */
void hp_note_offset(struct hp_diag *diag, uint64_t offset);

/* Says that the refusal is a rule of the profile's own. */
void hp_note_profile(struct hp_diag *diag, const char *profile);

/* The same for a limit, when the default profile's, `general`, would have let `actual` pass. */
void hp_note_limit(struct hp_diag *diag, const struct hp_profile *profile, uint64_t general,
                   uint64_t actual);

#endif
