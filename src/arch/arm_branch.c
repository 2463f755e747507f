/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * 32-bit Arm: B and BL with any condition, in A32 code. Source: Arm ARM (ARMv7-A), "B" and "BL,
 * BLX (immediate)"; BLX, which goes to Thumb code, is not among them.
 */
#include "arch/arch.h"
#include "base/span.h"
#include "reloc/job.h"

#define INSN_SIZE 4u
#define B         0x0a000000u
#define BL        0x0b000000u
#define OPCODE    0x0f000000u
#define ALWAYS    0xf0000000u /* no condition: another instruction */
#define IMMEDIATE 0x00ffffffu
#define PC_AHEAD  8u /* the PC reads as two instructions on */
#define LIMIT     (INT64_C(1) << 25)

static bool decode(const uint8_t *code, size_t size, uint64_t addr, struct hp_branch *branch)
{
    uint32_t insn;

    if (size < INSN_SIZE) {
        return false;
    }
    insn = hp_le32(code);
    if ((insn & ALWAYS) == ALWAYS || ((insn & OPCODE) != B && (insn & OPCODE) != BL)) {
        return false;
    }
    branch->size = INSN_SIZE;
    branch->is_call = (insn & OPCODE) == BL;
    branch->to = (uint32_t)addr + PC_AHEAD + (uint32_t)((int32_t)(insn << 8) / 64);
    branch->reach = (uint64_t)LIMIT - INSN_SIZE;
    return true;
}

static bool encode(const struct hp_branch *branch, uint8_t *code, uint64_t addr, uint64_t to,
                   uint64_t *distance)
{
    /* Addresses come round at 32 bits, and so does the displacement. */
    uint64_t displacement = (uint64_t)(int64_t)(int32_t)((uint32_t)to - (uint32_t)addr - PC_AHEAD);

    (void)branch;
    *distance = (int64_t)displacement < 0 ? 0 - displacement : displacement;
    if (!hp_reloc_fits(displacement, -LIMIT, LIMIT - INSN_SIZE)) {
        return false;
    }
    hp_put_le32(code, (hp_le32(code) & ~IMMEDIATE) | ((uint32_t)displacement >> 2 & IMMEDIATE));
    return true;
}

const struct hp_branch_form hp_branches_arm = {.decode = decode, .encode = encode};
