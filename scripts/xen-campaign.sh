#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Has many payloads judged by the hotpatch command and by Debian's real Xen, and compares; docs/XEN.md.
#
#   xen-campaign.sh [--seed N] [--count N | --sample N | --fields N] [--keep FOLDER] [--progress]
#
#   --seed N       of the random choices (1); the same seed makes the same payloads
#   --count N      how many cases (700)
#   --sample N     so many that one boot is enough for, without what is known to take Xen down
#   --fields N     instead: so many payloads with one field of a header, symbol or relocation changed,
#                  and accepted by us all the same
#   --keep FOLDER  leaves the payloads and all verdicts there
#   --progress     says on standard error how far it is
#
# Environment: HOTPATCH names the tool (build/bin/hotpatch). Ends with "N passed, N failed".
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

case ${1:-} in
-h | --help)
    sed -n '3,/^set/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
    exit 0
    ;;
esac
here=$HP_ROOT/test/xen
hotpatch=$(realpath "${HOTPATCH:-$HP_ROOT/build/bin/hotpatch}")
[ -x "$hotpatch" ] || die "$hotpatch is not built"
install_packages qemu >&2
target=$("$HP_ROOT/scripts/xen.sh")
boot=$("$HP_ROOT/scripts/xen.sh" --boot)
init=$(mktemp)
trap 'rm -f "$init"' EXIT
"$here/dom0.sh" "$init"
export PYTHONDONTWRITEBYTECODE=1
run_quiet python3 "$here/check_rules.py" "$HP_ROOT/docs/XEN.md"
python3 "$here/campaign.py" "$@" "$hotpatch" "$target" "$boot" "$init" "$HP_ROOT/docs/XEN.md"
