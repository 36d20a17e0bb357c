"""Everything that goes wrong, as one tree.

    Error                          125  something failed; the sentence says what, on what, what to do
    ├── KernelError                     a system call was refused: call, path, errno
    ├── InputError                      what was asked for is not well-formed
    │   ├── OptionError                 an option or argument of a verb
    │   │   └── WrongArguments    1     too few or too many arguments
    │   ├── TemplateError               a --format template that cannot be read or filled
    │   ├── ImageNameError              a name that is no image reference
    │   └── DocumentError               an OCI document (duplicate key, too large, wrong shape)
    │       └── DigestMismatch          content that is not what its digest promises
    ├── NotFound                        what was named does not exist
    │   ├── NoSuchContainer
    │   ├── NoSuchImage
    │   ├── NoSuchVolume
    │   └── NoSuchVerb
    ├── Conflict                        it exists, and that is the trouble
    │   ├── NameTaken
    │   ├── WrongState                  a running container asked to do what only a stopped one can, or back
    │   └── ImageInUse
    ├── ArchiveError                    an archive or a layer that cannot be unpacked
    │   ├── TruncatedArchive
    │   ├── EscapingPath                a name that climbs out of the layer
    │   └── DeviceRefused               a device node where none may be made
    ├── RegistryError                   a registry refused, answered nonsense, or could not be reached
    │   ├── AccessDenied                it wants a login, or gives this login nothing
    │   └── NotInRegistry               it has no such repository, tag or blob
    ├── StoreError                      the state folder
    │   ├── StoreUnwritable
    │   └── NetworkFileSystem
    ├── Refused                         this machine or this release cannot keep what was asked for
    ├── LauncherError                   the warm process did not start or went away
    ├── StartError                 125  a container could not be started: the failing step and errno
    │   ├── CommandNotFound        127
    │   └── CommandNotExecutable   126
    ├── TimedOut                        a wait that reached its limit
    │   └── CommandTimedOut             a program inside that was ended, for its time was over; what it wrote
    └── CommandFailed                n  a program inside ended with n (raised where failing is asked for)

`exit_code` is what the command line ends with: docker's numbers.
"""

from __future__ import annotations

import os


class Error(Exception):
    """What failed, on what, and what to do next, in one sentence."""

    exit_code = 125

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else type(self).__name__

    def _render_traceback_(self) -> list[str]:
        """What IPython shows: where in the person's own code, and the sentence, which needs none of ours beside it."""
        from traceback import TracebackException

        told = TracebackException.from_exception(self)
        others = (f"{os.path.dirname(__file__)}/", "/IPython/core/")
        told.stack[:] = [frame for frame in told.stack if not any(part in frame.filename for part in others)]
        text = "".join(told.format()).rstrip("\n")
        # An image may have chosen words of the sentence: what would move a cursor is written out.
        return ["".join(letter if letter.isprintable() or letter == "\n" else ascii(letter)[1:-1] for letter in text)]


class KernelError(Error):
    """A system call was refused.

    call: the system call's name; path: what it was asked to work on ("" if nothing);
    errno: the number from errno(3).
    """

    def __init__(self, call: str, errno: int, path: str = "") -> None:
        self.call = call
        self.errno = errno
        self.path = path
        on = f" {path}" if path else ""
        super().__init__(f"{call}{on}: {errno_name(errno)} ({os.strerror(errno)})")

    def __reduce__(self) -> tuple[type[KernelError], tuple[str, int, str]]:
        return type(self), (self.call, self.errno, self.path)


class InputError(Error):
    """What was asked for is not well-formed."""


class OptionError(InputError):
    """An option or an argument of a verb is wrong."""


class WrongArguments(OptionError):
    """A verb was given too few or too many arguments."""

    exit_code = 1


class TemplateError(InputError):
    """A `--format` template that cannot be read or filled."""


class ImageNameError(InputError):
    """A name that is no image reference."""


class DocumentError(InputError):
    """An OCI document that is refused: a duplicate key, too large, the wrong shape."""


class DigestMismatch(DocumentError):
    """Content that is not what its digest promises."""


class NotFound(Error):
    """What was named does not exist."""


class NoSuchContainer(NotFound):
    """No container of that name or id."""


class NoSuchImage(NotFound):
    """No image of that name, digest or id."""


class NoSuchVolume(NotFound):
    """There is no volume of that name."""


class NoSuchVerb(NotFound):
    """No verb of that name."""


class Conflict(Error):
    """It exists, and that is the trouble."""


class NameTaken(Conflict):
    """A container already has that name."""


class WrongState(Conflict):
    """The container is not in a state in which this can be done."""


class ImageInUse(Conflict):
    """A container still uses the image."""


class ArchiveError(Error):
    """An archive or a layer that cannot be unpacked."""


class TruncatedArchive(ArchiveError):
    """The archive ends before it should."""


class EscapingPath(ArchiveError):
    """A name in an archive that climbs out of it."""


class DeviceRefused(ArchiveError):
    """A device node where none may be made."""


class RegistryError(Error):
    """A registry refused, answered nonsense, or could not be reached.

    Its words may stand in the sentence: nothing in it can command a terminal.
    """

    def __init__(self, sentence: str = "") -> None:
        super().__init__("".join(letter if letter.isprintable() else " " for letter in sentence))


class AccessDenied(RegistryError):
    """A registry wants a login, or gives this login nothing."""


class NotInRegistry(RegistryError):
    """A registry has no such repository, tag or blob."""


class StoreError(Error):
    """Something is wrong with the state folder."""


class StoreUnwritable(StoreError):
    """The state folder cannot be written."""


class NetworkFileSystem(StoreError):
    """The state folder lies on a file system that keeps neither locks nor overlays."""


class Refused(Error):
    """This machine or this release cannot keep what was asked for, and nothing less is done silently."""


class LauncherError(Error):
    """The launcher did not start, or went away in the middle of a request."""


class StartError(Error):
    """A container or an exec could not be started."""


class CommandNotFound(StartError):
    """The command is not in the container."""

    exit_code = 127


class CommandNotExecutable(StartError):
    """The command is there, but it cannot be executed."""

    exit_code = 126


class TimedOut(Error):
    """A wait reached its limit; what was waited for goes on."""


class CommandTimedOut(TimedOut):
    """A program inside was ended because its time was over.

    output: what it had written to standard output until then, stderr: to standard error, each up to the limit.
    """

    def __init__(self, sentence: str, output: bytes = b"", stderr: bytes = b"") -> None:
        super().__init__(sentence)
        self.output = output
        self.stderr = stderr

    def __reduce__(self) -> tuple[type[CommandTimedOut], tuple[str, bytes, bytes]]:
        return type(self), (str(self), self.output, self.stderr)


class CommandFailed(Error):
    """A program inside ended with another exit code than 0."""

    def __init__(self, sentence: str, exit_code: int) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code

    def __reduce__(self) -> tuple[type[CommandFailed], tuple[str, int]]:
        return type(self), (str(self), self.exit_code)


def errno_name(number: int) -> str:
    """`ENOENT` for 2; the number itself where it has no name."""
    import errno

    return errno.errorcode.get(number, str(number))


def to_wire(error: Error) -> dict[str, object]:
    """The error as JSON-able data, for another process of ours."""
    data: dict[str, object] = {"class": type(error).__name__, "sentence": str(error)}
    if isinstance(error, KernelError):
        data.update(call=error.call, errno=error.errno, path=error.path)
    if isinstance(error, CommandFailed):
        data["exit_code"] = error.exit_code
    return data


def from_wire(data: dict[str, object]) -> Error:
    """The error that `to_wire` described; a name that is not in the tree gives a plain Error."""
    if not isinstance(data, dict):
        return Error(str(data))
    name, sentence = str(data.get("class")), str(data.get("sentence"))
    try:
        if name == "KernelError":
            return KernelError(str(data["call"]), int(str(data["errno"])), str(data["path"]))
        if name == "CommandFailed":
            return CommandFailed(sentence, int(str(data["exit_code"])))
    except (KeyError, ValueError, OverflowError):
        return Error(sentence)
    found = globals().get(name)
    if isinstance(found, type) and issubclass(found, Error):
        return found(sentence)
    return Error(sentence)
