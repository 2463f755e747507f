#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Checks the model of the rendezvous in all interleavings, and that mutants of it are found out:
# run.sh
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"

MODEL=$HP_ROOT/test/model/rendezvous.pml
CODE=$HP_ROOT/src/apply/rendezvous.c

# name|what sed does to the model. A mark in a comment of the model is where the line is.
MUTANTS='
plain counter, reset between actions|s/generation = own + 1;/generation = own;/; s/publish(own + 1, IDLE)/publish(own, IDLE)/
abort leaves the generation|/await: gives up/s/generation = own + 1;/generation = own;/
abort by a plain store|/await: compare/s/word_is(g, p, c)/true/
arrival without a look at the generation|/ok = false; forget_word; break/s/g != own ||//
arrival by a plain store|/arrive: compare/s/word_is(g, p, c)/true/; s/count++; counted/count = c + 1; counted/
claim by a plain store|/claim: compare/s/word_is(g, p, c)/true/
waiter that ignores the generation|/wait_out: over/s/generation != own ||//
window after the first phase alone|/stop: await/s/await(QUIET)/ok = true/
no first phase|/await(GATHER);/s/await(GATHER)/ok = true/
CPUs let go before the code is written|/stop: write/s/hp_manager_window()/publish(own + 1, IDLE)/; /stop: release/s/publish(own + 1, IDLE)/hp_manager_window()/
CPU goes on without serialising|/follow: serialise/s/serialise();//
CPU serialises before the wait|/follow: serialise/s/serialise();//; /follow: wait/s/wait_out/serialise(); wait_out/
acting CPU goes on without serialising|/stop: serialise/s/serialise();//
interrupts off after the second arrival|/follow: off/s/interrupts_off();//; /follow: wait/s/wait_out/interrupts_off(); wait_out/
interrupts of the acting CPU stay on|/stop: off/s/interrupts_off();//
marked after it is counted|/arrive: mark/s/marked.*phase);/skip;/; s/arrive(\([GQ][A-Z]*\));/arrive(\1); marked[SELF] = (generation == own \&\& phase == \1);/
window when one is missing|s/(c == OTHERS)/(c >= OTHERS - 1)/
'

# check DIR FLAGS...: compiles and runs the model DIR/rendezvous.pml; its report in DIR/report.
# Fails only when it cannot be checked.
check() {
    local dir=$1

    shift
    cd "$dir"
    run_quiet spin -a rendezvous.pml
    run_quiet gcc "$@" -w -DSAFETY -DCOLLAPSE -DMEMLIM=4000 -o pan pan.c
    ./pan -m100000 >report
}

# mutant DIR NUMBER: passes when that mutant differs from the model and is found out.
mutant() {
    local dir=$1/$2 line

    line=$(sed '/^$/d' <<<"$MUTANTS" | sed -n "$2p")
    mkdir "$dir"
    sed "${line#*|}" "$MODEL" >"$dir/rendezvous.pml"
    if cmp -s "$MODEL" "$dir/rendezvous.pml"; then
        printf 'FAIL  mutant "%s" changes nothing\n' "${line%%|*}"
    elif ! (check "$dir" -O0) || ! grep -q 'errors: [1-9]' "$dir/report"; then
        printf 'FAIL  mutant "%s" is not found out\n' "${line%%|*}"
    else
        printf 'ok    %s: %s\n' "${line%%|*}" "$(grep -om 1 'pan:1: .*' "$dir/report")"
    fi
}

# sound DIR: the model itself, to the last state, and every line of it is reached.
sound() {
    mkdir "$1/model"
    cp "$MODEL" "$1/model/"
    if (check "$1/model" -O2) && grep -q 'errors: 0$' "$1/model/report" &&
        ! grep -qE 'not completed|max search depth' "$1/model/report" &&
        ! grep -E '^\s+rendezvous.pml:.*state' "$1/model/report" | grep -qv '"-end-"'; then
        printf 'ok    model:%s\n' "$(grep 'states, stored' "$1/model/report")"
    else
        printf 'FAIL  the model\n'
        cat "$1/model/report"
    fi
}

# names: what the model calls as the code does, the code must have.
names() {
    local name missing=

    while read -r name; do
        grep -qE "\b(hp_port_)?$name\(" "$CODE" || missing+=" $name"
    done < <(sed -n 's/^inline \([a-z_]*\)(.*/\1/p' "$MODEL")
    [ -z "$missing" ] && printf 'ok    names\n' || printf 'FAIL  not in %s:%s\n' "$CODE" "$missing"
}

if [ $# -eq 2 ]; then
    mutant "$1" "$2"
    exit
fi
[ $# -eq 0 ] || die 'usage: run.sh'

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
{
    names
    sound "$work"
    seq "$(sed '/^$/d' <<<"$MUTANTS" | wc -l)" | xargs -P "$HP_JOBS" -n 1 "$0" "$work"
} | tee "$work/log"
printf '%d passed, %d failed\n' "$(grep -c '^ok ' "$work/log")" "$(grep -c '^FAIL ' "$work/log")"
! grep -q '^FAIL ' "$work/log"
