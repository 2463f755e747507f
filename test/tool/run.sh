#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Tests the hotpatch command: makes a small target and payloads for it, then runs check.py on them.
#
# Environment: HOTPATCH is the command to test (build/bin/hotpatch).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
hotpatch=$(realpath "${HOTPATCH:-$root/build/bin/hotpatch}")

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

payload() { "$root/examples/payloads/build.sh" "$@"; }

gcc -nostdlib -static -no-pie -Wl,--build-id=sha1,-Ttext=0xffff82d040200000,-e,greeting \
    -o target "$here/target.S"
gcc -nostdlib -static -no-pie -Wl,--build-id=sha1,-Ttext=0xffff82d040200000,-e,greeting \
    -DISLANDS -o islands "$here/target.S"
payload far islands "$here/far.c"
payload far-refused target "$here/far.c"
payload first target "$here/first.c"
payload --depends-on first second target "$here/second.c"
payload splices target "$here/splices.c"
payload kinds target "$here/kinds.c"
for macro in UNDEFINED EXPECTATION SMALL MISSING SPLICE FILLER; do
    PAYLOAD_CFLAGS=-D$macro payload "refused-$macro" target "$here/refused.c"
done
objcopy --dump-section .comment=comment first /dev/null
objcopy --add-section .comment=comment target target-same-compiler
printf 'another compiler\0' >comment
objcopy --add-section .comment=comment target target-other-compiler
python3 "$here/check.py" "$hotpatch"
