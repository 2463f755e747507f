# SPDX-License-Identifier: BSD-2-Clause
"""
Every field of a payload's headers, symbols and relocations, given one value after another in which
limits, signs and powers of two show. What we accept of that is what Xen has to accept.
"""

import os

from elf64 import EHDR, EHDR_FIELDS, RELA, SHDR, SHDR_FIELDS, SHT_RELA, SYM, SYM_FIELDS, Elf
from generate import case

RELA_FIELDS = ("offset", "info", "addend")


def widths(layout, names):
    """Name, offset and bytes of each number of a structure."""
    at, out = 0, []
    sizes = {"H": 2, "B": 1, "I": 4, "Q": 8, "q": 8}
    for letter, name in zip(layout.format.lstrip("<").replace("16s", "s"), names):
        size = 16 if letter == "s" else sizes[letter]
        if letter != "s":
            out.append((name, at, size))
        at += size
    return out


def values(old, size):
    """What is tried in place of a number."""
    top = 1 << 8 * size
    near = [old - 1, old + 1, old * 2, old // 2, *(old ^ 1 << bit for bit in range(8 * size))]
    edges = [0, 1, 2, 3, 4, 7, 8, 15, 16, 0xFF00, 0xFFF1, 0xFFF2, 0xFFFF, top // 2, top - 1]
    return sorted({value % top for value in (*near, *edges)} - {old})


def places(data):
    """Each structure of the file: what it is called, where it is, and its fields."""
    elf = Elf(data)
    header = elf.header
    yield "header", 0, widths(EHDR, EHDR_FIELDS)
    for index, section in enumerate(elf.sections):
        yield (f"section-{index}", header["shoff"] + index * header["shentsize"],
               widths(SHDR, SHDR_FIELDS))
        start = section.header["offset"]
        if section is elf.symtab():
            for number in range(len(section.data) // SYM.size):
                yield f"symbol-{number}", start + number * SYM.size, widths(SYM, SYM_FIELDS)
        if section.header["type"] == SHT_RELA:
            for number in range(len(section.data) // RELA.size):
                yield (f"reloc-{index}-{number}", start + number * RELA.size,
                       widths(RELA, RELA_FIELDS))


def changes(data):
    """Name and contents of every changed file."""
    for place, start, fields in places(data):
        for field, offset, size in fields:
            at = start + offset
            old = int.from_bytes(data[at:at + size], "little")
            for value in values(old, size):
                new = bytearray(data)
                new[at:at + size] = value.to_bytes(size, "little")
                yield f"{place}-{field}-{value:x}", bytes(new)


def accepted(ours, rng, base, out, count):
    """Cases of changed files that we accept, `count` of them at random."""
    os.makedirs(out, exist_ok=True)
    with open(base, "rb") as file:
        pristine = file.read()
    paths = {}
    for name, data in changes(pristine):
        path = os.path.join(out, name)
        with open(path, "wb") as file:
            file.write(data)
        paths[path] = name
    verdicts, todo = {}, sorted(paths)
    while todo: # as many as a command line takes
        verdicts.update(ours.ask((), todo[:500]))
        todo = todo[500:]
    good = [path for path in sorted(paths) if verdicts[path]["verdict"] == "accepted"]
    for path in set(paths) - set(good):
        os.remove(path)
    for path in sorted(rng.sample(good, min(count, len(good)))):
        # It may well be other code that runs then.
        yield case(f"{os.path.basename(out)}-{paths[path]}", [path], valid=False, runs=True)
