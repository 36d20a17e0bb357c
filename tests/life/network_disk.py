"""A file system that the kernel calls fuse.sshfs, answered by a thread of this process: an empty folder.

struct names and numbers are those of include/uapi/linux/fuse.h.
"""

from __future__ import annotations

import os
import stat
import struct
import threading
import time
from pathlib import Path

from ipycontainer.linux import mounts

_IN = struct.Struct("<IIQQIIII")
_OUT = struct.Struct("<IiQ")
_LOOKUP, _FORGET, _GETATTR, _INIT, _DESTROY = 1, 2, 3, 26, 38
_ENOENT, _ENOSYS = 2, 38
# What would leave something on the disk: mknod, mkdir, symlink, link, create, and writing.
_MAKING = {6: "symlink", 8: "mknod", 9: "mkdir", 13: "link", 16: "write", 35: "create"}


class NetworkDisk:
    """Mounted at `target` from `__enter__` on; `made` lists what somebody tried to make there."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self.made: list[str] = []

    def __enter__(self) -> NetworkDisk:
        self._device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
        data = f"fd={self._device},rootmode=40000,user_id=0,group_id=0,allow_other"
        mounts.mount("host:/share", str(self.target), "fuse.sshfs", mounts.MS_NOSUID | mounts.MS_NODEV, data)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_details: object) -> None:
        mounts.umount(str(self.target), mounts.MNT_DETACH)
        self._thread.join(5)
        os.close(self._device)

    def _serve(self) -> None:
        while True:
            try:
                request = os.read(self._device, 1 << 17)
            except OSError:
                return  # ENODEV: unmounted
            _, code, unique, *_ = _IN.unpack_from(request)
            if code in _MAKING:
                self.made.append(_MAKING[code])
            if code in (_FORGET, _DESTROY):
                continue
            error, body = self._answer(code)
            os.write(self._device, _OUT.pack(_OUT.size + len(body), -error, unique) + body)

    @staticmethod
    def _answer(code: int) -> tuple[int, bytes]:
        if code == _INIT:
            return 0, struct.pack("<IIIIHHIIHHI7I", 7, 31, 65536, 0, 12, 9, 65536, 1, 16, 0, 0, *[0] * 7)
        if code == _GETATTR:
            now = int(time.time())
            attr = struct.pack("<6Q", 1, 4096, 8, now, now, now)
            attr += struct.pack("<10I", 0, 0, 0, stat.S_IFDIR | 0o777, 2, 0, 0, 0, 4096, 0)
            return 0, struct.pack("<QII", 0, 0, 0) + attr
        return (_ENOENT if code == _LOOKUP else _ENOSYS), b""
