#!/bin/sh
# Debian's chromium, which the tests of the side bar drive; as root it is installed where it is missing.
set -eu
command -v chromium >/dev/null && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    echo "Installing with apt: chromium" >&2
    { apt-get -qq update && apt-get -qq install -y --no-install-recommends chromium fonts-dejavu-core; } >/dev/null 2>&1 </dev/null && exit 0
fi
echo "Missing: chromium (apt-get install chromium): the tests in the browser will be skipped." >&2
