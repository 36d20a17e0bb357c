#!/bin/sh
# dockerd, for the tests that compare our profile with Docker's own.  Installed where root may, and never started as
# a service: the tests run one of their own, with its own folders, socket and namespaces.
set -eu
[ -x /usr/sbin/dockerd ] && [ -x /usr/sbin/runc ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    # Debian's maintainer scripts would start the service.
    policy=/usr/sbin/policy-rc.d
    [ -e $policy ] || { printf '#!/bin/sh\nexit 101\n' >$policy && chmod 755 $policy && trap 'rm -f $policy' EXIT; }
    { apt-get -qq update && apt-get -qq install -y --no-install-recommends docker.io; } >/dev/null 2>&1 </dev/null && exit 0
fi
echo "No dockerd (apt-get install docker.io): the comparison with Docker's profile will be skipped." >&2
