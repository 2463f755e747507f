#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""
Checks the comparison itself with made-up verdicts: what must be a failure is one.

    check_rules.py DOCUMENT

Prints what is wrong and, last, "N passed, N failed".
"""

import sys

from campaign import Rules, Verdict, xen_verdict
from generate import case
from judge import Outcome, outcomes

FIRST = {"extra": ".7", "changeset": ""}
GOOD = Verdict(True, None, None, None, None)


def ours(status, errno=22, level=0):
    return Verdict(False, status, errno, level, None)


def steps(*rows, ended=None, step=None):
    return Outcome(list(rows), ended, step)


def step(verb, errno=0, code=0):
    fields = {"errno": str(errno)}
    if verb in ("apply", "revert"):
        fields.update(state="0", rc=str(code))
    return verb, "payload1", fields


def taken(answer="tag", after=".7"):
    return steps(step("upload"), step("apply"), ("read", "applied", {**FIRST, "extra": answer}),
                 step("revert"), ("read", "reverted", {**FIRST, "extra": after}), step("unload"))


REFUSED = steps(step("upload", errno=22))
REFUSED_LATER = steps(step("upload"), step("apply", code=22), step("unload"))
HOOK_RETURNS = steps(step("upload"), step("apply", code=-1079484524), step("unload"))
NOT_REVERTED = steps(step("upload"), step("apply"), ("read", "applied", FIRST),
                     step("revert", code=16))
CRASH_LOADING = steps(ended="crash", step="upload payload1")
CRASH_RUNNING = steps(step("upload"), step("apply"), ended="crash", step="read applied")

VALID = case("valid", ["a"], {"extra": "tag"})
STACK = case("stack", ["a", "b"], valid=False)
BROKEN = case("broken", ["a"], valid=False)
RUNS = case("runs", ["a"], valid=False, runs=True)

# What is compared, and whether it is as it should be.
ROWS = (
    ("both accept", VALID, GOOD, taken(), True),
    ("wrong answer while applied", VALID, GOOD, taken(answer="other"), False),
    ("wrong answer after reverting", VALID, GOOD, taken(after="tag"), False),
    ("accepted, and refused at upload", BROKEN, GOOD, REFUSED, False),
    ("accepted, and refused at apply", BROKEN, GOOD, REFUSED_LATER, False),
    ("accepted, and refused although its code is other", RUNS, GOOD, REFUSED, False),
    ("accepted, and not reverted", BROKEN, GOOD, NOT_REVERTED, False),
    ("accepted, and crashes the loader", RUNS, GOOD, CRASH_LOADING, False),
    ("accepted, and crashes when run", BROKEN, GOOD, CRASH_RUNNING, False),
    ("accepted, and its other code crashes", RUNS, GOOD, CRASH_RUNNING, True),
    ("accepted, and a hook of other code fails", RUNS, GOOD, HOOK_RETURNS, True),
    ("accepted, and a hook fails", BROKEN, GOOD, HOOK_RETURNS, False),
    ("accepted, and its other code is refused at apply", RUNS, GOOD, REFUSED_LATER, False),
    ("stricter for a listed reason", BROKEN, ours("record-reserved"), taken(), True),
    ("stricter for no listed reason", BROKEN, ours("file-empty"), taken(), False),
    ("stricter with a valid one", VALID, ours("record-reserved"), taken(), False),
    ("crash of Xen for a listed reason", BROKEN, ours("modinfo"), CRASH_LOADING, True),
    ("crash of Xen for no listed reason", BROKEN, ours("file-empty"), CRASH_LOADING, False),
    ("both refuse", BROKEN, ours("note"), REFUSED, True),
    ("both refuse, later", BROKEN, ours("expect-mismatch"), REFUSED_LATER, True),
    ("both refuse a valid one", VALID, ours("note"), REFUSED, False),
    ("other errno, listed", BROKEN, ours("section-wx"), steps(step("upload", errno=95)), True),
    ("other errno, not listed", BROKEN, ours("note"), steps(step("upload", errno=95)), False),
    ("Xen refuses the one below", STACK, ours("note", level=1), REFUSED, False),
)

# The same with our verdicts on parts: not with the other error number, with it.
TWICE = (
    ("other errno, of no part", BROKEN, ours("note"), steps(step("upload", errno=95)),
     [ours("note"), GOOD], False),
    ("other errno, of a part", BROKEN, ours("note"), steps(step("upload", errno=95)),
     [ours("note"), ours("record-version", errno=95)], True),
)

# Lines of the second port with a crash in the second case.
LINES = ["boot interface=21", "begin - read boot", "read - boot extra=.7 changeset=",
         "begin c0 upload payload1", "step c0 upload payload1 errno=22", "done c0",
         "begin c1 upload payload1", "step c1 upload payload1 errno=0", "begin c1 apply payload1"]


def main():
    rules = Rules(sys.argv[1])
    wrong = []
    for name, row, verdict, outcome, parts, good in (*((*row[:-1], (), row[-1]) for row in ROWS),
                                                     *TWICE):
        kind, complaint = rules.compare(row, verdict, xen_verdict(outcome), outcome, FIRST, parts)
        if (complaint is None) != good:
            wrong.append(f"{name}: {kind}: {complaint}")
    found, first = outcomes(LINES, "crash")
    if first != FIRST or found["c0"].ended or (found["c1"].ended, found["c1"].step) != (
            "crash", "apply payload1"):
        wrong.append(f"lines of a crash: {first} {found}")
    print("\n".join([*wrong, f"{len(ROWS) + len(TWICE) + 1 - len(wrong)} passed, {len(wrong)} failed"]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
