/* SPDX-License-Identifier: BSD-2-Clause */
/* Arm64: B and BL. Source: Arm ARM, "Branches, exception generating and system instructions". */
#include "arch/arch.h"
#include "base/span.h"
#include "reloc/job.h"

#define INSN_SIZE 4u
#define B         0x14000000u
#define BL        0x94000000u
#define OPCODE    0xfc000000u
#define LIMIT     (INT64_C(1) << 27)

static bool decode(const uint8_t *code, size_t size, uint64_t addr, struct hp_branch *branch)
{
    uint32_t insn;

    if (size < INSN_SIZE) {
        return false;
    }
    insn = hp_le32(code);
    if ((insn & OPCODE) != B && (insn & OPCODE) != BL) {
        return false;
    }
    branch->size = INSN_SIZE;
    branch->is_call = (insn & OPCODE) == BL;
    /* Shifted to the top and back with its sign, times four: 26 bits. */
    branch->to = addr + (uint64_t)(int64_t)((int32_t)(insn << 6) / 16);
    branch->reach = (uint64_t)LIMIT - INSN_SIZE;
    return true;
}

static bool encode(const struct hp_branch *branch, uint8_t *code, uint64_t addr, uint64_t to,
                   uint64_t *distance)
{
    uint64_t displacement = to - addr;

    (void)branch;
    *distance = (int64_t)displacement < 0 ? 0 - displacement : displacement;
    if (!hp_reloc_fits(displacement, -LIMIT, LIMIT - INSN_SIZE)) {
        return false;
    }
    hp_put_le32(code, (hp_le32(code) & OPCODE) | ((uint32_t)displacement >> 2 & ~OPCODE));
    return true;
}

const struct hp_branch_form hp_branches_arm64 = {.decode = decode, .encode = encode};
