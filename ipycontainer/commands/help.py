"""`--help`, from the same rows that the reader reads."""

from __future__ import annotations

from ipycontainer.commands.options import Option, Verb
from ipycontainer.commands.verbs import ALIASES, GROUPS, VERBS, find, load, of_group
from ipycontainer.errors import NoSuchVerb, Refused

_VALUES = {
    "text": "string",
    "int": "int",
    "bytes": "size",
    "swap": "size",
    "decimal": "number",
    "duration": "duration",
    "variable": "NAME=VALUE",
    "label": "NAME=VALUE",
    "ulimit": "NAME=SOFT[:HARD]",
    "tmpfs": "PATH[:OPTIONS]",
    "mount": "type=…",
    "filter": "NAME=VALUE",
    "host": "NAME:ADDRESS",
    "address": "ADDRESS",
    "stream": "STREAM",
    "exposed": "PORT[-PORT][/PROTOCOL]",
    "gpus": "REQUEST",
    "storage": "NAME=VALUE",
}


def overview(program: str) -> str:
    """The verbs, each with its sentence."""
    verbs = [load(name) for name in VERBS]
    longest = max(len(verb.name) for verb in verbs)
    lines = [f"  {verb.name:<{longest}}  {verb.summary}" for verb in verbs]
    return "\n".join(
        (
            f"Usage:  {program} [--root DIR] VERB",
            "",
            "Containers on this machine, with docker's words and no daemon.",
            "",
            "Verbs:",
            *lines,
            "",
            "Options:",
            "      --root DIR   The store to work in (else IPYCONTAINER_ROOT, else the user's own)",
            "  -v, --version    Print the version",
            "",
            f"'{program} VERB --help' says more about a verb.",
        )
    )


def topic_help(topic: str, program: str) -> str:
    """What `help TOPIC` says: of a verb, a group of verbs, or everything.  Raises NoSuchVerb."""
    if not topic:
        return overview(program)
    if topic in GROUPS:
        return _group_help(topic, program)
    try:
        verb, _used = find(topic.split())
    except (NoSuchVerb, Refused):
        unknown = NoSuchVerb(f"unknown help topic: {topic}; --help lists the verbs")
        unknown.exit_code = 1
        raise unknown from None
    return verb_help(verb, program)


def _group_help(group: str, program: str) -> str:
    names = of_group(group)
    longest = max(map(len, names))
    verbs = [load(ALIASES.get(f"{group} {name}", f"{group} {name}")) for name in names]
    lines = [f"  {name:<{longest}}  {verb.summary}" for name, verb in zip(names, verbs)]
    return "\n".join(
        (
            f"Usage:  {program} {group} VERB",
            "",
            f"The verbs about {GROUPS[group]}:",
            *lines,
            "",
            f"'{program} {group} VERB --help' says more about a verb.",
        )
    )


def verb_help(verb: Verb, program: str) -> str:
    """Usage, options, examples, and what this release refuses."""
    from ipycontainer.commands.refused import ROWS

    lines = [f"Usage:  {program} {verb.name} {verb.usage}".rstrip(), "", verb.summary]
    aliases = [name for name, known in ALIASES.items() if known == verb.name]
    if aliases:
        lines += ["", f"Also:  {', '.join(aliases)}"]
    shown = [option for option in verb.options if not option.hidden]
    if shown:
        lines += ["", "Options:", *_rows(shown)]
    if verb.examples:
        lines += ["", "Examples:", *(f"  {program} {example}" for example in verb.examples)]
    refused = [f"--{row.long}" for row in ROWS.get(verb.name, ()) if row.refused]
    if refused:
        lines += ["", "docker's, refused in this release:", *_wrapped(refused)]
    return "\n".join(lines)


def _rows(options: list[Option]) -> list[str]:
    heads = [_head(option) for option in options]
    width = max(map(len, heads))
    return [f"  {head:<{width}}   {option.help}" for head, option in zip(heads, options)]


def _head(option: Option) -> str:
    short = f"-{option.short}, " if option.short else "    "
    value = "" if option.kind == "flag" else f" {_VALUES[option.kind]}"
    return f"{short}--{option.long}{value}"


def _wrapped(words: list[str], width: int = 78) -> list[str]:
    lines = ["  "]
    for word in words:
        if len(lines[-1]) + len(word) + 1 > width:
            lines.append("  ")
        lines[-1] += word + " "
    return [line.rstrip() for line in lines]
