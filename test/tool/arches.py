#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Checks the hotpatch command on the payloads that arches.sh made for every architecture.

usage: arches.py HOTPATCH, in the folder with the files
"""

import json
import re
import subprocess
import sys

HOTPATCH = sys.argv[1]

# name: triplet, machine as inspect calls it, a base in reach, one out of it and the limit there
ARCHES = {
    "x86_64": ("x86_64-linux-gnu", "x86-64", 0xFFFFFFFF80400000, None, 0),
    "x86_64-ibt": ("x86_64-linux-gnu", "x86-64", 0xFFFFFFFF80400000, None, 0),
    "arm64": ("aarch64-linux-gnu", "aarch64", 0xA0004000000, 0xA0010000000, (1 << 27) - 8),
    "arm64-bti": ("aarch64-linux-gnu", "aarch64", 0xA0004000000, 0xA0010000000, (1 << 27) - 8),
    "arm": ("arm-linux-gnueabihf", "arm", 0x61000000, 0x70000000, (1 << 25) - 8),
    "riscv64": ("riscv64-linux-gnu", "riscv", 0x90000000, None, 0),
}
# The jump instruction, as objdump shows it.
JUMPS = {"x86-64": "jmp", "aarch64": "b", "arm": "b", "riscv": "jr"}

failures = []
passed = 0


def equal(name, got, want):
    """Counts one check."""
    global passed
    if got == want:
        passed += 1
    else:
        failures.append(name)
        print(f"FAIL {name}\n  got  {got!r}\n  want {want!r}")


def run(*args):
    """Runs the tool: exit status, output, error output."""
    done = subprocess.run([HOTPATCH, *args], capture_output=True, check=False, timeout=120,
                          text=True)
    return done.returncode, done.stdout, done.stderr


def output_of(*command):
    """Output of another program."""
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout


def symbols_of(triplet, path):
    """Addresses of the symbols of a file."""
    return {fields[7]: int(fields[1], 16)
            for fields in map(str.split, output_of(f"{triplet}-readelf", "-sW", path).splitlines())
            if len(fields) == 8 and fields[0][:-1].isdigit()}


def sections_of(triplet, path):
    """Addresses and sizes of the loaded sections of a file."""
    found = re.findall(r"^ *\[ *\d+\] (\S+) +(?!NOBITS)\S+ +([0-9a-f]+) [0-9a-f]+ ([0-9a-f]+) \S+ +"
                       r"[WXMSILOGTCx]*A", output_of(f"{triplet}-readelf", "-SW", path), re.M)
    return {name: (int(addr, 16), int(size, 16)) for name, addr, size in found}


def contents(triplet, path, section):
    """Bytes of a section."""
    subprocess.run([f"{triplet}-objcopy", "-O", "binary", f"--only-section={section}", path, "raw"],
                   check=True)
    with open("raw", "rb") as file:
        return file.read()


def disassemble(triplet, path, addr, code):
    """How objdump reads bytes that are written into an image at an address."""
    with open("code", "wb") as file:
        file.write(code)
    subprocess.run([f"{triplet}-objcopy", "-I", "binary", "-O",
                    re.search(r"file format (\S+)", output_of(f"{triplet}-objdump", "-f", path))[1],
                    "--set-section-flags=.data=alloc,code,load",
                    f"--change-section-address=.data={addr:#x}", "code", "code.o"], check=True)
    machine = ["-m", "i386:x86-64"] if triplet.startswith("x86") else []
    text = output_of(f"{triplet}-objdump", "-d", "--no-show-raw-insn", *machine, "code.o")
    lines = [re.sub(r" <[^>]*>", "", line)
             for line in re.findall(r"^ *[0-9a-f]+:\t(.*)$", text, re.M)]
    return [" ".join(line.split()) for line in lines]


def check_inspect(name, triplet, machine):
    """inspect names the machine, the records and every relocation type."""
    status, out, err = run("inspect", "--json", f"{name}.payload")
    value = json.loads(out)
    equal(f"{name}: inspect", (status, err, value["machine"], value["class"]),
          (0, "", machine, 32 if machine == "arm" else 64))
    equal(f"{name}: records",
          [(r["target"], r["kind"], r["new_function"]) for r in value["records"]],
          [("greeting", "replace", "new_greeting"), ("padded+8", "nop", None)])
    counts, section = {}, None
    for line in output_of(f"{triplet}-readelf", "-rW", f"{name}.payload").splitlines():
        fields = line.split()
        if line.startswith("Relocation section"):
            section = re.sub(r"^\.rela?", "", fields[2].strip("'"))
        elif len(fields) > 2 and fields[2].startswith("R_"):
            counts[section, fields[2]] = counts.get((section, fields[2]), 0) + 1
    equal(f"{name}: relocations",
          {(entry["section"], entry["type"]): entry["count"] for entry in value["relocations"]},
          counts)


def check_plan(name, triplet, machine, base):
    """plan's bytes are a jump to the new function and NOPs, by objdump's word."""
    target, payload = f"{name}.target", f"{name}.payload"
    symbols = symbols_of(triplet, target)
    status, out, err = run("plan", "--json", "--target", target, "--base", hex(base), payload)
    equal(f"{name}: plan", (status, err), (0, ""))
    jump, nop = json.loads(out)["writes"]
    pad = 4 if name == "x86_64-ibt" else 0
    addr, dest = int(jump["address"], 16), int(jump["destination"], 16)
    equal(f"{name}: place of the jump",
          (addr, jump["symbol"], jump["landing_pad"], jump["destination_symbol"], base <= dest),
          (symbols["greeting"] + pad, "greeting", pad, "new_greeting", True))
    texts = disassemble(triplet, target, addr, bytes.fromhex(jump["new"]))
    equal(f"{name}: jump {texts}", (texts[-1].split()[0],
                                    int(re.search(r"(?:0x)?([0-9a-f]+)$", texts[-1])[1], 16)),
          (JUMPS[machine], dest))
    equal(f"{name}: place of the NOPs", (int(nop["address"], 16), nop["size"]),
          (symbols["padded"] + 8, 4))
    texts = disassemble(triplet, target, int(nop["address"], 16), bytes.fromhex(nop["new"]))
    equal(f"{name}: NOPs {texts}", all(text.startswith("nop") for text in texts), True)
    status, out, err = run("plan", "--target", target, payload)
    equal(f"{name}: plan as text", (status, out.count("\n    jmp new_greeting (0x"),
                                    out.count("\n    nop (4 bytes)\n"), err), (0, 1, 1, ""))


def check_link(name, triplet, base):
    """link makes, section by section, what GNU ld makes at the same addresses."""
    target, payload = f"{name}.target", f"{name}.payload"
    equal(f"{name}: link", run("link", "--target", target, "--base", hex(base), "-o", "linked",
                               payload), (0, "", ""))
    ours = sections_of(triplet, "linked")
    own = sections_of(triplet, payload)
    with open("script.ld", "w", encoding="ascii") as script:
        script.write("SECTIONS {\n")
        for section in own:
            script.write(f"{section} {ours[section][0]:#x} : {{ *({section}) }}\n"
                         if own[section][1] else "")
        bss = re.search(r"\] \.bss +NOBITS +([0-9a-f]+)",
                        output_of(f"{triplet}-readelf", "-SW", "linked"))
        script.write(f".bss 0x{bss[1]} : {{ *(.bss) }}\n/DISCARD/ : {{ *(.comment .ARM.*) }}\n}}\n")
    relax = [] if triplet.startswith(("arm", "aarch64")) else ["--no-relax"]
    subprocess.run([f"{triplet}-ld", "-static", *relax, "--no-warn-rwx-segments", "-e", "0", "-T",
                    "script.ld", "-o", "by-ld", payload, f"--just-symbols={target}"], check=True)
    for section, (_, size) in own.items():
        if size and section != ".note.gnu.build-id":
            equal(f"{name}: {section} as GNU ld links it",
                  contents(triplet, "linked", section).hex(),
                  contents(triplet, "by-ld", section).hex())


def check_base(name, far, limit):
    """A base out of reach: the message gives distance and limit."""
    status, out, err = run("validate", "--target", f"{name}.target", "--base", hex(far),
                           f"{name}.payload")
    found = re.search(r"refused: patch-reach: .*?(\d+|0x[0-9a-f]+)\D+?(\d+|0x[0-9a-f]+)", out)
    equal(f"{name}: out of reach ({out.strip()})", (status, found is not None, err), (1, True, ""))
    if found:
        numbers = {int(number, 0) for number in re.findall(r"\b(?:0x[0-9a-f]+|\d+)\b", out)}
        equal(f"{name}: limit {limit:#x} and distance ({out.strip()})",
              (limit in numbers, any(limit < number for number in numbers)), (True, True))


def main():
    for name, (triplet, machine, base, far, limit) in ARCHES.items():
        target, payload = f"{name}.target", f"{name}.payload"
        check_inspect(name, triplet, machine)
        equal(f"{name}: validate", run("validate", "--target", target, payload),
              (0, f"{payload}: accepted\n", ""))
        for other, (_, its_machine, *_) in ARCHES.items():
            if its_machine != machine:
                status, out, _ = run("validate", "--target", f"{other}.target", payload)
                equal(f"{name}: for {other}", (status, out.split(": ")[1:3]),
                      (1, ["refused", "elf-machine"]))
        check_plan(name, triplet, machine, base)
        check_link(name, triplet, base)
        if far is not None:
            check_base(name, far, limit)
    status, out, _ = run("validate", "--target", "thumb.target", "thumb.payload")
    equal("Thumb", (status, out.split(": ")[1:3], "-marm" in out),
          (1, ["refused", "thumb-code"], True))
    status, out, _ = run("validate", "--target", "relaxed.target", "relaxed.payload")
    equal("relaxed", (status, out.split(": ")[1:3], "-mno-relax" in out),
          (1, ["refused", "reloc-relax"], True))
    print(f"{passed} passed, {len(failures)} failed")
    return 1 if failures else 0


sys.exit(main())
