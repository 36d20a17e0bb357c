#!/bin/sh
# What other people's programs make of our images, and we of theirs: skopeo and umoci, for tests/images.
set -eu
lacking=
for name in skopeo umoci; do
    command -v $name >/dev/null || lacking="$lacking $name"
done
[ -z "$lacking" ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    # shellcheck disable=SC2086  # a list of names
    { apt-get -qq update && apt-get -qq install -y --no-install-recommends $lacking; } >/dev/null 2>&1 </dev/null && exit 0
fi
echo "Missing:$lacking (apt-get install$lacking): tests with archives of other programs will be skipped." >&2
