#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The fuzz step of scripts/test.sh: replays the seeds, fuzzes for a short while, times slow files.
set -euo pipefail
exec "$(dirname "$0")/../../scripts/fuzz.sh" --smoke
