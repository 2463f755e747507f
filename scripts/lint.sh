#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Static checks of the sources: lint.sh CHECK...
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

usage() {
    cat <<'TEXT'
usage: lint.sh CHECK...
  format    clang-format finds nothing to change
  tidy      clang-tidy on every C file of the default build
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

# Every file of the default build, which is compiled by gcc with warnings that clang does not know.
check_tidy() {
    local files

    build_preset default
    mapfile -t files < <(python3 - build/compile_commands.json <<'PYTHON'
import json
import sys

with open(sys.argv[1], encoding="utf-8") as database:
    print("\n".join(sorted({entry["file"] for entry in json.load(database)})))
PYTHON
    )
    printf '%s\0' "${files[@]}" | xargs -0 -n 1 -P "$HP_JOBS" clang-tidy --quiet -p build \
        --extra-arg=-Wno-unknown-warning-option 2>&1 | sed '/^[0-9]* warnings* generated\.$/d'
}

# Left out: variableScope, since declarations stand at the top of their function here;
# of the tests and examples, what it takes a pointer for that it cannot follow (unreadVariable,
# uninitvar, arrayIndex, unsignedLessThanZero), layouts that hardware and linkers give
# (unusedStructMember, comparePointers), names of functions for variables (shadow);
# nullPointerArithmeticRedundantCheck, which does not know that out_of_memory() does not return;
# knownConditionTrueFalse, which takes unsigned differences for positive; constParameter, which
# clang-tidy checks, too, and which does not know that a callback's type is given.
check_cppcheck() {
    sources | grep '\.c$' | cppcheck --quiet --std=c11 --error-exitcode=1 --inline-suppr \
        --enable=warning,style,performance,portability \
        --suppress=missingIncludeSystem --suppress=variableScope \
        --suppress=knownConditionTrueFalse --suppress=constParameter \
        --suppress='redundantAssignment:test/*' --suppress='memleakOnRealloc:test/*' \
        --suppress='unreadVariable:test/support/*' --suppress='uninitvar:test/unit/*' \
        --suppress='unsignedLessThanZero:test/*' --suppress='unusedStructMember:test/*' \
        --suppress='shadowFunction:test/*' --suppress='shadowVariable:test/*' \
        --suppress='shadowFunction:examples/*' \
        --suppress='unusedStructMember:examples/*' --suppress='comparePointers:examples/*' \
        --suppress='arrayIndexOutOfBounds:examples/*' \
        --suppress='arrayIndexThenCheck:examples/*' --suppress='unreadVariable:examples/*' \
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
