#!/bin/sh
# A browser for the tests of the report page: prints the path of one that is there, or of Chromium, installed as root.
# Exit code 77: there is none and it cannot be installed here; the last line says why.
set -eu

missing() { printf '%s\n' "$*"; exit 77; }

for name in chromium chromium-browser google-chrome google-chrome-stable; do
  if command -v "$name"; then exit 0; fi
done
command -v apt-get >/dev/null || missing "there is no Chromium or Chrome, and no apt-get to install one"
[ "$(id -u)" = 0 ] || missing "there is no Chromium or Chrome; on Debian: sudo apt-get install chromium"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
export DEBIAN_FRONTEND=noninteractive
set -- apt-get install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=300 chromium
"$@" >"$log" 2>&1 || { apt-get update -qq >"$log" 2>&1 && "$@" >"$log" 2>&1; } ||
  missing "apt-get cannot install chromium: $(tail -n 1 "$log")"
command -v chromium || missing "apt-get installed chromium, but there is no such program"
