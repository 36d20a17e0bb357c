"""In the guest: makes, runs, renames and removes containers, loads and removes images, until the power goes.

`python workload.py STORE SEED`.  What is about to happen and what was reported done is written straight to the
serial line, each line out before the next call, so that the host's journal lacks nothing that a cut can take:
{"begin": [...]} and {"done": [...]}; {"ready": true} when the base image is there.
"""

from __future__ import annotations

import json
import os
import random
import sys
import termios
from typing import Any

from ipycontainer import Engine
from ipycontainer.engine.request import RunRequest
from tests.images.layouts import docker_archive
from tests.images.tars import file, folder, tar

LINE = os.open("/dev/ttyS1", os.O_WRONLY | os.O_NOCTTY | os.O_CLOEXEC)
FILES = 100


def tell(document: dict[str, Any]) -> None:
    # In the agent's own form: what it forwards of a command's standard output.
    data = json.dumps({"out": json.dumps(document) + "\n"}).encode() + b"\n"
    while data:
        data = data[os.write(LINE, data) :]
    termios.tcdrain(LINE)


def archive(name: str) -> str:
    """An archive on a tmpfs: an image of one layer that holds its own name many times."""
    members = [folder("marks")]
    members += [file(f"marks/{number:03}", f"{name} {number}\n".encode() * 50) for number in range(FILES)]
    path = f"/run/{name}.tar"
    with open(path, "wb") as target:
        target.write(docker_archive(([f"{name}:latest"], [tar(*members)])))
    return path


class Workload:
    """What there is now, and what may be done with it."""

    def __init__(self, store: str, seed: str) -> None:
        self.engine = Engine(store)
        self.random = random.Random(seed)
        self.seed = seed
        self.count = 0
        self.containers: list[str] = []
        self.images: list[str] = []

    def next_name(self, letter: str) -> str:
        self.count += 1
        return f"{letter}{self.seed}-{self.count}"

    def once(self) -> None:
        """One thing, announced before and reported after."""
        act = self.random.choice([self.create, self.end, self.end, self.start, self.load, self.remove, self.rename])
        words = act()
        if words:
            tell({"done": words})

    def begin(self, *words: Any) -> list[Any]:
        tell({"begin": words})
        return list(words)

    def create(self) -> list[Any]:
        words = self.begin("created", name := self.next_name("c"))
        self.engine.create(RunRequest("base", ("true",), name=name))
        self.containers.append(name)
        return words

    def end(self) -> list[Any]:
        code = self.random.randrange(1, 100)
        words = self.begin("ended", name := self.next_name("e"), code)
        done = self.engine.run("base", ["sh", "-c", f"echo {name}; exit {code}"], name=name)
        assert done.exit_code == code, done
        self.containers.append(name)
        return words

    def start(self) -> list[Any]:
        words = self.begin("started", name := self.next_name("s"))
        self.engine.run("base", ["sleep", "1000"], name=name, detach=True)
        self.containers.append(name)
        return words

    def remove(self) -> list[Any]:
        if self.images and self.random.random() < 0.3:
            name = self.images.pop(self.random.randrange(len(self.images)))
            words = self.begin("image removed", name)
            self.engine.remove_image(name, force=True)
            return words
        if not self.containers:
            return []
        name = self.containers.pop(self.random.randrange(len(self.containers)))
        words = self.begin("removed", name)
        self.engine.get(name).remove(force=True)
        return words

    def rename(self) -> list[Any]:
        if not self.containers:
            return []
        old = self.containers.pop(self.random.randrange(len(self.containers)))
        words = self.begin("renamed", old, new := self.next_name("r"))
        self.engine.get(old).rename(new)
        self.containers.append(new)
        return words

    def load(self) -> list[Any]:
        path = archive(name := self.next_name("i"))
        words = self.begin("image", name)
        self.engine.load(path)
        os.unlink(path)
        self.images.append(name)
        return words


def main() -> None:
    store, seed = sys.argv[1:]
    workload = Workload(store, seed)
    workload.engine.run("base", ["true"], remove=True)
    tell({"ready": True})
    while True:
        workload.once()


if __name__ == "__main__":
    main()
