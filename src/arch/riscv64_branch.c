/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * RISC-V: JAL, and AUIPC with JALR behind it. A call is what links to ra or t0, a jump what links
 * to nothing. Source: RISC-V unprivileged ISA, "Unconditional Jumps".
 */
#include "arch/arch.h"
#include "base/span.h"
#include "reloc/job.h"

#define OPCODE    0x7fu
#define JAL       0x6fu
#define AUIPC     0x17u
#define JALR      0x67u
#define JALR_MASK 0x707fu /* with its function code, 0 */
#define RD(insn)  (((insn) >> 7) & 0x1f)
#define RS1(insn) (((insn) >> 15) & 0x1f)
#define RD_MASK   0xf80u
#define RA        1u
#define T0        5u
#define JAL_SIZE  4u
#define PAIR_SIZE 8u
#define JAL_LIMIT (INT64_C(1) << 20)
#define PAIR_LOW  (-(INT64_C(1) << 31) - 0x800) /* the low part has a sign of its own */
#define PAIR_HIGH ((INT64_C(1) << 31) - 0x801)

/* The displacement in a JAL, whose bits are 20, 10-1, 11, 19-12 from the top down. */
static uint64_t jal_displacement(uint32_t insn)
{
    uint32_t bits = (insn >> 20 & 0x7fe) | (insn >> 9 & 0x800) | (insn & 0xff000);

    return (insn >> 31) != 0 ? (uint64_t)bits - (UINT64_C(1) << 20) : bits;
}

static uint32_t jal_bits(uint32_t displacement)
{
    return (displacement & 0x7fe) << 20 | (displacement & 0x800) << 9 | (displacement & 0xff000) |
           (displacement & 0x100000) << 11;
}

static bool decode_pair(const uint8_t *code, uint64_t addr, struct hp_branch *branch,
                        uint32_t *link)
{
    uint32_t first = hp_le32(code);
    uint32_t second = hp_le32(code + JAL_SIZE);

    if ((first & OPCODE) != AUIPC || (second & JALR_MASK) != JALR || RD(first) != RS1(second) ||
        RD(first) == 0) {
        return false;
    }
    branch->size = PAIR_SIZE;
    branch->to = addr + (uint64_t)(int64_t)(int32_t)(first & ~(RD_MASK | OPCODE)) +
                 (uint64_t)(int64_t)((int32_t)(second & 0xfff00000) / (1 << 20));
    branch->reach = (uint64_t)PAIR_HIGH;
    *link = RD(second);
    return true;
}

static bool decode(const uint8_t *code, size_t size, uint64_t addr, struct hp_branch *branch)
{
    uint32_t link;

    if (size >= JAL_SIZE && (hp_le32(code) & OPCODE) == JAL) {
        branch->size = JAL_SIZE;
        branch->to = addr + jal_displacement(hp_le32(code));
        branch->reach = (uint64_t)JAL_LIMIT - 2;
        link = RD(hp_le32(code));
    } else if (size < PAIR_SIZE || !decode_pair(code, addr, branch, &link)) {
        return false;
    }
    branch->is_call = link == RA || link == T0;
    return branch->is_call || link == 0;
}

static bool encode(const struct hp_branch *branch, uint8_t *code, uint64_t addr, uint64_t to,
                   uint64_t *distance)
{
    uint64_t displacement = to - addr;
    uint32_t low = (uint32_t)displacement;

    *distance = (int64_t)displacement < 0 ? 0 - displacement : displacement;
    if (branch->size == JAL_SIZE) {
        if (!hp_reloc_fits(displacement, -JAL_LIMIT, JAL_LIMIT - 2)) {
            return false;
        }
        hp_put_le32(code, (hp_le32(code) & (RD_MASK | OPCODE)) | jal_bits(low));
        return true;
    }
    if (!hp_reloc_fits(displacement, PAIR_LOW, PAIR_HIGH)) {
        return false;
    }
    hp_put_le32(code, (hp_le32(code) & (RD_MASK | OPCODE)) | ((low + 0x800) & 0xfffff000));
    hp_put_le32(code + JAL_SIZE, (hp_le32(code + JAL_SIZE) & 0x000fffff) | low << 20);
    return true;
}

const struct hp_branch_form hp_branches_riscv64 = {.decode = decode, .encode = encode};
