#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Runs the tests: all of them, the quick ones, or those named. Silent but for one line per step.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# name  q (part of --quick) or -  groups of scripts/packages.txt  what it shows
STEPS='
build        q  build        both libraries and the tool compile without a warning
unit         q  build        unit tests
asan         q  build        unit tests under AddressSanitizer and UBSan
selfpatch    q  build        a process patches itself, as it is and under AddressSanitizer and UBSan
freestanding q  build,clang  undefined symbols and writable data, every variant of the library
format       q  clang        the sources are formatted
tool         q  build        the hotpatch command, all its subcommands and exit statuses
xen          q  build        payloads for the real Xen against its symbol file; broken variants
xen-boot     -  build,qemu   the real Xen takes what is accepted and refuses what is refused
xen-port     -  build        the host port on that symbol file
tidy         -  build,lint   clang-tidy has no finding
cppcheck     -  lint         cppcheck has no finding
shell        -  lint         shellcheck has no finding
man          -  lint         the manual page is well formed
porting      q  build        docs/PORTING.md and port/template have every function of the port
consumer     -  build        the installed package works from CMake, pkg-config, without a C library
readme       -  build        the example of README.md compiles and does what it says
fuzz         -  build,clang  a short run of the fuzz targets
model        -  build,model  the model of the rendezvous in all interleavings; mutants are found
eva          -  build,prove  the parser has no run-time error for any input
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
step_unit() { run_ctest build; }
step_asan() {
    build_preset asan
    run_ctest build-asan
}
step_selfpatch() {
    build_preset default
    build/bin/selfpatch build/examples/selfpatch
    build_preset asan
    build-asan/bin/selfpatch build-asan/examples/selfpatch
    echo "2 passed, 0 failed"
}
step_freestanding() { test/freestanding/undefined.sh $QUICK; }
step_format() { scripts/lint.sh format; }
step_tool() { test/tool/run.sh; }
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
step_readme() { test/readme/run.sh; }
step_fuzz() { test/fuzz/run.sh; }
step_model() { test/model/run.sh; }
step_eva() { test/eva/run.sh --quick; }
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
