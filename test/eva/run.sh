#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Proves with Frama-C's value analysis that the ELF view and the reader of signatures have no run-time
# error on any input, and that the analysis still finds errors when there are some. Usage: run.sh [--quick]
set -euo pipefail

cd "$(dirname "$0")/../.."
quick=no
[ "${1:-}" = --quick ] && quick=yes
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# analyse ROOT ENTRY MACHDEP DEFINES...: runs one analysis of the sources under ROOT into $work/log.
analyse()
{
    root=$1 entry=$2 machdep=$3
    shift 3
    frama-c -machdep "$machdep" -c11 -cpp-extra-args="-Iinclude -I$root $*" \
        -eva -eva-precision 0 -eva-auto-loop-unroll 0 -eva-msg-key=-final-states -main "$entry" \
        test/eva/eva_elf.c test/eva/eva_sign.c "$root"/sign/{cms,der,trailer}.c "$root"/elf/*.c "$root"/base/diag.c "$root"/base/span.c \
        "$root"/base/status.c "$root"/base/profile.c >"$work/log" 2>&1 || return 1
    grep -q 'ANALYSIS SUMMARY' "$work/log"
}

# Everything below is one verdict: no alarm, and every property that was met is proven.
prove()
{
    printf '%-12s %-11s %-24s ' "$1" "$2" "$3 ${4:-}"
    if ! analyse src "$@"; then
        echo 'FAILED: no analysis'
        tail -n 20 "$work/log"
        exit 1
    fi
    if grep -q 'eva:alarm' "$work/log" ||
        ! grep -q '100% of the logical properties reached have been proven' "$work/log"; then
        echo 'FAILED'
        grep -A 4 'eva:alarm' "$work/log" || tail -n 20 "$work/log"
        exit 1
    fi
    coverage=$(sed -n 's/.*: \([0-9]*\)% coverage.*/\1/p' "$work/log" | tail -n 1)
    # A file of any length reaches all but what the caller's checks make impossible.
    if [ "${4:-}" = "" ] && [ "$coverage" -lt 97 ]; then
        echo "FAILED: only $coverage% of the statements are reached"
        exit 1
    fi
    echo "proven, $coverage% of the statements reached"
}

# seed FILE ENTRY SIZE EXPRESSION: breaks a copy of the sources; on a file of SIZE bytes the analysis
# has to raise an alarm.
seed()
{
    rm -rf "$work/src"
    cp -r src "$work/src"
    sed -i "$4" "$work/src/$1"
    printf 'seeded bug in %-14s ' "$1"
    if cmp -s "src/$1" "$work/src/$1"; then
        echo "FAILED: '$4' changes nothing"
        exit 1
    fi
    if ! analyse "$work/src" "$2" gcc_x86_64 -DSIZE="$3" -DEXACT; then
        echo 'FAILED: no analysis'
        tail -n 20 "$work/log"
        exit 1
    fi
    if ! grep -q 'eva:alarm' "$work/log"; then
        echo "FAILED: '$4' is not found"
        exit 1
    fi
    echo found
}

# Any length up to more than the largest limit; then sizes at which every check has its edge.
ENTRIES='eva_extent eva_open eva_getters eva_trailer eva_cms eva_parse'
for entry in $ENTRIES; do
    prove "$entry" gcc_x86_64 -DSIZE=3145728
done
[ $quick = yes ] && exit 0
for entry in $ENTRIES; do
    prove "$entry" gcc_x86_32 -DSIZE=3145728
    for size in 1 63 64 128 200 4096; do
        prove "$entry" gcc_x86_64 "-DSIZE=$size" -DEXACT
    done
done
seed elf/view.h eva_extent 200 's/offset > file.size - size/offset > file.size/'
seed elf/view.h eva_getters 10 's/file.size < size || //'
seed base/span.h eva_extent 59 's/offset > span.size - 2/offset > span.size - 1/'
seed elf/view.h eva_extent 200 '/hp_elf_at(file, offset, HP_SHDR64_SIZE)/s/64/32/'
seed elf/extent.c eva_extent 10 's/    if (!ident) {/    if (!magic) {/'
seed elf/section.c eva_open 200 's/char name\[HP_DIAG_SECTION_MAX + 1\]/char name[HP_DIAG_SECTION_MAX - 1]/'
seed elf/special.c eva_open 200 's/length < NAME_MAX_SIZE/length <= NAME_MAX_SIZE/'
seed elf/open.c eva_open 200 's/first = hp_elf_at(elf->file, section->offset, 1)/first = hp_elf_at(elf->file, section->offset, 0)/'
seed base/diag.c eva_open 200 's/n < size - 1 \&\& n < length; n/n < size + 2 \&\& n < length; n/'
seed elf/symbol.c eva_getters 200 '/hp_elf_at(file, at, HP_SYM64_SIZE)/s/64/32/'
seed elf/symbol.c eva_getters 200 's/hp_elf_at(elf->file, at, HP_SHNDX_SIZE)/hp_elf_at(elf->file, at, 1)/'
seed elf/reloc.c eva_getters 200 's/!addend/addend/'
seed elf/note.c eva_getters 200 's/hp_elf_at(elf->file, section.offset, NOTE_HEADER_SIZE)/hp_elf_at(elf->file, section.offset, 4)/'
seed sign/der.c eva_cms 200 's/!p || offset >= der->end/offset >= der->end/'
seed sign/trailer.c eva_trailer 200 '/hp_elf_at(file, offset, HEADER_SIZE)/s/HEADER_SIZE/4/'
seed sign/trailer.c eva_trailer 200 's/i < size \&\& i < MARKER_SIZE/i <= size/'
seed sign/cms.c eva_cms 200 's/i == sizeof(algorithms) \/ sizeof(algorithms\[0\])/i > 99/'
