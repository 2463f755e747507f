#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Makes the table of symbols that a link leaves in the image, as assembler.

    symbols.py IMAGE OUT          the table of an image
    symbols.py --empty OUT        the table of the first pass
    symbols.py --check IMAGE OUT  fails unless OUT is the table of IMAGE

An entry is {address 8, size 4, offset of the name 4, length of the name 2, length of its prefix 2,
kind 4 (enum hp_symbol_kind)}, in the order of addresses. The name of a file-scoped symbol has its
file in front of it, "file.c#name", as the prefix.
"""
import os
import subprocess
import sys

KINDS = {"NOTYPE": 0, "FUNC": 1, "OBJECT": 2}
HEAD = '/* Made by symbols.py. */\n.section .symbols, "a"\n.balign 16\n.globl mv_symbols\nmv_symbols:\n'


def read(image):
    lines = subprocess.run([os.environ.get("READELF", "readelf"), "-sW", image], check=True,
                           capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"})
    rows = [line.split() for line in lines.stdout.splitlines()]
    rows = [row for row in rows if len(row) >= 7 and row[0].rstrip(":").isdigit()]
    return [row if len(row) >= 8 else row + [""] for row in rows]


def symbols(image):
    rows = read(image)
    end = next(int(row[1], 16) for row in rows if row[7] == "mv_symbols")
    scope = ""
    found = set()
    for _, value, size, kind, binding, _, index, name in (row[:8] for row in rows):
        if kind == "FILE":
            scope = name
        if kind not in KINDS or not index.isdigit() or not name or name.startswith("$"):
            continue
        prefix = os.path.basename(scope) + "#" if binding == "LOCAL" and scope else ""
        if int(value, 16) < end:
            found.add((int(value, 16), int(size, 0), KINDS[kind], prefix, name))
    return sorted(found)


def table(entries):
    lines = [HEAD, f".quad {len(entries)}, 0\n"]
    names = []
    offset = 0
    for addr, size, kind, prefix, name in entries:
        full = prefix + name
        lines.append(f".quad {addr:#x}\n.long {size}, {offset}\n"
                     f".short {len(full)}, {len(prefix)}\n.long {kind}\n")
        names.append(f'.asciz "{full}"\n')
        offset += len(full) + 1
    return "".join(lines + names) + '.section .note.GNU-stack, "", %progbits\n'


def main():
    if sys.argv[1] == "--empty":
        text, out = table([]), sys.argv[2]
    elif sys.argv[1] == "--check":
        with open(sys.argv[3], encoding="ascii") as file:
            if file.read() != table(symbols(sys.argv[2])):
                sys.exit("symbols.py: the second pass has moved symbols")
        return
    else:
        text, out = table(symbols(sys.argv[1])), sys.argv[2]
    with open(out, "w", encoding="ascii") as file:
        file.write(text)


main()
