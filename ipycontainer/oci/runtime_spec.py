"""The OCI runtime spec (config.json of a bundle): a typed view, checked field by field.

`read` refuses what has the wrong type or makes no sense, naming the JSON path;
what the spec leaves open stays open here too, and unknown fields stay in the
document.  `build` makes the document from a plain mapping and reads it back.
"""

from __future__ import annotations

from ipycontainer.errors import DocumentError
from ipycontainer.oci.document import Document, Node, thaw
from ipycontainer.oci.runtime_resources import Resources
from ipycontainer.oci.runtime_resources import read as read_resources
from ipycontainer.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

NAMESPACES = ("pid", "network", "mount", "ipc", "uts", "user", "cgroup", "time")
CAPABILITY_SETS = ("bounding", "effective", "inheritable", "permitted", "ambient")
HOOKS = ("prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop")
PROPAGATIONS = ("", "shared", "rshared", "slave", "rslave", "private", "rprivate", "unbindable", "runbindable")
LARGEST_ID = 2**32 - 2
"""4294967295 means "leave it as it is" to the kernel, and larger numbers wrap round to 0."""


class Rlimit(Record):
    """One resource limit: `RLIMIT_NOFILE`, soft, hard."""

    type: str
    soft: int
    hard: int


class User(Record):
    """Whom the program runs as. umask: None leaves the default."""

    uid: int = 0
    gid: int = 0
    additional_gids: tuple[int, ...] = ()
    umask: int | None = None


class Process(Record):
    """The program: what it is called with and what it may do.

    capabilities: set name -> names; None where the spec says nothing.
    """

    args: tuple[str, ...]
    cwd: str
    env: tuple[str, ...] = ()
    user: User = User()
    terminal: bool = False
    console_size: tuple[int, int] | None = None
    capabilities: Mapping[str, tuple[str, ...]] | None = None
    rlimits: tuple[Rlimit, ...] = ()
    no_new_privileges: bool = False
    oom_score_adj: int | None = None
    apparmor_profile: str = ""
    selinux_label: str = ""


class Root(Record):
    """The root file system."""

    path: str
    readonly: bool = False


class Mount(Record):
    """One mount, in the order in which they are made."""

    destination: str
    type: str = ""
    source: str = ""
    options: tuple[str, ...] = ()


class Namespace(Record):
    """A namespace to make, or, with a path, to join."""

    type: str
    path: str = ""


class IdMapping(Record):
    """A range of ids inside and the range outside that it stands for."""

    container_id: int
    host_id: int
    size: int


class Device(Record):
    """A node in /dev."""

    path: str
    type: str
    major: int = 0
    minor: int = 0
    file_mode: int | None = None
    uid: int = 0
    gid: int = 0


class Hook(Record):
    """A program that is run at one point of the life."""

    path: str
    args: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    timeout: int | None = None


class Linux(Record):
    """What only Linux has. seccomp is the raw mapping: its room compiles it."""

    namespaces: tuple[Namespace, ...] = ()
    uid_mappings: tuple[IdMapping, ...] = ()
    gid_mappings: tuple[IdMapping, ...] = ()
    devices: tuple[Device, ...] = ()
    cgroups_path: str = ""
    resources: Resources = Resources()
    sysctl: Mapping[str, str] = {}
    masked_paths: tuple[str, ...] = ()
    readonly_paths: tuple[str, ...] = ()
    rootfs_propagation: str = ""
    mount_label: str = ""
    seccomp: Mapping[str, Any] | None = None

    def namespace(self, type: str) -> Namespace | None:
        """The entry for this type of namespace, or None: then the parent's is kept."""
        return next((entry for entry in self.namespaces if entry.type == type), None)


class RuntimeSpec(Record):
    """A whole spec's view; `document` holds the bytes. process may be None for create without one."""

    document: Document
    version: str
    root: Root
    process: Process | None = None
    hostname: str = ""
    domainname: str = ""
    mounts: tuple[Mount, ...] = ()
    linux: Linux = Linux()
    annotations: Mapping[str, str] = {}
    hooks: Mapping[str, tuple[Hook, ...]] = {}


def build(mapping: Mapping[str, Any], what: str = "the runtime spec") -> RuntimeSpec:
    """The spec that `mapping` writes, as a document of its own."""
    return read(Document.build({"ociVersion": "1.0.2", **mapping}, what))


def read(document: Document) -> RuntimeSpec:
    """The spec that `document` is."""
    node = document.node
    version = node.at("ociVersion").text()
    if not version.startswith("1."):
        raise node.at("ociVersion").refuse("a version 1.x")
    hooks = (
        {name: tuple(read_hook(item) for item in node.at("hooks").at(name).items()) for name in HOOKS}
        if node.has("hooks")
        else {}
    )
    return RuntimeSpec(
        document,
        version,
        Root(_plain(node.at("root").at("path")), node.at("root").at("readonly").boolean(False)),
        read_process(node.at("process")) if node.has("process") else None,
        node.at("hostname").text(""),
        node.at("domainname").text(""),
        tuple(read_mount(item) for item in node.at("mounts").items()),
        read_linux(node.at("linux")) if node.has("linux") else Linux(),
        node.at("annotations").text_map(),
        {name: found for name, found in hooks.items() if found},
    )


def read_process(node: Node) -> Process:
    """The process at this place; also what `exec --process FILE` is given."""
    args = node.at("args").texts()
    if not args:
        raise node.at("args").refuse("a list with at least the program's name")
    for place in ("args", "env"):
        for item in node.at(place).items():
            _plain(item)
    size = node.at("consoleSize")
    return Process(
        args,
        _absolute(node.at("cwd")),
        node.at("env").texts(),
        _user(node.at("user")) if node.has("user") else User(),
        node.at("terminal").boolean(False),
        (size.at("height").integer(), size.at("width").integer()) if size.value is not None else None,
        _capabilities(node.at("capabilities")) if node.has("capabilities") else None,
        _rlimits(node.at("rlimits")),
        node.at("noNewPrivileges").boolean(False),
        node.at("oomScoreAdj").integer() if node.has("oomScoreAdj") else None,
        node.at("apparmorProfile").text(""),
        node.at("selinuxLabel").text(""),
    )


def read_mount(node: Node) -> Mount:
    """The mount at this place. Old bundles write the destination without a leading slash."""
    destination = _plain(node.at("destination"))
    if not destination:
        raise node.at("destination").refuse("a path")
    return Mount(
        destination if destination.startswith("/") else "/" + destination,
        node.at("type").text(""),
        _plain(node.at("source"), ""),
        node.at("options").texts(),
    )


def read_hook(node: Node) -> Hook:
    """The hook at this place."""
    timeout = node.at("timeout").integer() if node.has("timeout") else None
    if timeout is not None and timeout <= 0:
        raise node.at("timeout").refuse("more than zero")
    return Hook(_absolute(node.at("path")), node.at("args").texts(), node.at("env").texts(), timeout)


def read_linux(node: Node) -> Linux:
    """The linux part at this place."""
    namespaces = tuple(_namespace(item) for item in node.at("namespaces").items())
    types = [entry.type for entry in namespaces]
    for name in types:
        if types.count(name) > 1:
            raise DocumentError(f"{node.what}: {node.path}.namespaces names {name!r} twice")
    propagation = node.at("rootfsPropagation")
    if propagation.text("") not in PROPAGATIONS:
        raise propagation.refuse("a propagation type such as 'rslave'")
    return Linux(
        namespaces,
        tuple(_id_mapping(item) for item in node.at("uidMappings").items()),
        tuple(_id_mapping(item) for item in node.at("gidMappings").items()),
        tuple(_device(item) for item in node.at("devices").items()),
        _plain(node.at("cgroupsPath"), ""),
        read_resources(node.at("resources")) if node.has("resources") else Resources(),
        node.at("sysctl").text_map(),
        tuple(_absolute(item) for item in node.at("maskedPaths").items()),
        tuple(_absolute(item) for item in node.at("readonlyPaths").items()),
        propagation.text(""),
        node.at("mountLabel").text(""),
        thaw(node.at("seccomp").object()) if node.has("seccomp") else None,
    )


def _user(node: Node) -> User:
    return User(
        _id(node.at("uid")),
        _id(node.at("gid")),
        tuple(_id(item) for item in node.at("additionalGids").items()),
        node.at("umask").integer() & 0o777 if node.has("umask") else None,
    )


def _capabilities(node: Node) -> dict[str, tuple[str, ...]]:
    found = {}
    for name in CAPABILITY_SETS:
        for item in node.at(name).items():
            if not item.text().startswith("CAP_"):
                raise item.refuse("a capability such as 'CAP_CHOWN'")
        found[name] = node.at(name).texts()
    return found


def _rlimits(node: Node) -> tuple[Rlimit, ...]:
    found: list[Rlimit] = []
    for item in node.items():
        limit = Rlimit(item.at("type").text(), item.at("soft").integer(), item.at("hard").integer())
        if not limit.type.startswith("RLIMIT_"):
            raise item.at("type").refuse("a limit such as 'RLIMIT_NOFILE'")
        if any(limit.type == other.type for other in found):
            raise item.at("type").refuse("named once only")
        for name, value in (("soft", limit.soft), ("hard", limit.hard)):
            if not 0 <= value < 2**64:
                raise item.at(name).refuse("between 0 and 2**64 - 1, which means unlimited")
        found.append(limit)
    return tuple(found)


def _namespace(node: Node) -> Namespace:
    kind = node.at("type").text()
    if kind not in NAMESPACES:
        raise node.at("type").refuse("one of " + ", ".join(NAMESPACES))
    return Namespace(kind, _absolute(node.at("path")) if node.at("path").text("") else "")


def _id_mapping(node: Node) -> IdMapping:
    size = node.at("size").integer()
    if not 0 < size <= LARGEST_ID + 1:
        raise node.at("size").refuse("at least 1")
    return IdMapping(_id(node.at("containerID")), _id(node.at("hostID")), size)


def _device(node: Node) -> Device:
    kind = node.at("type").text()
    if kind not in ("c", "b", "u", "p"):
        raise node.at("type").refuse("c, b, u or p")
    return Device(
        _absolute(node.at("path")),
        kind,
        node.at("major").integer(0),
        node.at("minor").integer(0),
        node.at("fileMode").integer() if node.has("fileMode") else None,
        _id(node.at("uid")),
        _id(node.at("gid")),
    )


def _id(node: Node) -> int:
    number = node.integer(0)
    if not 0 <= number <= LARGEST_ID:
        raise node.refuse(f"an id between 0 and {LARGEST_ID}")
    return number


def _plain(node: Node, default: str | None = None) -> str:
    text = node.text(default)
    if "\0" in text:
        raise node.refuse("without NUL characters")
    return text


def _absolute(node: Node) -> str:
    text = _plain(node)
    if not text.startswith("/"):
        raise node.refuse("an absolute path")
    return text
