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

    from ipycontainer.engine.explanation import Explanation

    Forms = dict[str, str]

_TOP = ' style="text-align:left;vertical-align:top"'


def explanation(value: Explanation) -> Forms:
    """A table in three parts."""
    from ipycontainer.jupyter.display import escaped

    head = "".join(f"<th{_TOP}>{escaped(heading)}</th>" for heading in value.HEADINGS)
    body, count = "", 0
    for title, steps in value.parts():
        body += f'<tr><th colspan="{len(value.HEADINGS)}"{_TOP}>{escaped(title)}</th></tr>'
        for step in steps:
            count += 1
            name = f"<b>{escaped(step.name)}</b>" + (
                f"<br><code>{escaped(step.details)}</code>" if step.details else ""
            )
            cells = [str(count), name, *map(escaped, (step.call, step.why, step.shows))]
            body += "<tr>" + "".join(f"<td{_TOP}>{cell}</td>" for cell in cells) + "</tr>"
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return {"text/plain": value.text(), "text/html": f"<p>{escaped(value.title)}</p>{table}"}


# (module, class) -> its forms.
FORMS: dict[tuple[str, str], Callable[..., Forms]] = {
    ("ipycontainer.engine.explanation", "Explanation"): explanation,
}


def register(shell: InteractiveShell) -> None:
    """Tell IPython of them all."""
    formatter = _formatter(shell)
    for (module, name), forms in FORMS.items():
        formatter.for_type_by_name(module, name, _shown(forms))


def _formatter(shell: InteractiveShell) -> Any:
    display = shell.display_formatter
    assert display is not None  # set when a shell is made
    return display.mimebundle_formatter


def _shown(forms: Callable[..., Forms]) -> Callable[..., Forms]:
    def show(value: object, include: object = None, exclude: object = None) -> Forms:
        return forms(value)

    return show


def forget(shell: InteractiveShell) -> None:
    """Take back what `register` told."""
    formatter = _formatter(shell)
    for module, name in FORMS:
        formatter.pop(f"{module}.{name}", None)
