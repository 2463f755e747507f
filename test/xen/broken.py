# SPDX-License-Identifier: BSD-2-Clause
"""The example payloads for the real Xen, and broken ones: those of mutants.py, and random ones."""

import os
import random
import struct
import subprocess

import mutants
from elf64 import SHF_ALLOC, SHT_NOBITS, SHT_RELA, Elf
from generate import case
from mutate import FUNCS

SOURCES = {"hello": ["xen_hello.c"], "expect": ["xen_expect.c"], "endbr": ["xen_endbr.c"],
           "nop": ["xen_nop.c"], "hooks": ["xen_hooks.c"], "two": ["xen_two.c"],
           "stacked": ["xen_stacked.c"], "relocs": ["xen_hello.c", "relocs.S", "absolute.S"],
           "tables": ["xen_hello.c", "tables.S"]}

# What Xen says once the top one is applied.
ANSWERS = {"hello": {"extra": "Hello World"}, "stacked": {"extra": "Hello again"},
           "expect": {"changeset": "patched, after a look at what is there"},
           "two": {"extra": "Goodbye"}, "tables": {"extra": "Hello World"},
           "endbr": {}, "nop": {}, "hooks": {}}

# Rows of mutants.py that take Xen down; the quick test leaves them out, as each costs a boot.
CRASHES = {
    "sections-symbols-link-0", "sections-relocs-info-0", "specials-funcs-not-loaded",
    "specials-note-not-loaded", "specials-modinfo-empty", "records-name-null",
    "records-name-outside", "records-name-wild", "records-target-data", "records-new-addr-in-data",
    "records-new-addr-at-end-of-text", "records-new-addr-before-text", "records-old-addr-nowhere",
    "records-old-addr-in-data", "records-old-addr-in-init-text", "records-nop-below-pad",
    "hooks-hook-null", "hooks-hook-in-data", "relocs-offset-last", "relocs-pc32-highest",
    "relocs-pc32-lowest", "symbols-freed-after-booting"}

# Rows with other instructions than the compiler's, so that running them may do anything.
RUNS_OTHER_CODE = {"relocs-offset-last", "relocs-pc32-highest", "relocs-pc32-lowest"}


def build_bases(maker, work):
    """The payloads that mutants.py breaks; without a GOT, which Xen does not have."""
    here = os.path.dirname(os.path.abspath(__file__))
    examples = os.path.join(here, "..", "..", "examples", "payloads")
    base = os.path.join(work, "bases")
    os.makedirs(base, exist_ok=True)
    for name, sources in SOURCES.items():
        paths = [os.path.join(examples if source.startswith("xen_") else here, source)
                 for source in sources]
        below = ["--depends-on", os.path.join(base, "xen_hello.livepatch")]
        subprocess.run([os.path.join(examples, "build.sh"), *(below if name == "stacked" else []),
                        os.path.join(base, f"xen_{name}.livepatch"), maker.target.path, *paths],
                       check=True, env={**os.environ, "PAYLOAD_CFLAGS": "-fpie"})
    return base


def examples(base):
    """A case for each example payload."""
    for name, expect in ANSWERS.items():
        below = ["hello"] if name == "stacked" else []
        yield case(f"example-{name}", [os.path.join(base, f"xen_{word}.livepatch")
                                       for word in (*below, name)], expect)


def from_table(maker, base, work):
    """A case for each row of mutants.py but those about load addresses, which Xen chooses."""
    out = os.path.join(work, "table")
    os.makedirs(out, exist_ok=True)
    for table, rows in mutants.TABLES.items():
        for row in rows:
            if callable(row.run) or "--base" in row.run:
                continue
            try:
                data, _ = mutants.variant(row, base, maker.target.globals)
            except StopIteration:
                continue  # changes a reference to a GOT, of which these have none
            name = f"{table}-{row.name}"
            path = os.path.join(out, name)
            with open(path, "wb") as file:
                file.write(data)
            below = [os.path.join(base, f"xen_{word}.livepatch")
                     for previous, word in zip((None, *row.run), row.run) if previous == "--after"]
            yield case(name, [*below, path], valid=False, runs=name in RUNS_OTHER_CODE)


INTERESTING = (0, 1, 2, 3, 4, 7, 8, 15, 16, 24, 31, 32, 63, 64, 100, 255, 256, 4095, 4096, 0x7FFF,
               0x8000, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1 << 40, (1 << 63) - 1,
               1 << 63, (1 << 64) - 16, (1 << 64) - 1)


class RandomChange:
    """One or two random changes of a payload; `runs` says whether they touch what the CPU runs."""

    def __init__(self, rng, data):
        self.rng, self.data, self.runs, self.tail = rng, data, False, None
        self.elf = Elf(data)

    def value(self, old, bits):
        """Another value for a field: near the old one, an interesting one, or a flipped bit."""
        choice = self.rng.randrange(4)
        if choice == 0:
            new = old + self.rng.choice((-16, -8, -4, -2, -1, 1, 2, 4, 8, 16))
        elif choice == 1:
            new = old ^ 1 << self.rng.randrange(bits)
        else:
            new = self.rng.choice(INTERESTING)
        return new % (1 << bits)

    def header(self):
        field = self.rng.choice(("type", "machine", "version", "shoff", "flags", "ehsize", "phnum",
                                 "shentsize", "shnum", "shstrndx", "entry", "phoff"))
        bits = {"version": 32, "flags": 32, "shoff": 64, "entry": 64, "phoff": 64}.get(field, 16)
        self.elf.build()
        self.elf.raw[field] = self.value(self.elf.header[field], bits)

    def section(self):
        found = self.rng.choice(self.elf.sections)
        field = self.rng.choice(("name", "type", "flags", "addr", "offset", "size", "link", "info",
                                 "align", "entsize"))
        bits = 32 if field in ("name", "type", "link", "info") else 64
        self.elf.build()
        found.raw[field] = self.value(found.header[field], bits)
        self.runs = True

    def symbol(self):
        found = self.rng.choice(self.elf.symbols)
        field, bits = self.rng.choice((("name", 32), ("info", 8), ("other", 8), ("shndx", 16),
                                       ("value", 64), ("size", 64)))
        setattr(found, field, self.value(getattr(found, field), bits))
        self.runs = True

    def reloc(self):
        section = self.rng.choice([s for s in self.elf.sections if s.header["type"] == SHT_RELA])
        entries = self.elf.relocs(section.name)
        if entries:
            entry = self.rng.choice(entries)
            field, bits = self.rng.choice((("offset", 64), ("type", 32), ("symbol", 32),
                                           ("addend", 63)))
            setattr(entry, field, self.value(getattr(entry, field), bits))
            self.runs = True

    def record(self):
        try:
            found = self.elf.section(FUNCS)
        except StopIteration:
            return
        offset, form, bits = self.rng.choice(((16, "<Q", 64), (24, "<I", 32), (28, "<I", 32),
                                              (32, "<B", 8), (33, "<B", 8), (63, "<B", 8),
                                              (64, "<B", 8), (65, "<B", 8), (71, "<B", 8),
                                              (72, "<B", 8), (73, "<B", 8), (90, "<B", 8)))
        at = self.rng.randrange(len(found.data) // 104) * 104 + offset
        old, = struct.unpack_from(form, found.data, at)
        struct.pack_into(form, found.data, at, self.value(old, bits))
        # Another old address is another place in Xen's code that is written over.
        self.runs = self.runs or offset in (16, 24, 28, 64)

    def contents(self):
        """A byte of a section that the loader reads itself."""
        found = [s for s in self.elf.sections[1:] if s.data and s.header["type"] != SHT_NOBITS and
                 (s.name.startswith((".livepatch", ".note", ".modinfo", ".alt", ".bug", ".ex_"))
                  or not s.header["flags"] & SHF_ALLOC)]
        chosen = self.rng.choice(found)
        if chosen is self.elf.symtab() or chosen.header["type"] == SHT_RELA:
            return
        chosen.data[self.rng.randrange(len(chosen.data))] ^= 1 << self.rng.randrange(8)
        self.runs = self.runs or chosen.name.startswith((".alt", ".ex_", ".bug", FUNCS))

    def size(self):
        """A section that is longer or shorter."""
        chosen = self.rng.choice(self.elf.sections[1:])
        if chosen is self.elf.symtab() or chosen.header["type"] in (SHT_RELA, SHT_NOBITS):
            return
        step = self.rng.choice((-64, -8, -1, 1, 8, 64))
        if step < 0:
            del chosen.data[step:]
        else:
            chosen.data += bytes(step)
        self.runs = True

    def file(self):
        """Bytes of the finished file: one flipped bit, or a part cut off."""
        data = bytearray(self.elf.build())
        if self.rng.random() < 0.3:
            del data[self.rng.randrange(len(data)):]
        else:
            data[self.rng.randrange(len(data))] ^= 1 << self.rng.randrange(8)
        self.tail = bytes(data)
        self.runs = True

    def change(self):
        kinds = [self.header, self.section, self.section, self.symbol, self.reloc, self.record,
                 self.record, self.contents, self.size, self.file]
        self.rng.choice(kinds)()
        return self.elf.build() if self.tail is None else self.tail

    def make(self):
        """The changed payload and, when that was changed twice, those with one of the changes."""
        twice = self.rng.choice((False, False, False, True))
        first = self.change()
        if not twice or self.tail is not None:
            return first, ()
        alone = RandomChange(random.Random(), self.data)
        alone.rng.setstate(self.rng.getstate())
        return self.change(), (first, alone.change())


def at_random(maker, rng, valid, count):
    """Random mutants of the top payload of valid cases."""
    out = os.path.join(maker.out, "random")
    os.makedirs(out, exist_ok=True)
    number = 0
    while number < count:
        row = rng.choice(valid)
        with open(row.files[-1], "rb") as file:
            pristine = file.read()
        change = RandomChange(rng, pristine)
        data, parts = change.make()
        if data == Elf(pristine).build():
            continue
        path = os.path.join(out, f"random-{number}")
        paths = [path, *(f"{path}-{n}" for n in range(len(parts)))]
        for name, content in zip(paths, (data, *parts)):
            with open(name, "wb") as file:
                file.write(content)
        yield case(f"random-{number}-of-{row.name}", [*row.files[:-1], path], valid=False,
                   runs=change.runs, parts=paths[1:])
        number += 1
