#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# What a safe point costs while there is nothing to do: one load and one branch. run.sh
#
# idle.c is compiled by each compiler there is, and the way through its functions on which
# hp_safe_point_slow() is not called is read from the disassembly. Allowed on it, before the return:
#
#   - exactly one instruction that reads memory; on x86 it may compare what it reads (testb)
#   - exactly one branch, which is conditional
#   - one TEST (x86) or TST (Arm64) of a register; and on Arm64 the ADRP and ADD that make the
#     address of a global manager
#   - nothing that writes memory or the stack pointer, and no call
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"

HERE=$HP_ROOT/test/safepoint

# compiler  machine  disassembler  flags
VARIANTS='
gcc                   x86_64  objdump                    -O2 -fcf-protection=none
gcc                   x86_64  objdump                    -Os -fcf-protection=none
clang-19              x86_64  objdump                    -O2
clang-19              x86_64  objdump                    -Os
aarch64-linux-gnu-gcc aarch64 aarch64-linux-gnu-objdump  -O2
aarch64-linux-gnu-gcc aarch64 aarch64-linux-gnu-objdump  -Os
'

# check MACHINE DISASSEMBLY: walks the idle way of both functions.
check() {
    python3 - "$1" "$2" <<'PYTHON'
import re
import sys

machine, path = sys.argv[1:]
allowed = {
    "x86_64": {"load": r"(test|cmp|mov|movzx?)[bwl]?l?$", "compute": r"test[bwl]?$",
               "branch": r"j(e|ne)$", "return": r"ret", "jump": r"jmp$"},
    "aarch64": {"load": r"ldr$", "compute": r"(tst|adrp|add)$",
                "branch": r"(b\.(eq|ne)|cbn?z|tbn?z)$", "return": r"ret$", "jump": r"b$"},
}[machine]
memory = {"x86_64": r"\(", "aarch64": r"\["}[machine]


def functions(text):
    """Instructions by function: (address, mnemonic, operands, names a relocation to slow)."""
    found, name = {}, None
    for line in text:
        start = re.match(r"^[0-9a-f]+ <(\w+)>:", line)
        if start:
            name = start.group(1)
            found[name] = []
        elif re.match(r"^\s+[0-9a-f]+: R_", line):
            if "hp_safe_point_slow" in line:
                found[name][-1][3] = True
        else:
            line = re.sub(r"\s*(//|#).*", "", line)
            insn = re.match(r"^\s+([0-9a-f]+):\s+(\S+)\s*(.*)$", line)
            if insn and name:
                found[name].append([int(insn.group(1), 16), insn.group(2), insn.group(3), False])
    return found


def ways(code, index, way):
    """All ways through the code from an instruction on, as lists of instructions."""
    while index < len(code):
        insn = code[index]
        way = way + [insn]
        if insn[3] and re.match(allowed["branch"], insn[1]):
            return [way] + ways(code, index + 1, way[:-1] + [insn[:3] + [False]])
        if insn[3] or re.match(allowed["return"], insn[1]):
            return [way]
        target = re.match(r"(?:.*,\s*)?([0-9a-f]+) <", insn[2])
        if target and re.match(allowed["branch"] + "|" + allowed["jump"], insn[1]):
            to = [n for n, i in enumerate(code) if i[0] == int(target.group(1), 16)]
            if len(to) != 1:
                sys.exit(f"a jump out of the function: {insn}")
            if re.match(allowed["jump"], insn[1]):
                index = to[0]
                continue
            return ways(code, index + 1, way) + ways(code, to[0], way)
        index += 1
    sys.exit("the function does not end")


def judge(name, code):
    idle = [way for way in ways(code, 0, []) if not way[-1][3]]
    slow = [way for way in ways(code, 0, []) if way[-1][3]]
    if len(idle) != 1 or len(slow) != 1:
        return f"{len(idle)} idle and {len(slow)} slow ways"
    loads = branches = computes = 0
    for _, mnemonic, operands, _ in idle[0][:-1]:
        if re.search(memory, operands):
            if not re.match(allowed["load"], mnemonic) or (
                    machine == "x86_64" and mnemonic.startswith("mov") and
                    operands.rstrip().endswith(")")):
                return f"{mnemonic} {operands}"
            loads += 1
        elif re.match(allowed["branch"], mnemonic):
            branches += 1
        elif re.match(allowed["compute"], mnemonic):
            computes += 1
        elif machine == "x86_64" and mnemonic == "nop":
            continue
        else:
            return f"not allowed: {mnemonic} {operands}"
    limit = 3 if machine == "aarch64" and name == "of_the_manager" else 1
    if loads != 1 or branches != 1 or computes > limit:
        return f"{loads} loads, {branches} branches, {computes} other instructions"
    return None


with open(path, encoding="utf-8") as file:
    found = functions(file)
for name in ("by_pointer", "of_the_manager"):
    fault = judge(name, found[name])
    if fault:
        sys.exit(f"{name}: {fault}")
PYTHON
}

# safe_points COMPILER MACHINE DISASSEMBLER SOURCE FLAGS...: passes when both are as cheap as they
# should be.
safe_points() {
    local compiler=$1 machine=$2 disassembler=$3 source=$4

    shift 4
    run_quiet "$compiler" -std=c11 -fno-pie "$@" -I "$HP_ROOT/include" -c -o "$work/idle.o" "$source" &&
        "$disassembler" -dr --no-show-raw-insn "$work/idle.o" >"$work/idle.txt" &&
        check "$machine" "$work/idle.txt" || {
        cat "$work/idle.txt"
        return 1
    }
}

[ $# -eq 0 ] || die 'usage: run.sh'
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

report() {
    if [ "$1" -eq 0 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'FAIL  %s\n' "$2"
    fi
}

while read -r compiler machine disassembler flags; do
    case $compiler in '') continue ;; esac
    if [ "$compiler" = clang-19 ] || [ "$compiler" = aarch64-linux-gnu-gcc ]; then
        command -v "$compiler" >/dev/null || continue
    fi
    [ "$machine" != x86_64 ] || [ "$(uname -m)" = x86_64 ] || continue
    status=0
    # shellcheck disable=SC2086 # flags are words
    safe_points "$compiler" "$machine" "$disassembler" "$HERE/idle.c" $flags || status=$?
    report "$status" "$compiler $flags"
    case $flags in -O2*) ;; *) continue ;; esac
    # The look must see what costs more: a second load, a store, a call.
    for worse in 'safepoint->word + safepoint->word' 'safepoint->word++' 'other(), safepoint->word'; do
        {
            printf '#include <hotpatch/safepoint.h>\nint other(void);\n'
            printf 'void by_pointer(volatile struct hp_safepoint *safepoint) {\n'
            printf 'if (((%s) & 3) != 0) hp_safe_point_slow((struct hp_safepoint *)safepoint); }\n' "$worse"
            printf 'void of_the_manager(struct hp_safepoint *safepoint) { hp_safe_point(safepoint); }\n'
        } >"$work/worse.c"
        status=0
        # shellcheck disable=SC2086 # flags are words
        ! safe_points "$compiler" "$machine" "$disassembler" "$work/worse.c" $flags \
            >/dev/null 2>&1 || status=1
        report "$status" "$compiler $flags: \"$worse\" is found out"
    done
done <<<"$VARIANTS"
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
