"""Kernel specs: what Jupyter reads to know of a kernel, written and found again through jupyter_client."""

from __future__ import annotations

import os
import sys

from ipycontainer.errors import Error, InputError
from ipycontainer.json_text import dumps
from ipycontainer.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

OURS = "ipycontainer"  # in a spec's metadata, and the provisioner's name


class Spec(Record):
    """A kernel of ours.  options: its words for `kernel run`, as they were asked for."""

    name: str
    display_name: str
    image: str
    options: tuple[str, ...]
    folder: str = ""


def document(spec: Spec, program: list[str]) -> dict[str, Any]:
    """kernel.json.

    The arguments work alone, for front ends that know no provisioners; with ours there is no port and no relay.
    """
    return {
        "argv": [*program, "kernel", "run", *spec.options, spec.image, "{connection_file}"],
        "display_name": spec.display_name,
        "language": "python",
        "interrupt_mode": "signal",
        "metadata": {
            "debugger": True,
            "kernel_provisioner": {"provisioner_name": OURS, "config": {}},
            OURS: {"image": spec.image, "options": list(spec.options)},
        },
    }


def program(root: str) -> list[str]:
    """The words that call this program from anywhere; root: the store, where it is not the user's own."""
    beside = os.path.join(os.path.dirname(sys.executable), "ipycontainer")
    words = [beside] if os.access(beside, os.X_OK) else [sys.executable, "-P", "-m", "ipycontainer.cli"]
    return [*words, "--root", root] if root else words


def write(spec: Spec, document: dict[str, Any], prefix: str | None) -> str:
    """Install it below `prefix`, or for the user where that is None; gives its folder."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "kernel.json"), "w", encoding="utf-8") as file:
            file.write(dumps(document, indent=2) + "\n")
        os.chmod(folder, 0o755)
        try:
            found: str = _manager().install_kernel_spec(folder, spec.name, user=prefix is None, prefix=prefix)
        except OSError as error:
            raise Error(
                f"cannot write the kernel {spec.name} below {prefix or 'your home'}: {error.strerror}; "
                "--user and --sys-prefix say where"
            ) from None
    return found


def all_specs() -> list[Spec]:
    """Every kernel of ours that Jupyter finds, by name."""
    found = []
    for name, entry in sorted(_manager().get_all_specs().items()):
        ours = entry["spec"].get("metadata", {}).get(OURS)
        if isinstance(ours, dict):
            words = tuple(map(str, ours.get("options", ())))
            image = str(ours.get("image", ""))
            found.append(Spec(name, str(entry["spec"]["display_name"]), image, words, entry["resource_dir"]))
    return found


def remove(name: str) -> None:
    """Remove a kernel of ours.  Raises InputError where there is none of that name."""
    if name not in [spec.name for spec in all_specs()]:
        raise InputError(f"no such kernel of ours: {name}; `kernel list` shows them")
    _manager().remove_kernel_spec(name)


def own_prefix() -> str | None:
    """The virtual environment that this program is in, if it is in one."""
    above = os.path.dirname(os.path.dirname(sys.executable))
    if os.path.exists(os.path.join(above, "pyvenv.cfg")) or os.path.isdir(os.path.join(above, "conda-meta")):
        return above
    return None


def is_ours_to_write(prefix: str) -> bool:
    """Whether this account may install a kernel below `prefix`."""
    path = os.path.join(prefix, "share", "jupyter", "kernels")
    while not os.path.isdir(path):
        path = os.path.dirname(path)
    return os.access(path, os.W_OK)


def _manager() -> Any:
    from jupyter_client.kernelspec import KernelSpecManager

    # Those that our own provisioner serves count, whether or not this process finds its entry point.
    manager = KernelSpecManager(ensure_native_kernel=False)
    prefix = own_prefix()
    if prefix is not None:
        # The command runs without `site`, so its sys.prefix is not the environment's.
        there = os.path.join(prefix, "share", "jupyter", "kernels")
        if there not in manager.kernel_dirs:
            manager.kernel_dirs = [*manager.kernel_dirs, there]
    return manager
