#!/usr/bin/env bash
# Prints what CHANGELOG.md says of one version, and how to verify it: tools/release/notes.sh 1.2.3
set -euo pipefail
cd "$(dirname "$0")/../.."

notes=$(awk -v heading="## [$1]" '
  index($0, "## ") == 1 { inside = index($0, heading) == 1; next }
  inside
' CHANGELOG.md)
[[ -n ${notes//[[:space:]]/} ]] || { echo "notes.sh: CHANGELOG.md says nothing of $1" >&2; exit 1; }
echo "$notes"
echo
echo "How to verify what is below: <https://github.com/sessiongate/sessiongate/blob/v$1/docs/supply-chain.md>"
