#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Shows the library at work, from a bare Debian 12 on. On the real Xen: builds all there is and a
# payload for Debian's Xen, inspects, judges and plans it, and has three broken payloads refused.
# Then on itself: a process whose threads keep running code that payloads change under them. Last it
# signs the payload for Xen, with a key that it makes and throws away.
#
# Every result is checked, too: the script ends with a summary, or fails at the first surprise.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

payloads=$HP_ROOT/examples/payloads
steps=0

heading() {
    steps=$((steps + 1))
    printf '\n== %d. %s\n' "$steps" "$*"
}

# show STATUS COMMAND...: prints a command and what it says, which is kept in $output as well; fails
# when its exit status is another one.
show() {
    local wanted=$1 status=0

    shift
    printf '$ %s\n' "$*"
    output=$("$@" 2>&1) || status=$?
    [ -z "$output" ] || cat -s <<<"$output"
    [ "$status" -eq "$wanted" ] || die "exit status $status instead of $wanted"
}

# expect TEXT...: the output shown last has each of these texts on some line.
expect() {
    local text

    for text in "$@"; do
        grep -qF -e "$text" <<<"$output" || die "this is missing: $text"
    done
}

# refused FILE STATUS: validates a broken payload, which is to be refused with that status.
refused() {
    show 1 hotpatch validate --target xen-syms "$1"
    [ "$(wc -l <<<"$output")" -eq 1 ] || die "more than one line"
    expect "$1: refused: $2: "
}

# build_payload OUT SOURCE
build_payload() {
    "$payloads/build.sh" "$1" xen-syms "$2"
}

# other_target FILE OUT: a copy with the build-id of a Xen that nobody built.
other_target() {
    local offset

    offset=$(readelf -SW "$1" | sed -n 's/.*\.livepatch\.xen_depends *NOTE *[0-9a-f]* *//p' |
        cut -d ' ' -f 1)
    cp "$1" "$2"
    # The identity follows the note's header and name, 16 bytes.
    printf '\336\255\276\357' |
        dd of="$2" bs=1 seek=$((0x$offset + 16)) conv=notrunc status=none
}

heading "Set-up: packages, build, Debian's Xen"
install_packages build
build_preset default
PATH=$(dirname "$(realpath "${HOTPATCH:-$HP_ROOT/build/bin/hotpatch}")"):$PATH
target=$("$HP_ROOT/scripts/xen.sh")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
ln -s "$target" xen-syms
echo "ready: $(hotpatch --version | head -n 1), $(basename "$target")"

heading "A payload in C: Xen reports another extra version"
sed -n '/^static/,$p' "$payloads/xen_hello.c"
build_payload hello.livepatch "$payloads/xen_hello.c"

heading "What is in it"
show 0 hotpatch inspect hello.livepatch
expect xen_extra_version hello_version \
    "$(readelf -n hello.livepatch | sed -n '/gnu.build-id/,$ s/.*Build ID: //p' | head -n 1)" \
    "$(readelf -n xen-syms | sed -n 's/.*Build ID: //p')"

heading "Would this Xen load and apply it?"
show 0 hotpatch validate --target xen-syms hello.livepatch
[ "$output" = "hello.livepatch: accepted" ] || die "the payload is not simply accepted"

heading "What applying it writes"
show 0 hotpatch plan --target xen-syms hello.livepatch
old=$(objdump -d --no-show-raw-insn --disassemble=xen_extra_version xen-syms |
    awk '$2 == "<xen_extra_version>:" { print $1 }')
expect "hello.livepatch: 1 write" "0x$old xen_extra_version" "jmp hello_version"

heading "The new function where it would lie in Xen's memory, as objdump reads it"
show 0 hotpatch link --target xen-syms -o hello.image hello.livepatch
show 0 objdump -d --disassemble=hello_version hello.image
new=$(awk '$2 == "<hello_version>:" { print $1 }' <<<"$output")
jump=$(printf '%08x' $(((0x$new - 0x$old - 5) & 0xffffffff)) |
    sed 's/\(..\)\(..\)\(..\)\(..\)/e9 \4 \3 \2 \1/')
output=$(hotpatch plan --target xen-syms hello.livepatch)
expect "$jump"
echo "a jump from 0x$old to 0x$new is $jump: as planned"

heading "Refused: made for another build of Xen"
other_target hello.livepatch other.livepatch
refused other.livepatch target-build-id

heading "Refused: the function to replace is too short for the jump"
sed 's/TARGET_SIZE_xen_extra_version/4/' "$payloads/xen_hello.c" >short.c
build_payload short.livepatch short.c
refused short.livepatch record-old-size

heading "Refused: calls a function that this Xen does not have"
cat >missing.c <<'C'
#include <hotpatch/payload.h>
extern const char *xen_motto(void);
static const char *motto(void) { return xen_motto(); }
HP_PATCH_FUNCTION(motto, "xen_extra_version", motto, TARGET_SIZE_xen_extra_version);
C
build_payload missing.livepatch missing.c
refused missing.livepatch symbol-undefined
expect xen_motto

heading "A process that patches itself: the old code and the new"
ln -s "$HP_ROOT/build/bin/selfpatch" "$HP_ROOT/build/examples/selfpatch/self_fix.livepatch" .
ln -s "$HP_ROOT/build/examples/selfpatch" payloads
sed -n '/^int answer/,/^}/p' "$HP_ROOT/examples/selfpatch/target.c"
sed -n '/^static/,$p' "$payloads/self_fix.c"
show 0 objdump -d --no-show-raw-insn --section=.text --disassemble=answer selfpatch
expect '<answer>:' 'mov ' 0x29

heading "Would it load and apply it, and what would be written?"
show 0 hotpatch validate --target selfpatch self_fix.livepatch
[ "$output" = "self_fix.livepatch: accepted" ] || die "the payload is not simply accepted"
show 0 hotpatch plan --target selfpatch self_fix.livepatch
expect "self_fix.livepatch: 1 write" answer "jmp fixed_answer"

heading "Now it runs: four threads call answer() while payloads come and go"
show 0 ./selfpatch payloads
expect "fix applied" "41 -> 42" "fix reverted" "stacked on top" "both replaced by cumulative" \
    "replace by expect refused" "expect refused: byte" "nop applied" "corrupt payloads refused" \
    "CPU 3 named" "the same action works" "hooks ran" "a pointer in a read-only table changed" \
    "all memory given back"
patched=$(tail -n 1 <<<"$output")

heading "Signed: a throw-away key, a certificate for it, and a ring of trusted certificates"
mkdir trusted
run_quiet openssl req -x509 -newkey rsa:3072 -nodes -keyout signer.key -out trusted/signer.pem \
    -subj "/CN=Demo signer" -addext extendedKeyUsage=codeSigning -days 1
show 0 openssl x509 -in trusted/signer.pem -noout -subject -ext extendedKeyUsage
expect "Demo signer" "Code Signing"
show 0 hotpatch sign --key signer.key --cert trusted/signer.pem -o signed.livepatch hello.livepatch
show 0 hotpatch verify --keyring trusted signed.livepatch
expect 'signed.livepatch: verified: by "Demo signer", xendoc, rsa, sha256'
show 0 hotpatch validate --target xen-syms --keyring trusted --require-signature signed.livepatch
[ "$output" = "signed.livepatch: accepted" ] || die "the signed payload is not simply accepted"

heading "Refused: altered after it was signed; not signed at all"
cp signed.livepatch altered.livepatch
altered=$(LC_ALL=C grep -abo -m 1 -F 'hello' altered.livepatch | head -n 1 | cut -d : -f 1)
printf 'J' | dd of=altered.livepatch bs=1 seek="$altered" conv=notrunc status=none
show 1 hotpatch verify --keyring trusted altered.livepatch
expect "altered.livepatch: refused: signature-bad: "
show 1 hotpatch validate --target xen-syms --keyring trusted altered.livepatch
expect "altered.livepatch: refused: signature-bad: "
show 1 hotpatch validate --target xen-syms --keyring trusted --require-signature hello.livepatch
expect "hello.livepatch: refused: unsigned: "

printf '\ndemo: all %d steps as expected: 1 payload for Xen accepted, planned and signed, 3 broken ones and an altered one refused\n' \
    "$steps"
printf 'demo: %s\n' "$(sed 's/^selfpatch: //; s/^all/a process patched itself, all/' <<<"$patched")"
