"""`make run`: executes the quickstart notebook and prints what a person would see in it."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from traitlets.config import Config

NOTEBOOK = Path(__file__).resolve().parent.parent / "notebooks" / "00-quickstart.ipynb"
CELL_SECONDS = 120
COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def paint(text: str, style: str) -> str:
    return f"\x1b[{style}m{text}\x1b[0m" if sys.stdout.isatty() else text


def plain(output: dict[str, Any]) -> str:
    """One output as text: what a terminal can show of it."""
    if output["output_type"] == "stream":
        text = str(output["text"])
    elif output["output_type"] == "error":
        text = "\n".join(output["traceback"])
    else:
        text = str(output["data"].get("text/plain", ""))
    return text if sys.stdout.isatty() else COLOURS.sub("", text)


class Reader(NotebookClient):
    """Executes a notebook and prints each cell as it is done."""

    async def async_execute_cell(self, cell: Any, cell_index: int, **options: Any) -> Any:
        source = str(cell["source"]).strip()
        if cell["cell_type"] == "markdown":
            print(paint(source, "2"), end="\n\n")
            return cell
        print(paint("\n".join("  " + line for line in source.splitlines()), "1"), flush=True)
        try:
            return await super().async_execute_cell(cell, cell_index, **options)
        finally:
            for output in cell.get("outputs", []):
                if text := plain(output).rstrip("\n"):
                    print(text)
            print(flush=True)


def main() -> int:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    os.environ["PATH"] = f"{Path(sys.executable).parent}:{os.environ.get('PATH', os.defpath)}"
    with tempfile.TemporaryDirectory() as folder:
        # The kernel's sockets lie in a folder of ours instead of on open ports.
        config = Config({"KernelManager": {"transport": "ipc", "ip": f"{folder}/kernel"}})
        resources = {"metadata": {"path": str(NOTEBOOK.parent)}}
        reader = Reader(notebook, timeout=CELL_SECONDS, kernel_name="python3", resources=resources, config=config)
        try:
            reader.execute()
        except CellExecutionError:
            print(f"A cell of {NOTEBOOK.name} failed; what it said is above.", file=sys.stderr)
            return 1
    print("That was notebooks/00-quickstart.ipynb. To run it yourself:  .venv/bin/jupyter lab notebooks/")
    return 0


if __name__ == "__main__":
    sys.exit(main())
