"""run: output, exit codes, input, environment, folder, host name, the files below /etc."""

from __future__ import annotations

import json

import pytest

from tests.life.inside import attempt, detached, one_sentence, python, sh, with_engine
from tests.personas import Persona


def test_echo(persona: Persona):
    done = persona.cli("run", "--rm", "base", "echo", "hello", "two words")
    assert (done.exit_code, done.out, done.err) == (0, "hello two words\n", "")


def test_the_engine_gives_a_result(persona: Persona):
    told = with_engine(
        persona,
        """
        done = engine.run("base", ["sh", "-c", "echo out; echo err >&2; exit 3"], remove=True)
        tell([done.exit_code, done.text, done.stderr.decode(), done.cut, engine.containers(all=True) == []])
        """,
    )
    assert told == [3, "out\n", "err\n", 0, True]


def test_a_flood_is_cut_and_the_cut_is_counted(persona: Persona):
    told = with_engine(
        persona,
        """
        done = engine.run("base", ["head", "-c", "300000", "/dev/zero"], remove=True, output_limit=1000)
        tell([len(done.output), done.cut, done.exit_code])
        """,
    )
    assert told == [1000, 299000, 0]


@pytest.mark.parametrize("code", [0, 1, 7, 125, 126, 127, 255])
def test_the_exit_code_is_the_programs(persona: Persona, code: int):
    assert attempt(persona, f"exit {code}").exit_code == code


def test_a_command_that_is_not_there(persona: Persona, nothing_left: None):
    assert "nosuchthing" in one_sentence(persona.cli("run", "--rm", "base", "nosuchthing"), code=127)
    assert "/no/such" in one_sentence(persona.cli("run", "--rm", "base", "/no/such"), code=127)
    assert one_sentence(persona.cli("run", "--rm", "base", ""), code=127)


@pytest.mark.parametrize("command", ["/etc/passwd", "/etc"])
def test_a_command_that_cannot_be_executed(persona: Persona, command: str):
    assert command in one_sentence(persona.cli("run", "--rm", "base", command), code=126)


def test_a_script_without_its_interpreter(persona: Persona):
    script = persona.path("script", "#!/no/such/interpreter\n", 0o755)
    sentence = one_sentence(persona.cli("run", "--rm", "-v", f"{script}:/script", "base", "/script"), code=127)
    assert "interpreter" in sentence


def test_a_file_of_no_format(persona: Persona):
    script = persona.path("noise", b"\x00\x01\x02", 0o755)
    assert "format" in one_sentence(persona.cli("run", "--rm", "-v", f"{script}:/noise", "base", "/noise"), code=126)


def test_death_by_signal_is_128_and_its_number(persona: Persona):
    container = detached(persona, "base", "sleep", "1000")
    persona.ok("kill", container)
    assert persona.ok("wait", container) == "137"
    assert attempt(persona, "kill -TERM $$", "--init").exit_code == 143


def test_an_unknown_image_is_docker_s_sentence_and_leaves_nothing(persona: Persona, nothing_left: None):
    done = persona.cli("run", "--rm", "nosuchimage", "true")
    assert done.exit_code == 125
    assert "Unable to find image 'nosuchimage:latest' locally" in done.err
    assert "load" in done.err, "how to get one is not said"


def test_stdin_of_a_megabyte_comes_back(persona: Persona):
    data = bytes(range(256)) * 4096
    done = persona.cli("run", "-i", "--rm", "base", "cat", input=data)
    assert done.exit_code == 0 and done.out_bytes == data


def test_stdin_is_empty_unless_asked_for(persona: Persona):
    assert persona.cli("run", "--rm", "base", "cat", input="not passed on").out == ""


def test_the_engine_gives_input_while_it_reads_output(persona: Persona):
    told = with_engine(
        persona,
        """
        data = b"x" * 500_000
        done = engine.run("base", ["cat"], stdin=data, remove=True)
        tell([done.output == data, done.exit_code, engine.run("base", ["cat"], stdin=b"", remove=True).text])
        """,
    )
    assert told == [True, 0, ""]


def test_a_program_that_does_not_read_its_input_ends_all_the_same(persona: Persona):
    done = persona.cli("run", "-i", "--rm", "base", "true", input=b"y" * 300_000)
    assert done.exit_code == 0, done


def _environment(persona: Persona, *options: str) -> dict[str, str]:
    text = python(persona, "import json, os; print(json.dumps(dict(os.environ)))", *options)
    found: dict[str, str] = json.loads(text)
    found.pop("LC_CTYPE", None)  # Python's own
    return found


def test_the_environment_is_the_defaults_alone(persona: Persona):
    found = _environment(persona, "-h", "box")
    assert found.pop("HOME") == "/root"
    assert found.pop("HOSTNAME") == "box"
    assert found.pop("PATH") == "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    # What the image itself sets is all that is left; nothing of the caller's leaks in.
    assert not {name for name in found if name in persona.environment or "IPYCONTAINER" in name}, found


def test_variables_are_set_and_win_over_the_defaults(persona: Persona):
    options = ("-e", "A=b=c", "-e", "HOME=/elsewhere", "-e", "EMPTY=", "-e", "A=last")
    found = _environment(persona, *options)
    assert (found["A"], found["HOME"], found["EMPTY"]) == ("last", "/elsewhere", "")


def test_a_bare_name_is_taken_from_outside(persona: Persona):
    done = persona.cli("run", "--rm", "-e", "FROM_HERE", "base", "sh", "-c", "echo $FROM_HERE", env={"FROM_HERE": "x"})
    assert done.out == "x\n"


def test_the_working_folder_is_made(persona: Persona):
    assert sh(persona, "pwd", "-w", "/deep/er/here") == "/deep/er/here"
    assert sh(persona, "pwd") == "/"
    assert "absolute" in one_sentence(persona.cli("run", "--rm", "-w", "relative", "base", "pwd"), code=125)
    assert "file" in one_sentence(persona.cli("run", "--rm", "-w", "/etc/passwd", "base", "pwd"), code=125)


def test_the_host_name_is_the_containers_own(persona: Persona):
    assert sh(persona, "hostname 2>/dev/null || uname -n", "-h", "box") == "box"
    container = persona.ok("create", "base", "uname", "-n")
    assert persona.ok("start", "-a", container) == container[:12]
    import os

    assert os.uname().nodename != "box"


def test_the_files_below_etc(persona: Persona):
    lines = sh(persona, "cat /etc/hostname; cat /etc/hosts; cat /etc/resolv.conf", "-h", "box").splitlines()
    assert lines[0] == "box"
    assert "127.0.0.1\tlocalhost" in lines and "127.0.0.1\tbox" in lines
    assert lines[-1].startswith("#")
    assert sh(persona, "hostname; hostname -f; hostname -s", "-h", "box", "--domainname", "a.example") == (
        "box\nbox.a.example\nbox"
    )


def test_a_file_below_etc_may_be_ones_own(persona: Persona):
    hosts = persona.path("hosts", "10.0.0.1 mine\n")
    assert sh(persona, "cat /etc/hosts", "-v", f"{hosts}:/etc/hosts") == "10.0.0.1 mine"


def test_one_container_s_etc_is_not_another_s(persona: Persona):
    sh(persona, "echo 1.2.3.4 planted >> /etc/hosts")
    assert "planted" not in sh(persona, "cat /etc/hosts")


def test_entrypoint(persona: Persona):
    assert persona.ok("run", "--rm", "--entrypoint", "echo", "base", "a", "b") == "a b"


def test_created_then_started_twice(persona: Persona):
    container = persona.ok("create", "--name", "twice", "base", "sh", "-c", "echo x >> /n; wc -l < /n")
    assert persona.ok("start", "-a", "twice") == "1"
    assert persona.ok("start", "-a", container[:12]) == "2"  # its writable layer stays
    assert persona.ok("logs", "twice") == "1\n2"


def test_twenty_at_once(persona: Persona):
    told = with_engine(
        persona,
        """
        from concurrent.futures import ThreadPoolExecutor
        def one(number):
            return engine.run("base", ["echo", str(number)], remove=True).text.strip()
        with ThreadPoolExecutor(20) as pool:
            tell(list(pool.map(one, range(20))))
        """,
    )
    assert told == [str(number) for number in range(20)]


def test_two_who_draw_the_same_name_both_get_one(persona: Persona):
    """Between the draw and the making somebody else may take it; only who asked for a name hears of that."""
    told = with_engine(
        persona,
        """
        from ipycontainer.engine.request import RunRequest
        drawn = ["other_name", "same_name", "same_name"]
        first = engine.create(RunRequest(image="base", name="same_name"))
        engine.directory.choose_name = lambda wanted: drawn.pop()
        second = engine.create(RunRequest(image="base"))
        tell([first.name, second.name])
        for container in (first, second):
            container.remove()
        """,
    )
    assert told == ["same_name", "other_name"]
