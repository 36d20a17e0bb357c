"""`%%in_container`: a cell's text as the program."""

from __future__ import annotations


def test_the_shell_runs_the_text(kernel):
    reply = kernel.ok('%%in_container base --rm\necho "I am PID $$"\nread line; echo "[$line]"')
    assert reply.out == "I am PID 1\n[]\n"


def test_the_image_is_base_when_none_is_named(kernel):
    assert kernel.ok("%%in_container\necho hello").out == "hello\n"


def test_the_container_is_removed_unless_it_shall_stay(kernel):
    kernel.ok("%%in_container --label kind=cell\ntrue")
    assert kernel.ok("ids = %container ps -aq --filter label=kind=cell\nprint(len(ids))").out == "0\n"
    kernel.ok("%%in_container --label kind=cell --rm=false\ntrue")
    reply = kernel.ok("ids = %container ps -aq --filter label=kind=cell\nprint(len(ids))\n%container --expand rm $ids")
    assert reply.out.startswith("1\n")


def test_options_on_either_side_of_the_image(any_kernel):
    reply = any_kernel.ok("%%in_container -e A=1 base -e B=2 -w /tmp\necho $A$B $PWD")
    assert reply.out == "12 /tmp\n"


def test_the_folder_of_the_notebook(kernel, persona):
    persona.path("data/in.txt", "from outside\n")
    reply = kernel.ok("%%in_container base --rm -v ./data:/work -w /work\ncat in.txt; echo back > out.txt")
    assert reply.out == "from outside\n"
    made = persona.work / "data" / "out.txt"
    assert made.read_text() == "back\n"
    assert made.stat().st_uid == persona.uid


def test_python_runs_the_text(kernel):
    reply = kernel.ok("%%in_container --python\nimport os, sys\nprint(os.getpid(), sys.version_info.major, 'é')")
    assert reply.out == "1 3 é\n"


def test_an_error_in_the_guests_python_shows_the_guests_traceback(any_kernel):
    reply = any_kernel.run("%%in_container --python\n1 / 0")
    assert "ZeroDivisionError" in reply.err
    assert (reply.error, "exit code 1" in reply.sentence) == ("CommandFailed", True)


def test_any_interpreter(any_kernel):
    assert any_kernel.ok("%%in_container --interpreter 'tr a-z A-Z'\nhello").out == "HELLO\n"


def test_out_takes_the_output(any_kernel):
    assert any_kernel.ok("%%in_container --out text\necho hello").out == ""
    assert any_kernel.ok("print(repr(text))").out == "'hello\\n'\n"


def test_a_long_text_runs(any_kernel):
    reply = any_kernel.ok("%%in_container\n" + "true # a long comment\n" * 10_000 + "echo done")
    assert reply.out == "done\n"


def test_a_program_that_is_left_running_has_its_text(any_kernel):
    shell = "echo began\nexec sleep 1000"
    for line, program in (
        ("", shell),
        ("--python", "import time\nprint('began')\ntime.sleep(1000)"),
        ("--interpreter sh", shell),
        ("--env A=long", "true # a long comment\n" * 10_000 + shell),
    ):
        reply = any_kernel.ok(f"%%in_container -d --rm=false --name left-running {line}\n{program}")
        try:
            assert len(reply.out) == 65, "its id alone"
            said = any_kernel.ok(
                "from ipycontainer import Engine\n"
                "with Engine().get('left-running').follow(timeout=30) as lines: print(next(lines).data)"
            )
            assert said.out == "b'began\\n'\n", line
        finally:
            any_kernel.ok("%container rm -f left-running")


def test_a_program_is_there_again_at_another_start(any_kernel):
    any_kernel.ok("%%in_container --rm=false --name twice --python\nprint('here')")
    try:
        assert any_kernel.ok("%container start -a twice").out == "here\n"
    finally:
        any_kernel.ok("%container rm -f twice")
    reply = any_kernel.run("%%in_container --rm=false --restart always --interpreter sh\necho")
    assert reply.error == "UsageError" and "without its text" in reply.sentence
    reply = any_kernel.run("%%in_container --restart always\necho")
    assert reply.error == "UsageError" and "--rm=false" in reply.sentence
    assert any_kernel.ok("%%in_container --python\n" + "x = 1  # a long comment\n" * 10_000 + "print(x)").out == "1\n"


def test_the_text_is_the_guests_alone(any_kernel):
    assert any_kernel.ok("%%in_container\necho {x} '$x'").out == "{x} $x\n"


def test_a_failure_fails_the_cell(kernel):
    reply = kernel.run("%%in_container\nexit 7")
    assert (reply.error, "exit code 7" in reply.sentence) == ("CommandFailed", True)
    assert kernel.ok("%%in_container --no-raise\nexit 7").status == "ok"


def test_configuration(any_kernel):
    any_kernel.ok("%config ContainerMagics.options = '--rm -e GREETING=hi'")
    try:
        assert any_kernel.ok("%%in_container\necho $GREETING").out == "hi\n"
        any_kernel.ok("%config ContainerMagics.image = 'nowhere/nothing'")
        assert any_kernel.run("%%in_container\ntrue").error == "NoSuchImage"
    finally:
        any_kernel.ok("%config ContainerMagics.options = '--rm'")
        any_kernel.ok("%config ContainerMagics.image = 'base'")


def test_expand_is_an_option_like_any_other(any_kernel):
    any_kernel.ok("image, limit, keep, pair = 'base', '64m', True, ['-e', 'A=1']")
    text = "echo $A $B"
    for line, said in (
        ("--expand -e B={image}", "base"),
        ("-e B={image} --expand=true", "base"),
        ("--expand=true --expand=false -e B={image}", "{image}"),
        ("-e A=$image -e --expand", "$image"),  # there it names a variable
        ("--expand --shm-size {limit} --rm={keep} $image $pair -e B=$limit", "1 64m"),
    ):
        assert any_kernel.ok(f"%%in_container {line}\n{text}").out == f"{said}\n", line


def test_expand_may_be_configured(any_kernel):
    any_kernel.ok("image = 'base'\n%config ContainerMagics.options = '--rm --expand'")
    try:
        assert any_kernel.ok("%%in_container $image -e B={image}\necho $B").out == "base\n"
        assert any_kernel.ok("%%in_container --expand=0 -e B={image}\necho $B").out == "{image}\n"
    finally:
        any_kernel.ok("%config ContainerMagics.options = '--rm'")


def test_what_run_refuses_is_refused_here_too(any_kernel):
    reply = any_kernel.run("%%in_container -p 8080:80\ntrue")
    assert (reply.error, "--publish" in reply.sentence) == ("Refused", True)
    reply = any_kernel.run("%%in_container -t\ntrue")
    assert (reply.error, "terminal" in reply.sentence) == ("Refused", True)


def test_help_is_to_be_had_without_a_program(any_kernel):
    reply = any_kernel.run("%%in_container --help")
    assert "%in_container (single %)" in reply.sentence  # IPython's own words
    assert any_kernel.ok("%in_container --help").out.startswith("Usage:  %%in_container [IMAGE] [OPTIONS]")
    reply = any_kernel.run("%in_container base")
    assert reply.error == "UsageError" and "write %% before it" in reply.sentence


def test_mistakes(any_kernel):
    for line, part in (
        ("base extra", "at most 1"),
        ("--python --interpreter sh", "exclude"),
        ("--entrypoint sh", "--interpreter"),
        ("--out 1x", "variable"),
        ("--nonsense", "--nonsense"),
    ):
        reply = any_kernel.run(f"%%in_container {line}\ntrue")
        assert reply.error == "UsageError" and part in reply.sentence, reply
