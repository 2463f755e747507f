#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Boots Debian's real Xen under QEMU and prints what it says of payloads; docs/XEN.md.
#
#   boot.sh PAYLOAD...
#
# Exits with 0 when every payload was uploaded, applied, reverted and unloaded, with 1 when not, with
# 2 when Xen did not come up.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"

here=$HP_ROOT/test/xen

if [ $# -eq 0 ]; then
    echo "usage: boot.sh PAYLOAD..." >&2
    exit 2
fi
install_packages qemu >&2
boot=$("$HP_ROOT/scripts/xen.sh" --boot)
init=$(mktemp)
trap 'rm -f "$init"' EXIT
"$here/dom0.sh" "$init"
export PYTHONDONTWRITEBYTECODE=1
python3 "$here/judge.py" "$boot" "$init" "$@"
