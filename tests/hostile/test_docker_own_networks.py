"""Addresses and aliases beside the real docker, which takes them on networks of one's own alone.

On the others it refuses some and forgets some without a word; there are no others here, and ours says what it forgets.
"""

from __future__ import annotations

import json

import pytest

from tests.hostile.beside import Beside

pytestmark = [pytest.mark.personas("root"), pytest.mark.timeout(300)]

# On --network none and host | how far it comes: made (then its start is refused), started, or neither.
OWN = (
    ("--ip 10.1.2.3", "made"),
    ("--ip ::ffff:1.2.3.4", "made"),
    ("--ip x", ""),
    ("--ip fd00::1", ""),
    ("--ip 010.1.2.3", ""),
    ("--ip=", "started"),
    ("--ip6 fd00::1", "made"),
    ("--ip6 10.1.2.3", ""),
    ("--ip6 ::ffff:1.2.3.4", ""),
    ("--ip6 x", ""),
    ("--link-local-ip 169.254.1.2 --link-local-ip fe80::1", "started"),
    ("--link-local-ip x --link-local-ip 169.254.1.2", "made"),
    ("--link-local-ip 10.1.2.3", "made"),
    ("--link-local-ip ''", "made"),
    ("--network-alias a", ""),
    ("--net-alias a", ""),
    ("--net-alias ''", ""),
)
NETWORKS = "{{json .NetworkSettings.Networks}}"


def _kept(text: str) -> str:
    """What inspect keeps of it; the network's own id is docker's alone."""
    try:
        networks = json.loads(text)
    except ValueError:
        return text
    return str({name: found["IPAMConfig"] for name, found in networks.items()})


def _warned(beside: Beside, line: str) -> None:
    mine, _ = beside.line(line, normal=lambda _: "")
    option = line.split("--")[-1].split()[0]
    assert mine.err.startswith("WARNING: ") and mine.err.count("\n") == 1 and option in mine.err, (line, mine)


@pytest.mark.parametrize("network", ["none", "host"])
def test_networks_that_give_no_address(beside: Beside, network: str):
    try:
        for words, comes in OWN:
            option = words.split("--")[1].split()[0].rstrip("=")
            refused = "" if comes == "started" else option
            beside.line(f"run --rm --network {network} {words} base true", refused=refused)
            beside.line(f"create --network {network} --name made {words} base true", refused="" if comes else option)
            if comes:
                beside.line(f"inspect -f '{NETWORKS}' made", normal=_kept)
                beside.line("start made", reasons=comes == "made")
                beside.line("inspect -f {{.State.Status}} made", normal=lambda text: text.replace("running", "exited"))
            beside.remove("made")
    finally:
        beside.remove("made")
    beside.end()


def test_what_docker_forgets_is_said(beside: Beside):
    # Without --network docker forgets all of it, whether it has a bridge or not.
    for words in ("--ip 10.1.2.3", "--ip x", "--ip6 x", "--link-local-ip x", "--network-alias a", "--net-alias a"):
        _warned(beside, f"run --rm {words} base true")
        _warned(beside, f"create --rm --name made {words} base true")
        beside.line(f"inspect -f '{NETWORKS}' made", normal=lambda text: str(_kept(text)).replace("bridge", "none"))
        beside.remove("made")
    _warned(beside, "run --rm --network none --link-local-ip 169.254.1.2 base true")
    _warned(beside, "create --rm --name made --network host --link-local-ip 169.254.1.2 base true")
    beside.remove("made")
    beside.line("run --rm --ip= --ip6= base true")
    beside.end()


def test_another_containers_network(beside: Beside):
    try:
        beside.line("run -d --network none --name other base sleep 1000")
        for words in ("--ip 10.1.2.3", "--ip6 fd00::1", "--link-local-ip x"):
            _warned(beside, f"run --rm --network container:other {words} base true")
            _warned(beside, f"create --rm --name made --network container:other {words} base true")
            beside.line(f"inspect -f '{NETWORKS}' made")
            beside.remove("made")
        for option, value in (("ip", "x"), ("ip6", "10.1.2.3"), ("network-alias", "a")):
            for verb in ("run --rm", "create"):
                beside.line(f"{verb} --network container:other --{option} {value} base true", refused=option)
    finally:
        beside.remove("other", "made")
    beside.end()
