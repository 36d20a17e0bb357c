"""An ordinary user's start against root's, with subordinate ids and without."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import ExitStack

from benchmarks import report
from benchmarks.ground import Ground
from benchmarks.report import Promise
from benchmarks.rounds import in_turn
from ipycontainer.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

    from benchmarks.ticking import Ticking

NAME = "user"
HELP = "Engine.run as an ordinary user (subordinate ids, one id) against the same as root"


class Person(Record):
    """A user that exists in the benchmark's mount namespace alone."""

    name: str
    number: int
    subordinate: int


PERSONS = {
    "user with subordinate ids": Person("bench-range", 61001, 6_100_000),
    "user with one id": Person("bench-one", 61002, 0),
}


def add_persons(folder: str) -> None:
    """Put copies with our users over the files that list users: the machine's own are never written."""
    lines: dict[str, list[str]] = {"passwd": [], "group": [], "subuid": [], "subgid": []}
    for person in PERSONS.values():
        lines["passwd"].append(f"{person.name}:x:{person.number}:{person.number}::/nonexistent:/bin/sh")
        lines["group"].append(f"{person.name}:x:{person.number}:")
        if person.subordinate:
            for name in ("subuid", "subgid"):
                lines[name].append(f"{person.name}:{person.subordinate}:65536")
    for name, new in lines.items():
        place, copy = f"/etc/{name}", os.path.join(folder, name)
        if not os.path.exists(place):
            continue
        shutil.copy(place, copy)
        with open(copy, "a", encoding="utf-8") as file:
            file.write("".join(line + "\n" for line in new))
        subprocess.run(["mount", "--bind", copy, place], check=True)


def engine_of(ground: Ground, person: Person) -> Ticking:
    store = f"{ground.disk}/{person.name}"
    os.mkdir(store, 0o755)
    os.chown(store, person.number, person.number)
    return ground.engine(store=person.name, user=person.number)


def run(options: Namespace) -> None:
    promised: list[Promise] = []
    parts: list[str] = []
    with Ground() as ground, ExitStack() as stack:
        add_persons(ground.folder)
        ready = {"root": stack.enter_context(ground.engine())}
        for name, person in PERSONS.items():
            ready[name] = stack.enter_context(engine_of(ground, person))
            for place in ("/tmp", "/dev/shm"):
                stack.callback(shutil.rmtree, f"{place}/ipycontainer-{person.number}", ignore_errors=True)
        for gap, length, when in ((0.05, 1, "50 ms apart"), (0.0, 4, "back to back")):
            times = in_turn(ready, options.rounds, gap, length)
            for name in PERSONS:
                promised.append(Promise(f"{name} ÷ root, {when}", 1.3, times.ratio_if_both(name, "root")))
            rows = [report.row(name, times.taken[name]) for name in times.names()]
            failed = "".join(f"\nLeft out: {name}: {why}\n" for name, why in times.failed.items())
            parts.append(f"### {when.capitalize()}\n\n{report.table(['', 'median', 'min', 'max'], rows)}{failed}")
    report.write(NAME, "\n".join([report.machine_lines(), report.promises(promised), *parts]))
