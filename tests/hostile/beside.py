"""Lines of docker's grammar, run in turn by the real docker and by ours, and compared as they go."""

from __future__ import annotations

import re
import shlex
import subprocess
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from tests.compatibility.evidence import Compared
from tests.hostile.docker_daemon import DockerDaemon
from tests.personas import Finished, Persona

# Of a daemon with a network of its own, into its standard output.
_MACHINE = "windows, but this machine runs"  # there is no daemon here
_WARNING = "IPv4 forwarding is disabled. Networking will not work."


def ids_taken_out(text: str) -> str:
    """Ids by the word ID; trailing blanks and dockerd's warning about its network gone."""
    text = re.sub(r"\b(sha256:)?[0-9a-f]{64}\b|\b[0-9a-f]{12}\b", "ID", text)
    return "\n".join(line.rstrip() for line in text.splitlines() if not line.strip().endswith(_WARNING))


def reason_of(stderr: str) -> str:
    """docker's sentence without who says it, where it failed, and its usage; "" where there is none."""
    lines = [line for line in ids_taken_out(stderr).splitlines() if line.strip() and not line.startswith("time=")]
    line = lines[0] if lines and "See 'docker" not in lines[0] else ""
    line = re.sub(r"^(docker: )?(Error response from daemon: )?(Error: )?", "", line)
    line = re.sub(r"^failed to create .* runc create failed: |: unknown", "", line)
    line = re.sub(r"^unable to .*failed to (write .*): write /\S+/(\S+): ", r"\2: ", line)
    line = re.sub("a Docker daemon running on windows, but the Docker daemon is running on", _MACHINE, line)
    return "" if "requires exactly" in line else line.rstrip(".")


class Beside:
    """Runs lines with both; what differs is kept for the test's last assertion.

    A line is split as a shell does; {h} in it is a folder of each one's own, with the same files.
    """

    def __init__(self, persona: Persona, daemon: DockerDaemon, compared: Compared, folder: Path) -> None:
        self.persona, self.daemon, self.compared = persona, daemon, compared
        self.ours, self.dockers = folder / "ours", folder / "dockers"
        self.ours.mkdir()
        self.dockers.mkdir()
        self.count = 0
        self.different: list[str] = []

    def file(self, name: str, content: str) -> None:
        """The same file in both folders."""
        for folder in (self.ours, self.dockers):
            (folder / name).write_text(content)

    def line(
        self,
        line: str,
        normal: Callable[[str], str] = ids_taken_out,
        stdin: bytes | None = None,
        reasons: bool = False,
        refused: str = "",
    ) -> tuple[Finished, subprocess.CompletedProcess[bytes]]:
        """One line: exit codes and normalised standard outputs must be equal; reasons: ours gives docker's too.

        refused: the option that docker refuses on this machine, and ours for the same reason.
        """
        mine = self.persona.cli(*shlex.split(line.replace("{h}", str(self.ours))), input=stdin)
        words = shlex.split(line.replace("{h}", str(self.dockers)))
        his = self.daemon.run(*words, input=stdin if stdin is not None else b"")
        out = normal(mine.out), normal(his.stdout.decode())
        self.count += 1
        said = not (reasons or refused) or reason_of(his.stderr.decode()) in ids_taken_out(mine.err)
        if mine.exit_code != his.returncode or out[0] != out[1] or not said:
            self.different.append(f"{line}\nOURS {mine}\nDOCKER'S {his.returncode}\n{out[1]}\n{his.stderr.decode()}")
        else:
            self.compared(words, his)
            if refused:
                self.compared.refusal(words, his, refused)
        return mine, his

    def lines(self, table: Iterable[str], normal: Callable[[str], str] = ids_taken_out) -> None:
        """Those of a table, in its order; empty ones are left out."""
        for line in table:
            if line.startswith("events "):
                time.sleep(1.1)  # docker's client cuts `--until 0s` to the second: what came in it would be missing
            if line.strip():
                self.line(line, normal)

    def remove(self, *containers: str) -> None:
        """What a table made, whatever became of it."""
        self.both("rm", "-f", "-v", *containers)

    def both(self, *words: str) -> None:
        """A line that tidies up on both sides, and is not compared."""
        self.persona.cli(*words)
        self.daemon.run(*words)

    def end(self) -> None:
        """The test's assertion: nothing differed."""
        print(f"{self.count} lines, {len(self.different)} different")
        assert not self.different, "\n\n".join(self.different)
