"""`completion`: what bash and zsh are to do at the Tab key, and what they ask then."""

from __future__ import annotations

from ipycontainer.commands.options import Option, Verb
from ipycontainer.errors import WrongArguments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ipycontainer.commands import Call
    from ipycontainer.engine.engine import Engine

# Names with a colon (image:tag) are one word to us, and to bash several: what stands before the last one is cut off.
BASH = """\
# ipycontainer completion for bash:   source <(ipycontainer completion bash)
_ipycontainer() {
    local words cword cur prefix line
    if declare -F _get_comp_words_by_ref >/dev/null; then
        _get_comp_words_by_ref -n := words cword cur
    else
        words=("${COMP_WORDS[@]}") cword=$COMP_CWORD cur=${COMP_WORDS[COMP_CWORD]}
    fi
    COMPREPLY=()
    while IFS= read -r line; do COMPREPLY+=("$line"); done < <(
        "${words[0]}" completion --words -- "${words[@]:1:cword-1}" "$cur" 2>/dev/null
    )
    if [[ $cur == *:* && $COMP_WORDBREAKS == *:* ]]; then
        prefix=${cur%"${cur##*:}"}
        COMPREPLY=("${COMPREPLY[@]#"$prefix"}")
    fi
}
complete -o default -F _ipycontainer ipycontainer
"""

ZSH = """\
#compdef ipycontainer
# ipycontainer completion for zsh:   source <(ipycontainer completion zsh)
_ipycontainer() {
    local -a found
    found=("${(@f)$("${words[1]}" completion --words -- "${(@)words[2,CURRENT-1]}" "$PREFIX" 2>/dev/null)}")
    found=("${(@)found:#}")
    if (( ${#found} )); then
        compadd -- "${found[@]}"
    else
        _files
    fi
}
compdef _ipycontainer ipycontainer
"""

_SHELLS = {"bash": BASH, "zsh": ZSH}


def completion(call: Call) -> int:
    """Prints the shell's script; or with --words, for that script, what the line could go on with."""
    arguments = call.parsed.arguments
    if call.parsed.flag("words"):
        call.console.lines(_words(call, arguments))
        return 0
    if len(arguments) != 1 or arguments[0] not in _SHELLS:
        raise WrongArguments(f"there are scripts for {' and '.join(_SHELLS)}: completion {'|'.join(_SHELLS)}")
    call.console.lines(_SHELLS[arguments[0]].splitlines())
    return 0


def _words(call: Call, words: list[str]) -> list[str]:
    from ipycontainer.commands.completion import candidates, names_in

    *before, prefix = words or [""]
    root = ""
    while before and before[0].startswith("-"):
        name, equals, value = before[0].partition("=")
        used = 1 if equals or name != "--root" else 2
        if name == "--root":
            root = value if equals else "".join(before[1:2])
        before = before[used:]
    found = candidates(before, prefix)

    def engine() -> Engine:
        if not root:
            return call.engine
        from ipycontainer.engine.engine import Engine

        return Engine(root)

    texts = names_in(found.names, engine) if found.names else sorted(text for text, _ in found.words)
    return [text for text in texts if text.startswith(prefix)]


COMPLETION = Verb(
    "completion",
    "SHELL",
    "Print the script with which bash or zsh completes verbs, options and names",
    completion,
    (Option("words", "", "flag", "What a line could go on with", hidden=True),),
    mixed=False,
    examples=("completion bash > ~/.local/share/bash-completion/completions/ipycontainer", "completion zsh"),
)
