"""The step that installs the filter of system calls."""

from __future__ import annotations

import os

from ipycontainer.errors import KernelError, StartError
from ipycontainer.linux import seccomp
from ipycontainer.runtime.inside.step import Place, Step

# Loaded with the launcher, so that every container finds them: after pivot_root nothing can be read any more.
if os.uname().machine == "aarch64":
    from ipycontainer.runtime.seccomp_profile.shipped_aarch64 import PROGRAMS
else:
    from ipycontainer.runtime.seccomp_profile.shipped_x86_64 import PROGRAMS

_EINVAL, _ENOSYS = 22, 38


class InstallFilter(Step):
    """Let the program make the system calls of its profile alone.

    program: the name of a program that is shipped, or its instructions in hexadecimal (runtime/seccomp_profile);
    options: names of seccomp(2)'s flags, less SECCOMP_FILTER_FLAG_.
    """

    call = "seccomp(2) SECCOMP_SET_MODE_FILTER"
    why = (
        "most holes in a kernel lie in calls that few programs make; installed as the last power is gone, because "
        "no_new_privs allows it then, and nothing but execve is left to do; without no_new_privs it takes "
        "CAP_SYS_ADMIN, and so comes before capabilities are dropped"
    )
    shows = "/proc/self/status: Seccomp, Seccomp_filters"

    program: str
    options: tuple[str, ...] = ()

    def take(self, place: Place) -> None:
        program = PROGRAMS.get(self.program) or bytes.fromhex(self.program)
        try:
            seccomp.load(program, sum(seccomp.FLAGS[name] for name in self.options))
        except KernelError as error:
            if error.errno in (_EINVAL, _ENOSYS):
                raise StartError(
                    f"this kernel does not take the seccomp filter ({error}); with "
                    "--security-opt seccomp=unconfined the container runs without one, and is less confined"
                ) from None
            raise
