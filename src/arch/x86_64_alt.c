/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * x86-64: alternatives and alternative calls.
 *
 * Sources: SPEC section 6; Intel SDM volume 2, "CALL" and "JMP".
 */
#include "arch/arch.h"
#include "base/span.h"

#define BRANCH_SIZE   5u /* CALL or JMP rel32 */
#define INDIRECT_SIZE 6u /* CALL through a pointer at a 32-bit displacement */
#define INVERT        0x8000u

enum { OP_CALL = 0xe8, OP_JMP = 0xe9 };

/* The sum of an address and a signed 32-bit displacement. */
static uint64_t displaced(uint64_t addr, const uint8_t *field)
{
    return addr + (uint64_t)(int64_t)(int32_t)hp_le32(field);
}

/* Stores the displacement from `next` to `to`, unless field is NULL; false when it does not fit. */
static bool put_displacement(uint8_t *field, uint64_t next, uint64_t to)
{
    int64_t distance = (int64_t)(to - next);

    if (distance < INT32_MIN || distance > INT32_MAX) {
        return false;
    }
    if (field != NULL) {
        hp_put_le32(field, (uint32_t)distance);
    }
    return true;
}

static enum hp_status decode(const uint8_t *entry, uint64_t addr, struct hp_alternative *alt)
{
    uint16_t feature = hp_le16(entry + 8);

    alt->site = displaced(addr, entry);
    alt->replacement = displaced(addr + 4, entry + 4);
    alt->feature = (uint16_t)(feature & ~INVERT);
    alt->inverts = (feature & INVERT) != 0;
    alt->site_size = (uint32_t)entry[10] + entry[12];
    alt->size = entry[11];
    return alt->size <= alt->site_size ? HP_OK : HP_ALT_LENGTH;
}

/* Encodes the branch at `offset` anew, unless it stays inside the replacement. */
static enum hp_status move_branch(const struct hp_alternative *alt, uint32_t offset,
                                  const uint8_t *code, uint8_t *copy)
{
    uint32_t field = offset + 1;
    uint32_t next = offset + BRANCH_SIZE;
    uint64_t to = displaced(alt->replacement + next, code + field);

    if (to - alt->replacement <= alt->size ||
        put_displacement(copy != NULL ? copy + field : NULL, alt->site + next, to)) {
        return HP_OK;
    }
    return HP_ALT_REACH;
}

/*
 * Without decoding all instructions, the first one is known for sure. The last five bytes are a
 * jump for sure only when they lead exactly to the return thunk; as an immediate operand they would
 * have to be e9 and that very displacement.
 */
static enum hp_status move(const struct hp_alternative *alt, uint64_t return_thunk,
                           const uint8_t *code, uint8_t *copy)
{
    bool leads = alt->size >= BRANCH_SIZE && (code[0] == OP_CALL || code[0] == OP_JMP);
    uint32_t behind = leads ? BRANCH_SIZE : 0;
    enum hp_status status = HP_OK;
    uint32_t last;

    if (leads) {
        status = move_branch(alt, 0, code, copy);
    }
    if (status || return_thunk == 0 || alt->size < behind + BRANCH_SIZE) {
        return status;
    }
    last = alt->size - BRANCH_SIZE;
    if (code[last] == OP_JMP &&
        displaced(alt->replacement + alt->size, code + last + 1) == return_thunk) {
        status = move_branch(alt, last, code, copy);
    }
    return status;
}

static bool decode_call(const uint8_t *code, uint64_t addr, uint64_t *pointer)
{
    *pointer = displaced(addr + INDIRECT_SIZE, code + 2);
    return code[0] == 0xff && code[1] == 0x15;
}

/* "call ." would call itself for ever: it says that the pointer is to be followed. */
static bool stands_for_call(const struct hp_alternative *alt, const uint8_t *code)
{
    return alt->size == BRANCH_SIZE && code[0] == OP_CALL && displaced(BRANCH_SIZE, code + 1) == 0;
}

/* A segment prefix, which does nothing here, fills the sixth byte. */
static bool encode_call(uint8_t *code, uint64_t addr, uint64_t to)
{
    if (!put_displacement(code + 2, addr + INDIRECT_SIZE, to)) {
        return false;
    }
    code[0] = 0x2e;
    code[1] = OP_CALL;
    return true;
}

const struct hp_alt_form hp_alternatives_x86_64 = {
    .entry_size = 14,
    .decode = decode,
    .move = move,
    .call_size = INDIRECT_SIZE,
    .decode_call = decode_call,
    .stands_for_call = stands_for_call,
    .encode_call = encode_call,
};
