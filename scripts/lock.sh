#!/bin/sh
# Writes requirements.lock: every package with its hashes, and no host's name.
set -eu
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
/usr/bin/python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check uv
"$work/venv/bin/uv" pip compile pyproject.toml --all-extras --generate-hashes --universal \
    --python-version 3.11 --no-header --quiet --output-file "$work/requirements.lock" "$@"
if grep -nE '://|--(extra-)?index|--find-links|--trusted-host' "$work/requirements.lock"; then
    echo "The lock file names a host (the lines above); it was not written." >&2
    exit 1
fi
cp "$work/requirements.lock" requirements.lock
echo "requirements.lock: $(grep -c '==' requirements.lock) packages"
