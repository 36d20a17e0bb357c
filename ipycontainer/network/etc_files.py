"""The files below /etc that docker writes for each container: hosts, hostname, resolv.conf."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_LOCAL = (
    "127.0.0.1\tlocalhost\n"
    "::1\tlocalhost ip6-localhost ip6-loopback\n"
    "fe00::\tip6-localnet\n"
    "ff00::\tip6-mcastprefix\n"
    "ff02::1\tip6-allnodes\n"
    "ff02::2\tip6-allrouters\n"
)


HOST_GATEWAY = "host-gateway"
"""docker's word for the host's address, as a container reaches it: in the host's own network its loopback."""
_LOOPBACK = "127.0.0.1"


def hosts(hostname: str, shares_host: bool, extra: Sequence[str] = (), domain: str = "") -> str:
    """/etc/hosts: the host's own where its network is shared, else the loopback and the container's name.

    extra: "NAME:ADDRESS" (--add-host), or "NAME:host-gateway" where the host's network is shared; with these, as docker
    does it, the host's own are not taken.
    domain: its name is the whole one first, box.example.org, and then box.
    """
    pairs = [item.partition(":")[::2] for item in extra]
    added = "".join(f"{_LOOPBACK if address == HOST_GATEWAY else address}\t{name}\n" for name, address in pairs)
    if shares_host:
        return _LOCAL + added if added else _host_file("/etc/hosts") or _LOCAL
    whole = f"{hostname}.{domain}" if domain else hostname
    short, dot, _ = whole.partition(".")
    return f"{_LOCAL}127.0.0.1\t{whole}{f' {short}' if dot else ''}\n{added}"


def resolv_conf(
    shares_host: bool, servers: Sequence[str] = (), options: Sequence[str] = (), search: Sequence[str] = ()
) -> str:
    """/etc/resolv.conf: the host's where its network is shared; without one nobody could be asked.

    servers, options, search: each in place of what would stand there; "." alone searches nowhere.
    """
    if servers or options or search:
        found: dict[str, list[str]] = {"search": [], "nameserver": [], "options": []}
        for line in _host_file("/etc/resolv.conf").splitlines() if shares_host else ():
            word, *rest = line.split() or [""]
            if word in found:
                found[word] = [*found[word], *rest] if word == "nameserver" else rest
        wanted = list(search) or found["search"]
        lines = [f"search {' '.join(wanted)}"] if wanted and wanted != ["."] else []
        lines += [f"nameserver {server}" for server in servers or found["nameserver"]]
        lines += [f"options {' '.join(options or found['options'])}"] if options or found["options"] else []
        return "".join(f"{line}\n" for line in lines)
    if shares_host:
        return _host_file("/etc/resolv.conf")
    return "# this container has no network: there is nobody to ask for names\n"


def _host_file(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(1 << 16)
    except OSError:
        return ""


def contents(hostname: str, shares_host: bool, domain: str = "") -> dict[str, str]:
    """The three files' texts by name; the monitor writes them at each start."""
    return {
        "hosts": hosts(hostname, shares_host, domain=domain),
        "hostname": hostname + "\n",
        "resolv.conf": resolv_conf(shares_host),
    }


def names() -> tuple[str, ...]:
    """The files, for whoever shares those of another container."""
    return ("hosts", "hostname", "resolv.conf")
