#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Builds a live-patch payload for exactly one executable of x86-64 or Arm64: a Xen, a hypervisor of
# one's own, or a process that patches itself. No header of the target is needed.
#
#   build.sh [--depends-on PAYLOAD] OUT TARGET SOURCE...
#
# The sources are C or assembler. TARGET is the unstripped image to patch (xen-syms, selfpatch), with
# a build-id. The payload stacks on PAYLOAD, or on the target itself. The sources may use what the
# build finds there:
#
#   TARGET_ADDR_<function>              its address, as 0x...
#   TARGET_SIZE_<function>              bytes of the function
#   TARGET_BYTES_<function>             its first bytes (31 at most), as "0x48, 0x8d, ..."
#   TARGET_CALL_<function>_TO_<callee>  offset of the first call to callee in the function
#
# Environment: CC, LD, OBJCOPY, OBJDUMP, READELF name the tools; PAYLOAD_CFLAGS adds compiler flags.
set -euo pipefail
export LC_ALL=C

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
include=$here/../../include
cc=${CC:-gcc} ld=${LD:-ld} objcopy=${OBJCOPY:-objcopy} objdump=${OBJDUMP:-objdump}
readelf=${READELF:-readelf}

fail() {
    echo "build.sh: $*" >&2
    exit 1
}

usage() {
    echo "usage: build.sh [--depends-on PAYLOAD] OUT TARGET SOURCE..." >&2
    exit 2
}

# Prints "address size" of the one function of that name in the target.
function_range() {
    local found
    found=$("$readelf" -sW "$target" |
        awk -v name="$1" '$8 == name && $4 == "FUNC" { print $2, $3 }' | sort -u)
    if [ -z "$found" ] || [ "$(wc -l <<<"$found")" -ne 1 ]; then
        fail "$target has not exactly one function $1"
    fi
    echo "$found"
}

# Prints the value of a TARGET_* macro.
target_fact() {
    local fact=$1 addr size end names
    case $fact in
    TARGET_ADDR_*)
        read -r addr size <<<"$(function_range "${fact#TARGET_ADDR_}")"
        echo "0x$addr"
        ;;
    TARGET_SIZE_*)
        read -r addr size <<<"$(function_range "${fact#TARGET_SIZE_}")"
        echo "$size"
        ;;
    TARGET_BYTES_*)
        read -r addr size <<<"$(function_range "${fact#TARGET_BYTES_}")"
        end=$((0x$addr + (size < 31 ? size : 31)))
        # Disassembled, since that leaves out debug sections, which have addresses from 0 on.
        "$objdump" -dz --start-address="0x$addr" --stop-address="$(printf '0x%x' "$end")" \
            "$target" | awk -F '\t' 'NF > 1 { print $2 }' |
            tr -d ' \n' | sed 's/../0x&,/g; s/,$//'
        ;;
    TARGET_CALL_*_TO_*)
        names=${fact#TARGET_CALL_}
        read -r addr size <<<"$(function_range "${names%%_TO_*}")"
        end=$("$objdump" -d --no-show-raw-insn --start-address="0x$addr" \
            --stop-address="$(printf '0x%x' $((0x$addr + size)))" "$target" |
            awk -v callee="<${names#*_TO_}>" \
                '($2 == "call" || $2 == "bl") && $NF == callee && !seen++ { print $1 }')
        [ -n "$end" ] || fail "${names%%_TO_*} does not call ${names#*_TO_}"
        echo $((0x${end%:} - 0x$addr))
        ;;
    *)
        fail "unknown macro $fact"
        ;;
    esac
}

# Writes the build-id note of an ELF file.
build_id_note() {
    "$objcopy" -O binary --only-section=.note.gnu.build-id "$1" "$2"
    [ -s "$2" ] || fail "$1 has no build-id"
}

depends_on=
words=()
while [ $# -gt 0 ]; do
    case $1 in
    --depends-on)
        [ $# -ge 2 ] || usage
        depends_on=$2
        shift 2
        ;;
    -*)
        usage
        ;;
    *)
        words+=("$1")
        shift
        ;;
    esac
done
[ ${#words[@]} -ge 3 ] || usage
out=${words[0]}
target=${words[1]}
sources=("${words[@]:2}")
[ -r "$target" ] || fail "cannot read $target"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# No header of the hypervisor is needed: what depends on it comes from its symbol file.
facts=$(cat "${sources[@]}" | grep -oE '\bTARGET_(ADDR|SIZE|BYTES|CALL)_[A-Za-z0-9_]+' | sort -u || true)
defines=()
for fact in $facts; do
    value=$(target_fact "$fact")
    [ -n "$value" ] || fail "nothing found for $fact"
    defines+=("-D$fact=$value")
done

# Position-independent code that depends on nothing which a hypervisor lacks. The words of
# PAYLOAD_CFLAGS are meant to be split.
flags=(-std=c11 -O2 -Wall -Wextra -I"$include" -ffreestanding -fpic -fno-common
    -fno-asynchronous-unwind-tables -fno-stack-protector)
case $("$readelf" -h "$target") in
*AArch64*) flags+=(-mgeneral-regs-only -mno-outline-atomics) ;;
*) flags+=(-fcf-protection=none -mno-red-zone -mno-sse) ;;
esac
# shellcheck disable=SC2206
flags+=(${PAYLOAD_CFLAGS:-})
# Records and hooks in the order of the source: what clang does anyway must be asked for with gcc.
if "$cc" -Werror -fno-toplevel-reorder -E -x c /dev/null >"$work/probe" 2>&1; then
    flags+=(-fno-toplevel-reorder)
fi
objects=()
for source in "${sources[@]}"; do
    objects+=("$work/${#objects[@]}.o")
    "$cc" "${flags[@]}" ${defines[@]+"${defines[@]}"} -c -o "${objects[-1]}" "$source"
done

build_id_note "$target" "$work/target.note"
build_id_note "${depends_on:-$target}" "$work/depends.note"
cat >"$work/notes.s" <<END
.section .livepatch.depends, "a", @note
.balign 4
.incbin "$work/depends.note"
.section .livepatch.xen_depends, "a", @note
.balign 4
.incbin "$work/target.note"
.section .note.GNU-stack, "", @progbits
END
"$cc" -c -o "$work/notes.o" "$work/notes.s"

# Written under another name first: a build that is interrupted leaves no half payload.
"$ld" -r --build-id=sha1 -o "$work/payload" "${objects[@]}" "$work/notes.o"
cp "$work/payload" "$out.tmp"
mv "$out.tmp" "$out"
