"""The magics in a real kernel, as every persona."""

from __future__ import annotations

import re

import pytest

from ipycontainer.jupyter.console import Capture, CellConsole

RED = "\x1b[31m"


def test_hello(kernel):
    reply = kernel.ok("%container run --rm base echo hello")
    assert (reply.out, reply.err, reply.data) == ("hello\n", "", [])


def test_stderr_stays_apart(kernel):
    reply = kernel.ok("%container run --rm base sh -c 'echo out; echo err >&2'")
    assert (reply.out, reply.err) == ("out\n", "err\n")


def test_nothing_of_python_is_put_into_a_line(any_kernel):
    reply = any_kernel.ok("name = 'python'\n%container run --rm -e name=guest base sh -c 'echo $name {name}'")
    assert reply.out == "guest {name}\n"


def test_expand_puts_it_in_when_asked(any_kernel):
    reply = any_kernel.ok(
        "words = ['a', 'b c']; text = 'd e'\n"
        "%container --expand run --rm base printf '%s|' $words x={text} '$text {text}'"
    )
    assert reply.out == "a|b c|x=d e|$text {text}|"


def test_expand_of_an_unknown_name_is_a_mistake(any_kernel):
    reply = any_kernel.run("%container --expand run --rm base echo $nowhere_defined")
    assert (reply.status, reply.error) == ("error", "UsageError")
    assert "nowhere_defined" in reply.sentence and "quote" in reply.sentence


@pytest.mark.parametrize(
    ("word", "part"), [("{1/0}", "division by zero"), ("{stop()}", "StopIteration"), ("{two()}", "one two")]
)
def test_whatever_an_expression_raises_is_one_sentence(any_kernel, word, part):
    any_kernel.ok("def stop(): raise StopIteration\ndef two(): raise OSError('one\\ntwo')")
    for line in (f"%container --expand run --rm base echo {word}", f"%%in_container --expand {word}\ntrue"):
        reply = any_kernel.run(line)
        assert (reply.status, reply.error) == ("error", "UsageError")
        assert part in reply.sentence and "quote" in reply.sentence
        assert reply.err.strip() == f"UsageError: {reply.sentence}" and not reply.traceback


def test_an_assignment_takes_the_lines_silently(any_kernel):
    reply = any_kernel.ok(
        "found = %container run --rm base printf 'a\\nb\\n'\nprint(type(found).__name__, found == ['a', 'b'])"
    )
    assert reply.out == "Lines True\n" and not reply.data


def test_an_id_is_a_string(any_kernel):
    reply = any_kernel.ok(
        "made = %container create base true\nprint(type(made).__name__, len(made))\n%container --expand rm $made"
    )
    assert reply.out.startswith("str 64\n")


def test_a_table_is_shown_wherever_it_stands(any_kernel):
    any_kernel.ok("%container create --name shown-table base true")
    try:
        reply = any_kernel.ok("%container ps -a\n%container ps -a")
        assert len(reply.data) == 2
        for bundle in reply.data:
            assert bundle["text/plain"].startswith("CONTAINER ID") and "shown-table" in bundle["text/plain"]
            assert "<td" in bundle["text/html"]
    finally:
        any_kernel.ok("%container rm shown-table")


def test_a_table_is_a_value(any_kernel):
    any_kernel.ok("%container create --name kept-table base true")
    try:
        reply = any_kernel.ok(
            "table = %container ps -a\nids = %container ps -aq\n"
            "print('kept-table' in table['NAMES'], len(ids) == len(table))"
        )
        assert reply.out == "True True\n" and not reply.data
    finally:
        any_kernel.ok("%container rm kept-table")


def test_inspect_is_data(kernel):
    kernel.ok("%container create --name kept-data base true")
    try:
        reply = kernel.ok("data = %container inspect kept-data\nprint(data[0]['Name'], data[0]['State']['Status'])")
        assert reply.out == "/kept-data created\n"
    finally:
        kernel.ok("%container rm kept-data")


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("runn base", "run"),
        ("run --memroy 3m base true", "--memroy"),
        ("run -m lots base true", "lots"),
        ("run", "at least 1 argument"),
        ("run 'open", "quot"),
        ("--nothing ps", "--nothing"),
    ],
)
def test_a_mistake_in_the_line_is_a_usage_error(any_kernel, line, part):
    reply = any_kernel.run(f"%container {line}")
    assert (reply.status, reply.error) == ("error", "UsageError")
    assert part in reply.sentence
    assert reply.err.strip() == f"UsageError: {reply.sentence}" and not reply.traceback


@pytest.mark.parametrize(
    ("line", "kind", "part"),
    [
        ("run --rm base sh -c 'exit 3'", "CommandFailed", "exit code 3"),
        ("run --rm nowhere/nothing true", "NoSuchImage", "Unable to find image"),
        ("run --rm base no-such-program", "CommandNotFound", "no-such-program"),
        ("run --rm base /etc/passwd", "CommandNotExecutable", "/etc/passwd"),
        ("stop no-such-container", "Error", "No such container: no-such-container"),
        ("run --rm -t base true", "Refused", "ipycontainer run -it"),
        ("exec -it whatever sh", "Refused", "ipycontainer exec -it"),
    ],
)
def test_a_failure_fails_the_cell_with_one_sentence(kernel, line, kind, part):
    reply = kernel.run(f"%container {line}")
    assert (reply.status, reply.error) == ("error", kind)
    assert part in reply.sentence
    assert reply.traceback == f"{kind}: {reply.sentence}"
    assert 'File "' not in reply.traceback and "\n" not in reply.traceback


def test_no_raise_lets_the_cell_go_on(any_kernel):
    for option in ("--no-raise", "--no-raise-error"):
        reply = any_kernel.ok(f"%container {option} run --rm base sh -c 'echo x; exit 3'\nprint('after')")
        assert reply.out == "x\nafter\n"


@pytest.mark.parametrize(
    "line", ["logs nobody", "exec nobody true", "inspect nobody", "rm nobody", "run --pull never nosuch"]
)
def test_no_raise_forgives_verbs_too(any_kernel, line):
    reply = any_kernel.ok(f"%container --no-raise {line}\nprint('after')")
    assert reply.out.endswith("after\n") and reply.err.count("\n") == 1
    assert "nobody" in reply.err or "nosuch" in reply.err
    assert any_kernel.run(f"%container {line}").status == "error"


@pytest.mark.parametrize("line", ["logs --nosuch web", "nosuch", "rm"])
def test_no_raise_forgives_no_wrong_word(any_kernel, line):
    assert any_kernel.run(f"%container --no-raise {line}").status == "error"


def test_out_and_err_go_into_variables(any_kernel):
    reply = any_kernel.ok(
        "%container --out said --err told run --rm base sh -c 'echo out; echo err >&2'\nprint([said, told])"
    )
    assert reply.out == "['out\\n', 'err\\n']\n" and not reply.err


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("ps -a", "NAMES"),
        ("images", "base"),
        ("inspect put-aside", '"/put-aside"'),
        ("run --explain base true", "PivotRoot"),
    ],
)
def test_out_takes_a_table_a_document_and_a_plan_as_text(any_kernel, line, part):
    any_kernel.ok("%container create --name put-aside base true")
    try:
        reply = any_kernel.ok(f"%container --out said {line}")
        assert not reply.out and not reply.data
        said = any_kernel.ok("print(said, end='')").out
        assert part in said and _ageless(said) == _ageless(any_kernel.persona.cli(*line.split()).out)
        # Shown or dropped is no matter of --out's.
        reply = any_kernel.ok(f"value = %container --out said {line}\nprint(value, {part!r} in said)")
        assert reply.out == "None True\n" and not reply.data
    finally:
        any_kernel.ok("%container rm put-aside")


def _ageless(text: str) -> str:
    """Without what another second changes."""
    return re.sub(r"(\d+|Less than an?|About an?) \w+ ago| ", "", text)


def test_out_takes_a_pulls_lines_where_a_cell_would_draw_bars():
    said = Capture()
    CellConsole(out=said).progress()("abc", "Pull complete", 1, 1)
    assert said.text == "abc: Pull complete\n"


def test_a_folder_that_is_gone_stops_nobody_who_names_no_path_in_it(any_kernel):
    any_kernel.ok("import os\nwork = os.getcwd()\nos.mkdir('gone')\nos.chdir('gone')\nos.rmdir(work + '/gone')")
    try:
        assert any_kernel.ok("%container run --rm base echo hello").out == "hello\n"
        assert any_kernel.ok("%%in_container\necho hello").out == "hello\n"
    finally:
        any_kernel.ok("os.chdir(work)")


def test_the_store_is_the_one_that_the_environment_names_now(any_kernel):
    first = any_kernel.persona.store
    said = "root = %container info --format '{{.DockerRootDir}}'\nprint(root)"
    assert any_kernel.ok(said).out == f"{first}\n"
    try:
        any_kernel.ok(f"%env IPYCONTAINER_ROOT={first}-other")
        assert any_kernel.ok(said).out == f"{first}-other\n"
        any_kernel.ok(f"%config ContainerMagics.root = '{first}'")
        assert any_kernel.ok(said).out == f"{first}\n"
    finally:
        any_kernel.ok(f"%config ContainerMagics.root = ''\n%env IPYCONTAINER_ROOT={first}")
        any_kernel.persona.ok("--root", f"{first}-other", "system", "reset", "-f")


def test_the_cell_is_stdin(kernel):
    assert kernel.ok("%%container run -i --rm base tr a-z A-Z\nhello\nthere").out == "HELLO\nTHERE\n"


def test_a_long_cell_is_stdin_too(kernel):
    text = "x" * 99 + "\n"
    reply = kernel.ok("%%container run -i --rm base sh -c 'seq 200000; wc -c'\n" + text * 10_000, timeout=100)
    assert reply.out.endswith("1000000\n")


def test_without_i_there_is_no_stdin(kernel):
    assert kernel.ok("%container run --rm -i base cat").out == ""


def test_a_cell_that_nobody_reads_is_told(any_kernel):
    reply = any_kernel.ok("%%container run --rm base echo hello\nunread")
    assert reply.out == "hello\n" and "-i" in reply.err


def test_a_line_may_go_on_in_the_next(any_kernel):
    assert any_kernel.ok("%container run --rm \\\n  base echo hello").out == "hello\n"


def test_help_shows_the_options_of_a_cell_too(any_kernel):
    for line in ("--help", ""):
        said = any_kernel.ok(f"%container {line}").out
        assert "Usage:" in said and "--out VAR" in said and "--expand" in said
    assert "--memory" in any_kernel.ok("%container run --help").out
    assert "--interpreter" in any_kernel.ok("%%in_container --help\n ").out


def test_a_timed_line_still_streams(any_kernel):
    reply = any_kernel.ok("%time %container run --rm base echo hello")
    assert reply.out.startswith("hello\n") and "Wall time" in reply.out


def test_output_comes_while_the_program_runs(kernel):
    reply = kernel.ok("%container run --rm base sh -c 'for i in 1 2 3; do printf $i; sleep 0.5; done'")
    times = [when for when, _, _ in reply.streams]
    assert reply.out == "123" and len(times) == 3
    assert times[1] - times[0] > 0.3 and times[2] - times[1] > 0.3


def test_carriage_returns_and_colours_pass(any_kernel):
    reply = any_kernel.ok(r"%container run --rm base printf '10%%\r20%%\r\033[31mred\033[0m\n'")
    assert reply.out == f"10%\r20%\r{RED}red\x1b[0m\n"


def test_broken_utf8_is_replaced(any_kernel):
    reply = any_kernel.ok(
        r"%container run --rm base sh -c 'printf caf; printf \\303; sleep 0.2; printf \\251; printf \\377'"
    )
    assert reply.out == "café\ufffd"


def test_a_flood_is_cut_in_the_middle(kernel):
    reply = kernel.ok("%container run --rm base sh -c 'echo first; yes | head -c 50000000; echo last'", timeout=100)
    assert reply.out.startswith("first\ny\n") and reply.out.endswith("y\nlast\n")
    assert len(reply.out) < 1_000_000
    assert "MB in" in reply.out and "cut here" in reply.out


def test_after_a_flood_output_is_live_again(any_kernel):
    reply = any_kernel.ok(
        "%container run --rm base sh -c 'yes | head -c 5000000; sleep 2.5; echo calm; sleep 1; echo over'"
    )
    when = {word: next(at for at, _, text in reply.streams if word in text) for word in ("calm", "over")}
    assert when["over"] - when["calm"] > 0.7
    cut, calm = reply.out.index("cut here"), reply.out.index("calm")
    assert cut < calm and reply.out.count("cut here") == 1


def test_capture_captures(any_kernel):
    reply = any_kernel.ok("%%capture caught\n%container run --rm base sh -c 'echo out; echo err >&2'")
    assert not reply.out + reply.err
    assert any_kernel.ok("print([caught.stdout, caught.stderr])").out == "['out\\n', 'err\\n']\n"


def test_unloading_takes_the_magics_away(fresh_kernel):
    fresh_kernel.ok("%unload_ext ipycontainer")
    reply = fresh_kernel.run("%container version")
    assert (reply.error, "not found" in reply.sentence) == ("UsageError", True)
    fresh_kernel.ok("%load_ext ipycontainer")
    assert fresh_kernel.ok("%container run --rm base echo again").out == "again\n"


def test_explain_is_a_table_and_a_value(any_kernel):
    reply = any_kernel.ok("%container run --explain base echo hi")
    (bundle,) = reply.data
    assert "PivotRoot" in bundle["text/plain"] and "<b>PivotRoot</b>" in bundle["text/html"]
    reply = any_kernel.ok("plan = %container run --explain base echo hi\nprint(type(plan).__name__, plan[-1].name)")
    assert reply.out == "Explanation Execute\n" and not reply.data


def test_a_failure_tells_of_a_name_that_was_left_as_it_stands(any_kernel):
    any_kernel.ok("ids = ['one', 'two']; size = '64q'")
    for line, kind, left in (
        ("rm $ids", "Error", "$ids"),
        ("logs {ids[0]}", "NoSuchContainer", "{ids[0]}"),
        ("run -m {size} base true", "UsageError", "{size}"),
    ):
        reply = any_kernel.run(f"%container {line}")
        assert reply.error == kind
        assert f"{left} was left as it stands; --expand" in (reply.traceback or reply.err), reply
    for line in ("--expand rm $ids", "rm '$ids'", "rm $nowhere_defined"):
        reply = any_kernel.run(f"%container {line}")
        assert reply.status == "error" and "--expand" not in reply.traceback + reply.err


def test_a_failure_tells_of_what_only_a_shell_does(any_kernel):
    for line, kind, left in (
        ("run --rm -v $PWD:/work base true", "InputError", "$PWD:/work"),
        ('run --rm -v "$(pwd)/data":/work base true', "InputError", "$(pwd)/data:/work"),
        ("run --rm --mount type=bind,source=$PWD,target=/x base true", "InputError", "type=bind,source=$PWD,target=/x"),
        ("ps | grep web", "UsageError", "|"),
        ("rm $(docker ps -aq)", "UsageError", "$(docker"),
        ("run --rm base ls / | wc -l", "CommandFailed", "|"),
    ):
        reply = any_kernel.run(f"%container {line}")
        assert reply.error == kind
        told = (reply.traceback or reply.err).strip()
        assert told.splitlines()[-1].startswith(f"{left} was left as it stands, for no shell reads this line: "), reply
        assert ("./ is" in told) == ("PWD" in left.upper())
    reply = any_kernel.run("%%in_container -v $PWD:/work\ntrue")
    assert reply.traceback.splitlines()[-1].startswith("$PWD:/work was left as it stands"), reply
    reply = any_kernel.run("%container run --rm base sh -c 'false | false'")
    assert reply.error == "CommandFailed" and "\n" not in reply.traceback


@pytest.mark.parametrize("option", ["--out x", "--err=x", "--no-raise", "--expand"])
def test_a_cells_option_behind_the_verb_is_told_where_it_belongs(any_kernel, option):
    reply = any_kernel.run(f"%container run --rm {option} base true")
    name = option.split()[0]
    assert reply.error == "UsageError" and f"{name} belongs before the verb: %container {name} …" in reply.sentence
    reply = any_kernel.run(f"%container run --rm base false {option}")
    assert reply.error == "CommandFailed" and "belongs" not in reply.traceback


def test_a_line_goes_on_after_a_backslash(any_kernel):
    assert any_kernel.ok("%%in_container base \\\n    -e A=b \\\n    -w /tmp\necho $A; pwd").out == "b\n/tmp\n"
    assert any_kernel.ok("%%container run --rm \\\n    -i base \\\n    cat\nthe text\n").out == "the text\n"


def test_our_errors_in_code_of_ones_own_show_where_and_the_sentence(any_kernel):
    code = "from ipycontainer import Engine\ndef mine():\n    Engine().get('no-such-one')\nmine()"
    reply = any_kernel.run(code)
    assert (reply.error, reply.sentence) == ("NoSuchContainer", "No such container: no-such-one")
    lines = reply.traceback.splitlines()
    assert lines[0].startswith("Traceback") and lines[-1].endswith("NoSuchContainer: No such container: no-such-one")
    assert "mine()" in reply.traceback and "Engine().get('no-such-one')" in reply.traceback
    moved = any_kernel.run("from ipycontainer.errors import Refused\nraise Refused('no\\x1b[2J')")
    assert moved.traceback.endswith("errors.Refused: no\\x1b[2J")
    assert "ipycontainer/" not in reply.traceback and "IPython" not in reply.traceback and len(lines) == 6


def test_what_an_image_chose_is_one_line_in_a_cell(any_kernel):
    said, written = "/x\x1b[2J\nError: forged", "/x\\x1b[2J\\nError: forged"
    any_kernel.ok(f"name = {said!r}\n%container --expand run --name chosen base touch $name")
    any_kernel.ok("%container commit -c 'ENTRYPOINT [\"/y\\u001b[2J\\nError: forged\"]' chosen chosen/entry:1")
    try:
        reply = any_kernel.run("%container run --rm chosen/entry:1")
        assert reply.error == "CommandNotFound" and reply.traceback.startswith(f"CommandNotFound: /y{written[2:]}")
        assert "\n" not in reply.traceback
        forgiven = any_kernel.ok("%container --no-raise run --rm chosen/entry:1")
        assert forgiven.err.startswith(f"/y{written[2:]}") and forgiven.err.count("\n") == 1
        assert any_kernel.ok("%container diff chosen").out == f"A {written}\n"
        assert any_kernel.ok("changed = %container diff chosen\nprint(changed == ['A ' + name])").out == "True\n"
    finally:
        any_kernel.ok("%container rm chosen\n%container rmi chosen/entry:1")
