#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Reports size and stack of the freestanding library: text, data and bss of each object and of each
# combination of switches, and the deepest stack of the load path. Environment: CC (gcc).
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# name  optimisation  CMake options
VARIANTS='
all-O2            O2
all-Os            Os
no-signatures-O2  O2  -DHP_WITH_SIGNATURES=OFF
no-signatures-Os  Os  -DHP_WITH_SIGNATURES=OFF
'
LOAD_PATH=(hp_payload_load hp_plan_capture hp_validate hp_payload_unload hp_signature_verify)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# build NAME LEVEL OPTIONS...: the library in $work/NAME, with gcc's call graphs beside its objects.
build() {
    local name=$1 level=$2

    shift 2
    run_quiet cmake -S "$HP_ROOT" -B "$work/$name" -G Ninja -DCMAKE_C_COMPILER="${CC:-gcc}" \
        -DCMAKE_BUILD_TYPE=None -DHP_FREESTANDING_ONLY=ON -DHP_WERROR=ON \
        -DCMAKE_C_FLAGS="-$level -fcallgraph-info=su" "$@"
    run_quiet cmake --build "$work/$name" --parallel "$HP_JOBS" -- --quiet
}

# sizes LIBRARY: "text data bss object" of each object, then of all; data is what stays writable.
sizes() {
    size -A "$1" | awk '
        /^[^ ]+ +:|^[^ ]+ +\(ex / { object = $1; objects[++count] = object }
        $1 ~ /^\.(text|rodata|data\.rel\.ro)/ { text[object] += $2 }
        $1 ~ /^\.data/ && $1 !~ /^\.data\.rel\.ro/ { data[object] += $2 }
        $1 ~ /^\.bss/ { bss[object] += $2 }
        END {
            for (i = 1; i <= count; i++) {
                o = objects[i]
                printf "%d %d %d %s\n", text[o], data[o], bss[o], o
                t += text[o]; d += data[o]; b += bss[o]
            }
            printf "%d %d %d total\n", t, d, b
        }'
}

cd "$HP_ROOT"
while read -r name level options; do
    [ -n "$name" ] || continue
    # shellcheck disable=SC2086 # options are words
    build "$name" "$level" $options
    sizes "$work/$name/lib/libhotpatch.a" >"$work/$name.sizes"
    sizes "$work/$name/lib/libhotpatch-defaults.a" >"$work/$name.defaults"
done <<<"$VARIANTS"

printf 'freestanding library, %s, %s -O2, bytes\n' \
    "$(uname -m)" "$("${CC:-gcc}" --version | head -n 1)"
printf '%8s %6s %6s  %s\n' text data bss object
while read -r text data bss object; do
    printf '%8d %6d %6d  %s\n' "$text" "$data" "$bss" "${object%.c.o}"
done <"$work/all-O2.sizes"

printf '\n%8s %6s %6s  %s\n' text data bss switches
while read -r name level options; do
    [ -n "$name" ] || continue
    read -r text data bss _ < <(tail -n 1 "$work/$name.sizes")
    printf '%8d %6d %6d  -%s %s\n' "$text" "$data" "$bss" "$level" "$options"
    [ $((data + bss)) -eq 0 ] || die "$name has writable data"
done <<<"$VARIANTS"

printf '\n%8s %6s %6s  %s\n' text data bss 'object of the archive of defaults, -O2'
while read -r text data bss object; do
    printf '%8d %6d %6d  %s\n' "$text" "$data" "$bss" "${object%.c.o}"
    [ $((data + bss)) -eq 0 ] || die "$object has writable data"
done <"$work/all-O2.defaults"

printf '\nstack of the load path, without what the port uses\n'
python3 scripts/stack.py "$work/all-O2" "${LOAD_PATH[@]}"
