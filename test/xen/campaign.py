#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""
Has payloads judged by the hotpatch command and by a real Xen, and compares.

    campaign.py [OPTION...] HOTPATCH TARGET BOOT INIT DOCUMENT

OPTIONs are those of scripts/xen-campaign.sh.

A count of payloads is generated, half valid ones and half broken ones; --sample takes some of them
that are judged in one boot; --fields asks about payloads that we accept although one field of theirs
was changed. The reasons for which we may be stricter than Xen, and the differences
between error numbers, are the rows of the tables in DOCUMENT (docs/XEN.md). Prints what disagrees,
a summary and, last, "N passed, N failed".
"""

import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter, namedtuple

import broken
import fields
import judge
from generate import Maker
from packed import packed

ERRNO = {"EPERM": 1, "ENOENT": 2, "E2BIG": 7, "EAGAIN": 11, "ENOMEM": 12, "EACCES": 13,
         "EFAULT": 14, "EBUSY": 16, "EEXIST": 17, "EINVAL": 22, "ERANGE": 34, "ENOSYS": 38,
         "ENODATA": 61, "EBADMSG": 74, "EOVERFLOW": 75, "EOPNOTSUPP": 95, "ENOBUFS": 105}
NAMES = {number: name for name, number in ERRNO.items()}

# Of a case as a whole: accepted or not; the status of the refusal (ours), its error number, at which
# payload of the stack, and in which step (Xen's).
Verdict = namedtuple("Verdict", "accepted status errno level step")


# ---- our verdict ---------------------------------------------------------------------------------

class Ours:
    """The hotpatch command, asked about many files in one run where the stack is the same."""

    def __init__(self, tool, target):
        self.command = [tool, "validate", "--json", "--profile", "xen-4.17", "--target", target]

    def ask(self, below, paths):
        """Verdicts by file, with the payloads of `below` applied before."""
        after = [word for path in below for word in ("--after", path)]
        done = subprocess.run([*self.command, *after, "--", *paths], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, check=False)
        if done.stderr or done.returncode not in (0, 1):
            raise RuntimeError(f"validate: status {done.returncode}: {done.stderr.decode()}")
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        return {row["file"]: row for row in rows}

    def judge(self, cases):
        """Verdict by name of case."""
        found, level = {}, 0
        open_cases = list(cases)
        while open_cases:
            stacks = {}
            for row in open_cases:
                stacks.setdefault(tuple(row.files[:level]), []).append(row)
            rest = []
            for below, rows in stacks.items():
                verdicts = self.ask(below, sorted({row.files[level] for row in rows}))
                for row in rows:
                    verdict = verdicts[row.files[level]]
                    if verdict["verdict"] == "refused":
                        found[row.name] = Verdict(False, verdict["status"],
                                                  ERRNO[verdict["errno"]], level, None)
                    elif level + 1 < len(row.files):
                        rest.append(row)
                    else:
                        found[row.name] = Verdict(True, None, None, None, None)
            open_cases, level = rest, level + 1
        return found


# ---- Xen's verdict -------------------------------------------------------------------------------

def xen_verdict(outcome):
    """What the steps of a case come to."""
    level = -1
    for verb, _, fields in outcome.rows:
        if verb == "read":
            continue
        level += verb == "upload"
        errno = int(fields["errno"]) or int(fields.get("rc", 0))
        if errno:
            return Verdict(False, None, errno, level, verb)
    if outcome.ended:
        return Verdict(False, outcome.ended, None, level, outcome.step.split()[0])
    return Verdict(True, None, None, None, None)


def behaves(row, outcome, first):
    """What is wrong with what was read back, in words; empty when it is as it must be."""
    reads = [(when, fields) for verb, when, fields in outcome.rows if verb == "read"]
    applied = [fields for when, fields in reads if when == "applied"]
    reverted = [fields for when, fields in reads if when == "reverted"]
    wrong = []
    for key, wanted in row.expect.items():
        key, _, moment = key.partition(" ")
        found = (reverted[0] if moment else applied[-1])[key]
        if not re.fullmatch(wanted, found):
            wrong.append(f"{key} is {found!r} instead of {wanted!r}")
    if not reverted or reverted[-1] != first:
        wrong.append("after reverting, the answers are not those from before")
    return wrong


# ---- comparing -----------------------------------------------------------------------------------

def document_rows(path, heading):
    """First cells of a table in the document: the words in backquotes of each row."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    part = text.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return [re.findall(r"`([^`]+)`", line.split("|")[1]) + re.findall(r"`([^`]+)`",
                                                                     line.split("|")[2])
            for line in part.splitlines() if line.startswith("| `")]


class Rules:
    """The tables of the document."""

    def __init__(self, path):
        self.stricter = {row[0] for row in document_rows(path, "Where we are stricter")}
        self.errnos = {tuple(row[:3]) for row in document_rows(path, "Other error numbers")}
        self.used = Counter()

    def compare(self, row, ours, xen, outcome, first, parts=()):
        """(kind, complaint or None) of a case; `parts`: our verdicts on its parts."""
        if ours.accepted and xen.accepted:
            wrong = behaves(row, outcome, first) if not row.runs else []
            return "both accept", "; ".join(wrong) or None
        if ours.accepted:
            ended = xen.status in ("crash", "hang", "stuck")
            # A number that Xen does not have comes from a hook of the payload's.
            if row.runs and xen.step != "upload" and (ended or xen.errno not in NAMES):
                return "both accept, its code fails", None
            return "wrong", f"we accept, Xen does not: {describe(xen)}"
        if xen.accepted or xen.status or xen.level > ours.level:
            # Xen takes it, or comes to grief over it: then ours is the better answer.
            self.used["stricter", ours.status] += 1
            kind = "stricter" if not xen.status else f"stricter, where Xen has a {xen.status}"
            if row.valid and ours.status != row.stricter:
                return kind, f"we refuse a valid payload: {describe(ours)}"
            if ours.status not in self.stricter:
                return kind, f"no reason is listed for {describe(ours)}; Xen: {describe(xen)}"
            return kind, None
        if xen.level < ours.level:
            return "wrong", f"we accept a payload below: {describe(ours)}, {describe(xen)}"
        if row.valid and ours.status != row.stricter:
            return "both refuse", f"a valid payload: {describe(ours)}, {describe(xen)}"
        if ours.errno == xen.errno:
            return "both refuse, same errno", None
        if any(part.errno == xen.errno for part in parts):
            return "both refuse, Xen for the other defect", None
        key = (ours.status, NAMES[ours.errno], NAMES.get(xen.errno, str(xen.errno)))
        self.used["errno", key] += 1
        if key not in self.errnos:
            return "both refuse, other errno", f"not listed: {key} in {xen.step}"
        return "both refuse, other errno", None


def describe(verdict):
    if verdict.accepted:
        return "accepted"
    errno = NAMES.get(verdict.errno, verdict.errno)
    return " ".join(str(word) for word in (verdict.status, errno, verdict.step) if word)


# ---- the campaign --------------------------------------------------------------------------------

def payloads(options, work):
    """The cases: valid and broken ones."""
    rng = random.Random(options.seed)
    maker = Maker(options.target, work, rng)
    base = broken.build_bases(maker, work)
    if options.fields:
        ours = Ours(options.tool, options.target)
        return [*broken.examples(base),
                *(row for name in ("hello", "hooks", "tables") for row in fields.accepted(
                    ours, rng, os.path.join(base, f"xen_{name}.livepatch"),
                    os.path.join(work, f"fields-{name}"), options.fields // 3))]
    valid = [*broken.examples(base), *packed(options.tool, options.target, work)]
    table = list(broken.from_table(maker, base, work))
    if options.sample:
        valid += maker.many()
        quiet = [row for row in table if row.name not in broken.CRASHES]
        return valid + rng.sample(quiet, max(0, options.sample - len(valid)))
    while len(valid) < options.count // 3:
        valid += maker.many(len(valid))
    valid.append(maker.idle_apply("idle-apply"))
    count = max(0, options.count - len(valid) - len(table))
    return valid + table + list(broken.at_random(maker, rng, valid, count))


def parse_arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=700)
    parser.add_argument("--sample", type=int, default=0)
    parser.add_argument("--fields", type=int, default=0)
    parser.add_argument("--keep", help="folder for the payloads and every verdict")
    parser.add_argument("--progress", action="store_true")
    for name in ("tool", "target", "boot", "init", "document"):
        parser.add_argument(name)
    return parser.parse_args()


def save(path, rows):
    with open(path, "w", encoding="utf-8") as file:
        for row, kind, ours, xen, complaint in rows:
            json.dump({"case": row.name, "kind": kind, "ours": describe(ours), "xen": describe(xen),
                       "complaint": complaint}, file)
            file.write("\n")


def with_parts(cases):
    """The cases, and those that they are broken into, which only we are asked about."""
    return [*cases, *(row._replace(name=path, files=[*row.files[:-1], path], parts=())
                      for row in cases for path in row.parts)]


def show_progress(found, done, count):
    """Says how far it is, and what took Xen down."""
    for name, outcome in found.items():
        if outcome.ended:
            print(f"{name}: {outcome.ended} in {outcome.step}", file=sys.stderr)
    print(f"{done} of {count}", file=sys.stderr, flush=True)


def run(options, work):
    rules = Rules(options.document)
    start = time.monotonic()
    cases = payloads(options, work)
    names = Counter(row.name for row in cases)
    if max(names.values()) > 1:
        sys.exit(f"names that stand twice: {[name for name in names if names[name] > 1]}")
    ours = Ours(options.tool, options.target).judge(with_parts(cases))
    # Whatever runs code of its own that may be garbage comes last, where it can spoil least.
    order = sorted(cases, key=lambda row: (not row.valid, row.runs))
    runs = [(row.name, row.files) for row in order]
    progress = show_progress if options.progress else None
    found, first = judge.judge(options.boot, options.init, runs, progress=progress)
    rows, again = [], []
    for row in order:
        outcome = found[row.name]
        xen = xen_verdict(outcome)
        parts = [ours[path] for path in row.parts]
        kind, complaint = rules.compare(row, ours[row.name], xen, outcome, first, parts)
        if complaint and (row.valid or kind in ("wrong", "both accept")):
            # Once more in a fresh boot, where nothing that ran before can be the reason.
            outcome = judge.judge(options.boot, options.init, [(row.name, row.files)])[0][row.name]
            xen = xen_verdict(outcome)
            kind, complaint = rules.compare(row, ours[row.name], xen, outcome, first, parts)
            again.append(row.name)
        rows.append((row, kind, ours[row.name], xen, complaint))
    report(rows, rules, again, time.monotonic() - start)
    if options.keep:
        save(os.path.join(work, "verdicts.json"), rows)
    return rows


def report(rows, rules, again, seconds):
    for row, kind, ours, xen, complaint in rows:
        if complaint:
            print(f"{row.name}: {kind}: {complaint}")
    kinds = Counter(kind for _, kind, _, _, _ in rows)
    files = sum(len(row.files) for row, *_ in rows)
    print(f"{len(rows)} cases of {files} payloads in {seconds:.0f} s, "
          f"{sum(row.valid for row, *_ in rows)} valid ones; judged again alone: {len(again)}")
    for kind, count in sorted(kinds.items()):
        print(f"  {kind}: {count}")
    for (table, key), count in sorted(rules.used.items(), key=str):
        print(f"  {table} {key}: {count}")


def main():
    options = parse_arguments()
    if options.keep:
        os.makedirs(options.keep, exist_ok=True)
        rows = run(options, options.keep)
    else:
        with tempfile.TemporaryDirectory() as work:
            rows = run(options, work)
    failed = sum(bool(complaint) for *_, complaint in rows)
    print(f"{len(rows) - failed} passed, {failed} failed")
    return 1 if failed or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
