#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Boots a machine without an operating system, x86-64 and Arm64, in which the freestanding library
# checks a signature, and refuses each change of one bit of it (sign.c).
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"

HERE=$HP_ROOT/test/qemu
FLAGS=(-std=c11 -O2 -ffreestanding -fno-pie -fno-stack-protector -fno-asynchronous-unwind-tables
    -mgeneral-regs-only -Wall -Wextra -Werror)
TIMEOUT=120

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# make_fixture: key, payload and signature, new each time.
make_fixture() {
    run_quiet openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$work/key.pem"
    printf '%s\n' 'const char fixture[] = "libhotpatch fixture"; int answer(void) { return 42; }' \
        >"$work/payload.c"
    gcc -c -O2 -o "$work/payload.o" "$work/payload.c"
    python3 "$HERE/fixture.py" "$work/key.pem" "$work/payload.o" "$work/sign_fixture.h"
}

# build ARCH BASE COMPILER FLAG...: the library and the image for it, $work/ARCH.elf.
build() {
    local arch=$1 base=$2 compiler=$3 lib=$work/$1/lib

    shift 3
    run_quiet cmake -S "$HP_ROOT" -B "$work/$arch" -G Ninja -DCMAKE_C_COMPILER="$compiler" \
        -DCMAKE_SYSTEM_NAME=Generic -DCMAKE_BUILD_TYPE=None -DHP_FREESTANDING_ONLY=ON \
        -DCMAKE_C_FLAGS="-O2 $*"
    run_quiet cmake --build "$work/$arch" --parallel "$HP_JOBS" -- --quiet
    "$compiler" "${FLAGS[@]}" "$@" -I"$HP_ROOT/include" -I"$work" -nostdlib -static \
        -Wl,-T,"$HERE/machine.lds" -Wl,--defsym=BASE="$base" -Wl,--gc-sections \
        -Wl,--build-id=none -Wl,-z,noexecstack -Wl,--no-warn-rwx-segments -o "$work/$arch.elf" \
        "$HERE/start_$arch.S" "$HERE/sign.c" "$lib/libhotpatch.a" "$lib/libhotpatch-defaults.a"
}

# boot WANTED QEMU ARGUMENT...: runs a machine to its end; its exit status must be WANTED.
boot() {
    local wanted=$1 status=0

    shift
    timeout "$TIMEOUT" "$@" -accel tcg -nographic -nic none -no-reboot -serial none -monitor none \
        </dev/null >"$work/log" 2>&1 || status=$?
    if [ "$status" -ne "$wanted" ]; then
        cat "$work/log"
        printf 'FAIL  %s: status %d, wanted %d\n' "$1" "$status" "$wanted"
        return 1
    fi
}

# What the images end with when all is well: 33, which the device of x86 makes 2 * 33 + 1.
passed=0 failed=0
make_fixture
build x86_64 0x200000 gcc -mno-red-zone
build aarch64 0x40280000 aarch64-linux-gnu-gcc -mstrict-align -mno-outline-atomics
if boot 67 qemu-system-x86_64 -machine q35 -cpu max -m 64 -kernel "$work/x86_64.elf" \
    -device isa-debug-exit,iobase=0xf4,iosize=4; then
    passed=$((passed + 1))
else
    failed=$((failed + 1))
fi
if boot 33 qemu-system-aarch64 -machine virt,virtualization=on,gic-version=3 -cpu max -m 128 \
    -semihosting-config enable=on,target=native -kernel "$work/aarch64.elf"; then
    passed=$((passed + 1))
else
    failed=$((failed + 1))
fi
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
