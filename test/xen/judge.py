#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""
Asks Debian's real Xen, booted under QEMU, what it makes of payloads.

    judge.py BOOT INIT PAYLOAD...

BOOT is the folder that "scripts/xen.sh --boot" prints, INIT the compiled dom0.c. Prints each
payload's steps. As a module: judge() does the same for many cases, in as many boots as it takes.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections import namedtuple

# What the second port says of a case: rows of (verb, payload or moment, fields); how it ended: None,
# or "crash", "hang" or "stuck" with the step that it happened in.
Outcome = namedtuple("Outcome", "rows ended step")

# -smap: QEMU would fault on accesses that Xen makes on purpose. One CPU: with more, emulated ones
# are at times too slow to meet.
XEN_OPTIONS = ("console=com1 com1=115200,8n1,0x3f8,0 dom0_mem=384M dom0_max_vcpus=1 loglvl=all "
               "guest_loglvl=all conring_size=1m noreboot=no")
LINUX_OPTIONS = ("console=hvc0 quiet panic=1 nokaslr mitigations=off cryptomgr.notests "
                 "apparmor=0")
QEMU = ["qemu-system-x86_64", "-machine", "q35", "-accel", "tcg", "-cpu", "max,-smap", "-smp", "1",
        "-m", "768M", "-nodefaults", "-nic", "none", "-display", "none", "-no-reboot"]

BOOT_SECONDS = 120  # up to the first line; a boot takes 6 on an idle machine
STEP_SECONDS = 40   # between two lines
CRASHES = (b"Panic on CPU", b"FATAL TRAP", b"FATAL PAGE FAULT", b"Kernel panic")


class Trouble(Exception):
    """The machine does not come up at all: nothing was judged."""


# ---- the initial file system ---------------------------------------------------------------------

def cpio(files):
    """An archive as Linux unpacks it: "newc" headers in hexadecimal, all padded to four bytes."""
    out = bytearray()
    for number, (name, mode, data) in enumerate([*files, ("TRAILER!!!", 0, b"")], 1):
        text = name.encode() + b"\0"
        fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(text), 0)
        out += b"070701" + b"".join(b"%08X" % field for field in fields) + text
        out += bytes(-len(out) % 4) + data
        out += bytes(-len(out) % 4)
    return bytes(out)


def file_system(boot, init, cases):
    files = [("init", 0o100755, read(init)),
             ("xen-privcmd.ko", 0o100644, read(os.path.join(boot, "xen-privcmd.ko")))]
    plan, stored = [], {}
    for name, paths in cases:
        for path in paths:
            if path not in stored:
                stored[path] = f"p{len(stored)}"
                files.append((stored[path], 0o100644, read(path)))
        plan.append(" ".join([name, *("/" + stored[path] for path in paths)]) + "\n")
    return cpio([*files, ("plan", 0o100644, "".join(plan).encode())])


def read(path):
    with open(path, "rb") as file:
        return file.read()


# ---- a boot --------------------------------------------------------------------------------------

def parse(line):
    """A line of the second port: verb, case, then words with and without "="."""
    verb, *words = line.split(" ")
    plain = [word for word in words if "=" not in word]
    fields = dict(word.split("=", 1) for word in words if "=" in word)
    return verb, plain, fields


def unescape(text):
    return text.encode().decode("unicode_escape")


class Boot:
    """One run of the machine over some cases."""

    def __init__(self, boot, init, cases, work):
        self.console, self.results = (os.path.join(work, name) for name in ("console", "results"))
        initrd = os.path.join(work, "initrd")
        with open(initrd, "wb") as file:
            file.write(file_system(boot, init, cases))
        self.command = [*QEMU, "-serial", f"file:{self.console}", "-serial", f"file:{self.results}",
                        "-kernel", os.path.join(boot, "xen"), "-append", XEN_OPTIONS,
                        "-initrd", f"{os.path.join(boot, 'vmlinux')} {LINUX_OPTIONS},{initrd}"]
        self.log = os.path.join(work, "qemu")

    def lines(self):
        """Whole lines that have come so far."""
        if not os.path.exists(self.results):
            return []
        return read(self.results).decode("ascii", "replace").replace("\r", "").split("\n")[:-1]

    def run(self):
        """Runs to the end; returns the lines and how it ended: end, crash or hang."""
        with open(self.log, "wb") as log:
            machine = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log,
                                       stderr=log)
        try:
            how = self.watch(machine)
        finally:
            machine.kill()
            machine.wait()
        return self.lines(), how

    def watch(self, machine):
        seen, since, limit = 0, time.monotonic(), BOOT_SECONDS
        while True:
            running = machine.poll() is None
            lines = self.lines()
            if lines and lines[-1].startswith("end "):
                return "end"
            if not running or self.crashed():
                return "crash"
            if len(lines) > seen:
                seen, since, limit = len(lines), time.monotonic(), STEP_SECONDS
            if time.monotonic() - since > limit:
                return "hang"
            time.sleep(0.05)

    def crashed(self):
        return os.path.exists(self.console) and any(word in read(self.console) for word in CRASHES)

    def tail(self):
        """The end of what Xen and QEMU said, for a message."""
        text = b"".join(read(path)[-3000:] for path in (self.log, self.console)
                        if os.path.exists(path))
        return text.decode(errors="replace")


def outcomes(lines, how):
    """What the lines of a boot say, by case, and the answers before any payload."""
    found, first, open_case, step = {}, None, None, None
    for line in lines:
        verb, words, fields = parse(line)
        if verb == "begin":
            step = " ".join(words[1:])
            open_case = words[0]
            found.setdefault(open_case, Outcome([], "crash" if how == "end" else how, step))
            found[open_case] = found[open_case]._replace(step=step)
        elif verb in ("step", "read"):
            case, *rest = words
            fields = {key: unescape(value) for key, value in fields.items()}
            if case == "-":
                first = fields
            else:
                found[case].rows.append((*([verb, *rest] if verb == "read" else rest), fields))
        elif verb == "done":
            found[words[0]] = found[words[0]]._replace(ended=None, step=None)
        elif verb == "stuck":
            found[words[0]] = found[words[0]]._replace(ended="stuck")
    found.pop("-", None)
    return found, first


def one_boot(boot, init, cases):
    """Outcomes of the cases that this boot came to, and the answers before any payload."""
    with tempfile.TemporaryDirectory() as work:
        machine = Boot(boot, init, cases, work)
        lines, how = machine.run()
        found, first = outcomes(lines, how)
        if first is None or (not found and cases):
            raise Trouble(f"Xen did not come up ({how}): {lines[-1:]}\n{machine.tail()}")
    return found, first


def judge(boot, init, cases, per_boot=100, progress=None):
    """
    Outcome by name for [(name, [payload file, ...]), ...], and the answers of the unpatched Xen.
    A case that takes Xen down ends a boot; the next boot goes on behind it.
    """
    found, first = {}, None
    rest = list(cases)
    while rest or first is None:
        got, first = one_boot(boot, init, rest[:per_boot])
        found.update(got)
        rest = [case for case in rest if case[0] not in found]
        if progress:
            progress(got, len(found), len(cases))
    return found, first


# ---- the command ---------------------------------------------------------------------------------

def describe(outcome):
    """Lines for people: a step each."""
    rows = []
    for verb, where, fields in outcome.rows:
        if verb == "read":
            rows.append(f"  {where + ':':<18}" + ", ".join(f"{key} {value!r}"
                                                           for key, value in fields.items()))
        else:
            rows.append(f"  {verb + ':':<18}" + " ".join(f"{key}={value}"
                                                         for key, value in fields.items()))
    if outcome.ended:
        rows.append(f"  {outcome.ended} in: {outcome.step}")
    return "\n".join(rows)


def main():
    boot, init, *payloads = sys.argv[1:]
    cases = [(f"c{index}", [path]) for index, path in enumerate(payloads)]
    try:
        found, _ = judge(boot, init, cases)
    except (Trouble, OSError) as trouble:
        print(f"judge.py: {trouble}", file=sys.stderr)
        return 2
    good = True
    for (name, _), path in zip(cases, payloads):
        steps = [row for row in found[name].rows if row[0] in ("upload", "apply", "revert",
                                                               "unload")]
        taken = (found[name].ended is None and [row[0] for row in steps] ==
                 ["upload", "apply", "revert", "unload"])
        good = good and taken
        print(f"{path}: {'applied and reverted' if taken else 'not taken'}")
        print(describe(found[name]))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
