"""--restart: docker's restart policies as words."""

from __future__ import annotations

from ipycontainer.errors import InputError, OptionError

NONE = ("", "no")
_WITHOUT_COUNT = ("always", "unless-stopped", "no")


def parse(policy: str, remove: bool = False) -> dict[str, object]:
    """restart and retries of a Launch, as far as they are asked for.

    remove: --rm, which leaves nothing to be started again.  Raises InputError, with docker's words, and OptionError
    where docker's client says them.
    """
    name, colon, count = policy.partition(":")
    if ":" in count:
        raise OptionError("invalid restart policy format; write on-failure:3, always, unless-stopped or no")
    try:
        most = int(count) if colon else 0
        if abs(most) >= 1 << 63:
            raise ValueError
    except ValueError:
        raise OptionError("maximum retry count must be an integer, as in on-failure:3") from None
    if remove and name not in NONE:
        raise OptionError("Conflicting options: --restart and --rm; leave one of them out")
    if name in _WITHOUT_COUNT and most:
        raise InputError(f"maximum retry count cannot be used with restart policy '{name}'; on-failure has one")
    if name == "on-failure" and most < 0:
        raise InputError("maximum retry count cannot be negative; 0 is any number")
    if name not in (*_WITHOUT_COUNT, "on-failure", ""):
        raise InputError(f"invalid restart policy '{name}'; there are no, on-failure[:n], always and unless-stopped")
    return {} if name in NONE else {"restart": name, "retries": most}
