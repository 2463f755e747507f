#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# hotpatch pack: payloads for the real Xen, for a made-up target of each architecture whose compiler
# is there, and for a process that applies them.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"

hotpatch=$HP_ROOT/build/bin/hotpatch
xen=$("$HP_ROOT/scripts/xen.sh")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
passed=0 failed=0

# report NAME STATUS: counts a test and names it when it failed.
report() {
    if [ "$2" -eq 0 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'FAIL  %s\n' "$1"
        sed 's/^/    /' "$work/said"
    fi
}

# expect NAME STATUS TEXT COMMAND...: the command's exit status, and a text that it says.
expect() {
    local name=$1 wanted=$2 text=$3 status=0 ok=0

    shift 3
    "$@" >"$work/said" 2>&1 </dev/null || status=$?
    { [ "$status" -eq "$wanted" ] && { [ -z "$text" ] || grep -qF -e "$text" "$work/said"; }; } || ok=1
    report "$name" "$ok"
}

# same NAME FILE FILE
same() {
    local ok=0

    cmp "$2" "$3" >"$work/said" 2>&1 || ok=1
    report "$1" "$ok"
}

flags=(-std=c11 -O2 -I"$HP_ROOT/include" -ffreestanding -fno-common -fno-stack-protector
    -fno-asynchronous-unwind-tables)
x86=(-fpic -fcf-protection=none -mno-red-zone -mno-sse)

# object OUT FUNCTION: an object that replaces that function of Xen and leaves the sizes open.
object() {
    cat >source.c <<END
#include <hotpatch/payload.h>
static const char *replacement(void) { return "Hello World"; }
HP_PATCH_FUNCTION(one, "$2", replacement, 0);
END
    gcc "${flags[@]}" "${x86[@]}" -c -o "$1" source.c
}

object hello.o xen_extra_version
expect 'a payload of one object' 0 'record 0: xen_extra_version, old_size 12, new_size 8' \
    "$hotpatch" pack --target "$xen" --name hello --description 'Says hello' \
    --cve CVE-2026-0001,CVE-2026-0002 --payload-version 7 -o hello.livepatch hello.o
expect 'it is accepted as Xen would' 0 'hello.livepatch: accepted' \
    "$hotpatch" validate --profile xen-4.17 --target "$xen" hello.livepatch
for line in name=hello 'description=Says hello' cve=CVE-2026-0001,CVE-2026-0002 hotpatch_version=7; do
    expect "metadata: $line" 0 "${line#*=}" "$hotpatch" inspect hello.livepatch
done
"$hotpatch" pack --target "$xen" --name hello --description 'Says hello' \
    --cve CVE-2026-0001,CVE-2026-0002 --payload-version 7 -o again.livepatch hello.o >/dev/null
same 'the same input makes the same bytes' hello.livepatch again.livepatch
"$hotpatch" pack --target "$xen" -o plain.livepatch hello.o >/dev/null
expect 'other input makes another build-id' 1 '' cmp -s \
    <("$hotpatch" inspect plain.livepatch | grep ^build-id) \
    <("$hotpatch" inspect hello.livepatch | grep ^build-id)

# What it writes is what the payload built by hand writes.
"$HP_ROOT/examples/payloads/build.sh" byhand.livepatch "$xen" "$HP_ROOT/examples/payloads/xen_hello.c"
for file in byhand plain; do
    "$hotpatch" plan --json --target "$xen" "$file.livepatch" |
        python3 -c 'import json, sys; print([(w["address"], w["old"], w["new"]) for w in json.load(sys.stdin)["writes"]])' >"$file.plan"
done
same 'its plan is that of the payload built by hand' byhand.plan plain.plan

expect 'expectations come from the target' 0 'expects 12 bytes' \
    "$hotpatch" pack --expect --target "$xen" -o expect.livepatch hello.o
expect 'and hold there' 0 'accepted' "$hotpatch" validate --target "$xen" expect.livepatch

# rewritten_function: a global function of Xen with an alternative in its first bytes.
rewritten_function() {
    python3 - "$xen" <<'PYTHON'
import struct
import subprocess
import sys

image = sys.argv[1]
symbols = [line.split() for line in subprocess.run(["readelf", "-sW", image], check=True,
           capture_output=True, text=True).stdout.splitlines()]
symbols = [s for s in symbols if len(s) == 8 and s[0][:-1].isdigit()]
value = {s[7]: int(s[1], 16) for s in symbols}
start, end = value["__alt_instructions"], value["__alt_instructions_end"]
data = open(image, "rb").read()
phoff, = struct.unpack_from("<Q", data, 32)
count, = struct.unpack_from("<H", data, 56)
sites = set()
for n in range(count):
    kind, _, offset, addr, _, size = struct.unpack_from("<IIQQQQ", data, phoff + n * 56)
    if kind == 1 and addr <= start < addr + size:
        for at in range(start, end, 14):
            site = at + struct.unpack_from("<i", data, offset + at - addr)[0]
            sites.add(site)
names = [s[7] for s in symbols if s[3] == "FUNC" and s[4] == "GLOBAL" and int(s[2], 0) >= 31]
counts = {name: names.count(name) for name in names}
for name in sorted(names):
    if counts[name] == 1 and any(value[name] <= site < value[name] + 31 for site in sites):
        print(name)
        break
PYTHON
}
function=$(rewritten_function)
object some.o "$function"
expect "no expectation of bytes that are rewritten at boot: $function" 1 \
    'rewrites these bytes at boot' "$hotpatch" pack --expect --target "$xen" -o some.livepatch some.o

object second.o do_xen_version
expect 'a payload on top of another' 0 'build-id' \
    "$hotpatch" pack --target "$xen" --depends hello.livepatch -o second.livepatch second.o
expect 'lies on it' 0 'accepted' \
    "$hotpatch" validate --target "$xen" --after hello.livepatch second.livepatch
expect 'and on nothing else' 1 'depends-build-id' "$hotpatch" validate --target "$xen" second.livepatch
expect 'what the payload below changes is no expectation' 1 'a payload below changes these bytes' \
    "$hotpatch" pack --expect --target "$xen" --depends hello.livepatch -o third.livepatch hello.o
expect '--depends takes an image as well' 0 'build-id' \
    "$hotpatch" pack --target "$xen" --depends "$xen" -o image.livepatch hello.o
same 'which is what it stacks on without' image.livepatch plain.livepatch

# Several objects; one that has no record of its own.
echo 'const char *greeting(void) { return "Hello"; }' >other.c
gcc "${flags[@]}" "${x86[@]}" -fvisibility=hidden -c -o other.o other.c
cat >source.c <<'END'
#include <hotpatch/payload.h>
__attribute__((visibility("hidden"))) const char *greeting(void);
static const char *replacement(void) { return greeting(); }
HP_PATCH_FUNCTION(one, "xen_extra_version", replacement, 0);
END
gcc "${flags[@]}" "${x86[@]}" -c -o main.o source.c
expect 'several objects' 0 'xen_extra_version' \
    "$hotpatch" pack --target "$xen" -o several.livepatch main.o other.o
expect 'an object without records' 1 'nothing-to-do' \
    "$hotpatch" pack --target "$xen" -o nothing.livepatch other.o

# Refused, and nothing is written then.
echo untouched >out
object missing.o no_such_function_in_xen
expect 'a function that the target lacks' 1 'the target has no such function' \
    "$hotpatch" pack --target "$xen" -o out missing.o
expect 'an unresolved symbol' 1 'symbol-undefined' "$hotpatch" pack --target "$xen" -o out main.o
echo 'no object' >text.o
expect 'no object' 2 'not an object' "$hotpatch" pack --target "$xen" -o out text.o
expect 'no file' 2 'No such file' "$hotpatch" pack --target "$xen" -o out absent.o
expect 'no target' 2 '--target is required' "$hotpatch" pack -o out hello.o
expect 'no output' 2 '-o is required' "$hotpatch" pack --target "$xen" hello.o
expect 'a version that is no number' 2 '--payload-version' \
    "$hotpatch" pack --target "$xen" --payload-version 0x10 -o out hello.o
expect 'the output is as it was' 0 untouched cat out
expect 'no linker' 2 'no-such-linker' env LD=no-such-linker \
    "$hotpatch" pack --target "$xen" -o out hello.o

# Signed in the same step.
openssl req -x509 -newkey rsa:3072 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=packer \
    -addext extendedKeyUsage=codeSigning >/dev/null 2>&1
mkdir ring
cp cert.pem ring/
expect 'packed and signed' 0 'build-id' "$hotpatch" pack --target "$xen" --key key.pem \
    --cert cert.pem -o signed.livepatch hello.o
expect 'the signature is good' 0 'verified' "$hotpatch" verify --keyring ring signed.livepatch
expect 'stripped it is the unsigned one' 0 '' "$hotpatch" sig strip -o stripped signed.livepatch
same 'byte by byte' stripped plain.livepatch

# Other architectures: a target of its own, two functions in it.
cat >target.c <<'END'
int answer(void);
int other(int a, int b);
__attribute__((noinline, aligned(16))) int answer(void) { __asm__ volatile("nop\nnop\nnop\nnop"); return 41; }
__attribute__((noinline, aligned(16))) int other(int a, int b) { return answer() * a + b; }
void _start(void);
void _start(void) { other(1, 2); }
END
cat >fix.c <<'END'
#include <hotpatch/payload.h>
extern int other(int a, int b);
static int fixed(void) { return 42 + (other != 0); }
HP_PATCH_FUNCTION(fix, "answer", fixed, 0);
END
for machine in 'aarch64-linux-gnu' 'arm-linux-gnueabihf -marm -march=armv7-a+fp' 'riscv64-linux-gnu -mno-relax -mcmodel=medany'; do
    read -r -a words <<<"$machine"
    command -v "${words[0]}-gcc" >/dev/null || continue
    "${words[0]}-gcc" -O2 -ffreestanding "${words[@]:1}" -nostdlib -static -Wl,--build-id=sha1 -o target target.c
    "${words[0]}-gcc" "${flags[@]}" "${words[@]:1}" -fno-pic -c -o fix.o fix.c
    expect "${words[0]}" 0 'record 0: answer' "$hotpatch" pack --expect --target target -o fix.livepatch fix.o
    expect "${words[0]}: accepted" 0 'accepted' "$hotpatch" validate --target target fix.livepatch
done

# A process takes them as well: selfpatch runs with its fix, and what stacks on that, packed.
cp -r "$HP_ROOT/build/examples/selfpatch" process
for name in self_fix self_stacked; do
    gcc "${flags[@]}" "${x86[@]}" -DTARGET_SIZE_answer=0 -c -o "$name.o" \
        "$HP_ROOT/examples/payloads/$name.c"
done
expect 'a payload for a process' 0 'record 0: answer' "$hotpatch" pack \
    --target "$HP_ROOT/build/bin/selfpatch" -o process/self_fix.livepatch self_fix.o
expect 'one that stacks on it' 0 'record 0: answer' "$hotpatch" pack \
    --target "$HP_ROOT/build/bin/selfpatch" --depends process/self_fix.livepatch \
    --after process/self_fix.livepatch -o process/self_stacked.livepatch self_stacked.o
expect 'the process patches itself with them' 0 'all 19 steps as expected' \
    "$HP_ROOT/build/bin/selfpatch" process

printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
