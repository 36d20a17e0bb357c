"""`%load_ext ipycontainer` and `%unload_ext ipycontainer`.

Loading costs every notebook that asks for it, so it brings in the magics and
nothing behind them: the engine comes with the first command.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


def load(shell: InteractiveShell) -> None:
    """Adds the magics and their completion; a second time changes nothing."""
    from ipycontainer.jupyter import rich_forms
    from ipycontainer.jupyter.magics import ContainerMagics

    if loaded(shell) is None:
        magics = ContainerMagics(shell)
        shell.register_magics(magics)
        shell.Completer.custom_matchers.append(magics.matcher)
        rich_forms.register(shell)


def unload(shell: InteractiveShell) -> None:
    """Takes back what `load` added; containers go on."""
    from ipycontainer.jupyter import rich_forms

    magics = loaded(shell)
    if magics is None:
        return
    for kind, names in magics.magics.items():
        for name in names:
            shell.magics_manager.magics[kind].pop(name, None)
    shell.magics_manager.registry.pop(type(magics).__name__, None)
    if magics in shell.configurables:
        shell.configurables.remove(magics)
    if magics.matcher in shell.Completer.custom_matchers:
        shell.Completer.custom_matchers.remove(magics.matcher)
    rich_forms.forget(shell)


def loaded(shell: InteractiveShell):  # type: ignore[no-untyped-def]
    """The magics of this shell; None when they are not loaded."""
    return shell.magics_manager.registry.get("ContainerMagics")
