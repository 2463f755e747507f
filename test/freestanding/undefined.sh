#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Builds the freestanding libraries in several variants, with no header of a C library in reach but four
# declarations, and checks what they ask of an embedder: undefined.sh [--quick | --cross | --all]
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"

HERE=$HP_ROOT/test/freestanding

# compiler  target (- for that of this machine)  flags, joined by commas  CMake options
variants() {
    local compiler level option arch only
    local switches='HP_WITH_SIGNATURES HP_WITH_CONTROL HP_WITH_SPLICES HP_WITH_X86_64 HP_WITH_ARM64'
    local foreign='i386-linux-gnu;-O0 i386-linux-gnu;-Os aarch64-linux-gnu;-O0 aarch64-linux-gnu;-Os
        arm-linux-gnueabihf;-march=armv7ve,-O0 arm-linux-gnueabihf;-march=armv7ve,-Os
        riscv64-linux-gnu;-O0 riscv64-linux-gnu;-Os'

    # The library runs inside a hypervisor of any word size; libgcc must not be needed in any. The
    # Arm architecture that can run a hypervisor is ARMv7VE, which has a divide instruction.
    if [ -n "$cross" ]; then # each with the one architecture that it is for
        for arch in 'aarch64-linux-gnu -mno-outline-atomics ARM64' \
            'arm-linux-gnueabihf -march=armv7ve+fp ARM' 'riscv64-linux-gnu -fno-pic RISCV64' \
            'x86_64-linux-gnu -fno-pic,-mcmodel=kernel X86_64'; do
            read -r compiler option arch <<<"$arch"
            only=$(sed -n 's/^HP_ARCH(\(.*\))$/-DHP_WITH_\U\1=OFF/p' "$HP_ROOT/src/arch/list.h" |
                grep -v "_$arch=" | tr '\n' ' ')
            printf '%s\n' "$compiler-gcc $compiler $option,-Os $only"
            # Where 64 bits are two words, unoptimised code asks for more.
            [ "$arch" != ARM ] || printf '%s\n' "$compiler-gcc $compiler $option,-O0 $only"
        done
        return
    fi
    if [ -n "$quick" ]; then
        printf '%s\n' 'gcc - -O2' 'clang-19 i386-linux-gnu -O2'
        return
    fi
    if [ -n "$all" ]; then
        for compiler in gcc clang-19; do
            for level in -O0 -O1 -O2 -O3 -Os; do
                printf '%s\n' "$compiler - $level"
                for option in $switches HP_NO_RED_ZONE; do
                    printf '%s\n' "$compiler - $level -D$option=OFF"
                done
                printf '%s\n' "$compiler - $level -DHP_PIE=ON"
            done
        done
        for option in $foreign; do
            printf 'clang-19 %s\n' "${option//;/ }"
        done
        return
    fi
    printf '%s\n' 'gcc - -O0' 'gcc - -O2' 'clang-19 - -Os' 'clang-19 - -O2 -DHP_PIE=ON'
    # What a switch leaves out is asked for nowhere; unoptimised, nothing hides that it is.
    printf 'gcc - -O0 %s\n' '-DHP_WITH_SIGNATURES=OFF' '-DHP_WITH_CONTROL=OFF -DHP_WITH_SPLICES=OFF' \
        '-DHP_WITH_X86_64=OFF -DHP_NO_RED_ZONE=OFF'
    printf 'clang-19 %s\n' 'i386-linux-gnu -O0' 'i386-linux-gnu -Os' 'aarch64-linux-gnu -Os'
}

# build DIR COMPILER TARGET FLAGS OPTIONS...: the libraries in DIR/lib.
build() {
    local dir=$1 compiler=$2 target=$3 flags=$4 own

    shift 4
    own=$("$compiler" -print-file-name=include)
    if [ "$target" != - ]; then
        set -- "$@" -DCMAKE_C_COMPILER_TARGET="$target" -DCMAKE_SYSTEM_NAME=Generic
    fi
    run_quiet cmake -S "$HP_ROOT" -B "$dir" -G Ninja -DCMAKE_C_COMPILER="$compiler" \
        -DCMAKE_BUILD_TYPE=None -DHP_FREESTANDING_ONLY=ON -DHP_WERROR=ON \
        -DCMAKE_C_FLAGS="${flags//,/ } -nostdinc -isystem $own -isystem $HERE/include" "$@"
    run_quiet cmake --build "$dir" --parallel 1 -- --quiet
}

# allowed_symbols HEADER...: what may be left undefined: four functions and the port as in HEADERs.
allowed_symbols() {
    printf '%s\n' memcpy memmove memset memcmp
    (cd "$HP_ROOT/include/hotpatch" && grep -ohE '\bhp_port_[a-z_]+\(' "$@") | tr -d '('
}

# check SYMBOL HEADERS LIBRARY...: fails and tells why when the libraries together do not define
# SYMBOL, ask for more than the port functions of HEADERS (words), or have writable data. Read, not
# linked, so that it works for targets which this machine has no linker for.
check() {
    local symbol=$1 headers=$2 symbols undefined writable

    shift 2
    symbols=$(readelf -sW "$@" | awk 'NF == 8 && $1 ~ /^[0-9]+:$/ {
        if ($7 == "COM") { print "common", $8 }
        else if ($7 == "UND") { print "undefined", $8 }
        else if ($5 != "LOCAL") { print "defined", $8 } }' | sort -u)
    undefined=$({
        # shellcheck disable=SC2086 # headers are words
        allowed_symbols $headers | sed 's/^/allowed /'
        printf '%s\n' "$symbols"
    } | awk '$1 == "allowed" || $1 == "defined" { known[$2] = 1 }
             $1 == "common" { print }
             $1 == "undefined" && !known[$2] { print }')
    grep -q "^defined $symbol\$" <<<"$symbols" || undefined="$symbol is not in $1"
    # Constants that hold pointers are data only until whoever loads a PIE has relocated it.
    writable=$(readelf -SW "$@" | sed -n 's/^ *\[ *[0-9]*\] //p' |
        awk '$7 ~ /W/ && $1 !~ /^\.data\.rel\.ro/ && $5 !~ /^0+$/ {
            print "writable section", $1, "of 0x" $5 " bytes" }')
    if [ -n "$undefined$writable" ]; then
        printf '%s\n' "$undefined" "$writable" | sed '/^$/d'
        return 1
    fi
}

# check_all DIR: checks each library of a build.
check_all() {
    local lib=$1/lib

    check hp_payload_load port.h "$lib/libhotpatch.a" &&
        check hp_port_relax port.h "$lib/libhotpatch-defaults.a" &&
        { grep -qx 'HP_WITH_CONTROL:[A-Z]*=OFF' "$1/CMakeCache.txt" ||
            check hp_control 'port.h control.h' "$lib/libhotpatch-control.a" "$lib/libhotpatch.a"; }
}

# check_registers LIBRARY: fails when x86 code uses vector or floating-point registers.
check_registers() {
    local uses

    uses=$(objdump -d --no-show-raw-insn "$1" | grep -E '%[xyz]mm|%st\b|%st\(' | head -n 5 || true)
    if [ -n "$uses" ]; then
        printf 'vector or floating-point registers:\n%s\n' "$uses"
        return 1
    fi
}

# refused OPTION...: the configuration must fail with the project's own words.
refused() {
    ! cmake -S "$HP_ROOT" -B "$work/refused" -G Ninja -DHP_FREESTANDING_ONLY=ON "$@" \
        >"$work/refused.log" 2>&1 &&
        grep -q 'At least one architecture' "$work/refused.log"
}

quick='' cross='' all=''
case $* in
'') ;;
--quick) quick=yes ;;
--cross) cross=yes ;;
--all) # several minutes; no step of test.sh, which would have installed the compilers
    all=yes
    install_packages build clang
    ;;
*) die 'usage: undefined.sh [--quick | --cross | --all]' ;;
esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

# report STATUS NAME: counts a test and names it when it failed.
report() {
    if [ "$1" -eq 0 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'FAIL  %s\n' "$2"
    fi
}

# try_variant DIR COMPILER TARGET FLAGS OPTIONS...: builds and checks one, with its log and, when it
# has passed, a file of that name in DIR.
try_variant() {
    local dir=$1 target=$3

    if build "$@" && check_all "$dir" &&
        { [ "$target" != - ] || check_registers "$dir/lib/libhotpatch.a"; }; then
        touch "$dir/passed"
    fi
}

# Variants side by side, since much of each is work for one processor.
count=0
while read -r -a variant; do
    dir=$work/$count
    mkdir "$dir"
    printf '%s\n' "${variant[*]}" >"$dir/variant"
    [ "$count" -lt "$HP_JOBS" ] || wait -n
    try_variant "$dir" "${variant[@]}" >"$dir/log" 2>&1 &
    count=$((count + 1))
done < <(variants)
wait
for ((n = 0; n < count; n++)); do
    status=0
    [ -e "$work/$n/passed" ] || status=1
    report "$status" "$(cat "$work/$n/variant")"
    [ "$status" -eq 0 ] || cat "$work/$n/log"
done

# No architecture at all.
no_architecture=$(sed -n 's/^HP_ARCH(\(.*\))$/-DHP_WITH_\U\1=OFF/p' "$HP_ROOT/src/arch/list.h")
status=0
# shellcheck disable=SC2086 # options are words
refused ${no_architecture//$'\n'/ } || status=$?
report "$status" "no architecture must be refused"

printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
