"""What `logs --details` puts before each line: labels and variables that --log-opt chose.

`labels` and `env` name them, `labels-regex` and `env-regex` match their names; docker's json-file driver has the same.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from ipycontainer.engine.container import Container

NAMES = ("labels", "labels-regex", "env", "env-regex", "tag")


def details_of(container: Container, tag: str = "") -> str:
    """`name=value,…` in the order of their names, escaped as in a URL; "" where none was chosen.

    tag: what --log-opt tag=… makes of this container, "" for none.
    """
    from urllib.parse import quote_plus

    document = container.inspect()
    options: dict[str, str] = document["HostConfig"]["LogConfig"]["Config"]
    variables = dict(word.partition("=")[::2] for word in document["Config"]["Env"] or ())
    labels: dict[str, str] = document["Config"]["Labels"] or {}
    chosen = {**_chosen(labels, options, "labels"), **_chosen(variables, options, "env")}
    chosen.update({"tag": tag} if tag else {})
    return ",".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in sorted(chosen.items()))


def _chosen(there: Mapping[str, str], options: Mapping[str, str], kind: str) -> dict[str, str]:
    import re

    names = [name for name in options.get(kind, "").split(",") if name in there]
    pattern = options.get(f"{kind}-regex", "")
    if pattern:
        names += [name for name in there if re.search(pattern, name)]
    return {name: there[name] for name in names}
