"""docker's grammar, and what each verb does: written once for the magic and the command line.

words = split(line)                          words.py: what was quoted is remembered
dispatch(words, console, open_engine, cwd)   verbs.py: the verb's module alone is imported
    -> options.read(verb, words)             options.py: rows, one reader
    -> verb.perform(Call)                    run.py, life.py, look.py, exec.py, images.py, about.py
"""

from __future__ import annotations

from ipycontainer.errors import Error, OptionError, Refused, WrongArguments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ipycontainer.commands.console import Console
    from ipycontainer.commands.options import Parsed, Verb
    from ipycontainer.commands.words import Word
    from ipycontainer.engine.engine import Engine

    OpenEngine = Callable[[str | None], Engine]

# Only where a file is what the verb is about; elsewhere `<` and `>` belong to the container's command.
REDIRECTED = ("save", "load", "import", "export", "cp", "logs")


class Call:
    """One call of a verb: what was asked, where it speaks, and the way to the engine."""

    def __init__(self, parsed: Parsed, console: Console, open_engine: Callable[[], Engine], cwd: str) -> None:
        self.parsed = parsed
        self.console = console
        self.cwd = cwd
        self.source = ""  # the file after an unquoted `<`
        self._open_engine = open_engine
        self._engine: Engine | None = None

    @property
    def engine(self) -> Engine:
        """The engine, opened when first asked for: bad input never opens one."""
        if self._engine is None:
            self._engine = self._open_engine()
        return self._engine


def dispatch(words: Sequence[Word | str], console: Console, open_engine: OpenEngine, cwd: str) -> int:
    """Performs one line and returns its exit code; an error becomes one sentence on stderr."""
    try:
        return perform(words, console, open_engine, cwd)
    except Error as error:
        console.complain(sentence(error, console))
        return exit_code(error)


def perform(words: Sequence[Word | str], console: Console, open_engine: OpenEngine, cwd: str) -> int:
    """Performs one line and returns its exit code; errors are raised, with the exit code that docker gives.

    A word that is a plain str was cut by a shell: nothing in it is an operator.
    """
    from ipycontainer.commands import verbs

    texts = [word if isinstance(word, str) else word.text for word in words]
    options = verbs.before_the_verb(texts)
    if options.answer:
        console.line(verbs.answer(options.answer, console.program, options.topic))
        return 0
    topic = verbs.help_topic(texts[options.used :])
    if topic is not None:
        from ipycontainer.commands.help import topic_help

        console.line(topic_help(topic, console.program))
        return 0
    verb, used = verbs.find(texts[options.used :])
    used += options.used
    rest, source, target, append = texts[used:], "", "", False
    if verb.name in REDIRECTED and any(not isinstance(word, str) and word.arrow for word in words[used:]):
        from ipycontainer.commands.words import literal, redirection

        asked = redirection([word if not isinstance(word, str) else literal(word) for word in words[used:]])
        rest, source, target, append = [word.text for word in asked.words], asked.source, asked.target, asked.append
    try:
        parsed = _read(verb, rest, console)
        if parsed.help:
            from ipycontainer.commands.help import verb_help

            console.line(verb_help(verb, console.program))
            return 0
        call = Call(parsed, console, lambda: open_engine(options.root), cwd)
        call.source = source
        return _into_file(call, target, append) if target else verb.perform(call)
    except Error as error:
        if not (verb.own_exit_code or isinstance(error, (OptionError, Refused))):
            error.exit_code = 1
        raise


def _read(verb: Verb, words: list[str], console: Console) -> Parsed:
    from ipycontainer.commands.options import read

    try:
        return read(verb, words)
    except Refused:
        raise
    except OptionError as error:
        raise type(error)(f"{error}. See '{console.program} {verb.name} --help'.") from None


def _into_file(call: Call, target: str, append: bool) -> int:
    from os.path import join

    from ipycontainer.commands.console import Redirected

    path = join(call.cwd, target)
    try:
        with open(path, "ab" if append else "wb") as file:
            call.console = Redirected(call.console, file.write)
            return call.parsed.verb.perform(call)
    except OSError as error:
        raise Error(f"{path} cannot be written: {error.strerror}") from None


def sentence(error: Error, console: Console) -> str:
    """The one line that a person reads."""
    mark = console.program if isinstance(error, (OptionError, WrongArguments)) else "Error"
    return f"{mark}: {error}"


def exit_code(error: Error) -> int:
    """The exit code of a call that ended with `error`."""
    return error.exit_code
