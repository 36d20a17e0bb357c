"""Where a registry is: its address, its certificates, and whether it may be spoken to in the clear."""

from __future__ import annotations

import os
import ssl
from ipaddress import IPv4Address, IPv6Address, ip_address
from socket import inet_aton

from ipycontainer.errors import InputError, RegistryError
from ipycontainer.oci.reference import DEFAULT_DOMAIN
from ipycontainer.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

DOCKER_HUB = "registry-1.docker.io"
INSECURE = "IPYCONTAINER_INSECURE_REGISTRIES"
MIRRORS = "IPYCONTAINER_REGISTRY_MIRRORS"
_CERTIFICATES = ("/etc/docker/certs.d", "/etc/containers/certs.d", "~/.config/containers/certs.d")


class Origin(Record):
    """Scheme, host and port: what may see a credential is decided by all three."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = {"https": 443, "http": 80}[self.scheme] == self.port
        return f"{self.scheme}://{host}" + ("" if usual else f":{self.port}")

    @property
    def netloc(self) -> str:
        """host[:port], as certificates' folders and configurations name it."""
        return str(self).partition("://")[2]

    @property
    def is_loopback(self) -> bool:
        """Whether it is this very machine."""
        return is_loopback(self.host)

    @property
    def is_link_local(self) -> bool:
        """Whether it is an address that only this machine's own network has (a cloud's metadata service, say)."""
        found = address_of(self.host)
        return found is not None and found.is_link_local


def address_of(host: str) -> IPv4Address | IPv6Address | None:
    """The address that `host` writes, in any way that a resolver takes for one (127.1, 2852039166); None for a name.

    inet_aton(3); one of IPv4 in IPv6's words is that one of IPv4.
    """
    try:
        found = ip_address(host)
    except ValueError:
        try:
            return IPv4Address(inet_aton(host))
        except OSError:
            return None
    return getattr(found, "ipv4_mapped", None) or found


def is_loopback(host: str) -> bool:
    """Whether `host` is an address of this machine's own loopback, or the name of one that needs no resolver."""
    if f".{host.rstrip('.')}".endswith(".localhost"):
        return True
    found = address_of(host)
    return found is not None and (found.is_loopback or found.is_unspecified)  # to 0.0.0.0 is connected as to 127.0.0.1


def is_host(host: str) -> bool:
    """Whether a resolver can be asked for `host`: Python raises UnicodeError for labels that are empty or too long."""
    try:
        return bool(host.encode("idna")) and " " not in host
    except UnicodeError:
        return False


class Endpoint(Record):
    """One address of a registry.  credentials: under which name a login for it is kept."""

    origin: Origin
    credentials: str


def endpoints(domain: str, pulling: bool = False) -> list[Endpoint]:
    """The addresses of the registry `domain`, in the order in which they are tried."""
    if domain != DEFAULT_DOMAIN:
        return [_endpoint(domain)]
    mirrors = _listed(MIRRORS) if pulling else []
    hub = Endpoint(Origin("https", DOCKER_HUB, 443), domain)
    return [*(_endpoint(mirror) for mirror in mirrors), hub]


def _endpoint(text: str) -> Endpoint:
    scheme, separator, address = text.rpartition("://")
    host, port = split_address(address.rstrip("/"))
    if (separator and scheme not in ("http", "https")) or not is_host(host) or port > 65535:
        raise InputError(f"{text!r} is no address of a registry; write HOST[:PORT] or https://HOST[:PORT]")
    if not separator:
        scheme = "http" if _is_clear(host, address) else "https"
    elif scheme == "http" and not _is_clear(host, address):
        raise RegistryError(_in_the_clear(address))
    return Endpoint(Origin(scheme, host, port or (80 if scheme == "http" else 443)), address.rstrip("/"))


def _is_clear(host: str, address: str) -> bool:
    """On loopback there is no wire to listen on, unless a certificate for it says that it speaks TLS."""
    if address in _listed(INSECURE):
        return True
    return is_loopback(host) and not any(True for _ in certificate_folders(address))


def _in_the_clear(address: str) -> str:
    return (
        f"the registry {address} would be spoken to without TLS, so anybody on the way could change what comes;"
        f" if that is right, set {INSECURE}={address}"
    )


def split_address(address: str) -> tuple[str, int]:
    """HOST[:PORT] in two; the port is 0 where there is none."""
    if address.startswith("["):
        host, _, rest = address[1:].partition("]")
        return host, int(rest[1:]) if rest[1:].isdecimal() else 0
    host, _, port = address.partition(":")
    return host.lower(), int(port) if port.isdecimal() else 0


def _listed(variable: str) -> list[str]:
    return [item for item in os.environ.get(variable, "").replace(",", " ").split() if item]


def certificate_folders(address: str) -> Iterator[str]:
    """The folders that hold certificates for the registry at this address, in docker's and podman's places."""
    for folder in _CERTIFICATES:
        path = os.path.join(os.path.expanduser(folder), address)
        if os.path.isdir(path):
            yield path


def tls_context(address: str) -> ssl.SSLContext:
    """What connections to this address trust: the system's authorities, and those of its folders.

    *.crt are authorities; NAME.cert with NAME.key is what we show of ourselves.
    """
    context = ssl.create_default_context()
    for folder in certificate_folders(address):
        try:
            for name in sorted(os.listdir(folder)):
                path = os.path.join(folder, name)
                if name.endswith(".crt"):
                    context.load_verify_locations(path)
                elif name.endswith(".cert"):
                    context.load_cert_chain(path, path.removesuffix("cert") + "key")
        except (OSError, ssl.SSLError) as error:
            raise RegistryError(f"a certificate in {folder} cannot be read: {error}") from None
    return context
