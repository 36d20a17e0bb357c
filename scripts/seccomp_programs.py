#!/usr/bin/env python3
"""Writes the default seccomp profile's programs anew, after a change to its table or to the compiler.

.venv/bin/python scripts/seccomp_programs.py
"""

from __future__ import annotations

from pathlib import Path

from ipycontainer.runtime import seccomp_profile
from ipycontainer.runtime.seccomp_profile import docker

FOLDER = Path(seccomp_profile.__file__).parent
_HEAD = '''"""The default seccomp profile, compiled for {machine}: scripts/seccomp_programs.py writes this file."""

from __future__ import annotations

from ipycontainer.runtime.seccomp_profile import SHIPPED

_DIGITS = (
'''
_END = """)

PROGRAMS = {name: bytes.fromhex(digits) for name, digits in zip(SHIPPED, _DIGITS, strict=True)}
"""
_WIDTH = 104


def text(machine: str) -> str:
    """The module that holds the programs for `machine`."""
    parts = [_HEAD.format(machine=machine)]
    for name in seccomp_profile.SHIPPED:
        digits = seccomp_profile.compile_default(name, machine).hex()
        lines = [f'"{digits[start : start + _WIDTH]}"' for start in range(0, len(digits), _WIDTH)]
        parts.append("    (\n        " + "\n        ".join(lines) + "\n    ),\n")
    return "".join([*parts, _END])


def main() -> None:
    """Write one module for each machine."""
    for machine in docker.ARCHITECTURES:
        (FOLDER / f"shipped_{machine}.py").write_text(text(machine))


if __name__ == "__main__":
    main()
