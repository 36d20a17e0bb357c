"""What was reported done before a power cut, and whether a verdict of the store agrees with it."""

from __future__ import annotations

import json
from typing import Any

# A state as the verdict tells it: (status, exit code); None: not there.
State = tuple[str, int | None] | None
GONE: State = None
# It was cut off: it neither runs nor is there an exit code that anybody saw.
CUT: State = ("unknown", None)


class Journal:
    """Folds the workload's lines into what must be so afterwards."""

    def __init__(self) -> None:
        self.ready = False
        # Name -> the states that are true; more than one where the power went in the middle.
        self.containers: dict[str, set[State]] = {}
        self.images: dict[str, set[bool]] = {}
        self.lines: list[str] = []
        self._under_way: list[Any] = []
        self._text = ""

    def hear(self, text: str) -> None:
        """More of what came over the line; a last line without its end was never reported."""
        *lines, self._text = (self._text + text).split("\n")
        for line in lines:
            self.lines.append(line)
            document = json.loads(line)
            self.ready = self.ready or "ready" in document
            if "begin" in document:
                self._under_way = document["begin"]
            elif "done" in document:
                self._settle(document["done"], done=True)
                self._under_way = []

    def cut(self) -> None:
        """The power is gone: what was under way may have happened or not, what ran does no more."""
        if self._under_way:
            self._settle(self._under_way, done=False)
        self._under_way = []
        self._text = ""

    def _settle(self, words: list[Any], done: bool) -> None:
        kind, name, *more = words
        if kind in ("image", "image removed"):
            now = kind == "image"
            self.images[name] = {now} if done else {now, not now}
            return
        before = self.containers.get(name, {GONE})
        ways: dict[str, set[State]] = {
            # What began may have come to any of the stations on its way.
            "created": {("created", None)},
            "ended": {("exited", more[0] if more else None)} | (set() if done else {("created", None), CUT}),
            "started": {CUT} | (set() if done else {("created", None)}),
            "removed": {GONE},
        }
        if kind == "renamed":
            self.containers[more[0]] = before if done else before | {GONE}
            self.containers[name] = {GONE} if done else before | {GONE}
        else:
            self.containers[name] = ways[kind] if done else ways[kind] | before

    def lies(self, verdict: dict[str, Any]) -> list[str]:
        """A line for each thing that is not as it was reported."""
        found = {item["name"]: item for item in verdict["containers"]}
        lies = []
        for name, allowed in self.containers.items():
            item = found.pop(name, None)
            state = (item["status"], item["exit_code"]) if item else GONE
            if state not in allowed:
                lies.append(f"{name} is {state}, and should be {' or '.join(map(str, allowed))}")
            elif item and item["status"] == "exited" and not _said(name, item["log"], self.lines):
                lies.append(f"{name} ended, and its log holds {item['log']!r}")
        # A folder without a name is what a create or a removal in the middle leaves; it is shown by its id.
        lies += [f"{name} is there, and nobody made it" for name in found if name and not _is_id(name)]
        for name, there in self.images.items():
            told = verdict["images"].get(f"{name}:latest")
            if (told is not None) not in there:
                lies.append(f"the image {name} is {'there' if told else 'not there'}")
            elif told not in (None, "whole"):
                lies.append(f"the image {name} is damaged: {told}")
        if verdict["again"] != "again":
            lies.append(f"a container does not run: {verdict['again']!r}")
        return lies

    def now(self, verdict: dict[str, Any]) -> None:
        """From here on what the verdict says is what there is."""
        found = {item["name"]: item for item in verdict["containers"]}
        self.containers = {name: {(item["status"], item["exit_code"])} for name, item in found.items()}
        self.images = {name.removesuffix(":latest"): {True} for name in verdict["images"]}


def _said(name: str, log: str, lines: list[str]) -> bool:
    """The log holds the name that the container had when it ran; a rename may have changed it since."""
    word = log.strip()
    return log.endswith("\n") and any(json.dumps(word) in line for line in lines) and word.startswith("e")


def _is_id(name: str) -> bool:
    return len(name) in (12, 64) and all(letter in "0123456789abcdef" for letter in name)
