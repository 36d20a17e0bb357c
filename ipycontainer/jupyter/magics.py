"""`%container`, `%%container` and `%%in_container`."""

from __future__ import annotations

from IPython.core.magic import Magics, line_cell_magic, magics_class, needs_local_scope, no_var_expand
from traitlets import Unicode

from ipycontainer.jupyter.completion import matcher_for

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from ipycontainer.commands.options import Parsed
    from ipycontainer.engine.engine import Engine
    from ipycontainer.jupyter.console import CellConsole
    from ipycontainer.jupyter.performance import Run


@magics_class
class ContainerMagics(Magics):
    """Containers from a cell."""

    image = Unicode("base", help="The image of a %%in_container that names none.").tag(config=True)
    options = Unicode("--rm", help="Options that every %%in_container begins with, for instance '--rm -m 256m'.").tag(
        config=True
    )
    root = Unicode("", help="The store to work in; empty for IPYCONTAINER_ROOT, else the user's own.").tag(config=True)

    def __init__(self, shell: Any) -> None:
        super().__init__(shell)
        self._shell = shell
        self._engines: dict[str, Engine] = {}
        self.matcher = matcher_for(self.engine)

    @no_var_expand
    @needs_local_scope
    @line_cell_magic
    def container(self, line: str, cell: str | None = None, local_ns: Mapping[str, Any] | None = None) -> Any:
        """Containers, with docker's words: `%container run --rm base echo hello`.

            %container --help             all verbs
            %container run --help         all options of one
            ids = %container ps -q        a value instead of output
            %%container run -i base cat   the cell's text is the program's stdin

        Before the verb: `--out VAR` and `--err VAR` put the output into a variable,
        `--no-raise` lets the cell go on after a failure (not after a word that is
        wrong), and `--expand` replaces `$name` and `{expression}` in unquoted words
        by Python's values (nothing is replaced otherwise).
        """
        from ipycontainer.commands import perform
        from ipycontainer.commands.words import split
        from ipycontainer.jupyter.cell_options import advice, cell_help, expanded, misplaced
        from ipycontainer.jupyter.line import before_the_verb, continued, only_looks
        from ipycontainer.linux.working_folder import working_folder

        line, cell = continued(line, cell)

        def run(console_for: Callable[[Parsed, str | None], CellConsole]) -> int:
            own, words = before_the_verb(split(line))
            if own.flag("expand"):
                words = expanded(words, self._names(local_ns))
            console = console_for(own, cell)
            console.only_looks = only_looks(words)
            names = self._names(local_ns)
            console.advice = "" if own.flag("expand") else advice(words, names, " before the verb")
            console.mistaken = misplaced(words)
            code = perform(words, console, self.engine, working_folder())
            if own.help or not words:
                console.line(cell_help())
            elif cell and not console.was_read:
                console.complain("the cell's text was not read: -i, without -d, gives it to the program as its stdin")
            return code

        return self._perform(line, run)

    @no_var_expand
    @needs_local_scope
    @line_cell_magic
    def in_container(self, line: str, cell: str | None = None, local_ns: Mapping[str, Any] | None = None) -> Any:
        """The cell's text runs in a new container: `%%in_container [IMAGE] [options]`.

            %%in_container --rm -v .:/work -w /work
            echo "I am PID $$ on $(hostname)"; ls

        `%in_container --help` lists the options, for IPython runs no cell without a text.
        The options are those of `%container run`, on either side of the image.  The
        image's shell runs the text, with `--python` its python3, with `--interpreter
        'perl -w'` anything that reads a program from stdin.  The container is removed
        at its end, unless `--rm=false`.  `--out VAR`, `--err VAR`, `--no-raise` and
        `--expand` are as in `%container`.

        `%config ContainerMagics.image = "debian"` sets the image for cells that name
        none, `ContainerMagics.options` what every line begins with.
        """
        from ipycontainer.commands import Call
        from ipycontainer.commands.words import split
        from ipycontainer.errors import OptionError
        from ipycontainer.jupyter import in_container
        from ipycontainer.jupyter.cell_options import advice, expanded
        from ipycontainer.jupyter.line import continued
        from ipycontainer.linux.working_folder import working_folder

        line, cell = continued(line, cell)

        def run(console_for: Callable[[Parsed, str | None], CellConsole]) -> int:
            words = split(line)
            expands = in_container.expands(words, self.options)
            hint = "" if expands else advice(words, self._names(local_ns))
            if expands:
                words = expanded(words, self._names(local_ns))
            parsed = in_container.read_line([word.text for word in words], self.options, self.image)
            if parsed.help:
                console_for(parsed, None).line(in_container.help_text())
                return 0
            if cell is None:
                raise OptionError("%in_container runs a cell's text: write %% before it, and the program below")
            console = console_for(parsed, in_container.put_program(parsed, cell))
            console.advice = hint
            return in_container.perform(Call(parsed, console, lambda: self.engine(None), working_folder()))

        return self._perform("the program of this cell", run)

    def _perform(self, what: str, run: Run) -> Any:
        from ipycontainer.jupyter.performance import Performance

        short = " ".join(what.split())
        return Performance(short if len(short) <= 60 else short[:59] + "…", self._shell.user_ns).of(run)

    def _names(self, local_ns: Mapping[str, Any] | None) -> dict[str, Any]:
        return {**self._shell.user_ns, **(local_ns or {})}

    def engine(self, root: str | None) -> Engine:
        from ipycontainer.engine.engine import Engine
        from ipycontainer.launcher.folders import store_root

        # By the store that is meant now: %env and os.chdir change it, as they do for an Engine() of one's own.
        store = store_root(root or self.root)
        if store not in self._engines:
            self._engines[store] = Engine(store)
        return self._engines[store]
