"""Completion in a real IPython: verbs, options, images, names."""

from __future__ import annotations

import time

import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell

from ipycontainer.jupyter.completion import matcher_for


@pytest.fixture
def complete():
    shell = InteractiveShell()
    shell.run_line_magic("load_ext", "ipycontainer")

    def completions(text):
        with provisionalcompleter():
            return [each.text for each in shell.Completer.completions(text, len(text))]

    yield completions
    shell.history_manager.end_session()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("%container r", ["rename", "restart", "rm", "rmi", "run"]),
        ("%container image r", ["remove", "rm"]),
        ("%container run --mem", ["--memory", "--memory-reservation", "--memory-swap", "--memory-swappiness"]),
        ("%container run --rm --na", ["--name"]),
        ("x = %container ps --fi", ["--filter"]),
        ("    %container logs --fo", ["--follow"]),
        ("%%in_container --py", ["--python"]),
        ("%%in_container base --int", ["--interpreter"]),
        ("%%container run --inter", ["--interactive"]),
        ("%container run --network ", ["host", "none"]),
        ("%container run --restart ", ["always", "no", "on-failure", "unless-stopped"]),
        ("%%in_container --pull n", ["never"]),
        ("%container run -m64m --net", ["--network"]),
        ("%container run -e 'A=b c' --net", ["--network"]),
        ("%container run -m64m base --net", []),
        ("%container run \\\n  -m 64m \\\n  --net", ["--network"]),
        ("%%in_container base \\\n --py", ["--python"]),
        ("%%in_container base \\\n --rm\n --py", []),
        ("%container run -e 'A=b --net", []),
        ("%container --ou", ["--out"]),
        ("%container --out x r", ["rename", "restart", "rm", "rmi", "run"]),
        ("a = 1\n%container st", ["start", "stats", "stop"]),
    ],
)
def test_words_of_the_grammar(complete, text, expected):
    assert sorted(complete(text)) == expected


def test_every_option_of_run_and_none_that_is_refused(complete):
    found = complete("%container run --")
    assert {"--rm", "--volume", "--memory", "--env-file"} <= set(found)
    assert "--publish" not in found


@pytest.mark.parametrize(
    "text", ["container = 1; cont", "print('%container r", "x = y % container.ru", "a\n%%container run --me"]
)
def test_other_lines_are_left_alone(complete, text):
    assert "run" not in complete(text) and "--memory" not in complete(text)


def test_words_of_the_guests_command_are_the_guests(complete):
    assert "--memory" not in complete("%container run base ls --mem")


def test_images_and_names_come_from_the_store(kernel):
    complete = kernel.complete
    kernel.ok("%container create --name findable-one base true")
    kernel.ok("%container run -d --name findable-two base sleep 1000")
    try:
        assert complete("%container rm fin") == ["findable-one", "findable-two"]
        assert complete("%container stop fin") == ["findable-two"]
        assert complete("%container exec fin") == ["findable-two"]
        assert "base" in complete("%container run ba")
        assert "base" in complete("%%in_container ba")
        assert "base:latest" in complete("%container run base:la")
        assert "base" in complete("%container run -it -m64m -e 'A=b c' ba")
        assert complete("%container run --volumes-from findable-o") == ["findable-one"]
        assert complete("%container --root /nowhere rm fin") == []
    finally:
        kernel.ok("%container rm -f findable-one findable-two")


def test_it_is_quick_to_say_nothing():
    def never(root):
        raise AssertionError("no engine is needed to say nothing")

    matcher = matcher_for(never)

    class Context:
        full_text = text_until_cursor = "frame.groupby('x').agg("
        cursor_line = 0

    started = time.perf_counter()
    for _ in range(1000):
        assert not matcher(Context)["completions"]
    assert time.perf_counter() - started < 0.1


def test_it_starts_no_launcher_and_makes_no_store(persona):
    fresh = persona.fresh()
    try:
        code = (
            "from IPython.core.interactiveshell import InteractiveShell as S\n"
            "from IPython.core.completer import provisionalcompleter as p\n"
            "s = S.instance(); s.run_line_magic('load_ext', 'ipycontainer')\n"
            "with p():\n"
            "    print([c.text for c in s.Completer.completions('%container run ba', 17)])"
        )
        assert fresh.python(code) == "['base', 'base:latest']\n"
        assert not fresh.store.exists() and not any(run.exists() for run in fresh.run_folders())
    finally:
        fresh.close()
