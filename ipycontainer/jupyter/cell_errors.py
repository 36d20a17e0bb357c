"""How a failure looks in a cell: the cell fails, with one sentence and no traceback of ours.

IPython, nbval and nbclient call a cell failed when an exception leaves it.  An
exception that has `_render_traceback_` writes its own lines.  A mistake in the
magic's own arguments is IPython's `UsageError`, exactly that class: of a
subclass IPython would print a whole traceback.
"""

from __future__ import annotations

from IPython.core.error import UsageError

from ipycontainer import errors
from ipycontainer.control_characters import on_one_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    AnyException = TypeVar("AnyException", bound=BaseException)

_MISTAKES = (errors.OptionError, errors.NoSuchVerb)


def in_one_sentence(error: AnyException) -> AnyException:
    """`error`, which from now on shows itself as its class and its sentence; an image may have chosen words of it."""
    return _shown_as(error, on_one_line(str(error)))


def _shown_as(error: AnyException, text: str) -> AnyException:
    lines = [f"{type(error).__name__}: {text}"]
    # On the instance: in Python code of one's own the same class shows where in that code it came up.
    error._render_traceback_ = lambda: lines  # type: ignore[attr-defined]
    return error


def for_cell(error: errors.Error, advice: str = "", mistaken: str = "") -> BaseException:
    """What a magic raises for `error`.  advice: one more line to go with it; mistaken: a better one for a mistake."""
    if isinstance(error, _MISTAKES):
        return UsageError(_told(str(error), mistaken or advice))
    return _shown_as(error, _told(str(error), advice))


def command_failed(what: str, exit_code: int, advice: str = "") -> errors.CommandFailed:
    """A program inside that ended with another exit code than 0.  advice: one more line to go with it."""
    sentence = f"{what} ended with exit code {exit_code}{_meaning(exit_code)}"
    return _shown_as(errors.CommandFailed(sentence, exit_code), _told(sentence, advice))


def _told(sentence: str, advice: str) -> str:
    return "\n".join(filter(None, (on_one_line(sentence), advice)))


def complaints(sentences: list[str], exit_code: int) -> errors.Error:
    """What a verb had to complain of, one line each, when it failed for some of what it was given."""
    error = _shown_as(errors.Error("\n".join(sentences)), "\n".join(map(on_one_line, sentences)))
    error.exit_code = exit_code
    return error


def interrupted(what: str) -> KeyboardInterrupt:
    """A cell that was interrupted by hand, said in one sentence."""
    return in_one_sentence(KeyboardInterrupt(what))


def _meaning(exit_code: int) -> str:
    from signal import Signals

    if exit_code == 137:
        return " (SIGKILL: it was killed, perhaps because its memory limit was reached)"
    if 128 < exit_code < 160:
        try:
            return f" ({Signals(exit_code - 128).name})"
        except ValueError:
            return ""
    return ""
