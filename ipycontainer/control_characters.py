"""Words of others on their way to a person: what a terminal would obey, or what turns a line around, is written out."""

from __future__ import annotations


def on_one_line(text: str) -> str:
    """`text` with all of that written out: it ends no line and moves no cursor."""
    return text if text.isprintable() else "".join(map(_visible, text))


def in_its_lines(text: str) -> str:
    """The same, but lines end where they end."""
    return "\n".join(map(on_one_line, text.split("\n")))


def _visible(letter: str) -> str:
    if letter.isprintable():
        return letter
    if letter in "\n\r\t":
        return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}[letter]
    return f"\\x{ord(letter):02x}" if ord(letter) < 128 else f"\\u{ord(letter):04x}"
