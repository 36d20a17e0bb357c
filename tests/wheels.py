"""This checkout as a wheel, and environments in which only the wheel is our own; no node in either."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.personas import BIN, CHECKOUT


def build(folder: Path) -> Path:
    """A wheel, with the bundle that `make setup` built."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    path = {"PATH": f"{BIN}:/usr/bin:/bin"}
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False, env=path)
    assert done.returncode == 0, done
    return next(folder.glob("*.whl"))


def environment_with(wheel: Path, folder: Path, requirements: Path | None = None) -> Path:
    """A new environment's Python: `wheel` and `requirements` are installed, all other libraries lent by this one.

    pip runs without a PATH: what needed a compiler or node would fail.
    """
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    python = folder / "bin" / "python"
    for what in (["--no-index", str(wheel)], ["--require-hashes", "-r", str(requirements)] if requirements else []):
        if what:
            command = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps", "--quiet", *what]
            done = subprocess.run(command, env={"PATH": "/nowhere"}, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done
    lent = next(Path(sys.prefix, "lib").glob("python*")) / "site-packages"
    site = next((folder / "lib").glob("python*")) / "site-packages"
    # Behind its own; a .pth in the lent folder (the checkout's) is not read.
    (site / "lent.pth").write_text(f"{lent}\n")
    return python
