"""`diff` and `commit`: what a container changed, seen and kept."""

from __future__ import annotations

from ipycontainer.commands.options import Option, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ipycontainer.commands import Call


def diff(call: Call) -> int:
    """Shows what a container changed in its image's files."""
    changes = call.engine.get(call.parsed.arguments[0]).diff()
    call.console.paths([f"{kind} {path}" for kind, path in changes])
    return 0


def commit(call: Call) -> int:
    """Makes an image of what a container changed."""
    parsed = call.parsed
    name, *target = parsed.arguments
    container = call.engine.get(name)
    pause = parsed.flag("pause") if parsed.given("pause") else None
    if parsed.flag("no-pause"):
        pause = False
    if pause is None and container.status == "running" and not container.can_pause:
        call.console.complain(
            f"WARNING: this machine cannot make {container.name} stand still (there is no freezer for its processes):"
            " what it writes just now may be half there"
        )
    image = container.commit(
        target[0] if target else "",
        author=parsed.text("author"),
        message=parsed.text("message"),
        changes=parsed.many("change"),
        pause=pause,
    )
    call.console.line(image.id)
    return 0


DIFF = Verb(
    "diff",
    "CONTAINER",
    "Show what a container changed: A added, C changed, D deleted",
    diff,
    least=1,
    most=1,
    examples=("diff web",),
    completes="container",
)

COMMIT = Verb(
    "commit",
    "[OPTIONS] CONTAINER [REPOSITORY[:TAG]]",
    "Make an image of what a container changed",
    commit,
    (
        Option("author", "a", "text", "Who made it: 'Ada <ada@example.org>'"),
        Option("change", "c", "text", "A Dockerfile instruction for its settings: 'CMD [\"sh\"]'", many=True),
        Option("message", "m", "text", "A word about it, for its history"),
        Option("no-pause", "", "flag", "Its processes go on meanwhile"),
        Option("pause", "p", "flag", "Its processes stand still meanwhile (the default, where that can be)"),
    ),
    least=1,
    most=2,
    examples=("commit web web:patched", "commit -m 'more tools' -c 'ENV A=b' web mine:2"),
    completes="container",
)
