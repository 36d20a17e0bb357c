"""The keys that leave a container running: ctrl-p ctrl-q, or what --detach-keys says."""

from __future__ import annotations

from ipycontainer.errors import OptionError

USUAL = "ctrl-p,ctrl-q"
SAID = "read escape sequence"
"""docker's word for having left by them."""

_CONTROL = "@abcdefghijklmnopqrstuvwxyz[\\]^_"


def parse(text: str) -> bytes:
    """`ctrl-p,ctrl-q`, `ctrl-x,x`, `DEL` as what a terminal sends.  Raises OptionError."""
    found = bytearray()
    for word in (text or USUAL).split(","):
        if word.startswith("ctrl-") and len(word) == 6 and word[5] in _CONTROL:
            found.append(_CONTROL.index(word[5]))
        elif word == "DEL":
            found.append(127)
        elif len(word) == 1 and word.isascii():
            found += word.encode()
        else:
            error = OptionError(
                f"Invalid escape keys ({text}) provided: {word!r} is no letter, and not ctrl- with one of a-z @ [ ] ^ _"
            )
            error.exit_code = 1
            raise error
    return bytes(found)


class DetachKeys:
    """What is typed, watched for the keys.

    >>> keys = DetachKeys(b"\\x10\\x11")
    >>> keys.feed(b"ab\\x10"), keys.feed(b"c"), keys.feed(b"\\x10\\x11d")
    ((b'ab', False), (b'\\x10c', False), (b'', True))
    """

    def __init__(self, keys: bytes) -> None:
        self._keys = keys
        self._seen = 0

    def feed(self, data: bytes) -> tuple[bytes, bool]:
        """What goes on to the program, and whether the keys are complete.  A beginning of them is held back."""
        out = bytearray()
        for number in data:
            if number != self._keys[self._seen]:
                out += self._keys[: self._seen]
                self._seen = 0
            if number != self._keys[self._seen]:
                out.append(number)
                continue
            self._seen += 1
            if self._seen == len(self._keys):
                self._seen = 0
                return bytes(out), True
        return bytes(out), False
