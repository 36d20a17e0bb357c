"""What `base` takes from this machine: a shell with its tools, and a Python."""

from __future__ import annotations

import glob
import os

from ipycontainer.images.base.elf import Finder
from ipycontainer.images.base.selection import Selection

_FOLDERS = ("/usr/bin", "/bin", "/usr/sbin", "/sbin")

_COREUTILS = """
[ arch b2sum base32 base64 basename cat chgrp chmod chown cksum comm cp csplit cut date dd df dir dircolors dirname
du echo env expand expr factor false fmt fold groups head hostid id install join link ln logname ls md5sum mkdir
mkfifo mknod mktemp mv nice nl nohup nproc numfmt od paste pathchk pr printenv printf pwd readlink realpath rm rmdir
runcon seq sha1sum sha224sum sha256sum sha384sum sha512sum shuf sleep sort split stat stdbuf stty sum sync tac tail tee
test timeout touch tr true truncate tsort tty uname unexpand uniq unlink users vdir wc who whoami yes chroot coreutils
"""
_OTHERS = """
sh bash grep egrep fgrep sed awk find xargs tar gzip gunzip zcat diff cmp less more clear tput hostname getent getconf
ps top free uptime kill pkill pgrep pidof watch vmstat w slabtop pmap sysctl
mount umount findmnt mountpoint lsns unshare nsenter setsid setpriv prlimit renice ionice taskset chrt dmesg getopt
flock lscpu lsblk ipcs ipcmk ipcrm logger script column hexdump rev
ip ss ping capsh getcap setcap which tini catatonit
"""
_DATA = ("/etc/os-release", "/etc/protocols", "/etc/services", "/etc/debian_version", "/etc/bash.bashrc")
_DLOPENED = ("libgcc_s.so.1", "libnss_files.so.2", "libnss_dns.so.2")
"""Libraries that no file names: threads that are cancelled, and name look-ups of older C libraries."""

_TERMINALS = ("dumb", "linux", "xterm", "xterm-256color", "xterm-color", "screen", "tmux", "tmux-256color", "vt100")

_PASSWD = """root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
bin:x:2:2:bin:/bin:/usr/sbin/nologin
mail:x:8:8:mail:/var/mail:/usr/sbin/nologin
www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin
user:x:1000:1000:user:/home/user:/bin/sh
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
"""
_GROUP = """root:x:0:
daemon:x:1:
bin:x:2:
adm:x:4:
tty:x:5:
disk:x:6:
mail:x:8:
www-data:x:33:
staff:x:50:
users:x:100:
user:x:1000:
nogroup:x:65534:
"""
_NOT_PYTHON = (
    "test", "tests", "idlelib", "turtledemo", "tkinter", "lib2to3", "ensurepip", "site-packages", "dist-packages",
    "LICENSE.txt", "EXTERNALLY-MANAGED",
)  # fmt: skip
_NOT_PYTHON_ENDS = (".opt-1.pyc", ".opt-2.pyc", ".a", ".exe")


def shell_files() -> Selection:
    """A shell, the small tools, and an empty system around them."""
    selection = Selection(Finder())
    for path in ("/dev", "/etc", "/home", "/proc", "/sys", "/usr", "/var", "/run", "/mnt", "/srv", "/opt"):
        selection.folder(path)
    for path in ("/root", "/home/user"):
        selection.folder(path, 0o700 if path == "/root" else 0o755)
    for name in ("bin", "sbin", "lib", "lib64"):
        _keep_merged(selection, name)
    for path in ("/usr/bin", "/usr/sbin", "/usr/lib", "/usr/local", "/usr/local/bin", "/usr/share", "/var/log"):
        selection.folder(path)
    for path in ("/tmp", "/var/tmp"):
        selection.folder(path, 0o1777)
    selection.text("/etc/passwd", _PASSWD)
    selection.text("/etc/group", _GROUP)
    selection.text("/etc/shells", "/bin/sh\n/bin/bash\n")
    for name in (*_COREUTILS.split(), *_OTHERS.split()):
        add_command(selection, name)
    for path in _DATA:
        selection.add(path)
    _add_terminals(selection)
    for folder in ("/usr/lib/locale/C.utf8", "/usr/lib/locale/C.UTF-8"):
        selection.add_tree(folder)
    _add_dlopened(selection)
    return selection


def add_command(selection: Selection, name: str) -> bool:
    """The first command of that name in the system's folders; scripts of other languages are left behind."""
    for folder in _FOLDERS:
        path = os.path.join(folder, name)
        if os.access(path, os.X_OK) and os.path.isfile(path):
            return _runs_here(path) and selection.add(path)
    return False


def _runs_here(path: str) -> bool:
    with open(path, "rb") as file:
        start = file.read(64)
    first = start.partition(b"\n")[0]
    return not first.startswith(b"#!") or first.split()[0].endswith((b"/sh", b"/bash", b"!/bin/sh"))


def _keep_merged(selection: Selection, name: str) -> None:
    """/bin is a link to usr/bin, or a folder of its own, as on the host: the loader's path is in every program."""
    path = f"/{name}"
    if os.path.islink(path):
        selection.folder("/usr")
        selection.folder(os.path.normpath(os.path.join("/", os.readlink(path))))
        selection.link(path, os.readlink(path))
    elif os.path.isdir(path):
        selection.folder(path)


def _add_terminals(selection: Selection) -> None:
    for name in _TERMINALS:
        for folder in ("/etc/terminfo", "/lib/terminfo", "/usr/share/terminfo"):
            if selection.add(f"{folder}/{name[0]}/{name}"):
                break


def _add_dlopened(selection: Selection) -> None:
    libc = next((path for path in sorted(selection.files) if os.path.basename(path).startswith("libc.so")), None)
    for name in _DLOPENED if libc else ():
        selection.add(os.path.join(os.path.dirname(str(libc)), name))


def python_files(shell: Selection) -> Selection:
    """A Python with its standard library: the running one if others may read it, else the system's."""
    selection = Selection(Finder(), below=shell)
    program, library = find_python()
    if not program or not selection.add(program):
        return selection
    selection.add_tree(library, (*_NOT_PYTHON, *_configurations(library)), _NOT_PYTHON_ENDS)
    name = os.path.basename(os.path.realpath(program))
    for path in ("/usr/bin/python3", "/usr/bin/python", f"/usr/bin/{name}"):
        if path != program:
            selection.link(path, program)
    return selection


def _configurations(library: str) -> list[str]:
    return [os.path.basename(path) for path in glob.glob(os.path.join(library, "config-*"))]


def find_python() -> tuple[str, str]:
    """(program, its standard library); ("", "") where there is none that others may read."""
    import sys

    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    running = os.path.join(sys.base_exec_prefix, "bin", version)
    library = os.path.dirname(os.path.realpath(os.__file__))
    if os.path.isfile(running) and all(_open_to_others(path) for path in (running, library)):
        return running, library
    system = os.path.realpath("/usr/bin/python3")
    library = f"/usr/lib/{os.path.basename(system)}"
    if os.path.isfile(system) and os.path.isdir(library):
        return "/usr/bin/python3", library
    return "", ""


def _open_to_others(path: str) -> bool:
    """Whether anybody may read `path`: then it is no secret to put it into an image."""
    at = os.path.realpath(path)
    if not os.stat(at).st_mode & 0o004:
        return False
    while at != "/":
        at = os.path.dirname(at)
        if not os.stat(at).st_mode & 0o001:
            return False
    return True
