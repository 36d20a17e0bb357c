"""`kernel install`, `list`, `remove`: Jupyter kernels that run in containers; `kernel run`: what Jupyter starts."""

from __future__ import annotations

from ipycontainer.commands.options import Option, Parsed, Verb
from ipycontainer.commands.run import CREATE, request
from ipycontainer.errors import InputError, Refused
from ipycontainer.launcher.folders import usual_root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ipycontainer.commands import Call
    from ipycontainer.engine.request import RunRequest

# Those of `create` that make sense for a kernel; their values go into its spec as they were written.
_NAMES = ("cap-add", "cap-drop", "cpu-shares", "cpus", "env", "hostname", "memory", "network", "pids-limit", "volume",
          "workdir")  # fmt: skip
_CONTAINER = tuple(option for option in CREATE.options if option.long in _NAMES)
_ALLOWED = "abcdefghijklmnopqrstuvwxyz0123456789._-"


def run(call: Call) -> int:
    """Runs one kernel to its end."""
    from ipycontainer.commands.kernels.connection import Connection
    from ipycontainer.commands.kernels.launch import launch

    image, path = call.parsed.arguments
    connection = Connection(path)
    return launch(call.engine, _request(call.parsed, image, call.cwd), connection, call.parsed.many("packages"))


def _request(parsed: Parsed, image: str, cwd: str) -> RunRequest:
    """What the container's own options ask for; `--user` and `--name` mean the kernel here."""
    container = Parsed(parsed.verb)
    container.arguments = [image]
    container.values = {name: value for name, value in parsed.values.items() if name in _NAMES}
    return request(container, cwd)


def install(call: Call) -> int:
    """Tries the image, and writes what Jupyter needs to start a kernel in it."""
    from ipycontainer.commands.kernels import specs

    parsed = call.parsed
    image = parsed.text("image", "base")
    name = _name(parsed, image)
    if parsed.flag("user") and parsed.flag("sys-prefix"):
        raise InputError("--user and --sys-prefix name two places; give one of them")
    prefix = None if parsed.flag("user") else specs.own_prefix()
    if prefix is None and parsed.flag("sys-prefix"):
        raise InputError("--sys-prefix: this program is in no environment of its own; --user installs for you alone")
    if prefix is not None and not parsed.flag("sys-prefix") and not specs.is_ours_to_write(prefix):
        prefix = None  # an environment that many share: for this account, as pip does it there
    packages = _packages(call, image)
    words = (*_words(parsed), *packages)
    display = parsed.text("display-name") or f"Python in a container ({image})"
    spec = specs.Spec(name, display, image, words)
    root = call.engine.root if call.engine.root != usual_root() else ""
    folder = specs.write(spec, specs.document(spec, specs.program(root)), prefix)
    call.console.line(f"Installed kernel {name} in {folder}")
    if not parsed.given("volume"):
        call.console.complain(
            "The kernel sees none of your folders, the notebook's neither; -v ./:/work -w /work shares the notebook's."
        )
    return 0


def _name(parsed: Parsed, image: str) -> str:
    name = parsed.text("name") or "".join(letter if letter in _ALLOWED else "-" for letter in image.lower())
    if not name or any(letter not in _ALLOWED for letter in name.lower()):
        raise InputError(f"a kernel's name has letters, digits, '.', '_' and '-', not {name!r}")
    return name


def _words(parsed: Parsed) -> list[str]:
    """The options of the container as words for `kernel run`."""
    words = []
    for option in _CONTAINER:
        if not parsed.given(option.long):
            continue
        value = parsed.values[option.long]
        for item in value if option.many else [value]:
            whole_megabytes = option.kind == "bytes" and item % (1 << 20) == 0
            words += [f"--{option.long}", f"{item >> 20}m" if whole_megabytes else str(item)]
    return words


def _packages(call: Call, image: str) -> list[str]:
    """Words for the host's packages, or none where the image has its own; says which.

    Raises Refused where neither is to be had.
    """
    from ipycontainer.commands.kernels import host_packages
    from ipycontainer.commands.kernels.launch import PACKAGES
    from ipycontainer.engine.request import Bind

    parsed = call.parsed
    asked = _request(parsed, image, call.cwd)
    host = host_packages.host_python()
    found = host_packages.image_python(call.engine, asked, host.libraries)
    explicit = parsed.given("packages-from-host")
    if found.has_ipykernel and not parsed.flag("packages-from-host"):
        call.console.line(f"{image} has ipykernel: the kernel runs with the image's own packages")
        return []
    if explicit and not parsed.flag("packages-from-host"):
        raise Refused(
            f"the image {image} has no ipykernel: build one that has, or leave --packages-from-host=false out"
        )
    if not host.folders or host.soabi != found.soabi:
        why = "this Python has no ipykernel" if not host.folders else f"its Python is {found.soabi}, ours {host.soabi}"
        raise Refused(f"the image {image} has no ipykernel, and the host's packages do not fit: {why}")
    binds = [Bind(path, f"{PACKAGES}{f'-{at}' if at else ''}", True) for at, path in enumerate(host.folders)]
    binds += [Bind(path, path, True) for path in found.lacking]
    paths = ":".join(bind.target for bind in binds[: len(host.folders)])
    trial = asked.replace(binds=(*asked.binds, *binds), env=(*asked.env, f"PYTHONPATH={paths}"))
    host_packages.check_import(call.engine, trial)
    call.console.line(
        f"{image} has the same Python as this machine: the kernel sees this machine's packages, read-only"
    )
    words = [word for path in host.folders for word in ("--packages", path)]
    return words + [word for path in found.lacking for word in ("--volume", f"{path}:{path}:ro")]


def list_kernels(call: Call) -> int:
    """Lists the kernels that `install` has written."""
    from ipycontainer.commands.kernels.specs import all_specs
    from ipycontainer.commands.tables import Table

    specs = all_specs()
    if call.parsed.flag("quiet"):
        call.console.lines([spec.name for spec in specs])
        return 0
    rows = tuple((spec.name, spec.image, _limits(spec.options), spec.folder) for spec in specs)
    call.console.table(Table(("NAME", "IMAGE", "OPTIONS", "FOLDER"), rows))
    return 0


def _limits(options: tuple[str, ...]) -> str:
    """The options without those that only carry the host's packages."""
    pairs = zip(options[::2], options[1::2])
    return " ".join(f"{name} {value}" for name, value in pairs if name != "--packages" and ".so" not in value)


def remove(call: Call) -> int:
    """Removes kernels that `install` has written; one that runs goes on."""
    from ipycontainer.commands.kernels import specs

    for name in call.parsed.arguments:
        specs.remove(name)
        call.console.line(name)
    return 0


INSTALL = Verb(
    "kernel install",
    "[OPTIONS]",
    "Give Jupyter a kernel that runs in a container",
    install,
    (
        *_CONTAINER,
        Option("display-name", "", "text", "What Jupyter's launcher calls it"),
        Option("image", "", "text", "Image to run it in (base)"),
        Option("name", "", "text", "The kernel's name (the image's)"),
        Option("packages-from-host", "", "flag", "Show this machine's Python packages inside, read-only"),
        Option("sys-prefix", "", "flag", "Install into this program's own environment (the default, where you may)"),
        Option("user", "", "flag", "Install for your account (the default otherwise)"),
    ),
    most=0,
    examples=(
        "kernel install --image base --name box -m 512m",
        "kernel install --name work -v ./:/work -w /work",
    ),
)

LIST = Verb(
    "kernel list",
    "[OPTIONS]",
    "List the kernels that run in containers",
    list_kernels,
    (Option("quiet", "q", "flag", "Show names alone"),),
    most=0,
)

REMOVE = Verb(
    "kernel remove",
    "KERNEL [KERNEL...]",
    "Take kernels away from Jupyter",
    remove,
    least=1,
    examples=("kernel remove box",),
)

RUN = Verb(
    "kernel run",
    "[OPTIONS] IMAGE CONNECTION_FILE",
    "Run a kernel, as Jupyter does when a notebook is opened",
    run,
    (*_CONTAINER, Option("packages", "", "text", "A folder of this machine's Python packages", many=True)),
    least=2,
    most=2,
    mixed=False,
    own_exit_code=True,
)
