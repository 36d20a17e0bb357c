#!/bin/sh
# The runtime's, cgroups' and images' suites in a virtual machine with control groups of version 2, compared with
# this machine; delegation by systemd; power cuts.  Software emulation: hours (three on two processors).  `make test` has a selection.
set -eu
cd "$(dirname "$0")/.."
umask 022
if [ "$(id -u)" = 0 ] && ! setpriv --reuid=65534 --regid=65534 --clear-groups test -r "$PWD/ipycontainer/__init__.py"; then
    echo "Ordinary users cannot reach $PWD, as whom the suites run too: make a copy in a folder that they can." >&2
    exit 1
fi
scripts/guest.sh >/dev/null
exec env IPYCONTAINER_VM=whole .venv/bin/python -m pytest --durations=10 -s tests/vm "$@"
