#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""
Compares what the hotpatch command says about a payload with what binutils say it must be.

    compare.py plan HOTPATCH TARGET PAYLOAD [OPTION...]
    compare.py link HOTPATCH TARGET PAYLOAD [OPTION...]

plan: every write, its old bytes as objdump shows them in the target, its new bytes as the manual of
the processor says and objdump disassembles them. link: every loaded section and every symbol, as
GNU ld links the payload at the same addresses. OPTIONs go to hotpatch. Silent when all is well.
"""

import json
import os
import re
import struct
import subprocess
import sys
import tempfile

from elf64 import SHF_ALLOC, SHF_MERGE, SHT_NOBITS, SHT_RELA, Elf, text_at

RECORD = struct.Struct("<QQQIIB71x")
FUNCS = ".livepatch.funcs"
STT_FILE = 4
GOT_TYPES = (9, 41, 42)  # GOTPCREL, GOTPCRELX, REX_GOTPCRELX
ENDBR64 = bytes.fromhex("f30f1efa")


def run(*command):
    """Output of a command that must succeed without a word on stderr."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if done.returncode or done.stderr:
        sys.exit(f"{' '.join(command)}: status {done.returncode}: {done.stderr.decode()}")
    return done.stdout.decode()


def read_elf(path):
    with open(path, "rb") as file:
        return Elf(file.read())


def loaded(elf):
    """Sections that are loaded, by name."""
    return {s.name: s for s in elf.sections if s.header["flags"] & SHF_ALLOC}


class Report:
    """Collects differences and prints them."""

    def __init__(self, path):
        self.path, self.count = path, 0

    def check(self, what, found, wanted):
        if found != wanted:
            print(f"{os.path.basename(self.path)}: {what}: {found}, must be {wanted}")
            self.count += 1


# ---- plan ----------------------------------------------------------------------------------------

def target_symbols(target):
    """Address and size by name as records write it: plain, or file.c#name for local symbols."""
    found, scope = {}, ""
    for line in run("readelf", "-sW", target).splitlines():
        words = line.split()
        if len(words) < 8 or not words[0].rstrip(":").isdigit():
            continue
        if words[3] == "FILE":
            scope = words[7] + "#"
        else:
            name = (scope if words[4] == "LOCAL" else "") + words[7]
            found[name] = (int(words[1], 16), int(words[2], 0))
    return found


def target_bytes(target, addr, size):
    """Bytes of the target as objdump dumps them."""
    dump = run("objdump", "-s", f"--start-address={addr:#x}", f"--stop-address={addr + size:#x}",
               target)
    rows = re.findall(r"^ [0-9a-f]+ ((?:[0-9a-f]+ )+) ", dump, re.M)
    return bytes.fromhex("".join(rows))


def disassemble(work, code, addr):
    """Instructions of some bytes at an address, one a line."""
    path = os.path.join(work, "code")
    with open(path, "wb") as file:
        file.write(code)
    text = run("objdump", "-D", "-b", "binary", "-m", "i386:x86-64", "--no-show-raw-insn",
               f"--adjust-vma={addr:#x}", path)
    return [" ".join(row.split()) for row in re.findall(r"^ *[0-9a-f]+:\t(.*)$", text, re.M)]


def new_functions(payload, linked):
    """Address in memory of each record's new function, 0 for a NOP: from the relocations."""
    found = {}
    places = loaded(linked)
    for entry in payload.relocs(".rela" + FUNCS):
        if entry.offset % RECORD.size == 8:
            where = payload.symbols[entry.symbol]
            section = places[payload.sections[where.shndx].name]
            found[entry.offset // RECORD.size] = (section.header["addr"] + where.value +
                                                  entry.addend)
    return found


def record_names(payload):
    """The name in each record, by the relocation of its name field."""
    found = {}
    for entry in payload.relocs(".rela" + FUNCS):
        if entry.offset % RECORD.size == 0:
            where = payload.symbols[entry.symbol]
            found[entry.offset // RECORD.size] = text_at(payload.sections[where.shndx].data,
                                                         where.value + entry.addend)
    return found


def wanted_write(target, symbols, name, new_addr, old_addr, new_size):
    """The write that a record must lead to: address, old bytes, new bytes, disassembly."""
    base, _, offset = name.partition("+")
    addr = old_addr or symbols[base][0] + int(offset or "0", 0)
    if not new_addr:
        return addr, target_bytes(target, addr, new_size), None
    if target_bytes(target, addr, 4) == ENDBR64:
        addr += 4
    jump = b"\xe9" + struct.pack("<i", new_addr - (addr + 5))
    return addr, target_bytes(target, addr, 5), jump


def compare_plan(tool, target, path, options, work, report):
    plan = json.loads(run(tool, "plan", "--json", "--target", target, *options, path))
    linked = os.path.join(work, "linked")
    run(tool, "link", "--target", target, *options, "-o", linked, path)
    payload = read_elf(path)
    symbols = target_symbols(target)
    new_addrs = new_functions(payload, read_elf(linked))
    records = list(RECORD.iter_unpack(payload.section(FUNCS).data))
    report.check("number of writes", len(plan["writes"]), len(records))
    for write in plan["writes"]:
        index = write["record"]
        name, new_addr = record_names(payload)[index], new_addrs.get(index, 0)
        addr, old, new = wanted_write(target, symbols, name, new_addr, *records[index][2:4])
        here = int(write["address"], 16)
        code = bytes.fromhex(write["new"])
        report.check(f"record {index}: address", hex(here), hex(addr))
        report.check(f"record {index}: size", (write["size"], len(code)), (len(old), len(old)))
        old_name = name.partition("+")[0]
        report.check(f"record {index}: place", (write["symbol"], write["offset"]),
                     (old_name.rpartition("#")[2], addr - symbols[old_name][0]))
        report.check(f"record {index}: old bytes", write["old"], old.hex())
        text = disassemble(work, code, here)
        if new:
            report.check(f"record {index}: destination", write["destination"], hex(new_addr))
            report.check(f"record {index}: new bytes", code.hex(), new.hex())
            report.check(f"record {index}: disassembly", text, [f"jmp {new_addr:#x}"])
        else:
            report.check(f"record {index}: instructions", {row.split()[0] for row in text} <=
                         {"nop", "nopl", "nopw", "xchg", "data16", "cs"}, True)


# ---- link ----------------------------------------------------------------------------------------

def plain_copy(payload, path, work):
    """A copy whose string sections ld leaves as they are instead of merging their strings."""
    copy = os.path.join(work, "plain.o")
    flags = [f"--set-section-flags={s.name}=alloc,readonly,data" for s in payload.sections
             if s.header["flags"] & SHF_MERGE and s.header["flags"] & SHF_ALLOC]
    run("objcopy", *flags, path, copy)
    return copy


def link_with_ld(payload, path, target, linked, work):
    """The payload as GNU ld links it, each section at the address that it has in `linked`."""
    script = os.path.join(work, "script.ld")
    output = os.path.join(work, "by-ld")
    rows = [f"  {s.name} {s.header['addr']:#x} : {{ *({s.name}) }}" for s in
            sorted(loaded(linked).values(), key=lambda s: s.header["addr"])]
    with open(script, "w", encoding="ascii") as file:
        file.write("\n".join(["SECTIONS", "{", *rows, "  .got.plt : { *(.got.plt) }",
                              "  /DISCARD/ : { *(.comment) *(.note.GNU-stack) }", "}", ""]))
    # Without relaxation: ld would turn loads from the GOT into address computations. The payload
    # stands first, as ld makes its GOT in the first file and takes no section of the target's.
    run("ld", "-static", "--no-relax", "--no-warn-rwx-segments", "-e", "0", "-T", script, "-o",
        output, plain_copy(payload, path, work), f"--just-symbols={target}")
    return read_elf(output)


def slot_of(elf, place, entry):
    """Contents of the GOT slot that the field of a relocation leads to; the table by address."""
    field, = struct.unpack_from("<i", place.data, entry.offset)
    addr = place.header["addr"] + entry.offset + field - entry.addend
    got = elf.section(".got")
    return struct.unpack_from("<Q", got.data, addr - got.header["addr"])[0]


def compare_got(payload, linked, by_ld, report):
    """Compares fields that lead to GOT slots by what is in the slot, then makes them equal."""
    for relocs in payload.sections:
        if relocs.header["type"] != SHT_RELA:
            continue
        name = payload.sections[relocs.header["info"]].name
        for index, entry in enumerate(payload.relocs(relocs.name)):
            if entry.type in GOT_TYPES:
                ours, theirs = linked.section(name), by_ld.section(name)
                report.check(f"{relocs.name} {index}: GOT slot",
                             hex(slot_of(linked, ours, entry)), hex(slot_of(by_ld, theirs, entry)))
                theirs.data[entry.offset:entry.offset + 4] = \
                    ours.data[entry.offset:entry.offset + 4]


def compare_section(name, ours, theirs, report):
    report.check(f"{name}: address", hex(ours.header["addr"]), hex(theirs.header["addr"]))
    report.check(f"{name}: size", ours.header["size"], theirs.header["size"])
    for offset, (found, wanted) in enumerate(zip(ours.data, theirs.data)):
        if found != wanted:
            report.check(f"{name}: byte {offset:#x}", hex(found), hex(wanted))
            return


def compare_link(tool, target, path, options, work, report):
    output = os.path.join(work, "linked")
    run(tool, "link", "--target", target, *options, "-o", output, path)
    payload, linked = read_elf(path), read_elf(output)
    by_ld = link_with_ld(payload, path, target, linked, work)
    compare_got(payload, linked, by_ld, report)
    theirs = loaded(by_ld)
    wanted = {name for name, s in loaded(payload).items() if s.header["size"]}
    report.check("sections", sorted(name for name, s in loaded(linked).items()
                                    if s.header["size"] and name != ".got"), sorted(wanted))
    for name in sorted(wanted):
        ours = linked.section(name)
        if name in theirs and ours.header["type"] != SHT_NOBITS:
            compare_section(name, ours, theirs[name], report)
    # Where the symbol of the table itself lies is each linker's own affair.
    values = {s.text: s.value for s in by_ld.symbols
              if s.shndx and s.text not in ("", "_GLOBAL_OFFSET_TABLE_")}
    for symbol in linked.symbols:
        if symbol.text in values and symbol.info & 15 != STT_FILE:
            report.check(f"symbol {symbol.text}", hex(symbol.value), hex(values[symbol.text]))


def main():
    what, tool, target, path, *options = sys.argv[1:]
    report = Report(path)
    compare = {"plan": compare_plan, "link": compare_link}[what]
    with tempfile.TemporaryDirectory() as work:
        compare(tool, target, path, options, work, report)
    return 1 if report.count else 0


if __name__ == "__main__":
    sys.exit(main())
