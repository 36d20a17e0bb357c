"""Which system calls a container may make: docker's default, or a profile that was given, as a BPF program.

In a container's spec, `linux.seccomp` has not the rules but what they come to: {"program": …, "options": …}, where
the program is `builtin:` and the capabilities that matter to it, if it is one of those that are shipped, or its
instructions in hexadecimal.  So nothing is compiled while a person waits, and a start carries thirty bytes.
No `linux.seccomp` is no filter.
"""

from __future__ import annotations

import os

from ipycontainer.errors import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

BUILTIN = "builtin:"
MACHINES = ("x86_64", "aarch64")
# The capabilities that open a call in the default profile (docker.BY_CAPABILITY has which).
_MATTER = frozenset(
    "SYS_ADMIN DAC_READ_SEARCH SYS_BOOT SYS_CHROOT SYS_MODULE SYS_PACCT SYS_PTRACE SYS_RAWIO SYS_TIME SYS_TTY_CONFIG "
    "SYS_NICE SYSLOG BPF PERFMON".split()
)
# The usual sets: docker's fourteen, none (--cap-drop ALL), the two most often added, every one (--cap-add ALL).
SHIPPED = (
    BUILTIN + "SYS_CHROOT",
    BUILTIN,
    BUILTIN + "SYS_ADMIN+SYS_CHROOT",
    BUILTIN + "SYS_CHROOT+SYS_PTRACE",
    BUILTIN + "+".join(sorted(_MATTER)),
)


def default_name(capabilities: Iterable[str]) -> str:
    """The default profile's name for a bounding set, as the spec writes it (CAP_CHOWN, …)."""
    matter = sorted(name[4:] for name in capabilities if name[4:] in _MATTER)
    return BUILTIN + "+".join(matter)


def default_seccomp(capabilities: Iterable[str]) -> dict[str, Any]:
    """`linux.seccomp` for the default profile.  Raises Refused on a machine that we have no table for."""
    name = default_name(capabilities)
    machine = _machine()
    if name in SHIPPED:
        return {"program": name}
    return {"program": compile_default(name, machine).hex()}


def _machine() -> str:
    machine = os.uname().machine
    if machine not in MACHINES:
        raise Refused(
            f"there is no table of system calls for this machine ({machine}); "
            "--security-opt seccomp=unconfined runs without a filter"
        )
    return machine


def given_seccomp(text: str, capabilities: Iterable[str]) -> dict[str, Any] | None:
    """`linux.seccomp` for a profile in docker's form or OCI's; None for one that asks for no filter.

    Raises DocumentError, Refused, InputError (too long).
    """
    from ipycontainer.oci.document import Document
    from ipycontainer.runtime.seccomp_profile.compile import compiled
    from ipycontainer.runtime.seccomp_profile.document import read

    machine = _machine()
    words = os.uname().release.split(".")
    kernel = (int(words[0]), int("".join(digit for digit in words[1] if digit.isdecimal())))
    document = Document(text.encode(), "the seccomp profile")
    given = read(document, machine, kernel, frozenset(capabilities))
    if given is None:
        return None
    return {"program": compiled(given.profile).hex(), "options": list(given.options)}


def compile_default(name: str, machine: str) -> bytes:
    """The default profile of that name, compiled.  Every kernel that runs us is newer than what it asks for."""
    from ipycontainer.runtime.seccomp_profile.compile import compiled
    from ipycontainer.runtime.seccomp_profile.docker import default_profile

    capabilities = frozenset(name.removeprefix(BUILTIN).split("+"))
    return compiled(default_profile(machine, (5, 11), capabilities))
