"""`save`, `import`, `export`: images and trees into archives, and back."""

from __future__ import annotations

from ipycontainer.commands.options import Option, Verb
from ipycontainer.errors import Error, Refused, WrongArguments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ipycontainer.commands import Call
    from ipycontainer.engine.image import Image


def save(call: Call) -> int:
    """Writes images into an archive."""
    from os.path import join

    path = call.parsed.text("output")
    if path:
        call.engine.save(call.parsed.arguments, join(call.cwd, path))
        return 0
    needs_a_file(call, "save -o FILE")
    give(call, call.engine.save(call.parsed.arguments))
    return 0


def needs_a_file(call: Call, hint: str) -> None:
    """Refuses to pour an archive over a terminal or into a cell's output, as docker does."""
    if not call.console.takes_bytes():
        raise Error(f"cowardly refusing to save to a terminal: write {hint}, or redirect: > FILE")


def give(call: Call, pieces: Iterable[bytes]) -> None:
    """Pieces of an archive to stdout."""
    for piece in pieces:
        call.console.out(piece)


def export(call: Call) -> int:
    """Writes all files of a container into an archive."""
    from os.path import join

    from ipycontainer.engine.images import write_whole

    path = call.parsed.text("output")
    if not path:
        needs_a_file(call, "export -o FILE")
    container = call.engine.get(call.parsed.arguments[0])
    if path:
        write_whole(join(call.cwd, path), container.export())
    else:
        give(call, container.export())
    return 0


def import_(call: Call) -> int:
    """Makes an image of one layer from an archive of a whole root."""
    parsed = call.parsed
    arguments = list(parsed.arguments)
    source = call.source or (arguments.pop(0) if arguments else "")
    if not source:
        raise WrongArguments("'import' requires an archive: import FILE|- [REPOSITORY[:TAG]], or import NAME < FILE")
    if source.startswith(("http://", "https://")):
        raise Refused(f"import reads files: get {source} first (curl -LO {source}), or pipe it into `import -`")
    if len(arguments) > 1:
        raise WrongArguments("'import' requires at most one name: import FILE|- [REPOSITORY[:TAG]]")
    name = arguments[0] if arguments else ""
    if source == "-":
        where: str | int = archive_on_stdin(call, "import FILE")
    else:
        where = join_to(call.cwd, source)
    image = call.engine.import_tree(
        where, name, parsed.text("message"), parsed.many("change"), ignore_ids=parsed.flag("ignore-ids"),
        platform=parsed.text("platform"),
    )  # fmt: skip
    call.console.line(image.id)
    say_what_was_folded(call, image)
    return 0


IGNORE_IDS = Option("ignore-ids", "", "flag", "Give to root what belongs to ids that this user does not have")


def say_what_was_folded(call: Call, image: Image) -> None:
    """A warning, where files of the image have other owners than they should; so much was asked for (--ignore-ids)."""
    if call.parsed.flag("ignore-ids") and image.folded:
        name = image.names[0] if image.names else image.short_id
        call.console.complain(
            f"WARNING: {image.folded} names of {name} belong to ids that this user does not have; here they are root's,"
            " without their set-id bits"
        )


def join_to(folder: str, path: str) -> str:
    """`path` as somebody in `folder` means it."""
    import os

    return os.path.join(folder, os.path.expanduser(path))


def archive_on_stdin(call: Call, hint: str) -> int:
    """The descriptor of an archive that is piped in."""
    import os

    stdin = call.console.stdin()
    if stdin is None or os.isatty(stdin):
        raise Error(f"there is no archive on standard input: write {hint}, or use a pipe")
    return stdin


SAVE = Verb(
    "save",
    "[OPTIONS] IMAGE [IMAGE...]",
    "Save images into an archive that docker, podman and skopeo read",
    save,
    (Option("output", "o", "text", "The file to write, instead of stdout"),),
    least=1,
    examples=("save -o base.tar base", "save base debian:12 > both.tar"),
    completes="image",
)

EXPORT = Verb(
    "export",
    "[OPTIONS] CONTAINER",
    "Write all files of a container into an archive",
    export,
    (Option("output", "o", "text", "The file to write, instead of stdout"),),
    least=1,
    most=1,
    examples=("export -o web.tar web", "export web > web.tar"),
    completes="container",
)

IMPORT = Verb(
    "import",
    "[OPTIONS] FILE|- [REPOSITORY[:TAG]]",
    "Make an image of one layer from an archive of a whole root",
    import_,
    (
        Option("change", "c", "text", "A Dockerfile instruction for its settings: 'CMD [\"sh\"]'", many=True),
        IGNORE_IDS,
        Option("message", "m", "text", "A word about it, for its history"),
        Option("platform", "", "text", "For which its files are, such as linux/arm64 (this machine's)"),
    ),
    examples=("import web.tar web:flat", "import -c 'CMD [\"sh\"]' root.tar.gz mine"),
)
