"""Reading a profile that somebody wrote: docker's form (`--security-opt seccomp=FILE`), which contains OCI's.

docker's has beside the rules when they count: includes and excludes, by capability, architecture and kernel; and
archMap in place of architectures.  A name that is no call of this machine is passed over, as docker and runc do:
a profile names the calls of all machines, and of kernels to come.

Sources: moby's seccomp.json and its reader's rules; the OCI runtime spec, config-linux.md "Seccomp".
"""

from __future__ import annotations

from ipycontainer.errors import DocumentError, Refused
from ipycontainer.linux.seccomp import FLAGS
from ipycontainer.record import Record
from ipycontainer.runtime.seccomp_profile.docker import ARCHITECTURES
from ipycontainer.runtime.seccomp_profile.profile import (
    ALLOW,
    EPERM,
    ERRNO,
    KILL_PROCESS,
    KILL_THREAD,
    LOG,
    TRACE,
    TRAP,
    Condition,
    Profile,
    Rule,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ipycontainer.oci.document import Document, Node

_ACTIONS = {
    "SCMP_ACT_KILL": KILL_THREAD,
    "SCMP_ACT_KILL_THREAD": KILL_THREAD,
    "SCMP_ACT_KILL_PROCESS": KILL_PROCESS,
    "SCMP_ACT_TRAP": TRAP,
    "SCMP_ACT_ERRNO": ERRNO,
    "SCMP_ACT_TRACE": TRACE,
    "SCMP_ACT_LOG": LOG,
    "SCMP_ACT_ALLOW": ALLOW,
}
_OPERATORS = ("NE", "LT", "LE", "EQ", "GE", "GT", "MASKED_EQ")
# The names that includes and excludes have for an architecture: Go's.
_GO = {"x86_64": "amd64", "aarch64": "arm64"}
_KNOWN_ARCHITECTURES = frozenset(
    "SCMP_ARCH_" + name
    for name in (
        "X86 X86_64 X32 ARM AARCH64 MIPS MIPS64 MIPS64N32 MIPSEL MIPSEL64 MIPSEL64N32 PPC PPC64 PPC64LE S390 S390X "
        "PARISC PARISC64 RISCV64 LOONGARCH64 M68K SH SHEB"
    ).split()
)
_LARGEST_ERRNO = 4095  # SECCOMP_RET_DATA holds more, the kernel cuts it to MAX_ERRNO


class Given(Record):
    """A profile that was read, and by name the flags to load it with."""

    profile: Profile
    options: tuple[str, ...] = ()


def read(document: Document, machine: str, kernel: tuple[int, int], capabilities: frozenset[str]) -> Given | None:
    """What `document` means for a container with this bounding set (CAP_…); None for one that asks for no filter.

    Raises DocumentError for what is not well-formed, Refused for what needs an agent.
    """
    node = document.node
    calls = tuple(node.at("syscalls").items())
    if not node.at("defaultAction").text("") and not calls:
        return None  # docker's rule
    if node.has("architectures") and node.has("archMap"):
        raise DocumentError(
            f"{document.what}: both 'architectures' and 'archMap' are specified in the seccomp profile, "
            "use either 'architectures' or 'archMap'"
        )
    if node.at("listenerPath").text(""):
        raise Refused(f"{document.what}: listenerPath is refused: this release has no agent that would be asked")
    rules = []
    for call in calls:
        names = _names(call)  # looked at even where it does not count
        rule = Rule(names, _action(call, "action", "errnoRet"), tuple(map(_condition, call.at("args").items())))
        if _counts(call, machine, kernel, capabilities):
            rules.append(rule)
    profile = Profile(_action(node, "defaultAction", "defaultErrnoRet"), _architectures(node, machine), tuple(rules))
    return Given(profile, _options(node))


def _names(call: Node) -> tuple[str, ...]:
    names = call.at("names").texts()
    if call.has("name"):
        if names:
            raise DocumentError(
                f"{call.what}: {call.path}: both 'name' and 'names' are specified in the seccomp profile, "
                "use either 'name' or 'names'"
            )
        names = (call.at("name").text(),)
    if not names:
        raise call.at("names").refuse("a list with at least one call")
    return names


def _action(node: Node, field: str, errno_field: str) -> int:
    name = node.at(field).text()
    if name == "SCMP_ACT_NOTIFY":
        raise Refused(f"{node.what}: SCMP_ACT_NOTIFY is refused: this release has no agent that would be asked")
    if name not in _ACTIONS:
        raise node.at(field).refuse("one of " + ", ".join(_ACTIONS))
    action = _ACTIONS[name]
    number = node.at(errno_field).integer(EPERM)
    if action not in (ERRNO, TRACE):
        if node.has(errno_field):
            raise node.at(errno_field).refuse(f"left out with {name}: it goes with SCMP_ACT_ERRNO")
        return action
    if not 0 <= number <= _LARGEST_ERRNO:
        raise node.at(errno_field).refuse(f"between 0 and {_LARGEST_ERRNO}")
    return action | number


def _condition(node: Node) -> Condition:
    index = node.at("index").integer(0)
    if not 0 <= index < 6:
        raise node.at("index").refuse("between 0 and 5: a call has six arguments")
    operator = node.at("op").text().removeprefix("SCMP_CMP_")
    if operator not in _OPERATORS:
        raise node.at("op").refuse("one of " + ", ".join(f"SCMP_CMP_{name}" for name in _OPERATORS))
    values = [node.at(field).integer(0) for field in ("value", "valueTwo")]
    for field, value in zip(("value", "valueTwo"), values):
        if not 0 <= value < 1 << 64:
            raise node.at(field).refuse("between 0 and 2**64 - 1")
    return Condition(index, operator, *values)


def _counts(call: Node, machine: str, kernel: tuple[int, int], capabilities: frozenset[str]) -> bool:
    """Everything in `includes` must be so, nothing in `excludes`."""
    counts = True
    for field, wanted in (("excludes", False), ("includes", True)):
        if not call.has(field):
            continue
        asked = call.at(field)
        architectures, needed = asked.at("arches").texts(), asked.at("caps").texts()
        if architectures and (_GO[machine] in architectures) != wanted:
            counts = False
        if any((capability in capabilities) != wanted for capability in needed):
            counts = False
        if asked.has("minKernel") and (kernel >= _version(asked.at("minKernel"))) != wanted:
            counts = False
    return counts


def _version(node: Node) -> tuple[int, int]:
    major, _, minor = node.text().partition(".")
    if not all(word.isascii() and word.isdecimal() and len(word) < 6 for word in (major, minor)):
        raise node.refuse("a version such as '4.8'")
    return int(major), int(minor)


def _architectures(node: Node, machine: str) -> tuple[str, ...]:
    """This machine's own, and of those that it can also run, the ones that the profile names."""
    own, *others = ARCHITECTURES[machine]
    named = set()
    for item in node.at("architectures").items():
        named.add(_architecture(item))
    for entry in node.at("archMap").items():
        below = {_architecture(item) for item in entry.at("subArchitectures").items()}
        if _architecture(entry.at("architecture")) == own:
            named |= below
    return (own, *(other for other in others if other in named))


def _architecture(node: Node) -> str:
    if node.text() not in _KNOWN_ARCHITECTURES:
        raise node.refuse("an architecture such as SCMP_ARCH_X86_64")
    return node.text()


def _options(node: Node) -> tuple[str, ...]:
    found = []
    for item in node.at("flags").items():
        name = item.text().removeprefix("SECCOMP_FILTER_FLAG_")
        if name not in FLAGS:
            raise item.refuse("one of " + ", ".join(f"SECCOMP_FILTER_FLAG_{flag}" for flag in FLAGS))
        found.append(name)
    return tuple(dict.fromkeys(found))
