#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Builds the minivisor (examples/minivisor) and its payloads, and runs it under an emulator.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

usage() {
    cat <<'TEXT'
usage: minivisor.sh [--arch x86_64|arm64|all] [--cpus N] [--parallel] [--cycles N] [--quiet] [--build]
       minivisor.sh [--arch x86_64|arm64] --measure

Boots a small hypervisor of our own that contains the library, with a guest on each of its CPUs, and
patches it under their load; prints what happens and exits by the result. The verdicts on its
payloads are compared with those of the hotpatch command.

  --arch A    x86_64 (the default), arm64, or all: one after the other
  --cpus N    1 to 4 (4)
  --parallel  a thread of the host for each CPU, instead of one for all: slower where the host has
              fewer processors
  --cycles N  how often to apply and revert in the end (1000)
  --quiet     prints a transcript only when something fails, and "N passed, N failed"
  --build     builds, checks the image, and runs nothing
  --configure only chooses the compiler's flags, for checks of the sources
  --measure   prints what the stopped window and the whole action cost, in instructions
TEXT
}

SOURCE=$HP_ROOT/examples/minivisor
PAYLOADS=$SOURCE/payloads
HOTPATCH=$HP_ROOT/build/bin/hotpatch
# Seconds until the emulator is stopped: some twenty times what a run takes.
LIMIT=180

# ---- building ------------------------------------------------------------------------------------

# The tools of each architecture.
choose_arch() {
    case $arch in
    x86_64) prefix= ;;
    arm64) prefix=aarch64-linux-gnu- ;;
    *) usage >&2; exit 2 ;;
    esac
    [ -f "$SOURCE/arch/$arch/build.cmake" ] || die "there is no architecture $arch"
    export CC=${prefix}gcc LD=${prefix}ld OBJCOPY=${prefix}objcopy OBJDUMP=${prefix}objdump \
        READELF=${prefix}readelf
}

configure_image() {
    local system=()

    [ -z "$prefix" ] || system=(-DCMAKE_SYSTEM_NAME=Generic -DCMAKE_OBJCOPY="$OBJCOPY")
    run_quiet cmake -S "$SOURCE" -B "$build" -G Ninja -DMV_ARCH="$arch" -DCMAKE_C_COMPILER="$CC" \
        "${system[@]}"
}

build_image() {
    configure_image
    run_quiet cmake --build "$build" --parallel "$HP_JOBS" -- --quiet
}

# The offline verdicts are those of this tree's own command.
build_tool() (
    cd "$HP_ROOT"
    mkdir -p build-minivisor
    exec 9>build-minivisor/lock
    flock 9 # the other architecture may be at it
    run_quiet cmake --preset default
    run_quiet cmake --build --preset default --target hotpatch-tool --parallel "$HP_JOBS" -- --quiet
)

# The image holds the library and nothing of its host: no undefined symbol, nothing that a C library
# or the compiler's own has, and of the archives linked only the project's.
check_image() {
    local found

    found=$("$READELF" -sW "$image" | awk '$7 == "UND" && $8 != "" { print $8 }')
    [ -z "$found" ] || die "undefined symbols: $found"
    found=$("$READELF" -sW "$image" | awk '$8 ~ /^(__libc|_IO_|malloc|printf|__udiv|__mul|__aeabi|__stack_chk)/ { print $8 }')
    [ -z "$found" ] || die "symbols of a C library or of libgcc: $found"
    found=$("$READELF" -dW "$image" | grep NEEDED || true)
    [ -z "$found" ] || die "shared libraries: $found"
    # Not with -q, which would end readelf by a signal.
    "$READELF" -sW "$image" | grep ' hp_payload_load$' >/dev/null || die "the library is not in it"
    found=$("$READELF" -lW "$image" | awk '$1 == "LOAD" && / RWE /')
    [ -z "$found" ] || die "a segment is writable and executable"
}

# sign_payload FILE [KEY CERTIFICATE]: with the build's key, or another.
sign_payload() {
    "$HOTPATCH" sign --key "${2:-$build/key.pem}" --cert "${3:-$build/keyring/minivisor.pem}" \
        -o "$1.signed" "$1"
    mv "$1.signed" "$1"
}

# unsigned_payload NAME FLAGS SOURCE [OPTION...]: builds one.
unsigned_payload() {
    PAYLOAD_CFLAGS="$2 -Werror" "$HP_ROOT/examples/payloads/build.sh" "${@:4}" "$files/$1" "$image" \
        "$PAYLOADS/$3"
}

# payload, with the same arguments: builds and signs one.
payload() {
    unsigned_payload "$@"
    sign_payload "$files/$1"
}

# packed_payload NAME FLAGS SOURCE: compiles one, and leaves the rest, signature and all, to
# hotpatch pack.
packed_payload() {
    local flags=(-std=c11 -O2 -I"$HP_ROOT/include" -ffreestanding -fpic -fno-common
        -fno-asynchronous-unwind-tables -fno-stack-protector)

    case $arch in
    x86_64) flags+=(-fcf-protection=none -mno-red-zone -mno-sse) ;;
    *) flags+=(-mgeneral-regs-only -mno-outline-atomics) ;;
    esac
    # shellcheck disable=SC2086 # flags are words
    "$CC" "${flags[@]}" $2 -c -o "$files/$1.o" "$PAYLOADS/$3"
    run_quiet "$HOTPATCH" pack --target "$image" --key "$build/key.pem" \
        --cert "$build/keyring/minivisor.pem" -o "$files/$1" "$files/$1.o"
}

# overwrite FILE OFFSET BYTES: BYTES as printf has them.
overwrite() {
    # shellcheck disable=SC2059 # the escapes are meant
    printf "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# A payload for an image that differs in its build-id alone.
foreign_payload() {
    cp "$image" "$files/foreign.image"
    "$OBJCOPY" -O binary --only-section=.note.gnu.build-id "$image" "$files/note"
    overwrite "$files/note" 20 '\377\377'
    "$OBJCOPY" --update-section .note.gnu.build-id="$files/note" "$files/foreign.image"
    image=$files/foreign.image payload foreign -DVERSION=2 answer.c
}

# is_current DIR: whether what was built there is younger than all that it was made from.
is_current() {
    [ -f "$1/built" ] && [ -z "$(find "$image" "$PAYLOADS" "$SOURCE/tools" "$HP_ROOT/include" \
        "$HP_ROOT/examples/payloads" "${BASH_SOURCE[0]}" -newer "$1/built" -print -quit)" ]
}

# in_folder NAME FUNCTION: has FUNCTION build the files of a folder, unless they are current.
in_folder() {
    files=$build/$1
    is_current "$files" && return
    rm -rf "$files"
    mkdir "$files"
    "$2"
    touch "$files/built"
}

build_payloads() {
    payload data '' data.c
    payload first -DVERSION=2 answer.c
    packed_payload second \
        '-DVERSION=3 -DTARGET_SIZE_mv_answer_high=0 -DTARGET_SIZE_mv_answer_low=0' answer.c
    payload stacked -DVERSION=3 answer.c --depends-on "$files/first"
    payload nop '' nop.c
    payload hooks '' hooks.c
    payload nmi '' nmi.c
    payload undefined -DUNDEFINED refused.c
    payload unknown -DUNKNOWN refused.c
    payload small -DSMALL refused.c
    payload expectation -DEXPECTATION refused.c
    payload denied -DDENIED refused.c
    foreign_payload
    payload splice '' splice.c
    head -c 1000 "$files/first" >"$files/truncated"
    unsigned_payload unsigned -DVERSION=2 answer.c
    cp "$files/unsigned" "$files/stranger"
    run_quiet openssl req -x509 -newkey rsa:3072 -nodes -subj /CN=stranger \
        -keyout "$files/stranger.key" -out "$files/stranger.pem"
    sign_payload "$files/stranger" "$files/stranger.key" "$files/stranger.pem"
    cp "$files/first" "$files/tampered"
    overwrite "$files/tampered" 8 '\1' # padding of e_ident
    cp "$files/unsigned" "$files/corrupt"
    overwrite "$files/corrupt" 62 '\377\377' # e_shstrndx
    sign_payload "$files/corrupt"
}

# ---- running -------------------------------------------------------------------------------------

# emulate CPUS ARCHIVE OPTION...: runs the machine; its console goes to standard output.
emulate() {
    local cpus=$1 archive=$2 status=0

    shift 2
    case $arch in
    x86_64)
        timeout "$LIMIT" qemu-system-x86_64 -machine q35 -accel "tcg,thread=$threads" \
            -cpu max -smp "$cpus" -m 256 -display none -serial stdio -monitor none -nic none \
            -no-reboot -kernel "$image" -initrd "$archive" \
            -device isa-debug-exit,iobase=0xf4,iosize=4 "$@" </dev/null || status=$?
        # The device makes 2n + 1 of the guest's n.
        [ "$status" -eq 1 ]
        ;;
    arm64)
        # The archive's address is ARM64_ARCHIVE.
        timeout "$LIMIT" qemu-system-aarch64 -machine virt,virtualization=on,gic-version=3 \
            -accel "tcg,thread=$threads" -cpu cortex-a72 -smp "$cpus" -m 256 -display none \
            -serial stdio -monitor none -nic none -no-reboot -kernel "$image" \
            -device "loader,file=$archive,addr=0x48000000,force-raw=on" \
            -semihosting-config enable=on,target=native "$@" </dev/null || status=$?
        [ "$status" -eq 0 ]
        ;;
    esac
}

# archive NAME...: an archive of files of the work directory.
archive() {
    tar --format=ustar -C "$files" -cf "$files/archive" "$@"
}

# The verdicts that the hypervisor gave must be those of the hotpatch command on the same files.
compare_verdicts() {
    local name running offline after

    while read -r name running; do
        after=()
        [ "$name" != stacked ] || after=(--after "$files/first")
        offline=$("$HOTPATCH" validate --target "$image" --keyring "$build/keyring" \
            --require-signature "${after[@]}" --json "$files/$name" | sed -n 's/.*"status": *"\([^"]*\)".*/\1/p' || true)
        if [ "$offline" = "$running" ]; then
            printf '    ok    %-12s %s\n' "$name" "$offline"
        else
            printf '    FAIL  %-12s offline %s, in the hypervisor %s\n' "$name" "$offline" "$running"
        fi
    done < <(sed -n 's/^    verdict \([a-z]*\): \(.*\)$/\1 \2/p' "$files/transcript" | sort -u)
}

run_scenario() {
    local status=0 passed failed

    in_folder payloads build_payloads
    printf '%s\n' "$cycles" >"$files/cycles"
    archive cycles data first second stacked nop splice hooks nmi undefined unknown small expectation \
        denied foreign truncated corrupt unsigned stranger tampered
    emulate "$cpus" "$files/archive" >"$files/console" || status=$?
    # Without what the firmware says.
    tr -d '\r' <"$files/console" | sed -n '/^.*minivisor: /,$ { s/^.*minivisor: /minivisor: /; p }' \
        >"$files/transcript"
    {
        printf '\n    the offline verdicts, by hotpatch validate --target --keyring --require-signature\n\n'
        compare_verdicts
    } >"$files/verdicts"
    cat "$files/verdicts" >>"$files/transcript"
    passed=$(grep -c '^    ok ' "$files/transcript" || true)
    failed=$(grep -c '^    FAIL ' "$files/transcript" || true)
    if [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then
        failed=1
        [ -s "$files/transcript" ] || cat "$files/console"
    fi
    if [ -z "$quiet" ] || [ "$failed" -ne 0 ]; then
        cat "$files/transcript"
        printf '\n'
    fi
    printf '%d passed, %d failed\n' "$passed" "$failed"
    [ "$failed" -eq 0 ]
}

# ---- costs ---------------------------------------------------------------------------------------

BENCHES='1 10 100 500'

# bench_source COUNT: functions in the place of mv_target_000 and those after it.
bench_source() {
    local n id

    printf '#include <hotpatch/payload.h>\n'
    for ((n = 0; n < $1; n++)); do
        printf -v id %03d "$n"
        printf 'static uint32_t f%s(uint32_t v) { return v * 3 + %d; }\n' "$id" "$n"
        # Eight bytes of the old function are enough for the jump of every architecture.
        printf 'HP_PATCH_FUNCTION(f%s, "mv_target_%s", f%s, 8);\n' "$id" "$id" "$id"
    done
}

build_benches() {
    local count benches=()

    for count in $BENCHES; do
        benches+=("bench$count")
        bench_source "$count" >"$files/bench$count.c"
        "$HP_ROOT/examples/payloads/build.sh" "$files/bench$count" "$image" "$files/bench$count.c"
        sign_payload "$files/bench$count"
    done
    printf '\n' >"$files/measure"
    archive measure "${benches[@]}"
}

# One instruction is one tick of the clock, whatever the host does; see the emulator's -icount.
run_measure() {
    in_folder benches build_benches
    : >"$files/measured"
    threads=single
    for cpus in 1 2 4; do
        emulate "$cpus" "$files/archive" -icount shift=0,sleep=off >"$files/console" ||
            { cat "$files/console"; die "the measurement has failed"; }
        tr -d '\r' <"$files/console" | sed -n 's/^.*measured bench//p' >>"$files/measured"
    done
    python3 "$SOURCE/tools/costs.py" "$files/measured"
}

# ---- command line --------------------------------------------------------------------------------

arguments=("$@")
arch=x86_64 cpus=4 cycles=1000 threads=single quiet='' mode=run_scenario
while [ $# -gt 0 ]; do
    case $1 in
    --arch | --cpus | --cycles)
        [ $# -ge 2 ] || { usage >&2; exit 2; }
        declare "${1#--}=$2"
        shift
        ;;
    --parallel) threads=multi ;;
    --quiet) quiet=yes ;;
    --build) mode=: ;;
    --configure) mode=configure ;;
    --measure) mode=run_measure ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
    esac
    shift
done
case $cpus/$cycles in [1-4]/[0-9]*) ;; *) usage >&2; exit 2 ;; esac

# run_all: this script for each architecture, and the sum of what they have counted. They run side by
# side, unless the emulator shall have all processors for one.
run_all() {
    local each line passed=0 failed=0 logs

    install_packages build qemu cross
    logs=$(mktemp -d)
    for each in x86_64 arm64; do
        { "${BASH_SOURCE[0]}" "${arguments[@]}" --arch "$each" 2>&1 ||
            printf '0 passed, 1 failed\n'; } >"$logs/$each" &
        [ "$threads" = single ] || wait
    done
    wait
    while IFS= read -r line; do
        if [[ $line =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
            passed=$((passed + BASH_REMATCH[1]))
            failed=$((failed + BASH_REMATCH[2]))
        else
            printf '%s\n' "$line"
        fi
    done < <(cat "$logs/x86_64" "$logs/arm64")
    rm -rf "$logs"
    [ "$mode" != run_scenario ] || printf '%d passed, %d failed\n' "$passed" "$failed"
    [ "$failed" -eq 0 ]
}

if [ "$arch" = all ]; then
    run_all
    exit
fi
install_packages build qemu
[ "$arch" = x86_64 ] || install_packages cross
build=$HP_ROOT/build-minivisor/$arch
image=$build/minivisor
if [ "$mode" = configure ]; then
    choose_arch
    configure_image
    exit
fi
build_tool
# Only now: its compiler is not the tool's.
choose_arch
build_image
check_image
"$mode"
