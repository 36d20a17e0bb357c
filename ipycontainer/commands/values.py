"""What the text of an option's value means, by the option's kind.

Each function raises ValueError with the half sentence that says what is wrong;
the reader puts the option and the text before it.
"""

from __future__ import annotations

from ipycontainer.engine.durations import duration_seconds
from ipycontainer.engine.request import Tmpfs, Ulimit
from ipycontainer.engine.sizes import size_bytes
from ipycontainer.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ipycontainer.engine.request import Bind, ImageMount, VolumeMount

_ULIMITS = (
    "core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc", "rss", "rtprio",
    "rttime", "sigpending", "stack",
)  # fmt: skip


def whole(text: str) -> int:
    """A whole number as Go reads one: 10, 0x10, 0o10, 1_000, and 010 is octal."""
    digits = text.lstrip("+-")
    try:
        if len(digits) > 1 and digits[0] == "0" and digits[1] in "01234567_":
            number = int(text.replace(digits, "0o" + digits[1:].lstrip("_")), 0)
        else:
            number = int(text, 0)
    except ValueError:
        raise ValueError("not a whole number") from None
    if text != text.strip() or not -(2**63) <= number < 2**63:
        raise ValueError("not a whole number" if text != text.strip() else "the number is out of range")
    return number


def cpus(text: str) -> float:
    """A number of CPUs: `0.5`, `1/4`; finer than a billionth is refused, as docker does it."""
    top, slash, bottom = text.partition("/")
    try:
        value = int(top) / int(bottom) if slash else float(text)
        billionths = int(top) * 10**9 % int(bottom) if slash else round(value * 10**9) - value * 10**9
    except (ValueError, ZeroDivisionError, OverflowError):
        raise ValueError("not a number of CPUs") from None
    if value != value or abs(value) > 2**31 or "_" in text or text != text.strip():
        raise ValueError("not a number of CPUs")
    if abs(billionths) > 1e-4:
        raise ValueError("the number is too precise")
    return value


def swap(text: str) -> int:
    """A size, or -1 for any amount."""
    return -1 if text == "-1" else size_bytes(text)


def variable(text: str) -> str:
    """`NAME=value`, or `NAME` alone, which stands for the value outside."""
    if not text or text[0] == "=":
        raise ValueError(f"invalid environment variable: {text}")
    return text


def label(text: str) -> str:
    """`name=value`, or `name` alone for an empty value."""
    if not text or text[0] == "=":
        raise ValueError("a label needs a name")
    return text


def ulimit(text: str) -> Ulimit:
    """`nofile=1024` or `nofile=1024:2048`; -1 is no limit."""
    name, equals, values = text.partition("=")
    if not equals:
        raise ValueError("a ulimit is NAME=SOFT[:HARD]")
    if name not in _ULIMITS:
        raise ValueError(f"no ulimit is called {name!r}; there are {', '.join(_ULIMITS)}")
    parts = values.split(":")
    if len(parts) > 2:
        raise ValueError("a ulimit has at most a soft and a hard value")
    soft = whole(parts[0])
    hard = whole(parts[-1])
    if hard != -1 and (soft == -1 or soft > hard):
        raise ValueError(f"the soft limit {soft} is over the hard limit {hard}")
    return Ulimit(name, soft, hard)


def tmpfs(text: str) -> Tmpfs:
    """`/run` or `/run:rw,size=64m`."""
    target, _, options = text.partition(":")
    return Tmpfs(target, tuple(options.split(",")) if options else ())


def mount(text: str) -> Bind | Tmpfs | VolumeMount | ImageMount:
    """`type=bind|volume|tmpfs|image,source=…,target=/path[,…]`."""
    from ipycontainer.engine.mount_words import mount as read

    try:
        return read(text)
    except ValueError as error:
        if str(error).startswith("invalid mount config"):
            raise InputError(str(error)) from None  # docker leaves it to its daemon, and `create` ends with 1
        raise


def condition(text: str) -> tuple[str, str]:
    """A filter: `name=value`."""
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError("bad format of filter (expected name=value)")
    return name.strip().lower(), value.strip()


def host(text: str) -> str:
    """`NAME:ADDRESS` (--add-host); an IPv6 address may stand in brackets, and the host's is `host-gateway`."""
    name, colon, given = text.partition(":")
    if not (name and colon and given):
        raise ValueError(f'bad format for add-host: "{text}"')
    from ipycontainer.engine.host_names import is_address
    from ipycontainer.network.etc_files import HOST_GATEWAY

    found = given[1:-1] if given[0] == "[" and given[-1] == "]" else given
    if given != HOST_GATEWAY and not is_address(found):
        raise ValueError(f'invalid IP address in add-host: "{given}"')
    return f"{name}:{found}"


def stream(text: str) -> str:
    """One of the three, however it is written."""
    if text.lower() not in ("stdin", "stdout", "stderr"):
        raise ValueError("valid streams are STDIN, STDOUT and STDERR")
    return text.lower()


def address(text: str) -> str:
    """An IPv4 or IPv6 address."""
    from ipycontainer.engine.host_names import is_address

    if not is_address(text.strip()):
        raise ValueError(f"{text} is not an ip address")
    return text.strip()


def exposed(text: str) -> tuple[str, ...]:
    """`80`, `80-82/udp` (--expose): each of the ports."""
    from ipycontainer.engine.exposed_ports import ports

    return ports(text)


def gpus(text: str) -> str:
    """`all`, `2`, `device=0,capabilities=utility` (--gpus), as it was written."""
    from ipycontainer.engine.machine_options import gpus as read

    read(text)
    return text


def storage_option(text: str) -> str:
    """`size=10g` (--storage-opt)."""
    from ipycontainer.engine.machine_options import storage_option as read

    return read(text)


CONVERT: dict[str, Callable[[str], Any]] = {
    "int": whole,
    "bytes": size_bytes,
    "swap": swap,
    "decimal": cpus,
    "duration": duration_seconds,
    "variable": variable,
    "label": label,
    "ulimit": ulimit,
    "tmpfs": tmpfs,
    "mount": mount,
    "filter": condition,
    "host": host,
    "address": address,
    "stream": stream,
    "exposed": exposed,
    "gpus": gpus,
    "storage": storage_option,
}
