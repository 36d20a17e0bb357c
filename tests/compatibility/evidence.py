"""Who compared what: recorded by the comparison tests while they run, kept in evidence.json.

evidence.json is written here alone, with `--write`, whole and by rename: a test's id -> the verbs it compared ->
their options.  Without `--write` a comparison test whose record is another one than the committed fails, so what is
recorded is what ran.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from ipycontainer.commands import options, verbs
from ipycontainer.errors import Error

Evidence = dict[str, dict[str, list[str]]]

KEPT = Path(__file__).with_name("evidence.json")
AGAIN = "write it anew: .venv/bin/python -m pytest {} --write"
_PASSED = pytest.StashKey[bool]()


def load() -> Evidence:
    """The committed record."""
    found: Evidence = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    return found


def save(evidence: Evidence) -> None:
    """One verb a line, so that two branches' rows merge."""
    tests = []
    for test, compared in sorted(evidence.items()):
        rows = ",\n".join(f"  {json.dumps(verb)}: {json.dumps(names)}" for verb, names in sorted(compared.items()))
        tests.append(f"{json.dumps(test)}: {{\n{rows}\n}}")
    new = KEPT.with_suffix(".new")
    new.write_text("{\n" + ",\n".join(tests) + "\n}\n")
    os.replace(new, KEPT)


class Compared:
    """`compared(words, his)`: this line's exit code and normalised output were equal."""

    def __init__(self) -> None:
        self._found: dict[str, set[str]] = {}

    def __call__(self, words: Sequence[str | Path], his: subprocess.CompletedProcess[bytes]) -> None:
        """his: docker's answer.  A line that docker refused tells nothing about the options on it."""
        if his.returncode and re.search(rb"^(docker: )?Error|^unknown |^invalid |See '", his.stderr, re.MULTILINE):
            return
        line = [str(word) for word in words]
        try:
            verb, used = verbs.find(line)
            parsed = options.read(verb, line[used:])
        except Error:
            return  # both said no to the words
        self._found.setdefault(" ".join(line[:used]), set()).update(parsed.values)

    def refusal(self, words: Sequence[str | Path], his: subprocess.CompletedProcess[bytes], option: str) -> None:
        """docker refuses `option` on this machine, and ours gave its sentence and its exit code."""
        assert his.returncode and his.stderr, his
        line = [str(word) for word in words]
        assert f"--{option}" in line, line
        _, used = verbs.find(line)
        self._found.setdefault(" ".join(line[:used]), set()).add(option)

    def record(self) -> dict[str, list[str]]:
        """Each verb as it was spelled -> the long names of its options."""
        return {verb: sorted(names) for verb, names in sorted(self._found.items())}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--write", action="store_true", help="write evidence.json or docs/compatibility.md anew")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report: pytest.TestReport = yield
    if report.when == "call":
        item.stash[_PASSED] = report.passed
    return report  # type: ignore[return-value]


@pytest.fixture
def compared(request: pytest.FixtureRequest) -> Iterator[Compared]:
    """Where a comparison test tells what it compared."""
    recorder = Compared()
    yield recorder
    if not request.node.stash.get(_PASSED, False):
        return
    test, found = request.node.nodeid, recorder.record()
    if request.config.getoption("--write"):
        save({**load(), test: found})
        return
    kept = load().get(test, {})
    if kept != found:
        changed = sorted(verb for verb in kept | found if kept.get(verb) != found.get(verb))
        pytest.fail(
            f"{KEPT.name} does not say what {test} compared ({', '.join(changed)}); {AGAIN.format(repr(test))}",
            pytrace=False,
        )
