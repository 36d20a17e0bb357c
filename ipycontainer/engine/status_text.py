"""docker's words for how a container is, and for how long."""

from __future__ import annotations

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ipycontainer.runtime.container_state import State

_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def human_duration(seconds: float) -> str:
    """`seconds` as docker says it: "3 seconds", "About a minute", "2 weeks".

    >>> human_duration(0.4), human_duration(75), human_duration(5000), human_duration(864000)
    ('Less than a second', 'About a minute', 'About an hour', '10 days')
    """
    whole = int(seconds)
    if whole < 1:
        return "Less than a second"
    if whole < _MINUTE:
        return f"{whole} second{'s' if whole > 1 else ''}"
    minutes = whole // _MINUTE
    if minutes < 60:
        return "About a minute" if minutes == 1 else f"{minutes} minutes"
    hours = int(seconds / _HOUR + 0.5)
    if hours < 48:
        return "About an hour" if hours == 1 else f"{hours} hours"
    return _in_days(hours)


def _in_days(hours: int) -> str:
    if hours < 24 * 7 * 2:
        return f"{hours // 24} days"
    if hours < 24 * 30 * 2:
        return f"{hours // 24 // 7} weeks"
    if hours < 24 * 365 * 2:
        return f"{hours // 24 // 30} months"
    return f"{hours // 24 // 365} years"


def status_text(state: State, now: float | None = None, health: str = "") -> str:
    """The STATUS column: "Up 3 seconds", "Exited (0) 2 minutes ago", "Created".

    health: what is said in brackets of one that runs.
    """
    moment = time.time() if now is None else now
    if state.status == "created":
        return "Created"
    if state.status == "running":
        return f"Up {human_duration(moment - state.started)}" + (f" ({health})" if health else "")
    if state.status == "paused":
        return f"Up {human_duration(moment - state.started)} (Paused)"
    if state.status == "restarting":
        return f"Restarting ({state.exit_code}) {human_duration(moment - state.finished)} ago"
    if state.status == "unknown":
        return f"Exited (unknown), started {human_duration(moment - state.started)} ago"
    return f"Exited ({state.exit_code}) {human_duration(moment - state.finished)} ago"
