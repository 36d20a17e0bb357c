"""Reading and writing a group's small files."""

from __future__ import annotations

import os

from ipycontainer.errors import KernelError


def write(file: str, value: str) -> None:
    """One value into one file of a group: one write(2), which the kernel takes whole or refuses."""
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CLOEXEC)
    except OSError as error:
        raise KernelError("open", error.errno or 0, file) from None
    try:
        os.write(descriptor, value.encode())
    except OSError as error:
        raise KernelError("write", error.errno or 0, f"{file} ({value})") from None
    finally:
        os.close(descriptor)


def text(file: str) -> str:
    """A small file of a group; "" when it is not there, which v1 and v2 do to each other's names."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        content = b""
        while chunk := os.read(descriptor, 65536):
            content += chunk
        return content.decode("utf-8", "surrogateescape")
    except OSError:
        return ""  # ENODEV: the group was removed while it was open
    finally:
        os.close(descriptor)


def number(file: str) -> int | None:
    """A file with one number; None when it is not there or says "max"."""
    word = text(file).strip()
    return int(word) if word.isascii() and word.isdigit() else None


def table(file: str) -> dict[str, int]:
    """A flat-keyed file: `name number` lines."""
    pairs = [line.split() for line in text(file).splitlines()]
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdigit()}
