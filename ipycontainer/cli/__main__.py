"""`ipycontainer VERB …`: one line of docker's grammar, then gone.

    bin/ipycontainer -> main() -> commands.dispatch -> os._exit

Nothing that a run does not need is imported: the interpreter's start is what
the command line costs.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ipycontainer.engine.engine import Engine

INTERRUPTED = 130
BROKEN_PIPE = 141


def open_engine(root: str | None) -> Engine:
    """The engine of `--root`, of IPYCONTAINER_ROOT, or of the user's own store."""
    from ipycontainer.cli.interrupts import heed
    from ipycontainer.engine.engine import Engine

    heed()
    return Engine(root)


def command(arguments: list[str]) -> int:
    """Performs one command line; returns its exit code."""
    from ipycontainer.cli.console import TerminalConsole, fill_standard_descriptors
    from ipycontainer.commands import dispatch
    from ipycontainer.linux.working_folder import working_folder

    fill_standard_descriptors()
    console = TerminalConsole()
    try:
        return dispatch(arguments, console, open_engine, working_folder())
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        return BROKEN_PIPE


def main() -> None:
    """The whole process: never returns."""
    code = 1
    try:
        code = command(sys.argv[1:])
    except KeyboardInterrupt:
        code = INTERRUPTED  # while it was still being loaded
    except Exception:  # noqa: BLE001 a bug of ours: told with its traceback, since nobody else can
        sys.excepthook(*sys.exc_info())
    finally:
        # Tearing the interpreter down costs 2 ms and does nothing for anybody.
        os._exit(code)


if __name__ == "__main__":
    main()
