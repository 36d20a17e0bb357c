"""`python -m benchmarks`: what there is; `python -m benchmarks start`: one of them.  Needs root."""

from __future__ import annotations

import argparse
import importlib
import os
import sys

from benchmarks import machine

NAMES = (
    "start", "exec", "user", "confinement", "cold", "ps", "crowd", "imports", "kernel", "images", "dashboard",
    "side_bar", "thousand",
)  # fmt: skip


def main() -> int:
    reader = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    verbs = reader.add_subparsers(dest="name", metavar="BENCHMARK")
    for name in NAMES:
        module = importlib.import_module(f"benchmarks.{name}")
        verb = verbs.add_parser(name, help=module.HELP, description=module.HELP)
        verb.add_argument("--rounds", type=int, default=30, help="counted rounds (30)")
        verb.add_argument(
            "--only", action="append", default=[], metavar="WORD", help="contenders with WORD in their name"
        )
    options = reader.parse_args()
    if not options.name:
        reader.print_help()
        return 0
    if os.geteuid() != 0:
        print("The benchmarks make disks, users and daemons of their own: run them as root.", file=sys.stderr)
        return 1
    chosen = importlib.import_module(f"benchmarks.{options.name}")
    machine.in_own_mounts(sys.executable if getattr(chosen, "NEEDS_PACKAGES", False) else "")
    chosen.run(options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
