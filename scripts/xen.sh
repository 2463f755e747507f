#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Fetches files of Debian's Xen once and prints where they are.
#
#   xen.sh        the path of xen-syms, an unstripped ELF image of Debian's Xen
#   xen.sh --boot a folder with what boots it: xen, vmlinux, xen-privcmd.ko
#
# Environment: XEN_SYMS names another image to use instead, XEN_RELEASE another release (4.17).
# apt checks the packages against Debian's signatures; they are not installed.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

release=${XEN_RELEASE:-4.17}
package=xen-hypervisor-$release-amd64-dbg
cache=$HP_ROOT/build/xen/$release
syms=usr/lib/debug/boot/xen-syms-$release-amd64

# Downloads packages into the current folder, where apt's sandbox user could not write.
download() {
    local sandbox=()

    [ "$(id -u)" -ne 0 ] || sandbox=(-o APT::Sandbox::User=root)
    apt-get -qq ${sandbox[@]+"${sandbox[@]}"} download "$@"
}

# unpack PACKAGE...: downloads packages and unpacks them into the folder root.
unpack() {
    local file

    # Without package lists, or with old ones that name what is gone, the first try fails.
    if ! download "$@" >/dev/null 2>&1; then
        run_quiet as_root apt-get update
        run_quiet download "$@"
    fi
    for file in *.deb; do
        dpkg-deb -x "$file" root
    done
}

# fetch CACHE FUNCTION: fills a cache with the folder "result" that the function makes where it is
# called. In one step, so that an interrupted run leaves nothing half done behind.
fetch() (
    mkdir -p "$(dirname "$1")"
    work=$(mktemp -d "$1.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    cd "$work"
    "$2"
    # Where another run was faster, its result stays.
    mv -T result "$1" 2>/dev/null || [ -d "$1" ] || die "cannot fill $1"
)

make_syms() {
    unpack "$package"
    [ -f "root/$syms" ] || die "$package does not hold $syms"
    mv root result
}

# The kernel itself, as it lies compressed in the file for boot loaders: Xen takes that, too, but
# needs seconds for unpacking it under emulation.
plain_kernel() {
    python3 - "$1" "$2" <<'PYTHON'
import lzma
import struct
import sys

with open(sys.argv[1], "rb") as file:
    image = file.read()
# Offsets of the Linux boot protocol: sectors in front, then place and size of what is compressed.
setup = (image[0x1F1] or 4) + 1
offset, size = struct.unpack_from("<II", image, 0x248)
start = setup * 512 + offset
with open(sys.argv[2], "wb") as file:
    file.write(lzma.LZMADecompressor().decompress(image[start:start + size]))
PYTHON
}

# The symbol file and the hypervisor have to be of one build, which the judge checks by applying.
make_boot() {
    local kernel

    kernel=$(apt-cache depends linux-image-amd64 | awk '/Depends: linux-image-/ { print $2; exit }')
    if [ -z "$kernel" ]; then
        run_quiet as_root apt-get update
        kernel=$(apt-cache depends linux-image-amd64 |
            awk '/Depends: linux-image-/ { print $2; exit }')
    fi
    [ -n "$kernel" ] || die "linux-image-amd64 names no kernel"
    unpack "${package%-dbg}" "$kernel"
    mkdir result
    gzip -dc "root/boot/xen-$release-amd64.gz" >result/xen
    plain_kernel root/boot/vmlinuz-* result/vmlinux
    find root -name xen-privcmd.ko -exec cp {} result/ \;
    [ -f result/xen-privcmd.ko ] || die "$kernel does not hold xen-privcmd.ko"
}

if [ "${1:-}" = --boot ]; then
    [ -d "$cache-boot" ] || fetch "$cache-boot" make_boot
    echo "$cache-boot"
    exit 0
fi
if [ -n "${XEN_SYMS:-}" ]; then
    [ -r "$XEN_SYMS" ] || die "cannot read $XEN_SYMS"
    echo "$XEN_SYMS"
    exit 0
fi
[ -f "$cache/$syms" ] || fetch "$cache" make_syms
echo "$cache/$syms"
