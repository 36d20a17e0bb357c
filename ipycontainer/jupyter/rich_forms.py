"""How what the engine gives looks in a notebook: each kind of object, once, by its name.

The engine stands below this floor and knows nothing of notebooks; IPython is told of its classes by
name, so that none of them is imported before somebody has made one.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from IPython.core.interactiveshell import InteractiveShell

    from ipycontainer.engine.container import Container
    from ipycontainer.engine.doctor import Findings
    from ipycontainer.engine.engine import Engine
    from ipycontainer.engine.explanation import Explanation
    from ipycontainer.engine.image import Image
    from ipycontainer.engine.processes import Processes
    from ipycontainer.engine.usage import Dashboard, Reading
    from ipycontainer.engine.volume import Volume
    from ipycontainer.engine.volumes import Volumes
    from ipycontainer.jupyter.display import Table

    Forms = dict[str, str]

_TOP = ' style="text-align:left;vertical-align:top"'
# Mount options are one long word: it must not push the reasons out of sight.
_DETAILS = ' style="white-space:pre-wrap;overflow-wrap:anywhere"'
_WHY = ' style="text-align:left;vertical-align:top;min-width:16em"'


def explanation(value: Explanation) -> Forms:
    """A table in three parts."""
    from ipycontainer.jupyter.display import AS_IT_IS, escaped

    head = "".join(f"<th{_TOP}>{escaped(heading)}</th>" for heading in value.HEADINGS)
    body, count = "", 0
    for title, steps in value.parts():
        body += f'<tr><th colspan="{len(value.HEADINGS)}"{_TOP}>{escaped(title)}</th></tr>'
        for step in steps:
            count += 1
            name = f"<b>{escaped(step.name)}</b>" + (
                f"<br><code{_DETAILS}>{escaped(step.details)}</code>" if step.details else ""
            )
            cells = [(_TOP, str(count)), (_TOP, name), (_TOP, escaped(step.call)), (_WHY, escaped(step.why))]
            cells.append((_TOP, escaped(step.shows)))
            body += "<tr>" + "".join(f"<td{style}>{cell}</td>" for style, cell in cells) + "</tr>"
    table = f"<table{AS_IT_IS}><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return {"text/plain": value.text(), "text/html": f"<p{AS_IT_IS}>{escaped(value.title)}</p>{table}"}


def reading(value: Reading) -> None:
    """Live, where a notebook's kernel shows it."""
    _show_live(value, value.container._engine, value.container)


def dashboard(value: Dashboard) -> None:
    """The same of all containers."""
    _show_live(value, value.engine, None)


def _show_live(value: object, engine: Engine, only: Container | None) -> None:
    from ipycontainer.jupyter.console import is_notebook

    if not is_notebook():
        import sys

        sys.stdout.write(f"{value!r}\n")  # a terminal has nothing that could move
        return
    from ipycontainer.jupyter.widgets.live import show

    show(engine, only)


def container(value: Container) -> Forms:
    """Its row of `ps`."""
    from ipycontainer.jupyter.display import Table

    command = " ".join(value.command)
    row = (value.short_id, value.image, command, value.status_text, value.name)
    return _table(value, Table(("CONTAINER ID", "IMAGE", "COMMAND", "STATUS", "NAME"), [row]))


def image(value: Image) -> Forms:
    """Its row of `images`."""
    from ipycontainer.commands.units import human_size
    from ipycontainer.jupyter.display import Table

    names = ", ".join(value.names) or "<none>"
    return _table(value, Table(("IMAGE", "ID", "SIZE"), [(names, value.short_id, human_size(value.size))]))


def processes(value: Processes) -> Forms:
    """The rows of `top`, aligned where there is no HTML too."""
    from ipycontainer.jupyter.display import Table

    return Table(value.titles, value.rows)._repr_mimebundle_()


def findings(value: Findings) -> Forms:
    """What doctor found: a row for each."""
    from ipycontainer.jupyter.display import Table

    rows = [("ok" if one.ok else "lacks", one.name, one.found, one.cost, one.mend) for one in value]
    return _table(value, Table(("", "LOOKED AT", "FOUND", "COST", "WHAT WOULD MEND IT"), rows))


def volume(value: Volume) -> Forms:
    """Its row of `volume ls`."""
    return _volumes(value, [value])


def volumes(value: Volumes) -> Forms:
    """`volume ls`."""
    return _volumes(value, value.list())


def _volumes(value: object, found: list[Volume]) -> Forms:
    from ipycontainer.jupyter.display import Table

    return _table(value, Table(("DRIVER", "VOLUME NAME"), [(one.driver, one.name) for one in found]))


def _table(value: object, table: Table) -> Forms:
    """Plain as Python shows it; a table where there is HTML."""
    from ipycontainer.control_characters import on_one_line

    return {"text/plain": on_one_line(repr(value)), "text/html": table._repr_mimebundle_()["text/html"]}


# (module, class) -> its forms.
FORMS: dict[tuple[str, str], Callable[..., Forms]] = {
    ("ipycontainer.engine.explanation", "Explanation"): explanation,
    ("ipycontainer.engine.container", "Container"): container,
    ("ipycontainer.engine.image", "Image"): image,
    ("ipycontainer.engine.processes", "Processes"): processes,
    ("ipycontainer.engine.doctor.finding", "Findings"): findings,
    ("ipycontainer.engine.volume", "Volume"): volume,
    ("ipycontainer.engine.volumes", "Volumes"): volumes,
}

# What shows itself, by more than one message.
LIVE: dict[tuple[str, str], Callable[..., None]] = {
    ("ipycontainer.engine.usage", "Reading"): reading,
    ("ipycontainer.engine.usage", "Dashboard"): dashboard,
}


def register(shell: InteractiveShell) -> None:
    """Tell IPython of them all."""
    for (module, name), forms in FORMS.items():
        _formatters(shell).mimebundle_formatter.for_type_by_name(module, name, _shown(forms))
    for (module, name), show in LIVE.items():
        _formatters(shell).ipython_display_formatter.for_type_by_name(module, name, show)


def _formatters(shell: InteractiveShell) -> Any:
    display = shell.display_formatter
    assert display is not None  # set when a shell is made
    return display


def _shown(forms: Callable[..., Forms]) -> Callable[..., Forms]:
    def show(value: object, include: object = None, exclude: object = None) -> Forms:
        return forms(value)

    return show


def forget(shell: InteractiveShell) -> None:
    """Take back what `register` told."""
    for module, name in FORMS:
        _formatters(shell).mimebundle_formatter.pop(f"{module}.{name}", None)
    for module, name in LIVE:
        _formatters(shell).ipython_display_formatter.pop(f"{module}.{name}", None)
