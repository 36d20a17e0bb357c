"""`pull`, `push`, `login`, `logout`, `search`, `catalog`: what goes over a registry."""

from __future__ import annotations

from ipycontainer.commands.archives import IGNORE_IDS, archive_on_stdin, say_what_was_folded
from ipycontainer.commands.options import Option, Verb
from ipycontainer.commands.tables import cut
from ipycontainer.errors import Error, InputError
from ipycontainer.oci import reference as references

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ipycontainer.commands import Call

_HUB = "docker.io"


def pull(call: Call) -> int:
    """Brings images from a registry."""
    parsed, console = call.parsed, call.console
    reference = references.parse(parsed.arguments[0])
    quiet = parsed.flag("quiet")
    if not parsed.flag("all-tags"):
        if not (reference.tag or reference.digest or quiet):
            console.line("Using default tag: latest")
        show_pull(call, str(reference.tagged()), quiet)
        return 0
    if reference.tag or reference.digest:
        raise InputError("tag can't be used with --all-tags/-a")
    from ipycontainer.images.registry.search import tags

    for tag in tags(reference.domain, reference.path):
        show_pull(call, str(reference.replace(tag=tag)), quiet)
    if quiet:
        console.line(reference.name)
    return 0


def show_pull(call: Call, name: str, quiet: bool = False, aside: bool = False) -> None:
    """Pull with docker's words; aside: on stderr, where stdout belongs to what is run."""
    from ipycontainer.engine.registries import pull as fetch
    from ipycontainer.engine.registries import silent

    console = call.console
    line = console.complain if aside else console.line
    reference = references.normalise(name)
    platform, ignore_ids = call.parsed.text("platform"), call.parsed.flag("ignore-ids")
    if quiet:
        found = fetch(call.engine, name, platform, silent, ignore_ids)
        if not (aside or call.parsed.flag("all-tags")):
            line(str(reference))
        say_what_was_folded(call, call.engine.image(found.id))
        return
    path = reference.path if reference.domain == _HUB else reference.name.partition("/")[2]
    begun: list[str] = []
    progress = console.progress(aside)

    def tell(layer: str, state: str, done: int, total: int) -> None:
        if not begun:  # only now is it known that there is something to pull
            begun.append(f"{reference.tag or reference.digest}: Pulling from {path}")
            line(begun[0])
        progress(layer, state, done, total)

    try:
        found = fetch(call.engine, name, platform, tell, ignore_ids)
    finally:
        progress.close()
    line(f"Digest: {found.digest}")
    what = "Downloaded newer image for" if found.new else "Image is up to date for"
    line(f"Status: {what} {reference.familiar}")
    if not aside:
        line(str(reference))
    say_what_was_folded(call, call.engine.image(found.id))


def push(call: Call) -> int:
    """Brings an image to the registry that its name says."""
    from ipycontainer.engine.registries import made_from_host, silent
    from ipycontainer.engine.registries import push as send

    parsed, console = call.parsed, call.console
    reference = references.parse(parsed.arguments[0])
    names = [str(reference.tagged())]
    if parsed.flag("all-tags"):
        if reference.tag or reference.digest:
            raise InputError("tag can't be used with --all-tags/-a")
        known = [references.parse(name) for image in call.engine.images() for name in image.names]
        names = [str(name) for name in known if name.name == reference.name]
        if not names:
            raise Error(f"An image does not exist locally with the tag: {reference.repository}")
    quiet = parsed.flag("quiet")
    if not quiet:
        console.line(f"The push refers to repository [{reference.name}]")
    for name in names:
        if made_from_host(call.engine, name):
            console.complain(
                "WARNING: this image holds files of this very machine (it was made from `base`); whoever can pull it"
                " gets them"
            )
        progress = None if quiet else console.progress()
        try:
            found = send(call.engine, name, progress or silent)
        finally:
            if progress:
                progress.close()
        if not quiet:
            console.line(f"{found.reference.tag}: digest: {found.digest} size: {found.size}")
        elif not parsed.flag("all-tags"):
            console.line(str(found.reference))
    if quiet and parsed.flag("all-tags"):
        console.line(reference.name)
    return 0


def login(call: Call) -> int:
    """Tries a login and keeps it in docker's own file."""
    from ipycontainer.images.registry import credentials
    from ipycontainer.images.registry.search import check_login

    parsed, console = call.parsed, call.console
    registry = _registry(parsed.arguments)
    user, password = parsed.text("username"), parsed.text("password")
    if parsed.flag("password-stdin"):
        if password:
            raise InputError("--password and --password-stdin are mutually exclusive")
        if not user:
            raise InputError("Must provide --username with --password-stdin")
        password = _from_stdin(call)
    elif password:
        console.complain("WARNING! Using --password via the CLI is insecure. Use --password-stdin.")
    user = user or console.ask("Username: ", "--username")
    password = password or console.ask("Password: ", "--password-stdin", secret=True)
    if not user or not password:
        raise Error("a user name and a password are needed to log in")
    found = credentials.Login(user, password)
    check_login(registry, found)
    if credentials.keep(registry, found) == credentials.path():
        console.complain(
            f"WARNING! Your password will be stored unencrypted in {credentials.path()}."
            " Configure a credential helper to remove this warning."
        )
    console.line("Login Succeeded")
    return 0


def _from_stdin(call: Call) -> str:
    descriptor = archive_on_stdin(call, "--password")
    with open(descriptor, "rb", closefd=False) as file:
        return file.read(65536).decode("utf-8", "surrogateescape").rstrip("\r\n")


def logout(call: Call) -> int:
    """Forgets a login."""
    from ipycontainer.images.registry import credentials

    registry = _registry(call.parsed.arguments)
    credentials.forget(registry)
    # docker's client says so since 20.10 whether there was a login or not.
    call.console.line(f"Removing login credentials for {registry}")
    return 0


def _registry(arguments: list[str]) -> str:
    """The registry that is meant: an address, with or without a scheme and a path."""
    name = arguments[0] if arguments else _HUB
    name = name.partition("://")[2] or name
    name = name.partition("/")[0].lower()
    return _HUB if name in ("index.docker.io", "registry-1.docker.io", "") else name


def search(call: Call) -> int:
    """Searches Docker Hub, or the registry that stands before the term."""
    from ipycontainer.commands.listing import Report
    from ipycontainer.images.registry.search import search as find

    parsed = call.parsed
    limit = parsed.number("limit", 25)
    if not 1 <= limit <= 100:
        raise InputError(f"limit {limit} is outside the range of [1, 100]")
    conditions = dict(parsed.many("filter"))
    for key in conditions:
        if key not in ("stars", "is-official"):
            raise InputError(f"invalid filter {key!r}; there are stars and is-official")
    least = conditions.get("stars", "0")
    if not least.isdecimal():
        raise InputError(f"invalid filter 'stars={least}'; it is a number")
    official = conditions.get("is-official")
    form = parsed.text("format")
    if form in ("", "table"):
        form = "table {{.Name}}\t{{.Description}}\t{{.StarCount}}\t{{.IsOfficial}}"
    report = Report(form)
    rows = [
        {
            "Name": hit.name,
            "Description": hit.description if parsed.flag("no-trunc") else cut(hit.description, 45),
            "StarCount": str(hit.stars),
            "IsOfficial": "[OK]" if hit.official else "",
        }
        for hit in find(parsed.arguments[0], limit)
        if hit.stars >= int(least) and (official is None or hit.official is (official in ("true", "1")))
    ]
    headings = {"Name": "NAME", "Description": "DESCRIPTION", "StarCount": "STARS", "IsOfficial": "OFFICIAL"}
    report.show(call.console, rows, headings)
    return 0


def catalog(call: Call) -> int:
    """Lists what a registry has: its repositories, or the tags of one."""
    from ipycontainer.images.registry import search as registries

    registry, slash, path = call.parsed.arguments[0].partition("/")
    if not slash:
        call.console.lines(registries.catalog(registry.lower()))
        return 0
    reference = references.parse(f"{registry}/{path}")
    call.console.lines([f"{reference.repository}:{tag}" for tag in registries.tags(reference.domain, reference.path)])
    return 0


PULL = Verb(
    "pull",
    "[OPTIONS] NAME[:TAG|@DIGEST]",
    "Bring an image from a registry",
    pull,
    (
        Option("all-tags", "a", "flag", "All tags of the repository"),
        IGNORE_IDS,
        Option("platform", "", "text", "For another machine: linux/arm64"),
        Option("quiet", "q", "flag", "Show the name alone"),
    ),
    least=1,
    most=1,
    examples=("pull debian:bookworm-slim", "pull localhost:5000/web:patched"),
)

PUSH = Verb(
    "push",
    "[OPTIONS] NAME[:TAG]",
    "Bring an image to the registry that its name says",
    push,
    (
        Option("all-tags", "a", "flag", "All tags of the repository"),
        Option("quiet", "q", "flag", "Show the name alone"),
    ),
    least=1,
    most=1,
    examples=("push localhost:5000/web:patched",),
    completes="image",
)

LOGIN = Verb(
    "login",
    "[OPTIONS] [SERVER]",
    "Log in to a registry; kept where docker keeps it",
    login,
    (
        Option("password", "p", "text", "The password (others can see it: --password-stdin is better)"),
        Option("password-stdin", "", "flag", "Read the password from stdin"),
        Option("username", "u", "text", "The user's name"),
    ),
    most=1,
    examples=("login localhost:5000", "login -u ada --password-stdin registry.example < token"),
)

LOGOUT = Verb(
    "logout",
    "[SERVER]",
    "Forget the login to a registry",
    logout,
    most=1,
    examples=("logout localhost:5000",),
)

SEARCH = Verb(
    "search",
    "[OPTIONS] TERM",
    "Search Docker Hub",
    search,
    (
        Option("filter", "f", "filter", "Show those that match: stars=10, is-official=true", many=True),
        Option("format", "", "text", "table, json, or a Go template: '{{.Name}}'"),
        Option("limit", "", "int", "At most so many (25)"),
        Option("no-trunc", "", "flag", "Do not shorten"),
    ),
    least=1,
    most=1,
    examples=("search alpine", "search -f is-official=true debian"),
)

CATALOG = Verb(
    "catalog",
    "REGISTRY[/REPOSITORY]",
    "List a registry's repositories, or the tags of one",
    catalog,
    least=1,
    most=1,
    examples=("catalog localhost:5000", "catalog localhost:5000/web"),
)
