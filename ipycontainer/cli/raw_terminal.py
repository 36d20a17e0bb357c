"""The person's terminal while a container has it: every key goes inside, nothing is echoed here."""

from __future__ import annotations

import os
import termios

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Self

# Fields of what tcgetattr gives (termios(3)).
_INPUT, _OUTPUT, _CONTROL, _LOCAL, _CHARACTERS = 0, 1, 2, 3, 6


class RawTerminal:
    """Raw while entered, and as it was afterwards.

    keys: the descriptor whose keys go to the container; None if stdin stays ours.
    screen: the descriptor whose size counts.
    """

    def __init__(self, keys: int | None, screen: int) -> None:
        self._keys = keys
        self._screen = screen
        self._before: list[Any] | None = None

    def __enter__(self) -> Self:
        if self._keys is not None:
            self._before = termios.tcgetattr(self._keys)
            termios.tcsetattr(self._keys, termios.TCSADRAIN, raw(self._before))
        return self

    def __exit__(self, *_details: object) -> None:
        if self._keys is not None and self._before is not None:
            try:
                termios.tcsetattr(self._keys, termios.TCSADRAIN, self._before)
            except termios.error:
                pass  # the terminal was closed under us: there is nothing to put back

    def size(self) -> tuple[int, int]:
        """Rows and columns now; 24 × 80 where the terminal does not say."""
        try:
            columns, rows = os.get_terminal_size(self._screen)
        except OSError:
            columns = rows = 0
        return rows or 24, columns or 80


def raw(attributes: list[Any]) -> list[Any]:
    """The same settings, raw: what cfmakeraw(3) makes of them."""
    settings = [*attributes[:_CHARACTERS], list(attributes[_CHARACTERS])]
    settings[_INPUT] &= ~(
        termios.IGNBRK
        | termios.BRKINT
        | termios.PARMRK
        | termios.ISTRIP
        | termios.INLCR
        | termios.IGNCR
        | termios.ICRNL
        | termios.IXON
    )
    settings[_OUTPUT] &= ~termios.OPOST
    settings[_LOCAL] &= ~(termios.ECHO | termios.ECHONL | termios.ICANON | termios.ISIG | termios.IEXTEN)
    settings[_CONTROL] = settings[_CONTROL] & ~(termios.CSIZE | termios.PARENB) | termios.CS8
    settings[_CHARACTERS][termios.VMIN] = 1
    settings[_CHARACTERS][termios.VTIME] = 0
    return settings
