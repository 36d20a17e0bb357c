#!/bin/sh
# Makes .venv from /usr/bin/python3 with exactly what requirements.lock says, and ipycontainer itself
# from this folder.  Quick when there is nothing to do: .venv/stamp holds the digest of what it was
# made from.
set -eu
cd "$(dirname "$0")/.."
umask 022 # an ordinary user runs what root has set up

say() { printf '%s\n' "$*" >&2; }
fail() {
    say "$*"
    exit 1
}

python=/usr/bin/python3
packages="python3 python3-venv uidmap iproute2 procps util-linux"

missing() {
    [ -x $python ] || echo python3
    [ -x $python ] && { $python -c 'import ensurepip, venv' 2>/dev/null || echo python3-venv; }
    for pair in newuidmap:uidmap ip:iproute2 ps:procps setpriv:util-linux; do
        PATH="$PATH:/usr/sbin:/sbin" command -v "${pair%:*}" >/dev/null || echo "${pair#*:}"
    done
}

[ "$(uname -s)" = Linux ] || fail "ipycontainer needs Linux: namespaces, cgroups and overlay are the kernel's."

if [ ! -w . ]; then
    fail "This folder belongs to $(stat -c %U .) and you ($(id -un)) may not write here: make a copy of your own (cp -r '$PWD' ~/ipycontainer) and run make there."
fi

lacking=$(missing | sort -u | tr '\n' ' ')
if [ -n "$lacking" ]; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        say "Installing with apt: $lacking"
        log=$(mktemp)
        export DEBIAN_FRONTEND=noninteractive
        # shellcheck disable=SC2086  # a list of names
        { apt-get -qq update && apt-get -qq install -y --no-install-recommends $lacking; } >"$log" 2>&1 </dev/null || {
            cat "$log" >&2
            fail "apt-get could not install: $lacking(its own words are above)."
        }
        rm -f "$log"
    else
        case " $lacking" in
        *" python3 "* | *" python3-venv "*)
            fail "Missing: $lacking. Ask the administrator for: apt-get install $packages; then run make again."
            ;;
        esac
        say "Missing, and done without: $lacking(the administrator's way: apt-get install $lacking)."
    fi
fi
$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "$python is $($python --version); ipycontainer needs Python 3.11 or newer."

# quietly FILE COMMAND…: what the command says is shown only when it fails.
quietly() {
    log=$1
    shift
    "$@" >"$log" 2>&1 </dev/null || {
        cat "$log" >&2
        fail "Failed (its own words are above): $*"
    }
}
digest() { sha256sum | cut -c1-64; }
pip() { quietly .venv/pip.log .venv/bin/python -m pip --disable-pip-version-check --no-input "$@"; }

libraries=$({ cat requirements.lock && $python --version && pwd; } | digest)
# The side bar's sources, without what npm and the compiler put beside them.
sidebar=$(find labextension -name node_modules -prune -o -path labextension/lib -prune -o -type f -print | LC_ALL=C sort)
# shellcheck disable=SC2086  # a list of names
ourselves=$({ echo "$libraries" && cat pyproject.toml bin/ipycontainer $sidebar; } | digest)
if [ "$(cat .venv/libraries.stamp 2>/dev/null || true)" != "$libraries" ]; then
    [ ! -e .venv ] || [ -w .venv ] ||
        fail ".venv belongs to $(stat -c %U .venv) and is out of date: remove it (rm -r .venv), then run make again."
    say "Making .venv from requirements.lock (about a minute, once) …"
    rm -rf .venv
    $python -m venv .venv
    pip install --require-hashes --requirement requirements.lock
    echo "$libraries" >.venv/libraries.stamp
fi
if [ "$(cat .venv/ourselves.stamp 2>/dev/null || true)" != "$ourselves" ] || [ ! -d labextension/node_modules ]; then
    [ -d labextension/node_modules ] || say "Building the side bar for JupyterLab (half a minute, once) …"
    # The build would keep a bundle that is there, however old.  node and npm are in requirements.lock.
    rm -rf ipycontainer/labextension
    PATH="$PWD/.venv/bin:$PATH" pip install --no-deps --no-build-isolation --editable .
    echo "$ourselves" >.venv/ourselves.stamp
fi
# Whoever may not write here would compile every module again at each start.
.venv/bin/python -m compileall -q ipycontainer || fail "A module of ipycontainer does not compile (above)."
