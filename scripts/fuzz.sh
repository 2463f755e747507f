#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Fuzzes the load path and the manager: builds the fuzz preset, makes the seeds, runs libFuzzer, keeps what it finds.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

BUILD=$HP_ROOT/build-fuzz
GCC_BUILD=$HP_ROOT/build-fuzz-gcc
CORPUS=$BUILD/corpus
SEEDS=$BUILD/seeds
CRASHES=$BUILD/crashes
MAX_LEN=16384
# Several times what the slowest file takes, so that only a change of order fails.
SLOW_LIMIT_MS=400

usage() {
    cat <<'TEXT'
usage: fuzz.sh [--seconds N] [--jobs N]   fuzzes for N seconds (600) in N processes (all CPUs), then for
                                          a quarter of that sequences of operations, and for as
                                          long signatures
       fuzz.sh --smoke                    replays the seeds, fuzzes for 20 s with a fixed seed, times
                                          the slow files; quiet
The corpus grows in build-fuzz/corpus. Inputs that break something are kept in build-fuzz/crashes,
each with a minimised copy; "build-fuzz/bin/fuzz_replay FILE" repeats one.
TEXT
}

make_seeds() {
    rm -rf "$SEEDS"
    mkdir -p "$SEEDS" "$CORPUS" "$CRASHES"
    run_quiet "$BUILD/bin/fuzz_corpus" "$SEEDS"
}

# fuzz SECONDS OPTION... FOLDER...: runs libFuzzer.
fuzz() {
    local seconds=$1

    shift
    "$BUILD/bin/fuzz_load" -max_total_time="$seconds" -max_len="$MAX_LEN" -timeout=10 \
        -rss_limit_mb=2048 -use_value_profile=1 -dict="$HP_ROOT/test/fuzz/load.dict" \
        -artifact_prefix="$CRASHES/" "$@"
}

# fuzz_control SECONDS OPTION... FOLDER...: sequences of operations against the model of the manager.
fuzz_control() {
    local seconds=$1

    shift
    "$BUILD/bin/fuzz_control" -max_total_time="$seconds" -max_len=1600 -len_control=0 -timeout=20 \
        -rss_limit_mb=2048 -use_value_profile=1 -artifact_prefix="$CRASHES/control-" "$@"
}

# fuzz_signatures trailer|rsa SECONDS OPTION... FOLDER...: the two targets of signatures.
fuzz_signatures() {
    local target=$1 seconds=$2

    shift 2
    "$BUILD/bin/fuzz_$target" -max_total_time="$seconds" -max_len=1600 -len_control=0 -timeout=20 \
        -rss_limit_mb=2048 -use_value_profile=1 -artifact_prefix="$CRASHES/$target-" "$@"
}

# minimise: makes a small copy of every finding that has none yet.
minimise() {
    local file

    for file in "$CRASHES"/crash-* "$CRASHES"/timeout-* "$CRASHES"/oom-*; do
        case $file in *.min) continue ;; esac
        [ -f "$file" ] || continue
        printf 'found: %s\n' "$file"
        [ -f "$file.min" ] ||
            "$BUILD/bin/fuzz_load" -minimize_crash=1 -max_total_time=30 \
                -exact_artifact_path="$file.min" "$file" >/dev/null 2>&1 || true
        # Nothing smaller found leaves no file.
        [ -s "$file.min" ] || cp "$file" "$file.min"
    done
}

count_findings() {
    find "$CRASHES" -type f ! -name '*.min' | wc -l
}

# The replay by the other compiler and its sanitizers.
build_gcc() (
    cd "$HP_ROOT"
    run_quiet cmake -S . -B "$GCC_BUILD" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo \
        -DHP_BUILD_FUZZERS=ON -DHP_BUILD_TESTS=OFF -DHP_BUILD_TOOLS=OFF \
        -DHP_SANITIZE=address,undefined
    run_quiet cmake --build "$GCC_BUILD" --parallel "$HP_JOBS" --target fuzz_replay
)

# smoke_run NAME COMMAND...: a short run of one fuzz target, with a corpus of its own, so that it is
# the same each time; that of loading starts from the seeds, too.
smoke_run() {
    local name=$1 folder=$BUILD/smoke-$1

    shift
    rm -rf "$folder"
    mkdir -p "$folder"
    set -- "$@" -seed=1 "$folder"
    [ "$name" != load ] || set -- "$@" "$SEEDS"
    run_quiet "$@"
}

# The targets other than that of loading, one after the other.
smoke_others() {
    smoke_run control fuzz_control 8 &&
        smoke_run trailer fuzz_signatures trailer 6 &&
        smoke_run rsa fuzz_signatures rsa 6
}

smoke() {
    local passed=0 failed=0 before slow others

    if run_quiet "$BUILD/bin/fuzz_replay" "$SEEDS"/*; then
        passed=$((passed + $(find "$SEEDS" -type f | wc -l)))
    else
        failed=$((failed + 1))
    fi
    before=$(count_findings)
    smoke_others &
    others=$!
    if smoke_run load fuzz 20; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        minimise
    fi
    if wait "$others"; then
        passed=$((passed + 3))
    else
        failed=$((failed + 1))
    fi
    [ "$(count_findings)" -eq "$before" ] || printf 'see %s\n' "$CRASHES"
    slow=$(mktemp)
    "$BUILD/bin/fuzz_slow" "$SLOW_LIMIT_MS" >"$slow" 2>&1 || failed=$((failed + 1))
    sed '$d' "$slow"
    passed=$((passed + $(tail -n 1 "$slow" | awk '/passed/ { print $1 }')))
    rm -f "$slow"
    printf '%d passed, %d failed\n' "$passed" "$failed"
    [ "$failed" -eq 0 ]
}

SECONDS_WANTED=600
JOBS=$HP_JOBS
SMOKE=
while [ $# -gt 0 ]; do
    case $1 in
    --seconds | --jobs)
        [[ ${2-} =~ ^[1-9][0-9]*$ ]] || { usage >&2; exit 2; }
        if [ "$1" = --seconds ]; then SECONDS_WANTED=$2; else JOBS=$2; fi
        shift
        ;;
    --smoke) SMOKE=1 ;;
    -h | --help)
        usage
        exit 0
        ;;
    *)
        usage >&2
        exit 2
        ;;
    esac
    shift
done

install_packages build clang
build_preset fuzz
make_seeds
if [ -n "$SMOKE" ]; then
    smoke
    exit
fi
before=$(count_findings)
build_gcc
run_quiet "$GCC_BUILD/bin/fuzz_replay" "$SEEDS"/*
fuzz "$SECONDS_WANTED" -fork="$JOBS" -ignore_crashes=1 -ignore_timeouts=1 -ignore_ooms=1 \
    "$CORPUS" "$SEEDS" || true
minimise
mkdir -p "$CORPUS-control"
fuzz_control $((SECONDS_WANTED / 4 + 1)) -fork="$JOBS" -ignore_crashes=1 -ignore_timeouts=1 \
    -ignore_ooms=1 "$CORPUS-control" || true
for target in trailer rsa; do
    mkdir -p "$CORPUS-$target"
    fuzz_signatures "$target" $((SECONDS_WANTED / 8 + 1)) -fork="$JOBS" -ignore_crashes=1 \
        -ignore_timeouts=1 -ignore_ooms=1 "$CORPUS-$target" || true
done
printf '%d inputs in the corpus, %d new findings\n' "$(find "$CORPUS" -type f | wc -l)" \
    $(($(count_findings) - before))
[ "$(count_findings)" -eq "$before" ]
