"""uid 0 of somebody's user namespace (a rootless container, LXC, a pod with hostUsers false).

It is called root, may mount overlays, and yet the kernel lets it neither make devices nor mark folders as opaque
with trusted.* attributes: taken for root, it would see deleted files again.
"""

from __future__ import annotations

import shutil

import pytest

pytestmark = [
    pytest.mark.personas("user", "solo"),
    pytest.mark.skipif(shutil.which("unshare") is None, reason="util-linux's unshare is not here"),
]

SCRIPT = """
set -e
mount -t tmpfs tmpfs /run
ipycontainer run --rm base sh -c '
    rm -r /usr/share 2>/dev/null; mkdir -p /usr/share/x; ls /usr/share
    test -c /dev/null && echo null > /dev/null && echo devices
    cat /proc/self/uid_map'
ipycontainer run -d --name one base sleep 100 > /dev/null
ipycontainer exec one echo inside
ipycontainer system shutdown || true
ipycontainer exec one echo again
ipycontainer rm -f one
ipycontainer system shutdown
"""


def test_it_is_an_ordinary_user_with_the_ids_that_are_there(fresh_persona):
    """A launcher that starts while a container lives joins that one's namespaces; its own user namespace it cannot."""
    done = fresh_persona.run(["unshare", "-Urm", "sh", "-c", SCRIPT], timeout=100)
    assert done.exit_code == 0, done
    assert done.out.split() == ["x", "devices", "0", "0", "1", "inside", "again", "one"], done
