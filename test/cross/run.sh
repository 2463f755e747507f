#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Runs the unit tests on Arm64 and on 32-bit Arm, under QEMU: run.sh [BUILD_DIR]
#
# Debian's cmocka for these would ask for a second architecture in the machine's package sources, so
# the tests are built with the few functions of it that they use (cmocka.c).
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"

work=${1:-}
if [ -z "$work" ]; then
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
fi

# run_on TRIPLET EMULATOR...: builds and runs the tests for one processor.
run_on() {
    local triplet=$1 dir=$work/$1

    shift
    run_quiet cmake -S "$HP_ROOT/test/cross" -B "$dir" -G Ninja -DCMAKE_SYSTEM_NAME=Linux \
        -DCMAKE_C_COMPILER="$triplet-gcc" -DCMAKE_BUILD_TYPE=None -DCMAKE_C_FLAGS='-O1' \
        -DHP_WERROR=ON -DCMAKE_CROSSCOMPILING_EMULATOR="$(IFS=';' && echo "$*")"
    run_quiet cmake --build "$dir" --parallel "$HP_JOBS" -- --quiet
    ctest --test-dir "$dir" --parallel "$HP_JOBS" --no-tests=error --timeout 300 --verbose ||
        failed=1
}

cd "$HP_ROOT"
failed=0
{
    run_on aarch64-linux-gnu qemu-aarch64 -cpu max
    run_on arm-linux-gnueabihf qemu-arm -cpu max
    exit "$failed"
} | awk -f scripts/ctest.awk
