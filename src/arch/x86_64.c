/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * x86-64: relocations, jumps, NOPs and landing pads.
 *
 * Sources: System V psABI for AMD64, section 4.4 (relocation types and their arithmetic); Intel SDM
 * volume 2, "NOP" (recommended multi-byte forms), "JMP" and "ENDBR64".
 */
#include <string.h>

#include "arch/arch.h"
#include "reloc/job.h"

enum {
    R_NONE = 0,
    R_64 = 1,
    R_PC32 = 2,
    R_PLT32 = 4,
    R_GOTPCREL = 9,
    R_32 = 10,
    R_32S = 11,
    R_16 = 12,
    R_PC16 = 13,
    R_8 = 14,
    R_PC8 = 15,
    R_PC64 = 24,
    R_GOTPCRELX = 41,
    R_REX_GOTPCRELX = 42,
    R_COUNT
};

static const struct hp_howto howtos[R_COUNT] = {
    [R_NONE] = {0, HP_HOWTO_KNOWN | HP_HOWTO_NO_SYMBOL},
    [R_64] = {8, HP_HOWTO_KNOWN},
    [R_PC32] = {4, HP_HOWTO_KNOWN},
    [R_PLT32] = {4, HP_HOWTO_KNOWN},
    [R_GOTPCREL] = {4, HP_HOWTO_KNOWN | HP_HOWTO_GOT},
    [R_32] = {4, HP_HOWTO_KNOWN},
    [R_32S] = {4, HP_HOWTO_KNOWN},
    [R_16] = {2, HP_HOWTO_KNOWN},
    [R_PC16] = {2, HP_HOWTO_KNOWN},
    [R_8] = {1, HP_HOWTO_KNOWN},
    [R_PC8] = {1, HP_HOWTO_KNOWN},
    [R_PC64] = {8, HP_HOWTO_KNOWN},
    [R_GOTPCRELX] = {4, HP_HOWTO_KNOWN | HP_HOWTO_GOT},
    [R_REX_GOTPCRELX] = {4, HP_HOWTO_KNOWN | HP_HOWTO_GOT},
};

/* All types of the psABI: a refused one is named, too. */
static const char *const type_names[R_COUNT] = {
    "R_X86_64_NONE",
    "R_X86_64_64",
    "R_X86_64_PC32",
    "R_X86_64_GOT32",
    "R_X86_64_PLT32",
    "R_X86_64_COPY",
    "R_X86_64_GLOB_DAT",
    "R_X86_64_JUMP_SLOT",
    "R_X86_64_RELATIVE",
    "R_X86_64_GOTPCREL",
    "R_X86_64_32",
    "R_X86_64_32S",
    "R_X86_64_16",
    "R_X86_64_PC16",
    "R_X86_64_8",
    "R_X86_64_PC8",
    "R_X86_64_DTPMOD64",
    "R_X86_64_DTPOFF64",
    "R_X86_64_TPOFF64",
    "R_X86_64_TLSGD",
    "R_X86_64_TLSLD",
    "R_X86_64_DTPOFF32",
    "R_X86_64_GOTTPOFF",
    "R_X86_64_TPOFF32",
    "R_X86_64_PC64",
    "R_X86_64_GOTOFF64",
    "R_X86_64_GOTPC32",
    "R_X86_64_GOT64",
    "R_X86_64_GOTPCREL64",
    "R_X86_64_GOTPC64",
    "R_X86_64_GOTPLT64",
    "R_X86_64_PLTOFF64",
    "R_X86_64_SIZE32",
    "R_X86_64_SIZE64",
    "R_X86_64_GOTPC32_TLSDESC",
    "R_X86_64_TLSDESC_CALL",
    "R_X86_64_TLSDESC",
    "R_X86_64_IRELATIVE",
    "R_X86_64_RELATIVE64",
    NULL,
    NULL,
    "R_X86_64_GOTPCRELX",
    "R_X86_64_REX_GOTPCRELX",
};

static const struct hp_reloc_names reloc_names[] = {HP_RELOC_NAMES(0, type_names)};

/*
 * The field of 16 or 8 bits that no instruction form fixes as signed or unsigned takes both ranges;
 * a 32-bit absolute one must zero-extend (R_X86_64_32) or sign-extend (R_X86_64_32S) to the value.
 */
static enum hp_status apply_narrow(uint32_t type, uint64_t value, uint8_t *place,
                                   struct hp_diag *diag)
{
    int64_t low;
    int64_t high;

    switch (type) {
    case R_16:
        low = INT16_MIN;
        high = UINT16_MAX;
        break;
    case R_PC16:
        low = INT16_MIN;
        high = INT16_MAX;
        break;
    case R_8:
        low = INT8_MIN;
        high = UINT8_MAX;
        break;
    default: /* R_PC8 */
        low = INT8_MIN;
        high = INT8_MAX;
        break;
    }
    if (!hp_reloc_fits(value, low, high)) {
        return hp_reloc_overflow(diag, value, low, high);
    }
    if (type == R_16 || type == R_PC16) {
        hp_put_le16(place, (uint16_t)value);
    } else {
        *place = (uint8_t)value;
    }
    return HP_OK;
}

/* Names in the psABI's terms: S symbol, A addend, P place, G + GOT the slot's address. */
static inline enum hp_status apply_one(struct hp_reloc_job *job, const struct hp_reloc *reloc,
                                       const struct hp_symbol_value *symbol, struct hp_diag *diag)
{
    uint64_t value = symbol->value + (uint64_t)reloc->addend;
    uint64_t pc_value = value - (job->addr + reloc->offset);
    uint8_t *place = job->host + reloc->offset;

    switch (reloc->type) {
    case R_64:
        hp_put_le64(place, value);
        return HP_OK;
    case R_GOTPCREL:
    case R_GOTPCRELX:
    case R_REX_GOTPCRELX:
        pc_value += job->got + (uint64_t)symbol->got * 8 - symbol->value;
        /* fall through */
    case R_PC32:
    case R_PLT32:
        if (!hp_reloc_fits(pc_value, INT32_MIN, INT32_MAX)) {
            return hp_reloc_overflow(diag, pc_value, INT32_MIN, INT32_MAX);
        }
        hp_put_le32(place, (uint32_t)pc_value);
        return HP_OK;
    case R_32:
        if (value > UINT32_MAX) {
            return hp_fail_numbers(diag, HP_STAGE_RELOC, HP_RELOC_OVERFLOW, UINT32_MAX, value);
        }
        hp_put_le32(place, (uint32_t)value);
        return HP_OK;
    case R_32S:
        if (!hp_reloc_fits(value, INT32_MIN, INT32_MAX)) {
            return hp_reloc_overflow(diag, value, INT32_MIN, INT32_MAX);
        }
        hp_put_le32(place, (uint32_t)value);
        return HP_OK;
    case R_PC64:
        hp_put_le64(place, pc_value);
        return HP_OK;
    case R_16:
    case R_8:
        return apply_narrow(reloc->type, value, place, diag);
    case R_PC16:
    case R_PC8:
        return apply_narrow(reloc->type, pc_value, place, diag);
    default: /* R_NONE: the checks let no other type pass */
        return HP_OK;
    }
}

static inline bool is_pc32(uint32_t type)
{
    return type == R_PC32 || type == R_PLT32;
}

/*
 * Index of the first entry from `n` on that is not what nearly all entries of a payload are, with
 * nothing wrong: an address or a 32-bit displacement of a known symbol. Those before it are
 * applied. The loop is kept to what can stay in registers.
 */
HP_HOT static uint32_t relocate_plain(const struct hp_reloc_job *job, uint32_t n)
{
    const uint64_t *const values = job->symbols.values;
    const uint8_t *const states = job->symbols.states;
    const uint32_t symbol_count = job->symbol_count;
    uint8_t *const host = job->host;
    const uint64_t addr = job->addr;
    const uint64_t offset_max = job->size - HP_HOWTO_WIDTH_MAX;
    const uint8_t *const end = job->entries + (size_t)job->count * HP_RELA64_SIZE;
    const uint8_t *entry = job->entries + (size_t)n * HP_RELA64_SIZE;

    for (; entry < end; entry += HP_RELA64_SIZE) {
        const struct hp_reloc reloc = hp_rela64(entry);
        uint64_t value;
        uint64_t pc_value;

        /* The null symbol is none that is known. */
        if (reloc.symbol >= symbol_count || reloc.offset > offset_max ||
            states[reloc.symbol] != HP_VALUE_KNOWN) {
            break;
        }
        value = values[reloc.symbol] + (uint64_t)reloc.addend;
        pc_value = value - (addr + reloc.offset);
        if (is_pc32(reloc.type) && pc_value + (UINT64_C(1) << 31) <= UINT32_MAX) {
            hp_put_le32(host + reloc.offset, (uint32_t)pc_value);
        } else if (reloc.type == R_64) {
            hp_put_le64(host + reloc.offset, value);
        } else {
            break;
        }
    }
    return (uint32_t)((size_t)(entry - job->entries) / HP_RELA64_SIZE);
}

/* Whether relocate_plain() may be asked: it checks neither the profile nor the section's size. */
static bool has_plain(const struct hp_reloc_job *job)
{
    return job->size >= HP_HOWTO_WIDTH_MAX && hp_reloc_is_taken(job->profile, R_64) &&
           hp_reloc_is_taken(job->profile, R_PC32) && hp_reloc_is_taken(job->profile, R_PLT32);
}

static enum hp_status relocate(struct hp_reloc_job *job, struct hp_diag *diag)
{
    const bool plain = has_plain(job);
    enum hp_status status = HP_OK;
    uint32_t n = 0;

    while (status == HP_OK && n < job->count) {
        if (plain) {
            n = relocate_plain(job, n);
        }
        if (n < job->count) {
            status = hp_reloc_entry(job, n, howtos, apply_one, diag);
            n++;
        }
    }
    return status;
}

static const uint8_t endbr64[4] = {0xf3, 0x0f, 0x1e, 0xfa};

static bool takes_calls(const uint8_t *code, size_t size)
{
    return size >= sizeof(endbr64) && memcmp(code, endbr64, sizeof(endbr64)) == 0;
}

static size_t landing_pad(const uint8_t *code, size_t size)
{
    /* What a hypervisor writes over an ENDBR64 that must not be a branch target any more. */
    static const uint8_t sealed[4] = {0x66, 0x0f, 0x1f, 0x01};

    if (takes_calls(code, size) ||
        (size >= sizeof(sealed) && memcmp(code, sealed, sizeof(sealed)) == 0)) {
        return sizeof(endbr64);
    }
    return 0;
}

#define JUMP_SIZE 5

static size_t encode_jump(uint8_t *out, uint64_t from, uint64_t to, bool pad, uint64_t *distance)
{
    uint64_t displacement = to - (from + JUMP_SIZE);

    (void)pad; /* nothing signs return addresses, so a landing pad always stays */
    *distance = (int64_t)displacement < 0 ? 0 - displacement : displacement;
    if (!hp_reloc_fits(displacement, INT32_MIN, INT32_MAX)) {
        return 0;
    }
    out[0] = 0xe9;
    hp_put_le32(out + 1, (uint32_t)displacement);
    return JUMP_SIZE;
}

#define ISLAND_SIZE 16

/* An indirect jump, whose speculation INT3 ends, and its pointer, aligned. */
static void encode_island(uint8_t *out, uint64_t to)
{
    static const uint8_t code[8] = {
        0xff, 0x25, 0x02, 0x00, 0x00, 0x00, /* jmp *2(%rip) */
        0xcc, 0xcc,                         /* int3; int3 */
    };

    memcpy(out, code, sizeof(code));
    hp_put_le64(out + sizeof(code), to);
}

static void fill_nops(uint8_t *out, size_t size)
{
    static const uint8_t nops[9][9] = {
        {0x90},
        {0x66, 0x90},
        {0x0f, 0x1f, 0x00},
        {0x0f, 0x1f, 0x40, 0x00},
        {0x0f, 0x1f, 0x44, 0x00, 0x00},
        {0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00},
        {0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00},
        {0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00},
        {0x66, 0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00},
    };

    while (size > 0) {
        size_t n = size < 9 ? size : 9;

        memcpy(out, nops[n - 1], n);
        out += n;
        size -= n;
    }
}

/* Bytes of "0f 1f /0" with its operand, by mod and rm; 0 for those that no assembler pads with. */
static size_t long_nop(const uint8_t *code, size_t size)
{
    static const uint8_t sizes[3][2] = {{3, 0}, {4, 5}, {7, 8}}; /* with and without SIB byte */
    size_t n = 0;

    if (size >= 3 && code[0] == 0x0f && code[1] == 0x1f && (code[2] & 0x38) == 0 &&
        code[2] >> 6 < 3) {
        n = sizes[code[2] >> 6][(code[2] & 7) == 4 ? 1 : 0];
    }
    return n <= size ? n : 0;
}

/* INT3, zeros, and NOPs with any number of operand size and CS prefixes. */
static size_t filler(const uint8_t *code, size_t size)
{
    size_t prefixes = 0;
    size_t n;

    if (size > 0 && (code[0] == 0xcc || code[0] == 0x00)) {
        return 1;
    }
    while (prefixes < size && (code[prefixes] == 0x66 || code[prefixes] == 0x2e)) {
        prefixes++;
    }
    if (prefixes < size && code[prefixes] == 0x90) {
        return prefixes + 1;
    }
    n = long_nop(code + prefixes, size - prefixes);
    return n != 0 ? prefixes + n : 0;
}

const struct hp_arch hp_arch_x86_64 = {
    .name = "x86-64",
    .machine = HP_EM_X86_64,
    .word = 8,
    .insn_min = 1,
    .jump_size = JUMP_SIZE,
    .island_size = ISLAND_SIZE,
    .uses_rel = false,
    .uses_rela = true,
    .early_relocs =
        HP_EARLY_RELOC(R_GOTPCREL) | HP_EARLY_RELOC(R_GOTPCRELX) | HP_EARLY_RELOC(R_REX_GOTPCRELX),
    .reach = INT32_MAX,
    .bug_frames = {8, 16, 24},
    .branches = HP_BRANCHES(x86_64),
    .alternatives = &hp_alternatives_x86_64,
    .howtos = howtos,
    .howto_count = R_COUNT,
    .reloc_names = reloc_names,
    .reloc_name_count = 1,
    .relocate = relocate,
    .landing_pad = landing_pad,
    .takes_calls = takes_calls,
    .encode_jump = encode_jump,
    .encode_island = encode_island,
    .fill_nops = fill_nops,
    .filler = filler,
};
