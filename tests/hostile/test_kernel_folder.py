"""The folder that a kernel's container shares with its launcher: what the kernel puts there is never followed."""

from __future__ import annotations

import json
import os

import pytest

from ipycontainer.commands.kernels.connection import CHANNELS
from tests.hostile.copies import Edit, copy_with
from tests.personas import Persona

# The last word of a kernel, written where the kernel can reach.
_WITHIN_REACH: Edit = (
    "commands/kernels/connection.py",
    "_write(os.path.join(self.path, LAST_WORD), dumps(document))",
    "_write(os.path.join(self.sockets, LAST_WORD), dumps(document))",
)


@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "guard off"])
def test_the_last_word_follows_no_link_of_the_kernels(persona: Persona, guarded: bool):
    """Its container makes a link of that name to a file of the host, and ends."""
    victim = persona.path("victim", "dear")
    ports = {name: number for number, name in enumerate(CHANNELS, 1)}
    file = persona.path("connection.json", json.dumps({"transport": "tcp", "ip": "127.0.0.1", **ports}))
    with copy_with(persona, [] if guarded else [_WITHIN_REACH]) as copy:
        copy.told(
            f"""
            from ipycontainer.commands.kernels.connection import INSIDE, Connection, KernelFolder
            folder = KernelFolder(Connection({str(file)!r}))
            folder.fill()
            link = f"ln -s {victim} {{INSIDE}}/ended.json"
            engine.run("base", ["sh", "-c", link], remove=True, volumes=[f"{{folder.sockets}}:{{INSIDE}}"])
            folder.write_last_word({{"reason": "ended"}})
            folder.clear()
            folder.remove()
            tell(True)
            """
        )
    assert (victim.read_text() == "dear") == guarded
    for path in (victim, file):
        path.unlink()


_NO_LINK: Edit = ("commands/kernels/relay.py", 'kernel.connect(f"/proc/self/fd/{pinned}")', "kernel.connect(path)")


@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "guard off"])
def test_the_relay_leads_to_no_socket_of_the_hosts(persona: Persona, guarded: bool):
    """Its container makes a link where a socket should be, and a neighbour of another account speaks TCP."""
    place = persona.path("relayed/host.socket").parent
    place.mkdir(exist_ok=True)
    os.chown(place, persona.uid, persona.gid)
    with copy_with(persona, [] if guarded else [_NO_LINK]) as copy:
        told = copy.told(
            f"""
            import select, socket
            from ipycontainer.commands.kernels.relay import Relay
            private = socket.socket(socket.AF_UNIX)
            private.bind({str(place / "host.socket")!r})
            private.listen()
            private.settimeout(30)
            engine.run("base", ["ln", "-s", {str(place / "host.socket")!r}, "/sockets/kernel-1"], remove=True,
                       volumes=[{str(place)!r} + ":/sockets"])
            free = socket.create_server(("127.0.0.1", 0))
            port = free.getsockname()[1]
            free.close()
            poll = select.poll()
            relay = Relay(poll, "127.0.0.1", [(port, {str(place / "kernel-1")!r})])
            relay.look()
            stranger = socket.create_connection(("127.0.0.1", port))
            stranger.sendall(b"reached")
            for descriptor, events in poll.poll(30_000):
                relay.handle(descriptor, events)
            for descriptor, events in poll.poll(1_000 if {guarded} else 30_000):
                relay.handle(descriptor, events)
            reached = select.select([private], [], [], 0)[0]
            tell(private.accept()[0].recv(7).decode() if reached else "")
            """
        )
    assert told == ("" if guarded else "reached")
    persona.run(["rm", "-r", place])


def test_folders_that_a_kernel_has_nested_without_end_go_with_it(persona: Persona):
    """Else its server could not shut it down, and what it left would lie below /tmp for good."""
    ports = {name: number for number, name in enumerate(CHANNELS, 1)}
    file = persona.path("nested.json", json.dumps({"transport": "tcp", "ip": "127.0.0.1", **ports}))
    with copy_with(persona) as copy:
        left = copy.told(
            f"""
            from ipycontainer.commands.kernels.connection import Connection, KernelFolder
            folder = KernelFolder(Connection({str(file)!r}))
            folder.fill()
            os.chdir(folder.sockets)
            for _ in range(1500):
                os.mkdir("d")
                os.chdir("d")
            os.chdir("/")
            folder.clear()
            left = sorted(os.listdir(folder.path))
            folder.remove()
            tell([left, os.path.exists(folder.path)])
            """
        )
    assert left == [["lock"], False]
    file.unlink()
