#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Runs the tests: all of them, the quick ones, or those named. Silent but for one line per step.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# name  q (part of --quick) or -  groups of scripts/packages.txt  what it shows
STEPS='
build        q  build        both libraries and the tool compile without a warning
unit         q  build        unit tests
asan         -  build        unit tests under AddressSanitizer and UBSan
selfpatch    q  build        a process patches itself, as it is and under AddressSanitizer and UBSan
tsan         -  build        threads that are patched, and selfpatch, under ThreadSanitizer
freestanding q  build,clang  undefined symbols and writable data, ten variants of the library
format       q  clang        the sources are formatted
tool         q  build        the hotpatch command, all its subcommands and exit statuses
sign         -  build,sign   signing and verifying, against openssl, sign-file, modinfo and a token
arches       -  build,cross  the hotpatch command on payloads compiled for each architecture
cross        -  build,cross  unit tests on Arm64 and 32-bit Arm; patched entries with PAC and BTI
cross-build  -  build,cross  the freestanding library by the gcc of each architecture, that one alone in it
ld           -  build,cross  relocations, jumps and NOPs of every architecture against GNU ld and objdump
pack         -  build        hotpatch pack: complete payloads of compiled objects
xen          q  build        payloads for the real Xen against its symbol file; broken variants
xen-boot     -  build,qemu   the real Xen takes what is accepted and refuses what is refused
xen-port     -  build        the host port on that symbol file
tidy         -  build,clang,qemu,lint  clang-tidy has no finding
cppcheck     -  lint         cppcheck has no finding
shell        -  lint         shellcheck has no finding
man          -  lint         the manual page is well formed
porting      q  build        docs/PORTING.md and port/template have every function of the port
consumer     -  build        the installed package works from CMake, pkg-config, without a C library
readme       -  build,qemu   the examples of README.md do what it says, one of them in the real Xen
fuzz         -  build,clang  a short run of the fuzz targets
safepoint    -  build,clang  a safe point costs one load and one branch while nothing is to be done
model        -  build,model  the model of the rendezvous in all interleavings; mutants are found
eva          -  build,prove  the parser has no run-time error for any input
signed       -  build,sign   what openssl and the sign-file of Linux sign, verified by the code of the library
minivisor    -  build,cross,qemu  a hypervisor patches itself under the load of its guests: x86-64, Arm64
sign-qemu    -  build,cross,qemu  signatures on bare metal: one accepted, each bit of it refused
size         -  build        sizes and stack depth
bench        -  build        the benchmark runs
'

usage() {
    cat <<'TEXT'
usage: test.sh [--quick | STEP...]   runs all steps, those of --quick, or those named
       test.sh --list                lists the steps: name, whether in --quick (q), the groups of
                                     packages they need, what they show
TEXT
}

# run_ctest BUILD_DIR OPTION...: runs the tests of a build, and counts what the test programs count.
run_ctest() {
    ctest --test-dir "$1" --parallel "$HP_JOBS" --no-tests=error --timeout 300 --verbose "${@:2}" |
        awk -f scripts/ctest.awk
}

step_build() { build_preset default; }
# The test of threads repeats itself more often in a full run.
step_unit() {
    local cycles=10000

    [ -z "$QUICK" ] || cycles=1000
    HOTPATCH_TEST_CYCLES=$cycles run_ctest build
}
step_asan() {
    build_preset asan
    run_ctest build-asan
}
step_selfpatch() {
    build_preset default
    build/bin/selfpatch build/examples/selfpatch
    if [ -n "$QUICK" ]; then
        echo '1 passed, 0 failed'
        return
    fi
    build_preset asan
    build-asan/bin/selfpatch build-asan/examples/selfpatch
    echo '2 passed, 0 failed'
}
step_tsan() {
    run_quiet cmake --preset tsan
    run_quiet cmake --build --preset tsan --parallel "$HP_JOBS" \
        --target selfpatch selfpatch-payloads test_threads -- --quiet
    build-tsan/bin/selfpatch build-tsan/examples/selfpatch
    HOTPATCH_TEST_CYCLES=1000 run_ctest build-tsan --tests-regex '^threads$'
}
step_freestanding() { test/freestanding/undefined.sh $QUICK; }
step_format() { scripts/lint.sh format; }
step_tool() { test/tool/run.sh; }
step_sign() {
    build_preset default
    test/sign/run.sh
}
step_arches() {
    build_preset default
    test/tool/arches.sh
}
step_cross() { test/cross/run.sh; }
step_cross-build() { test/freestanding/undefined.sh --cross; }
step_ld() {
    build_preset default
    test/ld/compare.py build/bin/ld_relocate
}
step_pack() { test/pack/run.sh; }
step_xen() { test/xen/run.sh $QUICK; }
step_xen-boot() { scripts/xen-campaign.sh --sample 80; }
step_xen-port() {
    HOTPATCH_TEST_XEN_SYMS=$(scripts/xen.sh)
    export HOTPATCH_TEST_XEN_SYMS
    run_ctest build --tests-regex '^host$'
}
step_tidy() { scripts/lint.sh tidy; }
step_cppcheck() { scripts/lint.sh cppcheck; }
step_shell() { scripts/lint.sh shell; }
step_man() { scripts/lint.sh man; }
step_porting() { test/porting/run.sh; }
step_consumer() { test/consumer/run.sh; }
step_readme() { test/readme/run.sh --xen; }
step_fuzz() { test/fuzz/run.sh; }
step_safepoint() { test/safepoint/run.sh; }
step_model() { test/model/run.sh; }
step_eva() { test/eva/run.sh --quick; }
step_signed() { test/sign/samples.sh; }
step_minivisor() {
    scripts/minivisor.sh --arch all --measure
    scripts/minivisor.sh --arch all --parallel --cycles 20 --quiet
    scripts/minivisor.sh --arch all --quiet
}
step_sign-qemu() { test/qemu/sign.sh; }
step_size() { scripts/size.sh; }
step_bench() { scripts/bench.sh --smoke; }

QUICK=
wanted=()
case ${1-} in
-h | --help)
    usage
    exit 0
    ;;
--list)
    sed '/^$/d' <<<"$STEPS"
    exit 0
    ;;
--quick)
    [ $# -eq 1 ] || { usage >&2; exit 2; }
    QUICK=--quick
    mapfile -t wanted < <(awk '$2 == "q" { print $1 }' <<<"$STEPS")
    ;;
'') mapfile -t wanted < <(awk 'NF { print $1 }' <<<"$STEPS") ;;
*)
    for name in "$@"; do
        awk -v name="$name" '$1 == name { found = 1 } END { exit !found }' <<<"$STEPS" ||
            { usage >&2; exit 2; }
    done
    wanted=("$@")
    ;;
esac

cd "$HP_ROOT"
mapfile -t groups < <(for name in "${wanted[@]}"; do
    awk -v name="$name" '$1 == name { gsub(",", "\n", $3); print $3 }' <<<"$STEPS"
done | sort -u)
install_packages "${groups[@]}"
for name in "${wanted[@]}"; do
    run_step "$name" "step_$name"
done
finish_steps
