#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Installs the default build into an empty folder, moves it, and builds and runs consumers of what
# was installed: by CMake and by pkg-config, hosted and without a C library.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"

HERE=$HP_ROOT/test/consumer
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0

# shows NAME COMMAND...: a test is a command that must succeed; the script ends with the first that
# does not.
shows() {
    local name=$1

    shift
    run_quiet "$@" || die "$name"
    passed=$((passed + 1))
}

# by_pkgconfig: the same programs without CMake.
by_pkgconfig() (
    cd "$work"
    cc=${CC:-gcc}
    # Splitting pkg-config's answer into words is how it is meant to be used.
    # shellcheck disable=SC2046
    $cc -std=c11 -Wall -Wextra -Werror -o hosted "$HERE/hosted.c" \
        $(pkg-config --cflags --libs hotpatch-host)
    # shellcheck disable=SC2046
    $cc -std=c11 -Wall -Wextra -Werror -ffreestanding -fno-stack-protector -fno-pie \
        -fno-tree-loop-distribute-patterns -nostdlib -static -no-pie -o embedded \
        "$HERE/embedded.c" "$HP_ROOT/port/template/port.c" \
        $(pkg-config --cflags --libs hotpatch)
    ./hosted
    ./embedded
)

# headers_alone: each public header compiles by itself, as C11 and as C++.
headers_alone() (
    cd "$1/include"
    for header in hotpatch/*.h; do
        gcc -std=c11 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -I. -x c "$header"
        g++ -std=c++11 -Wall -Wextra -Werror -fsyntax-only -I. -x c++ "$header"
    done
)

build_preset default
run_quiet cmake --install "$HP_ROOT/build" --prefix "$work/first"
# Nothing in the package may remember where it was installed or built.
mv "$work/first" "$work/prefix"
prefix=$work/prefix
if grep -rIlF -e "$work/first" -e "$HP_ROOT" "$prefix"; then
    die 'these installed files name the place of the build'
fi

shows 'CMake finds the package' cmake -S "$HERE" -B "$work/cmake" -G Ninja \
    -DCMAKE_PREFIX_PATH="$prefix" -DHP_PORT_SOURCE="$HP_ROOT/port/template/port.c"
shows 'a consumer builds with CMake' cmake --build "$work/cmake"
shows 'the hosted consumer runs' "$work/cmake/hosted"
shows 'the freestanding consumer runs' "$work/cmake/embedded"

# A hypervisor's build: the freestanding library alone, installed without the hosted one.
run_quiet cmake -S "$HP_ROOT" -B "$work/core" -G Ninja -DHP_FREESTANDING_ONLY=ON
run_quiet cmake --build "$work/core" --parallel "$HP_JOBS" -- --quiet
run_quiet cmake --install "$work/core" --prefix "$work/core-prefix"
configure_core() {
    cmake -S "$HERE" -B "$work/core-consumer" -G Ninja -DCMAKE_PREFIX_PATH="$work/core-prefix" \
        -DHP_PORT_SOURCE="$HP_ROOT/port/template/port.c" "$@"
}
misses_host() { ! configure_core -DCONSUMER_HOSTED=ON; }
shows 'the freestanding package is found alone' configure_core -DCONSUMER_HOSTED=OFF
shows 'a consumer of it builds' cmake --build "$work/core-consumer"
shows 'a consumer of it runs' "$work/core-consumer/embedded"
shows 'the hosted library is missed where it is not installed' misses_host

PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name hotpatch.pc)")
export PKG_CONFIG_PATH
shows 'consumers build and run with pkg-config' by_pkgconfig
shows 'public headers compile alone' headers_alone "$prefix"
shows 'the installed tool runs' "$prefix/bin/hotpatch" --version
shows 'the manual page is installed' test -s "$prefix/share/man/man1/hotpatch.1"

printf '%d passed, 0 failed\n' "$passed"
