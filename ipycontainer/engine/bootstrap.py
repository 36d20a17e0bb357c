"""`image bootstrap`: a distribution's image straight from its packages, without a registry.

mmdebstrap makes the tree, as root or, with subordinate ids, as an ordinary user; what it pours out becomes the
one layer of an image.  Nothing has a name before it has ended well.
"""

from __future__ import annotations

import os
import select
import shutil
import subprocess
from threading import Thread

from ipycontainer.errors import Error, ImageNameError, Refused
from ipycontainer.images.inside.tar_entry import BLOCK, CHAR
from ipycontainer.images.inside.tar_reader import TarReader
from ipycontainer.images.inside.tar_sources import DescriptorSource
from ipycontainer.images.inside.tar_writer import END, header, padding
from ipycontainer.oci.reference import parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ipycontainer.engine.image import Image
    from ipycontainer.engine.image_verbs import Images

_MIRRORS = {"debian": "", "ubuntu": "http://archive.ubuntu.com/ubuntu"}  # "": mmdebstrap knows Debian's own
_SETTINGS = {
    "Cmd": ["bash"],
    "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
}


def bootstrap(
    engine: Images,
    name: str,
    include: Sequence[str] = (),
    mirror: str = "",
    variant: str = "minbase",
    tell: Callable[[str], object] = lambda _line: None,
) -> Image:
    """Make the image `name`: the tag is the suite.  tell: is called with each line of mmdebstrap's."""
    from ipycontainer.engine.image import Image
    from ipycontainer.images.commit import About, make_image

    reference = parse(name)
    distribution = reference.path.rpartition("/")[2]
    if not reference.tag or reference.digest:
        raise ImageNameError(f"{name!r} does not say which suite is meant; write debian:bookworm")
    if not mirror and distribution not in _MIRRORS:
        raise Error(f"where the packages of {distribution!r} are is not known here; say --mirror URL")
    if engine.launcher.mode == "one":
        raise Refused(
            "packages have files of many owners, and this user has one id: give it more in /etc/subuid and /etc/subgid"
            " (`ipycontainer doctor` says how), or make the image as root, save it, and load it here"
        )
    command = _command(reference.tag, include, mirror or _MIRRORS.get(distribution, ""), variant)
    step = {"created_by": " ".join(command), "comment": "made from packages"}
    what = f"the tree of {reference.familiar}"
    store = engine.store
    made = make_image(store, _tree(command, what, tell), [reference], what, lambda: About(_SETTINGS, step))
    engine.journal.append("image", "import", made.id, {"name": reference.familiar})
    return Image(made, store)


def _command(suite: str, include: Sequence[str], mirror: str, variant: str) -> list[str]:
    program = shutil.which("mmdebstrap")
    if program is None:
        raise Refused("mmdebstrap makes the tree, and it is not here; apt-get install mmdebstrap")
    options = [f"--variant={variant}", "--format=tar"]
    if include:
        options.append(f"--include={','.join(include)}")
    return [program, *options, suite, "-", *([mirror] if mirror else [])]


def _tree(command: Sequence[str], what: str, tell: Callable[[str], object]) -> Iterator[bytes]:
    """The tar that `command` writes.  Raises at its end, and so before anything has a name, if that was no good one."""
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd="/"
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        said: list[str] = []
        listener = Thread(target=_listen, args=(process.stderr.fileno(), said), daemon=True)
        listener.start()
        try:
            _tell_until_it_comes(process.stdout.fileno(), said, tell)
            yield from _without_nodes(process.stdout.fileno(), what)
        except Error:
            if process.wait() == 0:
                raise
        except BaseException:
            process.terminate()  # nobody wants it any more
            raise
        listener.join()
        if process.wait() != 0:
            reasons = (
                [line for line in said if line.startswith("E:")] or said or [f"it ended with {process.returncode}"]
            )
            raise Error(f"mmdebstrap could not make {what}: {reasons[0]}")


def _tell_until_it_comes(descriptor: int, said: list[str], tell: Callable[[str], object]) -> None:
    """It works for minutes before it writes.  The thread that waits tells: a cell shows only what that one says."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    told = 0
    while True:
        ready = poll.poll(100)
        for line in said[told:]:
            tell(line)
            told += 1
        if ready:
            return


def _listen(descriptor: int, said: list[str]) -> None:
    rest = b""
    while data := os.read(descriptor, 65536):
        *lines, rest = (rest + data.replace(b"\r", b"\n")).split(b"\n")
        said += [line.decode(errors="replace") for line in lines if line]


def _without_nodes(descriptor: int, what: str) -> Iterator[bytes]:
    """The tar without device nodes: a container gets a /dev of its own, and an ordinary user may not make any."""
    reader = TarReader(DescriptorSource(descriptor), what)
    for entry in reader:
        if entry.kind in (CHAR, BLOCK):
            continue
        if entry.segments is not None:
            raise Error(f"{what} has a sparse file, {os.fsdecode(entry.name)!r}, which is not expected of packages")
        yield header(entry)
        for piece in reader.content():
            yield bytes(piece)
        yield padding(entry.size)
    reader.drain()
    yield END
