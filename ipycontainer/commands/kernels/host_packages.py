"""The host's Python packages for a container whose Python is the same: bound read-only, never copied.

A compiled package fits one version of Python on one kind of machine; SOABI (PEP 3149) names both.
"""

from __future__ import annotations

import os
import sys

from ipycontainer.errors import Error, Refused
from ipycontainer.json_text import loads
from ipycontainer.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from ipycontainer.engine.engine import Engine
    from ipycontainer.engine.request import RunRequest

# The C library and its loader come from the image alone: two of them do not mix.
_OF_THE_LOADER = ("libc.so.", "ld-linux")

_ASK_HOST = """
import json, sys, sysconfig
from importlib.util import find_spec
folders = [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
print(json.dumps([sysconfig.get_config_var("SOABI"), folders, find_spec("ipykernel") is not None]))
"""

_ASK_IMAGE = """
import json, os, sys, sysconfig
from importlib.util import find_spec
lacking = [path for path in sys.argv[1:] if not os.path.exists(path)]
print(json.dumps([sysconfig.get_config_var("SOABI"), find_spec("ipykernel") is not None, lacking]))
"""


class HostPython(Record):
    """soabi: which compiled packages fit; folders: where packages are; libraries: what they need of the system."""

    soabi: str
    folders: tuple[str, ...]
    libraries: tuple[str, ...]


class ImagePython(Record):
    """lacking: those of the host's libraries that the image has not."""

    soabi: str
    has_ipykernel: bool
    lacking: tuple[str, ...]


def host_python() -> HostPython:
    """The Python that runs this, asked in a process of its own: this one may run without its packages."""
    import subprocess

    done = subprocess.run(
        [sys.executable, "-P", "-c", _ASK_HOST], capture_output=True, text=True, timeout=60, check=False
    )
    if done.returncode:
        raise Error(f"{sys.executable} does not say where its packages are: {_last(done.stderr)}")
    soabi, folders, has_ipykernel = loads(done.stdout)
    real = tuple(dict.fromkeys(os.path.realpath(path) for path in folders if os.path.isdir(path)))
    if not has_ipykernel:
        return HostPython(soabi, (), ())
    return HostPython(soabi, real, tuple(sorted(set(_libraries(real)))))


def _libraries(folders: Sequence[str]) -> Iterator[str]:
    """The system's libraries that compiled packages in `folders` need, and what those need in turn."""
    from ipycontainer.images.base.elf import Finder, read

    finder = Finder()
    seen: set[str] = set()
    waiting = [path for folder in folders for path in _compiled(folder)]
    while waiting:
        path = waiting.pop()
        elf = read(path)
        for name, found in finder.needed(path, elf) if elf is not None else ():
            if found is None or found in seen or name.startswith(_OF_THE_LOADER):
                continue
            seen.add(found)
            if not any(os.path.realpath(found).startswith(folder + "/") for folder in folders):
                yield found
                waiting.append(found)


def _compiled(folder: str) -> Iterator[str]:
    for above, _, names in os.walk(folder):
        yield from (os.path.join(above, name) for name in names if name.endswith(".so") or ".so." in name)


def image_python(engine: Engine, request: RunRequest, libraries: Sequence[str]) -> ImagePython:
    """The `python3` of the request's image, asked in a container like the kernel's own.

    Raises Refused where the image has none, and whatever keeps such a container from running here.
    """
    found = _ask(engine, request, ("python3", "-c", _ASK_IMAGE, *libraries))
    return ImagePython(found[0], found[1], tuple(found[2]))


def check_import(engine: Engine, request: RunRequest) -> None:
    """Raises Refused unless the kernel's packages can be imported in the container that `request` describes."""
    _ask(engine, request, ("python3", "-c", "import ipykernel.kernelapp; print('[]')"))


def _ask(engine: Engine, request: RunRequest, command: tuple[str, ...]) -> Any:
    from ipycontainer.engine.result import collect

    container = engine.create(request.replace(command=command, entrypoint=(), remove=True))
    try:
        attachment = container.start(attach=True)
    except Error as error:
        container.remove(force=True)
        if error.exit_code in (126, 127):
            raise Refused(f"the image {request.image} has no python3, which a kernel needs: {error}") from None
        raise
    assert attachment is not None
    with attachment:
        result = collect(attachment)
    if result.exit_code:
        said = _last(result.stderr.decode("utf-8", "replace"))
        raise Refused(f"the kernel would not start in {request.image}: {said}")
    return loads(result.output)


def _last(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "it said nothing"
