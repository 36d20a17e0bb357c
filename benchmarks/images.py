"""Images: pull, load, save, push, commit and rmi, each ending durable, beside GNU tar, docker, podman and skopeo."""

from __future__ import annotations

import os

from benchmarks import image_work as work
from benchmarks import report
from benchmarks.image_work import (
    DOCKER,
    LIMIT,
    LIMIT_PLAIN,
    OURS,
    PODMAN,
    SKOPEO,
    SKOPEO_LAYOUT,
    TAR,
    USER,
    USER_PODMAN,
)
from benchmarks.report import Promise
from benchmarks.rounds import Times, in_turn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

NAME = "images"
HELP = "pull, load, save, push, commit, rmi of a Debian image: ours, GNU tar, docker, podman, skopeo; root and a user"
NEEDS_PACKAGES = True  # isal decompresses, for us and for the limit

_LEAST_ROUNDS = 7


def faster(times: Times, names: tuple[str, ...] = (DOCKER, PODMAN)) -> str:
    """Which of them has the smaller median; the first where none ran."""
    ran = [name for name in names if name in times.taken]
    return min(ran, key=times.median) if ran else names[0]


def held(title: str, times: Times) -> list[Promise]:
    """What was promised about one operation."""
    peer = faster(times)
    rows = {
        work.PULL: [("GNU tar xzf of the layer", TAR, 0.85), (f"{peer}, the faster peer", peer, 0.45)],
        work.LOAD: [(f"{peer}, the faster peer", peer, 0.45)],
        work.SAVE: [(f"{peer}, the faster peer", peer, 0.4)],
        work.PUSH: [(f"{name}'s push of it", name, 0.3) for name in (SKOPEO, SKOPEO_LAYOUT)],
        work.PUSH_FRESH: [(name, name, 0.7) for name in (SKOPEO, SKOPEO_LAYOUT)],
        work.COMMIT: [("docker", DOCKER, 0.5)],
        work.RMI: [("docker", DOCKER, 1)],
        work.USER_PULL: [("GNU tar xzf of the layer", TAR, 0.85), ("rootless podman", USER_PODMAN, 0.45)],
        work.USER_LOAD: [("rootless podman", USER_PODMAN, 0.45)],
        work.USER_SAVE: [("rootless podman", USER_PODMAN, 0.4)],
    }
    mine = USER if title in (work.USER_PULL, work.USER_LOAD, work.USER_SAVE) else OURS
    return [
        Promise(f"{title}: ours ÷ {against}", limit, times.ratio_if_both(mine, other))
        for against, other, limit in rows[title]
    ]


def figures(times: Times) -> str:
    """A row for each contender, and how often ours fits into it."""
    mine = USER if USER in times.taken else OURS
    order = [LIMIT, LIMIT_PLAIN, TAR, OURS, USER, DOCKER, PODMAN, USER_PODMAN, SKOPEO, SKOPEO_LAYOUT]
    rows = []
    for name in order:
        if name in times.taken:
            ratio = times.ratio_if_both(mine, name)
            rows.append([*report.row(name, times.taken[name]), "–" if ratio is None else f"{ratio:.2f}"])
    return report.table(["", "median", "min", "max", "ours ÷ this"], rows)


def run(options: Namespace) -> None:
    asked = [title for title in work.OPERATIONS if not options.only or any(word in title for word in options.only)]
    facts = report.machine_lines()
    with work.Scene() as scene:
        found: dict[str, Times] = {}
        for title in asked:
            print(f"… {title}", flush=True)
            found[title] = in_turn(work.OPERATIONS[title](scene), options.rounds, 0.0, warm_up=1)
            print(figures(found[title]), flush=True)
        about, missing = scene.about(), scene.missing
    keep = len(asked) == len(work.OPERATIONS) and options.rounds >= _LEAST_ROUNDS
    report.write(NAME, facts + "\n" + section(options.rounds, about, found, missing), keep=keep)


def section(rounds: int, about: str, found: dict[str, Times], missing: dict[str, str]) -> str:
    """What RESULTS.md says of a run."""
    failed = {f"{name} ({title})": why for title, times in found.items() for name, why in times.failed.items()}
    left_out = "".join(f"\nLeft out: {name}: {why}." for name, why in {**missing, **failed}.items())
    explained = (
        f"{rounds} rounds after 1 that is dropped, contenders in turn in an order dealt anew. {about} All stores and"
        " registries lie on one ext4 with a journal in a file, written out before each time that is taken; every time"
        " includes a syncfs of that disk at its end. Cold: before a pull or load the engine holds no image and no"
        " container at all, before a push the registry is new and empty, and podman's and skopeo's cache of blobs too."
        " The input lies in the page cache for everyone. Whole processes are timed; docker's daemon and our launcher"
        " are there before. The archive to load has docker's form (plain layers). The limit is one process that"
        " decompresses with isal and takes both digests, and writes nothing."
        f" Load when ended: {os.getloadavg()[0]:.1f}.\n{left_out}"
    )
    promised = [promise for title, times in found.items() for promise in held(title, times)]
    parts = [f"### {title[0].upper()}{title[1:]}\n\n{figures(times)}" for title, times in found.items()]
    return "\n".join([explained + "\n", report.promises(promised), *parts])
