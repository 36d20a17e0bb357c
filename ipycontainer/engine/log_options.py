"""--log-driver and --log-opt: how much of a container's output is kept."""

from __future__ import annotations

from ipycontainer.engine.log_details import NAMES
from ipycontainer.engine.sizes import size_bytes
from ipycontainer.errors import InputError, Refused

# docker's own drivers that write elsewhere.
_ELSEWHERE = (
    "awslogs", "etwlogs", "fluentd", "gcplogs", "gelf", "journald", "logentries", "splunk", "syslog",
)  # fmt: skip
_KEPT = ("json-file", "local")
# How docker keeps a copy for `logs` of drivers that write elsewhere: here there is nothing to copy.
_CACHE = ("cache-disabled", "cache-max-size", "cache-max-file", "cache-compress")
_KNOWN = ("max-size", "max-file", "mode", "max-buffer-size", "compress", *_CACHE)
NONE = "none"
# What its program writes waits for nobody in any case, and is lost only where the disk is full.
_WITHOUT_WAITING = "non-blocking"


def log_options(driver: str, options: tuple[str, ...]) -> dict[str, int]:
    """log_size and log_files of a Launch, as far as they are asked for.

    Raises InputError for what makes no sense, Refused for a driver that writes elsewhere.
    """
    driver = driver or _KEPT[0]
    if driver in _ELSEWHERE:
        raise Refused(f"--log-driver {driver} is refused: logs are kept here (json-file, local) or not at all (none)")
    if driver not in (*_KEPT, NONE):
        raise InputError(f"logger: no log driver named '{driver}' is registered; there are json-file, local and none")
    found: dict[str, int] = {"log_files": 0} if driver == NONE else {}
    for option in options:
        name, _, value = option.partition("=")
        if driver == NONE:
            raise InputError("invalid logging opts for driver none: nothing is kept, so leave --log-opt out")
        if name not in (*_KNOWN, *(NAMES if driver == _KEPT[0] else ())):
            raise InputError(f"unknown log opt '{name}' for {driver} log driver; max-size and max-file are known")
        if name.endswith("-regex"):
            _check_pattern(name, value)
        if name == "max-size":
            found["log_size"] = _size(value)
        elif name == "max-file":
            found["log_files"] = _files(value)
        elif name == "mode" and value not in ("", "blocking", _WITHOUT_WAITING):
            raise InputError(f"logger: logging mode not supported: {value}; there are blocking and {_WITHOUT_WAITING}")
        elif name == "max-buffer-size":
            if f"mode={_WITHOUT_WAITING}" not in options:
                raise InputError(f"logger: max-buffer-size option is only supported with 'mode={_WITHOUT_WAITING}'")
            _size(value, name)
    return found


def _check_pattern(name: str, text: str) -> None:
    import re

    try:
        re.compile(text)
    except re.error as error:
        raise InputError(f"invalid value for {name}: {text}: {error}") from None


def _size(text: str, name: str = "max-size") -> int:
    if text == "-1" and name == "max-size":
        return 1 << 62  # docker: without a limit
    try:
        size = size_bytes(text)
    except ValueError as error:
        raise InputError(f"invalid value for {name}: {text}: {error}") from None
    if size <= 0:
        raise InputError(f"invalid value for {name}: {text}: at least one byte")
    return size


def _files(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) >= 1):
        raise InputError(f"max-file cannot be less than 1, nor {text!r}")
    return int(text)
