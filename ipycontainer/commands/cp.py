"""`cp`: files into a container and out of it."""

from __future__ import annotations

import os

from ipycontainer.commands.options import Option, Verb
from ipycontainer.errors import Error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ipycontainer.commands import Call


def cp(call: Call) -> int:
    """Copies one file or folder; `-` is an archive on stdin or stdout."""
    parsed = call.parsed
    source, target = parsed.arguments
    if not source or not target:
        raise Error(f"{'destination' if source else 'source'} can not be empty: write NAME:/path for a container's")
    from_name, from_path = split(source)
    to_name, to_path = split(target)
    archive, follow = parsed.flag("archive"), parsed.flag("follow-link")
    if from_name and to_name:
        raise Error("copying between containers is not supported: copy to a folder of the host first")
    if from_name:
        container = call.engine.get(from_name)
        if to_path == "-":
            from ipycontainer.commands.archives import give, needs_a_file

            needs_a_file(call, "cp NAME:/path FOLDER")
            give(call, container.archive(from_path, follow=follow))
        else:
            container.copy_out(from_path, _here(call, to_path), archive=archive, follow=follow)
    elif to_name:
        container = call.engine.get(to_name)
        if from_path == "-":
            container.unpack(to_path, _pieces(call))
        else:
            container.copy_in(_here(call, from_path), to_path, archive=archive, follow=follow)
    else:
        raise Error("must specify at least one container source: write NAME:/path for a container's")
    return 0


def split(text: str) -> tuple[str, str]:
    """The container's name and the path; no name for a path of the host.  docker: `./a:b` is one of the host."""
    if text.startswith(("/", "./", "../")):
        return "", text
    name, colon, path = text.partition(":")
    return (name, path) if colon and name else ("", text)


def _here(call: Call, path: str) -> str:
    """As somebody in the caller's folder means it; what stands at the end says something, and stays."""
    return path if os.path.isabs(path) else os.path.join(call.cwd, path)


def _pieces(call: Call) -> Iterator[bytes]:
    """The archive on standard input, which may be compressed."""
    from ipycontainer.commands.archives import archive_on_stdin
    from ipycontainer.images.decompress import plain
    from ipycontainer.images.inside.tar_sources import DescriptorSource

    return plain(DescriptorSource(archive_on_stdin(call, "cp FOLDER NAME:/path")), "the archive")


CP = Verb(
    "cp",
    "[OPTIONS] CONTAINER:PATH PATH|- or PATH|- CONTAINER:PATH",
    "Copy files out of a container, or into it",
    cp,
    (
        Option("archive", "a", "flag", "Keep users and groups by number"),
        Option("follow-link", "L", "flag", "Copy what a link leads to"),
        Option("quiet", "q", "flag", "Nothing is said in any case", hidden=True),
    ),
    least=2,
    most=2,
    examples=("cp web:/etc/passwd .", "cp site/. web:/var/www", "cp web:/var/log - | tar t"),
    completes="container",
)
