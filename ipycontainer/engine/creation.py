"""Making a container: everything is looked at first, then written in one go."""

from __future__ import annotations

import os
import time

from ipycontainer.engine import specification
from ipycontainer.engine.asked import Asked, written
from ipycontainer.engine.container import Container
from ipycontainer.engine.request import RunRequest
from ipycontainer.engine.signals import number_of
from ipycontainer.errors import InputError, NameTaken, NoSuchImage, Refused, RegistryError
from ipycontainer.launcher import folders
from ipycontainer.launcher.alive import boot_id
from ipycontainer.network import etc_files, modes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ipycontainer.engine.engine import Engine
    from ipycontainer.images.records import LaunchRecord

_USUAL_PATIENCE = 10  # seconds of `stop`, where nobody said any
_LONGEST_HOSTNAME = 64  # sethostname(2)
_ABSENT, _OF_ANOTHER_PLATFORM = "Unable to find image", "image with reference"
POLICIES = ("always", "missing", "never")
"""When the image of a container that is made is pulled."""


def create_or_pull(
    engine: Engine, request: RunRequest, policy: str, fetch: Callable[[str], object], starts: bool = False
) -> Container:
    """The same as `create`; its image is pulled first as `policy` says.

    fetch: pulls; it is called with docker's word for an image that is not here ("" where it is pulled always);
    starts: as for `create`.
    """
    if policy not in POLICIES:
        raise InputError(f"invalid pull option: '{policy}': must be one of always, missing or never")
    folders.prepare(engine.root)
    absent = ""
    if policy != "always":
        try:
            return create(engine, request, starts)
        except NoSuchImage as error:
            # Several that begin so, or an id that is not here: no registry could help.
            if policy == "never" or not str(error).startswith((_ABSENT, _OF_ANOTHER_PLATFORM)):
                raise
            from ipycontainer.images.store import full_tag

            absent = f"{_ABSENT} '{full_tag(request.image)}' locally"
    try:
        fetch(absent)
    except RegistryError as error:
        raise NoSuchImage(
            f"{_ABSENT} '{request.image}' locally, and it cannot be pulled: {error} (`load` takes one from an archive)"
        ) from None
    return create(engine, request, starts)


def create(engine: Engine, request: RunRequest, starts: bool = False) -> Container:
    """Make the container that `request` describes.  Raises before anything is made, or leaves nothing.

    starts: nobody is told of it before it has been started, so its start makes it durable.
    """
    stamp = engine.store.layout.stamp()
    image = engine.store.launch(request.image)
    if request.platform:
        from ipycontainer.engine.platforms import check

        check(engine, request)
    identity = os.urandom(32).hex()
    config, launch = compose(engine, request, image, identity)
    name = engine.directory.choose_name(request.name)
    if "volumes" not in launch:
        return _add(engine, request, stamp, identity, name, config, launch, starts)
    from ipycontainer.engine.mounts import fill, made

    with made(engine, config["request"]["volumes"]):
        container = _add(engine, request, stamp, identity, name, config, launch, starts)
    if not starts:
        fill(container, launch["volumes"])
    return container


def _add(
    engine: Engine,
    request: RunRequest,
    stamp: list[int],
    identity: str,
    name: str,
    config: dict[str, Any],
    launch: dict[str, Any],
    starts: bool,
) -> Container:
    """Write it down.  stamp: of the store's index before the image was looked for in it."""
    _make_sources(request)
    while True:
        try:
            # With --rm nothing of it shall outlast the run, so nothing of it has to survive a power cut.
            engine.directory.add(identity, name, config, launch, durable=not (request.remove or starts))
            break
        except NameTaken:
            if request.name:
                raise
            name = engine.directory.choose_name("")  # somebody else has just drawn the same one
    try:
        container = Container(engine, identity, config, name, launch, settled=request.remove or not starts)
        if engine.store.layout.stamp() != stamp:
            _check_images(engine, container, request.image)
        engine.journal.append("container", "create", identity, container.told)
        return container
    except BaseException:
        engine.directory.forget(identity, name)  # an interrupt: nobody knows of it
        raise


def _check_images(engine: Engine, container: Container, name: str) -> None:
    """Whoever removed one before this container was there for him to see has taken it out of the index by now."""
    if any(engine.store.find(identity) is None for identity in container.image_ids):
        raise NoSuchImage(f"the image {name} was removed while a container was made of it; pull or load it again")


def compose(
    engine: Engine, request: RunRequest, image: LaunchRecord, identity: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the container is, and how it starts: all of it looked at, nothing of it made."""
    request = request.replace(network=modes.check_mode(request.network))
    if request.binds or request.volumes or request.volumes_from or request.images or image.config.get("Volumes"):
        from ipycontainer.engine.mounts import resolve

        request = resolve(engine, request, image.config)
    if request.shares():
        from ipycontainer.engine import sharing

        request = sharing.settled(engine, request)
    hostname = _hostname(request, identity)
    _check(engine, request)
    etc = _etc(request, hostname)
    bound = [(os.path.join(engine.etc_folder, name), f"/etc/{name}") for name in etc]
    labels = dict(image.config.get("Labels") or {})
    labels.update(pair.partition("=")[::2] for pair in request.labels)
    spec = specification.compose(request, image.config, labels, hostname, bound, engine.volume_source)
    if request.shares():
        sharing.change(spec, request)
    if request.cgroup_parent:
        spec["linux"]["cgroupsPath"] = f"{request.cgroup_parent.rstrip('/')}/{identity}"
    launch = {
        "spec": spec,
        "lowers": list(image.lowers),
        "etc": etc,
        "user": request.user or str(image.config.get("User") or ""),
        "init": request.init,
        "remove": request.remove,
        "terminal": request.tty,
        "interactive": request.interactive,
        "stdin_once": request.interactive and bool(request.attach),
    }
    if request.log_driver or request.log_opts:
        from ipycontainer.engine.log_options import log_options

        launch["log"] = log_options(request.log_driver, request.log_opts)
    if request.restart not in ("", "no"):
        from ipycontainer.engine.restart_policy import parse

        launch.update(parse(request.restart, request.remove))
    if request.volumes:
        from ipycontainer.engine.mounts import launched

        launch["volumes"] = launched(engine, request)
    config = _config(request, image, labels, spec)
    if request.exposed_ports or image.config.get("ExposedPorts"):
        from ipycontainer.engine.exposed_ports import all_exposed

        config["exposed_ports"] = all_exposed(request.exposed_ports, image.config)
    if request.asks_for_health() or image.config.get("Healthcheck"):
        from ipycontainer.engine import health

        check = health.health_check(request, image.config)
        probed = health.launched(check, image.config) if check else None
        config.update({"healthcheck": check} if check else {})
        launch.update({"health": probed} if probed else {})
    return config, launch


def _etc(request: RunRequest, hostname: str) -> dict[str, str]:
    """Its files below /etc; none of its own where it shares another container's network."""
    if request.network.startswith(modes.CONTAINER):
        return {}
    shares_host = request.network == modes.HOST
    found = etc_files.contents(hostname, shares_host, request.domainname)
    if request.names_hosts():
        from ipycontainer.engine.host_names import check

        check(request)
        found["hosts"] = etc_files.hosts(hostname, shares_host, request.extra_hosts, request.domainname)
        found["resolv.conf"] = etc_files.resolv_conf(shares_host, request.dns, request.dns_opt, request.dns_search)
    return found


def _config(request: RunRequest, image: LaunchRecord, labels: dict[str, str], spec: dict[str, Any]) -> dict[str, Any]:
    # With --rm it goes with whatever ends it, a power cut too; and after that nobody else could tell.
    passing = {"boot_id": boot_id()} if request.remove else {}
    theirs: dict[str, Any] = {"platform": image.platform} if image.platform else {}
    if request.entrypoint is None and image.config.get("Entrypoint"):
        theirs["entrypoint_words"] = len(image.config["Entrypoint"])
    return {
        **passing,
        **theirs,
        "image": request.image,
        "image_id": image.id,
        "command": spec["process"]["args"],
        "created": time.time(),
        "labels": labels,
        "stop_signal": request.stop_signal or str(image.config.get("StopSignal") or ""),
        "stop_timeout": _USUAL_PATIENCE if request.stop_timeout is None else request.stop_timeout,
        "request": Asked(written(request)),
    }


def _hostname(request: RunRequest, identity: str) -> str:
    if request.network == modes.HOST and not request.hostname:
        return os.uname().nodename
    name = request.hostname or identity[:12]
    allowed = all(letter.isascii() and (letter.isalnum() or letter in "-._") for letter in name)
    if len(name) > _LONGEST_HOSTNAME or not allowed:
        raise InputError(f"invalid hostname {name!r}: letters, digits, dots and hyphens, at most {_LONGEST_HOSTNAME}")
    return name


def _check(engine: Engine, request: RunRequest) -> None:
    """Refuse now what could only fail later."""
    if request.stop_signal:
        number_of(request.stop_signal)
    for bind in request.binds:
        if not os.path.isabs(bind.source):
            raise InputError(f"the source of a bind must be an absolute path, not {bind.source!r}")
        if not bind.create and not os.path.lexists(bind.source):
            raise InputError(f'invalid mount config for type "bind": bind source path does not exist: {bind.source}')
    _check_ranges(request)
    if request.asks_the_machine():
        from ipycontainer.engine.machine_options import check

        check(request)
    if request.ulimits:
        _check_ulimits(request)
    if request.group_add:
        _check_groups(engine, request)
    if request.asks_for_limits():
        from ipycontainer.engine.limits import check_limits
        from ipycontainer.engine.resources import resources

        check_limits(resources(request), engine.launcher)


def _check_groups(engine: Engine, request: RunRequest) -> None:
    if engine.launcher.mode == "one":
        raise Refused(
            f"--group-add {request.group_add[0]} cannot be kept here: your account has one id alone, so a container "
            "has no other group; give it subordinate ids (see `ipycontainer doctor`) or leave the option out"
        )


def _check_ranges(request: RunRequest) -> None:
    """docker's ranges."""
    if not -1000 <= request.oom_score_adj <= 1000:
        raise InputError(f"Invalid value {request.oom_score_adj}, range for oom score adj is [-1000, 1000]")
    if request.shm_size < 0:
        raise InputError("SHM size can not be less than 0; write --shm-size 64m")
    for pair in request.annotations:
        if pair.startswith("ipycontainer."):
            raise InputError(f"the annotation {pair.partition('=')[0]} is ipycontainer's own; give it another name")


def _check_ulimits(request: RunRequest) -> None:
    import resource

    for limit in request.ulimits:
        if not hasattr(resource, f"RLIMIT_{limit.name.upper()}"):
            raise InputError(f"invalid ulimit type: {limit.name}; setrlimit(2) lists them (nofile, nproc, core, …)")


def _make_sources(request: RunRequest) -> None:
    """-v makes a missing source folder, as docker does: for everybody to look into, whatever our umask is."""
    for bind in request.binds:
        if bind.create and not os.path.lexists(bind.source):
            try:
                _make_folder(bind.source)
            except OSError as error:
                raise InputError(f"cannot make the folder {bind.source} for -v: {error.strerror}") from None


def _make_folder(path: str) -> None:
    above = os.path.dirname(path)
    if not os.path.isdir(above):
        _make_folder(above)
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        if not os.path.isdir(path):
            raise
        return  # somebody else was faster, and it is his
    # By descriptor: whoever may write above it could put a link there meanwhile, and have any file opened to everybody.
    made = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.fchmod(made, 0o755)
    finally:
        os.close(made)
