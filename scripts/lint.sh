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

# Files that only a target without a C library can compile are in the default build, too, so its
# compile_commands.json knows every file once as hosted code, or as freestanding code alone.
check_tidy() {
    local files

    [ -f build/compile_commands.json ] || build_preset default
    mapfile -t files < <(python3 - build/compile_commands.json <<'PYTHON'
import json
import sys

names = {entry["file"] for entry in json.load(open(sys.argv[1], encoding="utf-8"))}
print("\n".join(sorted(names)))
PYTHON
    )
    printf '%s\0' "${files[@]}" | xargs -0 -n 1 -P "$HP_JOBS" clang-tidy --quiet -p build
}

# Declarations stand at the top of their function here, so variableScope is left out.
check_cppcheck() {
    sources | grep '\.c$' | cppcheck --quiet --std=c11 --error-exitcode=1 --inline-suppr \
        --enable=warning,style,performance,portability \
        --suppress=missingIncludeSystem --suppress=variableScope \
        -DHP_WITH_SIGNATURES=1 -DHP_WITH_X86_64=1 -DHP_WITH_CONTROL=0 -DHP_WITH_SPLICES=0 \
        -I include -I src -I test -j "$HP_JOBS" --file-list=-
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
