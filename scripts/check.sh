#!/bin/sh
# Format, lint, types and floors; with `--static` without the unit tests.
set -eu
cd "$(dirname "$0")/.."
umask 022
bin=.venv/bin

$bin/ruff format --check --quiet . || {
    $bin/ruff format --check . >&2 || true
    echo "Mend it with: .venv/bin/ruff format ." >&2
    exit 1
}
$bin/ruff check --quiet .
$bin/mypy --no-error-summary
# node is in requirements.lock, and beside it what `make setup` installed for the side bar.
(cd labextension && PATH="$PWD/../$bin:$PATH" && npm run --silent check && npm run --silent test -- --silent --reporter=dot)
report=$($bin/lint-imports --no-logo --no-cache) || {
    echo "$report" >&2
    exit 1
}
echo "format, lint, types, floors: in order"
[ "${1:-}" = --static ] || exec $bin/python -m pytest -q tests/unit
