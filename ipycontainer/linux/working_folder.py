"""The folder in which a relative path begins."""

from __future__ import annotations

import os


def working_folder() -> str:
    """The current folder; "" where it was removed, so that a path joined to it stays relative and leads nowhere.

    Never another folder instead: what begins with a dot would be read there, written there, or bound from there.
    """
    try:
        return os.getcwd()
    except OSError:
        return ""
