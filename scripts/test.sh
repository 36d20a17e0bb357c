#!/bin/sh
# Everything: static checks, the notebooks with their outputs compared, all suites.
# The suites come last, so that pytest's own closing line is the last word when all is well.
set -eu
cd "$(dirname "$0")/.."
umask 022

# As root the tests also run as ordinary users, who have to reach this folder.
if [ "$(id -u)" = 0 ] && ! setpriv --reuid=65534 --regid=65534 --clear-groups test -r "$PWD/ipycontainer/__init__.py"; then
    copy=/var/cache/ipycontainer-tests/$(pwd | sha256sum | cut -c1-12)
    echo "Ordinary users cannot reach $PWD: the tests run on a copy, $copy" >&2
    mkdir -p -m 755 "$copy"
    find "$copy" -mindepth 1 -maxdepth 1 ! -name .venv ! -name labextension -exec rm -rf {} +
    [ ! -d "$copy/labextension" ] ||
        find "$copy/labextension" -mindepth 1 -maxdepth 1 ! -name node_modules -exec rm -rf {} +
    tar -cf - --exclude=./.venv --exclude=./.git --exclude=./labextension/node_modules . | tar -xf - -C "$copy" --no-same-owner
    chmod -R go+rX "$copy" 2>/dev/null || true
    exec make -C "$copy" test
fi

scripts/setup.sh
scripts/docker_client.sh
scripts/image_tools.sh
scripts/docker_daemon.sh
scripts/browser.sh
# Beforehand, so that making it counts against no test; where it cannot be made it has said why.
scripts/guest.sh >/dev/null || true
python=.venv/bin/python
failed=

scripts/check.sh --static || failed="$failed checks"

if [ -n "$(find notebooks -name '*.ipynb' -not -path '*/.*' 2>/dev/null)" ]; then
    store=$(mktemp -d)
    IPYCONTAINER_ROOT="$store/store" $python -m pytest --nbval --nbval-current-env --nbval-cell-timeout=120 \
        --nbval-sanitize-with=notebooks/sanitize.cfg -p no:cacheprovider -q notebooks || failed="$failed notebooks"
    scripts/empty_store.sh "$store/store" || failed="$failed leavings"
    rm -rf "$store"
fi

# Nothing kept ready: every plan is walked from its beginning.  IPYCONTAINER_SLOTS=0 does so for any selection.
IPYCONTAINER_SLOTS=0 $python -m pytest -q -p no:cacheprovider tests/life/test_run.py tests/life/test_leavings.py \
    -k "not instant" || failed="$failed slots-off"
$python -m pytest --durations=10 tests || failed="$failed suites"
[ -z "$failed" ] || {
    echo "Failed:$failed" >&2
    exit 1
}
