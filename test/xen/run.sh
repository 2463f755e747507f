#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Judges payloads for Debian's real Xen, and compares every result with what binutils say.
#
#   run.sh [--quick]     --quick leaves out other load addresses and other ways to compile
#
# Environment: HOTPATCH names the tool (build/bin/hotpatch). Ends with "N passed, N failed".
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"

here=$HP_ROOT/test/xen
sources=$HP_ROOT/examples/payloads
hotpatch=$(realpath "${HOTPATCH:-$HP_ROOT/build/bin/hotpatch}")
quick=no
passed=0
failed=0

case ${1:-} in
'') ;;
--quick) quick=yes ;;
*)
    echo "usage: run.sh [--quick]" >&2
    exit 2
    ;;
esac
[ -x "$hotpatch" ] || die "$hotpatch is not built"
target=$("$HP_ROOT/scripts/xen.sh")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/payloads" "$work/mutants"
export PYTHONDONTWRITEBYTECODE=1

# check NAME COMMAND...: one test; shows the command's output when it fails.
check() {
    local name=$1

    shift
    if "$@" >"$work/log" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'FAIL %s\n' "$name"
        sed 's/^/    /' "$work/log"
    fi
}

# counted COMMAND...: a runner that ends with "N passed, N failed"; its counts are added.
counted() {
    local status=0 good=0 bad=0 line

    "$@" >"$work/log" 2>&1 || status=$?
    line=$(tail -n 1 "$work/log")
    if [[ $line =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
        good=${BASH_REMATCH[1]}
        bad=${BASH_REMATCH[2]}
        sed '$d' "$work/log"
    else
        cat "$work/log"
    fi
    if [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; then
        bad=1
    fi
    passed=$((passed + good))
    failed=$((failed + bad))
}

# payload NAME: the path of a payload that was built.
payload() {
    echo "$work/payloads/xen_$1.livepatch"
}

# build NAME ARGUMENT...: builds a payload from sources or options.
build() {
    local name=$1

    shift
    check "build $name" "$sources/build.sh" "$(payload "$name")" "$target" "$@"
}

# says STATUS TEXT COMMAND...: the command exits with that status and prints exactly that.
says() {
    local wanted=$1 text=$2 status=0 output

    shift 2
    output=$("$@" 2>&1) || status=$?
    if [ "$status" -ne "$wanted" ] || [ "$output" != "$text" ]; then
        printf 'status %d, must be %d; printed:\n%s\nmust be:\n%s\n' \
            "$status" "$wanted" "$output" "$text"
        return 1
    fi
}

# accepted NAME OPTION...: validate says so, and nothing else.
accepted() {
    local file

    file=$(payload "$1")
    shift
    says 0 "$file: accepted" "$hotpatch" validate --target "$target" "$@" "$file"
}

# refused STATUS NAME OPTION...: validate says so, with a reason.
refused() {
    local status=$1 file output

    file=$(payload "$2")
    shift 2
    output=$("$hotpatch" validate --target "$target" "$@" "$file") && return 1
    [[ $output == "$file: refused: $status: "* ]] || {
        echo "$output"
        return 1
    }
}

# lists NAME LINE...: inspect shows these tables with their numbers of entries.
lists() {
    local file output

    file=$(payload "$1")
    shift
    {
        "$hotpatch" inspect "$file" | sed -n '/^tables$/,/^$/s/^  //p' | tr -s ' '
        "$hotpatch" inspect --json "$file" | python3 -c 'import json, sys
for table in json.load(sys.stdin)["tables"]:
    print(table["section"], table["entries"])'
    } >"$work/listed"
    output=$(cat "$work/listed")
    [ "$output" = "$(printf '%s\n' "$@" "$@")" ] || {
        echo "$output"
        return 1
    }
}

# agrees plan|link NAME OPTION...: the command says what binutils say.
agrees() {
    local kind=$1 name=$2

    shift 2
    python3 "$here/compare.py" "$kind" "$hotpatch" "$target" "$(payload "$name")" "$@"
}

for name in hello expect nop endbr hooks two; do
    build "$name" "$sources/xen_$name.c"
done
build stacked --depends-on "$(payload hello)" "$sources/xen_stacked.c"
build tables "$sources/xen_hello.c" "$here/tables.S"
build relocs "$sources/xen_hello.c" "$here/relocs.S" "$here/absolute.S"

for name in hello expect nop endbr hooks two relocs; do
    check "validate $name" accepted "$name"
    check "link $name" agrees link "$name"
done
for name in hello expect nop endbr two relocs; do
    check "plan $name" agrees plan "$name"
done
for name in hello expect nop endbr hooks; do
    check "validate $name as Xen 4.17" accepted "$name" --profile xen-4.17
done
undecided="(not decidable offline: 4 alternatives)"
for profile in xen-4.17 hotpatch; do
    check "validate tables as $profile" says 0 "$(payload tables): accepted $undecided" \
        "$hotpatch" validate --target "$target" --profile "$profile" "$(payload tables)"
done
check "link tables" agrees link tables
check "tables are listed" lists tables '.altinstructions 4' '.ex_table 2' '.bug_frames.0 1' \
    '.bug_frames.1 1' '.bug_frames.2 1' '.bug_frames.3 1'
check "validate stacked" accepted stacked --after "$(payload hello)"
check "link stacked" agrees link stacked --after "$(payload hello)"
check "stacked alone" refused depends-build-id stacked
check "relocs as Xen 4.17" refused reloc-type relocs --profile xen-4.17
unchecked="(not checked without --target: target build-id, symbols, code bytes)"
check "without target" says 0 "$(payload hello): accepted $unchecked" \
    "$hotpatch" validate "$(payload hello)"
check "unreadable payload" says 2 "hotpatch: $work/none: No such file or directory" \
    "$hotpatch" validate --target "$target" "$work/none"

if [ "$quick" = no ]; then
    # Just below and above the image, at both ends of the reach, and on no page boundary.
    for base in 0xffff82d03fff0000 0xffff82d050000000 0xffff82cfd0000000 0xffff82d0a0000000 \
        0xffff82d0500007f3; do
        for name in hello nop endbr two relocs; do
            check "plan $name at $base" agrees plan "$name" --base "$base"
            check "link $name at $base" agrees link "$name" --base "$base"
        done
    done
    # Another compiler orders sections, symbols and strings in its own way.
    if command -v clang-19 >/dev/null; then
        for name in hello hooks two; do
            export CC=clang-19
            build "$name-clang" "$sources/xen_$name.c"
            unset CC
            check "validate $name by clang" accepted "$name-clang"
            check "link $name by clang" agrees link "$name-clang"
        done
    fi
    # Debug information, no optimisation, plain GOTPCREL, landing pads, a section for each function.
    for flags in -g -O0 -Wa,-mrelax-relocations=no -fcf-protection=branch \
        '-ffunction-sections -fdata-sections'; do
        for name in hello two; do
            export PAYLOAD_CFLAGS=$flags
            build "$name-again" "$sources/xen_$name.c"
            unset PAYLOAD_CFLAGS
            check "validate $name $flags" accepted "$name-again"
            check "plan $name $flags" agrees plan "$name-again"
            check "link $name $flags" agrees link "$name-again"
        done
    done
fi

counted python3 "$here/mutants.py" "$hotpatch" "$target" "$work/payloads" "$work/mutants"

printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
