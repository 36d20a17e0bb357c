"""Containers inside the notebook: a local container runtime with magics, in Python."""

from __future__ import annotations

__version__ = "0.1.0"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from ipycontainer import errors as errors
    from ipycontainer.engine.container import Container as Container
    from ipycontainer.engine.engine import Engine as Engine
    from ipycontainer.engine.image import Image as Image
    from ipycontainer.engine.result import Result as Result
    from ipycontainer.engine.volume import Volume as Volume

# The package is imported by the command line at every call, so a name costs only who asks for it.
_HOMES = {
    "Engine": "ipycontainer.engine.engine",
    "Container": "ipycontainer.engine.container",
    "Image": "ipycontainer.engine.image",
    "Result": "ipycontainer.engine.result",
    "Volume": "ipycontainer.engine.volume",
}

__all__ = ["Container", "Engine", "Image", "Result", "Volume", "errors"]


def __getattr__(name: str) -> object:
    import importlib

    if name == "errors":
        return importlib.import_module("ipycontainer.errors")
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'ipycontainer' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])


def load_ipython_extension(ipython: InteractiveShell) -> None:
    """`%load_ext ipycontainer`: the magics `%container` and `%%in_container`."""
    from ipycontainer.jupyter.extension import load

    load(ipython)


def unload_ipython_extension(ipython: InteractiveShell) -> None:
    """`%unload_ext ipycontainer`: takes back what loading added."""
    from ipycontainer.jupyter.extension import unload

    unload(ipython)


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    """Where the side bar for JupyterLab lies in this package, for `jupyter labextension develop`."""
    return [{"src": "labextension", "dest": "ipycontainer"}]


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    """What jupyter_server loads: the side bar's other half."""
    return [{"module": "ipycontainer.jupyter.server"}]
