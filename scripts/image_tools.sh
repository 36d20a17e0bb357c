#!/bin/sh
# What other people's programs make of our images, and we of theirs: for tests/images.
set -eu
lacking=
for pair in skopeo:skopeo umoci:umoci docker-registry:docker-registry htpasswd:apache2-utils openssl:openssl mmdebstrap:mmdebstrap \
    oci-image-tool:oci-image-tool; do
    command -v "${pair%:*}" >/dev/null || lacking="$lacking ${pair#*:}"
done
[ -z "$lacking" ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    # The tests start registries of their own: the package's service shall not run beside them.
    policy=/usr/sbin/policy-rc.d
    if [ ! -e $policy ]; then
        printf '#!/bin/sh\nexit 101\n' >$policy && chmod 755 $policy
        trap 'rm -f $policy' EXIT
    fi
    # shellcheck disable=SC2086  # a list of names
    { apt-get -qq update && apt-get -qq install -y --no-install-recommends $lacking; } >/dev/null 2>&1 </dev/null && exit 0
fi
echo "Missing:$lacking (apt-get install$lacking): tests with other programs' images and registries will be skipped." >&2
