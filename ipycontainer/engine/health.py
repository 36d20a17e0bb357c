"""A container's health check: what the image and the options make of it, and what its monitor has found.

Read only where there is one.  Words of refusals are docker's.
"""

from __future__ import annotations

import os

from ipycontainer.errors import InputError, OptionError
from ipycontainer.json_text import loads
from ipycontainer.record import Record
from ipycontainer.runtime.container_state import CREATED, HEALTH, PAUSED, RUNNING
from ipycontainer.runtime.inside.health import STARTING, UNHEALTHY, Check

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ipycontainer.engine.request import RunRequest
    from ipycontainer.runtime.container_state import State

NONE = "none"
STATUSES = "starting", "healthy", "unhealthy", NONE
_NANO = 10**9
_SHORTEST = 10**6  # nanoseconds
_TIMES = ("Interval", "Timeout", "StartPeriod", "StartInterval")
_NUMBERS = ("health_interval", "health_timeout", "health_start_period", "health_start_interval", "health_retries")
_SHELL = ("/bin/sh", "-c")


class Health(Record):
    """How a container is, as its health check sees it.

    status: starting, healthy or unhealthy (docker says so too of one that does not run, or stands still);
    failing_streak: failures in a row; log: the last 5 results, as `inspect` shows them but for the moments, which are
    seconds since the epoch.
    """

    status: str
    failing_streak: int = 0
    log: tuple[dict[str, Any], ...] = ()


def checked_words(health_cmd: str, numbers: Mapping[str, float], no_healthcheck: bool) -> dict[str, Any]:
    """A request's fields; numbers: health_interval, health_retries and their kin.

    Raises OptionError for what docker's client refuses.
    """
    if no_healthcheck and (health_cmd or any(numbers.values())):
        raise OptionError("--no-healthcheck conflicts with --health-* options; leave one of them out")
    for name, value in numbers.items():
        if value < 0:
            raise OptionError(f"--{name.replace('_', '-')} cannot be negative; 0 is the default")
    return {**numbers, "health_cmd": health_cmd, "no_healthcheck": no_healthcheck}


def health_check(request: RunRequest, image: Mapping[str, Any]) -> dict[str, Any] | None:
    """docker's Healthcheck of a container: the options over the image's, piece by piece; None where neither has one.

    Raises InputError for times that are too short.
    """
    words = request.as_dict()
    checked_words(request.health_cmd, {name: words[name] for name in _NUMBERS}, request.no_healthcheck)
    asked: dict[str, Any] = {
        "Test": ["NONE"] if request.no_healthcheck else ["CMD-SHELL", request.health_cmd] if request.health_cmd else [],
        "Interval": round(words["health_interval"] * _NANO),
        "Timeout": round(words["health_timeout"] * _NANO),
        "StartPeriod": round(words["health_start_period"] * _NANO),
        "StartInterval": round(words["health_start_interval"] * _NANO),
        "Retries": request.health_retries,
    }
    for name in _TIMES:
        if 0 < asked[name] < _SHORTEST:
            raise InputError(f"{name} in Healthcheck cannot be less than 1ms")
    of_image = image.get("Healthcheck") or {}
    if not request.asks_for_health() and not of_image:
        return None
    found = {name: value or of_image.get(name) for name, value in asked.items()}
    return {name: value for name, value in found.items() if value}


def instruction(text: str) -> dict[str, Any]:
    """docker's Healthcheck of what stands after HEALTHCHECK: `[--interval=10s …] CMD command` or `NONE`.

    Raises InputError.
    """
    from ipycontainer.engine.durations import duration_seconds

    found: dict[str, Any] = {}
    word, _, rest = text.strip().partition(" ")
    while word.startswith("--"):
        name, _, value = word[2:].partition("=")
        try:
            if name == "retries":
                found["Retries"] = int(value)
                if found["Retries"] < 1:
                    raise ValueError(f"must be at least 1 (not {value})")
            else:
                found[_FLAGS[name]] = round(duration_seconds(value) * _NANO)
        except KeyError:
            raise InputError(f"Unknown flag: {name}; HEALTHCHECK has --retries and --{', --'.join(_FLAGS)}") from None
        except ValueError as error:
            raise InputError(f"HEALTHCHECK --{name}: {error}") from None
        word, _, rest = rest.strip().partition(" ")
    rest = rest.strip()
    if any(value < 0 or (name != "Retries" and 0 < value < _SHORTEST) for name, value in found.items()):
        raise InputError("HEALTHCHECK: a time cannot be less than 1ms")
    if word.upper() == "NONE":
        if rest:
            raise InputError("HEALTHCHECK NONE takes no arguments")
        return {"Test": ["NONE"]}
    if word.upper() != "CMD":
        raise InputError(f"Unknown type {word!r} in HEALTHCHECK (try CMD)")
    if not rest:
        raise InputError("Missing command after HEALTHCHECK CMD")
    if not rest.startswith("["):
        return {"Test": ["CMD-SHELL", rest], **found}
    try:
        words = loads(rest)
    except ValueError:
        words = None
    if not (isinstance(words, list) and words and all(isinstance(item, str) for item in words)):
        raise InputError(f'HEALTHCHECK CMD {rest} is no JSON list of strings; write CMD ["test", "-e", "/ready"]')
    return {"Test": ["CMD", *words], **found}


_FLAGS = {
    "interval": "Interval",
    "timeout": "Timeout",
    "start-period": "StartPeriod",
    "start-interval": "StartInterval",
}


def launched(check: Mapping[str, Any], image: Mapping[str, Any]) -> dict[str, Any] | None:
    """The `health` of a Launch; None where nothing is to be probed.  An image's Shell is what its CMD-SHELL means."""
    kind, *words = check.get("Test") or ("NONE",)
    if kind not in ("CMD", "CMD-SHELL") or not words:
        return None
    shell = [*(image.get("Shell") or _SHELL)] if kind == "CMD-SHELL" else []
    interval, timeout, start_period, start_interval = (float(check.get(name, 0)) / _NANO for name in _TIMES)
    return Check(
        (*shell, *words), interval, timeout, start_period, start_interval, int(check.get("Retries", 0))
    ).as_dict()


def read_health(config: Mapping[str, Any], state: State, folder: str, run: str) -> Health | None:
    """The health now of a container with this record; None where it has no check, or was never started."""
    kind = ((config.get("healthcheck") or {}).get("Test") or ("NONE",))[0]
    if kind not in ("CMD", "CMD-SHELL") or state.status == CREATED:
        return None
    lives = state.status in (RUNNING, PAUSED)
    found = _read(os.path.join(run if lives else folder, HEALTH))
    if found.get("started") != state.started:
        found = {}  # of an earlier start, or of a monitor that was killed
    # docker, "for compatibility reasons": whoever is not probed is unhealthy.
    status = str(found.get("status", STARTING)) if state.status == RUNNING else UNHEALTHY
    return Health(status, int(found.get("streak", 0)), tuple(found.get("log", ())))


def _read(path: str) -> dict[str, Any]:
    try:
        with open(path, "rb") as file:
            found = loads(file.read())
    except (OSError, ValueError):
        return {}  # not yet, or not any more
    return found if isinstance(found, dict) else {}


def described(health: Health) -> dict[str, Any]:
    """inspect's State.Health."""
    from ipycontainer.engine.inspection import rfc3339

    log = [{**item, "Start": rfc3339(item["Start"]), "End": rfc3339(item["End"])} for item in health.log]
    return {"Status": health.status, "FailingStreak": health.failing_streak, "Log": log}


def status_words(health: Health) -> str:
    """What ps puts in brackets: docker says "health: starting", and the others without it."""
    return f"health: {health.status}" if health.status == STARTING else health.status
