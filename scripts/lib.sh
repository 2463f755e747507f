# SPDX-License-Identifier: BSD-2-Clause
# Functions that the scripts share; to be sourced by bash with "set -euo pipefail" in force.
# shellcheck shell=bash

HP_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
HP_JOBS=${HP_JOBS:-$(nproc)}

# die MESSAGE...: ends the script.
die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# run_quiet COMMAND...: runs a command and shows its output only when it fails.
run_quiet() {
    local log status=0

    log=$(mktemp)
    "$@" >"$log" 2>&1 </dev/null || status=$?
    if [ "$status" -ne 0 ]; then
        cat "$log" >&2
        printf '%s: failed with status %d: %s\n' "${0##*/}" "$status" "$*" >&2
    fi
    rm -f "$log"
    return "$status"
}

# as_root COMMAND...: runs a command as root.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "neither root nor sudo: cannot run $*"
    fi
}

# missing_packages GROUP...: prints those packages of the groups that are not installed.
missing_packages() {
    local package group

    while read -r package group; do
        case $package in '' | '#'*) continue ;; esac
        case " $* " in *" $group "*) ;; *) continue ;; esac
        # An unknown package makes dpkg-query fail, which means the same: not installed.
        if [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" != installed ]; then
            printf '%s\n' "$package"
        fi
    done <"$HP_ROOT/scripts/packages.txt"
}

# install_packages GROUP...: installs what is missing of scripts/packages.txt; without anything
# missing it does not touch the network.
install_packages() {
    local missing

    mapfile -t missing < <(missing_packages "$@")
    if [ "${#missing[@]}" -eq 0 ]; then
        return 0
    fi
    command -v apt-get >/dev/null || die "please install: ${missing[*]}"
    printf 'installing %s\n' "${missing[*]}"
    run_quiet as_root apt-get update
    run_quiet as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y --no-install-recommends "${missing[@]}"
}

# build_preset PRESET: configures and builds a preset of CMakePresets.json.
build_preset() (
    cd "$HP_ROOT"
    run_quiet cmake --preset "$1"
    run_quiet cmake --build --preset "$1" --parallel "$HP_JOBS" -- --quiet
)

# ---- steps: named functions or commands, timed and counted ---------------------------------------

HP_PASSED=0
HP_FAILED=0
HP_LOG_DIR=

# counts_of LOG STATUS: prints "passed failed" of a step. A log that ends a runner's report with
# "N passed, N failed" alone on a line is counted by its last such line, any other step as one test.
counts_of() {
    local line

    line=$(grep -aE '^[0-9]+ passed, [0-9]+ failed$' "$1" | tail -n 1 || true)
    if [ -z "$line" ]; then
        line="$(($2 == 0)) passed, 0 failed"
    fi
    # A runner that fails without a failed test has failed all the same.
    awk -v status="$2" '{ if (status != 0 && $3 == 0) $3 = 1; print $1, $3 }' <<<"$line"
}

# run_step NAME COMMAND...: one line on success, the log on failure. Never ends the script.
run_step() {
    local name=$1 log status start=$SECONDS passed failed

    shift
    [ -n "$HP_LOG_DIR" ] || HP_LOG_DIR=$(mktemp -d)
    log=$HP_LOG_DIR/$name.log
    # Not with "||", which would switch errexit off inside the step as well.
    set +e
    (
        set -e
        "$@"
    ) >"$log" 2>&1 </dev/null
    status=$?
    set -e
    read -r passed failed < <(counts_of "$log" "$status")
    HP_PASSED=$((HP_PASSED + passed))
    HP_FAILED=$((HP_FAILED + failed))
    if [ "$status" -eq 0 ] && [ "$failed" -eq 0 ]; then
        printf 'ok    %s (%d tests, %d s)\n' "$name" "$passed" $((SECONDS - start))
    else
        printf 'FAIL  %s (status %d, %d s)\n' "$name" "$status" $((SECONDS - start))
        sed 's/^/    /' "$log"
    fi
}

# finish_steps: prints the totals; fails when a test failed or none ran.
finish_steps() {
    [ -z "$HP_LOG_DIR" ] || rm -rf "$HP_LOG_DIR"
    printf '%d passed, %d failed\n' "$HP_PASSED" "$HP_FAILED"
    [ "$HP_FAILED" -eq 0 ] && [ "$HP_PASSED" -gt 0 ]
}
