"""What a type checker says of those who use the package: README's lines need no cast."""

from __future__ import annotations

from pathlib import Path

from mypy import api

_USE = """
from typing import assert_type

from ipycontainer import Container, Engine, Result
from ipycontainer.engine.log_selection import LogStream

engine = Engine()
assert_type(engine.run("base", ["echo", "hello"], remove=True).text, str)
assert_type(engine.run("base", detach=True), Container)
box = engine.get("box")
assert_type(box.exec("ls", env={"A": 1, "B": None}), Result)
assert_type(box.logs(), bytes)
assert_type(box.logs(tail=3), bytes)
assert_type(box.logs(follow=True, timeout=3.5), LogStream)


def either(detach: bool) -> None:
    assert_type(engine.run("base", detach=detach), Result | Container)
"""


def test_a_strict_checker_is_content(tmp_path: Path) -> None:
    script = tmp_path / "use.py"
    script.write_text(_USE)
    said, failed, code = api.run(["--strict", "--follow-imports=silent", "--config-file=", str(script)])
    assert code == 0, said + failed
