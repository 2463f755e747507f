#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Compares the library's relocations, jumps, second trampolines and NOPs with what GNU ld makes and
objdump reads.

usage: compare.py RELOCATE [ARCHITECTURE...]      RELOCATE is the program of relocate.c

For every relocation type that the library supports, fields at thousands of random addresses are
relocated to values at and around every power of two, so at both edges of each type's range and
beyond, and to random ones. The same fields make one object for GNU ld, with the sections at the
same addresses. The bytes must be identical; where ld refuses, so must we, and the other way round.
Differences that are meant stand with their reason in three tables: NOT_IN_LD, types that cannot be
compared; STRICTER, what we refuse although ld takes it; WIDER, the other way round.
"""

import bisect
import collections
import concurrent.futures
import os
import random
import re
import struct
import subprocess
import sys
import tempfile

RELOCATE = os.path.abspath(sys.argv[1])
RANDOM_VALUES = 100
RANDOM_JUMPS = 3000
RANDOM_ISLANDS = 200
SECTIONS = 48  # each at a random address
STRIDE = 24  # bytes from field to field
ROOM = 96  # bytes from the last field to the end of a section
REFUSED_MAX = 100  # cases of a type that are linked alone

NOT_IN_LD = {
    "R_X86_64_NONE": "has no field",
    "R_AARCH64_NONE": "has no field",
    "R_ARM_NONE": "has no field",
    "R_RISCV_NONE": "has no field",
    "R_RISCV_RELAX": "has no field; allows a linker what the library never does",
    "R_ARM_V4BX": "has no field; ld leaves the instruction as it is unless told otherwise",
    "R_AARCH64_PLT32": "unknown to binutils 2.40; the unit test takes its range from aaelf64",
}


def outside(low, high):
    """A condition on values."""
    return lambda row, value: not low <= value <= high


def misaligned(row, value):
    """A condition on values."""
    return value % row.step != 0


LOST_BIT = "ld's bit fields take values of one bit more, which the field does not hold"
TRUNCATED = "ld cuts the value to the field"
CUT_BRANCH = "ld or the processor drops the low bits: the branch goes somewhere else"

# (type, our status): (reason, condition that the value must meet)
STRICTER = {
    ("R_X86_64_16", "reloc-overflow"): (LOST_BIT, outside(-1 << 15, (1 << 16) - 1)),
    ("R_X86_64_8", "reloc-overflow"): (LOST_BIT, outside(-1 << 7, (1 << 8) - 1)),
    ("R_X86_64_PC16", "reloc-overflow"): (LOST_BIT, outside(-1 << 15, (1 << 15) - 1)),
    ("R_AARCH64_CONDBR19", "reloc-align"): (CUT_BRANCH, misaligned),
    ("R_AARCH64_TSTBR14", "reloc-align"): (CUT_BRANCH, misaligned),
    ("R_AARCH64_CALL26", "reloc-align"): (CUT_BRANCH, misaligned),
    ("R_AARCH64_JUMP26", "reloc-align"): (CUT_BRANCH, misaligned),
    ("R_AARCH64_CALL26", "reloc-overflow"): (CUT_BRANCH, misaligned),
    ("R_AARCH64_JUMP26", "reloc-overflow"): (CUT_BRANCH, misaligned),
    ("R_AARCH64_ADR_GOT_PAGE", "reloc-overflow"): (TRUNCATED, outside(-1 << 32, (1 << 32) - 1)),
    **{(f"R_ARM_{name}", status): (CUT_BRANCH, misaligned)
       for name in ("CALL", "JUMP24", "PC24") for status in ("reloc-align", "thumb-code")},
    ("R_ARM_CALL", "reloc-overflow"): (CUT_BRANCH, misaligned),
    ("R_ARM_JUMP24", "reloc-overflow"): (CUT_BRANCH, misaligned),
    ("R_RISCV_CALL", "reloc-align"): (CUT_BRANCH, misaligned),
    ("R_RISCV_CALL_PLT", "reloc-align"): (CUT_BRANCH, misaligned),
    ("R_RISCV_32", "reloc-overflow"): (TRUNCATED, outside(-1 << 31, (1 << 32) - 1)),
    ("R_RISCV_32_PCREL", "reloc-overflow"): (TRUNCATED, outside(-1 << 31, (1 << 31) - 1)),
}

# type: (reason, condition that the value must meet)
WIDER = {
    "R_AARCH64_ABS16": ("aaelf64 allows negative values", outside(0, 1 << 64)),
    "R_AARCH64_ABS32": ("aaelf64 allows negative values", outside(0, 1 << 64)),
}

Type = collections.namedtuple("Type", "name kind step insn")
# kind  abs S + A; prel S + A - P; page Page(S + A) - Page(P); branch prel, with veneers; pair AUIPC
#       and what adds the low part to it; got-* the same of the address of the symbol's GOT slot;
#       got-base that relative to the GOT; base-prel the GOT's address; align NOPs for linkers
# step  values are multiples of it, mostly; others are tried as well


def t(name, kind, step=1, insn=b""):
    """A row of the tables; the instruction as a word or as bytes, none for data."""
    if isinstance(insn, int):
        insn = insn.to_bytes(4, "little")
    return Type(name, kind, step, insn)


X86 = [
    t("R_X86_64_64", "abs"), t("R_X86_64_PC32", "prel"), t("R_X86_64_PLT32", "prel"),
    t("R_X86_64_32", "abs"), t("R_X86_64_32S", "abs"), t("R_X86_64_16", "abs"),
    t("R_X86_64_PC16", "prel"), t("R_X86_64_8", "abs"), t("R_X86_64_PC8", "prel"),
    t("R_X86_64_PC64", "prel"),
    # add, which no linker turns into another instruction: 48 03 05 rel32
    t("R_X86_64_GOTPCREL", "got-prel"), t("R_X86_64_GOTPCRELX", "got-prel"),
    t("R_X86_64_REX_GOTPCRELX", "got-prel"),
]

ARM64 = [
    t("R_AARCH64_ABS64", "abs"), t("R_AARCH64_ABS32", "abs"), t("R_AARCH64_ABS16", "abs"),
    t("R_AARCH64_PREL64", "prel"), t("R_AARCH64_PREL32", "prel"), t("R_AARCH64_PREL16", "prel"),
    *(t(f"R_AARCH64_MOVW_UABS_{g}", "abs", 1, 0xD2800003 | int(g[1]) << 21)
      for g in ("G0", "G0_NC", "G1", "G1_NC", "G2", "G2_NC", "G3")),
    *(t(f"R_AARCH64_MOVW_SABS_{g}", "abs", 1, 0xD2800003 | int(g[1]) << 21)
      for g in ("G0", "G1", "G2")),
    *(t(f"R_AARCH64_MOVW_PREL_{g}", "prel", 1, 0xD2800003 | int(g[1]) << 21)
      for g in ("G0", "G0_NC", "G1", "G1_NC", "G2", "G2_NC", "G3")),
    t("R_AARCH64_LD_PREL_LO19", "prel", 4, 0x58000003),
    t("R_AARCH64_ADR_PREL_LO21", "prel", 1, 0x10000003),
    t("R_AARCH64_ADR_PREL_PG_HI21", "page", 4096, 0x90000003),
    t("R_AARCH64_ADR_PREL_PG_HI21_NC", "page", 4096, 0x90000003),
    t("R_AARCH64_ADD_ABS_LO12_NC", "abs", 1, 0x91000063),
    t("R_AARCH64_LDST8_ABS_LO12_NC", "abs", 1, 0x39400063),
    t("R_AARCH64_LDST16_ABS_LO12_NC", "abs", 2, 0x79400063),
    t("R_AARCH64_LDST32_ABS_LO12_NC", "abs", 4, 0xB9400063),
    t("R_AARCH64_LDST64_ABS_LO12_NC", "abs", 8, 0xF9400063),
    t("R_AARCH64_LDST128_ABS_LO12_NC", "abs", 16, 0x3DC00063),
    t("R_AARCH64_TSTBR14", "prel", 4, 0x36000003),
    t("R_AARCH64_CONDBR19", "prel", 4, 0x54000003),
    t("R_AARCH64_JUMP26", "branch", 4, 0x14000000), t("R_AARCH64_CALL26", "branch", 4, 0x94000000),
    t("R_AARCH64_ADR_GOT_PAGE", "got-page", 8, 0x90000003),
    t("R_AARCH64_LD64_GOT_LO12_NC", "got-abs", 8, 0xF9400063),
]

ARM = [
    t("R_ARM_ABS32", "abs"), t("R_ARM_REL32", "prel"), t("R_ARM_PREL31", "prel"),
    t("R_ARM_PC24", "branch", 4, 0x1A000000), t("R_ARM_CALL", "branch", 4, 0xEB000000),
    t("R_ARM_JUMP24", "branch", 4, 0xEA000000),
    t("R_ARM_MOVW_ABS_NC", "abs", 1, 0xE3003000), t("R_ARM_MOVT_ABS", "abs", 1, 0xE3403000),
    t("R_ARM_MOVW_PREL_NC", "prel", 1, 0xE3003000), t("R_ARM_MOVT_PREL", "prel", 1, 0xE3403000),
    t("R_ARM_GOT_PREL", "got-prel"), t("R_ARM_GOT_BREL", "got-base"),
    t("R_ARM_BASE_PREL", "base-prel"),
]

RISCV = [
    t("R_RISCV_64", "abs"), t("R_RISCV_32", "abs"), t("R_RISCV_32_PCREL", "prel"),
    t("R_RISCV_BRANCH", "prel", 2, 0x00B50063), t("R_RISCV_JAL", "prel", 2, 0x000000EF),
    t("R_RISCV_CALL", "prel", 2, bytes.fromhex("97000000e7800000")),
    t("R_RISCV_CALL_PLT", "prel", 2, bytes.fromhex("97000000e7800000")),
    t("R_RISCV_PCREL_HI20", "prel", 1, 0x00000517),
    t("R_RISCV_PCREL_LO12_I", "pair", 1, bytes.fromhex("1705000013050500")),
    t("R_RISCV_PCREL_LO12_S", "pair", 1, bytes.fromhex("170500002330b500")),
    t("R_RISCV_HI20", "abs", 1, 0x00000537),
    t("R_RISCV_LO12_I", "abs", 1, 0x00050513), t("R_RISCV_LO12_S", "abs", 1, 0x00B53023),
    t("R_RISCV_GOT_HI20", "got-pair", 1, bytes.fromhex("1705000003350500")),
    t("R_RISCV_RVC_BRANCH", "prel", 2, b"\x01\xc5"), t("R_RISCV_RVC_JUMP", "prel", 2, b"\x01\xa0"),
    *(t(f"R_RISCV_{what}{bits}", "abs") for what in ("ADD", "SUB") for bits in (8, 16, 32, 64)),
    *(t(f"R_RISCV_SET{bits}", "abs") for bits in (6, 8, 16, 32)), t("R_RISCV_SUB6", "abs"),
    t("R_RISCV_ALIGN", "align"),
]

Arch = collections.namedtuple("Arch", "name machine bits flags prefix ld types forms insn code")
ARCHES = [
    Arch("x86_64", 62, 64, 0, "x86_64-linux-gnu-", ["-melf_x86_64", "--no-relax"], X86, ("rela",),
         1, "i386:x86-64"),
    Arch("arm64", 183, 64, 0, "aarch64-linux-gnu-", [], ARM64, ("rela",), 4, "aarch64"),
    Arch("arm", 40, 32, 0x05000000, "arm-linux-gnueabihf-", [], ARM, ("rel", "rela"), 4, "arm"),
    Arch("riscv64", 243, 64, 0x5, "riscv64-linux-gnu-", ["--no-relax"], RISCV, ("rela",), 2,
         "riscv:rv64"),
]



class Case:
    """One field: where it is, what is in it, what relocates it, and what became of it."""

    def __init__(self, row, place, value):
        self.row, self.place, self.value = row, place, value
        self.data = self.ld_data = b""  # as we get it, and as ld does
        self.entries = []  # (offset from place, type number, "a", "l" or "n", symbol, addend)
        self.got = "-"
        self.status = self.ours = self.veneer = None

    def line(self):
        """The case in the form that relocate.c reads."""
        words = [f"{self.place:x}", self.data.hex(), self.got, str(len(self.entries))]
        for offset, number, kind, symbol, addend in self.entries:
            words += [f"{offset:x}", str(number), f"{kind}{symbol:x}", f"{addend % 2**64:x}"]
        return " ".join(words)


def relocate(arch, mode, lines):
    """Answers of relocate.c."""
    done = subprocess.run([RELOCATE, str(arch.machine), mode], capture_output=True, text=True,
                          input="".join(f"{line}\n" for line in lines), check=True, timeout=600)
    return [line.split() for line in done.stdout.splitlines()]


def ask(arch, form, cases):
    """Has the library relocate the cases."""
    answers = relocate(arch, form, [case.line() for case in cases])
    assert len(answers) == len(cases)
    for case, answer in zip(cases, answers):
        case.status, case.ours = answer[0], bytes.fromhex(answer[1])
        case.veneer = answer[2:]


# ---- ELF files -----------------------------------------------------------------------------------


def elf_file(arch, kind, sections, symbols):
    """A file with these sections (name, type, flags, address, data, link, info, entsize) and
    symbols (name, value, section index or 0xfff1, global or not), local ones first."""
    wide = arch.bits == 64
    strings, names = bytearray(b"\0"), bytearray(b"\0")
    table = bytearray(24 if wide else 16)
    for name, value, index, is_global in symbols:
        at = len(strings)
        strings += name.encode() + b"\0"
        table += (struct.pack("<IBBHQQ", at, is_global << 4, 0, index, value, 0) if wide else
                  struct.pack("<IIIBBH", at, value, 0, is_global << 4, 0, index))
    count = len(sections) + 1
    local_count = sum(not symbol[3] for symbol in symbols)
    sections = [*sections, (".symtab", 2, 0, 0, bytes(table), count + 1, local_count + 1,
                            24 if wide else 16),
                (".strtab", 3, 0, 0, bytes(strings), 0, 0, 0)]
    for section in [*sections, (".shstrtab",)]:
        names += section[0].encode() + b"\0"
    sections.append((".shstrtab", 3, 0, 0, bytes(names), 0, 0, 0))
    size = 64 if wide else 52
    body, headers, name_at = bytearray(), bytearray(64 if wide else 40), 1
    for name, stype, flags, addr, data, link, info, entsize in sections:
        body += bytes(-len(body) % 16)
        fields = (name_at, stype, flags, addr, size + len(body), len(data), link, info, 1, entsize)
        headers += struct.pack("<IIQQQQIIQQ" if wide else "<IIIIIIIIII", *fields)
        body += data
        name_at += len(name) + 1
    body += bytes(-len(body) % 16)
    ident = b"\x7fELF" + bytes([2 if wide else 1, 1, 1]) + bytes(9)
    header = ident + struct.pack("<HHIQQQIHHHHHH" if wide else "<HHIIIIIHHHHHH", kind, arch.machine,
                                 1, 0, 0, size + len(body), arch.flags, size, 0, 0,
                                 64 if wide else 40, len(sections) + 1, len(sections))
    return header + body + headers


def read_sections(path, wide):
    """Address and contents of the sections of a file, by name."""
    with open(path, "rb") as file:
        data = file.read()
    shoff, = struct.unpack_from("<Q" if wide else "<I", data, 40 if wide else 32)
    entsize, count, shstrndx = struct.unpack_from("<HHH", data, 58 if wide else 46)
    headers = [struct.unpack_from("<IIQQQQ" if wide else "<IIIIII", data, shoff + i * entsize)
               for i in range(count)]
    strings = headers[shstrndx][4]
    return {data[strings + h[0]:data.index(b"\0", strings + h[0])].decode():
            (h[3], data[h[4]:h[4] + h[5]]) for h in headers}


# ---- cases ---------------------------------------------------------------------------------------


def values_of(row, bits, rng, exponents=None):
    """Values at and around every power of two, and random ones."""
    result = {0, 1, -1}
    for k in exponents or range(bits):
        for edge in (1 << k, -(1 << k)):
            result |= {edge, edge - row.step, edge + row.step, edge - 1, edge + 1,
                       edge + row.step // 2}
            if row.kind in ("pair", "got-pair") or row.name in (
                    "R_RISCV_HI20", "R_RISCV_PCREL_HI20", "R_RISCV_CALL", "R_RISCV_CALL_PLT"):
                result |= {edge - 0x800, edge - 0x801, edge - 0x802}  # the low part is signed
    for _ in range(RANDOM_VALUES):
        value = rng.getrandbits(rng.randrange(2, bits)) * rng.choice((1, -1))
        result.add(value // row.step * row.step)
    low, high = -(1 << bits - 1), (1 << bits) if row.kind == "abs" else (1 << bits - 1)
    return sorted(v for v in result if low <= v < high)


def rel_addend(row, value, rng):
    """An addend that a REL field can hold, and the field with it."""
    word = int.from_bytes(row.insn or b"\0\0\0\0", "little")
    if row.name == "R_ARM_PREL31":
        addend = rng.randrange(-1 << 30, 1 << 30)
        return addend, rng.choice((0, 1 << 31)) | addend & 0x7FFFFFFF
    if "MOV" in row.name:
        addend = rng.randrange(-1 << 15, 1 << 15)
        return addend, word | (addend & 0xF000) << 4 | addend & 0xFFF
    if row.kind == "branch":
        # ld decides by the symbol alone whether to make a stub: another addend is for short ones.
        addend = -8 if abs(value) > 1 << 20 else rng.randrange(-1 << 10, 1 << 10) * 4
        return addend, word | addend >> 2 & 0xFFFFFF
    addend = rng.randrange(-1 << 31, 1 << 31)
    return addend, addend & 0xFFFFFFFF


def fill(case, numbers, arch, form, rng):
    """Chooses addend and symbol so that the relocated value is the case's. ld takes Arm's addends
    from the field whatever the form of the entries, so it gets them there, and we in the entry."""
    row, mask = case.row, (1 << arch.bits) - 1
    number, width = numbers[row.name]
    case.data = case.ld_data = row.insn or rng.randbytes(width)
    addend = rng.choice((0, 0, -4, 8, rng.getrandbits(arch.bits - 12) * rng.choice((-1, 1))))
    if "_SUB" in row.name:
        addend = 0  # binutils 2.40 adds what the psABI says to subtract; the unit test has others
    if "rel" in arch.forms:
        addend, word = rel_addend(row, case.value, rng)
        case.ld_data = word.to_bytes(4, "little")
        case.data = case.ld_data if form == "rel" else case.data
        if row.name == "R_ARM_PREL31":  # the bit that the type leaves alone
            case.data = case.data[:3] + bytes([case.data[3] & 0x7F | case.ld_data[3] & 0x80])
    value = case.value
    if row.kind in ("prel", "branch", "pair"):
        value += case.place
    elif row.kind == "page":
        value += case.place & ~0xFFF
    symbol = (value - addend) & mask
    if row.kind == "pair":
        case.entries = [(0, numbers["R_RISCV_PCREL_HI20"][0], "a", symbol, addend),
                        (4, number, "l", 0, rng.choice((0, 0, 0, 4, -4, 0x7F0)))]
    else:
        case.entries = [(0, number, "a", symbol, addend)]


def make_starts(arch, rng):
    """Random addresses, far enough from each other and from both ends."""
    top = (1 << arch.bits) - (1 << 22)
    starts = []
    while len(starts) < SECTIONS:
        start = rng.getrandbits(rng.randrange(24, arch.bits + 1)) & ~0xFFF
        if rng.random() < 0.3:  # where hypervisors live
            start = ((1 << arch.bits) - rng.getrandbits(40 if arch.bits == 64 else 30)) & ~0xFFF
        at = bisect.bisect(starts, start)
        near = starts[max(at - 1, 0):at + 1]
        if 0x100000 <= start < top and all(abs(start - other) > 1 << 20 for other in near):
            starts.insert(at, start)
    return starts


def make_cases(arch, form, numbers, rng):
    """All cases that need no GOT, in groups with an address each."""
    groups = [(start, []) for start in make_starts(arch, rng)]
    for row in arch.types:
        if row.kind not in ("abs", "prel", "page", "branch", "pair"):
            continue
        for value in values_of(row, arch.bits, rng):
            start, cases = rng.choice(groups)
            place = start + len(cases) * STRIDE + rng.randrange(8) // arch.insn * arch.insn
            if row.kind == "branch" and arch.bits == 32 and not 0 <= place + value < 1 << 32:
                continue  # ld does not know that 32-bit addresses wrap
            case = Case(row, place, value)
            fill(case, numbers, arch, form, rng)
            cases.append(case)
    return groups


# ---- GNU ld --------------------------------------------------------------------------------------


def make_object(arch, groups, path):
    """The cases as one object, a section for each group."""
    wide, rela = arch.bits == 64, "rel" not in arch.forms
    # ld crashes when a branch goes to a local symbol that is absolute, so theirs are global.
    global_index = 1 + sum(case.row.kind != "branch" for _, cases in groups for case in cases
                           for _ in case.entries)
    symbols, global_symbols, sections = [], [], []
    for number, (start, cases) in enumerate(groups):
        data = bytearray(cases[-1].place - start + ROOM if cases else 0)
        entries = bytearray()
        for case in cases:
            base = case.place - start
            data[base:base + len(case.ld_data)] = case.ld_data
            for offset, rtype, kind, symbol, addend in case.entries:
                if case.row.kind == "branch":
                    index = global_index + len(global_symbols)
                    global_symbols.append((f"g{index}", symbol, 0xFFF1, True))
                elif kind == "n":
                    index = 0
                else:
                    index = len(symbols) + 1
                    symbols.append((f"s{index}", symbol, 0xFFF1, False) if kind == "a" else
                                   (f"s{index}", base + symbol, 2 * number + 1, False))
                entries += (struct.pack("<QIIQ", base + offset, rtype, index, addend % 2**64)
                            if wide else
                            struct.pack("<II", base + offset, index << 8 | rtype))
        sections.append((f".s{number}", 1, 6, 0, bytes(data), 0, 0, 0))
        sections.append((f".rel.s{number}", 4 if rela else 9, 0, 0, bytes(entries),
                         2 * len(groups) + 1, 2 * number + 1, 24 if wide else 8))
    with open(path, "wb") as file:
        file.write(elf_file(arch, 1, sections, symbols + global_symbols))


def run_ld(arch, groups, path, got=None):
    """Links; returns the sections, and the complaints by group and offset."""
    make_object(arch, groups, path)
    with open(path + ".ld", "w", encoding="ascii") as file:
        file.write("SECTIONS {\n")
        for number, (start, _) in enumerate(groups):
            file.write(f".s{number} {start:#x} : {{ *(.s{number}) }}\n")
        if got is not None:
            file.write(f".got {got:#x} : {{ *(.got) *(.got.plt) }}\n")
        file.write("}\n")
    out = path + ".out"
    done = subprocess.run(
        [arch.prefix + "ld", *arch.ld, "--noinhibit-exec", "--no-check-sections", "--verbose",
         "-nostdlib", "-static", "-e", "0", "-T", path + ".ld", "-o", out, path],
        capture_output=True, text=True, check=False, timeout=300)
    place = re.compile(r"(?:^|:)\(\.s(\d+)\+0x([0-9a-f]+)\): ", re.MULTILINE)
    complaints = {(int(group), int(offset, 16)) for group, offset in place.findall(done.stderr)}
    if done.returncode < 0 or not os.path.exists(out):
        raise SystemExit(f"{arch.prefix}ld: status {done.returncode}\n{done.stderr[-2000:]}")
    sections = read_sections(out, arch.bits == 64)
    os.remove(out)
    return sections, complaints


# ---- comparison ----------------------------------------------------------------------------------


class Result:
    """What was found, and whether it is what was meant."""

    def __init__(self, arch):
        self.arch, self.passed, self.failures = arch, 0, []
        self.seen = collections.Counter()
        self.used = set()  # rows of STRICTER and WIDER
        self.branches = []  # (case) that go through a veneer

    def fail(self, case, why):
        """Notes a difference; a type is shown with its first few."""
        self.seen[case.row.name, "failed"] += 1
        if self.seen[case.row.name, "failed"] <= 3:
            self.failures.append(
                f"{self.arch.name} {case.row.name}: value {case.value:#x} at {case.place:#x}, "
                f"before {case.data.hex()}: {why}")

    def compare(self, case, theirs, refused):
        """Judges a case by what ld made of the field."""
        row = case.row
        self.seen[row.name, "ok" if case.status == "ok" else "refused"] += 1
        if case.status == "ok" and row.kind == "branch" and self.through_veneer(case):
            self.branches.append(case)
            return
        if case.status != "ok" and not refused:
            key = (row.name, case.status)
            if key not in STRICTER or not STRICTER[key][1](row, case.value):
                self.fail(case, f"we refuse ({case.status}), ld makes {theirs.hex()}")
                return
            self.used.add(key)
        elif case.status == "ok" and refused:
            if row.name not in WIDER or not WIDER[row.name][1](row, case.value):
                self.fail(case, f"ld refuses, we make {case.ours.hex()}")
                return
            self.used.add(row.name)
        elif case.status == "ok" and theirs != case.ours:
            self.fail(case, f"ld makes {theirs.hex()}, we make {case.ours.hex()}")
            return
        self.passed += 1

    def through_veneer(self, case):
        """Whether the branch is out of reach, and so has to go through a veneer."""
        reach = 1 << (25 if self.arch.bits == 32 else 27)
        return not -reach <= case.value < reach


def compare_groups(result, groups, path, got=None):
    """Links the groups and compares every case of them."""
    sections, complaints = run_ld(result.arch, groups, path, got)
    for number, (start, cases) in enumerate(groups):
        if not cases:
            continue
        addr, data = sections[f".s{number}"]
        assert addr == start
        for case in cases:
            at = case.place - start
            result.compare(case, data[at:at + len(case.data)],
                           any((number, at + entry[0]) in complaints for entry in case.entries))


def set_alone(arch, groups, rng):
    """The groups as ld can judge them. RISC-V's ld ends with the first error in a section. So what
    we refuse gets sections of its own there: of each type the cases closest to what we take, and
    some others."""
    if arch.name != "riscv64":
        return groups
    refused, taken = collections.defaultdict(list), collections.defaultdict(list)
    for _, cases in groups:
        for case in cases:
            (taken if case.status == "ok" else refused)[case.row.name].append(case)
    alone = []
    for name, cases in refused.items():
        values = sorted(case.value for case in taken[name])
        cases.sort(key=lambda case: min(abs(case.value - values[0]), abs(case.value - values[-1])))
        alone += cases[:REFUSED_MAX // 2]
        alone += rng.sample(cases[REFUSED_MAX // 2:],
                            min(REFUSED_MAX // 2, len(cases[REFUSED_MAX // 2:])))
    return ([(start, [case for case in cases if case.status == "ok"]) for start, cases in groups] +
            [(case.place, [case]) for case in alone])


# ---- the GOT -------------------------------------------------------------------------------------


def got_case(row, numbers, arch, form, rng, slots, got):
    """Cases of a type, one for each value, each with a symbol of its own whose slot is known from
    an earlier run; places are chosen so that the value comes out."""
    exponents = (11, 12, 20, 21, 28, 30, 31, 32, 33) if arch.bits == 64 else range(31)
    values = values_of(row, arch.bits, random.Random(row.name), exponents)
    for number, value in enumerate(values):
        symbol = rng.getrandbits(arch.bits - 1) | 1 << arch.bits - 2
        slot = slots.get((row.name, number), got)
        addend = 0
        case = Case(row, 0, value)
        case.data = case.ld_data = row.insn or rng.randbytes(numbers[row.name][1])
        if arch.bits == 32:
            addend, word = rel_addend(row, case.value, rng)
            case.ld_data = word.to_bytes(4, "little")
            case.data = case.ld_data if form == "rel" else case.data
        elif row.kind == "got-prel":
            addend = rng.choice((0, -4, -8))
        if row.kind == "base-prel":
            symbol, slot = got, got
        if row.kind == "got-page":
            case.place = (slot & ~0xFFF) - (value & ~0xFFF) + rng.randrange(1024) * 4
        elif row.kind in ("got-abs", "got-base"):
            case.place = 0x200000 + number * 0x1000
        else:
            case.place = slot + addend - value
        if arch.bits == 32:
            case.place %= 1 << 32
        if (case.place % arch.insn or not 0x10000 <= case.place < (1 << arch.bits) - 0x10000 or
                slot - got >= 1 << 24):
            case.place = 0x100000  # too near to an end of the address space: any other value
        case.entries = [(0, numbers[row.name][0], "a", symbol, addend)]
        if row.kind == "got-pair":
            case.entries.append((4, numbers["R_RISCV_PCREL_LO12_I"][0], "l", 0, 0))
        case.got = f"{got:x}:{(slot - got) // (arch.bits // 8):x}"
        yield (row.name, number), case


def compare_got(result, numbers, form, rng, path):
    """Links all types that need a GOT, twice: to learn where the slots are, then with each field
    at the place that makes the distance what is wanted."""
    arch = result.arch
    got = rng.choice((0x40000000, 0x80001000, 0xC0000000) if arch.bits == 32 else
                     (0x7_0000_1000, 0x4321_8765_4000, 0xFFFF_8000_1234_5000))
    rows = [row for row in arch.types if row.kind.startswith("got") or row.kind == "base-prel"]
    seed = rng.random()

    def make(slots):
        again = random.Random(seed)
        return {key: case for row in rows
                for key, case in got_case(row, numbers, arch, form, again, slots, got)}

    cases = make({})
    sections, _ = run_ld(arch, [(case.place, [case]) for case in cases.values()], path, got)
    addr, data = sections[".got"]
    assert addr == got
    size = arch.bits // 8
    where = {int.from_bytes(data[at:at + size], "little"): got + at
             for at in range(0, len(data), size)}
    slots = {key: where[case.entries[0][3]] for key, case in cases.items()
             if case.row.kind != "base-prel"}
    cases = make(slots)
    ask(arch, form, list(cases.values()))
    compare_groups(result, [(case.place, [case]) for case in cases.values()], path, got)


# ---- padding for linkers -------------------------------------------------------------------------


def compare_align(result, numbers, rng, path):
    """R_RISCV_ALIGN: taken where ld, too, leaves all the NOPs, refused where it removes some."""
    cases = []
    (row,) = [row for row in result.arch.types if row.kind == "align"]
    for power in range(2, 7):
        nops = (1 << power) - 2
        for residue in range(0, 1 << power, 2):
            case = Case(row, (rng.getrandbits(40) + 0x100000 & ~0xFFF) + residue, nops)
            case.data = case.ld_data = b"\x01\0" * (nops // 2) + b"\x82\x80\x82\x80"
            case.entries = [(0, numbers[row.name][0], "n", 0, nops)]
            cases.append(case)
    ask(result.arch, "rela", cases)
    sections, _ = run_ld(result.arch, [(case.place, [case]) for case in cases], path)
    for number, case in enumerate(cases):
        # What ld leaves is the data, and the bytes that make_object() puts behind the last case.
        theirs = sections[f".s{number}"][1]
        whole = len(theirs) == ROOM
        result.seen[row.name, "ok" if case.status == "ok" else "refused"] += 1
        if whole != (case.status == "ok") or case.status not in ("ok", "reloc-relax"):
            result.fail(case, f"{case.status}, ld keeps {len(theirs)} bytes")
        elif whole and theirs[:len(case.data)] != case.ours:
            result.fail(case, f"ld makes {theirs.hex()}, we make {case.ours.hex()}")
        else:
            result.passed += 1


# ---- objdump -------------------------------------------------------------------------------------


def disassemble(arch, pieces, path):
    """The instructions of (address, bytes) pieces, as objdump reads them: a list for each."""
    sections = [(f".s{number}", 1, 6, addr, data, 0, 0, 0)
                for number, (addr, data) in enumerate(pieces)]
    with open(path, "wb") as file:
        file.write(elf_file(arch, 2, sections, []))
    done = subprocess.run(
        [arch.prefix + "objdump", "-dz", "--no-show-raw-insn", "-m", arch.code, path],
        capture_output=True, text=True, check=True, timeout=300)
    read = [[] for _ in pieces]
    number = None
    for line in done.stdout.splitlines():
        header = re.match(r"Disassembly of section \.s(\d+):", line)
        if header:
            number = int(header.group(1))
        elif number is not None and (found := re.match(r" *([0-9a-f]+):\t(.*)", line)):
            text = re.sub(r" <[^>]*>", "", found.group(2))
            read[number].append((int(found.group(1), 16), " ".join(text.split())))
    return read


def number_at_end(text):
    """The address that an instruction's text ends with."""
    return int(re.search(r"(?:0x)?([0-9a-f]+)$", text).group(1), 16)


def check_jump(arch, start, to, pad, read):
    """Whether the instructions are a jump from one place to another, behind a landing pad."""
    texts = [text for _, text in read]
    if pad and arch.name == "arm64":
        if texts.pop(0) != "bti c":
            return False
    if len(texts) == 2 and arch.name == "riscv64":  # the register must be one that calls may use
        return (re.fullmatch(r"auipc t1,0x[0-9a-f]+", texts[0]) is not None and
                re.fullmatch(r"jr (-?\d+\(t1\)|t1) # (0x)?[0-9a-f]+", texts[1]) is not None and
                number_at_end(texts[1]) == to)
    word = {"x86_64": "jmp", "riscv64": "j"}.get(arch.name, "b")
    return len(texts) == 1 and texts[0].split()[0] == word and number_at_end(texts[0]) == to


def reachable(arch, start, to, pad):
    """Whether the architecture's manual lets a jump reach: (lowest, highest) displacement."""
    low, high, bias = {"x86_64": (-1 << 31, (1 << 31) - 1, 5),
                       "arm64": (-1 << 27, (1 << 27) - 4, 4 * pad),
                       "arm": (-1 << 25, (1 << 25) - 4, 8),
                       "riscv64": (-0x80000800, 0x7FFFF7FF, 0)}[arch.name]
    distance = to - start - bias
    if arch.bits == 32:
        distance = (distance + (1 << 31)) % (1 << 32) - (1 << 31)
    return low <= distance <= high, abs(distance)


def compare_jumps(result, rng, path):
    """Jumps between thousands of pairs of addresses, at the edges of their reach and beyond."""
    arch = result.arch
    pairs = []
    edges = [s * (1 << k) + d for k in (20, 25, 27, 31) for s in (1, -1)
             for d in (-0x802, -0x800, -0x7FE, -12, -8, *range(-5, 6), 8, 12)]
    edges = sorted({edge // arch.insn * arch.insn for edge in edges})
    limit = {"x86_64": 32, "arm64": 28, "arm": 26, "riscv64": 32}[arch.name]
    for number in range(RANDOM_JUMPS + 4 * len(edges)):
        start = rng.getrandbits(arch.bits - 2) + (1 << arch.bits - 3) & ~(arch.insn - 1)
        distance = rng.getrandbits(rng.randrange(4, limit)) * rng.choice((1, -1))
        distance = (edges[number % len(edges)] if number < 4 * len(edges) else
                    distance & ~(arch.insn - 1))
        pad = arch.name == "arm64" and rng.random() < 0.5
        pairs.append((start, (start + distance) % (1 << arch.bits), pad))
    answers = relocate(arch, "jumps", [f"{start:x} {to:x} {pad:d}" for start, to, pad in pairs])
    made = []
    for (start, to, pad), answer in zip(pairs, answers):
        reaches, distance = reachable(arch, start, to, pad)
        result.seen["jump", "ok" if len(answer) == 2 else "refused"] += 1
        if reaches != (len(answer) == 2) or int(answer[0], 16) != distance:
            result.failures.append(f"{arch.name} jump {start:#x} to {to:#x}: {answer}")
        elif reaches:
            made.append((start, to, pad, bytes.fromhex(answer[1])))
        else:
            result.passed += 1
    texts = disassemble(arch, [(start, data) for start, _, _, data in made], path)
    for (start, to, pad, _), read in zip(made, texts):
        if check_jump(arch, start, to, pad, read):
            result.passed += 1
        else:
            result.failures.append(f"{arch.name} jump {start:#x} to {to:#x} reads {read}")


def compare_islands(result, rng, path):
    """Second trampolines: code that goes on to the address which stands in it, aligned."""
    arch = result.arch
    word = arch.bits // 8
    cases = [(rng.getrandbits(arch.bits - 1) & ~(word - 1),
              rng.getrandbits(arch.bits) & ~(arch.insn - 1)) for _ in range(RANDOM_ISLANDS)]
    made = [bytes.fromhex(answer[0])
            for answer in relocate(arch, "islands", [f"{to:x}" for _, to in cases])]
    read = disassemble(arch, [(addr, code[:-word]) for (addr, _), code in zip(cases, made)], path)
    for (addr, to), code, lines in zip(cases, made, read):
        at = addr + len(code) - word
        wanted = {"x86_64": [f"jmp *0x2(%rip) # {at:x}", "int3", "int3"],
                  "arm64": [f"ldr x16, {at:x}", "br x16"],
                  "arm": [f"ldr pc, [pc, #-4] @ {at:x}"],
                  "riscv64": ["auipc t1,0x0", f"ld t1,16(t1) # {at:x}", "jr t1", "ebreak"],
                  }[arch.name]
        # Versions of objdump differ in "0x" and in the sign of a comment.
        texts = [re.sub(r"(ldr x16, |[@#] )0x(?=[0-9a-f]+$)", r"\1", text.replace(";", "@"))
                 for _, text in lines]
        if (texts == wanted and len(code) % word == 0 and
                int.from_bytes(code[-word:], "little") == to):
            result.passed += 1
        else:
            result.failures.append(f"{arch.name} second trampoline {code.hex()} reads {lines}")


def compare_nops(result, path):
    """NOPs of every size: no other instruction, and none more than needed."""
    arch = result.arch
    runs = [bytes.fromhex(line[0]) for line in relocate(arch, "nops", [])]
    texts = disassemble(arch, [(0x1000, run) for run in runs], path)
    longest = 9 if arch.name == "x86_64" else 4
    for run, read in zip(runs, texts):
        plain = all(re.match(r"nop\b|nopw\b|nopl\b|xchg %ax,%ax|cs nopw", text) for _, text in read)
        if plain and len(read) == -(-len(run) // longest):
            result.passed += 1
        else:
            result.failures.append(f"{arch.name} NOPs {run.hex()} read {read}")


def compare_veneers(result, path):
    """Branches out of reach: to the veneer, and from it to where they were meant to go."""
    arch = result.arch
    pieces = []
    for case in result.branches:
        addr, code = int(case.veneer[0], 16), bytes.fromhex(case.veneer[1])
        pieces += [(case.place, case.ours), (addr, code[:4] if arch.bits == 32 else code[:8])]
    read = disassemble(arch, pieces, path)
    for number, case in enumerate(result.branches):
        (_, branch), *_ = read[2 * number]
        addr, code = pieces[2 * number + 1][0], bytes.fromhex(case.veneer[1])
        texts = [text for _, text in read[2 * number + 1]]
        (_, _, _, symbol, addend), = case.entries
        if arch.name == "arm64":
            wanted = [f"ldr x16, 0x{addr + 8:x}", "br x16"]
            dest = symbol + addend
        else:
            wanted = [f"ldr pc, [pc, #-4] @ 0x{addr + 4:x}"]
            dest = symbol + addend + 8
        # Versions of objdump differ in "0x" and in the sign of a comment.
        texts = [re.sub(r"(ldr x16, |@ )(0x)?", r"\g<1>0x", text.replace(";", "@"))
                 for text in texts]
        if (number_at_end(branch) == addr and texts == wanted and
                int.from_bytes(code[len(code) // 2:], "little") == dest % (1 << arch.bits)):
            result.passed += 1
        else:
            result.fail(case, f"goes by {branch}, {texts}")


# ---- all of it -----------------------------------------------------------------------------------


def run(arch, form, seed, folder):
    """All comparisons of an architecture with one form of relocation sections."""
    rng = random.Random(seed)
    path = os.path.join(folder, f"{arch.name}-{form}.o")
    result = Result(arch)
    numbers = {name: (int(number), int(width))
               for number, name, width in relocate(arch, "types", [])}
    rows = {row.name for row in arch.types}
    for name in sorted(set(numbers) ^ rows ^ (set(numbers) & set(NOT_IN_LD))):
        result.failures.append(f"{arch.name}: {name} is in one table only")
    groups = make_cases(arch, form, numbers, rng)
    ask(arch, form, [case for _, cases in groups for case in cases])
    compare_groups(result, set_alone(arch, groups, rng), path)
    compare_got(result, numbers, form, rng, path)
    if arch.name == "riscv64":
        compare_align(result, numbers, rng, path)
    if result.branches:
        compare_veneers(result, path)
    if form == arch.forms[0]:
        compare_jumps(result, rng, path)
        compare_islands(result, rng, path)
        compare_nops(result, path)
    for name in rows:
        if result.seen[name, "ok"] == 0:
            result.failures.append(f"{arch.name}: {name} was never applied")
    return result


def main():
    wanted = [arch for arch in ARCHES if arch.name in sys.argv[2:] or len(sys.argv) == 2]
    seed = os.environ.get("HOTPATCH_SEED", "1")
    with tempfile.TemporaryDirectory() as folder, \
            concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = [pool.submit(run, arch, form, f"{seed} {arch.name} {form}", folder)
                for arch in wanted for form in arch.forms]
        results = [job.result() for job in jobs]
    failures = [failure for result in results for failure in result.failures]
    if len(wanted) == len(ARCHES):  # a row that no case needs is out of date
        used = set().union(*(result.used for result in results))
        failures += [f"{row}: no case needs this row"
                     for row in [*STRICTER, *WIDER] if row not in used]
    for failure in failures:
        print("FAIL", failure)
    if "-v" in sys.argv:
        for result in results:
            for key, count in sorted(result.seen.items()):
                print(result.arch.name, *key, count)
    print(f"{sum(result.passed for result in results)} passed, {len(failures)} failed")
    return 1 if failures else 0


sys.exit(main())
