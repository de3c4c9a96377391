#!/usr/bin/env bash
# Puts promtool into .data/tools, where the tests of the alert rules look for it; without it they are skipped. Takes the one
# binary out of Debian's package `prometheus`, 19 MB: installing that would bring a server with a unit of its own and a dozen
# packages for its web pages. Needs apt, but no root and no change to the system.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
target=.data/tools/promtool
[ ! -x "$target" ] && ! command -v promtool >/dev/null || exit 0
download=$(mktemp -d)
trap 'rm -rf "$download"' EXIT
fetch() { (cd "$download" && apt-get download -qq prometheus) 2>/dev/null; }
fetch || { apt-get update -qq && fetch; }
mkdir -p "$(dirname "$target")"
dpkg-deb --fsys-tarfile "$download"/prometheus_*.deb | tar -xO ./usr/bin/promtool >"$target.part"
chmod +x "$target.part"
mv "$target.part" "$target"
