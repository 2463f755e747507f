#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Builds the control domain's program: dom0.sh OUT. Static, as there is nothing else in its file
# system.
set -euo pipefail

"${CC:-gcc}" -std=c11 -O2 -Wall -Wextra -Werror -static -o "$1" \
    "$(dirname "${BASH_SOURCE[0]}")/dom0.c"
