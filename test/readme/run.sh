#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Compiles the first C block of README.md against the installed library and runs it on a good and on
# a damaged payload. The program takes the payload and the target and exits 0 when it is accepted.
# With --xen it also makes the payload that the README shows, and runs it in the real Xen, by the
# README's own commands.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0

# passes NAME COMMAND...: counts a test; the script ends with the first that fails.
passes() {
    local name=$1

    shift
    run_quiet "$@" || die "$name"
    passed=$((passed + 1))
}

# accepts, refuses ARGUMENT...: run the program; only status 1 is a refusal, a crash is none.
accepts() { "$work/example" "$@"; }
refuses() {
    local status=0

    "$work/example" "$@" || status=$?
    [ "$status" -eq 1 ]
}

# block LANGUAGE: the first block of README.md that is marked so.
block() {
    awk -v mark="\`\`\`$1" '$0 == mark { inside = 1; next } /^```/ && inside { exit } inside' \
        "$HP_ROOT/README.md"
}

# in_xen: the payload and the commands of README.md, in a folder that looks like the project's.
in_xen() {
    mkdir "$work/xen" && ln -s "$HP_ROOT"/{build,include,scripts,test} "$work/xen" &&
        block C >"$work/xen/hello.c" && block sh >"$work/xen/commands" &&
        grep -q 'hotpatch pack' "$work/xen/commands" &&
        (cd "$work/xen" && bash -euo pipefail ./commands) >"$work/said" &&
        grep -q '^  applied: .*Hello World' "$work/said" &&
        grep -q '^  reverted: ' "$work/said"
}

build_preset default
run_quiet cmake --install "$HP_ROOT/build" --prefix "$work/prefix"
PKG_CONFIG_PATH=$(dirname "$(find "$work/prefix" -name hotpatch-host.pc)")
export PKG_CONFIG_PATH

block c >"$work/example.c"
[ -s "$work/example.c" ] || die 'README.md has no C block'
# shellcheck disable=SC2046 # pkg-config's answer is words
passes 'the example compiles' "${CC:-gcc}" -std=c11 -Wall -Wextra -Werror -o "$work/example" \
    "$work/example.c" $(pkg-config --cflags --libs hotpatch-host)

# A target that has the function which the first example payload replaces.
run_quiet gcc -O2 -ffreestanding -fno-stack-protector -nostdlib -static -no-pie \
    -Wl,--build-id=sha1 -o "$work/target" "$HP_ROOT/test/readme/target.c"
run_quiet "$HP_ROOT/examples/payloads/build.sh" "$work/good" "$work/target" \
    "$HP_ROOT/examples/payloads/xen_hello.c"
head -c 200 "$work/good" >"$work/truncated"

passes 'the payload is accepted' accepts "$work/good" "$work/target"
passes 'a truncated payload is refused' refuses "$work/truncated" "$work/target"

if [ "${1-}" = --xen ]; then
    passes 'the payload is applied in the real Xen' in_xen
fi

printf '%d passed, 0 failed\n' "$passed"
