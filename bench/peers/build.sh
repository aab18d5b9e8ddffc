#!/usr/bin/env bash
# Builds each peer of this folder to .tools/peers, from the Go modules that its go.mod pins. One that cannot be built here
# is left out, and .tools/peers/NAME.left-out says why. What is newer than all that it is made of is left as it is.
set -euo pipefail
shopt -s nullglob
cd "$(dirname "$0")"
place=$(cd ../.. && pwd)/.tools/peers
mkdir -p "$place"

declare -A packages=(
  [opa]=.
  [heimdall]=github.com/dadrus/heimdall
  [authorino]=.
  [oauth2-proxy]=github.com/oauth2-proxy/oauth2-proxy/v7
)

main() {
  local name wanted made
  for name in opa heimdall authorino oauth2-proxy; do
    wanted=$(go env GOVERSION | cat - build.sh "$name"/go.* "$name"/*.go 2>/dev/null | sha256sum)
    made=$place/$name.made-of
    [[ $(cat "$made" 2>/dev/null) != "$wanted" ]] || continue
    rm -f "$place/$name" "$place/$name.left-out" "$made"
    echo "building $name with $(go env GOVERSION)"
    if build "$name" 2>"$place/$name.log"; then
      echo "$wanted" >"$made"
    else
      reason "$name" | tee "$place/$name.left-out"
    fi
  done
}

# As the projects build their own images: without C, and without the paths of this machine.
build() {
  (cd "$1" && CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o "$place/$1" "${packages[$1]}")
}

reason() {
  local needed here
  needed=$(sed -n 's/^go //p' "$1/go.mod")
  here=$(go env GOVERSION)
  if [[ $(printf '%s\n' "$needed" "${here#go}" | sort -V | tail -n 1) != "${here#go}" ]]; then
    echo "$1 needs Go $needed, and here is Go ${here#go}"
  else
    echo "$1 could not be built: $(tail -n 1 "$place/$1.log")"
  fi
}

main
