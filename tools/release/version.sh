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
for key in version appVersion; do
  claim "the chart's $key" "$(sed -n "s/^$key: *//p" deploy/helm/sessiongate/Chart.yaml | tr -d '"')"
done
claim CHANGELOG.md "$(grep -oF "[$version]" CHANGELOG.md | head -1 | tr -d '[]')"
exit "$wrong"
