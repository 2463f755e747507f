#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Compares what the headers ask of a port with what is said about it: each hp_port_*() function that
# they declare has a place in a heading of docs/PORTING.md and in port/template, in one order, and
# neither has one that there is not. Adds an architecture as that document says.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"

cd "$HP_ROOT"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0

# same WHAT FILE FILE
same() {
    if diff -u "$work/$2" "$work/$3" >"$work/difference"; then
        passed=$((passed + 1))
    else
        printf 'FAIL  %s\n' "$1"
        cat "$work/difference"
        failed=$((failed + 1))
    fi
}

# names_in FILE...: the port functions named there, each at its first place.
names_in() {
    grep -ohE '\bhp_port_[a-z_]+' "$@" | awk '!seen[$0]++'
}

# The declarations, as the compiler sees them.
for header in port control; do
    printf '#include <hotpatch/%s.h>\n' "$header" | "${CC:-cc}" -E -P -I include -x c - |
        tr '\n' ' ' | grep -oE '\bhp_port_[a-z_]+ *\(' | tr -d ' ('
done | sort -u >"$work/declared"
[ "$(wc -l <"$work/declared")" -ge 30 ] || die "hardly any declarations were found"

grep '^## ' docs/PORTING.md | names_in - >"$work/headings"
names_in port/template/port.c port/template/control.c | grep -v 'hp_port_\*' >"$work/template"
grep -ohE '^[a-z].*\bhp_port_[a-z_]+\(' port/template/*.c port/default/*.c |
    grep -oE 'hp_port_[a-z_]+' | sort -u >"$work/defined"
for list in headings template; do
    sort "$work/$list" >"$work/$list.sorted"
done

same 'docs/PORTING.md has a heading for each function' declared headings.sorted
same 'port/template names each function' declared template.sorted
same 'port/template and port/default define each function' declared defined

# Those with a default are not for the template to define, and stand at its end.
names_in port/default/*.c | sort >"$work/defaults"
for list in headings template; do
    grep -vxFf "$work/defaults" "$work/$list" >"$work/$list.own"
done
same 'docs/PORTING.md and port/template have them in one order' headings.own template.own

# What an embedder gets wrong is told with each of them.
awk '/^## / { if (name != "" && !told) print name
              name = /`hp_port_/ ? $0 : ""; told = 0 }
     /^Usual mistakes: / { told = 1 }' docs/PORTING.md >"$work/untold"
: >"$work/nothing"
same 'every section on functions of the port tells the usual mistakes' nothing untold

# adds_architecture: the sources of one and its entry in the list are all that it takes. It is RISC-V
# under another name and machine number.
adds_architecture() {
    local tree=$work/tree part

    mkdir "$tree"
    cp -r CMakeLists.txt cmake include src port "$tree"
    for part in '' _branch; do
        sed 's/riscv64/novel/g; s/= HP_EM_RISCV,/= 0x4e4f,/' "src/arch/riscv64$part.c" \
            >"$tree/src/arch/novel$part.c"
    done
    printf '\n#if !defined(HP_WITH_NOVEL) || HP_WITH_NOVEL\nHP_ARCH(novel)\n#endif\n' \
        >>"$tree/src/arch/list.h"
    run_quiet cmake -S "$tree" -B "$work/build" -G Ninja -DCMAKE_BUILD_TYPE=None \
        -DHP_FREESTANDING_ONLY=ON -DHP_WERROR=ON
    grep -q '^HP_WITH_NOVEL:BOOL=ON$' "$work/build/CMakeCache.txt"
    run_quiet cmake --build "$work/build" --parallel "$HP_JOBS" -- --quiet
    cat >"$work/ask.c" <<'TEXT'
#include <hotpatch/elf.h>
#include <stdio.h>
int main(void)
{
    const char *name = hp_machine_name(0x4e4f);

    return name != NULL && hp_machine_name(HP_EM_RISCV) != NULL && puts(name) > 0 ? 0 : 1;
}
TEXT
    "${CC:-cc}" -no-pie -I include -o "$work/ask" "$work/ask.c" "$work/build/lib/libhotpatch.a" \
        -Wl,--unresolved-symbols=ignore-all
    [ "$("$work/ask")" = 'RISC-V 64' ]
}

# Not as a condition, which would switch errexit off inside.
set +e
(
    set -e
    adds_architecture
)
status=$?
set -e
if [ "$status" -eq 0 ]; then
    passed=$((passed + 1))
else
    printf 'FAIL  an architecture is its files and its entry in the list\n'
    failed=$((failed + 1))
fi

printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
