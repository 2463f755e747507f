#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Fetches Debian's Xen symbol file once and prints its path.
#
#   xen.sh        the path of xen-syms, an unstripped ELF image of Debian's Xen
#
# Environment: XEN_SYMS names another image to use instead, XEN_RELEASE another release (4.17).
# apt checks the package against Debian's signatures; the package is not installed.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

release=${XEN_RELEASE:-4.17}
package=xen-hypervisor-$release-amd64-dbg
cache=$HP_ROOT/build/xen/$release
syms=usr/lib/debug/boot/xen-syms-$release-amd64

# Downloads the package into the current folder, where apt's sandbox user could not write.
download() {
    local sandbox=()

    [ "$(id -u)" -ne 0 ] || sandbox=(-o APT::Sandbox::User=root)
    apt-get -qq ${sandbox[@]+"${sandbox[@]}"} download "$package"
}

# Fills the cache in one step, so that an interrupted run leaves nothing half done behind.
fetch() (
    mkdir -p "$(dirname "$cache")"
    work=$(mktemp -d "$cache.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    cd "$work"
    # Without package lists, or with old ones that name what is gone, the first try fails.
    if ! download >/dev/null 2>&1; then
        run_quiet as_root apt-get update
        run_quiet download
    fi
    dpkg-deb -x "$package"_*.deb root
    [ -f "root/$syms" ] || die "$package does not hold $syms"
    # Where another run was faster, its result stays.
    mv -T root "$cache" 2>/dev/null || [ -f "$cache/$syms" ] || die "cannot fill $cache"
)

if [ -n "${XEN_SYMS:-}" ]; then
    [ -r "$XEN_SYMS" ] || die "cannot read $XEN_SYMS"
    echo "$XEN_SYMS"
    exit 0
fi
[ -f "$cache/$syms" ] || fetch
echo "$cache/$syms"
