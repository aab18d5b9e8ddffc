#!/usr/bin/env bash
# Builds the application of this folder for production; a build of just this is left as it is.
set -euo pipefail
cd "$(dirname "$0")"
export NEXT_TELEMETRY_DISABLED=1

wanted=$(find . -name node_modules -prune -o -name .next -prune -o -type f -print0 | sort -z | xargs -0 cat | sha256sum)
[[ $(cat .next/made-of 2>/dev/null) != "$wanted" ]] || exit 0
echo "building bench/node/next"
log=$(node_modules/.bin/next build 2>&1) || { echo "$log" >&2; exit 1; }
echo "$wanted" >.next/made-of
