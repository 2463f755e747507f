#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Builds and runs the benchmark; docs/PERFORMANCE.md explains what it prints.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

usage() {
    cat <<'TEXT'
usage: bench.sh [--smoke]   loading payloads: time against the floor, phases, growth; applying and
                            reverting them: time of each part, instructions of the window
  --smoke  fewer samples: checks that the port's allocations are few and constant, that the cost
           grows as the payload does, and that the window executes no more instructions for a
           function than it should, which takes a few seconds
TEXT
}

case ${1-} in
-h | --help)
    usage
    exit 0
    ;;
'' | --smoke) ;;
*)
    usage >&2
    exit 2
    ;;
esac
if [ $# -gt 1 ]; then
    usage >&2
    exit 2
fi
cd "$HP_ROOT"
install_packages build
run_quiet cmake --preset default
run_quiet cmake --build --preset default --parallel "$HP_JOBS" --target hotpatch_bench
build/bin/hotpatch_bench "$@"
