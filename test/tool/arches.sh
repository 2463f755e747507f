#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The hotpatch command on every architecture: compiles a target and payloads for each by its own
# compiler, then runs arches.py on them.
#
# Environment: HOTPATCH is the command to test (build/bin/hotpatch).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
hotpatch=$(realpath "${HOTPATCH:-$root/build/bin/hotpatch}")

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# compile NAME TRIPLET TEXT FLAGS...: NAME.target at the address TEXT, and NAME.payload.
compile() {
    local name=$1 triplet=$2 text=$3 section

    shift 3
    set -- -std=c11 -O2 -Wall -Wextra -Werror -ffreestanding -fno-common \
        -fno-stack-protector -fno-asynchronous-unwind-tables "$@"
    "$triplet-gcc" "$@" -fno-toplevel-reorder -nostdlib -static -no-pie \
        -Wl,--build-id=sha1,-Ttext="$text",-e,entry \
        -o "$name.target" "$here/arch_target.c"
    "$triplet-gcc" "$@" -fno-toplevel-reorder -I"$root/include" -c -o "$name.o" \
        "$here/arch_payload.c"
    "$triplet-objcopy" -O binary --only-section=.note.gnu.build-id "$name.target" "$name.note"
    for section in .livepatch.depends .livepatch.xen_depends; do
        printf '.section %s, "a", %%note\n.balign 4\n.incbin "%s.note"\n' "$section" "$name"
    done >"$name.s"
    printf '.section .note.GNU-stack, "", %%progbits\n' >>"$name.s"
    "$triplet-gcc" "$@" -c -o "$name-notes.o" "$name.s"
    "$triplet-ld" -r --build-id=sha1 -o "$name.payload" "$name.o" "$name-notes.o"
}

compile x86_64 x86_64-linux-gnu 0xffffffff80200000 -fpie -mno-red-zone \
    -fcf-protection=none
compile x86_64-ibt x86_64-linux-gnu 0xffffffff80200000 -fpie -mno-red-zone \
    -fcf-protection=branch
compile arm64 aarch64-linux-gnu 0xa0000200000 -fno-pic -mbranch-protection=none
compile arm64-bti aarch64-linux-gnu 0xa0000200000 -fno-pic -mbranch-protection=standard
compile arm arm-linux-gnueabihf 0x60200000 -fno-pic -marm
compile riscv64 riscv64-linux-gnu 0x80200000 -fno-pic -mcmodel=medany -mno-relax
compile thumb arm-linux-gnueabihf 0x60200000 -fno-pic -mthumb
compile relaxed riscv64-linux-gnu 0x80200000 -fno-pic -mcmodel=medany -mrelax -falign-functions=64
python3 "$here/arches.py" "$hotpatch"
