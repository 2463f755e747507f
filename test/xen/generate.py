# SPDX-License-Identifier: BSD-2-Clause
"""
Generates valid payloads for a real Xen: copies of its own functions, which go on doing their work
from inside the payload and count how often they run, with every feature of the format around them.
"""

import os
import re
import struct
import subprocess
from collections import namedtuple

from target import Target

HOOKS = ("load", "unload", "preapply", "apply", "postapply", "prerevert", "revert", "postrevert")
EXTRA, CHANGESET = "xen_extra_version", "xen_changeset"

# A record: the old function or address, name in the payload (None: none), new function (None: NOP),
# sizes, expected bytes (None: no expectation).
Record = namedtuple("Record", "name new old_addr new_size old_size expect")

# What judges need to know of a payload or stack: files from the bottom up, what is read back when all
# are applied (regular expressions by key), whether a mutation touched what the CPU runs, and the
# status with which we refuse although the payload is valid for Xen.
# `parts`: of a payload that is broken in several ways, those that are broken in one of them only.
Case = namedtuple("Case", "name files valid expect runs stricter parts")


def case(name, files, expect=None, valid=True, runs=False, stricter=None, parts=()):
    return Case(name, files, valid, expect or {}, runs, stricter, parts)


class Asm:
    """An assembler source of a payload."""

    def __init__(self, tag):
        self.tag = tag
        self.lines, self.records, self.hooks, self.info = [], [], [], []
        self.extra = []

    def code(self, *lines):
        self.lines += lines

    def copy(self, target, function, rows, label, counted=True):
        """The function again, under another name; displacements to outside become relocations."""
        self.code(".text", ".balign 16", f"{label}:")
        if counted:
            self.code("lock incl tally_calls(%rip)")
        end = function.addr + function.size
        for addr, data, text in rows:
            self.code(instruction(target, function.addr, end, addr, data, text))
        self.code(f".type {label}, @function", f".size {label}, . - {label}")

    def source(self):
        out = [*self.lines, ".section .rodata.tally, \"a\", @progbits",
               "    .globl tally_tag", "    .hidden tally_tag", "tally_tag:",
               f"    .ascii \"{self.tag}\"",
               ".bss", "    .balign 8"]
        for name, size in (("tally_calls", 4), ("tally_hooks", 32)):
            out += [f"    .globl {name}", f"    .hidden {name}", f"{name}: .skip {size}"]
        if self.records:
            out += [".section .livepatch.funcs, \"aw\", @progbits", "    .balign 8"]
        names = []
        for index, row in enumerate(self.records):
            name = f".Lname{index}" if row.name is not None else "0"
            if row.name is not None:
                names.append(f"{name}: .asciz \"{row.name}\"")
            expect = row.expect if row.expect is not None else b""
            control = 1 | len(expect) << 1 if row.expect is not None else 0
            data = ", ".join(str(byte) for byte in expect.ljust(31, b"\0"))
            out += [f"    .quad {name}, {row.new or 0}, {row.old_addr:#x}",
                    f"    .long {row.new_size}, {row.old_size}", "    .byte 2", "    .zero 39",
                    f"    .byte {control}, {data}"]
        out += [".section .rodata.str1.1, \"aMS\", @progbits, 1", *names]
        for kind, label in self.hooks:
            out += [f".section .livepatch.hooks.{kind}, \"a\", @progbits", f"    .quad {label}"]
        if self.info:
            out.append(".section .modinfo, \"a\", @progbits")
            out += [f"    .asciz \"{line}\"" for line in self.info]
        return "\n".join([*out, *self.extra, ".section .note.GNU-stack, \"\", @progbits", ""])


def instruction(target, start, end, addr, data, text):
    """One instruction as bytes; a displacement that leads out of the function as an expression."""
    place = re.search(r"# (?:0x)?([0-9a-f]{16}) <", text) or \
        re.match(r"(?:bnd |notrack |rep |cs )*(?:call|j\w+) +(?:0x)?([0-9a-f]{16})\b", text)
    if not place:
        return ".byte " + ", ".join(map(str, data))
    goal = int(place.group(1), 16)
    if start <= goal < end:
        return ".byte " + ", ".join(map(str, data))
    field = struct.pack("<i", goal - (addr + len(data)))
    at = data.rfind(field)
    if at < 0 or data.count(field) != 1:
        raise ValueError(f"{addr:#x}: {text}: no displacement found")
    tail = len(data) - at - 4
    if target.freed[0] <= goal < target.freed[1]:
        raise ValueError(f"{addr:#x}: {text}: refers to what is freed after booting")
    name, offset = target.symbol_near(goal)
    out = ".byte " + ", ".join(map(str, data[:at])) + "; " if at else ""
    out += f".long {name} + {offset} - . - {4 + tail}"
    if tail:
        out += "; .byte " + ", ".join(map(str, data[at + 4:]))
    return out


class Maker:
    """Builds payloads for one hypervisor into a folder."""

    def __init__(self, symbol_file, out, rng):
        self.target, self.out, self.rng = Target(symbol_file), out, rng
        self.number = 0
        self.reporter = os.path.join(out, "reporter.o")
        here = os.path.dirname(os.path.abspath(__file__))
        self.run("gcc", "-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-ffreestanding", "-fpic",
                 "-fno-common", "-fno-asynchronous-unwind-tables", "-fno-stack-protector",
                 "-fcf-protection=none", "-mno-red-zone", "-mno-sse", "-c", "-o", self.reporter,
                 os.path.join(here, "reporter.c"))
        self.note = self.build_id_note(symbol_file)
        self.movable = [found for found in self.target.functions
                        if 24 <= found.size <= 700 and self.target.movable(found)]
        self.code = self.target.disassemble(self.movable)
        self.movable = [found for found in self.movable if self.copyable(found)]

    def run(self, *command):
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              check=False)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}:\n{done.stdout.decode()}")

    def build_id_note(self, path):
        """The build-id note of a file, as a file."""
        note = os.path.join(self.out, os.path.basename(path) + ".note")
        self.run("objcopy", "-O", "binary", "--only-section=.note.gnu.build-id", path, note)
        return note

    def copyable(self, function):
        rows = self.code[function.addr]
        if not rows or rows[-1][0] + len(rows[-1][1]) != function.addr + function.size:
            return False
        try:
            for row in rows:
                instruction(self.target, function.addr, function.addr + function.size, *row)
        except ValueError:
            return False
        return "(bad)" not in "".join(row[2] for row in rows)

    def tag(self):
        self.number += 1
        return f"{self.number:04x}"

    def build(self, asm, name, depends=None, reporter=True):
        """
        Assembles and links a payload; returns its path. The tag stands in front of the names of its
        symbols, as payloads that are loaded together cannot share any.
        """
        path = os.path.join(self.out, name)
        note = self.build_id_note(depends) if depends else self.note
        with open(path + ".s", "w", encoding="ascii") as file:
            file.write(asm.source().replace("tally_", f"t{asm.tag}_tally_"))
            for section, content in (("depends", note), ("xen_depends", self.note)):
                file.write(f".section .livepatch.{section}, \"a\", @note\n.balign 4\n"
                           f".incbin \"{content}\"\n")
        parts = [path + ".o"]
        self.run("as", "-o", parts[0], path + ".s")
        if reporter:
            parts.append(path + ".reporter.o")
            self.run("objcopy", f"--prefix-symbols=t{asm.tag}_", self.reporter, parts[1])
        self.run("ld", "-r", "--build-id=sha1", "-o", path, *parts)
        return path

    # ---- parts ---------------------------------------------------------------------------------

    def old_bytes(self, addr, size):
        return self.target.at(addr, size)

    def some(self, count, where=None):
        found = [f for f in self.movable if not where or where(f)]
        return self.rng.sample(found, count)

    def record(self, function, label, style):
        """A record that replaces a function; style says how much of the format it uses."""
        addr, expect = function.addr, None
        if "expect" in style:
            size = self.rng.randint(1, min(31, function.size))
            expect = self.old_bytes(addr, size)
        by_addr = "addr" in style
        return Record(None if by_addr and "unnamed" in style else function.name, label,
                      addr if by_addr else 0, 0 if "nosize" in style else function.size,
                      function.size, expect)

    def report_record(self, which=EXTRA, expect=False):
        found = self.target.by_name[which]
        label = "tally_extra" if which == EXTRA else "tally_changeset"
        return Record(which, label, 0, 16, found.size,
                      self.old_bytes(found.addr, found.size) if expect else None)

    def add_copies(self, asm, count, styles, where=None):
        for index, function in enumerate(self.some(count, where)):
            label = f"tally_copy_{index}"
            asm.copy(self.target, function, self.code[function.addr], label)
            asm.records.append(self.record(function, label, styles))

    def add_hooks(self, asm, kinds, counts="tally_hooks"):
        for kind in kinds:
            label = f"tally_{kind}"
            asm.code(".text", ".balign 16", f".type {label}, @function", f"{label}:",
                     f"lock incl {counts} + {4 * HOOKS.index(kind)}(%rip)",
                     "xor %eax, %eax", "ret")
            asm.hooks.append((kind, label))

    # ---- families ------------------------------------------------------------------------------

    def copies(self, name, count, styles):
        asm = Asm(self.tag())
        self.add_copies(asm, count, styles)
        asm.records.append(self.report_record(expect="expect" in styles))
        return case(name, [self.build(asm, name)], {"extra": f"{asm.tag}:[0-9a-f]{{8}}"})

    def with_hooks(self, name, kinds, copies):
        """
        Hooks beside records. Apply and revert hooks do the work of those actions with functions of
        Xen's own, which no payload without Xen's headers can call: so none of them here.
        """
        kinds = [kind for kind in kinds if kind not in ("apply", "revert")]
        asm = Asm(self.tag())
        self.add_copies(asm, copies, ())
        asm.records.append(self.report_record(CHANGESET))
        self.add_hooks(asm, kinds)
        digits = "".join("1" if kind in kinds and kind in ("load", "preapply", "postapply")
                         else "0" for kind in HOOKS)
        return case(name, [self.build(asm, name)], {"changeset": f"{asm.tag}:{digits}"})

    def idle_apply(self, name):
        """An apply hook that claims to have applied and has not: nobody can see that beforehand."""
        asm = Asm(self.tag())
        asm.records.append(self.report_record())
        self.add_hooks(asm, ["apply"])
        return case(name, [self.build(asm, name)], runs=True)

    def watched_hooks(self, name, kinds):
        """A second payload counts in the first, which tells of the revert's hooks after it."""
        asm = Asm(self.tag())
        asm.records.append(self.report_record(CHANGESET))
        shared = f"shared_{asm.tag}"
        asm.extra += [".bss", f".globl {shared}", f".set {shared}, tally_hooks"]
        bottom = self.build(asm, name + "-bottom")
        top = Asm(self.tag())
        self.add_hooks(top, kinds, shared)
        path = self.build(top, name + "-top", depends=bottom, reporter=False)
        # The load and unload hooks are a part of the actions that the others take the place of.
        never = [hook for hook, instead in (("load", "apply"), ("unload", "revert"))
                 if instead in kinds]
        before = "".join("1" if kind in kinds and kind not in never and
                         kind in ("load", "preapply", "apply", "postapply") else "0"
                         for kind in HOOKS)
        after = "".join("1" if kind in kinds and kind not in never else "0" for kind in HOOKS)
        return case(name, [bottom, path], {"changeset": f"{asm.tag}:{before}",
                                           "changeset reverted": f"{asm.tag}:{after}"})

    def nops(self, name, count):
        """No-operations over calls of printk, and over any bytes of code for guests' devices."""
        asm = Asm(self.tag())
        printk = self.target.globals["printk"]
        for function in self.some(count):
            calls = [addr for addr, _, text in self.code[function.addr]
                     if re.match(rf"call +(0x)?{printk:x}\b", text)]
            if calls:
                asm.records.append(Record(None, None, calls[0], 5, 5, None))
        for function in self.some(count, lambda f: f.file.startswith("arch/x86/hvm/")):
            rows = self.code[function.addr]
            pad = 4 if rows[0][1] == b"\xf3\x0f\x1e\xfa" else 0
            size = self.rng.randint(pad + 1, min(31, function.size))
            expect = self.old_bytes(function.addr, self.rng.randint(1, size))
            by_addr = self.rng.random() < 0.5
            asm.records.append(Record(None if by_addr else function.name, None,
                                      function.addr if by_addr else 0, size, size,
                                      expect if self.rng.random() < 0.5 else None))
        asm.records.append(self.report_record())
        return case(name, [self.build(asm, name)], {"extra": f"{asm.tag}:0{{8}}"})

    def metadata(self, name):
        asm = Asm(self.tag())
        keys = self.rng.sample(["name", "version", "author", "cve", "description", "date"], 3)
        asm.info = [f"{key}={'x' * self.rng.randint(0, 90)}" for key in keys]
        asm.records.append(self.report_record())
        return case(name, [self.build(asm, name)], {"extra": f"{asm.tag}:0{{8}}"})

    def stack(self, name, height):
        """Each replaces the functions of the one below again, where a jump stands by then."""
        functions = self.some(self.rng.randint(1, 3))
        files, asm = [], None
        for level in range(height):
            asm = Asm(self.tag())
            for index, function in enumerate(functions):
                label = f"tally_copy_{index}"
                asm.copy(self.target, function, self.code[function.addr], label)
                asm.records.append(self.record(function, label, ()))
            asm.records.append(self.report_record())
            if level and self.rng.random() < 0.5:
                asm.records[-1] = asm.records[-1]._replace(expect=b"\xe9")
            files.append(self.build(asm, f"{name}-{level}", depends=files[-1] if files else None))
        return case(name, files, {"extra": f"{asm.tag}:[0-9a-f]{{8}}"})

    def alternatives(self, name, inverted):
        """The tag is chosen by a feature that every 64-bit CPU has (LM: word 1, bit 29)."""
        asm = Asm(self.tag())
        feature = 32 + 29 | (0x8000 if inverted else 0)
        label = "tally_alternative"
        asm.code(".text", ".balign 16", f".type {label}, @function", f"{label}:",
                 ".Lsite: mov $0x11, %eax", ".Lsite_end: .byte 0x66, 0x90", ".Lpad_end:",
                 "mov %eax, tally_calls(%rip)", "jmp tally_extra",
                 ".section .altinstr_replacement, \"ax\", @progbits",
                 ".Lnew: mov $0x22, %eax", ".Lnew_end:",
                 ".section .altinstructions, \"a\", @progbits",
                 ".long .Lsite - ., .Lnew - .", f".word {feature}",
                 ".byte .Lsite_end - .Lsite, .Lnew_end - .Lnew, .Lpad_end - .Lsite_end, 0")
        asm.records.append(self.report_record()._replace(new=label))
        value = "00000011" if inverted else "00000022"
        return case(name, [self.build(asm, name)], {"extra": f"{asm.tag}:{value}"})

    def exceptions(self, name):
        """An access to no memory is fixed up; what is read back says so."""
        asm = Asm(self.tag())
        label = "tally_exception"
        asm.code(".text", ".balign 16", f".type {label}, @function", f"{label}:",
                 "mov $0x33, %eax", "mov $0x10, %ecx",
                 ".Lfault: mov (%rcx), %eax", "ud2", ".Lfix: mov %eax, tally_calls(%rip)",
                 "jmp tally_extra",
                 ".section .ex_table, \"a\", @progbits", ".balign 4",
                 ".long .Lfault - ., .Lfix - .")
        asm.records.append(self.report_record()._replace(new=label))
        return case(name, [self.build(asm, name)], {"extra": f"{asm.tag}:00000033"})

    def bugs(self, name):
        """
        A warning in the payload's code, which Xen passes by after having said so. Not where Xen's
        version is asked for, as that is a part of what it says.
        """
        asm = Asm(self.tag())
        label = "tally_bug"
        asm.code(".text", ".balign 16", f".type {label}, @function", f"{label}:",
                 ".Lwarn: ud2", "movl $5, tally_hooks(%rip)", "jmp tally_changeset",
                 ".section .bug_frames.1, \"a\", @progbits", ".balign 4", ".Lframe:",
                 ".long .Lwarn - .Lframe + (0x12 << 24), .Lfile - .Lframe + (0x34 << 24)",
                 ".section .rodata.tally, \"a\", @progbits", ".Lfile: .asciz \"generated\"")
        asm.records.append(self.report_record(CHANGESET)._replace(new=label))
        return case(name, [self.build(asm, name)], {"changeset": f"{asm.tag}:50000000"})

    def data(self, name):
        """Writable data with pointers, to the payload and to Xen, and zeros of several sizes."""
        asm = Asm(self.tag())
        label = "tally_data"
        asm.code(".data", ".balign 8", ".Lpointer: .quad tally_value, printk, .Lpointer",
                 "tally_value: .long 0x44", ".bss", f".skip {self.rng.randint(1, 70000)}",
                 ".text", ".balign 16", f".type {label}, @function", f"{label}:",
                 "mov .Lpointer(%rip), %rax", "mov (%rax), %eax", "mov %eax, tally_calls(%rip)",
                 "jmp tally_extra")
        asm.records.append(self.report_record()._replace(new=label))
        return case(name, [self.build(asm, name)], {"extra": f"{asm.tag}:00000044"})

    def many(self, start=0):
        """A case or some of each family; their names are counted on from `start`."""
        rng = self.rng
        styles = [(), ("expect",), ("addr",), ("addr", "unnamed"), ("nosize",),
                  ("addr", "expect"), ("expect", "nosize")]
        for style in styles:
            yield self.copies(f"copies-{'-'.join(style) or 'plain'}-{start}", rng.randint(1, 8),
                              style)
        for k in range(3):
            kinds = [kind for kind in HOOKS if rng.random() < 0.5]
            yield self.with_hooks(f"hooks-{k}-{start}", kinds, rng.randint(0, 2))
            yield self.watched_hooks(f"watched-{k}-{start}", kinds or ["load"])
        yield self.nops(f"nops-{start}", rng.randint(1, 4))
        yield self.nops(f"nops-more-{start}", rng.randint(1, 12))
        yield self.metadata(f"metadata-{start}")
        yield self.stack(f"pair-{start}", 2)
        yield self.stack(f"stack-{start}", rng.randint(3, 4))
        yield self.data(f"data-{start}")
        yield self.alternatives(f"alternative-{start}", False)
        yield self.alternatives(f"alternative-inverted-{start}", True)
        yield self.exceptions(f"exception-{start}")
        yield self.bugs(f"bug-{start}")
