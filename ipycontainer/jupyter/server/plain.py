"""Text that came out of a container, made harmless to look at.

A browser that gets it as a text node cannot take it for markup; what is left is what plain text itself can do:
control characters, escape sequences of a terminal, marks that turn the direction of what stands beside them, length.
"""

from __future__ import annotations

import codecs
import re
import unicodedata

# ECMA-48: CSI, then the string sequences (OSC, DCS, SOS, PM, APC) up to ST or BEL, then two-byte escapes.
_ESCAPES = re.compile("\x1b\\[[0-?]*[ -/]*[@-~]|\x1b[\\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\\\)|\x1b[ -/]*[0-Z\\\\`-~]")
_UNFINISHED = re.compile("(?:\x1b(?:\\[[0-?]*[ -/]*|[\\]PX^_][^\x07\x1b]*\x1b?|[ -/]*)|\r)\\Z")  # after \r a \n
_LONGEST_ESCAPE = 4096
_KEPT = "\n\t"
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def _harmless(character: str) -> str:
    # Cc: control, Cf: format (the marks of direction are among them), Cs, Co: no characters of their own.
    kind = unicodedata.category(character)
    return character if character in _KEPT or kind not in ("Cc", "Cf", "Cs", "Co") else _REPLACEMENT


_SUSPECT = re.compile("[^\\S\n\t ]|[\x00-\x08\x0b-\x1f\x7f-\xa0\xad]|[^\x00-\u024f]")


def printable(text: str, longest: int = 1000) -> str:
    """`text` on one line, at most `longest` characters, nothing in it that does not show itself."""
    cut = text[: longest + 1]
    cut = _SUSPECT.sub(lambda match: _harmless(match[0]), _ESCAPES.sub("", cut).replace("\n", " ").replace("\t", " "))
    return cut if len(cut) <= longest else cut[: longest - 1] + "…"


class PlainStream:
    """Bytes of one stream, piece by piece, as plain text; a sequence may begin in one piece and end in the next."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""

    def feed(self, data: bytes) -> str:
        """The text of the next piece."""
        text = self._rest + self._decoder.decode(data)
        self._rest = ""
        unfinished = _UNFINISHED.search(text[-_LONGEST_ESCAPE:])
        if unfinished is not None:
            start = max(len(text) - _LONGEST_ESCAPE, 0) + unfinished.start()
            text, self._rest = text[:start], text[start:]
        text = _ESCAPES.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
        return _SUSPECT.sub(lambda match: _harmless(match[0]), text)
