"""The mounts that a process sees, as text: proc_pid_mountinfo(5).  Reading them needs no system call of ours."""

from __future__ import annotations

from ipycontainer.record import Record


class MountInfo(Record):
    """One line of /proc/PID/mountinfo, proc_pid_mountinfo(5)."""

    mount_id: int
    parent_id: int
    device: str
    root: str
    target: str
    options: tuple[str, ...]
    propagation: tuple[str, ...]
    kind: str
    source: str
    super_options: tuple[str, ...]


def parse_mountinfo(text: str) -> list[MountInfo]:
    """The mounts in `text`, in the kernel's order.  Lines that are not mountinfo are refused with ValueError.

    Split at newlines alone: other characters that `splitlines` knows may stand in a mount point.
    """
    return [_parse_line(line) for line in text.split("\n") if line]


def _parse_line(line: str) -> MountInfo:
    left, dash, right = line.partition(" - ")
    fields, rest = left.split(" "), right.split(" ")
    if not dash or len(fields) < 6 or len(rest) < 3:
        raise ValueError(f"not a line of mountinfo: {line!r}")
    return MountInfo(
        mount_id=int(fields[0]),
        parent_id=int(fields[1]),
        device=fields[2],
        root=unescape(fields[3]),
        target=unescape(fields[4]),
        options=tuple(fields[5].split(",")),
        propagation=tuple(fields[6:]),
        kind=rest[0],
        source=unescape(rest[1]),
        super_options=tuple(rest[2].split(",")),
    )


def unescape(text: str) -> str:
    r"""Undo the kernel's \ooo for space, tab, newline and backslash."""
    if "\\" not in text:
        return text
    parts = text.split("\\")
    out = [parts[0]]
    for part in parts[1:]:
        octal = part[:3]
        if len(octal) == 3 and all(digit in "01234567" for digit in octal):
            out.append(chr(int(octal, 8)) + part[3:])
        else:
            out.append("\\" + part)
    return "".join(out)


def read_mountinfo(process: str = "self") -> list[MountInfo]:
    """The mounts that `process` sees."""
    with open(f"/proc/{process}/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        return parse_mountinfo(file.read())


def mount_over(found: list[MountInfo], path: str) -> MountInfo | None:
    """The mount that holds the absolute `path`: the innermost, and of two at one place the later."""
    best: MountInfo | None = None
    for mount in found:
        if path != mount.target and not path.startswith(mount.target.rstrip("/") + "/"):
            continue
        if best is None or len(mount.target) >= len(best.target):
            best = mount
    return best


def kind_of(path: str) -> str:
    """The kind of file system that the absolute `path` lies on ("ext4", "nfs4", …); "" if no mount holds it."""
    best = mount_over(read_mountinfo(), path)
    return best.kind if best else ""
