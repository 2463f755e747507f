/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * 32-bit Arm, the A32 instruction set (ARMv6K and later, little-endian): relocations in both forms,
 * veneers, jumps, NOPs. Thumb code is refused.
 *
 * Sources: ELF for the Arm Architecture (aaelf32), "Relocation", "Mapping symbols"; Arm
 * Architecture Reference Manual for ARMv7-A, instruction descriptions in chapter A8.
 */
#include <string.h>

#include "arch/arch.h"
#include "reloc/job.h"

enum {
    R_NONE = 0,
    R_PC24 = 1,
    R_ABS32 = 2,
    R_REL32 = 3,
    R_BASE_PREL = 25,
    R_GOT_BREL = 26,
    R_CALL = 28,
    R_JUMP24 = 29,
    R_V4BX = 40,
    R_PREL31 = 42,
    R_MOVW_ABS_NC = 43,
    R_MOVT_ABS = 44,
    R_MOVW_PREL_NC = 45,
    R_MOVT_PREL = 46,
    R_GOT_PREL = 96,
    R_COUNT
};

static const struct hp_howto howtos[R_COUNT] = {
    /* The types named THM_*, so that Thumb code is called by its name. */
    [7] = {0, HP_HOWTO_THUMB},
    [10] = {0, HP_HOWTO_THUMB},
    [11] = {0, HP_HOWTO_THUMB},
    [14] = {0, HP_HOWTO_THUMB},
    [16] = {0, HP_HOWTO_THUMB},
    [30] = {0, HP_HOWTO_THUMB},
    [47] = {0, HP_HOWTO_THUMB},
    [48] = {0, HP_HOWTO_THUMB},
    [49] = {0, HP_HOWTO_THUMB},
    [50] = {0, HP_HOWTO_THUMB},
    [51] = {0, HP_HOWTO_THUMB},
    [52] = {0, HP_HOWTO_THUMB},
    [53] = {0, HP_HOWTO_THUMB},
    [54] = {0, HP_HOWTO_THUMB},
    [87] = {0, HP_HOWTO_THUMB},
    [88] = {0, HP_HOWTO_THUMB},
    [89] = {0, HP_HOWTO_THUMB},
    [93] = {0, HP_HOWTO_THUMB},
    [R_NONE] = {0, HP_HOWTO_KNOWN | HP_HOWTO_NO_SYMBOL},
    [R_PC24] = {4, HP_HOWTO_KNOWN | HP_HOWTO_BRANCH},
    [R_ABS32] = {4, HP_HOWTO_KNOWN},
    [R_REL32] = {4, HP_HOWTO_KNOWN},
    [R_BASE_PREL] = {4, HP_HOWTO_KNOWN},
    [R_GOT_BREL] = {4, HP_HOWTO_KNOWN | HP_HOWTO_GOT},
    [R_CALL] = {4, HP_HOWTO_KNOWN | HP_HOWTO_BRANCH},
    [R_JUMP24] = {4, HP_HOWTO_KNOWN | HP_HOWTO_BRANCH},
    [R_V4BX] = {4, HP_HOWTO_KNOWN | HP_HOWTO_NO_SYMBOL},
    [R_PREL31] = {4, HP_HOWTO_KNOWN},
    [R_MOVW_ABS_NC] = {4, HP_HOWTO_KNOWN},
    [R_MOVT_ABS] = {4, HP_HOWTO_KNOWN},
    [R_MOVW_PREL_NC] = {4, HP_HOWTO_KNOWN},
    [R_MOVT_PREL] = {4, HP_HOWTO_KNOWN},
    [R_GOT_PREL] = {4, HP_HOWTO_KNOWN | HP_HOWTO_GOT},
};

static const char *const type_names[] = {
    "R_ARM_NONE",
    "R_ARM_PC24",
    "R_ARM_ABS32",
    "R_ARM_REL32",
    "R_ARM_LDR_PC_G0",
    "R_ARM_ABS16",
    "R_ARM_ABS12",
    "R_ARM_THM_ABS5",
    "R_ARM_ABS8",
    "R_ARM_SBREL32",
    "R_ARM_THM_CALL",
    "R_ARM_THM_PC8",
    "R_ARM_BREL_ADJ",
    "R_ARM_TLS_DESC",
    "R_ARM_THM_SWI8",
    "R_ARM_XPC25",
    "R_ARM_THM_XPC22",
    "R_ARM_TLS_DTPMOD32",
    "R_ARM_TLS_DTPOFF32",
    "R_ARM_TLS_TPOFF32",
    "R_ARM_COPY",
    "R_ARM_GLOB_DAT",
    "R_ARM_JUMP_SLOT",
    "R_ARM_RELATIVE",
    "R_ARM_GOTOFF32",
    "R_ARM_BASE_PREL",
    "R_ARM_GOT_BREL",
    "R_ARM_PLT32",
    "R_ARM_CALL",
    "R_ARM_JUMP24",
    "R_ARM_THM_JUMP24",
    "R_ARM_BASE_ABS",
    "R_ARM_ALU_PCREL_7_0",
    "R_ARM_ALU_PCREL_15_8",
    "R_ARM_ALU_PCREL_23_15",
    "R_ARM_LDR_SBREL_11_0_NC",
    "R_ARM_ALU_SBREL_19_12_NC",
    "R_ARM_ALU_SBREL_27_20_CK",
    "R_ARM_TARGET1",
    "R_ARM_SBREL31",
    "R_ARM_V4BX",
    "R_ARM_TARGET2",
    "R_ARM_PREL31",
    "R_ARM_MOVW_ABS_NC",
    "R_ARM_MOVT_ABS",
    "R_ARM_MOVW_PREL_NC",
    "R_ARM_MOVT_PREL",
    "R_ARM_THM_MOVW_ABS_NC",
    "R_ARM_THM_MOVT_ABS",
    "R_ARM_THM_MOVW_PREL_NC",
    "R_ARM_THM_MOVT_PREL",
    "R_ARM_THM_JUMP19",
    "R_ARM_THM_JUMP6",
    "R_ARM_THM_ALU_PREL_11_0",
    "R_ARM_THM_PC12",
    "R_ARM_ABS32_NOI",
    "R_ARM_REL32_NOI",
    "R_ARM_ALU_PC_G0_NC",
    "R_ARM_ALU_PC_G0",
    "R_ARM_ALU_PC_G1_NC",
    "R_ARM_ALU_PC_G1",
    "R_ARM_ALU_PC_G2",
    "R_ARM_LDR_PC_G1",
    "R_ARM_LDR_PC_G2",
    "R_ARM_LDRS_PC_G0",
    "R_ARM_LDRS_PC_G1",
    "R_ARM_LDRS_PC_G2",
    "R_ARM_LDC_PC_G0",
    "R_ARM_LDC_PC_G1",
    "R_ARM_LDC_PC_G2",
    "R_ARM_ALU_SB_G0_NC",
    "R_ARM_ALU_SB_G0",
    "R_ARM_ALU_SB_G1_NC",
    "R_ARM_ALU_SB_G1",
    "R_ARM_ALU_SB_G2",
    "R_ARM_LDR_SB_G0",
    "R_ARM_LDR_SB_G1",
    "R_ARM_LDR_SB_G2",
    "R_ARM_LDRS_SB_G0",
    "R_ARM_LDRS_SB_G1",
    "R_ARM_LDRS_SB_G2",
    "R_ARM_LDC_SB_G0",
    "R_ARM_LDC_SB_G1",
    "R_ARM_LDC_SB_G2",
    "R_ARM_MOVW_BREL_NC",
    "R_ARM_MOVT_BREL",
    "R_ARM_MOVW_BREL",
    "R_ARM_THM_MOVW_BREL_NC",
    "R_ARM_THM_MOVT_BREL",
    "R_ARM_THM_MOVW_BREL",
    "R_ARM_TLS_GOTDESC",
    "R_ARM_TLS_CALL",
    "R_ARM_TLS_DESCSEQ",
    "R_ARM_THM_TLS_CALL",
    "R_ARM_PLT32_ABS",
    "R_ARM_GOT_ABS",
    "R_ARM_GOT_PREL",
    "R_ARM_GOT_BREL12",
    "R_ARM_GOTOFF12",
    "R_ARM_GOTRELAX",
    "R_ARM_GNU_VTENTRY",
    "R_ARM_GNU_VTINHERIT",
    "R_ARM_THM_JUMP11",
    "R_ARM_THM_JUMP8",
    "R_ARM_TLS_GD32",
    "R_ARM_TLS_LDM32",
    "R_ARM_TLS_LDO32",
    "R_ARM_TLS_IE32",
    "R_ARM_TLS_LE32",
    "R_ARM_TLS_LDO12",
    "R_ARM_TLS_LE12",
    "R_ARM_TLS_IE12GP",
};

static const char *const late_names[] = {
    "R_ARM_THM_TLS_DESCSEQ16", "R_ARM_THM_TLS_DESCSEQ32", "R_ARM_THM_GOT_BREL12",
    "R_ARM_THM_ALU_ABS_G0_NC", "R_ARM_THM_ALU_ABS_G1_NC", "R_ARM_THM_ALU_ABS_G2_NC",
    "R_ARM_THM_ALU_ABS_G3",
};

static const struct hp_reloc_names reloc_names[] = {
    HP_RELOC_NAMES(0, type_names),
    HP_RELOC_NAMES(129, late_names),
};

/* `count` low bits of a word as a signed number. */
static uint32_t extend(uint32_t word, unsigned count)
{
    uint32_t sign = 1u << (count - 1);

    return ((word & (2 * sign - 1)) ^ sign) - sign;
}

/* A 32-bit number as the signed one that it stands for, in the form that range checks take. */
static uint64_t widen(uint32_t value)
{
    return (uint64_t)(int64_t)(int32_t)value;
}

#define INSN_SIZE 4
#define INSN_NOP  0xe320f000u
#define INSN_B    0xea000000u
#define INSN_BL   0xeb000000u

/* BLX with an immediate: a call that goes on in Thumb state. */
static bool is_blx(uint32_t insn)
{
    return (insn & 0xfe000000) == 0xfa000000;
}

/*
 * The addend. A REL entry's lies in the field that is to be relocated, as the linkers before left
 * it: aaelf32, "Addends and PC-bias compensation".
 */
static uint32_t addend_of(const struct hp_reloc_job *job, const struct hp_reloc *reloc)
{
    uint32_t field;

    if (job->is_rela) {
        return (uint32_t)reloc->addend;
    }
    field = hp_le32(job->host + reloc->offset);
    switch (reloc->type) {
    case R_PC24:
    case R_CALL:
    case R_JUMP24: /* the H bit of BLX is bit 1 of the displacement */
        return extend(field, 24) * 4 + (is_blx(field) ? field >> 23 & 2 : 0);
    case R_PREL31:
        return extend(field, 31);
    case R_MOVW_ABS_NC:
    case R_MOVT_ABS:
    case R_MOVW_PREL_NC:
    case R_MOVT_PREL:
        return extend((field >> 4 & 0xf000) | (field & 0xfff), 16);
    default:
        return field;
    }
}

/* Replaces the bits of `mask` in the word at `place`. */
static void put_bits(uint8_t *place, uint32_t mask, uint32_t bits)
{
    hp_put_le32(place, (hp_le32(place) & ~mask) | (bits & mask));
}

/* MOVW and MOVT: 16 bits in two pieces. */
static void put_movw(uint8_t *place, uint32_t half)
{
    put_bits(place, 0x000f0fff, (half & 0xf000) << 4 | (half & 0xfff));
}

#define VENEER_SIZE 8

/* A veneer, and a second trampoline: it leaves every register as it is. */
static void encode_island(uint8_t *out, uint64_t to)
{
    hp_put_le32(out, 0xe51ff004); /* ldr pc, [pc, #-4] */
    hp_put_le32(out + 4, (uint32_t)to);
}

/* Finds or makes the veneer that leads to `dest`. */
static bool use_veneer(const struct hp_reloc_job *job, uint32_t symbol, uint32_t dest,
                       uint32_t *addr)
{
    uint32_t offset = job->veneer_of[symbol] * VENEER_SIZE;
    uint8_t *veneer = job->veneers + offset;

    if (job->veneer_of[symbol] == HP_NO_INDEX) {
        return false;
    }
    if (hp_le32(veneer) == 0) {
        encode_island(veneer, dest);
    }
    *addr = (uint32_t)job->veneers_at + offset;
    return hp_le32(veneer + 4) == dest; /* another addend would need another veneer */
}

/*
 * B, BL and BLX: directly where that reaches, else through a veneer. The PC that they count from is
 * two instructions on. A BLX whose destination is A32 code is a BL.
 */
static enum hp_status apply_branch(const struct hp_reloc_job *job, const struct hp_reloc *reloc,
                                   uint32_t dest, struct hp_diag *diag)
{
    const int64_t limit = INT64_C(1) << 25;
    uint32_t pc = (uint32_t)(job->addr + reloc->offset) + 2 * INSN_SIZE;
    uint8_t *place = job->host + reloc->offset;
    uint64_t value = widen(dest - pc);
    uint32_t veneer;
    enum hp_status status;

    if ((dest & 1) != 0) {
        return hp_fail(diag, HP_STAGE_RELOC, HP_THUMB_CODE);
    }
    if (!hp_reloc_fits(value, -limit, limit - 1) && (dest & 3) == 0 &&
        use_veneer(job, reloc->symbol, dest, &veneer)) {
        value = widen(veneer - pc);
    }
    status = hp_reloc_check(diag, value, 26, INSN_SIZE);
    if (status) {
        return status;
    }
    if (is_blx(hp_le32(place))) {
        hp_put_le32(place, INSN_BL);
    }
    put_bits(place, 0x00ffffff, (uint32_t)value >> 2);
    return HP_OK;
}

/* Names in the ABI's terms: S symbol, A addend, P place. Sums wrap, as 32-bit addresses do. */
static inline enum hp_status apply_one(struct hp_reloc_job *job, const struct hp_reloc *reloc,
                                       const struct hp_symbol_value *symbol, struct hp_diag *diag)
{
    uint32_t place_addr = (uint32_t)(job->addr + reloc->offset);
    uint32_t got = (uint32_t)job->got;
    uint32_t slot = got + symbol->got * 4;
    uint8_t *place = job->host + reloc->offset;
    uint32_t addend;
    uint32_t value;
    enum hp_status status;

    if (reloc->type == R_NONE || reloc->type == R_V4BX) {
        return HP_OK; /* V4BX marks a BX for cores without it: none that runs a hypervisor */
    }
    addend = addend_of(job, reloc);
    value = (uint32_t)symbol->value + addend;
    switch (reloc->type) {
    case R_PC24:
    case R_CALL:
    case R_JUMP24:
        return apply_branch(job, reloc, value + 2 * INSN_SIZE, diag);
    case R_PREL31:
        value -= place_addr;
        status = hp_reloc_check(diag, widen(value), 31, 1);
        if (status == HP_OK) {
            put_bits(place, 0x7fffffff, value);
        }
        return status;
    case R_MOVW_ABS_NC:
        put_movw(place, value);
        return HP_OK;
    case R_MOVT_ABS:
        put_movw(place, value >> 16);
        return HP_OK;
    case R_MOVW_PREL_NC:
        put_movw(place, value - place_addr);
        return HP_OK;
    case R_MOVT_PREL:
        put_movw(place, (value - place_addr) >> 16);
        return HP_OK;
    case R_REL32:
        value -= place_addr;
        break;
    case R_BASE_PREL:
        if (got == 0 || symbol->value != job->got) {
            return hp_fail(diag, HP_STAGE_RELOC, HP_RELOC_GOT_BASE);
        }
        value -= place_addr;
        break;
    case R_GOT_BREL:
        value = slot + addend - got;
        break;
    case R_GOT_PREL:
        value = slot + addend - place_addr;
        break;
    default: /* R_ABS32: the checks let no other type pass */
        break;
    }
    hp_put_le32(place, value);
    return HP_OK;
}

static enum hp_status relocate(struct hp_reloc_job *job, struct hp_diag *diag)
{
    return hp_reloc_each(job, howtos, apply_one, diag);
}

/* A32 code has no landing pads: branch target identification is for T32 and A64. */
static size_t landing_pad(const uint8_t *code, size_t size)
{
    (void)code;
    (void)size;
    return 0;
}

static size_t encode_jump(uint8_t *out, uint64_t from, uint64_t to, bool pad, uint64_t *distance)
{
    const int64_t limit = INT64_C(1) << 25;
    uint64_t displacement = widen((uint32_t)(to - from) - 2 * INSN_SIZE);

    (void)pad;
    *distance = (int64_t)displacement < 0 ? 0 - displacement : displacement;
    if (!hp_reloc_fits(displacement, -limit, limit - INSN_SIZE)) {
        return 0;
    }
    hp_put_le32(out, INSN_B | ((uint32_t)displacement >> 2 & 0x00ffffff));
    return INSN_SIZE;
}

static void fill_nops(uint8_t *out, size_t size)
{
    size_t n;

    for (n = 0; n < size; n += INSN_SIZE) {
        hp_put_le32(out + n, INSN_NOP);
    }
}

#define INSN_MOV_R0_R0 0xe1a00000u /* the NOP of older assemblers */

static size_t filler(const uint8_t *code, size_t size)
{
    uint32_t insn;

    if (size < INSN_SIZE) {
        return 0;
    }
    insn = hp_le32(code);
    return insn == INSN_NOP || insn == INSN_MOV_R0_R0 || insn == 0 ? INSN_SIZE : 0;
}

/* "$a" before A32 code, "$t" before Thumb code, "$d" before data, all also with a suffix. */
static bool is_marker(const char *name, size_t length)
{
    return length >= 2 && name[0] == '$' && (name[1] == 'a' || name[1] == 't' || name[1] == 'd') &&
           (length == 2 || name[2] == '.');
}

/* Bit 0 in the address of a function says so, and so does the mapping symbol. */
static bool is_thumb(const struct hp_symbol *symbol)
{
    const char *name = symbol->name;

    return (symbol->type == HP_STT_FUNC && (symbol->value & 1) != 0) ||
           (name[0] == '$' && name[1] == 't' && (name[2] == '\0' || name[2] == '.'));
}

const struct hp_arch hp_arch_arm = {
    .name = "Arm",
    .machine = HP_EM_ARM,
    .word = 4,
    .insn_min = INSN_SIZE,
    .jump_size = INSN_SIZE,
    .veneer_size = VENEER_SIZE,
    .island_size = VENEER_SIZE,
    .uses_rel = true,
    .uses_rela = true,
    .early_relocs = HP_EARLY_RELOC(R_PC24) | HP_EARLY_RELOC(R_CALL) | HP_EARLY_RELOC(R_JUMP24) |
                    HP_EARLY_RELOC(R_GOT_BREL) | HP_EARLY_RELOC(R_GOT_PREL),
    .reach =
        (UINT64_C(1) << 25) - UINT64_C(2) * INSN_SIZE, /* backwards, where the PC's bias counts */
    .bug_frames = {16, 16, 32},
    .branches = HP_BRANCHES(arm),
    .howtos = howtos,
    .howto_count = R_COUNT,
    .reloc_names = reloc_names,
    .reloc_name_count = sizeof(reloc_names) / sizeof(reloc_names[0]),
    .relocate = relocate,
    .landing_pad = landing_pad,
    .encode_jump = encode_jump,
    .encode_island = encode_island,
    .fill_nops = fill_nops,
    .filler = filler,
    .is_marker = is_marker,
    .is_thumb = is_thumb,
};
