"""In the guest, after a power cut: what the store at argv[1] says now, as one line of JSON.

Every image's files are read and every log, by the same calls that a person's commands make.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from ipycontainer import Engine
from tests.vm.inside.workload import FILES, archive


def container(found: Any) -> dict[str, Any]:
    state = found.state()
    return {"name": found.name, "status": state.status, "exit_code": state.exit_code, "log": found.logs().decode()}


def image(engine: Engine, name: str) -> str:
    """ "whole", or what is wrong with it."""
    try:
        for lower in engine.store.launch(name).lowers:
            marks = os.path.join(engine.root, "layers", lower, "marks")
            for number in range(FILES):
                with open(f"{marks}/{number:03}", encoding="ascii") as file:
                    if file.read() != f"{name.partition(':')[0]} {number}\n" * 50:
                        return f"{marks}/{number:03} has another content"
    except Exception as error:  # noqa: BLE001 whatever it is, the verdict is told outside
        return f"{type(error).__name__}: {error}"
    return "whole"


def main() -> None:
    engine = Engine(sys.argv[1])
    names = [name for found in engine.images() for name in found.names]
    marked = [name for name in names if not name.startswith("base")]
    containers = [container(found) for found in engine.containers(all=True)]
    images = {name: image(engine, name) for name in marked}
    again = engine.run("base", ["echo", "again"], remove=True)
    # What a load that was cut off has left goes with the next image that is removed.
    engine.load(archive("probe"))
    engine.remove_image("probe", force=True)
    verdict = {
        "containers": containers,
        "images": images,
        "again": again.text.strip(),
        "left": [
            f"{folder}/{name}"
            for folder in ("trash", "images/ingest", "layers")
            if os.path.isdir(f"{engine.root}/{folder}")
            for name in os.listdir(f"{engine.root}/{folder}")
            if folder != "layers" or name.startswith(".")
        ],
    }
    print(json.dumps(verdict))


if __name__ == "__main__":
    main()
