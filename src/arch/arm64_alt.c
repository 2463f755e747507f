/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Arm64: alternatives.
 *
 * Sources: SPEC section 6; Arm ARM, "Branches, Exception Generating and System instructions",
 * "PC-rel. addressing", "Load register (literal)".
 */
#include "arch/arch.h"
#include "base/span.h"

#define INSN_SIZE  4u
#define INSN_SHIFT 2u
#define PAGE_SHIFT 12u

static uint64_t self_relative(uint64_t addr, const uint8_t *field)
{
    return addr + (uint64_t)(int64_t)(int32_t)hp_le32(field);
}

static enum hp_status decode(const uint8_t *entry, uint64_t addr, struct hp_alternative *alt)
{
    alt->site = self_relative(addr, entry);
    alt->replacement = self_relative(addr + 4, entry + 4);
    alt->feature = hp_le16(entry + 8);
    alt->inverts = false;
    alt->site_size = entry[10];
    alt->size = entry[11];
    if (alt->size == 0) {
        return HP_ALT_CALLBACK;
    }
    if (alt->size != alt->site_size || alt->size % INSN_SIZE != 0) {
        return HP_ALT_LENGTH;
    }
    return HP_OK;
}

/* A displacement in an instruction: `bits` bits at `shift`, counted in instructions. */
struct field {
    uint32_t mask; /* instructions of which these bits ... */
    uint32_t bits; /* ... are so */
    uint8_t width;
    uint8_t shift;
};

static const struct field fields[] = {
    {0x7c000000, 0x14000000, 26, 0}, /* B, BL */
    {0xfe000000, 0x54000000, 19, 5}, /* B.cond, BC.cond */
    {0x7e000000, 0x34000000, 19, 5}, /* CBZ, CBNZ */
    {0x7e000000, 0x36000000, 14, 5}, /* TBZ, TBNZ */
    {0x3b000000, 0x18000000, 19, 5}, /* LDR, LDRSW, PRFM (literal) */
};

/* The number in the lowest `width` bits, sign-extended. */
static int64_t sign_extend(uint32_t value, unsigned width)
{
    uint32_t sign = UINT32_C(1) << (width - 1);
    uint32_t low = value & ((sign << 1) - 1);

    return (int64_t)(low ^ sign) - (int64_t)sign;
}

/* A distance that is a multiple of 1 << shift, divided by that. */
static int64_t divide(uint64_t distance, unsigned shift)
{
    if ((int64_t)distance < 0) {
        return -(int64_t)((0 - distance) >> shift);
    }
    return (int64_t)(distance >> shift);
}

/* True when a number fits `width` bits with its sign. */
static bool fits(int64_t value, unsigned width)
{
    int64_t limit = INT64_C(1) << (width - 1);

    return value >= -limit && value < limit;
}

static enum hp_status move_field(const struct hp_alternative *alt, uint32_t offset,
                                 const struct field *field, uint32_t *insn)
{
    uint32_t mask = ((UINT32_C(1) << field->width) - 1) << field->shift;
    int64_t distance = sign_extend(*insn >> field->shift, field->width) * (int64_t)INSN_SIZE;
    uint64_t to = alt->replacement + offset + (uint64_t)distance;

    if (to - alt->replacement <= alt->size) {
        return HP_OK; /* it stays inside, or leads to what follows: both move along */
    }
    distance = divide(to - (alt->site + offset), INSN_SHIFT);
    if (!fits(distance, field->width)) {
        return HP_ALT_REACH;
    }
    *insn = (*insn & ~mask) | ((uint32_t)(uint64_t)distance << field->shift & mask);
    return HP_OK;
}

/* ADR and ADRP: 21 bits, the lowest two apart from the others. */
static enum hp_status move_adr(const struct hp_alternative *alt, uint32_t offset, uint32_t *insn)
{
    bool is_page = (*insn & 0x80000000) != 0;
    unsigned shift = is_page ? PAGE_SHIFT : 0;
    uint64_t mask = ~((UINT64_C(1) << shift) - 1);
    uint64_t from = (alt->replacement + offset) & mask;
    uint64_t at = (alt->site + offset) & mask;
    int64_t distance = sign_extend((*insn >> 3 & 0x1ffffc) | (*insn >> 29 & 3), 21);
    uint64_t to = from + ((uint64_t)distance << shift);

    if (!is_page && to - alt->replacement <= alt->size) {
        return HP_OK;
    }
    distance = divide(to - at, shift);
    if (!fits(distance, 21)) {
        return HP_ALT_REACH;
    }
    *insn = (*insn & 0x9f00001f) | ((uint32_t)(uint64_t)distance & 3) << 29 |
            ((uint32_t)(uint64_t)distance & 0x1ffffc) << 3;
    return HP_OK;
}

static enum hp_status move(const struct hp_alternative *alt, uint64_t return_thunk,
                           const uint8_t *code, uint8_t *copy)
{
    uint32_t offset;

    (void)return_thunk;
    for (offset = 0; offset < alt->size; offset += INSN_SIZE) {
        uint32_t insn = hp_le32(code + offset);
        enum hp_status status = HP_OK;
        size_t n;

        if ((insn & 0x1f000000) == 0x10000000) {
            status = move_adr(alt, offset, &insn);
        }
        for (n = 0; n < sizeof(fields) / sizeof(fields[0]); n++) {
            if ((insn & fields[n].mask) == fields[n].bits) {
                status = move_field(alt, offset, &fields[n], &insn);
            }
        }
        if (status) {
            return status;
        }
        if (copy != NULL) {
            hp_put_le32(copy + offset, insn);
        }
    }
    return HP_OK;
}

const struct hp_alt_form hp_alternatives_arm64 = {
    .entry_size = 12,
    .decode = decode,
    .move = move,
};
