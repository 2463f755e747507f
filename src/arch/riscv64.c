/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * RISC-V, 64 bits: relocations, jumps and NOPs, for code with and without compressed instructions.
 *
 * Sources: RISC-V ELF psABI, "Relocations", "Calling Convention"; RISC-V Unprivileged ISA,
 * "Immediate Encoding Variants", "C Extension". Code made for linker relaxation is taken as it is:
 * what a linker may shorten (RELAX) stays, what it must correct (ALIGN) is refused.
 */
#include <string.h>

#include "arch/arch.h"
#include "base/sort.h"
#include "reloc/job.h"

enum {
    R_NONE = 0,
    R_32 = 1,
    R_64 = 2,
    R_BRANCH = 16,
    R_JAL = 17,
    R_CALL = 18,
    R_CALL_PLT = 19,
    R_GOT_HI20 = 20,
    R_PCREL_HI20 = 23,
    R_PCREL_LO12_I = 24,
    R_PCREL_LO12_S = 25,
    R_HI20 = 26,
    R_LO12_I = 27,
    R_LO12_S = 28,
    R_ADD8 = 33,
    R_ADD16 = 34,
    R_ADD32 = 35,
    R_ADD64 = 36,
    R_SUB8 = 37,
    R_SUB16 = 38,
    R_SUB32 = 39,
    R_SUB64 = 40,
    R_ALIGN = 43,
    R_RVC_BRANCH = 44,
    R_RVC_JUMP = 45,
    R_RELAX = 51,
    R_SUB6 = 52,
    R_SET6 = 53,
    R_SET8 = 54,
    R_SET16 = 55,
    R_SET32 = 56,
    R_32_PCREL = 57,
    R_COUNT
};

static const struct hp_howto howtos[R_COUNT] = {
    [R_NONE] = {0, HP_HOWTO_KNOWN | HP_HOWTO_NO_SYMBOL},
    [R_32] = {4, HP_HOWTO_KNOWN},
    [R_64] = {8, HP_HOWTO_KNOWN},
    [R_BRANCH] = {4, HP_HOWTO_KNOWN},
    [R_JAL] = {4, HP_HOWTO_KNOWN},
    [R_CALL] = {8, HP_HOWTO_KNOWN},
    [R_CALL_PLT] = {8, HP_HOWTO_KNOWN},
    [R_GOT_HI20] = {4, HP_HOWTO_KNOWN | HP_HOWTO_GOT | HP_HOWTO_PAIR},
    [R_PCREL_HI20] = {4, HP_HOWTO_KNOWN | HP_HOWTO_PAIR},
    [R_PCREL_LO12_I] = {4, HP_HOWTO_KNOWN},
    [R_PCREL_LO12_S] = {4, HP_HOWTO_KNOWN},
    [R_HI20] = {4, HP_HOWTO_KNOWN},
    [R_LO12_I] = {4, HP_HOWTO_KNOWN},
    [R_LO12_S] = {4, HP_HOWTO_KNOWN},
    [R_ADD8] = {1, HP_HOWTO_KNOWN},
    [R_ADD16] = {2, HP_HOWTO_KNOWN},
    [R_ADD32] = {4, HP_HOWTO_KNOWN},
    [R_ADD64] = {8, HP_HOWTO_KNOWN},
    [R_SUB8] = {1, HP_HOWTO_KNOWN},
    [R_SUB16] = {2, HP_HOWTO_KNOWN},
    [R_SUB32] = {4, HP_HOWTO_KNOWN},
    [R_SUB64] = {8, HP_HOWTO_KNOWN},
    [R_ALIGN] = {0, HP_HOWTO_KNOWN | HP_HOWTO_NO_SYMBOL},
    [R_RVC_BRANCH] = {2, HP_HOWTO_KNOWN},
    [R_RVC_JUMP] = {2, HP_HOWTO_KNOWN},
    [R_RELAX] = {0, HP_HOWTO_KNOWN | HP_HOWTO_NO_SYMBOL},
    [R_SUB6] = {1, HP_HOWTO_KNOWN},
    [R_SET6] = {1, HP_HOWTO_KNOWN},
    [R_SET8] = {1, HP_HOWTO_KNOWN},
    [R_SET16] = {2, HP_HOWTO_KNOWN},
    [R_SET32] = {4, HP_HOWTO_KNOWN},
    [R_32_PCREL] = {4, HP_HOWTO_KNOWN},
};

static const char *const type_names[] = {
    "R_RISCV_NONE",
    "R_RISCV_32",
    "R_RISCV_64",
    "R_RISCV_RELATIVE",
    "R_RISCV_COPY",
    "R_RISCV_JUMP_SLOT",
    "R_RISCV_TLS_DTPMOD32",
    "R_RISCV_TLS_DTPMOD64",
    "R_RISCV_TLS_DTPREL32",
    "R_RISCV_TLS_DTPREL64",
    "R_RISCV_TLS_TPREL32",
    "R_RISCV_TLS_TPREL64",
    "R_RISCV_TLSDESC",
    NULL,
    NULL,
    NULL,
    "R_RISCV_BRANCH",
    "R_RISCV_JAL",
    "R_RISCV_CALL",
    "R_RISCV_CALL_PLT",
    "R_RISCV_GOT_HI20",
    "R_RISCV_TLS_GOT_HI20",
    "R_RISCV_TLS_GD_HI20",
    "R_RISCV_PCREL_HI20",
    "R_RISCV_PCREL_LO12_I",
    "R_RISCV_PCREL_LO12_S",
    "R_RISCV_HI20",
    "R_RISCV_LO12_I",
    "R_RISCV_LO12_S",
    "R_RISCV_TPREL_HI20",
    "R_RISCV_TPREL_LO12_I",
    "R_RISCV_TPREL_LO12_S",
    "R_RISCV_TPREL_ADD",
    "R_RISCV_ADD8",
    "R_RISCV_ADD16",
    "R_RISCV_ADD32",
    "R_RISCV_ADD64",
    "R_RISCV_SUB8",
    "R_RISCV_SUB16",
    "R_RISCV_SUB32",
    "R_RISCV_SUB64",
    "R_RISCV_GOT32_PCREL",
    NULL,
    "R_RISCV_ALIGN",
    "R_RISCV_RVC_BRANCH",
    "R_RISCV_RVC_JUMP",
    "R_RISCV_RVC_LUI",
    "R_RISCV_GPREL_I",
    "R_RISCV_GPREL_S",
    "R_RISCV_TPREL_I",
    "R_RISCV_TPREL_S",
    "R_RISCV_RELAX",
    "R_RISCV_SUB6",
    "R_RISCV_SET6",
    "R_RISCV_SET8",
    "R_RISCV_SET16",
    "R_RISCV_SET32",
    "R_RISCV_32_PCREL",
    "R_RISCV_IRELATIVE",
    "R_RISCV_PLT32",
    "R_RISCV_SET_ULEB128",
    "R_RISCV_SUB_ULEB128",
    "R_RISCV_TLSDESC_HI20",
    "R_RISCV_TLSDESC_LOAD_LO12",
    "R_RISCV_TLSDESC_ADD_LO12",
    "R_RISCV_TLSDESC_CALL",
};

static const struct hp_reloc_names reloc_names[] = {HP_RELOC_NAMES(0, type_names)};

/* ---- fields of instructions --------------------------------------------------------------------
 */

/* `count` bits of a value from bit `from` on, moved to bit `to`. */
static uint32_t bits(uint64_t value, unsigned from, unsigned count, unsigned to)
{
    return ((uint32_t)(value >> from) & ((1u << count) - 1)) << to;
}

/* Replaces all of an instruction but the bits of `keep`. */
static void put_insn(uint8_t *place, uint32_t keep, uint32_t immediate)
{
    hp_put_le32(place, (hp_le32(place) & keep) | immediate);
}

static void put_u_type(uint8_t *place, uint64_t high)
{
    put_insn(place, 0x00000fff, bits(high, 12, 20, 12));
}

static void put_i_type(uint8_t *place, uint64_t value)
{
    put_insn(place, 0x000fffff, bits(value, 0, 12, 20));
}

static void put_s_type(uint8_t *place, uint64_t value)
{
    put_insn(place, 0x01fff07f, bits(value, 5, 7, 25) | bits(value, 0, 5, 7));
}

static void put_b_type(uint8_t *place, uint64_t value)
{
    put_insn(place, 0x01fff07f,
             bits(value, 12, 1, 31) | bits(value, 5, 6, 25) | bits(value, 1, 4, 8) |
                 bits(value, 11, 1, 7));
}

static uint32_t j_type(uint64_t value)
{
    return bits(value, 20, 1, 31) | bits(value, 1, 10, 21) | bits(value, 11, 1, 20) |
           bits(value, 12, 8, 12);
}

static void put_cb_type(uint8_t *place, uint64_t value)
{
    uint32_t immediate = bits(value, 8, 1, 12) | bits(value, 3, 2, 10) | bits(value, 6, 2, 5) |
                         bits(value, 1, 2, 3) | bits(value, 5, 1, 2);

    hp_put_le16(place, (uint16_t)((hp_le16(place) & 0xe383u) | immediate));
}

static void put_cj_type(uint8_t *place, uint64_t value)
{
    uint32_t immediate = bits(value, 11, 1, 12) | bits(value, 4, 1, 11) | bits(value, 8, 2, 9) |
                         bits(value, 10, 1, 8) | bits(value, 6, 1, 7) | bits(value, 7, 1, 6) |
                         bits(value, 1, 3, 3) | bits(value, 5, 1, 2);

    hp_put_le16(place, (uint16_t)((hp_le16(place) & 0xe003u) | immediate));
}

/*
 * What a U-type instruction contributes to a value whose low 12 bits another one adds, which takes
 * them as signed.
 */
static uint64_t high_part(uint64_t value)
{
    return (value + 0x800) & ~UINT64_C(0xfff);
}

/* Range of the two together. */
#define PAIR_LOW  (INT64_C(-0x80000000) - 0x800)
#define PAIR_HIGH (INT64_C(0x7fffffff) - 0x800)

static enum hp_status put_high(uint8_t *place, uint64_t value, struct hp_diag *diag)
{
    if (!hp_reloc_fits(value, PAIR_LOW, PAIR_HIGH)) {
        return hp_reloc_overflow(diag, value, PAIR_LOW, PAIR_HIGH);
    }
    put_u_type(place, high_part(value));
    return HP_OK;
}

/* ---- %pcrel_lo ---------------------------------------------------------------------------------
 */

static struct hp_reloc entry_of(const struct hp_reloc_job *job, uint32_t index)
{
    return hp_rela64(job->entries + (size_t)index * HP_RELA64_SIZE);
}

static bool pair_less(const void *data, uint32_t a, uint32_t b)
{
    const struct hp_reloc_job *job = data;
    uint64_t x = entry_of(job, job->pairs[a]).offset;
    uint64_t y = entry_of(job, job->pairs[b]).offset;

    return x < y || (x == y && job->pairs[a] < job->pairs[b]);
}

static void pair_swap(void *data, uint32_t a, uint32_t b)
{
    const struct hp_reloc_job *job = data;
    uint32_t t = job->pairs[a];

    job->pairs[a] = job->pairs[b];
    job->pairs[b] = t;
}

/*
 * Collects the entries that a %pcrel_lo may refer to, by ascending offset. Assemblers write them
 * so, but nothing says that they must.
 */
static void find_pairs(struct hp_reloc_job *job)
{
    struct hp_sortable sortable = {job, pair_less, pair_swap};
    uint32_t n;

    job->pair_count = 0;
    for (n = 0; n < job->count; n++) {
        uint32_t type = entry_of(job, n).type;

        if (type == R_PCREL_HI20 || type == R_GOT_HI20) {
            job->pairs[job->pair_count] = n;
            job->pair_count++;
        }
    }
    hp_sort(&sortable, job->pair_count);
}

/* Finds the entry at an offset of the section, the first of several. */
static bool find_high(const struct hp_reloc_job *job, uint64_t offset, struct hp_reloc *high)
{
    uint32_t low = 0;
    uint32_t end = job->pair_count;

    while (low < end) {
        uint32_t middle = low + (end - low) / 2;

        if (entry_of(job, job->pairs[middle]).offset < offset) {
            low = middle + 1;
        } else {
            end = middle;
        }
    }
    if (low == job->pair_count) {
        return false;
    }
    *high = entry_of(job, job->pairs[low]);
    return high->offset == offset;
}

/* What an entry of type PCREL_HI20 or GOT_HI20 stores the high part of. */
static enum hp_status high_value(const struct hp_reloc_job *job, const struct hp_reloc *reloc,
                                 const struct hp_symbol_value *symbol, uint64_t *value,
                                 struct hp_diag *diag)
{
    *value = symbol->value + (uint64_t)reloc->addend - (job->addr + reloc->offset);
    if (reloc->type == R_GOT_HI20) {
        /* The slot holds the symbol's address: with an addend it would have to be another slot. */
        if (reloc->addend != 0) {
            return hp_fail(diag, HP_STAGE_RELOC, HP_RELOC_ADDEND);
        }
        *value = job->got + (uint64_t)symbol->got * 8 - (job->addr + reloc->offset);
    }
    return HP_OK;
}

/*
 * The low part of what the AUIPC at the label took the high part of. The symbol is that label; the
 * addend is added to the value, and must leave the high part as it is.
 */
static enum hp_status apply_low(struct hp_reloc_job *job, const struct hp_reloc *reloc,
                                const struct hp_symbol_value *label, struct hp_diag *diag)
{
    uint64_t offset = label->value - job->addr;
    uint8_t *place = job->host + reloc->offset;
    struct hp_symbol_value symbol;
    struct hp_reloc high;
    uint64_t value;
    uint64_t sum;
    enum hp_status status;

    if (!find_high(job, offset, &high)) {
        return hp_fail(diag, HP_STAGE_RELOC, HP_RELOC_PAIR);
    }
    symbol = hp_reloc_symbol(job, high.symbol);
    if (symbol.state == HP_VALUE_UNDECIDED) {
        memset(place, HP_UNDECIDED_BYTE, 4);
        job->undecided++;
        return HP_OK;
    }
    if (symbol.state == HP_VALUE_NONE) {
        return hp_fail(diag, HP_STAGE_RELOC, HP_SYMBOL_NOT_LOADED);
    }
    status = high_value(job, &high, &symbol, &value, diag);
    if (status) {
        return status;
    }
    sum = value + (uint64_t)reloc->addend;
    if (high_part(sum) != high_part(value)) {
        return hp_fail_numbers(diag, HP_STAGE_RELOC, HP_RELOC_OVERFLOW, high_part(value) + 0x7ff,
                               sum);
    }
    if (reloc->type == R_PCREL_LO12_I) {
        put_i_type(place, sum);
    } else {
        put_s_type(place, sum);
    }
    return HP_OK;
}

/* ---- the types ---------------------------------------------------------------------------------
 */

/*
 * Differences of two symbols: one entry sets or adds, another at the same place subtracts. What
 * they leave in between has no range to check; the result is the assembler's promise.
 */
static void apply_sum(uint32_t type, uint64_t value, uint8_t *place)
{
    switch (type) {
    case R_ADD8:
        *place = (uint8_t)(*place + value);
        break;
    case R_SUB8:
        *place = (uint8_t)(*place - value);
        break;
    case R_SET8:
        *place = (uint8_t)value;
        break;
    case R_SET6:
        *place = (uint8_t)((*place & 0xc0) | (value & 0x3f));
        break;
    case R_SUB6:
        *place = (uint8_t)((*place & 0xc0) | ((*place - value) & 0x3f));
        break;
    case R_ADD16:
        hp_put_le16(place, (uint16_t)(hp_le16(place) + value));
        break;
    case R_SUB16:
        hp_put_le16(place, (uint16_t)(hp_le16(place) - value));
        break;
    case R_SET16:
        hp_put_le16(place, (uint16_t)value);
        break;
    case R_ADD32:
        hp_put_le32(place, (uint32_t)(hp_le32(place) + value));
        break;
    case R_SUB32:
        hp_put_le32(place, (uint32_t)(hp_le32(place) - value));
        break;
    case R_SET32:
        hp_put_le32(place, (uint32_t)value);
        break;
    case R_ADD64:
        hp_put_le64(place, hp_le64(place) + value);
        break;
    default: /* R_SUB64 */
        hp_put_le64(place, hp_le64(place) - value);
        break;
    }
}

/*
 * As many bytes of NOPs as the addend says stand at the place, for a linker to remove some, so that
 * what follows is aligned to the next power of two. None is removed here.
 */
static enum hp_status check_align(const struct hp_reloc_job *job, const struct hp_reloc *reloc,
                                  struct hp_diag *diag)
{
    uint64_t nops = (uint64_t)reloc->addend;
    uint64_t next = job->addr + reloc->offset + nops;
    uint64_t align = 1;

    while (align <= nops && align <= job->size) {
        align *= 2;
    }
    if (nops > job->size || (next & (align - 1)) != 0) {
        return hp_fail_numbers(diag, HP_STAGE_RELOC, HP_RELOC_RELAX, align, next);
    }
    return HP_OK;
}

static enum hp_status apply_branch(uint32_t type, uint64_t value, uint8_t *place,
                                   struct hp_diag *diag)
{
    enum hp_status status;

    switch (type) {
    case R_BRANCH:
        status = hp_reloc_check(diag, value, 13, 2);
        if (status == HP_OK) {
            put_b_type(place, value);
        }
        return status;
    case R_JAL:
        status = hp_reloc_check(diag, value, 21, 2);
        if (status == HP_OK) {
            put_insn(place, 0x00000fff, j_type(value));
        }
        return status;
    case R_RVC_BRANCH:
        status = hp_reloc_check(diag, value, 9, 2);
        if (status == HP_OK) {
            put_cb_type(place, value);
        }
        return status;
    default: /* R_RVC_JUMP */
        status = hp_reloc_check(diag, value, 12, 2);
        if (status == HP_OK) {
            put_cj_type(place, value);
        }
        return status;
    }
}

/* AUIPC and JALR, side by side. */
static enum hp_status apply_call(uint64_t value, uint8_t *place, struct hp_diag *diag)
{
    enum hp_status status;

    if ((value & 1) != 0) {
        return hp_fail_numbers(diag, HP_STAGE_RELOC, HP_RELOC_ALIGN, 2, value);
    }
    status = put_high(place, value, diag);
    if (status == HP_OK) {
        put_i_type(place + 4, value);
    }
    return status;
}

static enum hp_status apply_data(uint32_t type, uint64_t value, uint64_t pc_value, uint8_t *place,
                                 struct hp_diag *diag)
{
    const int64_t high = type == R_32 ? UINT32_MAX : INT32_MAX; /* absolute: of either sign */

    if (type == R_64) {
        hp_put_le64(place, value);
        return HP_OK;
    }
    value = type == R_32 ? value : pc_value;
    if (!hp_reloc_fits(value, INT32_MIN, high)) {
        return hp_reloc_overflow(diag, value, INT32_MIN, high);
    }
    hp_put_le32(place, (uint32_t)value);
    return HP_OK;
}

/* Names in the psABI's terms: S symbol, A addend, P place; value is S + A, pc_value S + A - P. */
static inline enum hp_status apply_one(struct hp_reloc_job *job, const struct hp_reloc *reloc,
                                       const struct hp_symbol_value *symbol, struct hp_diag *diag)
{
    uint64_t value = symbol->value + (uint64_t)reloc->addend;
    uint64_t pc_value = value - (job->addr + reloc->offset);
    uint8_t *place = job->host + reloc->offset;
    enum hp_status status;

    switch (reloc->type) {
    case R_NONE:
    case R_RELAX:
        return HP_OK;
    case R_ALIGN:
        return check_align(job, reloc, diag);
    case R_64:
    case R_32:
    case R_32_PCREL:
        return apply_data(reloc->type, value, pc_value, place, diag);
    case R_BRANCH:
    case R_JAL:
    case R_RVC_BRANCH:
    case R_RVC_JUMP:
        return apply_branch(reloc->type, pc_value, place, diag);
    case R_CALL:
    case R_CALL_PLT:
        return apply_call(pc_value, place, diag);
    case R_GOT_HI20:
    case R_PCREL_HI20:
        status = high_value(job, reloc, symbol, &value, diag);
        return status == HP_OK ? put_high(place, value, diag) : status;
    case R_PCREL_LO12_I:
    case R_PCREL_LO12_S:
        return apply_low(job, reloc, symbol, diag);
    case R_HI20:
        return put_high(place, value, diag);
    case R_LO12_I:
        put_i_type(place, value);
        return HP_OK;
    case R_LO12_S:
        put_s_type(place, value);
        return HP_OK;
    default: /* the checks let no other than the ADD, SUB and SET types pass */
        apply_sum(reloc->type, value, place);
        return HP_OK;
    }
}

static enum hp_status relocate(struct hp_reloc_job *job, struct hp_diag *diag)
{
    find_pairs(job);
    return hp_reloc_each(job, howtos, apply_one, diag);
}

/* ---- patching ----------------------------------------------------------------------------------
 */

#define INSN_NOP      0x00000013u /* addi x0, x0, 0 */
#define INSN_C_NOP    0x0001u
#define INSN_JAL_X0   0x0000006fu
#define INSN_AUIPC_T1 0x00000317u
#define INSN_JR_T1    0x00030067u

/* Landing pads belong to the Zicfilp extension, which the format knows nothing of. */
static size_t landing_pad(const uint8_t *code, size_t size)
{
    (void)code;
    (void)size;
    return 0;
}

/*
 * JAL where that reaches, else AUIPC and JR through T1: a function is entered with no value in it
 * that anybody needs (psABI, "Integer Calling Convention").
 */
static size_t encode_jump(uint8_t *out, uint64_t from, uint64_t to, bool pad, uint64_t *distance)
{
    const int64_t near = INT64_C(1) << 20;
    uint64_t displacement = to - from;

    (void)pad; /* nothing signs return addresses */
    *distance = (int64_t)displacement < 0 ? 0 - displacement : displacement;
    if (hp_reloc_fits(displacement, -near, near - 2)) {
        hp_put_le32(out, INSN_JAL_X0 | j_type(displacement));
        return 4;
    }
    if (!hp_reloc_fits(displacement, PAIR_LOW, PAIR_HIGH)) {
        return 0;
    }
    hp_put_le32(out, INSN_AUIPC_T1 | bits(high_part(displacement), 12, 20, 12));
    hp_put_le32(out + 4, INSN_JR_T1 | bits(displacement, 0, 12, 20));
    return 8;
}

#define ISLAND_SIZE 24

/* Through T1 as well. EBREAK fills up to the address, which is aligned. */
static void encode_island(uint8_t *out, uint64_t to)
{
    hp_put_le32(out, INSN_AUIPC_T1);
    hp_put_le32(out + 4, 0x01033303); /* ld t1, 16(t1) */
    hp_put_le32(out + 8, INSN_JR_T1);
    hp_put_le32(out + 12, 0x00100073); /* ebreak */
    hp_put_le64(out + 16, to);
}

/* A compressed NOP where the size calls for one: only code that has compressed ones has such. */
static void fill_nops(uint8_t *out, size_t size)
{
    size_t n;

    for (n = 0; size - n >= 4; n += 4) {
        hp_put_le32(out + n, INSN_NOP);
    }
    if (size - n == 2) {
        hp_put_le16(out + n, INSN_C_NOP);
    }
}

/* NOPs of both sizes, and zeros, which are no instruction. */
static size_t filler(const uint8_t *code, size_t size)
{
    if (size >= 4 && hp_le32(code) == INSN_NOP) {
        return 4;
    }
    return size >= 2 && (hp_le16(code) == INSN_C_NOP || hp_le16(code) == 0) ? 2 : 0;
}

/*
 * "$x" before code, "$d" before data, both also with a suffix, and "$x" with the name of an ISA:
 * psABI, "Mapping Symbol".
 */
static bool is_marker(const char *name, size_t length)
{
    if (length < 2 || name[0] != '$' || (name[1] != 'x' && name[1] != 'd')) {
        return false;
    }
    return length == 2 || name[2] == '.' ||
           (name[1] == 'x' && length >= 4 && name[2] == 'r' && name[3] == 'v');
}

const struct hp_arch hp_arch_riscv64 = {
    .name = "RISC-V 64",
    .machine = HP_EM_RISCV,
    .word = 8,
    .insn_min = 2,
    .jump_size = 4,
    .island_size = ISLAND_SIZE,
    .uses_rela = true,
    .early_relocs = HP_EARLY_RELOC(R_GOT_HI20) | HP_EARLY_RELOC(R_PCREL_HI20),
    .pairs_relocs = true,
    .reach = PAIR_HIGH - 1, /* code lies at even addresses */
    .bug_frames = {16, 16, 32},
    .branches = HP_BRANCHES(riscv64),
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
};
