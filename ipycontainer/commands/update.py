"""`update`: other limits for containers that are there."""

from __future__ import annotations

from ipycontainer.commands.options import Option, Verb
from ipycontainer.errors import Error, WrongArguments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ipycontainer.commands import Call

_NAMES = (
    "blkio-weight", "cpu-period", "cpu-quota", "cpu-rt-period", "cpu-rt-runtime", "cpu-shares", "cpus", "cpuset-cpus",
    "cpuset-mems", "memory", "memory-reservation", "memory-swap", "pids-limit", "restart",
)  # fmt: skip


def update(call: Call) -> int:
    """Gives containers other limits, and prints each that has them."""
    asked = {name.replace("-", "_"): call.parsed.values[name] for name in _NAMES if call.parsed.given(name)}
    if not asked:
        raise WrongArguments("you must provide one or more flags when using this command, such as -m 64m")
    code = 0
    for reference in call.parsed.arguments:
        try:
            call.engine.get(reference).update(**asked)
        except Error as error:
            call.console.complain(f"Error: {error}")
            code = 1
        else:
            call.console.line(reference)
    return code


UPDATE = Verb(
    "update",
    "[OPTIONS] CONTAINER [CONTAINER...]",
    "Give containers other limits, now and for their next starts",
    update,
    (
        Option("blkio-weight", "", "int", "Share of the disks, 10 to 1000"),
        Option("cpu-period", "", "int", "Length of the period of --cpu-quota, in microseconds"),
        Option("cpu-quota", "", "int", "Time on the CPUs in each period, in microseconds"),
        Option("cpu-rt-period", "", "int", "Length of the period of --cpu-rt-runtime, in microseconds"),
        Option("cpu-rt-runtime", "", "int", "Time of its real-time processes in each period, in microseconds"),
        Option("cpu-shares", "c", "int", "Weight against other containers when CPUs are scarce"),
        Option("cpus", "", "decimal", "Number of CPUs, such as 0.5"),
        Option("cpuset-cpus", "", "text", "CPUs that it may use, such as 0-2,5"),
        Option("cpuset-mems", "", "text", "NUMA nodes whose memory it may use, such as 0,1"),
        Option("memory", "m", "bytes", "Limit memory, such as 64m"),
        Option("memory-reservation", "", "bytes", "Memory that is taken back last when the machine is short of it"),
        Option("memory-swap", "", "swap", "Limit memory and swap together (-1: any amount of swap)"),
        Option("pids-limit", "", "int", "Limit the number of processes (-1: no limit)"),
        Option("restart", "", "text", "Start it again when it ends: no, on-failure[:n], always or unless-stopped"),
    ),
    least=1,
    examples=("update -m 128m web", "update --cpus 0.5 --pids-limit 64 web db", "update --restart always web"),
    completes="container",
)
