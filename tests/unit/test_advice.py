"""What a sentence advises is there: options and verbs that errors name exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import ipycontainer
from ipycontainer import errors
from ipycontainer.commands import verbs

_ROOT = Path(ipycontainer.__file__).parent
_ERRORS = {name for name, value in vars(errors).items() if isinstance(value, type)} | {"complain"}
# Of ipycontainer itself, of cells (jupyter/in_container.py, cell_options.py), and of a Dockerfile's HEALTHCHECK.
_OTHERS = {"--root", "--help", "--expand", "--interpreter", "--python", "--retries"}


def _sentences() -> list[str]:
    found = []
    for path in _ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and node.args and ast.unparse(node.func).split(".")[-1] in _ERRORS:
                parts = ast.walk(node.args[0])
                found.append("".join(str(part.value) for part in parts if isinstance(part, ast.Constant)))
    return found


def test_options_and_verbs_that_sentences_name() -> None:
    said = _sentences()
    assert len(said) > 500
    rows = [verbs.load(name) for name in verbs.VERBS]
    options = {name for row in rows for option in row.options for name in option.names.replace(",", " ").split()}
    named = {option for text in said for option in re.findall(r"(?<![\w-])--[a-z][\w-]*\w", text)}
    assert {name for name in named if name not in options | _OTHERS and not name.startswith("--health")} == set()
    lines = {line for text in said for line in re.findall(r"`ipycontainer ([a-z ]+[a-z])", text)}
    known = {*verbs.VERBS, *verbs.ALIASES}
    assert {line for line in lines if not known & {line.split()[0], " ".join(line.split()[:2])}} == set()
