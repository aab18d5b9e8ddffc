#!/usr/bin/env bash
# Refuses a tag that is not the version of what is in the source: tools/release/version.sh v1.2.3
set -euo pipefail
cd "$(dirname "$0")/../.."

version=${1#v}
wrong=0
claim() {
  [[ $2 == "$version" ]] || { echo "version.sh: the tag says $version, $1 says ${2:-nothing}" >&2; wrong=1; }
}

[[ $1 == v* ]] || { echo "version.sh: the tag '$1' does not begin with v" >&2; exit 1; }
claim Cargo.toml "$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -1)"
claim "the chart's version" "$(sed -n 's/^version: "\{0,1\}\([^"]*\)"\{0,1\}$/\1/p' deploy/helm/sessiongate/Chart.yaml)"
claim "the chart's appVersion" "$(sed -n 's/^appVersion: "\{0,1\}\([^"]*\)"\{0,1\}$/\1/p' deploy/helm/sessiongate/Chart.yaml)"
claim CHANGELOG.md "$(grep -oF "[$version]" CHANGELOG.md | head -1 | tr -d '[]')"
exit "$wrong"
