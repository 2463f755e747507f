#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Static checks of the sources: lint.sh CHECK...
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

usage() {
    cat <<'TEXT'
usage: lint.sh CHECK...
  format    clang-format finds nothing to change
  tidy      clang-tidy on every C file of the default build and of the minivisor
  cppcheck  cppcheck on every C file
  man       mandoc on the manual pages
  shell     shellcheck on the scripts
TEXT
}

sources() {
    find include src port tools test examples -name '*.[ch]' | sort
}

check_format() {
    sources | xargs clang-format --dry-run --Werror
}

# tidy_build DIR FOLDER OPTION...: every C file below FOLDER that a build compiles, by gcc with
# warnings that clang does not know. Once each: clang-tidy would check a file of two libraries twice.
tidy_build() {
    local once=$1/tidy

    mkdir -p "$once"
    python3 - "$1/compile_commands.json" "$HP_ROOT/$2" "$once/compile_commands.json" <<'PYTHON' |
import json
import sys

with open(sys.argv[1], encoding="utf-8") as database:
    entries = {entry["file"]: entry for entry in json.load(database)
               if entry["file"].startswith(sys.argv[2]) and entry["file"].endswith(".c")}
with open(sys.argv[3], "w", encoding="utf-8") as database:
    json.dump(list(entries.values()), database)
print("\0".join(sorted(entries)), end="")
PYTHON
        xargs -0 -n 1 -P "$HP_JOBS" clang-tidy --quiet -p "$once" \
            --extra-arg=-Wno-unknown-warning-option "${@:3}" 2>&1 |
        sed '/^[0-9]* warnings* generated\.$/d'
}

# The default build, and the minivisor of this machine's kind, whose gcc's headers clang cannot read.
check_tidy() {
    build_preset default
    tidy_build build ''
    scripts/minivisor.sh --configure
    tidy_build build-minivisor/x86_64 examples/ \
        --extra-arg-before=-isystem"$(clang-19 -print-resource-dir)/include"
}

# Left out: variableScope, since declarations stand at the top of their function here;
# of the tests, what it takes a pointer for that it cannot follow (unreadVariable, uninitvar,
# unsignedLessThanZero) and names of functions for variables (shadow); of tests and the minivisor
# unusedStructMember, since processors, firmware and linkers lay out some structures;
# nullPointerArithmeticRedundantCheck, which does not know that out_of_memory() does not return;
# knownConditionTrueFalse, which takes unsigned differences for positive; constParameter, which
# clang-tidy checks, too, and which does not know that a callback's type is given.
check_cppcheck() {
    sources | grep '\.c$' | cppcheck --quiet --std=c11 --error-exitcode=1 --inline-suppr \
        --enable=warning,style,performance,portability \
        --suppress=missingIncludeSystem --suppress=variableScope \
        --suppress=knownConditionTrueFalse --suppress=constParameter \
        --suppress='unusedStructMember:examples/minivisor/*' \
        --suppress='redundantAssignment:test/*' --suppress='memleakOnRealloc:test/*' \
        --suppress='unreadVariable:test/*' --suppress='uninitvar:test/unit/*' \
        --suppress='unsignedLessThanZero:test/*' --suppress='unusedStructMember:test/*' \
        --suppress='shadowFunction:test/*' --suppress='shadowVariable:test/*' \
        --suppress=nullPointerArithmeticRedundantCheck \
        -D__x86_64__=1 -DHP_WITH_SIGNATURES=1 -DHP_WITH_X86_64=1 -DHP_WITH_CONTROL=1 -DHP_WITH_SPLICES=1 \
        -I include -I src -I test -I test/support -j "$HP_JOBS" --file-list=-
}

check_man() {
    mandoc -T lint -W warning docs/*.1
}

# lib.sh is found by a computed path (SC1091); "A && B || die" is meant as it reads (SC2015).
check_shell() {
    { printf '%s\n' .ci/run; find scripts test examples -name '*.sh'; } | sort |
        xargs shellcheck --severity=style --exclude=SC1091,SC2015
}

if [ $# -eq 0 ]; then
    usage >&2
    exit 2
fi
cd "$HP_ROOT"
for check in "$@"; do
    case $check in
    format | tidy | cppcheck | man | shell) "check_$check" ;;
    -h | --help) usage ;;
    *)
        usage >&2
        exit 2
        ;;
    esac
done
