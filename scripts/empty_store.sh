#!/bin/sh
# Removes all containers and images of the store at $1 and ends its launcher.  An ordinary user cannot
# simply remove the folder: files of subordinate ids only go through the store's own namespace.
set -eu
cd "$(dirname "$0")/.."
command="$PWD/.venv/bin/ipycontainer"
export IPYCONTAINER_ROOT="$1"
[ -d "$1" ] || exit 0
"$command" ps -aq | while read -r id; do "$command" rm -f "$id" >/dev/null; done
"$command" images -q | sort -u | while read -r id; do "$command" rmi -f "$id" >/dev/null; done
"$command" system shutdown
