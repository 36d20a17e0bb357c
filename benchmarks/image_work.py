"""What the images' benchmark does with every engine: the scene they share, and each operation's contenders."""

from __future__ import annotations

import glob
import os
import shutil
import subprocess
import time
from contextlib import ExitStack
from functools import partial

from benchmarks import debian, image_engines, rootfs
from benchmarks.docker import Docker
from benchmarks.ground import Ground
from benchmarks.image_engines import Engine, command
from benchmarks.peers import Missing, Peers, need
from benchmarks.registry import Registry
from benchmarks.user import PERSONS, add_persons
from ipycontainer.linux.durability import syncfs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType
    from typing import Self

    from benchmarks.rounds import Contender

    Contenders = dict[str, Contender]

OURS, DOCKER, PODMAN, USER, USER_PODMAN = "ipycontainer", "docker", "podman", "ipycontainer, user", "podman, user"
TAR, LIMIT, LIMIT_PLAIN = "GNU tar xzf", "the limit: decompress, two digests", "the limit: digest of the archive"
SKOPEO, SKOPEO_LAYOUT = "skopeo from podman's store", "skopeo from an OCI layout"

PULL, LOAD, SAVE = "cold pull", "cold load", "save"
PUSH, PUSH_FRESH = "cold push of a pulled image", "cold push of a fresh layer of 100 MB"
COMMIT, RMI = "commit of 1 MB", "rmi"
USER_PULL, USER_LOAD, USER_SAVE = "cold pull, ordinary user", "cold load, ordinary user", "save, ordinary user"

_FRESH = 100 << 20
_CACHE = "/var/lib/containers"
_CLONE_NEWNET = 0x40000000


class Timed:
    """One contender: `prepare` outside of the time that is taken, the disk written out before and within."""

    def __init__(self, disk: int, prepare: Callable[[], object], act: Callable[[], object]) -> None:
        self.disk, self.prepare, self.act = disk, prepare, act

    def __call__(self) -> float:
        self.prepare()
        syncfs(self.disk)
        began = time.perf_counter()
        self.act()
        syncfs(self.disk)
        return (time.perf_counter() - began) * 1e3


class Scene:
    """A disk, two registries (one to pull from, one to push to), the engines, and the Debian image."""

    def __init__(self) -> None:
        self.stack = ExitStack()
        self.missing: dict[str, str] = {}

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._set_up(stack)
            self.stack = stack.pop_all()
        return self

    def _set_up(self, stack: ExitStack) -> None:
        ground = self.ground = stack.enter_context(Ground("16G"))
        alone_on_loopback()
        self.disk = os.open(ground.disk, os.O_RDONLY | os.O_DIRECTORY)
        stack.callback(os.close, self.disk)
        # What podman and skopeo keep whatever their stores are: here it is ours and goes with us.
        if os.path.isdir(_CACHE):
            subprocess.run(["mount", "-t", "tmpfs", "tmpfs", _CACHE], check=True)
        self.source = stack.enter_context(Registry(f"{ground.disk}/source", 5001))
        self.target = stack.enter_context(Registry(f"{ground.disk}/target", 5002))
        self.peers = Peers(ground.stopwatch, ground.disk, "", "", ground.prefix)
        self.image = f"{self.source.address}/bench/debian:1"
        self.pushed = f"{self.target.address}/bench/debian:1"
        self.fresh = f"{self.target.address}/bench/fresh:1"
        self.layer = debian.make(f"{ground.disk}/debian")
        self.archive = f"{ground.disk}/debian.tar"
        skopeo = [need("skopeo"), "copy", "--quiet"]
        command([*skopeo, "--dest-tls-verify=false", f"oci:{self.layer.layout}:1", f"docker://{self.image}"])
        command([*skopeo, f"oci:{self.layer.layout}:1", f"docker-archive:{self.archive}:{self.image}"])
        self.engines: dict[str, Engine] = {}
        self._add(OURS, lambda: image_engines.ours(ground))
        self._add(DOCKER, lambda: image_engines.docker(stack.enter_context(Docker(ground.disk, ground.prefix, True))))
        self._add(PODMAN, lambda: image_engines.podman(self.peers))
        add_persons(ground.folder)
        person = PERSONS["user with subordinate ids"]
        for name in ("store-user", f"home-{person.number}", "out"):
            os.mkdir(f"{ground.disk}/{name}", 0o755)
            os.chown(f"{ground.disk}/{name}", person.number, person.number)
        self._add(USER, lambda: image_engines.ours(ground, USER, "store-user", person.number))
        self._add(USER_PODMAN, lambda: image_engines.podman_of(ground, person, need("podman")))
        for place in ("/tmp", "/dev/shm"):
            stack.callback(shutil.rmtree, f"{place}/ipycontainer-{person.number}", ignore_errors=True)
        for name in (OURS, USER):
            if name in self.engines:
                stack.callback(self.engines[name].try_to, "system", "shutdown")

    def _add(self, name: str, make: Callable[[], Engine]) -> None:
        """One engine, asked once, so that who cannot work here is known before the rounds."""
        try:
            engine = make()
            engine.has_images()
        except (Missing, OSError, RuntimeError) as error:
            self.missing[name] = str(error)
            return
        self.engines[name] = engine

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stack.close()

    def about(self) -> str:
        compressed, plain = (os.path.getsize(path) / 1e6 for path in (self.layer.archive, self.layer.plain))
        return (
            f"The image: one layer of the files of Debian packages, {compressed:.0f} MB compressed with gzip -6,"
            f" {plain:.0f} MB plain, {self.layer.entries} entries; docker-registry over loopback."
        )

    def timed(self, prepare: Callable[[], object], act: Callable[[], object]) -> Timed:
        return Timed(self.disk, prepare, act)

    def of(self, *names: str) -> list[Engine]:
        return [self.engines[name] for name in names if name in self.engines]

    def clear(self, engine: Engine) -> None:
        """No container, no image: the next pull is a cold one."""
        containers = [] if engine.user else engine.do("ps", "-a", "-q").split()
        if containers:
            engine.do("rm", "-f", *containers)
        for image in engine.do("images", "-q", "-a").split():
            engine.try_to("rmi", "-f", image)
        if engine.has_images():
            raise RuntimeError(f"{engine.name} still holds an image, so it would not be cold")

    def have(self, engine: Engine) -> None:
        """The pulled image and nothing else."""
        self.clear(engine)
        engine.do("pull", *engine.pull, self.image)

    def forget_blobs(self) -> None:
        """The registry to push to knows nothing, nor does anybody remember what it knew."""
        self.target.empty()
        shutil.rmtree(f"{_CACHE}/cache", ignore_errors=True)


def alone_on_loopback() -> None:
    """Go into a network namespace with `lo` alone: registries' ports are free, and nobody else sees them."""
    from ipycontainer.linux.syscalls import check, libc

    check("unshare", libc.unshare(_CLONE_NEWNET))
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def warm(*paths: str) -> None:
    """Read files, so that they lie in the page cache whoever comes."""
    for path in paths:
        with open(path, "rb", buffering=0) as file:
            while file.read(1 << 20):
                pass


def _blobs(registry: Registry) -> list[str]:
    return glob.glob(f"{registry.folder}/data/docker/registry/v2/blobs/*/*/*/data")


def _tar(scene: Scene) -> Timed:
    tree = f"{scene.ground.disk}/tree"

    def prepare() -> None:
        shutil.rmtree(tree, ignore_errors=True)
        os.mkdir(tree)
        warm(scene.layer.archive)

    words = ["tar", "--numeric-owner", "-xzf", scene.layer.archive, "-C", tree]
    return scene.timed(prepare, lambda: command(words))


def _pulls(scene: Scene, names: Sequence[str]) -> Contenders:
    found: Contenders = {TAR: _tar(scene)}
    found[LIMIT] = scene.timed(lambda: warm(scene.layer.archive), lambda: debian.limit(scene.layer.archive))
    for engine in scene.of(*names):

        def prepare(engine: Engine = engine) -> None:
            scene.clear(engine)
            warm(*_blobs(scene.source))

        found[engine.name] = scene.timed(prepare, partial(engine.do, "pull", *engine.pull, scene.image))
    return found


def _loads(scene: Scene, names: Sequence[str]) -> Contenders:
    limit = scene.timed(lambda: warm(scene.archive), lambda: debian.digest(scene.archive))
    found: Contenders = {LIMIT_PLAIN: limit}
    for engine in scene.of(*names):

        def prepare(engine: Engine = engine) -> None:
            scene.clear(engine)
            warm(scene.archive)

        found[engine.name] = scene.timed(prepare, partial(engine.do, "load", "-i", scene.archive))
    return found


def _saves(scene: Scene, names: Sequence[str]) -> Contenders:
    found: Contenders = {}
    for engine in scene.of(*names):
        scene.have(engine)
        out = f"{scene.ground.disk}/out/{engine.name.replace(', ', '-')}.tar"

        def prepare(out: str = out) -> None:
            if os.path.exists(out):
                os.unlink(out)

        found[engine.name] = scene.timed(prepare, partial(engine.do, "save", "-o", out, scene.image))
    return found


def _pushes(scene: Scene, name: str) -> Contenders:
    """The image `name`, which every engine has, to a registry that has nothing."""
    found: Contenders = {}
    for engine in scene.of(OURS):  # docker and podman compress first, as skopeo does, and slower: not worth the wait
        found[engine.name] = scene.timed(scene.forget_blobs, partial(engine.do, "push", *engine.push, name))
    copy = [need("skopeo"), "copy", "--quiet", "--dest-tls-verify=false"]
    sources = {
        SKOPEO: image_engines.containers_storage(scene.peers, name),
        SKOPEO_LAYOUT: f"oci:{scene.ground.disk}/store/images:{name}",
    }
    for contender, source in sources.items():
        found[contender] = scene.timed(scene.forget_blobs, partial(command, [*copy, source, f"docker://{name}"]))
    return found


def push(scene: Scene) -> Contenders:
    for engine in scene.of(OURS, PODMAN):  # podman's store is where skopeo finds it
        scene.have(engine)
        engine.do("tag", scene.image, scene.pushed)
    return _pushes(scene, scene.pushed)


def push_fresh(scene: Scene) -> Contenders:
    """An image of this host's `cp` and what it needs, and over it a layer with 100 MB of the Debian layer's bytes."""
    small, archive, content = (f"{scene.ground.disk}/{name}" for name in ("small", "small.tar", "content"))
    rootfs.from_host(small, (*rootfs.PROGRAMS, "cp"))
    rootfs.archive(small, archive)
    with open(scene.layer.plain, "rb") as plain, open(content, "wb") as file:
        file.write(plain.read(_FRESH))
    for engine in scene.of(OURS, PODMAN):
        scene.clear(engine)
        engine.do("import", archive, "bench/small:1")
        bind = ("-v", f"{content}:/in:ro")
        engine.do("run", "--name", "fresh", *engine.run, *bind, "bench/small:1", "cp", "/in", "/big")
        engine.do("commit", "fresh", scene.fresh)
    return _pushes(scene, scene.fresh)


def commit(scene: Scene) -> Contenders:
    found: Contenders = {}
    for engine in scene.of(OURS, DOCKER, PODMAN):
        scene.have(engine)
        write = ("dd", "if=/dev/urandom", "of=/changed", "bs=1M", "count=1")
        engine.do("run", "--name", "changed", *engine.run, scene.image, *write)
        prepare = partial(engine.try_to, "rmi", "-f", "bench/committed:1")
        found[engine.name] = scene.timed(prepare, partial(engine.do, "commit", "changed", "bench/committed:1"))
    return found


def rmi(scene: Scene) -> Contenders:
    return {
        engine.name: scene.timed(partial(scene.have, engine), partial(engine.do, "rmi", scene.image))
        for engine in scene.of(OURS, DOCKER, PODMAN)
    }


OPERATIONS: dict[str, Callable[[Scene], Contenders]] = {
    PULL: lambda scene: _pulls(scene, (OURS, DOCKER, PODMAN)),
    LOAD: lambda scene: _loads(scene, (OURS, DOCKER, PODMAN)),
    PUSH: push,
    PUSH_FRESH: push_fresh,
    SAVE: lambda scene: _saves(scene, (OURS, DOCKER, PODMAN)),
    COMMIT: commit,
    RMI: rmi,
    USER_PULL: lambda scene: _pulls(scene, (USER, USER_PODMAN)),
    USER_LOAD: lambda scene: _loads(scene, (USER, USER_PODMAN)),
    USER_SAVE: lambda scene: _saves(scene, (USER, USER_PODMAN)),
}
