"""The files below /etc that docker writes for each container: hosts, hostname, resolv.conf."""

from __future__ import annotations

_LOCAL = (
    "127.0.0.1\tlocalhost\n"
    "::1\tlocalhost ip6-localhost ip6-loopback\n"
    "fe00::\tip6-localnet\n"
    "ff00::\tip6-mcastprefix\n"
    "ff02::1\tip6-allnodes\n"
    "ff02::2\tip6-allrouters\n"
)


def hosts(hostname: str, shares_host: bool) -> str:
    """/etc/hosts: the host's own where its network is shared, else the loopback and the container's name."""
    if shares_host:
        return _host_file("/etc/hosts") or _LOCAL
    return f"{_LOCAL}127.0.0.1\t{hostname}\n"


def resolv_conf(shares_host: bool) -> str:
    """/etc/resolv.conf: the host's where its network is shared; without one nobody could be asked."""
    if shares_host:
        return _host_file("/etc/resolv.conf")
    return "# this container has no network: there is nobody to ask for names\n"


def _host_file(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(1 << 16)
    except OSError:
        return ""


def contents(hostname: str, shares_host: bool) -> dict[str, str]:
    """The three files' texts by name; the monitor writes them at each start."""
    return {
        "hosts": hosts(hostname, shares_host),
        "hostname": hostname + "\n",
        "resolv.conf": resolv_conf(shares_host),
    }
