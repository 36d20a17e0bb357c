"""What the life machine does beside a container's life: clients that join it, its health check, its volumes."""

from __future__ import annotations

import os
import select
from typing import Any

from hypothesis.stateful import rule
from life_model import ANSWERS, CYCLES, KILLED, PATIENCE, VOLUMES, Known, say, until
from life_store import Store

from ipycontainer import errors
from ipycontainer.runtime.container_state import RUNNING


def hear(attachment: Any) -> tuple[str, bytes] | None:
    """What comes next over it, within a bound."""
    assert select.select([attachment], [], [], PATIENCE)[0], f"nothing is heard for {PATIENCE:g} s"
    found: tuple[str, bytes] | None = attachment.read()
    return found


class Beside(Store):
    """attach, health checks, volumes."""

    def joined(self, word: str) -> tuple[str, Known, Any, Any] | None:
        """A running container and a client of it; None where it was refused."""
        if not (found := self.one(word)):
            return None
        name, known, container = found
        if known.status == CYCLES:
            return None
        if known.status != RUNNING:
            self.refused(errors.WrongState, container.attach)
            return None
        return name, known, container, container.attach(stdin=known.program == ANSWERS)

    @staticmethod
    def converse(known: Known, attachment: Any) -> None:
        """It answers, if it is one that does."""
        if known.program == ANSWERS:
            word = os.urandom(4).hex().encode()
            attachment.write(word + b"\n")
            said = b""
            while b"got " + word + b"\n" not in said:  # what another client has asked may be answered before
                chunk = hear(attachment)
                assert chunk is not None, "it has ended"
                said += chunk[1]

    @rule()
    def attach_and_detach(self) -> None:
        if found := self.joined("attach and detach"):
            with found[3] as attachment:
                self.converse(found[1], attachment)

    @rule()
    def two_attach(self) -> None:
        """Both hear the answer to one, and one leaves."""
        if found := self.joined("attach twice to"):
            _, known, container, first = found
            with first, container.attach() as second:
                self.converse(known, first)
                if known.program == ANSWERS:
                    assert (hear(second) or ("", b""))[1].startswith(b"got ")
                second.close()
                self.converse(known, first)

    @rule()
    def attached_to_the_end(self) -> None:
        if found := self.joined("attach to the end of"):
            _, known, container, attachment = found
            with attachment:
                self.converse(known, attachment)
                container.stop(timeout=0)
                while hear(attachment) is not None:
                    pass
                assert attachment.exit_code == KILLED
            if known.goes_on(KILLED):
                until(lambda: not container.state().runs, "it was stopped")
            known.ends(KILLED)

    @rule()
    def attached_without_a_launcher(self) -> None:
        """The launcher is no part of what they say to each other."""
        if found := self.joined("the launcher is killed beside a client of"):
            with found[3] as attachment:
                if pid := self.engine.launcher.running_pid():
                    os.kill(pid, 9)
                self.converse(found[1], attachment)

    @rule()
    def fall_ill(self) -> None:
        if not (found := self.one("the health of")):
            return
        _, known, container = found
        told = container.inspect()["State"].get("Health")
        if known.status != RUNNING or not known.health:
            assert (told is None) == (not known.health or container.state().started == 0), told
            return

        def is_seen(status: str) -> None:
            until(lambda: container.inspect()["State"]["Health"]["Status"] == status, f"it is {status}")

        is_seen("healthy")
        assert container.exec(["touch", "/sick"]).exit_code == 0
        is_seen("unhealthy")
        assert container.exec(["rm", "/sick"]).exit_code == 0
        is_seen("healthy")

    # Volumes.

    @rule()
    def write_and_read(self) -> None:
        """What one has written there all read, whoever of them has been started anew meanwhile."""
        if not (found := self.one("the volume of")):
            return
        _, known, container = found
        if known.status != RUNNING or not known.volume:
            return
        said = container.exec(["sh", "-c", "cat /data/value 2>/dev/null"]).text
        assert said == self.volumes[known.volume], (said, self.volumes[known.volume])
        word = os.urandom(4).hex()
        assert container.exec(["sh", "-c", f"printf {word} >/data/value"]).exit_code == 0
        self.volumes[known.volume] = word

    @rule()
    def make_volume(self) -> None:
        if chance := self.begin():
            name = chance.choice(VOLUMES)
            say("volume create", name)
            self.engine.volumes.create(name)
            self.volumes.setdefault(name, "")

    @rule()
    def remove_volume(self) -> None:
        if not (chance := self.begin()):
            return
        name = chance.choice(sorted({*VOLUMES, *self.volumes}))
        say("volume rm", name)
        if name not in self.volumes:
            self.refused(errors.NoSuchVolume, lambda: self.engine.volumes.remove(name))
        elif self._users(name):
            self.refused(errors.WrongState, lambda: self.engine.volumes.remove(name))
        else:
            self.engine.volumes.remove(name)
            del self.volumes[name]

    @rule()
    def prune_volumes(self) -> None:
        if not (chance := self.begin()):
            return
        everything = chance.random() < 0.5
        say("volume prune", "-a" if everything else "")
        unused = {name for name in self.volumes if not self._users(name) and (everything or name not in VOLUMES)}
        gone, _ = self.engine.volumes.prune(all=everything)
        assert set(gone) == unused, (gone, unused)
        for name in gone:
            del self.volumes[name]

    def _users(self, name: str) -> list[str]:
        return [user for user, known in self.known.items() if known.volume == name]
