/* SPDX-License-Identifier: BSD-2-Clause */
/* x86-64: calls and jumps with a 32-bit displacement, which counts from their end. */
#include "arch/arch.h"
#include "base/span.h"
#include "reloc/job.h"

#define CALL         0xe8
#define JUMP         0xe9
#define TWO_BYTE     0x0f
#define IS_JCC(b)    (((b)&0xf0) == 0x80)
#define SHORT_SIZE   5u /* of CALL and JMP */
#define JCC_SIZE     6u
#define DISPLACEMENT 4u

static bool decode(const uint8_t *code, size_t size, uint64_t addr, struct hp_branch *branch)
{
    if (size >= SHORT_SIZE && (code[0] == CALL || code[0] == JUMP)) {
        branch->size = SHORT_SIZE;
    } else if (size >= JCC_SIZE && code[0] == TWO_BYTE && IS_JCC(code[1])) {
        branch->size = JCC_SIZE;
    } else {
        return false;
    }
    branch->is_call = code[0] == CALL;
    branch->to = addr + branch->size +
                 (uint64_t)(int64_t)(int32_t)hp_le32(code + branch->size - DISPLACEMENT);
    branch->reach = INT32_MAX;
    return true;
}

static bool encode(const struct hp_branch *branch, uint8_t *code, uint64_t addr, uint64_t to,
                   uint64_t *distance)
{
    uint64_t displacement = to - (addr + branch->size);

    *distance = (int64_t)displacement < 0 ? 0 - displacement : displacement;
    if (!hp_reloc_fits(displacement, INT32_MIN, INT32_MAX)) {
        return false;
    }
    hp_put_le32(code + branch->size - DISPLACEMENT, (uint32_t)displacement);
    return true;
}

const struct hp_branch_form hp_branches_x86_64 = {.decode = decode, .encode = encode};
