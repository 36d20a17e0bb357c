"""The rows of docs/compatibility.md: docker's verbs and options, ours, the evidence, the reasons.

A row is *same* where a test compared it, *refused* where commands/refused.py (or reasons.json) says why, *different*
where reasons.json says how, else *missing*.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from ipycontainer.commands import refused, verbs
from tests.compatibility.evidence import Evidence
from tests.compatibility.help_of_docker import short_name

REASONS = Path(__file__).with_name("reasons.json")
Help = dict[str, dict[str, str]]

_NOT_COMPARED = "not compared"
# 20.10's name of an option that has another one in 28; ours takes both.
_RENAMED = {"time": "timeout"}


class Row(NamedTuple):
    """docker's words, and what of them is so with ours."""

    verb: str  # with its group
    spelling: str
    option: str  # "" for the verb itself
    since: str  # "28", "20.10" where only one has it
    verdict: str
    why: str


def reasons() -> dict[str, list[str]]:
    """`verb --option` -> ["different" or "refused", a sentence]; ["but", a sentence] of one that is compared."""
    found: dict[str, list[str]] = json.loads(REASONS.read_text())
    return found


def _but(words: str, test: str) -> tuple[str, str]:
    """What is the same, with the corner where it is not."""
    kind, sentence = reasons().get(words, ("", ""))
    return "same", f"{test}; but {sentence}" if kind == "but" else test


def rows(old: Help, new: Help, evidence: Evidence) -> list[Row]:
    """All rows, in the order of docker's help."""
    table = []
    for verb in [*new, *(verb for verb in old if verb not in new)]:
        known = new.get(verb, {}) | old.get(verb, {})
        since = _since(verb in old, verb in new)
        spellings = [verb] + ([short_name(verb)] if short_name(verb) else [])
        for spelling in spellings:
            table.append(Row(verb, spelling, "", since, *_verb(spelling, evidence)))
        if _ours(verb) is None:
            continue  # refused with its verb
        for long in sorted(known):
            if long in _RENAMED and _RENAMED[long] in known:
                continue
            since = _since(long in old.get(verb, {}), long in new.get(verb, {}))
            if long in _RENAMED.values() and since == "28":
                since = ""
            short = known[long]
            names = f"-{short}, --{long}" if short else f"--{long}"
            verdict, why = _option(spellings, long, short, evidence)
            if since == "28" and why == _NOT_COMPARED:
                why = "it is there; docker 20.10 has none to compare it with"
            table.append(Row(verb, " / ".join(spellings), names, since, verdict, why))
    return table


def _since(old: bool, new: bool) -> str:
    return "" if old and new else "28" if new else "20.10"


def _ours(verb: str) -> str | None:
    name = verbs.ALIASES.get(verb, verb)
    return name if name in verbs.VERBS else None


def _verb(spelling: str, evidence: Evidence) -> tuple[str, str]:
    ours = _ours(spelling)
    if ours is not None:
        test = next((test for test, compared in sorted(evidence.items()) if spelling in compared), "")
        if test:
            return _but(spelling, test)
    reason = reasons().get(spelling)
    if reason and reason[0] != "but":
        return reason[0], reason[1]
    if spelling in verbs.LATER:
        return "refused", "it comes in a later release"
    if spelling in verbs.NEVER:
        return "refused", verbs.NEVER[spelling]
    return "missing", "" if ours is not None else "no such verb here"


def _option(spellings: list[str], long: str, short: str, evidence: Evidence) -> tuple[str, str]:
    ours = _ours(spellings[0])
    assert ours is not None
    names = {long, *(old for old, name in _RENAMED.items() if name == long)}
    for test, compared in sorted(evidence.items()):
        if any(names & set(compared.get(spelling, ())) for spelling in spellings):
            return _but(f"{spellings[0]} --{long}", test)
    reason = reasons().get(f"{spellings[0]} --{long}")
    if reason and reason[0] != "but":
        return reason[0], reason[1]
    row = refused.find(ours, long, "")
    if row is not None and "*" not in row.harmless:
        return "refused", row.refused
    there = row is not None or names & {option.long for option in verbs.load(ours).options}
    return "missing", _NOT_COMPARED if there else "not known here"
