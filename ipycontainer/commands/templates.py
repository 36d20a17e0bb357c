"""The part of Go's text/template that `--format` is used for.

    {{.State.Status}}   {{json .}}   {{.Names | upper}}   {{index .Labels "a"}}   {{.Label "a"}}
    {{if eq .State "running"}}…{{else if …}}…{{else}}…{{end}}   {{with .X}}…{{end}}
    {{range .Mounts}}{{.Source}}{{else}}none{{end}}   {{range $k, $v := .Labels}}…{{break}}…{{continue}}…{{end}}
    {{$x := .ID}}{{$x}}   {{- trims -}}   {{/* says nothing */}}

    {{define "A"}}…{{end}}   {{template "A" .X}}   {{block "A" .X}}…{{end}}

A template is data: it can call the functions of `template_functions.py` and nothing else.
"""

from __future__ import annotations

from ipycontainer.commands.template_functions import FUNCTIONS, Nothing, StringMap, Struct, StructMap, shown, truth
from ipycontainer.errors import TemplateError
from ipycontainer.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    # A variable is a box (a list of one value): an inner scope has its own names, and shares the boxes
    # of the outer one, so that `$x = …` is seen outside.
    _Scope = dict[str, list[Any]]


class Text(Record):
    """What stands between the actions."""

    text: str


class Command(Record):
    """One step of a pipeline: a value, or a function with its arguments."""

    words: tuple[Any, ...]  # Field, Variable, Literal, Name, Pipeline


class Pipeline(Record):
    """Commands joined by `|`, with the variables that its value is given to.

    assigns: `$x = …`, which changes a variable, rather than `$x := …`, which makes one.
    """

    commands: tuple[Command, ...]
    variables: tuple[str, ...] = ()
    assigns: bool = False


class Field(Record):
    """`.A.B`, or the same on something in parentheses or a variable."""

    names: tuple[str, ...]
    of: Any = None


class Variable(Record):
    """`$x`; `$` alone is the whole value."""

    name: str


class Literal(Record):
    """A text, a number, true, false or nil."""

    value: Any


class Name(Record):
    """A function."""

    name: str


class Branch(Record):
    """`if`, `with` or `range` and the two bodies."""

    kind: str
    pipeline: Pipeline
    body: tuple[Any, ...]
    otherwise: tuple[Any, ...]


class Leave(Record):
    """`break` or `continue`."""

    word: str


class Inclusion(Record):
    """`template` or `block`: another body, with its own dot.  bodies: all that are defined, by name."""

    name: str
    pipeline: Pipeline | None
    bodies: dict[str, tuple[Any, ...]]


class _Left(Exception):
    """A `break` or a `continue`, on its way out to its `range`."""


class Template:
    """A template that was read once and can be filled many times."""

    def __init__(self, text: str) -> None:
        from ipycontainer.commands.template_parser import parse

        self._nodes = parse(text)

    def fill(self, value: Any) -> str:
        """The template's text for one value; TemplateError for a name that is not there."""
        try:
            return "".join(_walk(self._nodes, value, {"$": [value]}))
        except RecursionError:
            raise TemplateError("the template shows itself without an end") from None


def _walk(nodes: Sequence[Any], dot: Any, variables: _Scope) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, Text):
            yield node.text
        elif isinstance(node, Branch):
            yield from _branch(node, dot, variables)
        elif isinstance(node, Leave):
            raise _Left(node.word)
        elif isinstance(node, Inclusion):
            if node.name not in node.bodies:
                raise TemplateError(f"template {node.name!r} is not defined: {{{{define}}}} it in the same text")
            inner = None if node.pipeline is None else _pipeline(node.pipeline, dot, dict(variables))
            yield from _walk(node.bodies[node.name], inner, {"$": [inner]})
        else:
            value = _pipeline(node, dot, variables)
            if not node.variables:
                yield _nothing(node, dot, variables) if value is None else shown(value)


# Which of docker's fields are lists and maps in Go: what is not there of them is printed as an empty one.
_LISTS = frozenset(
    "Binds BlkioDeviceReadBps BlkioDeviceReadIOps BlkioDeviceWriteBps BlkioDeviceWriteIOps CapAdd CapDrop Cmd "
    "DeviceCgroupRules DeviceRequests Devices Entrypoint ExecIDs ExtraHosts GroupAdd Links MaskedPaths Mounts OnBuild "
    "ReadonlyPaths SecurityOpt Ulimits Shell VolumesFrom".split()
)
_MAPS = frozenset("Annotations DriverOpts ExposedPorts Labels Options StorageOpt Sysctls Tmpfs Volumes".split())


def _nothing(node: Pipeline, dot: Any, variables: _Scope) -> str:
    """How Go prints what is not there: its type decides, which the field's name tells."""
    word = node.commands[-1].words[-1]
    if not isinstance(word, Field) or not word.names:
        return shown(None)
    if isinstance(_value(word.replace(names=word.names[:-1]), dot, variables), StringMap):
        return shown(None)
    return "[]" if word.names[-1] in _LISTS else "map[]" if word.names[-1] in _MAPS else "<nil>"


def _branch(node: Branch, dot: Any, variables: _Scope) -> Iterator[str]:
    inner = dict(variables)
    value = _pipeline(node.pipeline, dot, inner)
    if node.kind != "range":
        if truth(value):
            yield from _walk(node.body, value if node.kind == "with" else dot, inner)
        else:
            yield from _walk(node.otherwise, dot, inner)
        return
    pairs = _pairs(value)
    if not pairs:
        yield from _walk(node.otherwise, dot, inner)
    for key, item in pairs:
        names = node.pipeline.variables
        if names:
            inner[names[-1]] = [item]
        if len(names) == 2:
            inner[names[0]] = [key]
        try:
            yield from _walk(node.body, item, dict(inner))
        except _Left as left:
            if left.args[0] == "break":
                break


def _pairs(value: Any) -> list[tuple[Any, Any]]:
    if isinstance(value, dict):
        return sorted(value.items())
    if isinstance(value, (list, tuple)):
        return list(enumerate(value))
    if value is None:
        return []
    raise TemplateError(f"range goes over a list or a map, not over {shown(value)!r}")


def _pipeline(node: Pipeline, dot: Any, variables: _Scope) -> Any:
    value: Any = None
    for position, command in enumerate(node.commands):
        value = _command(command, dot, variables, (value,) if position else ())
    if len(node.variables) == 1 and node.assigns:
        _box(variables, node.variables[0])[0] = value
    elif len(node.variables) == 1:
        variables[node.variables[0]] = [value]
    return value


def _command(command: Command, dot: Any, variables: _Scope, piped: tuple[Any, ...]) -> Any:
    head, *rest = command.words
    if isinstance(head, Name):
        if head.name in ("and", "or"):
            return _short_circuit(head.name, [lambda word=word: _value(word, dot, variables) for word in rest], piped)
        function = FUNCTIONS[head.name]  # the parser knows them
    else:
        function = _value(head, dot, variables, call=False)
        if not callable(function):
            if rest or piped:
                raise TemplateError(f"{shown(function)!r} is no function and takes no arguments")
            return function
    arguments = [_value(word, dot, variables) for word in rest]
    try:
        return function(*arguments, *piped)
    except (TypeError, ValueError, IndexError, KeyError) as error:
        name = head.name if isinstance(head, Name) else ".".join(getattr(head, "names", ("?",)))
        raise TemplateError(f"{name} cannot be called so: {error}") from None


def _short_circuit(name: str, words: list[Any], piped: tuple[Any, ...]) -> Any:
    value: Any = None
    for word in (*words, *((lambda item=item: item) for item in piped)):
        value = word()
        if truth(value) == (name == "or"):
            return value
    return value


def _value(node: Any, dot: Any, variables: _Scope, call: bool = True) -> Any:
    if isinstance(node, Literal):
        return node.value
    if isinstance(node, Pipeline):
        return _pipeline(node, dot, variables)
    if isinstance(node, Variable):
        return _box(variables, node.name)[0]
    if isinstance(node, Name):
        return _command(Command((node,)), dot, variables, ())
    value = dot if node.of is None else _value(node.of, dot, variables)
    for name in node.names:
        value = _member(value, name)
    return value() if call and callable(value) else value


def _box(variables: _Scope, name: str) -> list[Any]:
    if name not in variables:
        raise TemplateError(f"there is no variable {name}")
    return variables[name]


def _member(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        if isinstance(value, Struct):
            name = value.called.get(name, name)
        if name in value:
            return value[name]
        if isinstance(value, StringMap):
            return None
        if isinstance(value, StructMap):
            return Nothing()
        if isinstance(value, Struct) and name in value.empty:
            return ""
        known = ", ".join(f".{key}" for key in sorted(map(str, value)))
        raise TemplateError(f"there is no .{name} here" + (f"; there are {known}" if known else ""))
    raise TemplateError(f"{shown(value)!r} has no .{name}")
