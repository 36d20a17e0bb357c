"""`image bootstrap`: a distribution's image from its packages, without a registry."""

from __future__ import annotations

from ipycontainer.commands.options import Option, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ipycontainer.commands import Call


def bootstrap(call: Call) -> int:
    """Makes the image and prints its id."""
    from ipycontainer.engine.bootstrap import bootstrap as make

    parsed, console = call.parsed, call.console
    packages = [name for item in parsed.many("include") for name in item.replace(",", " ").split()]
    quiet = parsed.flag("quiet")
    image = make(
        call.engine,
        parsed.arguments[0],
        packages,
        parsed.text("mirror"),
        parsed.text("variant") or "minbase",
        (lambda _line: None) if quiet else console.complain,
    )
    console.line(image.id)
    return 0


BOOTSTRAP = Verb(
    "image bootstrap",
    "[OPTIONS] DISTRIBUTION:SUITE",
    "Make a distribution's image from its packages, with mmdebstrap",
    bootstrap,
    (
        Option("include", "", "text", "More packages, separated by commas", many=True),
        Option("mirror", "", "text", "Where the packages are: http://deb.debian.org/debian"),
        Option("quiet", "q", "flag", "Do not show what mmdebstrap says"),
        Option("variant", "", "text", "How much of it: essential, apt, minbase (the default), standard, …"),
    ),
    least=1,
    most=1,
    examples=("image bootstrap debian:bookworm", "image bootstrap --include python3,ca-certificates debian:trixie"),
)
