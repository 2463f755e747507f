#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Checks what the hotpatch command prints, writes and exits with, on the files that run.sh made.

usage: check.py HOTPATCH, in the folder with the files
"""

import json
import os
import pty
import re
import stat
import struct
import subprocess
import sys

HOTPATCH = sys.argv[1]
TARGET = ["--target", "target"]
BASE = 0xFFFF82D040300000
UNCHECKED = "not checked without --target: target build-id, symbols, code bytes"

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


def run(*args, stdin=b"", env=None):
    """Runs the tool; returns exit status, output and error output, with bytes that are not UTF-8
    kept visible."""
    done = subprocess.run([HOTPATCH, *args], input=stdin, capture_output=True, check=False,
                          timeout=120, env=None if env is None else {**os.environ, **env})
    return (done.returncode, done.stdout.decode(errors="backslashreplace"),
            done.stderr.decode(errors="backslashreplace"))


def output_of(*command):
    """Output of another program."""
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout


def write_file(name, data):
    with open(name, "wb") as file:
        file.write(data)
    return name


def read_file(name):
    with open(name, "rb") as file:
        return file.read()


def symbols_of(path):
    """Symbol table of an ELF file by name: (address, type, bind, section)."""
    table = {}
    for line in output_of("readelf", "-sW", path).splitlines():
        fields = line.split()
        if len(fields) == 8 and fields[0][:-1].isdigit():
            table[fields[7]] = (int(fields[1], 16), fields[3], fields[4], fields[6])
    return table


def sections_of(path):
    """Section headers of an ELF file by name: (type, address, offset, size, flags)."""
    table = {}
    for line in output_of("readelf", "-SW", path).splitlines():
        found = re.match(r"\s*\[ *\d+\] (\S+) +(\S+) +(\S+) (\S+) (\S+) \S+ +([A-Z]*) ", line)
        if found:
            name, kind, *numbers, flags = found.groups()
            table[name] = (kind, *(int(n, 16) for n in numbers), flags)
    return table


def loads_of(path):
    """Loadable segments: (address, bytes in the file, bytes in memory, flags)."""
    result = []
    for line in output_of("readelf", "-lW", path).splitlines():
        fields = line.split()
        if fields[:1] == ["LOAD"]:
            result.append((int(fields[2], 16), int(fields[4], 16), int(fields[5], 16),
                           "".join(fields[6:-1])))
    return result


def check_usage():
    for args in ([], ["--nonsense"], ["frobnicate"], ["validate"], ["inspect"],
                 ["inspect", "first", "second"], ["inspect", "first", *TARGET],
                 ["plan", "first"], ["plan", *TARGET, "first", "second"],
                 ["link", *TARGET, "first"], ["link", "-o", "x", "first"],
                 ["link", *TARGET, "--json", "-o", "x", "first"],
                 ["validate", "--base", "12z", "first"], ["validate", "--base", "-1", "first"],
                 ["validate", "--base", "0x", "first"], ["validate", "--base", "", "first"],
                 ["validate", "--base", "0x10000000000000000", "first"],
                 ["validate", "--profile", "xen-0", "first"], ["validate", "--target"]):
        status, out, err = run(*args)
        equal(f"usage {args}", (status, out, err.startswith("hotpatch: ") or HOTPATCH in err),
              (2, "", True))
    for args in (["--help"], ["validate", "--help"], ["--help", "plan"], ["link", "--help"]):
        status, out, err = run(*args)
        equal(f"help {args}", (status, out.startswith("Usage: hotpatch "), err), (0, True, ""))
    equal("version", run("--version")[0:3:2], (0, ""))
    equal("version line", bool(re.fullmatch(r"hotpatch \d+\.\d+\.\d+\n", run("--version")[1])),
          True)


def check_validate():
    equal("no target", run("validate", "first", "kinds"),
          (0, f"first: accepted ({UNCHECKED})\nkinds: accepted ({UNCHECKED})\n", ""))
    equal("accepted", run("validate", *TARGET, "first"), (0, "first: accepted\n", ""))
    equal("options last", run("validate", "first", *TARGET), (0, "first: accepted\n", ""))
    equal("options first", run(*TARGET, "validate", "first"), (0, "first: accepted\n", ""))
    equal("options in between", run("validate", "first", *TARGET, "kinds")[1].count("accepted"), 2)
    equal("after --", run("validate", *TARGET, "--", "first"), (0, "first: accepted\n", ""))
    equal("only GNU getopt reorders", run("validate", "first", *TARGET,
                                          env={"POSIXLY_CORRECT": "1"}),
          (0, "first: accepted\n", ""))
    equal("standard input", run("validate", *TARGET, "-", stdin=read_file("first")),
          (0, "-: accepted\n", ""))
    equal("rewritten at boot", run("validate", *TARGET, "kinds"),
          (0, "kinds: accepted (not decidable offline: 1 expectation, 1 write)\n", ""))
    equal("filler", run("validate", *TARGET, "--filler", "refused-FILLER"),
          (0, "refused-FILLER: accepted\n", ""))
    equal("same compiler", run("validate", "--target", "target-same-compiler", "--same-compiler",
                               "first"), (0, "first: accepted\n", ""))
    for target, reason in (("target-other-compiler", "compiler-differs: "),
                           ("target", "compiler-unknown: ")):
        status, out, err = run("validate", "--target", target, "--same-compiler", "first")
        equal("other compiler", (status, out.startswith("first: refused: " + reason), err),
              (1, True, ""))
        equal("compiler not asked for", run("validate", "--target", target, "first"),
              (0, "first: accepted\n", ""))
    equal("profile", run("validate", *TARGET, "--profile", "hotpatch", "first"),
          (0, "first: accepted\n", ""))
    status, out, err = run("validate", *TARGET, "--profile", "xen-4.17", "first")
    equal("stricter profile", (status, out.startswith("first: refused: reloc-type: "), err),
          (1, True, ""))
    status, out, err = run("validate", *TARGET, "--base", "0x1000", "first")
    equal("base out of reach", (status, out.startswith("first: refused: reloc-overflow: "), err),
          (1, True, ""))


def check_refusals():
    first = read_file("first")
    note = first.index(b"GNU\0", first.index(b"GNU\0") + 4)
    xen_depends = first.index(b"GNU\0", note + 4) + 4
    wrong = bytearray(first)
    wrong[xen_depends] ^= 1
    write_file("other-build", bytes(wrong))
    write_file("truncated", first[:-1])
    write_file("empty", b"")
    write_file("text", b"#!/bin/sh\n" * 20)
    write_file("trailing", first + b"\0")
    with open("huge", "wb") as file:
        file.truncate((64 << 20) + 4096)
    for name, status in (("refused-UNDEFINED", "symbol-undefined"),
                         ("refused-EXPECTATION", "expect-mismatch"),
                         ("refused-SMALL", "record-old-size"),
                         ("refused-MISSING", "record-target"),
                         ("refused-SPLICE", "splice-old-target"),
                         ("refused-FILLER", "record-old-size"),
                         ("other-build", "target-build-id"), ("truncated", "elf-truncated"),
                         ("empty", "file-empty"), ("text", "elf-magic"),
                         ("trailing", "trailing-bytes"), ("huge", "file-too-large")):
        code, out, err = run("validate", *TARGET, name)
        equal(f"refusal {name}", (code, out.startswith(f"{name}: refused: {status}: "),
                                  out.count("\n"), err), (1, True, 1, ""))
    equal("signed", run("validate", *TARGET, write_file(
        "signed", first + b"~Module signature appended~\n" + bytes([1, 4, 1, 0, 4]) + bytes(5) +
        bytes([1, 0]) + bytes(260))),
          (0, "signed: accepted (signature not verified)\n", ""))
    code, out, _ = run("validate", *TARGET, "empty", "first", "text")
    equal("each file is judged", (code, [line.split(": ")[1] for line in out.splitlines()]),
          (1, ["refused", "accepted", "refused"]))


def check_unreadable():
    missing = "hotpatch: missing: No such file or directory\n"
    equal("missing file", run("validate", *TARGET, "missing"), (2, "", missing))
    code, out, err = run("validate", *TARGET, "empty", "missing", "first", "/")
    equal("the others are judged", (code, out.count("refused"), out.count("accepted"), err),
          (2, 1, 1, missing + "hotpatch: /: Is a directory\n"))
    equal("missing file, JSON", run("validate", "--json", "missing"), (2, "", missing))
    for command in ("inspect", "plan", "link"):
        args = [] if command == "inspect" else TARGET
        args = [*args, "-o", "never"] if command == "link" else args
        equal(f"{command} a missing file", run(command, *args, "missing"), (2, "", missing))
    equal("missing --after", run("validate", "--after", "missing", "first"), (2, "", missing))
    equal("missing target", run("validate", "--target", "missing", "first")[0:2], (2, ""))
    equal("no ELF target", run("validate", "--target", "text", "first")[0:2], (2, ""))
    code, out, err = run("validate", "a\nb\x1b\\")
    equal("file names are escaped", (code, out, err),
          (2, "", "hotpatch: a\\x0ab\\x1b\\x5c: No such file or directory\n"))
    if os.path.exists("/dev/full"):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([HOTPATCH, "validate", "first"], stdout=full,
                                  stderr=subprocess.PIPE, check=False)
        equal("verdict cannot be written", (done.returncode, done.stderr.decode()),
              (2, "hotpatch: standard output: No space left on device\n"))


def check_stack():
    after = [*TARGET, "--after", "first"]
    code, out, _ = run("validate", *TARGET, "second")
    equal("without what it stacks on", (code, out.split(": ")[2]), (1, "symbol-undefined"))
    equal("on top", run("validate", *after, "second"), (0, "second: accepted\n", ""))
    code, out, _ = run("validate", *after, "kinds")
    equal("does not stack", (code, out.split(": ")[2]), (1, "depends-build-id"))
    code, out, _ = run("validate", *after, "first")
    equal("the same again", (code, out.split(": ")[2]), (1, "build-id-exists"))
    code, out, err = run("validate", *TARGET, "--after", "second", "first")
    equal("a refused --after",
          (code, out, err.startswith("hotpatch: --after second: refused: symbol-undefined: ")),
          (1, "", True))
    equal("the stack without a target", run("validate", "--after", "first", "second"),
          (0, f"second: accepted ({UNCHECKED})\n", ""))


def check_json():
    keys = ["file", "verdict", "status", "errno", "stage", "section", "relocation", "symbol",
            "record", "offset", "message"]

    def verdict(*args):
        code, out, err = run("validate", "--json", *args)
        values = [json.loads(line) for line in out.splitlines()]
        equal(f"JSON keys {args}", ([list(v) for v in values], err), ([keys] * len(values), ""))
        return code, values

    def refused(name, **want):
        code, (value,) = verdict(*TARGET, name)
        got = {key: value[key] for key in keys[3:10] if value[key] is not None}
        equal(f"JSON {name}",
              (code, value["file"], value["verdict"], {"status": value["status"], **got}),
              (1, name, "refused", want))
        equal(f"JSON message {name}", isinstance(value["message"], str), True)

    nothing = dict.fromkeys(keys[3:])
    code, values = verdict(*TARGET, "first", "kinds")
    equal("JSON accepted", (code, values[0]),
          (0, {"file": "first", "verdict": "accepted", "status": "ok", **nothing}))
    equal("JSON undecided", values[1]["message"],
          "not decidable offline: 1 expectation, 1 write")
    equal("JSON no target", verdict("first")[1][0]["message"], UNCHECKED)
    refused("empty", status="file-empty", errno="EINVAL", stage="elf")
    refused("other-build", status="target-build-id", errno="EINVAL", stage="identity",
            section=".livepatch.xen_depends")
    refused("refused-UNDEFINED", status="symbol-undefined", errno="ENOENT", stage="symbols",
            symbol="nobody_has_this")
    refused("refused-MISSING", status="record-target", errno="ENOENT", stage="records", record=0,
            symbol="no_such\\x0afunction", section=".livepatch.funcs")
    refused("refused-SMALL", status="record-old-size", errno="EINVAL", stage="records", record=1,
            symbol="too_small", section=".livepatch.funcs")
    refused("refused-SPLICE", status="splice-old-target", errno="EINVAL", stage="plan", record=0,
            symbol="hypercall_table+8*2", section=".hotpatch.splices")
    refused("refused-EXPECTATION", status="expect-mismatch", errno="EINVAL", stage="plan", record=0,
            symbol="greeting", offset=1)
    code, (value,) = verdict(*TARGET, "--profile", "xen-4.17", "first")
    equal("JSON relocation", (value["stage"], value["section"], value["errno"],
                              type(value["relocation"]), type(value["offset"])),
          ("reloc", ".rela.text", "EOPNOTSUPP", int, int))
    name = os.fsdecode(b"caf\xc3\xa9\xff\xe2\x80\xae\"\\")
    write_file(name, b"")
    code, (value,) = verdict(name)
    equal("JSON file name", value["file"], "caf\u00e9\\xff\\xe2\\x80\\xae\"\\x5c")


def jump(addr, dest):
    return (b"\xe9" + struct.pack("<i", dest - addr - 5)).hex()


def check_plan():
    symbols = symbols_of("target")
    greeting, guarded = symbols["greeting"][0], symbols["guarded"][0]
    patched = symbols["boot_patched"][0]
    at_base = [*TARGET, "--base", hex(BASE)]

    def writes(*args):
        code, out, err = run("plan", "--json", *args)
        equal(f"plan {args}", (code, err, out.count("\n")), (0, "", 1))
        return json.loads(out)

    plan = writes(*at_base, "first")
    (write,) = plan["writes"]
    dest = int(write["destination"], 16)
    equal("plan of a jump", (plan["file"], plan["undecided"], write), ("first", None, {
        "section": ".livepatch.funcs",
        "record": 0, "address": hex(greeting), "symbol": "greeting", "offset": 0, "size": 5,
        "old": "488d05f90f", "new": jump(greeting, dest), "kind": "jmp",
        "destination": write["destination"], "destination_symbol": "new_greeting",
        "destination_offset": 0, "second_trampoline": None, "landing_pad": 0,
        "uncertain": False}))
    equal("base is used", BASE <= dest < BASE + 0x1000, True)

    plan = writes(*TARGET, "kinds")
    nop, pad, boot = plan["writes"]
    equal("plan of a NOP", nop, {
        "section": ".livepatch.funcs",
        "record": 0, "address": hex(greeting + 7), "symbol": "greeting", "offset": 7, "size": 8,
        "old": "0f1f840044332211", "new": "0f1f840000000000", "kind": "nop", "destination": None,
        "destination_symbol": None, "destination_offset": None, "second_trampoline": None,
        "landing_pad": 0, "uncertain": False})
    equal("plan behind a landing pad",
          (pad["address"], pad["symbol"], pad["offset"], pad["landing_pad"], pad["old"],
           pad["new"], pad["destination_symbol"]),
          (hex(guarded + 4), "guarded", 4, 4, "b807000000",
           jump(guarded + 4, int(pad["destination"], 16)), "new_guarded"))
    equal("plan of uncertain bytes", (boot["address"], boot["uncertain"], plan["undecided"]),
          (hex(patched), True, "not decidable offline: 1 expectation, 1 write"))

    first = writes(*TARGET, "first")["writes"][0]
    upper, answer = writes(*TARGET, "--after", "first", "second")["writes"]
    equal("plan on top of a payload", (upper["symbol"], upper["old"], upper["destination_symbol"]),
          ("greeting", first["new"], "newer_greeting"))
    equal("plan inside a payload", (answer["symbol"], answer["offset"],
                                    answer["destination_symbol"]),
          ("shared_answer", 0, "new_answer"))

    code, out, err = run("plan", *TARGET, "kinds")
    equal("plan as text", (code, out.splitlines()[0], err),
          (0, "kinds: 3 writes (not decidable offline: 1 expectation, 1 write)", ""))
    equal("text of a NOP", f"""
  {greeting + 7:#x} greeting+0x7
    old  0f 1f 84 00 44 33 22 11
    new  0f 1f 84 00 00 00 00 00
    nop (8 bytes)
""" in out, True)
    for part in (f"\n  {guarded + 4:#x} guarded+0x4\n", "\n    jmp new_guarded (0xffff82d0",
                 "\n    landing pad of 4 bytes in front kept\n",
                 "\n    uncertain: the target rewrites some of these bytes at boot\n"):
        equal(f"text of {part!r}", out.count(part), 1)
    for option in ([], ["--json"]):
        code, out, err = run("plan", *option, *TARGET, "refused-EXPECTATION")
        equal(f"plan of a refused payload {option}",
              (code, out, err.startswith("refused-EXPECTATION: refused: expect-mismatch: ")),
              (1, "", True))


def branch(opcode, addr, dest):
    return (opcode + struct.pack("<i", dest - addr - len(opcode) - 4)).hex()


def check_splices():
    symbols = symbols_of("target")
    place, table = symbols["dispatcher"][0], symbols["hypercall_table"][0]
    old, message = symbols["print"][0], symbols["message"][0]
    code, out, err = run("plan", "--json", *TARGET, "splices")
    equal("plan of splices", (code, err), (0, ""))
    plan = json.loads(out)["writes"]
    new = int(plan[0]["destination"], 16)
    to_new = {"destination": hex(new), "destination_symbol": "new_print", "destination_offset": 0}
    nowhere = dict.fromkeys(to_new)

    def write(record, addr, symbol, kind, before, after, dest):
        return {"section": ".hotpatch.splices", "record": record, "address": hex(addr),
                "symbol": symbol[0], "offset": symbol[1], "size": len(before) // 2, "old": before,
                "new": after, "kind": kind, **dest, "second_trampoline": None, "landing_pad": 0,
                "uncertain": False}

    equal("plan of splices", plan, [
        write(0, place, ("dispatcher", 0), "call", branch(b"\xe8", place, old),
              branch(b"\xe8", place, new), to_new),
        write(1, place + 5, ("dispatcher", 5), "jump", branch(b"\x0f\x84", place + 5, old),
              branch(b"\x0f\x84", place + 5, new), to_new),
        write(2, place + 11, ("dispatcher", 11), "jump", branch(b"\xe9", place + 11, old),
              branch(b"\xe9", place + 11, new), to_new),
        write(3, table + 8, ("hypercall_table", 8), "pointer", struct.pack("<Q", old).hex(),
              struct.pack("<Q", new).hex(), to_new),
        write(4, message, ("message", 0), "bytes", b"old".hex(), b"new".hex(), nowhere)])
    out = run("plan", *TARGET, "splices")[1]
    equal("plan of splices as text", out.splitlines()[0], "splices: 5 writes")
    for part in (f"\n  {table + 8:#x} hypercall_table+0x8\n",
                 f"\n    call new_print ({new:#x}), was print ({old:#x})\n",
                 f"\n    jump new_print ({new:#x}), was print ({old:#x})\n",
                 f"\n    pointer -> new_print ({new:#x}), was print ({old:#x})\n",
                 "\n    bytes (3 bytes)\n"):
        equal(f"text of {part!r}", out.count(part), 2 if "jump" in part else 1)
    value = json.loads(run("inspect", "--json", "splices")[1])
    equal("inspect splices", [value["splices"][n] for n in (0, 3, 4)], [
        {"place": "dispatcher", "address": None, "kind": "call", "old_target": "print",
         "new_target": "new_print", "new_target_offset": 0, "old": None, "new": None},
        {"place": "hypercall_table+8*1", "address": None, "kind": "pointer",
         "old_target": "print", "new_target": "new_print", "new_target_offset": 0, "old": None,
         "new": None},
        {"place": "message", "address": None, "kind": "bytes", "old_target": None,
         "new_target": None, "new_target_offset": None, "old": b"old".hex(),
         "new": b"new".hex()}])
    equal("inspect without records", value["records"], [])
    out = run("inspect", "splices")[1]
    for part in ("\nsplices\n  0   dispatcher: call, print to new_print\n",
                 "\n  3   hypercall_table+8*1: pointer, print to new_print\n",
                 "\n  4   message: bytes, 6f 6c 64 to 6e 65 77\n"):
        equal(f"inspect splices {part!r}", part in out, True)
    status, out, _ = run("validate", *TARGET, "--profile", "xen-4.17", "splices")
    equal("splices for Xen", (status, out.split(": ")[2]), (1, "special-unsupported"))


def check_inspect():
    code, out, err = run("inspect", "--json", "first")
    value = json.loads(out)
    build_id = re.search(r"Build ID: ([0-9a-f]+)", output_of("readelf", "-n", "target")).group(1)
    equal("inspect", (code, err, value["status"], value["message"]), (0, "", "ok", None))
    equal("inspect header", (value["class"], value["machine"], value["osabi"],
                             value["signature"], value["trailing_bytes"]),
          (64, "x86-64", "NONE", False, 0))
    equal("inspect build-ids", (len(value["build_id"]), value["depends"], value["xen_depends"]),
          (40, build_id, build_id))
    equal("inspect records", value["records"], [{
        "target": "greeting", "old_addr": None, "kind": "replace", "new_function": "new_greeting",
        "old_size": 16, "new_size": 0, "version": 2, "expect": "488d"}])
    equal("inspect hooks", value["hooks"], [{"kind": "load", "function": "on_load"},
                                            {"kind": "preapply", "function": "before_apply"}])
    equal("inspect provides", sorted(value["provides"]), ["calls", "shared_answer"])
    equal("inspect needs", sorted((need["name"], need["weak"]) for need in value["needs"]),
          [("message", False), ("nobody_has_this", True), ("print", False)])
    equal("inspect metadata", value["metadata"],
          [{"key": "author", "value": "J\u00fcrgen \\x5c \\x1b[31m\\xff"},
           {"key": "bare", "value": ""}])
    listed = output_of("readelf", "-rW", "first")
    counts = {}
    for line in listed.splitlines():
        fields = line.split()
        if line.startswith("Relocation section"):
            section = fields[2].strip("'").removeprefix(".rela")
        elif len(fields) > 2 and fields[2].startswith("R_"):
            counts[section, fields[2]] = counts.get((section, fields[2]), 0) + 1
    equal("inspect relocations",
          {(entry["section"], entry["type"]): entry["count"] for entry in value["relocations"]},
          counts)
    sections = {section["name"]: section for section in value["sections"]}
    equal("inspect sections", sorted(sections), sorted(set(sections_of("first")) - {"NULL"}))
    equal("inspect regions", [sections[name]["region"] for name in
                              (".text", ".bss", ".livepatch.funcs", ".modinfo", ".symtab")],
          ["text", "data", "data", "rodata", None])
    equal("inspect flags", (sections[".text"]["flags"], sections[".bss"]["type"]), ("AX", "NOBITS"))

    code, out, err = run("inspect", "first")
    equal("inspect as text", (code, err), (0, ""))
    for part in (f"\ndepends      {build_id}\n", "\nsignature    none\n",
                 "\nrecords\n  0   greeting: replace by new_greeting, old_size 16, new_size 0, "
                 "version 2, expects 48 8d\n", "\n  preapply   before_apply\n",
                 "\n  nobody_has_this (weak)\n",
                 "\nmetadata\n  author=J\u00fcrgen \\x5c \\x1b[31m\\xff\n"):
        equal(f"inspect text {part!r}", out.count(part), 1)
    nop = json.loads(run("inspect", "--json", "kinds")[1])["records"][0]
    equal("inspect a NOP", (nop["target"], nop["kind"], nop["new_function"], nop["new_size"]),
          ("greeting+7", "nop", None, 8))

    broken = bytearray(read_file("first"))
    broken[broken.index(b"new_greeting\0")] = 0x1B  # still loads
    at = sections_of("first")[".livepatch.funcs"][2]
    broken[at + 32] = 9  # version
    write_file("broken", bytes(broken))
    code, out, err = run("inspect", "broken")
    equal("inspect what does not load",
          (code, "\nrecords\n" in out, "\nprovides (every global symbol)\n" in out,
           "\n  \\x1bew_greeting\n" in out, err.startswith("broken: refused: record-version: ")),
          (1, False, True, True, True))
    code, out, err = run("inspect", "--json", "broken")
    value = json.loads(out)
    equal("inspect what does not load, JSON",
          (code, value["status"], "records" in value, len(value["sections"]), err.count("\n")),
          (1, "record-version", False, len(sections), 1))
    code, out, err = run("inspect", "text")
    equal("inspect no ELF file", (code, out, err.startswith("text: refused: elf-magic: ")),
          (1, "", True))
    value = json.loads(run("inspect", "--json", "text")[1])
    equal("inspect no ELF file, JSON", (list(value), value["status"], value["message"] in err),
          (["file", "status", "message"], "elf-magic", True))
    equal("inspect a signed file",
          (json.loads(run("inspect", "--json", "signed")[1])["signature"],
           "\nsignature    present, not verified (300 bytes follow the ELF file)\n" in
           run("inspect", "signed")[1]), (True, True))


def check_far():
    """Functions beyond the reach of their jumps: through a second trampoline where the target has
    such, else refused."""
    symbols = symbols_of("islands")
    guarded, base = symbols["guarded"][0], symbols["greeting"][0] + (1 << 32)
    code, out, err = run("plan", "--json", "--target", "islands", "far")
    equal("plan out of reach", (code, err), (0, ""))
    (write,) = json.loads(out)["writes"]
    dest, island = int(write["destination"], 16), int(write["second_trampoline"], 16)
    equal("plan out of reach", (int(write["address"], 16), write["destination_symbol"],
                                base <= dest < base + 0x1000, write["new"]),
          (guarded + 4, "far_answer", True, jump(guarded + 4, island)))
    equal("plan out of reach is near", abs(island - guarded) < 1 << 31, True)
    code, out, err = run("plan", "--target", "islands", "far")
    equal("plan out of reach as text",
          f"\n    jmp second trampoline ({island:#x}) -> far_answer ({dest:#x})\n" in out, True)
    code, out, err = run("plan", "--json", "--target", "islands", "--base", hex(BASE), "far")
    equal("plan within reach", (code, json.loads(out)["writes"][0]["second_trampoline"]), (0, None))

    far = ["--target", "target", "--base", hex(base)]
    for command in ("plan", "validate"):
        code, out, err = run(command, *far, "far-refused")
        equal(f"{command}: no second trampolines", (code, "patch-reach" in out + err), (1, True))
    code, out, err = run("validate", "--target", "islands", "far")
    equal("validate out of reach", (code, err), (0, ""))


def check_link():
    target = symbols_of("target")
    code, out, err = run("link", *TARGET, "--base", hex(BASE), "-o", "first.elf", "first")
    equal("link", (code, out, err), (0, "", ""))
    header = output_of("readelf", "-hW", "first.elf")
    equal("link header", ("EXEC (Executable file)" in header, "X86-64" in header), (True, True))
    sections = sections_of("first.elf")
    image = read_file("first.elf")
    symbols = symbols_of("first.elf")
    text = sections[".text"]
    equal("link starts at the base", text[1], BASE)
    equal("link sections", [sections[name][0::4] for name in
                            (".text", ".bss", ".modinfo", ".livepatch.funcs", ".got",
                             ".note.gnu.build-id")],
          [("PROGBITS", "AX"), ("NOBITS", "WA"), ("PROGBITS", "A"), ("PROGBITS", "WA"),
           ("PROGBITS", "A"), ("NOTE", "A")])
    loads = loads_of("first.elf")
    equal("link segments", [flags for *_, flags in loads], ["RE", "RW", "R"])
    equal("link leaves .bss out of the file", loads[1][1] < loads[1][2], True)
    for name, (kind, addr, _, size, flags) in sections.items():
        if "A" in flags:
            inside = [load for load in loads
                      if load[0] <= addr and addr + size <= load[0] + load[2] and
                      ("X" in flags, "W" in flags) == ("E" in load[3], "W" in load[3])]
            equal(f"link {name} lies in its segment", (kind, len(inside)), (kind, 1))

    equal("link takes symbols from the target",
          [symbols[name] for name in ("print", "message")],
          [(target["print"][0], "FUNC", "GLOBAL", "ABS"),
           (target["message"][0], "OBJECT", "GLOBAL", "ABS")])
    equal("link leaves what nobody provides", symbols["nobody_has_this"][0::3], (0, "UND"))
    got = sections[".got"]
    slots = struct.unpack_from(f"<{got[3] // 8}Q", image, got[2])
    equal("link fills the GOT", sorted(slots),
          sorted([0, target["message"][0], symbols["calls"][0]]))
    hooks = sections[".livepatch.hooks.load"]
    equal("link relocates pointers", struct.unpack_from("<Q", image, hooks[2]),
          (symbols["on_load"][0],))
    code = output_of("objdump", "-d", "--no-show-raw-insn", "first.elf")
    equal("objdump names the call", len(re.findall(rf"call +{target['print'][0]:x} <print>", code)),
          1)
    equal("objdump names the functions",
          re.findall(r"^[0-9a-f]+ <(\w+)>:$", code, re.M).count("new_greeting"), 1)
    check_link_against_ld("first", "first.elf", (  # ld orders GOT slots in its own way: no .text
        ".livepatch.funcs", ".livepatch.hooks.load", ".livepatch.hooks.preapply", ".modinfo"))

    code, out, err = run("link", *TARGET, "--after", "first", "-o", "second.elf", "second")
    upper = symbols_of("second.elf")
    lower = json.loads(run("plan", "--json", *TARGET, "--after", "first", "second")[1])
    equal("link takes symbols from a payload", (code, upper["shared_answer"][0::3]),
          (0, (int(lower["writes"][1]["address"], 16), "ABS")))
    check_link_against_ld("second", "second.elf", (".text", ".livepatch.funcs"))
    check_link_files()


def check_link_against_ld(payload, linked, names):
    """GNU ld, told the same addresses, must make the same bytes of these sections."""
    ours = sections_of(linked)
    places = "\n".join(f"{name} {value[1]:#x} : {{ *({name}) }}"
                       for name, value in ours.items() if "A" in value[4])
    absolutes = "\n".join(f"{name} = {value[0]:#x};" for name, value in symbols_of(linked).items()
                          if value[3] == "ABS" and value[1] != "FILE")
    write_file("ld.script", f"""{absolutes}
SECTIONS {{
{places}
.got.plt : {{ *(.got.plt) }}
/DISCARD/ : {{ *(.comment) *(.note.GNU-stack) }}
}}""".encode())
    subprocess.run(["ld", "-static", "--no-relax", "--build-id=none", "--no-warn-rwx-segments",
                    "-e", "0", "-T", "ld.script", "-o", "by-ld.elf", payload], check=True)
    theirs = sections_of("by-ld.elf")
    for name in names:
        equal(f"ld makes the same {name} of {payload}",
              read_file(linked)[ours[name][2]:ours[name][2] + ours[name][3]],
              read_file("by-ld.elf")[theirs[name][2]:theirs[name][2] + theirs[name][3]])


def check_link_files():
    files = set(os.listdir("."))
    code, out, err = run("link", *TARGET, "-o", "refused.elf", "refused-UNDEFINED")
    equal("link of a refused payload",
          (code, out, err.startswith("refused-UNDEFINED: refused: symbol-undefined: ")),
          (1, "", True))
    equal("link into a missing folder", run("link", *TARGET, "-o", "no/where", "first"),
          (2, "", "hotpatch: no/where: No such file or directory\n"))
    equal("link over a device", run("link", *TARGET, "-o", "/dev/null", "first"),
          (2, "", "hotpatch: /dev/null: not a regular file\n"))
    equal("link leaves nothing behind", set(os.listdir(".")), files)
    umask = os.umask(0o027)
    equal("link replaces a file", run("link", *TARGET, "-o", "first.elf", "first")[0], 0)
    os.umask(umask)
    equal("link honours the umask", stat.S_IMODE(os.stat("first.elf").st_mode), 0o640)
    before = read_file("first.elf")
    run("link", *TARGET, "-o", "first.elf", "first")
    equal("link is reproducible", read_file("first.elf"), before)


def on_terminal(env, *args):
    """Output of the tool on a terminal."""
    leader, follower = pty.openpty()
    process = subprocess.Popen([HOTPATCH, *args], stdin=subprocess.DEVNULL, stdout=follower,
                               stderr=follower, env={**os.environ, "TERM": "xterm", **env})
    os.close(follower)
    out = b""
    while True:
        try:
            chunk = os.read(leader, 4096)
        except OSError:  # how Linux says that the other side is closed
            break
        if not chunk:
            break
        out += chunk
    os.close(leader)
    process.wait(timeout=120)
    return out.decode().replace("\r\n", "\n")


def check_colour():
    os.environ.pop("NO_COLOR", None)
    green, red, plain = "\033[32m", "\033[31m", "\033[0m"
    equal("green on a terminal", on_terminal({}, "validate", *TARGET, "first"),
          f"first: {green}accepted{plain}\n")
    equal("red on a terminal",
          on_terminal({}, "validate", "empty").startswith(f"empty: {red}refused{plain}: file-"), True)
    equal("NO_COLOR", on_terminal({"NO_COLOR": "1"}, "validate", *TARGET, "first"),
          "first: accepted\n")
    equal("empty NO_COLOR", on_terminal({"NO_COLOR": ""}, "validate", *TARGET, "first"),
          f"first: {green}accepted{plain}\n")
    equal("no colour in JSON", "\033" in on_terminal({}, "validate", "--json", "first"), False)


def main():
    for check in (check_usage, check_validate, check_refusals, check_unreadable, check_stack,
                  check_json, check_plan, check_splices, check_inspect, check_far, check_link,
                  check_colour):
        check()
    print(f"{passed} passed, {len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
