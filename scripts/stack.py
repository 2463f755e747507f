#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Prints the deepest stack of functions, from gcc's call graphs (-fcallgraph-info=su).

usage: stack.py FOLDER FUNCTION...    FOLDER holds the .ci files, at any depth

Depth is counted from the entry of each FUNCTION to the entry of functions outside the library: the
port's, and memcpy and its like. An indirect call is taken to reach every function that may have had
its address taken: all of src/arch (the tables struct hp_arch), and every static function that nobody
calls by name; one of hp_sort() only those that the sources put into a struct hp_sortable. Fails on
recursion and on frames without a bound.
"""
import pathlib
import re
import sys

NODE = re.compile(r'node: \{ title: "([^"]+)" label: "([^"]*)"')
EDGE = re.compile(r'edge: \{ sourcename: "([^"]+)" targetname: "([^"]+)"')
FRAME = re.compile(r"(\d+) bytes \(([a-z,]+)\)")
SORTABLE = re.compile(r"struct hp_sortable \w+ = \{[^,}]*, *(\w+), *(\w+)\}")
INDIRECT = "__indirect_call"
SORTING = "__indirect_call of hp_sort"


def fail(message):
    sys.exit(f"stack.py: {message}")


def read_graph(folder):
    """Returns {function: bytes} of the functions defined, and {function: set of callees}."""
    frames, calls = {}, {}
    for path in sorted(pathlib.Path(folder).rglob("*.ci")):
        text = path.read_text(encoding="utf-8")
        for title, label in NODE.findall(text):
            frame = FRAME.search(label)
            if not frame:
                continue
            if frame[2] not in ("static", "dynamic,bounded"):
                fail(f"{title}: its frame has no bound ({frame[2]})")
            frames[title] = int(frame[1])
        for caller, callee in EDGE.findall(text):
            calls.setdefault(caller, set()).add(callee)
    if not frames:
        fail(f"no call graph in {folder}")
    return frames, calls


def indirect_targets(frames, calls):
    """Functions that a call through a pointer may reach. Static ones have "file:" in their title."""
    called = {callee for callees in calls.values() for callee in callees}
    return {
        title
        for title in frames
        if "src/arch/" in title or (":" in title and title not in called)
    }


def sort_targets(frames):
    """Functions that hp_sort() calls: those that the sources hand to it."""
    names = set()
    for path in pathlib.Path("src").rglob("*.c"):
        for pair in SORTABLE.findall(path.read_text(encoding="utf-8")):
            names.update(pair)
    if not names:
        fail("nothing is sorted in src: the form of struct hp_sortable has changed")
    return {title for title in frames if title.split(":")[-1] in names}


def deepest(title, frames, calls, known, path):
    """Returns (bytes, chain of functions) of the deepest stack below and including `title`."""
    if title in known:
        return known[title]
    if title in path:
        fail("recursion: " + " -> ".join(path[path.index(title):] + [title]))
    best = (0, [])
    for callee in sorted(calls.get(title, ())):
        best = max(best, deepest(callee, frames, calls, known, path + [title]),
                   key=lambda found: found[0])
    size = frames.get(title, 0)
    known[title] = (size + best[0], [title] + best[1] if size else best[1])
    return known[title]


def main(folder, roots):
    frames, calls = read_graph(folder)
    calls[INDIRECT] = indirect_targets(frames, calls)
    calls[SORTING] = sort_targets(frames)
    for caller, callees in calls.items():
        if INDIRECT in callees and (caller == "hp_sort" or "base/sort.c:" in caller):
            calls[caller] = callees - {INDIRECT} | {SORTING}
    known = {}
    total = (0, [])
    for root in roots:
        if root not in frames:
            fail(f"{root} is not in the library")
        found = deepest(root, frames, calls, known, [])
        print(f"{root}: {found[0]} bytes")
        total = max(total, found, key=lambda result: result[0])
    chain = " -> ".join(f"{title.split(':')[-1]} ({frames[title]})" for title in total[1])
    print(f"deepest stack: {total[0]} bytes: {chain}")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2:])
