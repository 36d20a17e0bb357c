#!/bin/sh
# The docker command alone, for the test that compares our grammar with its own.  It is unpacked from
# Debian's package and not installed: no daemon starts, and nothing outside .venv changes.
set -eu
cd "$(dirname "$0")/.."
command -v docker >/dev/null && exit 0
[ -x .venv/peers/usr/bin/docker ] && exit 0
mkdir -p .venv/peers 2>/dev/null && cd .venv/peers || exit 0
fetch() {
    for package in docker-cli docker.io; do
        apt-get -qq download "$package" >/dev/null 2>&1 </dev/null || continue
        dpkg-deb -x "$package"_*.deb . && rm -f "$package"_*.deb
        [ -x usr/bin/docker ] && return 0
    done
    return 1
}
fetch || { [ "$(id -u)" = 0 ] && apt-get -qq update >/dev/null 2>&1 </dev/null && fetch; } ||
    echo "No docker client and none to be had from apt: the comparison of grammars will be skipped." >&2
