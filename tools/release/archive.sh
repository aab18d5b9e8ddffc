#!/usr/bin/env bash
# Packs a binary with its licence, manual, completions and systemd unit. The same binary gives the same archive, byte
# for byte: everything in it has the time of the commit (or SOURCE_DATE_EPOCH) and belongs to root.
#
#   tools/release/archive.sh target/release/sessiongate sessiongate-v1.2.3-x86_64-unknown-linux-gnu FOLDER
set -euo pipefail

binary=$(realpath "$1") name=$2 folder=$(realpath "$3")
cd "$(dirname "$0")/../.."
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

mkdir -p "$place/$name"/{completions,man,systemd}
install -m 0755 "$binary" "$place/$name/sessiongate"
install -m 0644 LICENSE README.md CHANGELOG.md "$place/$name/"
install -m 0644 deploy/systemd/* "$place/$name/systemd/"
for shell in bash zsh fish; do
  "$binary" completions "$shell" >"$place/$name/completions/sessiongate.$shell"
done
"$binary" man --all "$place/$name/man"
tar --create --directory "$place" --sort=name --mtime="@$epoch" --owner=0 --group=0 --numeric-owner \
  --mode='u+rwX,go+rX,go-w' --format=gnu "$name" | gzip --no-name --best >"$folder/$name.tar.gz"
