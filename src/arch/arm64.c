/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Arm64 (AArch64, little-endian): relocations, veneers, jumps, NOPs and landing pads.
 *
 * Sources: ELF for the Arm 64-bit Architecture (aaelf64), "Relocation"; Arm Architecture Reference
 * Manual for A-profile, instruction descriptions in chapter C6, "Branch Target Identification".
 */
#include <string.h>

#include "arch/arch.h"
#include "reloc/job.h"

enum {
    R_NONE = 0,
    R_ABS64 = 257,
    R_ABS32 = 258,
    R_ABS16 = 259,
    R_PREL64 = 260,
    R_PREL32 = 261,
    R_PREL16 = 262,
    R_MOVW_UABS_G0 = 263,
    R_MOVW_UABS_G0_NC = 264,
    R_MOVW_UABS_G1 = 265,
    R_MOVW_UABS_G1_NC = 266,
    R_MOVW_UABS_G2 = 267,
    R_MOVW_UABS_G2_NC = 268,
    R_MOVW_UABS_G3 = 269,
    R_MOVW_SABS_G0 = 270,
    R_MOVW_SABS_G1 = 271,
    R_MOVW_SABS_G2 = 272,
    R_LD_PREL_LO19 = 273,
    R_ADR_PREL_LO21 = 274,
    R_ADR_PREL_PG_HI21 = 275,
    R_ADR_PREL_PG_HI21_NC = 276,
    R_ADD_ABS_LO12_NC = 277,
    R_LDST8_ABS_LO12_NC = 278,
    R_TSTBR14 = 279,
    R_CONDBR19 = 280,
    R_JUMP26 = 282,
    R_CALL26 = 283,
    R_LDST16_ABS_LO12_NC = 284,
    R_LDST32_ABS_LO12_NC = 285,
    R_LDST64_ABS_LO12_NC = 286,
    R_MOVW_PREL_G0 = 287,
    R_MOVW_PREL_G0_NC = 288,
    R_MOVW_PREL_G1 = 289,
    R_MOVW_PREL_G1_NC = 290,
    R_MOVW_PREL_G2 = 291,
    R_MOVW_PREL_G2_NC = 292,
    R_MOVW_PREL_G3 = 293,
    R_LDST128_ABS_LO12_NC = 299,
    R_ADR_GOT_PAGE = 311,
    R_LD64_GOT_LO12_NC = 312,
    R_PLT32 = 314,
    R_COUNT
};

static const struct hp_howto howtos[R_COUNT] = {
    [R_NONE] = {0, HP_HOWTO_KNOWN | HP_HOWTO_NO_SYMBOL},
    [R_ABS64] = {8, HP_HOWTO_KNOWN},
    [R_ABS32] = {4, HP_HOWTO_KNOWN},
    [R_ABS16] = {2, HP_HOWTO_KNOWN},
    [R_PREL64] = {8, HP_HOWTO_KNOWN},
    [R_PREL32] = {4, HP_HOWTO_KNOWN},
    [R_PREL16] = {2, HP_HOWTO_KNOWN},
    [R_MOVW_UABS_G0] = {4, HP_HOWTO_KNOWN},
    [R_MOVW_UABS_G0_NC] = {4, HP_HOWTO_KNOWN},
    [R_MOVW_UABS_G1] = {4, HP_HOWTO_KNOWN},
    [R_MOVW_UABS_G1_NC] = {4, HP_HOWTO_KNOWN},
    [R_MOVW_UABS_G2] = {4, HP_HOWTO_KNOWN},
    [R_MOVW_UABS_G2_NC] = {4, HP_HOWTO_KNOWN},
    [R_MOVW_UABS_G3] = {4, HP_HOWTO_KNOWN},
    [R_MOVW_SABS_G0] = {4, HP_HOWTO_KNOWN},
    [R_MOVW_SABS_G1] = {4, HP_HOWTO_KNOWN},
    [R_MOVW_SABS_G2] = {4, HP_HOWTO_KNOWN},
    [R_LD_PREL_LO19] = {4, HP_HOWTO_KNOWN},
    [R_ADR_PREL_LO21] = {4, HP_HOWTO_KNOWN},
    [R_ADR_PREL_PG_HI21] = {4, HP_HOWTO_KNOWN},
    [R_ADR_PREL_PG_HI21_NC] = {4, HP_HOWTO_KNOWN},
    [R_ADD_ABS_LO12_NC] = {4, HP_HOWTO_KNOWN},
    [R_LDST8_ABS_LO12_NC] = {4, HP_HOWTO_KNOWN},
    [R_TSTBR14] = {4, HP_HOWTO_KNOWN},
    [R_CONDBR19] = {4, HP_HOWTO_KNOWN},
    [R_JUMP26] = {4, HP_HOWTO_KNOWN | HP_HOWTO_BRANCH},
    [R_CALL26] = {4, HP_HOWTO_KNOWN | HP_HOWTO_BRANCH},
    [R_LDST16_ABS_LO12_NC] = {4, HP_HOWTO_KNOWN},
    [R_LDST32_ABS_LO12_NC] = {4, HP_HOWTO_KNOWN},
    [R_LDST64_ABS_LO12_NC] = {4, HP_HOWTO_KNOWN},
    [R_MOVW_PREL_G0] = {4, HP_HOWTO_KNOWN},
    [R_MOVW_PREL_G0_NC] = {4, HP_HOWTO_KNOWN},
    [R_MOVW_PREL_G1] = {4, HP_HOWTO_KNOWN},
    [R_MOVW_PREL_G1_NC] = {4, HP_HOWTO_KNOWN},
    [R_MOVW_PREL_G2] = {4, HP_HOWTO_KNOWN},
    [R_MOVW_PREL_G2_NC] = {4, HP_HOWTO_KNOWN},
    [R_MOVW_PREL_G3] = {4, HP_HOWTO_KNOWN},
    [R_LDST128_ABS_LO12_NC] = {4, HP_HOWTO_KNOWN},
    [R_ADR_GOT_PAGE] = {4, HP_HOWTO_KNOWN | HP_HOWTO_GOT},
    [R_LD64_GOT_LO12_NC] = {4, HP_HOWTO_KNOWN | HP_HOWTO_GOT},
    [R_PLT32] = {4, HP_HOWTO_KNOWN | HP_HOWTO_BRANCH},
};

static const char *const none_names[] = {"R_AARCH64_NONE"};

static const char *const static_names[] = {
    "R_AARCH64_ABS64",
    "R_AARCH64_ABS32",
    "R_AARCH64_ABS16",
    "R_AARCH64_PREL64",
    "R_AARCH64_PREL32",
    "R_AARCH64_PREL16",
    "R_AARCH64_MOVW_UABS_G0",
    "R_AARCH64_MOVW_UABS_G0_NC",
    "R_AARCH64_MOVW_UABS_G1",
    "R_AARCH64_MOVW_UABS_G1_NC",
    "R_AARCH64_MOVW_UABS_G2",
    "R_AARCH64_MOVW_UABS_G2_NC",
    "R_AARCH64_MOVW_UABS_G3",
    "R_AARCH64_MOVW_SABS_G0",
    "R_AARCH64_MOVW_SABS_G1",
    "R_AARCH64_MOVW_SABS_G2",
    "R_AARCH64_LD_PREL_LO19",
    "R_AARCH64_ADR_PREL_LO21",
    "R_AARCH64_ADR_PREL_PG_HI21",
    "R_AARCH64_ADR_PREL_PG_HI21_NC",
    "R_AARCH64_ADD_ABS_LO12_NC",
    "R_AARCH64_LDST8_ABS_LO12_NC",
    "R_AARCH64_TSTBR14",
    "R_AARCH64_CONDBR19",
    NULL,
    "R_AARCH64_JUMP26",
    "R_AARCH64_CALL26",
    "R_AARCH64_LDST16_ABS_LO12_NC",
    "R_AARCH64_LDST32_ABS_LO12_NC",
    "R_AARCH64_LDST64_ABS_LO12_NC",
    "R_AARCH64_MOVW_PREL_G0",
    "R_AARCH64_MOVW_PREL_G0_NC",
    "R_AARCH64_MOVW_PREL_G1",
    "R_AARCH64_MOVW_PREL_G1_NC",
    "R_AARCH64_MOVW_PREL_G2",
    "R_AARCH64_MOVW_PREL_G2_NC",
    "R_AARCH64_MOVW_PREL_G3",
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    "R_AARCH64_LDST128_ABS_LO12_NC",
    "R_AARCH64_MOVW_GOTOFF_G0",
    "R_AARCH64_MOVW_GOTOFF_G0_NC",
    "R_AARCH64_MOVW_GOTOFF_G1",
    "R_AARCH64_MOVW_GOTOFF_G1_NC",
    "R_AARCH64_MOVW_GOTOFF_G2",
    "R_AARCH64_MOVW_GOTOFF_G2_NC",
    "R_AARCH64_MOVW_GOTOFF_G3",
    "R_AARCH64_GOTREL64",
    "R_AARCH64_GOTREL32",
    "R_AARCH64_GOT_LD_PREL19",
    "R_AARCH64_LD64_GOTOFF_LO15",
    "R_AARCH64_ADR_GOT_PAGE",
    "R_AARCH64_LD64_GOT_LO12_NC",
    "R_AARCH64_LD64_GOTPAGE_LO15",
    "R_AARCH64_PLT32",
    "R_AARCH64_GOTPCREL32",
};

/* What -ftls-model=local-exec and the general-dynamic model make; compilers use little else. */
static const char *const tls_names[] = {
    "R_AARCH64_TLSGD_ADR_PREL21",
    "R_AARCH64_TLSGD_ADR_PAGE21",
    "R_AARCH64_TLSGD_ADD_LO12_NC",
    "R_AARCH64_TLSGD_MOVW_G1",
    "R_AARCH64_TLSGD_MOVW_G0_NC",
    "R_AARCH64_TLSLD_ADR_PREL21",
    "R_AARCH64_TLSLD_ADR_PAGE21",
    "R_AARCH64_TLSLD_ADD_LO12_NC",
    "R_AARCH64_TLSLD_MOVW_G1",
    "R_AARCH64_TLSLD_MOVW_G0_NC",
    "R_AARCH64_TLSLD_LD_PREL19",
    "R_AARCH64_TLSLD_MOVW_DTPREL_G2",
    "R_AARCH64_TLSLD_MOVW_DTPREL_G1",
    "R_AARCH64_TLSLD_MOVW_DTPREL_G1_NC",
    "R_AARCH64_TLSLD_MOVW_DTPREL_G0",
    "R_AARCH64_TLSLD_MOVW_DTPREL_G0_NC",
    "R_AARCH64_TLSLD_ADD_DTPREL_HI12",
    "R_AARCH64_TLSLD_ADD_DTPREL_LO12",
    "R_AARCH64_TLSLD_ADD_DTPREL_LO12_NC",
    "R_AARCH64_TLSLD_LDST8_DTPREL_LO12",
    "R_AARCH64_TLSLD_LDST8_DTPREL_LO12_NC",
    "R_AARCH64_TLSLD_LDST16_DTPREL_LO12",
    "R_AARCH64_TLSLD_LDST16_DTPREL_LO12_NC",
    "R_AARCH64_TLSLD_LDST32_DTPREL_LO12",
    "R_AARCH64_TLSLD_LDST32_DTPREL_LO12_NC",
    "R_AARCH64_TLSLD_LDST64_DTPREL_LO12",
    "R_AARCH64_TLSLD_LDST64_DTPREL_LO12_NC",
    "R_AARCH64_TLSIE_MOVW_GOTTPREL_G1",
    "R_AARCH64_TLSIE_MOVW_GOTTPREL_G0_NC",
    "R_AARCH64_TLSIE_ADR_GOTTPREL_PAGE21",
    "R_AARCH64_TLSIE_LD64_GOTTPREL_LO12_NC",
    "R_AARCH64_TLSIE_LD_GOTTPREL_PREL19",
    "R_AARCH64_TLSLE_MOVW_TPREL_G2",
    "R_AARCH64_TLSLE_MOVW_TPREL_G1",
    "R_AARCH64_TLSLE_MOVW_TPREL_G1_NC",
    "R_AARCH64_TLSLE_MOVW_TPREL_G0",
    "R_AARCH64_TLSLE_MOVW_TPREL_G0_NC",
    "R_AARCH64_TLSLE_ADD_TPREL_HI12",
    "R_AARCH64_TLSLE_ADD_TPREL_LO12",
    "R_AARCH64_TLSLE_ADD_TPREL_LO12_NC",
};

static const struct hp_reloc_names reloc_names[] = {
    HP_RELOC_NAMES(R_NONE, none_names),
    HP_RELOC_NAMES(R_ABS64, static_names),
    HP_RELOC_NAMES(512, tls_names),
};

/* Replaces the bits of `mask` in the instruction at `place`. */
static void put_bits(uint8_t *place, uint32_t mask, uint32_t bits)
{
    hp_put_le32(place, (hp_le32(place) & ~mask) | (bits & mask));
}

/* ADR and ADRP: bits 1 and 0 of the immediate lie above the opcode's, the others in the middle. */
static void put_adr(uint8_t *place, uint64_t immediate)
{
    uint32_t low = (uint32_t)immediate & 3;
    uint32_t high = (uint32_t)(immediate >> 2) & 0x7ffff;

    put_bits(place, 0x60ffffe0, low << 29 | high << 5);
}

/* The 12 bits of ADD and of loads and stores, which count in units of their own size. */
static enum hp_status put_low12(uint8_t *place, uint64_t value, unsigned shift,
                                struct hp_diag *diag)
{
    uint32_t low = (uint32_t)value & 0xfff;

    if ((low & ((1u << shift) - 1)) != 0) {
        return hp_fail_numbers(diag, HP_STAGE_RELOC, HP_RELOC_ALIGN, UINT64_C(1) << shift, value);
    }
    put_bits(place, 0xfffu << 10, low >> shift << 10);
    return HP_OK;
}

/*
 * MOVZ, MOVN and MOVK: 16 bits of the value from `shift` on. `bits` is how many bits the whole
 * value may have, 0: any. A signed one makes the instruction a MOVN, whose immediate is inverted,
 * where it is negative, and a MOVZ where it is not.
 */
static enum hp_status put_movw(uint8_t *place, uint64_t value, unsigned shift, unsigned bits,
                               bool is_signed, struct hp_diag *diag)
{
    int64_t limit = (int64_t)(UINT64_C(1) << bits);
    uint32_t opcode = hp_le32(place);

    if (bits != 0 && is_signed && !hp_reloc_fits(value, -limit, limit - 1)) {
        return hp_reloc_overflow(diag, value, -limit, limit - 1);
    }
    if (bits != 0 && !is_signed && value >> bits != 0) {
        return hp_fail_numbers(diag, HP_STAGE_RELOC, HP_RELOC_OVERFLOW, (uint64_t)limit - 1, value);
    }
    if (is_signed) {
        opcode |= 0x40000000; /* MOVZ */
        if ((int64_t)value < 0) {
            opcode &= ~0x40000000u;
            value = ~value;
        }
        hp_put_le32(place, opcode);
    }
    put_bits(place, 0xffffu << 5, (uint32_t)(value >> shift & 0xffff) << 5);
    return HP_OK;
}

/* Types that store a number, not a part of an instruction. */
static enum hp_status apply_data(uint32_t type, uint64_t value, uint64_t pc_value, uint8_t *place,
                                 struct hp_diag *diag)
{
    enum hp_status status = HP_OK;

    switch (type) {
    case R_ABS64:
        hp_put_le64(place, value);
        return HP_OK;
    case R_PREL64:
        hp_put_le64(place, pc_value);
        return HP_OK;
    case R_ABS32:
    case R_ABS16: {
        /* No instruction fixes them as signed or unsigned: they take both ranges. */
        int64_t high = type == R_ABS32 ? UINT32_MAX : UINT16_MAX;
        int64_t low = type == R_ABS32 ? INT32_MIN : INT16_MIN;

        if (!hp_reloc_fits(value, low, high)) {
            return hp_reloc_overflow(diag, value, low, high);
        }
        break;
    }
    default: /* R_PREL32, R_PREL16 */
        value = pc_value;
        status = hp_reloc_check(diag, value, type == R_PREL32 ? 32 : 16, 1);
        break;
    }
    if (status) {
        return status;
    }
    if (type == R_ABS32 || type == R_PREL32) {
        hp_put_le32(place, (uint32_t)value);
    } else {
        hp_put_le16(place, (uint16_t)value);
    }
    return HP_OK;
}

static enum hp_status apply_movw(uint32_t type, uint64_t value, uint64_t pc_value, uint8_t *place,
                                 struct hp_diag *diag)
{
    switch (type) {
    case R_MOVW_UABS_G0:
        return put_movw(place, value, 0, 16, false, diag);
    case R_MOVW_UABS_G0_NC:
        return put_movw(place, value, 0, 0, false, diag);
    case R_MOVW_UABS_G1:
        return put_movw(place, value, 16, 32, false, diag);
    case R_MOVW_UABS_G1_NC:
        return put_movw(place, value, 16, 0, false, diag);
    case R_MOVW_UABS_G2:
        return put_movw(place, value, 32, 48, false, diag);
    case R_MOVW_UABS_G2_NC:
        return put_movw(place, value, 32, 0, false, diag);
    case R_MOVW_UABS_G3:
        return put_movw(place, value, 48, 0, false, diag);
    case R_MOVW_SABS_G0:
        return put_movw(place, value, 0, 16, true, diag);
    case R_MOVW_SABS_G1:
        return put_movw(place, value, 16, 32, true, diag);
    case R_MOVW_SABS_G2:
        return put_movw(place, value, 32, 48, true, diag);
    case R_MOVW_PREL_G0:
        return put_movw(place, pc_value, 0, 16, true, diag);
    case R_MOVW_PREL_G0_NC:
        return put_movw(place, pc_value, 0, 0, false, diag);
    case R_MOVW_PREL_G1:
        return put_movw(place, pc_value, 16, 32, true, diag);
    case R_MOVW_PREL_G1_NC:
        return put_movw(place, pc_value, 16, 0, false, diag);
    case R_MOVW_PREL_G2:
        return put_movw(place, pc_value, 32, 48, true, diag);
    case R_MOVW_PREL_G2_NC:
        return put_movw(place, pc_value, 32, 0, false, diag);
    default: /* R_MOVW_PREL_G3: no value is too large for the top bits */
        return put_movw(place, pc_value, 48, 0, true, diag);
    }
}

#define VENEER_SIZE 16

/*
 * A veneer, and a second trampoline. X16 is the register that the procedure call standard leaves to
 * linkers, and BR X16 may land on a BTI c (Arm ARM, "PSTATE.BTYPE").
 */
static void encode_island(uint8_t *out, uint64_t to)
{
    static const uint8_t code[8] = {
        0x50, 0x00, 0x00, 0x58, /* ldr x16, . + 8 */
        0x00, 0x02, 0x1f, 0xd6, /* br x16 */
    };

    memcpy(out, code, sizeof(code));
    hp_put_le64(out + sizeof(code), to);
}

/* Finds or makes the veneer that leads to `dest`. */
static bool use_veneer(const struct hp_reloc_job *job, uint32_t symbol, uint64_t dest,
                       uint64_t *addr)
{
    uint32_t offset = job->veneer_of[symbol] * VENEER_SIZE;
    uint8_t *veneer = job->veneers + offset;

    if (job->veneer_of[symbol] == HP_NO_INDEX) {
        return false;
    }
    if (hp_le32(veneer) == 0) {
        encode_island(veneer, dest);
    }
    *addr = job->veneers_at + offset;
    return hp_le64(veneer + 8) == dest; /* another addend would need another veneer */
}

/* B, BL and their 32-bit data form: directly where that reaches, else through a veneer. */
static enum hp_status apply_branch(const struct hp_reloc_job *job, const struct hp_reloc *reloc,
                                   uint64_t dest, struct hp_diag *diag)
{
    const unsigned bits = reloc->type == R_PLT32 ? 32 : 28;
    const int64_t limit = (int64_t)(UINT64_C(1) << (bits - 1));
    uint64_t place_addr = job->addr + reloc->offset;
    uint8_t *place = job->host + reloc->offset;
    uint64_t value = dest - place_addr;
    uint64_t veneer;
    enum hp_status status;

    if (!hp_reloc_fits(value, -limit, limit - 1) && (dest & 3) == 0 &&
        use_veneer(job, reloc->symbol, dest, &veneer)) {
        value = veneer - place_addr;
    }
    status = hp_reloc_check(diag, value, bits, reloc->type == R_PLT32 ? 1 : 4);
    if (status) {
        return status;
    }
    if (reloc->type == R_PLT32) {
        hp_put_le32(place, (uint32_t)value);
    } else {
        put_bits(place, 0x03ffffff, (uint32_t)value >> 2);
    }
    return HP_OK;
}

/* ADRP: the distance of two pages of 4 KiB, whatever the size of the target's. */
static enum hp_status apply_page(const struct hp_reloc_job *job, const struct hp_reloc *reloc,
                                 uint64_t value, struct hp_diag *diag)
{
    uint64_t addr = job->addr + reloc->offset;
    uint64_t distance = (value & ~UINT64_C(0xfff)) - (addr & ~UINT64_C(0xfff));
    const int64_t limit = INT64_C(1) << 32;

    if ((job->flags & HP_TARGET_ERRATUM_843419) != 0 && (addr & 0xfff) >= 0xff8) {
        return hp_fail_numbers(diag, HP_STAGE_RELOC, HP_RELOC_ERRATUM, 0xff7, addr & 0xfff);
    }
    if (reloc->type != R_ADR_PREL_PG_HI21_NC && !hp_reloc_fits(distance, -limit, limit - 1)) {
        return hp_reloc_overflow(diag, distance, -limit, limit - 0x1000);
    }
    put_adr(job->host + reloc->offset, distance >> 12);
    return HP_OK;
}

/* Conditional branches and loads relative to the PC: a multiple of 4 in a field at bit 5. */
static enum hp_status apply_short(uint8_t *place, uint64_t pc_value, unsigned bits,
                                  struct hp_diag *diag)
{
    enum hp_status status = hp_reloc_check(diag, pc_value, bits, 4);

    if (status == HP_OK) {
        uint32_t mask = (1u << (bits - 2)) - 1;

        put_bits(place, mask << 5, (uint32_t)(pc_value >> 2) << 5);
    }
    return status;
}

static enum hp_status apply_got(const struct hp_reloc_job *job, const struct hp_reloc *reloc,
                                const struct hp_symbol_value *symbol, struct hp_diag *diag)
{
    uint64_t slot = job->got + (uint64_t)symbol->got * 8;

    /* The slot holds the symbol's address: with an addend it would have to be another slot. */
    if (reloc->addend != 0) {
        return hp_fail(diag, HP_STAGE_RELOC, HP_RELOC_ADDEND);
    }
    return reloc->type == R_ADR_GOT_PAGE ? apply_page(job, reloc, slot, diag)
                                         : put_low12(job->host + reloc->offset, slot, 3, diag);
}

/* Names in the ABI's terms: S symbol, A addend, P place; value is S + A, pc_value S + A - P. */
static inline enum hp_status apply_one(struct hp_reloc_job *job, const struct hp_reloc *reloc,
                                       const struct hp_symbol_value *symbol, struct hp_diag *diag)
{
    uint64_t value = symbol->value + (uint64_t)reloc->addend;
    uint64_t pc_value = value - (job->addr + reloc->offset);
    uint8_t *place = job->host + reloc->offset;
    enum hp_status status;

    switch (reloc->type) {
    case R_NONE:
        return HP_OK;
    case R_JUMP26:
    case R_CALL26:
    case R_PLT32:
        return apply_branch(job, reloc, value, diag);
    case R_ADR_PREL_PG_HI21:
    case R_ADR_PREL_PG_HI21_NC:
        return apply_page(job, reloc, value, diag);
    case R_ADD_ABS_LO12_NC:
    case R_LDST8_ABS_LO12_NC:
        return put_low12(place, value, 0, diag);
    case R_LDST16_ABS_LO12_NC:
        return put_low12(place, value, 1, diag);
    case R_LDST32_ABS_LO12_NC:
        return put_low12(place, value, 2, diag);
    case R_LDST64_ABS_LO12_NC:
        return put_low12(place, value, 3, diag);
    case R_LDST128_ABS_LO12_NC:
        return put_low12(place, value, 4, diag);
    case R_ADR_PREL_LO21:
        status = hp_reloc_check(diag, pc_value, 21, 1);
        if (status == HP_OK) {
            put_adr(place, pc_value);
        }
        return status;
    case R_LD_PREL_LO19:
    case R_CONDBR19:
        return apply_short(place, pc_value, 21, diag);
    case R_TSTBR14:
        return apply_short(place, pc_value, 16, diag);
    case R_ADR_GOT_PAGE:
    case R_LD64_GOT_LO12_NC:
        return apply_got(job, reloc, symbol, diag);
    case R_ABS64:
    case R_ABS32:
    case R_ABS16:
    case R_PREL64:
    case R_PREL32:
    case R_PREL16:
        return apply_data(reloc->type, value, pc_value, place, diag);
    default: /* the checks let no other than the MOVW types pass */
        return apply_movw(reloc->type, value, pc_value, place, diag);
    }
}

static enum hp_status relocate(struct hp_reloc_job *job, struct hp_diag *diag)
{
    return hp_reloc_each(job, howtos, apply_one, diag);
}

#define INSN_SIZE      4
#define INSN_NOP       0xd503201fu
#define INSN_BTI       0xd503241fu /* its targets, in bits 6 and 7: none, c, j, jc */
#define INSN_BTI_MASK  0xffffff3fu
#define INSN_BTI_CALLS 0x00000040u
#define INSN_BTI_C     0xd503245fu
#define INSN_PACIASP   0xd503233fu
#define INSN_PACIBSP   0xd503237fu
#define INSN_B         0x14000000u

static size_t landing_pad(const uint8_t *code, size_t size)
{
    return size >= INSN_SIZE && (hp_le32(code) & INSN_BTI_MASK) == INSN_BTI ? INSN_SIZE : 0;
}

static bool signs_return(const uint8_t *code, size_t size)
{
    return size >= INSN_SIZE && (hp_le32(code) == INSN_PACIASP || hp_le32(code) == INSN_PACIBSP);
}

/* BTI c and BTI jc; what signs is one of them as well. */
static bool takes_calls(const uint8_t *code, size_t size)
{
    return (landing_pad(code, size) != 0 && (hp_le32(code) & INSN_BTI_CALLS) != 0) ||
           signs_return(code, size);
}

static size_t encode_jump(uint8_t *out, uint64_t from, uint64_t to, bool pad, uint64_t *distance)
{
    const int64_t limit = INT64_C(1) << 27;
    size_t size = 0;
    uint64_t displacement;

    if (pad) {
        hp_put_le32(out, INSN_BTI_C);
        size = INSN_SIZE;
    }
    displacement = to - (from + size);
    *distance = (int64_t)displacement < 0 ? 0 - displacement : displacement;
    if (!hp_reloc_fits(displacement, -limit, limit - INSN_SIZE)) {
        return 0;
    }
    hp_put_le32(out + size, INSN_B | ((uint32_t)displacement >> 2 & 0x03ffffff));
    return size + INSN_SIZE;
}

static void fill_nops(uint8_t *out, size_t size)
{
    size_t n;

    for (n = 0; n < size; n += INSN_SIZE) {
        hp_put_le32(out + n, INSN_NOP);
    }
}

#define INSN_BRK      0xd4200000u /* with any number */
#define INSN_BRK_MASK 0xffe0001fu

/* NOP, UDF #0 and BRK. */
static size_t filler(const uint8_t *code, size_t size)
{
    uint32_t insn;

    if (size < INSN_SIZE) {
        return 0;
    }
    insn = hp_le32(code);
    return insn == INSN_NOP || insn == 0 || (insn & INSN_BRK_MASK) == INSN_BRK ? INSN_SIZE : 0;
}

/* "$x" before code, "$d" before data, both also with a suffix: aaelf64, "Mapping symbols". */
static bool is_marker(const char *name, size_t length)
{
    return length >= 2 && name[0] == '$' && (name[1] == 'x' || name[1] == 'd') &&
           (length == 2 || name[2] == '.');
}

const struct hp_arch hp_arch_arm64 = {
    .name = "Arm64",
    .machine = HP_EM_AARCH64,
    .word = 8,
    .insn_min = INSN_SIZE,
    .jump_size = INSN_SIZE,
    .veneer_size = VENEER_SIZE,
    .island_size = VENEER_SIZE,
    .uses_rela = true,
    .early_relocs = HP_EARLY_RELOC(R_JUMP26) | HP_EARLY_RELOC(R_CALL26) | HP_EARLY_RELOC(R_PLT32) |
                    HP_EARLY_RELOC(R_ADR_GOT_PAGE) | HP_EARLY_RELOC(R_LD64_GOT_LO12_NC),
    .reach = (UINT64_C(1) << 27) -
             UINT64_C(2) * INSN_SIZE, /* a landing pad shifts it by an instruction */
    .bug_frames = {16, 16, 32},
    .branches = HP_BRANCHES(arm64),
    .alternatives = &hp_alternatives_arm64,
    .howtos = howtos,
    .howto_count = R_COUNT,
    .reloc_names = reloc_names,
    .reloc_name_count = sizeof(reloc_names) / sizeof(reloc_names[0]),
    .relocate = relocate,
    .landing_pad = landing_pad,
    .signs_return = signs_return,
    .takes_calls = takes_calls,
    .encode_jump = encode_jump,
    .encode_island = encode_island,
    .fill_nops = fill_nops,
    .filler = filler,
    .is_marker = is_marker,
};
